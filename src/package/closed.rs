//! From a complete disclosure to a sealed package: report, custody log, manifests, audit, and the output's name.
//!
//! **Invariant:** the output's path holds nothing, or a package that was read back whole.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::PackageError;
use super::bag_info;
use super::custody::CustodyLog;
use super::layout::Member;
use super::leak::{Expected, Leak, LeakCheck, OwnNames};
use super::replayed::ReplayedLedger;
use super::spool::SpoolReader;
use super::tape::{Tape, Tar, Written};
use crate::clock::Timestamp;
use crate::delivery::OwnKey;
use crate::digest::Digest;
use crate::ledger::{Disclosure, Preview, StreamTally};
use crate::report::Report;

/// A disclosure that is complete and not sealed yet.
pub struct Closed {
    tape: Tape,
    disclosure: Disclosure,
    streams: StreamTally,
    exhibits: SpoolReader,
}

impl Closed {
    pub(super) fn new(tape: Tape, disclosure: Disclosure, streams: StreamTally, exhibits: SpoolReader) -> Self {
        Self { tape, disclosure, streams, exhibits }
    }

    /// All that may be said.
    pub fn disclosure(&self) -> &Disclosure {
        &self.disclosure
    }

    /// The same, with the two counts that only the provider may see.
    pub fn preview(&self) -> Preview<'_> {
        Preview {
            statement: &self.disclosure.statement,
            outside: self.streams.outside,
            examined: u64::try_from(self.streams.total()).unwrap_or(u64::MAX),
        }
    }

    /// All that may be said, and its ledger: of a package that goes nowhere.
    pub fn into_ledger(self) -> (Disclosure, ReplayedLedger) {
        (self.disclosure, ReplayedLedger::new(self.exhibits, self.tape.members()))
    }

    /// Writes the rest of the package, at `time`, reads all of it back, and looks for what may not be in it; `own` is what this
    /// machine and who uses it are called. A preview is refused.
    pub fn seal(self, custody: CustodyLog, time: Timestamp, own: &OwnNames) -> Result<Sealed, PackageError> {
        let Self { mut tape, disclosure, .. } = self;
        if tape.is_preview() {
            return Err(PackageError::Preview);
        }
        let report = Report::of(&disclosure);
        tape.member(Member::ReportHtml, report.html().as_bytes())?;
        tape.member(Member::ReportJson, &report.json()?)?;
        let manifest = manifest(tape.members(), true);
        let digest = disclosure.digest()?;
        let custody = custody.seal(time, digest, Digest::of(manifest.as_bytes()))?;
        tape.member(Member::Custody, &custody)?;
        let bag_info = bag_info::text(&disclosure.order.id, time, payload(tape.members()));
        tape.member(Member::BagInfo, bag_info.as_bytes())?;
        tape.member(Member::Manifest, manifest.as_bytes())?;
        let tag_manifest = self::manifest(tape.members(), false);
        tape.member(Member::TagManifest, tag_manifest.as_bytes())?;
        let order_sha256 = disclosure.statement.order_sha256;
        // The audit finds each of these sums in the same reading, or ends it.
        let sums: Vec<(Member, Digest)> =
            tape.members().iter().map(|written| (written.member, written.sha256)).collect();
        let expected = Expected { order_id: &disclosure.order.id, order_sha256, sums: Some(&sums), own };
        let mut check = LeakCheck::new(&expected);
        let tar = tape.finish(&mut |bytes| check.feed(bytes))?;
        match check.finish().into_iter().next() {
            Some(Leak { member, kind }) => Err(PackageError::Leak { member, kind }),
            None => Ok(Sealed { tar, disclosure }),
        }
    }
}

/// A package that is complete and audited; [`Sealed::publish`] gives it the output's name. Dropped, it leaves nothing.
pub struct Sealed {
    tar: Tar,
    disclosure: Disclosure,
}

impl Sealed {
    /// All that may be said.
    pub fn disclosure(&self) -> &Disclosure {
        &self.disclosure
    }

    /// What opens an encrypted package, for who wrote it; none of one that is not encrypted.
    pub fn own_key(&self) -> Option<&OwnKey> {
        self.tar.own_key()
    }

    /// Gives the package the output's name, never over something that has it. The path and what may be said of it.
    pub fn publish(self) -> Result<(PathBuf, Disclosure), PackageError> {
        Ok((self.tar.publish()?, self.disclosure))
    }
}

/// A manifest of the payload, or of everything else (RFC 8493, 2.1.3 and 2.2.1), as `sha256sum -c` reads it.
fn manifest(members: &[Written], payload: bool) -> String {
    let mut out = String::new();
    for written in members.iter().filter(|written| written.member.is_payload() == payload) {
        // Writing into a String does not fail.
        let _ = writeln!(out, "{}  {}", written.sha256, written.member);
    }
    out
}

/// Bytes and files of `data/`.
fn payload(members: &[Written]) -> (u64, u64) {
    let payload = members.iter().filter(|written| written.member.is_payload());
    payload.fold((0, 0), |(octets, streams), written| (octets.saturating_add(written.bytes), streams.saturating_add(1)))
}
