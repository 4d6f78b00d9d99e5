//! What one stream gives to the package, gathered before its exhibits have numbers.
//!
//! Drafts are made in any thread, by a [`Drafter`], and handed to the writer in order. Admitted bytes wait in memory, and
//! over [`crate::limits::SPOOL_MEMORY_BYTES`] in a file without a name.
//!
//! **Invariant:** every byte of a draft that reaches the writer came as [`InScope`].

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::PackageError;
use super::lines::{Line, Lines, LinesDone};
use super::spool::Spool;
use crate::digest::{Digest, Hasher};
use crate::ledger::Counts;
use crate::limits;
use crate::order::Format;
use crate::scope::{ClauseSet, InScope, Provenance, Record, Stamp};

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
    /// `keep`: the bytes are wanted, not only their digests.
    /// A folder for files without a name.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    pub(super) fn new(clause_ids: Vec<String>, positions: bool, folder: Arc<Path>, keep: bool) -> Self {
        Self(Arc::new(Desk { clause_ids, positions, folder, keep }))
    }

    /// For the records of one stream.
    pub fn records(&self, format: Format) -> RecordDraft {
        RecordDraft {
            items: if format.is_mail() {
                Kind::Messages(Vec::new())
            } else {
                Kind::Lines(Box::new(Lines::new(Arc::clone(&self.0.folder))))
            },
            body: self.body(),
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
        self.0.keep.then(|| Spool::new(Arc::clone(&self.0.folder)))
    }
}

/// The admitted records of one stream, as they come.
pub struct RecordDraft {
    desk: Arc<Desk>,
    format: Format,
    body: Option<Spool>,
    items: Kind,
    tally: DraftTally,
}

/// Lines are one exhibit with a line each in `records/`; messages are an exhibit each.
enum Kind {
    Lines(Box<Lines>),
    Messages(Vec<Message>),
}

/// A message, apart from its bytes.
pub(super) struct Message {
    pub(super) bytes: u64,
    pub(super) sha256: Digest,
    pub(super) stamp: Stamp,
    pub(super) clauses: ClauseSet,
    pub(super) offset: Option<u64>,
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
    /// Takes in the next admitted record.
    pub fn push(&mut self, record: InScope<Record<'_>>) -> Result<(), PackageError> {
        let clauses = record.clauses();
        let Record { bytes, offset, stamp, because } = record.into_item();
        let offset = self.desk.positions.then_some(offset);
        let (length, sha256) = (bytes.len() as u64, Digest::of(bytes));
        if let Some(body) = &mut self.body {
            body.write_all(bytes)?;
        }
        self.tally.add(clauses, 1, length);
        match &mut self.items {
            Kind::Messages(messages) => {
                if messages.len() >= limits::EXHIBITS as usize {
                    return Err(PackageError::TooManyExhibits);
                }
                messages.push(Message { bytes: length, sha256, stamp, clauses, offset });
                Ok(())
            }
            Kind::Lines(lines) => {
                let time = stamp.main.map(|(_, at)| at);
                lines.push(&self.desk.clause_ids, clauses, bytes, &Line { length, sha256, time, offset, because })
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
            Kind::Messages(messages) => Items::Messages { format: self.format, messages },
            Kind::Lines(lines) => Items::Lines { format: self.format, lines: lines.finish() },
        };
        Draft { provenance: provenance.into_item(), place, body: self.body, tally: self.tally, items }
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
        Draft { provenance, place, body: self.body, tally, items: Items::Whole { sha256: self.hasher.finish(), stamp } }
    }
}

/// What one stream gives to the package.
pub struct Draft {
    pub(super) provenance: Provenance,
    pub(super) place: Place,
    pub(super) body: Option<Spool>,
    pub(super) items: Items,
    tally: DraftTally,
}

/// The exhibits of one stream.
pub(super) enum Items {
    /// The whole file.
    Whole { sha256: Digest, stamp: Stamp },
    /// Its lines, one exhibit.
    Lines { format: Format, lines: LinesDone },
    /// Its messages, an exhibit each.
    Messages { format: Format, messages: Vec<Message> },
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
