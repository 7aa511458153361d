//! Source text to forms: the reader, spans, source maps and diagnostics.
//!
//! The reader turns text into [`form::Form`]s in a `bumpalo` arena. Forms are plain `Copy` data: the compiler walks them, and
//! quoting turns them into heap values.
pub mod form;
pub mod source;
