//! Counting: what each clause came to, and where every byte of every opened stream went.
//!
//! **Invariant:** withheld + disclosed + undecided + unreadable + outside is the size of the stream, to the byte.

use std::collections::{BTreeMap, BTreeSet};

use super::ShortfallKind;
use crate::order::Format;

/// What was disclosed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Streams that gave something.
    pub files: u64,
    /// Records; a message is one, a whole file is none.
    pub records: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Counts {
    /// Adds the other's counts.
    pub fn merge(&mut self, other: &Self) {
        self.files = self.files.saturating_add(other.files);
        self.records = self.records.saturating_add(other.records);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// What a clause came to, apart from what was disclosed under it (the package counts that itself).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Files or records that it asks for and a withhold stopped.
    pub withheld: u64,
    /// Files or records that it cannot be decided on.
    pub undecided: u64,
    /// Bytes of the streams that were opened for it.
    pub examined: u64,
    /// Bytes of those that it does not ask for.
    pub outside: u64,
    /// Streams or entries asked for and not read, by kind.
    pub shortfalls: BTreeMap<ShortfallKind, u64>,
    /// What its streams were read as, whether their content told it, and how many there were: for staff alone.
    pub read_as: BTreeMap<(Format, bool), u64>,
    /// The tables and columns that it names and that no record of its streams has; none where there was no record to have
    /// one. For staff alone; that there are some is a shortfall.
    pub names_not_met: Option<BTreeSet<String>>,
}

impl Tally {
    /// One more stream or entry is short.
    pub fn short(&mut self, kind: ShortfallKind) {
        let count = self.shortfalls.entry(kind).or_default();
        *count = count.saturating_add(1);
    }

    /// Adds the other's counts.
    pub fn merge(&mut self, other: &Self) {
        self.withheld = self.withheld.saturating_add(other.withheld);
        self.undecided = self.undecided.saturating_add(other.undecided);
        self.examined = self.examined.saturating_add(other.examined);
        self.outside = self.outside.saturating_add(other.outside);
        for (&how, &more) in &other.read_as {
            let count = self.read_as.entry(how).or_default();
            *count = count.saturating_add(more);
        }
        self.names_not_met = match (self.names_not_met.take(), &other.names_not_met) {
            (Some(own), Some(others)) => Some(own.intersection(others).cloned().collect()),
            (own, others) => own.or_else(|| others.clone()),
        };
        for (&kind, &more) in &other.shortfalls {
            let count = self.shortfalls.entry(kind).or_default();
            *count = count.saturating_add(more);
        }
    }
}

/// Where the bytes of one opened stream went, or of several together. A byte that several clauses judge differently
/// counts once, in the order of these members.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct StreamTally {
    /// Asked for, and a withhold stopped them.
    pub withheld: u64,
    /// Disclosed.
    pub disclosed: u64,
    /// Not decided.
    pub undecided: u64,
    /// Not readable as a record.
    pub unreadable: u64,
    /// Asked for by no clause.
    pub outside: u64,
}

/// The bytes of a stream do not add up: nothing may be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("of {size} bytes of a stream {counted} are accounted for")]
pub struct IdentityError {
    /// The stream's size in bytes.
    pub size: u64,
    /// The sum of the parts, in bytes.
    pub counted: u128,
}

impl StreamTally {
    /// The sum of the parts, in bytes.
    pub fn total(&self) -> u128 {
        [self.withheld, self.disclosed, self.undecided, self.unreadable, self.outside].into_iter().map(u128::from).sum()
    }

    /// Every byte of a stream of that size is in exactly one part.
    pub fn assert_identity(&self, size: u64) -> Result<(), IdentityError> {
        let counted = self.total();
        if counted == u128::from(size) { Ok(()) } else { Err(IdentityError { size, counted }) }
    }

    /// Adds the other's bytes.
    pub fn merge(&mut self, other: &Self) {
        self.withheld = self.withheld.saturating_add(other.withheld);
        self.disclosed = self.disclosed.saturating_add(other.disclosed);
        self.undecided = self.undecided.saturating_add(other.undecided);
        self.unreadable = self.unreadable.saturating_add(other.unreadable);
        self.outside = self.outside.saturating_add(other.outside);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_is_nowhere_or_twice_is_an_error() {
        let tally = StreamTally { withheld: 1, disclosed: 2, undecided: 3, unreadable: 4, outside: 5 };
        assert_eq!(tally.assert_identity(15), Ok(()));
        assert_eq!(tally.assert_identity(14), Err(IdentityError { size: 14, counted: 15 }));
        assert!(tally.assert_identity(16).is_err());
        let full = StreamTally { withheld: u64::MAX, disclosed: 1, ..StreamTally::default() };
        assert!(full.assert_identity(0).is_err() && full.assert_identity(u64::MAX).is_err());
    }

    #[test]
    fn tallies_merge_by_kind() {
        let mut one = Tally { withheld: 1, undecided: 2, examined: 3, outside: 4, ..Tally::default() };
        one.short(ShortfallKind::NoSuchPath);
        let mut two = one.clone();
        two.short(ShortfallKind::UnreadableFile);
        one.merge(&two);
        assert_eq!((one.withheld, one.undecided, one.examined, one.outside), (2, 4, 6, 8));
        let kinds: Vec<_> = one.shortfalls.into_iter().collect();
        assert_eq!(kinds, [(ShortfallKind::NoSuchPath, 2), (ShortfallKind::UnreadableFile, 1)]);
    }
}
