//! CSV with a header line: each row is rendered as one JSON object, its columns named by the header.
//!
//! Source: RFC 4180; the delimiter (`,` `;` or tab) is the one that the header has most of. A row with another number of
//! fields than the header, with text behind a closing quote, or that is no UTF-8, is unreadable: which column a value stands
//! in could not be told, or the value not be written. Anything with commas in it would fit, so that only an order says what
//! is CSV.
//!
//! **Invariant:** a row is rendered whole with every column of the header, or counted as unreadable.

use std::io::Read;
use std::path::Path;

use super::buffer::{Buffer, Refill};
use super::row::{self, Cell, RowLines};
use super::{RecordFormat, RecordSink, SplitError, Unreadable};
use crate::limits::{COLUMNS, LINE_BYTES};
use crate::order::Format;
use crate::scope::RawRecord;

/// The format.
pub struct Csv;

static ROWS: RowLines = RowLines(Format::Csv);

impl RecordFormat for Csv {
    fn format(&self) -> Format {
        Format::Csv
    }

    /// Any text may be.
    fn probe(&self, _: &[u8], _: bool) -> bool {
        true
    }

    /// Only an order says so.
    fn claims(&self, _: &[u8], _: bool) -> bool {
        false
    }

    fn rendered(&self) -> Option<&'static dyn RecordFormat> {
        Some(&ROWS)
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        let mut rows = Rows { sink, header: None, given: 0, line: Vec::new() };
        let mut buffer = Buffer::new();
        let (mut raw, mut dropped, mut quoted) = (Vec::new(), 0u64, false);
        loop {
            for &byte in buffer.bytes() {
                quoted ^= byte == b'"';
                if raw.len() < LINE_BYTES {
                    raw.push(byte);
                } else {
                    dropped += 1;
                }
                if byte == b'\n' && !quoted {
                    rows.take(&raw, dropped)?;
                    raw.clear();
                    dropped = 0;
                }
            }
            buffer.consume(buffer.bytes().len());
            match buffer.refill(stream) {
                Refill::More => {}
                Refill::End if quoted && dropped == 0 => {
                    rows.lose(raw.len() as u64, Unreadable::NotTheFormat);
                    return Ok(());
                }
                Refill::End => return rows.take(&raw, dropped),
                Refill::Failed(error) => {
                    let why = if dropped > 0 { Unreadable::TooLong } else { Unreadable::Cut };
                    rows.lose(raw.len() as u64 + dropped, why);
                    return Err(error.into());
                }
            }
        }
    }
}

struct Rows<'s> {
    sink: &'s mut dyn RecordSink,
    header: Option<Header>,
    /// Bytes handed over.
    given: u64,
    line: Vec<u8>,
}

struct Header {
    names: Vec<String>,
    delimiter: u8,
}

impl Rows<'_> {
    fn lose(&mut self, bytes: u64, why: Unreadable) {
        if bytes > 0 {
            self.given += bytes;
            self.sink.unreadable(bytes, why);
        }
    }

    /// A row with its line end, of which `dropped` bytes were let go.
    fn take(&mut self, raw: &[u8], dropped: u64) -> Result<(), SplitError> {
        let bytes = raw.len() as u64 + dropped;
        if dropped > 0 {
            self.lose(bytes, Unreadable::TooLong);
            return Ok(());
        }
        let text = raw.strip_suffix(b"\n").unwrap_or(raw);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        // An empty line is a row of no format.
        if text.is_empty() {
            return Ok(());
        }
        let text = std::str::from_utf8(text).ok();
        let Some(header) = &self.header else {
            self.header = text.and_then(Header::of);
            if self.header.is_none() {
                self.lose(bytes, Unreadable::NotTheFormat);
            }
            return Ok(());
        };
        let values = text.and_then(|text| fields(text, header.delimiter));
        let Some(values) = values.filter(|values| values.len() == header.names.len()) else {
            self.lose(bytes, Unreadable::NotTheFormat);
            return Ok(());
        };
        self.line.clear();
        let cells = header.names.iter().map(String::as_str).zip(values.iter().map(|text| Cell::Text(text)));
        if row::render(&mut self.line, None, cells).is_err() {
            self.lose(bytes, Unreadable::NotTheFormat);
            return Ok(());
        }
        if self.line.len() > LINE_BYTES {
            self.lose(bytes, Unreadable::TooLong);
            return Ok(());
        }
        let offset = self.given;
        self.given += self.line.len() as u64;
        self.sink.record(RawRecord { bytes: &self.line, offset, fields: &row::Line::of(&self.line) })?;
        Ok(())
    }
}

impl Header {
    /// None: it is none, or two delimiters are as likely, or NUL stands in it.
    fn of(text: &str) -> Option<Self> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        // Text of two bytes a character is read under no name that an order could give.
        if text.contains('\0') {
            return None;
        }
        let counts = [b',', b';', b'\t'].map(|sign| (fields(text, sign).map_or(0, |names| names.len()), sign));
        let most = counts.iter().map(|(count, _)| *count).max()?;
        let mut best = counts.iter().filter(|(count, _)| *count == most);
        let (&(_, delimiter), other) = (best.next()?, best.next());
        if most == 0 || (most > 1 && other.is_some()) {
            return None;
        }
        Some(Self { names: fields(text, delimiter)?, delimiter })
    }
}

/// The fields of a row; None where a quote stands where none can, and where there are more than [`COLUMNS`].
fn fields(text: &str, delimiter: u8) -> Option<Vec<String>> {
    let delimiter = char::from(delimiter);
    let (mut all, mut rest) = (Vec::new(), text);
    loop {
        if all.len() >= COLUMNS {
            return None;
        }
        let Some(quoted) = rest.strip_prefix('"') else {
            let (field, behind) = rest.split_once(delimiter).map_or((rest, None), |(field, rest)| (field, Some(rest)));
            if field.contains('"') {
                return None;
            }
            all.push(field.to_owned());
            match behind {
                Some(behind) => rest = behind,
                None => return Some(all),
            }
            continue;
        };
        let (mut field, mut inner) = (String::new(), quoted);
        let behind = loop {
            let (before, behind) = inner.split_once('"')?;
            field.push_str(before);
            match behind.strip_prefix('"') {
                Some(more) => (inner, field) = (more, field + "\""),
                None => break behind,
            }
        };
        all.push(field);
        match behind.strip_prefix(delimiter) {
            Some(behind) => rest = behind,
            None => return behind.is_empty().then_some(all),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_parted_by_delimiters_outside_of_quotes() {
        let cases: [(&str, Option<&[&str]>); 8] = [
            ("a,b", Some(&["a", "b"])),
            ("a,,", Some(&["a", "", ""])),
            ("\"a,b\",\"c\"\"d\"", Some(&["a,b", "c\"d"])),
            ("\"a\nb\",", Some(&["a\nb", ""])),
            ("\"\"", Some(&[""])),
            ("\"a\"b,c", None),
            ("a\"b,c", None),
            ("\"a", None),
        ];
        for (text, expected) in cases {
            let seen = fields(text, b',');
            assert_eq!(
                seen.as_deref().map(|seen| seen.iter().map(String::as_str).collect::<Vec<_>>()).as_deref(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn the_header_tells_the_delimiter() {
        for (text, expected) in [
            ("a,b;c,d", Some(b',')),
            ("a;b", Some(b';')),
            ("a\tb,c\td", Some(b'\t')),
            ("a,b;c", None),
            ("a", Some(b',')),
        ] {
            assert_eq!(Header::of(text).map(|header| header.delimiter), expected, "{text}");
        }
    }
}
