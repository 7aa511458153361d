//! Random concurrent programs against a reference model.
//!
//! A seed makes an abstract [`program::Program`]; [`render`] writes it down as Gene source that logs every event; the VM runs it on
//! the virtual clock; [`replay`] runs the reference model along the log and [`invariants`] looks at the log alone. A program that
//! fails is made as small as it can be while it fails ([`shrink`]).
//!
//! The model is plain: lists that are searched from end to end and a state that is cloned where the contract leaves a choice. It
//! shares nothing with the VM but the contract.

mod combine;
pub mod generate;
pub mod invariants;
mod locks;
mod objects;
pub mod program;
pub mod render;
pub mod replay;
mod scopes;
pub mod shrink;
mod signals;
mod state;
pub mod watch;

use gene::Vm;

use crate::run::Mode;
use program::{Index, Kind, Program, Stmt};

/// Calls and back-edges of a program: far more than any needs.
const INSTRUCTION_LIMIT: u64 = 300_000;

const MEMORY_LIMIT: usize = 64 << 20;

/// How a program is run.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// `None`: ready tasks in order.
    pub seed: Option<u64>,
    pub mode: Mode,
}

/// A program the VM and the model disagree about.
#[derive(Debug)]
pub struct Finding {
    pub seed: u64,
    pub schedule: Schedule,
    pub message: String,
    pub source: String,
    pub log: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Finding { seed, schedule, message, source, log } = self;
        let order = schedule.seed.map_or(String::new(), |s| format!(" (run with --seed {s})"));
        writeln!(f, "seed {seed}, mode {}{order}: {message}", schedule.mode.name())?;
        writeln!(f, "--- smallest program\n{source}--- its log")?;
        for (i, line) in log.lines().enumerate() {
            writeln!(f, "{:4}: {line}", i + 1)?;
        }
        Ok(())
    }
}

/// What the VM does with a program: its log, with what went to stderr behind it if it did not end by itself.
pub fn execute(program: &Program, schedule: Schedule) -> String {
    let builder = Vm::builder()
        .capture_output()
        .virtual_clock()
        .warnings(false)
        .type_check(false)
        .instruction_limit(INSTRUCTION_LIMIT)
        .memory_limit(MEMORY_LIMIT);
    let builder = match schedule.seed {
        Some(seed) => builder.seed(seed),
        None => builder,
    };
    let builder = match schedule.mode {
        Mode::Normal => builder,
        Mode::Gc => builder.stress_gc(),
        Mode::Poll => builder.poll_interval(1),
    };
    let mut vm = builder.build();
    let source = render::source(program);
    let _watched = watch::watched(format!("{schedule:?}\n{source}"));
    vm.run_source("model.gene", &source);
    let log = vm.captured_stdout();
    // What does not compile has no log.
    if log.is_empty() { vm.captured_stderr() } else { log }
}

/// # Errors
///
/// What is wrong with what the VM does.
pub fn check(program: &Program, schedule: Schedule) -> Result<(), String> {
    let log = execute(program, schedule);
    check_log(program, schedule, &log)
}

fn check_log(program: &Program, schedule: Schedule, log: &str) -> Result<(), String> {
    let _watched = watch::watched(format!("explaining a log\n{schedule:?}\n{log}\n{}", render::source(program)));
    replay::Replay::new(program, log)
        .check(schedule.seed.is_some())
        .map_err(|r| format!("line {}: {}", r.at + 1, r.message))?;
    invariants::check(program, log)
}

/// The schedules of program `seed`: in order and shaken; some of them in the stress modes, and some twice, which must give the same
/// log.
pub fn try_seed(seed: u64) -> Option<Finding> {
    let program = generate::program(seed);
    let normal = |seed| Schedule { seed, mode: Mode::Normal };
    let mut schedules = vec![normal(None), normal(Some(seed)), normal(Some(seed ^ 0xABCD))];
    match seed % 32 {
        0 => schedules.push(Schedule { seed: Some(seed), mode: Mode::Gc }),
        1 => schedules.push(Schedule { seed: Some(seed), mode: Mode::Poll }),
        _ => {}
    }
    for schedule in schedules {
        let log = execute(&program, schedule);
        if let Err(message) = check_log(&program, schedule, &log) {
            return Some(report(seed, program, schedule, message));
        }
        let again = if seed.is_multiple_of(16) { execute(&program, schedule) } else { continue };
        if again != log {
            let message = "two runs with the same seed differ".to_owned();
            return Some(Finding { seed, schedule, message, source: render::source(&program), log });
        }
    }
    None
}

fn report(seed: u64, program: Program, schedule: Schedule, message: String) -> Finding {
    let program = shrink::smallest(program, |p| check(p, schedule).is_err());
    let message = check(&program, schedule).err().unwrap_or(message);
    Finding { seed, schedule, message, source: render::source(&program), log: execute(&program, schedule) }
}

/// The statement with a number.
fn find(block: &[Stmt], id: usize) -> Option<&Stmt> {
    block.iter().find_map(|s| if s.id == id { Some(s) } else { s.kind.blocks().into_iter().find_map(|b| find(b, id)) })
}

/// The body of a task.
fn task_body(block: &[Stmt], task: Index) -> Option<&[Stmt]> {
    block.iter().find_map(|s| match &s.kind {
        Kind::Spawn { task: t, body, .. } | Kind::Async { task: t, body } if *t == task => Some(body.as_slice()),
        kind => kind.blocks().into_iter().find_map(|b| task_body(b, task)),
    })
}
