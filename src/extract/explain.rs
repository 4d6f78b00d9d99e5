//! By which comparison a path or a record is in, outside, withheld or undecided: for the provider's staff.
//!
//! It goes the way of a run (walk, permit, open, split) with the same scope, and opens nothing that a run would not. It
//! answers about the paths that were typed, and, asked for everything that is undecided, about that.
//!
//! **Invariant:** no byte of content is quoted; a path is shown only where it was typed or is undecided.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::Path;

use super::beside::{self, Open, Opening};
use super::format::choose;
use super::meter::{Meter, Metered};
use super::whole::{WholeRead, read_whole};
use super::year::{self, Before};
use super::{ExtractError, Job, open};
use crate::filesystem::FileSystem;
use crate::ledger::{Reduced, escaped_path, is_invisible};
use crate::order::{Format, Order};
use crate::record::compression::Unpacked;
use crate::record::{Reader, RecordSink, Sibling, SplitError, Stop, Unreadable};
use crate::scope::{
    EntryKind, Explanation, Fate, Form, Named, Opened, Permit, RawRecord, RecordGate, Scope, Verdict, WholeJudgement,
};
use crate::source::Found;

/// What staff ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Question {
    /// About a path of the server.
    Path(Vec<u8>),
    /// About the record of that stream that holds that byte of it, once unpacked.
    Record(Vec<u8>, u64),
    /// About everything that is undecided.
    Undecided,
}

/// An answer, as text for a terminal.
pub fn explain(job: &Job<'_>, questions: &[Question]) -> Result<String, ExtractError> {
    let scope = Scope::compile(job.order, job.provider)?;
    let sources = open(job)?;
    let mut answer = Answer { order: job.order, questions, met: vec![false; questions.len()], text: String::new() };
    for (index, source) in sources.iter().enumerate() {
        let meter = Meter { progress: job.progress, stop: job.stop };
        let walked = source.walk(&scope, index, &mut |found| {
            let Found::Entry { filesystem, entry, .. } = found else { return ControlFlow::Continue(()) };
            let path = entry.staff_path().reveal().to_vec();
            let explanation = scope.explain_entry(index, &entry);
            if answer.entry(&source.name, &path, entry.kind(), &explanation) {
                let decision = scope.decide(index, entry);
                let asked = &mut Asked { answer: &mut answer, path: &path, scratch: job.output.scratch() };
                for permit in [decision.whole, decision.records].into_iter().flatten() {
                    stream(job.order, &scope, filesystem.as_ref(), permit, &meter, asked);
                }
            }
            if meter.go_on().is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        if walked.is_break() {
            meter.go_on()?;
        }
    }
    answer.unmet();
    Ok(answer.text)
}

struct Answer<'a> {
    order: &'a Order,
    questions: &'a [Question],
    met: Vec<bool>,
    text: String,
}

impl Answer<'_> {
    /// Says what there is to say of an entry; true where its records are asked about too.
    fn entry(&mut self, source: &str, path: &[u8], kind: EntryKind, explanation: &Explanation) -> bool {
        let mut opens = false;
        for (question, met) in self.questions.iter().zip(&mut self.met) {
            let is_asked = match question {
                Question::Path(asked) | Question::Record(asked, _) => names(asked, path),
                Question::Undecided => {
                    *met = true;
                    opens |= explanation.fate() == Fate::In;
                    explanation.fate() == Fate::Undecided
                }
            };
            if kind == EntryKind::Link && leads_through(question, path) {
                *met = true;
                put(
                    &mut self.text,
                    format_args!("{} on {source}: a link stands here, and is not followed", shown(path)),
                );
            } else if is_asked {
                *met = true;
                opens = true;
                put(&mut self.text, format_args!("{} on {source}: {}", shown(path), explanation.fate().word()));
                comparisons(&mut self.text, self.order, explanation);
            }
        }
        opens
    }

    fn unmet(&mut self) {
        for (question, _) in self.questions.iter().zip(&self.met).filter(|(_, met)| !**met) {
            if let Question::Path(path) | Question::Record(path, _) = question {
                put(&mut self.text, format_args!("{}: outside, or not there", shown(path)));
                put(
                    &mut self.text,
                    format_args!("  nothing stands there, or no clause leads there, so that it was not looked at"),
                );
            }
        }
    }
}

/// What was typed names the path: its bytes, or, where they are not UTF-8, as ledger and audit write them.
fn names(typed: &[u8], path: &[u8]) -> bool {
    typed == path || (std::str::from_utf8(path).is_err() && typed == escaped_path(path).0.as_bytes())
}

/// The question is about the link, or about something that it would lead to.
fn leads_through(question: &Question, link: &[u8]) -> bool {
    match question {
        Question::Path(asked) | Question::Record(asked, _) => {
            asked.strip_prefix(link).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        }
        Question::Undecided => false,
    }
}

/// One stream that is asked about.
struct Asked<'a, 'q> {
    answer: &'a mut Answer<'q>,
    path: &'a [u8],
    /// A folder for files without a name.
    scratch: &'a Path,
}

/// How many records of a stream came to what.
#[derive(Default)]
struct Counted {
    admitted: u64,
    outside: u64,
    withheld: u64,
    undecided: u64,
    unreadable: u64,
}

/// Opens a stream as a run would, and explains its records. What cannot be read is said.
fn stream(
    order: &Order,
    scope: &Scope,
    filesystem: &dyn FileSystem,
    mut permit: Permit,
    meter: &Meter<'_>,
    asked: &mut Asked<'_, '_>,
) {
    let is_whole = permit.is_whole();
    if scope.joins(permit.clauses()) {
        put(&mut asked.answer.text, format_args!("  what only `join` would bring in is shown as outside"));
    }
    let (before, beside) = (Before { filesystem, permit: permit.before() }, permit.beside());
    let opened = match filesystem.open(permit) {
        Ok(opened) => opened,
        Err(error) => return put(&mut asked.answer.text, format_args!("  not read: {error}")),
    };
    if is_whole {
        return whole(scope, opened, meter, asked);
    }
    let Some((mut gate, stored)) = opened.into_records(scope) else { return };
    let mut stored = Metered::new(stored, meter);
    let mut stream = Unpacked::open(&mut stored);
    let choice = choose(order, &gate, stream.head());
    for (clauses, kind) in choice.refused {
        put(&mut asked.answer.text, format_args!("  not read for {}: {}", ids(order, clauses.iter()), kind.words()));
        gate.without(clauses);
    }
    let Some(Named { format, written }) = choice.format else { return };
    let (row, scratch) = (Reader::of(format, written), asked.scratch);
    let Some(mut beside) = opened_beside(beside::open(beside, format, filesystem, meter), asked) else { return };
    let Ok(years) = before.years(&*row, gate.year_facts(), meter, scratch) else { return };
    if let Some(note) = year::note(years.as_ref()) {
        put(&mut asked.answer.text, format_args!("  {note}"));
    }
    let mut listener = Listener { gate, asked, counted: Counted::default(), offset: 0 };
    let together: Vec<&str> = beside.iter().map(Open::suffix).collect();
    let mut siblings: Vec<Sibling<'_>> = beside.iter_mut().map(Open::lend).collect();
    let split = match &years {
        Some(years) => row.split(&mut stream, Some(scratch), &mut years.dating(&mut listener)),
        None => row.split_with(&mut stream, &mut siblings, Some(scratch), &mut listener),
    };
    let Listener { asked, counted, offset: end, .. } = listener;
    tell(format, &counted, &together, asked);
    for question in asked.answer.questions {
        if matches!(question, Question::Record(path, offset) if names(path, asked.path) && *offset >= end) {
            put(&mut asked.answer.text, format_args!("  no such byte was read: what was read has {end} bytes"));
        }
    }
    if let Err(SplitError::Read(error)) = split {
        put(&mut asked.answer.text, format_args!("  {} not read to its end: {error}", shown(asked.path)));
    }
}

/// What belongs to a stream, open; none: the stream is not read, and why is said.
fn opened_beside<'m>(opening: Opening<'m>, asked: &mut Asked<'_, '_>) -> Option<Vec<Open<'m>>> {
    let text = &mut asked.answer.text;
    match opening {
        Opening::Opened(opened) => return Some(opened),
        Opening::Withheld => put(text, format_args!("  withheld: a file that belongs to it is")),
        Opening::Failed(error) => put(text, format_args!("  not read: a file beside it that belongs to it: {error}")),
    }
    None
}

/// How many records of a stream came to what, where its path is asked about.
fn tell(format: Format, counted: &Counted, together: &[&str], asked: &mut Asked<'_, '_>) {
    let is_asked = |question: &Question| matches!(question, Question::Path(path) if names(path, asked.path));
    if asked.answer.questions.iter().any(is_asked) {
        let Counted { admitted, outside, withheld, undecided, unreadable } = *counted;
        put(
            &mut asked.answer.text,
            format_args!(
                "  read as {}: {admitted} in, {outside} outside, {withheld} withheld, {undecided} undecided, \
                 {unreadable} not readable",
                format.name()
            ),
        );
        for suffix in together {
            put(
                &mut asked.answer.text,
                format_args!("  read together with the file beside it that has {suffix} behind its name"),
            );
        }
    }
}

/// What the withholds make of a file that is taken whole.
fn whole(scope: &Scope, opened: Opened, meter: &Meter<'_>, asked: &mut Asked<'_, '_>) {
    let Some((gate, stored)) = opened.into_whole(scope) else { return };
    let read = read_whole(scope, gate, &mut Metered::new(stored, meter), meter, &mut |_| Ok(()));
    let words = match &read {
        Ok(WholeRead::Judged(WholeJudgement::In(_))) => "in",
        Ok(WholeRead::Judged(WholeJudgement::Withheld(_))) => "withheld: a withheld identifier stands in it",
        Ok(WholeRead::Judged(WholeJudgement::Undecided(_))) => "undecided: what may be a withheld identifier is in it",
        Ok(WholeRead::Short(kind, _)) => kind.words(),
        Err(_) => "not read",
    };
    let is_undecided = matches!(read, Ok(WholeRead::Judged(WholeJudgement::Undecided(_))));
    let is_path = |question: &Question| match question {
        Question::Path(path) | Question::Record(path, _) => names(path, asked.path),
        Question::Undecided => is_undecided,
    };
    if asked.answer.questions.iter().any(is_path) {
        put(&mut asked.answer.text, format_args!("{}: the whole file: {words}", shown(asked.path)));
    }
}

struct Listener<'l, 'a, 'q> {
    gate: RecordGate<'l>,
    asked: &'l mut Asked<'a, 'q>,
    counted: Counted,
    offset: u64,
}

impl Listener<'_, '_, '_> {
    /// A record question about one of the next bytes.
    fn is_asked(&self, length: u64) -> bool {
        let here = self.offset..self.offset.saturating_add(length);
        let matches = |question: &Question| matches!(question, Question::Record(path, offset) if names(path, self.asked.path) && here.contains(offset));
        self.asked.answer.questions.iter().any(matches)
    }

    fn say(&mut self, words: std::fmt::Arguments<'_>) {
        let (path, offset) = (shown(self.asked.path), self.offset);
        put(&mut self.asked.answer.text, format_args!("{path}:{offset}: {words}"));
    }
}

impl RecordSink for Listener<'_, '_, '_> {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        let explanation = self.gate.explain(record.fields);
        let fate = explanation.fate();
        let lists_undecided = self.asked.answer.questions.contains(&Question::Undecided);
        let length = record.bytes.len() as u64;
        if self.is_asked(length) || (lists_undecided && fate == Fate::Undecided) {
            self.say(format_args!("a record of {length} bytes: {}", fate.word()));
            comparisons(&mut self.asked.answer.text, self.asked.answer.order, &explanation);
        }
        match fate {
            Fate::In => self.counted.admitted += 1,
            Fate::Outside => self.counted.outside += 1,
            Fate::Withheld => self.counted.withheld += 1,
            Fate::Undecided => self.counted.undecided += 1,
        }
        self.offset += length;
        Ok(())
    }

    fn separator(&mut self, bytes: u64) {
        if self.is_asked(bytes) {
            self.say(format_args!("{bytes} bytes between records: outside"));
        }
        self.offset += bytes;
    }

    fn unreadable(&mut self, bytes: u64, _: Unreadable) {
        if self.is_asked(bytes) {
            self.say(format_args!("{bytes} bytes that cannot be read as a record"));
        }
        self.counted.unreadable += 1;
        self.offset += bytes;
    }
}

fn comparisons(text: &mut String, order: &Order, explanation: &Explanation) {
    if explanation.unparsed {
        put(text, format_args!("  it has not the shape of its format: only whole tokens of it are compared"));
    }
    for clause in &explanation.clauses {
        let steps: Vec<String> = clause
            .comparisons
            .iter()
            .map(|(comparison, verdict)| format!("{} {}", comparison.words(), word(*verdict)))
            .collect();
        let id = ids(order, std::iter::once(clause.clause));
        put(text, format_args!("  clause {id}: {} ({})", word(clause.verdict), steps.join(", ")));
        if let Some(form) = Form::of(order, clause.clause).filter(|_| clause.verdict == Verdict::In) {
            let given = Reduced::of(&form.reduction, None).words();
            put(text, format_args!("  clause {id}: less than the whole would be given: {given}"));
        }
    }
    match explanation.withhold {
        Some(Verdict::In) => put(text, format_args!("  a withhold stops it")),
        Some(Verdict::Undecided) => put(text, format_args!("  whether a withhold stops it cannot be read")),
        Some(Verdict::Out) | None => {}
    }
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::In => "in",
        Verdict::Out => "out",
        Verdict::Undecided => "undecided",
    }
}

fn ids(order: &Order, clauses: impl Iterator<Item = usize>) -> String {
    let ids: Vec<&str> = clauses.filter_map(|at| Some(order.clauses.get(at)?.id.as_str())).collect();
    ids.join(", ")
}

/// A path for a terminal: what could move its cursor is escaped.
fn shown(path: &[u8]) -> String {
    let (text, _) = escaped_path(path);
    text.chars().flat_map(|c| if is_invisible(c) { c.escape_default().collect() } else { vec![c] }).collect()
}

fn put(text: &mut String, words: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "{words}");
}
