//! The text of Floats (language 19.5): shortest digits that read back as the same double.
use std::fmt::Write;

/// Appends the text of `f`.
pub fn write_float(out: &mut String, f: f64) {
    if f.is_nan() {
        out.push_str("nan");
        return;
    }
    if f.is_infinite() {
        out.push_str(if f > 0.0 { "inf" } else { "-inf" });
        return;
    }
    let size = f.abs();
    if size == 0.0 || (1e-4..1e16).contains(&size) {
        let from = out.len();
        let _ = write!(out, "{f}");
        if !out[from..].contains('.') {
            out.push_str(".0");
        }
        return;
    }
    // `{:e}` has shortest digits too, but writes the exponent bare.
    let from = out.len();
    let _ = write!(out, "{f:e}");
    let Some(at) = out[from..].find('e').map(|i| from + i) else { return };
    let exponent: i32 = out[at + 1..].parse().unwrap_or(0);
    out.truncate(at);
    let sign = if exponent < 0 { '-' } else { '+' };
    let _ = write!(out, "e{sign}{:02}", exponent.abs());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(f: f64) -> String {
        let mut s = String::new();
        write_float(&mut s, f);
        s
    }

    #[test]
    fn plain_between_a_ten_thousandth_and_ten_to_the_sixteenth() {
        let cases = [
            (1.0, "1.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1.0 / 3.0, "0.3333333333333333"),
            (0.0001, "0.0001"),
            (123456789012345.0, "123456789012345.0"),
            (1234567890123456.0, "1234567890123456.0"),
            (9999999999999998.0, "9999999999999998.0"),
            (-0.0, "-0.0"),
            (0.0, "0.0"),
            (100.0, "100.0"),
            (-2.5, "-2.5"),
        ];
        for (f, s) in cases {
            assert_eq!(text(f), s);
        }
    }

    #[test]
    fn exponents_have_a_sign_and_two_digits() {
        let cases = [
            (1e-5, "1e-05"),
            (1e16, "1e+16"),
            (2.5e-7, "2.5e-07"),
            (1e300, "1e+300"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (-1.5e-7, "-1.5e-07"),
            (0.00009999999999999999, "9.999999999999999e-05"),
        ];
        for (f, s) in cases {
            assert_eq!(text(f), s);
        }
    }

    #[test]
    fn not_numbers() {
        assert_eq!(text(f64::NAN), "nan");
        assert_eq!(text(f64::INFINITY), "inf");
        assert_eq!(text(f64::NEG_INFINITY), "-inf");
    }
}
