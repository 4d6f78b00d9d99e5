//! The file table, and the attributes of a file wherever they stand.
//!
//! A file that has more attributes than fit its record has a list of them, and further records that hold the rest.
//!
//! **Invariant:** a record is a file's only if it is in use, was not used anew since the reference to it was made, and
//! names the file as the one that it belongs to.

use std::sync::Arc;

use super::super::extent::Extents;
use super::super::field::{u8_at, u16_at, u32_at, u64_at};
use super::boot::Geometry;
use super::record::{ATTRIBUTE_LIST, Attribute, Body, DATA, Record};
use super::run;
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

/// The part of a reference that is the record's number; above it stands the sequence.
const NUMBER: u64 = 0xffff_ffff_ffff;
/// Flags of an attribute.
pub(super) const COMPRESSED: u16 = 0x00ff;
pub(super) const ENCRYPTED: u16 = 0x4000;
const SPARSE: u16 = 0x8000;

/// The number in a reference.
pub(super) fn number_of(reference: u64) -> u64 {
    reference & NUMBER
}

/// The file table.
pub(super) struct Table {
    pub(super) image: Arc<dyn Image>,
    pub(super) geometry: Geometry,
    extents: Extents,
    /// How much of it was ever written.
    bytes: u64,
}

/// One attribute of a file, put together.
#[derive(Clone, Default)]
pub(super) struct Content {
    pub(super) flags: u16,
    pub(super) size_bytes: u64,
    /// What lies behind this was never written.
    pub(super) written_bytes: u64,
    /// Clusters that are compressed together, as a power of two.
    pub(super) unit: u8,
    /// What the record itself holds; none where the attribute is in clusters.
    pub(super) resident: Option<Vec<u8>>,
    pub(super) extents: Extents,
}

/// A file: its record and those that hold the rest of its attributes.
pub(super) struct File {
    pub(super) record: Record,
    /// What the list of attributes says, where there is one.
    list: Option<Vec<Listed>>,
    more: Vec<Record>,
}

/// One line of a list of attributes.
struct Listed {
    kind: u32,
    name: Vec<u8>,
    lowest: u64,
    reference: u64,
    instance: u16,
}

impl Table {
    /// Finds the table by its own first record.
    pub(super) fn read(image: Arc<dyn Image>, geometry: Geometry) -> Result<Self, ReadError> {
        let mut first = Extents::default();
        first.push(geometry.record_bytes, Some(geometry.table))?;
        let mut table = Self { image, geometry, extents: first, bytes: geometry.record_bytes };
        let record = table.record(0)?;
        // What the first record itself holds of the table is enough to find the records that hold more of it.
        let own = record.attributes()?;
        let own = own.iter().find(|attribute| attribute.kind == DATA && attribute.name.is_empty());
        let Some(Attribute { body: Body::Runs(runs), flags: 0, .. }) = own else {
            return Err(record.corrupt("the file table is not in clusters"));
        };
        let mut extents = Extents::default();
        run::append(&geometry, runs, false, &mut extents)?;
        (table.bytes, table.extents) = (runs.written_bytes.min(extents.bytes()), extents);
        let whole = table.file(0)?.content(&table.geometry, DATA, b"")?;
        let Some(whole) = whole.filter(|whole| whole.written_bytes <= whole.extents.bytes()) else {
            return Err(record.corrupt("the file table"));
        };
        (table.bytes, table.extents) = (whole.written_bytes, whole.extents);
        Ok(table)
    }

    /// A record by its number, whatever it is of.
    fn record(&self, number: u64) -> Result<Record, ReadError> {
        let size = self.geometry.record_bytes;
        let outside = ReadError::Corrupt { offset: 0, what: "a record outside the file table" };
        let Some(start) = number.checked_mul(size).filter(|start| start.saturating_add(size) <= self.bytes) else {
            return Err(outside);
        };
        let place = self.extents.parts(start, 1).next().and_then(|(_, place)| place);
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
        self.extents.read_at(self.image.as_ref(), start, &mut bytes)?;
        Record::parse(bytes, number, place.unwrap_or(0))
    }

    /// The record that a reference leads to, if it is still the one that was meant.
    fn referred(&self, reference: u64) -> Result<Record, ReadError> {
        let record = self.record(number_of(reference))?;
        let sequence = u16::try_from(reference >> 48).unwrap_or(0);
        if !record.is_used() {
            return Err(record.corrupt("a name of a file that was deleted"));
        }
        if sequence != 0 && sequence != record.sequence() {
            return Err(record.corrupt("a name of a file that was there before"));
        }
        Ok(record)
    }

    /// The file that a reference leads to, with all its records.
    pub(super) fn file(&self, reference: u64) -> Result<File, ReadError> {
        let record = self.referred(reference)?;
        if record.base() != 0 {
            return Err(record.corrupt("a name of a part of a file"));
        }
        let mut file = File { record, list: None, more: Vec::new() };
        let Some(list) = file.content(&self.geometry, ATTRIBUTE_LIST, b"")? else { return Ok(file) };
        let listed = listed(&self.whole(&list, limits::NTFS_ATTRIBUTE_LIST_BYTES)?);
        let listed = listed.ok_or_else(|| file.record.corrupt("the list of a file's attributes"))?;
        let mut numbers: Vec<u64> = listed.iter().map(|line| line.reference).collect();
        numbers.sort_unstable();
        numbers.dedup();
        for reference in numbers {
            if number_of(reference) == file.record.number {
                continue;
            }
            let record = self.referred(reference)?;
            let base = record.base();
            if number_of(base) != file.record.number || base >> 48 != u64::from(file.record.sequence()) {
                return Err(record.corrupt("a part of another file"));
            }
            file.more.push(record);
        }
        file.list = Some(listed);
        Ok(file)
    }

    /// All bytes of an attribute that is small.
    pub(super) fn whole(&self, content: &Content, most: u64) -> Result<Vec<u8>, ReadError> {
        if content.size_bytes > most {
            return Err(ReadError::Limit { offset: 0, what: "bytes of an attribute of NTFS" });
        }
        let mut bytes = vec![0; usize::try_from(content.size_bytes).unwrap_or(0)];
        self.read_at(content, 0, &mut bytes)?;
        Ok(bytes)
    }

    /// Fills the buffer from `offset` in an attribute that is neither compressed nor encrypted.
    pub(super) fn read_at(&self, content: &Content, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let short = ReadError::Corrupt { offset: 0, what: "an attribute shorter than its size" };
        if content.flags & (COMPRESSED | ENCRYPTED) != 0 {
            let what = "a compressed or encrypted attribute that is no file's content".to_owned();
            return Err(ReadError::Unsupported { offset: 0, what });
        }
        let length = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        if offset.saturating_add(length) > content.size_bytes {
            return Err(short);
        }
        if let Some(resident) = &content.resident {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let part = resident.get(start..start.saturating_add(buffer.len()));
            return part.map(|part| buffer.copy_from_slice(part)).ok_or(short);
        }
        let written = content.written_bytes.saturating_sub(offset).min(length);
        let (head, tail) = buffer.split_at_mut(usize::try_from(written).unwrap_or(0));
        tail.fill(0);
        content.extents.read_at(self.image.as_ref(), offset, head)
    }
}

impl File {
    /// The attributes of that kind and name, in the order of their clusters.
    fn pieces(&self, kind: u32, name: &[u8]) -> Result<Vec<Attribute<'_>>, ReadError> {
        let fits = |attribute: &Attribute<'_>| attribute.kind == kind && attribute.name == name;
        let Some(list) = &self.list else {
            return Ok(self.record.attributes()?.into_iter().filter(fits).collect());
        };
        let mut pieces = Vec::new();
        for line in list.iter().filter(|line| line.kind == kind && line.name == name) {
            let number = number_of(line.reference);
            let mut records = std::iter::once(&self.record).chain(&self.more);
            let missing = || self.record.corrupt("an attribute that is listed and not there");
            let record = records.find(|record| record.number == number).ok_or_else(missing)?;
            let lowest = |attribute: &Attribute<'_>| match attribute.body {
                Body::Resident(_) => 0,
                Body::Runs(runs) => runs.lowest,
            };
            let mut own = record.attributes()?.into_iter().filter(fits);
            let piece = own.find(|piece| piece.instance == line.instance && lowest(piece) == line.lowest);
            pieces.push((line.lowest, piece.ok_or_else(missing)?));
        }
        pieces.sort_by_key(|(lowest, _)| *lowest);
        Ok(pieces.into_iter().map(|(_, piece)| piece).collect())
    }

    /// What each attribute of that kind holds that stands in a record.
    pub(super) fn residents(&self, kind: u32) -> Result<Vec<&[u8]>, ReadError> {
        let pieces = self.pieces(kind, b"")?.into_iter();
        Ok(pieces.filter_map(|piece| if let Body::Resident(bytes) = piece.body { Some(bytes) } else { None }).collect())
    }

    /// One attribute, put together; none where the file has none of that kind and name.
    pub(super) fn content(&self, geometry: &Geometry, kind: u32, name: &[u8]) -> Result<Option<Content>, ReadError> {
        let pieces = self.pieces(kind, name)?;
        let Some((first, more)) = pieces.split_first() else { return Ok(None) };
        let runs = match first.body {
            Body::Resident(bytes) if more.is_empty() => {
                let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                let resident = Some(bytes.to_vec());
                let (flags, written_bytes) = (first.flags & !COMPRESSED, size_bytes);
                return Ok(Some(Content { flags, size_bytes, written_bytes, resident, ..Content::default() }));
            }
            Body::Resident(_) => return Err(self.record.corrupt("two attributes of one name")),
            Body::Runs(runs) => runs,
        };
        let mut extents = Extents::default();
        let may_have_holes = first.flags & (SPARSE | COMPRESSED) != 0;
        for piece in &pieces {
            let Body::Runs(runs) = &piece.body else {
                return Err(self.record.corrupt("two attributes of one name"));
            };
            run::append(geometry, runs, may_have_holes, &mut extents)?;
        }
        let (size_bytes, written_bytes) = (runs.size_bytes, runs.written_bytes);
        if written_bytes > size_bytes || size_bytes > extents.bytes() {
            return Err(self.record.corrupt("an attribute shorter than its size"));
        }
        if !extents.are_apart() {
            return Err(self.record.corrupt("a cluster that a file has twice"));
        }
        Ok(Some(Content { flags: first.flags, size_bytes, written_bytes, unit: runs.unit, resident: None, extents }))
    }
}

fn listed(bytes: &[u8]) -> Option<Vec<Listed>> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let length = usize::from(u16_at(rest, 4)?);
        if length < 0x1a {
            return None;
        }
        let (own, behind) = rest.split_at_checked(length)?;
        let name_at = usize::from(u8_at(own, 7)?);
        let name = own.get(name_at..name_at + usize::from(u8_at(own, 6)?) * 2)?.to_vec();
        let (kind, lowest) = (u32_at(own, 0)?, u64_at(own, 8)?);
        lines.push(Listed { kind, name, lowest, reference: u64_at(own, 0x10)?, instance: u16_at(own, 0x18)? });
        rest = behind;
    }
    Some(lines)
}
