//! tar: v7, ustar, pax, GNU and its older form, star.
//!
//! The headers are read once, without the content between them, and the members are held in an index. `modified` is stated
//! to the second, or as finely as a pax header says; `accessed` and `changed` where GNU, star or pax headers have them;
//! `created` where libarchive wrote it.
//!
//! What is deliberately absent: labels of volumes, attributes, access lists, what stands behind the end.
//!
//! **Invariant:** what ends the reading before the end that the archive states is told; a member that is listed has the
//! bytes that its header speaks of, or says why not.

mod content;
mod extended;
mod header;
mod scan;

use std::io::Read;
use std::sync::Arc;

use self::content::Sparse;
use self::header::{BLOCK, Header};
use super::stamp::Stamp;
use super::system::{Described, Members, UNREADABLE};
use super::tree::Tree;
use crate::image::Image;
use crate::read_error::ReadError;
use crate::scope::{EntryKind, FileTimes};

/// A stream that begins so may be a tar.
pub(super) fn begins_one(head: &[u8]) -> bool {
    let block = head.get(..BLOCK).unwrap_or_default();
    Header::is_marked(block) || Header::read(block).is_some()
}

/// How much of a stream tells whether it is one, in bytes.
pub(super) const HEAD_BYTES: usize = BLOCK;

/// One member, as it stands in the index.
#[derive(Clone, Copy)]
struct Member {
    kind: EntryKind,
    modified: Stamp,
    /// Where its content begins.
    at: u64,
    /// How much of it is stored, in bytes.
    stored: u64,
    /// How much it is.
    size_bytes: u64,
    /// Among the sparse ones.
    sparse: Option<u32>,
}

/// The members of a tar.
pub(super) struct Tar {
    image: Arc<dyn Image>,
    members: Vec<Member>,
    sparse: Vec<Sparse>,
    /// Accessed, changed and created, of the members that have one of them.
    finer: Vec<(u32, [Stamp; 3])>,
}

/// Reads every header: the members, their tree, and why these are not all.
pub(super) fn read(image: Arc<dyn Image>) -> (Tar, Tree, Option<ReadError>) {
    scan::scan(image)
}

impl Tar {
    fn member(&self, number: u32) -> Option<&Member> {
        self.members.get(usize::try_from(number).ok()?)
    }
}

impl Members for Tar {
    fn name(&self) -> &'static str {
        "tar"
    }

    fn describe(&self, number: u32) -> Described {
        let Some(member) = self.member(number) else { return UNREADABLE };
        let finer = self.finer.binary_search_by_key(&number, |(of, _)| *of);
        let finer = finer.ok().and_then(|at| self.finer.get(at));
        let [accessed, changed, created] = finer.map_or([Stamp::NONE; 3], |(_, stamps)| *stamps);
        let times = FileTimes {
            modified: member.modified.time(),
            changed: changed.time(),
            created: created.time(),
            accessed: accessed.time(),
        };
        Described { kind: member.kind, size_bytes: member.size_bytes, times }
    }

    fn open(&self, number: u32) -> Result<Box<dyn Read + Send>, ReadError> {
        let none = ReadError::Corrupt { offset: 0, what: "an entry of another file system" };
        let member = self.member(number).ok_or(none)?;
        if member.kind != EntryKind::File {
            return Err(ReadError::Unsupported { offset: 0, what: "reading what is not a regular file".to_owned() });
        }
        let sparse = member.sparse.and_then(|at| self.sparse.get(usize::try_from(at).ok()?));
        match sparse {
            Some(sparse) => content::sparse(&self.image, sparse, member.at, member.stored, member.size_bytes),
            None => Ok(content::plain(&self.image, member.at, member.size_bytes)),
        }
    }
}
