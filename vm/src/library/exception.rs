//! Exceptions: constructor and methods (language 9.3).
use super::collection::wrong;
use crate::def;
use crate::heap::{Gc, Kind};
use crate::interp::trace;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::map::Map;
use crate::value::Value;
use crate::vm::Vm;

pub fn install(vm: &mut Vm) {
    let c = vm.classes.exception;
    vm.add_methods(c, DEFS);
    let ctor = vm.heap.native(&CTOR, Value::NIL);
    c.data().ctor = ctor;
    vm.heap.barrier(c);
}

static CTOR: NativeDef = def!(
    "ctor",
    construct,
    0,
    1,
    ["cause"],
    r#"(new Exception [message ^cause c]) -- an exception
        (new Exception "no") => Exception: no"#
);

#[rustfmt::skip]
static DEFS: &[NativeDef] = &[
    def!("message", message, 0, 0, r#"(e .message) -- message
        ((new Exception "no") .message) => "no""#),
    def!("cause", |vm, a| member(vm, a, "cause"), 0, 0, r#"(e .cause) -- cause, or nil
        ((new Exception "no" ^cause 1) .cause) => 1"#),
    def!("stack", |vm, a| member(vm, a, "stack"), 0, 0, r#"(e .stack) -- active calls at the throw, innermost first
        ((new Exception "not thrown") .stack) => []"#),
    def!("file", |vm, a| member(vm, a, "file"), 0, 0, r#"(e .file) -- file of the throw
        ((new Exception "not thrown") .file) => nil"#),
    def!("line", |vm, a| member(vm, a, "line"), 0, 0, r#"(e .line) -- line of the throw
        ((new Exception "not thrown") .line) => nil"#),
    def!("column", |vm, a| member(vm, a, "column"), 0, 0, r#"(e .column) -- column of the throw
        ((new Exception "not thrown") .column) => nil"#),
    def!("full_message", full_message, 0, 0, r#"(e .full_message) -- message and messages of the causes, joined by ': '
        ((new Exception "a" ^cause (new Exception "b")) .full_message) => "a: b""#),
];

fn this(vm: &mut Vm, args: &Args) -> Result<Gc<Map>, Stop> {
    match args.this().get::<Map>(Kind::Instance) {
        Some(m) => Ok(m),
        None => Err(wrong(vm, "method", "Exception", args.this())),
    }
}

fn construct(vm: &mut Vm, args: &Args) -> R {
    let m = this(vm, args)?;
    let text = match args.opt(0) {
        Some(v) => v,
        None => vm.str(""),
    };
    let cause = args.kw(vm, "cause").unwrap_or(Value::NIL);
    let (k, c) = (vm.names.message, vm.names.cause);
    vm.map_set(m, k, text);
    vm.map_set(m, c, cause);
    Ok(Value::NIL)
}

fn message(vm: &mut Vm, args: &Args) -> R {
    member(vm, args, "message")
}

fn member(vm: &mut Vm, args: &Args, name: &str) -> R {
    let m = this(vm, args)?;
    let s = vm.sym(name);
    match vm.map_get(m, s) {
        Some(v) => Ok(v),
        None => trace::exception_member(vm, args.this(), s),
    }
}

/// Causes followed: a chain can be a cycle.
const MAX_CAUSES: usize = 100;

fn full_message(vm: &mut Vm, args: &Args) -> R {
    let mut out = vm.exception_message(args.this());
    let mut ex = this(vm, args)?;
    for _ in 0..MAX_CAUSES {
        let Some(cause) = vm.map_get(ex, vm.names.cause) else { break };
        let Some(m) = cause.get::<Map>(Kind::Instance) else { break };
        if !vm.instance_class(m).data().is_exception {
            break;
        }
        out.push_str(": ");
        out.push_str(&vm.exception_message(cause));
        ex = m;
    }
    Ok(vm.str(&out))
}
