//! What scripts see of scopes: the hidden functions behind `concurrent`, `timeout`, `shield` and `detach`, the scope object, and
//! checkpoints.
use super::future::{State, flag, is_task};
use super::scope::{Cause, Policy, ScopeKey, Setup};
use super::{Reason, Wake, timer};
use crate::def;
use crate::heap::collect::Marker;
use crate::native::{Args, NativeDef, R, Stop, VARIADIC};
use crate::object::foreign::{Foreign, Numbered};
use crate::value::{Sym, Value};
use crate::vm::Vm;
use std::any::Any;

/// The object `^as s` binds.
pub struct ScopeHandle {
    pub key: ScopeKey,
    pub closed: bool,
    pub was_cancelled: bool,
    /// The exception the scope threw because its time was up.
    pub timeout: Value,
    /// Kept beyond the end: exceptions name the scope they come from.
    name: Value,
}

impl Numbered for ScopeHandle {
    const NUMBER: u16 = super::SCOPE;
}

impl Foreign for ScopeHandle {
    fn class_name(&self) -> &'static str {
        "Scope"
    }
    fn trace(&self, m: &mut Marker) {
        m.value(self.timeout);
        m.value(self.name);
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
    fn describe(&self) -> String {
        "the end of a scope".to_string()
    }
}

fn handle<'a>(vm: &mut Vm, v: Value) -> Result<&'a mut ScopeHandle, Stop> {
    match v.numbered::<ScopeHandle>() {
        Some(h) => Ok(h),
        None => {
            let k = vm.kind_name(v);
            Err(vm.type_error(&format!("expected a Scope, got {k}")))
        }
    }
}

impl Vm {
    /// A positive Int argument; `what` names it in the message.
    pub(super) fn count_argument(&mut self, v: Value, what: &str, least: i64) -> Result<usize, Stop> {
        match v.as_int() {
            Some(n) if n >= least => Ok(n as usize),
            _ => {
                let shown = self.to_debug(v).unwrap_or_default();
                let need = if least == 0 { "a non-negative Int" } else { "a positive Int" };
                Err(self.argument_error(&format!("{what} must be {need}, got {shown}")))
            }
        }
    }

    /// A text argument: String or Symbol.
    pub(super) fn word_argument(&mut self, v: Value) -> Option<String> {
        match v.as_sym() {
            Some(s) => Some(self.sym_name(s).to_string()),
            None => v.as_str().map(str::to_string),
        }
    }

    fn setup(&mut self, a: &Args) -> Result<Setup, Stop> {
        let mut s = Setup::default();
        for (i, &k) in a.keyword_names().iter().enumerate() {
            let v = a.kw_value(i);
            match self.sym_name(k) {
                "timeout" => s.timeout = self.duration_us(v)?,
                "deadline" => s.deadline = self.duration_us(v)?,
                "grace" => s.grace = self.duration_us(v)?,
                "limit" if v.is_nil() => {}
                "limit" => s.limit = self.count_argument(v, "limit", 1)?.min(u32::MAX as usize) as u32,
                "name" => s.name = Some(v),
                "on_error" => {
                    s.policy = match self.word_argument(v).as_deref() {
                        Some("cancel") => Policy::Cancel,
                        Some("collect") => Policy::Collect,
                        Some("supervise") => Policy::Supervise,
                        _ => {
                            let shown = self.to_debug(v)?;
                            let m = format!("on_error must be \"cancel\", \"collect\" or \"supervise\", got {shown}");
                            return Err(self.argument_error(&m));
                        }
                    }
                }
                other => {
                    let m = format!("Unexpected keyword argument: {other}");
                    return Err(self.argument_error(&m));
                }
            }
        }
        Ok(s)
    }

    fn scope_closed(&mut self) -> Stop {
        let c = self.classes.scope_closed;
        self.throw_coded(c, "GENE.ASYNC.CLOSED", "the scope is closed")
    }
}

fn open(vm: &mut Vm, a: &Args) -> R {
    let mut setup = vm.setup(a)?;
    match a.get(0).small_int() {
        1 => match vm.duration_us(a.get(1))? {
            Some(us) => setup.timeout = Some(us),
            // No limit: `(timeout nil ...)`.
            None => setup.timeout = None,
        },
        2 => setup.shield = true,
        _ => {}
    }
    let key = vm.open_scope(setup)?;
    Ok(vm.scope_object(key))
}

fn exit(vm: &mut Vm, a: &Args) -> R {
    let key = handle(vm, a.get(0))?.key;
    vm.leave_scope(key, Ok(Value::NIL))
}

fn fail(vm: &mut Vm, a: &Args) -> R {
    let key = handle(vm, a.get(0))?.key;
    vm.leave_scope(key, Err(a.get(1)))
}

/// Whether the exception is this scope's own timeout.
fn timed_out(vm: &mut Vm, a: &Args) -> R {
    let h = handle(vm, a.get(0))?;
    Ok(Value::bool(h.timeout.is_ptr() && h.timeout == a.get(1)))
}

/// `(detach x)` of a value: a task moves to the root scope, a callable is called there.
fn detach(vm: &mut Vm, a: &Args) -> R {
    let v = a.get(0);
    if is_task(v) {
        vm.detach_task(v);
        return Ok(v);
    }
    if !vm.is_callable(v) {
        let k = vm.kind_name(v);
        return Err(vm.type_error(&format!("detach expects a task, a callable or a body form, got {k}")));
    }
    let kw: Vec<(Sym, Value)> = a.keyword_names().iter().enumerate().map(|(i, &k)| (k, a.kw_value(i))).collect();
    let root = vm.root_scope();
    vm.spawn_with(v, &[], kw, root, flag::DETACHED)
}

impl Vm {
    /// Spawns with the options among the keywords (`^name`, `^start`, `^daemon`, ...); the others go to the callee.
    pub fn spawn_with(
        &mut self,
        callee: Value,
        args: &[Value],
        kw: Vec<(Sym, Value)>,
        mut home: ScopeKey,
        mut flags: u64,
    ) -> R {
        if !callee.is_kind(crate::heap::Kind::Function) && !self.is_callable(callee) {
            let k = self.kind_name(callee);
            return Err(self.type_error(&format!("spawn needs a callable or a body form, got {k}")));
        }
        if kw.is_empty() {
            return self.spawn_task(callee, args, home, flags, Value::NIL);
        }
        let mut name = Value::NIL;
        let mut limits = (Value::NIL, Value::NIL);
        let mut rest = Vec::new();
        for (k, v) in kw {
            match self.sym_name(k) {
                "%detach" => {
                    home = self.root_scope();
                    flags |= flag::DETACHED;
                }
                "name" => name = v,
                "daemon" if v.truthy() => flags |= flag::DAEMON,
                "daemon" => {}
                "start" => match self.word_argument(v).as_deref() {
                    Some("queued") => {}
                    Some("atomic") => flags |= flag::ATOMIC,
                    // It would run on top of this one: nested without end, that is a stack overflow like any other.
                    Some("eager") if self.cur.depth >= crate::object::fiber::MAX_CHAIN => {
                        return Err(self.runtime_error("Stack overflow"));
                    }
                    Some("eager") => flags |= flag::EAGER,
                    _ => {
                        let shown = self.to_debug(v)?;
                        return Err(self.argument_error(&format!(
                            "start must be \"queued\", \"eager\" or \"atomic\", got {shown}"
                        )));
                    }
                },
                "fuel" => limits.0 = v,
                "memory" => limits.1 = v,
                "on" => return Err(self.argument_error("spawn: ^on needs an Executor, and there are none yet")),
                _ => rest.push((k, v)),
            }
        }
        if rest.is_empty() {
            return self.spawn_limited(callee, args, home, flags, name, limits);
        }
        // Keywords travel in a bound call.
        let m = self.map_with_capacity(rest.len());
        for (k, v) in rest {
            self.map_set(m, k, v);
        }
        let a = self.array(args);
        let bound = self.array(&[callee, a, m.value()]);
        let f = self.heap.native(&APPLY, bound);
        self.spawn_limited(f, &[], home, flags, name, limits)
    }
}

/// Calls bound data `[callee, args, keywords]`.
static APPLY: NativeDef = NativeDef {
    name: "spawn",
    f: |vm, a| {
        let b: crate::heap::Gc<crate::object::array::Array> = a.data.gc();
        let args = b.as_slice()[1].gc::<crate::object::array::Array>().as_slice().to_vec();
        let kw = vm.map_entries(b.as_slice()[2].gc());
        vm.tail_call_kw(b.as_slice()[0], &args, kw)
    },
    min: 0,
    max: 0,
    keywords: &[],
    doc: "",
    quick: None,
};

// --- methods of a scope

fn scope_spawn(vm: &mut Vm, a: &Args) -> R {
    let h = handle(vm, a.this())?;
    if h.closed || vm.tasks.scopes.get(h.key).is_none() {
        return Err(vm.scope_closed());
    }
    let kw: Vec<(Sym, Value)> = a.keyword_names().iter().enumerate().map(|(i, &k)| (k, a.kw_value(i))).collect();
    let f = vm.spawn_with(a.get(0), &a.rest()[1..], kw, h.key, 0)?;
    match vm.start_spawned(f) {
        None => Ok(f),
        Some(crate::interp::Ctl::Throw) => Err(Stop::Throw),
        Some(_) => Err(Stop::Switch),
    }
}

fn scope_cancel(vm: &mut Vm, a: &Args) -> R {
    let h = handle(vm, a.this())?;
    if h.closed || vm.tasks.scopes.get(h.key).is_none() {
        return Ok(a.this());
    }
    vm.cancel_scope(h.key, Cause::Request(a.get(0)));
    vm.heap.fuel.request();
    Ok(a.this())
}

fn scope_cancelled(vm: &mut Vm, a: &Args) -> R {
    let h = handle(vm, a.this())?;
    let now = vm.tasks.scopes.get(h.key).is_some_and(|s| s.cancelled);
    Ok(Value::bool(h.was_cancelled || now))
}

fn ms(vm: &mut Vm, us: u64) -> Value {
    if us.is_multiple_of(1000) { vm.int((us / 1000) as i64) } else { Value::float(us as f64 / 1000.0) }
}

fn scope_deadline(vm: &mut Vm, a: &Args) -> R {
    let h = handle(vm, a.this())?;
    Ok(match vm.effective_deadline(h.key) {
        Some(at) => ms(vm, at),
        None => Value::NIL,
    })
}

fn scope_remaining(vm: &mut Vm, a: &Args) -> R {
    let h = handle(vm, a.this())?;
    let now = vm.driver.now_us();
    Ok(match vm.effective_deadline(h.key) {
        Some(at) => ms(vm, at.saturating_sub(now)),
        None => Value::NIL,
    })
}

fn scope_children(vm: &mut Vm, a: &Args) -> R {
    let h = handle(vm, a.this())?;
    let mut all: Vec<Value> = match vm.tasks.scopes.get(h.key) {
        Some(s) => s.children.iter().filter_map(|k| vm.tasks.live.get(*k)).map(|l| l.future).collect(),
        None => Vec::new(),
    };
    all.sort_by_key(|f| f.as_gc().id);
    Ok(vm.array(&all))
}

fn scope_shield(vm: &mut Vm, a: &Args) -> R {
    let h = handle(vm, a.this())?;
    Ok(Value::bool(vm.tasks.scopes.get(h.key).is_some_and(|s| s.closed_off)))
}

fn scope_name(vm: &mut Vm, a: &Args) -> R {
    Ok(handle(vm, a.this())?.name)
}

impl Vm {
    /// What scripts hold of an open scope, the same object each time; nil for one that is gone.
    pub(crate) fn scope_object(&mut self, key: ScopeKey) -> Value {
        match self.tasks.scopes.get(key) {
            None => Value::NIL,
            Some(s) if s.handle.is_ptr() => s.handle,
            Some(s) => {
                let name = s.name();
                let h = ScopeHandle { key, closed: false, was_cancelled: false, timeout: Value::NIL, name };
                let v = self.heap.numbered(h);
                self.tasks.scopes.map[key].handle = v;
                v
            }
        }
    }

    /// The earliest deadline that holds in a scope.
    pub fn effective_deadline(&self, key: ScopeKey) -> Option<u64> {
        let mut k = key;
        let mut best: Option<u64> = None;
        while let Some(s) = self.tasks.scopes.get(k) {
            best = match (best, s.deadline) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            if s.closed_off || s.parent == k {
                break;
            }
            k = s.parent;
        }
        best
    }
}

// --- gene/async

fn checkpoint(vm: &mut Vm, _a: &Args) -> R {
    vm.checkpoint()?;
    Ok(Value::NIL)
}

fn cancelled(vm: &mut Vm, _a: &Args) -> R {
    let yes = vm.task_of(vm.cur).is_some_and(|t| vm.is_cancelled(t));
    Ok(Value::bool(yes))
}

fn remaining(vm: &mut Vm, _a: &Args) -> R {
    let now = vm.driver.now_us();
    let key = vm.current_scope();
    Ok(match vm.effective_deadline(key) {
        Some(at) => ms(vm, at.saturating_sub(now)),
        None => Value::NIL,
    })
}

/// `(gene/async/park ^timeout d)`: true when unparked, false when the time is over.
fn park(vm: &mut Vm, a: &Args) -> R {
    let us = match a.kw(vm, "timeout") {
        Some(d) => vm.duration_us(d)?,
        None => None,
    };
    vm.check_suspend()?;
    let me = vm.current_task();
    if me.is_future() && me.as_gc().has(flag::TOKEN) {
        me.as_gc().clear(flag::TOKEN);
        return Ok(Value::TRUE);
    }
    if us == Some(0) {
        return Ok(Value::FALSE);
    }
    let (key, epoch) = vm.park_anyway(Reason::Park, Value::NIL)?;
    if let Some(us) = us {
        vm.wake_at(key, us, timer::Due::Answer(key, epoch, timer::Answer::False));
    }
    Err(Stop::Park)
}

fn unpark(vm: &mut Vm, a: &Args) -> R {
    let t = a.get(0);
    if !is_task(t) {
        let k = vm.kind_name(t);
        return Err(vm.type_error(&format!("unpark expects a Task, got {k}")));
    }
    let g = t.as_gc();
    if g.state() != State::Pending {
        return Ok(Value::NIL);
    }
    match vm.tasks.live.get(g.task_key()) {
        Some(l) if l.parked && l.reason == Reason::Park => {
            let epoch = l.epoch;
            vm.wake(g.task_key(), epoch, Wake::Value(Value::TRUE));
        }
        _ => g.set(flag::TOKEN),
    }
    Ok(Value::NIL)
}

/// The clock is virtual until [`virtual_end`]; a seed orders what happens meanwhile.
fn virtual_begin(vm: &mut Vm, a: &Args) -> R {
    let seed = match a.kw(vm, "seed") {
        Some(v) if !v.is_nil() => match v.as_int() {
            Some(n) => Some(n as u64),
            None => {
                let k = vm.kind_name(v);
                return Err(vm.type_error(&format!("gene/test/virtual: ^seed expects an Int, got {k}")));
            }
        },
        _ => None,
    };
    let before = super::Order {
        shake: vm.tasks.shake,
        tasks: vm.tasks.rng.clone(),
        timers: vm.tasks.timers.shake.clone(),
        numbers: vm.rng.clone(),
        virtual_clock: vm.driver.is_virtual(),
    };
    if !before.virtual_clock {
        vm.driver.set_virtual(true);
    }
    vm.tasks.virtuals.push(before);
    if let Some(seed) = seed {
        vm.order_by(seed);
        vm.rng = crate::library::random::Rng::new(seed);
    }
    Ok(Value::NIL)
}

fn virtual_end(vm: &mut Vm, _a: &Args) -> R {
    if let Some(before) = vm.tasks.virtuals.pop() {
        vm.tasks.shake = before.shake;
        vm.tasks.rng = before.tasks;
        vm.tasks.timers.shake = before.timers;
        vm.rng = before.numbers;
        if !before.virtual_clock {
            vm.driver.set_virtual(false);
        }
    }
    Ok(Value::NIL)
}

pub static HIDDEN: &[NativeDef] = &[
    def!("%virtual_begin", virtual_begin, 0, 0, ["seed"], ""),
    def!("%virtual_end", virtual_end, 0, 0, ""),
    def!("%scope_open", open, 1, 2, ["timeout", "deadline", "limit", "on_error", "grace", "name"], ""),
    def!("%scope_exit", exit, 1, 1, ""),
    def!("%scope_fail", fail, 2, 2, ""),
    def!("%timed_out", timed_out, 2, 2, ""),
    def!("%detach", detach, 1, 1, ["*"], ""),
];

pub static METHODS: &[NativeDef] = &[
    def!(
        "spawn",
        scope_spawn,
        1,
        VARIADIC,
        ["*"],
        "(s .spawn f args...) -- calls f in a new task of the scope; ScopeClosedException after its end.
        (s .spawn f args...)"
    ),
    def!(
        "cancel",
        scope_cancel,
        0,
        1,
        "(s .cancel [reason]) -- cancels body and children; the scope's value is nil then.
        (s .cancel)"
    ),
    def!(
        "cancelled?",
        scope_cancelled,
        0,
        0,
        "(s .cancelled?) -- whether the scope is or was cancelled.
        (s .cancelled?)"
    ),
    def!(
        "deadline",
        scope_deadline,
        0,
        0,
        "(s .deadline) -- the effective deadline in milliseconds of the clock, or nil.
        (s .deadline)"
    ),
    def!(
        "remaining",
        scope_remaining,
        0,
        0,
        "(s .remaining) -- milliseconds to the effective deadline, or nil.
        (s .remaining)"
    ),
    def!(
        "children",
        scope_children,
        0,
        0,
        "(s .children) -- the tasks running in the scope, oldest first.
        (s .children)"
    ),
    def!(
        "shield?",
        scope_shield,
        0,
        0,
        "(s .shield?) -- whether outer cancellation is kept out.
        (s .shield?)"
    ),
    def!(
        "name",
        scope_name,
        0,
        0,
        "(s .name) -- the name given with ^name, or nil.
        (s .name)"
    ),
];

pub static ASYNC: &[NativeDef] = &[
    def!(
        "checkpoint",
        checkpoint,
        0,
        0,
        "(gene/async/checkpoint) -- throws the running task's cancellation if there is one.
        (gene/async/checkpoint) => nil"
    ),
    def!(
        "cancelled?",
        cancelled,
        0,
        0,
        "(gene/async/cancelled?) -- whether the running task is cancelled here.
        (gene/async/cancelled?) => false"
    ),
    def!(
        "remaining",
        remaining,
        0,
        0,
        "(gene/async/remaining) -- milliseconds to the deadline in force, or nil.
        (gene/async/remaining) => nil"
    ),
    def!(
        "park",
        park,
        0,
        0,
        ["timeout"],
        "(gene/async/park [^timeout d]) -- waits for unpark: true, or false after d.
        (gene/async/park ^timeout 10) => false"
    ),
    def!(
        "unpark",
        unpark,
        1,
        1,
        "(gene/async/unpark t) -- lets a parked task go on; one unpark is kept for later.
        (gene/async/unpark t)"
    ),
];
