//! Sparse extents of a VMDK image: grains, found by a directory of tables.
//!
//! There are two headers, that of hosted products (`KDMV`) and that of ESX (`COWD`); the tables are the same.
//!
//! **Invariant:** a grain is read from within the stored file, or is an error; a grain that was never written is the
//! parent's, or zeros.

use std::sync::Arc;

use crate::image::{Image, StoredFile, backing, unsupported};
use crate::limits;
use crate::read_error::ReadError;

const HOSTED: &[u8] = b"KDMV";
const ESX: &[u8] = b"COWD";
/// What stands in a hosted header so that a transfer that changes line ends is seen.
const LINE_ENDS: &[u8] = b"\n \r\n";
/// Flags of a hosted header: an entry of 1 is a grain of zeros; grains are compressed.
const ZEROED: u32 = 1 << 2;
const COMPRESSED: u32 = 1 << 16;

/// These are the first bytes of a sparse extent.
pub fn is_sparse(head: &[u8]) -> bool {
    head.starts_with(HOSTED) || head.starts_with(ESX)
}

/// What is needed of the header.
pub struct Header {
    /// Of the extent, as the guest sees it.
    pub size_bytes: u64,
    /// Its grains are compressed.
    pub is_compressed: bool,
    grain_bytes: u64,
    /// Entries of one table.
    entries: u64,
    directory: u64,
    has_zeroed: bool,
}

impl Header {
    /// Reads it.
    pub fn read(stored: &StoredFile) -> Result<Self, ReadError> {
        let head = stored.read_up_to(0, 512)?;
        let corrupt = || ReadError::Corrupt { offset: 0, what: "the header of a VMDK extent" };
        let word = |at: usize| head.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
        let long = |at: usize| head.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes);
        let header = if head.starts_with(HOSTED) {
            let flags = word(8).ok_or_else(corrupt)?;
            if head.get(73..77) != Some(LINE_ENDS) {
                return Err(corrupt());
            }
            let directory = long(56).ok_or_else(corrupt)?;
            (long(12), long(20), word(44).map(u64::from), Some(directory), flags)
        } else if head.starts_with(ESX) {
            let wide = |at: usize| word(at).map(u64::from);
            (wide(12), wide(16), Some(4_096), wide(20), 0)
        } else {
            return Err(unsupported("a VMDK extent that is not the sparse one that its descriptor says"));
        };
        let (Some(sectors), Some(grain), Some(entries), Some(directory), flags) = header else {
            return Err(corrupt());
        };
        let bytes =
            |sectors: u64| sectors.checked_mul(limits::SECTOR_BYTES).filter(|size| i64::try_from(*size).is_ok());
        // A compressed one's directory may stand at the end.
        let is_compressed = flags & COMPRESSED != 0 || directory == u64::MAX;
        let directory = if is_compressed { 0 } else { bytes(directory).ok_or_else(corrupt)? };
        let size_bytes = bytes(sectors).ok_or_else(corrupt)?;
        let grain_bytes = bytes(grain).ok_or_else(corrupt)?;
        let is_sane = (1..=limits::VMDK_GRAIN_BYTES).contains(&grain_bytes)
            && (1..=limits::VMDK_TABLE_ENTRIES).contains(&entries);
        if !is_sane {
            return Err(corrupt());
        }
        let has_zeroed = flags & ZEROED != 0;
        Ok(Self { size_bytes, is_compressed, grain_bytes, entries, directory, has_zeroed })
    }
}

/// A sparse extent, open.
pub struct Sparse {
    stored: Arc<StoredFile>,
    header: Header,
    /// Where each table is, in sectors; 0: it has none.
    directory: Vec<u32>,
    /// The parent, and where in it this extent begins.
    parent: Option<(Arc<dyn Image>, u64)>,
}

impl Sparse {
    /// Reads the directory.
    pub fn open(
        stored: &Arc<StoredFile>,
        header: Header,
        parent: Option<(Arc<dyn Image>, u64)>,
    ) -> Result<Self, ReadError> {
        let tables = header.size_bytes.div_ceil(header.grain_bytes.saturating_mul(header.entries));
        if tables > limits::VMDK_TABLES {
            return Err(ReadError::Limit { offset: header.directory, what: "tables of a VMDK extent" });
        }
        let mut bytes = vec![0; usize::try_from(tables * 4).unwrap_or(usize::MAX)];
        stored.read_at(header.directory, &mut bytes)?;
        let directory = words(&bytes);
        Ok(Self { stored: Arc::clone(stored), header, directory, parent })
    }

    /// Reads from one table's grains.
    fn read_table(&self, table: u64, mut offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let grain = self.header.grain_bytes;
        let corrupt = |offset| ReadError::Corrupt { offset, what: "a table of a VMDK extent" };
        let place = usize::try_from(table).ok().and_then(|table| self.directory.get(table));
        let place = u64::from(*place.ok_or_else(|| corrupt(offset))?);
        let first = (offset / grain).saturating_sub(table.saturating_mul(self.header.entries));
        let length = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        let count = (offset % grain).saturating_add(length).div_ceil(grain);
        let mut bytes = vec![0; usize::try_from(count * 4).map_err(|_| corrupt(offset))?];
        if place != 0 {
            self.stored.read_at(place.saturating_mul(limits::SECTOR_BYTES).saturating_add(first * 4), &mut bytes)?;
        }
        let entries = words(&bytes);
        let mut rest = buffer;
        let mut at = 0;
        while let Some(entry) = entries.get(at) {
            // Grains that follow one another are read at once.
            let step = u32::try_from(grain / limits::SECTOR_BYTES).unwrap_or(u32::MAX);
            let is_data = |entry: u32| entry > u32::from(self.header.has_zeroed);
            let follows = |(many, next): (u32, &u32)| {
                if is_data(*entry) {
                    entry.checked_add(many.saturating_mul(step)) == Some(*next)
                } else {
                    next == entry
                }
            };
            let run = (0..).zip(entries.get(at..).unwrap_or_default()).take_while(|pair| follows(*pair)).count().max(1);
            let run_bytes = u64::try_from(run).unwrap_or(1).saturating_mul(grain).saturating_sub(offset % grain);
            let (part, behind) = rest.split_at_mut(usize::try_from(run_bytes).unwrap_or(usize::MAX).min(rest.len()));
            match (entry, &self.parent) {
                (entry, _) if is_data(*entry) => {
                    let begin = u64::from(*entry).saturating_mul(limits::SECTOR_BYTES);
                    self.stored.read_at(begin.saturating_add(offset % grain), part)?;
                }
                (0, Some((parent, begin))) => backing::read(parent.as_ref(), begin.saturating_add(offset), part)?,
                _ => part.fill(0),
            }
            offset = offset.saturating_add(u64::try_from(part.len()).unwrap_or(0));
            rest = behind;
            at += run;
        }
        if rest.is_empty() { Ok(()) } else { Err(corrupt(offset)) }
    }
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
}

impl Image for Sparse {
    fn program(&self) -> Option<String> {
        self.parent.as_ref()?.0.program()
    }

    fn size_bytes(&self) -> u64 {
        self.header.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let length = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        if offset.checked_add(length).is_none_or(|end| end > self.header.size_bytes) {
            return Err(ReadError::Corrupt { offset, what: "the image ends before this" });
        }
        let covered = self.header.grain_bytes.saturating_mul(self.header.entries);
        let (mut at, mut rest) = (offset, buffer);
        while !rest.is_empty() {
            let left = usize::try_from(covered - at % covered).unwrap_or(usize::MAX);
            let (part, behind) = rest.split_at_mut(left.min(rest.len()));
            self.read_table(at / covered, at, part)?;
            at = at.saturating_add(u64::try_from(part.len()).unwrap_or(0));
            rest = behind;
        }
        Ok(())
    }
}
