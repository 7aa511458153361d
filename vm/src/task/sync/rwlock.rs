//! RwLock: many readers or one writer, in order of arrival. A waiting writer keeps later readers behind it.
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
use rustc_hash::FxHashMap;
use std::any::Any;

struct Reader {
    task: Value,
    depth: u32,
    place: Place,
}

pub struct RwLock {
    id: u64,
    name: Value,
    writer: Value,
    place: Place,
    /// By task number.
    readers: FxHashMap<u64, Reader>,
    waiting: Queue,
    /// [`pass_on`] runs.
    passing: bool,
    broken: Option<String>,
}

/// What waiters want.
const READ: i64 = 0;
const WRITE: i64 = 1;

impl Foreign for RwLock {
    fn class_name(&self) -> &'static str {
        "RwLock"
    }
    fn trace(&self, m: &mut Marker) {
        m.values(&[self.name, self.writer, self.place.function]);
        for r in self.readers.values() {
            m.values(&[r.task, r.place.function]);
        }
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
    fn queue(&mut self, _side: u8) -> Option<&mut Queue> {
        Some(&mut self.waiting)
    }
    fn describe(&self) -> String {
        label("RwLock", self.name, self.id)
    }
}

impl RwLock {
    /// The writer, or the reader if there is one only.
    pub fn only_holder(&self) -> Value {
        match self.readers.len() {
            1 => self.readers.values().next().map_or(Value::NIL, |r| r.task),
            _ => self.writer,
        }
    }

    pub fn state(&self) -> String {
        let text = self.describe();
        if self.writer.is_future() {
            return format!("{text} held by #{}{}", self.writer.as_gc().id, self.place.since());
        }
        match self.readers.values().next() {
            Some(r) if self.readers.len() == 1 => {
                format!("{text} read by #{}{}", r.task.as_gc().id, r.place.since())
            }
            Some(_) => format!("{text} read by {} tasks", self.readers.len()),
            None => text,
        }
    }

    fn free_for(&self, want: i64) -> bool {
        self.writer.is_nil() && (want == READ || self.readers.is_empty())
    }

    /// How the task holds it, for messages.
    fn held_by(&self, task: Value) -> Option<(&'static str, Place)> {
        if self.writer == task {
            return Some(("writes", self.place));
        }
        self.readers.get(&task.as_gc().id).map(|r| ("reads", r.place))
    }
}

pub fn make(vm: &mut Vm, a: &Args) -> R {
    let (name, id) = construction(vm, a, "RwLock", 0, 0)?;
    let l = RwLock {
        id,
        name,
        writer: Value::NIL,
        place: Place::NOWHERE,
        readers: FxHashMap::default(),
        waiting: Queue::default(),
        passing: false,
        broken: None,
    };
    Ok(vm.heap.foreign_of(super::RWLOCK, Box::new(l)))
}

fn give(vm: &mut Vm, v: Value, task: Value, want: i64, place: Place) {
    let Some(l) = v.foreign::<RwLock>() else { return };
    if want == WRITE {
        l.writer = task;
        l.place = place;
    } else {
        l.readers.entry(task.as_gc().id).or_insert(Reader { task, depth: 0, place }).depth += 1;
    }
    vm.touched(v);
    vm.hold(task, v);
}

/// Lets in who can be let in, in order: a writer alone, readers up to the next writer.
pub fn pass_on(vm: &mut Vm, v: Value) {
    match v.foreign::<RwLock>() {
        Some(l) if !l.passing => l.passing = true,
        _ => return,
    }
    while let Some(l) = v.foreign::<RwLock>()
        && let Some(n) = vm.front(&l.waiting)
        && l.free_for(n.value.small_int())
    {
        let Some(live) = vm.tasks.live.get(n.task) else { break };
        let (task, fiber) = (live.future, live.fiber.gc());
        let place =
            crate::interp::trace::innermost(fiber).map_or(Place::NOWHERE, |(function, pc)| Place { function, pc });
        give(vm, v, task, n.value.small_int(), place);
        vm.grant(n, Value::NIL);
    }
    if let Some(l) = v.foreign::<RwLock>() {
        l.passing = false;
    }
}

/// A task that held it is over.
pub fn holder_ended(vm: &mut Vm, v: Value, f: Value) {
    let who = vm.task_label(f);
    let Some(l) = v.foreign::<RwLock>() else { return };
    let place = l.held_by(f).map_or(Place::NOWHERE, |h| h.1);
    if l.writer == f {
        l.writer = Value::NIL;
    }
    l.readers.remove(&f.as_gc().id);
    let text = format!("{} is broken: {who} ended while it held it{}", l.describe(), place.since());
    l.broken = Some(text.clone());
    l.passing = true;
    let ex = broken_exception(vm, &text);
    throw_into_all(vm, v, 0, ex);
}

fn this<'a>(vm: &mut Vm, a: &Args) -> Result<&'a mut RwLock, Stop> {
    receiver(vm, a.this(), "RwLock")
}

fn take(vm: &mut Vm, v: Value, want: i64) -> Result<bool, Stop> {
    let Some(l) = v.foreign::<RwLock>() else { return Ok(false) };
    if let Some(text) = l.broken.clone() {
        return Err(broken(vm, &text));
    }
    if !l.waiting.is_empty() || !l.free_for(want) {
        return Ok(false);
    }
    let (me, place) = (vm.current_task(), vm.here());
    give(vm, v, me, want, place);
    Ok(true)
}

fn enter(vm: &mut Vm, a: &Args, want: i64) -> R {
    let us = limit(vm, a)?;
    let l = this(vm, a)?;
    let v = a.this();
    vm.checkpoint()?;
    if take(vm, v, want)? {
        return vm.ready_op(Value::NIL);
    }
    let me = vm.current_task();
    if let Some((how, place)) = l.held_by(me) {
        let who = vm.task_label(me);
        let what = if want == WRITE { "write" } else { "read" };
        let text = format!("{who} {how} {} already{} and cannot wait to {what} it", l.describe(), place.since());
        return Err(deadlock(vm, &text));
    }
    if us.is_none() {
        vm.check_lock_cycle(v)?;
    }
    let reason = if want == WRITE { Reason::Write } else { Reason::Read };
    vm.wait_in(v, Waiting { reason, side: 0, value: Value::small(want), limit: us, flagged: false })
}

fn read(vm: &mut Vm, a: &Args) -> R {
    enter(vm, a, READ)
}
fn write(vm: &mut Vm, a: &Args) -> R {
    enter(vm, a, WRITE)
}
fn try_as(vm: &mut Vm, a: &Args, want: i64) -> R {
    this(vm, a)?;
    vm.checkpoint()?;
    let taken = take(vm, a.this(), want)?;
    vm.ready_op(Value::bool(taken))
}

fn release(vm: &mut Vm, a: &Args) -> R {
    let l = this(vm, a)?;
    let v = a.this();
    let me = vm.current_task();
    if l.writer == me {
        l.writer = Value::NIL;
    } else if let Some(r) = l.readers.get_mut(&me.as_gc().id) {
        r.depth -= 1;
        if r.depth == 0 {
            l.readers.remove(&me.as_gc().id);
        }
    } else {
        let who = vm.task_label(me);
        let text = format!("release: {who} does not hold {}", l.describe());
        return Err(misuse(vm, &text));
    }
    vm.let_go(me, v);
    pass_on(vm, v);
    Ok(Value::NIL)
}

fn readers(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(this(vm, a)?.readers.len() as i64))
}
fn writer(vm: &mut Vm, a: &Args) -> R {
    Ok(this(vm, a)?.writer)
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

pub static METHODS: &[NativeDef] = &[
    def!(
        "read",
        read,
        0,
        0,
        ["timeout"],
        "(l .read [^timeout d]) -- waits until it may read, together with others.
        (l .read)"
    ),
    def!(
        "write",
        write,
        0,
        0,
        ["timeout"],
        "(l .write [^timeout d]) -- waits until it may write, alone.
        (l .write)"
    ),
    def!(
        "try_read",
        |vm, a| try_as(vm, a, READ),
        0,
        0,
        "(l .try_read) -- true, or false when it would have to wait.
        (l .try_read)"
    ),
    def!(
        "try_write",
        |vm, a| try_as(vm, a, WRITE),
        0,
        0,
        "(l .try_write) -- true, or false when it would have to wait.
        (l .try_write)"
    ),
    def!(
        "release",
        release,
        0,
        0,
        "(l .release) -- gives back what the task holds.
        (l .release)"
    ),
    def!(
        "readers",
        readers,
        0,
        0,
        "(l .readers) -- how many tasks read.
        (l .readers)"
    ),
    def!(
        "writer",
        writer,
        0,
        0,
        "(l .writer) -- the task that writes, or nil.
        (l .writer)"
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
        "(l .waiting) -- how many tasks wait for it.
        (l .waiting)"
    ),
    def!(
        "broken?",
        is_broken,
        0,
        0,
        "(l .broken?) -- whether a holder ended without giving it back.
        (l .broken?)"
    ),
];
