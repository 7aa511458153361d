//! Class Duration.
use super::args::{string, wrong_kind};
use crate::def;
use crate::heap::Kind;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::temporal::{self, DAY, HOUR, MINUTE, SECOND};
use crate::value::Value;
use crate::vm::Vm;
use std::fmt::Write;

const UNITS: [(&str, i64); 6] =
    [("days", DAY), ("hours", HOUR), ("minutes", MINUTE), ("seconds", SECOND), ("ms", 1000), ("us", 1)];

fn this(vm: &mut Vm, a: &Args) -> Result<i64, Stop> {
    let v = a.this();
    if v.is_kind(Kind::Duration) {
        Ok(temporal::micros(v))
    } else {
        Err(wrong_kind(vm, "Duration method", "Duration", v))
    }
}

#[cold]
fn overflow(vm: &mut Vm) -> Stop {
    vm.runtime_error("Duration overflow")
}

/// `v` units of `unit` microseconds, rounded to the microsecond; `None`: too many.
fn amount(vm: &mut Vm, name: &str, v: Value, unit: i64) -> Result<Option<i128>, Stop> {
    match (v.as_int(), v.as_float()) {
        (Some(i), _) => Ok(Some(i as i128 * unit as i128)),
        (_, Some(f)) => Ok(temporal::rounded(f * unit as f64).map(|us| us as i128)),
        _ => Err(wrong_kind(vm, name, "Int or Float", v)),
    }
}

fn made(vm: &mut Vm, us: Option<i128>) -> R {
    match us.and_then(|us| i64::try_from(us).ok()) {
        Some(us) => Ok(vm.duration(us)),
        None => Err(overflow(vm)),
    }
}

/// `(Duration .of ^days d ^hours h ...)`.
fn of(vm: &mut Vm, a: &Args) -> R {
    let mut total = Some(0i128);
    for (name, unit) in UNITS {
        if let Some(v) = a.kw(vm, name) {
            let us = amount(vm, name, v, unit)?;
            total = total.zip(us).map(|(t, us)| t + us);
        }
    }
    made(vm, total)
}

/// `(Duration .seconds 90)` and its like.
fn of_unit(vm: &mut Vm, a: &Args, i: usize) -> R {
    let (name, unit) = UNITS[i];
    let us = amount(vm, name, a.get(0), unit)?;
    made(vm, us)
}

fn parse(vm: &mut Vm, a: &Args) -> R {
    let text = string(vm, "parse", a.get(0))?;
    match parse_literal(text).or_else(|| parse_iso(text)) {
        Some(us) => Ok(vm.duration(us)),
        None => Err(vm.parse_error(&format!("Invalid duration: {text}"))),
    }
}

fn parse_literal(text: &str) -> Option<i64> {
    if text.is_empty() || text == "-" {
        return None;
    }
    crate::syntax::duration::parse(text, 0).ok()?
}

/// `PT1H30M`, `-P2DT3.5S`.
fn parse_iso(text: &str) -> Option<i64> {
    let (negative, body) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let body = body.strip_prefix('P')?;
    let (date, time) = match body.split_once('T') {
        Some((_, "")) => return None,
        Some((d, t)) => (d, t),
        None => (body, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    // The literal form has the same parts in lower case.
    let parts = format!("{date}{time}");
    let fits = |t: &str, units: &str| t.chars().all(|c| c.is_ascii_digit() || c == '.' || units.contains(c));
    if !fits(date, "D") || !fits(time, "HMS") {
        return None;
    }
    let us = parse_literal(&parts.to_ascii_lowercase())?;
    if negative { us.checked_neg() } else { Some(us) }
}

fn iso(us: i64) -> String {
    let mut out = String::from(if us < 0 { "-P" } else { "P" });
    let rest = us.unsigned_abs();
    let days = rest / DAY as u64;
    let rest = (rest % DAY as u64) as i64;
    if days > 0 {
        let _ = write!(out, "{days}D");
    }
    if rest == 0 && days > 0 {
        return out;
    }
    out.push('T');
    for (n, letter) in [(rest / HOUR, 'H'), (rest / MINUTE % 60, 'M')] {
        if n > 0 {
            let _ = write!(out, "{n}{letter}");
        }
    }
    let seconds = rest % MINUTE;
    if seconds > 0 || us == 0 {
        let _ = write!(out, "{}", seconds / SECOND);
        temporal::write_fraction(&mut out, seconds % SECOND);
        out.push('S');
    }
    out
}

fn to_iso(vm: &mut Vm, a: &Args) -> R {
    let text = iso(this(vm, a)?);
    Ok(vm.str(&text))
}

fn total(vm: &mut Vm, a: &Args, unit: i64) -> R {
    Ok(Value::float(this(vm, a)? as f64 / unit as f64))
}

fn micros(vm: &mut Vm, a: &Args) -> R {
    let us = this(vm, a)?;
    Ok(vm.int(us))
}

/// Parts of a negative duration are negative.
fn parts(vm: &mut Vm, a: &Args) -> R {
    let us = this(vm, a)?;
    let map = vm.map_with_capacity(5);
    let parts = [
        ("days", us / DAY),
        ("hours", us % DAY / HOUR),
        ("minutes", us % HOUR / MINUTE),
        ("seconds", us % MINUTE / SECOND),
        ("us", us % SECOND),
    ];
    for (name, n) in parts {
        let (key, n) = (vm.symbols.intern_static(name), vm.int(n));
        vm.map_set(map, key, n);
    }
    Ok(map.value())
}

fn abs(vm: &mut Vm, a: &Args) -> R {
    match this(vm, a)?.checked_abs() {
        Some(us) => Ok(vm.duration(us)),
        None => Err(overflow(vm)),
    }
}

#[rustfmt::skip]
pub static METHODS: &[NativeDef] = &[
    def!("days", |vm, a| total(vm, a, DAY), 0, 0, "(d .days) -- The whole span in days, a Float.
        ((Duration/hours 12) .days) => 0.5"),
    def!("hours", |vm, a| total(vm, a, HOUR), 0, 0, "(d .hours) -- The whole span in hours, a Float.
        ((Duration/minutes 90) .hours) => 1.5"),
    def!("minutes", |vm, a| total(vm, a, MINUTE), 0, 0, "(d .minutes) -- The whole span in minutes, a Float.
        ((Duration/seconds 90) .minutes) => 1.5"),
    def!("seconds", |vm, a| total(vm, a, SECOND), 0, 0, "(d .seconds) -- The whole span in seconds, a Float.
        ((Duration/ms 1500) .seconds) => 1.5"),
    def!("ms", |vm, a| total(vm, a, 1000), 0, 0, "(d .ms) -- The whole span in milliseconds, a Float.
        ((Duration/seconds 2) .ms) => 2000.0"),
    def!("us", micros, 0, 0, "(d .us) -- The whole span in microseconds, an Int.
        ((Duration/ms 1) .us) => 1000"),
    def!("parts", parts, 0, 0, "(d .parts) -- Map of days, hours, minutes, seconds, us.
        ((Duration/seconds 90) .parts) => {^days 0 ^hours 0 ^minutes 1 ^seconds 30 ^us 0}"),
    def!("abs", abs, 0, 0, "(d .abs) -- Without its sign.
        ((Duration/seconds -5) .abs) => 5s"),
    def!("to_iso", to_iso, 0, 0, r#"(d .to_iso) -- ISO 8601: PT1H30M.
        ((Duration/minutes 90) .to_iso) => "PT1H30M""#),
];

#[rustfmt::skip]
pub static STATICS: &[NativeDef] = &[
    def!("of", of, 0, 0, ["days", "hours", "minutes", "seconds", "ms", "us"], "(Duration .of ^days d ^hours h ^minutes m ^seconds s ^ms n ^us n) -- The sum of the amounts.
        (Duration/of ^hours 1 ^minutes 30) => 1h30m"),
    def!("days", |vm, a| of_unit(vm, a, 0), 1, 1, "(Duration .days n) -- n days.
        (Duration/days 1) => 1d"),
    def!("hours", |vm, a| of_unit(vm, a, 1), 1, 1, "(Duration .hours n) -- n hours.
        (Duration/hours 1) => 1h"),
    def!("minutes", |vm, a| of_unit(vm, a, 2), 1, 1, "(Duration .minutes n) -- n minutes.
        (Duration/minutes 1) => 1m"),
    def!("seconds", |vm, a| of_unit(vm, a, 3), 1, 1, "(Duration .seconds n) -- n seconds.
        (Duration/seconds 90) => 1m30s"),
    def!("ms", |vm, a| of_unit(vm, a, 4), 1, 1, "(Duration .ms n) -- n milliseconds.
        (Duration/ms 1500) => 1.5s"),
    def!("us", |vm, a| of_unit(vm, a, 5), 1, 1, "(Duration .us n) -- n microseconds.
        (Duration/us 1500) => 1ms500us"),
    def!("parse", parse, 1, 1, r#"(Duration .parse s) -- The Duration of a literal or ISO 8601 text.
        (Duration/parse "PT1H30M") => 1h30m"#),
];

pub fn install(vm: &mut Vm) {
    let class = vm.classes.by_kind[Kind::Duration as usize];
    vm.add_methods(class, METHODS);
    vm.add_statics(class, STATICS);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_texts_there_and_back() {
        for (us, text) in [
            (0, "PT0S"),
            (5_400_000_000, "PT1H30M"),
            (2 * DAY + 3_500_000, "P2DT3.5S"),
            (-DAY, "-P1D"),
            (1, "PT0.000001S"),
        ] {
            assert_eq!(iso(us), text);
            assert_eq!(parse_iso(text), Some(us));
        }
        for bad in ["P", "PT", "1H", "P1H", "PT1D", "PT1H1H", "P1Y", "P1DT"] {
            assert_eq!(parse_iso(bad), None, "{bad}");
        }
        assert_eq!(parse_literal("-1h30m"), Some(-5_400_000_000));
        assert_eq!(parse_literal(""), None);
    }
}
