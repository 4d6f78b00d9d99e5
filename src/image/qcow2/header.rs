//! The header of a qcow2 image, and its table of snapshots.
//!
//! **Invariant:** what this version does not know is refused by name before any reader sees the image.

use crate::image::{StoredFile, unsupported};
use crate::limits;
use crate::read_error::ReadError;

/// Bits of the incompatible features.
const DIRTY: u64 = 1;
const CORRUPT: u64 = 1 << 1;
const DATA_FILE: u64 = 1 << 2;
const COMPRESSION: u64 = 1 << 3;
const EXTENDED_L2: u64 = 1 << 4;
/// Where the header says where the backing file's name is.
pub const BACKING_NAME: std::ops::Range<u64> = 8..20;
/// The header extension that names the backing file's format.
const BACKING_FORMAT: u32 = 0xe279_2aca;

/// What is needed of the header.
pub struct Header {
    /// The disk's size, in bytes.
    pub size_bytes: u64,
    /// The logarithm of a cluster's size in bytes.
    pub cluster_bits: u32,
    /// Where the level 1 table is.
    pub l1_offset: u64,
    /// How many entries it has.
    pub l1_entries: u64,
    /// There is an image behind this one.
    pub has_backing: bool,
    /// QEMU's name of that image's format, if it is said.
    pub backing_format: Option<Vec<u8>>,
    /// It has something that QEMU alone reads: zstd, extended level 2 entries, counts of references that were not written.
    pub for_qemu: bool,
    snapshots: (u64, u32),
}

/// Numbers in network order at an offset.
struct Fields<'b>(&'b [u8]);

impl Fields<'_> {
    fn half(&self, at: usize) -> Option<u16> {
        self.0.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_be_bytes)
    }

    fn word(&self, at: usize) -> Option<u32> {
        self.0.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_be_bytes)
    }

    fn long(&self, at: usize) -> Option<u64> {
        self.0.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_be_bytes)
    }
}

impl Header {
    /// Reads it, and refuses what cannot be read.
    pub fn read(stored: &StoredFile) -> Result<Self, ReadError> {
        let bytes = stored.read_up_to(0, limits::QCOW2_HEADER_BYTES)?;
        let fields = Fields(&bytes);
        let short = || ReadError::Corrupt { offset: 0, what: "the qcow2 header ends early" };
        let version = fields.word(4).ok_or_else(short)?;
        let (incompatible, length) = match version {
            2 => (0, 72),
            3 => (fields.long(72).ok_or_else(short)?, fields.word(100).ok_or_else(short)?),
            other => return Err(unsupported(&format!("qcow2 version {other}"))),
        };
        if fields.word(32).ok_or_else(short)? != 0 {
            return Err(ReadError::Encrypted { offset: 32, what: "qcow2".to_owned() });
        }
        refuse_features(incompatible)?;
        let header = Self {
            size_bytes: fields.long(24).ok_or_else(short)?,
            cluster_bits: fields.word(20).ok_or_else(short)?,
            l1_offset: fields.long(40).ok_or_else(short)?,
            l1_entries: u64::from(fields.word(36).ok_or_else(short)?),
            has_backing: fields.long(8).ok_or_else(short)? != 0,
            backing_format: backing_format(&fields, length)?,
            for_qemu: incompatible != 0,
            snapshots: (fields.long(64).ok_or_else(short)?, fields.word(60).ok_or_else(short)?),
        };
        if !(9..=21).contains(&header.cluster_bits) {
            return Err(ReadError::Corrupt { offset: 20, what: "the cluster size of a qcow2 image" });
        }
        header.check_table(stored, incompatible & EXTENDED_L2 != 0)?;
        Ok(header)
    }

    /// The level 1 table lies within the file and is long enough.
    fn check_table(&self, stored: &StoredFile, is_extended: bool) -> Result<(), ReadError> {
        if self.l1_entries > limits::QCOW2_L1_ENTRIES {
            return Err(ReadError::Limit { offset: 36, what: "entries of a qcow2 level 1 table" });
        }
        let table_end = self.l1_offset.checked_add(self.l1_entries * 8);
        if self.l1_offset % (1 << self.cluster_bits) != 0 || table_end.is_none_or(|end| end > stored.size_bytes()) {
            return Err(ReadError::Corrupt { offset: 40, what: "the qcow2 level 1 table is not within the file" });
        }
        // A level 2 table fills one cluster with entries of 8 or 16 bytes, so an entry of level 1 stands for this much.
        let covered = u128::from(self.l1_entries) << (2 * self.cluster_bits - if is_extended { 4 } else { 3 });
        if u128::from(self.size_bytes) > covered {
            return Err(ReadError::Corrupt { offset: 24, what: "the qcow2 level 1 table is too short for the disk" });
        }
        Ok(())
    }

    /// There is exactly one snapshot of this name, and the disk had the size that it has now: QEMU would give the snapshot
    /// in the disk's present size.
    pub fn check_snapshot(&self, stored: &StoredFile, wanted: &str) -> Result<(), ReadError> {
        let (mut at, count) = self.snapshots;
        let mut sizes = Vec::new();
        for _ in 0..count {
            let head = stored.read_up_to(at, 40)?;
            let fields = Fields(&head);
            let corrupt = || ReadError::Corrupt { offset: at, what: "the qcow2 table of snapshots" };
            let lengths = (fields.half(12), fields.half(14), fields.word(36));
            let (Some(id), Some(name), Some(extra)) = lengths else { return Err(corrupt()) };
            let extra = usize::try_from(extra).unwrap_or(usize::MAX);
            if extra > limits::QCOW2_SNAPSHOT_EXTRA_BYTES {
                return Err(ReadError::Limit { offset: at, what: "what a qcow2 snapshot holds beside its name" });
            }
            let length = extra + usize::from(id) + usize::from(name);
            let mut rest = vec![0; length];
            stored.read_at(at.saturating_add(40), &mut rest)?;
            if rest.get(extra + usize::from(id)..) == Some(wanted.as_bytes()) {
                sizes.push(if extra >= 16 { Fields(&rest).long(8) } else { None });
            }
            at = at.saturating_add((40 + u64::try_from(length).unwrap_or(u64::MAX - 47)).next_multiple_of(8));
        }
        match sizes.as_slice() {
            [] => Err(unsupported("a snapshot that the image does not have")),
            [Some(size)] if *size != self.size_bytes => {
                Err(unsupported("a snapshot that was taken when the disk had another size"))
            }
            [_] => Ok(()),
            _ => Err(unsupported("a snapshot whose name another one in the image has too")),
        }
    }
}

/// What the header's extensions say of the format of the backing file.
fn backing_format(fields: &Fields<'_>, header_bytes: u32) -> Result<Option<Vec<u8>>, ReadError> {
    let mut at = usize::try_from(header_bytes).unwrap_or(usize::MAX);
    for _ in 0..limits::QCOW2_EXTENSIONS {
        let Some(end) = at.checked_add(8) else { break };
        let (Some(kind), Some(length)) = (fields.word(at), fields.word(at + 4)) else { return Ok(None) };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if kind == 0 {
            return Ok(None);
        }
        let data = end.checked_add(length).and_then(|data_end| fields.0.get(end..data_end));
        let data = data.ok_or(ReadError::Corrupt { offset: 0, what: "an extension of the qcow2 header" })?;
        if kind == BACKING_FORMAT {
            return Ok(Some(data.to_vec()));
        }
        at = end.saturating_add(length.next_multiple_of(8));
    }
    Err(ReadError::Limit { offset: 0, what: "extensions of a qcow2 header" })
}

fn refuse_features(incompatible: u64) -> Result<(), ReadError> {
    if incompatible & CORRUPT != 0 {
        return Err(unsupported("a qcow2 image marked as corrupt"));
    }
    if incompatible & DATA_FILE != 0 {
        return Err(unsupported("a qcow2 image with an external data file"));
    }
    if incompatible & !(DIRTY | COMPRESSION | EXTENDED_L2) != 0 {
        return Err(unsupported("a qcow2 image with an unknown feature"));
    }
    Ok(())
}
