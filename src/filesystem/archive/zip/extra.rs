//! The extra fields of a member of a zip archive.
//!
//! Source: PKWARE's APPNOTE.TXT 6.3.10, sections 4.5 and 4.6; Info-ZIP's `proginfo/extrafld.txt`.
//!
//! **Invariant:** a field that reaches beyond its member's extra fields is no field.

use crate::filesystem::archive::stamp::Stamp;
use crate::filesystem::field::{u8_at, u16_at, u32_at, u64_at};

/// Modified, accessed and created.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamps {
    pub(super) modified: Stamp,
    pub(super) accessed: Stamp,
    pub(super) created: Stamp,
}

impl Stamps {
    pub(super) const NONE: Self = Self { modified: Stamp::NONE, accessed: Stamp::NONE, created: Stamp::NONE };

    /// These, and those of another where they lack one.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            modified: self.modified.or(other.modified),
            accessed: self.accessed.or(other.accessed),
            created: self.created.or(other.created),
        }
    }
}

/// The first extra field of a kind.
pub(super) fn find(extra: &[u8], kind: u16) -> Option<&[u8]> {
    let mut rest = extra;
    loop {
        let length = usize::from(u16_at(rest, 2)?);
        let (field, behind) = rest.get(4..)?.split_at_checked(length)?;
        if u16_at(rest, 0)? == kind {
            return Some(field);
        }
        rest = behind;
    }
}

/// The sizes and the place that do not fit into 32 bits: size, stored size, place, each only where it is needed.
pub(super) fn wide(extra: &[u8], needs: [bool; 3]) -> Option<[Option<u64>; 3]> {
    let field = find(extra, 0x0001).unwrap_or_default();
    let mut at = 0;
    let mut wide = [None; 3];
    for (value, is_needed) in wide.iter_mut().zip(needs) {
        if is_needed {
            *value = Some(u64_at(field, at)?);
            at += 8;
        }
    }
    Some(wide)
}

/// The name in UTF-8 that Info-ZIP puts beside one in another code; it holds only for the very name that it was made for.
pub(super) fn unicode_path<'e>(extra: &'e [u8], name: &[u8]) -> Option<&'e [u8]> {
    let field = find(extra, 0x7075)?;
    let mut sum = flate2::Crc::new();
    sum.update(name);
    let is_its_own = u8_at(field, 0) == Some(1) && u32_at(field, 1) == Some(sum.sum());
    field.get(5..).filter(|path| is_its_own && std::str::from_utf8(path).is_ok())
}

/// The strength of WinZip's encryption by AES, in bits, and the real method.
pub(super) fn aes(extra: &[u8]) -> Option<(u16, u16)> {
    let field = find(extra, 0x9901)?;
    let bits = match u8_at(field, 4)? {
        1 => 128,
        2 => 192,
        3 => 256,
        _ => return None,
    };
    Some((bits, u16_at(field, 5)?))
}

/// The member's own header holds times that the directory does not.
pub(super) fn has_more_stamps(extra: &[u8]) -> bool {
    find(extra, 0x5455).and_then(|field| u8_at(field, 0)).is_some_and(|flags| flags & 6 != 0)
}

/// Its times, the finest first; `is_local`: the member's own header, where all of them stand.
pub(super) fn stamps(extra: &[u8], is_local: bool) -> Stamps {
    ntfs(extra).or(extended(extra, is_local)).or(unix(extra))
}

/// NTFS's own, in steps of 100 ns.
fn ntfs(extra: &[u8]) -> Stamps {
    let read = || {
        let times = find(find(extra, 0x000a)?.get(4..)?, 0x0001)?;
        let stamp = |at| u64_at(times, at).map_or(Stamp::NONE, Stamp::ntfs);
        Some(Stamps { modified: stamp(0), accessed: stamp(8), created: stamp(16) })
    };
    read().unwrap_or(Stamps::NONE)
}

/// Info-ZIP's: flags, and then those of modified, accessed and created that there are, in seconds.
fn extended(extra: &[u8], is_local: bool) -> Stamps {
    let Some(field) = find(extra, 0x5455) else { return Stamps::NONE };
    let flags = u8_at(field, 0).unwrap_or(0);
    let mut at = 1;
    let mut next = |is_there: bool| {
        let seconds = u32_at(field, at).filter(|_| is_there);
        at += if is_there { 4 } else { 0 };
        // The field is signed.
        Stamp::at(seconds.map(|seconds| i64::from(seconds.cast_signed())))
    };
    let modified = next(flags & 1 != 0);
    // The directory's flags speak of the other header; it holds `modified` alone.
    let accessed = next(is_local && flags & 2 != 0);
    let created = next(is_local && flags & 4 != 0);
    Stamps { modified, accessed, created }
}

/// Two older fields that begin alike: accessed and modified, in seconds.
fn unix(extra: &[u8]) -> Stamps {
    let Some(field) = find(extra, 0x5855).or_else(|| find(extra, 0x000d)) else { return Stamps::NONE };
    let stamp = |at| Stamp::at(u32_at(field, at).map(|seconds| i64::from(seconds.cast_signed())));
    Stamps { modified: stamp(4), accessed: stamp(0), created: Stamp::NONE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_reaches_too_far_is_none() {
        let extra = b"\x55\x54\x05\x00\x01\x01\x00\x00\x00\x0a\x00\xff\x00\x00";
        assert_eq!(find(extra, 0x5455), Some(b"\x01\x01\x00\x00\x00".as_slice()));
        assert_eq!(find(extra, 0x000a), None);
        assert_eq!(stamps(extra, false).modified, Stamp::new(1, 0));
        assert_eq!(wide(extra, [true, false, false]), None);
        assert_eq!(wide(b"\x01\x00\x08\x00\x09\0\0\0\0\0\0\0", [false, true, false]), Some([None, Some(9), None]));
    }

    #[test]
    fn accessed_and_created_stand_in_the_members_own_header_alone() {
        let extra = b"\x55\x54\x0d\x00\x07\x01\0\0\0\x02\0\0\0\x03\0\0\0";
        let [modified, accessed, created] = [1, 2, 3].map(|seconds| Stamp::new(seconds, 0));
        assert_eq!(stamps(extra, true), Stamps { modified, accessed, created });
        assert_eq!(stamps(extra, false), Stamps { modified, accessed: Stamp::NONE, created: Stamp::NONE });
        assert!(has_more_stamps(extra));
    }
}
