//! Strings: immutable UTF-8. Long results of concatenation are views into a growing buffer, so that building a string by
//! appending costs amortised constant time per character.
use crate::heap::{Buf, Gc, Header, Heap, Kind};
use crate::value::Value;

/// `header.aux`: [`VIEW`] or 0. `header.word`: hash, 0 when not computed.
#[repr(C)]
pub struct Str {
    pub header: Header,
    data: *const u8,
    /// Bytes.
    len: u32,
    /// Code points; [`UNKNOWN`] until someone asks.
    chars: u32,
    /// Inline strings: the bytes start here. Views: the buffer.
    tail: Value,
}

const VIEW: u16 = 1;
const UNKNOWN: u32 = u32::MAX;
const INLINE_AT: usize = 24;
/// Concatenations at least this long become views with room to grow.
const VIEW_MIN: usize = 256;
/// Bytes; longer strings raise an exception at the operation that would make them.
pub const MAX_LEN: usize = (u32::MAX - 64) as usize;

/// Head of a view's buffer (a `RawBuf`): bytes used, capacity, then the bytes.
#[repr(C)]
struct StrBuf {
    header: Header,
    used: u64,
    cap: u64,
}
const STRBUF_HEAD: usize = 24;

impl Heap {
    /// A fresh string object.
    #[inline]
    pub fn string(&mut self, s: &str) -> Gc<Str> {
        self.string_concat(&[s])
    }

    /// The concatenation of `parts`, copied.
    pub fn string_concat(&mut self, parts: &[&str]) -> Gc<Str> {
        let len: usize = parts.iter().map(|p| p.len()).sum();
        self.string_of(len, parts.iter().copied())
    }

    /// The concatenation of parts whose lengths add up to `len`.
    ///
    /// # Panics
    /// When there is more.
    #[inline]
    pub fn string_of<'a>(&mut self, len: usize, parts: impl Iterator<Item = &'a str>) -> Gc<Str> {
        let mut s: Gc<Str> = self.alloc_sized(Kind::Str, 0, 0, (INLINE_AT + len).max(32));
        let at = s.as_ptr() as usize + INLINE_AT;
        let mut p = at as *mut u8;
        let end = at + len;
        for part in parts {
            assert!(part.len() <= end - p as usize, "longer than announced");
            // SAFETY: the object has room for the part.
            unsafe {
                std::ptr::copy_nonoverlapping(part.as_ptr(), p, part.len());
                p = p.add(part.len());
            }
        }
        let len = p as usize - at;
        s.data = at as *const u8;
        s.len = len as u32;
        s.chars = if len == 0 { 0 } else { UNKNOWN };
        s
    }

    /// A copy of `text` with another ASCII character in the place of one.
    pub fn string_with_byte(&mut self, text: &str, from: u8, to: u8) -> Gc<Str> {
        assert!(from.is_ascii() && to.is_ascii());
        let s = self.string(text);
        // SAFETY: the object is new and nobody else sees its bytes; ASCII characters stay ASCII, so it stays UTF-8.
        let bytes = unsafe { std::slice::from_raw_parts_mut(s.data as *mut u8, text.len()) };
        for b in bytes {
            *b = if *b == from { to } else { *b };
        }
        s
    }

    /// `a` with `parts` appended. When `a` ends where its buffer's contents end, only the new bytes are written. Where the code points
    /// of `a` are known, so are those of the result: a loop that appends and asks for the size looks at each byte once.
    pub fn string_append(&mut self, a: Gc<Str>, parts: &[&str]) -> Gc<Str> {
        let add: usize = parts.iter().map(|p| p.len()).sum();
        let len = a.len as usize + add;
        if len < VIEW_MIN {
            if parts.len() == 1 {
                return self.string_concat(&[a.as_str(), parts[0]]);
            }
            let mut all = vec![a.as_str()];
            all.extend_from_slice(parts);
            return self.string_concat(&all);
        }
        // A text that grows while its length is asked for is not counted from the start each time.
        let chars = match a.chars {
            UNKNOWN => UNKNOWN,
            n => n + parts.iter().map(|p| count_chars(p) as u32).sum::<u32>(),
        };
        let parts = parts.iter().map(|p| p.as_bytes());
        let (data, buf) = self.append_bytes(a.as_str().as_bytes(), a.owner_value(), parts, add);
        let mut s: Gc<Str> = self.alloc(Kind::Str, VIEW, 0);
        s.data = data;
        s.len = len as u32;
        s.chars = chars;
        s.tail = buf;
        s
    }

    /// Where `a` stands with `parts`, of `add` bytes, behind it, and the buffer there. `owner` is the buffer of `a` when it has one:
    /// if `a` ends where its contents end, and there is room, only the parts are written.
    fn append_bytes<'a>(
        &mut self,
        a: &[u8],
        owner: Option<Value>,
        parts: impl Iterator<Item = &'a [u8]>,
        add: usize,
    ) -> (*const u8, Value) {
        let mut data = a.as_ptr();
        let ends_there = |buf: &Gc<StrBuf>| {
            let end = buf.as_ptr() as usize + STRBUF_HEAD + buf.used as usize;
            end == a.as_ptr_range().end as usize && buf.used as usize + add <= buf.cap as usize
        };
        let mut buf = match owner.map(|v| v.gc::<StrBuf>()).filter(ends_there) {
            Some(buf) => buf,
            None => {
                let cap = ((a.len() + add) * 2).max(512);
                let mut buf: Gc<StrBuf> = Gc::from_addr(self.alloc_raw_buf(16 + cap).as_ptr() as usize);
                buf.cap = cap as u64;
                data = (buf.as_ptr() as usize + STRBUF_HEAD) as *const u8;
                // SAFETY: cap >= len.
                unsafe { std::ptr::copy_nonoverlapping(a.as_ptr(), data as *mut u8, a.len()) };
                buf.used = a.len() as u64;
                buf
            }
        };
        let at = buf.as_ptr() as usize + STRBUF_HEAD + buf.used as usize;
        let mut p = at as *mut u8;
        for part in parts {
            assert!(part.len() <= at + add - p as usize, "longer than announced");
            // SAFETY: used + add <= cap; a part may lie in the same buffer but below `used`, so the ranges don't overlap.
            unsafe {
                std::ptr::copy_nonoverlapping(part.as_ptr(), p, part.len());
                p = p.add(part.len());
            }
        }
        buf.used += (p as usize - at) as u64;
        (data, buf.value())
    }
}

impl Gc<Str> {
    /// The text. Valid as long as the string is reachable (V1).
    #[inline(always)]
    pub fn as_str<'a>(self) -> &'a str {
        // SAFETY: the bytes were copied from `str`s and never change.
        unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(self.data, self.len as usize)) }
    }

    /// Bytes.
    #[inline(always)]
    pub fn byte_len(self) -> usize {
        self.len as usize
    }

    /// Code points.
    #[inline]
    pub fn char_len(self) -> usize {
        if self.chars != UNKNOWN {
            return self.chars as usize;
        }
        let n = count_chars(self.as_str());
        let mut s = self;
        s.chars = n as u32;
        n
    }

    /// Every code point is one byte: indices are offsets.
    #[inline]
    pub fn is_ascii(self) -> bool {
        self.char_len() == self.byte_len()
    }

    /// Byte offset of code point `i` (0..=char_len).
    pub fn offset_of(self, i: usize) -> usize {
        if self.is_ascii() {
            return i;
        }
        self.as_str().char_indices().nth(i).map_or(self.byte_len(), |(o, _)| o)
    }

    /// Code point index of byte offset `o`.
    pub fn index_of_offset(self, o: usize) -> usize {
        if self.is_ascii() { o } else { count_chars(&self.as_str()[..o]) }
    }

    pub fn char_at(self, i: usize) -> Option<char> {
        if self.is_ascii() {
            return self.as_str().as_bytes().get(i).map(|&b| b as char);
        }
        self.as_str().chars().nth(i)
    }

    /// Content hash, cached.
    #[inline]
    pub fn hash(self) -> u32 {
        let h = self.header().word;
        if h != 0 {
            return h;
        }
        let h = hash_bytes(self.as_str().as_bytes());
        self.header_mut().word = h;
        h
    }

    pub(crate) fn owner_value(self) -> Option<Value> {
        if self.header().aux & VIEW != 0 { Some(self.tail) } else { None }
    }
}

fn count_chars(s: &str) -> usize {
    if s.is_ascii() { s.len() } else { s.chars().count() }
}

/// Never 0: that means "not computed".
pub fn hash_bytes(b: &[u8]) -> u32 {
    use std::hash::Hasher;
    let mut h = rustc_hash::FxHasher::default();
    h.write(b);
    let x = h.finish();
    ((x ^ (x >> 32)) as u32).max(1)
}

impl Value {
    #[inline(always)]
    pub fn as_str<'a>(self) -> Option<&'a str> {
        self.get::<Str>(Kind::Str).map(|s| s.as_str())
    }
    pub fn is_str(self) -> bool {
        self.is_kind(Kind::Str)
    }
}

/// Immutable bytes. `header.aux`: [`VIEW`] or 0; `header.word` is unused. Inline bytes follow the length; a view has the place of
/// its bytes and their buffer there, like long Strings.
#[repr(C)]
pub struct Bytes {
    pub header: Header,
    len: u64,
}

const BYTES_AT: usize = 16;

#[repr(C)]
struct BytesView {
    bytes: Bytes,
    data: *const u8,
    buf: Value,
}

impl Heap {
    pub fn bytes(&mut self, b: &[u8]) -> Gc<Bytes> {
        let mut o: Gc<Bytes> = self.alloc_sized(Kind::Bytes, 0, 0, BYTES_AT + b.len());
        o.len = b.len() as u64;
        // SAFETY: room for the bytes follows the head.
        unsafe { std::ptr::copy_nonoverlapping(b.as_ptr(), (o.as_ptr() as *mut u8).add(BYTES_AT), b.len()) };
        o
    }

    /// `a` with `parts` behind it: like [`Heap::string_append`].
    pub fn bytes_append(&mut self, a: Gc<Bytes>, parts: &[&[u8]]) -> Gc<Bytes> {
        let add: usize = parts.iter().map(|p| p.len()).sum();
        if a.as_slice().len() + add < VIEW_MIN {
            return self.bytes(&[&[a.as_slice()], parts].concat().concat());
        }
        let (data, buf) = self.append_bytes(a.as_slice(), a.owner_value(), parts.iter().copied(), add);
        let mut o: Gc<BytesView> = self.alloc(Kind::Bytes, VIEW, 0);
        o.bytes.len = (a.as_slice().len() + add) as u64;
        o.data = data;
        o.buf = buf;
        Gc::from_addr(o.as_ptr() as usize)
    }
}

impl Gc<Bytes> {
    pub fn as_slice<'a>(self) -> &'a [u8] {
        // SAFETY: as allocated.
        unsafe {
            let data = match self.view() {
                Some(v) => v.data,
                None => (self.as_ptr() as *const u8).add(BYTES_AT),
            };
            std::slice::from_raw_parts(data, self.len as usize)
        }
    }

    fn view(self) -> Option<Gc<BytesView>> {
        (self.header().aux & VIEW != 0).then(|| Gc::from_addr(self.as_ptr() as usize))
    }

    pub(crate) fn owner_value(self) -> Option<Value> {
        self.view().map(|v| v.buf)
    }
}

impl Value {
    pub fn as_bytes<'a>(self) -> Option<&'a [u8]> {
        self.get::<Bytes>(Kind::Bytes).map(|b| b.as_slice())
    }
}

const _: () = assert!(std::mem::size_of::<Str>() == 32 && std::mem::size_of::<Buf>() == 8);
