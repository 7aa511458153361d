//! Ranges: the methods that call no function (language 6.6).
use super::collection::{count, new_array, this_range};
use crate::def;
use crate::heap::{Gc, Kind, Record};
use crate::native::{Args, NativeDef, R};
use crate::object::range::Span;
use crate::value::{Value, arith};
use crate::vm::Vm;

pub fn install(vm: &mut Vm) {
    let c = vm.classes.by_kind[Kind::Range as usize];
    vm.add_methods(c, DEFS);
    vm.add_methods(c, super::order::DEFS);
}

#[rustfmt::skip]
static DEFS: &[NativeDef] = &[
    def!("start", start, 0, 0, "(r .start) -- first bound
        ((1 .. 5) .start) => 1"),
    def!("end", end, 0, 0, "(r .end) -- last bound, inclusive
        ((1 .. 5) .end) => 5"),
    def!("step", step, 0, 0, "(r .step) -- distance of neighbours
        ((range 1 9 2) .step) => 2"),
    def!("size", size, 0, 0, "(r .size) -- number of elements
        ((1 .. 5) .size) => 5"),
    def!("length", size, 0, 0, "(r .length) -- number of elements
        ((1 .. 5) .length) => 5"),
    def!("empty?", is_empty, 0, 0, "(r .empty?) -- has it no elements?
        ((5 .. 1) .empty?) => true"),
    def!("not_empty?", not_empty, 0, 0, "(r .not_empty?) -- has it elements?
        ((1 .. 5) .not_empty?) => true"),
    def!("contains", contains, 1, 1, "(r .contains v) -- is v an element?
        ((1 .. 5) .contains 3) => true"),
    def!("include?", contains, 1, 1, "(r .include? v) -- is v an element?
        ((1 .. 5) .include? 9) => false"),
    def!("get", get, 1, 2, "(r .get i [d]) -- element i, else d or nil
        ((1 .. 5) .get 1) => 2"),
    def!("first", first, 0, 1, "(r .first [n]) -- first element or nil; the first n as an array
        ((1 .. 5) .first 2) => [1 2]"),
    def!("last", last, 0, 0, "(r .last) -- last element or nil
        ((1 .. 5) .last) => 5"),
    def!("take", |vm, a| take(vm, a, "take"), 1, 1, "(r .take n) -- the first n elements
        ((1 .. 5) .take 2) => [1 2]"),
    def!("drop", |vm, a| drop_first(vm, a, "drop"), 1, 1, "(r .drop n) -- all but the first n elements
        ((1 .. 5) .drop 3) => [4 5]"),
    def!("skip", |vm, a| drop_first(vm, a, "skip"), 1, 1, "(r .skip n) -- all but the first n elements
        ((1 .. 5) .skip 3) => [4 5]"),
    def!("to_array", to_array, 0, 0, "(r .to_array) -- the elements
        ((1 .. 3) .to_array) => [1 2 3]"),
    def!("reverse", reverse, 0, 0, "(r .reverse) -- a Range of the same elements, last one first
        ((1 .. 3) .reverse) => 3..1 step -1"),
    def!("join", join, 0, 1, r#"(r .join [sep]) -- texts of the elements joined
        ((1 .. 3) .join "-") => "1-2-3""#),
];

/// Globals.
#[rustfmt::skip]
pub static GLOBALS: &[NativeDef] = &[
    def!("range", make, 1, 3, "(range a b [step]) -- Range from a to b inclusive; (range n) -- 0 to n-1
        ((range 1 9 4) .to_array) => [1 5 9]"),
];

/// The last element of `(range n)`; -1 when it has none.
pub fn last_of(vm: &mut Vm, n: Value) -> R {
    let n = super::collection::int(vm, "range", n)?;
    Ok(vm.int(n.saturating_sub(1).max(-1)))
}

fn make(vm: &mut Vm, args: &Args) -> R {
    if args.len() == 1 {
        let end = last_of(vm, args.get(0))?;
        return vm.range(Value::small(0), end, Value::small(1));
    }
    let step = args.opt(2).unwrap_or(Value::small(1));
    vm.range(args.get(0), args.get(1), step)
}

fn start(vm: &mut Vm, args: &Args) -> R {
    Ok(this_range(vm, args)?.slot(0))
}

fn end(vm: &mut Vm, args: &Args) -> R {
    Ok(this_range(vm, args)?.slot(1))
}

fn step(vm: &mut Vm, args: &Args) -> R {
    Ok(this_range(vm, args)?.slot(2))
}

fn size(vm: &mut Vm, args: &Args) -> R {
    let n = this_range(vm, args)?.span().size();
    Ok(vm.int(n.min(i64::MAX as u64) as i64))
}

fn is_empty(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::bool(this_range(vm, args)?.span().size() == 0))
}

fn not_empty(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::bool(this_range(vm, args)?.span().size() != 0))
}

fn contains(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::bool(this_range(vm, args)?.span().index_of(args.get(0)).is_some()))
}

fn get(vm: &mut Vm, args: &Args) -> R {
    let span = this_range(vm, args)?.span();
    let i = super::collection::int(vm, "get", args.get(0))?;
    let n = span.size();
    let at = if i < 0 { (n as i128 + i as i128).try_into().ok() } else { Some(i as u64) };
    Ok(match at {
        Some(at) if at < n => span.at(&mut vm.heap, at),
        _ => args.get(1),
    })
}

/// Elements `from..to` (indices, cut at the size) as an array.
fn elements(vm: &mut Vm, span: Span, from: u64, to: u64) -> R {
    let to = to.min(span.size());
    let from = from.min(to);
    let a = new_array(vm, (to - from) as u128)?;
    for i in from..to {
        let v = span.at(&mut vm.heap, i);
        vm.heap.array_push(a, v);
    }
    Ok(a.value())
}

fn first(vm: &mut Vm, args: &Args) -> R {
    let span = this_range(vm, args)?.span();
    match args.opt(0) {
        Some(_) => take(vm, args, "first"),
        None if span.size() == 0 => Ok(Value::NIL),
        None => Ok(span.at(&mut vm.heap, 0)),
    }
}

fn last(vm: &mut Vm, args: &Args) -> R {
    let span = this_range(vm, args)?.span();
    Ok(match span.size() {
        0 => Value::NIL,
        n => span.at(&mut vm.heap, n - 1),
    })
}

fn take(vm: &mut Vm, args: &Args, name: &str) -> R {
    let span = this_range(vm, args)?.span();
    let n = count(vm, name, args.get(0))?;
    elements(vm, span, 0, n as u64)
}

fn drop_first(vm: &mut Vm, args: &Args, name: &str) -> R {
    let span = this_range(vm, args)?.span();
    let n = count(vm, name, args.get(0))?;
    elements(vm, span, n as u64, u64::MAX)
}

fn to_array(vm: &mut Vm, args: &Args) -> R {
    let r = this_range(vm, args)?;
    vm.range_items(r)
}

fn reverse(vm: &mut Vm, args: &Args) -> R {
    let r = this_range(vm, args)?;
    let span = r.span();
    let n = span.size();
    if n == 0 {
        return Ok(args.this());
    }
    let last = span.at(&mut vm.heap, n - 1);
    let first = span.at(&mut vm.heap, 0);
    let step = arith::neg(vm, r.slot(2))?;
    vm.range(last, first, step)
}

fn join(vm: &mut Vm, args: &Args) -> R {
    let r = this_range(vm, args)?;
    let a = vm.range_items(r)?;
    super::array::join_items(vm, a.gc(), args.opt(0))
}

/// Sum of the elements; of Ints without visiting them.
pub fn sum(vm: &mut Vm, r: Gc<Record>) -> R {
    let span = r.span();
    let n = span.size();
    match span {
        Span::Int { start, step, .. } => {
            let last = start as i128 + n.saturating_sub(1) as i128 * step as i128;
            let total = (start as i128 + last).checked_mul(n as i128).map(|t| t / 2);
            match total.and_then(|t| i64::try_from(t).ok()) {
                Some(t) => Ok(vm.int(t)),
                None => Err(vm.runtime_error("Integer overflow in addition")),
            }
        }
        _ if n == 0 => Ok(Value::small(0)),
        Span::Float { .. } => {
            let mut total = 0.0;
            for i in 0..n.min(1 << 28) {
                total += span.at(&mut vm.heap, i).as_float().unwrap_or(0.0);
            }
            Ok(Value::float(total))
        }
        // Raises: Chars can't be added.
        Span::Char { .. } => {
            let first = span.at(&mut vm.heap, 0);
            arith::add(vm, Value::small(0), first)
        }
    }
}
