//! The checksums of content: one for each sector, in the checksum tree, and of what was logged in the log.
//!
//! **Invariant:** a sector has a checksum or it is an error; a log's checksum comes before the tree's, for it is newer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tree::{Key, Tree, kind, object};
use crate::read_error::ReadError;

/// Checksums of a log, by the logical address of the first sector.
pub(super) type Logged = BTreeMap<u64, Arc<[u8]>>;

/// Where the checksums of content are found.
pub(super) struct Sums {
    pub(super) tree: Tree,
    pub(super) logged: Logged,
}

impl Sums {
    /// The checksums of `count` sectors from `logical` on.
    pub(super) fn of(&self, logical: u64, count: usize) -> Result<Vec<u8>, ReadError> {
        let superblock = &self.tree.blocks.pool.superblock;
        let (each, sector) = (superblock.checksum.size_bytes(), u64::from(superblock.sector_bytes));
        let mut sums = Vec::with_capacity(count.saturating_mul(each));
        let (mut at, mut left) = (logical, count);
        while left > 0 {
            let later = at.checked_add(1).and_then(|from| self.logged.range(from..).next());
            let logged =
                self.logged.range(..=at).next_back().and_then(|(start, sums)| covering(*start, sums, at, sector, each));
            let (found, most) = match logged {
                Some(found) => (found.to_vec(), left),
                // As far as the log has nothing newer.
                None => (
                    self.stored(at, sector, each)?,
                    later.map_or(left, |(start, _)| sectors(*start - at, sector).min(left)),
                ),
            };
            let taken = most.min(found.len() / each);
            sums.extend_from_slice(found.get(..taken * each).unwrap_or_default());
            left -= taken;
            at = at.saturating_add(sector.saturating_mul(u64::try_from(taken).unwrap_or(0)));
            if taken == 0 {
                return Err(missing(at));
            }
        }
        Ok(sums)
    }

    /// Those of the tree's item that covers a sector, from that sector on.
    fn stored(&self, at: u64, sector: u64, each: usize) -> Result<Vec<u8>, ReadError> {
        let item = self.tree.last_stored(Key::new(object::CSUMS, kind::EXTENT_CSUM, at))?;
        let item = item.filter(|item| item.key.object == object::CSUMS && item.key.kind == kind::EXTENT_CSUM);
        let item = item.ok_or(missing(at))?;
        covering(item.key.offset, item.data(), at, sector, each).map(<[u8]>::to_vec).ok_or(missing(at))
    }
}

fn missing(at: u64) -> ReadError {
    ReadError::Corrupt { offset: at, what: "content without its checksum" }
}

fn sectors(bytes: u64, sector: u64) -> usize {
    usize::try_from(bytes / sector).unwrap_or(usize::MAX)
}

fn covering(start: u64, sums: &[u8], at: u64, sector: u64, each: usize) -> Option<&[u8]> {
    let from = sectors(at.checked_sub(start)?, sector).checked_mul(each)?;
    let found = sums.get(from..)?;
    (found.len() >= each && sums.len().is_multiple_of(each)).then_some(found)
}
