//! Futures: the promise a task, a host operation or a script settles exactly once.
use super::scope::ScopeKey;
use super::wait::{ANY_OUTCOME, NO_ARM, Queue};
use super::{Reason, TaskKey, Wake, key_of};
use crate::heap::{Gc, Header, Kind};
use crate::object::array::Array;
use crate::object::fiber::Fiber;
use crate::value::Value;
use crate::vm::Vm;

/// Lines of an `async_trace`.
const ASYNC_TRACE: usize = 32;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum State {
    Pending = 0,
    Success,
    Failure,
    Cancelled,
}

/// A record (traced word by word); small numbers in it look like doubles to the collector.
#[repr(C)]
pub struct Future {
    pub header: Header,
    /// State in the lowest two bits, then the flags below; the pc of the creation from bit 32.
    bits: u64,
    /// Value or exception. The argument of a task that has not begun, with [`flag::ARGUMENT`].
    pub value: Value,
    /// Tasks that wait.
    waiters: Queue,
    /// What few futures have, else nil: an array of the name, then callbacks and followers in order of registration, each as
    /// (kind, a, b).
    extra: Value,
    /// The task's bottom fiber, what to call before it has one; nil for plain and settled futures.
    fiber: Value,
    /// The task's number, 0 for plain futures.
    pub id: u64,
    pub key: u64,
    /// Key of the host operation or name of the timer behind a plain future; for tasks the scope they belong to.
    source: u64,
    /// The function that created the task; with the pc in `bits` it gives the position.
    origin: Value,
}

const WORDS: u32 = (std::mem::size_of::<Future>() / 8 - 1) as u32;

/// Flags of a future.
pub mod flag {
    /// Somebody looks at the outcome: failures need no report.
    pub const OBSERVED: u64 = 1 << 2;
    /// The result is not flattened.
    pub const RAW: u64 = 1 << 3;
    /// The task's first instruction has run.
    pub const STARTED: u64 = 1 << 4;
    /// `.join` has handed out the result.
    pub const JOINED: u64 = 1 << 5;
    /// A task, not a plain future.
    pub const TASK: u64 = 1 << 6;
    /// Spawned, not `async`: a failure is its scope's.
    pub const SPAWNED: u64 = 1 << 7;
    /// Runs a callback.
    pub const CALLBACK: u64 = 1 << 8;
    /// Belongs to the root now; `.join` is refused.
    pub const DETACHED: u64 = 1 << 9;
    /// The scope does not wait for it.
    pub const DAEMON: u64 = 1 << 10;
    /// Runs to its first checkpoint even when cancelled before.
    pub const ATOMIC: u64 = 1 << 11;
    /// `source` is a host operation.
    pub const HOST: u64 = 1 << 12;
    /// `source` is a timer.
    pub const TIMER: u64 = 1 << 13;
    /// The failure was reported as one that nobody observed.
    pub const REPORTED: u64 = 1 << 14;
    /// A token of `unpark` is saved.
    pub const TOKEN: u64 = 1 << 15;
    /// The main task of a program.
    pub const MAIN: u64 = 1 << 16;
    /// `^start "eager"`.
    pub const EAGER: u64 = 1 << 18;
    /// The task has been told that it is cancelled.
    pub const TOLD: u64 = 1 << 17;
    /// The script got hold of the task while it ran.
    pub const KNOWN: u64 = 1 << 19;
    /// An `async` body that ended before it ever waited: for scripts it never was a task.
    pub const IMMEDIATE: u64 = 1 << 20;
    /// A host operation that only the task waiting for it knows: it ends with the wait.
    pub const OWNED: u64 = 1 << 22;
    /// Waits for its turn in a scope with a limit.
    pub const QUEUED: u64 = 1 << 21;
    /// `value` is the argument that the task begins with.
    pub const ARGUMENT: u64 = 1 << 23;
}

/// In the key of a settled future: it names no task, and the lower half is its place in the order of settling.
const SETTLED: u64 = 1 << 63;

/// Kinds of callbacks.
const ON_SUCCESS: i64 = 1;
const ON_FAILURE: i64 = 2;
const ON_SETTLE: i64 = 3;
const FOLLOW: i64 = 4;

/// What a callback waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum On {
    Success,
    Failure,
    Settle,
}

pub fn is_task(v: Value) -> bool {
    v.is_future() && v.as_gc().has(flag::TASK)
}

/// The value of a future that has succeeded.
#[inline(always)]
pub fn value_of(v: Value) -> Option<Value> {
    (v.is_future() && v.as_gc().state() == State::Success).then(|| v.as_gc().value)
}

/// Whether a script sees a Task: `async` gives a plain Future when nothing was left to do (4.1).
pub fn shows_as_task(v: Value) -> bool {
    is_task(v) && !v.as_gc().has(flag::IMMEDIATE)
}

impl Value {
    #[inline]
    pub fn is_future(self) -> bool {
        self.is_kind(Kind::Future)
    }
    /// The future; the caller has checked the kind.
    #[inline]
    pub fn as_gc(self) -> Gc<Future> {
        self.gc()
    }
}

impl Gc<Future> {
    #[inline]
    pub fn state(self) -> State {
        match self.bits & 3 {
            0 => State::Pending,
            1 => State::Success,
            2 => State::Failure,
            _ => State::Cancelled,
        }
    }
    pub fn state_name(self) -> &'static str {
        match self.state() {
            State::Pending => "pending",
            State::Success => "success",
            State::Failure => "failure",
            State::Cancelled => "cancelled",
        }
    }
    #[inline]
    pub fn has(self, f: u64) -> bool {
        self.bits & f != 0
    }
    #[inline]
    pub fn set(mut self, f: u64) {
        self.bits |= f;
    }
    pub fn clear(mut self, f: u64) {
        self.bits &= !f;
    }
    /// Somebody looks at the outcome.
    pub fn observe(self) {
        self.set(flag::OBSERVED);
    }
    pub(super) fn queue<'a>(self) -> &'a mut Queue {
        // SAFETY: the future is live while it is used, and the VM is single-threaded: queues are borrowed one at a time.
        unsafe { &mut (*self.as_ptr()).waiters }
    }
    pub(super) fn set_id(mut self, id: u64) {
        self.id = id;
        self.set(flag::TASK);
    }
    pub(super) fn set_fiber(mut self, f: Value) {
        self.fiber = f;
    }
    /// A spawned task that is neither settled nor waited for, whose end no callback and no report waits for.
    #[inline(always)]
    pub(super) fn ends_alone(self) -> bool {
        let looked_at = 3 | flag::SPAWNED | flag::CALLBACK | flag::MAIN | flag::DAEMON;
        self.bits & looked_at == flag::SPAWNED && self.waiters.is_empty() && self.extra.is_nil()
    }
    /// As [`Vm::settle`] for a task that ends alone and is no longer live. The barrier is the caller's.
    #[inline(always)]
    pub(super) fn succeed(mut self, v: Value, order: u32) {
        self.bits |= State::Success as u64;
        self.value = v;
        self.fiber = Value::NIL;
        self.key = SETTLED | order as u64;
    }
    pub fn name(self) -> Value {
        self.extra.get::<Array>(Kind::Array).map_or(Value::NIL, |w| w.as_slice()[0])
    }
    pub(super) fn set_key(mut self, key: u64) {
        self.key = key;
    }
    pub fn fiber(self) -> Value {
        self.fiber
    }
    /// The bottom fiber of a task that has begun and not ended.
    pub fn task_fiber(self) -> Option<Gc<Fiber>> {
        self.fiber.get(Kind::Fiber)
    }
    pub fn task_key(self) -> TaskKey {
        key_of(self.key)
    }
    /// Numbers settled futures in order; 0 for those that keep the key of a task that still unwinds.
    pub(super) fn settled_order(self) -> u64 {
        if self.key & SETTLED == 0 { 0 } else { self.key & !SETTLED }
    }
    pub(super) fn set_settled(mut self, order: u64) {
        self.key = SETTLED | order;
    }
    /// The scope a task belongs to.
    pub fn home(self) -> ScopeKey {
        super::scope::scope_of(self.source)
    }
    pub(super) fn set_home(mut self, s: ScopeKey) {
        self.source = super::scope::scope_bits(s);
    }
    pub(super) fn set_host(mut self, key: u64) {
        self.source = key;
        self.set(flag::HOST);
    }
    pub(super) fn set_timer(mut self, id: u64) {
        self.source = id;
        self.set(flag::TIMER);
    }
    pub(super) fn set_origin(mut self, function: Value, pc: u32) {
        self.origin = function;
        self.bits = self.bits & 0xFFFF_FFFF | (pc as u64 & 0xF_FFFF) << 32;
    }
    /// Function and pc of the creation.
    pub fn origin(self) -> (Value, u32) {
        (self.origin, (self.bits >> 32) as u32)
    }
}

impl Vm {
    #[inline]
    pub fn new_future(&mut self) -> Gc<Future> {
        let mut f: Gc<Future> = self.heap.alloc(Kind::Future, 0, WORDS);
        f.value = Value::NIL;
        f.extra = Value::NIL;
        f.fiber = Value::NIL;
        f.origin = Value::NIL;
        f
    }

    /// A future with its value.
    pub fn settled_future(&mut self, v: Value) -> Value {
        let f = self.new_future().value();
        self.settle(f, State::Success, v);
        f
    }

    fn extra_of(&mut self, f: &mut Gc<Future>) -> Gc<Array> {
        if let Some(w) = f.extra.get::<Array>(Kind::Array) {
            return w;
        }
        let w = self.array(&[Value::NIL]);
        f.extra = w;
        self.heap.barrier(*f);
        w.gc()
    }

    pub fn set_task_name(&mut self, mut f: Gc<Future>, name: Value) {
        if name.is_nil() && f.extra.is_nil() {
            return;
        }
        let w = self.extra_of(&mut f);
        w.as_mut_slice()[0] = name;
        self.heap.barrier(w);
    }

    fn add_callback(&mut self, mut f: Gc<Future>, kind: i64, a: Value, b: Value) {
        let w = self.extra_of(&mut f);
        for v in [Value::small(kind), a, b] {
            self.heap.array_push(w, v);
        }
    }

    /// The parked task waits for `f`: woken with its value or exception, or with an arm of its `select`.
    pub fn wait_for(&mut self, f: Value, key: TaskKey, arm: u32) {
        f.as_gc().observe();
        self.enqueue(f, 0, key, arm, Value::NIL);
    }

    /// Registers a callback. Late ones run on the next tick.
    pub fn on(&mut self, f: Value, on: On, callback: Value) {
        let g = f.as_gc();
        if on != On::Success {
            g.observe();
        }
        let locals = self.current_locals();
        match g.state() {
            State::Pending => {
                let kind = match on {
                    On::Success => ON_SUCCESS,
                    On::Failure => ON_FAILURE,
                    On::Settle => ON_SETTLE,
                };
                self.add_callback(g, kind, callback, locals);
            }
            s => self.queue_callback(f, s, on, callback, locals),
        }
    }

    fn queue_callback(&mut self, f: Value, s: State, on: On, callback: Value, locals: Value) {
        let ok = s == State::Success;
        let arg = match on {
            On::Success if ok => f.as_gc().value,
            On::Failure if !ok => f.as_gc().value,
            On::Settle => f,
            _ => return,
        };
        self.tasks.callbacks.push_back((callback, arg, locals));
        self.heap.fuel.request();
    }

    /// `to` settles as `from` does.
    pub fn follow(&mut self, to: Value, from: Value) {
        from.as_gc().observe();
        match from.as_gc().state() {
            State::Pending => self.add_callback(from.as_gc(), FOLLOW, to, Value::NIL),
            s => {
                let v = from.as_gc().value;
                self.settle(to, s, v);
            }
        }
    }

    /// Settles a pending future: waiters are woken and callbacks queued in order of registration. False when it had settled.
    pub fn settle(&mut self, f: Value, state: State, v: Value) -> bool {
        let mut g = f.as_gc();
        if g.state() != State::Pending {
            return false;
        }
        g.bits |= state as u64;
        g.value = v;
        if !g.has(flag::TASK) {
            g.source = 0;
        }
        self.tasks.settled = self.tasks.settled.wrapping_add(1);
        // A task whose future was failed from outside still unwinds: it keeps its key and stack until it has ended.
        if !g.has(flag::TASK) || !self.tasks.live.contains_key(g.task_key()) {
            g.set_settled(self.tasks.settled as u64);
            g.fiber = Value::NIL;
        } else {
            self.tasks.settled_early.insert(g.id, self.tasks.settled as u64);
        }
        if v.is_ptr() {
            self.heap.barrier(g);
        }
        while let Some(n) = self.front(g.queue()) {
            self.wake_waiter(f, n, state, v);
        }
        if let Some(w) = g.extra.get::<Array>(Kind::Array) {
            let name = w.as_slice()[0];
            g.extra = if name.is_nil() { Value::NIL } else { self.array(&[name]) };
            self.heap.barrier(g);
            for i in (1..w.size()).step_by(3) {
                let t = &w.as_slice()[i..i + 3];
                let (kind, a, b) = (t[0].small_int(), t[1], t[2]);
                match kind {
                    ON_SUCCESS => self.queue_callback(f, state, On::Success, a, b),
                    ON_FAILURE => self.queue_callback(f, state, On::Failure, a, b),
                    ON_SETTLE => self.queue_callback(f, state, On::Settle, a, b),
                    _ => {
                        self.settle(a, state, v);
                    }
                }
            }
        }
        if state == State::Failure && !g.has(flag::OBSERVED) {
            self.unobserved(f);
        }
        true
    }

    /// Wakes a task that waits for a settled future. Its registration is gone afterwards, whatever it waits for.
    fn wake_waiter(&mut self, f: Value, n: super::wait::Node, state: State, v: Value) {
        let Some(l) = self.tasks.live.get(n.task) else { return self.unlink_front(f.as_gc().queue()) };
        let epoch = l.epoch;
        if state != State::Success {
            let at = self.task_position(n.task);
            self.passed_on(v, f, at);
        }
        let Some(l) = self.tasks.live.get(n.task) else { return };
        if n.arm != NO_ARM && n.arm & ANY_OUTCOME != 0 {
            return self.wake(n.task, epoch, Wake::Arm(n.arm & !ANY_OUTCOME, Value::NIL, true));
        }
        if n.arm != NO_ARM {
            let w = if state == State::Success { Wake::Arm(n.arm, v, true) } else { Wake::Throw(v) };
            return self.wake(n.task, epoch, w);
        }
        if l.reason == Reason::AwaitAll && state == State::Success {
            let list = l.on;
            let left = l.pending.saturating_sub(1);
            if let Some(l) = self.tasks.live.get_mut(n.task) {
                l.pending = left;
            }
            if left > 0 {
                self.unlink_front(f.as_gc().queue());
            } else if let Some(w) = self.all_settled(list) {
                self.wake(n.task, epoch, w);
            }
            return;
        }
        let w = if state == State::Success { Wake::Value(v) } else { Wake::Throw(v) };
        self.wake(n.task, epoch, w);
    }

    /// Multi-await (4.2): the first failure in argument order of settling ends it; all values make an array.
    pub fn all_settled(&mut self, list: Value) -> Option<Wake> {
        let a = list.get::<Array>(Kind::Array)?;
        let mut pending = false;
        for &f in a.as_slice() {
            if f.is_future() {
                match f.as_gc().state() {
                    State::Success => {}
                    State::Pending => pending = true,
                    _ => return Some(Wake::Throw(f.as_gc().value)),
                }
            }
        }
        if pending {
            return None;
        }
        let values: Vec<Value> =
            a.as_slice().iter().map(|f| if f.is_future() { f.as_gc().value } else { *f }).collect();
        Some(Wake::Value(self.array(&values)))
    }

    /// A failure reaches somebody who waits for future `f`: a line of `$ex/async_trace`, outermost last. Only the first ones are
    /// kept, as an exception may be awaited without end.
    pub(super) fn passed_on(&mut self, ex: Value, f: Value, at: Option<String>) {
        if !ex.is_kind(Kind::Instance) {
            return;
        }
        let origin = if f.as_gc().has(flag::TASK) { self.task_origin(f) } else { None };
        // What the library awaits for a host (a line for `gene pipe`) tells nobody anything.
        if at.is_none() && origin.is_none() {
            return;
        }
        let k = self.symbols.intern_static("async_trace");
        let list = match self.map_get(ex.gc(), k).and_then(|v| v.get::<Array>(Kind::Array)) {
            Some(a) if a.size() >= ASYNC_TRACE => return,
            Some(a) => a,
            None => {
                let a = self.heap.array_with_capacity(1);
                self.map_set(ex.gc(), k, a.value());
                a
            }
        };
        let mut line = format!("await {}", self.object_text(f));
        if let Some(at) = at {
            line.push_str(&format!(" ({at})"));
        }
        if let Some(origin) = origin {
            line.push_str(&format!(" spawned {origin}"));
        }
        let line = self.str(&line);
        self.heap.array_push(list, line);
    }

    /// Gives up on the operation behind a pending future: a host operation is dropped, a task is cancelled.
    pub fn abandon(&mut self, f: Value, reason: Value) {
        let g = f.as_gc();
        if g.has(flag::TASK) {
            self.cancel_task(f, reason);
        } else if g.has(flag::TIMER) {
            self.tasks.timers.cancel(g.source);
        } else if g.has(flag::HOST) {
            self.driver.cancel(crate::driver::HostKey(g.source));
            self.forget_host(g.source);
        }
    }

    /// `.cancel`: settles a plain future as cancelled, cancels the task of one. False when it had settled.
    pub fn cancel_future(&mut self, f: Value, reason: Value) -> bool {
        if f.as_gc().state() != State::Pending {
            return false;
        }
        self.abandon(f, reason);
        if f.as_gc().has(flag::TASK) {
            // A task settles when it has unwound.
            return true;
        }
        let ex = self.cancellation_of(f, reason);
        self.settle(f, State::Cancelled, ex)
    }

    /// An exception class says cancellation; `own`: wildcards don't catch it.
    pub(crate) fn cancellation(&mut self, own: bool, reason: Value) -> Value {
        let c = self.classes.cancellation;
        let m = match self.to_text(reason) {
            Ok(text) if !reason.is_nil() => self.str(&format!("cancelled: {text}")),
            _ => self.str("cancelled"),
        };
        let ex = self.make_exception(c, m, Value::NIL);
        self.set_code(ex, "GENE.ASYNC.CANCELLED");
        self.set_detail(ex, "reason", reason);
        self.set_detail(ex, "own?", Value::bool(own));
        if own {
            self.mark_own_cancellation(ex);
        }
        ex
    }

    /// `after`: the time that passed, in microseconds.
    pub(crate) fn timeout_exception(&mut self, after: Option<u64>) -> Value {
        let c = self.classes.timeout;
        let m = self.str("Timeout");
        let ex = self.make_exception(c, m, Value::NIL);
        self.set_code(ex, "GENE.ASYNC.TIMEOUT");
        if let Some(us) = after {
            let d = self.duration(us as i64);
            self.set_detail(ex, "after", d);
        }
        ex
    }

    pub fn set_code(&mut self, ex: Value, code: &str) {
        let v = self.str(code);
        self.set_detail(ex, "code", v);
    }

    /// Field `name` of an exception object.
    pub fn set_detail(&mut self, ex: Value, name: &'static str, v: Value) {
        let k = self.symbols.intern_static(name);
        self.map_set(ex.gc(), k, v);
    }

    /// Throws an exception of a class of 4.0 with its code.
    #[cold]
    pub fn throw_coded(
        &mut self,
        class: Gc<crate::object::class::ClassObj>,
        code: &str,
        message: &str,
    ) -> crate::native::Stop {
        let stop = self.throw(class, message);
        let ex = self.exception;
        self.set_code(ex, code);
        stop
    }

    /// Marks a CancellationException as the running task's own: wildcards don't catch it.
    pub fn mark_own_cancellation(&mut self, ex: Value) {
        let k = self.symbols.intern_static("%own");
        self.map_set(ex.gc(), k, Value::TRUE);
    }

    pub fn is_own_cancellation(&self, ex: Value) -> bool {
        if !ex.is_kind(Kind::Instance) {
            return false;
        }
        if ex == self.generator_exit {
            return true;
        }
        match self.symbols.find("%own") {
            Some(k) => self.map_get(ex.gc(), k) == Some(Value::TRUE),
            None => false,
        }
    }
}
