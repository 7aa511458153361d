//! Regex literals: where they end, and what they hold. Whether the pattern is valid is found out when it is evaluated.

use super::class::{ends_token, is_line_end};
use super::error::{Result, SyntaxError};
use super::form::{FormKind, RegexLit};
use super::reader::Reader;

const FLAGS: &str = "imsx";

impl<'a> Reader<'a, '_> {
    /// `#/pattern/flags` or `#/pattern/replacement/flags`.
    pub(super) fn regex(&mut self) -> Result<()> {
        let start = self.pos;
        let end = slash(self.bytes, start + 2, |_| false)
            .ok_or_else(|| SyntaxError::unfinished(start, "Unterminated regex"))?;
        let pattern = self.regex_text(start + 2, end);
        self.pos = end + 1;
        let mut replacement = None;
        if let Some(end) = slash(self.bytes, self.pos, |byte| byte == b' ' || byte == b'\t' || is_line_end(byte))
            && !is_flags_and_closers(&self.bytes[self.pos..end])
        {
            replacement = Some(self.regex_text(self.pos, end));
            self.pos = end + 1;
        }
        let flags = self.regex_flags()?;
        let regex = self.arena.alloc(RegexLit { pattern, replacement, flags });
        self.complete_leaf(start, FormKind::Regex(regex))
    }

    /// `\/` is `/` and `\\` is `\`; another backslash stays.
    fn regex_text(&self, start: usize, end: usize) -> &'a str {
        let raw = &self.text[start..end];
        if !raw.contains('\\') {
            return self.arena.alloc_str(raw);
        }
        let mut text = String::with_capacity(raw.len());
        let mut chars = raw.chars().peekable();
        while let Some(c) = chars.next() {
            let escaped = if c == '\\' { chars.next_if(|next| matches!(next, '/' | '\\')) } else { None };
            text.push(escaped.unwrap_or(c));
        }
        self.arena.alloc_str(&text)
    }

    fn regex_flags(&mut self) -> Result<&'a str> {
        let start = self.pos;
        while !ends_token(self.bytes, self.pos) {
            if !FLAGS.as_bytes().contains(&self.bytes[self.pos]) {
                let c = self.text[self.pos..].chars().next().unwrap_or_default();
                return Err(SyntaxError::at(self.pos, format!("Invalid regex flag: {c}")));
            }
            self.pos += 1;
        }
        let given = &self.text[start..self.pos];
        let ordered: String = FLAGS.chars().filter(|flag| given.contains(*flag)).collect();
        Ok(self.arena.alloc_str(&ordered))
    }
}

/// The offset of the next slash that is not escaped, before any byte that `stops`.
fn slash(bytes: &[u8], start: usize, stops: impl Fn(u8) -> bool) -> Option<usize> {
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'/' => return Some(at),
            b'\\' if matches!(bytes.get(at + 1), Some(b'/' | b'\\')) => at += 2,
            _ if stops(byte) => return None,
            _ => at += 1,
        }
    }
    None
}

/// A regex that ends there rather than a replacement: `i)` of `(f #/a/i)/b`.
fn is_flags_and_closers(text: &[u8]) -> bool {
    let flags = text.iter().take_while(|byte| FLAGS.as_bytes().contains(byte)).count();
    let closers = &text[flags..];
    !closers.is_empty() && closers.iter().all(|byte| matches!(byte, b')' | b']' | b'}'))
}
