//! `gene parse`.
use crate::input;
use crate::options::{self, Parse, ParseFormat};
use gene::FormStyle;

pub fn run(o: &Parse) -> i32 {
    let input = match input::read(&o.file) {
        Ok(input) => input,
        Err(code) => return code,
    };
    let style = match o.format {
        ParseFormat::Pretty => FormStyle::Pretty,
        ParseFormat::Compact => FormStyle::Compact,
        ParseFormat::Json => FormStyle::Json,
    };
    let diagnostics = match options::diagnostics(o.diagnostics) {
        Ok(form) => form,
        Err(code) => return code,
    };
    let mut vm = gene::Vm::builder().diagnostics(diagnostics).color(options::color()).build();
    vm.show_forms(&input.name, &input.text, style)
}
