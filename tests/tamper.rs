//! One good package, changed in one way at a time: each vector in `tests/tamper/` says which check must object.

#[path = "tamper/fixture.rs"]
mod fixture;
#[path = "tamper/forge.rs"]
mod forge;
#[path = "tamper/json.rs"]
mod json;
#[path = "tamper/tape.rs"]
mod tape;
#[path = "tamper/vector.rs"]
mod vector;

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tool.rs"]
mod tool;

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use extract::clock;
use extract::signature::{AllowedSigners, Beside, beside};
use extract::verify::{Check, State, Verification, verify};
use vector::Vector;

fn good() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    fs::read(fixture::package(folder.path(), fixture::ORDER, 3)).unwrap()
}

fn failed(verification: &Verification) -> Vec<&'static str> {
    verification.checks.iter().filter(|(_, state)| *state == State::Failed).map(|(check, _)| check.name()).collect()
}

#[test]
fn every_vector_is_objected_to_by_the_checks_that_it_names() {
    let good = good();
    let vectors = Vector::all();
    assert!(vectors.len() >= 60, "{} vectors", vectors.len());
    let mut wrong = Vec::new();
    for vector in &vectors {
        let verification = verify(Cursor::new(forge::tampered(&good, vector))).unwrap();
        let failed = failed(&verification);
        assert_eq!(failed.is_empty(), verification.findings.is_empty(), "{}", vector.name);
        let as_expected = match vector.expect.as_slice() {
            [none] if none == "none" => failed.is_empty(),
            checks => failed == checks,
        };
        if !as_expected {
            let texts: Vec<_> =
                verification.findings.iter().map(|f| format!("{}: {}", f.check.name(), f.text)).collect();
            wrong.push(format!(
                "{}: expected {:?}, found {failed:?}\n  {}",
                vector.name,
                vector.expect,
                texts.join("\n  ")
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} vectors:\n{}", wrong.len(), vectors.len(), wrong.join("\n"));
}

#[test]
fn the_good_package_passes_every_check_that_can_be_made() {
    let good = good();
    let verification = verify(Cursor::new(&good)).unwrap();
    assert_eq!(verification.findings, []);
    for (check, state) in verification.checks {
        let expected = match check {
            Check::Withholds => State::NotPossible,
            Check::Signature | Check::TimeStamp => State::NotRun,
            _ => State::Passed,
        };
        assert_eq!(state, expected, "{}", check.name());
    }
    let decided = verification.decided.unwrap();
    // Three lines of the log, one of the rotated one, two messages of each mailbox; three files.
    assert_eq!((decided.confirmed, decided.consistent), (8, 3));
    // Two lines reduced to fields, and one message in two forms.
    assert_eq!(decided.reduced, 4);
}

#[test]
fn making_every_sum_anew_changes_nothing_in_a_good_package() {
    let good = good();
    assert!(forge::resummed(&good) == good, "the vectors' sums are those of the program");
}

#[test]
fn every_check_is_expected_by_some_vector_and_every_name_is_one_of_a_check() {
    let vectors = Vector::all();
    let names: Vec<&str> = Check::ALL.iter().map(|check| check.name()).collect();
    for vector in &vectors {
        for name in vector.expect.iter().filter(|name| *name != "none") {
            assert!(names.contains(&name.as_str()), "{}: {name}", vector.name);
        }
    }
    // No package alone can show these.
    let beside = [Check::Withholds, Check::Signature, Check::TimeStamp];
    for check in Check::ALL.into_iter().filter(|check| !beside.contains(check)) {
        let expected = vectors.iter().any(|vector| vector.expect.iter().any(|name| name == check.name()));
        assert!(expected, "no vector expects {}", check.name());
    }
}

/// The good package's signature, by a key of ssh-keygen's, and whose signatures count.
fn signature(folder: &Path) -> (Vec<Beside>, AllowedSigners) {
    let (package, key) = (folder.join("2024-17.tar"), folder.join("key"));
    tool::run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", tool::text(&key)]);
    let signed =
        tool::try_run(env!("CARGO_BIN_EXE_extract"), &["sign", tool::text(&package), "--key", tool::text(&key)]);
    assert!(signed.is_ok(), "{signed:?}");
    let key = fs::read_to_string(folder.join("key.pub")).unwrap();
    (beside::all(&package), AllowedSigners::parse(&format!("provider {key}")).unwrap())
}

/// Beside a signed package nothing that was changed stays unseen: what makes every sum anew fails at the signature.
#[test]
fn with_a_signature_every_vector_is_objected_to_even_where_all_sums_were_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let good = fs::read(fixture::package(folder.path(), fixture::ORDER, 3)).unwrap();
    fs::write(folder.path().join("2024-17.tar"), &good).unwrap();
    let (beside, allowed) = signature(folder.path());
    let judged = |package: &[u8]| {
        let mut verification = verify(Cursor::new(package)).unwrap();
        verification.judge_signatures("2024-17.tar.sig", &beside, Some(&allowed), clock::now());
        let (_, state) = verification.checks[Check::Signature as usize];
        (failed(&verification), state)
    };
    assert_eq!(judged(&good), (vec![], State::Passed));
    let mut seen = BTreeMap::new();
    for vector in &Vector::all() {
        let (failed, state) = judged(&forge::tampered(&good, vector));
        let mut expected: Vec<&str> = vector.expect.iter().map(String::as_str).filter(|name| *name != "none").collect();
        let is_form_broken = expected.contains(&"structure");
        let are_sums_made_anew = vector.sums.iter().any(|sum| sum == "all" || sum == "tagmanifest");
        let state_expected = match (is_form_broken, are_sums_made_anew) {
            // Nothing says what the signature would be over, or a line of the manifests is not what it was.
            (true, _) => state,
            (false, true) => State::Failed,
            (false, false) => state,
        };
        if state == State::Failed {
            expected.push("signature");
        }
        assert_eq!((&failed, state), (&expected, state_expected), "{}", vector.name);
        assert!(state != State::Passed && !failed.is_empty(), "{}: nothing objects", vector.name);
        *seen.entry((are_sums_made_anew, state.name())).or_insert(0) += 1;
    }
    println!("sums made anew, and what became of the signature: {seen:?}");
    assert!(seen[&(true, "failed")] >= 80, "{seen:?}");
}

/// Without a signature: what no check objects to has another digest, but for who ran an order and when.
#[test]
fn what_nothing_objects_to_in_an_unsigned_package_the_digest_shows() {
    let good = good();
    let digest = verify(Cursor::new(&good)).unwrap().digest;
    let mut same = Vec::new();
    for vector in Vector::all().into_iter().filter(|vector| vector.expect == ["none"]) {
        let tampered = forge::tampered(&good, &vector);
        if verify(Cursor::new(&tampered)).unwrap().digest == digest {
            same.push(vector.name);
        }
    }
    assert_eq!(same, ["187-another-custodian", "188-an-earlier-start"]);
}

/// What no check of a package alone can show, a replay on its sources does; but not who ran an order, and when.
#[test]
fn what_verify_cannot_object_to_a_replay_shows() {
    let folder = tempfile::tempdir().unwrap();
    let good = fs::read(fixture::package(folder.path(), fixture::ORDER, 3)).unwrap();
    let path = folder.path().join("tampered.tar");
    let mut seen = BTreeMap::new();
    for vector in Vector::all().iter().filter(|vector| vector.expect == ["none"]) {
        let tampered = forge::tampered(&good, vector);
        fs::write(&path, &tampered).unwrap();
        let (old, new) = (tape::Tape::read(&good), tape::Tape::read(&tampered));
        let varying = ["custody.jsonl", "bag-info.txt", "tagmanifest-sha256.txt"];
        let is_same = |name: &str| old.has(name) && new.has(name) && old.get(name) == new.get(name);
        let names = [old.names(""), new.names("")].concat();
        let mut bound = names.iter().filter(|name| !varying.contains(&name.as_str()));
        let expected = if bound.all(|name| is_same(name)) {
            (0, "identical: ")
        } else if is_same("order.toml") {
            (1, "different: ")
        } else {
            (1, "")
        };
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_extract"));
        let output =
            command.arg("replay").arg(&path).arg("--order").arg(folder.path().join("order.toml")).output().unwrap();
        let (said, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(expected.0), "{}: {said}{error}", vector.name);
        assert!(said.starts_with(expected.1), "{}: {said}", vector.name);
        assert_eq!(error.contains("not the order of the package"), expected == (1, ""), "{}: {error}", vector.name);
        if expected.1 == "different: " {
            assert!(said.contains("What explains it"), "{}: {said}", vector.name);
        }
        *seen.entry(expected).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 3, "there are vectors of each kind: {seen:?}");
}

/// A package whose sixth exhibit has `count` lines of 1,000 bytes, all asked for by clause 1a alone.
fn large(good: &[u8], count: usize) -> Vec<u8> {
    let mut tape = tape::Tape::read(good);
    let (mut data, mut records) = (Vec::new(), String::new());
    for n in 1..=count {
        let head = format!("192.0.2.10 - - [01/Apr/2024:10:00:00 +0000] \"GET /{n}?");
        let line = format!("{head:x<980}\" 200 512\n");
        records += &format!(
            "{{\"n\":{n},\"length\":{},\"sha256\":\"{}\",\"time\":\"2024-04-01T10:00:00Z\",\"clauses\":[\"1a\"]}}\n",
            line.len(),
            extract::digest::Digest::of(line.as_bytes())
        );
        data.extend_from_slice(line.as_bytes());
    }
    tape.put("data/000006.log", data);
    tape.put("records/000006.jsonl", records.into_bytes());
    let ledger = tape.text("exhibits.jsonl").replace("[\"1a\",\"1b\"]", "[\"1a\"]");
    tape.put("exhibits.jsonl", ledger.into_bytes());
    forge::resummed_but_records(&tape.write())
}

#[test]
fn memory_does_not_grow_with_what_a_package_holds() {
    let package = large(&good(), 100_000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.tar");
    fs::write(&path, &package).unwrap();
    // The address space in KiB: less than the exhibit alone has.
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -v 81920 && exec \"$0\" verify --json \"$1\"", env!("CARGO_BIN_EXE_extract")])
        .arg(&path)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{printed}");
}
