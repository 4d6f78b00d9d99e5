//! The audit: the provider's own file beside the package, with what the recipient must not learn.
//!
//! Who ran what, of which versions; source paths and digests; every opened file by its path on the server, where in it the
//! disclosed records stand, and how much was examined and found outside. One JSON object a line, each with its number and
//! the SHA-256 of the line before (of the first line: of the order), as in the custody log; mode 0600. It is written aside
//! and gets its name together with the package, never over something that has it. Where the provider's file names recipients it
//! is encrypted to them.
//!
//! **Invariant:** nothing in the package is made of it; an audit without its package is taken back.

mod event;
mod operator;
mod parser;
mod position;
mod writer;

use std::io;
use std::path::PathBuf;

pub use event::{AuditEvent, CountedIn, ExaminedEvent, ServerPath, StoredEvent, StreamEvent};
pub use operator::Operator;
pub use parser::{PARSERS, versions};
pub use position::{Positions, Runs};
pub use writer::{AuditWriter, Committed};

/// Why an audit could not be written.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// There is something at its path.
    #[error("{} exists, and an existing file is never overwritten", path.display())]
    Exists {
        /// The audit's path.
        path: PathBuf,
    },
    /// Writing it failed.
    #[error("writing the audit {} failed, and nothing of it is left: {source}", path.display())]
    Write {
        /// The audit's path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}
