//! Deciding on entries and records, and the gates that make an [`InScope`].
//!
//! **Invariant:** over the clauses one `In` is in, else one `Undecided` is undecided; a withhold beats every clause, and
//! an undecided withhold makes undecided.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::clause_scope::{ClauseScope, Taken, file_time, record_time};
use super::entry::{Entry, EntryKind};
use super::glob::{GlobError, PathGlob, PathSet};
use super::join::Joined;
use super::matcher::WithholdMatcher;
use super::permit::{Permit, Taking};
use super::record::{Fields, RawRecord, Stamp, TimeField};
use super::reduction::{Admitted, Forms};
use super::row_names::RowNames;
use super::taken_in::{TakenIn, is_sdbox_name};
use super::{ClauseSet, FileTimes, InScope, MaildirPlace, Provenance, StaffPath, Verdict, token};
use crate::clock::{Timestamp, Zone};
use crate::order::{Clock, Family, Format, LogFormat, Order, Provider};

/// Bytes of a whole file that are searched at once for a withheld identifier.
const SEARCHED_BYTES: usize = 64 * 1024;
/// How far two searched pieces overlap: the identifiers of an order are shorter.
const OVERLAP_BYTES: usize = 2 * 1024;

/// The order's clauses and the provider's withholds, compiled. Made only from an order.
#[derive(Debug, Clone)]
pub struct Scope {
    clauses: Vec<ClauseScope>,
    zones: Vec<Option<Zone>>,
    withheld_paths: PathSet,
    withheld: WithholdMatcher,
}

/// A format as a clause names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'s> {
    /// Which.
    pub format: Format,
    /// How its lines are written, where the clause says that.
    pub written: Option<&'s LogFormat>,
}

/// What the clauses make of an entry. All empty: outside.
#[derive(Debug, Default)]
pub struct EntryDecision {
    /// Leave to take the whole file.
    pub whole: Option<Permit>,
    /// Leave to take records of it.
    pub records: Option<Permit>,
    /// The clauses that a withhold by path stopped.
    pub withheld: ClauseSet,
    /// The clauses whose window cannot be decided.
    pub undecided: ClauseSet,
    /// The clauses that ask for it, where its metadata cannot be read.
    pub unreadable: ClauseSet,
    /// Where it is, for the audit, if one of the three holds a clause.
    pub path: Option<StaffPath>,
}

impl Scope {
    /// Compiles the order and the provider's withholds. A glob of a validated order is never refused here.
    pub fn compile(order: &Order, provider: Option<&Provider>) -> Result<Self, GlobError> {
        let withholds = provider.map(|provider| provider.withholds.as_slice()).unwrap_or_default();
        Ok(Self {
            clauses: order
                .clauses
                .iter()
                .enumerate()
                .map(|(at, clause)| ClauseScope::new(order, at, clause, provider))
                .collect::<Result<_, _>>()?,
            zones: order.sources.iter().map(|source| source.zone).collect(),
            withheld_paths: PathSet::new(withholds.iter().flat_map(|withhold| &withhold.paths))?,
            withheld: WithholdMatcher::new(withholds.iter().flat_map(|withhold| &withhold.identifiers)),
        })
    }

    /// Something below this folder of the source may be asked for.
    pub fn descends(&self, source: usize, folder: &Entry) -> bool {
        !self.clauses_below(source, folder).is_empty()
    }

    /// The clauses that may ask for something below this folder of the source.
    pub fn clauses_below(&self, source: usize, folder: &Entry) -> ClauseSet {
        let below = |clause: &ClauseScope| clause.sees(folder) && clause.paths.may_match_below(folder);
        self.clauses_of(source).filter(|(_, clause)| below(clause)).map(|(at, _)| at).collect()
    }

    /// The clauses that may ask for something on the volume with this root, where other volumes stand over these places.
    pub fn clauses_on(&self, source: usize, root: &Entry, over: &[&[u8]]) -> ClauseSet {
        let is_covered = |glob: &PathGlob| glob.literal_chain().iter().any(|place| over.contains(&place.as_slice()));
        let on = |clause: &ClauseScope| {
            clause.paths.iter().any(|glob| glob.may_match_below(root.path()) && !is_covered(glob))
        };
        self.clauses_of(source).filter(|(_, clause)| on(clause)).map(|(at, _)| at).collect()
    }

    /// Leave to look whether a file is an archive, and what is in it: for the clauses that open archives and may ask for
    /// something there. None where there are none, or where the file is withheld.
    pub fn archive_permit(&self, source: usize, entry: &Entry) -> Option<Permit> {
        let clauses = self
            .opening(source, entry, |clause| clause.paths.matches(entry.path()) || clause.paths.may_match_below(entry));
        let may_open = !clauses.is_empty() && !self.path_is_withheld(entry);
        may_open.then(|| Permit::new(entry.duplicate(), source, clauses, Taking::Structure))
    }

    /// The clauses that would look into a file as an archive, where a withhold stops them.
    pub fn withheld_inside(&self, source: usize, entry: &Entry) -> ClauseSet {
        let clauses = self.opening(source, entry, |clause| clause.paths.may_match_below(entry));
        if !clauses.is_empty() && self.path_is_withheld(entry) { clauses } else { ClauseSet::EMPTY }
    }

    fn opening(&self, source: usize, entry: &Entry, asks: impl Fn(&ClauseScope) -> bool) -> ClauseSet {
        let opens = |clause: &ClauseScope| clause.opens_archives && clause.sees(entry) && asks(clause);
        let is_file = entry.kind() == EntryKind::File;
        self.clauses_of(source).filter(|(_, clause)| is_file && opens(clause)).map(|(at, _)| at).collect()
    }

    /// Whether records must be asked for rather than whole files that hold them: an identifier is withheld.
    pub fn withholds_identifiers(&self) -> bool {
        !self.withheld.is_empty()
    }

    /// What the clauses make of an entry of the source.
    pub fn decide(&self, source: usize, mut entry: Entry) -> EntryDecision {
        let mut decision = EntryDecision { withheld: self.withheld_inside(source, &entry), ..EntryDecision::default() };
        let (mut whole, mut records) = (ClauseSet::EMPTY, ClauseSet::EMPTY);
        for (at, clause) in self.clauses_of(source).filter(|(_, clause)| clause.reaches(&entry)) {
            if entry.kind() == EntryKind::Unreadable {
                decision.unreadable.insert(at);
                continue;
            }
            let verdict = match clause.taken {
                Taken::Files => clause.file_window(entry.times()),
                Taken::Records { .. } => Verdict::In,
            };
            match verdict {
                Verdict::Out => {}
                Verdict::In | Verdict::Undecided if self.path_is_withheld(&entry) => {
                    decision.withheld.insert(at);
                }
                Verdict::Undecided => decision.undecided.insert(at),
                Verdict::In => match clause.taken {
                    Taken::Files => whole.insert(at),
                    Taken::Records { .. } => records.insert(at),
                },
            }
        }
        let is_noted = [decision.withheld, decision.undecided, decision.unreadable].iter().any(|set| !set.is_empty());
        decision.path = is_noted.then(|| entry.staff_path());
        if records.is_empty() {
            entry.set_beside(None);
        }
        entry.mark_withheld_beside(|entry| self.path_is_withheld(entry));
        if !whole.is_empty() && !records.is_empty() {
            decision.whole = Some(Permit::new(entry.duplicate(), source, whole, Taking::Whole));
            decision.records = Some(Permit::new(entry, source, records, Taking::Records));
        } else if !whole.is_empty() {
            decision.whole = Some(Permit::new(entry, source, whole, Taking::Whole));
        } else if !records.is_empty() {
            decision.records = Some(Permit::new(entry, source, records, Taking::Records));
        }
        decision
    }

    /// What one clause says of a record, withholds aside: for checking a package again.
    pub fn record_verdict(&self, clause: usize, fields: &dyn Fields) -> Verdict {
        self.clauses.get(clause).map_or(Verdict::Out, |clause| clause.record(fields))
    }

    /// One clause asks for that path of its source, given as the ledger states it: for checking a package again.
    pub fn path_matches(&self, clause: usize, path: &[u8]) -> bool {
        self.clauses.get(clause).is_some_and(|clause| clause.paths.matches(path))
    }

    /// The time that the ledger must state for a record under these clauses: for checking a package again.
    pub fn record_stamp(&self, source: usize, clauses: ClauseSet, fields: &dyn Fields) -> Stamp {
        let zone = self.zones.get(source).copied().flatten();
        let own = if fields.family() == Family::Mail { Clock::DateHeader } else { Clock::Record };
        if !fields.parsed() {
            return self.stamp(clauses, own, |_| None);
        }
        self.stamp(clauses, own, |clock| {
            let named = || clauses.iter().filter_map(|at| self.clauses.get(at));
            let windowed = named().find(|clause| clause.window.is_some_and(|window| window.clock == clock));
            let clause = windowed.or_else(|| named().find(|clause| clause.row_scope().is_some()));
            let stating = clause.or_else(|| named().next());
            if stating.is_some_and(|clause| !clause.states_time) {
                return None;
            }
            let time = clause.map_or_else(|| fields.time(clock), |clause| clause.time(fields, clock));
            record_time(time, zone)
        })
    }

    /// The one instant that a record's time names in that source, if it does.
    pub fn instant(&self, source: usize, time: TimeField) -> Option<Timestamp> {
        record_time(time, self.zone(source))
    }

    /// The zone of times in that source that carry none.
    pub fn zone(&self, source: usize) -> Option<Zone> {
        self.zones.get(source).copied().flatten()
    }

    pub(in crate::scope) fn clause(&self, clause: usize) -> Option<&ClauseScope> {
        self.clauses.get(clause)
    }

    pub(in crate::scope) fn clauses_of(&self, source: usize) -> impl Iterator<Item = (usize, &ClauseScope)> {
        self.clauses.iter().enumerate().filter(move |(_, clause)| clause.source == source)
    }

    /// A withhold matches the path, or names a folder that it lies in: a provider that holds back a folder means what is
    /// in it.
    pub(in crate::scope) fn path_is_withheld(&self, entry: &Entry) -> bool {
        self.withheld_paths.matches(entry.path()) || self.withheld_paths.names_folder_above(entry.path())
    }

    pub(in crate::scope) fn withhold_verdict(&self, fields: &dyn Fields) -> Verdict {
        if self.withheld.is_empty() { Verdict::Out } else { self.withheld.verdict(fields) }
    }

    fn stamp(&self, clauses: ClauseSet, own: Clock, time: impl Fn(Clock) -> Option<Timestamp>) -> Stamp {
        let mut clocks = clauses.iter().filter_map(|at| self.clauses.get(at)?.window).map(|window| window.clock);
        let main = clocks.next().unwrap_or(own);
        let mut stamp = Stamp { main: time(main).map(|at| (main, at)), ..Stamp::default() };
        let asked: Vec<Clock> = clocks.filter(|&clock| clock != main).collect();
        let others = Clock::ALL.into_iter().filter(|clock| asked.contains(clock));
        for (slot, clock) in stamp.others.iter_mut().zip(others) {
            *slot = time(clock).map(|at| (clock, at));
        }
        stamp
    }
}

/// What the gate says of one record.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one is made and used up a record, and none is kept")]
pub enum Judgement<'a> {
    /// It may leave, as its clauses ask for it; these other clauses could not be decided.
    In(Admitted<'a>, ClauseSet),
    /// These clauses ask for it, or may, and a withhold stops it.
    Withheld(ClauseSet),
    /// These clauses cannot be decided.
    Undecided(ClauseSet),
    /// No clause asks for it.
    Outside,
}

/// Passes or stops the records of one stream.
#[derive(Debug)]
pub struct RecordGate<'s> {
    scope: &'s Scope,
    source: usize,
    clauses: ClauseSet,
    /// The same clauses, ready to compare.
    compiled: Vec<(usize, &'s ClauseScope)>,
    forms: Forms,
    admitted: Cell<ClauseSet>,
    joined: Option<&'s Joined>,
    entry: Entry,
    row_names: RowNames,
}

/// What is known of the years of stamps that have none, apart from the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct YearFacts {
    /// The year that the order states. None also where clauses state different ones.
    pub stated: Option<i32>,
    /// When the file was last written, where that counts.
    pub written: Option<super::FileTime>,
    /// The zone of times in the source that carry none.
    pub zone: Option<Zone>,
}

impl YearFacts {
    pub(in crate::scope) fn of(scope: &Scope, source: usize, clauses: ClauseSet, entry: &Entry) -> Self {
        let mut years = clauses.iter().filter_map(|at| scope.clause(at)?.year);
        let stated = years.next().filter(|year| years.all(|other| other == *year));
        Self { stated, written: entry.times().modified, zone: scope.zone(source) }
    }
}

impl<'s> RecordGate<'s> {
    pub(in crate::scope) fn new(scope: &'s Scope, source: usize, clauses: ClauseSet, entry: Entry) -> Self {
        let compiled: Vec<_> = clauses.iter().filter_map(|at| Some((at, scope.clause(at)?))).collect();
        let forms = Forms::of(&compiled);
        let row_names = RowNames::of(&compiled);
        Self {
            scope,
            source,
            clauses,
            compiled,
            admitted: Cell::new(ClauseSet::EMPTY),
            forms,
            joined: None,
            entry,
            row_names,
        }
    }

    /// The names in its `rows` that no record of the stream has had, for each clause that gives some. None where the stream
    /// held no record to have one.
    pub fn names_not_met(&self) -> Option<Vec<(usize, BTreeSet<String>)>> {
        self.row_names.missing(&self.compiled)
    }

    /// The clauses under which records of it may be taken.
    pub fn clauses(&self) -> ClauseSet {
        self.clauses
    }

    pub(in crate::scope) fn scope(&self) -> &'s Scope {
        self.scope
    }

    /// Takes clauses out: the stream is of a kind that they may not take.
    pub fn without(&mut self, clauses: ClauseSet) {
        self.compiled.retain(|(at, _)| !clauses.contains(*at));
        self.clauses = self.compiled.iter().map(|(at, _)| *at).collect();
        self.forms = Forms::of(&self.compiled);
    }

    /// The format that clauses name for it, each with its clauses; none = by content.
    pub fn formats(&self) -> Vec<(Option<Named<'s>>, ClauseSet)> {
        let mut formats: Vec<(Option<Named<'s>>, ClauseSet)> = Vec::new();
        for (at, clause) in &self.compiled {
            let Taken::Records { format, log_format, .. } = &clause.taken else { continue };
            let named = format.map(|format| Named { format, written: log_format.as_deref() });
            match formats.iter_mut().find(|(known, _)| *known == named) {
                Some((_, clauses)) => clauses.insert(*at),
                None => formats.push((named, ClauseSet::one(*at))),
            }
        }
        formats
    }

    /// What is known of the years of stamps that have none.
    pub fn year_facts(&self) -> YearFacts {
        YearFacts::of(self.scope, self.source, self.clauses, &self.entry)
    }

    /// With the transactions that clauses with a `join` ask for.
    pub fn joining(self, joined: &'s Joined) -> Self {
        Self { joined: Some(joined), ..self }
    }

    /// A record's fields, with what the place of the stream says of it.
    pub(in crate::scope) fn placed<'f>(&self, fields: &'f dyn Fields) -> TakenIn<'f> {
        match self.is_maildir_message() {
            true => TakenIn::of_maildir(fields, self.entry.name()),
            false => TakenIn { fields, delivered: TimeField::Lacks, received: TimeField::Lacks },
        }
    }

    /// It stands in a Maildir as a message.
    pub fn is_maildir_message(&self) -> bool {
        self.entry.maildir() == MaildirPlace::Message
    }

    /// Its name is that of a file of Dovecot's single-dbox.
    pub fn is_sdbox_file(&self) -> bool {
        is_sdbox_name(self.entry.name())
    }

    /// What the clauses and the withholds say of one record.
    pub fn judge<'a>(&self, raw: RawRecord<'a>) -> Judgement<'a> {
        self.row_names.note(&self.compiled, raw.fields);
        let (mut admitting, mut undecided, mut because) = (ClauseSet::EMPTY, ClauseSet::EMPTY, ClauseSet::EMPTY);
        let placed = self.placed(raw.fields);
        let fields: &dyn Fields = if self.is_maildir_message() { &placed } else { raw.fields };
        for (at, clause) in &self.compiled {
            let own = clause.record(fields);
            let verdict = match self.joined {
                Some(joined) if own != Verdict::In => {
                    own.or(self.scope.joined_verdict(joined, self.source, (*at, clause), fields))
                }
                _ => own,
            };
            match verdict {
                Verdict::In => {
                    admitting.insert(*at);
                    if own != Verdict::In {
                        because.insert(*at);
                    }
                }
                Verdict::Undecided => undecided.insert(*at),
                Verdict::Out => {}
            }
        }
        if admitting.is_empty() && undecided.is_empty() {
            return Judgement::Outside;
        }
        match self.scope.withhold_verdict(fields) {
            Verdict::In => return Judgement::Withheld(admitting.union(undecided)),
            Verdict::Undecided => return Judgement::Undecided(admitting.union(undecided)),
            Verdict::Out => {}
        }
        let admitted = self.forms.admit((self.scope, self.source), raw, fields, (admitting, because), &mut undecided);
        if admitted.is_empty() {
            return Judgement::Undecided(undecided);
        }
        self.admitted.set(self.admitted.get().union(admitted.clauses()));
        Judgement::In(admitted, undecided)
    }

    /// Where the stream was found, if anything of it was let out.
    pub fn finish(self) -> Option<InScope<Provenance>> {
        InScope::new(provenance(self.source, self.entry), self.admitted.get())
    }
}

/// What the gate says of one whole file.
#[derive(Debug)]
pub enum WholeJudgement {
    /// It may leave.
    In(Box<InScope<(Provenance, Stamp)>>),
    /// A withheld identifier stands in it.
    Withheld(ClauseSet),
    /// Something in it may be a withheld identifier.
    Undecided(ClauseSet),
}

/// Passes or stops one whole file.
#[derive(Debug)]
pub struct WholeGate<'s> {
    scope: &'s Scope,
    source: usize,
    clauses: ClauseSet,
    entry: Entry,
    tail: Vec<u8>,
    withheld: Verdict,
}

impl<'s> WholeGate<'s> {
    pub(in crate::scope) fn new(scope: &'s Scope, source: usize, clauses: ClauseSet, entry: Entry) -> Self {
        Self { scope, source, clauses, entry, tail: Vec::new(), withheld: Verdict::Out }
    }

    /// The clauses that take it.
    pub fn clauses(&self) -> ClauseSet {
        self.clauses
    }

    /// Shows the gate the next bytes of the file: all of them, in order.
    pub fn observe(&mut self, bytes: &[u8]) {
        if self.scope.withheld.is_empty() {
            return;
        }
        for piece in bytes.chunks(SEARCHED_BYTES) {
            self.tail.extend_from_slice(piece);
            if self.tail.len() >= SEARCHED_BYTES {
                self.search();
            }
        }
    }

    /// Searches up to the last byte that ends a token, so that nothing is cut in two, and keeps what follows it, with
    /// enough before it for an identifier that such a byte is a part of.
    fn search(&mut self) {
        let Some(end) = self.tail.iter().rposition(|&byte| !token::is_part(byte)) else {
            // One run, longer than any identifier: only where it ends can still matter (the domain of an address).
            let gone = self.tail.len().saturating_sub(OVERLAP_BYTES);
            self.tail.drain(..gone);
            return;
        };
        self.withheld = self.withheld.or(self.scope.withheld.raw(self.tail.get(..=end).unwrap_or_default()));
        // What is kept begins behind a byte that ends a token. An identifier that reaches over `end` begins behind one
        // too, and is shorter than the overlap.
        let overlap = end.saturating_sub(OVERLAP_BYTES);
        let first = self.tail.iter().skip(overlap).position(|&byte| !token::is_part(byte));
        self.tail.drain(..=first.map_or(end, |first| overlap + first));
    }

    /// All bytes were seen: what the withholds make of the file.
    pub fn finish(mut self) -> WholeJudgement {
        let rest = std::mem::take(&mut self.tail);
        if !self.scope.withheld.is_empty() {
            self.withheld = self.withheld.or(self.scope.withheld.raw(&rest));
        }
        let clauses = self.clauses;
        match self.withheld {
            Verdict::In => return WholeJudgement::Withheld(clauses),
            Verdict::Undecided => return WholeJudgement::Undecided(clauses),
            Verdict::Out => {}
        }
        let times: FileTimes = self.entry.times();
        let stamp = self.scope.stamp(clauses, Clock::Modified, |clock| file_time(times, clock)?.instant());
        InScope::new((provenance(self.source, self.entry), stamp), clauses)
            .map_or(WholeJudgement::Undecided(clauses), |admitted| WholeJudgement::In(Box::new(admitted)))
    }
}

fn provenance(source: usize, entry: Entry) -> Provenance {
    Provenance { source, times: entry.times(), maildir: entry.maildir(), path: entry.into_path() }
}
