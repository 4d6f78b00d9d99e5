//! qcow images of version 1, read by QEMU.
//!
//! The header is that of QEMU's `block/qcow.c`; there is no document.
//!
//! **Invariant:** an encrypted image, and one whose backing file was not named, is refused.

use std::sync::Arc;

use super::backing::{self, Stated};
use super::qemu::Disk;
use super::{ImageFormat, OpenedImage, Stored};
use crate::read_error::ReadError;

/// The row of the table.
pub const FORMAT: ImageFormat = ImageFormat { name: "qcow", probe, open };

fn probe(stored: &Stored) -> Result<bool, ReadError> {
    Ok(stored.file.read_up_to(0, 8)? == b"QFI\xfb\0\0\0\x01")
}

fn open(stored: &Stored) -> Result<OpenedImage, ReadError> {
    stored.has_no_snapshot()?;
    let head = stored.file.read_up_to(0, 48)?;
    let long = |at: usize| head.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_be_bytes);
    let word = |at: usize| head.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
    let (Some(behind), Some(size), Some(crypt)) = (long(8), long(24), word(36)) else {
        return Err(ReadError::Corrupt { offset: 0, what: "the qcow header ends early" });
    };
    if crypt != 0 {
        return Err(ReadError::Encrypted { offset: 36, what: "qcow".to_owned() });
    }
    let mut disk = Disk::new(FORMAT.name, "qcow", Arc::clone(&stored.file) as _, true);
    disk.size_bytes = Some(size);
    let mut files = vec![Arc::clone(&stored.file)];
    if behind == 0 {
        stored.stands_alone()?;
    } else {
        let base = backing::open(stored, &Stated::Anything)?;
        disk.backing = Some(base.bytes);
        // Where the header says where its name is.
        disk.file.blank.push(8..20);
        files.extend(base.files);
    }
    Ok(OpenedImage { format: FORMAT.name, bytes: disk.open(&stored.scratch)?, files })
}
