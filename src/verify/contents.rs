//! Where the members of a package stand in its tar, with the SHA-256 of each.
//!
//! A package may have two million members, and one from a stranger claims as many as it likes: what is kept of one is its
//! length, its digest and what tells it from its neighbours; where it stands follows from the lengths.
//!
//! **Invariant:** members are held in the order of the contract, each once; nothing is held of a name outside it.
//! **Invariant:** two million members take less than 90 MB.

use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use crate::digest::Digest;
use crate::limits;
use crate::order::Extension;
use crate::package::layout::{self, Member};

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
    /// The exhibits' files, each with the rest of its name: the first has the number 1, the next 2, and so on.
    data: Series<Extension>,
    /// The records' files, each with its exhibit's number.
    records: Series<u32>,
}

impl Contents {
    /// Adds a member; the caller adds them in ascending order, each once, and exhibits without a gap in their numbers.
    pub fn push(&mut self, member: Member, slot: Slot) {
        match member {
            Member::Data(_, extension) => self.data.push(extension, slot),
            Member::Records(number) => self.records.push(number, slot),
            _ => self.fixed.push((member, slot)),
        }
    }

    /// Where a member stands.
    pub fn get(&self, member: Member) -> Option<Slot> {
        match member {
            Member::Data(number, extension) => {
                let place = usize::try_from(number).ok()?.checked_sub(1)?;
                self.data.get(place).filter(|(there, _)| *there == extension).map(|(_, slot)| slot)
            }
            Member::Records(number) => self.records.find(number),
            _ => self.fixed.iter().find(|(name, _)| *name == member).map(|(_, slot)| *slot),
        }
    }

    /// The exhibits' files, by number.
    pub fn data(&self) -> impl Iterator<Item = (Member, Slot)> {
        (1..).zip(self.data.iter()).map(|(number, (extension, slot))| (Member::Data(number, extension), slot))
    }

    /// The number of the records' file in that place.
    pub fn records_at(&self, place: usize) -> Option<u32> {
        self.records.get(place).map(|(number, _)| number)
    }

    /// The records' files, by exhibit number.
    pub fn records(&self) -> impl Iterator<Item = (Member, Slot)> {
        self.records.iter().map(|(number, slot)| (Member::Records(number), slot))
    }

    /// The members of one manifest, in the order of the contract: the payload, or all else but the tag manifest.
    pub fn listed_in(&self, payload: bool) -> impl Iterator<Item = (Member, Slot)> {
        let fixed = |wanted: fn(&Member) -> bool| self.fixed.iter().copied().filter(move |(member, _)| wanted(member));
        fixed(|member| *member < Member::Nothing)
            .chain(fixed(|member| *member == Member::Nothing))
            .chain(self.data())
            .chain(self.records())
            .chain(fixed(|member| *member > Member::Nothing))
            .filter(move |(member, _)| member.is_payload() == payload && *member != Member::TagManifest)
    }
}

/// Members of one kind in the order of the tar, each with a mark that tells it from the others.
#[derive(Debug)]
struct Series<M> {
    parts: Vec<Part<M>>,
}

/// Members that stand behind one another with nothing between them.
#[derive(Debug)]
struct Part<M> {
    /// Its place among all of its kind.
    first: usize,
    /// Where the first one's bytes stand.
    at: u64,
    /// Where the bytes of the next one would stand, but for its header.
    end: u64,
    sizes: Vec<(u64, Digest)>,
    marks: Vec<M>,
}

impl<M> Default for Series<M> {
    fn default() -> Self {
        Self { parts: Vec::new() }
    }
}

impl<M: Copy + Ord> Series<M> {
    /// How many members one part has at most: so many lengths are added up to find one.
    const PART: usize = 256;

    fn push(&mut self, mark: M, slot: Slot) {
        let follows = self
            .parts
            .last()
            .is_some_and(|part| part.marks.len() < Self::PART && follower(part.end, slot.size_bytes) == slot.at);
        if !follows {
            let first = self.parts.last().map_or(0, |part| part.first.saturating_add(part.marks.len()));
            // Exactly as much as it may hold: what grows by doubling would take half as much again.
            let (sizes, marks) = (Vec::with_capacity(Self::PART), Vec::with_capacity(Self::PART));
            self.parts.push(Part { first, at: slot.at, end: 0, sizes, marks });
        }
        if let Some(part) = self.parts.last_mut() {
            part.end = end(slot.at, slot.size_bytes);
            part.sizes.push((slot.size_bytes, slot.sha256));
            part.marks.push(mark);
        }
    }

    /// The member in that place.
    fn get(&self, place: usize) -> Option<(M, Slot)> {
        let part = self.parts.get(self.parts.partition_point(|part| part.first <= place).checked_sub(1)?)?;
        part.iter().nth(place.checked_sub(part.first)?)
    }

    /// The member with that mark, where the marks ascend.
    fn find(&self, mark: M) -> Option<Slot> {
        let at = self.parts.partition_point(|part| part.marks.first().is_some_and(|first| *first <= mark));
        let part = self.parts.get(at.checked_sub(1)?)?;
        part.iter().find(|(there, _)| *there == mark).map(|(_, slot)| slot)
    }

    fn iter(&self) -> impl Iterator<Item = (M, Slot)> {
        self.parts.iter().flat_map(Part::iter)
    }
}

impl<M: Copy> Part<M> {
    fn iter(&self) -> impl Iterator<Item = (M, Slot)> {
        let mut next = None;
        self.marks.iter().zip(&self.sizes).map(move |(mark, &(size_bytes, sha256))| {
            let at = next.map_or(self.at, |before| follower(before, size_bytes));
            next = Some(end(at, size_bytes));
            (*mark, Slot { at, size_bytes, sha256 })
        })
    }
}

/// Where the padding behind a member ends.
fn end(at: u64, size_bytes: u64) -> u64 {
    at.saturating_add(size_bytes).saturating_add(layout::padding_bytes(size_bytes) as u64)
}

/// Where the bytes of a member of that size stand whose header begins there.
fn follower(header_at: u64, size_bytes: u64) -> u64 {
    header_at.saturating_add(layout::header_bytes(size_bytes))
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
    fn where_a_member_stands_follows_from_the_lengths_before_it() {
        let sizes = [0, 1, 511, 512, 513, 8 << 30, 7, 0, layout::USTAR_SIZE_BYTES, 70_000];
        let (mut contents, mut at, mut slots) = (Contents::default(), 5_120, Vec::new());
        for (number, size_bytes) in (1..=3_000).zip(sizes.into_iter().cycle()) {
            let (header, sha256) = (layout::header(b"x", size_bytes).len() as u64, Digest::of(&[number as u8]));
            let slot = Slot { at: at + header, size_bytes, sha256 };
            at = slot.at + size_bytes + layout::padding_bytes(size_bytes) as u64;
            // Something stands between two of them once.
            at += if number == 1_000 { 512 } else { 0 };
            contents.push(Member::Data(number, Extension::Log), slot);
            contents.push(Member::Records(2 * number), slot);
            slots.push(slot);
        }
        for (number, slot) in (1..).zip(&slots) {
            for member in [Member::Data(number, Extension::Log), Member::Records(2 * number)] {
                let found = contents.get(member).unwrap();
                assert_eq!((found.at, found.size_bytes, found.sha256), (slot.at, slot.size_bytes, slot.sha256));
            }
            assert_eq!(contents.records_at(number as usize - 1), Some(2 * number));
        }
        for absent in [
            Member::Data(0, Extension::Log),
            Member::Data(1, Extension::Bin),
            Member::Data(3_001, Extension::Log),
            Member::Records(0),
            Member::Records(3),
            Member::Records(6_001),
            Member::Order,
        ] {
            assert!(contents.get(absent).is_none(), "{absent}");
        }
        assert!(contents.data().map(|(_, slot)| slot.at).eq(slots.iter().map(|slot| slot.at)));
        assert!(contents.records().map(|(_, slot)| slot.at).eq(slots.iter().map(|slot| slot.at)));
    }

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
