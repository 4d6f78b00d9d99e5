//! Records of utmp, held against `truth.json` and `utmpdump`, forged, cut, and through the program with `extract verify`
//! behind it. Without the corpora or the tool a line says so.

mod case;
#[allow(dead_code, reason = "part of it is used here")]
#[path = "fixture/tool.rs"]
mod tool;

use std::fs;
use std::path::Path;

use case::{Case, records};
use extract::order::{Clock, Format, Role};
use extract::record::{Probe, RecordSink, Stop, Unreadable, format, probe_format};
use extract::scope::{RawRecord, Reading, TimeField, Value};

/// A record as a test states it.
#[derive(Clone, Copy)]
struct Row {
    kind: u16,
    line: &'static str,
    user: &'static str,
    host: &'static str,
    address: [u8; 16],
    seconds: u32,
}

const V4: [u8; 16] = [192, 0, 2, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const V6: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
const ALICE: Row =
    Row { kind: 7, line: "pts/0", user: "alice", host: "192.0.2.7", address: V4, seconds: 1_711_360_000 };

fn bytes(row: Row) -> Vec<u8> {
    let mut record = vec![0; 384];
    record[..2].copy_from_slice(&row.kind.to_le_bytes());
    record[4..8].copy_from_slice(&4_321u32.to_le_bytes());
    for (at, text) in [(8, row.line), (40, "ts/0"), (44, row.user), (76, row.host)] {
        record[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    record[340..344].copy_from_slice(&row.seconds.to_le_bytes());
    record[344..348].copy_from_slice(&250_000u32.to_le_bytes());
    record[348..364].copy_from_slice(&row.address);
    record
}

/// What the records of a stream say.
#[derive(Default)]
struct Keep {
    parsed: Vec<bool>,
    user: Vec<(Vec<String>, Reading)>,
    client: Vec<(Vec<String>, Reading)>,
    texts: Vec<(Vec<String>, Reading)>,
    times: Vec<TimeField>,
    stored: Vec<Vec<u8>>,
    separators: u64,
    unreadable: Vec<(u64, Unreadable)>,
}

impl RecordSink for Keep {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        let role = |role| {
            let mut seen = Vec::new();
            let reading = record.fields.values(role, &mut |value| {
                seen.push(match value {
                    Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
                    Value::Ip(ip, _) => format!("ip {ip}"),
                    Value::Address { .. } => panic!("no mail"),
                });
            });
            (seen, reading)
        };
        self.user.push(role(Role::User));
        self.client.push(role(Role::Client));
        let mut texts = Vec::new();
        let reading = record.fields.texts(&mut |text| texts.push(String::from_utf8_lossy(text).into_owned()));
        self.texts.push((texts, reading));
        self.parsed.push(record.fields.parsed());
        self.times.push(record.fields.time(Clock::Record));
        self.stored.push(record.bytes.to_vec());
        Ok(())
    }
    fn separator(&mut self, bytes: u64) {
        self.separators += bytes;
    }
    fn unreadable(&mut self, bytes: u64, why: Unreadable) {
        self.unreadable.push((bytes, why));
    }
}

fn split(bytes: &[u8]) -> Keep {
    let mut keep = Keep::default();
    format(Format::Utmp).split(&mut { bytes }, None, &mut keep).unwrap();
    keep
}

#[test]
fn the_user_and_the_client_are_told_of_a_session_and_of_nothing_else() {
    let cases: [(Row, &[&str], &[&str], Reading); 9] = [
        (ALICE, &["alice"], &["ip 192.0.2.7"], Reading::Complete),
        (Row { kind: 6, ..ALICE }, &["alice"], &["ip 192.0.2.7"], Reading::Complete),
        (
            Row { address: V6, host: "h.example", ..ALICE },
            &["alice"],
            &["ip 2001:db8::9", "h.example"],
            Reading::Complete,
        ),
        // A name server may say anything; the number is the system's.
        (Row { host: "198.51.100.1", ..ALICE }, &["alice"], &["ip 192.0.2.7"], Reading::Complete),
        (Row { host: "192.0.2.8:0.0", address: [0; 16], ..ALICE }, &["alice"], &["ip 192.0.2.8"], Reading::Complete),
        (Row { host: ":0", address: [0; 16], ..ALICE }, &["alice"], &[":0"], Reading::Complete),
        (Row { kind: 2, user: "reboot", host: "6.1.0", address: [0; 16], ..ALICE }, &[], &[], Reading::Complete),
        (Row { kind: 0, ..ALICE }, &[], &[], Reading::Partial),
        (Row { kind: 10, ..ALICE }, &[], &[], Reading::Partial),
    ];
    for (at, (row, user, client, reading)) in cases.into_iter().enumerate() {
        let keep = split(&bytes(row));
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(keep.user, [(words(user), reading)], "case {at}");
        assert_eq!(keep.client, [(words(client), reading)], "case {at}");
    }
}

#[test]
fn a_text_that_fills_its_field_may_have_been_cut_and_is_not_told() {
    let keep = split(&bytes(Row { user: "abcdefghijklmnopqrstuvwxyz012345", ..ALICE }));
    assert_eq!(keep.parsed, [true]);
    assert_eq!(keep.user, [(vec![], Reading::Partial)]);
    assert_eq!(keep.texts[0].1, Reading::Partial);
    assert!(keep.texts[0].0.iter().all(|text| !text.contains("abc")));
    let whole = split(&bytes(ALICE));
    assert_eq!(whole.texts[0].1, Reading::Complete);
    for text in ["192.0.2.7", "alice", "pts/0", "ts/0"] {
        assert!(whole.texts[0].0.contains(&text.to_owned()), "{text}");
    }
}

#[test]
fn what_is_not_zero_where_it_must_be_is_not_the_shape_and_is_still_searched() {
    for (at, searched) in [(2, false), (60, true), (200, true), (370, true)] {
        let mut record = bytes(ALICE);
        record[at] = b'Q';
        let keep = split(&record);
        assert_eq!(keep.parsed, [false], "byte {at}");
        assert_eq!(keep.texts[0].0.contains(&"Q".to_owned()), searched, "byte {at}");
        assert!(!matches!(probe_format(&record, true), Probe::One(_)), "byte {at}");
    }
}

#[test]
fn seconds_are_read_without_a_sign_and_zero_is_no_time() {
    let time = |seconds| match split(&bytes(Row { seconds, ..ALICE })).times[..] {
        [TimeField::At(at)] => at.to_string(),
        [TimeField::Unreadable] => "unreadable".to_owned(),
        _ => panic!("one time"),
    };
    assert_eq!(time(0), "unreadable");
    assert_eq!(time(0x7fff_ffff), "2038-01-19T03:14:07.25Z");
    assert_eq!(time(0x8000_0000), "2038-01-19T03:14:08.25Z");
    assert_eq!(time(u32::MAX), "2106-02-07T06:28:15.25Z");
}

#[test]
fn an_unused_slot_is_no_record_and_a_part_of_one_is_unreadable() {
    let stream = [bytes(ALICE), vec![0; 768], bytes(ALICE), vec![7; 100]].concat();
    let keep = split(&stream);
    assert_eq!((keep.stored.len(), keep.separators), (2, 768));
    assert_eq!(keep.unreadable, [(100, Unreadable::NotTheFormat)]);
    let cases = [
        (stream.as_slice(), true),
        (&stream[..384], true),
        (&stream[..383], false),
        (&[0; 768], false),
        (&[1; 768], false),
        (b"", false),
    ];
    for (at, (head, expected)) in cases.into_iter().enumerate() {
        let claims = matches!(probe_format(head, true), Probe::One(row) if row.format() == Format::Utmp);
        assert_eq!(claims, expected, "case {at}");
    }
}

#[test]
fn every_record_of_the_corpora_is_what_the_truth_and_utmpdump_say() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let Ok(truth) = fs::read(corpora.join("truth.json")) else { return println!("truth.json is not there") };
    let truth: serde_json::Value = serde_json::from_slice(&truth).unwrap();
    for (name, known) in truth["utmp"].as_object().unwrap() {
        let stream = fs::read(corpora.join(name)).unwrap();
        let head = &stream[..stream.len().min(8192)];
        assert!(matches!(probe_format(head, true), Probe::One(row) if row.format() == Format::Utmp), "{name}");
        let keep = split(&stream);
        let list = known["list"].as_array().unwrap();
        assert_eq!((keep.stored.len(), keep.unreadable.len()), (list.len(), 0), "{name}");
        assert!(keep.parsed.iter().all(|parsed| *parsed), "{name}");
        for (at, row) in list.iter().enumerate() {
            let TimeField::At(time) = keep.times[at] else { panic!("{name}, record {at}: no time") };
            assert_eq!(Some(time.seconds()), row["sec"].as_i64(), "{name}, record {at}");
            for text in ["user", "line", "host"].map(|key| row[key].as_str().unwrap()) {
                assert!(text.is_empty() || keep.texts[at].0.iter().any(|seen| seen == text), "{name}, {at}: {text}");
            }
            if row["type"].as_u64() > Some(5) {
                let user: Vec<&str> = keep.user[at].0.iter().map(String::as_str).collect();
                let expected = row["user"].as_str().filter(|user| !user.is_empty());
                assert_eq!(user, expected.into_iter().collect::<Vec<_>>(), "{name}, record {at}");
            }
        }
        match tool::try_run("utmpdump", &[tool::text(&corpora.join(name))]) {
            Ok(dump) => {
                assert_eq!(dump.lines().count(), keep.stored.len(), "{name}");
                for (line, time) in dump.lines().zip(&keep.times) {
                    let TimeField::At(time) = time else { panic!("no time") };
                    let second = time.to_string()[..19].to_owned();
                    assert!(line.contains(&second), "{line}: {second}");
                }
            }
            Err(cannot) => cannot.say("records of utmp beside utmpdump"),
        }
        println!("{name}: {} records equal", list.len());
    }
}

#[test]
fn records_of_a_client_and_a_window_go_through_the_program_gzipped_or_not() {
    let rows = [
        ALICE,
        Row { user: "bob", ..ALICE },
        Row { address: [0; 16], host: "192.0.2.70", ..ALICE },
        Row { seconds: 1_800_000_000, ..ALICE },
        Row { kind: 2, user: "reboot", host: "6.1.0-13-amd64", address: [0; 16], ..ALICE },
    ];
    let stream = rows.map(bytes).concat();
    let more = "identifiers = [{ ip = \"192.0.2.7\", role = [\"client\"] }]\n\
                with = [{ account = \"alice\", role = [\"user\"] }]\n\
                window = { from = 2024-03-25, through = 2024-03-25, clock = \"record\" }";
    for as_named in ["", "as = \"utmp\"\n"] {
        let case = Case::new();
        let path = case.file("/var/log/wtmp", &stream);
        if !as_named.is_empty() {
            tool::run("gzip", &["-k", tool::text(&path)]);
        }
        let name = if as_named.is_empty() { "\"/var/log/wtmp\"" } else { "\"/var/log/wtmp.gz\"" };
        case.order("", &records(name, &format!("{as_named}{more}")));
        case.run().ends_with(0);
        let package = case.package();
        let [(_, data)] = &package.disclosed()[..] else { panic!("one exhibit") };
        assert_eq!(*data, bytes(ALICE));
        assert!(package.names.contains(&"data/000001.utmp".to_owned()));
    }
}
