//! Leave to open one entry once, and what its reading may turn into.
//!
//! A decision on an entry gives a [`Permit`]; a file system spends it and gives an [`Opened`] stream; the stream comes
//! apart into a reader and a gate, and only the gate makes an [`InScope`].
//!
//! **Invariant:** content is opened with a permit or not at all, and a permit is spent by its use.

use std::io::Read;

use super::entry::{Entry, Node, StaffPath};
use super::{Beside, ClauseSet, FileTimes, JoinSurvey, MaildirPlace, RecordGate, Scope, WholeGate, YearFacts};

/// A permitted stream's bytes.
pub type Stream = Box<dyn Read + Send>;

/// How a permitted entry is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::scope) enum Taking {
    /// As a whole.
    Whole,
    /// By its records.
    Records,
    /// For what it tells of the source: nothing of it is ever an exhibit.
    Structure,
}

/// Leave to open one entry once.
///
/// It cannot be made outside the gate:
///
/// ```compile_fail,E0624
/// fn forge(entry: extract::scope::Entry, scope: &extract::scope::Scope) {
///     let _ = extract::scope::Permit::new(entry, 0, extract::scope::ClauseSet::one(0));
/// }
/// ```
/// and it is spent when used:
/// ```compile_fail,E0382
/// fn twice(fs: &dyn extract::filesystem::FileSystem, permit: extract::scope::Permit) {
///     let _ = fs.open(permit);
///     let _ = fs.open(permit);
/// }
/// ```
/// What compiles is to spend it:
/// ```
/// fn once(fs: &dyn extract::filesystem::FileSystem, permit: extract::scope::Permit) {
///     let _ = fs.open(permit);
/// }
/// ```
pub struct Permit {
    entry: Entry,
    grant: Grant,
}

/// What a permit allows, apart from what it is for: many permits have the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::scope) struct Grant {
    /// Index into the order's sources.
    pub(in crate::scope) source: usize,
    /// The clauses that gave it.
    pub(in crate::scope) clauses: ClauseSet,
    pub(in crate::scope) taking: Taking,
}

impl Permit {
    pub(in crate::scope) fn new(entry: Entry, source: usize, clauses: ClauseSet, taking: Taking) -> Self {
        Self { entry, grant: Grant { source, clauses, taking } }
    }

    /// Its parts, for keeping; [`Permit::joined`] puts them together again.
    pub(in crate::scope) fn apart(self) -> (Entry, Grant) {
        (self.entry, self.grant)
    }

    pub(in crate::scope) fn joined(entry: Entry, grant: Grant) -> Self {
        Self { entry, grant }
    }

    /// The file system's own words for the entry.
    pub fn node(&self) -> &Node {
        self.entry.node()
    }

    /// The size that the file system states.
    pub fn size_bytes(&self) -> u64 {
        self.entry.size_bytes()
    }

    /// The clauses that gave it.
    pub fn clauses(&self) -> ClauseSet {
        self.grant.clauses
    }

    /// For the provider's own terminal and audit.
    pub fn staff_path(&self) -> StaffPath {
        self.entry.staff_path()
    }

    /// It is for the whole file, not for its records.
    pub fn is_whole(&self) -> bool {
        self.grant.taking == Taking::Whole
    }

    /// Leave to read the same entry once before, for what it tells of its own records (the year of stamps that have none):
    /// nothing that is read by it is ever an exhibit.
    pub fn before(&self) -> Self {
        Self { entry: self.entry.duplicate(), grant: Grant { taking: Taking::Structure, ..self.grant } }
    }

    /// What stands beside the entry and belongs to it, once.
    pub fn beside(&mut self) -> Beside {
        Beside::new(self.entry.take_beside(), self.grant)
    }

    /// What that holds, as the file system states it.
    pub fn beside_bytes(&self) -> u64 {
        self.entry.beside_bytes()
    }

    /// Spends the permit on a stream.
    pub fn opened(self, stream: Stream) -> Opened {
        Opened { permit: self, stream }
    }
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permit").field("clauses", &self.grant.clauses).finish_non_exhaustive()
    }
}

/// A permitted stream, open.
pub struct Opened {
    permit: Permit,
    stream: Stream,
}

impl Opened {
    /// The stream, and the gate that its records must pass. None for a permit of the other kind.
    pub fn into_records(self, scope: &Scope) -> Option<(RecordGate<'_>, Stream)> {
        let Permit { entry, grant: Grant { source, clauses, taking } } = self.permit;
        (taking == Taking::Records).then(|| (RecordGate::new(scope, source, clauses, entry), self.stream))
    }

    /// The stream alone, where it was opened for what it tells of the source (an archive's members, a table of mounts):
    /// there is no gate, so nothing of it can be admitted. None for a permit of another kind.
    pub fn into_structure(self) -> Option<Stream> {
        (self.permit.grant.taking == Taking::Structure).then_some(self.stream)
    }

    /// The stream, a survey of its transactions, and what is known of its years, where it was opened for what it tells of
    /// its own records. None for a permit of another kind.
    pub fn into_join(self, scope: &Scope) -> Option<(JoinSurvey<'_>, Stream, YearFacts)> {
        let Permit { entry, grant: Grant { source, clauses, taking } } = self.permit;
        let survey = (taking == Taking::Structure).then(|| JoinSurvey::new(scope, source, clauses))?;
        Some((survey, self.stream, YearFacts::of(scope, source, clauses, &entry)))
    }

    /// The stream, and the gate that the file must pass. None for a permit of the other kind.
    pub fn into_whole(self, scope: &Scope) -> Option<(WholeGate<'_>, Stream)> {
        let Permit { entry, grant: Grant { source, clauses, taking } } = self.permit;
        (taking == Taking::Whole).then(|| (WholeGate::new(scope, source, clauses, entry), self.stream))
    }
}

/// What may be said of where an admitted item was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Index into the order's sources.
    pub source: usize,
    /// The server's path, in bytes.
    pub path: Vec<u8>,
    /// The file's times.
    pub times: FileTimes,
    /// Where it stands with regard to a Maildir.
    pub maildir: MaildirPlace,
}
