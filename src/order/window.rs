//! Windows: half-open spans of UTC on a named clock.
//!
//! **Invariant:** `from` is inside, `before` is not, and `from < before`.

use crate::clock::Timestamp;

/// A half-open span of UTC on a named clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first instant inside.
    pub from: Timestamp,
    /// The first instant after it.
    pub before: Timestamp,
    /// Whose time is compared.
    pub clock: Clock,
}

impl Window {
    /// The span holds that instant.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.before
    }
}

/// Whose time a window is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Clock {
    /// A file's last change of content (mtime).
    Modified,
    /// A file's last change of content or metadata (ctime).
    Changed,
    /// A file's creation (birth time).
    Created,
    /// A file's last reading (atime).
    Accessed,
    /// The time that a log record carries.
    Record,
    /// A message's Date header (RFC 5322, 3.6.1).
    DateHeader,
    /// When a message was taken in by a host that the provider file names: the date of the topmost such Received field.
    Received,
    /// When a message was put into its mailbox, by what the mailbox says.
    Delivered,
}

impl Clock {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Modified,
        Self::Changed,
        Self::Created,
        Self::Accessed,
        Self::Record,
        Self::DateHeader,
        Self::Received,
        Self::Delivered,
    ];

    /// Its name in an order and in the ledger.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Modified => "modified",
            Self::Changed => "changed",
            Self::Created => "created",
            Self::Accessed => "accessed",
            Self::Record => "record",
            Self::DateHeader => "date-header",
            Self::Received => "received",
            Self::Delivered => "delivered",
        }
    }

    /// The clock of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|clock| clock.name() == name)
    }

    /// It is a clock of files, not of records.
    pub const fn is_file_clock(self) -> bool {
        match self {
            Self::Modified | Self::Changed | Self::Created | Self::Accessed => true,
            Self::Record | Self::DateHeader | Self::Received | Self::Delivered => false,
        }
    }
}
