//! Where a file's blocks are: lists and trees of extents.
//!
//! The layout is that of `xfs_bmbt_rec` and of the long form of `xfs_btree_block`.
//!
//! **Invariant:** extents are ascending, do not overlap, lie in one allocation group each and are as many as the inode
//! counts; a tree that contradicts itself is damage.

use super::device::{Device, MAP_HEADER};
use super::inode::{Fork, Inode};
use super::superblock::{be16, be32, be64};
use crate::limits;
use crate::read_error::ReadError;

/// The deepest tree that the kernel makes (`XFS_BTREE_MAXLEVELS`).
const DEEPEST: u16 = 9;
const RECORD_BYTES: usize = 16;

/// Blocks of a file that follow one another on the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// The first block within the file.
    pub(super) at: u64,
    /// How many.
    pub(super) count: u64,
    /// Where the first one stands, in bytes.
    pub(super) place: u64,
    /// They were written; otherwise they are allocated only and hold zeros.
    pub(super) is_written: bool,
}

/// Every written run of the file that its size covers, as long as can be. What no run names is zeros.
pub(super) fn runs(device: &Device, inode: &Inode) -> Result<Vec<Extent>, ReadError> {
    inode.refuse_unreadable(device)?;
    let wanted = inode.size_bytes.div_ceil(u64::from(device.superblock.block_bytes));
    let mut runs: Vec<Extent> = Vec::new();
    extents(device, inode, &mut |extent| {
        let count = extent.count.min(wanted.saturating_sub(extent.at));
        if count == 0 || !extent.is_written {
            return Ok(());
        }
        if let Some(last) = runs.last_mut()
            && last.at + last.count == extent.at
            && last.place + (last.count << device.superblock.block_log) == extent.place
        {
            last.count += count;
            return Ok(());
        }
        if runs.len() >= limits::XFS_RUNS {
            return Err(ReadError::Limit { offset: extent.place, what: "runs of blocks of one file" });
        }
        runs.push(Extent { count, ..extent });
        Ok(())
    })?;
    Ok(runs)
}

/// Shows each extent of a file or a folder.
pub(super) fn extents(
    device: &Device,
    inode: &Inode,
    visit: &mut dyn FnMut(Extent) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let offset = device.superblock.inode_place(inode.number).unwrap_or(0);
    let corrupt = |what: &'static str| ReadError::Corrupt { offset, what };
    let mut map = Map { device, owner: inode.number, visit, next: 0, extents: 0, nodes: 0 };
    match inode.fork {
        Some(Fork::Extents) => {
            let length = usize::try_from(inode.extents).ok().and_then(|count| count.checked_mul(RECORD_BYTES));
            let list = length.and_then(|length| inode.root.get(..length));
            map.records(list.ok_or(corrupt("more extents than the inode can hold"))?, offset)?;
        }
        Some(Fork::Tree) => {
            let most = inode.root.len().saturating_sub(4) / RECORD_BYTES;
            let (level, count) = (be16(&inode.root, 0), usize::from(be16(&inode.root, 2)));
            if level == 0 || level > DEEPEST || count == 0 || count > most {
                return Err(corrupt("the root of an inode's extents"));
            }
            map.children(inode.root.get(4..).unwrap_or_default(), most, count, level)?;
        }
        Some(Fork::Local) | None => return Err(corrupt("an inode without extents")),
    }
    if map.extents == inode.extents { Ok(()) } else { Err(corrupt("an inode has not as many extents as it counts")) }
}

struct Map<'m> {
    device: &'m Device,
    owner: u64,
    visit: &'m mut dyn FnMut(Extent) -> Result<(), ReadError>,
    /// The first block within the file that may still come.
    next: u64,
    extents: u64,
    nodes: u64,
}

impl Map<'_> {
    /// Keys and pointers of a node, as many as `count` where there is room for `most`.
    fn children(&mut self, node: &[u8], most: usize, count: usize, level: u16) -> Result<(), ReadError> {
        for index in 0..count {
            let (key, pointer) = (be64(node, index * 8), be64(node, (most + index) * 8));
            self.node(pointer, key, level - 1)?;
        }
        Ok(())
    }

    fn node(&mut self, pointer: u64, key: u64, level: u16) -> Result<(), ReadError> {
        let superblock = &self.device.superblock;
        let place = superblock.place(pointer, 1);
        let offset = place.ok_or(ReadError::Corrupt { offset: 0, what: "extents outside the file system" })?;
        let corrupt = |what: &'static str| Err(ReadError::Corrupt { offset, what });
        self.nodes += 1;
        if self.nodes > limits::XFS_NODES {
            return Err(ReadError::Limit { offset, what: "nodes of one inode's extents" });
        }
        let mut block = vec![0; superblock.block_bytes as usize];
        self.device.read(offset, &mut block)?;
        let (magic, start) = if superblock.has_checksums { (0x424d_4133, 72) } else { (0x424d_4150, 24) };
        if be32(&block, 0) != magic {
            return corrupt("a node of an inode's extents has not its magic");
        }
        self.device.check(&block, offset, self.owner, &MAP_HEADER)?;
        let body = block.get(start..).unwrap_or_default();
        let (most, count) = (body.len() / RECORD_BYTES, usize::from(be16(&block, 6)));
        if be16(&block, 4) != level || count == 0 || count > most {
            return corrupt("a node of an inode's extents");
        }
        let first = if level == 0 { be64(body, 0) >> 9 & ((1 << 54) - 1) } else { be64(body, 0) };
        if first != key {
            return corrupt("a node of an inode's extents does not begin where its parent says");
        }
        if level == 0 {
            return self.records(body.get(..count * RECORD_BYTES).unwrap_or_default(), offset);
        }
        self.children(body, most, count, level)
    }

    /// Records of 128 bits: one says unwritten, 54 the place in the file, 52 the block, 21 how many.
    fn records(&mut self, records: &[u8], offset: u64) -> Result<(), ReadError> {
        for record in records.chunks_exact(RECORD_BYTES) {
            let (high, low) = (be64(record, 0), be64(record, 8));
            let (at, count) = (high >> 9 & ((1 << 54) - 1), low & ((1 << 21) - 1));
            let block = (high & 0x1ff) << 43 | low >> 21;
            let place = self.device.superblock.place(block, count).filter(|place| *place > 0 && count > 0);
            let Some(place) = place else {
                return Err(ReadError::Corrupt { offset, what: "an extent outside the file system" });
            };
            if at < self.next {
                return Err(ReadError::Corrupt { offset, what: "extents that overlap or are out of order" });
            }
            self.next = at + count;
            self.extents += 1;
            (self.visit)(Extent { at, count, place, is_written: high >> 63 == 0 })?;
        }
        Ok(())
    }
}
