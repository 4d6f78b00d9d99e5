//! Folders: their names, in the order in which they were made.
//!
//! Every name stands in a folder twice: by its number (`DIR_INDEX`), by which the kernel lists, and by its hash (`DIR_ITEM`),
//! by which it looks names up. The folder's own size is twice the length of its names. Where the names that were listed do
//! not add up to it, the two are held against one another.
//!
//! **Invariant:** a name that one of the two has and the other has not is damage, and is said beside what was listed.

use std::collections::HashSet;

use super::field::{u8_at, u16_at};
use super::tree::{Cursor, Key, Tree, kind};
use crate::limits;
use crate::read_error::ReadError;

/// The head of a name: the key of what it stands for, a transaction, the length of its data and its own, a kind.
pub(super) const HEAD_BYTES: usize = 30;
const NAME_BYTES: usize = 255;

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// The inode or the subvolume that it stands for.
    pub(super) target: Key,
    /// Its place among the names.
    pub(super) index: u64,
    pub(super) bytes: Vec<u8>,
    /// What it stands for, by the kernel's numbers.
    pub(super) kind: u8,
}

const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

/// The names of one item: one in a `DIR_INDEX`, those of one hash in a `DIR_ITEM`.
pub(super) fn names(key: Key, data: &[u8]) -> Result<Vec<Name>, ReadError> {
    let mut names = Vec::new();
    let mut rest = data;
    while !rest.is_empty() {
        let damaged = corrupt("an entry of a folder");
        let Some((head, behind)) = rest.split_at_checked(HEAD_BYTES) else { return Err(damaged) };
        let (extra, length) = (usize::from(u16_at(head, 25)), usize::from(u16_at(head, 27)));
        let Some((name, behind)) = behind.split_at_checked(length) else { return Err(damaged) };
        if extra != 0 || length > NAME_BYTES {
            return Err(damaged);
        }
        if name.is_empty() || name.contains(&b'/') || name.contains(&0) || name == b"." || name == b".." {
            return Err(corrupt("a name that no file can have"));
        }
        names.push(Name {
            target: Key::parse(head, 0),
            index: key.offset,
            bytes: name.to_vec(),
            kind: u8_at(head, 29),
        });
        rest = behind;
    }
    Ok(names)
}

/// Shows each name of a folder; what could be shown was shown before an error is given.
pub(super) fn list(
    tree: &Tree,
    folder: u64,
    size_bytes: u64,
    visit: &mut dyn FnMut(Name) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut failure = None;
    let mut seen = HashSet::new();
    let mut length: u64 = 0;
    let mut items = tree.all(folder, kind::DIR_INDEX);
    while let Some(item) = items.next()? {
        let found = names(item.key, item.data()).and_then(|mut names| match (names.pop(), names.is_empty()) {
            (Some(name), true) => Ok(name),
            _ => Err(corrupt("an entry of a folder")),
        });
        match found {
            Ok(name) if seen.len() >= limits::FOLDER_ENTRIES => {
                drop(name);
                return Err(ReadError::Limit { offset: 0, what: "entries of one folder" });
            }
            Ok(name) if seen.insert(name.bytes.clone()) => {
                length = length.saturating_add(u64::try_from(name.bytes.len()).unwrap_or(0));
                visit(name)?;
            }
            Ok(_) => failure = failure.or(Some(corrupt("a name that stands twice in a folder"))),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    if length.saturating_mul(2) != size_bytes {
        // The size alone may be wrong: kernels before 4.4 miscounted it.
        same_by_hash(&mut tree.all(folder, kind::DIR_ITEM), &seen)?;
    }
    failure.map_or(Ok(()), Err)
}

fn same_by_hash(items: &mut Cursor, seen: &HashSet<Vec<u8>>) -> Result<(), ReadError> {
    let mut count = 0_usize;
    while let Some(item) = items.next()? {
        for name in names(item.key, item.data())? {
            if !seen.contains(&name.bytes) {
                return Err(corrupt("a name of a folder that its list has not"));
            }
            count += 1;
        }
    }
    if count == seen.len() { Ok(()) } else { Err(corrupt("a listed name that its folder does not know")) }
}
