//! Finding whole tokens and IP addresses in bytes that are not known to be text.
//!
//! A token is a maximal run of `[A-Za-z0-9._%+@-]` and bytes from 0x80, without the full stops at its end. An IP is a
//! maximal run of `[0-9A-Fa-f:.]` that reads as an address, or as an address and a port.
//!
//! **Invariant:** a part of a token is never a token.

use std::net::{IpAddr, Ipv4Addr};

/// The byte may stand inside a token.
pub(in crate::scope) const fn is_token_byte(byte: u8) -> bool {
    byte >= 0x80 || matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'%' | b'+' | b'@' | b'-')
}

const fn is_ip_byte(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')
}

/// The byte may stand inside a token, or an address with its port.
pub(in crate::scope) const fn is_part(byte: u8) -> bool {
    is_token_byte(byte) || is_ip_byte(byte) || matches!(byte, b'[' | b']')
}

/// The maximal runs of bytes that `belongs` says yes to, with where each begins.
fn runs(text: &[u8], belongs: fn(u8) -> bool) -> impl Iterator<Item = (usize, &[u8])> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let rest = text.get(from..)?;
        let skipped = rest.iter().position(|&byte| belongs(byte))?;
        let run = rest.get(skipped..)?;
        let length = run.iter().position(|&byte| !belongs(byte)).unwrap_or(run.len());
        let start = from + skipped;
        from = start + length;
        Some((start, run.get(..length)?))
    })
}

/// The whole tokens of a text.
pub fn tokens(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    runs(text, is_token_byte).filter_map(|(_, run)| {
        let end = run.iter().rposition(|&byte| byte != b'.')?;
        run.get(..=end)
    })
}

/// What is no whole token only for what stands against it: bytes from 0x80 (typographic quotes, no-break spaces) within
/// the run, and signs at its ends that addresses and names do not begin or end with.
pub(in crate::scope) fn doubtful_tokens(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_sign = |byte: &u8| matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-');
    runs(text, is_token_byte).flat_map(move |(_, run)| {
        run.split(|&byte| byte >= 0x80).filter_map(move |piece| {
            let start = piece.iter().position(|byte| !is_sign(byte))?;
            let end = piece.iter().rposition(|byte| !is_sign(byte))?;
            piece.get(start..=end).filter(|piece| piece.len() < run.len())
        })
    })
}

/// The IP addresses of a text, with the port of each where one follows.
///
/// Full stops and colons at the ends of a run are a sentence's (`refused 192.0.2.1:25.`, `from 192.0.2.1: bye`), and a word
/// and a colon may stand in front (`client:192.0.2.1`, `IPv6:2001:db8::1` of RFC 5321, 4.1.3).
pub fn addresses(text: &[u8]) -> impl Iterator<Item = (IpAddr, Option<u16>)> {
    runs(text, is_ip_byte).flat_map(|(start, run)| {
        // The shortest are `::` and `0.0.0.0`; without a separator it is a number or a word.
        let has = |sign| memchr::memchr(sign, run).is_some();
        let (dotted, colons) = (has(b'.'), has(b':'));
        let run = if dotted || colons { std::str::from_utf8(run).unwrap_or_default() } else { "" };
        let before = text.get(..start).unwrap_or_default();
        let literal = run.strip_prefix("6:").filter(|_| before.to_ascii_lowercase().ends_with(b"ipv"));
        let one = if run.is_empty() { None } else { literal.map_or_else(|| whole(run), whole) };
        let one = one.map(|(ip, port)| {
            let behind = text
                .get(start + run.len()..)
                .filter(|_| literal.map_or(before, |_| before.get(..start - 3).unwrap_or_default()).ends_with(b"["));
            (ip, port.or_else(|| port_behind_bracket(behind?)))
        });
        let parts = if one.is_none() && dotted && colons { run } else { "" };
        one.into_iter().chain(quads(parts))
    })
}

/// A run as an address, without stops and colons at its ends where it is none with them.
fn whole(run: &str) -> Option<(IpAddr, Option<u16>)> {
    let ends = ['.', ':'];
    let behind = run.trim_end_matches(ends);
    bare(run)
        .or_else(|| bare(behind))
        .or_else(|| bare(run.trim_start_matches(ends)))
        .or_else(|| bare(behind.trim_start_matches(ends)))
}

/// The IPv4 addresses between the colons of a run that is no address, each with the port behind it.
fn quads(run: &str) -> impl Iterator<Item = (IpAddr, Option<u16>)> {
    let mut parts = run.split(':').peekable();
    std::iter::from_fn(move || {
        loop {
            let part = parts.next()?;
            if let Ok(ip) = part.trim_matches('.').parse::<Ipv4Addr>() {
                return Some((IpAddr::V4(ip), parts.peek().and_then(|port| decimal_port(port.trim_end_matches('.')))));
            }
        }
    })
}

/// An address, or an IPv4 address with a port.
fn bare(run: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Ok(ip) = run.parse::<IpAddr>() {
        return Some((canonical(ip), None));
    }
    let (ip, port) = run.rsplit_once(':')?;
    let ip: Ipv4Addr = ip.parse().ok()?;
    Some((IpAddr::V4(ip), Some(decimal_port(port)?)))
}

/// `]:443` behind an IPv6 address in brackets.
fn port_behind_bracket(behind: &[u8]) -> Option<u16> {
    let digits = behind.strip_prefix(b"]:")?;
    let length = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    decimal_port(std::str::from_utf8(digits.get(..length)?).ok()?)
}

fn decimal_port(digits: &str) -> Option<u16> {
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// An IPv4-mapped IPv6 address is the IPv4 address (RFC 4291, 2.5.5.2).
pub(in crate::scope) fn canonical(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
    }
}

/// `needle` stands in `text` with no token byte on either side; a full stop at the end of the text's token ends it.
pub(in crate::scope) fn stands_whole(text: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find_iter(text, needle).any(|start| {
        let before = start.checked_sub(1).and_then(|place| text.get(place));
        let behind = text.get(start + needle.len()..).unwrap_or_default();
        let stops = behind.iter().position(|&byte| byte != b'.').unwrap_or(behind.len());
        let free_before = before.is_none_or(|&byte| !is_token_byte(byte));
        let free_behind = behind.get(stops).is_none_or(|&byte| !is_token_byte(byte));
        free_before && free_behind
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_a_whole_run_without_its_final_full_stops() {
        let found = |text: &'static [u8]| tokens(text).collect::<Vec<_>>();
        assert_eq!(
            found(b"user=alice, alice.x (malice) alice."),
            [&b"user"[..], b"alice", b"alice.x", b"malice", b"alice"]
        );
        assert_eq!(found(b"<bob@x.org>; ..."), [&b"bob@x.org"[..]]);
        assert_eq!(found(b"\xc3\xa9alice"), [&b"\xc3\xa9alice"[..]]);
        assert!(found(b" \t\n").is_empty());
    }

    #[test]
    fn an_ip_stands_alone_or_before_a_port() {
        let cases: &[(&str, &[&str])] = &[
            ("from 192.0.2.1 port 22", &["192.0.2.1 -"]),
            ("192.0.2.1:443", &["192.0.2.1 443"]),
            ("192.0.2.10", &["192.0.2.10 -"]),
            ("1.192.0.2.1", &[]),
            ("x=::ffff:192.0.2.1", &["192.0.2.1 -"]),
            ("[2001:db8::1]:8080", &["2001:db8::1 8080"]),
            ("[2001:db8::1]", &["2001:db8::1 -"]),
            ("2001:DB8:0:0:0:0:0:1", &["2001:db8::1 -"]),
            ("192.0.2.1:443000", &["192.0.2.1 -"]),
            ("from 192.0.2.1.", &["192.0.2.1 -"]),
            ("192.0.2.1: refused", &["192.0.2.1 -"]),
            ("from 192.0.2.1:39522: no", &["192.0.2.1 39522"]),
            ("IP:192.0.2.1", &["192.0.2.1 -"]),
            ("iface:192.0.2.1:22", &["192.0.2.1 22"]),
            ("::ffff:192.0.2.1:60495", &["192.0.2.1 60495"]),
            ("[IPv6:2001:db8::1]:25", &["2001:db8::1 25"]),
            ("::1: refused", &["::1 -"]),
            ("1::", &["1:: -"]),
            ("192.0.2.1:192.0.2.2", &["192.0.2.1 -", "192.0.2.2 -"]),
            ("version 1.2.3.", &[]),
            ("at 12:00:00.", &[]),
            ("deadbeef 12 a", &[]),
            ("192.0.2.1-192.0.2.2", &["192.0.2.1 -", "192.0.2.2 -"]),
        ];
        for (text, expected) in cases {
            let found: Vec<String> = addresses(text.as_bytes())
                .map(|(ip, port)| format!("{ip} {}", port.map_or("-".to_owned(), |port| port.to_string())))
                .collect();
            assert_eq!(&found, expected, "{text}");
        }
    }

    #[test]
    fn a_token_against_typographic_signs_is_doubtful() {
        let found = |text: &'static str| doubtful_tokens(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(found("\u{201c}bob@x.org\u{201d}"), [b"bob@x.org"]);
        assert_eq!(found("_bob@x.org_ --bob@x.org"), [b"bob@x.org"; 2]);
        assert!(found("bob@x.org a-bob@x.org").is_empty());
    }

    #[test]
    fn an_unusual_token_stands_whole_between_other_bytes() {
        assert!(stands_whole(b"say o'brien@x.org.", b"o'brien@x.org"));
        assert!(stands_whole(b"say o'brien@x.org", b"o'brien@x.org"));
        assert!(!stands_whole(b"say o'brien@x.org.uk", b"o'brien@x.org"));
        assert!(!stands_whole(b"say no'brien@x.org", b"o'brien@x.org"));
    }
}
