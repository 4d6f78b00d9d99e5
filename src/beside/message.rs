//! What lies beside a package is over: the package's `tagmanifest-sha256.txt`, which binds every other member.
//!
//! **Invariant:** all hashes are of the same bytes, read once.

use std::io::{self, Read};

use sha2::{Digest as _, Sha384, Sha512};

use crate::digest::{Digest, Hasher};
use crate::limits;

/// What signatures and time-stamps are over, by its hashes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    sha256: Digest,
    sha384: [u8; 48],
    sha512: [u8; 64],
}

impl Message {
    /// Of all that a stream gives.
    pub fn of(mut stream: impl Read) -> io::Result<Self> {
        let (mut sha256, mut sha384, mut sha512) = (Hasher::new(), Sha384::new(), Sha512::new());
        let mut buffer = vec![0; limits::CHUNK_BYTES];
        loop {
            let count = stream.read(&mut buffer)?;
            let Some(chunk) = buffer.get(..count).filter(|chunk| !chunk.is_empty()) else { break };
            sha256.update(chunk);
            sha384.update(chunk);
            sha512.update(chunk);
        }
        Ok(Self { sha256: sha256.finish(), sha384: sha384.finalize().into(), sha512: sha512.finalize().into() })
    }

    /// Its SHA-256.
    pub fn sha256(&self) -> &Digest {
        &self.sha256
    }

    /// Its SHA-384.
    pub fn sha384(&self) -> &[u8] {
        &self.sha384
    }

    /// Its SHA-512.
    pub fn sha512(&self) -> &[u8] {
        &self.sha512
    }
}
