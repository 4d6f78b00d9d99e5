//! The central directory of a zip (PKWARE APPNOTE 6.3.10) and its end records.
//!
//! **Invariant:** every byte of the directory belongs to an entry, and there are as many entries as the end record says.

use crate::image::Image;
use crate::read_error::ReadError;

const END: &[u8; 4] = b"PK\x05\x06";
const END_BYTES: u64 = 22;
const END64: &[u8; 4] = b"PK\x06\x06";
const LOCATOR64: &[u8; 4] = b"PK\x06\x07";
const ENTRY: &[u8; 4] = b"PK\x01\x02";
/// The fixed part of an entry.
const ENTRY_BYTES: u64 = 46;

/// Where the entries are.
#[derive(Clone, Copy)]
pub(super) struct Directory {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) count: u64,
    /// The count is exact, not the rest of a division by 65,536.
    pub(super) is_exact: bool,
    /// What stands before the archive: offsets count from behind it.
    pub(super) prefix: u64,
    /// What stands behind the archive.
    pub(super) trail: u64,
}

/// One entry, as the central directory states it.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) host: u8,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) time: u16,
    pub(super) date: u16,
    pub(super) crc: u32,
    pub(super) packed_bytes: u64,
    pub(super) size_bytes: u64,
    pub(super) attributes: u32,
    /// Of its local header, in the image.
    pub(super) local: u64,
    pub(super) name: Vec<u8>,
    pub(super) extra: Vec<u8>,
    /// Where the next entry begins.
    pub(super) next: u64,
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// The fields of an extra area: each kind and its bytes. A rest that is no field is left.
pub(super) fn fields(extra: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = extra;
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(rest, 2));
        let field = rest.get(4..4 + length)?;
        let kind = u16_at(rest, 0);
        rest = rest.get(4 + length..).unwrap_or_default();
        Some((kind, field))
    })
}

/// Reads `length` bytes that must be there.
pub(super) fn bytes_at(image: &dyn Image, offset: u64, length: u64) -> Result<Vec<u8>, ReadError> {
    let is_within = offset.checked_add(length).is_some_and(|end| end <= image.size_bytes());
    if !is_within || length > 0x2_0000 {
        return Err(ReadError::Corrupt { offset, what: "a zip that ends early" });
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    image.read_at(offset, &mut bytes)?;
    Ok(bytes)
}

/// Finds the end record; none where there is none.
pub(super) fn find(image: &dyn Image) -> Result<Option<Directory>, ReadError> {
    let size = image.size_bytes();
    let from = size.saturating_sub(END_BYTES + 0xffff);
    let tail = bytes_at(image, from, size - from)?;
    for at in (0..tail.len().saturating_sub(21)).rev() {
        let record = tail.get(at..).unwrap_or_default();
        let comment = usize::from(u16_at(record, 20));
        if !record.starts_with(END) || record.len() < 22 + comment {
            continue;
        }
        let trail = (record.len() - 22 - comment) as u64;
        return directory(image, record, from + at as u64, trail).map(Some);
    }
    Ok(None)
}

fn directory(image: &dyn Image, record: &[u8], at: u64, trail: u64) -> Result<Directory, ReadError> {
    let corrupt = |offset, what| ReadError::Corrupt { offset, what };
    let mut disks = (u32::from(u16_at(record, 4)), u32::from(u16_at(record, 6)));
    let mut count = u64::from(u16_at(record, 10));
    let (mut length, mut offset) = (u64::from(u32_at(record, 12)), u64::from(u32_at(record, 16)));
    let (mut end, mut is_exact) = (at, false);
    let locator = at.checked_sub(20).map(|at| bytes_at(image, at, 20)).transpose()?;
    if let Some(locator) = locator.filter(|locator| locator.starts_with(LOCATOR64)) {
        // It stands right before its locator, whatever stands before the archive.
        let stated = u64_at(&locator, 8);
        let before = at.checked_sub(20 + 56);
        let mut found = None;
        for place in [Some(stated), before].into_iter().flatten() {
            if place.saturating_add(56) <= at {
                let record = bytes_at(image, place, 56)?;
                if record.starts_with(END64) {
                    found = Some((place, record));
                    break;
                }
            }
        }
        let (place, record) = found.ok_or(corrupt(at, "the end record of a zip64"))?;
        disks = (u32_at(&record, 16), u32_at(&record, 20));
        (count, is_exact) = (u64_at(&record, 32), true);
        (length, offset, end) = (u64_at(&record, 40), u64_at(&record, 48), place);
    }
    if disks != (0, 0) && disks != (0xffff, 0xffff) {
        return Err(ReadError::Unsupported { offset: at, what: "a zip of several files".to_owned() });
    }
    let start = end.checked_sub(length).ok_or(corrupt(at, "the length of a zip's directory"))?;
    let prefix = start.checked_sub(offset).ok_or(corrupt(at, "the place of a zip's directory"))?;
    Ok(Directory { start, end, count, is_exact, prefix, trail })
}

impl Directory {
    /// The first entry stands where the end record says, or there is none.
    pub(super) fn is_there(self, image: &dyn Image) -> Result<bool, ReadError> {
        if self.start == self.end {
            return Ok(self.count == 0);
        }
        let first = self.end - self.start >= ENTRY_BYTES;
        Ok(first && bytes_at(image, self.start, 4)? == ENTRY)
    }

    /// The entry at an offset.
    pub(super) fn entry(self, image: &dyn Image, at: u64) -> Result<Entry, ReadError> {
        let corrupt = |what| ReadError::Corrupt { offset: at, what };
        let is_within = at.checked_add(ENTRY_BYTES).is_some_and(|end| end <= self.end);
        let head = if is_within { bytes_at(image, at, ENTRY_BYTES)? } else { Vec::new() };
        if !head.starts_with(ENTRY) {
            return Err(corrupt("an entry of a zip's directory"));
        }
        let (name, extra) = (u64::from(u16_at(&head, 28)), u64::from(u16_at(&head, 30)));
        let next = at + ENTRY_BYTES + name + extra + u64::from(u16_at(&head, 32));
        if next > self.end {
            return Err(corrupt("an entry of a zip's directory"));
        }
        let name_bytes = bytes_at(image, at + ENTRY_BYTES, name)?;
        let extra = bytes_at(image, at + ENTRY_BYTES + name, extra)?;
        let (mut packed_bytes, mut size_bytes) = (u64::from(u32_at(&head, 20)), u64::from(u32_at(&head, 24)));
        let (mut local, mut disk) = (u64::from(u32_at(&head, 42)), u32::from(u16_at(&head, 34)));
        if let Some((_, field)) = fields(&extra).find(|(kind, _)| *kind == 1) {
            // Only what does not fit above stands here, in this order.
            let mut rest = field;
            for value in [&mut size_bytes, &mut packed_bytes, &mut local] {
                if *value == 0xffff_ffff {
                    *value = rest.get(..8).map(|b| u64_at(b, 0)).ok_or(corrupt("the zip64 field of an entry"))?;
                    rest = rest.get(8..).unwrap_or_default();
                }
            }
            if disk == 0xffff {
                disk = u32_at(rest, 0);
            }
        }
        if disk != 0 {
            return Err(ReadError::Unsupported { offset: at, what: "a zip of several files".to_owned() });
        }
        let local = local.checked_add(self.prefix).ok_or(corrupt("the place of a member"))?;
        Ok(Entry {
            host: head.get(5).copied().unwrap_or(0),
            flags: u16_at(&head, 8),
            method: u16_at(&head, 10),
            time: u16_at(&head, 12),
            date: u16_at(&head, 14),
            crc: u32_at(&head, 16),
            packed_bytes,
            size_bytes,
            attributes: u32_at(&head, 38),
            local,
            name: name_bytes,
            extra,
            next,
        })
    }
}
