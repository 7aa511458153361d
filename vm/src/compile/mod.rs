//! Forms to bytecode, in two steps: [`lower`] gives every name and special form its meaning and makes [`hir`]; code generation
//! turns HIR into bytecode.
pub mod hir;
#[cfg(test)]
mod hir_print;
pub mod lower;
