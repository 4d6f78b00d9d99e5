//! The limits that an order sets on itself: above one of them the run stops and nothing is sealed.
//!
//! **Invariant:** a run stops if and only if a clause's total is above its limit, whatever the number of threads.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::order::{Limit, Order};
use crate::scope::ClauseSet;

/// A clause came to more than its limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("clause {clause} comes to more than its limit of {limit} {what}")]
pub struct Tripped {
    /// The clause's id.
    pub clause: String,
    /// `records`, `files`, `bytes`.
    pub what: &'static str,
    /// The limit that the order sets.
    pub limit: u64,
}

#[derive(Default)]
struct Count {
    limit: Limit,
    id: String,
    records: AtomicU64,
    files: AtomicU64,
    bytes: AtomicU64,
}

/// The limits of all clauses and how far each has come.
pub(super) struct Tripwires(Vec<Count>);

impl Tripwires {
    pub(super) fn new(order: &Order) -> Self {
        let count =
            |clause: &crate::order::Clause| Count { limit: clause.limit, id: clause.id.clone(), ..Count::default() };
        Self(order.clauses.iter().map(count).collect())
    }

    /// One more record is disclosed under these clauses.
    pub(super) fn record(&self, clauses: ClauseSet, bytes: u64) -> Result<(), Tripped> {
        self.each(clauses, |count| {
            add(&count.records, 1, count.limit.records, "records")?;
            add(&count.bytes, bytes, count.limit.bytes, "bytes")
        })
    }

    /// One more stream gave something under these clauses; `bytes`: those that no record has counted.
    pub(super) fn file(&self, clauses: ClauseSet, bytes: u64) -> Result<(), Tripped> {
        self.each(clauses, |count| {
            add(&count.files, 1, count.limit.files, "files")?;
            add(&count.bytes, bytes, count.limit.bytes, "bytes")
        })
    }

    fn each(
        &self,
        clauses: ClauseSet,
        count: impl Fn(&Count) -> Result<(), (&'static str, u64)>,
    ) -> Result<(), Tripped> {
        for clause in clauses.iter().filter_map(|clause| self.0.get(clause)) {
            count(clause).map_err(|(what, limit)| Tripped { clause: clause.id.clone(), what, limit })?;
        }
        Ok(())
    }
}

fn add(total: &AtomicU64, more: u64, limit: Option<u64>, what: &'static str) -> Result<(), (&'static str, u64)> {
    let Some(limit) = limit else { return Ok(()) };
    let before = total.fetch_add(more, Ordering::Relaxed);
    if before.saturating_add(more) > limit { Err((what, limit)) } else { Ok(()) }
}
