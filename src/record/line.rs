//! Splits a stream into physical lines, for every format whose record is one.
//!
//! **Invariant:** a line is handed over whole, with its line end, or counted as unreadable, whole.

use std::io::Read;

use super::buffer::{Buffer, Refill};
use super::{RecordSink, SplitError, Unreadable};
use crate::limits::LINE_BYTES;
use crate::scope::{Fields, RawRecord};

/// A format whose record is one physical line.
pub(crate) trait LineFormat {
    /// What a line of it says.
    type Line<'a>: Fields;

    /// The fields of a line, its end included. Nothing is read before it is asked for.
    fn line(bytes: &[u8]) -> Self::Line<'_>;
}

/// Hands each line of `stream` to `sink`. A line over [`LINE_BYTES`] (its end included) is unreadable; a last line
/// without a line end is a record.
pub(crate) fn split<L: LineFormat>(stream: &mut dyn Read, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
    let mut buffer = Buffer::new();
    // How much of the unfinished line at the front is known to hold no line end, and how much of it was let go.
    let mut searched = 0;
    let mut dropped = 0u64;
    loop {
        let consumed = whole_lines::<L>(&buffer, searched, &mut dropped, sink)?;
        buffer.consume(consumed);
        searched = buffer.bytes().len();
        if searched > LINE_BYTES || dropped > 0 {
            dropped += searched as u64;
            buffer.consume(searched);
            searched = 0;
        }
        match buffer.refill(stream) {
            Refill::More => {}
            Refill::End => {
                let rest = buffer.bytes();
                if dropped > 0 {
                    sink.unreadable(dropped, Unreadable::TooLong);
                } else if !rest.is_empty() {
                    sink.record(RawRecord { bytes: rest, offset: buffer.offset(), fields: &L::line(rest) })?;
                }
                return Ok(());
            }
            Refill::Failed(error) => {
                let rest = buffer.bytes().len() as u64;
                if dropped > 0 {
                    sink.unreadable(dropped, Unreadable::TooLong);
                } else if rest > 0 {
                    sink.unreadable(rest, Unreadable::Cut);
                }
                return Err(error.into());
            }
        }
    }
}

/// Hands over every line that ends within the buffer, the first of which may have lost `dropped` bytes of its front.
/// Gives how many bytes that was.
fn whole_lines<L: LineFormat>(
    buffer: &Buffer,
    searched: usize,
    dropped: &mut u64,
    sink: &mut dyn RecordSink,
) -> Result<usize, SplitError> {
    let bytes = buffer.bytes();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', bytes.get(searched..).unwrap_or_default()) {
        let end = searched + end + 1;
        let Some(line) = bytes.get(start..end) else { break };
        let whole = *dropped + line.len() as u64;
        if whole > LINE_BYTES as u64 {
            sink.unreadable(whole, Unreadable::TooLong);
            *dropped = 0;
        } else {
            let offset = buffer.offset() + start as u64;
            sink.record(RawRecord { bytes: line, offset, fields: &L::line(line) })?;
        }
        start = end;
    }
    Ok(start)
}

/// How many lines of a stream's `head` are shown whole, and how many of those `fits` says yes to. `whole`: `head` is all of
/// the stream, so that its last line needs no end.
pub(crate) fn share<'h>(head: &'h [u8], whole: bool, fits: impl Fn(&'h [u8]) -> bool) -> (u32, u32) {
    let lines = head.split_inclusive(|&byte| byte == b'\n').filter(|line| whole || line.ends_with(b"\n"));
    lines.fold((0, 0), |(lines, fitting), line| (lines + 1, fitting + u32::from(fits(line))))
}
