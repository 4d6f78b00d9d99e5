//! The transactions of records that clauses ask for: what `join` brings in further records by.
//!
//! A line of a mail server that carries an address carries few other facts; the others of the same transaction carry its
//! queue id alone. A clause with a `join` takes them too: those of its source that carry the id of a record which it asks for
//! by itself, near enough to that record in time that the id is not yet another's, and within the clause's own window.
//!
//! **Invariant:** a record that is withheld or undecided brings in nothing; what is brought in passes window and withholds.

use std::collections::{BTreeMap, HashMap};

use super::clause_scope::{ClauseScope, Taken, record_time};
use super::record::{Fields, RawRecord};
use super::verdict::Verdict;
use super::{ClauseSet, Scope};
use crate::clock::Timestamp;
use crate::limits;
use crate::order::{Clock, Format};

/// The transactions that each clause asks for, of all streams.
#[derive(Debug, Default)]
pub struct Joined {
    clauses: BTreeMap<usize, HashMap<Box<[u8]>, Seeds>>,
    count: usize,
}

/// When the records stand by which a transaction is asked for.
#[derive(Debug, Default)]
struct Seeds {
    /// First and last, of records that are near to one another. In no order.
    spans: Vec<(Timestamp, Timestamp)>,
    /// The time of one is not known.
    untimed: bool,
}

/// More transactions than [`limits::JOIN_KEYS`] are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooManyTransactions;

impl Joined {
    fn add(&mut self, clause: usize, key: &[u8], time: Option<Timestamp>) -> Result<(), TooManyTransactions> {
        let keys = self.clauses.entry(clause).or_default();
        if !keys.contains_key(key) {
            if self.count >= limits::JOIN_KEYS {
                return Err(TooManyTransactions);
            }
            self.count += 1;
            keys.insert(key.into(), Seeds::default());
        }
        if let Some(seeds) = keys.get_mut(key) {
            seeds.add(time);
        }
        Ok(())
    }

    /// The transaction is asked for at that time.
    pub(in crate::scope) fn verdict(&self, clause: usize, key: &[u8], time: Option<Timestamp>) -> Verdict {
        let Some(seeds) = self.clauses.get(&clause).and_then(|keys| keys.get(key)) else { return Verdict::Out };
        let Some(at) = time else { return Verdict::Undecided };
        if seeds.spans.iter().any(|span| is_near(*span, at)) {
            Verdict::In
        } else if seeds.untimed {
            Verdict::Undecided
        } else {
            Verdict::Out
        }
    }
}

impl Seeds {
    fn add(&mut self, time: Option<Timestamp>) {
        let Some(at) = time else {
            self.untimed = true;
            return;
        };
        match self.spans.iter_mut().find(|span| is_near(**span, at)) {
            Some(span) => *span = (span.0.min(at), span.1.max(at)),
            None => self.spans.push((at, at)),
        }
    }
}

fn is_near((first, last): (Timestamp, Timestamp), at: Timestamp) -> bool {
    let seconds = limits::JOIN_SECONDS;
    at.seconds() >= first.seconds() - seconds && at.seconds() <= last.seconds() + seconds
}

/// Looks through a stream for the transactions that clauses ask for. It admits nothing.
#[derive(Debug)]
pub struct JoinSurvey<'s> {
    scope: &'s Scope,
    source: usize,
    clauses: Vec<(usize, &'s ClauseScope)>,
}

impl<'s> JoinSurvey<'s> {
    pub(in crate::scope) fn new(scope: &'s Scope, source: usize, clauses: ClauseSet) -> Self {
        let clauses =
            clauses.iter().filter_map(|at| Some((at, scope.clause(at).filter(|clause| clause.join.is_some())?)));
        Self { scope, source, clauses: clauses.collect() }
    }

    /// The format that the clauses name.
    pub fn format(&self) -> Option<Format> {
        self.clauses.iter().find_map(|(_, clause)| match clause.taken {
            Taken::Records { format, .. } => format,
            Taken::Files => None,
        })
    }

    /// Takes down the transaction of a record that a clause asks for by itself.
    pub fn observe(&self, record: RawRecord<'_>, joined: &mut Joined) -> Result<(), TooManyTransactions> {
        let fields = record.fields;
        for (at, clause) in &self.clauses {
            let Some(key) = clause.join.and_then(|join| fields.transaction(join)) else { continue };
            if clause.record(fields) == Verdict::In && self.scope.withhold_verdict(fields) == Verdict::Out {
                joined.add(*at, key, record_time(clause.time(fields, Clock::Record), self.scope.zone(self.source)))?;
            }
        }
        Ok(())
    }
}

impl Scope {
    /// A clause of the order joins the records of transactions.
    pub fn joins(&self, clauses: ClauseSet) -> bool {
        clauses.iter().any(|at| self.clause(at).is_some_and(|clause| clause.join.is_some()))
    }

    /// Whether a clause may take a record in for its transaction alone: the rest is in the other records. For checking a
    /// package again.
    pub fn may_join(&self, clause: usize, fields: &dyn Fields) -> Verdict {
        let Some(clause) = self.clause(clause) else { return Verdict::Out };
        let has_key = clause.join.is_some_and(|join| fields.transaction(join).is_some());
        if has_key { clause.record_window(fields) } else { Verdict::Out }
    }

    /// What a clause's `join` says of a record.
    pub(in crate::scope) fn joined_verdict(
        &self,
        joined: &Joined,
        source: usize,
        (at, clause): (usize, &ClauseScope),
        fields: &dyn Fields,
    ) -> Verdict {
        let Some(key) = clause.join.and_then(|join| fields.transaction(join)) else { return Verdict::Out };
        let time = record_time(clause.time(fields, Clock::Record), self.zone(source));
        match joined.verdict(at, key, time) {
            Verdict::Out => Verdict::Out,
            near => near.and(clause.record_window(fields)),
        }
    }
}
