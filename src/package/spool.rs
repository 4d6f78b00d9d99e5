//! Bytes on their way into the package: in memory, and over a bound in a file without a name that holds them encrypted.
//!
//! **Invariant:** a spool never has a name in any folder, so nothing of it is left when the program ends, however it ends;
//! and what is written to a disk of it says nothing without a key that is in memory alone ([`crate::scratch`]).

use std::io::{self, Read, Seek as _, Write};
use std::path::Path;
use std::sync::Arc;

use crate::limits;
use crate::scratch::{Scratch, ScratchWriter};

/// Bytes, written once and read once.
pub struct Spool {
    memory: Vec<u8>,
    file: Option<Box<ScratchWriter>>,
    folder: Arc<Path>,
    length: u64,
}

impl Spool {
    /// Nothing yet; what goes over [`limits::SPOOL_MEMORY_BYTES`] goes into an unlinked file in `folder`, encrypted.
    pub fn new(folder: Arc<Path>) -> Self {
        Self { memory: Vec::new(), file: None, folder, length: 0 }
    }

    /// How many bytes it holds.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The folder of its file, should it need one.
    pub(super) fn folder(&self) -> &Arc<Path> {
        &self.folder
    }

    /// What it holds, from its start.
    pub fn into_read(self) -> io::Result<impl Read> {
        self.into_reader()
    }

    /// Back to the start, for reading.
    pub(super) fn into_reader(self) -> io::Result<SpoolReader> {
        let Some(file) = self.file else { return Ok(SpoolReader::Memory(io::Cursor::new(self.memory))) };
        Ok(SpoolReader::File { file: file.finish()?, at: 0 })
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let over = self.memory.len().saturating_add(bytes.len()) > limits::SPOOL_MEMORY_BYTES;
        let file = match &mut self.file {
            None if !over => {
                self.memory.extend_from_slice(bytes);
                self.length = self.length.saturating_add(bytes.len() as u64);
                return Ok(bytes.len());
            }
            None => {
                let mut file = Box::new(ScratchWriter::create_in(&self.folder)?);
                file.append(&self.memory)?;
                self.memory = Vec::new();
                self.file.insert(file)
            }
            Some(file) => file,
        };
        file.append(bytes)?;
        self.length = self.length.saturating_add(bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // `into_reader` flushes; before it nobody reads.
        Ok(())
    }
}

/// What a spool held, from its start.
pub(super) enum SpoolReader {
    /// All of it was in memory.
    Memory(io::Cursor<Vec<u8>>),
    /// It is in a file.
    File {
        /// Which.
        file: Scratch,
        /// Where the next byte is read.
        at: u64,
    },
}

impl SpoolReader {
    /// Back to the start.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        match self {
            Self::Memory(memory) => memory.rewind(),
            Self::File { at, .. } => {
                *at = 0;
                Ok(())
            }
        }
    }

    /// The next `bytes` bytes, all of them, into `out` and past `see`.
    pub(super) fn pass(&mut self, bytes: u64, out: &mut dyn Write, see: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let mut buffer = vec![0u8; limits::CHUNK_BYTES.min(usize::try_from(bytes).unwrap_or(limits::CHUNK_BYTES))];
        let mut left = bytes;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let slot = buffer.get_mut(..wanted).unwrap_or_default();
            self.read_exact(slot)?;
            see(slot);
            out.write_all(slot)?;
            left = left.saturating_sub(wanted as u64);
        }
        Ok(())
    }
}

impl Read for SpoolReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Memory(memory) => memory.read(buffer),
            Self::File { file, at } => {
                let left = usize::try_from(file.length().saturating_sub(*at)).unwrap_or(usize::MAX);
                let count = buffer.len().min(left);
                file.read_exact_at(buffer.get_mut(..count).unwrap_or_default(), *at)?;
                *at = at.saturating_add(count as u64);
                Ok(count)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_in_memory_and_over_it() {
        let folder = tempfile::tempdir().unwrap();
        for size in [0, 1, limits::SPOOL_MEMORY_BYTES, limits::SPOOL_MEMORY_BYTES + 1, 3 * limits::SPOOL_MEMORY_BYTES] {
            let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            let mut spool = Spool::new(folder.path().into());
            for chunk in bytes.chunks(100_001) {
                spool.write_all(chunk).unwrap();
            }
            assert_eq!(spool.length(), size as u64);
            assert_eq!(spool.file.is_some(), size > limits::SPOOL_MEMORY_BYTES);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a spool must have no name");
            let mut out = Vec::new();
            let mut seen = 0;
            spool.into_reader().unwrap().pass(size as u64, &mut out, &mut |bytes| seen += bytes.len()).unwrap();
            assert!(out == bytes && seen == size);
        }
    }
}
