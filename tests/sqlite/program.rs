//! Databases through the program: out of a folder, an image and an archive, with what stands beside them.
//!
//! **Invariant:** the source is as it was, and nothing of a database is left beside the package.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;

use crate::case::{Case, records, short, tool};
use crate::made::{HOT, Made};
use crate::read::split;

const EMAIL: &str = "as = \"sqlite\"\nrows = { table = \"customer\", where = [{ email = \"alice@shop.example\", column = \"email\" }] }";

/// A shop's database, with the newest of it in the log.
fn shop() -> Made {
    Made::with(&[
        "PRAGMA secure_delete = OFF; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
         CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT, made TEXT);
         CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT, seen INT);
         INSERT INTO customer VALUES (1, 'Alice@shop.example', '2024-03-25 10:00:00'), (2, 'CANARY-bob@shop.example', '2024-03-25 10:00:00'),
           (3, 'alice@shop.example', '2024-03-20 10:00:00'), (4, 'CANARY-deleted@shop.example alice@shop.example', '');
         INSERT INTO note VALUES (1, 'CANARY of alice@shop.example', 1711360800);
         CREATE TABLE gone (text); WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 300)
           INSERT INTO gone SELECT 'CANARY-free alice@shop.example' FROM n;
         DROP TABLE gone; DELETE FROM customer WHERE id = 4; PRAGMA wal_checkpoint(TRUNCATE);",
        "DELETE FROM customer WHERE id = 3; INSERT INTO customer VALUES (5, 'alice@shop.example', '2024-03-26 10:00:00');",
    ])
}

fn put(case: &Case, made: &Made) {
    case.file("/srv/shop.db", &made.database);
    for (suffix, bytes) in made.beside() {
        case.file(&format!("/srv/shop.db{suffix}"), bytes);
    }
}

fn listing(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

const ROWS: &str = "{\"table\":\"customer\",\"row\":{\"id\":1,\"email\":\"Alice@shop.example\",\"made\":\"2024-03-25 10:00:00\"}}\n\
                    {\"table\":\"customer\",\"row\":{\"id\":5,\"email\":\"alice@shop.example\",\"made\":\"2024-03-26 10:00:00\"}}\n";

#[track_caller]
fn gives(case: &Case, expected: &str) {
    case.run().ends_with(0);
    let package = case.package();
    let disclosed = package.disclosed();
    assert_eq!(disclosed.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["/srv/shop.db"]);
    assert_eq!(std::str::from_utf8(&disclosed[0].1).unwrap(), expected);
    assert!(package.names.iter().any(|name| name == "data/000001.jsonl"));
    let whole = fs::read(case.path("out.tar")).unwrap();
    for canary in [&b"CANARY"[..], b"secure_delete", b"-wal"] {
        assert!(!whole.windows(canary.len()).any(|window| window == canary), "{canary:?}");
    }
}

#[test]
fn rows_are_taken_out_of_a_folder_an_image_and_an_archive_with_what_stands_beside_the_database() {
    let made = shop();
    for canary in [&b"CANARY-deleted"[..], b"CANARY-free", b"CANARY-bob", b"CANARY of"] {
        assert!(made.database.windows(canary.len()).any(|window| window == canary), "the file holds it");
    }
    let case = Case::new();
    put(&case, &made);
    // One path, and it is not that of the log.
    let clause = records("\"/srv/shop.db\"", EMAIL).replace("\"content\"", "\"subscriber\"");
    case.order("", &clause);
    let before = (listing(&case.path("source/srv")), listing(&case.path("")));
    gives(&case, ROWS);
    assert_eq!(listing(&case.path("source/srv")), before.0);
    let left: BTreeSet<_> = listing(&case.path("")).difference(&before.1).cloned().collect();
    assert_eq!(left, BTreeSet::from(["out.tar".to_owned(), "2024-17.audit.jsonl".to_owned()]));
    assert_eq!(fs::read(case.path("source/srv/shop.db-wal")).unwrap(), made.wal.clone().unwrap());
    let audit = fs::read_to_string(case.path("2024-17.audit.jsonl")).unwrap();
    let streams: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let streams: Vec<&Value> = streams.iter().filter(|event| event["event"] == "stream").collect();
    assert_eq!(
        streams.iter().map(|stream| stream["path"].as_str().unwrap()).collect::<Vec<_>>(),
        ["/srv/shop.db", "/srv/shop.db-wal"]
    );
    assert!(streams[1]["note"].as_str().unwrap().contains("beside it") && streams[1]["sha256"].is_string());
    let said = case.extract(&["explain", "--order", "order.toml", "/srv/shop.db"]);
    assert!(said.stdout.contains("2 in, 2 outside") && said.stdout.contains("-wal"), "{}{}", said.stdout, said.stderr);
    case.again();

    case.make_ext4();
    gives(&case, ROWS);
    case.again();

    case.order(
        "",
        &clause.replace("/srv/shop.db", "/backup.tar.gz/srv/shop.db").replace("take =", "archives = \"open\"\ntake ="),
    );
    let source = case.path("source");
    tool("tar", &["-C", source.to_str().unwrap(), "-czf", case.path("backup.tar.gz").to_str().unwrap(), "srv"]);
    fs::rename(case.path("backup.tar.gz"), case.path("source/backup.tar.gz")).unwrap();
    case.run().ends_with(0);
    assert_eq!(case.package().disclosed()[0].1, ROWS.as_bytes());
    case.again();

    fs::remove_file(case.path("source/srv/shop.db-wal")).unwrap();
    case.order("", &clause);
    let stale = ROWS.replace("{\"id\":5", "{\"id\":3").replace("2024-03-26", "2024-03-20");
    gives(&case, &stale);
}

#[test]
fn a_window_a_token_and_a_whole_database_choose_rows_and_verify_finds_a_changed_one() {
    let case = Case::new();
    put(&case, &shop());
    let day = "window = { from = 2024-03-25, through = 2024-03-25, clock = \"record\" }";
    let cell = "{ email = \"alice@shop.example\", column = \"email\" }";
    for (keys, rows, code) in [
        (format!("as = \"sqlite\"\nrows = {{ table = \"customer\", where = [{cell}], time = \"made\" }}\n{day}"), 1, 0),
        (
            format!("as = \"sqlite\"\nrows = {{ table = \"note\", time = \"seen\", time-unit = \"seconds\" }}\n{day}"),
            1,
            0,
        ),
        ("identifiers = [{ email = \"alice@shop.example\" }]".to_owned(), 3, 0),
        ("everything = true".to_owned(), 4, 0),
        // A table is compared byte for byte, and one that is not there is said.
        (format!("as = \"sqlite\"\nrows = {{ table = \"Customer\", where = [{cell}] }}"), 0, 3),
    ] {
        case.order("zone = \"Europe/London\"", &records("\"/srv/shop.db\"", &keys));
        case.run().ends_with(code);
        assert_eq!(case.package().disclosure()["totals"]["records"], rows, "{keys}");
        case.again();
    }
    case.order("", &records("\"/srv/shop.db\"", &format!("as = \"sqlite\"\nrows = {{ where = [{cell}] }}")));
    case.run().ends_with(2).names(&["rows-table"]);
    case.order("", &records("\"/srv/shop.db\"", EMAIL));
    case.run().ends_with(0);
    let mut tar = fs::read(case.path("out.tar")).unwrap();
    let at = tar.windows(6).position(|window| window == b"Alice@").unwrap();
    tar[at] = b'B';
    fs::write(case.path("changed.tar"), tar).unwrap();
    case.extract(&["verify", "changed.tar"]).ends_with(1);
}

#[test]
fn a_withheld_identifier_stops_a_row_and_a_withheld_log_the_database() {
    let case = Case::new();
    put(&case, &shop());
    case.order("", &records("\"/srv/shop.db\"", "everything = true"));
    let source = "[[source]]\nname = \"s\"\npath = \"source\"\n[[withhold]]\nclass = \"privileged\"\n";
    let identifiers = format!("{source}identifiers = [{{ email = \"alice@shop.example\" }}]\n");
    case.provider(&identifiers);
    case.run().ends_with(0);
    let package = case.package();
    assert_eq!(package.disclosure()["totals"]["withheld"], 3);
    assert_eq!(package.disclosed()[0].1.iter().filter(|byte| **byte == b'\n').count(), 1);
    case.again();
    // A whole file that holds records must be taken as records.
    case.order("", &crate::case::files("\"/srv/shop.db\"", "")).provider(&identifiers);
    case.run().ends_with(3);
    assert_eq!(case.package().shortfalls(), short("must-be-records", 1));
    case.again();
    case.order("", &records("\"/srv/shop.db\"", "everything = true"));
    case.provider(&format!("{source}paths = [\"/srv/*-wal\"]\n"));
    case.run().ends_with(0);
    let package = case.package();
    assert!(package.disclosed().is_empty());
    assert_eq!(package.disclosure()["clauses"][0]["outcome"], "withheld");
}

#[test]
fn a_database_whose_log_cannot_be_read_is_short_and_gives_no_row() {
    let made = shop();
    // The first commit of two.
    let mut damaged = made.wal.clone().unwrap();
    damaged[32 + 9] ^= 4;
    type Make<'m> = &'m dyn Fn(&Path);
    let ways: [(&str, Make<'_>); 4] = [
        ("a link", &|path| symlink("/etc/passwd", path).unwrap()),
        ("a folder", &|path| fs::create_dir(path).unwrap()),
        ("another file", &|path| fs::write(path, b"no log at all, and long enough to be one").unwrap()),
        ("a damaged log", &|path| fs::write(path, &damaged).unwrap()),
    ];
    for (what, make) in ways {
        let case = Case::new();
        case.file("/srv/shop.db", &made.database);
        make(&case.path("source/srv/shop.db-wal"));
        case.order("", &records("\"/srv/shop.db\"", EMAIL));
        case.run().ends_with(3);
        let package = case.package();
        assert!(package.disclosed().is_empty(), "{what}");
        assert_eq!(package.shortfalls(), short("unreadable-file", 1), "{what}");
    }
}

#[test]
fn what_stands_beside_a_file_that_is_no_database_is_not_opened() {
    let case = Case::new();
    case.file("/srv/a.jsonl", "{\"a\":\"alice@shop.example\"}\n");
    symlink("/etc/passwd", case.path("source/srv/a.jsonl-wal")).unwrap();
    case.file("/srv/a.jsonl-journal", "CANARY");
    for keys in ["", "as = \"jsonl\"\n"] {
        case.order(
            "",
            &records("\"/srv/a.jsonl\"", &format!("{keys}identifiers = [{{ email = \"alice@shop.example\" }}]")),
        );
        case.run().ends_with(0);
        case.package();
        let audit = fs::read_to_string(case.path("2024-17.audit.jsonl")).unwrap();
        assert!(!audit.contains("a.jsonl-"), "{audit}");
        case.again();
    }
}

#[test]
fn a_hot_journal_is_rolled_back_on_the_way_through_the_program() {
    let made = Made::with(&HOT);
    let case = Case::new();
    put(&case, &made);
    case.order("", &records("\"/srv/*.db\"", "everything = true"));
    case.run().ends_with(0);
    let (given, _) = split(&made.database, &made.beside());
    assert_eq!(case.package().disclosed()[0].1, given.lines.concat());
    assert_eq!(fs::read(case.path("source/srv/shop.db-journal")).unwrap(), made.journal.unwrap());
}

#[test]
fn a_damaged_database_is_short_and_nothing_of_what_sqlite_says_of_it_is_told() {
    let schema = Made::with(&[
        "PRAGMA writable_schema = ON; CREATE TABLE CANARY (CANARY_column); INSERT INTO CANARY VALUES ('CANARY');",
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE CANARY (CANARY_column CANARY CHECK (CANARY_function(1), '",
    ]);
    let mut cut = shop().database;
    cut.truncate(cut.len() - 4096);
    let mut broken = shop().database;
    broken[4096..4104].fill(0xff);
    for (what, database) in [("a schema", &schema.database), ("a cut", &cut), ("a page", &broken)] {
        let case = Case::new();
        case.file("/srv/shop.db", database);
        case.order("", &records("\"/srv/shop.db\"", "everything = true"));
        let said = case.run();
        said.ends_with(3);
        let package = case.package();
        assert!(package.disclosed().is_empty(), "{what}");
        assert_eq!(package.shortfalls(), short("unreadable-file", 1), "{what}");
        let explained = case.extract(&["explain", "--order", "order.toml", "/srv/shop.db"]);
        assert!(explained.stdout.contains("not read to its end"), "{what}: {}", explained.stdout);
        let audit = fs::read_to_string(case.path("2024-17.audit.jsonl")).unwrap();
        for text in [&said.stdout, &said.stderr, &explained.stdout, &explained.stderr, &audit] {
            assert!(!text.contains("CANARY") && !text.contains("panicked"), "{what}: {text}");
        }
        let whole = fs::read(case.path("out.tar")).unwrap();
        assert!(!whole.windows(6).any(|window| window == b"CANARY"), "{what}");
    }
}
