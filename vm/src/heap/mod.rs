//! The heap of one VM: non-moving size-class blocks, conservative roots, sticky mark bits.
//!
//! Two rules make everything else simple (architecture.md, Heap):
//!
//! * **V1** Collection happens only at safepoints ([`Heap::collect`] is called by the interpreter alone). Allocation never
//!   collects, so a native that doesn't call back into script may hold values anywhere.
//! * **V2** No [`Value`](crate::value::Value) in untraced Rust memory across a safepoint. Task stacks and the native stack are
//!   scanned conservatively; objects are traced precisely by kind.
pub mod block;
pub mod collect;
pub mod cycle;
pub mod large;

use crate::value::Value;
use block::{BLOCK_SIZE, Block, CLASS_COUNT, CLASS_SIZES, SMALL_LIMIT, class_of};
use large::LargeSpace;
use std::collections::HashMap;

/// First word of every heap object.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Header {
    kind: u8,
    /// [`GC_OLD`], [`GC_LOGGED`], [`GC_FROZEN`].
    gc: u8,
    /// Meaning by kind.
    pub aux: u16,
    /// Meaning by kind: shape of maps and instances, hash of strings, word count of records.
    pub word: u32,
}

/// Survived a collection: stores into it must be logged.
pub const GC_OLD: u8 = 1;
/// Already in the log since the last collection.
pub const GC_LOGGED: u8 = 2;
/// The value is immutable for scripts.
pub const GC_FROZEN: u8 = 4;
/// Stands alone, not in a block.
pub const GC_LARGE: u8 = 8;

impl Header {
    pub fn new(kind: Kind, aux: u16, word: u32) -> Header {
        Header { kind: kind as u8, gc: 0, aux, word }
    }
    #[inline(always)]
    pub fn kind_byte(&self) -> u8 {
        self.kind
    }
    #[inline(always)]
    pub fn kind(&self) -> Kind {
        // SAFETY: the kind byte is only written from a `Kind`; free cells (0) are `Kind::Free`.
        unsafe { std::mem::transmute::<u8, Kind>(self.kind) }
    }
    #[inline(always)]
    pub fn frozen(&self) -> bool {
        self.gc & GC_FROZEN != 0
    }
    pub fn set_frozen(&mut self, on: bool) {
        if on { self.gc |= GC_FROZEN } else { self.gc &= !GC_FROZEN }
    }
    #[inline(always)]
    pub fn needs_log(&self) -> bool {
        self.gc & (GC_OLD | GC_LOGGED) == GC_OLD
    }
}

/// What an object is. The trace function and the layout follow from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    Free = 0,
    // leaves: nothing to trace
    BoxedInt,
    Bytes,
    /// Raw bytes owned by another object.
    RawBuf,
    /// Words owned (and traced) by another object.
    Buf,
    // own layouts
    Str,
    Array,
    Map,
    Instance,
    HashMap,
    HashSet,
    /// Dictionary part of a large Map or instance.
    Dict,
    /// A coroutine: a task, a generator, a nested run. Its stack is traced conservatively.
    Fiber,
    // Rust data behind a pointer; dropped when swept
    Class,
    Namespace,
    Code,
    Enum,
    Foreign,
    // records: `header.word` words follow, traced as values
    Function,
    Native,
    BoundMethod,
    Cell,
    Range,
    Gene,
    Path,
    Quote,
    InterpData,
    Date,
    Time,
    DateTime,
    Duration,
    Regex,
    RegexMatch,
    /// A variant of an enum: the unit value itself or the constructor of a payload variant.
    Variant,
    EnumValue,
    Iter,
    Future,
    Env,
    Selector,
    Interface,
    Adapter,
    TypeValue,
    Package,
    Application,
    /// Any other fixed group of values.
    Record,
}

pub const KIND_COUNT: usize = Kind::Record as usize + 1;

impl Kind {
    /// Objects of these kinds own Rust memory and stand in blocks whose sweep runs destructors.
    pub fn needs_drop(self) -> bool {
        matches!(self, Kind::Class | Kind::Namespace | Kind::Code | Kind::Enum | Kind::Foreign)
    }
}

/// A pointer to a live heap object of layout `T`. Copyable like a `Value`, and under the same rules V1 and V2: it is valid until
/// the next safepoint unless the object is reachable. Mutation goes through it freely: the VM is single-threaded.
#[repr(transparent)]
pub struct Gc<T>(*mut T);

impl<T> Clone for Gc<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Gc<T> {}
impl<T> PartialEq for Gc<T> {
    fn eq(&self, o: &Self) -> bool {
        std::ptr::eq(self.0, o.0)
    }
}

impl<T> Gc<T> {
    #[inline(always)]
    pub fn from_addr(addr: usize) -> Gc<T> {
        Gc(addr as *mut T)
    }
    #[inline(always)]
    pub fn as_ptr(self) -> *mut T {
        self.0
    }
    #[inline(always)]
    pub fn value(self) -> Value {
        Value::from_addr(self.0 as usize)
    }
    #[inline(always)]
    pub fn header(self) -> Header {
        // SAFETY: every layout starts with a header.
        unsafe { *(self.0 as *const Header) }
    }
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub fn header_mut<'a>(self) -> &'a mut Header {
        // SAFETY: as above; no other reference to a header is kept anywhere.
        unsafe { &mut *(self.0 as *mut Header) }
    }
}

impl<T> std::ops::Deref for Gc<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: V1/V2: the object is live while a native or the interpreter works on it.
        unsafe { &*self.0 }
    }
}
impl<T> std::ops::DerefMut for Gc<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above; the VM is single-threaded and keeps no long-lived references into objects.
        unsafe { &mut *self.0 }
    }
}

/// Bump cursor of one size class; compiled code allocates from it inline.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Cursor {
    pub bump: usize,
    pub end: usize,
}

/// The one counter behind every safepoint. Calls and loop back-edges take from it; below zero the interpreter runs its slow path.
#[repr(C)]
pub struct Fuel {
    pub left: i64,
    /// Fuel taken away by [`Fuel::request`], to be given back.
    pub withheld: i64,
}

impl Fuel {
    /// Makes the very next charge run the slow path.
    pub fn request(&mut self) {
        if self.left > 0 {
            self.withheld += self.left;
            self.left = 0;
        }
    }

    /// Takes `n` for work that no call or back-edge stands for. The slow path runs at the next charge, if it must.
    pub fn spend(&mut self, n: i64) {
        let held = n.min(self.withheld);
        self.withheld -= held;
        self.left -= n - held;
    }

    /// Takes for so many elements looked at by a native.
    pub fn spend_on(&mut self, elements: usize) {
        self.spend((elements / ELEMENTS_PER_CHARGE) as i64);
    }

    /// Takes for so many bytes compared, searched, hashed or moved by a native.
    pub fn spend_on_bytes(&mut self, bytes: usize) {
        self.spend((bytes / BYTES_PER_CHARGE) as i64);
    }
}

/// Counters for tests and reports.
#[derive(Clone, Copy, Default, Debug)]
pub struct HeapStats {
    pub full: u64,
    pub minor: u64,
    pub live_bytes: usize,
    pub block_bytes: usize,
    pub large_bytes: usize,
}

#[repr(C)]
pub struct Heap {
    pub fuel: Fuel,
    /// Plain classes first, then those of kinds that need drop.
    pub cursors: [Cursor; CLASS_COUNT * 2],
    /// Blocks by class; allocation goes on at `next`.
    spaces: Vec<Space>,
    chunks: Vec<block::Chunk>,
    /// Address of a block -> the block is ours. Validates conservative roots.
    block_set: HashMap<usize, (), BlockHash>,
    block_lo: usize,
    block_hi: usize,
    free_blocks: Vec<*mut Block>,
    large: LargeSpace,
    /// Bytes handed out since the last collection.
    pub allocated: usize,
    /// Bytes handed out that no fuel was taken for yet: less than a charge.
    uncharged: usize,
    /// Bytes handed out before.
    pub(crate) allocated_before: u64,
    /// Collect when `allocated` passes this.
    pub threshold: usize,
    pub collect_requested: bool,
    /// Old objects written to since the last collection.
    pub log: Vec<usize>,
    gray: Vec<usize>,
    /// Arrays and tables whose first so many words are yet to be traced.
    parts: Vec<(usize, usize)>,
    /// Whether long ones are traced in parts.
    parting: bool,
    /// Words looked at by all collections so far.
    traced: usize,
    /// The side of the mark bits that tells what was live at the last collection, and the one marked by the collection under way.
    live_side: usize,
    mark_side: usize,
    /// A cycle is marked a second time, to compare.
    verifying: bool,
    /// The full collection under way.
    cycle: Option<cycle::Cycle>,
    /// While one task's own references are marked: futures found, which lead to what other tasks hold and come later.
    leaves: Option<Vec<usize>>,
    /// Live bytes after the last collection.
    pub live: usize,
    live_after_full: usize,
    since_full: u32,
    /// Catchable MemoryLimitException above this many bytes.
    pub limit: Option<usize>,
    pub stats: HeapStats,
    /// Collect at every safepoint, and poison freed cells.
    pub stress: bool,
    /// Values that live as long as the VM.
    pub permanent: Vec<Value>,
}

pub(crate) struct Space {
    blocks: Vec<*mut Block>,
    next: usize,
}

#[derive(Default, Clone, Copy)]
pub(crate) struct BlockHash;
impl std::hash::BuildHasher for BlockHash {
    type Hasher = BlockHasher;
    fn build_hasher(&self) -> BlockHasher {
        BlockHasher(0)
    }
}
pub(crate) struct BlockHasher(u64);
impl std::hash::Hasher for BlockHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {}
    fn write_usize(&mut self, n: usize) {
        self.0 = ((n >> 16) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

/// Collections start when this much was allocated; grows with the live size.
const MIN_THRESHOLD: usize = 4 << 20;
/// A heap of this size grows by large pages: what the last one leaves unused is a small part of it then.
const HUGE_FROM: usize = 8 << 20;
/// Bytes whose allocation counts as one call or back-edge.
const BYTES_PER_CHARGE: usize = 256;
/// Elements that a native may look at for one call or back-edge.
const ELEMENTS_PER_CHARGE: usize = 16;

impl Default for Heap {
    fn default() -> Self {
        Heap::new()
    }
}

impl Heap {
    pub fn new() -> Heap {
        Heap {
            fuel: Fuel { left: 0, withheld: 0 },
            cursors: [Cursor { bump: 0, end: 0 }; CLASS_COUNT * 2],
            spaces: (0..CLASS_COUNT * 2).map(|_| Space { blocks: Vec::new(), next: 0 }).collect(),
            chunks: Vec::new(),
            block_set: HashMap::with_hasher(BlockHash),
            block_lo: usize::MAX,
            block_hi: 0,
            free_blocks: Vec::new(),
            large: LargeSpace::default(),
            allocated: 0,
            uncharged: 0,
            allocated_before: 0,
            threshold: MIN_THRESHOLD,
            collect_requested: false,
            log: Vec::new(),
            gray: Vec::new(),
            parts: Vec::new(),
            parting: false,
            traced: 0,
            live_side: 0,
            mark_side: 0,
            verifying: false,
            cycle: None,
            leaves: None,
            live: 0,
            live_after_full: 0,
            since_full: 0,
            limit: None,
            stats: HeapStats::default(),
            stress: false,
            permanent: Vec::new(),
        }
    }

    /// Zeroed memory for an object of `size` bytes. The caller writes the header before the next safepoint.
    #[inline(always)]
    pub fn alloc_raw(&mut self, size: usize) -> usize {
        if size <= SMALL_LIMIT {
            let class = class_of(size);
            self.alloc_class(class)
        } else {
            self.alloc_large(size)
        }
    }

    /// As [`Heap::alloc_raw`], for kinds with a destructor.
    pub fn alloc_drop(&mut self, size: usize) -> usize {
        debug_assert!(size <= SMALL_LIMIT);
        self.alloc_class(class_of(size) + CLASS_COUNT)
    }

    #[inline(always)]
    fn alloc_class(&mut self, class: usize) -> usize {
        let c = &mut self.cursors[class];
        let size = CLASS_SIZES[class % CLASS_COUNT] as usize;
        let p = c.bump;
        let n = p + size;
        if n <= c.end {
            c.bump = n;
            return p;
        }
        self.alloc_slow(class)
    }

    #[cold]
    #[inline(never)]
    fn alloc_slow(&mut self, class: usize) -> usize {
        let size = CLASS_SIZES[class % CLASS_COUNT] as usize;
        loop {
            let at = self.spaces[class].next;
            if at < self.spaces[class].blocks.len() {
                let b = self.spaces[class].blocks[at];
                // SAFETY: blocks in a space are live mappings of ours.
                if let Some((s, e)) = unsafe { (*b).next_run(self.live_side) } {
                    self.charge(e - s);
                    self.cursors[class] = Cursor { bump: s + size, end: e };
                    return s;
                }
                self.spaces[class].next += 1;
                continue;
            }
            let b = self.new_block(class);
            self.spaces[class].blocks.push(b);
        }
    }

    /// Accounts for `bytes` and raises the collection request when enough has been handed out.
    #[inline]
    fn charge(&mut self, bytes: usize) {
        self.allocated += bytes;
        // One native call may fill megabytes: that is work too. In a fragmented heap they come in runs smaller than a charge.
        self.uncharged += bytes;
        self.fuel.spend((self.uncharged / BYTES_PER_CHARGE) as i64);
        self.uncharged %= BYTES_PER_CHARGE;
        if self.allocated >= self.threshold || self.limit.is_some_and(|l| self.in_use() > l) {
            self.collect_requested = true;
            self.fuel.request();
        }
    }

    /// Bytes in use: live at the last collection plus allocated since.
    pub fn in_use(&self) -> usize {
        self.live + self.allocated
    }

    /// All bytes ever handed out.
    pub fn allocated_ever(&self) -> u64 {
        self.allocated_before + self.allocated as u64
    }

    #[cold]
    #[inline(never)]
    fn alloc_large(&mut self, size: usize) -> usize {
        let p = self.large.alloc(size);
        self.charge(size);
        p
    }

    fn new_block(&mut self, class: usize) -> *mut Block {
        let b = match self.free_blocks.pop() {
            Some(b) => b,
            None => {
                if self.chunks.last().is_none_or(|c| c.full()) {
                    let huge = self.stats.block_bytes >= HUGE_FROM;
                    self.chunks.push(if huge { block::Chunk::map_huge() } else { block::Chunk::map() });
                }
                let b = self.chunks.last_mut().unwrap().take();
                let addr = b as usize;
                self.block_set.insert(addr, ());
                self.block_lo = self.block_lo.min(addr);
                self.block_hi = self.block_hi.max(addr + BLOCK_SIZE);
                b
            }
        };
        self.stats.block_bytes += BLOCK_SIZE;
        // SAFETY: the block is mapped, zeroed (fresh) or reset (recycled), and belongs to no space.
        unsafe { (*b).init(class) };
        b
    }

    // --- typed allocation

    /// Allocates an object of layout `T`, all words after the header zero.
    #[inline(always)]
    pub fn alloc<T>(&mut self, kind: Kind, aux: u16, word: u32) -> Gc<T> {
        self.alloc_sized(kind, aux, word, std::mem::size_of::<T>())
    }

    /// Allocates `size` bytes (header included) for layout `T` with a variable tail.
    #[inline(always)]
    pub fn alloc_sized<T>(&mut self, kind: Kind, aux: u16, word: u32, size: usize) -> Gc<T> {
        let p = self.alloc_raw(size);
        let gc = if size > SMALL_LIMIT { GC_LARGE } else { 0 };
        // SAFETY: `p` is fresh memory of at least `size` >= 8 bytes.
        unsafe { *(p as *mut Header) = Header { kind: kind as u8, gc, aux, word } };
        Gc::from_addr(p)
    }

    /// Allocates an object whose kind has a destructor.
    pub fn alloc_owner<T>(&mut self, kind: Kind) -> Gc<T> {
        debug_assert!(kind.needs_drop());
        let p = self.alloc_drop(std::mem::size_of::<T>());
        // SAFETY: as above.
        unsafe { *(p as *mut Header) = Header::new(kind, 0, 0) };
        Gc::from_addr(p)
    }

    /// Call before or after storing a heap pointer into `obj` (any time before the next safepoint).
    #[inline(always)]
    pub fn barrier<T>(&mut self, obj: Gc<T>) {
        if obj.header().needs_log() {
            self.log_object(obj.as_ptr() as usize);
        }
    }

    #[cold]
    #[inline(never)]
    fn log_object(&mut self, addr: usize) {
        // SAFETY: `addr` is a live object.
        unsafe { (*(addr as *mut Header)).gc |= GC_LOGGED };
        self.log.push(addr);
    }

    /// Any Int.
    #[inline(always)]
    pub fn int(&mut self, i: i64) -> Value {
        if Value::fits_small(i) { Value::small(i) } else { self.boxed_int(i) }
    }

    #[inline(never)]
    pub fn boxed_int(&mut self, i: i64) -> Value {
        let mut b = self.alloc::<crate::value::BoxedInt>(Kind::BoxedInt, 0, 0);
        b.value = i;
        b.value()
    }

    /// Words owned by another object. All zero (the double 0.0) until written.
    pub fn alloc_buf(&mut self, words: usize) -> Gc<Buf> {
        self.alloc_sized(Kind::Buf, 0, 0, 8 + words * 8)
    }

    pub fn alloc_raw_buf(&mut self, bytes: usize) -> Gc<Buf> {
        self.alloc_sized(Kind::RawBuf, 0, 0, 8 + bytes)
    }

    /// Grows a buffer that nothing else refers to; contents up to the old size are kept, large ones move without a copy where
    /// the system can. `used` bytes are kept otherwise.
    pub fn grow_buf(&mut self, old: Gc<Buf>, used: usize, new_bytes: usize) -> Gc<Buf> {
        let addr = old.as_ptr() as usize;
        if let Some((p, grown)) = self.large.grow(addr, 8 + new_bytes) {
            self.charge(grown);
            return Gc::from_addr(p);
        }
        let new: Gc<Buf> = self.alloc_sized(old.header().kind(), 0, 0, 8 + new_bytes);
        // SAFETY: both have at least `used` bytes after the header.
        unsafe { std::ptr::copy_nonoverlapping(old.data(), new.data(), used) };
        new
    }
}

/// A buffer: header, then data.
#[repr(C)]
pub struct Buf {
    pub header: Header,
}

impl Gc<Buf> {
    #[inline(always)]
    pub fn data(self) -> *mut u8 {
        // SAFETY: a buffer is at least its header.
        unsafe { (self.as_ptr() as *mut u8).add(8) }
    }
    #[inline(always)]
    pub fn words(self) -> *mut Value {
        self.data() as *mut Value
    }
}

/// Header and `word` values.
#[repr(C)]
pub struct Record {
    pub header: Header,
}

impl Heap {
    /// A record of kind `kind` holding `items`.
    pub fn record(&mut self, kind: Kind, aux: u16, items: &[Value]) -> Gc<Record> {
        self.record_of_parts(kind, aux, items, &[])
    }

    /// A record of `head` and `rest`, one behind the other.
    #[inline]
    pub fn record_of_parts(&mut self, kind: Kind, aux: u16, head: &[Value], rest: &[Value]) -> Gc<Record> {
        let n = head.len() + rest.len();
        let r: Gc<Record> = self.alloc_sized(kind, aux, n as u32, 8 + n * 8);
        // SAFETY: the object has room for both.
        unsafe {
            std::ptr::copy_nonoverlapping(head.as_ptr(), r.slots_ptr(), head.len());
            std::ptr::copy_nonoverlapping(rest.as_ptr(), r.slots_ptr().add(head.len()), rest.len());
        }
        r
    }
}

impl Gc<Record> {
    #[inline(always)]
    pub fn slots_ptr(self) -> *mut Value {
        // SAFETY: within or one past the object.
        unsafe { (self.as_ptr() as *mut Value).add(1) }
    }
    #[inline(always)]
    pub fn len(self) -> usize {
        self.header().word as usize
    }
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
    #[inline(always)]
    pub fn slot(self, i: usize) -> Value {
        assert!(i < self.len());
        // SAFETY: checked.
        unsafe { *self.slots_ptr().add(i) }
    }
    pub fn slots<'a>(self) -> &'a [Value] {
        // SAFETY: the record is live (V1) and has `len` words.
        unsafe { std::slice::from_raw_parts(self.slots_ptr(), self.len()) }
    }
    /// Stores with the write barrier.
    #[inline]
    pub fn set_slot(self, heap: &mut Heap, i: usize, v: Value) {
        assert!(i < self.len());
        // SAFETY: checked.
        unsafe { *self.slots_ptr().add(i) = v };
        heap.barrier(self);
    }
}
