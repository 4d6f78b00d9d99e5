//! zip, with zip64.
//!
//! The directory at the end is what an archive holds; a member's own header must agree with it. `modified` is stated to
//! 100 ns (NTFS's field), to the second (Info-ZIP's fields), or in two seconds of the zone that the order gives (DOS's field, as
//! long as there is no other); `accessed` and `created` where one of these fields has them. There is no `changed`.
//!
//! What is deliberately absent: bytes that no record of the directory speaks of, comments, attributes.
//!
//! **Invariant:** what the directory lists is listed; a member whose two headers disagree, that shares bytes with another,
//! that is encrypted or packed in a way that is not read, or that does not come out as stated, is an error.

mod content;
mod directory;
mod end;
mod extra;

use std::hash::{DefaultHasher, Hasher as _};
use std::io::Read;
use std::sync::Arc;

use self::extra::Stamps;
use super::system::{Described, Members, UNREADABLE};
use super::tree::Tree;
use crate::clock::Zone;
use crate::filesystem::civil_time;
use crate::filesystem::field::{u16_at, u32_at};
use crate::image::Image;
use crate::read_error::ReadError;
use crate::scope::{EntryKind, FileTime, FileTimes};

/// A stream that begins so may be a zip archive: with a member, or with the end of an empty one, or with the mark of one that
/// was to be in several parts.
pub(super) fn begins_one(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"PK00").or(head.strip_prefix(b"PK\x07\x08")).unwrap_or(head);
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// What is known of a member's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Fine,
    /// They are another's too, or reach beyond the archive.
    Overlapping,
    /// Its record lacks what it needs.
    Malformed,
}

/// One member, as it stands in the index.
struct Member {
    kind: EntryKind,
    state: State,
    flags: u16,
    method: u16,
    crc: u32,
    /// Date and time of DOS, the date above.
    dos: u32,
    size_bytes: u64,
    stored: u64,
    /// Where its own header is.
    at: u64,
    /// Where its bytes end at the latest.
    end: u64,
    /// Of its name as stored.
    name_hash: u64,
    /// The strength of its encryption by AES; 0 where it is none.
    aes_bits: u16,
    /// Its own header holds more times.
    has_more_stamps: bool,
    stamps: Stamps,
}

/// The members of a zip archive.
pub(super) struct Zip {
    image: Arc<dyn Image>,
    members: Vec<Member>,
    zone: Option<Zone>,
}

/// Reads the directory: the members, their tree, and why these are not all. An error: there is no directory.
pub(super) fn read(image: Arc<dyn Image>, zone: Option<Zone>) -> Result<(Zip, Tree, Option<ReadError>), ReadError> {
    let directory = end::directory(image.as_ref())?;
    directory::read(image, directory, zone)
}

/// By which the name in a member's own header is held against the directory's.
fn hash(name: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(name);
    hasher.finish()
}

/// A member's own header.
struct Local {
    flags: u16,
    method: u16,
    name_hash: u64,
    extra: Vec<u8>,
    /// Where its content begins.
    content_at: u64,
}

fn corrupt(offset: u64, what: &'static str) -> ReadError {
    ReadError::Corrupt { offset, what }
}

impl Zip {
    fn member(&self, number: u32) -> Option<&Member> {
        self.members.get(usize::try_from(number).ok()?)
    }

    fn local(&self, member: &Member) -> Result<Local, ReadError> {
        let broken = || corrupt(member.at, "the own header of a zip member");
        let mut head = [0; 30];
        self.image.read_at(member.at, &mut head)?;
        let number = |at| u16_at(&head, at).ok_or_else(broken);
        if u32_at(&head, 0) != Some(0x0403_4b50) {
            return Err(broken());
        }
        let (name_bytes, extra_bytes) = (number(26)?, number(28)?);
        let both = u64::from(name_bytes).saturating_add(u64::from(extra_bytes));
        let name_at = member.at.checked_add(directory::LOCAL_BYTES).ok_or_else(broken)?;
        let content_at = name_at.checked_add(both).ok_or_else(broken)?;
        let mut name = vec![0; usize::from(name_bytes).saturating_add(usize::from(extra_bytes))];
        self.image.read_at(name_at, &mut name)?;
        let extra = name.split_off(usize::from(name_bytes).min(name.len()));
        Ok(Local { flags: number(6)?, method: number(8)?, name_hash: hash(&name), extra, content_at })
    }

    fn times(&self, member: &Member) -> FileTimes {
        let mut stamps = member.stamps;
        if member.has_more_stamps && member.state == State::Fine {
            let local = self.local(member).ok().filter(|local| local.name_hash == member.name_hash);
            stamps = stamps.or(local.map_or(Stamps::NONE, |local| directory::finer(&local.extra)));
        }
        FileTimes {
            modified: stamps.modified.time().or_else(|| self.dos_time(member.dos)),
            changed: None,
            created: stamps.created.time(),
            accessed: stamps.accessed.time(),
        }
    }

    fn dos_time(&self, dos: u32) -> Option<FileTime> {
        let (date, time) = (u16::try_from(dos >> 16).ok()?, u16::try_from(dos & 0xffff).ok()?);
        let time = civil_time::moment(date, time, None)?;
        FileTime::local(time.earliest, time.step, self.zone)
    }
}

/// What is encrypted, by the name of its method; none where nothing is.
fn encryption(member: &Member) -> Option<String> {
    if member.flags & 0x2041 == 0 && member.method != 99 {
        return None;
    }
    Some(if member.flags & 0x2040 != 0 {
        "a zip member by PKWARE's strong encryption".to_owned()
    } else if member.aes_bits > 0 {
        format!("a zip member by WinZip's AES-{}", member.aes_bits)
    } else if member.method == 99 {
        "a zip member by WinZip's AES".to_owned()
    } else {
        "a zip member by ZipCrypto".to_owned()
    })
}

impl Members for Zip {
    fn name(&self) -> &'static str {
        "zip"
    }

    fn describe(&self, number: u32) -> Described {
        let Some(member) = self.member(number) else { return UNREADABLE };
        Described { kind: member.kind, size_bytes: member.size_bytes, times: self.times(member) }
    }

    fn open(&self, number: u32) -> Result<Box<dyn Read + Send>, ReadError> {
        let member = self.member(number).ok_or(corrupt(0, "an entry of another file system"))?;
        if member.kind != EntryKind::File {
            return Err(ReadError::Unsupported { offset: 0, what: "reading what is not a regular file".to_owned() });
        }
        match member.state {
            State::Fine => {}
            State::Overlapping => return Err(corrupt(member.at, "zip members that overlap")),
            State::Malformed => return Err(corrupt(member.at, "a record of the directory of a zip archive")),
        }
        let local = self.local(member)?;
        if local.name_hash != member.name_hash || local.method != member.method || (local.flags ^ member.flags) & 1 != 0
        {
            return Err(corrupt(member.at, "a zip member whose two headers disagree"));
        }
        if let Some(what) = encryption(member) {
            return Err(ReadError::Encrypted { offset: member.at, what });
        }
        let end = local.content_at.checked_add(member.stored).filter(|end| *end <= member.end);
        let end = end.ok_or(corrupt(member.at, "zip members that overlap"))?;
        content::open(&self.image, member, local.content_at, end)
    }
}
