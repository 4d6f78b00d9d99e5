//! The clusters of a file: one behind the other, or chained by the table.
//!
//! **Invariant:** a chain ends, each of its clusters lies in the volume, and on a volume that was put away in order each is
//! one that the allocation bitmap calls used.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::extent::Extents;
use super::super::field::u32_at;
use super::boot::{FIRST_CLUSTER, Geometry};
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

const END: u32 = 0xffff_ffff;
/// Entries of the table that are read at once.
const PIECE: u32 = 1024;

/// The clusters of a volume.
pub(super) struct Clusters {
    pub(super) image: Arc<dyn Image>,
    pub(super) geometry: Geometry,
    /// The allocation bitmap, once it was found; none before, and where the volume was not put away in order: there it
    /// may be older than the folders.
    pub(super) bitmap: Option<Extents>,
}

/// Where a file's clusters are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: u32,
    /// They follow one another, and the table does not count.
    pub(super) is_contiguous: bool,
    pub(super) bytes: u64,
}

impl Clusters {
    fn entry_offset(&self, cluster: u32) -> u64 {
        self.geometry.table + u64::from(cluster) * 4
    }

    /// A file's clusters, as many as its size needs.
    pub(super) fn of(&self, run: Run) -> Result<Extents, ReadError> {
        let wanted = run.bytes.div_ceil(self.geometry.cluster_bytes);
        if wanted == 0 {
            return Ok(Extents::default());
        }
        let outside = ReadError::Corrupt { offset: 0, what: "a cluster outside the volume" };
        let wanted = u32::try_from(wanted).ok().filter(|wanted| *wanted <= self.geometry.clusters);
        let Some(wanted) = wanted else { return Err(outside) };
        if !run.is_contiguous {
            return self.chain(run.start, Some(wanted)).and_then(|(extents, error)| error.map_or(Ok(extents), Err));
        }
        let last = run.start.checked_add(wanted - 1);
        if !self.geometry.has(run.start) || !last.is_some_and(|last| self.geometry.has(last)) {
            return Err(outside);
        }
        let mut extents = Extents::default();
        self.add(&mut extents, run.start, wanted)?;
        Ok(extents)
    }

    /// A chain to its end, or its first clusters. What could be followed, and why the rest could not.
    pub(super) fn chain(&self, start: u32, wanted: Option<u32>) -> Result<(Extents, Option<ReadError>), ReadError> {
        let mut extents = Extents::default();
        let error = self.follow(start, wanted, &mut extents).err();
        if !extents.are_apart() {
            return Err(ReadError::Corrupt { offset: self.entry_offset(start), what: "a chain that crosses itself" });
        }
        Ok((extents, error))
    }

    fn follow(&self, start: u32, wanted: Option<u32>, extents: &mut Extents) -> Result<(), ReadError> {
        let corrupt = |cluster: u32, what| ReadError::Corrupt { offset: self.entry_offset(cluster), what };
        let most = wanted.unwrap_or(self.geometry.clusters);
        let (mut piece, mut first) = (Vec::new(), u32::MAX);
        let mut cluster = start;
        // Where runs begin. A loop leads into a run, and the second time to a beginning that was there before.
        let mut begun = HashSet::new();
        let (mut run_start, mut run_length, mut count) = (start, 0_u32, 0_u32);
        loop {
            if !self.geometry.has(cluster) {
                return Err(corrupt(0, "a cluster outside the volume"));
            }
            if count >= self.geometry.clusters {
                return Err(corrupt(cluster, "a chain of clusters without an end"));
            }
            (run_length, count) = (run_length + 1, count + 1);
            let piece_of = cluster - cluster % PIECE;
            if piece_of != first {
                first = piece_of;
                let end = self.geometry.clusters.saturating_add(FIRST_CLUSTER);
                piece = vec![0; 4 * PIECE.min(end - first) as usize];
                self.image.read_at(self.entry_offset(first), &mut piece)?;
            }
            let next = u32_at(&piece, 4 * (cluster - first) as usize).unwrap_or(0);
            let is_last = wanted.is_some() && count == most;
            if is_last || next == END || next != cluster.wrapping_add(1) {
                if !begun.insert(run_start) || begun.len() > limits::FILE_EXTENTS {
                    return Err(corrupt(run_start, "a chain of clusters that comes back to itself"));
                }
                self.add(extents, run_start, run_length)?;
                (run_start, run_length) = (next, 0);
            }
            if is_last || (next == END && wanted.is_none()) {
                return Ok(());
            }
            if next == END {
                return Err(corrupt(cluster, "a chain of clusters shorter than its file"));
            }
            cluster = next;
        }
    }

    fn add(&self, extents: &mut Extents, start: u32, count: u32) -> Result<(), ReadError> {
        if let Some(bitmap) = &self.bitmap {
            let first = u64::from(start.saturating_sub(FIRST_CLUSTER));
            if !bitmap.are_set(self.image.as_ref(), first, u64::from(count))? {
                let offset = self.geometry.place(start);
                return Err(ReadError::Corrupt { offset, what: "a file in a cluster that is free" });
            }
        }
        let bytes = u64::from(count).saturating_mul(self.geometry.cluster_bytes);
        extents.push(bytes, Some(self.geometry.place(start)))
    }
}
