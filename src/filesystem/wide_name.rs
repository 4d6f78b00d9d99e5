//! Names that a file system stores in UTF-16, as bytes.
//!
//! They become UTF-8. Half of a surrogate pair that stands alone, which no UTF-8 has, becomes the three bytes that its
//! number would have (WTF-8): two names stay two.
//!
//! **Invariant:** different units give different bytes.

/// The name's bytes.
pub(super) fn of_units(units: impl IntoIterator<Item = u16>) -> Vec<u8> {
    let mut name = Vec::new();
    for sign in char::decode_utf16(units) {
        match sign {
            Ok(sign) => name.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(alone) => {
                let [high, low] = alone.unpaired_surrogate().to_be_bytes();
                name.extend([0xe0 | high >> 4, 0x80 | (high & 0xf) << 2 | low >> 6, 0x80 | low & 0x3f]);
            }
        }
    }
    name
}

/// The name's bytes, of units stored in little-endian order.
pub(super) fn of_bytes(bytes: &[u8]) -> Vec<u8> {
    of_units(bytes.chunks_exact(2).map(|unit| unit.iter().rev().fold(0, |value, byte| value << 8 | u16::from(*byte))))
}

/// A name that a file can have: not empty, not `.` or `..`, and without the bytes that no name has.
pub(super) fn is_possible(name: &[u8]) -> bool {
    !name.is_empty() && name != b"." && name != b".." && !name.contains(&b'/') && !name.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_pair_keeps_its_number_and_a_pair_is_one_sign() {
        for (units, bytes) in [
            (vec![0x61, 0xe9, 0x20ac], "a\u{e9}\u{20ac}".as_bytes()),
            (vec![0xd83d, 0xde00], "\u{1f600}".as_bytes()),
            (vec![0xd83d], b"\xed\xa0\xbd"),
            (vec![0xde00, 0xd83d], b"\xed\xb8\x80\xed\xa0\xbd"),
            (vec![0xfffd], b"\xef\xbf\xbd"),
        ] {
            assert_eq!(of_units(units.clone()), bytes, "{units:x?}");
            let stored: Vec<u8> = units.iter().flat_map(|unit: &u16| unit.to_le_bytes()).collect();
            assert_eq!(of_bytes(&stored), bytes, "{units:x?}");
        }
    }
}
