//! tar: v7, ustar, pax, GNU and star headers.
//!
//! A hard link is another name of the content that an earlier member of its target's path has. Sparse members of GNU tar, old
//! and pax forms, are read with their holes as zeros. The archive ends with two blocks of zeros (one at the very end of the
//! file is taken too); an end without them is a cut, and what else than zeros stands behind them is said. A member that
//! continues on another volume, and a kind that is not known, is listed as unreadable.
//!
//! **Invariant:** a header that is damaged is an error for all that follows it, never an end.

mod header;
mod pax;

use std::sync::Arc;

use self::header::Header;
use self::pax::Pax;
use super::Members;
use super::tree::{Growing, Tree};
use crate::clock::Timestamp;
use crate::filesystem::extent::{ExtentStream, Extents};
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;
use crate::scope::{EntryKind, FileTime, FileTimes, Stream};

/// What everything in a tar is a multiple of.
pub(super) const BLOCK_BYTES: usize = 512;
const BLOCK: u64 = BLOCK_BYTES as u64;

/// A member with content or times.
struct Member {
    /// Where its content begins.
    start: u64,
    stored_bytes: u64,
    size_bytes: u64,
    modified: Option<Timestamp>,
    /// What few members have.
    rest: Option<Box<Rest>>,
}

#[derive(Default)]
struct Rest {
    times: FileTimes,
    pieces: Option<Vec<(u64, u64)>>,
}

struct Tar {
    image: Arc<dyn Image>,
    members: Vec<Member>,
}

/// A tar stands here.
pub(super) fn is_there(image: &dyn Image) -> Result<bool, ReadError> {
    let mut block = [0; BLOCK_BYTES];
    if image.size_bytes() < BLOCK {
        return Ok(false);
    }
    image.read_at(0, &mut block)?;
    Ok(is_header(&block))
}

/// A block is a header whose checksum holds.
pub(super) fn is_header(block: &[u8; BLOCK_BYTES]) -> bool {
    Header(block).holds()
}

/// Reads every header. `cut`: why the bytes end where they do.
pub(super) fn read(image: Arc<dyn Image>, cut: Option<ReadError>) -> Result<(Tree, Box<dyn Members>), ReadError> {
    let mut reader = Reader {
        image,
        position: 0,
        growing: Growing::new(),
        members: Vec::new(),
        global: Pax::default(),
        pax: None,
        long_name: None,
        long_link: None,
    };
    let ended = loop {
        match reader.next() {
            Ok(true) => {}
            Ok(false) => break reader.trail().err(),
            Err(error) => break Some(error),
        }
    };
    let tree = reader.growing.finish(cut.or(ended));
    Ok((tree, Box::new(Tar { image: reader.image, members: reader.members })))
}

/// The state of a reading.
struct Reader {
    image: Arc<dyn Image>,
    position: u64,
    growing: Growing,
    members: Vec<Member>,
    global: Pax,
    pax: Option<Pax>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

impl Reader {
    fn corrupt(&self, what: &'static str) -> ReadError {
        ReadError::Corrupt { offset: self.position, what }
    }

    /// The block at the position; none at the end of the file.
    fn block(&mut self) -> Result<Option<[u8; BLOCK_BYTES]>, ReadError> {
        let left = self.image.size_bytes().saturating_sub(self.position);
        if left == 0 {
            return Ok(None);
        }
        if left < BLOCK {
            return Err(self.corrupt("the archive ends within a block"));
        }
        let mut block = [0; BLOCK_BYTES];
        self.image.read_at(self.position, &mut block)?;
        self.position += BLOCK;
        Ok(Some(block))
    }

    /// Reads one header and what it is about. False: the archive has ended.
    fn next(&mut self) -> Result<bool, ReadError> {
        let Some(block) = self.block()? else { return Err(self.corrupt("the archive ends without its end mark")) };
        if block == [0; BLOCK_BYTES] {
            return match self.block()? {
                None => Ok(false),
                Some(second) if second == [0; BLOCK_BYTES] => Ok(false),
                Some(_) => {
                    self.position -= BLOCK;
                    Err(self.corrupt("a lone block of zeros with more behind it"))
                }
            };
        }
        let header = Header(&block);
        if !header.holds() {
            self.position -= BLOCK;
            return Err(self.corrupt("the checksum of a header"));
        }
        let size = header.size_bytes().ok_or_else(|| self.corrupt("the size of a member"))?;
        match header.kind() {
            b'x' | b'X' => {
                let at = self.position;
                let records = self.body(size)?;
                let mut pax = self.pax.take().unwrap_or_else(|| self.global.clone());
                pax.add(&records, at)?;
                self.pax = Some(pax);
            }
            b'g' => {
                let at = self.position;
                let records = self.body(size)?;
                self.global.add(&records, at)?;
            }
            b'L' => self.long_name = Some(unterminated(self.body(size)?)),
            b'K' => self.long_link = Some(unterminated(self.body(size)?)),
            // A volume's label: no file.
            b'V' => self.skip(size)?,
            b'A' => self.skip(size)?,
            kind => self.member(&header, kind, size)?,
        }
        Ok(true)
    }

    /// The content of a header that is about another one.
    fn body(&mut self, size: u64) -> Result<Vec<u8>, ReadError> {
        if size > limits::TAR_HEADER_BYTES {
            return Err(ReadError::Limit { offset: self.position, what: "bytes of an extended header" });
        }
        let start = self.position;
        self.skip(size)?;
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
        self.image.read_at(start, &mut bytes)?;
        Ok(bytes)
    }

    fn skip(&mut self, size: u64) -> Result<(), ReadError> {
        let end = self.position.checked_add(size).ok_or_else(|| self.corrupt("the size of a member"))?;
        let padded = end.div_ceil(BLOCK).saturating_mul(BLOCK);
        if end > self.image.size_bytes() {
            return Err(self.corrupt("the archive ends within a member"));
        }
        self.position = padded.min(self.image.size_bytes());
        Ok(())
    }

    fn member(&mut self, header: &Header<'_>, kind: u8, size: u64) -> Result<(), ReadError> {
        let at = self.position;
        let pax = self.pax.take().unwrap_or_else(|| self.global.clone());
        let stored_path = self.long_name.take().unwrap_or_else(|| header.path());
        let stored_link = self.long_link.take().unwrap_or_else(|| header.link());
        let path = pax.text("GNU.sparse.name").or(pax.text("path")).map_or(stored_path, <[u8]>::to_vec);
        let link = pax.text("linkpath").map_or(stored_link, <[u8]>::to_vec);
        let size = pax.number("size", at)?.unwrap_or(size);
        let kind = match kind {
            0 | b'0' | b'7' if path.ends_with(b"/") => b'5',
            kind => kind,
        };
        let mut rest = self.times(&pax, at)?;
        let modified = match pax.text("mtime") {
            Some(_) => rest.as_ref().and_then(|rest| rest.times.modified).and_then(FileTime::instant),
            None => header.modified().and_then(|seconds| Timestamp::new(seconds, 0)),
        };
        let number = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        let kind = match kind {
            0 | b'0' | b'7' | b'S' => EntryKind::File,
            b'1' => return self.hard_link(&path, &link),
            b'2' => EntryKind::Link,
            b'3' | b'4' | b'6' => EntryKind::Special,
            b'5' | b'D' => EntryKind::Folder,
            _ => EntryKind::Unreadable,
        };
        let mut start = at;
        let (mut stored_bytes, mut size_bytes) = (size, size);
        if kind == EntryKind::File {
            if let Some((pieces, whole)) = self.sparse(header, &pax, size)? {
                start = self.position;
                stored_bytes = size - if header.kind() == b'S' { 0 } else { start - at };
                size_bytes = whole;
                self.check(&pieces, stored_bytes, whole)?;
                rest.get_or_insert_default().pieces = Some(pieces);
            }
            self.skip(stored_bytes)?;
        } else if kind == EntryKind::Unreadable || header.kind() == b'D' {
            self.skip(size)?;
        }
        self.members.push(Member { start, stored_bytes, size_bytes, modified, rest });
        self.growing.put(&path, kind, number)
    }

    fn times(&self, pax: &Pax, at: u64) -> Result<Option<Box<Rest>>, ReadError> {
        let times = FileTimes {
            modified: pax.time("mtime", at)?,
            changed: pax.time("ctime", at)?,
            created: pax.time("LIBARCHIVE.creationtime", at)?,
            accessed: pax.time("atime", at)?,
        };
        Ok((times != FileTimes::default()).then(|| Box::new(Rest { times, pieces: None })))
    }

    fn hard_link(&mut self, path: &[u8], link: &[u8]) -> Result<(), ReadError> {
        match self.growing.at(link) {
            Some(item) if item.kind != EntryKind::Folder && item.member.is_some() => {
                self.growing.put(path, item.kind, item.member.unwrap_or(u32::MAX))
            }
            _ => {
                // Its content is in no member: nothing is left to describe or to open.
                self.growing.put(path, EntryKind::Unreadable, u32::MAX)
            }
        }
    }

    /// The pieces and the true size of a sparse member, with the position moved behind their list.
    fn sparse(
        &mut self,
        header: &Header<'_>,
        pax: &Pax,
        size: u64,
    ) -> Result<Option<(Vec<(u64, u64)>, u64)>, ReadError> {
        let at = self.position;
        if header.kind() == b'S' {
            let (mut pieces, mut is_extended, whole) =
                header.sparse().ok_or_else(|| self.corrupt("the pieces of a sparse member"))?;
            while is_extended {
                let block = self.block()?.ok_or_else(|| self.corrupt("the archive ends within a member"))?;
                let more = header::pieces(block.get(..504).unwrap_or_default());
                pieces.extend(more.ok_or_else(|| self.corrupt("the pieces of a sparse member"))?);
                self.bound(pieces.len())?;
                is_extended = block.get(504) != Some(&0);
            }
            return Ok(Some((pieces, whole)));
        }
        let real = pax.number("GNU.sparse.realsize", at)?.or(pax.number("GNU.sparse.size", at)?);
        if let Some(major) = pax.number("GNU.sparse.major", at)? {
            let minor = pax.number("GNU.sparse.minor", at)?;
            if (major, minor) == (1, Some(0)) {
                let whole = real.ok_or_else(|| self.corrupt("the size of a sparse member"))?;
                return Ok(Some((self.listed_pieces(at.saturating_add(size))?, whole)));
            }
            if major != 0 {
                let what = format!("sparse files of GNU tar in form {major}");
                return Err(ReadError::Unsupported { offset: at, what });
            }
        }
        let Some(pieces) = pax.pieces(at)? else { return Ok(None) };
        self.bound(pieces.len())?;
        let whole = real.ok_or_else(|| self.corrupt("the size of a sparse member"))?;
        Ok(Some((pieces, whole)))
    }

    /// Form 1.0: decimal numbers, each on a line, in blocks before the content.
    fn listed_pieces(&mut self, end: u64) -> Result<Vec<(u64, u64)>, ReadError> {
        let mut numbers: Vec<u64> = Vec::new();
        let mut digits = String::new();
        loop {
            if self.position.saturating_add(BLOCK) > end {
                return Err(self.corrupt("the pieces of a sparse member"));
            }
            let block = self.block()?.ok_or_else(|| self.corrupt("the archive ends within a member"))?;
            for byte in block {
                match byte {
                    b'\n' => {
                        let number = digits.parse().map_err(|_| self.corrupt("the pieces of a sparse member"))?;
                        numbers.push(number);
                        digits.clear();
                    }
                    digit if digit.is_ascii_digit() && digits.len() < 20 => digits.push(char::from(digit)),
                    _ => return Err(self.corrupt("the pieces of a sparse member")),
                }
                if let Some((&count, pieces)) = numbers.split_first()
                    && pieces.len() as u64 == count.saturating_mul(2)
                {
                    let pair = |pair: &[u64]| pair.first().copied().zip(pair.get(1).copied());
                    return Ok(pieces.chunks_exact(2).filter_map(pair).collect());
                }
            }
            self.bound(numbers.len() / 2)?;
        }
    }

    fn bound(&self, pieces: usize) -> Result<(), ReadError> {
        if pieces <= limits::TAR_PIECES {
            return Ok(());
        }
        Err(ReadError::Limit { offset: self.position, what: "pieces of a sparse member" })
    }

    /// The pieces follow one another within the file, and are all that is stored.
    fn check(&self, pieces: &[(u64, u64)], stored: u64, whole: u64) -> Result<(), ReadError> {
        let mut end = 0_u64;
        let mut total = 0_u64;
        for &(offset, length) in pieces {
            let stop = offset.checked_add(length).filter(|&stop| offset >= end && stop <= whole);
            end = stop.ok_or_else(|| self.corrupt("the pieces of a sparse member"))?;
            total += length;
        }
        if total == stored { Ok(()) } else { Err(self.corrupt("the pieces of a sparse member")) }
    }

    /// What stands behind the end is zeros.
    fn trail(&mut self) -> Result<(), ReadError> {
        let end = self.image.size_bytes().min(self.position.saturating_add(limits::TAR_TRAIL_BYTES));
        let mut room = vec![0; usize::try_from(end.saturating_sub(self.position)).unwrap_or(0)];
        self.image.read_at(self.position, &mut room)?;
        if room.iter().all(|&byte| byte == 0) {
            return Ok(());
        }
        Err(self.corrupt("bytes behind the end of the archive"))
    }
}

/// A long name ends before its first zero.
fn unterminated(mut name: Vec<u8>) -> Vec<u8> {
    let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
    name.truncate(end);
    name
}

impl Tar {
    fn member(&self, number: u32) -> Result<&Member, ReadError> {
        let missing = ReadError::Corrupt { offset: 0, what: "a hard link to what is not there" };
        self.members.get(number as usize).ok_or(missing)
    }
}

impl Members for Tar {
    fn describe(&self, number: u32) -> Result<(u64, FileTimes), ReadError> {
        let member = self.member(number)?;
        let mut times = member.rest.as_ref().map(|rest| rest.times).unwrap_or_default();
        times.modified = member.modified.map(FileTime::at);
        Ok((member.size_bytes, times))
    }

    fn open(&self, number: u32) -> Result<Stream, ReadError> {
        let member = self.member(number)?;
        let mut extents = Extents::default();
        match member.rest.as_ref().and_then(|rest| rest.pieces.as_ref()) {
            None => extents.push(member.stored_bytes, Some(member.start))?,
            Some(pieces) => {
                let mut at = member.start;
                for &(offset, length) in pieces {
                    extents.push(offset.saturating_sub(extents.bytes()), None)?;
                    extents.push(length, Some(at))?;
                    at += length;
                }
                extents.push(member.size_bytes.saturating_sub(extents.bytes()), None)?;
            }
        }
        let size = member.size_bytes;
        Ok(Box::new(ExtentStream::new(Arc::clone(&self.image), extents, size, size)?))
    }
}
