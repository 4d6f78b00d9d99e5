//! A stream's bytes in a file without a name: for a format that must go back and forth in them.
//!
//! **Invariant:** the file has no name from its beginning, so that nothing of it is left, whatever happens to the run.

use std::fs::File;
use std::io::{ErrorKind, Read, Write as _};
use std::path::Path;

use crate::limits;
use crate::read_error::ReadError;

/// All that a stream gave.
pub(super) struct Spool {
    pub(super) file: File,
    pub(super) length: u64,
    /// What ended the stream before its end.
    pub(super) failure: Option<ReadError>,
}

impl Spool {
    /// Reads the stream to its end, or to `most` bytes of `what`.
    pub(super) fn of(stream: &mut dyn Read, scratch: &Path, most: u64, what: &'static str) -> Result<Self, ReadError> {
        let mut spool = Self { file: tempfile::tempfile_in(scratch)?, length: 0, failure: None };
        let mut room = vec![0; limits::CHUNK_BYTES];
        loop {
            let count = match stream.read(&mut room) {
                Ok(0) => return Ok(spool),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    spool.failure = Some(error.into());
                    return Ok(spool);
                }
            };
            let bytes = room.get(..count).unwrap_or_default();
            if spool.length.saturating_add(count as u64) > most {
                spool.failure = Some(ReadError::Limit { offset: spool.length, what });
                return Ok(spool);
            }
            spool.file.write_all(bytes).map_err(|error| ReadError::io(spool.length, error))?;
            spool.length += count as u64;
        }
    }
}
