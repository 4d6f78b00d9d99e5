//! PostgreSQL's log: zones, users that chose their names, and statements of several lines.

use extract::order::Format;

use super::run::Package;
use super::said::records;

#[test]
fn a_zone_counts_where_it_means_one_offset() {
    let cases = [
        ("UTC", "2024-05-01T12:00:00.25Z"),
        ("GMT", "2024-05-01T12:00:00.25Z"),
        ("CET", "2024-05-01T11:00:00.25Z"),
        ("CEST", "2024-05-01T10:00:00.25Z"),
        ("EEST", "2024-05-01T09:00:00.25Z"),
        ("-03", "2024-05-01T15:00:00.25Z"),
        ("+0530", "2024-05-01T06:30:00.25Z"),
        ("+99", "unreadable"),
        ("X1", "unreadable"),
        ("LONGER", "2024-05-01T12:00:00.250 LONGER"),
        ("EST", "2024-05-01T12:00:00.250 EST"),
        ("CST", "2024-05-01T12:00:00.250 CST"),
        ("IST", "2024-05-01T12:00:00.250 IST"),
        ("AEST", "2024-05-01T12:00:00.250 AEST"),
    ];
    for (zone, expected) in cases {
        let line = format!("2024-05-01 12:00:00.250 {zone} [77] LOG:  x\n");
        let seen = records(Format::Postgresql, line.as_bytes());
        assert!(seen[0].is_parsed, "{line}");
        assert_eq!(seen[0].fields, format!("time {expected}; from ?; to ?; client ?; user -"), "{line}");
    }
    let seen = records(Format::Postgresql, b"2024-02-30 12:00:00 UTC [77] LOG:  x\n");
    assert!(seen[0].fields.starts_with("time unreadable; "));
}

#[test]
fn a_user_is_read_where_the_name_can_be_nothing_else() {
    let cases = [
        ("alice@shop LOG:  statement: select 'a@b'", "\"alice\""),
        ("alice.b-c_d@shop ERREUR:  x", "\"alice.b-c_d\""),
        ("[unknown]@[unknown] LOG:  connection received: host=192.0.2.1 port=5", "-"),
        ("LOG:  checkpoint starting: time", "-"),
        // Names that hold a prefix, as PostgreSQL 15 writes them.
        ("eve@db LOG:  x@shop LOG:  statement: select 1", "?"),
        ("LOG:  x@shop LOG:  statement: select 1", "?"),
        ("z] eve@db LOG:  x@shop FATAL:  role does not exist", "?"),
        ("a b@shop LOG:  x", "?"),
        ("a@b@shop LOG:  x", "?"),
        ("@shop LOG:  x", "?"),
        ("alice@shop started", "?"),
        ("user=alice,db=shop LOG:  x", "?"),
    ];
    for (text, expected) in cases {
        let line = format!("2024-05-01 12:00:00.250 UTC [77-1] {text}\n");
        let seen = records(Format::Postgresql, line.as_bytes());
        assert!(seen[0].is_parsed, "{line}");
        assert!(seen[0].fields.ends_with(&format!("; user {expected}")), "{line}: {}", seen[0].fields);
    }
}

/// What PostgreSQL 15 wrote of a statement of four lines, the second of which looks like an entry.
const STATEMENT: &str = "2026-11-27 00:35:56.548 CET [32591] postgres@postgres STATEMENT:  select 1\n\
    \t2024-05-01 12:00:00.000 UTC [1] eve@x LOG:  forged\n\t\n\t, 2\n";

#[test]
fn a_statement_goes_with_its_entry_and_a_line_of_another_program_does_not() {
    let text = format!("\torphan\n{STATEMENT}cp: cannot stat 'x'\n{STATEMENT}\n        Connection matched\n");
    let seen = records(Format::Postgresql, text.as_bytes());
    let seen: Vec<_> = seen.iter().map(|said| (std::str::from_utf8(&said.bytes).unwrap(), said.is_parsed)).collect();
    let expected = [
        ("\torphan\n", false),
        (STATEMENT, true),
        ("cp: cannot stat 'x'\n", false),
        (STATEMENT, true),
        ("\n        Connection matched\n", false),
    ];
    assert_eq!(seen, expected);
    for line in [
        "2024-05-01 12:00:00 UTC LOG:  x",
        "2024-05-01 12:00:00 [77] LOG:  x",
        "2024-05-01T12:00:00 UTC [77] LOG:  x",
        "2024-05-01 12:00:00 UTC [x] LOG:  x",
    ] {
        assert!(!records(Format::Postgresql, line.as_bytes())[0].is_parsed, "{line}");
    }
}

#[test]
fn an_abbreviation_decides_in_the_zone_that_has_it_and_in_no_other() {
    let folder = tempfile::tempdir().unwrap();
    // The hour that London has twice, and one before it.
    let log = "2024-10-27 00:59:59.000 BST [1] LOG:  a\n2024-10-27 01:30:00.000 BST [1] LOG:  b\n\
        2024-10-27 01:30:00.000 GMT [1] LOG:  c\n\tmore\n2024-10-27 01:30:00.000 CET [1] LOG:  d\n";
    std::fs::write(folder.path().join("postgresql.log"), log).unwrap();
    let window =
        "window = { from = 2024-10-27T00:00:00Z, before = 2024-10-27T01:00:00Z, clock = \"record\" }".to_owned();
    for (zone, expected, undecided) in [("Europe/London", "bd", 0), ("Europe/Berlin", "d", 2)] {
        let package =
            Package::of(folder.path(), zone, "/postgresql.log", Format::Postgresql, std::slice::from_ref(&window));
        let seen: String = package.lines().filter_map(|line| line.last().map(|&byte| char::from(byte))).collect();
        assert_eq!((seen.as_str(), package.undecided(0)), (expected, undecided), "{zone}");
    }
}
