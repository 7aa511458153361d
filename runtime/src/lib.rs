//! Gene for Rust programs: virtual machines with files, processes, clocks and standard streams.
#![forbid(unsafe_code)]
pub mod driver;
pub mod pool;
