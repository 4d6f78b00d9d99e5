//! The members behind the ledger: what each of them may say follows from the order, the ledger and the members before.
//!
//! **Invariant:** of all that a package says in words of its own, the custodian's name alone is free.

use super::ledger_line::Held;
use super::{LeakKind, OwnNames};
use crate::clock::Timestamp;
use crate::digest::Digest;
use crate::ledger::{self, FORMAT, SourceKind, Statement};
use crate::package::layout::Member;
use crate::package::{CustodyLine, Event, SEALED};

/// `disclosure.json`, with its LF: names of the order, closed lists, numbers and sums.
pub(super) fn statement(text: &[u8], held: &Held) -> Result<Statement, LeakKind> {
    let line = text.strip_suffix(b"\n").ok_or(LeakKind::Text)?;
    let statement: Statement = ledger::read(line).map_err(|_| LeakKind::Text)?;
    let order = &held.order;
    let source_names = order.sources.iter().map(|source| source.name.as_str());
    let clause_ids = order.clauses.iter().map(|clause| clause.id.as_str());
    let examined = order.disclose.examined;
    let volumes = statement.sources.iter().enumerate();
    let fits = [
        statement.format == FORMAT,
        statement.order_sha256 == order.sha256(),
        statement.digest.is_some() && statement.digest == statement.computed_digest().ok(),
        statement.sources.iter().map(|source| source.name.as_str()).eq(source_names),
        statement.sources.iter().all(|source| SourceKind::named(&source.kind).is_some()),
        volumes
            .flat_map(|(at, source)| source.journal.iter().map(move |journal| (at, journal)))
            .all(|(at, journal)| held.is_volume(at, &journal.volume)),
        statement.clauses.iter().map(|clause| clause.id.as_str()).eq(clause_ids),
        statement
            .clauses
            .iter()
            .all(|facts| facts.examined.is_some() == examined && facts.outside.is_some() == examined),
        statement.shortfalls.iter().all(|short| held.clauses(std::slice::from_ref(&short.clause)).is_some()),
    ];
    if fits.contains(&false) { Err(LeakKind::Text) } else { Ok(statement) }
}

/// The lines of `custody.jsonl` so far.
#[derive(Default)]
pub(super) struct CustodyLines {
    seq: u64,
    prev: Option<Digest>,
    sealed: Option<Timestamp>,
}

impl CustodyLines {
    /// The next line, without its LF. `manifest`: the sum of that member, where it is known.
    pub(super) fn line(
        &mut self,
        text: &[u8],
        (held, statement): (&Held, &Statement),
        manifest: Option<Digest>,
        own: &OwnNames,
    ) -> Result<(), LeakKind> {
        let line: CustodyLine = ledger::read(text).map_err(|_| LeakKind::Text)?;
        let (is_first, is_seal) = (self.seq == 0, line.event == SEALED);
        self.seq = self.seq.saturating_add(1);
        let fits = [
            line.seq == self.seq,
            self.sealed.is_none(),
            line.prev == self.prev.unwrap_or_else(|| held.order.sha256()),
            line.time.nanoseconds() == 0,
            line.custodian.is_some() == is_first,
            line.digest == statement.digest.filter(|_| is_seal),
            line.manifest_sha256.is_some() == is_seal,
            !is_seal || manifest.is_none() || line.manifest_sha256 == manifest,
            is_seal || is_event(&line.event, held, statement),
        ];
        self.prev = Some(Digest::of(&[text, b"\n"].concat()));
        self.sealed = Some(line.time).filter(|_| is_seal);
        if fits.contains(&false) {
            return Err(LeakKind::Text);
        }
        match line.custodian {
            Some(custodian) if own.are_in_custodian(&custodian) => Err(LeakKind::Own),
            _ => Ok(()),
        }
    }

    /// When the package was sealed.
    pub(super) fn sealed(&self) -> Option<Timestamp> {
        self.sealed
    }
}

/// It is one of the closed list of events.
fn is_event(words: &str, held: &Held, statement: &Statement) -> bool {
    if [Event::OrderRead, Event::SourcesRead].iter().any(|event| event.words() == words) {
        return true;
    }
    held.order.sources.iter().zip(&statement.sources).any(|(source, facts)| {
        let (name, as_received) = (source.name.as_str(), source.sha256.is_some());
        let hashed = facts.sha256.map(|sha256| Event::SourceHashed { name, sha256, as_received });
        Event::SourceOpened { name }.words() == words || hashed.is_some_and(|event| event.words() == words)
    })
}

/// A line of a manifest, without its LF: a sum, two spaces, and the name of that member. `expected`: its sum, where it is known.
pub(super) fn manifest_line(text: &[u8], member: Option<Member>, expected: Option<Digest>) -> Result<(), LeakKind> {
    let (sum, rest) = text.split_at_checked(64).ok_or(LeakKind::Text)?;
    let is_sum = match expected {
        Some(expected) => sum == expected.to_string().as_bytes(),
        None => sum.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
    };
    let name = rest.strip_prefix(b"  ");
    let is_named = member.is_some_and(|member| name == Some(member.to_string().as_bytes()));
    if is_sum && is_named { Ok(()) } else { Err(LeakKind::Text) }
}
