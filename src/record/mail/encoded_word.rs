//! Encoded words in header fields (RFC 2047): `=?charset?Q?text?=`.
//!
//! Decoded leniently, since what is decoded is searched and never disclosed: a word may stand anywhere and be of any
//! length, and blanks between two words are dropped.
//!
//! **Invariant:** what is not an encoded word stays as it is.

use super::charset::{self, Text};
use super::transfer;

/// The text with its encoded words decoded; none where it has none.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let last_end = memchr::memmem::rfind(text, b"?=")?;
    let mut out = Vec::new();
    let mut rest = text;
    let mut found = false;
    let mut after_word = false;
    while let Some(at) = memchr::memmem::find(rest, b"=?") {
        let (before, tail) = rest.split_at_checked(at)?;
        // Behind the last end of a word none is left to find.
        if last_end < text.len() - tail.len() {
            break;
        }
        let Some((word, behind)) = word(tail) else {
            out.extend_from_slice(before);
            out.extend_from_slice(b"=?");
            rest = tail.get(2..).unwrap_or_default();
            after_word = false;
            continue;
        };
        if !(after_word && before.trim_ascii().is_empty()) {
            out.extend_from_slice(before);
        }
        out.extend_from_slice(&word);
        rest = behind;
        found = true;
        after_word = true;
    }
    out.extend_from_slice(rest);
    found.then_some(out)
}

/// The word that `text` begins with, decoded, and what is behind it.
fn word(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let inner = text.strip_prefix(b"=?")?;
    let (charset, rest) = split_at_mark(inner)?;
    let (encoding, rest) = split_at_mark(rest)?;
    let is_base64 = match encoding {
        [b'B' | b'b'] => true,
        [b'Q' | b'q'] => false,
        // Nothing is searched for the end of what is no word.
        _ => return None,
    };
    let end = memchr::memmem::find(rest, b"?=")?;
    let data = rest.get(..end)?;
    let bytes = match is_base64 {
        true => transfer::decode_base64(data).0,
        false => {
            let spaced: Vec<u8> = data.iter().map(|&byte| if byte == b'_' { b' ' } else { byte }).collect();
            transfer::decode_quoted_printable(&spaced)
        }
    };
    // RFC 2231, 5: a language may follow the character set.
    let charset = charset.split(|&byte| byte == b'*').next()?;
    let bytes = match charset::decode(charset, &bytes) {
        Text::Decoded(text) | Text::Doubtful(text) => text.into_bytes(),
        Text::AsItStands | Text::Unread => bytes,
    };
    Some((bytes, rest.get(end + 2..)?))
}

fn split_at_mark(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mark = memchr::memchr(b'?', text.get(..text.len().min(64))?).filter(|&mark| mark > 0)?;
    Some((text.get(..mark)?, text.get(mark + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_are_decoded_and_anything_else_stays() {
        let cases = [
            ("plain", None),
            ("a =? b", None),
            ("=?utf-8?X?a?=", None),
            ("=?iso-8859-1?q?J=FCrgen_K?= <j@x>", Some("J\u{fc}rgen K <j@x>")),
            ("=?UTF-8*en?B?YWxpY2VAZXhhbXBsZS5vcmc=?=", Some("alice@example.org")),
            ("=?utf-8?q?ali?=\r\n =?utf-8?q?ce?= and =?utf-8?q?Bob?=", Some("alice and Bob")),
            ("=?utf-16be?B?AGEAQABi?=", Some("a@b")),
            ("=?utf-8?q?open", None),
        ];
        for (text, expected) in cases {
            assert_eq!(
                decode(text.as_bytes()).map(|text| String::from_utf8(text).unwrap()).as_deref(),
                expected,
                "{text}"
            );
        }
    }
}
