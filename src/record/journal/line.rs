//! An entry of a journal as a line of JSON, and such a line read back.
//!
//! The line is what `journalctl --output=json --all` writes (systemd, `logs-show.c`, `output_json`; and "Journal JSON
//! Format" in <https://systemd.io/JOURNAL_EXPORT_FORMATS>): `__REALTIME_TIMESTAMP`, `__MONOTONIC_TIMESTAMP` and `_BOOT_ID`
//! first, then the entry's fields in its own order; a value that is not printable UTF-8 as an array of its bytes, the
//! values of a field that occurs several times as an array of them. `__CURSOR` is deliberately absent: its number counts
//! the entries between two disclosed ones, and its hash is over no more than what the line holds. A field whose name begins
//! with `__` would pass for one of the first two, and journald takes none from anybody: such an entry is damaged.
//!
//! A run decides on the line as it is read back here, and so does `verify`.
//!
//! **Invariant:** the values that are read back are those that were rendered, byte for byte, each by itself.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::super::line::{self, LineFormat};
use super::super::{RecordFormat, RecordSink, SplitError, escape};
use crate::clock::Timestamp;
use crate::limits::LINE_BYTES;
use crate::order::{Clock, Family, Format, Role};
use crate::scope::{Fields, Reading, TimeField, Value};

const REALTIME: &str = "__REALTIME_TIMESTAMP";
const MONOTONIC: &str = "__MONOTONIC_TIMESTAMP";
const BOOT: &str = "_BOOT_ID";

/// When an entry was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Moment {
    /// Microseconds since 1970.
    pub(super) realtime: u64,
    /// Microseconds since the boot.
    pub(super) monotonic: u64,
    /// Which boot.
    pub(super) boot: [u8; 16],
}

/// Why there is no line of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// It would be over [`LINE_BYTES`].
    TooLong,
    /// One of its data is no field.
    NoField,
}

/// The line of an entry, its end included. Each payload is `NAME=value`.
pub(super) fn render<P: AsRef<[u8]>>(moment: Moment, payloads: &[P]) -> Result<Vec<u8>, Refusal> {
    let (realtime, monotonic) = (moment.realtime.to_string(), moment.monotonic.to_string());
    let boot = format!("{:032x}", u128::from_be_bytes(moment.boot));
    let mut fields: Vec<(&str, Vec<&[u8]>)> = vec![
        (REALTIME, vec![realtime.as_bytes()]),
        (MONOTONIC, vec![monotonic.as_bytes()]),
        (BOOT, vec![boot.as_bytes()]),
    ];
    let mut places = HashMap::from([(BOOT, 2)]);
    for payload in payloads {
        let (name, value) = field(payload.as_ref()).ok_or(Refusal::NoField)?;
        if name == BOOT && value == boot.as_bytes() {
            continue;
        }
        let place = *places.entry(name).or_insert(fields.len());
        match fields.get_mut(place) {
            Some((_, values)) => values.push(value),
            None => fields.push((name, vec![value])),
        }
    }
    let mut line = Vec::new();
    for (at, (name, values)) in fields.iter().enumerate() {
        line.push(if at == 0 { b'{' } else { b',' });
        line.push(b'"');
        line.extend_from_slice(name.as_bytes());
        line.extend_from_slice(b"\":");
        if let [value] = values.as_slice() {
            put_value(&mut line, value)?;
        } else {
            put_list(&mut line, values, |line, value| put_value(line, value))?;
        }
    }
    line.extend_from_slice(b"}\n");
    if line.len() > LINE_BYTES { Err(Refusal::TooLong) } else { Ok(line) }
}

/// A name of visible ASCII that needs no escape, and what stands behind the `=`.
fn field(payload: &[u8]) -> Option<(&str, &[u8])> {
    let equals = memchr::memchr(b'=', payload)?;
    let (name, value) = payload.split_at_checked(equals)?;
    let is_name = name.iter().all(|&byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    let name = std::str::from_utf8(name).ok()?;
    (is_name && !name.is_empty() && !name.starts_with("__")).then_some((name, value.get(1..)?))
}

fn put_value(line: &mut Vec<u8>, value: &[u8]) -> Result<(), Refusal> {
    if line.len().saturating_add(value.len()) > LINE_BYTES {
        return Err(Refusal::TooLong);
    }
    match std::str::from_utf8(value).ok().filter(|text| text.chars().all(is_printable)) {
        // A string can be written, always: there is nothing in it to fail.
        Some(text) => serde_json::to_writer(line, text).map_err(|_| Refusal::NoField),
        None => put_list(line, value, |line, byte| {
            line.extend_from_slice(byte.to_string().as_bytes());
            Ok(())
        }),
    }
}

fn put_list<T>(
    line: &mut Vec<u8>,
    items: &[T],
    mut put: impl FnMut(&mut Vec<u8>, &T) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    line.push(b'[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            line.push(b',');
        }
        put(line, item)?;
    }
    line.push(b']');
    Ok(())
}

/// systemd's `utf8_is_printable`: no control character but tab and line feed, and no code point that is none.
fn is_printable(sign: char) -> bool {
    let code = u32::from(sign);
    let is_control = (code < 0x20 && !matches!(sign, '\t' | '\n')) || (0x7f..=0x9f).contains(&code);
    let is_none = (0xfdd0..=0xfdef).contains(&code) || code & 0xfffe == 0xfffe;
    !is_control && !is_none
}

/// The lines of an exhibit: what [`super::Journal`] renders.
pub(super) struct Rendered;

impl RecordFormat for Rendered {
    fn format(&self) -> Format {
        Format::Journal
    }

    /// No order asks for it, and no stream of a source is one.
    fn probe(&self, _head: &[u8], _whole: bool) -> bool {
        false
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        line::split::<Self>(stream, sink)
    }
}

impl LineFormat for Rendered {
    type Line<'a> = Line<'a>;

    fn line(bytes: &[u8]) -> Line<'_> {
        Line { bytes, members: OnceCell::new() }
    }
}

/// One line.
pub(super) struct Line<'a> {
    bytes: &'a [u8],
    members: OnceCell<Option<Members>>,
}

impl Line<'_> {
    /// None: it is no line that [`render`] makes.
    fn members(&self) -> Option<&Members> {
        self.members.get_or_init(|| Members::read(self.bytes)).as_ref()
    }
}

impl Fields for Line<'_> {
    fn family(&self) -> Family {
        Family::Line
    }

    fn parsed(&self) -> bool {
        self.members().is_some()
    }

    fn time(&self, clock: Clock) -> TimeField {
        match clock {
            Clock::Record => self.members().and_then(Members::time).map_or(TimeField::Unreadable, TimeField::At),
            Clock::Modified | Clock::Changed | Clock::Created | Clock::Accessed => TimeField::Lacks,
            Clock::DateHeader | Clock::Received | Clock::Delivered => TimeField::Lacks,
        }
    }

    /// None: `_UID` and its like are numbers that journald vouches for, names are only in what programs say.
    fn values(&self, _role: Role, _visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        Reading::Partial
    }

    /// Every value by itself. The line as it is would put the sign of an escape against a word.
    fn texts(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
        let Some(members) = self.members() else {
            visit(self.bytes);
            return Reading::Partial;
        };
        for value in members.0.iter().flat_map(|(_, values)| values) {
            visit(value);
            escape::decoded_forms(value, visit);
        }
        Reading::Complete
    }
}

/// The fields of a line, in its order.
struct Members(Vec<(String, Vec<Vec<u8>>)>);

impl Members {
    fn read(line: &[u8]) -> Option<Self> {
        let members: Self = serde_json::from_slice(line).ok()?;
        let names = members.0.iter().take(3).map(|(name, _)| name.as_str());
        (names.eq([REALTIME, MONOTONIC, BOOT]) && members.number(0).is_some() && members.number(1).is_some())
            .then_some(members)
    }

    /// The one value of a field, as a number without a sign.
    fn number(&self, at: usize) -> Option<u64> {
        match self.0.get(at)?.1.as_slice() {
            [value] if value.iter().all(u8::is_ascii_digit) => std::str::from_utf8(value).ok()?.parse().ok(),
            _ => None,
        }
    }

    fn time(&self) -> Option<Timestamp> {
        let microseconds = self.number(0)?;
        let nanoseconds = u32::try_from(microseconds % 1_000_000).ok()?.checked_mul(1_000)?;
        Timestamp::new(i64::try_from(microseconds / 1_000_000).ok()?, nanoseconds)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the fields of an entry")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((name, values)) = map.next_entry::<String, Values>()? {
                    members.push((name, values.0));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// The values of one field: a text, an array of bytes, or an array of texts and arrays of bytes.
struct Values(Vec<Vec<u8>>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Item::deserialize(deserializer)? {
            Item::Value(value) => Ok(Self(vec![value])),
            Item::Several(values) => Ok(Self(values)),
            Item::Byte(_) => Err(serde::de::Error::custom("a number is no value")),
        }
    }
}

/// What may stand in an array, or be one.
enum Item {
    Byte(u8),
    Value(Vec<u8>),
    Several(Vec<Vec<u8>>),
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a byte, or an array")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Item, E> {
                Ok(Item::Value(text.as_bytes().to_vec()))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Item, E> {
                u8::try_from(number).map(Item::Byte).map_err(|_| E::custom("no byte"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Item, A::Error> {
                let (mut bytes, mut values) = (Vec::new(), Vec::new());
                while let Some(item) = sequence.next_element()? {
                    match item {
                        Item::Byte(byte) => bytes.push(byte),
                        Item::Value(value) => values.push(value),
                        Item::Several(_) => return Err(serde::de::Error::custom("an array too deep")),
                    }
                }
                match (bytes.is_empty(), values.is_empty()) {
                    (false, true) => Ok(Item::Value(bytes)),
                    (true, false) => Ok(Item::Several(values)),
                    _ => Err(serde::de::Error::custom("an array of nothing, or of bytes and texts")),
                }
            }
        }
        deserializer.deserialize_any(Any)
    }
}
