//! Mailboxes whose messages say how long they are: mboxcl and mboxcl2.
//!
//! Source: mbox(5) of qmail and Jonathan de Boyne Pollard's "mbox is a family of several mutually incompatible mailbox
//! formats". Content-Length is how many bytes the body has, from behind the empty line that ends the header. mboxcl quotes
//! From_ lines in bodies as well, mboxcl2 does not. Many programs leave a Content-Length that is wrong, so nothing is taken
//! on its word: it must lead to the end of the mailbox or to a From_ line (up to two line ends may stand before either), and no
//! From_ line of another message may stand before that. In mboxcl any From_ line behind an empty line would be one; in
//! mboxcl2 one with a date, with a header field behind it. Where it is missing, said in two ways or leads elsewhere, the
//! message is unreadable up to the next such From_ line.
//!
//! **Invariant:** a message is handed over only where its Content-Length and the From_ lines say the same end.

use std::io::Read;
use std::path::Path;

use super::buffer::Refill;
use super::from_line::{self, FRONT_BYTES};
use super::mail::header::{self, Header};
use super::mbox::{self, FROM, Mailbox, boundary};
use super::{RecordFormat, RecordSink, SplitError, Unreadable};
use crate::limits::MESSAGE_BYTES;
use crate::order::Format;

/// Content-Length, and From_ lines in bodies are quoted.
pub static MBOXCL: Measured = Measured { quotes: true };
/// Content-Length alone.
pub static MBOXCL2: Measured = Measured { quotes: false };

/// One of the two formats.
pub struct Measured {
    /// A From_ line in a body is quoted.
    quotes: bool,
}

/// How many line ends may stand behind a body: one that ends its last line, and the empty line before the next From_ line.
const LINE_ENDS: usize = 2;
/// What must be seen behind a body: those line ends, and a From_ line with what follows it.
const BEHIND_BYTES: usize = 2 * LINE_ENDS + FRONT_BYTES;
/// The end of a line and an empty one, with CRLF: less one byte, what may belong to an end of the header that is not all
/// there.
const EMPTY_LINE_BYTES: usize = 3;

impl RecordFormat for Measured {
    fn format(&self) -> Format {
        if self.quotes { Format::Mboxcl } else { Format::Mboxcl2 }
    }

    fn probe(&self, head: &[u8], whole: bool) -> bool {
        mbox::Mbox.probe(head, whole)
    }

    /// Nothing but the order tells it from an mbox in which a Content-Length means nothing.
    fn claims(&self, _head: &[u8], _whole: bool) -> bool {
        false
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        let mut mailbox = Mailbox::new(stream, sink);
        if !mailbox.preamble()? {
            return Ok(());
        }
        while mailbox.pass_from_line()? && self.message(&mut mailbox)? {}
        Ok(())
    }
}

/// Where a message ends by its Content-Length.
enum End {
    /// Its bytes, and the line ends behind it.
    At(usize, usize),
    /// It is not said, or it cannot be so.
    Unknown,
}

impl Measured {
    /// Hands over the message that the buffer stands at. False: it was the last.
    fn message(&self, mailbox: &mut Mailbox<'_>) -> Result<bool, SplitError> {
        let Some(end) = self.end(mailbox)? else { return Ok(false) };
        let End::At(end, line_ends) = end else { return self.lost(mailbox) };
        mailbox.hand_over(end)?;
        if line_ends > 0 {
            mailbox.sink.separator(line_ends as u64);
        }
        mailbox.buffer.consume(end + line_ends);
        Ok(!mailbox.buffer.bytes().is_empty())
    }

    /// Reads as far as is needed to say where the message ends. None: the stream failed, and that was told.
    fn end(&self, mailbox: &mut Mailbox<'_>) -> Result<Option<End>, SplitError> {
        let mut searched = 0usize;
        let body = loop {
            let bytes = mailbox.buffer.bytes();
            if let Some(body) = body_of(bytes, searched) {
                break body;
            }
            searched = bytes.len().saturating_sub(EMPTY_LINE_BYTES);
            if searched > MESSAGE_BYTES {
                return Ok(Some(End::Unknown));
            }
            match mailbox.buffer.refill(mailbox.stream) {
                Refill::More => {}
                // A header that no empty line ends has no body.
                Refill::End => break mailbox.buffer.bytes().len(),
                Refill::Failed(error) => return mailbox.cut(error.into()).map(|_| None),
            }
        };
        let stated = content_length(mailbox.buffer.bytes().get(..body).unwrap_or_default());
        let Some(end) = stated.and_then(|length| body.checked_add(length)).filter(|&end| end <= MESSAGE_BYTES) else {
            return Ok(Some(End::Unknown));
        };
        let mut ended = false;
        while !ended && mailbox.buffer.bytes().len() < end.saturating_add(BEHIND_BYTES) {
            match mailbox.buffer.refill(mailbox.stream) {
                Refill::More => {}
                Refill::End => ended = true,
                Refill::Failed(error) => return mailbox.cut(error.into()).map(|_| None),
            }
        }
        Ok(Some(self.checked(mailbox.buffer.bytes(), end, ended)))
    }

    /// Holds the stated end against what stands there, and against what stands before it.
    fn checked(&self, bytes: &[u8], end: usize, ended: bool) -> End {
        let Some((message, behind)) = bytes.split_at_checked(end) else { return End::Unknown };
        let rest = (0..LINE_ENDS)
            .fold(behind, |rest, _| rest.strip_prefix(b"\n").or_else(|| rest.strip_prefix(b"\r\n")).unwrap_or(rest));
        let begins_line = rest.len() < behind.len() || message.is_empty() || message.ends_with(b"\n");
        let is_next = rest.starts_with(FROM) && (self.quotes || from_line::begins_message(rest));
        let leads = (ended && rest.is_empty()) || (begins_line && is_next);
        // One in front of the message's own fields would be taken for a mailbox's.
        let holds_another = mbox::is_mailbox(message) || self.next(message, true, true).is_ok();
        if leads && !holds_another { End::At(end, behind.len() - rest.len()) } else { End::Unknown }
    }

    /// The next From_ line that begins another message, as [`boundary`] says it; else how much of `bytes` needs no second
    /// look. `begins_line`: `bytes` does; `ended`: there is no more.
    fn next(&self, bytes: &[u8], begins_line: bool, ended: bool) -> Result<(usize, usize), usize> {
        let mut from = 0;
        while let Some((end, next)) = boundary(bytes, from, begins_line) {
            let line = bytes.get(next..).unwrap_or_default();
            if !ended && line.len() < FRONT_BYTES && !self.quotes {
                return Err(end);
            }
            if self.quotes || from_line::begins_message(line) {
                return Ok((end, next));
            }
            // Behind its first letter, so that it is not found again.
            from = next + mbox::LINE_END_AND_FROM.len();
        }
        Err(if ended { bytes.len() } else { bytes.len().saturating_sub(mbox::CONTEXT_BYTES) })
    }

    /// Passes a message whose end is not known, in bounded memory. False: the stream ended.
    fn lost(&self, mailbox: &mut Mailbox<'_>) -> Result<bool, SplitError> {
        let (mut dropped, mut ended, mut begins_line) = (0u64, false, true);
        loop {
            let bytes = mailbox.buffer.bytes();
            let found = self.next(bytes, begins_line, ended);
            let (gone, line_ends) = found.map_or_else(|settled| (settled, 0), |(end, next)| (end, next - end));
            begins_line = mbox::begins_line(bytes, gone, begins_line);
            mailbox.buffer.consume(gone);
            dropped += gone as u64;
            if found.is_ok() || ended {
                let why = if dropped > MESSAGE_BYTES as u64 { Unreadable::TooLong } else { Unreadable::NotTheFormat };
                if dropped > 0 {
                    mailbox.sink.unreadable(dropped, why);
                }
                if line_ends > 0 {
                    mailbox.sink.separator(line_ends as u64);
                }
                mailbox.buffer.consume(line_ends);
                return Ok(found.is_ok());
            }
            match mailbox.buffer.refill(mailbox.stream) {
                Refill::More => {}
                Refill::End => ended = true,
                Refill::Failed(error) => {
                    dropped += mailbox.buffer.bytes().len() as u64;
                    if dropped > 0 {
                        mailbox.sink.unreadable(dropped, Unreadable::Cut);
                    }
                    return Err(error.into());
                }
            }
        }
    }
}

/// Where the body begins: behind the first empty line. The first `searched` bytes are known to hold no such place.
fn body_of(bytes: &[u8], searched: usize) -> Option<usize> {
    for empty in [b"\n".as_slice(), b"\r\n"] {
        if bytes.starts_with(empty) {
            return Some(empty.len());
        }
    }
    let from = bytes.get(searched..).unwrap_or_default();
    memchr::memchr_iter(b'\n', from).find_map(|at| {
        let behind = from.get(at + 1..).unwrap_or_default();
        let empty = [b"\n".as_slice(), b"\r\n"].into_iter().find(|empty| behind.starts_with(empty))?;
        Some(searched + at + 1 + empty.len())
    })
}

/// What the fields say of the body's length; none where none of them does, or two say different things.
fn content_length(fields: &[u8]) -> Option<usize> {
    let mut stated = None;
    for field in Header::of(fields).filter(|field| field.is("Content-Length")) {
        let value = header::unfold(field.value);
        let digits = value.iter().all(u8::is_ascii_digit) && !field.doubtful;
        let length: usize = std::str::from_utf8(&value).ok().filter(|_| digits)?.parse().ok()?;
        if stated.replace(length).is_some_and(|before| before != length) {
            return None;
        }
    }
    stated
}
