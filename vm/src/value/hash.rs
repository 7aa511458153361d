//! Hashing (language 2.10), and the operations of HashMap and HashSet that need it.
//!
//! Tables without an index (small ones) are searched by comparing keys in order. They only ever hold *plain* keys: values whose
//! equality never runs script code and follows from their words. The first other key gives the table an index, so a
//! user-defined `==` only runs for keys with equal hashes.
use crate::heap::{Gc, Kind, Record};
use crate::native::Stop;
use crate::object::array::Array;
use crate::object::interface::Adapter;
use crate::object::map::{Map, sym_hash};
use crate::object::string::{Str, hash_bytes};
use crate::object::table::Table;
use crate::object::temporal;
use crate::value::Value;
use crate::value::equal::MAX_DEPTH;
use crate::vm::Vm;

/// Numbers hash by value, so that `1` and `1.0` fall together.
#[inline(always)]
fn hash_int(i: i64) -> u32 {
    ((i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32
}

fn hash_float(f: f64) -> u32 {
    // Any whole number in the Int range is an Int's equal; -0.0 becomes 0.
    if f.fract() == 0.0 && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&f) {
        hash_int(f as i64)
    } else {
        hash_int(f.to_bits() as i64)
    }
}

#[inline(always)]
fn mix(h: u32, x: u32) -> u32 {
    (h.rotate_left(5) ^ x).wrapping_mul(0x9E37_79B1)
}

/// The hash of a plain key, `None` for other values.
#[inline(always)]
fn plain_hash(v: Value) -> Option<u32> {
    if v.is_small() {
        return Some(hash_int(v.small_int()));
    }
    if let Some(s) = v.get::<Str>(Kind::Str) {
        return Some(s.hash());
    }
    plain_hash_rare(v)
}

fn plain_hash_rare(v: Value) -> Option<u32> {
    if let Some(s) = v.as_sym() {
        return Some(sym_hash(s));
    }
    if let Some(f) = v.as_float() {
        return Some(hash_float(f));
    }
    match v.heap_kind() {
        None => Some(hash_int(v.0 as i64)),
        Some(Kind::BoxedInt) => v.as_int().map(hash_int),
        Some(Kind::Bytes) => v.as_bytes().map(hash_bytes),
        Some(_) => None,
    }
}

/// Equality of a plain key with any value: never runs script code.
#[inline(always)]
fn same_plain(a: Value, b: Value) -> bool {
    if a == b {
        return true;
    }
    if let (Some(x), Some(y)) = (a.get::<Str>(Kind::Str), b.get::<Str>(Kind::Str)) {
        return x.byte_len() == y.byte_len() && x.as_str() == y.as_str();
    }
    same_plain_rare(a, b)
}

fn same_plain_rare(a: Value, b: Value) -> bool {
    if a.is_number() && b.is_number() {
        return match (a.as_int(), b.as_int()) {
            (Some(x), Some(y)) => x == y,
            (None, None) => a.as_float() == b.as_float(),
            (Some(i), None) | (None, Some(i)) => {
                let f = a.as_float().or(b.as_float()).unwrap_or(f64::NAN);
                super::arith::cmp_int_float(i, f) == Some(std::cmp::Ordering::Equal)
            }
        };
    }
    match (a.as_bytes(), b.as_bytes()) {
        (Some(x), Some(y)) => x == y,
        _ => false,
    }
}

/// Elements hashed at the price of one call.
const ELEMENTS_PER_CHARGE: i64 = 64;

impl Vm {
    /// The hash of any value: equal values have equal ones.
    #[inline]
    pub fn hash_value(&mut self, v: Value) -> Result<u32, Stop> {
        match plain_hash(v) {
            Some(h) => Ok(h),
            None => self.hash_at(v, 0),
        }
    }

    fn hash_at(&mut self, v: Value, depth: u32) -> Result<u32, Stop> {
        if let Some(h) = plain_hash(v) {
            return Ok(h);
        }
        let Some(kind) = v.heap_kind() else { return Ok(0) };
        if depth >= MAX_DEPTH {
            return Err(self.runtime_error("Hashing of cyclic structure"));
        }
        if depth > 0 {
            // Parts that are shared are hashed each time they are met.
            self.work(1)?;
        }
        let seed = (kind as u32).wrapping_mul(0x85EB_CA6B);
        match kind {
            Kind::Instance => self.hash_instance(v),
            Kind::Array => self.hash_array(seed, v.gc(), depth),
            Kind::Map => self.hash_map(seed, v.gc(), depth),
            Kind::HashMap | Kind::HashSet => {
                // Order does not matter: the entries' hashes are added up.
                let t: Gc<Table> = v.gc();
                let (mut sum, mut at) = (seed, 0);
                self.heap.fuel.spend_on(t.size());
                while let Some(i) = t.next_entry(at) {
                    at = i + 1;
                    let (k, x) = (t.key_at(i), t.value_at(i));
                    let h = self.hash_at(k, depth + 1)?;
                    sum = sum.wrapping_add(mix(h, self.hash_at(x, depth + 1)?));
                }
                Ok(sum)
            }
            Kind::Gene => {
                let g: Gc<Record> = v.gc();
                let h = self.hash_at(g.gene_type(), depth + 1)?;
                let h = self.hash_array(mix(seed, h), g.gene_children(), depth)?;
                match g.gene_props() {
                    Some(m) if self.map_len(m) > 0 => self.hash_map(h, m, depth),
                    _ => Ok(h),
                }
            }
            Kind::Date => Ok(mix(seed, hash_int(temporal::days(v)))),
            Kind::Duration => Ok(mix(seed, hash_int(temporal::micros(v)))),
            // By instant with an offset, by fields without one. A naive value equals zoned ones with the same fields, whose
            // instants differ: that equality is not transitive and no hash could follow it without losing all its use.
            Kind::Time | Kind::DateTime => {
                let c = temporal::clock(v);
                let us = c.micros - c.offset.as_int().unwrap_or(0) * 60_000_000;
                let days = if kind == Kind::DateTime { temporal::days(v) } else { 0 };
                let total = days * temporal::DAY + us;
                Ok(mix(seed, hash_int(if kind == Kind::Time { total.rem_euclid(temporal::DAY) } else { total })))
            }
            Kind::EnumValue
            | Kind::Path
            | Kind::Quote
            | Kind::InterpData
            | Kind::Range
            | Kind::Regex
            | Kind::Selector
            | Kind::Record
            | Kind::TypeValue => {
                let r: Gc<Record> = v.gc();
                let mut h = mix(seed, r.header().aux as u32);
                for i in 0..super::equal::content_words(r) {
                    h = mix(h, self.hash_at(r.slot(i), depth + 1)?);
                }
                Ok(h)
            }
            Kind::Adapter => {
                let Some(a) = Adapter::of(v) else { return Ok(seed) };
                let interface = a.interface().map_or(0, |i| i.value().addr());
                let w = a.wrapped();
                let h =
                    if super::equal::has_identity(w) { hash_int(w.addr() as i64) } else { self.hash_at(w, depth + 1)? };
                Ok(mix(mix(seed, hash_int(interface as i64)), h))
            }
            // By identity: objects don't move.
            _ => Ok(mix(seed, hash_int(v.addr() as i64))),
        }
    }

    fn hash_array(&mut self, seed: u32, a: Gc<Array>, depth: u32) -> Result<u32, Stop> {
        let (mut h, mut i) = (seed, 0);
        while let Some(x) = a.at(i) {
            h = mix(h, self.hash_at(x, depth + 1)?);
            i += 1;
        }
        // Large keys take fuel: a loop that hashes a growing array would else outlast its limit by far.
        self.heap.fuel.spend(i as i64 / ELEMENTS_PER_CHARGE);
        Ok(mix(h, i as u32))
    }

    fn hash_map(&mut self, seed: u32, m: Gc<Map>, depth: u32) -> Result<u32, Stop> {
        let (mut sum, mut at) = (seed, 0);
        self.heap.fuel.spend_on(self.map_len(m));
        while let Some((k, x)) = self.map_next(m, &mut at) {
            sum = sum.wrapping_add(mix(sym_hash(k), self.hash_at(x, depth + 1)?));
        }
        Ok(sum)
    }

    /// The result of the class's `hash` method; identity without one.
    fn hash_instance(&mut self, v: Value) -> Result<u32, Stop> {
        let class = self.instance_class(v.gc());
        match self.class_find(class, self.names.hash) {
            // `Object` may have a native `hash` of its own, which comes back here.
            Some(f) if f.as_native().is_none() => {
                let h = self.call_sync_method(f, &[v])?;
                match h.as_int() {
                    Some(i) => Ok(hash_int(i)),
                    None => Err(self.type_error("hash must return an Int")),
                }
            }
            _ => Ok(hash_int(v.addr() as i64)),
        }
    }

    // --- tables

    /// The entry of a key.
    #[inline]
    pub fn table_find(&mut self, t: Gc<Table>, key: Value) -> Result<Option<usize>, Stop> {
        Ok(self.table_search(t, key)?.map(|(i, _)| i))
    }

    /// The entry of a key, and its hash.
    #[inline]
    fn table_search(&mut self, t: Gc<Table>, key: Value) -> Result<Option<(usize, u32)>, Stop> {
        match plain_hash(key) {
            Some(h) if t.all_plain() => Ok(find_plain(t, key, h).map(|i| (i, h))),
            Some(h) => Ok(self.find_mixed(t, key, h)?.map(|i| (i, h))),
            // All keys are plain and this one is not. Whether its hash is one does not depend on what is in the table.
            None if t.all_plain() => {
                if key.is_kind(Kind::Instance) {
                    self.hash_instance(key)?;
                }
                Ok(None)
            }
            None => {
                let h = self.hash_at(key, 0)?;
                Ok(self.find_mixed(t, key, h)?.map(|i| (i, h)))
            }
        }
    }

    /// Looks a key up in a table that may hold keys with script-defined equality.
    #[inline(never)]
    fn find_mixed(&mut self, t: Gc<Table>, key: Value, h: u32) -> Result<Option<usize>, Stop> {
        let mut p = t.probe(h);
        while let Some(i) = t.next_candidate(&mut p, h) {
            let k = t.key_at(i);
            if k == key {
                return Ok(Some(i));
            }
            let version = t.version;
            let same = self.equal(k, key)?;
            if t.version != version {
                // The script's `==` changed the table under the search.
                return Err(self.runtime_error("Map changed during iteration"));
            }
            if same {
                return Ok(Some(i));
            }
        }
        Ok(None)
    }

    #[inline]
    pub fn table_get(&mut self, t: Gc<Table>, key: Value) -> Result<Option<Value>, Stop> {
        Ok(self.table_find(t, key)?.map(|i| t.value_at(i)))
    }

    pub fn table_has(&mut self, t: Gc<Table>, key: Value) -> Result<bool, Stop> {
        Ok(self.table_find(t, key)?.is_some())
    }

    /// Sets or adds. Does not look at frozen. True when the key is new.
    pub fn table_set(&mut self, t: Gc<Table>, key: Value, v: Value) -> Result<bool, Stop> {
        let (h, found) = match plain_hash(key) {
            Some(h) if t.all_plain() => (h, find_plain(t, key, h)),
            Some(h) => (h, self.find_mixed(t, key, h)?),
            None => {
                let h = self.hash_at(key, 0)?;
                if t.all_plain() {
                    self.heap.table_mix(t, &mut plain_or_zero);
                    (h, None)
                } else {
                    (h, self.find_mixed(t, key, h)?)
                }
            }
        };
        match found {
            Some(i) => self.heap.table_set_at(t, i, v),
            None => self.heap.table_insert_new(t, h, key, v, &mut plain_or_zero),
        }
        Ok(found.is_none())
    }

    /// Closes the gaps between entries, before an iteration that counts them begins: ranks are positions from `first` on then.
    /// No other iteration can be disturbed, since deleting has ended those begun before and the later ones have closed the
    /// gaps.
    pub fn table_compact(&mut self, t: Gc<Table>) {
        if t.has_gaps() {
            self.heap.table_rebuild(t, &mut plain_or_zero);
        }
    }

    /// Removes a key; gives the key as it was stored and its value.
    pub fn table_del(&mut self, t: Gc<Table>, key: Value) -> Result<Option<(Value, Value)>, Stop> {
        let Some((i, h)) = self.table_search(t, key)? else { return Ok(None) };
        // The searched hash is the stored one: only entries with that hash were candidates.
        let k = t.key_at(i);
        let old = t.remove_at(i, h);
        if t.is_sparse() {
            self.heap.table_rebuild(t, &mut plain_or_zero);
        }
        Ok(Some((k, old)))
    }
}

#[inline(always)]
fn find_plain(t: Gc<Table>, key: Value, h: u32) -> Option<usize> {
    let mut p = t.probe(h);
    while let Some(i) = t.next_candidate(&mut p, h) {
        if same_plain(t.key_at(i), key) {
            return Some(i);
        }
    }
    None
}

/// For rebuilding tables without index: their keys are all plain.
fn plain_or_zero(v: Value) -> u32 {
    plain_hash(v).unwrap_or(0)
}
