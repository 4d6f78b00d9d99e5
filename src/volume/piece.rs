//! Bytes whose content is yet to be found out: a disk, a partition, an array, a logical volume, or what was decrypted of one.
//!
//! **Invariant:** a piece's name is the one that an order uses for what it turns out to be.

use std::sync::Arc;

use super::partition::Purpose;
use super::{Content, Volume};
use crate::image::Image;
use crate::read_error::ReadError;

/// Where a volume stands in the list: disks before arrays before volume groups, then by numbers.
pub type Rank = Vec<u32>;

/// Such bytes.
#[derive(Clone)]
pub struct Piece {
    /// Its name.
    pub name: String,
    /// The bytes.
    pub bytes: Arc<dyn Image>,
    /// What it was taken out of, outermost first.
    pub layers: Vec<&'static str>,
    /// The keys that opened it, by their place in the list that was given.
    pub keys: Vec<usize>,
    /// What a table says of it.
    pub purpose: Purpose,
    /// Where it stands in the list.
    pub rank: Rank,
}

impl Piece {
    /// The disk with this number, from 1.
    pub fn disk(number: u32, bytes: Arc<dyn Image>) -> Self {
        let name = if number == 1 { super::WHOLE.to_owned() } else { format!("d{number}.{}", super::WHOLE) };
        Self { name, bytes, layers: Vec::new(), keys: Vec::new(), purpose: Purpose::Data, rank: vec![0, number] }
    }

    /// The name and the rank of a partition of this piece.
    pub fn partition(&self, number: u32) -> (String, Rank) {
        let name = match (self.rank.as_slice(), self.layers.is_empty()) {
            ([0, 1], true) => format!("p{number}"),
            ([0, disk], true) => format!("d{disk}.p{number}"),
            // As Linux names it.
            ([1, ..], _) => format!("{}p{number}", self.name),
            _ => format!("{}.p{number}", self.name),
        };
        (name, [self.rank.as_slice(), &[number]].concat())
    }

    /// How many layers lie around it.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// What it turned out to be.
    pub fn volume(self, content: Content) -> (Rank, Volume) {
        let size_bytes = match &content {
            Content::Bytes(bytes) => bytes.size_bytes(),
            _ => self.bytes.size_bytes(),
        };
        (self.rank, Volume { name: self.name, size_bytes, layers: self.layers, keys: self.keys, content })
    }

    /// It cannot be read.
    pub fn refused(self, error: ReadError) -> (Rank, Volume) {
        self.volume(Content::Refused(error))
    }
}
