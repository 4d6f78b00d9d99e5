//! Addresses, hosts and quoted texts as Exim writes them in its logs.
//!
//! Source: Exim 4.96, `parse.c` (a local part may hold a blank where it is quoted, or behind a backslash), `host.c`
//! (`host_and_ident`) and `receive.c` (a subject's quotes and backslashes are escaped). "Only the final address in square
//! brackets can be relied on" (specification, "Logging message reception").
//!
//! **Invariant:** an address of a host is taken only where the text around it can be nobody's but Exim's.

use std::net::IpAddr;

use crate::scope::Value;

/// The mail address at the front, without angle brackets, and what is behind it. It is empty for `<>`.
pub(super) fn address(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (inner, stop) = text.strip_prefix(b"<").map_or((text, b' '), |inner| (inner, b'>'));
    let (mut is_quoted, mut is_escaped) = (false, false);
    let end = inner.iter().position(|&byte| {
        if is_escaped {
            is_escaped = false;
            return false;
        }
        match byte {
            b'\\' => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            _ => return byte == stop && !is_quoted,
        }
        false
    });
    match end {
        Some(end) => {
            let behind = if stop == b'>' { end + 1 } else { end };
            let (inner, rest) = (inner.get(..end)?, inner.get(behind..)?);
            (stop == b'>' || !inner.is_empty()).then_some((inner, rest))
        }
        None => (stop == b' ' && !is_quoted && !is_escaped && !inner.is_empty()).then_some((inner, &[])),
    }
}

/// Shows an address: at its last `@`, its local part unquoted; a local part alone as text. None: it has an escape that
/// may stand for another byte.
pub(super) fn shown_address(address: &[u8], visit: &mut dyn FnMut(Value<'_>)) -> Option<()> {
    if address.is_empty() {
        return Some(());
    }
    let Some(at) = memchr::memrchr(b'@', address) else {
        visit(Value::Text(address));
        return Some(());
    };
    let (local, domain) = (address.get(..at)?, address.get(at + 1..)?);
    // A source route (RFC 5321, appendix C) ends in a colon.
    let local = if local.starts_with(b"@") { local.split(|&byte| byte == b':').next_back()? } else { local };
    if !local.iter().any(|byte| matches!(byte, b'"' | b'\\')) {
        visit(Value::Address { local, domain });
        return Some(());
    }
    let mut plain = Vec::with_capacity(local.len());
    let mut bytes = local.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'"' => {}
            b'\\' => plain.push(bytes.next().copied().filter(|byte| !byte.is_ascii_alphanumeric())?),
            _ => plain.push(byte),
        }
    }
    visit(Value::Address { local: &plain, domain });
    Some(())
}

/// `host (helo) [192.0.2.1]:25`, each but the address where it is known, and what is behind it.
pub(super) fn host(text: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let mut rest = text;
    if !matches!(rest, [b'[' | b'(', ..]) {
        let length = rest.iter().take_while(|byte| is_host_byte(**byte)).count();
        rest = rest.get(length..)?.strip_prefix(b" ").filter(|_| length > 0)?;
    }
    if let Some(helo) = rest.strip_prefix(b"(") {
        let length = helo.iter().take_while(|byte| is_host_byte(**byte)).count();
        rest = helo.get(length..)?.strip_prefix(b") ")?;
    }
    let inner = rest.strip_prefix(b"[")?;
    let (ip, mut rest) = inner.split_at_checked(memchr::memchr(b']', inner)?)?;
    let ip: IpAddr = std::str::from_utf8(ip).ok()?.parse().ok()?;
    rest = rest.strip_prefix(b"]")?;
    let mut port = None;
    let digits = rest.strip_prefix(b":").unwrap_or_default();
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length > 0 {
        let (number, behind) = digits.split_at_checked(length)?;
        (port, rest) = (Some(std::str::from_utf8(number).ok()?.parse().ok()?), behind);
    }
    // A name that holds `) [` is a forgery; then the true address is a later one.
    let alone = matches!(rest, [] | [b' ' | b':' | b',', ..])
        && !matches!(rest, [b' ', b'[' | b'(', ..])
        && memchr::memmem::find(rest, b") [").is_none();
    alone.then_some((Value::Ip(ip.to_canonical(), port), rest))
}

/// What is behind a text in quotes whose quotes and backslashes are escaped.
pub(super) fn quoted(text: &[u8]) -> Option<&[u8]> {
    let inner = text.strip_prefix(b"\"")?;
    let mut is_escaped = false;
    let end = inner.iter().position(|&byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })?;
    inner.get(end + 1..)
}

/// A byte of a host's name, of an address, or of a literal of one.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'-' | b'_' | b'[' | b']')
}
