//! What the reader has open: its explicit stack, so that nesting never uses the native one.

/// Open levels the reader accepts. Later passes walk forms recursively and rely on this bound, so everything that nests a
/// form deeper counts: brackets, quotes, decorators, interpolations, `^a^b` shortcuts, `;` chains and `<...>` parts.
pub const MAX_DEPTH: u32 = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameKind {
    Gene {
        frozen: bool,
    },
    Array {
        frozen: bool,
    },
    Map {
        frozen: bool,
    },
    HashMap {
        frozen: bool,
    },
    Quote,
    Unquote {
        discard: bool,
    },
    /// `#@`: takes two forms.
    Decorator,
    /// The text of an interpolated string.
    Interp {
        triple: bool,
    },
    /// `#{...}` inside an interpolated string: reads like a gene.
    Segment,
}

/// Where a gene form stands with its one group of properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    None,
    Open,
    /// A child came after the group: another property is misplaced.
    Closed,
}

/// A property whose value comes next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub entry: u32,
    /// Maps between the frame and the value: `^a^b v` has one.
    pub levels: u32,
}

#[derive(Debug)]
pub(super) struct Frame {
    pub kind: FrameKind,
    /// Offset of the first opening character.
    pub start: usize,
    /// Length of the reader's form stack when the frame was opened; for [`FrameKind::Interp`] of its part stack.
    pub base: usize,
    /// Levels of nesting inside what was read so far. Depth of the frame + height never exceeds [`MAX_DEPTH`].
    pub height: u32,
    /// First entry of the frame's properties on the property stack.
    pub props_base: u32,
    pub props_at: u32,
    pub group: Group,
    /// The frame has a key index of its own on top of the index stack.
    pub indexed: bool,
    /// A `;` was read: the first item is the chain so far.
    pub chained: bool,
    pub pending: Option<Pending>,
}

impl Frame {
    pub fn new(kind: FrameKind, start: usize, base: usize, props_base: u32) -> Frame {
        Frame {
            kind,
            start,
            base,
            height: 0,
            props_base,
            props_at: 0,
            group: Group::None,
            indexed: false,
            chained: false,
            pending: None,
        }
    }

    /// What closes it; nothing for prefixes.
    pub fn closer(&self) -> Option<&'static str> {
        match self.kind {
            FrameKind::Gene { .. } => Some(")"),
            FrameKind::Array { .. } => Some("]"),
            FrameKind::Map { .. } | FrameKind::Segment => Some("}"),
            FrameKind::HashMap { .. } => Some("}}"),
            FrameKind::Quote | FrameKind::Unquote { .. } | FrameKind::Decorator | FrameKind::Interp { .. } => None,
        }
    }

    /// The next item of a gene form; a property's value is none.
    pub fn takes_gene_item(&self) -> bool {
        self.pending.is_none() && matches!(self.kind, FrameKind::Gene { .. } | FrameKind::Segment)
    }
}
