//! `==` (language 2.9).
//!
//! Content is compared recursively with a depth limit: a cycle that is not identical on both sides passes it, and the answer is
//! an exception. A user-defined `==` may run script code and change what is being compared, so no slice is held across a
//! comparison of elements.
use crate::heap::{Gc, Kind, Record};
use crate::native::Stop;
use crate::object::array::Array;
use crate::object::interface::Adapter;
use crate::object::map::Map;
use crate::object::table::Table;
use crate::object::temporal;
use crate::value::Value;
use crate::value::arith::cmp_int_float;
use crate::vm::Vm;
use std::cmp::Ordering;

/// Levels of nesting that are compared.
pub const MAX_DEPTH: u32 = 1000;

/// Equality of two values neither of which is an object on the heap, or of numbers of any kind; `None` when it takes a look
/// inside.
#[inline(always)]
fn shallow(a: Value, b: Value) -> Option<bool> {
    if Value::both_small(a, b) {
        return Some(a == b);
    }
    if a.is_float() || b.is_float() {
        return Some(numbers(a, b));
    }
    if a.is_ptr() && b.is_ptr() { None } else { Some(a == b) }
}

/// At least one is a Float.
fn numbers(a: Value, b: Value) -> bool {
    match (a.as_float(), b.as_float()) {
        (Some(x), Some(y)) => x == y,
        (Some(x), None) => b.as_int().is_some_and(|i| cmp_int_float(i, x) == Some(Ordering::Equal)),
        (None, Some(y)) => a.as_int().is_some_and(|i| cmp_int_float(i, y) == Some(Ordering::Equal)),
        (None, None) => false,
    }
}

impl Vm {
    /// `(a == b)`.
    #[inline]
    pub fn equal(&mut self, a: Value, b: Value) -> Result<bool, Stop> {
        // An instance on the left may have its own `==`, whatever stands on the right.
        if a.is_kind(Kind::Instance) {
            return self.equal_at(a, b, 0);
        }
        match shallow(a, b) {
            Some(e) => Ok(e),
            None => self.equal_at(a, b, 0),
        }
    }

    /// As [`Vm::equal`] for a pair that was found at `depth`.
    fn equal_at(&mut self, a: Value, b: Value, depth: u32) -> Result<bool, Stop> {
        if let Some(m) = a.get::<Map>(Kind::Instance) {
            let class = self.instance_class(m);
            return match self.class_find(class, self.names.eq) {
                Some(f) => Ok(self.call_sync_method(f, &[a, b])?.truthy()),
                None => Ok(a == b),
            };
        }
        if let Some(e) = shallow(a, b) {
            return Ok(e);
        }
        let kind = a.heap_kind();
        if kind != b.heap_kind() {
            return Ok(false);
        }
        let Some(kind) = kind else { return Ok(a == b) };
        match kind {
            Kind::Str => Ok(a == b || self.equal_bytes(a.as_str().map(str::as_bytes), b.as_str().map(str::as_bytes))),
            Kind::BoxedInt => Ok(a.as_int() == b.as_int()),
            Kind::Bytes => Ok(a == b || self.equal_bytes(a.as_bytes(), b.as_bytes())),
            Kind::Date | Kind::Time | Kind::DateTime | Kind::Duration => {
                Ok(temporal::compare(a.gc(), b.gc()) == Ordering::Equal)
            }
            Kind::Array
            | Kind::Map
            | Kind::HashMap
            | Kind::HashSet
            | Kind::Gene
            | Kind::EnumValue
            | Kind::Path
            | Kind::Quote
            | Kind::InterpData
            | Kind::Range
            | Kind::Regex
            | Kind::Selector
            | Kind::Record
            | Kind::TypeValue => {
                // Identity decides first, for cycles too (and for an array that holds NaN).
                if a == b {
                    return Ok(true);
                }
                if depth >= MAX_DEPTH {
                    return Err(self.runtime_error("Comparison of cyclic structure"));
                }
                if depth > 0 {
                    // Parts that are shared are compared each time they are met.
                    self.work(1)?;
                }
                match kind {
                    Kind::Array => self.equal_arrays(a.gc(), b.gc(), depth),
                    Kind::Map => self.equal_maps(a.gc(), b.gc(), depth),
                    Kind::HashMap | Kind::HashSet => self.equal_tables(a.gc(), b.gc(), depth),
                    Kind::Gene => self.equal_genes(a.gc(), b.gc(), depth),
                    _ => self.equal_records(a.gc(), b.gc(), depth),
                }
            }
            // The same interface and the same wrapped object.
            Kind::Adapter => match (Adapter::of(a), Adapter::of(b)) {
                (Some(x), Some(y)) if x.interface() == y.interface() => {
                    let (x, y) = (x.wrapped(), y.wrapped());
                    if x == y || has_identity(x) {
                        return Ok(x == y);
                    }
                    if depth >= MAX_DEPTH {
                        return Err(self.runtime_error("Comparison of cyclic structure"));
                    }
                    self.equal_at(x, y, depth + 1)
                }
                _ => Ok(false),
            },
            _ => Ok(a == b),
        }
    }

    fn equal_arrays(&mut self, a: Gc<Array>, b: Gc<Array>, depth: u32) -> Result<bool, Stop> {
        if a.size() != b.size() {
            return Ok(false);
        }
        let mut i = 0;
        while let (Some(x), Some(y)) = (a.at(i), b.at(i)) {
            if !self.equal_at(x, y, depth + 1)? {
                self.heap.fuel.spend_on(i);
                return Ok(false);
            }
            i += 1;
        }
        self.heap.fuel.spend_on(i);
        // A user-defined `==` may have changed a length meanwhile.
        Ok(a.size() == b.size())
    }

    fn equal_bytes(&mut self, a: Option<&[u8]>, b: Option<&[u8]>) -> bool {
        match (a, b) {
            (Some(a), Some(b)) if a.len() == b.len() => {
                self.heap.fuel.spend_on_bytes(a.len());
                a == b
            }
            _ => false,
        }
    }

    fn equal_maps(&mut self, a: Gc<Map>, b: Gc<Map>, depth: u32) -> Result<bool, Stop> {
        if self.map_len(a) != self.map_len(b) {
            return Ok(false);
        }
        let mut at = 0;
        // Looking a name up costs more than comparing an element.
        self.heap.fuel.spend((self.map_len(a) / 4) as i64);
        while let Some((k, x)) = self.map_next(a, &mut at) {
            let Some(y) = self.map_get(b, k) else { return Ok(false) };
            if !self.equal_at(x, y, depth + 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn equal_tables(&mut self, a: Gc<Table>, b: Gc<Table>, depth: u32) -> Result<bool, Stop> {
        if a.size() != b.size() {
            return Ok(false);
        }
        let mut at = 0;
        self.heap.fuel.spend((a.size() / 4) as i64);
        while let Some(i) = a.next_entry(at) {
            at = i + 1;
            let (k, x) = (a.key_at(i), a.value_at(i));
            let Some(j) = self.table_find(b, k)? else { return Ok(false) };
            let y = b.value_at(j);
            if !self.equal_at(x, y, depth + 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn equal_genes(&mut self, a: Gc<Record>, b: Gc<Record>, depth: u32) -> Result<bool, Stop> {
        if !self.equal_at(a.gene_type(), b.gene_type(), depth + 1)? {
            return Ok(false);
        }
        if !self.equal_arrays(a.gene_children(), b.gene_children(), depth)? {
            return Ok(false);
        }
        match (a.gene_props(), b.gene_props()) {
            (Some(x), Some(y)) => self.equal_maps(x, y, depth),
            (Some(x), None) | (None, Some(x)) => Ok(self.map_len(x) == 0),
            (None, None) => Ok(true),
        }
    }

    /// Records are equal when their words are, one by one.
    fn equal_records(&mut self, a: Gc<Record>, b: Gc<Record>, depth: u32) -> Result<bool, Stop> {
        if a.len() != b.len() || a.header().aux != b.header().aux {
            return Ok(false);
        }
        for i in 0..content_words(a) {
            if !self.equal_at(a.slot(i), b.slot(i), depth + 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Can two values that look the same be told apart? Strings, numbers and other values without identity can't.
pub(super) fn has_identity(v: Value) -> bool {
    matches!(
        v.heap_kind(),
        Some(
            Kind::Instance
                | Kind::Array
                | Kind::Map
                | Kind::HashMap
                | Kind::HashSet
                | Kind::Gene
                | Kind::Function
                | Kind::Class
                | Kind::Namespace
        )
    )
}

/// Words of a record that make up its content. The last word of a Regex caches its compiled form.
pub(super) fn content_words(r: Gc<Record>) -> usize {
    if r.header().kind() == Kind::Regex { r.len().min(3) } else { r.len() }
}
