//! The header section of a message: which lines are fields, and which bytes are the value of which.
//!
//! Source: RFC 5322, 2.2 and 3.6, with the obsolete blank before the colon (4.5). A From_ line in front, or one within
//! (a program left it there), is passed over. A line that is neither a field nor the continuation of one ends the section;
//! what follows it up to the empty line may be fields or may be text.
//!
//! **Invariant:** a field behind such a line is never read as a field, and never denied either: it is `doubtful`.

/// One field of the header section.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Field<'a> {
    /// Its name, as written.
    pub(crate) name: &'a [u8],
    /// What is behind the colon, folding and line end included.
    pub(crate) value: &'a [u8],
    /// It stands behind a line that is no field.
    pub(crate) doubtful: bool,
}

impl Field<'_> {
    /// Its name is that, in any ASCII case.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// The fields of a header section, in order.
pub(crate) struct Header<'a> {
    rest: &'a [u8],
    doubtful: bool,
    ended: bool,
}

impl<'a> Header<'a> {
    /// The header section that `message` begins with.
    pub(crate) fn of(message: &'a [u8]) -> Self {
        Self { rest: message, doubtful: false, ended: false }
    }

    /// What is behind the header section and the empty line that ends it.
    pub(crate) fn into_body(mut self) -> &'a [u8] {
        while self.next().is_some() {}
        self.rest
    }

    fn take_line(&mut self) -> &'a [u8] {
        let end = memchr::memchr(b'\n', self.rest).map_or(self.rest.len(), |end| end + 1);
        let (line, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, &[]));
        self.rest = rest;
        line
    }
}

impl<'a> Iterator for Header<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        while !self.ended && !self.rest.is_empty() {
            let at = self.rest;
            let line = self.take_line();
            if matches!(line, b"\n" | b"\r\n") {
                self.ended = true;
                break;
            }
            let Some(name) = field_name(line) else {
                self.doubtful |= !is_from_line(line);
                continue;
            };
            while matches!(self.rest.first(), Some(b' ' | b'\t')) {
                self.take_line();
            }
            let field = at.get(..at.len() - self.rest.len()).unwrap_or(at);
            let value_at = memchr::memchr(b':', field).map_or(field.len(), |colon| colon + 1);
            return Some(Field { name, value: field.get(value_at..).unwrap_or_default(), doubtful: self.doubtful });
        }
        None
    }
}

/// The line that `bytes` begins with, without its end.
pub(crate) fn first_line(bytes: &[u8]) -> &[u8] {
    let line = memchr::memchr(b'\n', bytes).and_then(|end| bytes.get(..end)).unwrap_or(bytes);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The line is a From_ line, quoted or not, that a program left in front of the fields or among them.
pub(crate) fn is_from_line(line: &[u8]) -> bool {
    line.starts_with(b"From ") || line.starts_with(b">From ")
}

/// The name of the field that the line begins; none where it begins none.
pub(crate) fn field_name(line: &[u8]) -> Option<&[u8]> {
    let length = line.iter().take_while(|&&byte| byte > b' ' && byte < 0x7f && byte != b':').count();
    let (name, rest) = line.split_at_checked(length).filter(|_| length > 0)?;
    let blank = rest.iter().take_while(|&&byte| matches!(byte, b' ' | b'\t')).count();
    (rest.get(blank) == Some(&b':')).then_some(name)
}

/// Fields that messages have, and hardly anything else.
const WELL_KNOWN: [&str; 10] = [
    "From",
    "To",
    "Date",
    "Subject",
    "Message-ID",
    "Received",
    "Return-Path",
    "Delivered-To",
    "MIME-Version",
    "Reply-To",
];

/// What `head` shows of the header section are fields only, it begins with one, and one is well known. `whole`: there is
/// no more than `head`.
pub(crate) fn looks_like_a_message(head: &[u8], whole: bool) -> bool {
    if field_name(first_line(head)).is_none() {
        return false;
    }
    // A field that is cut off at the end of what is shown says nothing.
    let shown =
        if whole { head } else { memchr::memrchr(b'\n', head).and_then(|end| head.get(..=end)).unwrap_or(head) };
    let mut known = false;
    for field in Header::of(shown) {
        if field.doubtful {
            return known;
        }
        known |= WELL_KNOWN.iter().any(|name| field.is(name));
    }
    known
}

/// A value on one line: line ends are dropped, as RFC 5322, 2.2.3 unfolds, and blanks around it.
pub(crate) fn unfold(value: &[u8]) -> Vec<u8> {
    let line: Vec<u8> = value.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    line.trim_ascii().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(message: &str) -> Vec<(String, String, bool)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Header::of(message.as_bytes()).map(|f| (text(f.name), text(&unfold(f.value)), f.doubtful)).collect()
    }

    #[test]
    fn fields_are_read_up_to_the_empty_line_and_behind_a_stray_line_with_doubt() {
        let field = |name: &str, value: &str, doubtful| (name.to_owned(), value.to_owned(), doubtful);
        let cases = [
            ("To: a\r\n b\r\n\r\nCc: c", vec![field("To", "a b", false)]),
            ("To : a\n\tb\nCc:c", vec![field("To", "a\tb", false), field("Cc", "c", false)]),
            ("From x Mon\n>From y\nTo: a\n\n", vec![field("To", "a", false)]),
            ("To: a\nstray line\nCc: c\n\nBcc: d", vec![field("To", "a", false), field("Cc", "c", true)]),
            ("\nTo: a", vec![]),
            ("", vec![]),
            (": a\n", vec![]),
        ];
        for (message, expected) in cases {
            assert_eq!(fields(message), expected, "{message:?}");
        }
    }

    #[test]
    fn the_body_is_what_follows_the_empty_line() {
        assert_eq!(Header::of(b"To: a\n\nbody\n\nmore").into_body(), b"body\n\nmore");
        assert_eq!(Header::of(b"To: a\r\n\r\nbody").into_body(), b"body");
        assert_eq!(Header::of(b"To: a\n").into_body(), b"");
    }

    #[test]
    fn only_what_begins_with_fields_of_a_message_looks_like_one() {
        for yes in ["From: a\n\nx", "X-Spam: no\nReceived: from\n\tx\n\nbody", "Subject: x", "Message-Id: <a>\n"] {
            assert!(looks_like_a_message(yes.as_bytes(), true), "{yes:?}");
        }
        for no in ["", "\n", "key: value\n", "Dear all\nFrom: me\n", "From a b\nTo: c\n", "192.0.2.1 - - [x] \"y\"\n"] {
            assert!(!looks_like_a_message(no.as_bytes(), true), "{no:?}");
        }
    }
}
