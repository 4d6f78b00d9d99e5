//! Databases made to do harm, or to be misread: what they hold is given as it is stored, and nothing of them runs.
//!
//! **Invariant:** every case ends within seconds and says what it left out.

use extract::record::Unreadable;

use crate::made::Made;
use crate::read::{agrees, split};

#[test]
fn a_schema_runs_nothing() {
    let made = Made::of(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, word TEXT CHECK (length(hex(zeroblob(100000000))) > 0 OR 1),
                            n INT DEFAULT (random()));
         CREATE VIEW endless AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n;
         CREATE VIEW \"of a name\" AS SELECT load_extension('/tmp/x.so'), readfile('/etc/passwd');
         CREATE TRIGGER t AFTER INSERT ON item BEGIN DELETE FROM item; END;
         CREATE VIRTUAL TABLE words USING fts5(text);
         CREATE VIRTUAL TABLE boxes USING rtree(id, a, b);
         DROP TRIGGER t; INSERT INTO item (word, n) VALUES ('one', 1); INSERT INTO words VALUES ('two three');
         INSERT INTO boxes VALUES (1, 2, 3);
         CREATE TRIGGER t AFTER INSERT ON item BEGIN DELETE FROM item; END;",
    );
    let (given, result) = split(&made.database, &[]);
    result.unwrap();
    assert!(given.unreadable.is_empty());
    let tables = given.tables();
    let names: Vec<&str> = tables.keys().map(String::as_str).collect();
    let expected = [
        "boxes_node",
        "boxes_rowid",
        "item",
        "words_config",
        "words_content",
        "words_data",
        "words_docsize",
        "words_idx",
    ];
    assert_eq!(names, expected);
    assert!(given.text().contains("{\"table\":\"item\",\"row\":{\"id\":1,\"word\":\"one\",\"n\":1}}\n"));
    agrees(&made.file(), &given);
}

#[test]
fn a_row_of_the_schema_that_is_not_what_it_says_refuses_the_database() {
    let head = "PRAGMA writable_schema = ON; CREATE TABLE a (x); INSERT INTO a VALUES (1);";
    for change in [
        "UPDATE sqlite_schema SET sql = 'CREATE VIRTUAL TABLE a USING fts5(x)' WHERE name = 'a'; INSERT INTO sqlite_schema SELECT 'view', 'b', 'b', 0, 'CREATE TABLE b (x)'",
        "UPDATE sqlite_schema SET type = 'view' WHERE name = 'a'",
        "UPDATE sqlite_schema SET type = 'thing' WHERE name = 'a'",
        "UPDATE sqlite_schema SET rootpage = 900 WHERE name = 'a'",
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE a (x' WHERE name = 'a'",
        "INSERT INTO sqlite_schema SELECT type, 'b', 'b', rootpage, 'CREATE TABLE b (y)' FROM sqlite_schema",
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE a AS SELECT 1' WHERE name = 'a'",
        "UPDATE sqlite_schema SET name = 'sqlite_schema', tbl_name = 'sqlite_schema', sql = 'CREATE TABLE sqlite_schema (x)'",
    ] {
        let made = Made::with(&[head, change]);
        let (given, result) = split(&made.database, &[]);
        assert!(result.is_err(), "{change}: {}", given.text());
        assert!(given.lines.is_empty(), "{change}: {}", given.text());
    }
}

#[test]
fn names_and_values_are_given_exactly() {
    let made = Made::of(
        "CREATE TABLE \"a\"\"b'c; DROP TABLE d\" (\"x\"\"y\" TEXT, 'select' INT, \"\u{e9} \n\" BLOB, [rowid] INT, _rowid_, oid);
         INSERT INTO \"a\"\"b'c; DROP TABLE d\" VALUES
           ('a\"b\u{1}', 9223372036854775807, x'00ff', -9223372036854775808, 0.1, 1e16),
           (cast(x'ff41' AS TEXT), 1.0, '', NULL, -0.0, 9e999), ('', 5e-324, zeroblob(3), 2, 3, 1.7976931348623157e308);
         CREATE TABLE keyed (a TEXT COLLATE NOCASE, b INT, c, PRIMARY KEY (b DESC, a)) WITHOUT ROWID;
         INSERT INTO keyed VALUES ('x', 1, 'one'), ('Y', 2, 'two'), ('a', 2, 'three');
         CREATE TABLE computed (a INT, b AS (a + 1) STORED, c AS (hex(zeroblob(a))) VIRTUAL, d);
         INSERT INTO computed VALUES (7, 'end');
         CREATE TABLE only (a AS (1) VIRTUAL, b);
         CREATE TABLE grown (a); INSERT INTO grown VALUES (1); ALTER TABLE grown ADD COLUMN b DEFAULT 'later';
         CREATE TABLE strict_one (a ANY, b INT) STRICT; INSERT INTO strict_one VALUES ('1', 1);
         CREATE TABLE counted (a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO counted VALUES (3);",
    );
    let (given, result) = split(&made.database, &[]);
    result.unwrap();
    assert!(given.unreadable.is_empty());
    assert_eq!(agrees(&made.file(), &given), 3 + 3 + 1 + 1 + 1 + 1 + 1);
    let text = given.text();
    for line in [
        "{\"table\":\"computed\",\"row\":{\"a\":7,\"b\":8,\"d\":\"end\"}}\n",
        "{\"table\":\"grown\",\"row\":{\"a\":1,\"b\":\"later\"}}\n",
        "{\"table\":\"sqlite_sequence\",\"row\":{\"name\":\"counted\",\"seq\":3}}\n",
        "{\"table\":\"a\\\"b'c; DROP TABLE d\",\"row\":{\"x\\\"y\":{\"base64\":\"/0E=\"},\"select\":1,\"\u{e9} \\n\":\"\",\"rowid\":null,\"_rowid_\":-0.0,\"oid\":\"inf\"}}\n",
    ] {
        assert!(text.contains(line), "{line}in\n{text}");
    }
    let order: Vec<_> = text.lines().filter(|line| line.contains("keyed")).collect();
    assert!(order[0].contains("three") && order[1].contains("two") && order[2].contains("one"), "{order:?}");
}

/// NULL where there must be none, and text in a column of numbers: a later change of the schema leaves such rows.
#[test]
fn values_that_a_schema_forbids_are_no_damage() {
    let made = Made::of(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, word TEXT, n);
         WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500)
           INSERT INTO item SELECT x, NULL, '5' FROM n;
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE TABLE item (id INTEGER PRIMARY KEY, word TEXT NOT NULL, n INT CHECK (n > 9))';",
    );
    let (given, result) = split(&made.database, &[]);
    result.unwrap();
    assert_eq!(given.lines.len(), 500);
    assert!(given.text().starts_with("{\"table\":\"item\",\"row\":{\"id\":1,\"word\":null,\"n\":\"5\"}}\n"));
}

#[test]
fn text_in_utf_16_is_given_as_utf_8() {
    for encoding in ["UTF-16le", "UTF-16be"] {
        let made = Made::of(&format!(
            "PRAGMA encoding = '{encoding}'; CREATE TABLE \u{e9} (\u{fc} TEXT); INSERT INTO \u{e9} VALUES ('\u{1f600} alice@shop.example');"
        ));
        assert!(!made.database.windows(5).any(|window| window == b"alice"));
        let (given, result) = split(&made.database, &[]);
        result.unwrap();
        assert_eq!(given.text(), "{\"table\":\"\u{e9}\",\"row\":{\"\u{fc}\":\"\u{1f600} alice@shop.example\"}}\n");
    }
}

#[test]
fn a_row_that_is_too_long_is_counted_and_the_others_are_given() {
    let made = Made::of(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, a BLOB, b TEXT); INSERT INTO item VALUES
           (1, 'x', NULL), (2, zeroblob(100000000), 'x'), (3, zeroblob(9000000), hex(zeroblob(4500000))),
           (4, zeroblob(13000000), 'base64 is longer'), (5, zeroblob(1000), 'y');",
    );
    let (given, result) = split(&made.database, &[]);
    result.unwrap();
    let ids: Vec<&[u8]> = given.lines.iter().map(|line| &line[..31]).collect();
    assert_eq!(ids, [b"{\"table\":\"item\",\"row\":{\"id\":1,\"", b"{\"table\":\"item\",\"row\":{\"id\":5,\""]);
    assert_eq!(given.unreadable.len(), 3);
    assert!(given.unreadable.iter().all(|(_, why)| *why == Unreadable::TooLong));
    assert_eq!(given.unreadable[1], (100_000_002, Unreadable::TooLong));
}

#[test]
fn deleted_rows_and_free_pages_are_never_given() {
    let made = Made::of(
        "PRAGMA secure_delete = OFF; CREATE TABLE item (id INTEGER PRIMARY KEY, word TEXT);
         CREATE TABLE gone (word TEXT);
         WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 400)
           INSERT INTO gone SELECT 'FREEPAGE-' || x || hex(zeroblob(60)) FROM n;
         INSERT INTO item VALUES (1, 'kept'), (2, 'DELETEDCELL-two'), (3, 'kept too');
         DELETE FROM item WHERE id = 2; DROP TABLE gone;",
    );
    for canary in [&b"FREEPAGE-"[..], b"DELETEDCELL-"] {
        assert!(made.database.windows(canary.len()).any(|window| window == canary), "the file still holds it");
    }
    let (given, result) = split(&made.database, &[]);
    result.unwrap();
    assert_eq!(given.lines.len(), 2);
    assert!(!given.text().contains("FREEPAGE") && !given.text().contains("DELETEDCELL"));
}

#[test]
fn a_header_that_lies_refuses_the_database() {
    let made = Made::of("CREATE TABLE a (x); INSERT INTO a VALUES ('CANARY');");
    for (at, bytes) in [
        (16, &[0, 1][..]),
        (16, &[0, 0]),
        (16, &[2, 0]),
        (16, &[0x30, 0]),
        (18, &[9, 9]),
        (20, &[250]),
        (28, &[0x7f, 0xff, 0xff, 0xff]),
        (56, &[0, 0, 0, 7]),
        (103, &[0xff, 0xff]),
    ] {
        let mut changed = made.database.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        let (given, result) = split(&changed, &[]);
        assert!(result.is_err() && given.lines.is_empty(), "{bytes:?} at {at}: {:?}", given.text());
    }
    for other in [&b""[..], b"SQLite format 3", b"SQLite format 4\0 and so on"] {
        let (given, result) = split(other, &[]);
        result.unwrap();
        assert!(given.lines.is_empty());
        assert_eq!(given.unreadable.len(), usize::from(!other.is_empty()));
    }
    let (given, result) = split(b"SQLite format 3\0", &[]);
    assert!(result.is_err() && given.lines.is_empty());
}
