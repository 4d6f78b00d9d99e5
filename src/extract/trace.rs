//! What the provider's audit says of one opened stream.
//!
//! **Invariant:** it is for staff alone: nothing of it reaches the package.

use super::ExtractError;
use super::meter::Metered;
use crate::audit::{CountedIn, Positions};
use crate::digest::Digest;
use crate::ledger::{StreamTally, TakeName};
use crate::order::Format;
use crate::package::PackageError;
use crate::scope::{Permit, StaffPath};

/// What the provider's audit says of one stream.
pub(super) struct Trace {
    pub(super) path: StaffPath,
    pub(super) take: TakeName,
    pub(super) format: Option<Format>,
    /// Its stored size in bytes, as its file system states it.
    pub(super) stored_bytes: u64,
    /// How many of the stored bytes were read, from the first one, and their SHA-256; none where it was not opened.
    pub(super) read: Option<(u64, Digest)>,
    /// In what all that follows is counted.
    pub(super) counted_in: CountedIn,
    /// Bytes of the stream.
    pub(super) size: u64,
    pub(super) bytes: StreamTally,
    /// Where the disclosed records stand in the stream; none where there is no audit.
    pub(super) positions: Option<Positions>,
    /// Why it could not be read to its end, in words for staff.
    pub(super) error: Option<String>,
    /// What else staff should know of it.
    pub(super) note: Option<String>,
}

impl Trace {
    /// Of a stream of which nothing was read yet.
    pub(super) fn new(permit: &Permit, positions: Option<Positions>) -> Self {
        Self {
            path: permit.staff_path(),
            take: if permit.is_whole() { TakeName::Files } else { TakeName::Records },
            format: None,
            stored_bytes: permit.size_bytes(),
            read: None,
            counted_in: CountedIn::Stored,
            size: 0,
            bytes: StreamTally::default(),
            positions,
            error: None,
            note: None,
        }
    }

    /// As much of it was read as ever will be.
    pub(super) fn read<R: std::io::Read>(&mut self, stored: Metered<'_, R>) {
        self.read = Some(stored.finish());
    }

    /// A record of it was disclosed: where it begins, and its length, in bytes.
    pub(super) fn disclosed(&mut self, offset: u64, length: u64) -> Result<(), ExtractError> {
        let pushed = self.positions.as_mut().map_or(Ok(()), |positions| positions.push(offset, length));
        pushed.map_err(|error| PackageError::from(error).into())
    }
}
