//! Sorting values whose order the VM knows itself.
//!
//! Stable where it can be told: equal Ints or Strings are indistinguishable. Floats sort NaN last, so that the order is total.
//! The general case is a merge sort of its own: unlike the standard library's it promises nothing but termination when the
//! order turns out not to be transitive (zoned and naive DateTimes).
use crate::heap::Kind;
use crate::value::{Value, arith};
use std::cmp::Ordering;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Number,
    Char,
    Heap(Kind),
}

fn class(v: Value) -> Option<Class> {
    if v.is_number() {
        return Some(Class::Number);
    }
    if v.is_char() {
        return Some(Class::Char);
    }
    match v.heap_kind()? {
        k @ (Kind::Str | Kind::Bytes | Kind::Date | Kind::Time | Kind::DateTime | Kind::Duration) => {
            Some(Class::Heap(k))
        }
        _ => None,
    }
}

/// What sorting so many elements costs, in elements looked at.
pub fn steps(elements: usize) -> usize {
    elements * elements.checked_ilog2().unwrap_or(0) as usize
}

/// Sorts ascending and gives the bytes of Strings and Bytes that were compared; `None` (and nothing changed) when the elements
/// can't be compared without running script code, or not at all.
pub fn sort(v: &mut [Value]) -> Option<usize> {
    let mut bytes = 0;
    if v.len() < 2 {
        return Some(0);
    }
    if v.iter().all(|x| x.is_small()) {
        v.sort_unstable_by_key(|x| x.small_int());
    } else if v.iter().all(|x| x.is_float()) {
        v.sort_by(|a, b| float_order(a.float_unchecked(), b.float_unchecked()));
    } else if v.iter().all(|x| x.is_str()) {
        v.sort_unstable_by(|a, b| {
            bytes += arith::compared_bytes(*a, *b);
            a.as_str().cmp(&b.as_str())
        });
    } else if comparable(v) {
        merge_sort(v, &mut |a, b| {
            bytes += arith::compared_bytes(a, b);
            less(a, b)
        });
    } else {
        return None;
    }
    Some(bytes)
}

/// Sorts `v` by `keys` (same length), stable, as [`sort`]; `None` (nothing changed) when the keys can't be compared here.
pub fn sort_by_keys(v: &mut [Value], keys: &[Value]) -> Option<usize> {
    let mut bytes = 0;
    if v.len() < 2 {
        return Some(0);
    }
    if !comparable(keys) {
        return None;
    }
    let mut order: Vec<(Value, Value)> = keys.iter().copied().zip(v.iter().copied()).collect();
    if keys.iter().all(|x| x.is_small()) {
        order.sort_by_key(|(k, _)| k.small_int());
    } else if keys.iter().all(|x| x.is_str()) {
        order.sort_by(|a, b| {
            bytes += arith::compared_bytes(a.0, b.0);
            a.0.as_str().cmp(&b.0.as_str())
        });
    } else {
        merge_sort(&mut order, &mut |a, b| {
            bytes += arith::compared_bytes(a.0, b.0);
            less(a.0, b.0)
        });
    }
    for (slot, (_, x)) in v.iter_mut().zip(order) {
        *slot = x;
    }
    Some(bytes)
}

fn comparable(v: &[Value]) -> bool {
    let Some(&first) = v.first() else { return true };
    match class(first) {
        Some(c) => v.iter().all(|&x| class(x) == Some(c)),
        None => false,
    }
}

fn float_order(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn less(a: Value, b: Value) -> bool {
    match arith::order(a, b) {
        Ok(Some(o)) => o == Ordering::Less,
        // NaN: the other one comes first.
        _ => b.as_float().is_some_and(f64::is_nan) && !a.as_float().is_some_and(f64::is_nan),
    }
}

/// Stable; `less` need not be an order.
fn merge_sort<T: Copy>(v: &mut [T], less: &mut dyn FnMut(T, T) -> bool) {
    const RUN: usize = 8;
    for run in v.chunks_mut(RUN) {
        for i in 1..run.len() {
            let x = run[i];
            let mut j = i;
            while j > 0 && less(x, run[j - 1]) {
                run[j] = run[j - 1];
                j -= 1;
            }
            run[j] = x;
        }
    }
    let mut width = RUN;
    let mut from: Vec<T> = Vec::with_capacity(v.len());
    while width < v.len() {
        from.clear();
        from.extend_from_slice(v);
        for (start, out) in (0..from.len()).step_by(width * 2).zip(v.chunks_mut(width * 2)) {
            let mid = (start + width).min(from.len());
            let end = (start + width * 2).min(from.len());
            let (mut i, mut j) = (start, mid);
            for slot in out {
                let right = i == mid || (j < end && less(from[j], from[i]));
                *slot = if right { from[j] } else { from[i] };
                if right { j += 1 } else { i += 1 }
            }
        }
        width *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(v: &[i64]) -> Vec<Value> {
        v.iter().map(|&i| Value::small(i)).collect()
    }

    #[test]
    fn merge_sort_is_stable_and_complete() {
        let mut x = 12345u64;
        for n in [0usize, 1, 2, 7, 8, 9, 16, 17, 100, 1000] {
            let mut v: Vec<(u64, usize)> = (0..n)
                .map(|i| {
                    x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    (x >> 60, i)
                })
                .collect();
            let mut expected = v.clone();
            expected.sort_by_key(|e| e.0);
            merge_sort(&mut v, &mut |a, b| a.0 < b.0);
            assert_eq!(v, expected);
        }
    }

    #[test]
    fn an_inconsistent_order_ends() {
        let mut v: Vec<usize> = (0..500).collect();
        merge_sort(&mut v, &mut |a, b| (a * 7 + b * 13) % 3 == 0);
        v.sort_unstable();
        assert_eq!(v, (0..500).collect::<Vec<_>>());
    }

    #[test]
    fn numbers_mix_and_nan_goes_last() {
        let mut v = vec![Value::float(f64::NAN), Value::small(3), Value::float(2.5), Value::small(-1)];
        assert!(sort(&mut v).is_some());
        assert_eq!(v[..3], [Value::small(-1), Value::float(2.5), Value::small(3)]);
        let mut f = vec![Value::float(f64::NAN), Value::float(1.0), Value::float(-1.0)];
        assert!(sort(&mut f).is_some());
        assert_eq!(f[..2], [Value::float(-1.0), Value::float(1.0)]);
    }

    #[test]
    fn keys_order_values_and_other_kinds_are_refused() {
        let mut v = ints(&[10, 20, 30]);
        assert!(sort_by_keys(&mut v, &ints(&[2, 1, 2])).is_some());
        assert_eq!(v, ints(&[20, 10, 30]));
        let mut w = vec![Value::small(1), Value::NIL];
        assert!(sort(&mut w).is_none());
        assert_eq!(w, [Value::small(1), Value::NIL]);
    }
}
