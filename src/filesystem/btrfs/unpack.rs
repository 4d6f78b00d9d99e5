//! Unpacking of compressed extents: zlib, LZO and Zstandard, each by its library.
//!
//! **Invariant:** what comes out is as long as the extent says; what a whole sector or more is missing of is damage.

use flate2::{Decompress, FlushDecompress};

use super::extent::Packing;
use super::field::u32_at;
use crate::read_error::ReadError;

/// The largest window of a Zstandard frame that the kernel makes or reads, as a power of two.
const ZSTD_WINDOW: u32 = 17;

const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

/// Unpacks `packed` to `unpacked_bytes`. The end of the last sector is zeros where nothing was packed for it.
pub(super) fn unpack(
    packing: Packing,
    packed: &[u8],
    unpacked_bytes: usize,
    sector: usize,
) -> Result<Vec<u8>, ReadError> {
    let mut unpacked = vec![0; unpacked_bytes];
    let made = match packing {
        Packing::Zlib => zlib(packed, &mut unpacked),
        Packing::Lzo => lzo(packed, &mut unpacked, sector),
        Packing::Zstd => zstd(packed, &mut unpacked),
    };
    match made {
        Some(made) if unpacked_bytes.saturating_sub(made) < sector => {
            // A library may leave scraps behind what it made.
            unpacked.iter_mut().skip(made).for_each(|byte| *byte = 0);
            Ok(unpacked)
        }
        Some(_) => Err(corrupt("a compressed extent that ends too early")),
        None => Err(corrupt("a compressed extent")),
    }
}

fn zlib(packed: &[u8], unpacked: &mut [u8]) -> Option<usize> {
    let mut decoder = Decompress::new(true);
    decoder.decompress(packed, unpacked, FlushDecompress::Finish).ok()?;
    usize::try_from(decoder.total_out()).ok()
}

fn zstd(packed: &[u8], unpacked: &mut [u8]) -> Option<usize> {
    use zstd::stream::raw::{Decoder, InBuffer, Operation as _, OutBuffer};
    let mut decoder = Decoder::new().ok()?;
    decoder.set_parameter(zstd::zstd_safe::DParameter::WindowLogMax(ZSTD_WINDOW)).ok()?;
    let mut input = InBuffer::around(packed);
    let length = unpacked.len();
    let mut output = OutBuffer::around(unpacked);
    loop {
        let before = (input.pos(), output.pos());
        let hint = decoder.run(&mut input, &mut output).ok()?;
        // The frame's end: what stands behind it fills the sector.
        if hint == 0 || output.pos() == length || before == (input.pos(), output.pos()) {
            return Some(output.pos());
        }
    }
}

/// The whole length, then pieces, each with its length before it. A length never crosses the end of a sector; each piece
/// unpacks to a sector, the last to what is left.
fn lzo(packed: &[u8], unpacked: &mut [u8], sector: usize) -> Option<usize> {
    const LENGTH: usize = 4;
    let whole = packed.get(..usize::try_from(u32_at(packed, 0)).ok()?)?;
    let (mut at, mut made) = (LENGTH, 0);
    let count = unpacked.len().div_ceil(sector);
    for (index, piece) in unpacked.chunks_mut(sector).enumerate() {
        let left = sector - at % sector;
        if left < LENGTH {
            at += left;
        }
        if at >= whole.len() {
            break;
        }
        let length = usize::try_from(u32_at(whole.get(at..at + LENGTH)?, 0)).ok()?;
        at += LENGTH;
        let stored = whole.get(at..at.checked_add(length)?)?;
        at += length;
        let got = lzokay::decompress::decompress(stored, piece).ok()?;
        if got != piece.len() && index + 1 != count {
            return None;
        }
        made += got;
    }
    Some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_what_was_packed_are_zeros() {
        let content = b"nothing happened; ".repeat(3_397);
        for short in 1..40 {
            let content = content.get(..content.len() - short).unwrap_or_default();
            let mut packed = vec![0; 128 * 1024];
            let mut encoder = flate2::Compress::new(flate2::Compression::new(3), true);
            encoder.compress(content, &mut packed, flate2::FlushCompress::Finish).expect("it compresses");
            let whole = content.len().next_multiple_of(4096);
            let mut expected = content.to_vec();
            expected.resize(whole, 0);
            assert!(unpack(Packing::Zlib, &packed, whole, 4096).expect("it unpacks") == expected, "{short}");
        }
    }

    #[test]
    fn what_is_cut_or_spoilt_is_damage_and_never_shorter_content() {
        let content: Vec<u8> = (0..40_000_u32).flat_map(|number| (number / 7).to_le_bytes()).take(128 * 1024).collect();
        let packed = zstd::bulk::compress(&content, 3).expect("it compresses");
        assert_eq!(unpack(Packing::Zstd, &packed, content.len(), 4096).expect("it unpacks"), content);
        for packing in [Packing::Zstd, Packing::Zlib, Packing::Lzo] {
            for cut in [0, 1, 7, packed.len() / 2] {
                assert!(unpack(packing, packed.get(..cut).unwrap_or_default(), content.len(), 4096).is_err());
            }
        }
    }
}
