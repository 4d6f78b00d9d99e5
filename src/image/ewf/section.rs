//! The sections of an E01 segment: what the disk is, where its chunks are, and which hash it had.
//!
//! A segment is a header of 13 bytes and sections, each with a descriptor of 76 bytes that says where the next one is. The
//! last segment ends in `done`, every other one in `next`.
//!
//! **Invariant:** nothing is taken from a section whose checksum is wrong; the segments are those of one image, in order,
//! and none is missing.

use super::adler;
use crate::image::{StoredFile, unsupported};
use crate::limits;
use crate::read_error::ReadError;

/// How every segment begins.
pub const MARK: &[u8] = b"EVF\x09\x0d\x0a\xff\0";
const HEADER_BYTES: u64 = 13;
const DESCRIPTOR_BYTES: u64 = 76;
/// Set in a table's entry whose chunk is compressed.
const COMPRESSED: u32 = 1 << 31;

/// What the disk is.
#[derive(Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its size.
    pub size_bytes: u64,
    /// What is compressed at once.
    pub chunk_bytes: u64,
    /// One sector.
    pub sector_bytes: u64,
}

/// Where chunks are.
pub struct Table {
    /// The number of its first chunk in the image.
    pub first: u64,
    segment: usize,
    base: u64,
    /// Where the last chunk ends.
    end: u64,
    entries: Vec<u32>,
}

/// Where one chunk is.
pub struct Place {
    /// Which segment, from 0.
    pub segment: usize,
    /// Where in it.
    pub offset: u64,
    /// How many bytes.
    pub length: u64,
    /// It is a zlib stream.
    pub is_compressed: bool,
}

impl Table {
    /// How many it places.
    pub fn chunks(&self) -> u64 {
        u64::try_from(self.entries.len()).unwrap_or(0)
    }

    /// Where the chunk of this number in the image is.
    pub fn place(&self, number: u64) -> Option<Place> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let entry = *self.entries.get(index)?;
        let offset = |entry: u32| self.base.checked_add(u64::from(entry & !COMPRESSED));
        let end = match self.entries.get(index + 1) {
            Some(next) => offset(*next)?,
            None => self.end,
        };
        let offset = offset(entry)?;
        let length = end.checked_sub(offset)?;
        Some(Place { segment: self.segment, offset, length, is_compressed: entry & COMPRESSED != 0 })
    }
}

/// What the sections held.
#[derive(Default)]
pub struct Found {
    /// Of the first segment.
    pub volume: Option<Volume>,
    /// In the order of the chunks.
    pub tables: Vec<Table>,
    /// First sector and number of those that were not read from the disk.
    pub lost: Vec<(u64, u64)>,
    /// The disk's MD5.
    pub md5: Option<[u8; 16]>,
    /// The disk's SHA-1.
    pub sha1: Option<[u8; 20]>,
    chunks: u64,
}

/// Numbers in Intel order at an offset.
struct Fields<'b>(&'b [u8]);

impl Fields<'_> {
    fn word(&self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    fn long(&self, at: usize) -> Option<u64> {
        self.array(at).map(u64::from_le_bytes)
    }

    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    /// The four bytes at `at` are the checksum of those from `from` to there.
    fn is_sum(&self, from: usize, at: usize) -> bool {
        self.0.get(from..at).is_some_and(|bytes| self.word(at) == Some(adler(bytes)))
    }
}

struct Section {
    kind: Vec<u8>,
    /// Where its content is, and how long it is.
    offset: u64,
    length: u64,
}

/// Reads the sections of segment `number`, from 0.
pub fn read(file: &StoredFile, number: usize, is_last: bool, found: &mut Found) -> Result<(), ReadError> {
    let corrupt = |offset| ReadError::Corrupt { offset, what: "a section of the E01 image" };
    let header = file.read_up_to(0, 13)?;
    let own = Fields(&header).array::<2>(9).map(u16::from_le_bytes).ok_or_else(|| corrupt(0))?;
    if !header.starts_with(MARK) || usize::from(own) != number + 1 {
        return Err(unsupported(&format!("an E01 image whose segment {} is another one", number + 1)));
    }
    let mut at = HEADER_BYTES;
    let mut sectors_end = None;
    for _ in 0..limits::EWF_SECTIONS {
        let descriptor = file.read_up_to(at, 76)?;
        let fields = Fields(&descriptor);
        let (Some(next), Some(size), true) = (fields.long(16), fields.long(24), fields.is_sum(0, 72)) else {
            return Err(corrupt(at));
        };
        let kind = descriptor.get(..16).unwrap_or_default().split(|byte| *byte == 0).next().unwrap_or_default();
        match (kind, is_last) {
            (b"done", true) | (b"next", false) => return Ok(()),
            (b"done", false) => return Err(unsupported("an E01 image with segments behind its last one")),
            (b"next", true) => return Err(unsupported(&format!("an E01 image without its segment {}", number + 2))),
            _ => {}
        }
        let length = size.checked_sub(DESCRIPTOR_BYTES).ok_or_else(|| corrupt(at))?;
        let end = at.checked_add(size).filter(|end| *end <= file.size_bytes()).ok_or_else(|| corrupt(at))?;
        let section = Section { kind: kind.to_vec(), offset: at.saturating_add(DESCRIPTOR_BYTES), length };
        if section.kind == b"sectors" {
            sectors_end = Some(end);
        }
        found.take(file, number, &section, sectors_end)?;
        if next <= at {
            return Err(corrupt(at));
        }
        at = next;
    }
    Err(ReadError::Limit { offset: at, what: "sections of an E01 segment" })
}

impl Found {
    fn take(
        &mut self,
        file: &StoredFile,
        number: usize,
        section: &Section,
        sectors_end: Option<u64>,
    ) -> Result<(), ReadError> {
        let corrupt = || ReadError::Corrupt { offset: section.offset, what: "a section of the E01 image" };
        match section.kind.as_slice() {
            b"volume" | b"disk" | b"data" => {
                let volume = volume(&file.read_up_to(section.offset, 1052)?, section.length).ok_or_else(corrupt)?;
                match &self.volume {
                    Some(first) if *first != volume => return Err(corrupt()),
                    Some(_) => {}
                    None => self.volume = Some(volume),
                }
            }
            b"table" => {
                let end = sectors_end.ok_or_else(corrupt)?;
                let table = self.table(file, number, section, end)?;
                self.chunks = self.chunks.saturating_add(table.chunks());
                self.tables.push(table);
            }
            b"hash" => {
                let bytes = file.read_up_to(section.offset, 36)?;
                let fields = Fields(&bytes);
                let md5 = fields.array(0).filter(|_| fields.is_sum(0, 32)).ok_or_else(corrupt)?;
                if self.md5.is_some_and(|other| other != md5) {
                    return Err(corrupt());
                }
                self.md5 = Some(md5);
            }
            b"digest" => {
                let bytes = file.read_up_to(section.offset, 80)?;
                let fields = Fields(&bytes);
                let (Some(md5), Some(sha1), true) = (fields.array(0), fields.array(16), fields.is_sum(0, 76)) else {
                    return Err(corrupt());
                };
                if self.md5.is_some_and(|other| other != md5) {
                    return Err(corrupt());
                }
                // A hash that was not taken is zeros.
                self.md5 = self.md5.or((md5 != [0; 16]).then_some(md5));
                self.sha1 = (sha1 != [0; 20]).then_some(sha1);
            }
            b"error2" => self.lost.extend(lost(file, section)?),
            b"header" | b"header2" | b"xheader" | b"sectors" | b"table2" | b"session" | b"xhash" => {}
            b"ltree" | b"ltypes" => return Err(unsupported("a logical EWF image (L01)")),
            _ => return Err(unsupported("an E01 image with a section of an unknown kind")),
        }
        Ok(())
    }

    fn table(&self, file: &StoredFile, segment: usize, section: &Section, end: u64) -> Result<Table, ReadError> {
        let corrupt = || ReadError::Corrupt { offset: section.offset, what: "a table of the E01 image" };
        let head = file.read_up_to(section.offset, 24)?;
        let fields = Fields(&head);
        let (Some(count), Some(base), true) = (fields.word(0), fields.long(8), fields.is_sum(0, 20)) else {
            return Err(corrupt());
        };
        let count = u64::from(count);
        if self.chunks.saturating_add(count) > limits::EWF_CHUNKS {
            return Err(ReadError::Limit { offset: section.offset, what: "chunks of an E01 image" });
        }
        // Entries and their checksum lie within the section, and so within the file.
        let length = count.saturating_mul(4);
        if length.saturating_add(28) > section.length {
            return Err(corrupt());
        }
        let mut bytes = vec![0; usize::try_from(length + 4).map_err(|_| corrupt())?];
        file.read_at(section.offset.saturating_add(24), &mut bytes)?;
        let (entries, sum) = bytes.split_last_chunk::<4>().ok_or_else(corrupt)?;
        if adler(entries) != u32::from_le_bytes(*sum) {
            return Err(corrupt());
        }
        let entries = entries.as_chunks::<4>().0.iter().map(|entry| u32::from_le_bytes(*entry)).collect();
        Ok(Table { first: self.chunks, segment, base, end, entries })
    }
}

fn volume(bytes: &[u8], length: u64) -> Option<Volume> {
    let fields = Fields(bytes);
    let (sectors_per_chunk, sector, sectors) = (fields.word(8)?, fields.word(12)?, fields.long(16)?);
    let (sector_bytes, per_chunk) = (u64::from(sector), u64::from(sectors_per_chunk));
    let chunk_bytes = sector_bytes.checked_mul(per_chunk)?;
    let is_plain = length == 1052 && fields.is_sum(0, 1048) && (1..=limits::EWF_CHUNK_BYTES).contains(&chunk_bytes);
    let size_bytes = sectors.checked_mul(sector_bytes).filter(|size| i64::try_from(*size).is_ok())?;
    is_plain.then_some(Volume { size_bytes, chunk_bytes, sector_bytes })
}

/// The sectors that could not be read from the disk.
fn lost(file: &StoredFile, section: &Section) -> Result<Vec<(u64, u64)>, ReadError> {
    let corrupt = || ReadError::Corrupt { offset: section.offset, what: "the E01 image's list of read errors" };
    let head = file.read_up_to(section.offset, 520)?;
    let fields = Fields(&head);
    let (Some(count), true) = (fields.word(0), fields.is_sum(0, 516)) else { return Err(corrupt()) };
    let length = u64::from(count).saturating_mul(8);
    if u64::from(count) > limits::EWF_LOST_RUNS || length.saturating_add(524) > section.length {
        return Err(corrupt());
    }
    let mut bytes = vec![0; usize::try_from(length + 4).map_err(|_| corrupt())?];
    file.read_at(section.offset.saturating_add(520), &mut bytes)?;
    let (entries, sum) = bytes.split_last_chunk::<4>().ok_or_else(corrupt)?;
    if adler(entries) != u32::from_le_bytes(*sum) {
        return Err(corrupt());
    }
    let entry = |entry: &[u8; 8]| {
        let fields = Fields(entry);
        Some((u64::from(fields.word(0)?), u64::from(fields.word(4)?)))
    };
    entries.as_chunks::<8>().0.iter().map(entry).collect::<Option<Vec<_>>>().ok_or_else(corrupt)
}
