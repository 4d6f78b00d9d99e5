//! The members of a package that was verified, for holding them against another run of its order.
//!
//! **Invariant:** nothing is read of an exhibit but what the ledger says of it.

use std::cell::RefCell;
use std::io::{self, Read, Seek};

use super::canonical;
use super::contents::{Contents, Shelf};
use super::remade::BAG_INFO_BYTES;
use crate::digest::Digest;
use crate::ledger::Statement;
use crate::limits;
use crate::package::Agent;
use crate::package::layout::Member;

/// A package, open, and where its members stand.
pub struct Held<R> {
    file: RefCell<R>,
    contents: Contents,
}

impl<R: Read + Seek> Held<R> {
    pub(super) fn new(package: R, contents: Contents) -> Self {
        Self { file: RefCell::new(package), contents }
    }

    pub(super) fn shelf(&self) -> Shelf<'_, R> {
        Shelf::new(&self.file, &self.contents)
    }

    pub(super) fn contents(&self) -> &Contents {
        &self.contents
    }

    /// SHA-256 of `order.toml`; none where it is not there.
    pub fn order_sha256(&self) -> Option<Digest> {
        self.contents.get(Member::Order).map(|slot| slot.sha256)
    }

    /// `disclosure.json`. An error where it has not its form.
    pub fn statement(&self) -> io::Result<Statement> {
        let bytes = self.shelf().read(Member::Disclosure, limits::PACKAGE_LINE_BYTES as u64)?.unwrap_or_default();
        let line = bytes.strip_suffix(b"\n").unwrap_or_default();
        canonical::read(line).map_err(|why| io::Error::other(format!("disclosure.json {why}")))
    }

    /// What made it, as `bag-info.txt` states it; none where it does not.
    pub fn agent(&self) -> io::Result<Option<Agent>> {
        let bytes = self.shelf().read(Member::BagInfo, BAG_INFO_BYTES)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines();
        Ok(lines.find_map(|line| line.strip_prefix("Bag-Software-Agent: ")).and_then(Agent::parse))
    }

    /// The bytes of `exhibits.jsonl`, from their start.
    pub fn exhibits(&self) -> io::Result<impl Read + '_> {
        self.shelf().open(Member::Exhibits).ok_or_else(|| io::Error::other("exhibits.jsonl is missing"))
    }

    /// SHA-256 of `records/` of an exhibit; none where it has none.
    pub fn records_sha256(&self, exhibit: u32) -> Option<Digest> {
        self.contents.get(Member::Records(exhibit)).map(|slot| slot.sha256)
    }
}
