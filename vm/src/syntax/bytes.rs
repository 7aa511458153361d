//! Bytes literals: `0#beef`, `0!1010`, `0*aGk=`.

use super::class::{is_blank, scan_token};
use super::error::{Result, SyntaxError};

/// The bytes of the literal whose `0` stands at `start`, and the offset after it.
pub(super) fn parse(text: &str, start: usize) -> Result<(Vec<u8>, usize)> {
    let (digits, end) = digits(text, start)?;
    let (what, decoded) = match text.as_bytes()[start + 1] {
        b'#' => ("Invalid bytes literal", hex(&digits)),
        b'!' => ("Invalid bytes literal", binary(&digits)),
        _ => ("Invalid base64", base64(&digits)),
    };
    match decoded {
        Some(bytes) if !digits.is_empty() => Ok((bytes, end)),
        _ => Err(SyntaxError::token(what, &text[start..end], start)),
    }
}

/// The digits with their separators removed. A `~` joins digits, also across blanks, so it may neither begin nor end them.
fn digits(text: &str, start: usize) -> Result<(Vec<u8>, usize)> {
    let bytes = text.as_bytes();
    let mut digits = Vec::new();
    let mut at = start + 2;
    let mut joined = true;
    loop {
        let end = scan_token(bytes, at).0.min(bytes.len());
        for &byte in &bytes[at..end] {
            let separator = byte == b'~';
            if separator && joined {
                return Err(SyntaxError::token("Invalid bytes literal", &text[start..end], start));
            }
            if !separator {
                digits.push(byte);
            }
            joined = separator;
        }
        if digits.is_empty() || !joined {
            return Ok((digits, end));
        }
        let next = end + bytes[end..].iter().take_while(|byte| is_blank(**byte)).count();
        // Nothing follows the separator: the token is wrong as it stands.
        if scan_token(bytes, next).0 == next {
            return Err(SyntaxError::token("Invalid bytes literal", &text[start..end], start));
        }
        at = next;
    }
}

fn digit(byte: u8, radix: u32) -> Option<u8> {
    (byte as char).to_digit(radix).map(|digit| digit as u8)
}

fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    digits.chunks(2).map(|pair| pair.iter().try_fold(0, |byte, d| Some(byte << 4 | digit(*d, 16)?))).collect()
}

fn binary(digits: &[u8]) -> Option<Vec<u8>> {
    digits.chunks(8).map(|bits| bits.iter().try_fold(0, |byte, d| Some(byte << 1 | digit(*d, 2)?))).collect()
}

/// Standard alphabet; the padding may be missing but not wrong, and the bits that stand for nothing must be zero.
fn base64(digits: &[u8]) -> Option<Vec<u8>> {
    let padding = digits.iter().rev().take_while(|byte| **byte == b'=').count();
    let digits_without = &digits[..digits.len() - padding];
    if padding > 2 || (padding > 0 && !digits.len().is_multiple_of(4)) {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits_without.len() * 3 / 4);
    for group in digits_without.chunks(4) {
        let mut bits = 0u32;
        for &byte in group {
            bits = bits << 6 | u32::from(sextet(byte)?);
        }
        match group.len() {
            4 => bytes.extend_from_slice(&bits.to_be_bytes()[1..]),
            3 if bits & 0b11 == 0 => bytes.extend_from_slice(&((bits >> 2) as u16).to_be_bytes()),
            2 if bits & 0b1111 == 0 => bytes.push((bits >> 4) as u8),
            _ => return None,
        }
    }
    Some(bytes)
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        let (bytes, end) = parse(text, 0).expect(text);
        assert_eq!(end, text.len(), "{text}");
        bytes
    }

    fn error(text: &str) -> String {
        parse(text, 0).expect_err(text).message
    }

    #[test]
    fn hex_digits_come_in_pairs() {
        assert_eq!(bytes("0#deadBEEF"), [0xde, 0xad, 0xbe, 0xef]);
        assert_eq!(bytes("0#00"), [0]);
    }

    #[test]
    fn a_lone_last_hex_digit_is_a_byte() {
        assert_eq!(bytes("0#abc"), [0xab, 0x0c]);
        assert_eq!(bytes("0#7"), [7]);
    }

    #[test]
    fn binary_digits_come_in_eights() {
        assert_eq!(bytes("0!1010"), [0b1010]);
        assert_eq!(bytes("0!1000000011"), [0x80, 3]);
        assert_eq!(bytes("0!1111~0000"), [0xf0]);
    }

    #[test]
    fn base64_padding_is_optional() {
        assert_eq!(bytes("0*aGk="), b"hi");
        assert_eq!(bytes("0*aGk"), b"hi");
        assert_eq!(bytes("0*YQ=="), b"a");
        assert_eq!(bytes("0*YWJj"), b"abc");
        assert_eq!(bytes("0*+/+/"), [0xfb, 0xff, 0xbf]);
    }

    #[test]
    fn a_tilde_separates_digits_across_blanks() {
        assert_eq!(bytes("0#dead~beef"), [0xde, 0xad, 0xbe, 0xef]);
        assert_eq!(bytes("0#de~ \n\t ad"), [0xde, 0xad]);
        assert_eq!(bytes("0*YW~Jj"), b"abc");
    }

    #[test]
    fn the_literal_ends_at_a_delimiter() {
        assert_eq!(parse("[0#ab cd]", 1), Ok((vec![0xab], 5)));
    }

    #[test]
    fn a_literal_without_digits_is_invalid() {
        for text in ["0#", "0!"] {
            assert_eq!(error(text), format!("Invalid bytes literal: {text}"));
        }
        assert_eq!(error("0*"), "Invalid base64: 0*");
    }

    #[test]
    fn a_tilde_without_digits_on_both_sides_is_invalid() {
        for text in ["0#~ab", "0#ab~", "0#a~~b"] {
            assert_eq!(error(text), format!("Invalid bytes literal: {text}"));
        }
        assert_eq!(error("0#ab~ )"), "Invalid bytes literal: 0#ab~");
    }

    #[test]
    fn wrong_digits_are_invalid() {
        assert_eq!(error("0#xy"), "Invalid bytes literal: 0#xy");
        assert_eq!(error("0!12"), "Invalid bytes literal: 0!12");
        for text in ["0*a", "0*abcde", "0*a-b_", "0*YQ=", "0*YQ===", "0*Y=Q=", "0*====", "0*YR=="] {
            assert_eq!(error(text), format!("Invalid base64: {text}"));
        }
    }
}
