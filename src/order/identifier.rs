//! Identifiers: typed, canonical, whole.
//!
//! **Invariant:** an identifier in hand is canonical; two that mean the same compare equal.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// What a clause or a withhold looks for. Never a pattern, never a part of a word.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identifier {
    /// One mail address, compared ASCII case-insensitively. Plus-addresses, dots and aliases are never expanded.
    Email(Address),
    /// A domain, exactly; ASCII lower case.
    Domain(String),
    /// The subdomains of a domain (written `.example.org`), without that domain itself; ASCII lower case, no leading dot.
    Subdomains(String),
    /// One address; an IPv4-mapped IPv6 address is the IPv4 address.
    Ip(IpAddr),
    /// A network: prefix and length, host bits zero.
    Cidr(IpNet),
    /// One address and one port, together.
    IpPort(IpAddr, u16),
    /// A user's account name, byte for byte.
    Account(String),
    /// A host name; ASCII lower case (RFC 4343).
    Host(String),
    /// A Message-ID without its angle brackets, byte for byte.
    MessageId(String),
    /// Any other whole token, byte for byte.
    Token(String),
}

impl Identifier {
    /// The key that names its type in an order.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Domain(_) | Self::Subdomains(_) => "domain",
            Self::Ip(_) => "ip",
            Self::Cidr(_) => "cidr",
            Self::IpPort(..) => "ip, port",
            Self::Account(_) => "account",
            Self::Host(_) => "host",
            Self::MessageId(_) => "message-id",
            Self::Token(_) => "token",
        }
    }
}

/// The canonical form, as an order may write it; an address and its port as `192.0.2.1 port 80`.
impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email(address) => write!(f, "{}@{}", address.local, address.domain),
            Self::Subdomains(domain) => write!(f, ".{domain}"),
            Self::Ip(ip) => write!(f, "{ip}"),
            Self::Cidr(net) => write!(f, "{net}"),
            Self::IpPort(ip, port) => write!(f, "{ip} port {port}"),
            Self::Domain(text) | Self::Account(text) | Self::Host(text) | Self::MessageId(text) | Self::Token(text) => {
                f.write_str(text)
            }
        }
    }
}

/// A mail address in ASCII lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// Before the last `@`.
    pub local: String,
    /// After the last `@`.
    pub domain: String,
}

/// Where in a record an identifier is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Mail: the From header.
    From,
    /// Mail: the To header.
    To,
    /// Mail: the Cc header.
    Cc,
    /// Mail: the Bcc header.
    Bcc,
    /// Mail: the Sender header.
    Sender,
    /// Mail: the Reply-To header.
    ReplyTo,
    /// Web logs: the first field.
    Client,
    /// Web logs: the third field, the user that the server authenticated.
    User,
    /// Any whole token of the record.
    Any,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 9] =
        [Self::From, Self::To, Self::Cc, Self::Bcc, Self::Sender, Self::ReplyTo, Self::Client, Self::User, Self::Any];

    /// The mail headers in which an address is looked for unless `role` says otherwise.
    pub const MAIL: [Self; 6] = [Self::From, Self::To, Self::Cc, Self::Bcc, Self::Sender, Self::ReplyTo];

    /// Its name in an order.
    pub const fn name(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::To => "to",
            Self::Cc => "cc",
            Self::Bcc => "bcc",
            Self::Sender => "sender",
            Self::ReplyTo => "reply-to",
            Self::Client => "client",
            Self::User => "user",
            Self::Any => "any",
        }
    }

    /// The role of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// An identifier and where it is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What is looked for.
    pub identifier: Identifier,
    /// Where; empty = where the format looks for that type by default.
    pub roles: Vec<Role>,
}
