//! The write-ahead log of a database (`-wal`), brought into a copy of it.
//!
//! Source: <https://www.sqlite.org/fileformat2.html#walformat>, and "The Checkpoint Algorithm" there: of each page the last
//! frame up to the last commit, and the database as long as that commit says. Each frame has a checksum over all before it.
//! What was not committed at the end is no part of the database. A log begins again from its front without being cut: behind
//! its last frame there may be older ones, with other salts.
//!
//! SQLite takes the first frame that is not right for the end, whatever it is. Here a frame with the log's own salt that
//! is not right is said. Power that was lost while it was written leaves one, and so does a transaction that was not
//! committed (its frames may be written over, and their checksums are set right when it is): the database is as at the commit
//! before. Where a further commit of the log stands behind it, something is missing in between, and the database is not told. Nor is it by a log
//! without a right header, or with pages of another size. A log of another database whose pages are as long looks right by itself.
//!
//! **Invariant:** the database is as at the last commit that can be read, or the log is refused.

use std::os::unix::fs::FileExt as _;

use super::super::spool::Spool;
use super::{long, page_size};
use crate::limits;
use crate::read_error::ReadError;

const HEADER_BYTES: u64 = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// The lowest bit says whether checksums read words of high or of low bytes first.
const MAGIC: u32 = 0x377f_0682;
const VERSION: u32 = 3_007_000;

struct Log<'l> {
    spool: &'l Spool,
    page: usize,
    high_first: bool,
    salts: [u8; 8],
    seed: (u32, u32),
    frames: u64,
}

/// A frame.
struct Frame {
    bytes: Vec<u8>,
}

fn corrupt(offset: u64, what: &'static str) -> ReadError {
    ReadError::Corrupt { offset, what }
}

/// Brings the log into the database. What is wrong at the log's end is given back: the database is as at the commit before.
pub(super) fn apply(database: &mut Spool, log: &Spool) -> Result<Option<ReadError>, ReadError> {
    if log.length == 0 {
        return Ok(None);
    }
    let log = Log::open(log)?;
    if page_size(&database.file)?.is_some_and(|size| size != log.page) {
        return Err(corrupt(8, "a write-ahead log with pages of another size than the database's"));
    }
    let (right, commit) = log.committed()?;
    let torn = log.behind(right)?;
    let Some((frames, pages)) = commit else { return Ok(torn) };
    let page = log.page as u64;
    let mut most = database.length.div_ceil(page);
    for number in 0..frames {
        let frame = log.frame(number)?;
        let at = u64::from(frame.page_number()).saturating_sub(1).saturating_mul(page);
        if at.saturating_add(page) > limits::SQLITE_BYTES {
            return Err(ReadError::Limit { offset: log.offset(number), what: "bytes of one SQLite database" });
        }
        most = most.max(u64::from(frame.page_number()));
        let content = frame.bytes.get(FRAME_HEADER_BYTES..).unwrap_or_default();
        database.file.write_all_at(content, at).map_err(|error| ReadError::io(at, error))?;
    }
    if u64::from(pages) > most {
        return Err(corrupt(log.offset(frames), "a write-ahead log that says of pages which are nowhere"));
    }
    database.length = u64::from(pages).saturating_mul(page);
    database.file.set_len(database.length).map_err(|error| ReadError::io(0, error))?;
    Ok(torn)
}

impl<'l> Log<'l> {
    fn open(spool: &'l Spool) -> Result<Self, ReadError> {
        let mut head = [0; HEADER_BYTES as usize];
        if spool.length < HEADER_BYTES {
            return Err(corrupt(spool.length, "a write-ahead log that ends in its header"));
        }
        spool.file.read_exact_at(&mut head, 0).map_err(|error| ReadError::io(0, error))?;
        let word = |at: usize| long(&head, at).unwrap_or_default();
        let size = word(8);
        let is_size = size.is_power_of_two() && (512..=65_536).contains(&size);
        if word(0) & !1 != MAGIC || word(4) != VERSION || !is_size {
            return Err(corrupt(0, "the header of a write-ahead log"));
        }
        let high_first = word(0) & 1 == 1;
        let seed = checksum((0, 0), head.get(..24).unwrap_or_default(), high_first);
        if seed != (word(24), word(28)) {
            return Err(corrupt(24, "the checksum of a write-ahead log's header"));
        }
        let (page, mut salts) = (size as usize, [0; 8]);
        salts.copy_from_slice(head.get(16..24).unwrap_or(&[0; 8]));
        let frames = (spool.length - HEADER_BYTES) / (FRAME_HEADER_BYTES + page) as u64;
        Ok(Self { spool, page, high_first, salts, seed, frames })
    }

    fn offset(&self, number: u64) -> u64 {
        HEADER_BYTES + number * (FRAME_HEADER_BYTES + self.page) as u64
    }

    fn frame(&self, number: u64) -> Result<Frame, ReadError> {
        let (mut bytes, at) = (vec![0; FRAME_HEADER_BYTES + self.page], self.offset(number));
        self.spool.file.read_exact_at(&mut bytes, at).map_err(|error| ReadError::io(at, error))?;
        Ok(Frame { bytes })
    }

    /// How many frames are right from the front, and of these how many are committed, with the pages of the database then.
    fn committed(&self) -> Result<(u64, Option<(u64, u32)>), ReadError> {
        let (mut sum, mut commit) = (self.seed, None);
        for number in 0..self.frames {
            let frame = self.frame(number)?;
            let is_right = frame.salts() == self.salts && frame.page_number() != 0;
            sum = frame.sum(sum, self.high_first);
            if !is_right || sum != frame.stated() {
                return Ok((number, commit));
            }
            if frame.pages() != 0 {
                commit = Some((number + 1, frame.pages()));
            }
        }
        Ok((self.frames, commit))
    }

    /// What is wrong behind the last right frame, if anything is.
    fn behind(&self, right: u64) -> Result<Option<ReadError>, ReadError> {
        let mut own = false;
        for number in right..self.frames {
            let frame = self.frame(number)?;
            let of_this = frame.salts() == self.salts;
            if of_this && number > right && frame.pages() != 0 {
                return Err(corrupt(self.offset(right), "a frame of a write-ahead log that goes on behind it"));
            }
            own |= of_this || self.is_nearly_of_this(&frame);
        }
        let is_cut = self.offset(self.frames) < self.spool.length;
        let torn = corrupt(self.offset(right), "the end of a write-ahead log: what was committed last may be missing");
        Ok((own || is_cut).then_some(torn))
    }

    /// One half of its salt is the log's own: an older log has two others.
    fn is_nearly_of_this(&self, frame: &Frame) -> bool {
        let salts = frame.salts();
        salts.get(..4) == self.salts.get(..4) || salts.get(4..) == self.salts.get(4..)
    }
}

impl Frame {
    fn word(&self, at: usize) -> u32 {
        long(&self.bytes, at).unwrap_or_default()
    }

    fn page_number(&self) -> u32 {
        self.word(0)
    }

    /// The pages of the database where it is the last of a commit; else 0.
    fn pages(&self) -> u32 {
        self.word(4)
    }

    fn salts(&self) -> [u8; 8] {
        self.bytes.get(8..16).and_then(|salts| salts.try_into().ok()).unwrap_or_default()
    }

    fn stated(&self) -> (u32, u32) {
        (self.word(16), self.word(20))
    }

    /// The checksum of it and of all before it, which have `before`.
    fn sum(&self, before: (u32, u32), high_first: bool) -> (u32, u32) {
        let head = checksum(before, self.bytes.get(..8).unwrap_or_default(), high_first);
        checksum(head, self.bytes.get(FRAME_HEADER_BYTES..).unwrap_or_default(), high_first)
    }
}

fn checksum((mut first, mut second): (u32, u32), bytes: &[u8], high_first: bool) -> (u32, u32) {
    let word = |bytes: &[u8]| {
        let bytes = bytes.try_into().unwrap_or_default();
        if high_first { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    for pair in bytes.chunks_exact(8) {
        let (one, other) = pair.split_at(4);
        first = first.wrapping_add(word(one)).wrapping_add(second);
        second = second.wrapping_add(word(other)).wrapping_add(first);
    }
    (first, second)
}
