//! What a walk sees, before anyone may say anything about it.
//!
//! An [`Entry`] has no Display, no Serialize and no Clone, and its Debug is redacted: a name outside the order must not
//! reach an error, a log or a progress bar. Only `scope/` reads its path; a file system reads its own [`Node`] back.
//!
//! **Invariant:** a path leaves this folder only inside an [`super::InScope`], or as a [`StaffPath`] for the provider's
//! own audit and terminal.

use std::fmt;

use super::FileTime;
use super::beside::Neighbours;
use super::file_time::KeptTimes;

/// What kind of thing an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link: never followed.
    Link,
    /// A device, a pipe, a socket: never opened.
    Special,
    /// Its name was read and its metadata could not be.
    Unreadable,
}

/// A file's times, each only where the file system has it and it counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FileTimes {
    /// Last change of content.
    pub modified: Option<FileTime>,
    /// Last change of content or metadata.
    pub changed: Option<FileTime>,
    /// Creation.
    pub created: Option<FileTime>,
    /// Last reading.
    pub accessed: Option<FileTime>,
}

/// Where an entry stands with regard to a Maildir.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MaildirPlace {
    /// Not within a Maildir.
    None,
    /// A file directly in `cur` or `new` of a Maildir or of one of its Maildir++ folders: a message.
    Message,
    /// A Maildir++ folder: directly in a Maildir, its name begins with a full stop.
    Subfolder,
    /// Anything else within a Maildir: index files, `tmp`, ...
    Other,
}

/// Where an entry stands with regard to an archive that was opened as a folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::scope) enum ArchivePlace {
    /// Nowhere in one.
    None,
    /// It is one: a folder for the clauses that open archives, and a file for the others.
    Opened,
    /// In one: for the clauses that open archives alone.
    Inside,
    /// In one, and opened itself: a folder for all that can see it.
    OpenedInside,
}

/// How a file system finds an entry again: bytes that mean something to it alone.
///
/// A walk may keep half a million of them: the few bytes that most file systems need stand in place.
pub struct Node(Words);

enum Words {
    Short { length: u8, bytes: [u8; SHORT] },
    // Twice boxed, so that it is no longer than the other.
    Long(Box<Box<[u8]>>),
}

/// The longest words that stand in place, in bytes.
const SHORT: usize = 14;

impl Node {
    /// A file system's own words for an entry.
    pub fn new(words: impl Into<Box<[u8]>>) -> Self {
        let words = words.into();
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..words.len()), u8::try_from(words.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(&words);
                Self(Words::Short { length, bytes })
            }
            _ => Self(Words::Long(Box::new(words))),
        }
    }

    /// Those words, for the file system that gave them.
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Words::Short { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Words::Long(words) => words,
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Node(redacted)")
    }
}

/// Something seen on a walk.
///
/// It cannot be printed, copied or serialised:
///
/// ```compile_fail,E0277
/// fn print(entry: &extract::scope::Entry) -> String {
///     format!("{entry}")
/// }
/// ```
/// ```compile_fail,E0599
/// fn copy(entry: &extract::scope::Entry) -> extract::scope::Entry {
///     entry.clone()
/// }
/// ```
/// ```compile_fail,E0277
/// fn serialise(entry: &extract::scope::Entry) -> String {
///     serde_json::to_string(entry).unwrap_or_default()
/// }
/// ```
/// and its path cannot be read:
/// ```compile_fail,E0624
/// fn read(entry: &extract::scope::Entry) -> &[u8] {
///     entry.path()
/// }
/// ```
/// What compiles is to ask what kind of thing it is, and to debug it without learning its name:
/// ```
/// fn ask(entry: &extract::scope::Entry) -> (extract::scope::EntryKind, String) {
///     (entry.kind(), format!("{entry:?}"))
/// }
/// ```
pub struct Entry {
    path: Box<[u8]>,
    about: About,
    /// What belongs to it and stands beside it; nearly never anything.
    beside: Option<Box<Neighbours>>,
}

/// All that is known of an entry but its path.
pub(in crate::scope) struct About {
    kind: EntryKind,
    size_bytes: u64,
    times: KeptTimes,
    maildir: MaildirPlace,
    archive: ArchivePlace,
    node: Node,
}

impl About {
    /// The same again.
    pub(in crate::scope) fn duplicate(&self) -> Self {
        let Self { kind, size_bytes, times, maildir, archive, node } = self;
        let (times, node) = (times.clone(), Node::new(node.bytes()));
        Self { kind: *kind, size_bytes: *size_bytes, times, maildir: *maildir, archive: *archive, node }
    }

    /// Of a folder that a tree begins with.
    fn root(archive: ArchivePlace, node: Node) -> Self {
        let (kind, times) = (EntryKind::Folder, KeptTimes::default());
        Self { kind, size_bytes: 0, times, maildir: MaildirPlace::None, archive, node }
    }
}

impl Entry {
    /// The root of a file system that stands at `mount`, an absolute path of the server (`/` or `/var`).
    pub fn root(mount: &[u8], node: Node) -> Self {
        let trimmed = mount.strip_suffix(b"/").unwrap_or(mount);
        Self::joined(trimmed.into(), About::root(ArchivePlace::None, node))
    }

    /// This file is an archive, and has been opened: the root of the tree in it, at the file's own path. From now on the
    /// file is one for the clauses alone that do not open archives.
    pub fn opened_as_archive(&mut self, node: Node) -> Self {
        self.about.archive = match self.about.archive {
            ArchivePlace::Inside | ArchivePlace::OpenedInside => ArchivePlace::OpenedInside,
            ArchivePlace::None | ArchivePlace::Opened => ArchivePlace::Opened,
        };
        Self::joined(self.path.clone(), About::root(ArchivePlace::Inside, node))
    }

    /// Another thing of the same name stands in the same folder: both are folders, or neither is.
    pub fn is_twin_of(&self, other: &Self) -> bool {
        self.path == other.path && (self.about.kind == EntryKind::Folder) == (other.about.kind == EntryKind::Folder)
    }

    /// It stands at that path, which somebody else has named.
    pub fn stands_at(&self, path: &[u8]) -> bool {
        self.path() == path
    }

    /// Something named `name` in this folder.
    pub fn child(&self, name: &[u8], kind: EntryKind, size_bytes: u64, times: FileTimes, node: Node) -> Self {
        let mut path = Vec::with_capacity(self.path.len() + 1 + name.len());
        path.extend_from_slice(&self.path);
        path.push(b'/');
        path.extend_from_slice(name);
        let archive =
            if self.about.archive == ArchivePlace::Inside { ArchivePlace::Inside } else { ArchivePlace::None };
        let (times, maildir) = (KeptTimes::of(times), MaildirPlace::None);
        Self::joined(path.into(), About { kind, size_bytes, times, maildir, archive, node })
    }

    /// What kind of thing it is.
    pub fn kind(&self) -> EntryKind {
        self.about.kind
    }

    /// A regular file's size, as the file system states it.
    pub fn size_bytes(&self) -> u64 {
        self.about.size_bytes
    }

    /// The file system's own words for it.
    pub fn node(&self) -> &Node {
        &self.about.node
    }

    /// Its times.
    pub fn times(&self) -> FileTimes {
        self.about.times.times()
    }

    /// For the provider's own terminal and audit.
    pub fn staff_path(&self) -> StaffPath {
        StaffPath(self.path.to_vec())
    }

    pub(in crate::scope) fn path(&self) -> &[u8] {
        if self.path.is_empty() { b"/" } else { &self.path }
    }

    pub(in crate::scope) fn name(&self) -> &[u8] {
        self.path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
    }

    pub(in crate::scope) fn maildir(&self) -> MaildirPlace {
        self.about.maildir
    }

    pub(in crate::scope) fn archive(&self) -> ArchivePlace {
        self.about.archive
    }

    pub(in crate::scope) fn set_maildir(&mut self, place: MaildirPlace) {
        self.about.maildir = place;
    }

    pub(in crate::scope) fn set_beside(&mut self, beside: Option<Box<Neighbours>>) {
        self.beside = beside;
    }

    pub(in crate::scope) fn take_beside(&mut self) -> Option<Box<Neighbours>> {
        self.beside.take()
    }

    pub(in crate::scope) fn mark_withheld_beside(&mut self, is_withheld: impl Fn(&Self) -> bool) {
        if let Some(beside) = &mut self.beside {
            beside.mark_withheld(is_withheld);
        }
    }

    /// What that holds, as the file system states it.
    pub(in crate::scope) fn beside_bytes(&self) -> u64 {
        self.beside.as_ref().map_or(0, |beside| beside.size_bytes())
    }

    /// The same entry for a second permit: taken whole and by its records. What stands beside it is not in it.
    pub(in crate::scope) fn duplicate(&self) -> Self {
        Self::joined(self.path.clone(), self.about.duplicate())
    }

    /// Its parts, for keeping; [`Entry::joined`] puts them together again.
    pub(in crate::scope) fn apart(self) -> (Box<[u8]>, About) {
        (self.path, self.about)
    }

    pub(in crate::scope) fn joined(path: Box<[u8]>, about: About) -> Self {
        Self { path, about, beside: None }
    }

    pub(in crate::scope) fn into_path(self) -> Vec<u8> {
        if self.path.is_empty() { b"/".to_vec() } else { self.path.into_vec() }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("kind", &self.about.kind).finish_non_exhaustive()
    }
}

/// A server path for the provider's eyes: the audit file and the staff's terminal. Nothing in the package is made of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StaffPath(Vec<u8>);

impl StaffPath {
    /// The path's bytes.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for StaffPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaffPath(redacted)")
    }
}
