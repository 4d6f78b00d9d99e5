//! The order language: what a manifest means once it has been found valid.
//!
//! An [`Order`] and a [`Provider`] are made only by [`read`]: it checks every rule of the language and shows all errors
//! at once. What they may mean is a closed set, so that the compiler lists every place to change.
//!
//! **Invariant:** there is no I/O and no clock in this folder; an [`Order`] in hand is valid.

mod category;
mod clause;
mod diagnostic;
mod duration;
mod format;
mod glob;
mod head;
mod identifier;
mod join;
mod key;
mod log_format;
mod name;
mod period;
mod prose;
mod provider;
mod provider_file;
mod read;
mod reduction;
mod render;
mod rows;
mod salt;
mod schema;
mod table;
mod target;
mod volume_name;
mod window;
pub mod wire;
pub mod wire_name;
mod word_date;

pub use category::{Category, LegalBasis};
pub use diagnostic::{Code, Diagnostic, Severity};
pub use format::{Columns, Extension, Family, Format};
pub use identifier::{Address, Identifier, Role, Target};
pub use join::Join;
pub use log_format::{LineField, LogFormat, LogFormatError, Piece};
pub use provider::{Provider, ProviderSource, Salt, Withhold};
pub use read::{Given, ManifestText, Manifests, check, read, read_alone, read_sources};
pub use reduction::{Field, Reduction, Unit};
pub use render::render;
pub use rows::{Cell, Rows, TimeColumn, TimeUnit};
pub use salt::{SaltError, with_salt};
pub use schema::{order_schema, provider_schema};
pub use volume_name::VolumeName;
pub use window::{Clock, Window};

use chrono::NaiveDate;

use crate::clock::{Timestamp, Zone};
use crate::digest::Digest;

/// A validated order: the legal record that the recipient may read.
#[derive(Debug, Clone)]
pub struct Order {
    /// `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`.
    pub id: String,
    /// The power under which it was made.
    pub legal_basis: LegalBasis,
    /// Who asks.
    pub authority: String,
    /// The court, where one is named.
    pub court: Option<String>,
    /// The authority's own reference.
    pub reference: String,
    /// The day it was made.
    pub made: NaiveDate,
    /// When it was served.
    pub served: Timestamp,
    /// How long after service it is due: an ISO 8601 duration, as written.
    pub due: String,
    /// The last day on which it may be run, in its zone.
    pub expires: Option<NaiveDate>,
    /// What dates in the clauses mean.
    pub zone: Zone,
    /// What else the order asks to be told.
    pub disclose: Disclose,
    /// In the order of the manifest.
    pub sources: Vec<Source>,
    /// In the order of the manifest.
    pub clauses: Vec<Clause>,
    /// The manifest, byte for byte: it travels in the package.
    pub bytes: Vec<u8>,
}

impl Order {
    /// SHA-256 of the manifest as it stands.
    pub fn sha256(&self) -> Digest {
        Digest::of(&self.bytes)
    }

    /// At that instant its last day, in its zone, is over.
    pub fn has_expired(&self, at: Timestamp) -> bool {
        self.expires.is_some_and(|last| self.zone.civil(at).date() > last)
    }
}

/// What an order asks to be told beyond its clauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Disclose {
    /// The offsets of records in their streams.
    pub positions: bool,
    /// How many bytes were examined and found outside, by clause.
    pub examined: bool,
}

/// One named thing that the order lets us open.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name in the order.
    pub name: String,
    /// The image's SHA-256 as received.
    pub sha256: Option<Digest>,
    /// The zone of times in it that carry none.
    pub zone: Option<Zone>,
    /// A folder's file times are the server's own (`times = "original"`).
    pub times_original: bool,
    /// The one volume of it that the order is about; none = all of them, where the provider says that they stand.
    pub volume: Option<VolumeName>,
}

/// One grant.
#[derive(Debug, Clone)]
pub struct Clause {
    /// Its name, as in the order.
    pub id: String,
    /// The order's words, verbatim.
    pub text: String,
    /// Index into [`Order::sources`].
    pub source: usize,
    /// The category of data it asks for.
    pub category: Category,
    /// Globs on the server's absolute path, as written.
    pub paths: Vec<String>,
    /// Archives that its paths reach are opened as folders (`archives = "open"`).
    pub opens_archives: bool,
    /// Whole files or records.
    pub take: Take,
    /// The span of time asked for; none = any time.
    pub window: Option<Window>,
    /// Above it the run stops.
    pub limit: Limit,
}

impl Clause {
    /// What of a record it asks for; none = the record, or whole files.
    pub fn reduction(&self) -> Option<&Reduction> {
        match &self.take {
            Take::Files => None,
            Take::Records(records) => records.reduction.as_ref(),
        }
    }
}

/// What a clause takes.
#[derive(Debug, Clone)]
pub enum Take {
    /// Whole files.
    Files,
    /// What matches inside.
    Records(Records),
}

/// What records a clause takes.
#[derive(Debug, Clone)]
pub struct Records {
    /// The format; none = by content.
    pub format: Option<Format>,
    /// How the lines of an access log are written, where the order says that; none = as servers do unless told otherwise.
    pub log_format: Option<LogFormat>,
    /// The year of stamps that have none, as staff state it; none = the file's own time and the order of its lines tell it.
    pub year: Option<i32>,
    /// Brings in the other records of the transactions that the clause asks for.
    pub join: Option<Join>,
    /// Any one of these; empty = any record.
    pub identifiers: Vec<Target>,
    /// And also one of these, in the same record; empty = no such condition.
    pub with: Vec<Target>,
    /// Of formats with named columns: which rows.
    pub rows: Option<Rows>,
    /// What of a record it asks for; none = the record.
    pub reduction: Option<Reduction>,
}

/// Tripwires of a clause: above one of them the run stops and nothing is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limit {
    /// Records disclosed under the clause.
    pub records: Option<u64>,
    /// Streams that gave something under the clause.
    pub files: Option<u64>,
    /// Bytes disclosed under the clause.
    pub bytes: Option<u64>,
}
