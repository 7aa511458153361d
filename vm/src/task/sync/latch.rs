//! Latch: opens for good when it has been counted down.
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

struct Latch {
    id: u64,
    name: Value,
    count: usize,
    waiting: Queue,
}

impl Foreign for Latch {
    fn class_name(&self) -> &'static str {
        "Latch"
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
        format!("{} (count {})", label("Latch", self.name, self.id), self.count)
    }
}

pub fn make(vm: &mut Vm, a: &Args) -> R {
    let (name, id) = construction(vm, a, "Latch", 1, 1)?;
    let count = vm.count_argument(a.get(0), "count", 0)?;
    Ok(vm.heap.foreign_of(super::LATCH, Box::new(Latch { id, name, count, waiting: Queue::default() })))
}

fn this<'a>(vm: &mut Vm, a: &Args) -> Result<&'a mut Latch, Stop> {
    receiver(vm, a.this(), "Latch")
}

/// Below zero nothing happens: whoever comes late to an open latch finds it open.
fn count_down(vm: &mut Vm, a: &Args) -> R {
    let l = this(vm, a)?;
    let k = match a.opt(0) {
        Some(k) => vm.count_argument(k, "count", 1)?,
        None => 1,
    };
    l.count = l.count.saturating_sub(k);
    if l.count == 0 {
        while let Some(n) = this(vm, a).ok().and_then(|l| vm.front(&l.waiting)) {
            vm.grant(n, Value::NIL);
        }
    }
    let left = this(vm, a)?.count as i64;
    Ok(vm.int(left))
}
fn wait(vm: &mut Vm, a: &Args) -> R {
    let us = limit(vm, a)?;
    let l = this(vm, a)?;
    vm.checkpoint()?;
    if l.count == 0 {
        return vm.ready_op(Value::NIL);
    }
    vm.wait_in(a.this(), Waiting { reason: Reason::Wait, side: 0, value: Value::NIL, limit: us, flagged: false })
}
fn count(vm: &mut Vm, a: &Args) -> R {
    let n = this(vm, a)?.count as i64;
    Ok(vm.int(n))
}
fn name(vm: &mut Vm, a: &Args) -> R {
    Ok(this(vm, a)?.name)
}

pub static METHODS: &[NativeDef] = &[
    def!(
        "count_down",
        count_down,
        0,
        1,
        "(l .count_down [k]) -- counts k down; at 0 waiting tasks go on. What is left.
        (l .count_down)"
    ),
    def!(
        "wait",
        wait,
        0,
        0,
        ["timeout"],
        "(l .wait [^timeout d]) -- waits until the count is 0.
        (l .wait)"
    ),
    def!(
        "count",
        count,
        0,
        0,
        "(l .count) -- what is left to count down.
        (l .count)"
    ),
    def!(
        "name",
        name,
        0,
        0,
        "(l .name) -- the name given with ^name.
        (l .name)"
    ),
];
