//! NTFS, read directly.
//!
//! The crate that was meant for it gives, without an error, what the volume holds behind the part of a file that was ever
//! written (deleted files of others) and the compressed form of a compressed file, cannot find a file table in several
//! pieces, does not look whether a record is in use, and follows an index that leads back to itself without an end.
//!
//! Shown is what a mount shows: names for everyone and not their twins for DOS, and none of the file system's own files. A
//! name is UTF-8; half of a surrogate pair keeps its number. The log is not replayed; where it may hold something, that is
//! said. Of the links that older systems wrote as files (Interix), the link is told by its first bytes.
//!
//! What is deliberately absent: alternate data streams, extended attributes, deleted records, clusters behind a file's end.
//!
//! **Invariant:** only the unnamed stream of a file that is in use is read, exactly as long as it states; what was never
//! written of it is zeros.

mod boot;
mod compressed;
mod index;
mod log;
mod record;
mod reparse;
mod run;
mod table;

use std::collections::HashSet;
use std::sync::Arc;

use self::boot::Geometry;
use self::compressed::CompressedStream;
use self::index::{Name, Named};
use self::record::{DATA, FILE_NAME, REPARSE_POINT, STANDARD_INFORMATION};
use self::table::{COMPRESSED, Content, ENCRYPTED, File, Table, number_of};
use super::extent::ExtentStream;
use super::field::{u32_at, u64_at};
use super::{Changed, FileSystem, FileSystemFormat, Listing, Opening, wide_name};
use crate::clock::Timestamp;
use crate::image::Image;
use crate::journal::Journal;
use crate::limits;
use crate::read_error::ReadError;
use crate::scope::{Entry, EntryKind, FileTime, FileTimes, Node, Opened, Permit, Stream};

/// The row of the table.
pub const FORMAT: FileSystemFormat = FileSystemFormat { family: "NTFS", probe, set: None, open };

/// The root folder's record.
const ROOT: u64 = 5;
/// The record of the bitmap that says which clusters are in use.
const ALLOCATION: u64 = 6;
/// The first record that is not the file system's own.
const FIRST_FILE: u64 = 16;
/// Of a file's attributes: it is the system's.
const SYSTEM: u32 = 4;
/// How a link of Interix begins, and its devices.
const INTERIX_LINK: &[u8] = b"IntxLNK\x01";
const INTERIX_DEVICES: [&[u8]; 2] = [b"IntxCHR\0", b"IntxBLK\0"];

struct Ntfs {
    table: Table,
    journal: Journal,
    /// Which clusters are in use. None where the log may hold something: the bitmap may then be older than the files.
    allocation: Option<Content>,
}

/// What a file is, before its content is opened.
struct Description {
    kind: EntryKind,
    size_bytes: u64,
    times: FileTimes,
}

fn probe(image: &dyn Image) -> Result<bool, ReadError> {
    Geometry::is_there(image)
}

fn open(opening: &Opening) -> Result<Box<dyn FileSystem>, ReadError> {
    let geometry = Geometry::read(opening.volume.as_ref())?;
    let table = Table::read(Arc::clone(&opening.volume), geometry)?;
    let journal = log::state(&table)?;
    let allocation = table.file(ALLOCATION)?.content(&geometry, DATA, b"")?;
    let allocation = allocation.filter(|_| journal == Journal::Clean);
    Ok(Box::new(Ntfs { table, journal, allocation }))
}

fn reference(node: &Node) -> Result<u64, ReadError> {
    let bytes = node.bytes().try_into();
    bytes.map(u64::from_le_bytes).map_err(|_| ReadError::Corrupt { offset: 0, what: "an entry of another file system" })
}

/// Tenths of a microsecond since 1601; 0 was never set.
fn time(bytes: &[u8], at: usize) -> Option<FileTime> {
    const TO_1970: i64 = 11_644_473_600;
    const PER_SECOND: u64 = 10_000_000;
    let stored = u64_at(bytes, at).filter(|stored| *stored > 0)?;
    let seconds = i64::try_from(stored / PER_SECOND).ok()?.checked_sub(TO_1970)?;
    Timestamp::new(seconds, u32::try_from(stored % PER_SECOND).ok()? * 100).map(FileTime::at)
}

impl Ntfs {
    /// The unnamed stream.
    fn data(&self, file: &File) -> Result<Content, ReadError> {
        let data = file.content(&self.table.geometry, DATA, b"")?;
        data.ok_or_else(|| file.record.corrupt("a file without its content"))
    }

    /// What the entry stands for, where it stands for something else.
    fn reparse_tag(&self, file: &File) -> Result<Option<u32>, ReadError> {
        let Some(point) = file.content(&self.table.geometry, REPARSE_POINT, b"")? else { return Ok(None) };
        let mut tag = [0; 4];
        self.table.read_at(&point, 0, &mut tag)?;
        Ok(Some(u32::from_le_bytes(tag)))
    }

    fn describe(&self, file: &File) -> Result<Description, ReadError> {
        let information = file.residents(STANDARD_INFORMATION)?;
        let information =
            *information.first().ok_or_else(|| file.record.corrupt("a file without its times and attributes"))?;
        let times = FileTimes {
            created: time(information, 0),
            modified: time(information, 8),
            changed: time(information, 16),
            accessed: time(information, 24),
        };
        let is_system = u32_at(information, 32).is_some_and(|attributes| attributes & SYSTEM != 0);
        let (kind, size_bytes) = match self.reparse_tag(file)? {
            Some(tag) if reparse::is_link(tag) => (EntryKind::Link, 0),
            Some(tag) if reparse::is_special(tag) => (EntryKind::Special, 0),
            _ if file.record.is_folder() => (EntryKind::Folder, 0),
            tag => {
                let data = self.data(file)?;
                let kind = if is_system && tag.is_none() { self.interix(&data)? } else { EntryKind::File };
                (kind, if kind == EntryKind::File { data.size_bytes } else { 0 })
            }
        };
        Ok(Description { kind, size_bytes, times })
    }

    /// What a file of the system's is by its first bytes. (Interix made pipes and sockets of empty ones, which Windows takes
    /// for files; so are they here.)
    fn interix(&self, data: &Content) -> Result<EntryKind, ReadError> {
        let mut mark = [0; 8];
        if data.size_bytes < 8 || data.flags & (COMPRESSED | ENCRYPTED) != 0 {
            return Ok(EntryKind::File);
        }
        self.table.read_at(data, 0, &mut mark)?;
        Ok(match mark.as_slice() {
            INTERIX_LINK => EntryKind::Link,
            mark if INTERIX_DEVICES.contains(&mark) => EntryKind::Special,
            _ => EntryKind::File,
        })
    }

    /// The file that a folder's name is of; its own record must have the name too.
    fn named(&self, named: &Named) -> Result<Description, ReadError> {
        let file = self.table.file(named.reference)?;
        let names = file.residents(FILE_NAME)?;
        if !names.into_iter().filter_map(Name::parse).any(|name| name == named.name) {
            return Err(file.record.corrupt("a name that its file does not know"));
        }
        self.describe(&file)
    }

    fn list_into(&self, folder: &Entry, entries: &mut Vec<Entry>) -> Result<(), ReadError> {
        let own = reference(folder.node())?;
        let file = self.table.file(own)?;
        if let Some(tag) = self.reparse_tag(&file)?.filter(|tag| !reparse::may_hold(*tag)) {
            return Err(reparse::refusal(tag));
        }
        let (names, mut failure) = index::list(&self.table, &file)?;
        let mut seen = HashSet::new();
        for named in names {
            if number_of(named.reference) < FIRST_FILE {
                continue;
            }
            let name = wide_name::of_bytes(&named.name.units);
            let what = if !wide_name::is_possible(&name) {
                Some("a name that no file can have")
            } else if number_of(named.name.folder) != number_of(own) {
                Some("a name of another folder")
            } else if !seen.insert(name.clone()) {
                Some("two entries of one name")
            } else {
                None
            };
            if let Some(what) = what {
                failure.get_or_insert(ReadError::Corrupt { offset: 0, what });
                continue;
            }
            let node = Node::new(named.reference.to_le_bytes());
            entries.push(match self.named(&named) {
                Ok(file) => folder.child(&name, file.kind, file.size_bytes, file.times, node),
                Err(_) => folder.child(&name, EntryKind::Unreadable, 0, FileTimes::default(), node),
            });
        }
        failure.map_or(Ok(()), Err)
    }

    /// Every cluster of the content is in use.
    fn check_allocation(&self, content: &Content) -> Result<(), ReadError> {
        let Some(allocation) = &self.allocation else { return Ok(()) };
        let cluster = self.table.geometry.cluster_bytes;
        for (length, place) in content.extents.parts(0, u64::MAX) {
            let Some(place) = place else { continue };
            if !allocation.extents.are_set(self.table.image.as_ref(), place / cluster, length / cluster)? {
                return Err(ReadError::Corrupt { offset: place, what: "a file in a cluster that is free" });
            }
        }
        Ok(())
    }

    fn stream(&self, node: &Node) -> Result<Stream, ReadError> {
        let file = self.table.file(reference(node)?)?;
        if let Some(tag) = self.reparse_tag(&file)? {
            return Err(reparse::refusal(tag));
        }
        if file.record.is_folder() {
            return Err(ReadError::Unsupported { offset: 0, what: "reading what is not a regular file".to_owned() });
        }
        let data = self.data(&file)?;
        if data.flags & ENCRYPTED != 0 {
            return Err(ReadError::Encrypted { offset: 0, what: "EFS".to_owned() });
        }
        if let Some(resident) = data.resident {
            return Ok(Box::new(std::io::Cursor::new(resident)));
        }
        self.check_allocation(&data)?;
        let image = Arc::clone(&self.table.image);
        match data.flags & COMPRESSED {
            0 => Ok(Box::new(ExtentStream::new(image, data.extents, data.written_bytes, data.size_bytes)?)),
            1 => Ok(Box::new(CompressedStream::new(image, data, self.table.geometry.cluster_bytes)?)),
            method => {
                let what = format!("a file of NTFS compressed by method {method}");
                Err(ReadError::Unsupported { offset: 0, what })
            }
        }
    }
}

impl FileSystem for Ntfs {
    fn name(&self) -> Option<&'static str> {
        Some("ntfs")
    }

    fn journal(&self) -> Journal {
        self.journal
    }

    fn root(&self) -> Node {
        Node::new(ROOT.to_le_bytes())
    }

    fn list(&self, folder: &Entry) -> Listing {
        let mut entries = Vec::new();
        let listed = self.list_into(folder, &mut entries);
        if entries.len() > limits::FOLDER_ENTRIES {
            entries.truncate(limits::FOLDER_ENTRIES);
            return Listing { entries, error: Some(ReadError::Limit { offset: 0, what: "entries of one folder" }) };
        }
        Listing { entries, error: listed.err() }
    }

    fn open(&self, permit: Permit) -> Result<Opened, ReadError> {
        let stream = self.stream(permit.node())?;
        Ok(permit.opened(stream))
    }

    /// The stored image answers for everything in it.
    fn unchanged(&self) -> Result<(), Changed> {
        Ok(())
    }
}
