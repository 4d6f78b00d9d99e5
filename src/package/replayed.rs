//! The ledger of a run whose package goes nowhere, kept to be held against that of a package.
//!
//! **Invariant:** what is kept is the lines of the ledger, in memory or in a file without a name, and no byte of an exhibit.

use std::fmt;
use std::io::{self, Read};

use super::layout::Member;
use super::spool::SpoolReader;
use super::tape::Written;
use crate::digest::Digest;

/// The ledger of a run that was not sealed.
pub struct ReplayedLedger {
    exhibits: SpoolReader,
    /// By exhibit number, ascending.
    records: Vec<(u32, Digest)>,
}

impl ReplayedLedger {
    pub(super) fn new(exhibits: SpoolReader, members: &[Written]) -> Self {
        let records = members.iter().filter_map(|written| match written.member {
            Member::Records(number) => Some((number, written.sha256)),
            _ => None,
        });
        Self { exhibits, records: records.collect() }
    }

    /// The bytes of `exhibits.jsonl`, from their start.
    pub fn exhibits(&mut self) -> io::Result<impl Read + '_> {
        self.exhibits.rewind()?;
        Ok(&mut self.exhibits)
    }

    /// SHA-256 of `records/` of an exhibit; none where it has none.
    pub fn records_sha256(&self, exhibit: u32) -> Option<Digest> {
        let place = self.records.binary_search_by_key(&exhibit, |(number, _)| *number).ok()?;
        self.records.get(place).map(|(_, sha256)| *sha256)
    }
}

/// How much there is, and nothing of it.
impl fmt::Debug for ReplayedLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayedLedger").field("records", &self.records.len()).finish_non_exhaustive()
    }
}
