//! Discloses the letter of a court order and nothing else.
pub mod cli;
pub mod clock;
pub mod digest;
pub mod filesystem;
pub mod image;
pub mod journal;
pub mod ledger;
pub mod limits;
pub mod order;
pub mod read_error;
pub mod record;
pub mod scope;
pub mod volume;
