//! The names of those whom certificates are about: an X.501 `Name`, compared as RFC 5280, section 7.1, says, and shown.
//!
//! **Invariant:** what is shown of a name has no control characters and bounded length.

use der::Tag;
use der::asn1::ObjectIdentifier;

use super::element::Element;
use super::fault::shown;
use crate::limits;

/// The parts of a name that have short names of their own.
const SHORT: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.97", "organizationIdentifier"),
    ("0.9.2342.19200300.100.1.25", "DC"),
];

/// A name, its parts apart. Two are equal where only capitals, spaces and the kinds of the strings differ.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Name {
    parts: Vec<Vec<(ObjectIdentifier, Value)>>,
    shown: Hidden,
}

/// How it is shown: of no weight where two are compared.
#[derive(Clone, Debug)]
struct Hidden(String);

impl PartialEq for Hidden {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Hidden {}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Value {
    /// In small letters (of ASCII), with one space between its words and none at its ends.
    Text(String),
    /// Of a kind that is no text, with its tag.
    Other(Vec<u8>),
}

impl Name {
    pub fn read(element: Element<'_>) -> Option<Self> {
        let (mut parts, mut words) = (Vec::new(), Vec::new());
        for set in element.as_a(Tag::Sequence)?.all(limits::TIME_STAMP_ATTRIBUTES)? {
            let mut together = Vec::new();
            for pair in set.as_a(Tag::Set)?.all(limits::TIME_STAMP_ATTRIBUTES)? {
                let mut pair = pair.as_a(Tag::Sequence)?;
                let (oid, value) = (pair.next()?.oid()?, pair.next()?);
                pair.end()?;
                let text = text(value)?;
                let label = SHORT.iter().find(|(dotted, _)| oid.to_string() == *dotted);
                let label = label.map_or_else(|| oid.to_string(), |(_, short)| (*short).to_owned());
                words.push(format!("{label}={}", text.as_deref().map_or("?".into(), shown)));
                let folded = text.map(|text| {
                    let text = text.to_ascii_lowercase();
                    Value::Text(text.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
                });
                together.push((oid, folded.unwrap_or_else(|| Value::Other(value.whole.to_vec()))));
            }
            together.sort();
            parts.push(together);
        }
        let shown = if words.is_empty() { "somebody without a name".to_owned() } else { words.join(", ") };
        Some(Self { parts, shown: Hidden(shown.chars().take(400).collect()) })
    }

    /// `CN=Example TSA, O=Example`, in the order of the certificate.
    pub fn shown(&self) -> &str {
        &self.shown.0
    }
}

/// The text of a value, or none inside where it is of a kind that is no text; none at all where it is not what it says it is.
fn text(value: Element<'_>) -> Option<Option<String>> {
    match value.tag {
        Tag::Utf8String => std::str::from_utf8(value.value).ok().map(|text| Some(text.to_owned())),
        // The others are subsets of Latin-1, or should be.
        Tag::PrintableString | Tag::Ia5String | Tag::NumericString | Tag::TeletexString => {
            Some(Some(value.value.iter().map(|byte| char::from(*byte)).collect()))
        }
        Tag::BmpString => {
            let (units, rest) = value.value.as_chunks::<2>();
            let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
            rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten().map(Some)
        }
        // The first byte says how many bits of the last one do not count.
        Tag::BitString => value.value.first().filter(|unused| **unused < 8).map(|_| None),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time_stamp::element::written;

    fn name(tag: Tag, text: &[u8]) -> Name {
        read(tag, text).unwrap()
    }

    fn read(tag: Tag, text: &[u8]) -> Option<Name> {
        let oid = b"\x06\x03\x55\x04\x03";
        let pair = written(Tag::Sequence, &[oid, &written(tag, &[text]).unwrap()]).unwrap();
        let bytes = written(Tag::Sequence, &[&written(Tag::Set, &[&pair]).unwrap()]).unwrap();
        Name::read(Element::of(&bytes).unwrap())
    }

    #[test]
    fn names_that_differ_in_capitals_spaces_and_kind_are_equal_and_no_others() {
        let one = name(Tag::Utf8String, b"Example  TSA ");
        assert_eq!(one, name(Tag::PrintableString, b"example tsa"));
        assert_eq!(one, name(Tag::BmpString, b"\0E\0x\0a\0m\0p\0l\0e\0 \0T\0S\0A"));
        assert_ne!(one, name(Tag::Utf8String, b"ExampleTSA"));
        assert_ne!(one, name(Tag::BitString, b"\0example tsa"));
        assert_eq!(one.shown(), "CN=Example  TSA ");
        assert_eq!(name(Tag::Utf8String, b"\x1b[2J").shown(), "CN=\\u{1b}[2J");
        assert_eq!(name(Tag::BitString, b"\0\xff").shown(), "CN=?");
        for (tag, bytes) in
            [(Tag::Utf8String, &b"\xff"[..]), (Tag::Set, b""), (Tag::BitString, b"example"), (Tag::BmpString, b"x")]
        {
            assert!(read(tag, bytes).is_none(), "{tag}");
        }
    }
}
