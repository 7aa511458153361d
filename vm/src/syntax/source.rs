//! Source texts.

pub struct Source {
    pub name: String,
    pub text: String,
}
