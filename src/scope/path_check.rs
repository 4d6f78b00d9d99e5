//! Whether the paths that the clauses name literally are there: what is missing, and which links stand on them.
//!
//! A clause's literal paths, and the literal folders that its globs begin with, are watched on the walk. What was not
//! seen is missing, unless a folder above it could not be listed: then nobody can say.
//!
//! **Invariant:** only paths that stand in the order are remembered here.

use std::collections::BTreeMap;

use super::Scope;
use super::entry::{Entry, EntryKind};

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
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Seen {
    Kind(EntryKind),
    Unlisted,
}

/// Watches a walk of one source for the paths that its clauses name.
#[derive(Debug)]
pub struct PathCheck {
    /// For each clause its patterns' chains, and whether the pattern is literal to its end.
    chains: Vec<(usize, Vec<Vec<u8>>, bool)>,
    seen: BTreeMap<Vec<u8>, Option<Seen>>,
}

impl PathCheck {
    /// Watches for the paths of the clauses on that source.
    pub fn new(scope: &Scope, source: usize) -> Self {
        let chains: Vec<_> = scope
            .clauses_of(source)
            .flat_map(|(at, clause)| clause.paths.iter().map(move |glob| (at, glob.literal_chain(), glob.is_literal())))
            .collect();
        let seen = chains.iter().flat_map(|(_, chain, _)| chain.iter().cloned().map(|path| (path, None))).collect();
        Self { chains, seen }
    }

    /// A file system stands at this root: it and the folders above it are there.
    pub fn mounted(&mut self, root: &Entry) {
        for (path, seen) in &mut self.seen {
            let is_above = root.path().strip_prefix(path.as_slice()).is_some_and(|rest| rest.starts_with(b"/"));
            if is_above || root.path() == path.as_slice() {
                *seen = Some(Seen::Kind(EntryKind::Folder));
            }
        }
    }

    /// The walk has seen this.
    pub fn observe(&mut self, entry: &Entry) {
        if let Some(seen) = self.seen.get_mut(entry.path()) {
            *seen = Some(Seen::Kind(entry.kind()));
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
        for (clause, chain, is_literal) in &self.chains {
            if let Some((problem, path)) = self.problem(chain, *is_literal) {
                let paths = found.entry((*clause, problem)).or_default();
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        found.into_iter().map(|((clause, problem), paths)| (clause, problem, paths.len() as u64)).collect()
    }

    fn problem<'c>(&self, chain: &'c [Vec<u8>], is_literal: bool) -> Option<(PathProblem, &'c [u8])> {
        if self.seen.get(&b"/"[..]).copied().flatten() == Some(Seen::Unlisted)
            && chain.first().is_some_and(|first| self.seen.get(first).copied().flatten().is_none())
        {
            return None;
        }
        for (place, path) in chain.iter().enumerate() {
            let is_last = is_literal && place + 1 == chain.len();
            let problem = match self.seen.get(path).copied().flatten() {
                Some(Seen::Unlisted) => return self.below_unlisted(chain, place, is_literal),
                None => PathProblem::Missing,
                Some(Seen::Kind(EntryKind::Link)) => PathProblem::Link,
                Some(Seen::Kind(EntryKind::Special)) if is_last => PathProblem::Special,
                Some(Seen::Kind(EntryKind::Folder)) if is_last => PathProblem::Folder,
                // A file where the path goes on, or the other way round: what the clause names is not there.
                Some(Seen::Kind(EntryKind::File | EntryKind::Special)) if !is_last => PathProblem::Missing,
                Some(Seen::Kind(_)) => continue,
            };
            return Some((problem, path));
        }
        None
    }

    /// Below a folder that could be listed only in part, what was seen counts and what was not is unknown.
    fn below_unlisted<'c>(
        &self,
        chain: &'c [Vec<u8>],
        place: usize,
        is_literal: bool,
    ) -> Option<(PathProblem, &'c [u8])> {
        let rest = chain.get(place + 1..)?;
        match self.seen.get(rest.first()?).copied().flatten() {
            Some(_) => self.problem(rest, is_literal),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::{FileTimes, Node, glob::PathGlob};

    fn check(patterns: &[&str]) -> PathCheck {
        let chains: Vec<_> = patterns
            .iter()
            .enumerate()
            .map(|(at, pattern)| {
                let glob = PathGlob::new(pattern).unwrap();
                (at, glob.literal_chain(), glob.is_literal())
            })
            .collect();
        let seen = chains.iter().flat_map(|(_, chain, _)| chain.iter().cloned().map(|path| (path, None))).collect();
        PathCheck { chains, seen }
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
