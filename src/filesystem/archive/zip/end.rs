//! Where the directory of a zip archive is: the record at its end, and that of zip64.
//!
//! Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.14 to 4.3.16.
//!
//! **Invariant:** where two records state the same thing, they agree, or the archive is damaged; an archive in several
//! parts is refused.

use crate::filesystem::field::{u16_at, u32_at, u64_at};
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;

/// The record at the end, without its comment.
const END_BYTES: usize = 22;
const END: &[u8] = b"PK\x05\x06";
/// What leads to zip64's record at the end.
const LOCATOR_BYTES: usize = 20;
const LOCATOR: &[u8] = b"PK\x06\x07";
/// zip64's record at the end, without what may be added to it.
const END64_BYTES: usize = 56;
const END64: &[u8] = b"PK\x06\x06";

/// The directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Directory {
    /// Where it begins.
    pub(super) at: u64,
    pub(super) bytes: u64,
    pub(super) members: u64,
    /// What every stated place is short of: bytes that were put before the archive.
    pub(super) shift: u64,
}

/// What a record at the end states.
struct Stated {
    at: u64,
    bytes: u64,
    members: u64,
}

fn corrupt(offset: u64, what: &'static str) -> ReadError {
    ReadError::Corrupt { offset, what }
}

fn read(image: &dyn Image, at: u64, length: usize) -> Result<Vec<u8>, ReadError> {
    let end = u64::try_from(length).ok().and_then(|length| at.checked_add(length));
    if end.is_none_or(|end| end > image.size_bytes()) {
        return Err(corrupt(at, "a zip archive that is cut short"));
    }
    let mut bytes = vec![0; length];
    image.read_at(at, &mut bytes)?;
    Ok(bytes)
}

/// Finds the directory.
pub(super) fn directory(image: &dyn Image) -> Result<Directory, ReadError> {
    let (end_at, record) = end_record(image)?;
    let field = |at| u16_at(&record, at).map(u64::from);
    let several = || ReadError::Unsupported { offset: end_at, what: "a zip archive in several parts".to_owned() };
    let short = || corrupt(end_at, "the end record of a zip archive");
    let (disk, first) = (field(4).ok_or_else(short)?, field(6).ok_or_else(short)?);
    let (here, members) = (field(8).ok_or_else(short)?, field(10).ok_or_else(short)?);
    let bytes = u32_at(&record, 12).map(u64::from).ok_or_else(short)?;
    let at = u32_at(&record, 16).map(u64::from).ok_or_else(short)?;
    let plain = Stated { at, bytes, members };
    let (stated, behind) = match wide(image, end_at)? {
        Some((wide, wide_at)) => (agreed(&plain, wide, end_at)?, wide_at),
        None => (plain, end_at),
    };
    let is_one = |number: u64, one: u64| number == one || number == 0xffff;
    if !is_one(disk, 0) || !is_one(first, 0) || !is_one(here, members) {
        return Err(several());
    }
    if stated.bytes > limits::ZIP_DIRECTORY_BYTES {
        return Err(ReadError::Limit { offset: stated.at, what: "bytes of the directory of a zip archive" });
    }
    let begins = |at: u64| {
        stated.bytes == 0 || at.checked_add(4).is_some_and(|end| end <= behind) && is_at(image, at, b"PK\x01\x02")
    };
    let stated_end = stated.at.checked_add(stated.bytes).filter(|end| *end <= behind);
    let stated_end = stated_end.ok_or_else(|| corrupt(end_at, "a directory beyond the end of a zip archive"))?;
    if begins(stated.at) {
        return Ok(Directory { at: stated.at, bytes: stated.bytes, members: stated.members, shift: 0 });
    }
    // Something was put before the archive, and the places in it were not changed.
    let shift = behind.saturating_sub(stated_end);
    let moved = stated.at.saturating_add(shift);
    if begins(moved) {
        return Ok(Directory { at: moved, bytes: stated.bytes, members: stated.members, shift });
    }
    Err(corrupt(stated.at, "a directory that is not where a zip archive states it"))
}

fn is_at(image: &dyn Image, at: u64, magic: &[u8]) -> bool {
    let mut there = [0; 4];
    image.read_at(at, &mut there).is_ok() && there == magic
}

/// The record whose comment ends with the archive; else the last one whose comment fits.
fn end_record(image: &dyn Image) -> Result<(u64, Vec<u8>), ReadError> {
    let size = image.size_bytes();
    let tail_bytes = usize::try_from(size).unwrap_or(usize::MAX).min(END_BYTES + 0xffff);
    let tail_at = size.saturating_sub(u64::try_from(tail_bytes).unwrap_or(0));
    let tail = read(image, tail_at, tail_bytes)?;
    let mut fitting = None;
    for at in memchr::memmem::rfind_iter(&tail, END) {
        let Some(record) = at.checked_add(END_BYTES).and_then(|end| tail.get(at..end)) else { continue };
        let comment = u16_at(record, 20).map_or(usize::MAX, usize::from);
        let behind = tail.len().saturating_sub(at.saturating_add(END_BYTES));
        if comment <= behind && fitting.is_none() || comment == behind {
            fitting = Some((tail_at.saturating_add(u64::try_from(at).unwrap_or(0)), record.to_vec()));
        }
        if comment == behind {
            break;
        }
    }
    fitting.ok_or(corrupt(size, "a zip archive without its end record"))
}

/// zip64's record at the end, and where it is; none where nothing leads to one.
fn wide(image: &dyn Image, end_at: u64) -> Result<Option<(Stated, u64)>, ReadError> {
    let Some(locator_at) = end_at.checked_sub(u64::try_from(LOCATOR_BYTES).unwrap_or(0)) else { return Ok(None) };
    let locator = read(image, locator_at, LOCATOR_BYTES)?;
    if !locator.starts_with(LOCATOR) {
        return Ok(None);
    }
    let broken = || corrupt(locator_at, "the zip64 end record of a zip archive");
    let stated_at = u64_at(&locator, 8).ok_or_else(broken)?;
    if u32_at(&locator, 4) != Some(0) || u32_at(&locator, 16).is_none_or(|parts| parts > 1) {
        return Err(ReadError::Unsupported { offset: end_at, what: "a zip archive in several parts".to_owned() });
    }
    // Where something was put before the archive, the record stands right before what leads to it.
    let near = locator_at.checked_sub(u64::try_from(END64_BYTES).unwrap_or(0));
    let at = [Some(stated_at), near].into_iter().flatten().find(|at| *at < locator_at && is_at(image, *at, END64));
    let at = at.ok_or_else(broken)?;
    let record = read(image, at, END64_BYTES)?;
    let number = |place| u64_at(&record, place).ok_or_else(broken);
    Ok(Some((Stated { members: number(32)?, bytes: number(40)?, at: number(48)? }, at)))
}

/// A field of the plain record is full, or says the same.
fn agreed(plain: &Stated, wide: Stated, end_at: u64) -> Result<Stated, ReadError> {
    let agrees = |plain: u64, full: u64, wide: u64| plain == full || plain == wide;
    let all = agrees(plain.members, 0xffff, wide.members)
        && agrees(plain.bytes, 0xffff_ffff, wide.bytes)
        && agrees(plain.at, 0xffff_ffff, wide.at);
    if all { Ok(wide) } else { Err(corrupt(end_at, "two end records of a zip archive that disagree")) }
}
