//! What a text that has no place in a package looks like: how a leak is called, never whether it is one.
//!
//! The text is looked at as it stands, with its JSON and HTML escapes undone, percent-decoded, and where it has long runs of
//! base64 or hex, as what those say: a name is a name in any of them.
//!
//! **Invariant:** what is found here changes the name of a leak alone.

use std::collections::HashSet;

use base64::Engine as _;

use super::{LeakKind, OwnNames};
use crate::order::Extension;
use crate::package::layout::Member;
use crate::scope::{addresses, tokens};

/// The shortest run that is taken for base64 or hex, in bytes.
const ENCODED_BYTES: usize = 8;

/// The kind of a text that does not belong where it stands. `known`: what may be said, in ASCII lower case.
pub(super) fn kind_of(text: &[u8], known: &HashSet<Vec<u8>>, own: &OwnNames) -> LeakKind {
    let plain = unescaped(text);
    let mut forms = vec![percent_decoded(&plain)];
    forms.extend(decoded(&plain));
    forms.extend([plain, text.to_vec()]);
    if forms.iter().any(|form| own.are_in(form)) {
        return LeakKind::Own;
    }
    let is_foreign = |token: &[u8]| !known.contains(&token.to_ascii_lowercase());
    let mut kinds: Vec<LeakKind> = Vec::new();
    for form in &forms {
        let shapes = tokens(form).filter(|token| is_foreign(token)).filter_map(shape);
        kinds.extend(shapes);
        let is_unknown = |ip: &std::net::IpAddr| !known.contains(ip.to_string().as_bytes());
        if addresses(form).any(|(ip, _)| is_unknown(&ip)) {
            kinds.push(LeakKind::Ip);
        }
    }
    kinds.into_iter().min().unwrap_or(LeakKind::Text)
}

/// What the order says, as [`kind_of`] looks it up.
pub(super) fn known(text: &[u8]) -> HashSet<Vec<u8>> {
    let ips = addresses(text).map(|(ip, _)| ip.to_string().into_bytes());
    tokens(text).map(<[u8]>::to_ascii_lowercase).chain(ips).collect()
}

/// A token that looks like a mail address or the name of a host.
fn shape(token: &[u8]) -> Option<LeakKind> {
    let text = std::str::from_utf8(token).ok()?;
    if let Some((local, domain)) = text.rsplit_once('@') {
        return (!local.is_empty() && is_host(domain)).then_some(LeakKind::Address);
    }
    is_host(text).then_some(LeakKind::Host)
}

/// Labels of letters, digits and hyphens, the last of letters alone; and not the name of a member of a package.
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let Some((front, last)) = text.rsplit_once('.') else { return false };
    let is_file = Extension::ALL.iter().any(|extension| extension.name() == last)
        || Member::ALWAYS.iter().any(|member| member.to_string() == text);
    last.len() > 1 && last.bytes().all(|b| b.is_ascii_alphabetic()) && front.split('.').all(is_label) && !is_file
}

/// Where a text differs from what it should be: from the first byte that does to the last, and the words around these.
pub(super) fn difference<'t>(text: &'t [u8], expected: &[u8]) -> &'t [u8] {
    let is_gap = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'<' | b'>' | b'"' | b',');
    let front = text.iter().zip(expected).take_while(|(a, b)| a == b).count();
    let most = text.len().min(expected.len()).saturating_sub(front);
    let back = text.iter().rev().zip(expected.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let end = text.len().saturating_sub(back);
    let (before, behind) = (text.get(..front).unwrap_or_default(), text.get(end..).unwrap_or_default());
    let start = before.iter().rposition(is_gap).unwrap_or(0);
    let end = end.saturating_add(behind.iter().position(is_gap).unwrap_or(behind.len()));
    text.get(start..end).unwrap_or_default()
}

/// The text with the escapes of JSON and HTML undone.
pub(super) fn unescaped(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find(['\\', '&']) {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let (character, length) = json_escape(escape).or_else(|| html_escape(escape)).unwrap_or_else(|| {
            let first = escape.chars().next().unwrap_or_default();
            (first, first.len_utf8())
        });
        out.push(character);
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out.into_bytes()
}

/// The character that `\uNNNN` or `\n` at the start stands for, and its length in bytes.
fn json_escape(text: &str) -> Option<(char, usize)> {
    let rest = text.strip_prefix('\\')?;
    if let Some(digits) = rest.strip_prefix('u') {
        return Some((char::from_u32(u32::from_str_radix(digits.get(..4)?, 16).ok()?)?, 6));
    }
    match rest.chars().next()? {
        letter @ ('"' | '\\' | '/') => Some((letter, 2)),
        'b' | 'f' | 'n' | 'r' | 't' => Some((' ', 2)),
        _ => None,
    }
}

/// The character that `&#64;`, `&#x40;` or one of the names at the start stands for, and its length in bytes.
fn html_escape(text: &str) -> Option<(char, usize)> {
    const NAMES: [(&str, char); 9] = [
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("commat", '@'),
        ("period", '.'),
        ("colon", ':'),
        ("sol", '/'),
    ];
    let (name, _) = text.strip_prefix('&')?.split_once(';')?;
    let length = name.len().saturating_add(2);
    let character = match name.strip_prefix('#') {
        Some(number) => {
            let number = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(number)?
        }
        None => NAMES.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((character, length))
}

/// The text with `%NN` undone.
fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, behind)) = rest.split_first() {
        let escape = behind.get(..2).filter(|_| first == b'%').and_then(byte);
        out.push(escape.unwrap_or(first));
        rest = if escape.is_some() { behind.get(2..).unwrap_or_default() } else { behind };
    }
    out
}

fn byte(digits: &[u8]) -> Option<u8> {
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// What runs of hex and base64 say, in each of base64's four alignments, and in UTF-16.
fn decoded(text: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    for run in text.split(|byte| !belongs(byte)).filter(|run| run.len() >= ENCODED_BYTES) {
        let hex: Option<Vec<u8>> = run.chunks_exact(2).map(byte).collect();
        out.extend(hex);
        let standard: Vec<u8> = run
            .iter()
            .map(|&byte| {
                if byte == b'-' {
                    b'+'
                } else if byte == b'_' {
                    b'/'
                } else {
                    byte
                }
            })
            .collect();
        for start in 0..4 {
            let whole = standard.get(start..).unwrap_or_default();
            let whole = whole.chunks_exact(4).flatten().copied().collect::<Vec<u8>>();
            let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
            out.extend(engine.decode(&whole));
            // The last group may be shorter, and then has no sign behind it.
            out.extend(engine.decode(standard.get(start..).unwrap_or_default()));
        }
    }
    let narrowed: Vec<Vec<u8>> = out
        .iter()
        .filter(|bytes| bytes.contains(&0))
        .map(|bytes| bytes.iter().copied().filter(|b| *b != 0).collect())
        .collect();
    out.extend(narrowed);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_text_is_called_by_what_it_looks_like_in_any_of_its_forms() {
        let mut own = OwnNames::default();
        own.add_host("evid01.lab.example");
        own.add_source(Path::new("/srv/evidence/mail01"));
        let known = known(b"identifiers = [\"alice@shop.example\", \"192.0.2.1\"]; 2001:DB8:0::1");
        let cases: [(&str, LeakKind); 20] = [
            ("mallory@x.example", LeakKind::Address),
            ("mallory\\u0040x.example", LeakKind::Address),
            ("mallory&#64;x&period;example", LeakKind::Address),
            ("mallory%40x.example", LeakKind::Address),
            ("bWFsbG9yeUB4LmV4YW1wbGU=", LeakKind::Address),
            ("198.51.100.7", LeakKind::Ip),
            ("[2001:db8::2]:25", LeakKind::Ip),
            ("2001:db8:0:0::1", LeakKind::Text),
            ("ALICE@shop.example 192.0.2.1", LeakKind::Text),
            ("shop.example", LeakKind::Host),
            ("mx.other.example", LeakKind::Host),
            ("EVID01", LeakKind::Own),
            ("x@evid01.lab.example", LeakKind::Own),
            ("/srv/evidence/mail01/var", LeakKind::Own),
            ("\\/srv\\/evidence\\/mail01", LeakKind::Own),
            ("ZXZpZDAxLmxhYi5leGFtcGxl", LeakKind::Own),
            ("6576696430312e6c6162", LeakKind::Own),
            ("ZQB2AGkAZAAwADEA", LeakKind::Own),
            ("order.toml data/000001.log 1.0 2024-03-31T01:00:00.5Z", LeakKind::Text),
            ("nothing", LeakKind::Text),
        ];
        for (text, kind) in cases {
            assert_eq!(kind_of(text.as_bytes(), &known, &own), kind, "{text}");
        }
    }
}
