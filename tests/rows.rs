//! Records with named columns, by orders that are run through the program: what they take, what they cannot decide, and
//! what a changed row gives away.

mod case;
#[path = "fixture/resealed.rs"]
mod resealed;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use case::{Case, records};
use extract::order::Format;
use extract::record::{Probe, RecordSink, Stop, Unreadable, format, probe_format};
use extract::scope::RawRecord;
use resealed::resealed;
use serde_json::Value;

const AUDIT: [&str; 10] = [
    r#"{"at":"2024-03-25T10:00:00Z","actor":{"email":"Alice@shop.example","ip":"192.0.2.7"},"what":"login"}"#,
    r#"{"at":"2024-03-25 10:30:00.5","actor":{"email":"alice\u0040shop.example","ip":"192.0.2.8"},"what":"order"}"#,
    r#"{"at":"2024-03-26T10:00:00Z","actor":{"email":"alice@shop.example","ip":"192.0.2.7"},"what":"logout"}"#,
    r#"{"at":"2024-03-25T11:00:00Z","actor":{"email":"bob@shop.example","ip":"192.0.2.9"},"what":"mail to alice@shop.example"}"#,
    r#"{"at":"2024-03-25T11:00:00Z","actor":{"email":"bob@shop.example"},"actor.email":"alice@shop.example"}"#,
    r#"{"at":"2024-03-25T11:00:00Z","actor":{"email":"bob@shop.example","email":"alice@shop.example"}}"#,
    r#"{"at":1711360800,"actor":{"email":"alice@shop.example"}}"#,
    r#"{"actor":{"email":"alice@shop.example"}}"#,
    r#"{"at":"2024-03-25T11:00:00Z","actor":{"email":["alice@shop.example"]}}"#,
    r#"{"at":"2024-03-25T11:00:00Z","actor":{"email":"alice@shop.example"}"#,
];

const DAY: &str = "window = { from = 2024-03-25, through = 2024-03-25, clock = \"record\" }";

/// Which lines an order takes, and how many it cannot decide.
fn taken(lines: &[&str], file: &str, source: &str, keys: &str) -> (BTreeSet<usize>, u64) {
    let case = Case::new();
    case.file(file, lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    case.order(source, &records(&format!("{file:?}"), keys));
    let said = case.run();
    assert!(matches!(said.code, Some(0 | 3)), "{}\n{}", said.stderr, said.stdout);
    let package = case.package();
    let disclosed = package.disclosed();
    let mut taken = BTreeSet::new();
    for (_, bytes) in &disclosed {
        for line in std::str::from_utf8(bytes).unwrap().lines() {
            taken.insert(lines.iter().position(|known| *known == line).expect("a line is disclosed as it stands"));
        }
    }
    (taken, package.disclosure()["totals"]["undecided"].as_u64().unwrap())
}

#[test]
fn rows_are_taken_by_the_whole_value_of_a_column_and_by_a_column_of_time() {
    let email = "{ email = \"alice@shop.example\", column = \"actor.email\" }";
    let ip = "{ ip = \"192.0.2.9\", column = \"actor.ip\" }";
    let london = "zone = \"Europe/London\"";
    let cases = [
        // By the column alone: a list is not read, and the last line is no object.
        (london, format!("rows = {{ where = [{email}] }}"), vec![0, 1, 2, 4, 5, 6, 7], 2),
        (london, format!("rows = {{ where = [{email}, {ip}] }}"), vec![0, 1, 2, 3, 4, 5, 6, 7], 2),
        // In the window: a number without a unit and a missing time are undecided too.
        (london, format!("rows = {{ where = [{email}], time = \"at\" }}\n{DAY}"), vec![0, 1, 4, 5], 4),
        ("", format!("rows = {{ where = [{email}], time = \"at\" }}\n{DAY}"), vec![0, 4, 5], 5),
        // Whole tokens of any value beside it.
        (
            london,
            format!("identifiers = [{{ ip = \"192.0.2.7\" }}]\nrows = {{ where = [{email}], time = \"at\" }}\n{DAY}"),
            vec![0],
            0,
        ),
        // Any token, decoded: the words of Bob's mail too.
        (london, "identifiers = [{ email = \"alice@shop.example\" }]".to_owned(), (0..9).collect(), 1),
        // The column of time alone.
        (london, format!("rows = {{ time = \"at\" }}\n{DAY}"), vec![0, 1, 3, 4, 5, 8], 3),
        (london, "everything = true".to_owned(), (0..10).collect(), 0),
    ];
    for (source, keys, lines, undecided) in cases {
        let seen = taken(&AUDIT, "/app/audit.jsonl", source, &format!("as = \"jsonl\"\n{keys}"));
        assert_eq!(seen, (lines.into_iter().collect(), undecided), "{keys}");
    }
}

#[test]
fn a_column_of_numbers_is_a_time_where_the_order_says_what_it_counts() {
    let lines = [
        r#"{"ts":1711360800,"id":4711}"#,
        r#"{"ts":1711360800.5,"id":4711}"#,
        r#"{"ts":"1711360800","id":"4711"}"#,
        r#"{"ts":1711447200,"id":4711}"#,
        r#"{"ts":1711360800,"id":47110}"#,
        r#"{"ts":1711360800,"id":4711.0}"#,
        r#"{"ts":1711360800000,"id":4711}"#,
        r#"{"ts":1.7e9,"id":4711}"#,
        r#"{"ts":null,"id":4711}"#,
    ];
    let keys = |unit: &str| {
        let cell = "{ token = \"4711\", column = \"id\" }";
        format!("as = \"jsonl\"\nrows = {{ where = [{cell}], time = \"ts\"{unit} }}\n{DAY}")
    };
    let seconds = taken(&lines, "/a.jsonl", "", &keys(", time-unit = \"seconds\""));
    // A count that is beyond the year 9999 is no time in seconds.
    assert_eq!(seconds, (BTreeSet::from([0, 1, 2]), 3));
    let milliseconds = taken(&lines, "/a.jsonl", "", &keys(", time-unit = \"milliseconds\""));
    assert_eq!(milliseconds, (BTreeSet::from([6]), 2));
    assert_eq!(taken(&lines, "/a.jsonl", "", &keys("")), (BTreeSet::new(), 7));
}

#[test]
fn what_a_container_wrote_is_found_decoded_and_by_dockers_own_time() {
    let line = |log: &str, time: &str| format!(r#"{{"log":"{log}","stream":"stdout","time":"{time}"}}"#);
    let lines = [
        line("login \\u003calice@shop.example\\u003e\\n", "2024-03-25T10:00:00.123456789Z"),
        line("login alice@shop.example\\n", "2024-03-25T23:30:00.5+01:00"),
        line("login alice@shop.example\\n", "2024-03-26T10:00:00Z"),
        line("login bob@shop.example\\n", "2024-03-25T10:00:00Z"),
        line("login alice@shop.example\\n", "2024-03-25T10:00:00"),
        line("x\\\",\\\"time\\\":\\\"2024-03-25T10:00:00Z\\\"} alice@shop.example\\n", "2024-03-26T10:00:00Z"),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let keys = format!("identifiers = [{{ email = \"alice@shop.example\" }}]\n{DAY}");
    for named in ["as = \"docker-json\"\n", ""] {
        let seen = taken(&lines, "/c-json.log", "", &format!("{named}{keys}"));
        assert_eq!(seen, (BTreeSet::from([0, 1]), 1), "{named}");
        let seen = taken(&lines, "/c-json.log", "zone = \"Europe/London\"", &format!("{named}{keys}"));
        assert_eq!(seen, (BTreeSet::from([0, 1, 4]), 0), "{named}");
    }
    let rows = "as = \"docker-json\"\nrows = { where = [{ token = \"stdout\", column = \"stream\" }] }\n";
    assert_eq!(taken(&lines, "/c-json.log", "", &format!("{rows}{DAY}")), (BTreeSet::from([0, 1, 3]), 1));
}

#[test]
fn a_row_that_was_changed_or_does_not_belong_is_a_finding() {
    let case = Case::new();
    case.file("/app/audit.jsonl", AUDIT.iter().map(|line| format!("{line}\n")).collect::<String>());
    let cell = "{ email = \"alice@shop.example\", column = \"actor.email\" }";
    let keys = format!("as = \"jsonl\"\nrows = {{ where = [{cell}], time = \"at\" }}\n{DAY}");
    case.order("zone = \"Europe/London\"", &records("\"/app/audit.jsonl\"", &keys));
    case.run().ends_with(3);
    let exhibits = case.package().exhibits();
    assert_eq!(exhibits[0]["file"], "data/000001.jsonl");
    assert_eq!(exhibits[0]["format"], "jsonl");
    let good = std::fs::read(case.path("out.tar")).unwrap();
    for (old, new, words) in [
        ("\"Alice@shop.example\"", "\"Alicf@shop.example\"", "none of the rows"),
        ("\"email\":\"Alice", "\"emaik\":\"Alice", "none of the rows"),
        ("2024-03-25T10:00", "2024-03-27T10:00", "outside the window"),
    ] {
        let changed = resealed(&good, "data/000001.jsonl", |_, data| {
            assert_eq!(data.matches(old).count(), 1, "{old}");
            data.replace(old, new)
        });
        std::fs::write(case.path("changed.tar"), changed).unwrap();
        let said = case.extract(&["verify", "changed.tar"]);
        said.ends_with(1);
        assert!(said.stdout.contains(words) || said.stderr.contains(words), "{}\n{}", said.stdout, said.stderr);
    }
}

#[test]
fn an_order_that_needs_a_column_of_time_is_refused_without_one() {
    let case = Case::new();
    case.file("/a.jsonl", "{}\n");
    case.order("", &records("\"/a.jsonl\"", &format!("as = \"jsonl\"\n{DAY}")));
    case.run().ends_with(2).names(&["no-time-column"]);
}

#[test]
fn rows_of_csv_are_rendered_under_the_names_of_their_header() {
    let case = Case::new();
    let csv = "Id;Email;Note;At\r\n1;Alice@shop.example;\"a;b \"\"c\"\"\r\nd\";2024-03-25 10:00:00\r\n2;bob@shop.example;alice@shop.example;2024-03-25 10:00:00\r\n\
               3;alice@shop.example;x;2024-03-26 10:00:00\r\n4;alice@shop.example;x;soon\r\n5;alice@shop.example\r\n6;alice@shop.example;;2024-03-25 23:59:59";
    case.file("/export.csv", csv);
    let cell = "{ email = \"alice@shop.example\", column = \"Email\" }";
    let keys = format!("as = \"csv\"\nrows = {{ where = [{cell}], time = \"At\" }}\n{DAY}");
    case.order("zone = \"Europe/London\"", &records("\"/export.csv\"", &keys));
    case.run().ends_with(3);
    let package = case.package();
    let expected = "{\"row\":{\"Id\":\"1\",\"Email\":\"Alice@shop.example\",\"Note\":\"a;b \\\"c\\\"\\r\\nd\",\"At\":\"2024-03-25 10:00:00\"}}\n\
                    {\"row\":{\"Id\":\"6\",\"Email\":\"alice@shop.example\",\"Note\":\"\",\"At\":\"2024-03-25 23:59:59\"}}\n";
    let disclosed = package.disclosed();
    assert_eq!(std::str::from_utf8(&disclosed[0].1).unwrap(), expected);
    assert_eq!(package.shortfalls(), case::short("not-the-format", 1));
    assert_eq!(package.disclosure()["totals"]["undecided"], 1);
    let good = std::fs::read(case.path("out.tar")).unwrap();
    let changed = resealed(&good, "data/000001.jsonl", |_, data| data.replace("Alice@", "Alicf@"));
    std::fs::write(case.path("changed.tar"), changed).unwrap();
    case.extract(&["verify", "changed.tar"]).ends_with(1);
}

#[test]
fn a_name_that_nothing_has_is_said_and_is_no_absence() {
    let lines = "{\"at\":\"2024-03-25T10:00:00Z\",\"email\":null}\n{\"actor\":{\"email\":\"bob@shop.example\"}}\n";
    for (column, time, missing) in [
        ("email", "at", vec![]),
        ("actor.email", "at", vec![]),
        ("emial", "at", vec!["column \"emial\""]),
        ("Email", "At", vec!["column \"At\"", "column \"Email\""]),
    ] {
        let case = Case::new();
        case.file("/a.jsonl", lines);
        // A file of other records has none of them: what one of them has is there.
        case.file("/b.jsonl", "{\"x\":1}\n");
        case.file("/c.jsonl", "");
        let cell = format!("{{ email = \"alice@shop.example\", column = \"{column}\" }}");
        let keys = format!("as = \"jsonl\"\nrows = {{ where = [{cell}], time = \"{time}\" }}\n{DAY}");
        case.order("", &records("\"/*.jsonl\"", &keys));
        let preview = case.extract(&["--order", "order.toml", "--dry-run"]);
        let said = case.run();
        let code = if missing.is_empty() { 0 } else { 3 };
        said.ends_with(code);
        let package = case.package();
        let short = if missing.is_empty() { vec![] } else { case::short("no-such-column", missing.len() as u64) };
        assert_eq!(package.shortfalls(), short, "{column}");
        let outcome = if missing.is_empty() { "nothing-held" } else { "not-read" };
        assert_eq!(package.disclosure()["clauses"][0]["outcome"], outcome);
        for name in missing {
            let words = format!("clause 1: no record of its streams has the {name}");
            assert!(preview.stdout.contains(&words), "{}", preview.stdout);
        }
        assert!(preview.stdout.contains("clause 1: 2 streams read as jsonl, as it says"), "{}", preview.stdout);
    }
}

#[test]
fn a_preview_says_what_was_chosen_by_content_and_why() {
    let case = Case::new();
    case.file("/a", case::log_line("192.0.2.7", "25/Mar/2024:10:00:00 +0000"));
    case.file("/b", "{\"x\":1}\n");
    case.order("", &records("\"/*\"", "identifiers = [{ ip = \"192.0.2.7\" }]"));
    let said = case.extract(&["--order", "order.toml", "--dry-run"]);
    said.ends_with(0);
    for words in [
        "clause 1: 1 stream read as access-log, because a quarter or more of the lines at its beginning have the shape",
        "clause 1: 1 stream read as jsonl, because more than three quarters of the lines at its beginning are objects",
    ] {
        assert!(said.stdout.contains(words), "{}", said.stdout);
    }
}

#[test]
fn lines_of_a_w3c_log_are_rows_of_the_directive_before_them() {
    let case = Case::new();
    let log = "\u{feff}#Software: Microsoft Internet Information Services 10.0\r\n#Fields: date time c-ip cs-username cs(Cookie)\r\n\
               2024-03-25 10:00:00 192.0.2.7 SHOP\\alice \"a b=\"\"c\"\"\"\r\n\
               2024-03-25 10:00:00 192.0.2.8 - 192.0.2.7\r\n\
               2024-03-25 23:30:00 192.0.2.7 - -\r\n2024-03-26 00:30:00 192.0.2.7 - -\r\n\
               2024-03-25 10:00:00 192.0.2.7 - - -\r\n2024-03-25 10:00:00 192.0.2.7 - \r\n\
               #Fields: c-ip\tdate\ttime\r\n192.0.2.7\t2024-03-25\t11:00:00\r\n\
               #Fields: date time s-ip\r\n2024-03-25 10:00:00 192.0.2.7\r\n2024-03-25 10:00:00 192.0.2.9\r\n";
    case.file("/u_ex240325.log", log);
    // The window's day is London's, the log's clock UTC's: they are the same in March until the 31st.
    case.order("", &records("\"/u_ex240325.log\"", &format!("identifiers = [{{ ip = \"192.0.2.7\" }}]\n{DAY}")));
    case.run().ends_with(3);
    let package = case.package();
    let expected = "{\"row\":{\"date\":\"2024-03-25\",\"time\":\"10:00:00\",\"c-ip\":\"192.0.2.7\",\"cs-username\":\"SHOP\\\\alice\",\"cs(Cookie)\":\"a b=\\\"c\\\"\"}}\n\
                    {\"row\":{\"date\":\"2024-03-25\",\"time\":\"23:30:00\",\"c-ip\":\"192.0.2.7\",\"cs-username\":\"-\",\"cs(Cookie)\":\"-\"}}\n\
                    {\"row\":{\"c-ip\":\"192.0.2.7\",\"date\":\"2024-03-25\",\"time\":\"11:00:00\"}}\n";
    assert_eq!(std::str::from_utf8(&package.disclosed()[0].1).unwrap(), expected);
    assert_eq!(package.exhibits()[0]["format"], "w3c");
    assert_eq!(package.shortfalls(), case::short("not-the-format", 1));
    // The two lines whose client is no column; the two that have a field too many or too few are no records.
    assert_eq!(package.disclosure()["totals"]["undecided"], 2);
    // A column that an order names is asked for its whole value.
    let cell = "{ account = \"SHOP\\\\alice\", column = \"cs-username\" }";
    case.again().order("", &records("\"/u_ex240325.log\"", &format!("as = \"w3c\"\nrows = {{ where = [{cell}] }}")));
    case.run().ends_with(3);
    assert_eq!(case.package().disclosure()["totals"]["records"], 1);
}

/// How many records there are, and how many are not parsed.
#[derive(Default)]
struct Count(u64, u64);

impl RecordSink for Count {
    fn record(&mut self, record: RawRecord<'_>) -> Result<(), Stop> {
        self.0 += 1;
        self.1 += u64::from(!record.fields.parsed());
        Ok(())
    }
    fn separator(&mut self, _: u64) {
        panic!("nothing stands between lines");
    }
    fn unreadable(&mut self, _: u64, _: Unreadable) {
        panic!("every line is read");
    }
}

fn unpacked(path: &Path) -> Vec<u8> {
    if path.extension().is_some_and(|ending| ending == "zst") {
        return case::tool("zstd", &["-dc", case::text(path)]).into_bytes();
    }
    std::fs::read(path).unwrap()
}

/// Truth counts lines that hold an address as a substring; each is one here too, but for what a file's own reason says.
#[test]
fn every_line_and_address_of_the_corpora_is_found() {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let Ok(truth) = std::fs::read(folder.join("truth.json")) else {
        println!("corpora: {} is not there", folder.display());
        return;
    };
    let truth: Value = serde_json::from_slice(&truth).unwrap();
    for (name, facts) in truth["jsonl"].as_object().unwrap() {
        // The names of members are no question to this program; that all lines parse, they say too.
        let known = ["lines", "valid_json", "top_level_keys", "ipv4_line_counts_top5"];
        assert!(facts.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "{name}");
        let bytes = unpacked(&folder.join(name));
        let which = if name.contains("docker") { Format::DockerJson } else { Format::Jsonl };
        match probe_format(&bytes[..bytes.len().min(1 << 20)], bytes.len() <= 1 << 20) {
            Probe::One(row) => assert_eq!(row.format(), which, "{name}"),
            Probe::None => panic!("{name}: no format"),
            Probe::Several => panic!("{name}: several formats"),
        }
        let mut count = Count::default();
        format(which).split(&mut bytes.as_slice(), None, &mut count).unwrap();
        let valid = facts["valid_json"].as_u64().unwrap();
        assert_eq!((count.0, count.1), (facts["lines"].as_u64().unwrap(), count.0 - valid), "{name}");
        println!("{name}: {} lines, {} not parsed", count.0, count.1);
        for pair in facts["ipv4_line_counts_top5"].as_array().unwrap() {
            let (ip, lines) = (pair[0].as_str().unwrap(), pair[1].as_u64().unwrap());
            let case = Case::new();
            case.file("/a", &bytes);
            case.order("", &records("\"/a\"", &format!("identifiers = [{{ ip = {ip:?} }}]")));
            case.run().ends_with(0);
            assert_eq!(case.package().disclosure()["totals"]["records"].as_u64(), Some(lines), "{name}: {ip}");
        }
    }
}
