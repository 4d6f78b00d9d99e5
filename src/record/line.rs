//! Splits a stream into physical lines, for every format whose record is one.
//!
//! **Invariant:** a line is handed over whole, with its line end, or counted as unreadable, whole.

use std::io::Read;

use super::buffer::{Buffer, Refill};
use super::{RecordSink, SplitError, Stop, Unreadable};
use crate::limits::LINE_BYTES;
use crate::scope::{Fields, RawRecord};

/// A format whose record is one physical line.
pub(crate) trait LineFormat {
    /// What a line of it says.
    type Line<'a>: Fields;

    /// The fields of a line, its end included. Nothing is read before it is asked for.
    fn line(bytes: &[u8]) -> Self::Line<'_>;
}

/// A piece of a stream of lines.
pub(crate) enum Piece<'a> {
    /// A line with its end; a last one may have none.
    Line {
        bytes: &'a [u8],
        /// Where it begins in the stream.
        offset: u64,
    },
    /// So many bytes that are no line.
    Unreadable(u64, Unreadable),
}

/// Hands each line of `stream` to `sink`. A line over [`LINE_BYTES`] (its end included) is unreadable; a last line
/// without a line end is a record.
pub(crate) fn split<L: LineFormat>(stream: &mut dyn Read, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
    physical(stream, |piece| match piece {
        Piece::Line { bytes, offset } => sink.record(RawRecord { bytes, offset, fields: &L::line(bytes) }),
        Piece::Unreadable(bytes, why) => {
            sink.unreadable(bytes, why);
            Ok(())
        }
    })
}

/// Hands each physical line of `stream` over, as [`split`] does.
pub(crate) fn physical(
    stream: &mut dyn Read,
    mut take: impl FnMut(Piece<'_>) -> Result<(), Stop>,
) -> Result<(), SplitError> {
    let mut buffer = Buffer::new();
    // How much of the unfinished line at the front is known to hold no line end, and how much of it was let go.
    let mut searched = 0;
    let mut dropped = 0u64;
    loop {
        let consumed = whole_lines(&buffer, searched, &mut dropped, &mut take)?;
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
                    take(Piece::Unreadable(dropped, Unreadable::TooLong))?;
                } else if !rest.is_empty() {
                    take(Piece::Line { bytes: rest, offset: buffer.offset() })?;
                }
                return Ok(());
            }
            Refill::Failed(error) => {
                let rest = buffer.bytes().len() as u64;
                if dropped > 0 {
                    take(Piece::Unreadable(dropped, Unreadable::TooLong))?;
                } else if rest > 0 {
                    take(Piece::Unreadable(rest, Unreadable::Cut))?;
                }
                return Err(error.into());
            }
        }
    }
}

/// Hands over every line that ends within the buffer, the first of which may have lost `dropped` bytes of its front.
/// Gives how many bytes that was.
fn whole_lines(
    buffer: &Buffer,
    searched: usize,
    dropped: &mut u64,
    take: &mut impl FnMut(Piece<'_>) -> Result<(), Stop>,
) -> Result<usize, SplitError> {
    let bytes = buffer.bytes();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', bytes.get(searched..).unwrap_or_default()) {
        let end = searched + end + 1;
        let Some(line) = bytes.get(start..end) else { break };
        let whole = *dropped + line.len() as u64;
        if whole > LINE_BYTES as u64 {
            take(Piece::Unreadable(whole, Unreadable::TooLong))?;
            *dropped = 0;
        } else {
            take(Piece::Line { bytes: line, offset: buffer.offset() + start as u64 })?;
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
