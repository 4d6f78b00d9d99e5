//! A record projected to named fields: `{"fields":{"time":"2024-03-25T10:00:00Z","client":["192.0.2.7"]}}`, a line.
//!
//! The gate writes it, and a check of a package reads it back. The time of a log is one instant in UTC, null where its records
//! have none; every other field is a list of its values as text, and `{"base64":"AP8="}` where one is not UTF-8.
//!
//! **Invariant:** a line has the fields that were asked for, each once and in that order, and nothing else; a field that cannot
//! be read for certain makes no line.

use std::net::{IpAddr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::clause_scope::record_time;
use super::record::{Fields, Reading, TimeField, Value};
use super::row::read_time;
use crate::clock::{Timestamp, Zone};
use crate::limits;
use crate::order::{Clock, Family, Field, Format, Role};

/// The name of the field [`Field::Time`], and of the column that a format may have in its place.
const TIME: &str = "time";

/// Named fields of a record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Projection {
    fields: Members,
    #[serde(skip, default = "line_family")]
    family: Family,
}

/// In the order in which they were asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Members(Vec<(String, Shown)>);

/// What a field shows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Shown {
    /// The time of a log's record.
    Time(Option<Timestamp>),
    /// The values of any other field.
    Values(Vec<Text>),
}

/// One value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Text {
    Plain(String),
    Bytes { base64: String },
}

const fn line_family() -> Family {
    Family::Line
}

impl Projection {
    /// Those fields of a record; none where one cannot be read for certain.
    pub(in crate::scope) fn of(fields: &dyn Fields, wanted: &[Field], zone: Option<Zone>) -> Option<Self> {
        if !fields.parsed() {
            return None;
        }
        let members = wanted.iter().map(|field| Some((field.name().to_owned(), shown(fields, field, zone)?)));
        Some(Self { fields: Members(members.collect::<Option<_>>()?), family: fields.family() })
    }

    /// As a line; none where it would be longer than a line may be.
    pub(in crate::scope) fn line(&self) -> Option<Vec<u8>> {
        let mut line = serde_json::to_vec(self).ok()?;
        line.push(b'\n');
        (line.len() <= limits::LINE_BYTES).then_some(line)
    }

    /// Reads a line back that was made of a record of that format; none where it is none, or is written in another way.
    pub fn read(line: &[u8], format: Format) -> Option<Self> {
        let read: Self = serde_json::from_slice(line).ok()?;
        let projection = Self { family: format.family(), ..read };
        (projection.line()? == line).then_some(projection)
    }

    /// It has these fields, in that order, and no others.
    pub fn has_exactly(&self, wanted: &[Field]) -> bool {
        let named = self.fields.0.iter().map(|(name, _)| name.as_str());
        named.eq(wanted.iter().map(Field::name))
            && self
                .fields
                .0
                .iter()
                .zip(wanted)
                .all(|((_, shown), field)| matches!(shown, Shown::Time(_)) == matches!(field, Field::Time))
    }

    fn member(&self, name: &str) -> Option<&Shown> {
        self.fields.0.iter().find(|(known, _)| known == name).map(|(_, shown)| shown)
    }

    /// Shows the values of a field of lists.
    fn each(&self, name: &str, visit: &mut dyn FnMut(&[u8])) -> Reading {
        let Some(Shown::Values(values)) = self.member(name) else { return Reading::Partial };
        let mut reading = Reading::Complete;
        for value in values {
            match value.bytes() {
                Some(bytes) => visit(&bytes),
                None => reading = Reading::Partial,
            }
        }
        reading
    }
}

fn shown(fields: &dyn Fields, field: &Field, zone: Option<Zone>) -> Option<Shown> {
    let mut values = Vec::new();
    let reading = match field {
        Field::Time => {
            return match fields.time(Clock::Record) {
                // The record carries none: that is certain.
                TimeField::Lacks => Some(Shown::Time(None)),
                time => record_time(time, zone).map(|at| Shown::Time(Some(at))),
            };
        }
        Field::Role(role) => fields.values(*role, &mut |value| values.push(Text::of_value(value))),
        Field::Column(name) if fields.may_have_column(name) => {
            fields.column(name, &mut |value| values.push(Text::of(value)))
        }
        Field::Column(_) => Reading::Partial,
    };
    (reading == Reading::Complete).then_some(Shown::Values(values))
}

impl Text {
    fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Plain(text.to_owned()),
            Err(_) => Self::Bytes { base64: STANDARD.encode(bytes) },
        }
    }

    /// A value as it is compared: an address of the network in its canonical form.
    fn of_value(value: Value<'_>) -> Self {
        match value {
            Value::Text(text) => Self::of(text),
            Value::Address { local, domain } => Self::of(&[local, b"@", domain].concat()),
            Value::Ip(ip, None) => Self::Plain(ip.to_canonical().to_string()),
            Value::Ip(ip, Some(port)) => Self::Plain(SocketAddr::new(ip.to_canonical(), port).to_string()),
        }
    }

    /// None: its base64 is none.
    fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Plain(text) => Some(text.clone().into_bytes()),
            Self::Bytes { base64 } => STANDARD.decode(base64).ok(),
        }
    }
}

/// What a line says of the record that it was made of. What was left out of it cannot be read.
impl Fields for Projection {
    fn family(&self) -> Family {
        self.family
    }

    fn parsed(&self) -> bool {
        true
    }

    fn time(&self, clock: Clock) -> TimeField {
        if clock != Clock::Record {
            return TimeField::Lacks;
        }
        match self.member(TIME) {
            Some(Shown::Time(Some(at))) => TimeField::At(*at),
            Some(Shown::Time(None)) | None => TimeField::Lacks,
            Some(Shown::Values(values)) => match values.as_slice() {
                [value] => value.bytes().map_or(TimeField::Unreadable, |text| read_time(&text, None)),
                _ => TimeField::Unreadable,
            },
        }
    }

    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        self.each(role.name(), &mut |bytes| {
            // A line does not say of which kind a value was: it is shown as all that it can have been.
            visit(Value::Text(bytes));
            if let Some((ip, port)) = std::str::from_utf8(bytes).ok().and_then(address) {
                visit(Value::Ip(ip, port));
            }
            if let Some(at) = memchr::memrchr(b'@', bytes)
                && let (Some(local), Some(domain)) = (bytes.get(..at), bytes.get(at + 1..))
            {
                visit(Value::Address { local, domain });
            }
        })
    }

    fn texts(&self, _: &mut dyn FnMut(&[u8])) -> Reading {
        Reading::Partial
    }

    fn column(&self, name: &str, visit: &mut dyn FnMut(&[u8])) -> Reading {
        self.each(name, visit)
    }
}

fn address(text: &str) -> Option<(IpAddr, Option<u16>)> {
    let socket = || text.parse::<SocketAddr>().ok().map(|socket| (socket.ip(), Some(socket.port())));
    text.parse::<IpAddr>().ok().map(|ip| (ip, None)).or_else(socket)
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, shown) in &self.0 {
            map.serialize_entry(name, shown)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("fields")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Option<Projection> {
        Projection::read(format!("{text}\n").as_bytes(), Format::AccessLog)
    }

    #[test]
    fn a_line_is_read_back_in_one_form_only() {
        let good = r#"{"fields":{"time":"2024-03-25T10:00:00Z","client":["192.0.2.7"],"user":[{"base64":"/w=="}]}}"#;
        let read = line(good).unwrap();
        let wanted = [Field::Time, Field::Role(Role::Client), Field::Role(Role::User)];
        assert!(read.has_exactly(&wanted));
        let [time, client, _] = &wanted;
        for other in [&wanted[..2], &[client.clone(), time.clone(), wanted[2].clone()], &[], std::slice::from_ref(time)]
        {
            assert!(!read.has_exactly(other), "{other:?}");
        }
        let mut seen = Vec::new();
        assert_eq!(read.values(Role::User, &mut |value| seen.push(format!("{value:?}"))), Reading::Complete);
        assert_eq!(seen, [format!("{:?}", Value::Text(b"\xff"))]);
        assert_eq!(read.values(Role::From, &mut |_| {}), Reading::Partial, "what was left out cannot be read");
        for (from, to) in [
            ("{\"fields\"", "{ \"fields\""),
            ("}}", "},\"more\":1}"),
            ("10:00:00Z", "10:00:00+00:00"),
            ("[\"192.0.2.7\"]", "\"192.0.2.7\""),
            ("[\"192.0.2.7\"]", "[1]"),
            ("[\"192.0.2.7\"]", "[{\"base64\":\"\",\"more\":1}]"),
            ("\"192", "\"\\u0031\\u0039\\u0032"),
        ] {
            assert!(line(&good.replacen(from, to, 1)).is_none(), "{to}");
        }
        assert!(Projection::read(good.as_bytes(), Format::AccessLog).is_none(), "without its line end");
    }

    #[test]
    fn a_time_that_a_record_lacks_is_null_and_a_column_of_times_is_a_list() {
        assert_eq!(line(r#"{"fields":{"time":null}}"#).unwrap().time(Clock::Record), TimeField::Lacks);
        let column = line(r#"{"fields":{"time":["2024-03-25T10:00:00Z"]}}"#).unwrap();
        assert!(matches!(column.time(Clock::Record), TimeField::At(_)));
        assert!(!column.has_exactly(&[Field::Time]) && column.has_exactly(&[Field::Column("time".into())]));
    }
}
