//! A reader that gives its bytes in chunks of chosen sizes, with an interruption now and then, and perhaps an error.

use std::io::{self, Read};

/// Gives `bytes` in reads of the sizes that `sizes` says, over and over, then the error.
pub struct Pieces<'a> {
    bytes: &'a [u8],
    sizes: Vec<usize>,
    turn: usize,
    /// Ends in an error, and not in the end of the stream.
    pub error: bool,
}

impl<'a> Pieces<'a> {
    /// No error at the end.
    pub fn new(bytes: &'a [u8], sizes: &[usize]) -> Self {
        Self { bytes, sizes: sizes.to_vec(), turn: 0, error: false }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.bytes.is_empty() {
            return if self.error { Err(io::Error::other("the disk is gone")) } else { Ok(0) };
        }
        let size = self.sizes[self.turn % self.sizes.len()].clamp(1, self.bytes.len()).min(room.len());
        self.turn += 1;
        if self.turn % 7 == 3 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let (now, later) = self.bytes.split_at(size);
        room[..size].copy_from_slice(now);
        self.bytes = later;
        Ok(size)
    }
}
