//! The file in which an image is stored.
//!
//! It is read with `pread` and never mapped: a file that is cut while it is mapped ends the process.
//!
//! **Invariant:** a stored file is a regular file, opened for reading only and without following a link; what it was
//! when it was opened is remembered, so that a change can be said at the end.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use crate::read_error::ReadError;

/// What must not change while a file is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    device: u64,
    inode: u64,
    size_bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    /// Of an open file or of what a name stands for.
    pub fn of(stat: &rustix::fs::Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size_bytes: u64::try_from(stat.st_size).unwrap_or(0),
            modified: (stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap_or(0)),
            changed: (stat.st_ctime, i64::try_from(stat.st_ctime_nsec).unwrap_or(0)),
        }
    }

    /// The size, in bytes.
    pub fn size_bytes(self) -> u64 {
        self.size_bytes
    }

    /// Device and inode: the same file, whatever became of its content.
    pub fn file(self) -> (u64, u64) {
        (self.device, self.inode)
    }
}

/// A regular file, open for reading.
pub struct StoredFile {
    file: File,
    identity: Identity,
    /// By which path it was opened.
    place: PathBuf,
}

impl fmt::Debug for StoredFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredFile").field("size_bytes", &self.size_bytes()).finish_non_exhaustive()
    }
}

impl StoredFile {
    /// Opens it; a link, a folder, a device is refused.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        // Without permission to leave the access time alone (the file is another user's), it is opened without.
        let descriptor = rustix::fs::open(path, flags | OFlags::NOATIME, Mode::empty())
            .or_else(|_| rustix::fs::open(path, flags, Mode::empty()))
            .map_err(|error| ReadError::io(0, error.into()))?;
        let file = File::from(descriptor);
        let stat = rustix::fs::fstat(&file).map_err(|error| ReadError::io(0, error.into()))?;
        if !rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file() {
            return Err(ReadError::Unsupported { offset: 0, what: "an image that is not a regular file".to_owned() });
        }
        Ok(Self { file, identity: Identity::of(&stat), place: path.to_owned() })
    }

    /// The path on this machine by which it was opened: for the provider's own audit.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Its size when it was opened, in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.identity.size_bytes
    }

    /// Fills `buffer` from `offset`, or fails: a read that reaches past the end is an error.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let length = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        if offset.checked_add(length).is_none_or(|end| end > self.size_bytes()) {
            return Err(ReadError::Corrupt { offset, what: "the stored image ends before this" });
        }
        self.file.read_exact_at(buffer, offset).map_err(|error| ReadError::io(offset, error))
    }

    /// As many bytes from `offset` as there are, up to `length`.
    pub fn read_up_to(&self, offset: u64, length: usize) -> Result<Vec<u8>, ReadError> {
        let there = self.size_bytes().saturating_sub(offset);
        let length = usize::try_from(there).unwrap_or(usize::MAX).min(length);
        let mut buffer = vec![0; length];
        self.read_at(offset, &mut buffer)?;
        Ok(buffer)
    }

    /// A second handle on the same open file, for a reader that wants its own.
    pub(in crate::image) fn handle(&self) -> Result<File, ReadError> {
        self.file.try_clone().map_err(|error| ReadError::io(0, error))
    }

    /// Size, times and inode are as they were.
    pub fn is_unchanged(&self) -> bool {
        rustix::fs::fstat(&self.file).is_ok_and(|stat| Identity::of(&stat) == self.identity)
    }
}
