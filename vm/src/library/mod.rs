//! Builtins that need no operating system.
pub mod args;
pub mod random;
