//! Builtins that need no operating system.
pub mod args;
pub mod bytes;
pub mod char;
pub mod duration;
pub mod format;
pub mod json;
pub mod json_read;
pub mod json_write;
pub mod math;
pub mod number;
pub mod parse_number;
pub mod random;
pub mod regex;
pub mod search;
pub mod string;
pub mod text_index;

/// What the library keeps per VM between calls.
#[derive(Default)]
pub struct State {
    pub regexes: regex::RegexCache,
    pub cursor: text_index::Cursor,
}
