//! Synchronisation between the tasks of one VM: `gene/sync`.
//!
//! A lock that is given up goes to the first waiter at once ("hand-off"), so nobody can overtake a waiting task. Locks that a task
//! holds are listed in `Tasks::held`: when it ends they break, and whoever waits for them or asks for them later is told.
mod atomic;
mod barrier;
mod condition;
mod event;
mod latch;
mod limiter;
mod mutex;
mod once;
mod rwlock;
mod semaphore;

use super::future::flag;
use super::timer::{Answer, Due, Span};
use super::wait::NO_ARM;
use super::{Reason, Wake};
use crate::heap::Gc;
use crate::interp::trace;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::class::ClassObj;
use crate::object::foreign::{Foreign, ForeignObj};
use crate::value::Value;
use crate::vm::Vm;

/// Numbers of the classes, behind those of `super`.
const MUTEX: u16 = super::TICKER + 1;
const REENTRANT: u16 = MUTEX + 1;
const RWLOCK: u16 = REENTRANT + 1;
const SEMAPHORE: u16 = RWLOCK + 1;
const LIMITER: u16 = SEMAPHORE + 1;
const EVENT: u16 = LIMITER + 1;
const LATCH: u16 = EVENT + 1;
const BARRIER: u16 = LATCH + 1;
const ONCE: u16 = BARRIER + 1;
const CONDITION: u16 = ONCE + 1;
const ATOMIC: u16 = CONDITION + 1;
/// Numbers of classes go on behind these.
pub const LAST: u16 = ATOMIC;

/// A waiter that wants `true`, or `false` when its time is over.
const FLAGGED: u32 = NO_ARM - 1;

/// Where something was locked: function and pc.
#[derive(Clone, Copy)]
struct Place {
    function: Value,
    pc: u32,
}

impl Place {
    const NOWHERE: Place = Place { function: Value::NIL, pc: 0 };

    /// ` since file:line:col`, or nothing.
    fn since(&self) -> String {
        trace::place(self.function, self.pc).map_or(String::new(), |at| format!(" since {at}"))
    }
}

/// `Mutex "db"`, or `Mutex #3` without a name.
fn label(class: &str, name: Value, id: u64) -> String {
    match name.as_str() {
        Some(n) => format!("{class} {n:?}"),
        None => format!("{class} #{id}"),
    }
}

/// The task that holds the lock `v`, if it is a lock that one task holds.
pub fn holder(v: Value) -> Option<Value> {
    let held = if let Some(m) = v.foreign::<mutex::Mutex>() {
        m.owner
    } else if let Some(l) = v.foreign::<rwlock::RwLock>() {
        l.only_holder()
    } else if let Some(o) = v.foreign::<once::Once>() {
        o.runner
    } else {
        Value::NIL
    };
    held.is_future().then_some(held)
}

/// A lock and who holds it, for reports: `Mutex "db" held by #2 since app.gene:28:3`.
pub fn state_text(v: Value) -> Option<String> {
    if let Some(m) = v.foreign::<mutex::Mutex>() {
        return Some(m.state());
    }
    if let Some(l) = v.foreign::<rwlock::RwLock>() {
        return Some(l.state());
    }
    if let Some(s) = v.foreign::<semaphore::Semaphore>() {
        return Some(s.state());
    }
    if let Some(l) = v.foreign::<limiter::Limiter>() {
        return Some(l.state());
    }
    v.foreign::<once::Once>().map(|o| o.state())
}

/// The Rust object behind a receiver.
fn receiver<'a, T: Foreign>(vm: &mut Vm, v: Value, class: &str) -> Result<&'a mut T, Stop> {
    match v.foreign::<T>() {
        Some(t) => Ok(t),
        None => {
            let k = vm.kind_name(v);
            Err(vm.type_error(&format!("expected a {class}, got {k}")))
        }
    }
}

/// What `new` was called with, apart from `^name`.
fn construction(vm: &mut Vm, a: &Args, class: &str, min: usize, max: usize) -> Result<(Value, u64), Stop> {
    if a.len() < min || a.len() > max {
        let m = crate::interp::call::arity_message(min, Some(max), a.len());
        return Err(vm.argument_error(&m));
    }
    for &k in a.keyword_names() {
        let k = vm.sym_name(k);
        if k != "name" {
            return Err(vm.argument_error(&format!("Unexpected keyword argument: {k}")));
        }
    }
    let name = a.kw(vm, "name").unwrap_or(Value::NIL);
    let name = match vm.word_argument(name) {
        Some(text) => vm.str(&text),
        None if name.is_nil() => name,
        None => {
            let k = vm.kind_name(name);
            return Err(vm.type_error(&format!("{class}: name must be a String, got {k}")));
        }
    };
    Ok((name, vm.object_id()))
}

/// `^timeout`
fn limit(vm: &mut Vm, a: &Args) -> Result<Option<u64>, Stop> {
    match a.kw(vm, "timeout") {
        Some(d) => vm.duration_us(d),
        None => Ok(None),
    }
}

fn misuse(vm: &mut Vm, text: &str) -> Stop {
    let c = vm.classes.concurrency_exception;
    vm.throw_coded(c, "GENE.ASYNC.MISUSE", text)
}

fn broken(vm: &mut Vm, text: &str) -> Stop {
    let c = vm.classes.broken;
    vm.throw_coded(c, "GENE.ASYNC.BROKEN", text)
}

/// The exception of a broken object, to be thrown into others.
fn broken_exception(vm: &mut Vm, text: &str) -> Value {
    let c = vm.classes.broken;
    let m = vm.str(text);
    let ex = vm.make_exception(c, m, Value::NIL);
    vm.set_code(ex, "GENE.ASYNC.BROKEN");
    ex
}

fn deadlock(vm: &mut Vm, text: &str) -> Stop {
    let c = vm.classes.deadlock;
    let me = vm.current_task();
    let stop = vm.throw_coded(c, "GENE.ASYNC.DEADLOCK", text);
    let ex = vm.exception;
    let ids: Vec<Value> = if me.is_future() { vec![Value::small(me.as_gc().id as i64)] } else { Vec::new() };
    let list = vm.array(&ids);
    vm.set_detail(ex, "tasks", list);
    vm.set_detail(ex, "cycle", list);
    stop
}

/// The waiting tasks of a queue get an exception each.
fn throw_into_all(vm: &mut Vm, v: Value, side: u8, ex: Value) {
    while let Some(n) = crate::object::foreign::queue_of(v, side).and_then(|q| vm.front(q)) {
        let Some(l) = vm.tasks.live.get(n.task) else { return };
        let epoch = l.epoch;
        vm.wake(n.task, epoch, Wake::Throw(ex));
    }
}

/// How a wait is to end.
struct Waiting {
    reason: Reason,
    side: u8,
    /// What the waiter brings along.
    value: Value,
    limit: Option<u64>,
    /// The wait gives true or false.
    flagged: bool,
}

impl Vm {
    fn here(&self) -> Place {
        trace::innermost(self.cur).map_or(Place::NOWHERE, |(function, pc)| Place { function, pc })
    }

    fn touched(&mut self, v: Value) {
        self.heap.barrier(v.gc::<ForeignObj>());
    }

    /// Parks the running task in a queue of `v`. The caller has tried without waiting.
    fn wait_in(&mut self, v: Value, w: Waiting) -> R {
        if w.limit == Some(0) {
            return if w.flagged { Ok(Value::FALSE) } else { Err(self.timed_out(0)) };
        }
        let (key, epoch) = self.park_anyway(w.reason, v)?;
        self.enqueue(v, w.side, key, if w.flagged { FLAGGED } else { NO_ARM }, w.value);
        if let Some(us) = w.limit {
            let due = match w.flagged {
                true => Due::Answer(key, epoch, Answer::False),
                false => Due::Abandon(key, epoch, Span::of(us)),
            };
            self.wake_at(key, us, due);
        }
        Err(Stop::Park)
    }

    /// Gives a waiter what it waited for.
    fn grant(&mut self, n: super::wait::Node, v: Value) {
        let Some(l) = self.tasks.live.get(n.task) else { return };
        let epoch = l.epoch;
        let v = if n.arm == FLAGGED { Value::TRUE } else { v };
        self.wake(n.task, epoch, Wake::Value(v));
    }

    fn hold(&mut self, task: Value, v: Value) {
        if task.is_future() {
            self.tasks.held.entry(task.as_gc().id).or_default().push(v);
        }
    }

    fn let_go(&mut self, task: Value, v: Value) {
        if !task.is_future() {
            return;
        }
        let id = task.as_gc().id;
        if let Some(list) = self.tasks.held.get_mut(&id) {
            if let Some(i) = list.iter().rposition(|&h| h == v) {
                list.swap_remove(i);
            }
            if list.is_empty() {
                self.tasks.held.remove(&id);
            }
        }
    }

    /// A task ended: the locks it still holds are broken.
    pub(super) fn break_locks(&mut self, f: Value) {
        let Some(list) = self.tasks.held.remove(&f.as_gc().id) else { return };
        for v in list {
            if v.foreign::<mutex::Mutex>().is_some() {
                mutex::owner_ended(self, v, f);
            } else if v.foreign::<rwlock::RwLock>().is_some() {
                rwlock::holder_ended(self, v, f);
            } else if v.foreign::<limiter::Limiter>().is_some() {
                limiter::holder_ended(self, v, f);
            }
        }
    }

    /// A wait for `on` has ended and its registration is gone: those behind it may be able to go on now, and a Barrier breaks when
    /// the wait failed.
    pub(super) fn wait_left(&mut self, reason: Reason, on: Value, failed: bool) {
        match reason {
            Reason::Read | Reason::Write => rwlock::pass_on(self, on),
            Reason::Acquire if on.foreign::<semaphore::Semaphore>().is_some() => semaphore::pass_on(self, on),
            Reason::Acquire => limiter::pass_on(self, on),
            Reason::Wait if failed => barrier::left(self, on),
            _ => {}
        }
    }

    /// `#2`, or `task #2 "name"` in messages.
    fn task_label(&mut self, f: Value) -> String {
        if !f.is_future() {
            return "no task".to_string();
        }
        if f.as_gc().has(flag::MAIN) { "the main task".to_string() } else { self.task_name(f) }
    }

    /// The innermost function called by a native.
    pub(super) fn native_below(&self) -> &'static str {
        use crate::heap::Kind;
        use crate::object::fiber::{FRAME_HEAD, Fiber, Role};
        let mut f = self.cur;
        loop {
            if f.role == Role::Nested {
                let mut name = "native";
                // SAFETY: frames of a fiber are well formed down to its bottom.
                unsafe {
                    let mut base = f.base as usize;
                    loop {
                        let b = f.stack.add(base);
                        if let Some(func) = (*b.sub(3)).get::<crate::object::function::Function>(Kind::Function) {
                            name = self.sym_name(func.proto().trace_name);
                        }
                        let word = (*b.sub(1)).0;
                        if base == FRAME_HEAD || word & crate::interp::FRAME_BOTTOM != 0 {
                            break;
                        }
                        base -= word as u32 as usize;
                    }
                }
                return name;
            }
            match f.caller.get::<Fiber>(Kind::Fiber) {
                Some(c) => f = c,
                None => return "native",
            }
        }
    }
}

fn class(
    vm: &mut Vm,
    name: &'static str,
    number: u16,
    construct: crate::native::NativeFn,
    methods: &[&'static [NativeDef]],
) -> Gc<ClassObj> {
    let c = super::library::numbered(vm, name, number, methods);
    c.data().construct = Some(construct);
    let gene = vm.gene_ns;
    let ns = vm.sub_namespace(gene, "sync");
    let s = vm.symbols.intern_static(name);
    vm.heap.namespace_set(ns, s, c.value());
    c
}

pub fn install(vm: &mut Vm) {
    class(vm, "Mutex", MUTEX, mutex::make, &[mutex::METHODS]);
    class(vm, "ReentrantMutex", REENTRANT, mutex::make_reentrant, &[mutex::METHODS, mutex::REENTRANT_METHODS]);
    class(vm, "RwLock", RWLOCK, rwlock::make, &[rwlock::METHODS]);
    class(vm, "Semaphore", SEMAPHORE, semaphore::make, &[semaphore::METHODS]);
    class(vm, "Limiter", LIMITER, limiter::make, &[limiter::METHODS]);
    class(vm, "Event", EVENT, event::make, &[event::METHODS]);
    class(vm, "Latch", LATCH, latch::make, &[latch::METHODS]);
    class(vm, "Barrier", BARRIER, barrier::make, &[barrier::METHODS]);
    class(vm, "Once", ONCE, once::make, &[once::METHODS]);
    class(vm, "Condition", CONDITION, condition::make, &[condition::METHODS]);
    class(vm, "Atomic", ATOMIC, atomic::make, &[atomic::METHODS]);
}
