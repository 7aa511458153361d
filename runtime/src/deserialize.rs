//! Showing serialized data (`gene deser`, 20.12).
use crate::vm::{Vm, decode};
use gene_vm::modules::Outcome;
use gene_vm::native::Stop;
use gene_vm::value::Value;

const DESERIALIZE: &str = "gene/serdes/deserialize";

impl Vm {
    /// Deserializes the text and prints the value in debug form, on one line or laid out; the exit code.
    pub fn show_serialized(&mut self, name: &str, text: &[u8], pretty: bool) -> i32 {
        let text = match decode(name, text) {
            Ok(text) => text,
            Err(failure) => {
                self.report_load_failure(&failure);
                return 1;
            }
        };
        let code = self.on_stack(|vm| {
            let text = vm.inner.str(&text);
            let outcome = match vm.call_builtin(DESERIALIZE, &[text]) {
                Outcome::Done(v) => match vm.print_value(v, pretty) {
                    Ok(()) => Outcome::Done(v),
                    Err(_) => Outcome::Threw(std::mem::replace(&mut vm.inner.exception, Value::UNDEF)),
                },
                other => other,
            };
            vm.exit_code(outcome)
        });
        self.flush();
        code
    }

    fn print_value(&mut self, v: Value, pretty: bool) -> Result<(), Stop> {
        let text = if pretty { self.inner.to_pretty(v)? } else { self.inner.to_debug(v)? };
        self.inner.output.stdout(&format!("{text}\n"));
        Ok(())
    }
}
