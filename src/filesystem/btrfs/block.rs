//! Blocks of trees: leaves of items, and nodes that point to further blocks.
//!
//! **Invariant:** a block is used only after everything that it states of itself was checked: its checksum, its file system,
//! its place, its transaction, its level, the order of its keys, and that each item lies within it and touches the next.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::chunk::Pool;
use super::field::{u8_at, u32_at, u64_at, uuid_at};
use super::tree::Key;
use crate::limits;
use crate::read_error::ReadError;

/// The length of a block's head, of an item's head in a leaf, and of a pointer in a node.
const HEAD_BYTES: usize = 101;
const ITEM_BYTES: usize = 25;
const POINTER_BYTES: usize = 33;

/// How the block above, or the tree's own description, names a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) at: u64,
    pub(super) level: u8,
    pub(super) generation: u64,
    /// Its first key; none for the root of a tree.
    pub(super) first: Option<Key>,
}

/// A block that was checked.
pub(super) struct Block {
    bytes: Arc<[u8]>,
    pub(super) at: u64,
    pub(super) level: u8,
    generation: u64,
    pub(super) owner: u64,
    pub(super) count: usize,
}

fn corrupt(at: u64, what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: at, what }
}

impl Block {
    /// Reads the block from a copy that is good.
    fn read(pool: &Pool, wanted: Wanted) -> Result<Self, ReadError> {
        let superblock = &pool.superblock;
        let node_bytes = usize::try_from(superblock.node_bytes).unwrap_or(0);
        let mut bytes = vec![0; node_bytes];
        pool.read_block(wanted.at, &mut bytes, &|bytes| {
            let stored = bytes.get(..superblock.checksum.size_bytes()).unwrap_or_default();
            superblock.checksum.holds(bytes.get(32..).unwrap_or_default(), stored)
                && uuid_at(bytes, 32) == superblock.metadata_fsid
                && u64_at(bytes, 48) == wanted.at
                // A copy on a volume that was away for a while is whole and older.
                && u64_at(bytes, 80) == wanted.generation
        })?;
        let block = Self {
            at: wanted.at,
            level: u8_at(&bytes, 100),
            generation: u64_at(&bytes, 80),
            owner: u64_at(&bytes, 88),
            count: usize::try_from(u32_at(&bytes, 96)).unwrap_or(usize::MAX),
            bytes: bytes.into(),
        };
        block.check()?;
        Ok(block)
    }

    fn check(&self) -> Result<(), ReadError> {
        let each = if self.level == 0 { ITEM_BYTES } else { POINTER_BYTES };
        let room = self.bytes.len().saturating_sub(HEAD_BYTES);
        if self.level >= limits::BTRFS_LEVELS || self.count > room / each || (self.level > 0 && self.count == 0) {
            return Err(corrupt(self.at, "a block of a tree"));
        }
        let keys = |slot| self.key(slot);
        if (1..self.count).any(|slot| keys(slot - 1) >= keys(slot)) {
            return Err(corrupt(self.at, "the order of keys in a block of a tree"));
        }
        if self.level > 0 {
            return Ok(());
        }
        // Items stand at the end of the leaf, the first one last, without a gap.
        let mut end = self.bytes.len();
        for slot in 0..self.count {
            let (start, length) = self.place(slot);
            if start.checked_add(length) != Some(end) || start < HEAD_BYTES + self.count * ITEM_BYTES {
                return Err(corrupt(self.at, "an item of a tree that is not where it must be"));
            }
            end = start;
        }
        Ok(())
    }

    /// It is what the block above says it is.
    fn is(&self, wanted: &Wanted) -> bool {
        self.level == wanted.level
            && self.generation == wanted.generation
            && wanted.first.is_none_or(|first| self.count > 0 && self.key(0) == first)
    }

    /// The key in a slot.
    pub(super) fn key(&self, slot: usize) -> Key {
        let each = if self.level == 0 { ITEM_BYTES } else { POINTER_BYTES };
        Key::parse(&self.bytes, HEAD_BYTES + slot * each)
    }

    /// How many keys stand before the first one that is not below `key`.
    pub(super) fn below(&self, key: Key) -> usize {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.key(middle) < key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The block that a node's slot points to.
    pub(super) fn child(&self, slot: usize) -> Option<Wanted> {
        let level = self.level.checked_sub(1).filter(|_| slot < self.count)?;
        let at = HEAD_BYTES + slot * POINTER_BYTES;
        let first = Some(self.key(slot));
        Some(Wanted { at: u64_at(&self.bytes, at + 17), level, generation: u64_at(&self.bytes, at + 25), first })
    }

    /// Where the item of a leaf's slot stands in the block, and its length.
    fn place(&self, slot: usize) -> (usize, usize) {
        let at = HEAD_BYTES + slot * ITEM_BYTES;
        let field = |at| usize::try_from(u32_at(&self.bytes, at)).unwrap_or(usize::MAX);
        (field(at + 17).saturating_add(HEAD_BYTES), field(at + 21))
    }

    /// The item of a leaf's slot.
    pub(super) fn item(&self, slot: usize) -> Item {
        let (start, length) = self.place(slot);
        Item { key: self.key(slot), bytes: Arc::clone(&self.bytes), start, end: start.saturating_add(length) }
    }
}

/// An item of a tree.
#[derive(Clone)]
pub(super) struct Item {
    pub(super) key: Key,
    bytes: Arc<[u8]>,
    start: usize,
    end: usize,
}

impl Item {
    /// One that stands in no block.
    pub(super) fn of(key: Key, bytes: Arc<[u8]>) -> Self {
        Self { key, start: 0, end: bytes.len(), bytes }
    }

    /// What it holds.
    pub(super) fn data(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }
}

/// The blocks that were read last: two halves, of which the older is dropped when the newer is full.
#[derive(Default)]
pub(super) struct Cache {
    halves: Mutex<[HashMap<u64, Arc<Block>>; 2]>,
}

impl Cache {
    /// The block, read where it is not here yet.
    pub(super) fn block(&self, pool: &Pool, wanted: Wanted) -> Result<Arc<Block>, ReadError> {
        let known = self.known(wanted.at).filter(|block| block.generation == wanted.generation);
        let block = match known {
            Some(block) => block,
            None => {
                let block = Arc::new(Block::read(pool, wanted)?);
                self.keep(&block, usize::try_from(pool.superblock.node_bytes).unwrap_or(usize::MAX));
                block
            }
        };
        if block.is(&wanted) {
            Ok(block)
        } else {
            Err(corrupt(wanted.at, "a block that is not what the one above says"))
        }
    }

    fn known(&self, at: u64) -> Option<Arc<Block>> {
        let mut halves = self.halves.lock().ok()?;
        let [newer, older] = &mut *halves;
        if let Some(block) = newer.get(&at) {
            return Some(Arc::clone(block));
        }
        let block = older.remove(&at)?;
        newer.insert(at, Arc::clone(&block));
        Some(block)
    }

    fn keep(&self, block: &Arc<Block>, node_bytes: usize) {
        let Ok(mut halves) = self.halves.lock() else { return };
        let [newer, older] = &mut *halves;
        if newer.len() >= limits::BTRFS_CACHE_BYTES / 2 / node_bytes.max(1) {
            *older = std::mem::take(newer);
        }
        newer.insert(block.at, Arc::clone(block));
    }
}
