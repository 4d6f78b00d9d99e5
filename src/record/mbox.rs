//! Mailboxes of `From ` lines: RFC 4155, mboxo and mboxrd, with LF or CRLF.
//!
//! A From_ line begins a message only at the start or after an empty line; anywhere else it is content, as is a quoted
//! `>From `. The From_ line and the empty line before it stand between messages; what stands before the first one belongs
//! to none (empty lines are nothing, anything else is not a mailbox's). A message is handed over as stored: its quoting is not undone.
//!
//! **Invariant:** nothing of a body is read but its line ends until a text is asked for.

use std::io::Read;
use std::path::Path;

use super::buffer::{Buffer, Refill};
use super::mail::{Message, header};
use super::{RecordFormat, RecordSink, SplitError, Unreadable, from_line};
use crate::limits::MESSAGE_BYTES;
use crate::order::Format;
use crate::scope::{RawRecord, TimeField};

/// The format.
pub struct Mbox;

/// What a From_ line begins with.
pub(super) const FROM: &[u8] = b"From ";
/// A From_ line, with the end of the line before it.
pub(super) const LINE_END_AND_FROM: &[u8] = b"\nFrom ";
/// What of the end of a buffer may belong to a boundary that is not all there: `\n\r\nFrom` of `\n\r\nFrom `.
pub(super) const CONTEXT_BYTES: usize = 8;

impl RecordFormat for Mbox {
    fn format(&self) -> Format {
        Format::Mbox
    }

    fn sign(&self) -> &'static str {
        "it begins with a From_ line and a header field behind it"
    }

    /// It begins with a From_ line, and the line after that is a header field, or empty, or not shown. (Prose may begin
    /// with the word.)
    fn probe(&self, head: &[u8], whole: bool) -> bool {
        if !head.starts_with(FROM) {
            return false;
        }
        match memchr::memchr(b'\n', head).and_then(|end| head.get(end + 1..)) {
            None => !whole && head.len() >= crate::limits::PROBE_BYTES,
            Some(rest) => {
                let line = header::first_line(rest);
                line.is_empty() || header::is_from_line(line) || header::field_name(line).is_some()
            }
        }
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        let mut mailbox = Mailbox::new(stream, sink);
        if !mailbox.preamble()? {
            return Ok(());
        }
        while mailbox.pass_from_line()? && mailbox.message()? {}
        Ok(())
    }
}

/// A mailbox being read.
pub(super) struct Mailbox<'s> {
    pub(super) buffer: Buffer,
    pub(super) stream: &'s mut dyn Read,
    pub(super) sink: &'s mut dyn RecordSink,
    /// What the From_ line of the message that comes next says of its time.
    delivered: TimeField,
}

/// What ended a stretch of a mailbox.
enum Ended {
    /// The next From_ line.
    FromLine,
    /// The stream.
    Stream,
}

impl<'s> Mailbox<'s> {
    pub(super) fn new(stream: &'s mut dyn Read, sink: &'s mut dyn RecordSink) -> Self {
        Self { buffer: Buffer::new(), stream, sink, delivered: TimeField::Lacks }
    }

    /// Goes to the first From_ line. False: there is none.
    pub(super) fn preamble(&mut self) -> Result<bool, SplitError> {
        while self.buffer.bytes().len() < FROM.len() {
            match self.buffer.refill(self.stream) {
                Refill::More => {}
                Refill::End => break,
                Refill::Failed(error) => return self.cut(error.into()),
            }
        }
        if self.buffer.bytes().is_empty() {
            return Ok(false);
        }
        if self.buffer.bytes().starts_with(FROM) {
            return Ok(true);
        }
        let (mut blank, mut begins_line) = (true, true);
        let mut dropped = 0;
        loop {
            if let Some((end, next)) = boundary(self.buffer.bytes(), 0, begins_line) {
                blank &= is_blank(self.buffer.bytes().get(..end).unwrap_or_default());
                self.preamble_piece(dropped + next as u64, blank);
                self.buffer.consume(next);
                return Ok(true);
            }
            let settled = self.buffer.bytes().len().saturating_sub(CONTEXT_BYTES);
            blank &= is_blank(self.buffer.bytes().get(..settled).unwrap_or_default());
            begins_line = self::begins_line(self.buffer.bytes(), settled, begins_line);
            self.buffer.consume(settled);
            dropped += settled as u64;
            let failed = match self.buffer.refill(self.stream) {
                Refill::More => continue,
                Refill::End => None,
                Refill::Failed(error) => Some(error),
            };
            blank &= is_blank(self.buffer.bytes());
            self.preamble_piece(dropped + self.buffer.bytes().len() as u64, blank);
            return failed.map_or(Ok(false), |error| Err(error.into()));
        }
    }

    fn preamble_piece(&mut self, bytes: u64, blank: bool) {
        if blank {
            self.sink.separator(bytes);
        } else {
            self.sink.unreadable(bytes, Unreadable::NotTheFormat);
        }
    }

    /// Passes the From_ line that the buffer stands at. False: the stream ended first.
    pub(super) fn pass_from_line(&mut self) -> Result<bool, SplitError> {
        let mut passed = 0u64;
        loop {
            if let Some(end) = memchr::memchr(b'\n', self.buffer.bytes()) {
                let line = self.buffer.bytes().get(..end).filter(|_| passed == 0);
                self.delivered = line.map_or(TimeField::Unreadable, from_line::time);
                self.sink.separator(passed + end as u64 + 1);
                self.buffer.consume(end + 1);
                return Ok(true);
            }
            passed += self.buffer.bytes().len() as u64;
            self.buffer.consume(self.buffer.bytes().len());
            match self.buffer.refill(self.stream) {
                Refill::More => {}
                Refill::End => {
                    if passed > 0 {
                        self.sink.separator(passed);
                    }
                    return Ok(false);
                }
                Refill::Failed(error) => {
                    if passed > 0 {
                        self.sink.unreadable(passed, Unreadable::Cut);
                    }
                    return Err(error.into());
                }
            }
        }
    }

    /// Hands over the message that the buffer stands at. False: it was the last.
    fn message(&mut self) -> Result<bool, SplitError> {
        let mut searched = 0;
        loop {
            if let Some((end, next)) = boundary(self.buffer.bytes(), searched, true) {
                self.hand_over(end)?;
                self.sink.separator((next - end) as u64);
                self.buffer.consume(next);
                return Ok(true);
            }
            searched = self.buffer.bytes().len().saturating_sub(CONTEXT_BYTES);
            if searched > MESSAGE_BYTES {
                return self.too_long().map(|ended| matches!(ended, Ended::FromLine));
            }
            match self.buffer.refill(self.stream) {
                Refill::More => {}
                Refill::End => {
                    self.hand_over(self.buffer.bytes().len())?;
                    return Ok(false);
                }
                Refill::Failed(error) => return self.cut(error.into()),
            }
        }
    }

    pub(super) fn hand_over(&mut self, end: usize) -> Result<(), SplitError> {
        if end > MESSAGE_BYTES {
            self.sink.unreadable(end as u64, Unreadable::TooLong);
            return Ok(());
        }
        let bytes = self.buffer.bytes().get(..end).unwrap_or_default();
        let fields = &Message::new(bytes).delivered(self.delivered);
        self.sink.record(RawRecord { bytes, offset: self.buffer.offset(), fields })?;
        Ok(())
    }

    /// Passes a message that is over the bound, in bounded memory.
    fn too_long(&mut self) -> Result<Ended, SplitError> {
        let (mut dropped, mut begins_line) = (0, true);
        loop {
            if let Some((end, next)) = boundary(self.buffer.bytes(), 0, begins_line) {
                self.sink.unreadable(dropped + end as u64, Unreadable::TooLong);
                self.sink.separator((next - end) as u64);
                self.buffer.consume(next);
                return Ok(Ended::FromLine);
            }
            let settled = self.buffer.bytes().len().saturating_sub(CONTEXT_BYTES);
            begins_line = self::begins_line(self.buffer.bytes(), settled, begins_line);
            self.buffer.consume(settled);
            dropped += settled as u64;
            let failed = match self.buffer.refill(self.stream) {
                Refill::More => continue,
                Refill::End => None,
                Refill::Failed(error) => Some(error),
            };
            self.sink.unreadable(dropped + self.buffer.bytes().len() as u64, Unreadable::TooLong);
            return failed.map_or(Ok(Ended::Stream), |error| Err(error.into()));
        }
    }

    /// The stream failed within what the buffer holds.
    pub(super) fn cut(&mut self, error: SplitError) -> Result<bool, SplitError> {
        let cut = self.buffer.bytes().len() as u64;
        if cut > 0 {
            self.sink.unreadable(cut, Unreadable::Cut);
        }
        Err(error)
    }
}

/// What follows the first `gone` of these bytes begins a line; `before`: the bytes do.
pub(super) fn begins_line(bytes: &[u8], gone: usize, before: bool) -> bool {
    gone.checked_sub(1).map_or(before, |last| bytes.get(last) == Some(&b'\n'))
}

/// Where the text before the next From_ line that follows an empty line ends, and where that From_ line begins.
/// `begins_line`: `bytes` does; the first `searched` bytes are known to hold no such place.
pub(super) fn boundary(bytes: &[u8], searched: usize, begins_line: bool) -> Option<(usize, usize)> {
    let from = searched.saturating_sub(LINE_END_AND_FROM.len());
    let finder = memchr::memmem::find_iter(bytes.get(from..).unwrap_or_default(), LINE_END_AND_FROM);
    for found in finder {
        let line_feed = from + found;
        let before = bytes.get(..line_feed).unwrap_or_default();
        let before = before.strip_suffix(b"\r").unwrap_or(before);
        if before.ends_with(b"\n") || (before.is_empty() && begins_line) {
            return Some((before.len(), line_feed + 1));
        }
    }
    None
}

/// It begins with a From_ line, and another one begins a message in it.
pub(super) fn is_mailbox(bytes: &[u8]) -> bool {
    bytes.starts_with(FROM) && boundary(bytes, 0, true).is_some()
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_with_a_line_begins_with_no_empty_one() {
        assert_eq!(boundary(b"\nFrom b\n\nFrom c", 0, false), Some((8, 9)));
        assert_eq!(boundary(b"\r\nFrom b", 0, false), None);
        assert_eq!([begins_line(b"a\nb", 2, false), begins_line(b"a\nb", 1, true)], [true, false]);
        assert_eq!([begins_line(b"a", 0, false), begins_line(b"a", 0, true)], [false, true]);
    }

    #[test]
    fn a_boundary_is_a_from_line_behind_an_empty_line() {
        let cases: [(&str, Option<(usize, usize)>); 9] = [
            ("a\n\nFrom b", Some((2, 3))),
            ("a\r\n\r\nFrom b", Some((3, 5))),
            ("a\n\r\nFrom b", Some((2, 4))),
            ("\nFrom b", Some((0, 1))),
            ("\r\nFrom b", Some((0, 2))),
            ("a\nFrom b", None),
            ("a\n\n>From b", None),
            ("a\n\nFrom", None),
            ("a\r\nFrom b\n\nFrom c", Some((10, 11))),
        ];
        for (text, expected) in cases {
            assert_eq!(boundary(text.as_bytes(), 0, true), expected, "{text:?}");
        }
    }
}
