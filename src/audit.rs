//! The audit: the provider's own file beside the package, with what the recipient must not learn.
//!
//! Source paths and digests, every opened file by its path on the server, where in it the disclosed bytes stand, and how
//! much was examined and found outside. One JSON object a line, each with its `event` first; mode 0600. It is written
//! aside and gets its name together with the package, never over something that has it.
//!
//! **Invariant:** nothing in the package is made of it; an audit without its package is taken back.

use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use crate::clock::Timestamp;
use crate::digest::Digest;
use crate::ledger::{self, ShortfallKind, StreamTally, escaped_path};
use crate::limits;
use crate::package::folder_of;
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
        /// Who runs it, as given.
        custodian: &'a str,
        /// The program's version.
        version: &'a str,
        /// The version of the tz database.
        zones: &'a str,
    },
    /// A source was opened.
    Source {
        /// Its name in the order.
        name: &'a str,
        /// `folder`, `raw`, `qcow2`.
        kind: &'a str,
        /// Where it is on this machine.
        #[serde(flatten)]
        path: ServerPath,
        /// Size of its stored files in bytes; null for a folder.
        bytes: Option<u64>,
    },
    /// A source's stored bytes were hashed.
    Hashed {
        /// Its name in the order.
        name: &'a str,
        /// Their SHA-256.
        sha256: Digest,
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
    /// What was looked at for a clause.
    Clause {
        /// Its id.
        id: &'a str,
        /// Bytes of the streams that were opened for it.
        examined: u64,
        /// Bytes of those that it does not ask for.
        outside: u64,
    },
    /// The package is complete and about to get its name.
    Sealed {
        /// When.
        time: Timestamp,
        /// The disclosure's digest.
        digest: Digest,
    },
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
    /// The format it was read in; null for a whole file, and where none was chosen.
    pub format: Option<&'a str>,
    /// SHA-256 of its stored bytes as far as they were read; null where none were.
    pub sha256: Option<Digest>,
    /// Size of the (decompressed) stream in bytes.
    pub size: u64,
    /// Where its bytes went.
    #[serde(flatten)]
    pub bytes: StreamTally,
    /// Where the disclosed bytes stand in the (decompressed) stream: start and length, ascending.
    pub positions: &'a [(u64, u64)],
    /// Why it could not be read to its end.
    pub error: Option<&'a str>,
    /// What else is to be known of it: which year was told for stamps without one, and by what.
    pub note: Option<&'a str>,
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

/// Why an audit could not be written.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// There is something at its path.
    #[error("{} exists, and an existing file is never overwritten", path.display())]
    Exists {
        /// The audit's path.
        path: PathBuf,
    },
    /// Writing it failed.
    #[error("writing the audit {} failed, and nothing of it is left: {source}", path.display())]
    Write {
        /// The audit's path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// An audit being written aside. Dropped, it leaves nothing.
pub struct AuditWriter {
    file: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl AuditWriter {
    /// Begins an audit for the order of that id; refuses a path that exists.
    pub fn create(order_id: &str, path: PathBuf) -> Result<Self, AuditError> {
        let file = match path.symlink_metadata() {
            Ok(_) => return Err(AuditError::Exists { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => tempfile::Builder::new()
                .prefix(&format!(".{order_id}."))
                .suffix(".partial")
                .permissions(std::fs::Permissions::from_mode(0o600))
                .tempfile_in(folder_of(&path)),
            Err(error) => Err(error),
        };
        match file {
            Ok(file) => Ok(Self { file: BufWriter::with_capacity(limits::CHUNK_BYTES, file), path }),
            Err(source) => Err(AuditError::Write { path, source }),
        }
    }

    /// The next line.
    pub fn event(&mut self, event: &AuditEvent<'_>) -> Result<(), AuditError> {
        let line = ledger::line(event).map_err(io::Error::from);
        let written = line.and_then(|line| self.file.write_all(&line));
        written.map_err(|source| AuditError::Write { path: self.path.clone(), source })
    }

    /// Brings it to the disk and gives it its name, never over something that has it.
    pub fn commit(self) -> Result<Committed, AuditError> {
        let Self { file, path } = self;
        let finished = file.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| {
            file.as_file().sync_all()?;
            Ok(file)
        });
        let file = match finished {
            Ok(file) => file,
            Err(source) => return Err(AuditError::Write { path, source }),
        };
        if let Err(error) = file.persist_noclobber(&path) {
            return Err(match error.error.kind() {
                io::ErrorKind::AlreadyExists => AuditError::Exists { path },
                _ => AuditError::Write { path, source: error.error },
            });
        }
        let committed = Committed { path };
        match std::fs::File::open(folder_of(&committed.path)).and_then(|folder| folder.sync_all()) {
            Ok(()) => Ok(committed),
            Err(source) => {
                let path = committed.path.clone();
                // The first error is the one to tell of.
                let _ = committed.retract();
                Err(AuditError::Write { path, source })
            }
        }
    }
}

/// An audit under its name.
#[must_use = "an audit whose package fails must be taken back"]
#[derive(Debug)]
pub struct Committed {
    path: PathBuf,
}

impl Committed {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes it back: its package did not get its name.
    pub fn retract(self) -> io::Result<()> {
        std::fs::remove_file(self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> AuditEvent<'static> {
        AuditEvent::Stream(Box::new(StreamEvent {
            source: "web01",
            volume: None,
            path: ServerPath::from(&b"/var/log/a\xff"[..]),
            format: Some("access-log"),
            sha256: None,
            size: 30,
            bytes: StreamTally { disclosed: 20, outside: 10, ..StreamTally::default() },
            positions: &[(0, 10), (20, 10)],
            error: None,
            note: None,
        }))
    }

    #[test]
    fn an_audit_gets_its_name_on_commit_and_mode_0600() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.audit.jsonl");
        let mut audit = AuditWriter::create("a", path.clone()).unwrap();
        audit.event(&stream()).unwrap();
        assert!(!path.exists());
        let committed = audit.commit().unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "{\"event\":\"stream\",\"source\":\"web01\",\"volume\":null,\"path\":\"/var/log/a\\\\xff\",\
             \"path_base64\":\"L3Zhci9sb2cvYf8=\",\"format\":\"access-log\",\"sha256\":null,\"size\":30,\"withheld\":0,\
             \"disclosed\":20,\"undecided\":0,\"unreadable\":0,\"outside\":10,\"positions\":[[0,10],[20,10]],\"error\":null,\
             \"note\":null}\n"
        );
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        committed.retract().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_dropped_audit_leaves_nothing_and_an_existing_one_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.audit.jsonl");
        let mut audit = AuditWriter::create("a", path.clone()).unwrap();
        audit.event(&stream()).unwrap();
        drop(audit);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let late = AuditWriter::create("a", path.clone()).unwrap();
        std::fs::write(&path, b"mine").unwrap();
        assert!(matches!(AuditWriter::create("a", path.clone()), Err(AuditError::Exists { .. })));
        assert!(matches!(late.commit(), Err(AuditError::Exists { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
