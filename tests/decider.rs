//! A second, deliberately naive decider agrees with the gate on random records and clauses.
//!
//! `tests/decider/naive.rs` was written from the order language alone. It shares nothing with the library but the
//! order's text and the record's bytes; a format's splitter cuts the stream, and what it cut is checked first.

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
#[path = "decider/time.rs"]
mod time;
#[path = "decider/token.rs"]
mod token;

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use chance::Chance;
use extract::clock::Timestamp;
use extract::order::{Format, Given, ManifestText, Order, Provider};
use extract::record::{RecordSink, Stop, Unreadable, YearBasis, Years};
use extract::scope::{
    ClauseSet, Entry, EntryDecision, EntryKind, FileTimes, Judgement, Node, RawRecord, RecordGate, Scope,
    WholeJudgement,
};
use generate::{Aim, Matter};
use naive::{Answer, File, Kind};

fn list(clauses: ClauseSet) -> Vec<usize> {
    clauses.iter().collect()
}

/// The order and its provider's file as the library reads them.
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

fn node() -> Node {
    Node::new(Vec::new())
}

/// The file as the walk of a file system would hand it over.
fn entry(file: &File) -> Entry {
    let stamp = |place: usize| file.times[place].and_then(|(second, nano)| Timestamp::new(second, nano));
    let times = FileTimes {
        modified: stamp(0).map(extract::scope::FileTime::at),
        changed: stamp(1).map(extract::scope::FileTime::at),
        created: stamp(2).map(extract::scope::FileTime::at),
        accessed: stamp(3).map(extract::scope::FileTime::at),
    };
    let mut names = file.path.split(|&byte| byte == b'/').skip(1).peekable();
    let mut at = Entry::root(b"/", node());
    while let Some(name) = names.next() {
        at = match names.peek() {
            Some(_) => at.child(name, EntryKind::Folder, 0, FileTimes::default(), node()),
            None => at.child(name, EntryKind::File, 1, times, node()),
        };
    }
    at
}

/// Verdicts of all pairs of a record (or file) and a clause.
#[derive(Default, Debug)]
struct Tally {
    /// Pairs by the format of the stream.
    formats: BTreeMap<&'static str, u64>,
    pairs: u64,
    admitted: u64,
    withheld: u64,
    undecided: u64,
    outside: u64,
}

impl Tally {
    fn count(&mut self, format: &'static str, answer: &Answer, clauses: usize) {
        *self.formats.entry(format).or_default() += clauses as u64;
        let sizes = [&answer.admitted, &answer.withheld, &answer.undecided].map(|set| set.len() as u64);
        self.pairs += clauses as u64;
        self.admitted += sizes[0];
        self.withheld += sizes[1];
        self.undecided += sizes[2];
        self.outside += clauses as u64 - sizes.iter().sum::<u64>();
    }

    fn each_is_at_least(&self, percent: u64) {
        for (format, pairs) in &self.formats {
            assert!(*pairs >= 10_000, "{format}: {pairs} pairs are too few");
        }
        for (name, count) in
            [("in", self.admitted), ("withheld", self.withheld), ("undecided", self.undecided), ("out", self.outside)]
        {
            assert!(count * 100 >= self.pairs * percent, "{name}: {count} of {} pairs are too few", self.pairs);
        }
    }
}

/// Where the two deciders differ, each with all that is needed to see why.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn compare(&mut self, plain: &order::Order, file: &File, what: &[u8], naive: &Answer, gate: &Answer) {
        if naive == gate {
            return;
        }
        let mut text = format!("naive {naive:?}\ngate  {gate:?}\n");
        for (place, clause) in plain.clauses.iter().enumerate() {
            let of = |answer: &Answer| {
                [&answer.admitted, &answer.withheld, &answer.undecided].map(|set| set.contains(&place))
            };
            if of(naive) != of(gate) {
                text.push_str(&format!("clause {place}: {clause:?}\n"));
            }
        }
        let (path, zones) = (file.path.escape_ascii(), (plain.zone, plain.sources[file.source]));
        text.push_str(&format!("withheld {:?} {:?}\n", plain.withheld, plain.withheld_paths));
        text.push_str(&format!("{path} {:?} of {}, zones {zones:?}\n", file.times, file.source));
        text.push_str(&what.escape_ascii().to_string().replace("\\n", "\n"));
        self.0.push(text);
    }

    /// Fails with the shortest of them.
    fn none(mut self) {
        self.0.sort_by_key(String::len);
        let count = self.0.len();
        assert!(count == 0, "{count} differences, of which:\n\n{}", self.0[..count.min(25)].join("\n=====\n"));
    }
}

struct Sink<'g, 's> {
    gate: &'g RecordGate<'s>,
    judged: Vec<(Vec<u8>, Answer)>,
}

impl RecordSink for Sink<'_, '_> {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        let answer = match self.gate.judge(record) {
            Judgement::In(item, undecided) => {
                assert!(item.iter().all(|item| item.item().bytes == record.bytes), "whole, byte for byte");
                Answer { admitted: list(item.clauses()), withheld: vec![], undecided: list(undecided) }
            }
            Judgement::Withheld(clauses) => Answer { withheld: list(clauses), ..Answer::default() },
            Judgement::Undecided(clauses) => Answer { undecided: list(clauses), ..Answer::default() },
            Judgement::Outside => Answer::default(),
        };
        self.judged.push((record.bytes.to_vec(), answer));
        Ok(())
    }

    fn separator(&mut self, _: u64) {}

    fn unreadable(&mut self, bytes: u64, why: Unreadable) {
        panic!("{bytes} bytes are unreadable: {why:?}");
    }
}

/// What the gate made of a file, and of each record where it was opened for them.
type Judged = (EntryDecision, Option<Vec<(Vec<u8>, Answer)>>);

/// What the library makes of every record of a file, if any clause may look at them.
fn judge(scope: &Scope, file: &File, format: Format, stream: &[u8]) -> Judged {
    let mut decision = scope.decide(file.source, entry(file));
    let Some(permit) = decision.records.take() else { return (decision, None) };
    let (gate, mut content) = permit.opened(Box::new(Cursor::new(stream.to_vec()))).into_records(scope).unwrap();
    let mut sink = Sink { gate: &gate, judged: Vec::new() };
    let row = extract::record::format(format);
    let years = Years::of(row, &mut &stream[..], None, YearBasis::Stated(2024)).unwrap();
    row.split(&mut content, None, &mut years.dating(&mut sink)).unwrap();
    (decision, Some(sink.judged))
}

fn records_agree(matter: Matter, seed: u64, orders: usize) -> Tally {
    let (mut chance, mut tally) = (Chance::seeded(seed), Tally::default());
    let mut differences = Differences::default();
    for _ in 0..orders {
        let plain = generate::order(&mut chance, matter);
        let (order, provider) = read(&plain);
        let scope = Scope::compile(&order, Some(&provider)).unwrap();
        let aims = Aim::all(&plain);
        let file = generate::file(&mut chance, matter, &aims);
        for (format, stream, records) in generate::streams(&mut chance, matter, &aims) {
            let kind = match format {
                Format::AccessLog => Kind::Log,
                Format::Syslog => Kind::Syslog,
                _ => Kind::Mail,
            };
            let stream_naive = naive::decide_stream(&plain, &file);
            let (decision, judged) = judge(&scope, &file, format, &stream);
            let stream_gate = Answer {
                // Nothing is admitted yet: these are the clauses that may look inside.
                admitted: if judged.is_some() { stream_naive.admitted.clone() } else { vec![] },
                withheld: list(decision.withheld),
                undecided: list(decision.undecided),
            };
            differences.compare(&plain, &file, b"(the stream)", &stream_naive, &stream_gate);
            let Some(judged) = judged else {
                tally.count(format.name(), &stream_naive, plain.clauses.len());
                continue;
            };
            assert_eq!(judged.len(), records.len(), "the splitter and the test cut the same stream");
            for (raw, (bytes, gate)) in records.iter().zip(&judged) {
                assert_eq!(raw.escape_ascii().to_string(), bytes.escape_ascii().to_string());
                let naive = naive::decide_record(&plain, &file, kind, raw);
                tally.count(format.name(), &naive, plain.clauses.len());
                differences.compare(&plain, &file, raw, &naive, gate);
            }
        }
    }
    differences.none();
    tally
}

#[test]
fn the_gate_and_the_naive_decider_agree_on_web_logs() {
    let tally = records_agree(Matter::Log, 20_240_331, 400);
    println!("web logs: {tally:?}");
    tally.each_is_at_least(3);
}

#[test]
fn the_gate_and_the_naive_decider_agree_on_syslog() {
    let tally = records_agree(Matter::Syslog, 3_164, 400);
    println!("syslog: {tally:?}");
    tally.each_is_at_least(3);
}

#[test]
fn the_gate_and_the_naive_decider_agree_on_mail() {
    let tally = records_agree(Matter::Mail, 20_241_027, 500);
    println!("mail: {tally:?}");
    tally.each_is_at_least(3);
}

#[test]
fn the_gate_and_the_naive_decider_agree_on_single_messages() {
    let tally = records_agree(Matter::Letter, 822, 500);
    println!("single messages: {tally:?}");
    tally.each_is_at_least(3);
}

#[test]
fn the_gate_and_the_naive_decider_agree_on_whole_files() {
    let mut chance = Chance::seeded(17);
    let mut tally = Tally::default();
    let mut differences = Differences::default();
    for _ in 0..1_500 {
        let plain = generate::order(&mut chance, Matter::Files);
        let (order, provider) = read(&plain);
        let scope = Scope::compile(&order, Some(&provider)).unwrap();
        let aims = Aim::all(&plain);
        for _ in 0..4 {
            let file = generate::file(&mut chance, Matter::Files, &aims);
            let content = generate::content(&mut chance, &aims[0]);
            let naive = naive::decide_content(&plain, &file, &content);
            let mut decision = scope.decide(file.source, entry(&file));
            let mut gate =
                Answer { admitted: vec![], withheld: list(decision.withheld), undecided: list(decision.undecided) };
            if let Some(permit) = decision.whole.take() {
                let (mut whole, mut stream) =
                    permit.opened(Box::new(Cursor::new(content.clone()))).into_whole(&scope).unwrap();
                // Pieces of every size, so that an identifier lies across their edges too.
                let size = 1 + chance.below(40);
                let mut piece = vec![0; size];
                loop {
                    let count = stream.read(&mut piece).unwrap();
                    if count == 0 {
                        break;
                    }
                    whole.observe(&piece[..count]);
                }
                match whole.finish() {
                    WholeJudgement::In(item) => gate.admitted = list(item.clauses()),
                    WholeJudgement::Withheld(clauses) => gate.withheld.extend(list(clauses)),
                    WholeJudgement::Undecided(clauses) => gate.undecided.extend(list(clauses)),
                }
                gate.withheld.sort_unstable();
                gate.undecided.sort_unstable();
            }
            tally.count("whole files", &naive, plain.clauses.len());
            differences.compare(&plain, &file, &content, &naive, &gate);
        }
    }
    println!("whole files: {tally:?}");
    differences.none();
    tally.each_is_at_least(3);
}

/// What a whole file's search makes of this content, shown to it in pieces of that size.
fn search(scope: &Scope, content: &[u8], piece: usize) -> &'static str {
    let file = File { source: 0, path: b"/srv/x".to_vec(), times: [None; 4] };
    let permit = scope.decide(0, entry(&file)).whole.unwrap();
    let (mut gate, _) = permit.opened(Box::new(Cursor::new(Vec::new()))).into_whole(scope).unwrap();
    content.chunks(piece).for_each(|piece| gate.observe(piece));
    match gate.finish() {
        WholeJudgement::In(_) => "in",
        WholeJudgement::Withheld(_) => "withheld",
        WholeJudgement::Undecided(_) => "undecided",
    }
}

#[test]
fn a_long_file_is_searched_alike_wherever_the_search_is_cut() {
    let mut chance = Chance::seeded(4);
    let mut plain = generate::order(&mut chance, Matter::Files);
    plain.clauses.truncate(1);
    plain.clauses[0] =
        order::Clause { source: 0, paths: vec!["/srv/x".to_owned()], window: None, ..plain.clauses[0].clone() };
    plain.withheld_paths.clear();
    plain.withheld = vec![
        order::Identifier::Email("carol@lawfirm.example".to_owned()),
        order::Identifier::Ip("192.0.2.1".to_owned()),
        order::Identifier::Token("a/b".to_owned()),
    ];
    let (order, provider) = read(&plain);
    let scope = Scope::compile(&order, Some(&provider)).unwrap();
    let cases: [(&[u8], &str); 9] = [
        (b" carol@lawfirm.example ", "withheld"),
        (b"xcarol@lawfirm.example ", "in"),
        (b" carol@lawfirm.example.org ", "in"),
        (b" carol@lawfirm.example... ", "withheld"),
        (b" 192.0.2.1 ", "withheld"),
        (b" 192.0.2.10 ", "in"),
        (b" 1192.0.2.1 ", "in"),
        (b"(a/b)", "withheld"),
        (b"(xa/bc)", "in"),
    ];
    let mut searched = 0;
    for kib in [16, 32, 64, 128, 256, 512] {
        let edge = kib * 1024;
        for (text, expected) in cases {
            // The text lies across the edge in every way, seen from the beginning of the file.
            for before in 0..=text.len() {
                for filler in [b' ', b'z'] {
                    let mut content = vec![filler; edge - before];
                    let last = content.len() - 1;
                    content[last] = b' ';
                    content.extend_from_slice(text);
                    content.push(b' ');
                    content.extend(vec![filler; 5_000]);
                    let found = search(&scope, &content, edge);
                    assert_eq!(found, expected, "{:?} {before} bytes before {edge}", text.escape_ascii().to_string());
                    searched += 1;
                }
            }
        }
    }
    println!("{searched} long files searched");
}
