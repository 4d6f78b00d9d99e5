//! Logs in the W3C extended format, as IIS writes them: each line is rendered as one JSON object, its columns named by the
//! `#Fields` directive before it.
//!
//! Source: W3C Working Draft WD-logfile-960323, and Microsoft's "W3C Extended Log File Format": `date` and `time` are UTC,
//! `c-ip` is the client, `cs-username` the user, `-` says that nothing stands there. Fields are parted by tabs where a line
//! has one, else by spaces; a value with blanks in it stands between quotes, a quote in which is doubled. A line with another
//! number of fields than the directive, or before any directive, is unreadable: which column a value stands in could not be
//! told. IIS writes a blank as `+`, so that no client can make a field of its own.
//!
//! Where `date` is no column the time cannot be read: the `#Date` directive says when the log was opened and no more.
//!
//! **Invariant:** a line is rendered whole with every column of the directive, or counted as unreadable.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use super::line::{self, LineFormat, Piece};
use super::row::{self, Cell};
use super::{RecordFormat, RecordSink, SplitError, Stop, Unreadable, field, stamp};
use crate::limits::{COLUMNS, LINE_BYTES};
use crate::order::{Clock, Family, Format, Role};
use crate::scope::{Fields, RawRecord, Reading, TimeField, Value};

/// The format.
pub struct W3c;

impl RecordFormat for W3c {
    fn format(&self) -> Format {
        Format::W3c
    }

    fn sign(&self) -> &'static str {
        "it begins with directives, `#Fields` among them"
    }

    /// It begins with directives, and `#Fields` is one of them.
    fn probe(&self, head: &[u8], _: bool) -> bool {
        let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
        head.split(|&byte| byte == b'\n')
            .take_while(|line| line.starts_with(b"#"))
            .any(|line| columns_of(line).is_some())
    }

    fn rendered(&self) -> Option<&'static dyn RecordFormat> {
        Some(&W3cLines)
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        let mut rows = Rows { sink, columns: None, given: 0, line: Vec::new() };
        line::physical(stream, |piece| match piece {
            Piece::Line { bytes, offset } => rows.take(bytes, offset == 0),
            Piece::Unreadable(bytes, why) => {
                rows.lose(bytes, why);
                Ok(())
            }
        })
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The names that a `#Fields` directive gives.
fn columns_of(line: &[u8]) -> Option<Vec<String>> {
    let names = field::trim_end(line).strip_prefix(b"#Fields:")?;
    let names = std::str::from_utf8(names).ok()?;
    let names: Vec<String> = names.split_ascii_whitespace().take(COLUMNS + 1).map(str::to_owned).collect();
    (1..=COLUMNS).contains(&names.len()).then_some(names)
}

struct Rows<'s> {
    sink: &'s mut dyn RecordSink,
    columns: Option<Vec<String>>,
    /// Bytes handed over.
    given: u64,
    line: Vec<u8>,
}

impl Rows<'_> {
    fn lose(&mut self, bytes: u64, why: Unreadable) {
        self.given += bytes;
        self.sink.unreadable(bytes, why);
    }

    fn take(&mut self, raw: &[u8], first: bool) -> Result<(), Stop> {
        let text = if first { raw.strip_prefix(BYTE_ORDER_MARK).unwrap_or(raw) } else { raw };
        let text = field::trim_end(text);
        if text.is_empty() {
            return Ok(());
        }
        if text.starts_with(b"#") {
            if text.starts_with(b"#Fields:") {
                self.columns = columns_of(text);
            }
            return Ok(());
        }
        let rendered = match &self.columns {
            Some(columns) => render(&mut self.line, columns, text),
            None => None,
        };
        match rendered {
            None => self.lose(raw.len() as u64, Unreadable::NotTheFormat),
            Some(()) if self.line.len() > LINE_BYTES => self.lose(raw.len() as u64, Unreadable::TooLong),
            Some(()) => {
                let offset = self.given;
                self.given += self.line.len() as u64;
                self.sink.record(RawRecord { bytes: &self.line, offset, fields: &Line::of(&self.line) })?;
            }
        }
        Ok(())
    }
}

/// The line as a row; None where its fields are not those of the columns.
fn render(out: &mut Vec<u8>, columns: &[String], text: &[u8]) -> Option<()> {
    // A carriage return within may end another line.
    let values = (!text.contains(&b'\r')).then(|| fields(text, columns.len()))??;
    out.clear();
    let cells = columns.iter().map(String::as_str).zip(values.iter().map(|value| Cell::of(value)));
    row::render(out, None, cells).ok()
}

/// Exactly so many fields: as they are parted, or, where that does not fit, with quotes around those that hold blanks.
fn fields(text: &[u8], count: usize) -> Option<Vec<Cow<'_, [u8]>>> {
    let plain = || -> Vec<Cow<'_, [u8]>> {
        if text.contains(&b'\t') {
            text.split(|&byte| byte == b'\t').take(count + 1).map(Cow::Borrowed).collect()
        } else {
            words(text).take(count + 1).map(Cow::Borrowed).collect()
        }
    };
    Some(plain()).filter(|values| values.len() == count).or_else(|| quoted(text)).filter(|values| values.len() == count)
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b' ').filter(|word| !word.is_empty())
}

/// The fields of a line in which quotes hold blanks together; None where one stands where none can.
fn quoted(text: &[u8]) -> Option<Vec<Cow<'_, [u8]>>> {
    let (mut all, mut rest) = (Vec::new(), text);
    loop {
        rest = rest.get(rest.iter().take_while(|byte| is_blank(**byte)).count()..)?;
        if rest.is_empty() || all.len() > COLUMNS {
            return Some(all);
        }
        let Some(mut inner) = rest.strip_prefix(b"\"") else {
            let (word, behind) = rest.split_at(rest.iter().take_while(|byte| !is_blank(**byte)).count());
            all.push(Cow::Borrowed(word));
            rest = behind;
            continue;
        };
        let mut value = Vec::new();
        rest = loop {
            let end = memchr::memchr(b'"', inner)?;
            value.extend_from_slice(inner.get(..end)?);
            let behind = inner.get(end + 1..)?;
            match behind.strip_prefix(b"\"") {
                Some(more) => {
                    value.push(b'"');
                    inner = more;
                }
                None => break behind,
            }
        };
        rest.first().is_none_or(|byte| is_blank(*byte)).then_some(())?;
        all.push(Cow::Owned(value));
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The rendered lines.
struct W3cLines;

impl RecordFormat for W3cLines {
    fn format(&self) -> Format {
        Format::W3c
    }

    /// A rendering is made and never met.
    fn probe(&self, _: &[u8], _: bool) -> bool {
        false
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        line::split::<Self>(stream, sink)
    }
}

impl LineFormat for W3cLines {
    type Line<'a> = Line<'a>;

    fn line(bytes: &[u8]) -> Line<'_> {
        Line::of(bytes)
    }
}

/// A row whose columns are the fields of a web log.
struct Line<'a>(row::Line<'a>);

impl<'a> Line<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self(row::Line::of(bytes))
    }

    /// The one value of a column; an error where it has several or they cannot be read.
    fn only(&self, name: &str) -> Result<Option<Vec<u8>>, ()> {
        let (mut value, mut count) = (None, 0u32);
        let reading = self.0.column(name, &mut |text| {
            count = count.saturating_add(1);
            value = Some(text.to_vec());
        });
        if count > 1 || reading == Reading::Partial { Err(()) } else { Ok(value) }
    }
}

impl Fields for Line<'_> {
    fn beneath(&self) -> Option<&dyn Fields> {
        Some(&self.0)
    }

    fn family(&self) -> Family {
        Family::WebLog
    }

    fn parsed(&self) -> bool {
        self.0.parsed() && self.0.table().is_none()
    }

    fn time(&self, clock: Clock) -> TimeField {
        if clock != Clock::Record {
            return self.0.time(clock);
        }
        let (Ok(Some(mut text)), Ok(Some(time))) = (self.only("date"), self.only("time")) else {
            return TimeField::Unreadable;
        };
        text.push(b' ');
        text.extend_from_slice(&time);
        match stamp::date_time(&text) {
            Some((civil, [])) => stamp::at(civil, Some(0)),
            _ => TimeField::Unreadable,
        }
    }

    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        let column = match role {
            Role::Client => "c-ip",
            Role::User => "cs-username",
            Role::From | Role::To | Role::Cc | Role::Bcc | Role::Sender | Role::ReplyTo | Role::Any => {
                return Reading::Partial;
            }
        };
        // Without the column nobody can say who it was.
        let Ok(Some(value)) = self.only(column) else { return Reading::Partial };
        if value == b"-" {
            return Reading::Complete;
        }
        if role == Role::User {
            visit(Value::Text(&value));
            return Reading::Complete;
        }
        field::client(&value).map(visit).map_or(Reading::Partial, |()| Reading::Complete)
    }

    fn texts(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
        self.0.texts(visit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_as_many_fields_as_there_are_columns_or_is_none() {
        let cases: [(&str, usize, Option<&[&str]>); 10] = [
            ("a b -", 3, Some(&["a", "b", "-"])),
            ("a  b", 2, Some(&["a", "b"])),
            ("a\t\tb c", 3, Some(&["a", "", "b c"])),
            ("a \"b c\" d", 3, Some(&["a", "b c", "d"])),
            ("a \"b \"\"c\"\"\" d", 3, Some(&["a", "b \"c\"", "d"])),
            ("a \"b\" d", 3, Some(&["a", "\"b\"", "d"])),
            ("a \"b c d", 3, None),
            ("a \"b c\"d e", 3, None),
            ("a b", 3, None),
            ("a b c d", 3, None),
        ];
        for (text, count, expected) in cases {
            let seen = fields(text.as_bytes(), count);
            let seen = seen
                .map(|seen| seen.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect::<Vec<_>>());
            assert_eq!(seen, expected.map(|all| all.iter().map(|&one| one.to_owned()).collect()), "{text}");
        }
    }

    #[test]
    fn who_and_when_are_columns_and_what_is_no_column_is_not_known() {
        let at = |text: &str| TimeField::At(crate::clock::Timestamp::parse_rfc3339(text).unwrap());
        let cases = [
            ("date time c-ip", "2015-12-31 00:19:48 192.0.2.1", at("2015-12-31T00:19:48Z"), Reading::Complete),
            ("date time c-ip", "2015-12-31 24:19:48 192.0.2.1", TimeField::Unreadable, Reading::Complete),
            ("time c-ip", "00:19:48 192.0.2.1", TimeField::Unreadable, Reading::Complete),
            ("date time s-ip", "2015-12-31 00:19:48 192.0.2.1", at("2015-12-31T00:19:48Z"), Reading::Partial),
            (
                "date time c-ip c-ip",
                "2015-12-31 00:19:48 192.0.2.1 192.0.2.2",
                at("2015-12-31T00:19:48Z"),
                Reading::Partial,
            ),
            ("date time c-ip", "2015-12-31 00:19:48 192.0.2.256", at("2015-12-31T00:19:48Z"), Reading::Partial),
            ("date time c-ip", "2015-12-31 00:19:48 -", at("2015-12-31T00:19:48Z"), Reading::Complete),
        ];
        for (names, text, time, reading) in cases {
            let columns = columns_of(format!("#Fields: {names}\r\n").as_bytes()).unwrap();
            let mut line = Vec::new();
            render(&mut line, &columns, text.as_bytes()).unwrap();
            let line = Line::of(&line);
            assert!(line.parsed());
            assert_eq!(line.time(Clock::Record), time, "{names}: {text}");
            assert_eq!(line.values(Role::Client, &mut |_| {}), reading, "{names}: {text}");
        }
    }
}
