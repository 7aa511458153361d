//! The timeline of a run: spawns, waits, wakes, ends, host operations, collections, as events of the Chrome trace format.
//!
//! Off, it costs one comparison where events would be made. Times are microseconds of the driver's clock, so a virtual run with
//! a seed gives the same bytes every time.
use super::TaskKey;
use crate::value::Value;
use crate::vm::Vm;
use std::fmt::Write;

/// Events as JSON objects, one per line, without the brackets around.
#[derive(Default)]
pub struct Timeline {
    text: String,
    events: u64,
}

/// Events kept: a program that never ends must not fill the memory.
const MAX_EVENTS: u64 = 5_000_000;

impl Timeline {
    fn event(&mut self, phase: char, name: &str, at: u64, task: u64, details: &str) {
        if self.events >= MAX_EVENTS {
            return;
        }
        let comma = if self.events == 0 { "" } else { ",\n" };
        self.events += 1;
        let _ = write!(
            self.text,
            "{comma}{{\"name\":{},\"ph\":\"{phase}\",\"ts\":{at},\"pid\":1,\"tid\":{task}{details}}}",
            quoted(name)
        );
    }

    /// The whole file.
    pub fn finish(self) -> String {
        format!("{{\"traceEvents\":[\n{}\n],\"displayTimeUnit\":\"ms\"}}\n", self.text)
    }
}

fn quoted(s: &str) -> String {
    let mut out = String::with_capacity(s.len() + 2);
    out.push('"');
    for c in s.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

impl Vm {
    fn with_trace(&mut self, f: impl FnOnce(&mut Timeline, u64)) {
        let now = self.driver.now_us();
        if let Some(t) = &mut self.tasks.trace {
            f(t, now);
        }
    }

    #[inline]
    pub(super) fn trace_spawn(&mut self, f: Value) {
        if self.tasks.trace.is_none() {
            return;
        }
        let id = f.as_gc().id;
        let name = self.task_name(f);
        let place = self.task_origin(f).unwrap_or_default();
        self.with_trace(|t, now| {
            t.event('M', "thread_name", now, id, &format!(",\"args\":{{\"name\":{}}}", quoted(&name)));
            t.event('i', "spawn", now, id, &format!(",\"s\":\"t\",\"args\":{{\"at\":{}}}", quoted(&place)));
        });
    }

    #[cold]
    pub(super) fn trace_wake(&mut self, key: TaskKey) {
        let Some(id) = self.tasks.live.get(key).map(|l| l.future.as_gc().id) else { return };
        self.with_trace(|t, now| t.event('i', "wake", now, id, ",\"s\":\"t\""));
    }

    /// A task begins or stops running.
    #[cold]
    pub(super) fn trace_run(&mut self, f: Value, begins: bool) {
        let g = f.as_gc();
        let id = g.id;
        if begins {
            return self.with_trace(|t, now| t.event('B', "run", now, id, ""));
        }
        let key = g.task_key();
        let what = match g.state() {
            super::future::State::Pending => self.wait_text(key),
            _ => format!("end: {}", g.state_name()),
        };
        let details = format!(",\"args\":{{\"then\":{}}}", quoted(&what));
        self.with_trace(|t, now| t.event('E', "run", now, id, &details));
    }

    #[inline]
    pub(super) fn trace_io(&mut self, key: u64, begins: bool) {
        if self.tasks.trace.is_none() {
            return;
        }
        let id = self.current_task();
        let id = if id.is_future() { id.as_gc().id } else { 0 };
        let phase = if begins { 'b' } else { 'e' };
        self.with_trace(|t, now| t.event(phase, "io", now, id, &format!(",\"cat\":\"io\",\"id\":{key}")));
    }

    #[inline]
    pub(crate) fn trace_collection(&mut self, name: &str) {
        if self.tasks.trace.is_none() {
            return;
        }
        self.with_trace(|t, now| t.event('i', name, now, 0, ",\"s\":\"g\""));
    }
}
