//! From_ lines: what stands before each message of a mailbox, and the time at which it was put there.
//!
//! Source: RFC 4155, appendix A, and what programs write: `From`, a sender, and a time as asctime(3) gives it (`Mon Jan  1
//! 00:00:00 2024`), the seconds at times left out; before or behind the year a zone may stand, an offset or an abbreviation;
//! `remote from HOST` may follow. RFC 4155 wants UTC, and most programs write the time of the server's zone: without a zone it
//! is a local time. The day's name is not held against the date.
//!
//! **Invariant:** there is no fallback: a part that is not understood makes the whole unreadable.

use chrono::NaiveDate;

use super::clf_time::month;
use super::mail::{date, header};
use crate::clock::Timestamp;
use crate::limits::FROM_LINE_BYTES;
use crate::scope::{Abbreviation, TimeField};

/// From the beginning of a From_ line to the name of the field behind it.
pub(super) const FRONT_BYTES: usize = FROM_LINE_BYTES + 1024;

/// The first year in which there was such a mailbox.
const FIRST_YEAR: i64 = 1970;
/// The words of a time: the day's name, month, day, time of day, year, and a zone.
const WORDS: usize = 6;

/// The time that a From_ line carries.
pub(super) fn time(line: &[u8]) -> TimeField {
    read(line).unwrap_or(TimeField::Unreadable)
}

/// These bytes begin with a From_ line that carries a time, and what is behind it is a header field, or nothing.
pub(super) fn begins_message(bytes: &[u8]) -> bool {
    let line = header::first_line(bytes);
    let behind = memchr::memchr(b'\n', bytes).and_then(|end| bytes.get(end + 1..)).unwrap_or_default();
    let next = header::first_line(behind);
    line.starts_with(super::mbox::FROM)
        && time(line) != TimeField::Unreadable
        && (next.is_empty() || header::field_name(next).is_some())
}

fn read(line: &[u8]) -> Option<TimeField> {
    if line.len() > FROM_LINE_BYTES {
        return None;
    }
    let mut words: Vec<&[u8]> = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    if let [.., remote, from, _] = *words
        && remote == b"remote"
        && from == b"from"
    {
        words.truncate(words.len() - 3);
    }
    // A sender may have blanks in it, so the time is read from the end.
    let is_begin = |at: &usize| {
        let (day, next) = (words.get(*at), words.get(*at + 1));
        day.is_some_and(|day| date::is_day_name(day)) && next.is_some_and(|next| month(next).is_some())
    };
    let begin = (1..words.len()).rev().take(WORDS).find(is_begin)?;
    let (year, zone) = match *words.get(begin + 4..)? {
        [year] => (year, None),
        [first, second] if date::number(first, 4..=4).is_some() => (first, Some(second)),
        [first, second] => (second, Some(first)),
        _ => return None,
    };
    let year = date::number(year, 4..=4).filter(|year| *year >= FIRST_YEAR)?;
    let (month, day) = (month(words.get(begin + 1)?)?, date::number(words.get(begin + 2)?, 1..=2)?);
    let (hour, minute, second) = date::time_of_day(words.get(begin + 3)?)?;
    let at = |offset| Timestamp::of_civil(year, month, day, (hour, minute, second), offset);
    at(0)?;
    let unsigned = |number: i64| u32::try_from(number).ok();
    let local = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, unsigned(month)?, unsigned(day)?)?.and_hms_opt(
        unsigned(hour)?,
        unsigned(minute)?,
        unsigned(second)?,
    )?;
    let Some(zone) = zone else { return Some(TimeField::Local(local)) };
    if [b"UTC".as_slice(), b"GMT", b"UT", b"Z"].iter().any(|name| zone.eq_ignore_ascii_case(name)) {
        return at(0).map(TimeField::At);
    }
    match Abbreviation::new(zone) {
        Some(abbreviation) => Some(TimeField::Abbreviated(local, abbreviation)),
        None => at(date::offset_seconds(zone)?).map(TimeField::At),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_from_line_carries_its_time_in_every_form_that_programs_write() {
        let local = |text: &str| TimeField::Local(text.parse().unwrap());
        let at = |text: &str| TimeField::At(crate::clock::Timestamp::parse_rfc3339(text).unwrap());
        let cases = [
            ("From a@x.test Mon Jan  1 00:00:00 2024", local("2024-01-01T00:00:00")),
            ("From a@x.test Mon Jan 1 00:00 2024\r", local("2024-01-01T00:00:00")),
            ("From \"a b\"@x.test  Fri Mar 29 23:59:59 2024", local("2024-03-29T23:59:59")),
            ("From MAILER-DAEMON Thu Jan  1 00:00:00 1970", local("1970-01-01T00:00:00")),
            ("From a Mon Jan  1 00:00:00 2024 +0100", at("2023-12-31T23:00:00Z")),
            ("From 17@xxx Mon Jan 01 00:00:00 -0530 2024", at("2024-01-01T05:30:00Z")),
            ("From a Mon Jan  1 00:00:00 GMT 2024", at("2024-01-01T00:00:00Z")),
            ("From a Mon Jan  1 00:00:00 2024 utc", at("2024-01-01T00:00:00Z")),
            ("From a Mon Jan  1 00:00:00 2024 remote from host", local("2024-01-01T00:00:00")),
            ("From Mon Jan Mon Jan  1 00:00:00 2024", local("2024-01-01T00:00:00")),
        ];
        for (line, expected) in cases {
            assert_eq!(time(line.as_bytes()), expected, "{line}");
        }
        let TimeField::Abbreviated(_, zone) = time(b"From a Mon Jul  1 00:00:00 BST 2024") else { panic!("no zone") };
        assert_eq!(zone.as_str(), "BST");
    }

    #[test]
    fn a_from_line_without_a_whole_and_likely_time_is_unreadable() {
        for line in [
            "From a",
            "From a@x.test",
            "From a Mon Jan  1 00:00:00",
            "From a Mon Jan  1 00:00:00 102",
            "From a Mon Jan  1 00:00:00 24",
            "From a Mon Jan  1 00:00:00 1912",
            "From a Mon Jan  1 00:00:00 20240",
            "From a Mon Jan  1 24:00:00 2024",
            "From a Mon Jan  1 00:00:60 2024",
            "From a Fri Feb 30 00:00:00 2024",
            "From a Mon Jan  1 00:00:00 2024 +9",
            "From a Mon Jan  1 00:00:00 +0100 +0100 2024",
            "From a 1711360000",
            "From a -58931204905",
            "Mon Jan  1 00:00:00 2024",
        ] {
            assert_eq!(time(line.as_bytes()), TimeField::Unreadable, "{line}");
        }
        let long = format!("From {} Mon Jan  1 00:00:00 2024", "x".repeat(FROM_LINE_BYTES));
        assert_eq!(time(long.as_bytes()), TimeField::Unreadable);
    }
}
