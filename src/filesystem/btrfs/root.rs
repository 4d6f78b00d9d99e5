//! Subvolumes: the tree of a number, the default one, the one at a path, and where each hangs.
//!
//! **Invariant:** a subvolume that was deleted is never read; one that is not under the name that leads to it is an empty
//! folder, as the kernel shows it.

use super::block::Item;
use super::directory;
use super::field::{u8_at, u16_at, u32_at, u64_at};
use super::inode::Inode;
use super::superblock::RootPointer;
use super::tree::{Key, Tree, is_subvolume, kind, object};
use crate::read_error::ReadError;

/// The shortest `ROOT_ITEM`, of kernels before 3.6.
const ROOT_BYTES: usize = 239;
/// The head of a `ROOT_REF`.
const REFERENCE_BYTES: usize = 18;

const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

/// Where the root of a tree is; none where there is no such tree, or it was deleted.
pub(super) fn pointer(roots: &Tree, number: u64) -> Result<Option<RootPointer>, ReadError> {
    let found = roots.last_stored(Key::new(number, kind::ROOT, u64::MAX))?;
    let Some(item) = found.filter(|item| item.key.object == number && item.key.kind == kind::ROOT) else {
        return Ok(None);
    };
    let pointer = described(&item)?;
    let data = item.data();
    if u32_at(data, 216) == 0 {
        return Ok(None);
    }
    if is_subvolume(number) && u64_at(data, 168) != object::FIRST_FREE {
        return Err(corrupt("a subvolume's first folder"));
    }
    Ok(Some(pointer))
}

/// Where the root is of the tree that a `ROOT_ITEM` describes.
pub(super) fn described(item: &Item) -> Result<RootPointer, ReadError> {
    let data = item.data();
    if data.len() < ROOT_BYTES {
        return Err(corrupt("the description of a tree"));
    }
    Ok(RootPointer { at: u64_at(data, 176), level: u8_at(data, 238), generation: u64_at(data, 160) })
}

/// A tree that must be there.
pub(super) fn tree(roots: &Tree, number: u64) -> Result<Tree, ReadError> {
    let root = pointer(roots, number)?.ok_or(corrupt("a tree that is not there"))?;
    Ok(Tree::new(roots.blocks.clone(), number, root))
}

/// The subvolume that a mount shows where none is named.
pub(super) fn default(roots: &Tree) -> Result<u64, ReadError> {
    const NAME: &[u8] = b"default";
    let key = Key::new(object::ROOT_TREE_FOLDER, kind::DIR_ITEM, super::checksum::name_hash(NAME));
    let Some(item) = roots.item(key)? else { return Ok(object::TOP_LEVEL) };
    let name = directory::names(item.key, item.data())?.into_iter().find(|name| name.bytes == NAME);
    let target = name.map(|name| name.target);
    let target = target.filter(|target| target.kind == kind::ROOT && is_subvolume(target.object));
    target.map(|target| target.object).ok_or(corrupt("the name of the default subvolume"))
}

/// A subvolume hangs under this name of that folder, and nowhere else (`ROOT_REF`).
pub(super) fn hangs(roots: &Tree, parent: u64, child: u64, folder: u64, name: &[u8]) -> Result<bool, ReadError> {
    let Some(item) = roots.item(Key::new(parent, kind::ROOT_REF, child))? else { return Ok(false) };
    let Some((head, behind)) = item.data().split_at_checked(REFERENCE_BYTES) else {
        return Err(corrupt("where a subvolume hangs"));
    };
    let length = usize::from(u16_at(head, 16));
    Ok(u64_at(head, 0) == folder && behind.get(..length) == Some(name))
}

/// The subvolume at a path below the top-level one; `open` gives the tree of a number.
pub(super) fn at_path(
    roots: &Tree,
    path: &[u8],
    open: &dyn Fn(u64) -> Result<Tree, ReadError>,
) -> Result<u64, ReadError> {
    let missing = || {
        let what = "a subvolume at the path that the provider names: it is not in the file system".to_owned();
        ReadError::Unsupported { offset: 0, what }
    };
    let mut at = (object::TOP_LEVEL, object::FIRST_FREE);
    for part in path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
        let tree = open(at.0)?;
        let size_bytes = Inode::read(&tree, at.1)?.size_bytes;
        let mut found = None;
        directory::list(&tree, at.1, size_bytes, &mut |name| {
            if name.bytes == part {
                found = Some(name.target);
            }
            Ok(())
        })?;
        let target = found.ok_or_else(missing)?;
        at = match target.kind {
            kind::ROOT if hangs(roots, at.0, target.object, at.1, part)? => (target.object, object::FIRST_FREE),
            kind::INODE => (at.0, target.object),
            _ => return Err(missing()),
        };
        if target.kind == kind::INODE && !matches!(Inode::read(&tree, at.1)?.kind, crate::scope::EntryKind::Folder) {
            return Err(missing());
        }
    }
    if at.1 == object::FIRST_FREE { Ok(at.0) } else { Err(missing()) }
}
