//! The custody log: one unbroken chain from the order to the sealed package.
//!
//! Whoever can change the package can make the chain anew; the chain shows accidents and careless changes, and binds the
//! log to one order and one manifest. Only a signature beside the package binds it to a person.
//!
//! **Invariant:** memory does not grow with the length of the log.

use std::io::{self, Read, Seek};

use super::canonical;
use super::check::{Check, Findings, printable};
use super::contents::{Line, Shelf};
use crate::clock::Timestamp;
use crate::digest::{Digest, Hasher};
use crate::ledger::Statement;
use crate::order::Order;
use crate::package::layout::Member;
use crate::package::{CustodyLine, Event, SEALED};

/// Follows the chain from the order's SHA-256 to the last line. The time of that one, where all could be read.
pub(super) fn check<R: Read + Seek>(
    shelf: &Shelf<'_, R>,
    order: Option<&Order>,
    statement: Option<&Statement>,
    findings: &mut Findings,
) -> io::Result<Option<Timestamp>> {
    let sha256 = |member| shelf.contents.get(member).map(|slot| slot.sha256);
    let (Some(mut prev), Some(mut lines)) = (sha256(Member::Order), shelf.lines(Member::Custody)) else {
        return Ok(None);
    };
    let mut expected: u64 = 0;
    let mut latest: Option<Timestamp> = None;
    let mut last: Option<CustodyLine> = None;
    let mut object = |number: u64, text: String| {
        findings.member(Check::Chain, Member::Custody, || format!("event {number} {text}"));
    };
    while let Some(line) = lines.next()? {
        expected = expected.saturating_add(1);
        let text = match line {
            Line::Whole(text) => text,
            Line::Bad(why) => {
                object(expected, why.to_owned());
                return Ok(None);
            }
        };
        let line: CustodyLine = match canonical::read(text) {
            Ok(line) => line,
            Err(why) => {
                object(expected, why);
                return Ok(None);
            }
        };
        if line.seq != expected {
            object(expected, format!("has the number {}: an event is missing, added or moved", line.seq));
        }
        if line.prev != prev {
            object(expected, match expected {
                1 => "is not bound to this order.toml: the order or the log was changed".to_owned(),
                _ => "is not bound to the event before it: one of the two was changed, or one between them is missing".into(),
            });
        }
        if latest > Some(line.time) {
            object(expected, format!("happened at {}, before the event that it follows", line.time));
        }
        latest = Some(line.time);
        if let Some(why) = odd(&line, expected, last.as_ref(), order, statement) {
            object(expected, why);
        }
        let mut hasher = Hasher::new();
        hasher.update(text);
        hasher.update(b"\n");
        prev = hasher.finish();
        last = Some(line);
    }
    seal(last.as_ref(), expected, statement, sha256(Member::Manifest), object);
    Ok(latest)
}

/// What an event says that an event in its place cannot say.
fn odd(
    line: &CustodyLine,
    number: u64,
    before: Option<&CustodyLine>,
    order: Option<&Order>,
    statement: Option<&Statement>,
) -> Option<String> {
    if before.is_some_and(|before| before.event == SEALED) {
        return Some("follows the sealing, after which nothing is written".into());
    }
    if line.time.nanoseconds() != 0 {
        return Some("states parts of a second".into());
    }
    if line.custodian.is_some() != (number == 1) {
        return Some("does not name the custodian where the log names one: in its first event and there only".into());
    }
    let is_seal = line.event == SEALED;
    if line.digest.is_some() != is_seal || line.manifest_sha256.is_some() != is_seal {
        return Some("does not carry the digests where the log has them: in the sealing and there only".into());
    }
    let (order, statement) = (order?, statement?);
    let known = is_seal || events(order, statement).any(|event| event == line.event);
    (!known).then(|| {
        format!("says something that no event says of this order and its sources: {}", printable(line.event.as_bytes()))
    })
}

/// All that a log can say before the sealing.
fn events<'o>(order: &'o Order, statement: &'o Statement) -> impl Iterator<Item = String> + 'o {
    let of_sources = order.sources.iter().zip(&statement.sources).flat_map(|(source, facts)| {
        let name = source.name.as_str();
        let as_received = source.sha256.is_some();
        let hashed = facts.sha256.map(|sha256| Event::SourceHashed { name, sha256, as_received });
        [Some(Event::SourceOpened { name }), hashed].into_iter().flatten()
    });
    [Event::OrderRead, Event::SourcesRead].into_iter().chain(of_sources).map(Event::words)
}

/// The last event binds the disclosure and the payload.
fn seal(
    last: Option<&CustodyLine>,
    number: u64,
    statement: Option<&Statement>,
    manifest: Option<Digest>,
    mut object: impl FnMut(u64, String),
) {
    let Some(last) = last.filter(|last| last.event == SEALED) else {
        object(number, "is not the sealing: the end of the log is missing".into());
        return;
    };
    if statement.is_some_and(|statement| statement.digest != last.digest) {
        object(number, "seals another disclosure: its digest is not that of disclosure.json".into());
    }
    if manifest.is_some() && last.manifest_sha256 != manifest {
        object(number, "seals other exhibits: its digest is not that of manifest-sha256.txt".into());
    }
}
