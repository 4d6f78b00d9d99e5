//! The preview for people: one table by clause, for a run and for a dry run alike.
//!
//! **Invariant:** it is made of what the package says of itself and of counts; it holds no name and no byte of content.

use std::fmt::Write as _;

use crate::ledger::{ClauseFacts, ClauseWords, Disclosure, Tally, Transactions};
use crate::record;

const HEADINGS: [&str; 10] =
    ["clause", "outcome", "files", "records", "bytes", "withheld", "undecided", "short", "examined", "outside"];

/// The table by clause, then each clause's window in UTC, what is short, and the digest. `tallies`: what each clause came
/// to, for the provider's eyes.
pub fn table(disclosure: &Disclosure, tallies: &[Tally]) -> String {
    let statement = &disclosure.statement;
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    for (at, clause) in statement.clauses.iter().enumerate() {
        let (examined, outside) = tallies.get(at).map_or((0, 0), |tally| (tally.examined, tally.outside));
        rows.push(row(clause, short(disclosure, &clause.id), examined, outside));
    }
    let mut text = aligned(&rows);
    for clause in disclosure.order.clauses.iter().filter(|clause| clause.window.is_some()) {
        let _ = writeln!(text, "{}", window(clause));
    }
    for (clause, tally) in disclosure.order.clauses.iter().zip(tallies) {
        read_as(&mut text, &clause.id, tally);
    }
    for clause in &disclosure.order.clauses {
        if let Some(reduced) = &clause.reduced {
            let _ = writeln!(text, "clause {}: less than the whole is given: {}", clause.id, reduced.words());
        }
    }
    for clause in
        disclosure.order.clauses.iter().filter(|clause| clause.transactions == Some(Transactions::NotIncluded))
    {
        let _ = writeln!(
            text,
            "clause {}: the other lines of the same transactions are not included: the clause has no `join`",
            clause.id
        );
    }
    for shortfall in &statement.shortfalls {
        let _ = writeln!(
            text,
            "clause {}: {} x {}: {}",
            shortfall.clause,
            shortfall.count,
            shortfall.kind,
            shortfall.kind.words()
        );
    }
    if let Some(digest) = statement.digest {
        let _ = writeln!(text, "digest {digest}");
    }
    text
}

/// What a clause's streams were read as and why, and which of its names nothing has: staff see here whether they were
/// understood.
fn read_as(text: &mut String, clause: &str, tally: &Tally) {
    for (&(format, by_content), count) in &tally.read_as {
        let streams = if *count == 1 { "stream" } else { "streams" };
        let why = if by_content { format!("because {}", record::format(format).sign()) } else { "as it says".into() };
        let _ = writeln!(text, "clause {clause}: {count} {streams} read as {}, {why}", format.name());
    }
    for name in tally.names_not_met.iter().flatten() {
        let _ = writeln!(text, "clause {clause}: no record of its streams has the {name}");
    }
}

fn short(disclosure: &Disclosure, clause: &str) -> u64 {
    disclosure.statement.shortfalls.iter().filter(|short| short.clause == clause).map(|short| short.count).sum()
}

fn row(clause: &ClauseFacts, short: u64, examined: u64, outside: u64) -> [String; 10] {
    [
        clause.id.clone(),
        clause.outcome.name().to_owned(),
        clause.files.to_string(),
        clause.records.to_string(),
        clause.bytes.to_string(),
        clause.withheld.to_string(),
        clause.undecided.to_string(),
        short.to_string(),
        examined.to_string(),
        outside.to_string(),
    ]
}

fn window(clause: &ClauseWords) -> String {
    clause.window.as_ref().map_or_else(String::new, |window| {
        format!("clause {}: {} from {} to before {}", clause.id, window.clock, window.from, window.before)
    })
}

/// Words to the left, numbers to the right.
fn aligned(rows: &[[String; 10]]) -> String {
    let mut widths = [0; 10];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let gap = if column == 0 { "" } else { "  " };
            let _ = if column < 2 { write!(text, "{gap}{cell:<width$}") } else { write!(text, "{gap}{cell:>width$}") };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}
