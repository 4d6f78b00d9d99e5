//! Which year the records of a stream are of that carry none.
//!
//! The traditional stamp of syslog (RFC 3164, 4.1.2) has no year. Two things tell it: what staff state in the order, or the
//! time at which the file was last written together with the order of its lines. Nothing else does, least of all the
//! present. The stream is read through once before it is split: what comes last was written at about the time of the file,
//! and the year is counted back from there over every new year between two lines. Lines that carry a year themselves count
//! as what they say.
//!
//! A step of more than half a year, forwards or backwards, can be read in two ways: before it nothing is told, but for what
//! lines with a year tell. A silence of whole years between two lines cannot be seen in stamps that have none.
//!
//! **Invariant:** where two years fit, no year is told.

use std::io::Read;
use std::path::Path;

use chrono::{Datelike as _, NaiveDateTime, TimeDelta, Timelike as _};

use super::{RecordFormat, RecordSink, SplitError, Stop, Unreadable};
use crate::clock::{Timestamp, Zone};
use crate::limits::YEAR_CHANGES;
use crate::order::{Clock, Family, Role};
use crate::scope::{Fields, FileTime, RawRecord, Reading, TimeField, Value};

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Seconds of a leap year, in which each stamp without a year has a place.
const YEAR: i64 = 366 * DAY;
/// So far a line may be older than the one before it: several programs write into one log.
const DISORDER: i64 = DAY;
/// So far apart, two stamps can be read in two ways.
const HALF_YEAR: i64 = 183 * DAY;
/// So much older than its file the last line may be, in days.
const IDLE_DAYS: i64 = 31;

/// What the year is told by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum YearBasis {
    /// The order states it.
    Stated(i32),
    /// When the file was last written, and the zone of its stamps.
    Written(FileTime, Option<Zone>),
    /// Nothing but lines that carry one.
    Lines,
}

/// The years of a stream's records.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Years {
    /// From that offset on, that year; none: it cannot be told. In order.
    changes: Vec<(u64, Option<i32>)>,
    /// Steps between two lines that can be read in two ways.
    pub steps: u64,
    /// Some records carry a year and some do not.
    pub mixed: bool,
    /// Some records carry none.
    yearless: bool,
}

impl Years {
    /// Reads the stream through, as `row` splits it.
    pub fn of(
        row: &dyn RecordFormat,
        stream: &mut dyn Read,
        scratch: Option<&Path>,
        basis: YearBasis,
    ) -> Result<Self, SplitError> {
        let mut survey = Survey::default();
        row.split(stream, scratch, &mut survey)?;
        Ok(survey.finish(basis))
    }

    /// Hands records on to `sink`, each with its year.
    pub fn dating<'d>(&'d self, sink: &'d mut dyn RecordSink) -> impl RecordSink {
        Dating { years: self, sink }
    }

    /// Some stamps carry no year, and for none of them it is told.
    pub fn is_untold(&self) -> bool {
        self.yearless && self.changes.iter().all(|(_, year)| year.is_none())
    }

    /// The year of a record that begins at `offset`.
    pub fn at(&self, offset: u64) -> Option<i32> {
        let next = self.changes.partition_point(|(from, _)| *from <= offset);
        self.changes.get(next.checked_sub(1)?)?.1
    }
}

/// Lines among which each step can be read in one way only.
#[derive(Clone, Copy, Default)]
struct Run {
    /// The year of the first line, by lines that carry one; none where there is none.
    first: Option<i32>,
    /// They contradict one another.
    contradicted: bool,
}

/// What is seen on the way through a stream.
#[derive(Default)]
struct Survey {
    runs: Vec<Run>,
    /// From that offset on: that run, so many years after its first line.
    changes: Vec<(u64, usize, i32)>,
    /// The last stamp, in seconds of a leap year, and as it is written.
    last: Option<(i64, TimeField)>,
    steps: u64,
    dated: bool,
    yearless: bool,
    overflow: bool,
}

impl Survey {
    fn point(&mut self, offset: u64, stamp: TimeField) {
        let (place, year) = match stamp {
            TimeField::Yearless(yearless) => (yearless.in_year(2000), None),
            TimeField::Local(local) | TimeField::Abbreviated(local, _) => (local.with_year(2000), Some(local.year())),
            TimeField::At(at) => (at.to_utc().with_year(2000), Some(at.to_utc().year())),
            TimeField::Day(_) | TimeField::Unreadable | TimeField::Lacks => return,
        };
        let Some(place) = place.map(seconds_of_year) else { return };
        self.dated |= year.is_some();
        self.yearless |= year.is_none();
        let (run, relative) = match (self.changes.last(), self.last.replace((place, stamp))) {
            (Some(&(_, run, relative)), Some((before, _))) => match step(before, place) {
                Some(years) => (run, relative + years),
                None => {
                    self.steps += 1;
                    (self.new_run(), 0)
                }
            },
            _ => (self.new_run(), 0),
        };
        if self.changes.last().is_none_or(|(_, known, years)| (*known, *years) != (run, relative)) {
            self.overflow |= self.changes.len() >= YEAR_CHANGES;
            if self.overflow {
                // The last one is carried on, so that the memory is bounded; nothing is told.
                self.changes.pop();
            }
            self.changes.push((offset, run, relative));
        }
        if let (Some(year), Some(known)) = (year, self.runs.get_mut(run)) {
            let first = year.saturating_sub(relative);
            known.contradicted |= known.first.is_some_and(|known| known != first);
            known.first = Some(first);
        }
    }

    fn new_run(&mut self) -> usize {
        if self.runs.len() < YEAR_CHANGES {
            self.runs.push(Run::default());
        }
        self.runs.len().saturating_sub(1)
    }

    fn finish(mut self, basis: YearBasis) -> Years {
        let (steps, mixed, yearless) = (self.steps, self.dated && self.yearless, self.yearless);
        if self.overflow {
            return Years { changes: Vec::new(), steps, mixed, yearless };
        }
        if let YearBasis::Written(written, zone) = basis
            && let (Some((_, TimeField::Yearless(last))), Some(&(_, _, relative))) = (self.last, self.changes.last())
            && let Some(run) = self.runs.last_mut()
            && let Some(year) = year_of_last(|year| last.in_year(year), written, zone)
        {
            let first = year.saturating_sub(relative);
            run.contradicted |= run.first.is_some_and(|known| known != first);
            run.first = Some(first);
        }
        // Lines in order that go over a new year contradict a statement of one year. Lines in no order tell nothing.
        let one_year = steps > 0 || self.changes.iter().all(|(_, _, relative)| *relative == 0);
        let changes = self.changes.iter().map(|&(from, run, relative)| {
            let told = self.runs.get(run).filter(|run| !run.contradicted).and_then(|run| run.first);
            let told = told.map(|first| first.saturating_add(relative));
            match basis {
                YearBasis::Stated(year) => {
                    (from, Some(year).filter(|_| one_year && told.is_none_or(|told| told == year)))
                }
                YearBasis::Written(..) | YearBasis::Lines => (from, told),
            }
        });
        Years { changes: changes.collect(), steps, mixed, yearless }
    }
}

/// So many years the calendar goes on between two stamps that follow one another; none where two readings fit.
fn step(before: i64, after: i64) -> Option<i32> {
    match after - before {
        forward if (-DISORDER..=HALF_YEAR).contains(&forward) => Some(0),
        over_new_year if over_new_year < -HALF_YEAR => Some(1),
        back_over_new_year if back_over_new_year > YEAR - DISORDER => Some(-1),
        _ => None,
    }
}

/// The year in which the last line of a file was written that was last written to at `written`.
fn year_of_last(last: impl Fn(i32) -> Option<NaiveDateTime>, written: FileTime, zone: Option<Zone>) -> Option<i32> {
    let local = |at: Timestamp| zone.map_or_else(|| at.to_utc(), |zone| zone.civil(at));
    let fits = |written: NaiveDateTime, year: i32| {
        let (idle, ahead) = (TimeDelta::days(IDLE_DAYS), TimeDelta::days(1));
        last(year).is_some_and(|last| written - idle <= last && last <= written + ahead)
    };
    let year = |written: NaiveDateTime| {
        let mut years = (-1..=1).map(|years| written.year() + years).filter(|year| fits(written, *year));
        years.next().filter(|_| years.next().is_none())
    };
    let (earliest, latest) = written.ends();
    let told = year(local(earliest))?;
    (year(local(latest)) == Some(told)).then_some(told)
}

fn seconds_of_year(at: NaiveDateTime) -> i64 {
    i64::from(at.ordinal0()) * DAY + i64::from(at.num_seconds_from_midnight())
}

impl RecordSink for Survey {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        if record.fields.parsed() {
            self.point(record.offset, record.fields.time(Clock::Record));
        }
        Ok(())
    }

    fn separator(&mut self, _bytes: u64) {}

    fn unreadable(&mut self, _bytes: u64, _why: Unreadable) {}
}

/// Gives each record its year.
struct Dating<'d> {
    years: &'d Years,
    sink: &'d mut dyn RecordSink,
}

impl RecordSink for Dating<'_> {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        let fields = Dated { fields: record.fields, year: self.years.at(record.offset) };
        self.sink.record(RawRecord { fields: &fields, ..record })
    }

    fn separator(&mut self, bytes: u64) {
        self.sink.separator(bytes);
    }

    fn unreadable(&mut self, bytes: u64, why: Unreadable) {
        self.sink.unreadable(bytes, why);
    }
}

/// A record's fields, with the year that is known of it.
pub struct Dated<'f> {
    /// As the format names them.
    pub fields: &'f dyn Fields,
    /// None: it cannot be told.
    pub year: Option<i32>,
}

impl<'f> Dated<'f> {
    /// With the year by which its local time is nearest to a stated instant: for what a ledger states.
    pub fn stated(fields: &'f dyn Fields, at: Option<Timestamp>, zone: Option<Zone>) -> Self {
        Self { fields, year: at.zip(zone).map(|(at, zone)| zone.civil(at).year()) }
    }
}

impl Fields for Dated<'_> {
    fn beneath(&self) -> Option<&dyn Fields> {
        Some(self.fields)
    }

    fn family(&self) -> Family {
        self.fields.family()
    }

    fn parsed(&self) -> bool {
        self.fields.parsed()
    }

    fn time(&self, clock: Clock) -> TimeField {
        match self.fields.time(clock) {
            TimeField::Yearless(yearless) => match self.year {
                // 29 February of a year that has none: the year is not that one.
                Some(year) => yearless.in_year(year).map_or(TimeField::Unreadable, TimeField::Local),
                None => TimeField::Yearless(yearless),
            },
            other => other,
        }
    }

    fn values(&self, role: Role, visit: &mut dyn FnMut(Value<'_>)) -> Reading {
        self.fields.values(role, visit)
    }

    fn texts(&self, visit: &mut dyn FnMut(&[u8])) -> Reading {
        self.fields.texts(visit)
    }
}
