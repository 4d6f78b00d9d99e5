//! The tables and columns that clauses name, held against those that the records of a stream have.
//!
//! **Invariant:** a name counts as missing only where there were records to have it, and none had.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use super::clause_scope::ClauseScope;
use super::record::Fields;
use super::row::{RowName, RowScope};

/// Which names of which clauses nothing has had yet.
#[derive(Debug, Default)]
pub(in crate::scope) struct RowNames {
    /// Clause, and which of its names.
    missing: RefCell<Vec<(usize, usize)>>,
    has_records: Cell<bool>,
}

impl RowNames {
    pub(in crate::scope) fn of(clauses: &[(usize, &ClauseScope)]) -> Self {
        let counts = clauses.iter().filter_map(|(at, clause)| Some((*at, clause.row_scope()?.names().count())));
        let missing = counts.flat_map(|(at, count)| (0..count).map(move |name| (at, name))).collect();
        Self { missing: RefCell::new(missing), has_records: Cell::new(false) }
    }

    /// Looks at a record of the stream.
    pub(in crate::scope) fn note(&self, clauses: &[(usize, &ClauseScope)], fields: &dyn Fields) {
        if self.has_records.get() && self.missing.borrow().is_empty() || !fields.parsed() {
            return;
        }
        self.has_records.set(true);
        self.missing.borrow_mut().retain(|(at, name)| {
            let rows = clauses.iter().find(|(own, _)| own == at).and_then(|(_, clause)| clause.row_scope());
            rows.is_some_and(|rows| rows.names().nth(*name).is_some_and(|name| !rows.meets(name, fields)))
        });
    }

    /// In words, for each clause that gives names. None where the stream held no record to have one.
    pub(in crate::scope) fn missing(
        &self,
        clauses: &[(usize, &ClauseScope)],
    ) -> Option<Vec<(usize, BTreeSet<String>)>> {
        let missing = self.missing.borrow();
        let of = |clause: usize, rows: &RowScope| {
            let names = missing.iter().filter(|(at, _)| *at == clause).filter_map(|(_, name)| rows.names().nth(*name));
            (clause, names.map(RowName::words).collect())
        };
        let naming = clauses.iter().filter_map(|(at, clause)| Some(of(*at, clause.row_scope()?)));
        self.has_records.get().then(|| naming.collect())
    }
}
