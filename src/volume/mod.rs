//! Volumes: windows on the images of a source, and what several of them make together.
//!
//! Every disk is a piece whose content is found out; that may give further pieces (partitions, an array, a logical volume,
//! decrypted bytes), until only volumes are left that a file system may stand on. Arrays and groups wait until all their
//! parts may have been found.
//!
//! | layer | file | read |
//! |---|---|---|
//! | partition table | `mbr`, `gpt` | MBR with logical partitions, GPT; sectors of 512 and 4,096 bytes |
//! | RAID member | `md`, `array` | MD RAID1 with superblocks 0.90, 1.0, 1.1, 1.2 |
//! | encryption | `luks` | LUKS1, LUKS2 with AES in XTS, CBC, ECB |
//! | physical volume | `lvm` | LVM2: linear and striped volumes |
//!
//! What else stands there is refused by name.
//!
//! **Invariant:** a volume never reaches outside its image; nothing that was found is left out of the list, if only as refused.

mod array;
mod claim;
mod empty;
mod field;
mod gpt;
mod luks;
mod lvm;
mod mapped;
mod mbr;
mod md;
mod partition;
mod piece;
mod resolve;

use std::sync::Arc;

use crate::image::Image;
use crate::read_error::ReadError;

/// The name of the one volume of an image without a partition table.
pub const WHOLE: &str = "whole";

/// A window on an image, or on what several of them make together.
pub struct Volume {
    /// Its name in an order's `mounts` and in the ledger.
    pub name: String,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// What it was taken out of, outermost first: `GPT`, `LUKS2`, `LVM`. A layer that was not whole says so behind its name.
    pub layers: Vec<&'static str>,
    /// The keys that opened it, by their place in the list that was given; a key that no volume names opened nothing.
    pub keys: Vec<usize>,
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

/// The volumes of a source's images: those of each disk by their numbers, then arrays, then the volumes of groups. Nothing but
/// tables and headers is read. What cannot be read stands in the list as refused; an error is only that there are too many.
pub fn list(disks: &[Arc<dyn Image>], keys: &[Key]) -> Result<Vec<Volume>, ReadError> {
    resolve::volumes(disks, keys)
}
