//! The time stamp of web access logs, `17/May/2015:10:05:03 +0000`, by a parser of its own: it runs once a line.
//!
//! Source: Apache httpd 2.4, `mod_log_config`, `%t` (strftime `%d/%b/%Y:%H:%M:%S %z`). The offset is mandatory, a second
//! 60 names no instant that a [`Timestamp`] can hold, and a date that the calendar lacks names none at all.
//!
//! **Invariant:** what it reads is exactly one instant; there is no default and no guess.

use crate::clock::Timestamp;

/// The instant that a stamp names, without its brackets; none where it names none.
pub(crate) fn parse(stamp: &[u8]) -> Option<Timestamp> {
    let &[
        d1,
        d2,
        b'/',
        m1,
        m2,
        m3,
        b'/',
        y1,
        y2,
        y3,
        y4,
        b':',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        b' ',
        sign,
        oh1,
        oh2,
        om1,
        om2,
    ] = stamp
    else {
        return None;
    };
    let pair = |a: u8, b: u8| {
        (a.is_ascii_digit() && b.is_ascii_digit()).then(|| i64::from(a - b'0') * 10 + i64::from(b - b'0'))
    };
    let (day, month) = (pair(d1, d2)?, month(&[m1, m2, m3])?);
    let year = pair(y1, y2)? * 100 + pair(y3, y4)?;
    let offset = (pair(oh1, oh2)?, pair(om1, om2)?);
    let offset_seconds = match (sign, offset) {
        (b'+', (hours @ 0..=23, minutes @ 0..=59)) => hours * 3600 + minutes * 60,
        (b'-', (hours @ 0..=23, minutes @ 0..=59)) => -(hours * 3600 + minutes * 60),
        _ => return None,
    };
    let (hour, minute, second) = (pair(h1, h2)?, pair(n1, n2)?, pair(s1, s2)?);
    Timestamp::of_civil(year, month, day, (hour, minute, second), offset_seconds)
}

/// The number of an English month's abbreviation, in any ASCII case.
pub(crate) fn month(name: &[u8]) -> Option<i64> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
    MONTHS.iter().zip(1..).find(|(month, _)| month.eq_ignore_ascii_case(name)).map(|(_, number)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_one_instant_or_none() {
        let cases = [
            ("17/May/2015:10:05:03 +0000", Some("2015-05-17T10:05:03Z")),
            ("31/Mar/2024:00:30:00 +0000", Some("2024-03-31T00:30:00Z")),
            ("31/Mar/2024:02:30:00 +0100", Some("2024-03-31T01:30:00Z")),
            ("29/Feb/2024:23:59:59 -1130", Some("2024-03-01T11:29:59Z")),
            ("01/jan/1970:00:00:00 +0000", Some("1970-01-01T00:00:00Z")),
            ("01/Jan/0000:00:00:00 +0000", Some("0000-01-01T00:00:00Z")),
            ("31/Dec/9999:23:59:59 +0000", Some("9999-12-31T23:59:59Z")),
            ("31/Dec/9999:23:59:59 -0001", None),
            ("29/Feb/2023:00:00:00 +0000", None),
            ("29/Feb/1900:00:00:00 +0000", None),
            ("00/Jan/2024:00:00:00 +0000", None),
            ("31/Apr/2024:00:00:00 +0000", None),
            ("01/Mai/2024:00:00:00 +0000", None),
            ("30/Jun/2015:23:59:60 +0000", None),
            ("30/Jun/2015:24:00:00 +0000", None),
            ("30/Jun/2015:23:60:00 +0000", None),
            ("30/Jun/2015:23:59:59 +-050", None),
            ("30/Jun/2015:23:59:59 +-0500", None),
            ("30/Jun/2015:23:59:59 01800", None),
            ("30/Jun/2015:23:59:59 +9999", None),
            ("30/Jun/2015:23:59:59 +2400", None),
            ("30/Jun/2015:23:59:59 +0060", None),
            ("30/Jun/2015:23:59:59", None),
            ("30/Jun/2015:23:59:59 GMT", None),
            ("30/Jun/15:23:59:59 +0000", None),
            ("", None),
        ];
        for (stamp, expected) in cases {
            let expected = expected.map(|text| Timestamp::parse_rfc3339(text).unwrap());
            assert_eq!(parse(stamp.as_bytes()), expected, "{stamp}");
        }
    }
}
