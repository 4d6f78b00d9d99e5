//! PostgreSQL's log: zones, users that chose their names, and statements of several lines.

use extract::order::Format;

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
        ("EST", "unreadable"),
        ("CST", "unreadable"),
        ("IST", "unreadable"),
        ("AEST", "unreadable"),
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
