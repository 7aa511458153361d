//! Gene for Rust programs: virtual machines with files, processes, clocks and standard streams.
#![forbid(unsafe_code)]
mod bridge;
mod buffered;
mod builder;
mod call;
mod completer;
mod deserialize;
pub mod driver;
pub mod environment;
mod examples;
pub mod file_ops;
mod file_stream;
mod formatter;
mod forms;
mod function;
pub mod glob;
mod handle;
mod help;
mod hints;
mod host;
mod input;
mod interrupt;
mod library;
mod loader;
mod names;
pub mod options;
pub mod output;
pub mod package;
pub mod path;
mod pipe;
pub mod pool;
pub mod report;
mod testing;
mod vm;

pub use builder::VmBuilder;
pub use completer::{Completer, Completion, completer};
pub use formatter::{format_bytes, format_source};
pub use forms::{FormStyle, is_incomplete};
pub use handle::Handle;
pub use interrupt::InterruptHandle;
pub use loader::FsLoader;
pub use pipe::PipeOutput;
pub use report::Diagnostics;
pub use testing::{TestCase, TestFailure, TestFile, Verdict};
pub use vm::{Error, Print, Vm};

pub use gene_vm::driver::{Driver, HostError, HostFuture, HostKey, HostResult, HostValue};
pub use gene_vm::library::help::{Entry, Home};

/// Of the language and this crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The system's text for an error, without the number the standard library adds.
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// The examples of the documentation's page, as tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/embedding.md")]
struct EmbeddingPage;
