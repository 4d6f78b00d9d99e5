//! One inode of the log, put in its place.
//!
//! The log holds the inode's core in the byte order of the machine, and the part of its forks that was changed.
//!
//! **Invariant:** an inode that states a later change is left as it is; the list of unlinked inodes is never touched.

use super::device::{Device, SECTOR_BYTES};
use super::inode::{CORE_V2_BYTES, CORE_V3_BYTES, FLAG2_BIGTIME, FLAG2_LARGE_COUNTERS, MAGIC};
use super::replay::{corrupt, put};
use super::superblock::{be16, be64, checksum, le32};
use super::transaction::{Item, le16, le64};
use crate::read_error::ReadError;

/// Which parts of the data fork are there: as it is, a list of extents, the root of a tree.
const DATA: [u32; 3] = [0x2, 0x4, 0x8];
const DATA_ROOT: u32 = 0x8;
/// The same of the attributes, which are not read here.
const ATTRIBUTES: u32 = 0x40 | 0x80 | 0x100;
/// The blocks of the tree of extents were another inode's.
const NEW_OWNER: u32 = 0x200;

/// Fields of the core and their lengths, up to the first that the log does not restore; single bytes stay as they are.
const FIELDS: [(usize, usize); 12] =
    [(0, 2), (2, 2), (8, 4), (12, 4), (16, 4), (20, 2), (22, 2), (56, 8), (64, 8), (72, 4), (84, 4), (92, 4)];
/// Halves of words that hold two fields.
const SHORT_FIELDS: [usize; 2] = [88, 90];
/// Fields that only version 3 has.
const FIELDS_V3: [(usize, usize); 4] = [(104, 8), (120, 8), (128, 4), (152, 8)];
/// Times; the last is of version 3 alone.
const TIMES: [usize; 4] = [32, 40, 48, 144];

/// A change of an inode.
pub(super) struct Change<'t> {
    /// The cluster of inodes, by its first sector and its length.
    pub(super) place: (u64, u32),
    number: u64,
    /// Where it stands within the cluster.
    within: u64,
    fields: u32,
    core: &'t [u8],
    data: Option<&'t [u8]>,
}

impl<'t> Change<'t> {
    /// From the log's item; none where it changes nothing.
    pub(super) fn read(item: &Item<'t>) -> Result<Option<Self>, ReadError> {
        let format = item.format;
        // 32-bit machines lay it out without padding.
        let (number, place) = match format.len() {
            56 => (16, 40),
            52 => (12, 36),
            _ => return Err(corrupt("an inode's change in the log")),
        };
        let fields = le32(format, 4);
        let [core, forks @ ..] = item.regions else { return Ok(None) };
        let has_data = DATA.iter().any(|data| fields & data != 0);
        let expected = usize::from(has_data) + usize::from(fields & ATTRIBUTES != 0);
        if forks.len() != expected {
            return Err(corrupt("an inode's change in the log"));
        }
        Ok(Some(Self {
            place: (le64(format, place), le32(format, place + 8)),
            number: le64(format, number),
            within: u64::from(le32(format, place + 12)),
            fields,
            core,
            data: forks.first().filter(|_| has_data).map(Vec::as_slice),
        }))
    }
}

/// Applies a change that began at `sequence` in the log.
pub(super) fn apply(device: &mut Device, change: &Change<'_>, sequence: u64) -> Result<(), ReadError> {
    let offset = change.place.0.checked_mul(SECTOR_BYTES as u64).and_then(|start| start.checked_add(change.within));
    let place = device.superblock.inode_place(change.number);
    if place.is_none() || place != offset {
        return Err(corrupt("an inode's place in the log"));
    }
    if change.fields & NEW_OWNER != 0 {
        device.adopted.insert(change.number);
    }
    let offset = place.unwrap_or(0);
    // Inodes of 256 bytes are shorter than a sector.
    let start = offset - offset % SECTOR_BYTES as u64;
    let within = usize::try_from(offset - start).unwrap_or(0);
    let size = device.superblock.inode_bytes;
    let mut sectors = vec![0; (within + size).next_multiple_of(SECTOR_BYTES)];
    device.read(start, &mut sectors)?;
    let inode = sectors.get_mut(within..within + size).ok_or(corrupt("an inode's place in the log"))?;
    if be16(inode, 0) != MAGIC || le16(change.core, 0) != MAGIC {
        return Err(corrupt("an inode in the log has not its magic"));
    }
    if is_newer(inode, change.core, device.superblock.has_checksums, sequence) {
        return Ok(());
    }
    put_core(inode, change.core, device.superblock.has_checksums, sequence)?;
    if let Some(data) = change.data {
        put_data(inode, data, change.fields & DATA_ROOT != 0, device.superblock.has_checksums)?;
    }
    if device.superblock.has_checksums {
        let sum = checksum(inode, 100);
        put(inode, 100, &sum.to_le_bytes());
    }
    device.replace(start, &sectors)
}

/// The inode on the disk was written after this change.
fn is_newer(inode: &[u8], core: &[u8], has_checksums: bool, sequence: u64) -> bool {
    if has_checksums {
        let stated = be64(inode, 112);
        return stated != 0 && stated != u64::MAX && stated > sequence;
    }
    // Version 2 counts how often an inode was written; the count starts again.
    const LAST: u16 = 0xffff;
    let (ours, theirs) = (le16(core, 30), be16(inode, 30));
    ours < theirs && !(theirs == LAST && ours < LAST >> 1)
}

fn put_core(inode: &mut [u8], core: &[u8], has_checksums: bool, sequence: u64) -> Result<(), ReadError> {
    let length = if has_checksums { CORE_V3_BYTES } else { CORE_V2_BYTES - 4 };
    let core = core.get(..length).ok_or(corrupt("an inode's core in the log"))?;
    // Bytes, and the UUID, are the same in any order.
    put(inode, 4, core.get(4..6).unwrap_or_default());
    put(inode, 6, &[0, 0]);
    put(inode, 82, core.get(82..84).unwrap_or_default());
    let turn = |inode: &mut [u8], at: usize, length: usize| {
        let mut field = core.get(at..at + length).unwrap_or_default().to_vec();
        field.reverse();
        put(inode, at, &field);
    };
    for (at, length) in FIELDS {
        turn(inode, at, length);
    }
    for at in SHORT_FIELDS {
        turn(inode, at, 2);
    }
    let flags2 = if has_checksums { le64(core, 120) } else { 0 };
    for at in TIMES.into_iter().take(if has_checksums { 4 } else { 3 }) {
        if flags2 & FLAG2_BIGTIME != 0 {
            turn(inode, at, 8);
        } else {
            turn(inode, at, 4);
            turn(inode, at + 4, 4);
        }
    }
    if flags2 & FLAG2_LARGE_COUNTERS != 0 {
        turn(inode, 24, 8);
        turn(inode, 76, 4);
        put(inode, 80, &[0, 0]);
    } else {
        put(inode, 24, &[0; 8]);
        turn(inode, 76, 4);
        turn(inode, 80, 2);
    }
    if has_checksums {
        for (at, length) in FIELDS_V3 {
            turn(inode, at, length);
        }
        put(inode, 112, &sequence.to_be_bytes());
        put(inode, 160, core.get(160..176).unwrap_or_default());
    }
    Ok(())
}

/// The data fork: as it is, or the root of a tree, which the log holds as a whole block and an inode in short.
fn put_data(inode: &mut [u8], data: &[u8], is_root: bool, has_checksums: bool) -> Result<(), ReadError> {
    let (start, head) = if has_checksums { (CORE_V3_BYTES, 72) } else { (CORE_V2_BYTES, 24) };
    let end = match usize::from(inode.get(82).copied().unwrap_or(0)) {
        0 => inode.len(),
        forkoff => start + forkoff * 8,
    };
    let fork = inode.get_mut(start..end).ok_or(corrupt("an inode's data fork in the log"))?;
    if !is_root {
        // Lists are logged in whole words, and may be longer by the padding.
        let used = data.len().min(fork.len());
        if data.len() > fork.len() + 3 {
            return Err(corrupt("an inode's data fork in the log"));
        }
        put(fork, 0, data.get(..used).unwrap_or_default());
        return Ok(());
    }
    let count = usize::from(be16(data, 6));
    let (from_most, to_most) = (data.len().saturating_sub(head) / 16, fork.len().saturating_sub(4) / 16);
    let keys = data.get(head..head + count * 8);
    let pointers = data.get(head + from_most * 8..head + from_most * 8 + count * 8);
    let (Some(keys), Some(pointers)) = (keys.filter(|_| count <= to_most), pointers) else {
        return Err(corrupt("the root of an inode's extents in the log"));
    };
    put(fork, 0, data.get(4..8).unwrap_or_default());
    put(fork, 4, keys);
    put(fork, 4 + to_most * 8, pointers);
    Ok(())
}
