//! The directory of a zip archive: its members, in the order in which it lists them.
//!
//! Source: PKWARE's APPNOTE.TXT 6.3.10, section 4.3.12; Info-ZIP for the modes of UNIX.
//!
//! A name in UTF-8 says so. Others were written by DOS in its code page, or by UNIX and OS X as the bytes that their file
//! systems had, and these are taken as they are.
//!
//! **Invariant:** a record that is not well formed ends the reading, and that is told; the bytes of no two members overlap,
//! or neither can be read.

use std::sync::Arc;

use super::end::Directory;
use super::extra::{self, Stamps};
use super::{Member, State, Zip};
use crate::clock::Zone;
use crate::filesystem::archive::tree::{Growing, Tree, Twins};
use crate::filesystem::code_page;
use crate::filesystem::field::{u8_at, u16_at, u32_at};
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;
use crate::scope::EntryKind;

/// A record, before its name.
const RECORD_BYTES: usize = 46;
/// A member's own header, before its name.
pub(super) const LOCAL_BYTES: u64 = 30;

/// One record of the directory.
pub(super) struct Record<'d> {
    pub(super) head: &'d [u8],
    pub(super) name: &'d [u8],
    pub(super) extra: &'d [u8],
}

impl<'d> Record<'d> {
    /// The first one, and what is behind it.
    fn first(bytes: &'d [u8]) -> Option<(Self, &'d [u8])> {
        let (head, rest) = bytes.split_at_checked(RECORD_BYTES)?;
        if !head.starts_with(b"PK\x01\x02") {
            return None;
        }
        let length = |at| u16_at(head, at).map(usize::from);
        let (name, rest) = rest.split_at_checked(length(28)?)?;
        let (extra, rest) = rest.split_at_checked(length(30)?)?;
        let (_comment, rest) = rest.split_at_checked(length(32)?)?;
        Some((Self { head, name, extra }, rest))
    }

    fn flags(&self) -> u16 {
        u16_at(self.head, 8).unwrap_or(0)
    }

    /// The type that UNIX's mode states; 0 where there is none.
    fn unix_type(&self) -> u32 {
        match u8_at(self.head, 5) {
            Some(3 | 19) => u32_at(self.head, 38).unwrap_or(0) >> 16 & 0o170_000,
            _ => 0,
        }
    }

    /// DOS's attributes say that it is a folder: some writers leave the `/` out.
    fn is_folder_of_dos(&self) -> bool {
        u8_at(self.head, 5) == Some(0) && u32_at(self.head, 38).is_some_and(|attributes| attributes & 0x10 != 0)
    }

    /// What the name means, in UTF-8; what UNIX wrote as it stands.
    fn path(&self) -> Vec<u8> {
        let is_utf8 = self.flags() & 0x0800 != 0;
        if is_utf8 || self.name.is_ascii() {
            return self.name.to_vec();
        }
        if let Some(path) = extra::unicode_path(self.extra, self.name) {
            return path.to_vec();
        }
        if matches!(u8_at(self.head, 5), Some(3 | 19)) {
            return self.name.to_vec();
        }
        self.name.iter().map(|&byte| code_page::sign(byte)).collect::<String>().into_bytes()
    }

    fn member(&self, shift: u64) -> Option<Member> {
        let number = |at| u32_at(self.head, at).map(u64::from);
        let plain = [number(24)?, number(20)?, number(42)?];
        let wide = extra::wide(self.extra, plain.map(|value| value == 0xffff_ffff));
        let mut member = Member {
            kind: EntryKind::File,
            state: State::Fine,
            flags: self.flags(),
            method: u16_at(self.head, 10)?,
            crc: u32_at(self.head, 16)?,
            dos: u32_at(self.head, 12)?,
            size_bytes: 0,
            stored: 0,
            at: 0,
            end: 0,
            name_hash: super::hash(self.name),
            aes_bits: extra::aes(self.extra).map_or(0, |(bits, _)| bits),
            has_more_stamps: extra::has_more_stamps(self.extra),
            stamps: extra::stamps(self.extra, false),
        };
        let Some(wide) = wide else {
            member.state = State::Malformed;
            member.kind = EntryKind::Unreadable;
            return Some(member);
        };
        let [size, stored, at] = plain;
        let [wide_size, wide_stored, wide_at] = wide;
        member.size_bytes = wide_size.unwrap_or(size);
        member.stored = wide_stored.unwrap_or(stored);
        member.at = wide_at.unwrap_or(at).checked_add(shift)?;
        member.kind = match self.unix_type() {
            0o120_000 => EntryKind::Link,
            0o040_000 => EntryKind::Folder,
            0o020_000 | 0o060_000 | 0o010_000 | 0o140_000 => EntryKind::Special,
            _ if self.name.ends_with(b"/") || self.is_folder_of_dos() => EntryKind::Folder,
            _ => EntryKind::File,
        };
        Some(member)
    }
}

/// Reads all records: the members, their tree, and why these are not all.
pub(super) fn read(
    image: Arc<dyn Image>,
    directory: Directory,
    zone: Option<Zone>,
) -> Result<(Zip, Tree, Option<ReadError>), ReadError> {
    let mut bytes = vec![0; usize::try_from(directory.bytes).unwrap_or(0)];
    image.read_at(directory.at, &mut bytes)?;
    // No more than the directory has room for.
    let most = (bytes.len() / RECORD_BYTES).min(limits::ARCHIVE_NODES);
    let stated = usize::try_from(directory.members).unwrap_or(usize::MAX);
    let mut members = Vec::with_capacity(stated.min(most));
    let mut tree = Growing::new(Twins::Neither);
    let mut error = take_all(&bytes, directory, &mut members, &mut tree).err();
    drop(bytes);
    members.shrink_to_fit();
    keep_apart(&mut members, directory.at);
    let (tree, over) = tree.grown();
    error = error.or(over);
    Ok((Zip { image, members, zone }, tree, error))
}

fn take_all(
    bytes: &[u8],
    directory: Directory,
    members: &mut Vec<Member>,
    tree: &mut Growing,
) -> Result<(), ReadError> {
    let corrupt = |rest: &[u8], what| {
        let before = u64::try_from(bytes.len().saturating_sub(rest.len())).unwrap_or(0);
        ReadError::Corrupt { offset: directory.at.saturating_add(before), what }
    };
    let mut rest = bytes;
    while !rest.is_empty() {
        // A signature of the directory may end it.
        if rest.starts_with(b"PK\x05\x05") {
            break;
        }
        let (record, behind) =
            Record::first(rest).ok_or_else(|| corrupt(rest, "a record of the directory of a zip archive"))?;
        let member = record
            .member(directory.shift)
            .ok_or_else(|| corrupt(rest, "a record of the directory of a zip archive"))?;
        let number = u32::try_from(members.len()).ok().filter(|_| members.len() < limits::ARCHIVE_NODES);
        let number = number.ok_or(ReadError::Limit { offset: 0, what: "members and folders of one archive" })?;
        let is_folder = member.kind == EntryKind::Folder;
        if is_folder && member.size_bytes > 0 || !is_folder && record.name.ends_with(b"/") {
            // It has content, and stands where a folder is.
            tree.misplace(&record.path(), number)?;
        } else {
            tree.put(&record.path(), number, is_folder)?;
        }
        members.push(member);
        rest = behind;
    }
    // Old writers of archives with very many members let the number overflow.
    let count = u64::try_from(members.len()).unwrap_or(u64::MAX);
    if count != directory.members && (count & 0xffff) != directory.members {
        return Err(corrupt(rest, "a directory of a zip archive with another number of members than stated"));
    }
    Ok(())
}

/// Each member's bytes end where the next one's begin; those of none are another's too.
fn keep_apart(members: &mut [Member], directory_at: u64) {
    let least_end = |member: &Member| member.at.checked_add(LOCAL_BYTES).and_then(|at| at.checked_add(member.stored));
    let mut order: Vec<u32> = (0..u32::try_from(members.len()).unwrap_or(u32::MAX)).collect();
    let at_of = |members: &[Member], number: u32| {
        usize::try_from(number).ok().and_then(|at| members.get(at)).map_or(u64::MAX, |member| member.at)
    };
    order.retain(|number| {
        usize::try_from(*number).ok().and_then(|at| members.get(at)).is_some_and(|member| member.state == State::Fine)
    });
    order.sort_unstable_by_key(|number| at_of(members, *number));
    // The member before that reaches furthest.
    let (mut reach, mut furthest) = (0_u64, None::<u32>);
    for (place, number) in order.iter().enumerate() {
        let next = place.checked_add(1).and_then(|next| order.get(next));
        let end = next.map_or(directory_at, |next| at_of(members, *next)).min(directory_at);
        let Some(member) = usize::try_from(*number).ok().and_then(|at| members.get_mut(at)) else { continue };
        member.end = end;
        let own_end = least_end(member);
        let overlaps = member.at < reach;
        if overlaps || own_end.is_none_or(|own_end| own_end > end) {
            member.state = State::Overlapping;
        }
        if let Some(before) = furthest.filter(|_| overlaps)
            && let Some(before) = usize::try_from(before).ok().and_then(|at| members.get_mut(at))
        {
            before.state = State::Overlapping;
        }
        let own_end = own_end.unwrap_or(u64::MAX);
        if own_end > reach {
            (reach, furthest) = (own_end, Some(*number));
        }
    }
}

/// Times of a member's own header, where the directory says that there are more of them.
pub(super) fn finer(local_extra: &[u8]) -> Stamps {
    extra::stamps(local_extra, true)
}
