//! Builtins that need no operating system.
pub mod args;
pub mod array;
pub mod char;
pub mod collection;
pub mod float;
pub mod hash_map;
pub mod hash_set;
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
    char::install(vm);
    math::install(vm);
    number::install(vm);
    regex::install(vm);
    search::install(vm);
    string::install(vm);
}
