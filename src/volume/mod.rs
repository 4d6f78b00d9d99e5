//! Volumes: windows on the images of a source.
//!
//! This version reads images without a partition table: the one volume is `whole`. What else stands there is refused by
//! name.
//!
//! **Invariant:** a volume never reaches outside its image.

use std::sync::Arc;

use crate::image::signature::{self, Class};
use crate::image::{Image, Windowed};
use crate::read_error::ReadError;

/// The name of the one volume of an image without a partition table.
pub const WHOLE: &str = "whole";

/// A window on an image, or on what several of them make together.
pub struct Volume {
    /// Its name in an order's `mounts` and in the ledger.
    pub name: String,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// What it holds.
    pub content: Content,
}

/// What a volume holds, as far as volumes go.
pub enum Content {
    /// Bytes that a file system may stand on.
    Bytes(Arc<dyn Image>),
    /// Encrypted bytes, and no key: the method's name.
    Encrypted(String),
    /// Nothing that could hold files: swap, a boot loader, only zeros. By its name.
    Unused(&'static str),
    /// It cannot be put together, or is of a kind that this version does not read.
    Refused(ReadError),
}

/// What opens an encrypted volume: a passphrase or the content of a key file, byte for byte.
#[derive(Clone)]
pub struct Key(Vec<u8>);

impl Key {
    /// From its bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(redacted)")
    }
}

/// The volumes of a source's images, in the order of their names' numbers.
pub fn list(disks: &[Arc<dyn Image>], _keys: &[Key]) -> Result<Vec<Volume>, ReadError> {
    let mut volumes = Vec::new();
    for image in disks {
        let known = signature::of(image.as_ref())?;
        if known.iter().any(|known| known.class != Class::FileSystem) {
            return Err(signature::refusal(&known));
        }
        let bytes: Arc<dyn Image> = Arc::new(Windowed::new(Arc::clone(image)));
        volumes.push(Volume { name: WHOLE.to_owned(), size_bytes: bytes.size_bytes(), content: Content::Bytes(bytes) });
    }
    Ok(volumes)
}
