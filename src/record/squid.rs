//! Squid's access log in its own format; one line a record.
//!
//! `1066036250.129    456 192.0.2.1 TCP_MISS/200 7456 GET http://a.example/ user HIER_DIRECT/203.0.113.1 text/html`. Source:
//! Squid 5, `logformat squid %ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt`. The time is one of UTC.
//!
//! The address of a request may hold blanks where the site allows it (`uri_whitespace allow`), so that the user, who stands
//! behind it, is read only where the line has no word too many. Squid writes a user's name with percent escapes, but a blank in
//! it as it is: such a user is not read.
//!
//! **Invariant:** no part of a request's address is read as a user.

use std::io::Read;
use std::path::Path;

use super::field::{client, trim_end, word};
use super::layout::{self, Laid};
use super::line::{self, LineFormat};
use super::{RecordFormat, RecordSink, SplitError, escape, stamp};
use crate::clock::Timestamp;
use crate::order::{Family, Format, Role};
use crate::scope::{Reading, TimeField, Value};

/// The format.
pub struct Squid;

impl RecordFormat for Squid {
    fn format(&self) -> Format {
        Format::Squid
    }

    /// At least a quarter of the lines that are shown whole have the shape.
    fn probe(&self, head: &[u8], whole: bool) -> bool {
        layout::fits_a_quarter::<Layout<'_>>(head, whole)
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        line::split::<Self>(stream, sink)
    }
}

impl LineFormat for Squid {
    type Line<'a> = Laid<'a, Layout<'a>>;

    fn line(bytes: &[u8]) -> Self::Line<'_> {
        Laid::new(bytes)
    }
}

/// Where the fields of a line stand.
#[derive(Debug)]
pub struct Layout<'a> {
    time: Option<Timestamp>,
    client: &'a [u8],
    /// The address of the request and what is behind it.
    rest: &'a [u8],
}

impl<'a> layout::Layout<'a> for Layout<'a> {
    const FAMILY: Family = Family::WebLog;

    fn of(bytes: &'a [u8]) -> Option<Self> {
        let line = trim_end(bytes);
        // A carriage return within may end another line.
        if line.contains(&b'\r') {
            return None;
        }
        let (seconds, rest) = line.split_at_checked(memchr::memchr(b'.', line)?)?;
        let is_number = (1..=12).contains(&seconds.len()) && seconds.iter().all(u8::is_ascii_digit);
        let (milliseconds, rest) = stamp::digits(rest.strip_prefix(b".").filter(|_| is_number)?, 3)?;
        let time = std::str::from_utf8(seconds).ok().and_then(|seconds| seconds.parse().ok());
        let time = time.and_then(|seconds| Timestamp::new(seconds, milliseconds * 1_000_000));

        let (elapsed, rest) = word(rest.strip_prefix(b" ")?.trim_ascii_start())?;
        is_digits(elapsed.strip_prefix(b"-").unwrap_or(elapsed)).then_some(())?;
        let (client, rest) = word(rest)?;
        let (result, rest) = word(rest)?;
        let slash = memchr::memchr(b'/', result)?;
        let (code, status) = (result.get(..slash)?, result.get(slash + 1..)?);
        let is_code = |byte: &u8| byte.is_ascii_uppercase() || *byte == b'_';
        (code.iter().all(is_code) && code.len() >= 3 && status.len() == 3 && is_digits(status)).then_some(())?;
        let (size, rest) = word(rest)?;
        let (_method, rest) = word(rest)?;
        (is_digits(size) && !rest.is_empty()).then_some(Self { time, client, rest })
    }

    fn time(&self) -> TimeField {
        self.time.map_or(TimeField::Unreadable, TimeField::At)
    }

    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        let shown = match role {
            Role::Client if self.client == b"-" => Some(()),
            Role::Client => client(self.client).map(visit),
            Role::User => self.user().map(|user| {
                if user != b"-" {
                    let plain = escape::decode_percent(user);
                    visit(Value::Text(plain.as_deref().unwrap_or(user)));
                }
            }),
            Role::From | Role::To | Role::Cc | Role::Bcc | Role::Sender | Role::ReplyTo | Role::Any => None,
        };
        shown.map_or(Reading::Partial, |()| Reading::Complete)
    }
}

impl<'a> Layout<'a> {
    /// The second of four words.
    fn user(&self) -> Option<&'a [u8]> {
        let mut words = self.rest.split(|&byte| byte == b' ');
        let (_address, user, _peer, _kind) = (words.next()?, words.next()?, words.next()?, words.next()?);
        (words.next().is_none() && !user.is_empty()).then_some(user)
    }
}

fn is_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}
