//! Names of a log: what folders list, and what inodes say leads to them.
//!
//! **Invariant:** a name is put in and taken out at all three of its places at once: by its number and by its hash in the
//! folder, and at the inode; where one of them is missing the log is not replayed.

use super::super::block::Item;
use super::super::checksum::{name_hash, reference_hash};
use super::super::corrupt;
use super::super::directory::{HEAD_BYTES, Name, names};
use super::super::field::u64_at;
use super::super::tree::{Key, Tree, kind};
use super::reference::{Reference, parse, written};
use super::{Replay, SIZE_AT, set, stated_kind};
use crate::read_error::ReadError;

/// Where the names of an inode in a folder may stand.
fn places(number: u64, folder: u64, name: &[u8]) -> [Key; 2] {
    [Key::new(number, kind::INODE_REF, folder), Key::new(number, kind::INODE_EXTREF, reference_hash(folder, name))]
}

fn references_of(item: &Item) -> Result<Vec<Reference>, ReadError> {
    parse(item.key.kind, item.key.offset, item.data())
}

/// A name in a folder, as it stands on the disk.
fn entry(target: Key, kind: u8, name: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; HEAD_BYTES];
    set(&mut bytes, 0, &target.object.to_le_bytes());
    set(&mut bytes, 8, &[target.kind]);
    set(&mut bytes, 9, &target.offset.to_le_bytes());
    set(&mut bytes, 27, &u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
    set(&mut bytes, 29, &[kind]);
    bytes.extend_from_slice(name);
    bytes
}

/// The log itself says that this name leads to the inode.
fn is_logged(log: &Tree, at: Key, folder: u64, name: &[u8]) -> Result<bool, ReadError> {
    let Some(item) = log.item(at)? else { return Ok(false) };
    Ok(references_of(&item)?.iter().any(|logged| logged.folder == folder && logged.name == name))
}

impl Replay {
    /// The second pass: a name that a folder lists.
    pub(super) fn listed_name(&mut self, item: &Item) -> Result<(), ReadError> {
        let (folder, index) = (item.key.object, item.key.offset);
        let logged = names(item.key, item.data())?;
        let [name] = logged.as_slice() else { return Err(corrupt("an entry of a folder")) };
        if !self.is_there(folder)? {
            return Err(corrupt("a log that names an inode that is not there"));
        }
        let exists = name.target.kind == kind::INODE && self.is_there(name.target.object)?;
        let mut same = 0;
        for by_hash in [true, false] {
            let found =
                if by_hash { self.by_hash(folder, &name.bytes)? } else { self.by_index(folder, index, &name.bytes)? };
            match found {
                Some(found) if found.target == name.target && found.kind == name.kind => same += 1,
                Some(found) if exists => self.drop_name(folder, &found)?,
                _ => {}
            }
        }
        let number = name.target.object;
        if same == 2 || !exists {
            return Ok(());
        }
        for place in places(number, folder, &name.bytes) {
            // The third pass puts it in.
            if is_logged(&self.log, place, folder, &name.bytes)? {
                return Ok(());
            }
        }
        if self.by_hash(folder, &name.bytes)?.is_some() {
            return Ok(());
        }
        let reference = Reference { folder, index, name: name.bytes.clone() };
        self.link(number, &reference)?;
        let key = Key::new(number, kind::INODE_REF, folder);
        let mut references = self.references_at(key)?;
        references.push(reference);
        self.put(key, Some(written(key.kind, &references)))?;
        self.touched.insert(number);
        Ok(())
    }

    /// The third pass: the names of an inode, which replace those that it had in the same folder.
    pub(super) fn references(&mut self, item: &Item) -> Result<(), ReadError> {
        let number = item.key.object;
        let logged = references_of(item)?;
        for reference in &logged {
            // Not every folder above was logged: the name is left out then, and the rest with it.
            if !self.is_there(reference.folder)? {
                return Ok(());
            }
            if !self.is_there(number)? {
                return Err(corrupt("a log that names an inode that is not there"));
            }
            if reference.folder == number {
                // The first folder of a subvolume.
                return Ok(());
            }
            if self.leads(number, reference)? {
                continue;
            }
            self.make_way(number, reference)?;
            let at = Key {
                offset: if item.key.kind == kind::INODE_REF { reference.folder } else { item.key.offset },
                ..item.key
            };
            if self.references_at(at)?.iter().any(|old| old.folder == reference.folder && old.name == reference.name) {
                self.unlink(number, reference.folder, &reference.name)?;
            }
            if let Some(other) = self.by_hash(reference.folder, &reference.name)? {
                self.drop_name(reference.folder, &other)?;
            }
            self.link(number, reference)?;
        }
        for old in self.references_at(item.key)? {
            if !logged.iter().any(|logged| logged.folder == old.folder && logged.name == old.name) {
                self.unlink(number, old.folder, &old.name)?;
            }
        }
        self.put(item.key, Some(item.data().to_vec()))
    }

    /// The folder has this name under this number, and it leads to the inode.
    fn leads(&self, number: u64, reference: &Reference) -> Result<bool, ReadError> {
        let leads = |name: Option<Name>| name.is_some_and(|name| name.target.object == number);
        Ok(leads(self.by_index(reference.folder, reference.index, &reference.name)?)
            && leads(self.by_hash(reference.folder, &reference.name)?))
    }

    /// Unlinks what stands in the way of a name: other names of the inode in the same folder that the log does not have,
    /// and the same name or number of another inode.
    fn make_way(&mut self, number: u64, reference: &Reference) -> Result<(), ReadError> {
        let folder = reference.folder;
        for place in places(number, folder, &reference.name) {
            for old in self.references_at(place)? {
                let [_, extended] = places(number, folder, &old.name);
                let at = if place.kind == kind::INODE_REF { place } else { extended };
                if old.folder == folder && !is_logged(&self.log, at, folder, &old.name)? {
                    self.unlink(number, folder, &old.name)?;
                }
            }
        }
        if let Some(name) = self.by_index(folder, reference.index, &reference.name)? {
            self.drop_name(folder, &name)?;
        }
        if let Some(name) = self.by_hash(folder, &reference.name)? {
            self.drop_name(folder, &name)?;
        }
        Ok(())
    }

    /// Unlinks a name that a folder has.
    pub(super) fn drop_name(&mut self, folder: u64, name: &Name) -> Result<(), ReadError> {
        if name.target.kind != kind::INODE {
            return Err(corrupt("a log that unlinks a subvolume"));
        }
        self.unlink(name.target.object, folder, &name.bytes)
    }

    fn references_at(&self, key: Key) -> Result<Vec<Reference>, ReadError> {
        self.get(key)?.map_or(Ok(Vec::new()), |item| references_of(&item))
    }

    /// The name in a folder, by its hash.
    fn by_hash(&self, folder: u64, name: &[u8]) -> Result<Option<Name>, ReadError> {
        self.named(Key::new(folder, kind::DIR_ITEM, name_hash(name)), name)
    }

    /// The name in a folder, by its number.
    fn by_index(&self, folder: u64, index: u64, name: &[u8]) -> Result<Option<Name>, ReadError> {
        self.named(Key::new(folder, kind::DIR_INDEX, index), name)
    }

    fn named(&self, key: Key, name: &[u8]) -> Result<Option<Name>, ReadError> {
        let Some(item) = self.get(key)? else { return Ok(None) };
        Ok(names(key, item.data())?.into_iter().find(|found| found.bytes == name))
    }

    /// Takes a name out of its folder and of its inode.
    fn unlink(&mut self, number: u64, folder: u64, name: &[u8]) -> Result<(), ReadError> {
        let missing = corrupt("a log that unlinks what is not there");
        let mut index = None;
        for place in places(number, folder, name) {
            let (gone, kept): (Vec<_>, Vec<_>) =
                self.references_at(place)?.into_iter().partition(|old| old.folder == folder && old.name == name);
            if let Some(gone) = gone.first() {
                index = Some(gone.index);
                self.put(place, (!kept.is_empty()).then(|| written(place.kind, &kept)))?;
                break;
            }
        }
        let Some(index) = index else { return Err(missing) };
        let by_hash = Key::new(folder, kind::DIR_ITEM, name_hash(name));
        let by_index = Key::new(folder, kind::DIR_INDEX, index);
        if self.named(by_index, name)?.is_none() {
            return Err(missing);
        }
        self.put(by_index, None)?;
        let entries = self.get(by_hash)?.map_or(Ok(Vec::new()), |item| names(by_hash, item.data()))?;
        let (gone, kept): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.bytes == name);
        if gone.len() != 1 {
            return Err(missing);
        }
        let kept: Vec<u8> = kept.iter().flat_map(|kept| entry(kept.target, kept.kind, &kept.bytes)).collect();
        self.put(by_hash, (!kept.is_empty()).then_some(kept))?;
        self.resize(folder, name.len(), false)?;
        self.touched.insert(number);
        Ok(())
    }

    /// Puts a name into its folder, where it must not be yet.
    fn link(&mut self, number: u64, reference: &Reference) -> Result<(), ReadError> {
        let inode = self.inode_bytes(number)?.ok_or(corrupt("a log that names an inode that is not there"))?;
        let (folder, name) = (reference.folder, reference.name.as_slice());
        let by_index = Key::new(folder, kind::DIR_INDEX, reference.index);
        if self.get(by_index)?.is_some() || self.by_hash(folder, name)?.is_some() {
            return Err(corrupt("a log that gives a place in a folder twice"));
        }
        let new = entry(Key::new(number, kind::INODE, 0), stated_kind(&inode), name);
        let by_hash = Key::new(folder, kind::DIR_ITEM, name_hash(name));
        let mut same_hash = self.get(by_hash)?.map_or(Vec::new(), |item| item.data().to_vec());
        same_hash.extend_from_slice(&new);
        self.put(by_hash, Some(same_hash))?;
        self.put(by_index, Some(new))?;
        self.resize(folder, name.len(), true)
    }

    /// A folder's size is twice the length of its names.
    fn resize(&mut self, folder: u64, length: usize, is_more: bool) -> Result<(), ReadError> {
        let change = u64::try_from(length).unwrap_or(0).saturating_mul(2);
        self.change_inode(folder, |bytes| {
            let size = u64_at(bytes, SIZE_AT);
            let size = if is_more { size.saturating_add(change) } else { size.saturating_sub(change) };
            set(bytes, SIZE_AT, &size.to_le_bytes());
        })
    }

    /// How many names lead to an inode.
    pub(super) fn count_references(&self, number: u64) -> Result<usize, ReadError> {
        let mut count = 0_usize;
        for item_kind in [kind::INODE_REF, kind::INODE_EXTREF] {
            let mut items = self.view().all(number, item_kind);
            while let Some(item) = items.next()? {
                count = count.saturating_add(references_of(&item)?.len());
            }
        }
        Ok(count)
    }
}
