//! `readline` and `read_all` (14.1).
use super::stream::{Shape, read_stdin};
use crate::bridge;
use crate::buffered::Want;
use crate::host::host;
use gene_vm::def;
use gene_vm::native::{Args, NativeDef, R};
use gene_vm::value::Value;
use gene_vm::vm::Vm;
use std::rc::Rc;

fn readline(vm: &mut Vm, a: &Args) -> R {
    if let Some(prompt) = a.opt(0) {
        let prompt = vm.to_display(prompt)?;
        vm.output.stdout(&prompt);
        vm.output.flush();
    }
    let host = host(vm, a)?;
    read_stdin(vm, host, Rc::default(), Want::Line, Shape::Text)
}

fn read_all(vm: &mut Vm, a: &Args) -> R {
    let host = host(vm, a)?;
    read_stdin(vm, host, Rc::default(), Want::Rest, Shape::Text)
}

static DEFS: [NativeDef; 2] = [
    def!(
        "readline",
        readline,
        0,
        1,
        r#"(readline [prompt]) -- a line of stdin without its end; nil at the end.
        (readline "Name? ")"#
    ),
    def!(
        "read_all",
        read_all,
        0,
        0,
        "(read_all) -- the rest of stdin.
        ((read_all) .lines)"
    ),
];

pub fn install(vm: &mut Vm, data: Value) {
    bridge::globals(vm, data, &DEFS);
}
