//! Archives as trees: tar, packed or not, and zip.
//!
//! A packed tar is unpacked once, into an unnamed file. One that is damaged, or over a bound, on the way is read as far as it
//! goes, and every folder of it says that there may be more.
//!
//! **Invariant:** what goes over a bound, is damaged or is encrypted is an error, never an absence.

mod stamp;
mod system;
mod tar;
mod tree;
mod unnamed;
mod zip;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use self::system::Archive;
use super::FileSystem;
use crate::clock::Zone;
use crate::image::Image;
use crate::limits;
use crate::packing::{self, Packing};
use crate::read_error::ReadError;

/// A stream that begins with these bytes may be an archive: it is worth being kept and looked into. A whole stream shorter
/// than [`limits::PROBE_BYTES`] is given whole.
///
/// Of a packed one, what these bytes unpack to tells: thousands of packed logs are not kept for nothing.
pub fn begins_one(head: &[u8]) -> bool {
    if zip::begins_one(head) || tar::begins_one(head) {
        return true;
    }
    let Some(packing) = Packing::of(head) else { return false };
    // What does not unpack here is damaged, or needs more of the stream: either is told by `probe`.
    holds_tar(packing, head).unwrap_or(true)
}

/// A packed stream unpacks to something that begins as a tar does.
fn holds_tar(packing: Packing, packed: impl std::io::BufRead) -> Result<bool, ReadError> {
    let mut stream = packing.unpack(packed)?;
    let mut head = vec![0; tar::HEAD_BYTES];
    let mut filled = 0;
    while let Some(room) = head.get_mut(filled..).filter(|room| !room.is_empty()) {
        match packing::read_on(&mut stream, room) {
            Ok(0) => return Ok(false),
            Ok(count) => filled += count,
            Err(error) => return Err(packing::damage(error, u64::try_from(filled).unwrap_or(0))),
        }
    }
    Ok(tar::begins_one(&head))
}

/// The archive's kind (`tar`, `tar.gz`, `tar.zst`, `tar.xz`, `tar.bz2`, `tar.lz4`, `zip`); none for what is no archive, such as a
/// single packed file. An error: it begins as a packed stream, and its first bytes do not unpack.
pub fn probe(image: &dyn Image) -> Result<Option<&'static str>, ReadError> {
    let length = usize::try_from(image.size_bytes()).unwrap_or(usize::MAX).min(limits::PROBE_BYTES);
    let mut head = vec![0; length];
    image.read_at(0, &mut head)?;
    if zip::begins_one(&head) {
        return Ok(Some("zip"));
    }
    if tar::begins_one(&head) {
        return Ok(Some("tar"));
    }
    let Some(packing) = Packing::of(&head) else { return Ok(None) };
    let packed = std::io::BufReader::with_capacity(limits::CHUNK_BYTES, unnamed::Borrowed::new(image));
    Ok(holds_tar(packing, packed)?.then(|| packing.kind()))
}

/// Opens an archive. `scratch`: a folder for the unnamed file that a packed one unpacks to; `zone`: of times that carry
/// none.
pub fn open(image: Arc<dyn Image>, scratch: &Path, zone: Option<Zone>) -> Result<Box<dyn FileSystem>, ReadError> {
    let length = usize::try_from(image.size_bytes()).unwrap_or(usize::MAX).min(limits::PROBE_BYTES);
    let mut head = vec![0; length];
    image.read_at(0, &mut head)?;
    if zip::begins_one(&head) {
        let (members, tree, error) = zip::read(image, zone)?;
        return Ok(Box::new(Archive::new(members, tree, error)));
    }
    let (unpacked, failed) = match Packing::of(&head).filter(|_| !tar::begins_one(&head)) {
        Some(packing) => unnamed::unpack(&image, packing, scratch)?,
        None => (image, None),
    };
    let (members, tree, error) = tar::read(unpacked);
    // Where unpacking failed, the tar is cut because of it.
    Ok(Box::new(Archive::new(members, tree, failed.or(error))))
}

/// Keeps a stream in an unnamed file in `scratch`, so that it can be read at any place.
pub fn spool(stream: &mut dyn Read, scratch: &Path) -> Result<Arc<dyn Image>, ReadError> {
    unnamed::keep(stream, scratch)
}
