//! Forms to bytecode, in two steps: [`lower`] gives every name and special form its meaning and makes [`hir`]; [`codegen`]
//! turns HIR into bytecode.
pub mod codegen;
pub mod comptime;
pub mod error;
pub mod hir;
#[cfg(test)]
pub mod hir_print;
pub mod lower;
pub mod quote;
pub mod tools;
pub mod ty;
pub mod types;
pub mod unquote;
pub mod verify;
