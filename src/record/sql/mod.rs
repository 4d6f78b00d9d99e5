//! Dumps of MySQL, MariaDB and PostgreSQL: each row of INSERT, REPLACE and COPY is rendered as one JSON object, with its table.
//!
//! Sources: MySQL 8.0 Reference Manual, 13.2.6 (INSERT) and 4.5.4 (mysqldump); PostgreSQL documentation, `COPY`, `INSERT`,
//! `pg_dump` and `psql`. A dump is text that a server would execute, and nothing here executes: what is not a plain value (a
//! call, a cast, a default) has no value that could be said, and its row is unreadable. What makes no rows (definitions,
//! settings, locks, comments) stands between rows; a statement that changes rows, or that is not known, is unreadable as a
//! whole.
//!
//! | file | reads |
//! |---|---|
//! | `input.rs` | bytes, with sight ahead |
//! | `lexer.rs`, `literal.rs`, `mark.rs` | words, names, literals, comments |
//! | `reader.rs` | statements, and which are known |
//! | `table.rs`, `setting.rs`, `catalog.rs` | what tables are made of, where names are, how strings are written |
//! | `insert.rs`, `copy.rs`, `values.rs` | rows |
//!
//! **Invariant:** a statement is never held in memory, only one row of it; a row is rendered whole with every column that it
//! names, or counted as unreadable.

mod catalog;
mod copy;
mod input;
mod insert;
mod lexer;
mod literal;
mod mark;
mod reader;
mod setting;
mod table;
mod values;

use std::io::Read;
use std::path::Path;

use self::reader::Reader;
use super::row::RowLines;
use super::{RecordFormat, RecordSink, SplitError};
use crate::order::Format;

/// Whose rules a dump follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Dialect {
    /// MySQL's and MariaDB's.
    Mysql,
    /// PostgreSQL's.
    Postgresql,
}

/// A dump of MySQL or MariaDB.
pub struct MysqlDump;

/// A dump of PostgreSQL, in plain text.
pub struct PostgresqlDump;

static MYSQL_ROWS: RowLines = RowLines(Format::MysqlDump);
static POSTGRESQL_ROWS: RowLines = RowLines(Format::PostgresqlDump);

impl RecordFormat for MysqlDump {
    fn format(&self) -> Format {
        Format::MysqlDump
    }

    /// Any text may be.
    fn probe(&self, _: &[u8], _: bool) -> bool {
        true
    }

    fn sign(&self) -> &'static str {
        "it begins as mysqldump or mariadb-dump begins a dump"
    }

    fn claims(&self, head: &[u8], _: bool) -> bool {
        mark::is_mysql(head)
    }

    fn rendered(&self) -> Option<&'static dyn RecordFormat> {
        Some(&MYSQL_ROWS)
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        Reader::new(Dialect::Mysql, stream, sink).run()
    }
}

impl RecordFormat for PostgresqlDump {
    fn format(&self) -> Format {
        Format::PostgresqlDump
    }

    /// Any text may be; `pg_dump`'s own archives (`--format=custom`) are none.
    fn probe(&self, head: &[u8], _: bool) -> bool {
        !head.starts_with(b"PGDMP")
    }

    fn sign(&self) -> &'static str {
        "it begins as pg_dump begins a dump"
    }

    fn claims(&self, head: &[u8], _: bool) -> bool {
        mark::is_postgresql(head)
    }

    fn rendered(&self) -> Option<&'static dyn RecordFormat> {
        Some(&POSTGRESQL_ROWS)
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        Reader::new(Dialect::Postgresql, stream, sink).run()
    }
}
