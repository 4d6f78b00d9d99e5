//! VDI images of VirtualBox, read by QEMU.
//!
//! The header is that of VirtualBox's `VDICore.h`, version 1.1.
//!
//! **Invariant:** an image of changes is refused, since QEMU would read it without the image behind it.

use std::sync::Arc;

use super::qemu::Disk;
use super::{ImageFormat, OpenedImage, Stored, unsupported};
use crate::read_error::ReadError;

/// The row of the table.
pub const FORMAT: ImageFormat = ImageFormat { name: "vdi", probe, open };

fn probe(stored: &Stored) -> Result<bool, ReadError> {
    Ok(stored.file.read_up_to(64, 4)? == b"\x7f\x10\xda\xbe")
}

fn open(stored: &Stored) -> Result<OpenedImage, ReadError> {
    stored.stands_alone()?;
    let head = stored.file.read_up_to(0, 512)?;
    let word = |at: usize| head.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    let long = |at: usize| head.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes);
    let (Some(kind), Some(size), Some(links)) = (word(76), long(368), head.get(424..456)) else {
        return Err(ReadError::Corrupt { offset: 0, what: "the VDI header ends early" });
    };
    if !matches!(kind, 1 | 2) || links.iter().any(|byte| *byte != 0) {
        return Err(unsupported("a VDI image of changes to another one"));
    }
    let mut disk = Disk::new(FORMAT.name, "vdi", Arc::clone(&stored.file) as _, true);
    disk.size_bytes = Some(size);
    let files = vec![Arc::clone(&stored.file)];
    Ok(OpenedImage { format: FORMAT.name, bytes: disk.open(&stored.scratch)?, files })
}
