//! Fields that stand at a known place of a message.
//!
//! Much of a message is a stranger's own words: the user name of a failed log-in, the name that a client gives itself. A
//! field is therefore taken by what is around it only where that stands in the message once.
//!
//! **Invariant:** where what marks a field stands twice, the field is not read.

use std::net::IpAddr;

use crate::scope::{Reading, Value};

/// The one place where `needle` stands; none where it does not, `Err` where it stands more than once.
pub(super) fn only(text: &[u8], needle: &[u8]) -> Result<Option<usize>, Twice> {
    let mut places = memchr::memmem::find_iter(text, needle);
    match (places.next(), places.next()) {
        (place, None) => Ok(place),
        _ => Err(Twice),
    }
}

/// What marks a field stands more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Twice;

/// What is behind the one `begin`, up to the first `end` behind it, or to the end where `end` is empty. None where there is
/// no `begin`.
pub(super) fn between<'a>(text: &'a [u8], begin: &[u8], end: &[u8]) -> Result<Option<&'a [u8]>, Twice> {
    let Some(at) = only(text, begin)? else { return Ok(None) };
    let rest = text.get(at + begin.len()..).unwrap_or_default();
    if end.is_empty() {
        return Ok(Some(rest));
    }
    let Some(length) = memchr::memmem::find(rest, end) else { return Err(Twice) };
    Ok(rest.get(..length))
}

/// A Message-ID without its angle brackets.
pub(super) fn bare_message_id(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"<").and_then(|inner| inner.strip_suffix(b">")).unwrap_or(text)
}

/// The address at the start of `text`, up to the first byte that `ends` it.
pub(super) fn address(text: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Shows an address; one that cannot be read is a host name, or is not told (`unknown`).
pub(super) fn show_client(text: &[u8], port: Option<u16>, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
    match address(text) {
        Some(ip) => visit(Value::Ip(ip.to_canonical(), port)),
        None if text.is_empty() || text == b"unknown" => return Reading::Partial,
        None => visit(Value::Text(text)),
    }
    Reading::Complete
}

/// Shows a mail address that stands between `<` and `>` as it is: an empty one is none, a quoted one is not read.
pub(super) fn show_mail_address(text: &[u8], visit: &mut dyn FnMut(Value<'_>)) -> Reading {
    if text.is_empty() {
        return Reading::Complete;
    }
    if text.iter().any(|&byte| matches!(byte, b'"' | b'<' | b'>' | b' ' | b',')) {
        return Reading::Partial;
    }
    match text.iter().rposition(|&byte| byte == b'@') {
        Some(at) => visit(Value::Address {
            local: text.get(..at).unwrap_or_default(),
            domain: text.get(at + 1..).unwrap_or_default(),
        }),
        None => visit(Value::Text(text)),
    }
    Reading::Complete
}
