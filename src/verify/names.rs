//! The clauses and sources that a package names, looked up in its order.
//!
//! **Invariant:** a clause or source that the order does not have is a finding, never skipped.

use std::collections::HashMap;

use super::check::{Check, Findings, Item, printable};
use crate::ledger::{ExhibitLine, Reduced, SourceFacts, SourceKind, Statement, TakeName, is_archive_tree};
use crate::order::{Clause, Format, Order, Reduction, Source, Take};
use crate::package::layout::Member;
use crate::scope::ClauseSet;

/// The order's names.
pub(super) struct Names<'o> {
    /// The order.
    pub order: &'o Order,
    clauses: HashMap<&'o str, usize>,
    sources: HashMap<&'o str, usize>,
}

impl<'o> Names<'o> {
    /// Those of that order.
    pub fn new(order: &'o Order) -> Self {
        let clauses = order.clauses.iter().enumerate().map(|(at, clause)| (clause.id.as_str(), at)).collect();
        let sources = order.sources.iter().enumerate().map(|(at, source)| (source.name.as_str(), at)).collect();
        Self { order, clauses, sources }
    }

    /// The place of a source in the order.
    pub fn source(&self, name: &str) -> Option<usize> {
        self.sources.get(name).copied()
    }

    /// The clauses that an item names, as far as the order has them.
    pub fn known(&self, ids: &[String]) -> ClauseSet {
        ids.iter().filter_map(|id| self.clauses.get(id.as_str()).copied()).collect()
    }

    /// The clauses that an item names: known, each once, in the order of the order.
    pub fn clauses(&self, ids: &[String], member: Member, item: Item, findings: &mut Findings) -> ClauseSet {
        let mut set = ClauseSet::EMPTY;
        let mut last = None;
        if ids.is_empty() {
            findings.member(Check::Clauses, member, || format!("{item} names no clause: nothing lets it out"));
        }
        for id in ids {
            let Some(&clause) = self.clauses.get(id.as_str()) else {
                findings.clause(Check::Clauses, member, id, || {
                    format!("{item} is said to be let out by a clause that the order does not have")
                });
                continue;
            };
            if last >= Some(clause) {
                findings.clause(Check::Clauses, member, id, || {
                    format!("{item} does not name its clauses once each, in the order of the order")
                });
            }
            last = Some(clause);
            set.insert(clause);
        }
        set
    }

    /// An exhibit agrees with each clause that it names: source, what is taken, format, category.
    pub fn agree(
        &self,
        statement: &Statement,
        line: &ExhibitLine,
        clauses: ClauseSet,
        member: Member,
        findings: &mut Findings,
    ) {
        let source = self.source(&line.source);
        let facts = source.and_then(|source| statement.sources.get(source));
        let kind = facts.and_then(|facts| SourceKind::named(&facts.kind));
        let in_archive = is_archive_tree(line.filesystem.as_deref());
        let fits = match kind {
            Some(SourceKind::Folder) => line.volume.is_none() && (line.filesystem.is_none() || in_archive),
            Some(SourceKind::Archive) => line.volume.is_none() && in_archive,
            Some(SourceKind::Image) => line.volume.is_some() && line.filesystem.is_some(),
            None => true,
        };
        if !fits {
            findings.member(Check::Clauses, member, || {
                "it states a volume or a file system where its source has none, or none where it has one".into()
            });
        }
        let is_listed = |volume: &String| facts.is_some_and(|facts| facts.journal.iter().any(|j| j.volume == *volume));
        if fits && line.volume.as_ref().is_some_and(|volume| !is_listed(volume)) {
            findings.member(Check::Clauses, member, || {
                "it is said to come from a volume that `disclosure.json` does not list".into()
            });
        }
        let is_opened = in_archive && kind != Some(SourceKind::Archive);
        if source.is_none() {
            let name = printable(line.source.as_bytes());
            findings.member(Check::Clauses, member, || {
                format!("it is said to come from the source {name}, which the order does not have")
            });
        }
        for clause in clauses.iter().filter_map(|at| self.order.clauses.get(at)) {
            if source.is_some_and(|source| source != clause.source) {
                findings.clause(Check::Clauses, member, &clause.id, || {
                    format!("it comes from the source {}, and this clause asks for another one", line.source)
                });
            }
            if is_opened && !clause.opens_archives {
                findings.clause(Check::Clauses, member, &clause.id, || {
                    "it comes out of an archive, and this clause does not open archives".into()
                });
            }
            if let Some(why) = contradiction(line, clause) {
                findings.clause(Check::Clauses, member, &clause.id, || why);
            }
        }
    }

    /// `disclosure.json` names the order's sources and clauses, all of them, in their order.
    pub fn statement(&self, statement: &Statement, findings: &mut Findings) {
        let named: Vec<&str> = statement.clauses.iter().map(|clause| clause.id.as_str()).collect();
        let ordered: Vec<&str> = self.order.clauses.iter().map(|clause| clause.id.as_str()).collect();
        if named != ordered {
            findings.member(Check::Clauses, Member::Disclosure, || {
                "it does not account for exactly the clauses of the order, in their order".into()
            });
        }
        let named: Vec<&str> = statement.sources.iter().map(|source| source.name.as_str()).collect();
        let ordered: Vec<&str> = self.order.sources.iter().map(|source| source.name.as_str()).collect();
        if named != ordered {
            findings.member(Check::Clauses, Member::Disclosure, || {
                "it does not account for exactly the sources of the order, in their order".into()
            });
        }
        for short in statement.shortfalls.iter().filter(|short| !self.clauses.contains_key(short.clause.as_str())) {
            findings.clause(Check::Clauses, Member::Disclosure, &short.clause, || {
                "it says that something is short under a clause that the order does not have".into()
            });
        }
        for (facts, source) in statement.sources.iter().zip(&self.order.sources) {
            let kind = SourceKind::named(&facts.kind);
            let is_folder = kind == Some(SourceKind::Folder);
            if kind.is_none() || is_folder != facts.sha256.is_none() || is_folder != facts.bytes.is_none() {
                let name = printable(source.name.as_bytes());
                findings.member(Check::Clauses, Member::Disclosure, || {
                    format!(
                        "what it says of the source {name} is neither that of a folder nor that of an image or an archive"
                    )
                });
            }
            if !volumes_fit(facts, source, kind) {
                let name = printable(source.name.as_bytes());
                findings.member(Check::Clauses, Member::Disclosure, || {
                    format!("the volumes that it lists of the source {name} are not named as volumes are")
                });
            }
            if let Some(asked) = source.sha256.filter(|asked| facts.sha256 != Some(*asked)) {
                let name = printable(source.name.as_bytes());
                findings.member(Check::Clauses, Member::Disclosure, || {
                    format!("the order asks for the source {name} with the SHA-256 {asked}, and another one was read")
                });
            }
        }
        let asked = self.order.disclose.examined;
        for facts in statement.clauses.iter().filter(|f| f.examined.is_some() != asked || f.outside.is_some() != asked)
        {
            findings.clause(Check::Clauses, Member::Disclosure, &facts.id, || {
                if asked {
                    "it lacks the counts of what was examined, for which the order asks".into()
                } else {
                    "it says how much was examined, for which the order does not ask".into()
                }
            });
        }
    }
}

/// An image's volumes are the one that the order names, `whole`, or go by number from `v1`; nothing else has any.
fn volumes_fit(facts: &SourceFacts, source: &Source, kind: Option<SourceKind>) -> bool {
    let names = facts.journal.iter().map(|journal| journal.volume.as_str());
    match (&source.volume, kind) {
        (_, Some(SourceKind::Folder | SourceKind::Archive)) => facts.journal.is_empty(),
        (Some(volume), _) => facts.journal.len() <= 1 && names.into_iter().all(|name| name == volume.to_string()),
        (None, _) => {
            let numbered = names.filter(|name| *name != "whole").enumerate();
            numbered.into_iter().all(|(at, name)| name.strip_prefix('v').is_some_and(|n| n == (at + 1).to_string()))
        }
    }
}

/// A clause that names `asked` takes records of `format`. A message of a Maildir is one, however a clause calls it.
pub(super) fn takes(asked: Format, format: Format) -> bool {
    asked == format || (asked == Format::Eml && format == Format::Maildir)
}

/// In which way an exhibit is given in another form than a clause asks for.
fn other_form(given: Option<&Reduced>, asked: Option<&Reduction>) -> Option<String> {
    match (given, asked) {
        (None, None) => None,
        (Some(given), Some(asked)) if given.is(asked) => None,
        (None, Some(asked)) => {
            let asked = Reduced::of(asked, None).words();
            Some(format!("it is given whole, and this clause asks for less: {asked}"))
        }
        (Some(given), asked) => {
            let asked = asked.map_or_else(|| "the whole".to_owned(), |asked| Reduced::of(asked, None).words());
            let given = printable(given.words().as_bytes());
            Some(format!("what is given is {given}, and this clause asks for {asked}"))
        }
    }
}

/// Why that clause cannot have let out an exhibit of that kind.
fn contradiction(line: &ExhibitLine, clause: &Clause) -> Option<String> {
    match (&clause.take, line.take) {
        (Take::Files, TakeName::Files) => None,
        (Take::Files, TakeName::Records) => Some("it holds records, and this clause takes whole files".into()),
        (Take::Records(_), TakeName::Files) => Some("it is a whole file, and this clause takes records only".into()),
        (Take::Records(records), TakeName::Records) => {
            let format = line.format?;
            if let Some(asked) = records.format.filter(|asked| !takes(*asked, format)) {
                return Some(format!("its format is {}, and this clause asks for {}", format.name(), asked.name()));
            }
            if let Some(why) = other_form(line.reduced.as_ref(), records.reduction.as_ref()) {
                return Some(why);
            }
            (clause.category < format.least_category()).then(|| {
                format!(
                    "it is {} data, and this clause reaches {} data only",
                    format.least_category().name(),
                    clause.category.name()
                )
            })
        }
    }
}
