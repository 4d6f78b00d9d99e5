//! The hashes that a time-stamp may rest on.
//!
//! **Invariant:** SHA-1 and what is weaker is read nowhere but as the mere name of a certificate.

use der::asn1::ObjectIdentifier;
use sha2::Digest as _;

use super::element::{Element, algorithm, has_no_parameters};
use super::fault::Fault;
use crate::beside::Message;

const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");

/// A hash of the second family of SHA (FIPS 180-4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// `sha256` and so on.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Its hash of a package.
    pub fn of_message(self, message: &Message) -> &[u8] {
        match self {
            Self::Sha256 => message.sha256().bytes(),
            Self::Sha384 => message.sha384(),
            Self::Sha512 => message.sha512(),
        }
    }

    pub(super) const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha256 => ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"),
            Self::Sha384 => ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"),
            Self::Sha512 => ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"),
        }
    }

    /// Its hash of bytes.
    pub(super) fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => sha2::Sha256::digest(bytes).to_vec(),
            Self::Sha384 => sha2::Sha384::digest(bytes).to_vec(),
            Self::Sha512 => sha2::Sha512::digest(bytes).to_vec(),
        }
    }

    /// The hash of an `AlgorithmIdentifier`; `what` rests on it.
    pub(super) fn named(element: Element<'_>, what: &'static str) -> Result<Self, Fault> {
        let (oid, parameters) = algorithm(element).ok_or(Fault::Malformed("the name of a hash"))?;
        if oid == SHA1 {
            return Err(Fault::Sha1(what));
        }
        let hash = Self::ALL.into_iter().find(|hash| hash.oid() == oid);
        let hash = hash.ok_or_else(|| Fault::Algorithm(what, oid.to_string()))?;
        if has_no_parameters(parameters) { Ok(hash) } else { Err(Fault::Malformed("the name of a hash")) }
    }
}
