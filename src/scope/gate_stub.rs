//! stub
use super::{ClauseSet, Entry, Fields, InScope, Permit, Provenance, RawRecord, Record, Stamp, Verdict};
use crate::order::{Order, Provider};

/// Scope
pub struct Scope {}

/// What the clauses make of an entry.
#[derive(Debug, Default)]
pub struct EntryDecision {
    /// Leave to take the whole file.
    pub whole: Option<Permit>,
    /// Leave to take records of it.
    pub records: Option<Permit>,
    /// The clauses that a withhold by path stopped.
    pub withheld: ClauseSet,
    /// The clauses that cannot be decided.
    pub undecided: ClauseSet,
}

impl Scope {
    /// compile
    pub fn compile(_order: &Order, _provider: Option<&Provider>) -> Self {
        unimplemented!()
    }
    /// The walk may stop at this folder: nothing below can be in.
    pub fn descends(&self, _source: usize, _folder: &Entry) -> bool {
        unimplemented!()
    }
    /// decide
    pub fn decide(&self, _source: usize, _entry: Entry) -> EntryDecision {
        unimplemented!()
    }
    /// What one clause says of a record, withholds aside (verify, explain).
    pub fn record_verdict(&self, _clause: usize, _fields: &dyn Fields) -> Verdict {
        unimplemented!()
    }
    /// What one clause says of a path.
    pub fn path_matches(&self, _clause: usize, _path: &[u8]) -> bool {
        unimplemented!()
    }
}

/// Passes or stops the records of one stream.
pub struct RecordGate<'s> {
    _s: &'s Scope,
}

/// What the gate says of one record.
pub enum Judgement<'a> {
    /// It may leave.
    In(InScope<Record<'a>>),
    /// These clauses ask for it, and a withhold stops it.
    Withheld(ClauseSet),
    /// These clauses cannot be decided.
    Undecided(ClauseSet),
    /// No clause asks for it.
    Outside,
}

impl<'s> RecordGate<'s> {
    pub(in crate::scope) fn new(_s: &'s Scope, _source: usize, _clauses: ClauseSet, _e: Entry) -> Self {
        Self { _s }
    }
    /// judge
    pub fn judge<'a>(&self, _raw: RawRecord<'a>) -> Judgement<'a> {
        unimplemented!()
    }
    /// The clauses under which records of it may be taken.
    pub fn clauses(&self) -> ClauseSet {
        unimplemented!()
    }
    /// Where the stream was found, if anything of it was let out.
    pub fn finish(self) -> Option<InScope<Provenance>> {
        unimplemented!()
    }
}

/// Passes or stops one whole file.
pub struct WholeGate<'s> {
    _s: &'s Scope,
}
impl<'s> WholeGate<'s> {
    pub(in crate::scope) fn new(_s: &'s Scope, _source: usize, _clauses: ClauseSet, _e: Entry) -> Self {
        Self { _s }
    }
    /// Shows the gate the next bytes of the file.
    pub fn observe(&mut self, _bytes: &[u8]) {
        unimplemented!()
    }
    /// All bytes were seen: None, a withhold stops it.
    pub fn finish(self) -> Option<InScope<(Provenance, Stamp)>> {
        unimplemented!()
    }
}
