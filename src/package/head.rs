//! What a tar header says, read from any tar: the reader holds it against what ours would say.
//!
//! **Invariant:** a number is read whole or not at all; nothing here trusts one.

use super::layout::{self, BLOCK_BYTES};

/// What a header block says, of that what we heed.
pub(super) struct Head {
    pub(super) name: Vec<u8>,
    pub(super) size_bytes: u64,
    pub(super) kind: u8,
    pub(super) checksum_holds: bool,
}

impl Head {
    /// None where it has not tar's magic or its size is not octal. A prefix is read as POSIX says, so that a foreign tar's
    /// names come out right.
    pub(super) fn read(block: &[u8; BLOCK_BYTES]) -> Option<Self> {
        if block.get(257..262)? != b"ustar" {
            return None;
        }
        let size_bytes = octal(block.get(124..136)?)?;
        let (name, prefix) = (text(block.get(..100)?), text(block.get(345..500)?));
        let name = if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() };
        let kind = match *block.get(156)? {
            // The old way to say "regular file"; the header still differs from ours, which is noted.
            0 => b'0',
            kind => kind,
        };
        let stated = octal(block.get(148..156)?);
        let summed = block
            .iter()
            .enumerate()
            .map(|(place, &byte)| if (148..156).contains(&place) { 32 } else { u64::from(byte) })
            .sum::<u64>();
        Some(Self { name, size_bytes, kind, checksum_holds: stated == Some(summed) })
    }
}

/// A field up to its first zero.
fn text(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// An octal number, spaces or zeros around it.
fn octal(field: &[u8]) -> Option<u64> {
    let digits = text(field).trim_ascii();
    if digits.is_empty() || !digits.iter().all(|byte| (b'0'..=b'7').contains(byte)) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}

/// The size that a pax record states, if it is the one record that we write.
pub(super) fn size_of_pax(record: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(record).ok()?;
    let (_, value) = text.strip_suffix('\n')?.split_once(" size=")?;
    let size = value.parse().ok()?;
    (layout::pax_size(size) == record).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_and_a_size_that_is_no_number_does_not() {
        let mut block: [u8; BLOCK_BYTES] = layout::header(b"a/x", 1234).try_into().unwrap();
        let head = Head::read(&block).unwrap();
        assert_eq!((head.name.as_slice(), head.size_bytes, head.kind), (&b"a/x"[..], 1234, b'0'));
        assert!(head.checksum_holds);
        for size in [&b"\x80\0\0\0\0\0\0\0\0\0\x04\xd2"[..], b"           \0", b"0000000008\0\0", b"-0000000001\0"] {
            block[124..136].copy_from_slice(size);
            assert!(Head::read(&block).is_none(), "{size:?}");
        }
    }

    #[test]
    fn only_our_own_pax_record_states_a_size() {
        assert_eq!(size_of_pax(&layout::pax_size(u64::MAX)), Some(u64::MAX));
        for record in [
            &b"24 size=08589934592\n"[..],
            b"20 size=8589934592\n21 size=1\n",
            b"99 size=8589934592\n",
            b"size=1\n",
            b"",
        ] {
            assert_eq!(size_of_pax(record), None, "{record:?}");
        }
    }
}
