//! btrfs, read directly.
//!
//! The layout is that of the kernel's `include/uapi/linux/btrfs_tree.h` and of btrfs-progs' on-disk format document. The
//! reader is this project's own because the crate that was meant to do it knows no times, does not check the checksums of
//! content, and passes over the log of what was synced since the last commit without a word. A test compares the two on what
//! both can read.
//!
//! A tree is shown as a mount shows it: subvolumes and snapshots stand under their names, and a subvolume whose name was
//! copied into a snapshot is an empty folder there. An inode is known by its subvolume and its number.
//!
//! What is deliberately absent: extended attributes, deleted subvolumes, orphans, older transactions.
//!
//! **Invariant:** every checksum that the file system stores is checked, of blocks and of content; what was allocated and
//! never written is zeros; what was logged and not committed is shown, or the journal is not called clean.

mod block;
mod checksum;
mod chunk;
mod directory;
mod extent;
mod field;
mod inode;
mod log;
mod root;
mod store;
mod stream;
mod sums;
mod superblock;
mod tree;
mod unpack;

use std::sync::Arc;

use self::directory::Name;
use self::inode::Inode;
use self::store::Store;
use self::superblock::Superblock;
use self::tree::{kind, object};
use super::{Changed, FileSystem, FileSystemFormat, Listing, Opening};
use crate::image::Image;
use crate::journal::Journal;
use crate::read_error::ReadError;
use crate::scope::{Entry, EntryKind, FileTimes, Node, Opened, Permit};

/// The row of the table.
pub const FORMAT: FileSystemFormat = FileSystemFormat { family: "btrfs", probe, set: Some(set), open };

struct Btrfs {
    store: Arc<Store>,
    /// The subvolume that is shown.
    shown: u64,
}

fn probe(image: &dyn Image) -> Result<bool, ReadError> {
    superblock::is_there(image)
}

fn set(image: &dyn Image) -> Result<[u8; 16], ReadError> {
    Superblock::read(image).map(|superblock| superblock.fsid)
}

fn open(opening: &Opening) -> Result<Box<dyn FileSystem>, ReadError> {
    let store = Store::open(opening)?;
    let shown = match &opening.subvolume {
        Some(path) => root::at_path(&store.roots, path, &|number| store.tree(number))?,
        None => root::default(&store.roots)?,
    };
    // The tree that is shown must be there; one that is not would look empty.
    Inode::read(&store.tree(shown)?, object::FIRST_FREE)?;
    Ok(Box::new(Btrfs { store: Arc::new(store), shown }))
}

/// What a node leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// An inode of a subvolume.
    Inode { subvolume: u64, number: u64 },
    /// A name for a subvolume that is not there: an empty folder. It is known by the name's own place.
    Hollow { subvolume: u64, folder: u64, index: u64 },
}

impl Place {
    fn node(self) -> Node {
        let words: &[u64] = match self {
            Self::Inode { subvolume, number } => &[subvolume, number],
            Self::Hollow { subvolume, folder, index } => &[subvolume, folder, index],
        };
        Node::new(words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>())
    }

    fn of(node: &Node) -> Result<Self, ReadError> {
        let words: Vec<u64> = node.bytes().chunks(8).map(|word| field::u64_at(word, 0)).collect();
        match (words.as_slice(), node.bytes().len() % 8) {
            ([subvolume, number], 0) => Ok(Self::Inode { subvolume: *subvolume, number: *number }),
            ([subvolume, folder, index], 0) => {
                Ok(Self::Hollow { subvolume: *subvolume, folder: *folder, index: *index })
            }
            _ => Err(corrupt("an entry of another file system")),
        }
    }
}

const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

/// The kind of an inode as a folder's entry states it, by the kernel's numbers.
fn stated(number: u8) -> Option<EntryKind> {
    match number {
        1 => Some(EntryKind::File),
        2 => Some(EntryKind::Folder),
        3..=6 => Some(EntryKind::Special),
        7 => Some(EntryKind::Link),
        _ => None,
    }
}

impl Btrfs {
    /// What a name in a folder stands for, and its inode; none for an empty folder in a subvolume's place.
    fn target(&self, subvolume: u64, folder: u64, name: &Name) -> Result<(Place, Option<Inode>), ReadError> {
        let (place, tree) = match name.target.kind {
            kind::INODE if name.target.offset == 0 => {
                (Place::Inode { subvolume, number: name.target.object }, self.store.tree(subvolume)?)
            }
            kind::ROOT => {
                let child = name.target.object;
                if !root::hangs(&self.store.roots, subvolume, child, folder, &name.bytes)? {
                    return Ok((Place::Hollow { subvolume, folder, index: name.index }, None));
                }
                (Place::Inode { subvolume: child, number: object::FIRST_FREE }, self.store.tree(child)?)
            }
            _ => return Err(corrupt("a name that stands for nothing")),
        };
        let Place::Inode { number, .. } = place else { return Ok((place, None)) };
        let inode = Inode::read(&tree, number)?;
        if stated(name.kind) != Some(inode.kind) {
            return Err(corrupt("an inode that is not of the kind that its name states"));
        }
        Ok((place, Some(inode)))
    }

    fn entry(&self, parent: &Entry, subvolume: u64, folder: u64, name: &Name) -> Entry {
        let times = FileTimes::default();
        match self.target(subvolume, folder, name) {
            Ok((place, Some(inode))) => {
                let size_bytes = if inode.kind == EntryKind::File { inode.size_bytes } else { 0 };
                parent.child(&name.bytes, inode.kind, size_bytes, inode.times, place.node())
            }
            Ok((place, None)) => parent.child(&name.bytes, EntryKind::Folder, 0, times, place.node()),
            Err(_) => {
                let place = Place::Hollow { subvolume, folder, index: name.index };
                parent.child(&name.bytes, EntryKind::Unreadable, 0, times, place.node())
            }
        }
    }

    fn list_into(&self, parent: &Entry, entries: &mut Vec<Entry>) -> Result<(), ReadError> {
        let Place::Inode { subvolume, number } = Place::of(parent.node())? else { return Ok(()) };
        let tree = self.store.tree(subvolume)?;
        let inode = Inode::read(&tree, number)?;
        if inode.kind != EntryKind::Folder {
            return Err(corrupt("a folder that is none"));
        }
        directory::list(&tree, number, inode.size_bytes, &mut |name| {
            entries.push(self.entry(parent, subvolume, number, &name));
            Ok(())
        })
    }
}

impl FileSystem for Btrfs {
    fn name(&self) -> Option<&'static str> {
        Some("btrfs")
    }

    fn journal(&self) -> Journal {
        self.store.journal
    }

    fn root(&self) -> Node {
        Place::Inode { subvolume: self.shown, number: object::FIRST_FREE }.node()
    }

    fn list(&self, folder: &Entry) -> Listing {
        let mut entries = Vec::new();
        let error = self.list_into(folder, &mut entries).err();
        Listing { entries, error }
    }

    fn open(&self, permit: Permit) -> Result<Opened, ReadError> {
        let not_a_file = || ReadError::Unsupported { offset: 0, what: "reading what is not a regular file".to_owned() };
        let Place::Inode { subvolume, number } = Place::of(permit.node())? else { return Err(not_a_file()) };
        let tree = self.store.tree(subvolume)?;
        let inode = Inode::read(&tree, number)?;
        if inode.kind != EntryKind::File {
            return Err(not_a_file());
        }
        let stream = stream::FileStream::new(Arc::clone(&self.store), &tree, number, &inode)?;
        Ok(permit.opened(Box::new(stream)))
    }

    /// The stored images answer for everything in them.
    fn unchanged(&self) -> Result<(), Changed> {
        Ok(())
    }
}
