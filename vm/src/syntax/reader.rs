//! The reader: source text to forms.
//!
//! # Implementation
//!
//! One loop looks at the next character and either reads a whole atom or opens a [`Frame`] on an explicit stack. A finished
//! form is handed to [`Reader::complete`], which wraps it in the prefixes that wait for it and gives it to the innermost
//! container. So neither nesting nor prefixes use the native stack, and each character is looked at a bounded number of
//! times. Items of all open containers share one stack of forms; a container copies its own into the arena when it closes.

use bumpalo::Bump;

use super::bytes;
use super::class::{ESCAPE, SLASH, ends_token, is_blank, is_line_end, scan_token};
use super::datetime::{self, Moment};
use super::error::{Result, SyntaxError};
use super::form::{Form, FormKind, GeneForm, InterpPart, Span, UnquoteForm};
use super::frame::{Frame, FrameKind, Group, MAX_DEPTH};
use super::layout::Mark;
use super::number;
use super::path::{self, Flavor};
use super::property::PropertyStack;
use super::symbol;

/// Reads all forms of the text.
///
/// ```
/// use gene_vm::syntax::{form::FormKind, read};
///
/// let arena = bumpalo::Bump::new();
/// let forms = read(&arena, "(println 1) # done").unwrap();
/// assert!(matches!(forms[..], [form] if matches!(form.kind, FormKind::Gene(_))));
///
/// let error = read(&arena, "(a (b)").unwrap_err();
/// assert_eq!(error.message, "EOF while reading list, expected ')'");
/// assert!(error.incomplete);
/// ```
pub fn read<'a>(arena: &'a Bump, text: &str) -> Result<Vec<Form<'a>>> {
    check_size(text.len())?;
    let mut reader = Reader::new(arena, text);
    reader.run(false)?;
    Ok(reader.forms)
}

/// As [`read`] for text that the library printed: it may hold dates of the years 1 to 999, which no literal can have.
pub fn read_printed<'a>(arena: &'a Bump, text: &str) -> Result<Vec<Form<'a>>> {
    check_size(text.len())?;
    let mut reader = Reader::new(arena, text);
    reader.early_years = true;
    reader.run(false)?;
    Ok(reader.forms)
}

/// Reads the first form and looks at nothing behind it; `None` if the text holds no form. Dates are those of [`read_printed`].
pub fn read_first<'a>(arena: &'a Bump, text: &str) -> Result<Option<Form<'a>>> {
    check_size(text.len())?;
    let mut reader = Reader::new(arena, text);
    reader.early_years = true;
    reader.run(true)?;
    Ok(reader.forms.first().copied())
}

/// Reads all forms of a file's content. An invalid byte sequence is an error at its first byte; the text decoded with
/// `String::from_utf8_lossy` agrees with the content up to there, so it serves to show the place.
pub fn read_bytes<'a>(arena: &'a Bump, content: &[u8]) -> Result<Vec<Form<'a>>> {
    check_size(content.len())?;
    read(arena, decode(content)?)
}

/// The content as text, or the error of [`read_bytes`].
pub fn decode(content: &[u8]) -> Result<&str> {
    check_size(content.len())?;
    std::str::from_utf8(content).map_err(|error| SyntaxError::at(error.valid_up_to(), "Invalid UTF-8 byte sequence"))
}

/// The marks of [`super::layout`], not yet in order.
pub(super) fn read_marking(arena: &Bump, text: &str) -> Result<Vec<Mark>> {
    check_size(text.len())?;
    let mut reader = Reader::new(arena, text);
    reader.marks = Some(Vec::new());
    reader.run(false)?;
    Ok(reader.marks.unwrap_or_default())
}

/// Spans hold 32 bits.
fn check_size(length: usize) -> Result<()> {
    // One less than fits: the span of an error at the end reaches one further.
    if length >= u32::MAX as usize {
        return Err(SyntaxError::at(0, "Source text too large"));
    }
    Ok(())
}

pub(super) struct Reader<'a, 's> {
    pub(super) arena: &'a Bump,
    pub(super) text: &'s str,
    /// The same text.
    pub(super) bytes: &'s [u8],
    pub(super) pos: usize,
    pub(super) frames: Vec<Frame>,
    /// Levels open at the current position: the frames and the nested maps of their pending properties.
    pub(super) depth: u32,
    pub(super) forms: Vec<Form<'a>>,
    /// Parts of the open interpolated strings.
    pub(super) parts: Vec<InterpPart<'a>>,
    pub(super) props: PropertyStack<'a>,
    /// Text of the string being read.
    pub(super) scratch: String,
    /// Collected when wanted.
    marks: Option<Vec<Mark>>,
    early_years: bool,
}

impl<'a, 's> Reader<'a, 's> {
    fn new(arena: &'a Bump, text: &'s str) -> Reader<'a, 's> {
        Reader {
            arena,
            text,
            bytes: text.as_bytes(),
            pos: if text.starts_with('\u{feff}') { 3 } else { 0 },
            frames: Vec::new(),
            depth: 0,
            forms: Vec::new(),
            parts: Vec::new(),
            props: PropertyStack::default(),
            scratch: String::new(),
            marks: None,
            early_years: false,
        }
    }

    fn mark(&mut self, mark: impl FnOnce() -> Mark) {
        if let Some(marks) = &mut self.marks {
            marks.push(mark());
        }
    }

    /// Marks the text from `start` on as one that layout must not touch.
    pub(super) fn mark_opaque(&mut self, start: usize) {
        let span = self.span_from(start);
        self.mark(|| Mark::Opaque { span, comment: false });
    }

    fn run(&mut self, first_only: bool) -> Result<()> {
        loop {
            let kind = self.frames.last().map(|frame| frame.kind);
            match kind {
                None if first_only && !self.forms.is_empty() => return Ok(()),
                Some(FrameKind::Interp { triple }) => {
                    let start = self.frames[self.frames.len() - 1].start;
                    self.interpolated_text(triple, start)?;
                    continue;
                }
                _ => {}
            }
            self.blanks();
            let Some(&byte) = self.bytes.get(self.pos) else {
                return if self.frames.is_empty() { Ok(()) } else { Err(self.unfinished()) };
            };
            if matches!(kind, Some(FrameKind::Map { .. })) {
                self.check_map_item(byte)?;
            }
            match byte {
                b'(' => self.open(FrameKind::Gene { frozen: false }, self.pos, 1)?,
                b'[' => self.open(FrameKind::Array { frozen: false }, self.pos, 1)?,
                b'{' if self.peek(1) == Some(b'{') => self.open(FrameKind::HashMap { frozen: false }, self.pos, 2)?,
                b'{' => self.open(FrameKind::Map { frozen: false }, self.pos, 1)?,
                b')' | b']' | b'}' => self.close(byte)?,
                b'"' => self.string()?,
                b'#' => self.dispatch()?,
                b'^' => self.caret()?,
                b';' => self.semicolon()?,
                b'`' => self.open(FrameKind::Quote, self.pos, 1)?,
                b'%' => self.percent()?,
                b'\'' => self.char_literal()?,
                b'0'..=b'9' => self.number()?,
                b'+' | b'-' if self.peek(1).is_some_and(|next| next.is_ascii_digit()) => self.number()?,
                _ => self.token()?,
            }
        }
    }

    pub(super) fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.pos + ahead).copied()
    }

    fn blanks(&mut self) {
        while self.bytes.get(self.pos).is_some_and(|byte| is_blank(*byte)) {
            self.pos += 1;
        }
    }

    /// A map holds properties only; what is wrong with a closer or a `;` is said elsewhere.
    fn check_map_item(&self, byte: u8) -> Result<()> {
        let pending = self.frames.last().is_some_and(|frame| frame.pending.is_some());
        let comment = byte == b'#' && self.comment_follows();
        if pending || comment || matches!(byte, b'^' | b')' | b']' | b'}' | b';') {
            return Ok(());
        }
        Err(SyntaxError::at(self.pos, "Expect ^key in map"))
    }

    fn comment_follows(&self) -> bool {
        matches!(self.peek(1), None | Some(b' ' | b'\t' | b'\r' | b'\n' | b'!' | b'#' | b'<'))
    }

    fn dispatch(&mut self) -> Result<()> {
        let start = self.pos;
        match self.peek(1) {
            Some(b'<') => self.block_comment(),
            _ if self.comment_follows() => {
                let rest = &self.bytes[start..];
                self.pos += rest.iter().position(|byte| is_line_end(*byte)).unwrap_or(rest.len());
                let span = self.span_from(start);
                self.mark(|| Mark::Comment { span });
                Ok(())
            }
            Some(b'(') => self.open(FrameKind::Gene { frozen: true }, start, 2),
            Some(b'[') => self.open(FrameKind::Array { frozen: true }, start, 2),
            Some(b'{') if self.peek(2) == Some(b'{') => self.open(FrameKind::HashMap { frozen: true }, start, 3),
            Some(b'{') => self.open(FrameKind::Map { frozen: true }, start, 2),
            Some(b'/') => self.regex(),
            Some(b'"') => self.interpolated(),
            Some(b'r') if self.peek(2) == Some(b'"') => self.raw_string(),
            Some(b'@') => self.open(FrameKind::Decorator, start, 2),
            _ => {
                let c = self.text[start + 1..].chars().next().unwrap_or_default();
                let span = Span::new(start, start + 1 + c.len_utf8());
                Err(SyntaxError::new(span, format!("Invalid dispatch character: #{c}")))
            }
        }
    }

    /// Skips `#<` to `>#`. A `>` right after another one closes nothing, so `>>#` can stand inside.
    pub(super) fn block_comment(&mut self) -> Result<()> {
        let start = self.pos;
        let mut at = start + 2;
        while let Some(&byte) = self.bytes.get(at) {
            if byte == b'>' && self.bytes.get(at + 1) == Some(&b'#') && self.bytes[at - 1] != b'>' {
                self.pos = at + 2;
                let span = self.span_from(start);
                self.mark(|| Mark::Opaque { span, comment: true });
                return Ok(());
            }
            at += 1;
        }
        Err(SyntaxError::unfinished(start, "Unterminated block comment"))
    }

    /// Opens a frame whose opening is `length` bytes from the current position on.
    pub(super) fn open(&mut self, kind: FrameKind, start: usize, length: usize) -> Result<()> {
        if self.depth >= MAX_DEPTH {
            return Err(SyntaxError::at(start, "Nesting too deep"));
        }
        self.depth += 1;
        let base = if matches!(kind, FrameKind::Interp { .. }) { self.parts.len() } else { self.forms.len() };
        let frame = Frame::new(kind, start, base, self.props.len());
        if frame.closer().is_some() {
            let lines_up = !matches!(kind, FrameKind::Gene { .. });
            self.mark(|| Mark::Open { span: Span::new(start, start + length), lines_up });
        }
        self.frames.push(frame);
        self.pos += length;
        Ok(())
    }

    /// Takes the innermost frame away. There must be one.
    pub(super) fn pop_frame(&mut self) -> Frame {
        self.depth -= 1;
        self.frames.pop().unwrap_or_else(|| Frame::new(FrameKind::Quote, 0, 0, 0))
    }

    fn close(&mut self, byte: u8) -> Result<()> {
        let at = self.pos;
        let unmatched = || SyntaxError::at(at, format!("Unmatched delimiter: {}", byte as char));
        let Some(frame) = self.frames.last() else { return Err(unmatched()) };
        let Some(closer) = frame.closer().filter(|closer| self.bytes[at..].starts_with(closer.as_bytes())) else {
            return Err(unmatched());
        };
        if let Some(pending) = frame.pending {
            return Err(self.missing_value(pending, at));
        }
        self.pos += closer.len();
        let closed = self.span_from(at);
        self.mark(|| Mark::Close { span: closed });
        let frame = self.pop_frame();
        let span = Span::new(frame.start, self.pos);
        let form = match frame.kind {
            FrameKind::Gene { frozen } => self.gene(&frame, frozen, span),
            FrameKind::Segment => self.segment(&frame, span)?,
            FrameKind::Map { frozen } => {
                let entries = self.props.finish(self.arena, &frame);
                Form { span, kind: FormKind::Map { entries, frozen } }
            }
            FrameKind::Array { frozen } => {
                let items = self.take_forms(frame.base);
                Form { span, kind: FormKind::Array { items, frozen } }
            }
            FrameKind::HashMap { frozen } => {
                let items = self.take_forms(frame.base);
                if !items.len().is_multiple_of(2) {
                    return Err(SyntaxError::at(at, "HashMap literal requires an even number of items"));
                }
                Form { span, kind: FormKind::HashMap { items, frozen } }
            }
            FrameKind::Quote | FrameKind::Unquote { .. } | FrameKind::Decorator | FrameKind::Interp { .. } => {
                return Err(unmatched());
            }
        };
        self.complete(form, frame.height + 1)
    }

    /// The innermost container's items.
    fn take_forms(&mut self, base: usize) -> &'a [Form<'a>] {
        let forms = self.arena.alloc_slice_copy(&self.forms[base..]);
        self.forms.truncate(base);
        forms
    }

    fn gene(&mut self, frame: &Frame, frozen: bool, span: Span) -> Form<'a> {
        let props = self.props.finish(self.arena, frame);
        let head = self.forms.get(frame.base).copied();
        let children = if head.is_some() { self.take_forms(frame.base + 1) } else { &[] };
        self.forms.truncate(frame.base);
        let gene = self.arena.alloc(GeneForm { head, props, props_at: frame.props_at, children, frozen });
        Form { span, kind: FormKind::Gene(gene) }
    }

    /// `#{form}` is the form itself, `#{a + 1}` a gene.
    fn segment(&mut self, frame: &Frame, span: Span) -> Result<Form<'a>> {
        match self.forms[frame.base..] {
            [] => Err(SyntaxError::new(span, "Expect form in #{}")),
            [form] if frame.group == Group::None && !frame.chained => {
                self.forms.truncate(frame.base);
                Ok(form)
            }
            _ => Ok(self.gene(frame, false, Span::new(frame.start + 2, self.pos - 1))),
        }
    }

    /// `;` closes the gene read so far and makes it the head of a new one.
    fn semicolon(&mut self) -> Result<()> {
        let at = self.pos;
        let misplaced = || SyntaxError::at(at, "Unexpected ;");
        let Some(frame) = self.frames.last() else { return Err(misplaced()) };
        if !matches!(frame.kind, FrameKind::Gene { .. } | FrameKind::Segment) || self.forms.len() == frame.base {
            return Err(misplaced());
        }
        if let Some(pending) = frame.pending {
            return Err(self.missing_value(pending, at));
        }
        let Some(mut frame) = self.frames.pop() else { return Err(misplaced()) };
        frame.height += 1;
        if self.depth + frame.height > MAX_DEPTH {
            return Err(SyntaxError::at(at, "Nesting too deep"));
        }
        // Only the whole chain is frozen by `#(`: its beginnings are calls.
        let begun = self.gene(&frame, false, Span::new(frame.start, at));
        self.frames.push(Frame {
            props_at: 0,
            group: Group::None,
            indexed: false,
            chained: true,
            pending: None,
            ..frame
        });
        self.forms.push(begun);
        self.pos += 1;
        Ok(())
    }

    pub(super) fn complete_leaf(&mut self, start: usize, kind: FormKind<'a>) -> Result<()> {
        if !matches!(kind, FormKind::Symbol(_) | FormKind::Int(_)) {
            self.mark_opaque(start);
        }
        self.complete(Form { span: Span::new(start, self.pos), kind }, 0)
    }

    /// Hands a finished form, which ends at the current position and nests `height` levels, to what waits for it.
    pub(super) fn complete(&mut self, mut form: Form<'a>, mut height: u32) -> Result<()> {
        loop {
            let Some(frame) = self.frames.last_mut() else {
                self.forms.push(form);
                return Ok(());
            };
            let start = frame.start;
            match frame.kind {
                FrameKind::Quote => {
                    self.pop_frame();
                    form = Form { span: self.span_from(start), kind: FormKind::Quote(self.arena.alloc(form)) };
                }
                FrameKind::Unquote { discard } => {
                    self.pop_frame();
                    let splice = self.take_marker();
                    let unquote = self.arena.alloc(UnquoteForm { form, discard, splice });
                    form = Form { span: self.span_from(start), kind: FormKind::Unquote(unquote) };
                }
                FrameKind::Decorator => {
                    frame.height = frame.height.max(height);
                    self.forms.push(form);
                    if self.forms.len() - frame.base < 2 {
                        return Ok(());
                    }
                    let frame = self.pop_frame();
                    height = frame.height;
                    form = self.gene(&frame, false, self.span_from(start));
                }
                FrameKind::Interp { .. } => {
                    frame.height = frame.height.max(height);
                    self.parts.push(InterpPart::Form(form));
                    return Ok(());
                }
                FrameKind::Array { .. } | FrameKind::HashMap { .. } => {
                    frame.height = frame.height.max(height);
                    self.forms.push(form);
                    return Ok(());
                }
                FrameKind::Gene { .. } | FrameKind::Segment | FrameKind::Map { .. } => {
                    if let Some(pending) = frame.pending.take() {
                        frame.height = frame.height.max(height + pending.levels);
                        self.depth -= pending.levels;
                        self.props.set_value(pending.entry, form);
                    } else {
                        frame.height = frame.height.max(height);
                        if frame.group == Group::Open {
                            frame.group = Group::Closed;
                        }
                        self.forms.push(form);
                    }
                    return Ok(());
                }
            }
            height += 1;
        }
    }

    fn span_from(&self, start: usize) -> Span {
        Span::new(start, self.pos)
    }

    /// The `...` right after an unquoted form.
    fn take_marker(&mut self) -> bool {
        let found = self.bytes[self.pos..].starts_with(b"...") && ends_token(self.bytes, self.pos + 3);
        if found {
            self.pos += 3;
        }
        found
    }

    /// The text ended with frames open: the innermost bracket is to blame, or a prefix outside of any.
    pub(super) fn unfinished(&self) -> SyntaxError {
        let brackets = self.frames.iter().rev().filter_map(|frame| Some((frame.start, frame.closer()?)));
        match brackets.into_iter().next() {
            Some((start, closer)) => {
                SyntaxError::unfinished(start, format!("EOF while reading list, expected '{closer}'"))
            }
            None => {
                let start = self.frames.last().map_or(0, |frame| frame.start);
                SyntaxError::unfinished(start, "EOF while reading form")
            }
        }
    }

    /// `%` begins an unquote unless nothing can follow it; `%=` is an operator.
    fn percent(&mut self) -> Result<()> {
        let start = self.pos;
        let ends = |at: usize| {
            self.bytes.get(at).is_none_or(|&byte| is_blank(byte) || matches!(byte, b')' | b']' | b'}' | b';'))
        };
        let symbol = if ends(start + 1) {
            "%"
        } else if self.peek(1) == Some(b'=') && ends_token(self.bytes, start + 2) {
            "%="
        } else {
            let discard = self.peek(1) == Some(b'_') && !ends(start + 2);
            return self.open(FrameKind::Unquote { discard }, start, if discard { 2 } else { 1 });
        };
        self.pos += symbol.len();
        self.complete_leaf(start, FormKind::Symbol(symbol))
    }

    /// A token that starts with a digit, or a sign and a digit.
    fn number(&mut self) -> Result<()> {
        let start = self.pos;
        if self.bytes[start] == b'0' && matches!(self.peek(1), Some(b'#' | b'!' | b'*')) {
            let (bytes, end) = bytes::parse(self.text, start)?;
            self.pos = end;
            return self.complete_leaf(start, FormKind::Bytes(self.arena.alloc_slice_copy(&bytes)));
        }
        let end = scan_token(self.bytes, start).0.min(self.bytes.len());
        self.pos = end;
        let token = &self.text[start..end];
        if let Some(value) = number::small_decimal(token.as_bytes()) {
            return self.complete_leaf(start, FormKind::Int(value));
        }
        let kind = match datetime::parse(token, start, if self.early_years { 1 } else { 1000 })? {
            None => number::parse(token, start)?,
            Some(Moment::Date(date)) => FormKind::Date(date),
            Some(Moment::Time(mut time)) => {
                time.zone = self.zone_name()?;
                FormKind::Time(time)
            }
            Some(Moment::DateTime(date, mut time)) => {
                if time.offset.is_none() && self.peek(0) == Some(b'[') {
                    return Err(SyntaxError::at(end, "Datetime literal requires Z or an offset before [name]"));
                }
                time.zone = self.zone_name()?;
                FormKind::DateTime(date, time)
            }
        };
        self.complete_leaf(start, kind)
    }

    /// The `[name]` right after a time.
    fn zone_name(&mut self) -> Result<Option<&'a str>> {
        let open = self.pos;
        if self.peek(0) != Some(b'[') {
            return Ok(None);
        }
        let end = scan_token(self.bytes, open + 1).0.min(self.bytes.len());
        let name = &self.text[open + 1..end];
        if end == self.bytes.len() {
            return Err(SyntaxError::unfinished(open, "EOF while reading list, expected ']'"));
        }
        datetime::check_zone_name(name, open + 1)?;
        self.pos = end;
        if self.peek(0) != Some(b']') || !ends_token(self.bytes, end + 1) {
            return Err(SyntaxError::token("Invalid timezone name", name, open + 1));
        }
        self.pos += 1;
        Ok(Some(self.arena.alloc_str(name)))
    }

    pub(super) fn dangling_escape(&self) -> SyntaxError {
        SyntaxError::at(self.bytes.len() - 1, "Incomplete escape at end of input")
    }

    /// A symbol, constant, path or selector.
    pub(super) fn token(&mut self) -> Result<()> {
        let start = self.pos;
        let (mut end, seen) = scan_token(self.bytes, start);
        if end > self.bytes.len() {
            return Err(self.dangling_escape());
        }
        let unquoted = matches!(self.frames.last(), Some(Frame { kind: FrameKind::Unquote { .. }, .. }));
        if unquoted && symbol::has_marker(&self.text[start..end]) {
            end -= 3;
        }
        let token = &self.text[start..end];
        self.pos = end;
        if seen & ESCAPE != 0 {
            self.mark_opaque(start);
        }
        match self.bytes[start] {
            b'@' if !matches!(token, "@" | "@@") => return self.selector(start, end),
            b'.' if token.starts_with(".@") && token.len() > 2 => {
                // Two items, as if they stood apart; only a gene can take them.
                if !self.frames.last().is_some_and(Frame::takes_gene_item) {
                    return Err(SyntaxError::token("Invalid symbol", token, start));
                }
                self.complete(Form { span: Span::new(start, start + 2), kind: FormKind::Symbol(".@") }, 0)?;
                return self.selector(start + 1, end);
            }
            b'.' if token.starts_with(".<") && !matches!(token, ".<" | ".<=" | ".<<") => {
                let height = path::check_dynamic_method(self.arena, token, start, self.depth)?;
                let kind = FormKind::Symbol(self.arena.alloc_str(token));
                return self.complete(Form { span: Span::new(start, end), kind }, height);
            }
            _ => {}
        }
        if seen & SLASH != 0 && !matches!(token, "/" | "/=" | "./") {
            return self.path(start, end);
        }
        self.complete_leaf(start, symbol::parse(self.arena, token, seen & ESCAPE != 0))
    }

    fn path(&mut self, start: usize, end: usize) -> Result<()> {
        let end = self.leave_marker(start, end, "Invalid path")?;
        let token = &self.text[start..end];
        // `n/` before an array is a path whose last name is empty; anywhere else the last part is missing.
        let open_ended = token.ends_with('/') && !symbol::ends_in_escape(&token[..token.len() - 1]);
        if open_ended && self.peek(0) != Some(b'[') {
            return Err(SyntaxError::token("Invalid path", token, start));
        }
        let parsed = path::parse(self.arena, token, start, Flavor::Path, self.depth)?;
        let form = Form { span: Span::new(start, end), kind: FormKind::Path(parsed.parts) };
        self.complete(form, parsed.height)
    }

    /// The selector whose `@` stands at `start`.
    fn selector(&mut self, start: usize, end: usize) -> Result<()> {
        let end = self.leave_marker(start, end, "Invalid selector")?;
        let token = &self.text[start + 1..end];
        let parsed = path::parse(self.arena, token, start + 1, Flavor::Selector, self.depth)?;
        let form = Form { span: Span::new(start, end), kind: FormKind::Selector(parsed.parts) };
        self.complete(form, parsed.height)
    }

    /// `a/b...` in a list reads as `a/b ...`, so the marker never hides in a part. Moves the position before the marker.
    fn leave_marker(&mut self, start: usize, end: usize, what: &str) -> Result<usize> {
        let token = &self.text[start..end];
        if !symbol::has_marker(token) {
            return Ok(end);
        }
        let listed = self
            .frames
            .last()
            .is_some_and(|frame| frame.takes_gene_item() || matches!(frame.kind, FrameKind::Array { .. }));
        if !listed {
            return Err(SyntaxError::token(what, token, start));
        }
        self.pos = end - 3;
        Ok(end - 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_must_fit_in_a_span() {
        assert_eq!(check_size(u32::MAX as usize - 1), Ok(()));
        assert_eq!(check_size(u32::MAX as usize).unwrap_err().message, "Source text too large");
    }
}
