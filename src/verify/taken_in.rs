//! When a message was taken in, as far as a package can tell.
//!
//! What the mailbox said of it is not in the package but for the name of a Maildir's file, and which hosts took mail in
//! stands in the provider's file. So there is the ledger's word alone, and it is held against what the message carries: a time of
//! receipt must stand in one of its Received fields.
//!
//! **Invariant:** nothing is told that the ledger does not state, or the file's name.

use crate::ledger::ExhibitLine;
use crate::order::{Clock, Format};
use crate::scope::{Fields, Hop, Scope, TakenIn, TimeField, is_sdbox_name};

/// The fields of a message, with what the ledger states of when it was taken in. `path`: where it was found.
pub(super) fn as_stated<'f>(
    scope: &Scope,
    source: usize,
    (line, path): (&ExhibitLine, &[u8]),
    fields: &'f dyn Fields,
) -> TakenIn<'f> {
    if line.format == Some(Format::Maildir) {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        return TakenIn { received: received(scope, source, line, fields), ..TakenIn::of_maildir(fields, name) };
    }
    let delivered = line.time_on(Clock::Delivered).map_or(TimeField::Lacks, TimeField::At);
    TakenIn { fields, delivered, received: received(scope, source, line, fields) }
}

/// Why a message of that format cannot have stood at that path.
pub(super) fn misplaced(line: &ExhibitLine, path: &[u8]) -> Option<&'static str> {
    let mut names = path.rsplit(|byte| *byte == b'/');
    let (name, parent) = (names.next().unwrap_or_default(), names.next());
    match line.format {
        Some(Format::Maildir) if !matches!(parent, Some(b"cur" | b"new")) => {
            Some("it is said to be a message of a Maildir, and messages stand in its folders `cur` and `new` only")
        }
        Some(Format::Sdbox) if !is_sdbox_name(name) => {
            Some("it is said to be a message of a single-dbox, and its files are named `u.` and a number")
        }
        _ => None,
    }
}

/// The stated time, where one of the Received fields carries it.
fn received(scope: &Scope, source: usize, line: &ExhibitLine, fields: &dyn Fields) -> TimeField {
    let Some(stated) = line.time_on(Clock::Received) else { return TimeField::Lacks };
    let mut carried = false;
    fields.received(&mut |hop| {
        carried |= matches!(hop, Hop::By(_, time) if scope.instant(source, time) == Some(stated));
    });
    if carried { TimeField::At(stated) } else { TimeField::Unreadable }
}

/// A clock of which there is only the ledger's word.
pub(super) const fn rests_on_the_ledger(clock: Clock) -> bool {
    match clock {
        Clock::Received | Clock::Delivered => true,
        Clock::Modified | Clock::Changed | Clock::Created | Clock::Accessed | Clock::Record | Clock::DateHeader => {
            false
        }
    }
}
