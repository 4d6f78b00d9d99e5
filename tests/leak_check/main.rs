//! The leak check of the finished tar: whatever is planted outside `data/` stops it, and no good package is stopped.

#[path = "../case/mod.rs"]
mod case;
mod place;
mod seal;
#[path = "../tamper/tape.rs"]
#[allow(dead_code, reason = "its parts are made for the vectors of tests/tamper")]
mod tape;
mod twin;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use case::Case;
use extract::digest::Digest;
use extract::package::OwnNames;
use extract::package::layout::Member;
use extract::package::leak::{Expected, Leak, LeakKind, check};
use place::{PLACES, Place};
use tape::Tape;

/// A good package, and the SHA-256 of its order.
struct Good {
    name: &'static str,
    tar: Vec<u8>,
    order_sha256: Digest,
}

/// Names of a machine that made none of the packages.
fn own() -> OwnNames {
    let mut own = OwnNames::default();
    own.add_host("evid01.lab.example");
    own.add_login("x.carter7");
    own.add_path(Path::new("/home/x.carter7"));
    own.add_path(Path::new("/scratch/evidence/tmp"));
    own.add_path(Path::new("/srv/cases/2024-17.provider.toml"));
    own.add_source(Path::new("/srv/evidence/mail01"));
    own
}

fn leaks(tar: &[u8], order_sha256: Digest, own: &OwnNames) -> Vec<Leak> {
    check(tar, &Expected { order_id: "2024-17", order_sha256, sums: None, own }).unwrap()
}

/// What is planted: what it is called, and the kinds that it may be found as beside that of its place.
const TOKENS: [(&str, &str); 17] = [
    ("a foreign address", "mallory@elsewhere.example"),
    ("a foreign address in percent", "mallory%40elsewhere.example"),
    ("a foreign address in base64", "bWFsbG9yeUBlbHNld2hlcmUuZXhhbXBsZQ=="),
    ("an IP", "198.51.100.77"),
    ("an IP with its port", "198.51.100.77:587"),
    ("an IPv6", "2001:db8:77::1"),
    ("an IPv6 in brackets", "[2001:db8:77::1]:25"),
    ("a host", "mx7.elsewhere.example"),
    ("this host", "evid01"),
    ("this host's full name", "evid01.lab.example"),
    ("this host in hex", "6576696430312e6c6162"),
    ("this host in base64", "ZXZpZDAxLmxhYi5leGFtcGxl"),
    ("the login", "x.carter7"),
    ("a temp name", "/scratch/evidence/tmp/.2024-17.Ab3dEf.partial"),
    ("the provider's file", "/srv/cases/2024-17.provider.toml"),
    ("a source's place", "/srv/evidence/mail01/var/mail/bob"),
    ("a plain word", "confidential"),
];

#[test]
fn every_one_of_more_than_five_hundred_plants_is_found_in_its_member_and_not_quoted() {
    let (goods, own) = (goods(), own());
    let mut table: BTreeMap<(&str, LeakKind), u32> = BTreeMap::new();
    let (mut seed, mut planted) = (2024u64, 0u32);
    let mut chance = |below: usize| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as usize % below
    };
    for Place { name, fits, plant } in PLACES {
        let mut done = 0;
        for round in 0..4_000 {
            let good = &goods[round % goods.len()];
            let (what, token) = TOKENS[chance(TOKENS.len())];
            if done == 14 || !fits(what) {
                continue;
            }
            let mut tape = Tape::read(&good.tar);
            let Some(planted_in) = plant(&mut tape, token, &mut chance) else { continue };
            let tar = seal::resealed(&tape, &good.tar, &planted_in);
            assert!(tar != good.tar, "{name}: nothing was planted");
            let found = leaks(&tar, good.order_sha256, &own);
            let first = found.first().unwrap_or_else(|| panic!("{name}: {what} in {} of {}", planted_in, good.name));
            assert!(
                planted_in == first.member || planted_in == "*",
                "{name}: {what} in {planted_in} of {}: {found:?}",
                good.name
            );
            let words = format!("{} {}", first.member, first.kind);
            assert!(!words.contains(token), "{words}");
            *table.entry((name, first.kind)).or_default() += 1;
            (done, planted) = (done + 1, planted + 1);
        }
        assert!(done >= 10, "{name}: {done}");
    }
    for ((name, kind), count) in &table {
        println!("{count:4}  {name:44} {kind:?}");
    }
    println!("{planted} plants in {} places, all found", PLACES.len());
    assert!(planted >= 500);
    // It must be able to fail: a good package has none, and neither has one that was sealed anew.
    for good in &goods {
        assert_eq!(leaks(&good.tar, good.order_sha256, &own), [], "{}", good.name);
        let again = seal::resealed(&Tape::read(&good.tar), &good.tar, "");
        assert!(again == good.tar, "{}: sealing anew changes nothing", good.name);
    }
}

#[test]
fn a_plant_is_called_by_what_it_is() {
    let (goods, own) = (goods(), own());
    let good = &goods[0];
    let kinds = [
        LeakKind::Address,
        LeakKind::Address,
        LeakKind::Address,
        LeakKind::Ip,
        LeakKind::Ip,
        LeakKind::Ip,
        LeakKind::Ip,
        LeakKind::Host,
        LeakKind::Own,
        LeakKind::Own,
        LeakKind::Own,
        LeakKind::Own,
        LeakKind::Own,
        LeakKind::Own,
        LeakKind::Own,
        LeakKind::Own,
        LeakKind::Text,
    ];
    let places =
        ["text of report.html", "escaped text of report.html", "a key of the ledger", "an event", "README.txt"];
    for name in places {
        let Place { plant, .. } = PLACES.iter().find(|place| place.name == name).unwrap();
        for ((what, token), kind) in TOKENS.iter().zip(kinds) {
            let mut tape = Tape::read(&good.tar);
            let member = plant(&mut tape, token, &mut |_| 0).unwrap();
            let found = leaks(&seal::resealed(&tape, &good.tar, &member), good.order_sha256, &own);
            assert_eq!(found.first(), Some(&Leak { member, kind }), "{what} in {name}");
        }
    }
}

/// A size, a count or a sum may be that of what was not disclosed: each must be that of what is there.
#[test]
fn a_size_a_count_or_a_sum_of_something_else_is_found() {
    let (goods, own) = (goods(), own());
    let other = Digest::of(b"mallory@elsewhere.example").to_string();
    let sum = |line: &str, key: &str| place::set(line, key, &other);
    let more = |line: &str, key: &str| {
        let (before, rest) = line.split_once(&format!("\"{key}\":")).unwrap();
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap();
        let number: u64 = rest[..digits].parse().unwrap_or(0);
        format!("{before}\"{key}\":{}{}", number + 1, rest[digits..].trim_start_matches("null"))
    };
    type Change<'c> = &'c dyn Fn(&str) -> String;
    let rows: [(&str, bool, Change<'_>); 8] = [
        ("exhibits.jsonl", false, &|line| more(line, "bytes")),
        ("exhibits.jsonl", false, &|line| more(line, "records")),
        ("records/000001.jsonl", false, &|line| more(line, "length")),
        ("exhibits.jsonl", true, &|line| sum(line, "sha256")),
        ("manifest-sha256.txt", true, &|line| format!("{other}{}", &line[64..])),
        ("tagmanifest-sha256.txt", true, &|line| format!("{other}{}", &line[64..])),
        ("custody.jsonl", true, &|line| sum(line, "manifest_sha256")),
        ("disclosure.json", true, &|line| sum(line, "order_sha256")),
    ];
    for (member, is_sum, change) in rows {
        for good in goods.iter().filter(|good| good.name != "nothing to disclose") {
            let mut tape = Tape::read(&good.tar);
            if !tape.has(member) {
                continue;
            }
            let mut lines: Vec<String> = tape.text(member).split_inclusive('\n').map(str::to_owned).collect();
            let at = lines.len() - 1;
            lines[at] = change(&lines[at]);
            tape.put(member, lines.concat().into_bytes());
            let tar = seal::resealed(&tape, &good.tar, member);
            let sums = sums(&tar);
            let known = is_sum.then_some(sums.as_slice());
            let expected = Expected { order_id: "2024-17", order_sha256: good.order_sha256, sums: known, own: &own };
            let first = check(tar.as_slice(), &expected).unwrap().into_iter().next();
            // What a member of records states is seen where the ledger should say the same.
            let blamed = if member.starts_with("records/") { "exhibits.jsonl" } else { member };
            assert_eq!(first.map(|leak| leak.member), Some(blamed.to_owned()), "{member} {is_sum} {}", good.name);
            // The forger's own sums hold.
            let good_sums = self::sums(&good.tar);
            let expected = Expected { sums: Some(&good_sums), ..expected };
            assert_eq!(check(good.tar.as_slice(), &expected).unwrap(), [], "{}", good.name);
        }
    }
}

/// SHA-256 of each member.
fn sums(tar: &[u8]) -> Vec<(Member, Digest)> {
    let tape = Tape::read(tar);
    tape.names("").iter().map(|name| (Member::parse(name).unwrap(), Digest::of(tape.get(name)))).collect()
}

#[test]
fn a_leak_stops_the_sealing_and_nothing_is_left() {
    let case = Case::new();
    case.order("", &case::files("\"/**\"", ""));
    case.file("/etc/motd", "hello\n");
    assert_eq!(case.run().code, Some(0));
    case.again();
    // The one way in which a package may come to hold a name of this machine: the server has a folder of the same name.
    let here = case.path("source").canonicalize().unwrap();
    case.file(&format!("{}/etc/motd", here.display()), "hello\n");
    let said = case.run();
    said.ends_with(1).names(&["exhibits.jsonl holds a name or a path of the machine", "nothing was disclosed"]);
    assert!(!said.stderr.contains(here.to_str().unwrap()), "{}", said.stderr);
    assert_eq!(said.stdout, "");
    case.nothing_was_left();
    // What it would come to is shown all the same.
    case.extract(&["--order", "order.toml", "--dry-run", "--json"]).ends_with(0);
    // An order that names the place lets it out.
    case.order("", &case::files(&format!("\"{}/etc/motd\"", here.display()), ""));
    case.run().ends_with(0);
}

#[test]
fn a_custodian_called_as_the_login_or_the_host_is_refused_before_anything_is_read() {
    let case = Case::new();
    case.order("", &case::files("\"/etc/motd\"", ""));
    case.file("/etc/motd", "hello\n");
    let login = case::tool("id", &["-un"]).trim().to_owned();
    for custodian in [login.as_str(), &login.to_uppercase(), "evid01"] {
        let mut command = case.command(&["--order", "order.toml", "--output", "out.tar", "--custodian", custodian]);
        let output = command.env("HOSTNAME", "evid01.lab.example").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("hint: give the officer's own name or role"), "{said}");
        case.nothing_was_left();
    }
    // A preview discloses nothing; and a name that a login happens to be a word of is a name.
    case.extract(&["--order", "order.toml", "--dry-run", "--custodian", &login]).ends_with(0);
    let longer = format!("Officer {} 7", if login.chars().all(char::is_alphabetic) { &login } else { "x" });
    case.extract(&["--order", "order.toml", "--output", "out.tar", "--custodian", &longer]).ends_with(0);
}

/// Packages of several kinds.
fn goods() -> Vec<Good> {
    twin::CASES.iter().filter(|case| case.is_planted).map(|case| made(case.name, &(case.make)())).collect()
}

fn made(name: &'static str, case: &Case) -> Good {
    let said = case.run();
    assert!(matches!(said.code, Some(0 | 3)), "{name}: {}", said.stderr);
    let order_sha256 = Digest::of(&fs::read(case.path("order.toml")).unwrap());
    Good { name, tar: fs::read(case.path("out.tar")).unwrap(), order_sha256 }
}
