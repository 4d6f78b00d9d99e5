//! The report: what was disclosed, in words and pictures, for people and for programs.
//!
//! **Invariant:** a [`Report`] is made from a [`Disclosure`] alone, and one disclosure has one report: no date of the run, no
//! script, no resource from elsewhere.

mod chart;
mod escape;
mod page;
mod section;
mod words;

use serde::Serialize;

use crate::digest::Digest;
use crate::ledger::{self, ClauseFacts, ClauseWords, Disclosure, OrderFacts, Shortfall, SourceFacts, Totals};
use chart::Chart;

/// The value of `format` in `report.json`.
pub const FORMAT: &str = "extract-report/1";

/// A report of a disclosure.
pub struct Report<'d> {
    disclosure: &'d Disclosure,
    chart: Chart,
}

/// `report.json`.
#[derive(Serialize)]
struct Json<'d> {
    format: &'static str,
    digest: Option<Digest>,
    complete: bool,
    order: Head<'d>,
    clauses: Vec<Clause<'d>>,
    totals: Totals,
    exhibits: u64,
    shortfalls: Vec<Short<'d>>,
    sources: &'d [SourceFacts],
    timeline: Times,
}

/// The order, apart from its clauses.
#[derive(Serialize)]
struct Head<'d> {
    id: &'d str,
    legal_basis: &'d str,
    authority: &'d str,
    court: Option<&'d str>,
    reference: &'d str,
    made: &'d str,
    served: crate::clock::Timestamp,
    due: &'d str,
    expires: Option<&'d str>,
    zone: &'d str,
}

/// A clause's words beside what became of it.
#[derive(Serialize)]
struct Clause<'d> {
    asked: &'d ClauseWords,
    answered: &'d ClauseFacts,
    words: &'static str,
}

#[derive(Serialize)]
struct Short<'d> {
    #[serde(flatten)]
    shortfall: &'d Shortfall,
    words: &'static str,
}

#[derive(Serialize)]
struct Times {
    unit: String,
    without_time: u64,
    counts: Vec<Count>,
}

#[derive(Serialize)]
struct Count {
    from: String,
    clause: String,
    count: u64,
}

impl<'d> Report<'d> {
    /// The report of that disclosure.
    pub fn of(disclosure: &'d Disclosure) -> Self {
        Self { disclosure, chart: Chart::of(disclosure.summary.timeline()) }
    }

    /// `report.json`.
    pub fn json(&self) -> serde_json::Result<Vec<u8>> {
        let Disclosure { order, statement, summary } = self.disclosure;
        let clauses = order.clauses.iter().zip(&statement.clauses);
        ledger::line(&Json {
            format: FORMAT,
            digest: statement.digest,
            complete: statement.is_complete(),
            order: head(order),
            clauses: clauses
                .map(|(asked, answered)| Clause { asked, answered, words: answered.outcome.words() })
                .collect(),
            totals: statement.totals,
            exhibits: summary.exhibits(),
            shortfalls: statement
                .shortfalls
                .iter()
                .map(|shortfall| Short { shortfall, words: shortfall.kind.words() })
                .collect(),
            sources: &statement.sources,
            timeline: Times {
                unit: self.chart.unit_words(),
                without_time: self.chart.without_time(),
                counts: self
                    .chart
                    .counts()
                    .map(|(from, clause, count)| Count { from, clause: self.clause_id(clause), count })
                    .collect(),
            },
        })
    }

    /// `report.html`.
    pub fn html(&self) -> String {
        page::html(self)
    }

    fn clause_id(&self, clause: usize) -> String {
        self.disclosure.order.clauses.get(clause).map(|clause| clause.id.clone()).unwrap_or_default()
    }
}

fn head(order: &OrderFacts) -> Head<'_> {
    Head {
        id: &order.id,
        legal_basis: order.legal_basis,
        authority: &order.authority,
        court: order.court.as_deref(),
        reference: &order.reference,
        made: &order.made,
        served: order.served,
        due: &order.due,
        expires: order.expires.as_deref(),
        zone: order.zone,
    }
}
