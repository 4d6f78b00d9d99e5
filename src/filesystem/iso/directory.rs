//! Folders: the records of an extent, and what each comes to.
//!
//! **Invariant:** every byte of a folder is within a record or zero; anything else is damage, and what stands before it is
//! still listed.

use super::descriptor::{SECTOR_BYTES, Tree};
use super::record::{ASSOCIATED, CONTINUED, FOLDER, HEAD_BYTES, Record};
use super::rock_ridge::Rock;
use crate::filesystem::extent::Extents;
use crate::image::Image;
use crate::read_error::ReadError;

/// How names and kinds are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Plain,
    Joliet,
    /// With so many bytes of each area that belong to others.
    RockRidge {
        skip: usize,
    },
}

/// An extent of a folder, in bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) start: u64,
    pub(super) length: u64,
}

/// What stands in a folder: one record, or the several of a file of several extents.
pub(super) struct Item {
    pub(super) records: Vec<Record>,
    pub(super) rock: Result<Rock, ReadError>,
}

fn corrupt(offset: u64, what: &'static str) -> ReadError {
    ReadError::Corrupt { offset, what }
}

/// The place of a folder by the block and the length that its record states.
pub(super) fn place(image: &dyn Image, tree: &Tree, block: u32, length: u32) -> Result<Place, ReadError> {
    let start = u64::from(block) * tree.block_bytes;
    let length = u64::from(length);
    let is_within = start.checked_add(length).is_some_and(|end| end <= image.size_bytes());
    if length == 0 || !is_within {
        return Err(corrupt(start, "a folder outside its volume"));
    }
    Ok(Place { start, length })
}

/// Shows each record from `from` on, `.` and `..` too, until it says that it has seen enough.
pub(super) fn records(
    image: &dyn Image,
    place: Place,
    from: u64,
    visit: &mut dyn FnMut(Record) -> Result<bool, ReadError>,
) -> Result<(), ReadError> {
    let end = place.start + place.length;
    let mut sector = [0; SECTOR_BYTES as usize];
    let mut at = from;
    while at < end {
        // Records do not cross the border of a sector.
        let border = (at - at % SECTOR_BYTES + SECTOR_BYTES).min(end);
        let bytes = sector.get_mut(..usize::try_from(border - at).unwrap_or(0)).unwrap_or_default();
        image.read_at(at, bytes)?;
        let mut rest: &[u8] = bytes;
        while let Some(&length) = rest.first() {
            let length = usize::from(length);
            if length == 0 {
                if rest.iter().any(|&byte| byte != 0) {
                    return Err(corrupt(at, "bytes behind the last record of a sector"));
                }
                break;
            }
            let record = rest.get(..length).filter(|_| length > HEAD_BYTES).ok_or(corrupt(at, "a directory record"))?;
            if !visit(Record::parse(record, at)?)? {
                return Ok(());
            }
            rest = rest.get(length..).unwrap_or_default();
            at += length as u64;
        }
        at = border;
    }
    Ok(())
}

/// Shows each item from `from` on, without `.` and `..`.
pub(super) fn items(
    image: &dyn Image,
    tree: &Tree,
    dialect: Dialect,
    place: Place,
    from: u64,
    visit: &mut dyn FnMut(Item) -> Result<bool, ReadError>,
) -> Result<(), ReadError> {
    let mut pending: Vec<Record> = Vec::new();
    let mut dots = 0;
    records(image, place, from, &mut |record| {
        if record.flags & FOLDER != 0 && matches!(record.name.as_slice(), [0] | [1]) {
            dots += 1;
            return Ok(true);
        }
        let is_first = pending.first().is_none_or(|first| first.name == record.name);
        if !is_first {
            return Err(corrupt(record.offset, "a file whose last extent is missing"));
        }
        let is_continued = record.flags & CONTINUED != 0;
        pending.push(record);
        if is_continued {
            return Ok(true);
        }
        let records = std::mem::take(&mut pending);
        let rock = rock(image, tree, dialect, &records);
        visit(Item { records, rock })
    })?;
    if from == place.start && dots != 2 {
        return Err(corrupt(place.start, "a folder without a record of itself"));
    }
    if pending.is_empty() { Ok(()) } else { Err(corrupt(place.start, "a file whose last extent is missing")) }
}

fn rock(image: &dyn Image, tree: &Tree, dialect: Dialect, records: &[Record]) -> Result<Rock, ReadError> {
    let (Dialect::RockRidge { skip }, Some(record)) = (dialect, records.first()) else { return Ok(Rock::default()) };
    let area = record.system.get(skip..).unwrap_or_default();
    Rock::read(image, tree.block_bytes, area, record.offset)
}

impl Item {
    /// The hidden half of another file.
    pub(super) fn is_associated(&self) -> bool {
        self.records.iter().any(|record| record.flags & ASSOCIATED != 0)
    }

    /// The size of a file of one or several extents.
    pub(super) fn size_bytes(&self) -> u64 {
        self.records.iter().map(|record| u64::from(record.size_bytes)).sum()
    }

    /// Where a file's bytes stand.
    pub(super) fn extents(&self, image: &dyn Image, tree: &Tree, volume: u16) -> Result<Extents, ReadError> {
        let mut extents = Extents::default();
        for record in &self.records {
            let refuse = |what: &str| Err(ReadError::Unsupported { offset: record.offset, what: what.to_owned() });
            if record.is_interleaved {
                return refuse("an interleaved file of an ISO 9660");
            }
            if record.volume != volume {
                return refuse("a file on another volume of a set of ISO 9660");
            }
            let length = u64::from(record.size_bytes);
            let block = u64::from(record.block) + u64::from(record.attribute_blocks);
            let at = block * tree.block_bytes;
            if length > 0 && at.checked_add(length).is_none_or(|end| end > image.size_bytes()) {
                return Err(corrupt(record.offset, "a file outside its volume"));
            }
            extents.push(length, Some(at))?;
        }
        Ok(extents)
    }
}
