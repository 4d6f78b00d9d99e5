//! Databases as tests make and read them: made with SQLite, given to the format with what stands beside them, and held cell
//! for cell against Python's SQLite.
//!
//! **Invariant:** every row that is handed over is read back by the format that splits an exhibit again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use extract::order::Format;
use extract::record::{RecordSink, Sibling, SplitError, Stop, Unreadable, format};
use extract::scope::RawRecord;
use serde_json::Value;

/// What the format gave of a database.
#[derive(Default)]
pub struct Given {
    pub lines: Vec<Vec<u8>>,
    pub unreadable: Vec<(u64, Unreadable)>,
    offset: u64,
}

impl RecordSink for Given {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        assert_eq!(record.offset, self.offset, "an offset is where the record stands in what is handed over");
        self.offset += record.bytes.len() as u64;
        assert!(record.fields.parsed() && record.fields.table().is_some());
        self.lines.push(record.bytes.to_vec());
        Ok(())
    }
    fn separator(&mut self, bytes: u64) {
        panic!("{bytes} bytes between rows");
    }
    fn unreadable(&mut self, bytes: u64, why: Unreadable) {
        assert!(bytes > 0);
        self.offset += bytes;
        self.unreadable.push((bytes, why));
    }
}

impl Given {
    /// How many rows each table gave.
    pub fn tables(&self) -> BTreeMap<String, u64> {
        let mut tables = BTreeMap::new();
        for line in &self.lines {
            let row: Value = serde_json::from_slice(line).unwrap();
            *tables.entry(row["table"].as_str().unwrap().to_owned()).or_insert(0) += 1;
        }
        tables
    }

    pub fn text(&self) -> String {
        self.lines.iter().map(|line| std::str::from_utf8(line).unwrap()).collect()
    }
}

/// Splits a database, with the files beside it by their suffix.
pub fn split(database: &[u8], beside: &[(&'static str, &[u8])]) -> (Given, Result<(), SplitError>) {
    let scratch = tempfile::tempdir().unwrap();
    let mut given = Given::default();
    let mut streams: Vec<(&'static str, &[u8])> = beside.to_vec();
    let mut siblings: Vec<Sibling<'_>> =
        streams.iter_mut().map(|(suffix, stream)| Sibling { suffix, stream }).collect();
    let row = format(Format::Sqlite);
    let result = row.split_with(&mut { database }, &mut siblings, Some(scratch.path()), &mut given);
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "nothing stays in the scratch folder");
    let mut again = Given::default();
    let joined = given.lines.concat();
    row.rendered().unwrap().split(&mut joined.as_slice(), None, &mut again).unwrap();
    assert!(again.lines == given.lines && again.unreadable.is_empty());
    (given, result)
}

/// The database at `path` and what stands beside it.
pub fn split_file(path: &Path) -> (Given, Result<(), SplitError>) {
    let read = |suffix: &'static str| {
        let name = format!("{}{suffix}", path.to_str().unwrap());
        fs::read(name).ok().map(|bytes| (suffix, bytes))
    };
    let beside: Vec<_> = ["-wal", "-journal"].into_iter().filter_map(read).collect();
    let beside: Vec<_> = beside.iter().map(|(suffix, bytes)| (*suffix, bytes.as_slice())).collect();
    split(&fs::read(path).unwrap(), &beside)
}

/// Copies a database and what stands beside it, and names the copy.
pub fn copied(path: &Path, folder: &Path) -> std::path::PathBuf {
    let name = path.file_name().unwrap().to_str().unwrap();
    for suffix in ["", "-wal", "-journal"] {
        if let Ok(bytes) = fs::read(path.with_file_name(format!("{name}{suffix}"))) {
            fs::write(folder.join(format!("{name}{suffix}")), bytes).unwrap();
        }
    }
    folder.join(name)
}

/// Cell for cell, in the order of the tables' names and of their rows.
const PEER: &str = r#"
import sys, json, sqlite3, base64
con = sqlite3.connect(sys.argv[1])
con.text_factory = bytes
quoted = lambda name: '"' + name.decode().replace('"', '""') + '"'
lines = open(sys.argv[2], 'rb').read().split(b'\n')[:-1]
names = [n for (n,) in con.execute("SELECT name FROM sqlite_master WHERE type='table' AND upper(sql) LIKE 'CREATE TABLE%'")]
at = 0
for name in sorted(names):
    columns = [r[1] for r in con.execute('PRAGMA table_xinfo(%s)' % quoted(name)) if r[6] in (0, 3)]
    asked = ','.join('typeof(%s),%s' % (quoted(c), quoted(c)) for c in columns)
    try:
        assert b'rowid' not in columns
        rows = con.execute('SELECT %s FROM %s NOT INDEXED ORDER BY rowid' % (asked, quoted(name)))
    except (AssertionError, sqlite3.OperationalError):
        rows = con.execute('SELECT %s FROM %s NOT INDEXED' % (asked, quoted(name)))
    for row in rows:
        line = json.loads(lines[at])
        at += 1
        assert line['table'] == name.decode(), (line['table'], name)
        assert list(line['row']) == [c.decode() for c in columns], line
        for i, cell in enumerate(line['row'].values()):
            kind, value = row[2 * i], row[2 * i + 1]
            if kind == b'text':
                try: value = value.decode()
                except UnicodeDecodeError: value = {'base64': base64.b64encode(value).decode()}
            elif kind == b'blob':
                value = {'base64': base64.b64encode(value).decode()}
            elif kind == b'real' and value in (float('inf'), float('-inf')):
                value = 'inf' if value > 0 else '-inf'
            assert type(cell) == type(value) and cell == value, (name, line, kind, value)
assert at == len(lines), (at, len(lines))
print(at)
"#;

/// Holds what was given against Python's SQLite on a copy of the database; how many rows both gave.
#[track_caller]
pub fn agrees(path: &Path, given: &Given) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let copy = copied(path, folder.path());
    let lines = folder.path().join("given.jsonl");
    fs::write(&lines, given.lines.concat()).unwrap();
    let said = crate::case::tool("python3", &["-c", PEER, copy.to_str().unwrap(), lines.to_str().unwrap()]);
    let count: usize = said.trim().parse().unwrap();
    assert_eq!(count, given.lines.len());
    count
}
