//! FAT12, FAT16 and FAT32, read directly.
//!
//! The format is small, and the crate that was meant for it wants to write, follows chains into loops and into other
//! files, and takes what stands behind the end of a folder for deleted. A test compares the two.
//!
//! Times are civil ones of the machine that wrote them: they become spans in the zone that the order gives, and are none
//! without it. `modified` is stated to 2 s, `created` to 10 ms where a system wrote it so, `accessed` to the day. A name is
//! the long one, in UTF-8, or the short one by code page 437 with the small letters that its entry states: what a mount of
//! type `vfat` with `utf8` shows.
//!
//! What is deliberately absent: the volume's label, deleted entries, clusters behind a file's end, the second table.
//!
//! **Invariant:** a file is exactly as long as its entry says, through a chain that no other one shares, or an error.

mod boot;
mod directory;
mod table;

use std::collections::HashSet;
use std::sync::Arc;

use self::boot::{Geometry, Root, Width};
use self::directory::Item;
use self::table::Table;
use super::civil_time::CivilTime;
use super::extent::{ExtentStream, Extents};
use super::field::u32_at;
use super::{Changed, FileSystem, FileSystemFormat, Listing, Opening};
use crate::clock::Zone;
use crate::image::Image;
use crate::journal::Journal;
use crate::limits;
use crate::read_error::ReadError;
use crate::scope::{Entry, EntryKind, FileTime, FileTimes, Node, Opened, Permit};

/// The row of the table.
pub const FORMAT: FileSystemFormat = FileSystemFormat { family: "FAT", probe, set: None, open };

struct Fat {
    image: Arc<dyn Image>,
    table: Table,
    zone: Option<Zone>,
}

/// How an entry is found again.
#[derive(Clone, Copy)]
enum Place {
    Root,
    /// Its first cluster, and that of the folder above, 0 for the root.
    Folder {
        start: u32,
        above: u32,
    },
    /// Its first cluster, and its size in bytes.
    File {
        start: u32,
        size_bytes: u32,
    },
}

impl Place {
    fn node(self) -> Node {
        let (kind, start, more) = match self {
            Self::Root => (0_u8, 0, 0),
            Self::Folder { start, above } => (1, start, above),
            Self::File { start, size_bytes } => (2, start, size_bytes),
        };
        Node::new([[kind].as_slice(), &start.to_le_bytes(), &more.to_le_bytes()].concat())
    }

    fn of(node: &Node) -> Result<Self, ReadError> {
        let bytes = node.bytes();
        match (bytes.first(), u32_at(bytes, 1), u32_at(bytes, 5)) {
            (Some(0), ..) => Ok(Self::Root),
            (Some(1), Some(start), Some(above)) => Ok(Self::Folder { start, above }),
            (Some(2), Some(start), Some(size_bytes)) => Ok(Self::File { start, size_bytes }),
            _ => Err(ReadError::Corrupt { offset: 0, what: "an entry of another file system" }),
        }
    }
}

fn probe(image: &dyn Image) -> Result<bool, ReadError> {
    Geometry::is_there(image)
}

fn open(opening: &Opening) -> Result<Box<dyn FileSystem>, ReadError> {
    let geometry = Geometry::read(opening.volume.as_ref())?;
    let image = Arc::clone(&opening.volume);
    let table = Table::read(Arc::clone(&image), geometry)?;
    Ok(Box::new(Fat { image, table, zone: opening.zone }))
}

impl Fat {
    /// A folder's bytes, as far as they can be followed, and why the rest cannot.
    fn folder(&self, place: Place) -> Result<(Vec<u8>, Option<ReadError>), ReadError> {
        let (extents, error) = match (place, self.table.geometry.root) {
            (Place::Root, Root::Fixed { offset, bytes }) => {
                let mut extents = Extents::default();
                extents.push(bytes, Some(offset))?;
                (extents, None)
            }
            (Place::Root, Root::Chain(start)) | (Place::Folder { start, .. }, _) => self.table.chain(start, None),
            (Place::File { .. }, _) => {
                return Err(ReadError::Corrupt { offset: 0, what: "a folder that is none" });
            }
        };
        let length = extents.bytes();
        if length > limits::FAT_FOLDER_BYTES {
            return Err(ReadError::Limit { offset: 0, what: "bytes of one folder" });
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        extents.read_at(self.image.as_ref(), 0, &mut bytes)?;
        if let Place::Folder { start, above } = place {
            // Some systems name the root of FAT32 by its cluster, and not by 0.
            let root = match self.table.geometry.root {
                Root::Chain(root) if above == 0 => root,
                _ => above,
            };
            if !directory::begins_as(&bytes, start, &[above, root]) {
                let first = if self.table.geometry.has(start) { self.table.geometry.place(start) } else { 0 };
                return Err(ReadError::Corrupt { offset: first, what: "a folder that does not begin as one" });
            }
        }
        Ok((bytes, error))
    }

    fn time(&self, time: Option<CivilTime>) -> Option<FileTime> {
        time.and_then(|time| FileTime::local(time.earliest, time.step, self.zone))
    }

    fn entry(&self, folder: &Entry, above: u32, item: &Item) -> Entry {
        let (created, modified) = (self.time(item.created), self.time(item.modified));
        let times = FileTimes { modified, changed: None, created, accessed: self.time(item.accessed) };
        // OS/2 keeps something else in the upper half.
        let mask = if self.table.geometry.width == Width::ThirtyTwo { 0x0fff_ffff } else { 0xffff };
        let start = item.cluster & mask;
        if item.is_folder {
            let kind = if self.table.geometry.has(start) { EntryKind::Folder } else { EntryKind::Unreadable };
            return folder.child(&item.name, kind, 0, times, Place::Folder { start, above }.node());
        }
        let place = Place::File { start, size_bytes: item.size_bytes };
        folder.child(&item.name, EntryKind::File, u64::from(item.size_bytes), times, place.node())
    }

    fn list_into(&self, folder: &Entry, entries: &mut Vec<Entry>) -> Result<(), ReadError> {
        let place = Place::of(folder.node())?;
        let above = if let Place::Folder { start, .. } = place { start } else { 0 };
        let (bytes, cut) = self.folder(place)?;
        let mut names = HashSet::new();
        let mut twice = None;
        let listed = directory::list(&bytes, &mut |item| {
            if names.contains(&item.name) {
                twice = Some(ReadError::Corrupt { offset: 0, what: "two entries of one name" });
                return Ok(());
            }
            entries.push(self.entry(folder, above, &item));
            names.insert(item.name);
            Ok(())
        });
        cut.or(listed.err()).or(twice).map_or(Ok(()), Err)
    }
}

impl FileSystem for Fat {
    fn name(&self) -> Option<&'static str> {
        Some(match self.table.geometry.width {
            Width::Twelve => "fat12",
            Width::Sixteen => "fat16",
            Width::ThirtyTwo => "fat32",
        })
    }

    /// The format has none.
    fn journal(&self) -> Journal {
        Journal::None
    }

    fn root(&self) -> Node {
        Place::Root.node()
    }

    fn list(&self, folder: &Entry) -> Listing {
        let mut entries = Vec::new();
        let listed = self.list_into(folder, &mut entries);
        Listing { entries, error: listed.err() }
    }

    fn open(&self, permit: Permit) -> Result<Opened, ReadError> {
        let Place::File { start, size_bytes } = Place::of(permit.node())? else {
            return Err(ReadError::Unsupported { offset: 0, what: "reading what is not a regular file".to_owned() });
        };
        let size_bytes = u64::from(size_bytes);
        let wanted = size_bytes.div_ceil(self.table.geometry.cluster_bytes);
        let (extents, error) =
            if wanted == 0 { (Extents::default(), None) } else { self.table.chain(start, Some(wanted)) };
        if let Some(error) = error {
            return Err(error);
        }
        let stream = ExtentStream::new(Arc::clone(&self.image), extents, size_bytes, size_bytes)?;
        Ok(permit.opened(Box::new(stream)))
    }

    /// The stored image answers for everything in it.
    fn unchanged(&self) -> Result<(), Changed> {
        Ok(())
    }
}
