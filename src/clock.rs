//! Points in time, civil time in a zone, and the one place that asks what time it is.
//!
//! A [`Timestamp`] is UTC (POSIX: no leap seconds) with nanoseconds, within the years 0000 to 9999 that RFC 3339 can
//! write. A local time is turned into one only through [`Zone::local`], which shows both readings of a gap and a fold,
//! and [`Zone::abbreviated`], which takes the reading that its zone's abbreviation names.
//!
//! **Invariant:** nothing here falls back to the current time; [`now`] is called by the runner and never by a reader.

use std::fmt;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Timelike as _, Utc};
use chrono_tz::OffsetName as _;

/// 0000-01-01T00:00:00Z in seconds since the epoch.
const FIRST_SECOND: i64 = -62_167_219_200;
/// 9999-12-31T23:59:59Z in seconds since the epoch.
const LAST_SECOND: i64 = 253_402_300_799;

/// A point in time: seconds since 1970-01-01T00:00:00Z and nanoseconds within that second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp {
    seconds: i64,
    nanoseconds: u32,
}

impl Timestamp {
    /// None outside the years 0000 to 9999, or where `nanoseconds` is a second or more.
    pub const fn new(seconds: i64, nanoseconds: u32) -> Option<Self> {
        if seconds < FIRST_SECOND || seconds > LAST_SECOND || nanoseconds >= 1_000_000_000 {
            return None;
        }
        Some(Self { seconds, nanoseconds })
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds within the second, 0 to 999,999,999.
    pub const fn nanoseconds(self) -> u32 {
        self.nanoseconds
    }

    /// The instant that an RFC 3339 date-time with an offset names.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let parsed = DateTime::parse_from_rfc3339(text).ok()?;
        Self::new(parsed.timestamp(), parsed.timestamp_subsec_nanos())
    }

    /// The instant of a text in the one form in which this project writes it; none of any other.
    ///
    /// By a parser of its own: it runs once for each record of a package.
    pub fn parse_exact(text: &[u8]) -> Option<Self> {
        let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2, ref rest @ ..] =
            text
        else {
            return None;
        };
        let pair = |a: u8, b: u8| {
            (a.is_ascii_digit() && b.is_ascii_digit()).then(|| i64::from(a - b'0') * 10 + i64::from(b - b'0'))
        };
        let year = pair(y1, y2)? * 100 + pair(y3, y4)?;
        let clock = (pair(h1, h2)?, pair(n1, n2)?, pair(s1, s2)?);
        let second = Self::of_civil(year, pair(m1, m2)?, pair(d1, d2)?, clock, 0)?;
        let nanoseconds = match rest {
            b"Z" => 0,
            [b'.', fraction @ .., b'Z'] if (1..=9).contains(&fraction.len()) && !fraction.ends_with(b"0") => {
                let digits = fraction.iter().chain(std::iter::repeat(&b'0')).take(9);
                digits
                    .into_iter()
                    .try_fold(0, |sum: u32, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))?
            }
            _ => return None,
        };
        Self::new(second.seconds, nanoseconds)
    }

    /// The instant of a civil date and time at an offset from UTC in seconds; none where the calendar lacks it.
    pub fn of_civil(
        year: i64,
        month: i64,
        day: i64,
        (hour, minute, second): (i64, i64, i64),
        offset_seconds: i64,
    ) -> Option<Self> {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days_in_month = match month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => return None,
        };
        if !(0..=9999).contains(&year) || !(1..=days_in_month).contains(&day) || hour > 23 || minute > 59 || second > 59
        {
            return None;
        }
        // Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March so that the leap day is last.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * month + 2) / 5 + day - 1;
        let days = era * 146_097 + day_of_era - 719_468;
        Self::new(days * 86_400 + hour * 3600 + minute * 60 + second - offset_seconds, 0)
    }

    /// The date and time in UTC.
    pub fn to_utc(self) -> NaiveDateTime {
        // OK: `new` admits only years that chrono holds.
        DateTime::<Utc>::from_timestamp(self.seconds, self.nanoseconds).map_or(NaiveDateTime::MIN, |t| t.naive_utc())
    }

    fn from_utc(time: DateTime<Utc>) -> Option<Self> {
        Self::new(time.timestamp(), time.timestamp_subsec_nanos())
    }
}

/// RFC 3339 in UTC with `Z`; the fraction without trailing zeros, none where it is zero.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utc = self.to_utc();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            utc.year(),
            utc.month(),
            utc.day(),
            utc.hour(),
            utc.minute(),
            utc.second()
        )?;
        if self.nanoseconds > 0 {
            let digits = format!("{:09}", self.nanoseconds);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_rfc3339(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 date-time"))
    }
}

/// What a local date and time means in a zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LocalReading {
    /// The one instant it names.
    One(Timestamp),
    /// The clock was put forward over it: it never happened. The two readings are by the offset before and after.
    Gap {
        /// Read with the offset in force before the change.
        before: Timestamp,
        /// Read with the offset in force after the change.
        after: Timestamp,
    },
    /// The clock was put back over it: it happened twice.
    Fold {
        /// The first of the two.
        earlier: Timestamp,
        /// The second of the two.
        later: Timestamp,
    },
    /// Outside the years that can be written.
    OutOfRange,
}

/// A time zone of the IANA tz database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Zone(chrono_tz::Tz);

impl Zone {
    /// UTC.
    pub const UTC: Self = Self(chrono_tz::UTC);

    /// The zone with that IANA name, spelt exactly.
    pub fn named(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }

    /// Its IANA name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The instant of a local date and time that is written with an abbreviation of this zone (`CET`, `BST`). None where no
    /// reading of it here has that abbreviation: it was written in another zone; or where both have.
    pub fn abbreviated(self, local: NaiveDateTime, abbreviation: &str) -> Option<Timestamp> {
        let readings = match self.0.from_local_datetime(&local) {
            chrono::LocalResult::Single(one) => [Some(one), None],
            chrono::LocalResult::Ambiguous(one, other) => [Some(one), Some(other)],
            chrono::LocalResult::None => [None, None],
        };
        let mut named = readings.into_iter().flatten().filter(|at| at.offset().abbreviation() == Some(abbreviation));
        match (named.next(), named.next()) {
            (Some(one), None) => Timestamp::from_utc(one.to_utc()),
            _ => None,
        }
    }

    /// What a local date and time means here.
    pub fn local(self, local: NaiveDateTime) -> LocalReading {
        let read = |offset_from: NaiveDateTime| {
            // The instant that `local` names under the offset in force at `offset_from`, itself taken as UTC: far
            // enough from the change on either side, that is the offset before it and the one after it.
            let offset = self.0.offset_from_utc_datetime(&offset_from);
            let utc = local.checked_sub_offset(chrono::Offset::fix(&offset))?;
            Timestamp::from_utc(utc.and_utc())
        };
        match self.0.from_local_datetime(&local) {
            chrono::LocalResult::Single(one) => {
                Timestamp::from_utc(one.to_utc()).map_or(LocalReading::OutOfRange, LocalReading::One)
            }
            chrono::LocalResult::Ambiguous(a, b) => {
                match (Timestamp::from_utc(a.to_utc()), Timestamp::from_utc(b.to_utc())) {
                    (Some(a), Some(b)) => LocalReading::Fold { earlier: a.min(b), later: a.max(b) },
                    _ => LocalReading::OutOfRange,
                }
            }
            chrono::LocalResult::None => {
                let (Some(day_before), Some(day_after)) =
                    (local.checked_sub_days(Days::new(1)), local.checked_add_days(Days::new(1)))
                else {
                    return LocalReading::OutOfRange;
                };
                match (read(day_before), read(day_after)) {
                    (Some(before), Some(after)) => LocalReading::Gap { before, after },
                    _ => LocalReading::OutOfRange,
                }
            }
        }
    }

    /// The first instant of a day here: midnight, or, where the clock is put forward over midnight, the instant of
    /// the change; the first of two midnights where it is put back over it. None outside the years 0000 to 9999.
    pub fn first_instant(self, day: NaiveDate) -> Option<Timestamp> {
        match self.local(day.and_time(NaiveTime::MIN)) {
            LocalReading::One(at) => Some(at),
            LocalReading::Fold { earlier, .. } => Some(earlier),
            LocalReading::OutOfRange => None,
            // The gap covers midnight: the day begins at the change, which lies between the two readings. Both are
            // at most a day apart (Pacific/Apia skipped one), so the change is found by halving.
            LocalReading::Gap { before, after } => {
                let (mut low, mut high) = (after.min(before).seconds() - 1, before.max(after).seconds());
                while high - low > 1 {
                    let middle = low + (high - low) / 2;
                    let local = self.civil(Timestamp::new(middle, 0)?);
                    if local.date() < day { low = middle } else { high = middle }
                }
                Timestamp::new(high, 0)
            }
        }
    }

    /// The local date and time at an instant.
    pub fn civil(self, at: Timestamp) -> NaiveDateTime {
        self.0.from_utc_datetime(&at.to_utc()).naive_local()
    }
}

/// What time it is, to the second: for the custody log and the order's expiry alone.
pub fn now() -> Timestamp {
    let now = Utc::now();
    Timestamp::new(now.timestamp(), 0).unwrap_or(Timestamp { seconds: 0, nanoseconds: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn local(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").unwrap()
    }

    #[test]
    fn an_abbreviation_names_the_reading_of_the_zone_that_has_it() {
        let cases = [
            ("Europe/London", "2024-05-01T12:00:00", "BST", Some("2024-05-01T11:00:00Z")),
            ("Europe/London", "2024-05-01T12:00:00", "GMT", None),
            ("Europe/London", "2024-05-01T12:00:00", "CEST", None),
            ("America/New_York", "2024-01-01T12:00:00", "EST", Some("2024-01-01T17:00:00Z")),
            ("Asia/Kolkata", "2024-01-01T12:00:00", "IST", Some("2024-01-01T06:30:00Z")),
            // A fold, and a gap.
            ("Europe/London", "2024-10-27T01:30:00", "BST", Some("2024-10-27T00:30:00Z")),
            ("Europe/London", "2024-10-27T01:30:00", "GMT", Some("2024-10-27T01:30:00Z")),
            ("Europe/London", "2024-03-31T01:30:00", "GMT", None),
            ("Europe/London", "2024-03-31T01:30:00", "BST", None),
        ];
        for (zone, local, abbreviation, expected) in cases {
            let seen = Zone::named(zone).unwrap().abbreviated(local.parse().unwrap(), abbreviation);
            assert_eq!(seen.map(|at| at.to_string()), expected.map(str::to_owned), "{zone} {local} {abbreviation}");
        }
    }

    #[test]
    fn a_fraction_is_written_without_trailing_zeros() {
        assert_eq!(Timestamp::new(0, 0).unwrap().to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamp::new(0, 120_000_000).unwrap().to_string(), "1970-01-01T00:00:00.12Z");
        assert_eq!(Timestamp::new(-1, 1).unwrap().to_string(), "1969-12-31T23:59:59.000000001Z");
        assert_eq!(at("2024-03-31T01:00:00+01:00"), at("2024-03-31T00:00:00Z"));
    }

    #[test]
    fn a_year_that_rfc_3339_cannot_write_is_no_timestamp() {
        assert!(Timestamp::new(LAST_SECOND + 1, 0).is_none());
        assert!(Timestamp::new(FIRST_SECOND - 1, 0).is_none());
        assert_eq!(Timestamp::new(LAST_SECOND, 0).unwrap().to_string(), "9999-12-31T23:59:59Z");
        assert_eq!(Timestamp::new(FIRST_SECOND, 0).unwrap().to_string(), "0000-01-01T00:00:00Z");
    }

    #[test]
    fn london_has_a_gap_in_march_and_a_fold_in_october() {
        let london = Zone::named("Europe/London").unwrap();
        assert_eq!(london.local(local("2024-03-31T00:59:59")), LocalReading::One(at("2024-03-31T00:59:59Z")));
        assert_eq!(
            london.local(local("2024-03-31T01:30:00")),
            LocalReading::Gap { before: at("2024-03-31T01:30:00Z"), after: at("2024-03-31T00:30:00Z") }
        );
        assert_eq!(london.local(local("2024-03-31T02:00:00")), LocalReading::One(at("2024-03-31T01:00:00Z")));
        assert_eq!(
            london.local(local("2024-10-27T01:30:00")),
            LocalReading::Fold { earlier: at("2024-10-27T00:30:00Z"), later: at("2024-10-27T01:30:00Z") }
        );
    }

    #[test]
    fn a_day_begins_at_its_first_instant_even_where_midnight_is_skipped_or_repeated() {
        let cases = [
            ("Europe/London", (2024, 4, 1), "2024-03-31T23:00:00Z"),
            // Cairo put its clocks forward over midnight: the day began at 01:00 local.
            ("Africa/Cairo", (2024, 4, 26), "2024-04-25T22:00:00Z"),
            // Havana puts its clocks back over midnight: 00:00 local happened twice.
            ("America/Havana", (2024, 11, 3), "2024-11-03T04:00:00Z"),
            // Apia skipped 30 December 2011: the 31st follows the 29th.
            ("Pacific/Apia", (2011, 12, 30), "2011-12-30T10:00:00Z"),
            ("Pacific/Apia", (2011, 12, 31), "2011-12-30T10:00:00Z"),
        ];
        for (zone, (y, m, d), expected) in cases {
            let day = NaiveDate::from_ymd_opt(y, m, d).unwrap();
            assert_eq!(Zone::named(zone).unwrap().first_instant(day), Some(at(expected)), "{zone} {day}");
        }
    }

    #[test]
    fn every_day_of_the_calendar_is_the_day_that_chrono_says() {
        let mut day = NaiveDate::from_ymd_opt(1599, 1, 1).unwrap();
        let last = NaiveDate::from_ymd_opt(2101, 1, 1).unwrap();
        while day < last {
            let ours =
                Timestamp::of_civil(i64::from(day.year()), i64::from(day.month()), i64::from(day.day()), (12, 0, 0), 0);
            assert_eq!(ours.map(Timestamp::seconds), Some(day.and_hms_opt(12, 0, 0).unwrap().and_utc().timestamp()));
            day = day.succ_opt().unwrap();
        }
    }

    #[test]
    fn only_the_form_that_is_written_is_read_as_exact() {
        for text in [
            "0000-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999999999Z",
            "2024-02-29T12:34:56Z",
            "2024-03-31T01:00:00.5Z",
            "2024-03-31T01:00:00.000000001Z",
            "9999-12-31T23:59:59Z",
        ] {
            let read = Timestamp::parse_exact(text.as_bytes());
            assert_eq!((read, read.map(|at| at.to_string()).as_deref()), (Some(at(text)), Some(text)));
        }
        for text in [
            "",
            "2024-02-30T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-06-30T23:59:60Z",
            "2024-01-01T00:00:00z",
            "2024-01-01t00:00:00Z",
            "2024-01-01 00:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00+00:00",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00.0Z",
            "2024-01-01T00:00:00.50Z",
            "2024-01-01T00:00:00.1234567891Z",
            "2024-01-01T00:00:00.+1Z",
            "2024-01-01T00:00:00ZZ",
            "+024-01-01T00:00:00Z",
            "2024-1--01T00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse_exact(text.as_bytes()), None, "{text}");
        }
    }
}
