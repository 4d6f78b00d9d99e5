//! What a run reads, as it reads it: bytes for the progress bar, a digest for the audit, and the wish to stop.
//!
//! **Invariant:** a digest is of the bytes that passed, and how many they are is told with it.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};

use super::ExtractError;
use crate::digest::{Digest, Hasher};

/// Is told how far a run has come. Never which file it is at.
pub trait Progress: Sync {
    /// So many bytes are to be read.
    fn total(&self, bytes: u64);
    /// So many more have been read.
    fn advance(&self, bytes: u64);
}

/// Tells the progress, and whether to go on.
pub(super) struct Meter<'m> {
    pub(super) progress: &'m dyn Progress,
    /// Set from outside: Ctrl-C.
    pub(super) stop: &'m AtomicBool,
}

impl Meter<'_> {
    /// An error once the run is to stop.
    pub(super) fn go_on(&self) -> Result<(), ExtractError> {
        if self.stop.load(Ordering::Relaxed) { Err(ExtractError::Interrupted) } else { Ok(()) }
    }
}

/// A stream whose bytes are counted and hashed as they pass.
pub(super) struct Metered<'m, R> {
    inner: R,
    meter: &'m Meter<'m>,
    hasher: Hasher,
    bytes: u64,
}

impl<'m, R: Read> Metered<'m, R> {
    pub(super) fn new(inner: R, meter: &'m Meter<'m>) -> Self {
        Self { inner, meter, hasher: Hasher::new(), bytes: 0 }
    }

    /// How many bytes have passed.
    pub(super) fn passed(&self) -> u64 {
        self.bytes
    }

    /// How many bytes have passed, and their SHA-256.
    pub(super) fn finish(self) -> (u64, Digest) {
        (self.bytes, self.hasher.finish())
    }
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.meter.stop.load(Ordering::Relaxed) {
            return Err(std::io::Error::other("interrupted"));
        }
        let read = loop {
            match self.inner.read(buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        if let Some(bytes) = buffer.get(..read) {
            self.hasher.update(bytes);
        }
        self.bytes += read as u64;
        self.meter.progress.advance(read as u64);
        Ok(read)
    }
}
