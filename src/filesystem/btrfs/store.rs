//! The volumes of one file system, put together: its trees, its checksums and its logs.
//!
//! **Invariant:** the newest superblock of the volumes decides; a volume of another file system, or one that is there twice,
//! is refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::chunk::{Device, Pool};
use super::field::uuid_at;
use super::sums::Sums;
use super::superblock::Superblock;
use super::tree::{Blocks, Changes, Key, Tree, kind, object};
use super::{log, root};
use crate::filesystem::Opening;
use crate::image::Image;
use crate::journal::Journal;
use crate::read_error::ReadError;

/// The head of a `DEV_ITEM` up to the file system that it belongs to.
const DEVICE_BYTES: usize = 98;

/// A file system that is open.
pub(super) struct Store {
    pub(super) blocks: Arc<Blocks>,
    pub(super) roots: Tree,
    pub(super) sums: Sums,
    pub(super) journal: Journal,
    /// What the log of each subvolume changed.
    logs: HashMap<u64, Arc<Changes>>,
    /// The subvolumes that were asked for.
    trees: Mutex<HashMap<u64, Tree>>,
}

const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: super::superblock::OFFSET, what }
}

impl Store {
    /// Opens a file system from all its volumes that are here.
    pub(super) fn open(opening: &Opening) -> Result<Self, ReadError> {
        let (devices, superblock) = devices(std::iter::once(&opening.volume).chain(&opening.others))?;
        let pool = Pool::new(devices, superblock.clone())?;
        let blocks = Arc::new(Blocks::new(read_chunks(pool)?));
        let roots = Tree::new(Arc::clone(&blocks), object::ROOT_TREE, superblock.root);
        let sums = Sums { tree: root::tree(&roots, object::CSUM_TREE)?, logged: Default::default() };
        let mut store = Self {
            blocks,
            roots,
            sums,
            journal: Journal::Clean,
            logs: HashMap::new(),
            trees: Mutex::new(HashMap::new()),
        };
        if superblock.is_copy {
            // A copy of the superblock does not say what was logged.
            store.journal = Journal::NotReplayed;
        } else if let Some(at) = superblock.log_root {
            let replayed = log::replay(&store, at);
            store.journal = Journal::NotReplayed;
            if let Ok(replayed) = replayed {
                store.journal = Journal::Replayed;
                store.logs = replayed.changes;
                store.sums.logged = replayed.sums;
            }
        }
        Ok(store)
    }

    /// The tree of a subvolume, with what its log changed.
    pub(super) fn tree(&self, number: u64) -> Result<Tree, ReadError> {
        if let Some(tree) = self.trees.lock().ok().and_then(|trees| trees.get(&number).cloned()) {
            return Ok(tree);
        }
        let mut tree = root::tree(&self.roots, number)?;
        if let Some(changes) = self.logs.get(&number) {
            tree = tree.changed(Arc::clone(changes));
        }
        if let Ok(mut trees) = self.trees.lock() {
            trees.insert(number, tree.clone());
        }
        Ok(tree)
    }
}

/// The volumes, and the superblock that decides.
fn devices<'v>(volumes: impl Iterator<Item = &'v Arc<dyn Image>>) -> Result<(Vec<Device>, Superblock), ReadError> {
    let mut devices: Vec<Device> = Vec::new();
    let mut newest: Option<Superblock> = None;
    for volume in volumes {
        let superblock = Superblock::read(volume.as_ref())?;
        let (number, uuid) = (superblock.device, superblock.device_uuid);
        if devices.iter().any(|device| device.number == number) {
            return Err(corrupt("a device of the file system that is there twice"));
        }
        devices.push(Device { number, uuid, image: Arc::clone(volume) });
        let Some(best) = &newest else {
            newest = Some(superblock);
            continue;
        };
        if best.fsid != superblock.fsid {
            return Err(corrupt("volumes of different file systems"));
        }
        let rank = |superblock: &Superblock| (superblock.generation, !superblock.is_copy);
        if rank(best) < rank(&superblock) {
            newest = Some(superblock);
        }
    }
    newest.map(|newest| (devices, newest)).ok_or(corrupt("no volume"))
}

/// Reads the chunk tree by the chunks that the superblock describes.
fn read_chunks(first: Pool) -> Result<Pool, ReadError> {
    let superblock = first.superblock.clone();
    let blocks = Arc::new(Blocks::new(first));
    let tree = Tree::new(Arc::clone(&blocks), object::CHUNK_TREE, superblock.chunk_root);
    blocks.pool.with(&mut |pool| {
        let mut items = tree.range(Key::new(0, 0, 0), Key::new(u64::MAX, u8::MAX, u64::MAX));
        while let Some(item) = items.next()? {
            match item.key.kind {
                kind::CHUNK if item.key.object == object::FIRST_FREE => pool.add(item.key.offset, item.data())?,
                kind::DEV => {
                    let data = item.data();
                    if data.len() < DEVICE_BYTES {
                        return Err(ReadError::Corrupt { offset: 0, what: "the description of a device" });
                    }
                    if uuid_at(data, 82) != superblock.metadata_fsid {
                        let what = "a btrfs file system that grew out of another one (a seed device)".to_owned();
                        return Err(ReadError::Unsupported { offset: 0, what });
                    }
                }
                _ => {}
            }
        }
        Ok(())
    })
}
