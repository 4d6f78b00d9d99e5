//! The pieces that ASN.1 is made of, in DER (X.690): a tag, a length, a value.
//!
//! A time-stamp is read piece by piece, with the bytes of each piece at hand: what is signed is hashed as it stands, and
//! nothing is written anew to be compared.
//!
//! **Invariant:** a length that is only stated allocates nothing, and nothing is read beyond the piece that holds it.

use der::asn1::{AnyRef, IntRef, ObjectIdentifier};
use der::{Decode as _, Encode as _, Reader as _, SliceReader, Tag, TagNumber, Tagged as _};

/// One piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Element<'a> {
    pub tag: Tag,
    /// Without the tag and the length.
    pub value: &'a [u8],
    /// With them.
    pub whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// The one piece that these bytes are, and nothing behind it.
    pub fn of(bytes: &'a [u8]) -> Option<Self> {
        let mut elements = Elements(bytes);
        let element = elements.next()?;
        elements.end()?;
        Some(element)
    }

    /// What is in it.
    pub fn inside(self) -> Elements<'a> {
        Elements(self.value)
    }

    /// What is in it, where it has this tag.
    pub fn as_a(self, tag: Tag) -> Option<Elements<'a>> {
        (self.tag == tag).then(|| self.inside())
    }

    pub fn oid(self) -> Option<ObjectIdentifier> {
        ObjectIdentifier::from_der(self.whole).ok()
    }

    /// An integer of any length, in its shortest form.
    pub fn integer(self) -> Option<&'a [u8]> {
        IntRef::from_der(self.whole).is_ok().then_some(self.value)
    }

    /// An integer that is not below zero.
    pub fn number(self) -> Option<u64> {
        u64::from_der(self.whole).ok()
    }

    /// The bytes of a bit string of whole bytes.
    pub fn bits(self) -> Option<&'a [u8]> {
        match (self.tag, self.value.split_first()) {
            (Tag::BitString, Some((0, bytes))) => Some(bytes),
            _ => None,
        }
    }
}

/// What is left of a row of pieces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// The next, whatever it is; none at the end, and where what follows is no piece.
    pub fn next(&mut self) -> Option<Element<'a>> {
        let mut reader = SliceReader::new(self.0).ok()?;
        let whole = reader.tlv_bytes().ok()?;
        let any = AnyRef::from_der(whole).ok()?;
        self.0 = self.0.get(whole.len()..)?;
        Some(Element { tag: any.tag(), value: any.value(), whole })
    }

    /// The next, which must have this tag.
    pub fn take(&mut self, tag: Tag) -> Option<Element<'a>> {
        self.next().filter(|element| element.tag == tag)
    }

    /// The next where it has this tag.
    pub fn maybe(&mut self, tag: Tag) -> Option<Element<'a>> {
        let mut ahead = *self;
        let element = ahead.take(tag)?;
        *self = ahead;
        Some(element)
    }

    /// Nothing is left.
    pub fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    /// All that is left; none where it does not come apart, or into more than `most`.
    pub fn all(mut self, most: usize) -> Option<Vec<Element<'a>>> {
        let mut all = Vec::new();
        while self.end().is_none() {
            if all.len() == most {
                return None;
            }
            all.push(self.next()?);
        }
        Some(all)
    }
}

/// A piece of that tag that holds these bytes.
pub(super) fn written(tag: Tag, parts: &[&[u8]]) -> Result<Vec<u8>, der::Error> {
    AnyRef::new(tag, &parts.concat())?.to_der()
}

/// A constructed tag of a place in a sequence: `[0]` and so on.
pub(super) const fn place(number: TagNumber) -> Tag {
    Tag::ContextSpecific { constructed: true, number }
}

/// The same of a piece that holds no others.
pub(super) const fn plain_place(number: TagNumber) -> Tag {
    Tag::ContextSpecific { constructed: false, number }
}

/// The object and the parameters of an `AlgorithmIdentifier`.
pub(super) fn algorithm(element: Element<'_>) -> Option<(ObjectIdentifier, Option<Element<'_>>)> {
    let mut parts = element.as_a(Tag::Sequence)?;
    let oid = parts.next()?.oid()?;
    if parts.end().is_some() {
        return Some((oid, None));
    }
    let parameters = parts.next()?;
    parts.end()?;
    Some((oid, Some(parameters)))
}

/// No parameters, or null ones.
pub(super) fn has_no_parameters(parameters: Option<Element<'_>>) -> bool {
    parameters.is_none_or(|parameters| parameters.whole == [5, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_apart_and_no_stated_length_is_believed() {
        let bytes = [0x30, 6, 2, 1, 5, 4, 1, 9];
        let mut parts = Element::of(&bytes).unwrap().as_a(Tag::Sequence).unwrap();
        assert_eq!(parts.maybe(Tag::OctetString), None);
        assert_eq!(parts.take(Tag::Integer).unwrap().number(), Some(5));
        assert_eq!(parts.all(1).unwrap()[0].value, [9]);
        assert!(parts.all(0).is_none() && parts.end().is_none());
        for bad in [
            &b"\x30\x07\x02\x01\x05\x04\x01\x09"[..],
            b"\x30\x84\xff\xff\xff\xff",
            b"\x30\x89\x01\x01\x01\x01\x01\x01\x01\x01\x01",
            b"\x30\x80\x00\x00",
            b"\x30\x81\x01\x00",
            b"\x30",
            b"",
            b"\x05\x00\x05\x00",
            b"\x1f\x81\x00",
        ] {
            assert_eq!(Element::of(bad), None, "{bad:?}");
        }
        assert_eq!(Element::of(b"\x02\x02\x00\x01").unwrap().integer(), None);
    }
}
