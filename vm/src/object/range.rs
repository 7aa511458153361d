//! Ranges: immutable arithmetic sequences of Ints, Floats or Chars.
//!
//! A range is a record (start, end, step). Element `i` is `start + i * step`, computed from the index, so that Float ranges do
//! not accumulate rounding errors. The elements are Floats when start or step is one.
use crate::heap::{Gc, Heap, Kind, Record};
use crate::native::{R, Stop};
use crate::value::Value;
use crate::vm::Vm;

/// The parts of a range, taken out of the record.
#[derive(Clone, Copy, Debug)]
pub enum Span {
    Int {
        start: i64,
        end: i64,
        step: i64,
    },
    Float {
        start: f64,
        end: f64,
        step: f64,
    },
    /// Bounds as ranks: code points with the surrogate gap closed.
    Char {
        start: i64,
        end: i64,
        step: i64,
    },
}

/// Code points above the surrogates are moved down, so that neighbours differ by one.
fn rank(c: char) -> i64 {
    let c = c as i64;
    if c > 0xDFFF { c - 0x800 } else { c }
}

fn from_rank(r: i64) -> char {
    let c = if r > 0xD7FF { r + 0x800 } else { r };
    char::from_u32(c as u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Number of `i` with `start + i * step` not past `end`.
fn int_count(start: i64, end: i64, step: i64) -> u64 {
    if (step > 0 && start > end) || (step < 0 && start < end) {
        return 0;
    }
    ((end as i128 - start as i128) / step as i128 + 1).min(u64::MAX as i128) as u64
}

impl Span {
    pub fn size(self) -> u64 {
        match self {
            Span::Int { start, end, step } | Span::Char { start, end, step } => int_count(start, end, step),
            Span::Float { start, end, step } => {
                let n = (end - start) / step;
                // A NaN bound gives an empty range.
                if n >= 0.0 { (n.floor() + 1.0).min(u64::MAX as f64) as u64 } else { 0 }
            }
        }
    }

    /// Element `i` (`i < size`).
    pub fn at(self, heap: &mut Heap, i: u64) -> Value {
        match self {
            Span::Int { start, step, .. } => heap.int((start as i128 + i as i128 * step as i128) as i64),
            Span::Float { start, step, .. } => Value::float(start + i as f64 * step),
            Span::Char { start, step, .. } => Value::char(from_rank(start + i as i64 * step)),
        }
    }

    /// The index of `v` among the elements.
    pub fn index_of(self, v: Value) -> Option<u64> {
        match self {
            Span::Int { start, end, step } => {
                let v = int_value(v)?;
                let inside = if step > 0 { start <= v && v <= end } else { end <= v && v <= start };
                let d = v as i128 - start as i128;
                (inside && d % step as i128 == 0).then(|| (d / step as i128) as u64)
            }
            Span::Float { start, step, .. } => {
                let v = v.as_number()?;
                let i = ((v - start) / step).round();
                (i >= 0.0 && i < self.size() as f64 && start + i * step == v).then_some(i as u64)
            }
            Span::Char { start, end, step } => {
                let v = rank(v.as_char()?);
                Span::Int { start, end, step }.index_of(Value::small(v))
            }
        }
    }
}

/// An Int, or a Float with an Int's value.
fn int_value(v: Value) -> Option<i64> {
    match v.as_float() {
        Some(f) if f.fract() == 0.0 && (-9.3e18..9.2e18).contains(&f) => Some(f as i64),
        Some(_) => None,
        None => v.as_int(),
    }
}

impl Value {
    pub fn as_range(self) -> Option<Gc<Record>> {
        self.get(Kind::Range)
    }
}

impl Gc<Record> {
    /// The sequence of a [`Kind::Range`] record.
    pub fn span(self) -> Span {
        let (start, end, step) = (self.slot(0), self.slot(1), self.slot(2));
        if let (Some(a), Some(b)) = (start.as_char(), end.as_char()) {
            return Span::Char { start: rank(a), end: rank(b), step: step.as_int().unwrap_or(1) };
        }
        if let (Some(a), Some(s)) = (start.as_int(), step.as_int()) {
            let b = match end.as_float() {
                // A Float bound of an Int sequence cuts at the next whole number; the cast saturates.
                Some(f) if f.is_nan() => return Span::Float { start: 0.0, end: f, step: 1.0 },
                Some(f) => (if s > 0 { f.floor() } else { f.ceil() }) as i64,
                None => end.as_int().unwrap_or(0),
            };
            return Span::Int { start: a, end: b, step: s };
        }
        let f = |v: Value| v.as_number().unwrap_or(f64::NAN);
        Span::Float { start: f(start), end: f(end), step: f(step) }
    }
}

impl Vm {
    /// `(range start end step)` with its checks.
    pub fn range(&mut self, start: Value, end: Value, step: Value) -> R {
        let chars = start.is_char() && end.is_char();
        if !chars {
            for v in [start, end] {
                if !v.is_number() {
                    return Err(self.range_kind(v));
                }
            }
        }
        if !(if chars { step.is_int() } else { step.is_number() }) {
            return Err(self.range_kind(step));
        }
        if step.as_number() == Some(0.0) {
            return Err(self.argument_error("range step must not be zero"));
        }
        Ok(self.heap.record(Kind::Range, 0, &[start, end, step]).value())
    }

    #[cold]
    pub(crate) fn range_kind(&mut self, v: Value) -> Stop {
        let m = format!("range expects numbers or Chars, got {}", self.kind_name(v));
        self.type_error(&m)
    }

    /// The elements of a range as a new Array.
    pub fn range_items(&mut self, r: Gc<Record>) -> R {
        let span = r.span();
        let n = span.size();
        let a = crate::library::collection::new_array(self, n as u128)?;
        for i in 0..n {
            let v = span.at(&mut self.heap, i);
            self.heap.array_push(a, v);
        }
        Ok(a.value())
    }
}
