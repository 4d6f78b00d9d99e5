//! The general query log of MySQL and MariaDB: what each connection sent, in entries of one line or more.
//!
//! `2024-05-01T12:00:00.123456Z\t   12 Query\tselect 1` (MySQL since 5.7), `240501 12:00:00\t   12 Query\tselect 1` or, where
//! the second is the same as before, `\t\t   12 Query\tselect 1` (older servers, MariaDB). Source: `log.cc` of MySQL 5.1 to
//! 8.4 and of MariaDB 10.11 (tried). Such a short line has no time of its own: it is undecided under a window, since the
//! line that tells it is another connection's, and is not in an exhibit. A year of two digits is one of 1970 to 2069.
//!
//! A statement is written as it was sent, line ends included: it may hold lines that look like another entry. Then it
//! comes apart into two, and which is true the log cannot say. So no field has a role; an identifier is found as any token.
//!
//! **Invariant:** an entry's time is in its own first line.

use std::io::Read;
use std::path::Path;

use super::entry::{self, EntryFormat, Place};
use super::layout::{self, Laid};
use super::line::LineFormat;
use super::mysql_slow::{first_of_mysql, is_start_of_server};
use super::stamp::{self, Civil};
use super::{RecordFormat, RecordSink, SplitError};
use crate::order::{Family, Format, Role};
use crate::scope::{Reading, TimeField, Value};

/// What a server calls the commands of a connection (`sql_parse.cc`, `command_name`).
const COMMANDS: [&[u8]; 37] = [
    b"Sleep",
    b"Quit",
    b"Init DB",
    b"Query",
    b"Field List",
    b"Create DB",
    b"Drop DB",
    b"Refresh",
    b"Shutdown",
    b"Statistics",
    b"Processlist",
    b"Connect",
    b"Kill",
    b"Debug",
    b"Ping",
    b"Time",
    b"Delayed insert",
    b"Change user",
    b"Binlog Dump",
    b"Table Dump",
    b"Connect Out",
    b"Register Slave",
    b"Register Replica",
    b"Prepare",
    b"Execute",
    b"Long Data",
    b"Close stmt",
    b"Reset stmt",
    b"Set option",
    b"Fetch",
    b"Daemon",
    b"Binlog Dump GTID",
    b"Reset Connection",
    b"Bulk_execute",
    b"Slave_worker",
    b"Slave_IO",
    b"Error",
];

/// The format.
pub struct MysqlGeneral;

impl RecordFormat for MysqlGeneral {
    fn format(&self) -> Format {
        Format::MysqlGeneral
    }

    fn sign(&self) -> &'static str {
        "the first line that begins an entry begins one of this log"
    }

    /// The first line that begins an entry of either log of MySQL begins one of this.
    fn probe(&self, head: &[u8], _whole: bool) -> bool {
        first_of_mysql(head) == Some(Format::MysqlGeneral)
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        entry::split::<Self>(stream, sink)
    }
}

impl LineFormat for MysqlGeneral {
    type Line<'a> = Laid<'a, Layout>;

    fn line(bytes: &[u8]) -> Self::Line<'_> {
        Laid::new(bytes)
    }
}

impl EntryFormat for MysqlGeneral {
    fn place(front: &[u8]) -> Place {
        if begin(front).is_some() || is_start_of_server(front) { Place::First } else { Place::Rest }
    }
}

/// When an entry was written.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    time: TimeField,
}

impl<'a> layout::Layout<'a> for Layout {
    const FAMILY: Family = Family::Line;

    fn of(bytes: &'a [u8]) -> Option<Self> {
        begin(bytes)
    }

    fn time(&self) -> TimeField {
        self.time
    }

    fn values(&self, _role: Role, _visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        Reading::Partial
    }
}

/// The stamp of an entry that begins here, if one does.
pub(super) fn begin(bytes: &[u8]) -> Option<Layout> {
    let (time, rest) = time(bytes)?;
    let id = rest.trim_ascii_start();
    let digits = id.iter().take(20).take_while(|byte| byte.is_ascii_digit()).count();
    let command = id.get(digits..)?.strip_prefix(b" ").filter(|_| digits > 0)?;
    // The longest name has 16 letters.
    let end = memchr::memchr(b'\t', command.get(..command.len().min(20))?)?;
    COMMANDS.contains(&command.get(..end)?).then_some(Layout { time })
}

/// What the front of an entry says of the time, and what is behind its tab.
fn time(bytes: &[u8]) -> Option<(TimeField, &[u8])> {
    if let Some(rest) = bytes.strip_prefix(b"\t\t") {
        return Some((TimeField::Lacks, rest));
    }
    if let Some((civil, rest)) = stamp::date_time(bytes) {
        let (east, rest) = stamp::offset(rest)?;
        return Some((stamp::at(civil, east), rest.strip_prefix(b"\t")?));
    }
    let (civil, rest): (Civil, _) = stamp::short_year(bytes)?;
    Some((stamp::local(civil), rest.strip_prefix(b"\t")?))
}
