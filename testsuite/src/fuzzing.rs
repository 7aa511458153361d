//! One case of the fuzzer: a damaged program, compiled or run inside this process.
//!
//! A case is named by a seed and an index, and nothing else decides what it does: the virtual clock and a fixed seed
//! for randomness make runs repeatable.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::{fs, io};

use gene::Vm;

use crate::discover;
use crate::mutate::{self, Rng};
use crate::run::Mode;

/// Names that reach files, processes or the environment. A damaged program might do anything with them, so a program
/// that contains one is compiled, but never run.
const FORBIDDEN: &[&str] = &[
    "fs/", "/fs", "io/", "/io", "Dir", "File", "system", "exec", "shell", "process", "net/", "http", "remove", "(cd ",
];

/// Calls and back-edges a program may make.
const INSTRUCTION_LIMIT: u64 = 1_000_000;

/// The same when every one of them collects garbage.
const STRESS_LIMIT: u64 = 5_000;

/// Bytes its heap may use.
const MEMORY_LIMIT: usize = 64 << 20;

/// Programs compiled by one VM: their modules stay in it.
const COMPILED_PER_VM: u32 = 200;

/// What is done with a damaged program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Reader, lowering, code generation and, with debug assertions, the bytecode verifier.
    Compile,
    Run(Mode),
}

impl Action {
    pub fn named(name: &str) -> Option<Action> {
        match name {
            "compile" => Some(Action::Compile),
            "run" => Some(Action::Run(Mode::Normal)),
            _ => name.strip_prefix("run-").and_then(Mode::named).map(Action::Run),
        }
    }
}

/// The sources that are damaged: the suite, the examples and the benchmarks.
pub struct Corpus {
    all: Vec<Vec<u8>>,
    harmless: Vec<Vec<u8>>,
}

impl Corpus {
    pub fn load() -> io::Result<Corpus> {
        let root = discover::repository_root();
        let mut all = Vec::new();
        for folder in ["testsuite/programs", "examples", "benches/programs"] {
            for file in discover::files(&root.join(folder), "gene")? {
                all.push(fs::read(file)?);
            }
        }
        let harmless = all.iter().filter(|source| is_harmless(source)).cloned().collect();
        Ok(Corpus { all, harmless })
    }

    /// The program of a case; `None` when it must not be run.
    pub fn program(&self, action: Action, seed: u64, index: u64) -> Option<Vec<u8>> {
        // Each case has its own generator, so that it can be repeated alone.
        let mut rng = Rng::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ index);
        let sources = if action == Action::Compile { &self.all } else { &self.harmless };
        let (source, other) = (rng.pick(sources)?, rng.pick(sources)?);
        let program = mutate::mutate(source, other, &mut rng);
        (action == Action::Compile || is_harmless(&program)).then_some(program)
    }
}

fn is_harmless(program: &[u8]) -> bool {
    let text = String::from_utf8_lossy(program);
    !FORBIDDEN.iter().any(|name| text.contains(name))
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs cases and remembers what it can use again.
pub struct Executor {
    action: Action,
    /// For compiling, and the number of programs it has seen.
    compiler: Option<(Vm, u32)>,
}

impl Executor {
    /// Panics of this process are no longer printed, but found by [`Executor::execute`].
    pub fn new(action: Action) -> Executor {
        panic::set_hook(Box::new(|info| {
            let place = info.location().map_or(String::new(), |l| format!("{}:{}: ", l.file(), l.line()));
            let message = info.payload_as_str().unwrap_or("no message");
            PANIC.set(Some(format!("{place}{message}").replace('\n', " ")));
        }));
        Executor { action, compiler: None }
    }

    /// Whether the program was accepted: compiled without an error, or run to an exit code of 0.
    ///
    /// # Errors
    ///
    /// Place and message of a panic.
    pub fn execute(&mut self, program: &[u8]) -> Result<bool, String> {
        PANIC.set(None);
        let accepted = match self.action {
            Action::Compile => self.compile(program),
            Action::Run(mode) => run(program, mode),
        };
        match (PANIC.take(), accepted) {
            (None, Some(accepted)) => Ok(accepted),
            (message, _) => Err(message.unwrap_or_default()),
        }
    }

    /// `None` when the end was not reached.
    fn compile(&mut self, program: &[u8]) -> Option<bool> {
        let (mut vm, used) = self.compiler.take().unwrap_or_else(|| (Vm::builder().capture_output().build(), 0));
        let errors = panic::catch_unwind(AssertUnwindSafe(|| vm.check_source("fuzzed.gene", program)));
        if errors.is_err() {
            // Whatever a panic left behind is not fit to be dropped.
            std::mem::forget(vm);
        } else if used < COMPILED_PER_VM {
            self.compiler = Some((vm, used + 1));
        }
        errors.ok().map(|errors| errors == 0)
    }
}

/// `None` when the end was not reached.
fn run(program: &[u8], mode: Mode) -> Option<bool> {
    let builder = Vm::builder()
        .capture_output()
        .virtual_clock()
        .seed(1)
        .instruction_limit(INSTRUCTION_LIMIT)
        .memory_limit(MEMORY_LIMIT);
    let builder = match mode {
        Mode::Normal => builder,
        Mode::Gc => builder.stress_gc().instruction_limit(STRESS_LIMIT),
        Mode::Poll => builder.poll_interval(1),
    };
    let mut vm = builder.build();
    let text = String::from_utf8_lossy(program);
    let code = panic::catch_unwind(AssertUnwindSafe(|| vm.run_source("fuzzed.gene", &text)));
    if code.is_err() {
        std::mem::forget(vm);
    }
    code.ok().map(|code| code == 0)
}

/// Where cases that crashed are kept.
pub fn keep(folder: &Path, name: &str, program: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(name), program)
}
