//! The state of a file system's journal or log, as the package states it.
//!
//! **Invariant:** a journal that holds changes which we did not apply is never called clean.

/// The state of a journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Journal {
    /// The file system has none.
    None,
    /// It holds nothing that the file system lacks.
    Clean,
    /// It held changes, and they were applied in memory.
    Replayed,
    /// It holds changes, and they were not applied: what was read may be older than what the server saw.
    NotReplayed,
}
