//! What an image stands on: the files that the operator names, and no other.
//!
//! An image of changes (an overlay, a linked clone) holds the path of the image that it was made from. That path is of
//! another machine, or of an attacker's choice, and it is never opened. A file that is shorter than the image which
//! stands on it reads as zeros behind its end, as QEMU does it.
//!
//! **Invariant:** a file of the chain is opened only where the operator named it; one that is missing and one too many are
//! refused; a file is taken as raw only where the image that stands on it says so.

use std::sync::Arc;

use super::{Image, OpenedImage, Stored, StoredFile, raw, unsupported};
use crate::limits;
use crate::read_error::ReadError;

/// What an image says of the format of the one behind it.
pub enum Stated<'f> {
    /// Nothing: it is found out, and raw is then refused.
    Nothing,
    /// Nothing can be said in this format, and the tools that write it take any image.
    Anything,
    /// QEMU's name of it.
    Format(&'f [u8]),
}

/// Opens what stands behind `stored`, whose header says that there is something.
pub fn open(stored: &Stored, stated: &Stated<'_>) -> Result<OpenedImage, ReadError> {
    let Some((nearest, behind)) = stored.backing.split_first() else {
        return Err(unsupported("an image with a backing file; name it as this source's backing, nearest first"));
    };
    if behind.len() >= limits::BACKING_DEPTH {
        return Err(ReadError::Limit { offset: 0, what: "images behind one another" });
    }
    let place = nearest.canonicalize().map_err(|error| ReadError::io(0, error))?;
    let base = Stored {
        file: Arc::new(StoredFile::open(&place)?),
        place,
        backing: behind.to_vec(),
        snapshot: None,
        scratch: stored.scratch.clone(),
    };
    if matches!(stated, Stated::Format(b"raw")) {
        return raw::open(&base);
    }
    let opened = super::open(&base)?;
    match stated {
        Stated::Format(name) if *name != driver_of(opened.format) => {
            Err(unsupported("a backing file that is not in the format that the image in front of it states"))
        }
        Stated::Nothing if opened.format == raw::FORMAT.name => {
            Err(unsupported("a raw backing file behind an image that does not say it is raw"))
        }
        _ => Ok(opened),
    }
}

/// QEMU's name of a format.
fn driver_of(format: &str) -> &[u8] {
    match format {
        "vhd" => b"vpc",
        other => other.as_bytes(),
    }
}

/// Fills `buffer` from `offset` of an image that another one stands on.
pub fn read(base: &dyn Image, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
    let there = usize::try_from(base.size_bytes().saturating_sub(offset)).unwrap_or(usize::MAX);
    let (within, behind) = buffer.split_at_mut(there.min(buffer.len()));
    behind.fill(0);
    if within.is_empty() { Ok(()) } else { base.read_at(offset, within) }
}
