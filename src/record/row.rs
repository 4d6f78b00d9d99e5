//! Rows as they are disclosed: one JSON object a line, `{"row":{"Id":"1","Email":"alice@shop.example"}}`; where the format
//! has tables, `{"table":"Customer","row":{"Id":1,"Email":null}}`.
//!
//! A cell is a string, a number as its source writes it, null, or `{"base64":"AP8="}` where it is not UTF-8 or the source
//! holds it as bytes. A row of a table is no stretch of its file, so that it is rendered. The rendering is split again as [`RowLines`], by the
//! run and by a check of the package alike.
//!
//! **Invariant:** what decides on a row reads its rendering and nothing else.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::json::{self, Item};
use super::line::{self, LineFormat};
use super::{RecordFormat, RecordSink, SplitError, escape};
use crate::order::{Clock, Family, Format, Role};
use crate::scope::{Fields, Reading, TimeField, Value};

/// The rendered rows of a format.
pub struct RowLines(pub(super) Format);

impl RecordFormat for RowLines {
    fn format(&self) -> Format {
        self.0
    }

    /// A rendering is made and never met.
    fn probe(&self, _: &[u8], _: bool) -> bool {
        false
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        line::split::<Self>(stream, sink)
    }
}

impl LineFormat for RowLines {
    type Line<'a> = Line<'a>;

    fn line(bytes: &[u8]) -> Line<'_> {
        Line::of(bytes)
    }
}

/// What stands in one column of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cell<'v> {
    /// Nothing.
    Null,
    /// Text.
    Text(&'v str),
    /// A number, as it is written; rendered as text where JSON has no such number.
    Number(&'v str),
    /// Bytes that are no text.
    Bytes(&'v [u8]),
}

impl<'v> Cell<'v> {
    /// Text where it is UTF-8, else bytes.
    pub(super) fn of(bytes: &'v [u8]) -> Self {
        std::str::from_utf8(bytes).map_or(Self::Bytes(bytes), Self::Text)
    }

    fn render(self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Number(digits) if json::is_number(digits.as_bytes()) => out.extend_from_slice(digits.as_bytes()),
            Self::Number(text) | Self::Text(text) => serde_json::to_writer(&mut *out, text)?,
            Self::Bytes(bytes) => {
                out.extend_from_slice(b"{\"base64\":\"");
                out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
                out.extend_from_slice(b"\"}");
            }
        }
        Ok(())
    }
}

/// Writes a row as a line. Its strings are escaped as those of the ledger are.
pub(super) fn render<'v>(
    out: &mut Vec<u8>,
    table: Option<&str>,
    cells: impl Iterator<Item = (&'v str, Cell<'v>)>,
) -> serde_json::Result<()> {
    out.push(b'{');
    if let Some(table) = table {
        out.extend_from_slice(b"\"table\":");
        serde_json::to_writer(&mut *out, table)?;
        out.push(b',');
    }
    out.extend_from_slice(b"\"row\":{");
    for ((name, cell), at) in cells.zip(0usize..) {
        if at > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, name)?;
        out.push(b':');
        cell.render(out)?;
    }
    out.extend_from_slice(b"}}\n");
    Ok(())
}

/// One rendered row.
pub struct Line<'a> {
    bytes: &'a [u8],
    parsed: bool,
    table: Option<Vec<u8>>,
}

impl<'a> Line<'a> {
    /// Reads it back. It is a row where its members are `row`, or `table` and `row`, each once and in that order.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let (mut tables, mut rows, mut others, mut table) = (0, 0, false, None);
        let whole = json::walk(bytes, &mut |path, item| match (path, item) {
            (Some([]), Item::Key(_)) => {}
            (Some([name]), Item::Text(text)) if &**name == b"table" && rows == 0 => {
                tables += 1;
                table = Some(json::unescape(text).into_owned());
            }
            (Some([name]), Item::Inner) if &**name == b"row" => rows += 1,
            (Some([_]), Item::Key(_)) | (Some([_, _, ..]) | None, _) => {}
            (Some(_), _) => others = true,
        });
        let parsed = whole.is_some() && rows == 1 && tables <= 1 && !others;
        Self { bytes, parsed, table: table.filter(|_| parsed) }
    }
}

impl Fields for Line<'_> {
    fn family(&self) -> Family {
        Family::Line
    }

    fn parsed(&self) -> bool {
        self.parsed
    }

    fn time(&self, _: Clock) -> TimeField {
        TimeField::Lacks
    }

    fn values(&self, _: Role, _: &mut dyn FnMut(Value<'_>)) -> Reading {
        Reading::Partial
    }

    fn texts(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
        visit(self.bytes.trim_ascii_end());
        json::walk(self.bytes, &mut |path, item| {
            if let Item::Text(text) = item {
                let plain = json::unescape(text);
                if plain.len() != text.len() {
                    visit(&plain);
                }
                escape::decoded_forms(&plain, visit);
                if let Some(bytes) = path.and_then(|path| cell_bytes(path, text)) {
                    visit(&bytes);
                    escape::decoded_forms(&bytes, visit);
                }
            }
        });
        Reading::Complete
    }

    fn table(&self) -> Option<&[u8]> {
        self.table.as_deref()
    }

    fn has_column(&self, name: &str) -> bool {
        let mut found = false;
        json::walk(self.bytes, &mut |path, item| {
            found |= matches!((path, item), (Some([row]), Item::Key(key))
                if &**row == b"row" && *json::unescape(key) == *name.as_bytes());
        });
        found
    }

    fn column(&self, name: &str, visit: &mut dyn FnMut(&[u8])) -> Reading {
        let is_it = |row: &[u8], column: &[u8]| (row, column) == (b"row", name.as_bytes());
        let mut reading = Reading::Complete;
        let whole = json::walk(self.bytes, &mut |path, item| match (path, item) {
            (Some([row, column]), Item::Text(text)) if is_it(row, column) => visit(&json::unescape(text)),
            (Some([row, column]), Item::Bare(text)) if is_it(row, column) => visit(text),
            (Some([row, column, _]), Item::Text(text)) if is_it(row, column) => {
                match path.and_then(|path| cell_bytes(path, text)) {
                    Some(bytes) => visit(&bytes),
                    None => reading = Reading::Partial,
                }
            }
            _ => {}
        });
        if whole.is_some() { reading } else { Reading::Partial }
    }

    fn may_have_column(&self, name: &str) -> bool {
        self.has_column(name)
    }
}

/// The bytes of a cell that is `{"base64":"..."}`.
fn cell_bytes(path: &[Cow<'_, [u8]>], text: &[u8]) -> Option<Vec<u8>> {
    match path {
        [row, _, form] if (&**row, &**form) == (b"row", b"base64") => STANDARD.decode(text).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_read_back_as_it_was() {
        let cells = [
            ("Id", Cell::Number("-1.5e3")),
            ("Hex", Cell::Number("0x1F")),
            ("Text", Cell::of("a\"\u{e9}\n".as_bytes())),
            ("Null", Cell::Null),
            ("Bytes", Cell::of(b"\xFF\0alice@shop.example")),
        ];
        let mut line = Vec::new();
        render(&mut line, Some("a\"b"), cells.iter().copied()).unwrap();
        assert_eq!(
            String::from_utf8(line.clone()).unwrap(),
            "{\"table\":\"a\\\"b\",\"row\":{\"Id\":-1.5e3,\"Hex\":\"0x1F\",\"Text\":\"a\\\"\u{e9}\\n\",\"Null\":null,\
             \"Bytes\":{\"base64\":\"/wBhbGljZUBzaG9wLmV4YW1wbGU=\"}}}\n"
        );
        let read = Line::of(&line);
        assert!(read.parsed());
        assert_eq!(read.table(), Some(b"a\"b".as_slice()));
        for (name, expected) in [
            ("Id", Some("-1.5e3".as_bytes())),
            ("Hex", Some(b"0x1F")),
            ("Text", Some("a\"\u{e9}\n".as_bytes())),
            ("Null", None),
            ("Bytes", Some(b"\xFF\0alice@shop.example")),
            ("Other", None),
        ] {
            let mut seen = Vec::new();
            assert_eq!(read.column(name, &mut |text| seen.push(text.to_vec())), Reading::Complete);
            assert_eq!(read.has_column(name), name != "Other", "{name}");
            assert_eq!(seen, expected.map(<[u8]>::to_vec).into_iter().collect::<Vec<_>>(), "{name}");
        }
        let mut found = false;
        assert_eq!(read.texts(&mut |text| found |= text == b"\xFF\0alice@shop.example"), Reading::Complete);
        assert!(found, "a cell of bytes is searched as what it holds");
    }

    #[test]
    fn a_line_of_another_shape_is_no_row() {
        for (text, expected) in [
            ("{\"row\":{}}", true),
            ("{\"table\":\"a\",\"row\":{\"table\":\"b\"}}", true),
            ("{\"table\":\"a\"}", false),
            ("{\"row\":{},\"row\":{}}", false),
            ("{\"table\":\"a\",\"table\":\"b\",\"row\":{}}", false),
            ("{\"row\":{},\"table\":\"a\"}", false),
            ("{\"table\":1,\"row\":{}}", false),
            ("{\"row\":{},\"more\":1}", false),
            ("{\"row\":{},\"more\":{}}", false),
            ("{\"row\":[]}", true),
            ("{\"row\":{}", false),
        ] {
            assert_eq!(Line::of(text.as_bytes()).parsed(), expected, "{text}");
        }
    }
}
