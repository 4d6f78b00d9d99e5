//! Archives as trees: tar, packed or not, and zip.
//!
//! **Invariant:** what goes over a bound, is damaged or is encrypted is an error, never an absence.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::FileSystem;
use crate::clock::Zone;
use crate::image::Image;
use crate::read_error::ReadError;

/// A stream that begins with these bytes may be an archive: it is worth being kept and looked into.
pub fn begins_one(_head: &[u8]) -> bool {
    false
}

/// The archive's kind (`tar`, `tar.gz`, `tar.zst`, `tar.xz`, `tar.bz2`, `zip`); none for what is no archive.
pub fn probe(_image: &dyn Image) -> Result<Option<&'static str>, ReadError> {
    Ok(None)
}

/// Opens an archive. `scratch`: a folder for the unnamed file that a packed one unpacks to; `zone`: of times that carry
/// none.
pub fn open(_image: Arc<dyn Image>, _scratch: &Path, _zone: Option<Zone>) -> Result<Box<dyn FileSystem>, ReadError> {
    Err(ReadError::Unsupported { offset: 0, what: "an archive".to_owned() })
}

/// Keeps a stream in an unnamed file in `scratch`, so that it can be read at any place.
pub fn spool(_stream: &mut dyn Read, _scratch: &Path) -> Result<Arc<dyn Image>, ReadError> {
    Err(ReadError::Unsupported { offset: 0, what: "an archive".to_owned() })
}
