//! qcow2 images, versions 2 and 3: by the imago crate, and what it refuses by QEMU.
//!
//! QEMU reads internal snapshots, zstd, extended level 2 entries and images whose reference counts were not written back.
//! Everything else is imago's. imago reads what lies past the end of the stored file as zeros; so that an image that was
//! cut is never taken for zeros, every mapping is held against the stored file's size first. What an overlay does not hold
//! is read here from the image behind it, which the operator must have named. The format is QEMU's
//! `docs/interop/qcow2.txt`.
//!
//! **Invariant:** a guest byte is either the image's own, or that of the named image behind it, or an error; an unallocated
//! cluster alone is zeros.

mod header;

use std::sync::Arc;

use flate2::{Decompress, FlushDecompress};
use imago::file::File;
use imago::qcow2::Qcow2 as Driver;
use imago::{DenyImplicitOpenGate, FormatAccess, FormatDriverBuilder as _, Mapping};

use super::backing::{self, Stated};
use super::qemu::Disk;
use super::{Image, ImageFormat, OpenedImage, Stored, StoredFile, unsupported};
use crate::limits;
use crate::read_error::ReadError;
use header::Header;

/// The row of the table.
pub const FORMAT: ImageFormat = ImageFormat { name: "qcow2", probe, open };

const MAGIC: &[u8] = b"QFI\xfb";
/// What is wrong with a compressed cluster.
const PACKED: &str = "a compressed cluster of a qcow2 image";
/// Bits 9 to 55 of a level 1 or level 2 entry: an offset in the stored file.
const OFFSET_BITS: u64 = 0x00ff_ffff_ffff_fe00;

fn probe(stored: &Stored) -> Result<bool, ReadError> {
    let head = stored.file.read_up_to(0, 8)?;
    Ok(head.starts_with(MAGIC) && !head.ends_with(&[0, 0, 0, 1]))
}

fn open(stored: &Stored) -> Result<OpenedImage, ReadError> {
    let header = Header::read(&stored.file)?;
    if let Some(name) = &stored.snapshot {
        header.check_snapshot(&stored.file, name)?;
    }
    let mut files = vec![Arc::clone(&stored.file)];
    let base = if header.has_backing {
        let stated = header.backing_format.as_deref().map_or(Stated::Nothing, Stated::Format);
        let base = backing::open(stored, &stated)?;
        files.extend(base.files);
        Some(base.bytes)
    } else if stored.backing.is_empty() {
        None
    } else {
        return Err(unsupported("a backing file behind an image that has none"));
    };
    let bytes = if header.for_qemu || stored.snapshot.is_some() {
        let mut disk = Disk::new(FORMAT.name, "qcow2", Arc::clone(&stored.file) as _, true);
        disk.snapshot = stored.snapshot.clone();
        disk.size_bytes = Some(header.size_bytes);
        disk.backing = base;
        disk.file.blank.push(header::BACKING_NAME);
        disk.open(&stored.scratch)?
    } else {
        Arc::new(Qcow2::open(&stored.file, header, base)?)
    };
    Ok(OpenedImage { format: FORMAT.name, bytes, files })
}

/// The level 1 entries whose table is not within the stored file.
fn lost_tables(header: &Header, stored: &StoredFile) -> Result<Vec<u64>, ReadError> {
    let mut lost = Vec::new();
    let mut table = vec![0; limits::CHUNK_BYTES];
    let mut index = 0;
    while index < header.l1_entries {
        let left = usize::try_from((header.l1_entries - index) * 8).unwrap_or(usize::MAX).min(table.len());
        let Some(part) = table.get_mut(..left) else { break };
        stored.read_at(header.l1_offset + index * 8, part)?;
        for entry in part.as_chunks::<8>().0 {
            let offset = u64::from_be_bytes(*entry) & OFFSET_BITS;
            if offset != 0 && offset.saturating_add(1 << header.cluster_bits) > stored.size_bytes() {
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

/// A run of guest bytes.
struct Run {
    length: usize,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As they are stored.
    Data,
    /// In compressed clusters.
    Packed,
    /// The image holds nothing for them.
    Hole,
}

struct Qcow2 {
    access: FormatAccess<File>,
    header: Header,
    lost_tables: Vec<u64>,
    stored: Arc<StoredFile>,
    base: Option<Arc<dyn Image>>,
}

impl Qcow2 {
    fn open(stored: &Arc<StoredFile>, header: Header, base: Option<Arc<dyn Image>>) -> Result<Self, ReadError> {
        let lost_tables = lost_tables(&header, stored)?;
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::Unsupported => unsupported("a feature of qcow2 that the reader does not know"),
            std::io::ErrorKind::InvalidData => ReadError::Corrupt { offset: 0, what: "the qcow2 header" },
            _ => ReadError::io(0, error),
        };
        let file = File::try_from(stored.handle()?).map_err(failed)?;
        let builder = Driver::<File>::builder(file).write(false).backing(None);
        let driver = builder.open(DenyImplicitOpenGate::default()).map_err(failed)?;
        Ok(Self { access: FormatAccess::new(driver), header, lost_tables, stored: Arc::clone(stored), base })
    }

    /// Where the range is read from: within the stored file, or nowhere in it.
    fn runs(&self, offset: u64, length: u64) -> Result<Vec<Run>, ReadError> {
        let cut = |offset: u64| ReadError::Corrupt { offset, what: "the stored image ends before this" };
        let end = offset.checked_add(length).filter(|end| *end <= self.header.size_bytes).ok_or_else(|| cut(offset))?;
        let mut at = offset;
        let mut runs: Vec<Run> = Vec::new();
        while at < end {
            let table = at >> (2 * self.header.cluster_bits - 3);
            if self.lost_tables.binary_search(&table).is_ok() {
                return Err(cut(at));
            }
            let (mapping, mapped) = self.access.get_mapping(at, end - at).map_err(|error| damaged(at, error))?;
            let mut mapped = mapped.min(end - at);
            let kind = match mapping {
                Mapping::Zero { explicit: false, .. } => Kind::Hole,
                Mapping::Special { .. } => Kind::Packed,
                _ => Kind::Data,
            };
            match mapping {
                Mapping::Raw { offset: host, .. }
                    if host.checked_add(mapped).is_none_or(|host_end| host_end > self.stored.size_bytes()) =>
                {
                    return Err(cut(at));
                }
                Mapping::Special { .. } => {
                    let cluster = 1_u64 << self.header.cluster_bits;
                    mapped = mapped.min(cluster - at % cluster);
                }
                _ => {}
            }
            if mapped == 0 {
                return Err(cut(at));
            }
            at += mapped;
            let length = usize::try_from(mapped).unwrap_or(usize::MAX);
            match runs.last_mut() {
                Some(run) if run.kind == kind => run.length = run.length.saturating_add(length),
                _ => runs.push(Run { length, kind }),
            }
        }
        Ok(runs)
    }

    /// Reads from compressed clusters. imago takes a stream that is broken, or ends early, for a whole one.
    fn unpack(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let cluster = 1_u64 << self.header.cluster_bits;
        let (mut at, mut rest) = (offset, buffer);
        while !rest.is_empty() {
            let bytes = self.cluster(at)?;
            let within = usize::try_from(at % cluster).unwrap_or(usize::MAX);
            let there = bytes.get(within..).unwrap_or_default();
            let (part, behind) = rest.split_at_mut(there.len().min(rest.len()));
            let Some(there) = there.get(..part.len()).filter(|there| !there.is_empty()) else {
                return Err(ReadError::Corrupt { offset: at, what: PACKED });
            };
            part.copy_from_slice(there);
            at = at.saturating_add(u64::try_from(part.len()).unwrap_or(0));
            rest = behind;
        }
        Ok(())
    }

    /// A compressed cluster, whole. Its sectors lie within the stored file, but for the last one: the stream ends in it.
    fn cluster(&self, offset: u64) -> Result<Vec<u8>, ReadError> {
        let corrupt = || ReadError::Corrupt { offset, what: PACKED };
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
        let length = (sectors + 1) * limits::SECTOR_BYTES - host % limits::SECTOR_BYTES;
        let packed = self.stored.read_up_to(host, usize::try_from(length).map_err(|_| corrupt())?)?;
        let mut bytes = vec![0; 1 << bits];
        let mut unpacker = Decompress::new(false);
        unpacker.decompress(&packed, &mut bytes, FlushDecompress::Finish).map_err(|_| corrupt())?;
        if unpacker.total_out() == 1 << bits { Ok(bytes) } else { Err(corrupt()) }
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
    fn program(&self) -> Option<String> {
        self.base.as_ref()?.program()
    }

    fn size_bytes(&self) -> u64 {
        self.header.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let runs = self.runs(offset, u64::try_from(buffer.len()).unwrap_or(u64::MAX))?;
        let mut at = offset;
        let mut rest = buffer;
        for run in runs {
            let (part, behind) = rest.split_at_mut(run.length.min(rest.len()));
            let length = u64::try_from(part.len()).unwrap_or(0);
            match (run.kind, &self.base) {
                (Kind::Hole, Some(base)) => backing::read(base.as_ref(), at, part)?,
                (Kind::Hole, None) => part.fill(0),
                (Kind::Packed, _) => self.unpack(at, part)?,
                (Kind::Data, _) => self.access.read(part, at).map_err(|error| damaged(at, error))?,
            }
            at = at.saturating_add(length);
            rest = behind;
        }
        Ok(())
    }
}
