//! The two files as they are written: what the JSON Schemas are made of.
//!
//! Editors complete and check against the schemas; [`super::read`] knows every rule and shows the place. A test holds
//! the two against one another.
//!
//! **Invariant:** every key here is a key of the reader, and the other way round.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::value::Datetime;

use super::wire_name::{Category, Clock, Format, Join, LegalBasis, Role, Take, TimeUnit, Unit};

/// An order: the legal record. The recipient may read it, and it travels in the package byte for byte.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "order/1")]
pub struct OrderFile {
    /// The version of this language: "order/1".
    #[schemars(extend("const" = "order/1"))]
    pub schema: String,
    /// Who asks, under what power, and what dates mean.
    pub order: Head,
    /// What the order lets us open.
    #[schemars(length(min = 1))]
    pub source: Vec<Source>,
    /// What the order grants. Clauses only add.
    #[schemars(length(min = 1))]
    pub clause: Vec<Clause>,
}

/// The table `[order]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The order's name: up to 64 letters, digits, `.`, `_` and `-`, the first a letter or digit. The package is named by it.
    #[schemars(regex(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"))]
    pub id: String,
    /// The power under which it was made. It sets the highest category that a clause may have; counsel must confirm that.
    pub legal_basis: LegalBasis,
    /// Who asks.
    #[schemars(length(min = 1))]
    pub authority: String,
    /// The court, where one is named.
    #[schemars(length(min = 1))]
    pub court: Option<String>,
    /// The authority's own reference.
    #[schemars(length(min = 1))]
    pub reference: String,
    /// The day it was made.
    #[schemars(with = "String", extend("format" = "date"))]
    pub made: Datetime,
    /// When it was served: with an offset, or in `zone`.
    #[schemars(with = "String")]
    pub served: Datetime,
    /// How long after service it is due: an ISO 8601 duration, as in P7D.
    #[schemars(length(min = 1))]
    pub due: String,
    /// The last day on which it may be run.
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub expires: Option<Datetime>,
    /// What dates in the clauses mean: a name of the IANA tz database. There is no default.
    #[schemars(length(min = 1))]
    pub zone: String,
    /// What else the order asks to be told.
    pub disclose: Option<Disclose>,
}

/// What else the order asks to be told. Leave it out unless it does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Disclose {
    /// The offset of each record in its stream.
    #[serde(default)]
    pub positions: bool,
    /// How many bytes were examined and found outside, by clause.
    #[serde(default)]
    pub examined: bool,
}

/// One named thing that the order lets us open.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its name, by which clauses and the provider file call it.
    #[schemars(regex(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"))]
    pub name: String,
    /// Images only: the SHA-256 of the image as received.
    #[schemars(regex(pattern = "^[0-9A-Fa-f]{64}$"))]
    pub sha256: Option<String>,
    /// The zone of times in this source that carry none. Without it such times are undecided.
    #[schemars(length(min = 1))]
    pub zone: Option<String>,
    /// Folders only: "original" says that its file times are the server's own. Without it they do not count.
    #[schemars(extend("const" = "original"))]
    pub times: Option<String>,
    /// Images only: the one volume that the order is about: `p2`, `vg/var`, `md0`, `whole`; `p2/@home` for a subvolume.
    #[schemars(length(min = 1))]
    pub volume: Option<String>,
}

/// One grant: this source, these paths, these identifiers, this window.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    /// What the order calls it.
    #[schemars(regex(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"))]
    pub id: String,
    /// The order's words, verbatim. Identifiers and dates of the clause that they do not hold are a warning.
    #[schemars(length(min = 1))]
    pub text: String,
    /// The `name` of a source.
    #[schemars(length(min = 1))]
    pub source: String,
    /// What kind of data it asks for: subscriber < identification < traffic < content.
    pub category: Category,
    /// Absolute paths on the server. `*` and `?` stay within a name, `**` is any folders, `\` takes a sign literally.
    #[schemars(length(min = 1), inner(regex(pattern = "^/.")))]
    pub paths: Vec<String>,
    /// "open": archives (tar, zip) that `paths` reach are opened as folders. Without it an archive is one file.
    #[schemars(extend("const" = "open"))]
    pub archives: Option<String>,
    /// "files": whole files. "records": what matches inside.
    pub take: Take,
    /// The record format. Without it the content decides.
    #[serde(rename = "as")]
    pub format: Option<Format>,
    /// The year of stamps that have none, as staff know it. Without it the file's own time and the order of its lines tell it.
    #[schemars(range(min = 1970, max = 9999))]
    pub year: Option<i32>,
    /// Takes the other records of the same transactions too: those that carry the queue id of a record that is asked for.
    pub join: Option<Join>,
    /// Access logs that are written in a form of the site's own: the server's format string, as its configuration has it.
    #[schemars(length(min = 1))]
    #[serde(rename = "log-format")]
    pub log_format: Option<String>,
    /// Any one of these must stand in the record.
    #[schemars(length(min = 1))]
    pub identifiers: Option<Vec<Target>>,
    /// And also one of these, in the same record.
    #[schemars(length(min = 1))]
    pub with: Option<Vec<Target>>,
    /// Rows of a table, by their columns: formats with named columns.
    pub rows: Option<Rows>,
    /// Less than the message: its headers, or all but its attachments. Mail only.
    pub unit: Option<Unit>,
    /// Less than the record: these fields of it alone. Columns by name; in logs `time` and the roles that the format has.
    #[schemars(length(min = 1), inner(length(min = 1)))]
    pub fields: Option<Vec<String>>,
    /// The order really asks for every record, without identifiers.
    pub everything: Option<bool>,
    /// The span of time asked for. Without it any time.
    pub window: Option<Window>,
    /// Tripwires: above one of them the run stops and nothing is sealed.
    pub limit: Option<Limit>,
}

/// One identifier, of one type, and where it is looked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// One mail address; letters of ASCII compare without case.
    pub email: Option<String>,
    /// A domain, exactly; `.example.org` takes its subdomains without itself.
    pub domain: Option<String>,
    /// One IP address.
    pub ip: Option<String>,
    /// A network.
    pub cidr: Option<String>,
    /// A port, together with `ip`.
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u64>,
    /// A user's account name, byte for byte.
    pub account: Option<String>,
    /// A host name; letters of ASCII compare without case.
    pub host: Option<String>,
    /// A Message-ID, with or without its angle brackets.
    #[serde(rename = "message-id")]
    pub message_id: Option<String>,
    /// Any other whole token, byte for byte.
    pub token: Option<String>,
    /// Where it is looked for. Without it, where the format has that type.
    #[schemars(length(min = 1))]
    pub role: Option<Vec<Role>>,
}

/// Rows of a table, by their columns.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// The table, byte for byte: formats that hold several.
    #[schemars(length(min = 1))]
    pub table: Option<String>,
    /// Any one of these must be the whole value of its column.
    #[serde(rename = "where")]
    #[schemars(length(min = 1))]
    pub cells: Option<Vec<Cell>>,
    /// The column that the clock `record` means.
    #[schemars(length(min = 1))]
    pub time: Option<String>,
    /// The column `time` counts these since 1970-01-01T00:00:00Z. Without it the column holds dates with times.
    #[serde(rename = "time-unit")]
    pub time_unit: Option<TimeUnit>,
}

/// One identifier, of one type, and the column of which it is the whole value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// One mail address; letters of ASCII compare without case.
    pub email: Option<String>,
    /// A domain, exactly, or that of a mail address; `.example.org` takes its subdomains without itself.
    pub domain: Option<String>,
    /// One IP address.
    pub ip: Option<String>,
    /// A network.
    pub cidr: Option<String>,
    /// A port, together with `ip`.
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u64>,
    /// A user's account name, byte for byte.
    pub account: Option<String>,
    /// A host name; letters of ASCII compare without case.
    pub host: Option<String>,
    /// A Message-ID, without its angle brackets in the column.
    #[serde(rename = "message-id")]
    pub message_id: Option<String>,
    /// Any other value, byte for byte.
    pub token: Option<String>,
    /// The column's name, byte for byte; in JSON a dot leads into an object.
    #[schemars(length(min = 1))]
    pub column: String,
}

/// A span of time with both ends, on a named clock.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The first day, or the first instant, that is in it.
    #[schemars(with = "String")]
    pub from: Datetime,
    /// The last whole day that is in it. This or `before`.
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub through: Option<Datetime>,
    /// The first instant that is no longer in it. This or `through`.
    #[schemars(with = "Option<String>")]
    pub before: Option<Datetime>,
    /// Whose time is compared.
    pub clock: Clock,
}

/// Tripwires of a clause.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Records disclosed under the clause.
    #[schemars(range(min = 1))]
    pub records: Option<u64>,
    /// Streams that gave something under the clause.
    #[schemars(range(min = 1))]
    pub files: Option<u64>,
    /// Bytes disclosed under the clause.
    #[schemars(range(min = 1))]
    pub bytes: Option<u64>,
}

/// A provider file: where the sources are, and what is withheld. It is never packaged.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "provider/1")]
pub struct ProviderFile {
    /// The version of this language: "provider/1".
    #[schemars(extend("const" = "provider/1"))]
    pub schema: String,
    /// 32 random hex digits, so that the file's SHA-256 confirms nothing. `extract check --fix-salt ORDER` makes them.
    #[schemars(regex(pattern = "^[0-9A-Fa-f]{32}$"))]
    pub salt: String,
    /// Who runs the disclosure; or `--custodian`.
    #[schemars(length(min = 1))]
    pub custodian: Option<String>,
    /// Who may read the audit: public keys of age (age1...) or of OpenSSH (ssh-ed25519, ssh-rsa). It is then encrypted to them.
    #[schemars(length(min = 1), inner(length(min = 1)))]
    pub audit_recipients: Option<Vec<String>>,
    /// Where the sources are; or `--source NAME=PATH`.
    pub source: Option<Vec<ProviderSource>>,
    /// What is held back, whatever a clause asks.
    pub withhold: Option<Vec<Withhold>>,
}

/// Where one source is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderSource {
    /// Its name in the order.
    #[schemars(regex(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"))]
    pub name: String,
    /// The folder, the image (or its first segment) or the archive, relative to this file.
    #[schemars(length(min = 1))]
    pub path: Option<String>,
    /// Further disks of the same server, in their order: what RAID, LVM and btrfs need of them.
    #[schemars(length(min = 1), inner(length(min = 1)))]
    pub disks: Option<Vec<String>>,
    /// The backing files of a qcow2 image, nearest first. No other backing file is ever opened.
    #[schemars(length(min = 1), inner(length(min = 1)))]
    pub backing: Option<Vec<String>>,
    /// The internal snapshot of a qcow2 image to read, by its name.
    #[schemars(length(min = 1))]
    pub snapshot: Option<String>,
    /// Which volume stands where on the server: `p2 = "/"`, `"vg/var" = "/var"`. One file system needs none.
    pub mounts: Option<BTreeMap<String, String>>,
    /// The hosts that take mail in for this source, as they name themselves behind `by` in Received: for the clock `received`.
    #[schemars(length(min = 1), inner(length(min = 1)))]
    pub received_by: Option<Vec<String>>,
}

/// What is held back: identifiers, or paths, or both.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Withhold {
    /// Why: "privileged", ...
    #[schemars(length(min = 1))]
    pub class: String,
    /// A record that holds any of these anywhere is held back.
    #[schemars(length(min = 1))]
    pub identifiers: Option<Vec<WithheldIdentifier>>,
    /// A file at one of these paths is held back.
    #[schemars(length(min = 1), inner(regex(pattern = "^/.")))]
    pub paths: Option<Vec<String>>,
}

/// One identifier, of one type; it is looked for anywhere in the record.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithheldIdentifier {
    /// One mail address.
    pub email: Option<String>,
    /// A domain, exactly; `.example.org` takes its subdomains without itself.
    pub domain: Option<String>,
    /// One IP address.
    pub ip: Option<String>,
    /// A network.
    pub cidr: Option<String>,
    /// A port, together with `ip`.
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u64>,
    /// A user's account name, byte for byte.
    pub account: Option<String>,
    /// A host name.
    pub host: Option<String>,
    /// A Message-ID, with or without its angle brackets.
    #[serde(rename = "message-id")]
    pub message_id: Option<String>,
    /// Any other whole token, byte for byte.
    pub token: Option<String>,
}
