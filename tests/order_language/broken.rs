//! Broken orders and provider files, and all their findings.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use extract::order::{self, Code, Diagnostic};

use crate::{GOOD, GOOD_PROVIDER, findings, order_text, run, with};

/// What a text says it expects: `#! code code` at the end of the line.
fn expected(text: &str) -> Vec<(usize, String)> {
    let mut expected = Vec::new();
    for (line, content) in text.lines().enumerate() {
        if let Some((_, codes)) = content.split_once("#!") {
            expected.extend(codes.split_whitespace().map(|code| (line + 1, code.to_owned())));
        }
    }
    expected.sort();
    expected
}

fn seen(found: &[Diagnostic], text: &str, file: &str) -> Vec<(usize, String)> {
    let mut seen: Vec<(usize, String)> = found
        .iter()
        .filter(|one| one.file == file)
        .map(|one| (one.line(text.as_bytes()), one.code.name().to_owned()))
        .collect();
    seen.sort();
    seen
}

const ID: &str = "id = \"2024-17\"";
const TEXT: &str =
    "text = \"all e-mails between alice@shop.example and bob@supplies.example from 25 March to 7 April 2024\"";
const IDENTIFIERS: &str = "identifiers = [{ email = \"alice@shop.example\", role = [\"from\", \"to\", \"cc\"] }]";
const ALSO: &str = "with = [{ email = \"bob@supplies.example\", role = [\"from\", \"to\", \"cc\"] }]\n";
const WINDOW: &str = "window = { from = 2024-03-25, through = 2024-04-07, clock = \"date-header\" }";
const SOURCE: &str = "name = \"mail01\"\nzone = \"Europe/London\"";
const ZONE: &str = "expires = 2024-05-08\nzone = \"Europe/London\"";
const LIMIT: &str = "limit = { records = 500 }";
const TAKE: &str = "take = \"records\"";
const PATHS: &str = "paths = [\"/var/mail/alice\", \"/home/alice/Maildir/**\"]";

/// Changes to the good order; each new line says which findings it expects.
type Changes = Vec<(&'static str, &'static str)>;

fn broken_orders() -> Vec<Changes> {
    [files(), heads(), sources(), clauses(), conditions(), rows(), reductions(), windows(), identifiers()].concat()
}

fn files() -> Vec<Changes> {
    vec![
        vec![("schema = \"order/1\"", "schema = \"order/2\" #! not-in-this-version")],
        vec![("schema = \"order/1\"", "schema = \"provider/1\" #! wrong-schema")],
        vec![("schema = \"order/1\"", "#! wrong-schema")],
        vec![("schema = \"order/1\"", "schema = \"order/1\"\nx = 1 #! unknown-key")],
        vec![(ID, "id = \"2024-17 #! syntax")],
        vec![
            ("made = 2024-04-08", "made = #! syntax"),
            ("legal_basis = \"pace-sch1\"", "legal_basis = \"pace\" #! unknown-legal-basis"),
            (LIMIT, "limit = { record = 500 } #! unknown-key"),
            ("due = \"P7D\"", "due = P7D #! syntax"),
        ],
    ]
}

fn heads() -> Vec<Changes> {
    vec![
        vec![
            (ID, "id = \"2024/17\" #! bad-id"),
            ("legal_basis = \"pace-sch1\"", "legal_basis = \"pace\" #! unknown-legal-basis"),
            ("authority = \"Example Constabulary\"", "authority = \"\" #! empty"),
            ("court = \"Crown Court at Example\"", "court = \"Crown\\u001b[2J\" #! control-character"),
            ("reference = \"OP-123\"", "reference = 123 #! wrong-type"),
            ("made = 2024-04-08", "made = \"2024-04-08\" #! wrong-type"),
            ("served = 2024-04-09T09:40:00Z", "served = 2024-04-09 #! wrong-type"),
            ("due = \"P7D\"", "due = \"7 days\" #! bad-due"),
            (ZONE, "expires = 2024-05-08T00:00:00Z #! wrong-type\nzone = \"London\" #! unknown-zone"),
        ],
        vec![(
            "[order]\nid = \"2024-17\"\n",
            "[order] #! missing-key missing-key missing-key missing-key missing-key missing-key missing-key missing-key\n[x]#! unknown-key\n",
        )],
        vec![(ZONE, "expires = 2024-04-07 #! expires-before-made\nzone = \"Europe/London\"")],
        vec![
            ("made = 2024-04-08", "made = 2024-04-10"),
            ("served = 2024-04-09T09:40:00Z", "served = 2024-04-09T09:40:00Z #! served-before-made"),
        ],
        vec![("legal_basis = \"pace-sch1\"", "legal_basis = \"2703f\" #! basis-discloses-nothing")],
        vec![("served = 2024-04-09T09:40:00Z", "served = 2024-04-09T09:40:60Z #! bad-date")],
        vec![("served = 2024-04-09T09:40:00Z", "served = 2024-10-27T01:30:00 #! time-fold")],
        vec![(ZONE, "zone = \"Europe/London\"\ndisclose = { positions = 1, all = true } #! wrong-type unknown-key")],
    ]
}

fn sources() -> Vec<Changes> {
    vec![
        vec![(
            SOURCE,
            "#!\nname = \"mail01\"\nvolume = \"sda2\" #! bad-volume\nsha256 = \"abc\" #! bad-sha256\nzone = \"BST\" #! unknown-zone\ntimes = \"local\" #! bad-times",
        )],
        vec![(SOURCE, "name = \"mail01\"\n[[source]]\nname = \"mail01\" #! duplicate-source")],
        vec![(SOURCE, "name = \"mail01\"\n[[source]]\nname = \"mail02\" #! unused-source source-without-path")],
        vec![("[[source]]\n", "[[source]] #! missing-key\n"), ("name = \"mail01\"", "nam = \"mail01\" #! unknown-key")],
        vec![("[[source]]", "[source] #! wrong-type")],
    ]
}

fn clauses() -> Vec<Changes> {
    vec![
        vec![
            (TEXT, "text = \"all\""),
            ("source = \"mail01\"", "source = \"mail02\" #! unknown-source"),
            ("category = \"content\"", "category = \"contents\" #! unknown-category"),
            (PATHS, "paths = [] #! empty"),
            (TAKE, "archives = \"shut\" #! bad-archives\ntake = \"all\" #! unknown-take"),
            (IDENTIFIERS, "identifiers = \"alice\" #! wrong-type"),
            (ALSO, "as = \"mail\" #! unknown-format\n"),
            (WINDOW, "window = 7 #! wrong-type"),
            (LIMIT, "limit = { records = 0, bytes = -1, files = 1.5 } #! bad-limit bad-limit wrong-type"),
            ("name = \"mail01\"", "name = \"mail01\" #! unused-source"),
        ],
        vec![("id = \"3a\"", "id = \"3(a)\" #! bad-id")],
        vec![(
            LIMIT,
            "[[clause]]\nid = \"3a\" #! duplicate-clause\ntext = \"x\"\nsource = \"mail01\"\ncategory = \"content\"\npaths = [\"/a\", \"/a\"] #! duplicate-path\ntake = \"files\"",
        )],
        vec![
            ("legal_basis = \"pace-sch1\"", "legal_basis = \"2703d\""),
            ("category = \"content\"", "category = \"content\" #! category-above-basis"),
        ],
        vec![
            (TAKE, "take = \"records\"\nas = \"mbox\""),
            ("category = \"content\"", "category = \"traffic\" #! category-below-format"),
        ],
        vec![(
            PATHS,
            "paths = [\"var/mail\", #! bad-path\n\"/a/../b\", #! bad-path\n'/a/**b', #! bad-path\n'/a/[ab]', #! bad-path\n'/a\\b', #! bad-path\n\"/a/\"] #! bad-path",
        )],
        vec![(PATHS, "paths = [\"/a\\u0000\"] #! control-character")],
        vec![(
            TAKE,
            "take = \"records\"\nsecret = true #! not-in-this-version\ndialect = \"x\" #! not-in-this-version\nexclude = \"y\" #! unknown-key\nidentifers = 1 #! unknown-key",
        )],
        vec![(TAKE, "take = \"records\"\nas = \"mdbox\" #! not-in-this-version")],
        vec![(TAKE, "take = \"records\"\nyear = 24 #! bad-year")],
        vec![(TAKE, "take = \"records\"\njoin = \"queue\" #! unknown-join")],
        vec![
            (TAKE, "take = \"records\"\nas = \"postfix\"\njoin = \"queue-id\" #! join-alone"),
            (IDENTIFIERS, ""),
            (ALSO, ""),
            (WINDOW, "window = { from = 2024-03-25, through = 2024-04-07, clock = \"record\" }"),
        ],
        vec![(TAKE, "take = \"records\"\njoin = \"session\" #! join-not-in-format")],
        vec![(TAKE, "take = \"records\"\nas = \"mbox\"\nlog-format = \"%h\" #! bad-log-format")],
        vec![
            (TAKE, "take = \"records\"\nas = \"access-log\"\nlog-format = \"%h %r\" #! bad-log-format"),
            (IDENTIFIERS, "identifiers = [{ email = \"alice@shop.example\" }]"),
            (ALSO, ""),
            (WINDOW, "window = { from = 2024-03-25, through = 2024-04-07, clock = \"record\" }"),
        ],
        vec![(TAKE, "take = \"records\"\njoin = \"queue-id\" #! join-not-in-format")],
        vec![(TAKE, "take = \"records\"\nas = \"mbox\"\nyear = 2024 #! year-not-in-format")],
    ]
}

fn conditions() -> Vec<Changes> {
    vec![
        vec![("[[clause]]", "[[clause]] #! no-condition"), (IDENTIFIERS, ""), (ALSO, ""), (WINDOW, "")],
        vec![(IDENTIFIERS, ""), (ALSO, "everything = true\n")],
        vec![
            (IDENTIFIERS, ""),
            (ALSO, "everything = false\n"),
            (WINDOW, ""),
            ("[[clause]]", "[[clause]] #! no-condition"),
        ],
        vec![
            (TAKE, "take = \"records\"\neverything = true"),
            (IDENTIFIERS, "identifiers = [{ email = \"alice@shop.example\" }] #! everything-and-identifiers"),
            (ALSO, ""),
        ],
        vec![(IDENTIFIERS, ""), (ALSO, "with = [{ email = \"bob@supplies.example\" }] #! with-alone\n")],
        vec![
            (TAKE, "take = \"files\"\nas = \"mbox\" #! not-for-files\neverything = true #! not-for-files"),
            (IDENTIFIERS, "identifiers = [{ email = \"alice@shop.example\" }] #! not-for-files"),
            (ALSO, "with = [{ email = \"bob@supplies.example\" }] #! not-for-files\n"),
            (
                WINDOW,
                "window = { from = 2024-03-25, through = 2024-04-07, clock = \"date-header\" } #! clock-not-for-take",
            ),
            (LIMIT, "limit = { records = 500 } #! limit-never-trips"),
        ],
    ]
}

fn rows() -> Vec<Changes> {
    let jsonl = "take = \"records\"\nas = \"jsonl\"";
    let cell = "{ email = \"alice@shop.example\", column = \"Email\" }";
    // Each in the place of the identifiers, under that `take` and with that window.
    let clause = |take: &'static str, rows: String, window: &'static str| -> Changes {
        vec![(TAKE, take), (IDENTIFIERS, rows.leak()), (ALSO, ""), (WINDOW, window)]
    };
    vec![
        clause(TAKE, format!("rows = {{ where = [{cell}] }} #! rows-not-in-format"), ""),
        clause("take = \"records\"\nas = \"mbox\"", format!("rows = {{ where = [{cell}] }} #! rows-not-in-format"), ""),
        clause("take = \"files\"", format!("rows = {{ where = [{cell}] }} #! not-for-files"), "")
            .into_iter()
            .chain([(LIMIT, "")])
            .collect(),
        clause(jsonl, format!("rows = {{ table = \"T\", where = [{cell}] }} #! rows-table"), ""),
        clause(jsonl, "rows = {} #! empty".to_owned(), ""),
        clause(jsonl, "rows = { where = [] } #! empty".to_owned(), ""),
        clause(jsonl, "rows = { where = [{ email = \"alice@shop.example\" }] } #! missing-key".to_owned(), ""),
        clause(jsonl, "rows = { where = [{ column = \"Email\" }] } #! identifier-type".to_owned(), ""),
        clause(jsonl, "rows = { where = [{ email = \"alice\", column = \"Email\" }] } #! bad-email".to_owned(), ""),
        clause(jsonl, format!("rows = {{ where = [{cell}, {cell}] }} #! duplicate-identifier"), ""),
        clause(jsonl, format!("rows = {{ where = [{cell}], time-unit = \"seconds\" }} #! bad-time-unit"), ""),
        clause(
            jsonl,
            format!("rows = {{ where = [{cell}], time = \"t\", time-unit = \"days\" }} #! bad-time-unit"),
            "",
        ),
        clause(jsonl, format!("everything = true\nrows = {{ where = [{cell}] }} #! everything-and-identifiers"), ""),
        clause(jsonl, "rows = { time = \"t\" }".to_owned(), "")
            .into_iter()
            .chain([("[[clause]]", "[[clause]] #! no-condition")])
            .collect(),
        clause(
            jsonl,
            "rows = { where = [{ token = \"nowhere\", column = \"id\" }] } #! identifier-not-in-text".to_owned(),
            "",
        ),
        clause(
            jsonl,
            format!("rows = {{ where = [{cell}] }}"),
            "window = { from = 2024-03-25, through = 2024-04-07, clock = \"record\" } #! no-time-column",
        ),
    ]
}

fn reductions() -> Vec<Changes> {
    // Each under that `take`.
    let clause = |take: &'static str, reduction: &'static str| -> Changes {
        vec![(TAKE, take), (IDENTIFIERS, reduction), (ALSO, ""), (WINDOW, "everything = true")]
    };
    let files = |reduction: &'static str| -> Changes {
        vec![(TAKE, "take = \"files\""), (IDENTIFIERS, reduction), (ALSO, ""), (WINDOW, ""), (LIMIT, "")]
    };
    let (log, jsonl) = ("take = \"records\"\nas = \"access-log\"", "take = \"records\"\nas = \"jsonl\"");
    let mail = "take = \"records\"\nas = \"maildir\"";
    vec![
        files("unit = \"headers\" #! not-for-files"),
        files("fields = [\"time\"] #! not-for-files"),
        clause(log, "unit = \"headers\" #! unit-not-in-format"),
        clause(jsonl, "unit = \"message-without-attachments\" #! unit-not-in-format"),
        clause(mail, "unit = \"body\" #! unknown-unit"),
        clause(mail, "unit = [\"headers\"] #! wrong-type"),
        clause(mail, "fields = [\"from\"] #! fields-not-in-format"),
        clause(mail, "unit = \"headers\"\nfields = [\"from\"] #! unit-and-fields"),
        clause(TAKE, "fields = [\"time\"] #! fields-not-in-format"),
        clause(log, "fields = [] #! empty"),
        clause(log, "fields = [\"\"] #! empty"),
        clause(log, "fields = \"time\" #! wrong-type"),
        clause(log, "fields = [\"time\", \"time\"] #! duplicate-field"),
        clause(jsonl, "fields = [\"at\", \"at\"] #! duplicate-field"),
        clause(log, "fields = [\"any\"] #! fields-not-in-format"),
        clause(log, "fields = [\"from\"] #! fields-not-in-format"),
        clause(log, "fields = [\"Time\"] #! fields-not-in-format"),
        clause("take = \"records\"\nas = \"syslog\"", "fields = [\"client\"] #! fields-not-in-format"),
    ]
}

fn windows() -> Vec<Changes> {
    vec![
        vec![(WINDOW, "window = { from = 2024-03-25, to = 2024-04-07, clock = \"date-header\" } #! window-to")],
        vec![
            (WINDOW, "[clause.window]\nfrom = 2024-03-25\nto = 2024-04-07 #! window-to\nclock = \"date-header\""),
            (LIMIT, ""),
        ],
        vec![(WINDOW, "window = { from = 2024-03-25, clock = \"date-header\" } #! window-end")],
        vec![(
            WINDOW,
            "window = { from = 2024-03-25, through = 2024-04-07, before = 2024-04-08T00:00:00, clock = \"record\" } #! window-end",
        )],
        vec![(WINDOW, "window = { through = 2024-04-07 } #! missing-key missing-key")],
        vec![(
            WINDOW,
            "window = { from = 2024-03-25, through = 2024-03-24, clock = \"record\" } #! window-order date-not-in-text",
        )],
        vec![(
            WINDOW,
            "window = { from = 2024-03-25T00:00:00Z, before = 2024-03-25T00:00:00Z, clock = \"record\" } #! window-order",
        )],
        vec![(
            WINDOW,
            "window = { from = 2024-03-25, through = 2024-04-07T00:00:00, clock = \"record\" } #! through-not-a-day",
        )],
        vec![(
            WINDOW,
            "window = { from = 2024-03-25, before = 2024-04-08, clock = \"record\" } #! before-not-an-instant",
        )],
        vec![(
            WINDOW,
            "window = { from = 2024-03-25, through = 9999-12-31, clock = \"record\" } #! bad-date date-not-in-text",
        )],
        vec![(
            WINDOW,
            "window = { from = 2024-03-31T01:30:00, before = 2024-10-27T01:30:00, clock = \"record\" } #! time-gap time-fold date-not-in-text date-not-in-text",
        )],
        vec![(WINDOW, "window = { from = 10:00:00, through = 2024-04-07, clock = \"record\" } #! wrong-type")],
        vec![(WINDOW, "window = { from = 2024-03-25, through = 2024-04-07, clock = \"arrived\" } #! unknown-clock")],
        vec![(WINDOW, "window = { from = 2024-03-25, through = 2024-04-07, clock = \"mtime\" } #! unknown-clock")],
        vec![(
            WINDOW,
            "window = { from = 2024-03-25, through = 2024-04-07, clock = \"modified\" } #! clock-not-for-take",
        )],
        vec![
            (TAKE, "take = \"records\"\nas = \"eml\""),
            (WINDOW, "window = { from = 2024-03-25, through = 2024-04-07, clock = \"record\" } #! clock-not-in-format"),
        ],
        vec![(
            WINDOW,
            "window = { from = 2024-03-25, through = 2024-04-06, clock = \"date-header\" } #! date-not-in-text",
        )],
    ]
}

fn identifiers() -> Vec<Changes> {
    vec![
        vec![(
            IDENTIFIERS,
            "identifiers = [\n\
             { email = \"alice\" }, #! bad-email\n\
             { email = \"alice@b@c\" }, #! bad-email\n\
             { email = \"@shop.example\" }, #! bad-email\n\
             { email = \"Alice <alice@shop.example>\" }, #! bad-email\n\
             { email = \"alice@münchen.example\" }, #! not-punycode\n\
             { email = \"alice@shop..example\" }, #! bad-email\n\
             { email = \"alice@192.0.2.1\" }, #! bad-email\n\
             { domain = \"*.shop.example\" }, #! bad-domain\n\
             { domain = \"shop.example.\" }, #! bad-domain\n\
             { domain = \"alice@shop.example\" }, #! bad-domain\n\
             { domain = \".\" }, #! bad-domain\n\
             { ip = \"192.0.2.0/24\" }, #! bad-ip\n\
             { ip = \"192.0.2.1:80\" }, #! bad-ip\n\
             { ip = \"192.0.2.01\" }, #! bad-ip\n\
             { ip = \"fe80::1%eth0\" }, #! bad-ip\n\
             { cidr = \"192.0.2.0\" }, #! bad-cidr\n\
             { cidr = \"192.0.2.0/33\" }, #! bad-cidr\n\
             { cidr = \"192.0.2.7/24\" }, #! cidr-host-bits\n\
             { ip = \"192.0.2.1\", port = 0 }, #! bad-port\n\
             { ip = \"192.0.2.1\", port = 65536 }, #! bad-port\n\
             { ip = \"192.0.2.1\", port = \"80\" }, #! wrong-type\n\
             { port = 80 }, #! port-without-ip\n\
             { host = \"a\", port = 80 }, #! port-without-ip\n\
             { host = \"a b\" }, #! bad-host\n\
             { host = \"192.0.2.1\" }, #! bad-host\n\
             { account = \" alice\" }, #! bad-token\n\
             { token = \"abc.\" }, #! bad-token\n\
             { message-id = \"<a b>\" }, #! bad-token\n\
             { message-id = \"<>\" }, #! bad-token\n\
             { email = \"alice@shop.example\", role = [\"author\"] }, #! unknown-role\n\
             { email = \"alice@shop.example\", role = \"from\" }, #! wrong-type\n\
             { email = \"alice@shop.example\", role = [] }, #! empty\n\
             { email = \"alice@shop.example\", domain = \"shop.example\" }, #! identifier-type\n\
             { role = [\"from\"] }, #! identifier-type\n\
             { phone = \"1\" }, #! unknown-key identifier-type\n\
             7, #! wrong-type\n\
             { email = \"alice@shop.example\", role = [\"from\", \"from\"] }, #! duplicate-role\n\
             { email = \"alice@shop.example\" },\n\
             { email = \"ALICE@Shop.Example\" }, #! duplicate-identifier\n\
             ]",
        )],
        vec![(
            IDENTIFIERS,
            "identifiers = [{ email = \"alice@shop.example\" }, { email = \"malice@shop.example\" }] #! identifier-not-in-text",
        )],
        vec![
            (TAKE, "take = \"records\"\nas = \"mbox\""),
            (
                IDENTIFIERS,
                "identifiers = [{ ip = \"192.0.2.1\" }, { email = \"alice@shop.example\", role = [\"client\"] }] #! role-needed role-not-in-format",
            ),
        ],
    ]
}

#[test]
fn every_broken_order_shows_all_its_findings_at_their_lines() {
    let mut wrong = String::new();
    for changes in broken_orders() {
        let text = with(GOOD, &changes);
        let found = findings(run(&text, Some(GOOD_PROVIDER)));
        let (seen, expected) = (seen(&found, &text, "order.toml"), expected(&text));
        if seen != expected {
            let shown = order::render(&found, &[order_text(text.as_bytes())], false);
            writeln!(wrong, "{text}\n{shown}\nseen     {seen:?}\nexpected {expected:?}\n").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn broken_providers() -> Vec<Changes> {
    let identifiers = "identifiers = [{ domain = \"lawfirm.example\" }]";
    let path = "path = \"../examples/mail01.qcow2\"\n";
    let mounts = "mounts = { \"p2\" = \"/\", \"vg/var\" = \"/var\" }";
    vec![
        vec![("schema = \"provider/1\"", "schema = \"order/1\" #! wrong-schema")],
        vec![
            ("schema = \"provider/1\"\n", "schema = \"provider/1\" #! bad-salt\n"),
            ("salt = \"000102030405060708090a0b0c0d0e0f\"\n", ""),
        ],
        vec![("salt = \"000102030405060708090a0b0c0d0e0f\"", "salt = \"0001\" #! bad-salt")],
        vec![
            ("schema = \"provider/1\"\n", "schema = \"provider/1\" #! no-custodian\n"),
            ("custodian = \"Duty officer 7\"\n", ""),
        ],
        vec![("custodian = \"Duty officer 7\"", "custodian = \"\" #! empty\naudit_recipients = [] #! empty")],
        vec![(
            "custodian = \"Duty officer 7\"",
            "custodian = \"Duty officer 7\"\naudit_recipients = [\"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8q\", \"bob\", \"\", 7] #! bad-recipient bad-recipient empty wrong-type",
        )],
        vec![
            ("schema = \"provider/1\"\n", "schema = \"provider/1\" #! bad-recipient\n"),
            (
                "custodian = \"Duty officer 7\"",
                "custodian = \"Duty officer 7\"\naudit_recipients = [\"bob\", \"AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\"]",
            ),
        ],
        vec![
            ("name = \"mail01\"", "name = \"mail02\" #! unknown-source"),
            (path, "path = 7 #! wrong-type\n"),
            (
                mounts,
                "mounts = { \"p0\" = \"/\", \"p2\" = \"var\", \"p3\" = \"/a\", \"md0\" = \"/a\", \"../x\" = \"/b\" } #! bad-mount bad-mount bad-mount bad-mount",
            ),
        ],
        vec![(path, "path = \"a\"\n[[source]]\nname = \"mail01\" #! duplicate-source\n")],
        vec![
            ("class = \"privileged\"\n", ""),
            (identifiers, "paths = [\"home\"] #! bad-path"),
            ("[[withhold]]", "[[withhold]] #! missing-key"),
        ],
        vec![("[[withhold]]", "[[withhold]] #! empty-withhold"), (identifiers, "")],
        vec![(identifiers, "identifiers = [{ domain = \"lawfirm.example\", role = [\"from\"] }] #! role-in-withhold")],
        vec![(identifiers, "identifiers = [{ email = \"x\" }] #! bad-email")],
    ]
}

#[test]
fn every_broken_provider_file_shows_all_its_findings_at_their_lines() {
    for changes in broken_providers() {
        let text = with(GOOD_PROVIDER, &changes);
        let found = findings(run(GOOD, Some(&text)));
        assert_eq!(seen(&found, &text, "order.provider.toml"), expected(&text), "{text}\n{found:#?}");
        assert_eq!(seen(&found, GOOD, "order.toml"), [], "{text}");
    }
}

#[test]
fn a_window_on_the_time_of_receipt_wants_a_host_of_its_source() {
    let order = with(GOOD, &[("date-header", "received")]);
    let codes = |hosts: &str| {
        let provider = with(GOOD_PROVIDER, &[("[[withhold]]", &format!("{hosts}\n[[withhold]]"))]);
        findings(run(&order, Some(&provider))).iter().map(|one| one.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(""), [Code::NoReceivingHost]);
    assert_eq!(codes("received_by = [\"MX1.shop.example\", \"mx2\"]"), []);
    assert_eq!(codes("received_by = []"), [Code::Empty]);
    assert_eq!(codes("received_by = [\"m\u{fc}nchen.example\", \"192.0.2.1\"]"), [Code::NotPunycode, Code::BadHost]);
    // The recipient, who has the order alone, is told nothing of it.
    assert!(order::read_alone(order_text(order.as_bytes())).unwrap().1.is_empty());
}

#[test]
fn every_code_is_shown_by_some_broken_file() {
    let mut shown: BTreeSet<Code> = BTreeSet::new();
    for changes in broken_orders() {
        shown.extend(findings(run(&with(GOOD, &changes), Some(GOOD_PROVIDER))).iter().map(|one| one.code));
    }
    for changes in broken_providers() {
        shown.extend(findings(run(GOOD, Some(&with(GOOD_PROVIDER, &changes)))).iter().map(|one| one.code));
    }
    // Shown by tests of their own below.
    shown.extend([Code::SourceWithoutPath, Code::TooLarge, Code::NotUtf8, Code::TooMany, Code::NoReceivingHost]);
    let missing: Vec<&Code> = Code::ALL.iter().filter(|code| !shown.contains(code)).collect();
    assert_eq!(missing, [] as [&Code; 0]);
}
