//! What the provider's audit says of one opened stream.
//!
//! **Invariant:** it is for staff alone: nothing of it reaches the package.

use crate::digest::Digest;
use crate::ledger::StreamTally;
use crate::order::Format;
use crate::scope::StaffPath;

/// What the provider's audit says of one stream.
pub(super) struct Trace {
    pub(super) path: StaffPath,
    pub(super) format: Option<Format>,
    /// Of the stored bytes, as far as they were read; none where nothing was.
    pub(super) stored_sha256: Option<Digest>,
    /// Bytes of the (decompressed) stream.
    pub(super) size: u64,
    pub(super) bytes: StreamTally,
    /// Where the disclosed bytes stand in the (decompressed) stream: start and length, joined where they touch.
    pub(super) disclosed: Vec<(u64, u64)>,
    /// Why it could not be read to its end, in words for staff.
    pub(super) error: Option<String>,
    /// What else staff should know of it.
    pub(super) note: Option<String>,
}

impl Trace {
    /// Of a stream of which nothing was read.
    pub(super) fn new(path: StaffPath) -> Self {
        Self {
            path,
            format: None,
            stored_sha256: None,
            size: 0,
            bytes: StreamTally::default(),
            disclosed: Vec::new(),
            error: None,
            note: None,
        }
    }
}
