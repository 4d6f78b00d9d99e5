//! One permitted stream: opened, unpacked, split, judged record by record, and what was admitted drafted for the package.
//!
//! **Invariant:** every byte of a stream that was opened is counted as exactly one of withheld, disclosed, undecided,
//! unreadable and outside; no error ends a stream without a shortfall.

use std::collections::BTreeMap;
use std::io::Read;

use super::ExtractError;
use super::beside::{self, Open, Opening};
use super::format::{Choice, choose};
use super::meter::{Meter, Metered};
use super::trace::Trace;
use super::tripwire::Tripwires;
use super::whole::{WholeRead, read_whole};
use super::year::{self, Before};
use crate::audit::{CountedIn, Positions};
use crate::filesystem::FileSystem;
use crate::ledger::{ShortfallKind, Tally};
use crate::order::{Order, Reduction};
use crate::package::{Draft, Drafter, Place, RecordDraft};
use crate::record::compression::Unpacked;
use crate::record::{Reader, RecordFormat, RecordSink, Sibling, SplitError, Stop, Unreadable};
use crate::scope::{
    Beside, ClauseSet, InScope, Joined, Judgement, Named, Permit, RawRecord, Record, RecordGate, Scope, Stream,
    WholeGate, WholeJudgement,
};

/// What came of one stream.
pub(super) struct Outcome {
    /// What the package takes, if anything was admitted.
    pub(super) draft: Option<Draft>,
    /// What each clause came to.
    pub(super) clauses: BTreeMap<usize, Tally>,
    /// Files or records withheld and undecided, each once.
    pub(super) withheld: u64,
    pub(super) undecided: u64,
    /// For the provider's own audit.
    pub(super) trace: Trace,
    /// The same, of what was opened beside it.
    pub(super) beside: Vec<Trace>,
}

/// What all streams of a run share.
#[derive(Clone, Copy)]
pub(super) struct Context<'c> {
    pub(super) order: &'c Order,
    pub(super) scope: &'c Scope,
    pub(super) drafter: &'c Drafter,
    pub(super) meter: &'c Meter<'c>,
    pub(super) tripwires: &'c Tripwires,
    pub(super) joined: &'c Joined,
    /// There will be an audit of it.
    pub(super) is_audited: bool,
}

impl Outcome {
    fn new(trace: Trace) -> Self {
        Self { draft: None, clauses: BTreeMap::new(), withheld: 0, undecided: 0, trace, beside: Vec::new() }
    }

    /// A withhold stops all of it for these clauses.
    fn withhold(&mut self, clauses: ClauseSet) {
        self.withheld = 1;
        clauses.iter().for_each(|clause| self.clause(clause).withheld += 1);
    }

    /// A stream is short in one way once, however often it is met.
    fn short(&mut self, clauses: ClauseSet, kind: ShortfallKind) {
        for clause in clauses.iter() {
            let tally = self.clause(clause);
            if !tally.shortfalls.contains_key(&kind) {
                tally.short(kind);
            }
        }
    }

    fn clause(&mut self, clause: usize) -> &mut Tally {
        self.clauses.entry(clause).or_default()
    }
}

/// Spends a permit: the stream is read to its end or to its first error.
pub(super) fn process(
    context: Context<'_>,
    filesystem: &dyn FileSystem,
    mut permit: Permit,
    place: Place,
) -> Result<Outcome, ExtractError> {
    let positions = context.is_audited.then(|| Positions::new(context.drafter.spool()));
    let mut outcome = Outcome::new(Trace::new(&permit, positions));
    let (clauses, is_whole) = (permit.clauses(), permit.is_whole());
    let (before, beside) = (Before { filesystem, permit: permit.before() }, permit.beside());
    let opened = match filesystem.open(permit) {
        Ok(opened) => opened,
        Err(error) => {
            outcome.short(clauses, ShortfallKind::of(&error, ShortfallKind::UnreadableFile));
            outcome.trace.error = Some(error.to_string());
            return Ok(outcome);
        }
    };
    if is_whole {
        if let Some((gate, stream)) = opened.into_whole(context.scope) {
            whole(context, gate, stream, place, &mut outcome)?;
        }
    } else if let Some((gate, stream)) = opened.into_records(context.scope) {
        let mut stored = Metered::new(stream, context.meter);
        records(context, (before, beside), (gate, &mut stored), place, &mut outcome)?;
        outcome.trace.read(stored);
    }
    outcome.trace.bytes.assert_identity(outcome.trace.size)?;
    Ok(outcome)
}

fn whole(
    context: Context<'_>,
    gate: WholeGate<'_>,
    stream: Stream,
    place: Place,
    outcome: &mut Outcome,
) -> Result<(), ExtractError> {
    let clauses = gate.clauses();
    let mut stored = Metered::new(stream, context.meter);
    let mut draft = context.drafter.whole();
    let read = read_whole(context.scope, gate, &mut stored, context.meter, &mut |bytes| Ok(draft.write(bytes)?))?;
    outcome.trace.size = stored.passed();
    outcome.trace.read(stored);
    let size = outcome.trace.size;
    for clause in clauses.iter() {
        outcome.clause(clause).examined += size;
    }
    let judgement = match read {
        WholeRead::Judged(judgement) => judgement,
        WholeRead::Short(kind, error) => {
            outcome.short(clauses, kind);
            outcome.trace.bytes.unreadable = size;
            outcome.trace.error = error;
            return Ok(());
        }
    };
    match judgement {
        WholeJudgement::In(admitted) => {
            outcome.trace.bytes.disclosed = size;
            outcome.trace.disclosed(0, size)?;
            context.tripwires.file(clauses, size)?;
            outcome.draft = Some(draft.finish(*admitted, place));
        }
        WholeJudgement::Withheld(clauses) => {
            outcome.trace.bytes.withheld = size;
            outcome.withhold(clauses);
        }
        WholeJudgement::Undecided(clauses) => {
            outcome.trace.bytes.undecided = size;
            outcome.undecided = 1;
            clauses.iter().for_each(|clause| outcome.clause(clause).undecided += 1);
        }
    }
    Ok(())
}

fn records(
    context: Context<'_>,
    (before, beside): (Before<'_>, Beside),
    (mut gate, stored): (RecordGate<'_>, &mut Metered<'_, Stream>),
    place: Place,
    outcome: &mut Outcome,
) -> Result<(), ExtractError> {
    let mut stream = Unpacked::open(stored);
    if stream.head().0.is_empty()
        && let Err(error) = stream.read(&mut [0])
    {
        // Cut before its first byte: there is nothing to tell a format by.
        context.meter.go_on()?;
        outcome.short(gate.clauses(), read_kind(stream.is_damaged()));
        outcome.trace.error = Some(error.to_string());
        return Ok(());
    }
    let Choice { format, refused } = choose(context.order, &gate, stream.head());
    for (clauses, kind) in refused {
        outcome.short(clauses, kind);
        gate.without(clauses);
    }
    let Some(Named { format, written }) = format.filter(|_| !gate.clauses().is_empty()) else { return Ok(()) };
    let gate = gate.joining(context.joined);
    outcome.trace.format = Some(format);
    for (named, clauses) in gate.formats() {
        for clause in clauses.iter() {
            outcome.clause(clause).read_as.insert((format, named.is_none()), 1);
        }
    }
    let (row, scratch) = (Reader::of(format, written), context.drafter.folder());
    outcome.trace.counted_in = counted_in(&*row, stream.is_compressed());
    let opening = beside::open(beside, format, before.filesystem, context.meter);
    let Some(mut beside) = opened_beside(opening, gate.clauses(), outcome) else { return Ok(()) };
    let years = before.years(&*row, gate.year_facts(), context.meter, scratch)?;
    outcome.trace.note = year::note(years.as_ref());
    let draft = context.drafter.records(format);
    let mut intake = Intake { context, gate, draft, outcome, size: 0, outside: 0, failure: None };
    let mut siblings: Vec<Sibling<'_>> = beside.iter_mut().map(Open::lend).collect();
    let split = match &years {
        Some(years) => row.split(&mut stream, Some(scratch), &mut years.dating(&mut intake)),
        None => row.split_with(&mut stream, &mut siblings, Some(scratch), &mut intake),
    };
    let Intake { gate, draft, outcome, size, outside, failure, .. } = intake;
    if let Some(failure) = failure {
        return Err(failure);
    }
    context.meter.go_on()?;
    if let Err(SplitError::Read(error)) = split {
        outcome.short(gate.clauses(), read_kind(stream.is_damaged()));
        outcome.trace.error = Some(error.to_string());
    }
    outcome.trace.size = size;
    outcome.beside.extend(beside.into_iter().map(Open::trace));
    for clause in gate.clauses().iter() {
        let tally = outcome.clause(clause);
        tally.examined += size;
        tally.outside += outside;
    }
    for (clause, names) in gate.names_not_met().into_iter().flatten() {
        outcome.clause(clause).names_not_met = Some(names);
    }
    if let Some(provenance) = gate.finish() {
        context.tripwires.file(provenance.clauses(), 0)?;
        outcome.draft = Some(draft.finish(provenance, place));
    }
    Ok(())
}

/// What belongs to a stream, open; none: the stream is not read, and why is said.
fn opened_beside<'m>(opening: Opening<'m>, clauses: ClauseSet, outcome: &mut Outcome) -> Option<Vec<Open<'m>>> {
    match opening {
        Opening::Opened(opened) => return Some(opened),
        Opening::Withheld => {
            outcome.withhold(clauses);
            outcome.trace.note = Some("a file that belongs to it is withheld by path".to_owned());
        }
        Opening::Failed(error) => {
            outcome.short(clauses, ShortfallKind::of(&error, ShortfallKind::UnreadableFile));
            outcome.trace.error = Some(format!("a file beside it that belongs to it: {error}"));
        }
    }
    None
}

fn counted_in(row: &dyn RecordFormat, is_compressed: bool) -> CountedIn {
    match (row.rendered(), is_compressed) {
        (Some(_), _) => CountedIn::Rendered,
        (None, true) => CountedIn::Unpacked,
        (None, false) => CountedIn::Stored,
    }
}

fn read_kind(is_damaged: bool) -> ShortfallKind {
    if is_damaged { ShortfallKind::DamagedCompression } else { ShortfallKind::UnreadableFile }
}

/// Takes the pieces of a stream, asks the gate, and counts.
struct Intake<'i> {
    context: Context<'i>,
    gate: RecordGate<'i>,
    draft: RecordDraft,
    outcome: &'i mut Outcome,
    size: u64,
    /// Bytes that no clause asks for: outside for each of them.
    outside: u64,
    failure: Option<ExtractError>,
}

impl Intake<'_> {
    /// The clauses that have said nothing of a record do not ask for it.
    fn outside_for_others(&mut self, named: ClauseSet, length: u64) {
        for clause in self.gate.clauses().iter().filter(|clause| !named.contains(*clause)) {
            self.outcome.clause(clause).outside += length;
        }
    }

    /// One form of an admitted record of `length` bytes: its clauses, and how long it is. What a clause does not ask for of a
    /// record is outside for it; where it asks for fields, those are lines of their own, and no byte of the record leaves.
    fn given(&mut self, record: &InScope<Record<'_>>, length: u64) -> (ClauseSet, u64) {
        let (clauses, given) = (record.clauses(), record.item().bytes.len() as u64);
        let outside = match record.item().form.as_ref().map(|form| &*form.reduction) {
            None => 0,
            Some(Reduction::Unit(_)) => length.saturating_sub(given),
            Some(Reduction::Fields(_)) => length,
        };
        clauses.iter().for_each(|clause| self.outcome.clause(clause).outside += outside);
        (clauses, given)
    }

    fn undecided_for(&mut self, clauses: ClauseSet) {
        clauses.iter().for_each(|clause| self.outcome.clause(clause).undecided += 1);
    }

    fn stop(&mut self, failure: ExtractError) -> Stop {
        self.failure = Some(failure);
        Stop
    }
}

impl RecordSink for Intake<'_> {
    fn record(&mut self, raw: RawRecord<'_>) -> Result<(), Stop> {
        // A format that renders has read all of its stream before it gives the first record.
        if let Err(stopped) = self.context.meter.go_on() {
            return Err(self.stop(stopped));
        }
        let (length, offset) = (raw.bytes.len() as u64, raw.offset);
        self.size += length;
        match self.gate.judge(raw) {
            Judgement::Outside => {
                self.outside += length;
                self.outcome.trace.bytes.outside += length;
            }
            Judgement::In(admitted, undecided) => {
                self.outcome.trace.bytes.disclosed += length;
                if let Err(error) = self.outcome.trace.disclosed(offset, length) {
                    return Err(self.stop(error));
                }
                self.outside_for_others(admitted.clauses().union(undecided), length);
                self.undecided_for(undecided);
                for record in admitted.iter() {
                    let (clauses, given) = self.given(record, length);
                    if let Err(tripped) = self.context.tripwires.record(clauses, given) {
                        return Err(self.stop(tripped.into()));
                    }
                }
                if let Err(error) = self.draft.push(admitted) {
                    return Err(self.stop(error.into()));
                }
            }
            Judgement::Withheld(clauses) => {
                self.outcome.trace.bytes.withheld += length;
                self.outcome.withheld += 1;
                self.outside_for_others(clauses, length);
                clauses.iter().for_each(|clause| self.outcome.clause(clause).withheld += 1);
            }
            Judgement::Undecided(clauses) => {
                self.outcome.trace.bytes.undecided += length;
                self.outcome.undecided += 1;
                self.outside_for_others(clauses, length);
                self.undecided_for(clauses);
            }
        }
        Ok(())
    }

    fn separator(&mut self, bytes: u64) {
        self.size += bytes;
        self.outside += bytes;
        self.outcome.trace.bytes.outside += bytes;
    }

    fn unreadable(&mut self, bytes: u64, why: Unreadable) {
        self.size += bytes;
        self.outcome.trace.bytes.unreadable += bytes;
        let kind = match why {
            Unreadable::TooLong => ShortfallKind::RecordTooLong,
            Unreadable::NotTheFormat => ShortfallKind::NotTheFormat,
            // The error that cut it is counted where the stream ends.
            Unreadable::Cut => return,
        };
        self.outcome.short(self.gate.clauses(), kind);
    }
}
