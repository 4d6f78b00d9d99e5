//! The table that chains the clusters of a file.
//!
//! The table is read once from end to end, and two bits are kept for each cluster: another one leads to it, and two lead
//! to it. A chain that is sound begins where nothing leads and goes through clusters to which one leads. So a loop, a
//! chain that runs into another file, and a file that begins in the middle of another one are all seen without walking
//! any other chain.
//!
//! **Invariant:** a cluster is read for a file only where a sound chain leads to it.

use std::sync::Arc;

use super::super::extent::Extents;
use super::super::field::{u16_at, u32_at};
use super::boot::{FIRST_CLUSTER, Geometry, Width};
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

/// What an entry of the table says of its cluster.
enum Link {
    /// It belongs to nothing.
    Free,
    /// It cannot be used.
    Bad,
    /// The file goes on in another one, which may lie outside the volume.
    Next(u32),
    /// The file ends here.
    End,
}

/// One bit for each cluster.
struct Bits(Vec<u64>);

impl Bits {
    fn new(count: u32) -> Self {
        Self(vec![0; count as usize / 64 + 1])
    }

    fn get(&self, bit: u32) -> bool {
        self.0.get(bit as usize / 64).is_some_and(|word| word >> (bit % 64) & 1 != 0)
    }

    fn set(&mut self, bit: u32) {
        if let Some(word) = self.0.get_mut(bit as usize / 64) {
            *word |= 1 << (bit % 64);
        }
    }
}

/// The table of a volume.
pub(super) struct Table {
    image: Arc<dyn Image>,
    pub(super) geometry: Geometry,
    /// Another cluster leads to it.
    led_to: Bits,
    /// More than one does.
    shared: Bits,
}

impl Table {
    /// Reads the table that is in use. At most 64 MiB of bits are kept, for the 2^28 clusters that FAT32 can have.
    pub(super) fn read(image: Arc<dyn Image>, geometry: Geometry) -> Result<Self, ReadError> {
        let count = geometry.clusters.saturating_add(FIRST_CLUSTER);
        let mut table = Self { image, geometry, led_to: Bits::new(count), shared: Bits::new(count) };
        // A piece of the table holds whole entries of each width.
        let per_piece = u32::try_from(limits::WINDOW_BYTES / 4).unwrap_or(0);
        let mut first = 0;
        while first < count {
            let piece = table.piece(first, per_piece.min(count - first))?;
            for cluster in first..count.min(first.saturating_add(per_piece)) {
                if let Link::Next(next) = table.link(&piece, first, cluster)
                    && cluster >= FIRST_CLUSTER
                {
                    let twice = table.led_to.get(next);
                    if twice { table.shared.set(next) } else { table.led_to.set(next) }
                }
            }
            first = first.saturating_add(per_piece);
        }
        Ok(table)
    }

    /// The bytes of `count` entries from an even one on.
    fn piece(&self, first: u32, count: u32) -> Result<Vec<u8>, ReadError> {
        let (offset, end) = (self.offset(first), self.offset(first.saturating_add(count)));
        // The last of an odd number of 12-bit entries ends in the middle of a byte.
        let length = end - offset + u64::from(self.geometry.width == Width::Twelve);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        self.image.read_at(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Where a cluster's entry begins.
    fn offset(&self, cluster: u32) -> u64 {
        let cluster = u64::from(cluster);
        self.geometry.table
            + match self.geometry.width {
                Width::Twelve => cluster + cluster / 2,
                Width::Sixteen => cluster * 2,
                Width::ThirtyTwo => cluster * 4,
            }
    }

    /// What the entry of `cluster` says, out of a piece that begins with the entry of `first`.
    fn link(&self, piece: &[u8], first: u32, cluster: u32) -> Link {
        let at = usize::try_from(self.offset(cluster) - self.offset(first)).unwrap_or(usize::MAX);
        let (value, bad) = match self.geometry.width {
            Width::Twelve => {
                let pair = u32::from(u16_at(piece, at).unwrap_or(0));
                (if cluster.is_multiple_of(2) { pair & 0xfff } else { pair >> 4 }, 0xff7)
            }
            Width::Sixteen => (u32::from(u16_at(piece, at).unwrap_or(0)), 0xfff7),
            Width::ThirtyTwo => (u32_at(piece, at).unwrap_or(0) & 0x0fff_ffff, 0x0fff_fff7),
        };
        match value {
            0 => Link::Free,
            value if value == bad => Link::Bad,
            value if value > bad => Link::End,
            value => Link::Next(value),
        }
    }

    /// The first clusters of a chain: `wanted` of them, or all. What could be followed, and why the rest could not.
    pub(super) fn chain(&self, start: u32, wanted: Option<u64>) -> (Extents, Option<ReadError>) {
        let mut extents = Extents::default();
        let error = self.follow(start, wanted, &mut extents).err();
        (extents, error)
    }

    fn follow(&self, start: u32, wanted: Option<u64>, extents: &mut Extents) -> Result<(), ReadError> {
        let corrupt = |cluster: u32, what| ReadError::Corrupt { offset: self.offset(cluster), what };
        let most = u64::from(self.geometry.clusters);
        if wanted.is_some_and(|wanted| wanted > most) {
            return Err(corrupt(0, "a file larger than its volume"));
        }
        if self.led_to.get(start) {
            return Err(corrupt(start, "a file that begins within another one"));
        }
        let per_piece = 1024;
        let (mut piece, mut first) = (Vec::new(), 0);
        let mut cluster = start;
        let mut count = 0;
        loop {
            if !self.geometry.has(cluster) {
                return Err(corrupt(0, "a cluster outside the volume"));
            }
            if self.shared.get(cluster) || count >= most {
                return Err(corrupt(cluster, "a cluster of more than one file"));
            }
            extents.push(self.geometry.cluster_bytes, Some(self.geometry.place(cluster)))?;
            count += 1;
            let is_last = wanted == Some(count);
            if piece.is_empty() || cluster < first || cluster - first >= per_piece {
                first = cluster - cluster % per_piece;
                let end = self.geometry.clusters.saturating_add(FIRST_CLUSTER);
                piece = self.piece(first, per_piece.min(end - first))?;
            }
            match self.link(&piece, first, cluster) {
                Link::Free => return Err(corrupt(cluster, "a file in a cluster that is free")),
                Link::Bad => return Err(corrupt(cluster, "a file in a cluster that is marked as bad")),
                Link::End if is_last || wanted.is_none() => return Ok(()),
                Link::End => return Err(corrupt(cluster, "a chain of clusters shorter than its file")),
                // What was allocated behind the end is not the file's.
                Link::Next(_) if is_last => return Ok(()),
                Link::Next(next) => cluster = next,
            }
        }
    }
}
