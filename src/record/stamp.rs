//! Date and time as most logs write them, `2024-05-01 12:00:00`, with what may follow: a fraction, an offset from UTC.
//!
//! Source: ISO 8601 as `strftime` writes it (`%Y-%m-%d %H:%M:%S`, `%z`). The shape and the calendar are two questions: a
//! stamp with a 30 February has the shape and names no time. Nor does a second 60, which neither clock can hold.
//!
//! **Invariant:** what it reads is what stands there; there is no default zone and no guess.

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta};

use super::clf_time;
use crate::clock::Timestamp;
use crate::scope::TimeField;

/// Digits of a fraction of a second that a [`Timestamp`] can hold.
const FRACTION_DIGITS: usize = 9;

/// A civil date and time; none where the calendar or the clock lacks it.
pub(crate) type Civil = Option<NaiveDateTime>;

/// `2024-05-01 12:00:00`, or with a `T`, and a fraction behind a `.` or `,` where there is one, at the front of `bytes`;
/// and what is behind it.
pub(crate) fn date_time(bytes: &[u8]) -> Option<(Civil, &[u8])> {
    let (year, rest) = digits(bytes, 4)?;
    let (month, rest) = digits(rest.strip_prefix(b"-")?, 2)?;
    let (day, rest) = digits(rest.strip_prefix(b"-")?, 2)?;
    let (time, rest) = time_of_day(rest.strip_prefix(b" ").or_else(|| rest.strip_prefix(b"T"))?)?;
    Some((civil(i32::try_from(year).ok()?, month, day, time), rest))
}

/// `12:00:00` with or without a fraction: hour, minute, second, nanosecond.
pub(crate) fn time_of_day(bytes: &[u8]) -> Option<([u32; 4], &[u8])> {
    let (hour, rest) = digits(bytes, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(b":")?, 2)?;
    let (second, rest) = digits(rest.strip_prefix(b":")?, 2)?;
    let (nanosecond, rest) = fraction(rest);
    Some(([hour, minute, second, nanosecond], rest))
}

/// Nanoseconds of a fraction behind a `.` or `,`; what is no fraction, or one of too many digits, is left.
pub(crate) fn fraction(bytes: &[u8]) -> (u32, &[u8]) {
    let Some(behind) = bytes.strip_prefix(b".").or_else(|| bytes.strip_prefix(b",")) else { return (0, bytes) };
    let count = behind.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 || count > FRACTION_DIGITS {
        return (0, bytes);
    }
    let Some((value, rest)) = digits(behind, count) else { return (0, bytes) };
    let scale = (count..FRACTION_DIGITS).fold(1u32, |scale, _| scale * 10);
    (value * scale, rest)
}

/// The date and time of numbers; none where the calendar or the clock lacks it.
pub(crate) fn civil(year: i32, month: u32, day: u32, [hour, minute, second, nanosecond]: [u32; 4]) -> Civil {
    NaiveDate::from_ymd_opt(year, month, day)?.and_hms_nano_opt(hour, minute, second, nanosecond)
}

/// `Z`, `+0100` or `+01:00` at the front, and what is behind it: seconds east of UTC, none where no offset is that large.
pub(crate) fn offset(bytes: &[u8]) -> Option<(Option<i32>, &[u8])> {
    if let Some(rest) = bytes.strip_prefix(b"Z") {
        return Some((Some(0), rest));
    }
    let (sign, rest) = match bytes {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, rest) = digits(rest, 2)?;
    let (minutes, rest) = digits(rest.strip_prefix(b":").unwrap_or(rest), 2)?;
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok().filter(|_| hours < 24 && minutes < 60);
    Some((seconds.map(|seconds| sign * seconds), rest))
}

/// A time without a zone.
pub(crate) fn local(civil: Civil) -> TimeField {
    civil.map_or(TimeField::Unreadable, TimeField::Local)
}

/// A time so many seconds east of UTC.
pub(crate) fn at(civil: Civil, east_seconds: Option<i32>) -> TimeField {
    let instant = || {
        let utc = civil?.checked_sub_signed(TimeDelta::seconds(i64::from(east_seconds?)))?.and_utc();
        Timestamp::new(utc.timestamp(), utc.timestamp_subsec_nanos())
    };
    instant().map_or(TimeField::Unreadable, TimeField::At)
}

/// `Thu Mar  4 08:12:30 2010`, as ctime(3) writes it, at the front of `bytes`; and what is behind it. A day of the week that
/// is not that day's names no time.
pub(crate) fn ctime(bytes: &[u8]) -> Option<(Civil, &[u8])> {
    const WEEKDAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    let (weekday, rest) = bytes.split_at_checked(3)?;
    let weekday = WEEKDAYS.iter().position(|name| *name == weekday)?;
    let (month, rest) = rest.strip_prefix(b" ")?.split_at_checked(3)?;
    let month = u32::try_from(clf_time::month(month)?).ok()?;
    let rest = rest.strip_prefix(b" ")?;
    let (day, rest) = match rest.strip_prefix(b" ") {
        Some(rest) => digits(rest, 1)?,
        None => digits(rest, 2)?,
    };
    let (time, rest) = time_of_day(rest.strip_prefix(b" ")?)?;
    let (year, rest) = digits(rest.strip_prefix(b" ")?, 4)?;
    let civil = civil(i32::try_from(year).ok()?, month, day, time);
    let is_that_day = |civil: &NaiveDateTime| civil.weekday().num_days_from_monday() as usize == weekday;
    Some((civil.filter(is_that_day), rest))
}

/// `240501 12:00:00` at the front, the hour behind a blank where it has one digit; and what is behind it. MySQL and MariaDB
/// count from 1970: 70 to 99 are of the twentieth century.
pub(crate) fn short_year(bytes: &[u8]) -> Option<(Civil, &[u8])> {
    let (year, rest) = digits(bytes, 2)?;
    let (month, rest) = digits(rest, 2)?;
    let (day, rest) = digits(rest, 2)?;
    let rest = rest.strip_prefix(b" ")?;
    let (hour, rest) = match rest.strip_prefix(b" ") {
        Some(rest) => digits(rest, 1)?,
        None => digits(rest, 2)?,
    };
    let (minute, rest) = digits(rest.strip_prefix(b":")?, 2)?;
    let (second, rest) = digits(rest.strip_prefix(b":")?, 2)?;
    let year = i32::try_from(year).ok()? + if year < 70 { 2000 } else { 1900 };
    Some((civil(year, month, day, [hour, minute, second, 0]), rest))
}

/// The number of exactly `count` digits at the front, at most nine of them, and what is behind them.
pub(crate) fn digits(bytes: &[u8], count: usize) -> Option<(u32, &[u8])> {
    let (front, rest) = bytes.split_at_checked(count)?;
    let number = front.iter().try_fold(0u32, |number, &byte| {
        byte.is_ascii_digit().then_some(())?;
        number.checked_mul(10)?.checked_add(u32::from(byte - b'0'))
    })?;
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_to_its_end_and_what_the_calendar_lacks_names_no_time() {
        let cases: [(&str, Option<Option<&str>>, &str); 14] = [
            ("2024-05-01 12:00:00 x", Some(Some("2024-05-01 12:00:00")), " x"),
            ("2024-05-01T12:00:00.25Z", Some(Some("2024-05-01 12:00:00.250")), "Z"),
            ("2024-05-01 12:00:00,123+0100", Some(Some("2024-05-01 12:00:00.123")), "+0100"),
            ("2024-05-01 12:00:00.123456789", Some(Some("2024-05-01 12:00:00.123456789")), ""),
            ("2024-05-01 12:00:00.1234567890", Some(Some("2024-05-01 12:00:00")), ".1234567890"),
            ("2024-05-01 12:00:00.", Some(Some("2024-05-01 12:00:00")), "."),
            ("2024-02-30 12:00:00", Some(None), ""),
            ("2024-12-31 23:59:60", Some(None), ""),
            ("2024-05-01 24:00:00", Some(None), ""),
            ("2024-05-01_12:00:00", None, ""),
            ("2024-5-01 12:00:00", None, ""),
            ("24-05-01 12:00:00", None, ""),
            ("2024-05-01 12:00", None, ""),
            ("", None, ""),
        ];
        for (text, expected, behind) in cases {
            let seen = date_time(text.as_bytes());
            let civil = seen.map(|(civil, _)| civil.map(|civil| civil.to_string()));
            assert_eq!(civil, expected.map(|civil| civil.map(str::to_owned)), "{text}");
            assert_eq!(seen.map(|(_, rest)| rest).unwrap_or_default(), behind.as_bytes(), "{text}");
        }
    }

    #[test]
    fn a_stamp_of_ctime_is_read_with_its_day_of_the_week() {
        let cases = [
            ("Thu Mar  4 08:12:30 2010 x", Some(Some("2010-03-04 08:12:30"))),
            ("Thu Mar 04 08:12:30 2010", Some(Some("2010-03-04 08:12:30"))),
            ("Fri Mar  4 08:12:30 2010", Some(None)),
            ("Thu Feb 30 08:12:30 2010", Some(None)),
            ("Thu Mar 4 08:12:30 2010", None),
            ("Thu Mai  4 08:12:30 2010", None),
            ("Thu Mar  4 08:12:30 10", None),
            ("thu Mar  4 08:12:30 2010", None),
        ];
        for (text, expected) in cases {
            let seen = ctime(text.as_bytes()).map(|(civil, _)| civil.map(|civil| civil.to_string()));
            assert_eq!(seen, expected.map(|civil| civil.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn a_year_of_two_digits_is_one_of_a_hundred_from_1970() {
        let cases = [
            ("240501 12:00:00", Some(Some("2024-05-01 12:00:00"))),
            ("700102  9:00:00", Some(Some("1970-01-02 09:00:00"))),
            ("690102 09:00:00", Some(Some("2069-01-02 09:00:00"))),
            ("240230 12:00:00", Some(None)),
            ("240501 9:00:00", None),
            ("24050 12:00:00", None),
        ];
        for (text, expected) in cases {
            let seen = short_year(text.as_bytes()).map(|(civil, _)| civil.map(|civil| civil.to_string()));
            assert_eq!(seen, expected.map(|civil| civil.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn an_offset_moves_a_time_to_its_instant() {
        let instant = |text: &str| TimeField::At(Timestamp::parse_rfc3339(text).unwrap());
        let cases = [
            ("Z", Some(instant("2024-05-01T12:00:00.5Z")), ""),
            ("+0100 x", Some(instant("2024-05-01T11:00:00.5Z")), " x"),
            ("-05:30", Some(instant("2024-05-01T17:30:00.5Z")), ""),
            ("+2400", Some(TimeField::Unreadable), ""),
            ("+0060", Some(TimeField::Unreadable), ""),
            ("+01", None, ""),
            ("0100", None, ""),
        ];
        let (civil, _) = date_time(b"2024-05-01 12:00:00.5").unwrap();
        for (text, expected, behind) in cases {
            let seen = offset(text.as_bytes());
            assert_eq!(seen.map(|(east, _)| at(civil, east)), expected, "{text}");
            assert_eq!(seen.map(|(_, rest)| rest).unwrap_or_default(), behind.as_bytes(), "{text}");
        }
        assert_eq!(at(None, Some(0)), TimeField::Unreadable);
        assert_eq!(local(None), TimeField::Unreadable);
        assert_eq!(local(civil), TimeField::Local(civil.unwrap()));
    }
}
