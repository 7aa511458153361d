//! Builtins that need no operating system.
pub mod args;
pub mod array;
pub mod bytes;
pub mod char;
pub mod collection;
pub mod duration;
pub mod float;
pub mod format;
pub mod hash_map;
pub mod hash_set;
pub mod json;
pub mod json_read;
pub mod json_write;
pub mod map;
pub mod math;
pub mod number;
pub mod order;
pub mod parse_number;
pub mod printer;
pub mod random;
pub mod regex;
pub mod search;
pub mod sort;
pub mod string;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod text_index;

/// What the library keeps per VM between calls.
#[derive(Default)]
pub struct State {
    pub regexes: regex::RegexCache,
    pub cursor: text_index::Cursor,
}

/// Everything of this crate.
pub fn install(vm: &mut crate::vm::Vm) {
    array::install(vm);
    map::install(vm);
    hash_map::install(vm);
    hash_set::install(vm);
    bytes::install(vm);
    char::install(vm);
    duration::install(vm);
    format::install(vm);
    json::install(vm);
    math::install(vm);
    number::install(vm);
    regex::install(vm);
    search::install(vm);
    string::install(vm);
}
