//! Extents: where a range of a file's content is, and what was done to it.
//!
//! **Invariant:** an extent that was allocated and never written is zeros; what is encrypted, or packed in an unknown way,
//! is refused; a range that reaches out of its extent is damage.

use super::block::Item;
use super::field::{u8_at, u16_at, u64_at};
use crate::limits;
use crate::read_error::ReadError;

/// Where the content of an inline extent begins; the length of any other extent's item.
pub(super) const INLINE_HEAD_BYTES: usize = 21;
const EXTENT_BYTES: usize = 53;

/// How content is packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Packing {
    Zlib,
    Lzo,
    Zstd,
}

/// What stands behind a range of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing, or nothing that was written: zeros.
    Zeros,
    /// The item's own bytes, from [`INLINE_HEAD_BYTES`] on, and to how many they unpack.
    Inline { packing: Option<Packing>, unpacked_bytes: usize },
    /// Bytes at a logical address.
    Plain { logical: u64 },
    /// A packed extent: its address and length, to how many bytes it unpacks, and where in them the range begins.
    Packed { packing: Packing, logical: u64, stored_bytes: usize, unpacked_bytes: usize, skip: usize },
}

/// A range of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) start: u64,
    pub(super) length: u64,
    pub(super) content: Content,
}

const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

fn packing(bytes: &[u8]) -> Result<Option<Packing>, ReadError> {
    let unsupported = |what: &str| ReadError::Unsupported { offset: 0, what: what.to_owned() };
    if u8_at(bytes, 17) != 0 {
        return Err(ReadError::Encrypted { offset: 0, what: "an extent of a btrfs file".to_owned() });
    }
    if u16_at(bytes, 18) != 0 {
        return Err(unsupported("an unknown encoding of a btrfs extent"));
    }
    match u8_at(bytes, 16) {
        0 => Ok(None),
        1 => Ok(Some(Packing::Zlib)),
        2 => Ok(Some(Packing::Lzo)),
        3 => Ok(Some(Packing::Zstd)),
        _ => Err(unsupported("an unknown compression of a btrfs extent")),
    }
}

impl Extent {
    /// From an `EXTENT_DATA` item. `sector`: the file system's sector in bytes.
    pub(super) fn parse(item: &Item, sector: u64) -> Result<Self, ReadError> {
        let bytes = item.data();
        let start = item.key.offset;
        let kind = u8_at(bytes, 20);
        if bytes.len() < INLINE_HEAD_BYTES || (kind != 0 && bytes.len() != EXTENT_BYTES) || kind > 2 {
            return Err(corrupt("an extent of a file"));
        }
        let packing = packing(bytes)?;
        let unpacked_bytes = u64_at(bytes, 8);
        if kind == 0 {
            return Self::inline(start, bytes.len() - INLINE_HEAD_BYTES, packing, unpacked_bytes, sector);
        }
        let (logical, stored_bytes, skip, length) =
            (u64_at(bytes, 21), u64_at(bytes, 29), u64_at(bytes, 37), u64_at(bytes, 45));
        let is_aligned = [start, logical, stored_bytes, skip, length].iter().all(|at| at.is_multiple_of(sector));
        if !is_aligned || length == 0 || start.checked_add(length).is_none() {
            return Err(corrupt("an extent of a file"));
        }
        if logical == 0 || kind == 2 {
            return Ok(Self { start, length, content: Content::Zeros });
        }
        let most = if packing.is_some() { unpacked_bytes } else { stored_bytes };
        if skip.checked_add(length).is_none_or(|end| end > most) {
            return Err(corrupt("a range that reaches out of its extent"));
        }
        let content = match packing {
            None => {
                let logical = logical.checked_add(skip).ok_or(corrupt("an extent of a file"))?;
                Content::Plain { logical }
            }
            Some(packing) => {
                let bounded = |bytes: u64| {
                    let bytes = usize::try_from(bytes).ok().filter(|bytes| *bytes <= limits::BTRFS_PACKED_BYTES);
                    bytes.ok_or(ReadError::Limit { offset: logical, what: "bytes of a compressed btrfs extent" })
                };
                let (stored_bytes, unpacked_bytes) = (bounded(stored_bytes)?, bounded(unpacked_bytes)?);
                Content::Packed { packing, logical, stored_bytes, unpacked_bytes, skip: bounded(skip)? }
            }
        };
        Ok(Self { start, length, content })
    }

    fn inline(
        start: u64,
        stored_bytes: usize,
        packing: Option<Packing>,
        unpacked_bytes: u64,
        sector: u64,
    ) -> Result<Self, ReadError> {
        let unpacked = usize::try_from(unpacked_bytes).ok().filter(|bytes| *bytes <= limits::BTRFS_PACKED_BYTES);
        let unpacked = unpacked.filter(|bytes| packing.is_some() || *bytes == stored_bytes);
        let (0, Some(unpacked)) = (start, unpacked) else { return Err(corrupt("an inline extent")) };
        let length = unpacked_bytes.next_multiple_of(sector);
        Ok(Self { start, length, content: Content::Inline { packing, unpacked_bytes: unpacked } })
    }
}
