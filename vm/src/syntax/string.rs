//! String, character and interpolated string literals.

use super::class::is_line_end;
use super::error::{Result, SyntaxError};
use super::form::{Form, FormKind, InterpPart, Span};
use super::frame::FrameKind;
use super::reader::Reader;

impl<'a> Reader<'a, '_> {
    /// `"..."` or `"""..."""`.
    pub(super) fn string(&mut self) -> Result<()> {
        let start = self.pos;
        let triple = self.open_quotes();
        self.scratch.clear();
        let mut run = self.pos;
        let close = loop {
            match self.bytes.get(self.pos) {
                None => return Err(unterminated(start)),
                Some(b'"') if !triple || self.bytes[self.pos..].starts_with(b"\"\"\"") => break self.pos,
                Some(b'\\') => {
                    self.scratch.push_str(&self.text[run..self.pos]);
                    let c = self.escape()?.ok_or_else(|| unterminated(start))?;
                    self.scratch.push(c);
                    run = self.pos;
                }
                Some(_) => self.pos += 1,
            }
        };
        let end = close - if triple { self.blanks_before(close) } else { 0 };
        let text = &self.text[run..end];
        let text = if self.scratch.is_empty() {
            self.arena.alloc_str(text)
        } else {
            self.scratch.push_str(text);
            let text = self.arena.alloc_str(&self.scratch);
            // This string may stand inside an interpolated one, whose text is collected here too.
            self.scratch.clear();
            text
        };
        self.pos = close + if triple { 3 } else { 1 };
        self.complete_leaf(start, FormKind::Str(text))
    }

    /// `#r"..."` or `#r"""..."""`, taken as it stands.
    pub(super) fn raw_string(&mut self) -> Result<()> {
        let start = self.pos;
        self.pos += 2;
        let quotes = if self.bytes[self.pos..].starts_with(b"\"\"\"") { "\"\"\"" } else { "\"" };
        let content = self.pos + quotes.len();
        let length = self.text[content..].find(quotes).ok_or_else(|| unterminated(start))?;
        self.pos = content + length + quotes.len();
        let text = self.arena.alloc_str(&self.text[content..content + length]);
        self.complete_leaf(start, FormKind::Str(text))
    }

    /// `#"`: opens the string; the main loop goes on with [`Reader::interpolated_text`].
    pub(super) fn interpolated(&mut self) -> Result<()> {
        let start = self.pos;
        self.pos += 1;
        let triple = self.open_quotes();
        self.scratch.clear();
        self.open(FrameKind::Interp { triple }, start, 0)
    }

    /// Reads text up to the end of the string or to its next embedded form. The text is collected in `scratch`, which is
    /// empty while an embedded form is read.
    pub(super) fn interpolated_text(&mut self, triple: bool, start: usize) -> Result<()> {
        loop {
            let run = self.pos;
            while self.bytes.get(self.pos).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | b'#')) {
                self.pos += 1;
            }
            self.scratch.push_str(&self.text[run..self.pos]);
            let rest = &self.bytes[self.pos..];
            match rest {
                [] => return Err(unterminated(start)),
                [b'\\', ..] => {
                    let c = self.escape()?.ok_or_else(|| unterminated(start))?;
                    self.scratch.push(c);
                }
                [b'"', ..] if !triple || rest.starts_with(b"\"\"\"") => return self.close_interpolated(triple),
                [b'#', b'{', ..] => {
                    self.flush_text();
                    return self.open(FrameKind::Segment, self.pos, 2);
                }
                [b'#', b'(', ..] => {
                    self.flush_text();
                    self.pos += 1;
                    return self.open(FrameKind::Gene { frozen: false }, self.pos, 1);
                }
                [b'#', b'<', ..] => self.block_comment()?,
                [byte, ..] => {
                    self.scratch.push(*byte as char);
                    self.pos += 1;
                }
            }
        }
    }

    fn close_interpolated(&mut self, triple: bool) -> Result<()> {
        if triple {
            let length = self.scratch.len() - self.blanks_before(self.pos);
            self.scratch.truncate(length);
        }
        self.pos += if triple { 3 } else { 1 };
        let frame = self.pop_frame();
        self.mark_opaque(frame.start);
        let plain = self.parts.len() == frame.base;
        let kind = if plain {
            let text = FormKind::Str(self.arena.alloc_str(&self.scratch));
            self.scratch.clear();
            text
        } else {
            self.flush_text();
            let parts = self.arena.alloc_slice_copy(&self.parts[frame.base..]);
            self.parts.truncate(frame.base);
            FormKind::Interp(parts)
        };
        let span = Span::new(frame.start, self.pos);
        self.complete(Form { span, kind }, if plain { 0 } else { frame.height + 1 })
    }

    fn flush_text(&mut self) {
        if !self.scratch.is_empty() {
            self.parts.push(InterpPart::Text(self.arena.alloc_str(&self.scratch)));
            self.scratch.clear();
        }
    }

    /// Takes one or three quotes; after three also the first line's blanks if it holds nothing else.
    fn open_quotes(&mut self) -> bool {
        if !self.bytes[self.pos..].starts_with(b"\"\"\"") {
            self.pos += 1;
            return false;
        }
        self.pos += 3;
        let rest = &self.bytes[self.pos..];
        let blanks = rest.iter().take_while(|byte| is_space(**byte)).count();
        let after = &rest[blanks..];
        if after.first().is_some_and(|byte| is_line_end(*byte)) || after.starts_with(b"\"\"\"") {
            self.pos += blanks;
        }
        true
    }

    /// How many blanks stand between the last line end and `close`, if nothing else does. Looking at the source is right
    /// because whatever could stand before them in the string (an escape, a comment, an embedded form) ends otherwise.
    fn blanks_before(&self, close: usize) -> usize {
        let before = &self.bytes[..close];
        let blanks = before.iter().rev().take_while(|byte| is_space(**byte)).count();
        let ends_line = before[..close - blanks].last().is_some_and(|byte| is_line_end(*byte));
        if ends_line { blanks } else { 0 }
    }

    /// `'c'`.
    pub(super) fn char_literal(&mut self) -> Result<()> {
        let start = self.pos;
        self.pos += 1;
        let expected = |at: usize| SyntaxError::at(at, "Expected closing ' in character literal");
        let c = match self.text[self.pos..].chars().next() {
            None => return Err(expected(start)),
            Some('\'') => return Err(expected(self.pos)),
            Some('\\') => self.escape()?.ok_or_else(|| expected(start))?,
            Some(c) => {
                self.pos += c.len_utf8();
                c
            }
        };
        match self.bytes.get(self.pos) {
            Some(b'\'') => self.pos += 1,
            Some(_) => return Err(expected(self.pos)),
            None => return Err(expected(start)),
        }
        self.complete_leaf(start, FormKind::Char(c))
    }

    /// The character that the escape at the current position stands for; `None` if the text ends inside it.
    fn escape(&mut self) -> Result<Option<char>> {
        let start = self.pos;
        let Some(c) = self.text[start + 1..].chars().next() else { return Ok(None) };
        self.pos += 1 + c.len_utf8();
        let c = match c {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'b' => '\u{8}',
            'f' => '\u{c}',
            '0' => '\0',
            'e' => '\u{1b}',
            'x' => return self.code_point(start, "Invalid \\x escape", |reader| reader.hex_digits(2)),
            'u' if self.bytes.get(self.pos) == Some(&b'{') => {
                return self.code_point(start, "Invalid \\u escape", Reader::braced_digits);
            }
            'u' => return self.code_point(start, "Invalid \\u escape", Reader::utf16_digits),
            other => other,
        };
        Ok(Some(c))
    }

    /// A code point read by `read`, which gives `None` when the escape is malformed. A text that ends too early is
    /// unfinished rather than malformed.
    fn code_point(
        &mut self,
        start: usize,
        message: &str,
        read: impl Fn(&mut Self) -> Option<u32>,
    ) -> Result<Option<char>> {
        match read(self).and_then(char::from_u32) {
            Some(c) => Ok(Some(c)),
            None if self.pos >= self.bytes.len() => Ok(None),
            None => Err(SyntaxError::new(Span::new(start, start + 2), message)),
        }
    }

    /// Exactly `count` hex digits. On a wrong one the position stays there.
    fn hex_digits(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let digit = (*self.bytes.get(self.pos)? as char).to_digit(16)?;
            value = value << 4 | digit;
            self.pos += 1;
        }
        Some(value)
    }

    /// One to six hex digits in braces.
    fn braced_digits(&mut self) -> Option<u32> {
        self.pos += 1;
        let digits = self.bytes[self.pos..].iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
        let value = self.hex_digits(digits)?;
        if digits == 0 || *self.bytes.get(self.pos)? != b'}' {
            return None;
        }
        self.pos += 1;
        Some(value)
    }

    /// Four hex digits; a high surrogate must be followed by the escape of a low one.
    fn utf16_digits(&mut self) -> Option<u32> {
        let high = self.hex_digits(4)?;
        if !(0xd800..0xdc00).contains(&high) {
            return Some(high);
        }
        for expected in [b'\\', b'u'] {
            if *self.bytes.get(self.pos)? != expected {
                return None;
            }
            self.pos += 1;
        }
        let low = self.hex_digits(4)?;
        (0xdc00..0xe000).contains(&low).then(|| 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
    }
}

fn is_space(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn unterminated(start: usize) -> SyntaxError {
    SyntaxError::unfinished(start, "Unterminated string")
}
