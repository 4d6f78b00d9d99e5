//! Rows as they are disclosed: one JSON object a line, `{"row":{"Id":"1","Email":"alice@shop.example"}}`.
//!
//! A row of a table is no stretch of its file, so that it is rendered. The rendering is split again as [`RowLines`], by the
//! run and by a check of the package alike.
//!
//! **Invariant:** what decides on a row reads its rendering and nothing else.

use std::io::Read;
use std::path::Path;

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
        Line(bytes)
    }
}

/// Writes a row as a line. Its strings are escaped as those of the ledger are.
pub(super) fn render<'v>(out: &mut Vec<u8>, cells: impl Iterator<Item = (&'v str, &'v str)>) -> serde_json::Result<()> {
    out.extend_from_slice(b"{\"row\":{");
    for ((name, value), at) in cells.zip(0usize..) {
        if at > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, name)?;
        out.push(b':');
        serde_json::to_writer(&mut *out, value)?;
    }
    out.extend_from_slice(b"}}\n");
    Ok(())
}

/// One rendered row.
pub struct Line<'a>(pub(super) &'a [u8]);

impl Fields for Line<'_> {
    fn family(&self) -> Family {
        Family::Line
    }

    fn parsed(&self) -> bool {
        let mut rows = 0;
        let whole = json::walk(self.0, &mut |path, item| {
            if let (Some([name]), Item::Inner) = (path, item) {
                rows += u32::from(&**name == b"row");
            }
        });
        whole.is_some() && rows == 1
    }

    fn time(&self, _: Clock) -> TimeField {
        TimeField::Lacks
    }

    fn values(&self, _: Role, _: &mut dyn FnMut(Value<'_>)) -> Reading {
        Reading::Partial
    }

    fn texts(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
        visit(self.0.trim_ascii_end());
        json::walk(self.0, &mut |_, item| {
            if let Item::Text(text) = item {
                let plain = json::unescape(text);
                if plain.len() != text.len() {
                    visit(&plain);
                }
                escape::decoded_forms(&plain, visit);
            }
        });
        Reading::Complete
    }

    fn column(&self, name: &str, visit: &mut dyn FnMut(&[u8])) -> Reading {
        let whole = json::walk(self.0, &mut |path, item| {
            if let (Some([row, column]), Item::Text(text)) = (path, item)
                && (&**row, &**column) == (b"row", name.as_bytes())
            {
                visit(&json::unescape(text));
            }
        });
        if whole.is_some() { Reading::Complete } else { Reading::Partial }
    }
}
