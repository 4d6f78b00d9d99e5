//! Whole words, addresses and globs, as the order language defines them, in the plainest way.
//!
//! **Invariant:** written from the rules alone; nothing of the program is used.

use std::net::IpAddr;

use super::order::Identifier;

/// An identifier stands in these bytes as a whole.
pub fn stands_in(identifier: &Identifier, bytes: &[u8]) -> bool {
    let words = || words(bytes, |byte| byte.is_ascii_alphanumeric() || b"._%+@-".contains(&byte) || byte >= 0x80);
    let same = |one: &[u8], other: &str| one.eq_ignore_ascii_case(other.as_bytes());
    match identifier {
        Identifier::Email(value) | Identifier::Host(value) => words().any(|word| same(word, value)),
        Identifier::Domain(value) => words().any(|word| {
            let domain = word.rsplit(|&byte| byte == b'@').next().unwrap();
            match value.strip_prefix('.') {
                None => same(domain, value),
                Some(_) => domain.len() > value.len() && same(&domain[domain.len() - value.len()..], value),
            }
        }),
        Identifier::Account(value) | Identifier::MessageId(value) | Identifier::Token(value) => {
            words().any(|word| word == value.as_bytes())
        }
        Identifier::Ip(_) | Identifier::Cidr(_) => words_of_addresses(bytes).any(|ip| holds_address(identifier, ip)),
        Identifier::IpPort(..) => false,
    }
}

fn words(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> impl Iterator<Item = &[u8]> {
    bytes
        .split(move |&byte| !belongs(byte))
        .map(|word| {
            let dots = word.iter().rev().take_while(|&&byte| byte == b'.').count();
            &word[..word.len() - dots]
        })
        .filter(|word| !word.is_empty())
}

fn words_of_addresses(bytes: &[u8]) -> impl Iterator<Item = IpAddr> {
    words(bytes, |byte| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.').filter_map(|word| {
        let word = std::str::from_utf8(word).ok()?;
        // A colon behind it is the sentence's.
        word.parse().or_else(|_| word.trim_end_matches(['.', ':']).parse()).ok()
    })
}

/// An IPv4-mapped address is the IPv4 address.
pub fn plain(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// An address is this one, or in this network.
pub fn holds_address(identifier: &Identifier, ip: IpAddr) -> bool {
    match identifier {
        Identifier::Ip(value) => plain(value.parse().unwrap()) == plain(ip),
        Identifier::Cidr(value) => {
            let (network, bits) = value.split_once('/').unwrap();
            let (network, bits): (IpAddr, u32) = (network.parse().unwrap(), bits.parse().unwrap());
            match (plain(network), plain(ip)) {
                (IpAddr::V4(network), IpAddr::V4(ip)) => {
                    network.to_bits() >> (32 - bits) == ip.to_bits() >> (32 - bits)
                }
                (IpAddr::V6(network), IpAddr::V6(ip)) => {
                    network.to_bits() >> (128 - bits) == ip.to_bits() >> (128 - bits)
                }
                _ => false,
            }
        }
        _ => false,
    }
}

/// `*` and `?` within a component, `**` for whole components.
pub fn glob_matches(glob: &str, path: &[u8]) -> bool {
    fn parts(globs: &[&[u8]], names: &[&[u8]]) -> bool {
        match globs.split_first() {
            None => names.is_empty(),
            Some((glob, [])) if *glob == b"**" => !names.is_empty(),
            Some((glob, rest)) if *glob == b"**" => (0..=names.len()).any(|skipped| parts(rest, &names[skipped..])),
            Some((glob, rest)) => names.split_first().is_some_and(|(name, more)| part(glob, name) && parts(rest, more)),
        }
    }
    fn part(glob: &[u8], name: &[u8]) -> bool {
        match (glob.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => (0..=name.len()).any(|skipped| part(rest, &name[skipped..])),
            (Some((b'?', rest)), Some((_, more))) => part(rest, more),
            (Some((sign, rest)), Some((byte, more))) => sign == byte && part(rest, more),
            _ => false,
        }
    }
    let globs: Vec<&[u8]> = glob.as_bytes().split(|&byte| byte == b'/').skip(1).collect();
    let names: Vec<&[u8]> = path.split(|&byte| byte == b'/').skip(1).collect();
    parts(&globs, &names)
}
