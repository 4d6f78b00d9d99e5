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
    number: u64,
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
            Some(time) => Ok((self.set, time)),
            None => self.slow(line, held),
        }
    }

    /// None: it is not as the line before.
    fn quick(&self, line: &[u8], has_position: bool) -> Option<Option<Timestamp>> {
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
        (rest == self.tail).then_some(time)
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
