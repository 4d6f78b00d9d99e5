//! Why a package could not be made. Nothing of it is ever packaged.
//!
//! **Invariant:** no error quotes content, or a name from within a source; the one path in it is that of the output.

use std::io;
use std::path::PathBuf;

use super::layout::Member;
use super::leak::LeakKind;
use super::reader::Fault;
use crate::delivery::OpenError;
use crate::limits;

/// Why a package could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// There is something at the output's path.
    #[error("{} exists, and an existing file is never overwritten", path.display())]
    OutputExists {
        /// The output.
        path: PathBuf,
    },
    /// The output's folder does not let us write.
    #[error("cannot write {}: {source}", path.display())]
    Output {
        /// The output.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Writing, or reading back, failed: a full disk, for one.
    #[error("writing the package failed, and nothing of it is left: {0}")]
    Write(#[from] io::Error),
    /// A line could not be written as JSON.
    #[error("writing the ledger failed: {0}")]
    Json(#[from] serde_json::Error),
    /// More exhibits than numbers.
    #[error("more than {} exhibits: one package cannot hold them", limits::EXHIBITS)]
    TooManyExhibits,
    /// Exhibits were handed over in another order than the contract's, or do not fit the order of the court.
    #[error("the exhibits do not fit together: {0}")]
    Inconsistent(&'static str),
    /// The finished package does not read back as it was written.
    #[error("the finished package does not read back as it was written ({member}): {what}")]
    Audit {
        /// Which member, by its name.
        member: String,
        /// What is wrong with it.
        what: AuditFault,
    },
    /// The finished package does not decrypt as it was encrypted.
    #[error("the finished package does not decrypt as it was encrypted: {0}")]
    Undecrypted(#[from] OpenError),
    /// The finished package holds what it may not.
    #[error("the finished package was not sealed, and nothing of it is left: {member} {kind}")]
    Leak {
        /// Which member, by its name.
        member: String,
        /// What was found, by what it looks like.
        kind: LeakKind,
    },
    /// A preview is not a package.
    #[error("a preview cannot be sealed")]
    Preview,
}

/// What the self-audit found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// The tar's structure is not ours.
    #[error("{0}")]
    Structure(Fault),
    /// A member is missing, or another one stands in its place.
    #[error("it is not where it was written")]
    Order,
    /// Its size differs.
    #[error("its size differs")]
    Size,
    /// Its digest differs.
    #[error("its SHA-256 differs")]
    Digest,
}

impl PackageError {
    pub(super) fn audit(member: Member, what: AuditFault) -> Self {
        Self::Audit { member: member.to_string(), what }
    }
}
