//! Bytes that are kept where no name leads: what an archive unpacks to, and an archive that is not stored as a file.
//!
//! A little is kept in memory, more in a file that has no name and holds it encrypted ([`crate::scratch`]).
//!
//! **Invariant:** nothing of it stays when the program ends, however it ends; what is kept is bounded.

use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use crate::image::Image;
use crate::limits;
use crate::packing::{self, Packing};
use crate::read_error::ReadError;
use crate::scratch::{Scratch, ScratchWriter};

/// Kept bytes.
enum Kept {
    Memory(Vec<u8>),
    File(Scratch),
}

impl Image for Kept {
    fn size_bytes(&self) -> u64 {
        match self {
            Self::Memory(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::File(file) => file.length(),
        }
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let length = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        let beyond = ReadError::Corrupt { offset, what: "bytes beyond the end" };
        if offset.checked_add(length).is_none_or(|end| end > self.size_bytes()) {
            return Err(beyond);
        }
        match self {
            Self::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let there = bytes.get(start..).and_then(|there| there.get(..buffer.len()));
                buffer.copy_from_slice(there.ok_or(beyond)?);
                Ok(())
            }
            Self::File(file) => file.read_exact_at(buffer, offset).map_err(|error| ReadError::io(offset, error)),
        }
    }
}

/// Bytes while they come.
struct Keeping<'f> {
    memory: Vec<u8>,
    file: Option<ScratchWriter>,
    size_bytes: u64,
    scratch: &'f Path,
}

impl<'f> Keeping<'f> {
    fn new(scratch: &'f Path) -> Self {
        Self { memory: Vec::new(), file: None, size_bytes: 0, scratch }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), ReadError> {
        let io = |error| ReadError::io(0, error);
        if self.file.is_none() && self.memory.len().saturating_add(bytes.len()) > limits::SPOOL_MEMORY_BYTES {
            let mut file = ScratchWriter::create_in(self.scratch).map_err(io)?;
            file.append(&self.memory).map_err(io)?;
            self.memory = Vec::new();
            self.file = Some(file);
        }
        match &mut self.file {
            Some(file) => file.append(bytes).map_err(io)?,
            None => self.memory.extend_from_slice(bytes),
        }
        self.size_bytes = self.size_bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    fn kept(self) -> Result<Arc<dyn Image>, ReadError> {
        Ok(Arc::new(match self.file {
            Some(file) => Kept::File(file.finish().map_err(|error| ReadError::io(self.size_bytes, error))?),
            None => Kept::Memory(self.memory),
        }))
    }
}

/// Keeps a stream; one that fails on the way, or is over the bound, is an error.
pub(super) fn keep(stream: &mut dyn Read, scratch: &Path) -> Result<Arc<dyn Image>, ReadError> {
    let mut keeping = Keeping::new(scratch);
    let mut room = vec![0; limits::CHUNK_BYTES];
    loop {
        let count = packing::read_on(stream, &mut room)?;
        if count == 0 {
            return keeping.kept();
        }
        keeping.push(room.get(..count).unwrap_or_default())?;
        if keeping.size_bytes > limits::ARCHIVE_BYTES {
            return Err(ReadError::Limit { offset: keeping.size_bytes, what: "bytes of one archive" });
        }
    }
}

/// Unpacks an image: what came before an error, and the error.
pub(super) fn unpack(
    image: &Arc<dyn Image>,
    packing: Packing,
    scratch: &Path,
) -> Result<(Arc<dyn Image>, Option<ReadError>), ReadError> {
    let mut stream = packing.unpack(buffered(image))?;
    let mut keeping = Keeping::new(scratch);
    let mut room = vec![0; limits::CHUNK_BYTES];
    loop {
        match packing::read_on(&mut stream, &mut room) {
            Ok(0) => return Ok((keeping.kept()?, None)),
            Ok(count) => keeping.push(room.get(..count).unwrap_or_default())?,
            Err(error) => {
                let error = packing::damage(error, keeping.size_bytes);
                return Ok((keeping.kept()?, Some(error)));
            }
        }
        if let Err(error) = bound(keeping.size_bytes, image.size_bytes()) {
            return Ok((keeping.kept()?, Some(error)));
        }
    }
}

/// So many bytes may come of so many packed ones.
pub(super) fn bound(unpacked: u64, packed: u64) -> Result<(), ReadError> {
    if unpacked > limits::ARCHIVE_BYTES {
        return Err(ReadError::Limit { offset: unpacked, what: "bytes of one archive" });
    }
    let most = packed.saturating_mul(limits::UNPACKED_RATIO).max(limits::UNPACKED_FREELY_BYTES);
    if unpacked > most {
        return Err(ReadError::Limit { offset: unpacked, what: "unpacked bytes for each packed one" });
    }
    Ok(())
}

/// An image that is looked at for a moment, from its beginning to its end.
pub(super) struct Borrowed<'i> {
    image: &'i dyn Image,
    position: u64,
}

impl<'i> Borrowed<'i> {
    pub(super) fn new(image: &'i dyn Image) -> Self {
        Self { image, position: 0 }
    }
}

impl Read for Borrowed<'_> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        read_span(self.image, &mut self.position, self.image.size_bytes(), room)
    }
}

/// Reads what there is before `end`.
fn read_span(image: &dyn Image, position: &mut u64, end: u64, room: &mut [u8]) -> std::io::Result<usize> {
    let left = usize::try_from(end.saturating_sub(*position)).unwrap_or(usize::MAX);
    let count = left.min(room.len());
    if count == 0 {
        return Ok(0);
    }
    image.read_at(*position, room.get_mut(..count).unwrap_or_default())?;
    *position = position.saturating_add(u64::try_from(count).unwrap_or(0));
    Ok(count)
}

/// An image from its beginning to its end.
pub(super) fn buffered(image: &Arc<dyn Image>) -> BufReader<ImageStream> {
    let stream = ImageStream { image: Arc::clone(image), position: 0, end: image.size_bytes() };
    BufReader::with_capacity(limits::CHUNK_BYTES, stream)
}

/// A span of an image as a stream.
pub(super) struct ImageStream {
    image: Arc<dyn Image>,
    position: u64,
    end: u64,
}

impl ImageStream {
    /// `end` is not beyond the image's.
    pub(super) fn new(image: Arc<dyn Image>, start: u64, end: u64) -> Self {
        let end = end.min(image.size_bytes());
        Self { image, position: start, end }
    }
}

impl Read for ImageStream {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        read_span(self.image.as_ref(), &mut self.position, self.end, room)
    }
}
