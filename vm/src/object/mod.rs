//! Layouts and operations of heap objects, one kind per file.
pub mod array;
pub mod class;
pub mod code;
pub mod enums;
pub mod fiber;
pub mod foreign;
pub mod function;
pub mod gene;
pub mod interface;
pub mod map;
pub mod namespace;
pub mod range;
pub mod shape;
pub mod string;
pub mod symbol;
pub mod table;
pub mod temporal;
