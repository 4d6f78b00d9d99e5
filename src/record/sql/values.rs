//! The values of one row, as they are read, and the line that they are rendered as.
//!
//! **Invariant:** a row with a value that could not be read is not rendered, nor one with another number of values than
//! columns.

use std::ops::Range;

use super::input;
use crate::limits::{COLUMNS, LINE_BYTES};
use crate::record::Unreadable;
use crate::record::row::{self, Cell};

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Null,
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

    /// Writes the row, or says why it cannot be.
    pub(super) fn render(&self, line: &mut Vec<u8>, table: &str, columns: Option<&[String]>) -> Result<(), Unreadable> {
        if self.is_long {
            return Err(Unreadable::TooLong);
        }
        let columns = columns.filter(|columns| !columns.is_empty() && columns.len() == self.all.len() && !self.is_odd);
        let columns = columns.ok_or(Unreadable::NotTheFormat)?;
        input::clear(line);
        let cells = columns.iter().map(String::as_str).zip(self.all.iter().map(|(kind, range)| {
            let bytes = self.data.get(range.clone()).unwrap_or_default();
            match (kind, Cell::of(bytes)) {
                (Kind::Null, _) => Cell::Null,
                (Kind::Number, Cell::Text(text)) => Cell::Number(text),
                (Kind::Bytes, _) => Cell::Bytes(bytes),
                (Kind::Text | Kind::Number, cell) => cell,
            }
        }));
        row::render(line, Some(table), cells).map_err(|_| Unreadable::NotTheFormat)?;
        if line.len() > LINE_BYTES { Err(Unreadable::TooLong) } else { Ok(()) }
    }
}
