//! zip: stored, deflate, deflate64, bzip2, LZMA, zstd and xz members, zip64.
//!
//! The central directory rules. A member whose local header says something else, or that shares bytes with another member
//! (a bomb of overlapping ones), is an error when it is opened. What stands before the archive is passed over, as unzip does.
//!
//! **Invariant:** every entry of the directory is a member of the tree, whether it can be opened or not.

mod central;
mod content;
mod meaning;

use std::sync::Arc;

use self::central::{Directory, Entry, bytes_at, u16_at, u32_at};
use super::Members;
use super::tree::{Growing, Tree};
use crate::clock::Zone;
use crate::image::{Image, signature};
use crate::limits;
use crate::read_error::ReadError;
use crate::scope::{FileTimes, Stream};

/// The fixed part of a local header.
const LOCAL_BYTES: u64 = 30;

struct Zip {
    image: Arc<dyn Image>,
    zone: Option<Zone>,
    directory: Directory,
    /// Where each entry stands in the directory, and whether it shares bytes with another member.
    members: Vec<(u64, bool)>,
}

/// What the first bytes of a zip are.
pub(super) fn begins(head: &[u8]) -> bool {
    [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"PK00"].iter().any(|mark| head.starts_with(*mark))
}

/// A zip stands here: by its first bytes, or behind something that is nothing else.
pub(super) fn is_there(image: &dyn Image) -> Result<bool, ReadError> {
    if image.size_bytes() < 22 {
        return Ok(false);
    }
    let head = bytes_at(image, 0, 8)?;
    if begins(&head) {
        return Ok(true);
    }
    match central::find(image) {
        Ok(Some(directory)) if directory.trail == 0 && directory.count > 0 => {
            Ok(directory.is_there(image)? && signature::of(image)?.is_empty())
        }
        _ => Ok(false),
    }
}

/// Reads the directory.
pub(super) fn read(image: Arc<dyn Image>, zone: Option<Zone>) -> Result<(Tree, Box<dyn Members>), ReadError> {
    let cut = ReadError::Corrupt { offset: image.size_bytes(), what: "a zip without its end record" };
    let directory = central::find(image.as_ref())?.ok_or(cut)?;
    let mut growing = Growing::new();
    let mut members: Vec<(u64, bool)> = Vec::new();
    let mut spans: Vec<(u64, u64, u32)> = Vec::new();
    let mut at = directory.start;
    let mut failure = None;
    while at < directory.end {
        let number = u32::try_from(members.len()).unwrap_or(u32::MAX);
        let put = directory.entry(image.as_ref(), at).and_then(|entry| {
            if members.len() >= limits::ARCHIVE_MEMBERS {
                return Err(ReadError::Limit { offset: at, what: "members of one archive" });
            }
            growing.put(&meaning::name(&entry), meaning::kind(&entry), number)?;
            Ok(entry)
        });
        match put {
            Ok(entry) => {
                let head = LOCAL_BYTES + entry.name.len() as u64;
                let end = entry.local.saturating_add(head).saturating_add(entry.packed_bytes);
                spans.push((entry.local, end, number));
                members.push((at, false));
                at = entry.next;
            }
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    let count = members.len() as u64;
    let is_all = if directory.is_exact { count == directory.count } else { count & 0xffff == directory.count };
    if !is_all {
        let what = "the number of a zip's entries";
        failure = failure.or(Some(ReadError::Corrupt { offset: directory.end, what }));
    }
    mark_overlapping(&mut spans, &mut members);
    let tree = growing.finish(failure);
    Ok((tree, Box::new(Zip { image, zone, directory, members })))
}

/// Members that share bytes with one that begins before or with them, and those.
fn mark_overlapping(spans: &mut [(u64, u64, u32)], members: &mut [(u64, bool)]) {
    spans.sort_unstable();
    let mut mark = |number: u32| {
        if let Some(member) = members.get_mut(number as usize) {
            member.1 = true;
        }
    };
    let mut furthest: Option<(u64, u32)> = None;
    for &(start, end, number) in spans.iter() {
        if let Some((before, other)) = furthest.filter(|&(before, _)| start < before) {
            mark(number);
            mark(other);
            furthest = Some(if end > before { (end, number) } else { (before, other) });
        } else {
            furthest = Some((end, number));
        }
    }
}

impl Zip {
    fn entry(&self, number: u32) -> Result<(Entry, bool), ReadError> {
        let missing = ReadError::Corrupt { offset: 0, what: "an entry of another file system" };
        let &(at, overlaps) = self.members.get(number as usize).ok_or(missing)?;
        Ok((self.directory.entry(self.image.as_ref(), at)?, overlaps))
    }

    /// The extra area of an entry's local header and where its content begins, where the two agree.
    fn local(&self, entry: &Entry) -> Result<(Vec<u8>, u64), ReadError> {
        let image = self.image.as_ref();
        let at = entry.local;
        let differs = ReadError::Corrupt { offset: at, what: "a member's two headers contradict each other" };
        let head = bytes_at(image, at, LOCAL_BYTES)?;
        let (name, extra) = meaning::local_area(&head);
        let stored = bytes_at(image, at + LOCAL_BYTES, name)?;
        let extra_bytes = bytes_at(image, at + LOCAL_BYTES + name, extra)?;
        let is_later = u16_at(&head, 6) & 8 != 0;
        let agrees =
            |local: u32, central: u64| (is_later && local == 0) || local == 0xffff_ffff || u64::from(local) == central;
        let same = head.starts_with(b"PK\x03\x04")
            && u16_at(&head, 8) == entry.method
            && u16_at(&head, 6) & 1 == entry.flags & 1
            && stored == entry.name
            && agrees(u32_at(&head, 14), u64::from(entry.crc))
            && agrees(u32_at(&head, 18), entry.packed_bytes)
            && agrees(u32_at(&head, 22), entry.size_bytes);
        if !same {
            return Err(differs);
        }
        Ok((extra_bytes, at + LOCAL_BYTES + name + extra))
    }
}

impl Members for Zip {
    fn describe(&self, number: u32) -> Result<(u64, FileTimes), ReadError> {
        let (entry, _) = self.entry(number)?;
        // The local header has more times than the directory; where it is damaged, opening says so.
        let has_more = central::fields(&entry.extra).any(|(kind, _)| kind == 0x5455);
        let local = if has_more { self.local(&entry).map(|(extra, _)| extra).unwrap_or_default() } else { Vec::new() };
        Ok((entry.size_bytes, meaning::times(&entry, &local, self.zone)))
    }

    fn open(&self, number: u32) -> Result<Stream, ReadError> {
        let (entry, overlaps) = self.entry(number)?;
        let offset = entry.local;
        if overlaps {
            return Err(ReadError::Corrupt { offset, what: "members of a zip that share bytes" });
        }
        if let Some(method) = meaning::encryption(&entry) {
            return Err(ReadError::Encrypted { offset, what: method });
        }
        let (_, start) = self.local(&entry)?;
        if start.checked_add(entry.packed_bytes).is_none_or(|end| end > self.directory.start) {
            return Err(ReadError::Corrupt { offset, what: "a member behind the end of its zip" });
        }
        content::open(Arc::clone(&self.image), &entry, start)
    }
}
