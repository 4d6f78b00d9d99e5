//! A member's content, unpacked and checked.
//!
//! **Invariant:** it gives exactly the stated bytes with the stated CRC-32, or an error.

use std::io::{BufReader, Read};
use std::sync::Arc;

use liblzma::stream::Stream as Decoder;

use super::super::packed::{ImageReader, xz, zstd};
use super::super::spool::damage;
use super::central::Entry;
use super::meaning::method_name;
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;
use crate::scope::Stream;

/// A member's content that begins at `start`.
pub(super) fn open(image: Arc<dyn Image>, entry: &Entry, start: u64) -> Result<Stream, ReadError> {
    let end = start.saturating_add(entry.packed_bytes);
    let source = ImageReader::new(move |at, room: &mut [u8]| image.read_at(at, room), start, end);
    let mut source = BufReader::with_capacity(limits::CHUNK_BYTES, source);
    let unpacked: Stream = match entry.method {
        0 if entry.packed_bytes != entry.size_bytes => {
            return Err(ReadError::Corrupt { offset: start, what: "the sizes of a stored member" });
        }
        0 => Box::new(source),
        8 => Box::new(flate2::bufread::DeflateDecoder::new(source)),
        9 => Box::new(deflate64::Deflate64Decoder::with_buffer(source)),
        12 => Box::new(bzip2::bufread::BzDecoder::new(source)),
        14 => {
            let mut head = [0; 9];
            source.read_exact(&mut head).map_err(|error| damage(start, error))?;
            Box::new(liblzma::read::XzDecoder::new_stream(lzma(&head, entry, start)?.chain(source), alone()?))
        }
        93 => Box::new(zstd(source)?),
        95 => Box::new(xz(source)?),
        other => {
            let what = format!("a member of a zip packed as {}", method_name(other));
            return Err(ReadError::Unsupported { offset: start, what });
        }
    };
    Ok(Box::new(Checked {
        unpacked,
        crc: flate2::Crc::new(),
        given: 0,
        size_bytes: entry.size_bytes,
        stated: entry.crc,
        is_done: false,
    }))
}

fn alone() -> Result<Decoder, ReadError> {
    Decoder::new_lzma_decoder(limits::XZ_MEMORY_BYTES)
        .map_err(|_| ReadError::Limit { offset: 0, what: "memory of a decoder" })
}

/// The head that LZMA has outside of zips: properties, then the size or, where an end mark follows, none.
fn lzma(head: &[u8; 9], entry: &Entry, offset: u64) -> Result<std::io::Cursor<Vec<u8>>, ReadError> {
    let (lead, properties) = head.split_at(4);
    if lead.get(2..4) != Some(&[5, 0]) {
        return Err(ReadError::Corrupt { offset, what: "the head of an LZMA member" });
    }
    let size = if entry.flags & 2 != 0 { u64::MAX } else { entry.size_bytes };
    Ok(std::io::Cursor::new([properties, &size.to_le_bytes()].concat()))
}

struct Checked {
    unpacked: Stream,
    crc: flate2::Crc,
    given: u64,
    size_bytes: u64,
    stated: u32,
    is_done: bool,
}

impl Checked {
    fn end(&mut self) -> Result<usize, ReadError> {
        let corrupt = |what| Err(ReadError::Corrupt { offset: self.given, what });
        if self.given != self.size_bytes {
            return corrupt("a member that unpacks to less than it says");
        }
        if self.crc.sum() != self.stated {
            return corrupt("the checksum of a member");
        }
        self.is_done = true;
        Ok(0)
    }
}

impl Read for Checked {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        if room.is_empty() || self.is_done {
            return Ok(0);
        }
        let count = match self.unpacked.read(room) {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Err(error),
            Err(error) => return Err(damage(self.given, error).into()),
        };
        if count == 0 {
            return Ok(self.end()?);
        }
        if self.given + count as u64 > self.size_bytes {
            let what = "a member that unpacks to more than it says";
            return Err(ReadError::Corrupt { offset: self.given, what }.into());
        }
        self.given += count as u64;
        self.crc.update(room.get(..count).unwrap_or_default());
        Ok(count)
    }
}
