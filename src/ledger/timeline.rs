//! When the disclosed items happened: counts by day, month or year (UTC) and clause.
//!
//! However many items and however wild their dates, it stays small: over [`limits::TIMELINE_BUCKETS`] different days it
//! counts by month, over as many months by year. The result does not depend on the order of the items.
//!
//! **Invariant:** it counts disclosed items alone; an item of two clauses counts under both, and one without a time once.

use std::collections::BTreeMap;

use chrono::Datelike as _;

use crate::clock::Timestamp;
use crate::limits;
use crate::scope::ClauseSet;

/// What one bucket spans.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A day of UTC.
    #[default]
    Day,
    /// A month of UTC.
    Month,
    /// A year of UTC.
    Year,
}

impl Unit {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// The number of the bucket that an instant falls into: days since 1970, months since the year 0, years.
    fn bucket(self, at: Timestamp) -> i64 {
        let utc = at.to_utc();
        match self {
            Self::Day => at.seconds().div_euclid(86_400),
            Self::Month => i64::from(utc.year()) * 12 + i64::from(utc.month0()),
            Self::Year => i64::from(utc.year()),
        }
    }

    /// The bucket of this unit as one of a coarser unit.
    fn widen(self, bucket: i64, to: Self) -> i64 {
        match (self, to) {
            (Self::Day, Self::Month | Self::Year) => {
                bucket.checked_mul(86_400).and_then(|at| Timestamp::new(at, 0)).map_or(bucket, |at| to.bucket(at))
            }
            (Self::Month, Self::Year) => bucket.div_euclid(12),
            _ => bucket,
        }
    }

    /// The bucket in writing: `2024-03-31`, `2024-03`, `2024`.
    pub fn words(self, bucket: i64) -> String {
        match self {
            Self::Day => bucket
                .checked_mul(86_400)
                .and_then(|at| Timestamp::new(at, 0))
                .map_or_else(String::new, |at| at.to_utc().date().to_string()),
            Self::Month => format!("{:04}-{:02}", bucket.div_euclid(12), bucket.rem_euclid(12) + 1),
            Self::Year => format!("{bucket:04}"),
        }
    }
}

/// Counts of disclosed items by time and clause.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Timeline {
    unit: Unit,
    buckets: BTreeMap<i64, BTreeMap<usize, u64>>,
    without_time: u64,
}

impl Timeline {
    /// Counts one item.
    pub fn add(&mut self, clauses: ClauseSet, time: Option<Timestamp>) {
        let Some(at) = time else {
            self.without_time = self.without_time.saturating_add(1);
            return;
        };
        let counts = self.buckets.entry(self.unit.bucket(at)).or_default();
        for clause in clauses.iter() {
            let count = counts.entry(clause).or_default();
            *count = count.saturating_add(1);
        }
        self.shrink();
    }

    /// Adds the other's counts.
    pub fn merge(&mut self, other: &Self) {
        let unit = self.unit.max(other.unit);
        self.widen(unit);
        self.without_time = self.without_time.saturating_add(other.without_time);
        for (&bucket, counts) in &other.buckets {
            let mine = self.buckets.entry(other.unit.widen(bucket, unit)).or_default();
            for (&clause, &more) in counts {
                let count = mine.entry(clause).or_default();
                *count = count.saturating_add(more);
            }
        }
        self.shrink();
    }

    /// The same counts by a unit that is not finer.
    pub fn widen(&mut self, unit: Unit) {
        if unit <= self.unit {
            return;
        }
        let fine = Self { unit: self.unit, buckets: std::mem::take(&mut self.buckets), without_time: 0 };
        self.unit = unit;
        self.merge(&fine);
    }

    fn shrink(&mut self) {
        while self.buckets.len() > limits::TIMELINE_BUCKETS {
            match self.unit {
                Unit::Day => self.widen(Unit::Month),
                Unit::Month => self.widen(Unit::Year),
                Unit::Year => return,
            }
        }
    }

    /// What one bucket spans.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// The buckets that hold something, ascending: number, and count by clause.
    pub fn buckets(&self) -> impl Iterator<Item = (i64, &BTreeMap<usize, u64>)> {
        self.buckets.iter().map(|(&bucket, counts)| (bucket, counts))
    }

    /// The first and the last bucket that hold something.
    pub fn span(&self) -> Option<(i64, i64)> {
        Some((*self.buckets.first_key_value()?.0, *self.buckets.last_key_value()?.0))
    }

    /// Items without a time.
    pub fn without_time(&self) -> u64 {
        self.without_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<Timestamp> {
        Some(Timestamp::parse_rfc3339(text).unwrap())
    }

    fn counts(timeline: &Timeline) -> Vec<(String, Vec<(usize, u64)>)> {
        timeline
            .buckets()
            .map(|(bucket, by)| (timeline.unit().words(bucket), by.iter().map(|(&c, &n)| (c, n)).collect()))
            .collect()
    }

    #[test]
    fn items_are_counted_by_day_and_clause() {
        let mut timeline = Timeline::default();
        timeline.add(ClauseSet::one(0), at("2024-03-31T23:59:59Z"));
        timeline.add([0, 1].into_iter().collect(), at("2024-04-01T00:00:00Z"));
        timeline.add(ClauseSet::one(1), at("1969-12-31T23:59:59Z"));
        timeline.add(ClauseSet::one(1), None);
        let days = [
            ("1969-12-31".to_owned(), vec![(1, 1)]),
            ("2024-03-31".to_owned(), vec![(0, 1)]),
            ("2024-04-01".to_owned(), vec![(0, 1), (1, 1)]),
        ];
        assert_eq!(counts(&timeline), days);
        assert_eq!(timeline.without_time(), 1);
        timeline.widen(Unit::Month);
        assert_eq!(counts(&timeline).last().unwrap().0, "2024-04");
        timeline.widen(Unit::Year);
        assert_eq!(counts(&timeline), [("1969".to_owned(), vec![(1, 1)]), ("2024".to_owned(), vec![(0, 2), (1, 1)])]);
        assert_eq!(timeline.without_time(), 1);
    }

    #[test]
    fn any_number_of_days_stays_small_whatever_their_order() {
        let days = limits::TIMELINE_BUCKETS as i64 + 10;
        let (mut up, mut down) = (Timeline::default(), Timeline::default());
        for day in 0..days {
            up.add(ClauseSet::one(0), Timestamp::new(day * 86_400, 0));
            down.add(ClauseSet::one(0), Timestamp::new((days - 1 - day) * 86_400, 0));
        }
        assert_eq!(up, down);
        assert_eq!(up.unit(), Unit::Month);
        assert!(up.buckets().count() <= limits::TIMELINE_BUCKETS);
        let total: u64 = up.buckets().flat_map(|(_, by)| by.values()).sum();
        assert_eq!(total, days as u64);
    }

    #[test]
    fn merging_in_parts_equals_adding_in_one_go() {
        let (mut whole, mut first, mut second) = (Timeline::default(), Timeline::default(), Timeline::default());
        for day in 0..1000i64 {
            let clauses = ClauseSet::one((day % 3) as usize);
            let time = Timestamp::new(day * 50_000, 0);
            whole.add(clauses, time);
            if day < 300 { first.add(clauses, time) } else { second.add(clauses, time) }
        }
        first.merge(&second);
        assert_eq!(first, whole);
    }
}
