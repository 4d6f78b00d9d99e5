//! Images: addressable bytes behind a stored file, whatever the file's format.
//!
//! How to read is an open set: one file, one line in [`FORMATS`], one fixture. Exactly one probe may say yes; raw is
//! never a fallback. What else a stored file is known to be is refused by its name.
//!
//! **Invariant:** an image is opened for reading only, and nothing is written beside it.

mod backing;
mod dmg;
mod ewf;
mod hashing;
mod parallels;
mod qcow;
mod qcow2;
mod qed;
mod qemu;
mod raw;
mod segment;
pub mod signature;
mod stored;
mod vdi;
mod vhd;
mod vhdx;
mod vmdk;
mod window;

use std::path::PathBuf;
use std::sync::Arc;

pub use hashing::{Hashed, Hashing, hash_beside};
pub use stored::{Identity, StoredFile};
pub use window::Windowed;

use crate::read_error::ReadError;

/// Addressable bytes.
pub trait Image: Send + Sync {
    /// How many, as the guest saw them.
    fn size_bytes(&self) -> u64;

    /// Fills `buffer` from `offset`, or fails: a read that reaches past the end is an error.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError>;

    /// The other program of this machine that reads its format, or that of what stands behind it, with its version; none where
    /// this one does it alone.
    fn program(&self) -> Option<String> {
        None
    }
}

/// An image as the operator names it, before its format is known.
pub struct Stored {
    /// The file that was named: an image, or the first segment of one.
    pub file: Arc<StoredFile>,
    /// Where it is, without links: further segments stand beside it.
    pub place: PathBuf,
    /// The files behind it that the operator names, nearest first. No other backing file is ever opened.
    pub backing: Vec<PathBuf>,
    /// The internal snapshot to read, by its name; none = the image as it was left.
    pub snapshot: Option<String>,
    /// A folder where a reader may keep a private socket.
    pub scratch: PathBuf,
}

/// An image, open.
pub struct OpenedImage {
    /// Its format's name, as a source's kind in the package.
    pub format: &'static str,
    /// What the guest saw.
    pub bytes: Arc<dyn Image>,
    /// Every file that it is stored in: segments in their order, then backing files. They are hashed in this order.
    pub files: Vec<Arc<StoredFile>>,
}

impl Stored {
    /// It is in a format that has neither snapshots nor anything behind it.
    fn stands_alone(&self) -> Result<(), ReadError> {
        self.has_no_snapshot()?;
        if self.backing.is_empty() {
            return Ok(());
        }
        Err(unsupported("a backing file behind an image that has none"))
    }

    /// It is in a format that has no snapshots.
    fn has_no_snapshot(&self) -> Result<(), ReadError> {
        match self.snapshot {
            None => Ok(()),
            Some(_) => Err(unsupported("a snapshot of an image whose format has none")),
        }
    }
}

fn unsupported(what: &str) -> ReadError {
    ReadError::Unsupported { offset: 0, what: what.to_owned() }
}

/// Opens an image that is in this format.
type Open = fn(&Stored) -> Result<OpenedImage, ReadError>;

/// An image format.
pub struct ImageFormat {
    /// Its name, as a source's kind in the package.
    pub name: &'static str,
    /// The stored file is in this format.
    probe: fn(&Stored) -> Result<bool, ReadError>,
    /// Opens it; what the format can and this version cannot is refused by name.
    open: Open,
}

/// Every image format.
pub static FORMATS: [ImageFormat; 11] = [
    raw::FORMAT,
    qcow2::FORMAT,
    ewf::FORMAT,
    qcow::FORMAT,
    qed::FORMAT,
    vmdk::FORMAT,
    vhd::FORMAT,
    vhdx::FORMAT,
    vdi::FORMAT,
    parallels::FORMAT,
    dmg::FORMAT,
];

/// Opens a stored file in the one format that claims it.
pub fn open(stored: &Stored) -> Result<OpenedImage, ReadError> {
    let mut fitting = Vec::new();
    for format in &FORMATS {
        if (format.probe)(stored)? {
            fitting.push(format);
        }
    }
    match fitting.as_slice() {
        [format] if format.name != raw::FORMAT.name && segment::is_split(stored) => {
            let what = format!("{} that is split into parts; join them first", format.name);
            Err(ReadError::Unsupported { offset: 0, what })
        }
        [format] => (format.open)(stored),
        [] => Err(signature::refusal(&signature::of(stored.file.as_ref())?)),
        [first, second, ..] => Err(ReadError::Unsupported {
            offset: 0,
            what: format!("an image that is both {} and {}", first.name, second.name),
        }),
    }
}
