//! An archive as a file system: its tree, and the members that its format reads.
//!
//! **Invariant:** what kept the archive from being read to its end is told with every folder, since any of them may lack
//! what was not read.

use std::io::Read;

use super::tree::{ROOT, Standing, Tree};
use crate::filesystem::{Changed, FileSystem, Listing};
use crate::journal::Journal;
use crate::read_error::ReadError;
use crate::scope::{Entry, EntryKind, FileTimes, Node, Opened, Permit};

/// What a format says of one member.
pub(super) struct Described {
    pub(super) kind: EntryKind,
    pub(super) size_bytes: u64,
    pub(super) times: FileTimes,
}

/// A member that cannot be described.
pub(super) const UNREADABLE: Described = Described {
    kind: EntryKind::Unreadable,
    size_bytes: 0,
    times: FileTimes { modified: None, changed: None, created: None, accessed: None },
};

/// The members of an archive, by number.
pub(super) trait Members: Send + Sync {
    /// The format's name in the ledger.
    fn name(&self) -> &'static str;

    /// What is known of a member.
    fn describe(&self, member: u32) -> Described;

    /// The content of a member that is a regular file.
    fn open(&self, member: u32) -> Result<Box<dyn Read + Send>, ReadError>;
}

/// An archive, open.
pub(super) struct Archive<M> {
    members: M,
    tree: Tree,
    error: Option<ReadError>,
}

impl<M: Members> Archive<M> {
    /// `error`: why not all of its members are in the tree.
    pub(super) fn new(members: M, tree: Tree, error: Option<ReadError>) -> Self {
        Self { members, tree, error }
    }

    fn entry(&self, folder: &Entry, number: u32, name: &[u8]) -> Entry {
        let node = Node::new(number.to_le_bytes());
        let (standing, member) = self.tree.standing(number).unwrap_or((Standing::Misplaced, None));
        let described = member.map(|member| self.members.describe(member));
        match (standing, described) {
            (Standing::Folder, described) => {
                let times = described.map_or(FileTimes::default(), |described| described.times);
                folder.child(name, EntryKind::Folder, 0, times, node)
            }
            (Standing::Member | Standing::Twice, Some(Described { kind, size_bytes, times })) => {
                let size_bytes = if kind == EntryKind::File { size_bytes } else { 0 };
                folder.child(name, kind, size_bytes, times, node)
            }
            _ => folder.child(name, EntryKind::Unreadable, 0, FileTimes::default(), node),
        }
    }
}

fn number(node: &Node) -> Result<u32, ReadError> {
    let bytes = node.bytes().try_into();
    bytes.map(u32::from_le_bytes).map_err(|_| ReadError::Corrupt { offset: 0, what: "an entry of another file system" })
}

/// The same error once more.
fn again(error: &ReadError) -> ReadError {
    match error {
        ReadError::Io { offset, source } => {
            let again = source.raw_os_error().map_or(source.kind().into(), std::io::Error::from_raw_os_error);
            ReadError::Io { offset: *offset, source: again }
        }
        ReadError::Corrupt { offset, what } => ReadError::Corrupt { offset: *offset, what },
        ReadError::Unsupported { offset, what } => ReadError::Unsupported { offset: *offset, what: what.clone() },
        ReadError::Encrypted { offset, what } => ReadError::Encrypted { offset: *offset, what: what.clone() },
        ReadError::Limit { offset, what } => ReadError::Limit { offset: *offset, what },
    }
}

impl<M: Members> FileSystem for Archive<M> {
    fn name(&self) -> Option<&'static str> {
        Some(self.members.name())
    }

    /// The formats have none.
    fn journal(&self) -> Journal {
        Journal::None
    }

    fn root(&self) -> Node {
        Node::new(ROOT.to_le_bytes())
    }

    fn list(&self, folder: &Entry) -> Listing {
        let number = match number(folder.node()) {
            Ok(number) if self.tree.standing(number).is_some_and(|(standing, _)| standing == Standing::Folder) => {
                number
            }
            Ok(_) => {
                let error = Some(ReadError::Corrupt { offset: 0, what: "a folder that is none" });
                return Listing { entries: Vec::new(), error };
            }
            Err(error) => return Listing { entries: Vec::new(), error: Some(error) },
        };
        let entries = self.tree.children(number).map(|(number, name)| self.entry(folder, number, name)).collect();
        let earlier = || {
            let what = "an earlier member whose name a later one has: the later one is listed".to_owned();
            self.tree.has_replaced(number).then_some(ReadError::Unsupported { offset: 0, what })
        };
        Listing { entries, error: self.error.as_ref().map(again).or_else(earlier) }
    }

    fn open(&self, permit: Permit) -> Result<Opened, ReadError> {
        let stream = match self.tree.standing(number(permit.node())?) {
            Some((Standing::Member, Some(member))) => self.members.open(member)?,
            Some((Standing::Twice, _)) => {
                return Err(ReadError::Corrupt { offset: 0, what: "two members of one name" });
            }
            Some((Standing::Misplaced, _)) => {
                return Err(ReadError::Corrupt { offset: 0, what: "a member whose name leads nowhere" });
            }
            _ => {
                let what = "reading what is not a regular file".to_owned();
                return Err(ReadError::Unsupported { offset: 0, what });
            }
        };
        Ok(permit.opened(stream))
    }

    /// The stored archive answers for everything in it.
    fn unchanged(&self) -> Result<(), Changed> {
        Ok(())
    }
}
