//! Bytes that are put together of stretches of other images.
//!
//! **Invariant:** every stretch lies inside its image, the stretches follow one another without a gap, and what has no bytes
//! behind it is an error when it is read, never zeros.

use std::sync::Arc;

use crate::image::Image;
use crate::read_error::ReadError;

/// Where the bytes of a stretch are.
pub enum Source {
    /// One after the other, from this offset.
    Linear(Arc<dyn Image>, u64),
    /// In chunks of so many bytes, by turns in each column (dm-stripe): an image and an offset in it.
    Striped(u64, Vec<(Arc<dyn Image>, u64)>),
    /// They are zeros by definition.
    Zero,
    /// They are not there: why.
    Lost(&'static str),
}

struct Stretch {
    start: u64,
    length: u64,
    source: Source,
}

/// An image of stretches.
#[derive(Default)]
pub struct Mapped {
    stretches: Vec<Stretch>,
    size_bytes: u64,
}

impl Mapped {
    /// A window on an image, in bytes; an error where it reaches outside.
    pub fn window(image: &Arc<dyn Image>, offset: u64, length: u64) -> Result<Arc<dyn Image>, ReadError> {
        let mut mapped = Self::default();
        mapped.push(length, Source::Linear(Arc::clone(image), offset))?;
        Ok(Arc::new(mapped))
    }

    /// Adds a stretch of `length` bytes behind the others.
    pub fn push(&mut self, length: u64, source: Source) -> Result<(), ReadError> {
        let outside = |offset| ReadError::Corrupt { offset, what: "a part of a volume lies outside what holds it" };
        let fits = |image: &Arc<dyn Image>, offset: u64, length: u64| {
            offset.checked_add(length).is_some_and(|end| end <= image.size_bytes())
        };
        match &source {
            Source::Linear(image, offset) if !fits(image, *offset, length) => return Err(outside(*offset)),
            Source::Striped(chunk_bytes, columns) => {
                let count = u64::try_from(columns.len()).unwrap_or(0);
                let width = chunk_bytes.checked_mul(count).filter(|width| *width > 0);
                if width.is_none_or(|width| !length.is_multiple_of(width)) {
                    return Err(ReadError::Corrupt { offset: 0, what: "stripes that do not fill their volume" });
                }
                let each = length.checked_div(count).unwrap_or(0);
                if let Some((_, offset)) = columns.iter().find(|(image, offset)| !fits(image, *offset, each)) {
                    return Err(outside(*offset));
                }
            }
            Source::Linear(..) | Source::Zero | Source::Lost(_) => {}
        }
        let start = self.size_bytes;
        self.size_bytes = start.checked_add(length).ok_or_else(|| outside(start))?;
        if length > 0 {
            self.stretches.push(Stretch { start, length, source });
        }
        Ok(())
    }
}

impl Image for Mapped {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let past = || ReadError::Corrupt { offset, what: "a read past the end of a volume" };
        let wanted = u64::try_from(buffer.len()).map_err(|_| past())?;
        if offset.checked_add(wanted).is_none_or(|end| end > self.size_bytes) {
            return Err(past());
        }
        let mut index = self.stretches.partition_point(|stretch| stretch.start <= offset).saturating_sub(1);
        let (mut at, mut rest) = (offset, buffer);
        while !rest.is_empty() {
            let stretch = self.stretches.get(index).ok_or_else(past)?;
            let within = at.checked_sub(stretch.start).ok_or_else(past)?;
            let left = usize::try_from(stretch.length.saturating_sub(within)).unwrap_or(usize::MAX);
            let (part, behind) = rest.split_at_mut(left.min(rest.len()));
            at = at.saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
            stretch.read(within, part)?;
            rest = behind;
            index += 1;
        }
        Ok(())
    }
}

impl Stretch {
    /// Fills `part` from `within` the stretch. That it lies inside was seen by the caller, that each column does by `push`.
    fn read(&self, within: u64, part: &mut [u8]) -> Result<(), ReadError> {
        match &self.source {
            Source::Linear(image, offset) => image.read_at(offset.saturating_add(within), part),
            Source::Zero => {
                part.fill(0);
                Ok(())
            }
            Source::Lost(what) => Err(ReadError::Corrupt { offset: self.start.saturating_add(within), what }),
            Source::Striped(chunk_bytes, columns) => striped(*chunk_bytes, columns, within, part),
        }
    }
}

fn striped(chunk_bytes: u64, columns: &[(Arc<dyn Image>, u64)], within: u64, part: &mut [u8]) -> Result<(), ReadError> {
    let broken = || ReadError::Corrupt { offset: within, what: "stripes without a width" };
    let count = u64::try_from(columns.len()).map_err(|_| broken())?;
    let (mut at, mut rest) = (within, part);
    while !rest.is_empty() {
        let chunk = at.checked_div(chunk_bytes).ok_or_else(broken)?;
        let inside = at.checked_rem(chunk_bytes).ok_or_else(broken)?;
        let column = chunk.checked_rem(count).and_then(|column| usize::try_from(column).ok()).ok_or_else(broken)?;
        let row = chunk.checked_div(count).ok_or_else(broken)?;
        let (image, offset) = columns.get(column).ok_or_else(broken)?;
        let left = usize::try_from(chunk_bytes.saturating_sub(inside)).unwrap_or(usize::MAX);
        let (piece, behind) = rest.split_at_mut(left.min(rest.len()));
        let place = row.checked_mul(chunk_bytes).and_then(|start| start.checked_add(inside)?.checked_add(*offset));
        image.read_at(place.ok_or_else(broken)?, piece)?;
        at = at.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        rest = behind;
    }
    Ok(())
}
