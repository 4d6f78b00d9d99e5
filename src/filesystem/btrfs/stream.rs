//! A file's content as a stream.
//!
//! **Invariant:** it gives exactly as many bytes as the inode states, or an error; never fewer. Every byte that has a checksum
//! was checked against it before it is given.

use std::io::Read;
use std::sync::Arc;

use super::extent::{Content, Extent, INLINE_HEAD_BYTES, Packing};
use super::inode::Inode;
use super::store::Store;
use super::tree::{Cursor, Tree, kind};
use super::unpack::unpack;
use crate::limits;
use crate::read_error::ReadError;

/// An open regular file.
pub(super) struct FileStream {
    store: Arc<Store>,
    extents: Cursor,
    /// The extent that holds the position or comes next after it; none behind the last one.
    extent: Option<Extent>,
    /// The content of that extent where it is inline.
    inline: Vec<u8>,
    /// Up to where the extents reach that were read.
    mapped: u64,
    position: u64,
    size_bytes: u64,
    has_sums: bool,
    /// What was read and not given yet: bytes of the file from `piece_at` on.
    piece: Vec<u8>,
    piece_at: u64,
    /// The packed extent that was unpacked last, by its address.
    unpacked: Option<(u64, Vec<u8>)>,
}

const fn corrupt(offset: u64, what: &'static str) -> ReadError {
    ReadError::Corrupt { offset, what }
}

impl FileStream {
    /// At the file's beginning.
    pub(super) fn new(store: Arc<Store>, tree: &Tree, number: u64, inode: &Inode) -> Result<Self, ReadError> {
        let mut stream = Self {
            store,
            extents: tree.all(number, kind::EXTENT_DATA),
            extent: None,
            inline: Vec::new(),
            mapped: 0,
            position: 0,
            size_bytes: inode.size_bytes,
            has_sums: inode.has_sums,
            piece: Vec::new(),
            piece_at: 0,
            unpacked: None,
        };
        stream.advance()?;
        Ok(stream)
    }

    fn sector(&self) -> u64 {
        u64::from(self.store.blocks.pool.superblock.sector_bytes)
    }

    /// Goes on to the next extent.
    fn advance(&mut self) -> Result<(), ReadError> {
        self.extent = None;
        let Some(item) = self.extents.next()? else { return Ok(()) };
        let extent = Extent::parse(&item, self.sector())?;
        if extent.start < self.mapped {
            return Err(corrupt(0, "extents of a file that overlap"));
        }
        self.mapped = extent.start.saturating_add(extent.length);
        if matches!(extent.content, Content::Inline { .. }) {
            self.inline = item.data().get(INLINE_HEAD_BYTES..).unwrap_or_default().to_vec();
        }
        self.extent = Some(extent);
        Ok(())
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let left = self.size_bytes - self.position;
        let length = u64::try_from(buffer.len()).unwrap_or(u64::MAX).min(left);
        if length == 0 {
            return Ok(0);
        }
        if let Some(given) = self.give_piece(buffer, length) {
            return Ok(given);
        }
        while self.extent.as_ref().is_some_and(|extent| extent.start.saturating_add(extent.length) <= self.position) {
            self.advance()?;
        }
        let start = self.extent.as_ref().map_or(u64::MAX, |extent| extent.start);
        if self.position < start {
            return Ok(self.zeros(buffer, length.min(start - self.position)));
        }
        let Some(extent) = self.extent.clone() else { return Ok(0) };
        let end = extent.start.saturating_add(extent.length);
        match extent.content {
            Content::Zeros => return Ok(self.zeros(buffer, length.min(end - self.position))),
            Content::Inline { packing, unpacked_bytes } => self.load_inline(packing, unpacked_bytes)?,
            Content::Plain { logical } => self.load_plain(&extent, logical)?,
            Content::Packed { .. } => self.load_packed(&extent)?,
        }
        self.give_piece(buffer, length).ok_or(corrupt(0, "an extent of a file"))
    }

    /// Gives what was read already; none where the position is not in it.
    fn give_piece(&mut self, buffer: &mut [u8], length: u64) -> Option<usize> {
        let within = usize::try_from(self.position.checked_sub(self.piece_at)?).ok()?;
        let piece = self.piece.get(within..).filter(|piece| !piece.is_empty())?;
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(piece.len());
        buffer.get_mut(..length)?.copy_from_slice(piece.get(..length)?);
        self.position += u64::try_from(length).unwrap_or(0);
        Some(length)
    }

    fn zeros(&mut self, buffer: &mut [u8], length: u64) -> usize {
        let given = usize::try_from(length).unwrap_or(usize::MAX).min(buffer.len());
        buffer.split_at_mut(given).0.fill(0);
        self.position += u64::try_from(given).unwrap_or(0);
        given
    }

    /// Behind an inline extent its sector is zeros.
    fn load_inline(&mut self, packing: Option<Packing>, unpacked_bytes: usize) -> Result<(), ReadError> {
        let sector = usize::try_from(self.sector()).unwrap_or(usize::MAX);
        let mut bytes = match packing {
            Some(packing) => unpack(packing, &self.inline, unpacked_bytes, sector)?,
            None => std::mem::take(&mut self.inline),
        };
        bytes.resize(unpacked_bytes.next_multiple_of(sector), 0);
        (self.piece, self.piece_at) = (bytes, 0);
        Ok(())
    }

    fn load_plain(&mut self, extent: &Extent, logical: u64) -> Result<(), ReadError> {
        let sector = self.sector();
        let within = self.position - extent.start;
        let within = within - within % sector;
        let most = u64::try_from(limits::BTRFS_PIECE_BYTES).unwrap_or(u64::MAX);
        // No more than the file has, in whole sectors.
        let wanted = (self.size_bytes - extent.start - within).checked_next_multiple_of(sector);
        let length = wanted.unwrap_or(u64::MAX).min(extent.length - within).min(most);
        self.piece_at = u64::MAX;
        let mut piece = std::mem::take(&mut self.piece);
        piece.resize(usize::try_from(length).unwrap_or(0), 0);
        self.content(logical.saturating_add(within), &mut piece)?;
        (self.piece, self.piece_at) = (piece, extent.start.saturating_add(within));
        Ok(())
    }

    fn load_packed(&mut self, extent: &Extent) -> Result<(), ReadError> {
        let Content::Packed { packing, logical, stored_bytes, unpacked_bytes, skip } = extent.content else {
            return Ok(());
        };
        let known = self.unpacked.take().filter(|(at, bytes)| *at == logical && bytes.len() == unpacked_bytes);
        let unpacked = match known {
            Some((_, unpacked)) => unpacked,
            None => {
                let mut packed = vec![0; stored_bytes];
                self.content(logical, &mut packed)?;
                unpack(packing, &packed, unpacked_bytes, usize::try_from(self.sector()).unwrap_or(usize::MAX))?
            }
        };
        let length = usize::try_from(extent.length).unwrap_or(usize::MAX);
        let part = skip.checked_add(length).and_then(|end| unpacked.get(skip..end));
        self.piece = part.ok_or(corrupt(logical, "a range that reaches out of its extent"))?.to_vec();
        self.piece_at = extent.start;
        self.unpacked = Some((logical, unpacked));
        Ok(())
    }

    fn content(&self, logical: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let pool = &self.store.blocks.pool;
        if !self.has_sums {
            return pool.read_unsummed(logical, buffer);
        }
        let sector = usize::try_from(self.sector()).unwrap_or(usize::MAX);
        let sums = self.store.sums.of(logical, buffer.len() / sector)?;
        pool.read_content(logical, buffer, &sums)
    }
}

impl Read for FileStream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        Ok(self.fill(buffer)?)
    }
}
