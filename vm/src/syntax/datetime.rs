//! Date, time and datetime literals.

use super::error::{Result, SyntaxError};
use super::form::{DateLit, TimeLit};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment<'a> {
    Date(DateLit),
    Time(TimeLit<'a>),
    DateTime(DateLit, TimeLit<'a>),
}

/// Reads a token that starts with a digit. `None` when it has the outline of neither a date (`N-N-N`) nor a time (`N:N`);
/// a token with the outline must be valid. The zone name in brackets is not part of the token.
pub(super) fn parse<'a>(token: &str, start: usize, min_year: u16) -> Result<Option<Moment<'a>>> {
    let bytes = token.as_bytes();
    let first = digits(bytes, 0);
    match bytes.get(first) {
        Some(b':') if digits(bytes, first + 1) > 0 => {
            let mut fields = Fields { token, start, at: 0, what: "Invalid time", min_year };
            fields.time(false).map(|time| Some(Moment::Time(time)))
        }
        Some(b'-') => {
            let second = digits(bytes, first + 1);
            let third = first + 1 + second;
            if second == 0 || bytes.get(third) != Some(&b'-') || digits(bytes, third + 1) == 0 {
                return Ok(None);
            }
            let mut fields = Fields { token, start, at: 0, what: "Invalid date", min_year };
            let date = fields.date()?;
            if fields.at == token.len() {
                return Ok(Some(Moment::Date(date)));
            }
            fields.expect(b'T')?;
            fields.what = "Invalid datetime";
            let time = fields.time(true)?;
            Ok(Some(Moment::DateTime(date, time)))
        }
        _ => Ok(None),
    }
}

fn digits(bytes: &[u8], from: usize) -> usize {
    bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count()
}

pub(super) fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Takes the fields of a token one by one.
struct Fields<'t> {
    token: &'t str,
    /// Offset of the token in the source.
    start: usize,
    at: usize,
    /// The complaint about a token that goes wrong between its fields.
    what: &'static str,
    min_year: u16,
}

impl<'t> Fields<'t> {
    fn peek(&self) -> Option<u8> {
        self.token.as_bytes().get(self.at).copied()
    }

    fn malformed(&self) -> SyntaxError {
        SyntaxError::token(self.what, self.token, self.start)
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.peek() != Some(byte) {
            return Err(self.malformed());
        }
        self.at += 1;
        Ok(())
    }

    /// The next run of digits and its offset in the source.
    fn run(&mut self) -> (&'t str, usize) {
        let from = self.at;
        self.at += digits(self.token.as_bytes(), from);
        (&self.token[from..self.at], self.start + from)
    }

    /// A field of exactly two digits (or of one, if `short`).
    fn field(&mut self, name: &str, min: u8, max: u8, short: bool) -> Result<u8> {
        let (text, at) = self.run();
        let length_fits = text.len() == 2 || (short && text.len() == 1);
        match text.parse::<u8>() {
            Ok(value) if length_fits && (min..=max).contains(&value) => Ok(value),
            _ if text.is_empty() => Err(self.malformed()),
            _ => Err(SyntaxError::token(&format!("Invalid {name}"), text, at)),
        }
    }

    fn date(&mut self) -> Result<DateLit> {
        let (text, at) = self.run();
        let year = match text.parse::<u16>() {
            Ok(year) if text.len() == 4 && year >= self.min_year => year,
            _ => return Err(SyntaxError::token("Date literal requires 4-digit year, got", text, at)),
        };
        self.expect(b'-')?;
        let month = self.field("month", 1, 12, false)?;
        self.expect(b'-')?;
        let day = self.field("day", 1, days_in_month(year, month), false)?;
        Ok(DateLit { year, month, day })
    }

    /// The rest of the token. In a datetime the hour has two digits and a fraction needs seconds before it.
    fn time<'a>(&mut self, in_datetime: bool) -> Result<TimeLit<'a>> {
        let hour = self.field("hour", 0, 23, !in_datetime)?;
        self.expect(b':')?;
        let minute = self.field("minute", 0, 59, false)?;
        let mut second = None;
        if self.peek() == Some(b':') {
            self.at += 1;
            second = Some(self.field("second", 0, 59, false)?);
        }
        let mut micros = 0;
        if self.peek() == Some(b'.') && (second.is_some() || !in_datetime) {
            self.at += 1;
            micros = self.fraction()?;
        }
        let mut utc = false;
        let mut offset = None;
        match self.peek() {
            Some(b'Z') => {
                self.at += 1;
                utc = true;
                offset = Some(0);
            }
            Some(sign @ (b'+' | b'-')) => {
                self.at += 1;
                let hours = self.field("offset hour", 0, 23, false)?;
                self.expect(b':')?;
                let minutes = self.field("offset minute", 0, 59, false)?;
                let east = i16::from(hours) * 60 + i16::from(minutes);
                offset = Some(if sign == b'-' { -east } else { east });
            }
            _ => {}
        }
        if self.at != self.token.len() {
            return Err(self.malformed());
        }
        Ok(TimeLit { hour, minute, second, micros, offset, utc, zone: None })
    }

    fn fraction(&mut self) -> Result<u32> {
        let (text, at) = self.run();
        match text.parse::<u32>() {
            Ok(value) if text.len() <= 6 => Ok(value * 10u32.pow(6 - text.len() as u32)),
            _ if text.is_empty() => Err(self.malformed()),
            _ => Err(SyntaxError::token("Invalid fraction", text, at)),
        }
    }
}

/// The zone name between brackets: what is wrong with it, if anything.
pub(super) fn check_zone_name(name: &str, start: usize) -> Result<()> {
    if !name.contains('/') {
        return Err(SyntaxError::token("IANA timezone name must contain '/'", name, start));
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte)) {
        return Err(SyntaxError::token("Invalid timezone name", name, start));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(year: u16, month: u8, day: u8) -> DateLit {
        DateLit { year, month, day }
    }

    fn time<'a>(hour: u8, minute: u8, second: Option<u8>, micros: u32) -> TimeLit<'a> {
        TimeLit { hour, minute, second, micros, offset: None, utc: false, zone: None }
    }

    fn moment(token: &str) -> Moment<'static> {
        parse(token, 0, 1000).expect(token).expect(token)
    }

    fn error(token: &str) -> (String, u32) {
        let error = parse(token, 0, 1000).expect_err(token);
        (error.message, error.span.start)
    }

    #[test]
    fn a_date_has_a_year_a_month_and_a_day() {
        assert_eq!(moment("2024-05-06"), Moment::Date(date(2024, 5, 6)));
        assert_eq!(moment("1000-01-01"), Moment::Date(date(1000, 1, 1)));
        assert_eq!(moment("9999-12-31"), Moment::Date(date(9999, 12, 31)));
    }

    #[test]
    fn leap_years_have_a_29th_of_february() {
        assert_eq!(moment("2024-02-29"), Moment::Date(date(2024, 2, 29)));
        assert_eq!(moment("2000-02-29"), Moment::Date(date(2000, 2, 29)));
        assert_eq!(error("2023-02-29"), ("Invalid day: 29".into(), 8));
        assert_eq!(error("1900-02-29"), ("Invalid day: 29".into(), 8));
    }

    #[test]
    fn a_wrong_date_field_is_named() {
        assert_eq!(error("2024-13-01"), ("Invalid month: 13".into(), 5));
        assert_eq!(error("2024-00-01"), ("Invalid month: 00".into(), 5));
        assert_eq!(error("2024-1-01"), ("Invalid month: 1".into(), 5));
        assert_eq!(error("2024-04-31"), ("Invalid day: 31".into(), 8));
        assert_eq!(error("2024-04-00"), ("Invalid day: 00".into(), 8));
        assert_eq!(error("2024-04-1"), ("Invalid day: 1".into(), 8));
        assert_eq!(error("24-01-02"), ("Date literal requires 4-digit year, got: 24".into(), 0));
        assert_eq!(error("12024-01-02"), ("Date literal requires 4-digit year, got: 12024".into(), 0));
        assert_eq!(error("0999-01-02"), ("Date literal requires 4-digit year, got: 0999".into(), 0));
        assert_eq!(error("2024-01-02x"), ("Invalid date: 2024-01-02x".into(), 0));
    }

    #[test]
    fn a_time_has_an_hour_and_a_minute_at_least() {
        assert_eq!(moment("9:05"), Moment::Time(time(9, 5, None, 0)));
        assert_eq!(moment("23:59:59"), Moment::Time(time(23, 59, Some(59), 0)));
        assert_eq!(moment("10:20:30.25"), Moment::Time(time(10, 20, Some(30), 250_000)));
        assert_eq!(moment("10:20.000001"), Moment::Time(time(10, 20, None, 1)));
        assert_eq!(moment("07:00Z"), Moment::Time(TimeLit { utc: true, offset: Some(0), ..time(7, 0, None, 0) }));
        assert_eq!(moment("07:00-01:30"), Moment::Time(TimeLit { offset: Some(-90), ..time(7, 0, None, 0) }));
    }

    #[test]
    fn a_datetime_joins_date_and_time_with_t() {
        assert_eq!(moment("2024-05-06T10:20"), Moment::DateTime(date(2024, 5, 6), time(10, 20, None, 0)));
        assert_eq!(
            moment("2024-05-06T10:20:30.250+02:00"),
            Moment::DateTime(date(2024, 5, 6), TimeLit { offset: Some(120), ..time(10, 20, Some(30), 250_000) })
        );
        assert_eq!(
            moment("2024-05-06T08:20:30.25Z"),
            Moment::DateTime(
                date(2024, 5, 6),
                TimeLit { utc: true, offset: Some(0), ..time(8, 20, Some(30), 250_000) }
            )
        );
    }

    #[test]
    fn a_wrong_time_field_is_named() {
        assert_eq!(error("24:00"), ("Invalid hour: 24".into(), 0));
        assert_eq!(error("123:00"), ("Invalid hour: 123".into(), 0));
        assert_eq!(error("10:60"), ("Invalid minute: 60".into(), 3));
        assert_eq!(error("10:5"), ("Invalid minute: 5".into(), 3));
        assert_eq!(error("10:20:60"), ("Invalid second: 60".into(), 6));
        assert_eq!(error("10:20:30.1234567"), ("Invalid fraction: 1234567".into(), 9));
        assert_eq!(error("10:20+24:00"), ("Invalid offset hour: 24".into(), 6));
        assert_eq!(error("10:20+02:60"), ("Invalid offset minute: 60".into(), 9));
        assert_eq!(error("2024-05-06T9:05"), ("Invalid hour: 9".into(), 11));
    }

    #[test]
    fn anything_after_the_fields_is_malformed() {
        assert_eq!(error("10:20x").0, "Invalid time: 10:20x");
        assert_eq!(error("10:20:").0, "Invalid time: 10:20:");
        assert_eq!(error("10:20+02").0, "Invalid time: 10:20+02");
        assert_eq!(error("10:20.").0, "Invalid time: 10:20.");
        assert_eq!(error("2024-05-06T").0, "Invalid datetime: 2024-05-06T");
        assert_eq!(error("2024-05-06T10:20.5").0, "Invalid datetime: 2024-05-06T10:20.5");
        assert_eq!(error("2024-05-06T10").0, "Invalid datetime: 2024-05-06T10");
    }

    #[test]
    fn other_tokens_have_no_outline_of_a_moment() {
        for token in ["12", "12-3", "2024-05", "1:", "1-2-", "1h30m", "1.5"] {
            assert_eq!(parse(token, 0, 1000), Ok(None), "{token}");
        }
    }

    #[test]
    fn a_zone_name_contains_a_slash() {
        assert_eq!(check_zone_name("Europe/Rome", 0), Ok(()));
        assert_eq!(check_zone_name("Etc/GMT+1", 0), Ok(()));
        assert_eq!(check_zone_name("Foo", 0).unwrap_err().message, "IANA timezone name must contain '/': Foo");
        assert_eq!(check_zone_name("a/b c", 0).unwrap_err().message, "Invalid timezone name: a/b c");
    }
}
