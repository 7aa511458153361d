//! Code as data that is neither symbol nor gene: quoted paths, quotes and unquotes, interpolated strings.
//!
//! ```text
//! Path        text as written, Array of parts: Symbol for names and marks (`.size`, `!`, `<x>`, empty for a leading `/`), Int for
//!             indices
//! Quote       the form; header.aux tells which mark stands before it
//! InterpData  texts and forms in turn, a text first (maybe empty)
//! ```
use crate::heap::{Heap, Kind};
use crate::value::Value;

/// `` `x ``
pub const QUOTE: u16 = 0;
/// `%x`
pub const UNQUOTE: u16 = 1;
/// `%_x`
pub const DISCARD: u16 = 2;
/// `%x...`
pub const SPLICE: u16 = 3;

impl Heap {
    pub fn path_data(&mut self, text: &str, parts: &[Value]) -> Value {
        let text = self.string(text).value();
        let parts = self.array(parts).value();
        self.record(Kind::Path, 0, &[text, parts]).value()
    }
    pub fn quote_data(&mut self, mark: u16, form: Value) -> Value {
        self.record(Kind::Quote, mark, &[form]).value()
    }
    /// `parts` alternate between texts and forms, starting with a text.
    pub fn interp_data(&mut self, parts: &[Value]) -> Value {
        self.record(Kind::InterpData, 0, parts).value()
    }
}
