//! The rows of one table, in its own order, rendered one by one.
//!
//! A row that is too long is not loaded: SQLite is asked how long it is first, which stands at the row's beginning.
//!
//! **Invariant:** every row of the table is given, or counted as too long, or the table ends in an error.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement};

use super::super::row::{self, Cell};
use super::super::{RecordSink, SplitError, Unreadable};
use super::database::said;
use crate::limits::LINE_BYTES;
use crate::read_error::ReadError;
use crate::scope::RawRecord;

/// Names of the rowid, each unless a column has it.
const ROWIDS: [&str; 3] = ["rowid", "_rowid_", "oid"];

/// Hands over what is rendered.
pub(super) struct Giver<'g> {
    sink: &'g mut dyn RecordSink,
    /// Bytes handed over.
    given: u64,
    line: Vec<u8>,
}

impl<'g> Giver<'g> {
    pub(super) fn new(sink: &'g mut dyn RecordSink) -> Self {
        Self { sink, given: 0, line: Vec::new() }
    }

    pub(super) fn lose(&mut self, bytes: u64, why: Unreadable) {
        if bytes > 0 {
            self.given += bytes;
            self.sink.unreadable(bytes, why);
        }
    }

    fn row(&mut self, table: &str, names: &[String], values: &[ValueRef<'_>]) -> Result<(), SplitError> {
        let written: Vec<String> = values.iter().map(|value| number(*value)).collect();
        let cells = values.iter().zip(&written).map(|(value, number)| match value {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(_) | ValueRef::Real(_) => Cell::Number(number),
            ValueRef::Text(text) => Cell::of(text),
            ValueRef::Blob(bytes) => Cell::Bytes(bytes),
        });
        self.line.clear();
        if row::render(&mut self.line, Some(table), names.iter().map(String::as_str).zip(cells)).is_err() {
            self.lose(1, Unreadable::NotTheFormat);
            return Ok(());
        }
        let length = self.line.len() as u64;
        if self.line.len() > LINE_BYTES {
            self.lose(length, Unreadable::TooLong);
            return Ok(());
        }
        let offset = self.given;
        self.given += length;
        self.sink.record(RawRecord { bytes: &self.line, offset, fields: &row::Line::of(&self.line) })?;
        Ok(())
    }
}

/// A number as it reads back exactly; nothing where it is none.
fn number(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Null | ValueRef::Text(_) | ValueRef::Blob(_) => String::new(),
    }
}

/// A table and its stored columns.
pub(super) struct Table<'t> {
    name: &'t str,
    columns: Vec<String>,
    /// Those that are computed and not stored.
    computed: Vec<String>,
}

impl<'t> Table<'t> {
    pub(super) fn of(connection: &Connection, name: &'t [u8]) -> Result<Self, SplitError> {
        let other =
            || ReadError::Unsupported { offset: 0, what: "a table or a column whose name is not UTF-8".to_owned() };
        let name = std::str::from_utf8(name).map_err(|_| other())?;
        let mut table = Self { name, columns: Vec::new(), computed: Vec::new() };
        let sql = format!("PRAGMA main.table_xinfo({})", quoted(name));
        let mut read = connection.prepare(&sql).map_err(|error| said(&error))?;
        let mut rows = read.query([]).map_err(|error| said(&error))?;
        while let Some(row) = rows.next().map_err(|error| said(&error))? {
            let integer = |at: usize| row.get::<_, i64>(at).map_err(|error| said(&error));
            let column: String = row.get(1).map_err(|_| other())?;
            match integer(6)? {
                // An ordinary one, and one that is computed when a row is written.
                0 | 3 => table.columns.push(column),
                _ => table.computed.push(column),
            }
        }
        if table.columns.is_empty() && table.computed.is_empty() {
            return Err(ReadError::Corrupt { offset: 100, what: "a table of the schema without columns" }.into());
        }
        Ok(table)
    }

    /// What all rows have in common of what is rendered, in bytes.
    fn named_bytes(&self) -> usize {
        self.columns.iter().map(String::len).fold(self.name.len(), usize::saturating_add)
    }

    /// SQL for the bytes of a row's values, as they are stored; what is not text or bytes counts as it is written.
    fn bytes(&self) -> String {
        let mut sums: Vec<String> =
            self.columns.iter().map(|column| format!("ifnull(octet_length({}),0)", quoted(column))).collect();
        // By halves, so that the expression is never deep.
        while sums.len() > 1 {
            sums = sums.chunks(2).map(|pair| format!("({})", pair.join("+"))).collect();
        }
        sums.pop().unwrap_or_else(|| "0".to_owned())
    }

    fn is_column(&self, name: &str) -> bool {
        let mut all = self.columns.iter().chain(&self.computed);
        all.any(|column| column.eq_ignore_ascii_case(name))
    }

    /// The rows for which a condition holds, in the table's own order: by the rowid, or, where it has none or every name of it
    /// is a column's, as its one tree has them. Nothing is ever sorted: that would take as much memory as the table.
    fn ask<'c>(&self, connection: &'c Connection, what: &str, condition: &str) -> rusqlite::Result<Statement<'c>> {
        let rows = format!("SELECT {what} FROM main.{} NOT INDEXED WHERE {condition}", quoted(self.name));
        let rowid = ROWIDS.into_iter().find(|name| !self.is_column(name));
        let ordered = rowid.and_then(|rowid| connection.prepare(&format!("{rows} ORDER BY {rowid}")).ok());
        ordered.map_or_else(|| connection.prepare(&rows), Ok)
    }

    pub(super) fn rows(&self, connection: &Connection, giver: &mut Giver<'_>) -> Result<(), SplitError> {
        let (bytes, most) = (self.bytes(), LINE_BYTES.saturating_sub(self.named_bytes()));
        let what = match self.columns.as_slice() {
            [] => "NULL".to_owned(),
            columns => columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(","),
        };
        let failed = |error: rusqlite::Error| SplitError::from(said(&error));
        let mut read = self.ask(connection, &what, &format!("{bytes}<={most}")).map_err(failed)?;
        let mut rows = read.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let values = (0..self.columns.len()).map(|at| row.get_ref(at)).collect::<Result<Vec<_>, _>>();
            giver.row(self.name, &self.columns, &values.map_err(failed)?)?;
        }
        let mut read = self.ask(connection, &bytes, &format!("{bytes}>{most}")).map_err(failed)?;
        let mut rows = read.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let bytes: i64 = row.get(0).map_err(failed)?;
            giver.lose(u64::try_from(bytes).unwrap_or(1), Unreadable::TooLong);
        }
        Ok(())
    }
}

/// A name for SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
