//! The four checksums that btrfs knows, and the hash of a name.
//!
//! **Invariant:** what is compared is as long as the algorithm's result; a slice of another length never holds.

use blake2::Digest as _;

/// The longest of them, in bytes.
pub(super) const LONGEST: usize = 32;

/// An algorithm, as the superblock's `csum_type` names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Checksum {
    /// CRC-32C.
    Crc32c,
    /// XXH64, seed 0.
    Xxhash,
    /// SHA-256.
    Sha256,
    /// BLAKE2b with 256 bits.
    Blake2b,
}

impl Checksum {
    /// By its number on the disk.
    pub(super) fn numbered(number: u16) -> Option<Self> {
        [Self::Crc32c, Self::Xxhash, Self::Sha256, Self::Blake2b].get(usize::from(number)).copied()
    }

    /// How many bytes its result has.
    pub(super) fn size_bytes(self) -> usize {
        match self {
            Self::Crc32c => 4,
            Self::Xxhash => 8,
            Self::Sha256 | Self::Blake2b => LONGEST,
        }
    }

    /// `stored` is the checksum of `bytes`.
    pub(super) fn holds(self, bytes: &[u8], stored: &[u8]) -> bool {
        match self {
            Self::Crc32c => stored == crc32c::crc32c(bytes).to_le_bytes(),
            Self::Xxhash => stored == xxhash_rust::xxh64::xxh64(bytes, 0).to_le_bytes(),
            Self::Sha256 => stored == <sha2::Sha256 as sha2::Digest>::digest(bytes).as_slice(),
            Self::Blake2b => stored == blake2::Blake2b::<blake2::digest::consts::U32>::digest(bytes).as_slice(),
        }
    }
}

/// Where a name stands among the `DIR_ITEM`s of a folder (`btrfs_name_hash`): CRC-32C without its inversions.
pub(super) fn name_hash(name: &[u8]) -> u64 {
    u64::from(raw(!1, name))
}

/// Where a name stands among the `INODE_EXTREF`s of an inode (`btrfs_extref_hash`).
pub(super) fn reference_hash(folder: u64, name: &[u8]) -> u64 {
    // The kernel's checksum begins with 32 bits.
    u64::from(raw(u32::try_from(folder & 0xffff_ffff).unwrap_or(0), name))
}

fn raw(start: u32, bytes: &[u8]) -> u32 {
    !crc32c::crc32c_append(!start, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_checksum_is_that_of_its_document() {
        // RFC 3720 B.4; the xxHash repository's own test; FIPS 180-4 and RFC 7693 by the empty message.
        assert!(Checksum::Crc32c.holds(b"123456789", &0xe306_9283_u32.to_le_bytes()));
        assert!(Checksum::Xxhash.holds(b"", &0xef46_db37_51d8_e999_u64.to_le_bytes()));
        let begins = |checksum: Checksum, hex: [u8; 4]| {
            let found = match checksum {
                Checksum::Sha256 => <sha2::Sha256 as sha2::Digest>::digest(b"").to_vec(),
                _ => blake2::Blake2b::<blake2::digest::consts::U32>::digest(b"").to_vec(),
            };
            checksum.holds(b"", &found) && found.starts_with(&hex) && !checksum.holds(b"a", &found)
        };
        assert!(begins(Checksum::Sha256, [0xe3, 0xb0, 0xc4, 0x42]));
        assert!(begins(Checksum::Blake2b, [0x0e, 0x57, 0x51, 0xc0]));
        assert_eq!(Checksum::numbered(4), None);
    }

    #[test]
    fn the_hash_of_a_name_is_the_kernels() {
        // The key of the root tree's own entry, as every btrfs has it.
        assert_eq!(name_hash(b"default"), 2_378_154_706);
    }
}
