//! A mail message, read by the plainest loops: RFC 5322 headers, RFC 2047 words, RFC 2045 bodies.

/// A message's headers, unfolded, and its body.
pub struct Part {
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// Texts to search, and whether all of them could be decoded.
pub struct Texts {
    pub all: Vec<Vec<u8>>,
    pub complete: bool,
}

/// Addresses of some headers, local part and domain, and whether all of them could be read.
pub struct Addresses {
    pub all: Vec<(Vec<u8>, Vec<u8>)>,
    pub complete: bool,
}

impl Part {
    pub fn read(bytes: &[u8]) -> Self {
        let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| at + 1);
            let line = rest[..end].strip_suffix(b"\n").unwrap_or(&rest[..end]);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            rest = &rest[end..];
            if line.is_empty() {
                break;
            }
            if line[0] == b' ' || line[0] == b'\t' {
                if let Some(last) = headers.last_mut() {
                    last.1.extend_from_slice(line);
                }
            } else if let Some(colon) = line.iter().position(|&byte| byte == b':') {
                let name = String::from_utf8_lossy(&line[..colon]).trim().to_ascii_lowercase();
                headers.push((name, line[colon + 1..].to_vec()));
            }
        }
        Self { headers, body: rest.to_vec() }
    }

    pub fn header(&self, name: &str) -> Vec<&[u8]> {
        self.headers.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_slice()).collect()
    }

    fn word(&self, name: &str) -> String {
        let value =
            self.header(name).first().map_or(String::new(), |value| String::from_utf8_lossy(value).into_owned());
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    fn parameter(&self, name: &str) -> Option<String> {
        let value = String::from_utf8_lossy(self.header("content-type").first()?).into_owned();
        for piece in value.split(';').skip(1) {
            let (key, value) = piece.split_once('=')?;
            if key.trim().eq_ignore_ascii_case(name) {
                return Some(value.trim().trim_matches('"').to_owned());
            }
        }
        None
    }

    pub fn addresses(&self, header: &str) -> Addresses {
        let mut found = Addresses { all: Vec::new(), complete: true };
        for value in self.header(header) {
            read_addresses(value, &mut found);
        }
        found
    }

    /// What stands in the angle brackets of Message-ID.
    pub fn message_ids(&self) -> Vec<Vec<u8>> {
        let inside = |value: &&[u8]| {
            let open = value.iter().position(|&byte| byte == b'<')? + 1;
            let close = value.iter().position(|&byte| byte == b'>')?;
            value.get(open..close).map(<[u8]>::to_vec)
        };
        self.header("message-id").iter().filter_map(inside).collect()
    }

    /// Every header decoded, and every body decoded, of this part and the parts in it.
    pub fn decoded(&self, into: &mut Texts) {
        for (_, value) in &self.headers {
            into.all.push(encoded_words(value));
        }
        let body = match self.word("content-transfer-encoding").as_str() {
            "base64" => base64(&self.body),
            "quoted-printable" => quoted_printable(&self.body, false),
            "" | "7bit" | "8bit" | "binary" => self.body.clone(),
            _ => {
                into.complete = false;
                return;
            }
        };
        let kind = self.word("content-type");
        if kind.starts_with("multipart/") {
            for part in multipart(&body, &self.parameter("boundary").unwrap_or_default()) {
                Self::read(&part).decoded(into);
            }
        } else if kind == "message/rfc822" {
            Self::read(&body).decoded(into);
        } else {
            if self.parameter("charset").is_some_and(|name| name.eq_ignore_ascii_case("utf-16le")) {
                let units: Vec<u16> =
                    body.chunks_exact(2).map(|two| u16::from(two[0]) | u16::from(two[1]) << 8).collect();
                into.all.push(String::from_utf16_lossy(&units).into_bytes());
            }
            into.all.push(body);
        }
    }
}

fn multipart(body: &[u8], boundary: &str) -> Vec<Vec<u8>> {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    let mut inside = false;
    for line in body.split_inclusive(|&byte| byte == b'\n') {
        let bare = String::from_utf8_lossy(line).trim_end().to_owned();
        if bare == format!("--{boundary}--") {
            inside = false;
        } else if bare == format!("--{boundary}") {
            inside = true;
            parts.push(Vec::new());
        } else if inside {
            parts.last_mut().unwrap().extend_from_slice(line);
        }
    }
    parts
}

pub fn base64(text: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut out, mut held, mut count) = (Vec::new(), 0u32, 0);
    for byte in text {
        let Some(value) = ALPHABET.iter().position(|letter| letter == byte) else { continue };
        held = held << 6 | u32::try_from(value).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((held >> count & 0xff) as u8);
        }
    }
    out
}

fn hex(pair: &[u8]) -> Option<u8> {
    if pair.len() != 2 || !pair.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()
}

fn quoted_printable(text: &[u8], word: bool) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let rest = &text[at..];
        if word && rest[0] == b'_' {
            out.push(b' ');
            at += 1;
        } else if rest.starts_with(b"=\r\n") {
            at += 3;
        } else if rest.starts_with(b"=\n") {
            at += 2;
        } else if let (b'=', Some(value)) = (rest[0], rest.get(1..3).and_then(hex)) {
            out.push(value);
            at += 3;
        } else {
            out.push(rest[0]);
            at += 1;
        }
    }
    out
}

/// `%40` and the like.
pub fn percent(text: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < text.len() {
        if let (b'%', Some(value)) = (text[at], text.get(at + 1..at + 3).and_then(hex)) {
            out.push(value);
            at += 3;
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    out
}

/// `\x40`, `\"` and `\\`, as Apache writes them.
pub fn backslash(text: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let rest = &text[at..];
        if let (true, Some(value)) = (rest.starts_with(b"\\x"), rest.get(2..4).and_then(hex)) {
            out.push(value);
            at += 4;
        } else if rest.starts_with(b"\\\"") || rest.starts_with(b"\\\\") {
            out.push(rest[1]);
            at += 2;
        } else {
            out.push(rest[0]);
            at += 1;
        }
    }
    out
}

/// A header's value with its RFC 2047 words decoded; white space between two of them goes.
fn encoded_words(value: &[u8]) -> Vec<u8> {
    let (mut out, mut at, mut after_word) = (Vec::new(), 0, None);
    while at < value.len() {
        if let Some((word, length)) = encoded_word(&value[at..]) {
            if let Some(end) = after_word
                && value[end..at].iter().all(u8::is_ascii_whitespace)
            {
                out.truncate(out.len() - (at - end));
            }
            out.extend(word);
            at += length;
            after_word = Some(at);
        } else {
            out.push(value[at]);
            at += 1;
        }
    }
    out
}

fn encoded_word(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let inside = text.strip_prefix(b"=?")?;
    let mut pieces = inside.splitn(3, |&byte| byte == b'?');
    let (charset, encoding, rest) = (pieces.next()?, pieces.next()?, pieces.next()?);
    let end = rest.windows(2).position(|two| two == b"?=")?;
    let decoded = match encoding {
        b"B" | b"b" => base64(&rest[..end]),
        b"Q" | b"q" => quoted_printable(&rest[..end], true),
        _ => return None,
    };
    Some((decoded, 2 + charset.len() + 1 + encoding.len() + 1 + end + 2))
}

/// A list of addresses without its comments, cut at `,` and `;` and behind a group's `:`, outside quotes and brackets.
fn pieces(value: &[u8], complete: &mut bool) -> Vec<Vec<(u8, bool)>> {
    let mut pieces = vec![Vec::new()];
    let (mut quoted, mut depth, mut angle, mut escaped) = (false, 0, false, false);
    for &byte in value {
        if depth == 0 && (quoted || escaped) {
            if !escaped && (byte == b'\\' || byte == b'"') {
                escaped = byte == b'\\';
                quoted = byte != b'"';
            } else {
                pieces.last_mut().unwrap().push((byte, true));
                escaped = false;
            }
            continue;
        }
        match byte {
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            b'"' => quoted = true,
            b',' | b';' if !angle => pieces.push(Vec::new()),
            b':' if !angle => pieces.last_mut().unwrap().clear(),
            _ => {
                if byte == b'<' || byte == b'>' {
                    angle = byte == b'<';
                }
                pieces.last_mut().unwrap().push((byte, false));
            }
        }
    }
    *complete &= !quoted && depth == 0 && !angle;
    pieces
}

fn read_addresses(value: &[u8], found: &mut Addresses) {
    for piece in pieces(value, &mut found.complete) {
        let open = piece.iter().position(|&pair| pair == (b'<', false));
        let close = piece.iter().position(|&pair| pair == (b'>', false));
        let inside = match (open, close) {
            (Some(open), Some(close)) if open < close => &piece[open + 1..close],
            (None, None) => &piece[..],
            _ => {
                found.complete = false;
                continue;
            }
        };
        // White space may stand around the dots and the sign of an address; within a word it may not.
        let mut text: Vec<(u8, bool)> = trim(inside);
        // An old route in front of the address: `@relay.example:`.
        if let (Some((b'@', false)), Some(colon)) = (text.first(), text.iter().position(|&pair| pair == (b':', false)))
        {
            text.drain(..=colon);
        }
        let Some(sign) = text.iter().rposition(|&pair| pair == (b'@', false)) else {
            // An address that is quoted as a whole is none, and yet it may be meant for one.
            found.complete &= !text.contains(&(b'@', true));
            continue;
        };
        let (local, mut domain) = (trim(&text[..sign]), trim(&text[sign + 1..]));
        if domain.last() == Some(&(b'.', false)) {
            domain.pop();
        }
        let blank = |pair: &(u8, bool)| !pair.1 && pair.0.is_ascii_whitespace();
        if local.is_empty() || domain.is_empty() || local.iter().any(blank) || domain.iter().any(blank) {
            found.complete = false;
            continue;
        }
        let bytes = |pairs: &[(u8, bool)]| pairs.iter().map(|pair| pair.0).collect();
        found.all.push((bytes(&local), bytes(&domain)));
    }
}

fn trim(pairs: &[(u8, bool)]) -> Vec<(u8, bool)> {
    let mut pairs = pairs.to_vec();
    while pairs.last().is_some_and(|pair| !pair.1 && pair.0.is_ascii_whitespace()) {
        pairs.pop();
    }
    while pairs.first().is_some_and(|pair| !pair.1 && pair.0.is_ascii_whitespace()) {
        pairs.remove(0);
    }
    pairs
}

#[test]
fn the_naive_message_is_read() {
    let part = Part::read(
        b"From: \"x, y@z\" <alice@shop.example> (c@d)\nTo: g: \"a b\"@c.example,\n d@e.example;, root\nCc: a b@c\n\nbody",
    );
    let from = part.addresses("from");
    assert!(from.complete && from.all == [(b"alice".to_vec(), b"shop.example".to_vec())]);
    let to = part.addresses("to");
    assert!(to.complete && to.all.len() == 2 && to.all[0].0 == b"a b" && to.all[1].1 == b"e.example");
    assert!(!part.addresses("cc").complete);
    assert_eq!(encoded_words(b"x =?utf-8?Q?a=40?=\t=?utf-8?B?YmM=?= d"), b"x a@bc d");
    assert_eq!(quoted_printable(b"a=\nb=3Dc=zz", false), b"ab=c=zz");
    assert_eq!(percent(b"%41%zz%4"), b"A%zz%4");
    assert_eq!(backslash(b"\\x41\\\"\\\\\\q"), b"A\"\\\\q");
}
