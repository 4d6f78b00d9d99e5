//! The gate: what the order's clauses make of an entry and of a record. Deny by default; clauses only add.
//!
//! A [`Scope`] comes only from an order. It decides on an [`Entry`] and gives [`Permit`]s; a permit, once spent on a
//! stream, gives a [`RecordGate`] or a [`WholeGate`]; only those make an [`InScope`], and the package takes nothing else.
//!
//! **Invariant:** deciding is pure and total: no I/O, no clock, no panic, one answer for every input.

mod clause_set;
mod entry;
mod in_scope;
mod permit;
mod record;
mod verdict;

pub use clause_set::ClauseSet;
pub use entry::{Entry, EntryKind, FileTimes, MaildirPlace, Node, StaffPath};
pub use in_scope::InScope;
pub use permit::{Opened, Permit, Provenance, Stream};
pub use record::{Fields, RawRecord, Reading, Record, Stamp, TimeField, Value};
pub use verdict::Verdict;

mod gate_stub;
pub use gate_stub::{RecordGate, Scope, WholeGate};
