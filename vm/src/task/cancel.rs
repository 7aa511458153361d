//! Cancellation: how it spreads over scopes, reaches waiting tasks, and ends cleanups that take too long.
use super::future::{State, flag};
use super::scope::{Cause, GRACE_US, ScopeKey, scope_of};
use super::timer::Due;
use super::{Grace, TaskKey, Wake};
use crate::heap::Gc;
use crate::object::fiber::Fiber;
use crate::value::Value;
use crate::vm::Vm;

/// Cancellations a task may catch before a warning.
const SWALLOWED: u32 = 1000;

impl Vm {
    /// Cancels a scope and everything below it. Idempotent: the first cause stays.
    pub fn cancel_scope(&mut self, key: ScopeKey, cause: Cause) {
        let now = self.driver.now_us();
        let Some(s) = self.tasks.scopes.map.get_mut(key) else { return };
        if s.cause.is_none() {
            s.cause = Some(cause);
        }
        if s.cancelled {
            return;
        }
        let end = now.saturating_add(s.setup.grace.unwrap_or(GRACE_US));
        self.tasks.timers.cancel(s.deadline_timer);
        self.spread(key, end);
        if let Some(s) = self.tasks.scopes.map.get_mut(key)
            && s.grace_timer == 0
        {
            let id = self.tasks.timers.add(end, Due::Grace(key));
            self.tasks.timers.set_unref(id, true);
            if let Some(s) = self.tasks.scopes.map.get_mut(key) {
                s.grace_timer = id;
            }
        }
    }

    /// Marks scopes as cancelled and wakes who waits there.
    fn spread(&mut self, top: ScopeKey, grace_end: u64) {
        // All below is cancelled for what `top` is: looking for the reason from each scope would make deep trees quadratic.
        let reason = self.scope_reason(top);
        let mut todo = vec![top];
        let (mut operating, mut unstarted) = (Vec::new(), Vec::new());
        while let Some(key) = todo.pop() {
            let Some(s) = self.tasks.scopes.map.get_mut(key) else { continue };
            if s.cancelled {
                continue;
            }
            s.cancelled = true;
            s.grace_end = Some(s.grace_end.map_or(grace_end, |e| e.min(grace_end)));
            let (owner, operations) = (s.owner, s.operations);
            let mut children = s.children.clone();
            let mut inner = s.inner.clone();
            self.tasks.cancels += 1;
            // The oldest first, as with the children: `inner` is in no order.
            let scopes = &self.tasks.scopes;
            inner.retain(|k| scopes.get(*k).is_some_and(|s| !s.closed_off));
            inner.sort_by_key(|k| std::cmp::Reverse(scopes.get(*k).map_or(0, |s| s.id)));
            todo.extend(inner);
            if operations > 0 {
                operating.push(key);
            }
            let live = &self.tasks.live;
            children.sort_by_key(|k| live.get(*k).map_or(0, |l| l.future.as_gc().id));
            if owner.is_future() {
                self.deliver(owner.as_gc().task_key(), key, &mut unstarted);
            }
            for k in children {
                self.deliver(k, key, &mut unstarted);
            }
        }
        // Not before all have been told: for whoever waits for a task or an operation of a scope that is cancelled with its own, this
        // is its own cancellation and not the end of something it awaits.
        for key in unstarted {
            self.drop_unstarted(key, reason);
        }
        for key in operating {
            self.drop_operations(key);
        }
    }

    /// The host operations of a cancelled scope are given up.
    fn drop_operations(&mut self, key: ScopeKey) {
        let all: Vec<(u64, Value)> =
            self.tasks.host.iter().filter(|(_, o)| o.scope == key).map(|(k, o)| (*k, o.future)).collect();
        for (k, f) in all {
            self.driver.cancel(crate::driver::HostKey(k));
            self.forget_host(k);
            f.as_gc().observe();
            let ex = self.cancellation(false, Value::NIL);
            self.settle(f, State::Cancelled, ex);
        }
    }

    /// Tells a task whose innermost scope is `scope` that it is cancelled: one that waits is woken, one that never ran is left to the
    /// caller, one that runs or is ready sees it at its next checkpoint.
    fn deliver(&mut self, key: TaskKey, scope: ScopeKey, unstarted: &mut Vec<TaskKey>) {
        let Some(l) = self.tasks.live.get(key) else { return };
        let g = l.future.as_gc();
        if !g.has(flag::STARTED) {
            if g.home() == scope && !g.has(flag::ATOMIC) {
                unstarted.push(key);
            }
            return;
        }
        if let Some(t) = g.task_fiber()
            && scope_of(t.scope) == scope
        {
            self.interrupt_wait(key, t);
        }
    }

    fn interrupt_wait(&mut self, key: TaskKey, t: Gc<Fiber>) {
        let Some(l) = self.tasks.live.get(key) else { return };
        if !l.parked || !l.reason.cancellable() || self.in_cleanup(l.fiber.gc()) {
            return;
        }
        let (epoch, on) = (l.epoch, l.on);
        let ex = self.own_cancellation(t);
        self.wake(key, epoch, Wake::Throw(ex));
        self.give_up(on);
    }

    /// A task no longer waits for `on`: an operation that only it knew of has nobody to go to.
    fn give_up(&mut self, on: Value) {
        if on.is_future() && on.as_gc().has(flag::OWNED) {
            self.cancel_future(on, Value::NIL);
        }
    }

    /// A task that was cancelled before its first instruction never runs.
    pub(super) fn drop_unstarted(&mut self, key: TaskKey, reason: Value) {
        let Some(l) = self.tasks.live.get(key) else { return };
        let ex = self.cancellation_of(l.future, reason);
        self.end_unstarted(key, State::Cancelled, ex);
    }

    /// A task ends before its first instruction.
    pub(super) fn end_unstarted(&mut self, key: TaskKey, state: State, ex: Value) {
        let Some(l) = self.tasks.live.get(key) else { return };
        let fut = l.future;
        let home = fut.as_gc().home();
        if let Some(s) = self.tasks.scopes.map.get_mut(home) {
            s.delivered |= s.cancelled;
        }
        let queued = self.leave_queue(home, key);
        self.disown(key, home);
        self.tasks.live.remove(key);
        self.settle(fut, state, ex);
        if queued && let Some(s) = self.tasks.scopes.map.get_mut(home) {
            // It never counted as running.
            s.running += 1;
        }
        self.child_ended(fut, home, None);
    }

    /// `(t .cancel reason)`: requests that the task stop, with all scopes it has opened up to its shields.
    pub fn cancel_task(&mut self, f: Value, reason: Value) {
        let g = f.as_gc();
        if g.state() != State::Pending {
            return;
        }
        let key = g.task_key();
        let unstarted = self.tasks.live.contains_key(key) && !g.has(flag::STARTED);
        if unstarted && !g.has(flag::ATOMIC) {
            self.drop_unstarted(key, reason);
            return;
        }
        let Some(mut t) = g.task_fiber() else { return };
        if !t.cancelled {
            t.cancelled = true;
            self.tasks.cancels += 1;
        }
        let grace = self.tasks.scopes.get(scope_of(t.scope)).and_then(|s| s.setup.grace).unwrap_or(GRACE_US);
        let end = self.driver.now_us().saturating_add(grace);
        if self.tasks.live.contains_key(key) && !self.tasks.graces.contains_key(&key) {
            let id = self.tasks.timers.add(end, Due::GraceOf(key));
            self.tasks.graces.insert(key, Grace { end, reason, timer: id });
            self.tasks.timers.set_unref(id, true);
        }
        if unstarted {
            return;
        }
        // Scopes of the task, innermost first.
        let mut own = Vec::new();
        let mut k = scope_of(t.scope);
        while let Some(s) = self.tasks.scopes.get(k) {
            if s.owner != f {
                break;
            }
            own.push(k);
            k = s.parent;
        }
        match own.last() {
            None => self.interrupt_wait(key, t),
            Some(&top) => {
                if !self.tasks.scopes.map[top].closed_off {
                    self.spread(top, end);
                }
            }
        }
    }

    /// The grace of a cancelled scope is over: its cleanups are cut at their next checkpoint, those that wait now.
    pub(super) fn grace_ended(&mut self, top: ScopeKey) {
        let now = self.driver.now_us();
        let mut todo = vec![top];
        while let Some(key) = todo.pop() {
            let Some(s) = self.tasks.scopes.map.get_mut(key) else { continue };
            if s.closed_off && key != top {
                self.cancel_scope(key, Cause::Grace);
                continue;
            }
            s.grace_end = Some(now);
            let mut tasks = s.children.clone();
            let mut inner = s.inner.clone();
            let owner = s.owner;
            // In the order in which they were cancelled: the owner, then the oldest.
            let (live, scopes) = (&self.tasks.live, &self.tasks.scopes);
            tasks.sort_by_key(|k| live.get(*k).map_or(0, |l| l.future.as_gc().id));
            inner.sort_by_key(|k| scopes.get(*k).map_or(0, |s| s.id));
            if owner.is_future() {
                self.cut_cleanup(owner.as_gc().task_key(), key);
            }
            for k in tasks {
                self.cut_cleanup(k, key);
            }
            let next = todo.len();
            for k in inner {
                match self.tasks.scopes.get(k) {
                    Some(s) if s.setup.shield => self.warn_shield(k),
                    // Those of cleanups too: each has its turn by age.
                    _ => todo.insert(next, k),
                }
            }
        }
    }

    pub(super) fn grace_of_task_ended(&mut self, key: TaskKey) {
        let Some(l) = self.tasks.live.get(key) else { return };
        let Some(t) = l.future.as_gc().task_fiber() else { return };
        let scope = scope_of(t.scope);
        self.cut_cleanup(key, scope);
    }

    fn cut_cleanup(&mut self, key: TaskKey, scope: ScopeKey) {
        let Some(l) = self.tasks.live.get(key) else { return };
        let Some(t) = l.future.as_gc().task_fiber() else { return };
        if scope_of(t.scope) != scope || !l.parked || !l.reason.cancellable() || !self.in_cleanup(l.fiber.gc()) {
            return;
        }
        let (epoch, on) = (l.epoch, l.on);
        let ex = self.grace_over();
        self.wake(key, epoch, Wake::Throw(ex));
        self.give_up(on);
    }

    /// A cancelled task that catches its cancellation again and again is told for ever: a warning says where.
    pub(super) fn count_told(&mut self, t: Gc<Fiber>) {
        let n = self.tasks.told.entry(t.owner.as_gc().id).or_default();
        *n += 1;
        if *n == SWALLOWED && self.options.warnings {
            let name = self.task_name(t.owner);
            let mut text = format!("Warning: {name} has caught its cancellation {SWALLOWED} times and goes on\n");
            text.push_str(&self.task_stack(t.owner));
            self.output.stderr(&text);
        }
    }

    fn warn_shield(&mut self, key: ScopeKey) {
        if !self.options.warnings {
            return;
        }
        let Some(s) = self.tasks.scopes.get(key) else { return };
        if s.setup.timeout.is_some() || s.setup.deadline.is_some() {
            return;
        }
        let owner = s.owner;
        let mut text = "Warning: a shield without a time limit outlasts the grace of its cancelled scope\n".to_string();
        text.push_str(&self.task_stack(owner));
        self.output.stderr(&text);
    }

    /// Ends a task's part in cancellation when it ends itself.
    pub(super) fn forget_task(&mut self, key: TaskKey, fut: Value, t: Gc<Fiber>) {
        if !self.tasks.told.is_empty() {
            self.tasks.told.remove(&fut.as_gc().id);
        }
        if !self.tasks.graces.is_empty()
            && let Some(g) = self.tasks.graces.remove(&key)
        {
            self.tasks.timers.cancel(g.timer);
        }
        if t.cancelled {
            self.tasks.cancels -= 1;
        }
        if !self.tasks.settled_early.is_empty()
            && let Some(order) = self.tasks.settled_early.remove(&fut.as_gc().id)
        {
            fut.as_gc().set_settled(order);
        }
        if let Some(index) = self.tasks.live.remove(key) {
            self.leave_home(key, index as usize, fut, fut.as_gc().home());
        }
    }
}
