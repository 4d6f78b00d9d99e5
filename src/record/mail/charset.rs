//! Text in a named character set, as UTF-8.
//!
//! The tables are the mail-parser crate's. What matters here is a token of ASCII bytes: in most sets it stands as it is, so
//! that a set without a table hides nothing; the few that write ASCII otherwise are named.
//!
//! **Invariant:** a set that may hide ASCII and that has no table is said to be unread.

use mail_parser::decoders::charsets::map::charset_decoder;

/// Text of a character set, as far as it can be told.
pub(crate) enum Text {
    /// It reads the same as its bytes.
    AsItStands,
    /// In UTF-8.
    Decoded(String),
    /// In UTF-8, perhaps not all of it.
    Doubtful(String),
    /// The set may hide any text.
    Unread,
}

/// What `bytes` say in the character set of that name.
pub(crate) fn decode(name: &[u8], bytes: &[u8]) -> Text {
    let name = name.to_ascii_lowercase();
    let begins = |prefix: &str| name.starts_with(prefix.as_bytes());
    let hides_ascii = begins("utf-16") || begins("utf16") || begins("ucs-2") || begins("iso-10646-ucs-2");
    if hides_ascii {
        return charset_decoder(&name).map_or(Text::Unread, |decode| Text::Decoded(decode(bytes)));
    }
    // The table's decoder loses the byte behind a shifted run and a run at the end.
    if begins("utf-7") || begins("utf7") || begins("unicode-1-1-utf-7") {
        let shifted = bytes.contains(&b'+');
        return if shifted { Text::Doubtful(decode_utf7(bytes)) } else { Text::AsItStands };
    }
    if ["utf-32", "utf32", "ucs-4", "iso-10646-ucs-4", "ebcdic", "cp037", "ibm037", "cp500", "cp1047", "scsu", "bocu"]
        .iter()
        .any(|prefix| begins(prefix))
    {
        return Text::Unread;
    }
    if bytes.is_ascii() || begins("utf-8") || begins("utf8") {
        return Text::AsItStands;
    }
    charset_decoder(&name).map_or(Text::AsItStands, |decode| Text::Decoded(decode(bytes)))
}

fn decode_utf7(bytes: &[u8]) -> String {
    // A byte that ends a run is lost, so each is put twice: one to end the run, one to stay.
    let mut padded = Vec::with_capacity(bytes.len() + 1);
    let mut shifted = false;
    for &byte in bytes {
        let in_run = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        if shifted && !in_run {
            shifted = false;
            if byte != b'-' {
                padded.push(b'-');
            }
        }
        shifted |= byte == b'+';
        padded.push(byte);
    }
    if shifted {
        padded.push(b'-');
    }
    charset_decoder(b"utf-7").map_or_else(String::new, |decode| decode(&padded))
}

/// UTF-16 by its byte order mark; none where there is no mark.
pub(crate) fn decode_marked_utf16(bytes: &[u8]) -> Option<String> {
    if !(bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff])) {
        return None;
    }
    charset_decoder(b"utf-16").map(|decode| decode(bytes))
}
