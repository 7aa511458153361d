//! What every exception of 4.0 can tell besides its message: code, task, scope, and what its class promises.
//!
//! Exceptions the VM makes carry their code as a field. One that a script makes (`(throw TimeoutException "late")`) has none; its
//! class knows it. Task and scope are noted at the throw, unless whoever made the exception knew better.
use super::future::is_task;
use super::scope::ScopeKey;
use crate::heap::{Gc, Kind};
use crate::native::R;
use crate::object::array::Array;
use crate::object::class::ClassObj;
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// The task's fuel is used up: an ordinary failure, but wildcards in the task don't catch it.
    pub(crate) fn is_out_of_fuel(&self, ex: Value) -> bool {
        ex.is_kind(Kind::Instance) && self.subclass_of(self.instance_class(ex.gc()), self.classes.fuel)
    }

    /// Whoever else sees the exception may catch it like any other.
    pub(super) fn disown_exception(&mut self, ex: Value) {
        if self.is_out_of_fuel(ex)
            && let Some(k) = self.symbols.find("%own")
        {
            self.map_set(ex.gc(), k, Value::FALSE);
        }
    }

    /// Notes whose exception this is: `$ex/task` and `$ex/scope`. The first note stays.
    pub(crate) fn belongs_to(&mut self, ex: Value, task: Value, scope: ScopeKey) {
        let key = self.names.of;
        if self.map_get(ex.gc(), key).is_some() {
            return;
        }
        let scope = self.scope_object(scope);
        self.belongs_to_scope(ex, task, scope);
    }

    /// What those see who wait for the cancelled future or task `f`.
    pub(super) fn cancellation_of(&mut self, f: Value, reason: Value) -> Value {
        let ex = self.cancellation(false, reason);
        if is_task(f) {
            self.belongs_to(ex, f, f.as_gc().home());
        }
        ex
    }

    /// The same with the scope's object, for a scope that has ended.
    pub(super) fn belongs_to_scope(&mut self, ex: Value, task: Value, scope: Value) {
        let pair = self.array(&[task, scope]);
        let key = self.names.of;
        self.map_set(ex.gc(), key, pair);
    }

    /// The code of a class of 4.0.
    fn class_code(&self, class: Gc<ClassObj>) -> Option<&'static str> {
        let c = &self.classes;
        let codes = [
            (c.timeout, "GENE.ASYNC.TIMEOUT"),
            (c.cancellation, "GENE.ASYNC.CANCELLED"),
            (c.closed, "GENE.ASYNC.CLOSED"),
            (c.busy, "GENE.ASYNC.BUSY"),
            (c.already_terminal, "GENE.ASYNC.ALREADY_TERMINAL"),
            (c.deadlock, "GENE.ASYNC.DEADLOCK"),
            (c.broken, "GENE.ASYNC.BROKEN"),
            (c.not_sendable, "GENE.ASYNC.NOT_SENDABLE"),
            (c.cannot_suspend, "GENE.ASYNC.CANNOT_SUSPEND"),
            (c.group, "GENE.ASYNC.GROUP"),
            (c.invalid_duration, "GENE.ASYNC.INVALID_DURATION"),
        ];
        codes.into_iter().find(|(of, _)| self.subclass_of(class, *of)).map(|(_, code)| code)
    }

    /// Member `name` of an exception that has no field of that name; `void` for what its class does not promise.
    pub(crate) fn concurrency_member(&mut self, ex: Value, name: &str) -> R {
        let class = self.instance_class(ex.gc());
        let c = &self.classes;
        let below = |of: Gc<ClassObj>| self.subclass_of(class, of);
        Ok(match name {
            "code" => match self.class_code(class) {
                Some(code) => self.str(code),
                None => Value::VOID,
            },
            "task" | "scope" if below(c.concurrency_exception) => {
                let key = self.names.of;
                match self.map_get(ex.gc(), key).and_then(|v| v.get::<Array>(Kind::Array)) {
                    Some(pair) => pair.as_slice()[if name == "task" { 0 } else { 1 }],
                    None => Value::NIL,
                }
            }
            "own?" if below(c.cancellation) || below(c.timeout) => Value::FALSE,
            "reason" if below(c.cancellation) => Value::NIL,
            "after" if below(c.timeout) => Value::NIL,
            "exceptions" if below(c.group) => self.array(&[]),
            "tasks" | "cycle" if below(c.deadlock) => self.array(&[]),
            _ => Value::VOID,
        })
    }
}
