//! One time of a file, as exactly as its file system states it.
//!
//! Most file systems state an instant. FAT states local times, whole days of reading and steps of two seconds: there the
//! time is known to lie somewhere in a span. A local time that a clock change made happen twice is the span between its two
//! readings.
//!
//! **Invariant:** a span is decided where a window holds all of it or none of it, and is undecided otherwise; an instant is
//! stated only where the file system states one.

use super::verdict::Verdict;
use crate::clock::{LocalReading, Timestamp, Zone};
use crate::order::Window;

/// The longest span that is still stated as the instant at which it begins, in seconds: the step of FAT's clock.
const STEP_SECONDS: i64 = 2;

/// One time of a file: an instant, or the span in which it lies, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileTime {
    earliest: Timestamp,
    latest: Timestamp,
}

impl FileTime {
    /// An instant.
    pub fn at(instant: Timestamp) -> Self {
        Self { earliest: instant, latest: instant }
    }

    /// Somewhere between two instants, both included; none where they are in the wrong order.
    pub fn between(earliest: Timestamp, latest: Timestamp) -> Option<Self> {
        (earliest <= latest).then_some(Self { earliest, latest })
    }

    /// A local time of `zone` that may lie as much as `step` later than `local` says. None where there is no zone, and in a
    /// gap: nobody can say when that was.
    pub fn local(local: chrono::NaiveDateTime, step: chrono::TimeDelta, zone: Option<Zone>) -> Option<Self> {
        let zone = zone?;
        let ends = |local| match zone.local(local) {
            LocalReading::One(at) => Some((at, at)),
            LocalReading::Fold { earlier, later } => Some((earlier, later)),
            LocalReading::Gap { .. } | LocalReading::OutOfRange => None,
        };
        let (first, last) = (ends(local)?, ends(local.checked_add_signed(step)?)?);
        Self::between(first.0.min(last.0), first.1.max(last.1))
    }

    /// The instant that the file system states; none where it states a longer span.
    pub fn instant(self) -> Option<Timestamp> {
        let is_stated = self.latest.seconds().saturating_sub(self.earliest.seconds()) < STEP_SECONDS;
        is_stated.then_some(self.earliest)
    }

    /// The window holds it.
    pub(in crate::scope) fn within(self, window: Window) -> Verdict {
        // A window is one span: where it holds both ends it holds all between them.
        if window.holds(self.earliest) && window.holds(self.latest) {
            Verdict::In
        } else if self.latest < window.from || window.before <= self.earliest {
            Verdict::Out
        } else {
            Verdict::Undecided
        }
    }
}

impl From<Timestamp> for FileTime {
    fn from(instant: Timestamp) -> Self {
        Self::at(instant)
    }
}
