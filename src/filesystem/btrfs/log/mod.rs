//! The log: what was synced by itself since the last commit, replayed in memory as the kernel does on its next mount.
//!
//! Each subvolume has a log tree of its own: inodes, the names that lead to them (`INODE_REF`), entries of folders
//! (`DIR_INDEX`) with the ranges of entries that the log knows all of (`DIR_LOG_INDEX`), extents and checksums. The kernel
//! replays it in three passes over the tree (`fs/btrfs/tree-log.c`): inodes, entries of folders, and then names and extents.
//! At last the number of links of each inode that was touched is counted again.
//!
//! Times are those that the log holds. The kernel gives some folders and files the time of the replay; nobody saw that one.
//!
//! **Invariant:** a log is replayed whole or not at all; nothing is written but to a table of changes in memory.

mod extent;
mod name;
mod reference;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::block::Item;
use super::directory;
use super::field::{u8_at, u32_at, u64_at};
use super::inode::{INODE_BYTES, mode};
use super::store::Store;
use super::sums::Logged;
use super::superblock::RootPointer;
use super::tree::{Changes, Key, Tree, kind, object};
use super::{corrupt, root};
use crate::limits;
use crate::read_error::ReadError;

/// What the logs of a file system come to.
pub(super) struct Replayed {
    /// By subvolume.
    pub(super) changes: HashMap<u64, Arc<Changes>>,
    pub(super) sums: Logged,
}

/// A number of links and a size within an inode.
const LINKS_AT: usize = 40;
const SIZE_AT: usize = 16;

/// Replays every log of the tree of logs.
pub(super) fn replay(store: &Store, at: RootPointer) -> Result<Replayed, ReadError> {
    let logs = Tree::new(Arc::clone(&store.blocks), object::LOG_TREE, at);
    let mut replayed = Replayed { changes: HashMap::new(), sums: Logged::new() };
    let mut roots = logs.all(object::LOG_TREE, kind::ROOT);
    while let Some(item) = roots.next()? {
        let log = Tree::new(Arc::clone(&store.blocks), object::LOG_TREE, root::described(&item)?);
        // A subvolume that was deleted after it was logged stays deleted.
        let Some(pointer) = root::pointer(&store.roots, item.key.offset)? else { continue };
        let tree = Tree::new(Arc::clone(&store.blocks), item.key.offset, pointer);
        let mut replay = Replay { tree, log, changes: Arc::default(), touched: BTreeSet::new() };
        replay.run(&mut replayed.sums)?;
        replayed.changes.insert(item.key.offset, replay.changes);
    }
    Ok(replayed)
}

/// The replay of one subvolume's log.
struct Replay {
    /// The subvolume as it was committed.
    tree: Tree,
    log: Tree,
    changes: Arc<Changes>,
    /// The inodes whose links are to be counted.
    touched: BTreeSet<u64>,
}

impl Replay {
    fn run(&mut self, sums: &mut Logged) -> Result<(), ReadError> {
        let mut unlinked = BTreeSet::new();
        self.pass(|replay, item| match item.key.kind {
            // A file without a name that was synced: nothing leads to it.
            kind::INODE if links(item.data()) == 0 => {
                unlinked.insert(item.key.object);
                Ok(())
            }
            kind::INODE => replay.inode(item),
            _ => Ok(()),
        })?;
        self.pass(|replay, item| match item.key.kind {
            kind::DIR_INDEX if !unlinked.contains(&item.key.object) => replay.listed_name(item),
            _ => Ok(()),
        })?;
        self.pass(|replay, item| match item.key.kind {
            kind::EXTENT_CSUM if item.key.object == object::CSUMS => {
                sums.insert(item.key.offset, item.data().into());
                if sums.len() > limits::BTRFS_LOG_ITEMS { Err(too_many()) } else { Ok(()) }
            }
            _ if unlinked.contains(&item.key.object) => Ok(()),
            kind::INODE_REF | kind::INODE_EXTREF => replay.references(item),
            kind::EXTENT_DATA => replay.extent(item),
            _ => Ok(()),
        })?;
        self.count_links()
    }

    /// Every item of the log, in the order of keys.
    fn pass(&mut self, mut step: impl FnMut(&mut Self, &Item) -> Result<(), ReadError>) -> Result<(), ReadError> {
        let mut items = self.log.range(Key::new(0, 0, 0), Key::new(u64::MAX, u8::MAX, u64::MAX));
        while let Some(item) = items.next()? {
            step(self, &item)?;
        }
        Ok(())
    }

    /// The subvolume with what was changed so far.
    fn view(&self) -> Tree {
        self.tree.changed(Arc::clone(&self.changes))
    }

    fn get(&self, key: Key) -> Result<Option<Item>, ReadError> {
        match self.changes.get(&key) {
            Some(change) => Ok(change.clone().map(|bytes| Item::of(key, bytes))),
            None => self.tree.item(key),
        }
    }

    /// Puts an item in, or takes it out.
    fn put(&mut self, key: Key, bytes: Option<Vec<u8>>) -> Result<(), ReadError> {
        if self.changes.len() >= limits::BTRFS_LOG_ITEMS {
            return Err(too_many());
        }
        Arc::make_mut(&mut self.changes).insert(key, bytes.map(Into::into));
        Ok(())
    }

    fn inode_bytes(&self, number: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let item = self.get(Key::new(number, kind::INODE, 0))?;
        match item.map(|item| item.data().to_vec()) {
            Some(bytes) if bytes.len() != INODE_BYTES => Err(corrupt("the length of an inode")),
            bytes => Ok(bytes),
        }
    }

    fn is_there(&self, number: u64) -> Result<bool, ReadError> {
        Ok(self.inode_bytes(number)?.is_some())
    }

    /// Changes an inode that is there.
    fn change_inode(&mut self, number: u64, change: impl FnOnce(&mut [u8])) -> Result<(), ReadError> {
        let mut bytes = self.inode_bytes(number)?.ok_or(corrupt("a log that names an inode that is not there"))?;
        change(&mut bytes);
        self.put(Key::new(number, kind::INODE, 0), Some(bytes))
    }

    /// The first pass: an inode, what was deleted from a folder, and what was cut off a file.
    fn inode(&mut self, item: &Item) -> Result<(), ReadError> {
        let (number, logged) = (item.key.object, item.data());
        if logged.len() != INODE_BYTES {
            return Err(corrupt("the length of an inode"));
        }
        if is_folder(logged) && self.is_there(number)? {
            self.delete_unlogged(number)?;
        }
        self.overwrite_inode(item)?;
        if is_file(logged) {
            let size_bytes = self.inode_bytes(number)?.map_or(0, |bytes| u64_at(&bytes, SIZE_AT));
            let sector = u64::from(self.tree.blocks.pool.superblock.sector_bytes);
            let from = size_bytes.checked_next_multiple_of(sector).ok_or(corrupt("the size of an inode"))?;
            self.drop_extents(number, from, u64::MAX)?;
        }
        self.touched.insert(number);
        Ok(())
    }

    /// An inode that was logged only to say that it is there (generation 0) leaves what is known of it; a folder keeps its
    /// size, which its names change.
    fn overwrite_inode(&mut self, item: &Item) -> Result<(), ReadError> {
        let mut bytes = item.data().to_vec();
        let stored = self.inode_bytes(item.key.object)?;
        let size = match &stored {
            None if is_folder(&bytes) => 0,
            Some(stored) if is_folder(&bytes) && is_folder(stored) => u64_at(stored, SIZE_AT),
            _ => u64_at(&bytes, SIZE_AT),
        };
        if let Some(mut stored) = stored
            && u64_at(&bytes, 0) == 0
        {
            if is_file(&bytes) && is_file(&stored) && size != 0 {
                set(&mut stored, SIZE_AT, &size.to_le_bytes());
                self.put(item.key, Some(stored))?;
            }
            return Ok(());
        }
        set(&mut bytes, SIZE_AT, &size.to_le_bytes());
        self.put(item.key, Some(bytes))
    }

    /// What is in a range of a folder that the log knows all of, and is not in the log, was deleted.
    fn delete_unlogged(&mut self, folder: u64) -> Result<(), ReadError> {
        let mut ranges = self.log.all(folder, kind::DIR_LOG_INDEX);
        while let Some(range) = ranges.next()? {
            if range.data().len() != 8 {
                return Err(corrupt("a range of a logged folder"));
            }
            self.delete_names(folder, range.key.offset, u64_at(range.data(), 0), true)?;
        }
        Ok(())
    }

    /// Unlinks the names of a range of a folder, but for those in the log where it is to be asked.
    fn delete_names(&mut self, folder: u64, first: u64, last: u64, ask: bool) -> Result<(), ReadError> {
        let mut names = Vec::new();
        let index = |index| Key::new(folder, kind::DIR_INDEX, index);
        let mut items = self.view().range(index(first), index(last));
        while let Some(item) = items.next()? {
            names.extend(directory::names(item.key, item.data())?);
            if names.len() > limits::FOLDER_ENTRIES {
                return Err(too_many());
            }
        }
        drop(items);
        for name in names {
            let logged = if ask { self.log.item(index(name.index))? } else { None };
            if let Some(logged) = logged
                && directory::names(logged.key, logged.data())?.iter().any(|logged| logged.bytes == name.bytes)
            {
                continue;
            }
            self.drop_name(folder, &name)?;
        }
        Ok(())
    }

    /// Counts the names that lead to each inode; a folder to which none leads is emptied.
    fn count_links(&mut self) -> Result<(), ReadError> {
        while let Some(number) = self.touched.pop_last() {
            let Some(bytes) = self.inode_bytes(number)? else { continue };
            let count = u32::try_from(self.count_references(number)?).unwrap_or(u32::MAX);
            if links(&bytes) != count {
                self.change_inode(number, |bytes| set(bytes, LINKS_AT, &count.to_le_bytes()))?;
            }
            if count == 0 && is_folder(&bytes) {
                self.delete_names(number, 0, u64::MAX, false)?;
            }
        }
        Ok(())
    }
}

fn too_many() -> ReadError {
    ReadError::Limit { offset: 0, what: "items of a btrfs log" }
}

fn links(inode: &[u8]) -> u32 {
    u32_at(inode, LINKS_AT)
}

fn is_folder(inode: &[u8]) -> bool {
    mode(inode) & 0o170_000 == 0o040_000
}

fn is_file(inode: &[u8]) -> bool {
    mode(inode) & 0o170_000 == 0o100_000
}

/// Overwrites a field of a structure that is long enough.
fn set(bytes: &mut [u8], at: usize, field: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at.saturating_add(field.len())) {
        place.copy_from_slice(field);
    }
}

/// The kind of an inode as a folder's entry states it.
fn stated_kind(inode: &[u8]) -> u8 {
    match mode(inode) >> 12 {
        0o10 => 1,
        0o04 => 2,
        0o02 => 3,
        0o06 => 4,
        0o01 => 5,
        0o14 => 6,
        0o12 => 7,
        _ => u8_at(&[], 0),
    }
}
