//! The transactions that clauses with a `join` ask for: their streams are read through before any record is judged.
//!
//! **Invariant:** nothing is admitted here; what cannot be read here cannot be read where the records are judged either, and
//! is a shortfall there.

use std::path::Path;

use super::ExtractError;
use super::meter::Meter;
use super::reach::Tasks;
use super::year::{Before, Unseen};
use crate::record::compression::Unpacked;
use crate::record::{self, RecordSink, Stop, Unreadable};
use crate::scope::{JoinSurvey, Joined, RawRecord, Scope, TooManyTransactions};

/// Reads the streams that clauses with a `join` reach.
pub(super) fn joined(scope: &Scope, tasks: &Tasks, meter: &Meter<'_>, scratch: &Path) -> Result<Joined, ExtractError> {
    let mut joined = Joined::default();
    for (filesystem, permit) in tasks.before(|clauses| scope.joins(clauses)) {
        meter.go_on()?;
        let before = Before { filesystem, permit: permit.before() };
        let Some((survey, stream, facts)) = filesystem.open(permit).ok().and_then(|opened| opened.into_join(scope))
        else {
            continue;
        };
        let Some(row) = survey.format().map(record::format) else { continue };
        let years = before.years(row, facts, meter, scratch)?.unwrap_or_default();
        let meter = Meter { progress: &Unseen, stop: meter.stop };
        let mut stored = super::meter::Metered::new(stream, &meter);
        let mut sink = Sink { survey, joined: &mut joined, over: false };
        // Where it cannot be read, or not further, is said where its records are judged.
        let _ = row.split(&mut Unpacked::open(&mut stored), Some(scratch), &mut years.dating(&mut sink));
        if sink.over {
            return Err(ExtractError::TooManyTransactions);
        }
    }
    meter.go_on()?;
    joined.follow().map_err(|TooManyTransactions| ExtractError::TooManyTransactions)?;
    Ok(joined)
}

struct Sink<'s> {
    survey: JoinSurvey<'s>,
    joined: &'s mut Joined,
    over: bool,
}

impl RecordSink for Sink<'_> {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        self.survey.observe(record, self.joined).map_err(|TooManyTransactions| {
            self.over = true;
            Stop
        })
    }

    fn separator(&mut self, _bytes: u64) {}

    fn unreadable(&mut self, _bytes: u64, _why: Unreadable) {}
}
