//! Reading arguments: what natives expect, and the messages when they get something else.
use crate::heap::{Gc, Kind};
use crate::native::Stop;
use crate::object::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// `NAME expects KIND, got KIND`.
#[cold]
#[inline(never)]
pub fn wrong_kind(vm: &mut Vm, name: &str, expected: &str, got: Value) -> Stop {
    let m = format!("{name} expects {expected}, got {}", vm.kind_name(got));
    vm.type_error(&m)
}

#[inline]
pub fn int(vm: &mut Vm, name: &str, v: Value) -> Result<i64, Stop> {
    match v.as_int() {
        Some(i) => Ok(i),
        None => Err(wrong_kind(vm, name, "Int", v)),
    }
}

#[inline]
pub fn string<'a>(vm: &mut Vm, name: &str, v: Value) -> Result<&'a str, Stop> {
    match v.as_str() {
        Some(s) => Ok(s),
        None => Err(wrong_kind(vm, name, "String", v)),
    }
}

/// The receiver of a String method. A method called through its class can get anything.
#[inline]
pub fn this_string(vm: &mut Vm, v: Value) -> Result<Gc<Str>, Stop> {
    match v.get::<Str>(Kind::Str) {
        Some(s) => Ok(s),
        None => Err(wrong_kind(vm, "String method", "String", v)),
    }
}

/// A String or a Char as text.
pub enum Text<'a> {
    Str(&'a str),
    Char([u8; 4], usize),
}

impl std::ops::Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        match self {
            Text::Str(s) => s,
            Text::Char(b, n) => std::str::from_utf8(&b[..*n]).unwrap_or(""),
        }
    }
}

impl<'a> Text<'a> {
    pub fn of(v: Value) -> Option<Text<'a>> {
        if let Some(s) = v.as_str() {
            return Some(Text::Str(s));
        }
        let mut b = [0; 4];
        let n = v.as_char()?.encode_utf8(&mut b).len();
        Some(Text::Char(b, n))
    }
}

pub fn text<'a>(vm: &mut Vm, name: &str, v: Value) -> Result<Text<'a>, Stop> {
    match Text::of(v) {
        Some(t) => Ok(t),
        None => Err(wrong_kind(vm, name, "String", v)),
    }
}
