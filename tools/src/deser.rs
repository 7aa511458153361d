//! `gene deser`.
use crate::input::{self, Input};
use crate::options::{self, Deser, DeserFormat};

pub fn run(o: &Deser) -> i32 {
    let input = match (&o.text, &o.file) {
        (Some(text), _) => Ok(Input { name: "<text>".to_owned(), text: text.clone().into_bytes() }),
        (None, Some(file)) => input::read(file),
        (None, None) => input::stdin(),
    };
    let input = match input {
        Ok(input) => input,
        Err(code) => return code,
    };
    let pretty = o.format == DeserFormat::Pretty && !o.gene;
    let diagnostics = match options::diagnostics(o.diagnostics) {
        Ok(form) => form,
        Err(code) => return code,
    };
    let mut vm = gene::Vm::builder().diagnostics(diagnostics).color(options::color()).build();
    vm.show_serialized(&input.name, &input.text, pretty)
}
