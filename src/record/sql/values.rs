//! The values of one row, as they are read, and the line that they are rendered as.
//!
//! **Invariant:** a row with a value that could not be read is not rendered, nor one with another number of values than
//! columns.

use std::ops::Range;

use super::catalog::Column;
use super::input;
use crate::limits::{COLUMNS, LINE_BYTES};
use crate::record::Unreadable;
use crate::record::row::{self, Cell};

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Null,
    /// What the server makes of it.
    Default,
    /// Text, if it is UTF-8.
    Text,
    Number,
    Bytes,
}

/// The values of a row.
#[derive(Default)]
pub(super) struct Values {
    /// All of them, one behind the other.
    data: Vec<u8>,
    all: Vec<(Kind, Range<usize>)>,
    is_odd: bool,
    is_long: bool,
}

impl Values {
    pub(super) fn clear(&mut self) {
        input::clear(&mut self.data);
        self.all.clear();
        (self.is_odd, self.is_long) = (false, false);
    }

    pub(super) fn push(&mut self, kind: Kind, value: &[u8]) {
        self.push_with(kind, |data| data.extend_from_slice(value));
    }

    /// What `write` appends is the value.
    pub(super) fn push_with<T>(&mut self, kind: Kind, write: impl FnOnce(&mut Vec<u8>) -> T) -> Option<T> {
        if self.all.len() >= COLUMNS {
            self.odd();
        }
        if self.is_odd || self.is_long {
            return None;
        }
        let begin = self.data.len();
        let result = write(&mut self.data);
        self.all.push((kind, begin..self.data.len()));
        Some(result)
    }

    /// A string, of which only ASCII is certain where its character set is another than UTF-8.
    pub(super) fn push_text(&mut self, is_other: bool, text: &[u8]) {
        self.push(if is_other && !text.is_ascii() { Kind::Bytes } else { Kind::Text }, text);
    }

    /// One of them cannot be read.
    pub(super) fn odd(&mut self) {
        self.is_odd = true;
    }

    /// The row is longer than any that is read.
    pub(super) fn long(&mut self) {
        self.is_long = true;
        input::clear(&mut self.data);
        self.all.clear();
    }

    /// Instants say the offset from UTC in which they are written.
    pub(super) fn set_offset(&mut self, columns: &[Column], offset: &str) {
        let columns = columns.iter().zip(&mut self.all);
        for (_, (_, range)) in columns.filter(|(column, (kind, _))| column.is_timestamp && *kind == Kind::Text) {
            if self.data.get(range.clone()).is_some_and(is_moment) {
                let begin = self.data.len();
                self.data.extend_from_within(range.clone());
                self.data.extend_from_slice(offset.as_bytes());
                *range = begin..self.data.len();
            }
        }
    }

    /// Writes the row, or says why it cannot be.
    pub(super) fn render(&self, line: &mut Vec<u8>, table: &str, columns: Option<&[Column]>) -> Result<(), Unreadable> {
        if self.is_long {
            return Err(Unreadable::TooLong);
        }
        let columns = columns.filter(|columns| !columns.is_empty() && columns.len() == self.all.len() && !self.is_odd);
        let columns = columns.ok_or(Unreadable::NotTheFormat)?;
        let pairs = || columns.iter().zip(&self.all);
        // A column that is generated is not in what COPY holds either; any other default is a value that is not said.
        if pairs().any(|(column, (kind, _))| *kind == Kind::Default && !column.is_generated) {
            return Err(Unreadable::NotTheFormat);
        }
        input::clear(line);
        let cells = pairs().filter(|(_, (kind, _))| *kind != Kind::Default).map(|(column, (kind, range))| {
            let bytes = self.data.get(range.clone()).unwrap_or_default();
            let cell = match (kind, Cell::of(bytes)) {
                (Kind::Null | Kind::Default, _) => Cell::Null,
                (Kind::Number, Cell::Text(text)) => Cell::Number(text),
                (Kind::Bytes, _) => Cell::Bytes(bytes),
                (Kind::Text | Kind::Number, cell) => cell,
            };
            (column.name.as_str(), cell)
        });
        row::render(line, Some(table), cells).map_err(|_| Unreadable::NotTheFormat)?;
        if line.len() > LINE_BYTES { Err(Unreadable::TooLong) } else { Ok(()) }
    }
}

/// `2024-03-25 10:00:00`, perhaps with a fraction, and not MySQL's zero.
fn is_moment(text: &[u8]) -> bool {
    let shape = |place: u8, byte: u8| if place == b'd' { byte.is_ascii_digit() } else { place == byte };
    let Some((moment, fraction)) = text.split_at_checked(19) else { return false };
    let is_fraction = fraction.is_empty()
        || fraction
            .strip_prefix(b".")
            .is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit));
    is_fraction
        && !moment.starts_with(b"0000")
        && b"dddd-dd-dd dd:dd:dd".iter().zip(moment).all(|(place, byte)| shape(*place, *byte))
}
