//! ext2, ext3 and ext4, read directly.
//!
//! The layout is that of the kernel's `Documentation/filesystems/ext4`. The reader is this project's own because the
//! crate that was meant to do it gives, without an error, what once stood in the blocks of an extent that was allocated
//! and never written (deleted files of others, in a log or a database that was preallocated), misreads times where the
//! inode says that it has none of the finer fields, applies journal blocks that were revoked, and cannot read holes of
//! ext2 and ext3 nor times after 2038. A test compares the two on everything that both can read.
//!
//! What is deliberately absent: deleted entries, extended attributes, quota and journal files as files, orphans.
//!
//! **Invariant:** a block is read through the journal's map or not at all; every checksum that the file system stores is
//! checked; an allocated and unwritten block is zeros, never what the disk holds there.

pub(super) mod checksum;
mod directory;
mod inode;
mod journal;
mod map;
mod stream;
mod superblock;

use std::sync::Arc;

use self::directory::Name;
use self::inode::{Inode, Kind};
use self::superblock::{Blocks, Superblock};
use super::{Changed, FileSystem, FileSystemFormat, Listing, Opening};
use crate::image::Image;
use crate::journal::Journal;
use crate::limits;
use crate::read_error::ReadError;
use crate::scope::{Entry, EntryKind, FileTimes, Node, Opened, Permit};

/// The row of the table.
pub const FORMAT: FileSystemFormat = FileSystemFormat { family: "ext2/ext3/ext4", probe, set: None, open };

/// The root folder's inode (`EXT4_ROOT_INO`).
const ROOT: u32 = 2;

struct Ext {
    blocks: Arc<Blocks>,
    journal: Journal,
}

fn probe(image: &dyn Image) -> Result<bool, ReadError> {
    Superblock::is_there(image)
}

fn open(opening: &Opening) -> Result<Box<dyn FileSystem>, ReadError> {
    let superblock = Superblock::read(opening.volume.as_ref(), 1024)?;
    let mut blocks = Blocks::new(Arc::clone(&opening.volume), superblock)?;
    let journal = journal::replay(&mut blocks)?;
    Ok(Box::new(Ext { blocks: Arc::new(blocks), journal }))
}

fn node(number: u32) -> Node {
    Node::new(number.to_le_bytes())
}

fn number(node: &Node) -> Result<u32, ReadError> {
    let bytes = node.bytes().try_into();
    bytes.map(u32::from_le_bytes).map_err(|_| ReadError::Corrupt { offset: 0, what: "an entry of another file system" })
}

impl Ext {
    /// An inode that a folder's entry names: in use, and not one of the file system's own.
    fn named(&self, number: u32) -> Result<Inode, ReadError> {
        if !self.blocks.superblock.may_be_named(number) {
            return Err(ReadError::Corrupt { offset: 0, what: "a name for an inode of the file system's own" });
        }
        Inode::read(&self.blocks, number)
    }

    fn entry(&self, folder: &Entry, name: &Name) -> Entry {
        match self.named(name.inode) {
            Ok(inode) => {
                let kind = match inode.kind {
                    Kind::File => EntryKind::File,
                    Kind::Folder => EntryKind::Folder,
                    Kind::Link => EntryKind::Link,
                    Kind::Special => EntryKind::Special,
                };
                let size_bytes = if kind == EntryKind::File { inode.size_bytes } else { 0 };
                folder.child(&name.bytes, kind, size_bytes, inode.times, node(name.inode))
            }
            Err(_) => folder.child(&name.bytes, EntryKind::Unreadable, 0, FileTimes::default(), node(name.inode)),
        }
    }
}

impl FileSystem for Ext {
    fn name(&self) -> Option<&'static str> {
        Some(self.blocks.superblock.name())
    }

    fn journal(&self) -> Journal {
        self.journal
    }

    fn root(&self) -> Node {
        node(ROOT)
    }

    fn list(&self, folder: &Entry) -> Listing {
        let mut entries = Vec::new();
        let mut take = |name: Name| {
            if entries.len() >= limits::FOLDER_ENTRIES {
                return Err(ReadError::Limit { offset: 0, what: "entries of one folder" });
            }
            entries.push(self.entry(folder, &name));
            Ok(())
        };
        let inode = number(folder.node()).and_then(|number| self.named(number));
        let listed = inode.and_then(|inode| directory::list(&self.blocks, &inode, &mut take));
        Listing { entries, error: listed.err() }
    }

    fn open(&self, permit: Permit) -> Result<Opened, ReadError> {
        let inode = self.named(number(permit.node())?)?;
        if inode.kind != Kind::File {
            return Err(ReadError::Unsupported { offset: 0, what: "reading what is not a regular file".to_owned() });
        }
        let stream = stream::FileStream::new(Arc::clone(&self.blocks), &inode)?;
        Ok(permit.opened(Box::new(stream)))
    }

    /// The stored image answers for everything in it.
    fn unchanged(&self) -> Result<(), Changed> {
        Ok(())
    }
}
