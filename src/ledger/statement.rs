//! `disclosure.json`: what was disclosed under each clause and in all, what is short, and the digest of it all.
//!
//! **Invariant:** `digest` is the SHA-256 of the file without the member `digest`; it depends on the order, the provider
//! file and the sources alone.

use serde::{Deserialize, Serialize};

use super::{Outcome, Shortfall, json};
use crate::digest::Digest;
use crate::journal::Journal;

/// The value of `format`.
pub const FORMAT: &str = "extract/1";

/// `disclosure.json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// [`FORMAT`].
    pub format: String,
    /// SHA-256 of `order.toml`.
    pub order_sha256: Digest,
    /// SHA-256 of the provider's file; null where there was none.
    pub provider_sha256: Option<Digest>,
    /// The sources, in the order of the order.
    pub sources: Vec<SourceFacts>,
    /// The clauses, in the order of the order.
    pub clauses: Vec<ClauseFacts>,
    /// All clauses together, each exhibit once.
    pub totals: Totals,
    /// What was asked for and not read, by clause, then kind.
    pub shortfalls: Vec<Shortfall>,
    /// SHA-256 of `exhibits.jsonl` followed by every `records/*.jsonl` in number order.
    pub ledger_sha256: Digest,
    /// SHA-256 of this file without this member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

impl Statement {
    /// SHA-256 of the file without the member `digest`, whatever that says.
    pub fn computed_digest(&self) -> serde_json::Result<Digest> {
        let bare = Self { digest: None, ..self.clone() };
        Ok(Digest::of(&json::line(&bare)?))
    }

    /// With its digest in place.
    pub fn with_digest(mut self) -> serde_json::Result<Self> {
        self.digest = Some(self.computed_digest()?);
        Ok(self)
    }

    /// Nothing is short, undecided or unanswered: exit code 0.
    pub fn is_complete(&self) -> bool {
        let answered = |clause: &ClauseFacts| {
            clause.undecided == 0
                && matches!(clause.outcome, Outcome::Produced | Outcome::Withheld | Outcome::NothingHeld)
        };
        self.shortfalls.is_empty() && self.totals.undecided == 0 && self.clauses.iter().all(answered)
    }
}

/// A source, as far as the recipient may know it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFacts {
    /// Its name in the order.
    pub name: String,
    /// `folder`, `raw`, `qcow2`.
    pub kind: String,
    /// Size of its stored files in bytes, segments then backing files; null for a folder.
    pub bytes: Option<u64>,
    /// SHA-256 of the same; null for a folder.
    pub sha256: Option<Digest>,
    /// Of the file systems that a clause's path reaches; empty for a folder.
    pub journal: Vec<JournalFacts>,
}

/// A file system's journal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalFacts {
    /// The volume it is on.
    pub volume: String,
    /// What state it was in, and what we did.
    pub state: Journal,
}

/// A clause and what became of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClauseFacts {
    /// Its id in the order.
    pub id: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Streams that gave something under it.
    pub files: u64,
    /// Records disclosed under it.
    pub records: u64,
    /// Bytes disclosed under it.
    pub bytes: u64,
    /// Files or records that a withhold stopped.
    pub withheld: u64,
    /// Files or records that could not be decided.
    pub undecided: u64,
    /// With `disclose.examined`: bytes of the streams that were opened for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub examined: Option<u64>,
    /// With `disclose.examined`: bytes of those that it does not ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside: Option<u64>,
}

/// All clauses together, each exhibit once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Streams that gave something: places in the ledger that differ in source, volume or path.
    pub files: u64,
    /// Records disclosed.
    pub records: u64,
    /// Bytes of all exhibits.
    pub bytes: u64,
    /// Files or records that a withhold stopped.
    pub withheld: u64,
    /// Files or records that no clause admits and one could not be decided on.
    pub undecided: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement() -> Statement {
        Statement {
            format: FORMAT.into(),
            order_sha256: Digest::of(b"order"),
            provider_sha256: None,
            sources: vec![SourceFacts {
                name: "s".into(),
                kind: "folder".into(),
                bytes: None,
                sha256: None,
                journal: vec![],
            }],
            clauses: vec![ClauseFacts {
                id: "1".into(),
                outcome: Outcome::NothingHeld,
                files: 0,
                records: 0,
                bytes: 0,
                withheld: 0,
                undecided: 0,
                examined: None,
                outside: None,
            }],
            totals: Totals::default(),
            shortfalls: vec![],
            ledger_sha256: Digest::of(b""),
            digest: None,
        }
    }

    #[test]
    fn the_digest_is_that_of_the_file_without_its_member() {
        let sealed = statement().with_digest().unwrap();
        let text = String::from_utf8(json::line(&sealed).unwrap()).unwrap();
        let member = format!(",\"digest\":\"{}\"", sealed.digest.unwrap());
        assert!(text.ends_with(&format!("{member}}}\n")));
        assert_eq!(Digest::of(text.replace(&member, "").as_bytes()), sealed.digest.unwrap());
        assert_eq!(serde_json::from_str::<Statement>(&text).unwrap(), sealed);
        assert_eq!(sealed.computed_digest().unwrap(), sealed.digest.unwrap());
    }

    #[test]
    fn keys_stand_in_the_order_of_the_contract() {
        let text = String::from_utf8(json::line(&statement()).unwrap()).unwrap();
        let (order, empty) = (Digest::of(b"order"), Digest::of(b""));
        assert_eq!(
            text,
            format!(
                "{{\"format\":\"extract/1\",\"order_sha256\":\"{order}\",\"provider_sha256\":null,\
                 \"sources\":[{{\"name\":\"s\",\"kind\":\"folder\",\"bytes\":null,\"sha256\":null,\"journal\":[]}}],\
                 \"clauses\":[{{\"id\":\"1\",\"outcome\":\"nothing-held\",\"files\":0,\"records\":0,\"bytes\":0,\
                 \"withheld\":0,\"undecided\":0}}],\
                 \"totals\":{{\"files\":0,\"records\":0,\"bytes\":0,\"withheld\":0,\"undecided\":0}},\"shortfalls\":[],\
                 \"ledger_sha256\":\"{empty}\"}}\n"
            )
        );
    }

    #[test]
    fn only_a_disclosure_with_nothing_short_or_undecided_is_complete() {
        assert!(statement().is_complete());
        let mut undecided = statement();
        undecided.totals.undecided = 1;
        assert!(!undecided.is_complete());
        let mut under_one_clause = statement();
        under_one_clause.clauses[0].undecided = 1;
        assert!(!under_one_clause.is_complete());
        let mut short = statement();
        short.shortfalls.push(Shortfall {
            clause: "1".into(),
            kind: super::super::ShortfallKind::NoSuchPath,
            count: 1,
        });
        assert!(!short.is_complete());
    }
}
