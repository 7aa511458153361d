//! The run loop: ready tasks, finished host operations, due timers, callbacks, the drain at the end.
use super::future::{State, flag};
use super::scope::{Cause, ScopeKey};
use super::timer::{Answer, Due, Held};
use super::{BUDGET, TaskKey, Wake};
use crate::heap::{Gc, Kind};
use crate::interp::{Ctl, Exit, Start, call, run};
use crate::native::Stop;
use crate::object::array::Array;
use crate::object::fiber::{Fiber, Role, Status};
use crate::value::Value;
use crate::vm::Vm;
use std::sync::atomic::Ordering;

/// What a dump of the task tree is asked for with.
const SIGQUIT: u32 = 3;

/// Switches between two looks at host operations and timers while tasks are ready.
const LOOK_EVERY: u32 = 32;
/// Charges that others may use up at the instant of a time limit before it holds all the same.
const PATIENCE: u64 = 1_000_000;
/// The same where the clock is late already, as a busy program's is: enough for a result that is there to be handed over.
const LATE_PATIENCE: u64 = 5_000;

impl Vm {
    /// Takes in finished host operations and due timers.
    fn take_in(&mut self, wait: Option<Option<u64>>) {
        let mut done = std::mem::take(&mut self.tasks.done);
        match wait {
            Some(deadline) => self.driver.park(deadline, &mut done),
            None => self.driver.poll(&mut done),
        }
        // Somebody goes on because of what is found now.
        let mut woke = !done.is_empty();
        for (key, r) in done.drain(..) {
            if let Some(fut) = self.forget_host(key.0) {
                self.settle_host(fut, r);
            }
        }
        self.tasks.done = done;
        if self.tasks.timers.is_empty() {
            // What was put off has become of no account.
            self.tasks.deferred = None;
        } else {
            let now = self.driver.now_us();
            // All that is due at one instant fires before anybody runs, but for time limits: a result of the same instant wins, so
            // they come when nobody has anything left to do, or seems never to be done. Where the clock is late, the instant is
            // whatever is found at once: what was due before a limit goes first.
            let mut late = None;
            while let Some(at) = self.tasks.timers.next_deadline().filter(|at| *at <= now) {
                let tied = at == now || woke || self.tasks.deferred.is_some();
                if tied && self.tasks.timers.next_is_bound() {
                    let quiet = wait.is_some() && self.tasks.ready.is_empty() && self.tasks.callbacks.is_empty();
                    let used = self.fuel_used();
                    let since = *self.tasks.deferred.get_or_insert(used);
                    let patience = if at == now { PATIENCE } else { LATE_PATIENCE };
                    if !*late.get_or_insert(quiet || used.saturating_sub(since) > patience) {
                        return;
                    }
                }
                if let Some(t) = self.tasks.timers.pop_due(now) {
                    woke |= !t.is_bound();
                    self.fire(t);
                }
            }
            self.tasks.deferred = None;
        }
    }

    fn fire(&mut self, t: Due) {
        match t {
            Due::Wake(key, epoch) => self.wake(key, epoch, Wake::Value(Value::NIL)),
            Due::Answer(key, epoch, answer) => {
                let v = match answer {
                    Answer::Nil => Value::NIL,
                    Answer::False => Value::FALSE,
                    Answer::Timeout => self.err_symbol("timeout"),
                };
                self.wake(key, epoch, Wake::Value(v));
            }
            Due::Arm(key, epoch, arm) => self.wake(key, epoch, Wake::Arm(arm, Value::NIL, true)),
            Due::Tick(key, epoch, arm) => self.tick(key, epoch, arm),
            Due::Settle(Held(fut)) => {
                if fut.as_gc().state() == State::Pending {
                    self.settle(fut, State::Success, Value::NIL);
                }
            }
            Due::Call(Held(timer)) => self.timer_fired(timer),
            Due::Abandon(key, epoch, after) => {
                if self.waits(key, epoch) {
                    let ex = self.timeout_exception(Some(after.us()));
                    self.wake(key, epoch, Wake::Throw(ex));
                }
            }
            Due::Timeout(key, epoch, after) => {
                if self.waits(key, epoch) {
                    let ex = self.timeout_exception(Some(after.us()));
                    let on = self.tasks.live.get(key).map_or(Value::NIL, |l| l.on);
                    // 4.2: on expiry the awaited futures themselves fail.
                    match on.get::<Array>(Kind::Array) {
                        Some(a) => {
                            for i in 0..a.size() {
                                self.fail_pending(a.as_slice()[i], ex);
                            }
                        }
                        None => self.fail_pending(on, ex),
                    }
                    self.wake(key, epoch, Wake::Throw(ex));
                }
            }
            Due::Deadline(scope) => self.cancel_scope(scope, Cause::Timeout),
            Due::Grace(scope) => self.grace_ended(scope),
            Due::GraceOf(task) => self.grace_of_task_ended(task),
        }
    }

    fn waits(&self, key: TaskKey, epoch: u32) -> bool {
        self.tasks.live.get(key).is_some_and(|l| l.parked && l.epoch == epoch)
    }

    /// `await ^timeout` is over: what it awaited fails, and its task is cancelled.
    pub(super) fn fail_pending(&mut self, f: Value, ex: Value) {
        if f.is_future() && f.as_gc().state() == State::Pending {
            let g = f.as_gc();
            g.observe();
            let key = g.task_key();
            if g.has(flag::TASK) && !g.has(flag::STARTED | flag::ATOMIC) && self.tasks.live.contains_key(key) {
                return self.end_unstarted(key, State::Failure, ex);
            }
            self.abandon(f, Value::NIL);
            self.settle(f, State::Failure, ex);
        }
    }

    /// Whether no task of the root scope is left that the end of the program waits for.
    fn root_is_quiet(&self) -> bool {
        match self.tasks.scopes.get(self.tasks.scopes.root) {
            Some(s) => s.only_daemons(),
            None => self.tasks.live.is_empty(),
        }
    }

    /// Whether all pending host operations are waited for by daemons, or by what daemons have started.
    fn operations_are_daemons(&self) -> bool {
        self.driver.pending() == 0 || self.tasks.host.values().all(|o| !o.counted || self.is_below_daemon(o.scope))
    }

    fn is_below_daemon(&self, mut k: ScopeKey) -> bool {
        while let Some(s) = self.tasks.scopes.get(k).filter(|s| s.owner.is_future()) {
            let owner = s.owner.as_gc();
            if owner.has(flag::DAEMON) && !owner.has(flag::MAIN) {
                return true;
            }
            k = owner.home();
        }
        false
    }

    /// Runs the scheduler until nothing is left to do: the main task ended, and (unless `drain` is false) no task, timer, host
    /// operation or callback remains.
    pub fn run_loop(&mut self, drain: bool) -> Exit {
        let mut ending = false;
        loop {
            if self.fatal {
                return Exit::Done;
            }
            if !drain && self.tasks.main_result.is_some() && self.exit_code.is_none() {
                return Exit::Done;
            }
            // `(exit n)` and a failed main body cancel all tasks and give them some time for their cleanup.
            let over = self.exit_code.is_some() || matches!(self.tasks.main_result, Some(Err(_)));
            if over && !ending {
                ending = true;
                self.end_root();
            }
            if ending && self.tasks.live.is_empty() {
                return Exit::Done;
            }
            if !self.tasks.callbacks.is_empty() {
                // One after the other: a callback's own safepoints start no further ones.
                self.in_callback = true;
                self.start_callbacks();
                self.in_callback = false;
            }
            if let Some(key) = self.next_ready() {
                let direct = !ending && (drain || self.tasks.main_result.is_none()) && self.tasks.trace.is_none();
                self.tasks.direct = if direct { LOOK_EVERY } else { 0 };
                self.resume_task(key);
                // Everyone gets a turn: host operations and timers are looked at between tasks too.
                if !self.tasks.host.is_empty() || !self.tasks.timers.is_empty() {
                    self.switches += 1 + if direct { LOOK_EVERY - self.tasks.direct } else { 0 };
                    if self.switches >= LOOK_EVERY {
                        self.switches = 0;
                        self.take_in(None);
                    }
                }
                self.tasks.direct = 0;
                continue;
            }
            if !self.tasks.callbacks.is_empty() {
                continue;
            }
            if self.interrupt.load(Ordering::Relaxed) != 0 {
                self.take_interrupt();
                continue;
            }
            if ending && self.grace_is_over() {
                return Exit::Done;
            }
            if self.tasks.main_result.is_some()
                && !ending
                && self.root_is_quiet()
                && self.operations_are_daemons()
                && !self.tasks.timers.any_referenced()
            {
                if self.tasks.live.is_empty() {
                    return Exit::Done;
                }
                // Daemons are not waited for, but they may clean up.
                ending = true;
                self.end_root();
                continue;
            }
            let deadline = self.tasks.timers.next_deadline();
            if deadline.is_none() && self.driver.pending() == 0 {
                if !ending && self.throw_deadlock() {
                    continue;
                }
                return Exit::Done;
            }
            self.take_in(Some(deadline));
        }
    }

    fn end_root(&mut self) {
        let root = self.tasks.scopes.root;
        self.cancel_scope(root, Cause::Request(Value::NIL));
    }

    fn grace_is_over(&self) -> bool {
        let root = self.tasks.scopes.get(self.tasks.scopes.root);
        root.and_then(|s| s.grace_end).is_some_and(|end| self.driver.now_us() >= end)
    }

    fn next_ready(&mut self) -> Option<TaskKey> {
        if self.tasks.shake && self.tasks.ready.len() > 1 {
            let n = self.tasks.ready.len();
            let i = self.tasks.choose(n);
            return self.tasks.ready.swap_remove_back(i);
        }
        self.tasks.ready.pop_front()
    }

    fn resume_task(&mut self, key: TaskKey) {
        let idle = self.cur;
        let Some(fut) = self.tasks.live.future(key) else { return };
        if self.tasks.trace.is_some() {
            self.trace_run(fut, true);
        }
        let Some(start) = self.enter_task(key) else { return };
        let start = match start {
            Ctl::Throw => Some(Start::Throw),
            Ctl::Idle | Ctl::Done => None,
            _ => Some(Start::Resume),
        };
        if let Some(start) = start {
            run::run(self, start);
        }
        if self.tasks.trace.is_some() {
            self.trace_run(fut, false);
        }
        self.cur = idle;
    }

    /// Makes a ready task the running one and hands it what it was woken with. `None`: it is not ready after all.
    fn enter_task(&mut self, key: TaskKey) -> Option<Ctl> {
        let fut = self.tasks.live.future(key)?;
        let (w, fiber) = match self.tasks.live.existing(key) {
            Some(l) if l.parked => return None,
            Some(l) => (l.take_wake(), l.fiber),
            // Its first turn.
            None => (Wake::Start, fut.as_gc().fiber()),
        };
        let mut f: Gc<Fiber> = match w {
            Wake::Start if !fiber.is_kind(Kind::Fiber) => {
                let f = self.begin_task(fut, fiber);
                if let Some(l) = self.tasks.live.existing(key) {
                    l.fiber = f.value();
                }
                f
            }
            _ => fiber.gc(),
        };
        fut.as_gc().set(flag::STARTED);
        self.tasks.budget = BUDGET;
        self.cur = f;
        f.status = Status::Running;
        if self.tasks.meter.on {
            self.change_meter();
        }
        Some(match w {
            Wake::Value(v) => call::deliver_op(self, v),
            Wake::Start => self.start_fiber(),
            Wake::Arm(arm, v, open) => {
                if let Some(mut t) = self.task_of(f) {
                    t.result = v;
                    t.peeked = open;
                    self.heap.barrier(t);
                }
                call::deliver_op(self, Value::small(arm as i64))
            }
            Wake::Throw(ex) => {
                self.exception = ex;
                Ctl::Throw
            }
        })
    }

    /// Each callback runs in a task of its own, so that it may await; the callbacks of one future start in order.
    fn start_callbacks(&mut self) {
        while let Some((f, arg, locals)) = self.tasks.callbacks.pop_front() {
            let key = self.callback_task(f, arg, locals);
            self.resume_task(key);
        }
    }

    fn callback_task(&mut self, f: Value, arg: Value, locals: Value) -> TaskKey {
        let root = self.tasks.scopes.root;
        let args = [arg];
        let args = if arg.is_undef() { &args[..0] } else { &args[..] };
        let (fiber, fut) = self.new_task(f, args, root, locals);
        fut.as_gc().set(flag::CALLBACK);
        self.enter_live(fut, fiber.value())
    }

    /// The callback of a timer takes its turn among the tasks that timers of the same instant wake: in the order of their making.
    /// While a task runs nobody else has a turn, so it is delivered as callbacks are; so is one that comes during the end.
    pub(super) fn queue_timer_callback(&mut self, f: Value, locals: Value) {
        if self.tasks.inside_task || self.exit_code.is_some() || matches!(self.tasks.main_result, Some(Err(_))) {
            self.tasks.callbacks.push_back((f, Value::UNDEF, locals));
            self.heap.fuel.request();
        } else {
            let key = self.callback_task(f, Value::UNDEF, locals);
            self.make_ready(key, Wake::Start);
        }
    }

    /// A signal arrived. The first one cancels the root scope, the second one takes its grace, and a request for a dump of the
    /// tasks gets one.
    fn take_interrupt(&mut self) {
        let sig = self.interrupt.swap(0, Ordering::Relaxed);
        if sig == 0 {
            return;
        }
        if sig == SIGQUIT {
            let text = self.task_dump();
            self.output.stderr(&text);
            return;
        }
        let first = self.exit_code.is_none();
        self.exit_code.get_or_insert(128 + sig as i32);
        let root = self.tasks.scopes.root;
        if first {
            let reason = self.str("interrupted");
            self.cancel_scope(root, Cause::Request(reason));
        } else {
            self.grace_ended(root);
        }
    }

    pub fn root_scope(&self) -> ScopeKey {
        self.tasks.scopes.root
    }
}

impl Vm {
    /// Failures nobody looked at, when the program ends: one warning each.
    pub fn report_unobserved(&mut self) {
        for f in std::mem::take(&mut self.tasks.failed) {
            if !f.as_gc().has(flag::OBSERVED) {
                self.report_unhandled(f, false);
            }
        }
    }

    pub(super) fn report_unhandled(&mut self, f: Value, error: bool) {
        self.tasks.stats.unhandled += 1;
        f.as_gc().set(flag::REPORTED);
        let ex = f.as_gc().value;
        let class = self.exception_class_name(ex);
        let message = self.exception_message(ex);
        let (frames, _) = crate::interp::trace::frames(self, ex);
        let mut text = if error {
            let name = self.task_name(f);
            format!("Error: unhandled failure of {name}: {class}: {message}\n")
        } else {
            format!("Warning: the failure of a future was never observed: {class}: {message}\n")
        };
        for t in frames.iter().take(20) {
            text.push_str(&format!("  at {}\n", crate::interp::trace::line(t)));
        }
        let (function, pc) = f.as_gc().origin();
        if let Some(place) = crate::interp::trace::place(function, pc)
            && f.as_gc().has(flag::TASK)
        {
            text.push_str(&format!("  spawned {place}\n"));
        }
        self.output.stderr(&text);
    }

    /// Somebody looks at a failure after all that was reported as unhandled.
    #[cold]
    pub(super) fn handled_late(&mut self, f: Value) {
        f.as_gc().clear(flag::REPORTED);
        let name = self.object_text(f);
        let ex = f.as_gc().value;
        let (class, message) = (self.exception_class_name(ex), self.exception_message(ex));
        self.output.stderr(&format!("Warning: handled late: the failure of {name}: {class}: {message}\n"));
    }

    /// `task #3 "name"`
    pub(super) fn task_name(&mut self, f: Value) -> String {
        let g = f.as_gc();
        match g.name().is_nil() {
            true => format!("task #{}", g.id),
            false => {
                let name = self.to_text(g.name()).unwrap_or_default();
                format!("task #{} \"{name}\"", g.id)
            }
        }
    }
}

/// The running task parked or ended: goes on with the next ready one without leaving the interpreter. `None` when there is
/// something else to do first; the run loop sees to that. The interpreter's loop calls this with nothing of its own on the native
/// stack, so a chain of tasks needs no more of it.
pub fn switch(vm: &mut Vm) -> Option<Ctl> {
    loop {
        let t = &mut vm.tasks;
        let free = t.direct > 0 && t.callbacks.is_empty();
        if !free || vm.in_callback || vm.nesting > 0 || vm.fatal || vm.exit_code.is_some() {
            return None;
        }
        t.direct -= 1;
        let key = vm.next_ready()?;
        // Short tasks may come and go without passing any other safepoint.
        vm.heap.fuel.left -= 1;
        match vm.enter_task(key) {
            Some(Ctl::Next | Ctl::Load) if vm.heap.fuel.left < 0 => return Some(Ctl::Safepoint),
            None | Some(Ctl::Idle) => {}
            c => return c,
        }
    }
}

/// The running task asked to park, as in [`parked`]. Another that is ready goes on in its place where that is all there is to do.
#[inline]
pub fn park(vm: &mut Vm) -> Ctl {
    let mut cur = vm.cur;
    if cur.role != Role::Task || cur.caller.is_ptr() {
        return parked(vm);
    }
    cur.status = Status::Suspended;
    vm.heap.barrier(cur);
    go_on(vm)
}

/// The next ready task goes on, where that is all there is to do and it is one that got a value or that begins with a function.
/// `Idle`: what is to be done takes more than this, see [`switch`].
#[inline]
fn go_on(vm: &mut Vm) -> Ctl {
    let t = &mut vm.tasks;
    let free = t.direct > 0 && t.callbacks.is_empty() && !t.shake && !t.meter.on;
    if !free || vm.in_callback || vm.nesting > 0 || vm.fatal || vm.exit_code.is_some() {
        return Ctl::Idle;
    }
    let Some(key) = t.ready.front() else { return Ctl::Idle };
    let Some(l) = t.live.existing(key) else { return begin_next(vm, key) };
    let Some(v) = l.take_value() else { return Ctl::Idle };
    let mut f: Gc<Fiber> = l.fiber.gc();
    t.ready.pop_front();
    t.direct -= 1;
    t.budget = BUDGET;
    vm.cur = f;
    f.status = Status::Running;
    vm.heap.fuel.left -= 1;
    match call::deliver_parked(vm, v) {
        Ctl::Next | Ctl::Load if vm.heap.fuel.left < 0 => Ctl::Safepoint,
        // Another fiber runs: its state must be read.
        Ctl::Next => Ctl::Load,
        c => c,
    }
}

/// As [`go_on`] for a task that was never woken or parked: it begins. Apart, so that those that go on need no stack here.
#[inline(never)]
fn begin_next(vm: &mut Vm, key: TaskKey) -> Ctl {
    let Some(fut) = vm.tasks.live.future(key) else { return Ctl::Idle };
    let g = fut.as_gc();
    if !vm.begin_simple(g) {
        return Ctl::Idle;
    }
    g.set(flag::STARTED);
    let t = &mut vm.tasks;
    t.ready.pop_front();
    t.direct -= 1;
    t.budget = BUDGET;
    // One for the turn, one for the call.
    vm.heap.fuel.left -= 2;
    if vm.heap.fuel.left < 0 { Ctl::Safepoint } else { Ctl::Load }
}

/// A safepoint on full slices: host completions and due timers are taken in, the running task sees its cancellation, callbacks
/// run. Tasks do not switch here (concurrency.md D8).
pub fn poll(vm: &mut Vm) -> Ctl {
    if vm.driver.pending() > 0 || !vm.tasks.timers.is_empty() {
        vm.tasks.inside_task = true;
        vm.take_in(None);
        vm.tasks.inside_task = false;
    }
    if vm.tasks.cancels > 0 {
        // As rarely as with the default interval, so that the interval does not decide how far a cancelled task gets.
        vm.tasks.charges += vm.slice().max(1);
        if vm.tasks.charges >= crate::vm::DEFAULT_POLL_INTERVAL as i64 {
            vm.tasks.charges = 0;
            if vm.checkpoint().is_err() {
                return Ctl::Throw;
            }
        }
    }
    deliver_callbacks(vm);
    Ctl::Load
}

/// Callbacks are delivered at safepoints, never re-entrantly: they run in tasks of their own on top of the running one. The first
/// safepoint after one was queued does it, in every mode.
pub fn deliver_callbacks(vm: &mut Vm) {
    if !vm.tasks.callbacks.is_empty() && !vm.in_callback {
        vm.in_callback = true;
        let mut cur = vm.cur;
        let status = cur.status;
        let budget = vm.tasks.budget;
        cur.status = Status::Waiting;
        vm.heap.barrier(cur);
        vm.polling_fibers.push(cur.value());
        vm.start_callbacks();
        vm.polling_fibers.pop();
        vm.cur = cur;
        if vm.tasks.meter.on {
            vm.change_meter();
        }
        vm.tasks.budget = budget;
        cur.status = status;
        vm.in_callback = false;
    }
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
        if vm.tasks.meter.on {
            vm.change_meter();
        }
        let fut = task.owner;
        return call::deliver_op(vm, fut);
    }
    Ctl::Idle
}

/// The usual end of a spawned task: it has a value, nobody waits for it, and nothing depends on it but its future. False, and nothing
/// happened, where there is more to see to.
#[inline(always)]
fn ended_simply(vm: &mut Vm, v: Value) -> bool {
    let mut task = vm.cur;
    let fut = task.owner;
    let g = fut.as_gc();
    let t = &mut vm.tasks;
    if !g.ends_alone() || task.cancelled || task.caller.is_ptr() {
        return false;
    }
    if !(t.told.is_empty() && t.graces.is_empty() && t.settled_early.is_empty() && t.held.is_empty()) {
        return false;
    }
    let Some(s) = t.scopes.map.get_mut(g.home()).filter(|s| s.may_forget_child()) else { return false };
    let key = g.task_key();
    let Some(index) = t.live.remove(key) else { return false };
    let at = index as usize;
    if s.children.get(at) == Some(&key) {
        s.children.swap_remove(at);
        if let Some(&moved) = s.children.get(at) {
            t.live.set_index(moved, index);
        }
    }
    t.settled = t.settled.wrapping_add(1);
    g.succeed(v, t.settled);
    if v.is_ptr() {
        vm.heap.barrier(g);
    }
    task.status = Status::Done;
    vm.exception = Value::UNDEF;
    vm.thrown_in = None;
    vm.spare_fiber(task);
    true
}

/// The running task's bottom frame returned or threw.
pub fn ended(vm: &mut Vm, r: Result<Value, Value>) -> Ctl {
    match r {
        Ok(v) if ended_simply(vm, v) => go_on(vm),
        r => ended_as(vm, r),
    }
}

#[inline(never)]
fn ended_as(vm: &mut Vm, r: Result<Value, Value>) -> Ctl {
    let mut task = vm.cur;
    task.status = Status::Done;
    let fut = task.owner;
    let g = fut.as_gc();
    let (key, home) = (g.task_key(), g.home());
    if !g.has(flag::SPAWNED | flag::CALLBACK | flag::MAIN | flag::KNOWN) && !vm.tasks.live.contains_key(key) {
        g.set(flag::IMMEDIATE);
    }
    vm.exception = Value::UNDEF;
    vm.thrown_in = None;
    if vm.tasks.main == Some(key) {
        vm.tasks.main_result = Some(r);
        vm.tasks.direct = 0;
    }
    vm.forget_task(key, fut, task);
    if !vm.tasks.held.is_empty() {
        vm.break_locks(fut);
    }
    match r {
        Ok(v) => {
            // `(async e)` flattens a future; `^^raw` keeps it.
            if v.is_future() && v != fut && !g.has(flag::RAW | flag::SPAWNED | flag::CALLBACK | flag::MAIN) {
                vm.follow(fut, v);
            } else {
                vm.settle(fut, State::Success, v);
            }
            vm.child_ended(fut, home, None);
        }
        Err(ex) if vm.is_own_cancellation(ex) && !vm.is_out_of_fuel(ex) => {
            // Seen by others it is an ordinary exception.
            let reason = vm.symbols.find("reason").and_then(|k| vm.map_get(ex.gc(), k)).unwrap_or(Value::NIL);
            let ex = vm.cancellation_of(fut, reason);
            vm.settle(fut, State::Cancelled, ex);
            vm.child_ended(fut, home, None);
        }
        Err(ex) => {
            vm.disown_exception(ex);
            vm.settle(fut, State::Failure, ex);
            vm.child_ended(fut, home, Some(ex));
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
    let c = leave_eager(vm, &mut task);
    // A future that was settled from outside kept the fiber of the task that unwound meanwhile.
    fut.as_gc().set_fiber(Value::NIL);
    vm.spare_fiber(task);
    c
}

/// Another thread asked the VM to stop (SIGINT, SIGTERM: the signal's number), or for a dump.
pub fn interrupted(vm: &mut Vm) -> Ctl {
    vm.take_interrupt();
    match vm.checkpoint() {
        Ok(()) => Ctl::Next,
        Err(_) => Ctl::Throw,
    }
}

/// Starts the main task on `closure`.
pub fn start_main(vm: &mut Vm, closure: Value) -> Result<Value, Stop> {
    vm.open_root();
    let root = vm.tasks.scopes.root;
    let (f, fut) = vm.new_task(closure, &[], root, Value::NIL);
    fut.as_gc().set(flag::RAW | flag::MAIN | flag::DAEMON);
    let key = vm.enter_live(fut, f.value());
    vm.tasks.main = Some(key);
    vm.tasks.ready.push_back(key);
    Ok(fut)
}
