//! Metadata: chains of packed blocks of at most 8 KiB, and the blocks of files, each behind a small cache.
//!
//! **Invariant:** a block is read within the bytes in use, and the caches hold at most [`limits::SQUASHFS_META_BLOCKS`] and
//! [`limits::SQUASHFS_FRAGMENTS`] blocks.

use std::sync::{Arc, Mutex};

use super::superblock::{Superblock, u16_at, u32_at, u64_at};
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

/// What a block of metadata unpacks to, at most.
const META_BYTES: usize = 8192;
/// The bit of a metadata block's header that says it is stored as it is.
const META_PLAIN: u16 = 0x8000;
/// The bit of a data block's length that says it is stored as it is.
const DATA_PLAIN: u32 = 1 << 24;

/// An unpacked block of metadata, and where the next one stands.
struct Meta {
    bytes: Vec<u8>,
    next: u64,
}

/// Most recently used last.
struct Cache<T> {
    kept: Mutex<Vec<(u64, Arc<T>)>>,
    most: usize,
}

impl<T> Cache<T> {
    fn new(most: usize) -> Self {
        Self { kept: Mutex::new(Vec::new()), most }
    }

    fn get(&self, key: u64, make: impl FnOnce() -> Result<T, ReadError>) -> Result<Arc<T>, ReadError> {
        if let Ok(mut kept) = self.kept.lock()
            && let Some(place) = kept.iter().position(|(at, _)| *at == key)
        {
            let found = kept.remove(place);
            let value = Arc::clone(&found.1);
            kept.push(found);
            return Ok(value);
        }
        let value = Arc::new(make()?);
        if let Ok(mut kept) = self.kept.lock() {
            if kept.len() >= self.most {
                kept.remove(0);
            }
            kept.push((key, Arc::clone(&value)));
        }
        Ok(value)
    }
}

/// The image and what is known of it.
pub(super) struct Store {
    image: Arc<dyn Image>,
    pub(super) superblock: Superblock,
    metas: Cache<Meta>,
    fragments: Cache<Vec<u8>>,
}

/// A place in a chain of metadata.
#[derive(Clone, Copy)]
pub(super) struct Cursor {
    block: u64,
    within: usize,
    /// Where the table ends.
    end: u64,
}

const fn corrupt(offset: u64, what: &'static str) -> ReadError {
    ReadError::Corrupt { offset, what }
}

impl Store {
    pub(super) fn new(image: Arc<dyn Image>, superblock: Superblock) -> Self {
        let metas = Cache::new(limits::SQUASHFS_META_BLOCKS);
        Self { image, superblock, metas, fragments: Cache::new(limits::SQUASHFS_FRAGMENTS) }
    }

    /// The place of an inode by its reference.
    pub(super) fn inode_at(&self, reference: u64) -> Result<Cursor, ReadError> {
        self.cursor(self.superblock.inodes_at, reference >> 16, reference & 0xffff, self.superblock.folders_at)
    }

    /// The place of a folder's entries.
    pub(super) fn folder_at(&self, block: u32, within: u16) -> Result<Cursor, ReadError> {
        let superblock = &self.superblock;
        self.cursor(superblock.folders_at, u64::from(block), u64::from(within), superblock.folders_end)
    }

    fn cursor(&self, table: u64, block: u64, within: u64, end: u64) -> Result<Cursor, ReadError> {
        let block = table.checked_add(block).filter(|&block| block < end);
        let block = block.ok_or(corrupt(table, "a place outside its table"))?;
        let within = usize::try_from(within).unwrap_or(META_BYTES);
        if within >= META_BYTES {
            return Err(corrupt(block, "a place outside its block"));
        }
        Ok(Cursor { block, within, end })
    }

    fn meta(&self, at: u64, end: u64) -> Result<Arc<Meta>, ReadError> {
        if at.checked_add(2).is_none_or(|head| head > end) {
            return Err(corrupt(at, "metadata that end early"));
        }
        self.metas.get(at, || {
            let mut head = [0; 2];
            self.image.read_at(at, &mut head)?;
            let head = u16_at(&head, 0);
            let length = usize::from(head & !META_PLAIN);
            let next = at + 2 + length as u64;
            if length == 0 || length > META_BYTES || next > self.superblock.used_bytes {
                return Err(corrupt(at, "the length of a block of metadata"));
            }
            let mut packed = vec![0; length];
            self.image.read_at(at + 2, &mut packed)?;
            let plain = head & META_PLAIN != 0;
            let bytes = if plain { packed } else { self.superblock.compressor.unpack(at, &packed, META_BYTES)? };
            Ok(Meta { bytes, next })
        })
    }

    /// Fills `buffer` from a chain and moves on.
    pub(super) fn read(&self, cursor: &mut Cursor, buffer: &mut [u8]) -> Result<(), ReadError> {
        let mut rest = buffer;
        while !rest.is_empty() {
            let meta = self.meta(cursor.block, cursor.end)?;
            let there = meta.bytes.get(cursor.within..).unwrap_or_default();
            if there.is_empty() {
                // Only the last block of a chain is shorter than 8 KiB.
                if meta.bytes.len() != META_BYTES {
                    return Err(corrupt(cursor.block, "metadata that end early"));
                }
                (cursor.block, cursor.within) = (meta.next, cursor.within.saturating_sub(META_BYTES));
                continue;
            }
            let count = there.len().min(rest.len());
            let (part, behind) = rest.split_at_mut(count);
            part.copy_from_slice(there.get(..count).unwrap_or_default());
            cursor.within += count;
            rest = behind;
        }
        Ok(())
    }

    /// A data block of a file or of fragments: `stored` is its length and whether it is plain; none for a hole.
    pub(super) fn data(&self, at: u64, stored: u32, room: usize) -> Result<Option<Vec<u8>>, ReadError> {
        let length = stored & !DATA_PLAIN;
        if stored == 0 {
            return Ok(None);
        }
        let is_within = at.checked_add(u64::from(length)).is_some_and(|end| end <= self.superblock.used_bytes);
        if length == 0 || length > self.superblock.block_bytes || !is_within {
            return Err(corrupt(at, "a block of a file outside the squashfs"));
        }
        let mut packed = vec![0; length as usize];
        self.image.read_at(at, &mut packed)?;
        if stored & DATA_PLAIN != 0 {
            return if packed.len() > room {
                Err(corrupt(at, "a block longer than its file"))
            } else {
                Ok(Some(packed))
            };
        }
        self.superblock.compressor.unpack(at, &packed, room).map(Some)
    }

    /// A block of fragments by its number.
    pub(super) fn fragment(&self, number: u32) -> Result<Arc<Vec<u8>>, ReadError> {
        let superblock = &self.superblock;
        if number >= superblock.fragments {
            return Err(corrupt(superblock.fragments_at, "a fragment that is not there"));
        }
        let mut place = [0; 8];
        self.image.read_at(superblock.fragments_at + u64::from(number / 512) * 8, &mut place)?;
        let mut row = [0; 16];
        let within = u64::from(number % 512) * 16;
        let mut cursor = self.cursor(0, u64_at(&place, 0), within, superblock.used_bytes)?;
        self.read(&mut cursor, &mut row)?;
        let (at, stored) = (u64_at(&row, 0), u32_at(&row, 8));
        let room = superblock.block_bytes as usize;
        self.fragments.get(u64::from(number), || {
            self.data(at, stored, room)?.ok_or(corrupt(at, "a block of fragments without content"))
        })
    }
}
