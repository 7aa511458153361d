//! `await`, `sleep`, `gene/Future` and its methods.
use super::future::{On, State};
use super::timer::Due;
use super::{Wake, future};
use crate::def;
use crate::heap::{Kind, Record};
use crate::interp::Ctl;
use crate::native::{Args, NativeDef, R, Stop, VARIADIC};
use crate::object::array::Array;
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
            v.as_number().map(|ms| ms * 1000.0)
        };
        match us {
            Some(us) if us >= 0.0 => {
                Ok(Some(if us.is_finite() { us.ceil().min(1e18) as u64 } else { return self.bad_duration(v) }))
            }
            Some(_) => self.bad_duration(v),
            None => {
                let k = self.kind_name(v);
                let c = self.classes.invalid_duration;
                Err(self.throw(c, &format!("expected a duration, got {k}")))
            }
        }
    }

    fn bad_duration(&mut self, v: Value) -> Result<Option<u64>, Stop> {
        let t = self.to_text(v)?;
        let c = self.classes.invalid_duration;
        Err(self.throw(c, &format!("Invalid duration: {t}")))
    }

    /// Parks the running task until `us` from now; nil.
    pub fn park_for(&mut self, us: u64) -> R {
        let (key, epoch) = self.prepare_park()?;
        let at = self.driver.now_us() + us;
        let id = self.tasks.timers.add(at, Due::Wake(key, epoch, Value::NIL));
        self.tasks.live[key].timer = Some(id);
        Err(Stop::Park)
    }

    /// Waits for one value: a future, or anything else as it is.
    pub fn await_value(&mut self, v: Value, timeout: Option<u64>) -> R {
        if !v.is_future() {
            return Ok(v);
        }
        let g = v.as_gc();
        match g.state() {
            State::Success => return Ok(g.value),
            State::Failure | State::Cancelled => {
                v.as_gc().observed = 1;
                self.exception = g.value;
                return Err(Stop::Throw);
            }
            State::Pending => {}
        }
        self.check_cycle(v)?;
        let (key, epoch) = self.prepare_park()?;
        self.tasks.live[key].waiting_on = v;
        self.wait_for(v, key, epoch);
        if let Some(us) = timeout {
            let at = self.driver.now_us() + us;
            let id = self.tasks.timers.add(at, Due::Timeout(key, epoch, v));
            self.tasks.live[key].timer = Some(id);
        }
        Err(Stop::Park)
    }

    /// Refuses a wait that closes a circle of tasks awaiting each other.
    fn check_cycle(&mut self, v: Value) -> Result<(), Stop> {
        let me = self.current_task();
        let mut ids = vec![if me.is_future() { me.as_gc().id } else { 0 }];
        let mut f = v;
        while f.is_future() {
            if f == me {
                let text = if ids.len() == 1 {
                    format!("task #{} awaits itself", ids[0])
                } else {
                    let list: Vec<String> = ids.iter().map(|i| format!("#{i}")).collect();
                    format!("tasks await each other: {} -> #{}", list.join(" -> "), ids[0])
                };
                let c = self.classes.deadlock;
                let stop = self.throw(c, &text);
                let ex = self.exception;
                self.set_code(ex, "GENE.ASYNC.DEADLOCK");
                return Err(stop);
            }
            ids.push(f.as_gc().id);
            f = match self.tasks.live.get(super::key_of(f.as_gc().key)) {
                Some(l) if l.parked => l.waiting_on,
                _ => break,
            };
        }
        Ok(())
    }

    /// Waits for all; an Array in argument order.
    pub fn await_all(&mut self, items: &[Value], timeout: Option<u64>) -> R {
        let list = self.array(items);
        match self.all_settled(list) {
            Some(Wake::Value(v)) => return Ok(v),
            Some(Wake::Throw(ex)) => {
                self.exception = ex;
                return Err(Stop::Throw);
            }
            _ => {}
        }
        let (key, epoch) = self.prepare_park()?;
        for &f in items {
            if f.is_future() {
                if f.as_gc().state() == State::Pending {
                    self.wait_for_all(f, key, epoch, list);
                } else {
                    f.as_gc().observed = 1;
                }
            }
        }
        if let Some(us) = timeout {
            let at = self.driver.now_us() + us;
            let id = self.tasks.timers.add(at, Due::Timeout(key, epoch, list));
            self.tasks.live[key].timer = Some(id);
        }
        Err(Stop::Park)
    }
}

fn sleep(vm: &mut Vm, a: &Args) -> R {
    match vm.duration_us(a.get(0))? {
        Some(us) => vm.park_for(us),
        None => {
            let c = vm.classes.invalid_duration;
            Err(vm.throw(c, "expected a duration, got Nil"))
        }
    }
}

fn sleep_async(vm: &mut Vm, a: &Args) -> R {
    let us = vm.duration_us(a.get(0))?.unwrap_or(0);
    let f = vm.new_future();
    let at = vm.driver.now_us() + us;
    let mut g = f;
    g.timer = vm.tasks.timers.add(at, Due::Settle(f.value()));
    Ok(f.value())
}

fn yield_now(vm: &mut Vm, _a: &Args) -> R {
    let (key, epoch) = vm.prepare_park()?;
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
            this(a).as_gc().observed = 1;
            g.value
        }
        _ => Value::NIL,
    })
}
fn already(vm: &mut Vm, f: Value) -> Stop {
    let s = f.as_gc().state_name();
    let c = vm.classes.already_terminal;
    let stop = vm.throw(c, &format!("Future already completed (state: {s})"));
    let ex = vm.exception;
    vm.set_code(ex, "GENE.ASYNC.ALREADY_TERMINAL");
    stop
}
fn complete(vm: &mut Vm, a: &Args) -> R {
    let f = this(a);
    if !vm.settle(f, State::Success, a.get(0)) {
        return Err(already(vm, f));
    }
    vm.heap.fuel.request();
    Ok(f)
}
fn fail(vm: &mut Vm, a: &Args) -> R {
    let f = this(a);
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
    if !vm.cancel_future(f) && !future::is_task(f) {
        return Err(already(vm, f));
    }
    Ok(f)
}
fn callback(vm: &mut Vm, a: &Args, on: On) -> R {
    let f = a.get(0);
    if !vm.is_callable(f) {
        let k = vm.kind_name(f);
        return Err(vm.type_error(&format!("callback expects a function, got {k}")));
    }
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
    this(a).as_gc().observed = 1;
    Ok(this(a))
}
/// A task's result is handed out by `.join` once.
fn consume(vm: &mut Vm, f: Value) -> Result<(), Stop> {
    if f.as_gc().joined != 0 {
        let c = vm.classes.closed;
        let id = f.as_gc().id;
        let stop = vm.throw(c, &format!("task #{id} was joined already"));
        let ex = vm.exception;
        vm.set_code(ex, "GENE.ASYNC.CLOSED");
        return Err(stop);
    }
    f.as_gc().joined = 1;
    Ok(())
}
fn join(vm: &mut Vm, a: &Args) -> R {
    consume(vm, this(a))?;
    vm.await_value(this(a), None)
}
fn join_timeout(vm: &mut Vm, a: &Args) -> R {
    let f = this(a);
    let us = vm.duration_us(a.get(0))?;
    if f.as_gc().state() != State::Pending {
        consume(vm, f)?;
        return vm.await_value(f, None);
    }
    // Only this wait ends: the task goes on.
    let (key, epoch) = vm.prepare_park()?;
    vm.wait_for(f, key, epoch);
    if let Some(us) = us {
        let at = vm.driver.now_us() + us;
        let id = vm.tasks.timers.add(at, Due::Abandon(key, epoch));
        vm.tasks.live[key].timer = Some(id);
    }
    Err(Stop::Park)
}
fn current(vm: &mut Vm, _a: &Args) -> R {
    Ok(vm.current_task())
}

pub static METHODS: &[NativeDef] = &[
    def!("state", state, 0, 0, "(f .state) -- pending, success, failure or cancelled."),
    def!("done?", done, 0, 0, "(f .done?) -- whether the future has settled."),
    def!("value", value, 0, 0, "(f .value) -- the value; nil while pending or failed."),
    def!("error", error, 0, 0, "(f .error) -- the exception of a failed or cancelled future, else nil."),
    def!("complete", complete, 0, 1, "(f .complete v) -- settles a manual future with a value."),
    def!("fail", fail, 1, 1, "(f .fail e) -- settles a manual future with an exception."),
    def!("cancel", cancel, 0, 1, "(f .cancel) -- cancels the future or the task behind it."),
    def!("on_success", on_success, 1, 1, "(f .on_success g) -- calls (g value) when the future succeeds."),
    def!("on_failure", on_failure, 1, 1, "(f .on_failure g) -- calls (g exception) when the future fails."),
    def!("on_settle", on_settle, 1, 1, "(f .on_settle g) -- calls (g future) when the future settles."),
    def!("id", id, 0, 0, "(t .id) -- number of a task."),
    def!("ignore", ignore, 0, 0, "(f .ignore) -- a failure of the future needs no report."),
    def!("join", join, 0, 0, "(t .join) -- waits for the task and takes its value or exception; only once."),
    def!(
        "join_timeout",
        join_timeout,
        1,
        1,
        "(t .join_timeout d) -- as join, TimeoutException after d; the task goes on."
    ),
];

static GLOBALS: &[NativeDef] = &[
    def!("sleep", sleep, 1, 1, "(sleep d) -- suspends the task for a Duration or a number of milliseconds."),
    def!("yield_now", yield_now, 0, 0, "(yield_now) -- lets other ready tasks run."),
];

static GENE: &[NativeDef] = &[
    def!("sleep_async", sleep_async, 1, 1, "(gene/sleep_async d) -- a Future that completes after d."),
    def!("sleep", sleep, 1, 1, "(gene/sleep d) -- as (sleep d)."),
];

static ASYNC: &[NativeDef] = &[def!("current", current, 0, 0, "(gene/async/current) -- the running task.")];

static TIME: &[NativeDef] = &[
    def!("now_us", now_us, 0, 0, "(time/now_us) -- microseconds since 1970."),
    def!("now_ms", now_ms, 0, 0, "(time/now_ms) -- milliseconds since 1970."),
    def!("monotonic_us", monotonic_us, 0, 0, "(time/monotonic_us) -- microseconds since the program started."),
];

static GENE_TIME: &[NativeDef] = &[
    def!("monotonic", monotonic, 0, 0, "(gene/time/monotonic) -- milliseconds since the program started."),
    def!("monotonic_us", monotonic_us, 0, 0, "(gene/time/monotonic_us) -- microseconds since the program started."),
    def!("now_us", now_us, 0, 0, "(gene/time/now_us) -- microseconds since 1970."),
];

pub fn install(vm: &mut Vm) {
    let c = vm.classes.by_kind[Kind::Future as usize];
    c.data().construct = Some(construct);
    vm.add_methods(c, METHODS);
    vm.add_globals(GLOBALS);
    let g = vm.gene_ns;
    vm.add_functions(g, GENE);
    let a = vm.sub_namespace(g, "async");
    vm.add_functions(a, ASYNC);
    let t = vm.global_namespace("time");
    vm.add_functions(t, TIME);
    let t = vm.sub_namespace(g, "time");
    vm.add_functions(t, GENE_TIME);
    let s = vm.symbols.intern_static("Future");
    vm.heap.namespace_set(g, s, c.value());
}

const _: (u8, Option<Ctl>, fn(&Array)) = (VARIADIC, None, |_| {});
