//! Dates, date-times and windows as an order writes them.
//!
//! **Invariant:** a local time that a zone skipped or repeated is never guessed: both readings are shown.

use std::ops::Range;

use chrono::{Datelike as _, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use toml::value::{Datetime, Offset};

use super::diagnostic::{Code, Notes};
use super::key::WINDOW;
use super::table::Item;
use super::{Clock, Window};
use crate::clock::{LocalReading, Timestamp, Zone};

/// A date or date-time as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// A whole day.
    Day(NaiveDate),
    /// A date-time without offset: in the order's zone.
    Local(NaiveDateTime),
    /// A date-time with offset.
    Instant(Timestamp, NaiveDate),
}

impl When {
    /// The date that is written there.
    pub(super) fn day(self) -> NaiveDate {
        match self {
            Self::Day(day) | Self::Instant(_, day) => day,
            Self::Local(local) => local.date(),
        }
    }
}

/// A date that a clause's text should hold too.
pub(super) struct Mentioned {
    /// Any of these days will do.
    pub(super) days: Vec<NaiveDate>,
    /// Where the manifest has it.
    pub(super) span: Range<usize>,
}

/// A date or date-time.
pub(super) fn when(item: &Item<'_>, wanted: &str, notes: &mut Notes) -> Option<When> {
    let written = item.datetime(wanted, notes)?;
    let read = convert(written);
    if read.is_none() {
        notes.error(Code::BadDate, &item.span, format!("{written} does not exist"));
    }
    read
}

fn convert(written: Datetime) -> Option<When> {
    let date = written.date?;
    let day = NaiveDate::from_ymd_opt(i32::from(date.year), u32::from(date.month), u32::from(date.day))?;
    let Some(time) = written.time else { return Some(When::Day(day)) };
    let (second, nano) = (time.second.unwrap_or(0), time.nanosecond.unwrap_or(0));
    // A 60th second is a leap second: POSIX time has none.
    let clock = NaiveTime::from_hms_nano_opt(time.hour.into(), time.minute.into(), second.into(), nano)?;
    let local = day.and_time(clock);
    let minutes = match written.offset {
        None => return Some(When::Local(local)),
        Some(Offset::Z) => 0,
        Some(Offset::Custom { minutes }) => minutes,
    };
    let utc = local.checked_sub_signed(TimeDelta::minutes(minutes.into()))?.and_utc();
    Some(When::Instant(Timestamp::new(utc.timestamp(), utc.timestamp_subsec_nanos())?, day))
}

/// A whole day.
pub(super) fn day(item: &Item<'_>, notes: &mut Notes) -> Option<NaiveDate> {
    match when(item, "a date, as in 2024-04-08", notes)? {
        When::Day(day) => Some(day),
        When::Local(_) | When::Instant(..) => {
            notes.error(Code::WrongType, &item.span, "a whole date is wanted here, without a time");
            None
        }
    }
}

/// An instant: a date-time with an offset, or without one in the order's zone.
pub(super) fn instant(item: &Item<'_>, zone: Option<Zone>, notes: &mut Notes) -> Option<Timestamp> {
    match when(item, "a date and time, as in 2024-04-09T09:40:00Z", notes)? {
        When::Day(_) => {
            let note = notes.error(Code::WrongType, &item.span, "a date and time is wanted here, not a whole date");
            note.hint("as in 2024-04-09T09:40:00Z");
            None
        }
        When::Instant(at, _) => Some(at),
        When::Local(local) => resolve(local, zone?, &item.span, notes),
    }
}

fn resolve(local: NaiveDateTime, zone: Zone, span: &Range<usize>, notes: &mut Notes) -> Option<Timestamp> {
    let shown = local.format("%Y-%m-%dT%H:%M:%S%.f");
    let reading = |at: Timestamp| {
        let minutes = local.signed_duration_since(at.to_utc()).num_minutes();
        let sign = if minutes < 0 { '-' } else { '+' };
        format!("{shown}{sign}{:02}:{:02} ({at})", minutes.abs() / 60, minutes.abs() % 60)
    };
    match zone.local(local) {
        LocalReading::One(at) => Some(at),
        LocalReading::Gap { before, after } => {
            let message = format!("{shown} never was in {}: the clocks were put forward over it", zone.name());
            let note = notes.error(Code::TimeGap, span, message);
            note.hint(format!("write the offset that is meant: {} or {}", reading(before), reading(after)));
            None
        }
        LocalReading::Fold { earlier, later } => {
            let message = format!("{shown} was twice in {}: the clocks were put back over it", zone.name());
            let note = notes.error(Code::TimeFold, span, message);
            note.hint(format!("write the offset that is meant: {} or {}", reading(earlier), reading(later)));
            None
        }
        LocalReading::OutOfRange => {
            notes.error(Code::BadDate, span, format!("{shown} cannot be written in UTC"));
            None
        }
    }
}

fn first_instant(day: NaiveDate, zone: Option<Zone>, span: &Range<usize>, notes: &mut Notes) -> Option<Timestamp> {
    let at = zone?.first_instant(day);
    if at.is_none() {
        notes.error(Code::BadDate, span, format!("{day} cannot be written in UTC"));
    }
    at
}

/// What a `window` says.
pub(super) struct Period {
    /// The span itself, where all of it could be read.
    pub(super) window: Option<Window>,
    /// The clock and its place, where it could be read.
    pub(super) clock: Option<(Clock, Range<usize>)>,
    /// The dates it names.
    pub(super) mentioned: Vec<Mentioned>,
}

/// A window.
pub(super) fn window(item: &Item<'_>, zone: Option<Zone>, notes: &mut Notes) -> Option<Period> {
    let table = item.table(&WINDOW, notes)?;
    let mut mentioned = Vec::new();
    let from =
        table.need("from", "`from = 2024-03-25`: the first day, or the first instant, that is in the window", notes);
    let from = from.and_then(|item| start(&item, zone, &mut mentioned, notes));
    let before = match (table.get("through"), table.get("before")) {
        (Some(through), None) => end_of_day(&through, zone, &mut mentioned, notes),
        (None, Some(before)) => end(&before, zone, &mut mentioned, notes),
        (Some(_), Some(before)) => {
            let note = notes.error(Code::WindowEnd, &before.span, "a window has one end: `through` or `before`");
            note.hint("keep `through` for a last whole day, `before` for an instant");
            None
        }
        // A bare `to` has been shown already.
        (None, None) => {
            if !table.holds("to") {
                let note = notes.error(Code::WindowEnd, &table.span, "the window has no end");
                note.hint("add `through = 2024-04-07` (the last whole day) or `before = 2024-04-08T00:00:00`");
            }
            None
        }
    };
    let hint = "`clock`: whose time is compared, one of modified, changed, created, accessed (files), record (logs), date-header (mail)";
    let clock = table.need("clock", hint, notes).and_then(|item| clock(&item, notes));
    if let (Some(from), Some(before)) = (from, before)
        && from >= before
    {
        let message = format!("the window is empty: it begins at {from} and ends before {before}");
        notes.error(Code::WindowOrder, &table.span, message);
        return Some(Period { window: None, clock, mentioned });
    }
    let window = match (from, before, &clock) {
        (Some(from), Some(before), Some((clock, _))) => Some(Window { from, before, clock: *clock }),
        _ => None,
    };
    Some(Period { window, clock, mentioned })
}

fn start(item: &Item<'_>, zone: Option<Zone>, mentioned: &mut Vec<Mentioned>, notes: &mut Notes) -> Option<Timestamp> {
    let when = when(item, "a date or a date and time, as in 2024-03-25", notes)?;
    let at = match when {
        When::Day(day) => first_instant(day, zone, &item.span, notes),
        When::Local(local) => resolve(local, zone?, &item.span, notes),
        When::Instant(at, _) => Some(at),
    };
    let mut days = vec![when.day()];
    if let (Some(at), Some(zone)) = (at, zone) {
        days.push(zone.civil(at).date());
    }
    mentioned.push(Mentioned { days, span: item.span.clone() });
    at
}

fn end_of_day(
    item: &Item<'_>,
    zone: Option<Zone>,
    mentioned: &mut Vec<Mentioned>,
    notes: &mut Notes,
) -> Option<Timestamp> {
    let When::Day(day) = when(item, "a date, as in 2024-04-07", notes)? else {
        let note = notes.error(Code::ThroughNotADay, &item.span, "`through` is a whole day: it has no time");
        note.hint("for an instant write `before`");
        return None;
    };
    mentioned.push(Mentioned { days: vec![day], span: item.span.clone() });
    let Some(next) = day.checked_add_days(Days::new(1)).filter(|next| next.year() <= 9999) else {
        notes.error(Code::BadDate, &item.span, format!("the day after {day} cannot be written"));
        return None;
    };
    first_instant(next, zone, &item.span, notes)
}

fn end(item: &Item<'_>, zone: Option<Zone>, mentioned: &mut Vec<Mentioned>, notes: &mut Notes) -> Option<Timestamp> {
    let when = when(item, "a date and time, as in 2024-04-08T00:00:00", notes)?;
    let at = match when {
        When::Day(day) => {
            let note = notes.error(Code::BeforeNotAnInstant, &item.span, "`before` is an instant, not a whole day");
            let through = day.checked_sub_days(Days::new(1)).unwrap_or(day);
            note.hint(format!("write `through = {through}`, or `before = {day}T00:00:00`"));
            return None;
        }
        When::Local(local) => resolve(local, zone?, &item.span, notes),
        When::Instant(at, _) => Some(at),
    };
    let mut days = vec![when.day()];
    if let (Some(at), Some(zone)) = (at, zone) {
        days.push(zone.civil(at).date());
    }
    // "through 7 April" is written `before = 2024-04-08T00:00:00` too.
    days.extend(days.clone().into_iter().filter_map(|day| day.checked_sub_days(Days::new(1))));
    mentioned.push(Mentioned { days, span: item.span.clone() });
    at
}

fn clock(item: &Item<'_>, notes: &mut Notes) -> Option<(Clock, Range<usize>)> {
    let text = item.text(notes)?;
    let Some(clock) = Clock::named(text.text) else {
        let names: Vec<&str> = Clock::ALL.iter().map(|clock| clock.name()).collect();
        let note = notes.error(Code::UnknownClock, &text.span, "there is no such clock");
        note.hint(format!("one of {}", names.join(", ")));
        return None;
    };
    Some((clock, text.span))
}
