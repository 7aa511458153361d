//! Integer and float literals.

use super::duration;
use super::error::{Result, SyntaxError};
use super::form::{FormKind, Span};

/// The value of a token that starts with a digit, or a sign and a digit, and is neither a date nor a time nor bytes. The
/// reader has tried [`small_decimal`] before.
pub(super) fn parse<'a>(token: &str, start: usize) -> Result<FormKind<'a>> {
    let (negative, digits) = match token.as_bytes()[0] {
        b'-' => (true, &token[1..]),
        b'+' => (false, &token[1..]),
        _ => (false, token),
    };
    let radix = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'b' | b'B', ..] => 2,
        [b'0', b'o' | b'O', ..] => 8,
        _ => 10,
    };
    let whole = if radix == 10 { digits } else { &digits[2..] };
    if is_grouped(whole.as_bytes(), radix) {
        let value = integer(negative, whole.as_bytes(), radix);
        return value
            .map(FormKind::Int)
            .ok_or_else(|| SyntaxError::new(Span::new(start, start + token.len()), "Integer literal out of range"));
    }
    if radix == 10 {
        if let Some(value) = float(token, digits.as_bytes()) {
            if value.is_infinite() {
                return Err(SyntaxError::new(Span::new(start, start + token.len()), "Float literal out of range"));
            }
            return Ok(FormKind::Float(value));
        }
        if let Some(micros) = duration::parse(token, start)? {
            return Ok(FormKind::Duration(micros));
        }
    }
    Err(SyntaxError::token("Invalid number", token, start))
}

/// The usual literal, read without any detour: at most 18 digits cannot overflow.
pub(super) fn small_decimal(token: &[u8]) -> Option<i64> {
    let (negative, digits) = match token {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, token),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

/// Digits of the base, with `_` only between digits.
fn is_grouped(digits: &[u8], radix: u32) -> bool {
    let is_digit = |byte: &u8| (*byte as char).is_digit(radix);
    digits.first().is_some_and(is_digit)
        && digits.last().is_some_and(is_digit)
        && digits.iter().all(|byte| *byte == b'_' || is_digit(byte))
}

/// `None` when the value does not fit. Counts downwards, because the negative range is the larger one.
fn integer(negative: bool, digits: &[u8], radix: u32) -> Option<i64> {
    let mut value = 0i64;
    for &byte in digits {
        if let Some(digit) = (byte as char).to_digit(radix) {
            value = value.checked_mul(i64::from(radix))?.checked_sub(i64::from(digit))?;
        }
    }
    if negative { Some(value) } else { value.checked_neg() }
}

/// `digits` is the token without its sign.
fn float(token: &str, digits: &[u8]) -> Option<f64> {
    let run = |from: usize| from + digits[from..].iter().take_while(|b| b.is_ascii_digit() || **b == b'_').count();
    let mut at = run(0);
    if !is_grouped(&digits[..at], 10) {
        return None;
    }
    if digits.get(at) == Some(&b'.') {
        let end = run(at + 1);
        if end > at + 1 && !is_grouped(&digits[at + 1..end], 10) {
            return None;
        }
        at = end;
    }
    if matches!(digits.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(digits.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        let end = at + digits[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        if end == at {
            return None;
        }
        at = end;
    }
    if at != digits.len() {
        return None;
    }
    if token.contains('_') { token.replace('_', "").parse().ok() } else { token.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(token: &str) -> i64 {
        let small = small_decimal(token.as_bytes());
        match parse(token, 0) {
            Ok(FormKind::Int(value)) => {
                assert!(small.is_none_or(|small| small == value), "{token}");
                value
            }
            other => panic!("{token}: {other:?}"),
        }
    }

    fn float(token: &str) -> f64 {
        match parse(token, 0) {
            Ok(FormKind::Float(value)) => value,
            other => panic!("{token}: {other:?}"),
        }
    }

    fn error(token: &str) -> String {
        parse(token, 0).expect_err(token).message
    }

    #[test]
    fn integers_have_four_bases() {
        assert_eq!(int("42"), 42);
        assert_eq!(int("007"), 7);
        assert_eq!(int("0xff"), 255);
        assert_eq!(int("0XFf"), 255);
        assert_eq!(int("0b101"), 5);
        assert_eq!(int("0B11"), 3);
        assert_eq!(int("0o17"), 15);
        assert_eq!(int("0O7"), 7);
    }

    #[test]
    fn a_sign_belongs_to_every_base() {
        assert_eq!(int("-5"), -5);
        assert_eq!(int("+5"), 5);
        assert_eq!(int("-0x10"), -16);
        assert_eq!(int("+0b1"), 1);
    }

    #[test]
    fn underscores_stand_between_digits() {
        assert_eq!(int("1_000_000"), 1_000_000);
        assert_eq!(int("0xff_ff"), 65535);
        assert_eq!(int("0b1__0"), 2);
        assert_eq!(float("1_0.2_5"), 10.25);
        for token in ["1_", "0x_f", "0xf_", "1_.5", "1._5", "1.5_"] {
            assert_eq!(error(token), format!("Invalid number: {token}"));
        }
    }

    #[test]
    fn the_limits_of_int_are_readable() {
        assert_eq!(int("9223372036854775807"), i64::MAX);
        assert_eq!(int("-9223372036854775808"), i64::MIN);
        assert_eq!(int("-0x8000000000000000"), i64::MIN);
        assert_eq!(int("0000000000000000000000000000001"), 1);
        assert_eq!(small_decimal(b"999999999999999999"), Some(999_999_999_999_999_999));
        assert_eq!(small_decimal(b"-999999999999999999"), Some(-999_999_999_999_999_999));
        assert_eq!(small_decimal(b"1000000000000000000"), None);
    }

    #[test]
    fn an_integer_beyond_64_bits_is_out_of_range() {
        for token in ["9223372036854775808", "-9223372036854775809", "0x8000000000000000", "0xffffffffffffffff"] {
            assert_eq!(error(token), "Integer literal out of range");
        }
        assert_eq!(error(&"9".repeat(100_000)), "Integer literal out of range");
    }

    #[test]
    fn floats_have_a_dot_or_an_exponent() {
        assert_eq!(float("1.5"), 1.5);
        assert_eq!(float("1."), 1.0);
        assert_eq!(float("-0.25"), -0.25);
        assert_eq!(float("+2.0"), 2.0);
        assert_eq!(float("1e3"), 1000.0);
        assert_eq!(float("1E-3"), 0.001);
        assert_eq!(float("2.5e+2"), 250.0);
        assert_eq!(float("1.e2"), 100.0);
        assert!(float("-0.0").is_sign_negative());
        assert_eq!(float("5e-324"), 5e-324);
        assert_eq!(float("1e-999"), 0.0);
    }

    #[test]
    fn a_float_literal_is_never_infinite() {
        assert_eq!(error("1e400"), "Float literal out of range");
    }

    #[test]
    fn a_number_must_end_at_a_delimiter() {
        for token in
            ["12ab", "1..4", "1.5.2", "1/2", "5.to_s", "0x", "0xg", "0b2", "0o8", "1e", "1e+", "1:a", "2024-05", "1é"]
        {
            assert_eq!(error(token), format!("Invalid number: {token}"));
        }
    }
}
