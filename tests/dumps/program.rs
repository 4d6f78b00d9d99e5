//! Orders on dumps, run through the program.

use std::io::Write as _;

use crate::case::{self, Case, records};

const DUMP: &str = "-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n\
CREATE TABLE `customer` (\n  `id` int NOT NULL,\n  `email` varchar(60),\n  `note` text,\n  `made` datetime,\n  PRIMARY KEY (`id`)\n);\n\
INSERT INTO `customer` VALUES (1,'Alice@shop.example','it\\'s','2024-03-25 10:00:00'),(2,'bob@shop.example','alice@shop.example','2024-03-25 10:00:00'),\
(3,'alice@shop.example',NULL,'2024-03-26 10:00:00'),(4,'alice@shop.example',NULL,NULL),(5,'alice@shop.example',NULL,'2024-03-25');\n\
INSERT INTO `invoice` (`id`,`email`) VALUES (1,'alice@shop.example');\n\
-- Dump completed on 2024-05-20 10:00:00\n";

const EMAIL: &str = "where = [{ email = \"alice@shop.example\", column = \"email\" }]";
const DAY: &str = "window = { from = 2024-03-25, through = 2024-03-25, clock = \"record\" }";

fn dump(content: impl AsRef<[u8]>, file: &str, keys: &str) -> Case {
    let case = Case::new();
    case.file(file, content);
    case.order("zone = \"Europe/London\"", &records(&format!("{file:?}"), keys));
    case
}

fn data(case: &Case) -> String {
    case.package().disclosed().into_iter().map(|(_, bytes)| String::from_utf8(bytes).unwrap()).collect()
}

#[test]
fn an_order_takes_rows_of_one_table_by_a_column_and_a_time() {
    let first = "{\"table\":\"customer\",\"row\":{\"id\":1,\"email\":\"Alice@shop.example\",\"note\":\"it's\",\"made\":\"2024-03-25 10:00:00\"}}\n";
    let keys = format!("rows = {{ table = \"customer\", {EMAIL}, time = \"made\" }}\n{DAY}");
    let case = dump(DUMP, "/d.sql", &format!("as = \"mysql-dump\"\n{keys}"));
    case.run().ends_with(3);
    // A day alone is in where all of it is.
    let day = "{\"table\":\"customer\",\"row\":{\"id\":5,\"email\":\"alice@shop.example\",\"note\":null,\"made\":\"2024-03-25\"}}\n";
    assert_eq!(data(&case), format!("{first}{day}"));
    let package = case.package();
    assert_eq!(package.exhibits()[0]["file"], "data/000001.jsonl");
    assert_eq!(package.exhibits()[0]["format"], "mysql-dump");
    assert_eq!(package.shortfalls(), []);
    // The row without a time.
    assert_eq!(package.disclosure()["totals"]["undecided"], 1);
    case.extract(&["verify", "out.tar"]).ends_with(0);

    let all = dump(DUMP, "/d.sql", &format!("as = \"mysql-dump\"\nrows = {{ table = \"customer\", {EMAIL} }}"));
    all.run().ends_with(0);
    assert_eq!(data(&all).lines().count(), 4);
    let other = dump(DUMP, "/d.sql", "as = \"mysql-dump\"\neverything = true\nrows = { table = \"invoice\" }");
    other.run().ends_with(0);
    assert_eq!(data(&other), "{\"table\":\"invoice\",\"row\":{\"id\":1,\"email\":\"alice@shop.example\"}}\n");
    // Any value, by content.
    let any = dump(DUMP, "/d.sql", "identifiers = [{ email = \"alice@shop.example\" }]");
    any.run().ends_with(0);
    assert_eq!(data(&any).lines().count(), 6);
    // A table is compared byte for byte, and one that is not there is said.
    let none = dump(DUMP, "/d.sql", "as = \"mysql-dump\"\neverything = true\nrows = { table = \"Customer\" }");
    none.run().ends_with(3);
    assert_eq!(data(&none), "");
    assert_eq!(none.package().shortfalls(), case::short("no-such-column", 1));
}

#[test]
fn a_day_alone_is_decided_where_all_of_it_is_on_one_side_of_a_window() {
    let day = "INSERT INTO t (a,d) VALUES (1,'2024-03-31');";
    for (zone, window, rows, undecided) in [
        ("zone = \"Europe/London\"", "from = 2024-03-31, through = 2024-03-31", 1, 0),
        ("zone = \"Europe/London\"", "from = 2024-03-31T00:00:00Z, before = 2024-03-31T23:00:00Z", 1, 0),
        ("zone = \"Europe/London\"", "from = 2024-03-31T00:00:00Z, before = 2024-03-31T22:59:59Z", 0, 1),
        ("zone = \"Europe/London\"", "from = 2024-03-31T00:00:01Z, before = 2024-04-02T00:00:00Z", 0, 1),
        ("zone = \"Europe/London\"", "from = 2024-03-31T23:00:00Z, before = 2024-04-02T00:00:00Z", 0, 0),
        ("zone = \"Europe/London\"", "from = 2024-03-29, through = 2024-03-30", 0, 0),
        ("zone = \"America/New_York\"", "from = 2024-03-31, through = 2024-03-31", 0, 1),
        ("", "from = 2024-03-01, through = 2024-04-30", 0, 1),
    ] {
        let case = Case::new();
        case.file("/d.sql", day);
        let rows_key = "as = \"mysql-dump\"\nrows = { table = \"t\", time = \"d\" }";
        case.order(zone, &records("\"/d.sql\"", &format!("{rows_key}\nwindow = {{ {window}, clock = \"record\" }}")));
        case.run().ends_with(if undecided > 0 { 3 } else { 0 });
        let totals = &case.package().disclosure()["totals"];
        assert_eq!(
            (totals["records"].as_u64(), totals["undecided"].as_u64()),
            (Some(rows), Some(undecided)),
            "{zone} {window}"
        );
        case.extract(&["verify", "out.tar"]).ends_with(0);
    }
}

#[test]
fn a_dump_is_read_as_it_was_packed() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(DUMP.as_bytes()).unwrap();
    for (name, packed) in
        [("/d.sql.gz", gzip.finish().unwrap()), ("/d.sql.zst", zstd::encode_all(DUMP.as_bytes(), 1).unwrap())]
    {
        let case = dump(&packed, name, "identifiers = [{ email = \"alice@shop.example\" }]");
        case.run().ends_with(0);
        assert_eq!(data(&case).lines().count(), 6, "{name}");
        let cut = dump(&packed[..packed.len() - 20], name, "as = \"mysql-dump\"\neverything = true");
        cut.run().ends_with(3);
        assert!(!cut.package().shortfalls().is_empty(), "{name}");
    }
}

#[test]
fn what_cannot_be_read_of_a_dump_is_short() {
    for (content, rows) in [
        (DUMP.replace("'2024-03-25')", "NOW())"), 5),
        (DUMP[..DUMP.len() - 120].to_owned(), 4),
        (DUMP.replace("-- Dump completed", "-- Completed"), 6),
        (format!("{DUMP}\u{feff}\n"), 6),
    ] {
        let case = dump(&content, "/d.sql", "as = \"mysql-dump\"\neverything = true");
        case.run().ends_with(3);
        assert_eq!(case.package().shortfalls(), case::short("not-the-format", 1), "{content}");
        assert_eq!(data(&case).lines().count(), rows, "{content}");
    }
    let wide: Vec<u8> = [0xFEFF].into_iter().chain(DUMP.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let case = dump(wide, "/d.sql", "as = \"mysql-dump\"\neverything = true");
    case.run().ends_with(3);
    assert_eq!(case.package().shortfalls(), case::short("not-the-format", 1));
}

#[test]
fn a_clause_on_a_dump_says_the_table_and_any_category_that_it_likes() {
    let case = dump(DUMP, "/d.sql", &format!("as = \"mysql-dump\"\nrows = {{ {EMAIL} }}"));
    case.run().ends_with(2).names(&["rows-table", "mysql-dump holds several tables"]);
    let case = dump(DUMP, "/d.sql", &format!("as = \"postgresql-dump\"\neverything = true\n{DAY}"));
    case.run().ends_with(2);
    let keys = format!("as = \"mysql-dump\"\nrows = {{ table = \"customer\", {EMAIL} }}");
    let clause = records("\"/d.sql\"", &keys);
    let category = clause.lines().find(|line| line.starts_with("category")).unwrap().to_owned();
    let case = Case::new();
    case.file("/d.sql", DUMP);
    case.order("", &clause.replace(&category, "category = \"subscriber\""));
    case.run().ends_with(0);
    assert_eq!(data(&case).lines().count(), 4);
}

#[test]
fn an_archive_of_pg_dump_is_no_text() {
    let case = dump(
        b"PGDMP\x01\x0e\0;COPY t (a) FROM stdin;\n1\n\\.\n",
        "/d.dump",
        "as = \"postgresql-dump\"\neverything = true",
    );
    case.run().ends_with(3);
    assert_eq!((data(&case), case.package().shortfalls()), (String::new(), case::short("not-the-format", 1)));
}

#[test]
fn check_says_which_rows_an_order_means() {
    let keys = format!(
        "as = \"mysql-dump\"\nrows = {{ table = \"customer\", {EMAIL}, time = \"made\", time-unit = \"seconds\" }}\n{DAY}"
    );
    let said = dump(DUMP, "/d.sql", &keys).extract(&["check", "order.toml"]);
    said.ends_with(0);
    for line in [
        "  table  customer\n",
        "  any of email alice@shop.example, the whole of column email\n",
        "  time   column made, which counts seconds since 1970\n",
    ] {
        assert!(said.stdout.contains(line), "{}", said.stdout);
    }
    assert!(!said.stdout.contains("any identifier"), "{}", said.stdout);
}

#[test]
fn what_postgresql_copied_is_taken_too() {
    let dump_text = "--\n-- PostgreSQL database dump\n--\n\nCOPY public.customer (id, email, made) FROM stdin;\n\
        1\talice@shop.example\t2024-03-25 10:00:00+00\n2\talice@shop.example\t\\N\n3\tbob@shop.example\t2024-03-25 10:00:00+00\n\\.\n\n\
        --\n-- PostgreSQL database dump complete\n--\n";
    let keys =
        format!("as = \"postgresql-dump\"\nrows = {{ table = \"public.customer\", {EMAIL}, time = \"made\" }}\n{DAY}");
    let case = dump(dump_text, "/d.sql", &keys);
    case.run().ends_with(3);
    let expected = "{\"table\":\"public.customer\",\"row\":{\"id\":\"1\",\"email\":\"alice@shop.example\",\"made\":\"2024-03-25 10:00:00+00\"}}\n";
    assert_eq!(data(&case), expected);
    assert_eq!(case.package().disclosure()["totals"]["undecided"], 1);
}
