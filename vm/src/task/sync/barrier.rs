//! Barrier: a number of tasks wait for each other, round after round. One that gives up breaks it for all.
use super::{Waiting, broken, broken_exception, construction, label, limit, receiver, throw_into_all};
use crate::def;
use crate::heap::collect::Marker;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::foreign::Foreign;
use crate::task::Reason;
use crate::task::wait::Queue;
use crate::value::Value;
use crate::vm::Vm;
use std::any::Any;

struct Barrier {
    id: u64,
    name: Value,
    parties: usize,
    /// Tasks of this round that have come.
    arrived: usize,
    waiting: Queue,
    broken: bool,
}

impl Foreign for Barrier {
    fn class_name(&self) -> &'static str {
        "Barrier"
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
        format!("{} ({} of {} came)", label("Barrier", self.name, self.id), self.arrived, self.parties)
    }
}

pub fn make(vm: &mut Vm, a: &Args) -> R {
    let (name, id) = construction(vm, a, "Barrier", 1, 1)?;
    let parties = vm.count_argument(a.get(0), "parties", 1)?;
    let b = Barrier { id, name, parties, arrived: 0, waiting: Queue::default(), broken: false };
    Ok(vm.heap.foreign_of(super::BARRIER, Box::new(b)))
}

fn this<'a>(vm: &mut Vm, a: &Args) -> Result<&'a mut Barrier, Stop> {
    receiver(vm, a.this(), "Barrier")
}

/// A waiter gave up: timeout, cancellation, deadlock.
pub fn left(vm: &mut Vm, v: Value) {
    if v.foreign::<Barrier>().is_some_and(|b| !b.broken) {
        break_it(vm, v);
    }
}

fn break_it(vm: &mut Vm, v: Value) {
    let Some(b) = v.foreign::<Barrier>() else { return };
    b.broken = true;
    b.arrived = 0;
    let text = format!("{} is broken: a task gave up waiting", label("Barrier", b.name, b.id));
    let ex = broken_exception(vm, &text);
    throw_into_all(vm, v, 0, ex);
}

fn wait(vm: &mut Vm, a: &Args) -> R {
    let us = limit(vm, a)?;
    let b = this(vm, a)?;
    let v = a.this();
    vm.checkpoint()?;
    if b.broken {
        let text = format!("{} is broken", label("Barrier", b.name, b.id));
        return Err(broken(vm, &text));
    }
    let index = b.arrived;
    if index + 1 == b.parties {
        b.arrived = 0;
        while let Some(n) = this(vm, a).ok().and_then(|b| vm.front(&b.waiting)) {
            vm.grant(n, n.value);
        }
        return vm.ready_op(Value::small(index as i64));
    }
    if us == Some(0) {
        break_it(vm, v);
        return Err(vm.timed_out(0));
    }
    let r = vm.wait_in(
        v,
        Waiting { reason: Reason::Wait, side: 0, value: Value::small(index as i64), limit: us, flagged: false },
    );
    if r == Err(Stop::Park) {
        b.arrived += 1;
    }
    r
}

/// A fresh round; whoever waits in the old one gets BrokenException.
fn reset(vm: &mut Vm, a: &Args) -> R {
    this(vm, a)?;
    break_it(vm, a.this());
    this(vm, a)?.broken = false;
    Ok(Value::NIL)
}
fn abort(vm: &mut Vm, a: &Args) -> R {
    this(vm, a)?;
    break_it(vm, a.this());
    Ok(Value::NIL)
}
fn is_broken(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::bool(this(vm, a)?.broken))
}
fn parties(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(this(vm, a)?.parties as i64))
}
fn waiting(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(this(vm, a)?.arrived as i64))
}
fn name(vm: &mut Vm, a: &Args) -> R {
    Ok(this(vm, a)?.name)
}

pub static METHODS: &[NativeDef] = &[
    def!(
        "wait",
        wait,
        0,
        0,
        ["timeout"],
        "(b .wait [^timeout d]) -- waits for the other tasks; which one this was, from 0.
        (b .wait)"
    ),
    def!(
        "reset",
        reset,
        0,
        0,
        "(b .reset) -- starts a fresh round; who waits gets BrokenException.
        (b .reset)"
    ),
    def!(
        "abort",
        abort,
        0,
        0,
        "(b .abort) -- breaks the barrier for all.
        (b .abort)"
    ),
    def!(
        "broken?",
        is_broken,
        0,
        0,
        "(b .broken?) -- whether a task gave up.
        (b .broken?)"
    ),
    def!(
        "parties",
        parties,
        0,
        0,
        "(b .parties) -- how many tasks make a round.
        (b .parties)"
    ),
    def!(
        "waiting",
        waiting,
        0,
        0,
        "(b .waiting) -- how many of them have come.
        (b .waiting)"
    ),
    def!(
        "name",
        name,
        0,
        0,
        "(b .name) -- the name given with ^name.
        (b .name)"
    ),
];
