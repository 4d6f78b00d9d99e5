//! Raw images, whole or split: the stored files are what the guest saw, byte for byte.
//!
//! All segments but the last are of one size, of whole sectors, and the last one is no larger: that is how every tool
//! splits, and a segment that was cut would otherwise shift everything behind it. A last segment that is missing cannot be
//! seen; what is read past the end is then an error.
//!
//! **Invariant:** raw is never a fallback: its probe asks for something that stands at the beginning of a disk, and for no
//! mark of another image format.

use std::sync::Arc;

use super::segment::{self, Joined};
use super::signature::{self, Class, Known};
use super::{Image, ImageFormat, OpenedImage, Stored, StoredFile};
use crate::limits;
use crate::read_error::ReadError;

/// The row of the table.
pub const FORMAT: ImageFormat = ImageFormat { name: "raw", probe, open };

fn probe(stored: &Stored) -> Result<bool, ReadError> {
    let is_raw = |known: &[Known]| !known.is_empty() && known.iter().all(|known| known.class != Class::Container);
    // A name says nothing about a file that is in another format.
    let alone = signature::of(stored.file.as_ref())?;
    if alone.iter().any(|known| known.class == Class::Container) {
        return Ok(false);
    }
    let known = match segment::raw(stored)?.as_slice() {
        [_] => alone,
        segments => signature::of(&joined(segments)?)?,
    };
    Ok(is_raw(&known))
}

/// Opens it without asking what is in it: it is raw by the word of an image that stands on it.
pub fn open(stored: &Stored) -> Result<OpenedImage, ReadError> {
    stored.stands_alone()?;
    let files = segment::raw(stored)?;
    let bytes: Arc<dyn Image> = match files.as_slice() {
        [only] => Arc::clone(only) as Arc<dyn Image>,
        segments => Arc::new(joined(segments)?),
    };
    Ok(OpenedImage { format: FORMAT.name, bytes, files })
}

fn joined(segments: &[Arc<StoredFile>]) -> Result<Joined, ReadError> {
    let mut joined = Joined::new();
    let sizes: Vec<u64> = segments.iter().map(|segment| segment.size_bytes()).collect();
    if let [first, .., last] = sizes.as_slice()
        && let [_, middle @ .., _] = sizes.as_slice()
    {
        let is_even = first % limits::SECTOR_BYTES == 0 && middle.iter().all(|size| size == first) && last <= first;
        if !is_even || *last == 0 {
            return Err(ReadError::Corrupt { offset: 0, what: "the segments of a split image are not of one size" });
        }
    }
    for segment in segments {
        joined.push(Some((Arc::clone(segment) as Arc<dyn Image>, 0)), segment.size_bytes())?;
    }
    Ok(joined)
}

impl Image for StoredFile {
    fn size_bytes(&self) -> u64 {
        StoredFile::size_bytes(self)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        StoredFile::read_at(self, offset, buffer)
    }
}
