//! Deadlocks: a circle of waits found when it closes, and a program in which nothing can ever run again.
use super::channel::Channel;
use super::future::flag;
use super::scope::{Failure, ScopeKey};
use super::{Reason, TaskKey, Wake};
use crate::native::Stop;
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// What `task` can't go on without: a task it awaits, or the holder of a lock it wants.
    fn needs(&self, key: TaskKey) -> Option<(Value, Option<String>)> {
        let l = self.tasks.live.get(key)?;
        // A wait with a time limit ends by itself.
        if !l.parked || l.timer != 0 {
            return None;
        }
        if l.on.is_future() {
            return l.on.as_gc().has(flag::TASK).then_some((l.on, None));
        }
        let holder = super::sync::holder(l.on)?;
        Some((holder, l.on.foreign_text()))
    }

    /// Refuses a wait for `v` that closes a circle of tasks waiting for each other.
    pub(super) fn check_cycle(&mut self, v: Value) -> Result<(), Stop> {
        let me = self.current_task();
        if !me.is_future() {
            return Ok(());
        }
        // Each task with the lock it was reached through.
        let mut path = vec![(me, None)];
        let (mut f, mut via) =
            if v.is_future() { (v, None) } else { (super::sync::holder(v).unwrap_or(Value::NIL), v.foreign_text()) };
        while f.is_future() && path.len() < 100_000 {
            if f == me {
                return Err(self.cycle_exception(&path, via));
            }
            path.push((f, via));
            (f, via) = match self.needs(f.as_gc().task_key()) {
                Some(next) => next,
                None => break,
            };
        }
        Ok(())
    }

    /// Refuses a wait for lock `v` that closes a circle.
    pub(super) fn check_lock_cycle(&mut self, v: Value) -> Result<(), Stop> {
        self.check_cycle(v)
    }

    /// `last`: the lock that closes the circle, if it is one.
    fn cycle_exception(&mut self, path: &[(Value, Option<String>)], last: Option<String>) -> Stop {
        let ids: Vec<u64> = path.iter().map(|f| f.0.as_gc().id).collect();
        let text = if ids.len() == 1 {
            format!("task #{} awaits itself", ids[0])
        } else {
            let locks = last.is_some() || path.iter().any(|p| p.1.is_some());
            let mut list = Vec::new();
            for (id, via) in ids.iter().zip(path.iter().map(|p| &p.1)) {
                list.extend(via.clone());
                list.push(format!("#{id}"));
            }
            list.extend(last);
            let what = if locks { "wait for" } else { "await" };
            format!("tasks {what} each other: {} → #{}", list.join(" → "), ids[0])
        };
        let c = self.classes.deadlock;
        let stop = self.throw_coded(c, "GENE.ASYNC.DEADLOCK", &text);
        let ex = self.exception;
        let ids: Vec<Value> = ids.iter().map(|&i| self.int(i as i64)).collect();
        let list = self.array(&ids);
        self.set_detail(ex, "cycle", list);
        self.set_detail(ex, "tasks", list);
        stop
    }

    /// Nothing can run and nothing from outside can come. Channels whose sending handles are all gone end first; then a main
    /// task that still waits, or what the end of the program waits for, gets a DeadlockException.
    pub(super) fn throw_deadlock(&mut self) -> bool {
        if self.close_orphans() {
            return true;
        }
        let main = self.tasks.main.filter(|k| self.tasks.live.get(*k).is_some_and(|l| l.parked));
        // Each wait of the main task can end in a deadlock of its own, but only once: children may stay stuck whatever they are told.
        let at = main.map(|k| (k, self.tasks.live[k].epoch));
        if self.deadlocked && at == self.tasks.stuck_at {
            return false;
        }
        self.tasks.stuck_at = at;
        let stuck: Vec<(TaskKey, Value)> =
            self.live_tasks().into_iter().filter(|(k, f)| Some(*k) == main || !f.as_gc().has(flag::DAEMON)).collect();
        if stuck.is_empty() {
            return false;
        }
        let n = stuck.len();
        let noun = if n == 1 { "task" } else { "tasks" };
        let mut text = format!("{n} {noun} can never make progress");
        for &(k, f) in stuck.iter().take(50) {
            text.push('\n');
            text.push_str(self.stuck_line(k, f).trim_start_matches("  "));
        }
        if n > 50 {
            text.push_str(&format!("\n... {} more", n - 50));
        }
        let cycle = self.find_cycle(&stuck);
        if !cycle.is_empty() {
            text.push_str(&format!("\ncycle: {}", cycle.join(" → ")));
        }
        let c = self.classes.deadlock;
        let m = self.str(&text);
        let ex = self.make_exception(c, m, Value::NIL);
        self.set_code(ex, "GENE.ASYNC.DEADLOCK");
        let ids: Vec<Value> = stuck.iter().map(|(_, f)| Value::small(f.as_gc().id as i64)).collect();
        let list = self.array(&ids);
        self.set_detail(ex, "tasks", list);
        let parts: Vec<Value> = cycle.iter().map(|s| self.str(s)).collect();
        let list = self.array(&parts);
        self.set_detail(ex, "cycle", list);
        self.deadlocked = true;
        self.deadlock_exception = ex;
        match main {
            Some(key) => self.throw_into(key, ex),
            None => {
                // The main task has ended: the exception is the program's.
                self.tasks.main_result = Some(Err(ex));
            }
        }
        true
    }

    /// Throws into a parked task. One that waits for the end of a scope gets the exception as a failure of the scope, which
    /// ends its children first.
    fn throw_into(&mut self, key: TaskKey, ex: Value) {
        let Some(l) = self.tasks.live.get(key) else { return };
        let (epoch, reason, fut) = (l.epoch, l.reason, l.future);
        if reason == Reason::ScopeExit
            && let Some(t) = fut.as_gc().task_fiber()
        {
            let scope = super::scope::scope_of(t.scope);
            self.fail_scope(scope, ex);
            return;
        }
        self.wake(key, epoch, Wake::Throw(ex));
    }

    fn fail_scope(&mut self, key: ScopeKey, ex: Value) {
        self.scope_failed(key, Failure::of_scope(ex));
    }

    /// Channels whose sending handles are all gone, with somebody waiting for a value.
    fn close_orphans(&mut self) -> bool {
        let parked: Vec<TaskKey> = self.tasks.live.iter().filter(|(_, l)| l.parked).map(|(k, _)| k).collect();
        let waits: Vec<Value> = parked.into_iter().flat_map(|k| self.wait_objects(k)).collect();
        if !waits.iter().any(|v| v.numbered::<Channel>().is_some()) {
            return false;
        }
        // The second collection runs the destructors of what the first one found dead.
        crate::interp::safepoint::collect(self, true);
        crate::interp::safepoint::collect(self, true);
        let mut any = false;
        for ch in waits {
            if ch.numbered::<Channel>().is_some_and(|c| c.orphaned()) {
                self.channel_close(ch, Value::NIL);
                any = true;
            }
        }
        any
    }

    /// A circle among stuck tasks, as the report shows it.
    fn find_cycle(&mut self, stuck: &[(TaskKey, Value)]) -> Vec<String> {
        for &(start, f) in stuck {
            let mut path = vec![(f, None)];
            let mut key = start;
            while let Some((next, via)) = self.needs(key) {
                let at = path.iter().position(|p: &(Value, Option<String>)| p.0 == next);
                path.push((next, via));
                if let Some(at) = at {
                    let mut out = Vec::new();
                    for (i, (f, via)) in path[at..].iter().enumerate() {
                        if i > 0
                            && let Some(via) = via
                        {
                            out.push(via.clone());
                        }
                        out.push(format!("#{}", f.as_gc().id));
                    }
                    return out;
                }
                if path.len() > 1000 {
                    break;
                }
                key = next.as_gc().task_key();
            }
        }
        Vec::new()
    }

    /// Parked tasks that nothing reachable can wake: their numbers, what they wait for, where. The live roots are the running
    /// chain, modules, ready tasks, timers, host operations; whatever a reachable object refers to may wake those who wait for
    /// it.
    pub fn leaked_tasks(&mut self) -> Vec<(TaskKey, Value)> {
        let parked: Vec<(TaskKey, Value)> = self
            .live_tasks()
            .into_iter()
            .filter(|(k, f)| {
                self.tasks.live.get(*k).is_some_and(|l| l.parked && l.timer == 0 && l.reason != Reason::ScopeExit)
                    && !f.as_gc().has(flag::DAEMON | flag::MAIN)
            })
            .collect();
        let keys: Vec<TaskKey> = parked.iter().map(|p| p.0).collect();
        let lost = crate::interp::safepoint::unreachable_waits(self, &keys);
        parked.into_iter().filter(|(k, _)| lost.contains(k)).collect()
    }
}
