//! Record formats: how a stream comes apart into records, and which bytes of one are which field.
//!
//! How to read is an open set: one file, one line in [`FORMATS`], one fixture. A format only splits and names fields;
//! the gate decides. Exactly one probe may say yes.
//!
//! **Invariant:** what a format hands to its sink (records, separators, unreadable bytes) is the stream, to the byte.

mod access_log;
mod buffer;
mod clf_time;
pub mod compression;
mod csv;
mod docker_json;
mod escape;
mod json;
mod jsonl;
mod line;
mod mail;
mod mbox;
mod row;
mod single;

pub use access_log::AccessLog;
pub use csv::Csv;
pub use docker_json::DockerJson;
pub use jsonl::Jsonl;
pub use mbox::Mbox;
pub use single::{Eml, Maildir};

use std::io::Read;
use std::path::Path;

use crate::order::Format;
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

    /// Only an order can say that a stream is in it: it has no shape of its own.
    fn is_named_only(&self) -> bool {
        false
    }

    /// Its records are no stretches of the stream (the rows of a database, the entries of a journal): what it hands over is
    /// rendered, each record as a line, and offsets are those in all that it renders. An exhibit of it is split again as the
    /// format that is given here; None: its records are stretches of the stream.
    fn rendered(&self) -> Option<&'static dyn RecordFormat> {
        None
    }
}

/// Every format that is read, one line each.
pub static FORMATS: &[&dyn RecordFormat] = &[&AccessLog, &Csv, &DockerJson, &Jsonl, &Mbox, &Maildir, &Eml];

/// How a format is read.
pub fn format(format: Format) -> &'static dyn RecordFormat {
    match format {
        Format::AccessLog => &AccessLog,
        Format::Csv => &Csv,
        Format::DockerJson => &DockerJson,
        Format::Jsonl => &Jsonl,
        Format::Mbox => &Mbox,
        Format::Maildir => &Maildir,
        Format::Eml => &Eml,
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

/// Asks every probe about the (decompressed) stream that begins with `head`; `whole`: that is all of it. A Maildir is
/// known by its place and not by its content, so that [`Format::Maildir`] is not asked.
pub fn probe_format(head: &[u8], whole: bool) -> Probe {
    let mut claims = FORMATS.iter().copied().filter(|row| row.format() != Format::Maildir && row.probe(head, whole));
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
