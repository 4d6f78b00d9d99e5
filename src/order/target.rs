//! Identifiers as a manifest writes them, made canonical.
//!
//! **Invariant:** what cannot be compared exactly as it is meant is refused with what to write instead.

use std::net::IpAddr;
use std::ops::Range;

use ipnet::{IpNet, Ipv4Net};

use super::diagnostic::{Code, Notes};
use super::key::{CELL, IDENTIFIER, Keys, WITHHELD_IDENTIFIER};
use super::table::{Item, Table, Text};
use super::{Address, Cell, Format, Identifier, Role, Target};

const TYPES: [&str; 8] = ["email", "domain", "ip", "cidr", "account", "host", "message-id", "token"];

/// A target and its place.
pub(super) struct Placed {
    pub(super) target: Target,
    pub(super) span: Range<usize>,
}

/// A clause's `identifiers` or `with`.
pub(super) fn targets(item: &Item<'_>, format: Option<Format>, notes: &mut Notes) -> Option<Vec<Placed>> {
    let read = |item: &Item<'_>, notes: &mut Notes| {
        let table = item.table(&IDENTIFIER, notes)?;
        let identifier = identifier(&table, notes);
        let roles = match table.get("role") {
            None => Some(Vec::new()),
            Some(item) => roles(&item, format, notes),
        };
        let target = Target { identifier: identifier?, roles: roles? };
        if let Some(format) = format
            && target.roles.is_empty()
            && !format.has_default_place(&target.identifier)
        {
            let kind = target.identifier.kind();
            let message = format!("{} has no default place for `{kind}`: say where it is looked for", format.name());
            notes.error(Code::RoleNeeded, &item.span, message).hint("add `role = [\"any\"]`, or a header");
            return None;
        }
        Some(target)
    };
    list(item, read, notes)
}

/// A withhold's `identifiers`: looked for everywhere, so without roles.
pub(super) fn withheld(item: &Item<'_>, notes: &mut Notes) -> Option<Vec<Identifier>> {
    let read = |item: &Item<'_>, notes: &mut Notes| {
        let keys = Keys { table: WITHHELD_IDENTIFIER.table, known: IDENTIFIER.known };
        let table = item.table(&keys, notes)?;
        if let Some(role) = table.get("role") {
            let note = notes.error(Code::RoleInWithhold, &role.span, "a withhold has no role");
            note.hint("it is looked for anywhere in the record, decoded and raw: take `role` out");
        }
        Some(Target { identifier: identifier(&table, notes)?, roles: Vec::new() })
    };
    let placed = list(item, read, notes)?;
    Some(placed.into_iter().map(|placed| placed.target.identifier).collect())
}

/// The `where` of `rows`: each in a column, and for the clause's text as any other.
pub(super) fn cells(item: &Item<'_>, notes: &mut Notes) -> Option<(Vec<Cell>, Vec<Placed>)> {
    let items = item.list("identifiers, as in [{ email = \"alice@shop.example\", column = \"Email\" }]", notes)?;
    let (mut cells, mut placed) = (Vec::new(), Vec::new());
    let mut seen = std::collections::HashSet::new();
    for item in &items {
        let Some(table) = item.table(&CELL, notes) else { continue };
        let identifier = identifier(&table, notes);
        let column = table.need("column", "`column = \"Email\"`: the column of which it is the whole value", notes);
        let column = column.and_then(|item| item.text(notes)).map(|text| text.text.to_owned());
        let (Some(identifier), Some(column)) = (identifier, column) else { continue };
        if !seen.insert((identifier.clone(), column.clone())) {
            let message = format!("{} `{identifier}` stands here twice", identifier.kind());
            notes.warning(Code::DuplicateIdentifier, &item.span, message);
        }
        let target = Target { identifier: identifier.clone(), roles: Vec::new() };
        placed.push(Placed { target, span: item.span.clone() });
        cells.push(Cell { column, identifier });
    }
    (cells.len() == items.len()).then_some((cells, placed))
}

/// Names of hosts, canonical.
pub(super) fn hosts(item: &Item<'_>, notes: &mut Notes) -> Vec<String> {
    let items = item.list("names of hosts, as in [\"mx1.shop.example\"]", notes).unwrap_or_default();
    let texts = items.iter().filter_map(|item| item.text(notes)).collect::<Vec<_>>();
    let read = texts.iter().filter_map(|text| match host_name(text.text, Code::BadHost) {
        Ok(host) => Some(host),
        Err(Wrong { code, message, hint }) => {
            notes.error(code, &text.span, message).hint(hint);
            None
        }
    });
    read.collect()
}

fn list(
    item: &Item<'_>,
    mut read: impl FnMut(&Item<'_>, &mut Notes) -> Option<Target>,
    notes: &mut Notes,
) -> Option<Vec<Placed>> {
    let items = item.list("identifiers, as in [{ email = \"alice@shop.example\" }]", notes)?;
    let mut placed = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for item in &items {
        let Some(target) = read(item, notes) else { continue };
        let mut roles = target.roles.clone();
        roles.sort_unstable();
        if !seen.insert((target.identifier.clone(), roles)) {
            let message = format!("{} `{}` stands here twice", target.identifier.kind(), target.identifier);
            notes.warning(Code::DuplicateIdentifier, &item.span, message);
        }
        placed.push(Placed { target, span: item.span.clone() });
    }
    (placed.len() == items.len()).then_some(placed)
}

fn roles(item: &Item<'_>, format: Option<Format>, notes: &mut Notes) -> Option<Vec<Role>> {
    let items = item.list("roles", notes)?;
    let mut roles = Vec::new();
    let mut good = true;
    for item in &items {
        let Some(text) = item.text(notes) else {
            good = false;
            continue;
        };
        let Some(role) = Role::named(text.text) else {
            let names: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
            let note = notes.error(Code::UnknownRole, &text.span, "there is no such role");
            note.hint(format!("one of {}", names.join(", ")));
            good = false;
            continue;
        };
        if let Some(format) = format
            && !format.has_role(role)
        {
            let names: Vec<&str> =
                Role::ALL.iter().filter(|role| format.has_role(**role)).map(|role| role.name()).collect();
            let message = format!("the records of {} have no `{}`", format.name(), role.name());
            let note = notes.error(Code::RoleNotInFormat, &text.span, message);
            note.hint(format!("they have {}", names.join(", ")));
            good = false;
        }
        if roles.contains(&role) {
            notes.warning(Code::DuplicateRole, &text.span, format!("`{}` stands here twice", role.name()));
        } else {
            roles.push(role);
        }
    }
    good.then_some(roles)
}

fn identifier(table: &Table<'_>, notes: &mut Notes) -> Option<Identifier> {
    let given: Vec<(&str, Item<'_>)> =
        TYPES.into_iter().filter_map(|kind| table.get(kind).map(|item| (kind, item))).collect();
    let port = table.get("port");
    let [(kind, item)] = given.as_slice() else {
        if given.is_empty() && port.is_some() {
            let note = notes.error(Code::PortWithoutIp, &table.span, "a port alone identifies nobody");
            note.hint("write it with its address: { ip = \"192.0.2.1\", port = 443 }");
            return None;
        }
        let message = match given.len() {
            0 => "this identifier says nothing".to_owned(),
            _ => format!("an identifier is of one type, not {}", given.len()),
        };
        let note = notes.error(Code::IdentifierType, &table.span, message);
        note.hint(format!("one of {}; several identifiers stand in braces of their own", TYPES.join(", ")));
        // What is wrong with each is shown all the same.
        for (kind, item) in &given {
            item.text(notes).and_then(|text| typed(kind, &text, notes));
        }
        return None;
    };
    let read = item.text(notes).and_then(|text| typed(kind, &text, notes));
    let Some(port) = port else { return read };
    if *kind != "ip" {
        let note = notes.error(Code::PortWithoutIp, &port.span, format!("a port belongs to an `ip`, not to `{kind}`"));
        note.hint("write { ip = \"192.0.2.1\", port = 443 }");
        return None;
    }
    let number = match port.number(notes)? {
        Ok(number @ 1..=65_535) => u16::try_from(number).ok()?,
        _ => {
            notes.error(Code::BadPort, &port.span, "a port is a number from 1 to 65535");
            return None;
        }
    };
    match read? {
        Identifier::Ip(ip) => Some(Identifier::IpPort(ip, number)),
        _ => None,
    }
}

fn typed(kind: &str, text: &Text<'_>, notes: &mut Notes) -> Option<Identifier> {
    let read = match kind {
        "email" => email(text.text),
        "domain" => domain(text.text),
        "ip" => ip(text.text),
        "cidr" => cidr(text.text),
        "host" => host(text.text),
        "account" => token(text.text).map(Identifier::Account),
        "message-id" => message_id(text.text),
        "token" => token(text.text).map(Identifier::Token),
        // OK: `kind` is one of `TYPES`.
        _ => return None,
    };
    match read {
        Ok(identifier) => Some(identifier),
        Err(Wrong { code, message, hint }) => {
            notes.error(code, &text.span, message).hint(hint);
            None
        }
    }
}

/// Why a text is no identifier of its type.
struct Wrong {
    code: Code,
    message: String,
    hint: String,
}

fn wrong(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Wrong {
    Wrong { code, message: message.into(), hint: hint.into() }
}

/// RFC 5321, 4.1.2, without quoted local parts; dots may stand anywhere in the local part, as some providers allow.
fn email(text: &str) -> Result<Identifier, Wrong> {
    let bad = |message: &str, hint: &str| wrong(Code::BadEmail, message, hint);
    let example = "as in alice@shop.example";
    let Some((local, domain)) = text.split_once('@') else {
        return Err(bad("a mail address has an `@`", "for a whole domain write `domain = ...`"));
    };
    if domain.contains('@') {
        return Err(bad("a mail address has one `@`", example));
    }
    if local.is_empty() {
        return Err(bad("nothing stands before the `@`", "for a whole domain write `domain = ...`"));
    }
    if let Some(sign) = local.chars().find(|c| c.is_whitespace() || "\"(),:;<>[\\]".contains(*c)) {
        let message = format!("`{sign}` cannot stand before the `@` of a mail address");
        return Err(bad(&message, "the plain address without name, brackets and quotation marks"));
    }
    if local.contains('*') && local.len() == 1 {
        return Err(bad("an address is never a pattern", "for a whole domain write `domain = ...`"));
    }
    if domain.starts_with('[') {
        return Err(bad("an address at an IP literal cannot be looked for", example));
    }
    let domain = host_name(domain, Code::BadEmail)?;
    Ok(Identifier::Email(Address { local: local.to_ascii_lowercase(), domain }))
}

fn domain(text: &str) -> Result<Identifier, Wrong> {
    if text.contains('@') {
        return Err(wrong(Code::BadDomain, "a domain has no `@`", "for an address write `email = ...`"));
    }
    if let Some(parent) = text.strip_prefix("*.") {
        let hint = format!("for subdomains without the domain itself write `.{parent}`");
        return Err(wrong(Code::BadDomain, "a domain is never a pattern", hint));
    }
    match text.strip_prefix('.') {
        Some(parent) => host_name(parent, Code::BadDomain).map(Identifier::Subdomains),
        None => host_name(text, Code::BadDomain).map(Identifier::Domain),
    }
}

fn host(text: &str) -> Result<Identifier, Wrong> {
    host_name(text, Code::BadHost).map(Identifier::Host)
}

/// RFC 1123, 2.1 and RFC 1035, 2.3.4; `_` is let in, as it is in use. In ASCII lower case.
fn host_name(text: &str, code: Code) -> Result<String, Wrong> {
    if !text.is_ascii() {
        let hint = "write it as the DNS holds it, as in xn--mnchen-3ya.example: that is what stands in mail and logs";
        return Err(wrong(Code::NotPunycode, "letters outside ASCII cannot be compared here", hint));
    }
    if text.parse::<IpAddr>().is_ok() {
        return Err(wrong(code, "this is an IP address", "write `ip = ...`"));
    }
    if text.strip_suffix('.').is_some_and(|rest| !rest.is_empty() && !rest.ends_with('.')) {
        return Err(wrong(code, "a name is written without the final `.`", "take it out"));
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if text.len() > 253 || !text.split('.').all(label) {
        let hint = "labels of 1 to 63 letters, digits and hyphens, with dots between them";
        return Err(wrong(code, "this is not a name of the DNS", hint));
    }
    Ok(text.to_ascii_lowercase())
}

fn ip(text: &str) -> Result<Identifier, Wrong> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(Identifier::Ip(ip.to_canonical()));
    }
    let hint = if text.contains('/') {
        "for a network write `cidr = ...`"
    } else if text.parse::<std::net::SocketAddr>().is_ok() {
        "write the port apart: { ip = \"192.0.2.1\", port = 443 }"
    } else if text.contains('%') {
        "without the zone behind `%`"
    } else {
        "as in 192.0.2.1 or 2001:db8::1, without leading zeros"
    };
    Err(wrong(Code::BadIp, "this is not an IP address", hint))
}

fn cidr(text: &str) -> Result<Identifier, Wrong> {
    let Ok(net) = text.parse::<IpNet>() else {
        let hint = if text.contains('/') {
            "as in 192.0.2.0/24 or 2001:db8::/32"
        } else {
            "with the length of its prefix, as in 192.0.2.0/24; for one address write `ip = ...`"
        };
        return Err(wrong(Code::BadCidr, "this is not a network", hint));
    };
    if net.trunc() != net {
        let message = format!("{text} is an address in a network, not a network");
        let hint = format!("the network is {}; for the address alone write `ip = \"{}\"`", net.trunc(), net.addr());
        return Err(wrong(Code::CidrHostBits, message, hint));
    }
    Ok(canonical_net(net))
}

/// The network that a word of the clause's text names.
pub(super) fn network(word: &str) -> Option<Identifier> {
    word.parse::<IpNet>().ok().filter(|net| net.trunc() == *net).map(canonical_net)
}

/// `::ffff:192.0.2.0/120` is 192.0.2.0/24, and a network of one address is that address.
fn canonical_net(net: IpNet) -> Identifier {
    let net = match net {
        IpNet::V6(v6) => match (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96)) {
            (Some(v4), Some(length)) => Ipv4Net::new(v4, length).map_or(net, IpNet::V4),
            _ => net,
        },
        IpNet::V4(_) => net,
    };
    if net.prefix_len() == net.max_prefix_len() { Identifier::Ip(net.addr()) } else { Identifier::Cidr(net) }
}

/// An account or any other token: its exact bytes.
fn token(text: &str) -> Result<String, Wrong> {
    let bad = |message: &str, hint: &str| Err(wrong(Code::BadToken, message, hint));
    if text.trim() != text {
        return bad("white space stands at its ends", "take it out: it is compared byte for byte");
    }
    if text.ends_with('.') {
        return bad("a final `.` never belongs to a token", "take it out");
    }
    if text.len() > 1024 {
        return bad("this is too long", "at most 1,024 bytes");
    }
    Ok(text.to_owned())
}

/// RFC 5322, 3.6.4, with or without its angle brackets.
fn message_id(text: &str) -> Result<Identifier, Wrong> {
    let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(text);
    if inner.is_empty() || inner.contains(['<', '>']) || inner.contains(char::is_whitespace) || inner.len() > 1024 {
        let hint = "as in 4b1c@mail.shop.example, with or without < and >";
        return Err(wrong(Code::BadToken, "this is not a Message-ID", hint));
    }
    Ok(Identifier::MessageId(inner.to_owned()))
}
