//! The boot sector of FAT12, FAT16 and FAT32.
//!
//! After Microsoft's "FAT: General Overview of On-Disk Format" (version 1.03). The words `FAT12` and `FAT32` in it are
//! no mark: old tools leave them out, and the document says that nothing may rest on them. What counts is the number
//! of clusters, and a boot sector is told from any other first sector by its fields, which must agree with one another
//! and with the first entry of the table.
//!
//! **Invariant:** whatever stands in the fields, the table, the root and the clusters lie where they can be computed
//! without overflow; what is no FAT volume is not claimed.

use super::super::field::{u8_at, u16_at, u32_at};
use crate::image::Image;
use crate::read_error::ReadError;

/// The first cluster that holds anything.
pub(super) const FIRST_CLUSTER: u32 = 2;
/// The size of the boot sector's part that counts.
const SECTOR_BYTES: usize = 512;
/// What marks the part of a drive under BitLocker To Go that machines without BitLocker see.
const TO_GO: [u8; 16] =
    [0x3b, 0xd6, 0x67, 0x49, 0x29, 0x2e, 0xd8, 0x4a, 0x83, 0x99, 0xf6, 0xa3, 0x39, 0xe3, 0xd0, 0x01];

/// How wide an entry of the table is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Width {
    Twelve,
    Sixteen,
    ThirtyTwo,
}

/// Where the root folder stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Root {
    /// Between the tables and the clusters, as long as this (FAT12, FAT16).
    Fixed { offset: u64, bytes: u64 },
    /// In a chain of clusters (FAT32).
    Chain(u32),
}

/// Where everything stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub(super) width: Width,
    pub(super) cluster_bytes: u64,
    /// The table that is in use: its offset.
    pub(super) table: u64,
    pub(super) root: Root,
    /// The offset of the first cluster.
    data: u64,
    /// How many clusters there are; their numbers begin with [`FIRST_CLUSTER`].
    pub(super) clusters: u32,
}

impl Geometry {
    /// The volume begins with a boot sector whose fields agree.
    pub(super) fn is_there(image: &dyn Image) -> Result<bool, ReadError> {
        let Some(sector) = first_sector(image)? else { return Ok(false) };
        let Some(geometry) = Self::parse(&sector, image.size_bytes()) else { return Ok(false) };
        // The first entry of the table repeats the media byte, all other bits set.
        let mut entry = [0; 3];
        image.read_at(geometry.table, &mut entry)?;
        Ok(entry == [sector[0x15], 0xff, 0xff])
    }

    /// Reads it; what this version does not read is refused.
    pub(super) fn read(image: &dyn Image) -> Result<Self, ReadError> {
        let sector = first_sector(image)?.unwrap_or([0; SECTOR_BYTES]);
        if sector.get(0x1a8..0x1b8) == Some(TO_GO.as_slice()) {
            return Err(ReadError::Encrypted { offset: 0x1a8, what: "BitLocker To Go".to_owned() });
        }
        let corrupt = ReadError::Corrupt { offset: 0, what: "the boot sector of a FAT file system" };
        let geometry = Self::parse(&sector, image.size_bytes()).ok_or(corrupt)?;
        let version = u16_at(&sector, 0x2a).unwrap_or(0);
        if geometry.width == Width::ThirtyTwo && version != 0 {
            let what = format!("a FAT32 file system of version {version:#x}");
            return Err(ReadError::Unsupported { offset: 0x2a, what });
        }
        Ok(geometry)
    }

    fn parse(sector: &[u8; SECTOR_BYTES], image_bytes: u64) -> Option<Self> {
        let has_jump = matches!((sector[0], sector[2]), (0xeb, 0x90) | (0xe9, _));
        let is_other = [b"NTFS    ", b"EXFAT   ", b"-FVE-FS-"].iter().any(|name| sector.get(3..11) == Some(*name));
        let sector_bytes = u64::from(u16_at(sector, 0xb)?);
        let per_cluster = u64::from(u8_at(sector, 0xd)?);
        let reserved = u64::from(u16_at(sector, 0xe)?);
        let tables = u64::from(u8_at(sector, 0x10)?);
        let root_entries = u64::from(u16_at(sector, 0x11)?);
        let media = u8_at(sector, 0x15)?;
        let is_sound = has_jump
            && !is_other
            && matches!(sector_bytes, 512 | 1024 | 2048 | 4096)
            && per_cluster.is_power_of_two()
            && reserved > 0
            && (1..=4).contains(&tables)
            && (media == 0xf0 || media >= 0xf8);
        if !is_sound {
            return None;
        }
        let either = |short: u16, long: u32| if short == 0 { u64::from(long) } else { u64::from(short) };
        let sectors = either(u16_at(sector, 0x13)?, u32_at(sector, 0x20)?);
        let short_table = u16_at(sector, 0x16)?;
        let is_32 = short_table == 0;
        let table_sectors = either(short_table, u32_at(sector, 0x24)?);
        if table_sectors == 0 || (root_entries == 0) != is_32 {
            return None;
        }
        // Where the tables are not kept alike (bit 7), one is in use.
        let flags = if is_32 { u16_at(sector, 0x28)? } else { 0 };
        let active = if flags & 0x80 == 0 { 0 } else { u64::from(flags & 0xf) };
        let root_sectors = (root_entries * 32).div_ceil(sector_bytes);
        let root_sector = reserved + tables * table_sectors;
        let data_sector = root_sector + root_sectors;
        let clusters = sectors.checked_sub(data_sector)? / per_cluster;
        let width = match clusters {
            _ if is_32 => Width::ThirtyTwo,
            0..4085 => Width::Twelve,
            4085..65_525 => Width::Sixteen,
            _ => return None,
        };
        // A table may be too short for its clusters: those that it does not reach do not exist.
        let table_bytes = table_sectors * sector_bytes;
        let entries = match width {
            Width::Twelve => table_bytes * 2 / 3,
            Width::Sixteen => table_bytes / 2,
            Width::ThirtyTwo => (table_bytes / 4).min(0x0fff_fff7),
        };
        let clusters = u32::try_from(clusters.min(entries.checked_sub(u64::from(FIRST_CLUSTER))?)).ok()?;
        let data = data_sector * sector_bytes;
        if clusters == 0 || active >= tables || data > image_bytes {
            return None;
        }
        let root = if is_32 {
            Root::Chain(u32_at(sector, 0x2c)? & 0x0fff_ffff)
        } else {
            Root::Fixed { offset: root_sector * sector_bytes, bytes: root_entries * 32 }
        };
        let table = (reserved + active * table_sectors) * sector_bytes;
        Some(Self { width, cluster_bytes: per_cluster * sector_bytes, table, root, data, clusters })
    }

    /// A cluster that holds something.
    pub(super) fn has(&self, cluster: u32) -> bool {
        cluster.checked_sub(FIRST_CLUSTER).is_some_and(|index| index < self.clusters)
    }

    /// Where a cluster that [`Geometry::has`] begins.
    pub(super) fn place(&self, cluster: u32) -> u64 {
        self.data + u64::from(cluster.saturating_sub(FIRST_CLUSTER)) * self.cluster_bytes
    }
}

fn first_sector(image: &dyn Image) -> Result<Option<[u8; SECTOR_BYTES]>, ReadError> {
    let mut sector = [0; SECTOR_BYTES];
    if image.size_bytes() < SECTOR_BYTES as u64 {
        return Ok(None);
    }
    image.read_at(0, &mut sector)?;
    Ok(Some(sector))
}
