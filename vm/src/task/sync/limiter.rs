//! Limiter: how many tasks may do something at a time. A token belongs to a task, which holds one at most and loses it when it
//! ends; the number of tokens can be changed at any time.
use super::{Waiting, construction, deadlock, label, limit, misuse, receiver};
use crate::def;
use crate::heap::collect::Marker;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::foreign::Foreign;
use crate::task::Reason;
use crate::task::wait::Queue;
use crate::value::Value;
use crate::vm::Vm;
use rustc_hash::FxHashSet;
use std::any::Any;

pub struct Limiter {
    id: u64,
    name: Value,
    total: usize,
    /// Numbers of the tasks that hold a token.
    holders: FxHashSet<u64>,
    waiting: Queue,
    /// [`pass_on`] runs.
    passing: bool,
}

impl Foreign for Limiter {
    fn class_name(&self) -> &'static str {
        "Limiter"
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
        label("Limiter", self.name, self.id)
    }
}

impl Limiter {
    pub fn state(&self) -> String {
        format!("{} ({} of {} tokens taken)", self.describe(), self.holders.len(), self.total)
    }
}

pub fn make(vm: &mut Vm, a: &Args) -> R {
    let (name, id) = construction(vm, a, "Limiter", 1, 1)?;
    let total = vm.count_argument(a.get(0), "total", 1)?;
    let l = Limiter { id, name, total, holders: FxHashSet::default(), waiting: Queue::default(), passing: false };
    Ok(vm.heap.foreign_of(super::LIMITER, Box::new(l)))
}

/// Serves waiters in order while tokens are left.
pub fn pass_on(vm: &mut Vm, v: Value) {
    match v.foreign::<Limiter>() {
        Some(l) if !l.passing => l.passing = true,
        _ => return,
    }
    while let Some(l) = v.foreign::<Limiter>()
        && l.holders.len() < l.total
        && let Some(n) = vm.front(&l.waiting)
    {
        let Some(live) = vm.tasks.live.get(n.task) else { break };
        let task = live.future;
        l.holders.insert(task.as_gc().id);
        vm.hold(task, v);
        vm.grant(n, Value::NIL);
    }
    if let Some(l) = v.foreign::<Limiter>() {
        l.passing = false;
    }
}

pub fn holder_ended(vm: &mut Vm, v: Value, f: Value) {
    if let Some(l) = v.foreign::<Limiter>() {
        l.holders.remove(&f.as_gc().id);
    }
    pass_on(vm, v);
}

fn this<'a>(vm: &mut Vm, a: &Args) -> Result<&'a mut Limiter, Stop> {
    receiver(vm, a.this(), "Limiter")
}

fn take(vm: &mut Vm, v: Value, l: &mut Limiter) -> Result<bool, Stop> {
    let me = vm.current_task();
    if l.holders.contains(&me.as_gc().id) {
        let who = vm.task_label(me);
        let text = format!("{who} holds a token of {} already", l.describe());
        return Err(deadlock(vm, &text));
    }
    if !l.waiting.is_empty() || l.holders.len() >= l.total {
        return Ok(false);
    }
    l.holders.insert(me.as_gc().id);
    vm.hold(me, v);
    Ok(true)
}

fn acquire(vm: &mut Vm, a: &Args) -> R {
    let us = limit(vm, a)?;
    let l = this(vm, a)?;
    vm.checkpoint()?;
    if take(vm, a.this(), l)? {
        return vm.ready_op(Value::NIL);
    }
    vm.wait_in(
        a.this(),
        Waiting { reason: Reason::Acquire, side: 0, value: Value::small(1), limit: us, flagged: false },
    )
}

fn try_acquire(vm: &mut Vm, a: &Args) -> R {
    let l = this(vm, a)?;
    vm.checkpoint()?;
    let taken = take(vm, a.this(), l)?;
    vm.ready_op(Value::bool(taken))
}

fn release(vm: &mut Vm, a: &Args) -> R {
    let l = this(vm, a)?;
    let me = vm.current_task();
    if !l.holders.remove(&me.as_gc().id) {
        let who = vm.task_label(me);
        let text = format!("release: {who} holds no token of {}", l.describe());
        return Err(misuse(vm, &text));
    }
    vm.let_go(me, a.this());
    pass_on(vm, a.this());
    Ok(Value::NIL)
}

/// Fewer tokens than are taken: nobody loses one, but none is given out until enough are back.
fn set_total(vm: &mut Vm, a: &Args) -> R {
    let l = this(vm, a)?;
    l.total = vm.count_argument(a.get(0), "total", 1)?;
    pass_on(vm, a.this());
    Ok(a.get(0))
}

fn total(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(this(vm, a)?.total as i64))
}
fn available(vm: &mut Vm, a: &Args) -> R {
    let l = this(vm, a)?;
    Ok(Value::small(l.total.saturating_sub(l.holders.len()) as i64))
}
fn borrowed(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(this(vm, a)?.holders.len() as i64))
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
        0,
        ["timeout"],
        "(l .acquire [^timeout d]) -- takes the task's token, or waits for one.
        (l .acquire)"
    ),
    def!(
        "try_acquire",
        try_acquire,
        0,
        0,
        "(l .try_acquire) -- takes a token if one is free: true or false.
        (l .try_acquire)"
    ),
    def!(
        "release",
        release,
        0,
        0,
        "(l .release) -- gives the task's token back.
        (l .release)"
    ),
    def!(
        "total",
        total,
        0,
        0,
        "(l .total) -- tokens altogether.
        (l .total)"
    ),
    def!(
        "set_total",
        set_total,
        1,
        1,
        "(l .set_total n) -- changes the number of tokens.
        (l .set_total n)"
    ),
    def!(
        "total=",
        set_total,
        1,
        1,
        "(l .total= n) -- changes the number of tokens; `(l/total = n)` is the same.
        (l .total= n)"
    ),
    def!(
        "available",
        available,
        0,
        0,
        "(l .available) -- tokens that are free.
        (l .available)"
    ),
    def!(
        "borrowed",
        borrowed,
        0,
        0,
        "(l .borrowed) -- tokens that are taken.
        (l .borrowed)"
    ),
    def!(
        "name",
        name,
        0,
        0,
        "(l .name) -- the name given with ^name.
        (l .name)"
    ),
    def!(
        "waiting",
        waiting,
        0,
        0,
        "(l .waiting) -- how many tasks wait for a token.
        (l .waiting)"
    ),
];
