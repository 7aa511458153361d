//! Showing what the reader makes of a text (`gene parse`, 20.8).
use crate::report;
use crate::vm::{Vm, decode};
use bumpalo::Bump;
use gene_vm::heap::{Gc, Kind};
use gene_vm::modules::{LoadFailure, Outcome};
use gene_vm::native::Stop;
use gene_vm::object::array::Array;
use gene_vm::object::map::Map;
use gene_vm::object::namespace::Member;
use gene_vm::syntax::diagnostic::{Diagnostic, Stage};
use gene_vm::syntax::source::Source;
use gene_vm::value::Value;
use std::rc::Rc;

/// How forms are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FormStyle {
    /// Every element on a line of its own.
    Pretty,
    /// One form per line.
    Compact,
    /// Tagged JSON, one form per line.
    Json,
}

/// Levels that are broken into lines; deeper ones stay on one.
const MAX_DEPTH: usize = 100;

/// True when more text could make this readable: a bracket or string is still open.
pub fn is_incomplete(text: &str) -> bool {
    gene_vm::syntax::read(&Bump::new(), text).is_err_and(|e| e.incomplete)
}

impl Vm {
    /// Writes the forms of a text to stdout; the exit code.
    pub fn show_forms(&mut self, name: &str, text: &[u8], style: FormStyle) -> i32 {
        let failure = match decode(name, text) {
            Ok(text) => match gene_vm::syntax::read(&Bump::new(), &text) {
                Ok(_) => return self.on_stack(|vm| vm.show_readable(&text, style)),
                Err(e) => LoadFailure {
                    source: Rc::new(Source::new(name, text)),
                    stage: Stage::Parse,
                    errors: vec![Diagnostic::from(e)],
                },
            },
            Err(failure) => failure,
        };
        let report = report::load_failure(&failure, self.diagnostics, self.color);
        self.inner.output.stderr(&report);
        1
    }

    fn show_readable(&mut self, text: &str, style: FormStyle) -> i32 {
        // The language's own reader function makes the forms into values; the text cannot fail to read any more.
        self.inner.options.args = vec![text.to_owned()];
        let outcome = match self.inner.load_main("<parse>", "($parse_all $args/0)".to_owned(), None, "<parse>") {
            Ok(body) => self.inner.run_main(body, true),
            Err(_) => Outcome::Exit(1),
        };
        let outcome = match outcome {
            Outcome::Done(v) => match self.write_forms(v, style) {
                Ok(()) => outcome,
                Err(_) => Outcome::Threw(std::mem::replace(&mut self.inner.exception, Value::UNDEF)),
            },
            other => other,
        };
        let code = self.exit_code(outcome);
        self.inner.output.flush();
        code
    }

    fn write_forms(&mut self, forms: Value, style: FormStyle) -> Result<(), Stop> {
        let Some(forms) = forms.get::<Array>(Kind::Array) else { return Ok(()) };
        let vm = &mut *self.inner;
        for &form in forms.as_slice() {
            let mut out = String::new();
            match style {
                FormStyle::Compact => out = vm.to_debug(form)?,
                FormStyle::Pretty => pretty(vm, &mut out, form, 0)?,
                FormStyle::Json => {
                    let json = vm.sub_namespace(vm.gene_ns, "json");
                    let name = vm.symbols.intern_static("serialize");
                    let Some(Member::Value(f)) = json.data().find(name) else {
                        return Err(vm.runtime_error("gene/json/serialize is not defined"));
                    };
                    let text = vm.call_sync(f, &[form])?;
                    out = vm.to_display(text)?;
                }
            }
            out.push('\n');
            vm.output.stdout(&out);
        }
        Ok(())
    }
}

type InnerVm = gene_vm::vm::Vm;

/// A container's first line holds its bracket (and a gene's type), its last one the closing bracket.
fn pretty(vm: &mut InnerVm, out: &mut String, v: Value, level: usize) -> Result<(), Stop> {
    let frozen = v.is_ptr() && v.gc::<Map>().header().frozen();
    if level < MAX_DEPTH && frozen && is_container(v) {
        out.push('#');
    }
    let kind = if level < MAX_DEPTH { v.heap_kind() } else { None };
    match kind {
        Some(Kind::Array) if v.gc::<Array>().size() > 0 => {
            out.push('[');
            elements(vm, out, v.gc(), level)?;
            end(out, level, ']');
        }
        Some(Kind::Map) if vm.map_len(v.gc()) > 0 => {
            out.push('{');
            entries(vm, out, v.gc(), level)?;
            end(out, level, '}');
        }
        Some(Kind::Gene) => {
            let g = v.gc::<gene_vm::heap::Record>();
            let (ty, props, children) = (g.gene_type(), g.gene_props(), g.gene_children());
            let props = props.filter(|&m| vm.map_len(m) > 0);
            if props.is_none() && children.size() == 0 {
                // The `#` is part of the one-line form.
                if frozen {
                    out.pop();
                }
                out.push_str(&vm.to_debug(v)?);
                return Ok(());
            }
            out.push('(');
            out.push_str(&vm.to_debug(ty)?);
            if let Some(props) = props {
                entries(vm, out, props, level)?;
            }
            elements(vm, out, children, level)?;
            end(out, level, ')');
        }
        _ => {
            if level < MAX_DEPTH && frozen && is_container(v) {
                out.pop();
            }
            out.push_str(&vm.to_debug(v)?);
        }
    }
    Ok(())
}

fn is_container(v: Value) -> bool {
    matches!(v.heap_kind(), Some(Kind::Array | Kind::Map | Kind::Gene))
}

fn line(out: &mut String, level: usize) {
    out.push('\n');
    for _ in 0..level {
        out.push_str("  ");
    }
}

fn end(out: &mut String, level: usize, bracket: char) {
    line(out, level);
    out.push(bracket);
}

fn elements(vm: &mut InnerVm, out: &mut String, list: Gc<Array>, level: usize) -> Result<(), Stop> {
    for &item in list.as_slice() {
        line(out, level + 1);
        pretty(vm, out, item, level + 1)?;
    }
    Ok(())
}

fn entries(vm: &mut InnerVm, out: &mut String, m: Gc<Map>, level: usize) -> Result<(), Stop> {
    for (key, value) in vm.map_entries(m) {
        line(out, level + 1);
        if gene_vm::library::printer::write_key(out, vm.sym_name(key), value) {
            out.push(' ');
            pretty(vm, out, value, level + 1)?;
        }
    }
    Ok(())
}
