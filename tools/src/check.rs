//! `gene check`.
use crate::options::{Check, texts};

pub fn run(o: &Check) -> i32 {
    let mut errors = 0;
    for file in texts(&o.files) {
        // A machine for each: what one file defines is nothing to the next.
        let mut vm = match o.common.builder() {
            Ok(b) => b.program(file.clone()).build(),
            Err(code) => return code,
        };
        errors += match o.common.file(&file) {
            Ok(path) => vm.check_file(&path),
            Err(code) => return code,
        };
        vm.flush();
    }
    i32::from(errors > 0)
}
