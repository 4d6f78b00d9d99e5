//! Images: addressable bytes behind a stored file, whatever the file's format.
//!
//! How to read is an open set: one file, one line in [`FORMATS`], one fixture. Exactly one probe may say yes; raw is
//! never a fallback, its probe asks for a file system or a partition table that it knows.
//!
//! **Invariant:** an image is opened for reading only, and nothing is written beside it.

use crate::read_error::ReadError;

/// Addressable bytes.
pub trait Image: Send + Sync {
    /// How many, as the guest saw them.
    fn size_bytes(&self) -> u64;

    /// Fills `buffer` from `offset`, or fails: a read that reaches past the end is an error.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError>;
}
