//! Seeded orders over the tree: what they ask, and how that is written down.
//!
//! **Invariant:** an order says in its text exactly what its fields say; the same seed makes the same order.

use chrono::DateTime;

use super::canary::{Aviary, Random};
use super::tree::{ADDRESSES, Body, CLIENTS, Node, START, Tree, WORDS};

#[derive(Clone, Debug)]
pub struct Order {
    pub seed: u64,
    pub london: bool,
    /// Its folder source says `times = "original"`.
    pub original: bool,
    pub positions: bool,
    pub examined: bool,
    pub clauses: Vec<Clause>,
    pub withholds: Vec<Withhold>,
    /// There is a provider file.
    pub provider: bool,
}

#[derive(Clone, Debug)]
pub struct Clause {
    pub id: String,
    pub category: &'static str,
    pub paths: Vec<String>,
    /// None: whole files.
    pub records: Option<Records>,
    pub window: Option<Window>,
    pub limit: Option<u64>,
}

#[derive(Clone, Debug, Default)]
pub struct Records {
    pub format: Option<&'static str>,
    pub identifiers: Vec<Target>,
    pub with: Vec<Target>,
    pub everything: bool,
    pub reduced: Option<Reduced>,
}

/// Less than the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reduced {
    Headers,
    WithoutAttachments,
    Fields(Vec<&'static str>),
}

#[derive(Clone, Debug)]
pub struct Target {
    pub identifier: Identifier,
    pub roles: Vec<&'static str>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Identifier {
    Email(String),
    Domain(String),
    Ip(String),
    Cidr(String),
    IpPort(String, u16),
    Account(String),
    Host(String),
    MessageId(String),
    Token(String),
}

#[derive(Clone, Debug)]
pub struct Window {
    pub clock: &'static str,
    /// As written.
    pub text: String,
    /// The first second inside, and the first after it.
    pub from: i64,
    pub before: i64,
}

#[derive(Clone, Debug)]
pub struct Withhold {
    pub identifiers: Vec<Identifier>,
    pub paths: Vec<String>,
}

const LOGS: &[&str] = &[
    "/var/log/apache2/access.log",
    "/var/log/apache2/access.log*",
    "/var/log/apache2/*.gz",
    "/var/log/apache2/*.log",
    "/var/log/**",
    "/var/log/apache2/access.log.?*",
];
const SYSLOGS: &[&str] = &["/var/log/auth.log", "/var/log/auth.log*", "/var/log/*", "/var/log/*.gz", "/var/log/**"];
const BOXES: &[&str] = &["/var/mail/alice", "/var/mail/*", "/var/mail/**", "/var/**/alice*", "/var/mail/?ob"];
const MAILDIRS: &[&str] = &[
    "/home/alice/Maildir/**",
    "/home/*/Maildir/**",
    "/home/bob/Maildir/cur/*",
    "/home/alice/Maildir/.Sent/**",
    "/home/alice/Maildir/*/*",
];
const MESSAGES: &[&str] = &["/srv/messages/*.eml", "/srv/messages/**", "/srv/messages/?-*"];
const DOCUMENTS: &[&str] =
    &["/home/alice/docs/*", "/home/alice/docs/*.txt", "/home/*/docs/?-*", "/home/bob/docs/**", "/home/*/docs/*.png"];
const ODD: &[&str] = &["/srv/odd/*", "/srv/**", "/srv/odd/*n", "/srv/odd/one*", "/home/alice/**", "/home/**", "/**"];
const TROUBLE: &[&str] = &[
    "/no/such/path",
    "/home/alice/link-out",
    "/home/alice/linkdir/*.txt",
    "/home/bob/into/**",
    "/home/dave/**",
    "/home/bob/control.pipe",
    "/home/alice/docs",
    "/var/log/apache2/nothing-*",
];

/// The order of this seed. Words that it names beyond the tree are marked in `aviary`.
pub fn draw(seed: u64, tree: &Tree) -> Order {
    let mut random = Random::new(seed.wrapping_mul(7919).wrapping_add(17));
    let provider = random.chance(85);
    let mut order = Order {
        seed,
        london: random.chance(50),
        original: random.chance(60),
        positions: random.chance(25),
        examined: random.chance(25),
        clauses: Vec::new(),
        withholds: Vec::new(),
        provider,
    };
    let count = 1 + random.below(4);
    for number in 0..count {
        let mut clause = if random.chance(30) { whole(&mut random, tree) } else { records(&mut random, tree) };
        clause.id = format!("{}{}", number + 1, char::from(b"abc"[random.below(3)]));
        if let Some(window) = &mut clause.window {
            *window = bounds(&mut random, window.clock, order.london);
        }
        if random.chance(12) {
            clause.paths.push((*random.pick(TROUBLE)).to_owned());
        }
        if random.chance(4) {
            clause.limit = Some(1 + random.below(3) as u64);
        }
        order.clauses.push(clause);
    }
    if provider {
        for _ in 0..random.below(3) {
            let withhold = withhold(&mut random, tree);
            order.withholds.push(withhold);
        }
    }
    order
}

fn clause(paths: Vec<String>, window: Option<&'static str>) -> Clause {
    let window = window.map(|clock| Window { clock, text: String::new(), from: 0, before: 0 });
    Clause { id: String::new(), category: "content", paths, records: None, window, limit: None }
}

fn globs(random: &mut Random, from: &[&str]) -> Vec<String> {
    let mut paths = vec![(*random.pick(from)).to_owned()];
    if random.chance(25) {
        let more = (*random.pick(from)).to_owned();
        if !paths.contains(&more) {
            paths.push(more);
        }
    }
    paths
}

/// Now and then a literal path of the tree, which the order then names.
fn literal(random: &mut Random, tree: &Tree, fits: impl Fn(&Body) -> bool) -> Option<String> {
    let fitting: Vec<&str> = tree
        .planted
        .iter()
        .filter(|planted| matches!(&planted.node, Node::File(file) if fits(&file.body)))
        .filter_map(|planted| std::str::from_utf8(&planted.path).ok())
        .filter(|path| path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._".contains(&byte)))
        .collect();
    (random.chance(10) && !fitting.is_empty()).then(|| (*random.pick(&fitting)).to_owned())
}

fn whole(random: &mut Random, tree: &Tree) -> Clause {
    let pool = *random.pick(&[DOCUMENTS, DOCUMENTS, ODD, LOGS, BOXES, MAILDIRS, MESSAGES]);
    let paths = literal(random, tree, |_| true).map_or_else(|| globs(random, pool), |path| vec![path]);
    let clock = match random.below(10) {
        0..5 => None,
        5..9 => Some("modified"),
        _ => Some("changed"),
    };
    clause(paths, clock)
}

fn records(random: &mut Random, tree: &Tree) -> Clause {
    let kind = random.below(5);
    let (pool, format, mail) = match kind {
        0 | 1 if random.chance(80) => (LOGS, "access-log", false),
        2 => (BOXES, "mbox", true),
        3 => (MAILDIRS, "maildir", true),
        4 => (SYSLOGS, "syslog", false),
        _ => (MESSAGES, "eml", true),
    };
    let fits = |body: &Body| match format {
        "access-log" => matches!(body, Body::Log(_)),
        "syslog" => matches!(body, Body::Syslog(_)),
        "mbox" => matches!(body, Body::Mbox(_)),
        "maildir" => matches!(body, Body::Maildir(_)),
        _ => matches!(body, Body::Eml(_)),
    };
    let paths = literal(random, tree, fits).map_or_else(|| globs(random, pool), |path| vec![path]);
    let clock = if mail { "date-header" } else { "record" };
    let mut clause = clause(paths, random.chance(55).then_some(clock));
    let mut records = Records::default();
    let named = random.chance(25);
    if named {
        records.format = Some(format);
    } else if random.chance(15) {
        // By content alone, over everything.
        clause.paths = globs(random, ODD);
    }
    let count = random.below(4);
    records.identifiers = (0..count).map(|_| target(random, tree, mail, named)).collect();
    if count > 0 && random.chance(30) {
        records.with = (0..1 + random.below(2)).map(|_| target(random, tree, mail, named)).collect();
    }
    if named && format == "syslog" {
        // It has no such field, and an order that names the format may not ask for one.
        let targets = records.identifiers.iter_mut().chain(&mut records.with);
        targets.for_each(|target| target.roles.retain(|role| *role == "any"));
    }
    records.everything = count == 0 && clause.window.is_none();
    records.reduced = reduced(random, mail, named.then_some(format));
    if random.chance(if mail { 5 } else { 40 }) && !(named && mail) {
        clause.category = "traffic";
    }
    clause.records = Some(records);
    clause
}

/// Fields only where the format is named.
fn reduced(random: &mut Random, mail: bool, named: Option<&str>) -> Option<Reduced> {
    if mail {
        let unit = if random.chance(50) { Reduced::Headers } else { Reduced::WithoutAttachments };
        return random.chance(30).then_some(unit);
    }
    let all: &[&'static str] = if named? == "syslog" { &["time"] } else { &["time", "client", "user"] };
    let mut fields: Vec<&'static str> = all.iter().copied().filter(|_| random.chance(60)).collect();
    if random.chance(50) {
        fields.reverse();
    }
    (random.chance(60) && !fields.is_empty()).then_some(Reduced::Fields(fields))
}

fn target(random: &mut Random, tree: &Tree, mail: bool, named: bool) -> Target {
    let identifier = identifier(random, tree);
    let mut roles = Vec::new();
    let address = matches!(identifier, Identifier::Email(_) | Identifier::Domain(_));
    let by_default = address || matches!(identifier, Identifier::MessageId(_));
    if mail && address && random.chance(50) {
        for role in ["from", "to", "cc", "bcc", "sender", "reply-to"] {
            if random.chance(35) {
                roles.push(role);
            }
        }
    } else if !mail && matches!(identifier, Identifier::Account(_)) && random.chance(50) {
        roles.push("user");
    } else if random.chance(20) || (mail && named && !by_default) {
        // Where the format is named and does not hold the type, an order without a role is not valid.
        roles.push("any");
    }
    Target { identifier, roles }
}

fn identifier(random: &mut Random, tree: &Tree) -> Identifier {
    match random.below(12) {
        0..3 => Identifier::Email((*random.pick(&ADDRESSES)).to_owned()),
        3 => Identifier::Domain(
            (*random.pick(&[
                "shop.example",
                ".shop.example",
                "supplies.example",
                ".lawfirm.example",
                "lawfirm.example",
            ]))
            .to_owned(),
        ),
        4..7 => Identifier::Ip((*random.pick(&CLIENTS)).to_owned()),
        7 => Identifier::Cidr((*random.pick(&["192.0.2.0/29", "2001:db8::/124", "192.0.2.8/30"])).to_owned()),
        8 => match random.below(3) {
            0 => Identifier::IpPort("192.0.2.1".to_owned(), 40_001),
            1 => Identifier::Host((*random.pick(&["www.shop.example", "shop.example.org"])).to_owned()),
            _ => Identifier::MessageId(message_id(random, tree)),
        },
        9 => Identifier::Account((*random.pick(&["alice", "alicea", "bob"])).to_owned()),
        _ => Identifier::Token((*random.pick(&WORDS)).to_owned()),
    }
}

fn message_id(random: &mut Random, tree: &Tree) -> String {
    let ids: Vec<&str> = tree
        .planted
        .iter()
        .filter_map(|planted| match &planted.node {
            Node::File(file) => Some(&file.body),
            _ => None,
        })
        .flat_map(|body| match body {
            Body::Mbox(mails) => mails.iter().map(|mail| mail.message_id.as_str()).collect(),
            Body::Maildir(mail) | Body::Eml(mail) => vec![mail.message_id.as_str()],
            _ => Vec::new(),
        })
        .collect();
    (*random.pick(&ids)).to_owned()
}

fn withhold(random: &mut Random, tree: &Tree) -> Withhold {
    let mut withhold = Withhold { identifiers: Vec::new(), paths: Vec::new() };
    if random.chance(75) {
        for _ in 0..1 + random.below(2) {
            let chosen = match random.below(4) {
                0 => Identifier::Email("counsel@lawfirm.example".to_owned()),
                1 => Identifier::Domain(".lawfirm.example".to_owned()),
                2 => Identifier::Domain("lawfirm.example".to_owned()),
                _ => identifier(random, tree),
            };
            // Where only the address is known, a withhold by address and port could not be decided anywhere.
            if !matches!(chosen, Identifier::IpPort(..)) && !withhold.identifiers.contains(&chosen) {
                withhold.identifiers.push(chosen);
            }
        }
    }
    if withhold.identifiers.is_empty() {
        let pool = *random.pick(&[LOGS, BOXES, MAILDIRS, DOCUMENTS]);
        withhold.paths = globs(random, pool);
    }
    withhold
}

fn bounds(random: &mut Random, clock: &'static str, london: bool) -> Window {
    let first = random.below(24) as i64;
    let from = START + first * 86_400;
    let days = 1 + random.below(12) as i64;
    let (from, from_text) = if random.chance(75) {
        (from - shift(from, london), stamp(from, "%Y-%m-%d"))
    } else {
        let from = from + 3600 * random.below(24) as i64 + 1800;
        (from, stamp(from, "%Y-%m-%dT%H:%M:%SZ"))
    };
    let last = START + (first + days) * 86_400;
    let (before, key, text) = if random.chance(60) {
        // Through the whole of the day before.
        (last - shift(last, london), "through", stamp(last - 86_400, "%Y-%m-%d"))
    } else {
        let last = last + 86_400 + 60 * random.below(1400) as i64;
        (last, "before", stamp(last, "%Y-%m-%dT%H:%M:%SZ"))
    };
    // A day's last second is the first one on after it.
    let before = before.max(from + 1);
    let text = if before == from + 1 {
        format!("before = {}", stamp(before, "%Y-%m-%dT%H:%M:%SZ"))
    } else {
        format!("{key} = {text}")
    };
    Window { clock, text: format!("{{ from = {from_text}, {text}, clock = \"{clock}\" }}"), from, before }
}

/// How far London's midnight of that day lies before UTC's: an hour after 31 March 2024.
fn shift(day: i64, london: bool) -> i64 {
    const FIRST_OF_APRIL: i64 = 1_711_929_600;
    if london && day >= FIRST_OF_APRIL { 3600 } else { 0 }
}

fn stamp(seconds: i64, format: &str) -> String {
    DateTime::from_timestamp(seconds, 0).unwrap().format(format).to_string()
}

impl Order {
    /// The legal record.
    pub fn order_toml(&self) -> String {
        let zone = if self.london { "Europe/London" } else { "UTC" };
        let mut text = format!(
            "schema = \"order/1\"\n\n[order]\nid = \"o-{}\"\nlegal_basis = \"pace-sch1\"\nauthority = \"Example Constabulary\"\n\
             reference = \"OP-{}\"\nmade = 2024-04-16\nserved = 2024-04-17T09:40:00Z\ndue = \"P7D\"\nzone = \"{zone}\"\n",
            self.seed, self.seed
        );
        if self.positions || self.examined {
            let (positions, examined) = (self.positions, self.examined);
            text.push_str(&format!("disclose = {{ positions = {positions}, examined = {examined} }}\n"));
        }
        text.push_str("\n[[source]]\nname = \"server\"\nzone = \"Europe/London\"\n@TIMES@");
        for clause in &self.clauses {
            text.push_str(&clause.toml());
        }
        text
    }

    /// The provider's side: every word of it is marked, its class and its comments too.
    pub fn provider_toml(&self, random: &mut Random, aviary: &mut Aviary, source: &str, custodian: &str) -> String {
        let note = aviary.word(random, "a comment of the provider file");
        let salt: String = (0..32).map(|_| char::from(b"0123456789abcdef"[random.below(16)])).collect();
        aviary.add_raw(&salt, "the salt");
        let mut text = format!("# {note}\nschema = \"provider/1\"\nsalt = \"{salt}\"\ncustodian = \"{custodian}\"\n");
        text.push_str(&format!("\n[[source]]\nname = \"server\"\npath = {}\n", quoted(source)));
        for withhold in &self.withholds {
            let class = aviary.word(random, "the class of a withhold");
            let mark = aviary.word(random, "an identifier of a withhold");
            let path = aviary.word(random, "a path of a withhold");
            let mut identifiers: Vec<String> = withhold.identifiers.iter().map(Identifier::toml).collect();
            if !identifiers.is_empty() {
                identifiers.push(format!("{{ domain = \"{mark}.example\" }}"));
                identifiers.push(format!("{{ token = \"{mark}\" }}"));
            }
            let mut paths: Vec<String> = withhold.paths.iter().map(|path| quoted(path)).collect();
            paths.push(format!("\"/nowhere/{path}/**\""));
            text.push_str(&format!("\n[[withhold]]\nclass = \"{class}\"\n"));
            if !identifiers.is_empty() {
                text.push_str(&format!("identifiers = [{}]\n", identifiers.join(", ")));
            }
            text.push_str(&format!("paths = [{}]\n", paths.join(", ")));
        }
        text
    }
}

impl Clause {
    fn toml(&self) -> String {
        let paths: Vec<String> = self.paths.iter().map(|path| quoted(path)).collect();
        let take = if self.records.is_some() { "records" } else { "files" };
        let mut text = format!(
            "\n[[clause]]\nid = \"{}\"\ntext = \"as the order says under {}\"\nsource = \"server\"\ncategory = \"{}\"\n\
             paths = [{}]\ntake = \"{take}\"\n",
            self.id,
            self.id,
            self.category,
            paths.join(", ")
        );
        if let Some(records) = &self.records {
            if let Some(format) = records.format {
                text.push_str(&format!("as = \"{format}\"\n"));
            }
            for (key, targets) in [("identifiers", &records.identifiers), ("with", &records.with)] {
                if !targets.is_empty() {
                    let each: Vec<String> = targets.iter().map(Target::toml).collect();
                    text.push_str(&format!("{key} = [{}]\n", each.join(", ")));
                }
            }
            match &records.reduced {
                None => {}
                Some(Reduced::Fields(fields)) => {
                    let names: Vec<String> = fields.iter().map(|name| quoted(name)).collect();
                    text.push_str(&format!("fields = [{}]\n", names.join(", ")));
                }
                Some(Reduced::Headers) => text.push_str("unit = \"headers\"\n"),
                Some(Reduced::WithoutAttachments) => text.push_str("unit = \"message-without-attachments\"\n"),
            }
            if records.everything {
                text.push_str("everything = true\n");
            }
        }
        if let Some(window) = &self.window {
            text.push_str(&format!("window = {}\n", window.text));
        }
        if let Some(limit) = self.limit {
            let key = if self.records.is_some() { "records" } else { "files" };
            text.push_str(&format!("limit = {{ {key} = {limit} }}\n"));
        }
        text
    }
}

impl Target {
    fn toml(&self) -> String {
        let mut text = self.identifier.toml();
        if !self.roles.is_empty() {
            text.truncate(text.len() - 2);
            let roles: Vec<String> = self.roles.iter().map(|role| quoted(role)).collect();
            text.push_str(&format!(", role = [{}] }}", roles.join(", ")));
        }
        text
    }
}

impl Identifier {
    fn toml(&self) -> String {
        match self {
            Self::Email(value) => format!("{{ email = \"{value}\" }}"),
            Self::Domain(value) => format!("{{ domain = \"{value}\" }}"),
            Self::Ip(value) => format!("{{ ip = \"{value}\" }}"),
            Self::Cidr(value) => format!("{{ cidr = \"{value}\" }}"),
            Self::IpPort(value, port) => format!("{{ ip = \"{value}\", port = {port} }}"),
            Self::Account(value) => format!("{{ account = \"{value}\" }}"),
            Self::Host(value) => format!("{{ host = \"{value}\" }}"),
            Self::MessageId(value) => format!("{{ message-id = \"{value}\" }}"),
            Self::Token(value) => format!("{{ token = \"{value}\" }}"),
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
