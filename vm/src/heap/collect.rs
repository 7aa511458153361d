//! Mark and sweep. Minor collections keep the marks of earlier ones (sticky marks): what was marked counts as old, and only
//! the log of written-to old objects is looked at again. Full collections start from clear marks.
use super::block::{Block, CLASS_COUNT};
use super::{Buf, Cursor, GC_LARGE, GC_LOGGED, GC_OLD, Gc, Header, Heap, Kind, Record};
use crate::object::array::Array;
use crate::object::class::ClassObj;
use crate::object::code::CodeObj;
use crate::object::enums::EnumObj;
use crate::object::fiber::Fiber;
use crate::object::foreign::ForeignObj;
use crate::object::map::Map;
use crate::object::namespace::NamespaceObj;
use crate::object::string::{Bytes, Str};
use crate::object::table::Table;
use crate::value::{PAYLOAD, TAG_PTR, Value};

/// Handed to whoever knows the roots.
pub struct Marker<'h> {
    heap: &'h mut Heap,
}

impl Marker<'_> {
    /// A value known to be one.
    #[inline]
    pub fn value(&mut self, v: Value) {
        if v.is_ptr() {
            self.heap.mark(v.addr());
        }
    }
    pub fn values(&mut self, vs: &[Value]) {
        for &v in vs {
            self.value(v);
        }
    }
    /// Marks what is reachable from what was marked so far.
    pub fn settle(&mut self) {
        while let Some(addr) = self.heap.gray.pop() {
            self.heap.trace(addr);
        }
    }
    /// Marks what is reachable so far without going through futures, which stand for other tasks; their turn comes with `settle`.
    pub fn settle_but_futures(&mut self) {
        self.heap.leaves = Some(Vec::new());
        self.settle();
        let leaves = self.heap.leaves.take().unwrap_or_default();
        self.heap.gray.extend(leaves);
    }
    /// Whether a live object has been marked in this full collection.
    pub fn is_marked(&self, v: Value) -> bool {
        if !v.is_ptr() {
            return true;
        }
        // SAFETY: the value names a live object, so its header is readable.
        unsafe {
            if (*(v.addr() as *const Header)).gc & GC_LARGE == 0 {
                (*Block::of(v.addr())).marked(v.addr())
            } else {
                self.heap.large.objects.get(&v.addr()).is_some_and(|l| l.marked)
            }
        }
    }
    /// Words that may be values, stale values or anything else: marked when they name an object.
    ///
    /// # Safety
    /// `[from, to)` must be readable words.
    pub unsafe fn conservative(&mut self, from: *const u64, to: *const u64) {
        let mut p = from;
        while p < to {
            // SAFETY: in the given range.
            let w = unsafe { *p };
            if w >> 48 == TAG_PTR >> 48 || w >> 48 == 0 {
                self.heap.mark_maybe((w & PAYLOAD) as usize);
            }
            // SAFETY: as above.
            p = unsafe { p.add(1) };
        }
    }
}

/// Runs the destructor of a dead object in a drop block; free cells are left alone.
///
/// # Safety
/// `addr` must be a cell of a drop block that no one uses any more.
pub(crate) unsafe fn drop_object(addr: usize) {
    // SAFETY: by the contract.
    let h = unsafe { *(addr as *const Header) };
    match h.kind() {
        Kind::Class => ClassObj::drop_data(Gc::from_addr(addr)),
        Kind::Namespace => NamespaceObj::drop_data(Gc::from_addr(addr)),
        Kind::Code => CodeObj::drop_data(Gc::from_addr(addr)),
        Kind::Enum => EnumObj::drop_data(Gc::from_addr(addr)),
        Kind::Foreign => ForeignObj::drop_data(Gc::from_addr(addr)),
        _ => {}
    }
}

impl Heap {
    fn bump_range(&self, b: *const Block) -> (usize, usize) {
        // SAFETY: `b` is one of our blocks.
        let Cursor { bump, end } = self.cursors[unsafe { (*b).class() }];
        (bump, end)
    }

    fn each_block(&self) -> Vec<*mut Block> {
        self.spaces.iter().flat_map(|s| s.blocks.iter().copied()).collect()
    }

    #[inline(always)]
    fn mark(&mut self, addr: usize) {
        // SAFETY: `addr` is a live object, so its header is readable; whether it is in a block or large is decided by size
        // class membership below.
        unsafe {
            if (*(addr as *const Header)).gc & GC_LARGE == 0 {
                if (*Block::of(addr)).mark(addr) {
                    (*(addr as *mut Header)).gc |= GC_OLD;
                    self.gray.push(addr);
                }
            } else if let Some(l) = self.large.objects.get_mut(&addr)
                && !l.marked
            {
                l.marked = true;
                (*(addr as *mut Header)).gc |= GC_OLD;
                self.gray.push(addr);
            }
        }
    }

    #[inline(always)]
    fn in_block(&self, addr: usize) -> bool {
        addr >= self.block_lo && addr < self.block_hi && self.block_set.contains_key(&(addr & !(super::BLOCK_SIZE - 1)))
    }

    fn mark_maybe(&mut self, addr: usize) {
        if self.is_object(addr) {
            self.mark(addr);
        }
    }

    /// Whether an object begins at the address, which may be any number.
    #[inline(always)]
    fn is_object(&self, addr: usize) -> bool {
        if addr & 15 != 0 {
            return false;
        }
        if self.in_block(addr) {
            let b = Block::of(addr);
            let bump = self.bump_range(b);
            // SAFETY: a block of ours; `holds` validates the cell.
            unsafe { (*b).holds(addr, bump) }
        } else {
            self.large.holds(addr)
        }
    }

    /// The value in a register that may never have been written: nil when it names no object.
    pub(crate) fn checked(&self, v: Value) -> Value {
        let is_value = !v.is_ptr() || self.is_object(v.addr());
        if is_value && !v.is_undef() { v } else { Value::NIL }
    }

    /// Marks everything reachable from `roots` and makes the rest free. Only the interpreter calls this, at a safepoint.
    #[inline(never)]
    pub fn collect(&mut self, full: bool, roots: &mut dyn FnMut(&mut Marker)) {
        let full = full || self.since_full >= 16 || self.live > self.live_after_full * 2 + (8 << 20);
        let blocks = self.each_block();
        for &b in &blocks {
            let bump = self.bump_range(b);
            // SAFETY: our blocks.
            unsafe { (*b).finish_sweep(bump) };
        }
        if full {
            for &b in &blocks {
                // SAFETY: our blocks. Cells handed out since the last collection become indistinguishable from dead ones
                // only for conservative roots; those below the cursor are still recognised by `holds`.
                unsafe { (*b).prepare_full() };
            }
            for l in self.large.objects.values_mut() {
                l.marked = false;
            }
        }
        let log = std::mem::take(&mut self.log);
        for &addr in &log {
            // SAFETY: logged objects are old, hence live or kept until this collection.
            unsafe { (*(addr as *mut Header)).gc &= !GC_LOGGED };
            if !full {
                self.gray.push(addr);
            }
        }
        self.log = log;
        self.log.clear();
        for i in 0..self.permanent.len() {
            let v = self.permanent[i];
            if v.is_ptr() {
                self.mark(v.addr());
            }
        }
        roots(&mut Marker { heap: self });
        while let Some(addr) = self.gray.pop() {
            self.trace(addr);
        }
        self.large.sweep();
        let mut live = self.large.bytes;
        for class in 0..CLASS_COUNT * 2 {
            let mut keep = Vec::with_capacity(self.spaces[class].blocks.len());
            for b in std::mem::take(&mut self.spaces[class].blocks) {
                // SAFETY: our block.
                unsafe {
                    let n = (*b).after_mark();
                    live += n * (*b).cell_size();
                    if n == 0 && full && class < CLASS_COUNT {
                        (*b).release();
                        self.stats.block_bytes -= super::BLOCK_SIZE;
                        self.free_blocks.push(b);
                    } else {
                        keep.push(b);
                    }
                }
            }
            self.spaces[class].blocks = keep;
            self.spaces[class].next = 0;
            self.cursors[class] = Cursor { bump: 0, end: 0 };
        }
        self.live = live;
        self.allocated_before += self.allocated as u64;
        self.allocated = 0;
        if full {
            self.since_full = 0;
            self.live_after_full = live;
            self.stats.full += 1;
        } else {
            self.since_full += 1;
            self.stats.minor += 1;
        }
        self.threshold = (live / 2).clamp(super::MIN_THRESHOLD, 64 << 20);
        self.collect_requested = false;
        self.stats.live_bytes = live;
        self.stats.large_bytes = self.large.bytes;
        // Overwriting all dead cells costs much more than the collection: not every time.
        if self.stress && (self.stats.full + self.stats.minor).is_multiple_of(8) {
            self.poison_dead();
        }
    }

    /// Stress mode: overwrites dead plain cells, so that a missed root shows.
    fn poison_dead(&mut self) {
        for class in 0..CLASS_COUNT {
            for i in 0..self.spaces[class].blocks.len() {
                let b = self.spaces[class].blocks[i];
                // SAFETY: our block; unmarked cells are dead right after a collection.
                unsafe { (*b).poison() };
            }
        }
    }

    #[inline]
    fn word(&mut self, v: Value) {
        if v.is_ptr() {
            self.mark(v.addr());
        }
    }

    /// # Safety
    /// `[p, p + n)` must be words of a live object.
    #[inline]
    unsafe fn words(&mut self, p: *const Value, n: usize) {
        for i in 0..n {
            // SAFETY: by the contract.
            self.word(unsafe { *p.add(i) });
        }
    }

    fn trace(&mut self, addr: usize) {
        // SAFETY: gray objects are live and fully initialised: collection happens at safepoints only.
        unsafe {
            let h = *(addr as *const Header);
            match h.kind() {
                Kind::Future if self.leaves.is_some() => self.leaves.iter_mut().for_each(|l| l.push(addr)),
                Kind::Free | Kind::BoxedInt | Kind::RawBuf | Kind::Buf => {}
                Kind::Bytes => {
                    let b: Gc<Bytes> = Gc::from_addr(addr);
                    if let Some(o) = b.owner_value() {
                        self.word(o);
                    }
                }
                Kind::Str => {
                    let s: Gc<Str> = Gc::from_addr(addr);
                    if let Some(o) = s.owner_value() {
                        self.word(o);
                    }
                }
                Kind::Array => {
                    let a: Gc<Array> = Gc::from_addr(addr);
                    self.word(a.buf);
                    self.words(a.data, a.len as usize);
                }
                Kind::Map | Kind::Instance => {
                    let m: Gc<Map> = Gc::from_addr(addr);
                    self.word(m.ext);
                    self.words(m.slots_ptr(), h.aux as usize);
                    if let Some(b) = m.ext.get::<Buf>(Kind::Buf) {
                        let n = m.ext_words();
                        self.words(b.words(), n);
                    }
                }
                Kind::HashMap | Kind::HashSet | Kind::Dict => {
                    let t: Gc<Table> = Gc::from_addr(addr);
                    self.word(t.entries);
                    self.word(t.index);
                    if let Some(b) = t.entries.get::<Buf>(Kind::Buf) {
                        self.words(b.words(), t.used as usize * 2);
                    }
                }
                Kind::Fiber => {
                    let f: Gc<Fiber> = Gc::from_addr(addr);
                    self.word(f.buf);
                    self.word(f.caller);
                    self.word(f.owner);
                    self.word(f.result);
                    self.word(f.peek);
                    let (from, to) = f.live_words();
                    Marker { heap: self }.conservative(from, to);
                }
                Kind::Class => ClassObj::trace(Gc::from_addr(addr), &mut Marker { heap: self }),
                Kind::Namespace => NamespaceObj::trace(Gc::from_addr(addr), &mut Marker { heap: self }),
                Kind::Code => CodeObj::trace(Gc::from_addr(addr), &mut Marker { heap: self }),
                Kind::Enum => EnumObj::trace(Gc::from_addr(addr), &mut Marker { heap: self }),
                Kind::Foreign => ForeignObj::trace(Gc::from_addr(addr), &mut Marker { heap: self }),
                _ => {
                    let r: Gc<Record> = Gc::from_addr(addr);
                    self.words(r.slots_ptr(), h.word as usize);
                }
            }
        }
    }

    /// Test mode: every word of every live object that claims to be a pointer must name a live object.
    pub fn verify(&mut self) -> Result<usize, String> {
        let mut n = 0;
        let blocks = self.each_block();
        for &b in &blocks {
            let bump = self.bump_range(b);
            let mut bad = None;
            // SAFETY: our block.
            unsafe {
                (*b).each_object(bump, |a| {
                    n += 1;
                    let k = (*(a as *const Header)).kind_byte() as usize;
                    if k >= super::KIND_COUNT {
                        bad = Some(format!("object {a:x} has kind byte {k}"));
                    }
                });
            }
            if let Some(b) = bad {
                return Err(b);
            }
        }
        Ok(n)
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        for class in CLASS_COUNT..CLASS_COUNT * 2 {
            for &b in &self.spaces[class].blocks {
                let bump = (self.cursors[class].bump, self.cursors[class].end);
                // SAFETY: the heap goes away: every object is dead.
                unsafe { (*b).each_allocated(bump, |a| drop_object(a)) };
            }
        }
    }
}
