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
        let at = main.map(|k| (k, self.tasks.live.get(k).map_or(0, |l| l.epoch)));
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
        let mut cycle = self.find_cycle(&stuck);
        if cycle.is_empty() {
            cycle = self.find_wide_cycle(&stuck);
        }
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

    /// A circle that leads over objects without an owner: who waits for a channel can be helped by whoever has it, so it hangs on
    /// the stuck tasks that refer to it. The shortest one, without the main task if there is such.
    fn find_wide_cycle(&mut self, stuck: &[(TaskKey, Value)]) -> Vec<String> {
        const MOST: usize = 32;
        let stuck = &stuck[..stuck.len().min(MOST)];
        let shared = |v: &Value| super::sync::holder(*v).is_none() && v.foreign_text().is_some();
        let waits: Vec<(Option<Reason>, Vec<Value>)> = stuck
            .iter()
            .map(|s| {
                let reason = self.tasks.live.get(s.0).filter(|l| l.parked && l.timer == 0).map(|l| l.reason);
                let on = if reason.is_some() { self.wait_objects(s.0) } else { Vec::new() };
                (reason, on.into_iter().filter(shared).collect())
            })
            .collect();
        let mut objects: Vec<Value> = Vec::new();
        for v in waits.iter().flat_map(|w| &w.1) {
            if !objects.contains(v) {
                objects.push(*v);
            }
        }
        if objects.is_empty() {
            return Vec::new();
        }
        let held: Vec<Vec<bool>> =
            stuck.iter().map(|s| crate::interp::safepoint::held_by(self, s.0, &objects)).collect();
        // Edges: the task, and what it is reached through.
        let mut next: Vec<Vec<(usize, Option<String>)>> = Vec::new();
        for (i, &(key, _)) in stuck.iter().enumerate() {
            let mut out = Vec::new();
            if let Some((to, via)) = self.needs(key)
                && let Some(j) = stuck.iter().position(|s| s.1 == to)
            {
                out.push((j, via));
            }
            if waits[i].0 == Some(Reason::ScopeExit) {
                let inside = stuck.iter().enumerate().filter(|(_, s)| self.parent_of(s.1) == Some(stuck[i].1));
                out.extend(inside.map(|(j, _)| (j, None)));
            }
            for v in &waits[i].1 {
                let Some(o) = objects.iter().position(|x| x == v) else { continue };
                let text = v.foreign_text().map(|t| short_text(&t));
                for (j, w) in waits.iter().enumerate() {
                    // Who waits for the same thing is no help.
                    if j != i && held[j][o] && !(w.0 == waits[i].0 && w.1.contains(v)) {
                        out.push((j, text.clone()));
                    }
                }
            }
            next.push(out);
        }
        let main = stuck.iter().position(|s| s.1.as_gc().has(flag::MAIN));
        let without = main.and_then(|m| shortest_circle(&next, Some(m)));
        let Some(circle) = without.or_else(|| shortest_circle(&next, None)) else { return Vec::new() };
        let mut out = Vec::new();
        for (k, (i, via)) in circle.iter().enumerate() {
            if k > 0 {
                out.extend(via.clone());
            }
            out.push(format!("#{}", stuck[*i].1.as_gc().id));
        }
        out
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

/// `channel #1 "jobs"` in a circle: the name is enough.
fn short_text(t: &str) -> String {
    match (t.split_once(" #"), t.split_once(" \"")) {
        (Some((what, _)), Some((_, name))) => format!("{what} \"{name}"),
        _ => t.to_string(),
    }
}

/// The shortest circle of a graph, first node again at the end; each with the label of the edge that leads to it.
fn shortest_circle(
    next: &[Vec<(usize, Option<String>)>],
    without: Option<usize>,
) -> Option<Vec<(usize, Option<String>)>> {
    let mut best: Option<Vec<(usize, Option<String>)>> = None;
    for start in (0..next.len()).filter(|i| Some(*i) != without) {
        // Breadth first; `from` tells over which edge a node was reached.
        let mut from: Vec<Option<(usize, usize)>> = vec![None; next.len()];
        let mut queue = std::collections::VecDeque::from([start]);
        'search: while let Some(i) = queue.pop_front() {
            for (e, &(j, _)) in next[i].iter().enumerate() {
                if Some(j) == without || from[j].is_some() {
                    continue;
                }
                from[j] = Some((i, e));
                if j == start {
                    break 'search;
                }
                queue.push_back(j);
            }
        }
        let Some((mut i, mut e)) = from[start] else { continue };
        let mut path = vec![(start, next[i][e].1.clone())];
        while i != start {
            let at = i;
            (i, e) = from[at].expect("on the way from the start");
            path.push((at, next[i][e].1.clone()));
        }
        path.push((start, None));
        path.reverse();
        if best.as_ref().is_none_or(|b| path.len() < b.len()) {
            best = Some(path);
        }
    }
    best
}
