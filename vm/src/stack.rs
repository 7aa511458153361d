//! Room on the native stack for the few things that recurse: over nested data (the compiler, quoting, rendering), and calls of
//! natives that go on with calls of natives.
//!
//! Asking the system how much stack is left costs more than starting the VM, so whoever enters the VM marks where its stack
//! begins, and up to [`FREE`] bytes below the mark nobody asks.
use std::cell::Cell;

thread_local! {
    static BASE: Cell<usize> = const { Cell::new(0) };
}

/// Bytes below the mark that are taken for granted.
const FREE: usize = 192 * 1024;
/// Below this much left, recursion goes on in a new segment.
const RED_ZONE: usize = 256 * 1024;
const SEGMENT: usize = 4 * 1024 * 1024;

#[inline(always)]
fn here() -> usize {
    let x = 0u8;
    &raw const x as usize
}

/// The caller is where a thread enters the VM: at least [`FREE`] plus the red zone is left here.
#[inline(never)]
pub fn mark() {
    let here = here();
    BASE.with(|b| {
        if here > b.get() {
            b.set(here);
        }
    });
}

/// Runs `f` with enough native stack for one more level of nesting.
#[inline]
pub fn grow<T>(f: impl FnOnce() -> T) -> T {
    let base = BASE.with(Cell::get);
    if base.wrapping_sub(here()) < FREE {
        return f();
    }
    stacker::maybe_grow(RED_ZONE, SEGMENT, f)
}

/// Is there room for more? For recursion that may run script code, which a new segment is not fit for: the collector takes the
/// native stack for one range.
#[inline]
pub fn has_room() -> bool {
    let base = BASE.with(Cell::get);
    base.wrapping_sub(here()) < FREE || stacker::remaining_stack().is_none_or(|left| left > RED_ZONE)
}
