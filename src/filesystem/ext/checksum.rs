//! CRC-32C as ext4 and its journal use it (Castagnoli, reflected, no final inversion), and the CRC-32 of older journals.
//!
//! **Invariant:** bytes are little-endian as they stand on the disk.

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ 0x82f6_3b78 } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

/// Continues a checksum over `bytes`; it begins with `!0`.
pub(in crate::filesystem) fn crc32c(start: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(start, |crc, &byte| {
        let index = usize::from(crc.to_le_bytes()[0] ^ byte);
        // OK: the index is a byte and the table has 256 entries.
        crc >> 8 ^ TABLE.get(index).copied().unwrap_or(0)
    })
}

/// Continues the older journals' CRC-32 (IEEE 802.3, most significant bit first, no final inversion) over `bytes`.
pub(super) fn crc32_be(start: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(start, |crc, &byte| {
        (0..8)
            .fold(crc ^ u32::from(byte) << 24, |crc, _| if crc >> 31 == 1 { crc << 1 ^ 0x04c1_1db7 } else { crc << 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        // RFC 3720, B.4, with its final inversion taken back.
        assert_eq!(!crc32c(!0, &[0; 32]), 0x8a91_36aa);
        assert_eq!(!crc32c(!0, b"123456789"), 0xe306_9283);
    }

    #[test]
    fn the_older_checksum_is_that_of_bzip2() {
        assert_eq!(!crc32_be(!0, b"123456789"), 0xfc89_1918);
    }
}
