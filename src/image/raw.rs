//! Raw images: the stored file is what the guest saw, byte for byte.
//!
//! **Invariant:** raw is never a fallback: its probe asks for something that stands at the beginning of a disk, and for no
//! mark of another image format.

use std::sync::Arc;

use super::signature::{self, Class};
use super::{Image, ImageFormat, OpenedImage, Stored, StoredFile};
use crate::read_error::ReadError;

/// The row of the table.
pub const FORMAT: ImageFormat = ImageFormat { name: "raw", probe, open };

fn probe(stored: &StoredFile) -> Result<bool, ReadError> {
    let known = signature::of(stored)?;
    Ok(!known.is_empty() && known.iter().all(|known| known.class != Class::Container))
}

fn open(stored: &Stored) -> Result<OpenedImage, ReadError> {
    let file = Arc::clone(&stored.file);
    Ok(OpenedImage { format: FORMAT.name, bytes: Arc::clone(&file) as Arc<dyn Image>, files: vec![file] })
}

impl Image for StoredFile {
    fn size_bytes(&self) -> u64 {
        StoredFile::size_bytes(self)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        StoredFile::read_at(self, offset, buffer)
    }
}
