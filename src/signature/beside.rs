//! The signatures that lie beside a package: `2024-17.tar.sig`, of further signers `2024-17.tar.2.sig` and so on.
//!
//! **Invariant:** what exists is never replaced, and no file is read beyond its bound.

use std::io;
use std::path::{Path, PathBuf};

use super::envelope::Envelope;
use super::fault::Fault;
use crate::beside::Kind;
use crate::limits;

/// The files that hold signatures.
pub const SIGNATURES: Kind = Kind { ending: "sig", count: limits::SIGNATURES, bytes: limits::SIGNATURE_BYTES };

/// A signature that lies beside a package.
#[derive(Debug)]
pub struct Beside {
    /// The name of its file.
    pub name: String,
    /// What it is, or why it is none.
    pub envelope: Result<Envelope, Fault>,
}

/// All that lie beside a package, by number.
pub fn all(package: &Path) -> Vec<Beside> {
    let read = |content: Result<Vec<u8>, _>| content.map_err(Fault::Unread).and_then(|text| Envelope::read(&text));
    let found = SIGNATURES.all(package).into_iter();
    found.map(|found| Beside { name: found.name, envelope: read(found.content) }).collect()
}

/// Lays a signature beside a package, under the first name that is free; where that is.
pub fn write(package: &Path, envelope: &Envelope) -> io::Result<PathBuf> {
    SIGNATURES.write(package, envelope.armored().as_bytes())
}
