//! The provider's audit: complete, chained, beside the package, and named in nothing that leaves.

mod case;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "sqlite/made.rs"]
mod made;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tool.rs"]
mod tool;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use case::audited::{self, lines};
use case::{Case, Package, files, log_line, records, text};
use extract::delivery::{Decrypting, Identities};
use extract::digest::Digest;
use serde_json::Value;
use tool::try_run;

const ALICE: &str = "identifiers = [{ email = \"alice@shop.example\" }]";
const CLIENT: &str = "identifiers = [{ ip = \"192.0.2.1\", role = [\"client\"] }]";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn message(from: &str, subject: &str, body: &str) -> String {
    format!(
        "From: {from}\nTo: carol@shop.example\nSubject: {subject}\nDate: Mon, 25 Mar 2024 10:00:00 +0000\n\
         Message-ID: <{subject}@shop.example>\n\n{body}\n"
    )
}

fn log(first: u8) -> String {
    (0..40)
        .map(|n| log_line(&format!("192.0.2.{}", first + n % 3), &format!("25/Mar/2024:10:00:{n:02} +0000")))
        .collect()
}

/// The files of the folder `source` with what makes each of them, by path on the server: nothing of it is read back.
fn tree() -> BTreeMap<String, Vec<u8>> {
    let mut mbox = String::new();
    for (n, from) in
        ["alice@shop.example", "bob@shop.example", "alice@shop.example"].iter().cycle().take(12).enumerate()
    {
        let body = "text\n".repeat(n);
        mbox.push_str(&format!("From x@y Mon Mar 25 10:00:00 2024\n{}\n", message(from, &format!("m{n}"), &body)));
    }
    let dump = "CREATE TABLE `customer` (`id` int, `email` text);\n\
                INSERT INTO `customer` VALUES (1,'alice@shop.example'),(2,'bob@shop.example'),(3,'alice@shop.example');\n";
    let csv = "id,email\n1,alice@shop.example\n2,bob@shop.example\n3,alice@shop.example\n";
    let mut tree = BTreeMap::from([
        ("/var/log/access.log".to_owned(), log(1).into_bytes()),
        ("/var/log/access.log.1.gz".to_owned(), gzip(log(0).as_bytes())),
        ("/var/log/access.log.2.gz".to_owned(), gzip(log(100).as_bytes())),
        ("/var/mail/alice".to_owned(), mbox.into_bytes()),
        ("/srv/customer.sql".to_owned(), dump.into()),
        ("/srv/customer.csv".to_owned(), csv.into()),
        ("/srv/invoices/1.pdf".to_owned(), b"%PDF-1".to_vec()),
        ("/srv/invoices/2.pdf".to_owned(), b"".to_vec()),
    ]);
    for (name, from) in [("1", "alice@shop.example"), ("2", "bob@shop.example"), ("3", "alice@shop.example")] {
        let name = format!("/home/alice/Maildir/cur/{name}.host:2,S");
        tree.insert(name, message(from, "s", "x\n").into_bytes());
    }
    tree
}

fn clause(id: &str, source: &str, text: &str) -> String {
    text.replace("id = \"1\"", &format!("id = \"{id}\"")).replace("source = \"s\"", &format!("source = \"{source}\""))
}

/// An order over a folder with logs, mail stores, a dump, a database and an archive, and over an ext4 image.
fn mixed() -> (Case, BTreeMap<(String, String), Vec<u8>>) {
    let case = Case::new();
    let mut stored = BTreeMap::new();
    for (path, bytes) in tree() {
        case.file(&path, &bytes);
        stored.insert(("s".to_owned(), path.clone()), bytes.clone());
        stored.insert(("disk".to_owned(), path.clone()), bytes.clone());
        if path.starts_with("/var/log") {
            stored.insert(("s".to_owned(), format!("/srv/backup.tar.gz{path}")), bytes);
        }
    }
    let source = case.path("source");
    case.make_ext4();
    case::tool("tar", &["-C", text(&source), "-czf", text(&case.path("source/srv/backup.tar.gz")), "var/log"]);
    let shop = made::Made::of(
        "CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT);
         INSERT INTO customer VALUES (1, 'alice@shop.example'), (2, 'bob@shop.example'), (3, 'alice@shop.example');",
    );
    case.file("/srv/shop.db", &shop.database);
    stored.insert(("s".to_owned(), "/srv/shop.db".to_owned()), shop.database.clone());
    let rows = "rows = { table = \"customer\", where = [{ email = \"alice@shop.example\", column = \"email\" }] }";
    let cells = "rows = { where = [{ email = \"alice@shop.example\", column = \"email\" }] }";
    let log_paths = "\"/var/log/access.log*\"";
    let clauses = [
        clause("logs", "s", &records(log_paths, CLIENT)),
        clause(
            "window",
            "s",
            &records(
                "\"/var/log/access.log\"",
                "window = { from = 2024-03-25T10:00:10Z, before = 2024-03-25T10:00:20Z, clock = \"record\" }",
            ),
        ),
        clause("mbox", "s", &records("\"/var/mail/alice\"", ALICE)),
        clause("maildir", "s", &records("\"/home/alice/Maildir/**\"", ALICE)),
        clause("dump", "s", &records("\"/srv/customer.sql\"", &format!("as = \"mysql-dump\"\n{rows}"))),
        clause("csv", "s", &records("\"/srv/customer.csv\"", &format!("as = \"csv\"\n{cells}"))),
        clause("database", "s", &records("\"/srv/shop.db\"", &format!("as = \"sqlite\"\n{rows}"))),
        clause("archive", "s", &records("\"/srv/backup.tar.gz/var/log/*\"", &format!("archives = \"open\"\n{CLIENT}"))),
        clause("whole", "s", &files("\"/srv/invoices/*\"", "")),
        clause("missing", "s", &files("\"/srv/none\"", "")),
        clause("disk", "disk", &records(log_paths, CLIENT)),
        clause("headers", "disk", &records("\"/var/mail/alice\"", &format!("unit = \"headers\"\n{ALICE}"))),
    ];
    case.order("", "");
    let order = fs::read_to_string(case.path("order.toml")).unwrap();
    case.write_order(&format!("{order}\n[[source]]\nname = \"disk\"\n\n{}", clauses.join("\n")));
    case.provider(
        "[[source]]\nname = \"s\"\npath = \"source\"\n[[source]]\nname = \"disk\"\npath = \"image\"\n\
         [[withhold]]\nclass = \"privileged\"\npaths = [\"/var/log/access.log.2.gz\"]\n",
    );
    (case, stored)
}

fn audit(case: &Case) -> Vec<u8> {
    fs::read(case.path("2024-17.audit.jsonl")).unwrap()
}

fn of<'e>(events: &'e [Value], kind: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// The exhibits of a stream, one after the other, and the length of each record that the ledger states of them.
fn given(package: &Package, stream: &Value) -> (Vec<u8>, Vec<u64>) {
    let (mut bytes, mut lengths) = (Vec::new(), Vec::new());
    for exhibit in package.exhibits() {
        if ["source", "path", "take"].iter().any(|key| exhibit[*key] != stream[*key]) {
            continue;
        }
        let file = word(&exhibit["file"]);
        bytes.extend_from_slice(package.member(&file));
        let lines = file.replace("data/", "records/");
        let lines = Path::new(&lines).with_extension("jsonl");
        if package.names.iter().any(|name| Path::new(name) == lines) {
            let lines = std::str::from_utf8(package.member(text(&lines))).unwrap().lines();
            lengths.extend(lines.map(|line| serde_json::from_str::<Value>(line).unwrap()["length"].as_u64().unwrap()));
        } else {
            lengths.push(exhibit["bytes"].as_u64().unwrap());
        }
    }
    (bytes, lengths)
}

#[test]
fn every_record_of_the_package_is_found_again_at_its_position_in_the_source() {
    let (case, stored) = mixed();
    case.run().ends_with(3);
    let (package, events) = (case.package(), lines(&audit(&case)));
    let positions = audited::positions(&events);
    let streams = of(&events, "stream");
    let mut met = BTreeMap::<String, usize>::new();
    for stream in &streams {
        let what = format!("{} {} ", stream["source"], stream["path"]);
        let bytes = &stored[&(word(&stream["source"]), word(&stream["path"]))];
        assert_eq!(
            (stream["bytes"].as_u64(), stream["read"].as_u64()),
            (Some(bytes.len() as u64), Some(bytes.len() as u64)),
            "{what}"
        );
        assert_eq!(word(&stream["sha256"]), Digest::of(bytes).to_string(), "{what}");
        let mine = positions.get(&stream["seq"].as_u64().unwrap()).cloned().unwrap_or_default();
        let (given, lengths) = given(&package, stream);
        let counted_in = word(&stream["counted_in"]);
        let content = match counted_in.as_str() {
            "unpacked" => {
                let mut content = Vec::new();
                std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut content).unwrap();
                content
            }
            _ => bytes.clone(),
        };
        *met.entry(counted_in.clone()).or_default() += mine.len();
        assert_eq!(mine.len(), lengths.len(), "{what}");
        if stream["clauses"][0]["id"] == "headers" {
            // Less than the record is given: it begins where the record does.
            assert!(mine.iter().zip(&lengths).all(|((_, length), given)| length > given), "{what}");
            let begin = &content[mine[0].0 as usize..][..lengths[0] as usize];
            assert!(given.starts_with(begin), "{what}");
        } else if counted_in == "rendered" {
            // In what its format makes of it: record after record, with what was not disclosed between them.
            assert_eq!(mine.iter().map(|(_, length)| *length).collect::<Vec<_>>(), lengths, "{what}");
            assert_eq!(given.len() as u64, stream["disclosed"].as_u64().unwrap(), "{what}");
        } else {
            let found: Vec<u8> =
                mine.iter().flat_map(|&(at, size)| &content[at as usize..][..size as usize]).copied().collect();
            assert!(found == given, "{what}: other bytes stand at the positions");
            assert_eq!(mine.iter().map(|(_, length)| *length).collect::<Vec<_>>(), lengths, "{what}");
        }
    }
    for counted_in in ["stored", "unpacked", "rendered"] {
        assert!(met[counted_in] >= 6, "{met:?}");
    }
    assert_eq!(positions.values().map(Vec::len).sum::<usize>(), met.values().sum::<usize>());
    // Every exhibit is of a stream that the audit names.
    for exhibit in package.exhibits() {
        let same = |stream: &&&Value| ["source", "path", "take"].iter().all(|key| exhibit[*key] == stream[*key]);
        assert_eq!(streams.iter().filter(same).count(), 1, "{exhibit}");
    }
    // What was not opened is named, and why.
    let unopened = of(&events, "unopened");
    assert!(unopened.iter().any(|one| one["path"] == "/var/log/access.log.2.gz" && one["why"] == "withheld by path"));
    let short = of(&events, "short");
    assert!(short.iter().any(|one| one["clause"] == "missing" && one["kind"] == "no-such-path" && one["count"] == 1));
}

#[test]
fn what_was_examined_and_outside_by_path_adds_up_to_what_the_preview_says() {
    let (case, _) = mixed();
    let order = fs::read_to_string(case.path("order.toml")).unwrap();
    case.write_order(&order.replace("zone = \"Europe", "disclose = { examined = true }\nzone = \"Europe"));
    let preview = case.extract(&["--order", "order.toml", "--dry-run", "--json"]);
    let preview = preview.ends_with(3).json();
    case.run().ends_with(3);
    let events = lines(&audit(&case));
    let mut sums = BTreeMap::<String, (u64, u64)>::new();
    for clause in of(&events, "stream").iter().flat_map(|stream| stream["clauses"].as_array().unwrap()) {
        let sum = sums.entry(word(&clause["id"])).or_default();
        sum.0 += clause["examined"].as_u64().unwrap();
        sum.1 += clause["outside"].as_u64().unwrap();
    }
    let numbers =
        |one: &Value| (word(&one["id"]), (one["examined"].as_u64().unwrap(), one["outside"].as_u64().unwrap()));
    let said: BTreeMap<_, _> = preview["clauses"].as_array().unwrap().iter().map(numbers).collect();
    let stated: BTreeMap<_, _> = of(&events, "clause").into_iter().map(numbers).collect();
    assert_eq!(stated, said);
    sums.entry("missing".to_owned()).or_default();
    assert_eq!(sums, said);
    let sum = |key: &str| of(&events, "stream").iter().map(|stream| stream[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!(
        (sum("size"), sum("outside")),
        (preview["examined"].as_u64().unwrap(), preview["outside"].as_u64().unwrap())
    );
    assert!(said.values().filter(|(examined, outside)| examined > outside && *outside > 0).count() >= 8, "{said:?}");
    let sealed = of(&events, "sealed");
    assert_eq!(sealed[0]["digest"], preview["digest"]);
}

#[test]
fn a_line_changed_removed_moved_added_or_cut_away_breaks_the_chain() {
    let (case, _) = mixed();
    case.run().ends_with(3);
    let (whole, order) = (audit(&case), fs::read(case.path("order.toml")).unwrap());
    assert_eq!(audited::broken(&whole, &order), None);
    let lines: Vec<&[u8]> = whole.split_inclusive(|&byte| byte == b'\n').collect();
    assert!(lines.len() > 40, "{}", lines.len());
    for at in 0..lines.len() {
        let without = [&lines[..at], &lines[at + 1..]].concat().concat();
        assert!(audited::broken(&without, &order).is_some(), "without line {at}");
        let twice = [&lines[..=at], &lines[at..]].concat().concat();
        assert!(audited::broken(&twice, &order).is_some(), "with line {at} twice");
        assert!(audited::broken(&lines[..at].concat(), &order).is_some(), "cut before line {at}");
        if at > 0 {
            let mut moved = lines.clone();
            moved.swap(at - 1, at);
            assert!(audited::broken(&moved.concat(), &order).is_some(), "line {at} moved");
        }
        // The last line is bound by nothing behind it: it says what it says of the package, which has the digest too.
        if at + 1 < lines.len() {
            let mut changed: Vec<Vec<u8>> = lines.iter().map(|line| line.to_vec()).collect();
            let place = changed[at].len() / 2;
            changed[at][place] = if changed[at][place] == b'0' { b'1' } else { b'0' };
            assert!(audited::broken(&changed.concat(), &order).is_some(), "line {at} changed");
        }
    }
    assert!(audited::broken(&whole[..whole.len() - 1], &order).is_some());
    assert!(audited::broken(&whole, b"another order").is_some());
}

#[test]
fn the_lines_are_the_same_whatever_the_number_of_threads() {
    let (case, _) = mixed();
    let mut told = Vec::new();
    for threads in ["1", "2", "7"] {
        case.extract(&["--order", "order.toml", "--output", "out.tar", "--quiet", "--threads", threads]).ends_with(3);
        let mut events = lines(&audit(&case));
        for event in &mut events {
            // What differs between two runs: when, and the command; and with them what each line is bound to.
            for key in ["time", "operator", "prev"] {
                event.as_object_mut().unwrap().remove(key);
            }
        }
        told.push(events);
        case.again();
    }
    assert!(told[0] == told[1] && told[1] == told[2]);
}

#[test]
fn no_line_of_the_audit_is_named_in_anything_that_leaves() {
    let (case, _) = mixed();
    let canary = "login-9b1f0c77";
    let mut command = case.command(&["--order", "order.toml", "--output", "out.tar", "--json"]);
    let output = command.env("LOGNAME", canary).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let (audit, tar) = (audit(&case), fs::read(case.path("out.tar")).unwrap());
    let mut left = tar.clone();
    left.extend(output.stdout);
    left.extend(output.stderr);
    for member in Package::read(&case.path("out.tar")).names {
        left.extend(member.into_bytes());
    }
    let is_there = |mark: &[u8]| memchr::memmem::find(&left, mark).is_some();
    let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
    let pieces =
        audit.split_inclusive(|&byte| byte == b'\n').flat_map(|line| [line, line.strip_suffix(b"\n").unwrap()]);
    let mut count = 0;
    for piece in pieces.chain([&audit[..]]) {
        let digest = Digest::of(piece);
        let (raw, hex) = (*digest.bytes(), digest.to_string());
        for mark in [raw.to_vec(), hex.to_uppercase().into_bytes(), engine.encode(raw).into_bytes(), hex.into_bytes()] {
            assert!(!is_there(&mark), "the digest of a line of the audit leaves: {}", piece.escape_ascii());
            count += 1;
        }
    }
    assert!(count > 300);
    assert!(memchr::memmem::find(&audit, canary.as_bytes()).is_some() && !is_there(canary.as_bytes()));
    // The search finds what is there.
    let manifest = Package::read(&case.path("out.tar")).member("manifest-sha256.txt").to_vec();
    assert!(is_there(Digest::of(&manifest).to_string().as_bytes()));
}

#[test]
fn it_says_who_ran_what_by_which_versions() {
    let case = Case::new();
    case.file("/access.log", log(1));
    case.order("", &records("\"/access.log\"", CLIENT));
    let arguments = ["--order", "order.toml", "--output", "out.tar", "--quiet", "--custodian", "Duty officer 9"];
    let mut command = case.command(&arguments);
    assert_eq!(command.env("LOGNAME", "someone").status().unwrap().code(), Some(0));
    let events = lines(&audit(&case));
    let begun = &events[0];
    let said = |name: &str, arguments: &[&str]| case::tool(name, arguments).trim_end().to_owned();
    let operator = &begun["operator"];
    assert_eq!(operator["uid"].to_string(), said("id", &["-u"]));
    assert_eq!(operator["login"], said("id", &["-un"]));
    assert_eq!(operator["host"], said("uname", &["-n"]));
    assert_eq!(operator["claimed"], "someone");
    assert_eq!(PathBuf::from(word(&operator["folder"])), case.path("").canonicalize().unwrap());
    let command: Vec<String> = operator["command"].as_array().unwrap().iter().map(word).collect();
    assert_eq!(command[0], env!("CARGO_BIN_EXE_extract"));
    assert_eq!(command[1..], arguments);
    assert_eq!(
        (word(&begun["custodian"]).as_str(), word(&begun["version"]).as_str()),
        ("Duty officer 9", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(word(&begun["zones"]), chrono_tz::IANA_TZDB_VERSION);
    assert_eq!(word(&begun["sqlite"]), rusqlite::version());
    let parsers = begun["parsers"].as_object().unwrap();
    let lock = fs::read_to_string("Cargo.lock").unwrap();
    assert_eq!(parsers.len(), extract::audit::PARSERS.len());
    for (name, version) in parsers {
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = {version}\n")), "{name} {version}");
    }
    let source = of(&events, "source")[0];
    assert_eq!(PathBuf::from(word(&source["path"])), case.path("source").canonicalize().unwrap());
    assert_eq!(
        (&source["kind"], &source["files"], &source["program"]),
        (&"folder".into(), &Value::Array(vec![]), &Value::Null)
    );
}

#[test]
fn every_stored_file_of_an_image_is_named_with_its_digest_and_the_program_that_read_it() {
    let case = Case::new();
    case.file("/access.log", log(1));
    case.order("", &records("\"/access.log\"", CLIENT));
    case.make_ext4();
    let path = |name: &str| case.path(name).to_str().unwrap().to_owned();
    let (raw, base, top, vdi) = (path("image"), path("base.qcow2"), path("top.qcow2"), path("image.vdi"));
    for arguments in [
        ["convert", "-f", "raw", "-O", "qcow2", &raw, &base].as_slice(),
        &["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", &base, &top],
        &["convert", "-f", "raw", "-O", "vdi", &raw, &vdi],
    ] {
        if let Err(cannot) = try_run("qemu-img", arguments) {
            return cannot.say("an audit of images of QEMU's formats");
        }
    }
    let program = tool::run("qemu-nbd", &["--version"]).lines().next().unwrap().to_owned();
    for (tables, stored, is_read_by_it) in [
        ("path = \"image\"", vec![&raw], false),
        ("path = \"top.qcow2\"\nbacking = [\"base.qcow2\"]", vec![&top, &base], false),
        ("path = \"image.vdi\"", vec![&vdi], true),
    ] {
        case.provider(&format!("[[source]]\nname = \"s\"\n{tables}\n"));
        case.run().ends_with(0);
        case.package();
        let events = lines(&audit(&case));
        let (source, hashed) = (of(&events, "source")[0], of(&events, "hashed")[0]);
        // It is called by its whole path.
        let is_told = source["program"].as_str().is_some_and(|told| told.ends_with(&program));
        assert_eq!((is_told, source["program"].is_null()), (is_read_by_it, !is_read_by_it), "{source}");
        let all: Vec<Vec<u8>> = stored.iter().map(|path| fs::read(path).unwrap()).collect();
        let files: Vec<Value> = stored
            .iter()
            .zip(&all)
            .map(|(path, bytes)| serde_json::json!({ "path": fs::canonicalize(path).unwrap(), "bytes": bytes.len() }))
            .collect();
        assert_eq!(source["files"], Value::Array(files), "{tables}");
        let digests: Vec<String> = all.iter().map(|bytes| Digest::of(bytes).to_string()).collect();
        assert_eq!(hashed["files"], serde_json::json!(digests), "{tables}");
        assert_eq!(word(&hashed["sha256"]), Digest::of(&all.concat()).to_string(), "{tables}");
        case.again();
    }
}

#[test]
fn a_stream_that_is_not_read_to_its_end_has_the_digest_of_what_was_read() {
    let case = Case::new();
    let noise =
        |n: u32| format!("/{:x}-{:x}", n.wrapping_mul(2_654_435_761), n.wrapping_mul(0x9e37_79b9) ^ 0x5bd1_e995);
    let lines_there: String = (0..20_000)
        .map(|n| log(1 + (n % 3) as u8).lines().next().unwrap().replace("/index.html", &noise(n)) + "\n")
        .collect();
    let packed = gzip(lines_there.as_bytes());
    let cut = &packed[..packed.len() / 2];
    case.file("/cut.gz", cut);
    case.file("/unknown", [0x01, 0xfe, 0x02].repeat(400_000));
    case.order("", &records("\"/*\"", CLIENT));
    case.run().ends_with(3);
    case.package();
    let events = lines(&audit(&case));
    for (stream, bytes) in of(&events, "stream").into_iter().zip([cut.to_vec(), [0x01, 0xfe, 0x02].repeat(400_000)]) {
        let read = stream["read"].as_u64().unwrap() as usize;
        assert!(read > 0 && read <= bytes.len(), "{stream}");
        assert_eq!(word(&stream["sha256"]), Digest::of(&bytes[..read]).to_string(), "{stream}");
    }
    let streams = of(&events, "stream");
    assert_eq!((streams[0]["read"].as_u64(), streams[0]["error"].is_string()), (Some(cut.len() as u64), true));
    assert!(streams[1]["read"].as_u64() < Some(100_000) && streams[1]["format"].is_null());
    assert_eq!((streams[1]["bytes"].as_u64(), streams[1]["size"].as_u64()), (Some(1_200_000), Some(0)));
}

#[test]
fn more_records_than_one_line_holds_have_their_positions_in_several() {
    let case = Case::new();
    let lines_there: String =
        (0..20_000).map(|n| log_line(&format!("192.0.2.{}", 1 + n % 7 / 6), "25/Mar/2024:10:00:00 +0000")).collect();
    case.file("/access.log", &lines_there);
    case.order("", &records("\"/access.log\"", CLIENT));
    case.run().ends_with(0);
    let package = case.package();
    let events = lines(&audit(&case));
    assert!(of(&events, "positions").len() > 3);
    let positions = &audited::positions(&events)[&of(&events, "stream")[0]["seq"].as_u64().unwrap()];
    let found: Vec<u8> = positions
        .iter()
        .flat_map(|&(at, size)| &lines_there.as_bytes()[at as usize..][..size as usize])
        .copied()
        .collect();
    assert!(found == package.disclosed()[0].1);
    assert!(audit(&case).split(|&byte| byte == b'\n').all(|line| line.len() < 200_000));
}

#[test]
fn a_run_that_is_refused_leaves_no_audit() {
    let case = Case::new();
    case.file("/access.log", log(1));
    case.order("", &records("\"/access.log\"", &format!("{CLIENT}\nlimit = {{ records = 1 }}")));
    case.run().ends_with(1);
    case.nothing_was_left();
}

const IDENTITY: &str = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";
const RECIPIENT: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";

fn recipients(case: &Case, recipients: &[&str]) {
    case.provider("");
    let file = case.path("order.provider.toml");
    let text = fs::read_to_string(&file).unwrap();
    let tables = "[[source]]\nname = \"s\"\npath = \"source\"\n";
    fs::write(&file, format!("{text}audit_recipients = {recipients:?}\n{tables}")).unwrap();
}

#[test]
fn an_audit_with_recipients_is_read_by_each_of_them_and_by_nobody_else() {
    let case = Case::new();
    case.file("/access.log", log(1));
    case.order("", &records("\"/access.log\"", CLIENT));
    let plain = case.extract(&["--order", "order.toml", "--output", "out.tar", "--json"]).ends_with(0).json();
    case.again();
    tool::run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "of the unit", "-f", text(&case.path("key"))]);
    let public = fs::read_to_string(case.path("key.pub")).unwrap();
    recipients(&case, &[RECIPIENT, public.trim()]);
    let said = case.extract(&["--order", "order.toml", "--output", "out.tar", "--json"]).ends_with(0).json();
    // The package is the same, but for the digest of the provider's file, which is another one.
    assert_eq!(said["ledger_sha256"], plain["ledger_sha256"]);
    case.extract(&["verify", "out.tar"]).ends_with(0);
    assert!(!case.path("2024-17.audit.jsonl").exists());
    let path = case.path("2024-17.audit.jsonl.age");
    let sealed = fs::read(&path).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o7777, 0o600);
    for plain in ["access", "seq", "2024-17", "Duty", "source"] {
        assert!(memchr::memmem::find(&sealed, plain.as_bytes()).is_none(), "{plain}");
    }
    let mut identities = Identities::none();
    identities.add_lines(IDENTITY).unwrap();
    let mut opened = Vec::new();
    let mut stream = Decrypting::open(std::io::Cursor::new(&sealed), &identities).unwrap();
    std::io::Read::read_to_end(&mut stream, &mut opened).unwrap();
    assert_eq!(audited::broken(&opened, &fs::read(case.path("order.toml")).unwrap()), None);
    assert_eq!(audited::unbalanced(&lines(&opened)), None);
    // The stock program opens it with either key.
    fs::write(case.path("identity"), IDENTITY).unwrap();
    for key in ["identity", "key"] {
        let out = case.path("opened");
        match try_run("age", &["-d", "-i", text(&case.path(key)), "-o", text(&out), text(&path)]) {
            Ok(_) => assert!(fs::read(&out).unwrap() == opened, "{key}"),
            Err(cannot) => cannot.say("an encrypted audit opened by age"),
        }
        fs::remove_file(out).ok();
    }
    // An existing one stays, and nothing is sealed.
    fs::remove_file(case.path("out.tar")).unwrap();
    case.run().ends_with(1).names(&["2024-17.audit.jsonl.age exists", "hint: "]);
    assert!(fs::read(&path).unwrap() == sealed && !case.path("out.tar").exists());
}

#[test]
fn a_recipient_that_is_none_ends_the_run_before_it_begins() {
    let case = Case::new();
    case.file("/access.log", log(1));
    case.order("", &records("\"/access.log\"", CLIENT));
    let cut = &RECIPIENT[..RECIPIENT.len() - 1];
    for (wrong, words) in [
        (cut, "cut off"),
        ("bob", "no recipient"),
        ("ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA==", "cannot be encrypted to"),
    ] {
        recipients(&case, &[RECIPIENT, wrong]);
        for arguments in [&["--order", "order.toml", "--output", "out.tar"][..], &["check", "order.toml"]] {
            let said = case.extract(arguments);
            said.ends_with(2).names(&[words, "bad-recipient", "order.provider.toml:", "^^"]);
        }
        case.nothing_was_left();
    }
    for secret in
        [IDENTITY, "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE\n-----END OPENSSH PRIVATE KEY-----"]
    {
        recipients(&case, &[secret, "bob"]);
        let said = case.run();
        said.ends_with(2).names(&["private key"]);
        for part in ["GQ9778", "b3BlbnNz", "BEGIN"] {
            assert!(!said.stderr.contains(part) && !said.stdout.contains(part), "{}", said.stderr);
        }
    }
}

#[test]
fn the_chain_is_checked_with_stock_tools_as_the_readme_says() {
    let case = Case::new();
    case.file("/access.log", log(1));
    case.file("/caf\u{e9} \\n 'a' \"b\" $HOME *", log(1));
    case.order("", &records("\"/*\"", CLIENT));
    case.run().ends_with(0);
    fs::copy(case.path("order.toml"), case.path("2024-17.toml")).unwrap();
    let readme = fs::read_to_string("README.md").unwrap();
    let script =
        readme.split("```\n").find(|block| block.starts_with("prev=$(")).expect("the README says how").to_owned();
    let check = || {
        let output =
            std::process::Command::new("sh").args(["-c", &script]).current_dir(case.path("")).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(check(), (Some(0), String::new()));
    let whole = String::from_utf8(audit(&case)).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    for (changed, words) in [
        (whole.replacen("\"outside\":", "\"outside\":1", 1), "the chain breaks at"),
        (lines[1..].concat(), "the chain breaks at"),
        ([&lines[..2], &lines[3..]].concat().concat(), "the chain breaks at"),
        (lines[..lines.len() - 1].concat(), "the end is missing"),
    ] {
        fs::write(case.path("2024-17.audit.jsonl"), changed).unwrap();
        let (code, said) = check();
        assert!(code == Some(1) && said.contains(words), "{code:?} {said}");
    }
}
