//! Once: a computation that succeeds once. `.do` is written in Gene (prelude/sync.gene) around `_begin`, `_finish`, `_abandon`.
use super::{Waiting, construction, deadlock, label, receiver};
use crate::def;
use crate::heap::collect::Marker;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::foreign::Foreign;
use crate::task::Reason;
use crate::task::wait::Queue;
use crate::value::Value;
use crate::vm::Vm;
use std::any::Any;

pub struct Once {
    id: u64,
    name: Value,
    /// The task that computes, nil without.
    pub runner: Value,
    done: bool,
    value: Value,
    waiting: Queue,
}

impl Foreign for Once {
    fn class_name(&self) -> &'static str {
        "Once"
    }
    fn trace(&self, m: &mut Marker) {
        m.values(&[self.name, self.runner, self.value]);
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
    fn queue(&mut self, _side: u8) -> Option<&mut Queue> {
        Some(&mut self.waiting)
    }
    fn describe(&self) -> String {
        label("Once", self.name, self.id)
    }
}

impl Once {
    pub fn state(&self) -> String {
        match self.runner.is_future() {
            true => format!("{} run by #{}", self.describe(), self.runner.as_gc().id),
            false => self.describe(),
        }
    }
}

pub fn make(vm: &mut Vm, a: &Args) -> R {
    let (name, id) = construction(vm, a, "Once", 0, 0)?;
    let o = Once { id, name, runner: Value::NIL, done: false, value: Value::NIL, waiting: Queue::default() };
    Ok(vm.heap.foreign_of(super::ONCE, Box::new(o)))
}

fn this<'a>(vm: &mut Vm, a: &Args) -> Result<&'a mut Once, Stop> {
    receiver(vm, a.this(), "Once")
}

/// `(once ._begin f limit)`: true when the caller has to run `f`, false when the value is there.
fn begin(vm: &mut Vm, a: &Args) -> R {
    let o = this(vm, a)?;
    vm.expect_callable("do", a.get(0))?;
    let us = vm.duration_us(a.get(1))?;
    vm.checkpoint()?;
    if o.done {
        return vm.ready_op(Value::FALSE);
    }
    let me = vm.current_task();
    if o.runner.is_nil() {
        o.runner = me;
        vm.touched(a.this());
        return Ok(Value::TRUE);
    }
    if o.runner == me {
        let who = vm.task_label(me);
        let text = format!("{who} runs {} already", o.describe());
        return Err(deadlock(vm, &text));
    }
    if us.is_none() {
        vm.check_lock_cycle(a.this())?;
    }
    vm.wait_in(a.this(), Waiting { reason: Reason::Wait, side: 0, value: Value::NIL, limit: us, flagged: false })
}

fn finish(vm: &mut Vm, a: &Args) -> R {
    let o = this(vm, a)?;
    o.done = true;
    o.value = a.get(0);
    o.runner = Value::NIL;
    vm.touched(a.this());
    while let Some(n) = this(vm, a).ok().and_then(|o| vm.front(&o.waiting)) {
        vm.grant(n, Value::FALSE);
    }
    Ok(a.get(0))
}

/// The computation failed: the next waiter tries.
fn abandon(vm: &mut Vm, a: &Args) -> R {
    let o = this(vm, a)?;
    if o.done {
        return Ok(Value::NIL);
    }
    o.runner = Value::NIL;
    let Some(n) = vm.front(&o.waiting) else { return Ok(Value::NIL) };
    if let Some(l) = vm.tasks.live.get(n.task) {
        o.runner = l.future;
        vm.touched(a.this());
        vm.grant(n, Value::TRUE);
    }
    Ok(Value::NIL)
}

fn done(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::bool(this(vm, a)?.done))
}
fn value(vm: &mut Vm, a: &Args) -> R {
    Ok(this(vm, a)?.value)
}
fn name(vm: &mut Vm, a: &Args) -> R {
    Ok(this(vm, a)?.name)
}

pub static METHODS: &[NativeDef] = &[
    def!("_begin", begin, 2, 2, ""),
    def!("_finish", finish, 1, 1, ""),
    def!("_abandon", abandon, 0, 0, ""),
    def!(
        "done?",
        done,
        0,
        0,
        "(o .done?) -- whether the computation has succeeded.
        (o .done?)"
    ),
    def!(
        "value",
        value,
        0,
        0,
        "(o .value) -- its value; nil before.
        (o .value)"
    ),
    def!(
        "name",
        name,
        0,
        0,
        "(o .name) -- the name given with ^name.
        (o .name)"
    ),
];
