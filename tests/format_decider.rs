//! A second, deliberately naive decider agrees with the gate on random records and clauses of every format of lines and rows.
//!
//! It takes the fields of a record as the splitter tells them and decides by itself (`format_decider/told.rs`). Web logs,
//! syslog and mail are decided from their bytes alone in `tests/decider.rs`.

#![allow(dead_code, reason = "its parts are made for tests/decider.rs too")]

#[path = "decider/chance.rs"]
mod chance;
#[path = "decider/generate.rs"]
mod generate;
#[path = "decider/letter.rs"]
mod letter;
#[path = "decider/mail.rs"]
mod mail;
#[path = "decider/naive.rs"]
mod naive;
#[path = "decider/order.rs"]
mod order;
#[path = "decider/spell.rs"]
mod spell;
#[path = "format_decider/spelt.rs"]
mod spelt;
#[path = "decider/time.rs"]
mod time;
#[path = "decider/token.rs"]
mod token;
#[path = "format_decider/told.rs"]
mod told;

use std::io::Cursor;

use chance::Chance;
use extract::order::{Columns, Format, Given, ManifestText, Order, Provider, Role};
use extract::record::{RecordSink, Stop, Unreadable, YearBasis, Years};
use extract::scope::{ClauseSet, Entry, EntryKind, FileTimes, Judgement, Node, RawRecord, RecordGate, Scope};
use generate::{Aim, Matter};
use naive::{Answer, File};
use told::Told;

/// Decided in `tests/decider.rs`, from their bytes; a message is one in every store that holds it.
const ELSEWHERE: &[Format] = &[
    Format::AccessLog,
    Format::Syslog,
    Format::Mbox,
    Format::Mboxcl,
    Format::Mboxcl2,
    Format::Maildir,
    Format::Sdbox,
    Format::Eml,
];

/// An order about records of that format.
fn order_about(chance: &mut Chance, format: Format) -> order::Order {
    let mut plain = generate::order(chance, Matter::Syslog);
    let own = [("client", Role::Client), ("user", Role::User), ("from", Role::From), ("to", Role::To)];
    let mut roles: Vec<&'static str> =
        own.iter().filter(|(_, role)| format.has_role(*role)).map(|(name, _)| *name).collect();
    roles.push("any");
    for clause in &mut plain.clauses {
        clause.format = Some(format.name());
        for target in clause.identifiers.iter_mut().chain(&mut clause.with) {
            target.roles = match chance.below(3) {
                0 => vec![],
                1 => vec![chance.pick(&roles)],
                _ => roles.iter().filter(|_| chance.percent(50)).copied().collect(),
            };
        }
        if format.columns() != Columns::None {
            rows(chance, format, clause);
        }
    }
    plain
}

/// Some of what the clause asks for, as cells; and the column of the time where one must be named.
fn rows(chance: &mut Chance, format: Format, clause: &mut order::Clause) {
    let columns = spelt::columns(format);
    let mut rows = order::Rows { table: None, cells: Vec::new(), time: None };
    if format.columns() == Columns::Tables {
        rows.table = Some(chance.pick(&["t", "t", "t", "T"]).to_owned());
    }
    if clause.window.is_some() && format.columns() != Columns::Timed {
        rows.time = Some("at".to_owned());
    }
    if !clause.identifiers.is_empty() && chance.percent(60) {
        let moved = clause.identifiers.len().min(1 + chance.below(2));
        for target in clause.identifiers.drain(..moved) {
            rows.cells.push(((chance.pick(columns)).to_owned(), target.identifier));
        }
        if clause.identifiers.is_empty() {
            clause.with.clear();
        }
    }
    if rows.table.is_some() || rows.time.is_some() || !rows.cells.is_empty() {
        clause.rows = Some(rows);
    }
}

fn read(plain: &order::Order) -> (Order, Provider) {
    let (order, provider) = (plain.order_toml(), plain.provider_toml());
    let files = [
        ManifestText { name: "order.toml", bytes: order.as_bytes() },
        ManifestText { name: "order.provider.toml", bytes: provider.as_bytes() },
    ];
    match extract::order::read(files[0], Some(files[1]), &Given::default()) {
        Ok(both) => (both.order, both.provider.unwrap()),
        Err(findings) => panic!("the order is valid: {}", extract::order::render(&findings, &files, false)),
    }
}

fn entry(file: &File) -> Entry {
    let node = || Node::new(Vec::new());
    let mut names = file.path.split(|&byte| byte == b'/').skip(1).peekable();
    let mut at = Entry::root(b"/", node());
    while let Some(name) = names.next() {
        let kind = if names.peek().is_some() { EntryKind::Folder } else { EntryKind::File };
        at = at.child(name, kind, 1, FileTimes::default(), node());
    }
    at
}

fn list(clauses: ClauseSet) -> Vec<usize> {
    clauses.iter().collect()
}

/// Judges each record twice.
struct Sink<'a, 's> {
    gate: &'a RecordGate<'s>,
    plain: &'a order::Order,
    file: &'a File,
    columns: &'a [&'a str],
    counts: &'a mut [u64; 5],
    differences: &'a mut Vec<String>,
}

impl RecordSink for Sink<'_, '_> {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        let naive = Told::of(record.fields, self.columns).decide(self.plain, self.file);
        let gate = match self.gate.judge(record) {
            Judgement::In(item, undecided) => {
                Answer { admitted: list(item.clauses()), withheld: vec![], undecided: list(undecided) }
            }
            Judgement::Withheld(clauses) => Answer { withheld: list(clauses), ..Answer::default() },
            Judgement::Undecided(clauses) => Answer { undecided: list(clauses), ..Answer::default() },
            Judgement::Outside => Answer::default(),
        };
        let sizes = [&naive.admitted, &naive.withheld, &naive.undecided].map(|set| set.len() as u64);
        let clauses = self.plain.clauses.len() as u64;
        let all = [sizes[0], sizes[1], sizes[2], clauses - sizes.iter().sum::<u64>(), clauses];
        self.counts.iter_mut().zip(all).for_each(|(count, more)| *count += more);
        if naive != gate {
            let text = record.bytes.escape_ascii().to_string();
            let zones = (self.plain.zone, self.plain.sources[self.file.source]);
            self.differences.push(format!(
                "naive {naive:?}\ngate  {gate:?}\n{zones:?} withheld {:?}\n{:?}\n{text}",
                self.plain.withheld, self.plain.clauses
            ));
        }
        Ok(())
    }

    fn separator(&mut self, _: u64) {}

    fn unreadable(&mut self, _: u64, _: Unreadable) {}
}

/// In, withheld, undecided, out, and all pairs.
fn agree(format: Format, seed: u64) -> [u64; 5] {
    let mut chance = Chance::seeded(seed);
    let (mut counts, mut differences) = ([0; 5], Vec::new());
    while counts[4] < 10_000 {
        let plain = order_about(&mut chance, format);
        let (order, provider) = read(&plain);
        let scope = Scope::compile(&order, Some(&provider)).unwrap();
        let aims = Aim::all(&plain);
        let file = File { source: 0, path: b"/var/log/nginx/access.log".to_vec(), times: [None; 4] };
        let mut stream = spelt::head(format).as_bytes().to_vec();
        for _ in 0..40 {
            let aim = chance.below(aims.len());
            stream.extend(spelt::record(&mut chance, format, &aims[aim]));
        }
        let Some(permit) = scope.decide(file.source, entry(&file)).records.take() else { continue };
        let (gate, mut content) = permit.opened(Box::new(Cursor::new(stream.clone()))).into_records(&scope).unwrap();
        let row = extract::record::format(format);
        // A journal or a database is read back from its rendering, as a check of the package reads it.
        let row = row.rendered().filter(|_| !matches!(format, Format::Csv | Format::W3c)).unwrap_or(row);
        let years = Years::of(row, &mut &stream[..], None, YearBasis::Stated(2024)).unwrap();
        let columns = spelt::columns(format);
        let mut sink = Sink {
            gate: &gate,
            plain: &plain,
            file: &file,
            columns,
            counts: &mut counts,
            differences: &mut differences,
        };
        row.split(&mut content, None, &mut years.dating(&mut sink)).unwrap();
    }
    differences.sort_by_key(String::len);
    let shown = differences.len().min(5);
    assert!(
        differences.is_empty(),
        "{}: {} differences:\n{}",
        format.name(),
        differences.len(),
        differences[..shown].join("\n=====\n")
    );
    counts
}

#[test]
fn the_gate_and_the_naive_decider_agree_on_every_format_of_lines_and_rows() {
    let formats = Format::ALL.iter().copied().filter(|format| !ELSEWHERE.contains(format));
    for (format, seed) in formats.zip(1..) {
        let counts = agree(format, seed);
        let [within, withheld, undecided, out, pairs] = counts;
        println!(
            "{}: {pairs} pairs: in {within}, withheld {withheld}, undecided {undecided}, out {out}",
            format.name()
        );
        for count in [within, withheld, undecided, out] {
            assert!(count * 100 >= pairs, "{}: one of {counts:?} is too rare to count", format.name());
        }
    }
}
