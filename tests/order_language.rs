//! The order language: every rule of it is a finding of its own, all are shown at once, and the page that teaches it
//! is true.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use extract::clock::Timestamp;
use extract::order::{
    self, Category, Clock, Code, Diagnostic, Format, Given, Identifier, LegalBasis, ManifestText, Manifests, Role,
    Severity, Take,
};
use proptest::prelude::*;

/// The example of the specification.
const GOOD: &str = r#"schema = "order/1"

[order]
id = "2024-17"
legal_basis = "pace-sch1"
authority = "Example Constabulary"
court = "Crown Court at Example"
reference = "OP-123"
made = 2024-04-08
served = 2024-04-09T09:40:00Z
due = "P7D"
expires = 2024-05-08
zone = "Europe/London"

[[source]]
name = "mail01"
zone = "Europe/London"

[[clause]]
id = "3a"
text = "all e-mails between alice@shop.example and bob@supplies.example from 25 March to 7 April 2024"
source = "mail01"
category = "content"
paths = ["/var/mail/alice", "/home/alice/Maildir/**"]
take = "records"
identifiers = [{ email = "alice@shop.example", role = ["from", "to", "cc"] }]
with = [{ email = "bob@supplies.example", role = ["from", "to", "cc"] }]
window = { from = 2024-03-25, through = 2024-04-07, clock = "date-header" }
limit = { records = 500 }
"#;

const GOOD_PROVIDER: &str = r#"schema = "provider/1"
salt = "000102030405060708090a0b0c0d0e0f"
custodian = "Duty officer 7"

[[source]]
name = "mail01"
path = "../examples/mail01.qcow2"
mounts = { "p2" = "/", "vg/var" = "/var" }

[[withhold]]
class = "privileged"
identifiers = [{ domain = "lawfirm.example" }]
"#;

fn order_text(bytes: &[u8]) -> ManifestText<'_> {
    ManifestText { name: "order.toml", bytes }
}

fn provider_text(bytes: &[u8]) -> ManifestText<'_> {
    ManifestText { name: "order.provider.toml", bytes }
}

fn run(order: &str, provider: Option<&str>) -> Result<Manifests, Vec<Diagnostic>> {
    order::read(order_text(order.as_bytes()), provider.map(|text| provider_text(text.as_bytes())), &Given::default())
}

fn findings(result: Result<Manifests, Vec<Diagnostic>>) -> Vec<Diagnostic> {
    match result {
        Ok(manifests) => manifests.warnings,
        Err(findings) => {
            assert!(findings.iter().any(|one| one.severity == Severity::Error), "refused without an error");
            findings
        }
    }
}

/// One line of `text` exchanged: the one that begins with `key` and stands behind the line `after`.
fn with(text: &str, changes: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (old, new) in changes {
        assert_eq!(text.matches(old).count(), 1, "{old:?} must stand in the text once");
        text = text.replace(old, new);
    }
    text
}

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

#[test]
fn the_example_of_the_specification_means_what_it_says() {
    let manifests = run(GOOD, Some(GOOD_PROVIDER)).unwrap();
    assert_eq!(manifests.warnings, []);
    let order = &manifests.order;
    assert_eq!((order.id.as_str(), order.legal_basis), ("2024-17", LegalBasis::PaceSch1));
    assert_eq!(order.served, Timestamp::parse_rfc3339("2024-04-09T09:40:00Z").unwrap());
    assert_eq!(order.bytes, GOOD.as_bytes());
    let clause = &order.clauses[0];
    assert_eq!((clause.source, clause.category, clause.limit.records), (0, Category::Content, Some(500)));
    let window = clause.window.unwrap();
    assert_eq!(window.from.to_string(), "2024-03-25T00:00:00Z");
    assert_eq!(window.before.to_string(), "2024-04-07T23:00:00Z", "the 7th ends in summer time");
    assert_eq!(window.clock, Clock::DateHeader);
    let Take::Records(records) = &clause.take else { panic!("it takes records") };
    assert_eq!(records.identifiers[0].identifier.to_string(), "alice@shop.example");
    assert_eq!(records.identifiers[0].roles, [Role::From, Role::To, Role::Cc]);
    let provider = manifests.provider.unwrap();
    assert_eq!(provider.sources[0].mounts["vg/var"], "/var");
    assert_eq!(provider.withholds[0].identifiers, [Identifier::Domain("lawfirm.example".into())]);
    assert_eq!(order.sha256(), extract::digest::Digest::of(GOOD.as_bytes()));
}

/// Changes to the good order; each new line says which findings it expects.
fn broken_orders() -> Vec<Vec<(&'static str, &'static str)>> {
    let id = "id = \"2024-17\"";
    let text =
        "text = \"all e-mails between alice@shop.example and bob@supplies.example from 25 March to 7 April 2024\"";
    let identifiers = "identifiers = [{ email = \"alice@shop.example\", role = [\"from\", \"to\", \"cc\"] }]";
    let also = "with = [{ email = \"bob@supplies.example\", role = [\"from\", \"to\", \"cc\"] }]\n";
    let window = "window = { from = 2024-03-25, through = 2024-04-07, clock = \"date-header\" }";
    let source = "name = \"mail01\"\nzone = \"Europe/London\"";
    let zone = "expires = 2024-05-08\nzone = \"Europe/London\"";
    let limit = "limit = { records = 500 }";
    let take = "take = \"records\"";
    let paths = "paths = [\"/var/mail/alice\", \"/home/alice/Maildir/**\"]";
    vec![
        // The file.
        vec![("schema = \"order/1\"", "schema = \"order/2\" #! not-in-this-version")],
        vec![("schema = \"order/1\"", "schema = \"provider/1\" #! wrong-schema")],
        vec![("schema = \"order/1\"", "#! wrong-schema")],
        vec![("schema = \"order/1\"", "schema = \"order/1\"\nx = 1 #! unknown-key")],
        vec![(id, "id = \"2024-17 #! syntax")],
        vec![
            ("made = 2024-04-08", "made = #! syntax"),
            ("legal_basis = \"pace-sch1\"", "legal_basis = \"pace\" #! unknown-legal-basis"),
            (limit, "limit = { record = 500 } #! unknown-key"),
            ("due = \"P7D\"", "due = P7D #! syntax"),
        ],
        // [order]: several at once.
        vec![
            (id, "id = \"2024/17\" #! bad-id"),
            ("legal_basis = \"pace-sch1\"", "legal_basis = \"pace\" #! unknown-legal-basis"),
            ("authority = \"Example Constabulary\"", "authority = \"\" #! empty"),
            ("court = \"Crown Court at Example\"", "court = \"Crown\\u001b[2J\" #! control-character"),
            ("reference = \"OP-123\"", "reference = 123 #! wrong-type"),
            ("made = 2024-04-08", "made = \"2024-04-08\" #! wrong-type"),
            ("served = 2024-04-09T09:40:00Z", "served = 2024-04-09 #! wrong-type"),
            ("due = \"P7D\"", "due = \"7 days\" #! bad-due"),
            (zone, "expires = 2024-05-08T00:00:00Z #! wrong-type\nzone = \"London\" #! unknown-zone"),
        ],
        vec![(
            "[order]\nid = \"2024-17\"\n",
            "[order] #! missing-key missing-key missing-key missing-key missing-key missing-key missing-key missing-key\n[x]#! unknown-key\n",
        )],
        vec![(zone, "expires = 2024-04-07 #! expires-before-made\nzone = \"Europe/London\"")],
        vec![
            ("made = 2024-04-08", "made = 2024-04-10"),
            ("served = 2024-04-09T09:40:00Z", "served = 2024-04-09T09:40:00Z #! served-before-made"),
        ],
        vec![("legal_basis = \"pace-sch1\"", "legal_basis = \"2703f\" #! basis-discloses-nothing")],
        vec![("served = 2024-04-09T09:40:00Z", "served = 2024-04-09T09:40:60Z #! bad-date")],
        vec![("served = 2024-04-09T09:40:00Z", "served = 2024-10-27T01:30:00 #! time-fold")],
        vec![(zone, "zone = \"Europe/London\"\ndisclose = { positions = 1, all = true } #! wrong-type unknown-key")],
        // [[source]].
        vec![(
            source,
            "#!\nname = \"mail01\"\nvolume = \"p2\" #! not-in-this-version\nsha256 = \"abc\" #! bad-sha256\nzone = \"BST\" #! unknown-zone\ntimes = \"local\" #! bad-times",
        )],
        vec![(source, "name = \"mail01\"\n[[source]]\nname = \"mail01\" #! duplicate-source")],
        vec![(source, "name = \"mail01\"\n[[source]]\nname = \"mail02\" #! unused-source source-without-path")],
        vec![("[[source]]\n", "[[source]] #! missing-key\n"), ("name = \"mail01\"", "nam = \"mail01\" #! unknown-key")],
        vec![("[[source]]", "[source] #! wrong-type")],
        // [[clause]].
        vec![
            (text, "text = \"all\""),
            ("source = \"mail01\"", "source = \"mail02\" #! unknown-source"),
            ("category = \"content\"", "category = \"contents\" #! unknown-category"),
            (paths, "paths = [] #! empty"),
            (take, "take = \"all\" #! unknown-take"),
            (identifiers, "identifiers = \"alice\" #! wrong-type"),
            (also, "as = \"mail\" #! unknown-format\n"),
            (window, "window = 7 #! wrong-type"),
            (limit, "limit = { records = 0, bytes = -1, files = 1.5 } #! bad-limit bad-limit wrong-type"),
            ("name = \"mail01\"", "name = \"mail01\" #! unused-source"),
        ],
        vec![("id = \"3a\"", "id = \"3(a)\" #! bad-id")],
        vec![(
            limit,
            "[[clause]]\nid = \"3a\" #! duplicate-clause\ntext = \"x\"\nsource = \"mail01\"\ncategory = \"content\"\npaths = [\"/a\", \"/a\"] #! duplicate-path\ntake = \"files\"",
        )],
        vec![
            ("legal_basis = \"pace-sch1\"", "legal_basis = \"2703d\""),
            ("category = \"content\"", "category = \"content\" #! category-above-basis"),
        ],
        vec![
            (take, "take = \"records\"\nas = \"mbox\""),
            ("category = \"content\"", "category = \"traffic\" #! category-below-format"),
        ],
        vec![(
            paths,
            "paths = [\"var/mail\", #! bad-path\n\"/a/../b\", #! bad-path\n'/a/**b', #! bad-path\n'/a/[ab]', #! bad-path\n'/a\\b', #! bad-path\n\"/a/\"] #! bad-path",
        )],
        vec![(paths, "paths = [\"/a\\u0000\"] #! control-character")],
        vec![(
            take,
            "take = \"records\"\nfields = [\"time\"] #! not-in-this-version\njoin = \"x\" #! not-in-this-version\nexclude = \"y\" #! unknown-key\nidentifers = 1 #! unknown-key",
        )],
        vec![(take, "take = \"records\"\nas = \"syslog\" #! not-in-this-version")],
        // What a clause must say.
        vec![("[[clause]]", "[[clause]] #! no-condition"), (identifiers, ""), (also, ""), (window, "")],
        vec![(identifiers, ""), (also, "everything = true\n")],
        vec![
            (identifiers, ""),
            (also, "everything = false\n"),
            (window, ""),
            ("[[clause]]", "[[clause]] #! no-condition"),
        ],
        vec![
            (take, "take = \"records\"\neverything = true"),
            (identifiers, "identifiers = [{ email = \"alice@shop.example\" }] #! everything-and-identifiers"),
            (also, ""),
        ],
        vec![(identifiers, ""), (also, "with = [{ email = \"bob@supplies.example\" }] #! with-alone\n")],
        vec![
            (take, "take = \"files\"\nas = \"mbox\" #! not-for-files\neverything = true #! not-for-files"),
            (identifiers, "identifiers = [{ email = \"alice@shop.example\" }] #! not-for-files"),
            (also, "with = [{ email = \"bob@supplies.example\" }] #! not-for-files\n"),
            (
                window,
                "window = { from = 2024-03-25, through = 2024-04-07, clock = \"date-header\" } #! clock-not-for-take",
            ),
            (limit, "limit = { records = 500 } #! limit-never-trips"),
        ],
        // Windows.
        vec![(window, "window = { from = 2024-03-25, to = 2024-04-07, clock = \"date-header\" } #! window-to")],
        vec![
            (window, "[clause.window]\nfrom = 2024-03-25\nto = 2024-04-07 #! window-to\nclock = \"date-header\""),
            (limit, ""),
        ],
        vec![(window, "window = { from = 2024-03-25, clock = \"date-header\" } #! window-end")],
        vec![(
            window,
            "window = { from = 2024-03-25, through = 2024-04-07, before = 2024-04-08T00:00:00, clock = \"record\" } #! window-end",
        )],
        vec![(window, "window = { through = 2024-04-07 } #! missing-key missing-key")],
        vec![(
            window,
            "window = { from = 2024-03-25, through = 2024-03-24, clock = \"record\" } #! window-order date-not-in-text",
        )],
        vec![(
            window,
            "window = { from = 2024-03-25T00:00:00Z, before = 2024-03-25T00:00:00Z, clock = \"record\" } #! window-order",
        )],
        vec![(
            window,
            "window = { from = 2024-03-25, through = 2024-04-07T00:00:00, clock = \"record\" } #! through-not-a-day",
        )],
        vec![(
            window,
            "window = { from = 2024-03-25, before = 2024-04-08, clock = \"record\" } #! before-not-an-instant",
        )],
        vec![(
            window,
            "window = { from = 2024-03-25, through = 9999-12-31, clock = \"record\" } #! bad-date date-not-in-text",
        )],
        vec![(
            window,
            "window = { from = 2024-03-31T01:30:00, before = 2024-10-27T01:30:00, clock = \"record\" } #! time-gap time-fold date-not-in-text date-not-in-text",
        )],
        vec![(window, "window = { from = 10:00:00, through = 2024-04-07, clock = \"record\" } #! wrong-type")],
        vec![(
            window,
            "window = { from = 2024-03-25, through = 2024-04-07, clock = \"delivered\" } #! not-in-this-version",
        )],
        vec![(window, "window = { from = 2024-03-25, through = 2024-04-07, clock = \"mtime\" } #! unknown-clock")],
        vec![(
            window,
            "window = { from = 2024-03-25, through = 2024-04-07, clock = \"modified\" } #! clock-not-for-take",
        )],
        vec![
            (take, "take = \"records\"\nas = \"eml\""),
            (window, "window = { from = 2024-03-25, through = 2024-04-07, clock = \"record\" } #! clock-not-in-format"),
        ],
        vec![(
            window,
            "window = { from = 2024-03-25, through = 2024-04-06, clock = \"date-header\" } #! date-not-in-text",
        )],
        // Identifiers.
        vec![(
            identifiers,
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
            identifiers,
            "identifiers = [{ email = \"alice@shop.example\" }, { email = \"malice@shop.example\" }] #! identifier-not-in-text",
        )],
        vec![
            (take, "take = \"records\"\nas = \"mbox\""),
            (
                identifiers,
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

fn broken_providers() -> Vec<Vec<(&'static str, &'static str)>> {
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
        vec![(
            "custodian = \"Duty officer 7\"",
            "custodian = \"\" #! empty\naudit_recipients = [] #! not-in-this-version",
        )],
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
fn every_code_is_shown_by_some_broken_file() {
    let mut shown: BTreeSet<Code> = BTreeSet::new();
    for changes in broken_orders() {
        shown.extend(findings(run(&with(GOOD, &changes), Some(GOOD_PROVIDER))).iter().map(|one| one.code));
    }
    for changes in broken_providers() {
        shown.extend(findings(run(GOOD, Some(&with(GOOD_PROVIDER, &changes)))).iter().map(|one| one.code));
    }
    // Shown by tests of their own below.
    shown.extend([Code::SourceWithoutPath, Code::TooLarge, Code::NotUtf8, Code::TooMany]);
    let missing: Vec<&Code> = Code::ALL.iter().filter(|code| !shown.contains(code)).collect();
    assert_eq!(missing, [] as [&Code; 0]);
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("orders")
}

#[test]
fn the_json_schemas_are_current() {
    for (file, schema) in
        [("order.schema.json", order::order_schema()), ("provider.schema.json", order::provider_schema())]
    {
        let path = folder().join(file);
        if std::env::var_os("EXTRACT_WRITE_SCHEMAS").is_some() {
            std::fs::write(&path, &schema).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            stored == schema,
            "orders/{file} is not current. Write it with:\n\
             EXTRACT_WRITE_SCHEMAS=1 cargo test --test order_language the_json_schemas_are_current"
        );
    }
}

/// A fenced block of the page: what it is a part of, what it expects, and its text.
struct Block {
    kind: String,
    expected: Vec<String>,
    text: String,
    line: usize,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for (line, content) in page.lines().enumerate() {
        if inside && content == "```" {
            inside = false;
        } else if let Some(kind) = content.strip_prefix("```") {
            let kind = kind.strip_prefix("toml ").unwrap_or_else(|| panic!("line {}: a block is toml KIND", line + 1));
            blocks.push(Block { kind: kind.to_owned(), expected: Vec::new(), text: String::new(), line: line + 1 });
            inside = true;
        } else if inside {
            let block = blocks.last_mut().unwrap();
            if let Some(codes) = content.strip_prefix("# expect: ") {
                block.expected = codes.split_whitespace().map(str::to_owned).collect();
                block.expected.sort();
            }
            writeln!(block.text, "{content}").unwrap();
        }
    }
    assert!(!inside, "a block is not closed");
    blocks
}

/// A small order and provider file, with a block put in where it belongs.
fn completed(block: &Block) -> (String, String) {
    let mut order: toml::Table = toml::from_str(GOOD).unwrap();
    let mut provider: toml::Table = toml::from_str(GOOD_PROVIDER).unwrap();
    match block.kind.as_str() {
        "order-file" => return (block.text.clone(), GOOD_PROVIDER.to_owned()),
        "provider-file" => return (GOOD.to_owned(), block.text.clone()),
        _ => {}
    }
    let keys: toml::Table = toml::from_str(&block.text).unwrap_or_else(|error| panic!("line {}: {error}", block.line));
    let first = |file: &mut toml::Table, table: &str, keys: toml::Table| {
        file[table].as_array_mut().unwrap()[0].as_table_mut().unwrap().extend(keys);
    };
    match block.kind.as_str() {
        "order" => order["order"].as_table_mut().unwrap().extend(keys),
        "source" => first(&mut order, "source", keys),
        "clause" => {
            let clause = order["clause"].as_array_mut().unwrap()[0].as_table_mut().unwrap();
            for key in ["identifiers", "with", "window", "limit"] {
                clause.remove(key);
            }
            let files = keys.get("take").and_then(toml::Value::as_str) == Some("files");
            if !files && !["identifiers", "with", "window", "everything"].iter().any(|key| keys.contains_key(*key)) {
                clause.insert("everything".to_owned(), true.into());
            }
            clause.extend(keys);
        }
        "provider" => provider.extend(keys),
        "provider-source" => first(&mut provider, "source", keys),
        "withhold" => first(&mut provider, "withhold", keys),
        other => panic!("line {}: what is {other}?", block.line),
    }
    (toml::to_string(&order).unwrap(), toml::to_string(&provider).unwrap())
}

#[test]
fn every_block_of_the_teaching_page_is_as_it_says() {
    let page = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let blocks = blocks(&page);
    assert!(blocks.len() > 50, "{} blocks", blocks.len());
    for block in &blocks {
        let (order, provider) = completed(block);
        let found = findings(run(&order, Some(&provider)));
        // The words of the example are about other identifiers, unless a block has words of its own.
        let own_words = block.text.contains("text = ");
        let counts =
            |one: &&Diagnostic| own_words || !matches!(one.code, Code::IdentifierNotInText | Code::DateNotInText);
        let mut seen: Vec<&str> = found.iter().filter(counts).map(|one| one.code.name()).collect();
        seen.sort_unstable();
        assert_eq!(seen, block.expected, "orders/README.md, line {}:\n{}{found:#?}", block.line, block.text);
        if seen.is_empty() {
            // The schemas take it too.
            toml::from_str::<order::wire::OrderFile>(&order).unwrap();
            toml::from_str::<order::wire::ProviderFile>(&provider).unwrap();
        }
    }
}

#[test]
fn the_teaching_page_leaves_out_no_key_no_name_and_no_code() {
    let page = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let text: String = blocks(&page).into_iter().map(|block| block.text).collect();
    for schema in [order::order_schema(), order::provider_schema()] {
        let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
        let tables = schema["$defs"].as_object().unwrap().values().chain([&schema]);
        for key in tables.filter_map(|table| table["properties"].as_object()).flat_map(|keys| keys.keys()) {
            let shown = text.contains(&format!("{key} = "))
                || text.contains(&format!("[[{key}]]"))
                || text.contains(&format!("[{key}]"));
            assert!(shown, "no example has `{key}`");
        }
    }
    let names = Code::ALL.iter().map(|code| code.name());
    let names = names.chain(LegalBasis::ALL.iter().map(|basis| basis.name()));
    let names = names.chain(Category::ALL.iter().map(|category| category.name()));
    let names = names.chain(Format::ALL.iter().map(|format| format.name()));
    let names = names.chain(Role::ALL.iter().map(|role| role.name()));
    for name in names.chain(Clock::ALL.iter().map(|clock| clock.name())) {
        assert!(page.contains(&format!("`{name}`")), "the page does not name `{name}`");
    }
}

#[test]
fn what_the_reader_refuses_as_unknown_the_schemas_refuse_too() {
    for (changes, wire) in
        [("[order]\n", true), ("name = \"mail01\"\n", true), ("id = \"3a\"\n", true), ("limit = { ", false)]
    {
        let key = if wire { format!("{changes}colour = 3\n") } else { format!("{changes}colour = 3, ") };
        let text = with(GOOD, &[(changes, &key)]);
        assert_eq!(findings(run(&text, Some(GOOD_PROVIDER)))[0].code, Code::UnknownKey, "{text}");
        assert!(toml::from_str::<order::wire::OrderFile>(&text).is_err(), "{text}");
    }
}
