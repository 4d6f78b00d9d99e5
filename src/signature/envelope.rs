//! What an SSH signature is made of (OpenSSH, `PROTOCOL.sshsig`).
//!
//! **Invariant:** an envelope that verifies was made for the purpose that is asked for, by its own key, over this message.

use super::fault::Fault;
use super::public_key::Key;
use super::wire::{Wire, put};
use super::{Message, NAMESPACE, armor};

const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;

/// A signature, its parts apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Envelope {
    namespace: &'static str,
    key: Key,
    hash: Hash,
    signature: Vec<u8>,
}

/// Which hash of the message was signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

/// What a key signs, with the hash that OpenSSH takes.
pub(super) fn signed_data(namespace: &str, message: &Message) -> Vec<u8> {
    data_of(namespace, message, Hash::Sha512)
}

fn data_of(namespace: &str, message: &Message, hash: Hash) -> Vec<u8> {
    let mut data = MAGIC.to_vec();
    put(&mut data, namespace.as_bytes());
    // Reserved, and empty.
    put(&mut data, b"");
    put(&mut data, hash.name().as_bytes());
    match hash {
        Hash::Sha256 => put(&mut data, message.sha256().bytes()),
        Hash::Sha512 => put(&mut data, message.sha512()),
    }
    data
}

impl Envelope {
    /// Puts together what a key made of [`signed_data`].
    pub(super) fn new(namespace: &'static str, key: Key, signature: Vec<u8>) -> Self {
        Self { namespace, key, hash: Hash::Sha512, signature }
    }

    /// Reads an armored signature over a package.
    pub fn read(text: &[u8]) -> Result<Self, Fault> {
        Self::read_for(NAMESPACE, text)
    }

    /// Reads an armored signature of that namespace.
    pub fn read_for(wanted: &'static str, text: &[u8]) -> Result<Self, Fault> {
        let bytes = armor::decode(text)?;
        let mut wire = Wire::new(&bytes);
        const CUT: Fault = Fault::Malformed("it ends too early");
        if wire.take(MAGIC.len()) != Some(MAGIC) {
            return Err(Fault::Malformed("it does not begin with SSHSIG"));
        }
        match wire.number() {
            Some(VERSION) => {}
            Some(other) => return Err(Fault::Version(other)),
            None => return Err(CUT),
        }
        let key = wire.string().ok_or(CUT)?;
        let namespace = wire.string().ok_or(CUT)?;
        let _reserved = wire.string().ok_or(CUT)?;
        let hash = wire.string().ok_or(CUT)?;
        let signature = wire.string().ok_or(CUT)?;
        if !wire.is_empty() {
            return Err(Fault::Malformed("something stands behind its last part"));
        }
        let shown = |bytes: &[u8]| -> String { String::from_utf8_lossy(bytes).chars().take(64).collect() };
        if namespace != wanted.as_bytes() {
            return Err(Fault::Namespace(shown(namespace), wanted));
        }
        let hash = match hash {
            b"sha256" => Hash::Sha256,
            b"sha512" => Hash::Sha512,
            other => return Err(Fault::Hash(shown(other))),
        };
        Ok(Self { namespace: wanted, key: Key::of_blob(key)?, hash, signature: signature.to_vec() })
    }

    /// The same as it lies in a file.
    pub fn armored(&self) -> String {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        put(&mut bytes, self.key.blob());
        put(&mut bytes, self.namespace.as_bytes());
        put(&mut bytes, b"");
        put(&mut bytes, self.hash.name().as_bytes());
        put(&mut bytes, &self.signature);
        armor::encode(&bytes)
    }

    /// Whether it is its key's signature over this message.
    pub fn verify(&self, message: &Message) -> Result<(), Fault> {
        if self.key.verifies(&data_of(self.namespace, message, self.hash), &self.signature) {
            Ok(())
        } else {
            Err(Fault::Wrong(self.key.fingerprint()))
        }
    }

    /// Whose signature it says it is.
    pub fn key(&self) -> &Key {
        &self.key
    }
}
