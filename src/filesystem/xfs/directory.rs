//! Folders: entries in the inode itself, or in blocks of entries.
//!
//! The layout is that of the kernel's `fs/xfs/libxfs/xfs_da_format.h` (version 2 and 3 of its directories). The blocks of
//! hashes and of free space, from 32 GiB of a folder's own space on, are for finding one name and are not read.
//!
//! **Invariant:** every byte of a folder's blocks is accounted for by an entry's length; anything else is damage, and what
//! stands in the folder's other blocks is still listed.

use super::device::{Device, FOLDER_HEADER};
use super::inode::{Fork, Inode, Kind};
use super::map::{self, Extent};
use super::superblock::{be16, be32, be64};
use crate::limits;
use crate::read_error::ReadError;

/// Where the hashes of a folder begin in its own space.
const HASHES_AT_BYTES: u64 = 32 << 30;

/// A name in a folder.
pub(super) struct Name {
    pub(super) inode: u64,
    pub(super) bytes: Vec<u8>,
}

type Visit<'v> = &'v mut dyn FnMut(Name) -> Result<(), ReadError>;

/// Shows each name but `.` and `..`.
pub(super) fn list(device: &Device, folder: &Inode, visit: Visit<'_>) -> Result<(), ReadError> {
    let offset = device.superblock.inode_place(folder.number).unwrap_or(0);
    if folder.kind != Kind::Folder {
        return Err(ReadError::Corrupt { offset, what: "a folder that is none" });
    }
    if folder.fork == Some(Fork::Local) {
        return list_local(device, folder, offset, visit);
    }
    if folder.size_bytes > limits::XFS_FOLDER_BYTES {
        return Err(ReadError::Limit { offset, what: "bytes of one folder" });
    }
    let block_bytes = u64::from(device.superblock.block_bytes) << device.superblock.folder_log;
    if folder.size_bytes == 0 || !folder.size_bytes.is_multiple_of(block_bytes) {
        return Err(ReadError::Corrupt { offset, what: "a folder's size is no whole number of blocks" });
    }
    let hashes = HASHES_AT_BYTES >> device.superblock.block_log;
    let mut extents = Vec::new();
    let mut has_hashes = false;
    map::extents(device, folder, &mut |extent| {
        if extent.at >= hashes {
            has_hashes = true;
            return Ok(());
        }
        let end = (extent.at + extent.count) << device.superblock.block_log;
        if !extent.is_written || end > folder.size_bytes {
            return Err(ReadError::Corrupt { offset, what: "the extents of a folder" });
        }
        extents.push(extent);
        Ok(())
    })?;
    let mut blocks = Blocks { device, folder, offset, is_single: !has_hashes, block: Vec::new(), failure: None };
    blocks.list(&extents, visit);
    blocks.failure.map_or(Ok(()), Err)
}

/// A folder that fits in its inode: a count, its parent, and entries with numbers of 4 or 8 bytes.
fn list_local(device: &Device, folder: &Inode, offset: u64, visit: Visit<'_>) -> Result<(), ReadError> {
    let corrupt = |what: &'static str| ReadError::Corrupt { offset, what };
    let size = usize::try_from(folder.size_bytes).unwrap_or(usize::MAX);
    let content = folder.root.get(..size).ok_or(corrupt("a folder is longer than its inode"))?;
    let (Some(count), Some(wide)) = (content.first(), content.get(1)) else {
        return Err(corrupt("a folder without a head"));
    };
    let number_bytes = if *wide > 0 { 8 } else { 4 };
    let type_bytes = usize::from(device.superblock.has_types);
    let mut rest = content.get(2 + number_bytes..).ok_or(corrupt("a folder without a head"))?;
    for _ in 0..*count {
        let length = usize::from(rest.first().copied().unwrap_or(0));
        let number = 3 + length + type_bytes;
        let (Some(name), Some(stored)) = (rest.get(3..3 + length), rest.get(number..number + number_bytes)) else {
            return Err(corrupt("an entry of a folder"));
        };
        let inode = if number_bytes == 8 { be64(stored, 0) } else { u64::from(be32(stored, 0)) };
        visit(Name { inode, bytes: named(name, offset)? })?;
        rest = rest.get(number + number_bytes..).unwrap_or_default();
    }
    if rest.is_empty() { Ok(()) } else { Err(corrupt("a folder is longer than its entries")) }
}

/// A name that a file can have.
fn named(name: &[u8], offset: u64) -> Result<Vec<u8>, ReadError> {
    if name.is_empty() || name.contains(&b'/') || name.contains(&0) || name == b"." || name == b".." {
        return Err(ReadError::Corrupt { offset, what: "a name that no file can have" });
    }
    Ok(name.to_vec())
}

struct Blocks<'b> {
    device: &'b Device,
    folder: &'b Inode,
    /// Where the folder's inode stands.
    offset: u64,
    /// The folder is one block that also holds its hashes.
    is_single: bool,
    block: Vec<u8>,
    failure: Option<ReadError>,
}

impl Blocks<'_> {
    /// A block of a folder may be several blocks of the file system, and these may lie in several places. A folder may
    /// have holes: blocks that became empty.
    fn list(&mut self, extents: &[Extent], visit: Visit<'_>) {
        let superblock = &self.device.superblock;
        let (block_log, count) = (superblock.block_log, 1_u64 << superblock.folder_log);
        let mut parts: Vec<(u64, u64)> = Vec::new();
        let mut missing = count;
        let mut expected = 0;
        for extent in extents {
            let mut done = 0;
            while done < extent.count {
                let at = extent.at + done;
                let is_next = if missing == count { at.is_multiple_of(count) } else { at == expected };
                let take = missing.min(extent.count - done);
                if !is_next {
                    self.fail(ReadError::Corrupt { offset: self.offset, what: "a block of a folder with a hole" });
                    return;
                }
                parts.push((extent.place + (done << block_log), take << block_log));
                done += take;
                missing -= take;
                expected = at + take;
                if missing == 0 {
                    self.read(expected - count, &parts, visit);
                    parts.clear();
                    missing = count;
                }
            }
        }
        let is_whole = missing == count && expected << block_log == self.folder.size_bytes;
        if !is_whole || self.is_single && expected != count {
            self.fail(ReadError::Corrupt { offset: self.offset, what: "a folder that ends before its size" });
        }
    }

    fn fail(&mut self, error: ReadError) {
        self.failure.get_or_insert(error);
    }

    fn read(&mut self, at: u64, parts: &[(u64, u64)], visit: Visit<'_>) {
        let mut block = std::mem::take(&mut self.block);
        let read = self.fetch(parts, &mut block);
        let listed = read.and_then(|offset| self.entries(at == 0, &block, offset, visit));
        self.block = block;
        if let Err(error) = listed {
            self.fail(error);
        }
    }

    /// Reads and checks one block of the folder; where it stands.
    fn fetch(&self, parts: &[(u64, u64)], block: &mut Vec<u8>) -> Result<u64, ReadError> {
        block.clear();
        let mut is_replaced = false;
        for (place, length) in parts {
            let start = block.len();
            block.resize(start + usize::try_from(*length).unwrap_or(0), 0);
            self.device.read(*place, block.get_mut(start..).unwrap_or_default())?;
            is_replaced |= self.device.is_replaced(*place, *length);
        }
        let offset = parts.first().map_or(0, |(place, _)| *place);
        let owner = self.folder.number;
        if !self.device.superblock.has_checksums {
            return Ok(offset);
        }
        // The log knows the places of a scattered block as blocks of their own: replayed, their common checksum is old.
        if is_replaced && parts.len() > 1 {
            self.device.check_identity(block, offset, owner, &FOLDER_HEADER)?;
        } else {
            self.device.check(block, offset, owner, &FOLDER_HEADER)?;
        }
        Ok(offset)
    }

    fn entries(&self, is_first: bool, block: &[u8], offset: u64, visit: Visit<'_>) -> Result<(), ReadError> {
        let corrupt = |what: &'static str| ReadError::Corrupt { offset, what };
        let has_checksums = self.device.superblock.has_checksums;
        let magic = match (has_checksums, self.is_single) {
            (true, true) => 0x5844_4233,
            (true, false) => 0x5844_4433,
            (false, true) => 0x5844_3242,
            (false, false) => 0x5844_3244,
        };
        if be32(block, 0) != magic {
            return Err(corrupt("a block of a folder has not its magic"));
        }
        let mut end = block.len();
        let mut stated = None;
        if self.is_single {
            // The hashes: as many as entries, and those of deleted ones; then both counts.
            let hashes = usize::try_from(be32(block, block.len() - 8)).unwrap_or(usize::MAX);
            let deleted = usize::try_from(be32(block, block.len() - 4)).unwrap_or(usize::MAX);
            let length = hashes.checked_mul(8).and_then(|length| length.checked_add(8));
            end = length.and_then(|length| end.checked_sub(length)).ok_or(corrupt("the hashes of a folder"))?;
            stated = Some(hashes.checked_sub(deleted).ok_or(corrupt("the hashes of a folder"))?);
        }
        let mut at = if has_checksums { 64 } else { 16 };
        let mut count = 0;
        let type_bytes = usize::from(self.device.superblock.has_types);
        while at < end {
            let (is_free, length) = if be16(block, at) == 0xffff {
                (true, usize::from(be16(block, at + 2)))
            } else {
                let length = usize::from(block.get(at + 8).copied().unwrap_or(0));
                (false, (11 + length + type_bytes).next_multiple_of(8))
            };
            // Each entry ends in its own place within the block.
            let place = (at + length).checked_sub(2).map_or(0, |tag| usize::from(be16(block, tag)));
            if length < 8 || !length.is_multiple_of(8) || at + length > end || place != at {
                return Err(corrupt("an entry of a folder"));
            }
            if !is_free {
                let name = block.get(at + 9..at + 9 + usize::from(block.get(at + 8).copied().unwrap_or(0)));
                let name = name.unwrap_or_default();
                // The folder itself and its parent are the first two entries of its first block.
                if !(is_first && count < 2 && (name == b"." || name == b"..")) {
                    visit(Name { inode: be64(block, at), bytes: named(name, offset)? })?;
                }
                count += 1;
            }
            at += length;
        }
        if at != end || stated.is_some_and(|stated| stated != count) {
            return Err(corrupt("a folder has not as many entries as hashes"));
        }
        Ok(())
    }
}
