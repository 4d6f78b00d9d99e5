//! The members as they come: each outside `data/` is held against the one form that it may have.
//!
//! **Invariant:** a member has one leak at most; what cannot be checked because a member before it is no good is one too.

use super::ledger_line::Held;
use super::raw::Members;
use super::record_line::RecordLines;
use super::tail::{self, CustodyLines};
use super::{Expected, Leak, LeakKind, prose};
use crate::digest::Digest;
use crate::ledger::{Disclosure, ExhibitLine, Statement, Summary};
use crate::limits;
use crate::package::bag_info;
use crate::package::layout::{BAGIT_TXT, Member, NOTHING};
use crate::package::readme_text;
use crate::report::Report;

/// What is read of a member that should be short, in bytes.
const SHORT_BYTES: u64 = 64 * 1024;

/// How the current member is read.
enum Reading {
    /// Not: it is an exhibit, or something was found in it.
    Pass,
    /// Whole.
    Whole,
    /// By lines.
    Lines(Lines),
}

/// Which lines.
enum Lines {
    Records(RecordLines),
    Exhibits(u32),
    Custody,
    /// Of a manifest: where its next member stands among those that were seen.
    Manifest(usize),
}

/// What was seen so far.
pub(super) struct Contents<'e> {
    expected: &'e Expected<'e>,
    leaks: Vec<Leak>,
    /// Members, in the order of the tar, and their sizes in bytes.
    seen: Vec<Member>,
    sizes: Vec<u64>,
    /// The member that begins last, where it is one of a package's; and how many began.
    current: (Option<Member>, u64),
    reading: Reading,
    /// The current member's content so far, or the beginning of a line.
    buffer: Vec<u8>,
    /// Bytes and files of `data/`.
    payload: (u64, u64),
    /// Exhibits in the tar.
    exhibits: u32,
    /// Members of `records/`, by the number of the exhibit: how many records, and bytes in all, they state.
    records: Vec<(u32, u64, u64)>,
    /// Exhibits of which the ledger says that they have records.
    with_records: usize,
    held: Option<Held>,
    summary: Summary,
    statement: Option<Statement>,
    custody: CustodyLines,
}

impl<'e> Contents<'e> {
    pub(super) fn new(expected: &'e Expected<'e>) -> Self {
        Self {
            expected,
            leaks: Vec::new(),
            seen: Vec::new(),
            sizes: Vec::new(),
            current: (None, 0),
            reading: Reading::Pass,
            buffer: Vec::new(),
            payload: (0, 0),
            exhibits: 0,
            records: Vec::new(),
            with_records: 0,
            held: None,
            summary: Summary::default(),
            statement: None,
            custody: CustodyLines::default(),
        }
    }

    /// What was found.
    pub(super) fn finish(mut self) -> Vec<Leak> {
        let missing = Member::ALWAYS.into_iter().find(|member| self.seen.binary_search(member).is_err());
        if let Some(member) = missing.filter(|_| self.leaks.is_empty()) {
            self.leaks.push(Leak { member: member.to_string(), kind: LeakKind::Member });
        }
        self.leaks
    }

    /// Notes the first thing that is found in a member.
    fn leak(&mut self, kind: LeakKind) {
        self.reading = Reading::Pass;
        self.buffer = Vec::new();
        let member = match self.current {
            (Some(member), _) => member.to_string(),
            (None, number) => format!("member {number}"),
        };
        let is_new = self.leaks.last().is_none_or(|leak| leak.member != member);
        if is_new && self.leaks.len() < limits::LEAKS {
            self.leaks.push(Leak { member, kind });
        }
    }

    /// The same for a text that is none of the member's: it is called by what it looks like.
    fn stray(&mut self, kind: LeakKind, text: &[u8]) {
        // Enough to call it by.
        let text = text.get(..limits::CHUNK_BYTES).unwrap_or(text);
        let kind = match (kind, &self.held) {
            (LeakKind::Text, Some(held)) => prose::kind_of(text, &held.known, self.expected.own),
            (kind, _) => kind,
        };
        self.leak(kind);
    }

    /// How a member is read; none where it is too long for what it is.
    fn reading(&self, member: Member, size_bytes: u64) -> Option<Reading> {
        let limit_bytes = match member {
            Member::Nothing | Member::Bagit | Member::Readme | Member::BagInfo => SHORT_BYTES,
            Member::Order => limits::MANIFEST_BYTES,
            Member::Disclosure => limits::PACKAGE_LINE_BYTES as u64,
            Member::ReportHtml | Member::ReportJson => limits::REPORT_BYTES,
            Member::Data(..) => return Some(Reading::Pass),
            Member::Records(_) => return Some(Reading::Lines(Lines::Records(RecordLines::default()))),
            Member::Exhibits => return Some(Reading::Lines(Lines::Exhibits(0))),
            Member::Custody => return Some(Reading::Lines(Lines::Custody)),
            Member::Manifest | Member::TagManifest => return Some(Reading::Lines(Lines::Manifest(0))),
        };
        (size_bytes <= limit_bytes).then_some(Reading::Whole)
    }

    fn line(&mut self, line: &[u8]) {
        if let Err(kind) = self.judge(line) {
            self.stray(kind, line);
        }
    }

    /// One line, without its LF.
    fn judge(&mut self, line: &[u8]) -> Result<(), LeakKind> {
        let Reading::Lines(lines) = &mut self.reading else { return Ok(()) };
        let own = self.expected.own;
        let held = self.held.as_ref().ok_or(LeakKind::Text)?;
        match lines {
            Lines::Records(lines) => {
                let (clauses, time) = lines.line(line, held)?;
                self.summary.record(clauses, time);
            }
            Lines::Exhibits(number) => {
                *number = number.saturating_add(1);
                let (line, clauses) = held.exhibit(line, *number, own)?;
                if !follows(&line, self.expected, (&self.seen, &self.sizes), &self.records) {
                    return Err(LeakKind::Text);
                }
                self.with_records = self.with_records.saturating_add(usize::from(line.has_records()));
                self.summary.exhibit(&line, clauses);
            }
            Lines::Custody => {
                let statement = self.statement.as_ref().ok_or(LeakKind::Text)?;
                self.custody.line(line, (held, statement), self.expected.sum(Member::Manifest), own)?;
            }
            Lines::Manifest(next) => {
                let is_payload = self.current.0 == Some(Member::Manifest);
                let is_listed = |member: &Member| member.is_payload() == is_payload && *member != Member::TagManifest;
                let rest = self.seen.get(*next..).unwrap_or_default();
                let at = rest.iter().position(is_listed);
                *next = next.saturating_add(at.unwrap_or(rest.len())).saturating_add(1);
                let member = at.and_then(|at| rest.get(at)).copied();
                tail::manifest_line(line, member, member.and_then(|member| self.expected.sum(member)))?;
            }
        }
        Ok(())
    }

    /// A member that was read whole; where it is no good, the part that is to blame.
    fn whole<'t>(&mut self, member: Member, text: &'t [u8]) -> Result<(), (LeakKind, &'t [u8])> {
        let bad = (LeakKind::Text, text);
        let expected = match member {
            Member::Bagit => BAGIT_TXT.to_vec(),
            Member::Nothing => NOTHING.to_vec(),
            Member::Readme => readme_text(self.expected.order_id).into_bytes(),
            Member::Order => {
                let held = Held::of(text).filter(|held| held.order.id == self.expected.order_id);
                let is_expected = Digest::of(text) == self.expected.order_sha256;
                self.held = held.filter(|_| is_expected);
                return self.held.as_ref().map(|_| ()).ok_or(bad);
            }
            Member::Disclosure => {
                let held = self.held.as_ref().ok_or(bad)?;
                self.statement = Some(tail::statement(text, held).map_err(|kind| (kind, text))?);
                return Ok(());
            }
            Member::BagInfo => {
                let sealed = self.custody.sealed().ok_or(bad)?;
                bag_info::text(self.expected.order_id, sealed, self.payload).into_bytes()
            }
            Member::ReportHtml | Member::ReportJson => self.report(member).ok_or(bad)?,
            _ => return Ok(()),
        };
        if text != expected {
            return Err((LeakKind::Text, prose::difference(text, &expected)));
        }
        // A report may also be wrong in the way in which it is made.
        let has_own = |held: &Held| held.has_own(text, self.summary.listed(), self.expected.own);
        let is_report = matches!(member, Member::ReportHtml | Member::ReportJson);
        if is_report && self.held.as_ref().is_some_and(has_own) { Err((LeakKind::Own, text)) } else { Ok(()) }
    }

    /// The report of what was read, made anew.
    fn report(&self, member: Member) -> Option<Vec<u8>> {
        let (held, statement) = (self.held.as_ref()?, self.statement.as_ref()?);
        let (order, statement, summary) = (held.facts.clone(), statement.clone(), self.summary.clone());
        let disclosure = Disclosure { order, statement, summary };
        let report = Report::of(&disclosure);
        if member == Member::ReportHtml { Some(report.html().into_bytes()) } else { report.json().ok() }
    }
}

/// What a line of the ledger states of its exhibit follows from the exhibit's size, its sum and its records.
fn follows(
    line: &ExhibitLine,
    expected: &Expected<'_>,
    (seen, sizes): (&[Member], &[u64]),
    records: &[(u32, u64, u64)],
) -> bool {
    let member = Member::Data(line.exhibit, line.extension());
    let size_bytes = seen.binary_search(&member).ok().and_then(|at| sizes.get(at));
    let listed =
        records.binary_search_by_key(&line.exhibit, |(number, ..)| *number).ok().and_then(|at| records.get(at));
    let count = match line.records {
        _ if line.has_records() => {
            listed.is_some_and(|(_, count, bytes)| (line.records, line.bytes) == (Some(*count), *bytes))
        }
        Some(count) => count == 1 && line.format.is_some() && listed.is_none(),
        None => line.format.is_none() && listed.is_none(),
    };
    count && size_bytes == Some(&line.bytes) && expected.sum(member).is_none_or(|sum| sum == line.sha256)
}

impl Members for Contents<'_> {
    fn begin(&mut self, name: &[u8], size_bytes: u64) {
        let name = std::str::from_utf8(name).ok();
        let inside = name.and_then(|name| name.strip_prefix(self.expected.order_id)?.strip_prefix('/'));
        let member = inside.and_then(Member::parse);
        self.current = (member, self.current.1.saturating_add(1));
        self.reading = Reading::Pass;
        self.buffer = Vec::new();
        let Some(member) = member.filter(|member| self.seen.last().is_none_or(|last| last < member)) else {
            self.current.0 = None;
            return self.leak(LeakKind::Member);
        };
        self.seen.push(member);
        self.sizes.push(size_bytes);
        if member.is_payload() {
            self.payload = (self.payload.0.saturating_add(size_bytes), self.payload.1.saturating_add(1));
        }
        self.exhibits = self.exhibits.saturating_add(u32::from(matches!(member, Member::Data(..))));
        match self.reading(member, size_bytes) {
            Some(reading) => self.reading = reading,
            None => self.leak(LeakKind::Text),
        }
    }

    fn content(&mut self, mut bytes: &[u8]) {
        if matches!(self.reading, Reading::Whole) {
            self.buffer.extend_from_slice(bytes);
        }
        while matches!(self.reading, Reading::Lines(_)) {
            let Some(at) = memchr::memchr(b'\n', bytes) else { break };
            let (line, rest) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
            if self.buffer.is_empty() {
                self.line(line);
            } else {
                let mut whole = std::mem::take(&mut self.buffer);
                whole.extend_from_slice(line);
                self.line(&whole);
            }
            bytes = rest.get(1..).unwrap_or_default();
        }
        if matches!(self.reading, Reading::Lines(_)) {
            self.buffer.extend_from_slice(bytes);
            if self.buffer.len() > limits::PACKAGE_LINE_BYTES {
                self.leak(LeakKind::Text);
            }
        }
    }

    fn end(&mut self) {
        let text = std::mem::take(&mut self.buffer);
        if let (Reading::Lines(Lines::Records(lines)), Some(Member::Records(number))) = (&self.reading, self.current.0)
        {
            self.records.push((number, lines.number, lines.bytes));
        }
        let result = match (&self.reading, self.current.0) {
            (Reading::Whole, Some(member)) => self.whole(member, &text),
            // The last line has its end, as every other.
            (Reading::Lines(_), _) if !text.is_empty() => Err((LeakKind::Text, text.as_slice())),
            (Reading::Lines(Lines::Exhibits(number)), _)
                if (self.exhibits, self.records.len()) != (*number, self.with_records) =>
            {
                Err((LeakKind::Member, text.as_slice()))
            }
            _ => Ok(()),
        };
        if let Err((kind, part)) = result {
            self.stray(kind, part);
        }
    }

    fn fault(&mut self, kind: LeakKind) {
        self.leak(kind);
    }
}
