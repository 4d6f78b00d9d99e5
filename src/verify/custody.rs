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
    seal(last.as_ref(), expected, statement, sha256(Member::Manifest), findings);
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
    let events = events(order?, statement?);
    let expected = usize::try_from(number).ok().and_then(|number| events.get(number.checked_sub(1)?));
    if expected == Some(&line.event) {
        return None;
    }
    let event = printable(line.event.as_bytes());
    Some(match expected {
        Some(expected) => {
            format!("is \"{event}\", and at that point of every log stands \"{}\"", printable(expected.as_bytes()))
        }
        None => format!("is \"{event}\", and the log of this order has only {} events", events.len()),
    })
}

/// What the log of an order says, from the first event to the last.
fn events(order: &Order, statement: &Statement) -> Vec<String> {
    let opened = order.sources.iter().map(|source| Event::SourceOpened { name: &source.name }.words());
    let hashed = order.sources.iter().zip(&statement.sources).filter_map(|(source, facts)| {
        let as_received = source.sha256.is_some();
        Some(Event::SourceHashed { name: &source.name, sha256: facts.sha256?, as_received }.words())
    });
    let mut events = vec![Event::OrderRead.words()];
    events.extend(opened.chain(hashed));
    events.extend([Event::SourcesRead.words(), SEALED.to_owned()]);
    events
}

/// The last event binds the disclosure and the payload.
fn seal(
    last: Option<&CustodyLine>,
    number: u64,
    statement: Option<&Statement>,
    manifest: Option<Digest>,
    findings: &mut Findings,
) {
    let Some(last) = last else {
        findings.member(Check::Chain, Member::Custody, || "it is empty".into());
        return;
    };
    let mut object = |text: &str| {
        findings.member(Check::Chain, Member::Custody, || format!("event {number} {text}"));
    };
    let Some(last) = Some(last).filter(|last| last.event == SEALED) else {
        object("is not the sealing: the end of the log is missing");
        return;
    };
    if statement.is_some_and(|statement| statement.digest != last.digest) {
        object("seals another disclosure: its digest is not that of disclosure.json");
    }
    if manifest.is_some() && last.manifest_sha256 != manifest {
        object("seals other exhibits: its digest is not that of manifest-sha256.txt");
    }
}
