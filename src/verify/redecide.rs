//! Deciding again: is every exhibit and record asked for by exactly the clauses that it names?
//!
//! A record is split out of the exhibit's bytes and put to the same comparisons as in the run: *confirmed from its bytes*.
//! What is not in a package (a file's times, where a stream stood, what was left out of a record) can only be *consistent with what the ledger states*.
//! Withholds are on the provider's side and play no part.
//!
//! **Invariant:** at most one record is in memory; a record is called confirmed only if every comparison held.

use std::io::{self, BufReader, Read, Seek};

use super::canonical;
use super::check::{Check, Findings, Item};
use super::contents::{Line, Lines, Shelf, Stretch};
use super::exhibit::{Exhibit, Place};
use super::names::{Names, takes};
use super::reduced::Left;
use super::taken_in;
use crate::clock::Timestamp;
use crate::ledger::{ExhibitLine, Statement, TakeName, Times, is_archive_tree};
use crate::order::{Clock, Extension, Format, LogFormat, Take};
use crate::package::layout::Member;
use crate::record::{self, Dated, Reader, RecordSink, SplitError, Stop, Unreadable};
use crate::scope::{ClauseSet, Comparison, Fields, Form, RawRecord, Scope, TimeField, Verdict};

/// How many items were confirmed from their bytes, and how many are consistent with what the ledger states.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Decided {
    /// Records and messages put to the order again.
    pub confirmed: u64,
    /// Whole files, of whose times and places there is only the ledger's word, and records whose stamps have no year.
    pub consistent: u64,
    /// Records and messages of which less than the whole was given: what was left out is not there to be decided on.
    pub reduced: u64,
}

/// What deciding again rests on.
pub(super) struct Redecision<'r, 'a, R> {
    pub shelf: &'r Shelf<'a, R>,
    pub names: &'r Names<'r>,
    pub scope: &'r Scope,
    pub statement: &'r Statement,
    pub findings: &'r mut Findings,
}

impl<R: Read + Seek> Redecision<'_, '_, R> {
    /// Decides on every exhibit again. The ledger has been found readable.
    pub fn run(mut self) -> io::Result<Decided> {
        let mut decided = Decided::default();
        let mut before: Option<Place> = None;
        let Some(mut lines) = self.shelf.lines(Member::Exhibits) else { return Ok(decided) };
        while let Some(line) = lines.next()? {
            let Line::Whole(line) = line else { continue };
            let Ok(line) = canonical::read::<ExhibitLine>(line) else { continue };
            let Some(exhibit) = Exhibit::new(line, self.names) else { continue };
            self.order_of(&exhibit, &mut before);
            self.places(&exhibit);
            match exhibit.line.take {
                TakeName::Files => {
                    self.whole(&exhibit);
                    decided.consistent = decided.consistent.saturating_add(1);
                }
                TakeName::Records => {
                    let more = self.records(&exhibit)?;
                    decided.confirmed = decided.confirmed.saturating_add(more.confirmed);
                    decided.consistent = decided.consistent.saturating_add(more.consistent);
                    decided.reduced = decided.reduced.saturating_add(more.reduced);
                }
            }
        }
        Ok(decided)
    }

    /// Exhibits are numbered by source, volume, path, whole before records, offset; and nothing is there twice.
    fn order_of(&mut self, exhibit: &Exhibit, before: &mut Option<Place>) {
        let place = Place::of(exhibit);
        if let Some(before) = before.replace(place.clone()).filter(|before| !before.stands_before(&place)) {
            let same = before.path == place.path && before.source == place.source && before.volume == place.volume;
            self.findings.member(Check::Scope, exhibit.member, || {
                if same {
                    "it was found where the exhibit before it was found, and in a place that gives one only: something \
                     is there twice, or does not come from where the ledger says"
                        .into()
                } else {
                    "it is not in its place: exhibits are numbered by source and path".into()
                }
            });
        }
    }

    /// Every clause that is named asks for that path.
    fn places(&mut self, exhibit: &Exhibit) {
        for (at, id) in exhibit.clauses(self.names) {
            if !self.scope.path_matches(at, &exhibit.path) {
                self.findings.clause(Check::Scope, exhibit.member, id, || {
                    "this clause does not ask for the place where it is said to have been found".into()
                });
            }
        }
        if let Some(why) = taken_in::misplaced(&exhibit.line, &exhibit.path) {
            self.findings.member(Check::Scope, exhibit.member, || why.into());
        }
    }

    /// A whole file: by what the ledger states of its times.
    fn whole(&mut self, exhibit: &Exhibit) {
        let line = &exhibit.line;
        let source = self.names.order.sources.get(exhibit.source);
        let is_folder = self.statement.sources.get(exhibit.source).is_some_and(|facts| facts.kind == "folder");
        // What an archive states of its members' times is not the folder's.
        let is_plain = is_folder && !is_archive_tree(line.filesystem.as_deref());
        if is_plain && line.time.is_some() && source.is_some_and(|source| !source.times_original) {
            self.findings.member(Check::Scope, exhibit.member, || {
                "the ledger states a time of it, and the order does not say that file times of this folder count".into()
            });
        }
        let windows = exhibit.named.iter().filter_map(|at| self.names.order.clauses.get(at)?.window);
        let main = windows.map(|window| window.clock).next().unwrap_or(Clock::Modified);
        if line.clock.is_some_and(|clock| clock != main) {
            self.findings.member(Check::Scope, exhibit.member, || {
                format!("its time must be by the clock {}, and another one is stated", main.name())
            });
        }
        for (at, clause) in self.names.order.clauses.iter().enumerate() {
            let named = exhibit.named.contains(at);
            let asks = clause.source == exhibit.source
                && matches!(clause.take, Take::Files)
                && self.scope.path_matches(at, &exhibit.path);
            let Some(window) = clause.window else {
                if asks && !named {
                    self.not_named(exhibit.member, &clause.id, Item::Whole);
                }
                continue;
            };
            match line.time_on(window.clock) {
                Some(time) if asks && !named && window.holds(time) => {
                    self.not_named(exhibit.member, &clause.id, Item::Whole)
                }
                Some(time) if named && !window.holds(time) => {
                    self.findings.clause(Check::Scope, exhibit.member, &clause.id, || {
                        format!(
                            "its stated time {time} is outside this clause's window, {} up to {}",
                            window.from, window.before
                        )
                    });
                }
                None if named => self.findings.clause(Check::Scope, exhibit.member, &clause.id, || {
                    format!("this clause has a window on the clock {}, and no time is stated", window.clock.name())
                }),
                _ => {}
            }
        }
    }

    fn not_named(&mut self, member: Member, id: &str, item: Item) {
        self.findings.clause(Check::Scope, member, id, || {
            format!("this clause asks for {item} too, and is not named: the ledger does not say all that let it out")
        });
    }

    /// An exhibit of lines, or a message.
    fn records(&mut self, exhibit: &Exhibit) -> io::Result<Decided> {
        let Some(format) = exhibit.line.format else { return Ok(Decided::default()) };
        let row = Reader::of(format, written(self.names, exhibit));
        let splitter = match exhibit.line.extension() {
            // Fields are lines, whatever the records were.
            Extension::Jsonl if exhibit.form.is_some() => record::format(Format::Jsonl),
            _ => row.rendered().unwrap_or(&*row),
        };
        let lines = self.shelf.lines(Member::Records(exhibit.line.exhibit));
        let Some(mut data) = self.shelf.open(exhibit.member) else { return Ok(Decided::default()) };
        let candidates = self.candidates(exhibit, format);
        let (count, decided) = (0, Decided::default());
        let mut sink = Sink { redecision: self, exhibit, candidates, lines, count, decided, failure: None };
        // A message is decided on by its own bytes, wherever it stood.
        let split = match format.is_mail() {
            true => record::split_message(format, &mut data, &mut sink),
            false => splitter.split(&mut data, None, &mut sink),
        };
        match split {
            Ok(()) | Err(SplitError::Stopped) => {}
            Err(SplitError::Read(error)) => return Err(error.into()),
        }
        let (count, decided, failure) = (sink.count, sink.decided, sink.failure.take());
        if let Some(error) = failure {
            return Err(error);
        }
        // An empty message is no record to a splitter, and holds nothing to decide on.
        if format.is_mail() && count != 1 && exhibit.line.bytes > 0 {
            self.findings.member(Check::Scope, exhibit.member, || "it cannot be read as one message".into());
        }
        Ok(decided)
    }

    /// The clauses under which records of that exhibit may be let out.
    fn candidates(&self, exhibit: &Exhibit, format: Format) -> Candidates {
        let (mut candidates, written) = (Candidates::default(), written(self.names, exhibit));
        // That a clause without `as` is named shows that the format was found by content; else nobody can tell here.
        let by_content = exhibit.named.iter().any(|at| self.asks_for(at) == Some(None));
        for (at, clause) in self.names.order.clauses.iter().enumerate() {
            let fits = clause.source == exhibit.source
                && clause.category >= format.least_category()
                && clause.reduction() == exhibit.form.as_ref().map(|form| &*form.reduction)
                && self.scope.path_matches(at, &exhibit.path);
            match self.asks_for(at) {
                // Lines of a form that the order writes down are found by no content.
                Some(None) if fits && written.is_none() => {
                    candidates.may.insert(at);
                    if by_content {
                        candidates.must.insert(at);
                    }
                }
                Some(Some(asked)) if fits && takes(asked, format) && log_format(self.names, at) == written => {
                    candidates.may.insert(at);
                    candidates.must.insert(at);
                }
                _ => {}
            }
        }
        candidates
    }

    /// What a clause that takes records says of their format; none: it takes whole files.
    fn asks_for(&self, clause: usize) -> Option<Option<Format>> {
        match &self.names.order.clauses.get(clause)?.take {
            Take::Files => None,
            Take::Records(records) => Some(records.format),
        }
    }
}

/// How the lines of an exhibit are written, where the clauses that it names say that.
fn written<'n>(names: &'n Names<'_>, exhibit: &Exhibit) -> Option<&'n LogFormat> {
    exhibit.named.iter().find_map(|at| log_format(names, at))
}

fn log_format<'n>(names: &'n Names<'_>, clause: usize) -> Option<&'n LogFormat> {
    match &names.order.clauses.get(clause)?.take {
        Take::Files => None,
        Take::Records(records) => records.log_format.as_ref(),
    }
}

/// Clauses that may let a record of an exhibit out, and those that must where they say yes.
#[derive(Clone, Copy, Default)]
struct Candidates {
    may: ClauseSet,
    must: ClauseSet,
}

/// Takes the records of one exhibit, beside the lines that the ledger has on them.
struct Sink<'s, 'r, 'a, R> {
    redecision: &'s mut Redecision<'r, 'a, R>,
    exhibit: &'s Exhibit,
    candidates: Candidates,
    lines: Option<Lines<BufReader<Stretch<'a, R>>>>,
    count: u64,
    decided: Decided,
    failure: Option<io::Error>,
}

/// What the ledger states of a record.
struct Stated {
    clauses: ClauseSet,
    /// The clauses that took it for its transaction alone.
    because: ClauseSet,
    length: u64,
    time: Option<Timestamp>,
}

impl<R: Read + Seek> Sink<'_, '_, '_, R> {
    fn stated(&mut self) -> io::Result<Option<Stated>> {
        let Some(lines) = &mut self.lines else {
            let line = &self.exhibit.line;
            return Ok(Some(Stated {
                clauses: self.exhibit.named,
                because: ClauseSet::EMPTY,
                length: line.bytes,
                time: line.time,
            }));
        };
        let Some(Line::Whole(line)) = lines.next()? else { return Ok(None) };
        let Ok(line) = canonical::record(line) else { return Ok(None) };
        let clauses = self.redecision.names.known(&line.clauses);
        let because = self.redecision.names.known(line.because.as_deref().unwrap_or_default());
        Ok(Some(Stated { clauses, because, length: line.length, time: line.time }))
    }

    /// The member and the words by which a finding names this record.
    fn item(&self) -> (Member, Item) {
        match self.lines {
            Some(_) => (Member::Records(self.exhibit.line.exhibit), Item::Record(self.count)),
            None => (self.exhibit.member, Item::Whole),
        }
    }

    /// True: every comparison held.
    fn decide(&mut self, stated: &Stated, fields: &dyn Fields) -> bool {
        let (member, item) = self.item();
        let (names, may) = (self.redecision.names, self.candidates.may);
        let (mut holds, is_reduced) = (true, self.exhibit.form.is_some());
        for (at, clause) in names.order.clauses.iter().enumerate().filter(|(at, _)| may.contains(*at)) {
            let verdict = self.redecision.scope.record_verdict(at, fields);
            let named = stated.clauses.contains(at);
            if stated.because.contains(at) {
                holds &= self.joined(at, verdict, fields, (member, &clause.id, item));
            } else if named && is_reduced && !self.contradicts(at, verdict, fields) {
                // What was left out may be what the clause asks for.
            } else if named && verdict != Verdict::In {
                holds = false;
                let why = self.reasons(at, fields);
                self.redecision.findings.clause(Check::Scope, member, &clause.id, || match verdict {
                    Verdict::Undecided => format!(
                        "whether this clause asks for {item} cannot be decided from its bytes ({why}), and what cannot be \
                         decided is not disclosed"
                    ),
                    _ => format!("by its own bytes this clause does not ask for {item}: {why}"),
                });
            } else if !named && verdict == Verdict::In && self.candidates.must.contains(at) {
                holds = false;
                self.redecision.not_named(member, &clause.id, item);
            }
        }
        // A clause that is named and could not be asked (another place, another source) was objected to for the exhibit.
        holds &= stated.clauses.iter().all(|at| self.candidates.may.contains(at));
        holds & self.time_fits(stated, fields, member, item)
    }

    /// A record that a clause took for its transaction alone: which that is, only the ledger says.
    fn joined(
        &mut self,
        at: usize,
        own: Verdict,
        fields: &dyn Fields,
        (member, id, item): (Member, &str, Item),
    ) -> bool {
        let may = self.redecision.scope.may_join(at, fields);
        if own != Verdict::In && may == Verdict::In {
            return true;
        }
        self.redecision.findings.clause(Check::Scope, member, id, || match own {
            Verdict::In => {
                format!("the ledger says that {item} was taken for its transaction alone, and this clause asks for it")
            }
            _ => format!(
                "this clause can not have taken {item} for its transaction: it has none, or its time is outside"
            ),
        });
        false
    }

    /// What is left of a record speaks against a clause that names it. What a transaction brought in need not hold the
    /// identifiers of the clause.
    fn contradicts(&self, clause: usize, verdict: Verdict, fields: &dyn Fields) -> bool {
        let joins = self
            .redecision
            .names
            .order
            .clauses
            .get(clause)
            .is_some_and(|clause| matches!(&clause.take, Take::Records(records) if records.join.is_some()));
        if !joins {
            return verdict == Verdict::Out;
        }
        let explanation = self.redecision.scope.explain_fields(ClauseSet::one(clause), fields);
        let mut comparisons = explanation.clauses.iter().flat_map(|clause| &clause.comparisons);
        comparisons.any(|comparison| *comparison == (Comparison::Window, Verdict::Out))
    }

    /// By which comparisons a clause does not ask for a record.
    fn reasons(&self, clause: usize, fields: &dyn Fields) -> String {
        let explanation = self.redecision.scope.explain_fields(ClauseSet::one(clause), fields);
        let comparisons = explanation.clauses.iter().flat_map(|clause| &clause.comparisons);
        let reasons: Vec<&str> = comparisons
            .filter_map(|(comparison, verdict)| match (comparison, verdict) {
                (_, Verdict::In) => None,
                (Comparison::Window, Verdict::Out) => Some("its time is outside the window"),
                (Comparison::Window, Verdict::Undecided) => Some("its time cannot be read"),
                (Comparison::Identifiers, Verdict::Out) => Some("none of the clause's identifiers is in it"),
                (Comparison::Identifiers, Verdict::Undecided) => Some("its identifiers cannot be read"),
                (Comparison::With, Verdict::Out) => Some("none of the identifiers that must also be there is in it"),
                (Comparison::With, Verdict::Undecided) => {
                    Some("the identifiers that must also be there cannot be read")
                }
                (Comparison::Rows, Verdict::Out) => Some("it is none of the rows that the clause names"),
                (Comparison::Rows, Verdict::Undecided) => Some("the columns that the clause names cannot be read"),
                (_, Verdict::Out) => Some("it is not where the clause looks"),
                (_, Verdict::Undecided) => Some("where it stood cannot be told"),
            })
            .collect();
        reasons.join(", ")
    }

    fn time_fits(&mut self, stated: &Stated, fields: &dyn Fields, member: Member, item: Item) -> bool {
        let stamp = self.redecision.scope.record_stamp(self.exhibit.source, stated.clauses, fields);
        let line = &self.exhibit.line;
        let carried = stamp.main.map(|(_, time)| time);
        let fits = match self.lines {
            Some(_) => carried == stated.time,
            None => {
                (line.clock, line.times) == (stamp.main.map(|(clock, _)| clock), Times::of(&stamp))
                    && carried == stated.time
            }
        };
        if !fits {
            let words = |time: Option<Timestamp>| time.map_or("no time".to_owned(), |time| time.to_string());
            self.redecision.findings.member(Check::Scope, member, || {
                format!("the ledger states {} for {item}, and its bytes carry {}", words(stated.time), words(carried))
            });
        }
        fits
    }
}

impl<R: Read + Seek> RecordSink for Sink<'_, '_, '_, R> {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        self.count = self.count.saturating_add(1);
        let stated = match self.stated() {
            Ok(Some(stated)) => stated,
            Ok(None) => return Ok(()),
            Err(error) => {
                self.failure = Some(error);
                return Err(Stop);
            }
        };
        if record.bytes.len() as u64 != stated.length {
            let (member, item) = self.item();
            let found = record.bytes.len();
            self.redecision.findings.member(Check::Scope, member, || {
                format!("{item} is {found} bytes long by its format, and the ledger states {}", stated.length)
            });
            return Err(Stop);
        }
        if let Some(form) = &self.exhibit.form {
            self.left(record, form, &stated);
            return Ok(());
        }
        // A stamp without a year has only the ledger's word for it.
        let is_yearless =
            matches!(record.fields.time(Clock::Record), TimeField::Yearless(_)) || !stated.because.is_empty();
        let (scope, source) = (self.redecision.scope, self.exhibit.source);
        let windows = stated.clauses.iter().filter_map(|at| self.redecision.names.order.clauses.get(at)?.window);
        let rests_on_the_ledger = is_yearless || windows.into_iter().any(|w| taken_in::rests_on_the_ledger(w.clock));
        let dated = Dated::stated(record.fields, stated.time, scope.zone(source));
        let placed = taken_in::as_stated(scope, source, (&self.exhibit.line, &self.exhibit.path), &dated);
        let fields: &dyn Fields = if self.lines.is_none() { &placed } else { &dated };
        if self.decide(&stated, fields) {
            let Decided { confirmed, consistent, .. } = &mut self.decided;
            let count = if rests_on_the_ledger { consistent } else { confirmed };
            *count = count.saturating_add(1);
        }
        Ok(())
    }

    fn separator(&mut self, bytes: u64) {
        self.stray(bytes);
    }

    fn unreadable(&mut self, bytes: u64, _why: Unreadable) {
        self.stray(bytes);
    }
}

impl<R: Read + Seek> Sink<'_, '_, '_, R> {
    /// A record of which less than the whole was given: at most consistent with what the ledger states.
    fn left(&mut self, record: RawRecord<'_>, form: &Form, stated: &Stated) {
        let Some(format) = self.exhibit.line.format else { return };
        match Left::read(record, &form.reduction, format) {
            Ok(left) => {
                let (line, path) = (&self.exhibit.line, self.exhibit.path.clone());
                let placed =
                    taken_in::as_stated(self.redecision.scope, self.exhibit.source, (line, &path), left.fields());
                let fields: &dyn Fields = if self.lines.is_none() { &placed } else { left.fields() };
                if self.decide(stated, fields) {
                    self.decided.reduced = self.decided.reduced.saturating_add(1);
                }
            }
            Err(why) => {
                let (member, item) = self.item();
                self.redecision.findings.member(Check::Scope, member, || {
                    format!("{item} {why}, and no clause that it names asks for anything else")
                });
            }
        }
    }

    fn stray(&mut self, bytes: u64) {
        if bytes > 0 {
            self.redecision.findings.member(Check::Scope, self.exhibit.member, || {
                format!("{bytes} bytes of it belong to no record of its format: no clause lets them out")
            });
        }
    }
}
