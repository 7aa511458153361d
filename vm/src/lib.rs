//! The Gene language: reader, compiler, bytecode VM, heap, tasks. No I/O, no OS calls.
pub mod compile;
pub mod syntax;
