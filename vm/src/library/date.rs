//! Classes Date, Time and DateTime (language 14.6). Comparison and operators are in [`crate::object::temporal`], the directives
//! of `format` and `parse` in [`super::date_format`], the clock in the runtime.
use super::args::{int, string, wrong_kind};
use super::date_format;
use crate::def;
use crate::heap::Kind;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::temporal::{
    self, Clock, DAY, HOUR, MINUTE, SECOND, SHOW_SECONDS, UTC, civil_from_days, days_from_civil,
};
use crate::value::Value;
use crate::vm::Vm;

pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// From Monday.
pub const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

pub const MAX_YEAR: i64 = 9999;
/// Offsets lie within a day.
const MAX_OFFSET: i64 = 24 * 60 - 1;

// --- the calendar

pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub fn month_length(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// 1 Monday .. 7 Sunday.
pub fn weekday(days: i64) -> i64 {
    (days + 3).rem_euclid(7) + 1
}

pub fn yearday(days: i64) -> i64 {
    let (year, ..) = civil_from_days(days);
    days - days_from_civil(year, 1, 1) + 1
}

/// Number of the ISO week: that of the year the week's Thursday lies in.
fn iso_week(days: i64) -> i64 {
    let thursday = days - weekday(days) + 4;
    (yearday(thursday) - 1) / 7 + 1
}

// --- receivers

fn has_date(v: Value) -> bool {
    matches!(v.heap_kind(), Some(Kind::Date | Kind::DateTime))
}

fn has_clock(v: Value) -> bool {
    matches!(v.heap_kind(), Some(Kind::Time | Kind::DateTime))
}

/// The day of a Date or DateTime.
fn day_of(vm: &mut Vm, a: &Args) -> Result<i64, Stop> {
    if has_date(a.this()) { Ok(temporal::days(a.this())) } else { Err(wrong_kind(vm, "Date method", "Date", a.this())) }
}

fn clock_of(vm: &mut Vm, a: &Args) -> Result<Clock, Stop> {
    if has_clock(a.this()) {
        Ok(temporal::clock(a.this()))
    } else {
        Err(wrong_kind(vm, "Time method", "Time", a.this()))
    }
}

/// The receiver with another day.
fn with_day(vm: &mut Vm, v: Value, days: i64) -> R {
    let days = temporal::day_in_range(vm, days)?;
    Ok(if v.is_kind(Kind::DateTime) { vm.date_time(days, temporal::clock(v)) } else { vm.date(days) })
}

// --- constructors

fn invalid(vm: &mut Vm, field: &str, n: i64) -> Stop {
    vm.argument_error(&format!("Invalid {field}: {n}"))
}

/// Argument `i` as the field `name`, in a range.
fn field(vm: &mut Vm, a: &Args, i: usize, name: &str, least: i64, most: i64) -> Result<i64, Stop> {
    let n = match a.opt(i) {
        None => least,
        Some(v) => int(vm, "of", v)?,
    };
    if (least..=most).contains(&n) { Ok(n) } else { Err(invalid(vm, name, n)) }
}

/// Year, month and day from the first three arguments.
fn date_fields(vm: &mut Vm, a: &Args) -> Result<i64, Stop> {
    let year = field(vm, a, 0, "year", 1, MAX_YEAR)?;
    let month = field(vm, a, 1, "month", 1, 12)?;
    let day = field(vm, a, 2, "day", 1, month_length(year, month))?;
    Ok(days_from_civil(year, month, day))
}

/// Hour, minute, second and microsecond from the arguments at `at`, as microseconds.
fn clock_fields(vm: &mut Vm, a: &Args, at: usize) -> Result<i64, Stop> {
    let hour = field(vm, a, at, "hour", 0, 23)?;
    let minute = field(vm, a, at + 1, "minute", 0, 59)?;
    let second = field(vm, a, at + 2, "second", 0, 59)?;
    let micros = field(vm, a, at + 3, "microsecond", 0, SECOND - 1)?;
    Ok(hour * HOUR + minute * MINUTE + second * SECOND + micros)
}

fn date_of(vm: &mut Vm, a: &Args) -> R {
    let days = date_fields(vm, a)?;
    Ok(vm.date(days))
}

fn time_of(vm: &mut Vm, a: &Args) -> R {
    let micros = clock_fields(vm, a, 0)?;
    Ok(vm.time(Clock { micros, offset: Value::NIL, zone: Value::NIL, flags: SHOW_SECONDS }))
}

fn offset(vm: &mut Vm, name: &str, v: Value) -> Result<i64, Stop> {
    let minutes = int(vm, name, v)?;
    if (-MAX_OFFSET..=MAX_OFFSET).contains(&minutes) { Ok(minutes) } else { Err(invalid(vm, "offset", minutes)) }
}

fn date_time_of(vm: &mut Vm, a: &Args) -> R {
    let days = date_fields(vm, a)?;
    let micros = clock_fields(vm, a, 3)?;
    let mut clock = Clock { micros, offset: Value::NIL, zone: Value::NIL, flags: SHOW_SECONDS };
    if let Some(v) = a.kw(vm, "offset").filter(|v| !v.is_nil()) {
        clock.offset = Value::small(offset(vm, "of", v)?);
    }
    if let Some(v) = a.kw(vm, "zone").filter(|v| !v.is_nil()) {
        let name = string(vm, "of", v)?;
        if let Err(e) = crate::syntax::check_zone_name(name) {
            return Err(vm.argument_error(&e));
        }
        if clock.offset.is_nil() {
            return Err(vm.argument_error("a zone name requires an offset"));
        }
        clock.zone = v;
    }
    Ok(vm.date_time(days, clock))
}

// --- fields

fn civil(vm: &mut Vm, a: &Args) -> Result<(i64, i64, i64), Stop> {
    Ok(civil_from_days(day_of(vm, a)?))
}

fn year(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(civil(vm, a)?.0))
}

fn month(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(civil(vm, a)?.1))
}

fn day(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(civil(vm, a)?.2))
}

fn of_day(vm: &mut Vm, a: &Args, f: fn(i64) -> i64) -> R {
    Ok(Value::small(f(day_of(vm, a)?)))
}

fn leap_year(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::bool(is_leap(civil(vm, a)?.0)))
}

fn days_in_month(vm: &mut Vm, a: &Args) -> R {
    let (year, month, _) = civil(vm, a)?;
    Ok(Value::small(month_length(year, month)))
}

fn month_name(vm: &mut Vm, a: &Args) -> R {
    let month = civil(vm, a)?.1;
    Ok(vm.str(MONTHS[month as usize - 1]))
}

fn weekday_name(vm: &mut Vm, a: &Args) -> R {
    let n = weekday(day_of(vm, a)?);
    Ok(vm.str(WEEKDAYS[n as usize - 1]))
}

/// A field of the clock: so many of `unit`, modulo `below`.
fn of_clock(vm: &mut Vm, a: &Args, unit: i64, below: i64) -> R {
    Ok(Value::small(clock_of(vm, a)?.micros / unit % below))
}

fn offset_of(vm: &mut Vm, a: &Args) -> R {
    Ok(clock_of(vm, a)?.offset)
}

fn timezone(vm: &mut Vm, a: &Args) -> R {
    let c = clock_of(vm, a)?;
    if c.zone.is_nil() && c.flags & UTC != 0 {
        return Ok(vm.str("UTC"));
    }
    Ok(c.zone)
}

// --- instants

/// Microseconds since 1970; without an offset the fields are read as UTC.
fn instant(vm: &mut Vm, a: &Args) -> Result<i64, Stop> {
    if !a.this().is_kind(Kind::DateTime) {
        return Err(wrong_kind(vm, "DateTime method", "DateTime", a.this()));
    }
    let c = temporal::clock(a.this());
    Ok(temporal::days(a.this()) * DAY + c.micros - c.offset.as_int().unwrap_or(0) * MINUTE)
}

fn since_epoch(vm: &mut Vm, a: &Args, unit: i64) -> R {
    let us = instant(vm, a)?;
    Ok(vm.int(us.div_euclid(unit)))
}

fn shifted(vm: &mut Vm, a: &Args, name: &str, minutes: i64, flags: i64) -> R {
    let us = instant(vm, a)?;
    let c = temporal::clock(a.this());
    if c.offset.is_nil() {
        return Err(vm.argument_error(&format!("{name} requires a DateTime with an offset")));
    }
    let local = us + minutes * MINUTE;
    let days = temporal::day_in_range(vm, local.div_euclid(DAY))?;
    let clock = Clock {
        micros: local.rem_euclid(DAY),
        offset: Value::small(minutes),
        // A name belongs to the offset it came with.
        zone: Value::NIL,
        flags: c.flags & SHOW_SECONDS | flags,
    };
    Ok(vm.date_time(days, clock))
}

fn to_offset(vm: &mut Vm, a: &Args) -> R {
    let minutes = offset(vm, "to_offset", a.get(0))?;
    shifted(vm, a, "to_offset", minutes, 0)
}

fn to_utc(vm: &mut Vm, a: &Args) -> R {
    shifted(vm, a, "to_utc", 0, UTC)
}

fn date_part(vm: &mut Vm, a: &Args) -> R {
    let days = day_of(vm, a)?;
    Ok(vm.date(days))
}

fn time_part(vm: &mut Vm, a: &Args) -> R {
    let c = clock_of(vm, a)?;
    Ok(vm.time(c))
}

// --- moving

fn add_days(vm: &mut Vm, a: &Args) -> R {
    let n = int(vm, "add_days", a.get(0))?;
    let days = day_of(vm, a)?.saturating_add(n);
    with_day(vm, a.this(), days)
}

/// The day of the month is clamped to the length of the month arrived at.
fn add_months_to(vm: &mut Vm, a: &Args, months: i64) -> R {
    let (year, month, day) = civil(vm, a)?;
    let total = (year * 12 + month - 1).saturating_add(months);
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
    if !(1..=MAX_YEAR).contains(&year) {
        return Err(vm.runtime_error("Date out of range"));
    }
    with_day(vm, a.this(), days_from_civil(year, month, day.min(month_length(year, month))))
}

fn add_months(vm: &mut Vm, a: &Args) -> R {
    let n = int(vm, "add_months", a.get(0))?;
    add_months_to(vm, a, n)
}

fn add_years(vm: &mut Vm, a: &Args) -> R {
    let n = int(vm, "add_years", a.get(0))?;
    add_months_to(vm, a, n.saturating_mul(12))
}

/// First and last day of the unit a day lies in.
fn unit_bounds(vm: &mut Vm, days: i64, unit: &str) -> Result<(i64, i64), Stop> {
    let (year, month, _) = civil_from_days(days);
    Ok(match unit {
        "year" => (days_from_civil(year, 1, 1), days_from_civil(year, 12, 31)),
        "month" => (days_from_civil(year, month, 1), days_from_civil(year, month, month_length(year, month))),
        "week" => {
            let monday = days - weekday(days) + 1;
            (monday, monday + 6)
        }
        "day" => (days, days),
        _ => return Err(vm.argument_error(&format!("Unknown unit: {unit}"))),
    })
}

fn unit_arg<'a>(vm: &mut Vm, name: &str, v: Value) -> Result<&'a str, Stop> {
    match v.as_sym() {
        Some(s) => Ok(vm.sym_name(s)),
        None => string(vm, name, v),
    }
}

/// A Date's unit starts and ends with a day, a DateTime's with the first and last microsecond.
fn bound(vm: &mut Vm, a: &Args, name: &str, end: bool) -> R {
    let unit = unit_arg(vm, name, a.get(0))?;
    let days = day_of(vm, a)?;
    let (first, last) = unit_bounds(vm, days, unit)?;
    let days = temporal::day_in_range(vm, if end { last } else { first })?;
    if a.this().is_kind(Kind::Date) {
        return Ok(vm.date(days));
    }
    let c = temporal::clock(a.this());
    Ok(vm.date_time(days, Clock { micros: if end { DAY - 1 } else { 0 }, ..c }))
}

fn start_of(vm: &mut Vm, a: &Args) -> R {
    bound(vm, a, "start_of", false)
}

fn end_of(vm: &mut Vm, a: &Args) -> R {
    bound(vm, a, "end_of", true)
}

// --- text

fn format(vm: &mut Vm, a: &Args) -> R {
    let fmt = string(vm, "format", a.get(0))?;
    let text = date_format::format(vm, a.this(), fmt)?;
    Ok(vm.str(&text))
}

fn parse(vm: &mut Vm, a: &Args, kind: Kind) -> R {
    let text = string(vm, "parse", a.get(0))?;
    let parsed = match a.opt(1) {
        Some(fmt) => {
            let fmt = string(vm, "parse", fmt)?;
            date_format::parse(vm, text, fmt, kind)?
        }
        None => crate::compile::quote::temporal_literal(vm, text).filter(|v| v.is_kind(kind)),
    };
    match parsed {
        Some(v) => Ok(v),
        None => {
            let what = match kind {
                Kind::Date => "date",
                Kind::Time => "time",
                _ => "datetime",
            };
            Err(vm.parse_error(&format!("Invalid {what}: {text}")))
        }
    }
}

#[rustfmt::skip]
static DATE: &[NativeDef] = &[
    def!("year", year, 0, 0, "(d .year) -- The year.
        (2024-05-27 .year) => 2024"),
    def!("month", month, 0, 0, "(d .month) -- The month, 1..12.
        (2024-05-27 .month) => 5"),
    def!("day", day, 0, 0, "(d .day) -- The day of the month.
        (2024-05-27 .day) => 27"),
    def!("weekday", |vm, a| of_day(vm, a, weekday), 0, 0, "(d .weekday) -- 1 for Monday .. 7 for Sunday.
        (2024-05-27 .weekday) => 1"),
    def!("yearday", |vm, a| of_day(vm, a, yearday), 0, 0, "(d .yearday) -- The day of the year, from 1.
        (2024-05-27 .yearday) => 148"),
    def!("week", |vm, a| of_day(vm, a, iso_week), 0, 0, "(d .week) -- The number of the ISO week.
        (2024-05-27 .week) => 22"),
    def!("leap_year?", leap_year, 0, 0, "(d .leap_year?) -- Has its year 366 days?
        (2024-05-27 .leap_year?) => true"),
    def!("days_in_month", days_in_month, 0, 0, "(d .days_in_month) -- The length of its month.
        (2024-02-01 .days_in_month) => 29"),
    def!("month_name", month_name, 0, 0, r#"(d .month_name) -- The English name of its month.
        (2024-05-27 .month_name) => "May""#),
    def!("weekday_name", weekday_name, 0, 0, r#"(d .weekday_name) -- The English name of its weekday.
        (2024-05-27 .weekday_name) => "Monday""#),
    def!("add_days", add_days, 1, 1, "(d .add_days n) -- n days later.
        (2024-02-28 .add_days 2) => 2024-03-01"),
    def!("add_months", add_months, 1, 1, "(d .add_months n) -- n months later, the day clamped to the month's length.
        (2024-01-31 .add_months 1) => 2024-02-29"),
    def!("add_years", add_years, 1, 1, "(d .add_years n) -- n years later, the day clamped to the month's length.
        (2024-02-29 .add_years 1) => 2025-02-28"),
    def!("start_of", start_of, 1, 1, r#"(d .start_of unit) -- Where its year, month, week or day starts.
        (2024-05-27 .start_of "month") => 2024-05-01"#),
    def!("end_of", end_of, 1, 1, r#"(d .end_of unit) -- Where its year, month, week or day ends.
        (2024-05-27 .end_of "month") => 2024-05-31"#),
];

#[rustfmt::skip]
static TIME: &[NativeDef] = &[
    def!("hour", |vm, a| of_clock(vm, a, HOUR, 24), 0, 0, "(t .hour) -- The hour, 0..23.
        (10:30:15 .hour) => 10"),
    def!("minute", |vm, a| of_clock(vm, a, MINUTE, 60), 0, 0, "(t .minute) -- The minute.
        (10:30:15 .minute) => 30"),
    def!("second", |vm, a| of_clock(vm, a, SECOND, 60), 0, 0, "(t .second) -- The second.
        (10:30:15 .second) => 15"),
    def!("microsecond", |vm, a| of_clock(vm, a, 1, SECOND), 0, 0, "(t .microsecond) -- The fraction of the second.
        (10:30:15.5 .microsecond) => 500000"),
    def!("offset", offset_of, 0, 0, "(t .offset) -- Minutes east of UTC, or nil.
        (10:30:15Z .offset) => 0"),
    def!("timezone", timezone, 0, 0, r#"(t .timezone) -- The IANA name, UTC for Z, else nil.
        (10:30:15Z .timezone) => "UTC""#),
];

#[rustfmt::skip]
static DATE_TIME: &[NativeDef] = &[
    def!("to_i", |vm, a| since_epoch(vm, a, 1000), 0, 0, "(dt .to_i) -- Milliseconds since 1970.
        (1970-01-01T00:00:01Z .to_i) => 1000"),
    def!("unix", |vm, a| since_epoch(vm, a, SECOND), 0, 0, "(dt .unix) -- Whole seconds since 1970.
        (1970-01-01T00:00:01Z .unix) => 1"),
    def!("to_us", |vm, a| since_epoch(vm, a, 1), 0, 0, "(dt .to_us) -- Microseconds since 1970.
        (1970-01-01T00:00:01Z .to_us) => 1000000"),
    def!("date", date_part, 0, 0, "(dt .date) -- Its Date.
        (2024-05-27T10:30:00Z .date) => 2024-05-27"),
    def!("time", time_part, 0, 0, "(dt .time) -- Its Time of day, with the zone.
        (2024-05-27T10:30:00Z .time) => 10:30:00Z"),
    def!("to_offset", to_offset, 1, 1, "(dt .to_offset min) -- The same instant at another offset.
        (2024-05-27T10:30:00Z .to_offset 60) => 2024-05-27T11:30:00+01:00"),
    def!("to_utc", to_utc, 0, 0, "(dt .to_utc) -- The same instant in UTC.
        (2024-05-27T10:30:00+01:00 .to_utc) => 2024-05-27T09:30:00Z"),
];

static FORMAT: &[NativeDef] = &[def!(
    "format",
    format,
    1,
    1,
    r#"(d .format fmt) -- Text after a pattern of directives such as %Y-%m-%d.
        (2024-05-27 .format "%d.%m.%Y") => "27.05.2024""#
)];

#[rustfmt::skip]
static DATE_STATICS: &[NativeDef] = &[
    def!("of", date_of, 3, 3, "(Date .of y m d) -- A Date.
        (Date/of 2024 5 27) => 2024-05-27"),
    def!("parse", |vm, a| parse(vm, a, Kind::Date), 1, 2, r#"(Date .parse s [fmt]) -- The Date a text names.
        (Date/parse "2024-05-27") => 2024-05-27"#),
];

#[rustfmt::skip]
static TIME_STATICS: &[NativeDef] = &[
    def!("of", time_of, 2, 4, "(Time .of h m [s us]) -- A Time of day.
        (Time/of 10 30) => 10:30:00"),
    def!("parse", |vm, a| parse(vm, a, Kind::Time), 1, 2, r#"(Time .parse s [fmt]) -- The Time a text names.
        (Time/parse "10:30") => 10:30"#),
];

#[rustfmt::skip]
static DATE_TIME_STATICS: &[NativeDef] = &[
    def!("of", date_time_of, 3, 7, ["offset", "zone"], "(DateTime .of y m d [h mi s us ^offset min ^zone name]) -- A DateTime.
        (DateTime/of 2024 5 27 10 30) => 2024-05-27T10:30:00"),
    def!("parse", |vm, a| parse(vm, a, Kind::DateTime), 1, 2, r#"(DateTime .parse s [fmt]) -- The DateTime a text names.
        (DateTime/parse "2024-05-27T10:30:00Z") => 2024-05-27T10:30:00Z"#),
];

pub fn install(vm: &mut Vm) {
    let class = |vm: &Vm, kind: Kind| vm.classes.by_kind[kind as usize];
    for kind in [Kind::Date, Kind::DateTime] {
        vm.add_methods(class(vm, kind), DATE);
    }
    for kind in [Kind::Time, Kind::DateTime] {
        vm.add_methods(class(vm, kind), TIME);
    }
    vm.add_methods(class(vm, Kind::DateTime), DATE_TIME);
    for kind in [Kind::Date, Kind::Time, Kind::DateTime] {
        vm.add_methods(class(vm, kind), FORMAT);
    }
    vm.add_statics(class(vm, Kind::Date), DATE_STATICS);
    vm.add_statics(class(vm, Kind::Time), TIME_STATICS);
    vm.add_statics(class(vm, Kind::DateTime), DATE_TIME_STATICS);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_follow_iso_8601() {
        let week = |y, m, d| iso_week(days_from_civil(y, m, d));
        assert_eq!(week(2024, 1, 1), 1);
        assert_eq!(week(2023, 1, 1), 52);
        assert_eq!(week(2020, 12, 31), 53);
        assert_eq!(week(2021, 1, 3), 53);
        assert_eq!(week(2021, 1, 4), 1);
        assert_eq!(week(2024, 12, 30), 1);
    }

    #[test]
    fn weekdays_and_yeardays() {
        assert_eq!(weekday(0), 4); // a Thursday
        assert_eq!(weekday(days_from_civil(2024, 2, 29)), 4);
        assert_eq!(yearday(days_from_civil(2024, 12, 31)), 366);
        assert_eq!(yearday(days_from_civil(2023, 3, 1)), 60);
    }
}
