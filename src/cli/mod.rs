//! The command line: the only part that prints, exits, reads the environment and asks the time.
//!
//! **Invariant:** nothing below this folder knows of it.

pub mod check;
pub mod manifest;
