//! The ledger, line by line, held against the files that are there and the order that it names.
//!
//! One reading of `exhibits.jsonl` with the `records/` beside it serves three checks: one line an exhibit and one file a
//! line (closed-world), every length and SHA-256 (sha256), every clause and source (clauses). It also counts what the
//! exhibits come to, for the totals and for making the reports anew.
//!
//! **Invariant:** memory does not grow with the number of exhibits or records.

use std::io::{self, BufRead, Read, Seek};

use super::canonical;
use super::check::{Check, Findings, Item, printable};
use super::contents::{Line, Shelf};
use super::names::Names;
use super::totals::Recount;
use crate::digest::{Digest, Hasher};
use crate::ledger::{ExhibitLine, RecordLine, Statement, Summary, TakeName};
use crate::package::layout::Member;
use crate::scope::ClauseSet;

/// What the ledger came to.
pub(super) struct Reading {
    /// Counts by clause.
    pub recount: Recount,
    /// For the reports.
    pub summary: Summary,
    /// Every line could be read: what rests on the ledger can be checked.
    pub readable: bool,
}

/// Reads the whole ledger.
pub(super) fn read<R: Read + Seek>(
    shelf: &Shelf<'_, R>,
    names: &Names<'_>,
    statement: &Statement,
    findings: &mut Findings,
) -> io::Result<Reading> {
    let reading =
        Reading { recount: Recount::new(names.order.clauses.len()), summary: Summary::default(), readable: true };
    let mut pass = Pass { shelf, names, statement, findings, reading, expected: 1, records_seen: 0 };
    if let Some(mut lines) = shelf.lines(Member::Exhibits) {
        while let Some(line) = lines.next()? {
            if let Some(line) = pass.parse(Member::Exhibits, pass.expected.into(), line, canonical::read::<ExhibitLine>)
            {
                pass.exhibit(&line)?;
            }
            pass.expected = pass.expected.saturating_add(1);
        }
    }
    pass.leftovers();
    Ok(pass.reading)
}

/// SHA-256 of `exhibits.jsonl` followed by every `records/*.jsonl` in number order.
pub(super) fn sha256<R: Read + Seek>(shelf: &Shelf<'_, R>) -> io::Result<Digest> {
    let mut hasher = Hasher::new();
    let records = shelf.contents.records().map(|(member, _)| member);
    for member in std::iter::once(Member::Exhibits).chain(records) {
        if let Some(mut stream) = shelf.open(member) {
            io::copy(&mut stream, &mut hasher)?;
        }
    }
    Ok(hasher.finish())
}

struct Pass<'p, 'a, R> {
    shelf: &'p Shelf<'a, R>,
    names: &'p Names<'p>,
    statement: &'p Statement,
    findings: &'p mut Findings,
    reading: Reading,
    /// The number that the next line must have.
    expected: u32,
    /// How many of the files in `records/` an exhibit has claimed or passed.
    records_seen: usize,
}

impl<R: Read + Seek> Pass<'_, '_, R> {
    fn parse<T>(
        &mut self,
        member: Member,
        number: u64,
        line: Line<'_>,
        read: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Option<T> {
        let result = match line {
            Line::Whole(line) => read(line),
            Line::Bad(why) => Err(why.to_owned()),
        };
        result
            .map_err(|why| {
                self.reading.readable = false;
                self.findings.member(Check::Structure, member, || format!("line {number} {why}"));
            })
            .ok()
    }

    fn exhibit(&mut self, line: &ExhibitLine) -> io::Result<()> {
        let member = Member::Data(line.exhibit, line.extension());
        if line.exhibit != self.expected || line.file != member.to_string() {
            let file = printable(line.file.as_bytes());
            let expected = self.expected;
            self.findings.member(Check::ClosedWorld, Member::Exhibits, || {
                format!("line {expected} is about exhibit {} in {file}; exhibit {expected} in its own file must stand there", line.exhibit)
            });
            self.reading.readable = false;
            return Ok(());
        }
        self.shape(line, member);
        let clauses = self.names.clauses(&line.clauses, member, Item::Whole, self.findings);
        self.names.agree(self.statement, line, clauses, member, self.findings);
        self.file(line, member);
        self.reading.recount.exhibit(line, clauses, line.bytes);
        self.reading.summary.exhibit(line, clauses);
        self.claim_records(line);
        if line.has_records() {
            self.records(line, member, clauses)?;
        } else if line.take == TakeName::Files {
            self.reading.recount.file(clauses, line.bytes);
        } else {
            self.reading.recount.record(clauses, line.bytes);
        }
        Ok(())
    }

    /// What one kind of exhibit states and another does not.
    fn shape(&mut self, line: &ExhibitLine, member: Member) {
        let is_mail = line.format.is_some_and(|format| format.is_mail());
        let fits = match line.take {
            TakeName::Files => line.format.is_none() && line.records.is_none(),
            TakeName::Records if is_mail => line.records == Some(1),
            TakeName::Records => line.format.is_some() && line.records.is_some_and(|count| count > 0),
        };
        let no_times = line.time.is_none() && line.clock.is_none() && line.times.is_none();
        let times_fit = if line.has_records() { no_times } else { line.time.is_some() == line.clock.is_some() };
        let positions = is_mail && self.names.order.disclose.positions;
        let is_form = match (&line.reduced, line.format) {
            (Some(reduced), Some(format)) => reduced.fits(format),
            (Some(_), None) => false,
            (None, _) => true,
        };
        let rows = [
            (is_form, "what it says of the form in which it is given is not said of such an exhibit"),
            (fits, "how it was taken, its format and how many records it has do not belong together"),
            (times_fit, "a time stands without its clock, or where the records have the times"),
            (line.offset.is_some() == positions, "it states a position and should not, or the other way round"),
            (line.exact_path().is_some(), "its path does not begin at the root, or its two forms are not one path"),
        ];
        for (_, why) in rows.into_iter().filter(|(fits, _)| !fits) {
            self.reading.readable = false;
            self.findings
                .member(Check::Structure, member, || format!("its line in exhibits.jsonl contradicts itself: {why}"));
        }
    }

    /// The exhibit's own file.
    fn file(&mut self, line: &ExhibitLine, member: Member) {
        let Some(slot) = self.shelf.contents.get(member) else {
            self.findings.member(Check::ClosedWorld, member, || {
                "the ledger lists it, and it is not in the package: something that was disclosed is missing".into()
            });
            return;
        };
        if slot.sha256 != line.sha256 || slot.size_bytes != line.bytes {
            self.findings.member(Check::Sha256, member, || {
                format!(
                    "its {} bytes have the SHA-256 {}, and the ledger states {} bytes with {}",
                    slot.size_bytes, slot.sha256, line.bytes, line.sha256
                )
            });
        }
    }

    /// Files in `records/` up to this exhibit: its own, where it has records, and no other.
    fn claim_records(&mut self, line: &ExhibitLine) {
        let own = line.has_records();
        let mut found = false;
        while let Some(number) = self.shelf.contents.records_at(self.records_seen) {
            if number > line.exhibit {
                break;
            }
            self.records_seen = self.records_seen.saturating_add(1);
            if number == line.exhibit && own {
                found = true;
            } else {
                self.stray_records(number);
            }
        }
        if own && !found {
            self.findings.member(Check::ClosedWorld, Member::Records(line.exhibit), || {
                "it is missing: nothing says which clause let out which record of the exhibit".into()
            });
        }
    }

    fn stray_records(&mut self, number: u32) {
        // Beside a line that could not be read nobody can say what belongs to what.
        if !self.reading.readable {
            return;
        }
        self.findings.member(Check::ClosedWorld, Member::Records(number), || {
            "there is no exhibit of lines of that number: no line of the ledger belongs to it".into()
        });
    }

    /// After the last line: what the ledger never mentioned.
    fn leftovers(&mut self) {
        if !self.reading.readable {
            return;
        }
        let listed = usize::try_from(self.expected).unwrap_or(usize::MAX).saturating_sub(1);
        for (member, _) in self.shelf.contents.data().skip(listed) {
            self.findings.member(Check::ClosedWorld, member, || {
                "no line of the ledger is about it: no clause is named that lets it out".into()
            });
        }
        while let Some(number) = self.shelf.contents.records_at(self.records_seen) {
            self.records_seen = self.records_seen.saturating_add(1);
            self.stray_records(number);
        }
    }

    /// The records of an exhibit of lines.
    fn records(&mut self, line: &ExhibitLine, member: Member, clauses: ClauseSet) -> io::Result<()> {
        let own = Member::Records(line.exhibit);
        let (Some(mut lines), Some(mut data)) = (self.shelf.lines(own), self.shelf.open(member)) else {
            return Ok(());
        };
        let mut union = ClauseSet::EMPTY;
        let (mut count, mut bytes): (u64, u64) = (0, 0);
        let mut last_offset = None;
        while let Some(text) = lines.next()? {
            count = count.saturating_add(1);
            let Some(record) = self.parse(own, count, text, canonical::record) else { continue };
            let named = self.names.clauses(&record.clauses, own, Item::Record(count), self.findings);
            union = union.union(named);
            self.record_shape((&record, line), own, count, &mut last_offset);
            bytes = bytes.saturating_add(record.length);
            let found = sha256_of_next(&mut data, record.length)?;
            if found != Some(record.sha256) {
                self.findings.member(Check::Sha256, own, || {
                    let length = record.length;
                    match found {
                        Some(found) => format!(
                            "record {count} states the SHA-256 {}, and the next {length} bytes of {member} have {found}",
                            record.sha256
                        ),
                        None => format!("record {count} states {length} bytes, and {member} has not so many left"),
                    }
                });
            }
            self.reading.recount.record(named, record.length);
            self.reading.summary.record(named, record.time);
        }
        if bytes != line.bytes {
            self.findings.member(Check::Sha256, own, || {
                format!(
                    "its records come to {bytes} bytes, and {member} to {}: some bytes belong to no record",
                    line.bytes
                )
            });
        }
        if line.records != Some(count) {
            let stated = line.records.unwrap_or(0);
            self.findings
                .member(Check::Totals, own, || format!("it lists {count} records, and the ledger states {stated}"));
        }
        if union != clauses {
            self.findings.member(Check::Clauses, own, || {
                format!("the clauses that its records name are not those that the ledger names for {member}")
            });
        }
        Ok(())
    }

    fn record_shape(
        &mut self,
        (record, exhibit): (&RecordLine, &ExhibitLine),
        own: Member,
        count: u64,
        last_offset: &mut Option<u64>,
    ) {
        let positions = self.names.order.disclose.positions;
        let ascends = record.offset.is_none() || record.offset > *last_offset;
        let because = record.because.as_deref().unwrap_or_default();
        let joins =
            (record.because.is_none() || !because.is_empty()) && because.iter().all(|id| record.clauses.contains(id));
        let rows = [
            (record.reduced == exhibit.reduced, "it is given in another form than the exhibit that it stands in"),
            (
                record.reduced.is_none() || record.because.is_none(),
                "it says of a record of which not all was given that it was taken for its transaction",
            ),
            (joins, "it was taken for its transaction by a clause that it does not name"),
            (record.n == count, "its number is not that of its place"),
            (record.length > 0, "it has no length"),
            (record.offset.is_some() == positions, "it states a position and should not, or the other way round"),
            (ascends, "it stood before the record that it follows"),
        ];
        for (_, why) in rows.into_iter().filter(|(fits, _)| !fits) {
            self.reading.readable = false;
            self.findings.member(Check::Structure, own, || format!("line {count} contradicts itself: {why}"));
        }
        *last_offset = record.offset;
    }
}

/// SHA-256 of the next `length` bytes; none where there are not so many.
fn sha256_of_next(stream: &mut impl BufRead, length: u64) -> io::Result<Option<Digest>> {
    let (mut hasher, mut left) = (Hasher::new(), length);
    while left > 0 {
        let buffer = stream.fill_buf()?;
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(bytes) = buffer.get(..wanted).filter(|bytes| !bytes.is_empty()) else { return Ok(None) };
        hasher.update(bytes);
        stream.consume(wanted);
        left = left.saturating_sub(wanted as u64);
    }
    Ok(Some(hasher.finish()))
}
