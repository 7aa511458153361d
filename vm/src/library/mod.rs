//! Builtins that need no operating system.
pub mod random;
