//! One clause, compiled: the comparisons that decide on an entry and on a record.
//!
//! **Invariant:** every decision about the clause, for a run, a preview, a check or an explanation, is made of these.

use super::FileTime;
use super::entry::{ArchivePlace, Entry, EntryKind, FileTimes, MaildirPlace};
use super::glob::{GlobError, PathSet};
use super::matcher::Matcher;
use super::record::{Fields, TimeField};
use super::reduction::Form;
use super::row::RowScope;
use super::taken_in;
use super::verdict::Verdict;
use crate::clock::{LocalReading, Timestamp, Zone};
use crate::order::{Clause, Clock, Columns, Field, Format, Join, LogFormat, Order, Provider, Reduction, Take, Window};

/// What a clause takes, compiled.
#[derive(Debug, Clone)]
pub(in crate::scope) enum Taken {
    Files,
    Records {
        format: Option<Format>,
        log_format: Option<Box<LogFormat>>,
        identifiers: Option<Box<Matcher>>,
        with: Option<Box<Matcher>>,
        rows: Option<Box<RowScope>>,
    },
}

/// One clause, compiled.
#[derive(Debug, Clone)]
pub(in crate::scope) struct ClauseScope {
    pub(in crate::scope) source: usize,
    pub(in crate::scope) paths: PathSet,
    pub(in crate::scope) taken: Taken,
    pub(in crate::scope) window: Option<Window>,
    /// Archives are folders for it.
    pub(in crate::scope) opens_archives: bool,
    /// The year that the clause states for stamps without one.
    pub(in crate::scope) year: Option<i32>,
    /// Brings in the other records of the transactions that it asks for.
    pub(in crate::scope) join: Option<Join>,
    /// What of a record it asks for; none = the record.
    pub(in crate::scope) form: Option<Form>,
    /// The time of a record is among what it asks for.
    pub(in crate::scope) states_time: bool,
    /// Of times in the source that carry none.
    pub(in crate::scope) zone: Option<Zone>,
    /// The hosts that take mail in for the source.
    received_by: Vec<String>,
}

impl ClauseScope {
    pub(in crate::scope) fn new(
        order: &Order,
        at: usize,
        clause: &Clause,
        provider: Option<&Provider>,
    ) -> Result<Self, GlobError> {
        let source = order.sources.get(clause.source);
        let sources = provider.map(|provider| provider.sources.as_slice()).unwrap_or_default();
        let place = sources.iter().find(|place| source.is_some_and(|source| source.name == place.name));
        let taken = match &clause.take {
            Take::Files => Taken::Files,
            Take::Records(records) => Taken::Records {
                format: records.format,
                log_format: records.log_format.clone().map(Box::new),
                identifiers: Matcher::new(&records.identifiers).map(Box::new),
                with: Matcher::new(&records.with).map(Box::new),
                rows: records.rows.as_ref().map(|rows| Box::new(RowScope::new(rows))),
            },
        };
        Ok(Self {
            source: clause.source,
            paths: PathSet::new(&clause.paths)?,
            taken,
            window: clause.window,
            opens_archives: clause.opens_archives,
            year: match &clause.take {
                Take::Files => None,
                Take::Records(records) => records.year,
            },
            join: match &clause.take {
                Take::Files => None,
                Take::Records(records) => records.join,
            },
            form: Form::of(order, at),
            states_time: states_time(clause),
            zone: source.and_then(|source| source.zone),
            received_by: place.map(|place| place.received_by.clone()).unwrap_or_default(),
        })
    }

    /// The clause sees the entry: what is in an archive is there for a clause that opens archives, and for it the archive is
    /// no file.
    pub(in crate::scope) fn sees(&self, entry: &Entry) -> bool {
        match entry.archive() {
            ArchivePlace::None => true,
            ArchivePlace::Opened => !self.opens_archives,
            ArchivePlace::Inside => self.opens_archives,
            ArchivePlace::OpenedInside => false,
        }
    }

    /// The entry's path is asked for, and it is of a kind that the clause takes.
    pub(in crate::scope) fn reaches(&self, entry: &Entry) -> bool {
        match entry.kind() {
            EntryKind::File | EntryKind::Unreadable => {}
            EntryKind::Folder | EntryKind::Link | EntryKind::Special => return false,
        }
        self.sees(entry) && self.maildir_fits(entry.maildir()) && self.paths.matches(entry.path())
    }

    pub(in crate::scope) fn maildir_fits(&self, place: MaildirPlace) -> bool {
        match &self.taken {
            Taken::Files => true,
            Taken::Records { format, .. } => match place {
                // Outside a Maildir a clause for one finds what has not its shape: that is said, not passed over.
                MaildirPlace::Message | MaildirPlace::None => true,
                MaildirPlace::Subfolder | MaildirPlace::Other => !matches!(format, None | Some(Format::Maildir)),
            },
        }
    }

    /// The window holds the file's time. A clock that the file system lacks is undecided.
    pub(in crate::scope) fn file_window(&self, times: FileTimes) -> Verdict {
        let Some(window) = self.window else { return Verdict::In };
        match file_time(times, window.clock) {
            Some(time) => time.within(window),
            None => Verdict::Undecided,
        }
    }

    /// One of the identifiers is in the record; no identifiers is any record.
    pub(in crate::scope) fn identifiers(&self, fields: &dyn Fields) -> Verdict {
        match &self.taken {
            Taken::Records { identifiers: Some(matcher), .. } => matcher.verdict(fields),
            Taken::Records { identifiers: None, .. } => Verdict::In,
            Taken::Files => Verdict::Out,
        }
    }

    /// One of `with` is in the record too; no `with` is any record.
    pub(in crate::scope) fn with(&self, fields: &dyn Fields) -> Verdict {
        match &self.taken {
            Taken::Records { with: Some(matcher), .. } => matcher.verdict(fields),
            Taken::Records { with: None, .. } => Verdict::In,
            Taken::Files => Verdict::Out,
        }
    }

    /// The record is a row that the clause names; no `rows` is any record.
    pub(in crate::scope) fn rows(&self, fields: &dyn Fields) -> Verdict {
        self.row_scope().map_or(Verdict::In, |rows| rows.verdict(fields))
    }

    pub(in crate::scope) fn row_scope(&self) -> Option<&RowScope> {
        match &self.taken {
            Taken::Records { rows, .. } => rows.as_deref(),
            Taken::Files => None,
        }
    }

    /// What a record says of its time, for this clause: the clock `record` is the column that it names, where it names one.
    pub(in crate::scope) fn time(&self, fields: &dyn Fields, clock: Clock) -> TimeField {
        let column = self.row_scope().filter(|_| clock == Clock::Record).and_then(|rows| rows.time(fields));
        match column.unwrap_or_else(|| fields.time(clock)) {
            TimeField::Lacks if clock == Clock::Received => taken_in::received(fields, &self.received_by),
            time => time,
        }
    }

    /// The window holds the record's time.
    pub(in crate::scope) fn record_window(&self, fields: &dyn Fields) -> Verdict {
        let Some(window) = self.window else { return Verdict::In };
        if !fields.parsed() {
            return Verdict::Undecided;
        }
        match self.time(fields, window.clock) {
            TimeField::At(at) => Verdict::from_bool(window.holds(at)),
            TimeField::Unreadable | TimeField::Lacks | TimeField::Yearless(_) => Verdict::Undecided,
            TimeField::Day(day) => {
                let begin = day.and_time(chrono::NaiveTime::MIN);
                // The last nanosecond of a day is still of it.
                let step = chrono::TimeDelta::days(1) - chrono::TimeDelta::nanoseconds(1);
                let time = FileTime::local(begin, step, self.zone);
                time.map_or(Verdict::Undecided, |time| time.within(window))
            }
            TimeField::Abbreviated(local, zone) => {
                // Where the source's zone does not have it, it was written in another one.
                let at = self.zone.and_then(|own| own.abbreviated(local, zone.as_str()));
                at.map_or(Verdict::Undecided, |at| Verdict::from_bool(window.holds(at)))
            }
            TimeField::Local(local) => match self.zone.map(|zone| zone.local(local)) {
                Some(LocalReading::One(at)) => Verdict::from_bool(window.holds(at)),
                Some(LocalReading::Fold { earlier, later }) if window.holds(earlier) == window.holds(later) => {
                    Verdict::from_bool(window.holds(earlier))
                }
                // It happened twice, on both sides of a boundary; or never; or nobody can say when.
                Some(LocalReading::Fold { .. } | LocalReading::Gap { .. } | LocalReading::OutOfRange) | None => {
                    Verdict::Undecided
                }
            },
        }
    }

    /// What the clause says of a record, withholds aside. The cheapest comparison that can make it out comes first.
    pub(in crate::scope) fn record(&self, fields: &dyn Fields) -> Verdict {
        let mut verdict = self.rows(fields);
        if verdict != Verdict::Out {
            verdict = verdict.and(self.identifiers(fields));
        }
        if verdict != Verdict::Out {
            verdict = verdict.and(self.record_window(fields));
        }
        if verdict != Verdict::Out {
            verdict = verdict.and(self.with(fields));
        }
        verdict
    }
}

/// The time of a record may be stated under the clause: it asks for the whole record, for a part that holds it, or for the field
/// or column that it is.
fn states_time(clause: &Clause) -> bool {
    let Take::Records(records) = &clause.take else { return true };
    let Some(Reduction::Fields(fields)) = &records.reduction else { return true };
    let named = records.rows.as_ref().and_then(|rows| rows.time.as_ref()).map(|time| time.column.as_str());
    let own = records.format.filter(|format| format.columns() == Columns::Timed).map(|_| "time");
    fields.iter().any(|field| match field {
        Field::Time => true,
        Field::Column(name) => named.or(own) == Some(name),
        Field::Role(_) => false,
    })
}

/// A file's time on a clock; none where the file system lacks it, or where it is a clock of records.
pub(in crate::scope) fn file_time(times: FileTimes, clock: Clock) -> Option<FileTime> {
    match clock {
        Clock::Modified => times.modified,
        Clock::Changed => times.changed,
        Clock::Created => times.created,
        Clock::Accessed => times.accessed,
        Clock::Record | Clock::DateHeader | Clock::Received | Clock::Delivered => None,
    }
}

/// The one instant that a record's time names, if it does.
pub(in crate::scope) fn record_time(time: TimeField, zone: Option<Zone>) -> Option<Timestamp> {
    match time {
        TimeField::At(at) => Some(at),
        TimeField::Abbreviated(local, abbreviation) => zone?.abbreviated(local, abbreviation.as_str()),
        TimeField::Local(local) => match zone?.local(local) {
            LocalReading::One(at) => Some(at),
            LocalReading::Fold { .. } | LocalReading::Gap { .. } | LocalReading::OutOfRange => None,
        },
        TimeField::Day(_) | TimeField::Unreadable | TimeField::Lacks | TimeField::Yearless(_) => None,
    }
}
