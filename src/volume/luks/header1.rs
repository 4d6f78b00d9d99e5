//! The header of LUKS1 (LUKS1 On-Disk Format Specification 1.2.3).
//!
//! **Invariant:** every number that sizes a read or a derivation is held against a limit before it is used.

use super::derive::Hash;
use super::slot::{Derivation, Digest, Slot};
use super::{Header, printable};
use crate::image::Image;
use crate::limits;
use crate::read_error::ReadError;
use crate::volume::field::{self, text, u32_be};

const SECTOR: u64 = 512;
const ENABLED: u32 = 0x00ac_71f3;

/// Reads the header at the beginning.
pub fn read(image: &dyn Image) -> Result<Header, ReadError> {
    let damaged = || ReadError::Corrupt { offset: 0, what: "the header of LUKS1" };
    let bytes = field::read(image, 0, 592)?.ok_or_else(damaged)?;
    let (Some(cipher), Some(mode), Some(hash_name)) = (text(&bytes, 8, 32), text(&bytes, 40, 32), text(&bytes, 72, 32))
    else {
        return Err(damaged());
    };
    let word = |at| u32_be(&bytes, at).unwrap_or(0);
    let part = |at: usize, length: usize| bytes.get(at..at.saturating_add(length)).unwrap_or_default().to_vec();
    let key_bytes = usize::try_from(word(108)).unwrap_or(usize::MAX);
    if key_bytes == 0 || key_bytes > limits::LUKS_KEY_BYTES {
        return Err(ReadError::Corrupt { offset: 108, what: "the length of a LUKS key" });
    }
    let cipher = format!("{cipher}-{mode}");
    let method = format!("LUKS1 ({})", printable(&cipher));
    let mut header = Header {
        layer: "LUKS1",
        method,
        cipher,
        unit_bytes: 512,
        first_sector: 0,
        offset: u64::from(word(104)).saturating_mul(SECTOR),
        size_bytes: None,
        slots: Vec::new(),
        refusal: None,
    };
    let Some(hash) = Hash::named(hash_name) else {
        header.refuse(format!("with the hash {}", printable(hash_name)));
        return Ok(header);
    };
    let digest = Digest { hash, rounds: word(164), salt: part(132, 32), expected: part(112, 20) };
    for at in (208..592).step_by(48).filter(|at| word(*at) == ENABLED) {
        let stripes = usize::try_from(word(at + 44)).unwrap_or(usize::MAX);
        if stripes == 0 || stripes > limits::LUKS_STRIPES {
            return Err(ReadError::Corrupt { offset: 208, what: "the stripes of a LUKS key slot" });
        }
        header.slots.push(Slot {
            derivation: Derivation::Pbkdf2(hash, word(at + 4)),
            salt: part(at + 8, 32),
            cipher: header.cipher.clone(),
            slot_key_bytes: key_bytes,
            key_bytes,
            offset: u64::from(word(at + 40)).saturating_mul(SECTOR),
            stripes,
            spread: hash,
            digest: digest.clone(),
        });
    }
    Ok(header)
}
