//! Paths (`a/0/.m`) and selectors (`@a/*`): one token, many parts.

use bumpalo::Bump;

use super::class::{ESCAPE, SLASH, scan_token};
use super::error::{Result, SyntaxError};
use super::form::{Form, FormKind, PathPart, Span};
use super::frame::MAX_DEPTH;
use super::symbol;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavor {
    Path,
    /// May begin with any part, and knows `*`, `**`, `@` and `@@`.
    Selector,
}

pub(super) struct Parts<'a> {
    pub parts: &'a [PathPart<'a>],
    /// Levels of `<...>` inside each other.
    pub height: u32,
}

/// A `<...>` that is open.
struct Level {
    /// Its first part on the part stack.
    base: usize,
    /// Offset of its first part in the token.
    start: usize,
    height: u32,
}

struct PathReader<'a, 't> {
    arena: &'a Bump,
    token: &'t str,
    /// Offset of the token in the source.
    start: usize,
    flavor: Flavor,
    parts: Vec<PathPart<'a>>,
    levels: Vec<Level>,
}

/// Reads the parts of a token (for selectors: what follows the `@`) at offset `start`. `depth` levels are open around it.
pub(super) fn parse<'a>(arena: &'a Bump, token: &str, start: usize, flavor: Flavor, depth: u32) -> Result<Parts<'a>> {
    let outermost = Level { base: 0, start: 0, height: 0 };
    PathReader { arena, token, start, flavor, parts: Vec::new(), levels: vec![outermost] }.read(depth)
}

/// The name form of a dynamic method symbol: for `.<expr>` the symbol or path `expr`; `None` for any other symbol, the
/// operator methods `.<`, `.<=` and `.<<` included. `name` is the symbol's text and `span` its place. A name made by the
/// reader gives no error.
pub fn dynamic_method<'a>(arena: &'a Bump, name: &str, span: Span) -> Option<Result<Form<'a>>> {
    let inner = dynamic_name(name)?;
    Some(read_dynamic(arena, inner, span.start as usize + 2, 0).map(|(form, _)| form))
}

fn dynamic_name(token: &str) -> Option<&str> {
    let inner = token.strip_prefix(".<")?.strip_suffix('>')?;
    (!inner.is_empty() && !symbol::ends_in_escape(inner)).then_some(inner)
}

/// Makes sure that [`dynamic_method`] will succeed; gives the nesting it has.
pub(super) fn check_dynamic_method(arena: &Bump, token: &str, start: usize, depth: u32) -> Result<u32> {
    let inner = dynamic_name(token).ok_or_else(|| SyntaxError::token("Invalid symbol", token, start))?;
    read_dynamic(arena, inner, start + 2, depth + 1).map(|(_, height)| height + 1)
}

fn read_dynamic<'a>(arena: &'a Bump, inner: &str, start: usize, depth: u32) -> Result<(Form<'a>, u32)> {
    let span = Span::new(start, start + inner.len());
    let (end, seen) = scan_token(inner.as_bytes(), 0);
    let complete = end == inner.len() && (!inner.ends_with('/') || inner.ends_with("\\/"));
    if !complete {
        return Err(SyntaxError::token("Invalid path", inner, start));
    }
    if seen & SLASH == 0 {
        return Ok((Form { span, kind: symbol::parse(arena, inner, seen & ESCAPE != 0) }, 0));
    }
    let parsed = parse(arena, inner, start, Flavor::Path, depth)?;
    Ok((Form { span, kind: FormKind::Path(parsed.parts) }, parsed.height))
}

impl<'a> PathReader<'a, '_> {
    fn read(mut self, depth: u32) -> Result<Parts<'a>> {
        let token = self.token.as_bytes();
        let mut at = 0;
        loop {
            // A part begins here.
            if token.get(at) == Some(&b'<') && !self.is_operator(at) && !self.is_first_name(at) {
                if depth as usize + self.levels.len() > MAX_DEPTH as usize {
                    return Err(SyntaxError::at(self.start + at, "Nesting too deep"));
                }
                at += 1;
                self.levels.push(Level { base: self.parts.len(), start: at, height: 0 });
                continue;
            }
            let end = self.part_end(at);
            let part = self.part(at, end)?;
            self.parts.push(part);
            at = end;
            // And ends here, perhaps together with the levels it is in.
            loop {
                match token.get(at) {
                    Some(b'/') => {
                        at += 1;
                        break;
                    }
                    Some(b'>') if self.levels.len() > 1 => {
                        self.close(at)?;
                        at += 1;
                    }
                    None if self.levels.len() == 1 => {
                        let parts = self.arena.alloc_slice_copy(&self.parts);
                        return Ok(Parts { parts, height: self.levels[0].height });
                    }
                    _ => return Err(self.invalid()),
                }
            }
        }
    }

    fn invalid(&self) -> SyntaxError {
        match self.flavor {
            Flavor::Path => SyntaxError::token("Invalid path", self.token, self.start),
            Flavor::Selector => SyntaxError::token("Invalid selector", &format!("@{}", self.token), self.start - 1),
        }
    }

    fn innermost(&self) -> &Level {
        &self.levels[self.levels.len() - 1]
    }

    /// Inside `<...>` stands a name or a path, never a selector.
    fn flavor_here(&self) -> Flavor {
        if self.levels.len() == 1 { self.flavor } else { Flavor::Path }
    }

    /// The first part of a path must be a name.
    fn is_first_name(&self, at: usize) -> bool {
        at == self.innermost().start && self.flavor_here() == Flavor::Path
    }

    /// An operator may be the last name: `a/<=`.
    fn is_operator(&self, at: usize) -> bool {
        matches!(&self.token[at..], "<" | "<=" | "<<")
    }

    fn part_end(&self, start: usize) -> usize {
        let token = self.token.as_bytes();
        let nested = self.levels.len() > 1;
        let mut at = start;
        while let Some(&byte) = token.get(at) {
            match byte {
                b'/' => break,
                b'>' if nested => break,
                b'\\' => at += 1,
                _ => {}
            }
            at += 1;
        }
        at.min(token.len())
    }

    fn part(&self, start: usize, end: usize) -> Result<PathPart<'a>> {
        let text = &self.token[start..end];
        let first = start == self.innermost().start;
        let selector = self.flavor_here() == Flavor::Selector;
        let part = match text.as_bytes() {
            [] if first && !selector && self.token.as_bytes().get(end) == Some(&b'/') => PathPart::SelfRef,
            // `n/` before an array: the reader has made sure that one follows.
            [] if !first && !selector && self.levels.len() == 1 && end == self.token.len() => PathPart::Name(""),
            [] => return Err(self.invalid()),
            [b'.', ..] if first && !selector => return Err(self.invalid()),
            [b'.'] | [b'.', b'.', ..] => return Err(self.invalid()),
            [b'.', b'<', rest @ ..] if !matches!(rest, b"" | b"=" | b"<") => return Err(self.invalid()),
            [b'.', ..] => PathPart::Method(self.name(&text[1..])),
            [b'<', ..] if !matches!(text, "<" | "<=" | "<<") => return Err(self.invalid()),
            [b'@', ..] if first && !selector => return Err(self.invalid()),
            b"!" if !first || selector => PathPart::NotNil,
            b"*" if selector => PathPart::Values,
            b"**" if selector => PathPart::Entries,
            b"@" if selector => PathPart::Collect,
            b"@@" if selector => PathPart::CollectMap,
            [b'-', b'0'..=b'9', ..] | [b'0'..=b'9', ..] => {
                let digits = text.strip_prefix('-').unwrap_or(text);
                if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    if first && !selector {
                        return Err(self.invalid());
                    }
                    PathPart::Name(self.name(text))
                } else if first && !selector {
                    return Err(self.invalid());
                } else {
                    let span = Span::new(self.start + start, self.start + end);
                    let index = text.parse().map_err(|_| SyntaxError::new(span, "Integer literal out of range"))?;
                    PathPart::Index(index)
                }
            }
            _ => PathPart::Name(self.name(text)),
        };
        Ok(part)
    }

    fn name(&self, text: &str) -> &'a str {
        symbol::name(self.arena, text, text.contains('\\'))
    }

    /// Makes the parts of the innermost level one dynamic part; its `>` stands at `at`.
    fn close(&mut self, at: usize) -> Result<()> {
        let level = self.levels.pop().ok_or_else(|| self.invalid())?;
        let span = Span::new(self.start + level.start, self.start + at);
        let kind = match self.parts[level.base..] {
            [PathPart::Name(_)] => {
                let text = &self.token[level.start..at];
                symbol::parse(self.arena, text, text.contains('\\'))
            }
            _ => FormKind::Path(self.arena.alloc_slice_copy(&self.parts[level.base..])),
        };
        self.parts.truncate(level.base);
        self.parts.push(PathPart::Dynamic(self.arena.alloc(Form { span, kind })));
        if let Some(outer) = self.levels.last_mut() {
            outer.height = outer.height.max(level.height + 1);
        }
        Ok(())
    }
}
