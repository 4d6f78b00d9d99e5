//! What stands beside a file and holds a part of its records: `X-wal` of the database `X`.
//!
//! A clause that names a database does not name it, and the rows cannot be told without it. Leave to take records of a file
//! is therefore leave to read, for what they tell of these records, the files of the same folder in which its format keeps
//! a part of them, and no other; nothing of them is an exhibit by that leave. What is withheld there holds the file back too: its
//! records would be told as they once were.
//!
//! **Invariant:** such a file is opened for structure alone, and by the leave of the file that it belongs to.

use std::collections::HashMap;

use super::entry::{Entry, EntryKind};
use super::permit::{Grant, Permit, Taking};
use crate::order::Format;

/// A file that stands beside another one, and bears its name with something behind it.
struct Sibling {
    suffix: &'static str,
    entry: Entry,
    is_withheld: bool,
}

/// What was seen beside a file.
#[derive(Default)]
pub(in crate::scope) struct Neighbours {
    siblings: Vec<Sibling>,
    /// The folder could not be listed to its end: there may be more.
    unlisted: bool,
}

impl Neighbours {
    /// Notes what a withhold stops.
    pub(in crate::scope) fn mark_withheld(&mut self, is_withheld: impl Fn(&Entry) -> bool) {
        self.siblings.iter_mut().for_each(|sibling| sibling.is_withheld = is_withheld(&sibling.entry));
    }

    /// What they hold, as their file system states it.
    pub(in crate::scope) fn size_bytes(&self) -> u64 {
        self.siblings.iter().map(|sibling| sibling.entry.size_bytes()).fold(0, u64::saturating_add)
    }
}

/// Marks each file of a folder with what stands beside it. `is_whole`: the folder was listed to its end.
pub fn mark_beside(entries: &mut [Entry], is_whole: bool) {
    let suffixes: Vec<&'static str> = Format::ALL.iter().flat_map(|format| format.siblings()).copied().collect();
    let mut found: HashMap<Box<[u8]>, Vec<Sibling>> = HashMap::new();
    for entry in entries.iter() {
        for suffix in &suffixes {
            if let Some(path) = entry.path().strip_suffix(suffix.as_bytes()) {
                let sibling = Sibling { suffix, entry: entry.duplicate(), is_withheld: false };
                found.entry(path.into()).or_default().push(sibling);
            }
        }
    }
    if found.is_empty() && is_whole {
        return;
    }
    for entry in entries.iter_mut().filter(|entry| entry.kind() == EntryKind::File) {
        let siblings = found.remove(entry.path()).unwrap_or_default();
        if !siblings.is_empty() || !is_whole {
            entry.set_beside(Some(Box::new(Neighbours { siblings, unlisted: !is_whole })));
        }
    }
}

/// What stands beside a file that leave was given for.
pub struct Beside {
    neighbours: Neighbours,
    grant: Grant,
}

/// What may be read beside a file in some format.
pub enum Siblings {
    /// These, each with what its name has behind the file's own; often none.
    Readable(Vec<(&'static str, Permit)>),
    /// One of them is withheld.
    Withheld,
    /// One of them can be no part of it, or it is not known what there is.
    Unreadable(&'static str),
}

impl Beside {
    pub(in crate::scope) fn new(neighbours: Option<Box<Neighbours>>, grant: Grant) -> Self {
        let neighbours = neighbours.map(|neighbours| *neighbours).unwrap_or_default();
        Self { neighbours, grant: Grant { taking: Taking::Structure, ..grant } }
    }

    /// Leave to read those in which that format keeps a part of its records.
    pub fn of(self, format: Format) -> Siblings {
        let suffixes = format.siblings();
        if suffixes.is_empty() {
            return Siblings::Readable(Vec::new());
        }
        if self.neighbours.unlisted {
            return Siblings::Unreadable("what stands beside it was not listed to its end");
        }
        let mut readable: Vec<(&'static str, Permit)> = Vec::new();
        for Sibling { suffix, entry, is_withheld } in self.neighbours.siblings {
            if !suffixes.contains(&suffix) {
                continue;
            }
            if is_withheld {
                return Siblings::Withheld;
            }
            if entry.kind() != EntryKind::File || readable.iter().any(|(known, _)| *known == suffix) {
                return Siblings::Unreadable("what belongs to it and stands beside it is not one regular file");
            }
            readable.push((suffix, Permit::joined(entry, self.grant)));
        }
        Siblings::Readable(readable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::{ClauseSet, FileTimes, Node};

    fn beside(names: &[(&str, EntryKind)], is_whole: bool, withheld: &str) -> Siblings {
        let folder = Entry::root(b"/srv", Node::new([]));
        let child = |(name, kind): &(&str, EntryKind)| {
            folder.child(name.as_bytes(), *kind, 7, FileTimes::default(), Node::new(name.as_bytes()))
        };
        let mut entries: Vec<Entry> = names.iter().map(child).collect();
        mark_beside(&mut entries, is_whole);
        let mut database = entries.swap_remove(0);
        database.mark_withheld_beside(|entry| entry.name() == withheld.as_bytes());
        let mut permit = Permit::new(database, 3, ClauseSet::one(5), Taking::Records);
        permit.beside().of(Format::Sqlite)
    }

    #[test]
    fn leave_for_a_file_is_leave_for_what_belongs_to_it_and_stands_in_the_same_folder() {
        use EntryKind::{File, Folder, Link};
        let readable = |names: &[(&str, EntryKind)], expected: &[&str]| {
            let Siblings::Readable(found) = beside(names, true, "other-wal") else { panic!("{names:?}") };
            assert_eq!(found.iter().map(|(suffix, _)| *suffix).collect::<Vec<_>>(), expected, "{names:?}");
            for (suffix, permit) in found {
                assert_eq!(permit.node().bytes(), format!("a.db{suffix}").as_bytes());
                assert!(!permit.is_whole() && permit.clauses() == ClauseSet::one(5));
                assert!(permit.opened(Box::new(std::io::empty())).into_structure().is_some());
            }
        };
        readable(&[("a.db", File)], &[]);
        readable(&[("a.db", File), ("b.db-wal", File), ("a.db-shm", File), ("other-wal", File)], &[]);
        readable(&[("a.db", File), ("a.db-wal", File), ("a.db-journal", File)], &["-wal", "-journal"]);
        let refused: [(&[(&str, EntryKind)], bool); 4] = [
            (&[("a.db", File)], false),
            (&[("a.db", File), ("a.db-wal", Link)], true),
            (&[("a.db", File), ("a.db-journal", Folder)], true),
            (&[("a.db", File), ("a.db-wal", File), ("a.db-wal", File)], true),
        ];
        for (names, is_whole) in refused {
            assert!(matches!(beside(names, is_whole, ""), Siblings::Unreadable(_)), "{names:?}");
        }
        let held = beside(&[("a.db", File), ("a.db-wal", File)], true, "a.db-wal");
        assert!(matches!(held, Siblings::Withheld));
    }
}
