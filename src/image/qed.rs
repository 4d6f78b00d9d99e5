//! QED images, read by QEMU.
//!
//! The format is QEMU's `docs/interop/qed_spec.rst`.
//!
//! **Invariant:** an image that was not closed is refused, since its tables may be behind its data; so is one whose backing
//! file was not named, and one with a feature that the document does not know.

use std::sync::Arc;

use super::backing::{self, Stated};
use super::qemu::Disk;
use super::{ImageFormat, OpenedImage, Stored, unsupported};
use crate::read_error::ReadError;

/// The row of the table.
pub const FORMAT: ImageFormat = ImageFormat { name: "qed", probe, open };

/// Feature bits: there is a backing file; the tables need a check; the backing file is raw.
const BACKING: u64 = 1;
const NEED_CHECK: u64 = 2;
const BACKING_IS_RAW: u64 = 4;

fn probe(stored: &Stored) -> Result<bool, ReadError> {
    Ok(stored.file.read_up_to(0, 4)? == b"QED\0")
}

fn open(stored: &Stored) -> Result<OpenedImage, ReadError> {
    stored.has_no_snapshot()?;
    let head = stored.file.read_up_to(0, 64)?;
    let long = |at: usize| head.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes);
    let (Some(features), Some(size)) = (long(16), long(48)) else {
        return Err(ReadError::Corrupt { offset: 0, what: "the QED header ends early" });
    };
    if features & NEED_CHECK != 0 {
        return Err(unsupported("a QED image that was not closed"));
    }
    if features & !(BACKING | BACKING_IS_RAW) != 0 {
        return Err(unsupported("a QED image with an unknown feature"));
    }
    let mut disk = Disk::new(FORMAT.name, "qed", Arc::clone(&stored.file) as _, true);
    disk.size_bytes = Some(size);
    let mut files = vec![Arc::clone(&stored.file)];
    if features & BACKING == 0 {
        stored.stands_alone()?;
    } else {
        let is_raw = features & BACKING_IS_RAW != 0;
        let base = backing::open(stored, if is_raw { &Stated::Format(b"raw") } else { &Stated::Nothing })?;
        disk.backing = Some(base.bytes);
        // The features, of which there are only these two, and where the name is.
        disk.file.blank.extend([16..24, 56..64]);
        files.extend(base.files);
    }
    Ok(OpenedImage { format: FORMAT.name, bytes: disk.open(&stored.scratch)?, files })
}
