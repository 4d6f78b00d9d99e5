//! VHDX images of Hyper-V, read by QEMU.
//!
//! QEMU does not replay a log in an image that it may not write: an image with one is refused by name. It reads no image
//! of changes. The format is Microsoft's [MS-VHDX].
//!
//! **Invariant:** what QEMU reads is the image as its log left it, or nothing.

use std::sync::Arc;

use super::qemu::Disk;
use super::{ImageFormat, OpenedImage, Stored};
use crate::read_error::ReadError;

/// The row of the table.
pub const FORMAT: ImageFormat = ImageFormat { name: "vhdx", probe, open };

fn probe(stored: &Stored) -> Result<bool, ReadError> {
    Ok(stored.file.read_up_to(0, 8)? == b"vhdxfile")
}

fn open(stored: &Stored) -> Result<OpenedImage, ReadError> {
    stored.stands_alone()?;
    let disk = Disk::new(FORMAT.name, "vhdx", Arc::clone(&stored.file) as _, true);
    let files = vec![Arc::clone(&stored.file)];
    Ok(OpenedImage { format: FORMAT.name, bytes: disk.open(&stored.scratch)?, files })
}
