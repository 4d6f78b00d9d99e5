//! The record formats that an order can name.
//!
//! How each is read is a row of `record/`; this is only the name, and what an order must know of it.
//!
//! **Invariant:** one name, one format.

use super::{Category, Clock, Identifier, Join, Role};

/// A record format, by the name that `as` gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Web access logs, Apache's common and combined log formats; one physical line is one record.
    AccessLog,
    /// What programs that let users in write through syslog (OpenSSH, PAM, sudo, ...): one line a record.
    Auth,
    /// Dovecot's log, through syslog or its own: one line a record.
    Dovecot,
    /// Postfix's log through syslog: one line a record.
    Postfix,
    /// Syslog files, RFC 3164, RFC 5424 and with RFC 3339 stamps: one line a record.
    Syslog,
    /// The log of the Linux audit daemon.
    Auditd,
    /// Exim's main, reject and panic log.
    Exim,
    /// HAProxy's log, HTTP and TCP, behind a syslog header or bare.
    Haproxy,
    /// The general query log of MySQL and MariaDB.
    MysqlGeneral,
    /// The slow query log of MySQL and MariaDB.
    MysqlSlow,
    /// PostgreSQL's log on standard error.
    Postgresql,
    /// Squid's access log, in its own format.
    Squid,
    /// vsftpd's own log, and the xferlog of FTP servers.
    Vsftpd,
    /// The W3C extended log format, as IIS writes it; a line is rendered as a JSON object.
    W3c,
    /// CSV with a header line; a row is rendered as a JSON object.
    Csv,
    /// What Docker keeps of a container's output (the `json-file` log driver): one JSON object a line.
    DockerJson,
    /// JSON Lines: one JSON object a line.
    Jsonl,
    /// Dumps of MySQL and MariaDB; a row is rendered as a JSON object.
    MysqlDump,
    /// Dumps of PostgreSQL in plain text; a row is rendered as a JSON object.
    PostgresqlDump,
    /// RFC 4155 mailboxes, mboxo and mboxrd: messages behind `From ` lines.
    Mbox,
    /// Mailboxes with Content-Length whose From_ lines in bodies are quoted too.
    Mboxcl,
    /// Mailboxes with Content-Length alone.
    Mboxcl2,
    /// Maildir and Maildir++: one message a file, in `cur` and `new`.
    Maildir,
    /// Dovecot's single-dbox: one message a file, with Dovecot's metadata behind it.
    Sdbox,
    /// One RFC 5322 message a file.
    Eml,
    /// Journals of systemd: an entry is a record, rendered as a line of JSON.
    Journal,
    /// SQLite databases: a row of a table is a record, rendered as a line of JSON.
    Sqlite,
    /// utmp, wtmp and btmp of Linux on x86_64.
    Utmp,
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
    /// Lines of JSON.
    Jsonl,
    /// Lines of a log.
    Log,
    /// Records of utmp.
    Utmp,
}

impl Extension {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Bin, Self::Eml, Self::Jsonl, Self::Log, Self::Utmp];

    /// Its letters, without a dot.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bin => "bin",
            Self::Eml => "eml",
            Self::Jsonl => "jsonl",
            Self::Log => "log",
            Self::Utmp => "utmp",
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
    /// The stamps of its records may lack the year.
    may_lack_year: bool,
    /// What its records of one transaction have in common.
    joins: &'static [Join],
    columns: Columns,
    /// A part of its records may stand in files beside it: what their names have behind its own.
    siblings: &'static [&'static str],
}

impl Description {
    /// Of messages.
    const fn mail(name: &'static str) -> Self {
        let (least_category, family) = (Category::Content, Family::Mail);
        Self { least_category, roles: &Role::MAIL, extension: Extension::Eml, ..Self::log(name, family, &[]) }
    }

    /// Of lines of a log.
    const fn log(name: &'static str, family: Family, roles: &'static [Role]) -> Self {
        let (least_category, extension) = (Category::Traffic, Extension::Log);
        Self {
            name,
            least_category,
            family,
            roles,
            extension,
            may_lack_year: false,
            joins: &[],
            columns: Columns::None,
            siblings: &[],
        }
    }

    const fn syslog(name: &'static str, roles: &'static [Role]) -> Self {
        Self { may_lack_year: true, ..Self::log(name, Family::Line, roles) }
    }

    /// Of lines of JSON, as they stand or as they are rendered.
    const fn json(name: &'static str, columns: Columns) -> Self {
        Self { extension: Extension::Jsonl, columns, ..Self::log(name, Family::Line, &[]) }
    }

    /// Of rows of tables: of what category they are, the clause says.
    const fn rows(name: &'static str, columns: Columns) -> Self {
        Self { least_category: Category::Subscriber, ..Self::json(name, columns) }
    }

    /// Of statements, the arguments of commands, what was typed: what is said or stored.
    const fn content(name: &'static str, roles: &'static [Role]) -> Self {
        Self { least_category: Category::Content, ..Self::log(name, Family::Line, roles) }
    }
}

impl Format {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::AccessLog,
        Self::Auth,
        Self::Dovecot,
        Self::Postfix,
        Self::Syslog,
        Self::Auditd,
        Self::Exim,
        Self::Haproxy,
        Self::MysqlGeneral,
        Self::MysqlSlow,
        Self::Postgresql,
        Self::Squid,
        Self::Vsftpd,
        Self::W3c,
        Self::Mbox,
        Self::Mboxcl,
        Self::Mboxcl2,
        Self::Maildir,
        Self::Sdbox,
        Self::Eml,
        Self::Csv,
        Self::DockerJson,
        Self::Jsonl,
        Self::MysqlDump,
        Self::PostgresqlDump,
        Self::Journal,
        Self::Sqlite,
        Self::Utmp,
    ];

    /// The names that a later version will read: refused as "not in this version".
    pub const LATER: &'static [&'static str] = &["mdbox"];

    const fn description(self) -> Description {
        match self {
            Self::AccessLog => Description::log("access-log", Family::WebLog, &[Role::Client, Role::User]),
            Self::Auth => Description::syslog("auth", &[Role::Client, Role::User]),
            Self::Dovecot => Description {
                joins: &[Join::Session, Join::MessageId],
                ..Description::syslog("dovecot", &[Role::Client, Role::User])
            },
            Self::Postfix => Description {
                joins: &[Join::QueueId, Join::MessageId],
                ..Description::syslog("postfix", &[Role::Client, Role::User, Role::From, Role::To])
            },
            Self::Syslog => Description::syslog("syslog", &[]),
            Self::Exim => Description {
                joins: &[Join::QueueId, Join::MessageId],
                ..Description::log("exim", Family::Line, &[Role::From, Role::To, Role::Client])
            },
            Self::Auditd => Description::content("auditd", &[]),
            Self::Haproxy => Description::log("haproxy", Family::WebLog, &[Role::Client]),
            Self::MysqlGeneral => Description::content("mysql-general", &[]),
            Self::MysqlSlow => Description::content("mysql-slow", &[]),
            Self::Postgresql => Description::content("postgresql", &[Role::User]),
            Self::Squid => Description::log("squid", Family::WebLog, &[Role::Client, Role::User]),
            Self::Vsftpd => Description::log("vsftpd", Family::WebLog, &[Role::Client, Role::User]),
            Self::W3c => Description {
                extension: Extension::Jsonl,
                columns: Columns::Timed,
                ..Description::log("w3c", Family::WebLog, &[Role::Client, Role::User])
            },
            Self::Csv => Description::rows("csv", Columns::Named),
            Self::Mbox => Description::mail("mbox"),
            Self::Mboxcl => Description::mail("mboxcl"),
            Self::Mboxcl2 => Description::mail("mboxcl2"),
            Self::Maildir => Description::mail("maildir"),
            Self::Sdbox => Description::mail("sdbox"),
            Self::Eml => Description::mail("eml"),
            Self::DockerJson => Description::json("docker-json", Columns::Timed),
            Self::Jsonl => Description::rows("jsonl", Columns::Named),
            Self::MysqlDump => Description::rows("mysql-dump", Columns::Tables),
            Self::PostgresqlDump => Description::rows("postgresql-dump", Columns::Tables),
            Self::Journal => {
                Description { extension: Extension::Jsonl, ..Description::log("journal", Family::Line, &[]) }
            }
            Self::Sqlite => {
                Description { siblings: &["-wal", "-journal"], ..Description::rows("sqlite", Columns::Tables) }
            }
            Self::Utmp => Description {
                extension: Extension::Utmp,
                ..Description::log("utmp", Family::Line, &[Role::Client, Role::User])
            },
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

    /// The stamps of its records may lack the year.
    pub const fn may_lack_year(self) -> bool {
        self.description().may_lack_year
    }

    /// Its records of one transaction have that in common.
    pub fn has_join(self, join: Join) -> bool {
        self.description().joins.contains(&join)
    }

    /// Its records are mail messages: each one is an exhibit of its own.
    pub const fn is_mail(self) -> bool {
        matches!(self.family(), Family::Mail)
    }

    /// A stream of it holds messages one behind the other.
    pub const fn is_mailbox(self) -> bool {
        matches!(self, Self::Mbox | Self::Mboxcl | Self::Mboxcl2)
    }

    /// Whether its records have columns that a clause can name.
    pub const fn columns(self) -> Columns {
        self.description().columns
    }

    /// A part of its records may stand in files of the same folder: what their names have behind its own.
    pub const fn siblings(self) -> &'static [&'static str] {
        self.description().siblings
    }

    /// Its records carry that clock.
    pub const fn has_clock(self, clock: Clock) -> bool {
        match clock {
            Clock::Record => !self.is_mail(),
            Clock::DateHeader | Clock::Received => self.is_mail(),
            // A single message stands in no mailbox.
            Clock::Delivered => self.is_mail() && !matches!(self, Self::Eml),
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
