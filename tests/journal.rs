//! Journals of systemd, held against `journalctl` entry for entry and field for field, against `truth.json`, damaged, and
//! through the program with `extract verify` behind it. Without the corpora or the tool a line says so.

mod case;
#[allow(dead_code, reason = "part of it is used here")]
#[path = "fixture/tool.rs"]
mod tool;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use case::{Case, records};
use extract::order::{Clock, Format};
use extract::read_error::ReadError;
use extract::record::{Probe, RecordSink, SplitError, Stop, Unreadable, format, probe_format};
use extract::scope::{RawRecord, TimeField};
use serde_json::Value;
use tool::Cannot;

/// What a journal of the corpora lists and does not hold, because the machine went down before it was written: entries, and
/// entries that have lost some of their data. `journalctl` shows the latter without it, and says nothing; here they are
/// unreadable.
const LOST: [(&str, usize, usize); 2] = [("no-rtc_user-1000.journal", 16, 1), ("a5e890e7b00bedd1.journalTILDE", 8, 1)];

fn lost(name: &str) -> (usize, usize) {
    LOST.iter().find(|(part, ..)| name.contains(part)).map_or((0, 0), |(_, entries, partly)| (*entries, *partly))
}

/// The journals of a folder of the corpora, by the name in the truth file, unpacked.
fn journals(folder: &str) -> Vec<(String, Vec<u8>)> {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let entries = fs::read_dir(corpora.join(folder)).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    println!("{folder}: {} journals", paths.len());
    let unpack = |path: PathBuf| {
        let name = format!("{folder}/{}", path.file_name().unwrap().to_str().unwrap());
        (name, zstd::decode_all(fs::File::open(path).unwrap()).unwrap())
    };
    paths.into_iter().map(unpack).collect()
}

#[derive(Default)]
struct Keep {
    lines: Vec<Vec<u8>>,
    times: Vec<TimeField>,
    unreadable: Vec<(u64, Unreadable)>,
    offset: u64,
}

impl RecordSink for Keep {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        assert_eq!(record.offset, self.offset, "an offset is where the record stands in what is handed over");
        self.offset += record.bytes.len() as u64;
        assert!(record.fields.parsed(), "what is rendered is read back");
        self.lines.push(record.bytes.to_vec());
        self.times.push(record.fields.time(Clock::Record));
        Ok(())
    }
    fn separator(&mut self, bytes: u64) {
        panic!("{bytes} bytes between entries");
    }
    fn unreadable(&mut self, bytes: u64, why: Unreadable) {
        assert!(bytes > 0);
        self.offset += bytes;
        self.unreadable.push((bytes, why));
    }
}

fn split(bytes: &[u8]) -> (Keep, Result<(), SplitError>) {
    let mut keep = Keep::default();
    let result = format(Format::Journal).split(&mut { bytes }, Some(&std::env::temp_dir()), &mut keep);
    (keep, result)
}

/// A line's fields; the values of one that occurs several times in an order that does not matter.
fn fields(line: &[u8]) -> BTreeMap<String, Value> {
    let mut fields: BTreeMap<String, Value> = serde_json::from_slice(line).unwrap();
    fields.remove("__CURSOR");
    for value in fields.values_mut() {
        if let Value::Array(items) = value
            && !items.iter().all(Value::is_u64)
        {
            items.sort_by_key(Value::to_string);
        }
    }
    fields
}

/// What `journalctl` makes of a journal; none: it does not end well.
fn journalctl(bytes: &[u8]) -> Result<Option<Vec<u8>>, Cannot> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.journal");
    fs::write(&path, bytes).unwrap();
    match Command::new("journalctl").args(["--output=json", "--all", "--file"]).arg(&path).output() {
        Ok(output) => Ok(output.status.success().then_some(output.stdout)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Cannot::Tool("there is no journalctl".into()))
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_journal_of_the_corpora_has_the_entries_that_journalctl_shows() {
    for (name, bytes) in journals("logs/journal") {
        let (keep, result) = split(&bytes);
        let (lost, partly) = lost(&name);
        assert_eq!(keep.unreadable.len(), lost + partly, "{name}");
        assert_eq!(keep.unreadable.iter().filter(|one| **one == (64, Unreadable::Cut)).count(), lost, "{name}");
        assert_eq!(matches!(result, Err(SplitError::Read(ReadError::Corrupt { .. }))), lost > 0, "{name}: {result:?}");
        let shown = match journalctl(&bytes) {
            Ok(shown) => shown.expect("journalctl reads it"),
            Err(cannot) => return cannot.say("journals beside journalctl"),
        };
        let shown: Vec<&[u8]> = shown.split_inclusive(|&byte| byte == b'\n').collect();
        let mut ours = keep.lines.iter().map(|line| fields(line)).peekable();
        let missing = shown.iter().filter(|theirs| ours.next_if(|ours| *ours == fields(theirs)).is_none()).count();
        assert_eq!((ours.next(), missing), (None, partly), "{name}: the first that differs, and how many are not ours");
        println!("{name}: {} entries equal, {lost} lost, {partly} partly", keep.lines.len());
    }
}

#[test]
fn a_damaged_journal_is_short_and_says_so() {
    for (name, bytes) in journals("logs/journal-damaged") {
        let (keep, result) = split(&bytes);
        println!("{name}: {} entries, {} lost, {result:?}", keep.lines.len(), keep.unreadable.len());
        assert!(matches!(result, Err(SplitError::Read(ReadError::Corrupt { .. }))), "{name}: {result:?}");
    }
}

#[test]
fn only_the_journal_probe_claims_a_journal() {
    for (name, bytes) in journals("logs/journal") {
        let head = &bytes[..8192];
        assert!(matches!(probe_format(head, false), Probe::One(row) if row.format() == Format::Journal), "{name}");
    }
    let (keep, result) = split(b"no journal");
    assert!(result.is_ok());
    assert_eq!(keep.unreadable, [(10, Unreadable::NotTheFormat)]);
    let refused = format(Format::Journal).split(&mut b"LPKSHHRH".as_slice(), None, &mut Keep::default());
    assert!(matches!(refused, Err(SplitError::Read(ReadError::Unsupported { .. }))));
}

#[test]
fn an_unknown_incompatible_flag_is_refused_by_its_number() {
    let Some((_, mut bytes)) = journals("logs/journal").into_iter().next() else { return };
    bytes[12] |= 0x40;
    let (keep, result) = split(&bytes);
    assert!(keep.lines.is_empty());
    assert!(result.unwrap_err().to_string().contains("0x40"));
}

#[test]
fn mutants_of_a_journal_are_read_in_bounds_and_never_give_an_entry_that_is_not_there() {
    let Some((_, original)) =
        journals("logs/journal").into_iter().find(|(name, _)| name.contains("no-rtc_user-1000.journal"))
    else {
        return;
    };
    let (whole, _) = split(&original);
    // Of an entry's own bytes only its times, its boot and its number have no hash.
    let known: std::collections::BTreeSet<&[u8]> = whole.lines.iter().map(Vec::as_slice).collect();
    let used = 0x3f_e430;
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let (mut short, mut changed) = (0, 0);
    for turn in 0..200 {
        let mut bytes = original[..used].to_vec();
        if turn % 4 == 0 {
            bytes.truncate(next(used));
        } else {
            for _ in 0..1 + next(40) {
                // Most of the file is a hash table that is not read.
                let at = if next(8) == 0 { next(256) } else { 0x39_0000 + next(used - 0x39_0000) };
                bytes[at] = u8::try_from(next(256)).unwrap();
            }
        }
        let (keep, result) = split(&bytes);
        assert!(keep.lines.len() <= whole.lines.len(), "mutant {turn}");
        short += usize::from(result.is_err());
        changed += keep.lines.iter().filter(|line| !known.contains(line.as_slice())).count();
        let is_said = result.is_err() || keep.unreadable.iter().any(|(_, why)| *why == Unreadable::TooLong);
        let counts = u64::from_le_bytes(bytes.get(152..160).map_or([0; 8], |count| count.try_into().unwrap()));
        let missing = format!("{} of {counts}, {:?}", keep.lines.len(), keep.unreadable);
        let is_said = is_said || !bytes.starts_with(b"LPKSHHRH");
        assert!(keep.lines.len() == whole.lines.len() || is_said, "mutant {turn}: what is missing is said: {missing}");
    }
    println!("200 mutants: {short} short, {changed} entries with another time");
}

#[test]
fn a_list_that_leads_to_itself_comes_to_an_end() {
    let Some((_, mut bytes)) = journals("logs/journal").into_iter().next() else { return };
    let first = usize::try_from(u64::from_le_bytes(bytes[176..184].try_into().unwrap())).unwrap();
    bytes.copy_within(176..184, first + 16);
    let (keep, result) = split(&bytes);
    assert!(keep.lines.len() < 20, "{}", keep.lines.len());
    assert!(matches!(result, Err(SplitError::Read(ReadError::Corrupt { .. }))));
}

#[test]
fn every_query_of_the_truth_is_answered_exactly_through_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora/truth.json");
    let Ok(truth) = fs::read(&path) else { return println!("truth.json is not there") };
    let truth: Value = serde_json::from_slice(&truth).unwrap();
    for (name, bytes) in journals("logs/journal") {
        let known = &truth["journal"][&name];
        let (keep, _) = split(&bytes);
        let (lost, partly) = lost(&name);
        assert_eq!((keep.lines.len() + partly) as u64, known["entries"].as_u64().unwrap(), "{name}");
        let entries: Vec<Value> = keep.lines.iter().map(|line| serde_json::from_slice(line).unwrap()).collect();
        let count = |of: &str, value: &str| entries.iter().filter(|entry| entry[of] == value).count() as u64;
        for (of, top) in [("SYSLOG_IDENTIFIER", "by_syslog_identifier_top5"), ("_SYSTEMD_UNIT", "by_unit_top5")] {
            for row in known[top].as_array().unwrap().iter().filter(|row| row[0] != "None") {
                let missing = row[1].as_u64().unwrap() - count(of, row[0].as_str().unwrap());
                assert!(missing <= partly as u64, "{name}: {of} {row}, {missing} missing");
            }
        }
        let micros = |key: &str| known[key].as_u64().unwrap().to_string();
        let stated: Vec<&str> = entries.iter().map(|entry| entry["__REALTIME_TIMESTAMP"].as_str().unwrap()).collect();
        assert_eq!(stated.iter().min(), Some(&micros("first_realtime_us").as_str()), "{name}");
        if partly == 0 {
            assert_eq!(stated.iter().max(), Some(&micros("last_realtime_us").as_str()), "{name}");
        }

        // The same through the program.
        let lost = lost > 0;
        let case = Case::new();
        case.file("/var/log/journal/a.journal", &bytes);
        case.order("", &records("\"/var/log/journal/a.journal\"", "everything = true"));
        case.run().ends_with(if lost { 3 } else { 0 });
        let package = case.package();
        let [(_, data)] = &package.disclosed()[..] else { panic!("{name}: one exhibit") };
        assert_eq!(*data, keep.lines.concat(), "{name}");
        assert!(package.names.contains(&"data/000001.jsonl".to_owned()));
        assert_eq!(package.shortfalls().is_empty(), !lost, "{name}");
    }
}

/// An order for some entries of the first journal, run.
fn packaged(more: &str) -> Option<Case> {
    let (_, bytes) = journals("logs/journal").into_iter().next()?;
    let case = Case::new();
    case.file("/var/log/journal/a.journal", &bytes);
    case.order("", &records("\"/var/log/journal/a.journal\"", more));
    case.run().ends_with(0);
    Some(case)
}

#[test]
fn a_window_and_a_token_choose_entries_and_verify_finds_a_changed_byte() {
    let more = "as = \"journal\"\nidentifiers = [{ account = \"anacron\" }]\n\
                window = { from = 2017-01-28, through = 2017-01-31, clock = \"record\" }";
    let Some(case) = packaged(more) else { return };
    let package = case.package();
    let [(_, data)] = &package.disclosed()[..] else { panic!("one exhibit") };
    let (_, bytes) = journals("logs/journal").into_iter().next().unwrap();
    let is_token = |byte: u8| byte >= 0x80 || byte.is_ascii_alphanumeric() || b"._%+@-".contains(&byte);
    let has = |value: &str| value.split(|sign: char| !sign.is_ascii() || !is_token(sign as u8)).any(|t| t == "anacron");
    let expected: Vec<u8> = split(&bytes)
        .0
        .lines
        .into_iter()
        .filter(|line| {
            let entry: BTreeMap<String, Value> = serde_json::from_slice(line).unwrap();
            let at: u64 = entry["__REALTIME_TIMESTAMP"].as_str().unwrap().parse().unwrap();
            let in_window = (1_485_561_600_000_000..1_485_907_200_000_000).contains(&at);
            in_window && entry.values().any(|value| value.as_str().is_some_and(&has))
        })
        .flatten()
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(*data, expected);

    let path = case.path("out.tar");
    let mut tar = fs::read(&path).unwrap();
    let at = tar.windows(8).position(|window| window == b"anacron\"").unwrap();
    tar[at] = b'b';
    let tampered = case.path("tampered.tar");
    fs::write(&tampered, tar).unwrap();
    let said = case.extract(&["verify", "tampered.tar"]);
    assert_eq!(said.code, Some(1), "{}", said.stdout);
}
