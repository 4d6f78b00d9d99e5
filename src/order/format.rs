//! The record formats that an order can name.
//!
//! How each is read is a row of `record/`; this is only the name, and what an order must know of it.
//!
//! **Invariant:** one name, one format.

use super::{Category, Clock, Identifier, Role};

/// A record format, by the name that `as` gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Web access logs, Apache's common and combined log formats; one physical line is one record.
    AccessLog,
    /// CSV with a header line; a row is rendered as a JSON object.
    Csv,
    /// What Docker keeps of a container's output (the `json-file` log driver): one JSON object a line.
    DockerJson,
    /// JSON Lines: one JSON object a line.
    Jsonl,
    /// RFC 4155 mailboxes, mboxo and mboxrd: messages behind `From ` lines.
    Mbox,
    /// Maildir and Maildir++: one message a file, in `cur` and `new`.
    Maildir,
    /// One RFC 5322 message a file.
    Eml,
}

/// What a record of a format is like: where identifiers are looked for in it, and what an exhibit of it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// A mail message: each is an exhibit of its own, and an address stands in its headers.
    Mail,
    /// A line of a web server's or a proxy's log: an IP address stands in the field of the client.
    WebLog,
    /// Any other line or entry: any whole token of it.
    Line,
}

/// Whether its records have columns that a clause can name in `rows`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// They have none.
    None,
    /// They have, and one of them is always the time.
    Timed,
    /// They have; which is the time, a clause must say.
    Named,
    /// They are rows of several tables, with named columns; which is the time, a clause must say.
    Tables,
}

/// What the name of an exhibit in `data/` ends with: a closed list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Extension {
    /// A whole file, whatever it holds.
    Bin,
    /// A mail message.
    Eml,
    /// Lines that are JSON objects.
    Jsonl,
    /// Lines of a log.
    Log,
}

impl Extension {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Bin, Self::Eml, Self::Jsonl, Self::Log];

    /// Its letters, without a dot.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bin => "bin",
            Self::Eml => "eml",
            Self::Jsonl => "jsonl",
            Self::Log => "log",
        }
    }

    /// The extension of an exhibit of that format; none = a whole file.
    pub const fn of(format: Option<Format>) -> Self {
        match format {
            None => Self::Bin,
            Some(format) => format.description().extension,
        }
    }
}

/// What an order must know of a format.
struct Description {
    name: &'static str,
    /// The least category of a clause that takes its records.
    least_category: Category,
    family: Family,
    /// The roles that its records have, [`Role::Any`] apart, which all have.
    roles: &'static [Role],
    /// What an exhibit of it ends with in `data/`.
    extension: Extension,
    columns: Columns,
}

impl Format {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::AccessLog, Self::Csv, Self::DockerJson, Self::Jsonl, Self::Mbox, Self::Maildir, Self::Eml];

    /// The names that a later version will read: refused as "not in this version".
    pub const LATER: &'static [&'static str] = &[
        "syslog",
        "auth",
        "w3c",
        "postfix",
        "exim",
        "dovecot",
        "haproxy",
        "squid",
        "vsftpd",
        "mysql-general",
        "mysql-slow",
        "postgresql",
        "auditd",
        "journal",
        "utmp",
        "sqlite",
        "mysql-dump",
        "postgresql-dump",
    ];

    const fn description(self) -> Description {
        const fn mail(name: &'static str) -> Description {
            let (least_category, family) = (Category::Content, Family::Mail);
            let (roles, extension) = (&Role::MAIL, Extension::Eml);
            Description { name, least_category, family, roles, extension, columns: Columns::None }
        }
        const fn log(name: &'static str, family: Family, roles: &'static [Role]) -> Description {
            let (least_category, extension) = (Category::Traffic, Extension::Log);
            Description { name, least_category, family, roles, extension, columns: Columns::None }
        }
        const fn json(name: &'static str, columns: Columns) -> Description {
            let (least_category, family) = (Category::Traffic, Family::Line);
            Description { name, least_category, family, roles: &[], extension: Extension::Jsonl, columns }
        }
        match self {
            Self::AccessLog => log("access-log", Family::WebLog, &[Role::Client, Role::User]),
            Self::Csv => json("csv", Columns::Named),
            Self::DockerJson => json("docker-json", Columns::Timed),
            Self::Jsonl => json("jsonl", Columns::Named),
            Self::Mbox => mail("mbox"),
            Self::Maildir => mail("maildir"),
            Self::Eml => mail("eml"),
        }
    }

    /// Its name in an order and in the ledger.
    pub const fn name(self) -> &'static str {
        self.description().name
    }

    /// The format of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }

    /// The least category of a clause that takes its records.
    pub const fn least_category(self) -> Category {
        self.description().least_category
    }

    /// What its records are like.
    pub const fn family(self) -> Family {
        self.description().family
    }

    /// Its records are mail messages: each one is an exhibit of its own.
    pub const fn is_mail(self) -> bool {
        matches!(self.family(), Family::Mail)
    }

    /// Whether its records have columns that a clause can name.
    pub const fn columns(self) -> Columns {
        self.description().columns
    }

    /// Its records carry that clock.
    pub const fn has_clock(self, clock: Clock) -> bool {
        match clock {
            Clock::Record => !self.is_mail(),
            Clock::DateHeader => self.is_mail(),
            Clock::Modified | Clock::Changed | Clock::Created | Clock::Accessed => false,
        }
    }

    /// Its records have that role.
    pub fn has_role(self, role: Role) -> bool {
        role == Role::Any || self.description().roles.contains(&role)
    }

    /// It has a place where an identifier of that type is looked for unless a role says otherwise.
    pub const fn has_default_place(self, identifier: &Identifier) -> bool {
        match identifier {
            Identifier::Email(_) | Identifier::Domain(_) | Identifier::Subdomains(_) | Identifier::MessageId(_) => true,
            Identifier::Ip(_)
            | Identifier::Cidr(_)
            | Identifier::IpPort(..)
            | Identifier::Account(_)
            | Identifier::Host(_)
            | Identifier::Token(_) => !self.is_mail(),
        }
    }
}
