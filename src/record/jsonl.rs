//! JSON Lines: one JSON object a line, as application logs, cloud audit trails and exports have it.
//!
//! Source: jsonlines.org, and RFC 8259 for a line. A physical line is a record; one that is no object is not parsed. Its
//! columns are its members: `actor.ip` is the member `ip` of the object `actor`, and a member whose own name is `actor.ip`
//! goes before it. Which column is its time, only a clause can say.
//!
//! **Invariant:** a column's value is a whole string, number, true or false; one that is an object or a list is not read.

use std::cell::OnceCell;
use std::io::Read;
use std::path::Path;

use super::json::{self, Item};
use super::line::{self, LineFormat};
use super::{RecordFormat, RecordSink, SplitError, docker_json, escape};
use crate::order::{Clock, Family, Format, Role};
use crate::scope::{Fields, Reading, TimeField, Value};

/// The format.
pub struct Jsonl;

impl RecordFormat for Jsonl {
    fn format(&self) -> Format {
        Format::Jsonl
    }

    fn sign(&self) -> &'static str {
        "more than three quarters of the lines at its beginning are objects"
    }

    /// More than three quarters of the lines are objects, and they are not those of Docker.
    fn probe(&self, head: &[u8], whole: bool) -> bool {
        mostly(head, whole, begins, |line| Line::new(line).parsed()) && !docker_json::claims(head, whole)
    }

    fn split(&self, stream: &mut dyn Read, _: Option<&Path>, sink: &mut dyn RecordSink) -> Result<(), SplitError> {
        line::split::<Self>(stream, sink)
    }
}

impl LineFormat for Jsonl {
    type Line<'a> = Line<'a>;

    fn line(bytes: &[u8]) -> Line<'_> {
        Line::new(bytes)
    }
}

/// More than three quarters of the whole lines of `head` have a shape; where not one ends in it, it begins as one.
pub(super) fn mostly(head: &[u8], whole: bool, begins: fn(&[u8]) -> bool, has_shape: fn(&[u8]) -> bool) -> bool {
    if !whole && !head.contains(&b'\n') {
        return begins(head);
    }
    let (mut lines, mut shaped) = (0u32, 0u32);
    for line in head.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n") || whole) {
        lines += 1;
        shaped += u32::from(has_shape(line));
    }
    shaped * 4 > lines * 3
}

fn begins(head: &[u8]) -> bool {
    let name = head.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    name.is_some_and(|name| name.starts_with(b"\""))
}

/// One line.
pub struct Line<'a> {
    bytes: &'a [u8],
    is_object: OnceCell<bool>,
}

impl<'a> Line<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, is_object: OnceCell::new() }
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl Fields for Line<'_> {
    fn family(&self) -> Family {
        Family::Line
    }

    fn parsed(&self) -> bool {
        *self.is_object.get_or_init(|| json::walk(self.bytes, &mut |_, _| {}).is_some())
    }

    fn time(&self, _: Clock) -> TimeField {
        TimeField::Lacks
    }

    fn values(&self, _: Role, _: &mut dyn FnMut(Value<'_>)) -> Reading {
        Reading::Partial
    }

    fn texts(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
        let line = self.bytes.trim_ascii_end();
        visit(line);
        if !self.parsed() {
            if memchr::memchr(b'\\', line).is_some() {
                visit(&json::unescape(line));
            }
            escape::decoded_forms(line, visit);
            return Reading::Complete;
        }
        json::walk(line, &mut |_, item| {
            let (Item::Key(text) | Item::Text(text)) = item else { return };
            if text.iter().any(|byte| matches!(byte, b'\\' | b'%')) {
                decoded(text, visit);
            }
        });
        Reading::Complete
    }

    fn has_column(&self, name: &str) -> bool {
        let mut found = false;
        json::walk(self.bytes, &mut |path, item| {
            found |= !matches!(item, Item::Key(_)) && path.is_some_and(|path| is_name(path, name.as_bytes()));
        });
        found
    }

    fn column(&self, name: &str, visit: &mut dyn FnMut(&[u8])) -> Reading {
        column(self.bytes, name, visit)
    }
}

/// A string as it was, and what it held in turn: JSON within JSON, an escaped URL.
fn decoded(text: &[u8], visit: &mut dyn FnMut(&[u8])) {
    let plain = json::unescape(text);
    visit(&plain);
    if memchr::memchr(b'\\', &plain).is_some() {
        visit(&json::unescape(&plain));
    }
    escape::decoded_forms(&plain, visit);
}

/// Every value of that name; of several ways to read a name with dots, the one with the fewest steps.
fn column<'a>(line: &'a [u8], name: &str, visit: &mut dyn FnMut(&[u8])) -> Reading {
    let (mut steps, mut found, mut reading) = (usize::MAX, Vec::<Item<'a>>::new(), Reading::Complete);
    let whole = json::walk(line, &mut |path, item| {
        let Some(path) = path.filter(|path| path.len() <= steps && is_name(path, name.as_bytes())) else { return };
        if matches!(item, Item::Key(_)) {
            return;
        }
        if path.len() < steps {
            (steps, reading) = (path.len(), Reading::Complete);
            found.clear();
        }
        match item {
            Item::Text(_) | Item::Bare(_) => found.push(item),
            Item::Inner => reading = Reading::Partial,
            Item::Null | Item::Key(_) => {}
        }
    });
    if whole.is_none() {
        return Reading::Partial;
    }
    for item in found {
        match item {
            Item::Text(text) => visit(&json::unescape(text)),
            Item::Bare(text) => visit(text),
            Item::Null | Item::Key(_) | Item::Inner => {}
        }
    }
    reading
}

/// The steps, joined by dots, are the name.
fn is_name(path: &[std::borrow::Cow<'_, [u8]>], name: &[u8]) -> bool {
    let mut rest = Some(name);
    for (step, at) in path.iter().zip(0usize..) {
        rest = rest.and_then(|rest| if at == 0 { Some(rest) } else { rest.strip_prefix(b".") });
        rest = rest.and_then(|rest| rest.strip_prefix(&**step));
    }
    !path.is_empty() && rest == Some(b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(line: &str, name: &str) -> (Reading, Vec<String>) {
        let mut seen = Vec::new();
        let reading = Line::new(line.as_bytes()).column(name, &mut |value| {
            seen.push(String::from_utf8_lossy(value).into_owned());
        });
        (reading, seen)
    }

    #[test]
    fn a_column_is_a_member_by_its_whole_name() {
        let cases: [(&str, &str, Reading, &[&str]); 17] = [
            ("{\"a\":\"x\"}", "a", Reading::Complete, &["x"]),
            ("{\"a\":\"\\u0040\\n\"}", "a", Reading::Complete, &["@\n"]),
            ("{\"\\u0061\":\"x\"}", "a", Reading::Complete, &["x"]),
            ("{\"a\":1.50,\"b\":true}", "a", Reading::Complete, &["1.50"]),
            ("{\"a\":1,\"b\":true}", "b", Reading::Complete, &["true"]),
            ("{\"a\":null}", "a", Reading::Complete, &[]),
            ("{\"b\":\"x\"}", "a", Reading::Complete, &[]),
            ("{\"A\":\"x\"}", "a", Reading::Complete, &[]),
            ("{\"a\":\"x\",\"a\":\"y\"}", "a", Reading::Complete, &["x", "y"]),
            ("{\"a\":{\"b\":\"x\"}}", "a.b", Reading::Complete, &["x"]),
            ("{\"b\":\"x\",\"a\":{\"c\":\"y\"}}", "a.b", Reading::Complete, &[]),
            ("{\"a\":{\"b\":\"x\"},\"a.b\":\"y\"}", "a.b", Reading::Complete, &["y"]),
            ("{\"a.b\":\"y\",\"a\":{\"b\":\"x\"}}", "a.b", Reading::Complete, &["y"]),
            ("{\"a\":{\"b\":\"x\"}}", "a", Reading::Partial, &[]),
            ("{\"a\":[\"x\"]}", "a", Reading::Partial, &[]),
            ("{\"l\":[{\"a\":\"x\"}]}", "a", Reading::Complete, &[]),
            ("{\"a\":\"x\"", "a", Reading::Partial, &[]),
        ];
        for (line, name, reading, expected) in cases {
            let expected: Vec<String> = expected.iter().map(|&text| text.to_owned()).collect();
            assert_eq!(values(line, name), (reading, expected), "{name} in {line}");
        }
    }

    #[test]
    fn what_is_escaped_in_a_line_is_shown_as_it_was() {
        let line = r#"{"m":"\u0061lice@x.example","n":"{\"ip\":\"192.0.2.1\",\"u\":\"a\\u0040b\"}","p":"a%40c"}"#;
        let mut seen = Vec::new();
        Line::new(line.as_bytes()).texts(&mut |text| seen.push(String::from_utf8_lossy(text).into_owned()));
        for wanted in ["alice@x.example", "a@c", "{\"ip\":\"192.0.2.1\",\"u\":\"a\\u0040b\"}"] {
            assert!(seen.iter().any(|text| text == wanted), "{wanted} in {seen:?}");
        }
        assert!(seen.iter().any(|text| text.contains("\"a@b\"")), "{seen:?}");
        assert_eq!(seen.first().map(String::as_str), Some(line));
    }
}
