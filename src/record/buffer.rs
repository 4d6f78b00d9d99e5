//! The window on a stream that a splitter works in: large aligned reads, the unfinished record carried in front of them.
//!
//! A read lands on a page boundary wherever it can (a buffer a few bytes past one made reads four to five times slower),
//! and what is carried is moved only when it is short or when there is no room behind it, so that a long record is not
//! copied once a chunk.
//!
//! **Invariant:** the memory is bounded by the longest record that the splitter keeps, plus a few chunks.

use std::io::{ErrorKind, Read};

use crate::limits::CHUNK_BYTES;
use crate::read_error::ReadError;

/// Reads are placed at multiples of this.
const PAGE_BYTES: usize = 4096;
/// Up to this much is moved to in front of the next read; it is a multiple of the page.
const CARRY_BYTES: usize = 64 * 1024;
/// What the store takes at first.
const SMALL_BYTES: usize = CARRY_BYTES + 2 * CHUNK_BYTES;
/// A store that grew over this for one long record is given back.
const LARGE_BYTES: usize = 8 * 1024 * 1024;

/// What a refill came to.
pub(crate) enum Refill {
    /// There is more to look at.
    More,
    /// The stream is at its end.
    End,
    /// The stream cannot be read further.
    Failed(ReadError),
}

/// Bytes of a stream that have been read and not yet consumed.
pub(crate) struct Buffer {
    store: Vec<u8>,
    /// Where the first page boundary in `store` is.
    base: usize,
    start: usize,
    end: usize,
    /// Where `start` is in the stream.
    offset: u64,
    finished: bool,
    failure: Option<ReadError>,
}

impl Buffer {
    pub(crate) fn new() -> Self {
        let (store, base) = aligned(SMALL_BYTES);
        let start = base + CARRY_BYTES;
        Self { store, base, start, end: start, offset: 0, finished: false, failure: None }
    }

    /// What has been read and not consumed.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.store.get(self.start..self.end).unwrap_or_default()
    }

    /// Where [`Self::bytes`] begins in the stream.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The first `count` bytes are done with.
    pub(crate) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// Reads on: about [`CHUNK_BYTES`], less only at the end of the stream or before an error of it. The error is
    /// reported by the call that has nothing else to give.
    pub(crate) fn refill(&mut self, stream: &mut dyn Read) -> Refill {
        if self.finished {
            return self.failure.take().map_or(Refill::End, Refill::Failed);
        }
        self.make_room();
        let room_end = (self.end + CHUNK_BYTES).min(self.store.len());
        let before = self.end;
        while self.end < room_end {
            let Some(room) = self.store.get_mut(self.end..room_end) else { break };
            match stream.read(room) {
                Ok(0) => self.finished = true,
                Ok(count) => self.end = (self.end + count).min(room_end),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.finished = true;
                    self.failure = Some(error.into());
                }
            }
            if self.finished {
                break;
            }
        }
        if self.end > before {
            return Refill::More;
        }
        self.failure.take().map_or(Refill::End, Refill::Failed)
    }

    /// Makes a chunk of room behind what is kept.
    fn make_room(&mut self) {
        let kept = self.end - self.start;
        if kept <= CARRY_BYTES {
            if self.store.len() > LARGE_BYTES {
                self.renew(SMALL_BYTES, CARRY_BYTES);
                return;
            }
            self.move_to_end_at(self.base + CARRY_BYTES);
            return;
        }
        if self.end + CHUNK_BYTES <= self.store.len() {
            return;
        }
        // The end goes to a page boundary, so that the reads that follow are aligned.
        let end = self.base + kept.next_multiple_of(PAGE_BYTES);
        if end + CHUNK_BYTES <= self.store.len() && kept <= self.store.len() / 2 {
            self.move_to_end_at(end);
            return;
        }
        self.renew(self.store.len() * 2, kept.next_multiple_of(PAGE_BYTES));
    }

    /// Moves what is kept to a new store, to end `behind` bytes after its page boundary.
    fn renew(&mut self, size_bytes: usize, behind: usize) {
        let kept = self.end - self.start;
        let (mut store, base) = aligned(size_bytes);
        let end = base + behind;
        if let (Some(to), Some(from)) = (store.get_mut(end - kept..end), self.store.get(self.start..self.end)) {
            to.copy_from_slice(from);
        }
        (self.store, self.base, self.start, self.end) = (store, base, end - kept, end);
    }

    fn move_to_end_at(&mut self, end: usize) {
        let kept = self.end - self.start;
        if self.end != end {
            self.store.copy_within(self.start..self.end, end - kept);
        }
        (self.start, self.end) = (end - kept, end);
    }
}

/// At least `size_bytes` zero bytes behind the page boundary that it returns.
fn aligned(size_bytes: usize) -> (Vec<u8>, usize) {
    let store = vec![0; size_bytes + PAGE_BYTES];
    // `align_offset` may say that it cannot tell; then nothing is aligned, and nothing is wrong.
    let base = Some(store.as_ptr().align_offset(PAGE_BYTES)).filter(|&base| base < PAGE_BYTES).unwrap_or(0);
    (store, base)
}
