//! A chain of lines: each has its number and the SHA-256 of the line before it.
//!
//! The custody log in the package and the audit beside it are chains, each bound to the order by its first line.
//!
//! **Invariant:** a line changed, removed or moved breaks the `prev` after it; what follows the last line is another matter,
//! so each chain has an event that ends it.

use serde::Serialize;

use super::line;
use crate::digest::Digest;

/// Where a chain has come to.
#[derive(Clone, Debug)]
pub struct Chain {
    seq: u64,
    prev: Digest,
}

impl Chain {
    /// A chain without a line yet; its first one is bound to `begin`.
    pub fn new(begin: Digest) -> Self {
        Self { seq: 0, prev: begin }
    }

    /// How many lines there are: the number of the last one.
    pub fn lines(&self) -> u64 {
        self.seq
    }

    /// The next line with its LF: what `link` makes of its number, from 1, and of the SHA-256 of the line before with its LF.
    pub fn link<T: Serialize>(&mut self, link: impl FnOnce(u64, Digest) -> T) -> serde_json::Result<Vec<u8>> {
        let seq = self.seq.saturating_add(1);
        let line = line(&link(seq, self.prev))?;
        *self = Self { seq, prev: Digest::of(&line) };
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_names_the_one_before_and_the_first_one_the_beginning() {
        let mut chain = Chain::new(Digest::of(b"order"));
        let lines = [0, 1, 2].map(|_| chain.link(|seq, prev| (seq, prev)).unwrap());
        assert_eq!(lines[0], format!("[1,\"{}\"]\n", Digest::of(b"order")).into_bytes());
        assert_eq!(lines[2], format!("[3,\"{}\"]\n", Digest::of(&lines[1])).into_bytes());
        assert_eq!(chain.lines(), 3);
    }
}
