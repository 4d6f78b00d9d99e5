//! SQLite databases: held against `truth.json` and against Python's SQLite, with and without what stands beside them, damaged,
//! hostile, and through the program with `extract verify` behind it. Without the corpora a line says so.

#[path = "../case/mod.rs"]
mod case;
mod damage;
mod hostile;
mod made;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "../fixture/mutation.rs"]
mod mutation;
mod program;
mod read;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "../fixture/tree.rs"]
mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use extract::order::Format;
use extract::record::{Probe, probe_format};
use read::{agrees, copied, split, split_file};
use serde_json::Value;

/// Tables of the corpora that are virtual: no row is stored in one. What it shows stands in the plain tables of its name
/// with something behind it, which are given.
const VIRTUAL: [(&str, &str, &str); 1] = [("db/sqlite/plaso_mmssms.db", "words", "words_content")];

fn counts(name: &str, facts: &Value) -> BTreeMap<String, u64> {
    let tables = facts.as_object().unwrap().iter();
    let mut counts: BTreeMap<_, _> = tables.map(|(name, count)| (name.clone(), count.as_u64().unwrap())).collect();
    for (_, shown, stored) in VIRTUAL.iter().filter(|(file, ..)| *file == name) {
        println!("{name}: {shown} is virtual, and its {} rows are those of {stored}", counts[*shown]);
        assert_eq!(counts.remove(*shown), counts.get(*stored).copied());
    }
    counts.retain(|_, count| *count > 0);
    counts
}

#[test]
fn every_row_of_the_corpora_is_given_as_it_is_stored() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let Ok(truth) = fs::read(folder.join("truth.json")) else {
        println!("corpora: {} is not there", folder.display());
        return;
    };
    let truth: Value = serde_json::from_slice(&truth).unwrap();
    for (name, facts) in truth["sqlite"].as_object().unwrap() {
        let known = ["tables", "tables_with_wal_applied"];
        assert!(facts.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{name}");
        let path = folder.join(name);
        let bytes = fs::read(&path).unwrap();
        assert!(
            matches!(probe_format(&bytes[..4096.min(bytes.len())], false), Probe::One(row) if row.format() == Format::Sqlite)
        );
        let has_wal = path.with_file_name(format!("{}-wal", path.file_name().unwrap().to_str().unwrap())).is_file();
        assert_eq!(has_wal, facts.get("tables_with_wal_applied").is_some(), "{name}");
        let (given, result) = split_file(&path);
        result.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(given.unreadable.is_empty(), "{name}");
        let stated = if has_wal { &facts["tables_with_wal_applied"] } else { &facts["tables"] };
        assert_eq!(given.tables(), counts(name, stated), "{name}");
        let rows = agrees(&path, &given);
        if has_wal {
            let (alone, result) = split(&bytes, &[]);
            result.unwrap();
            assert_eq!(alone.tables(), counts(name, &facts["tables"]), "{name} without what stands beside it");
            let folder = tempfile::tempdir().unwrap();
            let copy = copied(&path, folder.path());
            fs::remove_file(format!("{}-wal", copy.to_str().unwrap())).unwrap();
            agrees(&copy, &alone);
        }
        println!("{name}: {rows} rows{}", if has_wal { ", with its log" } else { "" });
    }
}
