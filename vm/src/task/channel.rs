//! Channels: queues of values between tasks, with room for a number of them or none (rendezvous).
//!
//! Invariants: receivers wait only while the buffer is empty and nobody sends; senders wait only while the buffer is full. A value
//! goes straight to the first waiting receiver, so nobody can overtake it.
use super::ring::Ring;
use super::timer::{Answer, Due, Span};
use super::wait::{NO_ARM, Node, Queue};
use super::{Reason, Wake};
use crate::def;
use crate::heap::Kind;
use crate::heap::collect::Marker;
use crate::interp::types;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::foreign::{Foreign, ForeignObj, Numbered};
use crate::value::Value;
use crate::vm::Vm;
use std::any::Any;
use std::cell::Cell;
use std::rc::Rc;

/// What a full buffer does to a send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnFull {
    Block,
    DropOldest,
    DropNewest,
    Error,
}

pub struct Channel {
    pub id: u64,
    pub name: Value,
    /// `usize::MAX`: no limit.
    pub capacity: usize,
    buffer: Ring<Value>,
    receivers: Queue,
    senders: Queue,
    pub closed: bool,
    /// Open, takes values of any type and any number of them: what the short ways through sending and receiving ask for.
    simple: bool,
    /// Closes with its first value.
    once: bool,
    /// What receivers get after the last value, nil without.
    error: Value,
    on_full: OnFull,
    /// The record of a type check, nil for anything.
    of: Value,
    /// Handles made by `.clone_sender` that are open; `None` before the first.
    handles: Option<Rc<Cell<usize>>>,
    high: usize,
}

pub const RECEIVERS: u8 = 0;
pub const SENDERS: u8 = 1;

/// How a waiting task wants its answer, in place of an arm.
const PLAIN: u32 = NO_ARM;
/// Receivers: `(Ok v)` and `(Err ...)`. Senders: `(Ok nil)`.
const RESULT: u32 = NO_ARM - 1;
/// Receivers: `not_found` at the end. Senders: `true`.
const OTHER: u32 = NO_ARM - 2;
/// A receiving arm of `select` that does not want to hear of the end.
pub const SKIP_CLOSED: u32 = 1 << 30;

fn is_arm(arm: u32) -> bool {
    arm < OTHER
}

impl Numbered for Channel {
    const NUMBER: u16 = super::CHANNEL;
}

impl Foreign for Channel {
    fn class_name(&self) -> &'static str {
        "Channel"
    }
    fn trace(&self, m: &mut Marker) {
        for v in self.buffer.iter() {
            m.value(v);
        }
        m.values(&[self.name, self.error, self.of]);
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
    fn queue(&mut self, side: u8) -> Option<&mut Queue> {
        Some(if side == RECEIVERS { &mut self.receivers } else { &mut self.senders })
    }
    fn describe(&self) -> String {
        let name = self.name.as_str().map_or(String::new(), |n| format!(" {n:?}"));
        format!("channel #{}{name}", self.id)
    }
}

impl Channel {
    fn new(id: u64, capacity: usize, on_full: OnFull) -> Channel {
        Channel {
            id,
            name: Value::NIL,
            capacity,
            buffer: Ring::default(),
            receivers: Queue::default(),
            senders: Queue::default(),
            closed: false,
            simple: true,
            once: false,
            error: Value::NIL,
            on_full,
            of: Value::NIL,
            handles: None,
            high: 0,
        }
    }
    pub fn len(&self) -> usize {
        self.buffer.len()
    }
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }
    /// Capacity, fill and waiting receivers, for reports.
    pub fn state(&self) -> String {
        if self.closed {
            return "closed".to_string();
        }
        let cap = if self.capacity == usize::MAX { "inf".to_string() } else { self.capacity.to_string() };
        let fill = match self.buffer.len() {
            n if n >= self.capacity && n > 0 => "full".to_string(),
            0 => "empty".to_string(),
            n => format!("{n} items"),
        };
        let receivers = if self.receivers.is_empty() { "0 receivers" } else { "receivers waiting" };
        format!("cap {cap}, {fill}, {receivers}")
    }
    /// A receive would not have to wait for a value.
    #[inline(always)]
    pub(super) fn has_value(&self) -> bool {
        !self.buffer.is_empty() || !self.senders.is_empty()
    }
    /// Whether a receive would not have to wait: for a value (true) or the end (false).
    #[inline(always)]
    pub(super) fn readiness(&self) -> Option<bool> {
        if self.has_value() { Some(true) } else { self.closed.then_some(false) }
    }
    fn full(&self) -> bool {
        self.buffer.len() >= self.capacity
    }
    pub fn orphaned(&self) -> bool {
        !self.closed && self.handles.as_ref().is_some_and(|h| h.get() == 0)
    }
}

/// A handle of `.clone_sender`: the channel closes with the last one.
struct Sender {
    channel: Value,
    open: bool,
    count: Rc<Cell<usize>>,
}

impl Numbered for Sender {
    const NUMBER: u16 = super::SENDER;
}

impl Foreign for Sender {
    fn class_name(&self) -> &'static str {
        "Sender"
    }
    fn trace(&self, m: &mut Marker) {
        m.value(self.channel);
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        if self.open {
            self.count.set(self.count.get() - 1);
        }
    }
}

/// What came of the short way.
enum Short<T> {
    Done(T),
    Parked,
    No,
}

/// What a receive finds.
pub enum Taken {
    Value(Value),
    /// Closed and drained.
    End,
    Empty,
}

impl Vm {
    fn channel_changed(&mut self, ch: Value) {
        self.heap.barrier(ch.gc::<ForeignObj>());
    }

    fn channel_closed(&mut self, c: &Channel) -> Stop {
        let class = self.classes.channel_closed;
        let text = format!("{} is closed", c.describe());
        self.throw_coded(class, "GENE.ASYNC.CLOSED", &text)
    }

    /// `(Ok v)`
    pub(super) fn ok_result(&mut self, v: Value) -> Value {
        let ok = self.result_variant(0);
        types::construct_variant(self, ok, &[v], &[]).unwrap_or(Value::NIL)
    }

    pub(super) fn err_result(&mut self, v: Value) -> Value {
        let err = self.result_variant(1);
        types::construct_variant(self, err, &[v], &[]).unwrap_or(Value::NIL)
    }

    /// ``(Err `name)``
    pub(super) fn err_symbol(&mut self, name: &'static str) -> Value {
        let s = self.symbols.intern_static(name);
        self.err_result(Value::sym(s))
    }

    fn result_variant(&mut self, i: usize) -> Value {
        match self.builtin_enums[0].get::<crate::object::enums::EnumObj>(Kind::Enum) {
            Some(e) => e.data().values[i],
            None => Value::NIL,
        }
    }

    /// Hands a value to the receiver that waits longest.
    fn give(&mut self, q: &mut Queue, v: Value) {
        if !self.give_short(q, v) {
            self.give_slow(q, v);
        }
    }

    /// As [`Vm::give`]. False, and nothing happened, where that takes more.
    #[inline(always)]
    fn give_short(&mut self, q: &mut Queue, v: Value) -> bool {
        let arm = self.tasks.waits.get(q.head).arm;
        (arm == PLAIN || arm == OTHER) && self.wake_first(q, v)
    }

    #[cold]
    #[inline(never)]
    fn give_slow(&mut self, q: &mut Queue, v: Value) {
        let n = *self.tasks.waits.get(q.head);
        let w = match n.arm {
            PLAIN | OTHER => Wake::Value(v),
            RESULT => Wake::Value(self.ok_result(v)),
            arm => Wake::Arm(arm & !SKIP_CLOSED, v, true),
        };
        self.wake_waiting(n, w);
    }

    /// Tells the sender that waits longest that its value was taken.
    fn sent(&mut self, q: &mut Queue) {
        if !self.sent_short(q) {
            self.sent_slow(q);
        }
    }

    /// As [`Vm::sent`]. False, and nothing happened, where that takes more.
    #[inline(always)]
    fn sent_short(&mut self, q: &mut Queue) -> bool {
        self.tasks.waits.get(q.head).arm == PLAIN && self.wake_first(q, Value::NIL)
    }

    #[cold]
    #[inline(never)]
    fn sent_slow(&mut self, q: &mut Queue) {
        let n = *self.tasks.waits.get(q.head);
        let w = match n.arm {
            PLAIN => Wake::Value(Value::NIL),
            OTHER => Wake::Value(Value::TRUE),
            RESULT => Wake::Value(self.ok_result(Value::NIL)),
            arm => Wake::Arm(arm, Value::NIL, true),
        };
        self.wake_waiting(n, w);
    }

    fn wake_waiting(&mut self, n: Node, w: Wake) {
        if let Some(l) = self.tasks.live.get(n.task) {
            let epoch = l.epoch;
            self.wake(n.task, epoch, w);
        }
    }

    /// Sends without waiting: false when there is no room. Raises on a closed channel and on values of a wrong type.
    pub fn channel_offer(&mut self, ch: Value, v: Value) -> Result<bool, Stop> {
        let Some(c) = ch.numbered::<Channel>() else { return Err(self.not_a_channel(ch)) };
        if c.closed {
            return Err(self.channel_closed(c));
        }
        let v = self.channel_accepts(c.of, v)?;
        if c.once {
            return self.send_once(ch, v);
        }
        if !c.receivers.is_empty() {
            self.give(&mut c.receivers, v);
            return Ok(true);
        }
        if !c.full() {
            c.buffer.push_back(v);
            c.high = c.high.max(c.buffer.len());
            self.channel_changed(ch);
            return Ok(true);
        }
        match c.on_full {
            OnFull::Block => Ok(false),
            OnFull::DropNewest => Ok(true),
            OnFull::DropOldest => {
                c.buffer.pop_front();
                c.buffer.push_back(v);
                self.channel_changed(ch);
                Ok(true)
            }
            OnFull::Error => {
                let class = self.classes.busy;
                let text = format!("{} is full", c.describe());
                Err(self.throw_coded(class, "GENE.ASYNC.BUSY", &text))
            }
        }
    }

    /// The one value of a oneshot channel: it closes at once, and others who wait get the end.
    fn send_once(&mut self, ch: Value, v: Value) -> Result<bool, Stop> {
        if let Some(c) = ch.numbered::<Channel>() {
            if c.receivers.is_empty() {
                c.buffer.push_back(v);
                c.high = 1;
            } else {
                self.give(&mut c.receivers, v);
            }
        }
        self.channel_close(ch, Value::NIL);
        Ok(true)
    }

    /// `block`, `drop_oldest`, `drop_newest` or `error`.
    pub(super) fn on_full_argument(&mut self, v: Value, option: &str) -> Result<OnFull, Stop> {
        Ok(match self.word_argument(v).as_deref() {
            Some("block") => OnFull::Block,
            Some("drop_oldest") => OnFull::DropOldest,
            Some("drop_newest") => OnFull::DropNewest,
            Some("error") => OnFull::Error,
            _ => {
                let shown = self.to_debug(v)?;
                return Err(self.argument_error(&format!(
                    "{option} must be \"block\", \"drop_oldest\", \"drop_newest\" or \"error\", got {shown}"
                )));
            }
        })
    }

    /// A channel without a name.
    pub(super) fn make_channel(&mut self, capacity: usize, on_full: OnFull) -> Value {
        let c = Channel::new(self.object_id(), capacity, on_full);
        self.heap.numbered(c)
    }

    pub(super) fn make_oneshot(&mut self) -> Value {
        let c = Channel { once: true, simple: false, ..Channel::new(self.object_id(), 1, OnFull::Block) };
        self.heap.numbered(c)
    }

    #[inline]
    fn channel_accepts(&mut self, of: Value, v: Value) -> R {
        if of.is_nil() { Ok(v) } else { self.channel_check(of, v) }
    }

    #[cold]
    fn channel_check(&mut self, of: Value, v: Value) -> R {
        if types::is_type(self, v, of)? {
            return Ok(v);
        }
        let expected = match of.get::<crate::object::class::ClassObj>(Kind::Class) {
            Some(c) => self.sym_name(c.data().name).to_string(),
            None => self.to_debug(of)?,
        };
        let got = self.kind_name(v);
        Err(self.type_error(&format!("Type error [GENE_TYPE_MISMATCH]: expected {expected}, got {got} in channel")))
    }

    /// The usual send, in short: the value goes to a waiting receiver or into the buffer, or the task waits. Nothing has
    /// happened where there is more to see to: [`send_as`] is the whole way.
    #[inline(always)]
    fn send_short(&mut self, ch: Value, v: Value) -> Short<()> {
        let Some(c) = ch.numbered::<Channel>() else { return Short::No };
        if !c.simple || self.tasks.cancels != 0 || self.tasks.budget == 0 {
            return Short::No;
        }
        if !c.receivers.is_empty() {
            if !self.give_short(&mut c.receivers, v) {
                return Short::No;
            }
        } else if c.buffer.len() < c.capacity {
            if ch.gc::<ForeignObj>().header().needs_log() || !c.buffer.try_push(v) {
                return Short::No;
            }
            c.high = c.high.max(c.buffer.len());
        } else if c.on_full == OnFull::Block && self.park_in(Reason::Send, &mut c.senders, ch, SENDERS, PLAIN, v) {
            return Short::Parked;
        } else {
            return Short::No;
        }
        self.tasks.budget -= 1;
        Short::Done(())
    }

    /// The usual receive, in short: a value that is there, or the task waits for one. Nothing has happened where there is more to
    /// see to: [`take_as`] is the whole way.
    #[inline(always)]
    fn take_short(&mut self, ch: Value, how: u32) -> Short<Value> {
        let Some(c) = ch.numbered::<Channel>() else { return Short::No };
        if self.tasks.cancels != 0 || self.tasks.budget == 0 {
            return Short::No;
        }
        let v = match self.take_there(ch, c) {
            Some(v) => v,
            None if c.simple
                && !c.has_value()
                && self.park_in(Reason::Recv, &mut c.receivers, ch, RECEIVERS, how, Value::NIL) =>
            {
                return Short::Parked;
            }
            None => return Short::No,
        };
        self.tasks.budget -= 1;
        Short::Done(v)
    }

    /// Receives without waiting.
    pub fn channel_take(&mut self, ch: Value) -> Taken {
        let Some(c) = ch.numbered::<Channel>() else { return Taken::Empty };
        match c.buffer.pop_front() {
            Some(v) if c.senders.is_empty() => Taken::Value(v),
            Some(v) => {
                // Room: the first waiting sender's value moves up.
                c.buffer.push_back(self.tasks.waits.get(c.senders.head).value);
                self.channel_changed(ch);
                self.sent(&mut c.senders);
                Taken::Value(v)
            }
            None if !c.senders.is_empty() => {
                let v = self.tasks.waits.get(c.senders.head).value;
                self.sent(&mut c.senders);
                Taken::Value(v)
            }
            None if c.closed => Taken::End,
            None => Taken::Empty,
        }
    }

    /// As [`Vm::channel_take`]. `None`, and nothing happened, where there is no value or to take it needs more.
    #[inline(always)]
    pub(super) fn take_there(&mut self, ch: Value, c: &mut Channel) -> Option<Value> {
        if c.senders.is_empty() {
            return c.buffer.pop_front();
        }
        let v = self.tasks.waits.get(c.senders.head).value;
        if c.buffer.is_empty() {
            return self.sent_short(&mut c.senders).then_some(v);
        }
        if !c.buffer.is_filled() || ch.gc::<ForeignObj>().header().needs_log() || !self.sent_short(&mut c.senders) {
            return None;
        }
        let first = c.buffer.pop_front();
        let there = c.buffer.try_push(v);
        debug_assert!(there, "one place was given up");
        first
    }

    /// The error receivers get after the last value.
    pub(super) fn channel_error(&self, ch: Value) -> Value {
        ch.numbered::<Channel>().map_or(Value::NIL, |c| c.error)
    }

    /// Whether a send would not have to wait. A closed channel is ready to refuse.
    pub(super) fn channel_has_room(&self, ch: Value) -> bool {
        ch.numbered::<Channel>()
            .is_some_and(|c| c.closed || !c.receivers.is_empty() || !c.full() || c.on_full != OnFull::Block)
    }

    pub(super) fn not_a_channel(&mut self, v: Value) -> Stop {
        let k = self.kind_name(v);
        self.type_error(&format!("expected a Channel, got {k}"))
    }

    /// Closes a channel: waiting receivers get the end, waiting senders an exception and their values go nowhere. Idempotent.
    pub fn channel_close(&mut self, ch: Value, error: Value) {
        let Some(c) = ch.numbered::<Channel>() else { return };
        if c.closed {
            return;
        }
        c.closed = true;
        c.simple = false;
        c.error = error;
        self.channel_changed(ch);
        let _ = self.channel_closed(c);
        let refusal = std::mem::replace(&mut self.exception, Value::UNDEF);
        while let Some(n) = ch.numbered::<Channel>().and_then(|c| self.front(&c.receivers)) {
            let epoch = self.tasks.live.get(n.task).map_or(0, |l| l.epoch);
            let w = match n.arm {
                RESULT if error.is_nil() => Wake::Value(self.err_symbol("closed")),
                RESULT => Wake::Value(self.err_result(error)),
                arm if is_arm(arm) && arm & SKIP_CLOSED != 0 => {
                    // The arm is out; the last one of a select without a time limit ends it.
                    if let Some(q) = ch.numbered::<Channel>().map(|c| c.receivers) {
                        self.unlink_front(&q);
                    }
                    if !self.tasks.live.get(n.task).is_some_and(|l| l.waits != 0 || l.timer != 0) {
                        self.wake(n.task, epoch, Wake::Throw(refusal));
                    }
                    continue;
                }
                _ if !error.is_nil() => Wake::Throw(error),
                arm if is_arm(arm) => Wake::Arm(arm, Value::NIL, false),
                OTHER => Wake::Value(Value::NOT_FOUND),
                _ => Wake::Value(Value::NIL),
            };
            self.wake(n.task, epoch, w);
        }
        while let Some(n) = ch.numbered::<Channel>().and_then(|c| self.front(&c.senders)) {
            let epoch = self.tasks.live.get(n.task).map_or(0, |l| l.epoch);
            let w = if n.arm == RESULT { Wake::Value(self.err_symbol("closed")) } else { Wake::Throw(refusal) };
            self.wake(n.task, epoch, w);
        }
    }
}

fn channel<'a>(vm: &mut Vm, v: Value) -> Result<(Value, &'a mut Channel), Stop> {
    if let Some(c) = v.numbered::<Channel>() {
        return Ok((v, c));
    }
    let v = match v.numbered::<Sender>() {
        Some(s) if s.open => s.channel,
        Some(s) => {
            let c = s.channel.numbered::<Channel>();
            return Err(match c {
                Some(c) => vm.channel_closed(c),
                None => vm.not_a_channel(v),
            });
        }
        None => v,
    };
    match v.numbered::<Channel>() {
        Some(c) => Ok((v, c)),
        None => Err(vm.not_a_channel(v)),
    }
}

/// `(channel)`, `(channel 10)`, `(channel ^of Int 10)`, `(channel ^capacity 10 ^on_full "block" ^name "jobs")`
pub(super) fn make(vm: &mut Vm, a: &Args) -> R {
    let mut rest = a.rest();
    // `^of Int 10`: the keyword takes its value, the capacity stands alone.
    let of = a.kw(vm, "of").unwrap_or(Value::NIL);
    let given = a.kw(vm, "capacity").or_else(|| rest.first().copied());
    if !rest.is_empty() {
        rest = &rest[1..];
    }
    if !rest.is_empty() {
        return Err(vm.argument_error("channel expects one capacity"));
    }
    let capacity = match given {
        None => 0,
        Some(v) if v.as_float() == Some(f64::INFINITY) => usize::MAX,
        Some(v) => vm.count_argument(v, "capacity", 0)?,
    };
    let on_full = match a.kw(vm, "on_full") {
        None => OnFull::Block,
        Some(v) => vm.on_full_argument(v, "on_full")?,
    };
    if capacity == 0 && on_full == OnFull::DropOldest {
        return Err(vm.argument_error("on_full \"drop_oldest\" needs a capacity of at least 1"));
    }
    let name = a.kw(vm, "name").unwrap_or(Value::NIL);
    let c = Channel { name, of, simple: of.is_nil(), ..Channel::new(vm.object_id(), capacity, on_full) };
    Ok(vm.heap.numbered(c))
}

fn send_as(vm: &mut Vm, this: Value, v: Value, how: u32, limit: Option<u64>) -> R {
    let (ch, c) = channel(vm, this)?;
    let of = c.of;
    vm.checkpoint()?;
    if vm.channel_offer(ch, v)? {
        let v = match how {
            OTHER => Value::TRUE,
            RESULT => vm.ok_result(Value::NIL),
            _ => Value::NIL,
        };
        return vm.ready_op(v);
    }
    if limit == Some(0) {
        return match how {
            OTHER => Ok(Value::FALSE),
            RESULT => Ok(vm.err_symbol("timeout")),
            _ => Err(vm.timed_out(0)),
        };
    }
    let v = vm.channel_accepts(of, v)?;
    let (key, epoch) = vm.park_anyway(Reason::Send, ch)?;
    vm.enqueue(ch, SENDERS, key, how, v);
    if let Some(us) = limit {
        let due = match how {
            OTHER => Due::Answer(key, epoch, Answer::False),
            RESULT => Due::Answer(key, epoch, Answer::Timeout),
            _ => Due::Abandon(key, epoch, Span::of(us)),
        };
        vm.wake_at(key, us, due);
    }
    Err(Stop::Park)
}

fn limit(vm: &mut Vm, a: &Args) -> Result<Option<u64>, Stop> {
    match a.kw(vm, "timeout") {
        Some(d) => vm.duration_us(d),
        None => Ok(None),
    }
}

fn send(vm: &mut Vm, a: &Args) -> R {
    match limit(vm, a)? {
        None => send_one(vm, a.this(), a.get(0)),
        limit => send_as(vm, a.this(), a.get(0), PLAIN, limit),
    }
}
fn send_one(vm: &mut Vm, this: Value, v: Value) -> R {
    match vm.send_short(this, v) {
        Short::Done(()) => Ok(Value::NIL),
        Short::Parked => Err(Stop::Park),
        Short::No => send_whole(vm, this, v),
    }
}
#[cold]
#[inline(never)]
fn send_whole(vm: &mut Vm, this: Value, v: Value) -> R {
    send_as(vm, this, v, PLAIN, None)
}
fn send_result(vm: &mut Vm, a: &Args) -> R {
    let limit = limit(vm, a)?;
    vm.checkpoint()?;
    let (_, c) = match channel(vm, a.this()) {
        Ok(c) => c,
        Err(_) => return closed_result(vm),
    };
    if c.closed {
        return closed_result(vm);
    }
    if c.on_full == OnFull::Error && c.full() && c.receivers.is_empty() {
        return Ok(vm.err_symbol("busy"));
    }
    send_as(vm, a.this(), a.get(0), RESULT, limit)
}
/// `(Ok nil)`, or ``(Err `full)`` without waiting.
fn try_send_result(vm: &mut Vm, a: &Args) -> R {
    vm.checkpoint()?;
    match channel(vm, a.this()) {
        Ok((_, c)) if !c.closed => {}
        _ => return closed_result(vm),
    }
    let sent = try_send(vm, a)?;
    Ok(if sent == Value::TRUE { vm.ok_result(Value::NIL) } else { vm.err_symbol("full") })
}
fn closed_result(vm: &mut Vm) -> R {
    vm.exception = Value::UNDEF;
    Ok(vm.err_symbol("closed"))
}
fn try_send(vm: &mut Vm, a: &Args) -> R {
    let (ch, c) = channel(vm, a.this())?;
    vm.checkpoint()?;
    if c.on_full == OnFull::Error && !c.closed && c.full() && c.receivers.is_empty() {
        return Ok(Value::FALSE);
    }
    let sent = vm.channel_offer(ch, a.get(0))?;
    vm.ready_op(Value::bool(sent))
}
fn send_timeout(vm: &mut Vm, a: &Args) -> R {
    let us = vm.duration_us(a.get(1))?;
    send_as(vm, a.this(), a.get(0), OTHER, us)
}

/// The iterator protocol's `next`, for loops over a channel.
#[inline]
pub fn next_of(vm: &mut Vm, ch: Value) -> R {
    match vm.take_short(ch, OTHER) {
        Short::Done(v) => return Ok(v),
        Short::Parked => return Err(Stop::Park),
        Short::No => {}
    }
    next_whole(vm, ch)
}
#[cold]
#[inline(never)]
fn next_whole(vm: &mut Vm, ch: Value) -> R {
    take_as(vm, ch, OTHER, None, Answer::False)
}

fn recv_as(vm: &mut Vm, a: &Args, how: u32, limit: Option<u64>, expired: Answer) -> R {
    let (ch, _) = channel(vm, a.this())?;
    take_as(vm, ch, how, limit, expired)
}

fn take_as(vm: &mut Vm, ch: Value, how: u32, limit: Option<u64>, expired: Answer) -> R {
    vm.checkpoint()?;
    match vm.channel_take(ch) {
        Taken::Value(v) => {
            let v = if how == RESULT { vm.ok_result(v) } else { v };
            return vm.ready_op(v);
        }
        Taken::End => {
            let error = vm.channel_error(ch);
            return match how {
                RESULT if error.is_nil() => Ok(vm.err_symbol("closed")),
                RESULT => Ok(vm.err_result(error)),
                _ if !error.is_nil() => {
                    vm.exception = error;
                    Err(Stop::Throw)
                }
                OTHER => Ok(Value::NOT_FOUND),
                _ => Ok(Value::NIL),
            };
        }
        Taken::Empty => {}
    }
    if limit == Some(0) {
        return match (how, expired) {
            (RESULT, _) => Ok(vm.err_symbol("empty")),
            (_, Answer::Nil) => Ok(Value::NIL),
            _ => Err(vm.timed_out(0)),
        };
    }
    let (key, epoch) = vm.park_anyway(Reason::Recv, ch)?;
    vm.enqueue(ch, RECEIVERS, key, how, Value::NIL);
    if let Some(us) = limit {
        let due = match (how, expired) {
            (RESULT, _) => Due::Answer(key, epoch, Answer::Timeout),
            (_, Answer::Nil) => Due::Answer(key, epoch, Answer::Nil),
            _ => Due::Abandon(key, epoch, Span::of(us)),
        };
        vm.wake_at(key, us, due);
    }
    Err(Stop::Park)
}

impl Vm {
    /// Throws a TimeoutException of an operation that must not wait.
    pub(super) fn timed_out(&mut self, us: u64) -> Stop {
        let ex = self.timeout_exception(Some(us));
        self.exception = ex;
        Stop::Throw
    }
}

fn recv(vm: &mut Vm, a: &Args) -> R {
    match limit(vm, a)? {
        None => recv_one(vm, a.this(), Value::NIL),
        limit => recv_as(vm, a, PLAIN, limit, Answer::False),
    }
}
fn recv_one(vm: &mut Vm, this: Value, _: Value) -> R {
    match vm.take_short(this, PLAIN) {
        Short::Done(v) => Ok(v),
        Short::Parked => Err(Stop::Park),
        Short::No => recv_whole(vm, this),
    }
}
#[cold]
#[inline(never)]
fn recv_whole(vm: &mut Vm, this: Value) -> R {
    let (ch, _) = channel(vm, this)?;
    take_as(vm, ch, PLAIN, None, Answer::False)
}
fn try_recv(vm: &mut Vm, a: &Args) -> R {
    recv_as(vm, a, PLAIN, Some(0), Answer::Nil)
}
fn recv_timeout(vm: &mut Vm, a: &Args) -> R {
    let us = vm.duration_us(a.get(0))?;
    recv_as(vm, a, PLAIN, us, Answer::Nil)
}
fn recv_result(vm: &mut Vm, a: &Args) -> R {
    let limit = limit(vm, a)?;
    recv_as(vm, a, RESULT, limit, Answer::Timeout)
}
fn try_recv_result(vm: &mut Vm, a: &Args) -> R {
    recv_as(vm, a, RESULT, Some(0), Answer::Timeout)
}
/// The iterator protocol: `not_found` at the end.
fn next(vm: &mut Vm, a: &Args) -> R {
    recv_as(vm, a, OTHER, None, Answer::False)
}
fn close(vm: &mut Vm, a: &Args) -> R {
    let error = if a.get(0).is_nil() { Value::NIL } else { vm.exception_from(a.get(0)) };
    if let Some(s) = a.this().numbered::<Sender>() {
        if s.open {
            s.open = false;
            s.count.set(s.count.get() - 1);
            if s.count.get() == 0 || !error.is_nil() {
                vm.channel_close(s.channel, error);
            }
        }
        return Ok(Value::NIL);
    }
    let (ch, _) = channel(vm, a.this())?;
    vm.channel_close(ch, error);
    Ok(Value::NIL)
}
fn closed(vm: &mut Vm, a: &Args) -> R {
    if let Some(s) = a.this().numbered::<Sender>() {
        let all = s.channel.numbered::<Channel>().is_some_and(|c| c.closed);
        return Ok(Value::bool(all || !s.open));
    }
    let (_, c) = channel(vm, a.this())?;
    Ok(Value::bool(c.closed))
}
fn len(vm: &mut Vm, a: &Args) -> R {
    let (_, c) = channel(vm, a.this())?;
    Ok(Value::small(c.len() as i64))
}
fn capacity(vm: &mut Vm, a: &Args) -> R {
    let (_, c) = channel(vm, a.this())?;
    Ok(if c.capacity == usize::MAX { Value::float(f64::INFINITY) } else { vm.int(c.capacity as i64) })
}
fn name(vm: &mut Vm, a: &Args) -> R {
    let (_, c) = channel(vm, a.this())?;
    Ok(c.name)
}
fn high(vm: &mut Vm, a: &Args) -> R {
    let (_, c) = channel(vm, a.this())?;
    Ok(Value::small(c.high as i64))
}
fn waiting(vm: &mut Vm, a: &Args, side: u8) -> R {
    let (_, c) = channel(vm, a.this())?;
    let q = if side == RECEIVERS { c.receivers } else { c.senders };
    Ok(Value::small(vm.waiting(&q) as i64))
}
fn clone_sender(vm: &mut Vm, a: &Args) -> R {
    let (ch, c) = channel(vm, a.this())?;
    if c.closed {
        return Err(vm.channel_closed(c));
    }
    let count = c.handles.get_or_insert_default().clone();
    count.set(count.get() + 1);
    Ok(vm.heap.numbered(Sender { channel: ch, open: true, count }))
}

pub static SENDING: &[NativeDef] = &[
    def!(
        quick send_one,
        "send",
        send,
        1,
        ["timeout"],
        "(ch .send v [^timeout d]) -- hands v over or waits for room; nil.
        (ch .send v)"
    ),
    def!(
        "try_send",
        try_send,
        1,
        1,
        "(ch .try_send v) -- sends without waiting: true, or false when full.
        (ch .try_send v)"
    ),
    def!(
        "send_timeout",
        send_timeout,
        2,
        2,
        "(ch .send_timeout v d) -- true, or false when d is over.
        (ch .send_timeout v d)"
    ),
    def!(
        "try_send_result",
        try_send_result,
        1,
        1,
        "(ch .try_send_result v) -- (Ok nil), (Err `full) or (Err `closed).
        ((channel) .try_send_result 1) => (Result/Err full)"
    ),
    def!(
        "send_result",
        send_result,
        1,
        1,
        ["timeout"],
        "(ch .send_result v) -- (Ok nil), or (Err `closed), (Err `timeout), (Err `busy) when full and ^on_full is error.
        (ch .send_result v)"
    ),
    def!(
        "close",
        close,
        0,
        1,
        "(ch .close [error]) -- ends the channel; what is in it can still be received.
        (ch .close)"
    ),
    def!(
        "closed?",
        closed,
        0,
        0,
        "(ch .closed?) -- whether the channel was closed.
        (ch .closed?)"
    ),
    def!(
        "name",
        name,
        0,
        0,
        "(ch .name) -- the name given with ^name.
        (ch .name)"
    ),
    def!(
        "clone_sender",
        clone_sender,
        0,
        0,
        "(ch .clone_sender) -- a sending handle; the channel closes with the last one.
        (ch .clone_sender)"
    ),
];

pub static METHODS: &[NativeDef] = &[
    def!(
        quick recv_one,
        "recv",
        recv,
        0,
        ["timeout"],
        "(ch .recv [^timeout d]) -- the next value; nil when closed and drained.
        (ch .recv)"
    ),
    def!(
        "try_recv",
        try_recv,
        0,
        0,
        "(ch .try_recv) -- the next value, or nil without waiting.
        (ch .try_recv)"
    ),
    def!(
        "recv_timeout",
        recv_timeout,
        1,
        1,
        "(ch .recv_timeout d) -- the next value, or nil when d is over.
        (ch .recv_timeout d)"
    ),
    def!(
        "recv_result",
        recv_result,
        0,
        0,
        ["timeout"],
        "(ch .recv_result [^timeout d]) -- (Ok v), (Err `closed), (Err `timeout), (Err `empty).
        (ch .recv_result)"
    ),
    def!(
        "try_recv_result",
        try_recv_result,
        0,
        0,
        "(ch .try_recv_result) -- (Ok v), (Err `empty) or (Err `closed).
        (ch .try_recv_result)"
    ),
    def!(
        "next",
        next,
        0,
        0,
        "(ch .next) -- the next value; not_found when closed and drained.
        (ch .next)"
    ),
    def!(
        "len",
        len,
        0,
        0,
        "(ch .len) -- values in the buffer.
        (ch .len)"
    ),
    def!(
        "size",
        len,
        0,
        0,
        "(ch .size) -- values in the buffer.
        (ch .size)"
    ),
    def!(
        "capacity",
        capacity,
        0,
        0,
        "(ch .capacity) -- how many values it holds before senders wait.
        (ch .capacity)"
    ),
    def!(
        "high_water",
        high,
        0,
        0,
        "(ch .high_water) -- the most values it ever held.
        (ch .high_water)"
    ),
    def!(
        "receivers",
        |vm, a| waiting(vm, a, RECEIVERS),
        0,
        0,
        "(ch .receivers) -- tasks waiting to receive.
        (ch .receivers)"
    ),
    def!(
        "senders",
        |vm, a| waiting(vm, a, SENDERS),
        0,
        0,
        "(ch .senders) -- tasks waiting to send.
        (ch .senders)"
    ),
];

pub static GLOBALS: &[NativeDef] = &[def!(
    "channel",
    make,
    0,
    2,
    ["capacity", "on_full", "name", "of"],
    "(channel [n] [^on_full s] [^name s] [^of T]) -- a channel with room for n values; without n both sides meet.
        (do (var ch (channel 1)) (ch .send 5) (ch .recv)) => 5"
)];
