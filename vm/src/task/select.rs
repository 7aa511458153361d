//! `select`: waits for the first of several sources.
//!
//! All arms are looked at in one instant. Several that are ready are drawn from by chance (`^^biased`: the first). When none is,
//! the task registers with all sources at once; whoever comes first commits its arm and takes the other registrations out.
use super::channel::{RECEIVERS, SENDERS, SKIP_CLOSED, Taken};
use super::future::State;
use super::ticker::Ticker;
use super::timer::Due;
use super::{Reason, channel::Channel};
use crate::def;
use crate::heap::Kind;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::array::Array;
use crate::value::Value;
use crate::vm::Vm;

const BIASED: i64 = 1;
const SKIP: i64 = 2;
const HAS_ELSE: i64 = 4;
const HAS_TIMEOUT: i64 = 8;
const HAS_SEND: i64 = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    From,
    Send,
}

#[derive(Clone, Copy)]
struct Arm {
    side: Side,
    source: Value,
    value: Value,
}

/// The arms of one `select`, as they stand in registers.
#[derive(Clone, Copy)]
enum Arms<'a> {
    /// Receiving ones: their sources.
    From(&'a [Value]),
    /// Kind, source and value of each.
    Mixed(&'a [Value]),
}

impl Arms<'_> {
    #[inline(always)]
    fn len(self) -> usize {
        match self {
            Arms::From(v) => v.len(),
            Arms::Mixed(v) => v.len() / 3,
        }
    }
    #[inline(always)]
    fn get(self, i: usize) -> Arm {
        match self {
            Arms::From(v) => Arm { side: Side::From, source: v[i], value: Value::NIL },
            Arms::Mixed(v) => {
                let side = if v[i * 3].small_int() == 1 { Side::Send } else { Side::From };
                Arm { side, source: v[i * 3 + 1], value: v[i * 3 + 2] }
            }
        }
    }
}

impl Arms<'_> {
    /// Which arms have a value to take, one bit each, and how many; `None` where that needs a closer look: not all of them receive from open
    /// channels, or they are many.
    #[inline(always)]
    fn of_open_channels(self) -> Option<(u64, usize)> {
        let Arms::From(sources) = self else { return None };
        if sources.len() > 64 {
            return None;
        }
        // Counted here: not every processor that the binary is for counts bits in one instruction.
        let (mut bits, mut count) = (0, 0);
        for (i, source) in sources.iter().enumerate() {
            let c = source.numbered::<Channel>().filter(|c| !c.closed)?;
            let ready = c.has_value();
            bits |= (ready as u64) << i;
            count += ready as usize;
        }
        Some((bits, count))
    }
}

/// How an arm stands at the instant of looking.
enum Look {
    Ready,
    /// A closed receive arm under `^^skip_closed`.
    Skipped,
    Waits,
}

impl Vm {
    #[inline(always)]
    fn look(&mut self, arm: Arm, skip: bool) -> Result<Look, Stop> {
        match arm.source.numbered::<Channel>() {
            Some(c) if arm.side == Side::From => Ok(match c.readiness() {
                None => Look::Waits,
                Some(false) if skip => Look::Skipped,
                Some(_) => Look::Ready,
            }),
            _ => self.look_further(&arm, skip),
        }
    }

    #[inline(never)]
    fn look_further(&mut self, arm: &Arm, skip: bool) -> Result<Look, Stop> {
        let v = arm.source;
        if arm.side == Side::Send {
            if v.numbered::<Channel>().is_none() {
                return Err(self.not_a_channel(v));
            }
            return Ok(if self.channel_has_room(v) { Look::Ready } else { Look::Waits });
        }
        if v.is_future() {
            v.as_gc().observe();
            return Ok(if v.as_gc().state() == State::Pending { Look::Waits } else { Look::Ready });
        }
        if v.numbered::<Ticker>().is_some() {
            let now = self.driver.now_us();
            return Ok(match self.ticker_due(v) {
                Some(at) if at <= now => Look::Ready,
                Some(_) => Look::Waits,
                None if skip => Look::Skipped,
                None => Look::Ready,
            });
        }
        let k = self.kind_name(v);
        Err(self.type_error(&format!("select cannot wait for {k}")))
    }

    /// Carries out a ready arm: value and openness.
    fn commit(&mut self, arm: Arm) -> Result<(Value, bool), Stop> {
        let v = arm.source;
        if arm.side == Side::Send {
            self.channel_offer(v, arm.value)?;
            return Ok((Value::NIL, true));
        }
        if v.is_future() {
            let g = v.as_gc();
            return match g.state() {
                State::Success | State::Pending => Ok((g.value, true)),
                _ => {
                    self.exception = g.value;
                    Err(Stop::Throw)
                }
            };
        }
        if v.numbered::<Ticker>().is_some() {
            return Ok(match self.ticker_take(v) {
                Some(t) => (t, true),
                None => (Value::NIL, false),
            });
        }
        match self.channel_take(v) {
            Taken::Value(v) => Ok((v, true)),
            _ => {
                let error = self.channel_error(v);
                if error.is_nil() {
                    return Ok((Value::NIL, false));
                }
                self.exception = error;
                Err(Stop::Throw)
            }
        }
    }

    /// The number of the committed arm, what it gave being in `tasks.given`; behind the arms: timeout or else. A task that had to wait
    /// or to let others run gets the number later, and what the arm gave from [`taken`].
    fn select(&mut self, arms: Arms, flags: i64, limit: Option<u64>) -> R {
        self.checkpoint()?;
        let n = arms.len();
        let skip = flags & SKIP != 0;
        let (mut ready, mut skipped, mut last_ready) = (0, 0, 0);
        // Which of the first 64 are ready.
        let mut bits = 0u64;
        let open = arms.of_open_channels();
        if let Some(values) = open {
            (bits, ready) = values;
        }
        let left = if open.is_some() { n..n } else { 0..n };
        for i in left {
            match self.look(arms.get(i), skip)? {
                Look::Ready => {
                    if i < 64 {
                        bits |= 1 << i;
                    }
                    // Behind them, each ready arm with the same chance in one pass.
                    ready += 1;
                    if i >= 64 && (ready == 1 || flags & BIASED == 0 && self.tasks.choose(ready) == 0) {
                        last_ready = i;
                        bits = 0;
                    }
                }
                Look::Skipped => skipped += 1,
                Look::Waits => {}
            }
        }
        if ready > 0 {
            let i = if bits == 0 {
                last_ready
            } else {
                if flags & BIASED == 0 {
                    let among = if open.is_some() { ready } else { bits.count_ones() as usize };
                    for _ in 0..self.tasks.choose(among) {
                        bits &= bits - 1;
                    }
                }
                bits.trailing_zeros() as usize
            };
            self.tasks.given = self.commit(arms.get(i))?;
            return self.committed(i);
        }
        if flags & HAS_ELSE != 0 || limit == Some(0) {
            self.tasks.given = (Value::NIL, false);
            return self.committed(n);
        }
        if skip && skipped == n && n > 0 {
            let c = self.classes.channel_closed;
            return Err(self.throw_coded(c, "GENE.ASYNC.CLOSED", "all channels of the select are closed"));
        }
        // What it waits for is in the registrations.
        let (key, epoch) = self.park_anyway(Reason::Select, Value::NIL)?;
        let mut tick: Option<(u64, u32)> = None;
        // In order: of two arms on one source the first is served first.
        for i in 0..n {
            let arm = arms.get(i);
            let i = i as u32;
            if arm.side == Side::Send {
                self.enqueue(arm.source, SENDERS, key, i, arm.value);
            } else if arm.source.numbered::<Channel>().is_some() {
                self.enqueue(arm.source, RECEIVERS, key, if skip { i | SKIP_CLOSED } else { i }, Value::NIL);
            } else if arm.source.is_future() {
                self.wait_for(arm.source, key, i);
            } else {
                self.enqueue(arm.source, 0, key, i, Value::NIL);
                if let Some(at) = self.ticker_due(arm.source)
                    && tick.is_none_or(|t| at < t.0)
                {
                    tick = Some((at, i));
                }
            }
        }
        let end = limit.map(|us| self.driver.now_us().saturating_add(us));
        // The first of a tick and the time limit; a tick of the same instant wins.
        match (tick, end) {
            (Some((at, i)), end) if end.is_none_or(|e| at <= e) => {
                self.wake_at_time(key, at, Due::Tick(key, epoch, i));
            }
            (_, Some(end)) => self.wake_at_time(key, end, Due::Arm(key, epoch, n as u32)),
            _ => {}
        }
        Err(Stop::Park)
    }

    /// Nothing had to be waited for: the others run after a number of such operations.
    #[inline(always)]
    fn committed(&mut self, arm: usize) -> R {
        let arm = Value::small(arm as i64);
        if self.tasks.budget > 0 {
            self.tasks.budget -= 1;
            return Ok(arm);
        }
        self.keep_given();
        self.ready_op(arm)
    }

    /// Leaves what the committed arm gave with the task, for [`taken`].
    pub(crate) fn keep_given(&mut self) {
        let (v, open) = self.tasks.given;
        self.keep(v, open);
    }

    /// What a parked task is registered with, in order.
    pub fn wait_objects(&self, key: super::TaskKey) -> Vec<Value> {
        let Some(l) = self.tasks.live.get(key) else { return Vec::new() };
        if let Some(a) = l.on.get::<Array>(Kind::Array) {
            return a.as_slice().to_vec();
        }
        if !l.on.is_nil() {
            return vec![l.on];
        }
        let mut out = Vec::new();
        let mut i = l.waits;
        while i != 0 {
            out.push(self.tasks.waits.get(i).owner);
            i = self.tasks.waits.sibling(i);
        }
        // The newest registration stands first in the chain.
        out.reverse();
        out
    }

    /// The source of one arm of a parked `select`.
    pub(super) fn arm_source(&self, key: super::TaskKey, arm: u32) -> Value {
        let mut i = self.tasks.live.get(key).map_or(0, |l| l.waits);
        while i != 0 {
            let n = self.tasks.waits.get(i);
            if n.arm == arm {
                return n.owner;
            }
            i = self.tasks.waits.sibling(i);
        }
        Value::NIL
    }

    pub(super) fn wake_at_time(&mut self, key: super::TaskKey, at: u64, due: Due) {
        let id = self.tasks.timers.add(at, due);
        if let Some(l) = self.tasks.live.get_mut(key) {
            l.timer = id;
        }
    }

    /// Leaves an arm's value with the task.
    fn keep(&mut self, v: Value, open: bool) {
        if let Some(mut t) = self.task_of(self.cur) {
            t.result = v;
            t.peeked = open;
            self.heap.barrier(t);
        }
    }
}

/// `select` with operands as the instruction has them: the arms, then the limit when there is one.
#[inline]
pub fn of_operands(vm: &mut Vm, flags: i64, operands: &[Value]) -> R {
    let (arms, limit) = match operands {
        [arms @ .., last] if flags & HAS_TIMEOUT != 0 => (arms, vm.duration_us(*last)?),
        arms => (arms, None),
    };
    vm.select(if flags & HAS_SEND == 0 { Arms::From(arms) } else { Arms::Mixed(arms) }, flags, limit)
}

/// [`of_operands`] in short: arms that receive from open channels, of which some have a value. The number of the arm, what it gave
/// being in `tasks.given`. Nothing has happened where there is more to see to.
#[inline(always)]
pub fn quick(vm: &mut Vm, flags: i64, sources: &[Value]) -> Option<usize> {
    if flags & (HAS_SEND | HAS_TIMEOUT) != 0 || vm.tasks.cancels != 0 || vm.tasks.budget == 0 {
        return None;
    }
    let (mut bits, ready) = Arms::From(sources).of_open_channels()?;
    if ready == 0 {
        return None;
    }
    if flags & BIASED == 0 {
        for _ in 0..vm.tasks.choose(ready) {
            bits &= bits - 1;
        }
    }
    let arm = bits.trailing_zeros() as usize;
    let ch = sources[arm];
    let v = match ch.numbered::<Channel>().and_then(|c| vm.take_there(ch, c)) {
        Some(v) => v,
        // It was drawn, so it must be taken.
        None => match vm.channel_take(ch) {
            Taken::Value(v) => v,
            _ => return None,
        },
    };
    vm.tasks.given = (v, true);
    vm.tasks.budget -= 1;
    Some(arm)
}

/// `(%select flags limit source ...)`, with sending arms `(%select flags limit kind source value ...)`
fn select_form(vm: &mut Vm, a: &Args) -> R {
    let flags = a.get(0).small_int();
    let mut operands = a.rest()[2..].to_vec();
    if flags & HAS_TIMEOUT != 0 {
        operands.push(a.get(1));
    }
    let arm = of_operands(vm, flags, &operands)?;
    vm.keep_given();
    Ok(arm)
}

/// The value of the arm that was committed last, which is forgotten with that; or whether its source was open.
#[inline]
pub fn taken(vm: &mut Vm, open: bool) -> Value {
    match vm.task_of(vm.cur) {
        Some(t) if open => Value::bool(t.peeked),
        Some(mut t) => std::mem::replace(&mut t.result, Value::NIL),
        None => Value::NIL,
    }
}

fn take_value(vm: &mut Vm, _a: &Args) -> R {
    Ok(taken(vm, false))
}

/// `(_select_of channels limit)`: the function form without its answer.
fn select_check(vm: &mut Vm, a: &Args) -> R {
    let list = a.get(0);
    let Some(items) = list.get::<Array>(Kind::Array) else {
        let k = vm.kind_name(list);
        return Err(vm.type_error(&format!("select expects an Array of channels, got {k}")));
    };
    if items.size() == 0 {
        return Err(vm.argument_error("select needs at least one channel"));
    }
    for i in 0..items.size() {
        let v = items.as_slice()[i];
        if v.numbered::<Channel>().is_none() {
            return Err(vm.not_a_channel(v));
        }
    }
    let limit = vm.duration_us(a.get(1))?;
    let flags = if limit.is_some() { HAS_TIMEOUT } else { 0 };
    let arm = vm.select(Arms::From(items.as_slice()), flags, limit)?;
    vm.keep_given();
    Ok(arm)
}

pub static HIDDEN: &[NativeDef] = &[
    def!("%select", select_form, 2, 255, ""),
    def!("_select_of", select_check, 1, 2, ""),
    def!("_select_value", take_value, 0, 0, ""),
];
