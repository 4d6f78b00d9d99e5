//! What may be said of a disclosure: outcomes, counts, shortfalls, the lines of the ledger, and the disclosure itself.
//!
//! A [`Statement`] is `disclosure.json`; a [`Disclosure`] is that, the order, and a summary of the ledger: everything a
//! report may be made of.
//!
//! **Invariant:** nothing here holds a source path, a withheld name or a position of anything that was not disclosed.

mod chain;
mod disclosure;
mod json;
mod line;
mod outcome;
mod record;
mod reduced;
mod source_kind;
mod statement;
mod tally;
mod timeline;
mod visible;

pub use chain::Chain;
pub use disclosure::{ClauseWords, Disclosure, OrderFacts, Preview, Summary, Transactions, WindowWords};
pub use json::{LineError, line, read};
pub use line::{ExhibitLine, RecordLine, TakeName, Times, escaped_path};
pub use outcome::{Outcome, Shortfall, ShortfallKind};
pub use reduced::Reduced;
pub use source_kind::{ARCHIVE_KINDS, ARCHIVE_TREES, FILE_SYSTEMS, IMAGE_KINDS, SourceKind, is_archive_tree};
pub use statement::{ClauseFacts, FORMAT, JournalFacts, SourceFacts, Statement, Totals};
pub use tally::{Counts, IdentityError, StreamTally, Tally};
pub use timeline::{Timeline, Unit};
pub use visible::is_invisible;
