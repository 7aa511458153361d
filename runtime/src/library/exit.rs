//! Ending the program: `exit` and `system/exit` (14.1).
use crate::bridge;
use crate::host::host;
use gene_vm::def;
use gene_vm::library::args::int;
use gene_vm::native::{Args, NativeDef, R, Stop};
use gene_vm::task::scope::Cause;
use gene_vm::value::Value;
use gene_vm::vm::Vm;

fn code(vm: &mut Vm, a: &Args) -> Result<i32, Stop> {
    let n = match a.opt(0) {
        Some(v) => int(vm, "exit", v)?,
        None => 0,
    };
    match u8::try_from(n) {
        Ok(n) => Ok(i32::from(n)),
        Err(_) => Err(vm.argument_error(&format!("Exit code out of range: {n}"))),
    }
}

/// Cancels the root scope, and the running task as its own cancellation, so that `finally` parts run.
fn exit(vm: &mut Vm, a: &Args) -> R {
    let code = code(vm, a)?;
    vm.exit_code = Some(code);
    let root = vm.root_scope();
    vm.cancel_scope(root, Cause::Request(Value::NIL));
    let class = vm.classes.cancellation;
    let stop = vm.throw(class, "exit");
    let ex = vm.exception;
    vm.mark_own_cancellation(ex);
    Err(stop)
}

/// Flushes the streams and ends the process at once. Where the process is not the program's own, the program ends as with `exit`.
fn system_exit(vm: &mut Vm, a: &Args) -> R {
    let host = host(vm, a)?;
    if host.captured {
        return exit(vm, a);
    }
    let code = code(vm, a)?;
    host.flush();
    vm.output.flush();
    std::process::exit(code)
}

static GLOBALS: [NativeDef; 1] = [def!(
    "exit",
    exit,
    0,
    1,
    "(exit [code]) -- ends the program in order; `finally` parts run and streams are flushed.
        (exit 3)"
)];

static SYSTEM: [NativeDef; 1] = [def!(
    "exit",
    system_exit,
    0,
    1,
    "(system/exit [code]) -- flushes the streams and ends the process at once.
        (system/exit 3)"
)];

pub fn install(vm: &mut Vm, data: Value) {
    bridge::globals(vm, data, &GLOBALS);
    let system = vm.global_namespace("system");
    bridge::functions(vm, system, data, &SYSTEM);
}
