//! The request for a time-stamp: `TimeStampReq` of RFC 3161, section 2.4.1.
//!
//! **Invariant:** a request tells of the package one hash, and nothing else.

use der::{Encode as _, Tag};

use super::element::{Element, written};
use super::fault::Fault;
use super::hash::Hash;
use crate::beside::Message;

/// What an authority is asked to stamp.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    pub(super) hash: Hash,
    pub(super) imprint: Vec<u8>,
    /// The bytes of the integer.
    pub(super) nonce: Option<Vec<u8>>,
}

impl Request {
    /// For a package; `nonce` is random, so that no older answer can pass for the one to this request.
    pub fn new(message: &Message, hash: Hash, nonce: u64) -> Self {
        let bytes = nonce.to_be_bytes();
        // The shortest form of an integer that is not below zero.
        let zeros = bytes.iter().take(bytes.len() - 1).take_while(|byte| **byte == 0).count();
        let mut shortest: Vec<u8> = bytes.into_iter().skip(zeros).collect();
        if shortest.first().is_some_and(|first| first & 0x80 != 0) {
            shortest.insert(0, 0);
        }
        Self { hash, imprint: hash.of_message(message).to_vec(), nonce: Some(shortest) }
    }

    /// The bytes that are sent to the authority, which is asked to put its certificate into the answer.
    pub fn to_der(&self) -> Result<Vec<u8>, der::Error> {
        let algorithm = written(Tag::Sequence, &[&self.hash.oid().to_der()?, &written(Tag::Null, &[])?])?;
        let imprint = written(Tag::Sequence, &[&algorithm, &written(Tag::OctetString, &[&self.imprint])?])?;
        let nonce = self.nonce.as_deref().map(|nonce| written(Tag::Integer, &[nonce])).transpose()?;
        let (version, wants_certificate) = (written(Tag::Integer, &[&[1]])?, written(Tag::Boolean, &[&[0xff]])?);
        written(Tag::Sequence, &[&version, &imprint, &nonce.unwrap_or_default(), &wants_certificate])
    }

    /// Reads a request, also one that another program made.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        const NONE: Fault = Fault::NoRequest;
        let mut parts = Element::of(bytes).and_then(|whole| whole.as_a(Tag::Sequence)).ok_or(NONE)?;
        if parts.take(Tag::Integer).and_then(Element::number) != Some(1) {
            return Err(NONE);
        }
        let (hash, imprint) = imprint(parts.take(Tag::Sequence).ok_or(NONE)?)?;
        // A policy that is asked for says nothing about which answer belongs to the request.
        let _policy = parts.maybe(Tag::ObjectIdentifier);
        let nonce = parts.maybe(Tag::Integer).map(|nonce| nonce.integer().ok_or(NONE)).transpose()?;
        Ok(Self { hash, imprint: imprint.to_vec(), nonce: nonce.map(<[u8]>::to_vec) })
    }

    /// Whether it is for this package.
    pub fn covers(&self, message: &Message) -> bool {
        self.imprint == self.hash.of_message(message)
    }
}

/// The hash and the bytes of a `MessageImprint`.
pub(super) fn imprint(element: Element<'_>) -> Result<(Hash, &[u8]), Fault> {
    const NONE: Fault = Fault::Malformed("what it is over");
    let mut parts = element.as_a(Tag::Sequence).ok_or(NONE)?;
    let hash = Hash::named(parts.next().ok_or(NONE)?, "what it is over")?;
    let imprint = parts.take(Tag::OctetString).ok_or(NONE)?.value;
    parts.end().ok_or(NONE)?;
    Ok((hash, imprint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_back_whatever_its_nonce() {
        let message = Message::of(&b"sums"[..]).unwrap();
        for nonce in [0, 1, 0x7f, 0x80, 0xff, 0x1_0000, u64::MAX, u64::MAX >> 1, 1 << 63] {
            for hash in Hash::ALL {
                let request = Request::new(&message, hash, nonce);
                let bytes = request.to_der().unwrap();
                assert_eq!(Request::read(&bytes).as_ref(), Ok(&request), "{nonce}");
                assert!(request.covers(&message) && !request.covers(&Message::of(&b"other"[..]).unwrap()));
                for cut in 0..bytes.len() {
                    assert!(Request::read(bytes.get(..cut).unwrap()).is_err());
                }
            }
        }
    }
}
