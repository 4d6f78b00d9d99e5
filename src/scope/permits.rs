//! Permits as they wait to be spent. There may be half a million: what neighbours have in common is held once.
//!
//! A walk gives paths in order, which begin alike: of each, only what differs from the one before it is held. The source,
//! the clauses and the taking are held once for all that have the same.
//!
//! **Invariant:** what comes out is what went in, in the same order, and each permit comes out once.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::ClauseSet;
use super::beside::Neighbours;
use super::entry::{About, Entry};
use super::permit::{Grant, Permit};

/// Permits in one piece of memory.
const PIECE: usize = 2048;
/// How many of the latest grants are held to be shared.
const LATEST: usize = 8;

/// Permits in the order in which they were given.
#[derive(Default)]
pub struct Permits {
    /// The latest grants.
    grants: VecDeque<Arc<Grant>>,
    /// In pieces, so that what has been taken is given back.
    pieces: Vec<Piece>,
    /// The path of the last one.
    last: Box<[u8]>,
    /// What stands beside the entry of that number; few have any.
    beside: HashMap<usize, Box<Neighbours>>,
    count: usize,
}

/// Some permits. The first path of a piece is whole.
#[derive(Default)]
struct Piece {
    kept: Vec<Kept>,
    /// The ends of the paths, one after the other.
    ends: Vec<u8>,
}

/// What is held of one permit.
struct Kept {
    about: About,
    /// How many bytes its path has in common with the one before, and how many of its own follow them.
    common: usize,
    own: usize,
    grant: Arc<Grant>,
}

impl Piece {
    fn before(&self, wanted: &impl Fn(ClauseSet) -> bool, first: usize) -> Vec<(usize, Permit)> {
        let mut found = Vec::new();
        if !self.kept.iter().any(|kept| wanted(kept.grant.clauses)) {
            return found;
        }
        let (mut path, mut ends) = (Vec::new(), self.ends.iter());
        for (number, kept) in self.kept.iter().enumerate() {
            path.truncate(kept.common);
            path.extend(ends.by_ref().take(kept.own));
            if wanted(kept.grant.clauses) {
                let entry = Entry::joined(path.as_slice().into(), kept.about.duplicate());
                found.push((first + number, Permit::joined(entry, *kept.grant).before()));
            }
        }
        found
    }
}

impl Permits {
    /// Takes a permit in.
    pub fn push(&mut self, permit: Permit) {
        let (mut entry, grant) = permit.apart();
        if let Some(beside) = entry.take_beside() {
            self.beside.insert(self.count, beside);
        }
        let (path, about) = entry.apart();
        let grant = self.held_once(grant);
        if self.pieces.last().is_none_or(|piece| piece.kept.len() == PIECE) {
            self.pieces.push(Piece { kept: Vec::with_capacity(PIECE), ends: Vec::new() });
            self.last = Box::default();
        }
        let common = path.iter().zip(&self.last).take_while(|(a, b)| a == b).count();
        if let Some(piece) = self.pieces.last_mut() {
            let own = path.get(common..).unwrap_or_default();
            piece.ends.extend_from_slice(own);
            piece.kept.push(Kept { about, common, own: own.len(), grant });
        }
        self.last = path;
        self.count += 1;
    }

    /// Leave to read, before they are spent, what those are for whose clauses are wanted; each with its number.
    pub fn before(&self, wanted: impl Fn(ClauseSet) -> bool) -> impl Iterator<Item = (usize, Permit)> {
        let pieces = self.pieces.iter().enumerate();
        pieces.flat_map(move |(place, piece)| piece.before(&wanted, place * PIECE))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn held_once(&mut self, grant: Grant) -> Arc<Grant> {
        if let Some(same) = self.grants.iter().find(|other| ***other == grant) {
            return Arc::clone(same);
        }
        let grant = Arc::new(grant);
        self.grants.truncate(LATEST - 1);
        self.grants.push_front(Arc::clone(&grant));
        grant
    }
}

impl IntoIterator for Permits {
    type Item = Permit;
    type IntoIter = IntoPermits;

    fn into_iter(self) -> IntoPermits {
        let Self { pieces, beside, count, .. } = self;
        IntoPermits { pieces: pieces.into_iter(), piece: None, beside, number: 0, left: count }
    }
}

/// Hands permits over, in the order in which they were given.
pub struct IntoPermits {
    pieces: std::vec::IntoIter<Piece>,
    piece: Option<OpenPiece>,
    beside: HashMap<usize, Box<Neighbours>>,
    /// That of the next one.
    number: usize,
    left: usize,
}

/// A piece that is being taken.
struct OpenPiece {
    kept: std::vec::IntoIter<Kept>,
    /// From where the next one's own bytes begin.
    ends: std::vec::IntoIter<u8>,
    /// The path of the one before.
    path: Vec<u8>,
}

impl Iterator for IntoPermits {
    type Item = Permit;

    fn next(&mut self) -> Option<Permit> {
        while self.piece.as_ref().is_none_or(|piece| piece.kept.len() == 0) {
            let Piece { kept, ends } = self.pieces.next()?;
            self.piece = Some(OpenPiece { kept: kept.into_iter(), ends: ends.into_iter(), path: Vec::new() });
        }
        let piece = self.piece.as_mut()?;
        let Kept { about, common, own, grant } = piece.kept.next()?;
        piece.path.truncate(common);
        piece.path.extend(piece.ends.by_ref().take(own));
        let mut entry = Entry::joined(piece.path.as_slice().into(), about);
        entry.set_beside(self.beside.remove(&self.number));
        self.left -= 1;
        self.number += 1;
        Some(Permit::joined(entry, *grant))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for IntoPermits {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::permit::Taking;
    use crate::scope::{ClauseSet, EntryKind, FileTimes, Node};

    /// Paths that begin alike, that do not, the same twice, an empty name, and more grants than are looked through.
    #[test]
    fn what_comes_out_is_what_went_in() {
        let path = |number: usize| match number % 7 {
            0 => format!("same/{}", number / 14),
            1 => format!("same/{}", number / 14 + 1),
            2 => String::new(),
            3 => format!("{number}"),
            4 => "x".repeat(number % 300),
            _ => format!("a/b/c/a longer name {number:09}.txt"),
        };
        let grant = |number: usize| {
            let taking = [Taking::Whole, Taking::Records, Taking::Structure];
            (number % 3, ClauseSet::one(number / 5 % 23), taking[number / 2 % 3])
        };
        let root = Entry::root(b"/", Node::new(*b""));
        let entry = |number: usize| {
            let node = Node::new(number.to_be_bytes().repeat(number % 3));
            root.child(path(number).as_bytes(), EntryKind::File, number as u64, FileTimes::default(), node)
        };
        let mut permits = Permits::default();
        let count = PIECE * 3 + 17;
        for number in 0..count {
            let (source, clauses, taking) = grant(number);
            permits.push(Permit::new(entry(number), source, clauses, taking));
        }
        assert!(permits.len() == count && !permits.is_empty());
        let wanted = ClauseSet::one(7);
        let before: Vec<_> = permits.before(|clauses| clauses == wanted).collect();
        let expected: Vec<usize> = (0..count).filter(|number| grant(*number).1 == wanted).collect();
        assert_eq!(before.iter().map(|(number, _)| *number).collect::<Vec<_>>(), expected);
        for (number, permit) in before {
            let (found, given) = permit.apart();
            assert_eq!(found.path(), entry(number).path());
            assert!(given.taking == Taking::Structure && given.clauses == wanted);
        }
        let mut taken = permits.into_iter();
        for number in 0..count {
            assert_eq!(taken.len(), count - number);
            let (found, given) = taken.next().unwrap().apart();
            let (source, clauses, taking) = grant(number);
            assert_eq!((found.path(), found.size_bytes()), (entry(number).path(), number as u64));
            assert_eq!(found.node().bytes(), entry(number).node().bytes());
            assert!(given == Grant { source, clauses, taking }, "{number}");
        }
        assert!(taken.next().is_none());
    }

    #[test]
    fn what_is_held_of_a_permit_is_small() {
        assert_eq!(size_of::<Kept>(), 96);
    }
}
