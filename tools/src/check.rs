//! `gene check`.
use crate::input;
use crate::options::{Check, texts};

pub fn run(o: &Check) -> i32 {
    let mut errors = 0;
    for file in texts(&o.files) {
        // A machine for each: what one file defines is nothing to the next.
        let mut vm = match o.common.builder() {
            Ok(b) => b.program(file.clone()).build(),
            Err(code) => return code,
        };
        if file == "-" {
            match input::stdin() {
                Ok(input) => errors += vm.check_source(&input.name, &input.text),
                Err(code) => return code,
            }
            vm.flush();
            continue;
        }
        errors += match o.common.file(&file) {
            Ok(path) => vm.check_file(&path),
            Err(code) => return code,
        };
        vm.flush();
        if o.common.debug {
            vm.write_stderr(&format!("{}\n", vm.statistics()));
        }
    }
    i32::from(errors > 0)
}
