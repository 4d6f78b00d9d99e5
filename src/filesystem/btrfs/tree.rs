//! Trees: items in the order of their keys.
//!
//! A tree may carry changes that stand beside it: what a log that was replayed in memory put in, and took out.
//!
//! **Invariant:** keys are given in ascending order, each once; a block that cannot be read is an error at its place in that
//! order, and never the end of the tree.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::block::{Block, Cache, Item, Wanted};
use super::chunk::Pool;
use super::field::{u8_at, u64_at};
use super::superblock::RootPointer;
use crate::read_error::ReadError;

/// Kinds of items, by the kernel's numbers.
pub(super) mod kind {
    pub(in super::super) const INODE: u8 = 1;
    pub(in super::super) const INODE_REF: u8 = 12;
    pub(in super::super) const INODE_EXTREF: u8 = 13;
    pub(in super::super) const DIR_LOG_INDEX: u8 = 72;
    pub(in super::super) const DIR_ITEM: u8 = 84;
    pub(in super::super) const DIR_INDEX: u8 = 96;
    pub(in super::super) const EXTENT_DATA: u8 = 108;
    pub(in super::super) const EXTENT_CSUM: u8 = 128;
    pub(in super::super) const ROOT: u8 = 132;
    pub(in super::super) const ROOT_REF: u8 = 156;
    pub(in super::super) const DEV: u8 = 216;
    pub(in super::super) const CHUNK: u8 = 228;
}

/// Trees and other objects, by the kernel's numbers.
pub(super) mod object {
    pub(in super::super) const ROOT_TREE: u64 = 1;
    pub(in super::super) const CHUNK_TREE: u64 = 3;
    pub(in super::super) const TOP_LEVEL: u64 = 5;
    pub(in super::super) const ROOT_TREE_FOLDER: u64 = 6;
    pub(in super::super) const CSUM_TREE: u64 = 7;
    pub(in super::super) const FIRST_FREE: u64 = 256;
    pub(in super::super) const LOG_TREE: u64 = 6_u64.wrapping_neg();
    pub(in super::super) const CSUMS: u64 = 10_u64.wrapping_neg();
}

/// The key of an item.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Key {
    pub(super) object: u64,
    pub(super) kind: u8,
    pub(super) offset: u64,
}

impl Key {
    /// Its length on the disk.
    pub(super) const BYTES: usize = 17;

    pub(super) fn new(object: u64, kind: u8, offset: u64) -> Self {
        Self { object, kind, offset }
    }

    /// From its place in a structure.
    pub(super) fn parse(bytes: &[u8], at: usize) -> Self {
        Self { object: u64_at(bytes, at), kind: u8_at(bytes, at + 8), offset: u64_at(bytes, at + 9) }
    }
}

/// What a log put into a tree (some) and took out of it (none).
pub(super) type Changes = BTreeMap<Key, Option<Arc<[u8]>>>;

/// The blocks of a file system.
pub(super) struct Blocks {
    pub(super) pool: Pool,
    cache: Cache,
}

impl Blocks {
    pub(super) fn new(pool: Pool) -> Self {
        Self { pool, cache: Cache::default() }
    }
}

/// A tree.
#[derive(Clone)]
pub(super) struct Tree {
    pub(super) blocks: Arc<Blocks>,
    /// Which one: the number of its root.
    pub(super) number: u64,
    root: RootPointer,
    changes: Option<Arc<Changes>>,
}

/// A number that subvolumes have.
pub(super) fn is_subvolume(number: u64) -> bool {
    number == object::TOP_LEVEL || (object::FIRST_FREE..=i64::MAX.cast_unsigned()).contains(&number)
}

impl Tree {
    pub(super) fn new(blocks: Arc<Blocks>, number: u64, root: RootPointer) -> Self {
        Self { blocks, number, root, changes: None }
    }

    /// The same tree with changes beside it.
    pub(super) fn changed(&self, changes: Arc<Changes>) -> Self {
        Self { changes: Some(changes), ..self.clone() }
    }

    fn block(&self, wanted: Wanted) -> Result<Arc<Block>, ReadError> {
        let block = self.blocks.cache.block(&self.blocks.pool, wanted)?;
        // A block may be shared between a subvolume and its snapshots, and with no other tree.
        let is_own = block.owner == self.number || (is_subvolume(self.number) && is_subvolume(block.owner));
        if is_own { Ok(block) } else { Err(ReadError::Corrupt { offset: wanted.at, what: "a block of another tree" }) }
    }

    /// The items from `from` to `to`, both included.
    pub(super) fn range(&self, from: Key, to: Key) -> Cursor {
        Cursor { tree: self.clone(), path: Vec::new(), state: State::Before(from), next: Some(from), to, stored: None }
    }

    /// Every item of an object of one kind.
    pub(super) fn all(&self, object: u64, kind: u8) -> Cursor {
        self.range(Key::new(object, kind, 0), Key::new(object, kind, u64::MAX))
    }

    /// One item.
    pub(super) fn item(&self, key: Key) -> Result<Option<Item>, ReadError> {
        self.range(key, key).next()
    }

    /// The last item that is not above `key`, as it is stored.
    pub(super) fn last_stored(&self, key: Key) -> Result<Option<Item>, ReadError> {
        let mut block = self.block(self.top())?;
        loop {
            let below = block.below(key);
            let is_equal = below < block.count && block.key(below) == key;
            let Some(slot) = (if is_equal { Some(below) } else { below.checked_sub(1) }) else { return Ok(None) };
            match block.child(slot) {
                Some(child) => block = self.block(child)?,
                None => return Ok(Some(block.item(slot))),
            }
        }
    }

    fn top(&self) -> Wanted {
        Wanted { at: self.root.at, level: self.root.level, generation: self.root.generation, first: None }
    }
}

/// Where a cursor is in the stored tree.
enum State {
    /// It has not gone down yet.
    Before(Key),
    /// Its path leads to the next item.
    Within,
    /// Nothing is left.
    Done,
}

/// Gives items in the order of their keys.
pub(super) struct Cursor {
    tree: Tree,
    /// From the root down: blocks, and the slot that comes next in each.
    path: Vec<(Arc<Block>, usize)>,
    state: State,
    /// The lowest key that may still come.
    next: Option<Key>,
    to: Key,
    /// An item of the stored tree that was read and not given yet.
    stored: Option<Item>,
}

impl Cursor {
    /// The next item; none behind the last one. After an error nothing more comes.
    pub(super) fn next(&mut self) -> Result<Option<Item>, ReadError> {
        let item = self.merged();
        if item.is_err() {
            (self.state, self.next, self.stored) = (State::Done, None, None);
        }
        item
    }

    fn merged(&mut self) -> Result<Option<Item>, ReadError> {
        loop {
            let Some(lowest) = self.next else { return Ok(None) };
            if self.stored.is_none() {
                self.stored = self.stored()?;
            }
            let change = self.tree.changes.as_ref().and_then(|changes| {
                let (key, bytes) = changes.range(lowest..=self.to).next()?;
                Some((*key, bytes.clone()))
            });
            let stored = self.stored.as_ref().map(|item| item.key);
            let (item, key) = match (stored, change) {
                (None, None) => (None, None),
                (Some(stored), Some((key, _))) if stored < key => (self.stored.take(), Some(stored)),
                (Some(stored), None) => (self.stored.take(), Some(stored)),
                (stored, Some((key, bytes))) => {
                    if stored == Some(key) {
                        self.stored = None;
                    }
                    (bytes.map(|bytes| Item::of(key, bytes)), Some(key))
                }
            };
            self.next = key.and_then(after).filter(|next| *next <= self.to);
            if item.is_some() || key.is_none() {
                return Ok(item);
            }
        }
    }

    /// The next item of the stored tree, which is not below the lowest key that may still come.
    fn stored(&mut self) -> Result<Option<Item>, ReadError> {
        match self.state {
            State::Done => return Ok(None),
            State::Before(from) => {
                self.down(self.tree.top(), Some(from))?;
                self.state = State::Within;
            }
            State::Within => {}
        }
        loop {
            let Some((block, slot)) = self.path.last_mut() else {
                self.state = State::Done;
                return Ok(None);
            };
            if *slot >= block.count {
                self.path.pop();
                continue;
            }
            let here = *slot;
            *slot += 1;
            if block.key(here) > self.to {
                self.state = State::Done;
                return Ok(None);
            }
            if let Some(child) = block.child(here) {
                self.down(child, None)?;
                continue;
            }
            let item = block.item(here);
            if self.next.is_none_or(|next| item.key < next) {
                let what = "the order of keys in a tree";
                return Err(ReadError::Corrupt { offset: block.at, what });
            }
            return Ok(Some(item));
        }
    }

    /// Goes down from a block to the leaf that holds the first key that is not below `from`.
    fn down(&mut self, from_block: Wanted, from: Option<Key>) -> Result<(), ReadError> {
        let mut wanted = from_block;
        loop {
            let block = self.tree.block(wanted)?;
            let below = from.map_or(0, |from| block.below(from));
            if block.level == 0 {
                self.path.push((block, below));
                return Ok(());
            }
            // The child before the first key that is not below may hold it, unless that key is the one looked for.
            let is_equal = from.is_some_and(|from| below < block.count && block.key(below) == from);
            let slot = if is_equal { below } else { below.saturating_sub(1) };
            let Some(child) = block.child(slot) else {
                return Err(ReadError::Corrupt { offset: block.at, what: "a node of a tree" });
            };
            self.path.push((block, slot + 1));
            wanted = child;
        }
    }
}

/// The lowest key above another one.
pub(super) fn after(key: Key) -> Option<Key> {
    if let Some(offset) = key.offset.checked_add(1) {
        return Some(Key { offset, ..key });
    }
    if let Some(kind) = key.kind.checked_add(1) {
        return Some(Key { kind, offset: 0, ..key });
    }
    key.object.checked_add(1).map(|object| Key::new(object, 0, 0))
}
