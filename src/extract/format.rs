//! Which format a stream is read as, and which clauses may not take it so.
//!
//! **Invariant:** a stream is read as one format; a clause that it is not read for is told why.

use crate::ledger::ShortfallKind;
use crate::order::{Clause, Format, Order, Reduction};
use crate::record::compression::Unpacked;
use crate::record::{self, Probe, Reader};
use crate::scope::{ClauseSet, Named, RecordGate};

/// What a stream is read as.
pub(super) struct Choice<'s> {
    /// None: it is not read.
    pub(super) format: Option<Named<'s>>,
    /// The clauses that it is not read for, and why.
    pub(super) refused: Vec<(ClauseSet, ShortfallKind)>,
}

/// Chooses by what the clauses name, else by the content.
pub(super) fn choose<'s>(order: &Order, gate: &RecordGate<'s>, (head, whole): (&[u8], bool)) -> Choice<'s> {
    let mut choice = Choice { format: None, refused: Vec::new() };
    if head.is_empty() && whole {
        return choice;
    }
    for (named, clauses) in gate.formats() {
        let plain = |format| Named { format, written: None };
        let found = match named {
            // A message of a Maildir is one, however a clause calls it.
            None | Some(Named { format: Format::Eml, .. }) if gate.is_maildir_message() => Ok(plain(Format::Maildir)),
            // What stands outside a Maildir is none of its messages.
            Some(Named { format: Format::Maildir, .. }) if !gate.is_maildir_message() => {
                Err(ShortfallKind::NotTheFormat)
            }
            // A file of multi-dbox has the same shape, and holds what was expunged.
            Some(Named { format: Format::Sdbox, .. }) if !gate.is_sdbox_file() => Err(ShortfallKind::NotTheFormat),
            // A splitter of messages says itself where the shape is missing; a line has always some shape.
            Some(named) if !named.format.is_mail() && !has_shape(named, (head, whole)) => {
                Err(ShortfallKind::NotTheFormat)
            }
            Some(named) => Ok(named),
            None => match record::probe_format(head, whole) {
                Probe::One(row) if row.format() == Format::Sdbox && !gate.is_sdbox_file() => {
                    Err(ShortfallKind::UnknownFormat)
                }
                Probe::One(row) => Ok(plain(row.format())),
                Probe::None => Err(ShortfallKind::UnknownFormat),
                Probe::Several => Err(ShortfallKind::AmbiguousFormat),
            },
        };
        match found {
            Err(kind) => choice.refused.push((clauses, kind)),
            // Read once, as what the first clause makes of it: what another would make of it is not known.
            Ok(named) if choice.format.is_some_and(|chosen| chosen != named) => {
                choice.refused.push((clauses, ShortfallKind::AmbiguousFormat));
            }
            Ok(named) => choice.format = Some(named),
        }
    }
    if let Some(Named { format, .. }) = choice.format {
        let too_low: ClauseSet = gate
            .clauses()
            .iter()
            .filter(|&at| order.clauses.get(at).is_none_or(|clause| clause.category < format.least_category()))
            .collect();
        if !too_low.is_empty() {
            choice.refused.push((too_low, ShortfallKind::CategoryTooLow));
        }
        // A clause that asks for a part of messages, and whose format the content decides.
        let no_message: ClauseSet =
            gate.clauses().iter().filter(|&at| !format.is_mail() && asks_for_mail(order, at)).collect();
        if !no_message.is_empty() {
            choice.refused.push((no_message, ShortfallKind::NotTheFormat));
        }
    }
    choice
}

fn asks_for_mail(order: &Order, clause: usize) -> bool {
    let reduction = order.clauses.get(clause).and_then(Clause::reduction);
    matches!(reduction, Some(Reduction::Unit(_)))
}

fn has_shape(named: Named<'_>, (head, whole): (&[u8], bool)) -> bool {
    Reader::of(named.format, named.written).probe(head, whole)
}

/// A file that begins with these bytes holds records: some format claims it, as it is or unpacked.
pub(super) fn holds_records(begin: &[u8]) -> bool {
    let stream = Unpacked::open(begin);
    let (head, whole) = stream.head();
    !head.is_empty() && !matches!(record::probe_format(head, whole), Probe::None)
}
