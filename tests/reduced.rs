//! Orders that ask for less than the record, run through the program: what leaves, and that nothing of the rest is anywhere.

mod case;

use case::{Case, Package, log_line};

/// A clause with that id over that path.
fn clause(id: &str, path: &str, keys: &str) -> String {
    format!(
        "[[clause]]\nid = \"{id}\"\ntext = \"what the order names\"\nsource = \"s\"\ncategory = \"content\"\n\
         paths = [\"{path}\"]\ntake = \"records\"\n{keys}\n\n"
    )
}

const ALICE: &str = "identifiers = [{ email = \"alice@shop.example\" }]";
const DAY: &str = "window = { from = 2024-03-25, through = 2024-03-25, clock = \"record\" }";
const LONDON: &str = "zone = \"Europe/London\"";

/// The exhibits: their file and what is in them.
fn exhibits(package: &Package) -> Vec<(String, String)> {
    let exhibits = package.exhibits();
    let files = exhibits.iter().map(|exhibit| exhibit["file"].as_str().unwrap().to_owned());
    files.map(|file| (file.clone(), String::from_utf8_lossy(package.member(&file)).into_owned())).collect()
}

fn undecided(package: &Package) -> u64 {
    package.disclosure()["totals"]["undecided"].as_u64().unwrap()
}

/// No member of the package, no word of the program and no file beside the package holds any of these.
#[track_caller]
fn nowhere(case: &Case, package: &Package, said: &[&case::Said], marks: &[&str]) {
    for mark in marks {
        let holds = |bytes: &[u8]| bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
        for name in &package.names {
            assert!(!holds(package.member(name)), "{mark} is in {name}");
        }
        for said in said {
            assert!(!holds(said.stdout.as_bytes()) && !holds(said.stderr.as_bytes()), "{mark} was said");
        }
        assert!(!holds(&std::fs::read(case.path("2024-17.audit.jsonl")).unwrap()), "{mark} is in the audit");
    }
}

#[test]
fn a_record_is_given_as_its_clause_asks_for_it() {
    let access = log_line("192.0.2.7", "25/Mar/2024:10:00:00 +0000").replace(" - - ", " - alice ")
        + &log_line("192.0.2.7", "26/Mar/2024:10:00:00 +0000")
        + &log_line("::ffff:192.0.2.7", "25/Mar/2024:12:30:00.0 +0000").replace(".0 ", " ");
    let postfix = "2024-03-25T10:00:00.5+01:00 mx postfix/smtp[9]: 4F2A11C3: to=<alice@shop.example>, relay=secret[192.0.2.9]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)\n\
                   2024-03-25T10:00:01+01:00 mx postfix/qmgr[9]: 4F2A11C3: from=<carol@secret.example>, size=1, nrcpt=1 (queue active)\n";
    let jsonl = "{\"at\":\"2024-03-25 10:00:00\",\"who\":{\"email\":\"alice@shop.example\"},\"n\":1.50,\"secret\":\"x\"}\n\
                 {\"at\":\"2024-03-25T11:00:00Z\",\"n\":null,\"who\":{\"email\":\"alice@shop.example\"},\"n\":\"two\"}\n\
                 {\"at\":\"2024-03-25T12:00:00Z\",\"n\":[1],\"who\":{\"email\":\"alice@shop.example\"}}\n";
    let csv = "Id,Email,At\n7,alice@shop.example,2024-03-25 10:00:00\n8,bob@shop.example,2024-03-25 10:00:00\n";
    let docker =
        "{\"log\":\"alice@shop.example secret\\n\",\"stream\":\"stdout\",\"time\":\"2024-03-25T10:00:00.25Z\"}\n";
    let syslog = "Mar 25 10:00:00 mx app: alice@shop.example\nMar 25 10:00:01 mx app: bob\n";
    let ip = "identifiers = [{ ip = \"192.0.2.7\" }]";
    let at = "rows = { where = [{ email = \"alice@shop.example\", column = \"who.email\" }], time = \"at\" }";
    // content, keys, what is given, how many are undecided
    let cases = [
        (
            &*access,
            format!("as = \"access-log\"\n{ip}\n{DAY}\nfields = [\"time\", \"client\", \"user\"]"),
            "{\"fields\":{\"time\":\"2024-03-25T10:00:00Z\",\"client\":[\"192.0.2.7\"],\"user\":[\"alice\"]}}\n\
             {\"fields\":{\"time\":\"2024-03-25T12:30:00Z\",\"client\":[\"192.0.2.7\"],\"user\":[]}}\n",
            0,
        ),
        (
            &access,
            format!("as = \"access-log\"\n{ip}\n{DAY}\nfields = [\"user\"]"),
            "{\"fields\":{\"user\":[\"alice\"]}}\n{\"fields\":{\"user\":[]}}\n",
            0,
        ),
        // A line without the shape of its format has no fields.
        (
            "192.0.2.7 is not a line\n",
            format!("as = \"access-log\"\n{ip}\nfields = [\"client\"]"),
            "",
            // The file has no line of the format.
            0,
        ),
        (
            postfix,
            format!("as = \"postfix\"\n{ALICE}\n{DAY}\nfields = [\"to\", \"time\"]"),
            "{\"fields\":{\"to\":[\"alice@shop.example\"],\"time\":\"2024-03-25T09:00:00.5Z\"}}\n",
            0,
        ),
        (
            postfix,
            format!("as = \"postfix\"\n{ALICE}\njoin = \"queue-id\"\n{DAY}\nfields = [\"time\"]"),
            "{\"fields\":{\"time\":\"2024-03-25T09:00:00.5Z\"}}\n{\"fields\":{\"time\":\"2024-03-25T09:00:01Z\"}}\n",
            0,
        ),
        // A list is not read, and is not null either.
        (
            jsonl,
            format!("as = \"jsonl\"\n{at}\n{DAY}\nfields = [\"n\", \"at\", \"none\"]"),
            "{\"fields\":{\"n\":[\"1.50\"],\"at\":[\"2024-03-25 10:00:00\"],\"none\":[]}}\n\
             {\"fields\":{\"n\":[\"two\"],\"at\":[\"2024-03-25T11:00:00Z\"],\"none\":[]}}\n",
            1,
        ),
        (
            csv,
            format!("as = \"csv\"\n{ALICE}\nfields = [\"At\", \"Id\"]"),
            "{\"fields\":{\"At\":[\"2024-03-25 10:00:00\"],\"Id\":[\"7\"]}}\n",
            0,
        ),
        // A column that no row has: a slip of the pen gives no empty answers.
        (csv, format!("as = \"csv\"\n{ALICE}\nfields = [\"Id\", \"at\"]"), "", 1),
        (
            docker,
            format!("as = \"docker-json\"\n{ALICE}\n{DAY}\nfields = [\"stream\", \"time\"]"),
            "{\"fields\":{\"stream\":[\"stdout\"],\"time\":[\"2024-03-25T10:00:00.25Z\"]}}\n",
            0,
        ),
        (
            syslog,
            format!("as = \"syslog\"\nyear = 2024\n{ALICE}\nfields = [\"time\"]"),
            "{\"fields\":{\"time\":\"2024-03-25T10:00:00Z\"}}\n",
            0,
        ),
        // Nobody can say in which year that was.
        (syslog, format!("as = \"syslog\"\n{ALICE}\nfields = [\"time\"]"), "", 1),
    ];
    for (content, keys, expected, count) in cases {
        let case = Case::new();
        case.file("/var/log/a", content);
        case.order(LONDON, &clause("1", "/var/log/a", &keys));
        let said = case.run();
        assert!(matches!(said.code, Some(0 | 3)), "{keys}\n{}", said.stderr);
        let package = case.package();
        let seen: Vec<_> = exhibits(&package);
        let wanted: Vec<_> =
            (!expected.is_empty()).then(|| ("data/000001.jsonl".to_owned(), expected.to_owned())).into_iter().collect();
        assert_eq!(seen, wanted, "{keys}");
        assert_eq!(undecided(&package), count, "{keys}");
        nowhere(&case, &package, &[&said], &["secret"]);
    }
}

fn mail(subject: &str, body: &str) -> String {
    format!(
        "From: Alice <alice@shop.example>\nTo: bob@supplies.example\nDate: Mon, 25 Mar 2024 10:00:00 +0000\n\
         Subject: {subject}\n{body}"
    )
}

#[test]
fn a_message_is_given_by_its_headers_or_without_its_attachments() {
    let part = |head: &str, body: &str| format!("--b1\nContent-Type: {head}\n\n{body}\n");
    let head = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b1\n\n";
    let mixed = mail(
        "two pictures",
        &format!(
            "{head}{}{}{}--b1--\n",
            part("text/plain", "the words"),
            part("image/png; name=secretname.png", "SECRETPNG"),
            part("message/rfc822", "Subject: passed on\n\nSECRETMAIL")
        ),
    );
    let kept = mail("two pictures", &format!("{head}{}--b1\n--b1\n--b1--\n", part("text/plain", "the words")));
    let plain = mail("plain", "\nno parts\n");
    let broken = mail("not closed", &format!("{head}{}", part("text/plain", "SECRETWORDS")));
    let stray = mail("stray", "this is no field\n\nSECRETBODY\n");
    let headers = |message: &str| message.split_inclusive("\n\n").next().unwrap().to_owned();
    for (unit, expected, left_out, count) in [
        ("headers", vec![headers(&mixed), headers(&plain), headers(&broken)], vec![None, None, None], 1),
        ("message-without-attachments", vec![kept, plain.clone()], vec![Some(2), Some(0)], 2),
    ] {
        for (path, named) in
            [("/var/mail/alice", "as = \"mbox\"\n"), ("/var/mail/alice", ""), ("/home/alice/cur/*", "")]
        {
            let case = Case::new();
            let messages = [&mixed, &plain, &broken, &stray];
            let mbox: Vec<String> =
                messages.iter().map(|text| format!("From x Mon Mar 25 10:00:00 2024\n{text}\n")).collect();
            case.file("/var/mail/alice", mbox.concat());
            for (number, message) in messages.iter().enumerate() {
                case.file(&format!("/home/alice/cur/{number}"), message);
            }
            for folder in ["new/.x", "tmp/.x"] {
                case.file(&format!("/home/alice/{folder}"), "");
            }
            case.order("", &clause("1", path, &format!("{named}{ALICE}\nunit = \"{unit}\"")));
            let said = case.run();
            said.ends_with(3);
            let package = case.package();
            let seen: Vec<String> = exhibits(&package).into_iter().map(|(_, text)| text).collect();
            assert_eq!(seen, expected, "{unit} {path}");
            assert_eq!(undecided(&package), count, "{unit} {path}");
            let ledger = package.exhibits();
            for (line, left_out) in ledger.iter().zip(&left_out) {
                assert_eq!(line["reduced"]["unit"], unit);
                assert_eq!(line["reduced"].get("left_out").and_then(serde_json::Value::as_u64), *left_out);
                assert_eq!(line["time"], "2024-03-25T10:00:00Z", "the Date header is given");
                assert!(line["file"].as_str().unwrap().ends_with(".eml"));
            }
            let marks = ["SECRETPNG", "secretname", "SECRETMAIL", "passed on", "SECRETBODY"];
            nowhere(&case, &package, &[&said], &marks);
            if unit == "headers" {
                nowhere(&case, &package, &[&said], &["the words", "no parts", "SECRETWORDS"]);
            }
        }
    }
}

#[test]
fn a_part_of_messages_is_not_taken_from_what_is_no_mail() {
    let case = Case::new();
    case.file("/var/log/a", log_line("192.0.2.7", "25/Mar/2024:10:00:00 +0000"));
    case.order("", &clause("1", "/var/log/a", "everything = true\nunit = \"headers\""));
    case.run().ends_with(3);
    let package = case.package();
    assert_eq!(package.shortfalls(), case::short("not-the-format", 1));
    assert_eq!(exhibits(&package), []);
}

#[test]
fn each_form_of_a_record_is_an_exhibit_of_its_own_and_clauses_of_one_form_share_it() {
    let line = |client: &str, minute: u32| log_line(client, &format!("25/Mar/2024:10:{minute:02}:00 +0000"));
    let case = Case::new();
    case.file("/var/log/a", line("192.0.2.7", 1) + &line("192.0.2.8", 2) + &line("192.0.2.9", 3));
    let ip = |id: &str, last: u32, keys: &str| {
        clause(id, "/var/log/a", &format!("as = \"access-log\"\nidentifiers = [{{ ip = \"192.0.2.{last}\" }}]\n{keys}"))
    };
    let (time, client) = ("fields = [\"time\"]", "fields = [\"client\"]");
    let clauses = [ip("a", 7, client), ip("b", 7, time), ip("c", 8, ""), ip("d", 8, client), ip("e", 9, time)].concat();
    case.order("", &clauses);
    case.run().ends_with(0);
    let package = case.package();
    let at = |minute: u32| format!("{{\"fields\":{{\"time\":\"2024-03-25T10:{minute:02}:00Z\"}}}}\n");
    let of = |last: u32| format!("{{\"fields\":{{\"client\":[\"192.0.2.{last}\"]}}}}\n");
    let files = ["data/000001.log", "data/000002.jsonl", "data/000003.jsonl"].map(str::to_owned);
    let texts = [line("192.0.2.8", 2), of(7) + &of(8), at(1) + &at(3)];
    assert_eq!(exhibits(&package), files.into_iter().zip(texts).collect::<Vec<_>>());
    let of_line = |member: &str, key: &str| -> Vec<serde_json::Value> {
        let text = std::str::from_utf8(package.member(member)).unwrap();
        text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()[key].clone()).collect()
    };
    assert_eq!(
        of_line("exhibits.jsonl", "clauses"),
        [["c"].as_slice(), &["a", "d"], &["b", "e"]].map(|ids| serde_json::json!(ids))
    );
    assert_eq!(of_line("records/000002.jsonl", "clauses"), [["a"], ["d"]].map(|ids| serde_json::json!(ids)));
    assert_eq!(of_line("records/000002.jsonl", "time"), [serde_json::Value::Null, serde_json::Value::Null]);
    assert_eq!(of_line("records/000003.jsonl", "time"), ["2024-03-25T10:01:00Z", "2024-03-25T10:03:00Z"]);
    assert_eq!(of_line("records/000002.jsonl", "reduced"), vec![serde_json::json!({"fields": ["client"]}); 2]);
    assert_eq!(of_line("records/000001.jsonl", "reduced"), [serde_json::Value::Null]);
    let totals = &package.disclosure()["totals"];
    assert_eq!((&totals["files"], &totals["records"]), (&serde_json::json!(1), &serde_json::json!(5)));
}

#[test]
fn what_was_left_out_is_not_told_by_the_ledger_the_report_or_the_preview() {
    let case = Case::new();
    let secret = "{\"at\":\"2024-03-25T10:11:12Z\",\"secret\":\"a long value that nobody asked for\",\"id\":4711}\n";
    case.file("/a.jsonl", secret.repeat(3) + "{\"at\":\"2024-03-26T10:11:12Z\",\"id\":4711}\n");
    let rows = "rows = { where = [{ token = \"4711\", column = \"id\" }], time = \"at\" }";
    let keys = format!("as = \"jsonl\"\n{rows}\n{DAY}\nfields = [\"id\"]\nlimit = {{ bytes = 100 }}");
    case.order_on("source", "disclose = { positions = false, examined = true }", "", &clause("1", "/a.jsonl", &keys));
    let preview = case.extract(&["--order", "order.toml", "--dry-run"]);
    preview.ends_with(0);
    let words = "clause 1: less than the whole is given: of a record the fields id alone";
    assert!(preview.stderr.contains(words) || preview.stdout.contains(words), "{}{}", preview.stdout, preview.stderr);
    let said = case.run();
    said.ends_with(0);
    let package = case.package();
    assert_eq!(exhibits(&package), [("data/000001.jsonl".to_owned(), "{\"fields\":{\"id\":[\"4711\"]}}\n".repeat(3))]);
    nowhere(&case, &package, &[&preview, &said], &["10:11:12", "nobody asked"]);
    let (facts, whole) = (&package.disclosure()["clauses"][0], secret.len() as u64);
    let size = whole * 3 + 40;
    assert_eq!(facts["examined"], size);
    assert_eq!(facts["outside"], size, "no byte of a record leaves where fields of it do");
    let report = String::from_utf8_lossy(package.member("report.html")).into_owned();
    assert!(report.contains("of each record these fields alone"), "{report}");
    let explained = case.extract(&["explain", "--order", "order.toml", "/a.jsonl:0"]);
    assert!(
        explained.stdout.contains("less than the whole would be given: of a record the fields id alone"),
        "{}",
        explained.stdout
    );
}

#[test]
fn a_time_is_stated_where_it_is_among_the_fields_and_of_a_row_by_the_column_of_its_clause() {
    let row = "{\"at\":\"2024-03-25T10:00:00Z\",\"seen\":\"2024-03-25T11:00:00Z\",\"id\":4711}\n";
    let keys = |time: &str, fields: &str| {
        let rows = format!("rows = {{ where = [{{ token = \"4711\", column = \"id\" }}], time = \"{time}\" }}");
        format!("as = \"jsonl\"\n{rows}\n{DAY}\nfields = [{fields}]")
    };
    for (time, fields, expected) in [
        ("at", "\"id\"", serde_json::Value::Null),
        ("at", "\"seen\"", serde_json::Value::Null),
        ("at", "\"id\", \"at\"", "2024-03-25T10:00:00Z".into()),
        ("seen", "\"at\", \"seen\"", "2024-03-25T11:00:00Z".into()),
    ] {
        let case = Case::new();
        case.file("/a.jsonl", row);
        case.order("", &clause("1", "/a.jsonl", &keys(time, fields)));
        case.run().ends_with(0);
        let package = case.package();
        let line: serde_json::Value = serde_json::from_slice(package.member("records/000001.jsonl")).unwrap();
        assert_eq!(line["time"], expected, "{time} {fields}");
    }
}

#[test]
fn a_record_of_bytes_gives_lines_of_its_fields() {
    let mut session = vec![0; 384];
    session[..2].copy_from_slice(&7_i16.to_le_bytes());
    session[8..13].copy_from_slice(b"pts/9");
    session[44..49].copy_from_slice(b"alice");
    session[76..85].copy_from_slice(b"192.0.2.7");
    session[340..344].copy_from_slice(&1_711_360_800_i32.to_le_bytes());
    session[348..352].copy_from_slice(&[192, 0, 2, 7]);
    let case = Case::new();
    case.file("/var/log/wtmp", session);
    let keys =
        "as = \"utmp\"\nidentifiers = [{ account = \"alice\", role = [\"user\"] }]\nfields = [\"user\", \"time\"]";
    case.order("", &clause("1", "/var/log/wtmp", keys));
    let preview = case.extract(&["--order", "order.toml", "--dry-run", "--json"]);
    let said = case.run();
    said.ends_with(0);
    let package = case.package();
    let line = "{\"fields\":{\"user\":[\"alice\"],\"time\":\"2024-03-25T10:00:00Z\"}}\n";
    assert_eq!(exhibits(&package), [("data/000001.jsonl".to_owned(), line.to_owned())]);
    assert_eq!(package.exhibits()[0]["format"], "utmp");
    assert_eq!(preview.json()["digest"], package.disclosure()["digest"], "the preview and the run are of one digest");
    nowhere(&case, &package, &[&preview, &said], &["pts/9", "192.0.2.7"]);
}

#[test]
fn a_withhold_is_decided_on_the_whole_record() {
    let case = Case::new();
    let message = mail("advice", "\nask jane@lawfirm.example\n");
    case.file("/var/mail/alice", format!("From x Mon Mar 25 10:00:00 2024\n{message}\n"));
    case.order("", &clause("1", "/var/mail/alice", &format!("as = \"mbox\"\n{ALICE}\nunit = \"headers\"")));
    case.provider(
        "[[source]]\nname = \"s\"\npath = \"source\"\n\n[[withhold]]\nclass = \"privileged\"\n\
         identifiers = [{ domain = \"lawfirm.example\" }]\n",
    );
    case.run().ends_with(0);
    let package = case.package();
    assert_eq!(exhibits(&package), []);
    assert_eq!(package.disclosure()["clauses"][0]["outcome"], "withheld");
}
