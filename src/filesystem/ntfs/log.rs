//! Whether a volume was put away in order, by its log and its own flag.
//!
//! The log is not replayed. Its restart page says whether a client still has work in it: a clean shutdown leaves none, or
//! says that the volume is clean. A log that was emptied holds only 0xff. `$Volume` has a flag of its own, which stands
//! while something is to be checked.
//!
//! **Invariant:** a log that cannot be read, or that may hold work, is never called clean.

use super::super::field::{u16_at, u32_at, u64_at};
use super::record::{DATA, VOLUME_INFORMATION, restore};
use super::table::{Content, Table};
use crate::journal::Journal;
use crate::limits;
use crate::read_error::ReadError;

/// The records of the log and of the volume's own information.
const LOG: u64 = 2;
const VOLUME: u64 = 3;
/// Of the volume's information: it is to be checked.
const IS_DIRTY: u16 = 1;
/// Of the restart area: nobody has work in the log; the volume is clean.
const NO_CLIENT: u16 = 0xffff;
const IS_CLEAN: u16 = 2;

/// The state of the log. A version of NTFS that is not known is refused.
pub(super) fn state(table: &Table) -> Result<Journal, ReadError> {
    let volume = table.file(VOLUME)?;
    let information = volume.residents(VOLUME_INFORMATION)?;
    let field = |at| information.first().and_then(|bytes| u16_at(bytes, at));
    let missing = || volume.record.corrupt("the volume's information");
    let (version, flags) = (field(8).ok_or_else(missing)?, field(10).ok_or_else(missing)?);
    let [major, minor] = version.to_le_bytes();
    if !matches!((major, minor), (1, 1 | 2) | (3, 0 | 1)) {
        let what = format!("an NTFS file system of version {major}.{minor}");
        return Err(ReadError::Unsupported { offset: 0, what });
    }
    let log = table.file(LOG).and_then(|file| file.content(&table.geometry, DATA, b""));
    let is_clean = match log {
        Ok(Some(log)) => is_clean(table, &log).unwrap_or(false),
        _ => false,
    };
    Ok(if is_clean && flags & IS_DIRTY == 0 { Journal::Clean } else { Journal::NotReplayed })
}

/// The newer of the two restart pages leaves nothing to be done, or the log was emptied.
fn is_clean(table: &Table, log: &Content) -> Result<bool, ReadError> {
    let mut head = [0; 32];
    table.read_at(log, 0, &mut head)?;
    if head == [0xff; 32] {
        return is_empty(table, log);
    }
    let page_bytes = u64::from(u32_at(&head, 16).unwrap_or(0));
    if !page_bytes.is_power_of_two() || !(512..=limits::NTFS_RECORD_BYTES).contains(&page_bytes) {
        return Ok(false);
    }
    let pages = [0, page_bytes].map(|offset| restart(table, log, offset, page_bytes));
    let newer = pages.into_iter().flatten().flatten().max_by_key(|(number, _)| *number);
    Ok(newer.is_some_and(|(_, is_clean)| is_clean))
}

/// The number of a restart page's last record, and whether it leaves nothing to be done; none where it is no such page.
fn restart(table: &Table, log: &Content, offset: u64, size: u64) -> Result<Option<(u64, bool)>, ReadError> {
    let mut page = vec![0; usize::try_from(size).unwrap_or(0)];
    table.read_at(log, offset, &mut page)?;
    restore(&mut page, b"RSTR", offset)?;
    let area = page.get(usize::from(u16_at(&page, 24).unwrap_or(u16::MAX))..).unwrap_or_default();
    let (Some(number), Some(in_use), Some(flags)) = (u64_at(area, 0), u16_at(area, 12), u16_at(area, 14)) else {
        return Ok(None);
    };
    Ok(Some((number, in_use == NO_CLIENT || flags & IS_CLEAN != 0)))
}

/// Nothing but 0xff.
fn is_empty(table: &Table, log: &Content) -> Result<bool, ReadError> {
    let mut bytes = vec![0; limits::WINDOW_BYTES];
    let mut offset = 0;
    while offset < log.size_bytes {
        let left = usize::try_from(log.size_bytes - offset).unwrap_or(usize::MAX);
        let part = bytes.get_mut(..left.min(limits::WINDOW_BYTES)).unwrap_or_default();
        table.read_at(log, offset, part)?;
        if part.iter().any(|byte| *byte != 0xff) {
            return Ok(false);
        }
        offset += u64::try_from(part.len()).unwrap_or(u64::MAX);
    }
    Ok(true)
}
