//! What a run came to: counts by clause, added up in the order of the streams.
//!
//! **Invariant:** every outcome of every stream is counted here once, and the package is closed with these counts.

use super::reach::Reach;
use super::stream::Outcome;
use crate::digest::Digest;
use crate::ledger::{JournalFacts, ShortfallKind, SourceFacts, StreamTally, Tally};
use crate::order::Order;
use crate::package::Facts;
use crate::scope::Scope;
use crate::source::Source;

/// The counts of a run.
pub(super) struct Account {
    clauses: Vec<Tally>,
    withheld: u64,
    undecided: u64,
    streams: StreamTally,
}

impl Account {
    /// Begins with what the walk came to.
    pub(super) fn new(order: &Order, reach: &Reach) -> Self {
        let clauses = (0..order.clauses.len()).map(|at| reach.clauses.get(&at).cloned().unwrap_or_default()).collect();
        Self { clauses, withheld: reach.withheld, undecided: reach.undecided, streams: StreamTally::default() }
    }

    /// Adds one stream.
    pub(super) fn add(&mut self, outcome: &Outcome) {
        for (&clause, tally) in &outcome.clauses {
            if let Some(sum) = self.clauses.get_mut(clause) {
                sum.merge(tally);
            }
        }
        self.withheld += outcome.withheld;
        self.undecided += outcome.undecided;
        self.streams.merge(&outcome.trace.bytes);
    }

    /// All streams have been added.
    pub(super) fn close(&mut self) {
        for tally in &mut self.clauses {
            let count = tally.names_not_met.as_ref().map_or(0, |names| names.len());
            (0..count).for_each(|_| tally.short(ShortfallKind::NoSuchColumn));
        }
    }

    /// What each clause came to.
    pub(super) fn tallies(&self) -> &[Tally] {
        &self.clauses
    }

    /// What the package cannot count itself.
    pub(super) fn facts(self, scope: &Scope, sources: &[Source], digests: &[Option<Digest>]) -> Facts {
        let sources = sources.iter().enumerate().zip(digests).map(|((index, source), digest)| SourceFacts {
            name: source.name.clone(),
            kind: source.kind.name().to_owned(),
            bytes: source.stored_bytes(),
            sha256: *digest,
            journal: journals(scope, index, source),
        });
        Facts {
            sources: sources.collect(),
            clauses: self.clauses,
            withheld: self.withheld,
            undecided: self.undecided,
            streams: self.streams,
        }
    }
}

/// Of the file systems that a clause's path reaches.
fn journals(scope: &Scope, index: usize, source: &Source) -> Vec<JournalFacts> {
    let reached = source.journals(scope, index);
    reached.map(|(volume, state, _)| JournalFacts { volume: volume.to_owned(), state }).collect()
}
