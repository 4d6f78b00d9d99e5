//! Inodes and folders.
//!
//! **Invariant:** a listing accounts for every byte of a folder; a name that no file can have is damage.

use super::superblock::{u16_at, u32_at, u64_at};
use super::table::{Cursor, Store};
use crate::clock::Timestamp;
use crate::read_error::ReadError;
use crate::scope::{EntryKind, FileTime, FileTimes};

/// A file that has no tail in a fragment.
pub(super) const NO_FRAGMENT: u32 = u32::MAX;

/// Where a regular file's content stands.
pub(super) struct Content {
    pub(super) size_bytes: u64,
    /// The first block's offset in the image.
    pub(super) start: u64,
    pub(super) fragment: u32,
    pub(super) within_fragment: u32,
    /// Where the lengths of its blocks stand.
    pub(super) lengths: Cursor,
}

/// Where a folder's entries stand.
pub(super) struct Folder {
    /// Three more than its entries take, as the format has it.
    size_bytes: u32,
    block: u32,
    within: u16,
}

/// What an inode is.
pub(super) enum Body {
    File(Content),
    Folder(Folder),
    Link,
    Special,
}

/// An inode.
pub(super) struct Inode {
    pub(super) times: FileTimes,
    pub(super) body: Body,
}

const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

impl Inode {
    /// Reads the inode of a reference.
    pub(super) fn read(store: &Store, reference: u64) -> Result<Self, ReadError> {
        let mut cursor = store.inode_at(reference)?;
        let mut head = [0; 16];
        store.read(&mut cursor, &mut head)?;
        let modified = Timestamp::new(i64::from(u32_at(&head, 8)), 0).map(FileTime::at);
        let times = FileTimes { modified, ..FileTimes::default() };
        let mut take = |length: usize| {
            let mut bytes = [0; 40];
            store.read(&mut cursor, bytes.get_mut(..length).unwrap_or_default())?;
            Ok::<_, ReadError>((bytes, cursor))
        };
        let body = match u16_at(&head, 0) {
            1 => {
                let (b, _) = take(16)?;
                let (block, within) = (u32_at(&b, 0), u16_at(&b, 10));
                Body::Folder(Folder { size_bytes: u32::from(u16_at(&b, 8)), block, within })
            }
            8 => {
                let (b, _) = take(24)?;
                Body::Folder(Folder { size_bytes: u32_at(&b, 4), block: u32_at(&b, 8), within: u16_at(&b, 18) })
            }
            2 => {
                let (b, lengths) = take(16)?;
                Body::File(Content {
                    size_bytes: u64::from(u32_at(&b, 12)),
                    start: u64::from(u32_at(&b, 0)),
                    fragment: u32_at(&b, 4),
                    within_fragment: u32_at(&b, 8),
                    lengths,
                })
            }
            9 => {
                let (b, lengths) = take(40)?;
                Body::File(Content {
                    size_bytes: u64_at(&b, 8),
                    start: u64_at(&b, 0),
                    fragment: u32_at(&b, 28),
                    within_fragment: u32_at(&b, 32),
                    lengths,
                })
            }
            3 | 10 => Body::Link,
            4..=7 | 11..=14 => Body::Special,
            _ => return Err(corrupt("an inode of no known kind")),
        };
        Ok(Self { times, body })
    }

    /// Its kind and, of a regular file, its size.
    pub(super) fn kind(&self) -> (EntryKind, u64) {
        match &self.body {
            Body::File(content) => (EntryKind::File, content.size_bytes),
            Body::Folder(_) => (EntryKind::Folder, 0),
            Body::Link => (EntryKind::Link, 0),
            Body::Special => (EntryKind::Special, 0),
        }
    }
}

/// A name in a folder.
pub(super) struct Name {
    pub(super) bytes: Vec<u8>,
    pub(super) reference: u64,
    /// A folder, by its entry.
    pub(super) is_folder: bool,
    /// Which of the folder's entries it is, from 0.
    pub(super) place: u64,
}

/// Shows each name.
pub(super) fn list(
    store: &Store,
    folder: &Folder,
    visit: &mut dyn FnMut(Name) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let Some(mut left) = folder.size_bytes.checked_sub(3) else { return Err(corrupt("the size of a folder")) };
    if left == 0 {
        return Ok(());
    }
    let mut cursor = store.folder_at(folder.block, folder.within)?;
    let mut place = 0;
    while left > 0 {
        let mut head = [0; 12];
        left = left.checked_sub(12).ok_or(corrupt("a folder that ends early"))?;
        store.read(&mut cursor, &mut head)?;
        let (count, block) = (u32_at(&head, 0), u32_at(&head, 4));
        if count > 255 {
            return Err(corrupt("a run of a folder's entries"));
        }
        for _ in 0..=count {
            let mut row = [0; 8];
            store.read(&mut cursor, &mut row)?;
            let length = u32::from(u16_at(&row, 6)) + 1;
            left = left.checked_sub(8 + length).ok_or(corrupt("a folder that ends early"))?;
            if length > 256 {
                return Err(corrupt("a name that is too long"));
            }
            let mut bytes = vec![0; length as usize];
            store.read(&mut cursor, &mut bytes)?;
            if bytes.contains(&b'/') || bytes.contains(&0) || bytes == b"." || bytes == b".." {
                return Err(corrupt("a name that no file can have"));
            }
            let reference = u64::from(block) << 16 | u64::from(u16_at(&row, 0));
            visit(Name { bytes, reference, is_folder: u16_at(&row, 4) == 1, place })?;
            place += 1;
        }
    }
    Ok(())
}
