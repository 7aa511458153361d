//! Mutex and ReentrantMutex.
use super::{
    Place, Waiting, broken, broken_exception, construction, deadlock, label, limit, misuse, receiver, throw_into_all,
};
use crate::def;
use crate::heap::collect::Marker;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::foreign::Foreign;
use crate::task::Reason;
use crate::task::wait::Queue;
use crate::value::Value;
use crate::vm::Vm;
use std::any::Any;

pub struct Mutex {
    id: u64,
    name: Value,
    /// The task that holds it, nil without.
    pub owner: Value,
    /// How often the owner has locked it; 0 while free.
    depth: u32,
    reentrant: bool,
    place: Place,
    waiting: Queue,
    /// Why nobody can have it any more.
    broken: Option<String>,
}

impl Foreign for Mutex {
    fn class_name(&self) -> &'static str {
        if self.reentrant { "ReentrantMutex" } else { "Mutex" }
    }
    fn trace(&self, m: &mut Marker) {
        m.values(&[self.name, self.owner, self.place.function]);
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
    fn queue(&mut self, _side: u8) -> Option<&mut Queue> {
        Some(&mut self.waiting)
    }
    fn describe(&self) -> String {
        label(self.class_name(), self.name, self.id)
    }
}

impl Mutex {
    pub fn state(&self) -> String {
        let text = self.describe();
        match self.owner.is_future() {
            true => format!("{text} held by #{}{}", self.owner.as_gc().id, self.place.since()),
            false => text,
        }
    }
    pub fn depth(&self) -> u32 {
        self.depth
    }
}

fn make_as(vm: &mut Vm, a: &Args, reentrant: bool) -> R {
    let class = if reentrant { "ReentrantMutex" } else { "Mutex" };
    let (name, id) = construction(vm, a, class, 0, 0)?;
    Ok(vm.new_mutex(name, id, reentrant))
}

pub fn make(vm: &mut Vm, a: &Args) -> R {
    make_as(vm, a, false)
}
pub fn make_reentrant(vm: &mut Vm, a: &Args) -> R {
    make_as(vm, a, true)
}

impl Vm {
    pub(super) fn new_mutex(&mut self, name: Value, id: u64, reentrant: bool) -> Value {
        let m = Mutex {
            id,
            name,
            owner: Value::NIL,
            depth: 0,
            reentrant,
            place: Place::NOWHERE,
            waiting: Queue::default(),
            broken: None,
        };
        let class = if reentrant { super::REENTRANT } else { super::MUTEX };
        self.heap.foreign_of(class, Box::new(m))
    }

    fn own_mutex(&mut self, v: Value, task: Value, depth: u32, place: Place) {
        if let Some(m) = v.foreign::<Mutex>() {
            m.owner = task;
            m.depth = depth;
            m.place = place;
            self.touched(v);
            self.hold(task, v);
        }
    }

    /// Takes a free mutex, or one more time a reentrant one of the running task. False when another task holds it.
    fn take_mutex(&mut self, v: Value, m: &mut Mutex) -> Result<bool, Stop> {
        if let Some(text) = &m.broken {
            let text = text.clone();
            return Err(broken(self, &text));
        }
        let me = self.current_task();
        if m.depth == 0 {
            let place = self.here();
            self.own_mutex(v, me, 1, place);
            return Ok(true);
        }
        if m.owner == me && m.reentrant {
            m.depth += 1;
            return Ok(true);
        }
        Ok(false)
    }

    /// Gives the mutex up altogether: the first waiter has it now.
    pub(super) fn pass_mutex(&mut self, v: Value) {
        let Some(m) = v.foreign::<Mutex>() else { return };
        let old = std::mem::replace(&mut m.owner, Value::NIL);
        m.depth = 0;
        self.let_go(old, v);
        let Some(n) = self.front(&m.waiting) else { return };
        let Some(l) = self.tasks.live.get(n.task) else { return };
        let (task, fiber) = (l.future, l.fiber.gc());
        let place =
            crate::interp::trace::innermost(fiber).map_or(Place::NOWHERE, |(function, pc)| Place { function, pc });
        let depth = n.value.small_int() as u32;
        self.own_mutex(v, task, depth, place);
        self.grant(n, Value::NIL);
    }

    /// Takes the mutex back after a wait for a Condition. Cancellation does not reach this wait.
    pub(super) fn relock(&mut self, v: Value, depth: u32) -> R {
        let Some(m) = v.foreign::<Mutex>() else { return Ok(Value::NIL) };
        if let Some(text) = m.broken.clone() {
            return Err(broken(self, &text));
        }
        let me = self.current_task();
        if m.depth == 0 {
            let place = self.here();
            self.own_mutex(v, me, depth, place);
            return Ok(Value::NIL);
        }
        self.wait_in(
            v,
            Waiting { reason: Reason::Relock, side: 0, value: Value::small(depth as i64), limit: None, flagged: false },
        )
    }
}

/// The task that held it is over.
pub fn owner_ended(vm: &mut Vm, v: Value, f: Value) {
    let who = vm.task_label(f);
    let Some(m) = v.foreign::<Mutex>() else { return };
    let text = format!("{} is broken: {who} ended while it held it{}", m.describe(), m.place.since());
    m.broken = Some(text.clone());
    m.owner = Value::NIL;
    m.depth = 0;
    if m.waiting.is_empty() {
        return;
    }
    let ex = broken_exception(vm, &text);
    throw_into_all(vm, v, 0, ex);
}

fn this<'a>(vm: &mut Vm, a: &Args) -> Result<&'a mut Mutex, Stop> {
    receiver(vm, a.this(), "Mutex")
}

fn lock_as(vm: &mut Vm, a: &Args, limit: Option<u64>, flagged: bool) -> R {
    let m = this(vm, a)?;
    let v = a.this();
    vm.checkpoint()?;
    if vm.take_mutex(v, m)? {
        return vm.ready_op(if flagged { Value::TRUE } else { Value::NIL });
    }
    let owner = m.owner;
    if owner == vm.current_task() {
        let who = vm.task_label(owner);
        let text = format!("{who} holds {} already{}", m.describe(), m.place.since());
        return Err(deadlock(vm, &text));
    }
    if limit.is_none() {
        vm.check_lock_cycle(v)?;
    }
    vm.wait_in(v, Waiting { reason: Reason::Lock, side: 0, value: Value::small(1), limit, flagged })
}

fn lock(vm: &mut Vm, a: &Args) -> R {
    let us = limit(vm, a)?;
    lock_as(vm, a, us, false)
}
fn lock_timeout(vm: &mut Vm, a: &Args) -> R {
    let us = vm.duration_us(a.get(0))?;
    lock_as(vm, a, us, true)
}
fn try_lock(vm: &mut Vm, a: &Args) -> R {
    let m = this(vm, a)?;
    vm.checkpoint()?;
    let taken = vm.take_mutex(a.this(), m)?;
    vm.ready_op(Value::bool(taken))
}

impl Vm {
    /// Raises unless the running task holds the mutex.
    pub(super) fn must_own(&mut self, v: Value, what: &str) -> Result<(), Stop> {
        let Some(m) = v.foreign::<Mutex>() else { return Ok(()) };
        if let Some(text) = m.broken.clone() {
            return Err(broken(self, &text));
        }
        if m.depth > 0 && m.owner == self.current_task() {
            return Ok(());
        }
        let text = if m.depth == 0 {
            format!("{what}: {} is not locked", m.describe())
        } else {
            let who = self.task_label(m.owner);
            format!("{what}: {} is held by {who}{}", m.describe(), m.place.since())
        };
        Err(misuse(self, &text))
    }
}

fn unlock(vm: &mut Vm, a: &Args) -> R {
    let m = this(vm, a)?;
    vm.must_own(a.this(), "unlock")?;
    if m.depth > 1 {
        m.depth -= 1;
    } else {
        vm.pass_mutex(a.this());
    }
    Ok(Value::NIL)
}
fn locked(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::bool(this(vm, a)?.depth > 0))
}
fn owner(vm: &mut Vm, a: &Args) -> R {
    Ok(this(vm, a)?.owner)
}
fn name(vm: &mut Vm, a: &Args) -> R {
    Ok(this(vm, a)?.name)
}
fn waiting(vm: &mut Vm, a: &Args) -> R {
    let q = this(vm, a)?.waiting;
    Ok(Value::small(vm.waiting(&q) as i64))
}
fn is_broken(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::bool(this(vm, a)?.broken.is_some()))
}
fn depth(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(this(vm, a)?.depth as i64))
}

pub static METHODS: &[NativeDef] = &[
    def!(
        "lock",
        lock,
        0,
        0,
        ["timeout"],
        "(m .lock [^timeout d]) -- waits for the lock, first come first served.
        (m .lock)"
    ),
    def!(
        "try_lock",
        try_lock,
        0,
        0,
        "(m .try_lock) -- takes the lock if it is free: true or false.
        (m .try_lock)"
    ),
    def!(
        "lock_timeout",
        lock_timeout,
        1,
        1,
        "(m .lock_timeout d) -- true, or false when d is over.
        (m .lock_timeout d)"
    ),
    def!(
        "unlock",
        unlock,
        0,
        0,
        "(m .unlock) -- gives the lock to the first waiting task.
        (m .unlock)"
    ),
    def!(
        "locked?",
        locked,
        0,
        0,
        "(m .locked?) -- whether a task holds it.
        (m .locked?)"
    ),
    def!(
        "owner",
        owner,
        0,
        0,
        "(m .owner) -- the task that holds it, or nil.
        (m .owner)"
    ),
    def!(
        "name",
        name,
        0,
        0,
        "(m .name) -- the name given with ^name.
        (m .name)"
    ),
    def!(
        "waiting",
        waiting,
        0,
        0,
        "(m .waiting) -- how many tasks wait for it.
        (m .waiting)"
    ),
    def!(
        "broken?",
        is_broken,
        0,
        0,
        "(m .broken?) -- whether its owner ended without giving it back.
        (m .broken?)"
    ),
];

pub static REENTRANT_METHODS: &[NativeDef] = &[def!(
    "depth",
    depth,
    0,
    0,
    "(m .depth) -- how often its owner has locked it.
        (m .depth)"
)];
