//! exFAT, read directly.
//!
//! The crate that was meant for it loses the sign of the offset from UTC, leaves out the finer field of a time, and gives
//! what was never written. The format is small, and has a checksum for each entry.
//!
//! Times are stated to 10 ms (`created`, `modified`, where a system wrote them so) and 2 s (`accessed`): as instants where
//! the offset from UTC stands beside them, else as civil times in the zone that the order gives, and none without it.
//!
//! What is deliberately absent: the label, the up-case table, deleted entries, clusters behind a file's end.
//!
//! **Invariant:** a file is exactly as long as its set of entries says, and what was never written of it is zeros.

mod boot;
mod chain;
mod directory;

use std::collections::HashSet;
use std::sync::Arc;

use self::boot::Geometry;
use self::chain::{Clusters, Run};
use self::directory::{Found, Item};
use super::extent::ExtentStream;
use super::field::{u8_at, u32_at, u64_at};
use super::{Changed, FileSystem, FileSystemFormat, Listing, Opening};
use crate::clock::Zone;
use crate::image::Image;
use crate::journal::Journal;
use crate::limits;
use crate::read_error::ReadError;
use crate::scope::{Entry, EntryKind, Node, Opened, Permit};

/// The row of the table.
pub const FORMAT: FileSystemFormat = FileSystemFormat { family: "exFAT", probe, set: None, open };

struct ExFat {
    clusters: Clusters,
    zone: Option<Zone>,
}

/// How an entry is found again.
enum Place {
    Root,
    Folder(Run),
    File { run: Run, written_bytes: u64 },
}

impl Place {
    fn node(&self) -> Node {
        let (kind, run, more) = match self {
            Self::Root => return Node::new([0]),
            Self::Folder(run) => (1, run, 0),
            Self::File { run, written_bytes } => (2, run, *written_bytes),
        };
        let head = [kind, u8::from(run.is_contiguous)];
        Node::new([&head[..], &run.start.to_le_bytes(), &run.bytes.to_le_bytes(), &more.to_le_bytes()].concat())
    }

    fn of(node: &Node) -> Result<Self, ReadError> {
        let bytes = node.bytes();
        let run = || {
            let is_contiguous = u8_at(bytes, 1)? != 0;
            Some(Run { start: u32_at(bytes, 2)?, is_contiguous, bytes: u64_at(bytes, 6)? })
        };
        match (bytes.first(), run(), u64_at(bytes, 14)) {
            (Some(0), ..) => Ok(Self::Root),
            (Some(1), Some(run), _) => Ok(Self::Folder(run)),
            (Some(2), Some(run), Some(written_bytes)) => Ok(Self::File { run, written_bytes }),
            _ => Err(ReadError::Corrupt { offset: 0, what: "an entry of another file system" }),
        }
    }
}

fn probe(image: &dyn Image) -> Result<bool, ReadError> {
    Geometry::is_there(image)
}

fn open(opening: &Opening) -> Result<Box<dyn FileSystem>, ReadError> {
    let image = Arc::clone(&opening.volume);
    let geometry = Geometry::read(image.as_ref())?;
    let mut exfat = ExFat { clusters: Clusters { image, geometry, bitmap: None }, zone: opening.zone };
    let (bytes, _) = exfat.folder(&Place::Root)?;
    let mut bitmaps = Vec::new();
    // What else is wrong with the root is said where it is listed.
    let _ = directory::list(&bytes, &mut |found| {
        if let Found::Bitmap(run) = found {
            bitmaps.push(run);
        }
        Ok(())
    });
    let [bitmap] = bitmaps.as_slice() else {
        return Err(ReadError::Corrupt { offset: 0, what: "the allocation bitmap of an exFAT file system" });
    };
    if bitmap.bytes != u64::from(geometry.clusters).div_ceil(8) {
        return Err(ReadError::Corrupt { offset: 0, what: "the size of the allocation bitmap" });
    }
    let extents = exfat.clusters.of(*bitmap)?;
    exfat.clusters.bitmap = (!geometry.is_dirty).then_some(extents);
    Ok(Box::new(exfat))
}

impl ExFat {
    /// A folder's bytes, as far as they can be followed, and why the rest cannot.
    fn folder(&self, place: &Place) -> Result<(Vec<u8>, Option<ReadError>), ReadError> {
        let (extents, length, error) = match place {
            Place::Root => {
                let (extents, error) = self.clusters.chain(self.clusters.geometry.root, None)?;
                let length = extents.bytes();
                (extents, length, error)
            }
            Place::Folder(run) => (self.clusters.of(*run)?, run.bytes, None),
            Place::File { .. } => return Err(ReadError::Corrupt { offset: 0, what: "a folder that is none" }),
        };
        if length > limits::EXFAT_FOLDER_BYTES {
            return Err(ReadError::Limit { offset: 0, what: "bytes of one folder" });
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        extents.read_at(self.clusters.image.as_ref(), 0, &mut bytes)?;
        Ok((bytes, error))
    }

    fn entry(&self, folder: &Entry, item: &Item) -> Entry {
        let times = item.times(self.zone);
        if item.is_folder {
            return folder.child(&item.name, EntryKind::Folder, 0, times, Place::Folder(item.run).node());
        }
        let place = Place::File { run: item.run, written_bytes: item.written_bytes };
        folder.child(&item.name, EntryKind::File, item.run.bytes, times, place.node())
    }

    fn list_into(&self, folder: &Entry, entries: &mut Vec<Entry>) -> Result<(), ReadError> {
        let (bytes, cut) = self.folder(&Place::of(folder.node())?)?;
        let mut names = HashSet::new();
        let mut twice = None;
        let listed = directory::list(&bytes, &mut |found| {
            let Found::Item(item) = found else { return Ok(()) };
            if names.contains(&item.name) {
                twice = Some(ReadError::Corrupt { offset: 0, what: "two entries of one name" });
                return Ok(());
            }
            entries.push(self.entry(folder, &item));
            names.insert(item.name);
            Ok(())
        });
        cut.or(listed.err()).or(twice).map_or(Ok(()), Err)
    }
}

impl FileSystem for ExFat {
    fn name(&self) -> Option<&'static str> {
        Some("exfat")
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
        let Place::File { run, written_bytes } = Place::of(permit.node())? else {
            return Err(ReadError::Unsupported { offset: 0, what: "reading what is not a regular file".to_owned() });
        };
        let extents = self.clusters.of(run)?;
        let stream = ExtentStream::new(Arc::clone(&self.clusters.image), extents, written_bytes, run.bytes)?;
        Ok(permit.opened(Box::new(stream)))
    }

    /// The stored image answers for everything in it.
    fn unchanged(&self) -> Result<(), Changed> {
        Ok(())
    }
}
