//! What the order reaches: one walk over each source, before anything is opened.
//!
//! **Invariant:** an entry that no clause asks for is gone when the walk has passed it; a folder that could not be listed
//! is a shortfall of every clause that may ask for something below it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::ExtractError;
use super::meter::Meter;
use crate::filesystem::FileSystem;
use crate::journal::Journal;
use crate::ledger::{ShortfallKind, Tally};
use crate::read_error::ReadError;
use crate::scope::{ClauseSet, EntryDecision, IntoPermits, PathCheck, PathProblem, Permit, Permits, Scope, StaffPath};
use crate::source::{Found, Source};

/// One stream to be opened, in the order in which the package numbers them.
pub(super) struct Task {
    /// Index into the order's sources.
    pub(super) source: usize,
    /// Index into the source's volumes.
    pub(super) volume: usize,
    /// What opens it: the volume's file system, or an archive on it.
    pub(super) filesystem: Arc<dyn FileSystem>,
    pub(super) permit: Permit,
}

/// Tasks as they wait to be taken. There may be half a million: what many have in common is held once.
#[derive(Default)]
pub(super) struct Tasks {
    /// The number of the first task of each run of tasks that are opened by one file system, and the rest of them.
    runs: Vec<(usize, Run)>,
    permits: Permits,
}

/// What the tasks of a run have in common.
#[derive(Clone)]
struct Run {
    source: usize,
    volume: usize,
    filesystem: Arc<dyn FileSystem>,
}

impl Tasks {
    fn push(&mut self, source: usize, volume: usize, filesystem: &Arc<dyn FileSystem>, permit: Permit) {
        let is_same =
            |run: &Run| run.source == source && run.volume == volume && Arc::ptr_eq(&run.filesystem, filesystem);
        if !self.runs.last().is_some_and(|(_, run)| is_same(run)) {
            self.runs.push((self.permits.len(), Run { source, volume, filesystem: Arc::clone(filesystem) }));
        }
        self.permits.push(permit);
    }
}

impl Tasks {
    /// Leave to read, before they are opened, the streams of tasks whose clauses are wanted.
    pub(super) fn before(&self, wanted: impl Fn(ClauseSet) -> bool) -> impl Iterator<Item = (&dyn FileSystem, Permit)> {
        let mut runs = self.runs.iter().peekable();
        let mut filesystem = None;
        self.permits.before(wanted).filter_map(move |(number, permit)| {
            while let Some((_, run)) = runs.next_if(|(first, _)| *first <= number) {
                filesystem = Some(run.filesystem.as_ref());
            }
            Some((filesystem?, permit))
        })
    }
}

impl IntoIterator for Tasks {
    type Item = Task;
    type IntoIter = IntoTasks;

    fn into_iter(self) -> IntoTasks {
        let (mut runs, permits) = (self.runs.into_iter(), self.permits.into_iter());
        let run = runs.next().map(|(_, run)| run);
        IntoTasks { next: runs.next(), runs, run, permits, taken: 0 }
    }
}

/// Hands the tasks over, in their order.
pub(super) struct IntoTasks {
    runs: std::vec::IntoIter<(usize, Run)>,
    /// That of the task to be taken now, and the one after it.
    run: Option<Run>,
    next: Option<(usize, Run)>,
    permits: IntoPermits,
    taken: usize,
}

impl Iterator for IntoTasks {
    type Item = Task;

    fn next(&mut self) -> Option<Task> {
        let permit = self.permits.next()?;
        if let Some((_, run)) = self.next.take_if(|(first, _)| *first == self.taken) {
            self.run = Some(run);
            self.next = self.runs.next();
        }
        self.taken += 1;
        let Run { source, volume, filesystem } = self.run.clone()?;
        Some(Task { source, volume, filesystem, permit })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.permits.size_hint()
    }
}

impl ExactSizeIterator for IntoTasks {}

/// What the walk over all sources came to.
#[derive(Default)]
pub(super) struct Reach {
    pub(super) tasks: Tasks,
    pub(super) clauses: BTreeMap<usize, Tally>,
    /// Files withheld and undecided, each once.
    pub(super) withheld: u64,
    pub(super) undecided: u64,
    /// Bytes that the permitted files hold, as their file systems state it.
    pub(super) bytes: u64,
    /// For the provider's own audit: what was not opened, and why.
    pub(super) notes: Vec<(usize, StaffPath, String)>,
}

impl Reach {
    /// Walks every source.
    pub(super) fn of(scope: &Scope, sources: &[Source], meter: &Meter<'_>) -> Result<Self, ExtractError> {
        let mut reach = Self::default();
        for (index, source) in sources.iter().enumerate() {
            reach.walk(scope, index, source, meter)?;
        }
        Ok(reach)
    }

    fn walk(&mut self, scope: &Scope, index: usize, source: &Source, meter: &Meter<'_>) -> Result<(), ExtractError> {
        for (_, _, clauses) in source.journals(scope, index).filter(|(_, state, _)| *state == Journal::NotReplayed) {
            self.short(clauses, ShortfallKind::JournalNotReplayed);
        }
        let mut check = PathCheck::new(scope, index);
        source.roots().for_each(|root| check.mounted(&root));
        let walked = source.walk(scope, index, &mut |found| {
            match found {
                Found::Entry { volume, filesystem, entry } => {
                    check.observe(&entry);
                    if !scope.withheld_inside(index, &entry).is_empty() {
                        // Nobody has looked whether the path goes on in it.
                        check.unlisted(&entry);
                    }
                    self.decided(index, volume, filesystem, scope.decide(index, entry));
                }
                Found::Unlisted { folder, error, .. } => {
                    check.unlisted(&folder);
                    let kind = ShortfallKind::of(&error, ShortfallKind::UnreadableFolder);
                    self.short(scope.clauses_below(index, &folder), kind);
                    self.notes.push((index, folder.staff_path(), format!("folder not listed to its end: {error}")));
                }
                Found::Unopened { archive, clauses, error, .. } => {
                    let is_bound = matches!(error, ReadError::Limit { .. });
                    let otherwise = if is_bound { ShortfallKind::ArchiveLimit } else { ShortfallKind::UnreadableFile };
                    self.short(clauses, ShortfallKind::of(&error, otherwise));
                    self.notes.push((index, archive.staff_path(), format!("archive not opened: {error}")));
                }
            }
            if meter.go_on().is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        if walked.is_break() {
            meter.go_on()?;
        }
        for (clause, problem, count) in check.finish() {
            let kind = match problem {
                PathProblem::Missing => ShortfallKind::NoSuchPath,
                PathProblem::Link => ShortfallKind::LinkNotFollowed,
                PathProblem::Special => ShortfallKind::SpecialFile,
                PathProblem::Folder => ShortfallKind::IsAFolder,
                PathProblem::Misplaced => ShortfallKind::NotTheFormat,
            };
            (0..count).for_each(|_| self.short(ClauseSet::one(clause), kind));
        }
        Ok(())
    }

    fn decided(&mut self, source: usize, volume: usize, filesystem: &Arc<dyn FileSystem>, decision: EntryDecision) {
        let EntryDecision { whole, records, withheld, undecided, unreadable, path } = decision;
        let is_taken = whole.is_some();
        for permit in [whole, records].into_iter().flatten() {
            self.bytes = self.bytes.saturating_add(permit.size_bytes()).saturating_add(permit.beside_bytes());
            self.tasks.push(source, volume, filesystem, permit);
        }
        withheld.iter().for_each(|clause| self.clauses.entry(clause).or_default().withheld += 1);
        undecided.iter().for_each(|clause| self.clauses.entry(clause).or_default().undecided += 1);
        self.short(unreadable, ShortfallKind::UnreadableFile);
        let note = if !withheld.is_empty() {
            self.withheld += 1;
            "withheld by path"
        } else if !unreadable.is_empty() {
            "metadata not readable"
        } else if !undecided.is_empty() {
            self.undecided += u64::from(!is_taken);
            "window not decided"
        } else {
            return;
        };
        self.notes.extend(path.map(|path| (source, path, note.to_owned())));
    }

    fn short(&mut self, clauses: ClauseSet, kind: ShortfallKind) {
        clauses.iter().for_each(|clause| self.clauses.entry(clause).or_default().short(kind));
    }
}
