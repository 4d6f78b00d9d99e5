//! The superblock, the block groups, and reading single blocks.
//!
//! **Invariant:** nothing that the superblock states is used before it was held against the limits and the image's size.

use std::collections::HashMap;
use std::sync::Arc;

use super::checksum::crc32c;
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

/// Compatible feature: it has a journal.
pub(super) const COMPAT_JOURNAL: u32 = 0x4;
/// Incompatible feature: the journal holds changes.
pub(super) const INCOMPAT_RECOVER: u32 = 0x4;
const COMPAT_SPARSE_2: u32 = 0x200;
const INCOMPAT_FILETYPE: u32 = 0x2;
const INCOMPAT_META_BG: u32 = 0x10;
const INCOMPAT_64BIT: u32 = 0x80;
const INCOMPAT_CSUM_SEED: u32 = 0x2000;
const RO_METADATA_CSUM: u32 = 0x400;
/// Incompatible features that this reader knows to be harmless: file type in entries, recovery, meta block groups,
/// extents, 64 bit, multiple mount protection, flexible groups, values of extended attributes in inodes, checksum seed,
/// large folders, encryption (an encrypted inode is refused by itself).
const INCOMPAT_KNOWN: u32 = 0x2 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x1_0000;
/// Names of incompatible features that are refused.
const INCOMPAT_REFUSED: [(u32, &str); 5] = [
    (0x1, "compression"),
    (0x8, "an external journal's own device"),
    (0x1000, "data in directory entries"),
    (0x8000, "inline data"),
    (0x2_0000, "case folding"),
];

/// What is used of the superblock.
#[derive(Debug)]
pub(super) struct Superblock {
    pub(super) block_bytes: u32,
    pub(super) blocks: u64,
    first_block: u32,
    blocks_per_group: u32,
    pub(super) inodes: u32,
    inodes_per_group: u32,
    inode_bytes: u16,
    descriptor_bytes: u16,
    first_meta_group: u32,
    pub(super) compat: u32,
    pub(super) incompat: u32,
    pub(super) ro_compat: u32,
    pub(super) checksum_seed: u32,
    pub(super) journal_inode: u32,
    first_inode: u32,
    /// With the feature that keeps two copies of the superblock only: where they are.
    copies: Option<[u32; 2]>,
}

impl Superblock {
    /// The magic stands where it must.
    pub(super) fn is_there(image: &dyn Image) -> Result<bool, ReadError> {
        if image.size_bytes() < 2048 {
            return Ok(false);
        }
        let mut magic = [0; 2];
        image.read_at(1080, &mut magic)?;
        Ok(magic == [0x53, 0xef])
    }

    /// Reads and checks the superblock that stands at `offset`.
    pub(super) fn read(image: &dyn Image, offset: u64) -> Result<Self, ReadError> {
        let mut bytes = [0; 1024];
        image.read_at(offset, &mut bytes)?;
        Self::parse(&bytes, image.size_bytes())
    }

    /// Checks the 1,024 bytes of a superblock on an image of that size.
    pub(super) fn parse(bytes: &[u8], image_bytes: u64) -> Result<Self, ReadError> {
        let corrupt = |what: &'static str| ReadError::Corrupt { offset: 1024, what };
        let word = |at: usize| u32_at(bytes, at);
        let half = |at: usize| u16_at(bytes, at);
        if half(0x38) != 0xef53 {
            return Err(corrupt("the superblock has not ext's magic"));
        }
        // Revision 0 has none of the fields from 0x54 on.
        let dynamic = word(0x4c) >= 1;
        let later = |value: u32| if dynamic { value } else { 0 };
        let (compat, incompat, ro_compat) = (later(word(0x5c)), later(word(0x60)), later(word(0x64)));
        refuse_features(incompat)?;
        let log_block = word(0x18);
        let block_bytes =
            1024_u64.checked_shl(log_block).filter(|bytes| log_block < 32 && *bytes <= limits::EXT_BLOCK_BYTES);
        let block_bytes = block_bytes.and_then(|bytes| u32::try_from(bytes).ok()).ok_or(corrupt("the block size"))?;
        let has_64bit = incompat & INCOMPAT_64BIT != 0;
        let high = if has_64bit { word(0x150) } else { 0 };
        let blocks = u64::from(high) << 32 | u64::from(word(0x4));
        let inode_bytes = if dynamic { half(0x58) } else { 128 };
        let inode_fits = inode_bytes.is_power_of_two() && u32::from(inode_bytes) <= block_bytes && inode_bytes >= 128;
        if !inode_fits || u64::from(inode_bytes) > limits::EXT_INODE_BYTES {
            return Err(corrupt("the inode size"));
        }
        let descriptor_bytes = if has_64bit { half(0xfe) } else { 32 };
        if !descriptor_bytes.is_power_of_two() || !(32..=1024).contains(&descriptor_bytes) {
            return Err(corrupt("the size of a group's descriptor"));
        }
        let superblock = Self {
            block_bytes,
            blocks,
            first_block: word(0x14),
            blocks_per_group: word(0x20),
            inodes: word(0x0),
            inodes_per_group: word(0x28),
            inode_bytes,
            descriptor_bytes,
            first_meta_group: if incompat & INCOMPAT_META_BG != 0 { word(0x104) } else { u32::MAX },
            compat,
            incompat,
            ro_compat,
            checksum_seed: if incompat & INCOMPAT_CSUM_SEED != 0 {
                word(0x270)
            } else {
                crc32c(!0, bytes.get(0x68..0x78).unwrap_or_default())
            },
            journal_inode: if compat & COMPAT_JOURNAL != 0 { word(0xe0) } else { 0 },
            first_inode: if dynamic { word(0x54) } else { 11 },
            copies: (compat & COMPAT_SPARSE_2 != 0).then(|| [word(0x24c), word(0x250)]),
        };
        if superblock.has_checksums() && crc32c(!0, bytes.get(..0x3fc).unwrap_or_default()) != word(0x3fc) {
            return Err(corrupt("the superblock's checksum"));
        }
        superblock.check_geometry(image_bytes)?;
        Ok(superblock)
    }

    fn check_geometry(&self, image_bytes: u64) -> Result<(), ReadError> {
        let corrupt = |what: &'static str| ReadError::Corrupt { offset: 1024, what };
        if self.blocks_per_group == 0 || self.inodes_per_group == 0 || u64::from(self.first_block) >= self.blocks {
            return Err(corrupt("the geometry of the block groups"));
        }
        if self.blocks.checked_mul(u64::from(self.block_bytes)).is_none() {
            return Err(corrupt("the number of blocks"));
        }
        if self.groups() > limits::EXT_GROUPS {
            return Err(ReadError::Limit { offset: 1024, what: "block groups of an ext file system" });
        }
        // The descriptors of all groups must be there, whatever else of the image is missing.
        if self.groups().saturating_mul(u64::from(self.descriptor_bytes)) > image_bytes {
            return Err(corrupt("more block groups than the image can describe"));
        }
        Ok(())
    }

    /// An inode that a name may stand for: the root, or none of those that the file system keeps for itself.
    pub(super) fn may_be_named(&self, inode: u32) -> bool {
        inode == super::ROOT || inode >= self.first_inode
    }

    fn groups(&self) -> u64 {
        (self.blocks - u64::from(self.first_block)).div_ceil(u64::from(self.blocks_per_group))
    }

    /// What stands in the high half of a folder's size counts; without this feature it was another field once.
    pub(super) fn has_large_folders(&self) -> bool {
        const LARGE_FOLDERS: u32 = 0x4000;
        self.incompat & LARGE_FOLDERS != 0
    }

    /// Metadata carries CRC-32C.
    pub(super) fn has_checksums(&self) -> bool {
        self.ro_compat & RO_METADATA_CSUM != 0
    }

    /// ext4 by any feature that ext3 has not, else ext3 by its journal, else ext2.
    pub(super) fn name(&self) -> &'static str {
        const EXT3_INCOMPAT: u32 = INCOMPAT_FILETYPE | INCOMPAT_RECOVER | INCOMPAT_META_BG;
        const EXT3_RO_COMPAT: u32 = 0x1 | 0x2 | 0x4;
        if self.incompat & !EXT3_INCOMPAT != 0 || self.ro_compat & !EXT3_RO_COMPAT != 0 {
            "ext4"
        } else if self.compat & COMPAT_JOURNAL != 0 {
            "ext3"
        } else {
            "ext2"
        }
    }
}

fn refuse_features(incompat: u32) -> Result<(), ReadError> {
    let unknown = incompat & !INCOMPAT_KNOWN;
    if unknown == 0 {
        return Ok(());
    }
    let name = INCOMPAT_REFUSED.iter().find(|(bit, _)| unknown & bit != 0).map(|(_, name)| (*name).to_owned());
    let what = name.unwrap_or_else(|| format!("an unknown feature (incompatible {unknown:#x})"));
    Err(ReadError::Unsupported { offset: 1024 + 0x60, what: format!("an ext file system with {what}") })
}

/// The blocks of a file system, as they are after its journal was replayed in memory.
pub(super) struct Blocks {
    image: Arc<dyn Image>,
    pub(super) superblock: Superblock,
    /// The first block of each group's inode table.
    inode_tables: Vec<u64>,
    /// Blocks whose current content stands in the journal: where, and whether its first word was escaped.
    pub(super) replayed: HashMap<u64, (u64, bool)>,
}

impl Blocks {
    /// With the image's own descriptors and nothing replayed.
    pub(super) fn new(image: Arc<dyn Image>, superblock: Superblock) -> Result<Self, ReadError> {
        let mut blocks = Self { image, superblock, inode_tables: Vec::new(), replayed: HashMap::new() };
        blocks.read_groups()?;
        Ok(blocks)
    }

    /// Reads the superblock and the descriptors again, through what the journal replaced.
    pub(super) fn reload(&mut self) -> Result<(), ReadError> {
        let block_bytes = u64::from(self.superblock.block_bytes);
        let mut block = vec![0; block_bytes as usize];
        self.read(1024 / block_bytes, &mut block)?;
        let start = usize::try_from(1024 % block_bytes).unwrap_or(0);
        self.superblock =
            Superblock::parse(block.get(start..start + 1024).unwrap_or_default(), self.image.size_bytes())?;
        self.read_groups()
    }

    /// Reads a whole block.
    pub(super) fn read(&self, block: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        self.read_within(block, 0, buffer)
    }

    /// Reads part of a block.
    pub(super) fn read_within(&self, block: u64, within: u32, buffer: &mut [u8]) -> Result<(), ReadError> {
        let block_bytes = u64::from(self.superblock.block_bytes);
        let (stored, escaped) = self.replayed.get(&block).copied().unwrap_or((block, false));
        let offset = stored.saturating_mul(block_bytes).saturating_add(u64::from(within));
        if block >= self.superblock.blocks || stored >= self.superblock.blocks {
            return Err(ReadError::Corrupt { offset, what: "a block outside the file system" });
        }
        self.image.read_at(offset, buffer)?;
        if escaped {
            // A journalled block that began with the journal's own magic has zeros there (jbd2's escape).
            let magic = super::journal::MAGIC.to_be_bytes();
            for (at, byte) in buffer.iter_mut().enumerate() {
                let place = usize::try_from(within).unwrap_or(usize::MAX).saturating_add(at);
                if let Some(original) = magic.get(place) {
                    *byte = *original;
                }
            }
        }
        Ok(())
    }

    /// Reads blocks that follow one another, where none of them stands in the journal; else the first alone is to be read.
    pub(super) fn run_is_plain(&self, first: u64, count: u64) -> bool {
        self.replayed.is_empty()
            || (first..first.saturating_add(count)).all(|block| !self.replayed.contains_key(&block))
    }

    /// Reads bytes of a run of blocks for which [`Blocks::run_is_plain`].
    pub(super) fn read_run(&self, first: u64, within: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let block_bytes = u64::from(self.superblock.block_bytes);
        let offset = first.saturating_mul(block_bytes).saturating_add(within);
        let end = offset.saturating_add(u64::try_from(buffer.len()).unwrap_or(u64::MAX));
        if end > self.superblock.blocks.saturating_mul(block_bytes) {
            return Err(ReadError::Corrupt { offset, what: "a block outside the file system" });
        }
        self.image.read_at(offset, buffer)
    }

    /// The raw bytes of an inode, as long as the file system's inodes are.
    pub(super) fn read_inode(&self, number: u32) -> Result<Vec<u8>, ReadError> {
        let superblock = &self.superblock;
        let outside = ReadError::Corrupt { offset: 0, what: "an inode outside the file system" };
        let index = number.checked_sub(1).filter(|_| number <= superblock.inodes);
        let Some(index) = index else { return Err(outside) };
        let group = usize::try_from(index / superblock.inodes_per_group).unwrap_or(usize::MAX);
        let Some(table) = self.inode_tables.get(group) else { return Err(outside) };
        let within = u64::from(index % superblock.inodes_per_group) * u64::from(superblock.inode_bytes);
        let block_bytes = u64::from(superblock.block_bytes);
        let mut bytes = vec![0; usize::from(superblock.inode_bytes)];
        let place = u32::try_from(within % block_bytes).unwrap_or(0);
        self.read_within(table.saturating_add(within / block_bytes), place, &mut bytes)?;
        Ok(bytes)
    }

    fn read_groups(&mut self) -> Result<(), ReadError> {
        let superblock = &self.superblock;
        let per_block = superblock.block_bytes / u32::from(superblock.descriptor_bytes);
        let mut tables = Vec::new();
        let mut block = vec![0; superblock.block_bytes as usize];
        for group in 0..u32::try_from(superblock.groups()).unwrap_or(0) {
            if group % per_block == 0 {
                self.read(self.descriptor_block(group / per_block, per_block), &mut block)?;
            }
            let size = usize::from(superblock.descriptor_bytes);
            let start = (group % per_block) as usize * size;
            let descriptor = block.get(start..start + size).unwrap_or_default();
            self.check_descriptor(group, descriptor)?;
            let high = if size >= 64 { u32_at(descriptor, 0x28) } else { 0 };
            tables.push(u64::from(high) << 32 | u64::from(u32_at(descriptor, 0x8)));
        }
        self.inode_tables = tables;
        Ok(())
    }

    /// Where the `index`th block of descriptors stands: behind the superblock, or, with meta block groups, in the first
    /// group of those that it describes, behind that group's copy of the superblock where it has one.
    fn descriptor_block(&self, index: u32, per_block: u32) -> u64 {
        let superblock = &self.superblock;
        if index < superblock.first_meta_group {
            let block_of_superblock = if superblock.block_bytes == 1024 { 1 } else { 0 };
            return block_of_superblock + 1 + u64::from(index);
        }
        let group = u64::from(index) * u64::from(per_block);
        let start = u64::from(superblock.first_block) + group * u64::from(superblock.blocks_per_group);
        let first = if group == 0 && superblock.block_bytes == 1024 && superblock.first_block == 0 { 1 } else { 0 };
        start + first + u64::from(superblock.has_copy(group))
    }

    fn check_descriptor(&self, group: u32, descriptor: &[u8]) -> Result<(), ReadError> {
        let superblock = &self.superblock;
        if !superblock.has_checksums() {
            // The older CRC-16 of `uninit_bg` guards what is allocated, which is not read here.
            return Ok(());
        }
        let crc = crc32c(superblock.checksum_seed, &group.to_le_bytes());
        let crc = crc32c(crc, descriptor.get(..0x1e).unwrap_or_default());
        let crc = crc32c(crc, &[0, 0]);
        let crc = crc32c(crc, descriptor.get(0x20..).unwrap_or_default());
        if crc & 0xffff != u32::from(u16_at(descriptor, 0x1e)) {
            let what = "the checksum of a block group's descriptor";
            return Err(ReadError::Corrupt { offset: u64::from(superblock.block_bytes), what });
        }
        Ok(())
    }
}

impl Superblock {
    /// The group begins with a copy of the superblock.
    fn has_copy(&self, group: u64) -> bool {
        const SPARSE: u32 = 0x1;
        let power = |base: u64| {
            let mut value = base;
            while value < group {
                value = value.saturating_mul(base);
            }
            value == group
        };
        if let Some(copies) = self.copies {
            return group == 0 || copies.iter().any(|copy| u64::from(*copy) == group);
        }
        group <= 1 || self.ro_compat & SPARSE == 0 || power(3) || power(5) || power(7)
    }
}

/// A little-endian 32-bit field; 0 where the slice is shorter, which no caller lets happen.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|field| field.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// A little-endian 16-bit field; 0 where the slice is shorter, which no caller lets happen.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|field| field.try_into().ok()).map_or(0, u16::from_le_bytes)
}
