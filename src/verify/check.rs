//! The checks that `verify` makes, what became of each, and what was objected to.
//!
//! **Invariant:** a check with a finding has failed; one that could not be made is never called passed.

use crate::ledger::is_invisible;
use crate::limits;

/// One question that `verify` asks of a package.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Check {
    /// The tar and each member have the one form that a package has.
    Structure,
    /// Every member is listed once, everything listed is there, and the reports say what the ledger says.
    ClosedWorld,
    /// Every stated SHA-256 and length is that of the bytes.
    Sha256,
    /// The custody log is one chain from the order to the sealed package.
    Chain,
    /// What the ledger calls a clause or a source is in `order.toml`, and agrees with it.
    Clauses,
    /// Counts and outcomes follow from the exhibits.
    Totals,
    /// Every exhibit and record is asked for by the clauses that it names, and by no other.
    Scope,
    /// What was held back.
    Withholds,
    /// Who made the package.
    Signature,
    /// Since when the package exists.
    TimeStamp,
}

impl Check {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 10] = [
        Self::Structure,
        Self::ClosedWorld,
        Self::Sha256,
        Self::Chain,
        Self::Clauses,
        Self::Totals,
        Self::Scope,
        Self::Withholds,
        Self::Signature,
        Self::TimeStamp,
    ];

    /// Its name in the table and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::ClosedWorld => "closed-world",
            Self::Sha256 => "sha256",
            Self::Chain => "chain",
            Self::Clauses => "clauses",
            Self::Totals => "totals",
            Self::Scope => "scope",
            Self::Withholds => "withholds",
            Self::Signature => "signature",
            Self::TimeStamp => "time-stamp",
        }
    }

    /// What it asks, in words for someone who must rely on the answer.
    pub const fn question(self) -> &'static str {
        match self {
            Self::Structure => "is the file built exactly as a package is built",
            Self::ClosedWorld => "is everything listed there, and everything there listed",
            Self::Sha256 => "does every SHA-256 fit its bytes",
            Self::Chain => "is the custody log unbroken, from the order to the sealing",
            Self::Clauses => "does every clause that is named stand in the order",
            Self::Totals => "do counts and outcomes follow from the exhibits",
            Self::Scope => "is every item asked for by the clauses that it names",
            Self::Withholds => "was anything held back that should not have been",
            Self::Signature => "who made this package",
            Self::TimeStamp => "since when does this package exist as it is",
        }
    }
}

/// What became of a check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It was made, and nothing was objected to.
    Passed,
    /// Something was objected to.
    Failed,
    /// It was not made: what it rests on failed, or was not given.
    NotRun,
    /// It cannot be made from a package alone.
    NotPossible,
}

impl State {
    /// Its name in the table and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotRun => "not-run",
            Self::NotPossible => "not-possible",
        }
    }
}

/// One thing that `verify` objects to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The check that objects.
    pub check: Check,
    /// The member of the package that it is about, by its name within the top folder.
    pub member: Option<String>,
    /// The clause that it is about, as the ledger names it.
    pub clause: Option<String>,
    /// What is wrong and what that means, in one or two plain sentences; printable.
    pub text: String,
}

/// What a finding is about within its member, in words that cost nothing until there is a finding.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item {
    /// The whole exhibit.
    Whole,
    /// The record of that number.
    Record(u64),
}

impl std::fmt::Display for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole => f.write_str("it"),
            Self::Record(number) => write!(f, "record {number}"),
        }
    }
}

/// The findings so far: at most [`limits::FINDINGS`] are kept, the others are counted.
#[derive(Debug, Default)]
pub(super) struct Findings {
    kept: Vec<Finding>,
    /// By check: all of its findings, kept or not.
    counts: [u64; Check::ALL.len()],
}

impl Findings {
    /// Objects to something about the package as a whole.
    pub fn object(&mut self, check: Check, text: impl FnOnce() -> String) {
        self.push(check, None, None, text);
    }

    /// Objects to something about a member.
    pub fn member(&mut self, check: Check, member: impl std::fmt::Display, text: impl FnOnce() -> String) {
        self.push(check, Some(&member), None, text);
    }

    /// Objects to something about a member and a clause.
    pub fn clause(
        &mut self,
        check: Check,
        member: impl std::fmt::Display,
        clause: &str,
        text: impl FnOnce() -> String,
    ) {
        self.push(check, Some(&member), Some(clause), text);
    }

    fn push(
        &mut self,
        check: Check,
        member: Option<&dyn std::fmt::Display>,
        clause: Option<&str>,
        text: impl FnOnce() -> String,
    ) {
        // Each check has room for a few, so that a flood of one kind does not hide the first of another.
        const FEW: usize = limits::FINDINGS / (2 * Check::ALL.len());
        let Some(count) = self.counts.get_mut(check as usize) else { return };
        *count = count.saturating_add(1);
        if *count > FEW as u64 && self.kept.len() >= limits::FINDINGS - FEW * Check::ALL.len() {
            return;
        }
        let member = member.map(|name| printable(name.to_string().as_bytes()));
        let clause = clause.map(|id| printable(id.as_bytes()));
        self.kept.push(Finding { check, member, clause, text: text() });
    }

    /// How often the check has objected.
    pub fn count(&self, check: Check) -> u64 {
        self.counts.get(check as usize).copied().unwrap_or(0)
    }

    /// The check has objected to something.
    pub fn failed(&self, check: Check) -> bool {
        self.count(check) > 0
    }

    /// The findings by check, and for each check that had too many a last one that counts the rest.
    pub fn into_list(self) -> Vec<Finding> {
        let mut list = self.kept;
        for (check, count) in Check::ALL.into_iter().zip(self.counts) {
            let kept = list.iter().filter(|finding| finding.check == check).count() as u64;
            if count > kept {
                let text = format!("{} more finding(s) of this check are not listed", count - kept);
                list.push(Finding { check, member: None, clause: None, text });
            }
        }
        list.sort_by_key(|finding| finding.check);
        list
    }
}

/// Text out of a package, safe for a terminal and at most some hundred characters long.
pub fn printable(bytes: &[u8]) -> String {
    const CHARACTERS: usize = 160;
    let head = bytes.get(..bytes.len().min(4 * CHARACTERS)).unwrap_or_default();
    let text = String::from_utf8_lossy(head);
    let mut out = String::new();
    for c in text.chars().take(CHARACTERS) {
        // Control characters could rewrite the screen, and bidirectional marks could reorder what is read.
        if is_invisible(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    if bytes.len() > head.len() || text.chars().nth(CHARACTERS).is_some() {
        out.push_str("...");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_beyond_the_bound_are_counted() {
        let mut findings = Findings::default();
        for _ in 0..10 * limits::FINDINGS {
            findings.object(Check::Scope, String::new);
        }
        findings.object(Check::Chain, || "one".into());
        assert!(findings.failed(Check::Chain) && findings.failed(Check::Scope) && !findings.failed(Check::Totals));
        let list = findings.into_list();
        assert!(list.len() <= limits::FINDINGS + Check::ALL.len() && list.len() > limits::FINDINGS / 2);
        assert_eq!(list[0].text, "one");
        assert!(list.last().unwrap().text.starts_with(&(10 * limits::FINDINGS - list.len() + 2).to_string()));
    }

    #[test]
    fn text_from_a_package_cannot_steer_a_terminal() {
        assert_eq!(printable(b"\x1b[2Jx"), "\\u{1b}[2Jx");
        assert_eq!(printable("a\u{202e}b".as_bytes()), "a\\u{202e}b");
        assert!(printable(&[b'x'; 10_000]).len() < 200);
        assert_eq!(printable(b"\xff"), "\u{fffd}");
    }
}
