//! Reading one permitted file whole: every byte is shown to the gate before anything is admitted.
//!
//! **Invariant:** a file that ends in an error, or that must be taken as records, is not judged at all.

use std::io::Read as _;

use super::ExtractError;
use super::format::holds_records;
use super::meter::{Meter, Metered};
use crate::ledger::ShortfallKind;
use crate::limits;
use crate::scope::{Scope, Stream, WholeGate, WholeJudgement};

/// How the reading of a file ended.
pub(super) enum WholeRead {
    /// All of it was read.
    Judged(WholeJudgement),
    /// It is short, and why in words for staff.
    Short(ShortfallKind, Option<String>),
}

/// Reads to the end, showing each piece to the gate and then to `take`.
pub(super) fn read_whole(
    scope: &Scope,
    mut gate: WholeGate<'_>,
    stored: &mut Metered<'_, Stream>,
    meter: &Meter<'_>,
    take: &mut dyn FnMut(&[u8]) -> Result<(), ExtractError>,
) -> Result<WholeRead, ExtractError> {
    let mut buffer = vec![0; limits::CHUNK_BYTES];
    let mut probes = scope.withholds_identifiers();
    loop {
        meter.go_on()?;
        let (filled, error) = fill(stored, &mut buffer);
        if let Some(error) = error {
            meter.go_on()?;
            return Ok(WholeRead::Short(ShortfallKind::UnreadableFile, Some(error.to_string())));
        }
        let bytes = buffer.get(..filled).unwrap_or_default();
        // A short first read would hide a format from its probe: the piece is as long as the file lets it be.
        if std::mem::take(&mut probes) && holds_records(bytes) {
            return Ok(WholeRead::Short(ShortfallKind::MustBeRecords, None));
        }
        gate.observe(bytes);
        take(bytes)?;
        if filled < buffer.len() {
            return Ok(WholeRead::Judged(gate.finish()));
        }
    }
}

/// Fills the buffer as far as the stream goes.
fn fill(stored: &mut Metered<'_, Stream>, buffer: &mut [u8]) -> (usize, Option<std::io::Error>) {
    let mut filled = 0;
    while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
        match stored.read(room) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) => return (filled, Some(error)),
        }
    }
    (filled, None)
}
