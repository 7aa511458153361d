//! Reading numbers from texts (`.to_i`, `.to_f`).

/// Digits in `base` (2 to 36) with an optional sign. White space around and `_` between digits are allowed; no prefix.
pub fn parse_int(text: &str, base: u32) -> Option<i64> {
    let t = text.trim().as_bytes();
    let (negative, digits) = match t.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, t),
    };
    let mut n: i64 = 0;
    let mut after_digit = false;
    for &b in digits {
        if b == b'_' && after_digit {
            after_digit = false;
            continue;
        }
        let d = (b as char).to_digit(base)? as i64;
        // Counting downwards reaches the least Int too.
        n = n.checked_mul(base as i64)?.checked_sub(d)?;
        after_digit = true;
    }
    if !after_digit {
        return None;
    }
    if negative { Some(n) } else { n.checked_neg() }
}

/// A decimal number, or a Float's printed form (`inf`, `-inf`, `nan`).
pub fn parse_float(text: &str) -> Option<f64> {
    let t = text.trim();
    match t {
        "nan" => return Some(f64::NAN),
        "inf" | "+inf" => return Some(f64::INFINITY),
        "-inf" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    // Rust also takes words such as "infinity".
    if !t.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-' | b'_')) {
        return None;
    }
    if !t.contains('_') {
        return t.parse().ok();
    }
    let b = t.as_bytes();
    let between_digits =
        |i: usize| i > 0 && b[i - 1].is_ascii_digit() && b.get(i + 1).is_some_and(|c| c.is_ascii_digit());
    if (0..b.len()).any(|i| b[i] == b'_' && !between_digits(i)) {
        return None;
    }
    t.replace('_', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ints() {
        assert_eq!(parse_int(" 42 ", 10), Some(42));
        assert_eq!(parse_int("-1_000", 10), Some(-1000));
        assert_eq!(parse_int("ff", 16), Some(255));
        assert_eq!(parse_int("+7", 8), Some(7));
        assert_eq!(parse_int("-9223372036854775808", 10), Some(i64::MIN));
        assert_eq!(parse_int("9223372036854775807", 10), Some(i64::MAX));
        for bad in ["", "-", "4.5", "0x1f", "9223372036854775808", "1__0", "_1", "1_", "1 2", "é"] {
            assert_eq!(parse_int(bad, 10), None, "{bad}");
        }
    }

    #[test]
    fn floats() {
        assert_eq!(parse_float("1e3"), Some(1000.0));
        assert_eq!(parse_float(" -2.5 "), Some(-2.5));
        assert_eq!(parse_float("1_000.5"), Some(1000.5));
        assert_eq!(parse_float("inf"), Some(f64::INFINITY));
        for bad in ["", "infinity", "1e", "0x10", "1_.5", "abc", "--1", "1 2"] {
            assert_eq!(parse_float(bad), None, "{bad}");
        }
    }
}
