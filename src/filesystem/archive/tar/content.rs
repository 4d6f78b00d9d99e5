//! A member's content as a stream.
//!
//! **Invariant:** a stream gives as many bytes as the member has, or what is there of them and then an error.

use std::io::Read;
use std::sync::Arc;

use super::extended::decimal;
use super::header::{BLOCK, BLOCK_BYTES};
use crate::filesystem::archive::unnamed::ImageStream;
use crate::filesystem::extent::{ExtentStream, Extents};
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

/// How a sparse file is stored.
pub(super) enum Sparse {
    /// Its runs stood in headers.
    Runs(Extents),
    /// They stand before its data (format 1.0).
    InData,
    /// It is in a format that is not read, by its name.
    Refused(&'static str),
    /// Its runs contradict themselves.
    Damaged,
}

/// Where runs of a file that is `real` bytes long stand, one behind the other from `at`, in `stored` bytes.
pub(super) fn extents(runs: &[(u64, u64)], at: u64, stored: u64, real: u64) -> Result<Extents, ReadError> {
    let contradiction = || ReadError::Corrupt { offset: at, what: "pieces of a sparse file that contradict its size" };
    let (mut extents, mut place, mut end) = (Extents::default(), at, 0_u64);
    for (start, length) in runs {
        extents.push(start.checked_sub(end).ok_or_else(contradiction)?, None)?;
        extents.push(*length, Some(place))?;
        end = start.checked_add(*length).ok_or_else(contradiction)?;
        place = place.checked_add(*length).ok_or_else(contradiction)?;
    }
    if place.checked_sub(at) != Some(stored) {
        return Err(contradiction());
    }
    extents.push(real.checked_sub(end).ok_or_else(contradiction)?, None)?;
    Ok(extents)
}

/// The content of a member in one piece.
pub(super) fn plain(image: &Arc<dyn Image>, at: u64, size_bytes: u64) -> Box<dyn Read + Send> {
    let end = at.saturating_add(size_bytes);
    Box::new(Whole { stream: ImageStream::new(Arc::clone(image), at, end), at, left: size_bytes })
}

/// The content of a sparse one.
pub(super) fn sparse(
    image: &Arc<dyn Image>,
    sparse: &Sparse,
    at: u64,
    stored: u64,
    real: u64,
) -> Result<Box<dyn Read + Send>, ReadError> {
    let extents = match sparse {
        Sparse::Runs(extents) => extents.clone(),
        Sparse::InData => in_data(image, at, stored, real)?,
        Sparse::Refused(what) => return Err(ReadError::Unsupported { offset: at, what: (*what).to_owned() }),
        Sparse::Damaged => {
            return Err(ReadError::Corrupt { offset: at, what: "pieces of a sparse file that contradict its size" });
        }
    };
    if real > limits::ARCHIVE_BYTES {
        return Err(ReadError::Limit { offset: at, what: "bytes of one archive" });
    }
    Ok(Box::new(ExtentStream::new(Arc::clone(image), extents, real, real)?))
}

/// Runs that stand before the data: how many, then each one's place and length, in decimal lines; filled up to a block.
fn in_data(image: &Arc<dyn Image>, at: u64, stored: u64, real: u64) -> Result<Extents, ReadError> {
    let malformed = || ReadError::Corrupt { offset: at, what: "the pieces of a sparse file" };
    let end = at.checked_add(stored).ok_or_else(malformed)?;
    let mut lines = Lines { image: image.as_ref(), next: at, end, block: Vec::new(), taken: 0 };
    let count = lines.number().ok_or_else(malformed)?;
    let count = usize::try_from(count).ok().filter(|count| *count <= limits::ARCHIVE_RUNS);
    let count = count.ok_or(ReadError::Limit { offset: at, what: "pieces of one file" })?;
    let mut runs = Vec::new();
    for _ in 0..count {
        runs.push((lines.number().ok_or_else(malformed)?, lines.number().ok_or_else(malformed)?));
    }
    let data = lines.next;
    extents(&runs, data, end.checked_sub(data).ok_or_else(malformed)?, real)
}

/// Decimal lines in blocks.
struct Lines<'i> {
    image: &'i dyn Image,
    /// Behind the block that is held.
    next: u64,
    end: u64,
    block: Vec<u8>,
    taken: usize,
}

impl Lines<'_> {
    fn byte(&mut self) -> Option<u8> {
        if self.taken >= self.block.len() {
            let next = self.next.checked_add(BLOCK_BYTES).filter(|next| *next <= self.end)?;
            self.block.resize(BLOCK, 0);
            self.image.read_at(self.next, &mut self.block).ok()?;
            (self.next, self.taken) = (next, 0);
        }
        let byte = self.block.get(self.taken).copied();
        self.taken += 1;
        byte
    }

    fn number(&mut self) -> Option<u64> {
        let mut digits = Vec::new();
        // No number has more digits.
        for _ in 0..21 {
            match self.byte()? {
                b'\n' => return decimal(&digits),
                digit => digits.push(digit),
            }
        }
        None
    }
}

/// A span of the archive that must be there to its end.
struct Whole {
    stream: ImageStream,
    at: u64,
    left: u64,
}

impl Read for Whole {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let count = self.stream.read(room)?;
        if count == 0 && self.left > 0 && !room.is_empty() {
            return Err(ReadError::Corrupt { offset: self.at, what: "a member that the archive cuts short" }.into());
        }
        self.left = self.left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}
