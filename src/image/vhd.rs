//! VHD images of Virtual PC and Hyper-V: fixed ones by ourselves, dynamic ones by QEMU.
//!
//! A fixed image is a raw disk with a footer behind it. The size is the footer's own and not that of its geometry, which
//! is rounded down and would hide the end of the disk. The format is Microsoft's "Virtual Hard Disk Image Format
//! Specification", 1.0.
//!
//! **Invariant:** a footer whose sum is wrong is damage; an image of changes is refused, since QEMU would read it without
//! the image behind it.

use std::sync::Arc;

use super::qemu::Disk;
use super::segment::Joined;
use super::{Image, ImageFormat, OpenedImage, Stored, StoredFile, signature, unsupported};
use crate::read_error::ReadError;

/// The row of the table.
pub const FORMAT: ImageFormat = ImageFormat { name: "vhd", probe, open };

const MARK: &[u8] = b"conectix";
const FIXED: u32 = 2;
const DYNAMIC: u32 = 3;
const DIFFERENCING: u32 = 4;

/// Where the footer at the end begins, and the footer. Old versions of Virtual PC wrote 511 bytes.
fn footer(stored: &StoredFile) -> Result<Option<(u64, Vec<u8>)>, ReadError> {
    for length in [512, 511] {
        if let Some(start) = stored.size_bytes().checked_sub(length) {
            let footer = stored.read_up_to(start, 512)?;
            if footer.starts_with(MARK) {
                return Ok(Some((start, footer)));
            }
        }
    }
    Ok(None)
}

fn probe(stored: &Stored) -> Result<bool, ReadError> {
    Ok(signature::of(stored.file.as_ref())?.iter().any(|known| known.name == signature::VHD))
}

fn open(stored: &Stored) -> Result<OpenedImage, ReadError> {
    stored.stands_alone()?;
    let files = vec![Arc::clone(&stored.file)];
    let copy = stored.file.read_up_to(0, 512)?;
    let (end, footer) = match footer(&stored.file)? {
        _ if copy.starts_with(MARK) => (0, copy),
        Some(footer) => footer,
        None => return Err(ReadError::Corrupt { offset: 0, what: "the VHD footer is lost" }),
    };
    let word = |at: usize| footer.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
    let size = footer.get(48..56).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
    let (Some(kind), Some(stated), Some(size)) = (word(60), word(64), size) else {
        return Err(ReadError::Corrupt { offset: end, what: "the VHD footer ends early" });
    };
    if sum(&footer, 64) != stated {
        return Err(ReadError::Corrupt { offset: end, what: "the sum of the VHD footer" });
    }
    let bytes: Arc<dyn Image> = match kind {
        FIXED if end > 0 => {
            let mut joined = Joined::new();
            if size > end {
                return Err(ReadError::Corrupt { offset: end, what: "the stored image ends before this" });
            }
            joined.push(Some((Arc::clone(&stored.file) as Arc<dyn Image>, 0)), size)?;
            Arc::new(joined)
        }
        DYNAMIC if end == 0 => {
            check_header(&stored.file, &footer)?;
            let mut disk = Disk::new(FORMAT.name, "vpc", Arc::clone(&stored.file) as _, true);
            disk.options.push(("force_size_calc", "current_size"));
            disk.size_bytes = Some(size);
            disk.open(&stored.scratch)?
        }
        DIFFERENCING => return Err(unsupported("a VHD image of changes to another one")),
        FIXED | DYNAMIC => return Err(ReadError::Corrupt { offset: 0, what: "the VHD footer is not in its place" }),
        _ => return Err(unsupported("a VHD image of an unknown type")),
    };
    Ok(OpenedImage { format: FORMAT.name, bytes, files })
}

/// The header of a dynamic image, of which QEMU checks no sum.
fn check_header(stored: &StoredFile, footer: &[u8]) -> Result<(), ReadError> {
    let place = footer.get(16..24).and_then(|bytes| bytes.try_into().ok()).map_or(u64::MAX, u64::from_be_bytes);
    let mut header = [0; 1024];
    stored.read_at(place, &mut header)?;
    let stated = header.get(36..40).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
    if !header.starts_with(b"cxsparse") || stated != Some(sum(&header, 36)) {
        return Err(ReadError::Corrupt { offset: place, what: "the header of a dynamic VHD" });
    }
    Ok(())
}

/// The complement of the sum of all bytes but the sum's own four.
fn sum(bytes: &[u8], own: usize) -> u32 {
    let counted = bytes.iter().enumerate().filter(|(at, _)| !(own..own + 4).contains(at));
    !counted.fold(0_u32, |sum, (_, byte)| sum.wrapping_add(u32::from(*byte)))
}
