//! `gene run-examples`.
use crate::options::RunExamples;
use crate::{input, repl, signals};

pub fn run(o: &RunExamples) -> i32 {
    let builder = match o.common.builder() {
        Ok(b) => b,
        Err(code) => return code,
    };
    let (mut vm, code);
    if o.file == "-" {
        let input = match input::stdin() {
            Ok(input) => input,
            Err(code) => return code,
        };
        vm = builder.program("-".to_owned()).build();
        signals::watch(vm.interrupt_handle());
        code = vm.run_examples_of(&input.name, &input.text);
    } else {
        let path = match o.common.file(&o.file.to_string_lossy()) {
            Ok(path) => path,
            Err(code) => return code,
        };
        vm = builder.program(path.to_string_lossy().into_owned()).build();
        signals::watch(vm.interrupt_handle());
        code = vm.run_examples(&path);
    }
    let code = o.common.written(&mut vm, code);
    if o.common.repl_on_error && vm.enter_failing_scope() {
        repl::session(&mut vm);
    }
    vm.flush();
    if o.common.debug {
        vm.write_stderr(&format!("{}\n", vm.statistics()));
    }
    std::mem::forget(vm);
    code
}
