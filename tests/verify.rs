//! `extract verify` as a program: good packages of several kinds, hostile files, what it prints, what it leaves alone.

#[path = "tamper/fixture.rs"]
mod fixture;

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use extract::verify::{Check, State, verify};

fn run(package: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_extract")).arg("verify").arg(package).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn made(order: &str, exit_code: i32) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    fs::read(fixture::package(folder.path(), order, exit_code)).unwrap()
}

fn assert_good(package: &[u8], what: &str) {
    let verification = verify(Cursor::new(package)).unwrap();
    assert_eq!(verification.findings, [], "{what}");
    let made = [
        Check::Structure,
        Check::ClosedWorld,
        Check::Sha256,
        Check::Chain,
        Check::Clauses,
        Check::Totals,
        Check::Scope,
    ];
    for (check, state) in verification.checks.into_iter().filter(|(check, _)| made.contains(check)) {
        assert_eq!(state, State::Passed, "{what}: {}", check.name());
    }
}

#[test]
fn a_package_with_positions_and_counts_of_what_was_examined_passes() {
    let order = fixture::ORDER.replace("zone =", "disclose = { positions = true, examined = true }\nzone =");
    let package = made(&order, 3);
    assert!(package.windows(9).any(|window| window == b"\"offset\":"));
    assert_good(&package, "positions");
}

#[test]
fn a_package_of_a_folder_whose_file_times_do_not_count_passes() {
    let order = fixture::ORDER.replace("times = \"original\"\n", "");
    let package = made(&order, 3);
    assert!(package.windows(24).any(|window| window == b"\"time\":null,\"clock\":null"));
    assert_good(&package, "times");
}

#[test]
fn a_package_with_nothing_to_disclose_passes() {
    let (head, _) = fixture::ORDER.split_once("[[clause]]").unwrap();
    let nothing = fixture::ORDER.split("[[clause]]").find(|clause| clause.contains("id = \"4b\"")).unwrap();
    let package = made(&format!("{head}[[clause]]{nothing}"), 0);
    assert!(package.windows(18).any(|window| window == b"nothing disclosed "));
    assert_good(&package, "nothing");
}

#[test]
fn records_of_a_format_that_a_clause_names_are_decided_again() {
    for (format, from) in
        [("mbox", "/var/mail/alice"), ("maildir", "/home/alice/Maildir/**"), ("eml", "/home/alice/Maildir/**")]
    {
        let (head, _) = fixture::ORDER.split_once("[[clause]]").unwrap();
        let clause = format!(
            "[[clause]]\nid = \"1\"\ntext = \"mail of alice@shop.example\"\nsource = \"srv\"\ncategory = \"content\"\n\
             paths = [\"{from}\"]\ntake = \"records\"\nas = \"{format}\"\nidentifiers = [{{ email = \"alice@shop.example\" }}]\n"
        );
        let package = made(&format!("{head}{clause}"), 0);
        assert_good(&package, format);
        assert!(verify(Cursor::new(package)).unwrap().decided.unwrap().confirmed >= 2, "{format}");
    }
}

#[test]
fn the_result_for_programs_has_the_members_of_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let package = fixture::package(folder.path(), fixture::ORDER, 3);
    let good = run(&package, &["--json"]);
    assert_eq!(good.status.code(), Some(0));
    let json = text(&good.stdout);
    let checks = "structure closed-world sha256 chain clauses totals scope".split(' ');
    let checks: Vec<String> = checks.map(|name| format!("{{\"name\":\"{name}\",\"state\":\"passed\"}}")).collect();
    let rest = "{\"name\":\"withholds\",\"state\":\"not-possible\"},{\"name\":\"signature\",\"state\":\"not-run\"},\
                {\"name\":\"time-stamp\",\"state\":\"not-run\"}],\"findings\":[],\"time_stamps\":[]";
    assert!(json.ends_with(&format!("\",\"checks\":[{},{rest}}}\n", checks.join(","))), "{json}");
    let mut bytes = fs::read(&package).unwrap();
    let member =
        text(&Command::new("tar").arg("-xOf").arg(&package).arg("2024-17/disclosure.json").output().unwrap().stdout);
    let stated = member.split("\"digest\":\"").nth(1).unwrap();
    assert!(json.starts_with(&format!("{{\"digest\":\"{}\"", &stated[..64])), "{json}");

    let place = bytes.windows(5).position(|window| window == b"id=1 ").unwrap();
    bytes[place + 3] = b'7';
    fs::write(&package, bytes).unwrap();
    let bad = run(&package, &["--json"]);
    assert_eq!(bad.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&bad.stdout).unwrap();
    let finding = &json["findings"][0];
    assert_eq!((finding["check"].as_str(), finding["member"].as_str()), (Some("sha256"), Some("data/000006.log")));
    assert!(finding["clause"].is_null() && finding["text"].is_string());
    assert_eq!(json["checks"][2]["state"], "failed");
    // What rests on the sums is not run.
    assert_eq!(json["checks"][6]["state"], "not-run");
}

#[test]
fn the_result_for_people_says_what_was_confirmed_and_what_no_check_says() {
    let folder = tempfile::tempdir().unwrap();
    let package = fixture::package(folder.path(), fixture::ORDER, 3);
    let output = run(&package, &[]);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    let printed = text(&output.stdout);
    for part in [
        "Package of the order 2024-17",
        "Example Constabulary",
        "8 records and messages confirmed from their bytes",
        "3 whole files consistent with what the ledger states",
        "4 records and messages given in part, which are what their clauses ask for",
        "scope         passed",
        "withholds     not-possible",
        "signature     not-run       NOT SIGNED: no signature lies beside it",
        "NOT SIGNED. No signature lies beside it as 2024-17.tar.sig.",
        "No check says that nothing is missing",
        "replay",
    ] {
        assert!(printed.contains(part), "{part} in\n{printed}");
    }
}

#[test]
fn what_is_not_a_package_is_refused_at_once_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let noise: Vec<u8> = (0..100_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let cases = [
        (file("empty", b""), "the file is empty"),
        (file("zip", b"PK\x03\x04 and so on"), "a zip archive"),
        (file("gzip", b"\x1f\x8b\x08 and so on"), "compressed with gzip"),
        (file("noise", &noise), "does not begin as the tar of a package does"),
        (file("zeros", &[0; 10_240]), "does not begin as the tar of a package does"),
        (folder.path().to_path_buf(), "this is a folder"),
        (pipe, "not a regular file"),
        (folder.path().join("missing"), "No such file"),
    ];
    for (path, expected) in cases {
        let begun = Instant::now();
        let output = run(&path, &[]);
        let printed = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{}", path.display());
        assert!(printed.contains(expected), "{}: {printed}", path.display());
        assert!(begun.elapsed() < Duration::from_secs(5), "{}", path.display());
    }
}

#[test]
fn every_foreign_archive_is_refused_quickly_with_a_finding() {
    let folder = Path::new("../shared/corpora/archives");
    if !folder.is_dir() {
        println!("not run: {} is not there", folder.display());
        return;
    }
    let mut archives = 0;
    for origin in fs::read_dir(folder).unwrap() {
        for entry in fs::read_dir(origin.unwrap().path()).unwrap() {
            let path = entry.unwrap().path();
            let begun = Instant::now();
            let output = run(&path, &["--json"]);
            assert_eq!(output.status.code(), Some(1), "{}", path.display());
            let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            assert!(!json["findings"].as_array().unwrap().is_empty(), "{}", path.display());
            assert_eq!(json["checks"][0]["state"], "failed", "{}", path.display());
            assert!(begun.elapsed() < Duration::from_secs(5), "{}", path.display());
            archives += 1;
        }
    }
    println!("{archives} archives of {}", folder.display());
    assert!(archives > 100);
}

#[test]
fn a_package_changed_in_any_one_bit_or_cut_anywhere_has_a_finding() {
    let good = made(fixture::ORDER, 3);
    let mut bytes = good.clone();
    // A step that is prime to the size of a block: every place in a block comes up.
    for place in (0..good.len()).step_by(41) {
        bytes[place] ^= 1 << (place % 8);
        assert!(!verify(Cursor::new(&bytes)).unwrap().findings.is_empty(), "byte {place}");
        bytes[place] = good[place];
    }
    for length in (0..good.len()).step_by(307) {
        assert!(!verify(Cursor::new(&good[..length])).unwrap().findings.is_empty(), "{length} bytes");
    }
}

#[test]
fn nothing_is_written_and_names_cannot_steer_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("evil.tar");
    let mut bytes = Vec::new();
    for name in ["../../evil.txt", "/tmp/verify-evil.txt", "2024-17/\u{1b}[2Jdata/\u{202e}gpj.exe"] {
        bytes.extend(extract::package::layout::header(name.as_bytes(), 4));
        bytes.extend(b"evil");
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.extend([0; 1024]);
    fs::write(&package, &bytes).unwrap();
    let work = folder.path().join("work");
    fs::create_dir(&work).unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_extract")).arg("verify").arg(&package).current_dir(&work).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let printed = text(&output.stdout);
    assert!(printed.contains("\\u{1b}[2Jdata"), "{printed}");
    assert!(!printed.contains(['\u{1b}', '\u{202e}']));
    assert_eq!(fs::read_dir(&work).unwrap().count(), 0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    assert_eq!(fs::read(&package).unwrap(), bytes);
    assert!(!Path::new("/tmp/verify-evil.txt").exists());
}
