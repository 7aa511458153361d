//! `gene eval`.
use crate::options::{Eval, texts};
use crate::{repl, signals};
use gene::Print;
use std::io::Read;

pub fn run(o: Eval) -> i32 {
    let mut words = texts(&o.words);
    let builder = match o.common.builder() {
        Ok(b) => b,
        Err(code) => return code,
    };
    let code = if words.is_empty() {
        let mut text = Vec::new();
        if let Err(e) = std::io::stdin().lock().read_to_end(&mut text) {
            eprintln!("Error: Failed to read stdin: {e}");
            return 1;
        }
        text
    } else {
        words.remove(0).into_bytes()
    };
    let print = match &o {
        o if o.csv => Print::Csv,
        o if o.json => Print::Json,
        o if o.line => Print::Display,
        o if o.gene || o.print_last => Print::Debug,
        _ => Print::Nothing,
    };
    let mut vm = builder.args(words).build();
    signals::watch(vm.interrupt_handle());
    let status = vm.run_source_printing("<eval>", &code, print);
    let status = o.common.written(&mut vm, status);
    if status != 0 && o.common.repl_on_error {
        vm.enter_failing_scope();
        repl::session(&mut vm);
    }
    if o.common.debug {
        vm.write_stderr(&format!("{}\n", vm.statistics()));
    }
    std::mem::forget(vm);
    status
}
