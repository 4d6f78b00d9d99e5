//! One header block of a tar: v7, ustar (POSIX.1-1988), GNU, star.
//!
//! Source: POSIX.1-2017 `pax`, "ustar Interchange Format"; GNU tar's manual, "Basic Tar Format".
//!
//! **Invariant:** a number is exactly what its field says, or none: no field is read beyond its end, and no sign that does
//! not belong there is passed over.

use crate::filesystem::archive::stamp::Stamp;

/// Headers and content stand in blocks of this size.
pub(super) const BLOCK: usize = 512;
/// The same, where it is counted with.
pub(super) const BLOCK_BYTES: u64 = 512;

/// A block that is a header, by its checksum.
pub(super) struct Header<'b> {
    block: &'b [u8],
}

/// By whom a header was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Dialect {
    V7,
    Posix,
    Gnu,
    Star,
}

/// What precedes a file's data in the old sparse format of GNU.
pub(super) struct OldSparse {
    pub(super) runs: Vec<(u64, u64)>,
    /// A block with more of them follows.
    pub(super) has_more: bool,
}

impl<'b> Header<'b> {
    /// A block whose checksum is right.
    pub(super) fn read(block: &'b [u8]) -> Option<Self> {
        let header = Self { block: block.get(..BLOCK)? };
        let stated = octal(header.field(148, 8))?;
        let is_sum = |byte: usize| (148..156).contains(&byte);
        let (mut unsigned, mut signed) = (0_i64, 0_i64);
        for (at, byte) in header.block.iter().enumerate() {
            let byte = if is_sum(at) { b' ' } else { *byte };
            unsigned = unsigned.saturating_add(i64::from(byte));
            // Some old writers summed signed bytes.
            signed = signed.saturating_add(i64::from(i8::from_ne_bytes([byte])));
        }
        (stated == unsigned || stated == signed).then_some(header)
    }

    /// The block says that it is a header, whether or not its checksum is right.
    pub(super) fn is_marked(block: &[u8]) -> bool {
        block.len() >= BLOCK && block.get(257..262) == Some(b"ustar")
    }

    fn field(&self, at: usize, length: usize) -> &'b [u8] {
        at.checked_add(length).and_then(|end| self.block.get(at..end)).unwrap_or_default()
    }

    fn text(&self, at: usize, length: usize) -> &'b [u8] {
        until_nul(self.field(at, length))
    }

    fn dialect(&self) -> Dialect {
        match (self.field(257, 8), self.field(508, 4)) {
            (b"ustar  \0", _) => Dialect::Gnu,
            ([b'u', b's', b't', b'a', b'r', 0, ..], b"tar\0") => Dialect::Star,
            ([b'u', b's', b't', b'a', b'r', 0, ..], _) => Dialect::Posix,
            _ => Dialect::V7,
        }
    }

    /// The member's path.
    pub(super) fn path(&self) -> Vec<u8> {
        let name = self.text(0, 100);
        let prefix = match self.dialect() {
            Dialect::Posix => self.text(345, 155),
            Dialect::Star => self.text(345, 131),
            Dialect::V7 | Dialect::Gnu => &[],
        };
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    /// Where a link leads.
    pub(super) fn link(&self) -> &'b [u8] {
        self.text(157, 100)
    }

    /// The kind of member.
    pub(super) fn flag(&self) -> u8 {
        self.block.get(156).copied().unwrap_or(0)
    }

    /// The bytes that follow, as the header says. A field of blanks is 0.
    pub(super) fn size_bytes(&self) -> Option<u64> {
        let field = self.field(124, 12);
        let size = if is_blank(field) { Some(0) } else { number(field) };
        size.and_then(|size| u64::try_from(size).ok())
    }

    /// Modified, accessed and changed, each where the header has it.
    pub(super) fn stamps(&self) -> [Stamp; 3] {
        let stamp = |at| {
            let field = self.field(at, 12);
            Stamp::at(number(field).filter(|_| !is_blank(field)))
        };
        let (accessed, changed) = match self.dialect() {
            Dialect::Gnu => (stamp(345), stamp(357)),
            Dialect::Star => (stamp(476), stamp(488)),
            Dialect::V7 | Dialect::Posix => (Stamp::NONE, Stamp::NONE),
        };
        [stamp(136), accessed, changed]
    }

    /// Of a member in GNU's old sparse format: its real size, and the first of its runs. None where a number is none.
    pub(super) fn old_sparse(&self) -> Option<(u64, OldSparse)> {
        let real = u64::try_from(number(self.field(483, 12))?).ok()?;
        let has_more = self.field(482, 1) != [0];
        Some((real, OldSparse { runs: runs(self.field(386, 4 * 24))?, has_more }))
    }
}

/// A block with more runs of GNU's old sparse format.
pub(super) fn more_sparse(block: &[u8]) -> Option<OldSparse> {
    Some(OldSparse { runs: runs(block.get(..21 * 24)?)?, has_more: block.get(504)? != &0 })
}

/// Runs until the first empty place.
fn runs(places: &[u8]) -> Option<Vec<(u64, u64)>> {
    let mut runs = Vec::new();
    for place in places.chunks_exact(24) {
        let (offset, length) = place.split_at(12);
        if length.first() == Some(&0) {
            break;
        }
        runs.push((u64::try_from(number(offset)?).ok()?, u64::try_from(number(length)?).ok()?));
    }
    Some(runs)
}

/// The bytes before the first zero byte.
pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn is_blank(field: &[u8]) -> bool {
    field.iter().all(|byte| matches!(byte, 0 | b' '))
}

/// A number: octal, or in base 256 where the first bit says so.
fn number(field: &[u8]) -> Option<i64> {
    match field.split_first() {
        Some((first, rest)) if first & 0x80 != 0 => {
            // The first bit is the mark, the second one the sign.
            let is_negative = first & 0x40 != 0;
            let lead = if is_negative { i128::from(first | 0x80) - 0x100 } else { i128::from(first & 0x3f) };
            let mut value = lead;
            for byte in rest {
                value = value.checked_mul(256)?.checked_add(i128::from(*byte))?;
            }
            i64::try_from(value).ok()
        }
        _ => octal(field),
    }
}

/// Octal digits between blanks.
fn octal(field: &[u8]) -> Option<i64> {
    let digits = until_nul(field.trim_ascii_start()).trim_ascii();
    if digits.is_empty() || !digits.iter().all(|digit| (b'0'..=b'7').contains(digit)) {
        return None;
    }
    digits.iter().try_fold(0_i64, |value, digit| value.checked_mul(8)?.checked_add(i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_octal_or_base_256_or_none() {
        for (field, expected) in [
            (b"0000644\0".as_slice(), Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"777777777777", Some(0o777_777_777_777)),
            (b"0000648\0", None),
            (b"-1\0", None),
            (b"        ", None),
            (b"\x80\0\0\0\0\0\0\x01\0\0\0\0", Some(1 << 32)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", Some(-2)),
            (b"\x80\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
        ] {
            assert_eq!(number(field), expected, "{}", field.escape_ascii());
        }
    }
}
