//! The disclosure: the order, `disclosure.json` and a summary of the ledger, which is all that a report is made of.
//!
//! **Invariant:** a [`Disclosure`] can be rebuilt from the members of a package alone, and its size does not grow with
//! what was disclosed.

use serde::Serialize;

use super::{ExhibitLine, Reduced, Statement, TakeName, Timeline, json};
use crate::clock::Timestamp;
use crate::digest::Digest;
use crate::limits;
use crate::order::{Clause, Clock, Format, Identifier, Join, Order, Take, Target};
use crate::scope::ClauseSet;

/// All that may be said.
#[derive(Clone, Debug)]
pub struct Disclosure {
    /// The order, in words.
    pub order: OrderFacts,
    /// `disclosure.json`, with its digest.
    pub statement: Statement,
    /// The ledger, summed up.
    pub summary: Summary,
}

impl Disclosure {
    /// SHA-256 of `disclosure.json` without the member `digest`.
    pub fn digest(&self) -> serde_json::Result<Digest> {
        self.statement.computed_digest()
    }
}

/// `disclosure.json` and the two counts that only the provider may see: what `--dry-run --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Preview<'d> {
    /// The members of `disclosure.json`, `digest` included.
    #[serde(flatten)]
    pub statement: &'d Statement,
    /// Bytes of opened streams that no clause asks for.
    pub outside: u64,
    /// Bytes of opened streams.
    pub examined: u64,
}

impl Preview<'_> {
    /// As one line of JSON.
    pub fn line(&self) -> serde_json::Result<Vec<u8>> {
        json::line(self)
    }
}

/// What the order says, in words that a report may print.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OrderFacts {
    /// Its id.
    pub id: String,
    /// The name of its legal basis.
    pub legal_basis: &'static str,
    /// Who asks.
    pub authority: String,
    /// The court, where one is named.
    pub court: Option<String>,
    /// The authority's own reference.
    pub reference: String,
    /// The day it was made.
    pub made: String,
    /// When it was served.
    pub served: Timestamp,
    /// How long after service it is due.
    pub due: String,
    /// The last day on which it may be run.
    pub expires: Option<String>,
    /// The zone of its dates.
    pub zone: &'static str,
    /// Its clauses.
    pub clauses: Vec<ClauseWords>,
}

/// Whether the other records of a transaction are taken with the one that a clause asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transactions {
    /// They are.
    Joined,
    /// They are not: what they hold of the same message is not in the answer.
    NotIncluded,
}

/// A clause in words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ClauseWords {
    /// Its id.
    pub id: String,
    /// The order's words, verbatim.
    pub text: String,
    /// The name of its source.
    pub source: String,
    /// The category of data.
    pub category: &'static str,
    /// Whole files or records.
    pub take: TakeName,
    /// The format of the records, where the clause names one.
    #[serde(with = "json::format")]
    pub format: Option<Format>,
    /// Where its format has transactions: whether their other records are taken too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transactions: Option<Transactions>,
    /// Where it asks for less than the records: for what of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reduced: Option<Reduced>,
    /// Its paths.
    pub paths: Vec<String>,
    /// Any one of these; empty = any record.
    pub identifiers: Vec<String>,
    /// And also one of these; empty = no such condition.
    pub with: Vec<String>,
    /// Its window in UTC; null = any time.
    pub window: Option<WindowWords>,
}

/// A window in words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct WindowWords {
    /// The first instant inside.
    pub from: Timestamp,
    /// The first instant after it.
    pub before: Timestamp,
    /// Whose time is compared.
    pub clock: &'static str,
}

impl OrderFacts {
    /// What a report may say of an order: all that `order.toml` holds, in the package byte for byte, already says.
    pub fn of(order: &Order) -> Self {
        let clauses = order.clauses.iter().map(|clause| clause_words(order, clause)).collect();
        Self {
            id: order.id.clone(),
            legal_basis: order.legal_basis.name(),
            authority: order.authority.clone(),
            court: order.court.clone(),
            reference: order.reference.clone(),
            made: order.made.to_string(),
            served: order.served,
            due: order.due.clone(),
            expires: order.expires.map(|day| day.to_string()),
            zone: order.zone.name(),
            clauses,
        }
    }
}

fn transactions(clause: &Clause) -> Option<Transactions> {
    let Take::Records(records) = &clause.take else { return None };
    if records.join.is_some() {
        return Some(Transactions::Joined);
    }
    let has_some = records.format.is_some_and(|format| Join::ALL.iter().any(|join| format.has_join(*join)));
    (has_some && !records.identifiers.is_empty()).then_some(Transactions::NotIncluded)
}

fn clause_words(order: &Order, clause: &Clause) -> ClauseWords {
    let (take, format, identifiers, with) = match &clause.take {
        Take::Files => (TakeName::Files, None, Vec::new(), Vec::new()),
        Take::Records(records) => (
            TakeName::Records,
            records.format,
            records.identifiers.iter().map(target_words).collect(),
            records.with.iter().map(target_words).collect(),
        ),
    };
    ClauseWords {
        id: clause.id.clone(),
        text: clause.text.clone(),
        source: order.sources.get(clause.source).map(|source| source.name.clone()).unwrap_or_default(),
        category: clause.category.name(),
        take,
        format,
        transactions: transactions(clause),
        reduced: clause.reduction().map(|reduction| Reduced::of(reduction, None)),
        paths: clause.paths.clone(),
        identifiers,
        with,
        window: clause.window.map(|window| WindowWords {
            from: window.from,
            before: window.before,
            clock: window.clock.name(),
        }),
    }
}

/// An identifier and its roles in words: `email alice@shop.example in from, to`.
fn target_words(target: &Target) -> String {
    let kind = target.identifier.kind();
    let value = match &target.identifier {
        Identifier::Email(address) => format!("{}@{}", address.local, address.domain),
        Identifier::Domain(domain) => domain.clone(),
        Identifier::Subdomains(domain) => format!(".{domain}"),
        Identifier::Ip(ip) => ip.to_string(),
        Identifier::Cidr(network) => network.to_string(),
        Identifier::IpPort(ip, port) => format!("{ip}, {port}"),
        Identifier::Account(text) | Identifier::Host(text) | Identifier::MessageId(text) | Identifier::Token(text) => {
            text.clone()
        }
    };
    let roles: Vec<&str> = target.roles.iter().map(|role| role.name()).collect();
    if roles.is_empty() { format!("{kind} {value}") } else { format!("{kind} {value} in {}", roles.join(", ")) }
}

/// The ledger, summed up: the first exhibits, how many there are, and when.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    exhibits: u64,
    listed: Vec<ExhibitLine>,
    listed_bytes: usize,
    full: bool,
    timeline: Timeline,
}

impl Summary {
    /// Takes in the next exhibit. Its time is counted here unless `records/` holds its times.
    pub fn exhibit(&mut self, line: &ExhibitLine, clauses: ClauseSet) {
        self.exhibits = self.exhibits.saturating_add(1);
        if !line.has_records() {
            self.timeline.add(clauses, line.time);
        }
        // The path is the one member whose length the evidence sets.
        self.full |= self.listed.len() >= limits::REPORT_ROWS
            || self.listed_bytes.saturating_add(line.path.len()) > limits::REPORT_PATH_BYTES;
        if !self.full {
            self.listed_bytes = self.listed_bytes.saturating_add(line.path.len());
            self.listed.push(line.clone());
        }
    }

    /// Takes in one record of an exhibit that has `records/`.
    pub fn record(&mut self, clauses: ClauseSet, time: Option<Timestamp>) {
        self.timeline.add(clauses, time);
    }

    /// Takes in all records of an exhibit that has `records/`.
    pub fn records(&mut self, timeline: &Timeline) {
        self.timeline.merge(timeline);
    }

    /// How many exhibits there are.
    pub fn exhibits(&self) -> u64 {
        self.exhibits
    }

    /// The first of them.
    pub fn listed(&self) -> &[ExhibitLine] {
        &self.listed
    }

    /// When the disclosed items happened.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }
}

impl ExhibitLine {
    /// It is lines of a stream, one by one in `records/NNNNNN.jsonl`.
    pub fn has_records(&self) -> bool {
        self.take == TakeName::Records && self.format.is_some_and(|format| !format.is_mail())
    }

    /// Its time on a clock, as far as the ledger states it.
    pub fn time_on(&self, clock: Clock) -> Option<Timestamp> {
        if self.clock == Some(clock) { self.time } else { self.times.and_then(|times| times.on(clock)) }
    }
}
