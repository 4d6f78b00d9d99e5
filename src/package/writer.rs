//! Writes the members of a package into a tar beside the output, in the contract's order.
//!
//! What a member will hold is known before its header is written, so that an unreadable file can never shift or spoil
//! another. `records/` and `exhibits.jsonl` come after the data and wait in spools until it is complete. A preview is the
//! same writer without a tar: it hashes what the run does and comes to the same digest.
//!
//! **Invariant:** nothing gets in but drafts of [`crate::scope::InScope`], and until the package is published the output's
//! path holds nothing.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::closed::Closed;
use super::draft::{Draft, Drafter, Items, Message, Stretch, ids};
use super::layout::{BAGIT_TXT, Member, NOTHING};
use super::lines::LinesDone;
use super::spool::{Spool, SpoolReader};
use super::tape::Tape;
use super::{PackageError, readme};
use crate::beside::folder_of;
use crate::delivery::Recipients;
use crate::digest::{Digest, Hasher};
use crate::ledger::{
    self, ClauseFacts, Counts, Disclosure, ExhibitLine, FORMAT, OrderFacts, Outcome, Shortfall, SourceFacts, Statement,
    StreamTally, Summary, TakeName, Tally, Times, Totals, escaped_path,
};
use crate::limits;
use crate::order::{Format, Order};
use crate::scope::{ClauseSet, Stamp};

/// Where a package goes.
#[derive(Clone, Debug)]
pub enum Target {
    /// Into that file, which must not exist.
    File {
        /// The output.
        path: PathBuf,
    },
    /// Into that file, which must not exist, encrypted from its first byte.
    Encrypted {
        /// The output.
        path: PathBuf,
        /// Who can open it.
        recipients: Recipients,
    },
    /// Nowhere: a preview.
    Nowhere {
        /// A folder for files without a name; nothing is left in it.
        spool: PathBuf,
    },
}

/// What the package cannot count itself: what came of the sources apart from what was disclosed.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The sources, in the order of the order.
    pub sources: Vec<SourceFacts>,
    /// What each clause came to, in the order of the order.
    pub clauses: Vec<Tally>,
    /// Files or records that a withhold stopped, each once.
    pub withheld: u64,
    /// Files or records that no clause admits and one cannot be decided on, each once.
    pub undecided: u64,
    /// Where the bytes of all opened streams went.
    pub streams: StreamTally,
}

/// A package being written.
pub struct Writer {
    order: OrderFacts,
    order_sha256: Digest,
    provider_sha256: Option<Digest>,
    source_names: Vec<String>,
    clause_ids: Vec<String>,
    disclose_examined: bool,
    drafter: Drafter,
    tape: Tape,
    next: u32,
    exhibits: Spool,
    records: Spool,
    records_members: Vec<(u32, u64, Digest)>,
    summary: Summary,
    by_clause: Vec<Counts>,
    totals: Counts,
    last: Option<Key>,
}

/// Where a draft stands in the contract's order.
#[derive(PartialEq, Eq)]
struct Key {
    source: usize,
    volume: Option<String>,
    path: Vec<u8>,
    /// Whole before records.
    by_records: bool,
}

impl Writer {
    /// Begins a package: refuses an output that exists, and writes `bagit.txt`, `order.toml` and `README.txt` aside.
    pub fn create(order: &Order, provider_sha256: Option<Digest>, target: Target) -> Result<Self, PackageError> {
        let folder: Arc<Path> = match &target {
            Target::File { path } | Target::Encrypted { path, .. } => folder_of(path).into(),
            Target::Nowhere { spool } => spool.as_path().into(),
        };
        let keep = !matches!(target, Target::Nowhere { .. });
        let mut tape = Tape::create(&order.id, target)?;
        tape.member(Member::Bagit, BAGIT_TXT)?;
        tape.member(Member::Order, &order.bytes)?;
        tape.member(Member::Readme, readme::text(&order.id).as_bytes())?;
        let clause_ids: Vec<String> = order.clauses.iter().map(|clause| clause.id.clone()).collect();
        Ok(Self {
            order: OrderFacts::of(order),
            order_sha256: order.sha256(),
            provider_sha256,
            source_names: order.sources.iter().map(|source| source.name.clone()).collect(),
            disclose_examined: order.disclose.examined,
            drafter: Drafter::new(clause_ids.clone(), order.disclose.positions, Arc::clone(&folder), keep),
            tape,
            next: 1,
            exhibits: Spool::new(Arc::clone(&folder)),
            records: Spool::new(folder),
            records_members: Vec::new(),
            summary: Summary::default(),
            by_clause: vec![Counts::default(); clause_ids.len()],
            clause_ids,
            totals: Counts::default(),
            last: None,
        })
    }

    /// Makes drafts for this package.
    pub fn drafter(&self) -> Drafter {
        self.drafter.clone()
    }

    /// What was disclosed so far, by clause in the order of the order (for the limits of the clauses).
    pub fn by_clause(&self) -> &[Counts] {
        &self.by_clause
    }

    /// What was disclosed so far.
    pub fn totals(&self) -> Counts {
        self.totals
    }

    /// Takes in what one stream gives. Drafts come by source, volume, path bytes, the whole file before its records; one
    /// out of that order is an error, for it would make two runs differ.
    pub fn add(&mut self, draft: Draft) -> Result<(), PackageError> {
        let counts = draft.counts();
        if counts.files == 0 {
            return Ok(());
        }
        let new_place = self.take_place(&draft)?;
        for (clause, slot) in self.by_clause.iter_mut().enumerate() {
            slot.merge(&draft.under(clause));
        }
        self.totals.merge(&Counts { files: u64::from(new_place), ..counts });
        let base = self.line_of(&draft)?;
        let clauses = draft.clauses();
        let reader = |body: Option<Spool>| body.map(Spool::into_reader).transpose();
        match draft.items {
            Items::Whole { body, sha256, stamp } => {
                let mut line = stamped(base, &stamp);
                line.sha256 = sha256;
                line.bytes = counts.bytes;
                self.exhibit(line, clauses, None, reader(body)?.as_mut())
            }
            Items::Lines { format, stretches } => {
                stretches.into_iter().try_for_each(|stretch| self.lines(base.clone(), format, stretch))
            }
            Items::Messages { format, body, messages } => {
                let mut body = reader(body)?;
                messages.into_iter().try_for_each(|message| {
                    let Message { bytes, sha256, stamp, clauses, offset, reduced } = message;
                    let base = stamped(base.clone(), &stamp);
                    let line = ExhibitLine { sha256, bytes, records: Some(1), offset, reduced, ..base };
                    self.exhibit(line, clauses, Some(format), body.as_mut())
                })
            }
        }
    }

    /// The exhibit of lines of one form, and the lines about them.
    fn lines(&mut self, base: ExhibitLine, format: Format, stretch: Stretch) -> Result<(), PackageError> {
        let Stretch { body, bytes, clauses, reduced, lines } = stretch;
        let LinesDone { sha256, records, text, text_sha256, timeline } = lines;
        let line = ExhibitLine { sha256, bytes, records: Some(records), reduced, ..base };
        let number = self.next;
        let mut body = body.map(Spool::into_reader).transpose()?;
        self.exhibit(line, clauses, Some(format), body.as_mut())?;
        self.records_members.push((number, text.length(), text_sha256));
        let length = text.length();
        text.into_reader()?.pass(length, &mut self.records, &mut |_| {})?;
        self.summary.records(&timeline);
        Ok(())
    }

    /// One exhibit: its number, its member, its line.
    fn exhibit(
        &mut self,
        mut line: ExhibitLine,
        clauses: ClauseSet,
        format: Option<Format>,
        body: Option<&mut SpoolReader>,
    ) -> Result<(), PackageError> {
        let number = self.next;
        if number > limits::EXHIBITS {
            return Err(PackageError::TooManyExhibits);
        }
        self.next = number.saturating_add(1);
        line.format = format;
        let member = Member::Data(number, line.extension());
        line.exhibit = number;
        line.file = member.to_string();
        line.take = if format.is_some() { TakeName::Records } else { TakeName::Files };
        line.clauses = ids(&self.clause_ids, clauses);
        self.tape.stream(member, line.bytes, line.sha256, body, &mut |_| {})?;
        self.exhibits.write_all(&ledger::line(&line)?)?;
        self.summary.exhibit(&line, clauses);
        Ok(())
    }

    /// Holds a draft against the contract's order; true where it stands at another place than the one before.
    fn take_place(&mut self, draft: &Draft) -> Result<bool, PackageError> {
        let key = Key {
            source: draft.provenance.source,
            volume: draft.place.volume.clone(),
            path: draft.provenance.path.clone(),
            by_records: !matches!(draft.items, Items::Whole { .. }),
        };
        let Some(last) = &self.last else {
            self.last = Some(key);
            return Ok(true);
        };
        let same_volume = key.source == last.source && key.volume == last.volume;
        let ordered = if same_volume {
            (&last.path, last.by_records) < (&key.path, key.by_records)
        } else {
            last.source <= key.source
        };
        if !ordered {
            return Err(PackageError::Inconsistent("they came in another order than by source, volume and path"));
        }
        let new_place = !same_volume || key.path != last.path;
        self.last = Some(key);
        Ok(new_place)
    }

    /// What the lines of a draft's exhibits have in common.
    fn line_of(&self, draft: &Draft) -> Result<ExhibitLine, PackageError> {
        let source = self.source_names.get(draft.provenance.source);
        let source = source.ok_or(PackageError::Inconsistent("one names a source that the order does not"))?;
        let (path, path_base64) = escaped_path(&draft.provenance.path);
        Ok(ExhibitLine {
            exhibit: 0,
            file: String::new(),
            sha256: Digest::of(b""),
            bytes: 0,
            take: TakeName::Files,
            format: None,
            records: None,
            clauses: Vec::new(),
            source: source.clone(),
            volume: draft.place.volume.clone(),
            filesystem: draft.place.filesystem.map(str::to_owned),
            path,
            path_base64,
            time: None,
            clock: None,
            times: None,
            offset: None,
            reduced: None,
        })
    }

    /// All drafts were taken in: writes the ledger and `disclosure.json`.
    pub fn close(mut self, facts: Facts) -> Result<Closed, PackageError> {
        if facts.clauses.len() != self.clause_ids.len() || facts.sources.len() != self.source_names.len() {
            return Err(PackageError::Inconsistent("there are more or fewer clauses or sources than in the order"));
        }
        if self.next == 1 {
            self.tape.member(Member::Nothing, NOTHING)?;
        }
        let (ledger_sha256, exhibits) = self.write_ledger()?;
        let statement = Statement {
            format: FORMAT.to_owned(),
            order_sha256: self.order_sha256,
            provider_sha256: self.provider_sha256,
            clauses: self.clause_facts(&facts),
            shortfalls: self.shortfalls(&facts),
            totals: Totals {
                files: self.totals.files,
                records: self.totals.records,
                bytes: self.totals.bytes,
                withheld: facts.withheld,
                undecided: facts.undecided,
            },
            sources: facts.sources,
            ledger_sha256,
            digest: None,
        }
        .with_digest()?;
        self.tape.member(Member::Disclosure, &ledger::line(&statement)?)?;
        let disclosure = Disclosure { order: self.order, statement, summary: self.summary };
        Ok(Closed::new(self.tape, disclosure, facts.streams, exhibits))
    }

    /// Writes `records/` and `exhibits.jsonl`; the digest of `exhibits.jsonl` followed by `records/` in order, and the former.
    fn write_ledger(&mut self) -> Result<(Digest, SpoolReader), PackageError> {
        let folder: Arc<Path> = Arc::clone(self.exhibits.folder());
        let exhibits = std::mem::replace(&mut self.exhibits, Spool::new(Arc::clone(&folder)));
        let records = std::mem::replace(&mut self.records, Spool::new(folder));
        // The ledger's digest begins with the exhibits, the tar with the records: the exhibits are read twice.
        let length = exhibits.length();
        let mut exhibits = exhibits.into_reader()?;
        let (mut ledger, mut own) = (Hasher::new(), Hasher::new());
        exhibits.pass(length, &mut std::io::sink(), &mut |bytes| {
            ledger.update(bytes);
            own.update(bytes);
        })?;
        let mut records = records.into_reader()?;
        for &(number, length, sha256) in &self.records_members {
            let member = Member::Records(number);
            self.tape.stream(member, length, sha256, Some(&mut records), &mut |bytes| ledger.update(bytes))?;
        }
        exhibits.rewind()?;
        self.tape.stream(Member::Exhibits, length, own.finish(), Some(&mut exhibits), &mut |_| {})?;
        Ok((ledger.finish(), exhibits))
    }

    fn clause_facts(&self, facts: &Facts) -> Vec<ClauseFacts> {
        let clauses = self.clause_ids.iter().zip(&self.by_clause).zip(&facts.clauses);
        clauses
            .map(|((id, disclosed), tally)| ClauseFacts {
                id: id.clone(),
                outcome: Outcome::of(disclosed, tally),
                files: disclosed.files,
                records: disclosed.records,
                bytes: disclosed.bytes,
                withheld: tally.withheld,
                undecided: tally.undecided,
                examined: self.disclose_examined.then_some(tally.examined),
                outside: self.disclose_examined.then_some(tally.outside),
            })
            .collect()
    }

    fn shortfalls(&self, facts: &Facts) -> Vec<Shortfall> {
        let clauses = self.clause_ids.iter().zip(&facts.clauses);
        clauses
            .flat_map(|(id, tally)| {
                let counted = tally.shortfalls.iter().filter(|&(_, &count)| count > 0);
                counted.map(|(&kind, &count)| Shortfall { clause: id.clone(), kind, count })
            })
            .collect()
    }
}

/// A line with the times of a stamp.
fn stamped(line: ExhibitLine, stamp: &Stamp) -> ExhibitLine {
    let (clock, time) = stamp.main.unzip();
    ExhibitLine { time, clock, times: Times::of(stamp), ..line }
}
