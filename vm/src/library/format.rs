//! `format`: texts with `{}` places (language 14.2.1).
use super::args::{string, this_string};
use super::number::in_base;
use super::string::{check_len, new_string};
use crate::def;
use crate::heap::Kind;
use crate::native::{Args, NativeDef, R, Stop, VARIADIC};
use crate::value::Value;
use crate::vm::Vm;

/// What stands after `:` in a place: `[[fill]align][sign][#][0][width][,][.precision][type]`.
#[derive(Clone, Debug, PartialEq)]
struct Spec {
    fill: char,
    /// `<`, `>` or `^`; by default texts stand left and numbers right.
    align: Option<char>,
    plus: bool,
    prefix: bool,
    zeros: bool,
    width: usize,
    commas: bool,
    precision: Option<usize>,
    kind: Option<char>,
}

const PLAIN: Spec = Spec {
    fill: ' ',
    align: None,
    plus: false,
    prefix: false,
    zeros: false,
    width: 0,
    commas: false,
    precision: None,
    kind: None,
};

/// Characters of a surplus argument that an error shows.
const MAX_SHOWN: usize = 40;

/// More digits than any double has.
const MAX_PRECISION: usize = 1100;

fn parse_spec(text: &str) -> Option<Spec> {
    let mut spec = PLAIN;
    let mut chars: &[char] = &text.chars().collect::<Vec<_>>();
    let is_align = |c: &char| matches!(c, '<' | '>' | '^');
    match chars {
        [fill, align, rest @ ..] if is_align(align) => {
            (spec.fill, spec.align, chars) = (*fill, Some(*align), rest);
        }
        [align, rest @ ..] if is_align(align) => (spec.align, chars) = (Some(*align), rest),
        _ => {}
    }
    let mut flag = |c: char| match chars {
        [first, rest @ ..] if *first == c => {
            chars = rest;
            true
        }
        _ => false,
    };
    spec.plus = flag('+');
    if !spec.plus {
        flag('-');
    }
    spec.prefix = flag('#');
    spec.zeros = flag('0');
    spec.width = digits(&mut chars)?.unwrap_or(0);
    let mut flag = |c: char| match chars {
        [first, rest @ ..] if *first == c => {
            chars = rest;
            true
        }
        _ => false,
    };
    spec.commas = flag(',');
    if flag('.') {
        spec.precision = Some(digits(&mut chars)??);
    }
    match chars {
        [] => {}
        [kind] if "dboxXfeg%s?".contains(*kind) => spec.kind = Some(*kind),
        _ => return None,
    }
    let whole = matches!(spec.kind, Some('d' | 'b' | 'o' | 'x' | 'X'));
    let text = matches!(spec.kind, Some('s' | '?'));
    let bad = spec.precision.is_some_and(|p| p > MAX_PRECISION || whole)
        || spec.commas && (text || matches!(spec.kind, Some('b' | 'o' | 'x' | 'X')))
        || text && (spec.plus || spec.prefix);
    if bad { None } else { Some(spec) }
}

/// A number at the start of `chars`: `Some(None)` when there is none, `None` when it is too large.
fn digits(chars: &mut &[char]) -> Option<Option<usize>> {
    let mut n = None;
    while let [c, rest @ ..] = *chars
        && let Some(d) = c.to_digit(10)
    {
        n = Some(n.unwrap_or(0usize).checked_mul(10)?.checked_add(d as usize)?);
        *chars = rest;
    }
    Some(n)
}

/// A number before padding.
struct Number {
    negative: bool,
    prefix: &'static str,
    /// Without sign; may have a fraction and an exponent.
    digits: String,
}

impl Number {
    fn of_int(i: i64, spec: &Spec) -> Number {
        let (base, prefix) = match spec.kind {
            Some('b') => (2, "0b"),
            Some('o') => (8, "0o"),
            Some('x') => (16, "0x"),
            Some('X') => (16, "0X"),
            _ => (10, ""),
        };
        let text = in_base(i, base);
        let digits = text.trim_start_matches('-');
        let digits = if spec.kind == Some('X') { digits.to_ascii_uppercase() } else { digits.to_string() };
        Number { negative: i < 0, prefix: if spec.prefix { prefix } else { "" }, digits }
    }

    fn of_float(f: f64, spec: &Spec) -> Number {
        let x = f.abs();
        let precision = spec.precision.unwrap_or(6);
        let digits = if !f.is_finite() {
            crate::value::float::text(x)
        } else {
            match spec.kind {
                Some('f') => format!("{x:.precision$}"),
                Some('%') => format!("{:.precision$}", x * 100.0),
                Some('e') => scientific(x, precision),
                None if spec.precision.is_none() => crate::value::float::text(x),
                _ => general(x, precision, spec.prefix),
            }
        };
        let mut digits = digits;
        if spec.kind == Some('%') {
            digits.push('%');
        }
        Number { negative: f.is_sign_negative() && !f.is_nan(), prefix: "", digits }
    }

    fn text(mut self, spec: &Spec) -> String {
        if spec.commas {
            self.digits = with_commas(&self.digits);
        }
        let sign = if self.negative {
            "-"
        } else if spec.plus {
            "+"
        } else {
            ""
        };
        let taken = sign.len() + self.prefix.len() + self.digits.len();
        let zeros = if spec.zeros && spec.align.is_none() { spec.width.saturating_sub(taken) } else { 0 };
        let mut out = String::with_capacity(taken + zeros);
        out.push_str(sign);
        out.push_str(self.prefix);
        out.extend(std::iter::repeat_n('0', zeros));
        out.push_str(&self.digits);
        out
    }
}

/// `1.5e+03`: at least two digits in the exponent.
fn scientific(x: f64, precision: usize) -> String {
    let text = format!("{x:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// `precision` significant digits, plain or with an exponent, whichever is natural; without trailing zeros unless `keep`.
fn general(x: f64, precision: usize, keep: bool) -> String {
    let precision = precision.max(1);
    let text = scientific(x, precision - 1);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let e: i64 = exponent.parse().unwrap_or(0);
    let trimmed = |t: &str| match t.contains('.') && !keep {
        true => t.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => t.to_string(),
    };
    if (-4..precision as i64).contains(&e) {
        let decimals = (precision as i64 - 1 - e) as usize;
        trimmed(&format!("{x:.decimals$}"))
    } else {
        format!("{}e{exponent}", trimmed(mantissa))
    }
}

/// Separators between groups of three in the whole part.
fn with_commas(digits: &str) -> String {
    let whole = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let mut out = String::with_capacity(digits.len() + whole / 3);
    for (i, c) in digits[..whole].chars().enumerate() {
        if i > 0 && (whole - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out.push_str(&digits[whole..]);
    out
}

/// Pads to the width; `right`: texts stand right unless aligned otherwise.
fn pad(out: &mut String, text: &str, spec: &Spec, right: bool) {
    let missing = spec.width.saturating_sub(text.chars().count());
    let left = match spec.align {
        Some('<') => 0,
        Some('^') => missing / 2,
        Some(_) => missing,
        None if right => missing,
        None => 0,
    };
    let fill = if spec.align.is_none() && spec.zeros && !right { '0' } else { spec.fill };
    out.extend(std::iter::repeat_n(fill, left));
    out.push_str(text);
    out.extend(std::iter::repeat_n(fill, missing - left));
}

#[cold]
fn bad(vm: &mut Vm, what: &str) -> Stop {
    vm.argument_error(&format!("format: {what}"))
}

fn place(vm: &mut Vm, out: &mut String, v: Value, spec: &Spec) -> Result<(), Stop> {
    check_len(vm, spec.width.saturating_mul(4).saturating_add(out.len()))?;
    let needs_int = matches!(spec.kind, Some('d' | 'b' | 'o' | 'x' | 'X'));
    let needs_number = matches!(spec.kind, Some('f' | 'e' | 'g' | '%'));
    let number = match (v.as_int(), v.as_float()) {
        (Some(i), _) if needs_number || spec.precision.is_some() && spec.kind.is_none() => {
            Some(Number::of_float(i as f64, spec))
        }
        (Some(i), _) => Some(Number::of_int(i, spec)),
        (_, Some(f)) if !needs_int => Some(Number::of_float(f, spec)),
        _ => None,
    };
    if let Some(n) = number
        && !matches!(spec.kind, Some('s' | '?'))
    {
        pad(out, &n.text(spec), spec, true);
        return Ok(());
    }
    if needs_int || needs_number {
        let kind = spec.kind.unwrap_or('d');
        let needs = if needs_int { "an Int" } else { "a number" };
        let got = vm.kind_name(v);
        return Err(bad(vm, &format!("{kind} requires {needs}, got {got}")));
    }
    let mut text = if spec.kind == Some('?') { vm.to_debug(v)? } else { vm.to_text(v)? };
    if let Some((end, _)) = spec.precision.and_then(|p| text.char_indices().nth(p)) {
        text.truncate(end);
    }
    pad(out, &text, spec, false);
    Ok(())
}

/// The value a place names.
fn argument(vm: &mut Vm, a: &Args, skip: usize, name: &str, next: &mut usize, used: &mut [bool]) -> R {
    let missing = if name.is_empty() || name.bytes().all(|b| b.is_ascii_digit()) {
        let i = match name {
            "" => {
                *next += 1;
                *next - 1
            }
            _ => name.parse().unwrap_or(usize::MAX),
        };
        if let Some(v) = i.checked_add(skip).and_then(|i| a.opt(i)) {
            used[i] = true;
            return Ok(v);
        }
        i.to_string()
    } else {
        if let Some(v) = a.kw(vm, name) {
            return Ok(v);
        }
        name.to_string()
    };
    Err(bad(vm, &format!("missing argument {missing}")))
}

/// Fills the places of `template` with the arguments after the first `skip`.
fn format_with(vm: &mut Vm, a: &Args, template: &str, skip: usize) -> R {
    let mut out = String::with_capacity(template.len() + 16);
    let mut rest = template;
    let mut next = 0;
    let mut used = vec![false; a.len() - skip];
    while let Some(i) = memchr::memchr2(b'{', b'}', rest.as_bytes()) {
        out.push_str(&rest[..i]);
        let brace = &rest[i..i + 1];
        let after = &rest[i + 1..];
        if after.starts_with(brace) {
            out.push_str(brace);
            rest = &after[1..];
            continue;
        }
        let end = match memchr::memchr(b'}', after.as_bytes()) {
            Some(end) if brace == "{" => end,
            _ => return Err(bad(vm, &format!("unmatched {brace}"))),
        };
        let inside = &after[..end];
        rest = &after[end + 1..];
        let (name, spec) = inside.split_once(':').unwrap_or((inside, ""));
        let v = argument(vm, a, skip, name, &mut next, &mut used)?;
        match parse_spec(spec) {
            Some(spec) => place(vm, &mut out, v, &spec)?,
            None => return Err(bad(vm, &format!("bad specification :{spec}"))),
        }
    }
    out.push_str(rest);
    // Keywords may be more than there are places, so that the entries of a Map can be spread.
    if let Some(i) = used.iter().position(|used| !used) {
        let text = vm.to_debug(a.get(skip + i))?;
        let shown: String = text.chars().take(MAX_SHOWN).collect();
        let more = if shown.len() < text.len() { "..." } else { "" };
        return Err(bad(vm, &format!("no place for argument {i}: {shown}{more}")));
    }
    new_string(vm, &out)
}

fn method(vm: &mut Vm, a: &Args) -> R {
    let template = this_string(vm, a.this())?.as_str();
    format_with(vm, a, template, 0)
}

fn function(vm: &mut Vm, a: &Args) -> R {
    let template = string(vm, "format", a.get(0))?;
    format_with(vm, a, template, 1)
}

#[rustfmt::skip]
pub static METHODS: &[NativeDef] = &[
    def!("format", method, 0, VARIADIC, ["*"], r#"(s .format v... ^name v) -- The text with its {} places filled; an argument without a place is an error.
        ("{} of {n:03}" .format 1 ^n 7) => "1 of 007""#),
];

#[rustfmt::skip]
pub static GLOBALS: &[NativeDef] = &[
    def!("format", function, 1, VARIADIC, ["*"], r#"(format s v... ^name v) -- The text with its {} places filled; an argument without a place is an error.
        (format "{:>5}|" "ab") => "   ab|""#),
];

pub fn install(vm: &mut Vm) {
    let class = vm.classes.by_kind[Kind::Str as usize];
    vm.add_methods(class, METHODS);
    vm.add_globals(GLOBALS);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(i: i64, spec: &str) -> String {
        let spec = parse_spec(spec).unwrap();
        let mut out = String::new();
        pad(&mut out, &Number::of_int(i, &spec).text(&spec), &spec, true);
        out
    }

    fn float(f: f64, spec: &str) -> String {
        let spec = parse_spec(spec).unwrap();
        let mut out = String::new();
        pad(&mut out, &Number::of_float(f, &spec).text(&spec), &spec, true);
        out
    }

    #[test]
    fn ints() {
        assert_eq!(int(1_234_567, ","), "1,234,567");
        assert_eq!(int(123, ","), "123");
        assert_eq!(int(5, "+d"), "+5");
        assert_eq!(int(-5, "05"), "-0005");
        assert_eq!(int(255, "#x"), "0xff");
        assert_eq!(int(255, "#010X"), "0X000000FF");
        assert_eq!(int(6, "b"), "110");
        assert_eq!(int(-8, "o"), "-10");
        assert_eq!(int(7, "*^5"), "**7**");
        assert_eq!(int(7, "<3"), "7  ");
    }

    #[test]
    fn floats() {
        assert_eq!(float(255.0, "05.1f"), "255.0");
        assert_eq!(float(1.23456, ".2f"), "1.23");
        assert_eq!(float(0.25, "%"), "25.000000%");
        assert_eq!(float(0.256, ".1%"), "25.6%");
        assert_eq!(float(1500.0, "e"), "1.500000e+03");
        assert_eq!(float(1500.0, "g"), "1500");
        assert_eq!(float(1e10, "g"), "1e+10");
        assert_eq!(float(0.00001234, ".3g"), "1.23e-05");
        assert_eq!(float(1234.5, ",.2f"), "1,234.50");
        assert_eq!(float(1.5, ""), "1.5");
        assert_eq!(float(1.23456, ".2"), "1.2");
        assert_eq!(float(-0.5, "+08.2f"), "-0000.50");
        assert_eq!(float(f64::NAN, ".2f"), "nan");
        assert_eq!(float(f64::NEG_INFINITY, "f"), "-inf");
    }

    #[test]
    fn bad_specifications() {
        for s in ["q", "5q", ".", ".2d", ",x", "+s", "99999999999999999999", ".9999f", "dd"] {
            assert_eq!(parse_spec(s), None, "{s}");
        }
        assert_eq!(parse_spec("é>5").unwrap().fill, 'é');
    }
}
