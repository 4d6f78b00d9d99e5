//! The token of a stamp: the `SignedData` of RFC 5652 about a `TSTInfo`, with the one signer that RFC 3161 allows.
//!
//! **Invariant:** what is given of a token was signed by the key of its signer's certificate, which the signature names.

use der::asn1::ObjectIdentifier;
use der::{Tag, TagNumber};
use sha1::Digest as _;

use super::algorithm::Algorithm;
use super::certificate::Certificate;
use super::element::{Element, Elements, place, written};
use super::fault::Fault;
use super::hash::Hash;
use super::name::Name;
use crate::limits;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

const NONE: Fault = Fault::Malformed("the token");

/// A token whose signature was found right.
#[derive(Clone, Debug)]
pub(super) struct Signed<'a> {
    /// The `TSTInfo`.
    pub content: &'a [u8],
    /// Those in the token.
    pub certificates: Vec<Certificate>,
    /// Which of them is the signer's.
    pub signer: Certificate,
    /// Further certificates that the signature names, behind the signer's own.
    pub named: Vec<Identifier>,
}

/// `ESSCertID` or `ESSCertIDv2` (RFC 5035): a certificate by its hash, and maybe by who issued it under which number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Identifier {
    /// None is SHA-1, which is allowed as a name (RFC 5816): the certificate is in the token, and its key must fit.
    hash: Option<Hash>,
    digest: Vec<u8>,
    issued: Option<(Name, Vec<u8>)>,
}

struct SignerInfo<'a> {
    issuer: Name,
    serial: &'a [u8],
    hash: Hash,
    /// As they stand, under their own tag `[0]`.
    attributes: Element<'a>,
    algorithm: Algorithm,
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Reads a token and checks its signature; who its signer is, is for others to judge.
    pub fn read(token: Element<'a>) -> Result<Self, Fault> {
        let mut parts = token.as_a(Tag::Sequence).ok_or(NONE)?;
        if parts.next().and_then(Element::oid) != Some(SIGNED_DATA) {
            return Err(Fault::Malformed("the token (it is no SignedData)"));
        }
        let inner = parts.take(place(TagNumber::N0)).and_then(|inner| Element::of(inner.value)).ok_or(NONE)?;
        parts.end().ok_or(NONE)?;

        let mut parts = inner.as_a(Tag::Sequence).ok_or(NONE)?;
        let version = parts.take(Tag::Integer).and_then(Element::number).ok_or(NONE)?;
        if !(3..=5).contains(&version) {
            return Err(Fault::Malformed("the token (of that version)"));
        }
        let digests = parts.take(Tag::Set).and_then(|set| set.inside().all(limits::TIME_STAMP_ATTRIBUTES));
        let content = content(parts.next().ok_or(NONE)?)?;
        let certificates = parts.maybe(place(TagNumber::N0)).map_or(Ok(Vec::new()), certificates)?;
        let _revoked = parts.maybe(place(TagNumber::N1));
        let signers = parts.take(Tag::Set).and_then(|set| set.inside().all(limits::TIME_STAMP_ATTRIBUTES));
        parts.end().ok_or(NONE)?;
        let signers = signers.ok_or(NONE)?;
        let [signer] = signers.as_slice() else { return Err(Fault::Signers(signers.len())) };
        let info = SignerInfo::read(*signer)?;
        let mut is_announced = false;
        for digest in digests.ok_or(NONE)? {
            is_announced |= Hash::named(digest, "its signature")? == info.hash;
        }
        if !is_announced {
            return Err(Fault::Malformed("the list of its hashes"));
        }

        let is_signer = |of: &&Certificate| of.issuer == info.issuer && of.serial == info.serial;
        let signer = certificates.iter().find(is_signer).ok_or(Fault::NoCertificate)?.clone();
        let named = info.check(content, &signer)?;
        Ok(Self { content, certificates, signer, named })
    }
}

/// The octets of an `EncapsulatedContentInfo` that holds a `TSTInfo`.
fn content(element: Element<'_>) -> Result<&[u8], Fault> {
    let mut parts = element.as_a(Tag::Sequence).ok_or(NONE)?;
    if parts.next().and_then(Element::oid) != Some(TST_INFO) {
        return Err(Fault::Malformed("the token (it is about something else than a time)"));
    }
    let octets = parts.take(place(TagNumber::N0)).and_then(|inner| Element::of(inner.value)).ok_or(NONE)?;
    parts.end().ok_or(NONE)?;
    if octets.tag == Tag::OctetString { Ok(octets.value) } else { Err(NONE) }
}

fn certificates(set: Element<'_>) -> Result<Vec<Certificate>, Fault> {
    let all =
        set.inside().all(limits::TIME_STAMP_CERTIFICATES).ok_or(Fault::Malformed("the row of its certificates"))?;
    all.into_iter().map(|certificate| Certificate::read(certificate.whole)).collect()
}

impl<'a> SignerInfo<'a> {
    fn read(element: Element<'a>) -> Result<Self, Fault> {
        const NONE: Fault = Fault::Malformed("who signed it");
        let mut parts = element.as_a(Tag::Sequence).ok_or(NONE)?;
        // A signer that is named by its key alone (version 3) is read by no tool that checks stamps either.
        if parts.take(Tag::Integer).and_then(Element::number) != Some(1) {
            return Err(NONE);
        }
        let (issuer, serial) = issued(parts.next().ok_or(NONE)?).ok_or(NONE)?;
        let hash = Hash::named(parts.next().ok_or(NONE)?, "its signature")?;
        let attributes =
            parts.maybe(place(TagNumber::N0)).ok_or(Fault::NoAttribute("what it is about (signed attributes)"))?;
        let algorithm = Algorithm::read(parts.next().ok_or(NONE)?, Some(hash), "its signature")?;
        let signature = parts.take(Tag::OctetString).ok_or(NONE)?.value;
        let _unsigned = parts.maybe(place(TagNumber::N1));
        parts.end().ok_or(NONE)?;
        if algorithm.hash() != hash {
            return Err(Fault::Malformed("which hash its signature is over"));
        }
        Ok(Self { issuer, serial, hash, attributes, algorithm, signature })
    }

    /// Checks the signature and what it is over; the certificates that it names besides the signer's.
    fn check(&self, content: &[u8], signer: &Certificate) -> Result<Vec<Identifier>, Fault> {
        let attributes = Attributes::read(self.attributes.inside())?;
        if attributes.digest != self.hash.of(content) {
            return Err(Fault::OtherContent);
        }
        // RFC 5652, section 5.4: what is signed has the tag of a set in place of that of its place in the token.
        let signed = written(Tag::Set, &[self.attributes.value]).map_err(|_| NONE)?;
        self.algorithm.verify(signer, &signed, self.signature)?;
        let mut named = Vec::new();
        for list in attributes.identifiers {
            let mut list = list.into_iter();
            if !list.next().is_some_and(|first| first.names(signer)) {
                return Err(Fault::OtherCertificate);
            }
            named.extend(list);
        }
        Ok(named)
    }
}

/// `IssuerAndSerialNumber`.
fn issued(element: Element<'_>) -> Option<(Name, &[u8])> {
    let mut parts = element.as_a(Tag::Sequence)?;
    let (name, serial) = (Name::read(parts.next()?)?, parts.next()?.integer()?);
    parts.end()?;
    Some((name, serial))
}

struct Attributes<'a> {
    digest: &'a [u8],
    /// One list for each of the two attributes that is there.
    identifiers: Vec<Vec<Identifier>>,
}

impl<'a> Attributes<'a> {
    fn read(elements: Elements<'a>) -> Result<Self, Fault> {
        const NONE: Fault = Fault::Malformed("its signed attributes");
        let mut found: Vec<(ObjectIdentifier, Element<'a>)> = Vec::new();
        for attribute in elements.all(limits::TIME_STAMP_ATTRIBUTES).ok_or(NONE)? {
            let mut parts = attribute.as_a(Tag::Sequence).ok_or(NONE)?;
            let oid = parts.next().and_then(Element::oid).ok_or(NONE)?;
            let values = parts.take(Tag::Set).ok_or(NONE)?;
            parts.end().ok_or(NONE)?;
            if found.iter().any(|(seen, _)| *seen == oid) {
                return Err(NONE);
            }
            found.push((oid, values));
        }
        let value = |oid: ObjectIdentifier| {
            let values = found.iter().find(|(found, _)| *found == oid).map(|(_, values)| values);
            values.map(|values| Element::of(values.value).ok_or(NONE)).transpose()
        };
        let about = value(CONTENT_TYPE)?.ok_or(Fault::NoAttribute("what it is about (contentType)"))?;
        if about.oid() != Some(TST_INFO) {
            return Err(Fault::OtherContent);
        }
        let digest = value(MESSAGE_DIGEST)?.ok_or(Fault::NoAttribute("which content it is over (messageDigest)"))?;
        let digest = Some(digest.value).filter(|_| digest.tag == Tag::OctetString).ok_or(NONE)?;
        let (old, new) = (value(SIGNING_CERTIFICATE)?, value(SIGNING_CERTIFICATE_V2)?);
        let old = old.map(|list| identifiers(list, Identifier::old).ok_or(NONE)).transpose()?;
        let new = new.map(|list| identifiers(list, Identifier::new).ok_or(NONE)).transpose()?;
        let identifiers: Vec<_> = old.into_iter().chain(new).collect();
        if identifiers.is_empty() {
            return Err(Fault::NoAttribute("which certificate is its signer's (signingCertificate)"));
        }
        Ok(Self { digest, identifiers })
    }
}

/// The certificates that a `SigningCertificate` or a `SigningCertificateV2` names.
fn identifiers(element: Element<'_>, read: fn(Element<'_>) -> Option<Identifier>) -> Option<Vec<Identifier>> {
    let mut parts = element.as_a(Tag::Sequence)?;
    let list = parts.take(Tag::Sequence)?.inside().all(limits::TIME_STAMP_ATTRIBUTES)?;
    let _policies = parts.maybe(Tag::Sequence);
    parts.end()?;
    list.into_iter().map(read).collect()
}

impl Identifier {
    fn old(element: Element<'_>) -> Option<Self> {
        Self::behind(element.as_a(Tag::Sequence)?, None)
    }

    fn new(element: Element<'_>) -> Option<Self> {
        let mut parts = element.as_a(Tag::Sequence)?;
        let hash = match parts.maybe(Tag::Sequence) {
            None => Hash::Sha256,
            Some(named) => Hash::named(named, "the name of its signer's certificate").ok()?,
        };
        Self::behind(parts, Some(hash))
    }

    fn behind(mut parts: Elements<'_>, hash: Option<Hash>) -> Option<Self> {
        let digest = parts.take(Tag::OctetString)?.value.to_vec();
        let issued = match parts.maybe(Tag::Sequence) {
            None => None,
            Some(issued) => {
                // The issuer is a list of names here: one, of a directory.
                let mut inner = issued.inside();
                let name = Element::of(inner.take(Tag::Sequence)?.value)?;
                let serial = inner.next()?.integer()?.to_vec();
                inner.end()?;
                let name = Some(name).filter(|name| name.tag == place(TagNumber::N4))?;
                Some((Name::read(Element::of(name.value)?)?, serial))
            }
        };
        parts.end()?;
        Some(Self { hash, digest, issued })
    }

    /// Whether it is this certificate.
    pub fn names(&self, certificate: &Certificate) -> bool {
        let digest = match self.hash {
            Some(hash) => hash.of(&certificate.der),
            None => sha1::Sha1::digest(&certificate.der).to_vec(),
        };
        let fits = |(issuer, serial): &(Name, Vec<u8>)| *issuer == certificate.issuer && *serial == certificate.serial;
        digest == self.digest && self.issued.as_ref().is_none_or(fits)
    }
}
