//! Reading what a command works on.
use std::ffi::OsStr;
use std::io::{ErrorKind, Read};

/// A text and the name reports show it under.
pub struct Input {
    pub name: String,
    pub text: Vec<u8>,
}

/// The file, or stdin for `-`. `Err`: exit code, the reason is reported.
pub fn read(file: &OsStr) -> Result<Input, i32> {
    if file == "-" {
        return stdin();
    }
    let name = file.to_string_lossy().into_owned();
    match std::fs::read(file) {
        Ok(text) => Ok(Input { name, text }),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            eprintln!("Error: File not found: {name}");
            Err(1)
        }
        Err(e) => {
            eprintln!("Error: {}", gene::file_ops::message(gene::file_ops::READ, &name, &gene::reason(&e)));
            Err(1)
        }
    }
}

pub fn stdin() -> Result<Input, i32> {
    let mut text = Vec::new();
    match std::io::stdin().lock().read_to_end(&mut text) {
        Ok(_) => Ok(Input { name: "<stdin>".to_owned(), text }),
        Err(e) => {
            eprintln!("Error: Failed to read stdin: {}", gene::reason(&e));
            Err(1)
        }
    }
}
