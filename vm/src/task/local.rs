//! Task-locals: bindings with dynamic extent that tasks inherit as a snapshot when they are spawned.
//!
//! A task's bindings are a chain of records (key, value, rest); binding puts one in front and leaving takes the old chain back, so
//! a snapshot is one word. Generators see their consumer's bindings, since those are the task's.
use crate::def;
use crate::heap::{Kind, Record};
use crate::native::{Args, NativeDef, R};
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

/// `(%local default)`: a new task-local.
fn make(vm: &mut Vm, a: &Args) -> R {
    Ok(vm.heap.record(Kind::Record, 0, &[a.get(0)]).value())
}

/// The innermost binding, or the default.
fn get(vm: &mut Vm, a: &Args) -> R {
    let key = a.get(0);
    let mut chain = vm.current_locals();
    while let Some(r) = chain.get::<Record>(Kind::Record) {
        if r.slot(0) == key {
            return Ok(r.slot(1));
        }
        chain = r.slot(2);
    }
    match key.get::<Record>(Kind::Record) {
        Some(r) => Ok(r.slot(0)),
        None => Err(vm.type_error("not a task-local")),
    }
}

/// Binds, and gives the bindings before for [`restore`].
fn bind(vm: &mut Vm, a: &Args) -> R {
    if !a.get(0).is_kind(Kind::Record) {
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
    def!("%local_bind", bind, 2, 2, ""),
    def!("%local_restore", restore, 1, 1, ""),
];
