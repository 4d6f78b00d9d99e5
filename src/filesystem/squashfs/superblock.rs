//! The superblock of squashfs 4.0.
//!
//! **Invariant:** what it gives is within the bounds of the format: blocks of 4 KiB to 1 MiB, tables within the bytes in use.

use super::unpack::Compressor;
use crate::image::Image;
use crate::read_error::ReadError;

/// How many bytes it has.
pub(super) const BYTES: usize = 96;
/// The magic of the little-endian form.
const MAGIC: &[u8; 4] = b"hsqs";
/// The magic of the big-endian form, which version 4 no longer has.
const SWAPPED: &[u8; 4] = b"sqsh";
/// A table that is not there.
const ABSENT: u64 = u64::MAX;

/// What the superblock says.
pub(super) struct Superblock {
    pub(super) block_bytes: u32,
    pub(super) fragments: u32,
    pub(super) compressor: Compressor,
    pub(super) root: u64,
    pub(super) used_bytes: u64,
    pub(super) inodes_at: u64,
    pub(super) folders_at: u64,
    /// The end of the folders' table: what comes next behind it.
    pub(super) folders_end: u64,
    pub(super) fragments_at: u64,
}

/// A little-endian number of two bytes; 0 outside.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes)
}

/// A little-endian number of four bytes; 0 outside.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// A little-endian number of eight bytes; 0 outside.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// A squashfs of either byte order stands here.
pub(super) fn is_there(image: &dyn Image) -> Result<bool, ReadError> {
    if image.size_bytes() < BYTES as u64 {
        return Ok(false);
    }
    let mut magic = [0; 4];
    image.read_at(0, &mut magic)?;
    Ok(&magic == MAGIC || &magic == SWAPPED)
}

impl Superblock {
    /// Reads and checks it.
    pub(super) fn read(image: &dyn Image) -> Result<Self, ReadError> {
        let mut bytes = [0; BYTES];
        image.read_at(0, &mut bytes)?;
        let unsupported = |what: String| Err(ReadError::Unsupported { offset: 0, what });
        let (major, minor) = (u16_at(&bytes, 28), u16_at(&bytes, 30));
        if bytes.starts_with(SWAPPED) {
            return unsupported("squashfs in big-endian byte order (before version 4)".to_owned());
        }
        if major < 4 {
            return unsupported(format!("squashfs version {major}.{minor}"));
        }
        if (major, minor) != (4, 0) {
            return unsupported(format!("squashfs version {major}.{minor}, newer than 4.0"));
        }
        let compressor = Compressor::numbered(u16_at(&bytes, 20))?;
        let (block_bytes, log) = (u32_at(&bytes, 12), u16_at(&bytes, 22));
        if !(12..=20).contains(&log) || block_bytes != 1 << log {
            return Err(ReadError::Corrupt { offset: 12, what: "the block size of squashfs" });
        }
        let used_bytes = u64_at(&bytes, 40);
        let inodes_at = u64_at(&bytes, 64);
        let folders_at = u64_at(&bytes, 72);
        let fragments_at = u64_at(&bytes, 80);
        if used_bytes > image.size_bytes() {
            return Err(ReadError::Corrupt { offset: 40, what: "the squashfs is longer than its volume" });
        }
        let behind = [fragments_at, u64_at(&bytes, 88), u64_at(&bytes, 48), u64_at(&bytes, 56), used_bytes];
        let folders_end = behind.into_iter().filter(|&at| at != ABSENT && at >= folders_at).min().unwrap_or(used_bytes);
        let in_order = (BYTES as u64) <= inodes_at && inodes_at < folders_at && folders_at <= folders_end;
        if !in_order || folders_end > used_bytes {
            return Err(ReadError::Corrupt { offset: 64, what: "the tables of squashfs" });
        }
        let fragments = u32_at(&bytes, 16);
        let index_bytes = u64::from(fragments).div_ceil(512) * 8;
        let has_fragments = fragments_at.checked_add(index_bytes).is_some_and(|end| end <= used_bytes);
        if fragments > 0 && !has_fragments {
            return Err(ReadError::Corrupt { offset: 80, what: "the table of fragments" });
        }
        let root = u64_at(&bytes, 32);
        Ok(Self {
            block_bytes,
            fragments,
            compressor,
            root,
            used_bytes,
            inodes_at,
            folders_at,
            folders_end,
            fragments_at,
        })
    }
}
