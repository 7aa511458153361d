//! Benchmarks, and the programs they run.
//!
//! `programs/` holds the CPU programs in Gene, `peers/` the same ones in other languages; `run.py` runs both and prints
//! ratios. `library.py` compares the library on large data with CPython's, `overhead.py` counts the instructions that
//! polling costs, `memory.py` the bytes of values and tasks. The crate has no code of its own: `tests/programs.rs` checks
//! what the Gene programs print.
