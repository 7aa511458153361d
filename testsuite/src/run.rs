//! Runs one program in one mode and collects what came out.
//!
//! This is the only file that knows how a program is executed: as a child process, `gene run`. A child can be killed
//! when it hangs, and one that overflows its stack or is killed by a signal takes no other test with it.

use std::env;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::discover;
use crate::headers::Headers;

/// How the VM is disturbed while it runs a program. None may change what the program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Normal,
    /// A collection at every safepoint.
    Gc,
    /// The event loop is polled, and preemption considered, at every instruction.
    Poll,
}

impl Mode {
    pub const ALL: [Mode; 3] = [Mode::Normal, Mode::Gc, Mode::Poll];

    pub fn name(self) -> &'static str {
        match self {
            Mode::Normal => "normal",
            Mode::Gc => "gc",
            Mode::Poll => "poll",
        }
    }

    pub fn named(name: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| mode.name() == name)
    }

    fn options(self) -> &'static [&'static str] {
        match self {
            Mode::Normal => &[],
            Mode::Gc => &["--stress-gc"],
            Mode::Poll => &["--poll-interval", "1"],
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Exit(i32),
    Signal(i32),
    /// It had to be killed after this time.
    TimedOut(Duration),
}

#[derive(Clone, Debug)]
pub struct RunResult {
    pub stdout: String,
    pub stderr: String,
    pub ending: Ending,
}

/// One run of one program.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    pub program: &'a Path,
    pub args: &'a [String],
    /// Options of `gene run`.
    pub options: &'a [String],
    pub stdin: &'a str,
    pub virtual_clock: bool,
    pub mode: Mode,
    pub working_directory: &'a Path,
}

/// Runs a program of the suite in a fresh working directory.
pub fn run_program(path: &Path, headers: &Headers, mode: Mode) -> io::Result<RunResult> {
    let folder = tempfile::tempdir()?;
    run(&Job {
        program: path,
        args: &headers.args,
        options: &headers.options,
        stdin: &headers.stdin,
        virtual_clock: headers.virtual_clock,
        mode,
        working_directory: folder.path(),
    })
}

/// Runs a program. The folder of the program is removed from what it prints, so that reports and stacks read the same
/// wherever the repository lies.
pub fn run(job: &Job) -> io::Result<RunResult> {
    let mut command = Command::new(gene_binary()?);
    command.arg("run").args(job.mode.options()).args(job.options);
    if job.virtual_clock {
        command.arg("--virtual-time");
    }
    command.arg(job.program).args(job.args);
    command.current_dir(job.working_directory);
    command.env_remove("GENE_DIAGNOSTICS").env_remove("GENE_PACKAGE_PATH").env("NO_COLOR", "1");
    let mut result = run_command(&mut command, job.stdin, time_limit())?;
    shorten_paths(job.program, &mut result);
    Ok(result)
}

fn shorten_paths(program: &Path, result: &mut RunResult) {
    if let Some(folder) = program.parent() {
        let prefix = format!("{}/", folder.display());
        result.stdout = result.stdout.replace(&prefix, "");
        result.stderr = result.stderr.replace(&prefix, "");
    }
}

/// Runs a program of the suite in this process under the schedule of a seed: many of them take less time than one process
/// each. It can't be stopped when it hangs, so this belongs into a process of its own (`bin/shake.rs`).
pub fn run_seeded(path: &Path, headers: &Headers, mode: Mode, seed: u64) -> RunResult {
    let mut builder = gene::Vm::builder()
        .capture_output()
        .seed(seed)
        .args(headers.args.clone())
        .program(path.display().to_string())
        .stdin(headers.stdin.clone());
    if headers.virtual_clock {
        builder = builder.virtual_clock();
    }
    builder = match mode {
        Mode::Normal => builder,
        Mode::Gc => builder.stress_gc(),
        Mode::Poll => builder.poll_interval(1),
    };
    let mut vm = builder.build();
    let code = vm.run_file(path);
    let mut result =
        RunResult { stdout: vm.captured_stdout(), stderr: vm.captured_stderr(), ending: Ending::Exit(code) };
    shorten_paths(path, &mut result);
    result
}

/// Runs `bin/shake.rs` on a program.
pub fn shake(shaker: &Path, program: &Path) -> io::Result<RunResult> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(shaker);
    command.arg(program).current_dir(folder.path());
    run_command(&mut command, "", time_limit() * 2)
}

/// The `gene` command to test: `GENE_BIN` (relative to the root of the repository), else the one built beside the running test,
/// else the newer of the release and the debug build of this workspace.
pub fn gene_binary() -> io::Result<PathBuf> {
    if let Some(path) = env::var_os("GENE_BIN") {
        // Programs run elsewhere, so a relative path has to be made absolute; an absolute one stays as it is.
        return Ok(discover::repository_root().join(path));
    }
    // The running test stands in `target/PROFILE/deps`.
    if let Ok(exe) = env::current_exe()
        && let Some(profile) = exe.parent().and_then(Path::parent)
    {
        let gene = profile.join(format!("gene{}", env::consts::EXE_SUFFIX));
        if gene.is_file() {
            return Ok(gene);
        }
    }
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| OsString::from("target"));
    let target = discover::repository_root().join(target);
    ["release", "debug"]
        .iter()
        .map(|profile| target.join(profile).join(format!("gene{}", env::consts::EXE_SUFFIX)))
        .filter_map(|path| Some((path.metadata().ok()?.modified().ok()?, path)))
        .max_by_key(|(modified, _)| *modified)
        .map(|(_, path)| path)
        .ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, "no gene binary: run `cargo build` first, or set GENE_BIN")
        })
}

/// Generous, since it only has to tell a slow machine from a program that hangs; `GENE_TEST_TIMEOUT` in seconds.
fn time_limit() -> Duration {
    let seconds = env::var("GENE_TEST_TIMEOUT").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(60))
}

/// Runs a command to its end, or kills it when the time is up.
pub fn run_command(command: &mut Command, stdin: &str, limit: Duration) -> io::Result<RunResult> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        let text = stdin.to_owned();
        // A program that does not read all its input closes the pipe early: that is no failure.
        thread::spawn(move || drop(pipe.write_all(text.as_bytes())));
    }
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let deadline = Instant::now() + limit;
    let ending = match wait(&mut child, deadline)? {
        Some(status) => ending_of(status),
        None => {
            // It may have ended on its own in the meantime; reaping it matters either way.
            let _ = child.kill();
            child.wait()?;
            Ending::TimedOut(limit)
        }
    };
    Ok(RunResult { stdout: received(&stdout), stderr: received(&stderr), ending })
}

/// Polls for the end, because std has no wait with a deadline. The naps grow from 0.5 ms to 8 ms.
fn wait(child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    let mut nap = Duration::from_micros(500);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        thread::sleep(nap);
        nap = (nap * 2).min(Duration::from_millis(8));
    }
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let Some(mut pipe) = pipe else { return };
        let mut buffer = [0; 8192];
        while let Ok(count) = pipe.read(&mut buffer) {
            if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

/// What a pipe delivered. A process started by the program may keep the pipe open after the program's end, so this
/// waits for the pipe's end only for a moment.
fn received(pipe: &Receiver<Vec<u8>>) -> String {
    let mut bytes = Vec::new();
    while let Ok(chunk) = pipe.recv_timeout(Duration::from_millis(500)) {
        bytes.extend(chunk);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn ending_of(status: ExitStatus) -> Ending {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            return Ending::Signal(signal);
        }
    }
    Ending::Exit(status.code().unwrap_or(-1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(line);
        command
    }

    #[test]
    fn output_input_and_exit_code_are_collected() {
        let result = run_command(&mut shell("cat; echo oops >&2; exit 3"), "in\n", Duration::from_secs(20)).unwrap();
        assert_eq!(result.stdout, "in\n");
        assert_eq!(result.stderr, "oops\n");
        assert_eq!(result.ending, Ending::Exit(3));
    }

    #[test]
    fn a_hanging_command_is_killed() {
        let limit = Duration::from_millis(200);
        let result = run_command(&mut shell("echo start; exec sleep 60"), "", limit).unwrap();
        assert_eq!(result.stdout, "start\n");
        assert_eq!(result.ending, Ending::TimedOut(limit));
    }

    #[test]
    fn unread_input_is_no_failure() {
        let input = "x".repeat(1 << 20);
        let result = run_command(&mut shell("exit 0"), &input, Duration::from_secs(20)).unwrap();
        assert_eq!(result.ending, Ending::Exit(0));
    }

    #[test]
    fn a_signal_is_told_from_an_exit() {
        let result = run_command(&mut shell("kill -9 $$"), "", Duration::from_secs(20)).unwrap();
        assert_eq!(result.ending, Ending::Signal(9));
    }

    #[test]
    fn modes_have_names() {
        for mode in Mode::ALL {
            assert_eq!(Mode::named(mode.name()), Some(mode));
        }
        assert_eq!(Mode::named("fast"), None);
    }
}
