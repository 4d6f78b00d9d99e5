//! The package: the sealed tar, a valid BagIt 1.0 bag (RFC 8493).
//!
//! **Invariant:** the writer takes nothing but [`crate::scope::InScope`], and a sealed package is never changed.

pub mod layout;
pub mod reader;
