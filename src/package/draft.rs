//! What one stream gives to the package, gathered before its exhibits have numbers.
//!
//! Drafts are made in any thread, by a [`Drafter`], and handed to the writer in order. Admitted bytes wait in memory, and
//! over [`crate::limits::SPOOL_MEMORY_BYTES`] in a file without a name.
//!
//! **Invariant:** every byte of a draft that reaches the writer came as [`InScope`].

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::PackageError;
use super::lines::{Line, Lines, LinesDone};
use super::spool::Spool;
use crate::digest::{Digest, Hasher};
use crate::ledger::{Counts, Reduced};
use crate::limits;
use crate::order::Format;
use crate::scope::{Admitted, ClauseSet, InScope, Provenance, Record, Stamp};

/// Where a stream was found, in the contract's words.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Place {
    /// The volume (`whole`, `p2`); none in a folder.
    pub volume: Option<String>,
    /// The file system's kind (`ext4`); none in a folder.
    pub filesystem: Option<&'static str>,
}

/// Makes drafts for one package; any thread may hold a copy.
#[derive(Clone)]
pub struct Drafter(Arc<Desk>);

struct Desk {
    clause_ids: Vec<String>,
    positions: bool,
    folder: Arc<Path>,
    keep: bool,
}

impl Drafter {
    /// A folder for files without a name.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Room for what is to be known of a stream beside what the package takes of it.
    pub fn spool(&self) -> Spool {
        Spool::new(Arc::clone(&self.0.folder))
    }

    /// `keep`: the bytes are wanted, not only their digests.
    pub(super) fn new(clause_ids: Vec<String>, positions: bool, folder: Arc<Path>, keep: bool) -> Self {
        Self(Arc::new(Desk { clause_ids, positions, folder, keep }))
    }

    /// For the records of one stream.
    pub fn records(&self, format: Format) -> RecordDraft {
        RecordDraft {
            items: if format.is_mail() {
                Kind::Messages(self.body(), Vec::new())
            } else {
                Kind::Lines(BTreeMap::new())
            },
            desk: Arc::clone(&self.0),
            format,
            tally: DraftTally::default(),
        }
    }

    /// For one whole file.
    pub fn whole(&self) -> WholeDraft {
        WholeDraft { bytes: 0, body: self.body(), hasher: Hasher::new() }
    }

    fn body(&self) -> Option<Spool> {
        self.0.body()
    }
}

impl Desk {
    fn body(&self) -> Option<Spool> {
        self.keep.then(|| Spool::new(Arc::clone(&self.folder)))
    }
}

/// The admitted records of one stream, as they come.
pub struct RecordDraft {
    desk: Arc<Desk>,
    format: Format,
    items: Kind,
    tally: DraftTally,
}

/// Lines of one form are one exhibit with a line each in `records/`; messages are an exhibit each.
enum Kind {
    /// The whole records first, then the reduced forms in the order of the order.
    Lines(BTreeMap<Option<usize>, Box<FormLines>>),
    Messages(Option<Spool>, Vec<Message>),
}

/// The lines of one form.
struct FormLines {
    body: Option<Spool>,
    bytes: u64,
    clauses: ClauseSet,
    reduced: Option<Reduced>,
    lines: Lines,
}

impl FormLines {
    fn new(desk: &Desk, reduced: Option<Reduced>) -> Result<Self, PackageError> {
        let lines = Lines::new(Arc::clone(&desk.folder), reduced.as_ref())?;
        Ok(Self { body: desk.body(), bytes: 0, clauses: ClauseSet::EMPTY, reduced, lines })
    }

    fn finish(self) -> Stretch {
        let Self { body, bytes, clauses, reduced, lines } = self;
        Stretch { body, bytes, clauses, reduced, lines: lines.finish() }
    }
}

/// A message, apart from its bytes.
pub(super) struct Message {
    pub(super) bytes: u64,
    pub(super) sha256: Digest,
    pub(super) stamp: Stamp,
    pub(super) clauses: ClauseSet,
    pub(super) offset: Option<u64>,
    pub(super) reduced: Option<Reduced>,
}

/// What was disclosed of one stream, in all and by clause.
#[derive(Clone, Debug, Default)]
struct DraftTally {
    all: Counts,
    clauses: ClauseSet,
    by_clause: Vec<Counts>,
}

impl DraftTally {
    fn add(&mut self, clauses: ClauseSet, records: u64, bytes: u64) {
        self.all.files = 1;
        self.clauses = self.clauses.union(clauses);
        let one = Counts { files: 0, records, bytes };
        self.all.merge(&one);
        for clause in clauses.iter() {
            if self.by_clause.len() <= clause {
                self.by_clause.resize(clause.saturating_add(1), Counts::default());
            }
            if let Some(counts) = self.by_clause.get_mut(clause) {
                counts.files = 1;
                counts.merge(&one);
            }
        }
    }
}

impl RecordDraft {
    /// Takes in the next admitted record, in each of its forms.
    pub fn push(&mut self, admitted: Admitted<'_>) -> Result<(), PackageError> {
        admitted.into_iter().try_for_each(|record| self.push_form(record))
    }

    fn push_form(&mut self, record: InScope<Record<'_>>) -> Result<(), PackageError> {
        let clauses = record.clauses();
        let Record { bytes, offset, stamp, because, form, left_out } = record.into_item();
        let offset = self.desk.positions.then_some(offset);
        let (length, sha256) = (bytes.len() as u64, Digest::of(&bytes));
        let reduced = || form.as_ref().map(|form| Reduced::of(&form.reduction, left_out));
        self.tally.add(clauses, 1, length);
        match &mut self.items {
            Kind::Messages(body, messages) => {
                if messages.len() >= limits::EXHIBITS as usize {
                    return Err(PackageError::TooManyExhibits);
                }
                if let Some(body) = body {
                    body.write_all(&bytes)?;
                }
                messages.push(Message { bytes: length, sha256, stamp, clauses, offset, reduced: reduced() });
                Ok(())
            }
            Kind::Lines(forms) => {
                let own = match forms.entry(form.as_ref().map(|form| form.rank)) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(Box::new(FormLines::new(&self.desk, reduced())?)),
                };
                if let Some(body) = &mut own.body {
                    body.write_all(&bytes)?;
                }
                own.bytes = own.bytes.saturating_add(length);
                own.clauses = own.clauses.union(clauses);
                let time = stamp.main.map(|(_, at)| at);
                let line = Line { length, sha256, time, offset, because };
                own.lines.push(&self.desk.clause_ids, clauses, &bytes, &line)
            }
        }
    }

    /// What was taken in so far.
    pub fn counts(&self) -> Counts {
        self.tally.all
    }

    /// All records were taken in; where they were found.
    pub fn finish(self, provenance: InScope<Provenance>, place: Place) -> Draft {
        let items = match self.items {
            Kind::Messages(body, messages) => Items::Messages { format: self.format, body, messages },
            Kind::Lines(forms) => {
                let stretches = forms.into_values().map(|form| form.finish()).collect();
                Items::Lines { format: self.format, stretches }
            }
        };
        Draft { provenance: provenance.into_item(), place, tally: self.tally, items }
    }
}

/// The ids of clauses, in the order of the order.
pub(super) fn ids(all: &[String], clauses: ClauseSet) -> Vec<String> {
    clauses.iter().filter_map(|clause| all.get(clause).cloned()).collect()
}

/// One whole file, as it comes.
pub struct WholeDraft {
    bytes: u64,
    body: Option<Spool>,
    hasher: Hasher,
}

impl WholeDraft {
    /// Takes in the next bytes. They wait outside the package until [`WholeDraft::finish`] is given the proof that they
    /// may leave; dropped without it, they are gone.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), PackageError> {
        self.hasher.update(bytes);
        if let Some(body) = &mut self.body {
            body.write_all(bytes)?;
        }
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        Ok(())
    }

    /// All bytes were taken in; the proof that they may leave, and where they were found.
    pub fn finish(self, proof: InScope<(Provenance, Stamp)>, place: Place) -> Draft {
        let clauses = proof.clauses();
        let (provenance, stamp) = proof.into_item();
        let mut tally = DraftTally::default();
        tally.add(clauses, 0, self.bytes);
        let items = Items::Whole { body: self.body, sha256: self.hasher.finish(), stamp };
        Draft { provenance, place, tally, items }
    }
}

/// What one stream gives to the package.
pub struct Draft {
    pub(super) provenance: Provenance,
    pub(super) place: Place,
    pub(super) items: Items,
    tally: DraftTally,
}

/// The exhibits of one stream.
pub(super) enum Items {
    /// The whole file.
    Whole { body: Option<Spool>, sha256: Digest, stamp: Stamp },
    /// Its lines, one exhibit a form.
    Lines { format: Format, stretches: Vec<Stretch> },
    /// Its messages, an exhibit each.
    Messages { format: Format, body: Option<Spool>, messages: Vec<Message> },
}

/// The lines of one form.
pub(super) struct Stretch {
    pub(super) body: Option<Spool>,
    pub(super) bytes: u64,
    pub(super) clauses: ClauseSet,
    pub(super) reduced: Option<Reduced>,
    pub(super) lines: LinesDone,
}

impl Draft {
    /// What it discloses; `files` is 1 where it discloses anything.
    pub fn counts(&self) -> Counts {
        self.tally.all
    }

    /// What it discloses under one clause.
    pub fn under(&self, clause: usize) -> Counts {
        self.tally.by_clause.get(clause).copied().unwrap_or_default()
    }

    /// The clauses that let something of it out.
    pub fn clauses(&self) -> ClauseSet {
        self.tally.clauses
    }
}
