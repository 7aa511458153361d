//! Incremental marking: a full collection of a large heap whose marking is cut into slices between which the program runs.
//!
//! Mark bits have two sides. One tells what was live at the last collection; allocation, conservative roots and minor collections
//! go by it. A full collection marks on the other side, which is clear when it begins, and turns the sides at its end, so nothing
//! the program does between two slices can see that a cycle is under way, but for this:
//!
//! * What a cycle has marked is old: stores into it are logged by the barrier of minor collections, and it is looked at again.
//! * What is allocated during a cycle is not marked. It is found from the roots and the log, which are looked at again whenever
//!   marking has nothing left to do, until little was allocated since; then the world stops for that rest.
//! * There are no minor collections during a cycle.
//!
//! Leaves are never gray: a large buffer may move while the program runs.
use super::collect::Marker;
use super::{GC_LOGGED, Header, Heap};

/// Heaps with fewer live bytes are marked in one go: that takes a few milliseconds.
const FROM: usize = 32 << 20;
/// Bytes allocated from one slice of marking to the next.
const SLICE: usize = 128 << 10;
/// Words marked for each word allocated. A cycle ends when a `1 / PACE` of the live bytes was allocated.
const PACE: usize = 4;
/// What may have been allocated since the roots were marked for the world to stop for it.
const REST: usize = 1 << 20;
/// Times the roots are marked before the world stops for however much is left.
const PASSES: u32 = 8;
/// Words of an array or table traced without a look at the budget.
pub(super) const PART: usize = 4096;
/// Slices of a cycle under stress.
const STRESS_SLICES: usize = 6;
/// Minor collections from one cycle to the next under stress.
const STRESS_CYCLE: u64 = 12;

/// A full collection under way.
pub(super) struct Cycle {
    /// `Heap::allocated` at the last slice.
    paid: usize,
    /// `Heap::allocated` when the roots were last marked.
    rooted: usize,
    passes: u32,
}

/// What is to be done next in a cycle.
#[derive(PartialEq, Eq, Debug)]
pub enum Advance {
    /// Nothing for now.
    Wait,
    /// Mark the roots again: [`Heap::mark_roots`].
    Roots,
    /// End the cycle: [`Heap::collect`].
    End,
}

impl Heap {
    /// Whether a full collection is under way.
    pub fn in_cycle(&self) -> bool {
        self.cycle.is_some()
    }

    /// Whether the next full collection is worth cutting into slices.
    pub(super) fn incremental(&self) -> bool {
        self.live >= FROM || self.stress
    }

    /// Under stress cycles begin without need.
    pub(super) fn stress_cycle(&self) -> bool {
        self.stress && self.stats.minor.is_multiple_of(STRESS_CYCLE)
    }

    /// Begins a cycle, right after a minor collection or at any other safepoint.
    pub(super) fn begin_cycle(&mut self, roots: &mut dyn FnMut(&mut Marker)) {
        debug_assert!(self.cycle.is_none() && self.gray.is_empty() && self.parts.is_empty());
        self.mark_side = self.live_side ^ 1;
        self.cycle = Some(Cycle { paid: self.allocated, rooted: self.allocated, passes: 0 });
        self.mark_roots(roots);
    }

    /// Marks what the roots and the log name, for the slices to come.
    pub fn mark_roots(&mut self, roots: &mut dyn FnMut(&mut Marker)) {
        self.gray_log();
        self.mark_permanent();
        roots(&mut Marker::new(self));
        let allocated = self.allocated;
        if let Some(c) = &mut self.cycle {
            c.passes += 1;
            c.rooted = allocated;
        }
        self.next_slice();
    }

    /// One slice of marking, as long as was allocated since the last one.
    pub fn advance(&mut self) -> Advance {
        let Some(c) = &mut self.cycle else { return Advance::End };
        let mut budget = (self.allocated - c.paid) / 8 * PACE;
        c.paid = self.allocated;
        let (rooted, passes) = (c.rooted, c.passes);
        if self.stress {
            budget = self.live / 8 / STRESS_SLICES + 1;
        }
        if !self.trace_some(budget) {
            self.next_slice();
            return Advance::Wait;
        }
        if self.allocated - rooted <= REST || passes >= PASSES { Advance::End } else { Advance::Roots }
    }

    fn next_slice(&mut self) {
        self.threshold = self.allocated + SLICE;
        self.collect_requested = false;
    }

    /// Traces gray objects until about `budget` words were looked at; whether none is left.
    fn trace_some(&mut self, budget: usize) -> bool {
        let end = self.traced + budget;
        self.parting = true;
        while self.traced < end && self.trace_next() {}
        self.parting = false;
        self.gray.is_empty() && self.parts.is_empty()
    }

    /// Forgets the cycle under way: a collection with a question of its own comes first.
    pub(super) fn abandon_cycle(&mut self) {
        if self.cycle.take().is_none() {
            return;
        }
        self.gray.clear();
        self.parts.clear();
        let side = self.mark_side;
        for b in self.each_block() {
            // SAFETY: our block.
            unsafe { (*b).clear(side) };
        }
        self.large.clear(side);
        self.mark_side = self.live_side;
    }

    /// Logged objects that are marked are looked at again; the others will be when something marks them.
    pub(super) fn gray_log(&mut self) {
        let mut log = std::mem::take(&mut self.log);
        for addr in log.drain(..) {
            // SAFETY: logged objects are old: cells that were live at the last collection or were marked since, and nothing was
            // swept since.
            unsafe { (*(addr as *mut Header)).gc &= !GC_LOGGED };
            if self.marked(addr) {
                self.gray.push(addr);
            }
        }
        self.log = log;
    }

    /// Stress mode, at the end of a cycle: marks once more, in one go, and compares. What that finds and the slices did not would
    /// have been swept while in use. A stale word of a parked stack may name a cell that was free when the stack was looked at and has
    /// become an object since: what only such words name does not count.
    pub(super) fn verify_cycle(&mut self, roots: &mut dyn FnMut(&mut Marker)) {
        let side = self.mark_side;
        let blocks = self.each_block();
        let of_slices: Vec<Vec<u64>> = blocks
            .iter()
            .map(|&b| {
                // SAFETY: our block; the borrow ends here.
                unsafe {
                    let marks = (*b).marks(side).to_vec();
                    (*b).clear(side);
                    marks
                }
            })
            .collect();
        let large: Vec<usize> = self.large.objects.iter().filter(|l| l.1.marked[side]).map(|l| *l.0).collect();
        self.large.clear(side);
        self.verifying = true;
        self.mark_permanent();
        roots(&mut Marker::new(self));
        self.trace_all();
        self.verifying = false;
        for (&b, old) in blocks.iter().zip(&of_slices) {
            // SAFETY: our block.
            let now = unsafe { (*b).marks(side) };
            for (i, (&now, &old)) in now.iter().zip(old).enumerate() {
                if now & !old != 0 {
                    let granule = i * 64 + (now & !old).trailing_zeros() as usize;
                    let addr = b as usize + granule * 16;
                    // SAFETY: a marked cell of ours.
                    let h = unsafe { *(addr as *const Header) };
                    panic!("marking in slices missed a {:?} at {addr:x}", h.kind());
                }
            }
        }
        for (addr, l) in &self.large.objects {
            assert!(!l.marked[side] || large.contains(addr), "marking in slices missed a large object");
        }
    }
}
