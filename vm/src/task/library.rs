//! `await`, `sleep`, `gene/Future` and its methods.
use super::future::{On, State, flag};
use super::timer::{Answer, Due, Held, Span};
use super::wait::NO_ARM;
use super::{Reason, Wake, channel, future, local, scope_library, select, ticker};
use crate::def;
use crate::heap::{Gc, Kind, Record};
use crate::library::collection::at_most;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::class::ClassObj;
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// A duration argument in microseconds: a Duration, or a number of milliseconds. Negative and NaN are refused; nil is none.
    pub fn duration_us(&mut self, v: Value) -> Result<Option<u64>, Stop> {
        if v.is_nil() {
            return Ok(None);
        }
        let us = if let Some(r) = v.get::<Record>(Kind::Duration) {
            r.slot(0).as_int().map(|i| i as f64)
        } else {
            v.as_number().map(|ms| if ms == 0.0 { 0.0 } else { ms * 1000.0 })
        };
        match us {
            Some(us) if us >= 0.0 => {
                Ok(Some(if us.is_finite() { us.ceil().min(1e18) as u64 } else { return self.bad_duration(v) }))
            }
            Some(_) => self.bad_duration(v),
            None => {
                let k = self.kind_name(v);
                let c = self.classes.invalid_duration;
                Err(self.throw_coded(c, "GENE.ASYNC.INVALID_DURATION", &format!("expected a duration, got {k}")))
            }
        }
    }

    fn bad_duration(&mut self, v: Value) -> Result<Option<u64>, Stop> {
        let t = self.to_text(v)?;
        let c = self.classes.invalid_duration;
        Err(self.throw_coded(c, "GENE.ASYNC.INVALID_DURATION", &format!("Invalid duration: {t}")))
    }

    /// Parks the running task until `us` from now; nil. No time at all: the others run first.
    pub fn park_for(&mut self, us: u64) -> R {
        let (key, epoch) = self.prepare_park(Reason::Sleep, Value::NIL)?;
        if us == 0 {
            self.wake(key, epoch, Wake::Value(Value::NIL));
        } else {
            self.wake_at(key, us, Due::Wake(key, epoch));
        }
        Err(Stop::Park)
    }

    /// Waits for one value: a future, or anything else as it is.
    pub fn await_value(&mut self, v: Value, timeout: Option<u64>) -> R {
        self.checkpoint()?;
        if !v.is_future() {
            return Ok(v);
        }
        let g = v.as_gc();
        match g.state() {
            State::Success => return Ok(g.value),
            State::Failure | State::Cancelled => return Err(self.rethrow(v)),
            State::Pending => {}
        }
        self.check_cycle(v)?;
        if timeout == Some(0) {
            let ex = self.timeout_exception(Some(0));
            self.fail_pending(v, ex);
            self.exception = ex;
            return Err(Stop::Throw);
        }
        let (key, epoch) = self.park_anyway(Reason::Await, v)?;
        self.wait_for(v, key, NO_ARM);
        if let Some(us) = timeout {
            self.wake_at(key, us, Due::Timeout(key, epoch, Span::of(us)));
        }
        Err(Stop::Park)
    }

    /// Throws the exception of a failed future. The tasks it passed through are kept in `$ex/async_trace`.
    fn rethrow(&mut self, v: Value) -> Stop {
        v.as_gc().observe();
        if v.as_gc().has(flag::REPORTED) {
            self.handled_late(v);
        }
        let ex = v.as_gc().value;
        let at = crate::interp::trace::innermost(self.cur).and_then(|(f, pc)| crate::interp::trace::place(f, pc));
        self.passed_on(ex, v, at);
        self.exception = ex;
        Stop::Throw
    }

    /// Waits for all; an Array in argument order.
    pub fn await_all(&mut self, items: &[Value], timeout: Option<u64>) -> R {
        self.checkpoint()?;
        let list = self.array(items);
        for f in items {
            if f.is_future() {
                f.as_gc().observe();
            }
        }
        match self.all_settled(list) {
            Some(Wake::Value(v)) => return Ok(v),
            Some(Wake::Throw(ex)) => {
                self.exception = ex;
                return Err(Stop::Throw);
            }
            _ => {}
        }
        for f in items {
            if f.is_future() && f.as_gc().state() == State::Pending {
                self.check_cycle(*f)?;
            }
        }
        let (key, epoch) = self.park_anyway(Reason::AwaitAll, list)?;
        let mut n = 0;
        for &f in items {
            if f.is_future() && f.as_gc().state() == State::Pending {
                self.wait_for(f, key, NO_ARM);
                n += 1;
            }
        }
        if let Some(l) = self.tasks.live.get_mut(key) {
            l.pending = n;
        }
        if let Some(us) = timeout {
            self.wake_at(key, us, Due::Timeout(key, epoch, Span::of(us)));
        }
        Err(Stop::Park)
    }
}

fn sleep(vm: &mut Vm, a: &Args) -> R {
    let us = duration(vm, a.get(0))?;
    vm.park_for(us)
}

/// A duration that must be given.
fn duration(vm: &mut Vm, v: Value) -> Result<u64, Stop> {
    match vm.duration_us(v)? {
        Some(us) => Ok(us),
        None => {
            let c = vm.classes.invalid_duration;
            Err(vm.throw_coded(c, "GENE.ASYNC.INVALID_DURATION", "expected a duration, got Nil"))
        }
    }
}

fn sleep_async(vm: &mut Vm, a: &Args) -> R {
    let us = duration(vm, a.get(0))?;
    let f = vm.new_future();
    let at = vm.driver.now_us().saturating_add(us);
    let id = vm.tasks.timers.add(at, Due::Settle(Held(f.value())));
    f.set_timer(id);
    vm.note_origin(f);
    Ok(f.value())
}

fn yield_now(vm: &mut Vm, _a: &Args) -> R {
    let (key, epoch) = vm.prepare_park(Reason::Yield, Value::NIL)?;
    vm.wake(key, epoch, Wake::Value(Value::NIL));
    Err(Stop::Park)
}

fn now_us(vm: &mut Vm, _a: &Args) -> R {
    let t = vm.driver.wall_us();
    Ok(vm.int(t))
}
fn now_ms(vm: &mut Vm, _a: &Args) -> R {
    let t = vm.driver.wall_us() / 1000;
    Ok(vm.int(t))
}
fn monotonic_us(vm: &mut Vm, _a: &Args) -> R {
    let t = vm.driver.now_us() as i64;
    Ok(vm.int(t))
}
fn monotonic(vm: &mut Vm, _a: &Args) -> R {
    let t = (vm.driver.now_us() / 1000) as i64;
    Ok(vm.int(t))
}

/// `(new gene/Future)` pending, `(new gene/Future v)` completed.
pub fn construct(vm: &mut Vm, a: &Args) -> R {
    at_most(vm, a, 1)?;
    let f = vm.new_future().value();
    if let Some(v) = a.opt(0) {
        vm.settle(f, State::Success, v);
    }
    Ok(f)
}

fn this(a: &Args) -> Value {
    a.this()
}

fn state(vm: &mut Vm, a: &Args) -> R {
    Ok(vm.str(this(a).as_gc().state_name()))
}
fn done(_vm: &mut Vm, a: &Args) -> R {
    Ok(Value::bool(this(a).as_gc().state() != State::Pending))
}
fn value(_vm: &mut Vm, a: &Args) -> R {
    let g = this(a).as_gc();
    Ok(if g.state() == State::Success { g.value } else { Value::NIL })
}
fn error(_vm: &mut Vm, a: &Args) -> R {
    let g = this(a).as_gc();
    Ok(match g.state() {
        State::Failure | State::Cancelled => {
            this(a).as_gc().observe();
            g.value
        }
        _ => Value::NIL,
    })
}
fn already(vm: &mut Vm, f: Value) -> Stop {
    let s = f.as_gc().state_name();
    let c = vm.classes.already_terminal;
    vm.throw_coded(c, "GENE.ASYNC.ALREADY_TERMINAL", &format!("Future already completed (state: {s})"))
}
/// A task that runs settles by itself.
fn manual(vm: &mut Vm, f: Value) -> Result<(), Stop> {
    if !future::is_task(f) || f.as_gc().state() != State::Pending {
        return Ok(());
    }
    let name = vm.task_name(f);
    let c = vm.classes.concurrency_exception;
    Err(vm.throw_coded(c, "GENE.ASYNC.MISUSE", &format!("{name} is not a manual future: its body settles it")))
}
fn complete(vm: &mut Vm, a: &Args) -> R {
    let f = this(a);
    manual(vm, f)?;
    if !vm.settle(f, State::Success, a.get(0)) {
        return Err(already(vm, f));
    }
    vm.heap.fuel.request();
    Ok(f)
}
fn fail(vm: &mut Vm, a: &Args) -> R {
    let f = this(a);
    manual(vm, f)?;
    if f.as_gc().state() != State::Pending {
        return Err(already(vm, f));
    }
    let ex = vm.exception_from(a.get(0));
    vm.settle(f, State::Failure, ex);
    vm.heap.fuel.request();
    Ok(f)
}
fn cancel(vm: &mut Vm, a: &Args) -> R {
    let f = this(a);
    if !vm.cancel_future(f, a.get(0)) && !future::is_task(f) {
        return Err(already(vm, f));
    }
    vm.heap.fuel.request();
    Ok(f)
}
fn callback(vm: &mut Vm, a: &Args, on: On) -> R {
    let f = a.get(0);
    let name = match on {
        On::Success => "on_success",
        On::Failure => "on_failure",
        On::Settle => "on_settle",
    };
    vm.expect_callable(name, f)?;
    vm.on(this(a), on, f);
    Ok(this(a))
}
fn on_success(vm: &mut Vm, a: &Args) -> R {
    callback(vm, a, On::Success)
}
fn on_failure(vm: &mut Vm, a: &Args) -> R {
    callback(vm, a, On::Failure)
}
fn on_settle(vm: &mut Vm, a: &Args) -> R {
    callback(vm, a, On::Settle)
}
fn id(vm: &mut Vm, a: &Args) -> R {
    let id = this(a).as_gc().id as i64;
    Ok(if id == 0 { Value::NIL } else { vm.int(id) })
}
fn ignore(_vm: &mut Vm, a: &Args) -> R {
    this(a).as_gc().observe();
    Ok(this(a))
}
/// A task's result is handed out by `.join` once.
fn consume(vm: &mut Vm, f: Value) -> Result<(), Stop> {
    let g = f.as_gc();
    let (used, detached) = (g.has(flag::JOINED), g.has(flag::DETACHED));
    if used || detached {
        let c = vm.classes.closed;
        let name = if future::is_task(f) { vm.task_name(f) } else { "the future".to_string() };
        let what = if used { "was joined already" } else { "is detached" };
        return Err(vm.throw_coded(c, "GENE.ASYNC.CLOSED", &format!("{name} {what}")));
    }
    g.set(flag::JOINED);
    Ok(())
}
fn limit(vm: &mut Vm, a: &Args) -> Result<Option<u64>, Stop> {
    match a.kw(vm, "timeout") {
        Some(d) => vm.duration_us(d),
        None => Ok(None),
    }
}
/// Waits for `f` without touching it when the time is over. The result is this join's from now on; [`Vm::wake`] gives it back when
/// the wait ends without one.
fn join_within(vm: &mut Vm, f: Value, us: Option<u64>) -> R {
    vm.checkpoint()?;
    let pending = f.as_gc().state() == State::Pending;
    if f.as_gc().has(flag::JOINED | flag::DETACHED) || !pending {
        consume(vm, f)?;
        return vm.await_value(f, None);
    }
    wait_within(vm, f, us, flag::JOINED)
}
fn join(vm: &mut Vm, a: &Args) -> R {
    let us = limit(vm, a)?;
    join_within(vm, this(a), us)
}
fn join_timeout(vm: &mut Vm, a: &Args) -> R {
    let us = vm.duration_us(a.get(0))?;
    join_within(vm, this(a), us)
}
fn get_timeout(vm: &mut Vm, a: &Args) -> R {
    let us = vm.duration_us(a.get(0))?;
    let f = this(a);
    if f.as_gc().state() != State::Pending {
        return vm.await_value(f, None);
    }
    vm.checkpoint()?;
    if us == Some(0) {
        return Ok(Value::NIL);
    }
    vm.check_cycle(f)?;
    let (key, epoch) = vm.park_anyway(Reason::Await, f)?;
    vm.wait_for(f, key, NO_ARM);
    if let Some(us) = us {
        vm.wake_at(key, us, Due::Answer(key, epoch, Answer::Nil));
    }
    Err(Stop::Park)
}
/// Only this wait has a limit: the future goes on.
fn get(vm: &mut Vm, a: &Args) -> R {
    let us = limit(vm, a)?;
    let f = this(a);
    if f.as_gc().state() != State::Pending || us.is_none() {
        return vm.await_value(f, None);
    }
    wait_within(vm, f, us, 0)
}
/// Waits for a pending future, with TimeoutException when the time is over; the future is left alone.
fn wait_within(vm: &mut Vm, f: Value, us: Option<u64>, set: u64) -> R {
    if us == Some(0) {
        return Err(vm.timed_out(0));
    }
    vm.check_cycle(f)?;
    let reason = if set == 0 { Reason::Await } else { Reason::Join };
    let (key, epoch) = vm.park_anyway(reason, f)?;
    f.as_gc().set(set);
    vm.wait_for(f, key, NO_ARM);
    if let Some(us) = us {
        vm.wake_at(key, us, Due::Abandon(key, epoch, Span::of(us)));
    }
    Err(Stop::Park)
}
fn current(vm: &mut Vm, _a: &Args) -> R {
    let me = vm.current_task();
    if me.is_future() {
        me.as_gc().set(flag::KNOWN);
    }
    Ok(me)
}
fn status(vm: &mut Vm, a: &Args) -> R {
    if !future::is_task(this(a)) {
        return Ok(Value::NIL);
    }
    let s = vm.task_status(this(a));
    Ok(vm.str(s))
}
fn name(_vm: &mut Vm, a: &Args) -> R {
    Ok(this(a).as_gc().name())
}
fn set_name(vm: &mut Vm, a: &Args) -> R {
    vm.set_task_name(this(a).as_gc(), a.get(0));
    Ok(a.get(0))
}
fn parent(vm: &mut Vm, a: &Args) -> R {
    Ok(vm.parent_of(this(a)).unwrap_or(Value::NIL))
}
fn scope(vm: &mut Vm, a: &Args) -> R {
    if !future::is_task(this(a)) {
        return Ok(Value::NIL);
    }
    let home = this(a).as_gc().home();
    Ok(vm.scope_object(home))
}
fn spawned_at(vm: &mut Vm, a: &Args) -> R {
    Ok(match vm.task_origin(this(a)) {
        Some(text) => vm.str(&text),
        None => Value::NIL,
    })
}
fn waiting_on(vm: &mut Vm, a: &Args) -> R {
    let key = this(a).as_gc().task_key();
    Ok(match vm.tasks.live.get(key) {
        Some(l) if future::is_task(this(a)) && l.parked => {
            let text = vm.wait_text(key);
            vm.str(&text)
        }
        _ => Value::NIL,
    })
}
fn stack(vm: &mut Vm, a: &Args) -> R {
    let text = vm.task_stack(this(a));
    let lines: Vec<Value> =
        text.lines().map(|l| l.trim_start().trim_start_matches("at ").to_string()).map(|l| vm.str(&l)).collect();
    Ok(vm.array(&lines))
}
fn daemon(_vm: &mut Vm, a: &Args) -> R {
    Ok(Value::bool(this(a).as_gc().has(flag::DAEMON)))
}
fn detach(vm: &mut Vm, a: &Args) -> R {
    if future::is_task(this(a)) {
        vm.detach_task(this(a));
    }
    Ok(this(a))
}

/// `(join t)` and `(cancel t)`: the methods as functions.
fn join_function(vm: &mut Vm, a: &Args) -> R {
    let us = limit(vm, a)?;
    let f = a.get(0);
    if !f.is_future() {
        return Ok(f);
    }
    join_within(vm, f, us)
}
fn cancel_function(vm: &mut Vm, a: &Args) -> R {
    let f = a.get(0);
    if !f.is_future() {
        let k = vm.kind_name(f);
        return Err(vm.type_error(&format!("cancel expects a Task or Future, got {k}")));
    }
    if !vm.cancel_future(f, a.get(1)) && !future::is_task(f) {
        return Err(already(vm, f));
    }
    vm.heap.fuel.request();
    Ok(f)
}

/// Counters of the scheduler.
fn stats(vm: &mut Vm, _a: &Args) -> R {
    let s = vm.tasks.stats.clone();
    let parked = vm.tasks.live.iter().filter(|(_, l)| l.parked).count();
    let entries: [(&'static str, u64); 12] = [
        ("tasks", vm.tasks.next_id),
        ("spawned", s.spawned),
        ("live", vm.tasks.live.len() as u64),
        ("parked", parked as u64),
        ("ready", vm.tasks.ready.len() as u64),
        ("ready_high", s.ready_high as u64),
        ("wakes", s.wakes),
        ("stale_wakes", s.stale_wakes),
        ("waits", vm.tasks.waits.len() as u64),
        ("timers", vm.tasks.timers.len() as u64),
        ("scopes", vm.tasks.scopes.map.len() as u64),
        ("unhandled", s.unhandled),
    ];
    let m = vm.map_with_capacity(entries.len());
    for (name, n) in entries {
        let k = vm.symbols.intern_static(name);
        let v = vm.int(n as i64);
        vm.map_set(m, k, v);
    }
    Ok(m.value())
}

fn dump(vm: &mut Vm, _a: &Args) -> R {
    let text = vm.task_dump();
    Ok(vm.str(&text))
}

/// The tasks nobody can wake any more, as Maps.
fn leaks(vm: &mut Vm, a: &Args) -> R {
    crate::interp::safepoint::forget_ended_calls(vm, a);
    let lost = vm.leaked_tasks();
    let list = vm.heap.array_with_capacity(lost.len());
    for (key, f) in lost {
        let m = vm.map_with_capacity(4);
        let id = vm.int(f.as_gc().id as i64);
        let wait = vm.wait_text(key);
        let texts = [("task", id), ("waits", vm.str(&wait))];
        for (k, v) in texts {
            let k = vm.symbols.intern_static(k);
            vm.map_set(m, k, v);
        }
        for (k, text) in [("at", vm.task_position(key)), ("spawned", vm.task_origin(f))] {
            let k = vm.symbols.intern_static(k);
            let v = text.map_or(Value::NIL, |t| vm.str(&t));
            vm.map_set(m, k, v);
        }
        vm.heap.array_push(list, m.value());
    }
    Ok(list.value())
}

pub static METHODS: &[NativeDef] = &[
    def!(
        "state",
        state,
        0,
        0,
        r#"(f .state) -- pending, success, failure or cancelled.
        ((async 1) .state) => "success""#
    ),
    def!(
        "done?",
        done,
        0,
        0,
        "(f .done?) -- whether the future has settled.
        ((async 1) .done?) => true"
    ),
    def!(
        "value",
        value,
        0,
        0,
        "(f .value) -- the value; nil while pending or failed.
        ((async 1) .value) => 1"
    ),
    def!(
        "error",
        error,
        0,
        0,
        "(f .error) -- the exception of a failed or cancelled future, else nil.
        ((async 1) .error) => nil"
    ),
    def!(
        "complete",
        complete,
        0,
        1,
        "(f .complete v) -- settles a manual future with a value.
        (do (var f (new Future)) (f .complete 5) (await f)) => 5"
    ),
    def!(
        "fail",
        fail,
        1,
        1,
        r#"(f .fail e) -- settles a manual future with an exception.
        (f .fail (new Exception "no"))"#
    ),
    def!(
        "cancel",
        cancel,
        0,
        1,
        "(f .cancel) -- cancels the future or the task behind it.
        (f .cancel)"
    ),
    def!(
        "on_success",
        on_success,
        1,
        1,
        "(f .on_success g) -- calls (g value) when the future succeeds.
        (f .on_success (v -> (println v)))"
    ),
    def!(
        "on_failure",
        on_failure,
        1,
        1,
        "(f .on_failure g) -- calls (g exception) when the future fails.
        (f .on_failure (e -> (println e/message)))"
    ),
    def!(
        "on_settle",
        on_settle,
        1,
        1,
        "(f .on_settle g) -- calls (g future) when the future settles.
        (f .on_settle (f -> (println f/.state)))"
    ),
    def!(
        "id",
        id,
        0,
        0,
        "(t .id) -- number of a task.
        (t .id)"
    ),
    def!(
        "ignore",
        ignore,
        0,
        0,
        r#"(f .ignore) -- a failure of the future needs no report.
        ((async (throw "no")) .ignore)"#
    ),
    def!(
        "join",
        join,
        0,
        0,
        ["timeout"],
        "(t .join) -- waits for the task and takes its value or exception; only once.
        ((spawn (do 5)) .join) => 5"
    ),
    def!(
        "get",
        get,
        0,
        0,
        ["timeout"],
        "(f .get [^timeout d]) -- waits for the value.
        ((async 5) .get) => 5"
    ),
    def!(
        "get_timeout",
        get_timeout,
        1,
        1,
        "(f .get_timeout d) -- waits for the value, nil after d.
        ((async 5) .get_timeout 100) => 5"
    ),
    def!(
        "status",
        status,
        0,
        0,
        "(t .status) -- new, ready, running, parked, finished or cancelled.
        (t .status)"
    ),
    def!(
        "name",
        name,
        0,
        0,
        "(t .name) -- the name of a task.
        (t .name)"
    ),
    def!(
        "set_name",
        set_name,
        1,
        1,
        r#"(t .set_name s) -- names a task.
        (t .set_name "worker")"#
    ),
    def!(
        "name=",
        set_name,
        1,
        1,
        r#"(t .name= s) -- names a task, as (t/name = s) does.
        (t .name= "worker")"#
    ),
    def!(
        "parent",
        parent,
        0,
        0,
        "(t .parent) -- the task in whose scope it was started.
        (t .parent)"
    ),
    def!(
        "scope",
        scope,
        0,
        0,
        "(t .scope) -- the scope it was started in.
        (t .scope)"
    ),
    def!(
        "spawned_at",
        spawned_at,
        0,
        0,
        "(t .spawned_at) -- file, line and column of the spawn.
        (t .spawned_at)"
    ),
    def!(
        "waiting_on",
        waiting_on,
        0,
        0,
        "(t .waiting_on) -- what a parked task waits for, in words.
        (t .waiting_on)"
    ),
    def!(
        "stack",
        stack,
        0,
        0,
        "(t .stack) -- the calls a task is in, innermost first.
        (t .stack)"
    ),
    def!(
        "daemon?",
        daemon,
        0,
        0,
        "(t .daemon?) -- whether nobody waits for its end.
        (t .daemon?)"
    ),
    def!(
        "detach",
        detach,
        0,
        0,
        "(t .detach) -- moves the task to the root scope.
        (t .detach)"
    ),
    def!(
        "join_timeout",
        join_timeout,
        1,
        1,
        "(t .join_timeout d) -- as join, TimeoutException after d; the task goes on.
        ((spawn (do 5)) .join_timeout 100) => 5"
    ),
];

static GLOBALS: &[NativeDef] = &[
    def!(
        "sleep",
        sleep,
        1,
        1,
        "(sleep d) -- suspends the task for a Duration or a number of milliseconds.
        (sleep 10) => nil"
    ),
    def!(
        "yield_now",
        yield_now,
        0,
        0,
        "(yield_now) -- lets other ready tasks run.
        (yield_now) => nil"
    ),
    def!(
        "join",
        join_function,
        1,
        1,
        ["timeout"],
        "(join t) -- as (t .join).
        (join (spawn (do 5))) => 5"
    ),
    def!(
        "cancel",
        cancel_function,
        1,
        2,
        "(cancel t [reason]) -- as (t .cancel).
        (cancel t)"
    ),
];

static GENE: &[NativeDef] = &[
    def!(
        "sleep_async",
        sleep_async,
        1,
        1,
        "(gene/sleep_async d) -- a Future that completes after d.
        (await (gene/sleep_async 10)) => nil"
    ),
    def!(
        "sleep",
        sleep,
        1,
        1,
        "(gene/sleep d) -- as (sleep d).
        (gene/sleep 10) => nil"
    ),
];

static ASYNC: &[NativeDef] = &[
    def!(
        "current",
        current,
        0,
        0,
        "(gene/async/current) -- the running task.
        ((gene/async/current) .id)"
    ),
    def!(
        "stats",
        stats,
        0,
        0,
        "(gene/async/stats) -- counters of the scheduler, as a Map.
        (gene/async/stats)"
    ),
    def!(
        "yield_now",
        yield_now,
        0,
        0,
        "(gene/async/yield_now) -- lets other ready tasks run.
        (gene/async/yield_now) => nil"
    ),
];

static DEBUG: &[NativeDef] = &[
    def!(
        "fuel",
        |vm, _| {
            let used = vm.fuel_used() as i64;
            Ok(vm.int(used))
        },
        0,
        0,
        "(gene/debug/fuel) -- the work done so far, as --instruction-limit counts it: calls, back-edges, and what natives do.
        ((gene/debug/fuel) is Int) => true"
    ),
    def!(
        "tasks",
        dump,
        0,
        0,
        "(gene/debug/tasks) -- all live tasks with stacks and what they wait for, as text.
        (println (gene/debug/tasks))"
    ),
    def!(
        "leaks",
        leaks,
        0,
        0,
        "(gene/debug/leaks) -- parked tasks that nothing reachable can wake.
        (gene/debug/leaks)"
    ),
];

static TIME: &[NativeDef] = &[
    def!(
        "now_us",
        now_us,
        0,
        0,
        "(time/now_us) -- microseconds since 1970.
        (time/now_us)"
    ),
    def!(
        "now_ms",
        now_ms,
        0,
        0,
        "(time/now_ms) -- milliseconds since 1970.
        (time/now_ms)"
    ),
    def!(
        "monotonic_us",
        monotonic_us,
        0,
        0,
        "(time/monotonic_us) -- microseconds since the program started.
        (time/monotonic_us)"
    ),
];

static GENE_TIME: &[NativeDef] = &[
    def!(
        "monotonic",
        monotonic,
        0,
        0,
        "(gene/time/monotonic) -- milliseconds since the program started.
        (gene/time/monotonic)"
    ),
    def!(
        "monotonic_us",
        monotonic_us,
        0,
        0,
        "(gene/time/monotonic_us) -- microseconds since the program started.
        (gene/time/monotonic_us)"
    ),
    def!(
        "now_us",
        now_us,
        0,
        0,
        "(gene/time/now_us) -- microseconds since 1970.
        (gene/time/now_us)"
    ),
];

/// A class of objects made by this module, known by its number.
pub(super) fn numbered(vm: &mut Vm, name: &'static str, number: u16, methods: &[&'static [NativeDef]]) -> Gc<ClassObj> {
    let s = vm.symbols.intern_static(name);
    let object = vm.classes.object.value();
    let class = vm.make_class(s, object, 0);
    class.data().builtin = true;
    vm.heap.permanent.push(class.value());
    vm.numbered_classes.push(class);
    assert_eq!(vm.numbered_classes.len(), number as usize, "class {name} registered out of order");
    for m in methods {
        vm.add_methods(class, m);
    }
    class
}

pub fn install(vm: &mut Vm) {
    let c = vm.classes.by_kind[Kind::Future as usize];
    c.data().construct = Some(construct);
    vm.add_methods(c, METHODS);
    vm.add_globals(GLOBALS);
    let g = vm.gene_ns;
    vm.add_functions(g, GENE);
    let a = vm.sub_namespace(g, "async");
    vm.add_functions(a, ASYNC);
    vm.add_functions(a, scope_library::ASYNC);
    vm.sub_namespace(g, "test");
    let d = vm.sub_namespace(g, "debug");
    vm.add_functions(d, DEBUG);
    let hidden = vm.globals;
    for defs in [scope_library::HIDDEN, select::HIDDEN, local::HIDDEN] {
        vm.add_functions(hidden, defs);
    }
    vm.add_globals(channel::GLOBALS);
    // In the order of their numbers (`super::CHANNEL`, ...).
    let channel_class = numbered(vm, "Channel", super::CHANNEL, &[channel::SENDING, channel::METHODS]);
    channel_class.data().construct = Some(channel::make);
    let s = vm.symbols.intern_static("Channel");
    for ns in [vm.globals, g, a] {
        vm.heap.namespace_set(ns, s, channel_class.value());
    }
    numbered(vm, "Sender", super::SENDER, &[channel::SENDING]);
    numbered(vm, "Scope", super::SCOPE, &[scope_library::METHODS]);
    numbered(vm, "Timer", super::TICKER, &[ticker::METHODS]);
    super::sync::install(vm);
    super::group::install(vm);
    let t = vm.global_namespace("time");
    vm.add_functions(t, TIME);
    let t = vm.sub_namespace(g, "time");
    vm.add_functions(t, GENE_TIME);
    vm.add_functions(t, ticker::TIME);
    let s = vm.symbols.intern_static("Future");
    vm.heap.namespace_set(g, s, c.value());
}

impl Vm {
    /// `(o/name = v)` of a builtin object: its native method `name=`. False when it has none.
    pub(crate) fn set_builtin(&mut self, o: Value, name: crate::value::Sym, v: Value) -> Result<bool, Stop> {
        let setter = format!("{}=", self.sym_name(name));
        let Some(s) = self.symbols.find(&setter) else { return Ok(false) };
        let class = self.class_of(o);
        match self.class_find(class, s) {
            Some(m) if m.is_kind(Kind::Native) => {
                self.call_method_sync(o, s, &[v])?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
