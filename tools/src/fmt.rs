//! `gene fmt`.
use crate::input;
use crate::options::{self, Fmt};
use std::ffi::OsStr;
use std::io::Write;

pub fn run(o: &Fmt) -> i32 {
    let mut status = 0;
    for file in &o.files {
        status = status.max(format(o, file));
    }
    status
}

fn format(o: &Fmt, file: &OsStr) -> i32 {
    let input = match input::read(file) {
        Ok(input) => input,
        Err(code) => return code,
    };
    let diagnostics = match options::diagnostics(o.diagnostics) {
        Ok(form) => form,
        Err(code) => return code,
    };
    let formatted = match gene::format_bytes(&input.name, &input.text, diagnostics, options::color()) {
        Ok(text) => text,
        Err(report) => {
            eprint!("{report}");
            return 1;
        }
    };
    let changed = formatted.as_bytes() != input.text;
    if o.check {
        if changed {
            println!("{}", input.name);
        }
        return i32::from(changed);
    }
    let written = match file == "-" {
        true => std::io::stdout().lock().write_all(formatted.as_bytes()),
        false if changed => std::fs::write(file, &formatted),
        false => Ok(()),
    };
    match written {
        Ok(()) => 0,
        // Who reads has read enough.
        Err(e) if file == "-" && e.kind() == std::io::ErrorKind::BrokenPipe => 0,
        Err(e) if file == "-" => {
            eprintln!("Error: Failed to write to stdout: {}", gene::reason(&e));
            1
        }
        Err(e) => {
            let message = gene::file_ops::message(gene::file_ops::WRITE, &input.name, &gene::reason(&e));
            eprintln!("Error: {message}");
            1
        }
    }
}
