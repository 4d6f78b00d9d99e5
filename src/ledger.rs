//! What may be said of a disclosure: outcomes, counts, shortfalls, and the disclosure itself.
//!
//! **Invariant:** nothing here holds a source path, a withheld name or a position of anything that was not disclosed.

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

/// In what way something was asked for and not read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShortfallKind {
    /// More than one record format fits: the clause must say `as`.
    AmbiguousFormat,
    /// The stream's format is of a higher category than the clause.
    CategoryTooLow,
    /// The compressed stream is damaged or ends early.
    DamagedCompression,
    /// A symbolic link stands on a path of the clause.
    LinkNotFollowed,
    /// A path of the clause is not there.
    NoSuchPath,
    /// It holds records and an identifier withhold exists: it must be taken as records.
    MustBeRecords,
    /// A record is over the size that is read.
    RecordTooLong,
    /// A device, a pipe or a socket stands where the clause asks for a file.
    SpecialFile,
    /// The content has not the shape of the format that the clause names.
    NotTheFormat,
    /// No record format fits the stream.
    UnknownFormat,
    /// A file could not be read to its end.
    UnreadableFile,
    /// A folder could not be listed to its end.
    UnreadableFolder,
}
