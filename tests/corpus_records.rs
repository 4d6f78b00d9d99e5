//! Single messages of `../shared/corpora` against an independent reading of them (`truth.json`, section `eml`).
//!
//! Every difference stands in `tests/eml_differences.tsv`, with who is right and why. A difference that is not in the
//! table fails, and so does a row that is no difference any more. Without the corpora a line says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use extract::order::{Clock, Format, Role};
use extract::record::{RecordSink, Stop, Unreadable, format};
use extract::scope::{Fields, RawRecord, Reading, TimeField, Value};

const TABLE: &str = "tests/eml_differences.tsv";

fn corpora() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let found = folder.join("truth.json").is_file();
    println!("corpora: {} is {}there", folder.display(), if found { "" } else { "not " });
    found.then_some(folder)
}

/// Keeps what the one record of a stream says.
#[derive(Default)]
struct Keep(Option<Said>);

#[derive(Default)]
struct Said {
    from: String,
    to_cc: String,
    date: String,
}

impl RecordSink for Keep {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        assert!(self.0.is_none(), "one message a file");
        self.0 = Some(Said {
            from: addresses(record.fields, &[Role::From]),
            to_cc: addresses(record.fields, &[Role::To, Role::Cc]),
            date: match record.fields.time(Clock::DateHeader) {
                TimeField::At(at) => at.to_string(),
                TimeField::Local(local) => format!("{} without a zone", local.format("%Y-%m-%dT%H:%M:%S")),
                TimeField::Day(_)
                | TimeField::Unreadable
                | TimeField::Lacks
                | TimeField::Yearless(_)
                | TimeField::Abbreviated(..) => "-".to_owned(),
            },
        });
        Ok(())
    }

    fn separator(&mut self, bytes: u64) {
        panic!("{bytes} bytes between records in a single message");
    }

    /// A file that is no message says nothing, and the truth must say nothing of it either.
    fn unreadable(&mut self, bytes: u64, why: Unreadable) {
        assert_eq!(why, Unreadable::NotTheFormat, "{bytes} bytes");
    }
}

fn addresses(fields: &dyn Fields, roles: &[Role]) -> String {
    let mut seen = BTreeSet::new();
    let mut partial = false;
    for &role in roles {
        let reading = fields.values(role, &mut |value| match value {
            Value::Address { local, domain } => {
                let text = [local, b"@", domain].concat();
                seen.insert(String::from_utf8_lossy(&text).to_lowercase());
            }
            other => panic!("{other:?} is no address"),
        });
        partial |= reading == Reading::Partial;
    }
    let mut list = one_line(seen);
    if partial {
        list.push_str(" and what cannot be read");
    }
    list
}

fn one_line(list: BTreeSet<String>) -> String {
    let list: Vec<String> = list.into_iter().map(|text| text.escape_debug().to_string()).collect();
    if list.is_empty() { "-".to_owned() } else { list.join(" ") }
}

fn truth_list(value: &serde_json::Value) -> String {
    let list = value.as_array().expect("a list of addresses");
    one_line(list.iter().map(|text| text.as_str().expect("an address").to_lowercase()).collect())
}

#[test]
fn every_single_message_says_what_the_truth_says_or_stands_in_the_table() {
    let Some(corpora) = corpora() else { return };
    let truth: serde_json::Value =
        serde_json::from_slice(&fs::read(corpora.join("truth.json")).unwrap()).expect("truth.json is JSON");
    let mut found = BTreeMap::new();
    let mut files = 0;
    for (file, expected) in truth["eml"].as_object().expect("section eml") {
        files += 1;
        let bytes = fs::read(corpora.join(file)).unwrap();
        let mut keep = Keep::default();
        format(Format::Eml).split(&mut bytes.as_slice(), None, &mut keep).expect("a file is read to its end");
        let said = keep.0.unwrap_or_else(|| Said { from: "-".into(), to_cc: "-".into(), date: "-".into() });
        let date = expected["date"].as_str().unwrap_or("-").to_owned();
        for (field, theirs, ours) in [
            ("from", truth_list(&expected["from"]), said.from),
            ("to_cc", truth_list(&expected["to_cc"]), said.to_cc),
            ("date", date, said.date),
        ] {
            if theirs != ours {
                found.insert((file.clone(), field.to_owned()), (theirs, ours));
            }
        }
    }
    println!("eml: {files} files, {} differences", found.len());
    assert!(files > 100, "the section is there");

    let table = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE)).unwrap();
    let mut listed = BTreeMap::new();
    for row in table.lines().filter(|row| !row.starts_with('#') && !row.is_empty()) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [file, field, theirs, ours, who, why] = columns[..] else { panic!("six columns: {row}") };
        assert!(["truth", "we", "either"].contains(&who) && !why.is_empty(), "who is right, and why: {row}");
        listed.insert((file.to_owned(), field.to_owned()), (theirs.to_owned(), ours.to_owned()));
    }
    let unlisted: Vec<_> = found.iter().filter(|(key, value)| listed.get(*key) != Some(value)).collect();
    let stale: Vec<_> = listed.iter().filter(|(key, value)| found.get(*key) != Some(value)).collect();
    for ((file, field), (theirs, ours)) in &unlisted {
        println!("not listed: {file}\t{field}\t{theirs}\t{ours}");
    }
    for ((file, field), (theirs, ours)) in &stale {
        println!("no difference any more: {file}\t{field}\t{theirs}\t{ours}");
    }
    assert!(unlisted.is_empty() && stale.is_empty(), "{TABLE} is not current");
}
