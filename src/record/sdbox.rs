//! Dovecot's single-dbox: one message a file, `u.` and its number.
//!
//! Source: Dovecot 2.3, `dbox-file.h` and the page "dbox" of its documentation, and files that Dovecot made. A line `2 M1e
//! C<hex>` (version, size of a message header, when the file was made), the message header (`\x01\x02`, the type `N`, the
//! size in hex, ended by a line feed), the message, then `\n\x01\x03\n` and lines of metadata up to an empty one: `R` is the
//! time of receipt, in hex seconds since 1970, `Z` the size of a message that is stored packed, `X` says that parts of it
//! stand in other files. Unknown metadata means nothing.
//!
//! What an expunge takes away is unlinked, so a file that is there is a message that is there. Multi-dbox (`m.` and a number)
//! looks the same inside and keeps what was expunged until it is purged; which that is, only an index of Dovecot's
//! tells. Hence its place tells a single-dbox, and more than one message in a file is none.
//!
//! What it hands over is rendered: the message as it was given to Dovecot, unpacked. Where parts of it stand elsewhere it is
//! not read, for what is here is not all of it.
//!
//! **Invariant:** a file is one message, whole, or unreadable, whole.

use std::io::{ErrorKind, Read};
use std::path::Path;

use super::compression::Unpacked;
use super::mail::Message;
use super::single::{self, Maildir};
use super::{RecordFormat, RecordSink, SplitError, Unreadable};
use crate::clock::Timestamp;
use crate::limits::{CHUNK_BYTES, DBOX_FRAME_BYTES, MESSAGE_BYTES};
use crate::order::Format;
use crate::read_error::ReadError;
use crate::scope::{RawRecord, TimeField};

/// The format.
pub struct Sdbox;

/// What stands between a message and its metadata.
const BEHIND_MESSAGE: &[u8] = b"\n\x01\x03\n";
/// What a message header begins with; then the type of a message.
const BEFORE_MESSAGE: &[u8] = b"\x01\x02N";
/// Where the size stands in a message header, in hex digits.
const SIZE_PLACE: std::ops::Range<usize> = 13..29;
/// Times of receipt that are likely: nine or ten digits, 1973 to 2286.
const LIKELY_SECONDS: std::ops::RangeInclusive<i64> = 100_000_000..=9_999_999_999;

impl RecordFormat for Sdbox {
    fn format(&self) -> Format {
        Format::Sdbox
    }

    fn sign(&self) -> &'static str {
        "it is called and begins as a file of a single-dbox"
    }

    fn probe(&self, head: &[u8], _whole: bool) -> bool {
        frame(head).is_some()
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        let (bytes, size, error) = read(stream);
        if let Some(error) = error {
            if size > 0 {
                sink.unreadable(size, Unreadable::Cut);
            }
            return Err(error.into());
        }
        if size > bytes.len() as u64 {
            sink.unreadable(size, Unreadable::TooLong);
            return Ok(());
        }
        match stored(&bytes).map(|stored| (unpacked(&stored), stored.received)) {
            Some((Ok(message), received)) if !message.is_empty() => {
                let fields = &Message::new(&message).delivered(received);
                sink.record(RawRecord { bytes: &message, offset: 0, fields })?;
            }
            Some((Err(why), _)) => sink.unreadable(size, why),
            None if size > 0 => sink.unreadable(size, Unreadable::NotTheFormat),
            // A message without a byte holds nothing.
            Some((Ok(_), _)) | None => {}
        }
        Ok(())
    }

    /// A message is one by itself.
    fn rendered(&self) -> Option<&'static dyn RecordFormat> {
        Some(&Maildir)
    }
}

/// All of the stream as far as it may be read, how long it is, and the error that ended it.
fn read(stream: &mut dyn Read) -> (Vec<u8>, u64, Option<ReadError>) {
    let (mut bytes, mut size) = (Vec::new(), 0u64);
    let mut room = vec![0; CHUNK_BYTES];
    loop {
        match stream.read(&mut room) {
            Ok(0) => return (bytes, size, None),
            Ok(count) => {
                size += count as u64;
                if size <= (MESSAGE_BYTES + DBOX_FRAME_BYTES) as u64 {
                    bytes.extend_from_slice(room.get(..count).unwrap_or_default());
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (bytes, size, Some(error.into())),
        }
    }
}

/// A message as it stands in a file.
struct Stored<'a> {
    bytes: &'a [u8],
    received: TimeField,
    /// How long it is unpacked, where it is stored packed.
    plain_size: Option<u64>,
}

/// Where the message begins, and its stored size.
fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let line_end = memchr::memchr(b'\n', bytes.get(..bytes.len().min(DBOX_FRAME_BYTES))?)?;
    let fields = bytes.get(..line_end)?.strip_prefix(b"2 ")?;
    let mut sizes = fields.split(|&byte| byte == b' ').filter_map(|field| field.strip_prefix(b"M"));
    let header_size = usize::try_from(hex(sizes.next()?)?).ok().filter(|size| (30..=255).contains(size))?;
    let begin = line_end.checked_add(1 + header_size)?;
    let header = bytes.get(line_end + 1..begin)?;
    let is_one = header.starts_with(BEFORE_MESSAGE) && header.ends_with(b"\n") && sizes.next().is_none();
    let size = hex(header.get(SIZE_PLACE)?).filter(|_| is_one)?;
    Some((begin, usize::try_from(size).ok()?))
}

/// The one message of a file; none where it is not all there, or is not all.
fn stored(file: &[u8]) -> Option<Stored<'_>> {
    let (begin, size) = frame(file)?;
    let end = begin.checked_add(size)?;
    let bytes = file.get(begin..end)?;
    let mut metadata = file.get(end..)?.strip_prefix(BEHIND_MESSAGE)?;
    let (mut received, mut plain_size) = (None, None);
    loop {
        let line_end = memchr::memchr(b'\n', metadata)?;
        let (line, rest) = (metadata.get(..line_end)?, metadata.get(line_end + 1..)?);
        match line.split_first() {
            None => {
                let received = received.unwrap_or(TimeField::Lacks);
                return rest.is_empty().then_some(Stored { bytes, received, plain_size });
            }
            Some((b'R', value)) => {
                let read = time(value);
                received =
                    Some(if received.is_some_and(|before| before != read) { TimeField::Unreadable } else { read });
            }
            Some((b'Z', value)) => plain_size = Some(hex(value)?),
            Some((b'X', _)) => return None,
            Some(_) => {}
        }
        metadata = rest;
    }
}

fn time(value: &[u8]) -> TimeField {
    let seconds = hex(value).and_then(|seconds| i64::try_from(seconds).ok());
    let at = seconds.filter(|seconds| LIKELY_SECONDS.contains(seconds)).and_then(|seconds| Timestamp::new(seconds, 0));
    at.map_or(TimeField::Unreadable, TimeField::At)
}

/// A number of one to sixteen hex digits.
fn hex(digits: &[u8]) -> Option<u64> {
    let is_hex = (1..=16).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    u64::from_str_radix(std::str::from_utf8(digits).ok().filter(|_| is_hex)?, 16).ok()
}

/// The message as it was given to Dovecot.
fn unpacked(stored: &Stored<'_>) -> Result<Vec<u8>, Unreadable> {
    let mut stream = Unpacked::open(stored.bytes);
    let mut message = Vec::new();
    if stream.is_compressed() != stored.plain_size.is_some_and(|size| size != stored.bytes.len() as u64) {
        // What is packed has another size, and says so; what says so and is not packed in a way that is read here is not
        // understood.
        return Err(Unreadable::NotTheFormat);
    }
    let read = (&mut stream).take(MESSAGE_BYTES as u64 + 1).read_to_end(&mut message);
    if message.len() > MESSAGE_BYTES {
        return Err(Unreadable::TooLong);
    }
    let is_whole = read.is_ok() && stored.plain_size.is_none_or(|size| size == message.len() as u64);
    if is_whole && single::may_be_one(&message) { Ok(message) } else { Err(Unreadable::NotTheFormat) }
}
