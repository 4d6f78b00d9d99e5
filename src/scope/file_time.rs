//! One time of a file, as exactly as its file system states it.
//!
//! Most file systems state an instant. FAT states local times, whole days of reading and steps of two seconds: there the
//! time is known to lie somewhere in a span. A local time that a clock change made happen twice is the span between its two
//! readings.
//!
//! **Invariant:** a span is decided where a window holds all of it or none of it, and is undecided otherwise; an instant is
//! stated only where the file system states one.

use super::FileTimes;
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

    /// The first and the last instant that it may be.
    pub fn ends(self) -> (Timestamp, Timestamp) {
        (self.earliest, self.latest)
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

/// A file's times as an entry holds them: a walk may keep half a million of them. They come back exactly as they were.
#[derive(Clone, Debug)]
pub(in crate::scope) enum KeptTimes {
    /// Modified, changed, created, accessed, where each is an instant or none: nanoseconds from 1970. [`NO_TIME`] is none.
    Instants([i64; 4]),
    /// Where one is a span, or before 1677 or after 2262.
    Others(Box<FileTimes>),
}

/// No time.
const NO_TIME: i64 = i64::MIN;
const SECOND: i64 = 1_000_000_000;

impl Default for KeptTimes {
    fn default() -> Self {
        Self::Instants([NO_TIME; 4])
    }
}

impl KeptTimes {
    pub(in crate::scope) fn of(times: FileTimes) -> Self {
        let all = [times.modified, times.changed, times.created, times.accessed].map(|time| match time {
            None => Some(NO_TIME),
            Some(time) if time.earliest == time.latest => {
                let total = time.earliest.seconds().checked_mul(SECOND)?;
                total.checked_add(i64::from(time.earliest.nanoseconds())).filter(|total| *total != NO_TIME)
            }
            Some(_) => None,
        });
        match all {
            [Some(modified), Some(changed), Some(created), Some(accessed)] => {
                Self::Instants([modified, changed, created, accessed])
            }
            _ => Self::Others(Box::new(times)),
        }
    }

    pub(in crate::scope) fn times(&self) -> FileTimes {
        let at = |total: i64| {
            let nanoseconds = u32::try_from(total.rem_euclid(SECOND)).ok()?;
            Timestamp::new(total.div_euclid(SECOND), nanoseconds).filter(|_| total != NO_TIME).map(FileTime::at)
        };
        match self {
            Self::Instants([modified, changed, created, accessed]) => FileTimes {
                modified: at(*modified),
                changed: at(*changed),
                created: at(*created),
                accessed: at(*accessed),
            },
            Self::Others(times) => **times,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_times_come_back_as_they_were() {
        let at = |seconds, nanoseconds| Timestamp::new(seconds, nanoseconds).map(FileTime::at);
        let span = FileTime::between(Timestamp::new(5, 0).unwrap(), Timestamp::new(7, 1).unwrap());
        let instants = [None, at(0, 0), at(-1, 999_999_999), at(-0x8000_0000, 1), at(0xffff_ffff, 5)];
        let ends =
            [at(i64::MIN / SECOND, 0), at(i64::MIN / SECOND - 1, 145_224_192), at(i64::MAX / SECOND, 854_775_807)];
        let others = [span, at(i64::MAX / SECOND + 1, 0), at(i64::MIN / SECOND - 2, 0), at(0x3_7fff_ffff, 5)];
        for time in instants.into_iter().chain(ends).chain(others) {
            for place in 0..4 {
                let mut all = [at(1, 2); 4];
                all[place] = time;
                let [modified, changed, created, accessed] = all;
                let times = FileTimes { modified, changed, created, accessed };
                assert_eq!(KeptTimes::of(times).times(), times, "{time:?}");
            }
        }
        let is_short =
            |time| matches!(KeptTimes::of(FileTimes { created: time, ..Default::default() }), KeptTimes::Instants(_));
        assert!(instants.into_iter().all(is_short) && !others.into_iter().filter(Option::is_some).any(is_short));
    }

    fn second(seconds: i64) -> Timestamp {
        Timestamp::new(seconds, 0).unwrap()
    }

    #[test]
    fn a_span_is_decided_where_a_window_holds_all_of_it_or_nothing() {
        let window = Window { from: second(100), before: second(200), clock: crate::order::Clock::Modified };
        for (earliest, latest, verdict) in [
            (98, 99, Verdict::Out),
            (99, 100, Verdict::Undecided),
            (100, 100, Verdict::In),
            (100, 199, Verdict::In),
            (199, 200, Verdict::Undecided),
            (200, 201, Verdict::Out),
            (50, 250, Verdict::Undecided),
        ] {
            let span = FileTime::between(second(earliest), second(latest)).unwrap();
            assert_eq!(span.within(window), verdict, "{earliest} to {latest}");
        }
        assert_eq!(FileTime::between(second(2), second(1)), None);
    }

    #[test]
    fn a_local_time_is_a_span_in_a_fold_and_nothing_in_a_gap_or_without_a_zone() {
        let zone = Zone::named("Europe/London");
        let local = |text: &str| chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap();
        let two = chrono::TimeDelta::milliseconds(1_999);
        let ends = |text: &str, step| {
            FileTime::local(local(text), step, zone).map(|time| (time.earliest.to_string(), time.latest.to_string()))
        };
        let both = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(ends("2024-03-25 12:00:00", two), both("2024-03-25T12:00:00Z", "2024-03-25T12:00:01.999Z"));
        assert_eq!(ends("2024-04-01 12:00:00", two), both("2024-04-01T11:00:00Z", "2024-04-01T11:00:01.999Z"));
        assert_eq!(ends("2024-10-27 01:30:00", two), both("2024-10-27T00:30:00Z", "2024-10-27T01:30:01.999Z"));
        assert_eq!(ends("2024-03-31 01:30:00", two), None, "the hour that was skipped");
        let day = chrono::TimeDelta::seconds(86_399);
        assert_eq!(ends("2024-03-31 00:00:00", day), both("2024-03-31T00:00:00Z", "2024-03-31T22:59:59Z"));
        assert_eq!(FileTime::local(local("2024-03-25 12:00:00"), two, None), None);
        let stated = |text: &str, step| FileTime::local(local(text), step, zone).and_then(FileTime::instant);
        assert_eq!(
            stated("2024-03-25 12:00:00", two).map(|at| at.to_string()).as_deref(),
            Some("2024-03-25T12:00:00Z")
        );
        assert_eq!(stated("2024-10-27 01:30:00", two), None, "it happened twice");
        assert_eq!(stated("2024-03-25 00:00:00", day), None, "a day is no instant");
    }

    #[test]
    fn what_a_walk_keeps_of_a_file_is_small() {
        assert_eq!((size_of::<KeptTimes>(), size_of::<super::super::Entry>()), (40, 96));
    }
}
