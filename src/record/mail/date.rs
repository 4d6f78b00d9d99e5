//! The Date header of a message (RFC 5322, 3.3, with the obsolete forms of 4.3).
//!
//! What is read: an optional day name, day, English month, year, hour, minute, optional second, and a zone, comments and
//! folding anywhere. A year of two digits is 1950 to 2049, of three digits 1900 and more (4.3). The zone is an offset, whose
//! minutes are below 60, or one of the names whose meaning is fixed: UT, UTC, GMT, Z, EST, EDT, CST, CDT, MST, MDT, PST, PDT.
//! `-0000` is UTC. Every other name (military letters, CEST) RFC 5322 would have read as `-0000`; that would move the
//! message by hours without a word, so it is unreadable here. No zone at all is a local time. A second 60 is unreadable: an
//! instant of this project has none. The day name is not held against the date.
//!
//! **Invariant:** there is no fallback: a part that is not understood makes the whole unreadable.

use chrono::NaiveDate;

use super::super::clf_time::month;
use crate::clock::Timestamp;
use crate::scope::TimeField;

/// The first year that RFC 5322 lets a date have.
const FIRST_YEAR: i64 = 1900;
/// A date is this short; what is longer, comments and all, is not read.
const DATE_BYTES: usize = 1024;

/// What the value of a Date header says.
pub(crate) fn parse(value: &[u8]) -> TimeField {
    read(value).unwrap_or(TimeField::Unreadable)
}

fn read(value: &[u8]) -> Option<TimeField> {
    let plain = without_comments(value)?;
    let mut words = plain.split(|&byte| is_blank(byte)).filter(|word| !word.is_empty());
    let mut word = words.next()?;
    if !word.first()?.is_ascii_digit() {
        if !is_day_name(word) {
            return None;
        }
        word = words.next()?;
    }
    let day = number(word, 1..=2)?;
    let month = month(words.next()?)?;
    let year = year(words.next()?)?;
    let (hour, minute, second) = time_of_day(words.next()?)?;
    let zone = words.next();
    if words.next().is_some() {
        return None;
    }
    let Some(zone) = zone else {
        Timestamp::of_civil(year, month, day, (hour, minute, second), 0)?;
        let unsigned = |number: i64| u32::try_from(number).ok();
        let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, unsigned(month)?, unsigned(day)?)?;
        return date.and_hms_opt(unsigned(hour)?, unsigned(minute)?, unsigned(second)?).map(TimeField::Local);
    };
    Timestamp::of_civil(year, month, day, (hour, minute, second), offset_seconds(zone)?).map(TimeField::At)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The value with a blank in place of each comment and of a comma that follows letters, and without blanks around
/// colons; none where a comment is not closed.
fn without_comments(value: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(value.len().min(DATE_BYTES));
    let mut depth = 0u32;
    let mut quoted = false;
    let last = |plain: &[u8]| plain.trim_ascii_end().last().copied().unwrap_or_default();
    if value.len() > DATE_BYTES {
        return None;
    }
    for &byte in value {
        match byte {
            _ if quoted => quoted = false,
            b'\\' if depth > 0 => quoted = true,
            b'(' => {
                depth += 1;
                plain.push(b' ');
            }
            b')' => depth = depth.checked_sub(1)?,
            _ if depth > 0 => {}
            b',' if last(&plain).is_ascii_alphabetic() => plain.push(b' '),
            _ if is_blank(byte) && last(&plain) == b':' => {}
            b':' => {
                let kept = plain.trim_ascii_end().len();
                plain.truncate(kept);
                plain.push(byte);
            }
            _ => plain.push(byte),
        }
    }
    (depth == 0).then_some(plain)
}

/// A number of that many digits.
pub(crate) fn number(word: &[u8], digits: std::ops::RangeInclusive<usize>) -> Option<i64> {
    if !digits.contains(&word.len()) || !word.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn year(word: &[u8]) -> Option<i64> {
    let year = number(word, 2..=4)?;
    match word.len() {
        2 if year < 50 => Some(2000 + year),
        2 | 3 => Some(1900 + year),
        _ => (year >= FIRST_YEAR).then_some(year),
    }
}

pub(crate) fn time_of_day(word: &[u8]) -> Option<(i64, i64, i64)> {
    let mut parts = word.split(|&byte| byte == b':');
    let hour = number(parts.next()?, 1..=2)?;
    let minute = number(parts.next()?, 2..=2)?;
    let second = parts.next().map_or(Some(0), |part| number(part, 2..=2))?;
    parts.next().is_none().then_some((hour, minute, second))
}

pub(crate) fn is_day_name(name: &[u8]) -> bool {
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let name = name.strip_suffix(b".").unwrap_or(name);
    DAYS.iter().any(|day| {
        name.eq_ignore_ascii_case(day.as_bytes())
            || day.get(..3).is_some_and(|short| name.eq_ignore_ascii_case(short.as_bytes()))
    })
}

pub(crate) fn offset_seconds(zone: &[u8]) -> Option<i64> {
    const HOURS: [(&str, i64); 12] = [
        ("UT", 0),
        ("UTC", 0),
        ("GMT", 0),
        ("Z", 0),
        ("EST", -5),
        ("EDT", -4),
        ("CST", -6),
        ("CDT", -5),
        ("MST", -7),
        ("MDT", -6),
        ("PST", -8),
        ("PDT", -7),
    ];
    if let Some((_, hours)) = HOURS.iter().find(|(name, _)| zone.eq_ignore_ascii_case(name.as_bytes())) {
        return Some(hours * 3600);
    }
    let (sign, digits) = zone.split_first()?;
    let offset = number(digits, 4..=4)?;
    let (hours, minutes) = (offset / 100, offset % 100);
    if minutes > 59 {
        return None;
    }
    match sign {
        b'+' => Some(hours * 3600 + minutes * 60),
        b'-' => Some(-(hours * 3600 + minutes * 60)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_date_is_an_instant_a_local_time_or_unreadable() {
        let instants = [
            ("Fri, 21 Nov 1997 09:55:06 -0600", "1997-11-21T15:55:06Z"),
            ("21 Nov 97 09:55:06 GMT", "1997-11-21T09:55:06Z"),
            (
                "Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)",
                "1969-02-14T03:02:00Z",
            ),
            ("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", "1997-11-21T15:55:06Z"),
            ("Fri, 4 May 2001 14:05:44 -0400 (EDT)", "2001-05-04T18:05:44Z"),
            ("Fri , 4 May 2001 14:05 EDT", "2001-05-04T18:05:00Z"),
            ("Fri,4 May 2001 14:05:00 EDT", "2001-05-04T18:05:00Z"),
            ("fri 4 may 2001 4:05:44 pst", "2001-05-04T12:05:44Z"),
            ("Sunday, 31 Mar 2024 01:30:00 +0100", "2024-03-31T00:30:00Z"),
            ("Sun, 31 Mar 2024 01:30:00 -0000", "2024-03-31T01:30:00Z"),
            ("1 Jan 49 00:00:00 UT", "2049-01-01T00:00:00Z"),
            ("1 Jan 50 00:00:00 UT", "1950-01-01T00:00:00Z"),
            ("1 Jan 102 00:00:00 UT", "2002-01-01T00:00:00Z"),
            ("4 Oct 2028 16:05:01 Z", "2028-10-04T16:05:01Z"),
            ("4 Oct 2028 16:05:01 (a (nested \\) one)) +0530", "2028-10-04T10:35:01Z"),
        ];
        for (value, expected) in instants {
            let expected = Timestamp::parse_rfc3339(expected).map_or(TimeField::Unreadable, TimeField::At);
            assert_eq!(parse(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn a_date_without_a_zone_is_local_and_nonsense_is_unreadable() {
        let local = chrono::NaiveDate::from_ymd_opt(2002, 9, 30).and_then(|day| day.and_hms_opt(1, 2, 3)).unwrap();
        assert_eq!(parse(b"Mon, 30 Sep 2002 01:02:03"), TimeField::Local(local));
        let unreadable = [
            "",
            "Whenever",
            "30 Feb 2002 01:02:03 +0000",
            "30 Feb 2002 01:02:03",
            "30 Sep 2002 01:02:03 +-0500",
            "30 Sep 2002 01:02:03 01800",
            "30 Sep 2002 01:02:03 0800",
            "30 Sep 2002 01:02:03 +0060",
            "30 Sep 2002 01:02:03 +100",
            "30 Sep 2002 01:02:03 CEST",
            "30 Sep 2002 01:02:03 A",
            "30 Sep 2002 01:02:03 Eastern Daylight Time",
            "30 Sep 2002 01:02:03 GMT+0100",
            "30 Sep 2002 01:02:03 +0000 GMT",
            "30 Sep 2002 01:02:03 +0000 (open",
            "30 Sep 2002 01:02:60 +0000",
            "30 Sep 2002 24:02:03 +0000",
            "30 Sep 2002 01:02:03 PM EDT",
            "30 Sep 2002 01 +0000",
            "30 Sep 0102 01:02:03 +0000",
            "30 Sep 20020 01:02:03 +0000",
            "30 9 2002 01:02:03 +0000",
            "2002-09-30T01:02:03Z",
            "Mon Sep 30 01:02:03 2002 +0000",
        ];
        for value in unreadable {
            assert_eq!(parse(value.as_bytes()), TimeField::Unreadable, "{value}");
        }
    }
}
