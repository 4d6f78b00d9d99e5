//! A file's content as a stream.
//!
//! **Invariant:** it gives exactly as many bytes as the inode states, or an error; a block that unpacks to another length
//! than its place in the file asks for is damage.

use std::io::Read;
use std::sync::Arc;

use super::inode::{Content, NO_FRAGMENT};
use super::superblock::u32_at;
use super::table::Store;
use crate::read_error::ReadError;

/// An open regular file.
pub(super) struct FileStream {
    store: Arc<Store>,
    content: Content,
    /// The offset in the image at which the next block stands.
    next: u64,
    position: u64,
    block: Block,
    given: usize,
}

enum Block {
    Bytes(Vec<u8>),
    Zeros(usize),
    Fragment { bytes: Arc<Vec<u8>>, from: usize, length: usize },
}

impl Block {
    fn length(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Zeros(length) | Self::Fragment { length, .. } => *length,
        }
    }

    fn copy(&self, from: usize, room: &mut [u8]) {
        let bytes = match self {
            Self::Bytes(bytes) => bytes.get(from..),
            Self::Zeros(_) => return room.fill(0),
            Self::Fragment { bytes, from: start, .. } => bytes.get(start + from..),
        };
        if let Some(bytes) = bytes.and_then(|bytes| bytes.get(..room.len())) {
            room.copy_from_slice(bytes);
        }
    }
}

impl FileStream {
    /// At the file's beginning.
    pub(super) fn new(store: Arc<Store>, content: Content) -> Self {
        Self { next: content.start, store, content, position: 0, block: Block::Zeros(0), given: 0 }
    }

    /// The block at the position, which is not at the end.
    fn load(&mut self) -> Result<Block, ReadError> {
        let block_bytes = u64::from(self.store.superblock.block_bytes);
        let left = self.content.size_bytes - self.position;
        let length = usize::try_from(left.min(block_bytes)).unwrap_or(0);
        let corrupt = |offset, what| ReadError::Corrupt { offset, what };
        if left < block_bytes && self.content.fragment != NO_FRAGMENT {
            let bytes = self.store.fragment(self.content.fragment)?;
            let from = self.content.within_fragment as usize;
            if from.checked_add(length).is_none_or(|end| end > bytes.len()) {
                return Err(corrupt(self.position, "a file's end outside its fragment"));
            }
            return Ok(Block::Fragment { bytes, from, length });
        }
        let mut stored = [0; 4];
        self.store.read(&mut self.content.lengths, &mut stored)?;
        let stored = u32_at(&stored, 0);
        let Some(bytes) = self.store.data(self.next, stored, length)? else { return Ok(Block::Zeros(length)) };
        if bytes.len() != length {
            return Err(corrupt(self.next, "a block that unpacks to another length"));
        }
        self.next += u64::from(stored & 0x00ff_ffff);
        Ok(Block::Bytes(bytes))
    }
}

impl Read for FileStream {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        if room.is_empty() || self.position == self.content.size_bytes {
            return Ok(0);
        }
        if self.given == self.block.length() {
            self.block = self.load()?;
            self.given = 0;
        }
        let count = (self.block.length() - self.given).min(room.len());
        self.block.copy(self.given, room.split_at_mut(count).0);
        self.given += count;
        self.position += count as u64;
        Ok(count)
    }
}
