//! The package, made through the real gate: its bytes, its members, and what a failure leaves.

#[path = "../fixture/drafted.rs"]
mod drafted;
mod report;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use drafted::File;
use extract::clock::Timestamp;
use extract::digest::Digest;
use extract::ledger::{Disclosure, ExhibitLine, RecordLine, ShortfallKind, Statement, StreamTally};
use extract::limits;
use extract::order::Order;
use extract::package::layout::{BAGIT_TXT, Member};
use extract::package::reader::TarReader;
use extract::package::{Closed, CustodyLine, CustodyLog, Event, OwnNames, PackageError, SEALED, Target, Writer};
use extract::scope::Scope;

const ORDER: &str = r#"
schema = "order/1"

[order]
id = "2024-17"
legal_basis = "pace-sch1"
authority = "Example <b>Constabulary</b>"
reference = "OP-123 \u202e & \"more\""
made = 2024-04-08
served = 2024-04-09T09:40:00Z
due = "P7D"
zone = "Europe/London"
disclose = { positions = POSITIONS }

[[source]]
name = "web01"

[[clause]]
id = "1"
text = """requests from 192.0.2.1
<script>alert(1)</script> in the access log"""
source = "web01"
category = "traffic"
paths = ["/log/**"]
take = "records"
identifiers = [{ ip = "192.0.2.1" }]

[[clause]]
id = "2"
text = "all mail of alice@shop.example"
source = "web01"
category = "content"
paths = ["/mail/alice"]
take = "records"
identifiers = [{ email = "alice@shop.example" }]

[[clause]]
id = "3"
text = "the configuration files"
source = "web01"
category = "content"
paths = ["/etc/**", "/log/both.log"]
take = "files"

[[clause]]
id = "4"
text = "every request of 31 March 2024"
source = "web01"
category = "traffic"
paths = ["/log/a.log"]
take = "records"
window = { from = 2024-03-31, through = 2024-03-31, clock = "record" }
"#;

const MAIL: &str = "From x Mon Mar 25 10:00:00 2024\nFrom: alice@shop.example\nTo: bob@x.example\nDate: Mon, 25 Mar 2024 10:00:00 +0000\n\none\n\nFrom x Mon Mar 25 10:00:00 2024\nFrom: carol@x.example\nTo: bob@x.example\nDate: Mon, 25 Mar 2024 10:00:00 +0000\n\ntwo\n\nFrom x Mon Mar 25 10:00:00 2024\nFrom: bob@x.example\nTo: Alice <alice@shop.example>\nDate: Tue, 26 Mar 2024 10:00:00 +0000\n\nthree\n";

fn log_line(ip: &str, day: &str, n: usize) -> String {
    format!("{ip} - - [{day}/Mar/2024:12:00:00 +0000] \"GET /{n} HTTP/1.1\" 200 5\n")
}

fn files() -> Vec<File> {
    let log =
        [log_line("192.0.2.1", "30", 1), log_line("192.0.2.11", "31", 2), log_line("192.0.2.1", "31", 3)].concat();
    let both = [log_line("192.0.2.2", "30", 4), log_line("192.0.2.1", "30", 5)].concat();
    vec![
        File { path: b"/etc/empty", bytes: Vec::new() },
        File { path: b"/etc/na\xefve\n\"<x>.conf", bytes: b"setting = 1\n".to_vec() },
        File { path: b"/log/a.log", bytes: log.into_bytes() },
        File { path: b"/log/both.log", bytes: both.into_bytes() },
        File { path: b"/mail/alice", bytes: MAIL.as_bytes().to_vec() },
    ]
}

fn order_with(positions: bool) -> Order {
    drafted::order(&ORDER.replace("POSITIONS", &positions.to_string()))
}

fn close(order: &Order, files: &[File], target: Target) -> Result<Closed, PackageError> {
    let scope = Scope::compile(order, None).expect("a valid order compiles");
    let mut writer = Writer::create(order, None, target)?;
    let (drafter, mut streams) = (writer.drafter(), StreamTally::default());
    for file in files {
        for draft in drafted::drafts(&scope, &drafter, file, &mut streams) {
            writer.add(draft)?;
        }
    }
    writer.close(drafted::facts(order, streams))
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("a time")
}

fn custody(order: &Order, time: Timestamp) -> CustodyLog {
    let mut log = CustodyLog::new(order.sha256(), "Duty officer 7");
    log.event(time, Event::OrderRead).unwrap();
    log.event(time, Event::SourceOpened { name: "web01" }).unwrap();
    log
}

fn seal_at(order: &Order, files: &[File], folder: &Path, time: &str) -> (PathBuf, Disclosure) {
    let target = Target::File { path: folder.join("2024-17.tar") };
    let closed = close(order, files, target).expect("closed");
    closed.seal(custody(order, at(time)), at(time), &OwnNames::default()).expect("sealed").publish().expect("published")
}

fn seal(order: &Order, files: &[File], folder: &Path) -> (PathBuf, Disclosure) {
    seal_at(order, files, folder, "2024-04-10T08:00:00Z")
}

/// The members by name, in order, without the top folder; the tar must be without a note.
fn members(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut tar = TarReader::new(fs::File::open(path).expect("a package"));
    let mut out = Vec::new();
    while let Some(member) = tar.next_member().expect("readable") {
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut tar, &mut content).expect("readable");
        let name = String::from_utf8(member.name).expect("our names");
        out.push((name.strip_prefix("2024-17/").expect("the top folder").to_owned(), content));
    }
    assert_eq!(tar.notes(), []);
    out
}

fn by_name(path: &Path) -> BTreeMap<String, Vec<u8>> {
    members(path).into_iter().collect()
}

fn lines<T: serde::de::DeserializeOwned + serde::Serialize>(bytes: &[u8]) -> Vec<T> {
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    text.split_inclusive('\n')
        .map(|line| {
            let value = serde_json::from_str(line).expect(line);
            assert_eq!(extract::ledger::line(&value).unwrap(), line.as_bytes(), "not canonical");
            value
        })
        .collect()
}

fn shell(folder: &Path, command: &str) -> (bool, String) {
    let out = Command::new("sh").args(["-c", command]).current_dir(folder).output().expect("sh");
    let text = [out.stdout, out.stderr].concat();
    (out.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn members_stand_in_the_order_of_the_contract_and_say_what_was_admitted() {
    let folder = tempfile::tempdir().unwrap();
    let (path, disclosure) = seal(&order_with(false), &files(), folder.path());
    let names: Vec<String> = members(&path).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "bagit.txt",
            "order.toml",
            "README.txt",
            "data/000001.bin",
            "data/000002.bin",
            "data/000003.log",
            "data/000004.bin",
            "data/000005.log",
            "data/000006.eml",
            "data/000007.eml",
            "records/000003.jsonl",
            "records/000005.jsonl",
            "exhibits.jsonl",
            "disclosure.json",
            "report.html",
            "report.json",
            "custody.jsonl",
            "bag-info.txt",
            "manifest-sha256.txt",
            "tagmanifest-sha256.txt",
        ]
    );
    assert!(names.iter().map(|name| Member::parse(name).unwrap()).is_sorted());
    let all = by_name(&path);
    assert_eq!(all["bagit.txt"], BAGIT_TXT);
    assert_eq!(all["order.toml"], order_with(false).bytes);
    assert_eq!(all["data/000001.bin"], b"");
    assert_eq!(all["data/000002.bin"], b"setting = 1\n");
    // Clause 1 by address, clause 4 by day: all three lines, in source order.
    assert_eq!(all["data/000003.log"], files()[2].bytes);
    assert_eq!(all["data/000004.bin"], files()[3].bytes);
    assert_eq!(all["data/000005.log"], log_line("192.0.2.1", "30", 5).as_bytes());
    let from = MAIL.find("From: alice").unwrap();
    assert_eq!(all["data/000006.eml"], &MAIL.as_bytes()[from..MAIL.find("\n\nFrom x").unwrap() + 1]);
    assert!(String::from_utf8_lossy(&all["data/000007.eml"]).ends_with("\n\nthree\n"));

    let exhibits: Vec<ExhibitLine> = lines(&all["exhibits.jsonl"]);
    let brief: Vec<(u32, Vec<&str>, Option<u64>, &str)> = exhibits
        .iter()
        .map(|e| (e.exhibit, e.clauses.iter().map(String::as_str).collect(), e.records, e.path.as_str()))
        .collect();
    assert_eq!(
        brief,
        [
            (1, vec!["3"], None, "/etc/empty"),
            (2, vec!["3"], None, "/etc/na\\xefve\n\"<x>.conf"),
            (3, vec!["1", "4"], Some(3), "/log/a.log"),
            (4, vec!["3"], None, "/log/both.log"),
            (5, vec!["1"], Some(1), "/log/both.log"),
            (6, vec!["2"], Some(1), "/mail/alice"),
            (7, vec!["2"], Some(1), "/mail/alice"),
        ]
    );
    for exhibit in &exhibits {
        assert_eq!(Digest::of(&all[&exhibit.file]), exhibit.sha256);
        assert_eq!(all[&exhibit.file].len() as u64, exhibit.bytes);
        assert_eq!(exhibit.path_base64.is_some(), exhibit.exhibit == 2);
    }
    assert_eq!(exhibits[5].time, Some(at("2024-03-25T10:00:00Z")));
    assert_eq!(exhibits[2].time, None);

    let records: Vec<RecordLine> = lines(&all["records/000003.jsonl"]);
    let brief: Vec<(u64, Vec<&str>, Option<u64>)> =
        records.iter().map(|r| (r.n, r.clauses.iter().map(String::as_str).collect(), r.offset)).collect();
    assert_eq!(brief, [(1, vec!["1"], None), (2, vec!["4"], None), (3, vec!["1", "4"], None)]);
    let mut start = 0;
    for record in &records {
        let end = start + record.length as usize;
        assert_eq!(Digest::of(&all["data/000003.log"][start..end]), record.sha256);
        start = end;
    }
    assert_eq!(start, all["data/000003.log"].len());
    assert_eq!(records[2].time, Some(at("2024-03-31T12:00:00Z")));

    let statement: Statement = lines(&all["disclosure.json"]).remove(0);
    let ledger = [&all["exhibits.jsonl"][..], &all["records/000003.jsonl"], &all["records/000005.jsonl"]].concat();
    assert_eq!(statement.ledger_sha256, Digest::of(&ledger));
    assert_eq!(statement.digest, Some(disclosure.digest().unwrap()));
    let totals = statement.totals;
    let payload: usize = all.iter().filter(|(name, _)| name.starts_with("data/")).map(|(_, bytes)| bytes.len()).sum();
    // /log/both.log gave two exhibits and is one file.
    assert_eq!((totals.files, totals.records, totals.bytes), (5, 6, payload as u64));
    let counts: Vec<(u64, u64)> = statement.clauses.iter().map(|clause| (clause.files, clause.records)).collect();
    assert_eq!(counts, [(2, 3), (1, 2), (3, 0), (1, 2)]);
}

#[test]
fn positions_are_told_only_where_the_order_asks_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = seal(&order_with(true), &files(), folder.path());
    let all = by_name(&path);
    let records: Vec<RecordLine> = lines(&all["records/000005.jsonl"]);
    assert_eq!(records[0].offset, Some(log_line("192.0.2.2", "30", 4).len() as u64));
    let exhibits: Vec<ExhibitLine> = lines(&all["exhibits.jsonl"]);
    let offsets: Vec<Option<u64>> = exhibits.iter().map(|exhibit| exhibit.offset).collect();
    let third = MAIL.find("From: bob").unwrap() as u64;
    let first = MAIL.find("From: alice").unwrap() as u64;
    assert_eq!(offsets, [None, None, None, None, None, Some(first), Some(third)]);
}

#[test]
fn two_runs_differ_in_three_members_at_most() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let order = order_with(false);
    let (first, _) = seal_at(&order, &files(), one.path(), "2024-04-10T08:00:00Z");
    let (second, _) = seal_at(&order, &files(), two.path(), "2025-01-01T00:00:00Z");
    let (first, second) = (members(&first), members(&second));
    assert_eq!(first.len(), second.len());
    let mut differing = Vec::new();
    for ((name, content), (other_name, other)) in first.iter().zip(&second) {
        assert_eq!(name, other_name);
        if content != other {
            assert!(Member::parse(name).unwrap().varies(), "{name}");
            differing.push(name.as_str());
        }
    }
    assert_eq!(differing, ["custody.jsonl", "bag-info.txt", "tagmanifest-sha256.txt"]);
    // The same moment gives the same bytes.
    let three = tempfile::tempdir().unwrap();
    let (third, _) = seal_at(&order, &files(), three.path(), "2024-04-10T08:00:00Z");
    assert!(fs::read(one.path().join("2024-17.tar")).unwrap() == fs::read(third).unwrap());
}

#[test]
fn a_preview_has_the_digest_of_the_run_and_leaves_nothing() {
    let (folder, spool) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let order = order_with(false);
    let (_, disclosure) = seal(&order, &files(), folder.path());
    let closed = close(&order, &files(), Target::Nowhere { spool: spool.path().into() }).unwrap();
    assert_eq!(closed.disclosure().statement, disclosure.statement);
    assert_eq!(closed.disclosure().summary, disclosure.summary);
    let preview = String::from_utf8(closed.preview().line().unwrap()).unwrap();
    let statement = String::from_utf8(extract::ledger::line(&disclosure.statement).unwrap()).unwrap();
    let examined: usize = files().iter().map(|file| file.bytes.len()).sum::<usize>() + files()[3].bytes.len();
    let tail = preview.strip_prefix(statement.trim_end().strip_suffix('}').unwrap()).expect("the same object");
    assert!(tail.starts_with(",\"outside\":") && tail.ends_with(&format!(",\"examined\":{examined}}}\n")), "{tail}");
    assert_eq!(fs::read_dir(spool.path()).unwrap().count(), 0);
    assert!(matches!(
        closed.seal(custody(&order, at("2024-04-10T08:00:00Z")), at("2024-04-10T08:00:00Z"), &OwnNames::default()),
        Err(PackageError::Preview)
    ));
}

#[test]
fn the_bag_passes_stock_tools_and_so_does_one_with_nothing_to_disclose() {
    for (what, files) in [("full", files()), ("empty", Vec::new())] {
        let folder = tempfile::tempdir().unwrap();
        let (path, disclosure) = seal(&order_with(false), &files, folder.path());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        // The commands of README.txt, as they stand there.
        let readme = String::from_utf8(by_name(&path)["README.txt"].clone()).unwrap();
        let commands: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("     ")).collect();
        let unpack = commands.iter().find(|command| command.starts_with("tar -xf")).unwrap();
        let (ok, said) = shell(folder.path(), unpack);
        assert!(ok, "{what}: {said}");
        assert_eq!(said, "", "tar has nothing to complain of");
        let bag = folder.path().join("2024-17");
        let sums: Vec<&&str> = commands.iter().filter(|command| command.starts_with("sha256sum -c")).collect();
        assert_eq!(sums.len(), 2);
        for command in sums {
            let (ok, said) = shell(&bag, command);
            assert!(ok && said.lines().all(|line| line.ends_with(": OK")), "{what}: {said}");
        }
        let digest = commands.iter().find(|command| command.starts_with("sed ")).unwrap();
        let (ok, said) = shell(&bag, digest);
        assert!(ok && said.starts_with(&disclosure.statement.digest.unwrap().to_string()), "{what}: {said}");
        validate_with_bagit(&bag);
        let signature = commands.iter().position(|command| command.starts_with("tar -xOf")).unwrap();
        check_a_signature(folder.path(), &commands[signature..signature + 3].join("\n"));
    }
}

fn validate_with_bagit(bag: &Path) {
    let (importable, why) = shell(bag, "python3 -c 'import bagit'");
    if !importable {
        println!("bagit.py is not importable here, so it was not asked: {}", why.lines().last().unwrap_or_default());
        return;
    }
    let (ok, said) = shell(bag, "python3 -m bagit --validate . 2>&1 || bagit.py --validate . 2>&1");
    assert!(ok, "{said}");
}

fn check_a_signature(folder: &Path, command: &str) {
    let (there, _) = shell(folder, "command -v ssh-keygen");
    if !there {
        println!("ssh-keygen is not here, so the README's line about signatures was not run");
        return;
    }
    let sign = "ssh-keygen -q -t ed25519 -N '' -f key && ssh-keygen -q -Y sign -f key -n extract-package \
                < 2024-17/tagmanifest-sha256.txt > 2024-17.tar.sig && echo \"provider $(cat key.pub)\" > allowed_signers";
    let (ok, said) = shell(folder, sign);
    assert!(ok, "{said}");
    let (ok, said) = shell(folder, command);
    assert!(ok && said.starts_with("Good"), "{said}");
    fs::write(folder.join("2024-17/tagmanifest-sha256.txt"), "other").unwrap();
    assert!(shell(folder, &sign.replace("ssh-keygen -q -t ed25519 -N '' -f key && ", "")).0);
    assert!(!shell(folder, command).0, "the signature is now one over something else");
}

#[test]
fn with_nothing_to_disclose_there_is_one_payload_file_that_says_so_and_no_ledger_line() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = seal(&order_with(false), &[], folder.path());
    let all = by_name(&path);
    assert_eq!(all["data/000000.txt"], b"nothing disclosed under this order\n");
    assert_eq!(all["exhibits.jsonl"], b"");
    let statement: Statement = lines(&all["disclosure.json"]).remove(0);
    assert_eq!((statement.totals.files, statement.totals.records, statement.totals.bytes), (0, 0, 0));
    assert!(statement.clauses.iter().all(|clause| clause.bytes == 0));
    assert_eq!(statement.ledger_sha256, Digest::of(b""));
    let oxum = format!("Payload-Oxum: {}.1\n", "nothing disclosed under this order\n".len());
    assert!(String::from_utf8_lossy(&all["bag-info.txt"]).contains(&oxum));
    assert_eq!(all.keys().filter(|name| name.starts_with("data/") || name.starts_with("records/")).count(), 1);
}

#[test]
fn the_custody_log_is_a_chain_from_the_order_to_the_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let order = order_with(false);
    let (path, disclosure) = seal(&order, &files(), folder.path());
    let all = by_name(&path);
    let log: Vec<CustodyLine> = lines(&all["custody.jsonl"]);
    let mut prev = order.sha256();
    for (line, text) in log.iter().zip(std::str::from_utf8(&all["custody.jsonl"]).unwrap().split_inclusive('\n')) {
        assert_eq!(line.prev, prev);
        prev = Digest::of(text.as_bytes());
    }
    let last = log.last().unwrap();
    assert_eq!(last.event, SEALED);
    assert_eq!(last.digest, disclosure.statement.digest);
    assert_eq!(last.manifest_sha256, Some(Digest::of(&all["manifest-sha256.txt"])));
    assert_eq!(log[0].custodian.as_deref(), Some("Duty officer 7"));
}

#[test]
fn what_is_larger_than_the_memory_for_it_comes_out_whole() {
    let line = log_line("192.0.2.1", "30", 1);
    let many = limits::SPOOL_MEMORY_BYTES / line.len() + 1000;
    let log: Vec<u8> = line.as_bytes().repeat(many);
    let whole: Vec<u8> = (0..limits::SPOOL_MEMORY_BYTES * 2 + 7).map(|n| (n % 253) as u8).collect();
    let files = [File { path: b"/etc/big", bytes: whole.clone() }, File { path: b"/log/big.log", bytes: log.clone() }];
    let (folder, spool) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let order = order_with(false);
    let (path, disclosure) = seal(&order, &files, folder.path());
    let all = by_name(&path);
    assert!(all["data/000001.bin"] == whole && all["data/000002.log"] == log);
    assert_eq!(all["records/000002.jsonl"].iter().filter(|&&byte| byte == b'\n').count(), many);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let preview = close(&order, &files, Target::Nowhere { spool: spool.path().into() }).unwrap();
    assert_eq!(preview.disclosure().statement.digest, disclosure.statement.digest);
    assert_eq!(fs::read_dir(spool.path()).unwrap().count(), 0);
}

#[test]
fn a_run_that_ends_before_its_package_has_its_name_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (order, path) = (order_with(false), folder.path().join("2024-17.tar"));
    let target = || Target::File { path: path.clone() };
    let time = at("2024-04-10T08:00:00Z");
    type End = fn(Closed, &Order, Timestamp);
    let ends: [(&str, End); 2] = [
        ("closed", |closed, _, _| drop(closed)),
        ("sealed", |closed, order, time| drop(closed.seal(custody(order, time), time, &OwnNames::default()).unwrap())),
    ];
    drop(Writer::create(&order, None, target()).unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "created");
    for (what, end) in ends {
        let closed = close(&order, &files(), target()).unwrap();
        let aside: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap()).collect();
        assert_eq!(aside.len(), 1);
        let name = aside[0].file_name().into_string().unwrap();
        assert!(name.starts_with(".2024-17.") && name.ends_with(".partial"), "{name}");
        assert_eq!(aside[0].metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        end(closed, &order, time);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{what}");
    }
}

#[test]
fn an_existing_output_and_a_folder_that_is_none_are_refused_before_work_begins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("2024-17.tar");
    fs::write(&path, "mine").unwrap();
    let order = order_with(false);
    let refused = Writer::create(&order, None, Target::File { path: path.clone() }).err().expect("refused");
    assert!(matches!(refused, PackageError::OutputExists { .. }), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    let beneath = Target::File { path: path.join("x.tar") };
    assert!(matches!(Writer::create(&order, None, beneath).err(), Some(PackageError::Output { .. })));
    let nowhere = Target::File { path: folder.path().join("no/x.tar") };
    assert!(matches!(Writer::create(&order, None, nowhere).err(), Some(PackageError::Output { .. })));
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mounted, why) = shell(folder.path(), "mkdir small && mount -t tmpfs -o size=1m tmpfs small");
    if !mounted {
        println!("a small disk cannot be mounted here, so a full one was not tried: {}", why.trim());
        return;
    }
    let small = folder.path().join("small");
    let files = [File { path: b"/etc/big", bytes: vec![7; 4 * 1024 * 1024] }];
    let refused = close(&order_with(false), &files, Target::File { path: small.join("2024-17.tar") }).err();
    let left = fs::read_dir(&small).unwrap().count();
    let (unmounted, _) = shell(folder.path(), "umount small");
    assert!(unmounted);
    let refused = refused.expect("a full disk").to_string();
    assert!(refused.contains("No space left") && refused.contains("nothing of it is left"), "{refused}");
    assert_eq!(left, 0);
}

#[test]
fn drafts_in_another_order_than_the_contracts_are_refused() {
    let mut files = files();
    files.swap(2, 4);
    let spool = tempfile::tempdir().unwrap();
    let refused = close(&order_with(false), &files, Target::Nowhere { spool: spool.path().into() }).err();
    assert!(matches!(refused, Some(PackageError::Inconsistent(_))));
}

/// Elements that never have an end tag (HTML living standard, 13.1.2).
const VOID: [&str; 3] = ["meta", "br", "link"];
