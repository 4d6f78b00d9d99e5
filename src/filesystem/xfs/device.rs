//! The volume as it is after the log was replayed in memory.
//!
//! **Invariant:** every byte of metadata and of content is read through what the log replaced; a metadata block of a
//! version 5 file system counts only where its checksum, its place, its owner and its file system are right.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::superblock::{Superblock, be64, checksum, le32};
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

/// The unit in which the log counts, and in which metadata blocks state their place.
pub(super) const SECTOR_BYTES: usize = 512;

/// Sectors whose current content stands in the log.
#[derive(Default)]
pub(super) struct Overlay {
    sectors: BTreeMap<u64, Box<[u8; SECTOR_BYTES]>>,
}

impl Overlay {
    /// Nothing was replaced.
    pub(super) fn is_empty(&self) -> bool {
        self.sectors.is_empty()
    }

    /// Replaces what was read from `offset`.
    fn patch(&self, offset: u64, buffer: &mut [u8]) {
        let size = SECTOR_BYTES as u64;
        let end = offset.saturating_add(u64::try_from(buffer.len()).unwrap_or(u64::MAX));
        if self.sectors.is_empty() || buffer.is_empty() {
            return;
        }
        for (sector, content) in self.sectors.range(offset / size..end.div_ceil(size)) {
            let start = sector * size;
            let (from, to) = (start.max(offset), end.min(start + size));
            let at = |place: u64, base: u64| usize::try_from(place - base).unwrap_or(usize::MAX);
            let into = buffer.get_mut(at(from, offset)..at(to, offset));
            if let (Some(into), Some(new)) = (into, content.get(at(from, start)..at(to, start))) {
                into.copy_from_slice(new);
            }
        }
    }

    fn holds_any(&self, offset: u64, length: u64) -> bool {
        let size = SECTOR_BYTES as u64;
        self.sectors.range(offset / size..offset.saturating_add(length).div_ceil(size)).next().is_some()
    }
}

/// Where a metadata block of version 5 states what it is.
pub(super) struct Header {
    pub(super) checksum: usize,
    pub(super) place: usize,
    pub(super) uuid: usize,
    pub(super) owner: usize,
}

/// An inode's tree of extents.
pub(super) const MAP_HEADER: Header = Header { checksum: 64, place: 24, uuid: 40, owner: 56 };
/// A folder's block of entries.
pub(super) const FOLDER_HEADER: Header = Header { checksum: 4, place: 8, uuid: 24, owner: 40 };

/// A volume and what the log replaces of it.
pub(super) struct Device {
    image: Arc<dyn Image>,
    pub(super) superblock: Superblock,
    pub(super) overlay: Overlay,
    /// Inodes whose tree of extents was taken over from another one: its blocks may still name that one.
    pub(super) adopted: HashSet<u64>,
    /// Inodes whose mapping was being changed when the server stopped.
    pub(super) half_mapped: HashSet<u64>,
}

impl Device {
    /// With nothing replayed.
    pub(super) fn new(image: Arc<dyn Image>) -> Result<Self, ReadError> {
        let superblock = superblock(image.as_ref(), &Overlay::default())?;
        let (overlay, adopted, half_mapped) = Default::default();
        Ok(Self { image, superblock, overlay, adopted, half_mapped })
    }

    /// Reads the superblock again, through what the log replaced.
    pub(super) fn reload(&mut self) -> Result<(), ReadError> {
        self.superblock = superblock(self.image.as_ref(), &self.overlay)?;
        Ok(())
    }

    /// The bytes below the log.
    pub(super) fn image(&self) -> Arc<dyn Image> {
        Arc::clone(&self.image)
    }

    /// Reads bytes of the data device.
    pub(super) fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let end = offset.checked_add(u64::try_from(buffer.len()).unwrap_or(u64::MAX));
        if end.is_none_or(|end| end > self.superblock.size_bytes()) {
            return Err(ReadError::Corrupt { offset, what: "a block outside the file system" });
        }
        self.image.read_at(offset, buffer)?;
        self.overlay.patch(offset, buffer);
        Ok(())
    }

    /// Replaces whole sectors.
    pub(super) fn replace(&mut self, offset: u64, content: &[u8]) -> Result<(), ReadError> {
        let first = offset / SECTOR_BYTES as u64;
        for (sector, part) in (first..).zip(content.as_chunks::<SECTOR_BYTES>().0) {
            self.overlay.sectors.insert(sector, Box::new(*part));
        }
        if self.overlay.sectors.len() > limits::XFS_REPLAYED_SECTORS {
            return Err(ReadError::Limit { offset, what: "sectors that the log replaces" });
        }
        Ok(())
    }

    /// The raw bytes of an inode.
    pub(super) fn read_inode(&self, number: u64) -> Result<Vec<u8>, ReadError> {
        let outside = ReadError::Corrupt { offset: 0, what: "an inode outside the file system" };
        let place = self.superblock.inode_place(number).ok_or(outside)?;
        let mut bytes = vec![0; self.superblock.inode_bytes];
        self.read(place, &mut bytes)?;
        Ok(bytes)
    }

    /// Something of these bytes was replaced by the log.
    pub(super) fn is_replaced(&self, offset: u64, length: u64) -> bool {
        self.overlay.holds_any(offset, length)
    }

    /// A version 5 metadata block is what it must be; older ones say nothing of themselves.
    pub(super) fn check(&self, block: &[u8], offset: u64, owner: u64, header: &Header) -> Result<(), ReadError> {
        if !self.superblock.has_checksums {
            return Ok(());
        }
        let corrupt = |what: &'static str| Err(ReadError::Corrupt { offset, what });
        if checksum(block, header.checksum) != le32(block, header.checksum) {
            return corrupt("the checksum of a metadata block");
        }
        self.check_identity(block, offset, owner, header)
    }

    /// As [`Device::check`], for a block whose checksum the replayed log may not have brought up to date.
    pub(super) fn check_identity(
        &self,
        block: &[u8],
        offset: u64,
        owner: u64,
        header: &Header,
    ) -> Result<(), ReadError> {
        let corrupt = |what: &'static str| Err(ReadError::Corrupt { offset, what });
        if block.get(header.uuid..header.uuid + 16) != Some(&self.superblock.metadata_uuid) {
            return corrupt("a metadata block of another file system");
        }
        if be64(block, header.place) != offset / SECTOR_BYTES as u64 {
            return corrupt("a metadata block that belongs elsewhere");
        }
        if be64(block, header.owner) != owner && !self.adopted.contains(&owner) {
            return corrupt("a metadata block of another inode");
        }
        Ok(())
    }
}

fn superblock(image: &dyn Image, overlay: &Overlay) -> Result<Superblock, ReadError> {
    let mut head = vec![0; SECTOR_BYTES];
    image.read_at(0, &mut head)?;
    let mut sector = vec![0; Superblock::sector_bytes(&head)?];
    image.read_at(0, &mut sector)?;
    overlay.patch(0, &mut sector);
    Superblock::parse(&sector)
}
