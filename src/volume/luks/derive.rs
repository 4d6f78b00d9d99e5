//! From a passphrase to the key of a key slot: PBKDF2 and Argon2, and the splitter that spreads a key over many sectors.
//!
//! A header states itself how much work its keys are. What all keys and all slots of one volume may cost is bounded by
//! counts, not by a clock, so that the same image opens or does not open on every machine.
//!
//! **Invariant:** no derivation begins that would pass the limits on work or memory.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::limits;
use crate::read_error::ReadError;

/// What may still be spent on one volume.
pub struct Budget {
    rounds: u64,
    argon2_kib: u64,
}

impl Budget {
    /// All of it.
    pub fn new() -> Self {
        Self { rounds: limits::LUKS_ROUNDS, argon2_kib: limits::LUKS_ARGON2_WORK_KIB }
    }

    fn spend(left: &mut u64, cost: u64, what: &'static str) -> Result<(), ReadError> {
        *left = left.checked_sub(cost).ok_or(ReadError::Limit { offset: 0, what })?;
        Ok(())
    }
}

/// A hash function of a LUKS header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// By its name; none where this version does not have it.
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "sha1" => Some(Self::Sha1),
            "sha224" => Some(Self::Sha224),
            "sha256" => Some(Self::Sha256),
            "sha384" => Some(Self::Sha384),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// Puts a split key together again (LUKS1 on-disk format, chapter 2.4). `material` is `stripes` times the key's length.
    pub fn merged(self, material: &[u8], key_bytes: usize) -> Vec<u8> {
        match self {
            Self::Sha1 => merged::<Sha1>(material, key_bytes),
            Self::Sha224 => merged::<Sha224>(material, key_bytes),
            Self::Sha256 => merged::<Sha256>(material, key_bytes),
            Self::Sha384 => merged::<Sha384>(material, key_bytes),
            Self::Sha512 => merged::<Sha512>(material, key_bytes),
        }
    }

    /// PBKDF2 with HMAC of this hash.
    pub fn pbkdf2(
        self,
        secret: &[u8],
        salt: &[u8],
        rounds: u32,
        length: usize,
        budget: &mut Budget,
    ) -> Result<Vec<u8>, ReadError> {
        let digest_bytes = match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        };
        let blocks = u64::try_from(length.div_ceil(digest_bytes)).unwrap_or(u64::MAX);
        Budget::spend(&mut budget.rounds, u64::from(rounds).saturating_mul(blocks), "rounds of PBKDF2 for one volume")?;
        let mut key = vec![0; length];
        match self {
            Self::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(secret, salt, rounds, &mut key),
            Self::Sha224 => pbkdf2::pbkdf2_hmac::<Sha224>(secret, salt, rounds, &mut key),
            Self::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(secret, salt, rounds, &mut key),
            Self::Sha384 => pbkdf2::pbkdf2_hmac::<Sha384>(secret, salt, rounds, &mut key),
            Self::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(secret, salt, rounds, &mut key),
        }
        Ok(key)
    }
}

fn merged<D: Digest>(material: &[u8], key_bytes: usize) -> Vec<u8> {
    let mut key = vec![0; key_bytes];
    let mut stripes = material.chunks_exact(key_bytes.max(1)).peekable();
    while let Some(stripe) = stripes.next() {
        key.iter_mut().zip(stripe).for_each(|(key, byte)| *key ^= byte);
        if stripes.peek().is_some() {
            diffuse::<D>(&mut key);
        }
    }
    key
}

/// Each part of the key that is as long as a digest becomes the digest of its number and itself.
fn diffuse<D: Digest>(key: &mut [u8]) {
    for (number, part) in (0_u32..).zip(key.chunks_mut(<D as Digest>::output_size())) {
        let digest = D::new().chain_update(number.to_be_bytes()).chain_update(&*part).finalize();
        part.iter_mut().zip(digest).for_each(|(byte, hashed)| *byte = hashed);
    }
}

/// What an Argon2 key slot asks for.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// `argon2id`, not `argon2i`.
    pub is_id: bool,
    /// Passes.
    pub passes: u32,
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// Argon2 (RFC 9106).
    pub fn argon2(self, secret: &[u8], salt: &[u8], length: usize, budget: &mut Budget) -> Result<Vec<u8>, ReadError> {
        let limit = |what| ReadError::Limit { offset: 0, what };
        if self.memory_kib > limits::LUKS_ARGON2_MEMORY_KIB || self.lanes > limits::LUKS_ARGON2_LANES {
            return Err(limit("memory or lanes of Argon2"));
        }
        let work = u64::from(self.memory_kib).saturating_mul(u64::from(self.passes));
        Budget::spend(&mut budget.argon2_kib, work, "work of Argon2 for one volume")?;
        let wrong = || ReadError::Corrupt { offset: 0, what: "the cost of an Argon2 key slot" };
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(length)).map_err(|_| wrong())?;
        let mut memory: Vec<Block> = Vec::new();
        let blocks = params.block_count();
        memory.try_reserve_exact(blocks).map_err(|_| limit("memory for Argon2 on this machine"))?;
        memory.resize(blocks, Block::default());
        let algorithm = if self.is_id { Algorithm::Argon2id } else { Algorithm::Argon2i };
        let mut key = vec![0; length];
        Argon2::new(algorithm, Version::V0x13, params)
            .hash_password_into_with_memory(secret, salt, &mut key, &mut memory)
            .map_err(|_| wrong())?;
        Ok(key)
    }
}
