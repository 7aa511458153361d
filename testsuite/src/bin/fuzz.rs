//! Runs damaged copies of the suite's programs and looks for crashes.
//!
//! ```text
//! cargo run -p gene-testsuite --bin fuzz -- [--seed N] [--start N] [--runs N] [--timeout MS] [--out DIR]
//! ```
//!
//! Whatever a program looks like, the `gene` command must end with an ordinary exit code: a signal, a panic or the
//! exit code of one is a finding, and the program is kept in the output folder. A program that runs too long is none,
//! since a damaged loop may well be endless. Run `K` of seed `N` is repeated by `--seed N --start K --runs 1`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;
use std::{env, fs};

use gene_testsuite::discover;
use gene_testsuite::mutate::{self, Rng};
use gene_testsuite::run::{self, Ending, RunResult};

/// Names that reach files, processes or the environment. A damaged program might do anything with them, so neither the
/// corpus nor a mutation may contain one.
const FORBIDDEN: &[&str] =
    &["fs/", "io/", "Dir", "File", "system", "exec", "shell", "spawn_process", "net/", "http", "remove", "(cd "];

struct Options {
    seed: u64,
    start: u64,
    runs: u64,
    timeout: Duration,
    out: PathBuf,
}

fn main() -> ExitCode {
    match options().and_then(|options| fuzz(&options)) {
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
    let mut options =
        Options { seed: 1, start: 0, runs: 1000, timeout: Duration::from_secs(2), out: PathBuf::from("target/fuzz") };
    let mut arguments = env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{name} needs a number, got {value}"));
        match name.as_str() {
            "--seed" => options.seed = number()?,
            "--start" => options.start = number()?,
            "--runs" => options.runs = number()?,
            "--timeout" => options.timeout = Duration::from_millis(number()?),
            "--out" => options.out = PathBuf::from(value),
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(options)
}

/// The number of findings.
fn fuzz(options: &Options) -> Result<u64, String> {
    let binary = run::gene_binary().map_err(|error| error.to_string())?;
    let corpus = corpus()?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    fs::create_dir_all(&options.out).map_err(|error| format!("{}: {error}", options.out.display()))?;
    let (mut findings, mut endless) = (0, 0);
    for index in options.start..options.start.saturating_add(options.runs) {
        // Each run has its own generator, so that it can be repeated alone.
        let mut rng = Rng::new(options.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ index);
        let (Some(source), Some(other)) = (rng.pick(&corpus), rng.pick(&corpus)) else {
            return Err("the corpus is empty".to_owned());
        };
        let program = mutate::mutate(source, other, &mut rng);
        if !is_harmless(&program) {
            continue;
        }
        let result = execute(&binary, folder.path(), &program, options.timeout)?;
        endless += u64::from(matches!(result.ending, Ending::TimedOut(_)));
        if is_crash(&result) {
            findings += 1;
            let path = options.out.join(format!("seed-{}-run-{index}.gene", options.seed));
            fs::write(&path, &program).map_err(|error| format!("{}: {error}", path.display()))?;
            eprintln!("{} ({:?})", path.display(), result.ending);
        }
    }
    eprintln!("{} runs, {endless} stopped after {:?}", options.runs, options.timeout);
    Ok(findings)
}

fn corpus() -> Result<Vec<Vec<u8>>, String> {
    let files = discover::files(&discover::suite_root().join("programs"), "gene").map_err(|error| error.to_string())?;
    let sources = files.iter().map(fs::read).collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    Ok(sources.into_iter().filter(|source| is_harmless(source)).collect())
}

fn is_harmless(program: &[u8]) -> bool {
    let text = String::from_utf8_lossy(program);
    !FORBIDDEN.iter().any(|name| text.contains(name))
}

fn execute(binary: &Path, folder: &Path, program: &[u8], timeout: Duration) -> Result<RunResult, String> {
    let path = folder.join("fuzzed.gene");
    fs::write(&path, program).map_err(|error| error.to_string())?;
    let mut command = Command::new(binary);
    command.args(["run", "--virtual-time"]).arg(&path).current_dir(folder);
    run::run_command(&mut command, "", timeout).map_err(|error| error.to_string())
}

/// A panic is told by its message, too: one caught on another thread may leave an ordinary exit code.
fn is_crash(result: &RunResult) -> bool {
    matches!(result.ending, Ending::Signal(_) | Ending::Exit(101)) || result.stderr.contains("panicked at")
}
