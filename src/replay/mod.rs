//! Replaying: the order of a package is run again on its sources, and what that comes to is held against the package.
//!
//! The package is verified first, and one that has findings is not replayed. The run is a run like any other, with every
//! check, and its package goes nowhere: exhibits are hashed as they are drafted and not kept, the lines of the ledger wait
//! in memory, and over [`crate::limits::SPOOL_MEMORY_BYTES`] in a file without a name. A replay discloses nothing, so that
//! it needs no custodian, and an order that has expired since is replayed all the same: the custody log says when it was
//! carried out. An image that is not the one the order states shows in the digest, and is said rather than refused.
//!
//! The digest decides. It covers the order, the provider file, the sources, each count and each line of the ledger, and
//! the other members of a package that verifies follow from those: with one digest, no two members differ but the three
//! that may. (Who ran an order, and when, no second run can show.) Only where the digests differ the ledgers are read, to
//! say in which exhibits and why.
//!
//! **Invariant:** nothing is written under any name; of an exhibit no more is said than a ledger states.

mod compare;
mod explanation;

use std::io::{self, Read, Seek};

pub use compare::{Difference, How};
pub use explanation::{Cause, ClauseDifference, Explanation};

use compare::{Comparison, Side};

use crate::digest::Digest;
use crate::extract::{self, ExtractError, Job};
use crate::ledger::Statement;
use crate::package::{Agent, PackageError};
use crate::verify::{self, Held, VerifyError};

/// A package that verifies, ready to be held against another run.
pub struct Packaged<R> {
    held: Held<R>,
    statement: Statement,
    digest: Digest,
    order_sha256: Digest,
    agent: Option<Agent>,
}

/// Why a replay was refused or given up.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The package could not be read.
    #[error(transparent)]
    Unreadable(#[from] VerifyError),
    /// The package does not verify.
    #[error("the package does not verify ({findings} finding{}), and is not replayed", if *findings == 1 { "" } else { "s" })]
    Findings {
        /// How many findings there are.
        findings: usize,
    },
    /// Another order than the one in the package.
    #[error(
        "the order given is not the order of the package: it has SHA-256 {given}, and the package's order.toml {packaged}"
    )]
    OtherOrder {
        /// Of the order given.
        given: Digest,
        /// Of the order in the package.
        packaged: Digest,
    },
    /// The order could not be run again.
    #[error(transparent)]
    Run(#[from] ExtractError),
    /// The two ledgers could not be held against each other.
    #[error("the package and the replay could not be compared: {0}")]
    Compare(#[from] io::Error),
}

/// What a replay came to.
#[derive(Debug)]
pub struct Replay {
    /// The digest of the package.
    pub digest: Digest,
    /// The digest of the order run again.
    pub replayed_digest: Digest,
    /// What made the package, where it states that.
    pub agent: Option<Agent>,
    /// What differs, at most [`crate::limits::FINDINGS`], in the order of the ledger.
    pub differences: Vec<Difference>,
    /// How many exhibits more differ.
    pub more_differences: u64,
    /// What the clauses came to otherwise.
    pub clauses: Vec<ClauseDifference>,
    /// What explains it; empty where nothing differs, and never empty where something does.
    pub explained_by: Vec<Explanation>,
}

impl Replay {
    /// The order run again gives the digest of the package.
    pub fn is_identical(&self) -> bool {
        self.digest == self.replayed_digest
    }
}

/// Verifies a package for a replay; refuses one with findings.
pub fn open<R: Read + Seek>(package: R) -> Result<Packaged<R>, ReplayError> {
    let (verification, held) = verify::verify_held(package)?;
    let findings = verification.findings.len();
    match (findings, verification.digest, held.order_sha256()) {
        (0, Some(digest), Some(order_sha256)) => {
            let (statement, agent) = (held.statement()?, held.agent()?);
            Ok(Packaged { held, statement, digest, order_sha256, agent })
        }
        _ => Err(ReplayError::Findings { findings }),
    }
}

impl<R: Read + Seek> Packaged<R> {
    /// Refuses an order that is not the package's, byte for byte.
    pub fn is_of(&self, order: &[u8]) -> Result<(), ReplayError> {
        let given = Digest::of(order);
        if given == self.order_sha256 {
            return Ok(());
        }
        Err(ReplayError::OtherOrder { given, packaged: self.order_sha256 })
    }

    /// Runs the order again, into [`extract::Output::Replay`], and holds what comes of it against the package.
    pub fn replay(&self, job: &Job<'_>) -> Result<Replay, ReplayError> {
        self.is_of(&job.order.bytes)?;
        let done = extract::run(job)?;
        let mut ledger =
            done.ledger.ok_or(PackageError::Inconsistent("a replay kept no ledger")).map_err(ExtractError::from)?;
        let replayed = done.disclosure.statement;
        let replayed_digest = replayed.computed_digest().map_err(io::Error::other)?;
        let mut replay = Replay {
            digest: self.digest,
            replayed_digest,
            agent: self.agent.clone(),
            differences: Vec::new(),
            more_differences: 0,
            clauses: Vec::new(),
            explained_by: Vec::new(),
        };
        if replay.is_identical() {
            return Ok(replay);
        }
        let names: Vec<&str> = job.order.sources.iter().map(|source| source.name.as_str()).collect();
        let comparison = Comparison::of(&mut PackagedSide(&self.held), &mut ledger, &names)?;
        replay.clauses = explanation::clauses(&self.statement, &replayed);
        replay.explained_by = explanation::explain(&explanation::Inputs {
            order: job.order,
            packaged: &self.statement,
            replayed: &replayed,
            agents: (self.agent.as_ref(), &Agent::own()),
            by_source: &comparison.by_source,
            clauses: &replay.clauses,
        });
        (replay.differences, replay.more_differences) = (comparison.listed, comparison.more);
        Ok(replay)
    }
}

struct PackagedSide<'h, R>(&'h Held<R>);

impl<R: Read + Seek> Side for PackagedSide<'_, R> {
    fn exhibits(&mut self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.0.exhibits()?))
    }

    fn records_sha256(&self, exhibit: u32) -> Option<Digest> {
        self.0.records_sha256(exhibit)
    }
}

impl Side for crate::package::ReplayedLedger {
    fn exhibits(&mut self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(Self::exhibits(self)?))
    }

    fn records_sha256(&self, exhibit: u32) -> Option<Digest> {
        Self::records_sha256(self, exhibit)
    }
}
