//! ISO 9660 with Rock Ridge or Joliet, read directly.
//!
//! The layout is that of ECMA-119, of IEEE P1281 and P1282, and of the Joliet specification. Where there is Rock Ridge its
//! tree is shown, else Joliet's, else the plain one. The reader is this project's own: the format is small, and its clocks,
//! continuation areas and relocated folders are read, and bounded, here.
//!
//! Clocks: `modified` from the record, to the second with its own offset from UTC; with Rock Ridge `modified`, `accessed`,
//! `changed` and `created`, each where its field is there, to the second or a hundredth of it. Associated files, the hidden
//! halves of others, are never read. Interleaved files, files on another volume of a set, files packed by zisofs, a UDF
//! beside the tree and further sessions are refused by name.
//!
//! **Invariant:** a folder hangs at one place, and a file is read within its volume.

mod descriptor;
mod directory;
mod name;
mod record;
mod rock_ridge;

use std::sync::Arc;

use self::descriptor::Tree;
use self::directory::{Dialect, Item, Place};
use self::record::FOLDER;
use self::rock_ridge::Rock;
use super::extent::ExtentStream;
use super::lineage::Lineage;
use super::{Changed, FileSystem, FileSystemFormat, Listing, Opening, wide_name};
use crate::image::Image;
use crate::journal::Journal;
use crate::limits;
use crate::read_error::ReadError;
use crate::scope::{Entry, EntryKind, FileTimes, Node, Opened, Permit};

/// The row of the table.
pub const FORMAT: FileSystemFormat = FileSystemFormat { family: "ISO 9660", probe, set: None, open };

struct Iso {
    image: Arc<dyn Image>,
    tree: Tree,
    dialect: Dialect,
    root: Place,
    /// The number of this volume in its set.
    volume: u16,
    lineage: Lineage,
}

fn probe(image: &dyn Image) -> Result<bool, ReadError> {
    descriptor::is_there(image)
}

fn open(opening: &Opening) -> Result<Box<dyn FileSystem>, ReadError> {
    let image = Arc::clone(&opening.volume);
    let trees = descriptor::read(image.as_ref())?;
    let mut tree = trees.primary;
    let primary = directory::place(image.as_ref(), &tree, tree.root.0, tree.root.1)?;
    let mut own = None;
    directory::records(image.as_ref(), primary, primary.start, &mut |record| {
        own = Some(record);
        Ok(false)
    })?;
    let own = own.ok_or(ReadError::Corrupt { offset: primary.start, what: "an empty root" })?;
    let volume = own.volume;
    // The root's own record says whether there is Rock Ridge, and is not skipped into.
    let rock = Rock::read(image.as_ref(), tree.block_bytes, &own.system, own.offset);
    let (dialect, root) = match (rock, trees.joliet) {
        (Ok(Rock { is_there: true, skip: Some(skip), .. }), _) => (Dialect::RockRidge { skip }, primary),
        (Err(error), _) => return Err(error),
        (_, Some(joliet)) => {
            tree = joliet;
            (Dialect::Joliet, directory::place(image.as_ref(), &tree, tree.root.0, tree.root.1)?)
        }
        _ => (Dialect::Plain, primary),
    };
    Ok(Box::new(Iso { image, tree, dialect, root, volume, lineage: Lineage::new(root.start) }))
}

/// A folder by its extent; a file by the extent of its folder and the offset of its record.
fn node(place: Place, record: u64) -> Node {
    let words = [place.start, place.length, record];
    Node::new(words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>())
}

fn place_of(node: &Node) -> Result<(Place, u64), ReadError> {
    let word = |at: usize| node.bytes().get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes);
    match (word(0), word(8), word(16)) {
        (Some(start), Some(length), Some(record)) => Ok((Place { start, length }, record)),
        _ => Err(ReadError::Corrupt { offset: 0, what: "an entry of another file system" }),
    }
}

impl Iso {
    fn name(&self, item: &Item) -> Result<Vec<u8>, ReadError> {
        let Some(record) = item.records.first() else {
            return Err(ReadError::Corrupt { offset: 0, what: "a directory record" });
        };
        let given = item.rock.as_ref().ok().and_then(|rock| rock.name.clone());
        let name = match self.dialect {
            Dialect::Joliet => name::joliet(&record.name),
            _ => given.unwrap_or_else(|| name::plain(&record.name)),
        };
        if wide_name::is_possible(&name) {
            Ok(name)
        } else {
            Err(ReadError::Corrupt { offset: record.offset, what: "a name that no file can have" })
        }
    }

    /// Where a folder's records stand, its true ones where it was moved.
    fn folder(&self, item: &Item, rock: &Rock) -> Result<Place, ReadError> {
        let image = self.image.as_ref();
        let Some(record) = item.records.first() else {
            return Err(ReadError::Corrupt { offset: 0, what: "a directory record" });
        };
        let Some(block) = rock.child else {
            let block = record.block.saturating_add(u32::from(record.attribute_blocks));
            return directory::place(image, &self.tree, block, record.size_bytes);
        };
        let first = directory::place(image, &self.tree, block, 2048)?;
        let mut length = None;
        directory::records(image, first, first.start, &mut |own| {
            length = (own.block == block).then_some(own.size_bytes);
            Ok(false)
        })?;
        let length =
            length.ok_or(ReadError::Corrupt { offset: first.start, what: "a moved folder that is not there" })?;
        directory::place(image, &self.tree, block, length)
    }

    fn entry(&self, folder: &Entry, place: Place, item: &Item) -> Result<Option<Entry>, ReadError> {
        let record = item.records.first().map_or(0, |record| record.offset);
        if item.is_associated() || item.rock.as_ref().is_ok_and(|rock| rock.is_relocated) {
            return Ok(None);
        }
        let name = self.name(item)?;
        let unreadable = |name: &[u8]| {
            Ok(Some(folder.child(name, EntryKind::Unreadable, 0, FileTimes::default(), node(place, record))))
        };
        let Ok(rock) = &item.rock else { return unreadable(&name) };
        let is_folder = item.records.first().is_some_and(|record| record.flags & FOLDER != 0) || rock.child.is_some();
        let by_flag = if is_folder { EntryKind::Folder } else { EntryKind::File };
        let kind = if rock.child.is_some() { by_flag } else { rock.kind.unwrap_or(by_flag) };
        let recorded = item.records.first().and_then(|record| record.recorded);
        let times = if rock.has_times { rock.times } else { FileTimes { modified: recorded, ..FileTimes::default() } };
        if is_folder != (kind == EntryKind::Folder) {
            return unreadable(&name);
        }
        if is_folder {
            let child = self.folder(item, rock);
            let joined = child.and_then(|child| self.lineage.join(child.start, place.start, record).map(|()| child));
            let Ok(child) = joined else { return unreadable(&name) };
            return Ok(Some(folder.child(&name, kind, 0, times, node(child, u64::MAX))));
        }
        let size_bytes = match kind {
            EntryKind::File => rock.packed.map_or(item.size_bytes(), u64::from),
            _ => 0,
        };
        Ok(Some(folder.child(&name, kind, size_bytes, times, node(place, record))))
    }
}

impl FileSystem for Iso {
    fn name(&self) -> Option<&'static str> {
        Some("iso9660")
    }

    fn journal(&self) -> Journal {
        Journal::None
    }

    fn root(&self) -> Node {
        node(self.root, u64::MAX)
    }

    fn list(&self, folder: &Entry) -> Listing {
        let (mut entries, mut failure) = (Vec::new(), None);
        let listed = place_of(folder.node()).and_then(|(place, _)| {
            directory::items(self.image.as_ref(), &self.tree, self.dialect, place, place.start, &mut |item| {
                if entries.len() >= limits::FOLDER_ENTRIES {
                    return Err(ReadError::Limit { offset: place.start, what: "entries of one folder" });
                }
                match self.entry(folder, place, &item) {
                    Ok(entry) => entries.extend(entry),
                    Err(error) => failure = failure.take().or(Some(error)),
                }
                Ok(true)
            })
        });
        Listing { entries, error: listed.err().or(failure) }
    }

    fn open(&self, permit: Permit) -> Result<Opened, ReadError> {
        let (place, record) = place_of(permit.node())?;
        let mut found = None;
        directory::items(self.image.as_ref(), &self.tree, self.dialect, place, record, &mut |item| {
            found = Some(item);
            Ok(false)
        })?;
        let item = found.ok_or(ReadError::Corrupt { offset: record, what: "a directory record" })?;
        if item.rock.as_ref().is_ok_and(|rock| rock.packed.is_some()) {
            return Err(ReadError::Unsupported { offset: record, what: "a file packed by zisofs".to_owned() });
        }
        let extents = item.extents(self.image.as_ref(), &self.tree, self.volume)?;
        let size_bytes = item.size_bytes();
        if size_bytes != permit.size_bytes() {
            return Err(ReadError::Corrupt { offset: record, what: "a file whose size changed" });
        }
        let stream = ExtentStream::new(Arc::clone(&self.image), extents, size_bytes, size_bytes)?;
        Ok(permit.opened(Box::new(stream)))
    }

    /// The stored image answers for everything in it.
    fn unchanged(&self) -> Result<(), Changed> {
        Ok(())
    }
}
