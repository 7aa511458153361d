//! Compiles and runs damaged copies of the suite's programs and looks for crashes.
//!
//! ```text
//! cargo run -p gene-testsuite --bin fuzz -- [--action compile|run|run-gc|run-poll] [--seed N] [--start N] [--runs N]
//!                                           [--jobs N] [--timeout SECONDS] [--out DIR]
//! ```
//!
//! Whatever a program looks like, it must neither panic nor crash the process nor keep it busy for ever, and its
//! memory is bounded. What does is a finding, and the program is kept in the output folder. Case `K` of seed `N` is
//! repeated by `--seed N --start K --runs 1`.
//!
//! # Implementation
//!
//! Children of this process work on the cases and announce each one before it begins. So a crash, a hang and a refused
//! allocation (the children's address space is limited) can be told from the last announcement; the next child goes
//! on behind it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use std::{env, thread};

use gene_testsuite::fuzzing::{self, Action, Corpus, Executor};

/// Kilobytes of address space of a child: far more than the memory limit of the programs.
const ADDRESS_SPACE: u32 = 2 << 20;

/// How many examples of one message are kept.
const KEPT: u64 = 3;

#[derive(Clone)]
struct Options {
    action: String,
    seed: u64,
    start: u64,
    runs: u64,
    jobs: u64,
    timeout: Duration,
    out: PathBuf,
    child: bool,
}

fn main() -> ExitCode {
    match options().and_then(|options| if options.child { work(&options).map(|()| 0) } else { fuzz(&options) }) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(findings) => {
            eprintln!("{findings} findings");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("fuzz: {error}");
            ExitCode::from(2)
        }
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        action: "run".to_owned(),
        seed: 1,
        start: 0,
        runs: 1000,
        jobs: 1,
        timeout: Duration::from_secs(20),
        out: PathBuf::from("target/fuzz"),
        child: false,
    };
    let mut arguments = env::args().skip(1);
    while let Some(name) = arguments.next() {
        if name == "--child" {
            options.child = true;
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{name} needs a number, got {value}"));
        match name.as_str() {
            "--action" => options.action = value,
            "--seed" => options.seed = number()?,
            "--start" => options.start = number()?,
            "--runs" => options.runs = number()?,
            "--jobs" => options.jobs = number()?.max(1),
            "--timeout" => options.timeout = Duration::from_secs(number()?),
            "--out" => options.out = PathBuf::from(value),
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(options)
}

fn action(options: &Options) -> Result<Action, String> {
    Action::named(&options.action).ok_or_else(|| format!("unknown action {}", options.action))
}

/// The child's part: announces and executes its cases.
fn work(options: &Options) -> Result<(), String> {
    let action = action(options)?;
    let corpus = Corpus::load().map_err(|error| error.to_string())?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    env::set_current_dir(folder.path()).map_err(|error| error.to_string())?;
    let mut executor = Executor::new(action);
    let mut out = std::io::stdout();
    for index in options.start..options.start.saturating_add(options.runs) {
        let Some(program) = corpus.program(action, options.seed, index) else { continue };
        let failed = writeln!(out, "{index}").and_then(|()| out.flush());
        match executor.execute(&program) {
            Ok(true) => println!("accepted"),
            Ok(false) => {}
            Err(message) => println!("panic {message}"),
        }
        failed.map_err(|error| error.to_string())?;
    }
    println!("end");
    Ok(())
}

/// What all jobs found.
#[derive(Default)]
struct Findings {
    executed: u64,
    /// How many programs compiled, or ran to an exit code of 0.
    accepted: u64,
    /// How often each message occurred.
    messages: BTreeMap<String, u64>,
}

/// The number of findings.
fn fuzz(options: &Options) -> Result<u64, String> {
    let action = action(options)?;
    let corpus = Corpus::load().map_err(|error| error.to_string())?;
    let findings = Mutex::new(Findings::default());
    let share = options.runs.div_ceil(options.jobs);
    thread::scope(|scope| {
        let jobs: Vec<_> = (0..options.jobs)
            .map(|job| {
                let first = job * share;
                let mut options = options.clone();
                options.start += first;
                options.runs = share.min(options.runs.saturating_sub(first));
                let (corpus, findings) = (&corpus, &findings);
                scope.spawn(move || supervise(&options, action, corpus, findings))
            })
            .collect();
        jobs.into_iter().try_for_each(|job| job.join().map_err(|_| "a job panicked".to_owned())?)
    })?;
    let findings = findings.into_inner().map_err(|error| error.to_string())?;
    let Findings { executed, accepted, .. } = findings;
    eprintln!("seed {}: {executed} cases of {}, {accepted} without an error", options.seed, options.action);
    for (message, count) in &findings.messages {
        eprintln!("{count:6} {message}");
    }
    Ok(findings.messages.values().sum())
}

/// Starts children until all cases of `options` are done.
fn supervise(options: &Options, action: Action, corpus: &Corpus, findings: &Mutex<Findings>) -> Result<(), String> {
    let end = options.start + options.runs;
    let mut next = options.start;
    while next < end {
        let (current, ending) = attend(options, next, end, |event, index| {
            let Ok(mut all) = findings.lock() else { return };
            let message = match event {
                Event::Begun => return all.executed += 1,
                Event::Accepted => return all.accepted += 1,
                Event::Found(message) => message,
            };
            let count = all.messages.entry(message.to_owned()).or_default();
            *count += 1;
            if *count <= KEPT {
                let name = format!("{}-seed-{}-run-{index}.gene", options.action, options.seed);
                eprintln!("{name}: {message}");
                let kept = corpus.program(action, options.seed, index).map(|p| fuzzing::keep(&options.out, &name, &p));
                if let Some(Err(error)) = kept {
                    eprintln!("fuzz: {error}");
                }
            }
        })?;
        match ending {
            None => break,
            Some(_) => next = current.map_or(end, |index| index + 1),
        }
    }
    Ok(())
}

/// What a child told or how it ended.
enum Event<'a> {
    Begun,
    Accepted,
    Found(&'a str),
}

/// Watches one child. The last case it began, and how it ended too early.
fn attend(
    options: &Options,
    start: u64,
    end: u64,
    mut report: impl FnMut(Event<'_>, u64),
) -> Result<(Option<u64>, Option<String>), String> {
    let binary = env::current_exe().map_err(|error| error.to_string())?;
    let mut child = Command::new("sh")
        .args(["-c", &format!("ulimit -v {ADDRESS_SPACE}; exec \"$0\" \"$@\"")])
        .arg(binary)
        .args(["--child", "--action", &options.action, "--seed", &options.seed.to_string()])
        .args(["--start", &start.to_string(), "--runs", &(end - start).to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .stdin(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let lines = child.stdout.take().map(|out| BufReader::new(out).lines());
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || lines.into_iter().flatten().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
    let mut current = None;
    let ending = loop {
        match receiver.recv_timeout(options.timeout) {
            Ok(line) => match line.strip_prefix("panic ") {
                Some(message) => report(Event::Found(message), current.unwrap_or(start)),
                None if line == "end" => break None,
                None if line == "accepted" => report(Event::Accepted, current.unwrap_or(start)),
                None => {
                    current = line.parse().ok();
                    report(Event::Begun, current.unwrap_or(start));
                }
            },
            Err(RecvTimeoutError::Timeout) => {
                child.kill().map_err(|error| error.to_string())?;
                break Some(format!("hang: more than {:?}", options.timeout));
            }
            Err(RecvTimeoutError::Disconnected) => break Some(String::new()),
        }
    };
    let status = child.wait().map_err(|error| error.to_string())?;
    let ending = ending.map(|text| if text.is_empty() { format!("crash: {status}") } else { text });
    if let Some(message) = &ending {
        report(Event::Found(message), current.unwrap_or(start));
    }
    Ok((current, ending))
}
