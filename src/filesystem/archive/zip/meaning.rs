//! What an entry's fields mean: its name, kind and times.
//!
//! A name is UTF-8 where its flag or Info-ZIP's Unicode field says so, the bytes as stored where a UNIX made it, and code
//! page 437 otherwise. Times: the NTFS field (100 ns, UTC), else the extended timestamp (1 s, UTC), else the DOS time, which
//! is local and in steps of 2 s.
//!
//! **Invariant:** a local time is stated only in a zone that the operator names.

use chrono::{NaiveDate, TimeDelta};

use super::central::{Entry, fields, u16_at, u32_at, u64_at};
use crate::clock::{Timestamp, Zone};
use crate::scope::{EntryKind, FileTime, FileTimes};

/// The signs of code page 437 from 0x80 on.
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
/// Hosts whose attributes hold a UNIX mode: UNIX and macOS.
const UNIX: [u8; 2] = [3, 19];
/// 1601-01-01 in seconds before the epoch.
const NTFS_EPOCH_SECONDS: i64 = 11_644_473_600;

/// The member's path.
pub(super) fn name(entry: &Entry) -> Vec<u8> {
    let unicode = fields(&entry.extra).find(|(kind, _)| *kind == 0x7075).and_then(|(_, field)| {
        let mut crc = flate2::Crc::new();
        crc.update(&entry.name);
        let is_current = field.first() == Some(&1) && u32_at(field, 1) == crc.sum();
        field.get(5..).filter(|name| is_current && !name.is_empty() && std::str::from_utf8(name).is_ok())
    });
    if let Some(name) = unicode {
        return name.to_vec();
    }
    if entry.flags & 0x800 != 0 || UNIX.contains(&entry.host) || entry.name.is_ascii() {
        return entry.name.clone();
    }
    let sign = |byte: &u8| match byte.checked_sub(0x80) {
        None => char::from(*byte),
        Some(place) => CP437.chars().nth(usize::from(place)).unwrap_or('\u{fffd}'),
    };
    entry.name.iter().map(sign).collect::<String>().into_bytes()
}

/// The member's kind.
pub(super) fn kind(entry: &Entry) -> EntryKind {
    let mode = if UNIX.contains(&entry.host) { entry.attributes >> 16 & 0o170_000 } else { 0 };
    match mode {
        0o120_000 => EntryKind::Link,
        0o040_000 => EntryKind::Folder,
        _ if entry.name.ends_with(b"/") => EntryKind::Folder,
        0o100_000 => EntryKind::File,
        0o010_000 | 0o020_000 | 0o060_000 | 0o140_000 => EntryKind::Special,
        _ if entry.host == 0 && entry.attributes & 0x10 != 0 && entry.size_bytes == 0 => EntryKind::Folder,
        _ => EntryKind::File,
    }
}

/// The member's times; `local`: the extra area of its local header, which alone has all of the extended timestamps.
pub(super) fn times(entry: &Entry, local: &[u8], zone: Option<Zone>) -> FileTimes {
    let find = |wanted: u16| {
        let own = fields(local).find(|(kind, _)| *kind == wanted);
        own.or_else(|| fields(&entry.extra).find(|(kind, _)| *kind == wanted)).map(|(_, field)| field)
    };
    if let Some(times) = find(0x000a).and_then(ntfs) {
        return times;
    }
    let mut times = find(0x5455).map(extended).unwrap_or_default();
    if times.modified.is_none() {
        times.modified = dos(entry.date, entry.time, zone);
    }
    times
}

/// Modified, accessed and created, as far as they are there.
fn extended(field: &[u8]) -> FileTimes {
    let flags = field.first().copied().unwrap_or(0);
    let mut rest = field.get(1..).unwrap_or_default();
    let mut next = |bit: u8| {
        let bytes = rest.get(..4).filter(|_| flags & bit != 0)?;
        rest = rest.get(4..).unwrap_or_default();
        Timestamp::new(i64::from(i32::from_le_bytes(bytes.try_into().ok()?)), 0).map(FileTime::at)
    };
    FileTimes { modified: next(1), accessed: next(2), created: next(4), changed: None }
}

fn ntfs(field: &[u8]) -> Option<FileTimes> {
    let (_, times) = fields(field.get(4..)?).find(|(kind, bytes)| *kind == 1 && bytes.len() >= 24)?;
    let time = |at: usize| {
        let ticks = u64_at(times, at);
        let seconds = i64::try_from(ticks / 10_000_000).ok()? - NTFS_EPOCH_SECONDS;
        let nanoseconds = u32::try_from(ticks % 10_000_000).ok()? * 100;
        (ticks != 0).then(|| Timestamp::new(seconds, nanoseconds)).flatten().map(FileTime::at)
    };
    Some(FileTimes { modified: time(0), accessed: time(8), created: time(16), changed: None })
}

fn dos(date: u16, time: u16, zone: Option<Zone>) -> Option<FileTime> {
    let day = NaiveDate::from_ymd_opt(1980 + i32::from(date >> 9), u32::from(date >> 5 & 15), u32::from(date & 31))?;
    let at = day.and_hms_opt(u32::from(time >> 11), u32::from(time >> 5 & 63), u32::from(time & 31) * 2)?;
    // The step is two seconds; its last instant is not part of it.
    FileTime::local(at, TimeDelta::nanoseconds(1_999_999_999), zone)
}

/// The encryption of an entry, by its name.
pub(super) fn encryption(entry: &Entry) -> Option<String> {
    if entry.method == 99 {
        let strength = fields(&entry.extra).find(|(kind, _)| *kind == 0x9901).and_then(|(_, f)| f.get(4).copied());
        return Some(match strength {
            Some(1) => "WinZip AES-128".to_owned(),
            Some(2) => "WinZip AES-192".to_owned(),
            Some(3) => "WinZip AES-256".to_owned(),
            _ => "WinZip AES".to_owned(),
        });
    }
    match (entry.flags & 1 != 0, entry.flags & 0x40 != 0) {
        (true, true) => Some("strong encryption of PKWARE".to_owned()),
        (true, false) => Some("traditional encryption of PKWARE".to_owned()),
        _ => None,
    }
}

/// A compression method that is not read, by its name.
pub(super) fn method_name(method: u16) -> String {
    match method {
        1 => "shrunk".to_owned(),
        2..=5 => "reduced".to_owned(),
        6 => "imploded".to_owned(),
        98 => "PPMd".to_owned(),
        other => format!("method {other}"),
    }
}

/// The extra area of a local header that agrees with its entry, and where the content begins.
pub(super) fn local_area(head: &[u8]) -> (u64, u64) {
    (u64::from(u16_at(head, 26)), u64::from(u16_at(head, 28)))
}
