//! An exhibit as the ledger states it, looked up in the order, and its place among the others.
//!
//! **Invariant:** nothing of it is taken from its content.

use super::names::Names;
use crate::ledger::{ExhibitLine, TakeName};
use crate::order::Format;
use crate::package::layout::Member;
use crate::scope::{ClauseSet, Form};

/// One exhibit, looked up in the order.
pub(super) struct Exhibit {
    pub line: ExhibitLine,
    pub member: Member,
    pub source: usize,
    pub path: Vec<u8>,
    pub named: ClauseSet,
    /// The form in which its first clause asks for its records; none = whole. The others ask for the same.
    pub form: Option<Form>,
}

impl Exhibit {
    pub fn new(line: ExhibitLine, names: &Names<'_>) -> Option<Self> {
        let member = Member::Data(line.exhibit, line.extension());
        let source = names.source(&line.source)?;
        let path = line.exact_path()?;
        let named = names.known(&line.clauses);
        let form = named.iter().next().and_then(|first| Form::of(names.order, first));
        Some(Self { line, member, source, path, named, form })
    }

    pub fn clauses<'n>(&self, names: &'n Names<'_>) -> Vec<(usize, &'n str)> {
        self.named.iter().filter_map(|at| Some((at, names.order.clauses.get(at)?.id.as_str()))).collect()
    }
}

/// Where an exhibit was found.
#[derive(Clone)]
pub(super) struct Place {
    pub source: usize,
    pub volume: Option<String>,
    pub path: Vec<u8>,
    take: TakeName,
    offset: Option<u64>,
    /// The form of its records: whole before reduced, and those in the order of the order.
    rank: Option<usize>,
    /// A stream of it gives several exhibits of one form.
    many: bool,
}

impl Place {
    pub fn of(exhibit: &Exhibit) -> Self {
        Self {
            source: exhibit.source,
            volume: exhibit.line.volume.clone(),
            path: exhibit.path.clone(),
            take: exhibit.line.take,
            offset: exhibit.line.offset,
            rank: exhibit.form.as_ref().map(|form| form.rank),
            many: exhibit.line.format.is_some_and(Format::is_mailbox),
        }
    }

    pub fn stands_before(&self, next: &Self) -> bool {
        if self.source != next.source {
            return self.source < next.source;
        }
        if self.volume != next.volume {
            // Volumes are numbered by their tables, which are not here.
            return true;
        }
        if self.path != next.path {
            return self.path < next.path;
        }
        match (self.take, next.take) {
            (TakeName::Files, TakeName::Records) => true,
            (TakeName::Records, TakeName::Records) if self.many && next.many => {
                self.offset.is_none() || (self.offset, self.rank) < (next.offset, next.rank)
            }
            (TakeName::Records, TakeName::Records) => self.rank < next.rank,
            _ => false,
        }
    }
}
