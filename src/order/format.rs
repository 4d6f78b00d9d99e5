//! The record formats that an order can name.
//!
//! How each is read is a row of `record/`; this is only the name, and what an order must know of it.
//!
//! **Invariant:** one name, one format.

use super::{Category, Clock};

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

    /// What an exhibit of it ends with in `data/`.
    pub const fn extension(self) -> &'static str {
        if self.is_mail() { "eml" } else { "log" }
    }
}
