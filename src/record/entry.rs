//! Splits a stream into entries of several lines, for every format whose record may be more than one.
//!
//! What a line is to its record is told by the front of the line alone, and by whether the line before it was a head; so a
//! record means the same in a stream and in an exhibit, where the records between were left out.
//!
//! **Invariant:** an entry is handed over whole, with its line ends, or counted as unreadable, whole.

use std::io::Read;

use super::buffer::{Buffer, Refill};
use super::line::LineFormat;
use super::{RecordSink, SplitError, Unreadable};
use crate::limits::{LINE_BYTES, LINE_FRONT_BYTES};
use crate::scope::RawRecord;

/// What a line is to its record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// It begins one.
    First,
    /// It begins one, and the line behind it belongs to that one, whatever it is.
    Head,
    /// It goes on with the one before it.
    Rest,
}

/// A format whose record may have several lines.
pub(crate) trait EntryFormat: LineFormat {
    /// What a line is, by its first bytes ([`LINE_FRONT_BYTES`] at most, its end included where that is among them).
    fn place(front: &[u8]) -> Place;
}

/// Hands each entry of `stream` to `sink`. An entry over [`LINE_BYTES`] is unreadable.
pub(crate) fn split<L: EntryFormat>(stream: &mut dyn Read, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
    let mut entries =
        Entries { buffer: Buffer::new(), scanned: 0, in_line: false, after_head: false, dropped: 0, sink };
    loop {
        entries.scan::<L>(false)?;
        entries.drop_what_is_too_long();
        match entries.buffer.refill(stream) {
            Refill::More => {}
            Refill::End => {
                entries.scan::<L>(true)?;
                return entries.hand_over::<L>(entries.buffer.bytes().len());
            }
            // The entry at the front may have gone on behind the error.
            Refill::Failed(error) => {
                let rest = entries.buffer.bytes().len() as u64;
                match entries.dropped {
                    0 if rest > 0 => entries.sink.unreadable(rest, Unreadable::Cut),
                    0 => {}
                    dropped => entries.sink.unreadable(dropped + rest, Unreadable::TooLong),
                }
                return Err(error.into());
            }
        }
    }
}

/// A stream being split. The buffer begins with the entry that is being read.
struct Entries<'s> {
    buffer: Buffer,
    /// How much of the buffer has been looked at.
    scanned: usize,
    /// What has been looked at ends within a line whose place is known.
    in_line: bool,
    /// The line before was a head.
    after_head: bool,
    /// How much of the entry's front was let go.
    dropped: u64,
    sink: &'s mut dyn RecordSink,
}

impl Entries<'_> {
    /// Looks at what has been read, and hands over what has come to its end. `ended`: there is no more.
    fn scan<L: EntryFormat>(&mut self, ended: bool) -> Result<(), SplitError> {
        loop {
            let rest = self.buffer.bytes().get(self.scanned..).unwrap_or_default();
            if self.in_line {
                let Some(end) = memchr::memchr(b'\n', rest) else {
                    self.scanned += rest.len();
                    return Ok(());
                };
                self.scanned += end + 1;
                self.in_line = false;
                continue;
            }
            let front = rest.get(..rest.len().min(LINE_FRONT_BYTES)).unwrap_or_default();
            let front = match memchr::memchr(b'\n', front) {
                Some(end) => front.get(..=end).unwrap_or_default(),
                None if front.len() == LINE_FRONT_BYTES || (ended && !front.is_empty()) => front,
                None => return Ok(()),
            };
            let place = L::place(front);
            let begins = place != Place::Rest && !self.after_head;
            self.after_head = place == Place::Head;
            self.in_line = true;
            if begins {
                self.hand_over::<L>(self.scanned)?;
            }
        }
    }

    /// The entry ends at `end`.
    fn hand_over<L: EntryFormat>(&mut self, end: usize) -> Result<(), SplitError> {
        let whole = self.dropped + end as u64;
        if whole > LINE_BYTES as u64 {
            self.sink.unreadable(whole, Unreadable::TooLong);
        } else if whole > 0 {
            let bytes = self.buffer.bytes().get(..end).unwrap_or_default();
            self.sink.record(RawRecord { bytes, offset: self.buffer.offset(), fields: &L::line(bytes) })?;
        }
        self.buffer.consume(end);
        self.scanned = 0;
        self.dropped = 0;
        Ok(())
    }

    /// Keeps memory bounded: what is known to belong to an entry over the bound is let go.
    fn drop_what_is_too_long(&mut self) {
        if self.scanned > LINE_BYTES || self.dropped > 0 {
            self.dropped += self.scanned as u64;
            self.buffer.consume(self.scanned);
            self.scanned = 0;
        }
    }
}
