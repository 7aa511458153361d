//! Reports of uncaught exceptions and of programs that could not be compiled (20.3, 20.4).
use crate::hints;
use gene_vm::heap::Kind;
use gene_vm::interp::trace;
use gene_vm::modules::LoadFailure;
use gene_vm::object::array::Array;
use gene_vm::object::map::Map;
use gene_vm::syntax::diagnostic::{DataReport, Severity};
use gene_vm::value::Value;
use gene_vm::vm::Vm;
use std::fmt::Write;

/// Form of reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Diagnostics {
    /// For people.
    #[default]
    Text,
    /// One line per report, a Gene map.
    Data,
}

/// Stack lines shown.
const MAX_FRAMES: usize = 20;
/// Causes shown: a chain may be a circle.
const MAX_CAUSES: usize = 20;

/// One exception, taken out of the VM.
#[derive(Default, Debug, Clone)]
pub struct Failure {
    /// Empty for plain `Exception`.
    pub class: String,
    pub message: String,
    /// Lines of the stack, innermost first, and how many more there are.
    pub frames: Vec<String>,
    pub more: usize,
    /// Lines of `async_trace`: the awaits the exception came through, and where their tasks were started.
    pub awaits: Vec<String>,
    pub code: String,
    /// Of the throw: file, line, column.
    pub position: Option<(String, u32, u32)>,
    /// The source line with its caret; empty when not available.
    pub excerpt: String,
    /// One more sentence that may help.
    pub hint: Option<String>,
}

/// What an exception was caused by.
#[derive(Debug, Clone)]
pub enum Cause {
    Exception(Failure),
    /// Debug form of another value.
    Value(String),
}

/// An uncaught exception with its causes.
#[derive(Debug, Clone)]
pub struct Report {
    pub failure: Failure,
    pub causes: Vec<Cause>,
}

impl Failure {
    fn write_head(&self, out: &mut String) {
        if !self.class.is_empty() {
            out.push_str(&self.class);
            out.push_str(": ");
        }
        out.push_str(&self.message.replace('\n', "\n  "));
        out.push('\n');
    }

    fn write_frames(&self, out: &mut String) {
        for frame in self.frames.iter().take(MAX_FRAMES) {
            let _ = writeln!(out, "  at {frame}");
        }
        let more = self.more + self.frames.len().saturating_sub(MAX_FRAMES);
        if more > 0 {
            let _ = writeln!(out, "  ... {more} more");
        }
        for line in self.awaits.iter().take(MAX_FRAMES) {
            let _ = writeln!(out, "  {line}");
        }
    }
}

impl Report {
    /// Takes the exception out of the VM. Its texts may run `to_s` methods of the script; what these throw is left out.
    pub fn of(vm: &mut Vm, exception: Value) -> Report {
        let failure = failure(vm, exception);
        let mut causes = Vec::new();
        let mut seen = vec![exception];
        let mut cause = field(vm, exception, "cause");
        while let Some(v) = cause
            && causes.len() < MAX_CAUSES
            && !seen.contains(&v)
        {
            if !is_exception(vm, v) {
                let shown = vm.to_debug(v).unwrap_or_else(|_| {
                    vm.exception = Value::UNDEF;
                    String::new()
                });
                causes.push(Cause::Value(shown));
                break;
            }
            causes.push(Cause::Exception(self::failure(vm, v)));
            seen.push(v);
            cause = field(vm, v, "cause");
        }
        Report { failure, causes }
    }

    /// With a line end behind it.
    pub fn render(&self, form: Diagnostics, color: bool) -> String {
        match form {
            Diagnostics::Text => self.text(color),
            Diagnostics::Data => self.data(),
        }
    }

    fn text(&self, color: bool) -> String {
        let mut out = label(color);
        self.failure.write_head(&mut out);
        self.failure.write_frames(&mut out);
        if let Some((file, line, column)) = &self.failure.position
            && !self.failure.excerpt.is_empty()
        {
            let _ = writeln!(out, "{file}:{line}:{column}\n{}", self.failure.excerpt);
        }
        if let Some(hint) = &self.failure.hint {
            let _ = writeln!(out, "Hint: {hint}");
        }
        for cause in &self.causes {
            out.push_str("Caused by: ");
            match cause {
                Cause::Exception(f) => {
                    f.write_head(&mut out);
                    f.write_frames(&mut out);
                }
                Cause::Value(shown) => {
                    out.push_str(shown);
                    out.push('\n');
                }
            }
        }
        out
    }

    fn data(&self) -> String {
        let f = &self.failure;
        // No expression of the program is at fault by itself.
        let nowhere = f.message.starts_with("ContractViolation: ")
            || (is_type_error(&f.message) && f.message.contains(" in return value of "));
        let (file, line, column) = match &f.position {
            Some((file, line, column)) if !nowhere => (file.as_str(), *line, *column),
            _ => ("", 0, 0),
        };
        let report = DataReport {
            severity: Severity::Error,
            message: &f.message,
            code: &f.code,
            stage: "runtime",
            file,
            line,
            column,
            hint: f.hint.as_deref(),
        };
        format!("{report}\n")
    }
}

fn is_type_error(message: &str) -> bool {
    message.starts_with("Type error [GENE_TYPE_MISMATCH]: ")
}

fn label(color: bool) -> String {
    if color { "\x1b[1;31mError\x1b[0m: ".to_owned() } else { "Error: ".to_owned() }
}

/// The report of a module that could not be compiled, with a line end behind it.
pub fn load_failure(failure: &LoadFailure, form: Diagnostics, color: bool) -> String {
    let mut out = String::new();
    for e in &failure.errors {
        let hint = hints::of_diagnostic(&failure.source, failure.stage, e);
        let line = match form {
            Diagnostics::Data => e.render_data(&failure.source, failure.stage, hint.as_deref()),
            Diagnostics::Text => e.render(&failure.source),
        };
        match line.strip_prefix("Error: ").filter(|_| form == Diagnostics::Text) {
            Some(rest) => {
                out.push_str(&label(color));
                out.push_str(rest);
            }
            None => out.push_str(&line),
        }
        out.push('\n');
        if let (Some(hint), Diagnostics::Text) = (hint, form) {
            let _ = writeln!(out, "Hint: {hint}");
        }
    }
    out
}

fn is_exception(vm: &Vm, v: Value) -> bool {
    v.is_kind(Kind::Instance) && vm.instance_class(v.gc()).data().is_exception
}

/// A field of an exception that is there and not nil.
fn field(vm: &mut Vm, ex: Value, name: &'static str) -> Option<Value> {
    let m = ex.get::<Map>(Kind::Instance)?;
    let key = vm.symbols.intern_static(name);
    vm.map_get(m, key).filter(|v| !v.is_nil() && !v.is_void())
}

fn failure(vm: &mut Vm, ex: Value) -> Failure {
    let class = vm.exception_class_name(ex);
    let class = if class == "Exception" { String::new() } else { class.to_owned() };
    let message = vm.exception_message(ex);
    let (frames, more) = trace::frames(vm, ex);
    let place = frames.iter().find_map(|f| f.position.as_ref());
    let position = place.map(|(source, line, column)| (source.name.clone(), *line, *column));
    let excerpt = place.map(|(source, line, column)| source.excerpt(*line, *column)).unwrap_or_default();
    let at = place.map(|(source, line, column)| (&**source, *line, *column));
    let hint = hints::of_call(vm, ex, &message, at).or_else(|| hints::of_exception(vm, &class, &message, at));
    let code = match field(vm, ex, "code").and_then(|v| v.as_str()).filter(|c| c.starts_with("GENE.")) {
        Some(code) => code.to_owned(),
        None => code_of(&class, &message),
    };
    let awaits = match field(vm, ex, "async_trace").and_then(|v| v.get::<Array>(Kind::Array)) {
        Some(lines) => lines.as_slice().iter().filter_map(|l| l.as_str()).map(str::to_owned).collect(),
        None => Vec::new(),
    };
    let frames = frames.iter().map(trace::line).collect();
    Failure { class, message, frames, more, awaits, code, position, excerpt, hint }
}

/// The code of an exception that carries none itself.
fn code_of(class: &str, message: &str) -> String {
    if let Some(rest) = message.strip_prefix('[')
        && let Some((code, _)) = rest.split_once(']')
        && code.starts_with("GENE.")
    {
        return code.to_owned();
    }
    let undefined = class == "RuntimeException"
        && message
            .strip_suffix(" is not defined")
            .is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace));
    if undefined { "GENE.SCOPE.UNDEFINED_VAR".to_owned() } else { "GENE.RUNTIME.ERROR".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_error() -> Failure {
        Failure {
            class: "TypeException".to_owned(),
            message: "Method to_i not found on Void".to_owned(),
            frames: vec!["<module> (sq.gene:2:14)".to_owned()],
            code: "GENE.RUNTIME.ERROR".to_owned(),
            position: Some(("sq.gene".to_owned(), 2, 14)),
            excerpt: "   2 | (println (sq $args/0/.to_i))\n     |              ^".to_owned(),
            ..Failure::default()
        }
    }

    #[test]
    fn a_report_has_class_stack_and_excerpt() {
        let report = Report { failure: type_error(), causes: Vec::new() };
        assert_eq!(
            report.render(Diagnostics::Text, false),
            "Error: TypeException: Method to_i not found on Void\n  at <module> (sq.gene:2:14)\nsq.gene:2:14\n   \
             2 | (println (sq $args/0/.to_i))\n     |              ^\n"
        );
    }

    #[test]
    fn causes_follow_and_long_stacks_are_cut() {
        let outer = Failure {
            message: "a\nb".to_owned(),
            frames: vec!["f (native)".to_owned(); 25],
            more: 3,
            ..Failure::default()
        };
        let report =
            Report { failure: outer, causes: vec![Cause::Exception(type_error()), Cause::Value("[1]".to_owned())] };
        let stack = "  at f (native)\n".repeat(20);
        assert_eq!(
            report.render(Diagnostics::Text, false),
            format!(
                "Error: a\n  b\n{stack}  ... 8 more\nCaused by: TypeException: Method to_i not found on Void\n  \
                 at <module> (sq.gene:2:14)\nCaused by: [1]\n"
            )
        );
    }

    #[test]
    fn data_is_one_line() {
        let report = |f: Failure| Report { failure: f, causes: Vec::new() }.render(Diagnostics::Data, true);
        assert_eq!(
            report(type_error()),
            "Error: {^message \"Method to_i not found on Void\" ^code \"GENE.RUNTIME.ERROR\" ^severity \"error\" \
             ^stage \"runtime\" ^span {^file \"sq.gene\" ^line 2 ^column 14} ^hints [] ^repair_tags [\"runtime\"]}\n"
        );
        let nowhere = "^span {^file \"\" ^line 0 ^column 0}";
        for message in [
            "ContractViolation: f precondition",
            "Type error [GENE_TYPE_MISMATCH]: expected Int, got String in return value of f",
        ] {
            assert!(report(Failure { message: message.to_owned(), ..type_error() }).contains(nowhere));
        }
    }

    #[test]
    fn codes_come_from_the_message() {
        assert_eq!(code_of("RuntimeException", "x is not defined"), "GENE.SCOPE.UNDEFINED_VAR");
        assert_eq!(code_of("RuntimeException", "Exported name x is not defined"), "GENE.RUNTIME.ERROR");
        assert_eq!(code_of("RuntimeException", "[GENE.MODULE.NOT_FOUND] Module"), "GENE.MODULE.NOT_FOUND");
        assert_eq!(code_of("", "x"), "GENE.RUNTIME.ERROR");
    }
}
