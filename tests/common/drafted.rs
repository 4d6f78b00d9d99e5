//! Drafts through the real gate: files in memory, an order, and what the order admits of them.

use std::io::{Cursor, Read as _};

use extract::ledger::{SourceFacts, StreamTally, Tally};
use extract::order::{self, ManifestText, Order};
use extract::package::{Draft, Drafter, Facts, Place, RecordDraft};
use extract::record::{self, Probe, RecordSink, Stop, Unreadable};
use extract::scope::{Entry, EntryKind, FileTimes, Judgement, Node, RawRecord, RecordGate, Scope, WholeJudgement};

/// An order from its text; it must be valid.
pub fn order(text: &str) -> Order {
    match order::read_alone(ManifestText { name: "order.toml", bytes: text.as_bytes() }) {
        Ok((order, _)) => order,
        Err(findings) => panic!("{findings:#?}"),
    }
}

/// A file of the server.
pub struct File {
    pub path: &'static [u8],
    pub bytes: Vec<u8>,
}

/// Takes the admitted records of one stream.
struct Sink<'g> {
    gate: RecordGate<'g>,
    draft: RecordDraft,
    tally: StreamTally,
}

impl RecordSink for Sink<'_> {
    fn record(&mut self, raw: RawRecord<'_>) -> Result<(), Stop> {
        let length = raw.bytes.len() as u64;
        match self.gate.judge(raw) {
            Judgement::In(admitted, _) => {
                self.tally.disclosed += length;
                self.draft.push(admitted).expect("a record");
            }
            Judgement::Withheld(_) => self.tally.withheld += length,
            Judgement::Undecided(_) => self.tally.undecided += length,
            Judgement::Outside => self.tally.outside += length,
        }
        Ok(())
    }

    fn separator(&mut self, bytes: u64) {
        self.tally.outside += bytes;
    }

    fn unreadable(&mut self, bytes: u64, _: Unreadable) {
        self.tally.unreadable += bytes;
    }
}

/// What the order admits of one file: the whole, and its records.
pub fn drafts(scope: &Scope, drafter: &Drafter, file: &File, streams: &mut StreamTally) -> Vec<Draft> {
    let root = Entry::root(b"/", Node::new(Vec::new()));
    let times = FileTimes::default();
    let name = file.path.strip_prefix(b"/").expect("an absolute path");
    let entry = root.child(name, EntryKind::File, file.bytes.len() as u64, times, Node::new(Vec::new()));
    let decision = scope.decide(0, entry);
    let mut out = Vec::new();
    if let Some(permit) = decision.whole {
        let (mut gate, mut stream) =
            permit.opened(Box::new(Cursor::new(file.bytes.clone()))).into_whole(scope).expect("a whole permit");
        let mut draft = drafter.whole();
        let mut buffer = vec![0; 300_000];
        loop {
            let got = stream.read(&mut buffer).expect("memory");
            if got == 0 {
                break;
            }
            gate.observe(&buffer[..got]);
            draft.write(&buffer[..got]).expect("a spool");
        }
        streams.disclosed += file.bytes.len() as u64;
        let WholeJudgement::In(admitted) = gate.finish() else { panic!("withheld without a withhold") };
        out.push(draft.finish(*admitted, Place::default()));
    }
    if let Some(permit) = decision.records {
        let (gate, mut stream) =
            permit.opened(Box::new(Cursor::new(file.bytes.clone()))).into_records(scope).expect("a records permit");
        let head = &file.bytes[..file.bytes.len().min(8192)];
        let Probe::One(format) = record::probe_format(head, head.len() == file.bytes.len()) else {
            panic!("no format for {}", String::from_utf8_lossy(file.path));
        };
        let mut sink = Sink { gate, draft: drafter.records(format.format()), tally: StreamTally::default() };
        format.split(&mut stream, &mut sink).expect("a whole stream");
        sink.tally.assert_identity(file.bytes.len() as u64).expect("every byte is counted");
        streams.merge(&sink.tally);
        if let Some(provenance) = sink.gate.finish() {
            out.push(sink.draft.finish(provenance, Place::default()));
        }
    }
    out
}

/// What a run would state beside the drafts, nothing being short.
pub fn facts(order: &Order, streams: StreamTally) -> Facts {
    let sources = order.sources.iter().map(|source| SourceFacts {
        name: source.name.clone(),
        kind: "folder".to_owned(),
        bytes: None,
        sha256: None,
        journal: Vec::new(),
    });
    Facts {
        sources: sources.collect(),
        clauses: vec![Tally::default(); order.clauses.len()],
        withheld: 0,
        undecided: 0,
        streams,
    }
}
