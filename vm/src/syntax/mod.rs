//! Source text to forms: the reader, spans, source maps and diagnostics.
//!
//! The reader turns text into [`form::Form`]s in a `bumpalo` arena. Forms are plain `Copy` data: the compiler walks them,
//! and quoting turns them into heap values.
//!
//! # Where things are
//!
//! `reader` has the main loop, brackets and tokens, `frame` its stack, and each kind of literal a file of its own.
//! [`source`] knows lines and columns, [`diagnostic`] shows findings, [`quote`] writes strings so that they read back.
#![forbid(unsafe_code)]

mod bytes;
mod class;
mod datetime;
pub mod diagnostic;
pub(crate) mod duration;
mod error;
pub mod form;
mod frame;
pub mod layout;
mod number;
mod path;
mod property;
pub mod quote;
mod reader;
mod regex;
pub mod source;
mod string;
mod symbol;
#[cfg(test)]
mod tests;

/// What is wrong with the name of a time zone, if anything.
pub fn check_zone_name(name: &str) -> Result<(), String> {
    datetime::check_zone_name(name, 0).map_err(|e| e.message)
}

pub use diagnostic::{Diagnostic, Severity, Stage};
pub use error::SyntaxError;
pub use frame::MAX_DEPTH;
pub use path::dynamic_method;
pub use reader::{decode, read, read_bytes, read_first, read_printed};
pub use source::{Source, SourceId, SourceMap};
