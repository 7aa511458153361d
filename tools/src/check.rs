//! `gene check`.
use crate::options::{Check, texts};
use std::path::Path;

pub fn run(o: &Check) -> i32 {
    let mut errors = 0;
    for file in texts(&o.files) {
        // A machine for each: what one file defines is nothing to the next.
        let mut vm = match o.common.builder() {
            Ok(b) => b.program(file.clone()).build(),
            Err(code) => return code,
        };
        errors += vm.check_file(Path::new(&file));
        vm.flush();
    }
    i32::from(errors > 0)
}
