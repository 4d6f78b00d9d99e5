//! A line of `records/NNNNNN.jsonl`: numbers, a sum, a time, and names of clauses; there may be millions.
//!
//! A line that differs from the one before in nothing but its numbers, its sum and its time is read byte by byte; any other
//! is read as JSON, and must be what would be written again.
//!
//! **Invariant:** no byte of a line is passed over: what the quick way does not know is left to the slow one.

use super::LeakKind;
use super::ledger_line::Held;
use crate::clock::Timestamp;
use crate::ledger::{self, RecordLine, Reduced};
use crate::scope::ClauseSet;

/// The lines of one member so far.
#[derive(Default)]
pub(super) struct RecordLines {
    /// How many there were.
    pub(super) number: u64,
    /// What they state in all, in bytes.
    pub(super) bytes: u64,
    /// What stands between the time and the position, as it stood in the line before.
    clauses: Vec<u8>,
    set: ClauseSet,
    /// What stands behind the position.
    tail: Vec<u8>,
    /// `"2024-03-31T`, as it stood in the line before, and its first second.
    day: (Vec<u8>, i64),
}

impl RecordLines {
    /// The next line, without its LF: the clauses that it names, and its time.
    pub(super) fn line(&mut self, line: &[u8], held: &Held) -> Result<(ClauseSet, Option<Timestamp>), LeakKind> {
        self.number = self.number.saturating_add(1);
        match self.quick(line, held.order.disclose.positions) {
            Some((length, time)) => {
                self.bytes = self.bytes.saturating_add(length);
                Ok((self.set, time))
            }
            None => self.slow(line, held),
        }
    }

    /// The length and the time of a record; none: its line is not as the one before.
    fn quick(&self, line: &[u8], has_position: bool) -> Option<(u64, Option<Timestamp>)> {
        let (n, rest) = number(line.strip_prefix(b"{\"n\":")?)?;
        let (length, rest) = number(rest.strip_prefix(b",\"length\":")?)?;
        let (sum, rest) = rest.strip_prefix(b",\"sha256\":\"")?.split_at_checked(64)?;
        let is_sum = sum.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if n != self.number || length == 0 || !is_sum || self.clauses.is_empty() {
            return None;
        }
        let (time, rest) = self.time(rest.strip_prefix(b"\",\"time\":")?)?;
        let rest = rest.strip_prefix(self.clauses.as_slice())?;
        let rest = if has_position { number(rest.strip_prefix(b",\"offset\":")?)?.1 } else { rest };
        (rest == self.tail).then_some((length, time))
    }

    /// A time of the day of the line before, in its one form, or null.
    fn time<'l>(&self, text: &'l [u8]) -> Option<(Option<Timestamp>, &'l [u8])> {
        if let Some(rest) = text.strip_prefix(b"null") {
            return Some((None, rest));
        }
        let (day, from) = (&self.day.0, self.day.1);
        let rest = text.strip_prefix(day.as_slice()).filter(|_| !day.is_empty())?;
        let (clock, rest) = rest.split_at_checked(8)?;
        let [h, hh, b':', m, mm, b':', s, ss] = *clock else { return None };
        let two = |tens: u8, ones: u8| {
            (tens.is_ascii_digit() && ones.is_ascii_digit())
                .then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
        };
        let (hours, minutes, seconds) = (two(h, hh)?, two(m, mm)?, two(s, ss)?);
        if hours > 23 || minutes > 59 || seconds > 59 {
            return None;
        }
        let rest = match rest.strip_prefix(b".") {
            None => rest,
            Some(fraction) => {
                let (digits, rest) = fraction.split_at_checked(fraction.iter().position(|b| !b.is_ascii_digit())?)?;
                if digits.len() > 9 || digits.last().is_none_or(|last| *last == b'0') {
                    return None;
                }
                rest
            }
        };
        // Of a time only its second counts here.
        let at = Timestamp::new(from.saturating_add(hours * 3_600 + minutes * 60 + seconds), 0)?;
        Some((Some(at), rest.strip_prefix(b"Z\"")?))
    }

    fn slow(&mut self, line: &[u8], held: &Held) -> Result<(ClauseSet, Option<Timestamp>), LeakKind> {
        let record: RecordLine = ledger::read(line).map_err(|_| LeakKind::Text)?;
        let set = held.clauses(&record.clauses).ok_or(LeakKind::Text)?;
        let because = record.because.as_deref().unwrap_or_default();
        let form = set.iter().next().and_then(|first| held.order.clauses.get(first)?.reduction());
        let fits = [
            record.n == self.number,
            record.length > 0,
            record.offset.is_some() == held.order.disclose.positions,
            record.because.is_none() || held.clauses(because).is_some(),
            record.reduced == form.map(|reduction| Reduced::of(reduction, None)),
        ];
        if fits.contains(&false) {
            return Err(LeakKind::Text);
        }
        self.remember(&record, set).map_err(|_| LeakKind::Text)?;
        Ok((set, record.time))
    }

    /// For the lines behind it.
    fn remember(&mut self, record: &RecordLine, set: ClauseSet) -> serde_json::Result<()> {
        self.bytes = self.bytes.saturating_add(record.length);
        self.set = set;
        self.clauses = [b",\"clauses\":", serde_json::to_vec(&record.clauses)?.as_slice()].concat();
        self.tail = match &record.reduced {
            Some(reduced) => [b",\"reduced\":", serde_json::to_vec(reduced)?.as_slice(), b"}"].concat(),
            None => b"}".to_vec(),
        };
        if let Some(time) = record.time {
            let text = format!("\"{time}");
            let day = text.get(..12).filter(|day| day.ends_with('T')).unwrap_or_default();
            self.day = (day.as_bytes().to_vec(), time.seconds().div_euclid(86_400).saturating_mul(86_400));
        }
        Ok(())
    }
}

/// A decimal number in its one form, and what follows it.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let (digits, rest) = text.split_at_checked(text.iter().position(|byte| !byte.is_ascii_digit())?)?;
    if digits.is_empty() || (digits.len() > 1 && digits.first() == Some(&b'0')) {
        return None;
    }
    let value = digits
        .iter()
        .try_fold(0u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0'))))?;
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = "schema = \"order/1\"\n[order]\nid = \"2024-17\"\nlegal_basis = \"pace-sch1\"\nauthority = \"A\"\nreference = \"R\"\n\
        made = 2024-04-08\nserved = 2024-04-09T09:40:00Z\ndue = \"P7D\"\nzone = \"UTC\"\nPOSITIONS\n[[source]]\nname = \"s\"\n\
        [[clause]]\nid = \"1\"\ntext = \"the requests of 192.0.2.1\"\nsource = \"s\"\ncategory = \"traffic\"\npaths = [\"/log/*\"]\ntake = \"records\"\n\
        identifiers = [{ ip = \"192.0.2.1\" }]\n\
        [[clause]]\nid = \"2\"\ntext = \"the requests of 192.0.2.2\"\nsource = \"s\"\ncategory = \"traffic\"\npaths = [\"/log/*\"]\ntake = \"records\"\n\
        identifiers = [{ ip = \"192.0.2.2\" }]\n";

    fn held(positions: bool) -> Held {
        let words = if positions { "disclose = { positions = true }" } else { "" };
        Held::of(ORDER.replace("POSITIONS", words).as_bytes()).unwrap()
    }

    fn line(n: u64, time: &str, clauses: &str, end: &str) -> String {
        let sum = format!("{n:064x}");
        format!("{{\"n\":{n},\"length\":{},\"sha256\":\"{sum}\",\"time\":{time},\"clauses\":{clauses}{end}}}", n * 7)
    }

    #[test]
    fn lines_are_read_the_quick_way_where_only_numbers_sums_and_the_time_of_day_change() {
        let (held, mut lines) = (held(true), RecordLines::default());
        let rows = [
            ("\"2024-03-31T01:02:03Z\"", "[\"1\"]", false),
            ("\"2024-03-31T23:59:59.125Z\"", "[\"1\"]", true),
            ("null", "[\"1\"]", true),
            ("\"2024-04-01T00:00:00Z\"", "[\"1\"]", false),
            ("\"2024-04-01T00:00:01Z\"", "[\"1\",\"2\"]", false),
            ("\"2024-04-01T00:00:02Z\"", "[\"1\",\"2\"]", true),
        ];
        for ((time, clauses, is_quick), n) in rows.into_iter().zip(1..) {
            let text = line(n, time, clauses, &format!(",\"offset\":{n}00"));
            lines.number = n;
            assert_eq!(lines.quick(text.as_bytes(), true).is_some(), is_quick, "{text}");
            lines.number = n - 1;
            let (set, at) = lines.line(text.as_bytes(), &held).unwrap();
            let read: RecordLine = ledger::read(text.as_bytes()).unwrap();
            assert_eq!(Some(set), held.clauses(&read.clauses), "{text}");
            assert_eq!(at.map(Timestamp::seconds), read.time.map(Timestamp::seconds), "{text}");
        }
    }

    /// Whatever is put into a line, the quick way takes nothing that the slow one refuses, and reads no other time.
    #[test]
    fn no_byte_can_be_changed_so_that_only_the_quick_way_takes_it() {
        let mut seed = 7u64;
        let mut chance = |below: usize| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) as usize % below
        };
        let (mut taken, mut refused) = (0, 0);
        for (positions, end) in [(false, ""), (true, ",\"offset\":4096")] {
            let held = held(positions);
            let first = line(1, "\"2024-03-31T01:02:03Z\"", "[\"1\"]", end);
            let good = line(2, "\"2024-03-31T04:05:06.75Z\"", "[\"1\"]", end);
            for _ in 0..40_000 {
                let mut bytes = good.clone().into_bytes();
                for _ in 0..=chance(2) {
                    let at = chance(bytes.len());
                    let new = b"0123456789:.Z\"{}[],-aeTn\\ \x00\xff"[chance(28)];
                    match chance(3) {
                        0 => bytes[at] = new,
                        1 => bytes.insert(at, new),
                        _ => drop(bytes.remove(at)),
                    }
                }
                let mut lines = RecordLines::default();
                lines.line(first.as_bytes(), &held).unwrap();
                lines.number = 2;
                let quick = lines.quick(&bytes, positions);
                let slow = ledger::read::<RecordLine>(&bytes).ok().filter(|read| read.n == 2 && read.length > 0);
                if let Some((length, time)) = quick {
                    let read = slow.unwrap_or_else(|| panic!("{}", bytes.escape_ascii()));
                    assert_eq!(length, read.length);
                    assert_eq!(time.map(Timestamp::seconds), read.time.map(Timestamp::seconds));
                    taken += 1;
                } else {
                    refused += 1;
                }
            }
        }
        assert!(taken > 3_000 && refused > 20_000, "{taken} {refused}");
    }

    #[test]
    fn what_the_order_does_not_hold_is_refused() {
        let (without, with) = (held(false), held(true));
        let rows = [
            (&without, line(1, "null", "[\"1\"]", ""), true),
            (&without, line(1, "null", "[\"2\",\"1\"]", ""), false),
            (&without, line(1, "null", "[\"1\",\"1\"]", ""), false),
            (&without, line(1, "null", "[]", ""), false),
            (&without, line(1, "null", "[\"3\"]", ""), false),
            (&without, line(2, "null", "[\"1\"]", ""), false),
            (&without, line(1, "null", "[\"1\"]", ",\"offset\":1"), false),
            (&with, line(1, "null", "[\"1\"]", ""), false),
            (&without, line(1, "null", "[\"1\"]", ",\"because\":[\"1\"]"), true),
            (&without, line(1, "null", "[\"1\"]", ",\"because\":[\"mallory\"]"), false),
            (&without, line(1, "null", "[\"1\"]", ",\"reduced\":{\"fields\":[\"mallory\"]}"), false),
        ];
        for (held, text, is_good) in rows {
            assert_eq!(RecordLines::default().line(text.as_bytes(), held).is_ok(), is_good, "{text}");
        }
    }
}
