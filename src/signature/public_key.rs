//! Public keys, by the bytes that SSH passes around.
//!
//! **Invariant:** two keys are the same where their bytes are; a key that is not read verifies nothing.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::fault::Fault;
use super::wire::Wire;
use crate::digest::Digest;
use crate::limits;

/// The kinds that are read.
const KINDS: [&str; 7] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// A public key of a kind that is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key {
    blob: Vec<u8>,
    kind: String,
    data: ssh_key::public::KeyData,
}

impl Key {
    /// The key of those bytes.
    pub fn of_blob(blob: &[u8]) -> Result<Self, Fault> {
        const NO_KEY: Fault = Fault::Malformed("its key is no public key");
        let kind = blob_kind(blob).ok_or(NO_KEY)?;
        if !KINDS.contains(&kind.as_str()) {
            return Err(Fault::KeyKind(kind));
        }
        let key = ssh_key::PublicKey::from_bytes(blob).map_err(|_| NO_KEY)?;
        // The crate takes some lengths for others: one key would have several fingerprints.
        if key.to_bytes().map_err(|_| NO_KEY)? != blob {
            return Err(NO_KEY);
        }
        let data = key.key_data().clone();
        if matches!(data, ssh_key::public::KeyData::Rsa(_)) {
            let bits = rsa_bits(blob).ok_or(NO_KEY)?;
            if !(limits::RSA_BITS_LEAST..=limits::RSA_BITS_MOST).contains(&bits) {
                return Err(Fault::RsaBits(bits));
            }
        }
        Ok(Self { blob: blob.to_vec(), kind, data })
    }

    /// The key of a line of a `.pub` file.
    pub fn of_line(line: &str) -> Option<Result<Self, Fault>> {
        let mut words = line.split_ascii_whitespace();
        let (kind, body) = (words.next()?, words.next()?);
        let blob = STANDARD.decode(body).ok()?;
        (blob_kind(&blob)? == kind).then(|| Self::of_blob(&blob))
    }

    /// Its bytes.
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// `ssh-ed25519` and the like.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// As `ssh-keygen -l` shows it.
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Digest::of(&self.blob).bytes()))
    }

    /// Whether `signature`, a string of SSH, is this key's over `data`.
    pub(super) fn verifies(&self, data: &[u8], signature: &[u8]) -> bool {
        use ::signature::Verifier as _;
        // The crate reads what stands first; a signature with something behind it is none.
        let mut wire = Wire::new(signature);
        let kind = wire.string();
        let body = wire.string();
        // A key in hardware adds its flags and its counter.
        let rest = if self.kind.starts_with("sk-") { wire.take(5) } else { Some(&[][..]) };
        if kind.is_none() || body.is_none() || rest.is_none() || !wire.is_empty() {
            return false;
        }
        ssh_key::Signature::try_from(signature).is_ok_and(|signature| self.data.verify(data, &signature).is_ok())
    }
}

/// What the first string of a key's bytes says.
pub(super) fn blob_kind(blob: &[u8]) -> Option<String> {
    let kind = Wire::new(blob).string()?;
    let is_name = !kind.is_empty() && kind.len() <= 64 && kind.iter().all(u8::is_ascii_graphic);
    is_name.then(|| String::from_utf8_lossy(kind).into_owned())
}

fn rsa_bits(blob: &[u8]) -> Option<usize> {
    let mut wire = Wire::new(blob);
    let (_, _) = (wire.string()?, wire.string()?);
    let modulus = wire.string()?;
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let first = modulus.get(zeros)?;
    Some(8 * (modulus.len() - zeros) - usize::try_from(first.leading_zeros()).ok()?)
}
