//! Times as an index of many members holds them.
//!
//! **Invariant:** a stamp is exactly the instant that it was made of, or none.

use crate::clock::Timestamp;
use crate::scope::FileTime;

/// No stamp, in place of nanoseconds.
const NONE: u32 = u32::MAX;
/// 1601-01-01 in seconds since 1970, where the times of NTFS begin.
const NTFS_EPOCH_SECONDS: i64 = -11_644_473_600;

/// An instant or none, in 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp {
    seconds: i64,
    nanoseconds: u32,
}

impl Stamp {
    pub(super) const NONE: Self = Self { seconds: 0, nanoseconds: NONE };

    /// Seconds since 1970, and nanoseconds behind them.
    pub(super) fn new(seconds: i64, nanoseconds: u32) -> Self {
        Timestamp::new(seconds, nanoseconds).map_or(Self::NONE, |_| Self { seconds, nanoseconds })
    }

    /// Whole seconds since 1970.
    pub(super) fn at(seconds: Option<i64>) -> Self {
        seconds.map_or(Self::NONE, |seconds| Self::new(seconds, 0))
    }

    /// Steps of 100 ns since 1601; 0 is none.
    pub(super) fn ntfs(steps: u64) -> Self {
        let seconds =
            i64::try_from(steps / 10_000_000).ok().and_then(|seconds| seconds.checked_add(NTFS_EPOCH_SECONDS));
        let nanoseconds = u32::try_from(steps % 10_000_000 * 100).unwrap_or(NONE);
        seconds.filter(|_| steps > 0).map_or(Self::NONE, |seconds| Self::new(seconds, nanoseconds))
    }

    /// Seconds since 1970 in decimal, with a fraction of any length: what is finer than a nanosecond is cut off.
    pub(super) fn decimal(text: &[u8]) -> Self {
        Self::read_decimal(text).unwrap_or(Self::NONE)
    }

    fn read_decimal(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let (is_before, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(whole) || !are_digits(fraction) || whole.is_empty() {
            return None;
        }
        let seconds: i64 = whole.parse().ok()?;
        let cut = fraction.get(..9).unwrap_or(fraction);
        let nanoseconds: u32 = format!("{cut:0<9}").parse().ok()?;
        if !is_before {
            return Some(Self::new(seconds, nanoseconds));
        }
        // What is finer than a nanosecond makes the instant before it earlier.
        let is_finer = fraction.get(9..).is_some_and(|rest| rest.bytes().any(|byte| byte != b'0'));
        let nanoseconds = nanoseconds.checked_add(u32::from(is_finer))?;
        let seconds = seconds.checked_neg()?;
        Some(match nanoseconds {
            0 => Self::new(seconds, 0),
            1_000_000_000 => Self::new(seconds.checked_sub(1)?, 0),
            _ => Self::new(seconds.checked_sub(1)?, 1_000_000_000_u32.checked_sub(nanoseconds)?),
        })
    }

    /// This one, or another where it is none.
    pub(super) fn or(self, other: Self) -> Self {
        if self == Self::NONE { other } else { self }
    }

    pub(super) fn time(self) -> Option<FileTime> {
        if self.nanoseconds == NONE { None } else { Timestamp::new(self.seconds, self.nanoseconds).map(FileTime::at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_never_later_than_what_it_says() {
        for (text, expected) in [
            ("0", Some((0, 0))),
            ("1350244992.023960108", Some((1_350_244_992, 23_960_108))),
            ("1.1234567899", Some((1, 123_456_789))),
            ("1.", Some((1, 0))),
            ("-1.5", Some((-2, 500_000_000))),
            ("-1", Some((-1, 0))),
            ("-0.9999999999", Some((-1, 0))),
            ("-0.0000000001", Some((-1, 999_999_999))),
            ("", None),
            (".5", None),
            ("1e3", None),
            ("--1", None),
            ("99999999999999999999", None),
            ("253402300800", None),
        ] {
            let expected = expected.map(|(seconds, nanoseconds)| Stamp { seconds, nanoseconds });
            assert_eq!(Stamp::decimal(text.as_bytes()), expected.unwrap_or(Stamp::NONE), "{text}");
        }
    }

    #[test]
    fn a_time_of_ntfs_keeps_its_hundred_nanoseconds() {
        assert_eq!(Stamp::ntfs(116_444_736_000_000_001), Stamp::new(0, 100));
        assert_eq!(Stamp::ntfs(0), Stamp::NONE);
        assert_eq!(Stamp::ntfs(u64::MAX), Stamp::NONE);
    }
}
