//! XFS, versions 4 and 5, read directly.
//!
//! The layout is that of the XFS Algorithms and Data Structures document and of the kernel's `fs/xfs/libxfs`. The reader
//! is this project's own because the crate that was meant to do it does not check the checksums of folders and of trees of
//! extents, takes fewer entries than are stated without an error, lists a folder only by a walk from the root, has no times,
//! does not replay the log of version 4, and stamps what it replays too early, so that a second change from the same place
//! in the log is lost. A test compares the two on everything that both can read.
//!
//! What is deliberately absent: deleted entries, extended attributes, quota files, orphans, the realtime device, inodes of
//! version 1, external logs.
//!
//! **Invariant:** a block is read through the replayed log or not at all; every checksum that the file system stores is
//! checked; an allocated and unwritten extent is zeros; where the log could not be replayed no file has a time.

mod device;
mod directory;
mod inode;
mod log;
mod map;
mod replay;
mod replayed_inode;
mod stream;
mod superblock;
mod transaction;

use std::sync::Arc;

use self::device::Device;
use self::directory::Name;
use self::inode::{Inode, Kind};
use self::superblock::Superblock;
use super::{Changed, FileSystem, FileSystemFormat, Listing, Opening};
use crate::image::Image;
use crate::journal::Journal;
use crate::limits;
use crate::read_error::ReadError;
use crate::scope::{Entry, EntryKind, FileTimes, Node, Opened, Permit};

/// The row of the table.
pub const FORMAT: FileSystemFormat = FileSystemFormat { family: "XFS", probe, set: None, open };

struct Xfs {
    device: Arc<Device>,
    journal: Journal,
}

fn probe(image: &dyn Image) -> Result<bool, ReadError> {
    Superblock::is_there(image)
}

fn open(opening: &Opening) -> Result<Box<dyn FileSystem>, ReadError> {
    let mut device = Device::new(Arc::clone(&opening.volume))?;
    let journal = replay::replay(&mut device);
    Ok(Box::new(Xfs { device: Arc::new(device), journal }))
}

fn node(number: u64) -> Node {
    Node::new(number.to_le_bytes())
}

fn number(node: &Node) -> Result<u64, ReadError> {
    let bytes = node.bytes().try_into();
    bytes.map(u64::from_le_bytes).map_err(|_| ReadError::Corrupt { offset: 0, what: "an entry of another file system" })
}

impl Xfs {
    /// An inode that a folder's entry names: in use, and not one of the file system's own.
    fn named(&self, number: u64) -> Result<Inode, ReadError> {
        if !self.device.superblock.may_be_named(number) {
            return Err(ReadError::Corrupt { offset: 0, what: "a name for an inode of the file system's own" });
        }
        Inode::read(&self.device, number)
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
                // The times on the disk may be older than those in a log that was not replayed.
                let is_current = self.journal != Journal::NotReplayed;
                let times = if is_current { inode.times } else { FileTimes::default() };
                folder.child(&name.bytes, kind, size_bytes, times, node(name.inode))
            }
            Err(_) => folder.child(&name.bytes, EntryKind::Unreadable, 0, FileTimes::default(), node(name.inode)),
        }
    }
}

impl FileSystem for Xfs {
    fn name(&self) -> Option<&'static str> {
        Some("xfs")
    }

    fn journal(&self) -> Journal {
        self.journal
    }

    fn root(&self) -> Node {
        node(self.device.superblock.root)
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
        let listed = inode.and_then(|inode| directory::list(&self.device, &inode, &mut take));
        Listing { entries, error: listed.err() }
    }

    fn open(&self, permit: Permit) -> Result<Opened, ReadError> {
        let inode = self.named(number(permit.node())?)?;
        if inode.kind != Kind::File {
            return Err(ReadError::Unsupported { offset: 0, what: "reading what is not a regular file".to_owned() });
        }
        let stream = stream::FileStream::new(Arc::clone(&self.device), &inode)?;
        Ok(permit.opened(Box::new(stream)))
    }

    /// The stored image answers for everything in it.
    fn unchanged(&self) -> Result<(), Changed> {
        Ok(())
    }
}
