//! File systems: trees of entries on a volume, or a folder of this machine.
//!
//! How to read is an open set: one file, one line in the table, one fixture, and one conformance suite for every row.
//!
//! **Invariant:** content is read with a [`Permit`] or not at all; deleted files, slack, unallocated space, extended
//! attributes and alternate streams are never read; a damaged folder or file is an error, never an absence.

pub mod archive;
mod btrfs;
mod civil_time;
mod code_page;
mod exfat;
mod ext;
mod extent;
mod fat;
mod field;
mod folder;
pub mod identity;
mod iso;
mod lineage;
mod locked;
mod ntfs;
mod squashfs;
mod wide_name;
mod xfs;

use std::sync::Arc;

pub use folder::Folder;
pub use locked::Locked;

use crate::clock::Zone;
use crate::image::Image;
use crate::journal::Journal;
use crate::read_error::ReadError;
use crate::scope::{Entry, Node, Opened, Permit};

/// A tree of entries.
pub trait FileSystem: Send + Sync {
    /// Its name in the ledger (`ext4`); none for a folder of this machine.
    fn name(&self) -> Option<&'static str>;

    /// The state of its journal.
    fn journal(&self) -> Journal;

    /// How it finds its root again.
    fn root(&self) -> Node;

    /// What is in a folder, in no particular order, without `.` and `..`. An entry whose metadata cannot be read is
    /// listed with [`crate::scope::EntryKind::Unreadable`].
    fn list(&self, folder: &Entry) -> Listing;

    /// Spends a permit on the entry's content, exactly as long as the file system says it is. It never follows a link.
    fn open(&self, permit: Permit) -> Result<Opened, ReadError>;

    /// Everything that was opened is as it was (size, mtime, ctime, inode): said once, at the end.
    fn unchanged(&self) -> Result<(), Changed>;
}

/// What a file system is opened from.
pub struct Opening {
    /// The volume that it stands on.
    pub volume: Arc<dyn Image>,
    /// The other volumes that it spans, where its family can span several: those with the same [`FileSystemFormat::set`].
    pub others: Vec<Arc<dyn Image>>,
    /// The tree to show, where its family has several (btrfs); none = the default one.
    pub subvolume: Option<Vec<u8>>,
    /// The zone of times that carry none (FAT).
    pub zone: Option<Zone>,
}

impl Opening {
    /// From one volume, and nothing said beside it.
    pub fn of(volume: Arc<dyn Image>) -> Self {
        Self { volume, others: Vec::new(), subvolume: None, zone: None }
    }
}

/// Opens the file system on a volume.
type Open = fn(&Opening) -> Result<Box<dyn FileSystem>, ReadError>;
/// Which set of volumes a volume belongs to.
type SetOf = fn(&dyn Image) -> Result<[u8; 16], ReadError>;

/// A family of file systems that stand on a volume.
pub struct FileSystemFormat {
    /// What it reads.
    pub family: &'static str,
    /// The volume holds one.
    probe: fn(&dyn Image) -> Result<bool, ReadError>,
    /// For a family that spans several volumes: what they have in common.
    set: Option<SetOf>,
    /// Opens it; a feature that this version does not read is refused by name.
    open: Open,
}

/// Every family.
pub static FORMATS: [FileSystemFormat; 8] =
    [ext::FORMAT, btrfs::FORMAT, ntfs::FORMAT, fat::FORMAT, exfat::FORMAT, xfs::FORMAT, squashfs::FORMAT, iso::FORMAT];

/// The one family that claims a volume; none where no family does.
pub fn format_of(volume: &dyn Image) -> Result<Option<&'static FileSystemFormat>, ReadError> {
    let mut fitting = Vec::new();
    for format in &FORMATS {
        if (format.probe)(volume)? {
            fitting.push(format);
        }
    }
    match fitting.as_slice() {
        [] => Ok(None),
        [format] => Ok(Some(format)),
        [first, second, ..] => Err(ReadError::Unsupported {
            offset: 0,
            what: format!("a volume that is both {} and {}", first.family, second.family),
        }),
    }
}

impl FileSystemFormat {
    /// Opens it.
    pub fn open(&self, opening: &Opening) -> Result<Box<dyn FileSystem>, ReadError> {
        (self.open)(opening)
    }

    /// One file system of the family may span several volumes.
    pub fn spans_volumes(&self) -> bool {
        self.set.is_some()
    }

    /// What the volumes of one file system have in common; none for a family that stands on one volume.
    pub fn set(&self, volume: &dyn Image) -> Result<Option<[u8; 16]>, ReadError> {
        self.set.map(|set| set(volume)).transpose()
    }
}

/// What a folder held, as far as it could be read.
#[derive(Debug, Default)]
pub struct Listing {
    /// What was read.
    pub entries: Vec<Entry>,
    /// Why the rest was not.
    pub error: Option<ReadError>,
}

/// Evidence changed while it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{count} opened file(s) of the source changed while they were read")]
pub struct Changed {
    /// How many files.
    pub count: u64,
}
