//! The log as the server left it: a ring of records, its head and its tail.
//!
//! Each sector of the log carries the number of the round in which it was written (the cycle); the head is where that
//! number falls. The last record in front of the head says where the tail is: the oldest change that may not yet stand in
//! its place. The rules are those of the kernel's `fs/xfs/xfs_log_recover.c`; the records are described in the XFS
//! Algorithms and Data Structures document (Journaling Log).
//!
//! A server that stopped may have torn the last records that it was writing. As in the kernel, a record among the last
//! eight that is not whole ends the log; one further back makes the log unreadable.
//!
//! **Invariant:** nothing in front of the tail or behind the head is used, and no record whose checksum is wrong.

use std::sync::Arc;

use super::device::SECTOR_BYTES;
use super::superblock::{Superblock, be32, be64, le32};
use crate::filesystem::ext::checksum::crc32c;
use crate::image::Image;
use crate::read_error::ReadError;

/// What the head of a record begins with; other sectors begin with their cycle.
const MAGIC: u32 = 0xfeed_babe;
/// The longest content of a record, in sectors (256 KiB).
const LONGEST: u64 = 512;
/// How many sectors one sector of a record's head keeps the first words of.
const WORDS: u64 = 64;
/// The longest record with its heads, in sectors.
const LONGEST_RECORD: u64 = LONGEST + LONGEST / WORDS;
/// How many records may be under way at once, and so be torn.
const UNDER_WAY: usize = 8;
/// The writer was a little-endian machine with Linux.
const FORMAT_LITTLE_ENDIAN: u32 = 1;
/// The flag of the only operation of the record that a clean end leaves.
const UNMOUNTED: u8 = 0x20;

const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

/// What the log holds.
pub(super) enum State {
    /// Nothing that the file system lacks.
    Clean,
    /// Changes, in the records from the first sector up to the second.
    Dirty(u64, u64),
}

/// A record whose checksum holds.
pub(super) struct Record {
    /// Its cycle and its sector: what changes are ordered by.
    pub(super) sequence: u64,
    pub(super) operations: u32,
    pub(super) content: Vec<u8>,
    /// The sector behind it.
    pub(super) next: u64,
}

/// What the head of a record says.
struct Head {
    sequence: u64,
    tail: u64,
    operations: u32,
    checksum: u32,
    format: u32,
    /// Bytes of content.
    length: u32,
    /// Sectors of heads.
    heads: u64,
    is_ours: bool,
    sector: [u8; SECTOR_BYTES],
}

impl Head {
    fn sectors(&self) -> u64 {
        self.heads + u64::from(self.length).div_ceil(SECTOR_BYTES as u64)
    }
}

/// The internal log, in sectors.
pub(super) struct Log {
    image: Arc<dyn Image>,
    start: u64,
    sectors: u64,
    uuid: [u8; 16],
    has_checksums: bool,
}

impl Log {
    /// Where the superblock says.
    pub(super) fn new(image: Arc<dyn Image>, superblock: &Superblock) -> Result<Self, ReadError> {
        let start = superblock.place(superblock.log_start, u64::from(superblock.log_blocks));
        let start = start.ok_or(corrupt("the place of the log"))?;
        let sectors = (u64::from(superblock.log_blocks) << superblock.block_log) / SECTOR_BYTES as u64;
        Ok(Self { image, start, sectors, uuid: superblock.uuid, has_checksums: superblock.has_checksums })
    }

    /// Finds the head and the tail.
    pub(super) fn state(&self) -> Result<State, ReadError> {
        let Some(mut head) = self.head()? else { return Ok(State::Clean) };
        for _ in 0..2 {
            let (at, last) = self.last_before(head)?;
            let end = self.wrap(at + last.sectors());
            if end == head && last.operations == 1 && self.is_unmounted(at, &last)? {
                return Ok(State::Clean);
            }
            let tail = last.tail & 0xffff_ffff;
            if tail >= self.sectors {
                return Err(corrupt("the tail of the log"));
            }
            match self.first_torn(head, tail)? {
                None => return Ok(State::Dirty(tail, head)),
                Some(torn) => head = torn,
            }
        }
        Err(corrupt("a record of the log"))
    }

    fn wrap(&self, at: u64) -> u64 {
        at % self.sectors
    }

    /// Sectors from one to another, around the ring.
    pub(super) fn distance(&self, from: u64, to: u64) -> u64 {
        (to + self.sectors - from) % self.sectors
    }

    fn read(&self, at: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        // What reaches past the end of the ring goes on at its beginning.
        let left = usize::try_from((self.sectors - at).saturating_mul(SECTOR_BYTES as u64)).unwrap_or(usize::MAX);
        let (first, second) = buffer.split_at_mut(left.min(buffer.len()));
        self.image.read_at(self.start + at * SECTOR_BYTES as u64, first)?;
        if second.is_empty() { Ok(()) } else { self.image.read_at(self.start, second) }
    }

    fn sector(&self, at: u64) -> Result<[u8; SECTOR_BYTES], ReadError> {
        let mut sector = [0; SECTOR_BYTES];
        self.read(self.wrap(at), &mut sector)?;
        Ok(sector)
    }

    /// The round in which a sector was written.
    fn cycle(&self, at: u64) -> Result<u32, ReadError> {
        let sector = self.sector(at)?;
        Ok(if be32(&sector, 0) == MAGIC { be32(&sector, 4) } else { be32(&sector, 0) })
    }

    /// The first sector of a round, where `first` is not of it and `last` is.
    fn cycle_start(&self, mut first: u64, mut last: u64, cycle: u32) -> Result<u64, ReadError> {
        while last - first > 1 {
            let middle = first + (last - first) / 2;
            if self.cycle(middle)? == cycle {
                last = middle;
            } else {
                first = middle;
            }
        }
        Ok(last)
    }

    /// The first of these sectors that is of a round.
    fn find_cycle(&self, from: u64, to: u64, cycle: u32) -> Result<Option<u64>, ReadError> {
        for at in from..to {
            if self.cycle(at)? == cycle {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// The sector that would be written next; none where the log was never written.
    fn head(&self) -> Result<Option<u64>, ReadError> {
        let scan = self.sectors.min(UNDER_WAY as u64 * LONGEST);
        let (first, last) = (self.cycle(0)?, self.cycle(self.sectors - 1)?);
        let head = if first == 0 {
            return Ok(None);
        } else if last == 0 {
            // The first round: behind the head is nothing but zeros.
            let head = self.cycle_start(0, self.sectors - 1, 0)?;
            self.find_cycle(head.saturating_sub(scan), head, 0)?.unwrap_or(head)
        } else {
            let (head, older) = match first == last {
                true => (self.sectors, last.wrapping_sub(1)),
                false => (self.cycle_start(0, self.sectors - 1, last)?, last),
            };
            self.without_gaps(head, older, scan)?
        };
        let head = self.without_partial(head)?;
        Ok(Some(if head == self.sectors { 0 } else { head }))
    }

    /// Records are written side by side: in front of the head there may be a gap that still is of the older round.
    fn without_gaps(&self, head: u64, older: u32, scan: u64) -> Result<u64, ReadError> {
        if head >= scan {
            return Ok(self.find_cycle(head - scan, head, older)?.unwrap_or(head));
        }
        let from = self.sectors - (scan - head);
        if let Some(gap) = self.find_cycle(from, self.sectors, older.wrapping_sub(1))? {
            return Ok(gap);
        }
        Ok(self.find_cycle(0, head, older)?.unwrap_or(head))
    }

    /// A record that was not written to its end does not count.
    fn without_partial(&self, head: u64) -> Result<u64, ReadError> {
        for back in 1..=LONGEST_RECORD.min(self.sectors) {
            let at = self.wrap(head + self.sectors - back);
            if let Some(last) = self.head_at(at)? {
                return Ok(if last.sectors() == back { head } else { at });
            }
        }
        Err(corrupt("the log has no record in front of its head"))
    }

    /// The last record that begins in front of a sector.
    fn last_before(&self, before: u64) -> Result<(u64, Head), ReadError> {
        for back in 1..=(2 * LONGEST_RECORD).min(self.sectors) {
            let at = self.wrap(before + self.sectors - back);
            if let Some(head) = self.head_at(at)? {
                return Ok((at, head));
            }
        }
        Err(corrupt("the log has no record in front of its head"))
    }

    /// The head of a record, where one stands.
    fn head_at(&self, at: u64) -> Result<Option<Head>, ReadError> {
        let sector = self.sector(at)?;
        if be32(&sector, 0) != MAGIC {
            return Ok(None);
        }
        let (length, size) = (be32(&sector, 12), be32(&sector, 320));
        if u64::from(length) > LONGEST * SECTOR_BYTES as u64 || u64::from(size) > LONGEST * SECTOR_BYTES as u64 {
            return Err(corrupt("the length of a record of the log"));
        }
        let is_version_2 = be32(&sector, 8) & 2 != 0;
        let head_bytes = u32::try_from(WORDS * SECTOR_BYTES as u64).unwrap_or(u32::MAX);
        let uuid = sector.get(304..320).unwrap_or_default();
        Ok(Some(Head {
            sequence: be64(&sector, 16),
            tail: be64(&sector, 24),
            operations: be32(&sector, 40),
            checksum: le32(&sector, 32),
            format: be32(&sector, 300),
            length,
            heads: if is_version_2 { u64::from(size.div_ceil(head_bytes)).max(1) } else { 1 },
            is_ours: uuid == self.uuid || uuid == [0; 16],
            sector,
        }))
    }

    fn is_unmounted(&self, at: u64, head: &Head) -> Result<bool, ReadError> {
        let content = self.sector(at + head.heads)?;
        Ok(content.get(9).is_some_and(|flags| flags & UNMOUNTED != 0))
    }

    /// Among the last records in front of `head`, and not in front of `tail`: the first that is not whole.
    fn first_torn(&self, head: u64, tail: u64) -> Result<Option<u64>, ReadError> {
        let mut first = head;
        for _ in 0..UNDER_WAY {
            if first == tail {
                break;
            }
            let (at, _) = self.last_before(first)?;
            if self.distance(at, head) > self.distance(tail, head) {
                break;
            }
            first = at;
        }
        let mut at = first;
        while at != head {
            match self.record(at, head) {
                Ok(record) => at = record.next,
                Err(ReadError::Corrupt { .. }) => return Ok(Some(at)),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The record at a sector, which must end at `head` or in front of it.
    pub(super) fn record(&self, at: u64, head: u64) -> Result<Record, ReadError> {
        let found = self.head_at(at)?.ok_or(corrupt("the log has no record where one must be"))?;
        let left = match self.distance(at, head) {
            0 => self.sectors,
            left => left,
        };
        if found.sectors() > left || !found.is_ours {
            return Err(corrupt("a record of the log"));
        }
        if found.format != FORMAT_LITTLE_ENDIAN {
            let what = "an XFS log of a machine of another kind".to_owned();
            return Err(ReadError::Unsupported { offset: 0, what });
        }
        let mut bytes = vec![0; usize::try_from(found.sectors()).unwrap_or(0) * SECTOR_BYTES];
        self.read(at, &mut bytes)?;
        let (heads, content) = bytes.split_at_mut(usize::try_from(found.heads).unwrap_or(0) * SECTOR_BYTES);
        self.check(&found, heads, content)?;
        // The first word of each sector was replaced by the cycle, and stands in the heads.
        for (index, sector) in content.as_chunks_mut::<SECTOR_BYTES>().0.iter_mut().enumerate() {
            let (head, word) = (index / WORDS as usize, index % WORDS as usize);
            let base = head * SECTOR_BYTES + if head == 0 { 44 } else { 4 };
            let original = heads.get(base + word * 4..base + word * 4 + 4);
            let original = original.ok_or(corrupt("a record of the log has too few heads"))?;
            if let Some(place) = sector.get_mut(..4) {
                place.copy_from_slice(original);
            }
        }
        let mut content = content.to_vec();
        content.truncate(usize::try_from(found.length).unwrap_or(0));
        let next = self.wrap(at + found.sectors());
        Ok(Record { sequence: found.sequence, operations: found.operations, content, next })
    }

    /// The checksum of a record: its head of 328 bytes (324 from 32-bit machines), the further heads that its content needs,
    /// and the content as it stands. mkfs writes none.
    fn check(&self, head: &Head, heads: &[u8], content: &[u8]) -> Result<(), ReadError> {
        if head.checksum == 0 && (head.operations == 1 || !self.has_checksums) {
            return Ok(());
        }
        let length = usize::try_from(head.length).unwrap_or(0);
        let needed = content.len().div_ceil(SECTOR_BYTES).div_ceil(WORDS as usize);
        let sum = |head_bytes: usize| {
            let crc = crc32c(!0, head.sector.get(..32).unwrap_or_default());
            let mut crc = crc32c(crc32c(crc, &[0; 4]), head.sector.get(36..head_bytes).unwrap_or_default());
            for further in heads.as_chunks::<SECTOR_BYTES>().0.iter().take(needed).skip(1) {
                crc = crc32c(crc, further.get(..260).unwrap_or_default());
            }
            !crc32c(crc, content.get(..length).unwrap_or_default())
        };
        if sum(328) == head.checksum || sum(324) == head.checksum {
            return Ok(());
        }
        Err(corrupt("the checksum of a record of the log"))
    }
}
