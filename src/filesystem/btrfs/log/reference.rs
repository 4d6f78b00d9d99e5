//! The names that an inode says lead to it: `INODE_REF` for each folder, `INODE_EXTREF` where that one is full.
//!
//! **Invariant:** an item is read whole or is damage.

use super::super::corrupt;
use super::super::field::{u16_at, u64_at};
use super::super::tree::kind;
use crate::read_error::ReadError;

/// The head of an entry, without and with the folder.
const HEAD_BYTES: usize = 10;
const EXTENDED_HEAD_BYTES: usize = 18;

/// One name that leads to an inode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) folder: u64,
    /// The number of the name in the folder.
    pub(super) index: u64,
    pub(super) name: Vec<u8>,
}

/// The entries of an item. `offset`: of its key.
pub(super) fn parse(item_kind: u8, offset: u64, data: &[u8]) -> Result<Vec<Reference>, ReadError> {
    let is_extended = item_kind == kind::INODE_EXTREF;
    let head_bytes = if is_extended { EXTENDED_HEAD_BYTES } else { HEAD_BYTES };
    let mut references = Vec::new();
    let mut rest = data;
    while !rest.is_empty() {
        let damaged = corrupt("the names that lead to an inode");
        let Some((head, behind)) = rest.split_at_checked(head_bytes) else { return Err(damaged) };
        let (folder, head) =
            if is_extended { (u64_at(head, 0), head.get(8..).unwrap_or_default()) } else { (offset, head) };
        let Some((name, behind)) = behind.split_at_checked(usize::from(u16_at(head, 8))) else { return Err(damaged) };
        references.push(Reference { folder, index: u64_at(head, 0), name: name.to_vec() });
        rest = behind;
    }
    Ok(references)
}

/// An item of these entries.
pub(super) fn written(item_kind: u8, references: &[Reference]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for reference in references {
        if item_kind == kind::INODE_EXTREF {
            bytes.extend_from_slice(&reference.folder.to_le_bytes());
        }
        bytes.extend_from_slice(&reference.index.to_le_bytes());
        bytes.extend_from_slice(&u16::try_from(reference.name.len()).unwrap_or(u16::MAX).to_le_bytes());
        bytes.extend_from_slice(&reference.name);
    }
    bytes
}
