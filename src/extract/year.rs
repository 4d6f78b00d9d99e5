//! Which years the records of a stream are of, where they carry none: the stream is read through once before.
//!
//! **Invariant:** what cannot be read through tells no year.

use std::path::Path;

use super::ExtractError;
use super::meter::{Meter, Metered, Progress};
use crate::filesystem::FileSystem;
use crate::record::compression::Unpacked;
use crate::record::{RecordFormat, YearBasis, Years};
use crate::scope::{Permit, YearFacts};

/// Leave to read a stream through before its records are judged.
pub(super) struct Before<'b> {
    pub(super) filesystem: &'b dyn FileSystem,
    pub(super) permit: Permit,
}

/// What is read before is not told as progress: it is read again.
pub(super) struct Unseen;

impl Progress for Unseen {
    fn total(&self, _bytes: u64) {}

    fn advance(&self, _bytes: u64) {}
}

impl Before<'_> {
    /// The years of the stream's records; none where the format's records carry theirs.
    pub(super) fn years(
        self,
        row: &dyn RecordFormat,
        facts: YearFacts,
        meter: &Meter<'_>,
        scratch: &Path,
    ) -> Result<Option<Years>, ExtractError> {
        if !row.may_lack_year() {
            return Ok(None);
        }
        let basis = match (facts.stated, facts.written) {
            (Some(year), _) => YearBasis::Stated(year),
            (None, Some(written)) => YearBasis::Written(written, facts.zone),
            (None, None) => YearBasis::Lines,
        };
        let opened = self.filesystem.open(self.permit).ok();
        let Some(stream) = opened.and_then(crate::scope::Opened::into_structure) else {
            return Ok(Some(Years::default()));
        };
        let meter = Meter { progress: &Unseen, stop: meter.stop };
        let mut stored = Metered::new(stream, &meter);
        let years = Years::of(row, &mut Unpacked::open(&mut stored), Some(scratch), basis);
        meter.go_on()?;
        Ok(Some(years.unwrap_or_default()))
    }
}

/// What staff should know of the years of a stream; none where there is nothing to know.
pub(super) fn note(years: Option<&Years>) -> Option<String> {
    let years = years?;
    let mut words = Vec::new();
    if years.mixed {
        words.push("some stamps carry a year and some do not".to_owned());
    }
    if years.steps > 0 {
        words.push(format!(
            "{} steps of more than half a year, or back in time, between stamps without a year: before the last of them the \
             year is not told",
            years.steps
        ));
    }
    if years.is_untold() {
        words.push("no year is told for stamps without one: state it with `year` in the clause".to_owned());
    }
    (!words.is_empty()).then(|| words.join("; "))
}
