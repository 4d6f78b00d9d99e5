//! Access logs in a format that the order writes down, one physical line a record.
//!
//! A field goes up to the first place where the literal behind it stands; between quotes, up to a quote that no backslash
//! escapes (Apache httpd writes `\"`, nginx `\x22`). The whole line must come out even: a user's name with a blank in it, or
//! a field more, makes a line that nothing is told of.
//!
//! **Invariant:** a line that does not have the written format from its first byte to its last is not `parsed`.

use std::cell::OnceCell;
use std::io::Read;
use std::path::Path;

use super::line::{self, Piece as LinePiece};
use super::{RecordFormat, RecordSink, SplitError, clf_time, escape, field, stamp};
use crate::clock::Timestamp;
use crate::order::{Clock, Family, Format, LineField, LogFormat, Piece, Role};
use crate::scope::{Fields, RawRecord, Reading, TimeField, Value};

/// The format, as it is written down.
pub struct WrittenLog<'f>(pub &'f LogFormat);

impl RecordFormat for WrittenLog<'_> {
    fn format(&self) -> Format {
        Format::AccessLog
    }

    /// At least a quarter of the lines that are shown whole have the format.
    fn probe(&self, head: &[u8], whole: bool) -> bool {
        let (lines, fitting) = line::share(head, whole, |line| Layout::of(self.0, line).is_some());
        fitting > 0 && fitting * 4 >= lines
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        line::physical(stream, |piece| match piece {
            LinePiece::Line { bytes, offset } => {
                let fields = Line { format: self.0, bytes, layout: OnceCell::new() };
                sink.record(RawRecord { bytes, offset, fields: &fields })
            }
            LinePiece::Unreadable(bytes, why) => {
                sink.unreadable(bytes, why);
                Ok(())
            }
        })
    }
}

/// Where the fields stand that have a meaning.
#[derive(Debug, Default, PartialEq, Eq)]
struct Layout<'a> {
    client: Option<&'a [u8]>,
    user: Option<&'a [u8]>,
    time: Option<(LineField, &'a [u8])>,
}

impl<'a> Layout<'a> {
    fn of(format: &LogFormat, line: &'a [u8]) -> Option<Self> {
        let mut rest = field::trim_end(line);
        // Both servers escape a carriage return: it may end a line of another client.
        if rest.is_empty() || rest.contains(&b'\r') {
            return None;
        }
        let mut layout = Self::default();
        let mut pieces = format.pieces().iter().peekable();
        let (mut is_quoted, mut is_behind_blank) = (false, false);
        while let Some(piece) = pieces.next() {
            let found = match piece {
                Piece::Literal(bytes) => {
                    rest = rest.strip_prefix(bytes.as_slice())?;
                    is_quoted = bytes.ends_with(b"\"");
                    is_behind_blank = bytes.ends_with(b" ");
                    continue;
                }
                Piece::Field(found) => *found,
            };
            let next = match pieces.peek() {
                Some(Piece::Literal(bytes)) => bytes.as_slice(),
                _ => b"",
            };
            let end = end_of(found, rest, next, is_quoted)?;
            let (value, behind) = rest.split_at_checked(end)?;
            // Where blanks part the fields, one more of them is a field more.
            if is_behind_blank && found != LineField::BracketedTime && value.contains(&b' ') {
                return None;
            }
            rest = behind;
            match found {
                LineField::Client => layout.client = Some(value),
                LineField::User => layout.user = Some(value),
                LineField::Other => {}
                time => layout.time = Some((time, value)),
            }
        }
        rest.is_empty().then_some(layout)
    }

    fn time(&self) -> TimeField {
        let time = self.time.and_then(|(field, value)| match field {
            LineField::BracketedTime => clf_time::parse(value.strip_prefix(b"[")?.strip_suffix(b"]")?),
            LineField::Time => clf_time::parse(value),
            LineField::IsoTime => {
                let (civil, rest) = stamp::date_time(value)?;
                let (east, rest) = stamp::offset(rest)?;
                match (stamp::at(civil, east), rest) {
                    (TimeField::At(at), []) => Some(at),
                    _ => None,
                }
            }
            LineField::EpochTime => {
                let text = std::str::from_utf8(value).ok()?;
                let (seconds, fraction) = text.split_once('.')?;
                let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let is_one = digits(seconds) && digits(fraction) && fraction.len() == 3;
                let milliseconds: u32 = fraction.parse().ok().filter(|_| is_one)?;
                Timestamp::new(seconds.parse().ok()?, milliseconds * 1_000_000)
            }
            LineField::Client | LineField::User | LineField::Other => None,
        });
        time.map_or(TimeField::Unreadable, TimeField::At)
    }
}

/// How many bytes a field at the front of `rest` has, where `next` stands behind it; none: it is not there.
fn end_of(found: LineField, rest: &[u8], next: &[u8], is_quoted: bool) -> Option<usize> {
    if found == LineField::BracketedTime {
        return rest.starts_with(b"[").then(|| memchr::memchr(b']', rest))?.map(|end| end + 1);
    }
    let end = if next.is_empty() {
        rest.len()
    } else if is_quoted && next.starts_with(b"\"") {
        unescaped_quote(rest)?
    } else {
        memchr::memmem::find(rest, next)?
    };
    // Nothing is written as `-`, but between quotes a server may leave a field empty.
    (end > 0 || is_quoted).then_some(end)
}

fn unescaped_quote(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'"', text).find(|&quote| {
        let before = text.get(..quote).unwrap_or_default();
        before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0
    })
}

/// One line, not read yet.
struct Line<'a> {
    format: &'a LogFormat,
    bytes: &'a [u8],
    layout: OnceCell<Option<Layout<'a>>>,
}

impl<'a> Line<'a> {
    fn layout(&self) -> Option<&Layout<'a>> {
        self.layout.get_or_init(|| Layout::of(self.format, self.bytes)).as_ref()
    }
}

impl Fields for Line<'_> {
    fn family(&self) -> Family {
        Family::WebLog
    }

    fn parsed(&self) -> bool {
        self.layout().is_some()
    }

    fn time(&self, clock: Clock) -> TimeField {
        if clock != Clock::Record {
            return TimeField::Lacks;
        }
        self.layout().map_or(TimeField::Unreadable, Layout::time)
    }

    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        let value = self.layout().and_then(|layout| match role {
            Role::Client => layout.client,
            Role::User => layout.user,
            Role::From | Role::To | Role::Cc | Role::Bcc | Role::Sender | Role::ReplyTo | Role::Any => None,
        });
        // Without the field nobody can say who it was.
        let Some(value) = value else { return Reading::Partial };
        if value == b"-" {
            return Reading::Complete;
        }
        let value = if role == Role::Client { field::client(value) } else { Some(Value::Text(value)) };
        value.map(visit).map_or(Reading::Partial, |()| Reading::Complete)
    }

    fn texts(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
        let text = field::trim_end(self.bytes);
        visit(text);
        escape::decoded_forms(text, visit);
        Reading::Complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_by_the_written_format_or_not_at_all() {
        let vhost = r#"%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\""#;
        let nginx = r#"$remote_addr $host [$time_local] "$request" $status"#;
        let cases = [
            (
                vhost,
                r#"www.shop.example:443 192.0.2.7 - alice [17/May/2015:10:05:03 +0000] "GET /\" HTTP/1.1" 200 5 "-""#,
                Some("192.0.2.7 alice 2015-05-17T10:05:03Z"),
            ),
            (vhost, r#"w:443 192.0.2.7 - a b [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-""#, None),
            (vhost, r#"w:443 192.0.2.7 - a [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" x"#, None),
            (vhost, r#"192.0.2.7 - a [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5"#, None),
            // A name that is made to look like what follows it: the true rest is a rest too many.
            (
                vhost,
                r#"w:443 192.0.2.7 - a [01/Jan/2020:00:00:00 +0000] "-" 200 5 "-" [17/May/2015:10:05:03 +0000] "GET /" 200 5 "-""#,
                None,
            ),
            (vhost, r#"w:443 192.0.2.7 - a [17/May/2015:10:05:03 +0000] "GET /" 200 5 6 "-""#, None),
            ("%h %t %b", r#"192.0.2.7 [17/May/2015:10:05:03 +0000] 5 "x""#, None),
            (nginx, r#"192.0.2.7 w [17/May/2015:10:05:03 +0000] "" 400"#, Some("192.0.2.7 ? 2015-05-17T10:05:03Z")),
            ("$msec|$remote_addr", "1431857103.250|192.0.2.7", Some("192.0.2.7 ? 2015-05-17T10:05:03.25Z")),
            ("$msec|$remote_addr", "1431857103|192.0.2.7", Some("192.0.2.7 ? none")),
            ("$time_iso8601 $remote_addr", "2015-05-17T12:05:03+02:00 ::1", Some("::1 ? 2015-05-17T10:05:03Z")),
            ("$remote_addr", "192.0.2.7\r192.0.2.8", None),
        ];
        for (format, text, expected) in cases {
            let format = LogFormat::read(format).unwrap();
            let line = Line { format: &format, bytes: text.as_bytes(), layout: OnceCell::new() };
            assert_eq!(line.parsed(), expected.is_some(), "{text}");
            let Some(expected) = expected else { continue };
            let one = |role: Role| {
                let mut seen = String::new();
                let reading = line.values(role, &mut |value| match value {
                    Value::Ip(ip, _) => seen.push_str(&ip.to_string()),
                    Value::Text(text) => seen.push_str(&String::from_utf8_lossy(text)),
                    Value::Address { .. } => {}
                });
                if reading == Reading::Partial { "?".to_owned() } else { seen }
            };
            let time = match line.time(Clock::Record) {
                TimeField::At(at) => at.to_string(),
                _ => "none".to_owned(),
            };
            assert_eq!(format!("{} {} {time}", one(Role::Client), one(Role::User)), expected, "{text}");
        }
    }
}
