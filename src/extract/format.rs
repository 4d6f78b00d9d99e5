//! Which format a stream is read as, and which clauses may not take it so.
//!
//! **Invariant:** a stream is read as one format; a clause that it is not read for is told why.

use crate::ledger::ShortfallKind;
use crate::order::{Format, Order};
use crate::record::compression::Unpacked;
use crate::record::{self, Probe};
use crate::scope::{ClauseSet, RecordGate};

/// What a stream is read as.
pub(super) struct Choice {
    /// None: it is not read.
    pub(super) format: Option<Format>,
    /// The clauses that it is not read for, and why.
    pub(super) refused: Vec<(ClauseSet, ShortfallKind)>,
}

/// Chooses by what the clauses name, else by the content.
pub(super) fn choose(order: &Order, gate: &RecordGate<'_>, (head, whole): (&[u8], bool)) -> Choice {
    let mut choice = Choice { format: None, refused: Vec::new() };
    if head.is_empty() && whole {
        return choice;
    }
    for (named, clauses) in gate.formats() {
        let found = match named {
            // A message of a Maildir is one, however a clause calls it.
            None | Some(Format::Eml) if gate.is_maildir_message() => Ok(Format::Maildir),
            // What stands outside a Maildir is none of its messages.
            Some(Format::Maildir) if !gate.is_maildir_message() => Err(ShortfallKind::NotTheFormat),
            // A file of multi-dbox has the same shape, and holds what was expunged.
            Some(Format::Sdbox) if !gate.is_sdbox_file() => Err(ShortfallKind::NotTheFormat),
            // A splitter of messages says itself where the shape is missing; a line has always some shape.
            Some(format) if !format.is_mail() && !has_shape(format, (head, whole)) => Err(ShortfallKind::NotTheFormat),
            Some(format) => Ok(format),
            None => match record::probe_format(head, whole) {
                Probe::One(row) if row.format() == Format::Sdbox && !gate.is_sdbox_file() => {
                    Err(ShortfallKind::UnknownFormat)
                }
                Probe::One(row) => Ok(row.format()),
                Probe::None => Err(ShortfallKind::UnknownFormat),
                Probe::Several => Err(ShortfallKind::AmbiguousFormat),
            },
        };
        match found {
            Err(kind) => choice.refused.push((clauses, kind)),
            // Read once, as what the first clause makes of it: what another would make of it is not known.
            Ok(format) if choice.format.is_some_and(|chosen| chosen != format) => {
                choice.refused.push((clauses, ShortfallKind::AmbiguousFormat));
            }
            Ok(format) => choice.format = Some(format),
        }
    }
    if let Some(format) = choice.format {
        let too_low: ClauseSet = gate
            .clauses()
            .iter()
            .filter(|&at| order.clauses.get(at).is_none_or(|clause| clause.category < format.least_category()))
            .collect();
        if !too_low.is_empty() {
            choice.refused.push((too_low, ShortfallKind::CategoryTooLow));
        }
    }
    choice
}

fn has_shape(format: Format, (head, whole): (&[u8], bool)) -> bool {
    let row = record::format(format);
    row.probe(head, whole)
}

/// A file that begins with these bytes holds records: some format claims it, as it is or unpacked.
pub(super) fn holds_records(begin: &[u8]) -> bool {
    let stream = Unpacked::open(begin);
    let (head, whole) = stream.head();
    !head.is_empty() && !matches!(record::probe_format(head, whole), Probe::None)
}
