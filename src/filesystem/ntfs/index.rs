//! The index of a folder: a tree of names, its root in the folder's record, its blocks in clusters.
//!
//! A bitmap says which blocks are in use. The tree is walked, and the blocks that it reaches are held against the bitmap: a
//! block that lost the entry which led to it is seen by that.
//!
//! **Invariant:** every block is read once, so no tree is without an end; a block or an entry that cannot be what it says is
//! an error, and what stands in the others is still listed.

use std::collections::HashSet;

use super::super::field::{u8_at, u16_at, u32_at, u64_at};
use super::record::{BITMAP, FILE_NAME, INDEX_ALLOCATION, INDEX_ROOT, restore};
use super::table::{Content, File, Table};
use crate::limits;
use crate::read_error::ReadError;

/// `$I30`: the index by name.
const BY_NAME: &[u8] = b"$\0I\x003\x000\0";
/// Where the head of a node stands in the root and in a block.
const ROOT_HEAD: usize = 0x10;
const BLOCK_HEAD: usize = 0x18;
/// Flags of an entry.
const HAS_NODE: u16 = 1;
const IS_LAST: u16 = 2;
/// The name that only DOS sees, beside the one that everyone sees.
const DOS: u8 = 2;
/// The name that everyone sees, beside one for DOS.
const WINDOWS: u8 = 1;

/// A name, as an index or a file's record has it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// The folder that it is in.
    pub(super) folder: u64,
    space: u8,
    /// In UTF-16, as it stands there.
    pub(super) units: Vec<u8>,
}

/// A name in a folder, and the reference to what it is of.
pub(super) struct Named {
    pub(super) reference: u64,
    pub(super) name: Name,
}

impl Name {
    /// Out of the attribute that an index has as its key too.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let length = usize::from(u8_at(bytes, 0x40)?) * 2;
        let units = bytes.get(0x42..0x42 + length)?.to_vec();
        Some(Self { folder: u64_at(bytes, 0)?, space: u8_at(bytes, 0x41)?, units })
    }
}

const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

/// The tree of one folder while it is walked.
struct Tree<'t> {
    table: &'t Table,
    blocks: Option<Content>,
    block_bytes: u64,
    /// What the number of a block counts.
    unit_bytes: u64,
    /// Blocks that are still to be read, and those that the tree led to.
    open: Vec<u64>,
    reached: HashSet<u64>,
    names: Vec<Named>,
    failure: Option<ReadError>,
}

/// All names of a folder, without those that only DOS sees, and the first thing that is wrong.
pub(super) fn list(table: &Table, folder: &File) -> Result<(Vec<Named>, Option<ReadError>), ReadError> {
    let geometry = &table.geometry;
    let root = folder.content(geometry, INDEX_ROOT, BY_NAME)?.and_then(|root| root.resident);
    let root = root.ok_or(corrupt("a folder without an index"))?;
    let block_bytes = u32_at(&root, 8).map_or(0, u64::from);
    let is_sound = u32_at(&root, 0) == Some(FILE_NAME)
        && block_bytes.is_power_of_two()
        && (512..=limits::NTFS_RECORD_BYTES).contains(&block_bytes);
    if !is_sound {
        return Err(corrupt("the root of an index"));
    }
    let blocks = folder.content(geometry, INDEX_ALLOCATION, BY_NAME)?;
    if blocks.as_ref().is_some_and(|blocks| blocks.size_bytes > limits::NTFS_FOLDER_BYTES) {
        return Err(ReadError::Limit { offset: 0, what: "bytes of one folder" });
    }
    let unit_bytes = if geometry.cluster_bytes <= block_bytes { geometry.cluster_bytes } else { 512 };
    let mut tree = Tree {
        table,
        blocks,
        block_bytes,
        unit_bytes,
        open: Vec::new(),
        reached: HashSet::new(),
        names: Vec::new(),
        failure: None,
    };
    let listed = tree.node(root.get(ROOT_HEAD..).unwrap_or_default());
    tree.note(listed);
    while let Some(number) = tree.open.pop() {
        let listed = tree.block(number);
        tree.note(listed);
    }
    let unreached = tree.against_bitmap(folder);
    tree.note(unreached);
    let paired = tree.without_dos_names();
    tree.note(paired);
    Ok((tree.names, tree.failure))
}

impl Tree<'_> {
    fn note(&mut self, result: Result<(), ReadError>) {
        if let Err(error) = result {
            self.failure.get_or_insert(error);
        }
    }

    /// The block of that number, which is read once.
    fn block(&mut self, number: u64) -> Result<(), ReadError> {
        let blocks = self.blocks.as_ref().ok_or(corrupt("an index without its blocks"))?;
        let outside = corrupt("a block outside its index");
        let Some(offset) = number.checked_mul(self.unit_bytes).filter(|at| at.is_multiple_of(self.block_bytes)) else {
            return Err(outside);
        };
        if !self.reached.insert(offset / self.block_bytes) {
            return Err(corrupt("a block of an index to which two entries lead"));
        }
        let mut bytes = vec![0; usize::try_from(self.block_bytes).unwrap_or(0)];
        self.table.read_at(blocks, offset, &mut bytes)?;
        let place = blocks.extents.parts(offset, 1).next().and_then(|(_, place)| place);
        restore(&mut bytes, b"INDX", place.unwrap_or(0))?;
        if u64_at(&bytes, 0x10) != Some(number) {
            return Err(corrupt("a block of an index with the number of another one"));
        }
        self.node(bytes.get(BLOCK_HEAD..).unwrap_or_default())
    }

    /// The entries behind a node's head, the last of which has no name.
    fn node(&mut self, bytes: &[u8]) -> Result<(), ReadError> {
        let bad = || corrupt("an entry of an index");
        let word = |at| u32_at(bytes, at).and_then(|value| usize::try_from(value).ok()).ok_or_else(bad);
        let (start, end) = (word(0)?, word(4)?);
        let mut rest = bytes.get(start..end).ok_or_else(bad)?;
        loop {
            let length = usize::from(u16_at(rest, 8).ok_or_else(bad)?);
            let flags = u16_at(rest, 12).ok_or_else(bad)?;
            if length < 0x10 || !length.is_multiple_of(8) {
                return Err(bad());
            }
            let (own, behind) = rest.split_at_checked(length).ok_or_else(bad)?;
            if flags & HAS_NODE != 0 {
                self.open.push(length.checked_sub(8).and_then(|at| u64_at(own, at)).ok_or_else(bad)?);
            }
            if flags & IS_LAST != 0 {
                return if behind.is_empty() { Ok(()) } else { Err(bad()) };
            }
            let key = usize::from(u16_at(own, 10).ok_or_else(bad)?);
            let name = own.get(0x10..0x10 + key).and_then(Name::parse).ok_or_else(bad)?;
            if self.names.len() >= limits::FOLDER_ENTRIES.saturating_mul(2) {
                return Err(ReadError::Limit { offset: 0, what: "entries of one folder" });
            }
            self.names.push(Named { reference: u64_at(own, 0).ok_or_else(bad)?, name });
            rest = behind;
        }
    }

    /// The blocks that are in use are those that the tree reached.
    fn against_bitmap(&self, folder: &File) -> Result<(), ReadError> {
        let Some(blocks) = &self.blocks else { return Ok(()) };
        let bitmap = folder.content(&self.table.geometry, BITMAP, BY_NAME)?;
        let bitmap = bitmap.ok_or(corrupt("an index without its bitmap"))?;
        let bits = self.table.whole(&bitmap, limits::NTFS_FOLDER_BYTES / 512 / 8)?;
        for block in 0..blocks.size_bytes / self.block_bytes {
            let byte = usize::try_from(block / 8).ok().and_then(|at| bits.get(at));
            let is_used = byte.is_some_and(|byte| byte >> (block % 8) & 1 != 0);
            if is_used != self.reached.contains(&block) {
                return Err(corrupt("the blocks of an index are not those that its bitmap states"));
            }
        }
        Ok(())
    }

    /// A name for DOS stands beside one for everyone; alone it is what is left of two.
    fn without_dos_names(&mut self) -> Result<(), ReadError> {
        let beside: HashSet<u64> =
            self.names.iter().filter(|named| named.name.space == WINDOWS).map(|named| named.reference).collect();
        let before = self.names.len();
        let is_paired = self.names.iter().all(|named| named.name.space != DOS || beside.contains(&named.reference));
        self.names.retain(|named| named.name.space != DOS);
        let dos = before - self.names.len();
        let is_whole = is_paired && dos == beside.len();
        if is_whole { Ok(()) } else { Err(corrupt("a folder that lost one of the two names of a file")) }
    }
}
