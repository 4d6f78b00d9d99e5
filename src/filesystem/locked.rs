//! A volume that is encrypted and has no key, in the place of a file system: it is there, and nothing of it can be read.
//!
//! **Invariant:** whatever is asked of it, the answer is that it is encrypted, and never that nothing is there.

use super::{Changed, FileSystem, Listing};
use crate::journal::Journal;
use crate::read_error::ReadError;
use crate::scope::{Entry, Node, Opened, Permit};

/// An encrypted volume without a key.
pub struct Locked {
    method: String,
}

impl Locked {
    /// `method`: how it is encrypted, by name.
    pub fn new(method: String) -> Self {
        Self { method }
    }

    fn refusal(&self) -> ReadError {
        ReadError::Encrypted { offset: 0, what: self.method.clone() }
    }
}

impl FileSystem for Locked {
    fn name(&self) -> Option<&'static str> {
        Some("encrypted")
    }

    fn journal(&self) -> Journal {
        Journal::None
    }

    fn root(&self) -> Node {
        Node::new([])
    }

    fn list(&self, _: &Entry) -> Listing {
        Listing { entries: Vec::new(), error: Some(self.refusal()) }
    }

    fn open(&self, _: Permit) -> Result<Opened, ReadError> {
        Err(self.refusal())
    }

    fn unchanged(&self) -> Result<(), Changed> {
        Ok(())
    }
}
