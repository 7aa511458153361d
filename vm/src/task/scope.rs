//! Scopes: who belongs together, who waits for whom, and how cancellation spreads.
//!
//! Scopes are a tree. Each was opened by a task (its owner) and ends when the owner has left its body *and* its children (the
//! tasks started in it) and host operations are over. Cancellation is a state of a scope: [`Vm::cancel_scope`] marks the scope and
//! all scopes below it except shields, and wakes what waits there; whoever reaches a checkpoint in a marked scope gets its own
//! CancellationException, again and again until it has left. Cleanups (`finally` parts and catches of CancellationException)
//! don't see it until the scope's grace is over.
use super::future::{State, flag};
use super::timer::Due;
use super::{Reason, TaskKey, Wake};
use crate::heap::{Gc, Kind};
use crate::native::{R, Stop};
use crate::object::fiber::{Fiber, Role};
use crate::value::Value;
use crate::vm::Vm;
use slotmap::{Key, KeyData, SlotMap};
use std::collections::VecDeque;

slotmap::new_key_type! {
    /// An open scope. Stale keys name nothing.
    pub struct ScopeKey;
}

pub(super) fn scope_bits(k: ScopeKey) -> u64 {
    k.data().as_ffi()
}
pub(super) fn scope_of(bits: u64) -> ScopeKey {
    KeyData::from_ffi(bits).into()
}

/// Time for the cleanup of a cancelled scope, in microseconds, unless `^grace` says otherwise.
pub const GRACE_US: u64 = 5_000_000;

/// What a failing child does to its scope.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Policy {
    /// The first failure cancels the siblings and the body.
    #[default]
    Cancel,
    /// Nobody is cancelled; any failure makes an ExceptionGroup.
    Collect,
    /// Failures stay in their tasks.
    Supervise,
}

/// Why a scope was cancelled by itself (not by a scope around it).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    Timeout,
    /// `(s .cancel reason)`.
    Request(Value),
    /// A child or the body failed.
    Failure,
    /// The grace of the scope whose cleanup this is was over.
    Grace,
}

/// A failure of a scope: of a child, or of the body.
#[derive(Clone, Copy)]
pub struct Failure {
    pub ex: Value,
    /// Number of the task, 0 for the body.
    task: u64,
    at: u64,
    /// The task had been told of the cancellation before.
    late: bool,
}

impl Failure {
    /// A failure that is nobody's in particular.
    pub fn of_scope(ex: Value) -> Failure {
        Failure { ex, task: 0, at: 0, late: false }
    }
}

/// How a new scope is to behave.
#[derive(Clone, Copy, Default)]
pub struct Setup {
    pub shield: bool,
    pub policy: Policy,
    /// Children that run at a time (see [`takes_place`]); 0: all.
    pub limit: u32,
    /// Microseconds; `None`: as the scope around.
    pub grace: Option<u64>,
    /// Microseconds from now.
    pub timeout: Option<u64>,
    /// On the driver's clock.
    pub deadline: Option<u64>,
    pub name: Option<Value>,
}

pub struct Scope {
    pub parent: ScopeKey,
    /// The task that runs the body; nil for the root.
    pub owner: Value,
    pub setup: Setup,
    pub id: u64,
    /// Outer cancellation is not seen inside: a shield, or opened in a cleanup.
    pub closed_off: bool,
    /// Effective: by itself or from outside.
    pub cancelled: bool,
    pub cause: Option<Cause>,
    /// Cancellation reached the body or a child.
    pub delivered: bool,
    pub children: Vec<TaskKey>,
    pub(super) daemons: u32,
    pub(super) running: u32,
    /// Children that wait for their turn, and so many that do so no longer.
    pub(super) queued: VecDeque<TaskKey>,
    pub(super) left_queue: usize,
    /// All daemons have been told that nobody needs them any more.
    dismissed: bool,
    pub(super) inner: Vec<ScopeKey>,
    /// Place in the parent's `inner`.
    index: u32,
    pub(super) operations: u32,
    pub grace_end: Option<u64>,
    pub(super) grace_timer: u64,
    pub deadline: Option<u64>,
    pub(super) deadline_timer: u64,
    opened_at: u64,
    failures: Vec<Failure>,
    /// Futures of `async` children that failed before anybody looked.
    unobserved: Vec<Value>,
    /// The owner, waiting at the end of the body.
    exit: Option<(TaskKey, u32)>,
    result: Option<Result<Value, Value>>,
    /// When the body ended.
    ended_at: u64,
    /// What scripts hold.
    pub handle: Value,
}

impl Scope {
    fn new(parent: ScopeKey, owner: Value, setup: Setup, id: u64, now: u64) -> Scope {
        Scope {
            parent,
            owner,
            setup,
            id,
            closed_off: setup.shield,
            cancelled: false,
            cause: None,
            delivered: false,
            children: Vec::new(),
            daemons: 0,
            running: 0,
            queued: VecDeque::new(),
            left_queue: 0,
            dismissed: false,
            inner: Vec::new(),
            index: 0,
            operations: 0,
            grace_end: None,
            grace_timer: 0,
            deadline: None,
            deadline_timer: 0,
            opened_at: now,
            failures: Vec::new(),
            unobserved: Vec::new(),
            exit: None,
            result: None,
            ended_at: 0,
            handle: Value::NIL,
        }
    }

    pub fn name(&self) -> Value {
        self.setup.name.unwrap_or(Value::NIL)
    }

    /// No child is left but those nobody waits for.
    pub fn only_daemons(&self) -> bool {
        self.children.len() == self.daemons as usize
    }

    /// Nobody is waiting for a child to end.
    #[inline(always)]
    pub(super) fn may_forget_child(&self) -> bool {
        self.setup.limit == 0 && self.exit.is_none()
    }

    /// Nothing the end of the scope has to wait for.
    fn quiet(&self) -> bool {
        self.children.len() == self.daemons as usize && self.operations == 0
    }
}

/// Whether a child counts against the `^limit` of its scope. An `async` body had started before it could be counted, and a daemon
/// serves the others for as long as there are any: the one that took the last place would let none of them start.
fn takes_place(f: Gc<super::future::Future>) -> bool {
    f.has(flag::SPAWNED) && !f.has(flag::DAEMON)
}

#[derive(Default)]
pub struct Scopes {
    pub map: SlotMap<ScopeKey, Scope>,
    pub root: ScopeKey,
    count: u64,
}

impl Scopes {
    pub(super) fn roots(&self, out: &mut dyn FnMut(Value)) {
        for s in self.map.values() {
            [s.owner, s.handle, s.name()].into_iter().for_each(&mut *out);
            s.failures.iter().for_each(|f| out(f.ex));
            s.unobserved.iter().for_each(|v| out(*v));
            if let Some(Ok(v) | Err(v)) = s.result {
                out(v);
            }
            if let Some(Cause::Request(v)) = s.cause {
                out(v);
            }
        }
    }

    pub fn get(&self, k: ScopeKey) -> Option<&Scope> {
        self.map.get(k)
    }

    /// Scopes other than the root are open.
    pub fn any(&self) -> bool {
        self.map.len() > 1
    }

    pub(super) fn operation_started(&mut self, k: ScopeKey) {
        if let Some(s) = self.map.get_mut(k) {
            s.operations += 1;
        }
    }

    /// True when it was the last one.
    pub(super) fn operation_ended(&mut self, k: ScopeKey) -> bool {
        match self.map.get_mut(k) {
            Some(s) => {
                s.operations = s.operations.saturating_sub(1);
                s.operations == 0
            }
            None => false,
        }
    }
}

// --- where the running task is

impl Vm {
    /// The innermost scope of the running task.
    pub fn current_scope(&self) -> ScopeKey {
        match self.task_of(self.cur) {
            Some(t) => self.live_scope(scope_of(t.scope)),
            None => self.tasks.scopes.root,
        }
    }

    pub(super) fn live_scope(&self, k: ScopeKey) -> ScopeKey {
        if self.tasks.scopes.map.contains_key(k) { k } else { self.tasks.scopes.root }
    }

    /// Whether cancellation holds where task `t` is.
    pub fn is_cancelled(&self, t: Gc<Fiber>) -> bool {
        match self.tasks.scopes.get(scope_of(t.scope)) {
            Some(s) => s.cancelled || t.cancelled && s.owner != t.owner,
            None => t.cancelled,
        }
    }

    /// A cleanup runs in the frames of `f`, or of the fibers it was resumed by.
    pub fn in_cleanup(&self, f: Gc<Fiber>) -> bool {
        let mut f = f;
        loop {
            if f.cleanup > 0 {
                return true;
            }
            if f.role == Role::Task {
                return false;
            }
            match f.caller.get::<Fiber>(Kind::Fiber) {
                Some(c) => f = c,
                None => return false,
            }
        }
    }

    /// When cleanups of task `t` must be over.
    fn grace_end(&self, t: Gc<Fiber>) -> Option<u64> {
        let of_scope = self.tasks.scopes.get(scope_of(t.scope)).and_then(|s| s.grace_end);
        let of_task = self.tasks.graces.get(&t.owner.as_gc().task_key()).map(|g| g.end);
        match (of_scope, of_task) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Throws the running task's own cancellation when one is pending.
    #[inline]
    pub fn checkpoint(&mut self) -> Result<(), Stop> {
        if self.tasks.cancels == 0 { Ok(()) } else { self.checkpoint_slow() }
    }

    #[cold]
    fn checkpoint_slow(&mut self) -> Result<(), Stop> {
        let Some(t) = self.task_of(self.cur) else { return Ok(()) };
        if !self.is_cancelled(t) {
            return Ok(());
        }
        if self.in_cleanup(self.cur) {
            if self.grace_end(t).is_none_or(|end| self.driver.now_us() < end) {
                return Ok(());
            }
            self.exception = self.grace_over();
            return Err(Stop::Throw);
        }
        self.exception = self.own_cancellation(t);
        Err(Stop::Throw)
    }

    /// For natives that go on for long: the time limits around the running task that are over take effect as they do when their
    /// timers fire. A limit that ends at this instant waits for its timer, which stands in line with what else is due.
    pub(crate) fn enforce_time_limits(&mut self) -> Result<(), Stop> {
        let now = self.driver.now_us();
        let mut k = self.current_scope();
        while let Some(s) = self.tasks.scopes.get(k) {
            let (parent, last) = (s.parent, s.closed_off || s.parent == k);
            if s.deadline.is_some_and(|at| at < now) && !s.cancelled {
                self.cancel_scope(k, Cause::Timeout);
            }
            if last {
                break;
            }
            k = parent;
        }
        self.checkpoint()
    }

    /// Why scope `k` is cancelled: the reason somebody gave, or `timeout`.
    pub(super) fn scope_reason(&mut self, k: ScopeKey) -> Value {
        let mut k = k;
        while let Some(s) = self.tasks.scopes.get(k) {
            match s.cause {
                Some(Cause::Request(r)) => return r,
                Some(Cause::Timeout) => return Value::sym(self.symbols.intern_static("timeout")),
                Some(_) => return Value::NIL,
                None if s.parent == k || s.closed_off => return Value::NIL,
                None => k = s.parent,
            }
        }
        Value::NIL
    }

    /// The exception that a cancelled task sees.
    pub(super) fn own_cancellation(&mut self, t: Gc<Fiber>) -> Value {
        t.owner.as_gc().set(flag::TOLD);
        let mut k = scope_of(t.scope);
        let mut reason = self.scope_reason(k);
        while let Some(s) = self.tasks.scopes.map.get_mut(k) {
            if s.owner == t.owner || s.cancelled {
                s.delivered = true;
            }
            if s.cause.is_some() || s.parent == k || s.closed_off {
                break;
            }
            k = s.parent;
        }
        if reason.is_nil() && t.cancelled {
            reason = self.tasks.graces.get(&t.owner.as_gc().task_key()).map_or(Value::NIL, |g| g.reason);
        }
        self.count_told(t);
        self.cancellation(true, reason)
    }

    pub(super) fn grace_over(&mut self) -> Value {
        let ex = self.timeout_exception(None);
        let k = self.names.message;
        let m = self.str("the grace for cleanup is over");
        self.map_set(ex.gc(), k, m);
        self.set_detail(ex, "own?", Value::TRUE);
        self.mark_own_cancellation(ex);
        ex
    }
}

// --- generators: a scope that was opened in a generator's body is left and entered with the generator

/// Fibers below the running one that are passed for one call or back-edge.
const FIBERS_PER_CHARGE: i64 = 16;

impl Vm {
    /// The task below the running fiber is looked for through the generators between them, and a script decides how many those are.
    fn charge_chain(&mut self) {
        self.heap.fuel.spend(self.cur.depth as i64 / FIBERS_PER_CHARGE);
    }

    /// A generator is about to run for the current task.
    pub(crate) fn enter_generator(&mut self, mut g: Gc<Fiber>) -> Result<(), Stop> {
        if !self.tasks.scopes.any() {
            // It may open the first one.
            g.scope = scope_bits(self.tasks.scopes.root);
            return Ok(());
        }
        self.charge_chain();
        let Some(mut t) = self.task_of(self.cur) else { return Ok(()) };
        let around = t.scope;
        if g.scope != 0 {
            // It yielded inside a scope: that must hang below the scope the consumer is in.
            let mut k = scope_of(g.scope);
            while let Some(s) = self.tasks.scopes.get(k)
                && scope_bits(k) != around
                && s.owner == t.owner
            {
                k = s.parent;
            }
            if scope_bits(k) != around {
                let c = self.classes.concurrency_exception;
                return Err(self.throw_coded(
                    c,
                    "GENE.ASYNC.MISUSE",
                    "the generator waits inside a scope that belongs to another task or scope",
                ));
            }
            t.scope = g.scope;
        }
        g.scope = around;
        Ok(())
    }

    /// A running generator yields.
    pub(crate) fn leave_generator(&mut self, mut g: Gc<Fiber>) {
        let around = std::mem::take(&mut g.scope);
        if around == 0 || !self.tasks.scopes.any() {
            return;
        }
        if let Some(mut t) = self.task_of(g)
            && t.scope != around
        {
            g.scope = std::mem::replace(&mut t.scope, around);
        }
    }
}

// --- opening and leaving

impl Vm {
    /// The scope around everything. A new one when the last program's was cancelled.
    pub(super) fn open_root(&mut self) {
        let stale = self.tasks.scopes.get(self.tasks.scopes.root).is_none_or(|s| s.cancelled);
        if stale {
            let old = self.tasks.scopes.root;
            let setup = Setup { policy: Policy::Supervise, grace: Some(GRACE_US), ..Setup::default() };
            let now = self.driver.now_us();
            let root = self.tasks.scopes.map.insert(Scope::new(ScopeKey::default(), Value::NIL, setup, 0, now));
            self.tasks.scopes.root = root;
            self.forget_scope(old);
        }
    }

    fn forget_scope(&mut self, k: ScopeKey) -> Option<Scope> {
        let s = self.tasks.scopes.map.remove(k)?;
        if s.cancelled {
            self.tasks.cancels -= 1;
        }
        self.tasks.timers.cancel(s.grace_timer);
        self.tasks.timers.cancel(s.deadline_timer);
        if let Some(p) = self.tasks.scopes.map.get_mut(s.parent) {
            p.inner.swap_remove(s.index as usize);
            if let Some(&moved) = p.inner.get(s.index as usize)
                && let Some(m) = self.tasks.scopes.map.get_mut(moved)
            {
                m.index = s.index;
            }
        }
        Some(s)
    }

    /// Opens a scope: the running task is inside from now on.
    pub fn open_scope(&mut self, setup: Setup) -> Result<ScopeKey, Stop> {
        self.charge_chain();
        let Some(mut t) = self.task_of(self.cur) else {
            return Err(self.runtime_error("a scope needs a task"));
        };
        let now = self.driver.now_us();
        let parent = self.live_scope(scope_of(t.scope));
        let cleaning = self.in_cleanup(self.cur);
        let cancelled = !setup.shield && !cleaning && self.is_cancelled(t);
        // A cleanup whose time is over opens no scope that would outlast it.
        let over = !setup.shield && cleaning && self.is_cancelled(t) && self.grace_end(t).is_some_and(|end| end <= now);
        self.tasks.scopes.count += 1;
        let mut s = Scope::new(parent, t.owner, setup, self.tasks.scopes.count, now);
        s.closed_off |= cleaning;
        s.cancelled = cancelled;
        let (grace, index, grace_end) = match self.tasks.scopes.get(parent) {
            Some(p) => (p.setup.grace, p.inner.len() as u32, p.grace_end),
            None => (None, 0, None),
        };
        s.index = index;
        s.setup.grace = setup.grace.or(grace);
        if cancelled {
            s.grace_end = grace_end.or(self.grace_end(t));
            self.tasks.cancels += 1;
        }
        let deadline = match (setup.timeout.map(|us| now.saturating_add(us)), setup.deadline) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        s.deadline = deadline;
        let key = self.tasks.scopes.map.insert(s);
        if let Some(p) = self.tasks.scopes.map.get_mut(parent) {
            p.inner.push(key);
        }
        t.scope = scope_bits(key);
        match deadline {
            Some(at) if at <= now => self.cancel_scope(key, Cause::Timeout),
            Some(at) => {
                let id = self.tasks.timers.add(at, Due::Deadline(key));
                self.tasks.scopes.map[key].deadline_timer = id;
            }
            None => {}
        }
        if over {
            self.cancel_scope(key, Cause::Grace);
        }
        Ok(key)
    }

    /// A task becomes a child of scope `home`.
    #[inline]
    pub(super) fn adopt(&mut self, key: TaskKey, fut: Gc<super::future::Future>) {
        let Some(s) = self.tasks.scopes.map.get_mut(fut.home()) else { return };
        let index = s.children.len() as u32;
        s.children.push(key);
        if fut.has(flag::DAEMON) {
            s.daemons += 1;
            s.dismissed = false;
        }
        if index > 0 {
            self.tasks.live.set_index(key, index);
        }
    }

    /// Takes a task out of its scope's children.
    pub(super) fn disown(&mut self, key: TaskKey, home: ScopeKey) {
        if let Some(l) = self.tasks.live.get(key) {
            let (index, fut) = (l.index as usize, l.future);
            self.leave_home(key, index, fut, home);
        }
    }

    /// A task, no longer or still live, is no child of `home` any more.
    #[inline]
    pub(super) fn leave_home(&mut self, key: TaskKey, index: usize, fut: Value, home: ScopeKey) {
        let Some(s) = self.tasks.scopes.map.get_mut(home) else { return };
        if s.children.get(index) != Some(&key) {
            return;
        }
        s.children.swap_remove(index);
        if fut.as_gc().has(flag::DAEMON) {
            s.daemons -= 1;
        }
        if let Some(&moved) = s.children.get(index) {
            self.tasks.live.set_index(moved, index as u32);
        }
    }

    /// `(spawn ...)`: first runs when the spawner next suspends, FIFO; in a scope with a limit, when its turn comes.
    #[inline]
    pub fn spawn_task(&mut self, callee: Value, args: &[Value], home: ScopeKey, flags: u64, name: Value) -> R {
        let locals = self.current_locals();
        // A task that may run out of its turn has its fiber from the start.
        let fut = match flags & (flag::EAGER | flag::ATOMIC) {
            0 => self.new_waiting_task(callee, args, home, locals),
            _ => self.new_task(callee, args, home, locals).1,
        };
        let g = fut.as_gc();
        g.set(flag::SPAWNED | flags);
        if !name.is_nil() {
            self.set_task_name(g, name);
        }
        self.tasks.stats.spawned += 1;
        let key = self.enter_live(fut, g.fiber());
        self.trace_spawn(fut);
        let atomic = flags & flag::ATOMIC != 0;
        let Some(s) = self.tasks.scopes.map.get_mut(home) else { return Ok(fut) };
        if s.cancelled && !atomic {
            // It starts cancelled: the body never runs.
            let reason = self.scope_reason(home);
            self.drop_unstarted(key, reason);
            return Ok(fut);
        }
        match s.setup.limit > 0 && takes_place(g) {
            true if s.running >= s.setup.limit => {
                g.set(flag::QUEUED);
                s.queued.push_back(key);
            }
            counted => {
                s.running += counted as u32;
                // It has no state yet: it begins.
                self.queue_ready(key);
            }
        }
        Ok(fut)
    }

    /// The body of scope `key` ended. Waits for what is still running in it; the scope's value or exception.
    pub fn leave_scope(&mut self, key: ScopeKey, result: Result<Value, Value>) -> R {
        let Some(mut t) = self.task_of(self.cur) else {
            return Err(self.runtime_error("a scope needs a task"));
        };
        let now = self.driver.now_us();
        let own = matches!(result, Err(ex) if self.is_own_cancellation(ex) && !self.is_out_of_fuel(ex) && ex != self.generator_exit);
        let Some(s) = self.tasks.scopes.map.get_mut(key) else {
            return match result {
                Ok(v) => Ok(v),
                Err(ex) => {
                    self.exception = ex;
                    Err(Stop::Throw)
                }
            };
        };
        s.result = Some(result);
        s.ended_at = now;
        let policy = s.setup.policy;
        if let Err(ex) = result
            && !own
            && ex != self.generator_exit
        {
            let s = &mut self.tasks.scopes.map[key];
            s.failures.push(Failure { ex, task: 0, at: now, late: false });
        }
        if result.is_err() && !own && policy != Policy::Collect {
            self.cancel_scope(key, Cause::Failure);
        }
        if self.tasks.scopes.map[key].quiet() && self.tasks.scopes.map[key].daemons > 0 {
            self.cancel_daemons(key);
        }
        let s = &self.tasks.scopes.map[key];
        if s.children.is_empty() && s.operations == 0 {
            t.scope = scope_bits(s.parent);
            return match self.scope_outcome(key, t) {
                Ok(v) => Ok(v),
                Err(ex) => {
                    self.exception = ex;
                    Err(Stop::Throw)
                }
            };
        }
        let handle = s.handle;
        let (task, epoch) = self.park_anyway(Reason::ScopeExit, handle)?;
        self.tasks.scopes.map[key].exit = Some((task, epoch));
        Err(Stop::Park)
    }

    /// Only daemons are left: they are not waited for.
    fn cancel_daemons(&mut self, key: ScopeKey) {
        let s = &mut self.tasks.scopes.map[key];
        if std::mem::replace(&mut s.dismissed, true) {
            return;
        }
        let mut all = s.children.clone();
        let live = &self.tasks.live;
        all.sort_by_key(|k| live.get(*k).map_or(0, |l| l.future.as_gc().id));
        for k in all {
            if let Some(l) = self.tasks.live.get(k) {
                let f = l.future;
                self.cancel_task(f, Value::NIL);
            }
        }
    }

    /// Something in the scope ended: its owner may go on when that was the last.
    pub(super) fn scope_settled(&mut self, key: ScopeKey) {
        let Some(s) = self.tasks.scopes.get(key) else { return };
        let Some((task, epoch)) = s.exit else { return };
        if !s.quiet() {
            return;
        }
        if s.daemons > 0 {
            return self.cancel_daemons(key);
        }
        let Some(l) = self.tasks.live.get(task) else { return };
        let Some(mut t) = l.future.as_gc().task_fiber() else { return };
        t.scope = scope_bits(s.parent);
        let w = match self.scope_outcome(key, t) {
            Ok(v) => Wake::Value(v),
            Err(ex) => Wake::Throw(ex),
        };
        self.wake(task, epoch, w);
    }

    /// Closes a scope whose body and children are over: its value or exception. The owner is back in the scope around.
    fn scope_outcome(&mut self, key: ScopeKey, t: Gc<Fiber>) -> Result<Value, Value> {
        let outside = self.is_cancelled(t) && !self.in_cleanup_of(t);
        let Some(s) = self.forget_scope(key) else { return Ok(Value::NIL) };
        if let Some(h) = s.handle.numbered::<super::scope_library::ScopeHandle>() {
            h.closed = true;
            h.was_cancelled = s.cancelled || s.cause.is_some();
        }
        let mut failures = s.failures;
        for f in s.unobserved {
            let g = f.as_gc();
            if g.has(flag::OBSERVED) {
                continue;
            }
            g.observe();
            if g.has(flag::SPAWNED) || s.setup.policy == Policy::Supervise {
                // A supervised task whose failure nobody looked at. Whether spawned or `async`: the body is unaffected.
                self.report_unhandled(f, true);
                self.tasks.failed_code = Some(1);
            } else {
                failures.push(Failure { ex: g.value, task: g.id, at: self.driver.now_us(), late: false });
            }
        }
        // Failures of one instant, before anybody was told of the cancellation: the lowest number is the first.
        if let Some(at) = failures.first().map(|f| f.at)
            && failures[0].task != 0
        {
            let n = failures.iter().take_while(|f| f.at == at && !f.late && f.task != 0).count();
            failures[..n].sort_by_key(|f| f.task);
        }
        let mut seen: Vec<Value> = Vec::new();
        failures.retain(|f| {
            let fresh = !seen.contains(&f.ex);
            if fresh && seen.len() < 1000 {
                seen.push(f.ex);
            }
            fresh
        });
        let result = s.result.unwrap_or(Ok(Value::NIL));
        if !failures.is_empty() {
            if s.setup.policy == Policy::Collect {
                let all: Vec<Value> = failures.iter().map(|f| f.ex).collect();
                let group = self.exception_group(&all);
                self.belongs_to_scope(group, s.owner, s.handle);
                return Err(group);
            }
            let first = failures[0].ex;
            let mut rest: Vec<Value> = failures[1..].iter().map(|f| f.ex).collect();
            if let Err(ex) = result
                && outside
                && self.is_own_cancellation(ex)
            {
                rest.push(ex);
            }
            self.add_suppressed(first, &rest);
            return Err(first);
        }
        let timed_out = s.cause == Some(Cause::Timeout);
        let after = s.deadline.map(|d| d - s.opened_at.min(d));
        match result {
            Err(ex) if ex == self.generator_exit => Err(ex),
            Err(ex) => {
                if outside && !s.closed_off {
                    return Err(ex);
                }
                match s.cause {
                    Some(Cause::Timeout) => Err(self.scope_timeout(after, s.owner, s.handle)),
                    Some(Cause::Request(_)) => Ok(Value::NIL),
                    _ => Err(ex),
                }
            }
            Ok(_) if outside && !s.closed_off && s.delivered => Err(self.own_cancellation(t)),
            // A value from before the expiry stays; one that came later, out of a shield, is too late.
            Ok(_) if timed_out && (s.delivered || s.deadline.is_some_and(|d| s.ended_at > d)) => {
                Err(self.scope_timeout(after, s.owner, s.handle))
            }
            Ok(v) => Ok(v),
        }
    }

    fn in_cleanup_of(&self, t: Gc<Fiber>) -> bool {
        match self.tasks.live.get(t.owner.as_gc().task_key()) {
            Some(l) if l.parked => self.in_cleanup(l.fiber.gc()),
            _ => self.in_cleanup(self.cur),
        }
    }

    /// The exception of a scope whose time was up; the handle knows it, for `else` parts.
    fn scope_timeout(&mut self, after: Option<u64>, owner: Value, handle: Value) -> Value {
        let ex = self.timeout_exception(after);
        self.belongs_to_scope(ex, owner, handle);
        if let Some(h) = handle.numbered::<super::scope_library::ScopeHandle>() {
            h.timeout = ex;
        }
        if handle.is_ptr() {
            self.heap.barrier(handle.gc::<crate::object::foreign::ForeignObj>());
        }
        ex
    }

    /// `$ex/suppressed`: failures that a first one pushed aside.
    pub fn add_suppressed(&mut self, ex: Value, others: &[Value]) {
        let others: Vec<Value> = others.iter().copied().filter(|o| *o != ex).collect();
        if others.is_empty() || !ex.is_kind(Kind::Instance) {
            return;
        }
        let k = self.symbols.intern_static("suppressed");
        let list = match self.map_get(ex.gc(), k).and_then(|v| v.get(Kind::Array)) {
            Some(a) => a,
            None => {
                let a = self.heap.array_with_capacity(others.len());
                self.map_set(ex.gc(), k, a.value());
                a
            }
        };
        for o in others {
            self.heap.array_push(list, o);
        }
    }

    /// An ExceptionGroup of several failures.
    pub fn exception_group(&mut self, all: &[Value]) -> Value {
        let c = self.classes.group;
        let noun = if all.len() == 1 { "failure" } else { "failures" };
        let mut text = format!("{} {noun}", all.len());
        for (i, &ex) in all.iter().take(5).enumerate() {
            text.push_str(if i == 0 { ": " } else { "; " });
            text.push_str(&self.exception_message(ex));
        }
        if all.len() > 5 {
            text.push_str("; ...");
        }
        let m = self.str(&text);
        let ex = self.make_exception(c, m, Value::NIL);
        self.set_code(ex, "GENE.ASYNC.GROUP");
        let list = self.array(all);
        self.set_detail(ex, "exceptions", list);
        ex
    }
}

// --- ends of children

impl Vm {
    /// A task of scope `home` has ended and is no longer live. `failed`: its exception, unless it was its own cancellation.
    pub(super) fn child_ended(&mut self, fut: Value, home: ScopeKey, failed: Option<Value>) {
        let g = fut.as_gc();
        let root = self.tasks.scopes.root;
        let spawned = g.has(flag::SPAWNED);
        if failed.is_none()
            && let Some(s) = self.tasks.scopes.map.get(home)
            && s.setup.limit == 0
            && s.exit.is_none()
        {
            return;
        }
        if let Some(s) = self.tasks.scopes.map.get_mut(home)
            && s.setup.limit > 0
            && takes_place(g)
        {
            s.running = s.running.saturating_sub(1);
            self.start_queued(home);
        }
        if let Some(ex) = failed
            && spawned
            && home != root
            && self.tasks.scopes.map.contains_key(home)
        {
            let now = self.driver.now_us();
            let s = &mut self.tasks.scopes.map[home];
            match s.setup.policy {
                Policy::Supervise => {}
                policy => {
                    let late = g.has(flag::TOLD);
                    s.failures.push(Failure { ex, task: g.id, at: now, late });
                    g.observe();
                    if policy == Policy::Cancel {
                        self.cancel_scope(home, Cause::Failure);
                    }
                }
            }
        }
        self.scope_settled(home);
    }

    /// The scope fails by itself: its children are cancelled, and its owner gets the exception when they are over.
    pub(super) fn scope_failed(&mut self, key: ScopeKey, f: Failure) {
        if let Some(s) = self.tasks.scopes.map.get_mut(key) {
            s.failures.push(f);
        }
        self.cancel_scope(key, Cause::Failure);
        self.scope_settled(key);
    }

    /// A future failed and nobody looked. What follows depends on whose failure it is (4.5, 4.15).
    pub(super) fn unobserved(&mut self, f: Value) {
        let g = f.as_gc();
        let root = self.tasks.scopes.root;
        if g.has(flag::MAIN) {
            return;
        }
        if g.has(flag::CALLBACK) {
            self.report_unhandled(f, true);
            self.tasks.failed_code = Some(1);
        } else if g.has(flag::TASK) && g.has(flag::SPAWNED) {
            let home = g.home();
            let supervised = self.tasks.scopes.get(home).is_some_and(|s| s.setup.policy == Policy::Supervise);
            if home == root || !self.tasks.scopes.map.contains_key(home) {
                // Nobody waits for a root-level task: its failure is reported at once.
                self.report_unhandled(f, true);
                self.tasks.failed_code = Some(1);
            } else if supervised {
                // Somebody may still look: decided at the end of the scope.
                self.tasks.scopes.map[home].unobserved.push(f);
            }
        } else if g.has(flag::TASK) && g.home() != root && self.tasks.scopes.map.contains_key(g.home()) {
            let home = g.home();
            self.tasks.scopes.map[home].unobserved.push(f);
        } else {
            self.tasks.failed.push(f);
        }
    }

    /// Moves a task to the root scope (4.6): it outlives the scope it was started in.
    pub(super) fn detach_task(&mut self, f: Value) {
        let g = f.as_gc();
        g.set(flag::DETACHED);
        let (key, home, root) = (g.task_key(), g.home(), self.tasks.scopes.root);
        if g.state() != State::Pending || home == root {
            return;
        }
        if !self.tasks.live.contains_key(key) {
            g.set_home(root);
            return;
        }
        self.count_eager(home);
        self.disown(key, home);
        if takes_place(g) {
            self.give_place(home, key);
        }
        g.set_home(root);
        self.tasks.live.set_index(key, 0);
        self.adopt(key, g);
        if let Some(mut t) = g.task_fiber() {
            // The outermost scope the task has opened hangs below the root now.
            let mut k = scope_of(t.scope);
            let mut top = None;
            while let Some(s) = self.tasks.scopes.get(k) {
                if s.owner != f {
                    break;
                }
                top = Some(k);
                k = s.parent;
            }
            match top {
                None => t.scope = scope_bits(root),
                Some(top) => self.move_scope(top, root),
            }
        }
        self.scope_settled(home);
    }

    /// `async` bodies that run on their starters are no children yet, as their starters keep the scope open. One of these is about
    /// to leave it.
    fn count_eager(&mut self, home: ScopeKey) {
        let mut f = self.cur;
        while let Some(t) = self.task_of(f) {
            let fut = t.owner;
            if fut.as_gc().home() == home && !self.tasks.live.contains_key(fut.as_gc().task_key()) {
                self.enter_live(fut, t.value());
            }
            let Some(starter) = t.caller.get::<Fiber>(Kind::Fiber) else { return };
            f = starter;
        }
    }

    /// Task `key` leaves scope `home`, which may have a limit: one that waited for its turn need not any more, the place of another
    /// goes to the next.
    fn give_place(&mut self, home: ScopeKey, key: TaskKey) {
        if self.leave_queue(home, key) {
            self.make_ready(key, Wake::Start);
        } else if let Some(s) = self.tasks.scopes.map.get_mut(home).filter(|s| s.setup.limit > 0) {
            s.running = s.running.saturating_sub(1);
            self.start_queued(home);
        }
    }

    /// A child no longer waits for its turn. False: it did not. Its place in the queue is taken out together with others, as there may
    /// be many that leave.
    pub(super) fn leave_queue(&mut self, home: ScopeKey, key: TaskKey) -> bool {
        let t = &mut self.tasks;
        let Some(f) = t.live.get(key).map(|l| l.future.as_gc()).filter(|f| f.has(flag::QUEUED)) else { return false };
        f.clear(flag::QUEUED);
        if let Some(s) = t.scopes.map.get_mut(home) {
            s.left_queue += 1;
            if s.left_queue * 2 > s.queued.len() {
                let live = &t.live;
                s.queued.retain(|k| live.get(*k).is_some_and(|l| l.future.as_gc().has(flag::QUEUED)));
                s.left_queue = 0;
            }
        }
        true
    }

    /// The next task that waits for its turn in scope `key` starts, if there is a place.
    fn start_queued(&mut self, key: ScopeKey) {
        let Some(s) = self.tasks.scopes.map.get_mut(key) else { return };
        while s.running < s.setup.limit
            && let Some(next) = s.queued.pop_front()
        {
            match self.tasks.live.get(next).map(|l| l.future.as_gc()).filter(|f| f.has(flag::QUEUED)) {
                Some(f) => {
                    f.clear(flag::QUEUED);
                    s.running += 1;
                    self.tasks.ready.push_back(next);
                    break;
                }
                None => s.left_queue = s.left_queue.saturating_sub(1),
            }
        }
    }

    fn move_scope(&mut self, key: ScopeKey, to: ScopeKey) {
        let (from, index) = (self.tasks.scopes.map[key].parent, self.tasks.scopes.map[key].index);
        if let Some(p) = self.tasks.scopes.map.get_mut(from) {
            p.inner.swap_remove(index as usize);
            if let Some(&moved) = p.inner.get(index as usize) {
                self.tasks.scopes.map[moved].index = index;
            }
        }
        let at = match self.tasks.scopes.map.get_mut(to) {
            Some(p) => {
                p.inner.push(key);
                p.inner.len() as u32 - 1
            }
            None => 0,
        };
        let s = &mut self.tasks.scopes.map[key];
        s.parent = to;
        s.index = at;
    }
}
