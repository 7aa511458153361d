//! Methods of Char and Symbol, and the character tests that Strings share.
use super::args::{int, wrong_kind};
use crate::def;
use crate::native::{Args, NativeDef, R, Stop};
use crate::value::Value;
use crate::vm::Vm;

/// The zeros of Unicode's decimal digits (general category Nd, Unicode 16): each starts a run of ten.
#[rustfmt::skip]
const DECIMAL_ZEROS: [u32; 76] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900,
    0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450,
    0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da, 0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50, 0x11d50, 0x11da0, 0x11f50,
    0x16130, 0x16a60, 0x16ac0, 0x16b50, 0x16d70, 0x1ccf0, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0,
    0x1e4f0, 0x1e5f1, 0x1e950, 0x1fbf0,
];

/// The value of a decimal digit of any script.
pub fn digit_value(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    let c = c as u32;
    let i = DECIMAL_ZEROS.partition_point(|&z| z <= c);
    let d = c - DECIMAL_ZEROS[i.checked_sub(1)?];
    if d < 10 { Some(d) } else { None }
}

/// A test on one character.
pub type Test = fn(char) -> bool;

pub fn is_digit(c: char) -> bool {
    digit_value(c).is_some()
}

fn this(vm: &mut Vm, a: &Args) -> Result<char, Stop> {
    match a.this().as_char() {
        Some(c) => Ok(c),
        None => Err(wrong_kind(vm, "Char method", "Char", a.this())),
    }
}

fn test(vm: &mut Vm, a: &Args, t: Test) -> R {
    Ok(Value::bool(t(this(vm, a)?)))
}

/// The result of a case mapping, when it is one character.
fn single(mut mapped: impl Iterator<Item = char>, otherwise: char) -> Value {
    match (mapped.next(), mapped.next()) {
        (Some(c), None) => Value::char(c),
        _ => Value::char(otherwise),
    }
}

fn upper(vm: &mut Vm, a: &Args) -> R {
    let c = this(vm, a)?;
    Ok(single(c.to_uppercase(), c))
}

fn lower(vm: &mut Vm, a: &Args) -> R {
    let c = this(vm, a)?;
    Ok(single(c.to_lowercase(), c))
}

fn to_i(vm: &mut Vm, a: &Args) -> R {
    match digit_value(this(vm, a)?) {
        Some(d) => Ok(Value::small(d as i64)),
        None => Err(vm.argument_error("to_i requires a digit")),
    }
}

fn to_s(vm: &mut Vm, a: &Args) -> R {
    let c = this(vm, a)?;
    Ok(vm.str(c.encode_utf8(&mut [0; 4])))
}

/// The Char with a code; surrogates and numbers past the last code point are errors.
pub fn from_code(vm: &mut Vm, name: &str, v: Value) -> R {
    let i = int(vm, name, v)?;
    match u32::try_from(i).ok().and_then(char::from_u32) {
        Some(c) => Ok(Value::char(c)),
        None => Err(vm.argument_error(&format!("Invalid code point: {i}"))),
    }
}

pub static CHAR: &[NativeDef] = &[
    def!(
        "code",
        |vm, a| Ok(Value::small(this(vm, a)? as i64)),
        0,
        0,
        "(c .code) -- The code point as an Int.
        ('a' .code) => 97"
    ),
    def!(
        "to_s",
        to_s,
        0,
        0,
        r#"(c .to_s) -- A String of one character.
        ('a' .to_s) => "a""#
    ),
    def!(
        "to_sym",
        |vm, a| {
            let c = this(vm, a)?;
            Ok(Value::sym(vm.sym(c.encode_utf8(&mut [0; 4]))))
        },
        0,
        0,
        "(c .to_sym) -- The Symbol named so.
        ('a' .to_sym) => a"
    ),
    def!(
        "to_upper",
        upper,
        0,
        0,
        "(c .to_upper) -- The upper-case Char, itself when it has none.
        ('ä' .to_upper) => 'Ä'"
    ),
    def!(
        "to_lower",
        lower,
        0,
        0,
        "(c .to_lower) -- The lower-case Char, itself when it has none.
        ('Ä' .to_lower) => 'ä'"
    ),
    def!(
        "to_i",
        to_i,
        0,
        0,
        "(c .to_i) -- The value of a decimal digit.
        ('7' .to_i) => 7"
    ),
    def!(
        "to_bool",
        |_, _| Ok(Value::TRUE),
        0,
        0,
        "(c .to_bool) -- true.
        ('a' .to_bool) => true"
    ),
    def!(
        "numeric?",
        |vm, a| test(vm, a, char::is_numeric),
        0,
        0,
        "(c .numeric?) -- Is it a number of any script?
        ('½' .numeric?) => true"
    ),
    def!(
        "alpha?",
        |vm, a| test(vm, a, char::is_alphabetic),
        0,
        0,
        "(c .alpha?) -- Is it a letter?
        ('ä' .alpha?) => true"
    ),
    def!(
        "digit?",
        |vm, a| test(vm, a, is_digit),
        0,
        0,
        "(c .digit?) -- Is it a decimal digit?
        ('7' .digit?) => true"
    ),
    def!(
        "upper?",
        |vm, a| test(vm, a, char::is_uppercase),
        0,
        0,
        "(c .upper?) -- Is it an upper-case letter?
        ('A' .upper?) => true"
    ),
    def!(
        "lower?",
        |vm, a| test(vm, a, char::is_lowercase),
        0,
        0,
        "(c .lower?) -- Is it a lower-case letter?
        ('A' .lower?) => false"
    ),
    def!(
        "space?",
        |vm, a| test(vm, a, char::is_whitespace),
        0,
        0,
        "(c .space?) -- Is it white space?
        (' ' .space?) => true"
    ),
];

pub static CHAR_STATICS: &[NativeDef] = &[def!(
    "from",
    |vm, a| from_code(vm, "from", a.get(0)),
    1,
    1,
    "(Char .from code) -- The Char with this code point.
        (Char/from 97) => 'a'"
)];

fn symbol_name(vm: &mut Vm, a: &Args) -> R {
    match a.this().as_sym() {
        Some(s) => Ok(vm.sym_string(s)),
        None => Err(wrong_kind(vm, "Symbol method", "Symbol", a.this())),
    }
}

fn symbol_size(vm: &mut Vm, a: &Args) -> R {
    let name = symbol_name(vm, a)?;
    Ok(Value::small(vm.as_string(name).map_or(0, |s| s.char_len()) as i64))
}

pub static SYMBOL: &[NativeDef] = &[
    def!(
        "name",
        symbol_name,
        0,
        0,
        r#"(s .name) -- The name as a String.
        (`abc .name) => "abc""#
    ),
    def!(
        "to_s",
        symbol_name,
        0,
        0,
        r#"(s .to_s) -- The name as a String.
        (`abc .to_s) => "abc""#
    ),
    def!(
        "size",
        symbol_size,
        0,
        0,
        "(s .size) -- Code points of the name.
        (`abc .size) => 3"
    ),
    def!(
        "length",
        symbol_size,
        0,
        0,
        "(s .length) -- Code points of the name.
        (`abc .length) => 3"
    ),
    def!(
        "to_sym",
        |_, a| Ok(a.this()),
        0,
        0,
        "(s .to_sym) -- Itself.
        (`abc .to_sym) => abc"
    ),
    def!(
        "to_bool",
        |_, _| Ok(Value::TRUE),
        0,
        0,
        "(s .to_bool) -- true.
        (`abc .to_bool) => true"
    ),
];

pub fn install(vm: &mut Vm) {
    let (char_class, symbol_class) = (vm.classes.char, vm.classes.symbol);
    vm.add_methods(char_class, CHAR);
    vm.add_statics(char_class, CHAR_STATICS);
    vm.add_methods(symbol_class, SYMBOL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_digits_of_any_script_have_a_value() {
        assert_eq!(digit_value('7'), Some(7));
        assert_eq!(digit_value('a'), None);
        assert_eq!(digit_value('\u{663}'), Some(3));
        assert_eq!(digit_value('\u{1fbf9}'), Some(9));
        assert_eq!(digit_value('\u{bd}'), None);
        assert!(DECIMAL_ZEROS.is_sorted());
        assert!(DECIMAL_ZEROS.iter().all(|&z| (0..10).all(|i| char::from_u32(z + i).unwrap().is_numeric())));
    }
}
