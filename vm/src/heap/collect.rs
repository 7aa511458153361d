//! Mark and sweep. Minor collections keep the marks of earlier ones (sticky marks): what was marked counts as old, and only
//! the log of written-to old objects is looked at again. Full collections start from clear marks; those of large heaps are cut
//! into slices ([`super::cycle`]).
use super::block::{Block, CLASS_COUNT};
use super::cycle::PART;
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

/// Gray objects that [`Marker::one_of_many`] lets pile up.
const MANY: usize = 1024;

/// Handed to whoever knows the roots.
pub struct Marker<'h> {
    heap: &'h mut Heap,
}

impl<'h> Marker<'h> {
    pub(super) fn new(heap: &'h mut Heap) -> Self {
        Marker { heap }
    }
    /// A value known to be one.
    #[inline]
    pub fn value(&mut self, v: Value) {
        if v.is_ptr() {
            self.heap.mark(v.addr());
        }
    }
    /// One of very many roots: what is gray is traced now and then, outside of cycles, so that it does not pile up.
    #[inline]
    pub fn one_of_many(&mut self, v: Value) {
        self.value(v);
        if self.heap.gray.len() >= MANY && self.heap.cycle.is_none() {
            self.settle();
        }
    }
    pub fn values(&mut self, vs: &[Value]) {
        for &v in vs {
            self.value(v);
        }
    }
    /// Marks what is reachable from what was marked so far.
    pub fn settle(&mut self) {
        self.heap.trace_all();
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
        self.heap.marked(v.addr())
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

/// Objects that refer to no other: they are marked and done with.
#[inline(always)]
fn is_leaf(k: Kind) -> bool {
    matches!(k, Kind::Free | Kind::BoxedInt | Kind::RawBuf | Kind::Buf)
}

impl Heap {
    fn bump_range(&self, b: *const Block) -> (usize, usize) {
        // SAFETY: `b` is one of our blocks.
        let Cursor { bump, end } = self.cursors[unsafe { (*b).class() }];
        (bump, end)
    }

    pub(super) fn each_block(&self) -> Vec<*mut Block> {
        self.spaces.iter().flat_map(|s| s.blocks.iter().copied()).collect()
    }

    #[inline(always)]
    fn mark(&mut self, addr: usize) {
        let side = self.mark_side;
        // SAFETY: `addr` is a live object, so its header is readable and tells whether it stands in a block.
        unsafe {
            let h = addr as *mut Header;
            let clear =
                if (*h).gc & GC_LARGE == 0 { (*Block::of(addr)).mark(addr, side) } else { self.large.mark(addr, side) };
            if clear {
                (*h).gc |= GC_OLD;
                if !is_leaf((*h).kind()) {
                    self.gray.push(addr);
                }
            }
        }
    }

    /// Whether the live object has been marked by the collection under way.
    pub(super) fn marked(&self, addr: usize) -> bool {
        // SAFETY: as in `mark`.
        unsafe {
            if (*(addr as *const Header)).gc & GC_LARGE == 0 {
                (*Block::of(addr)).marked(addr, self.mark_side)
            } else {
                self.large.marked(addr, self.mark_side)
            }
        }
    }

    pub(super) fn mark_permanent(&mut self) {
        for i in 0..self.permanent.len() {
            self.word(self.permanent[i]);
        }
    }

    /// Traces one gray object, or part of it; false when there is none.
    #[inline(always)]
    pub(super) fn trace_next(&mut self) -> bool {
        if let Some(addr) = self.gray.pop() {
            self.trace(addr);
            return true;
        }
        let Some((addr, to)) = self.parts.pop() else { return false };
        self.trace_part(addr, to);
        true
    }

    pub(super) fn trace_all(&mut self) {
        while self.trace_next() {}
    }

    #[inline(always)]
    fn in_block(&self, addr: usize) -> bool {
        addr >= self.block_lo && addr < self.block_hi && self.block_set.contains_key(&(addr & !(super::BLOCK_SIZE - 1)))
    }

    fn mark_maybe(&mut self, addr: usize) {
        if self.is_object(addr) && !(self.verifying && self.is_new(addr)) {
            self.mark(addr);
        }
    }

    /// Whether no collection has marked the object yet.
    fn is_new(&self, addr: usize) -> bool {
        // SAFETY: an object, so its header is readable.
        unsafe { (*(addr as *const Header)).gc & GC_OLD == 0 }
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
            unsafe { (*b).holds(addr, bump, self.live_side) }
        } else {
            self.large.holds(addr)
        }
    }

    /// The value in a register that may never have been written: nil when it names no object.
    pub(crate) fn checked(&self, v: Value) -> Value {
        let is_value = !v.is_ptr() || self.is_object(v.addr());
        if is_value && !v.is_undef() { v } else { Value::NIL }
    }

    /// Marks everything reachable from `roots` and makes the rest free. Only the interpreter calls this, at a safepoint. A cycle
    /// under way comes to its end; with `full`, marking starts anew. A minor collection that finds a large heap due for a full one
    /// begins a cycle.
    #[inline(never)]
    pub fn collect(&mut self, full: bool, roots: &mut dyn FnMut(&mut Marker)) {
        if full {
            self.abandon_cycle();
        }
        let ends_cycle = self.cycle.is_some();
        let traced = self.traced;
        let full = full || ends_cycle || self.full_due() && !self.incremental();
        for b in self.each_block() {
            let bump = self.bump_range(b);
            // SAFETY: our blocks.
            unsafe { (*b).finish_sweep(bump, self.live_side) };
        }
        if full {
            self.mark_side = self.live_side ^ 1;
            self.gray_log();
        } else {
            let mut log = std::mem::take(&mut self.log);
            for addr in log.drain(..) {
                // SAFETY: logged objects are old, hence live or kept until this collection.
                unsafe { (*(addr as *mut Header)).gc &= !GC_LOGGED };
                self.gray.push(addr);
            }
            self.log = log;
        }
        self.mark_permanent();
        roots(&mut Marker { heap: self });
        self.trace_all();
        if ends_cycle && self.stress {
            self.verify_cycle(roots);
        }
        self.cycle = None;
        self.sweep(full);
        // A minor collection looks at all of a large array or table that was written to: the more, the rarer they are.
        let most = (64 << 20).max((self.traced - traced) * 16);
        self.threshold = (self.live / 2).clamp(super::MIN_THRESHOLD, most);
        if !full && (self.full_due() || self.stress_cycle()) && self.incremental() {
            self.begin_cycle(roots);
        }
    }

    /// Whether garbage among the old objects is worth a full collection.
    fn full_due(&self) -> bool {
        self.since_full >= 16 || self.live > self.live_after_full * 2 + (8 << 20)
    }

    /// What was not marked is free from now on.
    fn sweep(&mut self, full: bool) {
        self.live_side = self.mark_side;
        let side = self.live_side;
        self.large.sweep(side);
        let mut live = self.large.bytes;
        let mut empty: Vec<*mut Block> = Vec::new();
        for class in 0..CLASS_COUNT * 2 {
            let cells = &mut self.spaces[class].blocks;
            cells.retain(|&b| {
                // SAFETY: our block.
                unsafe {
                    let n = (*b).after_mark(side, full);
                    live += n * (*b).cell_size();
                    let keep = n > 0 || !full || class >= CLASS_COUNT;
                    if !keep {
                        empty.push(b);
                    }
                    keep
                }
            });
            self.spaces[class].next = 0;
            self.cursors[class] = Cursor { bump: 0, end: 0 };
        }
        self.release(empty);
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
        self.collect_requested = false;
        self.stats.live_bytes = live;
        self.stats.large_bytes = self.large.bytes;
        // Overwriting all dead cells costs much more than the collection: not every time.
        if self.stress && (self.stats.full + self.stats.minor).is_multiple_of(8) {
            self.poison_dead();
        }
    }

    /// Gives empty blocks back to the system, neighbours at once: that is one call for many.
    fn release(&mut self, mut empty: Vec<*mut Block>) {
        empty.sort_unstable();
        self.stats.block_bytes -= empty.len() * super::BLOCK_SIZE;
        for row in empty.chunk_by(|a, b| *a as usize + super::BLOCK_SIZE == *b as usize) {
            // SAFETY: blocks of ours without a live object, in no space any more.
            unsafe { super::block::release(row[0], row.len()) };
        }
        self.free_blocks.extend(empty.iter().rev());
    }

    /// Stress mode: overwrites dead plain cells, so that a missed root shows.
    fn poison_dead(&mut self) {
        for class in 0..CLASS_COUNT {
            for i in 0..self.spaces[class].blocks.len() {
                let b = self.spaces[class].blocks[i];
                // SAFETY: our block; unmarked cells are dead right after a collection.
                unsafe { (*b).poison(self.live_side) };
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
        self.traced += n;
        for i in 0..n {
            // SAFETY: by the contract.
            self.word(unsafe { *p.add(i) });
        }
    }

    /// The first `n` words of an array or a table; when marking goes in slices, only the last of many for now. From the end to
    /// the front: removing elements moves others to the front and is not logged.
    ///
    /// # Safety
    /// `[p, p + n)` must be words of `owner`.
    unsafe fn many_words(&mut self, owner: usize, p: *const Value, n: usize) {
        let from = if self.parting { n.saturating_sub(PART) } else { 0 };
        if from > 0 {
            self.parts.push((owner, from));
        }
        // SAFETY: by the contract.
        unsafe { self.words(p.add(from), n - from) };
    }

    /// More of an object of which the words below `to` have not been traced.
    fn trace_part(&mut self, addr: usize, to: usize) {
        // SAFETY: as in `trace`.
        unsafe {
            if let Kind::Array = (*(addr as *const Header)).kind() {
                let a: Gc<Array> = Gc::from_addr(addr);
                self.many_words(addr, a.data, to.min(a.len as usize));
            } else {
                let t: Gc<Table> = Gc::from_addr(addr);
                if let Some(b) = t.entries.get::<Buf>(Kind::Buf) {
                    self.many_words(addr, b.words(), to.min(t.used as usize * 2));
                }
            }
        }
    }

    fn trace(&mut self, addr: usize) {
        self.traced += 1;
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
                    self.many_words(addr, a.data, a.len as usize);
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
                        self.many_words(addr, b.words(), t.used as usize * 2);
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
                (*b).each_object(bump, self.live_side, |a| {
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
