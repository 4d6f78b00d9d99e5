//! A key slot: where it keeps the volume's key, spread and encrypted under a passphrase.
//!
//! **Invariant:** the volume's key is handed out only where the header's digest of it is right.

use std::sync::Arc;

use super::cipher::Cipher;
use super::derive::{Budget, Cost, Hash};
use crate::image::Image;
use crate::read_error::ReadError;
use crate::volume::field;

/// How a passphrase becomes the slot's key.
#[derive(Debug, Clone)]
pub enum Derivation {
    /// PBKDF2 with so many rounds.
    Pbkdf2(Hash, u32),
    /// Argon2.
    Argon2(Cost),
}

/// A key slot in use.
#[derive(Debug, Clone)]
pub struct Slot {
    /// How the passphrase becomes the slot's key.
    pub derivation: Derivation,
    /// What it is salted with.
    pub salt: Vec<u8>,
    /// The cipher of the slot.
    pub cipher: String,
    /// The length of the slot's own key.
    pub slot_key_bytes: usize,
    /// The length of the volume's key.
    pub key_bytes: usize,
    /// Where the spread key is, in bytes.
    pub offset: u64,
    /// Over how many stripes it is spread.
    pub stripes: usize,
    /// The hash that it is spread with.
    pub spread: Hash,
    /// What the volume's key must digest to.
    pub digest: Digest,
}

/// A digest of a volume's key.
#[derive(Debug, Clone)]
pub struct Digest {
    /// The hash of its PBKDF2.
    pub hash: Hash,
    /// Its rounds.
    pub rounds: u32,
    /// Its salt.
    pub salt: Vec<u8>,
    /// The digest.
    pub expected: Vec<u8>,
}

impl Slot {
    /// The volume's key; none where the secret is another one's.
    pub fn open(
        &self,
        image: &Arc<dyn Image>,
        secret: &[u8],
        budget: &mut Budget,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        let length = self.stripes.saturating_mul(self.key_bytes);
        let corrupt = |what| ReadError::Corrupt { offset: self.offset, what };
        let spread = field::read(image.as_ref(), self.offset, length.next_multiple_of(512))?;
        let mut spread = spread.ok_or_else(|| corrupt("a LUKS key slot behind the end"))?;
        let slot_key = match &self.derivation {
            Derivation::Pbkdf2(hash, rounds) => {
                hash.pbkdf2(secret, &self.salt, *rounds, self.slot_key_bytes, budget)?
            }
            Derivation::Argon2(cost) => cost.argon2(secret, &self.salt, self.slot_key_bytes, budget)?,
        };
        let what = || format!("a LUKS key slot ({})", super::printable(&self.cipher));
        let unsupported = || ReadError::Unsupported { offset: self.offset, what: what() };
        Cipher::new(&self.cipher, &slot_key).ok_or_else(unsupported)?.decrypt(0, 512, &mut spread);
        let key = self.spread.merged(spread.get(..length).unwrap_or_default(), self.key_bytes);
        let digest = &self.digest;
        let found = digest.hash.pbkdf2(&key, &digest.salt, digest.rounds, digest.expected.len(), budget)?;
        Ok((found == digest.expected).then_some(key))
    }
}
