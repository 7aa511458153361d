//! Positions in Strings: code point indices to byte offsets and back.
//!
//! In ASCII strings they are the same. For others the VM remembers the last place it converted, so that walking through a
//! string by index costs the distance moved, not the distance from the start.
use crate::heap::Gc;
use crate::object::string::Str;
use crate::vm::Vm;

/// A place in one string, known both ways.
#[derive(Default)]
pub struct Cursor {
    /// Address of the string and number of collections so far: between two collections no address is used again.
    addr: usize,
    collections: u64,
    chars: usize,
    bytes: usize,
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
    fn text_cursor(&self, s: Gc<Str>) -> (usize, usize) {
        let c = &self.library.cursor;
        if c.addr == s.as_ptr() as usize && c.collections == self.collections() { (c.chars, c.bytes) } else { (0, 0) }
    }

    fn set_text_cursor(&mut self, s: Gc<Str>, chars: usize, bytes: usize) {
        let collections = self.collections();
        self.library.cursor = Cursor { addr: s.as_ptr() as usize, collections, chars, bytes };
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
        let b = s.as_str().as_bytes();
        let (chars, bytes) = self.text_cursor(s);
        let offset = if i >= chars {
            if i - chars <= n - i { forward(b, bytes, i - chars) } else { backward(b, b.len(), n - i) }
        } else if i <= chars - i {
            forward(b, 0, i)
        } else {
            backward(b, bytes, chars - i)
        };
        self.set_text_cursor(s, i, offset);
        offset
    }

    /// Code point index of byte offset `offset`, which must lie on a boundary.
    pub fn str_index(&mut self, s: Gc<Str>, offset: usize) -> usize {
        if s.is_ascii() {
            return offset;
        }
        let b = s.as_str().as_bytes();
        let (chars, bytes) = self.text_cursor(s);
        let index = if offset >= bytes {
            chars + count_starts(&b[bytes..offset])
        } else if offset <= bytes - offset {
            count_starts(&b[..offset])
        } else {
            chars - count_starts(&b[offset..bytes])
        };
        self.set_text_cursor(s, index, offset);
        index
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
}
