//! The task tree as text: who runs, who waits for what, where, and who started it.
use super::channel::Channel;
use super::future::{Future, State, flag};
use super::{Reason, TaskKey};
use crate::heap::{Gc, Kind};
use crate::interp::trace;
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// What a parked task waits for, in words: `await  task #2`, `send  channel #1 "jobs" (cap 2, full, 0 receivers)`.
    pub fn wait_text(&mut self, key: TaskKey) -> String {
        let Some(l) = self.tasks.live.get(key) else { return String::new() };
        if !l.parked {
            return "ready".to_string();
        }
        let reason = l.reason;
        let objects = self.wait_objects(key);
        let mut texts: Vec<String> = objects.iter().take(4).map(|v| self.object_text(*v)).collect();
        if objects.len() > 4 {
            texts.push("...".to_string());
        }
        texts.retain(|t| !t.is_empty());
        let object = texts.join(", ");
        match (reason, object.is_empty()) {
            (Reason::ScopeExit, _) => "wait  children of a scope".to_string(),
            (r, true) => r.verb().to_string(),
            (r, false) => format!("{}  {object}", r.verb()),
        }
    }

    /// What a value that tasks wait for is called.
    pub fn object_text(&mut self, v: Value) -> String {
        if v.is_future() {
            return if v.as_gc().has(flag::TASK) { self.task_name(v) } else { "a future".to_string() };
        }
        if let Some(c) = v.numbered::<Channel>() {
            let state = c.state();
            return format!("{} ({state})", v.foreign_text().unwrap_or_default());
        }
        super::sync::state_text(v).or_else(|| v.foreign_text()).unwrap_or_default()
    }

    /// `file:line:col` of where a task is.
    pub fn task_position(&self, key: TaskKey) -> Option<String> {
        let l = self.tasks.live.get(key)?;
        let mut found = None;
        trace::walk(l.fiber.get(Kind::Fiber)?, &mut |f, pc| {
            found = trace::place(f, pc);
            found.is_none()
        });
        found
    }

    /// `file:line:col` of where a task was started.
    pub fn task_origin(&self, f: Value) -> Option<String> {
        let (function, pc) = f.as_gc().origin();
        trace::place(function, pc)
    }

    /// The stack of a task, innermost frame first, one line each.
    pub fn task_stack(&self, f: Value) -> String {
        let mut text = String::new();
        let Some(t) = f.is_future().then(|| f.as_gc()).and_then(|g: Gc<Future>| g.task_fiber()) else { return text };
        let from = match self.tasks.live.get(f.as_gc().task_key()) {
            Some(l) if l.parked => l.fiber.gc(),
            _ if self.task_of(self.cur).is_some_and(|c| c.owner == f) => self.cur,
            _ => t,
        };
        let mut n = 0;
        trace::walk(from, &mut |function, pc| {
            if let Some(place) = trace::place(function, pc) {
                let name = function
                    .get::<crate::object::function::Function>(Kind::Function)
                    .map_or("<fn>", |f| self.sym_name(f.proto().trace_name));
                text.push_str(&format!("  at {name} ({place})\n"));
                n += 1;
            }
            n < 20
        });
        text
    }

    /// Live tasks in order of their numbers.
    pub fn live_tasks(&self) -> Vec<(TaskKey, Value)> {
        let mut all: Vec<(TaskKey, Value)> = self.tasks.live.iter().map(|(k, l)| (k, l.future)).collect();
        all.sort_by_key(|(_, f)| f.as_gc().id);
        all
    }

    /// `new`, `ready`, `running`, `parked`, `finished` or `cancelled`.
    pub fn task_status(&self, f: Value) -> &'static str {
        let g = f.as_gc();
        match g.state() {
            State::Cancelled => "cancelled",
            State::Success | State::Failure => "finished",
            State::Pending if self.current_task() == f => "running",
            State::Pending if !g.has(flag::STARTED) => "new",
            State::Pending => match self.tasks.live.get(g.task_key()) {
                Some(l) if l.parked => "parked",
                Some(_) if g.task_fiber().is_some_and(|t| t.status == crate::object::fiber::Status::Waiting) => {
                    "running"
                }
                _ => "ready",
            },
        }
    }

    fn short_name(&mut self, f: Value) -> String {
        let g = f.as_gc();
        if g.has(flag::MAIN) {
            return "main".to_string();
        }
        if g.name().is_nil() { String::new() } else { self.to_text(g.name()).unwrap_or_default() }
    }

    /// The task tree with stacks and what everybody waits for: SIGQUIT and `(gene/debug/tasks)`.
    pub fn task_dump(&mut self) -> String {
        let tasks = self.live_tasks();
        let mut text = format!("{} live tasks\n", tasks.len());
        for (key, f) in tasks {
            let name = self.short_name(f);
            let status = self.task_status(f);
            let wait = if status == "parked" { self.wait_text(key) } else { String::new() };
            let mut line = format!("#{} {name}", f.as_gc().id).trim_end().to_string();
            line.push_str(&format!("  {status}"));
            if !wait.is_empty() {
                line.push_str(&format!("  {wait}"));
            }
            if let Some(parent) = self.parent_of(f) {
                line.push_str(&format!("  child of #{}", parent.as_gc().id));
            }
            if let Some(place) = self.task_origin(f)
                && !f.as_gc().has(flag::MAIN)
            {
                line.push_str(&format!("  spawned {place}"));
            }
            text.push_str(&line);
            text.push('\n');
            text.push_str(&self.task_stack(f));
        }
        text
    }

    /// The task in whose scope a task was started.
    pub fn parent_of(&self, f: Value) -> Option<Value> {
        if !f.as_gc().has(flag::TASK) || f.as_gc().has(flag::MAIN) {
            return None;
        }
        let home = f.as_gc().home();
        if home == self.tasks.scopes.root {
            // The root scope is the main task's, whoever spawned into it.
            return self.tasks.main.and_then(|k| self.tasks.live.get(k)).map(|l| l.future);
        }
        let s = self.tasks.scopes.get(home)?;
        s.owner.is_future().then_some(s.owner)
    }

    /// One line of the deadlock report.
    pub(super) fn stuck_line(&mut self, key: TaskKey, f: Value) -> String {
        let name = self.short_name(f);
        let wait = self.wait_text(key);
        let mut line = format!("  #{} {name:<10}  {wait}", f.as_gc().id);
        if let Some(place) = self.task_position(key) {
            line.push_str(&format!("  {place}"));
        }
        if let Some(place) = self.task_origin(f)
            && !f.as_gc().has(flag::MAIN)
        {
            line.push_str(&format!("  spawned {place}"));
        }
        line
    }
}

impl Vm {
    /// What is left when a test has ended, one line each: tasks, timers the program would wait for, failures nobody looked at.
    pub fn leftovers(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for (key, f) in self.live_tasks() {
            if f.as_gc().has(flag::DAEMON | flag::MAIN) {
                continue;
            }
            let name = self.task_name(f);
            let wait = self.wait_text(key);
            let place = self.task_origin(f).map_or(String::new(), |p| format!(", spawned {p}"));
            lines.push(format!("Leaked: {name} ({wait}){place}"));
        }
        for v in self.tasks.timers.awaited() {
            let (function, pc) = match v.is_future() {
                true => v.as_gc().origin(),
                false => self.ticker_origin(v).unwrap_or((Value::NIL, 0)),
            };
            let place = trace::place(function, pc).map_or(String::new(), |p| format!(", made {p}"));
            lines.push(format!("Leaked: a timer that is still set{place}"));
        }
        for f in std::mem::take(&mut self.tasks.failed) {
            if f.as_gc().has(flag::OBSERVED) {
                continue;
            }
            let ex = f.as_gc().value;
            let (class, message) = (self.exception_class_name(ex), self.exception_message(ex));
            let place = self.task_origin(f).map_or(String::new(), |p| format!(", started {p}"));
            lines.push(format!("Leaked: a failure that nobody observed: {class}: {message}{place}"));
        }
        lines
    }

    /// Ends what is left of a program: its tasks are cancelled and may clean up, its timers are dropped.
    pub fn end_leftovers(&mut self) {
        if !self.tasks.live.is_empty() {
            let root = self.root_scope();
            self.cancel_scope(root, super::scope::Cause::Request(Value::NIL));
            self.tasks.main_result = Some(Ok(Value::NIL));
            self.run_loop(true);
            self.tasks.main_result = None;
        }
        self.tasks.timers.clear();
        self.tasks.callbacks.clear();
        self.tasks.failed_code = None;
    }
}
