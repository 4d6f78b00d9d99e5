//! One message a stream: the files of a Maildir, and single messages (`eml`).
//!
//! Source: RFC 5322 for a message's shape. Which file of a Maildir is a message is a matter of its place, not of its
//! content, so that `maildir` takes any text; that a file outside one is a message must show. A From_ line in front is passed
//! over (some programs leave one), but a second one behind an empty line is a mailbox's: taken for one message, it would
//! give out the others with it.
//!
//! **Invariant:** the record is the stream, whole, or it is unreadable, whole.

use std::io::Read;
use std::path::Path;

use super::buffer::{Buffer, Refill};
use super::mail::{Message, header};
use super::mbox;
use super::{RecordFormat, RecordSink, SplitError, Unreadable};
use crate::limits::MESSAGE_BYTES;
use crate::order::Format;
use crate::scope::RawRecord;

/// A message of a Maildir.
pub struct Maildir;

/// A single message.
pub struct Eml;

impl RecordFormat for Maildir {
    fn format(&self) -> Format {
        Format::Maildir
    }

    fn sign(&self) -> &'static str {
        "it stands in `cur` or `new` of a Maildir"
    }

    /// It begins with a header field, or with the From_ line that some programs leave in front of one.
    fn probe(&self, head: &[u8], _whole: bool) -> bool {
        let line = header::first_line(head);
        header::is_from_line(line) || header::field_name(line).is_some()
    }

    /// Its place tells it.
    fn claims(&self, _head: &[u8], _whole: bool) -> bool {
        false
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        one_message(stream, sink, may_be_one)
    }
}

impl RecordFormat for Eml {
    fn format(&self) -> Format {
        Format::Eml
    }

    fn sign(&self) -> &'static str {
        "it begins with header fields that messages have"
    }

    /// It begins with a header field, all that is shown of its head are header fields, and one of those is a field that
    /// messages have.
    fn probe(&self, head: &[u8], whole: bool) -> bool {
        header::looks_like_a_message(head, whole)
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        one_message(stream, sink, |bytes| Maildir.probe(bytes, true) && !mbox::is_mailbox(bytes))
    }
}

/// Splits an exhibit of one message of that format again. What a mailbox holds between two From_ lines is one, whatever it is.
pub fn split_message(format: Format, stream: &mut dyn Read, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
    let is_message = |bytes: &[u8]| if format.is_mailbox() { !mbox::is_mailbox(bytes) } else { may_be_one(bytes) };
    one_message(stream, sink, is_message)
}

/// It is not several messages, nor anything else than text.
pub(super) fn may_be_one(bytes: &[u8]) -> bool {
    !mbox::is_mailbox(bytes) && !is_binary(bytes)
}

/// It begins with no header field, and with what no text begins with: a server stored it compressed or encrypted, and
/// nothing can be said of what it holds.
fn is_binary(bytes: &[u8]) -> bool {
    let line = header::first_line(bytes);
    let is_control = |byte: &u8| *byte < b' ' && *byte != b'\t' && *byte != b'\r' || *byte == 0x7f;
    let is_packed =
        [b"BZh".as_slice(), b"\x28\xb5\x2f\xfd", b"\xfd7zXZ", b"\x1f"].iter().any(|magic| line.starts_with(magic));
    !Maildir.probe(bytes, true) && (is_packed || line.iter().any(is_control))
}

fn one_message(
    stream: &mut dyn Read,
    sink: &mut dyn RecordSink,
    is_message: impl Fn(&[u8]) -> bool,
) -> Result<(), SplitError> {
    let mut buffer = Buffer::new();
    let mut dropped = 0u64;
    let error = loop {
        let kept = buffer.bytes().len();
        if dropped > 0 || kept > MESSAGE_BYTES {
            dropped += kept as u64;
            buffer.consume(kept);
        }
        match buffer.refill(stream) {
            Refill::More => {}
            Refill::End => break None,
            Refill::Failed(error) => break Some(error),
        }
    };
    let bytes = buffer.bytes();
    match error {
        _ if dropped > 0 => sink.unreadable(dropped, Unreadable::TooLong),
        _ if bytes.is_empty() => {}
        Some(_) => sink.unreadable(bytes.len() as u64, Unreadable::Cut),
        None if !is_message(bytes) => sink.unreadable(bytes.len() as u64, Unreadable::NotTheFormat),
        None => sink.record(RawRecord { bytes, offset: buffer.offset(), fields: &Message::new(bytes) })?,
    }
    error.map_or(Ok(()), |error| Err(error.into()))
}
