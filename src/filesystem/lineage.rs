//! The one place at which each folder of a file system hangs.
//!
//! A damaged or forged folder can name one that stands above it, or one folder many times; a walk of such a tree would
//! have no end. Here each folder keeps the place under which it was first named; a second place is refused.
//!
//! **Invariant:** a walk lists each folder at most once; it never holds more than [`limits::LINEAGE_FOLDERS`].

use std::collections::HashMap;
use std::sync::Mutex;

use crate::limits;
use crate::read_error::ReadError;

/// Where each folder was first named.
#[derive(Default)]
pub(super) struct Lineage(Mutex<HashMap<u64, (u64, u64)>>);

impl Lineage {
    /// With the root alone, which nothing may name.
    pub(super) fn new(root: u64) -> Self {
        Self(Mutex::new(HashMap::from([(root, (u64::MAX, u64::MAX))])))
    }

    /// `child` is named in `folder` at `place`; an error where it was named elsewhere before.
    pub(super) fn join(&self, child: u64, folder: u64, place: u64) -> Result<(), ReadError> {
        let mut known = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if known.len() >= limits::LINEAGE_FOLDERS && !known.contains_key(&child) {
            return Err(ReadError::Limit { offset: 0, what: "folders of one file system" });
        }
        if *known.entry(child).or_insert((folder, place)) == (folder, place) {
            Ok(())
        } else {
            Err(ReadError::Corrupt { offset: child, what: "one folder under two names" })
        }
    }
}
