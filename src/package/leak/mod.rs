//! The leak check: another reader of the finished tar, which believes nothing that the writer says.
//!
//! It looks at every byte that is not an exhibit's: headers, padding, the end, and every member outside `data/`. What may stand
//! there is a closed form (FORMAT.md): text that is the same in every package, numbers, sums, times, names that
//! `order.toml` holds, and the paths that a clause asks for. Whatever is not of that form is a leak, be it a word in clear,
//! in base64 or in a comment; what it looks like (an address, a host, a name of this machine) only says how it is called.
//!
//! **Invariant:** no byte outside `data/` goes by unaccounted for, and a [`Leak`] quotes nothing of what was found.
//! **Invariant:** memory grows with the number of members alone.

mod contents;
mod ledger_line;
mod names;
mod prose;
mod raw;
mod record_line;
mod tail;

use std::io::{self, Read};

pub use names::OwnNames;

use crate::digest::Digest;
use crate::limits;
use crate::package::layout::Member;
use contents::Contents;
use raw::Raw;

/// What a package must be about, and which names must not be in it.
#[derive(Clone, Debug)]
pub struct Expected<'e> {
    /// The order's id.
    pub order_id: &'e str,
    /// SHA-256 of the order: what stands in `order.toml` is let out by it, so that this must be known from elsewhere.
    pub order_sha256: Digest,
    /// SHA-256 of each member, in the order of the tar, as somebody found it who read the same tar; none: a sum in it is only
    /// looked at for its form.
    pub sums: Option<&'e [(Member, Digest)]>,
    /// What this machine and who uses it are called.
    pub own: &'e OwnNames,
}

impl Expected<'_> {
    /// The sum of a member, where it is known.
    fn sum(&self, member: Member) -> Option<Digest> {
        let sums = self.sums?;
        let at = sums.binary_search_by_key(&member, |(member, _)| *member).ok()?;
        sums.get(at).map(|(_, sha256)| *sha256)
    }
}

/// Something that may not be in a package: where, and what it looks like. Never the thing itself, nor where it came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leak {
    /// The member by its name; by its place where its name is not one of a package's.
    pub member: String,
    /// What it is.
    pub kind: LeakKind,
}

/// What a leak looks like.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, thiserror::Error)]
pub enum LeakKind {
    /// A header block says more than a name and a size.
    #[error("has a tar header that says more than its name and its size")]
    Header,
    /// A member that no package has, or in a place where none has it.
    #[error("stands where no package has such a member")]
    Member,
    /// Padding that is not zero.
    #[error("is not padded with zeros")]
    Padding,
    /// Something in the end of the tar, or behind it.
    #[error("is not followed by two blocks of zeros and nothing else")]
    End,
    /// A mail address.
    #[error("holds an address that neither the order nor the form of a package accounts for")]
    Address,
    /// An IP address.
    #[error("holds an IP address that neither the order nor the form of a package accounts for")]
    Ip,
    /// A host or a domain.
    #[error("holds a host name that neither the order nor the form of a package accounts for")]
    Host,
    /// A name or a path of the machine that made the package, or of its user.
    #[error("holds a name or a path of the machine that made the package")]
    Own,
    /// The path of an exhibit that its clauses do not ask for.
    #[error("states a place that its clauses do not ask for")]
    Place,
    /// Anything else.
    #[error("holds something that neither the order nor the form of a package accounts for")]
    Text,
}

/// A leak check that is fed with a tar from its first byte to its last.
pub struct LeakCheck<'e> {
    raw: Raw,
    contents: Contents<'e>,
}

impl<'e> LeakCheck<'e> {
    /// Before the first byte.
    pub fn new(expected: &'e Expected<'e>) -> Self {
        Self { raw: Raw::default(), contents: Contents::new(expected) }
    }

    /// Looks at the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.raw.feed(bytes, &mut self.contents);
    }

    /// After the last byte: what was found, in the order of the tar; at most [`limits::LEAKS`], and one a member.
    pub fn finish(mut self) -> Vec<Leak> {
        self.raw.finish(&mut self.contents);
        self.contents.finish()
    }
}

/// Checks a whole tar. An error is one of reading, never of what was read.
pub fn check(mut tar: impl Read, expected: &Expected<'_>) -> io::Result<Vec<Leak>> {
    let mut check = LeakCheck::new(expected);
    let mut buffer = vec![0u8; limits::CHUNK_BYTES];
    loop {
        match tar.read(&mut buffer) {
            Ok(0) => return Ok(check.finish()),
            Ok(got) => check.feed(buffer.get(..got).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
