//! Encrypted volumes: LUKS1 and LUKS2, opened with a passphrase or the content of a key file.
//!
//! The primitives are RustCrypto's. The headers are read here: what they ask for is bounded before anything is derived, and a
//! volume is decrypted in whole runs, from several threads at once.
//!
//! **Invariant:** a key that is given stands in no error; what opens is only what the header's own digest of its key confirms.

mod cipher;
mod derive;
mod header1;
mod header2;
mod slot;

use std::sync::Arc;

use self::cipher::Cipher;
use self::derive::Budget;
use self::slot::Slot;
use super::Key;
use super::field::{self, stands, u16_be};
use super::mapped::Mapped;
use crate::image::Image;
use crate::read_error::ReadError;

const MARK: &[u8] = b"LUKS\xba\xbe";

/// What a header says.
pub struct Header {
    /// `LUKS1` or `LUKS2`.
    pub layer: &'static str,
    /// With its cipher: `LUKS1 (aes-cbc-essiv:sha256)`.
    pub method: String,
    cipher: String,
    unit_bytes: usize,
    first_sector: u64,
    offset: u64,
    size_bytes: Option<u64>,
    slots: Vec<Slot>,
    /// Why it is not read even with its key.
    refusal: Option<String>,
}

/// Reads a header, if there is one. An error: there is one and it is damaged.
pub fn read(image: &dyn Image) -> Result<Option<Header>, ReadError> {
    let Some(head) = field::read(image, 0, 8)?.filter(|head| stands(head, 0, MARK)) else {
        return Ok(None);
    };
    match u16_be(&head, 6) {
        Some(1) => header1::read(image).map(Some),
        Some(2) => header2::read(image).map(Some),
        _ => Err(ReadError::Unsupported { offset: 6, what: "LUKS of an unknown version".to_owned() }),
    }
}

/// Reads the second header of a LUKS2 volume whose first one is gone.
pub fn read_second(image: &dyn Image) -> Result<Option<Header>, ReadError> {
    if header2::has_second(image)? { header2::read(image).map(Some) } else { Ok(None) }
}

/// What opening came to.
pub enum Opened {
    /// The bytes, and which key it was.
    Bytes(Arc<dyn Image>, usize),
    /// No key that was given fits.
    Locked,
}

impl Header {
    fn refuse(&mut self, what: String) {
        self.refusal.get_or_insert(what);
    }

    /// Tries every key on every slot.
    pub fn open(&self, image: &Arc<dyn Image>, keys: &[Key]) -> Result<Opened, ReadError> {
        if let Some(what) = &self.refusal {
            return Err(ReadError::Unsupported { offset: 0, what: format!("{} {what}", self.layer) });
        }
        let mut budget = Budget::new();
        let mut failed = None;
        for (number, key) in keys.iter().enumerate() {
            for slot in &self.slots {
                match slot.open(image, key.bytes(), &mut budget) {
                    Ok(Some(volume_key)) => return Ok(Opened::Bytes(self.bytes(image, &volume_key)?, number)),
                    Ok(None) => {}
                    Err(error) => failed = Some(error),
                }
            }
        }
        failed.map_or(Ok(Opened::Locked), Err)
    }

    fn bytes(&self, image: &Arc<dyn Image>, volume_key: &[u8]) -> Result<Arc<dyn Image>, ReadError> {
        let unsupported = |what: String| ReadError::Unsupported { offset: 0, what };
        let cipher = Cipher::new(&self.cipher, volume_key).ok_or_else(|| unsupported(self.method.clone()))?;
        let left = image.size_bytes().checked_sub(self.offset).filter(|left| *left > 0 && self.offset > 0);
        let left = left.ok_or_else(|| unsupported(format!("{} whose data is not with its header", self.layer)))?;
        let unit = u64::try_from(self.unit_bytes).unwrap_or(512);
        let length = self.size_bytes.unwrap_or(left - left.checked_rem(unit).unwrap_or(0));
        if !length.is_multiple_of(unit) {
            return Err(ReadError::Corrupt { offset: 0, what: "the length of a LUKS segment" });
        }
        let encrypted = Mapped::window(image, self.offset, length)?;
        let (unit_bytes, first_sector) = (self.unit_bytes, self.first_sector);
        Ok(Arc::new(Decrypted { encrypted, cipher, unit_bytes, first_sector }))
    }
}

/// A cipher's name, where it holds nothing else than such names do.
fn printable(name: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-:_()".contains(&byte);
    if !name.is_empty() && name.len() <= 64 && name.bytes().all(is_plain) { name } else { "unknown" }
}

/// Decrypted bytes: a whole number of units.
struct Decrypted {
    encrypted: Arc<dyn Image>,
    cipher: Cipher,
    unit_bytes: usize,
    first_sector: u64,
}

impl Decrypted {
    /// Reads whole units.
    fn units(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        self.encrypted.read_at(offset, buffer)?;
        self.cipher.decrypt(self.first_sector.wrapping_add(offset / 512), self.unit_bytes, buffer);
        Ok(())
    }

    /// Reads a part of one unit.
    fn within(&self, offset: u64, part: &mut [u8]) -> Result<(), ReadError> {
        let unit = u64::try_from(self.unit_bytes).unwrap_or(512);
        let inside = offset.checked_rem(unit).unwrap_or(0);
        let mut whole = vec![0; self.unit_bytes];
        self.units(offset - inside, &mut whole)?;
        let from = usize::try_from(inside).unwrap_or(usize::MAX);
        let bytes = from.checked_add(part.len()).and_then(|to| whole.get(from..to));
        part.copy_from_slice(bytes.ok_or(ReadError::Corrupt { offset, what: "a read past the end of a volume" })?);
        Ok(())
    }
}

impl Image for Decrypted {
    fn size_bytes(&self) -> u64 {
        self.encrypted.size_bytes()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let length = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        if offset.checked_add(length).is_none_or(|end| end > self.size_bytes()) {
            return Err(ReadError::Corrupt { offset, what: "a read past the end of a volume" });
        }
        let unit = u64::try_from(self.unit_bytes).unwrap_or(512);
        let inside = offset.checked_rem(unit).unwrap_or(0);
        let head = usize::try_from(unit - inside).unwrap_or(0).min(buffer.len());
        let head = if inside == 0 { 0 } else { head };
        let (first, rest) = buffer.split_at_mut(head);
        let tail = rest.len().checked_rem(self.unit_bytes).unwrap_or(0);
        let (middle, last) = rest.split_at_mut(rest.len() - tail);
        let at = |passed: usize| offset.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX));
        let (middle_at, last_at) = (at(first.len()), at(first.len() + middle.len()));
        if !first.is_empty() {
            self.within(offset, first)?;
        }
        if !middle.is_empty() {
            self.units(middle_at, middle)?;
        }
        if !last.is_empty() {
            self.within(last_at, last)?;
        }
        Ok(())
    }
}
