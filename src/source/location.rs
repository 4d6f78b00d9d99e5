//! Where a source is, and what the provider says of it.
//!
//! **Invariant:** nothing is opened here; a key is never shown.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::volume::Key;

/// Where a source is, and what the provider says of it.
#[derive(Clone, Debug)]
pub struct Location {
    /// The folder, the image or its first segment, or the archive. It may be a link: it is followed once, by the operator's
    /// word.
    pub path: PathBuf,
    /// The further disks of the same server.
    pub disks: Vec<PathBuf>,
    /// The files behind the image, nearest first.
    pub backing: Vec<PathBuf>,
    /// The internal snapshot of the image to read.
    pub snapshot: Option<String>,
    /// Which volume is mounted where on the server: volume to absolute path.
    pub mounts: BTreeMap<String, String>,
    /// What opens its encrypted volumes.
    pub keys: Vec<Key>,
    /// A folder for a reader's private socket and for unnamed files: what an archive unpacks to.
    pub scratch: PathBuf,
}

impl Location {
    /// A path, and nothing said beside it.
    pub fn at(path: PathBuf, scratch: PathBuf) -> Self {
        Self {
            path,
            disks: Vec::new(),
            backing: Vec::new(),
            snapshot: None,
            mounts: BTreeMap::new(),
            keys: Vec::new(),
            scratch,
        }
    }
}
