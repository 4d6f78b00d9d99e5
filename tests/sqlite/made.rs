//! Databases made with SQLite for one test, in each state that a server can leave one in.
//!
//! **Invariant:** a state is that of the files while the server has them open: nothing is closed in an orderly way.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;

/// The files of a database, as they were copied from under the server.
pub struct Made {
    pub folder: TempDir,
    pub database: Vec<u8>,
    pub wal: Option<Vec<u8>>,
    pub journal: Option<Vec<u8>>,
}

impl Made {
    /// What SQL makes of an empty database, copied while it is open.
    pub fn of(sql: &str) -> Self {
        Self::with(&[sql])
    }

    /// The same of several pieces of SQL.
    pub fn with(pieces: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("live.db");
        let connection = Connection::open(&path).unwrap();
        for sql in pieces {
            connection.execute_batch(sql).unwrap_or_else(|error| panic!("{error} in {sql}"));
        }
        let read = |suffix: &str| fs::read(folder.path().join(format!("live.db{suffix}"))).ok();
        let (database, wal, journal) = (fs::read(&path).unwrap(), read("-wal"), read("-journal"));
        drop(connection);
        Self { folder, database, wal, journal }
    }

    /// The log and the journal, as far as they are there.
    pub fn beside(&self) -> Vec<(&'static str, &[u8])> {
        let wal = self.wal.as_deref().map(|bytes| ("-wal", bytes));
        let journal = self.journal.as_deref().map(|bytes| ("-journal", bytes));
        wal.into_iter().chain(journal).collect()
    }

    /// Writes all of it again, as it was copied, and names the database.
    pub fn file(&self) -> PathBuf {
        self.write(self.folder.path());
        self.folder.path().join("copy.db")
    }

    /// The same in a folder of its own.
    pub fn apart(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        self.write(folder.path());
        folder
    }

    fn write(&self, folder: &Path) {
        for (suffix, bytes) in self.beside().into_iter().chain([("", self.database.as_slice())]) {
            fs::write(folder.join(format!("copy.db{suffix}")), bytes).unwrap();
        }
    }
}

/// A log with several commits, whose rows change, go and come; and what is written and not committed.
pub const LOGGED: [&str; 2] = [
    "PRAGMA page_size = 512; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
     CREATE TABLE item (id INTEGER PRIMARY KEY, word TEXT, size REAL);
     WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 60)
       INSERT INTO item SELECT x, 'first-' || x || hex(zeroblob(20)), x / 3.0 FROM n;
     PRAGMA wal_checkpoint(TRUNCATE);",
    "UPDATE item SET word = 'second-' || id WHERE id % 5 = 0;
     DELETE FROM item WHERE id BETWEEN 20 AND 30;
     INSERT INTO item VALUES (100, 'third', 1e300);
     PRAGMA cache_size = 10; BEGIN; INSERT INTO item SELECT id + 1000, 'uncommitted-' || hex(zeroblob(180)), -1 FROM item;",
];

/// What is not committed, and written over in the log: checksums there are not right before it is.
pub const WRITTEN_OVER: &str =
    "PRAGMA cache_size = 1; BEGIN; UPDATE item SET word = 'uncommitted-' || hex(zeroblob(100)), size = -1;";

/// A rollback journal that is hot: the database has been written and the transaction has not ended.
pub const HOT: [&str; 2] = [
    "PRAGMA page_size = 512; PRAGMA journal_mode = DELETE;
     CREATE TABLE item (id INTEGER PRIMARY KEY, word TEXT);
     WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 200)
       INSERT INTO item SELECT x, 'kept-' || x || hex(zeroblob(20)) FROM n;",
    "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN; DELETE FROM item WHERE id % 3 = 0;
     UPDATE item SET word = 'undone-' || hex(zeroblob(200));",
];
