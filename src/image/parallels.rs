//! Parallels disk images (`.hds`), read by QEMU.
//!
//! QEMU measures its tables by the file's size, so the file is offered in its own; that every block lies within it is
//! checked here first. The format is QEMU's `docs/interop/parallels.txt`.
//!
//! **Invariant:** every block that the table names lies within the stored file; an image that was not closed is refused.

use std::sync::Arc;

use super::qemu::Disk;
use super::{ImageFormat, OpenedImage, Stored, StoredFile, unsupported};
use crate::limits;
use crate::read_error::ReadError;

/// The row of the table.
pub const FORMAT: ImageFormat = ImageFormat { name: "parallels", probe, open };

const OLD: &[u8] = b"WithoutFreeSpace";
const NEW: &[u8] = b"WithouFreSpacExt";
/// The table begins behind the header.
const TABLE: u64 = 64;
/// The mark of an image that is being written.
const IN_USE: u32 = 0x746f_6e59;

fn probe(stored: &Stored) -> Result<bool, ReadError> {
    let head = stored.file.read_up_to(0, 16)?;
    Ok(head == OLD || head == NEW)
}

fn open(stored: &Stored) -> Result<OpenedImage, ReadError> {
    stored.stands_alone()?;
    let head = stored.file.read_up_to(0, 64)?;
    let word = |at: usize| head.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    let long = |at: usize| head.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes);
    let fields = (word(28), word(32), long(36), word(44));
    let (Some(block), Some(entries), Some(sectors), Some(state)) = fields else {
        return Err(ReadError::Corrupt { offset: 0, what: "the Parallels header ends early" });
    };
    if state == IN_USE {
        return Err(unsupported("a Parallels image that was not closed"));
    }
    let is_old = head.starts_with(OLD);
    // Before the extended format the upper half of the size was not used.
    let sectors = if is_old { sectors & u64::from(u32::MAX) } else { sectors };
    check_table(&stored.file, u64::from(entries), u64::from(block), is_old)?;
    let mut disk = Disk::new(FORMAT.name, "parallels", Arc::clone(&stored.file) as _, false);
    disk.size_bytes = Some(sectors.saturating_mul(limits::SECTOR_BYTES));
    let files = vec![Arc::clone(&stored.file)];
    Ok(OpenedImage { format: FORMAT.name, bytes: disk.open(&stored.scratch)?, files })
}

/// `block`: sectors of one block.
fn check_table(stored: &StoredFile, entries: u64, block: u64, is_old: bool) -> Result<(), ReadError> {
    let corrupt = |offset| ReadError::Corrupt { offset, what: "the Parallels table names a block outside the file" };
    let unit = if is_old { limits::SECTOR_BYTES } else { block.saturating_mul(limits::SECTOR_BYTES) };
    let length = block.saturating_mul(limits::SECTOR_BYTES);
    let end = TABLE.saturating_add(entries.saturating_mul(4));
    if block == 0 || end > stored.size_bytes() {
        return Err(corrupt(32));
    }
    let mut at = TABLE;
    while at < end {
        let left = usize::try_from(end - at).unwrap_or(usize::MAX).min(limits::CHUNK_BYTES);
        let part = stored.read_up_to(at, left)?;
        for entry in part.as_chunks::<4>().0 {
            let begin = u64::from(u32::from_le_bytes(*entry)).saturating_mul(unit);
            if begin != 0 && begin.saturating_add(length) > stored.size_bytes() {
                return Err(corrupt(at));
            }
            at += 4;
        }
    }
    Ok(())
}
