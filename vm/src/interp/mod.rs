//! The interpreter.
pub mod cache;

/// Words above a frame's registers that the interpreter may use to build a call of its own (operator methods, `to_s`, `next`).
pub const SCRATCH: usize = 8;
