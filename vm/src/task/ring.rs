//! A queue in a ring: what `VecDeque` does, with as little as that takes where every switch of tasks passes. Adding does not grow by
//! itself where [`Ring::try_push`] is used, so the short ways of channel operations call nothing.

/// Places are a power of two. Those that are not in use hold old items, or nothing yet: they are filled in order after each growth, so
/// that no memory is touched before it is needed.
pub struct Ring<T> {
    places: Vec<T>,
    size: usize,
    head: usize,
    len: usize,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Ring { places: Vec::new(), size: 0, head: 0, len: 0 }
    }
}

const FIRST: usize = 4;

impl<T: Copy> Ring<T> {
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    #[inline(always)]
    fn place(&self, i: usize) -> usize {
        // Without places nothing is in use.
        self.head.wrapping_add(i) & self.size.wrapping_sub(1)
    }

    /// False, and nothing happened, when there is no filled place left.
    #[inline(always)]
    pub fn try_push(&mut self, v: T) -> bool {
        let at = self.place(self.len);
        if self.len == self.size {
            return false;
        }
        let Some(p) = self.places.get_mut(at) else { return false };
        *p = v;
        self.len += 1;
        true
    }

    #[inline(always)]
    pub fn push_back(&mut self, v: T) {
        if !self.try_push(v) {
            self.add(v);
        }
    }

    #[inline(never)]
    fn add(&mut self, v: T) {
        if self.len == self.size {
            let size = (self.size * 2).max(FIRST);
            if self.head == 0 {
                self.places.reserve_exact(size - self.places.len());
            } else {
                let mut places: Vec<T> = Vec::with_capacity(size);
                places.extend(self.iter());
                self.places = places;
                self.head = 0;
            }
            self.size = size;
        }
        debug_assert!(self.place(self.len) == self.places.len(), "filled in order");
        self.places.push(v);
        self.len += 1;
    }

    /// All places are filled: [`Ring::try_push`] needs no more than one that is not in use.
    #[inline(always)]
    pub fn is_filled(&self) -> bool {
        self.places.len() == self.size
    }

    #[inline(always)]
    pub fn front(&self) -> Option<T> {
        if self.len == 0 { None } else { self.places.get(self.head).copied() }
    }

    #[inline(always)]
    pub fn pop_front(&mut self) -> Option<T> {
        let v = self.front()?;
        self.head = self.place(1);
        self.len -= 1;
        Some(v)
    }

    /// In order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = T> + ExactSizeIterator {
        (0..self.len).map(|i| self.places[self.place(i)])
    }

    /// Takes out number `i`; those behind it move up.
    pub fn remove(&mut self, i: usize) -> Option<T> {
        if i >= self.len {
            return None;
        }
        let v = self.places[self.place(i)];
        for j in i..self.len - 1 {
            let (to, from) = (self.place(j), self.place(j + 1));
            self.places[to] = self.places[from];
        }
        self.len -= 1;
        Some(v)
    }

    /// Takes out number `i`; the last one takes its place.
    pub fn swap_remove_back(&mut self, i: usize) -> Option<T> {
        if i >= self.len {
            return None;
        }
        let (at, last) = (self.place(i), self.place(self.len - 1));
        let v = self.places[at];
        self.places[at] = self.places[last];
        self.len -= 1;
        Some(v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    #[test]
    fn a_ring_does_what_a_deque_does() {
        let (mut ours, mut theirs) = (Ring::default(), VecDeque::new());
        let mut seed = 11u32;
        for n in 0..20_000u32 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let i = (seed >> 8) as usize % (theirs.len() + 1);
            match seed >> 29 {
                0..=2 => {
                    ours.push_back(n);
                    theirs.push_back(n);
                }
                3 if ours.try_push(n) => theirs.push_back(n),
                3..=5 => assert_eq!(ours.pop_front(), theirs.pop_front()),
                6 => assert_eq!(ours.remove(i), theirs.remove(i)),
                _ => assert_eq!(ours.swap_remove_back(i), theirs.swap_remove_back(i)),
            }
            assert_eq!(
                (ours.len(), ours.front(), ours.is_empty()),
                (theirs.len(), theirs.front().copied(), theirs.is_empty())
            );
            assert!(ours.iter().eq(theirs.iter().copied()));
        }
    }
}
