//! The safepoint: the one place where the event loop is polled, memory collected, limits and interrupts seen.
use super::{Ctl, call};
use crate::bytecode::Instr;
use crate::object::fiber::FRAME_HEAD;

use crate::heap::collect::Marker;
use crate::heap::cycle::Advance;
use crate::heap::{Gc, Kind};
use crate::native::Stop;
use crate::object::fiber::Fiber;
use crate::task::TaskKey;
use crate::value::Value;
use crate::vm::Vm;
use std::sync::atomic::Ordering;

/// Safepoints that collect one by one in stress mode.
const STRESS_EVERY: u64 = 20_000;

/// Words of a stack, and bytes of a heap, that are looked at in a moment.
const STRESS_WORDS: u64 = 1 << 14;
const STRESS_BYTES: usize = 1 << 21;

/// One in so many looks of a working native is at the clock too, for the time limits around it.
const LOOK_EVERY: u32 = 16;

/// Bytes whose marking, in a collection that the memory limit enforced, counts as one call or back-edge.
const LIVE_BYTES_PER_CHARGE: usize = 4096;

/// Fuel below zero. The running fiber's state has been written back.
#[cold]
#[inline(never)]
pub fn slow(vm: &mut Vm) -> Ctl {
    let every = vm.slice();
    let metered = vm.tasks.meter.on;
    if metered {
        vm.read_meter();
    }
    let withheld = std::mem::take(&mut vm.heap.fuel.withheld);
    let used_all = withheld == 0;
    if used_all {
        // What is below zero was used as well: it is all there is when every charge comes here.
        vm.used_fuel += (every - vm.heap.fuel.left.min(0)) as u64;
        vm.polls += 1;
        vm.heap.fuel.left = every;
    } else {
        // Something asked for attention early: go on with what was left. The charge that came here has been made.
        vm.heap.fuel.left = withheld + vm.heap.fuel.left.min(0);
    }
    if metered {
        vm.cut_fuel();
    }
    let stress = vm.options.stress_gc && vm.polls.is_multiple_of(stress_gap(vm));
    if vm.heap.collect_requested || stress {
        if vm.heap.limit.is_some_and(|limit| vm.heap.in_use() > limit) {
            // A program that lives close to the limit does little else.
            vm.heap.fuel.spend((vm.heap.in_use() / LIVE_BYTES_PER_CHARGE) as i64);
        }
        if vm.heap.in_cycle() && vm.heap.limit.is_none_or(|limit| vm.heap.in_use() <= limit) {
            advance(vm);
        } else {
            collect(vm, false);
        }
        if let Some(limit) = vm.heap.limit
            && vm.heap.in_use() > limit
        {
            collect(vm, true);
            if vm.heap.in_use() > limit && vm.nesting == 0 {
                return over_memory_limit(vm);
            }
        }
        if vm.heap.limit > vm.options.memory_limit && vm.options.memory_limit.is_some_and(|n| vm.heap.in_use() <= n) {
            vm.heap.limit = vm.options.memory_limit;
        }
    }
    if let Some(limit) = vm.options.instruction_limit
        && vm.used_fuel >= limit
    {
        return exhausted(vm, limit);
    }
    if metered && let Some(c) = vm.over_budget() {
        return c;
    }
    if vm.interrupt.load(Ordering::Relaxed) != 0 && vm.nesting == 0 {
        let c = crate::task::interrupted(vm);
        if c != Ctl::Next {
            return c;
        }
    }
    if vm.options.poll_interval != 0 && vm.nesting == 0 {
        if used_all {
            return crate::task::poll(vm);
        }
        crate::task::deliver_callbacks(vm);
    }
    Ctl::Load
}

/// Stress: every safepoint of the first ones collects, then some do, so that long programs end; the fewer, the more a collection
/// has to look at.
fn stress_gap(vm: &Vm) -> u64 {
    let often = if vm.polls < STRESS_EVERY { 1 } else { 64 };
    often * (1 + u64::from(vm.cur.base) / STRESS_WORDS + (vm.heap.in_use() / STRESS_BYTES) as u64)
}

/// Fuel below zero after the jump of `i`. An exception belongs to the jump, not to what stands before the loop: handlers and
/// `finally` parts around the loop must see it.
#[cold]
#[inline(never)]
pub fn back_edge(vm: &mut Vm, i: Instr) -> Ctl {
    let target = vm.cur.pc;
    let c = slow(vm);
    if c == Ctl::Throw {
        // SAFETY: the jump led from behind `i` to `target`.
        vm.cur.pc = unsafe { target.offset(-(i.x() as isize)) };
    }
    c
}

/// Each exception leaves a reserve for handlers and for the tasks that are not concerned; a program that goes on filling it
/// cannot be helped by more of them and ends.
#[cold]
fn over_memory_limit(vm: &mut Vm) -> Ctl {
    let limit = vm.options.memory_limit.unwrap_or(usize::MAX);
    vm.heap.limit = Some(vm.heap.in_use() + limit / 8);
    vm.fatal = vm.heap.in_use() > limit.saturating_mul(2);
    let c = vm.classes.memory_limit;
    let _ = vm.throw(c, &format!("Memory limit of {limit} bytes exceeded"));
    Ctl::Throw
}

#[cold]
fn exhausted(vm: &mut Vm, limit: u64) -> Ctl {
    vm.fatal = true;
    call::fail(vm, Vm::fuel_error, &format!("Instruction limit of {limit} reached"))
}

/// The end of a program whose limit is used up, between two slow paths.
pub fn check_limit(vm: &mut Vm) -> Option<Ctl> {
    let limit = vm.options.instruction_limit?;
    (!vm.fatal && vm.fuel_used() >= limit).then(|| exhausted(vm, limit))
}

impl Vm {
    /// All fuel used so far.
    pub fn fuel_used(&self) -> u64 {
        let fuel = &self.heap.fuel;
        self.used_fuel + (self.slice() - fuel.left - fuel.withheld).max(0) as u64
    }

    /// Charges `n` for a part of the work of a native that a script can make as long as it likes, and ends the native where a
    /// safepoint would throw. Nothing is collected here, so the native may hold values.
    #[inline]
    pub fn work(&mut self, n: i64) -> Result<(), Stop> {
        self.heap.fuel.spend(n);
        if self.heap.fuel.left >= 0 { Ok(()) } else { self.work_slow() }
    }

    #[cold]
    #[inline(never)]
    fn work_slow(&mut self) -> Result<(), Stop> {
        if check_limit(self).is_some() {
            return Err(Stop::Throw);
        }
        if self.tasks.meter.on {
            self.read_meter();
            if self.over_fuel() {
                return Err(Stop::Throw);
            }
        }
        // Part of what is in use may be garbage: the limit itself is the safepoint's business.
        if let Some(limit) = self.heap.limit
            && self.heap.in_use() > limit.saturating_mul(2)
        {
            return Err(self.throw(self.classes.memory_limit, &format!("Memory limit of {limit} bytes exceeded")));
        }
        if self.nesting == 0
            && self.interrupt.load(Ordering::Relaxed) != 0
            && crate::task::interrupted(self) == Ctl::Throw
        {
            return Err(Stop::Throw);
        }
        // No timer fires before the native ends.
        self.tasks.looks = self.tasks.looks.wrapping_add(1);
        if self.nesting == 0 && self.tasks.looks.is_multiple_of(LOOK_EVERY) {
            return self.enforce_time_limits();
        }
        Ok(())
    }

    /// Fuel between two slow paths.
    pub fn slice(&self) -> i64 {
        if self.options.stress_gc {
            return 0;
        }
        let n = match self.options.poll_interval {
            // Polling off: limits and interrupts are still looked at now and then.
            0 => 1 << 30,
            // Every charge.
            1 => 0,
            n => n as i64,
        };
        match self.options.instruction_limit {
            Some(l) => n.min((l.saturating_sub(self.used_fuel)).max(1) as i64),
            None => n,
        }
    }

    pub(crate) fn fuel_error(&mut self, message: &str) -> Stop {
        let c = self.classes.fuel;
        self.throw(c, message)
    }
}

/// Collects with the roots of the VM: the running chain of fibers, tasks, modules, the native stack.
#[inline(never)]
pub fn collect(vm: &mut Vm, full: bool) {
    mark_with(vm, if full { Marking::Full } else { Marking::Due }, &[], None);
}

/// Goes on with a full collection that is cut into slices.
fn advance(vm: &mut Vm) {
    match vm.heap.advance() {
        Advance::Wait => {}
        Advance::Roots => {
            mark_with(vm, Marking::Roots, &[], None);
        }
        Advance::End => collect(vm, false),
    }
}

/// What the roots are marked for.
#[derive(Clone, Copy, PartialEq)]
enum Marking {
    /// The collection that is due.
    Due,
    Full,
    /// The next slices of the one under way.
    Roots,
}

/// Which of the parked tasks `keys` nothing else can wake: what they wait for is reachable only from such tasks. A full
/// collection tells: the other roots are marked first, then tasks whose wait objects are marked, until nothing changes.
pub fn unreachable_waits(vm: &mut Vm, keys: &[TaskKey]) -> Vec<TaskKey> {
    mark_with(vm, Marking::Full, keys, None)
}

/// Clears what ended calls left in the window of the native that is running, which has no arguments, and above: a precise answer
/// must not depend on it.
pub fn forget_ended_calls(vm: &mut Vm, args: &crate::native::Args) {
    let (from, to) = vm.cur.live_words();
    debug_assert!(args.n == 0);
    // Natives leave the rest of the head of their window, below the arguments, as it was.
    let first = args.base.wrapping_sub(FRAME_HEAD - 1).cast_mut();
    if (from as usize..to as usize).contains(&(first as usize)) {
        let n = (to as usize - first as usize) / 8;
        // SAFETY: within the fiber's stack. Calls may use all words from the arguments on for frames of their own, so the compiler
        // keeps nothing there across one. The callee, in the first word of the window, stays.
        unsafe { std::slice::from_raw_parts_mut(first, n).fill(Value::NIL) };
    }
}

/// Which of `objects` the frames of a parked task refer to, directly or through what they hold, but not through other tasks.
pub fn held_by(vm: &mut Vm, key: TaskKey, objects: &[Value]) -> Vec<bool> {
    let mut q = Holding { fiber: vm.tasks.live.get(key).map_or(Value::NIL, |l| l.fiber), objects, held: Vec::new() };
    mark_with(vm, Marking::Full, &[], Some(&mut q));
    q.held
}

/// A question that a full collection answers before it marks the other roots.
struct Holding<'a> {
    fiber: Value,
    objects: &'a [Value],
    held: Vec<bool>,
}

impl Holding<'_> {
    fn answer(&mut self, m: &mut Marker) {
        let mut f = self.fiber;
        while let Some(x) = f.get::<Fiber>(Kind::Fiber) {
            m.values(&[x.buf, x.result, x.peek]);
            let (from, to) = x.live_words();
            // SAFETY: the fiber's stack.
            unsafe { m.conservative(from, to) };
            f = x.caller;
        }
        m.settle_but_futures();
        self.held = self.objects.iter().map(|o| m.is_marked(*o)).collect();
    }
}

fn mark_with(vm: &mut Vm, marking: Marking, doubtful: &[TaskKey], question: Option<&mut Holding>) -> Vec<TaskKey> {
    vm.tasks.spare.clear();
    let mut regs = [0u64; 8];
    spill_registers(&mut regs);
    let lo = regs.as_ptr();
    let hi = vm.native_base as *const u64;
    let mut fixed: Vec<Value> =
        vec![vm.exception, vm.ret, vm.globals.value(), vm.gene_ns.value(), vm.generator_exit, vm.deadlock_exception];
    if let Some(p) = &vm.pending {
        fixed.push(p.callee);
        fixed.extend(&p.args);
        fixed.extend(p.kw.iter().map(|k| k.1));
    }
    for m in &vm.modules {
        fixed.push(m.namespace.value());
        fixed.extend(m.vars.iter().map(|v| v.1));
        fixed.extend(&m.opened);
    }
    let mut waiting: Vec<(TaskKey, Vec<Value>, Vec<Value>)> = doubtful
        .iter()
        .filter_map(|k| vm.tasks.live.get(*k).map(|l| (*k, l)))
        .map(|(k, l)| (k, vm.wait_objects(k), vm.tasks.roots_of(l)))
        .collect();
    vm.prelude.roots(&mut fixed);
    vm.evaluated.roots(&mut fixed);
    let mut lost = Vec::new();
    let mut chain: Vec<Gc<Fiber>> = Vec::new();
    for top in vm.polling_fibers.iter().copied().chain([vm.cur.value()]) {
        let mut f = top;
        while let Some(x) = f.get::<Fiber>(Kind::Fiber) {
            chain.push(x);
            f = x.caller;
        }
    }
    let full = marking == Marking::Full || !vm.heap.in_cycle() && vm.options.stress_gc && vm.polls.is_multiple_of(7);
    vm.trace_collection(match marking {
        Marking::Roots => "marking",
        _ if full || vm.heap.in_cycle() => "full collection",
        _ => "collection",
    });
    let mut question = question;
    let mut roots = |m: &mut Marker| {
        if let Some(q) = &mut question {
            q.answer(m);
        }
        m.values(&fixed);
        vm.tasks.roots(&mut |v| m.one_of_many(v), doubtful);
        for f in &chain {
            m.value(f.value());
            m.values(&[f.buf, f.owner, f.result, f.peek, f.caller]);
            let (from, to) = f.live_words();
            // SAFETY: the fiber's stack.
            unsafe { m.conservative(from, to) };
        }
        if doubtful.is_empty() {
            if (lo as usize) < hi as usize {
                // SAFETY: the native stack between here and the outermost entry into the VM.
                unsafe { m.conservative(lo, hi) };
            }
            return;
        }
        // The native stack holds no wait objects but those of the caller's list: it comes last.
        loop {
            m.settle();
            let before = waiting.len();
            waiting.retain(|(_, on, roots)| {
                let wakeable = on.iter().any(|v| v.is_ptr() && m.is_marked(*v));
                if wakeable {
                    m.values(roots);
                }
                !wakeable
            });
            if waiting.len() == before {
                break;
            }
        }
        lost.extend(waiting.iter().map(|w| w.0));
        for (_, on, roots) in &waiting {
            m.values(on);
            m.values(roots);
        }
        if (lo as usize) < hi as usize {
            // SAFETY: as above.
            unsafe { m.conservative(lo, hi) };
        }
    };
    match marking {
        Marking::Roots => vm.heap.mark_roots(&mut roots),
        _ => vm.heap.collect(full, &mut roots),
    }
    lost
}

/// Callee-saved registers may hold the only reference a native frame above has.
#[inline(always)]
fn spill_registers(regs: &mut [u64; 8]) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: stores into the array.
    unsafe {
        std::arch::asm!(
            "mov [{0}], rbx", "mov [{0}+8], rbp", "mov [{0}+16], r12", "mov [{0}+24], r13", "mov [{0}+32], r14",
            "mov [{0}+40], r15", in(reg) regs.as_mut_ptr(), options(nostack)
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: stores into the array.
    unsafe {
        std::arch::asm!(
            "stp x19, x20, [{0}]", "stp x21, x22, [{0}, #16]", "stp x23, x24, [{0}, #32]", "stp x25, x26, [{0}, #48]",
            in(reg) regs.as_mut_ptr(), options(nostack)
        );
    }
    std::hint::black_box(regs);
}
