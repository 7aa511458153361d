//! Where the brackets, comments and literals of a text stand, for tools that lay it out anew.
//!
//! The marks come from the reader itself, so a tool never disagrees with it about what a bracket or a string is.
use bumpalo::Bump;

use super::error::Result;
use super::form::Span;
use super::reader;

/// One place of the text that matters to its layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// An opening bracket with its prefix (`#[`, `{{`).
    Open {
        span: Span,
        /// `[`, `{`, `{{`: elements may line up with the first one. Not so `(`.
        lines_up: bool,
    },
    Close {
        span: Span,
    },
    /// A line comment, up to its line end.
    Comment {
        span: Span,
    },
    /// A literal or block comment: its inside is not touched, not even the line ends.
    Opaque {
        span: Span,
        comment: bool,
    },
}

impl Mark {
    pub fn span(&self) -> Span {
        match *self {
            Mark::Open { span, .. } | Mark::Close { span } | Mark::Comment { span } | Mark::Opaque { span, .. } => span,
        }
    }
}

/// The marks of a readable text, in order and without overlaps: nothing inside an opaque place is marked.
///
/// ```
/// use gene_vm::syntax::layout::{Mark, layout};
///
/// let marks = layout("(f \"(\") # )").unwrap();
/// assert!(matches!(marks[..], [Mark::Open { .. }, Mark::Opaque { .. }, Mark::Close { .. }, Mark::Comment { .. }]));
/// ```
pub fn layout(text: &str) -> Result<Vec<Mark>> {
    let mut marks = reader::read_marking(&Bump::new(), text)?;
    // An interpolated string is marked when it ends, after what stands in it.
    marks.sort_by_key(|m| (m.span().start, u32::MAX - m.span().end));
    let mut end = 0;
    marks.retain(|m| {
        let inside = m.span().start < end;
        if !inside && matches!(m, Mark::Opaque { .. }) {
            end = m.span().end;
        }
        !inside
    });
    Ok(marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        layout(text).unwrap().iter().map(|m| &text[m.span().start as usize..m.span().end as usize]).collect()
    }

    #[test]
    fn brackets_come_with_their_prefixes() {
        assert_eq!(texts("(a #[{{1 2}}] {^k #{}})"), ["(", "#[", "{{", "}}", "]", "{", "#{", "}", "}", ")"]);
    }

    #[test]
    fn brackets_inside_literals_and_comments_are_none() {
        for literal in
            ["\"a(b\"", "#\"x#{(f [1])}y\"", "#r\"(\"", "'('", "#/(/", "#< ( >#", "a\\(b", "\"\"\"\n(\n\"\"\""]
        {
            assert_eq!(texts(&format!("({literal} 1)")), ["(", literal, ")"], "{literal}");
        }
        assert_eq!(texts("(a # (\n)"), ["(", "# (", ")"]);
    }

    #[test]
    fn keys_with_escapes_are_literals_too() {
        assert_eq!(texts("{^a\\ \n1}"), ["{", "^a\\ ", "}"]);
    }
}
