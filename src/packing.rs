//! What a stream may be packed in: gzip (RFC 1952), Zstandard (RFC 8878), xz, bzip2, LZ4 frames; each of any number of members or
//! frames. Recognised by the first bytes alone, never by a name.
//!
//! Zero bytes behind a member are padding, but for Zstandard; anything else there is damage, which is told after all
//! that was unpacked before it.
//!
//! **Invariant:** the memory that unpacking takes is bounded whatever the stream states; a stream that ends early is an
//! error, never an end.

use std::io::{self, BufRead, Read};

use crate::limits;
use crate::read_error::ReadError;

/// A way of packing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packing {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstandard,
    /// The .xz file format 1.2.
    Xz,
    /// bzip2 1.0.
    Bzip2,
    /// The LZ4 frame format 1.6.
    Lz4,
}

/// So many first bytes tell a packing.
pub const MAGIC_BYTES: usize = 10;

/// A stream that unpacks another one.
pub enum Unpacking<R: BufRead> {
    #[expect(missing_docs, reason = "the names are those of `Packing`")]
    Gzip(Box<Members<R, flate2::bufread::GzDecoder<R>>>),
    #[expect(missing_docs, reason = "the names are those of `Packing`")]
    Bzip2(Box<Members<R, bzip2::bufread::BzDecoder<R>>>),
    #[expect(missing_docs, reason = "the names are those of `Packing`")]
    Lz4(Box<Members<R, lz4_flex::frame::FrameDecoder<R>>>),
    #[expect(missing_docs, reason = "the names are those of `Packing`")]
    Zstandard(Box<zstd::stream::read::Decoder<'static, R>>),
    #[expect(missing_docs, reason = "the names are those of `Packing`")]
    Xz(Box<Members<R, liblzma::bufread::XzDecoder<R>>>),
}

impl<R: BufRead> Read for Unpacking<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(stream) => stream.read(room),
            Self::Bzip2(stream) => stream.read(room),
            Self::Lz4(stream) => stream.read(room),
            Self::Zstandard(stream) => stream.read(room),
            Self::Xz(stream) => stream.read(room),
        }
    }
}

impl Packing {
    /// By the first bytes.
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            // No flag of RFC 1952 is in the three upper bits.
            [0x1f, 0x8b, 8, flags, ..] if flags & 0xe0 == 0 => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstandard),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => Some(Self::Bzip2),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Self::Lz4),
            _ => None,
        }
    }

    /// The kind of a tar that is packed so.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Gzip => "tar.gz",
            Self::Zstandard => "tar.zst",
            Self::Xz => "tar.xz",
            Self::Bzip2 => "tar.bz2",
            Self::Lz4 => "tar.lz4",
        }
    }

    /// Unpacks all of its members.
    pub fn unpack<R: BufRead>(self, packed: R) -> Result<Unpacking<R>, ReadError> {
        Ok(match self {
            Self::Gzip => {
                Unpacking::Gzip(Box::new(Members::new(packed, |packed| Ok(flate2::bufread::GzDecoder::new(packed)))?))
            }
            Self::Bzip2 => {
                Unpacking::Bzip2(Box::new(Members::new(packed, |packed| Ok(bzip2::bufread::BzDecoder::new(packed)))?))
            }
            Self::Lz4 => {
                Unpacking::Lz4(Box::new(Members::new(packed, |packed| Ok(lz4_flex::frame::FrameDecoder::new(packed)))?))
            }
            Self::Zstandard => Unpacking::Zstandard(Box::new(zstandard(packed)?)),
            Self::Xz => Unpacking::Xz(Box::new(xz(packed)?)),
        })
    }
}

/// One or more frames of Zstandard.
pub fn zstandard<R: BufRead>(packed: R) -> Result<zstd::stream::read::Decoder<'static, R>, ReadError> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(|error| damage(error, 0))?;
    decoder.window_log_max(limits::ZSTANDARD_WINDOW_LOG).map_err(|error| damage(error, 0))?;
    Ok(decoder)
}

/// One or more streams of xz.
pub fn xz<R: BufRead>(packed: R) -> Result<Members<R, liblzma::bufread::XzDecoder<R>>, ReadError> {
    Members::new(packed, |packed| {
        let stream = liblzma::stream::Stream::new_stream_decoder(limits::XZ_MEMORY_BYTES, 0)?;
        Ok(liblzma::bufread::XzDecoder::new_stream(packed, stream))
    })
}

/// What an error of unpacking means; `offset`: what was unpacked before it, in bytes.
pub fn damage(error: io::Error, offset: u64) -> ReadError {
    let error = match error.downcast::<ReadError>() {
        Ok(below) => return below,
        Err(error) => error,
    };
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<liblzma::stream::Error>());
    let wants_memory = matches!(inner, Some(liblzma::stream::Error::MemLimit | liblzma::stream::Error::Mem))
        || error.kind() == io::ErrorKind::OutOfMemory
        // Zstandard's library says it in words alone.
        || error.to_string().contains("too much memory");
    if wants_memory {
        return ReadError::Limit { offset, what: "memory for unpacking" };
    }
    ReadError::Corrupt { offset, what: "packed bytes that do not unpack" }
}

/// Reads again where a signal came between.
pub fn read_on(stream: &mut dyn Read, room: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(room) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// A decoder of one member.
pub trait Member<R> {
    /// What stands behind it.
    fn into_packed(self) -> R;
}

impl<R: BufRead> Member<R> for flate2::bufread::GzDecoder<R> {
    fn into_packed(self) -> R {
        self.into_inner()
    }
}

impl<R: BufRead> Member<R> for lz4_flex::frame::FrameDecoder<R> {
    fn into_packed(self) -> R {
        self.into_inner()
    }
}

impl<R: BufRead> Member<R> for liblzma::bufread::XzDecoder<R> {
    fn into_packed(self) -> R {
        self.into_inner()
    }
}

impl<R> Member<R> for bzip2::bufread::BzDecoder<R> {
    fn into_packed(self) -> R {
        self.into_inner()
    }
}

/// Members one behind the other.
pub struct Members<R, M> {
    /// None after the end, or an error.
    member: Option<M>,
    begin: fn(R) -> io::Result<M>,
}

impl<R: BufRead, M: Member<R> + Read> Members<R, M> {
    fn new(packed: R, begin: fn(R) -> io::Result<M>) -> Result<Self, ReadError> {
        let member = begin(packed).map_err(|error| damage(error, 0))?;
        Ok(Self { member: Some(member), begin })
    }
}

impl<R: BufRead, M: Member<R> + Read> Read for Members<R, M> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if room.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            let count = read_on(member, room)?;
            if count > 0 {
                return Ok(count);
            }
            let Some(mut packed) = self.member.take().map(Member::into_packed) else { break };
            if has_more(&mut packed)? {
                self.member = Some((self.begin)(packed)?);
            }
        }
        Ok(0)
    }
}

/// Something stands behind a member; padding is passed over.
fn has_more(packed: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let there = match packed.fill_buf() {
            // A signal came between.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            there => there?,
        };
        if there.is_empty() {
            return Ok(false);
        }
        let zeros = there.iter().take_while(|byte| **byte == 0).count();
        let is_padding = zeros == there.len();
        packed.consume(zeros);
        if !is_padding {
            return Ok(true);
        }
    }
}
