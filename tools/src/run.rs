//! `gene run`.
use crate::options::{Run, texts};
use crate::{repl, signals};
use gene::Print;
use std::io::Read;

pub fn run(o: Run) -> i32 {
    let mut words = texts(&o.words);
    let file = words.remove(0);
    let builder = match o.common.builder() {
        Ok(b) => b,
        Err(code) => return code,
    };
    let mut vm = builder.args(words).program(file.clone()).build();
    signals::watch(vm.interrupt_handle());
    let code = if file == "-" {
        let mut text = Vec::new();
        if let Err(e) = std::io::stdin().lock().read_to_end(&mut text) {
            eprintln!("Error: Failed to read stdin: {e}");
            return 1;
        }
        vm.run_source_printing("<stdin>", &text, Print::Nothing)
    } else {
        match o.common.file(&file) {
            Ok(path) => vm.run_file(&path),
            Err(code) => return code,
        }
    };
    let code = o.common.written(&mut vm, code);
    if code != 0 && o.common.repl_on_error {
        vm.enter_failing_scope();
        repl::session(&mut vm);
    }
    if o.common.debug {
        vm.write_stderr(&format!("{}\n", vm.statistics()));
    }
    // The process ends now: taking the heap apart first would be in vain.
    std::mem::forget(vm);
    code
}
