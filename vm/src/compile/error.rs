//! Errors found before anything runs.
use crate::syntax::form::Span;

/// One compile error (9.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    pub span: Span,
    pub message: String,
}

impl CompileError {
    pub fn new(span: Span, message: impl Into<String>) -> CompileError {
        CompileError { span, message: message.into() }
    }
}
