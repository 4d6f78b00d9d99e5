//! The tables `[order]` and `[[source]]` of an order.
//!
//! **Invariant:** every key is read and judged, whatever is wrong with the others.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::NaiveDate;

use super::diagnostic::{Code, Notes};
use super::key::{DISCLOSE, ORDER, SOURCE};
use super::table::{Item, Table, Text};
use super::{Disclose, LegalBasis, Source, VolumeName, duration, name, period};
use crate::clock::{Timestamp, Zone};
use crate::digest::Digest;
use crate::limits;

/// What `[order]` says; None where it could not be read.
#[derive(Default)]
pub(super) struct Head {
    pub(super) id: Option<String>,
    pub(super) legal_basis: Option<LegalBasis>,
    pub(super) authority: Option<String>,
    pub(super) court: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) made: Option<NaiveDate>,
    pub(super) served: Option<Timestamp>,
    pub(super) due: Option<String>,
    pub(super) expires: Option<NaiveDate>,
    pub(super) zone: Option<Zone>,
    pub(super) disclose: Disclose,
}

fn owned(text: Text<'_>) -> String {
    text.text.to_owned()
}

/// The table `[order]`.
pub(super) fn read(file: &Table<'_>, notes: &mut Notes) -> Head {
    let item = file.need("order", "the table `[order]`", notes);
    let Some(table) = item.and_then(|item| item.table(&ORDER, notes)) else { return Head::default() };
    let mut head = Head {
        id: table.need("id", "`id = \"2024-17\"`", notes).and_then(|item| name::read(&item, notes)).map(owned),
        legal_basis: table.need("legal_basis", "`legal_basis = \"pace-sch1\"`", notes).and_then(|i| basis(&i, notes)),
        authority: table
            .need("authority", "`authority = \"Example Constabulary\"`: who asks", notes)
            .and_then(|item| item.text(notes))
            .map(owned),
        court: table.get("court").and_then(|item| item.text(notes)).map(owned),
        reference: table
            .need("reference", "`reference = \"OP-123\"`: the authority's own", notes)
            .and_then(|item| item.text(notes))
            .map(owned),
        zone: table
            .need("zone", "`zone = \"Europe/London\"`: what the dates in the clauses mean. There is no default", notes)
            .and_then(|item| zone(&item, notes)),
        disclose: table.get("disclose").and_then(|item| disclose(&item, notes)).unwrap_or_default(),
        ..Head::default()
    };
    dates(&table, &mut head, notes);
    head
}

fn dates(table: &Table<'_>, head: &mut Head, notes: &mut Notes) {
    head.made = table.need("made", "`made = 2024-04-08`", notes).and_then(|item| period::day(&item, notes));
    if let Some(item) = table.need("served", "`served = 2024-04-09T09:40:00Z`", notes) {
        head.served = period::instant(&item, head.zone, notes);
        if let (Some(made), Some(served), Some(zone)) = (head.made, head.served, head.zone)
            && zone.civil(served).date() < made
        {
            notes.warning(Code::ServedBeforeMade, &item.span, format!("served before it was made, on {made}"));
        }
    }
    head.due = table.need("due", "`due = \"P7D\"`: how long after service", notes).and_then(|item| {
        let text = item.text(notes)?;
        if !duration::is_duration(text.text) {
            let note = notes.error(Code::BadDue, &text.span, "this is not an ISO 8601 duration");
            note.hint("as in P7D (days), P2W (weeks), P1M (months), PT36H (hours)");
            return None;
        }
        Some(owned(text))
    });
    if let Some(item) = table.get("expires") {
        head.expires = period::day(&item, notes);
        if let (Some(made), Some(expires)) = (head.made, head.expires)
            && expires < made
        {
            let message = format!("it expires on {expires}, before it was made on {made}");
            notes.error(Code::ExpiresBeforeMade, &item.span, message);
        }
    }
}

fn basis(item: &Item<'_>, notes: &mut Notes) -> Option<LegalBasis> {
    let text = item.text(notes)?;
    let Some(basis) = LegalBasis::named(text.text) else {
        let names: Vec<&str> = LegalBasis::ALL.iter().map(|basis| basis.name()).collect();
        let note = notes.error(Code::UnknownLegalBasis, &text.span, "there is no such legal basis");
        note.hint(format!("one of {}", names.join(", ")));
        return None;
    };
    if basis.highest().is_none() {
        let message = format!("{} preserves and discloses nothing", basis.name());
        let note = notes.error(Code::BasisDisclosesNothing, &text.span, message);
        note.hint("keep the data, and run the order that follows it");
    }
    Some(basis)
}

fn zone(item: &Item<'_>, notes: &mut Notes) -> Option<Zone> {
    let text = item.text(notes)?;
    let zone = Zone::named(text.text);
    if zone.is_none() {
        let note = notes.error(Code::UnknownZone, &text.span, "there is no such zone in the IANA tz database");
        note.hint("as in Europe/London, America/New_York or UTC, spelt exactly");
    }
    zone
}

fn disclose(item: &Item<'_>, notes: &mut Notes) -> Option<Disclose> {
    let table = item.table(&DISCLOSE, notes)?;
    let mut flag = |key| table.get(key).and_then(|item| item.boolean(notes)).unwrap_or(false);
    Some(Disclose { positions: flag("positions"), examined: flag("examined") })
}

/// What a volume can be called, as a hint.
pub(super) const VOLUME_NAMES: &str = "pN (by number in the partition table), VG/LV, mdN, or whole; d2.pN on a second disk; behind a further `/` a subvolume";

/// The sources, and where each name stands.
#[derive(Default)]
pub(super) struct Sources {
    pub(super) list: Vec<Source>,
    /// Name to index and place. It holds each name once.
    pub(super) names: BTreeMap<String, (usize, Range<usize>)>,
    /// A source could not be read, so that a name that is not here may be its.
    pub(super) partial: bool,
}

/// The tables `[[source]]` of an order.
pub(super) fn sources(file: &Table<'_>, notes: &mut Notes) -> Sources {
    let mut sources = Sources::default();
    let example = "`[[source]]` with a `name`: what the order lets us open";
    let items = file.need("source", example, notes).and_then(|item| item.list("tables: write `[[source]]`", notes));
    let Some(items) = items else {
        sources.partial = true;
        return sources;
    };
    if let Some(over) = items.get(limits::SOURCES) {
        let message = format!("an order has at most {} sources", limits::SOURCES);
        notes.error(Code::TooMany, &over.span, message);
    }
    for item in items.iter().take(limits::SOURCES) {
        let Some(table) = item.table(&SOURCE, notes) else {
            sources.partial = true;
            continue;
        };
        let name = table.need("name", "`name = \"mail01\"`", notes).and_then(|item| name::read(&item, notes));
        let sha256 = table.get("sha256").and_then(|item| sha256(&item, notes));
        let zone = table.get("zone").and_then(|item| zone(&item, notes));
        let times_original = table.get("times").is_some_and(|item| times(&item, notes));
        let volume = table.get("volume").and_then(|item| volume(&item, notes));
        let Some(name) = name else {
            sources.partial = true;
            continue;
        };
        if sources.names.contains_key(name.text) {
            notes.error(Code::DuplicateSource, &name.span, format!("there are two sources `{}`", name.text));
            continue;
        }
        sources.names.insert(name.text.to_owned(), (sources.list.len(), name.span.clone()));
        sources.list.push(Source { name: name.text.to_owned(), sha256, zone, times_original, volume });
    }
    sources
}

fn sha256(item: &Item<'_>, notes: &mut Notes) -> Option<Digest> {
    let text = item.text(notes)?;
    let digest = text.text.to_ascii_lowercase().parse().ok();
    if digest.is_none() {
        notes.error(Code::BadSha256, &text.span, "a SHA-256 is 64 hex digits");
    }
    digest
}

/// A volume's name, in an order as in a provider file.
pub(super) fn volume(item: &Item<'_>, notes: &mut Notes) -> Option<VolumeName> {
    let text = item.text(notes)?;
    let name = VolumeName::parse(text.text);
    if name.is_none() {
        notes.error(Code::BadVolume, &text.span, "this names no volume").hint(VOLUME_NAMES);
    }
    name
}

fn times(item: &Item<'_>, notes: &mut Notes) -> bool {
    let Some(text) = item.text(notes) else { return false };
    if text.text != "original" {
        let note = notes.error(Code::BadTimes, &text.span, "`times` can only be \"original\"");
        note.hint("leave it out where the folder's file times are not the server's own");
        return false;
    }
    true
}
