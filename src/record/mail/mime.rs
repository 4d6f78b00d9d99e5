//! The texts of a message for a search: every part of it, decoded (RFC 2045 to 2049).
//!
//! A walk of its own, not a library's: it has to be linear in hostile input (parts within parts, boundaries that never
//! come, ten thousand nested messages), and it need not know what a part is for. Each decoded form is shown; what is plain
//! is part of the raw text, which is shown first.
//!
//! **Invariant:** a part that could not be decoded, or is nested deeper than the bound, makes the reading partial.

use super::super::escape;
use super::charset::{self, Text};
use super::header::{self, Field, Header, unfold};
use super::{comment, encoded_word, transfer};
use crate::limits::{ENCODED_MESSAGE_DEPTH, PART_DEPTH};
use crate::scope::Reading;

/// Shows the decoded texts of a message: of its fields, and of its parts.
pub(crate) fn texts(message: &[u8], visit: &mut dyn FnMut(&[u8])) -> Reading {
    let mut walk = Walk { visit, reading: Reading::Complete };
    walk.entity(message, "text/plain", PART_DEPTH, ENCODED_MESSAGE_DEPTH);
    walk.reading
}

struct Walk<'v> {
    visit: &'v mut dyn FnMut(&[u8]),
    reading: Reading,
}

/// What the fields of an entity say of its body.
struct Kind {
    /// In lower case, without parameters.
    media_type: Vec<u8>,
    boundary: Option<Vec<u8>>,
    charset: Vec<u8>,
    encoding: Vec<u8>,
}

impl Walk<'_> {
    /// A header section and its body.
    fn entity(&mut self, bytes: &[u8], default_type: &str, depth: usize, encoded_depth: usize) {
        let mut kind = Kind {
            media_type: default_type.as_bytes().to_vec(),
            boundary: None,
            charset: Vec::new(),
            encoding: Vec::new(),
        };
        let (mut types, mut encodings) = (Vec::new(), Vec::new());
        for field in Header::of(bytes) {
            self.field(&field);
            if field.is("Content-Type") {
                types.push(comment::dropped(&unfold(field.value)));
            } else if field.is("Content-Transfer-Encoding") {
                encodings.push(encoding_name(field.value));
            }
        }
        // Readers differ in which of two fields they take: what the other would have shown is not looked at.
        if types.iter().any(|value| Some(value) != types.last())
            || encodings.iter().any(|name| Some(name) != encodings.last())
        {
            self.reading = Reading::Partial;
        }
        if let Some(value) = types.last() {
            let name = value.split(|&byte| byte == b';').next().unwrap_or_default();
            kind.media_type =
                name.iter().filter(|byte| !byte.is_ascii_whitespace()).map(u8::to_ascii_lowercase).collect();
            kind.boundary = parameter(value, "boundary");
            kind.charset = parameter(value, "charset").unwrap_or_default();
        }
        kind.encoding = encodings.pop().unwrap_or_default();
        let body = Header::of(bytes).into_body();
        if let Some(boundary) = kind.boundary.as_ref().filter(|_| kind.media_type.starts_with(b"multipart/")) {
            let digest = kind.media_type == b"multipart/digest";
            let default_type = if digest { "message/rfc822" } else { "text/plain" };
            let parts = Parts::of(body, boundary);
            let Some(below) = depth.checked_sub(1) else {
                self.reading = Reading::Partial;
                return;
            };
            let mut any = false;
            for part in parts {
                any = true;
                self.entity(part, default_type, below, encoded_depth);
            }
            if any {
                return;
            }
        }
        // Parts that cannot be told apart are not decoded.
        if kind.media_type.starts_with(b"multipart/") && may_hold_parts(body, kind.boundary.as_deref()) {
            self.reading = Reading::Partial;
        }
        self.leaf(body, &kind, depth, encoded_depth);
    }

    /// Shows the forms of a field that are not plain in the message: encoded words, percent escapes and values in pieces
    /// (RFC 2231), what folding parts, and addresses without the comments and blanks that may stand in them.
    fn field(&mut self, field: &Field<'_>) {
        let value = field.value;
        let line = unfold(value);
        if has_lone_return(value) {
            // To some readers it ends a line, and what is behind it is another field.
            self.reading = Reading::Partial;
        }
        if memchr::memchr(b'\n', value.trim_ascii_end()).is_some() {
            (self.visit)(&line);
        }
        if ADDRESS_FIELDS.iter().any(|name| field.is(name)) {
            (self.visit)(&comment::joined(&line));
        }
        let pieces = parameter_pieces(&line);
        for decoded in [encoded_word::decode(&line), escape::decode_percent(&line)].into_iter().flatten() {
            (self.visit)(&decoded);
        }
        if !pieces.is_empty() {
            (self.visit)(&pieces);
            if let Some(decoded) = escape::decode_percent(&pieces) {
                (self.visit)(&decoded);
            }
        }
    }

    fn leaf(&mut self, body: &[u8], kind: &Kind, depth: usize, encoded_depth: usize) {
        let decoded = match kind.encoding.as_slice() {
            b"base64" => {
                let (bytes, whole) = transfer::decode_base64(body);
                if !whole {
                    self.reading = Reading::Partial;
                }
                Some(bytes)
            }
            b"quoted-printable" => Some(transfer::decode_quoted_printable(body)),
            // "7 bit", "8-bit" and their like: programs write the identities in many ways.
            [] | [b'7' | b'8', ..] | b"binary" | b"none" => None,
            _ => {
                self.reading = Reading::Partial;
                None
            }
        };
        let content = decoded.as_deref().unwrap_or(body);
        if decoded.is_some() {
            (self.visit)(content);
        }
        if matches!(kind.media_type.as_slice(), b"message/rfc822" | b"message/global" | b"message/news") {
            let encoded_below = encoded_depth.checked_sub(usize::from(decoded.is_some()));
            match (depth.checked_sub(1), encoded_below) {
                (Some(below), Some(encoded_below)) => self.entity(content, "text/plain", below, encoded_below),
                _ => self.reading = Reading::Partial,
            }
            return;
        }
        // A message that is attached as a file is one all the same.
        if let (Some(content), Some(below), Some(encoded_below)) =
            (decoded.as_deref(), depth.checked_sub(1), encoded_depth.checked_sub(1))
            && header::looks_like_a_message(content, true)
        {
            self.entity(content, "text/plain", below, encoded_below);
        }
        self.characters(content, kind);
    }

    /// Shows what a part's bytes say in its character set, where that differs, and behind escapes of URLs and HTML.
    fn characters(&mut self, content: &[u8], kind: &Kind) {
        let text = match charset::decode(&kind.charset, content) {
            Text::AsItStands => charset::decode_marked_utf16(content),
            Text::Decoded(text) => Some(text),
            Text::Doubtful(text) => {
                self.reading = Reading::Partial;
                Some(text)
            }
            Text::Unread => {
                self.reading = Reading::Partial;
                None
            }
        };
        let text = text.as_ref().map(String::as_bytes);
        if let Some(text) = text {
            (self.visit)(text);
        }
        let text = text.unwrap_or(content);
        if memchr::memchr(0, text).is_some() {
            // UTF-16 or UTF-32 that nobody named: between its zero bytes ASCII stands as it is.
            let shown: Vec<u8> = text.iter().copied().filter(|&byte| byte != 0).collect();
            (self.visit)(&shown);
        }
        if let Some(decoded) = escape::decode_percent(text) {
            (self.visit)(&decoded);
        }
        let references = escape::decode_references(text);
        if let Some(decoded) = &references {
            (self.visit)(decoded);
            if let Some(decoded) = escape::decode_percent(decoded) {
                (self.visit)(&decoded);
            }
        }
        if kind.media_type == b"text/html" {
            let plain = escape::without_tags(text);
            (self.visit)(&plain);
            if let Some(decoded) = escape::decode_references(&plain) {
                (self.visit)(&decoded);
            }
        }
    }
}

/// Fields that hold addresses, in which comments and blanks may stand anywhere (RFC 5322, 4.4).
const ADDRESS_FIELDS: [&str; 16] = [
    "From",
    "To",
    "Cc",
    "Bcc",
    "Sender",
    "Reply-To",
    "Resent-From",
    "Resent-To",
    "Resent-Cc",
    "Resent-Bcc",
    "Resent-Sender",
    "Return-Path",
    "Delivered-To",
    "Envelope-To",
    "X-Original-To",
    "Disposition-Notification-To",
];

/// No part of the body begins a line, and one may all the same be there: the boundary is not known, or it stands within
/// a line.
fn may_hold_parts(body: &[u8], boundary: Option<&[u8]>) -> bool {
    match boundary {
        Some(boundary) => memchr::memmem::find(body, &[b"--", boundary].concat()).is_some(),
        None => memchr::memmem::find(body, b"--").is_some(),
    }
}

/// A carriage return that belongs to no line end.
fn has_lone_return(value: &[u8]) -> bool {
    memchr::memchr_iter(b'\r', value).any(|at| {
        let behind = value.get(at..).unwrap_or_default().iter().find(|&&byte| byte != b'\r');
        behind.is_some_and(|&byte| byte != b'\n')
    })
}

/// The values of parameters that come in pieces (`name*0=`, `name*1*=`; RFC 2231, 3), put together, a line each.
fn parameter_pieces(line: &[u8]) -> Vec<u8> {
    let mut joined = Vec::new();
    for piece in line.split(|&byte| byte == b';') {
        let Some(equals) = memchr::memchr(b'=', piece) else { continue };
        let (name, value) = piece.split_at_checked(equals).unwrap_or_default();
        let name = name.trim_ascii();
        let name = name.strip_suffix(b"*").unwrap_or(name);
        let Some(star) = memchr::memchr(b'*', name) else { continue };
        match name.get(star + 1..) {
            Some(b"0") => joined.push(b'\n'),
            Some(digits) if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {}
            _ => continue,
        }
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let value = value.strip_prefix(b"\"").unwrap_or(value);
        joined.extend_from_slice(value.strip_suffix(b"\"").unwrap_or(value));
    }
    joined
}

/// The name of a transfer encoding, in lower case, without comments or what else follows it.
pub(super) fn encoding_name(value: &[u8]) -> Vec<u8> {
    let value = comment::dropped(&unfold(value));
    let word = value.split(|byte| matches!(byte, b' ' | b'\t' | b';' | b'(')).find(|word| !word.is_empty());
    word.unwrap_or_default().to_ascii_lowercase()
}

/// The value of a parameter of a Content-Type, quoted or not.
pub(super) fn parameter(value: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut rest = value;
    while let Some(at) = memchr::memchr(b';', rest) {
        rest = rest.get(at + 1..)?.trim_ascii_start();
        let Some((head, tail)) = rest.split_at_checked(name.len()) else { continue };
        let Some(tail) = tail.trim_ascii_start().strip_prefix(b"=") else { continue };
        if !head.eq_ignore_ascii_case(name.as_bytes()) {
            continue;
        }
        let tail = tail.trim_ascii_start();
        let text = match tail.strip_prefix(b"\"") {
            Some(quoted) => {
                let mut text = Vec::new();
                let mut bytes = quoted.iter().take_while(|&&byte| byte != b'"');
                while let Some(&byte) = bytes.next() {
                    if byte == b'\\' { text.extend(bytes.next()) } else { text.push(byte) }
                }
                text
            }
            None => tail.split(|byte| matches!(byte, b';' | b' ' | b'\t')).next()?.to_vec(),
        };
        return Some(text).filter(|text| !text.is_empty());
    }
    None
}

/// The parts of a multipart body. What is behind the last one is read as one more: a reader shows nothing of it, but it is
/// in the message, and a second message may be glued there.
struct Parts<'a> {
    rest: &'a [u8],
    /// With the two hyphens in front.
    delimiter: Vec<u8>,
    ended: bool,
}

impl<'a> Parts<'a> {
    fn of(body: &'a [u8], boundary: &[u8]) -> Self {
        let mut delimiter = b"--".to_vec();
        delimiter.extend_from_slice(boundary.trim_ascii_end());
        let mut parts = Self { rest: body, delimiter, ended: false };
        // What stands before the first part (the preamble) is part of the raw text.
        parts.next();
        parts
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.ended {
            return None;
        }
        for at in memchr::memmem::find_iter(self.rest, &self.delimiter) {
            let before = self.rest.get(..at)?;
            if !(before.is_empty() || before.ends_with(b"\n")) {
                continue;
            }
            let behind = self.rest.get(at + self.delimiter.len()..)?;
            let line_end = memchr::memchr(b'\n', behind).map_or(behind.len(), |end| end + 1);
            self.rest = behind.get(line_end..)?;
            return Some(before);
        }
        // A part that its boundary does not close ends with the body.
        self.ended = true;
        (!self.rest.is_empty()).then_some(self.rest)
    }
}
