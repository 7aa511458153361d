//! Namespace `log` (14.11).
use crate::bridge;
use crate::host::{LogLevel, host};
use gene_vm::def;
use gene_vm::library::args::string;
use gene_vm::native::{Args, NativeDef, R, VARIADIC};
use gene_vm::value::Value;
use gene_vm::vm::Vm;

const LEVELS: [(LogLevel, &str, &str); 4] = [
    (LogLevel::Debug, "debug", "DEBUG"),
    (LogLevel::Info, "info", "INFO"),
    (LogLevel::Warn, "warn", "WARN"),
    (LogLevel::Error, "error", "ERROR"),
];

fn write(vm: &mut Vm, a: &Args, level: LogLevel) -> R {
    if level < host(vm, a)?.log_level {
        return Ok(Value::NIL);
    }
    let mut line = LEVELS[level as usize].2.to_owned();
    for &v in a.rest() {
        let shown = vm.to_display(v)?;
        line.push(' ');
        line.push_str(&shown);
    }
    line.push('\n');
    vm.output.stderr(&line);
    Ok(Value::NIL)
}

fn debug(vm: &mut Vm, a: &Args) -> R {
    write(vm, a, LogLevel::Debug)
}

fn info(vm: &mut Vm, a: &Args) -> R {
    write(vm, a, LogLevel::Info)
}

fn warn(vm: &mut Vm, a: &Args) -> R {
    write(vm, a, LogLevel::Warn)
}

fn error(vm: &mut Vm, a: &Args) -> R {
    write(vm, a, LogLevel::Error)
}

/// Without an argument: the present level.
fn level(vm: &mut Vm, a: &Args) -> R {
    let host = host(vm, a)?;
    let Some(v) = a.opt(0) else { return Ok(vm.str(LEVELS[host.log_level as usize].1)) };
    let name = match v.as_sym() {
        Some(s) => vm.sym_name(s),
        None => string(vm, "level", v)?,
    };
    match LEVELS.iter().find(|l| l.1 == name) {
        Some(l) => {
            host.log_level = l.0;
            Ok(Value::NIL)
        }
        None => Err(vm.argument_error(&format!("Unknown log level: {name}"))),
    }
}

static DEFS: [NativeDef; 5] = [
    def!(
        "debug",
        debug,
        0,
        VARIADIC,
        r#"(log/debug v...) -- writes a line to stderr at level debug.
        (log/debug "details")"#
    ),
    def!(
        "info",
        info,
        0,
        VARIADIC,
        r#"(log/info v...) -- writes a line to stderr at level info.
        (log/info "started")"#
    ),
    def!(
        "warn",
        warn,
        0,
        VARIADIC,
        r#"(log/warn v...) -- writes a line to stderr at level warn.
        (log/warn "nearly full")"#
    ),
    def!(
        "error",
        error,
        0,
        VARIADIC,
        r#"(log/error v...) -- writes a line to stderr at level error.
        (log/error "lost the connection")"#
    ),
    def!(
        "level",
        level,
        0,
        1,
        r#"(log/level "warn") -- the lowest level that is written.
        (log/level "debug")"#
    ),
];

pub fn install(vm: &mut Vm, data: Value) {
    let log = vm.global_namespace("log");
    bridge::functions(vm, log, data, &DEFS);
}
