//! `rows` of a clause: which rows of a table, by their columns.
//!
//! **Invariant:** a clause with `rows` names a format whose records have named columns.

use super::diagnostic::{Code, Notes};
use super::key::ROWS;
use super::table::Item;
use super::target::{self, Placed};
use super::{Columns, Format, Identifier};

/// Which rows a clause takes, and which of their columns is the time.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The table, byte for byte; none where the format has no tables.
    pub table: Option<String>,
    /// Any one of these; empty = any row.
    pub cells: Vec<Cell>,
    /// What the clock `record` means; none = what the format says, if it says it.
    pub time: Option<TimeColumn>,
}

/// An identifier, and the column of which it is the whole value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Its name, byte for byte.
    pub column: String,
    /// What is looked for.
    pub identifier: Identifier,
}

/// The column of a row's time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeColumn {
    /// Its name, byte for byte.
    pub column: String,
    /// It counts these since 1970; none = it holds dates with times.
    pub unit: Option<TimeUnit>,
}

/// What a column of numbers counts since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Thousandths of a second.
    Milliseconds,
    /// Millionths of a second.
    Microseconds,
}

impl TimeUnit {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Seconds, Self::Milliseconds, Self::Microseconds];

    /// Its name in an order.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Microseconds => "microseconds",
        }
    }
}

/// A clause's `rows`, and the places of what it looks for.
pub(super) struct PlacedRows {
    pub(super) rows: Rows,
    pub(super) placed: Vec<Placed>,
}

/// `format` is None where the clause leaves it to the content, Some(None) where it could not be read.
pub(super) fn read(item: &Item<'_>, format: Option<Option<Format>>, notes: &mut Notes) -> Option<PlacedRows> {
    let keys = item.table(&ROWS, notes)?;
    let table = match keys.get("table") {
        None => None,
        Some(item) => Some(item.text(notes)?),
    };
    let fits = fits(item, table.as_ref().map(|text| &text.span), format, notes);
    let cells = match keys.get("where") {
        None => Some((Vec::new(), Vec::new())),
        Some(item) => target::cells(&item, notes),
    };
    let unit = match keys.get("time-unit") {
        None => Some(None),
        Some(item) if !keys.holds("time") => {
            let note = notes.error(Code::BadTimeUnit, &item.span, "`time-unit` is about the column that `time` names");
            note.hint("add `time = \"...\"`");
            None
        }
        Some(item) => unit(&item, notes).map(Some),
    };
    let time = match keys.get("time") {
        None => Some(None),
        Some(item) => item.text(notes).map(|text| Some(text.text.to_owned())),
    };
    if !["table", "where", "time"].into_iter().any(|key| keys.holds(key)) {
        notes.error(Code::Empty, &item.span, "`rows` says nothing").hint("a `table`, a `where` or a `time`");
        return None;
    }
    let ((cells, placed), time, unit) = (cells?, time?, unit?);
    let rows = Rows {
        table: table.map(|text| text.text.to_owned()),
        cells,
        time: time.map(|column| TimeColumn { column, unit }),
    };
    fits.then_some(PlacedRows { rows, placed })
}

fn fits(
    item: &Item<'_>,
    table: Option<&std::ops::Range<usize>>,
    format: Option<Option<Format>>,
    notes: &mut Notes,
) -> bool {
    let names = || {
        let named = Format::ALL.iter().filter(|format| format.columns() != Columns::None);
        named.map(|format| format.name()).collect::<Vec<_>>().join(", ")
    };
    let format = match format {
        Some(Some(format)) => format,
        Some(None) => return false,
        None => {
            let message = "a clause with `rows` names the format whose columns it means";
            notes.error(Code::RowsNotInFormat, &item.span, message).hint(format!("add `as`: one of {}", names()));
            return false;
        }
    };
    match (format.columns(), table) {
        (Columns::None, _) => {
            let message = format!("the records of {} have no named columns", format.name());
            let note = notes.error(Code::RowsNotInFormat, &item.span, message);
            note.hint(format!("those of {} have", names()));
            false
        }
        (Columns::Timed | Columns::Named, Some(span)) => {
            let message = format!("the records of {} stand in no table", format.name());
            notes.error(Code::RowsTable, span, message).hint("take `table` out");
            false
        }
        (Columns::Tables, None) => {
            let message = format!("{} holds several tables: say which", format.name());
            notes.error(Code::RowsTable, &item.span, message).hint("add `table = \"...\"`");
            false
        }
        (Columns::Timed | Columns::Named, None) | (Columns::Tables, Some(_)) => true,
    }
}

fn unit(item: &Item<'_>, notes: &mut Notes) -> Option<TimeUnit> {
    let text = item.text(notes)?;
    let found = TimeUnit::ALL.into_iter().find(|unit| unit.name() == text.text);
    if found.is_none() {
        let names = TimeUnit::ALL.map(TimeUnit::name).join(", ");
        notes.error(Code::BadTimeUnit, &text.span, "there is no such unit").hint(format!("one of {names}"));
    }
    found
}
