//! Properties of genes and maps: `^k v`, the shortcuts, and `^a^b v` merged into nested maps.

use std::collections::HashMap;

use bumpalo::Bump;

use super::class::{CLASS, DELIMITER, ESCAPE, scan_token};
use super::error::{Result, SyntaxError, shortened};
use super::form::{Form, FormKind, Prop, PropKind, Span};
use super::frame::{Frame, FrameKind, Group, MAX_DEPTH, Pending};
use super::reader::Reader;
use super::symbol;

/// The owner of the properties that are not in a nested map.
const ROOT: u32 = u32::MAX;

/// With more properties than this, keys are looked up in an index instead of one by one.
const MAX_SCANNED: usize = 16;

struct Entry<'a> {
    /// The entry that stands for the nested map holding this one, or [`ROOT`].
    owner: u32,
    /// Stands for a map made by `^a^b`.
    nested: bool,
    prop: Prop<'a>,
}

/// The properties of all open frames. A frame owns the entries from its `props_base` on, because the frames above it take
/// theirs away when they close; nested maps are told apart by `owner`, so they need no frames of their own.
#[derive(Default)]
pub(super) struct PropertyStack<'a> {
    entries: Vec<Entry<'a>>,
    /// One for each frame that is `indexed`, in the order of the frames.
    indexes: Vec<HashMap<(u32, &'a str), u32>>,
}

impl<'a> PropertyStack<'a> {
    pub fn len(&self) -> u32 {
        self.entries.len() as u32
    }

    pub fn key(&self, entry: u32) -> &'a str {
        self.entries[entry as usize].prop.key
    }

    pub fn set_value(&mut self, entry: u32, value: Form<'a>) {
        self.entries[entry as usize].prop.value = value;
    }

    fn find(&self, frame: &Frame, owner: u32, key: &str) -> Option<u32> {
        if frame.indexed {
            return self.indexes.last()?.get(&(owner, key)).copied();
        }
        let base = frame.props_base;
        (base..self.len()).find(|&at| {
            let entry = &self.entries[at as usize];
            entry.owner == owner && entry.prop.key == key && entry.prop.kind != PropKind::Spread
        })
    }

    fn add(&mut self, frame: &mut Frame, entry: Entry<'a>) -> u32 {
        let at = self.len();
        let key = (entry.owner, entry.prop.key);
        let findable = entry.prop.kind != PropKind::Spread;
        self.entries.push(entry);
        if frame.indexed {
            if findable && let Some(index) = self.indexes.last_mut() {
                index.insert(key, at);
            }
        } else if self.entries.len() - frame.props_base as usize > MAX_SCANNED {
            let own = self.entries.iter().enumerate().skip(frame.props_base as usize);
            let findable = own.filter(|(_, entry)| entry.prop.kind != PropKind::Spread);
            self.indexes.push(findable.map(|(at, entry)| ((entry.owner, entry.prop.key), at as u32)).collect());
            frame.indexed = true;
        }
        at
    }

    /// Takes the frame's properties away and makes a slice of them.
    pub fn finish(&mut self, arena: &'a Bump, frame: &Frame) -> &'a [Prop<'a>] {
        if frame.indexed {
            self.indexes.pop();
        }
        let base = frame.props_base as usize;
        let own = &mut self.entries[base..];
        let props = if own.iter().any(|entry| entry.nested) {
            build_nested(arena, own, base);
            let root: Vec<Prop> = own.iter().filter(|entry| entry.owner == ROOT).map(|entry| entry.prop).collect();
            arena.alloc_slice_copy(&root)
        } else {
            arena.alloc_slice_fill_iter(own.iter().map(|entry| entry.prop))
        };
        self.entries.truncate(base);
        props
    }
}

/// Gives every nested entry its map. An entry comes after its owner, so going backwards the entries of a nested map are
/// complete when it is built; no recursion, and each entry is moved once.
fn build_nested<'a>(arena: &'a Bump, entries: &mut [Entry<'a>], base: usize) {
    let mut members: HashMap<u32, Vec<Prop<'a>>> = HashMap::new();
    for at in (0..entries.len()).rev() {
        if entries[at].nested {
            let mut props = members.remove(&((base + at) as u32)).unwrap_or_default();
            props.reverse();
            let mut span = entries[at].prop.key_span;
            if let Some(last) = props.last() {
                span = props[0].key_span.to(last.key_span).to(last.value.span);
            }
            let kind = FormKind::Map { entries: arena.alloc_slice_copy(&props), frozen: false };
            entries[at].prop.value = Form { span, kind };
        }
        if entries[at].owner != ROOT {
            members.entry(entries[at].owner).or_default().push(entries[at].prop);
        }
    }
}

fn nil<'a>(span: Span) -> Form<'a> {
    Form { span, kind: FormKind::Nil }
}

impl<'a, 's> Reader<'a, 's> {
    /// `^` where a property may stand: in a gene or a map, but in an array it begins an ordinary symbol.
    pub(super) fn caret(&mut self) -> Result<()> {
        let start = self.pos;
        let Some(frame) = self.frames.last_mut() else { return Err(misplaced(start)) };
        if let Some(pending) = frame.pending {
            return Err(self.missing_value(pending, start));
        }
        match frame.kind {
            FrameKind::Map { .. } => self.property(),
            FrameKind::Gene { .. } | FrameKind::Segment => {
                let children = self.forms.len().checked_sub(frame.base + 1).ok_or_else(|| misplaced(start))?;
                match frame.group {
                    Group::None => {
                        frame.group = Group::Open;
                        frame.props_at = children as u32;
                    }
                    Group::Open => {}
                    Group::Closed => return Err(misplaced(start)),
                }
                self.property()
            }
            _ => {
                let container = self.frames.iter().rev().find(|frame| frame.closer().is_some());
                match container.map(|frame| frame.kind) {
                    Some(FrameKind::Array { .. }) => self.token(),
                    _ => Err(misplaced(start)),
                }
            }
        }
    }

    pub(super) fn missing_value(&self, pending: Pending, at: usize) -> SyntaxError {
        SyntaxError::at(at, format!("Expect value for {}", shortened(self.props.key(pending.entry))))
    }

    /// One property from its first `^` on, up to where its value begins.
    fn property(&mut self) -> Result<()> {
        let start = self.pos;
        let mut owner = ROOT;
        let mut levels = 0;
        loop {
            let caret = self.pos;
            let (kind, key_start) = match self.bytes.get(caret + 1) {
                Some(b'^') => (PropKind::Flag, caret + 2),
                Some(b'!') => (PropKind::Negated, caret + 2),
                _ => (PropKind::Value, caret + 1),
            };
            let raw = self.key(key_start)?;
            let nested = self.bytes.get(self.pos) == Some(&b'^');
            let kind = match (kind, raw) {
                (PropKind::Value, "...") => PropKind::Spread,
                (PropKind::Value, _) if symbol::has_marker(raw) => PropKind::Rest,
                _ => kind,
            };
            let flag = matches!(kind, PropKind::Flag | PropKind::Negated);
            if (nested && kind != PropKind::Value && kind != PropKind::Spread)
                || (flag && (raw == "..." || symbol::has_marker(raw)))
            {
                let end = scan_token(self.bytes, start).0.min(self.bytes.len());
                return Err(SyntaxError::token("Invalid property", &self.text[start..end], start));
            }
            if nested && kind == PropKind::Spread {
                return Err(SyntaxError::at(self.pos, "Expect value for ..."));
            }
            let key = symbol::name(self.arena, raw, raw.contains('\\'));
            let key_span = Span::new(key_start, self.pos);
            if raw.contains('\\') {
                self.mark_opaque(caret);
            }
            let found = match (kind, self.frames.last()) {
                (PropKind::Spread, _) | (_, None) => None,
                (_, Some(frame)) => self.props.find(frame, owner, key),
            };
            match found {
                Some(entry) if nested && self.props.entries[entry as usize].nested => owner = entry,
                Some(_) => {
                    let message = format!("Duplicate key: {}", shortened(key));
                    return Err(SyntaxError::new(Span::new(caret, self.pos), message));
                }
                None if nested => owner = self.add_property(owner, key, key_span, kind, true),
                None => {
                    let entry = self.add_property(owner, key, key_span, kind, false);
                    self.begin_value(Pending { entry, levels }, kind);
                    return Ok(());
                }
            }
            levels += 1;
            if self.depth + levels > MAX_DEPTH {
                return Err(SyntaxError::at(self.pos, "Nesting too deep"));
            }
        }
    }

    /// The key that starts at `start`, as written; it ends at a delimiter or at the next `^`.
    fn key(&mut self, start: usize) -> Result<&'s str> {
        let mut at = start;
        while let Some(&byte) = self.bytes.get(at) {
            let class = CLASS[byte as usize];
            if class & DELIMITER != 0 || byte == b'^' {
                break;
            }
            at += if class == ESCAPE { 2 } else { 1 };
        }
        if at > self.bytes.len() {
            return Err(self.dangling_escape());
        }
        if start >= self.bytes.len() {
            return Err(self.unfinished());
        }
        if at == start {
            return Err(SyntaxError::at(start, "Expect key after ^"));
        }
        self.pos = at;
        Ok(&self.text[start..at])
    }

    fn add_property(&mut self, owner: u32, key: &'a str, key_span: Span, kind: PropKind, nested: bool) -> u32 {
        let value = match kind {
            PropKind::Flag => Form { span: key_span, kind: FormKind::True },
            _ => nil(key_span),
        };
        let entry = Entry { owner, nested, prop: Prop { key, key_span, kind, value } };
        match self.frames.last_mut() {
            Some(frame) => self.props.add(frame, entry),
            None => ROOT,
        }
    }

    /// Makes the frame wait for the value, if the property takes one.
    fn begin_value(&mut self, pending: Pending, kind: PropKind) {
        let Some(frame) = self.frames.last_mut() else { return };
        if matches!(kind, PropKind::Value | PropKind::Spread) {
            frame.pending = Some(pending);
            self.depth += pending.levels;
        } else {
            frame.height = frame.height.max(pending.levels);
        }
    }
}

fn misplaced(at: usize) -> SyntaxError {
    SyntaxError::at(at, "properties found in wrong place")
}
