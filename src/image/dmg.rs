//! DMG images of macOS (UDIF), read by QEMU.
//!
//! The trailer stands at the file's end. What is compressed by a method that QEMU lacks (LZFSE, ADC, LZMA) is an error where
//! it is read.
//!
//! **Invariant:** a file that was cut has no trailer and is no DMG.

use std::sync::Arc;

use super::qemu::Disk;
use super::{ImageFormat, OpenedImage, Stored, signature};
use crate::limits;
use crate::read_error::ReadError;

/// The row of the table.
pub const FORMAT: ImageFormat = ImageFormat { name: "dmg", probe, open };

fn trailer(stored: &Stored) -> Result<Vec<u8>, ReadError> {
    let Some(start) = stored.file.size_bytes().checked_sub(limits::SECTOR_BYTES) else { return Ok(Vec::new()) };
    stored.file.read_up_to(start, 512)
}

fn probe(stored: &Stored) -> Result<bool, ReadError> {
    Ok(signature::of(stored.file.as_ref())?.iter().any(|known| known.name == signature::DMG))
}

fn open(stored: &Stored) -> Result<OpenedImage, ReadError> {
    stored.stands_alone()?;
    let trailer = trailer(stored)?;
    let sectors = trailer.get(492..500).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
    let mut disk = Disk::new(FORMAT.name, "dmg", Arc::clone(&stored.file) as _, false);
    disk.size_bytes =
        sectors.filter(|sectors| *sectors > 0).map(|sectors| sectors.saturating_mul(limits::SECTOR_BYTES));
    let files = vec![Arc::clone(&stored.file)];
    Ok(OpenedImage { format: FORMAT.name, bytes: disk.open(&stored.scratch)?, files })
}
