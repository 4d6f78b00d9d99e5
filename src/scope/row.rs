//! Records with named columns: the table, the cells and the time that a clause's `rows` names.
//!
//! **Invariant:** a cell is compared whole and typed; a column that cannot be read is undecided, and one that the record
//! does not have matches nothing.

use std::net::{IpAddr, SocketAddr};

use chrono::{NaiveDate, NaiveDateTime};

use super::identifier_set::IdentifierSet;
use super::matcher;
use super::record::{Fields, Reading, TimeField, Value};
use super::verdict::Verdict;
use crate::clock::Timestamp;
use crate::order::{Rows, TimeColumn, TimeUnit};

/// A clause's `rows`, compiled.
#[derive(Debug, Clone)]
pub(in crate::scope) struct RowScope {
    table: Option<String>,
    /// What is looked for in which column; none of them = any row.
    columns: Vec<(String, IdentifierSet)>,
    /// All that is looked for, for a record whose columns are not known.
    all: IdentifierSet,
    time: Option<TimeColumn>,
}

/// A name that an order gives for something in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scope) enum RowName<'s> {
    Table(&'s str),
    Column(&'s str),
}

impl RowName<'_> {
    pub(in crate::scope) fn words(self) -> String {
        match self {
            Self::Table(name) => format!("table {name:?}"),
            Self::Column(name) => format!("column {name:?}"),
        }
    }
}

impl RowScope {
    pub(in crate::scope) fn new(rows: &Rows) -> Self {
        let mut columns: Vec<(String, IdentifierSet)> = Vec::new();
        let mut all = IdentifierSet::default();
        for cell in &rows.cells {
            all.add(&cell.identifier);
            match columns.iter_mut().find(|(name, _)| *name == cell.column) {
                Some((_, known)) => known.add(&cell.identifier),
                None => {
                    let mut identifiers = IdentifierSet::default();
                    identifiers.add(&cell.identifier);
                    columns.push((cell.column.clone(), identifiers));
                }
            }
        }
        Self { table: rows.table.clone(), columns, all, time: rows.time.clone() }
    }

    /// The record is a row of the table, and one of the cells is in it.
    pub(in crate::scope) fn verdict(&self, fields: &dyn Fields) -> Verdict {
        if !fields.parsed() {
            // Nobody can say which column a word of it stands in, or of which table it is.
            let found = self.columns.is_empty() || matcher::anywhere(&self.all, fields) != Verdict::Out;
            let asked = !self.columns.is_empty() || self.table.is_some();
            return match (asked, found) {
                (false, _) => Verdict::In,
                (true, true) => Verdict::Undecided,
                (true, false) => Verdict::Out,
            };
        }
        let table = match (&self.table, fields.table()) {
            (None, _) => Verdict::In,
            (Some(_), None) => Verdict::Undecided,
            (Some(wanted), Some(table)) => Verdict::from_bool(wanted.as_bytes() == table),
        };
        if table == Verdict::Out || self.columns.is_empty() {
            return table;
        }
        let (mut cells, mut lower) = (Verdict::Out, Vec::new());
        for (name, identifiers) in &self.columns {
            let reading = fields.column(name, &mut |text| cells = cells.or(cell(identifiers, text, &mut lower)));
            if reading == Reading::Partial {
                cells = cells.or(Verdict::Undecided);
            }
        }
        table.and(cells)
    }

    /// The names that the order gives: its table, and each column.
    pub(in crate::scope) fn names(&self) -> impl Iterator<Item = RowName<'_>> {
        let columns = self.columns.iter().map(|(name, _)| name.as_str());
        let columns = columns.chain(self.time.iter().map(|time| time.column.as_str())).map(RowName::Column);
        self.table.as_deref().map(RowName::Table).into_iter().chain(columns)
    }

    /// The record is a row of the table, and has that name.
    pub(in crate::scope) fn meets(&self, name: RowName<'_>, fields: &dyn Fields) -> bool {
        let is_of_table = self.table.as_ref().is_none_or(|wanted| fields.table() == Some(wanted.as_bytes()));
        is_of_table
            && match name {
                RowName::Table(_) => true,
                RowName::Column(column) => fields.has_column(column),
            }
    }

    /// The time in the column that the clause names; None where it names none.
    pub(in crate::scope) fn time(&self, fields: &dyn Fields) -> Option<TimeField> {
        let TimeColumn { column, unit } = self.time.as_ref()?;
        let (mut time, mut count) = (TimeField::Lacks, 0u32);
        let reading = fields.column(column, &mut |text| {
            count = count.saturating_add(1);
            time = read_time(text, *unit);
        });
        Some(if count > 1 || reading == Reading::Partial { TimeField::Unreadable } else { time })
    }
}

/// One of the identifiers is the whole value. White space around it counts for what is compared byte for byte alone.
fn cell(identifiers: &IdentifierSet, text: &[u8], lower: &mut Vec<u8>) -> Verdict {
    let plain = text.trim_ascii();
    let mut verdict = Verdict::from_bool(identifiers.has_exact(text) || identifiers.has_folded(plain, lower));
    verdict = verdict.or(identifiers.may_have(plain, lower));
    if let Some((ip, port)) = address(plain) {
        verdict = verdict.or(identifiers.value(Value::Ip(ip, port), lower));
    }
    verdict
}

fn address(text: &[u8]) -> Option<(IpAddr, Option<u16>)> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Some((ip, None));
    }
    text.parse::<SocketAddr>().ok().map(|socket| (socket.ip(), Some(socket.port())))
}

/// The time that a text names: `2024-03-25T10:00:00.5Z`, with an offset (`+01`, `+01:00`, `+0100`) or ` UTC`, and a space or
/// `T` in its middle; without an offset it is local, and without a time of day it is a day. With a unit: a count of it since 1970, fractions allowed.
pub fn read_time(text: &[u8], unit: Option<TimeUnit>) -> TimeField {
    let text = text.trim_ascii();
    let time = match unit {
        Some(unit) => counted(text, unit).map(TimeField::At),
        None => written(text),
    };
    time.unwrap_or(TimeField::Unreadable)
}

fn written(text: &[u8]) -> Option<TimeField> {
    let (date, rest) = text.split_at_checked(10)?;
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = date else { return None };
    let (century, year) = (pair(y1, y2)?, pair(y3, y4)?);
    let date = NaiveDate::from_ymd_opt(i32::try_from(century * 100 + year).ok()?, pair(m1, m2)?, pair(d1, d2)?)?;
    if rest.is_empty() {
        return Some(TimeField::Day(date));
    }
    let rest = rest.strip_prefix(b"T").or_else(|| rest.strip_prefix(b"t")).or_else(|| rest.strip_prefix(b" "))?;
    let (time, mut rest) = rest.split_at_checked(8)?;
    let &[h1, h2, b':', n1, n2, b':', s1, s2] = time else { return None };
    let mut nanoseconds = 0;
    if let Some(fraction) = rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b",")) {
        let count = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, behind) = fraction.split_at_checked(count).filter(|(digits, _)| !digits.is_empty())?;
        nanoseconds = fraction_of(digits, 9);
        rest = behind;
    }
    let local = date.and_hms_nano_opt(pair(h1, h2)?, pair(n1, n2)?, pair(s1, s2)?, u32::try_from(nanoseconds).ok()?)?;
    if rest.is_empty() {
        return Some(TimeField::Local(local));
    }
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let (is_west, offset) = match rest {
        b"Z" | b"z" | b"UTC" => (false, (0, 0)),
        &[sign @ (b'+' | b'-'), h1, h2] => (sign == b'-', (pair(h1, h2)?, 0)),
        &[sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] | &[sign @ (b'+' | b'-'), h1, h2, m1, m2] => {
            (sign == b'-', (pair(h1, h2)?, pair(m1, m2)?))
        }
        _ => return None,
    };
    let (0..=23, 0..=59) = offset else { return None };
    let seconds = i64::from(offset.0) * 3600 + i64::from(offset.1) * 60;
    instant(local, if is_west { -seconds } else { seconds }).map(TimeField::At)
}

fn instant(local: NaiveDateTime, offset_seconds: i64) -> Option<Timestamp> {
    let utc = local.and_utc();
    Timestamp::new(utc.timestamp().checked_sub(offset_seconds)?, utc.timestamp_subsec_nanos())
}

fn pair(a: u8, b: u8) -> Option<u32> {
    (a.is_ascii_digit() && b.is_ascii_digit()).then(|| u32::from(a - b'0') * 10 + u32::from(b - b'0'))
}

/// The first `places` digits of a fraction, as a whole number of the last of those places.
fn fraction_of(digits: &[u8], places: usize) -> i64 {
    digits.iter().chain(std::iter::repeat(&b'0')).take(places).fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'))
}

fn counted(text: &[u8], unit: TimeUnit) -> Option<Timestamp> {
    let (a_second, places) = match unit {
        TimeUnit::Seconds => (1, 9),
        TimeUnit::Milliseconds => (1000, 6),
        TimeUnit::Microseconds => (1_000_000, 3),
    };
    let (whole, fraction) = match memchr::memchr(b'.', text) {
        Some(point) => (text.get(..point)?, text.get(point + 1..).filter(|digits| !digits.is_empty())?),
        None => (text, &[][..]),
    };
    let digits = whole.strip_prefix(b"-").unwrap_or(whole);
    let plain = !digits.is_empty() && digits.iter().chain(fraction).all(u8::is_ascii_digit);
    // A fraction before 1970 would have to be rounded the other way.
    if !plain || (digits.len() < whole.len() && !fraction.is_empty()) {
        return None;
    }
    let count: i64 = std::str::from_utf8(whole).ok()?.parse().ok()?;
    let nanoseconds = count.rem_euclid(a_second) * (1_000_000_000 / a_second) + fraction_of(fraction, places);
    Timestamp::new(count.div_euclid(a_second), u32::try_from(nanoseconds).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::{Address, Cell, Clock, Family, Identifier, Role};

    #[test]
    fn a_time_is_an_instant_a_local_time_or_unreadable() {
        use TimeUnit::{Microseconds, Milliseconds, Seconds};
        let cases = [
            ("2024-03-25T10:00:00Z", None, "2024-03-25T10:00:00Z"),
            ("2024-03-25 10:00:00.123456+01:00", None, "2024-03-25T09:00:00.123456Z"),
            ("2024-03-25 10:00:00-0530", None, "2024-03-25T15:30:00Z"),
            ("2024-03-25 10:00:00+00", None, "2024-03-25T10:00:00Z"),
            ("2024-03-25 10:00:00 UTC", None, "2024-03-25T10:00:00Z"),
            ("2024-03-25T10:00:00.1234567891Z", None, "2024-03-25T10:00:00.123456789Z"),
            ("2024-03-25 10:00:00", None, "local"),
            ("2024-03-25T10:00:00,5", None, "local"),
            ("1711360800", None, "none"),
            ("2024-03-25", None, "day"),
            ("2024-02-30", None, "none"),
            ("2024-03-25 ", None, "day"),
            ("2024-03-25T", None, "none"),
            ("0000-00-00", None, "none"),
            ("0000-00-00 00:00:00", None, "none"),
            ("2024-02-30 10:00:00", None, "none"),
            ("2024-03-25 24:00:00", None, "none"),
            ("2024-06-30 23:59:60Z", None, "none"),
            ("2024-03-25 10:00:00 BST", None, "none"),
            ("2024-03-25 10:00:00+24:00", None, "none"),
            ("2024-03-25 10:00:00.Z", None, "none"),
            ("25/03/2024 10:00:00", None, "none"),
            ("", None, "none"),
            ("1711360800", Some(Seconds), "2024-03-25T10:00:00Z"),
            ("1711360800.25", Some(Seconds), "2024-03-25T10:00:00.25Z"),
            ("1711360800250", Some(Milliseconds), "2024-03-25T10:00:00.25Z"),
            ("1711360800000001", Some(Microseconds), "2024-03-25T10:00:00.000001Z"),
            ("-1", Some(Milliseconds), "1969-12-31T23:59:59.999Z"),
            ("-1.5", Some(Seconds), "none"),
            ("1.7e9", Some(Seconds), "none"),
            ("99999999999999999999", Some(Seconds), "none"),
            ("1711360800.", Some(Seconds), "none"),
            ("2024-03-25T10:00:00Z", Some(Seconds), "none"),
        ];
        for (text, unit, expected) in cases {
            let seen = match read_time(text.as_bytes(), unit) {
                TimeField::At(at) => at.to_string(),
                TimeField::Local(_) => "local".to_owned(),
                TimeField::Day(_) => "day".to_owned(),
                _ => "none".to_owned(),
            };
            assert_eq!(seen, expected, "{text} {unit:?}");
        }
    }

    /// A row as a test states it: a column without a value cannot be read.
    struct Stated(Option<&'static [u8]>, &'static [(&'static str, Option<&'static str>)], bool);

    impl Fields for Stated {
        fn family(&self) -> Family {
            Family::Line
        }
        fn parsed(&self) -> bool {
            self.2
        }
        fn time(&self, _: Clock) -> TimeField {
            TimeField::Lacks
        }
        fn values(&self, _: Role, _: &mut dyn FnMut(Value<'_>)) -> Reading {
            Reading::Partial
        }
        fn texts(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
            self.1.iter().filter_map(|(_, value)| *value).for_each(|value| visit(value.as_bytes()));
            Reading::Complete
        }
        fn table(&self) -> Option<&[u8]> {
            self.0
        }
        fn column(&self, name: &str, visit: &mut dyn FnMut(&[u8])) -> Reading {
            let mut reading = Reading::Complete;
            for (_, value) in self.1.iter().filter(|(column, _)| *column == name) {
                match value {
                    Some(value) => visit(value.as_bytes()),
                    None => reading = Reading::Partial,
                }
            }
            reading
        }
    }

    fn rows(table: Option<&str>, cells: &[(&str, Identifier)], time: Option<&str>) -> RowScope {
        RowScope::new(&Rows {
            table: table.map(str::to_owned),
            cells: cells
                .iter()
                .map(|(column, identifier)| Cell { column: (*column).to_owned(), identifier: identifier.clone() })
                .collect(),
            time: time.map(|column| TimeColumn { column: column.to_owned(), unit: None }),
        })
    }

    fn email() -> Identifier {
        Identifier::Email(Address { local: "alice".into(), domain: "shop.example".into() })
    }

    #[test]
    fn a_cell_is_compared_whole_and_typed() {
        let account = || Identifier::Account("alice".into());
        let ip = || Identifier::Ip("2001:db8::1".parse().unwrap());
        let net = || Identifier::Cidr("192.0.2.0/24".parse().unwrap());
        let domain = || Identifier::Domain("shop.example".into());
        for (identifier, value, expected) in [
            (email(), "Alice@Shop.example", Verdict::In),
            (email(), "  alice@shop.example ", Verdict::In),
            (email(), "see alice@shop.example", Verdict::Out),
            (email(), "Alice <alice@shop.example>", Verdict::Out),
            (email(), "bob@x.example,alice@shop.example", Verdict::Out),
            (domain(), "bob@shop.example", Verdict::In),
            (domain(), "shop.example", Verdict::In),
            (domain(), "x <bob@shop.example", Verdict::Out),
            (account(), "alice", Verdict::In),
            (account(), "Alice", Verdict::Out),
            (account(), " alice", Verdict::Out),
            (account(), "alice bob", Verdict::Out),
            (ip(), "2001:0DB8:0::1", Verdict::In),
            (ip(), "[2001:db8::1]:443", Verdict::In),
            (ip(), "from 2001:db8::1", Verdict::Out),
            (net(), "::ffff:192.0.2.7", Verdict::In),
            (net(), "192.0.3.7", Verdict::Out),
        ] {
            let mut set = IdentifierSet::default();
            set.add(&identifier);
            assert_eq!(cell(&set, value.as_bytes(), &mut Vec::new()), expected, "{identifier} in {value:?}");
        }
    }

    #[test]
    fn the_table_and_one_of_the_cells_must_be_the_ones() {
        const OURS: Option<&str> = Some("alice@shop.example");
        const THEIRS: Option<&str> = Some("bob@shop.example");
        let scope = rows(Some("Customer"), &[("Email", email()), ("Other", email())], None);
        for (row, expected) in [
            (Stated(Some(b"Customer"), &[("Email", Some("alice@shop.example"))], true), Verdict::In),
            (Stated(Some(b"Customer"), &[("Email", THEIRS), ("Other", OURS)], true), Verdict::In),
            (Stated(Some(b"Customer"), &[("Email", THEIRS), ("Email", OURS)], true), Verdict::In),
            (Stated(Some(b"Customer"), &[("Notes", Some("alice@shop.example"))], true), Verdict::Out),
            (Stated(Some(b"Customer"), &[("Email", None)], true), Verdict::Undecided),
            (Stated(Some(b"Customer"), &[("Email", None), ("Other", OURS)], true), Verdict::In),
            (Stated(Some(b"customer"), &[("Email", OURS)], true), Verdict::Out),
            (Stated(None, &[("Email", OURS)], true), Verdict::Undecided),
            (Stated(None, &[("Email", THEIRS)], true), Verdict::Out),
            (Stated(None, &[("Notes", OURS)], false), Verdict::Undecided),
            (Stated(None, &[("Notes", THEIRS)], false), Verdict::Out),
        ] {
            assert_eq!(scope.verdict(&row), expected, "{:?} {:?}", row.0, row.1);
        }
        let any = rows(Some("Customer"), &[], None);
        assert_eq!(any.verdict(&Stated(Some(b"Customer"), &[], true)), Verdict::In);
        assert_eq!(any.verdict(&Stated(Some(b"Invoice"), &[], true)), Verdict::Out);
        assert_eq!(any.verdict(&Stated(None, &[], false)), Verdict::Undecided);
    }

    #[test]
    fn two_times_are_no_time() {
        const AT: Option<&str> = Some("2024-03-25T10:00:00Z");
        let scope = rows(None, &[], Some("At"));
        assert!(matches!(scope.time(&Stated(None, &[("At", AT)], true)), Some(TimeField::At(_))));
        assert_eq!(scope.time(&Stated(None, &[("At", AT), ("At", AT)], true)), Some(TimeField::Unreadable));
        assert_eq!(scope.time(&Stated(None, &[("At", None)], true)), Some(TimeField::Unreadable));
        assert_eq!(scope.time(&Stated(None, &[("Other", AT)], true)), Some(TimeField::Lacks));
        assert_eq!(rows(None, &[], None).time(&Stated(None, &[("At", AT)], true)), None);
    }
}
