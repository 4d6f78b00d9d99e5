//! A stream as a lexer reads it: byte by byte, with a few bytes of sight ahead.
//!
//! **Invariant:** the position is how many bytes were passed; what is kept of a text is bounded, and what is over says so.

use std::io::Read;

use crate::limits::LINE_BYTES;
use crate::read_error::ReadError;
use crate::record::buffer::{Buffer, Refill};

/// A text that took more than this of memory is given back when it is cleared.
const LARGE_BYTES: usize = 1024 * 1024;

/// The stream, and where it stands.
pub(super) struct Input<'s> {
    stream: &'s mut dyn Read,
    buffer: Buffer,
    is_over: bool,
    failure: Option<ReadError>,
}

impl<'s> Input<'s> {
    pub(super) fn new(stream: &'s mut dyn Read) -> Self {
        Self { stream, buffer: Buffer::new(), is_over: false, failure: None }
    }

    /// How many bytes were passed.
    pub(super) fn position(&self) -> u64 {
        self.buffer.offset()
    }

    /// The error that ended the stream, once it has ended.
    pub(super) fn failure(&mut self) -> Option<ReadError> {
        self.failure.take()
    }

    /// The stream ended in an error.
    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Some of what comes next: nothing only at the end.
    pub(super) fn window(&mut self) -> &[u8] {
        if self.buffer.bytes().is_empty() {
            self.refill();
        }
        self.buffer.bytes()
    }

    pub(super) fn peek(&mut self) -> Option<u8> {
        self.window().first().copied()
    }

    /// The byte that many bytes behind the next one.
    pub(super) fn peek_at(&mut self, ahead: usize) -> Option<u8> {
        while self.buffer.bytes().len() <= ahead && self.refill() {}
        self.buffer.bytes().get(ahead).copied()
    }

    pub(super) fn starts_with(&mut self, text: &[u8]) -> bool {
        self.peek_at(text.len().saturating_sub(1)).is_some() && self.buffer.bytes().starts_with(text)
    }

    pub(super) fn advance(&mut self, count: usize) {
        self.buffer.consume(count);
    }

    /// Passes what comes before the first of `stops`, and keeps it. None: the stream ended first.
    pub(super) fn up_to(&mut self, stops: [u8; 3], kept: &mut Kept) -> Option<u8> {
        let [a, b, c] = stops;
        loop {
            let window = self.window();
            if window.is_empty() {
                return None;
            }
            let found = memchr::memchr3(a, b, c, window);
            let count = found.unwrap_or(window.len());
            kept.extend(window.get(..count).unwrap_or_default());
            let stop = found.and_then(|at| window.get(at).copied());
            self.advance(count);
            if stop.is_some() {
                return stop;
            }
        }
    }

    /// Passes a line with its end, and keeps it without its LF. False: the stream ended before the line did.
    pub(super) fn line(&mut self, kept: &mut Kept) -> bool {
        let is_whole = self.up_to([b'\n'; 3], kept).is_some();
        if is_whole {
            self.advance(1);
        }
        is_whole
    }

    /// Passes all that is left.
    pub(super) fn drain(&mut self) {
        loop {
            let count = self.window().len();
            if count == 0 {
                return;
            }
            self.advance(count);
        }
    }

    /// False at the end.
    fn refill(&mut self) -> bool {
        if self.is_over {
            return false;
        }
        match self.buffer.refill(self.stream) {
            Refill::More => return true,
            Refill::End => {}
            Refill::Failed(error) => self.failure = Some(error),
        }
        self.is_over = true;
        false
    }
}

/// A text up to a bound.
pub(super) struct Kept {
    bytes: Vec<u8>,
    bound: usize,
    is_long: bool,
}

impl Kept {
    /// Up to [`LINE_BYTES`].
    pub(super) fn new() -> Self {
        Self::up_to(LINE_BYTES)
    }

    pub(super) fn up_to(bound: usize) -> Self {
        Self { bytes: Vec::new(), bound, is_long: false }
    }

    pub(super) fn clear(&mut self) {
        self.is_long = false;
        clear(&mut self.bytes);
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// There was more than is kept.
    pub(super) fn is_long(&self) -> bool {
        self.is_long
    }

    pub(super) fn push(&mut self, byte: u8) {
        self.extend(&[byte]);
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        let room = self.bound - self.bytes.len().min(self.bound);
        self.is_long |= bytes.len() > room;
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

/// Empties a text; one that was long gives its memory back.
pub(super) fn clear(text: &mut Vec<u8>) {
    if text.capacity() > LARGE_BYTES {
        *text = Vec::new();
    } else {
        text.clear();
    }
}
