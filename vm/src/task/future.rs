//! Futures: the promise a task, a host operation or a script settles exactly once.
use super::{TaskKey, Wake, key_of};
use crate::heap::{Gc, Header, Kind};
use crate::object::array::Array;
use crate::value::Value;
use crate::vm::Vm;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
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
    state: u64,
    /// Value or exception.
    pub value: Value,
    /// Waiting tasks and callbacks: array of triples (kind, a, b), or nil.
    waiters: Value,
    /// The task's bottom fiber, nil for plain futures.
    fiber: Value,
    pub id: u64,
    pub key: u64,
    /// Key of the host operation, 0 without one.
    pub host: u64,
    /// Somebody looks at the outcome: failures need no report.
    pub observed: u64,
    /// 1: spawned into the root scope. 2: callback.
    pub root_spawn: u64,
    /// The result is not flattened.
    pub raw: u64,
    /// The task's first instruction has run.
    pub started: u64,
    /// `.join` has handed out the result.
    pub joined: u64,
    /// The timer that completes the future, 0 without one.
    pub timer: u64,
    /// Position of creation (closure span), nil when unknown.
    pub origin: Value,
    pub name: Value,
}

const WORDS: u32 = (std::mem::size_of::<Future>() / 8 - 1) as u32;

/// Kinds of waiters.
const AWAIT: i64 = 0;
const ON_SUCCESS: i64 = 1;
const ON_FAILURE: i64 = 2;
const ON_SETTLE: i64 = 3;
const FOLLOW: i64 = 4;
const AWAIT_ALL: i64 = 5;

/// What a callback waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum On {
    Success,
    Failure,
    Settle,
}

pub fn is_task(v: Value) -> bool {
    v.is_future() && v.as_gc().fiber.is_ptr()
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
    pub fn as_gc(self) -> Gc<Future> {
        self
    }
    pub fn state(self) -> State {
        match self.state {
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
    pub(super) fn set_fiber(mut self, f: Value, id: u64) {
        self.fiber = f;
        self.id = id;
    }
    pub(super) fn set_key(mut self, key: u64) {
        self.key = key;
    }
    pub fn fiber(self) -> Value {
        self.fiber
    }
}

impl Vm {
    pub fn new_future(&mut self) -> Gc<Future> {
        let mut f: Gc<Future> = self.heap.alloc(Kind::Future, 0, WORDS);
        f.value = Value::NIL;
        f.waiters = Value::NIL;
        f.fiber = Value::NIL;
        f.origin = Value::NIL;
        f.name = Value::NIL;
        f
    }

    fn add_waiter(&mut self, mut f: Gc<Future>, kind: i64, a: Value, b: Value) {
        let w = match f.waiters.get::<Array>(Kind::Array) {
            Some(w) => w,
            None => {
                let w = self.heap.array_with_capacity(3);
                f.waiters = w.value();
                self.heap.barrier(f);
                w
            }
        };
        for v in [Value::small(kind), a, b] {
            self.heap.array_push(w, v);
        }
    }

    /// The task waits for `f`: woken with its value or exception.
    pub fn wait_for(&mut self, f: Value, key: TaskKey, epoch: u32) {
        f.as_gc().observed = 1;
        let k = Value(super::key_bits(key) & 0x7FFF_FFFF_FFFF);
        let _ = k;
        let e = self.key_pair(key, epoch);
        self.add_waiter(f.as_gc(), AWAIT, e, Value::NIL);
    }

    /// The task waits for all of `list`; `f` is one of them.
    pub fn wait_for_all(&mut self, f: Value, key: TaskKey, epoch: u32, list: Value) {
        f.as_gc().observed = 1;
        let e = self.key_pair(key, epoch);
        self.add_waiter(f.as_gc(), AWAIT_ALL, e, list);
    }

    /// (key, epoch) as a value.
    fn key_pair(&mut self, key: TaskKey, epoch: u32) -> Value {
        let bits = self.int(super::key_bits(key) as i64);
        self.array(&[bits, Value::small(epoch as i64)])
    }

    fn unpack(v: Value) -> Option<(TaskKey, u32)> {
        let a = v.get::<Array>(Kind::Array)?;
        let s = a.as_slice();
        Some((key_of(s[0].as_int()? as u64), s[1].as_int()? as u32))
    }

    /// Registers a callback. Late ones run on the next tick.
    pub fn on(&mut self, f: Value, on: On, callback: Value) {
        let g = f.as_gc();
        if on != On::Success {
            f.as_gc().observed = 1;
        }
        match g.state() {
            State::Pending => {
                let kind = match on {
                    On::Success => ON_SUCCESS,
                    On::Failure => ON_FAILURE,
                    On::Settle => ON_SETTLE,
                };
                self.add_waiter(g, kind, callback, Value::NIL);
            }
            s => self.queue_callback(f, s, on, callback),
        }
    }

    fn queue_callback(&mut self, f: Value, s: State, on: On, callback: Value) {
        let ok = s == State::Success;
        let arg = match on {
            On::Success if ok => f.as_gc().value,
            On::Failure if !ok => f.as_gc().value,
            On::Settle => f,
            _ => return,
        };
        self.tasks.callbacks.push_back((callback, arg));
        self.heap.fuel.request();
    }

    /// `to` settles as `from` does.
    pub fn follow(&mut self, to: Value, from: Value) {
        from.as_gc().observed = 1;
        match from.as_gc().state() {
            State::Pending => self.add_waiter(from.as_gc(), FOLLOW, to, Value::NIL),
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
        g.state = state as u64;
        g.value = v;
        g.host = 0;
        let waiters = std::mem::replace(&mut g.waiters, Value::NIL);
        self.heap.barrier(g);
        let mut observed = g.observed != 0;
        if let Some(w) = waiters.get::<Array>(Kind::Array) {
            for t in w.as_slice().chunks(3) {
                let wake = if state == State::Success { Wake::Value(v) } else { Wake::Throw(v) };
                match t[0].small_int() {
                    AWAIT => {
                        observed = true;
                        if let Some((k, e)) = Vm::unpack(t[1]) {
                            self.wake(k, e, wake);
                        }
                    }
                    AWAIT_ALL => {
                        observed = true;
                        if let Some((k, e)) = Vm::unpack(t[1])
                            && let Some(w) = self.all_settled(t[2])
                        {
                            self.wake(k, e, w)
                        }
                    }
                    ON_SUCCESS => self.queue_callback(f, state, On::Success, t[1]),
                    ON_FAILURE => self.queue_callback(f, state, On::Failure, t[1]),
                    ON_SETTLE => self.queue_callback(f, state, On::Settle, t[1]),
                    _ => {
                        observed = true;
                        self.settle(t[1], state, v);
                    }
                }
            }
        }
        if state == State::Failure && !observed {
            if g.root_spawn != 0 {
                // Nobody waits for a root-level task or a callback: its failure is reported at once.
                self.report_unhandled(f, true);
                self.tasks.failed_code = Some(1);
            } else {
                self.tasks.failed.push(f);
            }
        }
        true
    }

    /// Multi-await (4.2): the first failure in argument order of settling ends it; all values make an array.
    pub fn all_settled(&mut self, list: Value) -> Option<Wake> {
        let a = list.get::<Array>(Kind::Array)?;
        let items = a.as_slice().to_vec();
        let mut pending = false;
        for &f in &items {
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
        let values: Vec<Value> = items.iter().map(|f| if f.is_future() { f.as_gc().value } else { *f }).collect();
        Some(Wake::Value(self.array(&values)))
    }

    /// Gives up on the operation behind a pending future: a host operation is dropped, a task is cancelled.
    pub fn abandon(&mut self, f: Value) {
        let g = f.as_gc();
        if g.timer != 0 {
            self.tasks.timers.cancel(g.timer);
        }
        if g.host != 0 {
            self.driver.cancel(crate::driver::HostKey(g.host));
            self.tasks.host.remove(&g.host);
        }
        if g.fiber.is_ptr() {
            let ex = self.cancellation(true);
            self.cancel_task(f, ex);
        }
    }

    /// Requests that the task stop: a parked one is woken with its own cancellation and unwinds, one that never ran is dropped.
    pub(super) fn cancel_task(&mut self, f: Value, ex: Value) {
        let key = key_of(f.as_gc().key);
        if let Some(l) = self.tasks.live.get(key) {
            if l.parked {
                let e = l.epoch;
                self.wake(key, e, Wake::Throw(ex));
            } else if l.epoch == 0 && f.as_gc().started == 0 {
                self.tasks.live.remove(key);
                let ex = self.cancellation(false);
                f.as_gc().observed = 1;
                self.settle(f, State::Cancelled, ex);
            }
        }
    }

    /// `.cancel`: settles a plain future as cancelled, cancels the task of one.
    pub fn cancel_future(&mut self, f: Value) -> bool {
        if f.as_gc().state() != State::Pending {
            return false;
        }
        f.as_gc().observed = 1;
        self.abandon(f);
        if f.as_gc().fiber.is_ptr() {
            // A task settles when it has unwound.
            return true;
        }
        let ex = self.cancellation(false);
        self.settle(f, State::Cancelled, ex)
    }

    pub(super) fn cancellation(&mut self, own: bool) -> Value {
        let c = self.classes.cancellation;
        let m = self.str("cancelled");
        let ex = self.make_exception(c, m, Value::NIL);
        self.set_code(ex, "GENE.ASYNC.CANCELLED");
        if own {
            self.mark_own_cancellation(ex);
        }
        ex
    }

    pub(super) fn timeout_exception(&mut self) -> Value {
        let c = self.classes.timeout;
        let m = self.str("Timeout");
        let ex = self.make_exception(c, m, Value::NIL);
        self.set_code(ex, "GENE.ASYNC.TIMEOUT");
        ex
    }

    pub fn set_code(&mut self, ex: Value, code: &str) {
        let k = self.symbols.intern_static("code");
        let v = self.str(code);
        self.map_set(ex.gc(), k, v);
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
