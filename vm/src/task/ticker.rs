//! Timers that scripts see: `(gene/time/after d f)` and `(gene/time/interval d)`.
//!
//! An interval is pulled: it keeps when its next tick is due, and whoever receives takes that tick. So a slow consumer piles
//! nothing up, and what becomes of missed ticks is decided when the next one is taken (`^on_late`).
use super::timer::{Due, Held};
use super::wait::{NO_ARM, Queue};
use super::{Reason, Wake};
use crate::def;
use crate::heap::collect::Marker;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::foreign::{Foreign, ForeignObj, Numbered};
use crate::object::namespace::Member;
use crate::value::Value;
use crate::vm::Vm;
use std::any::Any;

/// What becomes of ticks nobody took in time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Late {
    /// They come at once, one after the other.
    Burst,
    /// The next one is a whole period after the late one.
    Delay,
    /// They are dropped; the next one is where it would have been.
    Skip,
}

pub struct Ticker {
    /// Microseconds; `None`: one tick.
    period: Option<u64>,
    late: Late,
    /// When the next tick is due; `None` after the last one.
    next: Option<u64>,
    waiting: Queue,
    /// Called when the time comes, with nobody waiting.
    callback: Value,
    /// The task-locals it is called with: those of the timer's making.
    locals: Value,
    /// The timer behind a callback.
    timer: u64,
    /// Function and pc of the creation.
    origin: (Value, u32),
}

impl Numbered for Ticker {
    const NUMBER: u16 = super::TICKER;
}

impl Foreign for Ticker {
    fn class_name(&self) -> &'static str {
        "Timer"
    }
    fn trace(&self, m: &mut Marker) {
        m.value(self.callback);
        m.value(self.locals);
        m.value(self.origin.0);
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
    fn queue(&mut self, _side: u8) -> Option<&mut Queue> {
        Some(&mut self.waiting)
    }
    fn describe(&self) -> String {
        "timer".to_string()
    }
}

impl Vm {
    /// When the next tick is due.
    pub(super) fn ticker_due(&self, v: Value) -> Option<u64> {
        v.numbered::<Ticker>()?.next
    }

    /// Takes the tick that is due: the time it was due at, in milliseconds.
    pub(super) fn ticker_take(&mut self, v: Value) -> Option<Value> {
        let now = self.driver.now_us();
        let t = v.numbered::<Ticker>()?;
        let at = t.next?;
        t.next = t.period.map(|p| match t.late {
            Late::Burst => at + p,
            Late::Delay if now > at => now + p,
            Late::Delay => at + p,
            // The first multiple of the period that is still to come.
            Late::Skip => at + p * ((now.saturating_sub(at)) / p + 1),
        });
        Some(self.int((at / 1000) as i64))
    }

    /// Where a timer was made.
    pub(super) fn ticker_origin(&self, v: Value) -> Option<(Value, u32)> {
        v.numbered::<Ticker>().map(|t| t.origin)
    }

    /// A task that waits for a tick gets it, or goes on waiting when another task was faster.
    pub(super) fn tick(&mut self, key: super::TaskKey, epoch: u32, arm: u32) {
        let Some(l) = self.tasks.live.get(key) else { return };
        if !l.parked || l.epoch != epoch {
            return;
        }
        let source = if arm == NO_ARM { l.on } else { self.arm_source(key, arm) };
        let now = self.driver.now_us();
        match self.ticker_due(source) {
            Some(at) if at > now => self.wake_at_time(key, at, Due::Tick(key, epoch, arm)),
            _ => {
                let v = self.ticker_take(source);
                let open = v.is_some();
                let v = v.unwrap_or(Value::NIL);
                let w = if arm == NO_ARM { Wake::Value(v) } else { Wake::Arm(arm, v, open) };
                self.wake(key, epoch, w);
            }
        }
    }

    /// The time of a timer with a callback has come.
    pub(super) fn timer_fired(&mut self, v: Value) {
        let Some(t) = v.numbered::<Ticker>() else { return };
        let (callback, locals) = (t.callback, t.locals);
        let now = self.driver.now_us();
        self.ticker_take(v);
        let Some(t) = v.numbered::<Ticker>() else { return };
        match t.next {
            Some(at) => {
                let id = self.tasks.timers.add(at.max(now), Due::Call(Held(v)));
                t.timer = id;
            }
            None => t.timer = 0,
        }
        self.queue_timer_callback(callback, locals);
    }
}

fn this<'a>(vm: &mut Vm, a: &Args) -> Result<&'a mut Ticker, Stop> {
    match a.this().numbered::<Ticker>() {
        Some(t) => Ok(t),
        None => {
            let k = vm.kind_name(a.this());
            Err(vm.type_error(&format!("expected a Timer, got {k}")))
        }
    }
}

fn period(vm: &mut Vm, v: Value, positive: bool) -> Result<u64, Stop> {
    match vm.duration_us(v)? {
        Some(0) if positive => {
            let c = vm.classes.invalid_duration;
            Err(vm.throw_coded(c, "GENE.ASYNC.INVALID_DURATION", "Invalid duration: an interval must be longer than 0"))
        }
        Some(us) => Ok(us),
        None => {
            let c = vm.classes.invalid_duration;
            Err(vm.throw_coded(c, "GENE.ASYNC.INVALID_DURATION", "expected a duration, got Nil"))
        }
    }
}

fn make(vm: &mut Vm, us: u64, repeat: bool, late: Late, callback: Value) -> Value {
    let at = vm.driver.now_us().saturating_add(us);
    let t = Ticker {
        period: repeat.then_some(us),
        late,
        next: Some(at),
        waiting: Queue::default(),
        callback,
        locals: if callback.is_nil() { Value::NIL } else { vm.current_locals() },
        timer: 0,
        origin: crate::interp::trace::innermost(vm.cur).unwrap_or((Value::NIL, 0)),
    };
    let v = vm.heap.numbered(t);
    if !callback.is_nil() {
        let id = vm.tasks.timers.add(at, Due::Call(Held(v)));
        if let Some(t) = v.numbered::<Ticker>() {
            t.timer = id;
        }
        vm.heap.barrier(v.gc::<ForeignObj>());
    }
    v
}

fn function(vm: &mut Vm, v: Value, name: &str) -> R {
    if !v.is_nil() {
        vm.expect_callable(name, v)?;
    }
    Ok(v)
}

fn after(vm: &mut Vm, a: &Args) -> R {
    let us = period(vm, a.get(0), false)?;
    let f = function(vm, a.get(1), "after")?;
    Ok(make(vm, us, false, Late::Burst, f))
}

fn interval(vm: &mut Vm, a: &Args) -> R {
    let us = period(vm, a.get(0), true)?;
    let late = match a.kw(vm, "on_late") {
        None => Late::Burst,
        Some(v) => match vm.word_argument(v).as_deref() {
            Some("burst") => Late::Burst,
            Some("delay") => Late::Delay,
            Some("skip") => Late::Skip,
            _ => {
                let shown = vm.to_debug(v)?;
                return Err(
                    vm.argument_error(&format!("on_late must be \"burst\", \"delay\" or \"skip\", got {shown}"))
                );
            }
        },
    };
    let f = function(vm, a.get(1), "interval")?;
    Ok(make(vm, us, true, late, f))
}

fn recv_as(vm: &mut Vm, a: &Args, end: Value) -> R {
    this(vm, a)?;
    let v = a.this();
    let limit = match a.kw(vm, "timeout") {
        Some(d) => vm.duration_us(d)?,
        None => None,
    };
    vm.checkpoint()?;
    let now = vm.driver.now_us();
    match vm.ticker_due(v) {
        None => Ok(end),
        Some(at) if at <= now => {
            let tick = vm.ticker_take(v).unwrap_or(end);
            vm.ready_op(tick)
        }
        Some(_) if limit == Some(0) => Err(vm.timed_out(0)),
        Some(_) if limit.is_some() => {
            // A task has one timer, and that is the tick's: the limit is a scope's.
            let f = vm.sym("_tick_within");
            let Some(Member::Value(callee)) = vm.globals.data().find(f) else { return Ok(Value::NIL) };
            let d = a.kw(vm, "timeout").unwrap_or(Value::NIL);
            vm.tail_call(callee, &[v, d, Value::bool(end == Value::NOT_FOUND)])
        }
        Some(at) => {
            let (key, epoch) = vm.park_anyway(Reason::Tick, v)?;
            let mode = if end == Value::NOT_FOUND { Value::TRUE } else { Value::FALSE };
            vm.enqueue(v, 0, key, NO_ARM, mode);
            vm.wake_at_time(key, at, Due::Tick(key, epoch, NO_ARM));
            Err(Stop::Park)
        }
    }
}

fn recv(vm: &mut Vm, a: &Args) -> R {
    recv_as(vm, a, Value::NIL)
}
fn next(vm: &mut Vm, a: &Args) -> R {
    recv_as(vm, a, Value::NOT_FOUND)
}
fn iter(_vm: &mut Vm, a: &Args) -> R {
    Ok(a.this())
}

/// Stops the timer: who waits gets the end. Idempotent.
fn cancel(vm: &mut Vm, a: &Args) -> R {
    let t = this(vm, a)?;
    t.next = None;
    let timer = std::mem::take(&mut t.timer);
    vm.tasks.timers.cancel(timer);
    while let Some(n) = a.this().numbered::<Ticker>().and_then(|t| vm.front(&t.waiting)) {
        let Some(l) = vm.tasks.live.get(n.task) else { break };
        let epoch = l.epoch;
        let w = match n.arm {
            NO_ARM if n.value == Value::TRUE => Wake::Value(Value::NOT_FOUND),
            NO_ARM => Wake::Value(Value::NIL),
            arm => Wake::Arm(arm, Value::NIL, false),
        };
        vm.wake(n.task, epoch, w);
    }
    Ok(a.this())
}

fn set_unref(vm: &mut Vm, a: &Args, on: bool) -> R {
    let t = this(vm, a)?;
    let id = t.timer;
    vm.tasks.timers.set_unref(id, on);
    Ok(a.this())
}

fn active(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::bool(this(vm, a)?.next.is_some()))
}

pub static METHODS: &[NativeDef] = &[
    def!(
        "recv",
        recv,
        0,
        0,
        ["timeout"],
        "(t .recv [^timeout d]) -- waits for the next tick: when it was due in milliseconds; nil after the end.
        (t .recv)"
    ),
    def!(
        "next",
        next,
        0,
        0,
        ["timeout"],
        "(t .next [^timeout d]) -- as recv; not_found after the end.
        (t .next)"
    ),
    def!(
        "iter",
        iter,
        0,
        0,
        "(t .iter) -- the timer, for loops.
        (t .iter)"
    ),
    def!(
        "cancel",
        cancel,
        0,
        0,
        "(t .cancel) -- stops the timer; again does nothing.
        (t .cancel)"
    ),
    def!(
        "unref",
        |vm, a| set_unref(vm, a, true),
        0,
        0,
        "(t .unref) -- the program may end before the timer fires.
        (t .unref)"
    ),
    def!(
        "ref",
        |vm, a| set_unref(vm, a, false),
        0,
        0,
        "(t .ref) -- the program waits for the timer again.
        (t .ref)"
    ),
    def!(
        "active?",
        active,
        0,
        0,
        "(t .active?) -- whether ticks are still to come.
        (t .active?)"
    ),
];

pub static TIME: &[NativeDef] = &[
    def!(
        "after",
        after,
        1,
        2,
        r#"(gene/time/after d [f]) -- a Timer that calls f, or ticks once, after d.
        (gene/time/after 100 (fn [] (println "due")))"#
    ),
    def!(
        "interval",
        interval,
        1,
        2,
        ["on_late"],
        "(gene/time/interval d [f] [^on_late s]) -- a Timer that ticks every d; late ticks burst, delay or skip.
        (for at in (gene/time/interval 1000) (println at))"
    ),
];
