//! Sums, extremes and sorting of the elements of a collection: Arrays, HashSets and Ranges share them.
//!
//! What the VM can compare itself is done here; when script code must be asked (a function is given, or an element is an instance
//! with a `<` of its own) the prelude method of the same name with `_` in front goes on.
use super::collection::{items, pair, tail_method, wrong};
use super::sort;
use crate::def;
use crate::heap::Gc;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::array::Array;
use crate::value::{Value, arith};
use crate::vm::Vm;
use std::cmp::Ordering;

/// Methods of Array, HashSet and Range.
#[rustfmt::skip]
pub static DEFS: &[NativeDef] = &[
    def!("sum", sum, 0, 1, "(xs .sum [f]) -- sum of the elements, or of (f element)
        ([1 2 3] .sum) => 6"),
    def!("product", product, 0, 0, "(xs .product) -- product of the elements
        ([2 3] .product) => 6"),
    def!("mean", mean, 0, 0, "(xs .mean) -- average as a Float, nil when empty
        ([1 2] .mean) => 1.5"),
    def!("min", min, 0, 0, "(xs .min) -- least element, nil when empty
        ([3 1 2] .min) => 1"),
    def!("max", max, 0, 0, "(xs .max) -- greatest element, nil when empty
        ([3 1 2] .max) => 3"),
    def!("min_max", min_max, 0, 0, "(xs .min_max) -- [least greatest]
        ([3 1 2] .min_max) => [1 3]"),
    def!("sort", sorted, 0, 1, "(xs .sort [f]) -- elements in ascending order, or in the order f gives
        ([3 1 2] .sort (fn [a b] (a > b))) => [3 2 1]"),
    def!("_sort_by_keys", sort_by_keys, 1, 1, ""),
];

/// The receiver's elements as an array (its own, or a new one).
fn elements(vm: &mut Vm, args: &Args) -> Result<Gc<Array>, Stop> {
    match items(vm, args.this())? {
        Some(a) => {
            vm.heap.fuel.spend_on(a.size());
            Ok(a)
        }
        None => Err(wrong(vm, "method", "Array", args.this())),
    }
}

/// Sum from Int 0.
pub fn sum_of(vm: &mut Vm, a: Gc<Array>) -> R {
    let (mut ints, mut i) = (0i64, 0);
    while let Some(x) = a.at(i) {
        if !x.is_small() {
            break;
        }
        match ints.checked_add(x.small_int()) {
            Some(s) => ints = s,
            None => break,
        }
        i += 1;
    }
    let mut acc = vm.int(ints);
    while let Some(x) = a.at(i) {
        acc = match (acc.as_float(), x.as_float()) {
            (Some(s), Some(y)) => Value::float(s + y),
            _ => arith::add(vm, acc, x)?,
        };
        i += 1;
    }
    Ok(acc)
}

fn sum(vm: &mut Vm, args: &Args) -> R {
    if args.len() == 1 {
        vm.expect_callable("sum", args.get(0))?;
        return tail_method(vm, args.this(), "_sum", args.rest());
    }
    if let Some(r) = args.this().as_range() {
        return super::range::sum(vm, r);
    }
    let a = elements(vm, args)?;
    sum_of(vm, a)
}

fn product(vm: &mut Vm, args: &Args) -> R {
    let a = elements(vm, args)?;
    let mut acc = Value::small(1);
    for &x in a.as_slice() {
        acc = arith::mul(vm, acc, x)?;
    }
    Ok(acc)
}

fn mean(vm: &mut Vm, args: &Args) -> R {
    let a = elements(vm, args)?;
    if a.size() == 0 {
        return Ok(Value::NIL);
    }
    let n = a.size() as f64;
    if let Some(total) = a.as_slice().iter().try_fold(0i128, |s, x| x.as_int().map(|i| s + i as i128)) {
        return Ok(Value::float(total as f64 / n));
    }
    let mut total = 0.0;
    for &x in a.as_slice() {
        match x.as_number() {
            Some(f) => total += f,
            None => return Err(wrong(vm, "mean", "numbers", x)),
        }
    }
    Ok(Value::float(total / n))
}

/// The first element that no other one precedes (`wanted` Less) or follows; nil when empty. `Err(())`: ask the prelude.
fn extreme(vm: &mut Vm, a: Gc<Array>, wanted: Ordering) -> Result<Value, ()> {
    vm.heap.fuel.spend_on(a.size());
    let mut items = a.as_slice().iter().copied();
    let Some(mut best) = items.next() else { return Ok(Value::NIL) };
    // A single element is compared with nothing, like everywhere else.
    for x in items {
        vm.heap.fuel.spend_on_bytes(arith::compared_bytes(x, best));
        if arith::order(x, best)? == Some(wanted) {
            best = x;
        }
    }
    Ok(best)
}

fn min(vm: &mut Vm, args: &Args) -> R {
    let a = elements(vm, args)?;
    extreme(vm, a, Ordering::Less).or_else(|()| tail_method(vm, a.value(), "_min", &[]))
}

fn max(vm: &mut Vm, args: &Args) -> R {
    let a = elements(vm, args)?;
    extreme(vm, a, Ordering::Greater).or_else(|()| tail_method(vm, a.value(), "_max", &[]))
}

fn min_max(vm: &mut Vm, args: &Args) -> R {
    let a = elements(vm, args)?;
    match (extreme(vm, a, Ordering::Less), extreme(vm, a, Ordering::Greater)) {
        (Ok(x), Ok(y)) => Ok(pair(vm, x, y)),
        _ => tail_method(vm, a.value(), "_min_max", &[]),
    }
}

fn sorted(vm: &mut Vm, args: &Args) -> R {
    let a = elements(vm, args)?;
    if args.is_empty()
        && let Some(v) = super::array::sorted(vm, a)
    {
        return Ok(v);
    }
    if let Some(f) = args.opt(0) {
        vm.expect_callable("sort", f)?;
    }
    tail_method(vm, a.value(), "_sort", args.rest())
}

/// `(xs ._sort_by_keys keys)`: a copy sorted by the keys, nil when scripts must compare them.
fn sort_by_keys(vm: &mut Vm, args: &Args) -> R {
    let a = elements(vm, args)?;
    let Some(keys) = vm.as_array(args.get(0)) else { return Ok(Value::NIL) };
    if keys.size() != a.size() {
        return Ok(Value::NIL);
    }
    let b = vm.heap.array(a.as_slice());
    let Some(bytes) = sort::sort_by_keys(b.as_mut_slice(), keys.as_slice()) else { return Ok(Value::NIL) };
    vm.heap.fuel.spend_on(sort::steps(b.size()));
    vm.heap.fuel.spend_on_bytes(bytes);
    Ok(b.value())
}
