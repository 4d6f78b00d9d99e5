//! The report: what was disclosed, in words and pictures, for people and for programs.
//!
//! **Invariant:** a [`Report`] is made from a [`Disclosure`] alone, and one disclosure has one report.

use crate::ledger::{self, ClauseFacts, Disclosure, OrderFacts};

/// A report of a disclosure.
pub struct Report<'d> {
    disclosure: &'d Disclosure,
}

impl<'d> Report<'d> {
    /// The report of that disclosure.
    pub fn of(disclosure: &'d Disclosure) -> Self {
        Self { disclosure }
    }

    /// `report.json`.
    pub fn json(&self) -> serde_json::Result<Vec<u8>> {
        ledger::line(&(&self.disclosure.order, &self.disclosure.statement.clauses))
    }

    /// `report.html`.
    pub fn html(&self) -> String {
        String::new()
    }
}
