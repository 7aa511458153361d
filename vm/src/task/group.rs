//! Several futures as one: the natives behind the combinators of `prelude/async.gene`, FutureGroup, and channels made for groups of
//! tasks (broadcast, watch).
use super::future::{State, is_task};
use super::timer::{Due, Span};
use super::wait::{ANY_OUTCOME, NO_ARM, Queue};
use super::{Reason, Wake};
use crate::def;
use crate::heap::Kind;
use crate::heap::collect::Marker;
use crate::library::collection::at_most;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::array::Array;
use crate::object::foreign::{Foreign, ForeignObj, Numbered};
use crate::value::Value;
use crate::vm::Vm;
use std::any::Any;

const GROUP: u16 = super::sync::LAST + 1;
const BROADCAST: u16 = GROUP + 1;
const WATCH: u16 = BROADCAST + 1;

fn futures(vm: &mut Vm, v: Value) -> Result<Vec<Value>, Stop> {
    match v.get::<Array>(Kind::Array) {
        Some(a) => Ok(a.as_slice().to_vec()),
        None => {
            let k = vm.kind_name(v);
            Err(vm.type_error(&format!("expected an Array of futures, got {k}")))
        }
    }
}

/// `(_await_all fs [deadline])`: waits for all, as `await` with several arguments does, but leaves them alone when the time is over.
/// The deadline is on the clock, in microseconds.
fn await_all(vm: &mut Vm, a: &Args) -> R {
    let fs = futures(vm, a.get(0))?;
    let now = vm.driver.now_us();
    let deadline = a.get(1).as_int().map(|d| d.max(0) as u64);
    if deadline.is_some_and(|at| at <= now) && fs.iter().any(|f| f.is_future() && f.as_gc().state() == State::Pending) {
        vm.checkpoint()?;
        let list = vm.array(&fs);
        fs.iter().filter(|f| f.is_future()).for_each(|f| f.as_gc().observe());
        let Some(Wake::Throw(ex)) = vm.all_settled(list) else { return Err(vm.timed_out(0)) };
        vm.exception = ex;
        return Err(Stop::Throw);
    }
    let result = vm.await_all(&fs, None);
    if let (Err(Stop::Park), Some(at)) = (&result, deadline) {
        let key = vm.current_task().as_gc().task_key();
        let epoch = vm.tasks.live.get(key).map_or(0, |l| l.epoch);
        vm.wake_at_time(key, at, Due::Abandon(key, epoch, Span::of(at - now)));
    }
    result
}

/// `(_first_settled fs [deadline])`: the index of the future that settled first, waiting for one if none has. The deadline is on the
/// clock, in microseconds.
fn first_settled(vm: &mut Vm, a: &Args) -> R {
    vm.checkpoint()?;
    let fs = futures(vm, a.get(0))?;
    let mut first: Option<(u64, usize)> = None;
    for (i, f) in fs.iter().enumerate() {
        let order = match f.is_future() {
            true => {
                f.as_gc().observe();
                match f.as_gc().state() {
                    State::Pending => continue,
                    _ => vm.settled_order(*f),
                }
            }
            false => 0,
        };
        if first.is_none_or(|(o, _)| order < o) {
            first = Some((order, i));
        }
    }
    if let Some((_, i)) = first {
        return Ok(Value::small(i as i64));
    }
    let now = vm.driver.now_us();
    let deadline = a.get(1).as_int().map(|d| d.max(0) as u64);
    if let Some(at) = deadline
        && at <= now
    {
        return Err(vm.timed_out(0));
    }
    let (key, epoch) = vm.park_anyway(Reason::Select, Value::NIL)?;
    for (i, f) in fs.iter().enumerate().rev() {
        if f.is_future() {
            vm.wait_for(*f, key, i as u32 | ANY_OUTCOME);
        }
    }
    if let Some(at) = deadline {
        vm.wake_at_time(key, at, Due::Abandon(key, epoch, Span::of(at - now)));
    }
    Err(Stop::Park)
}

/// `(_end_losers fs cancel)`: those whose outcome nobody waits for any more.
fn end_losers(vm: &mut Vm, a: &Args) -> R {
    let fs = futures(vm, a.get(0))?;
    for f in fs {
        if f.is_future() {
            f.as_gc().observe();
            if a.get(1).truthy() && is_task(f) && f.as_gc().state() == State::Pending {
                vm.cancel_task(f, Value::NIL);
            }
        }
    }
    Ok(Value::NIL)
}

fn exception_group(vm: &mut Vm, a: &Args) -> R {
    let all = futures(vm, a.get(0))?;
    Ok(vm.exception_group(&all))
}

fn callable(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::bool(vm.is_callable(a.get(0))))
}

/// `(_check_options limit timeout)`: refuses what no combinator accepts, before anything happens.
fn check_options(vm: &mut Vm, a: &Args) -> R {
    if !a.get(0).is_nil() {
        vm.count_argument(a.get(0), "limit", 1)?;
    }
    vm.duration_us(a.get(1))?;
    Ok(Value::NIL)
}

/// `(_check_items name items [f])`: refuses arguments in another order than they come in, before anything happens.
fn check_items(vm: &mut Vm, a: &Args) -> R {
    let name = vm.to_text(a.get(0))?;
    if let Some(f) = a.opt(2)
        && !vm.is_callable(f)
    {
        let k = vm.kind_name(f);
        return Err(vm.type_error(&format!("{name} expects a function, got {k}")));
    }
    let items = a.get(1);
    let collection = matches!(
        items.heap_kind(),
        Some(
            Kind::Array
                | Kind::Str
                | Kind::Bytes
                | Kind::Range
                | Kind::Iter
                | Kind::Map
                | Kind::HashMap
                | Kind::HashSet
                | Kind::Gene
                | Kind::Fiber
        )
    );
    if collection || items.is_nil() || crate::interp::iterate::is_iterable(vm, items) {
        return Ok(Value::NIL);
    }
    let k = vm.kind_name(items);
    let what = if a.opt(2).is_some() { "a collection" } else { "an Array of futures, functions or values" };
    Err(vm.type_error(&format!("{name} expects {what}, got {k}")))
}

// --- FutureGroup

#[derive(Default)]
struct FutureGroup {
    items: Vec<Value>,
}

impl Numbered for FutureGroup {
    const NUMBER: u16 = GROUP;
}

impl Foreign for FutureGroup {
    fn class_name(&self) -> &'static str {
        "FutureGroup"
    }
    fn trace(&self, m: &mut Marker) {
        m.values(&self.items);
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

fn this<'a, T: Numbered>(vm: &mut Vm, a: &Args, what: &str) -> Result<&'a mut T, Stop> {
    match a.this().numbered::<T>() {
        Some(t) => Ok(t),
        None => {
            let k = vm.kind_name(a.this());
            Err(vm.type_error(&format!("expected a {what}, got {k}")))
        }
    }
}

fn make_group(vm: &mut Vm, a: &Args) -> R {
    at_most(vm, a, 0)?;
    Ok(vm.heap.numbered(FutureGroup::default()))
}

fn group_add(vm: &mut Vm, a: &Args) -> R {
    let f = a.get(0);
    if !f.is_future() {
        let k = vm.kind_name(f);
        return Err(vm.type_error(&format!("FutureGroup expects futures, got {k}")));
    }
    this::<FutureGroup>(vm, a, "FutureGroup")?.items.push(f);
    vm.heap.barrier(a.this().gc::<ForeignObj>());
    Ok(a.this())
}

fn group_size(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(this::<FutureGroup>(vm, a, "FutureGroup")?.items.len() as i64))
}

impl Vm {
    /// Where settled future `f` stands in the order of settling.
    fn settled_order(&self, f: Value) -> u64 {
        match f.as_gc().settled_order() {
            0 => self.tasks.settled_early.get(&f.as_gc().id).copied().unwrap_or(0),
            order => order,
        }
    }
}

fn group_items(vm: &mut Vm, a: &Args) -> R {
    let items = this::<FutureGroup>(vm, a, "FutureGroup")?.items.clone();
    Ok(vm.array(&items))
}

static GROUP_METHODS: &[NativeDef] = &[
    def!(
        "add",
        group_add,
        1,
        1,
        "(g .add f) -- adds a future; the group
        (g .add f)"
    ),
    def!(
        "size",
        group_size,
        0,
        0,
        "(g .size) -- number of futures
        (g .size)"
    ),
    def!("_items", group_items, 0, 0, ""),
];

// --- broadcast

struct Broadcast {
    capacity: usize,
    on_lag: super::channel::OnFull,
    channels: Vec<Value>,
    closed: bool,
}

impl Numbered for Broadcast {
    const NUMBER: u16 = BROADCAST;
}

impl Foreign for Broadcast {
    fn class_name(&self) -> &'static str {
        "Broadcast"
    }
    fn trace(&self, m: &mut Marker) {
        m.values(&self.channels);
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// `(gene/async/broadcast n [^on_lag s])`
fn make_broadcast(vm: &mut Vm, a: &Args) -> R {
    let capacity = match a.opt(0) {
        Some(v) => vm.count_argument(v, "capacity", 1)?,
        None => 16,
    };
    let on_lag = match a.kw(vm, "on_lag") {
        Some(v) => vm.on_full_argument(v, "on_lag")?,
        None => super::channel::OnFull::DropOldest,
    };
    Ok(vm.heap.numbered(Broadcast { capacity, on_lag, channels: Vec::new(), closed: false }))
}

/// A channel of one's own that gets every value sent from now on.
fn subscribe(vm: &mut Vm, a: &Args) -> R {
    let b = this::<Broadcast>(vm, a, "Broadcast")?;
    let (capacity, on_lag, closed) = (b.capacity, b.on_lag, b.closed);
    let ch = vm.make_channel(capacity, on_lag);
    if closed {
        vm.channel_close(ch, Value::NIL);
    } else {
        this::<Broadcast>(vm, a, "Broadcast")?.channels.push(ch);
        vm.heap.barrier(a.this().gc::<ForeignObj>());
    }
    Ok(ch)
}

/// The open channels of the subscribers; those that were closed are forgotten.
fn subscribers(vm: &mut Vm, a: &Args) -> R {
    let b = this::<Broadcast>(vm, a, "Broadcast")?;
    if b.closed {
        let c = vm.classes.channel_closed;
        return Err(vm.throw_coded(c, "GENE.ASYNC.CLOSED", "the broadcast is closed"));
    }
    b.channels.retain(|c| c.numbered::<super::channel::Channel>().is_some_and(|c| !c.closed));
    let all = b.channels.clone();
    Ok(vm.array(&all))
}

fn close_broadcast(vm: &mut Vm, a: &Args) -> R {
    let error = if a.get(0).is_nil() { Value::NIL } else { vm.exception_from(a.get(0)) };
    let b = this::<Broadcast>(vm, a, "Broadcast")?;
    b.closed = true;
    for ch in std::mem::take(&mut b.channels) {
        vm.channel_close(ch, error);
    }
    Ok(Value::NIL)
}

static BROADCAST_METHODS: &[NativeDef] = &[
    def!(
        "subscribe",
        subscribe,
        0,
        0,
        "(b .subscribe) -- a channel that gets every value sent from now on
        (b .subscribe)"
    ),
    def!(
        "close",
        close_broadcast,
        0,
        1,
        "(b .close [error]) -- ends all channels of subscribers
        (b .close)"
    ),
    def!("_subscribers", subscribers, 0, 0, ""),
];

// --- watch

struct Watch {
    value: Value,
    changes: u64,
    waiting: Queue,
}

impl Numbered for Watch {
    const NUMBER: u16 = WATCH;
}

impl Foreign for Watch {
    fn class_name(&self) -> &'static str {
        "Watch"
    }
    fn trace(&self, m: &mut Marker) {
        m.value(self.value);
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
    fn queue(&mut self, _side: u8) -> Option<&mut Queue> {
        Some(&mut self.waiting)
    }
    fn describe(&self) -> String {
        "watch".to_string()
    }
}

fn make_watch(vm: &mut Vm, a: &Args) -> R {
    Ok(vm.heap.numbered(Watch { value: a.get(0), changes: 0, waiting: Queue::default() }))
}

fn watch_get(vm: &mut Vm, a: &Args) -> R {
    Ok(this::<Watch>(vm, a, "Watch")?.value)
}

fn watch_set(vm: &mut Vm, a: &Args) -> R {
    let w = this::<Watch>(vm, a, "Watch")?;
    w.value = a.get(0);
    w.changes += 1;
    vm.heap.barrier(a.this().gc::<ForeignObj>());
    while let Some(n) = a.this().numbered::<Watch>().and_then(|w| vm.front(&w.waiting)) {
        let Some(l) = vm.tasks.live.get(n.task) else { break };
        let epoch = l.epoch;
        vm.wake(n.task, epoch, Wake::Value(a.get(0)));
    }
    Ok(a.get(0))
}

/// Waits for the next `.set`: the new value.
fn watch_changed(vm: &mut Vm, a: &Args) -> R {
    this::<Watch>(vm, a, "Watch")?;
    let us = match a.kw(vm, "timeout") {
        Some(d) => vm.duration_us(d)?,
        None => None,
    };
    vm.check_suspend()?;
    if us == Some(0) {
        return Err(vm.timed_out(0));
    }
    let (key, epoch) = vm.park_anyway(Reason::Wait, a.this())?;
    vm.enqueue(a.this(), 0, key, NO_ARM, Value::NIL);
    if let Some(us) = us {
        vm.wake_at(key, us, Due::Abandon(key, epoch, Span::of(us)));
    }
    Err(Stop::Park)
}

fn watch_changes(vm: &mut Vm, a: &Args) -> R {
    let n = this::<Watch>(vm, a, "Watch")?.changes;
    Ok(vm.int(n as i64))
}

static WATCH_METHODS: &[NativeDef] = &[
    def!(
        "get",
        watch_get,
        0,
        0,
        "(w .get) -- the newest value
        (w .get)"
    ),
    def!(
        "set",
        watch_set,
        1,
        1,
        "(w .set v) -- a new value: who waits for a change gets it; v
        (w .set v)"
    ),
    def!(
        "changed",
        watch_changed,
        0,
        0,
        ["timeout"],
        "(w .changed [^timeout d]) -- waits for the next value
        (w .changed)"
    ),
    def!(
        "changes",
        watch_changes,
        0,
        0,
        "(w .changes) -- how often the value was set
        (w .changes)"
    ),
];

static HIDDEN: &[NativeDef] = &[
    def!("_await_all", await_all, 1, 2, ""),
    def!("_first_settled", first_settled, 1, 2, ""),
    def!("_end_losers", end_losers, 2, 2, ""),
    def!("_exception_group", exception_group, 1, 1, ""),
    def!("_callable", callable, 1, 1, ""),
    def!("_check_options", check_options, 2, 2, ""),
    def!("_check_items", check_items, 2, 3, ""),
];

static ASYNC: &[NativeDef] = &[
    def!(
        "broadcast",
        make_broadcast,
        0,
        1,
        ["on_lag"],
        "(gene/async/broadcast [n] [^on_lag s]) -- sends every value to all subscribers, whose channels hold n
        (gene/async/broadcast)"
    ),
    def!(
        "oneshot",
        |vm, _| Ok(vm.make_oneshot()),
        0,
        0,
        "(gene/async/oneshot) -- a channel for one value, which closes it
        (gene/async/oneshot)"
    ),
    def!(
        "watch",
        make_watch,
        0,
        1,
        "(gene/async/watch v) -- a value whose changes can be waited for
        (gene/async/watch v)"
    ),
];

pub fn install(vm: &mut Vm) {
    let gene = vm.gene_ns;
    let ns = vm.sub_namespace(gene, "async");
    vm.add_functions(ns, ASYNC);
    let g = vm.globals;
    vm.add_functions(g, HIDDEN);
    let c = super::library::numbered(vm, "FutureGroup", GROUP, &[GROUP_METHODS]);
    c.data().construct = Some(make_group);
    let s = vm.symbols.intern_static("FutureGroup");
    vm.heap.namespace_set(gene, s, c.value());
    for (name, number, methods) in [("Broadcast", BROADCAST, BROADCAST_METHODS), ("Watch", WATCH, WATCH_METHODS)] {
        let c = super::library::numbered(vm, name, number, &[methods]);
        let s = vm.symbols.intern_static(name);
        vm.heap.namespace_set(ns, s, c.value());
    }
}
