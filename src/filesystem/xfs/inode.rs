//! Inodes: kind, size, times, and where the content is mapped.
//!
//! The layout is that of `xfs_dinode` (versions 2 and 3) in the kernel's `fs/xfs/libxfs/xfs_format.h`.
//!
//! **Invariant:** an inode that is free, that is not the one that was asked for, or whose checksum is wrong is damage; a
//! time that the inode does not carry is none.

use super::device::Device;
use super::superblock::{be16, be32, be64, checksum, le32};
use crate::clock::Timestamp;
use crate::read_error::ReadError;
use crate::scope::{FileTime, FileTimes};

/// What an inode begins with.
pub(super) const MAGIC: u16 = 0x494e;
/// Where the forks begin in an inode of version 2 and of version 3.
pub(super) const CORE_V2_BYTES: usize = 100;
/// See [`CORE_V2_BYTES`].
pub(super) const CORE_V3_BYTES: usize = 176;
/// Of version 3: times count nanoseconds in 64 bits.
pub(super) const FLAG2_BIGTIME: u64 = 0x8;
/// Of version 3: the counters of extents are the larger ones.
pub(super) const FLAG2_LARGE_COUNTERS: u64 = 0x10;

const FLAG_REALTIME: u16 = 0x1;
/// The inode belongs to the file system's metadata.
const FLAG2_METADATA: u64 = 0x20;

/// What an inode is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, a pipe, a socket.
    Special,
}

/// How the content is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fork {
    /// In the inode itself.
    Local,
    /// A list of extents in the inode.
    Extents,
    /// The root of a tree of extents in the inode.
    Tree,
}

/// What is used of an inode.
#[derive(Debug)]
pub(super) struct Inode {
    pub(super) number: u64,
    pub(super) kind: Kind,
    pub(super) size_bytes: u64,
    pub(super) times: FileTimes,
    /// How the content is kept; none for what has no content that is read.
    pub(super) fork: Option<Fork>,
    /// The data fork, byte for byte.
    pub(super) root: Vec<u8>,
    /// How many extents the data fork has.
    pub(super) extents: u64,
    is_realtime: bool,
}

impl Inode {
    /// Reads an inode that is in use.
    pub(super) fn read(device: &Device, number: u64) -> Result<Self, ReadError> {
        let bytes = device.read_inode(number)?;
        let offset = device.superblock.inode_place(number).unwrap_or(0);
        let corrupt = |what: &'static str| ReadError::Corrupt { offset, what };
        let version = check(device, &bytes, number, offset)?;
        let kind = match be16(&bytes, 2) & 0xf000 {
            0x8000 => Kind::File,
            0x4000 => Kind::Folder,
            0xa000 => Kind::Link,
            0x1000 | 0x2000 | 0x6000 | 0xc000 => Kind::Special,
            0 => return Err(corrupt("a name for a deleted inode")),
            _ => return Err(corrupt("an inode of no kind")),
        };
        if be32(&bytes, 16) == 0 {
            return Err(corrupt("a name for a deleted inode"));
        }
        let flags2 = if version == 3 { be64(&bytes, 120) } else { 0 };
        if flags2 & FLAG2_METADATA != 0 {
            return Err(corrupt("a name for an inode of the file system's own"));
        }
        let fork = match (kind, bytes.get(5)) {
            (Kind::Folder, Some(1)) => Some(Fork::Local),
            (Kind::File | Kind::Folder, Some(2)) => Some(Fork::Extents),
            (Kind::File | Kind::Folder, Some(3)) => Some(Fork::Tree),
            (Kind::Link | Kind::Special, _) => None,
            _ => return Err(corrupt("how an inode keeps its content")),
        };
        let size_bytes = be64(&bytes, 56);
        if size_bytes > i64::MAX.cast_unsigned() {
            return Err(corrupt("the size of an inode"));
        }
        let has_large_counters = flags2 & FLAG2_LARGE_COUNTERS != 0;
        if has_large_counters && !device.superblock.has_large_counters {
            return Err(corrupt("an inode with a feature that its file system has not"));
        }
        let start = if version == 3 { CORE_V3_BYTES } else { CORE_V2_BYTES };
        let end = match usize::from(bytes.get(82).copied().unwrap_or(0)) {
            0 => bytes.len(),
            forkoff => start + forkoff * 8,
        };
        Ok(Self {
            number,
            kind,
            size_bytes,
            times: times(&bytes, version, flags2),
            fork,
            root: bytes.get(start..end).ok_or(corrupt("the extent of an inode's data fork"))?.to_vec(),
            extents: if has_large_counters { be64(&bytes, 24) } else { u64::from(be32(&bytes, 76)) },
            is_realtime: be16(&bytes, 90) & FLAG_REALTIME != 0,
        })
    }

    /// Refuses content that does not lie on the data device, or whose mapping is not known.
    pub(super) fn refuse_unreadable(&self, device: &Device) -> Result<(), ReadError> {
        let offset = device.superblock.inode_place(self.number).unwrap_or(0);
        let refuse = |what: &str| Err(ReadError::Unsupported { offset, what: what.to_owned() });
        if self.is_realtime {
            return refuse("a file on an XFS realtime device");
        }
        if device.half_mapped.contains(&self.number) {
            return refuse("an XFS file whose mapping was being changed when the server stopped");
        }
        Ok(())
    }
}

/// The inode is one, and the one that was asked for; its version.
fn check(device: &Device, bytes: &[u8], number: u64, offset: u64) -> Result<u8, ReadError> {
    let corrupt = |what: &'static str| Err(ReadError::Corrupt { offset, what });
    if be16(bytes, 0) != MAGIC {
        return corrupt("an inode has not its magic");
    }
    let version = bytes.get(4).copied().unwrap_or(0);
    match (version, device.superblock.has_checksums) {
        (2, false) => return Ok(version),
        (3, true) => {}
        (1, false) => {
            return Err(ReadError::Unsupported { offset, what: "an XFS inode of version 1".to_owned() });
        }
        _ => return corrupt("the version of an inode"),
    }
    if checksum(bytes, 100) != le32(bytes, 100) {
        return corrupt("an inode's checksum");
    }
    if be64(bytes, 152) != number || bytes.get(160..176) != Some(&device.superblock.metadata_uuid) {
        return corrupt("an inode that belongs elsewhere");
    }
    Ok(version)
}

fn times(bytes: &[u8], version: u8, flags2: u64) -> FileTimes {
    let time = |at: usize| {
        let stored = be64(bytes, at);
        if flags2 & FLAG2_BIGTIME != 0 { decode_large(stored) } else { decode(stored) }.map(FileTime::at)
    };
    FileTimes {
        modified: time(40),
        changed: time(48),
        created: if version == 3 { time(144) } else { None },
        accessed: time(32),
    }
}

/// Signed 32-bit seconds, then 32 bits of nanoseconds.
fn decode(stored: u64) -> Option<Timestamp> {
    let [high, low] = [stored >> 32, stored & 0xffff_ffff].map(|half| u32::try_from(half).unwrap_or(0));
    Timestamp::new(i64::from(high.cast_signed()), low)
}

/// Nanoseconds since the earliest second that fits in 32 signed bits.
fn decode_large(stored: u64) -> Option<Timestamp> {
    const SECOND: u64 = 1_000_000_000;
    let seconds = i64::try_from(stored / SECOND).ok()? + i64::from(i32::MIN);
    Timestamp::new(seconds, u32::try_from(stored % SECOND).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_both_encodings() {
        // The first and last of each, as the kernel's xfs_format.h states them.
        let vectors = [
            (decode(0x8000_0000_0000_0000), "1901-12-13T20:45:52Z"),
            (decode(0xffff_ffff_0000_0001), "1969-12-31T23:59:59.000000001Z"),
            (decode(0x7fff_ffff_3b9a_c9ff), "2038-01-19T03:14:07.999999999Z"),
            (decode_large(0), "1901-12-13T20:45:52Z"),
            (decode_large(0x8000_0000 * 1_000_000_000), "1970-01-01T00:00:00Z"),
            (decode_large(u64::MAX), "2486-07-02T20:20:25.709551615Z"),
        ];
        for (time, expected) in vectors {
            assert_eq!(time.map(|time| time.to_string()).as_deref(), Some(expected));
        }
        assert_eq!(decode(1_000_000_000), None, "a second's worth of nanoseconds is no time");
    }
}
