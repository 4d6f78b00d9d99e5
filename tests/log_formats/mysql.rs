//! The logs of MySQL and MariaDB: entries, their times, and statements that look like entries.

use extract::order::Format;

use super::said::{Said, records};

/// What MariaDB 10.11 wrote, shortened.
const SLOW: &str = "/usr/sbin/mariadbd, Version: 10.11.14-MariaDB-0+deb12u2-log (Debian 12). started with:\n\
    Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock\n\
    Time\t\t    Id Command\tArgument\n\
    # Time: 261126 23:30:05\n\
    # User@Host: [alice] @ localhost [127.0.0.1]\n\
    # Thread_id: 3  Schema:   QC_hit: No\n\
    # Query_time: 0.000185  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0\n\
    SET timestamp=1795735805;\n\
    select 1;\n\
    # User@Host: bob[bob] @ localhost [127.0.0.1]\n\
    # Query_time: 0.000185  Lock_time: 0.000000  Rows_sent: 1  Rows_examined: 0\n\
    use `shop`;\n\
    SET last_insert_id=5,insert_id=6,timestamp=1795735806;\n\
    insert into t\n\
    \tvalues (1);\n";

/// What MariaDB 10.11 wrote.
const GENERAL: &str = "/usr/sbin/mariadbd, Version: 10.11.14-MariaDB-0+deb12u2-log (Debian 12). started with:\n\
    Tcp port: 3306  Unix socket: /run/mysqld/mysqld.sock\n\
    Time\t\t    Id Command\tArgument\n\
    261126 23:30:05\t     3 Connect\talice@localhost on  using TCP/IP\n\
    \t\t     3 Query\tselect 1\n\
    261126 23:31:00\t     3 Query\tselect \"a\n\
    b\"\n\
    \t\t     3 Quit\t\n";

const NOBODY: &str = "; from ?; to ?; client ?; user ?";

fn seen(which: Format, text: &str) -> Vec<(String, String)> {
    let said = |said: Said| (String::from_utf8(said.bytes).unwrap(), said.fields.replace(NOBODY, ""));
    records(which, text.as_bytes()).into_iter().map(said).collect()
}

#[test]
fn an_entry_of_the_slow_log_has_its_time_in_its_own_lines() {
    let seen = seen(Format::MysqlSlow, SLOW);
    let begins = ["/usr/sbin/mariadbd", "# Time: 261126", "# User@Host: bob"];
    assert!(seen.iter().zip(begins).all(|((text, _), begin)| text.starts_with(begin)), "{seen:#?}");
    let times: Vec<_> = seen.iter().map(|(_, time)| time.as_str()).collect();
    assert_eq!(times, ["time unreadable", "time 2026-11-26T23:30:05Z", "time 2026-11-26T23:30:06Z"]);
}

#[test]
fn the_time_of_an_entry_is_the_one_that_needs_no_zone() {
    let user = "# User@Host: u[u] @ h [192.0.2.1]\n# Query_time: 1\n";
    let cases = [
        (
            format!("# Time: 2024-05-01T12:00:00.123456Z\n{user}SET timestamp=5;\nselect 1;\n"),
            "2024-05-01T12:00:00.123456Z",
        ),
        (format!("# Time: 2024-05-01T12:00:00.5+02:00\n{user}select 1;\n"), "2024-05-01T10:00:00.5Z"),
        (
            format!("# Time: 240501 12:00:00\n{user}SET timestamp=1714557600.25;\nselect 1;\n"),
            "2024-05-01T10:00:00.25Z",
        ),
        (format!("# Time: 240501  9:00:00\n{user}select 1;\n"), "2024-05-01T09:00:00"),
        (format!("{user}use a;\nSET timestamp=1714557600;\n"), "2024-05-01T10:00:00Z"),
        // A statement tells no time.
        (format!("{user}select 1;\nSET timestamp=1714557600;\n"), "lacks"),
        (format!("{user}SET timestamp=x;\n"), "lacks"),
        (format!("{user}select 1;\n"), "lacks"),
        (format!("# Time: nonsense\n{user}select 1;\n"), "unreadable"),
        (format!("# Time: 2024-05-01T12:00:00+99:00\n{user}SET timestamp=5;\n"), "unreadable"),
        (format!("# Time: 240501 12:00:00\n# Time: 240501 12:00:01\n{user}SET timestamp=5;\n"), "unreadable"),
        ("# Time: 240501 12:00:00\nselect 1;\n".to_owned(), "unreadable"),
    ];
    for (text, expected) in cases {
        assert_eq!(seen(Format::MysqlSlow, &text), [(text.clone(), format!("time {expected}"))]);
    }
}

#[test]
fn an_entry_of_the_general_log_lacks_the_time_that_another_line_tells() {
    let seen = seen(Format::MysqlGeneral, GENERAL);
    let times: Vec<_> = seen.iter().map(|(_, time)| time.as_str()).collect();
    let (first, second) = ("time 2026-11-26T23:30:05", "time 2026-11-26T23:31:00");
    assert_eq!(times, ["time unreadable", first, "time lacks", second, "time lacks"]);
    assert!(seen[3].0.ends_with("select \"a\nb\"\n"));
    let cases = [
        ("2024-05-01T12:00:00.123456Z\t   12 Query\tselect 1\n", "2024-05-01T12:00:00.123456Z"),
        ("2024-05-01T12:00:00.123456+02:00\t   12 Binlog Dump GTID\tx\n", "2024-05-01T10:00:00.123456Z"),
        ("240501  9:00:00\t    5 Init DB\tshop\n", "2024-05-01T09:00:00"),
        ("240230 09:00:00\t    5 Init DB\tshop\n", "unreadable"),
    ];
    for (text, expected) in cases {
        assert_eq!(super::mysql::seen(Format::MysqlGeneral, text), [(text.to_owned(), format!("time {expected}"))]);
    }
}

#[test]
fn what_looks_like_a_line_of_a_statement_is_one() {
    let head = "240501 12:00:00\t    5 Query\tselect\n";
    for more in
        ["\t\tname\n", "\t\t5 rows\n", "\t\t 5 Nothing\tx\n", "2024-05-01T12:00:00Z\tx\n", "240501 12:00:00 x\n", "\n"]
    {
        assert_eq!(records(Format::MysqlGeneral, format!("{head}{more}").as_bytes()).len(), 1, "{more:?}");
    }
    let head = "# User@Host: u[u] @ h [192.0.2.1]\nSET timestamp=5;\nselect\n";
    for more in ["# comment\n", "-- # Time: 5\n", "# time: x\n", "Time\t\t    Id Command\tArgument\n", "\n"] {
        assert_eq!(records(Format::MysqlSlow, format!("{head}{more}").as_bytes()).len(), 1, "{more:?}");
    }
    // What is written as another entry cannot be told from one; then no field of either is anybody's.
    let forged = format!("{head}\"\n# User@Host: eve[eve] @ x [203.0.113.7]\n\";\n");
    let seen = records(Format::MysqlSlow, forged.as_bytes());
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|said| said.fields.ends_with(NOBODY)));
}
