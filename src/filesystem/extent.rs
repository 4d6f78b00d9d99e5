//! Where a file's bytes stand on a volume, and the stream that reads them there.
//!
//! FAT, exFAT and NTFS find a file's runs of clusters each in its own way; what is read through them is the same.
//!
//! **Invariant:** a stream gives exactly as many bytes as its file system states, or an error; what was never written is
//! zeros, whatever the volume holds there.

use std::io::Read;
use std::sync::Arc;

use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

/// How much of an allocation bitmap is looked at at once.
const BITMAP_BYTES: u64 = 64 * 1024;

/// Bytes that follow one another in a file and on the volume.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Extent {
    /// In the file.
    pub(super) start: u64,
    /// Never 0.
    pub(super) length: u64,
    /// On the volume; none for a hole.
    pub(super) place: Option<u64>,
}

/// A file's extents, in their order and without a gap.
#[derive(Clone, Default)]
pub(super) struct Extents(Vec<Extent>);

impl Extents {
    /// How many bytes they hold.
    pub(super) fn bytes(&self) -> u64 {
        self.0.last().map_or(0, |last| last.start + last.length)
    }

    /// No byte of the volume belongs to two of them.
    pub(super) fn are_apart(&self) -> bool {
        let mut places: Vec<(u64, u64)> = self.0.iter().filter_map(|e| Some((e.place?, e.length))).collect();
        places.sort_unstable();
        places.is_sorted_by(|before, after| before.0 + before.1 <= after.0)
    }

    /// Puts one behind the last; one that follows it on the volume too makes it longer.
    pub(super) fn push(&mut self, length: u64, place: Option<u64>) -> Result<(), ReadError> {
        let outside = ReadError::Corrupt { offset: 0, what: "a file that reaches beyond what can be counted" };
        let start = self.bytes();
        let fits = start.checked_add(length).is_some() && place.is_none_or(|at| at.checked_add(length).is_some());
        if !fits {
            return Err(outside);
        }
        if length == 0 {
            return Ok(());
        }
        if let Some(last) = self.0.last_mut()
            && last.place.map(|at| at + last.length) == place
            && last.place.is_some() == place.is_some()
        {
            last.length += length;
            return Ok(());
        }
        if self.0.len() >= limits::FILE_EXTENTS {
            return Err(ReadError::Limit { offset: 0, what: "pieces of one file" });
        }
        self.0.push(Extent { start, length, place });
        Ok(())
    }

    /// The extent that holds a byte of the file.
    fn index_of(&self, offset: u64) -> usize {
        self.0.partition_point(|extent| extent.start + extent.length <= offset)
    }

    /// The parts of `length` bytes from `offset`, as far as there are any: how long each is, and where.
    pub(super) fn parts(&self, offset: u64, length: u64) -> impl Iterator<Item = (u64, Option<u64>)> {
        let end = offset.saturating_add(length);
        let from = self.0.get(self.index_of(offset)..).unwrap_or_default();
        from.iter().take_while(move |extent| extent.start < end).map(move |extent| {
            let skipped = offset.saturating_sub(extent.start);
            let stop = (extent.start + extent.length).min(end);
            (stop - extent.start - skipped, extent.place.map(|at| at + skipped))
        })
    }

    /// Fills the buffer from `offset` in the file; a hole is zeros.
    pub(super) fn read_at(&self, image: &dyn Image, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let mut rest = buffer;
        for (length, place) in self.parts(offset, u64::try_from(rest.len()).unwrap_or(u64::MAX)) {
            let (part, behind) = rest.split_at_mut(usize::try_from(length).unwrap_or(usize::MAX).min(rest.len()));
            match place {
                Some(at) => image.read_at(at, part)?,
                None => part.fill(0),
            }
            rest = behind;
        }
        if rest.is_empty() { Ok(()) } else { Err(ReadError::Corrupt { offset, what: "a file shorter than its size" }) }
    }

    /// In a file that holds a bit for each cluster, `count` bits from `first` are all set.
    pub(super) fn are_set(&self, image: &dyn Image, first: u64, count: u64) -> Result<bool, ReadError> {
        let end = first.saturating_add(count);
        let mut at = first;
        while at < end {
            let stop = end.min((at / 8 + BITMAP_BYTES) * 8);
            let length = (stop.div_ceil(8) - at / 8).min(BITMAP_BYTES);
            let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
            self.read_at(image, at / 8, &mut bytes)?;
            let base = at - at % 8;
            let is_clear = |bit: u64| {
                let byte = usize::try_from((bit - base) / 8).ok().and_then(|place| bytes.get(place));
                byte.is_none_or(|byte| byte >> (bit % 8) & 1 == 0)
            };
            if (at..stop).any(is_clear) {
                return Ok(false);
            }
            at = stop;
        }
        Ok(true)
    }
}

/// An open regular file.
pub(super) struct ExtentStream {
    image: Arc<dyn Image>,
    extents: Extents,
    /// The extent that holds the position or comes next after it.
    next: usize,
    position: u64,
    /// What lies behind this was never written.
    written_bytes: u64,
    size_bytes: u64,
}

impl ExtentStream {
    /// At the file's beginning. The extents hold at least what was written.
    pub(super) fn new(
        image: Arc<dyn Image>,
        extents: Extents,
        written_bytes: u64,
        size_bytes: u64,
    ) -> Result<Self, ReadError> {
        if extents.bytes() < written_bytes || size_bytes < written_bytes {
            return Err(ReadError::Corrupt { offset: 0, what: "a file shorter than its size" });
        }
        Ok(Self { image, extents, next: 0, position: 0, written_bytes, size_bytes })
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let left = self.size_bytes.saturating_sub(self.position);
        let mut length = u64::try_from(buffer.len()).unwrap_or(u64::MAX).min(left);
        if length == 0 {
            return Ok(0);
        }
        if self.position >= self.written_bytes {
            part(buffer, length).fill(0);
        } else {
            while self.extents.0.get(self.next).is_some_and(|extent| extent.start + extent.length <= self.position) {
                self.next += 1;
            }
            let short = ReadError::Corrupt { offset: 0, what: "a file shorter than its size" };
            let Some(extent) = self.extents.0.get(self.next).copied() else { return Err(short) };
            let within = self.position.saturating_sub(extent.start);
            length = length.min(extent.length - within).min(self.written_bytes - self.position);
            match extent.place {
                Some(at) => self.image.read_at(at + within, part(buffer, length))?,
                None => part(buffer, length).fill(0),
            }
        }
        self.position += length;
        Ok(usize::try_from(length).unwrap_or(0))
    }
}

fn part(buffer: &mut [u8], length: u64) -> &mut [u8] {
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(buffer.len());
    buffer.split_at_mut(length).0
}

impl Read for ExtentStream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        Ok(self.fill(buffer)?)
    }
}
