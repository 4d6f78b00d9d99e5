//! Why a signature does not count, each reason in its own words.
//!
//! **Invariant:** text out of a signature is shown without control characters.

use crate::beside::Unread;
use crate::limits;

/// Why a signature does not count.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// Its file was not read.
    #[error(transparent)]
    Unread(#[from] Unread),
    /// The first line is another.
    #[error("it is not an armored SSH signature: it does not begin with -----BEGIN SSH SIGNATURE-----")]
    NotArmored,
    /// The last line is missing.
    #[error("it is cut off: -----END SSH SIGNATURE----- is missing")]
    CutOff,
    /// Something stands behind the last line.
    #[error("something stands behind its end: a file holds one signature; further ones lie beside it (.2.sig, .3.sig)")]
    Behind,
    /// Between the first and the last line.
    #[error("what stands between its first and its last line is not base64")]
    NotBase64,
    /// The parts of a signature do not come apart.
    #[error("it is no SSH signature within its armor: {0}")]
    Malformed(&'static str),
    /// A version that is not 1.
    #[error("it is of version {0} of SSH signatures, and version 1 is read")]
    Version(u32),
    /// Made for another purpose.
    #[error("it was made for the namespace {0:?}, not for {1}: whoever made it signed something else with it")]
    Namespace(String, &'static str),
    /// Neither SHA-256 nor SHA-512.
    #[error("it is over a hash of the kind {0:?}; sha256 and sha512 are read")]
    Hash(String),
    /// A key that is not read.
    #[error("its key is of the kind {0:?}, which is not read")]
    KeyKind(String),
    /// An RSA key out of bounds.
    #[error("its RSA key has {0} bits; from {least} to {most} count", least = limits::RSA_BITS_LEAST, most = limits::RSA_BITS_MOST)]
    RsaBits(usize),
    /// The arithmetic says no.
    #[error(
        "it is no signature of the key {0} over this package: it was made over another one, or this one was changed since"
    )]
    Wrong(String),
}
