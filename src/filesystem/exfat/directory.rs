//! Folders: sets of entries of 32 bytes, each set with a checksum.
//!
//! After Microsoft's "exFAT file system specification" (7.2019), sections 6 and 7. What is deliberately absent: entries that
//! are not in use, the label, the up-case table, the entries that vendors add to a file.
//!
//! **Invariant:** a set whose checksum does not hold, or that does not hang together, is an error; what stands before and
//! after it is still listed.

use chrono::TimeDelta;

use super::super::civil_time::{self, CivilTime};
use super::super::field::{u8_at, u16_at, u32_at, u64_at};
use super::super::wide_name;
use super::chain::Run;
use crate::clock::{Timestamp, Zone};
use crate::read_error::ReadError;
use crate::scope::{FileTime, FileTimes};

/// The size of an entry, in bytes.
pub(super) const ENTRY_BYTES: usize = 32;
const IN_USE: u8 = 0x80;
const SECONDARY: u8 = 0x40;
const BENIGN: u8 = 0x20;
const BITMAP: u8 = 0x81;
const UP_CASE: u8 = 0x82;
const LABEL: u8 = 0x83;
const FILE: u8 = 0x85;
const STREAM: u8 = 0xc0;
const NAME: u8 = 0xc1;
/// Units of a name in one entry.
const UNITS: usize = 15;

/// One entry of 32 bytes.
type Slot = [u8; ENTRY_BYTES];

/// A file or a folder.
pub(super) struct Item {
    pub(super) name: Vec<u8>,
    pub(super) is_folder: bool,
    pub(super) run: Run,
    /// What lies behind this was never written.
    pub(super) written_bytes: u64,
    /// Its first entry, which holds its times.
    file: Slot,
}

/// What a folder holds, one after the other.
pub(super) enum Found {
    Item(Item),
    /// The allocation bitmap; in the root alone.
    Bitmap(Run),
}

const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

/// Shows each set; the first thing that is wrong is the error.
pub(super) fn list(bytes: &[u8], visit: &mut dyn FnMut(Found) -> Result<(), ReadError>) -> Result<(), ReadError> {
    let mut failure = None;
    let (slots, _) = bytes.as_chunks::<ENTRY_BYTES>();
    let mut at = 0;
    while let Some(slot) = slots.get(at) {
        let kind = slot[0];
        if kind == 0 {
            break;
        }
        at += 1;
        if kind & IN_USE == 0 {
            continue;
        }
        let found = match kind {
            FILE => {
                let end = at + usize::from(slot[1]);
                match slots.get(at..end).ok_or(corrupt("a set of entries that is cut off")).and_then(|s| item(slot, s))
                {
                    Ok(item) => {
                        at = end;
                        Ok(Some(Found::Item(item)))
                    }
                    // How many entries it has cannot be trusted either: those that follow are passed over one by one.
                    Err(error) => {
                        while slots.get(at).is_some_and(|slot| slot[0] & (IN_USE | SECONDARY) == IN_USE | SECONDARY) {
                            at += 1;
                        }
                        Err(error)
                    }
                }
            }
            BITMAP => Ok(Some(Found::Bitmap(Run {
                start: u32_at(slot, 20).unwrap_or(0),
                is_contiguous: false,
                bytes: u64_at(slot, 24).unwrap_or(0),
            }))),
            UP_CASE | LABEL => Ok(None),
            kind if kind & SECONDARY != 0 => Err(corrupt("an entry that belongs to no file")),
            kind if kind & BENIGN != 0 => Ok(None),
            kind => Err(ReadError::Unsupported { offset: 0, what: format!("an entry of exFAT of the type {kind:#x}") }),
        };
        match found {
            Ok(Some(found)) => visit(found)?,
            Ok(None) => {}
            Err(error) => drop(failure.get_or_insert(error)),
        }
    }
    let behind = slots.get(at..).unwrap_or_default();
    if behind.iter().any(|slot| slot[0] & IN_USE != 0) {
        failure.get_or_insert(corrupt("entries behind the end of a folder"));
    }
    failure.map_or(Ok(()), Err)
}

/// The checksum of a set, its own field left out (6.3.3).
fn sum_of(file: &Slot, others: &[Slot]) -> u16 {
    let add = |sum: u16, byte: &u8| sum.rotate_right(1).wrapping_add(u16::from(*byte));
    let own = file.iter().enumerate().filter(|(at, _)| !matches!(at, 2 | 3)).map(|(_, byte)| byte);
    others.iter().flatten().fold(own.fold(0, add), add)
}

fn item(file: &Slot, others: &[Slot]) -> Result<Item, ReadError> {
    if u16_at(file, 2) != Some(sum_of(file, others)) {
        return Err(corrupt("the checksum of a set of entries"));
    }
    let bad = || corrupt("a set of entries");
    let (stream, more) = others.split_first().filter(|(stream, _)| stream[0] == STREAM).ok_or_else(bad)?;
    let length = usize::from(stream[3]);
    let (names, rest) = more.split_at_checked(length.div_ceil(UNITS)).ok_or_else(bad)?;
    let is_extra = |slot: &Slot| slot[0] & (IN_USE | SECONDARY | BENIGN) == IN_USE | SECONDARY | BENIGN;
    if names.iter().any(|slot| slot[0] != NAME) || !rest.iter().all(is_extra) {
        return Err(bad());
    }
    let stored = names.iter().flat_map(|slot| slot.iter().skip(2).copied()).take(length * 2);
    let name = wide_name::of_bytes(&stored.collect::<Vec<u8>>());
    if !wide_name::is_possible(&name) {
        return Err(corrupt("a name that no file can have"));
    }
    let bytes = u64_at(stream, 24).ok_or_else(bad)?;
    let written_bytes = u64_at(stream, 8).ok_or_else(bad)?;
    let is_folder = u16_at(file, 4).is_some_and(|attributes| attributes & 0x10 != 0);
    if written_bytes > bytes || (is_folder && written_bytes != bytes) {
        return Err(corrupt("a file that holds more than its size"));
    }
    let flags = u8_at(stream, 1).unwrap_or(0);
    let start = u32_at(stream, 20).ok_or_else(bad)?;
    if bytes > 0 && flags & 1 == 0 {
        return Err(corrupt("a file with content and without clusters"));
    }
    let run = Run { start, is_contiguous: flags & 2 != 0, bytes };
    Ok(Item { name, is_folder, run, written_bytes, file: *file })
}

impl Item {
    /// Its times: instants where the set states the offset from UTC, else civil times of `zone`.
    pub(super) fn times(&self, zone: Option<Zone>) -> FileTimes {
        let file = &self.file;
        let half = |at| u16_at(file, at).unwrap_or(0);
        let time = |at: usize, fine: Option<usize>, offset: usize| {
            let fine = fine.and_then(|at| u8_at(file, at));
            let civil = civil_time::moment(half(at + 2), half(at), fine)?;
            instant(civil, u8_at(file, offset)?, zone)
        };
        let (created, modified) = (time(8, Some(20), 22), time(12, Some(21), 23));
        FileTimes { modified, changed: None, created, accessed: time(16, None, 24) }
    }
}

/// The offset counts quarters of an hour east of UTC in seven bits with a sign; the eighth says that it is there (7.4.10).
fn instant(civil: CivilTime, offset: u8, zone: Option<Zone>) -> Option<FileTime> {
    if offset & 0x80 == 0 {
        return FileTime::local(civil.earliest, civil.step, zone);
    }
    let quarters = i64::from(offset & 0x7f) - if offset & 0x40 == 0 { 0 } else { 0x80 };
    let earliest = civil.earliest.checked_sub_signed(TimeDelta::minutes(15 * quarters))?;
    let latest = earliest.checked_add_signed(civil.step)?;
    let at = |time: chrono::NaiveDateTime| {
        let utc = time.and_utc();
        Timestamp::new(utc.timestamp(), utc.timestamp_subsec_nanos())
    };
    FileTime::between(at(earliest)?, at(latest)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_keeps_its_sign_and_without_one_the_zone_counts() {
        let date = 44 << 9 | 7 << 5 | 1;
        let civil = civil_time::moment(date, 12 << 11, Some(150)).expect("a time");
        let berlin = Zone::named("Europe/Berlin");
        for (offset, zone, expected) in [
            (0x80, berlin, Some("2024-07-01T12:00:01.5Z")),
            (0x84, None, Some("2024-07-01T11:00:01.5Z")),
            (0x80 | (0x80 - 20), None, Some("2024-07-01T17:00:01.5Z")),
            (0x80 | 0x40, None, Some("2024-07-02T04:00:01.5Z")),
            (0x04, berlin, Some("2024-07-01T10:00:01.5Z")),
            (0x00, None, None),
        ] {
            let time = instant(civil, offset, zone).and_then(FileTime::instant);
            assert_eq!(time.map(|time| time.to_string()).as_deref(), expected, "{offset:#x}");
        }
    }

    /// A set of a file with one entry of its name.
    fn set(name: &str) -> Vec<Slot> {
        let (mut file, mut stream, mut part) = ([0; ENTRY_BYTES], [0; ENTRY_BYTES], [0; ENTRY_BYTES]);
        (file[0], file[1]) = (FILE, 2);
        (stream[0], stream[3]) = (STREAM, name.len() as u8);
        part[0] = NAME;
        for (at, unit) in name.encode_utf16().enumerate() {
            part[2 + at * 2..4 + at * 2].copy_from_slice(&unit.to_le_bytes());
        }
        let sum = sum_of(&file, &[stream, part]);
        file[2..4].copy_from_slice(&sum.to_le_bytes());
        vec![file, stream, part]
    }

    fn listed(slots: &[Slot]) -> (Vec<String>, Option<String>) {
        let mut names = Vec::new();
        let result = list(slots.as_flattened(), &mut |found| {
            if let Found::Item(item) = found {
                names.push(String::from_utf8(item.name).expect("UTF-8"));
            }
            Ok(())
        });
        (names, result.err().map(|error| error.to_string()))
    }

    #[test]
    fn a_bad_set_is_an_error_and_the_next_one_is_listed() {
        let (good, next) = (set("good"), set("next"));
        assert_eq!(listed(&[good.clone(), next.clone()].concat()), (vec!["good".into(), "next".into()], None));
        for place in 0..good.len() {
            for byte in 0..ENTRY_BYTES {
                let mut bad = good.clone();
                bad[place][byte] ^= 0x04;
                let (names, error) = listed(&[bad, next.clone()].concat());
                assert!(names.contains(&"next".to_owned()) && !names.contains(&"good".to_owned()), "{place} {byte}");
                assert!(error.is_some(), "{place} {byte}");
            }
        }
    }

    #[test]
    fn what_is_not_in_use_is_not_there_and_an_end_is_an_end() {
        let mut deleted = set("deleted");
        for slot in &mut deleted {
            slot[0] &= !IN_USE;
        }
        let slots = [deleted.clone(), set("there"), vec![[0; ENTRY_BYTES]], deleted].concat();
        assert_eq!(listed(&slots), (vec!["there".into()], None));
        let slots = [slots, set("behind")].concat();
        assert_eq!(listed(&slots).0, ["there"]);
        assert!(listed(&slots).1.expect("an error").contains("behind the end"));
    }
}
