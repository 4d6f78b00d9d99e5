//! A package as it was received: encrypted, or not.
//!
//! **Invariant:** which of the two it is, is told by its first bytes, and never by its name.

use std::io::{self, Read, Seek, SeekFrom};

use super::decrypting::Decrypting;
use super::error::OpenError;
use super::header::{Kind, kind};
use super::identity::Identities;

/// So many first bytes tell what a file is.
const FRONT_BYTES: u64 = 64;

/// The tar of a package, to be read.
#[derive(Debug)]
pub enum Opened<R> {
    /// The file is the tar.
    Plain(R),
    /// The file is the encrypted tar.
    Encrypted(Box<Decrypting<R>>),
}

impl<R: Read + Seek> Opened<R> {
    /// Looks at a file, and opens it by an identity where it is encrypted.
    pub fn open(mut file: R, identities: &Identities) -> Result<Self, OpenError> {
        let mut front = Vec::new();
        file.by_ref().take(FRONT_BYTES).read_to_end(&mut front).map_err(OpenError::Io)?;
        file.rewind().map_err(OpenError::Io)?;
        match kind(&front) {
            Kind::Plain => Ok(Self::Plain(file)),
            Kind::Armored => Err(OpenError::Armored),
            Kind::Encrypted => Ok(Self::Encrypted(Box::new(Decrypting::open(file, identities)?))),
        }
    }
}

impl<R: Read + Seek> Read for Opened<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buffer),
            Self::Encrypted(file) => file.read(buffer),
        }
    }
}

impl<R: Read + Seek> Seek for Opened<R> {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Plain(file) => file.seek(place),
            Self::Encrypted(file) => file.seek(place),
        }
    }
}
