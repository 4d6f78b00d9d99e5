//! Compressed files: LZNT1, a few clusters at a time.
//!
//! A unit of clusters (mostly 16) that is all there is not compressed; one of which nothing is there is zeros; of any other
//! the clusters that are there hold the rest. The format is that of Microsoft's [MS-XCA], section 2.5: chunks of at most
//! 4,096 bytes of content, each a row of signs and of references to what came before it in the same chunk.
//!
//! **Invariant:** a unit gives exactly its size, and a reference that leads before its chunk is damage.

use std::io::Read;
use std::sync::Arc;

use super::super::field::u16_at;
use super::table::Content;
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

/// The most that a chunk holds.
const CHUNK_BYTES: usize = 4096;
/// Of a chunk's head: it is compressed.
const IS_COMPRESSED: u16 = 0x8000;

const fn corrupt(offset: u64, what: &'static str) -> ReadError {
    ReadError::Corrupt { offset, what }
}

/// An open compressed file.
pub(super) struct CompressedStream {
    image: Arc<dyn Image>,
    content: Content,
    unit_bytes: u64,
    position: u64,
    /// The unit that was read last.
    unit: Vec<u8>,
    unit_start: Option<u64>,
}

impl CompressedStream {
    /// At the file's beginning.
    pub(super) fn new(image: Arc<dyn Image>, content: Content, cluster_bytes: u64) -> Result<Self, ReadError> {
        let unit_bytes = cluster_bytes.checked_shl(u32::from(content.unit)).unwrap_or(0);
        if content.unit == 0 || content.unit > 16 || unit_bytes > limits::NTFS_UNIT_BYTES {
            return Err(corrupt(0, "the unit of a compressed file"));
        }
        Ok(Self { image, content, unit_bytes, position: 0, unit: Vec::new(), unit_start: None })
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let left = self.content.size_bytes.saturating_sub(self.position);
        if left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let start = self.position - self.position % self.unit_bytes;
        if self.unit_start != Some(start) {
            self.unit_start = None;
            self.read_unit(start)?;
            self.unit_start = Some(start);
        }
        let within = usize::try_from(self.position - start).unwrap_or(usize::MAX);
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let there = self.unit.get(within..).unwrap_or_default();
        let length = there.len().min(left).min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(there.iter().take(length)) {
            *to = *from;
        }
        self.position += u64::try_from(length).unwrap_or(0);
        Ok(length)
    }

    fn read_unit(&mut self, start: u64) -> Result<(), ReadError> {
        let size = usize::try_from(self.unit_bytes).unwrap_or(0);
        self.unit.clear();
        if start < self.content.written_bytes {
            let mut stored = Vec::new();
            let mut first = None;
            let mut holes = 0;
            for (length, place) in self.content.extents.parts(start, self.unit_bytes) {
                let Some(place) = place else {
                    holes += length;
                    continue;
                };
                if holes > 0 {
                    return Err(corrupt(place, "a compressed unit with a hole before its end"));
                }
                first.get_or_insert(place);
                let had = stored.len();
                stored.resize(had + usize::try_from(length).unwrap_or(0), 0);
                self.image.read_at(place, stored.get_mut(had..).unwrap_or_default())?;
            }
            if holes == 0 {
                // The last unit may be shorter than the others, and is not compressed then.
                self.unit = stored;
            } else if let Some(first) = first {
                self.unit = unpack(&stored, size).ok_or(corrupt(first, "a compressed unit"))?;
            }
        }
        self.unit.resize(size, 0);
        // What was never written is zeros, whatever the clusters hold.
        let written = self.content.written_bytes.saturating_sub(start);
        let behind = usize::try_from(written).ok().and_then(|written| self.unit.get_mut(written..));
        behind.unwrap_or_default().fill(0);
        Ok(())
    }
}

impl Read for CompressedStream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        Ok(self.fill(buffer)?)
    }
}

/// A unit of at most `most` bytes out of its chunks; none where they cannot be what they say.
fn unpack(stored: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut unit = Vec::with_capacity(most);
    let mut rest = stored;
    while unit.len() < most {
        // A head of 0, or the end of the clusters, ends the unit.
        let head = u16_at(rest, 0).unwrap_or(0);
        if head == 0 {
            break;
        }
        let length = usize::from(head & 0xfff) + 1;
        let (chunk, behind) = rest.get(2..)?.split_at_checked(length)?;
        let start = unit.len();
        if head & IS_COMPRESSED == 0 {
            unit.extend_from_slice(chunk);
        } else {
            unpack_chunk(chunk, &mut unit)?;
        }
        if unit.len() - start > CHUNK_BYTES {
            return None;
        }
        // A chunk that holds less is filled with zeros.
        unit.resize(start + CHUNK_BYTES, 0);
        rest = behind;
    }
    (unit.len() <= most).then_some(unit)
}

fn unpack_chunk(chunk: &[u8], unit: &mut Vec<u8>) -> Option<()> {
    let start = unit.len();
    let mut rest = chunk;
    while let Some((&flags, behind)) = rest.split_first() {
        rest = behind;
        for bit in 0..8 {
            if rest.is_empty() {
                break;
            }
            if flags >> bit & 1 == 0 {
                let (&sign, behind) = rest.split_first()?;
                unit.push(sign);
                rest = behind;
                continue;
            }
            let token = usize::from(u16_at(rest, 0)?);
            rest = rest.get(2..)?;
            let done = unit.len() - start;
            // The further a chunk has come, the more bits say how far back a reference leads.
            let distance_bits = (4..=12).find(|&bits| done <= 1 << bits)?;
            let length = (token & (0xffff >> distance_bits)) + 3;
            let distance = (token >> (16 - distance_bits)) + 1;
            if distance > done || done + length > CHUNK_BYTES {
                return None;
            }
            for _ in 0..length {
                let sign = unit.get(unit.len() - distance).copied()?;
                unit.push(sign);
            }
        }
    }
    (unit.len() - start <= CHUNK_BYTES).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_format_s_own_document_comes_out() {
        // [MS-XCA] 3.4.
        let packed = [
            0x38, 0xb0, 0x88, 0x46, 0x23, 0x20, 0x00, 0x20, 0x47, 0x20, 0x41, 0x00, 0x10, 0xa2, 0x47, 0x01, 0xa0, 0x45,
            0x20, 0x44, 0x00, 0x08, 0x45, 0x01, 0x50, 0x79, 0x00, 0xc0, 0x45, 0x20, 0x05, 0x24, 0x13, 0x88, 0x05, 0xb4,
            0x02, 0x4a, 0x44, 0xef, 0x03, 0x58, 0x02, 0x8c, 0x09, 0x16, 0x01, 0x48, 0x45, 0x00, 0xbe, 0x00, 0x9e, 0x00,
            0x04, 0x01, 0x18, 0x90, 0x00,
        ];
        let plain = "F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# \
                     G F# E D E A F# F# G A A G F# E D D E F# E D D\0";
        let unit = unpack(&packed, CHUNK_BYTES).expect("a unit");
        assert_eq!(unit.len(), CHUNK_BYTES);
        assert!(unit.starts_with(plain.as_bytes()), "{}", unit.escape_ascii());
    }

    #[test]
    fn what_leads_before_its_chunk_or_beyond_its_end_is_damage() {
        for bad in [
            &[0x02, 0xb0, 0x01, 0x00, 0x00][..],
            &[0x03, 0xb0, 0x02, b'a', 0x00, 0x10],
            &[0x05, 0xb0, 0x00],
            &[0x04, 0xb0, 0x02, b'a', 0xff, 0x0f, 0x00],
        ] {
            assert_eq!(unpack(bad, CHUNK_BYTES), None, "{bad:x?}");
        }
        assert_eq!(unpack(&[0x03, 0xb0, 0x02, b'a', 0x05, 0x00], CHUNK_BYTES).expect("a unit")[..9], *b"aaaaaaaaa");
    }
}
