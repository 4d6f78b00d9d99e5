//! JSON as it is written on one line, read value by value: duplicate keys and the text of numbers are kept.
//!
//! Source: RFC 8259. A parser that makes a tree keeps one of two members of one name, and rounds numbers: both would say
//! something of a record that its bytes do not.
//!
//! **Invariant:** a text is walked to its end or found to be no object; nothing is shown of a value that is not whole.

use std::borrow::Cow;

use super::escape::hex_pair;
use crate::limits::JSON_DEPTH;

/// What is met on a walk over an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Item<'a> {
    /// The name of a member, between its quotes, escapes as written.
    Key(&'a [u8]),
    /// A string, between its quotes, escapes as written.
    Text(&'a [u8]),
    /// A number, true or false, as written.
    Bare(&'a [u8]),
    /// null.
    Null,
    /// An object or a list: what is in it follows.
    Inner,
}

/// The names that lead to a value, escapes undone; none for what stands in a list.
pub(crate) type Path<'p, 'a> = Option<&'p [Cow<'a, [u8]>]>;

/// Shows everything in the one object that `text` is; None where it is not one, or is nested over [`JSON_DEPTH`] deep.
/// Until it answers, what was shown may be part of no object.
pub(crate) fn walk<'a>(text: &'a [u8], visit: &mut dyn FnMut(Path<'_, 'a>, Item<'a>)) -> Option<()> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let mut walk = Walk { rest: text, path: Vec::new(), lists: 0, depth: 0, visit };
    walk.skip_space();
    walk.take(b'{')?;
    walk.object()?;
    walk.skip_space();
    walk.rest.is_empty().then_some(())
}

struct Walk<'a, 'v> {
    rest: &'a [u8],
    path: Vec<Cow<'a, [u8]>>,
    /// Lists that are open around this place.
    lists: usize,
    depth: usize,
    visit: &'v mut dyn FnMut(Path<'_, 'a>, Item<'a>),
}

impl<'a> Walk<'a, '_> {
    fn skip_space(&mut self) {
        let space = self.rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
        self.rest = self.rest.get(space..).unwrap_or_default();
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[byte])?;
        Some(())
    }

    fn show(&mut self, item: Item<'a>) {
        let path = (self.lists == 0).then_some(self.path.as_slice());
        (self.visit)(path, item);
    }

    /// Behind its brace.
    fn object(&mut self) -> Option<()> {
        self.deeper()?;
        self.skip_space();
        if self.take(b'}').is_none() {
            loop {
                self.skip_space();
                let key = self.string()?;
                self.show(Item::Key(key));
                self.path.push(unescape(key));
                self.skip_space();
                self.take(b':')?;
                self.value()?;
                self.path.pop();
                self.skip_space();
                if self.take(b',').is_none() {
                    self.take(b'}')?;
                    break;
                }
            }
        }
        self.depth -= 1;
        Some(())
    }

    /// Behind its bracket.
    fn list(&mut self) -> Option<()> {
        self.deeper()?;
        self.lists += 1;
        self.skip_space();
        if self.take(b']').is_none() {
            loop {
                self.value()?;
                self.skip_space();
                if self.take(b',').is_none() {
                    self.take(b']')?;
                    break;
                }
            }
        }
        self.lists -= 1;
        self.depth -= 1;
        Some(())
    }

    fn deeper(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= JSON_DEPTH).then_some(())
    }

    fn value(&mut self) -> Option<()> {
        self.skip_space();
        match self.rest.first()? {
            b'{' => {
                self.show(Item::Inner);
                self.take(b'{')?;
                self.object()
            }
            b'[' => {
                self.show(Item::Inner);
                self.take(b'[')?;
                self.list()
            }
            b'"' => {
                let text = self.string()?;
                self.show(Item::Text(text));
                Some(())
            }
            _ => {
                let bare = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
                let length = self.rest.iter().take_while(bare).count();
                let (word, rest) = self.rest.split_at_checked(length)?;
                self.rest = rest;
                match word {
                    b"null" => self.show(Item::Null),
                    b"true" | b"false" => self.show(Item::Bare(word)),
                    _ if is_number(word) => self.show(Item::Bare(word)),
                    _ => return None,
                }
                Some(())
            }
        }
    }

    /// What stands between the quotes.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.take(b'"')?;
        let text = self.rest;
        let mut at = 0;
        loop {
            at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
            if text.get(at) == Some(&b'"') {
                break;
            }
            at += match text.get(at + 1)? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
                b'u' if text.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit) => 6,
                _ => return None,
            };
        }
        let (string, rest) = text.split_at_checked(at)?;
        self.rest = rest.get(1..)?;
        string.iter().all(|byte| *byte >= 0x20).then_some(string)
    }
}

/// RFC 8259, 6.
pub(super) fn is_number(word: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let word = word.strip_prefix(b"-").unwrap_or(word);
    let whole = digits(word);
    if whole == 0 || (whole > 1 && word.starts_with(b"0")) {
        return false;
    }
    let mut rest = word.get(whole..).unwrap_or_default();
    if let Some(behind) = rest.strip_prefix(b".") {
        let fraction = digits(behind);
        if fraction == 0 {
            return false;
        }
        rest = behind.get(fraction..).unwrap_or_default();
    }
    match rest.split_first() {
        None => true,
        Some((b'e' | b'E', power)) => {
            let power = power.strip_prefix(b"+").or_else(|| power.strip_prefix(b"-")).unwrap_or(power);
            !power.is_empty() && digits(power) == power.len()
        }
        Some(_) => false,
    }
}

/// Its escapes undone. What is no escape stays as it is, and so does half of a surrogate pair.
pub(crate) fn unescape(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        let plain = match rest.get(1) {
            Some(byte @ (b'"' | b'\\' | b'/')) => Some(*byte),
            Some(b'b') => Some(0x08),
            Some(b'f') => Some(0x0C),
            Some(b'n') => Some(b'\n'),
            Some(b'r') => Some(b'\r'),
            Some(b't') => Some(b'\t'),
            _ => None,
        };
        let taken = if let Some(byte) = plain {
            out.push(byte);
            2
        } else if let Some((character, taken)) = character(rest) {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            taken
        } else {
            out.push(b'\\');
            1
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// The character that a `\u` escape, or two of them, stands for, and how many bytes they take.
fn character(text: &[u8]) -> Option<(char, usize)> {
    let unit = |text: &[u8]| match text {
        [b'\\', b'u', a, b, c, d, ..] => Some(u32::from(hex_pair(*a, *b)?) << 8 | u32::from(hex_pair(*c, *d)?)),
        _ => None,
    };
    let first = unit(text)?;
    if let Some(one) = char::from_u32(first) {
        return Some((one, 6));
    }
    let second = text.get(6..).and_then(unit)?;
    if !(0xD800..0xDC00).contains(&first) || !(0xDC00..0xE000).contains(&second) {
        return None;
    }
    char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)).map(|both| (both, 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_whole_object_is_walked() {
        for (text, expected) in [
            ("{}", true),
            (" { \"a\" : [ 1 , {} , [] , null , true ] , \"b\" : -1.5e+3 }\r", true),
            ("{\"a\":\"\\u00e9\\ud83d\\ude00\\\\\"}", true),
            ("\u{feff}{\"a\":1}", true),
            ("", false),
            ("[]", false),
            ("\"a\"", false),
            ("{\"a\":1", false),
            ("{\"a\":1}}", false),
            ("{\"a\":1} {\"b\":2}", false),
            ("{\"a\":1,}", false),
            ("{\"a\" 1}", false),
            ("{a:1}", false),
            ("{\"a\":01}", false),
            ("{\"a\":1.}", false),
            ("{\"a\":1e}", false),
            ("{\"a\":NaN}", false),
            ("{\"a\":\"\\x41\"}", false),
            ("{\"a\":\"\\u12g4\"}", false),
            ("{\"a\":\"\t\"}", false),
            ("{\"a\":\"b}", false),
        ] {
            assert_eq!(walk(text.as_bytes(), &mut |_, _| {}).is_some(), expected, "{text}");
        }
        let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        assert!(walk(nested(JSON_DEPTH).as_bytes(), &mut |_, _| {}).is_some());
        assert!(walk(nested(JSON_DEPTH + 1).as_bytes(), &mut |_, _| {}).is_none());
        assert!(walk("{\"a\":[".repeat(100_000).as_bytes(), &mut |_, _| {}).is_none());
    }

    #[test]
    fn escapes_are_undone_and_what_is_none_stays() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a\\u0040b", "a@b"),
            ("\\\"\\\\\\/\\n", "\"\\/\n"),
            ("\\ud83d\\ude00", "\u{1f600}"),
            ("\\ud83d", "\\ud83d"),
            ("\\ude00\\ud83d", "\\ude00\\ud83d"),
            ("\\x41\\", "\\x41\\"),
        ] {
            assert_eq!(unescape(text.as_bytes()), expected.as_bytes(), "{text}");
        }
    }
}
