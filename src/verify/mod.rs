//! Verifying a package, offline, from its bytes alone: what is objected to, and what cannot be told.
//!
//! A package may come from anyone: it is read in bounded memory, nothing of it is ever written anywhere, and all findings
//! come at once. The tar is read once from end to end (its form, and each member's place and SHA-256), then member by
//! member by place, because the exhibits stand before the ledger that speaks of them.
//!
//! What each check asks is in [`Check`]; some things could stand under two, and stand here:
//! - the form of each member (canonical JSON, `bagit.txt`, `README.txt`, `bag-info.txt`) is `structure`; the form and order of
//!   the manifests' lines is `closed-world`; what `bag-info.txt` says of
//!   the day is `chain`, of the size `totals`;
//! - `report.html` and `report.json` must be those made anew from the rest, to the byte: `closed-world`;
//! - how many records an exhibit has, and the limits that clauses set, is `totals`; the order of the exhibits is `scope`.
//!
//! Signatures and time-stamps lie beside the package: [`Verification::judge_signatures`] and
//! [`Verification::judge_time_stamps`] are given them.
//!
//! A check that rests on a failed one is not run: all on the container; what reads the ledger on its form and on a valid
//! order; `totals` on `closed-world` and `clauses`; `scope` on those and on `sha256`; `signature` and
//! `time-stamp`, to pass, on `closed-world` and `sha256`.
//!
//! **Invariant:** nothing here says that nothing is missing: without the sources nobody can.

mod beside;
mod canonical;
mod check;
mod container;
mod contents;
mod custody;
mod exhibit;
mod held;
mod ledger;
mod manifest;
mod names;
mod redecide;
mod reduced;
mod remade;
mod signature;
mod taken_in;
mod time_stamp;
mod totals;

use std::io::{self, Read, Seek};

pub use check::{Check, Finding, State, printable};
pub use held::Held;
pub use redecide::Decided;
pub use signature::Signed;
pub use time_stamp::Stamped;

use check::Findings;
use contents::{Contents, Shelf};
use names::Names;
use redecide::Redecision;

use crate::beside::Message;
use crate::digest::Digest;
use crate::ledger::{FORMAT, OrderFacts, Statement};
use crate::limits;
use crate::order::{self, Order};
use crate::package::layout::Member;
use crate::scope::Scope;

/// What was found out about a package.
#[derive(Clone, Debug)]
pub struct Verification {
    /// What the order says of itself; none where it could not be read.
    pub order: Option<OrderFacts>,
    /// The digest of the disclosure, computed; none where `disclosure.json` could not be read.
    pub digest: Option<Digest>,
    /// What became of each check, in the order of [`Check::ALL`].
    pub checks: [(Check, State); Check::ALL.len()],
    /// What is objected to, by check.
    pub findings: Vec<Finding>,
    /// What deciding again came to; none where it was not done.
    pub decided: Option<Decided>,
    /// What signatures and time-stamps of the package are over; none where its structure failed.
    pub message: Option<Message>,
    /// The signatures that count, where [`Verification::judge_signatures`] was asked.
    pub signed: Vec<Signed>,
    /// The time-stamps over this package, where [`Verification::judge_time_stamps`] was asked.
    pub stamped: Vec<Stamped>,
}

/// The package could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the package could not be read: {0}")]
pub struct VerifyError(#[from] io::Error);

/// Verifies a package. An error is one of reading the file, never of what it holds.
pub fn verify(package: impl Read + Seek) -> Result<Verification, VerifyError> {
    Ok(verify_held(package)?.0)
}

/// As [`verify`]; and the package that was verified, for who holds it against something else.
pub fn verify_held<R: Read + Seek>(mut package: R) -> Result<(Verification, Held<R>), VerifyError> {
    let mut findings = Findings::default();
    let contents = container::read(&mut package, &mut findings)?;
    let held = Held::new(package, contents);
    let run = Run { shelf: held.shelf(), findings, ran: [false; Check::ALL.len()] };
    let verification = run.all(held.contents())?;
    Ok((verification, held))
}

struct Run<'a, R> {
    shelf: Shelf<'a, R>,
    findings: Findings,
    ran: [bool; Check::ALL.len()],
}

impl<R: Read + Seek> Run<'_, R> {
    fn all(mut self, contents: &Contents) -> io::Result<Verification> {
        self.ran(Check::Structure);
        if self.findings.failed(Check::Structure) {
            return Ok(self.verification(None, None, None, None));
        }
        let message = self.shelf.open(Member::TagManifest).map(Message::of).transpose()?;
        let order = self.order(contents)?;
        let statement = self.statement()?;
        remade::fixed(&self.shelf, &mut self.findings)?;
        manifest::check(&self.shelf, Member::Manifest, &mut self.findings)?;
        manifest::check(&self.shelf, Member::TagManifest, &mut self.findings)?;
        let sealed = custody::check(&self.shelf, order.as_ref(), statement.as_ref(), &mut self.findings)?;
        remade::bag_info(&self.shelf, sealed, &mut self.findings)?;
        self.ran(Check::Chain);
        if let Some(statement) = &statement {
            self.sums(statement)?;
        }
        let decided = match (&order, &statement) {
            (Some(order), Some(statement)) => self.ledger(order, statement)?,
            _ => None,
        };
        Ok(self.verification(order.as_ref(), statement.as_ref(), decided, message))
    }

    fn ran(&mut self, check: Check) {
        if let Some(ran) = self.ran.get_mut(check as usize) {
            *ran = true;
        }
    }

    fn passed(&self, checks: &[Check]) -> bool {
        checks
            .iter()
            .all(|check| self.ran.get(*check as usize).copied().unwrap_or(false) && !self.findings.failed(*check))
    }

    /// The order; none, with findings, where it is not one.
    fn order(&mut self, contents: &Contents) -> io::Result<Option<Order>> {
        let Some(bytes) = self.shelf.read(Member::Order, limits::MANIFEST_BYTES)? else {
            self.findings.member(Check::Clauses, Member::Order, || "it is longer than an order may be".into());
            return Ok(None);
        };
        match order::read_alone(order::ManifestText { name: "order.toml", bytes: &bytes }) {
            Ok((order, _)) => {
                if order.id != contents.top {
                    let id = printable(order.id.as_bytes());
                    self.findings.member(Check::Structure, Member::Order, || {
                        format!("it is the order {id}, and the package's folder is named {}", contents.top)
                    });
                }
                Ok(Some(order))
            }
            Err(diagnostics) => {
                for diagnostic in diagnostics.iter().filter(|diagnostic| diagnostic.severity == order::Severity::Error)
                {
                    let text = printable(diagnostic.message.as_bytes());
                    self.findings.member(Check::Clauses, Member::Order, || format!("it is not a valid order: {text}"));
                }
                Ok(None)
            }
        }
    }

    /// `disclosure.json`; none, with a finding, where it has not its form.
    fn statement(&mut self) -> io::Result<Option<Statement>> {
        let bytes = self.shelf.read(Member::Disclosure, limits::PACKAGE_LINE_BYTES as u64)?;
        let read = match bytes.as_deref().and_then(|bytes| bytes.strip_suffix(b"\n")) {
            None => Err("is too long or has no line end".to_owned()),
            Some(line) => canonical::read::<Statement>(line),
        };
        let read = read.and_then(|statement| match (statement.format.as_str(), statement.digest) {
            (FORMAT, Some(_)) => Ok(statement),
            (FORMAT, None) => Err("states no digest".to_owned()),
            (other, _) => {
                Err(format!("is of the format {}, and this version reads {FORMAT}", printable(other.as_bytes())))
            }
        });
        Ok(read.map_err(|why| self.findings.member(Check::Structure, Member::Disclosure, || format!("it {why}"))).ok())
    }

    /// The digests that `disclosure.json` states.
    fn sums(&mut self, statement: &Statement) -> io::Result<()> {
        let order = self.shelf.contents.get(Member::Order).map(|slot| slot.sha256);
        let ledger = ledger::sha256(&self.shelf)?;
        let digest = statement.computed_digest().map_err(io::Error::other)?;
        let rows = [
            ("order_sha256", Some(statement.order_sha256), order, "order.toml"),
            ("ledger_sha256", Some(statement.ledger_sha256), Some(ledger), "exhibits.jsonl and the records"),
            ("digest", statement.digest, Some(digest), "the rest of disclosure.json"),
        ];
        for (name, stated, found, what) in rows {
            if let (Some(stated), Some(found)) = (stated, found)
                && stated != found
            {
                self.findings.member(Check::Sha256, Member::Disclosure, || {
                    format!("its {name} is {stated}; computed from {what} it is {found}")
                });
            }
        }
        Ok(())
    }

    /// All that rests on the ledger.
    fn ledger(&mut self, order: &Order, statement: &Statement) -> io::Result<Option<Decided>> {
        let names = Names::new(order);
        names.statement(statement, &mut self.findings);
        let reading = ledger::read(&self.shelf, &names, statement, &mut self.findings)?;
        if !reading.readable {
            return Ok(None);
        }
        [Check::ClosedWorld, Check::Sha256, Check::Clauses].into_iter().for_each(|check| self.ran(check));
        let closed = self.passed(&[Check::Structure, Check::ClosedWorld]);
        let named = self.passed(&[Check::Clauses]);
        if closed && named {
            reading.recount.compare(order, statement, &mut self.findings);
            self.ran(Check::Totals);
        }
        let mut decided = None;
        if closed && named && self.passed(&[Check::Sha256]) {
            match Scope::compile(order, None) {
                Ok(scope) => {
                    let (shelf, findings) = (&self.shelf, &mut self.findings);
                    let redecision = Redecision { shelf, names: &names, scope: &scope, statement, findings };
                    decided = Some(redecision.run()?);
                    self.ran(Check::Scope);
                }
                Err(error) => {
                    let error = printable(error.to_string().as_bytes());
                    self.findings
                        .member(Check::Clauses, Member::Order, || format!("its paths cannot be read: {error}"));
                }
            }
        }
        if named {
            remade::reports(&self.shelf, order, statement, reading.summary, &mut self.findings)?;
        }
        Ok(decided)
    }

    fn verification(
        self,
        order: Option<&Order>,
        statement: Option<&Statement>,
        decided: Option<Decided>,
        message: Option<Message>,
    ) -> Verification {
        let state = |check: Check| match check {
            Check::Withholds => State::NotPossible,
            Check::Signature | Check::TimeStamp => State::NotRun,
            _ if self.findings.failed(check) => State::Failed,
            _ if self.ran.get(check as usize).copied().unwrap_or(false) => State::Passed,
            _ => State::NotRun,
        };
        Verification {
            order: order.map(OrderFacts::of),
            digest: statement.and_then(|statement| statement.computed_digest().ok()),
            checks: Check::ALL.map(|check| (check, state(check))),
            findings: self.findings.into_list(),
            decided,
            message,
            signed: Vec::new(),
            stamped: Vec::new(),
        }
    }
}
