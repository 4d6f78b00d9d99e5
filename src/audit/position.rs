//! Where the disclosed records of one stream stand in it, kept until the audit is told of the stream.
//!
//! There may be millions: each takes two numbers of a few bytes, the gap before it and its length, and over a bound they go
//! where the bytes of the package go.
//!
//! **Invariant:** what is pushed is what comes out, record for record, in the same order.

use std::io::{self, BufReader, Read, Write as _};

use crate::limits;
use crate::package::Spool;

/// The positions of the records of one stream as they come.
pub struct Positions {
    spool: Spool,
    waiting: Vec<u8>,
    records: u64,
    end: u64,
}

impl Positions {
    /// None yet.
    pub fn new(spool: Spool) -> Self {
        Self { spool, waiting: Vec::new(), records: 0, end: 0 }
    }

    /// The next record: where it begins, and its length, in bytes.
    pub fn push(&mut self, offset: u64, length: u64) -> io::Result<()> {
        // Records come in their order; one that did not would only take more room.
        write_number(&mut self.waiting, offset.wrapping_sub(self.end));
        write_number(&mut self.waiting, length);
        self.end = offset.wrapping_add(length);
        self.records = self.records.saturating_add(1);
        if self.waiting.len() >= limits::POSITIONS_WAITING_BYTES {
            self.spool.write_all(&self.waiting)?;
            self.waiting.clear();
        }
        Ok(())
    }

    /// How many records have come.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// All have come: the same, to be read.
    pub fn into_runs(mut self) -> io::Result<Runs<impl Read>> {
        self.spool.write_all(&self.waiting)?;
        Ok(Runs { spool: BufReader::new(self.spool.into_read()?), left: self.records, end: 0 })
    }
}

/// The positions of the records of one stream, from the first one.
pub struct Runs<R> {
    spool: BufReader<R>,
    left: u64,
    end: u64,
}

impl<R: Read> Runs<R> {
    /// The next records, at most `most` of them: of each stretch without a gap, where it begins and then the length of each of
    /// its records. None where there are no more.
    pub fn next_runs(&mut self, most: u64) -> io::Result<Option<Vec<Vec<u64>>>> {
        let mut runs: Vec<Vec<u64>> = Vec::new();
        for _ in 0..most.min(self.left) {
            let gap = read_number(&mut self.spool)?;
            let length = read_number(&mut self.spool)?;
            let offset = self.end.wrapping_add(gap);
            self.end = offset.wrapping_add(length);
            self.left = self.left.saturating_sub(1);
            match runs.last_mut() {
                Some(run) if gap == 0 => run.push(length),
                _ => runs.push(vec![offset, length]),
            }
        }
        Ok((!runs.is_empty()).then_some(runs))
    }
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read_number(from: &mut impl Read) -> io::Result<u64> {
    let mut number = 0u64;
    for shift in (0..u64::BITS).step_by(7) {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        let [byte] = byte;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool(folder: &tempfile::TempDir) -> Spool {
        Spool::new(folder.path().into())
    }

    #[test]
    fn records_without_a_gap_are_one_run_and_each_keeps_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let mut positions = Positions::new(spool(&folder));
        for (offset, length) in [(0, 10), (10, 300), (310, 0), (400, 5), (405, 5), (u64::MAX - 9, 9)] {
            positions.push(offset, length).unwrap();
        }
        assert_eq!(positions.records(), 6);
        let mut runs = positions.into_runs().unwrap();
        assert_eq!(runs.next_runs(2).unwrap(), Some(vec![vec![0, 10, 300]]));
        // A run goes on in the next line as one of its own.
        assert_eq!(runs.next_runs(9).unwrap(), Some(vec![vec![310, 0], vec![400, 5, 5], vec![u64::MAX - 9, 9]]));
        assert_eq!(runs.next_runs(9).unwrap(), None);
    }

    #[test]
    fn a_million_records_come_out_as_they_went_in() {
        let folder = tempfile::tempdir().unwrap();
        let mut positions = Positions::new(spool(&folder));
        let record = |n: u64| (n * 1_000 + n % 7, 200 + n % 100);
        // More than the bound in memory.
        let count = 3_000_000;
        for (offset, length) in (0..count).map(record) {
            positions.push(offset, length).unwrap();
        }
        let mut runs = positions.into_runs().unwrap();
        let mut n = 0;
        while let Some(part) = runs.next_runs(4_096).unwrap() {
            for run in part {
                assert_eq!(run, <[u64; 2]>::from(record(n)), "record {n}");
                n += 1;
            }
        }
        assert_eq!(n, count);
    }
}
