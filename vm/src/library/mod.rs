//! Builtins that need no operating system.
pub mod args;
pub mod float;
pub mod printer;
pub mod random;
