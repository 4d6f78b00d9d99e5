//! A certificate (RFC 5280): what is read of one, and what it may be used for.
//!
//! **Invariant:** an extension that is critical and not known, or that limits names, makes a certificate useless here; one
//! that stands twice makes it none.

use der::asn1::{GeneralizedTime, ObjectIdentifier, UtcTime};
use der::{Decode as _, Tag, TagNumber};

use super::element::{Element, Elements, algorithm, place, plain_place};
use super::fault::Fault;
use super::name::Name;
use crate::clock::Timestamp;
use crate::limits;

const SUBJECT_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const OTHER_NAMES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");
const POLICIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32");
const AUTHORITY_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");
const PURPOSES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
const ANY_PURPOSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// Bits of the key usage, in its first byte.
const DIGITAL_SIGNATURE: u8 = 0x80;
const NON_REPUDIATION: u8 = 0x40;
const CERTIFICATE_SIGN: u8 = 0x04;

/// A certificate, its parts apart.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    /// All of it.
    pub der: Vec<u8>,
    /// What its issuer signed.
    pub signed: Vec<u8>,
    pub serial: Vec<u8>,
    pub issuer: Name,
    pub subject: Name,
    /// The `SubjectPublicKeyInfo`.
    pub key: Vec<u8>,
    /// The `AlgorithmIdentifier` of the issuer's signature, and that.
    pub algorithm: Vec<u8>,
    pub signature: Vec<u8>,
    not_before: Timestamp,
    not_after: Timestamp,
    extensions: Extensions,
}

#[derive(Clone, Debug, Default)]
struct Extensions {
    seen: Vec<ObjectIdentifier>,
    /// Whether it is of an authority, and how many further ones may be below it.
    authority: Option<(bool, Option<u64>)>,
    usage: Option<Vec<u8>>,
    /// Whether it is critical, and what it lists.
    purposes: Option<(bool, Vec<ObjectIdentifier>)>,
    subject_key: Option<Vec<u8>>,
    authority_key: Option<Vec<u8>>,
    /// Each a `GeneralName`.
    names: Vec<Vec<u8>>,
    unknown: Option<ObjectIdentifier>,
}

const NONE: Fault = Fault::Malformed("a certificate");

impl Certificate {
    pub fn read(der: &[u8]) -> Result<Self, Fault> {
        Self::parts(der).ok_or(NONE)
    }

    fn parts(der: &[u8]) -> Option<Self> {
        let mut parts = Element::of(der)?.as_a(Tag::Sequence)?;
        let signed = parts.take(Tag::Sequence)?;
        let (named, signature) = (parts.take(Tag::Sequence)?, parts.next()?.bits()?);
        parts.end()?;

        let mut body = signed.inside();
        let version = match body.maybe(place(TagNumber::N0)) {
            None => 0,
            Some(version) => Element::of(version.value)?.number()?,
        };
        let serial = body.next()?.integer()?;
        // The same name stands twice, so that no other algorithm can be put in the place of the signed one.
        if body.next()?.whole != named.whole {
            return None;
        }
        let issuer = Name::read(body.next()?)?;
        let mut validity = body.take(Tag::Sequence)?.inside();
        let (not_before, not_after) = (time(validity.next()?)?, time(validity.next()?)?);
        validity.end()?;
        let subject = Name::read(body.next()?)?;
        let key = body.take(Tag::Sequence)?;
        // Its form alone: whether it is a key shows where it is needed.
        let mut parts_of_key = key.inside();
        let _ = (algorithm(parts_of_key.next()?)?, parts_of_key.next()?.bits()?);
        parts_of_key.end()?;
        let _issuer_id = body.maybe(plain_place(TagNumber::N1));
        let _subject_id = body.maybe(plain_place(TagNumber::N2));
        let extensions = match body.maybe(place(TagNumber::N3)) {
            None => Extensions::default(),
            Some(_) if version != 2 => return None,
            Some(list) => Extensions::read(Element::of(list.value)?)?,
        };
        body.end()?;
        Some(Self {
            der: der.to_vec(),
            signed: signed.whole.to_vec(),
            serial: serial.to_vec(),
            issuer,
            subject,
            key: key.whole.to_vec(),
            algorithm: named.whole.to_vec(),
            signature: signature.to_vec(),
            not_before,
            not_after,
            extensions,
        })
    }

    /// Whom it is about, for people.
    pub fn shown(&self) -> &str {
        self.subject.shown()
    }

    /// It says that its own subject issued it.
    pub fn is_own_issuer(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether the subject of `issuer` may have issued it: by the names, and by the key identifiers where both state one.
    pub fn names_as_issuer(&self, issuer: &Self) -> bool {
        let keys = (&self.extensions.authority_key, &issuer.extensions.subject_key);
        self.issuer == issuer.subject && !matches!(keys, (Some(named), Some(own)) if named != own)
    }

    /// Whether a `GeneralName` is one of its subject's.
    pub fn is_named(&self, name: Element<'_>) -> bool {
        let directory = |name: Element<'_>| {
            let inner = (name.tag == place(TagNumber::N4)).then(|| Element::of(name.value)).flatten();
            inner.and_then(Name::read)
        };
        let others = || self.extensions.names.iter().any(|other| other == name.whole);
        directory(name).is_some_and(|name| name == self.subject) || others()
    }

    /// Whether it may sign time-stamps: RFC 3161, section 2.3.
    pub fn check_time_stamping(&self) -> Result<(), Fault> {
        let fault = |why| Err(Fault::Purpose(self.shown().to_owned(), why));
        match &self.extensions.purposes {
            None => return fault("it does not name its purpose"),
            Some((_, list)) if *list != [TIME_STAMPING] => return fault("its purpose is another, or not that alone"),
            Some((false, _)) => return fault("its purpose is not marked as critical"),
            Some((true, _)) => {}
        }
        match &self.extensions.usage {
            Some(usage) if !signs_and_nothing_else(usage) => fault("its key is for other uses than signing"),
            _ => Ok(()),
        }
    }

    /// Whether it could be relied on at a time, whatever it is for; the words say why not.
    pub fn check_time(&self, at: Timestamp) -> Result<(), String> {
        if let Some(oid) = self.extensions.unknown {
            return Err(format!("has an extension that must not be passed over and is not known: {oid}"));
        }
        if at < self.not_before {
            return Err(format!("was not valid yet at the time of the stamp, but only from {} on", self.not_before));
        }
        if at > self.not_after {
            return Err(format!("was not valid any more at the time of the stamp, but only until {}", self.not_after));
        }
        Ok(())
    }

    /// Whether it may issue certificates for time-stamps with so many authorities between it and the signer.
    pub fn check_authority(&self, below: u64) -> Result<(), String> {
        match self.extensions.authority {
            Some((true, most)) if most.is_none_or(|most| below <= most) => {}
            Some((true, _)) => return Err(format!("may not have {below} authorities below it")),
            _ => return Err("is not that of an authority, and so may not issue another".into()),
        }
        let usage = self.extensions.usage.as_ref().and_then(|usage| usage.first());
        if self.extensions.usage.is_some() && usage.is_none_or(|first| first & CERTIFICATE_SIGN == 0) {
            return Err("is of a key that may not sign certificates".into());
        }
        let purposes = self.extensions.purposes.as_ref();
        if purposes.is_some_and(|(_, list)| !list.iter().any(|oid| [TIME_STAMPING, ANY_PURPOSE].contains(oid))) {
            return Err("is for other purposes than time-stamps".into());
        }
        Ok(())
    }
}

fn signs_and_nothing_else(usage: &[u8]) -> bool {
    const SIGNING: u8 = DIGITAL_SIGNATURE | NON_REPUDIATION;
    usage.split_first().is_some_and(|(first, rest)| {
        first & SIGNING != 0 && first & !SIGNING == 0 && rest.iter().all(|byte| *byte == 0)
    })
}

fn time(element: Element<'_>) -> Option<Timestamp> {
    let since = match element.tag {
        Tag::UtcTime => UtcTime::from_der(element.whole).ok()?.to_unix_duration(),
        _ => GeneralizedTime::from_der(element.whole).ok()?.to_unix_duration(),
    };
    Timestamp::new(i64::try_from(since.as_secs()).ok()?, 0)
}

impl Extensions {
    fn read(list: Element<'_>) -> Option<Self> {
        let mut read = Self::default();
        for extension in list.as_a(Tag::Sequence)?.all(limits::CERTIFICATE_EXTENSIONS)? {
            let mut parts = extension.as_a(Tag::Sequence)?;
            let oid = parts.next()?.oid()?;
            let is_critical = parts.maybe(Tag::Boolean).is_some_and(|critical| critical.value != [0]);
            let value = Element::of(parts.take(Tag::OctetString)?.value);
            parts.end()?;
            if read.seen.contains(&oid) {
                return None;
            }
            read.seen.push(oid);
            read.take(oid, is_critical, value)?;
        }
        Some(read)
    }

    /// One extension; `value` is none where it is no piece of ASN.1, which only one that is not known may be.
    fn take(&mut self, oid: ObjectIdentifier, is_critical: bool, value: Option<Element<'_>>) -> Option<()> {
        let sequence = || value?.as_a(Tag::Sequence);
        match oid {
            BASIC_CONSTRAINTS => {
                let mut parts = sequence()?;
                let is_authority = parts.maybe(Tag::Boolean).is_some_and(|authority| authority.value != [0]);
                let most = parts.maybe(Tag::Integer).map(|most| most.number().ok_or(())).transpose().ok()?;
                parts.end()?;
                self.authority = Some((is_authority, most));
            }
            KEY_USAGE => {
                self.usage = Some(value?.value.split_first().filter(|_| value.is_some_and(is_bits))?.1.to_vec())
            }
            PURPOSES => self.purposes = Some((is_critical, identifiers(sequence()?)?)),
            SUBJECT_KEY => self.subject_key = Some(value.filter(|key| key.tag == Tag::OctetString)?.value.to_vec()),
            AUTHORITY_KEY => {
                let key = sequence()?.maybe(plain_place(TagNumber::N0));
                self.authority_key = key.map(|key| key.value.to_vec());
            }
            OTHER_NAMES => {
                let names = sequence()?.all(limits::TIME_STAMP_ATTRIBUTES)?;
                self.names = names.into_iter().map(|name| name.whole.to_vec()).collect();
            }
            // No policy is asked for, so none that is named excludes anything.
            POLICIES => {}
            // Its limits are not computed, and passing over them could let in what they keep out.
            NAME_CONSTRAINTS => self.unknown = Some(oid),
            _ if is_critical => self.unknown = Some(oid),
            _ => {}
        }
        Some(())
    }
}

fn is_bits(element: Element<'_>) -> bool {
    element.tag == Tag::BitString
}

fn identifiers(list: Elements<'_>) -> Option<Vec<ObjectIdentifier>> {
    list.all(limits::TIME_STAMP_ATTRIBUTES)?.into_iter().map(Element::oid).collect()
}
