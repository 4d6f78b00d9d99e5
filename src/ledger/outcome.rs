//! What became of a clause, and in what way something was asked for and not read.
//!
//! **Invariant:** both are closed lists with one name each; a clause has one outcome, the first that applies.

use std::fmt;

use super::{Counts, Tally};
use crate::read_error::ReadError;

/// What became of a clause: the first that applies, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Something was disclosed under it.
    Produced,
    /// Something may be in and could not be decided.
    Undecided,
    /// Something is in, and a withhold stopped it.
    Withheld,
    /// Something is held encrypted, without a key.
    Encrypted,
    /// Something was asked for and could not be read.
    NotRead,
    /// A path of it was not there.
    NoSuchPath,
    /// A path of it leads through a symbolic link.
    LinkNotFollowed,
    /// Everything it asks for was looked at, and nothing of it is held.
    NothingHeld,
}

impl Outcome {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Produced,
        Self::Undecided,
        Self::Withheld,
        Self::Encrypted,
        Self::NotRead,
        Self::NoSuchPath,
        Self::LinkNotFollowed,
        Self::NothingHeld,
    ];

    /// The outcome of a clause under which `disclosed` was disclosed and which otherwise came to `tally`.
    pub fn of(disclosed: &Counts, tally: &Tally) -> Self {
        let short = |wanted: fn(ShortfallKind) -> bool| {
            tally.shortfalls.iter().any(|(&kind, &count)| count > 0 && wanted(kind))
        };
        if disclosed.files > 0 {
            Self::Produced
        } else if tally.undecided > 0 {
            Self::Undecided
        } else if tally.withheld > 0 {
            Self::Withheld
        } else if short(|kind| kind == ShortfallKind::Encrypted) {
            Self::Encrypted
        } else if short(ShortfallKind::is_not_read) {
            Self::NotRead
        } else if short(|kind| kind == ShortfallKind::NoSuchPath) {
            Self::NoSuchPath
        } else if short(|kind| kind == ShortfallKind::LinkNotFollowed) {
            Self::LinkNotFollowed
        } else {
            Self::NothingHeld
        }
    }

    /// Its name in `disclosure.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Produced => "produced",
            Self::Undecided => "undecided",
            Self::Withheld => "withheld",
            Self::Encrypted => "encrypted",
            Self::NotRead => "not-read",
            Self::NoSuchPath => "no-such-path",
            Self::LinkNotFollowed => "link-not-followed",
            Self::NothingHeld => "nothing-held",
        }
    }

    /// What it means, in a sentence.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Produced => "Data was disclosed under this clause.",
            Self::Undecided => {
                "Nothing was disclosed under this clause. Something held may fall under it, but a time or an identifier \
                 in it could not be read, so it was neither disclosed nor counted as absent."
            }
            Self::Withheld => {
                "Nothing was disclosed under this clause. What falls under it is held back on a ground that the \
                 provider has recorded."
            }
            Self::Encrypted => {
                "Nothing was disclosed under this clause. What may fall under it is held encrypted, without a key."
            }
            Self::NotRead => {
                "Nothing was disclosed under this clause. Something that it asks for is held and could not be read."
            }
            Self::NoSuchPath => "Nothing was disclosed under this clause. A place that it names does not exist.",
            Self::LinkNotFollowed => {
                "Nothing was disclosed under this clause. A place that it names is a symbolic link or lies behind one, \
                 and links are not followed."
            }
            Self::NothingHeld => {
                "Nothing was disclosed under this clause. Every place that it names was read to the end, and nothing \
                 there falls under it."
            }
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// In what way something was asked for and not read. Ordered as their names are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShortfallKind {
    /// More than one record format fits: the clause must say `as`.
    AmbiguousFormat,
    /// An archive goes over a bound (nesting, size, ratio, number of members): what is behind it was not read.
    ArchiveLimit,
    /// The stream's format is of a higher category than the clause.
    CategoryTooLow,
    /// The compressed stream is damaged or ends early.
    DamagedCompression,
    /// A file, or all of a volume, is encrypted, and there is no key.
    Encrypted,
    /// A folder stands where the clause names a file; what is in it is not asked for.
    IsAFolder,
    /// A file system's journal holds changes that could not be applied: what stands there may be older than what the
    /// server saw. Once a file system that the clause reaches.
    JournalNotReplayed,
    /// A symbolic link stands on a path of the clause.
    LinkNotFollowed,
    /// It holds records and an identifier withhold exists: it must be taken as records.
    MustBeRecords,
    /// No record has a column, or stands in the table, that the clause names.
    NoSuchColumn,
    /// A path of the clause is not there.
    NoSuchPath,
    /// The content has not the shape of the format that the clause names.
    NotTheFormat,
    /// A record is over the size that is read.
    RecordTooLong,
    /// A device, a pipe or a socket stands where the clause asks for a file.
    SpecialFile,
    /// No record format fits the stream.
    UnknownFormat,
    /// A file could not be read to its end.
    UnreadableFile,
    /// A folder could not be listed to its end.
    UnreadableFolder,
}

impl ShortfallKind {
    /// All of them, in order.
    pub const ALL: [Self; 17] = [
        Self::AmbiguousFormat,
        Self::ArchiveLimit,
        Self::CategoryTooLow,
        Self::DamagedCompression,
        Self::Encrypted,
        Self::IsAFolder,
        Self::JournalNotReplayed,
        Self::LinkNotFollowed,
        Self::MustBeRecords,
        Self::NoSuchColumn,
        Self::NoSuchPath,
        Self::NotTheFormat,
        Self::RecordTooLong,
        Self::SpecialFile,
        Self::UnknownFormat,
        Self::UnreadableFile,
        Self::UnreadableFolder,
    ];

    /// The kind of an error: encrypted data is told as such, whatever was asked of it.
    pub const fn of(error: &ReadError, otherwise: Self) -> Self {
        match error {
            ReadError::Encrypted { .. } => Self::Encrypted,
            ReadError::Io { .. }
            | ReadError::Corrupt { .. }
            | ReadError::Unsupported { .. }
            | ReadError::Limit { .. } => otherwise,
        }
    }

    /// Something is there and was not read, as opposed to a path that is not there or a link that was not followed.
    pub const fn is_not_read(self) -> bool {
        !matches!(self, Self::NoSuchPath | Self::LinkNotFollowed)
    }

    /// Its name in `disclosure.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AmbiguousFormat => "ambiguous-format",
            Self::ArchiveLimit => "archive-limit",
            Self::CategoryTooLow => "category-too-low",
            Self::DamagedCompression => "damaged-compression",
            Self::Encrypted => "encrypted",
            Self::IsAFolder => "is-a-folder",
            Self::JournalNotReplayed => "journal-not-replayed",
            Self::LinkNotFollowed => "link-not-followed",
            Self::MustBeRecords => "must-be-records",
            Self::NoSuchColumn => "no-such-column",
            Self::NoSuchPath => "no-such-path",
            Self::NotTheFormat => "not-the-format",
            Self::RecordTooLong => "record-too-long",
            Self::SpecialFile => "special-file",
            Self::UnknownFormat => "unknown-format",
            Self::UnreadableFile => "unreadable-file",
            Self::UnreadableFolder => "unreadable-folder",
        }
    }

    /// What it means, in a sentence.
    pub const fn words(self) -> &'static str {
        match self {
            Self::AmbiguousFormat => "A file fits more than one format of records, so it was not taken apart.",
            Self::ArchiveLimit => {
                "An archive is nested deeper, is larger or unpacks to more than what is read; what is in it was not read to the end."
            }
            Self::CategoryTooLow => {
                "A file holds data of a higher category than the clause asks for, so it was not taken."
            }
            Self::DamagedCompression => {
                "A compressed file is damaged or ends early; what follows the damage was not read."
            }
            Self::Encrypted => "Data is held encrypted, and there is no key to it.",
            Self::IsAFolder => {
                "A place that the clause names is a folder. What is in it is not asked for by naming the folder alone."
            }
            Self::JournalNotReplayed => {
                "A file system's journal holds changes that could not be read: what was found there may be older than what \
                 the server held."
            }
            Self::LinkNotFollowed => {
                "A place that the clause names is a symbolic link or lies behind one. Links are not followed."
            }
            Self::MustBeRecords => {
                "A file holds records, some of which may have to be held back, so it was not taken as a whole."
            }
            Self::NoSuchColumn => "No record has a column, or stands in the table, that the clause names.",
            Self::NoSuchPath => "A place that the clause names does not exist.",
            Self::NotTheFormat => "A file, or a part of it, has not the form of the records that the clause asks for.",
            Self::RecordTooLong => "A record is longer than what is read.",
            Self::SpecialFile => {
                "A device, a pipe or a socket stands where the clause asks for a file. It was not opened."
            }
            Self::UnknownFormat => "A file is in no format of records that this version reads.",
            Self::UnreadableFile => "A file could not be read to its end.",
            Self::UnreadableFolder => "A folder could not be listed to its end: files in it may be missing.",
        }
    }
}

impl fmt::Display for ShortfallKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something asked for and not read: by clause, kind and count, and nothing more.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shortfall {
    /// The clause's id.
    pub clause: String,
    /// In what way.
    pub kind: ShortfallKind,
    /// How many streams or entries.
    pub count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_outcomes_go_by_their_names() {
        for kind in ShortfallKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        for outcome in Outcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.name());
        }
        let names = ShortfallKind::ALL.map(ShortfallKind::name);
        assert!(names.is_sorted() && ShortfallKind::ALL.is_sorted());
    }

    #[test]
    fn the_outcome_is_the_first_that_applies() {
        use ShortfallKind as K;
        // (files, undecided, withheld, shortfalls) and what it is.
        let cases: [(u64, u64, u64, &[K], Outcome); 12] = [
            (0, 0, 0, &[K::Encrypted, K::UnreadableFile], Outcome::Encrypted),
            (0, 0, 1, &[K::Encrypted], Outcome::Withheld),
            (0, 0, 0, &[], Outcome::NothingHeld),
            (0, 0, 0, &[K::LinkNotFollowed], Outcome::LinkNotFollowed),
            (0, 0, 0, &[K::LinkNotFollowed, K::NoSuchPath], Outcome::NoSuchPath),
            (0, 0, 0, &[K::NoSuchPath, K::UnreadableFolder], Outcome::NotRead),
            (0, 0, 0, &[K::UnknownFormat], Outcome::NotRead),
            (0, 0, 1, &[K::UnreadableFile], Outcome::Withheld),
            (0, 1, 1, &[K::UnreadableFile], Outcome::Undecided),
            (1, 1, 1, &[K::UnreadableFile], Outcome::Produced),
            (1, 0, 0, &[], Outcome::Produced),
            (0, 1, 0, &[], Outcome::Undecided),
        ];
        for (files, undecided, withheld, kinds, expected) in cases {
            let mut tally = Tally { undecided, withheld, ..Tally::default() };
            kinds.iter().for_each(|&kind| tally.short(kind));
            assert_eq!(Outcome::of(&Counts { files, ..Counts::default() }, &tally), expected, "{tally:?}");
        }
    }
}
