//! What records of one transaction have in common.
//!
//! **Invariant:** one name, one mark.

/// What `join` brings in the other records of a transaction by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// The id under which a mail server holds a message in its queue.
    QueueId,
}

impl Join {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::QueueId];

    /// The names that a later version will read.
    pub const LATER: &'static [&'static str] = &["session", "message-id"];

    /// Its name in an order.
    pub const fn name(self) -> &'static str {
        match self {
            Self::QueueId => "queue-id",
        }
    }

    /// The join of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|join| join.name() == name)
    }
}
