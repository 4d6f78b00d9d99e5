//! VMDK images of VMware: by ourselves, and the compressed ones (streamOptimized) by QEMU.
//!
//! A disk is one file that holds its descriptor, or a descriptor and extents beside it. Extents are opened beside the
//! descriptor only, by names without a folder. The format is VMware's "Virtual Disk Format 5.0".
//!
//! **Invariant:** an extent that is missing, too short or outside the folder is refused; so is an image of changes whose
//! parent was not named, or is not the one that it was made from.

mod descriptor;
mod sparse;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use super::backing::{self, Stated};
use super::qemu::Disk;
use super::segment::Joined;
use super::{Image, ImageFormat, OpenedImage, Stored, StoredFile, unsupported};
use crate::limits;
use crate::read_error::ReadError;
use descriptor::{Descriptor, embedded};
use sparse::{Header, Sparse};

/// The row of the table.
pub const FORMAT: ImageFormat = ImageFormat { name: "vmdk", probe, open };

/// What the identifier of a parent is where there is none.
const NO_PARENT: &str = "ffffffff";

fn probe(stored: &Stored) -> Result<bool, ReadError> {
    let head = stored.file.read_up_to(0, 32)?;
    Ok(sparse::is_sparse(&head) || descriptor::is_descriptor(&head))
}

fn open(stored: &Stored) -> Result<OpenedImage, ReadError> {
    stored.has_no_snapshot()?;
    if descriptor::is_descriptor(&stored.file.read_up_to(0, 32)?) {
        return open_parts(stored);
    }
    let Some(descriptor) = embedded(&stored.file)? else {
        return Err(unsupported("an extent of a VMDK image; name the descriptor of the disk"));
    };
    let mut files = vec![Arc::clone(&stored.file)];
    let parent = parent(stored, &descriptor, &mut files)?;
    let header = Header::read(&stored.file)?;
    let bytes: Arc<dyn Image> = if header.is_compressed {
        if parent.is_some() {
            return Err(unsupported("a compressed VMDK image of changes to another one"));
        }
        // The place of its tables stands at the file's end, which must be seen.
        let mut disk = Disk::new(FORMAT.name, "vmdk", Arc::clone(&stored.file) as _, false);
        disk.size_bytes = Some(header.size_bytes);
        disk.open(&stored.scratch)?
    } else {
        Arc::new(Sparse::open(&stored.file, header, parent.map(|parent| (parent, 0)))?)
    };
    Ok(OpenedImage { format: FORMAT.name, bytes, files })
}

/// A descriptor, and extents beside it.
fn open_parts(stored: &Stored) -> Result<OpenedImage, ReadError> {
    let length = usize::try_from(stored.file.size_bytes()).unwrap_or(usize::MAX);
    if length > limits::VMDK_DESCRIPTOR_BYTES {
        return Err(ReadError::Limit { offset: 0, what: "the size of a VMDK descriptor" });
    }
    let descriptor = Descriptor::read(&stored.file.read_up_to(0, length)?)?;
    let mut files = vec![Arc::clone(&stored.file)];
    let mut opened = Vec::new();
    for extent in &descriptor.extents {
        let file = match &extent.name {
            Some(name) => Some(beside(stored, name)?),
            None => None,
        };
        files.extend(file.clone());
        opened.push((extent, file));
    }
    let parent = parent(stored, &descriptor, &mut files)?;
    let mut joined = Joined::new();
    for (extent, file) in opened {
        let length = extent.length_bytes();
        let part = match file {
            None => None,
            Some(file) if matches!(extent.kind.as_str(), "FLAT" | "VMFS") => {
                Some((file as Arc<dyn Image>, extent.offset.saturating_mul(limits::SECTOR_BYTES)))
            }
            Some(file) => {
                let header = Header::read(&file)?;
                if header.is_compressed {
                    return Err(unsupported("a VMDK image of several extents that are compressed"));
                }
                let begin = joined.size_bytes();
                let sparse = Sparse::open(&file, header, parent.clone().map(|parent| (parent, begin)))?;
                Some((Arc::new(sparse) as Arc<dyn Image>, 0))
            }
        };
        joined.push(part, length)?;
    }
    Ok(OpenedImage { format: FORMAT.name, bytes: Arc::new(joined), files })
}

/// Opens an extent that stands beside the descriptor.
fn beside(stored: &Stored, name: &[u8]) -> Result<Arc<StoredFile>, ReadError> {
    if name.is_empty() || name.contains(&b'/') || name == b"." || name == b".." {
        return Err(unsupported("an extent of a VMDK image that is not beside its descriptor"));
    }
    let folder = stored.place.parent().unwrap_or(Path::new("/"));
    match StoredFile::open(&folder.join(OsStr::from_bytes(name))) {
        Err(ReadError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Err(unsupported("a VMDK image without one of its extents beside it"))
        }
        opened => opened.map(Arc::new),
    }
}

fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

/// What the image is a set of changes to.
fn parent(
    stored: &Stored,
    descriptor: &Descriptor,
    files: &mut Vec<Arc<StoredFile>>,
) -> Result<Option<Arc<dyn Image>>, ReadError> {
    if descriptor.parent.eq_ignore_ascii_case(NO_PARENT) {
        stored.stands_alone()?;
        return Ok(None);
    }
    let base = backing::open(stored, &Stated::Anything)?;
    if base.format != FORMAT.name {
        return Err(unsupported("a VMDK image whose parent is not one"));
    }
    let first = base.files.first().ok_or_else(|| corrupt("a parent without a file"))?;
    let own = match embedded(first) {
        _ if descriptor::is_descriptor(&first.read_up_to(0, 32)?) => {
            Descriptor::read(&first.read_up_to(0, limits::VMDK_DESCRIPTOR_BYTES)?)?
        }
        other => other?.ok_or_else(|| corrupt("a parent without a descriptor"))?,
    };
    if !own.own.eq_ignore_ascii_case(&descriptor.parent) {
        return Err(unsupported("a VMDK image whose parent is another one, or was written to since"));
    }
    files.extend(base.files);
    Ok(Some(base.bytes))
}
