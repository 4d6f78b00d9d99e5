//! Orders, and records that lie close to every edge of them.

use extract::order::Format;

use super::chance::Chance;
use super::letter;
use super::naive::{self, File};
use super::order::{Clause, Edge, Identifier, Order, Target, Until, Window};
use super::spell;
use super::time::{self, Zone};

const ZONES: [Zone; 3] = [Zone::London, Zone::London, Zone::Berlin];
const LOG_PATHS: [&str; 10] = [
    "/var/log/nginx/access.log",
    "/var/log/nginx/*",
    "/var/log/**",
    "/**/access.log",
    "/var/*/nginx/acc*.log",
    "/var/log/nginx/**/access.log",
    "/var/log/*",
    "/var/log/nginx/Access.log",
    "/var/log/ngin?/access.log",
    "/var/log/nginx/access\\?log",
];
const MAIL_PATHS: [&str; 6] =
    ["/var/mail/alice", "/var/mail/*", "/var/**", "/var/mail/alic", "/var/mail/alice/**", "/**/mail/al*e"];
const FILE_PATHS: [&str; 7] =
    ["/srv/a/*", "/srv/**", "/srv/a/b/c.txt", "/srv/*/c.txt", "/srv/**/c.txt", "/srv/a*/**", "/srv/a/.h*"];
const FILE_CLOCKS: [&str; 4] = ["modified", "changed", "created", "accessed"];
const MAIL_ROLES: [&str; 6] = ["from", "to", "cc", "bcc", "sender", "reply-to"];

/// What the records of an order are about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Matter {
    Log,
    Syslog,
    /// Mailboxes.
    Mail,
    /// Single messages.
    Letter,
    Files,
}

fn text(chance: &mut Chance, choices: &[&str]) -> String {
    (chance.pick(choices)).to_owned()
}

fn email(chance: &mut Chance) -> Identifier {
    let all = ["alice@shop.example", "bob@supplies.example", "alice.smith@shop.example", "al+ice@shop.example"];
    Identifier::Email(text(chance, &all))
}

fn domain(chance: &mut Chance) -> Identifier {
    Identifier::Domain(text(chance, &["shop.example", ".shop.example", "supplies.example"]))
}

fn network(chance: &mut Chance) -> Identifier {
    match chance.below(6) {
        0 | 1 => Identifier::Ip(text(chance, &["192.0.2.1", "::ffff:192.0.2.77", "2001:db8::1", "203.0.113.9"])),
        2 => Identifier::Ip("192.0.2.1".to_owned()),
        3 | 4 => Identifier::Cidr(text(
            chance,
            &["192.0.2.0/25", "198.51.100.64/31", "2001:db8::/120", "::ffff:192.0.2.0/126"],
        )),
        _ => {
            let (ip, port) = chance.pick(&[("192.0.2.1", 443), ("2001:db8::1", 8080), ("192.0.2.1", 80)]);
            Identifier::IpPort(ip.to_owned(), port)
        }
    }
}

fn word(chance: &mut Chance) -> Identifier {
    match chance.below(5) {
        0 => Identifier::Account(text(chance, &["alice", "bob.b"])),
        1 => Identifier::Host(text(chance, &["www.shop.example", "mx1"])),
        2 => Identifier::MessageId(text(chance, &["m1@shop.example", "M.2@shop.example"])),
        _ => Identifier::Token(text(chance, &["AB-123", "a/b", "sid=77", "Ref:9"])),
    }
}

fn target(chance: &mut Chance, matter: Matter, by_content: bool) -> Target {
    let mut roles: Vec<&'static str> = Vec::new();
    let identifier = match matter {
        Matter::Log | Matter::Syslog => match chance.below(8) {
            0..=3 => network(chance),
            4 => email(chance),
            5 => domain(chance),
            _ => word(chance),
        },
        _ => match chance.below(10) {
            0..=5 => email(chance),
            6 | 7 => domain(chance),
            8 => Identifier::MessageId(text(chance, &["m1@shop.example", "M.2@shop.example"])),
            _ if by_content || chance.percent(50) => word(chance),
            _ => network(chance),
        },
    };
    match (matter, &identifier) {
        (Matter::Log, Identifier::Ip(_) | Identifier::Cidr(_) | Identifier::IpPort(..)) => {
            roles = chance.pick(&[vec![], vec![], vec!["any"], vec!["client"]]);
        }
        (Matter::Log, Identifier::Account(_) | Identifier::Email(_)) => {
            roles = chance.pick(&[vec![], vec!["user"], vec!["any"]]);
        }
        (Matter::Log, _) => {}
        (Matter::Syslog, _) => roles = chance.pick(&[vec![], vec![], vec!["any"]]),
        (_, Identifier::Email(_) | Identifier::Domain(_)) => match chance.below(5) {
            0 | 1 => {}
            2 => roles = vec!["any"],
            3 => roles = vec![chance.pick(&MAIL_ROLES)],
            _ => roles = vec!["from", "to", "cc"],
        },
        (_, Identifier::MessageId(_)) => {}
        // Without `as` such a clause is valid, and in mail it cannot be decided.
        (_, _) if by_content && chance.percent(30) => {}
        (_, _) => roles = vec!["any"],
    }
    if by_content && chance.percent(3) && matches!(identifier, Identifier::Email(_)) {
        roles = if matter == Matter::Log { vec!["from"] } else { vec!["client"] };
    }
    if by_content && chance.percent(10) && matter == Matter::Syslog {
        roles = vec!["client"];
    }
    Target { identifier, roles }
}

fn edge(chance: &mut Chance, zone: Zone) -> Edge {
    let days =
        [(2024, 3, 25), (2024, 3, 30), (2024, 3, 31), (2024, 4, 1), (2024, 10, 26), (2024, 10, 27), (2024, 10, 28)];
    let instants = [
        time::seconds((2024, 3, 31), (0, 59, 59)),
        time::seconds((2024, 3, 31), (1, 0, 0)),
        time::seconds((2024, 4, 7), (23, 0, 0)),
        time::seconds((2024, 10, 27), (0, 0, 0)),
        time::seconds((2024, 10, 27), (0, 30, 0)),
        time::seconds((2024, 10, 27), (1, 0, 0)),
        time::seconds((2024, 10, 27), (1, 30, 0)),
    ];
    match chance.below(3) {
        0 => Edge::Day(chance.pick(&days)),
        1 => Edge::Instant(chance.pick(&instants), chance.pick(&[0, 60, -300, 345])),
        _ => loop {
            let wall = chance.pick(&instants) + chance.pick(&[0, 1_800, 3_600, 7_200, -1]);
            if zone.readings(wall).len() == 1 {
                return Edge::Wall(wall);
            }
        },
    }
}

fn window(chance: &mut Chance, zone: Zone, clock: &'static str) -> Window {
    loop {
        let from = edge(chance, zone);
        let until = match edge(chance, zone) {
            Edge::Day(day) => Until::Through(day),
            other => Until::Before(other),
        };
        let window = Window { from, until, clock };
        let (from, before) = naive::edges(zone, window);
        // Longer than the hour of a fold, so that its readings lie on both sides of one boundary at most.
        if before - from > 7_200 {
            return window;
        }
    }
}

pub fn order(chance: &mut Chance, matter: Matter) -> Order {
    let zone = chance.pick(&ZONES);
    let zones = [None, Some(Zone::London), Some(Zone::London), Some(Zone::Berlin), Some(Zone::Utc)];
    let mut order = Order {
        zone,
        sources: vec![chance.pick(&zones), chance.pick(&zones)],
        clauses: Vec::new(),
        withheld: Vec::new(),
        withheld_paths: Vec::new(),
    };
    for _ in 0..1 + chance.below(3) {
        let clause = clause(chance, matter, zone);
        order.clauses.push(clause);
    }
    while chance.percent(60) && order.withheld.len() < 3 {
        let one = match chance.below(6) {
            0 | 1 => Identifier::Domain(text(chance, &["lawfirm.example", ".lawfirm.example"])),
            2 | 3 => Identifier::Email("carol@lawfirm.example".to_owned()),
            4 => network(chance),
            _ => word(chance),
        };
        order.withheld.push(one);
    }
    if chance.percent(12) {
        let paths = match matter {
            Matter::Log | Matter::Syslog => LOG_PATHS.as_slice(),
            Matter::Mail | Matter::Letter => &MAIL_PATHS,
            Matter::Files => &FILE_PATHS,
        };
        order.withheld_paths.push(text(chance, paths));
    }
    order
}

fn clause(chance: &mut Chance, matter: Matter, zone: Zone) -> Clause {
    let (paths, format, clock): (&[&str], &[Option<&'static str>], &'static str) = match matter {
        Matter::Log => (&LOG_PATHS, &[None, Some("access-log")], "record"),
        Matter::Syslog => (&LOG_PATHS, &[None, Some("syslog")], "record"),
        Matter::Mail => (&MAIL_PATHS, &[None, Some("mbox")], "date-header"),
        Matter::Letter => (&MAIL_PATHS, &[None, Some("eml")], "date-header"),
        Matter::Files => (&FILE_PATHS, &[None], chance.pick(&FILE_CLOCKS)),
    };
    let mut clause = Clause {
        source: usize::from(chance.percent(8)),
        // The first path of each list is the stream's own.
        paths: vec![if matter != Matter::Files && chance.percent(60) {
            paths[0].to_owned()
        } else {
            text(chance, paths)
        }],
        records: matter != Matter::Files,
        format: chance.pick(format),
        identifiers: Vec::new(),
        with: Vec::new(),
        window: None,
        rows: None,
    };
    if chance.percent(20) {
        let more = text(chance, paths);
        if !clause.paths.contains(&more) {
            clause.paths.push(more);
        }
    }
    if chance.percent(70) {
        clause.window = Some(window(chance, zone, clock));
    }
    if clause.records && chance.percent(85) {
        for _ in 0..1 + chance.below(3) {
            let one = target(chance, matter, clause.format.is_none());
            if !clause.identifiers.iter().any(|other| other.identifier == one.identifier) {
                clause.identifiers.push(one);
            }
        }
        if chance.percent(20) {
            let one = target(chance, matter, clause.format.is_none());
            if !clause.identifiers.iter().any(|other| other.identifier == one.identifier) {
                clause.with.push(one);
            }
        }
    }
    clause
}

/// What the records of an order should lie close to: its identifiers, and the boundaries of its windows.
pub struct Aim {
    pub wanted: Vec<Identifier>,
    pub withheld: Vec<Identifier>,
    pub moments: Vec<i64>,
    pub walls: Vec<i64>,
}

impl Aim {
    /// One for each clause.
    pub fn all(order: &Order) -> Vec<Self> {
        order.clauses.iter().map(|clause| Self::at(order, clause)).collect()
    }

    fn at(order: &Order, clause: &Clause) -> Self {
        let mut aim =
            Self { wanted: Vec::new(), withheld: order.withheld.clone(), moments: Vec::new(), walls: Vec::new() };
        let targets = clause.identifiers.iter().chain(&clause.with);
        aim.wanted.extend(targets.map(|target| target.identifier.clone()));
        if let Some(window) = clause.window {
            let (from, before) = naive::edges(order.zone, window);
            aim.moments.extend([from, before, from / 2 + before / 2, from / 2 + before / 2]);
        }
        let changes = [time::seconds((2024, 3, 31), (1, 0, 0)), time::seconds((2024, 10, 27), (1, 0, 0))];
        if aim.moments.is_empty() {
            aim.moments.extend(changes);
        }
        aim.walls.extend(changes.iter().flat_map(|at| [at - 3_600, at - 1_800, *at, at + 1_800, at + 3_600]));
        aim
    }

    /// At a boundary, a second before or after it, or anywhere near.
    pub fn moment(&self, chance: &mut Chance) -> i64 {
        match chance.below(10) {
            0 => chance.pick(&self.walls) + chance.pick(&[-1, 0, 1]),
            1 => chance.pick(&self.moments) + chance.pick(&[-3_600, 3_600, -86_400, 86_400]),
            _ => chance.pick(&self.moments) + chance.pick(&[-1, 0, 1]),
        }
    }

    pub fn identifier(&self, chance: &mut Chance) -> Identifier {
        if !self.withheld.is_empty() && chance.percent(25) {
            return chance.pick(&self.withheld);
        }
        if !self.wanted.is_empty() && chance.percent(85) {
            return chance.pick(&self.wanted);
        }
        match chance.below(3) {
            0 => email(chance),
            1 => network(chance),
            _ => word(chance),
        }
    }
}

/// A file of the matter, most often the one that the paths are about.
pub fn file(chance: &mut Chance, matter: Matter, aims: &[Aim]) -> File {
    let aim = &aims[chance.below(aims.len())];
    let path = match matter {
        Matter::Log | Matter::Syslog => {
            text(chance, &["/var/log/nginx/access.log", "/var/log/nginx/access.log", "/var/log/nginx/old/access.log"])
        }
        Matter::Mail | Matter::Letter => text(chance, &["/var/mail/alice", "/var/mail/alice", "/var/mail/alices"]),
        Matter::Files => {
            let all = ["/srv/a/b/c.txt", "/srv/a/c.txt", "/srv/a/.hidden", "/srv/c.txt", "/srv/ab/d", "/srw/a/b/c.txt"];
            text(chance, &all)
        }
    };
    let mut times = [None; 4];
    for time in &mut times {
        if chance.percent(80) {
            let at = aim.moment(chance);
            *time = Some(chance.pick(&[(at, 0), (at, 0), (at, 999_999_999)]));
        }
    }
    File { source: usize::from(chance.percent(5)), path: path.into_bytes(), times }
}

/// Streams of records, and the records that must be split out of each.
pub fn streams(chance: &mut Chance, matter: Matter, aims: &[Aim]) -> Vec<(Format, Vec<u8>, Vec<Vec<u8>>)> {
    let mut records = Vec::new();
    if matches!(matter, Matter::Log | Matter::Syslog) {
        // Lines with a year among the others would say something of theirs.
        let yearless = chance.percent(60);
        if matter == Matter::Syslog && yearless {
            // Back in time, so that the order of the lines says nothing against the year that is stated.
            records
                .extend(["Mar  9 00:00:00 h p: x\n", "Mar  1 00:00:00 h p: x\n"].map(|line| line.as_bytes().to_vec()));
        }
        for _ in 0..30 + chance.below(30) {
            let aim = chance.below(aims.len());
            let mut line = match matter {
                Matter::Syslog => spell::syslog_line(chance, &aims[aim], yearless),
                _ => spell::line(chance, &aims[aim]),
            };
            line.extend_from_slice(chance.pick(&[&b"\n"[..], b"\n", b"\r\n"]));
            records.push(line);
        }
        let format = if matter == Matter::Syslog { Format::Syslog } else { Format::AccessLog };
        return vec![(format, records.concat(), records)];
    }
    for _ in 0..15 + chance.below(15) {
        let aim = chance.below(aims.len());
        records.push(letter::message(chance, &aims[aim]));
    }
    if matter == Matter::Mail {
        // The same messages in every store that holds messages: with their lengths, and each in a file of Dovecot's.
        let measured: Vec<Vec<u8>> = records.iter().map(|message| with_length(message)).collect();
        let single = records.iter().take(12);
        let mut streams: Vec<_> = single
            .flat_map(|message| {
                let alone = vec![message.clone()];
                [(Format::Sdbox, in_sdbox(message), alone.clone()), (Format::Maildir, message.clone(), alone)]
            })
            .collect();
        streams.push((Format::Mbox, mailbox(&records), records));
        for format in [Format::Mboxcl, Format::Mboxcl2] {
            streams.push((format, mailbox(&measured), measured.clone()));
        }
        return streams;
    }
    let one = |mut message: Vec<u8>| {
        if chance.percent(60) {
            message = letter::with_crlf(&message);
        }
        (Format::Eml, message.clone(), vec![message])
    };
    records.into_iter().map(one).collect()
}

fn mailbox(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut stream = Vec::new();
    for (place, message) in messages.iter().enumerate() {
        if place > 0 {
            stream.push(b'\n');
        }
        stream.extend_from_slice(b"From MAILER-DAEMON Fri Mar 29 12:08:34 2024\n");
        stream.extend_from_slice(message);
    }
    stream
}

/// The message says how long its body is.
fn with_length(message: &[u8]) -> Vec<u8> {
    let body = message.windows(2).position(|pair| pair == b"\n\n").expect("a header ends") + 2;
    [format!("Content-Length: {}\n", message.len() - body).as_bytes(), message].concat()
}

/// The message as Dovecot stores it: `struct dbox_message_header` before it, metadata behind.
fn in_sdbox(message: &[u8]) -> Vec<u8> {
    let head = format!("2 M1e C65f00000\n\x01\x02N {:8} {:016x}\n", "", message.len());
    [head.as_bytes(), message, b"\n\x01\x03\nR65f00000\n\n"].concat()
}

/// A whole file's content, which may hold what is withheld.
pub fn content(chance: &mut Chance, aim: &Aim) -> Vec<u8> {
    let mut content = vec![b'.'; chance.below(60)];
    for _ in 0..chance.below(4) {
        let identifier = aim.identifier(chance);
        content.extend(spell::surrounded(chance, &identifier));
        content.extend(vec![chance.pick(&[b' ', b'\n', 0]); chance.below(50)]);
    }
    content
}
