//! The header block of a tar member (POSIX.1 ustar; GNU tar's manual, "Basic Tar Format").
//!
//! **Invariant:** a block whose checksum does not hold is no header.

use super::BLOCK_BYTES;

/// A header block.
pub(super) struct Header<'a>(pub(super) &'a [u8; BLOCK_BYTES]);

/// A number in octal digits, or in base 256 where its first bit is set. None where it is neither.
pub(super) fn number(field: &[u8]) -> Option<i64> {
    let (&first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        // Two's complement; the first bit says only that it is one of these.
        let start = if first & 0x40 != 0 { i64::from(first) - 256 } else { i64::from(first & 0x3f) };
        return rest.iter().try_fold(start, |value, &byte| value.checked_mul(256)?.checked_add(i64::from(byte)));
    }
    let digits = field.iter().skip_while(|&&byte| byte == b' ' || byte == 0);
    let digits: Vec<u8> = digits.copied().take_while(|&byte| byte != b' ' && byte != 0).collect();
    digits.iter().try_fold(0_i64, |value, &digit| {
        (b'0'..=b'7').contains(&digit).then(|| value.checked_mul(8)?.checked_add(i64::from(digit - b'0'))).flatten()
    })
}

/// What stands before the first zero.
fn text(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or_default()
}

impl Header<'_> {
    fn field(&self, from: usize, length: usize) -> &[u8] {
        self.0.get(from..from + length).unwrap_or_default()
    }

    /// The sum of its bytes is what it states, taken as unsigned or, as old programs did, as signed ones.
    pub(super) fn holds(&self) -> bool {
        let field = self.field(148, 8);
        let Some(stated) = number(field).filter(|_| field.iter().any(u8::is_ascii_digit)) else { return false };
        let bytes = || self.0.iter().enumerate().map(|(at, &byte)| if (148..156).contains(&at) { b' ' } else { byte });
        let unsigned: i64 = bytes().map(i64::from).sum();
        let signed: i64 = bytes().map(|byte| i64::from(i8::from_le_bytes([byte]))).sum();
        stated == unsigned || stated == signed
    }

    pub(super) fn kind(&self) -> u8 {
        self.0.get(156).copied().unwrap_or(0)
    }

    pub(super) fn size_bytes(&self) -> Option<u64> {
        number(self.field(124, 12)).and_then(|size| u64::try_from(size).ok())
    }

    pub(super) fn modified(&self) -> Option<i64> {
        number(self.field(136, 12))
    }

    pub(super) fn link(&self) -> Vec<u8> {
        text(self.field(157, 100)).to_vec()
    }

    /// With the prefix that ustar and star have; GNU keeps other things there.
    pub(super) fn path(&self) -> Vec<u8> {
        let name = text(self.field(0, 100));
        let prefix = if self.field(257, 6) != b"ustar\0" {
            b"".as_slice()
        } else if self.field(508, 4) == b"tar\0" {
            text(self.field(345, 131))
        } else {
            text(self.field(345, 155))
        };
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    /// GNU's own sparse form: four pieces, whether more follow, and the true size.
    pub(super) fn sparse(&self) -> Option<(Vec<(u64, u64)>, bool, u64)> {
        let size = number(self.field(483, 12)).and_then(|size| u64::try_from(size).ok())?;
        Some((pieces(self.field(386, 96))?, self.field(482, 1) != [0], size))
    }
}

/// Pieces of a sparse file in fields of 12 bytes, to the first that is empty.
pub(super) fn pieces(fields: &[u8]) -> Option<Vec<(u64, u64)>> {
    let mut pieces = Vec::new();
    for piece in fields.chunks_exact(24) {
        let (offset, length) = piece.split_at(12);
        if offset.first() == Some(&0) || length.first() == Some(&0) {
            break;
        }
        pieces.push((u64::try_from(number(offset)?).ok()?, u64::try_from(number(length)?).ok()?));
    }
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_octal_or_base_256_or_none() {
        for (field, value) in [
            (b"00000000012\0".as_slice(), Some(10)),
            (b"        12 \0", Some(10)),
            (b"\x80\0\0\0\0\0\0\x02\0\0\0\0", Some(8 << 30)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", Some(-1)),
            (b"0000000009\0\0", None),
            (b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"\0\0\0\0", Some(0)),
        ] {
            assert_eq!(number(field), value, "{}", field.escape_ascii());
        }
    }
}
