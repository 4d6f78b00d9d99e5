//! Where the header section of a message ends, and which of its parts are attachments (RFC 2045, 2046, 2183).
//!
//! An attachment is a part with a Content-Disposition other than `inline`, with a file name, or of another type than text: a
//! picture, a signature, a message that is passed on. Parts that hold parts are looked into. A message that is one such thing
//! itself has its whole body for an attachment. What a text part holds (a picture within HTML, uuencoded lines) stays text.
//!
//! Programs differ in what they make of a broken message, and one of them would show as text what this calls an attachment, or
//! the other way round. So this reads only what can be read in one way, unlike the search of texts in `mime.rs`, which reads
//! everything.
//!
//! **Invariant:** no answer rather than a doubtful one: fields among which a line is none, two types that differ, one
//! that is none, a boundary that is missing, comes twice, is not closed, or begins another line, and parts beyond the bounds.

use std::ops::Range;

use super::comment;
use super::header::{Field, Header, field_name, is_from_line, unfold};
use super::mime::{encoding_name, parameter};
use crate::limits::{PART_DEPTH, PARTS};

/// The length of the header section, with the empty line that ends it.
pub(super) fn header_bytes(message: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut in_field = false;
    loop {
        let rest = message.get(at..).filter(|rest| !rest.is_empty());
        // A message may end with its fields.
        let Some(rest) = rest else { return Some(at) };
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let line = rest.get(..end)?;
        at += end;
        let plain = line.strip_suffix(b"\n").unwrap_or(line);
        let plain = plain.strip_suffix(b"\r").unwrap_or(plain);
        if plain.is_empty() {
            return Some(at);
        }
        // To some programs a lone carriage return ends a line, and a line of blanks ends the section.
        if plain.contains(&b'\r') || plain.trim_ascii().is_empty() {
            return None;
        }
        match plain.first() {
            Some(b' ' | b'\t') if in_field => {}
            _ if field_name(plain).is_some() => in_field = true,
            _ if is_from_line(plain) => in_field = false,
            _ => return None,
        }
    }
}

/// Where the attachments stand: ascending, each with its own header section, without the lines of boundaries.
pub(super) fn attachments(message: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut walk = Walk { message, found: Vec::new(), parts: 0 };
    let entity = walk.entity(0..message.len(), b"text/plain")?;
    if entity.is_attachment {
        if !entity.body.is_empty() {
            walk.found.push(entity.body);
        }
    } else {
        walk.parts_of(&entity, PART_DEPTH)?;
    }
    Some(walk.found)
}

struct Walk<'a> {
    message: &'a [u8],
    found: Vec<Range<usize>>,
    parts: usize,
}

/// A header section and its body.
struct Entity {
    body: Range<usize>,
    is_attachment: bool,
    is_digest: bool,
    /// Where it holds parts.
    boundary: Option<Vec<u8>>,
}

impl Walk<'_> {
    fn entity(&self, at: Range<usize>, default_type: &[u8]) -> Option<Entity> {
        let bytes = self.message.get(at.clone())?;
        let header = header_bytes(bytes)?;
        let fields = || Header::of(bytes.get(..header).unwrap_or_default());
        let of_type = the_one(fields(), "Content-Type")?;
        let disposition = the_one(fields(), "Content-Disposition")?;
        let encoding = the_one(fields(), "Content-Transfer-Encoding")?;
        let media_type = match &of_type {
            // The one type from before MIME (RFC 1049) that is still met.
            Some(value) if first_word(value) == b"text" => b"text/plain".to_vec(),
            Some(value) => first_word(value),
            None => default_type.to_vec(),
        };
        // Some take what is no type for text (RFC 2045, 5.2), and some for a file.
        if !media_type.contains(&b'/') {
            return None;
        }
        let is_multipart = media_type.starts_with(b"multipart/");
        let has =
            |value: &Option<Vec<u8>>, name| value.as_ref().map_or(Some(false), |value| has_parameter(value, name));
        let is_named = has(&disposition, b"filename")? || has(&of_type, b"name")?;
        let is_inline = disposition.is_none_or(|value| first_word(&value) == b"inline");
        let is_attachment = is_named || !is_inline || !(is_multipart || media_type.starts_with(b"text/"));
        let mut entity = Entity {
            body: at.start + header..at.end,
            is_attachment,
            is_digest: media_type == b"multipart/digest",
            boundary: None,
        };
        if is_multipart && !is_attachment {
            let value = of_type.as_ref()?;
            let is_plain = encoding
                .is_none_or(|value| matches!(encoding_name(&value).as_slice(), [] | [b'7' | b'8', ..] | b"binary"));
            let names = parameter_names(value).filter(|name| name.starts_with(b"boundary")).count();
            entity.boundary = Some(parameter(value, "boundary").filter(|_| is_plain && names == 1)?);
        }
        Some(entity)
    }

    fn parts_of(&mut self, entity: &Entity, depth: usize) -> Option<()> {
        let Some(boundary) = &entity.boundary else { return Some(()) };
        let below = depth.checked_sub(1)?;
        let default_type: &[u8] = if entity.is_digest { b"message/rfc822" } else { b"text/plain" };
        for part in self.parts(entity.body.clone(), boundary)? {
            self.parts += 1;
            if self.parts > PARTS {
                return None;
            }
            // Nothing is there to leave out; so a message of which parts were left out is found to have none.
            if part.is_empty() {
                continue;
            }
            let inner = self.entity(part.clone(), default_type)?;
            if inner.is_attachment {
                self.found.push(part);
            } else {
                self.parts_of(&inner, below)?;
            }
        }
        Some(())
    }

    /// What stands between the lines of a boundary. Before the first one may stand a text for old programs.
    fn parts(&self, body: Range<usize>, boundary: &[u8]) -> Option<Vec<Range<usize>>> {
        let bytes = self.message.get(body.clone())?;
        let delimiter = [b"--", boundary.trim_ascii_end()].concat();
        let (mut parts, mut open) = (Vec::new(), None);
        for at in memchr::memmem::find_iter(bytes, &delimiter) {
            match at.checked_sub(1).and_then(|before| bytes.get(before)) {
                None | Some(b'\n') => {}
                Some(b'\r') => return None,
                Some(_) => continue,
            }
            let behind = bytes.get(at + delimiter.len()..)?;
            let end = memchr::memchr(b'\n', behind).map_or(behind.len(), |end| end + 1);
            let (line, rest) = behind.split_at_checked(end)?;
            let closing = line.strip_prefix(b"--");
            // The boundary of something else begins like this one.
            if !closing.unwrap_or(line).trim_ascii().is_empty() || parts.len() >= PARTS {
                return None;
            }
            if let Some(from) = open {
                parts.push(body.start + from..body.start + at);
            }
            open = Some(at + delimiter.len() + end);
            if closing.is_some() {
                // What is behind the last part no program shows, and it may be anything.
                let is_all = rest.trim_ascii().is_empty() && !parts.is_empty();
                return is_all.then_some(parts);
            }
        }
        None
    }
}

/// The value of the field of that name without comments, if there is one; none where there are two that differ.
fn the_one<'a>(fields: impl Iterator<Item = Field<'a>>, name: &str) -> Option<Option<Vec<u8>>> {
    let mut values = fields.filter(|field| field.is(name)).map(|field| comment::dropped(&unfold(field.value)));
    let Some(first) = values.next() else { return Some(None) };
    values.all(|other| other == first).then_some(Some(first))
}

/// What stands before the parameters, in lower case and without blanks.
fn first_word(value: &[u8]) -> Vec<u8> {
    let word = value.split(|&byte| byte == b';').next().unwrap_or_default();
    word.iter().filter(|byte| !byte.is_ascii_whitespace()).map(u8::to_ascii_lowercase).collect()
}

/// It has a parameter of that name; none where it would be one but for quotes that it stands in.
fn has_parameter(value: &[u8], name: &[u8]) -> Option<bool> {
    let is_in = |value: &[u8]| parameter_names(value).any(|found| found == name);
    let (any, outside) = (is_in(value), is_in(&without_quoted(value)));
    (any == outside).then_some(any)
}

/// The names of all parameters, in lower case; of one in pieces (RFC 2231, 3) its own for each. What stands in quotes may be
/// taken for one too.
fn parameter_names(value: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    value.split(|&byte| byte == b';').skip(1).filter_map(|parameter| {
        let name = parameter.get(..memchr::memchr(b'=', parameter)?)?.trim_ascii();
        Some(name.split(|&byte| byte == b'*').next().unwrap_or_default().trim_ascii().to_ascii_lowercase())
    })
}

fn without_quoted(value: &[u8]) -> Vec<u8> {
    let (mut plain, mut quoted) = (Vec::with_capacity(value.len()), false);
    let mut bytes = value.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' if quoted => drop(bytes.next()),
            b'"' => quoted = !quoted,
            _ if quoted => {}
            _ => plain.push(byte),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_section_ends_with_the_empty_line_or_the_message() {
        for (message, expected) in [
            ("To: a\n\nbody\n\nmore", Some(7)),
            ("To: a\r\n b\r\n\r\nbody", Some(13)),
            (">From x Mon\nTo: a\n\nbody", Some(19)),
            ("To: a\n", Some(6)),
            ("To: a", Some(5)),
            ("\nbody", Some(1)),
            ("To: a\nstray line\nCc: b\n\nbody", None),
            ("To: a\n \nbody", None),
            ("To: a\rCc: b\n\nbody", None),
            ("To: a\r\r\n\nbody", None),
            (" to: a\n\nbody", None),
        ] {
            assert_eq!(header_bytes(message.as_bytes()), expected, "{message:?}");
        }
    }

    /// The message without its attachments, and how many they were.
    fn kept(message: &str) -> Option<(String, usize)> {
        let found = attachments(message.as_bytes())?;
        let (mut kept, mut at) = (String::new(), 0);
        for part in &found {
            kept.push_str(&message[at..part.start]);
            at = part.end;
        }
        Some((kept + &message[at..], found.len()))
    }

    /// A message of these parts.
    fn mixed(parts: &[&str]) -> String {
        let parts: String = parts.iter().map(|part| format!("--b\r\n{part}\r\n")).collect();
        format!("Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\nfor old programs\r\n{parts}--b--\r\n")
    }

    const TEXT: &str = "Content-Type: text/plain\r\n\r\nhello";

    #[test]
    fn an_attachment_is_no_text_or_has_a_file_name_or_is_called_one() {
        for (head, expected) in [
            ("Content-Type: image/png", true),
            ("Content-Type: application/pgp-signature", true),
            ("Content-Type: message/rfc822", true),
            ("Content-Type: message/delivery-status", true),
            ("Content-Type: TEXT/HTML; charset=utf-8", false),
            ("Content-Type: text/plain; name=notes.txt", true),
            ("Content-Type: text/plain; name*0*=utf-8''n; name*1=otes.txt", true),
            ("Content-Type: text/plain;\r\n\tNAME = \"notes.txt\"", true),
            ("Content-Type: text/plain\r\nContent-Disposition: inline", false),
            ("Content-Type: text/plain\r\nContent-Disposition: inline; filename=a", true),
            ("Content-Type: text/plain\r\nContent-Disposition: (x) ATTACHMENT", true),
            ("Content-Type: text/plain\r\nContent-Disposition: form-data", true),
            ("Content-Type: multipart/mixed; boundary=c\r\nContent-Disposition: attachment", true),
            ("Content-Type: text (a comment) /plain", false),
            ("Content-Type: text; charset=us-ascii", false),
            ("Subject: no type", false),
        ] {
            let part = format!("{head}\r\n\r\nwhat is in it");
            let expected = if expected {
                (mixed(&[TEXT]).replace("--b--", "--b\r\n--b--"), 1)
            } else {
                (mixed(&[TEXT, &part]), 0)
            };
            assert_eq!(kept(&mixed(&[TEXT, &part])), Some(expected), "{head}");
        }
        let body = "Content-Type: application/pdf\r\n\r\n%PDF";
        assert_eq!(kept(body), Some(("Content-Type: application/pdf\r\n\r\n".to_owned(), 1)), "the message is one");
        assert_eq!(kept("To: a\n\nhello\n"), Some(("To: a\n\nhello\n".to_owned(), 0)), "without MIME it is text");
        let digest = mixed(&["\r\nSubject: a\r\n\r\nb"]).replace("multipart/mixed", "multipart/digest");
        assert_eq!(kept(&digest).map(|(_, count)| count), Some(1), "a digest is of messages");
    }

    #[test]
    fn parts_within_parts_are_looked_into_and_what_is_left_has_none() {
        let inner = format!(
            "Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n{TEXT}\r\n--c\r\nContent-Type: image/gif\r\n\r\nGIF\r\n--c--"
        );
        let message = mixed(&[&inner, "Content-Type: image/png\r\n\r\nPNG"]);
        let (left, count) = kept(&message).unwrap();
        assert_eq!(count, 2);
        assert!(left.contains("hello") && !left.contains("GIF") && !left.contains("PNG") && !left.contains("image"));
        assert_eq!(kept(&left), Some((left.clone(), 0)));
    }

    #[test]
    fn a_structure_that_can_be_read_in_two_ways_gives_no_answer() {
        let good = mixed(&[TEXT, "Content-Type: image/png\r\n\r\nPNG"]);
        assert!(kept(&good).is_some());
        let mut deep = TEXT.to_owned();
        for level in 0..=PART_DEPTH {
            deep = format!(
                "Content-Type: multipart/mixed; boundary=d{level}x\r\n\r\n--d{level}x\r\n{deep}\r\n--d{level}x--\r\n"
            );
        }
        assert!(kept(&deep).is_none(), "too deep");
        for (from, to) in [
            ("; boundary=\"b\"", ""),
            ("boundary=\"b\"", "boundary*0=\"b\""),
            ("boundary=\"b\"", "boundary=\"x\""),
            ("boundary=\"b\"", "boundary=\"b\"; boundary=\"c\""),
            ("boundary=\"b\"\r\n", "boundary=\"b\"\r\nContent-Type: multipart/mixed; boundary=\"c\"\r\n"),
            ("boundary=\"b\"\r\n", "boundary=\"b\"\r\nContent-Transfer-Encoding: base64\r\n"),
            ("--b--\r\n", ""),
            ("--b--\r\n", "--b--\r\nContent-Type: image/png"),
            ("hello", "hello\r\n--bc\r\n"),
            ("hello", "hello\r--b\r\n"),
            ("Content-Type: text/plain", "no field"),
            ("Content-Type: text/plain", "Content-Type: plain"),
            ("Content-Type: text/plain", "Content-Type: text/plain; charset=\"a; name=b\""),
            (
                "Content-Type: text/plain",
                "Content-Type: text/plain\r\nContent-Disposition: inline; x=\"\\\"; filename=b\"",
            ),
            ("Content-Type: text/plain", "Content-Type: text/plain\r\nContent-Type: image/png"),
            (
                "Content-Type: text/plain",
                "Content-Type: text/plain\r\nContent-Disposition: inline\r\nContent-Disposition: attachment",
            ),
        ] {
            assert!(good.contains(from) && kept(&good.replacen(from, to, 1)).is_none(), "{to:?} for {from:?}");
        }
    }
}
