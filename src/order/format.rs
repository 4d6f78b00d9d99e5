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
    /// RFC 4155 mailboxes, mboxo and mboxrd: messages behind `From ` lines.
    Mbox,
    /// Maildir and Maildir++: one message a file, in `cur` and `new`.
    Maildir,
    /// One RFC 5322 message a file.
    Eml,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::AccessLog, Self::Mbox, Self::Maildir, Self::Eml];

    /// The names that a later version will read: refused as "not in this version".
    pub const LATER: [&'static str; 21] = [
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
        "docker-json",
        "jsonl",
        "csv",
        "journal",
        "utmp",
        "sqlite",
        "mysql-dump",
        "postgresql-dump",
    ];

    /// Its name in an order and in the ledger.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessLog => "access-log",
            Self::Mbox => "mbox",
            Self::Maildir => "maildir",
            Self::Eml => "eml",
        }
    }

    /// The format of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The least category of a clause that takes its records.
    pub const fn least_category(self) -> Category {
        match self {
            Self::AccessLog => Category::Traffic,
            Self::Mbox | Self::Maildir | Self::Eml => Category::Content,
        }
    }

    /// Its records are mail messages: each one is an exhibit of its own.
    pub const fn is_mail(self) -> bool {
        match self {
            Self::AccessLog => false,
            Self::Mbox | Self::Maildir | Self::Eml => true,
        }
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
    pub const fn has_role(self, role: Role) -> bool {
        match role {
            Role::From | Role::To | Role::Cc | Role::Bcc | Role::Sender | Role::ReplyTo => self.is_mail(),
            Role::Client | Role::User => !self.is_mail(),
            Role::Any => true,
        }
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

    /// What an exhibit of it ends with in `data/`.
    pub const fn extension(self) -> &'static str {
        if self.is_mail() { "eml" } else { "log" }
    }
}
