//! Why a source cannot be opened.
//!
//! **Invariant:** no error quotes a name from within a source.

use crate::read_error::ReadError;

/// Why a source could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Its path leads nowhere, or to something that is neither a folder nor a file.
    #[error("source {name} cannot be opened: {source}")]
    Missing {
        /// The source's name in the order.
        name: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// It is neither a folder nor a regular file.
    #[error("source {name} is neither a folder nor a regular file")]
    NeitherFolderNorFile {
        /// The source's name in the order.
        name: String,
    },
    /// It is there and cannot be read.
    #[error("source {name}: {source}")]
    Read {
        /// The source's name in the order.
        name: String,
        /// Why.
        source: ReadError,
    },
    /// A volume that was asked for is there and cannot be read.
    #[error("source {name}, volume {volume}: {source}")]
    Volume {
        /// The source's name in the order.
        name: String,
        /// The volume's name.
        volume: String,
        /// Why.
        source: ReadError,
    },
    /// The order or the provider file names a volume that the source does not have.
    #[error("source {name} has no volume {volume}")]
    NoSuchVolume {
        /// The source's name in the order.
        name: String,
        /// The volume's name as written.
        volume: String,
    },
    /// The order is about one volume, and the provider file mounts another one.
    #[error("the order is about one volume of source {name}, and `mounts` names another: {volume}")]
    OtherVolume {
        /// The source's name in the order.
        name: String,
        /// The volume's name in `mounts`.
        volume: String,
    },
    /// A mount is not an absolute path.
    #[error("source {name}: a volume must be mounted at an absolute path without `.` and `..`")]
    BadMount {
        /// The source's name in the order.
        name: String,
    },
    /// Several volumes could hold files, and nothing says which stands where.
    #[error("source {name} has {count} volumes that may hold files, and nothing says where each stands on the server")]
    NeedsMounts {
        /// The source's name in the order.
        name: String,
        /// How many.
        count: usize,
    },
    /// There is a disk, and nothing on it could hold files.
    #[error("source {name} has no volume that could hold files")]
    NoVolume {
        /// The source's name in the order.
        name: String,
    },
    /// A key is given, and nothing in the source is opened by it.
    #[error("source {name}: the key opens none of its encrypted volumes")]
    KeyOpensNothing {
        /// The source's name in the order.
        name: String,
    },
    /// What is said of images is said of a folder or an archive.
    #[error("source {name} is a {kind}: it has no {what}")]
    OnlyOfImages {
        /// The source's name in the order.
        name: String,
        /// What it is.
        kind: &'static str,
        /// What was said of it.
        what: &'static str,
    },
}
