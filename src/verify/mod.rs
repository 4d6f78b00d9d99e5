//! Verifying
//!
//! **Invariant:** x
mod canonical;
mod check;
mod container;
mod contents;
mod ledger;
mod manifest;
mod names;
mod totals;
