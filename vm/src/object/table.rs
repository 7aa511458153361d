//! Insertion-ordered hash tables: HashMap, HashSet, and the dictionary part of large Maps.
//!
//! Entries (key, value) stand in insertion order in one buffer; an open-addressing index of `hash32 << 32 | entry` words points
//! into it. A deleted entry keeps its place with an undefined key until the next rebuild. Rebuilding takes the hashes from the old
//! index, so it never runs a script's `hash` method.
use crate::heap::{Buf, Gc, Header, Heap, Kind};
use crate::value::Value;

/// `header.aux`: [`MIXED`] or 0.
#[repr(C)]
pub struct Table {
    pub header: Header,
    /// Buffer of `cap * 2` words, nil while empty.
    pub entries: Value,
    /// Raw buffer of `mask + 1` words.
    pub index: Value,
    /// Entries written, deleted ones included.
    pub used: u32,
    pub live: u32,
    cap: u32,
    mask: u32,
    /// Changes when a key is added or removed: iterators check it.
    pub version: u32,
    /// No entry before this one is live: what takes keys away from the front does not search for them again and again.
    pub first: u32,
}

const EMPTY: u64 = u64::MAX;
const TOMB: u64 = u64::MAX - 1;
/// Tables up to this size have no index: keys are compared in order.
const LINEAR: usize = 8;
/// Some keys may have an equality or hash that scripts define: the table has an index whatever its size.
const MIXED: u16 = 1;

impl Heap {
    pub fn table(&mut self, kind: Kind) -> Gc<Table> {
        let mut t: Gc<Table> = self.alloc(kind, 0, 0);
        t.entries = Value::NIL;
        t.index = Value::NIL;
        t
    }

    /// Moves the live entries into fresh buffers with room for more. `hash_of` is asked for keys of tables without index only.
    pub(crate) fn table_rebuild(&mut self, mut t: Gc<Table>, hash_of: &mut dyn FnMut(Value) -> u32) {
        let live = t.live as usize;
        let cap = (live * 2).max(4);
        let words = self.alloc_buf(cap * 2);
        let old = t.entries;
        let stored = t.stored_hashes();
        let mut n = 0;
        let has_index = cap > LINEAR || t.header().aux & MIXED != 0;
        let size = (cap * 2).next_power_of_two();
        let index = if has_index { Some(self.alloc_raw_buf(size * 8)) } else { None };
        let slots = index.map(|b| b.data() as *mut u64);
        if let Some(s) = slots {
            for i in 0..size {
                // SAFETY: the index has `size` words.
                unsafe { *s.add(i) = EMPTY };
            }
        }
        for i in 0..t.used as usize {
            // SAFETY: i < used.
            let (k, v) = unsafe {
                let w = old.gc::<Buf>().words();
                (*w.add(i * 2), *w.add(i * 2 + 1))
            };
            if k.is_undef() {
                continue;
            }
            // SAFETY: n < live <= cap.
            unsafe {
                *words.words().add(n * 2) = k;
                *words.words().add(n * 2 + 1) = v;
            }
            if let Some(s) = slots {
                let h = match &stored {
                    Some(hashes) => hashes[i],
                    None => hash_of(k),
                };
                let mut p = spread(h) as usize & (size - 1);
                // SAFETY: p < size; there is always an empty word.
                unsafe {
                    while *s.add(p) != EMPTY {
                        p = (p + 1) & (size - 1);
                    }
                    *s.add(p) = (h as u64) << 32 | n as u64;
                }
            }
            n += 1;
        }
        t.entries = words.value();
        t.index = index.map_or(Value::NIL, |b| b.value());
        t.used = n as u32;
        t.first = 0;
        t.cap = cap as u32;
        t.mask = if has_index { size as u32 - 1 } else { 0 };
        self.barrier(t);
    }

    /// Prepares a table of plain keys for keys of any kind. `hash_of` gives the hashes of the keys so far.
    pub fn table_mix(&mut self, t: Gc<Table>, hash_of: &mut dyn FnMut(Value) -> u32) {
        t.header_mut().aux |= MIXED;
        if !t.index.is_ptr() {
            self.table_rebuild(t, hash_of);
        }
    }

    /// A table of kind `kind` with the same entries, which keep their hashes.
    pub fn table_copy(&mut self, t: Gc<Table>, kind: Kind) -> Gc<Table> {
        let mut c = self.table(kind);
        c.header_mut().aux = t.header().aux;
        c.entries = t.entries;
        c.index = t.index;
        c.used = t.used;
        c.first = t.first;
        c.live = t.live;
        c.cap = t.cap;
        c.mask = t.mask;
        if t.live == 0 {
            self.table_clear(c);
            return c;
        }
        let (n, size) = (t.cap as usize * 2, t.mask as usize + 1);
        let words = self.alloc_buf(n);
        // SAFETY: both buffers hold `cap` entries.
        unsafe { std::ptr::copy_nonoverlapping(t.entries.gc::<Buf>().words(), words.words(), t.used as usize * 2) };
        c.entries = words.value();
        if t.index.is_ptr() {
            let index = self.alloc_raw_buf(size * 8);
            // SAFETY: both indices have `mask + 1` words.
            unsafe { std::ptr::copy_nonoverlapping(t.index.gc::<Buf>().words(), index.words(), size) };
            c.index = index.value();
        }
        c
    }

    /// Appends a key known to be absent.
    pub fn table_insert_new(
        &mut self,
        mut t: Gc<Table>,
        hash: u32,
        k: Value,
        v: Value,
        hash_of: &mut dyn FnMut(Value) -> u32,
    ) {
        if t.used == t.cap {
            // Entry positions change, but the order doesn't: iterators hold a version and re-find nothing.
            self.table_rebuild(t, hash_of);
        }
        let i = t.used as usize;
        // SAFETY: used < cap.
        unsafe {
            let w = t.entries.gc::<Buf>().words();
            *w.add(i * 2) = k;
            *w.add(i * 2 + 1) = v;
        }
        if t.index.is_ptr() {
            let s = t.index.gc::<Buf>().data() as *mut u64;
            let mask = t.mask as usize;
            let mut p = spread(hash) as usize & mask;
            // SAFETY: p <= mask; the index is at most half full.
            unsafe {
                while *s.add(p) != EMPTY && *s.add(p) != TOMB {
                    p = (p + 1) & mask;
                }
                *s.add(p) = (hash as u64) << 32 | i as u64;
            }
        }
        t.used += 1;
        t.live += 1;
        t.version = t.version.wrapping_add(1);
        self.barrier(t);
    }

    /// Replaces key and value of entry `i`. The new key must be equal to the old one.
    pub fn table_replace_at(&mut self, t: Gc<Table>, i: usize, k: Value, v: Value) {
        assert!(i < t.used as usize);
        // SAFETY: checked.
        unsafe {
            let w = t.entries.gc::<Buf>().words().add(i * 2);
            *w = k;
            *w.add(1) = v;
        }
        self.barrier(t);
    }

    pub fn table_clear(&mut self, mut t: Gc<Table>) {
        t.entries = Value::NIL;
        t.index = Value::NIL;
        t.used = 0;
        t.first = 0;
        t.live = 0;
        t.cap = 0;
        t.mask = 0;
        t.header_mut().aux &= !MIXED;
        t.version = t.version.wrapping_add(1);
    }

    /// Replaces the value of entry `i`.
    pub fn table_set_at(&mut self, t: Gc<Table>, i: usize, v: Value) {
        assert!(i < t.used as usize);
        // SAFETY: checked.
        unsafe { *t.entries.gc::<Buf>().words().add(i * 2 + 1) = v };
        self.barrier(t);
    }
}

#[inline(always)]
fn spread(h: u32) -> u32 {
    h.wrapping_mul(0x9E37_79B9) ^ (h >> 15)
}

/// Positions with the searched hash, in probe order.
pub struct Probe {
    at: usize,
}

impl Gc<Table> {
    /// Every key is plain: its equality never runs script code. (A table without index has only such keys.)
    #[inline(always)]
    pub fn all_plain(self) -> bool {
        self.header().aux & MIXED == 0
    }

    /// The hashes of the entries by position, from the index; `None` without one.
    fn stored_hashes(self) -> Option<Vec<u32>> {
        if !self.index.is_ptr() {
            return None;
        }
        let mut hashes = vec![0; self.used as usize];
        let s = self.index.gc::<Buf>().data() as *const u64;
        for p in 0..=self.mask as usize {
            // SAFETY: p <= mask.
            let w = unsafe { *s.add(p) };
            if w != EMPTY && w != TOMB {
                hashes[w as u32 as usize] = (w >> 32) as u32;
            }
        }
        Some(hashes)
    }

    /// Starts looking for a hash; [`Gc::next_candidate`] gives entries that may be it.
    #[inline(always)]
    pub fn probe(self, hash: u32) -> Probe {
        Probe { at: if self.index.is_ptr() { spread(hash) as usize & self.mask as usize } else { 0 } }
    }

    /// The next entry whose hash is `hash` (or, in tables without index, any live entry).
    #[inline]
    pub fn next_candidate(self, p: &mut Probe, hash: u32) -> Option<usize> {
        if !self.index.is_ptr() {
            while p.at < self.used as usize {
                let i = p.at;
                p.at += 1;
                if !self.key_at(i).is_undef() {
                    return Some(i);
                }
            }
            return None;
        }
        let s = self.index.gc::<Buf>().data() as *const u64;
        loop {
            // SAFETY: at <= mask.
            let w = unsafe { *s.add(p.at) };
            if w == EMPTY {
                return None;
            }
            p.at = (p.at + 1) & self.mask as usize;
            if w != TOMB && (w >> 32) as u32 == hash {
                return Some(w as u32 as usize);
            }
        }
    }

    #[inline(always)]
    pub fn key_at(self, i: usize) -> Value {
        debug_assert!(i < self.used as usize);
        // SAFETY: callers stay below `used`.
        unsafe { *self.entries.gc::<Buf>().words().add(i * 2) }
    }
    #[inline(always)]
    pub fn value_at(self, i: usize) -> Value {
        debug_assert!(i < self.used as usize);
        // SAFETY: as above.
        unsafe { *self.entries.gc::<Buf>().words().add(i * 2 + 1) }
    }

    /// The first live entry at or after `i`.
    #[inline]
    pub fn next_entry(self, i: usize) -> Option<usize> {
        let mut i = i.max(self.first as usize);
        while i < self.used as usize {
            if !self.key_at(i).is_undef() {
                return Some(i);
            }
            i += 1;
        }
        None
    }

    /// Live entries in order.
    pub fn iter(self) -> impl Iterator<Item = (Value, Value)> {
        (self.first as usize..self.used as usize)
            .map(move |i| (self.key_at(i), self.value_at(i)))
            .filter(|(k, _)| !k.is_undef())
    }

    #[inline(always)]
    pub fn size(self) -> usize {
        self.live as usize
    }

    /// Deletes entry `i`; gives its value.
    pub fn remove_at(mut self, i: usize, hash: u32) -> Value {
        let old = self.value_at(i);
        if self.index.is_ptr() {
            let s = self.index.gc::<Buf>().data() as *mut u64;
            let mask = self.mask as usize;
            let mut p = spread(hash) as usize & mask;
            // SAFETY: p <= mask; the entry is in the index.
            unsafe {
                while *s.add(p) != ((hash as u64) << 32 | i as u64) {
                    if *s.add(p) == EMPTY {
                        break;
                    }
                    p = (p + 1) & mask;
                }
                if *s.add(p) != EMPTY {
                    *s.add(p) = TOMB;
                }
            }
        }
        // SAFETY: i < used.
        unsafe {
            let w = self.entries.gc::<Buf>().words();
            *w.add(i * 2) = Value::UNDEF;
            *w.add(i * 2 + 1) = Value::NIL;
        }
        self.live -= 1;
        // Deleted entries at the end can be reused at once (a stack or queue of keys doesn't grow).
        while self.used > 0 && self.key_at(self.used as usize - 1).is_undef() && !self.index.is_ptr() {
            self.used -= 1;
        }
        while self.first < self.used && self.key_at(self.first as usize).is_undef() {
            self.first += 1;
        }
        self.first = self.first.min(self.used);
        self.version = self.version.wrapping_add(1);
        old
    }

    /// Deleted entries stand between live ones: positions are no ranks then.
    pub fn has_gaps(self) -> bool {
        self.used - self.first > self.live
    }

    /// Most entries are deleted ones. Whoever deletes should rebuild the table then: walking it must not cost more than what is
    /// in it. (Iterations begun before have ended, as the version changed.)
    pub fn is_sparse(self) -> bool {
        self.used as usize > 4 * self.live as usize + 32
    }
}
