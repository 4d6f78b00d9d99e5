//! Unpacking a stream once into a private file, under bounds.
//!
//! **Invariant:** the file has no name, so that it ends with the program; no more is written than the budget allows.

use std::fs::File;
use std::io::{Read, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

/// What unpacking may come to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Unpacked bytes in all.
    pub(super) unpacked_bytes: u64,
    /// The stored bytes that they come from, where that is known: the ratio is bounded too.
    pub(super) packed_bytes: Option<u64>,
}

impl Budget {
    /// For so many stored bytes.
    pub(super) fn of_packed(packed_bytes: u64) -> Self {
        Self { unpacked_bytes: limits::ARCHIVE_UNPACKED_BYTES, packed_bytes: Some(packed_bytes) }
    }

    fn holds(self, written: u64) -> Result<(), ReadError> {
        let ratio = self.packed_bytes.map_or(u64::MAX, |packed| packed.saturating_mul(limits::ARCHIVE_RATIO));
        let what = if written > self.unpacked_bytes {
            "unpacked bytes of one archive"
        } else if written > limits::ARCHIVE_RATIO_FREE_BYTES.max(ratio) {
            "how many times its stored bytes an archive unpacks to"
        } else {
            return Ok(());
        };
        Err(ReadError::Limit { offset: written, what })
    }
}

struct Spooled {
    file: File,
    size_bytes: u64,
}

impl Image for Spooled {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        self.file.read_exact_at(buffer, offset).map_err(|error| ReadError::io(offset, error))
    }
}

/// Keeps a stream in an unnamed file in `scratch`, so that it can be read at any place.
///
/// # Errors
/// The stream's own error, one of writing, or [`ReadError::Limit`] over [`limits::ARCHIVE_UNPACKED_BYTES`].
pub fn spool(stream: &mut dyn Read, scratch: &Path) -> Result<Arc<dyn Image>, ReadError> {
    let budget = Budget { unpacked_bytes: limits::ARCHIVE_UNPACKED_BYTES, packed_bytes: None };
    match as_far_as_it_goes(stream, scratch, budget)? {
        (image, None) => Ok(image),
        (_, Some(error)) => Err(error),
    }
}

/// The same; what was read before the stream's error is given beside it.
pub(super) fn as_far_as_it_goes(
    stream: &mut dyn Read,
    scratch: &Path,
    budget: Budget,
) -> Result<(Arc<dyn Image>, Option<ReadError>), ReadError> {
    let mut file = tempfile::tempfile_in(scratch).map_err(|error| ReadError::io(0, error))?;
    let mut room = vec![0; limits::CHUNK_BYTES];
    let mut size_bytes = 0;
    let cut = loop {
        match stream.read(&mut room) {
            Ok(0) => break None,
            Ok(count) => {
                if let Err(limit) = budget.holds(size_bytes + count as u64) {
                    break Some(limit);
                }
                let part = room.get(..count).unwrap_or_default();
                file.write_all(part).map_err(|error| ReadError::io(size_bytes, error))?;
                size_bytes += count as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => break Some(damage(size_bytes, error)),
        }
    };
    Ok((Arc::new(Spooled { file, size_bytes }), cut))
}

/// What a decoder says: an error of reading that it hands on, or damage.
pub(super) fn damage(offset: u64, error: std::io::Error) -> ReadError {
    match error.downcast::<ReadError>() {
        Ok(error) => error,
        Err(_) => ReadError::Corrupt { offset, what: "the packed bytes end early or contradict themselves" },
    }
}
