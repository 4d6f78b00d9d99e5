//! The tables `[[clause]]` of an order.
//!
//! **Invariant:** a clause that was read keeps every rule that does not depend on the evidence.

use std::collections::BTreeSet;
use std::ops::Range;

use super::diagnostic::{Code, Notes};
use super::head::{Head, Sources};
use super::key::{CLAUSE, LIMIT};
use super::period;
use super::rows::{self, PlacedRows};
use super::table::{Item, Table, Text};
use super::target::{self, Placed};
use super::{
    Category, Clause, Clock, Columns, Format, Join, Limit, LogFormat, Records, Take, glob, name, prose, reduction,
};
use crate::limits;

/// `take`, before what belongs to it has been read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    Files,
    Records,
}

/// All clauses; those that could not be read are left out.
pub(super) fn read(file: &Table<'_>, head: &Head, sources: &Sources, notes: &mut Notes) -> Vec<Clause> {
    let example = "`[[clause]]`: an order without a clause discloses nothing";
    let items = file.need("clause", example, notes).and_then(|item| item.list("tables: write `[[clause]]`", notes));
    let Some(items) = items else { return Vec::new() };
    if let Some(over) = items.get(limits::CLAUSES) {
        notes.error(Code::TooMany, &over.span, format!("an order has at most {} clauses", limits::CLAUSES));
    }
    let mut ids = BTreeSet::new();
    let mut used = BTreeSet::new();
    let mut clauses = Vec::new();
    for item in items.iter().take(limits::CLAUSES) {
        // Known first, so that every finding about the clause can name it.
        notes.clause = item.id();
        let Some(table) = item.table(&CLAUSE, notes) else {
            notes.clause = None;
            continue;
        };
        let id = table.need("id", "`id = \"3a\"`: what the order calls it", notes);
        let id = id.and_then(|item| name::read(&item, notes));
        if let Some(id) = &id
            && !ids.insert(id.text)
        {
            notes.error(Code::DuplicateClause, &id.span, format!("there are two clauses `{}`", id.text));
        }
        clauses.extend(Reader { table, head, sources }.read(id, &mut used, notes));
        notes.clause = None;
    }
    if !sources.partial {
        for (name, (_, span)) in sources.names.iter().filter(|(_, (place, _))| !used.contains(place)) {
            notes.warning(Code::UnusedSource, span, format!("no clause names the source `{name}`"));
        }
    }
    clauses
}

struct Reader<'r, 't> {
    table: Table<'t>,
    head: &'r Head,
    sources: &'r Sources,
}

impl Reader<'_, '_> {
    fn read(&self, id: Option<Text<'_>>, used: &mut BTreeSet<usize>, notes: &mut Notes) -> Option<Clause> {
        let table = &self.table;
        let text = table.need("text", "`text = \"...\"`: the order's words, verbatim", notes);
        let text = text.and_then(|item| item.prose(notes));
        let source = self.source(used, notes);
        let category = self.category(notes);
        let paths = table.need("paths", "`paths = [\"/var/mail/alice\"]`: the server's own paths", notes);
        let paths = paths.and_then(|item| glob::read_list(&item, notes));
        let opens_archives = table.get("archives").is_some_and(|item| archives(&item, notes));
        let take = table.need("take", "`take = \"records\"` (what matches inside) or `take = \"files\"`", notes);
        let take = take.and_then(|item| taken(&item, notes));
        let period = table.get("window").map(|item| period::window(&item, self.head.zone, notes));
        let format = table.get("as").map(|item| format(&item, notes));
        let log_format = table.get("log-format").map(|item| log_format(&item, format.flatten(), table, notes));
        let year = table.get("year").map(|item| year(&item, format.flatten(), notes));
        let join = table.get("join").map(|item| join(&item, format.flatten(), table, notes));
        let (identifiers, with) = self.targets(format.flatten(), notes);
        let rows =
            table.get("rows").filter(|_| take != Some(Taken::Files)).map(|item| rows::read(&item, format, notes));
        let reduction = if take == Some(Taken::Files) { Some(None) } else { reduction::read(table, format, notes) };
        if let Some(take) = take {
            self.conditions(take, rows.as_ref(), notes);
            if let Some((clock, span)) = period.iter().flatten().find_map(|period| period.clock.clone()) {
                clock_fits(clock, &span, take, format.flatten(), notes);
                time_column(clock, &span, format.flatten(), rows.as_ref(), notes);
            }
        }
        if let (Some(Taken::Records), Some(category)) = (take, &category) {
            category_holds(format, category, notes);
        }
        let limit = table.get("limit").map(|item| limit(&item, take, notes));
        if let Some(text) = &text {
            let mentioned = period.iter().flatten().flat_map(|period| &period.mentioned);
            let cells = rows.iter().flatten().flat_map(|rows| &rows.placed);
            let placed = identifiers.iter().chain(&with).flatten().chain(cells);
            prose::compare(text.text, placed, mentioned, self.head.legal_basis, notes);
        }
        let window = readable(period.map(|period| period?.window))?;
        let take = match take? {
            Taken::Files => Take::Files,
            Taken::Records => Take::Records(Records {
                format: readable(format)?,
                log_format: readable(log_format)?,
                year: readable(year)?,
                join: readable(join)?,
                identifiers: identifiers?.into_iter().map(|placed| placed.target).collect(),
                with: with?.into_iter().map(|placed| placed.target).collect(),
                rows: readable(rows)?.map(|rows| rows.rows),
                reduction: reduction?,
            }),
        };
        Some(Clause {
            id: id?.text.to_owned(),
            text: text?.text.to_owned(),
            source: source?,
            category: category?.0,
            paths: paths?,
            opens_archives,
            take,
            window,
            limit: readable(limit)?.unwrap_or_default(),
        })
    }

    fn source(&self, used: &mut BTreeSet<usize>, notes: &mut Notes) -> Option<usize> {
        let item = self.table.need("source", "`source = \"mail01\"`: the name of a `[[source]]`", notes)?;
        let name = item.text(notes)?;
        let found = self.sources.names.get(name.text).map(|(place, _)| *place);
        used.extend(found);
        if found.is_none() && !self.sources.partial {
            let names: Vec<&str> = self.sources.names.keys().take(20).map(String::as_str).collect();
            let note = notes.error(Code::UnknownSource, &name.span, "the order has no such source");
            note.hint(format!("its sources are {}", names.join(", ")));
        }
        found
    }

    fn category(&self, notes: &mut Notes) -> Option<(Category, Range<usize>)> {
        let names: Vec<&str> = Category::ALL.iter().map(|category| category.name()).collect();
        let item = self.table.need("category", &format!("`category`: one of {}", names.join(", ")), notes)?;
        let text = item.text(notes)?;
        let Some(category) = Category::named(text.text) else {
            let note = notes.error(Code::UnknownCategory, &text.span, "there is no such category");
            note.hint(format!("one of {}", names.join(", ")));
            return None;
        };
        // A basis that reaches nothing has been shown once, at the basis.
        if let Some(basis) = self.head.legal_basis
            && let Some(highest) = basis.highest()
            && category > highest
        {
            let message = format!("{} reaches {} at most, not {}", basis.name(), highest.name(), category.name());
            let note = notes.error(Code::CategoryAboveBasis, &text.span, message);
            note.hint("this ceiling is a starting point: ask counsel before another legal basis is named");
        }
        Some((category, text.span))
    }

    /// `identifiers` and `with`; None where one could not be read.
    fn targets(&self, format: Option<Format>, notes: &mut Notes) -> (Option<Vec<Placed>>, Option<Vec<Placed>>) {
        let mut read = |key| match self.table.get(key) {
            None => Some(Vec::new()),
            Some(item) => target::targets(&item, format, notes),
        };
        (read("identifiers"), read("with"))
    }

    /// What a clause must say besides its paths.
    fn conditions(&self, take: Taken, rows: Option<&Option<PlacedRows>>, notes: &mut Notes) {
        let table = &self.table;
        if take == Taken::Files {
            for key in
                ["identifiers", "with", "rows", "unit", "fields", "as", "log-format", "year", "join", "everything"]
            {
                if let Some(item) = table.get(key) {
                    let message =
                        format!("a files clause has no `{key}`: a file is taken whole, by path and file clock");
                    let note = notes.error(Code::NotForFiles, &item.span, message);
                    note.hint("for what matches inside write `take = \"records\"`");
                }
            }
            return;
        }
        let everything = table.get("everything").and_then(|item| item.boolean(notes)).unwrap_or(false);
        let (identifiers, with) = (table.get("identifiers"), table.get("with"));
        // Rows that could not be read may have had a condition.
        let has_cells = rows.is_some_and(|rows| rows.as_ref().is_none_or(|rows| !rows.placed.is_empty()));
        let cells = table.get("rows").filter(|_| has_cells);
        if everything {
            for item in [&identifiers, &with, &cells].into_iter().flatten() {
                let message = "`everything = true` and identifiers contradict one another";
                notes.error(Code::EverythingAndIdentifiers, &item.span, message).hint("keep what the order says");
            }
        }
        if let (None, Some(with)) = (&identifiers, &with)
            && !everything
        {
            let message = "`with` is a second condition: `identifiers` is the first";
            notes.error(Code::WithAlone, &with.span, message).hint("rename it to `identifiers`");
        }
        let named = identifiers.is_some() || with.is_some() || cells.is_some();
        if !named && !table.holds("window") && !everything {
            let message = "a records clause has identifiers or a window";
            let note = notes.error(Code::NoCondition, &table.span, message);
            note.hint("add what the order names; where it really asks for every record write `everything = true`");
        }
    }
}

/// What a key says where it is there; None where it could not be read.
fn readable<T>(key: Option<Option<T>>) -> Option<Option<T>> {
    match key {
        None => Some(None),
        Some(read) => read.map(Some),
    }
}

fn archives(item: &Item<'_>, notes: &mut Notes) -> bool {
    let Some(text) = item.text(notes) else { return false };
    if text.text != "open" {
        let note = notes.error(Code::BadArchives, &text.span, "`archives` can only be \"open\"");
        note.hint("leave it out where an archive is to be one file like any other");
        return false;
    }
    true
}

fn taken(item: &Item<'_>, notes: &mut Notes) -> Option<Taken> {
    let text = item.text(notes)?;
    match text.text {
        "files" => Some(Taken::Files),
        "records" => Some(Taken::Records),
        _ => {
            let note = notes.error(Code::UnknownTake, &text.span, "`take` is \"files\" or \"records\"");
            note.hint("\"files\": whole files; \"records\": what matches inside");
            None
        }
    }
}

fn format(item: &Item<'_>, notes: &mut Notes) -> Option<Format> {
    let text = item.text(notes)?;
    if Format::LATER.contains(&text.text) {
        let message = format!("the format `{}` is not in this version", text.text);
        notes.error(Code::NotInThisVersion, &text.span, message);
        return None;
    }
    let format = Format::named(text.text);
    if format.is_none() {
        let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
        let note = notes.error(Code::UnknownFormat, &text.span, "there is no such record format");
        note.hint(format!("one of {}; without `as` the content decides", names.join(", ")));
    }
    format
}

/// How the lines of an access log are written.
fn log_format(item: &Item<'_>, format: Option<Format>, table: &Table<'_>, notes: &mut Notes) -> Option<LogFormat> {
    let text = item.text(notes)?;
    if format != Some(Format::AccessLog) {
        let message = "`log-format` is about the lines of an access log";
        notes.error(Code::BadLogFormat, &text.span, message).hint("add `as = \"access-log\"`");
        return None;
    }
    let read = match LogFormat::read(text.text) {
        Ok(read) => read,
        Err(error) => {
            let note = notes.error(Code::BadLogFormat, &text.span, error.to_string());
            note.hint("as in `LogFormat` of Apache httpd or `log_format` of nginx, between the outer quotes");
            return None;
        }
    };
    if table.holds("window") && !read.has_time() {
        let message = "the clause has a window, and no time stands in such a line";
        notes.error(Code::BadLogFormat, &text.span, message).hint("`%t`, `$time_local`, `$time_iso8601` or `$msec`");
        return None;
    }
    Some(read)
}

/// What brings in the other records of a transaction.
fn join(item: &Item<'_>, format: Option<Format>, table: &Table<'_>, notes: &mut Notes) -> Option<Join> {
    let text = item.text(notes)?;
    let Some(join) = Join::named(text.text) else {
        let names: Vec<&str> = Join::ALL.iter().map(|join| join.name()).collect();
        let note = notes.error(Code::UnknownJoin, &text.span, "there is no such join");
        note.hint(format!("one of {}", names.join(", ")));
        return None;
    };
    if !format.is_some_and(|format| format.has_join(join)) {
        let names: Vec<&str> =
            Format::ALL.iter().filter(|format| format.has_join(join)).map(|format| format.name()).collect();
        let message = format!("a clause with `join = \"{}\"` names a format whose records carry it", join.name());
        let note = notes.error(Code::JoinNotInFormat, &text.span, message);
        note.hint(format!("`as` is one of {}", names.join(", ")));
        return None;
    }
    if !table.holds("identifiers") {
        let message = "`join` brings in what goes with the records that identifiers ask for, and there are none";
        notes.error(Code::JoinAlone, &text.span, message).hint("add `identifiers`, or take `join` out");
        return None;
    }
    Some(join)
}

/// The year of stamps that have none.
fn year(item: &Item<'_>, format: Option<Format>, notes: &mut Notes) -> Option<i32> {
    let read = match item.number(notes)? {
        Ok(number @ 1970..=9999) => i32::try_from(number).ok(),
        _ => None,
    };
    if read.is_none() {
        notes.error(Code::BadYear, &item.span, "a year is a number from 1970 to 9999");
    }
    if let Some(format) = format.filter(|format| !format.may_lack_year()) {
        let message = format!("the records of {} carry their year", format.name());
        notes.error(Code::YearNotInFormat, &item.span, message).hint("take `year` out");
        return None;
    }
    read
}

fn clock_fits(clock: super::Clock, span: &Range<usize>, take: Taken, format: Option<Format>, notes: &mut Notes) {
    let name = clock.name();
    match (take, clock.is_file_clock()) {
        (Taken::Files, false) => {
            let message = format!("a files clause is about times of files, and `{name}` is a time inside records");
            let note = notes.error(Code::ClockNotForTake, span, message);
            note.hint("one of modified, changed, created, accessed");
        }
        (Taken::Records, true) => {
            let message = format!("a records clause is about times inside records, and `{name}` is a time of files");
            let note = notes.error(Code::ClockNotForTake, span, message);
            note.hint("`record` (logs); `date-header`, `received` or `delivered` (mail)");
        }
        _ => {
            if let Some(format) = format.filter(|format| take == Taken::Records && !format.has_clock(clock)) {
                let message = format!("the records of {} carry no `{name}`", format.name());
                let right = super::Clock::ALL.into_iter().filter(|clock| format.has_clock(*clock));
                let right: Vec<String> = right.map(|clock| format!("`{}`", clock.name())).collect();
                notes.error(Code::ClockNotInFormat, span, message).hint(format!("they carry {}", right.join(", ")));
            }
        }
    }
}

/// A window is on a column that the clause names, where the format has no time of its own.
fn time_column(
    clock: Clock,
    span: &Range<usize>,
    format: Option<Format>,
    rows: Option<&Option<PlacedRows>>,
    notes: &mut Notes,
) {
    let Some(format) = format.filter(|format| format.has_clock(clock)) else { return };
    let named = rows.is_some_and(|rows| rows.as_ref().is_none_or(|rows| rows.rows.time.is_some()));
    match format.columns() {
        Columns::Named | Columns::Tables if !named => {
            let message = format!("which column of {} is the time, only the clause can say", format.name());
            notes.error(Code::NoTimeColumn, span, message).hint("add `rows = { time = \"...\" }`");
        }
        Columns::None | Columns::Timed | Columns::Named | Columns::Tables => {}
    }
}

/// `format` is None where the clause leaves it to the content, Some(None) where it could not be read.
fn category_holds(format: Option<Option<Format>>, place: &(Category, Range<usize>), notes: &mut Notes) {
    let (category, span) = place;
    let (whose, least) = match format {
        Some(Some(format)) => (format!("of {}", format.name()), format.least_category()),
        Some(None) => return,
        None => {
            let Some(least) = Format::ALL.iter().map(|format| format.least_category()).min() else { return };
            ("of every format of this version".to_owned(), least)
        }
    };
    if *category < least {
        let message = format!("the records {whose} are {} or more, not {}", least.name(), category.name());
        notes.error(Code::CategoryBelowFormat, span, message).hint(format!("at least \"{}\"", least.name()));
    }
}

fn limit(item: &Item<'_>, take: Option<Taken>, notes: &mut Notes) -> Option<Limit> {
    let table = item.table(&LIMIT, notes)?;
    let mut good = true;
    let mut read = |key: &'static str| {
        let item = table.get(key)?;
        match item.number(notes) {
            Some(Ok(number @ 1..)) => Some(number),
            Some(_) => {
                notes.error(Code::BadLimit, &item.span, "a limit is a whole number from 1");
                good = false;
                None
            }
            None => {
                good = false;
                None
            }
        }
    };
    let limit = Limit { records: read("records"), files: read("files"), bytes: read("bytes") };
    if take == Some(Taken::Files)
        && let Some(item) = table.get("records")
    {
        let note = notes.error(Code::LimitNeverTrips, &item.span, "a files clause discloses no records");
        note.hint("write `files = ...` or `bytes = ...`");
    }
    good.then_some(limit)
}
