//! An order as a plain description, and how it is written down.

use std::fmt::Write as _;

use super::time::{Zone, write_offset, write_toml};

#[derive(Clone, Debug)]
pub struct Order {
    pub zone: Zone,
    /// The zone of each source's times that carry none.
    pub sources: Vec<Option<Zone>>,
    pub clauses: Vec<Clause>,
    pub withheld: Vec<Identifier>,
    pub withheld_paths: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Clause {
    pub source: usize,
    pub paths: Vec<String>,
    pub records: bool,
    pub format: Option<&'static str>,
    pub identifiers: Vec<Target>,
    pub with: Vec<Target>,
    pub window: Option<Window>,
    pub rows: Option<Rows>,
}

#[derive(Clone, Debug)]
pub struct Rows {
    pub table: Option<String>,
    pub cells: Vec<(String, Identifier)>,
    pub time: Option<String>,
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
pub struct Target {
    pub identifier: Identifier,
    pub roles: Vec<&'static str>,
}

#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub from: Edge,
    pub until: Until,
    pub clock: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub enum Until {
    Through((i64, i64, i64)),
    Before(Edge),
}

#[derive(Clone, Copy, Debug)]
pub enum Edge {
    /// A whole day of the order's zone.
    Day((i64, i64, i64)),
    /// An instant, written so many minutes ahead of UTC.
    Instant(i64, i64),
    /// A date and time of the order's zone.
    Wall(i64),
}

impl Edge {
    fn toml(self) -> String {
        match self {
            Self::Day((year, month, day)) => format!("{year}-{month:02}-{day:02}"),
            Self::Instant(at, 0) => format!("{}Z", write_toml(at)),
            Self::Instant(at, minutes) => {
                let offset = write_offset(minutes);
                format!("{}{}:{}", write_toml(at + minutes * 60), &offset[..3], &offset[3..])
            }
            Self::Wall(wall) => write_toml(wall),
        }
    }
}

impl Identifier {
    fn toml(&self) -> String {
        match self {
            Self::Email(text) => format!("email = \"{text}\""),
            Self::Domain(text) => format!("domain = \"{text}\""),
            Self::Ip(text) => format!("ip = \"{text}\""),
            Self::Cidr(text) => format!("cidr = \"{text}\""),
            Self::IpPort(text, port) => format!("ip = \"{text}\", port = {port}"),
            Self::Account(text) => format!("account = \"{text}\""),
            Self::Host(text) => format!("host = \"{text}\""),
            Self::MessageId(text) => format!("message-id = \"{text}\""),
            Self::Token(text) => format!("token = \"{text}\""),
        }
    }
}

fn targets(targets: &[Target]) -> String {
    let one = |target: &Target| {
        if target.roles.is_empty() {
            format!("{{ {} }}", target.identifier.toml())
        } else {
            format!("{{ {}, role = {:?} }}", target.identifier.toml(), target.roles)
        }
    };
    format!("[{}]", targets.iter().map(one).collect::<Vec<_>>().join(", "))
}

impl Order {
    /// The recipient's file.
    pub fn order_toml(&self) -> String {
        let mut text = format!(
            "schema = \"order/1\"\n[order]\nid = \"2024-17\"\nlegal_basis = \"pace-sch1\"\n\
             authority = \"Example Constabulary\"\nreference = \"OP-1\"\nmade = 2024-12-01\n\
             served = 2024-12-02T09:40:00Z\ndue = \"P7D\"\nzone = \"{}\"\n",
            self.zone.name()
        );
        for (place, zone) in self.sources.iter().enumerate() {
            write!(text, "[[source]]\nname = \"s{place}\"\n").unwrap();
            if let Some(zone) = zone {
                writeln!(text, "zone = \"{}\"", zone.name()).unwrap();
            }
        }
        for (place, clause) in self.clauses.iter().enumerate() {
            clause.toml(place, &mut text);
        }
        text
    }

    /// The provider's file.
    pub fn provider_toml(&self) -> String {
        let mut text =
            format!("schema = \"provider/1\"\nsalt = \"{}\"\ncustodian = \"Duty officer 7\"\n", "5a".repeat(16));
        for place in 0..self.sources.len() {
            write!(text, "[[source]]\nname = \"s{place}\"\npath = \"s{place}\"\n").unwrap();
        }
        if !self.withheld.is_empty() {
            let all: Vec<String> = self.withheld.iter().map(|one| format!("{{ {} }}", one.toml())).collect();
            write!(text, "[[withhold]]\nclass = \"privileged\"\nidentifiers = [{}]\n", all.join(", ")).unwrap();
        }
        if !self.withheld_paths.is_empty() {
            write!(text, "[[withhold]]\nclass = \"privileged\"\npaths = {:?}\n", self.withheld_paths).unwrap();
        }
        text
    }
}

impl Clause {
    fn toml(&self, place: usize, text: &mut String) {
        write!(
            text,
            "[[clause]]\nid = \"{place}\"\ntext = \"as the order says\"\nsource = \"s{}\"\ncategory = \"content\"\n\
             paths = {:?}\ntake = \"{}\"\n",
            self.source,
            self.paths,
            if self.records { "records" } else { "files" }
        )
        .unwrap();
        if let Some(format) = self.format {
            writeln!(text, "as = \"{format}\"").unwrap();
        }
        if !self.identifiers.is_empty() {
            writeln!(text, "identifiers = {}", targets(&self.identifiers)).unwrap();
        }
        if !self.with.is_empty() {
            writeln!(text, "with = {}", targets(&self.with)).unwrap();
        }
        if let Some(window) = self.window {
            let (key, edge) = match window.until {
                Until::Through(day) => ("through", Edge::Day(day)),
                Until::Before(edge) => ("before", edge),
            };
            let (from, until) = (window.from.toml(), edge.toml());
            writeln!(text, "window = {{ from = {from}, {key} = {until}, clock = \"{}\" }}", window.clock).unwrap();
        }
        if let Some(rows) = &self.rows {
            let cells: Vec<String> = rows
                .cells
                .iter()
                .map(|(column, identifier)| format!("{{ {}, column = \"{column}\" }}", identifier.toml()))
                .collect();
            let mut keys: Vec<String> = rows.table.iter().map(|table| format!("table = \"{table}\"")).collect();
            if !cells.is_empty() {
                keys.push(format!("where = [{}]", cells.join(", ")));
            }
            keys.extend(rows.time.iter().map(|time| format!("time = \"{time}\"")));
            writeln!(text, "rows = {{ {} }}", keys.join(", ")).unwrap();
        }
        let has_cells = self.rows.as_ref().is_some_and(|rows| !rows.cells.is_empty());
        if self.records && self.identifiers.is_empty() && !has_cells && self.window.is_none() {
            text.push_str("everything = true\n");
        }
    }
}
