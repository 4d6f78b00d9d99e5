//! The receipt: what a recipient signs back, a text that a person can read before signing it (FORMAT.md, "The receipt").
//!
//! It is lines of `key: value` in one fixed order, behind a first line that names the version. It says which package was
//! received, by its digests, who checked it when, and what every check came to.
//!
//! **Invariant:** a receipt is made of a package without findings alone; one that is read has every line, in the order in which it is written, and no other.

use std::fmt::Write as _;

use crate::beside::Kind;
use crate::clock::Timestamp;
use crate::digest::Digest;
use crate::ledger::is_invisible;
use crate::limits;
use crate::package::Agent;
use crate::verify::{Check, State, Verification, printable};

/// The files that hold receipts: `2024-17.tar.receipt`, `2024-17.tar.2.receipt`.
pub const RECEIPTS: Kind = Kind { ending: "receipt", count: limits::RECEIPTS, bytes: limits::RECEIPT_BYTES };

/// The first line of a receipt.
const FIRST: &str = "extract-receipt/1";
/// What it is, for who is asked to sign it. These are the lines behind the first.
const WORDS: &str = "Receipt for a disclosure. Whoever signs this says: the package described below was received, and these\n\
                     checks were made of it, with these results. No check can say that nothing is missing from it.\n";

/// The checks that a receipt rests on.
const MADE: [Check; 7] =
    [Check::Structure, Check::ClosedWorld, Check::Sha256, Check::Chain, Check::Clauses, Check::Totals, Check::Scope];

/// A file by its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bytes {
    /// SHA-256 of all of them.
    pub sha256: Digest,
    /// How many there are.
    pub bytes: u64,
}

/// What a receipt says beside what became of the checks.
#[derive(Clone, Debug)]
pub struct Facts<'f> {
    /// The tar.
    pub tar: Bytes,
    /// The file as it was received: the tar, or the encrypted tar.
    pub file: Bytes,
    /// Who received it, as given.
    pub recipient: &'f str,
    /// When it was checked.
    pub checked: Timestamp,
}

/// There can be no receipt.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReceiptError {
    /// The package has findings.
    #[error("it does not pass its checks, so there is no receipt for it: see extract verify ({0})")]
    Findings(String),
    /// A check that a receipt rests on was not made.
    #[error("its checks could not all be made, so there is no receipt for it")]
    Unchecked,
    /// The name would not be one line.
    #[error("a recipient's name is one line of 1 to {limit} bytes without control characters", limit = limits::RECEIPT_NAME_BYTES)]
    Name,
}

/// What is no receipt.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAReceipt {
    /// Another first line.
    #[error("it is no receipt: its first line is not {FIRST}")]
    First,
    /// Something else than what the line shall be.
    #[error("it is not as a receipt is written: line {line} should begin with {key:?}")]
    Line {
        /// From 1.
        line: usize,
        /// How it shall begin.
        key: String,
    },
    /// A value is not what it shall be.
    #[error("it is not as a receipt is written: what follows {0:?} is not in its form")]
    Value(&'static str),
    /// Something follows.
    #[error("it is not as a receipt is written: something stands behind its last line")]
    Behind,
}

/// The receipt for a package; refused where it has a finding.
pub fn text(verification: &Verification, facts: &Facts<'_>) -> Result<String, ReceiptError> {
    if let Some(finding) = verification.findings.first() {
        return Err(ReceiptError::Findings(format!("{}: {}", finding.check.name(), finding.text)));
    }
    let (Some(order), Some(digest), Some(message)) = (&verification.order, verification.digest, &verification.message)
    else {
        return Err(ReceiptError::Unchecked);
    };
    if !MADE.iter().all(|check| verification.checks.contains(&(*check, State::Passed))) {
        return Err(ReceiptError::Unchecked);
    }
    let name = facts.recipient;
    if name.is_empty() || name.len() > limits::RECEIPT_NAME_BYTES || name.chars().any(is_invisible) {
        return Err(ReceiptError::Name);
    }
    let mut out = format!("{FIRST}\n\n{WORDS}\n");
    // Writing into a String does not fail.
    let mut line = |key: &str, value: &dyn std::fmt::Display| {
        let _ = writeln!(out, "{key}: {value}");
    };
    line("order", &printable(order.id.as_bytes()));
    line("authority", &printable(order.authority.as_bytes()));
    line("reference", &printable(order.reference.as_bytes()));
    line("digest", &digest);
    line("tagmanifest-sha256", message.sha256());
    line("tar-sha256", &facts.tar.sha256);
    line("tar-bytes", &facts.tar.bytes);
    line("file-sha256", &facts.file.sha256);
    line("file-bytes", &facts.file.bytes);
    line("recipient", &name);
    line("checked", &facts.checked);
    line("checked-with", &format_args!("extract {}", Agent::own().version));
    line("signed-by", &signers(verification));
    for (check, state) in verification.checks {
        line(&format!("check {}", check.name()), &state.name());
    }
    Ok(out)
}

/// Whose signatures lie beside the package.
fn signers(verification: &Verification) -> String {
    let signers: Vec<String> = verification
        .signed
        .iter()
        .map(|signed| match &signed.principals {
            Some(who) => format!("{who} ({})", signed.fingerprint),
            None => format!("somebody with the key {}", signed.fingerprint),
        })
        .collect();
    if signers.is_empty() { "nobody".to_owned() } else { signers.join("; ") }
}

/// A receipt that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The order's id, as it states.
    pub order: String,
    /// The disclosure's digest, as it states.
    pub digest: Digest,
    /// The tar.
    pub tar: Bytes,
    /// The file as it was received.
    pub file: Bytes,
    /// Who received it, as given.
    pub recipient: String,
    /// When it was checked, as it states.
    pub checked: String,
    /// By which checks something else than `passed` came out, and what.
    pub checks: Vec<(String, String)>,
}

impl Receipt {
    /// Reads one.
    pub fn read(text: &str) -> Result<Self, NotAReceipt> {
        let body = text.strip_prefix(FIRST).and_then(|text| text.strip_prefix("\n\n")).ok_or(NotAReceipt::First)?;
        let body = body.strip_prefix(WORDS).and_then(|text| text.strip_prefix('\n'));
        let body = body.ok_or(NotAReceipt::Line { line: 3, key: "Receipt for a disclosure.".into() })?;
        let mut lines = Lines { text: body, line: 6 };
        let order = lines.value("order")?;
        lines.value("authority")?;
        lines.value("reference")?;
        let digest = lines.digest("digest")?;
        lines.digest("tagmanifest-sha256")?;
        let tar = lines.bytes("tar-sha256", "tar-bytes")?;
        let file = lines.bytes("file-sha256", "file-bytes")?;
        let recipient = lines.value("recipient")?;
        let checked = lines.value("checked")?;
        lines.value("checked-with")?;
        lines.value("signed-by")?;
        let mut checks = Vec::new();
        while !lines.text.is_empty() {
            if checks.len() == limits::RECEIPT_CHECKS {
                return Err(NotAReceipt::Behind);
            }
            let (name, state) = lines.check()?;
            checks.push((name, state));
        }
        Ok(Self { order, digest, tar, file, recipient, checked, checks })
    }

    /// Whether it is for a file with those bytes, as it was received or as the tar in it.
    pub fn is_for(&self, file: Bytes) -> bool {
        file == self.file || file == self.tar
    }
}

/// What is left of a receipt.
struct Lines<'t> {
    text: &'t str,
    line: usize,
}

impl Lines<'_> {
    fn value(&mut self, key: &str) -> Result<String, NotAReceipt> {
        self.line += 1;
        let wrong = NotAReceipt::Line { line: self.line, key: format!("{key}: ") };
        let front = self.text.strip_prefix(key).and_then(|text| text.strip_prefix(": "));
        let (value, rest) = front.and_then(|text| text.split_once('\n')).ok_or(wrong.clone())?;
        if value.chars().any(is_invisible) {
            return Err(wrong);
        }
        self.text = rest;
        Ok(value.to_owned())
    }

    fn digest(&mut self, key: &'static str) -> Result<Digest, NotAReceipt> {
        self.value(key)?.parse().map_err(|_| NotAReceipt::Value(key))
    }

    fn bytes(&mut self, digest: &'static str, count: &'static str) -> Result<Bytes, NotAReceipt> {
        let sha256 = self.digest(digest)?;
        let bytes = self.value(count)?;
        let number: u64 = bytes.parse().map_err(|_| NotAReceipt::Value(count))?;
        if number.to_string() == bytes { Ok(Bytes { sha256, bytes: number }) } else { Err(NotAReceipt::Value(count)) }
    }

    /// `check NAME: STATE`; a later version may make more checks.
    fn check(&mut self) -> Result<(String, String), NotAReceipt> {
        let wrong = NotAReceipt::Line { line: self.line + 1, key: "check ".into() };
        let name = self.text.strip_prefix("check ").and_then(|text| text.split_once(": ")).map(|(name, _)| name);
        let name =
            name.filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || b"-0123456789".contains(&byte)));
        let name = name.ok_or(wrong)?.to_owned();
        let state = self.value(&format!("check {name}"))?;
        Ok((name, state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::OrderFacts;
    use crate::signature::Message;
    use crate::verify::Finding;

    fn order() -> OrderFacts {
        OrderFacts {
            id: "2024-17".into(),
            legal_basis: "pace-sch1",
            authority: "Example Constabulary".into(),
            court: None,
            reference: "OP-123\n".into(),
            made: "2024-04-08".into(),
            served: Timestamp::parse_rfc3339("2024-04-09T09:40:00Z").unwrap(),
            due: "P7D".into(),
            expires: None,
            zone: "Europe/London",
            clauses: Vec::new(),
        }
    }

    fn verification() -> Verification {
        Verification {
            order: Some(order()),
            digest: Some(Digest::of(b"digest")),
            checks: Check::ALL.map(|check| match check {
                Check::Withholds => (check, State::NotPossible),
                Check::Signature | Check::TimeStamp => (check, State::NotRun),
                _ => (check, State::Passed),
            }),
            findings: Vec::new(),
            decided: None,
            message: Some(Message::of(&b"tags"[..]).unwrap()),
            signed: Vec::new(),
            stamped: Vec::new(),
        }
    }

    fn facts(recipient: &str) -> Facts<'_> {
        let (tar, file) =
            (Bytes { sha256: Digest::of(b"tar"), bytes: 3 }, Bytes { sha256: Digest::of(b"file"), bytes: 4 });
        Facts { tar, file, recipient, checked: Timestamp::parse_rfc3339("2024-04-10T12:00:00Z").unwrap() }
    }

    #[test]
    fn a_receipt_is_read_back_as_it_was_written_and_in_no_other_form() {
        let text = text(&verification(), &facts("PC 4711, Example Constabulary")).unwrap();
        let read = Receipt::read(&text).unwrap();
        assert_eq!((read.order.as_str(), read.recipient.as_str()), ("2024-17", "PC 4711, Example Constabulary"));
        assert_eq!(read.digest, Digest::of(b"digest"));
        assert_eq!(read.checks.len(), Check::ALL.len());
        assert!(read.is_for(facts("x").tar) && read.is_for(facts("x").file));
        assert!(!read.is_for(Bytes { sha256: Digest::of(b"file"), bytes: 3 }));
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for at in 0..lines.len() {
            let without: String =
                lines.iter().enumerate().filter(|(place, _)| *place != at).map(|(_, line)| *line).collect();
            let is_check = lines[at].starts_with("check ");
            assert_eq!(Receipt::read(&without).is_ok(), is_check, "without line {at}");
            let twice: String = lines
                .iter()
                .enumerate()
                .flat_map(|(place, line)| std::iter::repeat_n(*line, 1 + usize::from(place == at)))
                .collect();
            assert!(is_check || Receipt::read(&twice).is_err(), "line {at} twice");
        }
        for (from, to) in [("\n", "\r\n"), ("tar-bytes: 3", "tar-bytes: 03"), ("digest: ", "digest:  "), ("/1", "/2")] {
            assert!(Receipt::read(&text.replacen(from, to, 1)).is_err(), "{from:?}");
        }
        assert!(Receipt::read(&format!("{text}and more\n")).is_err());
    }

    #[test]
    fn there_is_no_receipt_for_a_package_with_a_finding_or_a_check_that_was_not_made_or_a_name_of_two_lines() {
        let mut found = verification();
        found.findings.push(Finding { check: Check::Scope, member: None, clause: None, text: "x".into() });
        assert!(matches!(text(&found, &facts("n")), Err(ReceiptError::Findings(_))));
        let mut unmade = verification();
        unmade.checks[0].1 = State::NotRun;
        assert_eq!(text(&unmade, &facts("n")), Err(ReceiptError::Unchecked));
        for name in ["", "a\nb", "a\u{1b}[2J", &"x".repeat(limits::RECEIPT_NAME_BYTES + 1)] {
            assert_eq!(text(&verification(), &facts(name)), Err(ReceiptError::Name), "{name:?}");
        }
    }
}
