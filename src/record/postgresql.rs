//! PostgreSQL's log on standard error, in entries of one line or more.
//!
//! `2022-04-12 00:16:05.526 UTC [7755] LOG:  ...`, and with Debian's prefix `... [7755] alice@shop ERROR:  ...`. Source: the
//! PostgreSQL manual, 20.8 (`log_line_prefix`: `%m [%p] `, `%m [%p] %q%u@%d `), and `elog.c` of 15 (tried), which writes a
//! tab behind each line end of a message: no statement can begin a line. So only what begins with a tab or a blank goes on
//! with an entry; any other line (what a library or an archive command wrote) is an entry of its own, without a shape.
//!
//! A zone is written as its abbreviation, or as a number. `UTC` and `GMT` name an instant, and so do those few that the tz
//! database has one meaning for in all zones since 1996, in all its versions. Any other (`CST`, `IST`, `EST`) names one only
//! where it is an abbreviation of the source's zone at that time.
//!
//! A user's name is what a client sent, before it is known who that is, and nothing is quoted. It is read only where it is
//! one plain word, and no more of the line looks like the end of a prefix.
//!
//! **Invariant:** a line that a client chose begins no entry, and a name that it chose makes no other user's.

use std::io::Read;
use std::path::Path;

use super::entry::{self, EntryFormat, Place};
use super::field::{trim_end, word, word_or_rest};
use super::layout::{self, Laid};
use super::line::LineFormat;
use super::stamp::{self, Civil};
use super::{RecordFormat, RecordSink, SplitError};
use crate::order::{Family, Format, Role};
use crate::scope::{Abbreviation, Reading, TimeField, Value};

/// Abbreviations that mean one offset, in hours east of UTC.
const ZONES: [(&[u8], i32); 8] =
    [(b"UTC", 0), (b"GMT", 0), (b"WET", 0), (b"WEST", 1), (b"CET", 1), (b"CEST", 2), (b"EET", 2), (b"EEST", 3)];

/// What ends a prefix and a severity.
const COLON: &[u8] = b":  ";

/// The format.
pub struct Postgresql;

impl RecordFormat for Postgresql {
    fn format(&self) -> Format {
        Format::Postgresql
    }

    /// At least a quarter of the lines that begin an entry have the shape, and a severity.
    fn probe(&self, head: &[u8], whole: bool) -> bool {
        let lines = head.split_inclusive(|&byte| byte == b'\n');
        let firsts = lines.filter(|line| (whole || line.ends_with(b"\n")) && Self::place(line) == Place::First);
        let (lines, fitting) = firsts.fold((0u32, 0u32), |(lines, fitting), line| {
            let fits = Layout::begin(line).is_some_and(|layout| !is_end_of_prefix(layout.text));
            (lines + 1, fitting + u32::from(fits))
        });
        fitting > 0 && fitting * 4 >= lines
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        entry::split::<Self>(stream, sink)
    }
}

impl LineFormat for Postgresql {
    type Line<'a> = Laid<'a, Layout<'a>>;

    fn line(bytes: &[u8]) -> Self::Line<'_> {
        Laid::new(bytes)
    }
}

impl EntryFormat for Postgresql {
    fn place(front: &[u8]) -> Place {
        if matches!(front, [b'\t' | b' ', ..]) { Place::Rest } else { Place::First }
    }
}

/// What the first line of an entry says.
#[derive(Debug)]
pub struct Layout<'a> {
    civil: Civil,
    zone: &'a [u8],
    /// What is behind the process.
    text: &'a [u8],
}

impl<'a> Layout<'a> {
    fn begin(bytes: &'a [u8]) -> Option<Self> {
        let line = bytes.split(|&byte| byte == b'\n').next().map(trim_end)?;
        let (civil, rest) = stamp::date_time(line).filter(|_| line.get(10) == Some(&b' '))?;
        let (zone, rest) = word(rest.strip_prefix(b" ")?)?;
        let is_zone = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-');
        let rest = rest.strip_prefix(b"[").filter(|_| zone.len() <= 6 && zone.iter().all(is_zone))?;
        // The session's line may stand with the process: `[%p-%l]`.
        let (process, text) = rest.split_at_checked(memchr::memchr(b']', rest)?)?;
        let is_number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
        let text = text.strip_prefix(b"]").filter(|_| process.split(|&byte| byte == b'-').all(is_number))?;
        Some(Self { civil, zone, text })
    }

    /// None: it cannot be told. Empty: there is none.
    fn user(&self) -> Option<&'a [u8]> {
        let text = self.text.strip_prefix(b" ")?;
        if let Some(message) = severity(text) {
            return is_end_of_prefix(message).then_some(b"");
        }
        let (named, rest) = word(text)?;
        is_end_of_prefix(severity(rest)?).then_some(())?;
        let at = memchr::memchr(b'@', named)?;
        let (user, database) = (named.get(..at)?, named.get(at + 1..)?);
        if user == b"[unknown]" {
            return Some(b"");
        }
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let plain = !user.is_empty() && user.iter().chain(database).all(is_plain);
        plain.then_some(user)
    }
}

impl<'a> layout::Layout<'a> for Layout<'a> {
    const FAMILY: Family = Family::Line;

    fn of(bytes: &'a [u8]) -> Option<Self> {
        Self::begin(bytes)
    }

    fn time(&self) -> TimeField {
        if let Some((_, hours)) = ZONES.iter().find(|(name, _)| *name == self.zone) {
            return stamp::at(self.civil, Some(hours * 3600));
        }
        // A zone without a name: `-03`, `+0530`.
        let hours = matches!(self.zone, [b'+' | b'-', _, _]).then(|| [self.zone, b"00"].concat());
        match stamp::offset(hours.as_deref().unwrap_or(self.zone)) {
            Some((east, [])) => stamp::at(self.civil, east),
            _ => match (self.civil, Abbreviation::new(self.zone)) {
                (Some(civil), Some(zone)) => TimeField::Abbreviated(civil, zone),
                _ => TimeField::Unreadable,
            },
        }
    }

    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        let Some(user) = self.user().filter(|_| role == Role::User) else { return Reading::Partial };
        if !user.is_empty() {
            visit(Value::Text(user));
        }
        Reading::Complete
    }
}

/// What is behind a severity at the front, whichever language it is in: capital letters, a colon and two blanks.
fn severity(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    let (name, _) = word_or_rest(text)?;
    let name = name.strip_suffix(b":")?;
    let is_capital = |byte: &u8| byte.is_ascii_uppercase() || *byte >= 0x80 || byte.is_ascii_digit();
    (!name.is_empty() && name.iter().all(is_capital)).then_some(())?;
    text.get(name.len()..)?.strip_prefix(COLON)
}

/// The prefix has ended before this: what follows has no second severity.
fn is_end_of_prefix(message: &[u8]) -> bool {
    memchr::memmem::find_iter(message, COLON).all(|at| {
        let before = at.checked_sub(1).and_then(|before| message.get(before));
        !before.is_some_and(|byte| byte.is_ascii_uppercase() || *byte >= 0x80)
    })
}
