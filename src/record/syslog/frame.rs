//! The frame that syslog puts around a message: a stamp, a host, the name of the program.
//!
//! Sources: RFC 3164, 4.1 (`Mmm dd hh:mm:ss host tag[pid]: message`), RFC 5424, 6 (`<PRI>1 stamp host app procid msgid
//! [data] message`), rsyslog's `RSYSLOG_FileFormat` (an RFC 3339 stamp in place of the first) and Dovecot's own log (no
//! host). A priority may stand in front, and some senders put a year behind the day or a fraction behind the second.
//!
//! **Invariant:** what is read of a stamp is what is written; a year or a zone that is not there is not made up.

use chrono::{NaiveDate, NaiveTime};

use crate::clock::Timestamp;
use crate::record::field::word;
use crate::record::{clf_time, stamp};
use crate::scope::{TimeField, Yearless};

/// The parts of a line.
#[derive(Debug, PartialEq)]
pub(super) struct Frame<'a> {
    pub(super) stamp: TimeField,
    /// The program, without its process number. Empty where none is told.
    pub(super) program: &'a [u8],
    /// What the program wrote, without blanks in front.
    pub(super) message: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The parts of a line without its end; none where it has not the shape.
    pub(super) fn of(line: &'a [u8]) -> Option<Self> {
        let frame = Self::read(line)?;
        let blanks = frame.message.iter().take_while(|&&byte| byte == b' ').count();
        Some(Self { message: frame.message.get(blanks..).unwrap_or_default(), ..frame })
    }

    fn read(line: &'a [u8]) -> Option<Self> {
        let (priority, rest) = priority(line);
        if priority && let Some(rest) = rest.strip_prefix(b"1 ") {
            return Self::structured(rest);
        }
        let (stamp, rest) = bsd(rest).or_else(|| rfc3339(rest))?;
        let (first, behind) = word(rest)?;
        let (second, message) = word(behind).unwrap_or((behind, b""));
        Some(match (tag(first), tag(second)) {
            (Some(program), _) => Self { stamp, program, message: behind },
            (None, Some(program)) => Self { stamp, program, message },
            // `last message repeated 3 times`, `-- MARK --`, what a program wrote without its name.
            (None, None) => Self { stamp, program: b"", message: rest },
        })
    }

    /// RFC 5424, behind its version.
    fn structured(rest: &'a [u8]) -> Option<Self> {
        let (stamp, rest) = word(rest)?;
        let stamp = match stamp {
            b"-" => TimeField::Lacks,
            stamp => instant(stamp).map_or(TimeField::Unreadable, TimeField::At),
        };
        let (_host, rest) = word(rest)?;
        let (program, rest) = word(rest)?;
        let (_process, rest) = word(rest)?;
        let (_id, rest) = word(rest).unwrap_or((rest, b""));
        let message = match rest.first() {
            Some(b'-') => rest.get(1..).unwrap_or_default(),
            Some(b'[') => behind_data(rest)?,
            _ => rest,
        };
        let message = message.strip_prefix(b" ").unwrap_or(message);
        Some(Self { stamp, program: if program == b"-" { b"" } else { program }, message })
    }
}

/// Whether a priority stands in front (RFC 5424, 6.2.1: 0 to 191), and what is behind it.
fn priority(line: &[u8]) -> (bool, &[u8]) {
    let inner = line.strip_prefix(b"<").and_then(|rest| {
        let end = rest.iter().take(4).position(|&byte| byte == b'>')?;
        let number = std::str::from_utf8(rest.get(..end)?).ok()?;
        let plain = (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
        (plain && number.parse::<u8>().ok()? <= 191).then(|| rest.get(end + 1..))?
    });
    inner.map_or((false, line), |rest| (true, rest))
}

/// `May  1 12:00:00`, also with a year or a fraction, and what is behind the space after it.
fn bsd(line: &[u8]) -> Option<(TimeField, &[u8])> {
    let month = u32::try_from(clf_time::month(line.get(..3)?)?).ok()?;
    let rest = line.get(3..)?.strip_prefix(b" ")?;
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let (day, rest) = word(rest)?;
    let day = u32::try_from(number(day, 1..=2)?).ok()?;
    let (year, rest) = match word(rest)? {
        (year, behind) if year.len() == 4 => (Some(i32::try_from(number(year, 4..=4)?).ok()?), behind),
        _ => (None, rest),
    };
    let (time, rest) = word(rest)?;
    // Cisco and some relays end the stamp with a colon.
    let time = time_of_day(time.strip_suffix(b":").unwrap_or(time))?;
    let stamp = match (time, year) {
        (None, _) => TimeField::Unreadable,
        (Some(time), Some(year)) => NaiveDate::from_ymd_opt(year, month, day)
            .map_or(TimeField::Unreadable, |date| TimeField::Local(date.and_time(time))),
        (Some(time), None) => Yearless::new(month, day, time).map_or(TimeField::Unreadable, TimeField::Yearless),
    };
    Some((stamp, rest))
}

/// `12:00:00` with an optional fraction: None where it has not the shape, Some(None) where the clock has no such time.
fn time_of_day(text: &[u8]) -> Option<Option<NaiveTime>> {
    let ([hour, minute, second, nanosecond], rest) = stamp::time_of_day(text)?;
    // A fraction stands behind a full stop here, never behind a comma.
    let is_whole = rest.is_empty() && !text.contains(&b',');
    is_whole.then(|| NaiveTime::from_hms_nano_opt(hour, minute, second, nanosecond))
}

/// An RFC 3339 stamp, or the same without its zone, and what is behind the space after it.
fn rfc3339(line: &[u8]) -> Option<(TimeField, &[u8])> {
    let (stamp, rest) = word(line)?;
    let (date, time) = (stamp.get(..10)?, stamp.get(10..)?.strip_prefix(b"T")?);
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = date else { return None };
    let year = i32::try_from(number(&[y1, y2, y3, y4], 4..=4)?).ok()?;
    let (month, day) = (number(&[m1, m2], 2..=2)?, number(&[d1, d2], 2..=2)?);
    if let Some(at) = instant(stamp) {
        return Some((TimeField::At(at), rest));
    }
    let local = time_of_day(time).flatten().and_then(|time| {
        let date = NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)?;
        Some(date.and_time(time))
    });
    Some((local.map_or(TimeField::Unreadable, TimeField::Local), rest))
}

fn instant(stamp: &[u8]) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(std::str::from_utf8(stamp).ok()?)
}

/// The program of a tag, `sshd[123]:` or `kernel:`; none where the word is none. It may hold a space nowhere.
fn tag(word: &[u8]) -> Option<&[u8]> {
    let tag = word.strip_suffix(b":")?;
    let end = tag.iter().position(|&byte| byte == b'[').filter(|_| tag.ends_with(b"]")).unwrap_or(tag.len());
    let program = tag.get(..end)?;
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'(' | b')');
    (!program.is_empty() && program.iter().all(is_plain)).then_some(program)
}

/// What is behind the structured data (RFC 5424, 6.3): elements in brackets, in whose quoted values `\` escapes.
fn behind_data(text: &[u8]) -> Option<&[u8]> {
    let (mut at, mut quoted) = (0, false);
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b']' if !quoted && text.get(at + 1) != Some(&b'[') => return text.get(at + 1..),
            _ => {}
        }
        at += 1;
    }
    None
}

fn number(digits: &[u8], lengths: std::ops::RangeInclusive<usize>) -> Option<u64> {
    let plain = lengths.contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    if plain { std::str::from_utf8(digits).ok()?.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yearless(month: u32, day: u32, time: &str) -> TimeField {
        TimeField::Yearless(Yearless::new(month, day, time.parse().unwrap()).unwrap())
    }

    fn at(text: &str) -> TimeField {
        TimeField::At(Timestamp::parse_rfc3339(text).unwrap())
    }

    fn local(text: &str) -> TimeField {
        TimeField::Local(text.parse().unwrap())
    }

    #[test]
    fn a_line_is_read_in_each_of_its_shapes() {
        let cases: [(&str, TimeField, &str, &str); 14] = [
            ("Oct 11 22:14:15 mymachine su: 'su root' failed", yearless(10, 11, "22:14:15"), "su", "'su root' failed"),
            ("Feb  9 04:02:40 sv3 sshd[3216]: Invalid user x", yearless(2, 9, "04:02:40"), "sshd", "Invalid user x"),
            ("Feb 09 04:02:40 sv3 cron[1]: y", yearless(2, 9, "04:02:40"), "cron", "y"),
            ("<13>Feb  5 17:32:18.25 10.0.0.99 tag: z", yearless(2, 5, "17:32:18.250"), "tag", "z"),
            ("Feb 29 00:00:00 h p: m", yearless(2, 29, "00:00:00"), "p", "m"),
            ("Mar  1 2024 00:00:00 h %ASA-6: m", local("2024-03-01T00:00:00"), "", "h %ASA-6: m"),
            ("May 01 12:00:00 imap-login: Info: Login", yearless(5, 1, "12:00:00"), "imap-login", "Info: Login"),
            (
                "Jan  1 00:00:00 h last message repeated 2 times",
                yearless(1, 1, "00:00:00"),
                "",
                "h last message repeated 2 times",
            ),
            ("2024-05-01T12:00:00.5+02:00 h postfix/smtpd[7]: x", at("2024-05-01T10:00:00.5Z"), "postfix/smtpd", "x"),
            ("2024-05-01T12:00:00 h p: x", local("2024-05-01T12:00:00"), "p", "x"),
            ("<34>1 2003-10-11T22:14:15.003Z m su - ID47 - BOM", at("2003-10-11T22:14:15.003Z"), "su", "BOM"),
            (
                "<165>1 2003-10-11T22:14:15.003Z m evnt - ID47 [a@1 b=\"c]\\\"]\"][d@1] An event",
                at("2003-10-11T22:14:15.003Z"),
                "evnt",
                "An event",
            ),
            ("<34>1 - m su - - -", TimeField::Lacks, "su", ""),
            ("Jun 30 23:59:60 h p: leap", TimeField::Unreadable, "p", "leap"),
        ];
        for (line, stamp, program, message) in cases {
            let frame = Frame::of(line.as_bytes());
            let expected = Frame { stamp, program: program.as_bytes(), message: message.as_bytes() };
            assert_eq!(frame, Some(expected), "{line}");
        }
        for line in [
            "",
            "Feb",
            "Feb 9",
            "Foo  9 04:02:40 h p: m",
            "Feb 9 4:2:40 h p: m",
            "2024-05-01 12:00:00 h p: m",
            "<192>hello there: x",
            "192.0.2.1 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 5",
            "<34>1 2003-10-11T22:14:15.003Z m su - ID47 [unclosed \"x]",
            "Thu Mar  4 12:00:00 2010 [pid 1] CONNECT",
        ] {
            assert_eq!(Frame::of(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn a_day_that_no_year_has_is_not_readable() {
        for line in ["Feb 30 00:00:00 h p: m", "Apr 31 00:00:00 h p: m", "May  0 00:00:00 h p: m"] {
            assert_eq!(Frame::of(line.as_bytes()).map(|frame| frame.stamp), Some(TimeField::Unreadable), "{line}");
        }
    }
}
