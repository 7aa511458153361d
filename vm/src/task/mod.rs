//! Tasks: scheduling, parking, scopes, futures, channels, locks, timers, the end of the program.
//!
//! One VM runs one task at a time and switches only at suspension points. A task's bottom fiber has role `Task` and its `owner`
//! is the task's [`future::Future`]. Whatever a task waits for, it waits in the same way: [`Vm::prepare_park`] makes it known as
//! parked, registrations put it into queues ([`wait`]) and a timer bounds the wait; whoever ends the wait calls [`Vm::wake`],
//! which takes all of that back and puts the task into the ready queue. A wake made for an earlier wait carries an old epoch and
//! does nothing.
//!
//! ```text
//! timer      indexed heap of deadlines            channel    buffers, hand-over, closing
//! wait       queues of parked tasks               select     several sources at one instant
//! future     promises, callbacks                  sync/      mutex, semaphore, ... in VM terms
//! live       tasks that have not ended      budget     fuel and memory of a task and its children
//! scope      the tree of scopes; cancel           ticker     timers scripts can see
//! scheduler  ready queue, run loop, drain         report     task trees, deadlocks, leaks, traces
//! ```
pub mod budget;
pub mod cancel;
pub mod channel;
pub mod deadlock;
pub mod exception;
pub mod future;
pub mod group;
pub mod library;
pub mod live;
pub mod local;
pub mod report;
pub mod ring;
pub mod scheduler;
pub mod scope;
pub mod scope_library;
pub mod select;
pub mod sync;
pub mod synonym;
pub mod ticker;
pub mod timer;
pub mod trace;
pub mod wait;

use crate::driver::{HostFuture, HostKey, HostResult, HostValue};
use crate::heap::{Gc, Kind, Record};
use crate::interp::{Ctl, FRAME_BOTTOM, call};
use crate::native::{R, Stop};
use crate::object::fiber::{FRAME_HEAD, Fiber, MAX_CHAIN, Role, Status};
use crate::value::Value;
use crate::vm::Vm;
use future::{State, flag};
pub use live::{Live, LiveTasks};
use rustc_hash::FxHashMap;
pub use scheduler::{deliver_callbacks, ended, interrupted, parked, poll, start_main};
use scope::{ScopeKey, Scopes};
use std::collections::VecDeque;
use timer::Timers;
use wait::Waits;

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
    /// An arm of its `select` was committed: arm, value, whether the source was open.
    Arm(u32, Value, bool),
}

/// What a parked task waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Reason {
    None,
    Await,
    AwaitAll,
    Join,
    Sleep,
    Send,
    Recv,
    Select,
    Lock,
    Read,
    Write,
    Acquire,
    Wait,
    Tick,
    Park,
    Yield,
    /// The end of the children of a scope. Cancellation reaches the children, not this wait.
    ScopeExit,
    /// A lock that is taken back after a Condition. Not cancellable.
    Relock,
}

impl Reason {
    /// As shown in reports.
    pub fn verb(self) -> &'static str {
        match self {
            Reason::None => "run",
            Reason::Await | Reason::AwaitAll => "await",
            Reason::Join => "join",
            Reason::Sleep => "sleep",
            Reason::Send => "send",
            Reason::Recv => "recv",
            Reason::Select => "select",
            Reason::Lock | Reason::Relock => "lock",
            Reason::Read => "read",
            Reason::Write => "write",
            Reason::Acquire => "acquire",
            Reason::Wait => "wait",
            Reason::Tick => "tick",
            Reason::Park => "park",
            Reason::Yield => "yield",
            Reason::ScopeExit => "scope",
        }
    }
    fn cancellable(self) -> bool {
        !matches!(self, Reason::ScopeExit | Reason::Relock)
    }
}

/// The cancellation of one task: when its cleanup must be over, why, and the timer that ends it.
pub struct Grace {
    end: u64,
    reason: Value,
    timer: u64,
}

/// All tasks of one VM.
#[derive(Default)]
pub struct Tasks {
    pub live: LiveTasks,
    /// A live task stands here at most once, and only when it is not parked.
    pub ready: ring::Ring<TaskKey>,
    pub waits: Waits,
    pub timers: Timers,
    pub scopes: Scopes,
    /// Pending host futures.
    pub host: FxHashMap<u64, Operation>,
    /// Callbacks to run, in order: function, argument, task-locals.
    pub callbacks: VecDeque<(Value, Value, Value)>,
    pub meter: budget::Meter,
    /// The wait of the main task that was the last to end in a deadlock.
    pub(super) stuck_at: Option<(TaskKey, u32)>,
    /// Fuel used when time limits of the present instant were first put off for what else is of this instant.
    pub(super) deferred: Option<u64>,
    /// Places in the order of settling of tasks whose futures were failed from outside and that still unwind, by their numbers.
    pub(super) settled_early: FxHashMap<u64, u64>,
    /// How often cancelled tasks have been told so without ending, by their numbers.
    pub(super) told: FxHashMap<u64, u32>,
    pub main: Option<TaskKey>,
    pub next_id: u64,
    /// Failures nobody observed (futures), looked at when the program ends.
    pub failed: Vec<Value>,
    /// Exit code forced by an unhandled failure of a root-level task.
    pub failed_code: Option<i32>,
    pub main_result: Option<Result<Value, Value>>,
    /// Orders what the contract leaves open: arms of `select`, and with a seed the ready queue too.
    pub rng: Option<crate::library::random::Rng>,
    /// Ready tasks run in seeded order.
    pub shake: bool,
    /// Cancelled scopes and tasks: 0 makes every checkpoint one comparison.
    pub cancels: u32,
    /// Looks that working natives took at limits and interrupts.
    pub looks: u32,
    /// Futures settled so far: tells which of two was first.
    pub settled: u32,
    /// Charges since a safepoint looked for the cancellation of the running task.
    pub charges: i64,
    /// What the arm gave that a `select` has just committed, and whether its source was open. Used at once: the collector does not
    /// see it.
    pub(crate) given: (Value, bool),
    /// Ready operations the running task may do before it yields.
    pub budget: u32,
    /// How many tasks may still follow each other without the run loop (see [`scheduler::switch`]).
    pub direct: u32,
    /// When the cleanup of tasks that were cancelled by themselves must be over, and the reason of the cancellation.
    pub graces: FxHashMap<TaskKey, Grace>,
    /// Locks held, by task number: released as broken when the task ends.
    pub held: FxHashMap<u64, Vec<Value>>,
    /// Numbers of channels, locks and the like, for reports.
    pub next_object: u64,
    /// Timers fire at a safepoint of a task, not between tasks.
    pub inside_task: bool,
    /// What `gene/test/virtual` gives back at its end, innermost last.
    pub virtuals: Vec<Order>,
    pub stats: Stats,
    pub trace: Option<Box<trace::Timeline>>,
    /// Fibers of ended tasks, to be used again. No roots: a collection forgets them.
    pub(crate) spare: Vec<Gc<Fiber>>,
    done: Vec<(HostKey, HostResult)>,
}

/// A pending operation of the host.
#[derive(Clone, Copy)]
pub struct Operation {
    /// The Gene future it settles.
    pub future: Value,
    /// The scope it was started in.
    pub scope: ScopeKey,
    /// The end of the scope waits for it. Not where a daemon waits, which ends with the scope itself.
    pub counted: bool,
}

/// What decides about the order of ready tasks, timers of one instant and ready arms, and about random numbers.
pub struct Order {
    pub shake: bool,
    pub tasks: Option<crate::library::random::Rng>,
    pub timers: Option<crate::library::random::Rng>,
    pub numbers: crate::library::random::Rng,
    /// Whether the clock was virtual already.
    pub virtual_clock: bool,
}

impl Vm {
    /// Ready tasks, timers and random numbers in the order of a seed.
    pub fn order_by(&mut self, seed: u64) {
        use crate::library::random::Rng;
        self.tasks.shake = true;
        self.tasks.rng = Some(Rng::new(seed ^ 0x5EED_0F0D));
        self.tasks.timers.shake = Some(Rng::new(seed ^ 0x71C4));
    }
}

/// Counters for `(gene/async/stats)`.
#[derive(Default, Clone)]
pub struct Stats {
    pub spawned: u64,
    pub promoted: u64,
    pub wakes: u64,
    pub stale_wakes: u64,
    pub ready_high: usize,
    pub unhandled: u64,
}

impl Stats {
    /// A task became ready, one of now `ready`.
    #[inline(always)]
    fn woken(&mut self, ready: usize) {
        self.wakes += 1;
        self.ready_high = self.ready_high.max(ready);
    }
}

/// Numbers of the classes of this module's objects (see `Vm::numbered_classes`).
pub const CHANNEL: u16 = 1;
pub const SENDER: u16 = 2;
pub const SCOPE: u16 = 3;
pub const TICKER: u16 = 4;

/// Fibers kept for the next tasks, and the largest stack worth keeping, in words.
const SPARE_FIBERS: usize = 16;
const SPARE_WORDS: usize = 256;

/// Ready operations in a row before a task yields.
pub const BUDGET: u32 = 128;

impl Tasks {
    /// Gives all roots but those of the tasks `without`. One by one: a list of them would be large where tasks are many.
    pub(crate) fn roots(&self, out: &mut dyn FnMut(Value), without: &[TaskKey]) {
        self.live.roots(out, without);
        self.waits.roots(out, without);
        self.timers.roots(out);
        self.scopes.roots(out);
        self.meter.root().into_iter().for_each(&mut *out);
        self.host.values().for_each(|h| out(h.future));
        for (f, a, l) in &self.callbacks {
            out(*f);
            out(*a);
            out(*l);
        }
        self.failed.iter().for_each(|v| out(*v));
        self.graces.values().for_each(|g| out(g.reason));
        // The locks of a task in doubt are in doubt as well: they know their holder.
        let ids: Vec<u64> = without.iter().filter_map(|k| self.live.get(*k)).map(|l| l.future.as_gc().id).collect();
        self.held.iter().filter(|(id, _)| !ids.contains(id)).flat_map(|h| h.1).for_each(|v| out(*v));
        if let Some(Ok(v) | Err(v)) = &self.main_result {
            out(*v);
        }
    }

    /// What keeps one task alive.
    pub(crate) fn roots_of(&self, l: Live) -> Vec<Value> {
        let mut out = vec![l.future, l.fiber, l.on];
        out.extend(self.held.get(&l.future.as_gc().id).into_iter().flatten());
        let mut i = l.waits;
        while i != 0 {
            let n = self.waits.get(i);
            out.extend([n.owner, n.value]);
            i = self.waits.sibling(i);
        }
        out
    }

    /// A random number below `n`.
    pub fn choose(&mut self, n: usize) -> usize {
        match &mut self.rng {
            Some(rng) if n > 1 => rng.pick(n),
            _ => 0,
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

    /// A new task of scope `home` and its fiber, whose bottom frame will call `callee` with `args`.
    pub(super) fn new_task(
        &mut self,
        callee: Value,
        args: &[Value],
        home: ScopeKey,
        locals: Value,
    ) -> (Gc<Fiber>, Value) {
        let fut = self.new_task_future(home);
        (self.new_task_fiber(fut, callee, args, locals), fut.value())
    }

    /// The future of a new task of scope `home`, which has nothing to run yet.
    #[inline(always)]
    fn new_task_future(&mut self, home: ScopeKey) -> Gc<future::Future> {
        let fut = self.new_future();
        self.tasks.next_id += 1;
        fut.set_id(self.tasks.next_id);
        fut.set_home(home);
        self.note_origin(fut);
        fut
    }

    /// A new task of scope `home` that will call `callee` with `args`: most wait for their turn, in numbers, so they get no fiber
    /// before it. Until then the callee stands in its place, and one argument in that of the result; where there is more, a record
    /// (task-locals, callee, arguments).
    #[inline(always)]
    pub(super) fn new_waiting_task(&mut self, callee: Value, args: &[Value], home: ScopeKey, locals: Value) -> Value {
        let mut fut = self.new_task_future(home);
        let call = match args {
            [] if locals.is_nil() => callee,
            [arg] if locals.is_nil() => {
                fut.value = *arg;
                fut.set(flag::ARGUMENT);
                callee
            }
            _ => self.heap.record_of_parts(Kind::Record, 0, &[locals, callee], args).value(),
        };
        fut.set_fiber(call);
        fut.value()
    }

    /// Makes the fiber of a task whose turn has come. It is known by the task's entry or runs, so the collector needs no word of the
    /// reference from the future.
    fn begin_task(&mut self, fut: Value, call: Value) -> Gc<Fiber> {
        let mut g = fut.as_gc();
        if let Some(c) = call.get::<Record>(Kind::Record) {
            return self.new_task_fiber(g, c.slot(1), &c.slots()[2..], c.slot(0));
        }
        if g.has(flag::ARGUMENT) {
            g.clear(flag::ARGUMENT);
            let arg = std::mem::replace(&mut g.value, Value::NIL);
            return self.new_task_fiber(g, call, &[arg], Value::NIL);
        }
        self.new_task_fiber(g, call, &[], Value::NIL)
    }

    /// The fiber of task `fut`: its bottom frame will call `callee` with `args`.
    fn new_task_fiber(&mut self, fut: Gc<future::Future>, callee: Value, args: &[Value], locals: Value) -> Gc<Fiber> {
        // As much as the callee's frame needs, so that tasks that only wait stay small.
        let regs =
            callee.get::<crate::object::function::Function>(Kind::Function).map_or(4, |f| f.proto().nregs as usize);
        let words = FRAME_HEAD * 2 + regs + args.len() + crate::interp::SCRATCH;
        let mut f = match self.tasks.spare.pop() {
            Some(f) if f.cap as usize >= words => {
                f.reset();
                self.heap.barrier(f);
                f
            }
            _ => self.heap.fiber(Role::Task, words),
        };
        f.owner = fut.value();
        f.scope = scope::scope_bits(fut.home());
        f.peek = locals;
        fut.set_fiber(f.value());
        // SAFETY: the stack has room for an empty frame and the window above it.
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
        f
    }

    /// Makes a task the running one whose turn has come and that will call a function with just the arguments it takes. False, and
    /// nothing happened, for others.
    #[inline(always)]
    fn begin_simple(&mut self, mut fut: Gc<future::Future>) -> bool {
        let callee = fut.fiber();
        let Some(func) = callee.get::<crate::object::function::Function>(Kind::Function) else { return false };
        let n = fut.has(flag::ARGUMENT) as usize;
        let p = func.proto();
        if func.header().aux as usize != n || p.has_self || p.is_macro {
            return false;
        }
        let mut f = match self.tasks.spare.pop() {
            Some(f) if f.cap as usize >= FRAME_HEAD * 2 + p.nregs as usize + n + crate::interp::SCRATCH => f,
            other => {
                // Back with it: the whole way decides.
                self.tasks.spare.extend(other);
                return false;
            }
        };
        f.reset();
        f.owner = fut.value();
        f.scope = scope::scope_bits(fut.home());
        f.status = Status::Running;
        f.base = FRAME_HEAD as u32 * 2;
        f.pc = p.code.as_ptr();
        self.heap.barrier(f);
        // SAFETY: the stack has room for an empty frame, and for the callee's with its registers.
        unsafe {
            let s = f.stack;
            for j in 0..FRAME_HEAD {
                *s.add(j) = Value::NIL;
            }
            *s.add(FRAME_HEAD) = callee;
            *s.add(FRAME_HEAD + 1) = Value(0);
            *s.add(FRAME_HEAD + 2) = Value(FRAME_HEAD as u64 | FRAME_BOTTOM);
            if n == 1 {
                *s.add(FRAME_HEAD * 2) = fut.value;
            }
        }
        if n == 1 {
            fut.value = Value::NIL;
            fut.clear(flag::ARGUMENT);
        }
        fut.set_fiber(f.value());
        self.cur = f;
        true
    }

    /// The fiber of a task that has ended, which nothing refers to any more, may serve the next one.
    fn spare_fiber(&mut self, f: Gc<Fiber>) {
        if self.tasks.spare.len() < SPARE_FIBERS && f.cap as usize <= SPARE_WORDS {
            self.tasks.spare.push(f);
        }
    }

    /// Remembers where the running function is, as the place of creation.
    #[inline]
    fn note_origin(&mut self, fut: Gc<future::Future>) {
        if let Some((function, pc)) = crate::interp::trace::innermost_quick(self.cur) {
            fut.set_origin(function, pc);
        }
    }

    /// Makes the prepared call of a new task's fiber, which is `vm.cur`.
    fn start_fiber(&mut self) -> Ctl {
        let f = self.cur;
        // SAFETY: prepared by `new_task`.
        let w = unsafe { f.stack.add(FRAME_HEAD) };
        call::call(self, w, f.count as usize, &[], FRAME_BOTTOM >> 32, false)
    }

    /// `(async e)`: runs the closure now, on the caller, until it first suspends.
    pub fn start_eager(&mut self, closure: Value, raw: bool) -> Ctl {
        let depth = self.cur.depth;
        if depth >= MAX_CHAIN {
            return call::fail(self, Vm::runtime_error, "Stack overflow");
        }
        let home = self.current_scope();
        let (mut f, fut) = self.new_task(closure, &[], home, self.current_locals());
        if raw {
            fut.as_gc().set(flag::RAW);
        }
        if self.in_cleanup(self.cur) {
            // A cleanup may await what it starts: that belongs to the cleanup.
            f.cleanup = 1;
        }
        self.run_now(f, fut)
    }

    /// Runs a new task on top of the running one until it first suspends.
    fn run_now(&mut self, mut f: Gc<Fiber>, fut: Value) -> Ctl {
        let mut cur = self.cur;
        cur.status = Status::Waiting;
        self.heap.barrier(cur);
        f.caller = cur.value();
        f.depth = cur.depth + 1;
        f.status = Status::Running;
        fut.as_gc().set(flag::STARTED);
        self.cur = f;
        self.start_fiber()
    }

    /// `^start "eager"`: a task that was just spawned runs now, unless it has to wait for its turn. Its starter gets the future
    /// when it suspends. `None`: it has not started.
    pub(crate) fn start_spawned(&mut self, fut: Value) -> Option<Ctl> {
        let g = fut.as_gc();
        if !g.has(flag::EAGER) || g.has(flag::STARTED) || self.nesting > 0 {
            return None;
        }
        let key = g.task_key();
        let at = self.tasks.ready.iter().rposition(|r| r == key)?;
        self.tasks.ready.remove(at);
        let f = g.task_fiber()?;
        let c = self.run_now(f, fut);
        if self.tasks.meter.on {
            self.change_meter();
        }
        Some(c)
    }

    /// Makes a task known to the scheduler, as a child of its scope.
    #[inline]
    pub(super) fn enter_live(&mut self, fut: Value, fiber: Value) -> TaskKey {
        let key = self.tasks.live.insert(fut);
        if fut.as_gc().fiber() != fiber
            && let Some(l) = self.tasks.live.get_mut(key)
        {
            // The future was settled from outside.
            l.fiber = fiber;
        }
        fut.as_gc().set_key(key_bits(key));
        self.adopt(key, fut.as_gc());
        key
    }

    /// Raises unless the running task may wait: no native frame below, no cancellation pending.
    pub fn check_suspend(&mut self) -> Result<(), Stop> {
        if self.nesting > 0 {
            return Err(self.cannot_suspend());
        }
        self.checkpoint()
    }

    #[cold]
    fn cannot_suspend(&mut self) -> Stop {
        let c = self.classes.cannot_suspend;
        let name = self.native_below();
        self.throw_coded(c, "GENE.ASYNC.CANNOT_SUSPEND", &format!("cannot suspend under a native frame: {name}"))
    }

    /// Registers the running task as parked; gives what a waker needs. `on` is what it waits for, for reports. Raises when a
    /// native frame below can't be suspended, and the task's own cancellation when one is pending: nothing has happened then.
    pub fn prepare_park(&mut self, reason: Reason, on: Value) -> Result<(TaskKey, u32), Stop> {
        self.check_suspend()?;
        self.park_anyway(reason, on)
    }

    /// As [`Vm::prepare_park`] without the checkpoint.
    pub(super) fn park_anyway(&mut self, reason: Reason, on: Value) -> Result<(TaskKey, u32), Stop> {
        if self.nesting > 0 {
            return Err(self.cannot_suspend());
        }
        let Some(task) = self.task_of(self.cur) else {
            return Err(self.cannot_suspend());
        };
        let fut = task.owner;
        let mut key = fut.as_gc().task_key();
        let cur = self.cur.value();
        if !self.tasks.live.contains_key(key) {
            self.tasks.stats.promoted += 1;
            key = self.enter_live(fut, task.value());
        }
        let Some(l) = self.tasks.live.get_mut(key) else { return Err(Stop::Park) };
        l.epoch = l.epoch.wrapping_add(1);
        l.parked = true;
        l.fiber = cur;
        l.on = on;
        l.reason = reason;
        Ok((key, l.epoch))
    }

    /// Bounds the wait of a parked task.
    pub fn wake_at(&mut self, key: TaskKey, us: u64, due: timer::Due) {
        let at = self.driver.now_us().saturating_add(us);
        let id = self.tasks.timers.add(at, due);
        if let Some(l) = self.tasks.live.get_mut(key) {
            l.timer = id;
        }
    }

    /// Makes a parked task ready and takes back all it registered for its wait. A stale epoch is a no-op.
    pub fn wake(&mut self, key: TaskKey, epoch: u32, w: Wake) {
        let t = &mut self.tasks;
        let Some(l) = t.live.get_mut(key).filter(|l| l.parked && l.epoch == epoch) else {
            t.stats.stale_wakes += 1;
            return;
        };
        l.parked = false;
        let (on, reason) = (l.on, l.reason);
        if l.timer != 0 {
            let timer = l.timer;
            l.timer = 0;
            t.timers.cancel(timer);
        }
        let registered = std::mem::take(&mut l.waits);
        if registered != 0 {
            t.waits.release_all(registered);
        }
        if reason == Reason::Join && on.as_gc().state() == State::Pending {
            // It got no result: that is left for others.
            on.as_gc().clear(flag::JOINED);
        }
        l.set_wake(w);
        self.queue_ready(key);
        if registered != 0 && matches!(reason, Reason::Read | Reason::Write | Reason::Acquire | Reason::Wait) {
            self.wait_left(reason, on, matches!(w, Wake::Throw(_)));
        }
    }

    /// [`Vm::wake`] with a value for the task of the first node of `q`, a channel's queue. False, and nothing happened, when that
    /// is not all that ends its wait, or when it takes more than a few stores: nothing is called here, so the short ways through
    /// channel operations need no stack.
    #[inline(always)]
    pub(super) fn wake_first(&mut self, q: &mut wait::Queue, v: Value) -> bool {
        let t = &mut self.tasks;
        let first = q.head;
        let node = t.waits.get(first);
        let (key, alone) = (node.task, node.is_alone());
        let Some(l) = t.live.existing(key) else { return false };
        if !alone || l.timer != 0 || l.waits != first || t.trace.is_some() || !t.ready.try_push(key) {
            return false;
        }
        t.stats.woken(t.ready.len());
        l.waits = 0;
        l.parked = false;
        l.set_wake(Wake::Value(v));
        t.waits.pop_only(q);
        true
    }

    /// Parks the running task at the end of queue `side` of channel `owner`, with no limit in time. False, and nothing happened, where
    /// that takes more than this: a task that never waited before, a native frame below, no free node.
    #[inline(always)]
    pub(super) fn park_in(
        &mut self,
        reason: Reason,
        q: &mut wait::Queue,
        owner: Value,
        side: u8,
        arm: u32,
        v: Value,
    ) -> bool {
        if self.nesting > 0 || self.cur.role != Role::Task {
            return false;
        }
        let key = self.cur.owner.as_gc().task_key();
        let Some(l) = self.tasks.live.existing(key) else { return false };
        let Some(node) = self.tasks.waits.push_only(q, key, owner, side, arm, v) else { return false };
        l.waits = node;
        l.epoch = l.epoch.wrapping_add(1);
        l.parked = true;
        l.fiber = self.cur.value();
        l.on = owner;
        l.reason = reason;
        true
    }

    pub(super) fn make_ready(&mut self, key: TaskKey, w: Wake) {
        match w {
            // All that a task goes on with that has no state.
            Wake::Start if self.tasks.live.existing(key).is_none() => {
                if !self.tasks.live.contains_key(key) {
                    return;
                }
            }
            w => {
                let Some(l) = self.tasks.live.get_mut(key) else { return };
                l.set_wake(w);
            }
        }
        self.queue_ready(key);
    }

    #[inline(always)]
    pub(super) fn queue_ready(&mut self, key: TaskKey) {
        let t = &mut self.tasks;
        t.ready.push_back(key);
        t.stats.woken(t.ready.len());
        if t.trace.is_some() {
            self.trace_wake(key);
        }
    }

    /// The result of an operation that did not have to wait. After many in a row the task lets others run first.
    pub fn ready_op(&mut self, v: Value) -> R {
        if self.tasks.budget > 0 {
            self.tasks.budget -= 1;
            return Ok(v);
        }
        self.tasks.budget = BUDGET;
        if self.nesting > 0 {
            return Ok(v);
        }
        let (key, epoch) = self.park_anyway(Reason::Yield, Value::NIL)?;
        self.wake(key, epoch, Wake::Value(v));
        Err(Stop::Park)
    }

    // --- host operations

    /// Starts a host operation; its Future settles when it is done.
    pub fn host_future(&mut self, f: HostFuture) -> Value {
        self.start_operation(f, true)
    }

    fn start_operation(&mut self, f: HostFuture, counted: bool) -> Value {
        let fut = self.new_future();
        match self.driver.start(f) {
            Ok(r) => self.settle_host(fut.value(), r),
            Err(key) => {
                fut.set_host(key.0);
                let scope = self.current_scope();
                if counted {
                    self.tasks.scopes.operation_started(scope);
                }
                self.tasks.host.insert(key.0, Operation { future: fut.value(), scope, counted });
                self.trace_io(key.0, true);
            }
        }
        fut.value()
    }

    /// Suspends the running task until a host operation is done: its value. It is given up when the task is cancelled.
    pub fn host_wait(&mut self, f: HostFuture) -> R {
        self.check_suspend()?;
        let task = self.current_task();
        let daemon = task.is_future() && {
            let g = task.as_gc();
            g.has(flag::DAEMON) && !g.has(flag::MAIN) && g.home() == self.current_scope()
        };
        let f = self.start_operation(f, !daemon);
        f.as_gc().set(flag::OWNED);
        self.await_value(f, None)
    }

    /// A host operation is over, or nobody wants it any more.
    pub(super) fn forget_host(&mut self, key: u64) -> Option<Value> {
        let operation = self.tasks.host.remove(&key)?;
        self.trace_io(key, false);
        if operation.counted && self.tasks.scopes.operation_ended(operation.scope) {
            self.scope_settled(operation.scope);
        }
        Some(operation.future)
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

    /// The number of a new channel, lock or other object that reports name.
    pub(super) fn object_id(&mut self) -> u64 {
        self.tasks.next_object += 1;
        self.tasks.next_object
    }
}
