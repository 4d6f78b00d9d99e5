//! By which comparison an entry or a record is in, outside, withheld or undecided: for the provider's staff.
//!
//! It is made of the very comparisons that decide ([`ClauseScope`]); a test holds the two against each other.
//!
//! **Invariant:** an explanation says only which comparison of the order went which way; it quotes no content.

use super::clause_scope::{ClauseScope, Taken};
use super::entry::{Entry, EntryKind, MaildirPlace};
use super::gate::{RecordGate, Scope};
use super::record::Fields;
use super::{ClauseSet, Verdict};

/// One comparison that a clause makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// The path with the clause's globs.
    Path,
    /// What stands there with what can be taken: a regular file.
    Kind,
    /// The place in a Maildir.
    Maildir,
    /// The file's or record's time with the window.
    Window,
    /// The record with the identifiers.
    Identifiers,
    /// The record with `with`.
    With,
    /// The record's table and columns with `rows`.
    Rows,
    /// What can be read of the record with `unit` or `fields`.
    Form,
}

impl Comparison {
    /// What is compared, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Kind => "a regular file",
            Self::Maildir => "a message of a Maildir",
            Self::Window => "window",
            Self::Identifiers => "identifiers",
            Self::With => "with",
            Self::Rows => "rows",
            Self::Form => "what it asks for of it",
        }
    }
}

/// What one clause says, comparison by comparison.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClauseExplanation {
    /// Index into the order's clauses.
    pub clause: usize,
    /// In the order in which they are made.
    pub comparisons: Vec<(Comparison, Verdict)>,
    /// What they make together.
    pub verdict: Verdict,
}

/// What all clauses say, and the withholds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Explanation {
    /// Every clause on the source.
    pub clauses: Vec<ClauseExplanation>,
    /// What the withholds say, where a clause asks or may ask.
    pub withhold: Option<Verdict>,
    /// A record that has not the shape of its format: only its whole tokens could be compared.
    pub unparsed: bool,
}

/// What becomes of an entry or a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// A clause asks for it.
    In,
    /// No clause asks for it.
    Outside,
    /// A clause asks for it, and a withhold stops it.
    Withheld,
    /// It cannot be decided.
    Undecided,
}

impl Fate {
    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Outside => "outside",
            Self::Withheld => "withheld",
            Self::Undecided => "undecided",
        }
    }
}

impl Explanation {
    /// What becomes of it, over all clauses and withholds.
    pub fn fate(&self) -> Fate {
        let verdict = self.clauses.iter().fold(Verdict::Out, |verdict, clause| verdict.or(clause.verdict));
        match (verdict, self.withhold.unwrap_or(Verdict::Out)) {
            (Verdict::Out, _) => Fate::Outside,
            (_, Verdict::In) => Fate::Withheld,
            (Verdict::Undecided, _) | (_, Verdict::Undecided) => Fate::Undecided,
            (Verdict::In, Verdict::Out) => Fate::In,
        }
    }
}

impl Scope {
    /// What each clause on the source says of an entry. A clause that takes records says `In` where the entry is to be
    /// opened for them.
    pub fn explain_entry(&self, source: usize, entry: &Entry) -> Explanation {
        let clauses: Vec<_> = self
            .clauses_of(source)
            .map(|(at, clause)| {
                let comparisons = entry_comparisons(clause, entry);
                ClauseExplanation { clause: at, verdict: combined(&comparisons), comparisons }
            })
            .collect();
        let asked = clauses.iter().any(|clause| clause.verdict != Verdict::Out);
        let withhold = asked.then(|| Verdict::from_bool(self.path_is_withheld(entry)));
        Explanation { clauses, withhold, unparsed: false }
    }

    /// What each of these clauses says of a record: for its gate, and for checking a package again.
    pub fn explain_fields(&self, clauses: ClauseSet, fields: &dyn Fields) -> Explanation {
        let clauses: Vec<_> = clauses
            .iter()
            .filter_map(|at| {
                let clause = self.clause(at)?;
                let comparisons = record_comparisons(clause, fields);
                Some(ClauseExplanation { clause: at, verdict: combined(&comparisons), comparisons })
            })
            .collect();
        let asked = clauses.iter().any(|clause| clause.verdict != Verdict::Out);
        let withhold = asked.then(|| self.withhold_verdict(fields));
        Explanation { clauses, withhold, unparsed: !fields.parsed() }
    }
}

impl RecordGate<'_> {
    /// What each clause that opened the stream says of a record of it.
    pub fn explain(&self, fields: &dyn Fields) -> Explanation {
        self.scope().explain_fields(self.clauses(), &self.placed(fields))
    }
}

fn combined(comparisons: &[(Comparison, Verdict)]) -> Verdict {
    comparisons.iter().fold(Verdict::In, |verdict, (_, next)| verdict.and(*next))
}

fn entry_comparisons(clause: &ClauseScope, entry: &Entry) -> Vec<(Comparison, Verdict)> {
    let mut comparisons = vec![
        (Comparison::Path, Verdict::from_bool(clause.paths.matches(entry.path()))),
        (Comparison::Kind, Verdict::from_bool(entry.kind() == EntryKind::File && clause.sees(entry))),
    ];
    if entry.maildir() != MaildirPlace::None && !matches!(clause.taken, Taken::Files) {
        comparisons.push((Comparison::Maildir, Verdict::from_bool(clause.maildir_fits(entry.maildir()))));
    }
    if matches!(clause.taken, Taken::Files) && clause.window.is_some() {
        comparisons.push((Comparison::Window, clause.file_window(entry.times())));
    }
    comparisons
}

fn record_comparisons(clause: &ClauseScope, fields: &dyn Fields) -> Vec<(Comparison, Verdict)> {
    let mut comparisons = Vec::new();
    let Taken::Records { identifiers, with, .. } = &clause.taken else { return comparisons };
    if clause.row_scope().is_some() {
        comparisons.push((Comparison::Rows, clause.rows(fields)));
    }
    if identifiers.is_some() {
        comparisons.push((Comparison::Identifiers, clause.identifiers(fields)));
    }
    if clause.window.is_some() {
        comparisons.push((Comparison::Window, clause.record_window(fields)));
    }
    if with.is_some() {
        comparisons.push((Comparison::With, clause.with(fields)));
    }
    if clause.form.is_some() {
        comparisons.push((Comparison::Form, clause.reducible(fields)));
    }
    comparisons
}
