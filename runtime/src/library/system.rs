//! Namespace `system`: the machine, the process, its arguments (14.9, 14.10).
use crate::bridge;
use crate::host::host;
use crate::options::{self, OptionSpec, OptionType, OptionValue};
use gene_vm::def;
use gene_vm::heap::{Gc, Kind};
use gene_vm::library::args::{string, wrong_kind};
use gene_vm::native::{Args, NativeDef, R, Stop};
use gene_vm::object::array::Array;
use gene_vm::object::map::Map;
use gene_vm::value::Value;
use gene_vm::vm::Vm;

fn os(vm: &mut Vm, _: &Args) -> R {
    Ok(vm.str(std::env::consts::OS))
}

fn arch(vm: &mut Vm, _: &Args) -> R {
    Ok(vm.str(std::env::consts::ARCH))
}

fn pid(vm: &mut Vm, _: &Args) -> R {
    Ok(vm.int(i64::from(std::process::id())))
}

fn cpu_count(vm: &mut Vm, _: &Args) -> R {
    let n = std::thread::available_parallelism().map_or(1, |n| n.get());
    Ok(vm.int(n as i64))
}

fn version(vm: &mut Vm, _: &Args) -> R {
    Ok(vm.str(crate::VERSION))
}

#[cfg(unix)]
fn hostname(vm: &mut Vm, _: &Args) -> R {
    let names = rustix::system::uname();
    Ok(vm.str(&names.nodename().to_string_lossy()))
}

#[cfg(not(unix))]
fn hostname(vm: &mut Vm, _: &Args) -> R {
    Ok(vm.str(&std::env::var("COMPUTERNAME").unwrap_or_default()))
}

/// The user's name: as the environment tells, else as the user database does.
fn user(vm: &mut Vm, a: &Args) -> R {
    let env = &host(vm, a)?.env;
    let name = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|n| env.get(n).filter(|v| !v.is_empty()));
    let name = name.or_else(user_by_id).unwrap_or_default();
    Ok(vm.str(&name))
}

#[cfg(unix)]
fn user_by_id() -> Option<String> {
    let id = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|l| l.split(':').nth(2) == Some(id.as_str()))?;
    Some(line.split(':').next()?.to_owned())
}

#[cfg(not(unix))]
fn user_by_id() -> Option<String> {
    None
}

fn args(vm: &mut Vm, _: &Args) -> R {
    let args = vm.options.args.clone();
    Ok(strings(vm, &args))
}

fn strings(vm: &mut Vm, items: &[String]) -> Value {
    let list = vm.heap.array_with_capacity(items.len());
    for s in items {
        let s = vm.str(s);
        vm.heap.array_push(list, s);
    }
    list.value()
}

fn map(vm: &mut Vm, v: Value) -> Result<Gc<Map>, Stop> {
    match v.get::<Map>(Kind::Map) {
        Some(m) => Ok(m),
        None => Err(wrong_kind(vm, "parse_args", "Map", v)),
    }
}

/// The property of an option's description as text, if there.
fn property(vm: &mut Vm, m: Gc<Map>, name: &'static str) -> Result<Option<String>, Stop> {
    let key = vm.symbols.intern_static(name);
    match vm.map_get(m, key) {
        None | Some(Value::NIL) => Ok(None),
        Some(v) => Ok(Some(string(vm, "parse_args", v)?.to_owned())),
    }
}

fn parse_args(vm: &mut Vm, a: &Args) -> R {
    let spec = map(vm, a.get(0))?;
    let words: Vec<String> = match a.opt(1) {
        None => vm.options.args.clone(),
        Some(v) => {
            let Some(list) = v.get::<Array>(Kind::Array) else {
                return Err(wrong_kind(vm, "parse_args", "Array", v));
            };
            let mut words = Vec::with_capacity(list.size());
            for &w in list.as_slice() {
                words.push(string(vm, "parse_args", w)?.to_owned());
            }
            words
        }
    };
    let default_key = vm.symbols.intern_static("default");
    let mut specs = Vec::new();
    let mut defaults = Vec::new();
    for (name, v) in vm.map_entries(spec) {
        let m = map(vm, v)?;
        let kind = property(vm, m, "type")?.unwrap_or_else(|| "string".to_owned());
        let Some(kind) = OptionType::from_name(&kind) else {
            return Err(vm.argument_error(&format!("Unknown option type: {kind}")));
        };
        let short = property(vm, m, "short")?;
        specs.push(OptionSpec { name: vm.sym_name(name).to_owned(), kind, short });
        defaults.push(match (vm.map_get(m, default_key), kind) {
            (Some(v), _) => v,
            (None, OptionType::Flag) => Value::FALSE,
            (None, OptionType::List) => vm.array(&[]),
            (None, _) => Value::NIL,
        });
    }
    let parsed = match options::parse(&specs, &words) {
        Ok(parsed) => parsed,
        Err(m) => return Err(vm.argument_error(&m)),
    };
    let result = vm.map_with_capacity(specs.len() + 1);
    for ((spec, default), value) in specs.iter().zip(defaults).zip(parsed.values) {
        let value = match value {
            None => default,
            Some(OptionValue::Flag(b)) => Value::bool(b),
            Some(OptionValue::Int(i)) => vm.int(i),
            Some(OptionValue::Float(f)) => Value::float(f),
            Some(OptionValue::String(s)) => vm.str(&s),
            Some(OptionValue::List(l)) => strings(vm, &l),
        };
        let key = vm.sym(&spec.name);
        vm.map_set(result, key, value);
    }
    let key = vm.symbols.intern_static("rest");
    let rest = strings(vm, &parsed.rest);
    vm.map_set(result, key, rest);
    Ok(result.value())
}

static DEFS: [NativeDef; 9] = [
    def!(
        "os",
        os,
        0,
        0,
        r#"(system/os) -- "linux", "macos" or "windows".
        (system/os)"#
    ),
    def!(
        "arch",
        arch,
        0,
        0,
        r#"(system/arch) -- e.g. "x86_64".
        (system/arch)"#
    ),
    def!(
        "pid",
        pid,
        0,
        0,
        "(system/pid) -- the process's number.
        (system/pid)"
    ),
    def!(
        "hostname",
        hostname,
        0,
        0,
        "(system/hostname) -- the name of the machine
        (system/hostname)"
    ),
    def!(
        "user",
        user,
        0,
        0,
        "(system/user) -- the user's name.
        (system/user)"
    ),
    def!(
        "cpu_count",
        cpu_count,
        0,
        0,
        "(system/cpu_count) -- processors this process may use.
        (system/cpu_count)"
    ),
    def!(
        "version",
        version,
        0,
        0,
        "(system/version) -- of Gene.
        (system/version)"
    ),
    def!(
        "args",
        args,
        0,
        0,
        "(system/args) -- the arguments after the script.
        (system/args)"
    ),
    def!(
        "parse_args",
        parse_args,
        1,
        2,
        r#"(system/parse_args spec [args]) -- options by name, and ^rest.
        (system/parse_args {^n {^type "int"}} ["--n" "3" "x"]) => {^n 3 ^rest ["x"]}"#
    ),
];

pub fn install(vm: &mut Vm, data: Value) {
    let system = vm.global_namespace("system");
    bridge::functions(vm, system, data, &DEFS);
}
