//! squashfs 4.0, read directly.
//!
//! The layout is that of the kernel's `Documentation/filesystems/squashfs.rst` and of its `squashfs_fs.h`. The reader is
//! this project's own: names and inodes are read when they are asked for, so that memory does not grow with their number.
//! Blocks are unpacked by the libraries of their formats.
//!
//! The format has one clock, `modified`, to the second, and no checksum of its own: damage shows where a packed block, a
//! length or a table contradicts itself. What is deliberately absent: extended attributes; a tree of folders with loops.
//!
//! **Invariant:** nothing is read outside the bytes in use, and a folder hangs at one place.

mod inode;
mod stream;
mod superblock;
mod table;
mod unpack;

use std::sync::Arc;

use self::inode::{Body, Inode, Name};
use self::superblock::Superblock;
use self::table::Store;
use super::lineage::Lineage;
use super::{Changed, FileSystem, FileSystemFormat, Listing, Opening};
use crate::image::Image;
use crate::journal::Journal;
use crate::limits;
use crate::read_error::ReadError;
use crate::scope::{Entry, EntryKind, FileTimes, Node, Opened, Permit};

/// The row of the table.
pub const FORMAT: FileSystemFormat = FileSystemFormat { family: "squashfs", probe, set: None, open };

struct Squashfs {
    store: Arc<Store>,
    lineage: Lineage,
}

fn probe(image: &dyn Image) -> Result<bool, ReadError> {
    superblock::is_there(image)
}

fn open(opening: &Opening) -> Result<Box<dyn FileSystem>, ReadError> {
    let superblock = Superblock::read(opening.volume.as_ref())?;
    let root = superblock.root;
    let store = Arc::new(Store::new(Arc::clone(&opening.volume), superblock));
    match Inode::read(&store, root)?.body {
        Body::Folder(_) => Ok(Box::new(Squashfs { store, lineage: Lineage::new(root) })),
        _ => Err(ReadError::Corrupt { offset: 32, what: "the root is no folder" }),
    }
}

fn node(reference: u64) -> Node {
    Node::new(reference.to_le_bytes())
}

fn reference(node: &Node) -> Result<u64, ReadError> {
    let bytes = node.bytes().try_into();
    bytes.map(u64::from_le_bytes).map_err(|_| ReadError::Corrupt { offset: 0, what: "an entry of another file system" })
}

impl Squashfs {
    fn entry(&self, folder: &Entry, above: u64, name: &Name) -> Entry {
        let inode = Inode::read(&self.store, name.reference).and_then(|inode| {
            let (kind, size_bytes) = inode.kind();
            if name.is_folder != (kind == EntryKind::Folder) {
                return Err(ReadError::Corrupt { offset: 0, what: "an entry and its inode are of two kinds" });
            }
            if kind == EntryKind::Folder {
                self.lineage.join(name.reference, above, name.place)?;
            }
            Ok((kind, size_bytes, inode.times))
        });
        let (kind, size_bytes, times) = inode.unwrap_or((EntryKind::Unreadable, 0, FileTimes::default()));
        folder.child(&name.bytes, kind, size_bytes, times, node(name.reference))
    }
}

impl FileSystem for Squashfs {
    fn name(&self) -> Option<&'static str> {
        Some(FORMAT.family)
    }

    fn journal(&self) -> Journal {
        Journal::None
    }

    fn root(&self) -> Node {
        node(self.store.superblock.root)
    }

    fn list(&self, folder: &Entry) -> Listing {
        let mut entries = Vec::new();
        let listed = reference(folder.node()).and_then(|above| {
            let Body::Folder(place) = Inode::read(&self.store, above)?.body else {
                return Err(ReadError::Corrupt { offset: 0, what: "a folder that is none" });
            };
            inode::list(&self.store, &place, &mut |name| {
                if entries.len() >= limits::FOLDER_ENTRIES {
                    return Err(ReadError::Limit { offset: 0, what: "entries of one folder" });
                }
                entries.push(self.entry(folder, above, &name));
                Ok(())
            })
        });
        Listing { entries, error: listed.err() }
    }

    fn open(&self, permit: Permit) -> Result<Opened, ReadError> {
        let Body::File(content) = Inode::read(&self.store, reference(permit.node())?)?.body else {
            return Err(ReadError::Unsupported { offset: 0, what: "reading what is not a regular file".to_owned() });
        };
        let stream = stream::FileStream::new(Arc::clone(&self.store), content);
        Ok(permit.opened(Box::new(stream)))
    }

    /// The stored image answers for everything in it.
    fn unchanged(&self) -> Result<(), Changed> {
        Ok(())
    }
}
