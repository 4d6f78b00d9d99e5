//! GUID partition tables (UEFI specification, chapter 5): a header and its entries at the beginning of a disk, and once more
//! at its end.
//!
//! **Invariant:** entries count only where the checksums of their header and of themselves are right; a table that is known
//! by its copy alone, or that its copy contradicts, says so.

use super::field::{self, stands, u32_le, u64_le};
use super::partition::{Partition, Purpose, held_against};
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

const MARK: &[u8] = b"EFI PART";

/// A table, and how it was found.
pub struct Table {
    /// The partitions, by number.
    pub partitions: Vec<Partition>,
    /// Its name, and what is wrong with it.
    pub layer: &'static str,
    /// It is read by the copy at the end, and nothing at the beginning says that there is one.
    pub is_hidden: bool,
}

/// A header whose checksum is right, with its entries, whose checksum is right too.
struct Half {
    sector_bytes: u64,
    /// Bytes at the disk's beginning that the first header and its entries take.
    taken: u64,
    entries: Vec<u8>,
    entry_bytes: usize,
    first: u64,
    last: u64,
}

enum Found {
    Nothing,
    Damaged(ReadError),
    Sound(Half),
}

/// Reads the table, if there is one. An error: there is one and neither half of it is sound.
pub fn read(image: &dyn Image) -> Result<Option<Table>, ReadError> {
    let mut tables = Vec::new();
    let mut damage = None;
    for sector_bytes in [512, 4096] {
        let first = half(image, sector_bytes, 1)?;
        let is_marked = !matches!(first, Found::Nothing);
        let second = second(image, sector_bytes, &first)?;
        let (half, layer) = match (first, second) {
            (Found::Sound(first), Found::Sound(second)) if same(&first, &second) => (first, "GPT"),
            (Found::Sound(first), Found::Sound(_)) => (first, "GPT (its copy at the end differs)"),
            (Found::Sound(first), _) => (first, "GPT (its copy at the end is damaged or missing)"),
            (Found::Damaged(_) | Found::Nothing, Found::Sound(second)) => {
                (second, "GPT (by its copy at the end: the first is damaged)")
            }
            (Found::Damaged(error), _) | (Found::Nothing, Found::Damaged(error)) => {
                damage = damage.or(Some(error));
                continue;
            }
            (Found::Nothing, Found::Nothing) => continue,
        };
        let partitions = held_against(half.partitions()?, image.size_bytes(), half.taken);
        tables.push(Table { partitions, layer, is_hidden: !is_marked });
    }
    tables.sort_by_key(|table| table.is_hidden);
    match (tables.len(), damage) {
        (0, Some(error)) => Err(error),
        (0 | 1, _) => Ok(tables.pop()),
        _ if tables.first().is_some_and(|first| !first.is_hidden) && tables.iter().skip(1).all(|t| t.is_hidden) => {
            Ok(tables.into_iter().next())
        }
        _ => {
            Err(ReadError::Unsupported { offset: 0, what: "two GPTs, of sectors of 512 and of 4,096 bytes".to_owned() })
        }
    }
}

/// The copy: in the last sector, or where the first header says, if the disk has grown since.
fn second(image: &dyn Image, sector_bytes: u64, first: &Found) -> Result<Found, ReadError> {
    let sectors = image.size_bytes().checked_div(sector_bytes).unwrap_or(0);
    let Some(last) = sectors.checked_sub(1).filter(|last| *last > 1) else { return Ok(Found::Nothing) };
    let found = half(image, sector_bytes, last)?;
    if matches!(found, Found::Sound(_)) || !matches!(first, Found::Sound(_)) {
        return Ok(found);
    }
    let header = field::read(image, sector_bytes, 512)?;
    match header.and_then(|header| u64_le(&header, 32)).filter(|other| *other > 1 && *other < sectors) {
        Some(other) => half(image, sector_bytes, other),
        None => Ok(found),
    }
}

fn same(first: &Half, second: &Half) -> bool {
    first.entries == second.entries
        && first.entry_bytes == second.entry_bytes
        && (first.first, first.last) == (second.first, second.last)
}

/// The header in sector `at`, with its entries.
fn half(image: &dyn Image, sector_bytes: u64, at: u64) -> Result<Found, ReadError> {
    let Some(offset) = at.checked_mul(sector_bytes) else { return Ok(Found::Nothing) };
    let Some(sector) = field::read(image, offset, 512)?.filter(|sector| stands(sector, 0, MARK)) else {
        return Ok(Found::Nothing);
    };
    let damaged = |what| Ok(Found::Damaged(ReadError::Corrupt { offset, what }));
    let header = || {
        let header_bytes = usize::try_from(u32_le(&sector, 12)?).ok()?;
        let count = usize::try_from(u32_le(&sector, 80)?).ok()?;
        let entry_bytes = usize::try_from(u32_le(&sector, 84)?).ok()?;
        Some((header_bytes, u32_le(&sector, 16)?, u64_le(&sector, 24)?, u64_le(&sector, 72)?, count, entry_bytes))
    };
    let Some((header_bytes, sum, own, entries_at, count, entry_bytes)) = header() else {
        return damaged("the header of a GPT");
    };
    let Some(mut checked) = sector.get(..header_bytes).filter(|_| header_bytes >= 92).map(<[u8]>::to_vec) else {
        return damaged("the length of a GPT's header");
    };
    if let Some(field) = checked.get_mut(16..20) {
        field.fill(0);
    }
    if crc32fast::hash(&checked) != sum {
        return damaged("the checksum of a GPT's header");
    }
    if own != at {
        return damaged("the header of a GPT that belongs elsewhere");
    }
    let length = count.checked_mul(entry_bytes).filter(|length| *length <= limits::GPT_BYTES);
    let Some(length) = length.filter(|_| entry_bytes >= 128 && entry_bytes.is_multiple_of(128)) else {
        return damaged("the size of a GPT's entries");
    };
    let place = entries_at.checked_mul(sector_bytes);
    let Some(entries) = place.map(|place| field::read(image, place, length)).transpose()?.flatten() else {
        return damaged("the entries of a GPT lie behind the end of the disk");
    };
    if Some(crc32fast::hash(&entries)) != u32_le(&sector, 88) {
        return damaged("the checksum of a GPT's entries");
    }
    let (first, last) = (u64_le(&sector, 40).unwrap_or(0), u64_le(&sector, 48).unwrap_or(0));
    let own_taken = if at == 1 { place.unwrap_or(0).saturating_add(u64::try_from(length).unwrap_or(0)) } else { 0 };
    let taken = own_taken.max(sector_bytes.saturating_mul(2));
    Ok(Found::Sound(Half { sector_bytes, taken, entries, entry_bytes, first, last }))
}

impl Half {
    fn partitions(&self) -> Result<Vec<Partition>, ReadError> {
        let mut partitions = Vec::new();
        for (number, entry) in (1..).zip(self.entries.chunks_exact(self.entry_bytes)) {
            let Some(kind) = entry.get(..16).filter(|kind| kind.iter().any(|byte| *byte != 0)) else { continue };
            if partitions.len() >= limits::PARTITIONS {
                return Err(ReadError::Limit { offset: 0, what: "partitions of one table" });
            }
            let (first, last) = (u64_le(entry, 32).unwrap_or(0), u64_le(entry, 40).unwrap_or(0));
            let count = last.checked_sub(first).and_then(|count| count.checked_add(1));
            let place = first.checked_mul(self.sector_bytes);
            let size = count.and_then(|count| count.checked_mul(self.sector_bytes));
            let wrong = ReadError::Corrupt { offset: 0, what: "a partition that ends before it begins" };
            partitions.push(Partition {
                number,
                start_bytes: place.unwrap_or(u64::MAX),
                size_bytes: size.unwrap_or(0),
                purpose: purpose(kind),
                fault: (place.is_none() || size.is_none()).then_some(wrong),
            });
        }
        Ok(partitions)
    }
}

/// The types that matter here, as they are stored: the first three groups of the GUID in little-endian order.
fn purpose(kind: &[u8]) -> Purpose {
    let stored = |groups: (u32, u16, u16), rest: [u8; 8]| {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&groups.0.to_le_bytes());
        bytes[4..6].copy_from_slice(&groups.1.to_le_bytes());
        bytes[6..8].copy_from_slice(&groups.2.to_le_bytes());
        bytes[8..].copy_from_slice(&rest);
        bytes
    };
    let dynamic = Purpose::Foreign("a Windows dynamic disk");
    let known = [
        (stored((0x2168_6148, 0x6449, 0x6e6f), *b"tNeedEFI"), Purpose::Loader("BIOS boot")),
        (
            stored((0x9e1a_2d38, 0xc612, 0x4316), [0xaa, 0x26, 0x8b, 0x49, 0x52, 0x1e, 0x5a, 0x8b]),
            Purpose::Loader("PReP boot"),
        ),
        (
            stored((0xe3c9_e316, 0x0b5c, 0x4db8), [0x81, 0x7d, 0xf9, 0x2d, 0xf0, 0x02, 0x15, 0xae]),
            Purpose::Loader("Microsoft reserved"),
        ),
        (stored((0x5808_c8aa, 0x7e8f, 0x42e0), [0x85, 0xd2, 0xe1, 0xe9, 0x04, 0x34, 0xcf, 0xb3]), dynamic),
        (stored((0xaf9b_60a0, 0x1431, 0x4f62), [0xbc, 0x68, 0x33, 0x11, 0x71, 0x4a, 0x69, 0xad]), dynamic),
        (
            stored((0xe75c_af8f, 0xf680, 0x4cee), [0xaf, 0xa3, 0xb0, 0x01, 0xe5, 0x6e, 0xfc, 0x2d]),
            Purpose::Foreign("Windows Storage Spaces"),
        ),
    ];
    known.into_iter().find(|(bytes, _)| bytes == kind).map_or(Purpose::Data, |(_, purpose)| purpose)
}
