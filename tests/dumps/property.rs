//! Tables of any content, written as a dump by a writer of its own, come back cell for cell.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extract::order::Format::{self, MysqlDump, PostgresqlDump};
use proptest::prelude::*;

use crate::chunked::Pieces;
use crate::{read, seen};

#[derive(Clone, Debug)]
enum Cell {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

#[derive(Clone, Debug)]
struct Table {
    name: String,
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
    /// How it is written: each bit a choice.
    style: u8,
}

/// What is apt to go wrong: signs of SQL, of the escapes, of JSON.
fn text() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "'",
        "\"",
        "`",
        "\\",
        "\\'",
        "\n",
        "\r",
        "\t",
        ";",
        "--",
        "/*",
        "*/",
        "#",
        "(",
        ")",
        ",",
        "$$",
        "\\.",
        "\\N",
        "NULL",
        "\u{1A}",
        "\u{e9}",
        "\u{1F600}",
        "INSERT INTO ",
        "\n\\.\n",
        "x",
        " ",
        "0x",
        "%",
        "_",
        "DELIMITER ;;\n",
        "\u{FEFF}",
    ]);
    prop::collection::vec(known, 0..8).prop_map(|parts| parts.concat())
}

fn cell() -> impl Strategy<Value = Cell> {
    prop_oneof![
        1 => Just(Cell::Null),
        2 => any::<i64>().prop_map(Cell::Number),
        4 => text().prop_map(Cell::Text),
        1 => prop::collection::vec(any::<u8>(), 0..9).prop_map(Cell::Bytes),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z][a-z0-9_]{0,8}", "[a-zA-Z '\u{e9}`;(),-]{1,8}"].prop_map(|name| name.replace('"', "x"))
}

fn table() -> impl Strategy<Value = Table> {
    (name(), prop::collection::vec(name(), 1..5), any::<u8>()).prop_flat_map(|(name, columns, style)| {
        let row = prop::collection::vec(cell(), columns.len());
        let rows = prop::collection::vec(row, 0..6);
        rows.prop_map(move |rows| Table { name: name.clone(), columns: columns.clone(), rows, style })
    })
}

fn quoted(which: Format, name: &str) -> String {
    let sign = if which == MysqlDump { "`" } else { "\"" };
    format!("{sign}{}{sign}", name.replace(sign, &sign.repeat(2)))
}

fn literal(which: Format, cell: &Cell, style: u8) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match (cell, which) {
        (Cell::Null, _) => "NULL".to_owned(),
        (Cell::Number(number), _) => number.to_string(),
        (Cell::Text(text), MysqlDump) if style & 1 == 0 => {
            let mut out = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\r', "\\r");
            out = out.replace('\u{1A}', "\\Z").replace('"', "\\\"");
            format!("'{out}'")
        }
        (Cell::Text(text), MysqlDump) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''")),
        (Cell::Text(text), _) if style & 1 == 0 => format!("'{}'", text.replace('\'', "''")),
        (Cell::Text(text), _) => {
            format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\t', "\\t"))
        }
        (Cell::Bytes(bytes), MysqlDump) if style & 2 == 0 || bytes.is_empty() => {
            let escaped = hex(bytes);
            if bytes.is_empty() { "_binary ''".to_owned() } else { format!("0x{escaped}") }
        }
        (Cell::Bytes(bytes), MysqlDump) => format!("X'{}'", hex(bytes)),
        (Cell::Bytes(bytes), _) => format!("'\\x{}'", hex(bytes)),
    }
}

fn copied(cell: &Cell) -> String {
    match cell {
        Cell::Null => "\\N".to_owned(),
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => {
            let text = text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
            text.replace('\t', "\\t")
        }
        Cell::Bytes(bytes) => {
            format!("\\\\x{}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
    }
}

fn write(which: Format, table: &Table) -> String {
    let columns: Vec<String> = table.columns.iter().map(|name| quoted(which, name)).collect();
    let (name, list) = (quoted(which, &table.name), columns.join(", "));
    let mut out = String::from("-- a note; it's one\n/* another; */\n");
    let definitions: Vec<String> = columns.iter().map(|name| format!("  {name} varchar(10) DEFAULT 'a,b)'")).collect();
    let _ = writeln!(out, "CREATE TABLE {name} (\n{}\n);", definitions.join(",\n"));
    if which == PostgresqlDump && table.style & 4 != 0 {
        let _ = writeln!(out, "COPY {name} ({list}) FROM stdin;");
        for row in &table.rows {
            let _ = writeln!(out, "{}", row.iter().map(copied).collect::<Vec<_>>().join("\t"));
        }
        out.push_str("\\.\n\n");
        return out;
    }
    let list = if table.style & 8 == 0 { format!(" ({list})") } else { String::new() };
    let rows: Vec<String> = table
        .rows
        .iter()
        .map(|row| row.iter().map(|cell| literal(which, cell, table.style)).collect::<Vec<_>>().join(","))
        .collect();
    if table.style & 16 == 0 && !rows.is_empty() {
        let _ = writeln!(out, "INSERT INTO {name}{list} VALUES ({});", rows.join("),\n("));
    } else {
        for row in rows {
            let _ = writeln!(out, "INSERT INTO {name}{list} VALUES ({row});");
        }
    }
    out
}

/// The row as it must be rendered.
fn expected(which: Format, table: &Table) -> Vec<String> {
    let json = |text: &str| serde_json::to_string(text).unwrap();
    let is_copy = which == PostgresqlDump && table.style & 4 != 0;
    let value = |cell: &Cell| match cell {
        Cell::Null => "null".to_owned(),
        Cell::Number(number) if is_copy => json(&number.to_string()),
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => json(text),
        Cell::Bytes(bytes) if which == MysqlDump => format!("{{\"base64\":\"{}\"}}", STANDARD.encode(bytes)),
        Cell::Bytes(bytes) => {
            json(&format!("\\x{}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
        }
    };
    table
        .rows
        .iter()
        .map(|row| {
            let cells = table.columns.iter().zip(row).map(|(name, cell)| format!("{}:{}", json(name), value(cell)));
            format!("{{\"table\":{},\"row\":{{{}}}}}", json(&table.name), cells.collect::<Vec<_>>().join(","))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_cell_comes_back_as_it_was(
        tables in prop::collection::vec(table(), 1..4),
        sizes in prop::collection::vec(1usize..40, 1..6),
    ) {
        for which in [MysqlDump, PostgresqlDump] {
            let dump: String = tables.iter().map(|table| write(which, table)).collect();
            let rows: Vec<String> = tables.iter().flat_map(|table| expected(which, table)).collect();
            let whole = seen(which, &dump);
            prop_assert_eq!(&whole.rows, &rows, "{}", dump);
            prop_assert_eq!(&whole.lost, &vec![], "{}", dump);
            let (chunked, result) = read(which, &mut Pieces::new(dump.as_bytes(), &sizes));
            prop_assert!(result.is_ok());
            prop_assert_eq!(chunked, whole);
        }
    }

    #[test]
    fn a_changed_dump_is_read_without_a_panic_and_the_same_in_any_chunks(
        tables in prop::collection::vec(table(), 1..3),
        changes in prop::collection::vec((any::<u16>(), any::<u8>(), 0u8..4), 1..6),
        sizes in prop::collection::vec(1usize..40, 1..6),
    ) {
        for which in [MysqlDump, PostgresqlDump] {
            let mut dump: Vec<u8> = tables.iter().map(|table| write(which, table)).collect::<String>().into_bytes();
            for (at, byte, kind) in &changes {
                let at = usize::from(*at) % dump.len();
                match kind {
                    0 => dump[at] = *byte,
                    1 => drop(dump.remove(at)),
                    2 => dump.insert(at, *byte),
                    _ => dump.insert(at, b"'\"`\\;()*/-$\n"[usize::from(*byte) % 12]),
                }
            }
            let whole = seen(which, &dump);
            let (chunked, result) = read(which, &mut Pieces::new(&dump, &sizes));
            prop_assert!(result.is_ok());
            prop_assert_eq!(chunked, whole);
        }
    }
}
