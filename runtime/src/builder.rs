//! Choosing how a VM behaves.
use crate::driver::{RealDriver, VirtualDriver};
use crate::handle::Roots;
use crate::host::Host;
use crate::input::Input;
use crate::library;
use crate::loader::FsLoader;
use crate::output::{CaptureOutput, StdOutput};
use crate::package::Packages;
use crate::report::Diagnostics;
use crate::vm::Vm;
use gene_vm::driver::{Driver, Output};
use gene_vm::vm::Options;
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

/// Made by [`Vm::builder`]; every setting has a sensible default.
#[derive(Default)]
pub struct VmBuilder {
    options: Options,
    capture: bool,
    stdin: Option<String>,
    virtual_clock: bool,
    seed: Option<u64>,
    diagnostics: Diagnostics,
    color: bool,
    no_drain: bool,
    trace: bool,
    package: Option<PathBuf>,
    directory: Option<PathBuf>,
    driver: Option<Box<dyn Driver>>,
}

impl VmBuilder {
    /// `$args`.
    pub fn args(mut self, args: Vec<String>) -> Self {
        self.options.args = args;
        self
    }
    /// `$program`.
    pub fn program(mut self, path: String) -> Self {
        self.options.program = path;
        self
    }
    /// Keeps stdout and stderr in memory. Standard input is empty then, unless given, and `(system/exit)` ends the program only.
    pub fn capture_output(mut self) -> Self {
        self.capture = true;
        self
    }
    /// Standard input.
    pub fn stdin(mut self, text: String) -> Self {
        self.stdin = Some(text);
        self
    }
    /// Time starts at 2000-01-01T00:00Z and jumps to the next deadline whenever nothing can run.
    pub fn virtual_clock(mut self) -> Self {
        self.virtual_clock = true;
        self
    }
    /// What randomness starts from, and what orders ready tasks, timers of one instant and ready arms of `select`. On the virtual
    /// clock the same seed gives the same run.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self.options.seed = Some(seed);
        self
    }
    /// Calls and back-edges between two looks at the event loop; 0: only when the program waits.
    pub fn poll_interval(mut self, n: u32) -> Self {
        self.options.poll_interval = n;
        self
    }
    /// Collects garbage at every safepoint: slow, and finds every missing root.
    pub fn stress_gc(mut self) -> Self {
        self.options.stress_gc = true;
        self
    }
    /// Bytes the heap may use.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.options.memory_limit = Some(bytes);
        self
    }
    /// Calls and back-edges the program may make.
    pub fn instruction_limit(mut self, n: u64) -> Self {
        self.options.instruction_limit = Some(n);
        self
    }
    /// Whether `^pre` and `^post` are checked.
    pub fn contracts(mut self, on: bool) -> Self {
        self.options.contracts = on;
        self
    }
    pub fn strict_nil(mut self, on: bool) -> Self {
        self.options.strict_nil = on;
        self
    }
    /// Whether `Warning:` lines are written.
    pub fn warnings(mut self, on: bool) -> Self {
        self.options.warnings = on;
        self
    }
    /// Whether modules go through the static type checker.
    pub fn type_check(mut self, on: bool) -> Self {
        self.options.type_check = on;
        self
    }
    /// Whether what the type checker finds is an error.
    pub fn strict_types(mut self, on: bool) -> Self {
        self.options.strict_types = on;
        self
    }
    /// Exceptions keep the variables of the function that threw them, for [`Vm::enter_failing_scope`].
    pub fn keep_scopes(mut self, on: bool) -> Self {
        self.options.keep_scopes = on;
        self
    }
    /// Form of error reports.
    pub fn diagnostics(mut self, form: Diagnostics) -> Self {
        self.diagnostics = form;
        self.options.data_warnings = form == Diagnostics::Data;
        self
    }
    /// Colour in error reports.
    pub fn color(mut self, on: bool) -> Self {
        self.color = on;
        self
    }
    /// The program runs in the context of the package at `root`: `$pkg`, and where modules are looked for.
    pub fn package(mut self, root: PathBuf) -> Self {
        self.package = Some(root);
        self
    }
    /// Whether the end of the main body waits for tasks, timers and callbacks that remain.
    pub fn drain(mut self, on: bool) -> Self {
        self.no_drain = !on;
        self
    }

    /// Records a timeline of tasks, waits and host operations (see [`Vm::take_trace`]).
    pub fn trace(mut self) -> Self {
        self.trace = true;
        self
    }

    /// Where programs that are no files import from, instead of the working directory.
    pub fn directory(mut self, dir: PathBuf) -> Self {
        self.directory = Some(dir);
        self
    }

    /// The event loop of the host in place of the built-in ones; the clock and randomness are its own.
    pub fn driver(mut self, driver: Box<dyn Driver>) -> Self {
        self.driver = Some(driver);
        self
    }

    pub fn build(self) -> Vm {
        let captured = self.capture.then(CaptureOutput::default);
        let output: Box<dyn Output> = match &captured {
            Some(c) => Box::new(c.clone()),
            None => Box::new(StdOutput::new()),
        };
        let driver: Box<dyn Driver> = match self.driver {
            Some(driver) => driver,
            None if self.virtual_clock => Box::new(VirtualDriver::new(self.seed.unwrap_or(0))),
            None => Box::new(RealDriver::new(self.seed)),
        };
        let input = match self.stdin {
            Some(text) => Input::text(text),
            None if self.capture => Input::text(String::new()),
            None => Input::standard(),
        };
        let mut inner = gene_vm::vm::Vm::new(driver, output, self.options);
        if self.trace {
            inner.tasks.trace = Some(Box::default());
        }
        let search = std::env::var("GENE_PACKAGE_PATH").ok();
        let mut packages = Packages::new(search.as_deref());
        if let Some(root) = self.package {
            packages.set_context(root);
        }
        let packages = Rc::new(RefCell::new(packages));
        inner.set_loader(Box::new(FsLoader::with_packages(packages.clone())));
        let mut host = Host::new(input);
        host.packages = packages;
        host.captured = self.capture;
        let host = library::install(&mut inner, host);
        let roots = Roots::new(&mut inner);
        Vm {
            inner,
            host,
            roots,
            captured,
            diagnostics: self.diagnostics,
            color: self.color,
            drain: !self.no_drain,
            session: None,
            directory: self.directory.or_else(|| std::env::current_dir().ok()),
            caller: None,
            failed: None,
        }
    }
}
