//! What the audit says, one a line.
//!
//! **Invariant:** a line says what it is about by its source's name and its path; none rests on what another line leaves open.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::Operator;
use crate::clock::Timestamp;
use crate::digest::Digest;
use crate::ledger::{ShortfallKind, StreamTally, TakeName, escaped_path};
use crate::scope::StaffPath;

/// What the audit says, one a line.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum AuditEvent<'a> {
    /// A run begins.
    Begun {
        /// When.
        time: Timestamp,
        /// The order's id.
        order: &'a str,
        /// SHA-256 of the order.
        order_sha256: Digest,
        /// SHA-256 of the provider's file; null where there is none.
        provider_sha256: Option<Digest>,
        /// Who answers for it, as given.
        custodian: &'a str,
        /// Who runs it, as the machine knows.
        operator: &'a Operator,
        /// The program's version.
        version: &'a str,
        /// The version of the tz database.
        zones: &'a str,
        /// The version of SQLite's own library.
        sqlite: &'a str,
        /// The crates that evidence goes through, each with its version.
        parsers: BTreeMap<&'static str, String>,
    },
    /// A source was opened.
    Source {
        /// Its name in the order.
        name: &'a str,
        /// `folder`, `raw`, `qcow2`.
        kind: &'a str,
        /// Where it is on this machine, without links.
        #[serde(flatten)]
        path: ServerPath,
        /// Size of its stored files in bytes; null for a folder.
        bytes: Option<u64>,
        /// The files that it is stored in, in the order in which they are hashed; none of a folder.
        files: Vec<StoredEvent>,
        /// The program of this machine that reads it, with its version; null where this one does it alone.
        program: Option<String>,
    },
    /// A source's stored bytes were hashed.
    Hashed {
        /// Its name in the order.
        name: &'a str,
        /// Their SHA-256.
        sha256: Digest,
        /// The SHA-256 of each of its stored files, in their order.
        files: &'a [Digest],
    },
    /// Something that a clause asks for, or may, was not opened.
    Unopened {
        /// Its source's name in the order.
        source: &'a str,
        /// Its path on the server.
        #[serde(flatten)]
        path: ServerPath,
        /// Why not.
        why: &'a str,
    },
    /// Something asked for was not read.
    Short {
        /// The clause's id.
        clause: &'a str,
        /// In what way.
        kind: ShortfallKind,
        /// How many streams or entries.
        count: u64,
    },
    /// A stream was opened.
    Stream(Box<StreamEvent<'a>>),
    /// Where the disclosed records of a stream stand in it, or some of them: the next in their order.
    Positions {
        /// The number of the line about the stream.
        stream: u64,
        /// One a stretch without a gap: where it begins, then the length of each of its records, in bytes.
        runs: Vec<Vec<u64>>,
    },
    /// What was looked at for a clause.
    Clause {
        /// Its id.
        id: &'a str,
        /// Bytes of the streams that were opened for it.
        examined: u64,
        /// Bytes of those that it does not ask for.
        outside: u64,
    },
    /// The package is complete and about to get its name. It is the last line.
    Sealed {
        /// When.
        time: Timestamp,
        /// The disclosure's digest.
        digest: Digest,
    },
}

/// One of the files that a source is stored in.
#[derive(Serialize)]
pub struct StoredEvent {
    /// Where it is on this machine, without links.
    #[serde(flatten)]
    pub path: ServerPath,
    /// Its size in bytes.
    pub bytes: u64,
}

/// What became of one opened stream.
#[derive(Serialize)]
pub struct StreamEvent<'a> {
    /// Its source's name in the order.
    pub source: &'a str,
    /// Its volume; null in a folder.
    pub volume: Option<&'a str>,
    /// Its path on the server.
    #[serde(flatten)]
    pub path: ServerPath,
    /// It was to be taken whole, or by its records.
    pub take: TakeName,
    /// The format it was read in; null for a whole file, and where none was chosen.
    pub format: Option<&'a str>,
    /// Its stored size in bytes, as its file system states it.
    pub bytes: u64,
    /// How many of its stored bytes were read, from the first one.
    pub read: u64,
    /// SHA-256 of those; null where it could not be opened.
    pub sha256: Option<Digest>,
    /// In what its size and positions are counted.
    pub counted_in: CountedIn,
    /// How many bytes of that there are.
    pub size: u64,
    /// Where they went.
    #[serde(flatten)]
    pub tally: StreamTally,
    /// How many records were disclosed: so many have a position in the lines that follow.
    pub records: u64,
    /// What it came to for each of its clauses.
    pub clauses: Vec<ExaminedEvent<'a>>,
    /// Why it could not be read to its end.
    pub error: Option<&'a str>,
    /// What else is to be known of it: which year was told for stamps without one, and by what.
    pub note: Option<&'a str>,
}

/// In what the size of a stream and the positions of its records are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CountedIn {
    /// Its bytes as they are stored.
    Stored,
    /// What it unpacks to.
    Unpacked,
    /// What its format makes of it, record after record: its records are no stretches of what is stored.
    Rendered,
}

/// What a stream came to for one clause.
#[derive(Serialize)]
pub struct ExaminedEvent<'a> {
    /// The clause's id.
    pub id: &'a str,
    /// Bytes that were read for it.
    pub examined: u64,
    /// Bytes of those that it does not ask for.
    pub outside: u64,
}

/// A path, and its exact bytes in base64 where it is not UTF-8.
#[derive(Serialize)]
pub struct ServerPath {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
}

impl From<&StaffPath> for ServerPath {
    fn from(path: &StaffPath) -> Self {
        Self::from(path.reveal())
    }
}

impl From<&Path> for ServerPath {
    fn from(path: &Path) -> Self {
        use std::os::unix::ffi::OsStrExt as _;
        Self::from(path.as_os_str().as_bytes())
    }
}

impl From<&[u8]> for ServerPath {
    fn from(bytes: &[u8]) -> Self {
        let (path, path_base64) = escaped_path(bytes);
        Self { path, path_base64 }
    }
}
