//! SQLite at work on the copy of a database: opened shut in, checked, and asked for its tables.
//!
//! SQLite needs a name to open a file. The copy gets one for that moment, in a folder that only this user can enter, and
//! loses it before anything is read: a run that is killed at any other moment leaves nothing of it. Journals stay in memory. No
//! extension is loaded; what the schema holds runs no function that could reach out (`trusted_schema`), and
//! what could run at all is taken out of it. Nothing that SQLite says is passed on: it quotes names.
//!
//! **Invariant:** SQLite sees the copy alone, under one open file, and nothing of a schema but plain tables and their indexes
//! when the structure is checked and rows are read.

use std::fs::{File, Permissions};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::super::SplitError;
use super::super::spool::Spool;
use super::page_size;
use super::table::{Giver, Table};
use crate::limits;
use crate::read_error::ReadError;

/// What `quick_check` says of values, and not of the structure.
const OF_VALUES: [&[u8]; 4] = [b"NULL value in ", b"non-", b"NUMERIC value in ", b"TEXT value in "];

/// An open database.
pub(super) struct Database {
    connection: Connection,
    /// Names of its ordinary tables, in the order of their bytes.
    tables: Vec<Vec<u8>>,
    page: u64,
}

/// What a row of the schema is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Object {
    Table,
    Index,
    /// A view, a trigger, or a virtual table.
    Acting,
}

/// An error of SQLite, without its words.
pub(super) fn said(error: &rusqlite::Error) -> ReadError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            ReadError::Corrupt { offset: 0, what: "what SQLite holds for damaged" }
        }
        Some(ErrorCode::TooBig) => ReadError::Limit { offset: 0, what: "bytes of one value of SQLite" },
        Some(code) => ReadError::Unsupported { offset: 0, what: format!("what SQLite refuses ({code:?})") },
        None => ReadError::Corrupt { offset: 0, what: "what SQLite gives is not what was asked for" },
    }
}

impl Database {
    pub(super) fn open(copy: &Spool, scratch: &Path) -> Result<Self, ReadError> {
        let mut connection = connect(&copy.file, scratch)?;
        shut_in(&connection).map_err(|error| said(&error))?;
        let tables = plain(&mut connection)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(|error| said(&error))?;
        connection.pragma_update(None, "query_only", true).map_err(|error| said(&error))?;
        check(&connection)?;
        let page = page_size(&copy.file)?.unwrap_or_default() as u64;
        Ok(Self { connection, tables, page })
    }

    /// Gives every row of every table. The first error is given back when all others were read.
    pub(super) fn rows(&self, giver: &mut Giver<'_>) -> Result<(), SplitError> {
        let mut damage = None;
        for name in &self.tables {
            let table = Table::of(&self.connection, name);
            match table.and_then(|table| table.rows(&self.connection, giver)) {
                Ok(()) => {}
                Err(SplitError::Stopped) => return Err(SplitError::Stopped),
                Err(SplitError::Read(error)) => {
                    giver.lose(self.page, super::Unreadable::Cut);
                    damage.get_or_insert(error);
                }
            }
        }
        damage.map_or(Ok(()), |damage| Err(damage.into()))
    }
}

/// Opens the copy under a name that it has only meanwhile.
fn connect(copy: &File, scratch: &Path) -> Result<Connection, ReadError> {
    let folder =
        tempfile::Builder::new().prefix(".extract.").permissions(Permissions::from_mode(0o700)).tempdir_in(scratch)?;
    let path = std::path::absolute(folder.path())?.join("database");
    let own = format!("/proc/self/fd/{}", copy.as_raw_fd());
    let (cwd, follow) = (rustix::fs::CWD, rustix::fs::AtFlags::SYMLINK_FOLLOW);
    if rustix::fs::linkat(cwd, own.as_str(), cwd, &path, follow).is_err() {
        // Where a file system gives no file without a name one later.
        let mut named = File::create_new(&path)?;
        let mut from = File::open(&own)?;
        std::io::copy(&mut from, &mut named)?;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(&path, flags).map_err(|error| said(&error));
    std::fs::remove_file(&path)?;
    folder.close()?;
    opened
}

/// Bounds and switches, before anything of the database is read.
fn shut_in(connection: &Connection) -> rusqlite::Result<()> {
    let schema = i32::try_from(limits::SQLITE_SCHEMA).unwrap_or(i32::MAX);
    for (limit, most) in [
        (Limit::SQLITE_LIMIT_LENGTH, limits::SQLITE_VALUE_BYTES),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, limits::SQLITE_VALUE_BYTES),
        (Limit::SQLITE_LIMIT_SCHEMA, schema),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 0),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection.set_limit(limit, most)?;
    }
    for (switch, is_on) in [
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
        // A name in quotes that names nothing must be no text in our questions; in a schema it may be one.
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, true),
    ] {
        connection.set_db_config(switch, is_on)?;
    }
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -limits::SQLITE_CACHE_KIB)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "ignore_check_constraints", true)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "MEMORY")
}

/// Takes out of the copy's schema what could run, and gives the names of its tables.
fn plain(connection: &mut Connection) -> Result<Vec<Vec<u8>>, ReadError> {
    let (mut tables, acting) = schema(connection)?;
    if !acting.is_empty() {
        let without = |connection: &mut Connection| {
            connection.pragma_update(None, "writable_schema", true)?;
            let transaction = connection.transaction()?;
            for row in acting {
                transaction.execute("DELETE FROM sqlite_schema WHERE rowid = ?1", [row])?;
            }
            transaction.commit()?;
            connection.pragma_update(None, "writable_schema", "RESET")
        };
        without(connection).map_err(|error| said(&error))?;
        let (left, acting) = schema(connection)?;
        if !acting.is_empty() || left != tables {
            return Err(ReadError::Corrupt { offset: 100, what: "a schema that is not what it says" });
        }
    }
    tables.sort_unstable();
    Ok(tables)
}

/// The names of the tables, and the rows of what could run.
fn schema(connection: &Connection) -> Result<(Vec<Vec<u8>>, Vec<i64>), ReadError> {
    let mut read = connection
        .prepare("SELECT rowid, type, name, sql FROM sqlite_schema ORDER BY rowid")
        .map_err(|error| said(&error))?;
    let mut rows = read.query([]).map_err(|error| said(&error))?;
    let (mut tables, mut acting, mut count) = (Vec::new(), Vec::new(), 0);
    while let Some(row) = rows.next().map_err(|error| said(&error))? {
        count += 1;
        if count > limits::SQLITE_SCHEMA {
            return Err(ReadError::Limit { offset: 100, what: "tables and indexes of one SQLite database" });
        }
        let cell = |at: usize| row.get_ref(at).map_err(|error| said(&error));
        let bytes = |at: usize| Ok::<_, ReadError>(cell(at)?.as_bytes_or_null().ok().flatten().unwrap_or_default());
        let number: i64 = row.get(0).map_err(|error| said(&error))?;
        match object(bytes(1)?, bytes(3)?) {
            Some(Object::Table) => tables.push(bytes(2)?.to_vec()),
            Some(Object::Index) => {}
            Some(Object::Acting) => acting.push(number),
            None => return Err(ReadError::Corrupt { offset: 100, what: "a row of the schema" }),
        }
    }
    Ok((tables, acting))
}

/// What a row of the schema is, by what it says and by what its text makes; none where they do not agree.
fn object(kind: &[u8], sql: &[u8]) -> Option<Object> {
    let text = sql.get(..sql.len().min(32)).unwrap_or_default().to_ascii_uppercase();
    let makes = |what: &[u8]| text.starts_with(what);
    match kind {
        b"table" if makes(b"CREATE TABLE") => Some(Object::Table),
        b"table" if makes(b"CREATE VIRTUAL TABLE") => Some(Object::Acting),
        b"index" if sql.is_empty() || makes(b"CREATE INDEX") || makes(b"CREATE UNIQUE INDEX") => Some(Object::Index),
        b"view" if makes(b"CREATE VIEW") => Some(Object::Acting),
        b"trigger" if makes(b"CREATE TRIGGER") => Some(Object::Acting),
        _ => None,
    }
}

/// The structure of the whole database is right. What is wrong with it SQLite says before anything of values, and what it
/// says it breaks off after a hundred.
fn check(connection: &Connection) -> Result<(), ReadError> {
    let damaged = || ReadError::Corrupt { offset: 0, what: "the structure of a database" };
    let mut read = connection.prepare("PRAGMA quick_check").map_err(|error| said(&error))?;
    let mut rows = read.query([]).map_err(|error| said(&error))?;
    let mut is_said = false;
    while let Some(row) = rows.next().map_err(|error| said(&error))? {
        let cell = row.get_ref(0).map_err(|error| said(&error))?;
        let words = cell.as_bytes().map_err(|_| damaged())?;
        is_said = true;
        if words != b"ok" && !OF_VALUES.iter().any(|begin| words.starts_with(begin)) {
            return Err(damaged());
        }
    }
    if is_said { Ok(()) } else { Err(damaged()) }
}
