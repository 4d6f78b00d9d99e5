//! SQLite databases: a row of an ordinary table is a record, rendered as JSON; read by SQLite itself.
//!
//! Source: <https://www.sqlite.org/fileformat2.html>. The database is copied into a file without a name; what stands beside it and
//! belongs to it is brought in there ([`wal`], [`rollback`]), so that SQLite opens one file, and nothing beside the source. All tables
//! are read, in the order of their names' bytes, each by its rowid, or as its primary key has them where it has none. Views, triggers
//! and virtual tables are taken out of the copy before anything of them runs: what a full-text table holds stands in plain tables of
//! its own. A column that is computed and not stored is left out, and so is a rowid that is no column.
//!
//! Before a row is given, SQLite checks the structure of the whole database (`quick_check`): every page must be in use once, or
//! free. A damaged pointer may lead to rows that were deleted, so that a database which does not pass gives none. What
//! SQLite only says about values (NULL where there must be none) is no damage. A log of another database passes where it
//! happens to fit: nothing in either file names the other.
//!
//! A value is null, a number as Rust writes it back exactly, text, or bytes. What cannot be read hands over the size of the database
//! where that is all of it, of a row that is too long, and of a page for a table that ends early.
//!
//! **Invariant:** a row that is given is a live row of the database as all its files together tell it; only live rows are read; a row
//! or a table that is not given is counted, or the stream ends in an error.

mod database;
mod rollback;
mod table;
mod wal;

use std::io::Read;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::row::RowLines;
use super::spool::Spool;
use super::{RecordFormat, RecordSink, Sibling, SplitError, Unreadable};
use crate::limits;
use crate::order::Format;
use crate::read_error::ReadError;
use database::Database;
use table::Giver;

/// The format.
pub struct Sqlite;

static ROWS: RowLines = RowLines(Format::Sqlite);

/// What a database begins with.
const SIGNATURE: &[u8] = b"SQLite format 3\0";
/// Where its header says how it is written and read: 1 by a rollback journal, 2 by a write-ahead log.
const VERSIONS: u64 = 18;

impl RecordFormat for Sqlite {
    fn format(&self) -> Format {
        Format::Sqlite
    }

    fn sign(&self) -> &'static str {
        "it begins with the header of a database of SQLite 3"
    }

    fn probe(&self, head: &[u8], _whole: bool) -> bool {
        head.starts_with(SIGNATURE)
    }

    fn rendered(&self) -> Option<&'static dyn RecordFormat> {
        Some(&ROWS)
    }

    fn split(
        &self,
        stream: &mut dyn Read,
        scratch: Option<&Path>,
        sink: &mut dyn RecordSink,
    ) -> Result<(), SplitError> {
        self.split_with(stream, &mut [], scratch, sink)
    }

    fn split_with(
        &self,
        stream: &mut dyn Read,
        siblings: &mut [Sibling<'_>],
        scratch: Option<&Path>,
        sink: &mut dyn RecordSink,
    ) -> Result<(), SplitError> {
        let Some(scratch) = scratch else {
            let what = "a database where there is no folder to copy it to".to_owned();
            return Err(ReadError::Unsupported { offset: 0, what }.into());
        };
        let mut copy = spool(stream, scratch)?;
        let length = copy.length;
        let opened = whole(&mut copy, siblings, scratch);
        let mut giver = Giver::new(sink);
        match opened {
            Ok(Some((database, torn))) => {
                database.rows(&mut giver)?;
                torn.map_or(Ok(()), |torn| Err(torn.into()))
            }
            Ok(None) => {
                giver.lose(length, Unreadable::NotTheFormat);
                Ok(())
            }
            Err(error) => {
                giver.lose(length, Unreadable::Cut);
                Err(error.into())
            }
        }
    }
}

fn spool(stream: &mut dyn Read, scratch: &Path) -> Result<Spool, ReadError> {
    Spool::of(stream, scratch, limits::SQLITE_BYTES, "bytes of one SQLite database")
}

/// The database as all its files together tell it, open, and what is wrong at the end of its log; none: it is no database.
fn whole(
    copy: &mut Spool,
    siblings: &mut [Sibling<'_>],
    scratch: &Path,
) -> Result<Option<(Database, Option<ReadError>)>, ReadError> {
    if let Some(failure) = copy.failure.take() {
        return Err(failure);
    }
    if copy.length < SIGNATURE.len() as u64 {
        return Ok(None);
    }
    let mut begin = [0; SIGNATURE.len()];
    copy.file.read_exact_at(&mut begin, 0).map_err(|error| ReadError::io(0, error))?;
    if begin != SIGNATURE {
        return Ok(None);
    }
    let mut torn = None;
    // A transaction that a rollback journal takes back is older than what a log adds.
    for suffix in ["-journal", "-wal"] {
        for sibling in siblings.iter_mut().filter(|sibling| sibling.suffix == suffix) {
            let mut beside = spool(sibling.stream, scratch)?;
            if let Some(failure) = beside.failure.take() {
                return Err(failure);
            }
            match suffix {
                "-journal" => rollback::apply(copy, &beside)?,
                _ => torn = wal::apply(copy, &beside)?,
            }
        }
    }
    let page = page_size(&copy.file)?;
    if page.is_none_or(|page| !copy.length.is_multiple_of(page as u64)) {
        return Err(ReadError::Corrupt { offset: 16, what: "a database that is not made of whole pages" });
    }
    without_log(copy)?;
    Ok(Some((Database::open(copy, scratch)?, torn)))
}

/// Says in the header that there is no log: all that was in it is here.
fn without_log(copy: &Spool) -> Result<(), ReadError> {
    let mut versions = [0; 2];
    let io = |error| ReadError::io(VERSIONS, error);
    copy.file.read_exact_at(&mut versions, VERSIONS).map_err(io)?;
    if versions == [2, 2] { copy.file.write_all_at(&[1, 1], VERSIONS).map_err(io) } else { Ok(()) }
}

/// The size of the pages of a database, in bytes, as its header states it; none: none that there is.
fn page_size(file: &std::fs::File) -> Result<Option<usize>, ReadError> {
    let mut size = [0; 2];
    match file.read_exact_at(&mut size, 16) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other.map_err(|error| ReadError::io(16, error))?,
    }
    Ok(match u16::from_be_bytes(size) {
        1 => Some(65_536),
        size if size >= 512 && size.is_power_of_two() => Some(size.into()),
        _ => None,
    })
}

/// A number of four bytes, the highest first.
fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_be_bytes)
}
