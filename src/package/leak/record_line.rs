//! A line of `records/NNNNNN.jsonl`: numbers, a sum, a time, and names of clauses; there may be millions.
//!
//! **Invariant:** a line is what would be written again, and names nothing that the order does not.

use super::LeakKind;
use super::ledger_line::Held;
use crate::clock::Timestamp;
use crate::ledger::{RecordLine, Reduced};
use crate::scope::ClauseSet;

/// The lines of one member so far.
#[derive(Default)]
pub(super) struct RecordLines {
    /// How many there were.
    pub(super) number: u64,
    /// What they state in all, in bytes.
    pub(super) bytes: u64,
}

impl RecordLines {
    /// The next line, without its LF: the clauses that it names, and its time.
    pub(super) fn line(&mut self, line: &[u8], held: &Held) -> Result<(ClauseSet, Option<Timestamp>), LeakKind> {
        self.number = self.number.saturating_add(1);
        let record = RecordLine::read(line).map_err(|_| LeakKind::Text)?;
        let set = held.clauses(&record.clauses).ok_or(LeakKind::Text)?;
        let form = set.iter().next().and_then(|first| held.order.clauses.get(first)?.reduction());
        let fits = [
            record.n == self.number,
            record.length > 0,
            record.offset.is_some() == held.order.disclose.positions,
            record.because.as_deref().is_none_or(|because| held.clauses(because).is_some()),
            record.reduced == form.map(|reduction| Reduced::of(reduction, None)),
        ];
        self.bytes = self.bytes.saturating_add(record.length);
        if fits.contains(&false) { Err(LeakKind::Text) } else { Ok((set, record.time)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = "schema = \"order/1\"\n[order]\nid = \"2024-17\"\nlegal_basis = \"pace-sch1\"\nauthority = \"A\"\n\
        reference = \"R\"\nmade = 2024-04-08\nserved = 2024-04-09T09:40:00Z\ndue = \"P7D\"\nzone = \"UTC\"\n\
        [[source]]\nname = \"s\"\n\
        [[clause]]\nid = \"1\"\ntext = \"the requests of 192.0.2.1\"\nsource = \"s\"\ncategory = \"traffic\"\npaths = [\"/log/*\"]\n\
        take = \"records\"\nidentifiers = [{ ip = \"192.0.2.1\" }]\n";

    #[test]
    fn a_line_names_clauses_of_the_order_and_states_no_position_that_is_not_asked_for() {
        let held = Held::of(ORDER.as_bytes()).unwrap();
        let sum = "0".repeat(64);
        let line = |n: u64, clauses: &str, end: &str| {
            format!("{{\"n\":{n},\"length\":7,\"sha256\":\"{sum}\",\"time\":null,\"clauses\":{clauses}{end}}}")
        };
        let rows = [
            (line(1, "[\"1\"]", ""), true),
            (line(1, "[\"1\"]", ",\"because\":[\"1\"]"), true),
            (line(2, "[\"1\"]", ""), false),
            (line(1, "[]", ""), false),
            (line(1, "[\"2\"]", ""), false),
            (line(1, "[\"1\",\"1\"]", ""), false),
            (line(1, "[\"1\"]", ",\"offset\":0"), false),
            (line(1, "[\"1\"]", ",\"because\":[\"host.example.org\"]"), false),
            (line(1, "[\"1\"]", ",\"host\":\"host.example.org\""), false),
            (line(1, "[\"1\"]", ",\"reduced\":{\"fields\":[\"host.example.org\"]}"), false),
        ];
        for (text, expected) in rows {
            assert_eq!(RecordLines::default().line(text.as_bytes(), &held).is_ok(), expected, "{text}");
        }
    }
}
