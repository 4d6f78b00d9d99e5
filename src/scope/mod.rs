//! The gate: what the order's clauses make of an entry and of a record. Deny by default; clauses only add.
//!
//! A [`Scope`] comes only from an order. It decides on an [`Entry`] and gives [`Permit`]s; a permit, once spent on a
//! stream, gives a [`RecordGate`] or a [`WholeGate`]; only those make an [`InScope`], and the package takes nothing else.
//!
//! **Invariant:** deciding is pure and total: no I/O, no clock, no panic, one answer for every input.

mod beside;
mod clause_scope;
mod clause_set;
mod entry;
mod explain;
mod file_time;
mod gate;
mod glob;
mod identifier_set;
mod in_scope;
mod international;
mod join;
mod maildir;
mod matcher;
mod path_check;
mod permit;
mod permits;
mod projection;
mod record;
mod reduction;
mod row;
mod row_names;
mod survey;
mod taken_in;
mod token;
mod verdict;

pub use beside::{Beside, Siblings, mark_beside};
pub use clause_set::ClauseSet;
pub use entry::{Entry, EntryKind, FileTimes, MaildirPlace, Node, StaffPath};
pub use explain::{ClauseExplanation, Comparison, Explanation, Fate};
pub use file_time::FileTime;
pub use gate::{EntryDecision, Judgement, Named, RecordGate, Scope, WholeGate, WholeJudgement, YearFacts};
pub use glob::{GlobError, PathGlob};
pub use in_scope::InScope;
pub use join::{JoinSurvey, Joined, TooManyTransactions};
pub use maildir::{mark_maildir, sort_entries};
pub use path_check::{PathCheck, PathProblem};
pub use permit::{Opened, Permit, Provenance, Stream};
pub use permits::{IntoPermits, Permits};
pub use projection::Projection;
pub use record::{Abbreviation, Fields, Hop, RawRecord, Reading, Record, Stamp, TimeField, Value, Yearless};
pub use reduction::{Admitted, Form, Remainder, reduced};
pub use row::read_time;
pub use survey::{survey_permit, toward_mount_table};
pub use taken_in::{TakenIn, is_sdbox_name, maildir_time};
pub use token::{addresses, tokens};
pub use verdict::Verdict;
