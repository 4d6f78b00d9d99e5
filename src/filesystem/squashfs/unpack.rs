//! Unpacking one block.
//!
//! **Invariant:** a block never unpacks to more than the room that it is given; the decoders' own memory is bounded.

use crate::limits;
use crate::read_error::ReadError;

/// How blocks are packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Compressor {
    Gzip,
    Lzo,
    Xz,
    Lz4,
    Zstd,
}

impl Compressor {
    /// By the number in the superblock.
    pub(super) fn numbered(number: u16) -> Result<Self, ReadError> {
        match number {
            1 => Ok(Self::Gzip),
            2 => Err(ReadError::Unsupported { offset: 20, what: "squashfs packed with lzma".to_owned() }),
            3 => Ok(Self::Lzo),
            4 => Ok(Self::Xz),
            5 => Ok(Self::Lz4),
            6 => Ok(Self::Zstd),
            other => Err(ReadError::Unsupported { offset: 20, what: format!("squashfs compressor number {other}") }),
        }
    }

    /// Unpacks a block that stands at `offset` into at most `room` bytes.
    pub(super) fn unpack(self, offset: u64, packed: &[u8], room: usize) -> Result<Vec<u8>, ReadError> {
        let mut bytes = vec![0; room];
        let length = match self {
            Self::Gzip => zlib(packed, &mut bytes),
            Self::Lzo => lzokay::decompress::decompress(packed, &mut bytes).ok(),
            Self::Xz => xz(packed, &mut bytes),
            Self::Lz4 => lz4_flex::block::decompress_into(packed, &mut bytes).ok(),
            Self::Zstd => zstd::bulk::decompress_to_buffer(packed, &mut bytes).ok(),
        };
        let length = length.ok_or(ReadError::Corrupt { offset, what: "a packed block contradicts itself" })?;
        bytes.truncate(length);
        Ok(bytes)
    }
}

fn zlib(packed: &[u8], room: &mut [u8]) -> Option<usize> {
    let mut decoder = flate2::Decompress::new(true);
    let status = decoder.decompress(packed, room, flate2::FlushDecompress::Finish).ok()?;
    let length = usize::try_from(decoder.total_out()).ok()?;
    (status == flate2::Status::StreamEnd).then_some(length)
}

fn xz(packed: &[u8], room: &mut [u8]) -> Option<usize> {
    let mut decoder = liblzma::stream::Stream::new_stream_decoder(limits::XZ_MEMORY_BYTES, 0).ok()?;
    let status = decoder.process(packed, room, liblzma::stream::Action::Finish).ok()?;
    let length = usize::try_from(decoder.total_out()).ok()?;
    (status == liblzma::stream::Status::StreamEnd).then_some(length)
}
