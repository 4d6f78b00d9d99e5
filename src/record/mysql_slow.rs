//! The slow query log of MySQL and MariaDB: an entry of several lines for each statement.
//!
//! `# Time: ...`, `# User@Host: u[u] @ host [ip]`, more lines with `#`, `use db;`, `SET timestamp=...;`, the statement. Source:
//! `log.cc` of MySQL 5.1 to 8.4 and of MariaDB 10.11 (tried). Older servers and MariaDB write `# Time:` only where the second
//! is another one than before, as local time with a year of two digits (70 to 99 are 1970 to 1999); but `SET timestamp`
//! stands in each entry. So the time is that of a `# Time:` with an offset (MySQL since 5.7), else `SET timestamp`, else the
//! local time; an entry has nothing of the one before it. MariaDB writes the clock of the session, which a statement can set.
//!
//! A statement is written as it was sent, line ends included: it may hold lines that look like another entry. Then it
//! comes apart into two, and which is true the log cannot say. So no field has a role; an identifier is found as any token.
//!
//! **Invariant:** an entry's time is in its own bytes, before its statement.

use std::io::Read;
use std::path::Path;

use super::entry::{self, EntryFormat, Place};
use super::field::trim_end;
use super::layout::{self, Laid};
use super::line::LineFormat;
use super::stamp::{self, Civil};
use super::{RecordFormat, RecordSink, SplitError, mysql_general};
use crate::clock::Timestamp;
use crate::order::{Family, Format, Role};
use crate::scope::{Reading, TimeField, Value};

const TIME: &[u8] = b"# Time: ";
const USER: &[u8] = b"# User@Host: ";

/// The format.
pub struct MysqlSlow;

impl RecordFormat for MysqlSlow {
    fn format(&self) -> Format {
        Format::MysqlSlow
    }

    fn sign(&self) -> &'static str {
        "the first line that begins an entry begins one of this log"
    }

    /// The first line that begins an entry of either log of MySQL begins one of this.
    fn probe(&self, head: &[u8], _whole: bool) -> bool {
        first_of_mysql(head) == Some(Format::MysqlSlow)
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        entry::split::<Self>(stream, sink)
    }
}

impl LineFormat for MysqlSlow {
    type Line<'a> = Laid<'a, Layout>;

    fn line(bytes: &[u8]) -> Self::Line<'_> {
        Laid::new(bytes)
    }
}

impl EntryFormat for MysqlSlow {
    fn place(front: &[u8]) -> Place {
        if front.starts_with(TIME) {
            Place::Head
        } else if front.starts_with(USER) || is_start_of_server(front) {
            Place::First
        } else {
            Place::Rest
        }
    }
}

/// Which log of MySQL this is, by the first line that begins an entry: a statement may hold the lines of the other.
pub(super) fn first_of_mysql(head: &[u8]) -> Option<Format> {
    head.split_inclusive(|&byte| byte == b'\n').find_map(|line| {
        if line.starts_with(USER) && memchr::memmem::find(line, b"] @ ").is_some() {
            return Some(Format::MysqlSlow);
        }
        mysql_general::begin(line).map(|_| Format::MysqlGeneral)
    })
}

/// `/usr/sbin/mysqld, Version: 8.0.36 (...). started with:`, the first of three lines that a server begins its logs with.
pub(super) fn is_start_of_server(front: &[u8]) -> bool {
    trim_end(front).ends_with(b"started with:") && memchr::memmem::find(front, b", Version: ").is_some()
}

/// What the lines before a statement say of the time.
#[derive(Debug)]
pub struct Layout {
    /// `# Time:`, and where it has one its offset.
    written: Option<(Civil, Option<Option<i32>>)>,
    /// `SET timestamp`.
    set: Option<Timestamp>,
    /// Two lines say when.
    is_doubtful: bool,
}

impl<'a> layout::Layout<'a> for Layout {
    const FAMILY: Family = Family::Line;

    fn of(bytes: &'a [u8]) -> Option<Self> {
        let mut lines = bytes.split(|&byte| byte == b'\n').map(trim_end).peekable();
        let mut layout = Self { written: None, set: None, is_doubtful: false };
        while let Some(time) = lines.peek().and_then(|line| line.strip_prefix(TIME)) {
            layout.is_doubtful |= layout.written.is_some();
            layout.written = Some(written(time).unwrap_or((None, None)));
            lines.next();
        }
        lines.next().filter(|line| line.starts_with(USER))?;
        let mut line = lines.find(|line| !line.starts_with(b"#"));
        if line.is_some_and(|line| line.starts_with(b"use ")) {
            line = lines.next();
        }
        layout.set = line.and_then(set_timestamp);
        Some(layout)
    }

    fn time(&self) -> TimeField {
        match (self.written, self.set) {
            _ if self.is_doubtful => TimeField::Unreadable,
            (Some((civil, Some(east))), _) => stamp::at(civil, east),
            (_, Some(set)) => TimeField::At(set),
            (Some((civil, None)), None) => stamp::local(civil),
            (None, None) => TimeField::Lacks,
        }
    }

    fn values(&self, _role: Role, _visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        Reading::Partial
    }
}

/// What `# Time:` says: a stamp of ISO 8601 with an offset, or one of two-digit numbers.
fn written(time: &[u8]) -> Option<(Civil, Option<Option<i32>>)> {
    let (civil, rest) = stamp::date_time(time).or_else(|| stamp::short_year(time))?;
    match stamp::offset(rest) {
        Some((east, [])) => Some((civil, Some(east))),
        Some(_) => None,
        None => rest.is_empty().then_some((civil, None)),
    }
}

/// `SET timestamp=1714564800;`, with other variables before it where the statement used them.
fn set_timestamp(line: &[u8]) -> Option<Timestamp> {
    let variables = line.strip_prefix(b"SET ")?.strip_suffix(b";")?;
    let value = variables.split(|&byte| byte == b',').next_back()?.strip_prefix(b"timestamp=")?;
    let seconds = value.iter().take(12).take_while(|byte| byte.is_ascii_digit()).count();
    let (seconds, rest) = value.split_at_checked(seconds)?;
    let (nanosecond, rest) = stamp::fraction(rest);
    let seconds = std::str::from_utf8(seconds).ok()?.parse().ok().filter(|_| rest.is_empty())?;
    Timestamp::new(seconds, nanosecond)
}
