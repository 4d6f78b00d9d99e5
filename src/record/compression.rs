//! Streams that are stored compressed: gzip (RFC 1952), of any number of members.
//!
//! Recognised by its magic alone, never by a name. All members are read (rotated logs hold several); zero bytes behind a
//! member are padding. What was unpacked before a damage is given, and then the error.
//!
//! **Invariant:** unpacking stops at [`limits::UNPACKED_BYTES`], in bounded memory, whatever the stream says.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

use crate::limits;
use crate::read_error::ReadError;

/// What begins a gzip member whose method is deflate.
const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
/// What is read of a compressed stream at once.
const PACKED_CHUNK_BYTES: usize = 64 * 1024;

/// A stream as its records stand in it: unpacked where it is stored compressed.
///
/// It reads like the stream itself, from its first byte, after [`Unpacked::head`] has shown what it begins with.
pub struct Unpacked<R: Read> {
    head: Vec<u8>,
    given: usize,
    /// The head is all there is.
    whole: bool,
    /// What ended the reading of the head, until it is given.
    ended: Option<io::Result<()>>,
    source: Source<R>,
    unpacked: u64,
}

enum Source<R: Read> {
    Plain(R),
    Gzip(Box<Gzip<R>>),
}

impl<R: Read> Unpacked<R> {
    /// Reads as much of the stream as a probe is shown. An error on the way is given when it is reached again.
    pub fn open(mut stream: R) -> Self {
        let mut magic = Vec::new();
        let ended = fill(&mut stream, &mut magic, GZIP_MAGIC.len());
        let mut unpacked = if magic == GZIP_MAGIC && ended.is_none() {
            let tracked = Tracked { head: magic, given: 0, stream, failed: false };
            let members = Gzip::new(BufReader::with_capacity(PACKED_CHUNK_BYTES, tracked));
            Self {
                head: Vec::new(),
                given: 0,
                whole: false,
                ended: None,
                source: Source::Gzip(Box::new(members)),
                unpacked: 0,
            }
        } else {
            Self { head: magic, given: 0, whole: false, ended, source: Source::Plain(stream), unpacked: 0 }
        };
        if unpacked.ended.is_none() {
            let mut head = std::mem::take(&mut unpacked.head);
            unpacked.ended = fill(&mut unpacked.source, &mut head, limits::PROBE_BYTES);
            unpacked.head = head;
        }
        unpacked.whole = matches!(unpacked.ended, Some(Ok(())));
        unpacked
    }

    /// What the stream begins with, at most [`limits::PROBE_BYTES`], and whether that is all of it.
    pub fn head(&self) -> (&[u8], bool) {
        (&self.head, self.whole)
    }

    /// It is stored compressed.
    pub fn is_compressed(&self) -> bool {
        matches!(self.source, Source::Gzip(_))
    }

    /// The compressed data ended early or contradict themselves: the error that was given is theirs, and not one of
    /// reading what is stored.
    pub fn is_damaged(&self) -> bool {
        matches!(&self.source, Source::Gzip(gzip) if gzip.damaged)
    }
}

/// Reads up to `size` bytes in all. None: there may be more.
fn fill(stream: &mut impl Read, bytes: &mut Vec<u8>, size: usize) -> Option<io::Result<()>> {
    let mut room = [0u8; 1024];
    while bytes.len() < size {
        let want = (size - bytes.len()).min(room.len());
        match stream.read(room.get_mut(..want).unwrap_or_default()) {
            Ok(0) => return Some(Ok(())),
            Ok(count) => bytes.extend_from_slice(room.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Some(Err(error)),
        }
    }
    None
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let from_head = self.head.get(self.given..).unwrap_or_default();
        let count = if !from_head.is_empty() {
            let count = from_head.len().min(room.len());
            if let (Some(to), Some(from)) = (room.get_mut(..count), from_head.get(..count)) {
                to.copy_from_slice(from);
            }
            self.given += count;
            count
        } else {
            match self.ended.take() {
                Some(Ok(())) => {
                    self.ended = Some(Ok(()));
                    0
                }
                Some(Err(error)) => {
                    self.ended = Some(Ok(()));
                    return Err(error);
                }
                None => self.source.read(room)?,
            }
        };
        self.unpacked += count as u64;
        if self.is_compressed() && self.unpacked > limits::UNPACKED_BYTES {
            return Err(ReadError::Limit { offset: self.unpacked, what: "unpacked bytes of one stream" }.into());
        }
        Ok(count)
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(room),
            Self::Gzip(gzip) => gzip.read(room),
        }
    }
}

/// The stored stream, with its first bytes put back, and whether it failed itself.
struct Tracked<R> {
    head: Vec<u8>,
    given: usize,
    stream: R,
    failed: bool,
}

impl<R: Read> Read for Tracked<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let from_head = self.head.get(self.given..).unwrap_or_default();
        if from_head.is_empty() {
            let result = self.stream.read(room);
            self.failed |= matches!(&result, Err(error) if error.kind() != io::ErrorKind::Interrupted);
            return result;
        }
        let count = from_head.len().min(room.len());
        if let (Some(to), Some(from)) = (room.get_mut(..count), from_head.get(..count)) {
            to.copy_from_slice(from);
        }
        self.given += count;
        Ok(count)
    }
}

/// A stream of gzip members.
struct Gzip<R: Read> {
    /// None between its taking and its putting back, and after the end.
    member: Option<GzDecoder<BufReader<Tracked<R>>>>,
    damaged: bool,
    unpacked: u64,
}

impl<R: Read> Gzip<R> {
    fn new(stored: BufReader<Tracked<R>>) -> Self {
        Self { member: Some(GzDecoder::new(stored)), damaged: false, unpacked: 0 }
    }

    fn corrupt(&mut self, what: &'static str) -> io::Error {
        self.damaged = true;
        self.member = None;
        ReadError::Corrupt { offset: self.unpacked, what }.into()
    }

    /// Goes to the next member. False: there is none.
    fn next_member(&mut self) -> io::Result<bool> {
        let Some(member) = self.member.take() else { return Ok(false) };
        let mut stored = member.into_inner();
        loop {
            let waiting = match stored.fill_buf() {
                Ok(waiting) => waiting,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if waiting.is_empty() {
                return Ok(false);
            }
            let padding = waiting.iter().take_while(|&&byte| byte == 0).count();
            let next = waiting.get(padding).copied();
            stored.consume(padding);
            match next {
                None => {}
                Some(byte) if Some(&byte) == GZIP_MAGIC.first() => {
                    self.member = Some(GzDecoder::new(stored));
                    return Ok(true);
                }
                Some(_) => return Err(self.corrupt("bytes behind a gzip member that are none")),
            }
        }
    }
}

impl<R: Read> Read for Gzip<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if room.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            match member.read(room) {
                Ok(0) => {
                    if !self.next_member()? {
                        return Ok(0);
                    }
                }
                Ok(count) => {
                    self.unpacked += count as u64;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(error) if member.get_ref().get_ref().failed => {
                    self.member = None;
                    return Err(error);
                }
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(self.corrupt("the gzip stream ends early"));
                }
                Err(_) => return Err(self.corrupt("the gzip stream contradicts itself")),
            }
        }
        Ok(0)
    }
}
