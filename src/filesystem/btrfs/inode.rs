//! Inodes: kind, size and times.
//!
//! **Invariant:** an inode that no name leads to any more is never given; a time that is not on the disk is none.

use super::block::Item;
use super::field::{u32_at, u64_at};
use super::tree::{Key, Tree, kind};
use crate::clock::Timestamp;
use crate::read_error::ReadError;
use crate::scope::{EntryKind, FileTime, FileTimes};

/// The length of an `INODE_ITEM`.
pub(super) const INODE_BYTES: usize = 160;
/// Content without checksums.
const FLAG_NODATASUM: u64 = 1;

/// What is used of an inode.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inode {
    pub(super) kind: EntryKind,
    /// Of a file its length, of a folder twice the length of its names.
    pub(super) size_bytes: u64,
    pub(super) times: FileTimes,
    pub(super) has_sums: bool,
}

const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

impl Inode {
    /// Reads an inode that is in use.
    pub(super) fn read(tree: &Tree, number: u64) -> Result<Self, ReadError> {
        let item = tree.item(Key::new(number, kind::INODE, 0))?;
        Self::parse(&item.ok_or(corrupt("a name for an inode that is not there"))?)
    }

    fn parse(item: &Item) -> Result<Self, ReadError> {
        let bytes = item.data();
        if bytes.len() != INODE_BYTES {
            return Err(corrupt("the length of an inode"));
        }
        let kind = match mode(bytes) & 0o170_000 {
            0o100_000 => EntryKind::File,
            0o040_000 => EntryKind::Folder,
            0o120_000 => EntryKind::Link,
            0o010_000 | 0o020_000 | 0o060_000 | 0o140_000 => EntryKind::Special,
            _ => return Err(corrupt("an inode of no kind")),
        };
        if u32_at(bytes, 40) == 0 {
            return Err(corrupt("a name for a deleted inode"));
        }
        let size_bytes = u64_at(bytes, 16);
        if size_bytes > i64::MAX.cast_unsigned() {
            return Err(corrupt("the size of an inode"));
        }
        let times = FileTimes {
            modified: time(bytes, 136),
            changed: time(bytes, 124),
            // Kernels before 3.17 left the time of creation zero.
            created: time(bytes, 148).filter(|_| u64_at(bytes, 148) != 0 || u32_at(bytes, 156) != 0),
            accessed: time(bytes, 112),
        };
        Ok(Self { kind, size_bytes, times, has_sums: u64_at(bytes, 64) & FLAG_NODATASUM == 0 })
    }
}

/// The mode of an `INODE_ITEM`.
pub(super) fn mode(bytes: &[u8]) -> u32 {
    u32_at(bytes, 52)
}

/// Signed 64-bit seconds and 32 bits of nanoseconds.
fn time(bytes: &[u8], at: usize) -> Option<FileTime> {
    Timestamp::new(u64_at(bytes, at).cast_signed(), u32_at(bytes, at + 8)).map(FileTime::at)
}
