//! The Gene language: reader, compiler, bytecode VM, heap, tasks. No I/O, no OS calls.
pub mod boot;
pub mod bytecode;
pub mod compile;
pub mod driver;
pub mod heap;
pub mod interp;
pub mod kinds;
pub mod library;
pub mod modules;
pub mod native;
pub mod object;
pub mod prelude;
pub mod stack;
pub mod syntax;
pub mod task;
pub mod value;
pub mod vm;
