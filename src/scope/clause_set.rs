//! Which clauses: a set of indexes into the order's clauses.
//!
//! **Invariant:** iteration is in the order of `order.toml`.

use crate::limits;

const WORDS: usize = limits::CLAUSES / 64;

/// A set of clauses, by their index in the order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct ClauseSet([u64; WORDS]);

impl ClauseSet {
    /// No clause.
    pub const EMPTY: Self = Self([0; WORDS]);

    /// One clause.
    pub fn one(clause: usize) -> Self {
        let mut set = Self::EMPTY;
        set.insert(clause);
        set
    }

    /// Adds a clause; an index over [`limits::CLAUSES`], which no valid order has, is ignored.
    pub fn insert(&mut self, clause: usize) {
        if let Some(word) = self.0.get_mut(clause / 64) {
            *word |= 1 << (clause % 64);
        }
    }

    /// Holds the clause.
    pub fn contains(&self, clause: usize) -> bool {
        self.0.get(clause / 64).is_some_and(|word| word >> (clause % 64) & 1 == 1)
    }

    /// Holds none.
    pub fn is_empty(&self) -> bool {
        self.0 == [0; WORDS]
    }

    /// What either holds.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
        self
    }

    /// What both hold.
    #[must_use]
    pub fn intersection(mut self, other: Self) -> Self {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word &= more;
        }
        self
    }

    /// The indexes, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + use<> {
        let words = self.0;
        words.into_iter().enumerate().flat_map(|(place, mut word)| {
            std::iter::from_fn(move || {
                if word == 0 {
                    return None;
                }
                let bit = word.trailing_zeros() as usize;
                word &= word - 1;
                Some(place * 64 + bit)
            })
        })
    }
}

impl FromIterator<usize> for ClauseSet {
    fn from_iter<I: IntoIterator<Item = usize>>(clauses: I) -> Self {
        let mut set = Self::EMPTY;
        clauses.into_iter().for_each(|clause| set.insert(clause));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_iterates_in_the_order_of_the_manifest() {
        let set: ClauseSet = [200, 3, 64, 0, 255].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 3, 64, 200, 255]);
        assert!(set.contains(64) && !set.contains(65));
        assert!(ClauseSet::EMPTY.is_empty() && !set.is_empty());
        let both = set.intersection([3, 4, 200].into_iter().collect());
        assert_eq!(both.iter().collect::<Vec<_>>(), [3, 200]);
    }
}
