//! A member's content as a stream.
//!
//! Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.4.5 (methods) and 5.8 (LZMA).
//!
//! **Invariant:** a stream that ends without an error gave as many bytes as the directory states, and their checksum is the
//! one that it states.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;

use super::Member;
use crate::filesystem::archive::unnamed::{ImageStream, bound};
use crate::image::Image;
use crate::limits;
use crate::packing;
use crate::read_error::ReadError;

/// A stream that unpacks another one.
type Unpacking = Box<dyn Read + Send>;

/// A method that is not read, by its name.
fn method_name(method: u16) -> String {
    let name = match method {
        1 => "shrunk",
        2..=5 => "reduced",
        6 => "imploded",
        10 => "imploded by PKWARE's library",
        18 => "packed by TERSE",
        19 => "packed by LZ77 of IBM",
        94 => "packed as MP3",
        96 => "packed as JPEG",
        97 => "packed by WavPack",
        98 => "packed by PPMd",
        _ => return format!("a zip member packed by method {method}"),
    };
    format!("a zip member that is {name}")
}

/// Opens what is stored from `at` to `end`.
pub(super) fn open(image: &Arc<dyn Image>, member: &Member, at: u64, end: u64) -> Result<Unpacking, ReadError> {
    let packed = ImageStream::new(Arc::clone(image), at, end);
    let stream: Unpacking = if member.method == 0 {
        if member.stored != member.size_bytes {
            return Err(ReadError::Corrupt { offset: at, what: "a stored zip member of two sizes" });
        }
        Box::new(packed)
    } else {
        unpacking(member, BufReader::with_capacity(limits::CHUNK_BYTES, packed), at)?
    };
    Ok(Box::new(Checked {
        stream,
        at,
        crc: flate2::Crc::new(),
        given: 0,
        stored: member.stored,
        size_bytes: member.size_bytes,
        stated: member.crc,
        is_done: false,
    }))
}

fn unpacking(member: &Member, packed: BufReader<ImageStream>, at: u64) -> Result<Unpacking, ReadError> {
    Ok(match member.method {
        8 => Box::new(flate2::bufread::DeflateDecoder::new(packed)),
        9 => Box::new(deflate64::Deflate64Decoder::with_buffer(packed)),
        12 => Box::new(bzip2::bufread::BzDecoder::new(packed)),
        14 => lzma(member, packed, at)?,
        20 | 93 => Box::new(packing::zstandard(packed)?),
        95 => Box::new(packing::xz(packed)?),
        method => return Err(ReadError::Unsupported { offset: at, what: method_name(method) }),
    })
}

/// A header of its own (two bytes of version, the length of the properties, the properties), then bare LZMA: what `xz` calls
/// its old format is the properties, the size and the same.
fn lzma(member: &Member, mut packed: BufReader<ImageStream>, at: u64) -> Result<Unpacking, ReadError> {
    let malformed = || ReadError::Corrupt { offset: at, what: "the properties of a zip member packed by LZMA" };
    let mut head = [0; 9];
    packed.read_exact(&mut head).map_err(|_| malformed())?;
    let [_, _, 5, 0, properties @ ..] = head else { return Err(malformed()) };
    // Where a mark ends it, the size is not to be known beforehand.
    let size = if member.flags & 2 == 0 { member.size_bytes } else { u64::MAX };
    let front = [properties.as_slice(), &size.to_le_bytes()].concat();
    let stream = liblzma::stream::Stream::new_lzma_decoder(limits::XZ_MEMORY_BYTES);
    let stream = stream.map_err(|error| packing::damage(error.into(), 0))?;
    let whole: Box<dyn BufRead + Send> = Box::new(Cursor::new(front).chain(packed));
    Ok(Box::new(liblzma::bufread::XzDecoder::new_stream(whole, stream)))
}

/// Content that is counted and summed on its way.
struct Checked {
    stream: Unpacking,
    at: u64,
    crc: flate2::Crc,
    given: u64,
    stored: u64,
    size_bytes: u64,
    stated: u32,
    is_done: bool,
}

impl Checked {
    fn corrupt(&self, what: &'static str) -> ReadError {
        ReadError::Corrupt { offset: self.at, what }
    }

    fn fill(&mut self, room: &mut [u8]) -> Result<usize, ReadError> {
        if self.is_done || room.is_empty() {
            return Ok(0);
        }
        let left = usize::try_from(self.size_bytes.saturating_sub(self.given)).unwrap_or(usize::MAX);
        if left == 0 {
            return self.end();
        }
        let length = room.len().min(left);
        let room = room.get_mut(..length).unwrap_or_default();
        let count = packing::read_on(self.stream.as_mut(), room).map_err(|error| packing::damage(error, self.given))?;
        if count == 0 {
            return Err(self.corrupt("a zip member that unpacks to less than it states"));
        }
        self.crc.update(room.get(..count).unwrap_or_default());
        self.given = self.given.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        bound(self.given, self.stored)?;
        Ok(count)
    }

    /// Nothing may follow, and the sum must be right.
    fn end(&mut self) -> Result<usize, ReadError> {
        let mut more = [0];
        let count =
            packing::read_on(self.stream.as_mut(), &mut more).map_err(|error| packing::damage(error, self.given))?;
        if count > 0 {
            return Err(self.corrupt("a zip member that unpacks to more than it states"));
        }
        if self.crc.sum() != self.stated {
            return Err(self.corrupt("a zip member with a wrong checksum"));
        }
        self.is_done = true;
        Ok(0)
    }
}

impl Read for Checked {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        Ok(self.fill(room)?)
    }
}
