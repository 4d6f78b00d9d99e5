//! The dates and times of FAT and exFAT: civil, in steps of two seconds, with a finer field beside some of them.
//!
//! The finer field counts 10 ms from 0 to 199. Many systems write less into it than it holds: only the odd second, or
//! nothing at all. So a time whose finer field is 0 may lie anywhere in its two seconds, one whose field is 100 anywhere in
//! its second, and only another value states 10 ms.
//!
//! **Invariant:** a date or a time that no calendar has is none; the span of a time is never shorter than what the volume
//! states.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};

/// A civil time, and how much later it may really have been.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct CivilTime {
    pub(super) earliest: NaiveDateTime,
    pub(super) step: TimeDelta,
}

/// The date: day in bits 0 to 4, month in 5 to 8, years since 1980 above.
fn day(date: u16) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(1980 + i32::from(date >> 9), u32::from(date >> 5 & 0xf), u32::from(date & 0x1f))
}

/// A date without a time: a whole day.
pub(super) fn whole_day(date: u16) -> Option<CivilTime> {
    Some(CivilTime { earliest: day(date)?.and_hms_opt(0, 0, 0)?, step: just_under(86_400_000) })
}

/// A date and a time (two seconds in bits 0 to 4, minutes in 5 to 10, hours above), and where there is one the finer
/// field.
pub(super) fn moment(date: u16, time: u16, fine: Option<u8>) -> Option<CivilTime> {
    let hours = u32::from(time >> 11);
    let plain = day(date)?.and_hms_opt(hours, u32::from(time >> 5 & 0x3f), u32::from(time & 0x1f) * 2)?;
    let fine = fine.unwrap_or(0);
    let step = match fine {
        0 => just_under(2_000),
        100 => just_under(1_000),
        1..200 => just_under(10),
        _ => return None,
    };
    Some(CivilTime { earliest: plain.checked_add_signed(TimeDelta::milliseconds(i64::from(fine) * 10))?, step })
}

fn just_under(milliseconds: i64) -> TimeDelta {
    TimeDelta::milliseconds(milliseconds) - TimeDelta::nanoseconds(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(time: Option<CivilTime>) -> String {
        time.map_or("none".to_owned(), |time| format!("{} +{}", time.earliest, time.step.num_milliseconds()))
    }

    #[test]
    fn a_time_is_as_wide_as_what_is_stated_and_none_where_no_calendar_has_it() {
        let date = 44 << 9 | 3 << 5 | 31;
        for (date, time, fine, expected) in [
            (date, 12 << 11 | 34 << 5 | 28, None, "2024-03-31 12:34:56 +1999"),
            (date, 12 << 11 | 34 << 5 | 28, Some(0), "2024-03-31 12:34:56 +1999"),
            (date, 12 << 11 | 34 << 5 | 28, Some(100), "2024-03-31 12:34:57 +999"),
            (date, 12 << 11 | 34 << 5 | 28, Some(199), "2024-03-31 12:34:57.990 +9"),
            (date, 12 << 11 | 34 << 5 | 28, Some(200), "none"),
            (date, 24 << 11, None, "none"),
            (date, 60 << 5, None, "none"),
            (date, 30, None, "none"),
            (0, 0, Some(5), "none"),
            (44 << 9 | 2 << 5 | 30, 0, None, "none"),
            (44 << 9 | 13 << 5 | 1, 0, None, "none"),
        ] {
            assert_eq!(text(moment(date, time, fine)), expected, "{date:#x} {time:#x} {fine:?}");
        }
        assert_eq!(text(whole_day(date)), "2024-03-31 00:00:00 +86399999");
        assert_eq!(text(whole_day(0)), "none");
    }
}
