//! Content-Transfer-Encodings (RFC 2045, 6): base64 and quoted-printable.
//!
//! Quoted-printable is read as its RFC advises a robust reader (6.7): an `=` that begins no escape stays, so that nothing
//! of it is ever unread. A base64 line with a byte outside the alphabet is not base64 (a mailing list put a footer behind
//! the text); such a line in front of the padding breaks the encoding.
//!
//! **Invariant:** what is decoded is never longer than what it was decoded from.

use super::super::escape::hex_pair;

/// The bytes that base64 text means, and whether all of it could be read.
pub(crate) fn decode_base64(text: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let mut whole = true;
    let mut padded = false;
    let (mut bits, mut count) = (0u32, 0u32);
    for line in text.split(|&byte| byte == b'\n') {
        let line = line.trim_ascii();
        if !line.iter().all(|&byte| byte == b'=' || value(byte).is_some() || byte.is_ascii_whitespace()) {
            whole &= padded;
            continue;
        }
        for &byte in line {
            match value(byte) {
                Some(value) => {
                    padded = false;
                    bits = bits << 6 | value;
                    count += 1;
                    if count == 4 {
                        out.extend_from_slice(bits.to_be_bytes().get(1..).unwrap_or_default());
                        (bits, count) = (0, 0);
                    }
                }
                None if byte == b'=' => {
                    whole &= flush(bits, count, &mut out);
                    padded = true;
                    (bits, count) = (0, 0);
                }
                None => {}
            }
        }
    }
    whole &= flush(bits, count, &mut out);
    (out, whole)
}

/// Writes what a last group of fewer than four characters holds. False: one character alone holds nothing.
fn flush(bits: u32, count: u32, out: &mut Vec<u8>) -> bool {
    let [_, _, high, low] = (match count {
        2 => bits >> 4,
        3 => bits >> 2,
        _ => return count == 0,
    })
    .to_be_bytes();
    if count == 3 {
        out.push(high);
    }
    out.push(low);
    true
}

fn value(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// The bytes that quoted-printable text means.
pub(crate) fn decode_quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let content = line.trim_ascii_end();
        let mut rest = content;
        while let Some(at) = memchr::memchr(b'=', rest) {
            out.extend_from_slice(rest.get(..at).unwrap_or_default());
            rest = rest.get(at + 1..).unwrap_or_default();
            match rest {
                [high, low, ..] if let Some(byte) = hex_pair(*high, *low) => {
                    out.push(byte);
                    rest = rest.get(2..).unwrap_or_default();
                }
                // A soft line break: the line goes on.
                [] => {}
                _ => out.push(b'='),
            }
        }
        out.extend_from_slice(rest);
        if !content.ends_with(b"=") {
            let end = line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")).map_or(line.len(), <[u8]>::len);
            out.extend_from_slice(line.get(end..).unwrap_or_default());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_and_what_is_not_base64_is_said() {
        let cases: [(&str, &str, bool); 11] = [
            ("YWxpY2VAZXhhbXBsZS5vcmc=", "alice@example.org", true),
            ("YWxp\r\nY2VA\r\nZXhhbXBsZS5vcmc=\r\n", "alice@example.org", true),
            ("YWxpY2VAZXhhbXBsZS5vcmc", "alice@example.org", true),
            ("YWJj", "abc", true),
            ("YWI=", "ab", true),
            ("YQ==", "a", true),
            ("YQ==YQ==", "aa", true),
            ("YQ==\n_____\nlist footer: http://x\n", "a", true),
            ("YWJj\n****\nYWJj", "abcabc", false),
            ("YWJjY", "abc", false),
            ("", "", true),
        ];
        for (text, expected, whole) in cases {
            assert_eq!(decode_base64(text.as_bytes()), (expected.as_bytes().to_vec(), whole), "{text}");
        }
    }

    #[test]
    fn quoted_printable_is_read_and_an_equals_sign_that_begins_nothing_stays() {
        let cases = [
            ("alice=40example.org", "alice@example.org"),
            ("ali=\r\nce=\nx", "alicex"),
            ("ali=  \r\nce", "alice"),
            ("a  \r\nb\n", "a\r\nb\n"),
            ("a=b =3d =zz =4", "a=b = =zz =4"),
            ("a=", "a"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(String::from_utf8(decode_quoted_printable(text.as_bytes())).unwrap(), expected, "{text}");
        }
    }
}
