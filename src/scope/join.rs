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
use crate::order::{Clock, Format, Join};

/// The transactions that each clause asks for, of all streams.
#[derive(Debug, Default)]
pub struct Joined {
    /// By clause and kind of mark.
    asked: BTreeMap<(usize, Join), Marks>,
    links: BTreeMap<usize, Vec<Link>>,
    count: usize,
}

/// Marks of one kind that one clause asks for.
type Marks = HashMap<Box<[u8]>, Seeds>;

/// What records of a transaction have in common, and of which kind it is.
type Mark<'m> = (Join, &'m [u8]);

/// A record that carries both marks: a message was held under a queue id at that time.
#[derive(Debug)]
struct Link {
    queue_id: Box<[u8]>,
    message_id: Box<[u8]>,
    time: Option<Timestamp>,
}

/// The marks that a record carries, of those which a clause's `join` goes by.
fn marks(join: Join, fields: &dyn Fields) -> impl Iterator<Item = Mark<'_>> {
    let further = (join == Join::MessageId).then_some(Join::QueueId);
    std::iter::once(join).chain(further).filter_map(|join| Some((join, fields.transaction(join)?)))
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
    fn add(
        &mut self,
        clause: usize,
        (join, mark): Mark<'_>,
        time: Option<Timestamp>,
    ) -> Result<(), TooManyTransactions> {
        let marks = self.asked.entry((clause, join)).or_default();
        if let Some(seeds) = marks.get_mut(mark) {
            seeds.add(time);
            return Ok(());
        }
        marks.entry(mark.into()).or_default().add(time);
        self.count += 1;
        self.bounded()
    }

    fn link(&mut self, clause: usize, link: Link) -> Result<(), TooManyTransactions> {
        self.links.entry(clause).or_default().push(link);
        self.count += 1;
        self.bounded()
    }

    fn bounded(&self) -> Result<(), TooManyTransactions> {
        if self.count > limits::JOIN_KEYS { Err(TooManyTransactions) } else { Ok(()) }
    }

    /// All streams have been looked through: what is asked for is followed along the links. They are not needed any more.
    pub fn follow(&mut self) -> Result<(), TooManyTransactions> {
        for (clause, links) in std::mem::take(&mut self.links) {
            for Link { queue_id, message_id, time } in &links {
                self.lead(clause, (Join::QueueId, queue_id), (Join::MessageId, message_id), *time)?;
            }
            for Link { queue_id, message_id, time } in &links {
                self.lead(clause, (Join::MessageId, message_id), (Join::QueueId, queue_id), *time)?;
            }
        }
        Ok(())
    }

    /// Where the one mark is asked for at that time, the other is too; where that is undecided, so is the other at any time.
    fn lead(
        &mut self,
        clause: usize,
        from: Mark<'_>,
        to: Mark<'_>,
        time: Option<Timestamp>,
    ) -> Result<(), TooManyTransactions> {
        match self.verdict(clause, from, time) {
            Verdict::In => self.add(clause, to, time),
            Verdict::Undecided => self.add(clause, to, None),
            Verdict::Out => Ok(()),
        }
    }

    /// The transaction is asked for at that time.
    fn verdict(&self, clause: usize, (join, mark): Mark<'_>, time: Option<Timestamp>) -> Verdict {
        let Some(seeds) = self.asked.get(&(clause, join)).and_then(|marks| marks.get(mark)) else {
            return Verdict::Out;
        };
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
            let Some(join) = clause.join else { continue };
            if marks(join, fields).next().is_none() {
                continue;
            }
            let both = fields.transaction(Join::QueueId).zip(fields.transaction(Join::MessageId));
            let link = both.filter(|_| join == Join::MessageId);
            let is_asked = clause.record(fields) == Verdict::In;
            // The search for what is withheld takes longest: only where something would follow from the record.
            if !(is_asked || link.is_some()) || self.scope.withhold_verdict(fields) != Verdict::Out {
                continue;
            }
            let time = record_time(clause.time(fields, Clock::Record), self.scope.zone(self.source));
            if let Some((queue_id, message_id)) = link {
                joined.link(*at, Link { queue_id: queue_id.into(), message_id: message_id.into(), time })?;
            }
            if is_asked {
                marks(join, fields).try_for_each(|mark| joined.add(*at, mark, time))?;
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
        let has_mark = clause.join.is_some_and(|join| marks(join, fields).next().is_some());
        if has_mark { clause.record_window(fields) } else { Verdict::Out }
    }

    /// What a clause's `join` says of a record.
    pub(in crate::scope) fn joined_verdict(
        &self,
        joined: &Joined,
        source: usize,
        (at, clause): (usize, &ClauseScope),
        fields: &dyn Fields,
    ) -> Verdict {
        let Some(join) = clause.join else { return Verdict::Out };
        let time = || record_time(clause.time(fields, Clock::Record), self.zone(source));
        let asked = marks(join, fields).fold(Verdict::Out, |asked, mark| asked.or(joined.verdict(at, mark, time())));
        match asked {
            Verdict::Out => Verdict::Out,
            near => near.and(clause.record_window(fields)),
        }
    }
}
