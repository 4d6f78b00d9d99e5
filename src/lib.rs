//! Discloses the letter of a court order and nothing else, in a package that anyone can check.
//!
//! # The way of a record
//!
//! ```text
//! order --read--> Order --compile--> Scope -------------------------------------+
//! source: image --> volume --> filesystem --walk--> Entry --decide--> (outside, withheld, undecided) | Permit
//!         (an archive that a clause opens is a further filesystem, below its own path)
//!                              FileSystem::open(Permit) --> Opened --> RecordGate or WholeGate + stream
//! records: unpacked --> RecordFormat --> RawRecord --judge, reduce--> InScope<Record>, one a form --> Draft
//! whole:   every byte shown to the gate          --finish--> InScope<..>      --> Draft
//! package: Writer::add(Draft) --> ledger --> close: Disclosure --> Report::of --> seal: read back, leak check --> publish
//! verify:  structure, closed world, digests, chain, clauses, totals, scope decided again --> findings
//! replay:  verify --> the same way again, into a package that goes nowhere --> the two digests, the two ledgers
//! ```
//!
//! # The map
//!
//! From the lowest layer to the highest; a module uses only modules on lines above its own.
//!
//! | layer | modules | what belongs there |
//! |---|---|---|
//! | 1 | [`digest`], [`clock`], [`limits`], [`read_error`], [`packing`], [`journal`], [`beside`], [`scratch`] | SHA-256; points in time and zones; every bound by its name; why evidence cannot be read; gzip and its like; the state of a journal; files that lie beside a package; files without a name, encrypted |
//! | 2 | [`order`], [`signature`], [`time_stamp`], [`delivery`] | the order language: from two TOML files to a valid [`order::Order`] and [`order::Provider`]; SSH signatures and RFC 3161 time-stamps over a package; encryption to those who may read one, and files that get their name when they are complete |
//! | 3 | [`scope`] | **the gate**: globs, identifiers, windows, withholds; [`scope::Permit`] and [`scope::InScope`] are made here and nowhere else |
//! | 4 | [`image`], [`volume`] | addressable bytes, and windows on them |
//! | 5 | [`ledger`], [`filesystem`], [`record`] | what may be said; trees of entries; streams that come apart into records |
//! | 6 | [`report`] | the two reports, made of a [`ledger::Disclosure`] alone |
//! | 7 | [`package`] | the sealed tar: layout, writer, reader, custody log; [`package::leak`], a second reader that looks for what may not be in it |
//! | 8 | [`audit`], [`source`] | the provider's own file beside the package, a chain of lines; the named things that an order lets us open, and the walk |
//! | 9 | [`verify`] | checking a package without its sources |
//! | 10 | [`extract`], [`plan`], [`receipt`] | the pipeline; the preview for people; what a recipient signs back |
//! | 11 | [`replay`] | running the order of a package again, and what explains a difference |
//! | 12 | [`cli`] | the only part that prints, exits, reads the environment and asks the time |
//!
//! # Where a new thing goes
//!
//! How to read is an open set: a record format, a file system or an image format is one file, one line in a `FORMATS`
//! table and one fixture, and the suites run every row. What an order may mean is a closed set: an enum in [`order`], so
//! that the compiler lists every place that must decide about a new one.
//!
//! # Where the code knows better than the first design
//!
//! ext2, ext3 and ext4 are read by [`filesystem`]'s own reader: the crate that was meant for it gives, without an error,
//! what once stood in blocks that were allocated and never written, which may be another customer's deleted file. The
//! crates for XFS, btrfs, NTFS, FAT, exFAT, LVM, LUKS and E01 were read too before their rows were written here: one skips
//! checksums, one has no times, one gives compressed data wrong, one accepts damage without a word. Some of them serve the
//! tests as second readers. Databases are read by SQLite itself, on a copy without a name: at the source it would leave a file beside
//! it, or pass over what its write-ahead log adds. That log and a rollback journal are brought into the copy by own code, for SQLite
//! takes damage in them for their end, and looks up a name that a journal holds. An IP address in a text may have a full stop or a colon against it, and a word with a colon in front of it:
//! real logs write `from 192.0.2.1:39522: refused`, and a rule that wants it to stand free misses the record. Globs are
//! compared component by component, since a class such as `[!a]` would otherwise match a
//! `/`.
//!
//! **Invariant:** a byte is in a package only because a clause of the order asks for it, and the ledger names the clause.

#![forbid(unsafe_code)]

pub mod audit;
pub mod beside;
pub mod cli;
pub mod clock;
pub mod delivery;
pub mod digest;
pub mod extract;
pub mod filesystem;
pub mod image;
pub mod journal;
pub mod ledger;
pub mod limits;
pub mod order;
pub mod package;
pub mod packing;
pub mod plan;
pub mod read_error;
pub mod receipt;
pub mod record;
pub mod replay;
pub mod report;
pub mod scope;
pub mod scratch;
pub mod signature;
pub mod source;
pub mod time_stamp;
pub mod verify;
pub mod volume;
