//! Records of the file table, and the attributes in them.
//!
//! The last two bytes of each 512 of a record hold a number that changes with each writing, and what belongs there stands
//! in the record's head: a record of which only part was written is told by it.
//!
//! **Invariant:** an attribute is shown only if all of it lies within the part of a record that is in use.

use super::super::field::{u8_at, u16_at, u32_at, u64_at};
use crate::read_error::ReadError;

/// What each of these kinds of attribute holds.
pub(super) const STANDARD_INFORMATION: u32 = 0x10;
pub(super) const ATTRIBUTE_LIST: u32 = 0x20;
pub(super) const FILE_NAME: u32 = 0x30;
pub(super) const VOLUME_INFORMATION: u32 = 0x70;
pub(super) const DATA: u32 = 0x80;
pub(super) const INDEX_ROOT: u32 = 0x90;
pub(super) const INDEX_ALLOCATION: u32 = 0xa0;
pub(super) const BITMAP: u32 = 0xb0;
pub(super) const REPARSE_POINT: u32 = 0xc0;
const END: u32 = 0xffff_ffff;

/// How often the number stands in a record or a block.
const STRIDE: usize = 512;

/// Puts back what the numbers at the end of each 512 bytes stand for.
pub(super) fn restore(bytes: &mut [u8], mark: &[u8; 4], offset: u64) -> Result<(), ReadError> {
    let corrupt = |what| ReadError::Corrupt { offset, what };
    if !bytes.starts_with(mark) {
        return Err(corrupt("a record without its mark"));
    }
    let (Some(at), Some(count)) = (u16_at(bytes, 4), u16_at(bytes, 6)) else {
        return Err(corrupt("a record that is cut off"));
    };
    let at = usize::from(at);
    if usize::from(count) != bytes.len() / STRIDE + 1 || at < 0x1e || at + usize::from(count) * 2 > STRIDE - 2 {
        return Err(corrupt("the update sequence of a record"));
    }
    let stored = bytes.get(at..at + usize::from(count) * 2).unwrap_or_default().to_vec();
    let (number, originals) = stored.split_at(2);
    for (stride, original) in bytes.chunks_exact_mut(STRIDE).zip(originals.chunks_exact(2)) {
        let Some(end) = stride.get_mut(STRIDE - 2..) else { continue };
        if end != number {
            return Err(corrupt("a record of which only part was written"));
        }
        end.copy_from_slice(original);
    }
    Ok(())
}

/// A record of the file table.
pub(super) struct Record {
    bytes: Vec<u8>,
    /// Where it stands on the volume.
    offset: u64,
    /// The low 48 bits of a reference to it.
    pub(super) number: u64,
}

/// An attribute of a record.
#[derive(Clone, Copy)]
pub(super) struct Attribute<'r> {
    pub(super) kind: u32,
    /// In UTF-16, as it stands there.
    pub(super) name: &'r [u8],
    pub(super) flags: u16,
    pub(super) instance: u16,
    pub(super) body: Body<'r>,
}

/// What an attribute holds.
#[derive(Clone, Copy)]
pub(super) enum Body<'r> {
    /// In the record itself.
    Resident(&'r [u8]),
    /// In clusters.
    Runs(Runs<'r>),
}

/// A piece of an attribute that is kept in clusters.
#[derive(Clone, Copy)]
pub(super) struct Runs<'r> {
    /// The first and the last cluster of the attribute that this piece holds; the last is one less than the first where it
    /// holds none.
    pub(super) lowest: u64,
    pub(super) highest: u64,
    /// Counts in the piece that begins with cluster 0 alone, as do the next two.
    pub(super) size_bytes: u64,
    pub(super) written_bytes: u64,
    /// The number of clusters that are compressed together, as a power of two; 0 = not compressed.
    pub(super) unit: u8,
    /// The mapping pairs.
    pub(super) pairs: &'r [u8],
}

impl Record {
    /// Checks the bytes of the record with that number.
    pub(super) fn parse(mut bytes: Vec<u8>, number: u64, offset: u64) -> Result<Self, ReadError> {
        restore(&mut bytes, b"FILE", offset)?;
        let corrupt = |what| ReadError::Corrupt { offset, what };
        let used = u32_at(&bytes, 0x18).and_then(|used| usize::try_from(used).ok()).unwrap_or(usize::MAX);
        if used > bytes.len() || used < 0x30 {
            return Err(corrupt("the length of a record"));
        }
        // Since NTFS 3.1 a record states its own number.
        let has_number = u16_at(&bytes, 4).is_some_and(|at| at >= 0x30);
        if has_number && u32_at(&bytes, 0x2c).map(u64::from) != Some(number & 0xffff_ffff) {
            return Err(corrupt("a record with the number of another one"));
        }
        bytes.truncate(used);
        Ok(Self { bytes, offset, number })
    }

    fn half(&self, at: usize) -> u16 {
        u16_at(&self.bytes, at).unwrap_or(0)
    }

    /// It stands for something that is not deleted.
    pub(super) fn is_used(&self) -> bool {
        self.half(0x16) & 1 != 0
    }

    /// It is a folder's.
    pub(super) fn is_folder(&self) -> bool {
        self.half(0x16) & 2 != 0
    }

    /// How often the record was used anew.
    pub(super) fn sequence(&self) -> u16 {
        self.half(0x10)
    }

    /// The reference to the record that this one belongs to; 0 where it stands for itself.
    pub(super) fn base(&self) -> u64 {
        u64_at(&self.bytes, 0x20).unwrap_or(u64::MAX)
    }

    /// An error in this record.
    pub(super) fn corrupt(&self, what: &'static str) -> ReadError {
        ReadError::Corrupt { offset: self.offset, what }
    }

    /// All attributes, in their order.
    pub(super) fn attributes(&self) -> Result<Vec<Attribute<'_>>, ReadError> {
        let bad = || self.corrupt("an attribute of a record");
        let mut attributes = Vec::new();
        let mut rest = self.bytes.get(usize::from(self.half(0x14))..).ok_or_else(bad)?;
        loop {
            let kind = u32_at(rest, 0).ok_or_else(bad)?;
            if kind == END {
                return Ok(attributes);
            }
            let length = u32_at(rest, 4).and_then(|length| usize::try_from(length).ok()).ok_or_else(bad)?;
            if length < 0x18 || !length.is_multiple_of(8) {
                return Err(bad());
            }
            let (own, behind) = rest.split_at_checked(length).ok_or_else(bad)?;
            attributes.push(attribute(kind, own).ok_or_else(bad)?);
            rest = behind;
        }
    }
}

fn attribute(kind: u32, bytes: &[u8]) -> Option<Attribute<'_>> {
    let half = |at| u16_at(bytes, at).map(usize::from);
    let part = |at: usize, length: usize| bytes.get(at..at.checked_add(length)?);
    let name = part(half(0xa)?, usize::from(u8_at(bytes, 9)?) * 2)?;
    let body = match u8_at(bytes, 8)? {
        0 => Body::Resident(part(half(0x14)?, usize::try_from(u32_at(bytes, 0x10)?).ok()?)?),
        1 => Body::Runs(Runs {
            lowest: u64_at(bytes, 0x10)?,
            highest: u64_at(bytes, 0x18)?,
            size_bytes: u64_at(bytes, 0x30)?,
            written_bytes: u64_at(bytes, 0x38)?,
            unit: u8_at(bytes, 0x22)?,
            pairs: bytes.get(half(0x20)?..)?,
        }),
        _ => return None,
    };
    Some(Attribute { kind, name, flags: u16_at(bytes, 0xc)?, instance: u16_at(bytes, 0xe)?, body })
}
