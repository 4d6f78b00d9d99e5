//! What records of one transaction have in common.
//!
//! **Invariant:** one name, one mark.

/// What `join` brings in the other records of a transaction by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Join {
    /// The id under which a mail server holds a message in its queue.
    QueueId,
    /// The id of a user's session.
    Session,
    /// The Message-ID, and every queue id under which a message with it was held.
    MessageId,
}

impl Join {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::QueueId, Self::Session, Self::MessageId];

    /// Its name in an order.
    pub const fn name(self) -> &'static str {
        match self {
            Self::QueueId => "queue-id",
            Self::Session => "session",
            Self::MessageId => "message-id",
        }
    }

    /// The join of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|join| join.name() == name)
    }
}
