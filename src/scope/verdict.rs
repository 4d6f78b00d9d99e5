//! The three values of every decision, and how they combine.
//!
//! **Invariant:** combining is total: every pair has one answer, and nothing but `In` lets anything out.

/// What one comparison, or a clause, says of an entry or a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Asked for.
    In,
    /// Not asked for.
    Out,
    /// It cannot be read: neither can be said.
    Undecided,
}

impl Verdict {
    /// `In` where `holds`, else `Out`.
    pub const fn from_bool(holds: bool) -> Self {
        if holds { Self::In } else { Self::Out }
    }

    /// Both must hold: one `Out` makes out, else one `Undecided` makes undecided.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Out, _) | (_, Self::Out) => Self::Out,
            (Self::Undecided, _) | (_, Self::Undecided) => Self::Undecided,
            (Self::In, Self::In) => Self::In,
        }
    }

    /// One must hold: one `In` makes in, else one `Undecided` makes undecided.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::In, _) | (_, Self::In) => Self::In,
            (Self::Undecided, _) | (_, Self::Undecided) => Self::Undecided,
            (Self::Out, Self::Out) => Self::Out,
        }
    }
}
