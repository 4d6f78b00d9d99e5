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

use std::fs;
use std::io::Cursor;

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
            Check::Signature => State::NotRun,
            _ => State::Passed,
        };
        assert_eq!(state, expected, "{}", check.name());
    }
    let decided = verification.decided.unwrap();
    // Three lines of the log, one of the rotated one, two messages of each mailbox; three files.
    assert_eq!((decided.confirmed, decided.consistent), (8, 3));
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
    for check in Check::ALL.into_iter().filter(|check| !matches!(check, Check::Withholds | Check::Signature)) {
        let expected = vectors.iter().any(|vector| vector.expect.iter().any(|name| name == check.name()));
        assert!(expected, "no vector expects {}", check.name());
    }
}
