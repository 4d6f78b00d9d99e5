//! Addresses in the header fields that hold lists of them (RFC 5322, 3.4, with the obsolete forms of 4.4).
//!
//! Understood: display names, quoted or not; quoted local parts; comments, nested and anywhere; groups; routes; domain
//! literals; UTF-8 (RFC 6532); a `;` between addresses. A display name in front of `<` may hold anything, an `@` too. The
//! local part may have dots in any place. Not understood, and so [`Reading::Partial`]: two words in front of an `@` (`Bob
//! bob@example.org`), blanks around the dots of an address, two `@`, an address within quotes, comments or encoded words
//! alone (RFC 2047, 5 forbids the last), single quotes around one, whatever is not closed.
//!
//! **Invariant:** no `@` outside display names, quotes and comments is passed over in silence: its address is shown, or the
//! reading is partial.

use super::encoded_word;
use crate::limits::ADDRESS_TOKENS;
use crate::scope::{Reading, Value};

/// Shows each address of a field's value.
pub(crate) fn read(value: &[u8], visit: &mut dyn FnMut(Value<'_>)) -> Reading {
    let mut list = List { lexer: Lexer { bytes: value, at: 0 }, reading: Reading::Complete, visit };
    while list.item() {}
    list.reading
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind<'a> {
    Atom(&'a [u8]),
    /// What is between the quotes, its backslashes still there.
    Quoted(&'a [u8]),
    /// With its brackets.
    Literal(&'a [u8]),
    Special(u8),
    /// A quote, a comment or a literal that is not closed.
    Broken,
    End,
}

#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    kind: Kind<'a>,
    /// A blank or a comment stands in front of it.
    apart: bool,
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    fn token(&mut self) -> Token<'a> {
        let from = self.at;
        if !self.pass_blanks() {
            self.at = self.bytes.len();
            return Token { kind: Kind::Broken, apart: true };
        }
        let apart = self.at > from;
        let kind = match self.bytes.get(self.at) {
            None => Kind::End,
            Some(b'"') => self.enclosed(b'"').map_or(Kind::Broken, Kind::Quoted),
            Some(b'[') => {
                let start = self.at;
                let inner = self.enclosed(b']');
                inner.and_then(|_| self.bytes.get(start..self.at)).map_or(Kind::Broken, Kind::Literal)
            }
            Some(&byte) if is_special(byte) => {
                self.at += 1;
                Kind::Special(byte)
            }
            Some(_) => {
                let start = self.at;
                while self
                    .bytes
                    .get(self.at)
                    .is_some_and(|&byte| !is_special(byte) && !is_blank(byte) && !is_opening(byte))
                {
                    self.at += 1;
                }
                Kind::Atom(self.bytes.get(start..self.at).unwrap_or_default())
            }
        };
        Token { kind, apart }
    }

    /// Passes what is between an opening byte and `close`; a backslash takes the next byte with it.
    fn enclosed(&mut self, close: u8) -> Option<&'a [u8]> {
        let start = self.at + 1;
        let mut at = start;
        while let Some(&byte) = self.bytes.get(at) {
            if byte == close {
                self.at = at + 1;
                return self.bytes.get(start..at);
            }
            at += if byte == b'\\' { 2 } else { 1 };
        }
        self.at = self.bytes.len();
        None
    }

    /// Passes blanks and comments. False: a comment is not closed.
    fn pass_blanks(&mut self) -> bool {
        let mut depth = 0u32;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b'\\' if depth > 0 => self.at += 1,
                _ if depth > 0 || is_blank(byte) => {}
                _ => return true,
            }
            self.at += 1;
        }
        depth == 0
    }
}

fn is_blank(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f
}

fn is_opening(byte: u8) -> bool {
    matches!(byte, b'"' | b'(' | b'[')
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'<' | b'>' | b'@' | b',' | b';' | b':' | b'.' | b'\\' | b')' | b']')
}

struct List<'a, 'v> {
    lexer: Lexer<'a>,
    reading: Reading,
    visit: &'v mut dyn FnMut(Value<'_>),
}

/// What became of one item of a list.
enum Item {
    /// It is an address, shown.
    Address,
    /// It has none.
    Nothing,
    /// It cannot be read.
    Unclear,
}

impl<'a> List<'a, '_> {
    /// Reads up to the next `,` or `;` or the `:` of a group. False: that was the last.
    fn item(&mut self) -> bool {
        let start = self.lexer.at;
        let mut tokens: Vec<Token<'a>> = Vec::new();
        let mut angle = None;
        let more = loop {
            let token = self.lexer.token();
            match token.kind {
                Kind::End => break false,
                Kind::Broken => {
                    angle = Some(Item::Unclear);
                    break false;
                }
                Kind::Special(b',' | b';') => break true,
                // The name of a group; what stands before it is no address.
                Kind::Special(b':') if angle.is_none() => {
                    if tokens.iter().any(|token| token.kind == Kind::Special(b'@')) {
                        self.reading = Reading::Partial;
                    }
                    return true;
                }
                Kind::Special(b'<') if angle.is_none() => angle = Some(self.angle()),
                _ if angle.is_some() => {
                    // Behind `>` a remark may stand, but no second address.
                    if matches!(token.kind, Kind::Special(b'@' | b'<')) {
                        angle = Some(Item::Unclear);
                    }
                }
                _ if tokens.len() < ADDRESS_TOKENS => tokens.push(token),
                _ => angle = Some(Item::Unclear),
            }
        };
        match angle.unwrap_or_else(|| self.address(&tokens)) {
            Item::Address => {}
            Item::Nothing => {
                let text = self.lexer.bytes.get(start..self.lexer.at).unwrap_or_default();
                if text.contains(&b'@') || encoded_word::decode(text).is_some_and(|text| text.contains(&b'@')) {
                    self.reading = Reading::Partial;
                }
            }
            Item::Unclear => self.reading = Reading::Partial,
        }
        more
    }

    /// Reads from behind `<` to behind `>`.
    fn angle(&mut self) -> Item {
        let mut tokens: Vec<Token<'a>> = Vec::new();
        loop {
            let token = self.lexer.token();
            match token.kind {
                Kind::Special(b'>') => break,
                Kind::End | Kind::Broken | Kind::Special(b'<') => return Item::Unclear,
                // A comma may stand in a route (RFC 5322, 4.4), which begins with `@`. Anywhere else it ends the item.
                Kind::Special(b',' | b';') if tokens.first().is_none_or(|first| first.kind != Kind::Special(b'@')) => {
                    self.lexer.at -= 1;
                    return Item::Unclear;
                }
                _ if tokens.len() < ADDRESS_TOKENS => tokens.push(token),
                _ => return Item::Unclear,
            }
        }
        let is_route = tokens.first().is_some_and(|first| first.kind == Kind::Special(b'@'));
        if !is_route {
            return if tokens.is_empty() { Item::Address } else { self.address(&tokens) };
        }
        let colon = tokens.iter().position(|token| token.kind == Kind::Special(b':'));
        match colon.and_then(|colon| tokens.get(colon + 1..)) {
            Some(rest) => self.address(rest),
            None => Item::Unclear,
        }
    }

    /// Reads tokens as one `local@domain`.
    fn address(&mut self, tokens: &[Token<'a>]) -> Item {
        let mut ats = tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Special(b'@'));
        let Some((at, _)) = ats.next() else { return Item::Nothing };
        if ats.next().is_some() {
            return Item::Unclear;
        }
        let local = tokens.get(..at).and_then(dotted);
        let domain = tokens.get(at + 1..).and_then(|tokens| match tokens {
            [Token { kind: Kind::Literal(literal), .. }] => Some(literal.to_vec()),
            _ if tokens.iter().any(|token| matches!(token.kind, Kind::Quoted(_))) => None,
            // `example.org.` is the same domain, said in full (RFC 1034, 3.1).
            _ => dotted(tokens).map(|domain| domain.strip_suffix(b".").map(<[u8]>::to_vec).unwrap_or(domain)),
        });
        let (Some(local), Some(domain)) = (local, domain) else { return Item::Unclear };
        let quoted = local.starts_with(b"'") && domain.ends_with(b"'");
        let encoded = [&local, &domain].iter().any(|part| memchr::memmem::find(part, b"=?").is_some());
        if domain.is_empty() || quoted || encoded {
            return Item::Unclear;
        }
        (self.visit)(Value::Address { local: &local, domain: &domain });
        Item::Address
    }
}

/// Words with dots between them, and nothing else: no blank but in front of the first.
fn dotted(tokens: &[Token<'_>]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let mut after_word = false;
    for (place, token) in tokens.iter().enumerate() {
        if token.apart && place > 0 {
            return None;
        }
        after_word = match token.kind {
            Kind::Special(b'.') => {
                text.push(b'.');
                false
            }
            Kind::Atom(atom) if !after_word => {
                text.extend_from_slice(atom);
                true
            }
            Kind::Quoted(quoted) if !after_word => {
                unquote(quoted, &mut text);
                true
            }
            _ => return None,
        };
    }
    (!tokens.is_empty()).then_some(text)
}

/// What a quoted string means: folding and the backslashes of quoted pairs go.
fn unquote(quoted: &[u8], text: &mut Vec<u8>) {
    let mut bytes = quoted.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' => text.extend(bytes.next()),
            b'\r' | b'\n' => {}
            _ => text.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(value: &str) -> (Vec<String>, Reading) {
        let mut seen = Vec::new();
        let reading = read(value.as_bytes(), &mut |value| {
            if let Value::Address { local, domain } = value {
                seen.push(format!("{}@{}", String::from_utf8_lossy(local), String::from_utf8_lossy(domain)));
            }
        });
        (seen, reading)
    }

    #[test]
    fn addresses_are_read_in_every_form_of_the_rfc() {
        let cases: [(&str, &[&str]); 37] = [
            (" alice@example.org\r\n", &["alice@example.org"]),
            ("Alice <alice@example.org>, bob@example.org", &["alice@example.org", "bob@example.org"]),
            ("\"Smith, Al\" <al@example.org>", &["al@example.org"]),
            ("Smith, Al <al@example.org>", &["al@example.org"]),
            ("John Q. Public <jqp@example.org>", &["jqp@example.org"]),
            ("alice@example.org <bob@x.org>", &["bob@x.org"]),
            ("\"alice@example.org\" <bob@x.org>", &["bob@x.org"]),
            ("\"a\\\"b c\"@example.org", &["a\"b c@example.org"]),
            ("a.\"b c\".d@example.org", &["a.b c.d@example.org"]),
            ("alice (x) @ example.org", &["alice@example.org"]),
            ("alice@example.org (Alice (nested) \\) carol@example.org)", &["alice@example.org"]),
            ("(c)alice(c)@(c)example.org(c)", &["alice@example.org"]),
            ("A Group:Ed <joe@where.test>,joe@b.test,J <j@c.test>;", &["joe@where.test", "joe@b.test", "j@c.test"]),
            ("undisclosed-recipients:;", &[]),
            ("undisclosed-recipients:", &[]),
            ("a:;, b@example.org", &["b@example.org"]),
            ("mailto:alice@example.org", &["alice@example.org"]),
            ("<@a.test,@b.test:alice@example.org>", &["alice@example.org"]),
            ("<alice@example.org> remark", &["alice@example.org"]),
            ("a@example.org; b@example.org", &["a@example.org", "b@example.org"]),
            ("a@[192.0.2.1]", &["a@[192.0.2.1]"]),
            ("a@[IPv6:2001:db8::1], b@x", &["a@[IPv6:2001:db8::1]", "b@x"]),
            ("=?utf-8?Q?alice=40example.org?= <bob@x.org>", &["bob@x.org"]),
            ("J\u{fc}rgen <j\u{fc}rgen@b\u{fc}cher.example>", &["j\u{fc}rgen@b\u{fc}cher.example"]),
            ("a..b.@example.org", &["a..b.@example.org"]),
            ("alice@example.org.", &["alice@example.org"]),
            ("Alice+Tag@EXAMPLE.org", &["Alice+Tag@EXAMPLE.org"]),
            ("alice", &[]),
            ("<>", &[]),
            ("<alice>", &[]),
            ("", &[]),
            (",, ,a@x,", &["a@x"]),
            // A comma in a name that is quoted, and one that RFC 2047 encodes.
            ("\"Smith, \\\"Al\\\" (x)\" <al@example.org>, b@x", &["al@example.org", "b@x"]),
            ("=?utf-8?Q?Doe=2C_Alice?= <alice@example.org>, b@x", &["alice@example.org", "b@x"]),
            ("=?utf-8?B?RG9lLCBBbGljZSA8YUB4Pg==?=\r\n =?utf-8?Q?_more?= <alice@example.org>", &["alice@example.org"]),
            ("=?utf-8?Q?Team=3A_A?=: a@x, =?utf-8?Q?B=3B?= <b@x>;, c@x", &["a@x", "b@x", "c@x"]),
            ("\"A: B\": a@x;", &["a@x"]),
        ];
        for (value, expected) in cases {
            let expected: Vec<String> = expected.iter().map(|&text| text.to_owned()).collect();
            assert_eq!(addresses(value), (expected, Reading::Complete), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_read_for_certain_is_partial_and_the_rest_is_still_read() {
        let cases: [(&str, &[&str]); 24] = [
            ("Bob bob@example.org", &[]),
            ("J. john@example.org", &[]),
            ("alice@example.org bob@example.org", &[]),
            ("alice@example.org Alice", &[]),
            ("a@b@c", &[]),
            ("a@b@c, d@e", &["d@e"]),
            ("\"alice@example.org\"", &[]),
            ("alice (alice@example.org)", &[]),
            ("=?utf-8?Q?alice=40example.org?=", &[]),
            ("=?utf-8?Q?alice?=@example.org", &[]),
            ("'alice@example.org'", &[]),
            ("<alice@example.org", &[]),
            ("<alice@example.org, <bob@x.org>", &["bob@x.org"]),
            ("\"Alice <alice@example.org>", &[]),
            ("alice@example.org (open", &[]),
            ("a@[192.0.2.1", &[]),
            ("@example.org", &[]),
            ("alice@", &[]),
            ("<@a.test>", &[]),
            ("alice@example. org", &[]),
            ("a\\b@example.org", &[]),
            ("<a@b> <c@d>", &["a@b"]),
            ("a@\"b\"", &[]),
            ("x@y: z@w", &["z@w"]),
        ];
        for (value, expected) in cases {
            let expected: Vec<String> = expected.iter().map(|&text| text.to_owned()).collect();
            assert_eq!(addresses(value), (expected, Reading::Partial), "{value}");
        }
    }
}
