//! `gene run-examples`.
use crate::options::RunExamples;
use crate::signals;
use std::path::Path;

pub fn run(o: &RunExamples) -> i32 {
    let builder = match o.common.builder() {
        Ok(b) => b,
        Err(code) => return code,
    };
    let path = o.common.located(Path::new(&o.file));
    let mut vm = builder.program(path.to_string_lossy().into_owned()).build();
    signals::watch(vm.interrupt_handle());
    let code = vm.run_examples(&path);
    vm.flush();
    std::mem::forget(vm);
    code
}
