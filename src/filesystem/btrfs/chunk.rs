//! Chunks: where the bytes behind a logical address stand, on one volume or on several.
//!
//! **Invariant:** a copy is given only where its checksum holds or, where it has none, where all copies that are there are
//! the same; chunks do not overlap, and a range never reaches from one into the next.

use std::sync::Arc;

use super::field::{u16_at, u64_at, uuid_at};
use super::superblock::Superblock;
use super::tree::{Key, kind};
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

/// The length of a chunk's description without its stripes, and of a stripe.
const CHUNK_BYTES: usize = 48;
const STRIPE_BYTES: usize = 32;
/// The profiles that are refused.
const REFUSED: [(u64, &str); 4] = [(1 << 3, "RAID0"), (1 << 6, "RAID10"), (1 << 7, "RAID5"), (1 << 8, "RAID6")];
/// The profiles that are read, each with its number of copies.
const COPIES: [(u64, usize); 4] = [(1 << 4, 2), (1 << 5, 2), (1 << 9, 3), (1 << 10, 4)];

/// A volume of the file system.
#[derive(Clone)]
pub(super) struct Device {
    pub(super) number: u64,
    pub(super) uuid: [u8; 16],
    pub(super) image: Arc<dyn Image>,
}

/// A copy of a chunk on a volume that is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    device: usize,
    offset: u64,
}

/// A range of logical addresses and its copies.
#[derive(Clone, Debug)]
struct Chunk {
    start: u64,
    length: u64,
    places: Vec<Place>,
}

/// The volumes of a file system and the map of its addresses onto them.
#[derive(Clone)]
pub(super) struct Pool {
    devices: Vec<Device>,
    /// Ascending.
    chunks: Vec<Chunk>,
    pub(super) superblock: Superblock,
}

const fn corrupt(offset: u64, what: &'static str) -> ReadError {
    ReadError::Corrupt { offset, what }
}

impl Pool {
    /// With the chunks that the superblock itself describes: enough to read the chunk tree.
    pub(super) fn new(devices: Vec<Device>, superblock: Superblock) -> Result<Self, ReadError> {
        let mut pool = Self { devices, chunks: Vec::new(), superblock };
        let bytes = pool.superblock.chunks.clone();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let damaged = corrupt(super::superblock::OFFSET, "the superblock's own chunks");
            let Some((key, item)) = rest.split_at_checked(Key::BYTES) else { return Err(damaged) };
            let key = Key::parse(key, 0);
            let length = CHUNK_BYTES + usize::from(u16_at(item, 44)) * STRIPE_BYTES;
            let Some((item, behind)) = item.split_at_checked(length).filter(|_| key.kind == kind::CHUNK) else {
                return Err(damaged);
            };
            pool.add(key.offset, item)?;
            rest = behind;
        }
        pool.sort()?;
        Ok(pool)
    }

    /// The same volumes with the chunks of the chunk tree.
    pub(super) fn with(&self, chunks: &mut dyn FnMut(&mut Self) -> Result<(), ReadError>) -> Result<Self, ReadError> {
        let mut pool = self.clone();
        pool.chunks.clear();
        chunks(&mut pool)?;
        pool.sort()?;
        Ok(pool)
    }

    /// One more chunk, as a `CHUNK_ITEM` describes it.
    pub(super) fn add(&mut self, start: u64, item: &[u8]) -> Result<(), ReadError> {
        let (length, flags) = (u64_at(item, 0), u64_at(item, 24));
        if let Some((_, name)) = REFUSED.iter().find(|(bit, _)| flags & bit != 0) {
            let what = format!("a btrfs file system with {name}");
            return Err(ReadError::Unsupported { offset: 0, what });
        }
        let stripes = usize::from(u16_at(item, 44));
        let profile: Vec<usize> =
            COPIES.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, copies)| *copies).collect();
        let copies = match profile.as_slice() {
            [] => 1,
            [copies] => *copies,
            _ => return Err(corrupt(0, "a chunk of two profiles")),
        };
        let sector = u64::from(self.superblock.sector_bytes);
        let is_aligned = start.is_multiple_of(sector) && length.is_multiple_of(sector);
        let is_whole = item.len() == CHUNK_BYTES + stripes * STRIPE_BYTES && stripes == copies;
        if !is_aligned || !is_whole || length == 0 || start.checked_add(length).is_none() {
            return Err(corrupt(0, "a chunk"));
        }
        if self.chunks.len() >= limits::BTRFS_CHUNKS {
            return Err(ReadError::Limit { offset: 0, what: "chunks of a btrfs file system" });
        }
        let mut places = Vec::new();
        for stripe in item.get(CHUNK_BYTES..).unwrap_or_default().chunks_exact(STRIPE_BYTES) {
            let (number, offset, uuid) = (u64_at(stripe, 0), u64_at(stripe, 8), uuid_at(stripe, 16));
            if offset.checked_add(length).is_none() {
                return Err(corrupt(0, "a chunk"));
            }
            let here = self.devices.iter().position(|device| device.number == number && device.uuid == uuid);
            places.extend(here.map(|device| Place { device, offset }));
        }
        self.chunks.push(Chunk { start, length, places });
        Ok(())
    }

    fn sort(&mut self) -> Result<(), ReadError> {
        self.chunks.sort_by_key(|chunk| chunk.start);
        let mut pairs = self.chunks.iter().zip(self.chunks.iter().skip(1));
        if pairs.any(|(first, second)| first.start.saturating_add(first.length) > second.start) {
            return Err(corrupt(0, "chunks that overlap"));
        }
        Ok(())
    }

    /// Where the copies of a range are that are here, at least one.
    fn places(&self, logical: u64, length: usize) -> Result<Vec<Place>, ReadError> {
        let index = self.chunks.partition_point(|chunk| chunk.start <= logical);
        let chunk = index.checked_sub(1).and_then(|index| self.chunks.get(index));
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        let within = |chunk: &&Chunk| {
            logical.checked_add(length).is_some_and(|end| end <= chunk.start.saturating_add(chunk.length))
        };
        let Some(chunk) = chunk.filter(within) else {
            return Err(corrupt(logical, "a logical address that no chunk holds"));
        };
        if chunk.places.is_empty() {
            return Err(corrupt(logical, "what stands on a device that is not among the volumes"));
        }
        let at =
            |place: &Place| Place { device: place.device, offset: place.offset.saturating_add(logical - chunk.start) };
        Ok(chunk.places.iter().map(at).collect())
    }

    fn read(&self, place: Place, buffer: &mut [u8]) -> Result<(), ReadError> {
        let device = self.devices.get(place.device);
        device.map_or(Ok(()), |device| device.image.read_at(place.offset, buffer))
    }

    /// Fills the buffer from the first of these places whose bytes are good.
    fn first_good(
        &self,
        places: &[Place],
        buffer: &mut [u8],
        is_good: &dyn Fn(&[u8]) -> bool,
        what: &'static str,
    ) -> Result<(), ReadError> {
        let mut failure = None;
        for place in places {
            match self.read(*place, buffer) {
                Ok(()) if is_good(buffer) => return Ok(()),
                Ok(()) => failure = failure.or(Some(corrupt(place.offset, what))),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.unwrap_or(corrupt(0, what)))
    }

    /// Reads a block of a tree from a copy that is good.
    pub(super) fn read_block(
        &self,
        logical: u64,
        buffer: &mut [u8],
        is_good: &dyn Fn(&[u8]) -> bool,
    ) -> Result<(), ReadError> {
        let places = self.places(logical, buffer.len())?;
        self.first_good(&places, buffer, is_good, "the checksum of a tree's block")
    }

    /// Reads content, sector by sector from a copy whose checksum holds. `sums`: one checksum for each sector.
    pub(super) fn read_content(&self, logical: u64, buffer: &mut [u8], sums: &[u8]) -> Result<(), ReadError> {
        let what = "the checksum of a file's content";
        let places = self.places(logical, buffer.len())?;
        let checksum = self.superblock.checksum;
        let sector = usize::try_from(self.superblock.sector_bytes).unwrap_or(usize::MAX);
        let holds = |sectors: &[u8]| {
            sectors.len() / sector == sums.len() / checksum.size_bytes()
                && sectors.chunks(sector).zip(sums.chunks(checksum.size_bytes())).all(|(s, sum)| checksum.holds(s, sum))
        };
        if let Some(first) = places.first()
            && self.read(*first, buffer).is_ok()
            && holds(buffer)
        {
            return Ok(());
        }
        let mut stored = sums.chunks(checksum.size_bytes());
        let mut at = 0;
        for part in buffer.chunks_mut(sector) {
            let Some(sum) = stored.next() else { return Err(corrupt(logical, what)) };
            let beside = |place: &Place| Place { device: place.device, offset: place.offset.saturating_add(at) };
            let places: Vec<Place> = places.iter().map(beside).collect();
            self.first_good(&places, part, &|part| checksum.holds(part, sum), what)?;
            at = at.saturating_add(u64::try_from(part.len()).unwrap_or(0));
        }
        Ok(())
    }

    /// Reads content that has no checksums: where there are several copies, they must be the same.
    pub(super) fn read_unsummed(&self, logical: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let places = self.places(logical, buffer.len())?;
        let mut other = Vec::new();
        let mut failure = None;
        let mut is_read = false;
        for place in places {
            if !is_read {
                match self.read(place, buffer) {
                    Ok(()) => is_read = true,
                    Err(error) => failure = failure.or(Some(error)),
                }
                continue;
            }
            other.resize(buffer.len(), 0);
            if self.read(place, &mut other).is_ok() && other != buffer {
                return Err(corrupt(place.offset, "copies of a content without checksums that differ"));
            }
        }
        if is_read { Ok(()) } else { Err(failure.unwrap_or(corrupt(logical, "no copy of a content"))) }
    }
}
