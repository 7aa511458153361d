//! Semaphore: a fixed number of permits. Who waits for several keeps later ones behind it, so nobody starves.
use super::{Waiting, construction, label, limit, misuse, receiver};
use crate::def;
use crate::heap::collect::Marker;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::foreign::Foreign;
use crate::task::Reason;
use crate::task::wait::Queue;
use crate::value::Value;
use crate::vm::Vm;
use std::any::Any;

pub struct Semaphore {
    id: u64,
    name: Value,
    permits: usize,
    available: usize,
    waiting: Queue,
    /// [`pass_on`] runs.
    passing: bool,
}

impl Foreign for Semaphore {
    fn class_name(&self) -> &'static str {
        "Semaphore"
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
        label("Semaphore", self.name, self.id)
    }
}

impl Semaphore {
    pub fn state(&self) -> String {
        format!("{} ({} of {} permits)", self.describe(), self.available, self.permits)
    }
}

pub fn make(vm: &mut Vm, a: &Args) -> R {
    let (name, id) = construction(vm, a, "Semaphore", 1, 1)?;
    let permits = vm.count_argument(a.get(0), "permits", 1)?;
    let s = Semaphore { id, name, permits, available: permits, waiting: Queue::default(), passing: false };
    Ok(vm.heap.foreign_of(super::SEMAPHORE, Box::new(s)))
}

/// Serves waiters in order while there is enough for the first.
pub fn pass_on(vm: &mut Vm, v: Value) {
    match v.foreign::<Semaphore>() {
        Some(s) if !s.passing => s.passing = true,
        _ => return,
    }
    while let Some(s) = v.foreign::<Semaphore>()
        && let Some(n) = vm.front(&s.waiting)
        && n.value.small_int() as usize <= s.available
    {
        s.available -= n.value.small_int() as usize;
        vm.grant(n, Value::NIL);
    }
    if let Some(s) = v.foreign::<Semaphore>() {
        s.passing = false;
    }
}

fn this<'a>(vm: &mut Vm, a: &Args) -> Result<&'a mut Semaphore, Stop> {
    receiver(vm, a.this(), "Semaphore")
}

fn count(vm: &mut Vm, a: &Args, s: &Semaphore) -> Result<usize, Stop> {
    let Some(k) = a.opt(0) else { return Ok(1) };
    let k = vm.count_argument(k, "permits", 1)?;
    if k > s.permits {
        let text = format!("{} has {} permits only, got {k}", s.describe(), s.permits);
        return Err(vm.argument_error(&text));
    }
    Ok(k)
}

fn take(s: &mut Semaphore, k: usize) -> bool {
    let free = s.waiting.is_empty() && s.available >= k;
    if free {
        s.available -= k;
    }
    free
}

fn acquire(vm: &mut Vm, a: &Args) -> R {
    let us = limit(vm, a)?;
    let s = this(vm, a)?;
    let k = count(vm, a, s)?;
    vm.checkpoint()?;
    if take(s, k) {
        return vm.ready_op(Value::NIL);
    }
    vm.wait_in(
        a.this(),
        Waiting { reason: Reason::Acquire, side: 0, value: Value::small(k as i64), limit: us, flagged: false },
    )
}

fn try_acquire(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?;
    let k = count(vm, a, s)?;
    vm.checkpoint()?;
    vm.ready_op(Value::bool(take(s, k)))
}

fn release(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?;
    let k = count(vm, a, s)?;
    if s.available + k > s.permits {
        let text = format!("release of {k} is more than was acquired: {}", s.state());
        return Err(misuse(vm, &text));
    }
    s.available += k;
    pass_on(vm, a.this());
    Ok(Value::NIL)
}

fn available(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(this(vm, a)?.available as i64))
}
fn permits(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(this(vm, a)?.permits as i64))
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
        "acquire",
        acquire,
        0,
        1,
        ["timeout"],
        "(s .acquire [k] [^timeout d]) -- takes k permits, or waits for them.
        (s .acquire)"
    ),
    def!(
        "try_acquire",
        try_acquire,
        0,
        1,
        "(s .try_acquire [k]) -- takes k permits if they are free: true or false.
        (s .try_acquire)"
    ),
    def!(
        "release",
        release,
        0,
        1,
        "(s .release [k]) -- gives k permits back.
        (s .release)"
    ),
    def!(
        "available",
        available,
        0,
        0,
        "(s .available) -- permits that are free.
        (s .available)"
    ),
    def!(
        "permits",
        permits,
        0,
        0,
        "(s .permits) -- permits altogether.
        (s .permits)"
    ),
    def!(
        "name",
        name,
        0,
        0,
        "(s .name) -- the name given with ^name.
        (s .name)"
    ),
    def!(
        "waiting",
        waiting,
        0,
        0,
        "(s .waiting) -- how many tasks wait for permits.
        (s .waiting)"
    ),
];
