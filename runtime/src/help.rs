//! The library's documentation, from the doc strings at the definitions.
use crate::vm::Vm;
use gene_vm::library::help::{self, Entry, Home};
use std::fmt::Write;

impl Vm {
    /// What is known of a function or method, for a terminal. `Err`: nothing is; what there is instead.
    pub fn documentation(&self, name: &str) -> Result<String, String> {
        help::lookup(&self.inner, name)
    }

    /// Every builtin.
    pub fn builtins(&self) -> Vec<Entry> {
        help::entries(&self.inner)
    }

    /// Defines `doc`, for interactive sessions.
    pub fn enable_doc(&mut self) {
        self.inner.open_doc();
    }

    /// The reference of all builtins as a page.
    pub fn builtins_page(&self) -> String {
        let entries = self.builtins();
        let mut out = String::from(INTRODUCTION);
        let mut title = String::new();
        for e in &entries {
            let section = match &e.home {
                Home::Global => "Global functions".to_owned(),
                Home::Class(class) | Home::Static(class) => (*class).to_owned(),
                Home::Namespace(path) => format!("Namespace {path}"),
            };
            // Static members follow the methods of their class in a list of their own.
            let section = if matches!(e.home, Home::Static(_)) { format!("{section}, static") } else { section };
            if section != title {
                let _ = write!(out, "\n## {section}\n\n| | |\n|---|---|\n");
                title = section;
            }
            let examples: Vec<String> = e
                .examples()
                .map(|(expression, value)| match value {
                    Some(value) => format!("{} gives {}", code(expression), code(value)),
                    None => code(expression),
                })
                .collect();
            let examples = if examples.is_empty() { String::new() } else { format!("<br>{}", examples.join("<br>")) };
            let _ = writeln!(out, "| {} | {}{examples} |", code(e.signature()), e.sentence().replace('|', "\\|"));
        }
        out
    }
}

const INTRODUCTION: &str = "\
# Builtins

Every builtin function and method with its signature, a sentence and an example. This page is made by `gene doc --markdown` from
the doc strings at the definitions; `gene doc NAME` shows one of them, `(doc NAME)` does in a session.
";

/// In backquotes, fit for a table.
fn code(text: &str) -> String {
    let text = text.replace('|', "\\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}
