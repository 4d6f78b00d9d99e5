//! The stamps that lie beside a package, and the requests for them: `2024-17.tar.tsr` answers `2024-17.tar.tsq`,
//! `2024-17.tar.2.tsr` answers `2024-17.tar.2.tsq`, and so on.
//!
//! **Invariant:** a request has the number of the stamp that answers it; what exists is never replaced.

use std::path::Path;

use super::TimeStamp;
use super::fault::Fault;
use crate::beside::Kind;
use crate::limits;

/// The files that hold stamps.
pub const STAMPS: Kind = Kind { ending: "tsr", count: limits::TIME_STAMPS, bytes: limits::TIME_STAMP_BYTES };
/// The files that hold requests.
pub const REQUESTS: Kind = Kind { ending: "tsq", count: limits::TIME_STAMPS, bytes: limits::TIME_STAMP_REQUEST_BYTES };

/// A time-stamp that lies beside a package.
#[derive(Debug)]
pub struct Beside {
    /// The name of its file.
    pub name: String,
    /// What it is, or why it is none.
    pub stamp: Result<TimeStamp, Fault>,
}

/// All that lie beside a package, by number.
pub fn all(package: &Path) -> Vec<Beside> {
    let read = |content: Result<Vec<u8>, _>| content.map_err(Fault::Unread).and_then(|bytes| TimeStamp::read(&bytes));
    let found = STAMPS.all(package).into_iter();
    found.map(|found| Beside { name: found.name, stamp: read(found.content) }).collect()
}
