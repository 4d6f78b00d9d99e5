//! Identifiers that are looked for in one place, ready to compare with a field or with the tokens of a text.
//!
//! **Invariant:** a comparison is typed and whole.

use std::collections::HashSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::international::International;
use super::record::Value;
use super::token;
use super::verdict::Verdict;
use crate::order::{Identifier, Role};

/// Identifiers that are looked for in one place, ready to compare.
#[derive(Debug, Clone, Default)]
pub(in crate::scope) struct IdentifierSet {
    /// Mail addresses in lower case, `local@domain`.
    emails: HashSet<Vec<u8>>,
    /// Domains in lower case.
    domains: HashSet<Vec<u8>>,
    /// Domains in lower case with a leading full stop: their subdomains.
    subdomains: Vec<Vec<u8>>,
    /// Hosts in lower case.
    hosts: HashSet<Vec<u8>>,
    /// Accounts, message-ids and other tokens.
    exact: HashSet<Vec<u8>>,
    /// Of all the above, those that are no run of token bytes, in lower case where case does not count.
    unusual: Vec<(Vec<u8>, bool)>,
    /// Of all the above, those that may be written with letters outside ASCII too.
    international: Vec<International>,
    ips: HashSet<IpAddr>,
    networks: Vec<IpNet>,
    sockets: Vec<(IpAddr, u16)>,
}

impl IdentifierSet {
    pub(in crate::scope) fn add(&mut self, identifier: &Identifier) {
        match identifier {
            Identifier::Email(address) => {
                let text = format!("{}@{}", address.local, address.domain).to_ascii_lowercase().into_bytes();
                self.note_unusual(&text, true);
                self.emails.insert(text);
                self.international.extend(International::new(Some(&address.local), &address.domain, false));
            }
            Identifier::Domain(domain) => {
                self.domains.insert(domain.to_ascii_lowercase().into_bytes());
                self.international.extend(International::new(None, domain, false));
            }
            Identifier::Subdomains(domain) => {
                self.subdomains.push(format!(".{domain}").to_ascii_lowercase().into_bytes());
                self.international.extend(International::new(None, domain, true));
            }
            Identifier::Host(host) => {
                self.hosts.insert(host.to_ascii_lowercase().into_bytes());
                self.international.extend(International::new(None, host, false));
            }
            Identifier::Account(text) | Identifier::MessageId(text) | Identifier::Token(text) => {
                self.note_unusual(text.as_bytes(), false);
                self.exact.insert(text.clone().into_bytes());
            }
            Identifier::Ip(ip) => {
                self.ips.insert(token::canonical(*ip));
            }
            Identifier::Cidr(network) => self.networks.push(*network),
            Identifier::IpPort(ip, port) => self.sockets.push((token::canonical(*ip), *port)),
        }
    }

    fn note_unusual(&mut self, text: &[u8], any_case: bool) {
        let usual = text.iter().all(|&byte| token::is_token_byte(byte)) && !text.ends_with(b".");
        if !usual {
            self.unusual.push((text.to_vec(), any_case));
        }
    }

    /// There is nothing to look for.
    pub(in crate::scope) fn is_empty(&self) -> bool {
        !(self.has_address() || self.has_word() || self.has_ip())
    }

    /// The text is one of them, byte for byte.
    pub(in crate::scope) fn has_exact(&self, text: &[u8]) -> bool {
        self.exact.contains(text)
    }

    /// The whole text is one of those that compare without case: a host's name, an address, a name within a domain, or an
    /// address there. A domain is none of a text that holds a name among other words.
    pub(in crate::scope) fn has_folded(&self, text: &[u8], lower: &mut Vec<u8>) -> bool {
        lower.clear();
        lower.extend(text.iter().map(u8::to_ascii_lowercase));
        if self.hosts.contains(lower.as_slice()) || self.emails.contains(lower.as_slice()) {
            return true;
        }
        let (local, name) = match memchr::memrchr(b'@', lower) {
            Some(at) => (lower.get(..at), lower.get(at + 1..).unwrap_or_default()),
            None => (None, lower.as_slice()),
        };
        // What has a name or another address before it is no address alone.
        let is_sign = |byte: &u8| byte.is_ascii_whitespace() || b"<>,;@\"".contains(byte);
        let is_alone = local.is_none_or(|local| !local.is_empty() && !local.iter().any(is_sign));
        is_alone && !name.iter().any(|byte| !token::is_token_byte(*byte)) && self.domain(name)
    }

    /// The text may be one of them, written with letters outside ASCII.
    pub(in crate::scope) fn may_have(&self, text: &[u8], lower: &mut Vec<u8>) -> Verdict {
        if self.international.is_empty() || text.is_ascii() {
            return Verdict::Out;
        }
        lower.clear();
        lower.extend(text.iter().map(u8::to_ascii_lowercase));
        if self.international.iter().any(|name| name.may_be(lower)) { Verdict::Undecided } else { Verdict::Out }
    }

    fn has_ip(&self) -> bool {
        !(self.ips.is_empty() && self.networks.is_empty() && self.sockets.is_empty())
    }

    fn has_address(&self) -> bool {
        !(self.emails.is_empty() && self.domains.is_empty() && self.subdomains.is_empty())
    }

    fn has_word(&self) -> bool {
        !(self.hosts.is_empty() && self.exact.is_empty())
    }

    fn ip(&self, ip: IpAddr, port: Option<u16>) -> Verdict {
        let ip = token::canonical(ip);
        if self.ips.contains(&ip) || self.networks.iter().any(|network| network.contains(&ip)) {
            return Verdict::In;
        }
        self.sockets.iter().filter(|(wanted, _)| *wanted == ip).fold(Verdict::Out, |verdict, (_, wanted)| {
            // The address is the one; without a port nobody can say whether it is the user.
            verdict.or(port.map_or(Verdict::Undecided, |port| Verdict::from_bool(port == *wanted)))
        })
    }

    fn domain(&self, domain: &[u8]) -> bool {
        self.domains.contains(domain)
            || self.subdomains.iter().any(|suffix| domain.len() > suffix.len() && domain.ends_with(suffix))
    }

    /// `lower`: room for a copy in lower case.
    fn mail_address(&self, local: &[u8], domain: &[u8], lower: &mut Vec<u8>) -> Verdict {
        lower.clear();
        lower.extend(local.iter().chain(b"@").chain(domain).map(u8::to_ascii_lowercase));
        let (_, domain) = lower.split_at(local.len() + 1);
        let found = self.emails.contains(lower.as_slice()) || self.domain(domain);
        if found || self.international.is_empty() || domain.is_ascii() {
            return Verdict::from_bool(found);
        }
        let whole = std::mem::take(lower);
        self.may_have(&whole, lower)
    }

    fn token(&self, found: &[u8], lower: &mut Vec<u8>) -> bool {
        if self.exact.contains(found) {
            return true;
        }
        if !self.has_address() && self.hosts.is_empty() {
            return false;
        }
        lower.clear();
        lower.extend(found.iter().map(u8::to_ascii_lowercase));
        if self.hosts.contains(lower.as_slice()) || self.emails.contains(lower.as_slice()) {
            return true;
        }
        let domain = lower.iter().rposition(|&byte| byte == b'@').and_then(|at| lower.get(at + 1..));
        self.domain(domain.unwrap_or(lower))
    }

    /// Whole tokens of one text.
    pub(in crate::scope) fn text(&self, text: &[u8], lower: &mut Vec<u8>) -> Verdict {
        if (self.has_address() || self.has_word()) && token::tokens(text).any(|found| self.token(found, lower)) {
            return Verdict::In;
        }
        if !self.unusual.is_empty() {
            lower.clear();
            lower.extend(text.iter().map(u8::to_ascii_lowercase));
            let found = self.unusual.iter().any(|(needle, any_case)| {
                if *any_case { token::stands_whole(lower, needle) } else { token::stands_whole(text, needle) }
            });
            if found {
                return Verdict::In;
            }
        }
        let may_have = match self.international.is_empty() || text.is_ascii() {
            true => Verdict::Out,
            false => token::tokens(text).fold(Verdict::Out, |verdict, found| verdict.or(self.may_have(found, lower))),
        };
        if !self.has_ip() {
            return may_have;
        }
        token::addresses(text).fold(may_have, |verdict, (ip, port)| verdict.or(self.ip(ip, port)))
    }

    /// One of them stands in the text, but not as a whole token.
    pub(in crate::scope) fn doubtful(&self, text: &[u8], lower: &mut Vec<u8>) -> Verdict {
        let found = (self.has_address() || self.has_word())
            && token::doubtful_tokens(text).any(|found| self.token(found, lower));
        if found { Verdict::Undecided } else { Verdict::Out }
    }

    /// A client that is written as a host name stands for an address that the line does not tell.
    pub(in crate::scope) fn unresolved(&self, role: Role, value: Value<'_>) -> Verdict {
        let is_host = |text: &[u8]| {
            text.contains(&b'.')
                && text.iter().any(u8::is_ascii_alphabetic)
                && text.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        };
        match value {
            Value::Text(text) if role == Role::Client && self.has_ip() && is_host(text) => Verdict::Undecided,
            Value::Text(_) | Value::Address { .. } | Value::Ip(..) => Verdict::Out,
        }
    }

    /// One value of a named field.
    pub(in crate::scope) fn value(&self, value: Value<'_>, lower: &mut Vec<u8>) -> Verdict {
        match value {
            Value::Address { local, domain } => self.mail_address(local, domain, lower),
            Value::Ip(ip, port) => self.ip(ip, port),
            Value::Text(text) if self.exact.contains(text) || self.has_folded(text, lower) => Verdict::In,
            Value::Text(text) => self.may_have(text, lower),
        }
    }
}
