//! Large objects: one allocation each.
use rustc_hash::FxHashMap;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error, realloc};

pub(crate) struct Large {
    pub size: usize,
    /// Marks on either side, as those of blocks.
    pub marked: [bool; 2],
}

#[derive(Default)]
pub(crate) struct LargeSpace {
    pub objects: FxHashMap<usize, Large>,
    pub bytes: usize,
    /// No object stands outside of these addresses: most words that are no pointers are told apart by them.
    low: usize,
    high: usize,
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 16).expect("object size")
}

impl LargeSpace {
    /// Is `addr` the start of a large object?
    #[inline]
    pub fn holds(&self, addr: usize) -> bool {
        addr >= self.low && addr < self.high && self.objects.contains_key(&addr)
    }

    fn enter(&mut self, addr: usize, l: Large) {
        self.low = if self.objects.is_empty() { addr } else { self.low.min(addr) };
        self.high = if self.objects.is_empty() { addr + 1 } else { self.high.max(addr + 1) };
        self.objects.insert(addr, l);
    }

    pub fn alloc(&mut self, size: usize) -> usize {
        let l = layout(size);
        // SAFETY: size is not zero.
        let p = unsafe { alloc_zeroed(l) };
        if p.is_null() {
            handle_alloc_error(l);
        }
        self.enter(p as usize, Large { size, marked: [false; 2] });
        self.bytes += size;
        p as usize
    }

    /// Grows the object at `addr`, if it is large. New bytes are zero. Gives the address and the growth.
    pub fn grow(&mut self, addr: usize, size: usize) -> Option<(usize, usize)> {
        let old = self.objects.remove(&addr)?;
        // SAFETY: `addr` was allocated with this layout.
        let p = unsafe { realloc(addr as *mut u8, layout(old.size), size) };
        if p.is_null() {
            handle_alloc_error(layout(size));
        }
        // SAFETY: the new part belongs to the allocation.
        unsafe { std::ptr::write_bytes(p.add(old.size), 0, size - old.size) };
        self.enter(p as usize, Large { size, marked: old.marked });
        self.bytes += size - old.size;
        Some((p as usize, size - old.size))
    }

    /// Sets the mark on `side`; true when it was clear.
    pub fn mark(&mut self, addr: usize, side: usize) -> bool {
        self.objects.get_mut(&addr).is_some_and(|l| !std::mem::replace(&mut l.marked[side], true))
    }

    pub fn marked(&self, addr: usize, side: usize) -> bool {
        self.objects.get(&addr).is_some_and(|l| l.marked[side])
    }

    pub fn clear(&mut self, side: usize) {
        self.objects.values_mut().for_each(|l| l.marked[side] = false);
    }

    /// Frees what is not marked on `side`, and clears the other one.
    pub fn sweep(&mut self, side: usize) {
        let bytes = &mut self.bytes;
        self.objects.retain(|&addr, l| {
            let keep = l.marked[side];
            l.marked[side ^ 1] = false;
            if !keep {
                *bytes -= l.size;
                // SAFETY: as above; large objects are never of a kind with a destructor.
                unsafe { dealloc(addr as *mut u8, layout(l.size)) };
            }
            keep
        });
    }
}

impl Drop for LargeSpace {
    fn drop(&mut self) {
        for (&addr, l) in &self.objects {
            // SAFETY: as above.
            unsafe { dealloc(addr as *mut u8, layout(l.size)) };
        }
    }
}
