//! Record formats: how a stream comes apart into records, and which bytes of one are which field.
//!
//! How to read is an open set: one file, one line in [`FORMATS`], one fixture. A format only splits and names fields;
//! the gate decides. Exactly one may claim a stream by its content.
//!
//! A line's stamp may lack the year (`year.rs`); a journal's entries are no stretches of its file and are rendered as lines
//! ([`RecordFormat::rendered`]); lines of the same shape lay their fields out in one way (`layout.rs`).
//!
//! **Invariant:** what a format hands to its sink (records, separators, unreadable bytes) is the stream, to the byte; where
//! its records are rendered, it is all that is rendered.

mod access_log;
mod auditd;
mod buffer;
mod clf_time;
pub mod compression;
mod csv;
mod docker_json;
mod entry;
mod escape;
mod exim;
mod exim_text;
mod field;
mod from_line;
mod haproxy;
mod journal;
mod json;
mod jsonl;
mod layout;
mod line;
mod mail;
mod mbox;
mod mboxcl;
mod mysql_general;
mod mysql_slow;
mod postgresql;
mod row;
mod sdbox;
mod single;
mod spool;
mod sql;
mod sqlite;
mod squid;
mod stamp;
mod syslog;
mod utmp;
mod vsftpd;
mod w3c;
mod written_log;
mod year;

pub use access_log::AccessLog;
pub use auditd::Auditd;
pub use csv::Csv;
pub use docker_json::DockerJson;
pub use exim::Exim;
pub use haproxy::Haproxy;
pub use journal::Journal;
pub use jsonl::Jsonl;
pub use mbox::Mbox;
pub use mboxcl::{MBOXCL, MBOXCL2};
pub use mysql_general::MysqlGeneral;
pub use mysql_slow::MysqlSlow;
pub use postgresql::Postgresql;
pub use sdbox::Sdbox;
pub use single::{Eml, Maildir, split_message};
pub use sql::{MysqlDump, PostgresqlDump};
pub use sqlite::Sqlite;
pub use squid::Squid;
pub use utmp::Utmp;
pub use vsftpd::Vsftpd;
pub use w3c::W3c;
pub use written_log::WrittenLog;
pub use year::{Dated, YearBasis, Years};

use std::io::Read;
use std::ops::Deref;
use std::path::Path;

use crate::order::{Format, LogFormat};
use crate::read_error::ReadError;
use crate::scope::RawRecord;

/// A record format.
pub trait RecordFormat: Sync {
    /// Which one.
    fn format(&self) -> Format;

    /// The (decompressed) stream that begins with `head` is in this format. `whole`: `head` is all of it.
    fn probe(&self, head: &[u8], whole: bool) -> bool;

    /// Hands the stream to `sink`, piece by piece, in order. After an error of the stream the bytes of the cut record
    /// have been handed over as unreadable. `scratch` is a folder for files without a name, for a format that must go back
    /// and forth in a stream; where there is none, such a format refuses.
    fn split(&self, stream: &mut dyn Read, scratch: Option<&Path>, sink: &mut dyn RecordSink)
    -> Result<(), SplitError>;

    /// What in a stream's content makes it this format, in words that follow "because".
    fn sign(&self) -> &'static str {
        "a quarter or more of the lines at its beginning have the shape"
    }

    /// The same, where a part of its records stands in files beside it ([`Format::siblings`]): those that are there.
    fn split_with(
        &self,
        stream: &mut dyn Read,
        _siblings: &mut [Sibling<'_>],
        scratch: Option<&Path>,
        sink: &mut dyn RecordSink,
    ) -> Result<(), SplitError> {
        self.split(stream, scratch, sink)
    }

    /// The same, where nobody names a format. No for one that only its place tells (a Maildir) or an order that names it, and
    /// where another format is the better name.
    fn claims(&self, head: &[u8], whole: bool) -> bool {
        self.probe(head, whole)
    }

    /// Its records may carry a time without a year: the stream is read through for it before it is split.
    fn may_lack_year(&self) -> bool {
        false
    }

    /// Its records are no stretches of the stream (the rows of a database, the entries of a journal): what it hands over is
    /// rendered, each record as a line, and offsets are those in all that it renders. An exhibit of it is split again as the
    /// format that is given here; None: its records are stretches of the stream.
    fn rendered(&self) -> Option<&'static dyn RecordFormat> {
        None
    }
}

/// A file beside a stream in which its format keeps a part of its records.
pub struct Sibling<'s> {
    /// What its name has behind that of the stream's file.
    pub suffix: &'static str,
    /// All that it holds.
    pub stream: &'s mut dyn Read,
}

/// Every format that is read, one line each.
pub static FORMATS: &[&dyn RecordFormat] = &[
    &AccessLog,
    &Exim,
    &Haproxy,
    &Squid,
    &Vsftpd,
    &W3c,
    &MysqlGeneral,
    &MysqlSlow,
    &syslog::AUTH,
    &syslog::DOVECOT,
    &syslog::POSTFIX,
    &syslog::SYSLOG,
    &Auditd,
    &Postgresql,
    &Mbox,
    &MBOXCL,
    &MBOXCL2,
    &Maildir,
    &Sdbox,
    &Eml,
    &Csv,
    &DockerJson,
    &Jsonl,
    &MysqlDump,
    &PostgresqlDump,
    &Journal,
    &Sqlite,
    &Utmp,
];

/// How a format is read.
pub fn format(format: Format) -> &'static dyn RecordFormat {
    match format {
        Format::AccessLog => &AccessLog,
        Format::Auth => &syslog::AUTH,
        Format::Dovecot => &syslog::DOVECOT,
        Format::Postfix => &syslog::POSTFIX,
        Format::Syslog => &syslog::SYSLOG,
        Format::Auditd => &Auditd,
        Format::Exim => &Exim,
        Format::Haproxy => &Haproxy,
        Format::MysqlGeneral => &MysqlGeneral,
        Format::MysqlSlow => &MysqlSlow,
        Format::Postgresql => &Postgresql,
        Format::Squid => &Squid,
        Format::Vsftpd => &Vsftpd,
        Format::W3c => &W3c,
        Format::Csv => &Csv,
        Format::DockerJson => &DockerJson,
        Format::Jsonl => &Jsonl,
        Format::MysqlDump => &MysqlDump,
        Format::PostgresqlDump => &PostgresqlDump,
        Format::Mbox => &Mbox,
        Format::Mboxcl => &MBOXCL,
        Format::Mboxcl2 => &MBOXCL2,
        Format::Maildir => &Maildir,
        Format::Sdbox => &Sdbox,
        Format::Eml => &Eml,
        Format::Journal => &Journal,
        Format::Sqlite => &Sqlite,
        Format::Utmp => &Utmp,
    }
}

/// How a stream is read: as a format of the table, or as lines that the order writes the form of.
pub enum Reader<'f> {
    /// A row of the table.
    Known(&'static dyn RecordFormat),
    /// Lines of an access log of a form of their own.
    Written(WrittenLog<'f>),
}

impl<'f> Reader<'f> {
    /// How that format is read, in the form that is written down for it, if there is one.
    pub fn of(which: Format, written: Option<&'f LogFormat>) -> Self {
        written.map_or_else(|| Self::Known(format(which)), |written| Self::Written(WrittenLog(written)))
    }
}

impl<'f> Deref for Reader<'f> {
    type Target = dyn RecordFormat + 'f;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Known(row) => *row,
            Self::Written(row) => row,
        }
    }
}

/// Which format a stream's content claims.
#[derive(Clone, Copy)]
pub enum Probe {
    /// This one.
    One(&'static dyn RecordFormat),
    /// None of them.
    None,
    /// More than one: which, the order must say.
    Several,
}

/// Asks every probe about the (decompressed) stream that begins with `head`; `whole`: that is all of it. Those that are
/// not told by content are not asked.
pub fn probe_format(head: &[u8], whole: bool) -> Probe {
    let mut claims = FORMATS.iter().copied().filter(|row| row.claims(head, whole));
    match (claims.next(), claims.next()) {
        (None, _) => Probe::None,
        (Some(row), None) => Probe::One(row),
        (Some(_), Some(_)) => Probe::Several,
    }
}

/// What takes the pieces of a stream.
pub trait RecordSink {
    /// The next piece is a record.
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop>;

    /// The next `bytes` bytes stand between records.
    fn separator(&mut self, bytes: u64);

    /// The next `bytes` bytes could not be read as a record.
    fn unreadable(&mut self, bytes: u64, why: Unreadable);
}

/// Why bytes could not be read as a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unreadable {
    /// Over [`crate::limits::LINE_BYTES`] or [`crate::limits::MESSAGE_BYTES`].
    TooLong,
    /// The stream ended in an error before the record did.
    Cut,
    /// It has not the shape of the format where it must (a mailbox without a From_ line).
    NotTheFormat,
}

/// The sink wants no more: a tripwire, a full disk, Ctrl-C. The reason stays with the sink.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stop;

/// Why splitting ended early.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// The stream could not be read further.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The sink wanted no more.
    #[error("stopped")]
    Stopped,
}

impl From<Stop> for SplitError {
    fn from(_: Stop) -> Self {
        Self::Stopped
    }
}
