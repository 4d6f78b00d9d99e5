//! Extended headers (POSIX.1 pax), and GNU's sparse files in them.
//!
//! **Invariant:** a record that is not well formed is damage; what it might have said is never guessed.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::read_error::ReadError;
use crate::scope::FileTime;

/// The records of extended headers: a later one replaces an earlier one, an empty one takes it away.
#[derive(Clone, Default)]
pub(super) struct Pax {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Pieces of a sparse file in GNU's form 0.0, in their order.
    offsets: Vec<u64>,
    lengths: Vec<u64>,
}

fn decimal(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

impl Pax {
    /// Adds the records of a header that stands at `offset`.
    pub(super) fn add(&mut self, records: &[u8], offset: u64) -> Result<(), ReadError> {
        let corrupt = || ReadError::Corrupt { offset, what: "a record of an extended header" };
        let mut rest = records;
        while !rest.is_empty() && rest.iter().any(|&byte| byte != 0) {
            let blank = rest.iter().position(|&byte| byte == b' ').ok_or_else(corrupt)?;
            let length = rest.get(..blank).and_then(decimal).and_then(|length| usize::try_from(length).ok());
            let length = length.filter(|&length| length > blank + 1).ok_or_else(corrupt)?;
            let record = rest.get(blank + 1..length).and_then(|r| r.strip_suffix(b"\n")).ok_or_else(corrupt)?;
            let equals = record.iter().position(|&byte| byte == b'=').ok_or_else(corrupt)?;
            let (key, value) = (record.get(..equals).unwrap_or_default(), record.get(equals + 1..).unwrap_or_default());
            match key {
                b"GNU.sparse.offset" => self.offsets.push(decimal(value).ok_or_else(corrupt)?),
                b"GNU.sparse.numbytes" => self.lengths.push(decimal(value).ok_or_else(corrupt)?),
                _ if value.is_empty() => drop(self.values.remove(key)),
                _ => drop(self.values.insert(key.to_vec(), value.to_vec())),
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(())
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Option<&[u8]> {
        self.values.get(key.as_bytes()).map(Vec::as_slice)
    }

    /// A number; an error where it is none.
    pub(super) fn number(&self, key: &str, offset: u64) -> Result<Option<u64>, ReadError> {
        let corrupt = ReadError::Corrupt { offset, what: "a number of an extended header" };
        self.text(key).map(|value| decimal(value).ok_or(corrupt)).transpose()
    }

    /// A time: seconds with a fraction, before 1970 with a sign. What is finer than a nanosecond is cut off.
    pub(super) fn time(&self, key: &str, offset: u64) -> Result<Option<FileTime>, ReadError> {
        let corrupt = ReadError::Corrupt { offset, what: "a time of an extended header" };
        self.text(key).map(|value| time(value).ok_or(corrupt)).transpose().map(Option::flatten)
    }

    /// The pieces of a sparse file in GNU's forms 0.0 and 0.1.
    pub(super) fn pieces(&self, offset: u64) -> Result<Option<Vec<(u64, u64)>>, ReadError> {
        let corrupt = || ReadError::Corrupt { offset, what: "the pieces of a sparse member" };
        if let Some(map) = self.text("GNU.sparse.map") {
            let numbers: Option<Vec<u64>> = map.split(|&byte| byte == b',').map(decimal).collect();
            let numbers = numbers.filter(|numbers| numbers.len().is_multiple_of(2)).ok_or_else(corrupt)?;
            let pair = |pair: &[u64]| pair.first().copied().zip(pair.get(1).copied());
            return Ok(Some(numbers.chunks_exact(2).filter_map(pair).collect()));
        }
        if self.offsets.len() != self.lengths.len() {
            return Err(corrupt());
        }
        let pieces = || self.offsets.iter().copied().zip(self.lengths.iter().copied()).collect();
        Ok((!self.offsets.is_empty() || self.text("GNU.sparse.numblocks").is_some()).then(pieces))
    }
}

/// The outer option: it is a time. The inner: it lies within the years that can be written.
fn time(value: &[u8]) -> Option<Option<FileTime>> {
    let text = std::str::from_utf8(value).ok()?;
    let (is_before, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !(whole.bytes().chain(fraction.bytes())).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let nanoseconds: u32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let (seconds, nanoseconds) = match (is_before, nanoseconds) {
        (false, _) => (seconds, nanoseconds),
        (true, 0) => (-seconds, 0),
        (true, _) => (-seconds - 1, 1_000_000_000 - nanoseconds),
    };
    Some(Timestamp::new(seconds, nanoseconds).map(FileTime::at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_before_1970_counts_its_fraction_backwards() {
        let at = |seconds, nanoseconds| Some(Timestamp::new(seconds, nanoseconds).map(FileTime::at));
        assert_eq!(time(b"1350244992.0239"), at(1_350_244_992, 23_900_000));
        assert_eq!(time(b"-0.5"), at(-1, 500_000_000));
        assert_eq!(time(b"-3"), at(-3, 0));
        assert_eq!(time(b"1.1234567899"), at(1, 123_456_789));
        assert_eq!(time(b""), None);
        assert_eq!(time(b"1e5"), None);
    }
}
