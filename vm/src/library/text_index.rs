//! Positions in Strings: code point indices to byte offsets and back.
//!
//! In ASCII strings they are the same. For others the VM remembers the last place it converted in each of a few strings, so that
//! walking through strings by index costs the distance moved, not the distance from the start. A string that is jumped about in
//! gets a table of offsets once the jumps were longer than it.
use crate::heap::Gc;
use crate::object::string::Str;
use crate::vm::Vm;

/// Strings looked into lately; the next new one takes the place of the one that came first.
#[derive(Default)]
pub struct Lookups {
    recent: [Lookup; RECENT],
    next: usize,
}

const RECENT: usize = 4;

/// What is known of positions in one string.
#[derive(Default)]
struct Lookup {
    /// Address of the string and number of collections so far: between two collections no address is used again.
    addr: usize,
    collections: u64,
    /// A place known both ways.
    chars: usize,
    bytes: usize,
    /// Code points walked over by jumps.
    walked: usize,
    /// Offset of every [`CHUNK`]th code point, or nothing yet.
    offsets: Vec<u32>,
}

/// A distance that is walked even where there is a table.
const NEAR: usize = 8 * CHUNK;

impl Lookup {
    /// Byte offset of code point `i`, which is one of the `n` of `b`.
    fn offset(&mut self, b: &[u8], n: usize, i: usize) -> usize {
        let near = i.abs_diff(self.chars).min(i).min(n - i);
        let offset = if near > NEAR && self.table(b, near) {
            forward(b, self.offsets[i / CHUNK] as usize, i % CHUNK)
        } else if near == i {
            forward(b, 0, i)
        } else if near == n - i {
            backward(b, b.len(), n - i)
        } else if i >= self.chars {
            forward(b, self.bytes, i - self.chars)
        } else {
            backward(b, self.bytes, self.chars - i)
        };
        (self.chars, self.bytes) = (i, offset);
        offset
    }

    /// The code point that begins at `offset`, or the number of them.
    fn index(&mut self, b: &[u8], offset: usize) -> usize {
        let near = offset.abs_diff(self.bytes).min(offset);
        let index = if near > NEAR && self.table(b, near) {
            let k = self.offsets.partition_point(|&o| o as usize <= offset) - 1;
            k * CHUNK + count_starts(&b[self.offsets[k] as usize..offset])
        } else if near == offset {
            count_starts(&b[..offset])
        } else if offset >= self.bytes {
            self.chars + count_starts(&b[self.bytes..offset])
        } else {
            self.chars - count_starts(&b[offset..self.bytes])
        };
        (self.chars, self.bytes) = (index, offset);
        index
    }

    /// Whether there is a table. One is made when all jumps, with the one over `distance` to come, went over as much as the string has.
    fn table(&mut self, b: &[u8], distance: usize) -> bool {
        if !self.offsets.is_empty() {
            return true;
        }
        self.walked += distance;
        if self.walked < b.len() {
            return false;
        }
        let starts = b.iter().enumerate().filter(|(_, b)| starts_char(**b));
        self.offsets = starts.step_by(CHUNK).map(|(at, _)| at as u32).collect();
        true
    }
}

#[inline(always)]
fn starts_char(b: u8) -> bool {
    (b as i8) >= -0x40
}

const CHUNK: usize = 64;

fn count_starts(b: &[u8]) -> usize {
    b.chunks(CHUNK).map(|c| c.iter().map(|&b| starts_char(b) as u8).sum::<u8>() as usize).sum()
}

/// The offset `k` code points after offset `at`.
fn forward(b: &[u8], mut at: usize, mut k: usize) -> usize {
    while let Some(chunk) = b.get(at..at + CHUNK) {
        let n = count_starts(chunk);
        if n > k {
            break;
        }
        k -= n;
        at += CHUNK;
    }
    while at < b.len() {
        if starts_char(b[at]) {
            if k == 0 {
                break;
            }
            k -= 1;
        }
        at += 1;
    }
    at
}

/// The offset `k` code points before offset `at`.
fn backward(b: &[u8], mut at: usize, mut k: usize) -> usize {
    while at >= CHUNK {
        let n = count_starts(&b[at - CHUNK..at]);
        if n >= k {
            break;
        }
        k -= n;
        at -= CHUNK;
    }
    while k > 0 && at > 0 {
        at -= 1;
        k -= starts_char(b[at]) as usize;
    }
    at
}

impl Vm {
    fn lookup(&mut self, s: Gc<Str>) -> &mut Lookup {
        let (addr, collections) = (s.as_ptr() as usize, self.collections());
        let l = &mut self.library.lookups;
        let known = l.recent.iter().position(|r| r.addr == addr && r.collections == collections);
        let at = known.unwrap_or_else(|| {
            let at = l.next;
            l.next = (at + 1) % RECENT;
            l.recent[at] = Lookup { addr, collections, ..Lookup::default() };
            at
        });
        &mut l.recent[at]
    }

    /// Collections so far: a new number means that addresses may have been used again.
    pub fn collections(&self) -> u64 {
        self.heap.stats.full + self.heap.stats.minor
    }

    /// Byte offset of code point `i` (0 to the length).
    pub fn str_offset(&mut self, s: Gc<Str>, i: usize) -> usize {
        let n = s.char_len();
        if n == s.byte_len() {
            return i.min(n);
        }
        if i >= n {
            return s.byte_len();
        }
        self.lookup(s).offset(s.as_str().as_bytes(), n, i)
    }

    /// Code point index of byte offset `offset`, which must lie on a boundary.
    pub fn str_index(&mut self, s: Gc<Str>, offset: usize) -> usize {
        if s.is_ascii() {
            return offset;
        }
        self.lookup(s).index(s.as_str().as_bytes(), offset)
    }

    /// Code point `i`, if there is one.
    pub fn str_char_at(&mut self, s: Gc<Str>, i: usize) -> Option<char> {
        if s.is_ascii() {
            return s.as_str().as_bytes().get(i).map(|&b| b as char);
        }
        let at = self.str_offset(s, i);
        s.as_str()[at..].chars().next()
    }

    /// Code points `from..to` (clamped) as a String; the string itself when that is all of it.
    pub fn str_slice(&mut self, s: Gc<Str>, from: usize, to: usize) -> crate::value::Value {
        let n = s.char_len();
        let to = to.min(n);
        if from >= to {
            return self.str("");
        }
        if from == 0 && to == n {
            return s.value();
        }
        let a = self.str_offset(s, from);
        let b = self.str_offset(s, to);
        self.str(&s.as_str()[a..b])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walking_agrees_with_char_indices() {
        let text: String = (0..300).map(|i| ['a', 'é', '漢', '😀'][i % 7 % 4]).collect();
        let b = text.as_bytes();
        let offsets: Vec<usize> = text.char_indices().map(|(o, _)| o).chain([text.len()]).collect();
        for (i, &o) in offsets.iter().enumerate().step_by(13) {
            for (j, &p) in offsets.iter().enumerate().skip(i) {
                assert_eq!(forward(b, o, j - i), p);
                assert_eq!(backward(b, p, j - i), o);
            }
            assert_eq!(count_starts(&b[..o]), i);
        }
    }

    #[test]
    fn jumping_about_agrees_with_char_indices() {
        let text: String = (0..20_000).map(|i| ['a', 'é', '漢', '😀'][i % 7 % 4]).collect();
        let b = text.as_bytes();
        let offsets: Vec<usize> = text.char_indices().map(|(o, _)| o).collect();
        let mut l = Lookup::default();
        let mut x = 1usize;
        for step in 0..20_000 {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let i = if step % 3 == 0 { (l.chars + x % 700).min(offsets.len() - 1) } else { (x >> 33) % offsets.len() };
            if step % 2 == 0 {
                assert_eq!(l.offset(b, offsets.len(), i), offsets[i]);
            } else {
                assert_eq!(l.index(b, offsets[i]), i);
            }
        }
        assert_eq!(l.offsets.len(), offsets.len().div_ceil(CHUNK));
        assert_eq!(l.index(b, b.len()), offsets.len());
    }
}
