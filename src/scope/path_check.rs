//! Whether the paths that the clauses name literally are there: what is missing, and which links stand on them.
//!
//! A clause's literal paths, and the literal folders that its globs begin with, are watched on the walk. What was not
//! seen is missing, unless a folder above it could not be listed: then nobody can say.
//!
//! **Invariant:** only paths that stand in the order are remembered here.

use std::collections::BTreeMap;

use super::Scope;
use super::entry::{ArchivePlace, Entry, EntryKind, MaildirPlace};

/// Why a path of a clause leads nowhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PathProblem {
    /// It is not there.
    Missing,
    /// It is, or leads through, a symbolic link.
    Link,
    /// A device, a pipe or a socket stands there.
    Special,
    /// It is a folder, and the clause names no file in it.
    Folder,
    /// It is a file that holds no records of the clause's format, by where it stands: in a Maildir and no message of it,
    /// or in no Maildir where the clause asks for one.
    Misplaced,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Seen {
    Kind(EntryKind, MaildirPlace),
    /// A file that is a folder for the clauses that open archives.
    Archive,
    Unlisted,
}

/// One pattern of a clause.
#[derive(Debug)]
struct Watch {
    clause: usize,
    /// The literal path, folder by folder.
    chain: Vec<Vec<u8>>,
    /// The chain is the whole pattern.
    is_literal: bool,
    /// Where the clause takes no file from.
    misfits: Vec<MaildirPlace>,
    /// Archives are folders for it.
    opens_archives: bool,
}

/// Watches a walk of one source for the paths that its clauses name.
#[derive(Debug)]
pub struct PathCheck {
    watched: Vec<Watch>,
    seen: BTreeMap<Vec<u8>, Option<Seen>>,
}

impl PathCheck {
    /// Watches for the paths of the clauses on that source.
    pub fn new(scope: &Scope, source: usize) -> Self {
        use MaildirPlace::{Message, None, Other, Subfolder};
        let mut watched = Vec::new();
        for (at, clause) in scope.clauses_of(source) {
            let misfits = || [Message, None, Other, Subfolder].into_iter().filter(|&place| !clause.maildir_fits(place));
            watched.extend(clause.paths.iter().map(|glob| Watch {
                clause: at,
                chain: glob.literal_chain(),
                is_literal: glob.is_literal(),
                misfits: misfits().collect(),
                opens_archives: clause.opens_archives,
            }));
        }
        Self::of(watched)
    }

    fn of(watched: Vec<Watch>) -> Self {
        let seen = watched.iter().flat_map(|watch| watch.chain.iter().cloned().map(|path| (path, None))).collect();
        Self { watched, seen }
    }

    /// A file system stands at this root: it and the folders above it are there.
    pub fn mounted(&mut self, root: &Entry) {
        for (path, seen) in &mut self.seen {
            let is_above = root.path().strip_prefix(path.as_slice()).is_some_and(|rest| rest.starts_with(b"/"));
            if is_above || root.path() == path.as_slice() {
                *seen = Some(Seen::Kind(EntryKind::Folder, MaildirPlace::None));
            }
        }
    }

    /// The walk has seen this.
    pub fn observe(&mut self, entry: &Entry) {
        if let Some(seen) = self.seen.get_mut(entry.path()) {
            let is_archive = matches!(entry.archive(), ArchivePlace::Opened | ArchivePlace::OpenedInside);
            // The root of the tree in an archive comes after the archive, at the same path.
            *seen = Some(match *seen {
                _ if is_archive => Seen::Archive,
                Some(Seen::Archive) => Seen::Archive,
                _ => Seen::Kind(entry.kind(), entry.maildir()),
            });
        }
    }

    /// This folder could not be listed to its end.
    pub fn unlisted(&mut self, folder: &Entry) {
        if let Some(seen) = self.seen.get_mut(folder.path()) {
            *seen = Some(Seen::Unlisted);
        }
        if folder.path() == b"/" {
            self.seen.insert(b"/".to_vec(), Some(Seen::Unlisted));
        }
    }

    /// After the walk: the clauses whose paths lead nowhere, each with how many of them do.
    pub fn finish(self) -> Vec<(usize, PathProblem, u64)> {
        let mut found: BTreeMap<(usize, PathProblem), Vec<&[u8]>> = BTreeMap::new();
        for watch in &self.watched {
            if let Some((problem, path)) = self.problem(watch, &watch.chain) {
                let paths = found.entry((watch.clause, problem)).or_default();
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        found.into_iter().map(|((clause, problem), paths)| (clause, problem, paths.len() as u64)).collect()
    }

    fn problem<'c>(&self, watch: &Watch, chain: &'c [Vec<u8>]) -> Option<(PathProblem, &'c [u8])> {
        if self.seen.get(&b"/"[..]).copied().flatten() == Some(Seen::Unlisted)
            && chain.first().is_some_and(|first| self.seen.get(first).copied().flatten().is_none())
        {
            return None;
        }
        for (place, path) in chain.iter().enumerate() {
            let is_last = watch.is_literal && place + 1 == chain.len();
            let seen = match self.seen.get(path).copied().flatten() {
                Some(Seen::Archive) if watch.opens_archives => Some(Seen::Kind(EntryKind::Folder, MaildirPlace::None)),
                Some(Seen::Archive) => Some(Seen::Kind(EntryKind::File, MaildirPlace::None)),
                seen => seen,
            };
            let problem = match seen {
                Some(Seen::Unlisted) => return self.below_unlisted(watch, chain, place),
                None => PathProblem::Missing,
                Some(Seen::Kind(EntryKind::Link, _)) => PathProblem::Link,
                Some(Seen::Kind(EntryKind::Special, _)) if is_last => PathProblem::Special,
                Some(Seen::Kind(EntryKind::Folder, _)) if is_last => PathProblem::Folder,
                Some(Seen::Kind(EntryKind::File, at)) if is_last && watch.misfits.contains(&at) => {
                    PathProblem::Misplaced
                }
                // A file where the path goes on, or the other way round: what the clause names is not there.
                Some(Seen::Kind(EntryKind::File | EntryKind::Special, _)) if !is_last => PathProblem::Missing,
                Some(Seen::Kind(..) | Seen::Archive) => continue,
            };
            return Some((problem, path));
        }
        None
    }

    /// Below a folder that could be listed only in part, what was seen counts and what was not is unknown.
    fn below_unlisted<'c>(&self, watch: &Watch, chain: &'c [Vec<u8>], place: usize) -> Option<(PathProblem, &'c [u8])> {
        let rest = chain.get(place + 1..)?;
        match self.seen.get(rest.first()?).copied().flatten() {
            Some(_) => self.problem(watch, rest),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::{FileTimes, Node, glob::PathGlob};

    fn check(patterns: &[&str]) -> PathCheck {
        let watched = patterns.iter().enumerate().map(|(clause, pattern)| {
            let glob = PathGlob::new(pattern).unwrap();
            let misfits = vec![MaildirPlace::Other];
            Watch { clause, chain: glob.literal_chain(), is_literal: glob.is_literal(), misfits, opens_archives: false }
        });
        PathCheck::of(watched.collect())
    }

    fn root() -> Entry {
        Entry::root(b"/", Node::new(Vec::new()))
    }

    fn entry(path: &str, kind: EntryKind) -> Entry {
        root().child(path.trim_start_matches('/').as_bytes(), kind, 0, FileTimes::default(), Node::new(Vec::new()))
    }

    #[test]
    fn what_was_not_seen_is_missing_and_a_link_is_said() {
        let mut check = check(&["/a/x", "/a/*", "/b/*.log", "/l/**", "/a", "/s", "/a/x/y", "/**"]);
        check.mounted(&root());
        for (path, kind) in
            [("/a", EntryKind::Folder), ("/a/x", EntryKind::File), ("/l", EntryKind::Link), ("/s", EntryKind::Special)]
        {
            check.observe(&entry(path, kind));
        }
        let expected = [
            (2, PathProblem::Missing, 1),
            (3, PathProblem::Link, 1),
            (4, PathProblem::Folder, 1),
            (5, PathProblem::Special, 1),
            (6, PathProblem::Missing, 1),
        ];
        assert_eq!(check.finish(), expected);
    }

    #[test]
    fn a_file_that_the_clause_cannot_take_from_its_place_is_said_where_it_is_named() {
        let mut check = check(&["/m/tmp/1", "/m/tmp/*", "/m/cur/2"]);
        check.mounted(&root());
        use EntryKind::{File, Folder};
        let met = [
            ("/m", Folder, MaildirPlace::None),
            ("/m/tmp", Folder, MaildirPlace::Other),
            ("/m/tmp/1", File, MaildirPlace::Other),
            ("/m/cur", Folder, MaildirPlace::Message),
            ("/m/cur/2", File, MaildirPlace::Message),
        ];
        for (path, kind, place) in met {
            let mut entry = entry(path, kind);
            entry.set_maildir(place);
            check.observe(&entry);
        }
        assert_eq!(check.finish(), [(0, PathProblem::Misplaced, 1)]);
    }

    #[test]
    fn below_a_folder_that_could_not_be_listed_nothing_is_called_missing() {
        let mut below = check(&["/a/x", "/a/seen/y"]);
        below.mounted(&root());
        below.observe(&entry("/a", EntryKind::Folder));
        below.unlisted(&entry("/a", EntryKind::Folder));
        below.observe(&entry("/a/seen", EntryKind::Folder));
        assert_eq!(below.finish(), [(1, PathProblem::Missing, 1)]);

        let mut all = check(&["/a/x"]);
        all.mounted(&root());
        all.unlisted(&root());
        assert_eq!(all.finish(), []);
    }

    #[test]
    fn folders_above_a_mounted_file_system_are_there() {
        let mut check = check(&["/srv/data/x", "/srv/data/*", "/srvx/*"]);
        check.mounted(&Entry::root(b"/srv/data", Node::new(Vec::new())));
        assert_eq!(check.finish(), [(0, PathProblem::Missing, 1), (2, PathProblem::Missing, 1)]);
    }
}
