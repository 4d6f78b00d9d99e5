//! Which parts of two runs differ, and whether that explains what came of them.
//!
//! The order never does: a replay is refused with another. An image has a SHA-256, the provider file too, and the package
//! names the version that made it, so that these are seen. A folder has none: that it changed is told by what came of it.
//! The version of the zone data is not in a package, so that nothing can be told of it.
//!
//! **Invariant:** where something differs there is at least one explanation, and one that is not certain says so.

use super::VERSION;
use super::compare::Differing;
use crate::digest::Digest;
use crate::ledger::{ClauseFacts, Shortfall, SourceFacts, Statement};
use crate::order::Order;

/// A part of a run on which its outcome depends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// A source.
    Source,
    /// The provider file.
    ProviderFile,
    /// The program.
    Program,
    /// Nothing that a package states.
    NotStated,
}

impl Cause {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::ProviderFile => "provider-file",
            Self::Program => "program",
            Self::NotStated => "not-stated",
        }
    }
}

/// One part that explains, or may explain, what differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// Which part.
    pub cause: Cause,
    /// The source's name, where it is one.
    pub source: Option<String>,
    /// That the part differs is seen, or follows; else it is one of several that may.
    pub certain: bool,
    /// In a plain sentence.
    pub text: String,
}

/// A count or an outcome of a clause that differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClauseDifference {
    /// The clause's id.
    pub clause: String,
    /// Its name in `disclosure.json`; of a shortfall its kind.
    pub what: &'static str,
    /// In the package.
    pub packaged: String,
    /// In the replay.
    pub replayed: String,
}

/// What an explanation is made of.
pub(super) struct Inputs<'i> {
    pub order: &'i Order,
    pub packaged: &'i Statement,
    pub replayed: &'i Statement,
    /// The version that made the package, where it states one.
    pub version: Option<&'i str>,
    /// How many exhibits differ, by source of the order.
    pub by_source: &'i [Differing],
    pub clauses: &'i [ClauseDifference],
}

/// What the clauses came to otherwise, in the order of the order.
pub(super) fn clauses(packaged: &Statement, replayed: &Statement) -> Vec<ClauseDifference> {
    let pairs = packaged.clauses.iter().zip(&replayed.clauses);
    pairs
        .flat_map(|(old, new)| {
            let shortfalls = shortfalls(&old.id, &packaged.shortfalls, &replayed.shortfalls);
            let rows = facts(old).into_iter().zip(facts(new)).map(|((what, old), (_, new))| (what, old, new));
            let differing = rows.chain(shortfalls).filter(|(_, old, new)| old != new);
            differing
                .map(|(what, packaged, replayed)| ClauseDifference { clause: old.id.clone(), what, packaged, replayed })
                .collect::<Vec<_>>()
        })
        .collect()
}

fn facts(clause: &ClauseFacts) -> [(&'static str, String); 8] {
    let or_none = |count: Option<u64>| count.map_or_else(|| "none".to_owned(), |count| count.to_string());
    [
        ("outcome", clause.outcome.name().to_owned()),
        ("files", clause.files.to_string()),
        ("records", clause.records.to_string()),
        ("bytes", clause.bytes.to_string()),
        ("withheld", clause.withheld.to_string()),
        ("undecided", clause.undecided.to_string()),
        ("examined", or_none(clause.examined)),
        ("outside", or_none(clause.outside)),
    ]
}

/// The shortfalls of one clause: kind, and how many on each side.
fn shortfalls(clause: &str, old: &[Shortfall], new: &[Shortfall]) -> Vec<(&'static str, String, String)> {
    let of_clause = |all: &[Shortfall]| -> Vec<Shortfall> {
        all.iter().filter(|shortfall| shortfall.clause == clause).cloned().collect()
    };
    let (old, new) = (of_clause(old), of_clause(new));
    let count = |all: &[Shortfall], kind| {
        all.iter().find(|shortfall| shortfall.kind == kind).map_or(0, |shortfall| shortfall.count).to_string()
    };
    let only_new = new.iter().filter(|one| old.iter().all(|other| other.kind != one.kind));
    old.iter()
        .chain(only_new)
        .map(|shortfall| (shortfall.kind.name(), count(&old, shortfall.kind), count(&new, shortfall.kind)))
        .collect()
}

/// What explains that the two differ.
pub(super) fn explain(inputs: &Inputs<'_>) -> Vec<Explanation> {
    let mut found: Vec<Explanation> = Vec::new();
    let others: Vec<Explanation> = [provider_file(inputs), program(inputs)].into_iter().flatten().collect();
    let pairs = inputs.packaged.sources.iter().zip(&inputs.replayed.sources);
    for (index, (old, new)) in pairs.enumerate() {
        let differing = inputs.by_source.get(index).copied().unwrap_or_default();
        found.extend(image(old, new).or_else(|| folder(inputs, index, old, differing, others.is_empty())));
    }
    found.extend(others);
    if found.is_empty() {
        let text = "nothing that the package states: another version of the zone data; a key (--key) or other disks, backing \
                    files or mounts in only one of the two runs; or a package whose sums were all made anew after it was sealed";
        found.push(Explanation { cause: Cause::NotStated, source: None, certain: false, text: text.into() });
    }
    found
}

/// A source whose stored bytes are others.
fn image(old: &SourceFacts, new: &SourceFacts) -> Option<Explanation> {
    if (&old.kind, old.bytes, old.sha256) == (&new.kind, new.bytes, new.sha256) {
        return None;
    }
    let words = |facts: &SourceFacts| match facts.sha256 {
        Some(sha256) => format!("{} with SHA-256 {sha256}", facts.kind),
        None => facts.kind.clone(),
    };
    let text = format!("it was {} when the package was made, and is {} now", words(old), words(new));
    Some(Explanation { cause: Cause::Source, source: Some(old.name.clone()), certain: true, text })
}

/// A folder that something else came of.
fn folder(
    inputs: &Inputs<'_>,
    index: usize,
    facts: &SourceFacts,
    differing: Differing,
    is_alone: bool,
) -> Option<Explanation> {
    let of_source = |id: &str| inputs.order.clauses.iter().any(|clause| clause.source == index && clause.id == id);
    let is_counted = inputs.clauses.iter().any(|difference| of_source(&difference.clause));
    if facts.sha256.is_some() || (differing.exhibits == 0 && !is_counted) {
        return None;
    }
    let what = match differing.exhibits {
        0 => "counts of its clauses differ".to_owned(),
        1 => "1 exhibit of it differs".to_owned(),
        more => format!("{more} exhibits of it differ"),
    };
    let certain = is_alone || differing.whole_content > 0;
    let verb = if certain { "are not" } else { "may not be" };
    let text = format!(
        "it is a folder, of which no SHA-256 is taken; {what}: its files, their times, or what this user may read of them \
         {verb} as they were"
    );
    Some(Explanation { cause: Cause::Source, source: Some(facts.name.clone()), certain, text })
}

fn provider_file(inputs: &Inputs<'_>) -> Option<Explanation> {
    let (old, new) = (inputs.packaged.provider_sha256, inputs.replayed.provider_sha256);
    if old == new {
        return None;
    }
    let words =
        |sha256: Option<Digest>| sha256.map_or_else(|| "no such file".to_owned(), |sha256| format!("SHA-256 {sha256}"));
    let nothing_else = inputs.clauses.is_empty() && inputs.by_source.iter().all(|differing| differing.exhibits == 0);
    let end = if nothing_else { "no exhibit and no count differs" } else { "what it withholds may differ" };
    let text = format!("{} when the package was made, and {} now: {end}", words(old), words(new));
    Some(Explanation { cause: Cause::ProviderFile, source: None, certain: true, text })
}

fn program(inputs: &Inputs<'_>) -> Option<Explanation> {
    let (own, _) = VERSION;
    let old = inputs.version.filter(|version| *version != own)?;
    let text = format!("the package was made by extract {old}, and this is extract {own}");
    Some(Explanation { cause: Cause::Program, source: None, certain: true, text })
}
