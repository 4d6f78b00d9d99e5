//! The closed sets of names that a manifest is written with: what the JSON Schemas list.
//!
//! **Invariant:** every name here is one that the reader knows, and the other way round.

use schemars::JsonSchema;
use serde::Deserialize;

/// A power, by its name here.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names are those of `super::LegalBasis`, which explains them")]
pub enum LegalBasis {
    #[serde(rename = "pace-sch1")]
    PaceSch1,
    #[serde(rename = "poca-345")]
    Poca345,
    #[serde(rename = "ipa-pt3")]
    IpaPt3,
    #[serde(rename = "copo")]
    Copo,
    #[serde(rename = "norwich-pharmacal")]
    NorwichPharmacal,
    #[serde(rename = "cpr-31-17")]
    Cpr3117,
    #[serde(rename = "2703c2")]
    Usc2703c2,
    #[serde(rename = "2703d")]
    Usc2703d,
    #[serde(rename = "2703-warrant")]
    Usc2703Warrant,
    #[serde(rename = "2703f")]
    Usc2703f,
    #[serde(rename = "epoc-subscriber")]
    EpocSubscriber,
    #[serde(rename = "epoc")]
    Epoc,
    #[serde(rename = "mlat")]
    Mlat,
    #[serde(rename = "civil")]
    Civil,
    #[serde(rename = "consent")]
    Consent,
    #[serde(rename = "other")]
    Other,
}

/// A category of data, from the least to the most intrusive.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are those of `super::Category`, which explains them")]
pub enum Category {
    Subscriber,
    Identification,
    Traffic,
    Content,
}

/// Whole files, or records in them.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Take {
    Files,
    Records,
}

/// A record format.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are those of `super::Format`, which explains them")]
pub enum Format {
    AccessLog,
    Auth,
    Dovecot,
    Postfix,
    Syslog,
    Auditd,
    Exim,
    Haproxy,
    MysqlGeneral,
    MysqlSlow,
    Postgresql,
    Squid,
    Vsftpd,
    W3c,
    Mbox,
    Mboxcl,
    Mboxcl2,
    Maildir,
    Sdbox,
    Eml,
    Csv,
    DockerJson,
    Jsonl,
    MysqlDump,
    PostgresqlDump,
    Journal,
    Sqlite,
    Utmp,
}

/// A part of a mail message.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are those of `super::Unit`, which explains them")]
pub enum Unit {
    Headers,
    MessageWithoutAttachments,
}

/// What records of one transaction have in common.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are those of `super::Join`, which explains them")]
pub enum Join {
    QueueId,
    Session,
    MessageId,
}

/// What a column of numbers counts since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum TimeUnit {
    Seconds,
    Milliseconds,
    Microseconds,
}

/// A place in a record.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are those of `super::Role`, which explains them")]
pub enum Role {
    From,
    To,
    Cc,
    Bcc,
    Sender,
    ReplyTo,
    Client,
    User,
    Any,
}

/// Whose time a window is about.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are those of `super::Clock`, which explains them")]
pub enum Clock {
    Modified,
    Changed,
    Created,
    Accessed,
    Record,
    DateHeader,
    Received,
    Delivered,
}
