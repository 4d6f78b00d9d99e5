//! From disks to volumes: each piece's content is found out until nothing is left that holds others.
//!
//! **Invariant:** it ends: every piece is deeper than the one that it was taken out of, and depth and number are bounded.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::array::Array;
use super::claim::{self, Claim};
use super::luks::{Header, Opened};
use super::lvm;
use super::mapped::Mapped;
use super::md::Superblock;
use super::partition::{Partition, Purpose};
use super::piece::{Piece, Rank};
use super::{Content, Key, Volume};
use crate::image::{Image, Windowed};
use crate::limits;
use crate::read_error::ReadError;

/// The number that Linux gives to the first array that has none.
const LAST_ARRAY: u32 = 127;

struct Resolver<'k> {
    keys: &'k [Key],
    pieces: VecDeque<Piece>,
    arrays: Vec<Array>,
    physical: Vec<lvm::Found>,
    /// The numbers of arrays that are taken.
    numbers: BTreeSet<u32>,
    done: Vec<(Rank, Volume)>,
    pieces_seen: usize,
}

/// The volumes of these disks.
pub fn volumes(disks: &[Arc<dyn Image>], keys: &[Key]) -> Result<Vec<Volume>, ReadError> {
    let pieces = (1..).zip(disks).map(|(number, disk)| Piece::disk(number, Arc::clone(disk))).collect();
    let (arrays, physical, done) = (Vec::new(), Vec::new(), Vec::new());
    let mut resolver = Resolver { keys, pieces, arrays, physical, numbers: BTreeSet::new(), done, pieces_seen: 0 };
    resolver.run()?;
    let mut done = resolver.done;
    done.sort_by(|(a, x), (b, y)| (a.first(), a, &x.name).cmp(&(b.first(), b, &y.name)));
    let mut names: Vec<String> = done.iter().map(|(_, volume)| volume.name.clone()).collect();
    names.sort_unstable();
    // Two with one name cannot be told apart in an order.
    let twice: BTreeSet<String> =
        names.windows(2).filter(|pair| pair.first() == pair.last()).filter_map(|pair| pair.first().cloned()).collect();
    for (_, volume) in done.iter_mut().filter(|(_, volume)| twice.contains(&volume.name)) {
        let what = "two volumes with this name".to_owned();
        volume.content = Content::Refused(ReadError::Unsupported { offset: 0, what });
    }
    Ok(done.into_iter().map(|(_, volume)| volume).collect())
}

impl Resolver<'_> {
    fn run(&mut self) -> Result<(), ReadError> {
        loop {
            while let Some(piece) = self.pieces.pop_front() {
                self.pieces_seen += 1;
                if self.pieces_seen.max(self.done.len()) > limits::VOLUMES {
                    return Err(ReadError::Limit { offset: 0, what: "volumes of one source" });
                }
                self.settle(piece);
            }
            // What is whole goes first: the missing part of another one may stand on it.
            if let Some(at) = self.arrays.iter().position(Array::is_complete) {
                self.array(at);
            } else if let Some(group) = lvm::assemble(&mut self.physical, false) {
                self.group(group);
            } else if !self.arrays.is_empty() {
                self.array(0);
            } else if let Some(group) = lvm::assemble(&mut self.physical, true) {
                self.group(group);
            } else {
                self.done.extend(lvm::left_over(std::mem::take(&mut self.physical)));
                return Ok(());
            }
        }
    }

    fn settle(&mut self, piece: Piece) {
        if piece.depth() > limits::VOLUME_DEPTH {
            self.done.push(piece.refused(ReadError::Limit { offset: 0, what: "volumes within one another" }));
            return;
        }
        match claim::settle(&piece.bytes, piece.purpose) {
            Ok(Claim::Table(layer, partitions)) => self.partitions(&piece, layer, partitions),
            Ok(Claim::Member(superblock)) => self.member(superblock, piece),
            Ok(Claim::Encrypted(header)) => self.encrypted(piece, &header),
            Ok(Claim::Locked(name)) => self.done.push(piece.volume(Content::Encrypted(name.to_owned()))),
            Ok(Claim::Physical(label)) => self.physical.push(lvm::Found::new(label, piece)),
            Ok(Claim::Unused(name)) => self.done.push(piece.volume(Content::Unused(name))),
            Ok(Claim::Bytes) => {
                let bytes: Arc<dyn Image> = Arc::new(Windowed::new(Arc::clone(&piece.bytes)));
                self.done.push(piece.volume(Content::Bytes(bytes)));
            }
            Err(error) => self.done.push(piece.refused(error)),
        }
    }

    fn partitions(&mut self, piece: &Piece, layer: &'static str, partitions: Vec<Partition>) {
        for partition in partitions {
            let (name, rank) = piece.partition(partition.number);
            let layers = [piece.layers.as_slice(), &[layer]].concat();
            let keys = piece.keys.clone();
            let window = Mapped::window(&piece.bytes, partition.start_bytes, partition.size_bytes);
            match (partition.fault, window) {
                (None, Ok(bytes)) => {
                    self.pieces.push_back(Piece { name, bytes, layers, keys, purpose: partition.purpose, rank });
                }
                (Some(error), _) | (None, Err(error)) => {
                    let (size_bytes, content) = (partition.size_bytes, Content::Refused(error));
                    self.done.push((rank, Volume { name, size_bytes, layers, keys, content }));
                }
            }
        }
    }

    fn member(&mut self, superblock: Superblock, piece: Piece) {
        match self.arrays.iter_mut().find(|array| array.id == superblock.array) {
            Some(array) => array.add(superblock, piece),
            None => self.arrays.push(Array::new(superblock, piece)),
        }
    }

    fn encrypted(&mut self, mut piece: Piece, header: &Header) {
        match header.open(&piece.bytes, self.keys) {
            Ok(Opened::Bytes(bytes, key)) => {
                piece.bytes = bytes;
                piece.layers.push(header.layer);
                piece.keys.push(key);
                piece.purpose = Purpose::Data;
                self.pieces.push_back(piece);
            }
            Ok(Opened::Locked) => self.done.push(piece.volume(Content::Encrypted(header.method.clone()))),
            Err(error) => self.done.push(piece.refused(error)),
        }
    }

    fn array(&mut self, at: usize) {
        let array = self.arrays.remove(at);
        let is_free = |number: &u32| !self.numbers.contains(number);
        let wanted: Vec<u32> = self.arrays.iter().filter_map(Array::number).collect();
        let own = array.number().filter(is_free);
        let number = own.or_else(|| (0..=LAST_ARRAY).rev().find(|n| is_free(n) && !wanted.contains(n)));
        let number = number.unwrap_or_else(|| self.numbers.last().map_or(LAST_ARRAY, |last| last.saturating_add(1)));
        self.numbers.insert(number);
        let (name, rank) = (format!("md{number}"), vec![1, number]);
        match array.bytes() {
            Ok((bytes, member)) => {
                let layers = [member.layers.as_slice(), &["MD RAID1"]].concat();
                let (keys, purpose) = (member.keys.clone(), Purpose::Data);
                self.pieces.push_back(Piece { name, bytes, layers, keys, purpose, rank });
            }
            Err(error) => {
                let (mut layers, mut keys, mut size_bytes) = (Vec::new(), Vec::new(), 0);
                for piece in array.pieces() {
                    layers = piece.layers.clone();
                    keys.extend(&piece.keys);
                    size_bytes = piece.bytes.size_bytes();
                }
                layers.push("MD RAID");
                let content = Content::Refused(error);
                self.done.push((rank, Volume { name, size_bytes, layers, keys, content }));
            }
        }
    }

    fn group(&mut self, group: lvm::Assembled) {
        self.done.extend(group.refused);
        self.pieces.extend(group.pieces);
    }
}
