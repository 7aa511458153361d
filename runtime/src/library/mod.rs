//! Builtins that need the operating system.
mod clock;
mod env;
mod exit;
mod file;
mod fs;
mod io;
mod log;
mod package;
mod path;
mod process;
mod stdio;
mod stream;
mod system;

use crate::host::Host;
use gene_vm::heap::Kind;
use gene_vm::native::R;
use gene_vm::object::array::Array;
use gene_vm::object::namespace::Member;
use gene_vm::value::Value;
use gene_vm::vm::Vm;

/// Member of the globals that holds the [`Host`]. No script can write the name.
const HOST: &str = "%host";
/// Member of the globals that holds the results of an interactive session: the last one, then all by number.
const RESULTS: &str = "%results";
/// Member of the globals that holds the current line of `gene pipe` and its number.
const LINE: &str = "%line";

/// Defines all of them in a new VM; gives the [`Host`].
pub fn install(vm: &mut Vm, host: Host) -> Value {
    let data = vm.heap.foreign(Box::new(host));
    vm.heap.permanent.push(data);
    let name = vm.symbols.intern_static(HOST);
    vm.heap.namespace_set(vm.globals, name, data);
    vm.dollar_hook = Some(dollar);
    exit::install(vm, data);
    clock::install(vm, data);
    env::install(vm, data);
    io::install(vm, data);
    fs::install(vm, data);
    package::install(vm, data);
    path::install(vm, data);
    stream::install(vm, data);
    file::install(vm, data);
    stdio::install(vm, data);
    log::install(vm, data);
    process::install(vm, data);
    system::install(vm, data);
    data
}

pub(crate) fn hidden(vm: &mut Vm, name: &'static str) -> Option<Value> {
    let name = vm.symbols.intern_static(name);
    match vm.globals.data().find(name) {
        Some(Member::Value(v)) => Some(v),
        _ => None,
    }
}

/// `$name` values that come from outside the language.
fn dollar(vm: &mut Vm, name: &str, module: u32) -> Option<R> {
    if let Ok(n) = name.parse::<usize>() {
        return hidden(vm, RESULTS)?.get::<Array>(Kind::Array)?.at(n).map(Ok);
    }
    match name {
        "line" => return hidden(vm, LINE)?.get::<Array>(Kind::Array)?.at(0).map(Ok),
        "n" => return hidden(vm, LINE)?.get::<Array>(Kind::Array)?.at(1).map(Ok),
        "_call" => return hidden(vm, crate::call::TARGET).map(Ok),
        _ => {}
    }
    let host = hidden(vm, HOST)?.foreign::<Host>()?;
    if let Some(variable) = name.strip_prefix("env/") {
        return Some(Ok(host.env.get(variable).map_or(Value::VOID, |v| vm.str(&v))));
    }
    Some(match name {
        "env" => Ok(env::snapshot(vm, host)),
        "pkg" => package::current(vm, host, module),
        "app" => package::application(vm, host),
        "cwd" => Ok(vm.str(&host.start_dir)),
        "duration_start" => {
            let now = vm.driver.wall_us() as f64;
            host.duration_start = Some(now);
            Ok(Value::float(now))
        }
        "duration" => match host.duration_start {
            Some(start) => Ok(Value::float(vm.driver.wall_us() as f64 - start)),
            None => Err(vm.runtime_error("$duration_start is not set")),
        },
        _ => return None,
    })
}

/// Makes `v` the value of `$0` and of `$N`.
pub fn record_result(vm: &mut Vm, n: usize, v: Value) {
    let list = match hidden(vm, RESULTS).and_then(|v| v.get::<Array>(Kind::Array)) {
        Some(list) => list,
        None => {
            let list = vm.heap.array(&[Value::NIL]);
            let name = vm.symbols.intern_static(RESULTS);
            vm.heap.namespace_set(vm.globals, name, list.value());
            list
        }
    };
    while list.size() <= n {
        vm.heap.array_push(list, Value::NIL);
    }
    vm.heap.array_set(list, 0, v);
    vm.heap.array_set(list, n, v);
}

/// Makes `v` the value of `$line` and `n` that of `$n`.
pub fn set_pipe_line(vm: &mut Vm, v: Value, n: i64) {
    let n = vm.int(n);
    match hidden(vm, LINE).and_then(|v| v.get::<Array>(Kind::Array)) {
        Some(list) => {
            vm.heap.array_set(list, 0, v);
            vm.heap.array_set(list, 1, n);
        }
        None => {
            let list = vm.array(&[v, n]);
            let name = vm.symbols.intern_static(LINE);
            vm.heap.namespace_set(vm.globals, name, list);
        }
    }
}

/// The text of `$line`.
pub fn pipe_line(vm: &mut Vm) -> Option<String> {
    hidden(vm, LINE)?.get::<Array>(Kind::Array)?.at(0)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests;
