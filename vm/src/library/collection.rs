//! What the natives of several collections share.
use crate::heap::{Gc, Kind, Record};
use crate::native::{Args, R, Stop};
use crate::object::array::{Array, MAX_LEN};
use crate::object::map::Map;
use crate::object::range::Span;
use crate::object::table::Table;
use crate::value::Value;
use crate::vm::{PendingCall, Vm};

/// Raises `Cannot modify immutable KIND` for frozen receivers.
#[inline(always)]
pub fn mutable<T>(vm: &mut Vm, o: Gc<T>) -> Result<(), Stop> {
    if o.header().frozen() { Err(immutable(vm, o.value())) } else { Ok(()) }
}

#[cold]
#[inline(never)]
fn immutable(vm: &mut Vm, v: Value) -> Stop {
    let m = format!("Cannot modify immutable {}", vm.kind_name(v));
    vm.type_error(&m)
}

/// `METHOD expects KIND, got KIND` for a receiver or argument of another kind.
#[cold]
#[inline(never)]
pub fn wrong(vm: &mut Vm, method: &str, expected: &str, got: Value) -> Stop {
    let m = format!("{method} expects {expected}, got {}", vm.kind_name(got));
    vm.type_error(&m)
}

#[inline]
pub fn int(vm: &mut Vm, method: &str, v: Value) -> Result<i64, Stop> {
    match v.as_int() {
        Some(i) => Ok(i),
        None => Err(wrong(vm, method, "Int", v)),
    }
}

/// Between the elements of a long loop of a native: now and then a look at limits and interrupts. The fuel has been taken.
#[inline(always)]
pub fn look(vm: &mut Vm, i: usize) -> Result<(), Stop> {
    if i % 1024 == 1023 { vm.work(0) } else { Ok(()) }
}

/// A number of elements: negative ones count as 0.
pub fn count(vm: &mut Vm, method: &str, v: Value) -> Result<usize, Stop> {
    Ok(int(vm, method, v)?.clamp(0, MAX_LEN as i64) as usize)
}

/// The receiver of a method, which only a call through the class can make something else.
macro_rules! receiver {
    ($name:ident, $ty:ty, $kind:expr, $label:literal) => {
        #[inline(always)]
        pub fn $name(vm: &mut Vm, args: &Args) -> Result<Gc<$ty>, Stop> {
            match args.this().get::<$ty>($kind) {
                Some(x) => Ok(x),
                None => Err(wrong(vm, "method", $label, args.this())),
            }
        }
    };
}
receiver!(this_array, Array, Kind::Array, "Array");
receiver!(this_map, Map, Kind::Map, "Map");
receiver!(this_hash_map, Table, Kind::HashMap, "HashMap");
receiver!(this_hash_set, Table, Kind::HashSet, "HashSet");
receiver!(this_range, Record, Kind::Range, "Range");
receiver!(this_gene, Record, Kind::Gene, "Gene");

/// Position of index `i` (negative: from the end) among `len` elements.
#[inline(always)]
pub fn position(i: i64, len: usize) -> Option<usize> {
    let at = if i < 0 { i + len as i64 } else { i };
    if at >= 0 && (at as usize) < len { Some(at as usize) } else { None }
}

/// A bound between elements, 0..=len.
pub fn clamp(i: i64, len: usize) -> usize {
    let at = if i < 0 { i.saturating_add(len as i64) } else { i };
    at.clamp(0, len as i64) as usize
}

/// What `.slice from [to]` and `.slice range` select: start, number of elements, step between them.
pub struct Selection {
    pub from: usize,
    pub count: usize,
    pub step: i64,
}

/// Reads the arguments of a `slice`: bounds `from` (inclusive), `to` (exclusive), or a Range of indices.
pub fn selection(vm: &mut Vm, args: &Args, len: usize) -> Result<Selection, Stop> {
    if args.len() == 1
        && let Some(r) = args.get(0).as_range()
        && let Span::Int { start, end, step } = r.span()
    {
        return Ok(range_selection(start, end, step, len));
    }
    let (from, to) = (args.get(0).as_int(), args.opt(1));
    let to = match to {
        None => Some(len as i64),
        Some(v) if v.is_nil() => Some(len as i64),
        Some(v) => v.as_int(),
    };
    match (from, to) {
        (Some(f), Some(t)) => {
            let (f, t) = (clamp(f, len), clamp(t, len));
            Ok(Selection { from: f, count: t.saturating_sub(f), step: 1 })
        }
        _ => Err(vm.type_error("slice expects Int arguments")),
    }
}

/// The indices of a Range that name one of `len` elements; negative bounds count from the end.
fn range_selection(start: i64, end: i64, step: i64, len: usize) -> Selection {
    let none = Selection { from: 0, count: 0, step: 1 };
    let n = len as i128;
    let resolve = |i: i64| if i < 0 { i as i128 + n } else { i as i128 };
    let (mut a, mut b, s) = (resolve(start), resolve(end), step as i128);
    // Skip the steps before the first element, and cut behind the last.
    if s > 0 {
        if a < 0 {
            a += (-a + s - 1) / s * s;
        }
        b = b.min(n - 1);
        if a > b {
            return none;
        }
    } else {
        if a > n - 1 {
            a -= (a - (n - 1) - s - 1) / -s * -s;
        }
        b = b.max(0);
        if a < b {
            return none;
        }
    }
    Selection { from: a as usize, count: ((b - a) / s + 1) as usize, step }
}

/// The elements of a builtin collection as an Array: the array itself, else a new one. `None` for what only a script's iterator
/// could walk.
pub fn items(vm: &mut Vm, v: Value) -> Result<Option<Gc<Array>>, Stop> {
    let Some(kind) = v.heap_kind() else { return Ok(None) };
    Ok(match kind {
        Kind::Array => Some(v.gc()),
        Kind::HashSet => Some(table_keys(vm, v.gc())),
        Kind::HashMap => Some(table_values(vm, v.gc())),
        Kind::Map => Some(super::map::values_of(vm, v.gc())),
        Kind::Range => Some(vm.range_items(v.gc())?.gc()),
        Kind::Gene => Some(v.gc::<Record>().gene_children()),
        Kind::Str => {
            let s = v.as_str().unwrap_or("");
            let a = vm.heap.array_with_capacity(s.len());
            for c in s.chars() {
                vm.heap.array_push(a, Value::char(c));
            }
            Some(a)
        }
        Kind::Bytes => {
            let b = v.as_bytes().unwrap_or(&[]);
            let a = vm.heap.array_with_capacity(b.len());
            for &x in b {
                vm.heap.array_push(a, Value::small(x as i64));
            }
            Some(a)
        }
        _ => None,
    })
}

/// As [`items`] for an argument that must be a collection.
pub fn items_arg(vm: &mut Vm, method: &str, v: Value) -> Result<Gc<Array>, Stop> {
    match items(vm, v)? {
        Some(a) => Ok(a),
        None => Err(wrong(vm, method, "Array", v)),
    }
}

pub fn table_keys(vm: &mut Vm, t: Gc<Table>) -> Gc<Array> {
    let a = vm.heap.array_with_capacity(t.size());
    for (k, _) in t.iter() {
        vm.heap.array_push(a, k);
    }
    a
}

pub fn table_values(vm: &mut Vm, t: Gc<Table>) -> Gc<Array> {
    let a = vm.heap.array_with_capacity(t.size());
    for (_, v) in t.iter() {
        vm.heap.array_push(a, v);
    }
    a
}

/// A HashSet of the elements of `a`.
pub fn set_of(vm: &mut Vm, a: Gc<Array>) -> Result<Gc<Table>, Stop> {
    let t = vm.heap.table(Kind::HashSet);
    let mut i = 0;
    while let Some(v) = a.at(i) {
        vm.table_set(t, v, Value::NIL)?;
        look(vm, i)?;
        i += 1;
    }
    Ok(t)
}

/// A function in the sense of 2.1 (not every callable: instances with a `call` method are values here).
pub fn is_function(v: Value) -> bool {
    matches!(v.heap_kind(), Some(Kind::Function | Kind::Native | Kind::BoundMethod))
}

/// Goes on in method `name` of the receiver: the part of a method that calls back into scripts stands in the prelude.
pub fn tail_method(vm: &mut Vm, recv: Value, name: &str, args: &[Value]) -> R {
    let s = vm.sym(name);
    let class = vm.class_of(recv);
    let Some(callee) = vm.class_find(class, s) else {
        let m = format!("Method {name} not found on {}", vm.kind_name(recv));
        return Err(vm.type_error(&m));
    };
    let mut all = vec![recv];
    all.extend_from_slice(args);
    vm.pending = Some(PendingCall { callee, args: all, kw: Vec::new(), method: true });
    Err(Stop::Call)
}

/// Raises when `bytes` at once would pass the memory limit even after a collection. Natives have no safepoint of their own: what
/// is sized by a script must be checked before it is built.
pub fn check_memory(vm: &mut Vm, bytes: u128) -> Result<(), Stop> {
    match vm.heap.limit {
        Some(l) if vm.heap.live as u128 + bytes > l as u128 => {
            Err(vm.throw(vm.classes.memory_limit, "Memory limit exceeded"))
        }
        _ => Ok(()),
    }
}

/// An array with room for `n` elements; raises when there can't be so many.
pub fn new_array(vm: &mut Vm, n: u128) -> Result<Gc<Array>, Stop> {
    if n > MAX_LEN as u128 {
        return Err(vm.runtime_error("Array too large"));
    }
    check_memory(vm, n * 8)?;
    Ok(vm.heap.array_with_capacity(n as usize))
}

/// Constructors get their keywords unchecked; most know none.
pub fn no_keywords(vm: &mut Vm, args: &Args) -> Result<(), Stop> {
    match args.keyword_names().first() {
        None => Ok(()),
        Some(&k) => {
            let m = format!("Unexpected keyword argument: {}", vm.sym_name(k));
            Err(vm.argument_error(&m))
        }
    }
}

/// Constructors get their arguments uncounted as well: at most `max`, and no keywords.
pub fn at_most(vm: &mut Vm, args: &Args, max: usize) -> Result<(), Stop> {
    if args.len() > max {
        let m = crate::interp::call::arity_message(0, Some(max), args.len());
        return Err(vm.argument_error(&m));
    }
    no_keywords(vm, args)
}

/// A two-element array.
pub fn pair(vm: &mut Vm, a: Value, b: Value) -> Value {
    vm.array(&[a, b])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indices(start: i64, end: i64, step: i64, len: usize) -> Vec<i64> {
        let s = range_selection(start, end, step, len);
        (0..s.count as i64).map(|i| s.from as i64 + i * s.step).collect()
    }

    #[test]
    fn ranges_select_indices_that_exist() {
        assert_eq!(indices(1, 3, 1, 5), [1, 2, 3]);
        assert_eq!(indices(1, -2, 1, 5), [1, 2, 3]);
        assert_eq!(indices(-3, -1, 1, 5), [2, 3, 4]);
        assert_eq!(indices(3, 1, 1, 5), [0i64; 0]);
        assert_eq!(indices(2, 99, 1, 5), [2, 3, 4]);
        assert_eq!(indices(-9, 1, 1, 5), [0, 1]);
        assert_eq!(indices(0, 4, 2, 5), [0, 2, 4]);
        assert_eq!(indices(4, 0, -2, 5), [4, 2, 0]);
        assert_eq!(indices(9, 0, -2, 5), [3, 1]);
        assert_eq!(indices(0, 0, 1, 0), [0i64; 0]);
        assert_eq!(indices(7, 9, 1, 5), [0i64; 0]);
    }

    #[test]
    fn indices_count_from_both_ends() {
        assert_eq!(position(0, 3), Some(0));
        assert_eq!(position(-1, 3), Some(2));
        assert_eq!(position(3, 3), None);
        assert_eq!(position(-4, 3), None);
        assert_eq!(clamp(-9, 3), 0);
        assert_eq!(clamp(9, 3), 3);
        assert_eq!(clamp(-1, 3), 2);
    }
}
