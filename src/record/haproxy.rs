//! HAProxy's log, HTTP and TCP, behind a syslog header or bare; one line a record.
//!
//! `192.0.2.1:4025 [25/Sep/2018:06:05:27.584] frontend backend/server ...`. Source: HAProxy configuration manual, 8.2
//! ("Log formats": `%ci:%cp [%tr] %ft ...`, and the error log format, which begins the same). The client always has a port,
//! so that what is behind the last colon is one also where the address is of IPv6. The accept date is local time. A header
//! is that of RFC 3164 or an ISO 8601 stamp, a host and a tag; it says nothing that the line does not say better.
//!
//! What a client chose (the request, captured headers) stands behind these fields. Lines about servers and proxies have no
//! client and no date but the header's: they have not this shape.
//!
//! **Invariant:** the client is the first word of the message, and nothing else.

use std::io::Read;
use std::net::IpAddr;
use std::path::Path;

use super::field::{trim_end, word, word_or_rest};
use super::layout::{self, Laid};
use super::line::{self, LineFormat};
use super::stamp::{self, Civil};
use super::{RecordFormat, RecordSink, SplitError, clf_time, escape};
use crate::order::{Family, Format, Role};
use crate::scope::{Reading, TimeField, Value};

/// The format.
pub struct Haproxy;

impl RecordFormat for Haproxy {
    fn format(&self) -> Format {
        Format::Haproxy
    }

    /// At least a quarter of the lines that are shown whole have the shape.
    fn probe(&self, head: &[u8], whole: bool) -> bool {
        layout::fits_a_quarter::<Layout<'_>>(head, whole)
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        line::split::<Self>(stream, sink)
    }
}

impl LineFormat for Haproxy {
    type Line<'a> = Laid<'a, Layout<'a>>;

    fn line(bytes: &[u8]) -> Self::Line<'_> {
        Laid::new(bytes)
    }
}

/// Where the fields of a line stand.
#[derive(Debug)]
pub struct Layout<'a> {
    /// With its port.
    client: &'a [u8],
    accepted: Civil,
}

impl<'a> Layout<'a> {
    fn message(message: &'a [u8]) -> Option<Self> {
        let (client, rest) = word(message).filter(|(client, _)| client.contains(&b':'))?;
        let (accepted, rest) = accept_date(rest.strip_prefix(b"[")?)?;
        let (frontend, _) = word_or_rest(rest.strip_prefix(b"] ")?)?;
        (!frontend.starts_with(b"\"")).then_some(Self { client, accepted })
    }
}

impl<'a> layout::Layout<'a> for Layout<'a> {
    const FAMILY: Family = Family::WebLog;

    fn of(bytes: &'a [u8]) -> Option<Self> {
        let line = trim_end(bytes);
        // A carriage return within may end another line.
        if line.contains(&b'\r') {
            return None;
        }
        Self::message(line).or_else(|| Self::message(behind_header(line)?))
    }

    fn time(&self) -> TimeField {
        stamp::local(self.accepted)
    }

    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        if role != Role::Client {
            return Reading::Partial;
        }
        // A client on a socket of the host itself has no address.
        if self.client.starts_with(b"unix:") {
            return Reading::Complete;
        }
        let Some((ip, port)) = with_port(self.client) else { return Reading::Partial };
        visit(Value::Ip(ip.to_canonical(), Some(port)));
        Reading::Complete
    }

    /// HAProxy escapes quotes, control bytes and those from 0x7f as `#22`. An address of IPv6 and a port that nothing but a
    /// colon parts are no whole token: the client is shown once more.
    fn texts(bytes: &'a [u8], visit: &mut dyn FnMut(&[u8])) -> Reading {
        let text = trim_end(bytes);
        visit(text);
        escape::decoded_forms(text, visit);
        if let Some(plain) = escape::decode_number_sign(text) {
            visit(&plain);
            escape::decoded_forms(&plain, visit);
        }
        let client = Self::of(bytes).and_then(|layout| with_port(layout.client));
        if let Some((IpAddr::V6(ip), port)) = client {
            visit(format!("[{ip}]:{port}").as_bytes());
        }
        Reading::Complete
    }
}

/// `25/Sep/2018:06:05:27.584` at the front.
fn accept_date(text: &[u8]) -> Option<(Civil, &[u8])> {
    let (day, rest) = stamp::digits(text, 2)?;
    let (month, rest) = rest.strip_prefix(b"/")?.split_at_checked(3)?;
    let month = u32::try_from(clf_time::month(month)?).ok()?;
    let (year, rest) = stamp::digits(rest.strip_prefix(b"/")?, 4)?;
    let (time, rest) = stamp::time_of_day(rest.strip_prefix(b":")?)?;
    Some((stamp::civil(i32::try_from(year).ok()?, month, day, time), rest))
}

/// An address, and the port behind its last colon.
fn with_port(client: &[u8]) -> Option<(IpAddr, u16)> {
    let (ip, port) = std::str::from_utf8(client).ok()?.rsplit_once(':')?;
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let ip = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).unwrap_or(ip);
    Some((ip.parse().ok()?, port.parse().ok().filter(|_| is_number)?))
}

/// What is behind `Sep 25 06:05:27 host tag[77]: `, or the same with a stamp of ISO 8601.
fn behind_header(line: &[u8]) -> Option<&[u8]> {
    let behind_stamp = match stamp::date_time(line) {
        Some((_, rest)) => stamp::offset(rest)?.1,
        None => {
            let (month, rest) = line.split_at_checked(3)?;
            clf_time::month(month)?;
            let (day, rest) = rest.strip_prefix(b" ")?.split_at_checked(2)?;
            day.iter().all(|byte| byte.is_ascii_digit() || *byte == b' ').then_some(())?;
            stamp::time_of_day(rest.strip_prefix(b" ")?)?.1
        }
    };
    let (_host, rest) = word(behind_stamp.strip_prefix(b" ")?)?;
    let (tag, message) = word(rest)?;
    tag.ends_with(b":").then_some(message)
}
