//! Tasks: scheduling, parking, futures, timers, the end of the program.
//!
//! One VM runs one task at a time and switches only at suspension points. A task's bottom fiber has role `Task` and its `owner`
//! is the task's [`future::Future`]. Ready tasks wait in a FIFO queue; host futures live in the driver's slotmap and come back by
//! key; timers are a binary heap keyed by (deadline, order of creation).
pub mod future;
pub mod library;
pub mod timer;

use crate::driver::{HostFuture, HostKey, HostResult, HostValue};
use crate::heap::{Gc, Kind};
use crate::interp::{Ctl, Exit, FRAME_BOTTOM, Start, call, run, unwind};
use crate::native::Stop;
use crate::object::fiber::{FRAME_HEAD, Fiber, MAX_CHAIN, Role, Status};
use crate::value::Value;
use crate::vm::Vm;
use future::State;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use timer::Timers;

/// Cleanup of cancelled tasks may take this long at the end of a program.
const GRACE_US: u64 = 5_000_000;

slotmap::new_key_type! {
    /// A live task. Stale keys name nothing.
    pub struct TaskKey;
}

/// Why a task goes on.
#[derive(Clone, Copy, Debug)]
pub enum Wake {
    /// First run.
    Start,
    Value(Value),
    Throw(Value),
}

/// A task that has not ended.
pub struct Live {
    pub future: Value,
    /// The fiber to go on with (the task's own, or a generator it runs).
    pub fiber: Value,
    /// Counts parks: a wake made for an earlier park is a no-op.
    pub epoch: u32,
    pub parked: bool,
    /// The future the parked task awaits, nil when it waits for something else.
    pub waiting_on: Value,
    /// The timer that ends the wait: removed when something else does.
    pub timer: Option<u64>,
}

/// All tasks of one VM.
#[derive(Default)]
pub struct Tasks {
    pub live: slotmap::SlotMap<TaskKey, Live>,
    pub ready: VecDeque<(TaskKey, u32, Wake)>,
    pub timers: Timers,
    /// Pending host futures: the Gene future each settles.
    pub host: FxHashMap<u64, Value>,
    /// Callbacks to run, in order: function, argument.
    pub callbacks: VecDeque<(Value, Value)>,
    pub main: Option<TaskKey>,
    pub next_id: u64,
    /// Failures nobody observed (futures), looked at when the program ends.
    pub failed: Vec<Value>,
    /// Exit code forced by an unhandled failure of a root-level task.
    pub failed_code: Option<i32>,
    done: Vec<(HostKey, HostResult)>,
    pub main_result: Option<Result<Value, Value>>,
}

impl Tasks {
    pub(crate) fn roots(&self, out: &mut Vec<Value>) {
        for l in self.live.values() {
            out.push(l.future);
            out.push(l.fiber);
            out.push(l.waiting_on);
        }
        for (_, _, w) in &self.ready {
            if let Wake::Value(v) | Wake::Throw(v) = w {
                out.push(*v);
            }
        }
        self.timers.roots(out);
        out.extend(self.host.values());
        for (f, a) in &self.callbacks {
            out.push(*f);
            out.push(*a);
        }
        out.extend(&self.failed);
        if let Some(Ok(v) | Err(v)) = &self.main_result {
            out.push(*v);
        }
    }
}

/// Bits of `TaskKey` as a number, and back.
fn key_bits(k: TaskKey) -> u64 {
    use slotmap::Key;
    k.data().as_ffi()
}
fn key_of(bits: u64) -> TaskKey {
    TaskKey::from(slotmap::KeyData::from_ffi(bits))
}

impl Vm {
    /// The future of the running task.
    pub fn current_task(&self) -> Value {
        self.task_of(self.cur).map_or(Value::NIL, |f| f.owner)
    }

    /// The bottom fiber of the task that runs `f`.
    pub fn task_of(&self, f: Gc<Fiber>) -> Option<Gc<Fiber>> {
        let mut f = f;
        loop {
            if f.role == Role::Task {
                return Some(f);
            }
            f = f.caller.get::<Fiber>(Kind::Fiber)?;
        }
    }

    /// A fiber whose bottom frame will call `callee` with `args`; its future is a new task.
    fn new_task(&mut self, callee: Value, args: &[Value]) -> Result<(Gc<Fiber>, Value), Stop> {
        let mut f = self.heap.fiber(Role::Task, FRAME_HEAD * 2 + args.len() + crate::interp::SCRATCH + 4);
        let fut = self.new_future();
        self.tasks.next_id += 1;
        let id = self.tasks.next_id;
        f.id = id;
        f.owner = fut.value();
        fut.as_gc().set_fiber(f.value(), id);
        // SAFETY: the new stack has room for an empty frame and the window above it.
        unsafe {
            for j in 0..FRAME_HEAD {
                *f.stack.add(j) = Value::NIL;
            }
            let w = f.stack.add(FRAME_HEAD);
            *w = callee;
            for (j, &v) in args.iter().enumerate() {
                *w.add(FRAME_HEAD + j) = v;
            }
        }
        f.count = args.len() as u32;
        Ok((f, fut.value()))
    }

    /// Makes the prepared call of a new task's fiber, which is `vm.cur`.
    fn start_fiber(&mut self) -> Ctl {
        let f = self.cur;
        // SAFETY: prepared by `new_task`.
        let w = unsafe { f.stack.add(FRAME_HEAD) };
        call::call(self, w, f.count as usize, &[], FRAME_BOTTOM >> 32, false)
    }

    /// `(async e)`: runs the closure now, on the caller, until it first suspends.
    pub fn start_eager(&mut self, closure: Value) -> Ctl {
        let depth = self.cur.depth;
        if depth >= MAX_CHAIN {
            return call::fail(self, Vm::runtime_error, "Stack overflow");
        }
        let (mut f, fut) = match self.new_task(closure, &[]) {
            Ok(x) => x,
            Err(_) => return Ctl::Throw,
        };
        let mut cur = self.cur;
        cur.status = Status::Waiting;
        self.heap.barrier(cur);
        f.caller = cur.value();
        f.depth = depth + 1;
        f.status = Status::Running;
        fut.as_gc().started = 1;
        self.cur = f;
        self.start_fiber()
    }

    /// `(spawn ...)`: first runs when the spawner next suspends, FIFO.
    pub fn spawn_task(&mut self, callee: Value, args: &[Value]) -> Result<Value, Stop> {
        let (f, fut) = self.new_task(callee, args)?;
        let key = self.tasks.live.insert(Live {
            future: fut,
            fiber: f.value(),
            epoch: 0,
            parked: false,
            waiting_on: Value::NIL,
            timer: None,
        });
        fut.as_gc().set_key(key_bits(key));
        fut.as_gc().root_spawn = 1;
        self.tasks.ready.push_back((key, 0, Wake::Start));
        Ok(fut)
    }

    /// Registers the running task as parked; gives what a waker needs. Raises when a native frame below can't be suspended.
    pub fn prepare_park(&mut self) -> Result<(TaskKey, u32), Stop> {
        if self.nesting > 0 {
            let c = self.classes.cannot_suspend;
            return Err(self.throw(c, "cannot suspend under a native frame"));
        }
        let Some(task) = self.task_of(self.cur) else {
            let c = self.classes.cannot_suspend;
            return Err(self.throw(c, "cannot suspend outside of a task"));
        };
        let fut = task.owner;
        let key = key_of(fut.as_gc().key);
        let key = if self.tasks.live.contains_key(key) {
            key
        } else {
            let k = self.tasks.live.insert(Live {
                future: fut,
                fiber: task.value(),
                epoch: 0,
                parked: false,
                waiting_on: Value::NIL,
                timer: None,
            });
            fut.as_gc().set_key(key_bits(k));
            k
        };
        let cur = self.cur.value();
        let l = &mut self.tasks.live[key];
        l.epoch = l.epoch.wrapping_add(1);
        l.parked = true;
        l.fiber = cur;
        l.waiting_on = Value::NIL;
        Ok((key, l.epoch))
    }

    /// Makes a parked task ready. A stale epoch is a no-op.
    pub fn wake(&mut self, key: TaskKey, epoch: u32, w: Wake) {
        if let Some(l) = self.tasks.live.get_mut(key)
            && l.parked
            && l.epoch == epoch
        {
            l.parked = false;
            if let Some(id) = l.timer.take() {
                self.tasks.timers.cancel(id);
            }
            self.tasks.ready.push_back((key, epoch, w));
        }
    }

    /// Starts a host operation; its Future settles when it is done.
    pub fn host_future(&mut self, f: HostFuture) -> Value {
        let fut = self.new_future();
        match self.driver.start(f) {
            Ok(r) => self.settle_host(fut.value(), r),
            Err(key) => {
                fut.as_gc().host = key.0;
                self.tasks.host.insert(key.0, fut.value());
            }
        }
        fut.value()
    }

    fn settle_host(&mut self, fut: Value, r: HostResult) {
        match r {
            Ok(v) => {
                let v = self.host_value(v);
                self.settle(fut, State::Success, v);
            }
            Err(e) => {
                let s = self.sym(e.class);
                let class = self
                    .namespace_get(self.globals, s)
                    .and_then(|v| v.get(Kind::Class))
                    .unwrap_or(self.classes.runtime_exception);
                let m = self.str(&e.message);
                let ex = self.make_exception(class, m, Value::NIL);
                self.settle(fut, State::Failure, ex);
            }
        }
    }

    /// Host data as a value.
    pub fn host_value(&mut self, v: HostValue) -> Value {
        match v {
            HostValue::Nil => Value::NIL,
            HostValue::Void => Value::VOID,
            HostValue::NotFound => Value::NOT_FOUND,
            HostValue::Bool(b) => Value::bool(b),
            HostValue::Int(i) => self.int(i),
            HostValue::Float(f) => Value::float(f),
            HostValue::Str(s) => self.str(&s),
            HostValue::Bytes(b) => self.heap.bytes(&b).value(),
            HostValue::List(items) => {
                let a = self.heap.array_with_capacity(items.len());
                for x in items {
                    let x = self.host_value(x);
                    self.heap.array_push(a, x);
                }
                a.value()
            }
            HostValue::Map(entries) => {
                let m = self.map_with_capacity(entries.len());
                for (k, x) in entries {
                    let x = self.host_value(x);
                    let k = self.sym(&k);
                    self.map_set(m, k, x);
                }
                m.value()
            }
        }
    }

    /// Takes in finished host operations and due timers. True when something became ready.
    fn take_in(&mut self, wait: Option<Option<u64>>) -> bool {
        let mut done = std::mem::take(&mut self.tasks.done);
        match wait {
            Some(deadline) => self.driver.park(deadline, &mut done),
            None => self.driver.poll(&mut done),
        }
        let mut any = !done.is_empty();
        for (key, r) in done.drain(..) {
            if let Some(fut) = self.tasks.host.remove(&key.0) {
                self.settle_host(fut, r);
            }
        }
        self.tasks.done = done;
        if !self.tasks.timers.is_empty() {
            let now = self.driver.now_us();
            while let Some(t) = self.tasks.timers.pop_due(now) {
                any = true;
                self.fire(t);
            }
        }
        any
    }

    fn fire(&mut self, t: timer::Due) {
        match t {
            timer::Due::Wake(key, epoch, v) => self.wake(key, epoch, Wake::Value(v)),
            timer::Due::Settle(fut) => {
                if fut.as_gc().state() == State::Pending {
                    self.settle(fut, State::Success, Value::NIL);
                }
            }
            timer::Due::Abandon(key, epoch) => {
                let ex = self.timeout_exception();
                self.wake(key, epoch, Wake::Throw(ex));
            }
            timer::Due::Timeout(key, epoch, fut) => {
                if self.tasks.live.get(key).is_some_and(|l| l.parked && l.epoch == epoch) {
                    let ex = self.timeout_exception();
                    // 4.2: on expiry the awaited futures themselves fail.
                    if let Some(a) = fut.get::<crate::object::array::Array>(Kind::Array) {
                        for &f in a.as_slice() {
                            self.fail_pending(f, ex);
                        }
                    } else {
                        self.fail_pending(fut, ex);
                    }
                    self.wake(key, epoch, Wake::Throw(ex));
                }
            }
        }
    }

    fn fail_pending(&mut self, f: Value, ex: Value) {
        if f.is_future() && f.as_gc().state() == State::Pending {
            self.abandon(f);
            f.as_gc().observed = 1;
            self.settle(f, State::Failure, ex);
        }
    }

    /// Runs the scheduler until nothing is left to do: the main task ended, and (unless `drain` is false) no task, timer, host
    /// operation or callback remains.
    pub fn run_loop(&mut self, drain: bool) -> Exit {
        let mut grace: Option<u64> = None;
        loop {
            if self.fatal {
                return Exit::Done;
            }
            if !drain && self.tasks.main_result.is_some() {
                return Exit::Done;
            }
            // `(exit n)` and a failed main body cancel all tasks and give them some time for their cleanup.
            let over = self.exit_code.is_some() || matches!(self.tasks.main_result, Some(Err(_)));
            if over && grace.is_none() {
                grace = Some(self.driver.now_us() + GRACE_US);
                self.cancel_all();
            }
            if let Some(end) = grace
                && (self.tasks.live.is_empty() || self.driver.now_us() >= end)
            {
                return Exit::Done;
            }
            self.start_callbacks();
            if let Some((key, epoch, w)) = self.tasks.ready.pop_front() {
                self.resume_task(key, epoch, w);
                // Everyone gets a turn: host operations and timers are looked at between tasks too.
                if self.driver.pending() > 0 || !self.tasks.timers.is_empty() {
                    self.switches = self.switches.wrapping_add(1);
                    if self.switches.is_multiple_of(32) {
                        self.take_in(None);
                    }
                }
                continue;
            }
            if !self.tasks.callbacks.is_empty() {
                continue;
            }
            let mut deadline = self.tasks.timers.next_deadline();
            if deadline.is_none() && self.driver.pending() == 0 {
                if grace.is_none() && self.throw_deadlock() {
                    continue;
                }
                return Exit::Done;
            }
            if let Some(end) = grace {
                deadline = Some(deadline.map_or(end, |d| d.min(end)));
            }
            if self.interrupt.load(Ordering::Relaxed) != 0 {
                self.interrupt_idle();
                continue;
            }
            self.take_in(Some(deadline));
        }
    }

    fn resume_task(&mut self, key: TaskKey, epoch: u32, w: Wake) {
        let Some(l) = self.tasks.live.get(key) else { return };
        if l.epoch != epoch {
            return;
        }
        let mut f: Gc<Fiber> = l.fiber.gc();
        let fut = l.future;
        if let Wake::Start = w
            && fut.as_gc().state() != State::Pending
        {
            // Cancelled before it ran.
            self.tasks.live.remove(key);
            return;
        }
        let idle = self.cur;
        fut.as_gc().started = 1;
        self.cur = f;
        f.status = Status::Running;
        let start = match w {
            Wake::Start => match self.start_fiber() {
                Ctl::Throw => Some(Start::Throw),
                Ctl::Idle => None,
                _ => Some(Start::Resume),
            },
            Wake::Value(v) => self.resume_with(v),
            Wake::Throw(ex) => {
                self.exception = ex;
                Some(Start::Throw)
            }
        };
        if let Some(start) = start {
            run::run(self, start);
        }
        self.cur = idle;
    }

    fn resume_with(&mut self, v: Value) -> Option<Start> {
        match call::deliver_op(self, v) {
            Ctl::Throw => Some(Start::Throw),
            Ctl::Idle => None,
            Ctl::Done => None,
            _ => Some(Start::Resume),
        }
    }

    /// Each callback runs in a task of its own, so that it may await; the callbacks of one future start in order.
    fn start_callbacks(&mut self) {
        while let Some((f, arg)) = self.tasks.callbacks.pop_front() {
            let Ok((fiber, fut)) = self.new_task(f, &[arg]) else { continue };
            fut.as_gc().root_spawn = 2;
            let key = self.tasks.live.insert(Live {
                future: fut,
                fiber: fiber.value(),
                epoch: 0,
                parked: false,
                waiting_on: Value::NIL,
                timer: None,
            });
            fut.as_gc().set_key(key_bits(key));
            self.resume_task(key, 0, Wake::Start);
        }
    }

    /// Requests the end of every task.
    fn cancel_all(&mut self) {
        let all: Vec<Value> = self.tasks.live.values().map(|l| l.future).collect();
        for f in all {
            let ex = self.cancellation(true);
            self.cancel_task(f, ex);
        }
    }

    /// Nothing can run and nothing from outside can come: a main task that still waits gets a DeadlockException. Once.
    fn throw_deadlock(&mut self) -> bool {
        let Some(key) = self.tasks.main else { return false };
        let Some(l) = self.tasks.live.get(key) else { return false };
        if !l.parked || self.deadlocked {
            return false;
        }
        let epoch = l.epoch;
        let on = l.waiting_on;
        let what = match on.is_future().then(|| on.as_gc().id) {
            Some(id) if id != 0 => format!("the main task awaits task #{id}, which can never end"),
            _ => "the main task waits for something that can never happen".to_string(),
        };
        let c = self.classes.deadlock;
        let m = self.str(&what);
        let ex = self.make_exception(c, m, Value::NIL);
        self.set_code(ex, "GENE.ASYNC.DEADLOCK");
        self.deadlocked = true;
        self.deadlock_exception = ex;
        self.wake(key, epoch, Wake::Throw(ex));
        true
    }

    fn interrupt_idle(&mut self) {
        let sig = self.interrupt.swap(0, Ordering::Relaxed);
        self.exit_code = Some(128 + sig as i32);
    }
}

impl Vm {
    /// Failures nobody looked at, when the program ends: one warning each.
    pub fn report_unobserved(&mut self) {
        for f in std::mem::take(&mut self.tasks.failed) {
            if f.as_gc().observed == 0 {
                self.report_unhandled(f, false);
            }
        }
    }

    fn report_unhandled(&mut self, f: Value, error: bool) {
        let ex = f.as_gc().value;
        let class = self.exception_class_name(ex);
        let message = self.exception_message(ex);
        let (frames, _) = crate::interp::trace::frames(self, ex);
        let mut text = if error {
            format!("Error: unhandled failure of task #{}: {class}: {message}\n", f.as_gc().id)
        } else {
            format!("Warning: the failure of a future was never observed: {class}: {message}\n")
        };
        for t in frames.iter().take(20) {
            text.push_str(&format!("  at {}\n", crate::interp::trace::line(t)));
        }
        self.output.stderr(&text);
    }
}

/// A safepoint on full slices: host completions and due timers are taken in, callbacks run. Tasks do not switch here
/// (concurrency.md D8).
pub fn poll(vm: &mut Vm) -> Ctl {
    if vm.driver.pending() > 0 || !vm.tasks.timers.is_empty() {
        vm.take_in(None);
    }
    if !vm.tasks.callbacks.is_empty() && !vm.in_callback {
        // Callbacks are delivered at safepoints, never re-entrantly: they run in tasks of their own on top of this one.
        vm.in_callback = true;
        let mut cur = vm.cur;
        let status = cur.status;
        cur.status = Status::Waiting;
        vm.heap.barrier(cur);
        vm.polling_fibers.push(cur.value());
        vm.start_callbacks();
        vm.polling_fibers.pop();
        vm.cur = cur;
        cur.status = status;
        vm.in_callback = false;
    }
    Ctl::Load
}

/// The running task asked to park: `prepare_park` was called and wakers registered.
pub fn parked(vm: &mut Vm) -> Ctl {
    let Some(mut task) = vm.task_of(vm.cur) else {
        return call::fail(vm, Vm::runtime_error, "parked outside of a task");
    };
    let mut cur = vm.cur;
    // A generator whose body waits is still running for everyone else.
    cur.status = if cur.role == Role::Task { Status::Suspended } else { Status::Waiting };
    vm.heap.barrier(cur);
    vm.heap.barrier(task);
    leave_eager(vm, &mut task)
}

/// A task that was started eagerly gives control back to its starter with its future; others to the scheduler.
fn leave_eager(vm: &mut Vm, task: &mut Gc<Fiber>) -> Ctl {
    if let Some(mut starter) = task.caller.get::<Fiber>(Kind::Fiber) {
        task.caller = Value::NIL;
        starter.status = Status::Running;
        vm.cur = starter;
        let fut = task.owner;
        return call::deliver_op(vm, fut);
    }
    Ctl::Idle
}

/// The running task's bottom frame returned or threw.
pub fn ended(vm: &mut Vm, r: Result<Value, Value>) -> Ctl {
    let mut task = vm.cur;
    task.status = Status::Done;
    let fut = task.owner;
    let key = key_of(fut.as_gc().key);
    vm.tasks.live.remove(key);
    vm.exception = Value::UNDEF;
    vm.thrown_in = None;
    if vm.tasks.main == Some(key) {
        vm.tasks.main_result = Some(r);
    }
    match r {
        Ok(v) => {
            // `(async e)` flattens a future; `^^raw` keeps it.
            if v.is_future() && v != fut && fut.as_gc().raw == 0 && fut.as_gc().root_spawn == 0 {
                vm.follow(fut, v);
            } else {
                vm.settle(fut, State::Success, v);
            }
        }
        Err(ex) if vm.is_own_cancellation(ex) => {
            // Seen by others it is an ordinary exception.
            let ex = vm.cancellation(false);
            vm.settle(fut, State::Cancelled, ex);
        }
        Err(ex) => {
            vm.settle(fut, State::Failure, ex);
            if vm.fatal
                && let Some(mut starter) = task.caller.get::<Fiber>(Kind::Fiber)
            {
                // Nothing goes on: the starter fails as well.
                task.caller = Value::NIL;
                starter.status = Status::Running;
                vm.cur = starter;
                vm.exception = ex;
                return Ctl::Throw;
            }
        }
    }
    leave_eager(vm, &mut task)
}

/// Another thread asked the VM to stop (SIGINT, SIGTERM: the signal's number).
pub fn interrupted(vm: &mut Vm) -> Ctl {
    let sig = vm.interrupt.swap(0, Ordering::Relaxed);
    vm.exit_code = Some(128 + sig as i32);
    let c = vm.classes.cancellation;
    let m = vm.str("interrupted");
    let ex = vm.make_exception(c, m, Value::NIL);
    vm.mark_own_cancellation(ex);
    vm.exception = ex;
    Ctl::Throw
}

/// Starts the main task on `closure`.
pub fn start_main(vm: &mut Vm, closure: Value) -> Result<Value, Stop> {
    let (f, fut) = vm.new_task(closure, &[])?;
    let key = vm.tasks.live.insert(Live {
        future: fut,
        fiber: f.value(),
        epoch: 0,
        parked: false,
        waiting_on: Value::NIL,
        timer: None,
    });
    fut.as_gc().set_key(key_bits(key));
    fut.as_gc().raw = 1;
    vm.tasks.main = Some(key);
    vm.tasks.ready.push_back((key, 0, Wake::Start));
    Ok(fut)
}

const _: fn(&mut Vm, Ctl) -> Option<Exit> = unwind::settle;
