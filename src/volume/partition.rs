//! A partition, as either kind of table tells it.
//!
//! **Invariant:** a partition that reaches outside its disk or lies over another one is refused by its number, and the
//! others are still read.

use crate::read_error::ReadError;

/// What a table says that a partition is for, as far as it matters here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Anything.
    Data,
    /// It holds no files where nothing known stands on it: its name.
    Loader(&'static str),
    /// A part of something that this version does not put together: its name.
    Foreign(&'static str),
}

/// A partition.
#[derive(Debug)]
pub struct Partition {
    /// Its number in the table, from 1.
    pub number: u32,
    /// Where it begins, in bytes from the start of its disk.
    pub start_bytes: u64,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// What it is for.
    pub purpose: Purpose,
    /// Why it cannot be read.
    pub fault: Option<ReadError>,
}

/// Notes on each partition whether it lies on the disk, behind `taken` bytes at its beginning, and over another one. They
/// come out in the order of their numbers.
pub fn held_against(mut partitions: Vec<Partition>, disk_bytes: u64, taken: u64) -> Vec<Partition> {
    let mut order: Vec<usize> = (0..partitions.len()).collect();
    order.sort_by_key(|at| partitions.get(*at).map_or(0, |partition| partition.start_bytes));
    let mut over = vec![false; partitions.len()];
    let mut furthest: Option<(u64, usize)> = None;
    for at in order {
        let Some(partition) = partitions.get(at).filter(|partition| partition.fault.is_none()) else { continue };
        let end = partition.start_bytes.saturating_add(partition.size_bytes);
        if let Some((reached, other)) = furthest
            && partition.start_bytes < reached
        {
            over.iter_mut().enumerate().filter(|(index, _)| [at, other].contains(index)).for_each(|(_, is)| *is = true);
        }
        if furthest.is_none_or(|(reached, _)| end > reached) {
            furthest = Some((end, at));
        }
    }
    for (partition, is_over) in partitions.iter_mut().zip(over) {
        let what = if partition.start_bytes < taken {
            Some("a partition that lies over its own table")
        } else if partition.start_bytes.checked_add(partition.size_bytes).is_none_or(|end| end > disk_bytes) {
            Some("a partition that ends behind the end of its disk")
        } else {
            is_over.then_some("a partition that lies over another one")
        };
        if let (Some(what), None) = (what, &partition.fault) {
            partition.fault = Some(ReadError::Corrupt { offset: partition.start_bytes, what });
        }
    }
    partitions.sort_by_key(|partition| partition.number);
    partitions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_alone_and_on_the_disk_is_sound() {
        let partition = |number, start_bytes, size_bytes| Partition {
            number,
            start_bytes,
            size_bytes,
            purpose: Purpose::Data,
            fault: None,
        };
        let given = vec![
            partition(1, 512, 100),
            partition(2, 700, 100),
            partition(3, 799, 10),
            partition(4, 900, 5000),
            partition(5, 0, 512),
            partition(6, 850, 50),
            partition(7, u64::MAX, 2),
        ];
        let sound: Vec<u32> = held_against(given, 2000, 512)
            .iter()
            .filter(|partition| partition.fault.is_none())
            .map(|partition| partition.number)
            .collect();
        assert_eq!(sound, [1, 6]);
    }
}
