//! Web access logs: the common and the combined log format of Apache httpd, one physical line a record.
//!
//! `client ident user [day/Mon/year:hh:mm:ss +zzzz] "request" status bytes`, and after that anything that a space parts
//! from it (`"referer" "user agent"`, further fields of the site). Source: Apache httpd 2.4, `mod_log_config`, and nginx,
//! `log_format combined`. A line with another number of fields before the stamp (a virtual host in front, a user name
//! with a space in it) has not this shape: which field is the client cannot be told, so nothing is told. Nor has a line with
//! a carriage return in it: both servers escape one, so it may end a line of another client.
//!
//! **Invariant:** a line whose first three fields and stamp do not stand where the format puts them is not `parsed`.

use std::io::Read;
use std::path::Path;

use super::field::{client, trim_end, word, word_or_rest};
use super::layout::{self, Laid};
use super::line::{self, LineFormat};
use super::{RecordFormat, RecordSink, SplitError, clf_time};
use crate::order::{Family, Format, Role};
use crate::scope::{Reading, TimeField, Value};

/// The format.
pub struct AccessLog;

impl RecordFormat for AccessLog {
    fn format(&self) -> Format {
        Format::AccessLog
    }

    /// At least a quarter of the lines that are shown whole have the shape, which nothing else has: some servers break
    /// a record over two lines.
    /// Where not even one line ends in what is shown, it must begin as one.
    fn probe(&self, head: &[u8], whole: bool) -> bool {
        if !whole && !head.contains(&b'\n') {
            return Layout::begin(head).is_some();
        }
        layout::fits_a_quarter::<Layout<'_>>(head, whole)
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        line::split::<Self>(stream, sink)
    }
}

impl LineFormat for AccessLog {
    type Line<'a> = Laid<'a, Layout<'a>>;

    fn line(bytes: &[u8]) -> Self::Line<'_> {
        Laid::new(bytes)
    }
}

/// Where the fields of a line stand.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout<'a> {
    client: &'a [u8],
    user: &'a [u8],
    /// Without its brackets.
    stamp: &'a [u8],
}

impl<'a> layout::Layout<'a> for Layout<'a> {
    const FAMILY: Family = Family::WebLog;

    fn of(line: &'a [u8]) -> Option<Self> {
        if memchr::memchr(b'\r', trim_end(line)).is_some() {
            return None;
        }
        Self::begin(line).filter(|(_, request)| has_status(trim_end(request))).map(|(layout, _)| layout)
    }

    fn time(&self) -> TimeField {
        clf_time::parse(self.stamp).map_or(TimeField::Unreadable, TimeField::At)
    }

    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        let field = match role {
            Role::Client => self.client,
            Role::User => self.user,
            Role::From | Role::To | Role::Cc | Role::Bcc | Role::Sender | Role::ReplyTo | Role::Any => {
                return Reading::Partial;
            }
        };
        if field == b"-" {
            return Reading::Complete;
        }
        if role == Role::Client {
            let Some(value) = client(field) else { return Reading::Partial };
            visit(value);
        } else {
            visit(Value::Text(field));
        }
        Reading::Complete
    }
}

impl<'a> Layout<'a> {
    /// The fields up to the stamp, and what is behind the quote that opens the request.
    fn begin(line: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (client, rest) = word(line)?;
        let (_ident, rest) = word(rest)?;
        let (user, rest) = word(rest)?;
        let rest = rest.strip_prefix(b"[")?;
        // A stamp has 26 bytes; what is far longer is something else.
        let end = memchr::memchr(b']', rest.get(..rest.len().min(64)).unwrap_or_default())?;
        let (stamp, rest) = rest.split_at_checked(end)?;
        let request = rest.strip_prefix(b"] \"")?;
        client.iter().all(|&byte| is_host_byte(byte)).then_some((Self { client, user, stamp }, request))
    }
}

/// A byte of a host name, an IP address, a port, a zone index, or of `-`.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'-' | b'_' | b'[' | b']' | b'%')
}

/// Somewhere behind the request stand its closing quote, a status of three digits and a size, each of them or `-`. Old
/// servers did not escape quotes in the request, so that the first quote need not be the closing one.
fn has_status(request: &[u8]) -> bool {
    memchr::memchr_iter(b'"', request).any(|quote| {
        let fields = request.get(quote + 1..).and_then(|rest| rest.strip_prefix(b" ")).and_then(word_or_rest);
        let Some((status, rest)) = fields else { return false };
        let size = word_or_rest(rest).map(|(size, _)| size).unwrap_or_default();
        let digits = |field: &[u8]| field == b"-" || (!field.is_empty() && field.iter().all(u8::is_ascii_digit));
        digits(status) && matches!(status.len(), 1 | 3) && digits(size)
    })
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::scope::Fields as _;

    fn line(client: &str, stamp: &str) -> String {
        format!("{client} - - [{stamp}] \"GET / HTTP/1.1\" 200 5\n")
    }

    #[test]
    fn the_client_is_read_as_an_address_with_its_port_or_as_text() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let cases: [(&str, Value<'_>); 9] = [
            ("192.0.2.1", Value::Ip(ip("192.0.2.1"), None)),
            ("192.0.2.1:8080", Value::Ip(ip("192.0.2.1"), Some(8080))),
            ("2001:db8::1", Value::Ip(ip("2001:db8::1"), None)),
            ("[2001:db8::1]", Value::Ip(ip("2001:db8::1"), None)),
            ("[2001:db8::1]:443", Value::Ip(ip("2001:db8::1"), Some(443))),
            ("::ffff:192.0.2.1", Value::Ip(ip("192.0.2.1"), None)),
            ("192.0.2.1:-80", Value::Text(b"192.0.2.1:-80")),
            ("fe80::1%eth0", Value::Ip(ip("fe80::1"), None)),
            ("www.example.org", Value::Text(b"www.example.org")),
        ];
        for (field, expected) in cases {
            let text = line(field, "17/May/2015:10:05:03 +0000");
            let mut seen = Vec::new();
            let reading = AccessLog::line(text.as_bytes()).values(Role::Client, &mut |value| {
                seen.push(format!("{value:?}"));
            });
            assert_eq!((reading, seen), (Reading::Complete, vec![format!("{expected:?}")]), "{field}");
        }
        for field in ["192.0.2.256", "192.0.2.01", "192.0.2.1:99999", "192.0.2.1:", "2001:db8::g1:zz", "1::2::3"] {
            let text = line(field, "17/May/2015:10:05:03 +0000");
            let reading = AccessLog::line(text.as_bytes()).values(Role::Client, &mut |value| {
                assert!(matches!(value, Value::Text(b"2001:db8::g1:zz")), "{field}");
            });
            let expected = if field.contains('g') { Reading::Complete } else { Reading::Partial };
            assert_eq!(reading, expected, "{field}");
        }
    }

    #[test]
    fn a_line_is_parsed_only_where_each_field_stands_in_its_place() {
        let yes = [
            "a - - [x] \"GET / HTTP/1.1\" 200 5",
            "a - - [17/May/2015:10:05:03 +0000] \"-\" 408 -",
            "a - - [17/May/2015:10:05:03 +0000] \"GET /\" - 0 \"-\" \"agent\" extra",
            "a - - [17/May/2015:10:05:03 +0000] \"GET /\"quoted\" HTTP/1.0\" 200 12 \"-\" \"-\"",
            "a - alice [17/May/2015:10:05:03 +0000] \"\" 400 0\r\n",
        ];
        let no = [
            "",
            "\n",
            " \"Mozilla/5.0\"",
            "www.example.org:80 192.0.2.1 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 5",
            "192.0.2.1 - john doe [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 5",
            "192.0.2.1, 10.0.0.1 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 5",
            "192.0.2.1 - - \"GET / HTTP/1.1\" 200 5",
            "192.0.2.1 - - [17/May/2015:10:05:03 +0000] GET / HTTP/1.1 200 5",
            "192.0.2.1 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1",
            "192.0.2.1 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200",
            "192.0.2.1 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" OK 5",
            "192.0.2.1 - - [17/May/2015:10:05:03 +0000] \"-\" 200 5\r192.0.2.2 - - [17/May/2015:10:05:03 +0000] \"-\" 200 5\r",
        ];
        for text in yes {
            assert!(AccessLog::line(text.as_bytes()).parsed(), "{text}");
        }
        for text in no {
            assert!(!AccessLog::line(text.as_bytes()).parsed(), "{text}");
        }
    }
}
