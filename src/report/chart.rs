//! The timeline as numbers, and as a picture in inline SVG: one row of bars a clause, one axis for all.
//!
//! Bars span a day, a month, a year, or several years: the finest that needs no more than [`BARS`] of them.
//!
//! **Invariant:** the picture is integers, our own words and escaped clause names; it has a title and a description, and
//! the same numbers stand beneath it as a table.

use std::collections::BTreeMap;

use super::escape::escape;
use super::words::number;
use crate::ledger::{Timeline, Unit};

/// Bars on the axis at most.
const BARS: i64 = 120;
/// Clauses drawn at most; the table holds the others.
const ROWS: usize = 40;
/// Width of the axis and height of a row, in the picture's units.
const WIDTH: i64 = 720;
const ROW_HEIGHT: i64 = 64;
const BAR_HEIGHT: i64 = 36;
const LEFT: i64 = 110;

/// A timeline by few enough bars to draw.
pub(super) struct Chart {
    unit: Unit,
    /// How many units a bar spans: more than one only of years.
    step: i64,
    first: i64,
    bars: i64,
    /// By clause, by bar.
    rows: BTreeMap<usize, BTreeMap<i64, u64>>,
    without_time: u64,
}

impl Chart {
    pub(super) fn of(timeline: &Timeline) -> Self {
        let mut timeline = timeline.clone();
        let length = |timeline: &Timeline| timeline.span().map_or(0, |(first, last)| last - first + 1);
        for unit in [Unit::Month, Unit::Year] {
            if length(&timeline) > BARS {
                timeline.widen(unit);
            }
        }
        let length = length(&timeline);
        let step = (length + BARS - 1).div_euclid(BARS).max(1);
        let first = timeline.span().map_or(0, |(first, _)| first);
        let mut rows: BTreeMap<usize, BTreeMap<i64, u64>> = BTreeMap::new();
        for (bucket, counts) in timeline.buckets() {
            for (&clause, &count) in counts {
                let sum = rows.entry(clause).or_default().entry((bucket - first).div_euclid(step)).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        let bars = (length + step - 1).div_euclid(step);
        Self { unit: timeline.unit(), step, first, bars, rows, without_time: timeline.without_time() }
    }

    /// Nothing in it has a time.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Items without a time.
    pub(super) fn without_time(&self) -> u64 {
        self.without_time
    }

    /// What a bar spans, in words.
    pub(super) fn unit_words(&self) -> String {
        if self.step == 1 { self.unit.name().to_owned() } else { format!("{} {}s", self.step, self.unit.name()) }
    }

    /// Every bar that is not empty: where it begins, which clause, how many.
    pub(super) fn counts(&self) -> impl Iterator<Item = (String, usize, u64)> {
        let by_bar = self.rows.iter().flat_map(|(&clause, bars)| bars.iter().map(move |(&bar, &n)| (bar, clause, n)));
        let mut all: Vec<(i64, usize, u64)> = by_bar.collect();
        all.sort_unstable();
        all.into_iter().map(|(bar, clause, count)| (self.words(bar), clause, count))
    }

    fn words(&self, bar: i64) -> String {
        self.unit.words(self.first + bar * self.step)
    }

    /// The picture. `name` gives a clause its name.
    pub(super) fn svg(&self, name: &dyn Fn(usize) -> String) -> String {
        let drawn = self.rows.len().min(ROWS);
        let height = i64::try_from(drawn).unwrap_or(0) * ROW_HEIGHT + 30;
        let (first, last) = (self.words(0), self.words(self.bars - 1));
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {height}\" role=\"img\" \
             aria-labelledby=\"chart-title chart-text\">\n<title id=\"chart-title\">Disclosed items over time</title>\n\
             <desc id=\"chart-text\">One row of bars for each clause. Each bar stands for one {} and shows how many \
             disclosed items carry a time within it, from {first} to {last}, in UTC. The table below the picture holds \
             the same numbers.</desc>\n",
            LEFT + WIDTH + 10,
            self.unit_words(),
        );
        for (row, (&clause, bars)) in self.rows.iter().take(ROWS).enumerate() {
            out.push_str(&self.row(i64::try_from(row).unwrap_or(0) * ROW_HEIGHT, &name(clause), bars));
        }
        let base = height - 10;
        out.push_str(&format!(
            "<text x=\"{LEFT}\" y=\"{base}\">{first}</text>\n<text x=\"{}\" y=\"{base}\" text-anchor=\"end\">{last}</text>\n</svg>\n",
            LEFT + WIDTH
        ));
        out
    }

    fn row(&self, top: i64, name: &str, bars: &BTreeMap<i64, u64>) -> String {
        let most = bars.values().copied().max().unwrap_or(1).max(1);
        let base = top + ROW_HEIGHT - 16;
        let mut out = format!(
            "<g>\n<text x=\"0\" y=\"{base}\">{}</text>\n<text class=\"most\" x=\"{LEFT}\" y=\"{}\">at most {}</text>\n\
             <line x1=\"{LEFT}\" y1=\"{base}\" x2=\"{}\" y2=\"{base}\"/>\n",
            escape(name),
            base - BAR_HEIGHT - 3,
            number(most),
            LEFT + WIDTH
        );
        for (&bar, &count) in bars {
            // Every bar that is not empty can be seen: at least one unit high and wide.
            let from = bar * WIDTH / self.bars.max(1);
            let to = (bar + 1) * WIDTH / self.bars.max(1);
            let width = (to - from - 1).clamp(1, 24);
            let scaled = u128::from(count) * BAR_HEIGHT.unsigned_abs() as u128 / u128::from(most);
            let height = i64::try_from(scaled).unwrap_or(BAR_HEIGHT).max(1);
            out.push_str(&format!(
                "<rect x=\"{}\" y=\"{}\" width=\"{width}\" height=\"{height}\"><title>{}: {}</title></rect>\n",
                LEFT + from,
                base - height,
                self.words(bar),
                number(count)
            ));
        }
        out.push_str("</g>\n");
        out
    }

    /// Clauses that the picture leaves out.
    pub(super) fn not_drawn(&self) -> usize {
        self.rows.len().saturating_sub(ROWS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::scope::ClauseSet;

    fn timeline(days: &[i64]) -> Timeline {
        let mut timeline = Timeline::default();
        days.iter().for_each(|day| timeline.add(ClauseSet::one(0), Timestamp::new(day * 86_400, 0)));
        timeline
    }

    #[test]
    fn bars_are_as_fine_as_the_span_allows() {
        let cases: [(&[i64], &str, i64); 6] = [
            (&[19_800], "day", 1),
            (&[19_800, 19_919], "day", 120),
            (&[19_800, 19_920], "month", 5),
            (&[0, 3_000], "month", 99),
            (&[0, 30_000], "year", 83),
            (&[-700_000, 2_900_000], "83 years", 119),
        ];
        for (days, unit, bars) in cases {
            let chart = Chart::of(&timeline(days));
            assert_eq!((chart.unit_words().as_str(), chart.bars), (unit, bars), "{days:?}");
            let total: u64 = chart.counts().map(|(_, _, count)| count).sum();
            assert_eq!(total, days.len() as u64);
            assert!(chart.rows[&0].keys().all(|&bar| bar < bars), "{days:?}");
        }
        assert!(Chart::of(&Timeline::default()).is_empty());
    }

    #[test]
    fn the_picture_has_a_title_a_description_and_a_bar_for_each_count() {
        let chart = Chart::of(&timeline(&[19_800, 19_801, 19_801]));
        let svg = chart.svg(&|_| "3a <b>".into());
        assert_eq!(svg.matches("<rect").count(), 2);
        assert!(svg.contains("<title>2024-03-19: 2</title>") && svg.contains("<desc id="));
        assert!(svg.contains("3a &lt;b&gt;") && !svg.contains("<b>"));
    }
}
