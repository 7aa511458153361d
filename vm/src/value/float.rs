//! The text of Floats (language 19.5): the shortest digits that read back as the same double.

/// Appends the text of `f`.
pub fn write(out: &mut String, f: f64) {
    if !f.is_finite() {
        out.push_str(if f.is_nan() {
            "nan"
        } else if f > 0.0 {
            "inf"
        } else {
            "-inf"
        });
        return;
    }
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(f);
    if f == 0.0 || (1e-4..1e16).contains(&f.abs()) {
        out.push_str(text);
        return;
    }
    // ryu writes plain notation for the exponent -5 too; the language wants an exponent there, and writes exponents with a sign
    // and two digits.
    match text.split_once('e') {
        None => {
            let (sign, digits) = match text.strip_prefix('-') {
                Some(t) => ("-", t),
                None => ("", text),
            };
            let digits = digits.trim_start_matches(['0', '.']);
            push_scientific(out, sign, &digits[..1], &digits[1..], -5);
        }
        Some((mantissa, exponent)) => {
            let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
            push_scientific(out, "", whole, fraction, exponent.parse().unwrap_or(0));
        }
    }
}

fn push_scientific(out: &mut String, sign: &str, whole: &str, fraction: &str, exponent: i32) {
    use std::fmt::Write;
    out.push_str(sign);
    out.push_str(whole);
    if !fraction.is_empty() && fraction != "0" {
        out.push('.');
        out.push_str(fraction);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    let _ = write!(out, "e{sign}{:02}", exponent.abs());
}

pub fn text(f: f64) -> String {
    let mut s = String::with_capacity(24);
    write(&mut s, f);
    s
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn floats_print_shortest() {
        for (f, t) in [
            (1.0, "1.0"),
            (1.0 / 3.0, "0.3333333333333333"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-0.0000125, "-1.25e-05"),
            (123456789012345.0, "123456789012345.0"),
            (1234567890123456.0, "1234567890123456.0"),
            (9999999999999998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (2.5e-7, "2.5e-07"),
            (0.1 + 0.2, "0.30000000000000004"),
            (-0.0, "-0.0"),
            (1e300, "1e+300"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
            (0.1, "0.1"),
            (100.0, "100.0"),
        ] {
            assert_eq!(text(f), t);
        }
    }
}
