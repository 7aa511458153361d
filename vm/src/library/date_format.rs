//! The directives of `.format` and `.parse` on dates and times (language 14.6.6).
use super::date::{self, MAX_YEAR, MONTHS, WEEKDAYS};
use crate::heap::Kind;
use crate::native::Stop;
use crate::object::temporal::{
    self, Clock, DAY, HOUR, MINUTE, SECOND, SHOW_SECONDS, UTC, civil_from_days, days_from_civil,
};
use crate::value::Value;
use crate::vm::Vm;
use std::fmt::Write;

/// Literal text and directives of a pattern.
enum Piece {
    Text(char),
    Directive(char),
}

fn unknown(vm: &mut Vm, directive: Option<char>) -> Stop {
    let c = directive.map_or(String::new(), String::from);
    vm.argument_error(&format!("Unknown format directive: %{c}"))
}

/// Directives about the day, then about the time of day.
const DAY_DIRECTIVES: &str = "YmdybBaAje";
const CLOCK_DIRECTIVES: &str = "HMSfIpzZ";

/// Takes a pattern apart; refuses what is no directive, or says nothing about a value of `kind`.
fn pieces(vm: &mut Vm, fmt: &str, kind: Kind) -> Result<Vec<Piece>, Stop> {
    let mut out = Vec::with_capacity(fmt.len());
    let mut chars = fmt.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(Piece::Text(c));
            continue;
        }
        let directive = chars.next();
        match directive {
            Some('%') => out.push(Piece::Text('%')),
            Some(d) if DAY_DIRECTIVES.contains(d) && kind == Kind::Time => {
                return Err(vm.argument_error(&format!("Time has no %{d}")));
            }
            Some(d) if CLOCK_DIRECTIVES.contains(d) && kind == Kind::Date => {
                return Err(vm.argument_error(&format!("Date has no %{d}")));
            }
            Some(d) if DAY_DIRECTIVES.contains(d) || CLOCK_DIRECTIVES.contains(d) => out.push(Piece::Directive(d)),
            d => return Err(unknown(vm, d)),
        }
    }
    Ok(out)
}

pub fn format(vm: &mut Vm, v: Value, fmt: &str) -> Result<String, Stop> {
    let kind = v.heap_kind().unwrap_or(Kind::Date);
    let days = if kind == Kind::Time { 0 } else { temporal::days(v) };
    let clock = match kind {
        Kind::Date => Clock { micros: 0, offset: Value::NIL, zone: Value::NIL, flags: 0 },
        _ => temporal::clock(v),
    };
    let mut out = String::with_capacity(fmt.len() * 2);
    for piece in pieces(vm, fmt, kind)? {
        match piece {
            Piece::Text(c) => out.push(c),
            Piece::Directive(d) => write_directive(&mut out, d, days, clock),
        }
    }
    Ok(out)
}

fn write_directive(out: &mut String, directive: char, days: i64, c: Clock) {
    let (year, month, day) = civil_from_days(days);
    let month_name = MONTHS[month as usize - 1];
    let weekday = WEEKDAYS[date::weekday(days) as usize - 1];
    let hour = c.micros / HOUR;
    let _ = match directive {
        'Y' => write!(out, "{year:04}"),
        'm' => write!(out, "{month:02}"),
        'd' => write!(out, "{day:02}"),
        'y' => write!(out, "{:02}", year % 100),
        'b' => write!(out, "{}", &month_name[..3]),
        'B' => write!(out, "{month_name}"),
        'a' => write!(out, "{}", &weekday[..3]),
        'A' => write!(out, "{weekday}"),
        'j' => write!(out, "{:03}", date::yearday(days)),
        'e' => write!(out, "{day:>2}"),
        'H' => write!(out, "{hour:02}"),
        'I' => write!(out, "{:02}", if hour % 12 == 0 { 12 } else { hour % 12 }),
        'M' => write!(out, "{:02}", c.micros / MINUTE % 60),
        'S' => write!(out, "{:02}", c.micros / SECOND % 60),
        'f' => write!(out, "{:06}", c.micros % SECOND),
        'p' => write!(out, "{}", if hour < 12 { "AM" } else { "PM" }),
        'z' => {
            if let Some(minutes) = c.offset.as_int() {
                temporal::write_offset(out, minutes, false);
            }
            Ok(())
        }
        _ => match c.zone.as_str() {
            Some(zone) => write!(out, "{zone}"),
            None if c.flags & UTC != 0 => write!(out, "UTC"),
            None => Ok(()),
        },
    };
}

/// What has been read so far.
#[derive(Default)]
struct Fields<'t> {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    yearday: Option<i64>,
    hour: Option<i64>,
    /// Hour of a twelve-hour clock.
    hour12: Option<i64>,
    afternoon: Option<bool>,
    minute: Option<i64>,
    second: Option<i64>,
    micros: Option<i64>,
    offset: Option<i64>,
    utc: bool,
    zone: Option<&'t str>,
}

/// The value a text names by the pattern; `None` when it doesn't fit.
pub fn parse(vm: &mut Vm, text: &str, fmt: &str, kind: Kind) -> Result<Option<Value>, Stop> {
    let pieces = pieces(vm, fmt, kind)?;
    Ok(read(text, &pieces).and_then(|fields| value(vm, &fields, kind)))
}

fn read<'t>(text: &'t str, pieces: &[Piece]) -> Option<Fields<'t>> {
    let mut f = Fields::default();
    let mut rest = text;
    for piece in pieces {
        match *piece {
            Piece::Text(c) => rest = rest.strip_prefix(c)?,
            Piece::Directive(d) => match d {
                'Y' => f.year = Some(number(&mut rest, 4)?),
                'm' => f.month = Some(number(&mut rest, 2)?),
                'd' => f.day = Some(number(&mut rest, 2)?),
                'e' => {
                    rest = rest.strip_prefix(' ').unwrap_or(rest);
                    f.day = Some(number(&mut rest, 2)?);
                }
                'y' => {
                    // As POSIX has it: 69..99 are of the twentieth century.
                    let n = number(&mut rest, 2)?;
                    f.year = Some(if n >= 69 { 1900 + n } else { 2000 + n });
                }
                'b' | 'B' => f.month = Some(name(&mut rest, &MONTHS, d == 'b')?),
                'a' | 'A' => {
                    name(&mut rest, &WEEKDAYS, d == 'a')?;
                }
                'j' => f.yearday = Some(number(&mut rest, 3)?),
                'H' => f.hour = Some(number(&mut rest, 2)?),
                'I' => f.hour12 = Some(number(&mut rest, 2)?),
                'M' => f.minute = Some(number(&mut rest, 2)?),
                'S' => f.second = Some(number(&mut rest, 2)?),
                'f' => {
                    let n = digits(rest, 6);
                    let fraction = number(&mut rest, 6)?;
                    f.micros = Some(fraction * 10i64.pow(6 - n as u32));
                }
                'p' => f.afternoon = Some(name(&mut rest, &["AM", "PM"], false)? == 2),
                'z' => {
                    let (minutes, utc) = offset(&mut rest)?;
                    f.offset = Some(minutes);
                    f.utc = utc;
                }
                _ => zone(&mut rest, &mut f)?,
            },
        }
    }
    rest.is_empty().then_some(f)
}

/// Digits at the start, at most `most`.
fn digits(text: &str, most: usize) -> usize {
    text.bytes().take(most).take_while(u8::is_ascii_digit).count()
}

fn number(rest: &mut &str, most: usize) -> Option<i64> {
    let n = digits(rest, most);
    let (number, after) = rest.split_at(n);
    *rest = after;
    number.parse().ok()
}

/// A name of the list (or its first three letters), whatever the case; gives its place from 1.
fn name(rest: &mut &str, names: &[&str], short: bool) -> Option<i64> {
    for (i, name) in names.iter().enumerate() {
        let name = if short { &name[..3] } else { name };
        if rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
            *rest = &rest[name.len()..];
            return Some(i as i64 + 1);
        }
    }
    None
}

/// `Z`, `+05:30` or `+0530`.
fn offset(rest: &mut &str) -> Option<(i64, bool)> {
    if let Some(after) = rest.strip_prefix('Z') {
        *rest = after;
        return Some((0, true));
    }
    let negative = rest.starts_with('-');
    *rest = rest.strip_prefix(['+', '-'])?;
    let two = |rest: &mut &str| if digits(rest, 2) == 2 { number(rest, 2) } else { None };
    let hours = two(rest)?;
    *rest = rest.strip_prefix(':').unwrap_or(rest);
    let minutes = two(rest)?;
    if hours > 23 || minutes > 59 {
        return None;
    }
    let total = hours * 60 + minutes;
    Some((if negative { -total } else { total }, false))
}

/// `UTC` or an IANA name.
fn zone<'t>(rest: &mut &'t str, f: &mut Fields<'t>) -> Option<()> {
    let n = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(b)).count();
    let (name, after) = rest.split_at(n);
    *rest = after;
    if name == "UTC" {
        f.offset = f.offset.or(Some(0));
        f.utc = f.offset == Some(0);
        return Some(());
    }
    crate::syntax::check_zone_name(name).ok()?;
    f.zone = Some(name);
    Some(())
}

fn day(f: &Fields) -> Option<i64> {
    let year = f.year.filter(|y| (1..=MAX_YEAR).contains(y))?;
    if let Some(n) = f.yearday {
        let length = if date::is_leap(year) { 366 } else { 365 };
        return (1..=length).contains(&n).then(|| days_from_civil(year, 1, 1) + n - 1);
    }
    let month = f.month.unwrap_or(1);
    let day = f.day.unwrap_or(1);
    let valid = (1..=12).contains(&month) && (1..=date::month_length(year, month)).contains(&day);
    valid.then(|| days_from_civil(year, month, day))
}

fn clock(vm: &mut Vm, f: &Fields) -> Option<Clock> {
    let hour = match (f.hour, f.hour12) {
        (Some(h), _) => h,
        (None, Some(h)) if (1..=12).contains(&h) => h % 12 + if f.afternoon? { 12 } else { 0 },
        (None, Some(_)) => return None,
        (None, None) => 0,
    };
    let (minute, second) = (f.minute.unwrap_or(0), f.second.unwrap_or(0));
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let micros = hour * HOUR + minute * MINUTE + second * SECOND + f.micros.unwrap_or(0);
    debug_assert!(micros < DAY);
    Some(Clock {
        micros,
        offset: f.offset.map_or(Value::NIL, Value::small),
        zone: f.zone.map_or(Value::NIL, |z| vm.str(z)),
        flags: SHOW_SECONDS | if f.utc { UTC } else { 0 },
    })
}

fn value(vm: &mut Vm, f: &Fields, kind: Kind) -> Option<Value> {
    match kind {
        Kind::Date => {
            let days = day(f)?;
            Some(vm.date(days))
        }
        Kind::Time => {
            if f.hour.is_none() && f.hour12.is_none() {
                return None;
            }
            let c = clock(vm, f)?;
            Some(vm.time(c))
        }
        _ => {
            let days = day(f)?;
            let c = clock(vm, f)?;
            if !c.zone.is_nil() && c.offset.is_nil() {
                return None;
            }
            Some(vm.date_time(days, c))
        }
    }
}
