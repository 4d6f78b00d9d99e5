//! Archives as file systems: tar, plain or compressed, and zip.
//!
//! A member's path has no leading `/` or `./`. A component `..` is written `%2E%2E` and a zero byte `%00`, and such a member is
//! listed as unreadable: it stays visible and cannot leave the tree. Folders that no member states are made up, without
//! times. Where two members have one path the later one is shown, as unpacking leaves it, and the listing of their folder
//! says that an earlier one was replaced. Damage of the archive's own structure is an error of every folder, since nobody
//! can say where the lost members belong.
//!
//! **Invariant:** no member is dropped silently, none leaves the tree, and unpacking is bounded by [`crate::limits`].

mod packed;
mod spool;
mod tar;
mod tree;
mod zip;

use std::path::Path;
use std::sync::Arc;

pub use spool::spool;

use self::packed::Packing;
use self::spool::Budget;
use self::tree::Tree;
use super::{Changed, FileSystem, Listing};
use crate::clock::Zone;
use crate::image::{Image, Windowed};
use crate::journal::Journal;
use crate::read_error::ReadError;
use crate::scope::{Entry, EntryKind, FileTimes, Node, Opened, Permit, Stream};

/// The members of an archive by their number.
trait Members: Send + Sync {
    /// A member's size and times.
    fn describe(&self, member: u32) -> Result<(u64, FileTimes), ReadError>;
    /// A member's content.
    fn open(&self, member: u32) -> Result<Stream, ReadError>;
}

struct Archive {
    name: &'static str,
    tree: Tree,
    members: Box<dyn Members>,
}

/// The archive's kind as a source (`tar`, `tar.gz`, `tar.zst`, `tar.xz`, `tar.bz2`, `zip`); none for what is no archive.
pub fn probe(image: &dyn Image) -> Result<Option<&'static str>, ReadError> {
    if tar::is_there(image)? {
        return Ok(Some("tar"));
    }
    if let Some(packing) = Packing::of(image)? {
        return Ok(packing.holds_tar(image)?.then(|| packing.kind()));
    }
    Ok(zip::is_there(image)?.then_some("zip"))
}

/// A stream that begins with these bytes may be an archive: it is worth being kept and looked into.
pub fn begins_one(head: &[u8]) -> bool {
    zip::begins(head) || head.first_chunk().is_some_and(tar::is_header) || Packing::begins_tar(head)
}

/// Opens an archive. `scratch`: a folder for the unnamed file that a packed one unpacks to; `zone`: of times that carry
/// none (zip).
///
/// # Errors
/// [`ReadError::Unsupported`] where it is no archive, [`ReadError::Limit`] where it unpacks to more than is allowed. Damage
/// behind its first header is said by the listings.
pub fn open(file: Arc<dyn Image>, scratch: &Path, zone: Option<Zone>) -> Result<Box<dyn FileSystem>, ReadError> {
    let image: Arc<dyn Image> = Arc::new(Windowed::new(file));
    let archive = match probe(image.as_ref())? {
        Some("zip") => {
            let (tree, members) = zip::read(image, zone)?;
            Archive { name: "zip", tree, members }
        }
        Some("tar") => {
            let (tree, members) = tar::read(image, None)?;
            Archive { name: "tar", tree, members }
        }
        kind => {
            let packing = Packing::of(image.as_ref())?.filter(|_| kind.is_some());
            let none = || ReadError::Unsupported { offset: 0, what: "what is no archive".to_owned() };
            let packing = packing.ok_or_else(none)?;
            let budget = Budget::of_packed(image.size_bytes());
            let (unpacked, cut) = spool::as_far_as_it_goes(&mut packing.reader(image)?, scratch, budget)?;
            if let Some(limit @ ReadError::Limit { .. }) = cut {
                return Err(limit);
            }
            let (tree, members) = tar::read(Arc::new(Windowed::new(unpacked)), cut)?;
            Archive { name: "tar", tree, members }
        }
    };
    Ok(Box::new(archive))
}

fn number(node: &Node) -> Result<u32, ReadError> {
    let bytes = node.bytes().try_into();
    bytes.map(u32::from_le_bytes).map_err(|_| ReadError::Corrupt { offset: 0, what: "an entry of another file system" })
}

/// The same error once more: it is said for every folder.
fn again(error: &ReadError) -> ReadError {
    match error {
        ReadError::Io { offset, source } => ReadError::io(*offset, source.kind().into()),
        ReadError::Corrupt { offset, what } => ReadError::Corrupt { offset: *offset, what },
        ReadError::Unsupported { offset, what } => ReadError::Unsupported { offset: *offset, what: what.clone() },
        ReadError::Encrypted { offset, what } => ReadError::Encrypted { offset: *offset, what: what.clone() },
        ReadError::Limit { offset, what } => ReadError::Limit { offset: *offset, what },
    }
}

impl FileSystem for Archive {
    fn name(&self) -> Option<&'static str> {
        Some(self.name)
    }

    fn journal(&self) -> Journal {
        Journal::None
    }

    fn root(&self) -> Node {
        Node::new(0_u32.to_le_bytes())
    }

    fn list(&self, folder: &Entry) -> Listing {
        let at = match number(folder.node()) {
            Ok(at) => at,
            Err(error) => return Listing { entries: Vec::new(), error: Some(error) },
        };
        let mut entries = Vec::new();
        for (place, name, item) in self.tree.children(at) {
            let described = item.member.map(|member| self.members.describe(member)).transpose();
            let (kind, (size_bytes, times)) = match described {
                Ok(described) => (item.kind, described.unwrap_or_default()),
                Err(_) => (EntryKind::Unreadable, (0, FileTimes::default())),
            };
            let size_bytes = if kind == EntryKind::File { size_bytes } else { 0 };
            entries.push(folder.child(name, kind, size_bytes, times, Node::new(place.to_le_bytes())));
        }
        Listing { entries, error: self.tree.failure_at(at) }
    }

    fn open(&self, permit: Permit) -> Result<Opened, ReadError> {
        let item = self.tree.item(number(permit.node())?);
        match item.filter(|item| item.kind == EntryKind::File).and_then(|item| item.member) {
            Some(member) => self.members.open(member).map(|stream| permit.opened(stream)),
            None => Err(ReadError::Unsupported { offset: 0, what: "reading what is not a regular file".to_owned() }),
        }
    }

    /// The stored file answers for everything in it.
    fn unchanged(&self) -> Result<(), Changed> {
        Ok(())
    }
}
