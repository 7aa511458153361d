//! Duration literals: `1h30m`, `-2d`, `1.5s`.

use super::error::{Result, SyntaxError};
use super::form::Span;

/// From the largest: each unit in a literal must come later in this table than the one before it.
const UNITS: [(&str, i128); 6] =
    [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000), ("us", 1)];

struct Part<'t> {
    whole: &'t str,
    fraction: &'t str,
    unit: usize,
}

/// Microseconds; `None` when the token is not made of amounts with units at all.
pub(crate) fn parse(token: &str, start: usize) -> Result<Option<i64>> {
    let (negative, mut rest) = match token.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, token),
    };
    let mut total = 0i128;
    let mut next_unit = 0;
    let mut ordered = true;
    let mut exact = true;
    while !rest.is_empty() {
        let Some((part, after)) = split_part(rest) else { return Ok(None) };
        rest = after;
        ordered &= part.unit >= next_unit && (part.fraction.is_empty() || rest.is_empty());
        next_unit = part.unit + 1;
        match micros(&part) {
            Some(micros) => total = total.saturating_add(micros),
            None => exact = false,
        }
    }
    if !ordered || !exact {
        return Err(SyntaxError::token("Invalid duration", token, start));
    }
    if negative {
        total = -total;
    }
    i64::try_from(total)
        .map(Some)
        .map_err(|_| SyntaxError::new(Span::new(start, start + token.len()), "Duration literal out of range"))
}

fn split_part(text: &str) -> Option<(Part<'_>, &str)> {
    let (whole, mut rest) = split_digits(text)?;
    let mut fraction = "";
    if let Some(after) = rest.strip_prefix('.') {
        (fraction, rest) = split_digits(after)?;
    }
    let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let unit = UNITS.iter().position(|(name, _)| *name == &rest[..letters])?;
    Some((Part { whole, fraction, unit }, &rest[letters..]))
}

fn split_digits(text: &str) -> Option<(&str, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then(|| text.split_at(digits))
}

/// `None` when the amount is no whole number of microseconds. Saturates: the caller refuses anything beyond 64 bits.
fn micros(part: &Part) -> Option<i128> {
    let unit = UNITS[part.unit].1;
    let whole = number(part.whole).saturating_mul(unit);
    let fraction = part.fraction.trim_end_matches('0');
    if fraction.is_empty() {
        return Some(whole);
    }
    // No unit has more factors of two (13) or five (8), so a longer fraction cannot come out whole.
    if fraction.len() > 13 {
        return None;
    }
    let scale = 10i128.pow(fraction.len() as u32);
    let scaled = number(fraction) * unit;
    (scaled % scale == 0).then(|| whole.saturating_add(scaled / scale))
}

fn number(digits: &str) -> i128 {
    digits.bytes().fold(0i128, |value, byte| value.saturating_mul(10).saturating_add(i128::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(token: &str) -> i64 {
        parse(token, 0).expect(token).expect(token)
    }

    #[test]
    fn every_unit_counts() {
        assert_eq!(micros("2d"), 172_800_000_000);
        assert_eq!(micros("1h30m"), 5_400_000_000);
        assert_eq!(micros("2s"), 2_000_000);
        assert_eq!(micros("500ms"), 500_000);
        assert_eq!(micros("7us"), 7);
        assert_eq!(micros("1d1h1m1s1ms1us"), 90_061_001_001);
        assert_eq!(micros("0s"), 0);
    }

    #[test]
    fn a_minus_negates_the_whole() {
        assert_eq!(micros("-2d"), -172_800_000_000);
        assert_eq!(micros("-1m30s"), -90_000_000);
    }

    #[test]
    fn the_last_part_may_have_a_fraction() {
        assert_eq!(micros("1.5s"), 1_500_000);
        assert_eq!(micros("1m0.25s"), 60_250_000);
        assert_eq!(micros("0.000001s"), 1);
        assert_eq!(micros("1.50000000000000000000s"), 1_500_000);
        assert_eq!(micros("0.0000000003125d"), 27);
    }

    #[test]
    fn order_repetition_and_early_fractions_are_invalid() {
        for token in ["1m1h", "1s1s", "1.5h30m", "1ms1s"] {
            assert_eq!(parse(token, 0).unwrap_err().message, format!("Invalid duration: {token}"));
        }
    }

    #[test]
    fn less_than_a_microsecond_is_invalid() {
        for token in ["1.5us", "0.0000001s", "0.123456789012345d"] {
            assert_eq!(parse(token, 0).unwrap_err().message, format!("Invalid duration: {token}"));
        }
    }

    #[test]
    fn a_huge_amount_is_out_of_range() {
        assert_eq!(micros("9223372036854775807us"), i64::MAX);
        for token in ["9223372036854775808us", "99999999999999999999999999999999999999999999999999d"] {
            assert_eq!(parse(token, 0).unwrap_err().message, "Duration literal out of range");
        }
    }

    #[test]
    fn other_letters_make_no_duration() {
        for token in ["12ab", "5", "5.s", "+2d", "1y", "s", "1h2", "1hm"] {
            assert_eq!(parse(token, 0), Ok(None), "{token}");
        }
    }
}
