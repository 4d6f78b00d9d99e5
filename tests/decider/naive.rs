//! The second decider: the order language word by word, without any of the library's deciding.

use std::net::IpAddr;

use super::mail::{self, Part, Texts};
use super::order::{Clause, Edge, Identifier, Order, Target, Until, Window};
use super::time::{self, Said, Zone};
use super::token;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Three {
    In,
    Out,
    Undecided,
}
use Three::{In, Out, Undecided};

pub fn all_of(verdicts: &[Three]) -> Three {
    if verdicts.contains(&Out) {
        Out
    } else if verdicts.contains(&Undecided) {
        Undecided
    } else {
        In
    }
}

pub fn one_of(verdicts: &[Three]) -> Three {
    if verdicts.contains(&In) {
        In
    } else if verdicts.contains(&Undecided) {
        Undecided
    } else {
        Out
    }
}

pub fn holds(yes: bool) -> Three {
    if yes { In } else { Out }
}

/// What the clauses make of one thing: the indexes of those that say in, are withheld, or cannot be decided.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    pub admitted: Vec<usize>,
    pub withheld: Vec<usize>,
    pub undecided: Vec<usize>,
}

impl Answer {
    pub fn of(verdicts: &[(usize, Three)], withhold: Three) -> Self {
        let mut answer = Self::default();
        for &(clause, verdict) in verdicts {
            match (verdict, withhold) {
                (Out, _) => {}
                (_, In) => answer.withheld.push(clause),
                (_, Undecided) | (Undecided, _) => answer.undecided.push(clause),
                (In, Out) => answer.admitted.push(clause),
            }
        }
        answer
    }
}

/// A file as a walk sees it.
#[derive(Clone, Debug)]
pub struct File {
    pub source: usize,
    pub path: Vec<u8>,
    /// Seconds and nanoseconds of modified, changed, created, accessed.
    pub times: [Option<(i64, u32)>; 4],
}

/// What kind of record it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Log,
    Syslog,
    Mail,
}

fn path_verdict(clause: &Clause, file: &File) -> Three {
    holds(clause.source == file.source && clause.paths.iter().any(|glob| token::glob(glob, &file.path)))
}

/// A withheld path is the file's, or, where it ends in a name, that of a folder above it.
fn path_withhold(order: &Order, file: &File) -> Three {
    let slashes = (1..file.path.len()).filter(|&at| file.path[at] == b'/');
    let mut ends: Vec<usize> = slashes.collect();
    ends.push(file.path.len());
    holds(order.withheld_paths.iter().any(|glob| {
        let last = glob.rsplit('/').next().unwrap_or_default();
        let named = !last.contains(['*', '?', '[', '{', '\\']);
        ends.iter().any(|&end| (named || end == file.path.len()) && token::glob(glob, &file.path[..end]))
    }))
}

/// Which clauses may take the file whole, as far as its path and its times say.
pub fn decide_file(order: &Order, file: &File) -> Answer {
    let mut verdicts = Vec::new();
    for (place, clause) in order.clauses.iter().enumerate().filter(|(_, clause)| !clause.records) {
        let window = clause.window.map_or(In, |window| {
            let clocks = ["modified", "changed", "created", "accessed"];
            let clock = clocks.iter().position(|name| *name == window.clock).unwrap();
            file.times[clock].map_or(Undecided, |(second, _)| {
                let (from, before) = edges(order.zone, window);
                holds(from <= second && second < before)
            })
        });
        verdicts.push((place, all_of(&[path_verdict(clause, file), window])));
    }
    Answer::of(&verdicts, path_withhold(order, file))
}

/// Which clauses may look for records in it.
pub fn decide_stream(order: &Order, file: &File) -> Answer {
    let mut verdicts = Vec::new();
    for (place, clause) in order.clauses.iter().enumerate().filter(|(_, clause)| clause.records) {
        verdicts.push((place, path_verdict(clause, file)));
    }
    Answer::of(&verdicts, path_withhold(order, file))
}

/// The same once its content has been searched for what is withheld.
pub fn decide_content(order: &Order, file: &File, content: &[u8]) -> Answer {
    let texts = Texts { all: vec![content.to_vec()], complete: true };
    let withholds: Vec<Three> = order.withheld.iter().map(|identifier| withheld_anywhere(identifier, &texts)).collect();
    let mut answer = decide_file(order, file);
    let admitted: Vec<(usize, Three)> = answer.admitted.drain(..).map(|clause| (clause, In)).collect();
    let searched = Answer::of(&admitted, one_of(&withholds));
    answer.admitted = searched.admitted;
    answer.withheld.extend(searched.withheld);
    answer.undecided.extend(searched.undecided);
    answer.withheld.sort_unstable();
    answer.undecided.sort_unstable();
    answer
}

/// What the clauses make of one record of a file.
pub fn decide_record(order: &Order, file: &File, kind: Kind, raw: &[u8]) -> Answer {
    let may = decide_stream(order, file).admitted;
    let record = Record::read(kind, raw);
    let mut verdicts = Vec::new();
    for place in may {
        let clause = &order.clauses[place];
        let wanted = |targets: &[Target]| {
            if targets.is_empty() {
                return In;
            }
            one_of(&targets.iter().map(|target| record.holds(target)).collect::<Vec<_>>())
        };
        let window = clause.window.map_or(In, |window| in_window(order, file, window, record.time(window.clock)));
        verdicts.push((place, all_of(&[wanted(&clause.identifiers), wanted(&clause.with), window])));
    }
    let withholds: Vec<Three> = order.withheld.iter().map(|identifier| record.withheld(identifier)).collect();
    Answer::of(&verdicts, one_of(&withholds))
}

pub fn first_of_day(zone: Zone, day: (i64, i64, i64)) -> i64 {
    zone.readings(time::seconds(day, (0, 0, 0)))[0]
}

fn instant(zone: Zone, edge: Edge) -> i64 {
    match edge {
        Edge::Day(day) => first_of_day(zone, day),
        Edge::Instant(at, _) => at,
        Edge::Wall(wall) => zone.readings(wall)[0],
    }
}

/// A window's first second, and the first after it.
pub fn edges(zone: Zone, window: Window) -> (i64, i64) {
    let before = match window.until {
        Until::Before(edge) => instant(zone, edge),
        Until::Through(day) => {
            let (year, month, day, ..) = time::civil(time::seconds(day, (0, 0, 0)) + 86_400);
            first_of_day(zone, (year, month, day))
        }
    };
    (instant(zone, window.from), before)
}

pub fn in_window(order: &Order, file: &File, window: Window, said: Said) -> Three {
    let (from, before) = edges(order.zone, window);
    let inside = |at: &i64| holds(from <= *at && *at < before);
    match said {
        Said::At(at) => inside(&at),
        Said::Unreadable | Said::Nothing => Undecided,
        Said::Wall(wall) => {
            let Some(zone) = order.sources[file.source] else { return Undecided };
            let readings: Vec<Three> = zone.readings(wall).iter().map(inside).collect();
            match readings[..] {
                [one] => one,
                [one, two] if one == two => one,
                _ => Undecided,
            }
        }
    }
}

/// A record's fields, read from its bytes.
enum Record {
    Line { client: Vec<u8>, user: Vec<u8>, time: Said, texts: Texts },
    Entry { time: Said, texts: Texts },
    Broken { texts: Texts },
    Message { part: Part, texts: Texts },
}

impl Record {
    fn read(kind: Kind, raw: &[u8]) -> Self {
        if kind == Kind::Mail {
            let part = Part::read(raw);
            let mut texts = Texts { all: vec![raw.to_vec()], complete: true };
            part.decoded(&mut texts);
            return Self::Message { part, texts };
        }
        if kind == Kind::Syslog {
            let forms = [raw.to_vec(), octal(raw)];
            let plain = forms.iter().flat_map(|raw| [raw.clone(), mail::percent(raw), mail::backslash(raw)]);
            let texts = Texts { all: plain.collect(), complete: true };
            return match time::syslog_time(&String::from_utf8_lossy(raw), 2024) {
                Some(time) => Self::Entry { time, texts },
                None => Self::Broken { texts },
            };
        }
        let all = vec![raw.to_vec(), mail::percent(raw), mail::backslash(raw), mail::percent(&mail::backslash(raw))];
        let texts = Texts { all, complete: true };
        match web_log_fields(raw) {
            Some((client, user, time)) => Self::Line { client, user, time, texts },
            None => Self::Broken { texts },
        }
    }

    fn time(&self, clock: &str) -> Said {
        match (self, clock) {
            (Self::Line { time, .. } | Self::Entry { time, .. }, "record") => *time,
            (Self::Message { part, .. }, "date-header") => match part.header("date")[..] {
                [] => Said::Nothing,
                [value] => std::str::from_utf8(value).map_or(Said::Unreadable, time::mail_time),
                _ => Said::Unreadable,
            },
            _ => Said::Nothing,
        }
    }

    fn holds(&self, target: &Target) -> Three {
        match self {
            // No field can be told apart, so the identifier may stand in any of them.
            Self::Broken { texts } => match anywhere(&target.identifier, texts) {
                Out => Out,
                In | Undecided => Undecided,
            },
            // Any whole token, whatever its type; a role of other lines cannot be read, and is out where the token is nowhere.
            Self::Entry { texts, .. } => {
                let found = anywhere(&target.identifier, texts);
                let roles: &[&str] = if target.roles.is_empty() { &["any"] } else { &target.roles };
                let one = |role: &&str| match (*role, found) {
                    ("any", found) => found,
                    (_, Out) => Out,
                    (_, In | Undecided) => Undecided,
                };
                one_of(&roles.iter().map(one).collect::<Vec<_>>())
            }
            Self::Line { texts, .. } => {
                let roles: &[&str] = match (&target.roles[..], &target.identifier) {
                    ([], Identifier::Ip(_) | Identifier::Cidr(_) | Identifier::IpPort(..)) => &["client"],
                    ([], _) => &["any"],
                    (given, _) => given,
                };
                one_of(&roles.iter().map(|role| self.line_role(&target.identifier, role, texts)).collect::<Vec<_>>())
            }
            Self::Message { texts, .. } => {
                const ADDRESSES: [&str; 6] = ["from", "to", "cc", "bcc", "sender", "reply-to"];
                let roles: &[&str] = match (&target.roles[..], &target.identifier) {
                    ([], Identifier::Email(_) | Identifier::Domain(_)) => &ADDRESSES,
                    ([], Identifier::MessageId(_)) => &["message-id"],
                    ([], _) => &["none"],
                    (given, _) => given,
                };
                one_of(&roles.iter().map(|role| self.mail_role(&target.identifier, role, texts)).collect::<Vec<_>>())
            }
        }
    }

    fn line_role(&self, identifier: &Identifier, role: &str, texts: &Texts) -> Three {
        let Self::Line { client, user, .. } = self else { return Undecided };
        match role {
            "any" => anywhere(identifier, texts),
            "client" => client_field(identifier, &String::from_utf8_lossy(client)),
            "user" => whole_field(identifier, user),
            _ => Undecided,
        }
    }

    fn mail_role(&self, identifier: &Identifier, role: &str, texts: &Texts) -> Three {
        let Self::Message { part, .. } = self else { return Undecided };
        match (role, identifier) {
            ("any", _) => one_of(&[anywhere(identifier, texts), holds(any_address(part, identifier))]),
            ("message-id", Identifier::MessageId(id)) => {
                holds(part.message_ids().iter().any(|own| own == id.as_bytes()))
            }
            ("from" | "to" | "cc" | "bcc" | "sender" | "reply-to", Identifier::Email(_) | Identifier::Domain(_)) => {
                let found = part.addresses(role);
                let hit = found.all.iter().any(|(local, domain)| address_is(identifier, local, domain));
                if hit {
                    In
                } else if found.complete {
                    Out
                } else {
                    Undecided
                }
            }
            _ => Undecided,
        }
    }

    /// A withheld identifier is looked for everywhere, decoded and raw.
    fn withheld(&self, identifier: &Identifier) -> Three {
        match self {
            Self::Line { texts, .. } | Self::Entry { texts, .. } | Self::Broken { texts } => {
                withheld_anywhere(identifier, texts)
            }
            Self::Message { part, texts } => {
                one_of(&[withheld_anywhere(identifier, texts), holds(any_address(part, identifier))])
            }
        }
    }
}

/// `#011` as the byte of that octal number.
fn octal(raw: &[u8]) -> Vec<u8> {
    let (mut plain, mut at) = (Vec::new(), 0);
    while at < raw.len() {
        let digits = raw.get(at + 1..at + 4).filter(|digits| digits.iter().all(|digit| (b'0'..=b'7').contains(digit)));
        match digits.filter(|digits| raw[at] == b'#' && digits[0] <= b'3') {
            Some(digits) => {
                plain.push((digits[0] - b'0') * 64 + (digits[1] - b'0') * 8 + (digits[2] - b'0'));
                at += 4;
            }
            None => {
                plain.push(raw[at]);
                at += 1;
            }
        }
    }
    plain
}

/// An address of any header is the identifier, however it is quoted there.
fn any_address(part: &Part, identifier: &Identifier) -> bool {
    let headers = ["from", "to", "cc", "bcc", "sender", "reply-to"].map(|header| part.addresses(header).all);
    headers.iter().flatten().any(|(local, domain)| address_is(identifier, local, domain))
}

/// `client ident user [time] "request" status bytes`, and behind a space whatever the server adds. The client is a host
/// or an address; a quote within the request may stand there as it is.
fn web_log_fields(raw: &[u8]) -> Option<(Vec<u8>, Vec<u8>, Said)> {
    let line = raw.strip_suffix(b"\n").unwrap_or(raw);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut words = line.splitn(4, |&byte| byte == b' ');
    let (client, ident, user, rest) = (words.next()?, words.next()?, words.next()?, words.next()?);
    if client.is_empty() || ident.is_empty() || user.is_empty() {
        return None;
    }
    if !client.iter().all(|byte| byte.is_ascii_alphanumeric() || b".:-_[]%".contains(byte)) {
        return None;
    }
    let rest = rest.strip_prefix(b"[")?;
    let close = rest.iter().position(|&byte| byte == b']')?;
    let stamp = std::str::from_utf8(&rest[..close]).ok().and_then(time::web_log_time);
    let request = rest[close + 1..].strip_prefix(b" \"")?;
    let ends = (0..request.len()).filter(|&at| request[at] == b'"');
    if !ends.into_iter().any(|end| status_and_size(&request[end + 1..])) {
        return None;
    }
    Some((client.to_vec(), user.to_vec(), stamp.map_or(Said::Unreadable, Said::At)))
}

fn status_and_size(text: &[u8]) -> bool {
    let words: Vec<&[u8]> = text.splitn(4, |&byte| byte == b' ').collect();
    let number = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    match words[..] {
        [b"", status, size, ..] => {
            (status == b"-" || (status.len() == 3 && number(status))) && (size == b"-" || number(size))
        }
        _ => false,
    }
}

pub fn same(one: &[u8], other: &str) -> bool {
    one.eq_ignore_ascii_case(other.as_bytes())
}

pub fn domain_is(wanted: &str, domain: &[u8]) -> bool {
    if wanted.starts_with('.') {
        let (short, long) = (wanted.len(), domain.len());
        long > short && same(&domain[long - short..], wanted)
    } else {
        same(domain, wanted)
    }
}

pub fn address_is(identifier: &Identifier, local: &[u8], domain: &[u8]) -> bool {
    match identifier {
        Identifier::Email(text) => {
            let (own_local, own_domain) = text.rsplit_once('@').unwrap();
            same(local, own_local) && same(domain, own_domain)
        }
        Identifier::Domain(wanted) => domain_is(wanted, domain),
        _ => false,
    }
}

fn one_ip(text: &str) -> IpAddr {
    token::ip_value(text).unwrap().0
}

/// One address in a record against an identifier of addresses.
pub fn ip_is(identifier: &Identifier, found: (IpAddr, Option<u16>)) -> Three {
    match identifier {
        Identifier::Ip(text) => holds(one_ip(text) == found.0),
        Identifier::Cidr(network) => holds(token::within(found.0, network)),
        Identifier::IpPort(text, port) if one_ip(text) == found.0 => {
            found.1.map_or(Undecided, |own| holds(own == *port))
        }
        _ => Out,
    }
}

/// A field that is one value.
fn whole_field(identifier: &Identifier, field: &[u8]) -> Three {
    let text = String::from_utf8_lossy(field);
    match identifier {
        Identifier::Ip(_) | Identifier::Cidr(_) | Identifier::IpPort(..) => {
            token::ip_value(&text).map_or(Out, |found| ip_is(identifier, found))
        }
        Identifier::Email(_) | Identifier::Domain(_) | Identifier::Host(_) => holds(token_is(identifier, field)),
        Identifier::Account(exact) | Identifier::MessageId(exact) | Identifier::Token(exact) => {
            holds(field == exact.as_bytes())
        }
    }
}

pub fn is_ip(identifier: &Identifier) -> bool {
    matches!(identifier, Identifier::Ip(_) | Identifier::Cidr(_) | Identifier::IpPort(..))
}

/// A name with a dot in it stands for an address that the line does not tell.
pub fn is_host_name(field: &str) -> bool {
    let plain = field.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '_');
    plain && field.contains('.') && field.chars().any(|c| c.is_ascii_alphabetic())
}

/// The first field of a web log: what can only be an address and is none cannot be read. The zone behind `%` says on
/// which link an IPv6 address is, not which it is.
fn client_field(identifier: &Identifier, field: &str) -> Three {
    let bare = match field.split_once('%') {
        Some((six, zone)) if zone.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            if six.parse::<std::net::Ipv6Addr>().is_ok() { six } else { field }
        }
        _ => field,
    };
    let readable = token::ip_value(bare).is_some();
    let dots = field.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let colons = field.contains(':') && field.bytes().all(|byte| byte.is_ascii_hexdigit() || b".:[]".contains(&byte));
    if readable {
        whole_field(identifier, bare.as_bytes())
    } else if dots || colons || (is_ip(identifier) && is_host_name(field)) {
        Undecided
    } else {
        whole_field(identifier, field.as_bytes())
    }
}

pub fn token_is(identifier: &Identifier, token: &[u8]) -> bool {
    match identifier {
        Identifier::Email(text) | Identifier::Host(text) => same(token, text),
        Identifier::Domain(wanted) => {
            let sign = token.iter().rposition(|&byte| byte == b'@');
            domain_is(wanted, sign.map_or(token, |sign| &token[sign + 1..]))
        }
        _ => false,
    }
}

/// The same for a withhold: what is no whole token for a sign beside it is doubtful.
pub fn withheld_anywhere(identifier: &Identifier, texts: &Texts) -> Three {
    let doubt = texts.all.iter().any(|text| match identifier {
        Identifier::Ip(_) | Identifier::Cidr(_) | Identifier::IpPort(..) => false,
        Identifier::Account(exact) | Identifier::MessageId(exact) | Identifier::Token(exact) => {
            token::doubtful_tokens(text).into_iter().any(|token| token == exact.as_bytes())
        }
        _ => token::doubtful_tokens(text).into_iter().any(|token| token_is(identifier, &token)),
    });
    one_of(&[anywhere(identifier, texts), if doubt { Undecided } else { Out }])
}

/// The identifier as a whole token of any of the texts.
pub fn anywhere(identifier: &Identifier, texts: &Texts) -> Three {
    let in_text = |text: &Vec<u8>| match identifier {
        Identifier::Ip(_) | Identifier::Cidr(_) | Identifier::IpPort(..) => {
            let found = token::ips(text);
            one_of(&found.into_iter().map(|value| ip_is(identifier, value)).collect::<Vec<_>>())
        }
        Identifier::Account(exact) | Identifier::MessageId(exact) | Identifier::Token(exact) => {
            holds(token::stands_alone(text, exact.as_bytes()))
        }
        _ => holds(token::tokens(text).into_iter().any(|token| token_is(identifier, token))),
    };
    let mut verdicts: Vec<Three> = texts.all.iter().map(in_text).collect();
    if !texts.complete {
        verdicts.push(Undecided);
    }
    one_of(&verdicts)
}
