//! What is written escaped, as it was before: percent escapes of URLs, backslash escapes of web servers, character
//! references of HTML.
//!
//! Sources: RFC 3986, 2.1; Apache httpd 2.4, `mod_log_config` (`\"`, `\\`, `\t`, `\xhh`), and nginx (`\xHH`). An escape
//! that is not one stays as it is.
//!
//! **Invariant:** a decoded form is never longer than what it was made from.

/// Shows each decoded form of `text` that differs from it: percent escapes, the same once more (a URL within a URL),
/// backslash escapes, and percent escapes within what those gave.
pub(crate) fn decoded_forms(text: &[u8], visit: &mut dyn FnMut(&[u8])) {
    let percent = decode_percent(text);
    if let Some(once) = &percent {
        visit(once);
        if let Some(twice) = decode_percent(once) {
            visit(&twice);
        }
    }
    if let Some(plain) = decode_backslash(text) {
        visit(&plain);
        if let Some(once) = decode_percent(&plain) {
            visit(&once);
            if let Some(twice) = decode_percent(&once) {
                visit(&twice);
            }
        }
    }
}

/// `%41` as `A`; none where nothing is escaped.
pub(crate) fn decode_percent(text: &[u8]) -> Option<Vec<u8>> {
    decode(text, b'%', |rest| match rest {
        [high, low, ..] => Some((hex_pair(*high, *low)?, 2)),
        _ => None,
    })
}

/// `\x41` as `A`, `\"` as `"`, `\\` as `\`, `\n` and its like as the control character; none where nothing is escaped.
fn decode_backslash(text: &[u8]) -> Option<Vec<u8>> {
    decode(text, b'\\', |rest| match rest {
        [b'x' | b'X', high, low, ..] => Some((hex_pair(*high, *low)?, 3)),
        [byte @ (b'"' | b'\\' | b'\''), ..] => Some((*byte, 1)),
        [b'n', ..] => Some((b'\n', 1)),
        [b'r', ..] => Some((b'\r', 1)),
        [b't', ..] => Some((b'\t', 1)),
        [b'b', ..] => Some((0x08, 1)),
        [b'f', ..] => Some((0x0c, 1)),
        [b'v', ..] => Some((0x0b, 1)),
        _ => None,
    })
}

/// `#22` as `"`, as HAProxy writes it; none where nothing is escaped.
pub(crate) fn decode_number_sign(text: &[u8]) -> Option<Vec<u8>> {
    decode(text, b'#', |rest| match rest {
        [high, low, ..] => Some((hex_pair(*high, *low)?, 2)),
        _ => None,
    })
}

/// An octal number of three digits behind `sign` as its byte (`#011` as rsyslog writes control characters, `\303`); none where
/// nothing is escaped.
pub(crate) fn decode_octal(text: &[u8], sign: u8) -> Option<Vec<u8>> {
    decode(text, sign, |rest| match rest {
        [high @ b'0'..=b'3', middle @ b'0'..=b'7', low @ b'0'..=b'7', ..] => {
            Some(((high - b'0') << 6 | (middle - b'0') << 3 | (low - b'0'), 3))
        }
        _ => None,
    })
}

/// `&#64;` and `&#x40;` as `@`, and the few names of signs that stand in an address (HTML 5, 13.5); none where there is
/// none of them.
pub(crate) fn decode_references(text: &[u8]) -> Option<Vec<u8>> {
    const NAMES: [(&[u8], u8); 7] = [
        (b"commat", b'@'),
        (b"period", b'.'),
        (b"lowbar", b'_'),
        (b"plus", b'+'),
        (b"percnt", b'%'),
        (b"colon", b':'),
        (b"nbsp", b' '),
    ];
    decode(text, b'&', |rest| {
        let name_at = match rest {
            [b'#', b'x' | b'X', ..] => 2,
            [b'#', ..] => 1,
            _ => 0,
        };
        let shown = rest.get(name_at..rest.len().min(24))?;
        let length = shown
            .iter()
            .take_while(|byte| if name_at == 1 { byte.is_ascii_digit() } else { byte.is_ascii_alphanumeric() })
            .count();
        let closed = shown.get(length) == Some(&b';');
        // Browsers read a number without its `;` too.
        let length = if name_at == 2 && !closed {
            shown.iter().take_while(|byte| byte.is_ascii_hexdigit()).count()
        } else {
            length
        };
        let name = shown.get(..length)?;
        let byte = match name_at {
            2 => u8::from_str_radix(std::str::from_utf8(name).ok()?, 16).ok()?,
            1 => std::str::from_utf8(name).ok()?.parse().ok()?,
            _ if closed => NAMES.iter().find(|(known, _)| *known == name).map(|(_, byte)| *byte)?,
            _ => return None,
        };
        byte.is_ascii().then_some((byte, name_at + length + usize::from(closed)))
    })
}

/// HTML without its tags, which may stand within a word; a `<` that nothing closes stays, with what follows it.
pub(crate) fn without_tags(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'<', rest) {
        let (before, tail) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(before);
        let Some(end) = memchr::memchr(b'>', tail) else {
            rest = tail;
            break;
        };
        rest = tail.get(end + 1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

/// `escape` is shown what follows the mark, and gives the byte it stands for and how many bytes that took.
fn decode(text: &[u8], mark: u8, escape: impl Fn(&[u8]) -> Option<(u8, usize)>) -> Option<Vec<u8>> {
    memchr::memchr(mark, text)?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some(at) = memchr::memchr(mark, rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        match escape(rest) {
            Some((byte, taken)) => {
                out.push(byte);
                rest = rest.get(taken..).unwrap_or_default();
                changed = true;
            }
            None => out.push(mark),
        }
    }
    out.extend_from_slice(rest);
    changed.then_some(out)
}

/// The byte that two hex digits name.
pub(crate) fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_to_ascii_are_decoded_and_others_stay() {
        let cases = [
            ("alice&#64;example&#x2E;org", Some("alice@example.org")),
            ("alice&commat;example&period;org &amp; &#8364;", Some("alice@example.org &amp; &#8364;")),
            ("a & b; &#; &#x;", None),
            ("plain", None),
        ];
        for (text, expected) in cases {
            let seen = decode_references(text.as_bytes()).map(|text| String::from_utf8(text).unwrap());
            assert_eq!(seen.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn every_escaped_form_is_shown_and_an_escape_that_is_none_stays() {
        let cases: [(&str, &[&str]); 8] = [
            ("plain", &[]),
            ("100%", &[]),
            ("%zz \\q", &[]),
            ("alice%40example.org", &["alice@example.org"]),
            ("alice%2540example.org", &["alice%40example.org", "alice@example.org"]),
            ("alice\\x40example.org", &["alice@example.org"]),
            ("\\\"%40", &["\\\"@", "\"%40", "\"@"]),
            ("\\x2540", &["%40", "@"]),
        ];
        for (text, expected) in cases {
            let mut seen = Vec::new();
            decoded_forms(text.as_bytes(), &mut |form| seen.push(String::from_utf8(form.to_vec()).unwrap()));
            assert_eq!(seen, expected, "{text}");
        }
    }
}
