//! The volume descriptors: which tree of the volume is shown.
//!
//! **Invariant:** what stands beside the tree that is shown and holds more than it (a UDF, a later session) is refused.

use super::record::{both_u16, both_u32};
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

/// What a sector of the descriptors takes, whatever the block size.
pub(super) const SECTOR_BYTES: u64 = 2048;
/// The sector of the first descriptor.
const FIRST: u64 = 16;
/// What stands in every descriptor behind its kind.
const MARK: &[u8] = b"CD001";

/// A tree of a volume.
#[derive(Clone, Copy)]
pub(super) struct Tree {
    /// The length of a block, in bytes.
    pub(super) block_bytes: u64,
    /// The first block of the root, and its length in bytes.
    pub(super) root: (u32, u32),
}

/// The trees that a volume has.
pub(super) struct Trees {
    pub(super) primary: Tree,
    pub(super) joliet: Option<Tree>,
}

/// An ISO 9660 stands here.
pub(super) fn is_there(image: &dyn Image) -> Result<bool, ReadError> {
    if image.size_bytes() < (FIRST + 1) * SECTOR_BYTES {
        return Ok(false);
    }
    let mut head = [0; 6];
    image.read_at(FIRST * SECTOR_BYTES, &mut head)?;
    Ok(head.ends_with(MARK))
}

fn tree(sector: &[u8], offset: u64) -> Result<(Tree, u64), ReadError> {
    let corrupt = |what| ReadError::Corrupt { offset, what };
    let block_bytes = u64::from(both_u16(sector, 128).ok_or(corrupt("the block size of an ISO 9660"))?);
    if ![512, 1024, 2048].contains(&block_bytes) {
        return Err(corrupt("the block size of an ISO 9660"));
    }
    let root = sector.get(156..190).ok_or(corrupt("the root of an ISO 9660"))?;
    let place = both_u32(root, 2).zip(both_u32(root, 10)).ok_or(corrupt("the root of an ISO 9660"))?;
    let blocks = both_u32(sector, 80).ok_or(corrupt("the size of an ISO 9660"))?;
    Ok((Tree { block_bytes, root: place }, u64::from(blocks) * block_bytes))
}

/// Reads the descriptors.
pub(super) fn read(image: &dyn Image) -> Result<Trees, ReadError> {
    let (mut primary, mut joliet) = (None, None);
    let mut sector = [0; SECTOR_BYTES as usize];
    let mut number = FIRST;
    loop {
        let offset = number * SECTOR_BYTES;
        if number >= FIRST + limits::ISO_DESCRIPTORS {
            return Err(ReadError::Limit { offset, what: "volume descriptors" });
        }
        image.read_at(offset, &mut sector)?;
        number += 1;
        if sector.get(1..6) != Some(MARK) {
            return Err(ReadError::Corrupt { offset, what: "the volume descriptors end early" });
        }
        match sector.first() {
            Some(1) if primary.is_none() => primary = Some(tree(&sector, offset)?),
            Some(2) if joliet.is_none() && is_joliet(&sector) => joliet = Some(tree(&sector, offset)?.0),
            Some(255) => break,
            _ => {}
        }
    }
    let (primary, volume_bytes) =
        primary.ok_or(ReadError::Corrupt { offset: FIRST * SECTOR_BYTES, what: "no primary volume descriptor" })?;
    refuse_udf(image, number)?;
    if volume_bytes > image.size_bytes().next_multiple_of(SECTOR_BYTES) {
        // A tail of padding is often cut off; a file that reaches into it is an error of its own.
        return Ok(Trees { primary, joliet });
    }
    refuse_sessions(image, volume_bytes)?;
    Ok(Trees { primary, joliet })
}

/// UCS-2 of level 1, 2 or 3 (Joliet specification, 3.2).
fn is_joliet(sector: &[u8]) -> bool {
    let escape = sector.get(88..91);
    [b"%/@", b"%/C", b"%/E"].iter().any(|level| escape == Some(level.as_slice()))
}

/// A UDF beside it may hold files that this tree does not (ECMA-167, 2/9.1.2).
fn refuse_udf(image: &dyn Image, from: u64) -> Result<(), ReadError> {
    for number in from..from + 8 {
        let offset = number * SECTOR_BYTES;
        let mut mark = [0; 6];
        if offset + SECTOR_BYTES > image.size_bytes() {
            break;
        }
        image.read_at(offset, &mut mark)?;
        if mark.get(1..4) == Some(b"NSR") {
            return Err(ReadError::Unsupported { offset, what: "UDF beside an ISO 9660".to_owned() });
        }
    }
    Ok(())
}

/// A further session begins behind the first, at a multiple of 16 sectors.
fn refuse_sessions(image: &dyn Image, volume_bytes: u64) -> Result<(), ReadError> {
    let step = FIRST * SECTOR_BYTES;
    let mut at = volume_bytes.next_multiple_of(step);
    for _ in 0..limits::ISO_SESSION_PLACES {
        if at.saturating_add(SECTOR_BYTES) > image.size_bytes() {
            break;
        }
        let mut mark = [0; 6];
        image.read_at(at, &mut mark)?;
        if mark == *b"\x01CD001" {
            return Err(ReadError::Unsupported { offset: at, what: "an ISO 9660 of several sessions".to_owned() });
        }
        at += step;
    }
    Ok(())
}
