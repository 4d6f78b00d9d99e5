//! The walk over a source: volume by volume, in the order of path bytes, into what a clause can reach, and into archives
//! where a clause opens them.
//!
//! **Invariant:** what cannot be listed or opened is handed over as such; what another volume stands over is not seen.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::Source;
use crate::clock::Zone;
use crate::filesystem::{FileSystem, Listing, archive};
use crate::limits;
use crate::read_error::ReadError;
use crate::scope::{self, ClauseSet, Entry, EntryKind, Node, Permit, Scope};

/// What a walk meets.
pub enum Found<'w> {
    /// Something that was listed, or a root. A folder comes after everything that is in it.
    Entry {
        /// Index into [`Source::volumes`].
        volume: usize,
        /// What it is opened with: the volume's file system, or the archive that it is in.
        filesystem: &'w Arc<dyn FileSystem>,
        /// What it is.
        entry: Entry,
    },
    /// A folder that could not be listed to its end. What could be listed came before it.
    Unlisted {
        /// Index into [`Source::volumes`].
        volume: usize,
        /// The folder.
        folder: Entry,
        /// Why.
        error: ReadError,
    },
    /// A file that clauses open as an archive, and that could not be looked into.
    Unopened {
        /// Index into [`Source::volumes`].
        volume: usize,
        /// The file.
        archive: &'w Entry,
        /// Those clauses.
        clauses: ClauseSet,
        /// Why.
        error: ReadError,
    },
}

/// Is shown what a walk meets, and may stop it.
pub type Visit<'v> = dyn FnMut(Found<'_>) -> ControlFlow<()> + 'v;

impl Source {
    /// Walks every volume, in the order of path bytes, into the folders that a clause can reach. `index`: of this source
    /// in the order; `zone`: of times in it that carry none. The visitor may stop it.
    pub fn walk(&self, scope: &Scope, index: usize, visit: &mut Visit<'_>) -> ControlFlow<()> {
        let mut archives = 0;
        for (volume, mounted) in self.volumes.iter().enumerate() {
            let others = self.volumes.iter().enumerate().filter(|(at, _)| *at != volume);
            let over = others.map(|(_, other)| other.mount.clone()).collect();
            let mut walk =
                Walk { source: self, scope, index, volume, zone: scope.zone(index), over, archives: &mut archives };
            let tree = Tree { filesystem: &mounted.filesystem, archive_depth: 0 };
            walk.tree(mounted.root(), tree, visit)?;
        }
        ControlFlow::Continue(())
    }
}

/// The tree that a walk is in: a volume's, or an archive's.
#[derive(Clone, Copy)]
struct Tree<'t> {
    filesystem: &'t Arc<dyn FileSystem>,
    archive_depth: usize,
}

struct Walk<'w> {
    source: &'w Source,
    scope: &'w Scope,
    index: usize,
    volume: usize,
    zone: Option<Zone>,
    /// Where the other volumes stand.
    over: Vec<Vec<u8>>,
    /// How many archives are open.
    archives: &'w mut usize,
}

/// The folders of one tree that were listed, by a hash of how the file system finds them: a damaged image may lead into a
/// folder by two names, and by two more below that, without end.
type Seen = HashSet<u64>;

impl Walk<'_> {
    fn tree(&mut self, root: Entry, tree: Tree<'_>, visit: &mut Visit<'_>) -> ControlFlow<()> {
        self.folder(root, tree, 0, &mut Seen::new(), visit)
    }

    fn folder(
        &mut self,
        folder: Entry,
        tree: Tree<'_>,
        depth: usize,
        seen: &mut Seen,
        visit: &mut Visit<'_>,
    ) -> ControlFlow<()> {
        let (volume, filesystem) = (self.volume, tree.filesystem);
        if !self.scope.descends(self.index, &folder) {
            return visit(Found::Entry { volume, filesystem, entry: folder });
        }
        let listing = match refuse(&folder, depth, seen) {
            Some(error) => Listing { entries: Vec::new(), error: Some(error) },
            None => filesystem.list(&folder),
        };
        let mut entries = listing.entries;
        entries.retain(|entry| !self.over.iter().any(|place| entry.stands_at(place)));
        scope::mark_maildir(&folder, &mut entries);
        scope::mark_beside(&mut entries, listing.error.is_none());
        let mut met = match self.look_into(entries, tree, visit) {
            Ok(met) => met,
            Err(stopped) => return stopped,
        };
        scope::sort_entries(&mut met, |met| &met.entry);
        let twins = drop_twins(&mut met);
        for Met { entry, inside } in met {
            match inside {
                Some(archive) => {
                    let tree = Tree { filesystem: &archive, archive_depth: tree.archive_depth + 1 };
                    self.tree(entry, tree, visit)?;
                }
                None if entry.kind() == EntryKind::Folder => self.folder(entry, tree, depth + 1, seen, visit)?,
                None => visit(Found::Entry { volume, filesystem, entry })?,
            }
        }
        match listing.error.or(twins) {
            Some(error) => visit(Found::Unlisted { volume, folder, error }),
            None => visit(Found::Entry { volume, filesystem, entry: folder }),
        }
    }

    /// What was listed, and beside each archive that a clause opens the root of the tree in it.
    fn look_into(
        &mut self,
        entries: Vec<Entry>,
        tree: Tree<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<Vec<Met>, ControlFlow<()>> {
        let mut met = Vec::with_capacity(entries.len());
        for mut entry in entries {
            if let Some(permit) = self.scope.archive_permit(self.index, &entry) {
                let clauses = permit.clauses();
                match self.open_archive(permit, tree) {
                    Ok(None) => {}
                    Ok(Some(filesystem)) => {
                        let root = entry.opened_as_archive(filesystem.root());
                        met.push(Met { entry: root, inside: Some(filesystem) });
                    }
                    Err(error) => {
                        // It is told here, once, and is no file for these clauses.
                        entry.opened_as_archive(Node::new([]));
                        let stopped = visit(Found::Unopened { volume: self.volume, archive: &entry, clauses, error });
                        if stopped.is_break() {
                            return Err(stopped);
                        }
                    }
                }
            }
            met.push(Met { entry, inside: None });
        }
        Ok(met)
    }

    /// The tree in a file; none where it is no archive.
    fn open_archive(&mut self, permit: Permit, tree: Tree<'_>) -> Result<Option<Arc<dyn FileSystem>>, ReadError> {
        let Some(mut stream) = tree.filesystem.open(permit)?.into_structure() else { return Ok(None) };
        let mut head = Vec::new();
        let bound = u64::try_from(limits::PROBE_BYTES).unwrap_or(u64::MAX);
        stream.by_ref().take(bound).read_to_end(&mut head)?;
        if !archive::begins_one(&head) {
            return Ok(None);
        }
        if tree.archive_depth >= limits::ARCHIVE_DEPTH {
            return Err(ReadError::Limit { offset: 0, what: "archives within one another" });
        }
        if *self.archives >= limits::ARCHIVES {
            return Err(ReadError::Limit { offset: 0, what: "archives open at once" });
        }
        let spooled = archive::spool(&mut head.as_slice().chain(stream), &self.source.scratch)?;
        if archive::probe(spooled.as_ref())?.is_none() {
            return Ok(None);
        }
        *self.archives += 1;
        Ok(Some(Arc::from(archive::open(spooled, &self.source.scratch, self.zone)?)))
    }
}

/// Something that was listed, or the root of the tree in an archive.
struct Met {
    entry: Entry,
    inside: Option<Arc<dyn FileSystem>>,
}

/// Takes out what a damaged folder holds more than once under one name: nobody can say which of them is meant, and one path
/// stands for one thing. `met` is sorted.
fn drop_twins(met: &mut Vec<Met>) -> Option<ReadError> {
    let is_twin = |at: Option<usize>, next: usize| {
        let pair = at.and_then(|at| met.get(at)).zip(met.get(next));
        pair.is_some_and(|(one, other)| one.entry.is_twin_of(&other.entry))
    };
    let twins: Vec<bool> =
        (0..met.len()).map(|at| is_twin(at.checked_sub(1), at) || is_twin(Some(at), at.saturating_add(1))).collect();
    if !twins.contains(&true) {
        return None;
    }
    let mut twins = twins.into_iter();
    met.retain(|_| !twins.next().unwrap_or(false));
    Some(ReadError::Corrupt { offset: 0, what: "two entries of one name in a folder" })
}

fn refuse(folder: &Entry, depth: usize, seen: &mut Seen) -> Option<ReadError> {
    if depth > limits::FOLDER_DEPTH {
        return Some(ReadError::Limit { offset: 0, what: "folders within one another" });
    }
    let mut hasher = DefaultHasher::new();
    folder.node().bytes().hash(&mut hasher);
    let is_new = seen.insert(hasher.finish());
    (!is_new).then_some(ReadError::Corrupt { offset: 0, what: "a folder that two names lead to" })
}
