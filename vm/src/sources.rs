//! The texts that quoted genes have positions in, by number.
//!
//! A position has 15 bits for the number, and a VM may read any number of texts: a session's inputs, `$parse` in a loop. So a
//! number is good as long as something holds its text (a module, a function compiled from it) or it is one of the last read;
//! then another text gets it.
use crate::compile::quote::NO_SOURCE;
use crate::syntax::source::Source;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

/// Numbers there are.
const NUMBERS: u32 = 0x7FFF;
/// The last so many texts are held, as long as they have no more bytes together.
const RECENT: usize = 64;
const RECENT_BYTES: usize = 1 << 20;
/// So many numbers more than the last time, and the dead ones are looked for.
const SWEEP: usize = 1024;

#[derive(Default)]
pub struct Sources {
    texts: FxHashMap<u32, Weak<Source>>,
    /// By address; a weak reference keeps that from being used again.
    numbers: FxHashMap<*const Source, u32>,
    recent: VecDeque<Rc<Source>>,
    recent_bytes: usize,
    next: u32,
    alive: usize,
}

impl Sources {
    /// The number of a text; [`NO_SOURCE`] when there is none left.
    pub fn number(&mut self, source: &Rc<Source>) -> u32 {
        if let Some(&n) = self.numbers.get(&Rc::as_ptr(source)) {
            return n;
        }
        self.hold(source.clone());
        if self.texts.len() >= self.alive + SWEEP {
            self.texts.retain(|_, s| s.strong_count() > 0);
            self.numbers.retain(|_, n| self.texts.contains_key(n));
            self.alive = self.texts.len();
        }
        if self.texts.len() >= NUMBERS as usize {
            return NO_SOURCE;
        }
        while self.texts.contains_key(&self.next) {
            self.next = (self.next + 1) % NUMBERS;
        }
        let n = self.next;
        self.next = (n + 1) % NUMBERS;
        self.texts.insert(n, Rc::downgrade(source));
        self.numbers.insert(Rc::as_ptr(source), n);
        n
    }

    pub fn get(&self, number: u32) -> Option<Rc<Source>> {
        self.texts.get(&number)?.upgrade()
    }

    fn hold(&mut self, source: Rc<Source>) {
        self.recent_bytes += source.text.len();
        self.recent.push_back(source);
        while self.recent.len() > RECENT || self.recent_bytes > RECENT_BYTES && self.recent.len() > 1 {
            let Some(old) = self.recent.pop_front() else { return };
            self.recent_bytes -= old.text.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_nothing_holds_gives_its_number_away_after_a_while() {
        let mut sources = Sources::default();
        let kept = Rc::new(Source::new("kept", String::from("k")));
        let n = sources.number(&kept);
        let dropped = sources.number(&Rc::new(Source::new("dropped", String::from("d"))));
        assert_eq!(sources.get(dropped).map(|s| s.name.clone()), Some("dropped".into()));
        for i in 0..100_000 {
            let other = Rc::new(Source::new("other", String::from("o")));
            let m = sources.number(&other);
            assert_ne!((m, m == NO_SOURCE), (n, true), "text {i}");
            assert_eq!(sources.number(&other), m);
            assert!(
                sources.texts.len() <= 2 * SWEEP
                    && sources.numbers.len() <= 2 * SWEEP
                    && sources.recent.len() <= RECENT
            );
        }
        assert_eq!(sources.get(n).map(|s| s.name.clone()), Some("kept".into()));
        assert_ne!(sources.get(dropped).map(|s| s.name.clone()), Some("dropped".into()));
    }

    #[test]
    fn without_numbers_left_a_text_has_none() {
        let mut sources = Sources::default();
        let all: Vec<_> = (0..NUMBERS).map(|_| Rc::new(Source::new("s", String::new()))).collect();
        assert!(all.iter().all(|s| sources.number(s) != NO_SOURCE));
        assert_eq!(sources.number(&Rc::new(Source::new("one more", String::new()))), NO_SOURCE);
    }
}
