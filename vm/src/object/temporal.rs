//! Dates, times of day, date-times and durations: their records, text and arithmetic.
//!
//! ```text
//! Date      days
//! Time      microseconds of the day, offset, zone, flags
//! DateTime  days, microseconds of the day, offset, zone, flags
//! Duration  microseconds
//! ```
//!
//! Days count from 1970-01-01 in the proleptic Gregorian calendar; offsets are minutes east of UTC or nil; zones are Strings or
//! nil.
use crate::heap::{Gc, Kind, Record};
use crate::native::{R, Stop};
use crate::value::Value;
use crate::vm::Vm;
use std::cmp::Ordering;
use std::fmt::Write;

/// The literal had seconds: they are shown even when zero.
pub const SHOW_SECONDS: i64 = 1;
/// The zone was written `Z`.
pub const UTC: i64 = 2;

pub const DAY: i64 = 86_400_000_000;
pub const HOUR: i64 = 3_600_000_000;
pub const MINUTE: i64 = 60_000_000;
pub const SECOND: i64 = 1_000_000;

/// Time of day and zone of a Time or DateTime.
#[derive(Clone, Copy)]
pub struct Clock {
    /// Microseconds since midnight.
    pub micros: i64,
    /// Minutes east of UTC, or nil.
    pub offset: Value,
    /// IANA name, or nil.
    pub zone: Value,
    pub flags: i64,
}

impl Vm {
    pub fn date(&mut self, days: i64) -> Value {
        self.heap.record(Kind::Date, 0, &[Value::small(days)]).value()
    }
    pub fn time(&mut self, c: Clock) -> Value {
        self.heap.record(Kind::Time, 0, &[Value::small(c.micros), c.offset, c.zone, Value::small(c.flags)]).value()
    }
    pub fn date_time(&mut self, days: i64, c: Clock) -> Value {
        let items = [Value::small(days), Value::small(c.micros), c.offset, c.zone, Value::small(c.flags)];
        self.heap.record(Kind::DateTime, 0, &items).value()
    }
    pub fn duration(&mut self, micros: i64) -> Value {
        let us = self.int(micros);
        self.heap.record(Kind::Duration, 0, &[us]).value()
    }
}

/// Microseconds of a Duration.
pub fn micros(d: Value) -> i64 {
    d.gc::<Record>().slot(0).as_int().unwrap_or(0)
}

/// Days of a Date or DateTime.
pub fn days(v: Value) -> i64 {
    v.gc::<Record>().slot(0).small_int()
}

/// The clock part of a Time or DateTime.
pub fn clock(v: Value) -> Clock {
    let r = v.gc::<Record>();
    let at = if v.is_kind(Kind::DateTime) { 1 } else { 0 };
    Clock {
        micros: r.slot(at).small_int(),
        offset: r.slot(at + 1),
        zone: r.slot(at + 2),
        flags: r.slot(at + 3).small_int(),
    }
}

/// Days from 1970-01-01 to a date. The year starts in March, so that the leap day is its last one.
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month, day.
pub fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let m = (5 * doy + 2) / 153;
    let day = doy - (153 * m + 2) / 5 + 1;
    let month = if m < 10 { m + 3 } else { m - 9 };
    let year = yoe + era * 400 + (month <= 2) as i64;
    (year, month, day)
}

// --- arithmetic: `None` when the operands are not for us

const MAX_DAYS: i64 = 2_932_896; // 9999-12-31
const MIN_DAYS: i64 = -719_162; // 0001-01-01

/// Days of a year with four digits at most; else the error.
pub fn day_in_range(vm: &mut Vm, days: i64) -> Result<i64, Stop> {
    if (MIN_DAYS..=MAX_DAYS).contains(&days) { Ok(days) } else { Err(vm.runtime_error("Date out of range")) }
}

fn overflow(vm: &mut Vm) -> Stop {
    vm.runtime_error("Duration overflow")
}

fn moved(vm: &mut Vm, v: Value, us: i64) -> R {
    match v.heap_kind() {
        Some(Kind::Date) => {
            let to = day_in_range(vm, days(v).saturating_add(us.div_euclid(DAY)))?;
            match us.rem_euclid(DAY) {
                0 => Ok(vm.date(to)),
                rest => {
                    let c = Clock { micros: rest, offset: Value::NIL, zone: Value::NIL, flags: SHOW_SECONDS };
                    Ok(vm.date_time(to, c))
                }
            }
        }
        Some(Kind::Time) => {
            let c = clock(v);
            Ok(vm.time(Clock { micros: (c.micros + us.rem_euclid(DAY)).rem_euclid(DAY), ..c }))
        }
        _ => {
            let c = clock(v);
            let total = c.micros + us.rem_euclid(DAY);
            let to = day_in_range(vm, days(v) + us.div_euclid(DAY) + total.div_euclid(DAY))?;
            Ok(vm.date_time(to, Clock { micros: total.rem_euclid(DAY), ..c }))
        }
    }
}

fn is_point(v: Value) -> bool {
    matches!(v.heap_kind(), Some(Kind::Date | Kind::Time | Kind::DateTime))
}

fn new_duration(vm: &mut Vm, us: Option<i64>) -> Result<Option<Value>, Stop> {
    match us {
        Some(us) => Ok(Some(vm.duration(us))),
        None => Err(overflow(vm)),
    }
}

pub fn add(vm: &mut Vm, a: Value, b: Value) -> Result<Option<Value>, Stop> {
    let (da, db) = (a.is_kind(Kind::Duration), b.is_kind(Kind::Duration));
    if da && db {
        return new_duration(vm, micros(a).checked_add(micros(b)));
    }
    if db && is_point(a) {
        return moved(vm, a, micros(b)).map(Some);
    }
    Ok(None)
}

pub fn sub(vm: &mut Vm, a: Value, b: Value) -> Result<Option<Value>, Stop> {
    if b.is_kind(Kind::Duration) {
        if a.is_kind(Kind::Duration) {
            return new_duration(vm, micros(a).checked_sub(micros(b)));
        }
        if is_point(a) {
            return match micros(b).checked_neg() {
                Some(us) => moved(vm, a, us).map(Some),
                None => Err(overflow(vm)),
            };
        }
        return Ok(None);
    }
    if is_point(a) && a.heap_kind() == b.heap_kind() {
        let (x, y) = comparable(a, b);
        return Ok(Some(vm.duration(x - y)));
    }
    Ok(None)
}

pub fn mul(vm: &mut Vm, a: Value, b: Value) -> Result<Option<Value>, Stop> {
    let (d, n) = if a.is_kind(Kind::Duration) { (a, b) } else { (b, a) };
    if !d.is_kind(Kind::Duration) {
        return Ok(None);
    }
    if let Some(i) = n.as_int() {
        return new_duration(vm, micros(d).checked_mul(i));
    }
    match n.as_float() {
        Some(f) => new_duration(vm, rounded(micros(d) as f64 * f)),
        None => Ok(None),
    }
}

pub fn div(vm: &mut Vm, a: Value, b: Value) -> Result<Option<Value>, Stop> {
    if !a.is_kind(Kind::Duration) {
        return Ok(None);
    }
    let x = micros(a) as f64;
    if b.is_kind(Kind::Duration) {
        if micros(b) == 0 {
            return Err(vm.runtime_error("Division by zero"));
        }
        return Ok(Some(Value::float(x / micros(b) as f64)));
    }
    match b.as_number() {
        Some(0.0) => Err(vm.runtime_error("Division by zero")),
        Some(n) => new_duration(vm, rounded(x / n)),
        None => Ok(None),
    }
}

/// To whole microseconds, halves away from zero.
pub fn rounded(us: f64) -> Option<i64> {
    crate::value::arith::float_to_int(us.round())
}

/// Both as microseconds on one scale: instants when both have an offset, else their fields.
fn comparable(a: Value, b: Value) -> (i64, i64) {
    match a.heap_kind() {
        Some(Kind::Date) => (days(a) * DAY, days(b) * DAY),
        Some(Kind::Duration) => (micros(a), micros(b)),
        _ => {
            let (x, y) = (clock(a), clock(b));
            let day = |v: Value| if v.is_kind(Kind::DateTime) { days(v) * DAY } else { 0 };
            let (mut p, mut q) = (day(a) + x.micros, day(b) + y.micros);
            if let (Some(i), Some(j)) = (x.offset.as_int(), y.offset.as_int()) {
                p -= i * MINUTE;
                q -= j * MINUTE;
            }
            (p, q)
        }
    }
}

/// The order of two values of one of these kinds.
pub fn compare(a: Gc<Record>, b: Gc<Record>) -> Ordering {
    let (x, y) = comparable(a.value(), b.value());
    x.cmp(&y)
}

// --- text

pub fn write_date(out: &mut String, days: i64) {
    let (y, m, d) = civil_from_days(days);
    let _ = write!(out, "{y:04}-{m:02}-{d:02}");
}

/// `.25`: nothing when zero, no trailing zeros.
pub fn write_fraction(out: &mut String, micros: i64) {
    if micros != 0 {
        let digits = format!("{micros:06}");
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
}

fn write_clock(out: &mut String, c: Clock, bare: bool) {
    let _ = write!(out, "{:02}:{:02}", c.micros / HOUR, c.micros / MINUTE % 60);
    let named = bare && c.offset.is_nil() && !c.zone.is_nil();
    if c.flags & SHOW_SECONDS != 0 || c.micros % MINUTE != 0 || named {
        let _ = write!(out, ":{:02}", c.micros / SECOND % 60);
        write_fraction(out, c.micros % SECOND);
    }
    if let Some(o) = c.offset.as_int() {
        write_offset(out, o, c.flags & UTC != 0);
    }
    if let Some(z) = c.zone.as_str() {
        let _ = write!(out, "[{z}]");
    }
}

pub fn write_offset(out: &mut String, minutes: i64, utc: bool) {
    if utc && minutes == 0 {
        out.push('Z');
    } else {
        let sign = if minutes < 0 { '-' } else { '+' };
        let _ = write!(out, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60);
    }
}

pub fn write_duration(out: &mut String, us: i64) {
    if us == 0 {
        out.push_str("0s");
        return;
    }
    if us < 0 {
        out.push('-');
    }
    let mut rest = us.unsigned_abs();
    for (unit, name) in [(DAY, "d"), (HOUR, "h"), (MINUTE, "m")] {
        let n = rest / unit as u64;
        rest %= unit as u64;
        if n > 0 {
            let _ = write!(out, "{n}{name}");
        }
    }
    let rest = rest as i64;
    if rest >= SECOND {
        let _ = write!(out, "{}", rest / SECOND);
        write_fraction(out, rest % SECOND);
        out.push('s');
    } else {
        for (n, name) in [(rest / 1000, "ms"), (rest % 1000, "us")] {
            if n > 0 {
                let _ = write!(out, "{n}{name}");
            }
        }
    }
}

/// The text of a Date, Time, DateTime or Duration.
pub fn write_text(out: &mut String, v: Value) {
    match v.heap_kind() {
        Some(Kind::Date) => write_date(out, days(v)),
        Some(Kind::Time) => write_clock(out, clock(v), true),
        Some(Kind::DateTime) => {
            write_date(out, days(v));
            out.push('T');
            write_clock(out, clock(v), false);
        }
        Some(Kind::Duration) => write_duration(out, micros(v)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_civil_dates_are_inverse() {
        assert_eq!(days_from_civil(1970, 1, 1), 0);
        assert_eq!(days_from_civil(2024, 2, 29), 19_782);
        assert_eq!(days_from_civil(9999, 12, 31), MAX_DAYS);
        assert_eq!(days_from_civil(1, 1, 1), MIN_DAYS);
        for d in (MIN_DAYS..MAX_DAYS).step_by(17) {
            let (y, m, day) = civil_from_days(d);
            assert_eq!(days_from_civil(y, m, day), d);
        }
    }

    #[test]
    fn durations_print_as_literals() {
        let text = |us| {
            let mut s = String::new();
            write_duration(&mut s, us);
            s
        };
        assert_eq!(text(0), "0s");
        assert_eq!(text(90 * MINUTE), "1h30m");
        assert_eq!(text(2 * DAY + 3_500_000), "2d3.5s");
        assert_eq!(text(250_000), "250ms");
        assert_eq!(text(-1_500), "-1ms500us");
        assert_eq!(text(90 * MINUTE + SECOND), "1h30m1s");
        assert_eq!(text(10 * DAY), "10d");
    }

    #[test]
    fn clocks_show_seconds_when_written_or_needed() {
        let text = |c, bare| {
            let mut s = String::new();
            write_clock(&mut s, c, bare);
            s
        };
        let c = Clock { micros: 9 * HOUR + 5 * MINUTE, offset: Value::NIL, zone: Value::NIL, flags: 0 };
        assert_eq!(text(c, true), "09:05");
        assert_eq!(text(Clock { flags: SHOW_SECONDS, ..c }, true), "09:05:00");
        let z = Clock { micros: 250_000, offset: Value::small(0), zone: Value::NIL, flags: UTC };
        assert_eq!(text(z, false), "00:00:00.25Z");
        assert_eq!(text(Clock { offset: Value::small(-90), flags: 0, ..c }, false), "09:05-01:30");
    }
}
