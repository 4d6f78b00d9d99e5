//! The superblock: geometry and features.
//!
//! The layout is that of `xfs_dsb` in the kernel's `fs/xfs/libxfs/xfs_format.h` and of the XFS Algorithms and Data
//! Structures document. Every field is big-endian but the checksum.
//!
//! **Invariant:** a geometry that could make a later calculation overflow, and a feature that this version does not know,
//! never get past [`Superblock::parse`].

use crate::filesystem::ext::checksum::crc32c;
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

/// What an XFS file system begins with.
const MAGIC: u32 = 0x5846_5342;

const VERSION_NLINK: u16 = 0x20;
const VERSION_DIRV2: u16 = 0x2000;
const VERSION_MOREBITS: u16 = 0x8000;
const FEATURES2_FTYPE: u32 = 0x200;

const INCOMPAT_FTYPE: u32 = 0x1;
const INCOMPAT_META_UUID: u32 = 0x4;
const INCOMPAT_NREXT64: u32 = 0x20;
/// File types in folders, sparse inode chunks, a UUID of the metadata's own, times after 2038, large extent counters,
/// exchanges of ranges, pointers to parents: a reader that knows the first five needs nothing for the last two.
const INCOMPAT_KNOWN: u32 = 0x1 | 0x2 | 0x4 | 0x8 | 0x20 | 0x40 | 0x80;
/// What else is known by name, and refused.
const INCOMPAT_REFUSED: [(u32, &str); 4] = [
    (0x10, "a mark that it needs repair"),
    (0x100, "a metadata directory (realtime groups)"),
    (0x200, "a zoned realtime device"),
    (0x400, "gaps between the zones of a realtime device"),
];

/// What is used of the superblock.
#[derive(Debug, Clone)]
pub(super) struct Superblock {
    /// Metadata carries checksums, its own place and its owner (version 5).
    pub(super) has_checksums: bool,
    pub(super) block_bytes: u32,
    pub(super) block_log: u32,
    /// Blocks of the data device.
    pub(super) blocks: u64,
    group_blocks: u32,
    groups: u32,
    group_log: u32,
    pub(super) inode_bytes: usize,
    inode_log: u32,
    /// How many blocks make one block of a folder, as a power of two.
    pub(super) folder_log: u32,
    pub(super) root: u64,
    /// Inodes that the file system keeps for itself: the realtime device's bitmap and summary, and quotas.
    own_inodes: [u64; 5],
    /// Entries of folders carry the type of what they name.
    pub(super) has_types: bool,
    pub(super) has_large_counters: bool,
    pub(super) uuid: [u8; 16],
    /// What metadata blocks carry.
    pub(super) metadata_uuid: [u8; 16],
    /// The log's first block, as the file system numbers blocks, and its length in blocks.
    pub(super) log_start: u64,
    pub(super) log_blocks: u32,
    pub(super) log_incompat: u32,
    /// How chunks of inodes are aligned, in blocks.
    pub(super) inode_alignment: u32,
}

const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

fn unsupported(what: &str) -> ReadError {
    ReadError::Unsupported { offset: 0, what: format!("an XFS file system with {what}") }
}

impl Superblock {
    /// The magic stands where it must.
    pub(super) fn is_there(image: &dyn Image) -> Result<bool, ReadError> {
        if image.size_bytes() < 512 {
            return Ok(false);
        }
        let mut magic = [0; 4];
        image.read_at(0, &mut magic)?;
        Ok(u32::from_be_bytes(magic) == MAGIC)
    }

    /// How long the sector is that a superblock stands in, and its checksum covers.
    pub(super) fn sector_bytes(head: &[u8]) -> Result<usize, ReadError> {
        let bytes = be16(head, 102);
        let is_size = bytes.is_power_of_two() && (512..=32_768).contains(&bytes);
        if is_size { Ok(usize::from(bytes)) } else { Err(corrupt("the sector size")) }
    }

    /// Checks a superblock; `sector` is the whole sector that it stands in.
    pub(super) fn parse(sector: &[u8]) -> Result<Self, ReadError> {
        if be32(sector, 0) != MAGIC {
            return Err(corrupt("the superblock has not XFS's magic"));
        }
        let version = be16(sector, 100);
        let has_checksums = match version & 0xf {
            5 => true,
            4 => false,
            other => return Err(unsupported(&format!("version {other} of the superblock"))),
        };
        if has_checksums && checksum(sector, 224) != le32(sector, 224) {
            return Err(corrupt("the superblock's checksum"));
        }
        let incompat = if has_checksums { be32(sector, 216) } else { 0 };
        refuse_features(version, has_checksums, incompat)?;
        let features2 = if version & VERSION_MOREBITS != 0 { be32(sector, 200) | be32(sector, 204) } else { 0 };
        let has_own_uuid = incompat & INCOMPAT_META_UUID != 0;
        let superblock = Self {
            has_checksums,
            block_bytes: be32(sector, 4),
            block_log: log(sector, 120),
            blocks: be64(sector, 8),
            group_blocks: be32(sector, 84),
            groups: be32(sector, 88),
            group_log: log(sector, 124),
            inode_bytes: usize::from(be16(sector, 104)),
            inode_log: log(sector, 122),
            folder_log: log(sector, 192),
            root: be64(sector, 56),
            own_inodes: [64, 72, 160, 168, if has_checksums { 232 } else { 160 }].map(|at| be64(sector, at)),
            has_types: if has_checksums { incompat & INCOMPAT_FTYPE } else { features2 & FEATURES2_FTYPE } != 0,
            has_large_counters: incompat & INCOMPAT_NREXT64 != 0,
            uuid: uuid(sector, 32),
            metadata_uuid: uuid(sector, if has_own_uuid { 248 } else { 32 }),
            log_start: be64(sector, 48),
            log_blocks: be32(sector, 96),
            log_incompat: if has_checksums { be32(sector, 220) } else { 0 },
            inode_alignment: be32(sector, 180),
        };
        if sector.get(126) != Some(&0) {
            return Err(corrupt("a file system that was never finished"));
        }
        superblock.check_geometry()?;
        if superblock.log_start == 0 {
            return Err(unsupported("an external log"));
        }
        Ok(superblock)
    }

    fn check_geometry(&self) -> Result<(), ReadError> {
        let is_size =
            |log: u32, bytes: u64, from: u64, to: u64| log < 32 && bytes == 1 << log && (from..=to).contains(&bytes);
        let inode_bytes = u64::try_from(self.inode_bytes).unwrap_or(0);
        if !is_size(self.block_log, u64::from(self.block_bytes), 512, limits::XFS_BLOCK_BYTES) {
            return Err(corrupt("the block size"));
        }
        let fits = inode_bytes <= u64::from(self.block_bytes);
        if !is_size(self.inode_log, inode_bytes, 256, limits::XFS_INODE_BYTES) || !fits {
            return Err(corrupt("the inode size"));
        }
        if self.folder_log > 7 || u64::from(self.block_bytes) << self.folder_log > limits::XFS_BLOCK_BYTES {
            return Err(corrupt("the block size of folders"));
        }
        let group_blocks = u64::from(self.group_blocks);
        let log_fits = (1..32).contains(&self.group_log)
            && group_blocks <= 1 << self.group_log
            && group_blocks > 1 << (self.group_log - 1);
        let whole = group_blocks.checked_mul(u64::from(self.groups)).unwrap_or(0);
        let is_last_used = self.groups > 0 && self.blocks > whole - group_blocks && self.blocks <= whole;
        if !log_fits || !is_last_used || self.blocks.checked_mul(u64::from(self.block_bytes)).is_none() {
            return Err(corrupt("the geometry of the allocation groups"));
        }
        let log_bytes = u64::from(self.log_blocks) << self.block_log;
        if self.log_start != 0 && (log_bytes < 4096 || log_bytes > limits::XFS_LOG_BYTES) {
            return Err(corrupt("the size of the log"));
        }
        Ok(())
    }

    /// Bytes of the data device.
    pub(super) fn size_bytes(&self) -> u64 {
        self.blocks << self.block_log
    }

    /// Where blocks stand that the file system numbers by allocation group; they must lie in one group.
    pub(super) fn place(&self, block: u64, count: u64) -> Option<u64> {
        let group = block >> self.group_log;
        let within = block & ((1 << self.group_log) - 1);
        self.place_in_group(group, within, count)
    }

    /// Where blocks of an allocation group stand, in bytes.
    pub(super) fn place_in_group(&self, group: u64, within: u64, count: u64) -> Option<u64> {
        let end = within.checked_add(count)?;
        let first = group.checked_mul(u64::from(self.group_blocks))?;
        let fits = group < u64::from(self.groups)
            && end <= u64::from(self.group_blocks)
            && first.checked_add(end)? <= self.blocks;
        fits.then(|| (first + within) << self.block_log)
    }

    /// Where an inode stands, in bytes.
    pub(super) fn inode_place(&self, number: u64) -> Option<u64> {
        let per_block_log = self.block_log - self.inode_log;
        let slot = number & ((1 << per_block_log) - 1);
        Some(self.place(number >> per_block_log, 1)? + (slot << self.inode_log))
    }

    /// The number of the inode in the first slot of a block of an allocation group.
    pub(super) fn inode_number(&self, group: u64, within: u64) -> u64 {
        (group << self.group_log | within) << (self.block_log - self.inode_log)
    }

    /// An inode that a name may stand for: none of those that the file system keeps for itself.
    pub(super) fn may_be_named(&self, inode: u64) -> bool {
        !self.own_inodes.contains(&inode)
    }
}

fn refuse_features(version: u16, has_checksums: bool, incompat: u32) -> Result<(), ReadError> {
    if !has_checksums && version & VERSION_NLINK == 0 {
        return Err(unsupported("version 1 inodes"));
    }
    if !has_checksums && version & VERSION_DIRV2 == 0 {
        return Err(unsupported("version 1 folders"));
    }
    let unknown = incompat & !INCOMPAT_KNOWN;
    if unknown == 0 {
        return Ok(());
    }
    let name = INCOMPAT_REFUSED.iter().find(|(bit, _)| unknown & bit != 0).map(|(_, name)| (*name).to_owned());
    Err(unsupported(&name.unwrap_or_else(|| format!("an unknown feature (incompatible {unknown:#x})"))))
}

/// A power of two that the superblock states.
fn log(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at).copied().map_or(u32::MAX, u32::from)
}

fn uuid(bytes: &[u8], at: usize) -> [u8; 16] {
    bytes.get(at..at + 16).and_then(|uuid| uuid.try_into().ok()).unwrap_or([0; 16])
}

/// The checksum of a block that keeps it at `at`, where it counts as zero.
pub(super) fn checksum(block: &[u8], at: usize) -> u32 {
    let crc = crc32c(!0, block.get(..at).unwrap_or_default());
    !crc32c(crc32c(crc, &[0; 4]), block.get(at + 4..).unwrap_or_default())
}

/// A big-endian 16-bit field; 0 where the slice is shorter, which no caller lets happen.
pub(super) fn be16(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|field| field.try_into().ok()).map_or(0, u16::from_be_bytes)
}

/// A big-endian 32-bit field.
pub(super) fn be32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|field| field.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// A big-endian 64-bit field.
pub(super) fn be64(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|field| field.try_into().ok()).map_or(0, u64::from_be_bytes)
}

/// A little-endian 32-bit field: a checksum.
pub(super) fn le32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|field| field.try_into().ok()).map_or(0, u32::from_le_bytes)
}
