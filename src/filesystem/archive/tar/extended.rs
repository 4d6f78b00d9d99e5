//! Extended headers of pax: what they say in place of a member's own header.
//!
//! Source: POSIX.1-2017 `pax`, "pax Extended Header"; GNU tar's manual, "Storing Sparse Files".
//!
//! **Invariant:** a record that is not well formed is an error: the member that it speaks of may have another size.

use std::collections::BTreeMap;

use crate::filesystem::archive::stamp::Stamp;
use crate::limits;
use crate::read_error::ReadError;

/// The keys that mean something here.
const KEYS: [&str; 15] = [
    "path",
    "linkpath",
    "size",
    "mtime",
    "atime",
    "ctime",
    "LIBARCHIVE.creationtime",
    "GNU.sparse.major",
    "GNU.sparse.minor",
    "GNU.sparse.name",
    "GNU.sparse.realsize",
    "GNU.sparse.size",
    "GNU.sparse.map",
    "SCHILY.realsize",
    "SUN.holesdata",
];

/// Records that wait for their member, and those of all members.
#[derive(Default)]
pub(super) struct Extended {
    own: BTreeMap<&'static str, Vec<u8>>,
    global: BTreeMap<&'static str, Vec<u8>>,
    /// The runs of format 0.0, which come as records of their own.
    runs: Vec<(u64, u64)>,
    offset: Option<u64>,
}

fn malformed(offset: u64) -> ReadError {
    ReadError::Corrupt { offset, what: "an extended tar header that is not well formed" }
}

/// A decimal number.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    let are_digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| are_digits)?.parse().ok()
}

impl Extended {
    /// Takes the records of one header that stands at `offset`.
    pub(super) fn take(&mut self, bytes: &[u8], is_global: bool, offset: u64) -> Result<(), ReadError> {
        let mut rest = bytes;
        while rest.iter().any(|byte| *byte != 0) {
            let (key, value, behind) = record(rest).ok_or_else(|| malformed(offset))?;
            self.set(key, value, is_global).ok_or_else(|| malformed(offset))?;
            if self.runs.len() > limits::ARCHIVE_RUNS {
                return Err(ReadError::Limit { offset, what: "pieces of one file" });
            }
            rest = behind;
        }
        Ok(())
    }

    fn set(&mut self, key: &[u8], value: &[u8], is_global: bool) -> Option<()> {
        match key {
            b"GNU.sparse.offset" => self.offset = Some(decimal(value)?),
            b"GNU.sparse.numbytes" => self.runs.push((self.offset.take()?, decimal(value)?)),
            _ => {
                let known = KEYS.iter().find(|known| known.as_bytes() == key);
                let Some(known) = known else { return Some(()) };
                if is_global { &mut self.global } else { &mut self.own }.insert(known, value.to_vec());
            }
        }
        Some(())
    }

    /// What was said of the next member is said.
    pub(super) fn forget(&mut self) {
        self.own.clear();
        self.runs.clear();
        self.offset = None;
    }

    /// A record's value; an empty one takes back what was said for all.
    pub(super) fn value(&self, key: &str) -> Option<&[u8]> {
        let value = self.own.get(key).or_else(|| self.global.get(key))?;
        (!value.is_empty()).then_some(value)
    }

    /// A value that must be a number.
    pub(super) fn number(&self, key: &str, offset: u64) -> Result<Option<u64>, ReadError> {
        self.value(key).map(|value| decimal(value).ok_or_else(|| malformed(offset))).transpose()
    }

    /// A time; none where there is no such record, and no time where it is no number.
    pub(super) fn stamp(&self, key: &str) -> Option<Stamp> {
        self.value(key).map(Stamp::decimal)
    }

    /// The runs of a file in the sparse formats 0.0 and 0.1.
    pub(super) fn runs(&mut self, offset: u64) -> Result<Vec<(u64, u64)>, ReadError> {
        let Some(map) = self.value("GNU.sparse.map") else { return Ok(std::mem::take(&mut self.runs)) };
        let numbers: Option<Vec<u64>> =
            map.split(|byte| *byte == b',').take(limits::ARCHIVE_RUNS * 2 + 1).map(decimal).collect();
        let numbers = numbers.filter(|numbers| numbers.len() % 2 == 0).ok_or_else(|| malformed(offset))?;
        if numbers.len() > limits::ARCHIVE_RUNS * 2 {
            return Err(ReadError::Limit { offset, what: "pieces of one file" });
        }
        let pairs = numbers.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)));
        Ok(pairs.collect())
    }

    /// There are runs in records.
    pub(super) fn has_runs(&self) -> bool {
        !self.runs.is_empty() || self.value("GNU.sparse.map").is_some()
    }
}

/// The first record, `LENGTH KEY=VALUE` and a line feed, and what is behind it.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = bytes.iter().take(24).position(|byte| *byte == b' ')?;
    let length = usize::try_from(decimal(bytes.get(..blank)?)?).ok()?;
    let (record, behind) = bytes.split_at_checked(length)?;
    let line = record.get(blank.checked_add(1)?..)?.strip_suffix(b"\n")?;
    let equals = line.iter().position(|byte| *byte == b'=').filter(|at| *at > 0)?;
    Some((line.get(..equals)?, line.get(equals.checked_add(1)?..)?, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_as_long_as_it_says_or_an_error() {
        for (text, is_right) in [
            (b"12 path=abc\n".as_slice(), true),
            (b"12 path=a\nc\n12 size=123\n", true),
            (b"12 path=abc\n\0\0\0", true),
            (b"13 path=abc\n", false),
            (b"11 path=abc\n", false),
            (b"8 =abcd\n", false),
            (b"x path=abc\n", false),
            (b"99999999999999999999 path=abc\n", false),
            (b"0 a=b\n", false),
        ] {
            let mut extended = Extended::default();
            assert_eq!(extended.take(text, false, 0).is_ok(), is_right, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn an_empty_value_takes_back_what_was_said_for_all() {
        let mut extended = Extended::default();
        extended.take(b"11 mtime=5\n", true, 0).unwrap();
        assert_eq!(extended.value("mtime"), Some(b"5".as_slice()));
        extended.take(b"9 mtime=\n", false, 0).unwrap();
        assert_eq!(extended.value("mtime"), None);
        extended.forget();
        assert_eq!(extended.value("mtime"), Some(b"5".as_slice()));
    }
}
