//! Gene for Rust programs: virtual machines with files, processes, clocks and standard streams.
#![forbid(unsafe_code)]
mod buffered;
pub mod driver;
pub mod environment;
mod file_stream;
pub mod glob;
mod input;
pub mod options;
pub mod output;
pub mod path;
pub mod pool;

/// The system's text for an error, without the number the standard library adds.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}
