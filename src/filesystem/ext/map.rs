//! Where a file's blocks are: extent trees and block maps, turned into runs.
//!
//! **Invariant:** runs are ascending, do not overlap, and name no block for a hole or for an extent that was allocated
//! and never written; a tree that contradicts itself is damage.

use super::checksum::crc32c;
use super::inode::Inode;
use super::superblock::{Blocks, u16_at, u32_at};
use crate::limits;
use crate::read_error::ReadError;

/// Blocks of a file that follow one another on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The first block within the file.
    pub(super) at: u64,
    /// How many.
    pub(super) count: u64,
    /// The first block on the disk.
    pub(super) block: u64,
}

/// Collects the runs of one file.
struct Runs<'b> {
    blocks: &'b Blocks,
    runs: Vec<Run>,
    /// The first block within the file that may still come.
    next: u64,
    /// Blocks within the file that its size covers.
    wanted: u64,
    nodes: u64,
}

/// Every run of the file that its size covers. What no run names is zeros.
pub(super) fn runs(blocks: &Blocks, inode: &Inode) -> Result<Vec<Run>, ReadError> {
    inode.refuse_transformed()?;
    let wanted = inode.size_bytes.div_ceil(u64::from(blocks.superblock.block_bytes));
    let mut runs = Runs { blocks, runs: Vec::new(), next: 0, wanted, nodes: 0 };
    if inode.has_extents() {
        runs.extent_node(&inode.root, None, inode.seed)?;
    } else {
        runs.block_map(&inode.root)?;
    }
    Ok(runs.runs)
}

const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

impl Runs<'_> {
    fn push(&mut self, at: u64, count: u64, block: u64) -> Result<(), ReadError> {
        if at < self.next {
            return Err(corrupt("a file's blocks are mapped twice or out of order"));
        }
        self.next = at.saturating_add(count);
        let end = block.checked_add(count);
        if block == 0 || end.is_none_or(|end| end > self.blocks.superblock.blocks) {
            return Err(corrupt("a file is mapped to a block outside the file system"));
        }
        let count = count.min(self.wanted.saturating_sub(at));
        if count == 0 {
            return Ok(());
        }
        if let Some(last) = self.runs.last_mut()
            && last.at + last.count == at
            && last.block + last.count == block
        {
            last.count += count;
            return Ok(());
        }
        if self.runs.len() >= limits::EXT_RUNS {
            return Err(ReadError::Limit { offset: 0, what: "runs of blocks of one file" });
        }
        self.runs.push(Run { at, count, block });
        Ok(())
    }

    fn count_node(&mut self) -> Result<(), ReadError> {
        self.nodes += 1;
        if self.nodes > limits::EXT_NODES {
            return Err(ReadError::Limit { offset: 0, what: "nodes of one file's block map" });
        }
        Ok(())
    }

    /// A node of an extent tree: a header of 12 bytes and entries of 12 bytes. `depth`: what the parent expects.
    fn extent_node(&mut self, node: &[u8], depth: Option<u16>, seed: u32) -> Result<(), ReadError> {
        self.count_node()?;
        let (entries, most, stated) = (u16_at(node, 2), u16_at(node, 4), u16_at(node, 6));
        if u16_at(node, 0) != 0xf30a || stated > 5 || depth.is_some_and(|depth| depth != stated) || entries > most {
            return Err(corrupt("a node of an extent tree"));
        }
        let end = 12 + 12 * usize::from(most);
        if end > node.len() {
            return Err(corrupt("a node of an extent tree is longer than its block"));
        }
        if depth.is_some() && self.blocks.superblock.has_checksums() {
            let sum = crc32c(seed, node.get(..end).unwrap_or_default());
            if end + 4 > node.len() || sum != u32_at(node, end) {
                return Err(corrupt("the checksum of an extent tree's node"));
            }
        }
        let used = node.get(12..12 + 12 * usize::from(entries)).unwrap_or_default();
        for entry in used.chunks_exact(12) {
            let first = u64::from(u32_at(entry, 0));
            if stated == 0 {
                self.extent(entry, first)?;
                continue;
            }
            if first >= self.wanted {
                return Ok(());
            }
            let block = u64::from(u16_at(entry, 8)) << 32 | u64::from(u32_at(entry, 4));
            let mut child = vec![0; self.blocks.superblock.block_bytes as usize];
            self.blocks.read(block, &mut child)?;
            self.extent_node(&child, Some(stated - 1), seed)?;
        }
        Ok(())
    }

    fn extent(&mut self, entry: &[u8], first: u64) -> Result<(), ReadError> {
        // A length over 32,768 marks an extent that is allocated and not written: it reads as zeros.
        const WRITTEN: u16 = 0x8000;
        let length = u16_at(entry, 4);
        let block = u64::from(u16_at(entry, 6)) << 32 | u64::from(u32_at(entry, 8));
        if length > WRITTEN {
            let count = u64::from(length - WRITTEN);
            if first < self.next {
                return Err(corrupt("a file's blocks are mapped twice or out of order"));
            }
            self.next = first + count;
            return Ok(());
        }
        if length == 0 {
            return Err(corrupt("an extent of no length"));
        }
        self.push(first, u64::from(length), block)
    }

    /// Twelve direct blocks, then blocks of pointers one, two and three levels deep. A pointer of 0 is a hole, at every level.
    fn block_map(&mut self, root: &[u8; 60]) -> Result<(), ReadError> {
        let per_block = u64::from(self.blocks.superblock.block_bytes / 4);
        let mut at = 0;
        for (index, pointer) in root.as_chunks::<4>().0.iter().enumerate() {
            let pointer = u64::from(u32::from_le_bytes(*pointer));
            let level = u32::try_from(index.saturating_sub(11)).unwrap_or(0);
            self.pointer(pointer, level, at)?;
            at += per_block.pow(level);
        }
        Ok(())
    }

    fn pointer(&mut self, pointer: u64, level: u32, at: u64) -> Result<(), ReadError> {
        if pointer == 0 || at >= self.wanted {
            return Ok(());
        }
        if level == 0 {
            return self.push(at, 1, pointer);
        }
        self.count_node()?;
        let mut block = vec![0; self.blocks.superblock.block_bytes as usize];
        self.blocks.read(pointer, &mut block)?;
        let each = u64::from(self.blocks.superblock.block_bytes / 4).pow(level - 1);
        for (index, child) in block.as_chunks::<4>().0.iter().enumerate() {
            let place = at + u64::try_from(index).unwrap_or(0) * each;
            self.pointer(u64::from(u32::from_le_bytes(*child)), level - 1, place)?;
        }
        Ok(())
    }
}
