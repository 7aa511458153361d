//! Task-locals: bindings with dynamic extent that tasks inherit as a snapshot when they are spawned.
//!
//! A task's bindings are a chain of records (key, value, rest); binding puts one in front and leaving takes the old chain back, so
//! a snapshot is one word. Generators see their consumer's bindings, since those are the task's.
use crate::def;
use crate::heap::{Kind, Record};
use crate::native::{Args, NativeDef, R};
use crate::object::namespace::NamespaceObj;
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// The bindings of the running task.
    pub fn current_locals(&self) -> Value {
        self.task_of(self.cur).map_or(Value::NIL, |t| t.peek)
    }

    pub(super) fn set_locals(&mut self, v: Value) {
        if let Some(mut t) = self.task_of(self.cur) {
            t.peek = v;
            self.heap.barrier(t);
        }
    }
}

/// `header.aux` of keys: tells them from other records.
const KEY: u16 = 0x10C;

/// Whether a value is the key of a task-local: what a name shows that was not known to be one when it was compiled.
pub fn is_key(v: Value) -> bool {
    v.get::<Record>(Kind::Record).is_some_and(|r| r.header.aux == KEY)
}

impl Vm {
    /// The running task's value of a task-local.
    pub(crate) fn local_value(&self, key: Value) -> Value {
        let mut chain = self.current_locals();
        while let Some(r) = chain.get::<Record>(Kind::Record) {
            if r.slot(0) == key {
                return r.slot(1);
            }
            chain = r.slot(2);
        }
        key.get::<Record>(Kind::Record).map_or(Value::NIL, |r| r.slot(0))
    }
}

/// `(%local default)`: a new task-local.
fn make(vm: &mut Vm, a: &Args) -> R {
    Ok(vm.heap.record(Kind::Record, KEY, &[a.get(0)]).value())
}

/// The key behind a member of a namespace, for `with_local`.
fn member(vm: &mut Vm, a: &Args) -> R {
    let name = a.get(1).as_str().unwrap_or_default().to_string();
    let s = vm.sym(&name);
    match a.get(0).get::<NamespaceObj>(Kind::Namespace).and_then(|ns| vm.namespace_get(ns, s)) {
        Some(v) => Ok(v),
        None => crate::interp::member::get_member(vm, a.get(0), s),
    }
}

/// The value of an imported name.
fn value(vm: &mut Vm, a: &Args) -> R {
    let v = a.get(0);
    Ok(if is_key(v) { vm.local_value(v) } else { v })
}

/// The innermost binding, or the default.
fn get(vm: &mut Vm, a: &Args) -> R {
    if !is_key(a.get(0)) {
        return Err(vm.type_error("not a task-local"));
    }
    Ok(vm.local_value(a.get(0)))
}

/// Binds, and gives the bindings before for [`restore`].
fn bind(vm: &mut Vm, a: &Args) -> R {
    if !is_key(a.get(0)) {
        let k = vm.kind_name(a.get(0));
        return Err(vm.type_error(&format!("with_local expects a task-local, got {k}")));
    }
    let old = vm.current_locals();
    let new = vm.heap.record(Kind::Record, 0, &[a.get(0), a.get(1), old]).value();
    vm.set_locals(new);
    Ok(old)
}

fn restore(vm: &mut Vm, a: &Args) -> R {
    vm.set_locals(a.get(0));
    Ok(Value::NIL)
}

/// Called by code that the compiler makes; no script can write these names.
pub static HIDDEN: &[NativeDef] = &[
    def!("%local", make, 1, 1, ""),
    def!("%local_get", get, 1, 1, ""),
    def!("%local_value", value, 1, 1, ""),
    def!("%local_member", member, 2, 2, ""),
    def!("%local_bind", bind, 2, 2, ""),
    def!("%local_restore", restore, 1, 1, ""),
];
