//! qcow2 images, versions 2 and 3, read by the imago crate.
//!
//! Before imago sees the file its header is held against this version's limits, and what cannot be read is refused by
//! name: encryption, compression other than zlib, extended level 2 entries, an external data file, a backing file, the
//! dirty and the corrupt flag. imago reads what lies past the end of the stored file as zeros; so that an image that was
//! cut is never taken for zeros, every mapping is held against the stored file's size first. Internal snapshots are not
//! read: only the active state is. The format is QEMU's `docs/interop/qcow2.txt`.
//!
//! **Invariant:** a guest byte is either the image's own or an error; an unallocated cluster alone is zeros.

use std::sync::Arc;

use imago::file::File;
use imago::qcow2::Qcow2 as Driver;
use imago::{DenyImplicitOpenGate, FormatAccess, FormatDriverBuilder as _, Mapping};

use super::{Image, ImageFormat, OpenedImage, Stored, StoredFile};
use crate::limits;
use crate::read_error::ReadError;

/// The row of the table.
pub const FORMAT: ImageFormat = ImageFormat { name: "qcow2", probe, open };

const MAGIC: &[u8] = b"QFI\xfb";
/// Bits 9 to 55 of a level 1 or level 2 entry: an offset in the stored file.
const OFFSET_BITS: u64 = 0x00ff_ffff_ffff_fe00;

fn probe(stored: &StoredFile) -> Result<bool, ReadError> {
    let head = stored.read_up_to(0, 8)?;
    Ok(head.starts_with(MAGIC) && !head.ends_with(&[0, 0, 0, 1]))
}

fn open(stored: &Stored) -> Result<OpenedImage, ReadError> {
    let stored = Arc::clone(&stored.file);
    let header = Header::read(&stored)?;
    let lost_tables = header.lost_tables(&stored)?;
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::Unsupported => unsupported("a feature of qcow2 that the reader does not know"),
        std::io::ErrorKind::InvalidData => ReadError::Corrupt { offset: 0, what: "the qcow2 header" },
        _ => ReadError::io(0, error),
    };
    let file = File::try_from(stored.handle()?).map_err(failed)?;
    let driver = Driver::<File>::builder(file).write(false).open(DenyImplicitOpenGate::default()).map_err(failed)?;
    let files = vec![Arc::clone(&stored)];
    let bytes = Arc::new(Qcow2 { access: FormatAccess::new(driver), header, lost_tables, stored });
    Ok(OpenedImage { format: FORMAT.name, bytes, files })
}

fn unsupported(what: &str) -> ReadError {
    ReadError::Unsupported { offset: 0, what: what.to_owned() }
}

/// What the guard needs of the header.
struct Header {
    size_bytes: u64,
    cluster_bits: u32,
    l1_offset: u64,
    l1_entries: u64,
}

impl Header {
    fn read(stored: &StoredFile) -> Result<Self, ReadError> {
        let bytes = stored.read_up_to(0, 112)?;
        let short = ReadError::Corrupt { offset: 0, what: "the qcow2 header ends early" };
        let word = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
        let long = |at: usize| bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_be_bytes);
        let fields = (word(4), long(8), word(20), long(24), word(32), word(36), long(40));
        let (Some(version), Some(backing), Some(cluster_bits), Some(size), Some(crypt), Some(l1), Some(l1_offset)) =
            fields
        else {
            return Err(short);
        };
        let incompatible = match version {
            2 => 0,
            3 => long(72).ok_or(short)?,
            other => return Err(unsupported(&format!("qcow2 version {other}"))),
        };
        refuse_features(incompatible, crypt, backing)?;
        if !(9..=21).contains(&cluster_bits) {
            return Err(ReadError::Corrupt { offset: 20, what: "the cluster size of a qcow2 image" });
        }
        let l1_entries = u64::from(l1);
        if l1_entries > limits::QCOW2_L1_ENTRIES {
            return Err(ReadError::Limit { offset: 36, what: "entries of a qcow2 level 1 table" });
        }
        let table_end = l1_offset.checked_add(l1_entries * 8);
        if l1_offset % (1 << cluster_bits) != 0 || table_end.is_none_or(|end| end > stored.size_bytes()) {
            return Err(ReadError::Corrupt { offset: 40, what: "the qcow2 level 1 table is not within the file" });
        }
        // A level 2 table fills one cluster with 8-byte entries, so an entry of level 1 stands for this much.
        let covered = u128::from(l1_entries) << (2 * cluster_bits - 3);
        if u128::from(size) > covered {
            return Err(ReadError::Corrupt { offset: 24, what: "the qcow2 level 1 table is too short for the disk" });
        }
        Ok(Self { size_bytes: size, cluster_bits, l1_offset, l1_entries })
    }

    /// The level 1 entries whose table is not within the stored file.
    fn lost_tables(&self, stored: &StoredFile) -> Result<Vec<u64>, ReadError> {
        let mut lost = Vec::new();
        let mut table = vec![0; limits::CHUNK_BYTES];
        let mut index = 0;
        while index < self.l1_entries {
            let left = usize::try_from((self.l1_entries - index) * 8).unwrap_or(usize::MAX).min(table.len());
            let Some(part) = table.get_mut(..left) else { break };
            stored.read_at(self.l1_offset + index * 8, part)?;
            for entry in part.as_chunks::<8>().0 {
                let offset = u64::from_be_bytes(*entry) & OFFSET_BITS;
                if offset != 0 && offset.saturating_add(1 << self.cluster_bits) > stored.size_bytes() {
                    if lost.len() >= limits::QCOW2_LOST_TABLES {
                        return Err(ReadError::Limit { offset, what: "qcow2 level 2 tables outside the file" });
                    }
                    lost.push(index);
                }
                index += 1;
            }
        }
        Ok(lost)
    }
}

fn refuse_features(incompatible: u64, crypt: u32, backing: u64) -> Result<(), ReadError> {
    const NAMES: [&str; 5] = [
        "a qcow2 image that was not closed (dirty flag)",
        "a qcow2 image marked as corrupt",
        "a qcow2 image with an external data file",
        "a qcow2 image with a compression other than zlib",
        "a qcow2 image with extended level 2 entries",
    ];
    if crypt != 0 {
        return Err(unsupported("an encrypted qcow2 image"));
    }
    if backing != 0 {
        return Err(unsupported("a qcow2 image with a backing file"));
    }
    match NAMES.get(incompatible.trailing_zeros() as usize) {
        Some(name) => Err(unsupported(name)),
        None if incompatible != 0 => Err(unsupported("a qcow2 image with an unknown feature")),
        None => Ok(()),
    }
}

struct Qcow2 {
    access: FormatAccess<File>,
    header: Header,
    lost_tables: Vec<u64>,
    stored: Arc<StoredFile>,
}

impl Qcow2 {
    /// What the range is read from lies within the stored file.
    fn check(&self, offset: u64, length: u64) -> Result<(), ReadError> {
        let cut = |offset: u64| ReadError::Corrupt { offset, what: "the stored image ends before this" };
        let end = offset.checked_add(length).filter(|end| *end <= self.header.size_bytes).ok_or_else(|| cut(offset))?;
        let mut at = offset;
        while at < end {
            let table = at >> (2 * self.header.cluster_bits - 3);
            if self.lost_tables.binary_search(&table).is_ok() {
                return Err(cut(at));
            }
            let (mapping, mapped) = self.access.get_mapping(at, end - at).map_err(|error| damaged(at, error))?;
            let mut mapped = mapped.min(end - at);
            match mapping {
                Mapping::Raw { offset: host, .. }
                    if host.checked_add(mapped).is_none_or(|host_end| host_end > self.stored.size_bytes()) =>
                {
                    return Err(cut(at));
                }
                Mapping::Special { .. } => {
                    let cluster = 1_u64 << self.header.cluster_bits;
                    mapped = mapped.min(cluster - at % cluster);
                    self.check_compressed(at)?;
                }
                _ => {}
            }
            if mapped == 0 {
                return Err(cut(at));
            }
            at += mapped;
        }
        Ok(())
    }

    /// A compressed cluster's sectors lie within the stored file: zeros behind a cut could unpack to something.
    fn check_compressed(&self, offset: u64) -> Result<(), ReadError> {
        let bits = self.header.cluster_bits;
        let long = |at: u64| -> Result<u64, ReadError> {
            let mut entry = [0; 8];
            self.stored.read_at(at, &mut entry)?;
            Ok(u64::from_be_bytes(entry))
        };
        let table = long(self.header.l1_offset + (offset >> (2 * bits - 3)) * 8)? & OFFSET_BITS;
        let entry = long(table + (offset >> bits) % (1 << (bits - 3)) * 8)?;
        let split = 62 - (bits - 8);
        let host = entry & ((1 << split) - 1);
        let sectors = (entry & ((1 << 62) - 1)) >> split;
        if (host & !511).saturating_add((sectors + 1) * 512) > self.stored.size_bytes() {
            return Err(ReadError::Corrupt { offset, what: "the stored image ends before this" });
        }
        Ok(())
    }
}

/// The driver's words may quote the file's name: only the place is kept.
fn damaged(offset: u64, error: std::io::Error) -> ReadError {
    match error.raw_os_error() {
        Some(_) => ReadError::io(offset, error),
        None => ReadError::Corrupt { offset, what: "a cluster of a qcow2 image" },
    }
}

impl Image for Qcow2 {
    fn size_bytes(&self) -> u64 {
        self.header.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        self.check(offset, u64::try_from(buffer.len()).unwrap_or(u64::MAX))?;
        self.access.read(buffer, offset).map_err(|error| damaged(offset, error))
    }
}
