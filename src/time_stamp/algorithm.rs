//! The arithmetic of signatures: which algorithm a name means, and whether a signature is one by a key.
//!
//! RSA (PKCS #1 v1.5 and PSS), ECDSA over P-256, P-384 and P-521, each with the second family of SHA, and Ed25519. The
//! arithmetic itself is that of the crates of RustCrypto and dalek.
//!
//! **Invariant:** a signature counts only under the algorithm that its signed surroundings name, and nothing rests on SHA-1.

use der::asn1::ObjectIdentifier;
use der::{Tag, TagNumber};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::sha2::{Sha256, Sha384, Sha512};
use rsa::{Pkcs1v15Sign, Pss, RsaPublicKey};

use super::certificate::Certificate;
use super::element::{Element, algorithm, has_no_parameters, place};
use super::fault::Fault;
use super::hash::Hash;
use crate::limits;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const SHA1_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5");
const SHA1_WITH_ECDSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.1");

/// An algorithm and the hash in its name.
const NAMED: [(ObjectIdentifier, Algorithm); 6] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"), Algorithm::Rsa(Hash::Sha256)),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"), Algorithm::Rsa(Hash::Sha384)),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"), Algorithm::Rsa(Hash::Sha512)),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), Algorithm::Ecdsa(Hash::Sha256)),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"), Algorithm::Ecdsa(Hash::Sha384)),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"), Algorithm::Ecdsa(Hash::Sha512)),
];

/// How a signature is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Algorithm {
    Rsa(Hash),
    /// With the length of its salt in bytes.
    RsaPss(Hash, usize),
    Ecdsa(Hash),
    Ed25519,
}

impl Algorithm {
    /// What an `AlgorithmIdentifier` names. The signer of a stamp may name RSA alone: the hash is that of its digest.
    pub fn read(element: Element<'_>, digest: Option<Hash>, what: &'static str) -> Result<Self, Fault> {
        const NONE: Fault = Fault::Malformed("the name of an algorithm");
        let (oid, parameters) = algorithm(element).ok_or(NONE)?;
        if [SHA1_WITH_RSA, SHA1_WITH_ECDSA].contains(&oid) {
            return Err(Fault::Sha1(what));
        }
        if oid == RSA_PSS {
            return pss(parameters.ok_or(NONE)?, what);
        }
        let named = NAMED.into_iter().find(|(named, _)| *named == oid).map(|(_, algorithm)| algorithm);
        let read = match (named, digest) {
            (Some(named), _) => named,
            (None, Some(hash)) if oid == RSA => Self::Rsa(hash),
            _ if oid == ED25519 => Self::Ed25519,
            _ => return Err(Fault::Algorithm(what, oid.to_string())),
        };
        if has_no_parameters(parameters) { Ok(read) } else { Err(NONE) }
    }

    /// The hash that it rests on; that of Ed25519 is within it.
    pub fn hash(self) -> Hash {
        match self {
            Self::Rsa(hash) | Self::RsaPss(hash, _) | Self::Ecdsa(hash) => hash,
            Self::Ed25519 => Hash::Sha512,
        }
    }

    /// Whether a signature over `data` is by the key of a certificate.
    pub fn verify(self, signer: &Certificate, data: &[u8], signature: &[u8]) -> Result<(), Fault> {
        let key = Key::of(signer)?;
        let is_right = match (self, key) {
            (Self::Rsa(hash), Key::Rsa(key)) => {
                let scheme = match hash {
                    Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
                    Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
                    Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
                };
                key.verify(scheme, &hash.of(data), signature).is_ok()
            }
            (Self::RsaPss(hash, salt), Key::Rsa(key)) => {
                let scheme = match hash {
                    Hash::Sha256 => Pss::new_with_salt::<Sha256>(salt),
                    Hash::Sha384 => Pss::new_with_salt::<Sha384>(salt),
                    Hash::Sha512 => Pss::new_with_salt::<Sha512>(salt),
                };
                key.verify(scheme, &hash.of(data), signature).is_ok()
            }
            (Self::Ecdsa(hash), Key::P256(key)) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(&hash.of(data), &signature).is_ok()),
            (Self::Ecdsa(hash), Key::P384(key)) => p384::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(&hash.of(data), &signature).is_ok()),
            (Self::Ecdsa(hash), Key::P521(key)) => {
                // The crate refuses a hash of less than half the key's length, and so SHA-256: zeros in front change no number.
                let digest = hash.of(data);
                let mut padded = vec![0; 66_usize.saturating_sub(digest.len())];
                padded.extend_from_slice(&digest);
                p521::ecdsa::Signature::from_der(signature)
                    .is_ok_and(|signature| key.verify_prehash(&padded, &signature).is_ok())
            }
            (Self::Ed25519, Key::Ed25519(key)) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(data, &signature).is_ok()),
            _ => return Err(Fault::Key(signer.shown().to_owned())),
        };
        if is_right { Ok(()) } else { Err(Fault::Wrong(signer.shown().to_owned())) }
    }
}

/// `RSASSA-PSS-params` of RFC 4055, with one hash throughout; what is left out means SHA-1.
fn pss(parameters: Element<'_>, what: &'static str) -> Result<Algorithm, Fault> {
    const NONE: Fault = Fault::Malformed("the parameters of RSASSA-PSS");
    let mut parts = parameters.as_a(Tag::Sequence).ok_or(NONE)?;
    let mut inner = |number| parts.maybe(place(number)).map(|part| Element::of(part.value).ok_or(NONE)).transpose();
    let hash = Hash::named(inner(TagNumber::N0)?.ok_or(Fault::Sha1(what))?, what)?;
    let (mask, of) = algorithm(inner(TagNumber::N1)?.ok_or(Fault::Sha1(what))?).ok_or(NONE)?;
    let salt = inner(TagNumber::N2)?.map_or(Some(20), Element::number).filter(|salt| *salt <= 512).ok_or(NONE)?;
    let trailer = inner(TagNumber::N3)?.map_or(Some(1), Element::number);
    parts.end().ok_or(NONE)?;
    if mask != MGF1 || trailer != Some(1) {
        return Err(NONE);
    }
    if Hash::named(of.ok_or(NONE)?, what)? != hash {
        return Err(Fault::Algorithm(what, "RSASSA-PSS with two hashes".into()));
    }
    Ok(Algorithm::RsaPss(hash, usize::try_from(salt).map_err(|_| NONE)?))
}

enum Key {
    Rsa(RsaPublicKey),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl Key {
    /// The key of a certificate.
    fn of(certificate: &Certificate) -> Result<Self, Fault> {
        let none = || Fault::Key(certificate.shown().to_owned());
        let mut parts = Element::of(&certificate.key).and_then(|key| key.as_a(Tag::Sequence)).ok_or_else(none)?;
        let (oid, parameters) = parts.next().and_then(algorithm).ok_or_else(none)?;
        let point = parts.next().and_then(Element::bits).ok_or_else(none)?;
        parts.end().ok_or_else(none)?;
        let key = match (oid, parameters.and_then(Element::oid)) {
            (RSA, None) => {
                let bits = modulus_bits(point).ok_or_else(none)?;
                if !(limits::RSA_BITS_LEAST..=limits::RSA_BITS_MOST).contains(&bits) {
                    return Err(Fault::RsaBits(certificate.shown().to_owned(), bits));
                }
                RsaPublicKey::from_pkcs1_der(point).ok().map(Self::Rsa)
            }
            (EC, Some(P256)) => p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Self::P256),
            (EC, Some(P384)) => p384::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Self::P384),
            (EC, Some(P521)) => p521::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Self::P521),
            (ED25519, None) => {
                let key = <&[u8; 32]>::try_from(point).ok();
                key.and_then(|key| ed25519_dalek::VerifyingKey::from_bytes(key).ok()).map(Self::Ed25519)
            }
            _ => None,
        };
        key.ok_or_else(none)
    }
}

/// How many bits the modulus of an `RSAPublicKey` has; known before anything is computed with it.
fn modulus_bits(key: &[u8]) -> Option<usize> {
    let modulus = rsa::pkcs1::RsaPublicKey::try_from(key).ok()?.modulus;
    let first = modulus.as_bytes().first()?;
    Some(8 * modulus.as_bytes().len() - usize::try_from(first.leading_zeros()).ok()?)
}
