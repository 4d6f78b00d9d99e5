//! Why a run was refused or given up. Nothing of it is ever packaged.
//!
//! **Invariant:** no error quotes content, or a name from within a source.

use super::Tripped;
use crate::audit::AuditError;
use crate::digest::Digest;
use crate::filesystem::Changed;
use crate::ledger::IdentityError;
use crate::package::PackageError;
use crate::read_error::ReadError;
use crate::scope::GlobError;
use crate::source::SourceError;

/// Why a run was refused or given up.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The order's last day is over.
    #[error("the order expired at the end of {last}")]
    Expired {
        /// Its last day.
        last: chrono::NaiveDate,
    },
    /// A glob of the order cannot be compiled.
    #[error("a path of the order is not a pattern: {0}")]
    Glob(#[from] GlobError),
    /// A source cannot be opened.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A source's image has another digest than the order states.
    #[error("source {name} has SHA-256 {found}, and the order states {stated}: it is not the image that was received")]
    OtherImage {
        /// The source's name in the order.
        name: String,
        /// What it has.
        found: Digest,
        /// What the order states.
        stated: Digest,
    },
    /// The clauses with a `join` ask for more transactions than are kept.
    #[error(
        "the clauses with a join ask for more than {} transactions: a narrower window, or an order for each part of it",
        crate::limits::JOIN_KEYS
    )]
    TooManyTransactions,
    /// The order states a digest for a folder, which has none.
    #[error("the order states a SHA-256 for source {name}, which is a folder and has none")]
    DigestOfFolder {
        /// The source's name in the order.
        name: String,
    },
    /// The order says of an image what can only be said of a folder.
    #[error(
        "the order says `times = \"original\"` of source {name}, which is an image: only a folder's times are copied"
    )]
    TimesOfImage {
        /// The source's name in the order.
        name: String,
    },
    /// A source's image could not be hashed.
    #[error("source {name} could not be hashed: {source}")]
    Unhashed {
        /// The source's name in the order.
        name: String,
        /// Why.
        source: ReadError,
    },
    /// A source changed while it was read.
    #[error("source {name}: {source}; nothing was sealed")]
    Changed {
        /// The source's name in the order.
        name: String,
        /// How many files.
        source: Changed,
    },
    /// The output would stand inside a source.
    #[error("the output would stand inside source {name}, which is never written to")]
    OutputInSource {
        /// The source's name in the order.
        name: String,
    },
    /// The bytes of a stream do not add up.
    #[error("{0}: this is a fault of the program, and nothing was sealed")]
    Identity(#[from] IdentityError),
    /// A clause is over its limit.
    #[error("{0}; nothing was sealed")]
    Tripped(#[from] Tripped),
    /// The package could not be made.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// Its audit could not be written.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// It was asked to stop.
    #[error("interrupted; nothing was sealed and nothing is left")]
    Interrupted,
}
