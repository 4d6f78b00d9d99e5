//! The log, replayed in memory.
//!
//! What was committed replaces what stands on the disk whenever it is read; nothing is written. The rules are those of the
//! kernel's recovery (`fs/xfs/xfs_buf_item_recover.c`, `xfs_inode_item_recover.c`, `xfs_icreate_item.c`):
//!
//! - A first pass counts the buffers that were cancelled: blocks that were freed and may hold something else by now. A
//!   change to one is left out as long as a cancellation of it is still to come.
//! - A block or an inode of version 5 that states a later change than the transaction's is left as it is. What was replayed
//!   is stamped once all transactions of one place in the log are through, for several may share it.
//! - Intents are changes that the server had still to make. Those to free space, to reverse maps, to counts of references
//!   and to attributes change nothing that is read here. Those to the mapping of a file that were not done leave the file
//!   half changed: it is refused, by its inode.
//!
//! **Invariant:** the log is replayed whole or not at all; where it is not, the state is [`Journal::NotReplayed`].

use std::collections::{BTreeSet, HashMap, HashSet};

use super::device::{Device, Overlay, SECTOR_BYTES};
use super::inode::{CORE_V3_BYTES, MAGIC as INODE_MAGIC};
use super::log::{Log, State};
use super::replayed_inode;
use super::superblock::{be16, be32, be64, checksum, le32};
use super::transaction::{self, Item, Transaction, le16, le64};
use crate::journal::Journal;
use crate::limits;
use crate::read_error::ReadError;

const INODE: u16 = 0x123b;
const BUFFER: u16 = 0x123c;
const NEW_INODES: u16 = 0x123f;
/// Intents that change the mapping of files: of one file, and the exchange between two; and what says that each is done.
const MAPPING: [(u16, u16); 2] = [(0x1244, 0x1245), (0x1248, 0x1249)];
/// Everything else that a log may hold: intents, quotas, and what says that they are done.
const PASSED_OVER: [std::ops::RangeInclusive<u16>; 3] = [0x1236..=0x1238, 0x123d..=0x123e, 0x1240..=0x124f];

/// Of a buffer: it holds inodes, of which only the list of unlinked ones is of interest, which is not read here.
const OF_INODES: u16 = 0x1;
const CANCELLED: u16 = 0x2;
/// What one bit of a buffer's map stands for.
const CHUNK_BYTES: usize = 128;

/// Features of the log that may be used: changes of attributes.
const LOG_INCOMPAT_KNOWN: u32 = 0x1;

pub(super) const fn corrupt(what: &'static str) -> ReadError {
    ReadError::Corrupt { offset: 0, what }
}

/// Applies the log to what is read.
pub(super) fn replay(device: &mut Device) -> Journal {
    match try_replay(device) {
        Ok(journal) => journal,
        Err(_) => {
            device.overlay = Overlay::default();
            device.adopted.clear();
            device.half_mapped.clear();
            Journal::NotReplayed
        }
    }
}

fn try_replay(device: &mut Device) -> Result<Journal, ReadError> {
    let log = Log::new(device.image(), &device.superblock)?;
    let State::Dirty(tail, head) = log.state()? else { return Ok(Journal::Clean) };
    if device.superblock.log_incompat & !LOG_INCOMPAT_KNOWN != 0 {
        let what = "an XFS log with unknown features".to_owned();
        return Err(ReadError::Unsupported { offset: 0, what });
    }
    let mut first = FirstPass::default();
    transaction::each(&log, tail, head, &mut |transaction| first.take(transaction))?;
    device.half_mapped = first.half_mapped();
    let mut replay = Replay { device, cancelled: first.cancelled, touched: BTreeSet::new(), sequence: 0 };
    transaction::each(&log, tail, head, &mut |transaction| replay.apply(transaction))?;
    replay.stamp()?;
    if device.overlay.is_empty() && device.half_mapped.is_empty() {
        return Ok(Journal::Clean);
    }
    device.reload()?;
    Ok(Journal::Replayed)
}

/// A buffer by its first sector and its length.
type Place = (u64, u32);

fn place_of(format: &[u8]) -> Place {
    (le64(format, 8), u32::from(le16(format, 6)))
}

/// What must be known before anything is replayed.
#[derive(Default)]
struct FirstPass {
    /// Cancellations that are still to come.
    cancelled: HashMap<Place, u64>,
    /// Inodes by the kind and the number of an intent that is not done.
    intents: HashMap<(u16, u64), Vec<u64>>,
}

impl FirstPass {
    fn take(&mut self, transaction: &Transaction) -> Result<(), ReadError> {
        for item in transaction.items()? {
            let number = le64(item.format, 8);
            if item.kind == BUFFER {
                if le16(item.format, 4) & CANCELLED != 0 {
                    *self.cancelled.entry(place_of(item.format)).or_default() += 1;
                }
            } else if let Some((kind, _)) = MAPPING.iter().find(|(kind, _)| *kind == item.kind) {
                self.intents.insert((*kind, number), inodes_of(&item)?);
            } else if let Some((kind, _)) = MAPPING.iter().find(|(_, done)| *done == item.kind) {
                self.intents.remove(&(*kind, number));
            } else if !matches!(item.kind, INODE | NEW_INODES) && !PASSED_OVER.iter().any(|of| of.contains(&item.kind))
            {
                let what = format!("an XFS log with changes of the unknown kind {:#x}", item.kind);
                return Err(ReadError::Unsupported { offset: 0, what });
            }
        }
        Ok(())
    }

    fn half_mapped(&self) -> HashSet<u64> {
        self.intents.values().flatten().copied().collect()
    }
}

/// Whose mapping an intent changes.
fn inodes_of(item: &Item<'_>) -> Result<Vec<u64>, ReadError> {
    const OF_ONE: u16 = MAPPING[0].0;
    let format = item.format;
    if item.kind == OF_ONE {
        let count = usize::try_from(le32(format, 4)).unwrap_or(usize::MAX);
        let extents = format.get(16..).unwrap_or_default();
        if count.checked_mul(32).is_none_or(|bytes| bytes > extents.len()) {
            return Err(corrupt("an intent in the log"));
        }
        return Ok(extents.chunks_exact(32).take(count).map(|extent| le64(extent, 0)).collect());
    }
    if format.len() < 32 {
        return Err(corrupt("an intent in the log"));
    }
    Ok(vec![le64(format, 16), le64(format, 24)])
}

struct Replay<'d> {
    device: &'d mut Device,
    cancelled: HashMap<Place, u64>,
    /// Buffers that are to be stamped.
    touched: BTreeSet<(u64, usize)>,
    sequence: u64,
}

impl Replay<'_> {
    fn apply(&mut self, transaction: &Transaction) -> Result<(), ReadError> {
        if transaction.sequence != self.sequence {
            self.stamp()?;
            self.sequence = transaction.sequence;
        }
        let items = transaction.items()?;
        // The kernel's order: buffers and new inodes, then inodes, then cancellations.
        for item in items.iter().filter(|item| matches!(item.kind, BUFFER | NEW_INODES)) {
            if item.kind == NEW_INODES {
                self.new_inodes(item)?;
            } else if le16(item.format, 4) & (CANCELLED | OF_INODES) == 0 {
                self.buffer(item)?;
            }
        }
        for item in items.iter().filter(|item| item.kind == INODE) {
            let is_cancelled = |place| self.cancelled.contains_key(&place);
            if let Some(change) = replayed_inode::Change::read(item)?
                && !is_cancelled(change.place)
            {
                replayed_inode::apply(self.device, &change, self.sequence)?;
            }
        }
        for item in items.iter().filter(|item| item.kind == BUFFER && le16(item.format, 4) & CANCELLED != 0) {
            let place = place_of(item.format);
            if let Some(left) = self.cancelled.get_mut(&place) {
                *left -= 1;
                if *left == 0 {
                    self.cancelled.remove(&place);
                }
            }
        }
        Ok(())
    }

    fn buffer(&mut self, item: &Item<'_>) -> Result<(), ReadError> {
        let place = place_of(item.format);
        if self.cancelled.contains_key(&place) {
            return Ok(());
        }
        let offset = place.0.checked_mul(SECTOR_BYTES as u64).ok_or(corrupt("a buffer in the log"))?;
        let length = usize::try_from(place.1).unwrap_or(0) * SECTOR_BYTES;
        if length == 0 || length > limits::XFS_BUFFER_BYTES {
            return Err(corrupt("the length of a buffer in the log"));
        }
        let mut buffer = vec![0; length];
        self.device.read(offset, &mut buffer)?;
        if self.is_newer(&buffer) {
            return Ok(());
        }
        let words = usize::try_from(le32(item.format, 16)).unwrap_or(usize::MAX);
        let map = words.checked_mul(4).and_then(|bytes| item.format.get(20..20_usize.checked_add(bytes)?));
        fill(&mut buffer, map.ok_or(corrupt("a buffer's map in the log"))?, item.regions)?;
        self.device.replace(offset, &buffer)?;
        self.touched.insert((offset, length));
        Ok(())
    }

    /// It states that it holds this change already, or a later one.
    fn is_newer(&self, buffer: &[u8]) -> bool {
        let superblock = &self.device.superblock;
        let Some(stamp) = Stamp::of(buffer).filter(|_| superblock.has_checksums) else { return false };
        let uuid = if be32(buffer, 0) == SUPERBLOCK { &superblock.uuid } else { &superblock.metadata_uuid };
        let stated = be64(buffer, stamp.sequence);
        buffer.get(stamp.uuid..stamp.uuid + 16) == Some(uuid)
            && stated != 0
            && stated != u64::MAX
            && stated >= self.sequence
    }

    /// What was changed since the last stamp gets its place in the log and its checksum, as if the kernel wrote it now.
    fn stamp(&mut self) -> Result<(), ReadError> {
        for (offset, length) in std::mem::take(&mut self.touched) {
            let mut buffer = vec![0; length];
            self.device.read(offset, &mut buffer)?;
            let Some(stamp) = Stamp::of(&buffer).filter(|_| self.device.superblock.has_checksums) else { continue };
            put(&mut buffer, stamp.sequence, &self.sequence.to_be_bytes());
            let sum = checksum(&buffer, stamp.checksum);
            put(&mut buffer, stamp.checksum, &sum.to_le_bytes());
            self.device.replace(offset, &buffer)?;
        }
        Ok(())
    }

    /// A chunk of inodes that was new: all of them are free until a later change says otherwise.
    fn new_inodes(&mut self, item: &Item<'_>) -> Result<(), ReadError> {
        let field = |at: usize| be32(item.format, at);
        let superblock = self.device.superblock.clone();
        let (group, first, count, length) = (u64::from(field(4)), u64::from(field(8)), field(12), field(20));
        let size = superblock.inode_bytes;
        let bytes = u64::from(length) << superblock.block_log;
        let start = superblock.place_in_group(group, first, u64::from(length));
        let start = start.ok_or(corrupt("new inodes outside the file system"))?;
        let is_right = usize::try_from(field(16)).ok() == Some(size)
            && bytes == u64::from(count) * size as u64
            && bytes > 0
            && bytes <= limits::XFS_BUFFER_BYTES as u64;
        if !is_right {
            return Err(corrupt("new inodes in the log"));
        }
        let cluster = cluster_blocks(&superblock) << superblock.block_log;
        let sectors = u32::try_from(cluster / SECTOR_BYTES as u64).unwrap_or(0);
        let clusters = (0..bytes.div_ceil(cluster)).map(|index| (start + index * cluster) / SECTOR_BYTES as u64);
        if clusters.into_iter().any(|place| self.cancelled.contains_key(&(place, sectors))) {
            return Ok(());
        }
        let number = superblock.inode_number(group, first);
        let mut chunk = vec![0; usize::try_from(bytes).unwrap_or(0)];
        for (inode, number) in chunk.chunks_exact_mut(size).zip(number..) {
            put(inode, 0, &INODE_MAGIC.to_be_bytes());
            put(inode, 4, &[if superblock.has_checksums { 3 } else { 2 }]);
            put(inode, 92, item.format.get(24..28).unwrap_or_default());
            put(inode, 96, &[0xff; 4]);
            if superblock.has_checksums {
                put(inode, 152, &number.to_be_bytes());
                put(inode, CORE_V3_BYTES - 16, &superblock.metadata_uuid);
                let sum = checksum(inode, 100);
                put(inode, 100, &sum.to_le_bytes());
            }
        }
        self.device.replace(start, &chunk)
    }
}

/// How many blocks the kernel reads inodes in (`M_IGEO(mp)->blocks_per_cluster`).
fn cluster_blocks(superblock: &super::superblock::Superblock) -> u64 {
    const SMALL_BYTES: u64 = 8192;
    let large = SMALL_BYTES * (superblock.inode_bytes as u64 / 256);
    let is_aligned = u64::from(superblock.inode_alignment) >= large >> superblock.block_log;
    let bytes = if superblock.has_checksums && is_aligned { large } else { SMALL_BYTES };
    (bytes >> superblock.block_log).max(1)
}

/// Puts the regions where the map says that the buffer was changed.
fn fill(buffer: &mut [u8], map: &[u8], regions: &[Vec<u8>]) -> Result<(), ReadError> {
    let bits = map.len() * 8;
    let is_set = |bit: usize| map.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1);
    let mut bit = 0;
    for region in regions {
        while bit < bits && !is_set(bit) {
            bit += 1;
        }
        let run = (bit..bits).take_while(|bit| is_set(*bit)).count();
        let count = run.min(region.len() / CHUNK_BYTES);
        let (start, length) = (bit * CHUNK_BYTES, count * CHUNK_BYTES);
        let into = buffer.get_mut(start..start + length).filter(|_| count > 0);
        let (Some(into), Some(from)) = (into, region.get(..length)) else {
            return Err(corrupt("a buffer's change in the log"));
        };
        into.copy_from_slice(from);
        bit += count;
    }
    if (bit..bits).any(is_set) { Err(corrupt("a buffer's map in the log")) } else { Ok(()) }
}

/// Writes a field.
pub(super) fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + field.len()) {
        place.copy_from_slice(field);
    }
}

const SUPERBLOCK: u32 = 0x5846_5342;

/// Where a block of version 5 keeps its last change's place in the log, its checksum and its file system.
struct Stamp {
    sequence: usize,
    checksum: usize,
    uuid: usize,
}

impl Stamp {
    /// By the block's magic; none where it has none.
    fn of(block: &[u8]) -> Option<Self> {
        let (sequence, checksum, uuid) = match (be32(block, 0), be16(block, 8)) {
            (SUPERBLOCK, _) => (240, 224, 32),
            // The heads of an allocation group: free space, inodes, and the list of free blocks.
            (0x5841_4746, _) => (208, 216, 64),
            (0x5841_4749, _) => (320, 312, 296),
            (0x5841_464c, _) => (24, 32, 8),
            // Trees of an allocation group: free space twice, inodes twice, reverse maps, references.
            (0x4142_3342 | 0x4142_3343 | 0x4941_4233 | 0x4649_4233 | 0x524d_4233 | 0x5233_4643, _) => (24, 52, 32),
            // A tree of extents.
            (0x424d_4133, _) => (32, 64, 40),
            // A folder: its one block, its entries, its free space.
            (0x5844_4233 | 0x5844_4433 | 0x5844_4633, _) => (16, 4, 24),
            // A symbolic link.
            (0x5853_4c4d, _) => (48, 12, 16),
            // A folder's hashes in a leaf, in leaves and nodes of a tree; attributes.
            (_, 0x3df1 | 0x3dff | 0x3ebe | 0x3bee) => (24, 12, 32),
            _ => return None,
        };
        Some(Self { sequence, checksum, uuid })
    }
}
