//! Which parts of two runs differ, and whether that explains what came of them.
//!
//! The order never does: a replay is refused with another. An image has a SHA-256, the provider file too, and the package
//! names the versions of the program and of its zone data, so that these are seen. A folder has none: that it changed is
//! told by what came of it.
//! Without a signature nothing tells that a package is as it was sealed.
//!
//! **Invariant:** where something differs there is at least one explanation, and one that is not certain says so.

use super::compare::Differing;
use crate::digest::Digest;
use crate::ledger::{ClauseFacts, Shortfall, SourceFacts, Statement};
use crate::order::Order;
use crate::package::Agent;

/// A part of a run on which its outcome depends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// A source.
    Source,
    /// The provider file.
    ProviderFile,
    /// The program.
    Program,
    /// The data on time zones in the program.
    Zones,
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
            Self::Zones => "zones",
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
    /// That the part differs is seen, or follows where the package is as it was sealed; else it is one of several that may.
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
    /// What made the package, where it states that, and this program.
    pub agents: (Option<&'i Agent>, &'i Agent),
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
    let others: Vec<Explanation> =
        [provider_file(inputs), program(inputs), zones(inputs)].into_iter().flatten().collect();
    let pairs = inputs.packaged.sources.iter().zip(&inputs.replayed.sources);
    for (index, (old, new)) in pairs.enumerate() {
        let differing = inputs.by_source.get(index).copied().unwrap_or_default();
        found.extend(image(old, new).or_else(|| folder(inputs, index, old, differing, others.is_empty())));
    }
    found.extend(others);
    if found.is_empty() {
        let text = "nothing that the package states: a key (--key) or other disks, backing files or mounts in only one of the two runs; or a package whose sums were all made anew after it was sealed";
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
    let (Some(old), own) = inputs.agents else { return None };
    let text = format!("the package was made by extract {}, and this is extract {}", old.version, own.version);
    (old.version != own.version).then_some(Explanation { cause: Cause::Program, source: None, certain: true, text })
}

/// What an hour means in a zone: a country may have changed its rules for a time that is not over yet.
fn zones(inputs: &Inputs<'_>) -> Option<Explanation> {
    let (Some(old), own) = inputs.agents else { return None };
    let text = format!("the package was made by the tz database {}, and this program has {}", old.zones, own.zones);
    (old.zones != own.zones).then_some(Explanation { cause: Cause::Zones, source: None, certain: true, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{FORMAT, Outcome, ShortfallKind, Totals};
    use crate::order;

    fn order() -> Order {
        let bytes = include_bytes!("../../orders/2024-17.toml");
        order::read_alone(order::ManifestText { name: "order.toml", bytes }).unwrap().0
    }

    /// What a run over one source came to; none: a folder.
    fn statement(sha256: Option<Digest>) -> Statement {
        let clause = |id: &str| ClauseFacts {
            id: id.into(),
            outcome: Outcome::NothingHeld,
            files: 0,
            records: 0,
            bytes: 0,
            withheld: 0,
            undecided: 0,
            examined: None,
            outside: None,
        };
        Statement {
            format: FORMAT.into(),
            order_sha256: Digest::of(b"order"),
            provider_sha256: Some(Digest::of(b"provider")),
            sources: vec![SourceFacts {
                name: "mail01".into(),
                kind: if sha256.is_some() { "raw".into() } else { "folder".into() },
                bytes: sha256.map(|_| 7),
                sha256,
                journal: vec![],
            }],
            clauses: ["3a", "3b", "3c"].map(clause).into(),
            totals: Totals::default(),
            shortfalls: vec![],
            ledger_sha256: Digest::of(b""),
            digest: None,
        }
    }

    /// The causes, with a question mark where they are not certain.
    fn causes(old: &Statement, new: &Statement, agent: &Agent, differing: Differing) -> Vec<String> {
        let (order, clauses) = (order(), clauses(old, new));
        let agents = (Some(agent), &Agent::own());
        let by_source = &[differing];
        let inputs = Inputs { order: &order, packaged: old, replayed: new, agents, by_source, clauses: &clauses };
        let word = |one: &Explanation| format!("{}{}", one.cause.name(), if one.certain { "" } else { "?" });
        explain(&inputs).iter().map(word).collect()
    }

    #[test]
    fn each_part_that_differs_is_named_and_one_that_only_may_differ_says_so() {
        let image = || statement(Some(Digest::of(b"image")));
        let folder = || statement(None);
        let another_image = || statement(Some(Digest::of(b"another")));
        let another_provider = |of: Statement| Statement { provider_sha256: None, ..of };
        let withholding = |of: Statement| {
            let mut of = of;
            if let Some(clause) = of.clauses.first_mut() {
                clause.withheld = 1;
            }
            of
        };
        let own = &Agent::own();
        let other = &Agent { version: "0.0.7".into(), ..own.clone() };
        let other_zones = &Agent { zones: "1999a".into(), ..own.clone() };
        let none = Differing::default();
        let some = Differing { exhibits: 2, whole_content: 0 };
        let whole = Differing { exhibits: 2, whole_content: 1 };
        type Row<'r> = (&'static str, Statement, Statement, &'r Agent, Differing, &'static [&'static str]);
        let rows: [Row<'_>; 14] = [
            ("another image", image(), another_image(), own, none, &["source"]),
            ("a folder in its place", image(), folder(), own, some, &["source"]),
            ("a folder", folder(), folder(), own, some, &["source"]),
            ("a folder, by a count", folder(), withholding(folder()), own, none, &["source"]),
            ("the program", image(), image(), other, some, &["program"]),
            ("the program over a folder", folder(), folder(), other, some, &["source?", "program"]),
            ("the zone data", image(), image(), other_zones, some, &["zones"]),
            ("the zone data over a folder", folder(), folder(), other_zones, some, &["source?", "zones"]),
            ("the provider file", image(), another_provider(image()), own, some, &["provider-file"]),
            ("the provider file alone", folder(), another_provider(folder()), own, none, &["provider-file"]),
            ("both", folder(), another_provider(folder()), own, some, &["source?", "provider-file"]),
            ("both, and a whole file", folder(), another_provider(folder()), own, whole, &["source", "provider-file"]),
            (
                "all three",
                image(),
                another_provider(another_image()),
                other,
                some,
                &["source", "provider-file", "program"],
            ),
            ("nothing that shows", image(), image(), own, some, &["not-stated?"]),
        ];
        for (what, old, new, agent, differing, expected) in rows {
            assert_eq!(causes(&old, &new, agent, differing), expected, "{what}");
        }
    }

    #[test]
    fn what_a_clause_came_to_is_told_member_by_member_and_shortfall_by_shortfall() {
        let (mut old, mut new) = (statement(None), statement(None));
        let short = |kind, count| Shortfall { clause: "3b".into(), kind, count };
        old.shortfalls = vec![short(ShortfallKind::NoSuchPath, 1), short(ShortfallKind::UnreadableFile, 2)];
        new.shortfalls = vec![short(ShortfallKind::UnreadableFile, 3), short(ShortfallKind::ArchiveLimit, 1)];
        new.clauses[0].outcome = Outcome::Undecided;
        new.clauses[0].undecided = 4;
        new.clauses[2].outside = Some(9);
        let found = clauses(&old, &new);
        let found: Vec<String> =
            found.iter().map(|one| format!("{} {} {} {}", one.clause, one.what, one.packaged, one.replayed)).collect();
        let expected = [
            "3a outcome nothing-held undecided".to_owned(),
            "3a undecided 0 4".into(),
            format!("3b {} 1 0", ShortfallKind::NoSuchPath.name()),
            format!("3b {} 2 3", ShortfallKind::UnreadableFile.name()),
            format!("3b {} 0 1", ShortfallKind::ArchiveLimit.name()),
            "3c outside none 9".into(),
        ];
        assert_eq!(found, expected);
    }
}
