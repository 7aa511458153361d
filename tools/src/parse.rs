//! `gene parse`.
use crate::options::{self, Parse, ParseFormat};
use gene::FormStyle;
use std::io::Read;

pub fn run(o: &Parse) -> i32 {
    let name = o.file.to_string_lossy().into_owned();
    let text = if name == "-" {
        let mut text = Vec::new();
        std::io::stdin().lock().read_to_end(&mut text).map(|_| text)
    } else {
        std::fs::read(&name)
    };
    let text = match text {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("Error: File not found: {name}");
            return 1;
        }
        Err(e) => {
            eprintln!("Error: {}", gene::file_ops::message(gene::file_ops::READ, &name, &gene::reason(&e)));
            return 1;
        }
    };
    let style = match o.format {
        ParseFormat::Pretty => FormStyle::Pretty,
        ParseFormat::Compact => FormStyle::Compact,
        ParseFormat::Json => FormStyle::Json,
    };
    let shown = if name == "-" { "<stdin>" } else { name.as_str() };
    let mut vm = gene::Vm::builder().diagnostics(options::diagnostics(o.diagnostics)).build();
    vm.show_forms(shown, &text, style)
}
