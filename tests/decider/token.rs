//! Whole tokens, addresses of the Internet, and globs, each by the plainest loop.

use std::net::IpAddr;

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._%+@-".contains(&byte) || byte >= 0x80
}

fn is_ip(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte == b':' || byte == b'.'
}

/// The runs of bytes of one kind, longest possible.
fn runs(text: &[u8], kind: fn(u8) -> bool) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let mut end = start;
        while end < text.len() && kind(text[end]) {
            end += 1;
        }
        if end > start {
            found.push((start, end));
        }
        start = end + 1;
    }
    found
}

/// Every whole token, without the `.`s at its end.
pub fn tokens(text: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    for (start, mut end) in runs(text, is_token) {
        while end > start && text[end - 1] == b'.' {
            end -= 1;
        }
        if end > start {
            found.push(&text[start..end]);
        }
    }
    found
}

/// The exact bytes stand there with no token byte on either side (a final `.` ends it).
pub fn stands_alone(text: &[u8], wanted: &[u8]) -> bool {
    if wanted.iter().all(|&byte| is_token(byte)) {
        return tokens(text).contains(&wanted);
    }
    for start in 0..text.len() {
        if !text[start..].starts_with(wanted) {
            continue;
        }
        let before = start > 0 && is_token(text[start - 1]);
        let mut end = start + wanted.len();
        while end < text.len() && text[end] == b'.' {
            end += 1;
        }
        let after = end < text.len() && is_token(text[end]);
        if !before && !after {
            return true;
        }
    }
    false
}

/// An IPv4 address as four plain numbers, or what the standard library reads as IPv6; mapped ones are IPv4.
fn plain_ip(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    if let IpAddr::V6(six) = address {
        let bytes = six.octets();
        if bytes[..10] == [0; 10] && bytes[10..12] == [0xff, 0xff] {
            return Some(IpAddr::from([bytes[12], bytes[13], bytes[14], bytes[15]]));
        }
    }
    Some(address)
}

fn port(text: &str) -> Option<u16> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// A whole text as an address, with its port where it has one: `A`, `A:port`, `[A]:port`.
pub fn ip_value(text: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Some(address) = plain_ip(text) {
        return Some((address, None));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (inside, behind) = rest.split_once(']')?;
        let address = plain_ip(inside).filter(|_| inside.contains(':'))?;
        return match behind.strip_prefix(':') {
            None => behind.is_empty().then_some((address, None)),
            Some(digits) => Some((address, Some(port(digits)?))),
        };
    }
    let (address, digits) = text.rsplit_once(':')?;
    // Without brackets only IPv4 can be followed by a port.
    if address.contains(':') {
        return None;
    }
    Some((plain_ip(address)?, Some(port(digits)?)))
}

/// A run of address bytes as one address: as it is, else without the stops and colons at its end, its start, both.
fn one_of(run: &str) -> Option<(IpAddr, Option<u16>)> {
    let is_stop = |byte: u8| byte == b'.' || byte == b':';
    let mut from = 0;
    while from < run.len() && is_stop(run.as_bytes()[from]) {
        from += 1;
    }
    let mut to = run.len();
    while to > from && is_stop(run.as_bytes()[to - 1]) {
        to -= 1;
    }
    for (start, end) in [(0, run.len()), (0, to), (from, run.len()), (from, to)] {
        if let Some(found) = ip_value(&run[start..end]) {
            return Some(found);
        }
    }
    None
}

/// Every address that stands in a text as a whole.
pub fn ips(text: &[u8]) -> Vec<(IpAddr, Option<u16>)> {
    let mut found = Vec::new();
    for (start, end) in runs(text, is_ip) {
        let run = std::str::from_utf8(&text[start..end]).unwrap();
        let literal = text[..start].to_ascii_lowercase().ends_with(b"ipv") && run.starts_with("6:");
        if let Some(mut value) = one_of(if literal { &run[2..] } else { run }) {
            let bracket = if literal { start - 3 } else { start };
            if let (true, Some(behind)) = (text[..bracket].ends_with(b"["), text[end..].strip_prefix(b"]:")) {
                let digits: Vec<u8> = behind.iter().copied().take_while(u8::is_ascii_digit).collect();
                value.1 = value.1.or(String::from_utf8(digits).unwrap().parse().ok());
            }
            found.push(value);
            continue;
        }
        let parts: Vec<&str> = run.split(':').collect();
        for (place, part) in parts.iter().enumerate().filter(|_| parts.len() > 1) {
            if let Some(four @ IpAddr::V4(_)) = plain_ip(part.trim_matches('.')) {
                let digits = parts.get(place + 1).map(|next| next.trim_end_matches('.'));
                found.push((four, digits.and_then(port)));
            }
        }
    }
    found
}

/// What a run of token bytes holds between bytes that are no ASCII, without the signs at its ends.
pub fn doubtful_tokens(text: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for (start, end) in runs(text, is_token) {
        let run = &text[start..end];
        for piece in run.split(|byte| !byte.is_ascii()) {
            let mut piece = piece.to_vec();
            while piece.last().is_some_and(|byte| b"._%+-".contains(byte)) {
                piece.pop();
            }
            while piece.first().is_some_and(|byte| b"._%+-".contains(byte)) {
                piece.remove(0);
            }
            if !piece.is_empty() && piece.len() != run.len() {
                found.push(piece);
            }
        }
    }
    found
}

/// Bits of an address, most significant first.
fn bits(address: IpAddr) -> Vec<bool> {
    let bytes = match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    };
    let mut found = Vec::new();
    for byte in bytes {
        for place in (0..8).rev() {
            found.push(byte >> place & 1 == 1);
        }
    }
    found
}

/// `network` is written `A/length`.
pub fn within(address: IpAddr, network: &str) -> bool {
    let (base, length) = network.split_once('/').unwrap();
    let mut length: usize = length.parse().unwrap();
    if base.starts_with("::ffff:") {
        length -= 96;
    }
    let (base, address) = (bits(plain_ip(base).unwrap()), bits(address));
    base.len() == address.len() && base[..length] == address[..length]
}

/// `*` matches within a name, `**` as a whole name any number of folders, at the end anything below.
pub fn glob(pattern: &str, path: &[u8]) -> bool {
    let pattern: Vec<&[u8]> = pattern.as_bytes().split(|&byte| byte == b'/').skip(1).collect();
    let names: Vec<&[u8]> = path.split(|&byte| byte == b'/').skip(1).collect();
    glob_names(&pattern, &names)
}

fn glob_names(pattern: &[&[u8]], names: &[&[u8]]) -> bool {
    match pattern {
        [] => names.is_empty(),
        [b"**"] => !names.is_empty(),
        [b"**", rest @ ..] => (0..=names.len()).any(|skipped| glob_names(rest, &names[skipped..])),
        [first, rest @ ..] => !names.is_empty() && glob_name(first, names[0]) && glob_names(rest, &names[1..]),
    }
}

fn glob_name(pattern: &[u8], name: &[u8]) -> bool {
    match pattern {
        [] => name.is_empty(),
        [b'\\', sign, rest @ ..] => name.first() == Some(sign) && glob_name(rest, &name[1..]),
        [b'?', rest @ ..] => !name.is_empty() && glob_name(rest, &name[1..]),
        [b'*', rest @ ..] => (0..=name.len()).any(|taken| glob_name(rest, &name[taken..])),
        [byte, rest @ ..] => name.first() == Some(byte) && glob_name(rest, &name[1..]),
    }
}

#[test]
fn the_naive_tokens_are_whole() {
    assert_eq!(tokens(b"<alice@shop.example>, x. .. y"), [&b"alice@shop.example"[..], b"x", b"y"]);
    assert!(stands_alone(b"see a/b.", b"a/b") && !stands_alone(b"see a/bc", b"a/b") && !stands_alone(b"xa/b", b"a/b"));
    let four: IpAddr = "192.0.2.1".parse().unwrap();
    assert_eq!(ips(b"from ::ffff:192.0.2.1 to 192.0.2.1:443"), [(four, None), (four, Some(443))]);
    assert_eq!(ips(b"192.0.2.1.5 1192.0.2.1 a192.0.2.1"), []);
    assert_eq!(ips(b"192.0.2.1:x iface:192.0.2.1:443."), [(four, None), (four, Some(443))]);
    assert_eq!(ips(b"[2001:db8::1]:80")[0].1, Some(80));
    assert!(within(four, "192.0.2.0/31") && !within(four, "192.0.2.2/31"));
    assert!(glob("/a/**", b"/a/b/c") && !glob("/a/**", b"/a") && glob("/**/c", b"/c") && !glob("/a/*", b"/a/b/c"));
}
