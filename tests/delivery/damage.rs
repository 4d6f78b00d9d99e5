//! Ciphertext that is not what was encrypted, and headers of somebody who means harm.

use std::fs::{self, File};
use std::io::{Cursor, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use extract::delivery::{Identities, Opened};
use extract::verify::verify;

use super::{NAME, encrypted, read};

/// Why a package is not accepted; none where it is.
fn refusal(package: &[u8], identities: &Identities) -> Option<String> {
    let opened = match Opened::open(Cursor::new(package), identities) {
        Ok(opened) => opened,
        Err(error) => return Some(error.to_string()),
    };
    match verify(opened) {
        Err(error) => Some(error.to_string()),
        Ok(verification) => verification.findings.first().map(|finding| finding.text.clone()),
    }
}

#[test]
fn no_package_whose_ciphertext_was_changed_cut_off_or_added_to_is_accepted() {
    let case = encrypted();
    let package = fs::read(case.path(NAME)).unwrap();
    let mut identities = Identities::none();
    identities.add_lines(&read(&case, "age.key")).unwrap();
    assert_eq!(refusal(&package, &identities), None);
    let header = 4 + memchr::memmem::find(&package, b"\n--- ").unwrap() + 44;
    assert_eq!(package[header], b'\n');
    let mut state = 7_u64;
    let mut chance = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let seeded: Vec<usize> = (0..200).map(|_| header + chance(package.len() - header)).collect();
    for at in (0..=header + 32).chain(seeded) {
        for change in [1, 0x80] {
            let mut changed = package.clone();
            changed[at] ^= change;
            assert!(refusal(&changed, &identities).is_some(), "byte {at} of {} ^ {change}", package.len());
        }
    }
    for cut in (0..package.len()).step_by(package.len() / 150).chain(package.len() - 20..package.len()) {
        assert!(refusal(&package[..cut], &identities).is_some(), "cut to {cut}");
    }
    for more in [&b"\0"[..], &[0; 16], &[0; 1024], &package] {
        let why = refusal(&[&package[..], more].concat(), &identities).expect("added to");
        assert!(why.contains("damaged"), "{why}");
    }
    // Pieces of 64 KiB that change places.
    let piece = 65_536 + 16;
    let first = header + 1 + 16;
    let mut swapped = package.clone();
    swapped[first..first + 2 * piece].rotate_left(piece);
    let why = refusal(&swapped, &identities).expect("pieces changed places");
    assert!(why.contains("the ciphertext is damaged") && why.contains("byte 0"), "{why}");
}

#[test]
fn the_program_says_of_damage_that_it_is_damage() {
    let case = encrypted();
    let mut package = fs::read(case.path(NAME)).unwrap();
    let middle = package.len() / 2;
    package[middle] ^= 1;
    fs::write(case.path("changed"), &package).unwrap();
    fs::write(case.path("cut"), &package[..middle]).unwrap();
    for name in ["changed", "cut"] {
        for arguments in
            [&["verify", name][..], &["replay", name, "--order", "order.toml"], &["sign", name, "--key", "rsa"]]
        {
            let said = case.extract(&[arguments, &["--identity", "age.key"]].concat());
            said.ends_with(1).names(&["the ciphertext is damaged"]);
            assert!(said.stdout.is_empty(), "{said:?}");
        }
    }
    assert!(!case.path("cut.sig").exists() && !case.path("changed.sig").exists());
}

/// `verify` in 100 MB of memory: exit code, what it said, how long it took.
fn bounded(package: &Path, identity: &Path) -> (Option<i32>, String, Duration) {
    let begun = Instant::now();
    let output = Command::new("sh")
        .args(["-c", "ulimit -v 97656 && ulimit -f 0 && exec \"$0\" verify \"$1\" --identity \"$2\""])
        .args([Path::new(env!("CARGO_BIN_EXE_extract")), package, identity])
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned(), begun.elapsed())
}

#[test]
fn a_hostile_header_is_refused_quickly_and_in_little_memory() {
    let case = encrypted();
    let path = case.path("hostile");
    let stanza = "-> X25519 CJM36AHmTbdHSuOQL+NESqyVQE75f2e610iRdLPEN20\nC3ZAeY64NXS4QFrksLm3EGz+uPRyI0eQsWw7LWbbYig\n";
    let front = "age-encryption.org/v1\n";
    for (text, length, words) in [
        (format!("{front}-> X25519 "), 1_u64 << 30, "does not end within"),
        (format!("{front}-> X25519 a\n"), 1 << 30, "does not end within"),
        (format!("{front}{}", stanza.repeat(100_000)), 0, "stanzas"),
        (format!("{front}{}", "-> a\n\n".repeat(100_000)), 0, "stanzas"),
        (format!("{front}{}", "a\n".repeat(100_000)), 0, "does not end within"),
        (format!("{front}{}--- abc\n", stanza.repeat(100)), 0, "damaged"),
        (front.to_owned(), 0, "damaged"),
        ("age-encryption.org/v2\n".to_owned(), 0, "another version"),
    ] {
        let mut file = File::create(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        if length > 0 {
            file.set_len(length).unwrap();
        }
        let (code, said, took) = bounded(&path, &case.path("age.key"));
        assert!(code == Some(1) && said.contains(words), "{words}: {code:?} {said}");
        assert!(took < Duration::from_secs(5), "{words}: {took:?}");
    }
}

#[test]
fn a_large_package_is_verified_in_little_memory() {
    let case = super::place();
    let big = case.file("/docs/big", "");
    File::options().write(true).open(big).unwrap().set_len(200 << 20).unwrap();
    case.extract(&["--order", "order.toml", "--quiet", "--recipient", &read(&case, "age.key.pub")]).ends_with(0);
    let (code, said, _) = bounded(&case.path(NAME), &case.path("age.key"));
    assert_eq!(code, Some(0), "{said}");
}
