//! Raw images: the stored file is what the guest saw, byte for byte.
//!
//! **Invariant:** raw is never a fallback: its probe asks for a file system that this version reads, and for nothing
//! else.

use std::sync::Arc;

use super::{Image, ImageFormat, StoredFile, signature};
use crate::read_error::ReadError;

/// The row of the table.
pub const FORMAT: ImageFormat = ImageFormat { name: "raw", probe, open };

fn probe(stored: &StoredFile) -> Result<bool, ReadError> {
    Ok(signature::of(stored)?.as_slice() == [signature::EXT])
}

fn open(stored: Arc<StoredFile>) -> Result<Arc<dyn Image>, ReadError> {
    Ok(stored)
}

impl Image for StoredFile {
    fn size_bytes(&self) -> u64 {
        StoredFile::size_bytes(self)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        StoredFile::read_at(self, offset, buffer)
    }
}
