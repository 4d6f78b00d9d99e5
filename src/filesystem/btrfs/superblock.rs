//! The superblock: what the file system is, and what of it this version does not read.
//!
//! Layout and bits: the kernel's `include/uapi/linux/btrfs_tree.h` and btrfs-progs' on-disk format document.
//!
//! Where the superblock's checksum fails and its mark is still there, a copy of it (at 64 MiB and 256 GiB) may stand in: it
//! is as old as the last whole commit, and lacks what was logged after it, so that the log counts as not replayed. A volume
//! without the mark is never read by a copy: the copies outlive a new file system of another kind.
//!
//! **Invariant:** nothing is taken from a superblock whose checksum fails; a feature that is not known is refused.

use super::checksum::Checksum;
use super::field::{u8_at, u16_at, u32_at, u64_at, uuid_at};
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

/// Where it stands.
pub(super) const OFFSET: u64 = 64 * 1024;
/// Where its copies stand.
const COPIES: [u64; 2] = [64 << 20, 256 << 30];
/// How long it is, with what is not used of it.
const SIZE_BYTES: usize = 4096;
const MAGIC: &[u8; 8] = b"_BHRfS_M";
/// Where the first chunks are described, and how much room there is.
const CHUNKS: usize = 811;
const CHUNKS_BYTES: usize = 2048;

const METADATA_UUID: u64 = 1 << 10;
/// Of the flags, unknown ones change nothing that is read.
const NO_FLAG: u64 = 0;
/// Bits 0 to 11 and 16: what this version reads.
const INCOMPAT_KNOWN: u64 = 0xfff | 1 << 16;
const INCOMPAT_REFUSED: [(u64, &str); 3] =
    [(1 << 12, "zones (zoned)"), (1 << 13, "the second extent tree (extent-tree-v2)"), (1 << 14, "a RAID stripe tree")];
/// Flags of the superblock that are refused.
const FLAGS_REFUSED: [(u64, &str); 4] = [
    (1 << 33, "a dump of metadata without content"),
    (1 << 34, "a dump of metadata without content"),
    (1 << 35, "a change of its identity that was not finished"),
    (1 << 36, "a change of its identity that was not finished"),
];

/// A pointer to the root of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RootPointer {
    /// The logical address of its block.
    pub(super) at: u64,
    pub(super) level: u8,
    /// The transaction that wrote it.
    pub(super) generation: u64,
}

/// What is used of a superblock.
#[derive(Clone, Debug)]
pub(super) struct Superblock {
    /// What all volumes of the file system have in common.
    pub(super) fsid: [u8; 16],
    /// What its blocks carry: the same, unless it was given another `fsid` later.
    pub(super) metadata_fsid: [u8; 16],
    pub(super) generation: u64,
    pub(super) root: RootPointer,
    pub(super) chunk_root: RootPointer,
    /// The tree of logs, where changes were logged since the last commit.
    pub(super) log_root: Option<RootPointer>,
    pub(super) sector_bytes: u32,
    pub(super) node_bytes: u32,
    pub(super) checksum: Checksum,
    pub(super) device: u64,
    pub(super) device_uuid: [u8; 16],
    /// The chunks that hold the chunk tree.
    pub(super) chunks: Vec<u8>,
    /// It was read from a copy.
    pub(super) is_copy: bool,
    pub(super) has_no_holes: bool,
}

const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: OFFSET, what }
}

/// The mark stands where it must.
pub(super) fn is_there(image: &dyn Image) -> Result<bool, ReadError> {
    if image.size_bytes() < OFFSET + SIZE_BYTES as u64 {
        return Ok(false);
    }
    let mut magic = [0; 8];
    image.read_at(OFFSET + 64, &mut magic)?;
    Ok(magic == *MAGIC)
}

impl Superblock {
    /// Reads the superblock, or the newest of its copies where it is damaged.
    pub(super) fn read(image: &dyn Image) -> Result<Self, ReadError> {
        let bytes = sector(image, OFFSET)?;
        if bytes.get(64..72) != Some(MAGIC) {
            return Err(corrupt("the superblock has not btrfs's mark"));
        }
        if checksum_holds(&bytes) {
            return Self::parse(&bytes, OFFSET);
        }
        let mut newest: Option<Self> = None;
        for offset in COPIES.into_iter().filter(|offset| image.size_bytes() >= offset + SIZE_BYTES as u64) {
            let Ok(copy) = sector(image, offset) else { continue };
            // A copy of another file system is a file system that is no more.
            if !checksum_holds(&copy) || uuid_at(&copy, 32) != uuid_at(&bytes, 32) {
                continue;
            }
            let Ok(copy) = Self::parse(&copy, offset) else { continue };
            if newest.as_ref().is_none_or(|newest| newest.generation < copy.generation) {
                newest = Some(copy);
            }
        }
        newest.ok_or(corrupt("the superblock's checksum, and no copy of it can be read"))
    }

    fn parse(bytes: &[u8], offset: u64) -> Result<Self, ReadError> {
        let (word, half) = (|at| u64_at(bytes, at), |at| u32_at(bytes, at));
        if word(48) != offset || bytes.get(64..72) != Some(MAGIC) {
            return Err(corrupt("a superblock that belongs elsewhere"));
        }
        refuse(word(56), &FLAGS_REFUSED, NO_FLAG)?;
        let incompat = word(188);
        refuse(incompat, &INCOMPAT_REFUSED, !INCOMPAT_KNOWN)?;
        let (sector_bytes, node_bytes) = (half(144), half(148));
        let fits = |bytes: u32| bytes.is_power_of_two() && (4096..=limits::BTRFS_NODE_BYTES).contains(&bytes);
        if !fits(sector_bytes) || !fits(node_bytes) || node_bytes < sector_bytes {
            return Err(corrupt("the size of its blocks"));
        }
        let checksum = Checksum::numbered(u16_at(bytes, 196)).ok_or_else(|| unsupported("an unknown checksum"))?;
        let chunks = usize::try_from(half(160)).unwrap_or(usize::MAX);
        if chunks > CHUNKS_BYTES {
            return Err(corrupt("the size of its first chunks"));
        }
        let pointer = |at, level: usize, generation| RootPointer { at, level: u8_at(bytes, level), generation };
        let generation = word(72);
        let fsid = uuid_at(bytes, 32);
        let superblock = Self {
            fsid,
            metadata_fsid: if incompat & METADATA_UUID != 0 { uuid_at(bytes, 571) } else { fsid },
            generation,
            root: pointer(word(80), 198, generation),
            chunk_root: pointer(word(88), 199, word(164)),
            // The log is written by the transaction that was not committed.
            log_root: (word(96) != 0).then(|| pointer(word(96), 200, generation.saturating_add(1))),
            sector_bytes,
            node_bytes,
            checksum,
            device: word(201),
            device_uuid: uuid_at(bytes, 201 + 66),
            chunks: bytes.get(CHUNKS..CHUNKS + chunks).unwrap_or_default().to_vec(),
            is_copy: offset != OFFSET,
            has_no_holes: incompat & 1 << 9 != 0,
        };
        if uuid_at(bytes, 201 + 82) != superblock.metadata_fsid {
            return Err(corrupt("a device of another file system"));
        }
        Ok(superblock)
    }
}

fn sector(image: &dyn Image, offset: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = vec![0; SIZE_BYTES];
    image.read_at(offset, &mut bytes)?;
    Ok(bytes)
}

/// The checksum stands in the first 32 bytes and is of everything behind them.
fn checksum_holds(bytes: &[u8]) -> bool {
    let Some(checksum) = Checksum::numbered(u16_at(bytes, 196)) else { return false };
    let stored = bytes.get(..checksum.size_bytes()).unwrap_or_default();
    bytes.get(32..).is_some_and(|rest| checksum.holds(rest, stored))
}

fn unsupported(what: &str) -> ReadError {
    ReadError::Unsupported { offset: OFFSET, what: format!("a btrfs file system with {what}") }
}

fn refuse(bits: u64, names: &[(u64, &str)], unknown: u64) -> Result<(), ReadError> {
    if let Some((_, name)) = names.iter().find(|(bit, _)| bits & bit != 0) {
        return Err(unsupported(name));
    }
    let unknown = bits & unknown;
    if unknown == 0 { Ok(()) } else { Err(unsupported(&format!("an unknown feature (incompatible {unknown:#x})"))) }
}
