//! Event: a flag that tasks wait for.
use super::{Waiting, construction, label, limit, receiver};
use crate::def;
use crate::heap::collect::Marker;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::foreign::Foreign;
use crate::task::Reason;
use crate::task::wait::Queue;
use crate::value::Value;
use crate::vm::Vm;
use std::any::Any;

struct Event {
    id: u64,
    name: Value,
    set: bool,
    waiting: Queue,
}

impl Foreign for Event {
    fn class_name(&self) -> &'static str {
        "Event"
    }
    fn trace(&self, m: &mut Marker) {
        m.value(self.name);
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
    fn queue(&mut self, _side: u8) -> Option<&mut Queue> {
        Some(&mut self.waiting)
    }
    fn describe(&self) -> String {
        label("Event", self.name, self.id)
    }
}

pub fn make(vm: &mut Vm, a: &Args) -> R {
    let (name, id) = construction(vm, a, "Event", 0, 0)?;
    Ok(vm.heap.foreign_of(super::EVENT, Box::new(Event { id, name, set: false, waiting: Queue::default() })))
}

fn this<'a>(vm: &mut Vm, a: &Args) -> Result<&'a mut Event, Stop> {
    receiver(vm, a.this(), "Event")
}

fn set(vm: &mut Vm, a: &Args) -> R {
    this(vm, a)?.set = true;
    while let Some(n) = this(vm, a).ok().and_then(|e| vm.front(&e.waiting)) {
        vm.grant(n, Value::NIL);
    }
    Ok(Value::NIL)
}
fn clear(vm: &mut Vm, a: &Args) -> R {
    this(vm, a)?.set = false;
    Ok(Value::NIL)
}
fn wait(vm: &mut Vm, a: &Args) -> R {
    let us = limit(vm, a)?;
    let e = this(vm, a)?;
    vm.checkpoint()?;
    if e.set {
        return vm.ready_op(Value::NIL);
    }
    vm.wait_in(a.this(), Waiting { reason: Reason::Wait, side: 0, value: Value::NIL, limit: us, flagged: false })
}
fn is_set(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::bool(this(vm, a)?.set))
}
fn name(vm: &mut Vm, a: &Args) -> R {
    Ok(this(vm, a)?.name)
}
fn waiting(vm: &mut Vm, a: &Args) -> R {
    let q = this(vm, a)?.waiting;
    Ok(Value::small(vm.waiting(&q) as i64))
}

pub static METHODS: &[NativeDef] = &[
    def!(
        "set",
        set,
        0,
        0,
        "(e .set) -- lets all waiting tasks go on, and later ones at once.
        (e .set)"
    ),
    def!(
        "clear",
        clear,
        0,
        0,
        "(e .clear) -- tasks wait again.
        (e .clear)"
    ),
    def!(
        "wait",
        wait,
        0,
        0,
        ["timeout"],
        "(e .wait [^timeout d]) -- waits until the event is set.
        (e .wait)"
    ),
    def!(
        "set?",
        is_set,
        0,
        0,
        "(e .set?) -- whether it is set.
        (e .set?)"
    ),
    def!(
        "name",
        name,
        0,
        0,
        "(e .name) -- the name given with ^name.
        (e .name)"
    ),
    def!(
        "waiting",
        waiting,
        0,
        0,
        "(e .waiting) -- how many tasks wait.
        (e .waiting)"
    ),
];
