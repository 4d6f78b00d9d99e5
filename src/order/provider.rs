//! The provider's side of an order: never packaged.
//!
//! **Invariant:** what it holds reaches the package as one salted SHA-256 only.

use std::collections::BTreeMap;

use super::Identifier;
use crate::delivery::Recipients;
use crate::digest::Digest;

/// A validated provider file.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Makes its digest confirm nothing to a guesser.
    pub salt: Salt,
    /// Who runs the disclosure.
    pub custodian: Option<String>,
    /// Who may read the audit, which is then encrypted to them; none: it is not encrypted.
    pub audit_recipients: Option<Recipients>,
    /// Where the sources are.
    pub sources: Vec<ProviderSource>,
    /// What is held back and why.
    pub withholds: Vec<Withhold>,
    /// The file, byte for byte.
    pub bytes: Vec<u8>,
}

impl Provider {
    /// SHA-256 of the file as it stands.
    pub fn sha256(&self) -> Digest {
        Digest::of(&self.bytes)
    }
}

/// Sixteen random bytes as 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salt(pub String);

/// Where one source is.
#[derive(Debug, Clone)]
pub struct ProviderSource {
    /// Its name in the order.
    pub name: String,
    /// Relative to the provider file.
    pub path: Option<String>,
    /// Further disks of the same server, each relative to the provider file.
    pub disks: Vec<String>,
    /// Backing files of the image, nearest first, each relative to the provider file.
    pub backing: Vec<String>,
    /// The internal snapshot to read.
    pub snapshot: Option<String>,
    /// Which volume is mounted where on the server: volume to absolute path.
    pub mounts: BTreeMap<String, String>,
    /// The hosts that take mail in for it, as Received fields name them, in ASCII lower case.
    pub received_by: Vec<String>,
}

/// What is held back.
#[derive(Debug, Clone)]
pub struct Withhold {
    /// Why: `privileged`, ...
    pub class: String,
    /// A record that holds any of these anywhere is withheld.
    pub identifiers: Vec<Identifier>,
    /// A file under any of these globs is withheld.
    pub paths: Vec<String>,
}
