//! Where the members of a package stand in its tar, with the SHA-256 of each.
//!
//! A package may have two million members: what is kept of one is its place, its length and its digest.
//!
//! **Invariant:** members are held in the order of the contract, each once; nothing is held of a name outside it.

use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use crate::digest::Digest;
use crate::limits;
use crate::order::Extension;
use crate::package::layout::Member;

/// Where one member's bytes stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    /// From the start of the tar, in bytes.
    pub at: u64,
    /// How many.
    pub size_bytes: u64,
    /// Of those bytes.
    pub sha256: Digest,
}

/// The members of a package.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// The top folder.
    pub top: String,
    fixed: Vec<(Member, Slot)>,
    data: Vec<(u32, Extension, Slot)>,
    records: Vec<(u32, Slot)>,
}

impl Contents {
    /// Adds a member; the caller adds them in ascending order, each once.
    pub fn push(&mut self, member: Member, slot: Slot) {
        match member {
            Member::Data(number, extension) => self.data.push((number, extension, slot)),
            Member::Records(number) => self.records.push((number, slot)),
            _ => self.fixed.push((member, slot)),
        }
    }

    /// Where a member stands.
    pub fn get(&self, member: Member) -> Option<&Slot> {
        match member {
            Member::Data(number, extension) => {
                let place = self.data.binary_search_by_key(&(number, extension), |(n, e, _)| (*n, *e)).ok()?;
                self.data.get(place).map(|(.., slot)| slot)
            }
            Member::Records(number) => {
                let place = self.records.binary_search_by_key(&number, |(n, _)| *n).ok()?;
                self.records.get(place).map(|(_, slot)| slot)
            }
            _ => self.fixed.iter().find(|(name, _)| *name == member).map(|(_, slot)| slot),
        }
    }

    /// The exhibits' files, by number.
    pub fn data(&self) -> &[(u32, Extension, Slot)] {
        &self.data
    }

    /// The records' files, by exhibit number.
    pub fn records(&self) -> &[(u32, Slot)] {
        &self.records
    }

    /// The members of one manifest, in the order of the contract: the payload, or all else but the tag manifest.
    pub fn listed_in(&self, payload: bool) -> impl Iterator<Item = (Member, &Slot)> {
        let fixed = |wanted: fn(&Member) -> bool| {
            self.fixed.iter().filter(move |(member, _)| wanted(member)).map(|(member, slot)| (*member, slot))
        };
        let data = self.data.iter().map(|(number, extension, slot)| (Member::Data(*number, *extension), slot));
        let records = self.records.iter().map(|(number, slot)| (Member::Records(*number), slot));
        fixed(|member| *member < Member::Nothing)
            .chain(fixed(|member| *member == Member::Nothing))
            .chain(data)
            .chain(records)
            .chain(fixed(|member| *member > Member::Nothing))
            .filter(move |(member, _)| member.is_payload() == payload && *member != Member::TagManifest)
    }
}

/// A package file that several readers share: each reads its own stretch.
pub(super) struct Shelf<'a, R> {
    file: &'a RefCell<R>,
    /// What it holds.
    pub contents: &'a Contents,
}

impl<'a, R: Read + Seek> Shelf<'a, R> {
    /// The package whose members stand where `contents` says.
    pub fn new(file: &'a RefCell<R>, contents: &'a Contents) -> Self {
        Self { file, contents }
    }

    /// A member's bytes as a stream; none where it is not there.
    pub fn open(&self, member: Member) -> Option<BufReader<Stretch<'a, R>>> {
        let slot = self.contents.get(member)?;
        let stretch = Stretch { file: self.file, at: slot.at, left: slot.size_bytes };
        let capacity = usize::try_from(slot.size_bytes.min(64 * 1024)).unwrap_or(0).max(1);
        Some(BufReader::with_capacity(capacity, stretch))
    }

    /// A member's bytes; none where it is not there or is over `limit_bytes`.
    pub fn read(&self, member: Member, limit_bytes: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(slot) = self.contents.get(member).filter(|slot| slot.size_bytes <= limit_bytes) else {
            return Ok(None);
        };
        let mut bytes = Vec::with_capacity(usize::try_from(slot.size_bytes).unwrap_or(0));
        if let Some(mut stream) = self.open(member) {
            stream.read_to_end(&mut bytes)?;
        }
        Ok(Some(bytes))
    }

    /// A member's lines; none where it is not there.
    pub fn lines(&self, member: Member) -> Option<Lines<BufReader<Stretch<'a, R>>>> {
        Some(Lines::new(self.open(member)?))
    }
}

/// A stretch of a shared file.
pub(super) struct Stretch<'a, R> {
    file: &'a RefCell<R>,
    at: u64,
    left: u64,
}

impl<R: Read + Seek> Read for Stretch<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(buffer) = buffer.get_mut(..wanted).filter(|buffer| !buffer.is_empty()) else { return Ok(0) };
        let mut file = self.file.borrow_mut();
        file.seek(SeekFrom::Start(self.at))?;
        let got = file.read(buffer)?;
        if got == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the package became shorter while it was read"));
        }
        self.at = self.at.saturating_add(got as u64);
        self.left = self.left.saturating_sub(got as u64);
        Ok(got)
    }
}

/// The lines of a member, each at most [`limits::PACKAGE_LINE_BYTES`] long.
pub(super) struct Lines<B> {
    stream: B,
    line: Vec<u8>,
    number: u64,
}

/// What was found where a line should be.
pub(super) enum Line<'l> {
    /// A line, without its LF.
    Whole(&'l [u8]),
    /// The last line has no LF, or a line is too long; the text says which.
    Bad(&'static str),
}

impl<B: BufRead> Lines<B> {
    /// The lines of that stream.
    pub fn new(stream: B) -> Self {
        Self { stream, line: Vec::new(), number: 0 }
    }

    /// The number of the line that was read last, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next line; none at the end.
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let limit = limits::PACKAGE_LINE_BYTES as u64 + 1;
        let got = (&mut self.stream).take(limit).read_until(b'\n', &mut self.line)?;
        if got == 0 {
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
            return Ok(Some(Line::Whole(&self.line)));
        }
        if got as u64 == limit {
            self.skip_line()?;
            return Ok(Some(Line::Bad("is longer than a line of a package may be")));
        }
        Ok(Some(Line::Bad("has no line end")))
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.stream.fill_buf()?;
            let (used, done) = match memchr::memchr(b'\n', buffer) {
                Some(at) => (at + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            self.stream.consume(used);
            if done {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_over_the_bound_is_bad_and_the_next_one_is_read() {
        let mut text = vec![b'x'; limits::PACKAGE_LINE_BYTES + 10];
        text.extend_from_slice(b"\nnext\nlast");
        let mut lines = Lines::new(&text[..]);
        assert!(matches!(lines.next().unwrap(), Some(Line::Bad(_))));
        assert!(matches!(lines.next().unwrap(), Some(Line::Whole(b"next"))));
        assert!(matches!(lines.next().unwrap(), Some(Line::Bad(_))));
        assert!(lines.next().unwrap().is_none());
        assert_eq!(lines.number(), 3);
    }
}
