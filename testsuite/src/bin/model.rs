//! Runs random concurrent programs against the reference model until one differs.
//!
//! ```text
//! cargo run -p gene-testsuite --bin model -- [--seed N] [--runs N] [--jobs N] [--all] [--show] [--timeout SECONDS]
//! ```
//!
//! `--seed` is the first of `--runs` programs, each of which runs in order, shaken, and sometimes in the stress modes. `--all` goes
//! on behind a finding; `--show` prints the program of `--seed` and its log instead. A program that runs for longer than `--timeout`
//! (60 seconds) is printed and ends everything with exit code 3.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use std::{env, thread};

use gene_testsuite::model::{self, Schedule};
use gene_testsuite::run::Mode;

/// Programs between two lines of progress.
const PROGRESS: u64 = 5000;

struct Options {
    seed: u64,
    runs: u64,
    jobs: u64,
    all: bool,
    show: bool,
    timeout: u64,
}

fn main() -> ExitCode {
    let options = options();
    if let Ok(options) = &options {
        model::watch::start(Duration::from_secs(options.timeout));
    }
    match options {
        Err(message) => {
            eprintln!("model: {message}");
            ExitCode::from(2)
        }
        Ok(options) if options.show => {
            let program = model::generate::program(options.seed);
            println!("{}", model::render::source(&program));
            print!("{}", model::execute(&program, Schedule { seed: None, mode: Mode::Normal }));
            ExitCode::SUCCESS
        }
        Ok(options) => match run(&options) {
            0 => ExitCode::SUCCESS,
            n => {
                eprintln!("{n} findings");
                ExitCode::FAILURE
            }
        },
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options { seed: 1, runs: 1000, jobs: 1, all: false, show: false, timeout: 60 };
    let mut arguments = env::args().skip(1);
    while let Some(name) = arguments.next() {
        match name.as_str() {
            "--all" => options.all = true,
            "--show" => options.show = true,
            "--seed" | "--runs" | "--jobs" | "--timeout" => {
                let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
                let number = value.parse::<u64>().map_err(|_| format!("{name} needs a number, got {value}"))?;
                match name.as_str() {
                    "--seed" => options.seed = number,
                    "--runs" => options.runs = number,
                    "--timeout" => options.timeout = number.max(1),
                    _ => options.jobs = number.max(1),
                }
            }
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(options)
}

/// The number of findings.
fn run(options: &Options) -> u64 {
    let next = AtomicU64::new(0);
    let findings = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= options.runs || stop.load(Ordering::Relaxed) {
                        break;
                    }
                    if i > 0 && i.is_multiple_of(PROGRESS) {
                        eprintln!("{i} programs");
                    }
                    if let Some(finding) = model::try_seed(options.seed.wrapping_add(i)) {
                        println!("{finding}");
                        findings.fetch_add(1, Ordering::Relaxed);
                        if !options.all {
                            stop.store(true, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    let runs = next.load(Ordering::Relaxed).min(options.runs);
    let given_up = model::replay::GIVEN_UP.load(Ordering::Relaxed);
    eprintln!("{runs} programs, {given_up} logs with too many explanations to look into");
    findings.into_inner()
}
