//! Streams that are stored compressed, in any way of [`crate::packing`].
//!
//! All members are read (rotated logs hold several). What was unpacked before a damage is given, and then the error.
//!
//! **Invariant:** unpacking stops at [`limits::UNPACKED_BYTES`], in bounded memory, whatever the stream says.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::limits;
use crate::packing::{self, MAGIC_BYTES, Packing, Unpacking};
use crate::read_error::ReadError;

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
    Packed(Box<Packed<R>>),
    /// It cannot be unpacked at all.
    Refused,
}

/// What is stored compressed.
struct Packed<R: Read> {
    stream: Unpacking<BufReader<Tracked<R>>>,
    /// The stored stream could not be read.
    failed: Arc<AtomicBool>,
    /// The compressed data ended early or contradict themselves.
    damaged: bool,
    /// An error was given: there is nothing behind it.
    ended: bool,
    unpacked: u64,
}

impl<R: Read> Unpacked<R> {
    /// Reads as much of the stream as a probe is shown. An error on the way is given when it is reached again.
    pub fn open(mut stream: R) -> Self {
        let mut magic = Vec::new();
        let ended = fill(&mut stream, &mut magic, MAGIC_BYTES);
        // A stream that fails within its first bytes is not unpacked.
        let packing = Packing::of(&magic).filter(|_| !matches!(ended, Some(Err(_))));
        let (head, ended, source) = match packing {
            None => (magic, ended, Source::Plain(stream)),
            Some(packing) => match Packed::new(packing, magic, stream) {
                Ok(packed) => (Vec::new(), None, Source::Packed(Box::new(packed))),
                // No room for its tables: nothing was read of it yet.
                Err(error) => (Vec::new(), Some(Err(error.into())), Source::Refused),
            },
        };
        let mut unpacked = Self { head, given: 0, whole: false, ended, source, unpacked: 0 };
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
        matches!(self.source, Source::Packed(_))
    }

    /// The compressed data ended early or contradict themselves: the error that was given is theirs, and not one of
    /// reading what is stored.
    pub fn is_damaged(&self) -> bool {
        matches!(&self.source, Source::Packed(packed) if packed.damaged)
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
            Self::Packed(packed) => packed.read(room),
            Self::Refused => Ok(0),
        }
    }
}

/// The stored stream, with its first bytes put back, and whether it failed itself.
struct Tracked<R> {
    head: Vec<u8>,
    given: usize,
    stream: R,
    failed: Arc<AtomicBool>,
}

impl<R: Read> Read for Tracked<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let from_head = self.head.get(self.given..).unwrap_or_default();
        if from_head.is_empty() {
            let result = self.stream.read(room);
            if matches!(&result, Err(error) if error.kind() != io::ErrorKind::Interrupted) {
                self.failed.store(true, Ordering::Relaxed);
            }
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

impl<R: Read> Packed<R> {
    fn new(packing: Packing, head: Vec<u8>, stream: R) -> Result<Self, ReadError> {
        let failed = Arc::new(AtomicBool::new(false));
        let tracked = Tracked { head, given: 0, stream, failed: Arc::clone(&failed) };
        let stream = packing.unpack(BufReader::with_capacity(PACKED_CHUNK_BYTES, tracked))?;
        Ok(Self { stream, failed, damaged: false, ended: false, unpacked: 0 })
    }
}

impl<R: Read> Read for Packed<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        match self.stream.read(room) {
            Ok(count) => {
                self.unpacked += count as u64;
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.ended = true;
                if self.failed.load(Ordering::Relaxed) {
                    return Err(error);
                }
                self.damaged = true;
                Err(packing::damage(error, self.unpacked).into())
            }
        }
    }
}
