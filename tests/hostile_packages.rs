//! Packages of somebody who means harm, given to the program: each is refused, quickly, in little memory, and nothing is
//! written.
//!
//! The program runs with an address space of 100 MB, may not write a byte to any file, and works in an empty folder.
//!
//! **Invariant:** a file of the public corpus that is not judged is named with its reason.

#[path = "tamper/fixture.rs"]
mod fixture;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "tamper/forge.rs"]
mod forge;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "tamper/json.rs"]
mod json;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "tamper/tape.rs"]
mod tape;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "tamper/vector.rs"]
mod vector;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use extract::package::layout;
use extract::verify::{Verification, verify};
use vector::Vector;

/// What the program may take of memory, in KiB.
const MEMORY_KIB: u64 = 100_000_000 / 1024;
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs `verify --json` in an empty folder. It is killed when it writes to a file, and fails when it takes more memory.
fn run(package: &Path, empty: &Path) -> (Output, Duration) {
    let begun = Instant::now();
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!("ulimit -v {MEMORY_KIB} && ulimit -f 0 && exec \"$0\" verify --json \"$1\""))
        .arg(env!("CARGO_BIN_EXE_extract"))
        .arg(fs::canonicalize(package).unwrap())
        .current_dir(empty)
        .env("TMPDIR", empty)
        .env("HOME", empty)
        .output()
        .unwrap();
    (output, begun.elapsed())
}

/// The checks that failed; an error where the program did not refuse the package as it should.
fn refused(package: &Path, empty: &Path) -> Result<Vec<String>, String> {
    let (output, taken) = run(package, empty);
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() != Some(1) {
        return Err(format!("ended with {}: {printed}", output.status));
    }
    let json: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("{error}: {printed}"))?;
    if json["findings"].as_array().is_none_or(Vec::is_empty) {
        return Err("has no finding".into());
    }
    if taken > PATIENCE {
        return Err(format!("took {taken:?}"));
    }
    if fs::read_dir(empty).unwrap().next().is_some() {
        return Err("something was written".into());
    }
    let checks = json["checks"].as_array().unwrap().iter();
    Ok(checks
        .filter(|check| check["state"] == "failed")
        .map(|check| check["name"].as_str().unwrap().to_owned())
        .collect())
}

fn good() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    fs::read(fixture::package(folder.path(), fixture::ORDER, 3)).unwrap()
}

#[test]
fn every_archive_of_the_corpus_is_refused() {
    let Ok(truth) = fs::read_to_string("../shared/corpora/truth.json") else {
        println!("not run: ../shared/corpora/truth.json is not there");
        return;
    };
    let truth: serde_json::Value = serde_json::from_str(&truth).unwrap();
    let archives = truth["archives"].as_object().unwrap();
    let (empty, mut wrong, mut slowest) = (tempfile::tempdir().unwrap(), Vec::new(), Duration::ZERO);
    for name in archives.keys() {
        // None is left out: one that is in the truth and not on the disk is an error.
        let path = Path::new("../shared/corpora").join(name);
        if !path.is_file() {
            wrong.push(format!("{name} is not there"));
            continue;
        }
        let begun = Instant::now();
        match refused(&path, empty.path()) {
            Ok(failed) if failed == ["structure"] => {}
            Ok(failed) => wrong.push(format!("{name}: {failed:?} failed")),
            Err(why) => wrong.push(format!("{name} {why}")),
        }
        slowest = slowest.max(begun.elapsed());
    }
    println!("{} archives, the slowest in {slowest:?}", archives.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(archives.len(), 137);
}

#[test]
fn every_vector_is_refused_by_the_program_in_little_memory() {
    let good = good();
    let (folder, empty) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("vector.tar");
    let vectors: Vec<Vector> = Vector::all().into_iter().filter(|vector| vector.because.is_none()).collect();
    let mut wrong = Vec::new();
    for vector in &vectors {
        fs::write(&path, forge::tampered(&good, vector)).unwrap();
        match refused(&path, empty.path()) {
            Ok(failed) if failed == vector.expect => {}
            Ok(failed) => wrong.push(format!("{}: {failed:?} failed, not {:?}", vector.name, vector.expect)),
            Err(why) => wrong.push(format!("{} {why}", vector.name)),
        }
    }
    println!("{} vectors", vectors.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(vectors.len() >= 80);
}

/// Gives members of a good package other lengths: holes, so that a gigabyte takes no place.
fn stretched(good: &[u8], lengths: &[(&str, u64)], path: &Path) {
    let tape = tape::Tape::read(good);
    let mut file = File::create(path).unwrap();
    for member in &tape.members {
        let name = member.name();
        let Some((_, length)) = lengths.iter().find(|(wanted, _)| name.ends_with(wanted)) else {
            file.write_all(&[&member.header[..], &member.bytes, &member.padding].concat()).unwrap();
            continue;
        };
        file.write_all(&layout::header(name.as_bytes(), *length)).unwrap();
        file.seek(SeekFrom::Current((length + layout::padding_bytes(*length) as u64) as i64)).unwrap();
    }
    file.write_all(&tape.end).unwrap();
}

#[test]
fn a_member_larger_than_the_memory_is_refused_without_being_held() {
    let good = good();
    let (folder, empty) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("large.tar");
    // Each without a single line end: one line of a gigabyte; one order, one event, one message of twice the memory.
    let members = [
        ("exhibits.jsonl", "structure", 1 << 30),
        ("records/000006.jsonl", "structure", 200 << 20),
        ("disclosure.json", "structure", 200 << 20),
        ("order.toml", "clauses", 200 << 20),
        ("custody.jsonl", "chain", 200 << 20),
        ("manifest-sha256.txt", "closed-world", 200 << 20),
        ("bag-info.txt", "structure", 200 << 20),
        ("README.txt", "structure", 200 << 20),
        ("report.html", "closed-world", 200 << 20),
        ("data/000001.eml", "sha256", 200 << 20),
        ("data/000006.log", "sha256", 200 << 20),
    ];
    for (member, check, length) in members {
        stretched(&good, &[(member, length)], &path);
        // In a build that is not optimised this is read for seconds: of time the benchmark speaks.
        let (output, taken) = run(&path, empty.path());
        let printed = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{member}: {printed}");
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = json["findings"].as_array().unwrap();
        assert!(findings.iter().any(|finding| finding["check"] == check), "{member}: {printed}");
        println!("{member}: {taken:?}");
    }
}

/// A tar of so many members that are made when they are asked for.
struct Stream<F> {
    member: F,
    members: u64,
    at: u64,
    read: u64,
}

impl<F: Fn(u64) -> Vec<u8>> Read for Stream<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (number, within) = (self.at / 512, (self.at % 512) as usize);
        if number >= self.members + 2 {
            return Ok(0);
        }
        let block = if number < self.members { (self.member)(number) } else { vec![0; 512] };
        let got = buffer.len().min(512 - within);
        buffer[..got].copy_from_slice(&block[within..within + got]);
        self.at += got as u64;
        self.read += got as u64;
        Ok(got)
    }
}

impl<F> Seek for Stream<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::Start(at) => self.at = at,
            other => panic!("{other:?}"),
        }
        Ok(self.at)
    }
}

fn verified<F: Fn(u64) -> Vec<u8>>(members: u64, member: F) -> (Verification, u64) {
    let mut stream = Stream { member, members, at: 0, read: 0 };
    let verification = verify(&mut stream).unwrap();
    (verification, stream.read)
}

#[test]
fn ten_million_members_are_refused_after_the_first_thousands() {
    let extensions = ["bin", "eml", "jsonl", "log", "utmp"];
    let empty = |name: String| layout::header(name.as_bytes(), 0);
    type Name = Box<dyn Fn(u64) -> Vec<u8>>;
    let rows: [(&str, Name); 5] = [
        ("names that no package has", Box::new(move |n| empty(format!("x/{n}")))),
        ("one name", Box::new(move |_| empty("x/data/000001.bin".into()))),
        ("names in falling order", Box::new(move |n| empty(format!("x/data/{:06}.bin", 999_999 - n % 999_999)))),
        (
            "every extension of each number",
            Box::new(move |n| empty(format!("x/data/{:06}.{}", n / 5 % 999_999 + 1, extensions[(n % 5) as usize]))),
        ),
        ("headers that are none", Box::new(|_| [b"x/data", &[b'x'; 506][..]].concat())),
    ];
    for (what, name) in rows {
        let begun = Instant::now();
        let (verification, read) = verified(10_000_000, name);
        assert!(!verification.findings.is_empty(), "{what}");
        assert!(verification.findings.len() < 1_100, "{what}: {} findings", verification.findings.len());
        assert!(read < 4 << 20, "{what}: {read} bytes were read");
        assert!(begun.elapsed() < PATIENCE, "{what}: {:?}", begun.elapsed());
    }
}

/// An order in place of the package's, which takes as much as an order may: the reader of TOML may not take much more.
#[test]
fn an_order_as_long_as_one_may_be_is_refused_in_little_memory() {
    let good = good();
    let (folder, empty) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path: PathBuf = folder.path().join("order.tar");
    let length = extract::limits::MANIFEST_BYTES as usize;
    let filled = |unit: &str| unit.repeat(length / unit.len());
    let orders = [
        ("keys without values", filled("a=\n")),
        ("tables", filled("[[a]]\n")),
        ("a list of numbers", format!("a=[{}", filled("1,"))),
        ("a key of many parts", format!("a{}", filled(".a"))),
        ("many keys", (0..length / 16).map(|n| format!("k{n:07}=1\n")).collect()),
        ("small tables", format!("a=[{}", filled("{a=1},"))),
        ("small lists", format!("a=[{}", filled("[],"))),
        ("as many small tables as there may be", format!("a=[{}]", "{a=1},".repeat(41_600))),
        ("as many keys of two parts", (0..35_600).map(|n| format!("k{n}.a=1\n")).collect()),
        ("as many numbers", format!("a=[{}]", "1,".repeat(124_900))),
        ("as many lists in a list", format!("a=[{}]", "[],".repeat(83_200))),
        ("as many sources", "[[source]]\n".repeat(41_600)),
        ("empty lines", filled("\n")),
        ("one text", format!("a=\"{}\"", "x".repeat(length - 10))),
    ];
    for (what, order) in orders {
        let mut tape = tape::Tape::read(&good);
        tape.put("order.toml", order.as_bytes()[..order.len().min(length)].to_vec());
        fs::write(&path, tape.write()).unwrap();
        match refused(&path, empty.path()) {
            Ok(failed) => assert!(failed.iter().any(|check| check == "clauses"), "{what}: {failed:?}"),
            Err(why) => panic!("{what} {why}"),
        }
    }
}
