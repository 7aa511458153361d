//! `gene doc`.
use crate::options::Doc;
use std::io::Write;

pub fn run(o: &Doc) -> i32 {
    let vm = gene::Vm::builder().build();
    let mut text = String::new();
    let mut status = 0;
    if o.markdown {
        text = vm.builtins_page();
    } else if o.names.is_empty() {
        for entry in vm.builtins() {
            text.push_str(&entry.full_name());
            text.push('\n');
        }
    }
    for (i, name) in o.names.iter().enumerate() {
        match vm.documentation(name) {
            Ok(found) => {
                if i > 0 {
                    text.push('\n');
                }
                text.push_str(&found);
            }
            Err(missing) => {
                eprint!("Error: {missing}");
                status = 1;
            }
        }
    }
    // A reader that has seen enough (`gene doc | head`) is no error.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    status
}
