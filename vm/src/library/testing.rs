//! A VM for unit tests of natives, and short ways to call them.
use crate::driver::{Driver, HostFuture, HostKey, HostResult, Output};
use crate::heap::{Kind, Record};
use crate::native::{Args, NativeDef};
use crate::object::map::Map;
use crate::object::namespace::{Member, NamespaceObj};
use crate::value::{Sym, Value};
use crate::vm::{Options, Vm};
use std::sync::Arc;

struct NoDriver;

impl Driver for NoDriver {
    fn now_us(&self) -> u64 {
        0
    }
    fn wall_us(&self) -> i64 {
        0
    }
    fn start(&mut self, _: HostFuture) -> Result<HostResult, HostKey> {
        Err(HostKey(0))
    }
    fn cancel(&mut self, _: HostKey) {}
    fn pending(&self) -> usize {
        0
    }
    fn poll(&mut self, _: &mut Vec<(HostKey, HostResult)>) {}
    fn park(&mut self, _: Option<u64>, _: &mut Vec<(HostKey, HostResult)>) {}
    fn wake_handle(&self) -> Arc<dyn Fn() + Send + Sync> {
        Arc::new(|| {})
    }
    fn seed(&mut self) -> u64 {
        0x0123_4567_89AB_CDEF
    }
}

struct NoOutput;

impl Output for NoOutput {
    fn stdout(&mut self, _: &str) {}
    fn stderr(&mut self, _: &str) {}
    fn flush(&mut self) {}
}

pub fn vm() -> Box<Vm> {
    Vm::new(Box::new(NoDriver), Box::new(NoOutput), Options::default())
}

/// Calls a native. `Err`: the class and message of the exception.
fn run(vm: &mut Vm, f: Value, recv: Option<Value>, args: &[Value], kw: &[(&str, Value)]) -> Result<Value, String> {
    assert!(f.is_kind(Kind::Native), "{f:?} is no native");
    // SAFETY: the first word of a native is its definition.
    let def = unsafe { &*(f.gc::<Record>().slot(0).0 as *const NativeDef) };
    assert!(args.len() >= def.min as usize && args.len() <= def.max as usize, "arity of {}", def.name);
    let mut words: Vec<Value> = recv.into_iter().collect();
    words.extend_from_slice(args);
    let n = words.len();
    words.extend(kw.iter().map(|k| k.1));
    let names: Vec<Sym> = kw.iter().map(|k| vm.sym(k.0)).collect();
    let a = Args { base: words.as_ptr(), n, keywords: &names[..], method: recv.is_some(), data: Value::NIL };
    (def.f)(vm, &a).map_err(|stop| {
        let ex = vm.exception;
        let m = ex.get::<Map>(Kind::Instance).and_then(|m| vm.map_get(m, vm.names.message));
        format!("{}: {}", vm.kind_name(ex), m.and_then(|m| m.as_str()).unwrap_or(&format!("{stop:?}")))
    })
}

/// `(recv .name args... ^kw)`.
pub fn method(vm: &mut Vm, recv: Value, name: &str, args: &[Value], kw: &[(&str, Value)]) -> Result<Value, String> {
    let (class, s) = (vm.class_of(recv), vm.sym(name));
    let f = vm.class_find(class, s).unwrap_or_else(|| panic!("no method {name}"));
    run(vm, f, Some(recv), args, kw)
}

/// The native at a path of namespaces and classes below the globals, called.
pub fn function(vm: &mut Vm, path: &str, args: &[Value], kw: &[(&str, Value)]) -> Result<Value, String> {
    let mut v = vm.globals.value();
    for part in path.split('/') {
        let s = vm.sym(part);
        v = if v.is_kind(Kind::Namespace) {
            match v.gc::<NamespaceObj>().data().find(s) {
                Some(Member::Value(v)) => v,
                _ => panic!("no {part} in {path}"),
            }
        } else {
            vm.class_static(v.gc(), s).unwrap_or_else(|| panic!("no {part} in {path}"))
        };
    }
    run(vm, v, None, args, kw)
}

/// The debug form of a result, or the error.
pub fn shown(vm: &mut Vm, r: Result<Value, String>) -> String {
    match r {
        Ok(v) => vm.to_debug(v).unwrap_or_else(|s| format!("{s:?}")),
        Err(m) => m,
    }
}
