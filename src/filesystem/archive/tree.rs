//! The tree that the members' paths make, held compactly.
//!
//! **Invariant:** a name is one component, without `/` and never `.` or `..`.

use std::collections::HashMap;

use super::again;
use crate::limits;
use crate::read_error::ReadError;
use crate::scope::EntryKind;

/// No item.
const NONE: u32 = u32::MAX;

/// A place in the tree.
#[derive(Clone, Copy)]
pub(super) struct Item {
    pub(super) kind: EntryKind,
    /// The member that states it; none for a folder that is made up.
    pub(super) member: Option<u32>,
    name: (u32, u32),
    first: u32,
    next: u32,
    /// A member below it was replaced by a later one.
    has_replaced: bool,
}

/// Every item, the root first.
pub(super) struct Tree {
    names: Vec<u8>,
    items: Vec<Item>,
    /// Why not all members are here.
    failure: Option<ReadError>,
}

/// A tree that is being made.
pub(super) struct Growing {
    tree: Tree,
    known: HashMap<(u32, Box<[u8]>), u32>,
}

fn item(kind: EntryKind, name: (u32, u32), next: u32) -> Item {
    Item { kind, member: None, name, first: NONE, next, has_replaced: false }
}

impl Growing {
    /// The root alone.
    pub(super) fn new() -> Self {
        let tree = Tree { names: Vec::new(), items: vec![item(EntryKind::Folder, (0, 0), NONE)], failure: None };
        Self { tree, known: HashMap::new() }
    }

    /// Done.
    pub(super) fn finish(mut self, failure: Option<ReadError>) -> Tree {
        self.tree.failure = failure;
        self.tree
    }

    /// Puts a member at its path.
    pub(super) fn put(&mut self, path: &[u8], kind: EntryKind, member: u32) -> Result<(), ReadError> {
        let limit = |what| ReadError::Limit { offset: 0, what };
        let (parts, is_safe) = components(path);
        let kind = if is_safe { kind } else { EntryKind::Unreadable };
        if parts.len() > limits::FOLDER_DEPTH {
            return Err(limit("how deep folders are nested"));
        }
        let Some((last, above)) = parts.split_last() else {
            // The root is stated by `./`; anything else there has no name.
            return if kind == EntryKind::Folder {
                Ok(())
            } else {
                Err(ReadError::Corrupt { offset: 0, what: "a member without a name" })
            };
        };
        let mut folder = 0;
        for part in above {
            let child = self.child(folder, part, EntryKind::Folder)?;
            if self.kind(child) != Some(EntryKind::Folder) {
                self.replace(folder, child, EntryKind::Folder, None);
            }
            folder = child;
        }
        let count = self.tree.items.len();
        let child = self.child(folder, last, kind)?;
        let is_new = self.tree.items.len() > count;
        let Some(found) = self.tree.items.get_mut(child as usize) else { return Ok(()) };
        if is_new || (found.kind == EntryKind::Folder && kind == EntryKind::Folder) {
            found.member = Some(member);
        } else if found.kind == EntryKind::Folder && found.first != NONE {
            // A folder that holds something is not replaced by what is none, as with unpacking.
            self.mark(folder);
        } else {
            self.replace(folder, child, kind, Some(member));
        }
        Ok(())
    }

    /// The item at a path, where a member stands: for hard links.
    pub(super) fn at(&self, path: &[u8]) -> Option<Item> {
        let (parts, is_safe) = components(path);
        let mut at = 0;
        for part in parts {
            at = *self.known.get(&(at, part.into_boxed_slice()))?;
        }
        is_safe.then(|| self.tree.item(at)).flatten()
    }

    fn kind(&self, at: u32) -> Option<EntryKind> {
        self.tree.item(at).map(|item| item.kind)
    }

    fn mark(&mut self, folder: u32) {
        if let Some(folder) = self.tree.items.get_mut(folder as usize) {
            folder.has_replaced = true;
        }
    }

    fn replace(&mut self, folder: u32, child: u32, kind: EntryKind, member: Option<u32>) {
        self.mark(folder);
        if let Some(item) = self.tree.items.get_mut(child as usize) {
            (item.kind, item.member) = (kind, member);
        }
    }

    /// The item of a name in a folder, made where there is none.
    fn child(&mut self, folder: u32, name: &[u8], kind: EntryKind) -> Result<u32, ReadError> {
        if let Some(&child) = self.known.get(&(folder, name.into())) {
            return Ok(child);
        }
        let limit = |what| ReadError::Limit { offset: 0, what };
        let tree = &mut self.tree;
        if tree.items.len() >= limits::ARCHIVE_MEMBERS {
            return Err(limit("members of one archive"));
        }
        if tree.names.len() + name.len() > limits::ARCHIVE_NAME_BYTES {
            return Err(limit("names of one archive"));
        }
        let number = u32::try_from(tree.items.len()).unwrap_or(NONE);
        let place = (u32::try_from(tree.names.len()).unwrap_or(0), u32::try_from(name.len()).unwrap_or(0));
        tree.names.extend_from_slice(name);
        let next =
            tree.items.get_mut(folder as usize).map_or(NONE, |above| std::mem::replace(&mut above.first, number));
        tree.items.push(item(kind, place, next));
        self.known.insert((folder, name.into()), number);
        Ok(number)
    }
}

/// A path's components, and whether they are as stored.
fn components(path: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut is_safe = true;
    let mut parts = Vec::new();
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                is_safe = false;
                parts.push(b"%2E%2E".to_vec());
            }
            part if part.contains(&0) => {
                is_safe = false;
                let pieces: Vec<&[u8]> = part.split(|&byte| byte == 0).collect();
                parts.push(pieces.join(b"%00".as_slice()));
            }
            part => parts.push(part.to_vec()),
        }
    }
    (parts, is_safe)
}

impl Tree {
    /// An item by its number.
    pub(super) fn item(&self, at: u32) -> Option<Item> {
        self.items.get(at as usize).copied()
    }

    /// What is in a folder: each item's number and name.
    pub(super) fn children(&self, folder: u32) -> impl Iterator<Item = (u32, &[u8], Item)> {
        let first = self.item(folder).map_or(NONE, |folder| folder.first);
        let numbers = std::iter::successors(Some(first), |&at| self.item(at).map(|item| item.next));
        numbers.map_while(|at| {
            let item = self.item(at)?;
            let (start, length) = (item.name.0 as usize, item.name.1 as usize);
            Some((at, self.names.get(start..start + length).unwrap_or_default(), item))
        })
    }

    /// Why a folder's listing is not all there was.
    pub(super) fn failure_at(&self, folder: u32) -> Option<ReadError> {
        let has_replaced = self.item(folder).is_some_and(|folder| folder.has_replaced);
        let replaced = || {
            let what = "an earlier member of an archive whose path a later one has again".to_owned();
            ReadError::Unsupported { offset: 0, what }
        };
        self.failure.as_ref().map(again).or_else(|| has_replaced.then(replaced))
    }
}
