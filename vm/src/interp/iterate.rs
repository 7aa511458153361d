//! Iteration of `for`, counting loops, and generators.
//!
//! State of a generic loop, registers `a`, `a+1`, `a+2`: source, position, version or count.
use super::{Ctl, call};
use crate::bytecode::{Instr, Op};
use crate::heap::{Gc, Kind, Record};
use crate::native::{R, Stop};
use crate::object::array::Array;
use crate::object::fiber::{Fiber, MAX_CHAIN, Role, Status};
use crate::object::map::Map;
use crate::object::table::Table;
use crate::value::Value;
use crate::vm::Vm;

/// What the one who resumed a generator wants from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Wants {
    Next,
    HasNext,
    Pair,
    Close,
}

/// A value of a counting loop: start + index * step.
fn step_value(vm: &mut Vm, start: Value, step: Value, index: i64) -> Option<Value> {
    if let Some(c) = start.as_char() {
        let n = step.as_int()?.checked_mul(index)?.checked_add(c as i64)?;
        return char::from_u32(u32::try_from(n).ok()?).map(Value::char);
    }
    if let (Some(a), Some(s)) = (start.as_int(), step.as_int()) {
        let n = s.checked_mul(index)?.checked_add(a)?;
        return Some(vm.int(n));
    }
    Some(Value::float(start.as_number()? + index as f64 * step.as_number()?))
}

/// Is `v` still inside a range that ends at `end`, going the way of `step`?
fn within(v: Value, end: Value, step: Value) -> bool {
    let up = step.as_number().unwrap_or(1.0) > 0.0;
    let (a, b) = match (v.as_char(), end.as_char()) {
        (Some(a), Some(b)) => (a as i64 as f64, b as i64 as f64),
        _ => match (v.as_int(), end.as_int()) {
            (Some(a), Some(b)) => return if up { a <= b } else { a >= b },
            _ => (v.as_number().unwrap_or(f64::NAN), end.as_number().unwrap_or(f64::NAN)),
        },
    };
    // Floats accumulate rounding: a hair past the end still counts, as `start + n * step` would with exact numbers.
    let slack = if v.is_float() { step.as_number().unwrap_or(0.0).abs() * 1e-9 } else { 0.0 };
    if up { a <= b + slack } else { a >= b - slack }
}

/// Checks the endpoints of a range; normalises the step (default 1).
pub fn check_range(vm: &mut Vm, start: Value, end: Value, step: Value) -> R {
    let step = if step.is_nil() || step.is_undef() { Value::small(1) } else { step };
    if !step.is_number() {
        return Err(vm.range_kind(step));
    }
    if step.as_number() == Some(0.0) {
        return Err(vm.argument_error("range step must not be zero"));
    }
    if start.is_char() && end.is_char() && step.is_int() {
        return Ok(step);
    }
    for v in [start, end] {
        if !v.is_number() {
            return Err(vm.range_kind(v));
        }
    }
    Ok(step)
}

#[inline(never)]
pub fn for_prep(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: five registers from a belong to the loop.
    unsafe {
        let w = r.add(i.a());
        let (cur, end) = (*w, *w.add(1));
        let step = match check_range(vm, cur, end, *w.add(2)) {
            Ok(s) => s,
            Err(_) => return Ctl::Throw,
        };
        *w.add(2) = step;
        // A Float anywhere makes every element a Float.
        let start = if cur.is_int() && step.is_float() { Value::float(cur.as_number().unwrap_or(0.0)) } else { cur };
        *w = start;
        *w.add(3) = start;
        *w.add(4) = Value::small(0);
        if within(start, end, step) {
            *r.add(i.b()) = start;
            Ctl::Next
        } else {
            vm.cur.pc = vm.cur.pc.offset(i.x() as isize);
            Ctl::Load
        }
    }
}

#[inline(never)]
pub fn for_step(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: five registers from a belong to the loop.
    unsafe {
        let w = r.add(i.a());
        let (cur, end, step) = (*w, *w.add(1), *w.add(2));
        let next = if cur.is_small() && step.is_small() {
            let n = cur.small_int() + step.small_int();
            Some(vm.int(n))
        } else {
            let n = (*w.add(4)).small_int() + 1;
            *w.add(4) = Value::small(n);
            step_value(vm, *w.add(3), step, n)
        };
        let Some(next) = next else { return Ctl::Next };
        if within(next, end, step) {
            *w = next;
            *r.add(i.b()) = next;
            vm.cur.pc = vm.cur.pc.offset(i.x() as isize);
            vm.heap.fuel.left -= 1;
            if vm.heap.fuel.left < 0 {
                return super::safepoint::back_edge(vm, i);
            }
            return Ctl::Load;
        }
        Ctl::Next
    }
}

/// Elements of a Range value: how many, and the one at `i`.
pub fn range_len(start: Value, end: Value, step: Value) -> usize {
    let s = step.as_number().unwrap_or(1.0);
    if let (Some(a), Some(b), Some(s)) = (start.as_int(), end.as_int(), step.as_int()) {
        let span = if s > 0 { b as i128 - a as i128 } else { a as i128 - b as i128 };
        return if span < 0 { 0 } else { (span / (s as i128).abs() + 1) as usize };
    }
    let (a, b) = match (start.as_char(), end.as_char()) {
        (Some(a), Some(b)) => (a as i64 as f64, b as i64 as f64),
        _ => (start.as_number().unwrap_or(0.0), end.as_number().unwrap_or(0.0)),
    };
    let n = ((b - a) / s + 1e-9).floor();
    if n.is_nan() || n < 0.0 { 0 } else { n as usize + 1 }
}

pub fn range_at(vm: &mut Vm, range: Gc<Record>, i: usize) -> Option<Value> {
    let (start, end, step) = (range.slot(0), range.slot(1), range.slot(2));
    if i >= range_len(start, end, step) {
        return None;
    }
    let start = if start.is_int() && step.is_float() { Value::float(start.as_number()?) } else { start };
    step_value(vm, start, step, i as i64)
}

/// r[a..] = iteration over r[b].
#[inline(never)]
pub fn init(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: three registers from a belong to the loop.
    unsafe {
        let v = *r.add(i.b());
        let w = r.add(i.a());
        *w = v;
        *w.add(1) = Value::small(0);
        *w.add(2) = Value::small(0);
        match v.heap_kind() {
            Some(Kind::Array | Kind::Str | Kind::Bytes | Kind::Range | Kind::Iter) => Ctl::Next,
            Some(Kind::Map) => {
                *w.add(2) = Value::small(vm.map_version(v.gc()) as i64);
                Ctl::Next
            }
            Some(k @ (Kind::HashMap | Kind::HashSet)) => {
                if k == Kind::HashSet {
                    vm.table_compact(v.gc());
                }
                *w.add(2) = Value::small(v.gc::<Table>().version as i64);
                Ctl::Next
            }
            Some(Kind::Gene) => {
                let c = v.gc::<Record>().slot(2);
                *w = if c.is_ptr() { c } else { vm.array(&[]) };
                Ctl::Next
            }
            Some(Kind::Fiber) => Ctl::Next,
            // Loops take from a channel itself: no iterator holds a value that a `break` would lose.
            Some(Kind::Foreign) if v.numbered::<crate::task::channel::Channel>().is_some() => Ctl::Next,
            Some(Kind::Instance) => {
                if find(vm, v, vm.names.iter).is_some() {
                    let m = find(vm, v, vm.names.iter).unwrap();
                    return call::call_op(vm, m, &[v], true);
                }
                if find(vm, v, vm.names.next).is_some() {
                    return Ctl::Next;
                }
                not_iterable(vm, v)
            }
            Some(Kind::Foreign) if v.numbered::<crate::task::channel::Channel>().is_some() => Ctl::Next,
            _ if v.is_nil() => Ctl::Next,
            Some(_) if find(vm, v, vm.names.iter).is_some() => {
                let m = find(vm, v, vm.names.iter).unwrap();
                call::call_op(vm, m, &[v], true)
            }
            _ => not_iterable(vm, v),
        }
    }
}

fn find(vm: &mut Vm, v: Value, name: crate::value::Sym) -> Option<Value> {
    let c = vm.class_of(v);
    vm.class_find(c, name)
}

/// Can a loop over `v`, which is no builtin collection, begin?
pub fn is_iterable(vm: &mut Vm, v: Value) -> bool {
    v.as_generator().is_some() || find(vm, v, vm.names.iter).is_some() || find(vm, v, vm.names.next).is_some()
}

pub fn not_iterable(vm: &mut Vm, v: Value) -> Ctl {
    let k = vm.kind_name(v);
    call::fail(vm, Vm::type_error, &format!("{k} is not iterable"))
}

/// One step over a builtin collection held in `w[0..3]`: key (or index) and element.
///
/// # Safety
/// `w` must be a loop state made by [`init`].
pub unsafe fn step(vm: &mut Vm, w: *mut Value) -> Result<Option<(Value, Value)>, Stop> {
    // SAFETY: by the contract.
    unsafe {
        let s = *w;
        let n = (*w.add(1)).small_int() as usize;
        let bump = |k: usize| *w.add(1) = Value::small(k as i64);
        let changed = |vm: &mut Vm| Err(vm.runtime_error("Map changed during iteration"));
        match s.heap_kind() {
            Some(Kind::Array) => match s.gc::<Array>().at(n) {
                Some(v) => {
                    bump(n + 1);
                    Ok(Some((Value::small(n as i64), v)))
                }
                None => Ok(None),
            },
            Some(Kind::Map) => {
                let m: Gc<Map> = s.gc();
                if vm.map_version(m) as i64 != (*w.add(2)).small_int() {
                    return changed(vm);
                }
                let mut at = n;
                match vm.map_next(m, &mut at) {
                    Some((k, v)) => {
                        bump(at);
                        let k = vm.sym_string(k);
                        Ok(Some((k, v)))
                    }
                    None => Ok(None),
                }
            }
            Some(k @ (Kind::HashMap | Kind::HashSet)) => {
                let t: Gc<Table> = s.gc();
                if t.version as i64 != (*w.add(2)).small_int() {
                    return changed(vm);
                }
                match t.next_entry(n) {
                    Some(i) if k == Kind::HashMap => {
                        bump(i + 1);
                        Ok(Some((t.key_at(i), t.value_at(i))))
                    }
                    // The table had its gaps closed when the iteration began: members count as they stand.
                    Some(i) => {
                        bump(i + 1);
                        Ok(Some((Value::small(i as i64 - t.first as i64), t.key_at(i))))
                    }
                    None => Ok(None),
                }
            }
            Some(Kind::Str) => {
                let text = s.as_str().unwrap_or("");
                match text[n..].chars().next() {
                    Some(c) => {
                        bump(n + c.len_utf8());
                        let idx = *w.add(2);
                        *w.add(2) = Value::small(idx.small_int() + 1);
                        Ok(Some((idx, Value::char(c))))
                    }
                    None => Ok(None),
                }
            }
            Some(Kind::Bytes) => match s.as_bytes().and_then(|b| b.get(n)) {
                Some(b) => {
                    bump(n + 1);
                    Ok(Some((Value::small(n as i64), Value::small(*b as i64))))
                }
                None => Ok(None),
            },
            Some(Kind::Range) => match range_at(vm, s.gc(), n) {
                Some(v) => {
                    bump(n + 1);
                    Ok(Some((Value::small(n as i64), v)))
                }
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }
}

/// The next key and element of an iterator object: its words are a loop state.
pub fn advance(vm: &mut Vm, it: Gc<Record>) -> Result<Option<(Value, Value)>, Stop> {
    assert!(it.len() == 3);
    // SAFETY: three words as `init` makes them; a step writes small Ints only, which need no barrier.
    unsafe { step(vm, it.slots_ptr()) }
}

/// Has an iterator object another element?
pub fn has_next(vm: &mut Vm, it: Gc<Record>) -> Result<bool, Stop> {
    let mut words = [it.slot(0), it.slot(1), it.slot(2)];
    // SAFETY: a copy of a loop state.
    unsafe { step(vm, words.as_mut_ptr()) }.map(|e| e.is_some())
}

/// r[b] = next element, or jump.
#[inline(never)]
pub fn next(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: three registers from a belong to the loop.
    unsafe {
        let w = r.add(i.a());
        let s = *w;
        match s.heap_kind() {
            Some(Kind::Fiber) => {
                let r = resume(vm, s.gc(), Value::NIL, Wants::Next);
                next_result(vm, r)
            }
            Some(Kind::Foreign) if s.numbered::<crate::task::channel::Channel>().is_some() => {
                let result = crate::task::channel::next_of(vm, s);
                if let Ok(v) = result
                    && v != Value::NOT_FOUND
                {
                    *r.add(i.b()) = v;
                    return Ctl::Next;
                }
                next_result(vm, result)
            }
            Some(Kind::Instance | Kind::Iter | Kind::Foreign | Kind::Future | Kind::Record) => {
                match find(vm, s, vm.names.next) {
                    Some(m) => call::call_op(vm, m, &[s], true),
                    None => not_iterable(vm, s),
                }
            }
            _ => match step(vm, w) {
                Ok(Some((_, v))) => {
                    *r.add(i.b()) = v;
                    Ctl::Next
                }
                Ok(None) => {
                    vm.cur.pc = vm.cur.pc.offset(i.x() as isize);
                    Ctl::Load
                }
                Err(_) => Ctl::Throw,
            },
        }
    }
}

fn next_result(vm: &mut Vm, r: R) -> Ctl {
    match r {
        Ok(v) => call::deliver_op(vm, v),
        Err(Stop::Park) => crate::task::scheduler::park(vm),
        Err(s) => call::stop(vm, s, call::RET_OP),
    }
}

/// r[b], r[b+1] = key and value, or jump.
#[inline(never)]
pub fn next2(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: three registers from a belong to the loop.
    unsafe {
        let w = r.add(i.a());
        let s = *w;
        match s.heap_kind() {
            Some(Kind::Fiber) => {
                let r = resume(vm, s.gc(), Value::NIL, Wants::Pair);
                next_result(vm, r)
            }
            Some(Kind::Instance | Kind::Iter | Kind::Foreign | Kind::Future | Kind::Record) => {
                let m = match find(vm, s, vm.names.next_pair) {
                    Some(m) => Some(m),
                    None => find(vm, s, vm.names.next),
                };
                match m {
                    Some(m) => call::call_op(vm, m, &[s], true),
                    None => not_iterable(vm, s),
                }
            }
            _ => match step(vm, w) {
                Ok(Some((k, v))) => {
                    *r.add(i.b()) = k;
                    *r.add(i.b() + 1) = v;
                    Ctl::Next
                }
                Ok(None) => {
                    vm.cur.pc = vm.cur.pc.offset(i.x() as isize);
                    Ctl::Load
                }
                Err(_) => Ctl::Throw,
            },
        }
    }
}

/// A script's answer for an iteration instruction.
pub fn delivered(vm: &mut Vm, i: Instr, v: Value) -> Ctl {
    let mut f = vm.cur;
    // SAFETY: registers of the running frame.
    unsafe {
        let r = f.stack.add(f.base as usize);
        let w = r.add(i.a());
        if i.op() == Op::IterInit {
            // `iter` gave the iterator; builtin collections iterate by themselves.
            *w = v;
            return match v.heap_kind() {
                Some(
                    Kind::Array
                    | Kind::Map
                    | Kind::HashMap
                    | Kind::HashSet
                    | Kind::Str
                    | Kind::Range
                    | Kind::Bytes
                    | Kind::Gene,
                ) => {
                    let again = Instr::new(Op::IterInit, i.a() as u8, i.a() as u8, 0, 0);
                    match init(vm, r, again) {
                        // The frame that goes on is not the one that was running.
                        Ctl::Next => Ctl::Load,
                        other => other,
                    }
                }
                Some(Kind::Fiber | Kind::Iter) => Ctl::Load,
                _ if find(vm, v, vm.names.next).is_some() => Ctl::Load,
                _ => not_iterable(vm, v),
            };
        }
        if v == Value::NOT_FOUND {
            f.pc = f.pc.offset(i.x() as isize);
            return Ctl::Load;
        }
        if i.op() == Op::IterNext {
            *r.add(i.b()) = v;
        } else {
            let n = (*w.add(1)).small_int();
            *w.add(1) = Value::small(n + 1);
            let pair = v.get::<Array>(Kind::Array).filter(|a| a.size() == 2);
            let (k, v) = match pair {
                Some(a) => (a.as_slice()[0], a.as_slice()[1]),
                None => (Value::small(n), v),
            };
            *r.add(i.b()) = k;
            *r.add(i.b() + 1) = v;
        }
        Ctl::Load
    }
}

// --- generators

/// Runs a generator until its next yield. `Ok`: the answer is there already; `Err(Switch)`: the generator runs now and its
/// answer goes to the instruction that asked.
pub fn resume(vm: &mut Vm, mut g: Gc<Fiber>, send: Value, wants: Wants) -> R {
    match g.status {
        Status::Running | Status::Waiting => {
            let c = vm.classes.concurrency_exception;
            return Err(vm.throw_coded(c, "GENE.ASYNC.MISUSE", "Generator is already running"));
        }
        Status::Done => {
            if g.peeked {
                return Ok(peeked(vm, g, wants));
            }
            return Ok(ended_answer(wants));
        }
        Status::New | Status::Suspended => {}
    }
    if g.peeked && wants != Wants::Close {
        return Ok(peeked(vm, g, wants));
    }
    let fresh = g.status == Status::New;
    if wants == Wants::Close && fresh {
        g.status = Status::Done;
        g.result = Value::NIL;
        return Ok(Value::NIL);
    }
    let mut cur = vm.cur;
    if cur.depth >= MAX_CHAIN {
        return Err(vm.runtime_error("Stack overflow"));
    }
    vm.enter_generator(g)?;
    g.depth = cur.depth + 1;
    cur.status = Status::Waiting;
    vm.heap.barrier(cur);
    g.caller = cur.value();
    g.wants = wants as u8;
    g.status = Status::Running;
    vm.heap.barrier(g);
    vm.cur = g;
    if fresh {
        return Err(Stop::Switch);
    }
    if wants == Wants::Close {
        g.peeked = false;
        vm.exception = vm.generator_exit;
        return Err(Stop::Throw);
    }
    match call::deliver_op(vm, send) {
        Ctl::Throw => Err(Stop::Throw),
        _ => Err(Stop::Switch),
    }
}

fn peeked(vm: &mut Vm, mut g: Gc<Fiber>, wants: Wants) -> Value {
    match wants {
        Wants::HasNext => Value::TRUE,
        Wants::Close => Value::NIL,
        _ => {
            g.peeked = false;
            let v = g.peek;
            if wants == Wants::Pair { pair(vm, g, v) } else { v }
        }
    }
}

fn pair(vm: &mut Vm, mut g: Gc<Fiber>, v: Value) -> Value {
    let n = g.count;
    g.count += 1;
    if v.get::<Array>(Kind::Array).is_some_and(|a| a.size() == 2) { v } else { vm.array(&[Value::small(n as i64), v]) }
}

fn ended_answer(wants: Wants) -> Value {
    match wants {
        Wants::Next | Wants::Pair => Value::NOT_FOUND,
        Wants::HasNext => Value::FALSE,
        Wants::Close => Value::NIL,
    }
}

fn wants_of(g: Gc<Fiber>) -> Wants {
    [Wants::Next, Wants::HasNext, Wants::Pair, Wants::Close][g.wants as usize & 3]
}

/// `(yield v)`: back to the one who asked.
pub fn yield_value(vm: &mut Vm, v: Value) -> Ctl {
    let mut g = vm.cur;
    if g.role != Role::Generator {
        return call::fail(vm, Vm::runtime_error, "yield used outside of a generator");
    }
    if v == Value::NOT_FOUND {
        return call::fail(vm, Vm::runtime_error, "Cannot yield not_found");
    }
    g.status = Status::Suspended;
    let wants = wants_of(g);
    let answer = match wants {
        Wants::Next => v,
        Wants::Pair => pair(vm, g, v),
        Wants::HasNext => {
            g.peek = v;
            g.peeked = true;
            Value::TRUE
        }
        // A generator that yields while it is being closed: the value is dropped, and so is the generator.
        Wants::Close => {
            g.status = Status::Done;
            Value::NIL
        }
    };
    vm.heap.barrier(g);
    vm.leave_generator(g);
    back_to_caller(vm, g);
    call::deliver_op(vm, answer)
}

fn back_to_caller(vm: &mut Vm, mut g: Gc<Fiber>) {
    let mut caller: Gc<Fiber> = g.caller.gc();
    g.caller = Value::NIL;
    caller.status = Status::Running;
    vm.cur = caller;
}

/// The generator's body returned.
pub fn generator_ended(vm: &mut Vm, g: Gc<Fiber>) -> Ctl {
    let wants = wants_of(g);
    back_to_caller(vm, g);
    call::deliver_op(vm, ended_answer(wants))
}

/// An exception left the generator's body: it goes on in the caller. A close that unwound is done.
pub fn generator_failed(vm: &mut Vm, g: Gc<Fiber>) -> Ctl {
    let wants = wants_of(g);
    back_to_caller(vm, g);
    if wants == Wants::Close && vm.exception == vm.generator_exit {
        vm.exception = Value::UNDEF;
        return call::deliver_op(vm, Value::NIL);
    }
    Ctl::Throw
}

/// Leaves a loop early.
pub fn close(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: register of the running frame.
    let s = unsafe { *r.add(i.a()) };
    if let Some(g) = s.as_generator()
        && matches!(g.status, Status::New | Status::Suspended)
    {
        return match resume(vm, g, Value::NIL, Wants::Close) {
            Ok(_) => Ctl::Next,
            Err(s) => call::stop(vm, s, call::RET_OP),
        };
    }
    Ctl::Next
}
