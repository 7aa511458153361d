//! Maps and instances: named slots laid out by a shape, a dictionary when there are too many names.
use super::shape::{MAP_DICT, MAP_ROOTS, ShapeId};
use super::table::Table;
use crate::heap::{Buf, Gc, Header, Kind};
use crate::value::{Sym, Value};
use crate::vm::Vm;

/// `header.word`: shape. `header.aux`: inline slots.
#[repr(C)]
pub struct Map {
    pub header: Header,
    /// Overflow buffer (its `header.word` counts the words in use), dictionary, or nil.
    pub ext: Value,
}

pub const SLOTS_AT: usize = 16;

impl Gc<Map> {
    #[inline(always)]
    pub fn shape(self) -> ShapeId {
        ShapeId(self.header().word)
    }
    #[inline(always)]
    pub fn slots_ptr(self) -> *mut Value {
        (self.as_ptr() as usize + SLOTS_AT) as *mut Value
    }
    #[inline(always)]
    pub fn inline_slots(self) -> usize {
        self.header().aux as usize
    }
    pub(crate) fn ext_words(self) -> usize {
        self.ext.gc::<Buf>().header().word as usize
    }
    #[inline(always)]
    pub fn slot(self, i: usize) -> Value {
        // SAFETY: slot indices come from the object's shape.
        unsafe { *self.slot_ptr(i) }
    }
    /// # Safety
    /// `i` must be a slot of the object's shape.
    #[inline(always)]
    pub unsafe fn slot_ptr(self, i: usize) -> *mut Value {
        let n = self.inline_slots();
        // SAFETY: by the contract.
        unsafe { if i < n { self.slots_ptr().add(i) } else { self.ext.gc::<Buf>().words().add(i - n) } }
    }
    fn dict(self) -> Gc<Table> {
        self.ext.gc()
    }
}

#[inline(always)]
pub fn sym_hash(s: Sym) -> u32 {
    s.0.wrapping_mul(0x85EB_CA6B).rotate_left(13) | 1
}

fn hash_of_sym(v: Value) -> u32 {
    sym_hash(Sym(v.0 as u32))
}

impl Vm {
    /// An empty map with room for `n` names.
    pub fn map_with_capacity(&mut self, n: usize) -> Gc<Map> {
        let (inline, shape) = MAP_ROOTS.iter().copied().find(|r| r.0 as usize >= n).unwrap_or(MAP_ROOTS[3]);
        self.shaped_object(Kind::Map, shape, inline)
    }

    pub fn map(&mut self) -> Gc<Map> {
        self.map_with_capacity(4)
    }

    #[inline]
    pub fn shaped_object(&mut self, kind: Kind, shape: ShapeId, inline: u16) -> Gc<Map> {
        let mut m: Gc<Map> = self.heap.alloc_sized(kind, inline, shape.0, SLOTS_AT + inline as usize * 8);
        m.ext = Value::NIL;
        m
    }

    /// A map with the names of `shape` and these values, all inside the object.
    pub fn map_of_shape(&mut self, shape: ShapeId, inline: u16, values: &[Value]) -> Gc<Map> {
        assert!(values.len() == self.shapes.get(shape).keys.len() && values.len() <= inline as usize);
        let m = self.shaped_object(Kind::Map, shape, inline);
        // SAFETY: there are `inline` slots, and the object is new.
        unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), m.slots_ptr(), values.len()) };
        m
    }

    /// The value of `key`, if present.
    #[inline]
    pub fn map_get(&self, m: Gc<Map>, key: Sym) -> Option<Value> {
        let s = self.shapes.get(m.shape());
        if s.dict {
            let t = m.ext.get::<Table>(Kind::Dict)?;
            return self.dict_find(t, key).map(|i| t.value_at(i));
        }
        s.slot(key).map(|i| m.slot(i))
    }

    fn dict_find(&self, t: Gc<Table>, key: Sym) -> Option<usize> {
        let h = sym_hash(key);
        let mut p = t.probe(h);
        while let Some(i) = t.next_candidate(&mut p, h) {
            if t.key_at(i) == Value::sym(key) {
                return Some(i);
            }
        }
        None
    }

    /// Sets or adds. Does not look at frozen.
    pub fn map_set(&mut self, mut m: Gc<Map>, key: Sym, v: Value) {
        let id = m.shape();
        let s = self.shapes.get(id);
        if s.dict {
            let t = if m.ext.is_ptr() {
                m.dict()
            } else {
                let t = self.heap.table(Kind::Dict);
                m.ext = t.value();
                self.heap.barrier(m);
                t
            };
            match self.dict_find(t, key) {
                Some(i) => self.heap.table_set_at(t, i, v),
                None => self.heap.table_insert_new(t, sym_hash(key), Value::sym(key), v, &mut hash_of_sym),
            }
            return;
        }
        if let Some(i) = s.slot(key) {
            // SAFETY: a slot of the shape.
            unsafe { *m.slot_ptr(i) = v };
            self.heap.barrier(m);
            return;
        }
        let at = s.keys.len();
        match self.shapes.add(id, key) {
            Some(to) => self.add_slot(m, to, at, v),
            None => {
                self.make_dict(m);
                self.map_set(m, key, v);
            }
        }
    }

    /// Stores the new slot `at` of shape `to`.
    pub fn add_slot(&mut self, mut m: Gc<Map>, to: ShapeId, at: usize, v: Value) {
        let n = m.inline_slots();
        if at < n {
            // SAFETY: inline slot.
            unsafe { *m.slots_ptr().add(at) = v };
        } else {
            let k = at - n;
            if k == 0 {
                m.ext = self.heap.alloc_buf(4).value();
            } else if k >= 4 && k.is_power_of_two() {
                m.ext = self.heap.grow_buf(m.ext.gc(), k * 8, k * 16).value();
            }
            let b = m.ext.gc::<Buf>();
            // SAFETY: capacity follows the same rule as growth above.
            unsafe { *b.words().add(k) = v };
            b.header_mut().word = k as u32 + 1;
        }
        m.header_mut().word = to.0;
        self.heap.barrier(m);
    }

    /// Moves the slots into a dictionary.
    fn make_dict(&mut self, mut m: Gc<Map>) {
        let s = self.shapes.get(m.shape());
        let keys = s.keys.clone();
        let class = s.class;
        let t = self.heap.table(Kind::Dict);
        for (i, k) in keys.into_iter().enumerate() {
            self.heap.table_insert_new(t, sym_hash(k), Value::sym(k), m.slot(i), &mut hash_of_sym);
        }
        let shape = if class.is_nil() { MAP_DICT } else { self.class_dict_shape(class) };
        // The inline slots keep stale values: they are cleared so that they hold nothing alive.
        for i in 0..m.inline_slots() {
            // SAFETY: inline slot.
            unsafe { *m.slots_ptr().add(i) = Value::NIL };
        }
        m.ext = t.value();
        m.header_mut().word = shape.0;
        self.heap.barrier(m);
    }

    /// Removes a key; gives the old value.
    pub fn map_del(&mut self, m: Gc<Map>, key: Sym) -> Option<Value> {
        if !self.shapes.get(m.shape()).dict {
            self.shapes.get(m.shape()).slot(key)?;
            self.make_dict(m);
        }
        let t = m.ext.get::<Table>(Kind::Dict)?;
        let i = self.dict_find(t, key)?;
        let old = t.remove_at(i, sym_hash(key));
        if t.is_sparse() {
            self.heap.table_rebuild(t, &mut hash_of_sym);
        }
        Some(old)
    }

    /// Removes everything.
    pub fn map_clear(&mut self, mut m: Gc<Map>) {
        let class = self.shapes.get(m.shape()).class;
        let shape = if class.is_nil() { MAP_DICT } else { self.class_dict_shape(class) };
        let t = self.heap.table(Kind::Dict);
        m.ext = t.value();
        m.header_mut().word = shape.0;
        self.heap.barrier(m);
    }

    pub fn map_len(&self, m: Gc<Map>) -> usize {
        let s = self.shapes.get(m.shape());
        if s.dict { m.ext.get::<Table>(Kind::Dict).map_or(0, |t| t.size()) } else { s.keys.len() }
    }

    /// The entries, in order, as they are now.
    pub fn map_entries(&self, m: Gc<Map>) -> Vec<(Sym, Value)> {
        let s = self.shapes.get(m.shape());
        if s.dict {
            match m.ext.get::<Table>(Kind::Dict) {
                Some(t) => t.iter().map(|(k, v)| (Sym(k.0 as u32), v)).collect(),
                None => Vec::new(),
            }
        } else {
            s.keys.iter().enumerate().map(|(i, &k)| (k, m.slot(i))).collect()
        }
    }

    /// A number that changes whenever a key is added or removed.
    pub fn map_version(&self, m: Gc<Map>) -> u64 {
        let id = m.shape();
        if self.shapes.get(id).dict {
            let v = m.ext.get::<Table>(Kind::Dict).map_or(0, |t| t.version);
            (1 << 32) | v as u64
        } else {
            id.0 as u64
        }
    }

    /// The entry at position `*at` or after it; `*at` moves behind it. Positions of deleted entries are skipped.
    pub fn map_next(&self, m: Gc<Map>, at: &mut usize) -> Option<(Sym, Value)> {
        let s = self.shapes.get(m.shape());
        if s.dict {
            let t = m.ext.get::<Table>(Kind::Dict)?;
            let i = t.next_entry(*at)?;
            *at = i + 1;
            Some((Sym(t.key_at(i).0 as u32), t.value_at(i)))
        } else {
            let k = *s.keys.get(*at)?;
            let v = m.slot(*at);
            *at += 1;
            Some((k, v))
        }
    }

    /// A shallow mutable copy.
    pub fn map_copy(&mut self, m: Gc<Map>) -> Gc<Map> {
        let entries = self.map_entries(m);
        let c = self.map_with_capacity(entries.len());
        for (k, v) in entries {
            self.map_set(c, k, v);
        }
        c
    }
}
