//! Private keys in OpenSSH's format.
//!
//! **Invariant:** a key and its passphrase are never shown, and never leave the process.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use zeroize::Zeroizing;

use super::fault::Fault;
use super::public_key::Key;
use super::short_scalar;
use crate::limits;

/// The key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Reading the file failed.
    #[error("the key cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// Too long, or no file.
    #[error("this is no key: a key is a regular file of at most {limit} bytes", limit = limits::KEY_FILE_BYTES)]
    NotAFile,
    /// Neither a private nor a public key of OpenSSH.
    #[error("this is no key of OpenSSH")]
    NotAKey,
    /// A private key in another format.
    #[error("this private key is not in OpenSSH's format")]
    OtherFormat,
    /// The private file of a key in hardware.
    #[error("this key is in hardware, which ssh-agent asks")]
    Hardware,
    /// Deriving would take hours.
    #[error("the passphrase is stretched {0} times, and at most {limit} are tried", limit = limits::KEY_ROUNDS)]
    Rounds(u32),
    /// Not the passphrase.
    #[error("this is not the passphrase of the key")]
    Passphrase,
    /// A kind or size that is not read.
    #[error("the key cannot sign: {0}")]
    Unusable(Fault),
    /// The arithmetic failed.
    #[error("the key does not sign")]
    Sign,
}

/// What a key file turned out to be.
#[derive(Debug)]
pub enum KeyFile {
    /// A private key.
    Private(Box<PrivateKey>),
    /// A private key under a passphrase.
    Locked(Box<LockedKey>),
    /// A public key: an agent holds the private one.
    Public(Box<Key>),
}

/// A private key that can sign.
pub struct PrivateKey {
    key: ssh_key::PrivateKey,
    public: Key,
}

/// A private key that its passphrase opens.
pub struct LockedKey(ssh_key::PrivateKey);

impl KeyFile {
    /// Reads a key file.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let metadata = fs::metadata(path)?;
        if !metadata.is_file() || metadata.len() > limits::KEY_FILE_BYTES {
            return Err(KeyError::NotAFile);
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(limits::KEY_FILE_BYTES).read_to_end(&mut bytes)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| KeyError::NotAKey)?;
        if text.contains("-----BEGIN OPENSSH PRIVATE KEY-----") {
            return Self::private(text.trim());
        }
        if text.contains("PRIVATE KEY") {
            return Err(KeyError::OtherFormat);
        }
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let key = Key::of_line(line).ok_or(KeyError::NotAKey)?.map_err(KeyError::Unusable)?;
        Ok(Self::Public(Box::new(key)))
    }

    fn private(text: &str) -> Result<Self, KeyError> {
        let key = ssh_key::PrivateKey::from_openssh(text).ok().or_else(|| short_scalar::read(text));
        let key = key.ok_or(KeyError::NotAKey)?;
        if key.public_key().key_data().is_sk_ed25519() || key.public_key().key_data().is_sk_ecdsa_p256() {
            return Err(KeyError::Hardware);
        }
        if !key.is_encrypted() {
            return PrivateKey::new(key).map(|key| Self::Private(Box::new(key)));
        }
        match key.kdf() {
            ssh_key::Kdf::Bcrypt { rounds, .. } if *rounds > limits::KEY_ROUNDS => Err(KeyError::Rounds(*rounds)),
            _ => Ok(Self::Locked(Box::new(LockedKey(key)))),
        }
    }
}

impl LockedKey {
    /// Opens it.
    pub fn open(&self, passphrase: &str) -> Result<PrivateKey, KeyError> {
        let key = self.0.decrypt(passphrase).ok().or_else(|| short_scalar::open(&self.0, passphrase));
        PrivateKey::new(key.ok_or(KeyError::Passphrase)?)
    }
}

impl PrivateKey {
    fn new(key: ssh_key::PrivateKey) -> Result<Self, KeyError> {
        let blob = key.public_key().to_bytes().map_err(|_| KeyError::NotAKey)?;
        let public = Key::of_blob(&blob).map_err(KeyError::Unusable)?;
        Ok(Self { key, public })
    }

    /// Its public key.
    pub fn public(&self) -> &Key {
        &self.public
    }

    /// The same in OpenSSH's format, without a passphrase: for what opens by it. It is wiped from memory when it is dropped.
    pub fn openssh(&self) -> Result<Zeroizing<String>, KeyError> {
        self.key.to_openssh(ssh_key::LineEnding::LF).map_err(|_| KeyError::NotAKey)
    }

    pub(super) fn sign(&self, data: &[u8]) -> Result<Vec<u8>, KeyError> {
        use ::signature::Signer as _;
        let signature: ssh_key::Signature = match self.key.key_data() {
            ssh_key::private::KeypairData::Rsa(pair) => rsa_signature(pair, data).ok_or(KeyError::Sign)?,
            pair => pair.try_sign(data).map_err(|_| KeyError::Sign)?,
        };
        Vec::try_from(signature).map_err(|_| KeyError::Sign)
    }
}

/// The crate's own way takes the first prime for both and makes no signature; nor does it blind the key.
fn rsa_signature(pair: &ssh_key::private::RsaKeypair, data: &[u8]) -> Option<ssh_key::Signature> {
    use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _};
    let number = |number: &ssh_key::Mpint| number.as_positive_bytes().map(rsa::BigUint::from_bytes_be);
    let (public, private) = (&pair.public, &pair.private);
    let primes = vec![number(&private.p)?, number(&private.q)?];
    let key = rsa::RsaPrivateKey::from_components(number(&public.n)?, number(&public.e)?, number(&private.d)?, primes);
    let key = rsa::pkcs1v15::SigningKey::<ssh_key::sha2::Sha512>::new(key.ok()?);
    let made = key.try_sign_with_rng(&mut rsa::rand_core::OsRng, data).ok()?;
    let algorithm = ssh_key::Algorithm::Rsa { hash: Some(ssh_key::HashAlg::Sha512) };
    ssh_key::Signature::new(algorithm, made.to_vec()).ok()
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PrivateKey").field(&self.public.fingerprint()).finish()
    }
}

impl std::fmt::Debug for LockedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LockedKey")
    }
}
