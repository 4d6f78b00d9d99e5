//! Compressed archives: gzip, zstd, xz and bzip2, of any number of members or frames.
//!
//! **Invariant:** a compressed file is an archive only where a tar header stands at its unpacked beginning; the decoders'
//! memory is bounded.

use std::io::{BufReader, Read};
use std::sync::Arc;

use super::tar;
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;
use crate::scope::Stream;

/// How an archive is packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Packing {
    Gzip,
    Zstd,
    Xz,
    Bzip2,
}

/// A part of an image as a stream: `read` fills a buffer from an offset.
pub(super) struct ImageReader<F> {
    read: F,
    position: u64,
    end: u64,
}

impl<F: Fn(u64, &mut [u8]) -> Result<(), ReadError>> ImageReader<F> {
    /// From `position` to before `end`.
    pub(super) fn new(read: F, position: u64, end: u64) -> Self {
        Self { read, position, end }
    }
}

impl<F: Fn(u64, &mut [u8]) -> Result<(), ReadError>> Read for ImageReader<F> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let part = room.split_at_mut(left.min(room.len())).0;
        (self.read)(self.position, part)?;
        self.position += part.len() as u64;
        Ok(part.len())
    }
}

/// A decoder of xz in bounded memory.
pub(super) fn xz<R: Read>(source: R) -> Result<impl Read + use<R>, ReadError> {
    let flags = liblzma::stream::CONCATENATED;
    let stream = liblzma::stream::Stream::new_stream_decoder(limits::XZ_MEMORY_BYTES, flags);
    let stream = stream.map_err(|_| ReadError::Limit { offset: 0, what: "memory of a decoder" })?;
    Ok(liblzma::read::XzDecoder::new_stream(source, stream))
}

/// A decoder of zstd in bounded memory.
pub(super) fn zstd<R: Read>(source: R) -> Result<impl Read + use<R>, ReadError> {
    let mut decoder = zstd::stream::read::Decoder::new(source).map_err(|error| ReadError::io(0, error))?;
    decoder.window_log_max(limits::ZSTD_WINDOW_LOG).map_err(|error| ReadError::io(0, error))?;
    Ok(decoder)
}

impl Packing {
    /// By its magic.
    pub(super) fn of(image: &dyn Image) -> Result<Option<Self>, ReadError> {
        let mut magic = [0; 6];
        if image.size_bytes() < 6 {
            return Ok(None);
        }
        image.read_at(0, &mut magic)?;
        Ok(Self::by_magic(magic))
    }

    fn by_magic(magic: [u8; 6]) -> Option<Self> {
        match magic {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0] => Some(Self::Xz),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41] => Some(Self::Bzip2),
            _ => None,
        }
    }

    /// A tar may stand in what begins so. Of gzip the head alone says it; the others unpack whole blocks only.
    pub(super) fn begins_tar(head: &[u8]) -> bool {
        match head.first_chunk().and_then(|&magic| Self::by_magic(magic)) {
            Some(Self::Gzip) => {
                let mut block = [0; tar::BLOCK_BYTES];
                let is_unpacked = flate2::bufread::MultiGzDecoder::new(head).read_exact(&mut block).is_ok();
                !is_unpacked || tar::is_header(&block)
            }
            other => other.is_some(),
        }
    }

    /// The kind of a tar packed so.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Gzip => "tar.gz",
            Self::Zstd => "tar.zst",
            Self::Xz => "tar.xz",
            Self::Bzip2 => "tar.bz2",
        }
    }

    fn decoder<'a, R: Read + Send + 'a>(self, source: R) -> Result<Box<dyn Read + Send + 'a>, ReadError> {
        let source = BufReader::with_capacity(limits::CHUNK_BYTES, source);
        Ok(match self {
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(source)),
            Self::Zstd => Box::new(zstd(source)?),
            Self::Xz => Box::new(xz(source)?),
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(source)),
        })
    }

    /// The unpacked stream.
    pub(super) fn reader(self, image: Arc<dyn Image>) -> Result<Stream, ReadError> {
        let end = image.size_bytes();
        self.decoder(ImageReader::new(move |at, room: &mut [u8]| image.read_at(at, room), 0, end))
    }

    /// A tar header stands at the unpacked beginning. What cannot be unpacked so far is no archive.
    pub(super) fn holds_tar(self, image: &dyn Image) -> Result<bool, ReadError> {
        let read = |at, room: &mut [u8]| image.read_at(at, room);
        let mut stream = self.decoder(ImageReader::new(read, 0, image.size_bytes()))?;
        let mut block = [0; tar::BLOCK_BYTES];
        Ok(stream.read_exact(&mut block).is_ok() && tar::is_header(&block))
    }
}
