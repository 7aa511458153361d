//! Blocks: 64 KiB of cells of one size, with mark bits at the side.
use super::{Header, Kind};

pub const BLOCK_SIZE: usize = 64 * 1024;
const HEADER_SIZE: usize = std::mem::size_of::<Block>();
/// Blocks are taken from mappings of this size.
const CHUNK_SIZE: usize = 1 << 20;
/// A large page of the systems that have them.
const HUGE_PAGE: usize = 2 << 20;

pub const CLASS_SIZES: [u32; 23] =
    [16, 32, 48, 64, 80, 96, 112, 128, 160, 176, 192, 224, 256, 320, 384, 448, 512, 640, 768, 1024, 1344, 1648, 2032];
pub const CLASS_COUNT: usize = CLASS_SIZES.len();
pub const SMALL_LIMIT: usize = 2032;

const CLASS_TABLE: [u8; SMALL_LIMIT / 16 + 1] = {
    let mut t = [0u8; SMALL_LIMIT / 16 + 1];
    let mut i = 0;
    let mut c = 0;
    while i < t.len() {
        if i * 16 > CLASS_SIZES[c] as usize {
            c += 1;
        }
        t[i] = c as u8;
        i += 1;
    }
    t
};

#[inline(always)]
pub fn class_of(size: usize) -> usize {
    CLASS_TABLE[(size + 15) >> 4] as usize
}

/// Head of a block. Cells start after it.
#[repr(C, align(16))]
pub struct Block {
    /// Bytes of one cell.
    cell: u32,
    cells: u32,
    /// Index of the cell where the search for the next free run goes on. Cells below it are allocated or marked; cells at or
    /// above it hold an object only if marked.
    cursor: u32,
    /// The block's class, drop classes above the plain ones.
    class: u32,
    /// Never collected since it was made: cells at or above the cursor are untouched zeros.
    fresh: bool,
    /// Two sides of one bit per 16-byte granule, at the granule of a cell's first byte. One tells what was live at the last
    /// collection, the other one is clear or being marked (see [`super::cycle`]).
    marks: [Marks; 2],
}

type Marks = [u64; BLOCK_SIZE / 16 / 64];

impl Block {
    pub(crate) fn init(&mut self, class: usize) {
        self.cell = CLASS_SIZES[class % CLASS_COUNT];
        self.cells = ((BLOCK_SIZE - HEADER_SIZE) as u32) / self.cell;
        self.cursor = 0;
        self.class = class as u32;
        self.fresh = true;
    }

    #[inline(always)]
    pub fn of(addr: usize) -> *mut Block {
        (addr & !(BLOCK_SIZE - 1)) as *mut Block
    }

    #[inline(always)]
    fn base(&self) -> usize {
        self as *const Block as usize + HEADER_SIZE
    }

    #[inline(always)]
    fn bit_of(addr: usize) -> (usize, u64) {
        let g = (addr & (BLOCK_SIZE - 1)) >> 4;
        (g >> 6, 1 << (g & 63))
    }

    /// Sets the mark on `side`; true when it was clear.
    #[inline(always)]
    pub fn mark(&mut self, addr: usize, side: usize) -> bool {
        let (w, b) = Self::bit_of(addr);
        let old = &mut self.marks[side & 1][w];
        let clear = *old & b == 0;
        *old |= b;
        clear
    }

    #[inline(always)]
    pub fn marked(&self, addr: usize, side: usize) -> bool {
        let (w, b) = Self::bit_of(addr);
        self.marks[side & 1][w] & b != 0
    }

    pub fn cell_size(&self) -> usize {
        self.cell as usize
    }

    pub fn class(&self) -> usize {
        self.class as usize
    }

    /// Is `addr` the start of an object? (Addresses come from conservative roots; `side` is the live one.)
    pub fn holds(&self, addr: usize, cursor_of_class: (usize, usize), side: usize) -> bool {
        if self.cell == 0 {
            // Given back to the system and not in use again.
            return false;
        }
        let Some(off) = addr.checked_sub(self.base()) else { return false };
        if off % self.cell as usize != 0 {
            return false;
        }
        let i = (off / self.cell as usize) as u32;
        if i >= self.cells {
            return false;
        }
        if self.marked(addr, side) {
            return true;
        }
        // Unmarked: only cells handed out since the last collection hold objects. The run being bumped through counts up to
        // its bump pointer.
        if i >= self.cursor || (addr >= cursor_of_class.0 && addr < cursor_of_class.1) {
            return false;
        }
        // SAFETY: the cell is inside the block.
        unsafe { (*(addr as *const Header)).kind_byte() != Kind::Free as u8 }
    }

    /// The next run of free cells as `[start, end)`, zeroed; `None` when the block is used up. `side` is the live one.
    pub(crate) fn next_run(&mut self, side: usize) -> Option<(usize, usize)> {
        let n = self.cells;
        let cell = self.cell as usize;
        let base = self.base();
        let mut i = self.cursor;
        if self.fresh {
            if i >= n {
                return None;
            }
            // Fresh blocks are handed out a few pages at a time, so that a small VM touches little memory.
            let step = (8192 / cell).max(1) as u32;
            let e = (i + step).min(n);
            self.cursor = e;
            return Some((base + i as usize * cell, base + e as usize * cell));
        }
        let drops = self.class as usize >= CLASS_COUNT;
        while i < n && self.marked(base + i as usize * cell, side) {
            i += 1;
        }
        if i >= n {
            self.cursor = n;
            return None;
        }
        let s = i;
        while i < n && !self.marked(base + i as usize * cell, side) {
            if drops {
                // SAFETY: the cell is dead: unmarked, and not handed out since the last collection.
                unsafe { super::collect::drop_object(base + i as usize * cell) };
            }
            i += 1;
        }
        self.cursor = i;
        let (s, e) = (base + s as usize * cell, base + i as usize * cell);
        // SAFETY: the cells are dead and inside the block.
        unsafe { std::ptr::write_bytes(s as *mut u8, 0, e - s) };
        Some((s, e))
    }

    /// Runs the destructors a lazy sweep has not come to yet (drop classes, before marks change).
    pub(crate) fn finish_sweep(&mut self, bump: (usize, usize), side: usize) {
        if (self.class as usize) < CLASS_COUNT || self.fresh {
            return;
        }
        let cell = self.cell as usize;
        let base = self.base();
        for i in self.cursor..self.cells {
            let a = base + i as usize * cell;
            if !self.marked(a, side) && !(bump.0..bump.1).contains(&a) {
                // SAFETY: dead cell, see `next_run`.
                unsafe {
                    super::collect::drop_object(a);
                    *(a as *mut u64) = 0;
                }
            }
        }
    }

    /// Calls `f` for every object (marked, or handed out since the last collection).
    pub(crate) fn each_object(&self, bump: (usize, usize), side: usize, mut f: impl FnMut(usize)) {
        let base = self.base();
        for i in 0..self.cells {
            let a = base + i as usize * self.cell as usize;
            if self.holds(a, bump, side) {
                f(a);
            }
        }
    }

    /// Makes the block ready for lazy sweeping after a mark phase on `side`, which tells what is live from now on; the other
    /// side is clear for the next one. Gives the number of live cells.
    pub(crate) fn after_mark(&mut self, side: usize, full: bool) -> usize {
        self.cursor = 0;
        self.fresh = false;
        if full {
            self.clear(side ^ 1);
        }
        self.marks[side & 1].iter().map(|m| m.count_ones() as usize).sum::<usize>()
    }

    pub(crate) fn clear(&mut self, side: usize) {
        self.marks[side & 1] = [0; BLOCK_SIZE / 16 / 64];
    }

    /// The marks of one side, and the addresses they stand for.
    pub(crate) fn marks(&self, side: usize) -> &[u64] {
        &self.marks[side & 1]
    }

    /// Overwrites unmarked cells right after a collection (stress mode).
    pub(crate) fn poison(&mut self, side: usize) {
        let (base, cell) = (self.base(), self.cell as usize);
        for i in 0..self.cells {
            let a = base + i as usize * cell;
            if !self.marked(a, side) {
                // SAFETY: dead cell. Poison keeps the kind byte free-like so that conservative validation rejects it.
                unsafe {
                    std::ptr::write_bytes(a as *mut u8, 0xDB, cell);
                    *(a as *mut u64) = 0;
                }
            }
        }
    }

    /// Every cell that may hold an object, live or dead but not yet swept.
    pub(crate) fn each_allocated(&self, bump: (usize, usize), mut f: impl FnMut(usize)) {
        let end = if self.fresh { self.cursor } else { self.cells };
        for i in 0..end {
            let a = self.base() + i as usize * self.cell as usize;
            if !(a >= bump.0 && a < bump.1) {
                f(a);
            }
        }
    }
}

/// Gives the pages of empty blocks that stand in a row back to the system; they read as zeros when touched again.
///
/// # Safety
/// No one may use the blocks any more.
pub(crate) unsafe fn release(first: *mut Block, count: usize) {
    sys::discard(first as usize, count * BLOCK_SIZE);
}

/// A mapping that blocks are cut from.
pub(crate) struct Chunk {
    addr: usize,
    size: usize,
    used: usize,
}

impl Chunk {
    pub fn map() -> Chunk {
        Chunk { addr: sys::map(CHUNK_SIZE, BLOCK_SIZE), size: CHUNK_SIZE, used: 0 }
    }
    /// One of pages as large as the system has them: a fault fills two megabytes instead of four kilobytes.
    pub fn map_huge() -> Chunk {
        let addr = sys::map(HUGE_PAGE, HUGE_PAGE);
        sys::huge(addr, HUGE_PAGE);
        Chunk { addr, size: HUGE_PAGE, used: 0 }
    }
    pub fn full(&self) -> bool {
        self.used + BLOCK_SIZE > self.size
    }
    pub fn take(&mut self) -> *mut Block {
        let b = (self.addr + self.used) as *mut Block;
        self.used += BLOCK_SIZE;
        b
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        sys::unmap(self.addr, self.size);
    }
}

/// Zeroed pages from the system, aligned, not touched before use.
pub(crate) mod sys {
    #[cfg(unix)]
    pub fn map(size: usize, align: usize) -> usize {
        // SAFETY: plain anonymous mapping; the surplus at both ends is given back.
        unsafe {
            let p = libc::mmap(
                std::ptr::null_mut(),
                size + align,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            );
            if p == libc::MAP_FAILED {
                std::alloc::handle_alloc_error(std::alloc::Layout::from_size_align_unchecked(size, align));
            }
            let p = p as usize;
            let a = (p + align - 1) & !(align - 1);
            if a > p {
                libc::munmap(p as *mut _, a - p);
            }
            if p + align > a {
                libc::munmap((a + size) as *mut _, p + align - a);
            }
            assert!((a + size) >> 47 == 0, "heap blocks must lie below 2^47");
            a
        }
    }
    #[cfg(unix)]
    pub fn unmap(addr: usize, size: usize) {
        // SAFETY: made by `map`; nothing refers to it any more.
        unsafe {
            libc::munmap(addr as *mut _, size);
        }
    }
    #[cfg(unix)]
    pub fn discard(addr: usize, size: usize) {
        // SAFETY: the range is part of a mapping of ours and holds no live object. MADV_DONTNEED zeroes private pages.
        let ok = cfg!(target_os = "linux") && unsafe { libc::madvise(addr as *mut _, size, libc::MADV_DONTNEED) } == 0;
        if !ok {
            // SAFETY: as above.
            unsafe { std::ptr::write_bytes(addr as *mut u8, 0, size) };
        }
    }
    /// Asks for large pages. Best effort.
    #[cfg(target_os = "linux")]
    pub fn huge(addr: usize, size: usize) {
        // SAFETY: the range is part of a mapping of ours; its content does not change.
        unsafe {
            libc::madvise(addr as *mut _, size, libc::MADV_HUGEPAGE);
        }
    }
    #[cfg(not(target_os = "linux"))]
    pub fn huge(_addr: usize, _size: usize) {}
    #[cfg(not(unix))]
    pub fn discard(addr: usize, size: usize) {
        // SAFETY: the range is part of a mapping of ours and holds no live object.
        unsafe { std::ptr::write_bytes(addr as *mut u8, 0, size) };
    }
    #[cfg(not(unix))]
    pub fn map(size: usize, align: usize) -> usize {
        // SAFETY: the layout has non-zero size.
        let layout = std::alloc::Layout::from_size_align(size, align).unwrap();
        let p = unsafe { std::alloc::alloc_zeroed(layout) };
        if p.is_null() {
            std::alloc::handle_alloc_error(layout);
        }
        p as usize
    }
    #[cfg(not(unix))]
    pub fn unmap(addr: usize, size: usize) {
        // SAFETY: made by `map` with this size and the block alignment.
        unsafe {
            std::alloc::dealloc(addr as *mut u8, std::alloc::Layout::from_size_align(size, super::BLOCK_SIZE).unwrap())
        }
    }
}
