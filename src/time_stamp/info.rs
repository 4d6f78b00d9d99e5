//! What a stamp states: `TSTInfo` of RFC 3161, section 2.4.2.
//!
//! **Invariant:** an extension that is critical and not known makes the stamp none; so does a version that is not 1.

use std::fmt;

use der::asn1::ObjectIdentifier;
use der::{Tag, TagNumber};

use super::element::{Element, place, plain_place};
use super::fault::Fault;
use super::hash::Hash;
use super::request::imprint;
use crate::clock::Timestamp;
use crate::limits;

/// How far the stated time may be from the true one, in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Accuracy(pub u64);

/// Seconds, without trailing zeros: `1.5 s`.
impl fmt::Display for Accuracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let fraction = format!(".{micros:06}");
        write!(f, "{seconds}{} s", fraction.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// The signed statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Info {
    pub hash: Hash,
    pub imprint: Vec<u8>,
    pub serial: Vec<u8>,
    pub time: Timestamp,
    pub accuracy: Option<Accuracy>,
    pub nonce: Option<Vec<u8>>,
    /// The `GeneralName` of the authority, its bytes.
    pub authority: Option<Vec<u8>>,
}

const NONE: Fault = Fault::Malformed("its TSTInfo");

impl Info {
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let mut parts = Element::of(bytes).and_then(|whole| whole.as_a(Tag::Sequence)).ok_or(NONE)?;
        if parts.take(Tag::Integer).and_then(Element::number) != Some(1) {
            return Err(Fault::Malformed("its TSTInfo is of another version than 1"));
        }
        let _policy: ObjectIdentifier = parts.next().and_then(Element::oid).ok_or(NONE)?;
        let (hash, imprint) = imprint(parts.next().ok_or(NONE)?)?;
        let serial = parts.next().and_then(Element::integer).ok_or(NONE)?;
        if serial.len() > limits::TIME_STAMP_SERIAL_BYTES {
            return Err(Fault::Malformed("its serial number is too long"));
        }
        let time = parts.take(Tag::GeneralizedTime).and_then(|time| time_of(time.value));
        let time = time.ok_or(Fault::Malformed("its time"))?;
        let accuracy = parts.maybe(Tag::Sequence).map(|accuracy| accuracy_of(accuracy).ok_or(NONE)).transpose()?;
        // Whether its stamps are ordered tells nothing here.
        if parts.maybe(Tag::Boolean).is_some_and(|ordering| !matches!(ordering.value, [0 | 0xff])) {
            return Err(NONE);
        }
        let nonce = parts.maybe(Tag::Integer).map(|nonce| nonce.integer().ok_or(NONE)).transpose()?;
        let authority = parts.maybe(place(TagNumber::N0)).map(|tsa| Element::of(tsa.value).ok_or(NONE)).transpose()?;
        if let Some(extensions) = parts.maybe(place(TagNumber::N1)) {
            refuse_critical(extensions)?;
        }
        parts.end().ok_or(NONE)?;
        Ok(Self {
            hash,
            imprint: imprint.to_vec(),
            serial: serial.to_vec(),
            time,
            accuracy,
            nonce: nonce.map(<[u8]>::to_vec),
            authority: authority.map(|name| name.whole.to_vec()),
        })
    }
}

/// `20240409100000Z`, or with a fraction that does not end in a zero. Of it nine digits count.
fn time_of(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = match text.split_once('.') {
        Some((_, fraction)) if fraction.is_empty() || fraction.ends_with('0') => return None,
        Some((whole, fraction)) => (whole, fraction),
        None => (text, ""),
    };
    if whole.len() != 14 || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |digits: std::ops::Range<usize>| whole.get(digits)?.parse::<i64>().ok();
    let clock = (number(8..10)?, number(10..12)?, number(12..14)?);
    let second = Timestamp::of_civil(number(0..4)?, number(4..6)?, number(6..8)?, clock, 0)?;
    let nanoseconds: u32 = format!("{:0<9}", fraction.get(..9).unwrap_or(fraction)).parse().ok()?;
    Timestamp::new(second.seconds(), nanoseconds)
}

fn accuracy_of(element: Element<'_>) -> Option<Accuracy> {
    let mut parts = element.inside();
    let seconds = parts.maybe(Tag::Integer).map_or(Some(0), Element::number)?;
    // Their tags stand in place of that of an integer.
    let mut below = |tag| match parts.maybe(tag).map(|part| part.value) {
        None => Some(0),
        Some([one]) if *one & 0x80 == 0 => Some(u64::from(*one)),
        Some([high @ 0..=3, low]) => Some(u64::from(u16::from_be_bytes([*high, *low]))).filter(|value| *value <= 999),
        Some(_) => None,
    };
    let (millis, micros) = (below(plain_place(TagNumber::N0))?, below(plain_place(TagNumber::N1))?);
    parts.end()?;
    seconds.checked_mul(1_000_000)?.checked_add(millis * 1_000 + micros).map(Accuracy)
}

fn refuse_critical(extensions: Element<'_>) -> Result<(), Fault> {
    for extension in extensions.inside().all(limits::CERTIFICATE_EXTENSIONS).ok_or(NONE)? {
        let mut parts = extension.as_a(Tag::Sequence).ok_or(NONE)?;
        let oid = parts.next().and_then(Element::oid).ok_or(NONE)?;
        if parts.maybe(Tag::Boolean).is_some_and(|critical| critical.value != [0]) {
            return Err(Fault::Extension(oid.to_string()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_rfc_3161_writes_it_and_not_otherwise() {
        for (text, read) in [
            ("20240409100000Z", Some("2024-04-09T10:00:00Z")),
            ("20240409100000.5Z", Some("2024-04-09T10:00:00.5Z")),
            ("20240409100000.1234567891Z", Some("2024-04-09T10:00:00.123456789Z")),
            ("20240409100000.50Z", None),
            ("20240409100000.Z", None),
            ("20240409100000", None),
            ("20240409100000+0100", None),
            ("202404091000Z", None),
            ("20240431100000Z", None),
            ("20240409100060Z", None),
            ("2024 409100000Z", None),
            ("+0240409100000Z", None),
        ] {
            assert_eq!(time_of(text.as_bytes()).map(|time| time.to_string()).as_deref(), read, "{text}");
        }
    }

    #[test]
    fn an_accuracy_is_the_sum_of_its_parts() {
        for (bytes, shown) in [
            (&b"\x30\x00"[..], Some("0 s")),
            (b"\x30\x03\x02\x01\x01", Some("1 s")),
            (b"\x30\x07\x02\x01\x01\x80\x02\x01\xf4", Some("1.5 s")),
            (b"\x30\x03\x81\x01\x64", Some("0.0001 s")),
            (b"\x30\x04\x80\x02\x03\xe8", None),
            (b"\x30\x03\x80\x01\x80", None),
            (b"\x30\x03\x02\x01\xff", None),
            (b"\x30\x0a\x02\x08\x7f\xff\xff\xff\xff\xff\xff\xff", None),
        ] {
            let read = accuracy_of(Element::of(bytes).unwrap());
            assert_eq!(read.map(|read| read.to_string()).as_deref(), shown, "{bytes:?}");
        }
    }
}
