//! The dumps of `../shared/corpora` (`truth.json`, section `sql`) against two other readings of the same rows: the database
//! file of SQLite that holds the same data, and the statements as SQLite itself executes them.
//!
//! Without the corpora a line says so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use extract::order::Format;
use serde_json::Value;

use crate::{case, seen};

/// Says every row of every table of a database, one a line: `["table", {"column": value}]`.
const DATABASE: &str = r#"
import json, sqlite3, sys
base = sqlite3.connect(f"file:{sys.argv[1]}?immutable=1", uri=True)
for (table,) in base.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'").fetchall():
    rows = base.execute(f'select * from "{table}"')
    names = [column[0] for column in rows.description]
    for row in rows:
        print(json.dumps([table, dict(zip(names, row))]))
"#;

/// The same of a dump, whose INSERTs SQLite executes; `N'` is all that it does not know.
const STATEMENTS: &str = r#"
import json, re, sqlite3, sys
text = open(sys.argv[1], encoding="utf-8").read()
base = sqlite3.connect(":memory:")
tables = {}
for statement in re.findall(r"^INSERT INTO .*?;$", text, re.M | re.S):
    table, names = re.match(r"INSERT INTO (\S+) \(([^)]*)\) VALUES", statement).groups()
    if table not in tables:
        tables[table] = [name.strip().strip("`") for name in names.split(",")]
        base.execute(f"create table {table} ({names})")
    base.execute(re.sub(r"(?<=[(] )N'|(?<=[(])N'|(?<=, )N'", "'", statement))
for table, names in tables.items():
    for row in base.execute(f"select * from {table} order by rowid"):
        print(json.dumps([table.strip("`"), dict(zip(names, row))]))
"#;

/// Rows by their table, each as the values of its columns in the order of their names.
type Rows = BTreeMap<String, Vec<Vec<(String, String)>>>;

fn said(script: &str, file: &Path) -> Rows {
    let lines = case::tool("python3", &["-c", script, case::text(file)]);
    let mut rows = Rows::new();
    for line in lines.lines() {
        let (table, row): (String, serde_json::Map<String, Value>) = serde_json::from_str(line).unwrap();
        rows.entry(plain(&table)).or_default().push(cells(&row));
    }
    rows.values_mut().for_each(|rows| rows.sort());
    rows
}

/// `InvoiceLine` and `invoice_line` are one name.
fn plain(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

fn cells(row: &serde_json::Map<String, Value>) -> Vec<(String, String)> {
    let mut cells: Vec<_> = row.iter().map(|(name, value)| (plain(name), one(value))).collect();
    cells.sort();
    cells
}

/// A number is what it counts, and a day is a day, however it is written: the dumps have `2021/1/1`, the database
/// `2021-01-01 00:00:00`. Nothing else is alike that is not the same.
fn one(value: &Value) -> String {
    let Value::String(text) = value else {
        return value.as_f64().map_or_else(|| value.to_string(), |number| format!("{number}"));
    };
    let day = text.strip_suffix(" 00:00:00").unwrap_or(text);
    let parts: Vec<Option<u32>> = day.split(['-', '/']).map(|part| part.parse().ok()).collect();
    match parts[..] {
        [Some(year @ 1900..2100), Some(month @ 1..13), Some(date @ 1..32)] => format!("{year}-{month}-{date}"),
        _ => format!("{text:?}"),
    }
}

fn corpora() -> Option<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let truth = std::fs::read(folder.join("truth.json")).ok();
    println!("corpora: {} is {}there", folder.display(), if truth.is_some() { "" } else { "not " });
    Some((folder.canonicalize().ok()?, serde_json::from_slice(&truth?).expect("truth.json is JSON")))
}

#[test]
fn every_row_of_the_dumps_is_found_cell_for_cell() {
    let Some((folder, truth)) = corpora() else { return };
    let database = "db/sqlite/Chinook_Sqlite.sqlite";
    let stored = said(DATABASE, &folder.join(database));
    let counts = truth["sqlite"][database]["tables"].as_object().unwrap();
    for (table, count) in counts {
        assert_eq!(stored[&plain(table)].len() as u64, count.as_u64().unwrap(), "{table}");
    }
    let mut files = 0;
    for (name, facts) in truth["sql"].as_object().unwrap() {
        // What the truth says of the text itself is no question to this program.
        let known = ["bytes", "insert_statements_line_start", "create_table", "utf8_bom", "utf16", "insert_by_table"];
        assert!(facts.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{name}");
        let (which, database) = match name.as_str() {
            "db/sql/Chinook_MySql.sql" => (Format::MysqlDump, "Chinook."),
            "db/sql/Chinook_PostgreSql.sql" => (Format::PostgresqlDump, "chinook."),
            _ => panic!("{name}: a dump that this test does not know"),
        };
        let seen = seen(which, std::fs::read(folder.join(name)).unwrap());
        assert_eq!(seen.lost, [], "{name}");
        let mut ours = Rows::new();
        let mut tables = BTreeSet::new();
        for row in &seen.rows {
            let row: Value = serde_json::from_str(row).unwrap();
            let table = row["table"].as_str().unwrap().strip_prefix(database).expect("the database is said");
            tables.insert(table.to_owned());
            ours.entry(plain(table)).or_default().push(cells(row["row"].as_object().unwrap()));
        }
        ours.values_mut().for_each(|rows| rows.sort());
        let written = facts["insert_by_table"].as_object().unwrap();
        assert_eq!(tables, written.keys().map(|table| table.trim_matches('`').to_owned()).collect(), "{name}");
        same(&format!("{name} as SQLite executes it"), &ours, &said(STATEMENTS, &folder.join(name)));
        println!("{name}: {} rows of {} tables", seen.rows.len(), tables.len());
        same(&format!("{name} as the database has it"), &ours, &stored);
        files += 1;
    }
    assert_eq!(files, truth["sql"].as_object().unwrap().len());
}

/// Tracks whose name is not the same in the dump of MySQL, and who is right: we. MySQL passes over a backslash that no letter
/// of an escape follows (Reference Manual, table 9.1), SQLite and PostgreSQL keep it.
const BACKSLASHES: [&str; 4] = ["3435", "3448", "3485", "3499"];

fn same(name: &str, ours: &Rows, theirs: &Rows) {
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{name}");
    let mut different = Vec::new();
    for (table, rows) in ours {
        let theirs = &theirs[table];
        assert_eq!(rows.len(), theirs.len(), "{name}: {table}");
        for (row, other) in rows.iter().zip(theirs).filter(|(row, other)| row != other) {
            let passed_over: Vec<_> =
                other.iter().map(|(column, text)| (column.clone(), text.replace("\\\\ ", " "))).collect();
            assert_eq!(*row, passed_over, "{name}: {table}");
            different.extend(row.iter().filter(|(column, _)| column == "trackid").map(|(_, id)| id.as_str()));
        }
    }
    different.sort_unstable();
    assert_eq!(different, if name.contains("MySql") { &BACKSLASHES[..] } else { &[] }, "{name}");
}
