//! The error the reader stops with.

use std::fmt;

use super::form::Span;

/// Why the text could not be read. `span` starts at the offending character; for an unclosed bracket or string at the
/// opening one. The message holds no position: whoever knows the source adds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    pub span: Span,
    pub message: String,
    /// The input ended inside a form, string, regex or block comment: more input could make it readable. The REPL then
    /// asks for another line.
    pub incomplete: bool,
}

pub(super) type Result<T> = std::result::Result<T, SyntaxError>;

/// Tokens quoted in messages are cut after this many characters, so a message stays small whatever the input is.
const MAX_QUOTED: usize = 100;

impl SyntaxError {
    pub(super) fn new(span: Span, message: impl Into<String>) -> SyntaxError {
        SyntaxError { span, message: message.into(), incomplete: false }
    }

    /// An error about the one character at `at`.
    pub(super) fn at(at: usize, message: impl Into<String>) -> SyntaxError {
        SyntaxError::new(Span::new(at, at + 1), message)
    }

    /// The input ended inside something that was opened at `open`.
    pub(super) fn unfinished(open: usize, message: impl Into<String>) -> SyntaxError {
        SyntaxError { incomplete: true, ..SyntaxError::at(open, message) }
    }

    /// `WHAT: TOKEN`, about the whole token.
    pub(super) fn token(what: &str, token: &str, start: usize) -> SyntaxError {
        SyntaxError::new(Span::new(start, start + token.len()), format!("{what}: {}", shortened(token)))
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SyntaxError {}

/// The token as messages show it.
pub(super) fn shortened(token: &str) -> String {
    match token.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{}...", &token[..end]),
        None => token.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_token_is_cut_in_messages() {
        let error = SyntaxError::token("Invalid number", &"9é".repeat(1000), 5);
        assert_eq!(error.message, format!("Invalid number: {}...", "9é".repeat(50)));
        assert_eq!(error.span, Span::new(5, 3005));
    }
}
