//! Private ECDSA keys whose number begins with zeros (one in four of P-521): OpenSSH writes it without them (RFC 4251, section
//! 5, `mpint`), and the crate that reads its keys wants all bytes.
//!
//! Source: OpenSSH, `PROTOCOL.key`.
//!
//! **Invariant:** nothing of a key is changed but zeros in front of its number; what is copied of it is wiped from memory.

use base64::Engine as _;
use zeroize::Zeroizing;

use super::wire::{Wire, put};

const MAGIC: &[u8] = b"openssh-key-v1\0";

/// The curves, and how many bytes a number of theirs has.
const CURVES: [(&[u8], usize); 3] = [(b"nistp256", 32), (b"nistp384", 48), (b"nistp521", 66)];

/// Reads such a key out of its armor; none of any other, also where a passphrase locks it.
pub(super) fn read(text: &str) -> Option<ssh_key::PrivateKey> {
    let body = text.strip_prefix("-----BEGIN OPENSSH PRIVATE KEY-----")?;
    let body = body.strip_suffix("-----END OPENSSH PRIVATE KEY-----")?;
    let body: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
    let bytes = Zeroizing::new(base64::engine::general_purpose::STANDARD.decode(body.as_bytes()).ok()?);
    let mut wire = Wire::new(bytes.strip_prefix(MAGIC)?);
    let (cipher, kdf, options, count) = (wire.string()?, wire.string()?, wire.string()?, wire.number()?);
    let is_plain = cipher == b"none" && kdf == b"none" && options.is_empty() && count == 1;
    let (public, private) = (wire.string()?, wire.string()?);
    if is_plain && wire.is_empty() { whole(public, private) } else { None }
}

/// Opens such a key by its passphrase; none of any other, and where the passphrase is wrong.
pub(super) fn open(key: &ssh_key::PrivateKey, passphrase: &str) -> Option<ssh_key::PrivateKey> {
    let cipher = key.cipher();
    if cipher.has_tag() {
        return None;
    }
    let (secret, start) = key.kdf().derive_key_and_iv(cipher, passphrase).ok()?;
    let (secret, start) = (Zeroizing::new(secret), Zeroizing::new(start));
    let mut private = Zeroizing::new(key.key_data().encrypted()?.to_vec());
    cipher.decrypt(&secret, &start, &mut private, None).ok()?;
    whole(&key.public_key().to_bytes().ok()?, &private)
}

/// The key of these two parts, with all bytes of its number.
fn whole(public: &[u8], private: &[u8]) -> Option<ssh_key::PrivateKey> {
    let mut wire = Wire::new(private);
    let checks = [wire.number()?, wire.number()?];
    let (kind, curve, point, number) = (wire.string()?, wire.string()?, wire.string()?, wire.string()?);
    let comment = wire.string()?;
    let (_, length) = CURVES.into_iter().find(|(name, _)| *name == curve)?;
    if checks[0] != checks[1] || number.len() >= length {
        return None;
    }
    let mut all = Zeroizing::new(vec![0; length - number.len()]);
    all.extend_from_slice(number);
    let mut section = Zeroizing::new(private.get(..8)?.to_vec());
    for part in [kind, curve, point, &all, comment] {
        put(&mut section, part);
    }
    // To a whole number of blocks by 1, 2, 3 and so on.
    for padding in 1..8u8 {
        if section.len().is_multiple_of(8) {
            break;
        }
        section.push(padding);
    }
    let mut bytes = Zeroizing::new(MAGIC.to_vec());
    for part in [&b"none"[..], b"none", b""] {
        put(&mut bytes, part);
    }
    bytes.extend_from_slice(&1u32.to_be_bytes());
    put(&mut bytes, public);
    put(&mut bytes, &section);
    ssh_key::PrivateKey::from_bytes(&bytes).ok()
}
