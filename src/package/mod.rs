//! The package: the sealed tar, a valid BagIt 1.0 bag (RFC 8493).
//!
//! A [`Writer`] takes [`Draft`]s and gives a [`Closed`] disclosure; that is sealed, read back, and published:
//!
//! ```no_run
//! # use extract::package::{CustodyLog, Draft, Event, Facts, PackageError, OwnNames, Target, Writer};
//! # fn run(order: &extract::order::Order, drafts: Vec<Draft>, facts: Facts) -> Result<(), PackageError> {
//! # let now = extract::clock::now();
//! let mut writer = Writer::create(order, None, Target::File { path: "2024-17.tar".into() })?;
//! let mut custody = CustodyLog::new(order.sha256(), "Duty officer 7");
//! custody.event(now, Event::OrderRead)?;
//! for draft in drafts {
//!     writer.add(draft)?;
//! }
//! let (path, disclosure) = writer.close(facts)?.seal(custody, now, &OwnNames::default())?.publish()?;
//! # let _ = (path, disclosure); Ok(()) }
//! ```
//!
//! **Invariant:** the writer takes nothing but [`crate::scope::InScope`], and a sealed package is never changed.

pub mod bag;
mod bag_info;
mod closed;
mod custody;
mod draft;
mod error;
mod head;
pub mod layout;
pub mod leak;
mod lines;
pub mod reader;
mod readme;
mod replayed;
mod spool;
mod tape;
mod writer;

pub use bag_info::Agent;
pub use closed::{Closed, Sealed};
pub use custody::{CustodyLine, CustodyLog, Event, SEALED};
pub use draft::{Draft, Drafter, Place, RecordDraft, WholeDraft};
pub use error::{AuditFault, PackageError};
pub use leak::OwnNames;
pub use readme::text as readme_text;
pub use replayed::ReplayedLedger;
pub use spool::Spool;
pub use writer::{Facts, Target, Writer};
