//! A file's content as a stream.
//!
//! **Invariant:** it gives exactly as many bytes as the inode states, or an error; never fewer.

use std::io::Read;
use std::sync::Arc;

use super::device::Device;
use super::inode::Inode;
use super::map::{self, Extent};
use crate::read_error::ReadError;

/// An open regular file.
pub(super) struct FileStream {
    device: Arc<Device>,
    runs: Vec<Extent>,
    /// The run that holds the position or comes next after it.
    run: usize,
    position: u64,
    size_bytes: u64,
}

impl FileStream {
    /// At the file's beginning; all its extents have been read.
    pub(super) fn new(device: Arc<Device>, inode: &Inode) -> Result<Self, ReadError> {
        let runs = map::runs(&device, inode)?;
        Ok(Self { device, runs, run: 0, position: 0, size_bytes: inode.size_bytes })
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let block_bytes = u64::from(self.device.superblock.block_bytes);
        let left = self.size_bytes - self.position;
        let mut length = u64::try_from(buffer.len()).unwrap_or(u64::MAX).min(left);
        if length == 0 {
            return Ok(0);
        }
        let end = |run: &Extent| (run.at + run.count).saturating_mul(block_bytes);
        while self.runs.get(self.run).is_some_and(|run| end(run) <= self.position) {
            self.run += 1;
        }
        let run = self.runs.get(self.run);
        let start = run.map_or(u64::MAX, |run| run.at.saturating_mul(block_bytes));
        if self.position < start {
            length = length.min(start - self.position);
            part(buffer, length).fill(0);
        } else if let Some(run) = run {
            length = length.min(end(run) - self.position);
            self.device.read(run.place.saturating_add(self.position - start), part(buffer, length))?;
        }
        self.position += length;
        Ok(usize::try_from(length).unwrap_or(0))
    }
}

fn part(buffer: &mut [u8], length: u64) -> &mut [u8] {
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(buffer.len());
    buffer.split_at_mut(length).0
}

impl Read for FileStream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        Ok(self.fill(buffer)?)
    }
}
