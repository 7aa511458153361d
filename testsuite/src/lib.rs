//! The test suite of the language: `.gene` programs, and what it takes to run and judge them.
//!
//! `programs/AREA/SENTENCE.gene` holds one behaviour per file; the file name says which. The first lines of a program
//! are its [headers](headers): what it must print, with which exit code, under which clock. Each program runs in every
//! [mode](run::Mode), because the observable behaviour of a program may depend neither on when the collector runs nor
//! on how often the event loop is polled.
//!
//! ```text
//! cargo test -p gene-testsuite                          # everything
//! cargo test -p gene-testsuite --test programs classes  # the programs whose name contains "classes"
//! cargo test -p gene-testsuite --test docs              # code blocks of README.md and docs/
//! GENE_DOC_DIRS=a:b cargo test -p gene-testsuite --test docs   # code blocks of other folders
//! GENE_BIN=path/to/gene ...                             # the `gene` command to test
//! ```
//!
//! # Implementation
//!
//! Only [`run`] knows how a program is started; [`judge`] compares what came out with what the headers ask for, and
//! [`diff`] shows the difference. [`markdown`] finds the programs inside documentation. [`mutate`] damages programs for
//! the fuzzer; [`fuzzing`] compiles and runs them (`src/bin/fuzz.rs`). [`model`] compares random
//! concurrent programs with a reference model (`tests/model.rs`, `src/bin/model.rs`).

pub mod diff;
pub mod discover;
pub mod fuzzing;
pub mod headers;
pub mod judge;
pub mod markdown;
pub mod model;
pub mod mutate;
pub mod run;
