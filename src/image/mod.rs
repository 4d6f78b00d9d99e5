//! Images: addressable bytes behind a stored file, whatever the file's format.
//!
//! How to read is an open set: one file, one line in [`FORMATS`], one fixture. Exactly one probe may say yes; raw is
//! never a fallback, its probe asks for a file system that this version reads. What else a stored file is known to be
//! is refused by its name.
//!
//! **Invariant:** an image is opened for reading only, and nothing is written beside it.

mod hashing;
mod qcow2;
mod raw;
pub mod signature;
mod stored;
mod window;

use std::sync::Arc;

pub use hashing::{Hashing, hash_beside};
pub use stored::{Identity, StoredFile};
pub use window::Windowed;

use crate::read_error::ReadError;

/// Addressable bytes.
pub trait Image: Send + Sync {
    /// How many, as the guest saw them.
    fn size_bytes(&self) -> u64;

    /// Fills `buffer` from `offset`, or fails: a read that reaches past the end is an error.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError>;
}

/// Opens an image that is in a stored file.
type Open = fn(Arc<StoredFile>) -> Result<Arc<dyn Image>, ReadError>;

/// An image format.
pub struct ImageFormat {
    /// Its name, as a source's kind in the package.
    pub name: &'static str,
    /// The stored file is in this format.
    probe: fn(&StoredFile) -> Result<bool, ReadError>,
    /// Opens it; what the format can and this version cannot is refused by name.
    open: Open,
}

/// Every image format.
pub static FORMATS: [ImageFormat; 2] = [raw::FORMAT, qcow2::FORMAT];

/// Opens a stored file in the one format that claims it, with that format's name.
pub fn open(stored: &Arc<StoredFile>) -> Result<(&'static str, Arc<dyn Image>), ReadError> {
    let mut fitting = Vec::new();
    for format in &FORMATS {
        if (format.probe)(stored)? {
            fitting.push(format);
        }
    }
    match fitting.as_slice() {
        [format] => Ok((format.name, (format.open)(Arc::clone(stored))?)),
        [] => Err(signature::refusal(&signature::of(stored.as_ref())?)),
        [first, second, ..] => Err(ReadError::Unsupported {
            offset: 0,
            what: format!("an image that is both {} and {}", first.name, second.name),
        }),
    }
}
