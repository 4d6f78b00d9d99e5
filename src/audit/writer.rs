//! Writing the audit: aside, line after line, and under its name together with the package.
//!
//! Where it has recipients it is encrypted as it is written.
//!
//! **Invariant:** it is never laid over something that has its name; dropped, it leaves nothing; one with recipients is on the
//! disk as ciphertext alone.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{AuditError, AuditEvent};
use crate::beside::sync_folder_of;
use crate::delivery::{Aside, AsideError, Complete, Recipients};
use crate::digest::Digest;
use crate::ledger::Chain;

/// One line: its number first, and last what it is bound to.
#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    #[serde(flatten)]
    event: &'a AuditEvent<'a>,
    prev: Digest,
}

/// An audit being written aside. Dropped, it leaves nothing.
pub struct AuditWriter {
    file: Aside,
    path: PathBuf,
    chain: Chain,
}

/// Why there is no audit.
fn unmade(path: PathBuf, error: AsideError) -> AuditError {
    match error {
        AsideError::Exists => AuditError::Exists { path },
        AsideError::Io(source) => AuditError::Write { path, source },
    }
}

impl AuditWriter {
    /// Begins an audit for the order of that id and SHA-256; refuses a path that exists.
    pub fn create(
        order_id: &str,
        order_sha256: Digest,
        path: PathBuf,
        recipients: Option<&Recipients>,
    ) -> Result<Self, AuditError> {
        match Aside::create(order_id, &path, recipients) {
            Ok(file) => Ok(Self { file, path, chain: Chain::new(order_sha256) }),
            Err(error) => Err(unmade(path, error)),
        }
    }

    /// The next line; its number.
    pub fn event(&mut self, event: &AuditEvent<'_>) -> Result<u64, AuditError> {
        let line = self.chain.link(|seq, prev| Line { seq, event, prev }).map_err(io::Error::from);
        let written = line.and_then(|line| self.file.write_all(&line));
        written.map_err(|source| AuditError::Write { path: self.path.clone(), source })?;
        Ok(self.chain.lines())
    }

    /// Brings it to the disk and gives it its name, never over something that has it.
    pub fn commit(self) -> Result<Committed, AuditError> {
        let Self { file, path, .. } = self;
        let committed = match file.finish().map_err(AsideError::from).and_then(Complete::name) {
            Ok(path) => Committed { path },
            Err(error) => return Err(unmade(path, error)),
        };
        match sync_folder_of(&committed.path) {
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
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::{CountedIn, ExaminedEvent, ServerPath, StreamEvent};
    use super::*;
    use crate::ledger::{StreamTally, TakeName};

    fn stream() -> AuditEvent<'static> {
        AuditEvent::Stream(Box::new(StreamEvent {
            source: "web01",
            volume: None,
            path: ServerPath::from(&b"/var/log/a\xff"[..]),
            take: TakeName::Records,
            format: Some("access-log"),
            bytes: 31,
            read: 30,
            sha256: None,
            counted_in: CountedIn::Stored,
            size: 30,
            tally: StreamTally { disclosed: 20, outside: 10, ..StreamTally::default() },
            records: 2,
            clauses: vec![ExaminedEvent { id: "3a", examined: 30, outside: 10 }],
            error: None,
            note: None,
        }))
    }

    #[test]
    fn an_audit_gets_its_name_on_commit_and_mode_0600() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.audit.jsonl");
        let mut audit = AuditWriter::create("a", Digest::of(b"order"), path.clone(), None).unwrap();
        assert_eq!(audit.event(&stream()).unwrap(), 1);
        assert_eq!(
            audit.event(&AuditEvent::Positions { stream: 1, runs: vec![vec![0, 10], vec![20, 10]] }).unwrap(),
            2
        );
        assert!(!path.exists());
        let committed = audit.commit().unwrap();
        let first = format!(
            "{{\"seq\":1,\"event\":\"stream\",\"source\":\"web01\",\"volume\":null,\"path\":\"/var/log/a\\\\xff\",\
             \"path_base64\":\"L3Zhci9sb2cvYf8=\",\"take\":\"records\",\"format\":\"access-log\",\"bytes\":31,\"read\":30,\
             \"sha256\":null,\"counted_in\":\"stored\",\"size\":30,\"withheld\":0,\"disclosed\":20,\"undecided\":0,\
             \"unreadable\":0,\"outside\":10,\"records\":2,\"clauses\":[{{\"id\":\"3a\",\"examined\":30,\"outside\":10}}],\
             \"error\":null,\"note\":null,\"prev\":\"{}\"}}\n",
            Digest::of(b"order")
        );
        let second = format!(
            "{{\"seq\":2,\"event\":\"positions\",\"stream\":1,\"runs\":[[0,10],[20,10]],\"prev\":\"{}\"}}\n",
            Digest::of(first.as_bytes())
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), first + &second);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        committed.retract().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_dropped_audit_leaves_nothing_and_an_existing_one_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.audit.jsonl");
        let mut audit = AuditWriter::create("a", Digest::of(b"order"), path.clone(), None).unwrap();
        audit.event(&stream()).unwrap();
        drop(audit);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let late = AuditWriter::create("a", Digest::of(b"order"), path.clone(), None).unwrap();
        std::fs::write(&path, b"mine").unwrap();
        assert!(matches!(
            AuditWriter::create("a", Digest::of(b"order"), path.clone(), None),
            Err(AuditError::Exists { .. })
        ));
        assert!(matches!(late.commit(), Err(AuditError::Exists { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn one_with_recipients_is_ciphertext_from_its_first_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.audit.jsonl.age");
        let recipients = Recipients::parse("age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa").unwrap();
        let mut audit = AuditWriter::create("a", Digest::of(b"order"), path.clone(), Some(&recipients)).unwrap();
        for _ in 0..10_000 {
            audit.event(&stream()).unwrap();
        }
        // While it is written, as a crash would leave it.
        let aside = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap();
        let written = std::fs::read(aside.path()).unwrap();
        assert!(written.starts_with(b"age-encryption.org/v1\n") && written.len() > 1_000_000, "{}", written.len());
        let _committed = audit.commit().unwrap();
        for bytes in [written, std::fs::read(&path).unwrap()] {
            for plain in [&b"web01"[..], b"access-log", b"\"seq\""] {
                assert!(memchr::memmem::find(&bytes, plain).is_none(), "{}", plain.escape_ascii());
            }
        }
    }
}
