//! Folders: the linear chain of entries in each block. The hash tree of a large folder lies inside entries that a linear
//! reader takes for unused, so the listing is the same with and without it.
//!
//! **Invariant:** every byte of a folder's blocks is accounted for by an entry's length; anything else is damage, and
//! what stands before it in the same folder is still listed.

use super::checksum::crc32c;
use super::inode::{Inode, Kind};
use super::map;
use super::superblock::{Blocks, u16_at, u32_at};
use crate::limits;
use crate::read_error::ReadError;

/// Where the limit and the count of a hash tree stand in its root: behind `.`, `..` and the tree's own head.
const ROOT_LIMIT: usize = 0x20;
/// Where they stand in its other nodes: behind one empty entry as long as the block.
const NODE_LIMIT: usize = 8;

/// A name in a folder.
pub(super) struct Name {
    pub(super) inode: u32,
    pub(super) bytes: Vec<u8>,
}

const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

/// Shows each name but `.` and `..`.
pub(super) fn list(
    blocks: &Blocks,
    folder: &Inode,
    visit: &mut dyn FnMut(Name) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    if folder.kind != Kind::Folder {
        return Err(corrupt("a folder that is none"));
    }
    if folder.size_bytes > limits::EXT_FOLDER_BYTES {
        return Err(ReadError::Limit { offset: 0, what: "bytes of one folder" });
    }
    let block_bytes = u64::from(blocks.superblock.block_bytes);
    if !folder.size_bytes.is_multiple_of(block_bytes) {
        return Err(corrupt("a folder's size is no whole number of blocks"));
    }
    let mut failure = None;
    let mut block = vec![0; block_bytes as usize];
    let mut next = 0;
    for run in map::runs(blocks, folder)? {
        // A folder has no holes: a missing block is lost names.
        if run.at != next {
            failure.get_or_insert(corrupt("a folder with a hole"));
        }
        next = run.at + run.count;
        for index in 0..run.count {
            let read = blocks.read(run.block + index, &mut block);
            let listed = read.and_then(|()| list_block(blocks, folder, &block, visit));
            if let Err(error) = listed {
                failure.get_or_insert(error);
            }
        }
    }
    if next * block_bytes != folder.size_bytes {
        failure.get_or_insert(corrupt("a folder with a hole"));
    }
    failure.map_or(Ok(()), Err)
}

fn list_block(
    blocks: &Blocks,
    folder: &Inode,
    block: &[u8],
    visit: &mut dyn FnMut(Name) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    if blocks.superblock.has_checksums() && !checksum_holds(block, folder.seed) {
        return Err(corrupt("the checksum of a folder's block"));
    }
    let mut rest = block;
    while !rest.is_empty() {
        let length = record_length(u16_at(rest, 4), block.len());
        let name_length = usize::from(rest.get(6).copied().unwrap_or(0));
        if length < 8 || !length.is_multiple_of(4) || length > rest.len() || 8 + name_length > length {
            return Err(corrupt("an entry of a folder"));
        }
        let inode = u32_at(rest, 0);
        let name = rest.get(8..8 + name_length).unwrap_or_default();
        if inode != 0 && name != b"." && name != b".." {
            if name.is_empty() || name.contains(&b'/') || name.contains(&0) {
                return Err(corrupt("a name that no file can have"));
            }
            visit(Name { inode, bytes: name.to_vec() })?;
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(())
}

/// With blocks of 64 KiB the length 65,536 does not fit its field and is written as 65,535 or 0.
fn record_length(stored: u16, block_bytes: usize) -> usize {
    match stored {
        0xffff | 0 if block_bytes == 0x1_0000 => block_bytes,
        stored => usize::from(stored),
    }
}

/// A block of entries ends in a false entry that holds its checksum; a block of the hash tree has its own tail. The two
/// are told apart by how the block begins: the end may still hold what it held before the folder got a tree.
fn checksum_holds(block: &[u8], seed: u32) -> bool {
    let first = record_length(u16_at(block, 4), block.len());
    let second = record_length(u16_at(block, 12 + 4), block.len());
    let at = match (first, second) {
        (first, _) if first == block.len() => NODE_LIMIT,
        (12, second) if second + 12 == block.len() => ROOT_LIMIT,
        _ => return leaf_checksum_holds(block, seed),
    };
    let (limit, count) = (usize::from(u16_at(block, at)), usize::from(u16_at(block, at + 2)));
    let tail = at + limit * 8;
    if count > limit || tail + 8 > block.len() {
        return false;
    }
    let crc = crc32c(seed, block.get(..at + count * 8).unwrap_or_default());
    let crc = crc32c(crc, block.get(tail..tail + 4).unwrap_or_default());
    crc32c(crc, &[0; 4]) == u32_at(block, tail + 4)
}

fn leaf_checksum_holds(block: &[u8], seed: u32) -> bool {
    let Some(tail) = block.len().checked_sub(12) else { return false };
    let is_tail = u32_at(block, tail) == 0 && u16_at(block, tail + 4) == 12 && block.get(tail + 7) == Some(&0xde);
    is_tail && crc32c(seed, block.get(..tail).unwrap_or_default()) == u32_at(block, tail + 8)
}
