//! Child processes that run to their end: `system/exec` and `system/shell` (14.9).
use crate::bridge;
use crate::host::host;
use async_process::{Command, Stdio};
use gene_vm::def;
use gene_vm::driver::{HostError, HostFuture, HostResult, HostValue};
use gene_vm::library::args::text;
use gene_vm::native::{Args, NativeDef, R, Stop, VARIADIC};
use gene_vm::value::Value;
use gene_vm::vm::Vm;
use std::io;

/// A command with the environment the program made for itself. Cancelling the wait kills the child.
fn command(vm: &mut Vm, a: &Args, program: &str) -> Result<Command, Stop> {
    let mut command = Command::new(program);
    for (name, value) in host(vm, a)?.env.changes() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.kill_on_drop(true);
    // What the program wrote before comes before what the child writes.
    vm.output.flush();
    Ok(command)
}

fn failure(e: &io::Error) -> HostError {
    HostError { class: "RuntimeException", message: format!("Failed to execute command: {}", crate::reason(e)) }
}

fn exec(vm: &mut Vm, a: &Args) -> R {
    let program = text(vm, "exec", a.get(0))?.to_owned();
    let mut command = command(vm, a, &program)?;
    for &arg in &a.rest()[1..] {
        command.arg(&*text(vm, "exec", arg)?);
    }
    command.stdin(Stdio::inherit()).stderr(Stdio::inherit());
    let run: HostFuture = Box::pin(async move {
        let output = command.output().await.map_err(|e| failure(&e))?;
        Ok(HostValue::Str(String::from_utf8_lossy(&output.stdout).into_owned()))
    });
    bridge::wait(vm, run)
}

#[cfg(unix)]
fn shell(vm: &mut Vm, a: &Args) -> R {
    let line = text(vm, "shell", a.get(0))?.to_owned();
    let mut command = command(vm, a, "/bin/sh")?;
    command.arg("-c").arg(line).stdin(Stdio::inherit());
    bridge::wait(vm, Box::pin(run_merged(command)))
}

/// Both outputs through one pipe, so that they come in the order they were written.
#[cfg(unix)]
async fn run_merged(mut command: Command) -> HostResult {
    use std::io::Read;
    use std::os::unix::process::ExitStatusExt;
    let start = || -> io::Result<_> {
        let (reader, writer) = io::pipe()?;
        command.stdout(writer.try_clone()?).stderr(writer);
        let child = command.spawn()?;
        // Our copies of the writing end would keep the pipe open for ever.
        drop(command);
        Ok((async_io::Async::new(reader)?, child))
    };
    let (reader, mut child) = start().map_err(|e| failure(&e))?;
    let mut output = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        match reader.read_with(|mut r| r.read(&mut chunk)).await {
            Ok(0) => break,
            Ok(n) => output.extend_from_slice(&chunk[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(failure(&e)),
        }
    }
    let status = child.status().await.map_err(|e| failure(&e))?;
    // As shells tell it: 128 and the signal's number.
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(HostValue::Map(vec![
        ("output".to_owned(), HostValue::Str(String::from_utf8_lossy(&output).into_owned())),
        ("exit_code".to_owned(), HostValue::Int(i64::from(code))),
    ]))
}

#[cfg(not(unix))]
fn shell(vm: &mut Vm, _: &Args) -> R {
    Err(vm.runtime_error("Failed to execute command: no /bin/sh on this system"))
}

static DEFS: [NativeDef; 2] = [
    def!(
        "exec",
        exec,
        1,
        VARIADIC,
        r#"(system/exec cmd args...) -- runs a program and gives what it wrote to stdout.
        (system/exec "git" "status")"#
    ),
    def!(
        "shell",
        shell,
        1,
        1,
        r#"(system/shell line) -- runs a shell line; Map of output and exit_code.
        (system/shell "ls | wc -l")"#
    ),
];

pub fn install(vm: &mut Vm, data: Value) {
    let system = vm.global_namespace("system");
    bridge::functions(vm, system, data, &DEFS);
}
