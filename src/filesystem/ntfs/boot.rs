//! The boot sector of NTFS.
//!
//! The layout of this and of what follows is that of the kernel's `fs/ntfs3/ntfs.h` and of the "NTFS Documentation" of the
//! Linux-NTFS project.
//!
//! **Invariant:** the sizes of clusters, records and blocks are powers of two within their bounds.

use super::super::field::{u8_at, u16_at, u64_at};
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

/// Sizes, and where the file table begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub(super) cluster_bytes: u64,
    pub(super) clusters: u64,
    pub(super) record_bytes: u64,
    /// The offset of the file table's first record.
    pub(super) table: u64,
}

impl Geometry {
    /// The volume begins with an NTFS boot sector.
    pub(super) fn is_there(image: &dyn Image) -> Result<bool, ReadError> {
        let mut sector = [0; 512];
        if image.size_bytes() < 512 {
            return Ok(false);
        }
        image.read_at(0, &mut sector)?;
        Ok(sector.get(3..11) == Some(b"NTFS    ") && sector.ends_with(&[0x55, 0xaa]))
    }

    /// Reads and checks it.
    pub(super) fn read(image: &dyn Image) -> Result<Self, ReadError> {
        let mut sector = [0; 512];
        image.read_at(0, &mut sector)?;
        let corrupt = ReadError::Corrupt { offset: 0, what: "the boot sector of an NTFS file system" };
        Self::parse(&sector).ok_or(corrupt)
    }

    fn parse(sector: &[u8]) -> Option<Self> {
        let sector_bytes = u64::from(u16_at(sector, 0xb)?);
        let per_cluster = u8_at(sector, 0xd)?;
        // More than 128 sectors are written as a negative power of two.
        let per_cluster = if per_cluster <= 0x80 { u64::from(per_cluster) } else { power(per_cluster)? };
        let cluster_bytes = sector_bytes.checked_mul(per_cluster)?;
        let records = u8_at(sector, 0x40)?;
        let record_bytes = if records < 0x80 { cluster_bytes * u64::from(records) } else { power(records)? };
        let is_size = |size: u64, most: u64| size.is_power_of_two() && (512..=most).contains(&size);
        let is_sound = matches!(sector_bytes, 256 | 512 | 1024 | 2048 | 4096)
            && is_size(cluster_bytes, limits::NTFS_CLUSTER_BYTES)
            && is_size(record_bytes, limits::NTFS_RECORD_BYTES);
        let volume = u64_at(sector, 0x28)?.checked_mul(sector_bytes)?;
        let clusters = volume / cluster_bytes;
        let first = u64_at(sector, 0x30)?;
        (is_sound && first > 0 && first < clusters).then_some(Self {
            cluster_bytes,
            clusters,
            record_bytes,
            table: first * cluster_bytes,
        })
    }
}

/// Two to the power of a number that is stored as its negative.
fn power(stored: u8) -> Option<u64> {
    1_u64.checked_shl(u32::from(stored.wrapping_neg())).filter(|_| stored >= 0xc0)
}
