//! What lines of logs are made of: words that a space parts, IP addresses with their ports, line ends.
//!
//! **Invariant:** what is read is a part of what it was read from; nothing is put in its place.

use std::net::{IpAddr, Ipv6Addr};

use crate::scope::Value;

/// The bytes before the first space, and those after it. A field is not empty.
pub(crate) fn word(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = memchr::memchr(b' ', bytes).filter(|&space| space > 0)?;
    Some((bytes.get(..space)?, bytes.get(space + 1..)?))
}

pub(crate) fn word_or_rest(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    word(bytes).or((!bytes.is_empty()).then_some((bytes, &[])))
}

/// The line without its end, LF or CRLF.
pub(crate) fn trim_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The first field: an IP address, with a port where one is there (`192.0.2.1:80`, `[2001:db8::1]:80`), else its text.
/// None: it can only be an address, and it is not one (`192.0.2.256`, `192.0.2.01`).
pub(crate) fn client(field: &[u8]) -> Option<Value<'_>> {
    if let Some((ip, port)) = read_ip(field) {
        return Some(Value::Ip(ip.to_canonical(), port));
    }
    let of = |signs: &[u8]| field.iter().all(|byte| byte.is_ascii_digit() || signs.contains(byte));
    let only_an_address = of(b".") || (field.contains(&b':') && of(b".:[]abcdefABCDEF"));
    (!only_an_address).then_some(Value::Text(field))
}

pub(crate) fn read_ip(field: &[u8]) -> Option<(IpAddr, Option<u16>)> {
    let text = std::str::from_utf8(field).ok()?;
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some((ip, None));
    }
    // The zone of a link-local address (RFC 4007, 11) says on which link it is, not which address it is.
    if let Some((address, zone)) = text.split_once('%') {
        let plain = zone.bytes().all(|byte| byte.is_ascii_alphanumeric());
        return address.parse::<Ipv6Addr>().ok().filter(|_| plain).map(|ip| (IpAddr::V6(ip), None));
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (host, rest) = bracketed.split_once(']')?;
            let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) };
            (IpAddr::V6(host.parse::<Ipv6Addr>().ok()?), port)
        }
        None => {
            let (host, port) = text.split_once(':')?;
            (IpAddr::V4(host.parse().ok()?), Some(port))
        }
    };
    match port {
        None => Some((host, None)),
        // `u16::from_str` takes a sign; a port has none.
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some((host, Some(port.parse().ok()?))),
        Some(_) => None,
    }
}
