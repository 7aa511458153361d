//! Condition: tasks that hold a mutex wait for others to change something. `.wait` is written in Gene (prelude/sync.gene): it gives
//! the mutex up, waits, and takes it back whatever ended the wait.
use super::mutex::Mutex;
use super::{Waiting, construction, label, receiver};
use crate::def;
use crate::heap::collect::Marker;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::foreign::Foreign;
use crate::task::Reason;
use crate::task::wait::Queue;
use crate::value::Value;
use crate::vm::Vm;
use std::any::Any;

struct Condition {
    id: u64,
    name: Value,
    mutex: Value,
    waiting: Queue,
}

impl Foreign for Condition {
    fn class_name(&self) -> &'static str {
        "Condition"
    }
    fn trace(&self, m: &mut Marker) {
        m.values(&[self.name, self.mutex]);
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
    fn queue(&mut self, _side: u8) -> Option<&mut Queue> {
        Some(&mut self.waiting)
    }
    fn describe(&self) -> String {
        label("Condition", self.name, self.id)
    }
}

/// `(new gene/sync/Condition [mutex])`: without one it makes its own.
pub fn make(vm: &mut Vm, a: &Args) -> R {
    let (name, id) = construction(vm, a, "Condition", 0, 1)?;
    let mutex = match a.opt(0) {
        None => {
            let id = vm.object_id();
            vm.new_mutex(name, id, false)
        }
        Some(m) if m.foreign::<Mutex>().is_some() => m,
        Some(m) => {
            let k = vm.kind_name(m);
            return Err(vm.type_error(&format!("Condition expects a Mutex, got {k}")));
        }
    };
    Ok(vm.heap.foreign_of(super::CONDITION, Box::new(Condition { id, name, mutex, waiting: Queue::default() })))
}

fn this<'a>(vm: &mut Vm, a: &Args) -> Result<&'a mut Condition, Stop> {
    receiver(vm, a.this(), "Condition")
}

/// Checks everything, gives the mutex up and tells how deep it was locked.
fn release(vm: &mut Vm, a: &Args) -> R {
    let m = this(vm, a)?.mutex;
    vm.duration_us(a.get(0))?;
    vm.must_own(m, "wait")?;
    vm.checkpoint()?;
    let depth = m.foreign::<Mutex>().map_or(1, |m| m.depth());
    vm.pass_mutex(m);
    Ok(Value::small(depth as i64))
}

fn park(vm: &mut Vm, a: &Args) -> R {
    this(vm, a)?;
    let us = vm.duration_us(a.get(0))?;
    vm.checkpoint()?;
    vm.wait_in(a.this(), Waiting { reason: Reason::Wait, side: 0, value: Value::NIL, limit: us, flagged: false })
}

fn relock(vm: &mut Vm, a: &Args) -> R {
    let m = this(vm, a)?.mutex;
    vm.relock(m, a.get(0).small_int() as u32)
}

fn wake(vm: &mut Vm, a: &Args, n: usize) -> R {
    for _ in 0..n {
        let Some(n) = this(vm, a).ok().and_then(|c| vm.front(&c.waiting)) else { break };
        vm.grant(n, Value::NIL);
    }
    Ok(Value::NIL)
}
fn notify(vm: &mut Vm, a: &Args) -> R {
    let m = this(vm, a)?.mutex;
    let n = match a.opt(0) {
        Some(n) => vm.count_argument(n, "count", 1)?,
        None => 1,
    };
    vm.must_own(m, "notify")?;
    wake(vm, a, n)
}
fn notify_all(vm: &mut Vm, a: &Args) -> R {
    let m = this(vm, a)?.mutex;
    vm.must_own(m, "notify_all")?;
    wake(vm, a, usize::MAX)
}
fn mutex(vm: &mut Vm, a: &Args) -> R {
    Ok(this(vm, a)?.mutex)
}
fn waiting(vm: &mut Vm, a: &Args) -> R {
    let q = this(vm, a)?.waiting;
    Ok(Value::small(vm.waiting(&q) as i64))
}
fn name(vm: &mut Vm, a: &Args) -> R {
    Ok(this(vm, a)?.name)
}

pub static METHODS: &[NativeDef] = &[
    def!("_release", release, 1, 1, ""),
    def!("_park", park, 1, 1, ""),
    def!("_relock", relock, 1, 1, ""),
    def!(
        "notify",
        notify,
        0,
        1,
        "(c .notify [n]) -- lets n waiting tasks go on, one without n.
        (c .notify)"
    ),
    def!(
        "notify_all",
        notify_all,
        0,
        0,
        "(c .notify_all) -- lets all waiting tasks go on.
        (c .notify_all)"
    ),
    def!(
        "mutex",
        mutex,
        0,
        0,
        "(c .mutex) -- the mutex that must be held.
        (c .mutex)"
    ),
    def!(
        "waiting",
        waiting,
        0,
        0,
        "(c .waiting) -- how many tasks wait.
        (c .waiting)"
    ),
    def!(
        "name",
        name,
        0,
        0,
        "(c .name) -- the name given with ^name.
        (c .name)"
    ),
];
