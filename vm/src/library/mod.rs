//! Builtins that need no operating system.
//!
//! Natives never call script code: a method that takes a function starts here at most (to choose a fast path) and goes on in
//! `prelude/*.gene`, under a method of the same name with `_` in front.
pub mod args;
pub mod array;
pub mod bytes;
pub mod cases;
pub mod char;
pub mod collection;
#[cfg(test)]
mod collection_tests;
pub mod csv;
pub mod date;
pub mod date_format;
pub mod duration;
pub mod enums;
pub mod exception;
pub mod format;
pub mod freeze;
pub mod function;
pub mod gene;
pub mod generator;
pub mod hash_map;
pub mod hash_set;
pub mod help;
pub mod iterator;
pub mod json;
pub mod json_read;
pub mod json_write;
pub mod map;
pub mod math;
pub mod number;
pub mod object;
pub mod operator;
pub mod order;
pub mod output;
pub mod parse_number;
pub mod printer;
pub mod random;
pub mod range;
pub mod reading;
pub mod regex;
pub mod search;
pub mod selector;
pub mod serdes;
pub mod serdes_read;
pub mod serdes_write;
pub mod sort;
pub mod string;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod text_index;
pub mod types;

use crate::vm::Vm;

/// What the library keeps per VM between calls.
#[derive(Default)]
pub struct State {
    pub regexes: regex::RegexCache,
    pub lookups: text_index::Lookups,
    pub cases: cases::Cases,
}

/// Puts all builtins of this crate in their classes and namespaces.
pub fn install(vm: &mut Vm) {
    object::install(vm);
    array::install(vm);
    map::install(vm);
    generator::install(vm);
    hash_map::install(vm);
    hash_set::install(vm);
    range::install(vm);
    gene::install(vm);
    iterator::install(vm);
    function::install(vm);
    enums::install(vm);
    exception::install(vm);
    bytes::install(vm);
    cases::install(vm);
    char::install(vm);
    csv::install(vm);
    date::install(vm);
    duration::install(vm);
    format::install(vm);
    json::install(vm);
    math::install(vm);
    number::install(vm);
    regex::install(vm);
    search::install(vm);
    selector::install(vm);
    serdes::install(vm);
    string::install(vm);
    for table in [
        reading::GLOBALS,
        operator::GLOBALS,
        output::GLOBALS,
        object::GLOBALS,
        types::GLOBALS,
        array::GLOBALS,
        range::GLOBALS,
        function::GLOBALS,
    ] {
        vm.add_globals(table);
    }
}
