//! Directory records (ECMA-119, 9.1) and their times.
//!
//! **Invariant:** a number that is stored in both byte orders is taken where both agree, and is damage otherwise.

use chrono::NaiveDate;

use crate::clock::Timestamp;
use crate::read_error::ReadError;
use crate::scope::FileTime;

/// A hidden half of another file; never read.
pub(super) const ASSOCIATED: u8 = 4;
/// A folder.
pub(super) const FOLDER: u8 = 2;
/// More of the same file follows in the next record.
pub(super) const CONTINUED: u8 = 0x80;
/// What a record has before its name.
pub(super) const HEAD_BYTES: usize = 33;

/// A number of two bytes in both byte orders.
pub(super) fn both_u16(bytes: &[u8], at: usize) -> Option<u16> {
    let little = u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?);
    let big = u16::from_be_bytes(bytes.get(at + 2..at + 4)?.try_into().ok()?);
    (little == big).then_some(little)
}

/// A number of four bytes in both byte orders.
pub(super) fn both_u32(bytes: &[u8], at: usize) -> Option<u32> {
    let little = u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
    let big = u32::from_be_bytes(bytes.get(at + 4..at + 8)?.try_into().ok()?);
    (little == big).then_some(little)
}

/// A directory record.
pub(super) struct Record {
    /// Where it stands.
    pub(super) offset: u64,
    /// The first block of the extent.
    pub(super) block: u32,
    /// Blocks of attributes before the content.
    pub(super) attribute_blocks: u8,
    pub(super) size_bytes: u32,
    pub(super) flags: u8,
    pub(super) is_interleaved: bool,
    /// The number of the volume of a set that holds the extent.
    pub(super) volume: u16,
    pub(super) recorded: Option<FileTime>,
    pub(super) name: Vec<u8>,
    /// What stands behind the name.
    pub(super) system: Vec<u8>,
}

impl Record {
    /// From its bytes.
    pub(super) fn parse(bytes: &[u8], offset: u64) -> Result<Self, ReadError> {
        let corrupt = ReadError::Corrupt { offset, what: "a directory record" };
        let parsed = || {
            let name_length = usize::from(*bytes.get(32)?);
            let name = bytes.get(HEAD_BYTES..HEAD_BYTES + name_length)?.to_vec();
            let behind = HEAD_BYTES + name_length + usize::from(name_length.is_multiple_of(2));
            Some(Self {
                offset,
                block: both_u32(bytes, 2)?,
                attribute_blocks: *bytes.get(1)?,
                size_bytes: both_u32(bytes, 10)?,
                flags: *bytes.get(25)?,
                is_interleaved: bytes.get(26..28)? != [0, 0],
                volume: both_u16(bytes, 28)?,
                recorded: short_time(bytes.get(18..25)?),
                name,
                system: bytes.get(behind..).unwrap_or_default().to_vec(),
            })
        };
        parsed().filter(|record| !record.name.is_empty()).ok_or(corrupt)
    }
}

/// Local time less its offset, in steps of 15 minutes, is UTC.
fn instant(date: NaiveDate, [hour, minute, second]: [u32; 3], nanoseconds: u32, zone: u8) -> Option<FileTime> {
    let zone = i8::from_le_bytes([zone]);
    if !(-48..=52).contains(&zone) {
        return None;
    }
    let local = date.and_hms_opt(hour, minute, second)?.and_utc().timestamp();
    Timestamp::new(local - i64::from(zone) * 15 * 60, nanoseconds).map(FileTime::at)
}

/// The form of seven bytes (9.1.5). None where it is all zeros, or no date.
pub(super) fn short_time(bytes: &[u8]) -> Option<FileTime> {
    let &[year, month, day, hour, minute, second, zone] = bytes else { return None };
    let date = NaiveDate::from_ymd_opt(1900 + i32::from(year), u32::from(month), u32::from(day))?;
    instant(date, [hour, minute, second].map(u32::from), 0, zone)
}

/// The form of seventeen bytes (8.4.26.1): digits, to hundredths of a second.
pub(super) fn long_time(bytes: &[u8]) -> Option<FileTime> {
    let number = |from: usize, to: usize| {
        bytes
            .get(from..to)?
            .iter()
            .try_fold(0_u32, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0')))
    };
    let date = NaiveDate::from_ymd_opt(i32::try_from(number(0, 4)?).ok()?, number(4, 6)?, number(6, 8)?)?;
    let clock = [number(8, 10)?, number(10, 12)?, number(12, 14)?];
    instant(date, clock, number(14, 16)? * 10_000_000, *bytes.get(16)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_local_and_its_offset_is_taken_off() {
        let at = |text: &str| Timestamp::parse_rfc3339(text).map(FileTime::at);
        assert_eq!(short_time(&[124, 3, 31, 2, 30, 5, 4]), at("2024-03-31T02:30:05+01:00"));
        assert_eq!(short_time(&[124, 3, 31, 2, 30, 5, 0xec]), at("2024-03-31T02:30:05-05:00"));
        assert_eq!(short_time(&[124, 3, 31, 2, 30, 5, 23]), at("2024-03-31T02:30:05+05:45"));
        assert_eq!(short_time(&[0; 7]), None);
        assert_eq!(short_time(&[124, 2, 30, 0, 0, 0, 0]), None);
        assert_eq!(long_time(b"2024033102300599\x04"), at("2024-03-31T02:30:05.99+01:00"));
        assert_eq!(long_time(b"0000000000000000\0"), None);
    }
}
