//! The tar as it is written: aside, under a name that tells nothing but the order's id, or nowhere. One for recipients is
//! encrypted on its way to the file, and read back by its own key, which nobody keeps.
//!
//! **Invariant:** a member's header is written when its size and digest are known, and what was written is remembered for
//! the manifests and the audit.

use std::io::{self, BufReader, Read, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::error::{AuditFault, PackageError};
use super::layout::{self, Member};
use super::reader::TarReader;
use super::spool::SpoolReader;
use super::writer::Target;
use crate::beside::sync_folder_of;
use crate::delivery::{Aside, AsideError, Complete, Decrypting, OwnKey};
use crate::digest::{Digest, Hasher};
use crate::limits;

/// A member that was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Written {
    pub(super) member: Member,
    pub(super) bytes: u64,
    pub(super) sha256: Digest,
}

/// A tar being written, or only counted.
pub(super) struct Tape {
    order_id: String,
    out: Option<Aside>,
    members: Vec<Written>,
}

impl Tape {
    /// Refuses an output that exists; makes a file aside, mode 0600, that goes away when it is dropped.
    pub(super) fn create(order_id: &str, target: Target) -> Result<Self, PackageError> {
        let out = match &target {
            Target::Nowhere { .. } => None,
            Target::File { path } => Some((path, Aside::create(order_id, path, None))),
            Target::Encrypted { path, recipients } => Some((path, Aside::create(order_id, path, Some(recipients)))),
        };
        let out = out.map(|(path, made)| made.map_err(|error| unmade(path, error))).transpose()?;
        Ok(Self { order_id: order_id.to_owned(), out, members: Vec::new() })
    }

    /// It goes nowhere.
    pub(super) fn is_preview(&self) -> bool {
        self.out.is_none()
    }

    /// What was written so far, in order.
    pub(super) fn members(&self) -> &[Written] {
        &self.members
    }

    /// Writes a member that is at hand.
    pub(super) fn member(&mut self, member: Member, content: &[u8]) -> Result<(), PackageError> {
        let bytes = content.len() as u64;
        if let Some(out) = &mut self.out {
            out.write_all(&layout::header(member.path(&self.order_id).as_bytes(), bytes))?;
            out.write_all(content)?;
            pad(out, bytes)?;
        }
        self.members.push(Written { member, bytes, sha256: Digest::of(content) });
        Ok(())
    }

    /// Writes a member of the next `bytes` bytes of `body`, which passes `see` too. A preview may have no body.
    pub(super) fn stream(
        &mut self,
        member: Member,
        bytes: u64,
        sha256: Digest,
        body: Option<&mut SpoolReader>,
        see: &mut dyn FnMut(&[u8]),
    ) -> Result<(), PackageError> {
        match (&mut self.out, body) {
            (Some(out), Some(body)) => {
                out.write_all(&layout::header(member.path(&self.order_id).as_bytes(), bytes))?;
                body.pass(bytes, out, see)?;
                pad(out, bytes)?;
            }
            (None, Some(body)) => body.pass(bytes, &mut io::sink(), see)?,
            (None, None) => {}
            (Some(_), None) => return Err(PackageError::Inconsistent("one was made for a preview")),
        }
        self.members.push(Written { member, bytes, sha256 });
        Ok(())
    }

    /// Ends the tar, brings it to the disk, and reads it back; every byte passes `see` too, from the first to the last.
    pub(super) fn finish(self, see: &mut dyn FnMut(&[u8])) -> Result<Tar, PackageError> {
        let Some(mut out) = self.out else { return Err(PackageError::Preview) };
        out.write_all(&layout::END)?;
        let file = out.finish()?;
        audit(read_back(&file)?, &self.order_id, &self.members, see)?;
        Ok(Tar(file))
    }
}

/// Why there is no output.
fn unmade(path: &Path, error: AsideError) -> PackageError {
    let path = path.to_owned();
    match error {
        AsideError::Exists => PackageError::OutputExists { path },
        AsideError::Io(source) => PackageError::Output { path, source },
    }
}

/// The finished tar from its first byte, decrypted where it is encrypted.
fn read_back(complete: &Complete) -> Result<Box<dyn Read>, PackageError> {
    let mut file = complete.file().try_clone()?;
    file.rewind()?;
    Ok(match complete.key() {
        None => Box::new(file),
        Some(key) => Box::new(Decrypting::own(file, key)?),
    })
}

fn pad(out: &mut Aside, bytes: u64) -> io::Result<()> {
    let zeros = layout::END.get(..layout::padding_bytes(bytes)).unwrap_or_default();
    out.write_all(zeros)
}

/// A finished tar, on the disk and audited, still aside.
pub(super) struct Tar(Complete);

impl Tar {
    /// What opens it, where it is encrypted.
    pub(super) fn own_key(&self) -> Option<&OwnKey> {
        self.0.key()
    }

    /// Gives it the output's name, never over something that has it, and brings the name to the disk.
    pub(super) fn publish(self) -> Result<PathBuf, PackageError> {
        let path = self.0.path().to_owned();
        let path = self.0.name().map_err(|error| unmade(&path, error))?;
        sync_folder_of(&path)?;
        Ok(path)
    }
}

/// Reads the finished tar and holds it against what was written; `see` is shown every byte of it.
fn audit(file: impl Read, order_id: &str, members: &[Written], see: &mut dyn FnMut(&[u8])) -> Result<(), PackageError> {
    let mut tar = TarReader::new(BufReader::with_capacity(limits::CHUNK_BYTES, Seen { file, see }));
    let mut buffer = vec![0u8; limits::CHUNK_BYTES];
    for written in members {
        let fail = |what| PackageError::audit(written.member, what);
        let found = tar.next_member()?.ok_or_else(|| fail(AuditFault::Order))?;
        if found.name != written.member.path(order_id).as_bytes() {
            return Err(fail(AuditFault::Order));
        }
        if found.size_bytes != written.bytes {
            return Err(fail(AuditFault::Size));
        }
        let mut hasher = Hasher::new();
        loop {
            let got = tar.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..got).filter(|bytes| !bytes.is_empty()) else { break };
            hasher.update(bytes);
        }
        if hasher.finish() != written.sha256 {
            return Err(fail(AuditFault::Digest));
        }
    }
    // The end: no member more, and no note about any.
    let last = members.last().map_or(Member::Bagit, |written| written.member);
    if tar.next_member()?.is_some() {
        return Err(PackageError::audit(last, AuditFault::Order));
    }
    match tar.notes().first() {
        Some(note) => Err(PackageError::audit(last, AuditFault::Structure(note.fault))),
        None => Ok(()),
    }
}

/// A file whose bytes are shown as they are read.
struct Seen<'s, R> {
    file: R,
    see: &'s mut dyn FnMut(&[u8]),
}

impl<R: Read> Read for Seen<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read(buffer)?;
        (self.see)(buffer.get(..got).unwrap_or_default());
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Recipients;
    use std::os::unix::fs::{FileExt as _, PermissionsExt as _};

    fn tape(folder: &Path) -> Tape {
        filled(Target::File { path: folder.join("a.tar") })
    }

    fn encrypted(folder: &Path) -> Tape {
        let key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
        let recipients = Recipients::parse(key).unwrap();
        filled(Target::Encrypted { path: folder.join("a.tar.age"), recipients })
    }

    fn filled(target: Target) -> Tape {
        let mut tape = Tape::create("a", target).unwrap();
        tape.member(Member::Bagit, b"first").unwrap();
        tape.member(Member::Order, &[7; 1000]).unwrap();
        tape
    }

    #[test]
    fn a_good_tar_is_audited_and_published_with_mode_0600() {
        let folder = tempfile::tempdir().unwrap();
        let path = tape(folder.path()).finish(&mut |_| {}).unwrap().publish().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 512 * (2 + 3 + 2));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_audit_catches_any_byte_that_changed_after_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        for make in [tape, encrypted] {
            let tape = make(folder.path());
            let mut out = tape.out.unwrap();
            out.write_all(&layout::END).unwrap();
            let complete = out.finish().unwrap();
            let (file, key) = (complete.file(), complete.key());
            let audit = || audit(read_back(&complete)?, "a", &tape.members, &mut |_| {});
            for at in 0..file.metadata().unwrap().len() {
                let mut byte = [0u8];
                file.read_exact_at(&mut byte, at).unwrap();
                file.write_all_at(&[byte[0] ^ 1], at).unwrap();
                let error = audit().expect_err(&format!("byte {at}"));
                assert_eq!(matches!(error, PackageError::Audit { .. }), key.is_none(), "byte {at}: {error}");
                file.write_all_at(&byte, at).unwrap();
            }
            audit().unwrap();
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a dropped tar leaves nothing");
    }

    #[test]
    fn an_output_that_comes_into_being_meanwhile_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let tar = tape(folder.path()).finish(&mut |_| {}).unwrap();
        std::fs::write(folder.path().join("a.tar"), b"mine").unwrap();
        assert!(matches!(tar.publish(), Err(PackageError::OutputExists { .. })));
        assert_eq!(std::fs::read(folder.path().join("a.tar")).unwrap(), b"mine");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_output_that_exists_is_refused_at_the_start_even_as_a_dangling_link() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        assert!(matches!(Tape::create("a", Target::File { path }), Err(PackageError::OutputExists { .. })));
        let path = folder.path().join("no-such-folder/a.tar");
        assert!(matches!(Tape::create("a", Target::File { path }), Err(PackageError::Output { .. })));
    }
}
