//! The machine as Rust programs use it.
use crate::builder::VmBuilder;
use crate::handle::{Handle, Roots};
use crate::host::Host;
use crate::interrupt::InterruptHandle;
use crate::library;
use crate::output::CaptureOutput;
use crate::report::{self, Diagnostics, Report};
use gene_vm::heap::Kind;
use gene_vm::modules::{LoadFailure, Outcome};
use gene_vm::native::Stop;
use gene_vm::object::array::Array;
use gene_vm::object::namespace::Member;
use gene_vm::syntax::diagnostic::{Diagnostic, Stage};
use gene_vm::syntax::source::Source;
use gene_vm::value::Value;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A virtual machine with files, processes, clock and standard streams.
///
/// ```
/// let mut vm = gene::Vm::builder().capture_output().build();
/// assert_eq!(vm.run_source("hello.gene", "(println (1 + 2))"), 0);
/// assert_eq!(vm.captured_stdout(), "3\n");
/// ```
pub struct Vm {
    pub(crate) inner: Box<gene_vm::vm::Vm>,
    /// The [`Host`] bound to the natives.
    pub(crate) host: Value,
    pub(crate) roots: Roots,
    pub(crate) captured: Option<CaptureOutput>,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) color: bool,
    pub(crate) drain: bool,
    /// Module of [`Vm::eval`].
    pub(crate) session: Option<u32>,
    /// Where programs that are no files import from.
    pub(crate) directory: Option<PathBuf>,
    /// The code of [`Vm::call`], once compiled.
    pub(crate) caller: Option<Value>,
    /// The exception that ended the program, if scopes are kept.
    pub(crate) failed: Option<Handle>,
}

/// What is printed of a program's last value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Print {
    #[default]
    Nothing,
    Debug,
    Display,
    Csv,
    Json,
}

/// Why evaluation gave no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The text could not be read or compiled.
    Load { report: String },
    /// An exception was not caught.
    Exception { class: String, message: String, report: String },
    /// The program ended itself, or was interrupted.
    Exit(i32),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Load { report } | Error::Exception { report, .. } => f.write_str(report.trim_end()),
            Error::Exit(code) => write!(f, "exit {code}"),
        }
    }
}

impl std::error::Error for Error {}

/// Exit code of a program whose main task can never go on.
const DEADLOCK: i32 = 13;

impl Vm {
    pub fn builder() -> VmBuilder {
        VmBuilder::default()
    }

    /// Runs a program; its exit code. Errors are reported on its stderr.
    pub fn run_file(&mut self, path: &Path) -> i32 {
        let name = path.to_string_lossy().into_owned();
        match std::fs::read(path) {
            Ok(text) => {
                let identity =
                    std::fs::canonicalize(path).map_or_else(|_| name.clone(), |p| p.to_string_lossy().into_owned());
                let dir = Path::new(&identity).parent().map(Path::to_path_buf);
                self.run_bytes(&name, &text, dir, &identity, Print::Nothing)
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                self.inner.output.stderr(&format!("Error: File not found: {name}\n"));
                1
            }
            Err(e) => {
                let message = crate::file_ops::message(crate::file_ops::READ, &name, &crate::reason(&e));
                self.inner.output.stderr(&format!("Error: {message}\n"));
                1
            }
        }
    }

    /// Runs a program that is no file; its imports are looked for in the working directory.
    pub fn run_source(&mut self, name: &str, text: &str) -> i32 {
        self.run_source_printing(name, text.as_bytes(), Print::Nothing)
    }

    /// As [`Vm::run_source`]; prints the last value.
    pub fn run_source_printing(&mut self, name: &str, text: &[u8], print: Print) -> i32 {
        self.run_bytes(name, text, self.directory.clone(), name, print)
    }

    fn run_bytes(&mut self, name: &str, text: &[u8], dir: Option<PathBuf>, identity: &str, print: Print) -> i32 {
        let code = match self.load(name, text, dir, identity) {
            Ok(body) => self.on_stack(|vm| {
                let outcome = vm.inner.run_main(body, vm.drain);
                let outcome = vm.printed(outcome, print);
                vm.exit_code(outcome)
            }),
            Err(failure) => {
                self.report_load_failure(&failure);
                1
            }
        };
        self.finish();
        code
    }

    /// Does `work` with the native stack above it seen by the collector: texts of values may run methods of the script.
    #[inline(never)]
    pub(crate) fn on_stack<T>(&mut self, work: impl FnOnce(&mut Vm) -> T) -> T {
        let here = 0usize;
        let base = std::ptr::from_ref(std::hint::black_box(&here)).addr();
        let old = self.inner.native_base;
        self.inner.native_base = base.max(old);
        let result = work(self);
        self.inner.native_base = old;
        result
    }

    fn load(&mut self, name: &str, text: &[u8], dir: Option<PathBuf>, identity: &str) -> Result<Value, LoadFailure> {
        let text = decode(name, text)?;
        self.set_program_dir(dir.as_deref());
        self.inner.load_main(name, text, dir, identity)
    }

    fn set_program_dir(&mut self, dir: Option<&Path>) {
        if let (Some(host), Some(dir)) = (self.host.foreign::<Host>(), dir) {
            host.packages.borrow_mut().set_program_dir(dir);
        }
    }

    /// Compiles without running; the number of errors, which are reported on stderr.
    pub fn check_file(&mut self, path: &Path) -> usize {
        let name = path.to_string_lossy().into_owned();
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                self.inner.output.stderr(&format!("Error: File not found: {name}\n"));
                return 1;
            }
            Err(e) => {
                let message = crate::file_ops::message(crate::file_ops::READ, &name, &crate::reason(&e));
                self.inner.output.stderr(&format!("Error: {message}\n"));
                return 1;
            }
        };
        let dir = path.parent().map(Path::to_path_buf);
        self.check_bytes(&name, &text, dir)
    }

    /// As [`Vm::check_file`], for a program that is no file.
    pub fn check_source(&mut self, name: &str, text: &[u8]) -> usize {
        self.check_bytes(name, text, None)
    }

    fn check_bytes(&mut self, name: &str, text: &[u8], dir: Option<PathBuf>) -> usize {
        match self.load(name, text, dir, name) {
            Ok(_) => 0,
            Err(failure) => {
                self.report_load_failure(&failure);
                failure.errors.len().max(1)
            }
        }
    }

    pub(crate) fn report_load_failure(&mut self, failure: &LoadFailure) {
        let report = report::load_failure(failure, self.diagnostics, self.color);
        self.inner.output.stderr(&report);
    }

    /// Prints the value the program ended with.
    fn printed(&mut self, outcome: Outcome, print: Print) -> Outcome {
        let Outcome::Done(v) = outcome else { return outcome };
        let vm = &mut *self.inner;
        let text = match print {
            Print::Nothing => return outcome,
            Print::Debug => vm.to_debug(v),
            Print::Display => vm.to_display(v),
            Print::Csv => {
                let rows = rows(vm, v);
                text_by(vm, "csv", rows)
            }
            Print::Json => text_by(vm, "json", v),
        };
        match text {
            Ok(text) => {
                // CSV brings its own line ends.
                let end = if print == Print::Csv { "" } else { "\n" };
                vm.output.stdout(&format!("{text}{end}"));
                outcome
            }
            Err(_) => Outcome::Threw(std::mem::replace(&mut vm.exception, Value::UNDEF)),
        }
    }

    pub(crate) fn exit_code(&mut self, outcome: Outcome) -> i32 {
        match outcome {
            Outcome::Done(_) => self.inner.tasks.failed_code.unwrap_or(0),
            Outcome::Exit(code) => code,
            Outcome::Threw(ex) => {
                self.keep_failure(ex);
                let report = Report::of(&mut self.inner, ex).render(self.diagnostics, self.color);
                self.inner.output.stderr(&report);
                if self.inner.deadlocked { DEADLOCK } else { 1 }
            }
        }
    }

    /// Writes out what streams and stdout hold back.
    fn finish(&mut self) {
        if let Some(host) = self.host.foreign::<Host>() {
            host.flush();
        }
        self.inner.output.flush();
    }

    /// Evaluates code in this machine's session: variables and functions it defines are there for the next one.
    pub fn eval(&mut self, code: &str) -> Result<Handle, Error> {
        self.eval_as("<eval>", code)
    }

    /// As [`Vm::eval`]; positions in reports show `name`.
    pub fn eval_as(&mut self, name: &str, code: &str) -> Result<Handle, Error> {
        let module = match self.session {
            Some(id) => id,
            None => {
                let source = Rc::new(Source::new(name, ""));
                let dir = self.directory.clone();
                self.set_program_dir(dir.as_deref());
                let id = self.inner.new_module(source, dir, name);
                self.session = Some(id);
                id
            }
        };
        let body = match self.inner.load_repl(module, code.to_owned(), name) {
            Ok(body) => body,
            Err(failure) => {
                return Err(Error::Load { report: report::load_failure(&failure, self.diagnostics, self.color) });
            }
        };
        self.on_stack(|vm| {
            let outcome = vm.inner.run_main(body, false);
            vm.inner.output.flush();
            match outcome {
                Outcome::Done(v) => Ok(vm.roots.hold(&mut vm.inner, v)),
                Outcome::Exit(code) => Err(Error::Exit(code)),
                Outcome::Threw(ex) => Err(vm.thrown(ex)),
            }
        })
    }

    /// After [`Error::Exit`]: the machine runs further code. What was left of the evaluation is dropped.
    pub fn resume(&mut self) {
        self.inner.exit_code = None;
        let tasks = &mut self.inner.tasks;
        if let Some(main) = tasks.main.take() {
            tasks.live.remove(main);
        }
        tasks.failed.clear();
    }

    /// Goes on with the session where the program failed: with the variables of the function that threw, as they were then, and
    /// those of its module. Without a kept scope it is the program's main module. False: nothing was thrown.
    pub fn enter_failing_scope(&mut self) -> bool {
        let failed = self.failed.is_some();
        let scope = match self.failed.take() {
            Some(ex) => gene_vm::interp::trace::scope(&mut self.inner, self.roots.get(&ex)),
            None => None,
        };
        let (module, variables) = scope.unwrap_or((self.inner.main_module, Vec::new()));
        if (module as usize) < self.inner.modules.len() {
            self.session = Some(if variables.is_empty() { module } else { self.module_around(module, &variables) });
        }
        failed
    }

    /// Remembers the first exception that ended something, if scopes are kept.
    pub(crate) fn keep_failure(&mut self, ex: Value) {
        if self.inner.options.keep_scopes && self.failed.is_none() {
            self.failed = Some(self.roots.hold(&mut self.inner, ex));
        }
    }

    /// A module with variables in front of those of another one, which it shares.
    fn module_around(&mut self, module: u32, variables: &[(gene_vm::value::Sym, Value)]) -> u32 {
        let vm = &mut *self.inner;
        let outer = &vm.modules[module as usize];
        let (source, dir, namespace) = (outer.source.clone(), outer.dir.clone(), outer.namespace);
        let (opened, mut vars) = (outer.opened.clone(), outer.vars.clone());
        vars.retain(|(name, _, _)| !variables.iter().any(|v| v.0 == *name));
        let id = vm.new_module(source, dir, "<failed>");
        let module = &mut vm.modules[id as usize];
        module.namespace = namespace;
        module.opened = opened;
        module.vars = vars;
        for &(name, value) in variables {
            let cell = vm.heap.cell(value).value();
            vm.modules[id as usize].vars.push((name, cell, false));
        }
        id
    }

    fn thrown(&mut self, ex: Value) -> Error {
        let report = Report::of(&mut self.inner, ex);
        Error::Exception {
            class: self.inner.exception_class_name(ex).to_owned(),
            message: report.failure.message.clone(),
            report: report.render(self.diagnostics, self.color),
        }
    }

    /// The debug form. It may run a `to_s` method, which may throw.
    pub fn debug(&mut self, h: &Handle) -> Result<String, Error> {
        self.shown(h, gene_vm::vm::Vm::to_debug)
    }

    /// The display form. It may run a `to_s` method, which may throw.
    pub fn display(&mut self, h: &Handle) -> Result<String, Error> {
        self.shown(h, gene_vm::vm::Vm::to_display)
    }

    fn shown(
        &mut self,
        h: &Handle,
        form: fn(&mut gene_vm::vm::Vm, Value) -> Result<String, Stop>,
    ) -> Result<String, Error> {
        let v = self.roots.get(h);
        self.on_stack(|vm| match form(&mut vm.inner, v) {
            Ok(text) => Ok(text),
            Err(_) => {
                let ex = std::mem::replace(&mut vm.inner.exception, Value::UNDEF);
                Err(vm.thrown(ex))
            }
        })
    }

    pub fn is_nil(&self, h: &Handle) -> bool {
        self.roots.get(h).is_nil()
    }

    pub fn as_int(&self, h: &Handle) -> Option<i64> {
        self.roots.get(h).as_int()
    }

    pub fn as_float(&self, h: &Handle) -> Option<f64> {
        self.roots.get(h).as_float()
    }

    pub fn as_string(&self, h: &Handle) -> Option<String> {
        self.roots.get(h).as_str().map(str::to_owned)
    }

    /// Makes `$0` this value, and `$N` too for number `n`.
    pub fn record_result(&mut self, n: usize, h: &Handle) {
        let v = self.roots.get(h);
        library::record_result(&mut self.inner, n, v);
    }

    /// Writes to the program's stdout.
    pub fn write_stdout(&mut self, text: &str) {
        self.inner.output.stdout(text);
    }

    /// Writes to the program's stderr.
    pub fn write_stderr(&mut self, text: &str) {
        self.inner.output.stderr(text);
    }

    /// Writes out what is buffered.
    pub fn flush(&mut self) {
        self.finish();
    }

    /// What the program wrote to stdout, when captured.
    pub fn captured_stdout(&self) -> String {
        self.captured.as_ref().map_or(String::new(), |c| c.0.borrow().stdout.clone())
    }

    /// What the program wrote to stderr, when captured.
    pub fn captured_stderr(&self) -> String {
        self.captured.as_ref().map_or(String::new(), |c| c.0.borrow().stderr.clone())
    }

    /// For other threads and signal handlers.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle::new(self.inner.interrupt.clone(), self.inner.driver.wake_handle())
    }

    /// The timeline recorded so far, in the JSON form that Chrome and Perfetto load; `None` when none is recorded.
    pub fn take_trace(&mut self) -> Option<String> {
        self.inner.tasks.trace.take().map(|t| t.finish())
    }

    /// Numbers for `--debug`.
    pub fn statistics(&self) -> String {
        let s = &self.inner.heap.stats;
        format!(
            "collections: {} full, {} minor; live {} bytes; blocks {} bytes; large {} bytes; polls {}",
            s.full, s.minor, s.live_bytes, s.block_bytes, s.large_bytes, self.inner.polls
        )
    }
}

pub(crate) fn decode(name: &str, text: &[u8]) -> Result<String, LoadFailure> {
    match gene_vm::syntax::decode(text) {
        Ok(text) => Ok(text.to_owned()),
        Err(e) => {
            let source = Rc::new(Source::new(name, String::from_utf8_lossy(text).into_owned()));
            Err(LoadFailure { source, stage: Stage::Parse, errors: vec![Diagnostic::from(e)] })
        }
    }
}

/// An Array of Arrays as it is; one Array is one row.
fn rows(vm: &mut gene_vm::vm::Vm, v: Value) -> Value {
    match v.get::<Array>(Kind::Array) {
        Some(a) if a.as_slice().iter().any(|row| !row.is_kind(Kind::Array)) => vm.array(&[v]),
        _ => v,
    }
}

/// The result of `gene/NAMESPACE/stringify`.
fn text_by(vm: &mut gene_vm::vm::Vm, namespace: &'static str, v: Value) -> Result<String, Stop> {
    let ns = vm.sub_namespace(vm.gene_ns, namespace);
    let name = vm.symbols.intern_static("stringify");
    let f = match ns.data().find(name) {
        Some(Member::Value(f)) => f,
        _ => return Err(vm.runtime_error(&format!("gene/{namespace}/stringify is not defined"))),
    };
    let text = vm.call_sync(f, &[v])?;
    vm.to_display(text)
}
