//! The boot region of exFAT.
//!
//! After Microsoft's "exFAT file system specification" (7.2019), sections 3 and 4.
//!
//! **Invariant:** the boot region's checksum holds, and the table and the clusters lie where they can be computed without
//! overflow.

use super::super::field::{u8_at, u16_at, u32_at, u64_at};
use crate::image::Image;
use crate::read_error::ReadError;

/// The first cluster that holds anything.
pub(super) const FIRST_CLUSTER: u32 = 2;
/// The sectors that the checksum covers; the next one holds it.
const CHECKED_SECTORS: usize = 11;

/// Where everything stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub(super) cluster_bytes: u64,
    /// The offset of the table.
    pub(super) table: u64,
    /// The offset of the first cluster.
    heap: u64,
    /// How many clusters there are; their numbers begin with [`FIRST_CLUSTER`].
    pub(super) clusters: u32,
    /// The first cluster of the root folder.
    pub(super) root: u32,
    /// The volume was not put away in order.
    pub(super) is_dirty: bool,
}

impl Geometry {
    /// The volume begins with an exFAT boot sector.
    pub(super) fn is_there(image: &dyn Image) -> Result<bool, ReadError> {
        let mut sector = [0; 512];
        if image.size_bytes() < 512 {
            return Ok(false);
        }
        image.read_at(0, &mut sector)?;
        Ok(sector.get(3..11) == Some(b"EXFAT   ") && sector.ends_with(&[0x55, 0xaa]))
    }

    /// Reads and checks it; what this version does not read is refused.
    pub(super) fn read(image: &dyn Image) -> Result<Self, ReadError> {
        let corrupt = ReadError::Corrupt { offset: 0, what: "the boot sector of an exFAT file system" };
        let mut sector = [0; 512];
        image.read_at(0, &mut sector)?;
        let shift = u32::from(u8_at(&sector, 0x6c).unwrap_or(0));
        if !(9..=12).contains(&shift) {
            return Err(corrupt);
        }
        check_sum(image, 1 << shift)?;
        let revision = u16_at(&sector, 0x68).unwrap_or(0);
        if revision >> 8 != 1 {
            let what = format!("an exFAT file system of revision {}.{:02}", revision >> 8, revision & 0xff);
            return Err(ReadError::Unsupported { offset: 0x68, what });
        }
        if u8_at(&sector, 0x6e) != Some(1) {
            let what = "an exFAT file system with transactions (TexFAT)".to_owned();
            return Err(ReadError::Unsupported { offset: 0x6e, what });
        }
        Self::parse(&sector, shift).ok_or(corrupt)
    }

    fn parse(sector: &[u8], shift: u32) -> Option<Self> {
        let flags = u16_at(sector, 0x6a)?;
        let cluster_shift = shift + u32::from(u8_at(sector, 0x6d)?);
        let clusters = u32_at(sector, 0x5c)?;
        let bytes = |sectors: u32| u64::from(sectors) << shift;
        let (table, table_bytes) = (bytes(u32_at(sector, 0x50)?), bytes(u32_at(sector, 0x54)?));
        let heap = bytes(u32_at(sector, 0x58)?);
        let volume = u64_at(sector, 0x48)?.checked_mul(1 << shift)?;
        let is_sound = cluster_shift <= 25
            && (1..=0xffff_fff5).contains(&clusters)
            && table >= bytes(24)
            && (u64::from(clusters) + u64::from(FIRST_CLUSTER)) * 4 <= table_bytes
            && table + table_bytes <= heap
            && u64::from(clusters).checked_mul(1 << cluster_shift)?.checked_add(heap)? <= volume;
        is_sound.then_some(Self {
            cluster_bytes: 1 << cluster_shift,
            table,
            heap,
            clusters,
            root: u32_at(sector, 0x60)?,
            // Dirty, or a medium that failed.
            is_dirty: flags & 0x6 != 0,
        })
    }

    /// A cluster that holds something.
    pub(super) fn has(&self, cluster: u32) -> bool {
        cluster.checked_sub(FIRST_CLUSTER).is_some_and(|index| index < self.clusters)
    }

    /// Where a cluster that [`Geometry::has`] begins.
    pub(super) fn place(&self, cluster: u32) -> u64 {
        self.heap + u64::from(cluster.saturating_sub(FIRST_CLUSTER)) * self.cluster_bytes
    }
}

/// The last of the twelve sectors of the boot region repeats the checksum of the others; the flags and the share in use,
/// which change while the volume is mounted, do not count (3.4).
fn check_sum(image: &dyn Image, sector_bytes: usize) -> Result<(), ReadError> {
    let mut region = vec![0; sector_bytes * (CHECKED_SECTORS + 1)];
    image.read_at(0, &mut region)?;
    let (checked, stored) = region.split_at(sector_bytes * CHECKED_SECTORS);
    let counted = checked.iter().enumerate().filter(|(at, _)| !matches!(at, 106 | 107 | 112));
    let sum = counted.fold(0_u32, |sum, (_, byte)| sum.rotate_right(1).wrapping_add(u32::from(*byte)));
    if stored.chunks_exact(4).all(|stored| stored == sum.to_le_bytes()) {
        return Ok(());
    }
    let offset = u64::try_from(sector_bytes * CHECKED_SECTORS).unwrap_or(0);
    Err(ReadError::Corrupt { offset, what: "the checksum of the boot region" })
}
