//! The rollback journal of a database (`-journal`): where it is hot, its pages go back into a copy of the database.
//!
//! Source: <https://www.sqlite.org/fileformat2.html#rollbackjournal>. A journal is hot where it is not empty and does not begin
//! with a zero byte (a journal that is kept when its transaction ends): the database was being written, and is what it was before.
//!
//! SQLite takes the first record that is not right for the end. Here the records that the journal counts must all be there and
//! right, or the database is not told. A journal that names a further one (a transaction over several databases) is refused: whether it
//! holds, that one says. A journal has several parts where the transaction was large, and no total: one that was cut exactly between two of
//! them looks whole, and the check of the database's structure must find it.
//!
//! **Invariant:** a hot journal is brought back whole, or refused; no name that stands in it is ever looked up.

use std::os::unix::fs::FileExt as _;

use super::super::spool::Spool;
use super::long;
use crate::limits;
use crate::read_error::ReadError;

const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
const HEADER_BYTES: u64 = 28;
/// A count that says: up to the end of the file.
const UNCOUNTED: u32 = u32::MAX;
/// Each so many bytes of a page, one counts for its checksum.
const CHECKED_EVERY: usize = 200;

/// What all records of a journal have in common.
#[derive(Clone, Copy)]
struct Shape {
    sector: u64,
    page: usize,
}

struct Header {
    records: u32,
    nonce: u32,
    /// The pages that the database had.
    pages: u32,
    shape: Shape,
}

fn corrupt(offset: u64, what: &'static str) -> ReadError {
    ReadError::Corrupt { offset, what }
}

/// Brings a hot journal back into the database.
pub(super) fn apply(database: &mut Spool, journal: &Spool) -> Result<(), ReadError> {
    let mut first = [0];
    let begin = first.get_mut(..journal.length.min(1) as usize).unwrap_or_default();
    journal.file.read_exact_at(begin, 0).map_err(|error| ReadError::io(0, error))?;
    if first == [0] {
        return Ok(());
    }
    if let Some(at) = journal.length.checked_sub(MAGIC.len() as u64)
        && read::<8>(journal, at)? == MAGIC
        && at > 0
    {
        let what = "a rollback journal of a transaction over several databases".to_owned();
        return Err(ReadError::Unsupported { offset: at, what });
    }
    let Some(head) = header(journal, 0, None)? else { return Err(corrupt(0, "the header of a rollback journal")) };
    let (shape, pages) = (head.shape, head.pages);
    let (mut next, mut at) = (Some(head), 0_u64);
    while let Some(head) = next {
        at = records(database, journal, at + shape.sector, &head)?;
        at = at.next_multiple_of(shape.sector);
        next = header(journal, at, Some(shape))?;
    }
    let length = u64::from(pages).saturating_mul(shape.page as u64);
    if length > database.length {
        return Err(corrupt(16, "a rollback journal that says of pages which are nowhere"));
    }
    database.length = length;
    database.file.set_len(length).map_err(|error| ReadError::io(0, error))
}

fn read<const N: usize>(journal: &Spool, at: u64) -> Result<[u8; N], ReadError> {
    let mut bytes = [0; N];
    journal.file.read_exact_at(&mut bytes, at).map_err(|error| ReadError::io(at, error))?;
    Ok(bytes)
}

/// The header at that place; none where there is no further one. The first one's shape is that of all.
fn header(journal: &Spool, at: u64, shape: Option<Shape>) -> Result<Option<Header>, ReadError> {
    if at.saturating_add(HEADER_BYTES) > journal.length {
        return Ok(None);
    }
    let bytes: [u8; HEADER_BYTES as usize] = read(journal, at)?;
    if !bytes.starts_with(&MAGIC) {
        return Ok(None);
    }
    let word = |place: usize| long(&bytes, place).unwrap_or_default();
    let shape = match shape {
        Some(shape) => shape,
        None => {
            let (sector, page) = (word(20), word(24));
            let is = |size: u32, least: u32| size.is_power_of_two() && (least..=65_536).contains(&size);
            if !is(sector, 32) || !is(page, 512) {
                return Err(corrupt(at, "the sizes in the header of a rollback journal"));
            }
            Shape { sector: sector.into(), page: page as usize }
        }
    };
    Ok(Some(Header { records: word(8), nonce: word(12), pages: word(16), shape }))
}

/// Brings back the records that follow a header, and says where they end.
fn records(database: &mut Spool, journal: &Spool, from: u64, head: &Header) -> Result<u64, ReadError> {
    let page = head.shape.page;
    let size = page as u64 + 8;
    let room = journal.length.saturating_sub(from) / size;
    let count = if head.records == UNCOUNTED { room } else { head.records.into() };
    if count > room {
        return Err(corrupt(journal.length, "a rollback journal that ends before its last record"));
    }
    let mut bytes = vec![0; page + 8];
    for number in 0..count {
        let at = from + number * size;
        journal.file.read_exact_at(&mut bytes, at).map_err(|error| ReadError::io(at, error))?;
        let content = bytes.get(4..page + 4).unwrap_or_default();
        let stated = long(&bytes, page + 4);
        let place = long(&bytes, 0).unwrap_or_default();
        if stated != Some(checksum(head.nonce, content)) || place == 0 {
            return Err(corrupt(at, "a record of a rollback journal"));
        }
        let place = (u64::from(place) - 1).saturating_mul(page as u64);
        let end = place.saturating_add(page as u64);
        if end > limits::SQLITE_BYTES {
            return Err(ReadError::Limit { offset: at, what: "bytes of one SQLite database" });
        }
        database.file.write_all_at(content, place).map_err(|error| ReadError::io(place, error))?;
        database.length = database.length.max(end);
    }
    Ok(from + count * size)
}

fn checksum(nonce: u32, page: &[u8]) -> u32 {
    let places = page.iter().rev().skip(CHECKED_EVERY - 1).step_by(CHECKED_EVERY);
    // The byte at place 0 is none of them.
    let count = page.len().saturating_sub(1) / CHECKED_EVERY;
    places.take(count).fold(nonce, |sum, byte| sum.wrapping_add((*byte).into()))
}
