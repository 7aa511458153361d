//! Arrays: the methods that call no function (language 6.3). Those that do are in `prelude/array.gene`; methods whose function is
//! optional start here and go on there.
use super::collection::{
    check_memory, count, int, is_function, items, items_arg, look, mutable, new_array, pair, position, selection,
    set_of, tail_method, this_array, wrong,
};
use super::sort;
use crate::def;
use crate::heap::{Gc, Kind};
use crate::native::{Args, NativeDef, R, Stop, VARIADIC};
use crate::object::array::{Array, MAX_LEN};
use crate::object::table::Table;
use crate::value::{Value, arith};
use crate::vm::Vm;
use rustc_hash::FxHashSet;

pub fn install(vm: &mut Vm) {
    let c = vm.classes.by_kind[Kind::Array as usize];
    vm.add_methods(c, DEFS);
    vm.add_methods(c, super::order::DEFS);
}

#[rustfmt::skip]
static DEFS: &[NativeDef] = &[
    def!("_fill_template", fill_template, 1, 1, "(values ._fill_template data) -- a copy of the data with the values for its unquotes"),
    def!("size", size, 0, 0, "(a .size) -- number of elements
        ([1 2] .size) => 2"),
    def!("length", size, 0, 0, "(a .length) -- number of elements
        ([1 2] .length) => 2"),
    def!("empty?", is_empty, 0, 0, "(a .empty?) -- has it no elements?
        ([] .empty?) => true"),
    def!("empty", is_empty, 0, 0, "(a .empty) -- has it no elements?
        ([] .empty) => true"),
    def!("not_empty?", not_empty, 0, 0, "(a .not_empty?) -- has it elements?
        ([1] .not_empty?) => true"),
    def!("get", get, 1, 2, r#"(a .get i [d]) -- element i, else d or nil
        ([1 2] .get 5 "none") => "none""#),
    def!("set", set, 2, 2, r#"(a .set i v) -- replaces element i; the receiver
        ([1 2] .set 0 "x") => ["x" 2]"#),
    def!("add", add, 1, 1, "(a .add v) -- appends v; the receiver
        ([1] .add 2) => [1 2]"),
    def!("append", add, 1, 1, "(a .append v) -- appends v; the receiver
        ([1] .append 2) => [1 2]"),
    def!("push", push, 1, 1, "(a .push v) -- appends v; the new size
        ([1 2] .push 3) => 3"),
    def!("pop", pop, 0, 0, "(a .pop) -- removes and gives the last element, nil when empty
        ([1 2] .pop) => 2"),
    def!("shift", shift, 0, 0, "(a .shift) -- removes and gives the first element, nil when empty
        ([1 2] .shift) => 1"),
    def!("unshift", unshift, 1, 1, "(a .unshift v) -- prepends v; the receiver
        ([2] .unshift 1) => [1 2]"),
    def!("insert", insert, 2, 2, "(a .insert i v) -- inserts v before index i; the receiver
        ([1 3] .insert 1 2) => [1 2 3]"),
    def!("remove_at", |vm, a| remove_at(vm, a, "remove_at"), 1, 1, "(a .remove_at i) -- removes and gives element i, nil outside
        ([1 2 3] .remove_at 1) => 2"),
    def!("del", |vm, a| remove_at(vm, a, "del"), 1, 1, "(a .del i) -- removes and gives element i, nil outside
        ([1 2 3] .del 0) => 1"),
    def!("remove", remove, 1, 1, "(a .remove v) -- removes the first element equal to v; was there one?
        ([1 2 1] .remove 1) => true"),
    def!("clear", clear, 0, 0, "(a .clear) -- removes all elements; the receiver
        ([1 2] .clear) => []"),
    def!("extend", extend, 1, 1, "(a .extend xs) -- appends the elements of an iterable; the receiver
        ([1] .extend [2 3]) => [1 2 3]"),
    def!("fill", fill, 1, 1, "(a .fill v) -- makes every element v; the receiver
        ([1 2] .fill 0) => [0 0]"),
    def!("first", first, 0, 1, "(a .first [n]) -- first element or nil; the first n as an array
        ([1 2 3] .first 2) => [1 2]"),
    def!("last", last, 0, 1, "(a .last [n]) -- last element or nil; the last n as an array
        ([1 2 3] .last) => 3"),
    def!("index_of", index_of, 1, 1, r#"(a .index_of v) -- index of the first element equal to v, or -1
        (["a" "b"] .index_of "b") => 1"#),
    def!("last_index_of", last_index_of, 1, 1, "(a .last_index_of v) -- index of the last element equal to v, or -1
        ([1 2 1] .last_index_of 1) => 2"),
    def!("contains", contains, 1, 1, "(a .contains v) -- is an element equal to v?
        ([1 2] .contains 2) => true"),
    def!("include?", contains, 1, 1, "(a .include? v) -- is an element equal to v?
        ([1 2] .include? 3) => false"),
    def!("count", count_of, 0, 1, "(a .count [v]) -- size, number of elements equal to v, or for which the function v is true
        ([1 2 1] .count 1) => 2"),
    def!("reverse", reverse, 0, 0, "(a .reverse) -- elements from the last to the first
        ([1 2 3] .reverse) => [3 2 1]"),
    def!("reverse!", reverse_here, 0, 0, "(a .reverse!) -- reverses in place; the receiver
        ([1 2 3] .reverse!) => [3 2 1]"),
    def!("shuffle", shuffle, 0, 0, "(a .shuffle) -- elements in random order
        ([1 2 3] .shuffle)"),
    def!("shuffle!", shuffle_here, 0, 0, "(a .shuffle!) -- shuffles in place; the receiver
        ([1 2 3] .shuffle!)"),
    def!("sample", sample, 0, 0, "(a .sample) -- a random element, nil when empty
        ([1 2 3] .sample)"),
    def!("slice", slice, 1, 2, "(a .slice from [to]) -- elements from (inclusive) to (exclusive), or those a Range names
        ([1 2 3 4] .slice 1 3) => [2 3]"),
    def!("take", |vm, a| take(vm, a, "take"), 1, 1, "(a .take n) -- the first n elements
        ([1 2 3] .take 2) => [1 2]"),
    def!("drop", |vm, a| drop_first(vm, a, "drop"), 1, 1, "(a .drop n) -- all but the first n elements
        ([1 2 3] .drop 1) => [2 3]"),
    def!("skip", |vm, a| drop_first(vm, a, "skip"), 1, 1, "(a .skip n) -- all but the first n elements
        ([1 2 3] .skip 1) => [2 3]"),
    def!("concat", concat, 0, VARIADIC, "(a .concat xs...) -- elements of the receiver and of each array
        ([1] .concat [2] [3]) => [1 2 3]"),
    def!("zip", zip, 0, VARIADIC, r#"(a .zip xs...) -- tuples of elements with the same index, as many as the shortest has
        ([1 2] .zip ["a" "b"]) => [[1 "a"] [2 "b"]]"#),
    def!("flatten", flatten, 0, 1, "(a .flatten [depth]) -- nested arrays dissolved, all levels or so many
        ([1 [2 [3]]] .flatten) => [1 2 3]"),
    def!("compact", compact, 0, 0, "(a .compact) -- elements that are neither nil nor void
        ([1 nil 2] .compact) => [1 2]"),
    def!("uniq", uniq, 0, 0, "(a .uniq) -- first occurrences of equal elements
        ([1 2 1] .uniq) => [1 2]"),
    def!("union", union, 1, 1, "(a .union xs) -- distinct elements of both
        ([1 2] .union [2 3]) => [1 2 3]"),
    def!("intersect", intersect, 1, 1, "(a .intersect xs) -- distinct elements that are in both
        ([1 2] .intersect [2 3]) => [2]"),
    def!("diff", diff, 1, 1, "(a .diff xs) -- distinct elements that are not in xs
        ([1 2 3] .diff [2]) => [1 3]"),
    def!("chunk", |vm, a| chunk(vm, a, "chunk"), 1, 1, "(a .chunk n) -- arrays of n neighbours, the last may be shorter
        ([1 2 3] .chunk 2) => [[1 2] [3]]"),
    def!("each_slice", |vm, a| chunk(vm, a, "each_slice"), 1, 1, "(a .each_slice n) -- arrays of n neighbours, the last may be shorter
        ([1 2 3] .each_slice 2) => [[1 2] [3]]"),
    def!("windows", windows, 1, 1, "(a .windows n) -- all runs of n neighbours
        ([1 2 3] .windows 2) => [[1 2] [2 3]]"),
    def!("tally", tally, 0, 0, r#"(a .tally) -- HashMap from element to number of occurrences
        (["a" "b" "a"] .tally) => {{"a" 2 "b" 1}}"#),
    def!("join", join, 0, 1, r#"(a .join [sep]) -- texts of the elements joined
        ([1 2 3] .join "-") => "1-2-3""#),
    def!("enumerate", enumerate, 0, 0, r#"(a .enumerate) -- array of [index element]
        (["a" "b"] .enumerate) => [[0 "a"] [1 "b"]]"#),
    def!("pairs", enumerate, 0, 0, r#"(a .pairs) -- array of [index element]
        (["a" "b"] .pairs) => [[0 "a"] [1 "b"]]"#),
    def!("keys", keys, 0, 0, r#"(a .keys) -- indices
        (["a" "b"] .keys) => [0 1]"#),
    def!("to_map", to_map, 0, 0, r#"(a .to_map) -- Map from [key value] elements
        ([["a" 1]] .to_map) => {^a 1}"#),
    def!("to_hash_map", to_hash_map, 0, 0, r#"(a .to_hash_map) -- HashMap from [key value] elements
        ([[1 "a"]] .to_hash_map) => {{1 "a"}}"#),
    def!("to_set", to_set, 0, 0, "(a .to_set) -- HashSet of the elements
        ([1 2 1] .to_set) => (HashSet 1 2)"),
    def!("to_array", to_array, 0, 0, "(a .to_array) -- mutable copy
        ([1 2] .to_array) => [1 2]"),
    def!("dup", to_array, 0, 0, "(a .dup) -- mutable copy
        ([1 2] .dup) => [1 2]"),
    def!("transpose", transpose, 0, 0, "(a .transpose) -- rows and columns of an array of equally long arrays exchanged
        ([[1 2] [3 4]] .transpose) => [[1 3] [2 4]]"),
    def!("combinations", combinations, 1, 1, "(a .combinations n) -- all choices of n elements, by index
        ([1 2 3] .combinations 2) => [[1 2] [1 3] [2 3]]"),
    def!("permutations", permutations, 0, 0, "(a .permutations) -- all orders of the elements, by index
        ([1 2] .permutations) => [[1 2] [2 1]]"),
    def!("rotate", rotate, 0, 1, "(a .rotate n) -- the first n elements moved to the end
        ([1 2 3] .rotate 1) => [2 3 1]"),
    def!("bsearch", bsearch, 1, 1, "(a .bsearch v) -- index of v in a sorted array, or -1
        ([1 3 5] .bsearch 3) => 1"),
    def!("immutable?", is_immutable, 0, 0, "(a .immutable?) -- can it not be changed?
        (#[1] .immutable?) => true"),
    def!("_push_unique", push_unique, 3, 3, ""),
    def!("_mutable", check_mutable, 0, 0, ""),
    def!("_replace", replace, 1, 1, ""),
];

/// Globals.
#[rustfmt::skip]
pub static GLOBALS: &[NativeDef] = &[
    def!("array", make, 0, VARIADIC, "(array v...) -- an Array of the arguments
        (array 1 2) => [1 2]"),
    def!("array_of", array_of, 2, 2, "(array_of n v) -- n times v, or (v i) for each index when v is a Function
        (array_of 3 0) => [0 0 0]"),
];

fn outside(vm: &mut Vm, i: i64, a: Gc<Array>) -> Stop {
    vm.argument_error(&format!("Array index out of bounds: {i} (len={})", a.size()))
}

fn size(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::small(this_array(vm, args)?.size() as i64))
}

fn is_empty(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::bool(this_array(vm, args)?.size() == 0))
}

fn not_empty(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::bool(this_array(vm, args)?.size() != 0))
}

fn get(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let i = int(vm, "get", args.get(0))?;
    Ok(match position(i, a.size()) {
        Some(p) => a.as_slice()[p],
        None => args.get(1),
    })
}

fn set(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    mutable(vm, a)?;
    let i = int(vm, "set", args.get(0))?;
    match position(i, a.size()) {
        Some(p) => vm.heap.array_set(a, p, args.get(1)),
        None => return Err(outside(vm, i, a)),
    }
    Ok(args.this())
}

/// Room for `extra` more elements.
pub fn room(vm: &mut Vm, a: Gc<Array>, extra: usize) -> Result<(), Stop> {
    if a.size() + extra > MAX_LEN { Err(vm.runtime_error("Array too large")) } else { Ok(()) }
}

fn add(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    mutable(vm, a)?;
    room(vm, a, 1)?;
    vm.heap.array_push(a, args.get(0));
    Ok(args.this())
}

fn push(vm: &mut Vm, args: &Args) -> R {
    add(vm, args)?;
    size(vm, args)
}

fn pop(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    mutable(vm, a)?;
    Ok(a.pop().unwrap_or(Value::NIL))
}

fn shift(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    mutable(vm, a)?;
    Ok(a.shift().unwrap_or(Value::NIL))
}

fn fill_template(vm: &mut Vm, args: &Args) -> R {
    let values = this_array(vm, args)?.as_slice().to_vec();
    crate::interp::dynamic::filled(vm, args.get(0), &values)
}

fn unshift(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    mutable(vm, a)?;
    room(vm, a, 1)?;
    vm.heap.array_insert(a, 0, args.get(0));
    Ok(args.this())
}

fn insert(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    mutable(vm, a)?;
    let i = int(vm, "insert", args.get(0))?;
    let at = if i < 0 { i + a.size() as i64 } else { i };
    if at < 0 || at > a.size() as i64 {
        return Err(outside(vm, i, a));
    }
    room(vm, a, 1)?;
    spend_on_moving(vm, if at == 0 { 0 } else { a.size() - at as usize });
    vm.heap.array_insert(a, at as usize, args.get(1));
    Ok(args.this())
}

fn remove_at(vm: &mut Vm, args: &Args, name: &str) -> R {
    let a = this_array(vm, args)?;
    mutable(vm, a)?;
    let i = int(vm, name, args.get(0))?;
    let Some(p) = position(i, a.size()) else { return Ok(Value::NIL) };
    spend_on_moving(vm, a.size() - p);
    Ok(a.remove(p))
}

/// Fuel for elements that move aside.
fn spend_on_moving(vm: &mut Vm, elements: usize) {
    vm.heap.fuel.spend_on_bytes(elements * size_of::<Value>());
}

/// Index of the first element at or after `from` that is equal to `v`.
fn find_from(vm: &mut Vm, a: Gc<Array>, v: Value, from: usize) -> Result<Option<usize>, Stop> {
    let mut i = from;
    while let Some(x) = a.at(i) {
        if vm.equal(x, v)? {
            vm.heap.fuel.spend_on(i - from);
            return Ok(Some(i));
        }
        i += 1;
    }
    vm.heap.fuel.spend_on(i - from);
    Ok(None)
}

fn remove(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    mutable(vm, a)?;
    match find_from(vm, a, args.get(0), 0)? {
        // A script's `==` may have shortened the array since.
        Some(i) if i < a.size() => {
            spend_on_moving(vm, a.size() - i);
            a.remove(i);
            Ok(Value::TRUE)
        }
        _ => Ok(Value::FALSE),
    }
}

fn clear(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    mutable(vm, a)?;
    a.truncate(0);
    Ok(args.this())
}

fn extend(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    mutable(vm, a)?;
    match items(vm, args.get(0))? {
        Some(b) => {
            room(vm, a, b.size())?;
            extend_from(vm, a, b);
            Ok(args.this())
        }
        None => tail_method(vm, args.this(), "_extend", args.rest()),
    }
}

/// Appends the elements of `b`, which may be `a` itself.
fn extend_from(vm: &mut Vm, a: Gc<Array>, b: Gc<Array>) {
    let n = b.size();
    vm.heap.array_reserve(a, n);
    // Taken after reserving: growing moves the elements when `b` is `a`.
    vm.heap.array_extend(a, &b.as_slice()[..n]);
}

fn fill(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    mutable(vm, a)?;
    spend_on_moving(vm, a.size());
    a.as_mut_slice().fill(args.get(0));
    vm.heap.barrier(a);
    Ok(args.this())
}

fn first(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    match args.opt(0) {
        None => Ok(a.at(0).unwrap_or(Value::NIL)),
        Some(_) => take(vm, args, "first"),
    }
}

fn last(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    match args.opt(0) {
        None => Ok(a.as_slice().last().copied().unwrap_or(Value::NIL)),
        Some(n) => {
            let n = count(vm, "last", n)?.min(a.size());
            Ok(vm.array(&a.as_slice()[a.size() - n..]))
        }
    }
}

fn index(i: Option<usize>) -> Value {
    Value::small(i.map_or(-1, |i| i as i64))
}

fn index_of(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    Ok(index(find_from(vm, a, args.get(0), 0)?))
}

fn last_index_of(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let n = a.size();
    let mut i = n;
    while i > 0 {
        i -= 1;
        let Some(x) = a.at(i) else { continue };
        if vm.equal(x, args.get(0))? {
            vm.heap.fuel.spend_on(n - i);
            return Ok(index(Some(i)));
        }
    }
    vm.heap.fuel.spend_on(n);
    Ok(index(None))
}

fn contains(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    Ok(Value::bool(find_from(vm, a, args.get(0), 0)?.is_some()))
}

fn count_of(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let Some(v) = args.opt(0) else { return size(vm, args) };
    if is_function(v) {
        return tail_method(vm, args.this(), "_count", args.rest());
    }
    let (mut n, mut i) = (0, 0);
    while let Some(x) = a.at(i) {
        n += vm.equal(x, v)? as i64;
        i += 1;
    }
    vm.heap.fuel.spend_on(i);
    Ok(Value::small(n))
}

fn copy(vm: &mut Vm, a: Gc<Array>) -> Gc<Array> {
    vm.heap.array(a.as_slice())
}

fn reverse(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let b = copy(vm, a);
    b.as_mut_slice().reverse();
    Ok(b.value())
}

fn reverse_here(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    mutable(vm, a)?;
    spend_on_moving(vm, a.size());
    a.as_mut_slice().reverse();
    vm.heap.barrier(a);
    Ok(args.this())
}

fn shuffle_items(vm: &mut Vm, a: Gc<Array>) {
    vm.heap.fuel.spend_on(a.size());
    for i in (1..a.size()).rev() {
        let j = vm.rng.below(i as u64 + 1) as usize;
        a.as_mut_slice().swap(i, j);
    }
    vm.heap.barrier(a);
}

fn shuffle(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let b = copy(vm, a);
    shuffle_items(vm, b);
    Ok(b.value())
}

fn shuffle_here(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    mutable(vm, a)?;
    shuffle_items(vm, a);
    Ok(args.this())
}

fn sample(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    if a.size() == 0 {
        return Ok(Value::NIL);
    }
    let i = vm.rng.below(a.size() as u64) as usize;
    Ok(a.as_slice()[i])
}

fn slice(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let s = selection(vm, args, a.size())?;
    if s.step == 1 {
        return Ok(vm.array(&a.as_slice()[s.from..s.from + s.count]));
    }
    let b = vm.heap.array_with_capacity(s.count);
    for i in 0..s.count as i64 {
        vm.heap.array_push(b, a.as_slice()[(s.from as i64 + i * s.step) as usize]);
    }
    Ok(b.value())
}

fn take(vm: &mut Vm, args: &Args, name: &str) -> R {
    let a = this_array(vm, args)?;
    let n = count(vm, name, args.get(0))?.min(a.size());
    Ok(vm.array(&a.as_slice()[..n]))
}

fn drop_first(vm: &mut Vm, args: &Args, name: &str) -> R {
    let a = this_array(vm, args)?;
    let n = count(vm, name, args.get(0))?.min(a.size());
    Ok(vm.array(&a.as_slice()[n..]))
}

fn concat(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let mut n = a.size() as u128;
    for &v in args.rest() {
        n += items_arg(vm, "concat", v)?.size() as u128;
    }
    let b = new_array(vm, n)?;
    vm.heap.array_extend(b, a.as_slice());
    for &v in args.rest() {
        let c = items_arg(vm, "concat", v)?;
        vm.heap.array_extend(b, c.as_slice());
    }
    Ok(b.value())
}

fn zip(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    // The other collections, kept in an array of their own.
    let others = vm.heap.array_with_capacity(args.len());
    let mut n = a.size();
    for &v in args.rest() {
        let b = items_arg(vm, "zip", v)?;
        n = n.min(b.size());
        vm.heap.array_push(others, b.value());
    }
    let out = vm.heap.array_with_capacity(n);
    for i in 0..n {
        look(vm, i)?;
        let t = vm.heap.array_with_capacity(others.size() + 1);
        vm.heap.array_push(t, a.as_slice()[i]);
        for o in others.as_slice() {
            vm.heap.array_push(t, o.gc::<Array>().as_slice()[i]);
        }
        vm.heap.array_push(out, t.value());
    }
    Ok(out.value())
}

/// Levels that are dissolved even of a structure that contains itself.
const MAX_CYCLIC_DEPTH: u64 = 1000;

fn flatten(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let depth = match args.opt(0) {
        Some(d) if !d.is_nil() => int(vm, "flatten", d)?.max(0) as u64,
        _ => u64::MAX,
    };
    let out = vm.heap.array_with_capacity(a.size());
    // An explicit stack of (array, next index): nesting is limited by memory, not by the native stack.
    let mut open: Vec<(Gc<Array>, usize)> = vec![(a, 0)];
    let mut on_path: FxHashSet<usize> = [a.as_ptr() as usize].into_iter().collect();
    while let Some((b, i)) = open.last_mut() {
        if *i == 0 {
            // An array inside costs more than an element, and a shared one is met again and again.
            vm.work(1)?;
        }
        let Some(x) = b.at(*i) else {
            on_path.remove(&(b.as_ptr() as usize));
            open.pop();
            continue;
        };
        *i += 1;
        match x.get::<Array>(Kind::Array) {
            Some(c) if (open.len() as u64) <= depth => {
                // With a small depth it ends anyway.
                if depth > MAX_CYCLIC_DEPTH && !on_path.insert(c.as_ptr() as usize) {
                    return Err(vm.runtime_error("Cannot flatten cyclic structure"));
                }
                open.push((c, 0));
            }
            _ => {
                room(vm, out, 1)?;
                if out.len == out.cap {
                    check_memory(vm, out.size() as u128 * 16)?;
                }
                vm.heap.array_push(out, x);
            }
        }
    }
    Ok(out.value())
}

fn compact(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    vm.heap.fuel.spend_on(a.size());
    let out = vm.heap.array_with_capacity(0);
    for &x in a.as_slice() {
        if !x.is_nil() && !x.is_void() {
            vm.heap.array_push(out, x);
        }
    }
    Ok(out.value())
}

/// Appends to `out` what `seen` did not hold yet.
fn add_new(vm: &mut Vm, out: Gc<Array>, seen: Gc<Table>, v: Value) -> Result<(), Stop> {
    if vm.table_set(seen, v, Value::NIL)? {
        vm.heap.array_push(out, v);
    }
    Ok(())
}

fn add_all_new(vm: &mut Vm, out: Gc<Array>, seen: Gc<Table>, a: Gc<Array>) -> Result<(), Stop> {
    vm.heap.fuel.spend_on(a.size());
    let mut i = 0;
    while let Some(v) = a.at(i) {
        add_new(vm, out, seen, v)?;
        look(vm, i)?;
        i += 1;
    }
    Ok(())
}

fn uniq(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let (out, seen) = (vm.heap.array_with_capacity(0), vm.heap.table(Kind::HashSet));
    add_all_new(vm, out, seen, a)?;
    Ok(out.value())
}

fn union(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let b = items_arg(vm, "union", args.get(0))?;
    let (out, seen) = (vm.heap.array_with_capacity(0), vm.heap.table(Kind::HashSet));
    add_all_new(vm, out, seen, a)?;
    add_all_new(vm, out, seen, b)?;
    Ok(out.value())
}

/// Distinct elements whose presence in `xs` is `wanted`.
fn select(vm: &mut Vm, args: &Args, method: &str, wanted: bool) -> R {
    let a = this_array(vm, args)?;
    let b = items_arg(vm, method, args.get(0))?;
    vm.heap.fuel.spend_on(a.size() + b.size());
    let other = set_of(vm, b)?;
    let (out, seen) = (vm.heap.array_with_capacity(0), vm.heap.table(Kind::HashSet));
    let mut i = 0;
    while let Some(v) = a.at(i) {
        if vm.table_has(other, v)? == wanted {
            add_new(vm, out, seen, v)?;
        }
        look(vm, i)?;
        i += 1;
    }
    Ok(out.value())
}

fn intersect(vm: &mut Vm, args: &Args) -> R {
    select(vm, args, "intersect", true)
}

fn diff(vm: &mut Vm, args: &Args) -> R {
    select(vm, args, "diff", false)
}

/// `(out ._push_unique set key v)` of `uniq_by`: appends v when the key is new.
fn push_unique(vm: &mut Vm, args: &Args) -> R {
    let out = this_array(vm, args)?;
    let Some(seen) = args.get(0).get::<Table>(Kind::HashSet) else { return Ok(Value::NIL) };
    if vm.table_set(seen, args.get(1), Value::NIL)? {
        vm.heap.array_push(out, args.get(2));
    }
    Ok(args.this())
}

/// `(a ._mutable)`: raises unless the array may be changed.
fn check_mutable(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    mutable(vm, a)?;
    Ok(args.this())
}

/// `(a ._replace b)`: takes the elements of b; the receiver.
fn replace(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    mutable(vm, a)?;
    if let Some(b) = vm.as_array(args.get(0))
        && a != b
    {
        a.truncate(0);
        vm.heap.array_extend(a, b.as_slice());
    }
    Ok(args.this())
}

/// A positive number of elements.
fn run_length(vm: &mut Vm, method: &str, v: Value) -> Result<usize, Stop> {
    let n = int(vm, method, v)?;
    if n < 1 {
        return Err(vm.argument_error(&format!("{method} size must be positive")));
    }
    Ok(n.min(MAX_LEN as i64) as usize)
}

fn chunk(vm: &mut Vm, args: &Args, method: &str) -> R {
    let a = this_array(vm, args)?;
    let n = run_length(vm, method, args.get(0))?;
    let out = vm.heap.array_with_capacity(a.size().div_ceil(n));
    for (i, part) in a.as_slice().chunks(n).enumerate() {
        look(vm, i)?;
        let c = vm.array(part);
        vm.heap.array_push(out, c);
    }
    Ok(out.value())
}

fn windows(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let n = run_length(vm, "windows", args.get(0))?;
    let out = vm.heap.array_with_capacity((a.size() + 1).saturating_sub(n));
    for (i, part) in a.as_slice().windows(n).enumerate() {
        look(vm, i)?;
        let c = vm.array(part);
        vm.heap.array_push(out, c);
    }
    Ok(out.value())
}

fn tally(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let t = vm.heap.table(Kind::HashMap);
    let mut i = 0;
    while let Some(v) = a.at(i) {
        match vm.table_find(t, v)? {
            Some(e) => {
                let n = Value::small(t.value_at(e).small_int() + 1);
                vm.heap.table_set_at(t, e, n);
            }
            None => {
                vm.table_set(t, v, Value::small(1))?;
            }
        }
        look(vm, i)?;
        i += 1;
    }
    Ok(t.value())
}

/// Bytes of the joined elements when all are Strings: such an Array is joined without a detour.
fn joined_length(a: Gc<Array>, sep: &str) -> Option<usize> {
    let mut bytes = sep.len() * a.size().saturating_sub(1);
    for v in a.as_slice() {
        bytes += v.as_str()?.len();
    }
    Some(bytes)
}

/// The texts of the elements of `a`, with `args[0]` between them.
pub fn join_items(vm: &mut Vm, a: Gc<Array>, sep: Option<Value>) -> R {
    let sep = match sep {
        Some(s) if !s.is_nil() => match super::args::Text::of(s) {
            Some(t) => t.to_string(),
            None => return Err(wrong(vm, "join", "String", s)),
        },
        _ => String::new(),
    };
    if let Some(bytes) = joined_length(a, &sep) {
        super::string::check_len(vm, bytes)?;
        let parts = a.as_slice().iter().enumerate().flat_map(|(i, v)| {
            let before = if i > 0 { sep.as_str() } else { "" };
            [before, v.as_str().unwrap_or("")]
        });
        return Ok(vm.heap.string_of(bytes, parts).value());
    }
    let mut out = String::new();
    let mut i = 0;
    while let Some(x) = a.at(i) {
        if i > 0 {
            out.push_str(&sep);
        }
        vm.write_value(&mut out, x, super::printer::Style::Text)?;
        i += 1;
    }
    if out.len() > crate::object::string::MAX_LEN {
        return Err(vm.runtime_error("String too long"));
    }
    Ok(vm.str(&out))
}

fn join(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    join_items(vm, a, args.opt(0))
}

fn enumerate(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let out = vm.heap.array_with_capacity(a.size());
    for (i, &x) in a.as_slice().iter().enumerate() {
        look(vm, i)?;
        let p = pair(vm, Value::small(i as i64), x);
        vm.heap.array_push(out, p);
    }
    Ok(out.value())
}

fn keys(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let out = vm.heap.array_with_capacity(a.size());
    for i in 0..a.size() {
        vm.heap.array_push(out, Value::small(i as i64));
    }
    Ok(out.value())
}

/// A Map from an array of `[key value]` arrays.
pub fn map_of_pairs(vm: &mut Vm, a: Gc<Array>) -> R {
    let m = vm.map_with_capacity(a.size().min(64));
    for (i, &x) in a.as_slice().iter().enumerate() {
        look(vm, i)?;
        let entry = x.get::<Array>(Kind::Array).map(|p| p.as_slice());
        let key = match entry {
            Some(&[k, v]) => vm.map_key(k).map(|k| (k, v)),
            _ => None,
        };
        match key {
            Some((k, v)) => vm.map_set(m, k, v),
            None => return Err(vm.argument_error("to_map expects [key value] pairs")),
        }
    }
    Ok(m.value())
}

fn to_map(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    map_of_pairs(vm, a)
}

fn to_hash_map(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let t = vm.heap.table(Kind::HashMap);
    let mut i = 0;
    while let Some(x) = a.at(i) {
        match x.get::<Array>(Kind::Array).map(|p| p.as_slice()) {
            Some(&[k, v]) => vm.table_set(t, k, v)?,
            _ => return Err(vm.argument_error("to_hash_map expects [key value] pairs")),
        };
        look(vm, i)?;
        i += 1;
    }
    Ok(t.value())
}

fn to_set(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    Ok(set_of(vm, a)?.value())
}

fn to_array(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    Ok(copy(vm, a).value())
}

fn transpose(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let mut width = None;
    for &row in a.as_slice() {
        let Some(r) = row.get::<Array>(Kind::Array) else { return Err(wrong(vm, "transpose", "Array elements", row)) };
        if *width.get_or_insert(r.size()) != r.size() {
            return Err(vm.argument_error("transpose expects arrays of equal length"));
        }
    }
    let width = width.unwrap_or(0);
    let out = vm.heap.array_with_capacity(width);
    for _ in 0..width {
        let column = vm.heap.array_with_capacity(a.size());
        vm.heap.array_push(out, column.value());
    }
    // Row by row: each of them is gone through once.
    for row in a.as_slice() {
        for (&column, &v) in out.as_slice().iter().zip(row.gc::<Array>().as_slice()) {
            vm.heap.array_push(column.gc(), v);
        }
    }
    Ok(out.value())
}

/// An array without its elements.
const ARRAY_BYTES: u128 = 40;

/// Appends the elements at `indices` as one array.
fn push_choice(vm: &mut Vm, out: Gc<Array>, a: Gc<Array>, indices: &[usize]) -> Result<(), Stop> {
    look(vm, out.size())?;
    let c = vm.heap.array_with_capacity(indices.len());
    for &i in indices {
        vm.heap.array_push(c, a.as_slice()[i]);
    }
    vm.heap.array_push(out, c.value());
    Ok(())
}

/// Ways to choose `k` of `n`, or a number larger than any array when there are too many.
fn choices(n: usize, k: usize) -> u128 {
    let k = k.min(n - k);
    let mut c: u128 = 1;
    for i in 0..k {
        c = c * (n - i) as u128 / (i + 1) as u128;
        if c > MAX_LEN as u128 {
            return c;
        }
    }
    c
}

fn combinations(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let k = int(vm, "combinations", args.get(0))?;
    let n = a.size();
    if k < 0 || k > n as i64 {
        return Ok(vm.array(&[]));
    }
    let k = k as usize;
    let total = choices(n, k);
    let out = new_array(vm, total)?;
    check_memory(vm, total * (ARRAY_BYTES + k as u128 * 8))?;
    let mut at: Vec<usize> = (0..k).collect();
    loop {
        push_choice(vm, out, a, &at)?;
        // The last index that can still move, and those behind it right after it.
        let Some(i) = (0..k).rev().find(|&i| at[i] < n - k + i) else { break };
        at[i] += 1;
        for j in i + 1..k {
            at[j] = at[j - 1] + 1;
        }
    }
    Ok(out.value())
}

fn permutations(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let n = a.size();
    let total = (1..=n as u128).try_fold(1u128, |p, i| p.checked_mul(i)).unwrap_or(u128::MAX);
    let out = new_array(vm, total)?;
    check_memory(vm, total * (ARRAY_BYTES + n as u128 * 8))?;
    let mut at: Vec<usize> = (0..n).collect();
    loop {
        push_choice(vm, out, a, &at)?;
        // The next order of the indices.
        let Some(i) = (1..n).rev().find(|&i| at[i - 1] < at[i]) else { break };
        let j = (i..n).rev().find(|&j| at[j] > at[i - 1]).unwrap_or(i);
        at.swap(i - 1, j);
        at[i..].reverse();
    }
    Ok(out.value())
}

fn rotate(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let n = match args.opt(0) {
        Some(n) => int(vm, "rotate", n)?,
        None => 1,
    };
    let b = copy(vm, a);
    if b.size() > 0 {
        b.as_mut_slice().rotate_left(n.rem_euclid(b.size() as i64) as usize);
    }
    Ok(b.value())
}

fn bsearch(vm: &mut Vm, args: &Args) -> R {
    let a = this_array(vm, args)?;
    let v = args.get(0);
    let (mut lo, mut hi) = (0, a.size());
    while lo < hi {
        let mid = (lo + hi) / 2;
        match arith::order(a.as_slice()[mid], v) {
            Ok(Some(std::cmp::Ordering::Less)) => lo = mid + 1,
            Ok(_) => hi = mid,
            Err(()) => return tail_method(vm, args.this(), "_bsearch", args.rest()),
        }
    }
    match a.at(lo) {
        Some(x) if vm.equal(x, v)? => Ok(index(Some(lo))),
        _ => Ok(index(None)),
    }
}

fn is_immutable(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::bool(this_array(vm, args)?.is_frozen()))
}

// --- globals

fn make(vm: &mut Vm, args: &Args) -> R {
    Ok(vm.array(args.rest()))
}

fn array_of(vm: &mut Vm, args: &Args) -> R {
    let n = int(vm, "array_of", args.get(0))?.max(0);
    let v = args.get(1);
    if is_function(v) {
        let f = vm.sym("_array_of");
        let Some(crate::object::namespace::Member::Value(callee)) = vm.globals.data().find(f) else {
            return Err(vm.runtime_error("array_of is not defined"));
        };
        return vm.tail_call(callee, args.rest());
    }
    let a = new_array(vm, n as u128)?;
    for _ in 0..n {
        vm.heap.array_push(a, v);
    }
    Ok(a.value())
}

/// Sorted copy, or nil when elements have to be compared by scripts: the fast half of `.sort`.
pub fn sorted(vm: &mut Vm, a: Gc<Array>) -> Option<Value> {
    let b = copy(vm, a);
    let bytes = sort::sort(b.as_mut_slice())?;
    vm.heap.fuel.spend_on(sort::steps(b.size()));
    vm.heap.fuel.spend_on_bytes(bytes);
    Some(b.value())
}
