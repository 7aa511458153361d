//! Environment variables (14.9).
use super::hidden;
use crate::bridge;
use crate::host::{Host, host};
use gene_vm::def;
use gene_vm::library::args::{string, text};
use gene_vm::native::{Args, NativeDef, R};
use gene_vm::value::Value;
use gene_vm::vm::Vm;

/// Where the Map of the environment is kept until that changes.
const SNAPSHOT: &str = "%env";

fn get_env(vm: &mut Vm, a: &Args) -> R {
    let name = string(vm, "get_env", a.get(0))?;
    Ok(match host(vm, a)?.env.get(name) {
        Some(v) => vm.str(&v),
        None => a.get(1),
    })
}

fn has_env(vm: &mut Vm, a: &Args) -> R {
    let name = string(vm, "has_env", a.get(0))?;
    Ok(Value::bool(host(vm, a)?.env.get(name).is_some()))
}

fn set_env(vm: &mut Vm, a: &Args) -> R {
    let name = string(vm, "set_env", a.get(0))?;
    let value = text(vm, "set_env", a.get(1))?;
    if !host(vm, a)?.env.set(name, &value) {
        return Err(vm.argument_error("Invalid environment variable"));
    }
    Ok(Value::NIL)
}

fn unset_env(vm: &mut Vm, a: &Args) -> R {
    let name = string(vm, "unset_env", a.get(0))?;
    host(vm, a)?.env.unset(name);
    Ok(Value::NIL)
}

/// `$env`: a frozen Map of what the environment is now.
pub fn snapshot(vm: &mut Vm, host: &mut Host) -> Value {
    if host.env_seen == Some(host.env.version)
        && let Some(v) = hidden(vm, SNAPSHOT)
    {
        return v;
    }
    let all = host.env.all();
    let m = vm.map_with_capacity(all.len());
    for (name, value) in all {
        let name = vm.sym(&name);
        let value = vm.str(&value);
        vm.map_set(m, name, value);
    }
    m.header_mut().set_frozen(true);
    host.env_seen = Some(host.env.version);
    let name = vm.symbols.intern_static(SNAPSHOT);
    vm.heap.namespace_set(vm.globals, name, m.value());
    m.value()
}

static DEFS: [NativeDef; 4] = [
    def!(
        "get_env",
        get_env,
        1,
        2,
        r#"(get_env name [default]) -- the variable, else the default or nil.
        (get_env "NO_SUCH_VARIABLE" "none") => "none""#
    ),
    def!(
        "has_env",
        has_env,
        1,
        1,
        r#"(has_env name) -- whether the variable exists.
        (has_env "NO_SUCH_VARIABLE") => false"#
    ),
    def!(
        "set_env",
        set_env,
        2,
        2,
        r#"(set_env name value) -- sets it for $env and child processes.
        (set_env "EDITOR" "vi")"#
    ),
    def!(
        "unset_env",
        unset_env,
        1,
        1,
        r#"(unset_env name) -- removes it.
        (unset_env "EDITOR")"#
    ),
];

pub fn install(vm: &mut Vm, data: Value) {
    bridge::globals(vm, data, &DEFS);
}
