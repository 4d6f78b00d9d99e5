//! Inodes: kind, size, times, and where the content is mapped.
//!
//! **Invariant:** a time that the inode does not carry is none; a field of the larger inode is read only where
//! `i_extra_isize` says that it is there, for behind it stand extended attributes.

use super::checksum::crc32c;
use super::superblock::{Blocks, u16_at, u32_at};
use crate::clock::Timestamp;
use crate::read_error::ReadError;
use crate::scope::{FileTime, FileTimes};

const FLAG_ENCRYPTED: u32 = 0x800;
const FLAG_COMPRESSED: u32 = 0x4;
const FLAG_EXTENTS: u32 = 0x8_0000;
const FLAG_INLINE: u32 = 0x1000_0000;

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

/// What is used of an inode.
#[derive(Debug)]
pub(super) struct Inode {
    pub(super) kind: Kind,
    pub(super) size_bytes: u64,
    pub(super) times: FileTimes,
    /// `i_block`: the root of the block map or of the extent tree.
    pub(super) root: [u8; 60],
    flags: u32,
    /// CRC-32C over the seed, the inode's number and its generation: what its blocks' checksums begin with.
    pub(super) seed: u32,
}

impl Inode {
    /// Reads an inode that is in use.
    pub(super) fn read(blocks: &Blocks, number: u32) -> Result<Self, ReadError> {
        let bytes = blocks.read_inode(number)?;
        let corrupt = |what: &'static str| ReadError::Corrupt { offset: 0, what };
        let seed = crc32c(blocks.superblock.checksum_seed, &number.to_le_bytes());
        let seed = crc32c(seed, bytes.get(0x64..0x68).unwrap_or_default());
        if blocks.superblock.has_checksums() && !checksum_holds(&bytes, seed) {
            return Err(corrupt("an inode's checksum"));
        }
        let mode = u16_at(&bytes, 0);
        let kind = match mode & 0xf000 {
            0x8000 => Kind::File,
            0x4000 => Kind::Folder,
            0xa000 => Kind::Link,
            0x1000 | 0x2000 | 0x6000 | 0xc000 => Kind::Special,
            _ => return Err(corrupt("an inode of no kind")),
        };
        if u16_at(&bytes, 0x1a) == 0 {
            return Err(corrupt("a name for a deleted inode"));
        }
        let root = bytes.get(0x28..0x64).and_then(|root| root.try_into().ok());
        let has_high = kind == Kind::File || blocks.superblock.has_large_folders();
        let high = if has_high { u32_at(&bytes, 0x6c) } else { 0 };
        let size_bytes = u64::from(high) << 32 | u64::from(u32_at(&bytes, 0x4));
        Ok(Self {
            kind,
            size_bytes,
            times: times(&bytes),
            root: root.ok_or(corrupt("an inode that is too short"))?,
            flags: u32_at(&bytes, 0x20),
            seed,
        })
    }

    /// Its content is mapped by extents, not by indirect blocks.
    pub(super) fn has_extents(&self) -> bool {
        self.flags & FLAG_EXTENTS != 0
    }

    /// Refuses content that is not plain blocks.
    pub(super) fn refuse_transformed(&self) -> Result<(), ReadError> {
        let what = if self.flags & FLAG_ENCRYPTED != 0 {
            "an encrypted inode"
        } else if self.flags & FLAG_INLINE != 0 {
            "inline data"
        } else if self.flags & FLAG_COMPRESSED != 0 {
            "a compressed inode"
        } else {
            return Ok(());
        };
        Err(ReadError::Unsupported { offset: 0, what: what.to_owned() })
    }
}

/// The checksum over the whole inode, its two halves taken as zero (`ext4_inode_csum`).
fn checksum_holds(bytes: &[u8], seed: u32) -> bool {
    let part = |from: usize, to: usize| bytes.get(from..to).unwrap_or_default();
    let mut crc = crc32c(seed, part(0, 0x7c));
    crc = crc32c(crc, &[0, 0]);
    crc = crc32c(crc, part(0x7e, 0x80));
    let mut stored = u32::from(u16_at(bytes, 0x7c));
    let mut mask = 0xffff;
    if bytes.len() > 128 {
        crc = crc32c(crc, part(0x80, 0x82));
        if has_field(bytes, 0x82, 2) {
            crc = crc32c(crc, &[0, 0]);
            crc = crc32c(crc, bytes.get(0x84..).unwrap_or_default());
            stored |= u32::from(u16_at(bytes, 0x82)) << 16;
            mask = u32::MAX;
        } else {
            crc = crc32c(crc, bytes.get(0x82..).unwrap_or_default());
        }
    }
    crc & mask == stored
}

/// A field of the larger inode is there (`EXT4_FITS_IN_INODE`).
fn has_field(bytes: &[u8], at: usize, length: usize) -> bool {
    bytes.len() > 128 && at + length <= 128 + usize::from(u16_at(bytes, 0x80)) && at + length <= bytes.len()
}

fn times(bytes: &[u8]) -> FileTimes {
    let time = |seconds: usize, extra: usize| {
        let extra = if has_field(bytes, extra, 4) { u32_at(bytes, extra) } else { 0 };
        decode(u32_at(bytes, seconds), extra).map(FileTime::at)
    };
    FileTimes {
        modified: time(0x10, 0x88),
        changed: time(0xc, 0x84),
        created: if has_field(bytes, 0x90, 4) { time(0x90, 0x94) } else { None },
        accessed: time(0x8, 0x8c),
    }
}

/// Signed 32-bit seconds, two bits that count further spans of 2^32 seconds, 30 bits of nanoseconds.
fn decode(seconds: u32, extra: u32) -> Option<Timestamp> {
    let epoch = i64::from(extra & 3) << 32;
    Timestamp::new(i64::from(seconds.cast_signed()) + epoch, extra >> 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_reach_from_1901_to_2446() {
        // The table of the kernel's documentation (Inode Timestamps).
        let vectors = [
            (0x8000_0000, 0, "1901-12-13T20:45:52Z"),
            (0xffff_ffff, 0, "1969-12-31T23:59:59Z"),
            (0, 0, "1970-01-01T00:00:00Z"),
            (0x7fff_ffff, 0, "2038-01-19T03:14:07Z"),
            (0x8000_0000, 1, "2038-01-19T03:14:08Z"),
            (0x7fff_ffff, 3, "2446-05-10T22:38:55Z"),
            (1, 500_000_000 << 2, "1970-01-01T00:00:01.5Z"),
        ];
        for (seconds, extra, expected) in vectors {
            assert_eq!(decode(seconds, extra).map(|time| time.to_string()).as_deref(), Some(expected));
        }
        assert_eq!(decode(0, 1_000_000_000 << 2), None, "a second's worth of nanoseconds is no time");
    }

    #[test]
    fn what_stands_behind_the_fields_of_an_inode_is_not_a_time() {
        let mut bytes = vec![0xff; 256];
        bytes[0x80..0x82].copy_from_slice(&0_u16.to_le_bytes());
        bytes[0x10..0x14].copy_from_slice(&7_u32.to_le_bytes());
        let times = times(&bytes);
        assert_eq!(times.modified, Timestamp::new(7, 0).map(FileTime::at));
        assert_eq!(times.created, None);
    }
}
