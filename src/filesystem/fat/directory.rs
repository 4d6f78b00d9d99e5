//! Folders: entries of 32 bytes, a long name in entries before the short one.
//!
//! After Microsoft's "FAT: General Overview of On-Disk Format" (version 1.03) and its addendum on long names. A long name
//! belongs to the short one behind it only if its parts are complete, in order, and each carries the short name's checksum.
//! One that does not fit is left over from something deleted, or damage; Linux and Windows then show the short name. So does
//! this reader, and says beside it that the folder holds a name that fits nothing.
//!
//! What is deliberately absent: deleted entries, long names without a short one, the volume's label.
//!
//! **Invariant:** what stands in use behind the end of a folder, and every entry that cannot be what it says, is an error;
//! what stands before and after it is still listed.

use super::super::civil_time::{self, CivilTime};
use super::super::field::{u8_at, u16_at, u32_at};
use super::super::wide_name;
use crate::filesystem::code_page;
use crate::read_error::ReadError;

/// The size of an entry, in bytes.
pub(super) const ENTRY_BYTES: usize = 32;
const DELETED: u8 = 0xe5;
/// Stands for 0xe5 as the first byte of a name.
const KANJI: u8 = 0x05;
const LABEL: u8 = 0x08;
const FOLDER: u8 = 0x10;
const LONG: u8 = 0x0f;
/// Marks the last part of a long name, which comes first.
const LAST: u8 = 0x40;
/// A long name has at most 255 units in parts of 13.
const PARTS: u8 = 20;
/// Where the 13 units of a part stand.
const UNITS: [usize; 13] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];

/// An entry, as it stands there.
pub(super) struct Item {
    pub(super) name: Vec<u8>,
    pub(super) is_folder: bool,
    pub(super) cluster: u32,
    pub(super) size_bytes: u32,
    pub(super) created: Option<CivilTime>,
    pub(super) modified: Option<CivilTime>,
    pub(super) accessed: Option<CivilTime>,
}

/// The parts of a long name that came so far.
#[derive(Default)]
struct Long {
    /// In the order of the name.
    units: Vec<u16>,
    checksum: u8,
    /// The number of the part that came last; the name is complete at 1.
    part: u8,
}

/// Shows each entry; the first thing that is wrong is the error.
pub(super) fn list(bytes: &[u8], visit: &mut dyn FnMut(Item) -> Result<(), ReadError>) -> Result<(), ReadError> {
    let mut failure = None;
    let mut long: Option<Long> = None;
    let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
    let mut rest = entries.iter();
    for entry in rest.by_ref() {
        if entry[0] == 0 {
            break;
        }
        if entry[0] == DELETED {
            long = None;
        } else if entry[11] & 0x3f == LONG {
            long = Long::with(long.take(), entry);
            if long.is_none() {
                failure.get_or_insert(corrupt("a part of a long name"));
            }
        } else if entry[11] & LABEL != 0 {
            long = None;
        } else {
            let long = long.take();
            if is_dots(entry) {
                continue;
            }
            let name = match long.map(|long| long.name_of(entry)) {
                Some(None) => {
                    failure.get_or_insert(corrupt("a long name that belongs to no entry"));
                    short_name(entry)
                }
                Some(name) => name,
                None => short_name(entry),
            };
            match name.filter(|name| wide_name::is_possible(name)) {
                Some(name) => visit(item(entry, name))?,
                None => drop(failure.get_or_insert(corrupt("a name that no file can have"))),
            }
        }
    }
    if rest.any(|entry| entry[0] != 0 && entry[0] != DELETED) {
        failure.get_or_insert(corrupt("entries behind the end of a folder"));
    }
    failure.map_or(Ok(()), Err)
}

/// The two entries that every folder but the root begins with: itself and the one above.
pub(super) fn begins_as(bytes: &[u8], own: u32, above: &[u32]) -> bool {
    let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
    // One known writer puts a long name before each of the two.
    let mut entries = entries.iter().filter(|entry| entry[11] & 0x3f != LONG);
    let (Some(first), Some(second)) = (entries.next(), entries.next()) else { return false };
    let is_dots = |entry: &[u8; ENTRY_BYTES], name| entry.starts_with(name) && entry[11] & (FOLDER | LABEL) == FOLDER;
    is_dots(first, b".          ")
        && is_dots(second, b"..         ")
        && cluster(first) == own
        && above.contains(&cluster(second))
}

fn is_dots(entry: &[u8; ENTRY_BYTES]) -> bool {
    entry.starts_with(b".          ") || entry.starts_with(b"..         ")
}

const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

fn cluster(entry: &[u8; ENTRY_BYTES]) -> u32 {
    u32::from(u16_at(entry, 20).unwrap_or(0)) << 16 | u32::from(u16_at(entry, 26).unwrap_or(0))
}

fn item(entry: &[u8; ENTRY_BYTES], name: Vec<u8>) -> Item {
    let half = |at| u16_at(entry, at).unwrap_or(0);
    Item {
        name,
        is_folder: entry[11] & FOLDER != 0,
        cluster: cluster(entry),
        size_bytes: u32_at(entry, 28).unwrap_or(0),
        created: civil_time::moment(half(16), half(14), u8_at(entry, 13)),
        modified: civil_time::moment(half(24), half(22), None),
        accessed: civil_time::whole_day(half(18)),
    }
}

impl Long {
    /// One part more, which must be the one before the last; none where it is not, or is no part at all.
    fn with(before: Option<Self>, entry: &[u8; ENTRY_BYTES]) -> Option<Self> {
        let part = entry[0] & !LAST;
        let is_sound = (1..=PARTS).contains(&part) && entry[12] == 0 && u16_at(entry, 26) == Some(0);
        let mut long = match before {
            _ if entry[0] & LAST != 0 => Self { units: Vec::new(), checksum: entry[13], part },
            Some(long) if long.part == part + 1 && long.checksum == entry[13] => Self { part, ..long },
            _ => return None,
        };
        let units = UNITS.iter().filter_map(|&at| u16_at(entry, at));
        long.units.splice(..0, units);
        is_sound.then_some(long)
    }

    /// The name, if it is complete and is that of this entry.
    fn name_of(mut self, entry: &[u8; ENTRY_BYTES]) -> Option<Vec<u8>> {
        let checksum = entry[..11].iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
        if self.part != 1 || self.checksum != checksum {
            return None;
        }
        // It ends at a zero, and the rest of the last part is filled.
        if let Some(end) = self.units.iter().position(|&unit| unit == 0) {
            if self.units.get(end + 1..).is_some_and(|rest| rest.iter().any(|&unit| unit != 0xffff)) {
                return None;
            }
            self.units.truncate(end);
        }
        Some(wide_name::of_units(self.units))
    }
}

/// The name of eight signs and three; none where it holds what no short name can.
fn short_name(entry: &[u8; ENTRY_BYTES]) -> Option<Vec<u8>> {
    let mut bytes = [0; 11];
    bytes.copy_from_slice(&entry[..11]);
    if bytes[0] == KANJI {
        bytes[0] = DELETED;
    }
    if matches!(bytes[0], b' ' | b'.') || bytes.iter().any(|&byte| byte < b' ') {
        return None;
    }
    // Windows keeps here that the name or what follows its dot is all in small letters.
    let (base, extension) = bytes.split_at(8);
    let signs = |bytes: &[u8], is_small: bool| -> String {
        let signs = bytes.trim_ascii_end().iter().map(|&byte| code_page::sign(byte));
        signs.map(|sign| if is_small { code_page::small(sign) } else { sign }).collect()
    };
    let (base, extension) = (signs(base, entry[12] & 0x08 != 0), signs(extension, entry[12] & 0x10 != 0));
    let name = if extension.is_empty() { base } else { format!("{base}.{extension}") };
    Some(name.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(name: &[u8; 11], case: u8) -> [u8; ENTRY_BYTES] {
        let mut entry = [0; ENTRY_BYTES];
        entry[..11].copy_from_slice(name);
        (entry[11], entry[12]) = (0x20, case);
        entry
    }

    fn parts(name: &str, of: &[u8; 11]) -> Vec<[u8; ENTRY_BYTES]> {
        let checksum = of.iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
        let mut units: Vec<u16> = name.encode_utf16().collect();
        if !units.len().is_multiple_of(13) {
            units.push(0);
        }
        units.resize(units.len().next_multiple_of(13), 0xffff);
        let count = units.len() / 13;
        let part = |(index, units): (usize, &[u16])| {
            let mut entry = [0; ENTRY_BYTES];
            entry[0] = (index + 1) as u8 | if index + 1 == count { LAST } else { 0 };
            (entry[11], entry[13]) = (LONG, checksum);
            for (at, unit) in UNITS.iter().zip(units) {
                entry[*at..*at + 2].copy_from_slice(&unit.to_le_bytes());
            }
            entry
        };
        units.chunks(13).enumerate().map(part).rev().collect()
    }

    fn listed(entries: &[[u8; ENTRY_BYTES]]) -> (Vec<String>, Option<&'static str>) {
        let mut names = Vec::new();
        let result = list(entries.as_flattened(), &mut |item| {
            names.push(String::from_utf8(item.name).expect("UTF-8"));
            Ok(())
        });
        let what = match result {
            Ok(()) => None,
            Err(ReadError::Corrupt { what, .. }) => Some(what),
            Err(other) => panic!("{other}"),
        };
        (names, what)
    }

    #[test]
    fn a_short_name_has_its_case_bits_and_its_code_page() {
        for (name, case, expected) in [
            (b"README  TXT", 0, "README.TXT"),
            (b"README  TXT", 0x08, "readme.TXT"),
            (b"README  TXT", 0x10, "README.txt"),
            (b"A B     C  ", 0x18, "a b.c"),
            (b"NOEXT      ", 0, "NOEXT"),
            (b"\x05\x80      \x9a  ", 0, "\u{3c3}\u{c7}.\u{dc}"),
            (b"\x80\x9a      TXT", 0x18, "\u{e7}\u{fc}.txt"),
        ] {
            assert_eq!(listed(&[short(name, case)]), (vec![expected.to_owned()], None));
        }
    }

    #[test]
    fn a_long_name_counts_only_whole_and_with_its_checksum() {
        let own = b"LONGNA~1TXT";
        let names = ["a long name.txt", "exactly 13 un", &"x".repeat(255), "\u{1f600} beyond"];
        for name in names {
            let mut entries = parts(name, own);
            entries.push(short(own, 0));
            assert_eq!(listed(&entries), (vec![name.to_owned()], None));
            let other = short(b"OTHER   TXT", 0);
            *entries.last_mut().expect("an entry") = other;
            let wrong = Some("a long name that belongs to no entry");
            assert_eq!(listed(&entries), (vec!["OTHER.TXT".to_owned()], wrong), "{name}");
        }
        let mut entries = parts("a name that is cut off before it begins", own);
        entries.pop();
        entries.push(short(own, 0));
        assert_eq!(listed(&entries).0, ["LONGNA~1.TXT"]);
        assert!(listed(&entries).1.is_some());
    }

    #[test]
    fn deleted_entries_and_labels_are_not_there_and_an_end_is_an_end() {
        let mut deleted = short(b"DELETED TXT", 0);
        deleted[0] = DELETED;
        let mut label = short(b"MY LABEL   ", 0);
        label[11] = LABEL;
        let file = short(b"FILE    TXT", 0);
        let mut entries = vec![label, deleted];
        entries.extend(parts("left over from something deleted", b"DELETED TXT"));
        entries.extend([deleted, file, [0; ENTRY_BYTES], deleted, [0; ENTRY_BYTES]]);
        assert_eq!(listed(&entries), (vec!["FILE.TXT".to_owned()], None));
        entries.push(file);
        assert_eq!(listed(&entries), (vec!["FILE.TXT".to_owned()], Some("entries behind the end of a folder")));
    }

    #[test]
    fn a_name_that_no_file_can_have_is_an_error_and_the_next_is_listed() {
        for bad in [b"A/B     TXT", b"        TXT", b"A\x01B     TXT", b".HIDDEN TXT"] {
            let entries = [short(bad, 0), short(b"NEXT    TXT", 0)];
            assert_eq!(listed(&entries), (vec!["NEXT.TXT".to_owned()], Some("a name that no file can have")));
        }
    }
}
