//! The part of the library written in Gene, compiled function by function when first called.

/// Which functions have been compiled.
#[derive(Default)]
pub struct Prelude {}
