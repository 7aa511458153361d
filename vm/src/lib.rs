//! The Gene language: reader, compiler, bytecode VM, heap, tasks. No I/O, no OS calls.
pub mod bytecode;
pub mod compile;
pub mod driver;
pub mod heap;
pub mod interp;
pub mod library;
pub mod native;
pub mod object;
pub mod prelude;
pub mod syntax;
pub mod task;
pub mod value;
pub mod vm;
