//! A file's content as a stream.
//!
//! **Invariant:** it gives exactly as many bytes as the inode states, or an error; never fewer.

use std::io::Read;
use std::sync::Arc;

use super::inode::Inode;
use super::map::{self, Run};
use super::superblock::Blocks;
use crate::read_error::ReadError;

/// An open regular file.
pub(super) struct FileStream {
    blocks: Arc<Blocks>,
    runs: Vec<Run>,
    /// The run that holds the position or comes next after it.
    run: usize,
    position: u64,
    size_bytes: u64,
}

impl FileStream {
    /// At the file's beginning; its whole block map has been read.
    pub(super) fn new(blocks: Arc<Blocks>, inode: &Inode) -> Result<Self, ReadError> {
        let runs = map::runs(&blocks, inode)?;
        Ok(Self { blocks, runs, run: 0, position: 0, size_bytes: inode.size_bytes })
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let block_bytes = u64::from(self.blocks.superblock.block_bytes);
        let left = self.size_bytes - self.position;
        let mut length = u64::try_from(buffer.len()).unwrap_or(u64::MAX).min(left);
        if length == 0 {
            return Ok(0);
        }
        while self.runs.get(self.run).is_some_and(|run| (run.at + run.count) * block_bytes <= self.position) {
            self.run += 1;
        }
        let run = self.runs.get(self.run).copied();
        let start = run.map_or(u64::MAX, |run| run.at * block_bytes);
        if self.position < start {
            length = length.min(start - self.position);
            part(buffer, length).fill(0);
        } else if let Some(run) = run {
            let within = self.position - start;
            length = length.min(run.count * block_bytes - within);
            let first = run.block + within / block_bytes;
            let within = within % block_bytes;
            if !self.blocks.run_is_plain(first, (within + length).div_ceil(block_bytes)) {
                length = length.min(block_bytes - within);
                let place = u32::try_from(within).unwrap_or(0);
                self.blocks.read_within(first, place, part(buffer, length))?;
            } else {
                self.blocks.read_run(first, within, part(buffer, length))?;
            }
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
