//! The journal, replayed in memory.
//!
//! A log of transactions (jbd2): descriptor blocks that say which blocks follow, revocation blocks that say which older
//! copies must not be used any more, and a commit block behind each transaction. What is committed replaces the blocks on
//! the disk whenever they are read; nothing is written. The format is the kernel's `Documentation/filesystems/ext4/journal`.
//!
//! **Invariant:** a block's copy is used only from a transaction that was committed and whose checksums hold, and never if
//! the same or a later transaction revoked it; changes that were not applied make the state [`Journal::NotReplayed`].

use std::collections::HashMap;

use super::checksum::{crc32_be, crc32c};
use super::inode::Inode;
use super::map::{self, Run};
use super::superblock::{Blocks, COMPAT_JOURNAL, INCOMPAT_RECOVER, u16_at, u32_at};
use crate::journal::Journal;
use crate::limits;
use crate::read_error::ReadError;

/// What every block of the log begins with.
pub(super) const MAGIC: u32 = 0xc03b_3998;

const DESCRIPTOR: u32 = 1;
const COMMIT: u32 = 2;
const SUPERBLOCK_V2: u32 = 4;
const REVOKE: u32 = 5;

const COMPAT_CHECKSUM: u32 = 0x1;
const INCOMPAT_64BIT: u32 = 0x2;
const INCOMPAT_CSUM_V2: u32 = 0x8;
const INCOMPAT_CSUM_V3: u32 = 0x10;
const INCOMPAT_FAST_COMMIT: u32 = 0x20;
/// Revocations, 64 bit, asynchronous commits, checksums, fast commits.
const INCOMPAT_KNOWN: u32 = 0x1 | 0x4 | INCOMPAT_64BIT | INCOMPAT_CSUM_V2 | INCOMPAT_CSUM_V3 | INCOMPAT_FAST_COMMIT;

const TAG_ESCAPED: u32 = 1;
const TAG_SAME_UUID: u32 = 2;
const TAG_LAST: u32 = 8;

fn be32(bytes: &[u8], at: usize) -> u32 {
    u32_at(bytes, at).swap_bytes()
}

const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

/// Applies the journal to what is read, where the superblock says that it holds changes.
pub(super) fn replay(blocks: &mut Blocks) -> Result<Journal, ReadError> {
    if blocks.superblock.compat & COMPAT_JOURNAL == 0 {
        return Ok(Journal::None);
    }
    if blocks.superblock.incompat & INCOMPAT_RECOVER == 0 {
        return Ok(Journal::Clean);
    }
    if blocks.superblock.journal_inode == 0 {
        let what = "an ext file system whose changes are in an external journal".to_owned();
        return Err(ReadError::Unsupported { offset: 1024, what });
    }
    let mut log = Log::open(blocks)?;
    if log.start == 0 {
        return Ok(Journal::Clean);
    }
    let complete = log.scan()?;
    let newest = log.newest_copies();
    let state = match (complete, log.transactions.is_empty()) {
        (false, _) => Journal::NotReplayed,
        (true, true) => Journal::Clean,
        (true, false) => Journal::Replayed,
    };
    blocks.replayed = newest;
    blocks.reload()?;
    Ok(state)
}

/// One committed transaction.
#[derive(Default)]
struct Transaction {
    sequence: u32,
    /// The block that is replaced, where its copy is, and whether that is escaped.
    copies: Vec<(u64, u64, bool)>,
    revoked: Vec<u64>,
    /// A copy does not have the checksum that its tag states.
    is_damaged: bool,
    /// The older checksum: inverted, over descriptors and copies in the order of the log.
    sum: u32,
}

struct Log<'b> {
    blocks: &'b Blocks,
    runs: Vec<Run>,
    compat: u32,
    incompat: u32,
    seed: u32,
    /// The log is the ring of the journal's blocks from `first` up to, not including, `last`.
    first: u64,
    last: u64,
    start: u64,
    sequence: u32,
    transactions: Vec<Transaction>,
}

impl<'b> Log<'b> {
    fn open(blocks: &'b Blocks) -> Result<Self, ReadError> {
        let inode = Inode::read(blocks, blocks.superblock.journal_inode)?;
        let runs = map::runs(blocks, &inode)?;
        let mut log = Self {
            blocks,
            runs,
            compat: 0,
            incompat: 0,
            seed: 0,
            first: 0,
            last: 0,
            start: 0,
            sequence: 0,
            transactions: Vec::new(),
        };
        let head = log.read(0)?;
        let kind = be32(&head, 4);
        if be32(&head, 0) != MAGIC || !(3..=SUPERBLOCK_V2).contains(&kind) {
            return Err(corrupt("the journal's superblock"));
        }
        if be32(&head, 0xc) != blocks.superblock.block_bytes {
            return Err(corrupt("the journal's block size"));
        }
        // Version 1 has no features.
        if kind == SUPERBLOCK_V2 {
            (log.compat, log.incompat) = (be32(&head, 0x24), be32(&head, 0x28));
        }
        if log.incompat & !INCOMPAT_KNOWN != 0 {
            let what = format!("a journal with features {:#x}", log.incompat & !INCOMPAT_KNOWN);
            return Err(ReadError::Unsupported { offset: 0, what });
        }
        log.seed = crc32c(!0, head.get(0x30..0x40).unwrap_or_default());
        if log.has_checksums() {
            let crc = crc32c(!0, head.get(..0xfc).unwrap_or_default());
            let crc = crc32c(crc32c(crc, &[0; 4]), head.get(0x100..0x400).unwrap_or_default());
            if head.get(0x50) != Some(&4) || crc != be32(&head, 0xfc) {
                return Err(corrupt("the checksum of the journal's superblock"));
            }
        }
        log.last = u64::from(be32(&head, 0x10));
        if log.incompat & INCOMPAT_FAST_COMMIT != 0 {
            let stated = u64::from(be32(&head, 0x54));
            log.last = log.last.saturating_sub(if stated == 0 { 256 } else { stated });
        }
        log.first = u64::from(be32(&head, 0x14));
        log.sequence = be32(&head, 0x18);
        log.start = u64::from(be32(&head, 0x1c));
        let is_ring = log.first >= 1 && log.first < log.last;
        if !is_ring || log.start != 0 && !(log.first..log.last).contains(&log.start) {
            return Err(corrupt("the extent of the journal's log"));
        }
        if log.last > limits::EXT_JOURNAL_BLOCKS {
            return Err(ReadError::Limit { offset: 0, what: "blocks of a journal" });
        }
        Ok(log)
    }

    fn has_checksums(&self) -> bool {
        self.incompat & (INCOMPAT_CSUM_V2 | INCOMPAT_CSUM_V3) != 0
    }

    /// Where a block of the journal stands on the disk.
    fn place(&self, index: u64) -> Result<u64, ReadError> {
        let at = self.runs.partition_point(|run| run.at + run.count <= index);
        let run = self.runs.get(at).filter(|run| run.at <= index).ok_or(corrupt("the journal has a hole"))?;
        Ok(run.block + (index - run.at))
    }

    fn read(&self, index: u64) -> Result<Vec<u8>, ReadError> {
        let mut block = vec![0; self.blocks.superblock.block_bytes as usize];
        self.blocks.read(self.place(index)?, &mut block)?;
        Ok(block)
    }

    /// Collects the committed transactions. False: changes were found that cannot be applied.
    fn scan(&mut self) -> Result<bool, ReadError> {
        let mut at = self.start;
        let mut left = self.last - self.first;
        let mut current = Transaction { sequence: self.sequence, ..Transaction::default() };
        loop {
            if left == 0 {
                return Ok(true);
            }
            let block = self.read(at)?;
            if be32(&block, 0) != MAGIC || be32(&block, 8) != current.sequence {
                break;
            }
            self.step(&mut at, &mut left);
            match be32(&block, 4) {
                // A descriptor or a revocation that is not whole belongs to a transaction that was not finished.
                DESCRIPTOR if !self.tail_holds(&block) => break,
                REVOKE if !self.tail_holds(&block) => break,
                DESCRIPTOR => {
                    self.add_to_sum(&block, &mut current);
                    if !self.read_copies(&block, &mut at, &mut left, &mut current)? {
                        break;
                    }
                }
                REVOKE => self.read_revoked(&block, &mut current)?,
                COMMIT => {
                    if current.is_damaged || !self.commit_holds(&block, !current.sum) {
                        return Ok(false);
                    }
                    let sequence = current.sequence.wrapping_add(1);
                    let next = Transaction { sequence, ..Transaction::default() };
                    self.transactions.push(std::mem::replace(&mut current, next));
                }
                _ => break,
            }
        }
        Ok(!self.has_fast_commits(current.sequence)?)
    }

    fn step(&self, at: &mut u64, left: &mut u64) {
        *left = left.saturating_sub(1);
        *at += 1;
        if *at >= self.last {
            *at = self.first;
        }
    }

    fn tail_holds(&self, block: &[u8]) -> bool {
        let Some(at) = block.len().checked_sub(4) else { return false };
        let crc = crc32c(self.seed, block.get(..at).unwrap_or_default());
        !self.has_checksums() || crc32c(crc, &[0; 4]) == be32(block, at)
    }

    fn commit_holds(&self, block: &[u8], sum: u32) -> bool {
        const CRC32: [u8; 2] = [1, 4];
        if self.compat & COMPAT_CHECKSUM != 0 {
            let kind = block.get(12..14).unwrap_or_default();
            return be32(block, 16) == if kind == [0, 0] { 0 } else { sum } && (kind == [0, 0] || kind == CRC32);
        }
        let crc = crc32c(self.seed, block.get(..16).unwrap_or_default());
        let crc = crc32c(crc32c(crc, &[0; 4]), block.get(20..).unwrap_or_default());
        !self.has_checksums() || crc == be32(block, 16)
    }

    /// Reads a descriptor's tags and steps over the copies behind it. False: the log ends within them.
    fn read_copies(
        &self,
        block: &[u8],
        at: &mut u64,
        left: &mut u64,
        transaction: &mut Transaction,
    ) -> Result<bool, ReadError> {
        let wide = self.incompat & INCOMPAT_64BIT != 0;
        let tag_bytes = match (self.incompat & INCOMPAT_CSUM_V3 != 0, self.incompat & INCOMPAT_CSUM_V2 != 0) {
            (true, _) => 16,
            (false, true) => {
                if wide {
                    14
                } else {
                    10
                }
            }
            (false, false) => {
                if wide {
                    12
                } else {
                    8
                }
            }
        };
        let end = block.len() - if self.has_checksums() { 4 } else { 0 };
        let mut place = 12;
        while place + tag_bytes <= end {
            let tag = block.get(place..place + tag_bytes).unwrap_or_default();
            let flags = if tag_bytes == 16 { be32(tag, 4) } else { u32::from(u16_at(tag, 6).swap_bytes()) };
            let high = if wide { be32(tag, 8) } else { 0 };
            if *left == 0 {
                return Ok(false);
            }
            let copy = self.place(*at)?;
            let content = self.read(*at)?;
            self.add_to_sum(&content, transaction);
            if !self.copy_holds(&content, tag, transaction.sequence) {
                transaction.is_damaged = true;
            }
            let replaced = u64::from(high) << 32 | u64::from(be32(tag, 0));
            transaction.copies.push((replaced, copy, flags & TAG_ESCAPED != 0));
            self.step(at, left);
            if flags & TAG_LAST != 0 {
                break;
            }
            place += tag_bytes + if flags & TAG_SAME_UUID == 0 { 16 } else { 0 };
        }
        Ok(true)
    }

    fn add_to_sum(&self, block: &[u8], transaction: &mut Transaction) {
        if self.compat & COMPAT_CHECKSUM != 0 {
            transaction.sum = !crc32_be(!transaction.sum, block);
        }
    }

    fn copy_holds(&self, content: &[u8], tag: &[u8], sequence: u32) -> bool {
        if !self.has_checksums() {
            return true;
        }
        let crc = crc32c(crc32c(self.seed, &sequence.to_be_bytes()), content);
        match tag.len() {
            16 => crc == be32(tag, 12),
            _ => crc & 0xffff == u32::from(u16_at(tag, 4).swap_bytes()),
        }
    }

    fn read_revoked(&self, block: &[u8], transaction: &mut Transaction) -> Result<(), ReadError> {
        let end = usize::try_from(be32(block, 12)).unwrap_or(usize::MAX);
        let wide = self.incompat & INCOMPAT_64BIT != 0;
        let records = block.get(16..end).ok_or(corrupt("a revocation in the journal"))?;
        for record in records.chunks_exact(if wide { 8 } else { 4 }) {
            let number = if wide {
                u64::from(be32(record, 0)) << 32 | u64::from(be32(record, 4))
            } else {
                u64::from(be32(record, 0))
            };
            transaction.revoked.push(number);
        }
        Ok(())
    }

    /// The area of fast commits begins with a head that belongs to the transaction that would come next.
    fn has_fast_commits(&self, sequence: u32) -> Result<bool, ReadError> {
        const HEAD: u16 = 9;
        if self.incompat & INCOMPAT_FAST_COMMIT == 0 {
            return Ok(false);
        }
        for index in [self.last, self.last + 1] {
            let block = self.read(index)?;
            if u16_at(&block, 0) == HEAD && u32_at(&block, 8) == sequence {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The last copy of each block that no later transaction revoked.
    fn newest_copies(&self) -> HashMap<u64, (u64, bool)> {
        let mut newest = HashMap::new();
        for transaction in &self.transactions {
            for (block, copy, escaped) in &transaction.copies {
                newest.insert(*block, (*copy, *escaped));
            }
            for block in &transaction.revoked {
                newest.remove(block);
            }
        }
        newest
    }
}
