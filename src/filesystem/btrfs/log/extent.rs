//! Extents of a log: each replaces what the file had in its range.
//!
//! **Invariant:** after each step the extents of a file do not overlap.

use super::super::block::Item;
use super::super::corrupt;
use super::super::field::{u8_at, u64_at};
use super::super::tree::{Key, kind};
use super::{Replay, set};
use crate::read_error::ReadError;

/// Fields of an extent's item.
const ADDRESS_AT: usize = 21;
const SKIP_AT: usize = 37;
const LENGTH_AT: usize = 45;
const EXTENT_BYTES: usize = 53;
const INLINE_HEAD_BYTES: usize = 21;

impl Replay {
    fn sector(&self) -> u64 {
        u64::from(self.tree.blocks.pool.superblock.sector_bytes)
    }

    /// Where an extent ends within its file, and whether its bytes stand in the item itself.
    fn end(&self, item: &Item) -> Result<(u64, bool), ReadError> {
        let (bytes, damaged) = (item.data(), corrupt("an extent of a file"));
        let is_inline = u8_at(bytes, 20) == 0 && bytes.len() >= INLINE_HEAD_BYTES;
        if !is_inline && (bytes.len() != EXTENT_BYTES || u8_at(bytes, 20) > 2) {
            return Err(damaged);
        }
        let length = if is_inline {
            u64_at(bytes, 8).checked_next_multiple_of(self.sector())
        } else {
            Some(u64_at(bytes, LENGTH_AT))
        };
        let end = length.and_then(|length| item.key.offset.checked_add(length));
        end.map(|end| (end, is_inline)).ok_or(damaged)
    }

    /// Replays one extent.
    pub(super) fn extent(&mut self, item: &Item) -> Result<(), ReadError> {
        if !self.is_there(item.key.object)? {
            return Err(corrupt("a log that names an inode that is not there"));
        }
        if self.get(item.key)?.is_some_and(|stored| stored.data() == item.data()) {
            return Ok(());
        }
        let (end, is_inline) = self.end(item)?;
        self.drop_extents(item.key.object, item.key.offset, end)?;
        let is_hole = !is_inline && u64_at(item.data(), ADDRESS_AT) == 0;
        if is_hole && self.tree.blocks.pool.superblock.has_no_holes {
            return Ok(());
        }
        self.put(item.key, Some(item.data().to_vec()))
    }

    /// Takes a range out of a file: extents within it go, those that reach into it are cut.
    pub(super) fn drop_extents(&mut self, number: u64, start: u64, end: u64) -> Result<(), ReadError> {
        let key = |offset| Key::new(number, kind::EXTENT_DATA, offset);
        let mut found = Vec::new();
        let mut items = self.view().range(key(self.first_touched(number, start)?), key(end.saturating_sub(1)));
        while let Some(item) = items.next()? {
            found.push(item);
        }
        drop(items);
        for item in found {
            let (from, (to, is_inline)) = (item.key.offset, self.end(&item)?);
            if to <= start || from >= end {
                continue;
            }
            if is_inline && (from < start || to > end) {
                return Err(corrupt("a log that cuts an inline extent"));
            }
            let part = |from: u64, to: u64| {
                let mut bytes = item.data().to_vec();
                let skip = u64_at(&bytes, SKIP_AT).saturating_add(from - item.key.offset);
                set(&mut bytes, SKIP_AT, &skip.to_le_bytes());
                set(&mut bytes, LENGTH_AT, &(to - from).to_le_bytes());
                Some(bytes)
            };
            self.put(item.key, if from < start { part(from, start) } else { None })?;
            if to > end {
                self.put(key(end), part(end, to))?;
            }
        }
        Ok(())
    }

    /// Where the last extent begins that does not begin behind `start`: the only one before it that may reach into it.
    fn first_touched(&self, number: u64, start: u64) -> Result<u64, ReadError> {
        let key = |offset| Key::new(number, kind::EXTENT_DATA, offset);
        let changed = self.changes.range(key(0)..=key(start)).rev().find(|(_, bytes)| bytes.is_some());
        let changed = changed.map_or(0, |(key, _)| key.offset);
        let mut before = start;
        loop {
            let item = self.tree.last_stored(key(before))?;
            let item = item.filter(|item| item.key.object == number && item.key.kind == kind::EXTENT_DATA);
            let Some(item) = item else { return Ok(changed) };
            if !matches!(self.changes.get(&item.key), Some(None)) {
                return Ok(changed.max(item.key.offset));
            }
            let Some(earlier) = item.key.offset.checked_sub(1) else { return Ok(changed) };
            before = earlier;
        }
    }
}
