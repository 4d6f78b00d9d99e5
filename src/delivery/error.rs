//! Why an encrypted package cannot be opened, or read on.
//!
//! **Invariant:** no error quotes what was decrypted, or a key.

use std::io;

use crate::limits;

/// An encrypted package cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Reading it failed.
    #[error("it cannot be read: {0}")]
    Io(io::Error),
    /// In letters, not in bytes.
    #[error("it is encrypted and in age's armor, which is not read: age -d -i IDENTITY opens it")]
    Armored,
    /// Not `v1`.
    #[error("it is encrypted in another version of age's format than age-encryption.org/v1")]
    Version,
    /// The header has no end within the bound.
    #[error("it is encrypted, and its header does not end within {limit} bytes", limit = limits::AGE_HEADER_BYTES)]
    HeaderTooLong,
    /// Too many stanzas.
    #[error("it is encrypted, and its header has more than {limit} stanzas", limit = limits::AGE_STANZAS)]
    TooManyStanzas,
    /// The header is not one.
    #[error("it is encrypted, and its header is damaged: it is cut off or altered")]
    Header,
    /// To a passphrase.
    #[error("it is encrypted to a passphrase, which is not read: age -d opens it")]
    Passphrase,
    /// No identity was given.
    #[error("it is encrypted, and no identity was given that could open it")]
    NoIdentity,
    /// None fits.
    #[error("it is encrypted, and none of the identities opens it (or its header was altered)")]
    OtherIdentity,
    /// The end is not the end.
    #[error(
        "it is encrypted, and the ciphertext is damaged: it is cut off, altered at its end, or something stands behind it"
    )]
    End,
}

/// A piece of the ciphertext is not what was encrypted: an error of reading, with this within.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "the ciphertext is damaged: what decrypts to byte {at} and what follows was altered, and nothing of that is read"
)]
pub struct Damage {
    /// Where, in bytes of what was encrypted.
    pub at: u64,
}
