//! The ciphers of encrypted volumes, by the names that dm-crypt gives them: AES in the modes XTS, CBC and ECB.
//!
//! **Invariant:** bytes are decrypted by exactly the cipher that the header names, or not at all.

use aes::cipher::{
    Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockSizeUser, InnerIvInit, KeyInit,
};
use aes::{Aes128, Aes192, Aes256};
use cbc::Decryptor;
use sha2::{Digest as _, Sha256};
use xts_mode::Xts128;

/// The sectors that initial vectors count in, whatever the size of an encrypted unit (dm-crypt without
/// `iv_large_sectors`).
const IV_SECTOR: usize = 512;
const BLOCK: usize = 16;

/// How a sector's number becomes an initial vector.
enum Vector {
    /// 32 bits of it, little-endian.
    Plain,
    /// 64 bits of it, little-endian.
    Plain64,
    /// 64 bits of it, encrypted with a hash of the key.
    Essiv(Box<Aes256>),
}

enum Aes {
    Short(Aes128),
    Middle(Aes192),
    Long(Aes256),
}

enum Mode {
    Ecb(Aes),
    Cbc(Aes, Vector),
    XtsShort(Box<Xts128<Aes128>>, Vector),
    XtsLong(Box<Xts128<Aes256>>, Vector),
}

/// A cipher with its key.
pub struct Cipher(Mode);

impl Cipher {
    /// By name (`aes-xts-plain64`) and key; none where this version has no such cipher or the key's length does not fit.
    pub fn new(name: &str, key: &[u8]) -> Option<Self> {
        let mode = name.strip_prefix("aes-")?;
        // A vector that is named beside it is not used (dm-crypt; QEMU writes one).
        if mode == "ecb" || mode.starts_with("ecb-") {
            return Some(Self(Mode::Ecb(Aes::new(key)?)));
        }
        let (chaining, vector) = mode.split_once('-')?;
        let vector = match vector {
            "plain" => Vector::Plain,
            "plain64" => Vector::Plain64,
            "essiv:sha256" if chaining == "cbc" => {
                Vector::Essiv(Box::new(Aes256::new_from_slice(&Sha256::digest(key)).ok()?))
            }
            _ => return None,
        };
        let half = key.len() / 2;
        match (chaining, key.len()) {
            ("cbc", _) => Some(Self(Mode::Cbc(Aes::new(key)?, vector))),
            ("xts", 32) => {
                let (first, second) = key.split_at_checked(half)?;
                let (first, second) = (Aes128::new_from_slice(first).ok()?, Aes128::new_from_slice(second).ok()?);
                Some(Self(Mode::XtsShort(Box::new(Xts128::new(first, second)), vector)))
            }
            ("xts", 64) => {
                let (first, second) = key.split_at_checked(half)?;
                let (first, second) = (Aes256::new_from_slice(first).ok()?, Aes256::new_from_slice(second).ok()?);
                Some(Self(Mode::XtsLong(Box::new(Xts128::new(first, second)), vector)))
            }
            _ => None,
        }
    }

    /// Decrypts whole units of `unit_bytes`, of which the first begins at this sector of 512 bytes. What is left behind the
    /// last whole unit stays as it is: a caller gives whole units.
    pub fn decrypt(&self, first: u64, unit_bytes: usize, bytes: &mut [u8]) {
        let step = u64::try_from(unit_bytes / IV_SECTOR).unwrap_or(1).max(1);
        let mut sector = first;
        for unit in bytes.chunks_exact_mut(unit_bytes.max(IV_SECTOR)) {
            self.unit(sector, unit);
            sector = sector.wrapping_add(step);
        }
    }

    fn unit(&self, sector: u64, unit: &mut [u8]) {
        match &self.0 {
            Mode::Ecb(aes) => aes.ecb(unit),
            Mode::Cbc(aes, vector) => aes.cbc(&vector.of(sector), unit),
            Mode::XtsShort(xts, vector) => xts.decrypt_sector(unit, Array(vector.of(sector))),
            Mode::XtsLong(xts, vector) => xts.decrypt_sector(unit, Array(vector.of(sector))),
        }
    }
}

impl Vector {
    fn of(&self, sector: u64) -> [u8; BLOCK] {
        let counted = if matches!(self, Self::Plain) { sector & u64::from(u32::MAX) } else { sector };
        let plain = u128::from(counted).to_le_bytes();
        match self {
            Self::Plain | Self::Plain64 => plain,
            Self::Essiv(aes) => {
                let mut block = Array(plain);
                aes.encrypt_block(&mut block);
                block.0
            }
        }
    }
}

impl Aes {
    fn new(key: &[u8]) -> Option<Self> {
        match key.len() {
            16 => Aes128::new_from_slice(key).ok().map(Self::Short),
            24 => Aes192::new_from_slice(key).ok().map(Self::Middle),
            32 => Aes256::new_from_slice(key).ok().map(Self::Long),
            _ => None,
        }
    }

    fn ecb(&self, unit: &mut [u8]) {
        let (blocks, _) = Array::slice_as_chunks_mut(unit);
        match self {
            Self::Short(aes) => aes.decrypt_blocks(blocks),
            Self::Middle(aes) => aes.decrypt_blocks(blocks),
            Self::Long(aes) => aes.decrypt_blocks(blocks),
        }
    }

    fn cbc(&self, vector: &[u8; BLOCK], unit: &mut [u8]) {
        match self {
            Self::Short(aes) => chained(aes, vector, unit),
            Self::Middle(aes) => chained(aes, vector, unit),
            Self::Long(aes) => chained(aes, vector, unit),
        }
    }
}

fn chained<C>(aes: &C, vector: &[u8; BLOCK], unit: &mut [u8])
where
    C: BlockCipherDecrypt + Clone + BlockSizeUser<BlockSize = aes::cipher::consts::U16>,
{
    let (blocks, _) = Array::slice_as_chunks_mut(unit);
    Decryptor::inner_iv_init(aes.clone(), &Array(*vector)).decrypt_blocks(blocks);
}
