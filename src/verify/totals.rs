//! Counting again what the exhibits come to, clause by clause, and holding `disclosure.json` against it.
//!
//! What was withheld or undecided left no trace in a package: those counts are taken as stated, and the outcome must
//! follow from them.
//!
//! **Invariant:** memory is bounded by the number of clauses.

use super::check::{Check, Findings};
use crate::ledger::{Counts, ExhibitLine, Outcome, Shortfall, Statement, Tally};
use crate::order::Order;
use crate::package::layout::Member;
use crate::scope::ClauseSet;

/// What the exhibits come to.
#[derive(Debug, Default)]
pub(super) struct Recount {
    total: Counts,
    clauses: Vec<Counts>,
    /// The stream of the exhibit before, and the clauses that it has been counted for.
    stream: Option<(String, Option<String>, String, Option<String>)>,
    counted: ClauseSet,
}

impl Recount {
    /// Of an order with so many clauses.
    pub fn new(clauses: usize) -> Self {
        Self { clauses: vec![Counts::default(); clauses], ..Self::default() }
    }

    /// One exhibit, its clauses, and its size. Exhibits of one stream stand together.
    pub fn exhibit(&mut self, line: &ExhibitLine, clauses: ClauseSet, size_bytes: u64) {
        let stream = (line.source.clone(), line.volume.clone(), line.path.clone(), line.path_base64.clone());
        if self.stream.as_ref() != Some(&stream) {
            self.stream = Some(stream);
            self.counted = ClauseSet::EMPTY;
            self.total.files = self.total.files.saturating_add(1);
        }
        for clause in clauses.iter().filter(|clause| !self.counted.contains(*clause)) {
            if let Some(counts) = self.clauses.get_mut(clause) {
                counts.files = counts.files.saturating_add(1);
            }
        }
        self.counted = self.counted.union(clauses);
        self.total.bytes = self.total.bytes.saturating_add(size_bytes);
    }

    /// A record or a message of `bytes` bytes. A record's clauses are among those of its exhibit.
    pub fn record(&mut self, clauses: ClauseSet, bytes: u64) {
        self.total.records = self.total.records.saturating_add(1);
        for clause in clauses.iter() {
            if let Some(counts) = self.clauses.get_mut(clause) {
                counts.records = counts.records.saturating_add(1);
                counts.bytes = counts.bytes.saturating_add(bytes);
            }
        }
    }

    /// A whole file of `bytes` bytes.
    pub fn file(&mut self, clauses: ClauseSet, bytes: u64) {
        for clause in clauses.iter() {
            if let Some(counts) = self.clauses.get_mut(clause) {
                counts.bytes = counts.bytes.saturating_add(bytes);
            }
        }
    }

    /// Holds the statement against the count. The statement names the order's clauses, in their order.
    pub fn compare(&self, order: &Order, statement: &Statement, findings: &mut Findings) {
        let (stated, counted) = (&statement.totals, &self.total);
        let rows = [
            ("files", stated.files, counted.files),
            ("records", stated.records, counted.records),
            ("bytes", stated.bytes, counted.bytes),
        ];
        for (what, stated, counted) in rows.into_iter().filter(|(_, stated, counted)| stated != counted) {
            findings.member(Check::Totals, Member::Disclosure, || {
                format!("it states {stated} {what} in all, and the exhibits come to {counted}")
            });
        }
        for (facts, counted) in statement.clauses.iter().zip(&self.clauses) {
            let rows = [
                ("files", facts.files, counted.files),
                ("records", facts.records, counted.records),
                ("bytes", facts.bytes, counted.bytes),
            ];
            for (what, stated, counted) in rows.into_iter().filter(|(_, stated, counted)| stated != counted) {
                findings.clause(Check::Totals, Member::Disclosure, &facts.id, || {
                    format!(
                        "it states {stated} {what} under this clause, and the exhibits that name it come to {counted}"
                    )
                });
            }
            let mut tally = Tally { withheld: facts.withheld, undecided: facts.undecided, ..Tally::default() };
            for short in statement.shortfalls.iter().filter(|short| short.clause == facts.id) {
                tally.shortfalls.insert(short.kind, short.count);
            }
            let outcome = Outcome::of(counted, &tally);
            if outcome != facts.outcome {
                findings.clause(Check::Totals, Member::Disclosure, &facts.id, || {
                    format!("it states the outcome {}, and what it counts makes it {outcome}", facts.outcome)
                });
            }
        }
        self.bounds(order, statement, findings);
    }

    /// What must hold of the counts that leave no trace, and of the tripwires.
    fn bounds(&self, order: &Order, statement: &Statement, findings: &mut Findings) {
        let place = |short: &Shortfall| {
            let clause = order.clauses.iter().position(|clause| clause.id == short.clause);
            (clause.unwrap_or(usize::MAX), short.kind)
        };
        let ascending = statement.shortfalls.windows(2).all(|pair| match pair {
            [a, b] => place(a) < place(b),
            _ => true,
        });
        if !ascending || statement.shortfalls.iter().any(|short| short.count == 0) {
            findings.member(Check::Totals, Member::Disclosure, || {
                "its shortfalls are not listed once each, by clause and kind, each with a count".into()
            });
        }
        for (what, total, counts) in [
            ("withheld", statement.totals.withheld, statement.clauses.iter().map(|c| c.withheld).collect::<Vec<_>>()),
            ("undecided", statement.totals.undecided, statement.clauses.iter().map(|c| c.undecided).collect()),
        ] {
            let most = counts.iter().fold(0, |sum: u64, count| sum.saturating_add(*count));
            // One item may count for several clauses, and counts once in all; what another clause admits is not undecided.
            let least = if what == "withheld" { counts.iter().copied().max().unwrap_or(0) } else { 0 };
            if total > most || total < least {
                findings.member(Check::Totals, Member::Disclosure, || {
                    format!("it states {total} items {what} in all, and its clauses leave only {least} to {most}")
                });
            }
        }
        for (clause, counted) in order.clauses.iter().zip(&self.clauses) {
            let limits = [
                ("files", clause.limit.files, counted.files),
                ("records", clause.limit.records, counted.records),
                ("bytes", clause.limit.bytes, counted.bytes),
            ];
            for (what, limit, counted) in limits {
                if let Some(limit) = limit.filter(|limit| counted > *limit) {
                    findings.clause(Check::Totals, Member::Exhibits, &clause.id, || {
                        format!("{counted} {what} are disclosed under this clause, whose limit in the order is {limit}")
                    });
                }
            }
        }
    }
}
