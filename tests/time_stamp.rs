//! Time-stamps beside a package, through the program: asked for, attached and checked, held against openssl in both
//! directions, and every way in which one does not count.

#[path = "fixture/authority.rs"]
mod authority;
#[path = "tamper/fixture.rs"]
mod fixture;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use authority::{Place, Reply};
use extract::beside::Message;
use extract::time_stamp::{Authorities, Hash, Request, TimeStamp};

#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

fn said(output: Output) -> Said {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Said { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> Said {
    said(Command::new(program).args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap())
}

/// A folder with authorities and a package, and what a stamp of that is over in the file `tags`.
fn place() -> Place {
    let place = Place::new();
    fs::create_dir(place.path("made")).unwrap();
    let package = fixture::package(&place.path("made"), fixture::ORDER, 3);
    fs::rename(package, place.path("2024-17.tar")).unwrap();
    let tags = run(place.folder(), "tar", &["-xOf", "2024-17.tar", "2024-17/tagmanifest-sha256.txt"]);
    place.write("tags", tags.out);
    place
}

/// The same with a root, an authority below it and one for stamps below that.
fn usual() -> Place {
    let place = place();
    place.root("root", "rsa:2048").issue("middle", "ec:P-384", "root", "last", &[]);
    place.issue("tsa", "rsa:2048", "middle", "stamps", &[]);
    place
}

fn extract(place: &Place, arguments: &[&str]) -> Said {
    run(place.folder(), env!("CARGO_BIN_EXE_extract"), arguments)
}

/// The state of the check, the texts of its findings, and what is said of the stamps, with these authorities.
fn verified(place: &Place, authorities: Option<&str>) -> (i32, String, Vec<String>, Vec<serde_json::Value>) {
    let mut arguments = vec!["verify", "2024-17.tar", "--json"];
    if let Some(file) = authorities {
        arguments.extend(["--tsa-ca", file]);
    }
    let said = extract(place, &arguments);
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    let check = json["checks"].as_array().unwrap().last().unwrap();
    assert_eq!(check["name"], "time-stamp", "it is the last of all");
    let findings = json["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == "time-stamp");
    let texts = findings.map(|finding| finding["text"].as_str().unwrap().to_owned()).collect();
    let stamps = json["time_stamps"].as_array().unwrap().clone();
    (said.code, check["state"].as_str().unwrap().to_owned(), texts, stamps)
}

/// What the library says of a stamp over the file `tags`, with the authorities of a file.
fn judged(place: &Place, stamp: &[u8], authorities: &str) -> Result<String, String> {
    let message = Message::of(place.read("tags").as_slice()).unwrap();
    let authorities = Authorities::parse(&String::from_utf8(place.read(authorities)).unwrap()).unwrap();
    let stamp = TimeStamp::read(stamp).map_err(|fault| fault.to_string())?;
    stamp.covers(&message).and_then(|()| stamp.leads_to(&authorities)).map_err(|fault| fault.to_string())
}

/// A request for the package with that hash, in the file `q.tsq`.
fn ask(place: &Place, hash: Hash) {
    let message = Message::of(place.read("tags").as_slice()).unwrap();
    place.write("q.tsq", Request::new(&message, hash, 0x8123_4567_89ab_cdef).to_der().unwrap());
}

#[test]
fn every_kind_of_key_and_hash_is_asked_for_attached_and_taken_by_openssl_and_by_verify() {
    let place = place();
    place.root("root", "rsa:4096").issue("p384", "ec:P-384", "root", "authority", &[]);
    place.issue("ed", "ed25519", "p384", "authority", &["-sha512"]);
    place.issue("padded", "rsa:2048", "root", "authority", &["-sigopt", "rsa_padding_mode:pss", "-sha384"]);
    place.issue("rsa2048", "rsa:2048", "ed", "stamps", &[]).issue("rsa3072", "rsa:3072", "padded", "stamps", &[]);
    place.issue("p256", "ec:P-256", "p384", "stamps", &[]).issue("p521", "ec:P-521", "root", "stamps", &["-sha512"]);
    place.issue("direct", "ec:P-384", "root", "plain_stamps", &[]);
    let package = place.read("2024-17.tar");
    let more = "accuracy = secs:1, millisecs:500\nordering = yes\ntsa_name = yes\ness_cert_id_chain = yes";
    let digits = "clock_precision_digits = 6";
    let rows: [(&str, &[&str], &str, &str, &str, &str); 8] = [
        ("rsa2048", &["ed", "p384"], "sha256", "sha256", "sha256", more),
        ("rsa2048", &["p384", "root", "ed"], "sha384", "sha512", "sha384", digits),
        ("rsa3072", &["padded"], "sha512", "sha384", "sha1", more),
        ("p256", &["p384"], "sha256", "sha256", "sha512", more),
        ("p256", &["p384"], "sha512", "sha512", "sha1", ""),
        ("p521", &[], "sha384", "sha512", "sha256", ""),
        ("p521", &[], "sha384", "sha256", "sha256", ""),
        ("direct", &[], "sha384", "sha384", "sha256", "tsa_name = yes"),
    ];
    for (signer, chain, hash, digest, identifier, more) in rows {
        let what = format!("{signer} over {hash} with {digest}");
        let asked = extract(&place, &["stamp", "2024-17.tar", "--request", "--hash", hash]);
        assert_eq!((asked.code, asked.err.as_str()), (0, ""), "{what}");
        assert!(asked.out.starts_with("request: 2024-17.tar.tsq\n") && asked.out.contains("curl -H"), "{asked:?}");
        let shown = place.openssl(&["ts", "-query", "-in", "2024-17.tar.tsq", "-text"]);
        let shown = String::from_utf8(shown).unwrap();
        for part in ["Version: 1", &format!("Hash Algorithm: {hash}"), "Nonce: 0x", "Certificate required: yes"] {
            assert!(shown.contains(part), "{what}: {shown}");
        }
        let answer = place.answer("2024-17.tar.tsq", &Reply { signer, chain, digest, identifier, more });
        place.write("answer.tsr", &answer);
        let attached = extract(&place, &["stamp", "2024-17.tar", "--attach", "answer.tsr", "--tsa-ca", "root.pem"]);
        assert_eq!((attached.code, attached.err.as_str()), (0, ""), "{what}");
        assert!(attached.out.contains("attached: 2024-17.tar.tsr"), "{attached:?}");
        assert!(attached.out.contains(&format!("CN={signer}.")) && attached.out.contains("CN=root"), "{attached:?}");
        assert!(place.read("2024-17.tar.tsr") == answer, "{what}: as the authority made it");
        assert!(place.openssl_takes(&answer, "root.pem", &[]), "{what}");
        assert!(place.openssl_takes(&answer, "root.pem", &["-queryfile", "2024-17.tar.tsq"]), "{what}");
        let (code, state, texts, stamps) = verified(&place, Some("root.pem"));
        assert_eq!((code, state.as_str(), texts), (0, "passed", Vec::new()), "{what}");
        assert_eq!((&stamps[0]["file"], &stamps[0]["trusted"]), (&"2024-17.tar.tsr".into(), &true.into()));
        assert_eq!(stamps[0]["time"].as_str().unwrap().contains('.'), more == digits, "{stamps:?}");
        fs::remove_file(place.path("2024-17.tar.tsr")).unwrap();
        fs::remove_file(place.path("2024-17.tar.tsq")).unwrap();
    }
    assert!(place.read("2024-17.tar") == package, "stamping changes no byte of a package");
}

#[test]
fn without_authorities_the_stamp_is_told_and_that_nobody_said_whose_counts() {
    let place = usual();
    let none = extract(&place, &["verify", "2024-17.tar"]);
    assert!(none.code == 0 && none.out.contains("NO TIME-STAMP. None lies beside it as 2024-17.tar.tsr."), "{none:?}");
    assert!(none.out.contains("time-stamp    not-run       NO TIME-STAMP: none lies beside it"), "{none:?}");
    let (code, state, texts, _) = verified(&place, Some("root.pem"));
    assert_eq!((code, state.as_str()), (1, "failed"));
    assert_eq!(texts, ["it has no time-stamp: none lies beside it as 2024-17.tar.tsr"]);

    ask(&place, Hash::Sha256);
    let reply = Reply { more: "accuracy = millisecs:20\ntsa_name = yes", ..Reply::by("tsa", &["middle"]) };
    place.write("answer.tsr", place.answer("q.tsq", &reply));
    // A stamp that nobody asked for through the program has no request beside it.
    let attached = extract(&place, &["stamp", "2024-17.tar", "--attach", "answer.tsr"]);
    assert!(attached.code == 0 && attached.out.contains("Nobody has said that it can be relied on"), "{attached:?}");
    let (code, state, texts, stamps) = verified(&place, None);
    assert_eq!((code, state.as_str(), texts.len()), (0, "not-run", 0));
    assert_eq!((&stamps[0]["trusted"], &stamps[0]["authority"]), (&false.into(), &"O=Example, CN=tsa".into()));
    let shown = place.openssl(&["ts", "-reply", "-in", "answer.tsr", "-text"]);
    let shown = String::from_utf8(shown).unwrap().to_lowercase();
    assert!(shown.contains(&format!("serial number: 0x{}", stamps[0]["serial"].as_str().unwrap())), "{shown}");

    let plain = extract(&place, &["verify", "2024-17.tar"]);
    let time = stamps[0]["time"].as_str().unwrap().replace('T', " ").replace('Z', "");
    for part in [
        &format!(
            "2024-17.tar.tsr: this package existed as it is now on {time} UTC at the latest, says\n  O=Example, CN=tsa."
        ),
        "the authority's clock is right within 0.02 s, it says",
        "time-stamp    not-run       stamped, and nobody said whose stamps count",
    ] {
        assert!(plain.out.contains(part), "{part} in\n{}", plain.out);
    }
    let named = extract(&place, &["verify", "2024-17.tar", "--tsa-ca", "root.pem"]);
    assert!(named.code == 0 && named.out.contains("leads to an authority of the given file: O=Example, CN=root"));
    assert!(named.out.contains("time-stamp    passed"), "{named:?}");
}

#[test]
fn a_later_stamp_by_another_authority_gets_the_next_number_and_both_are_shown() {
    let place = usual();
    place.root("other", "ec:P-256").issue("later", "ec:P-256", "other", "stamps", &[]);
    place.gather("both.pem", &["root", "other"]);
    let step = |arguments: &[&str]| extract(&place, &[&["stamp", "2024-17.tar"], arguments].concat());
    let attach = |answer: &[u8]| {
        place.write("answer.tsr", answer);
        step(&["--attach", "answer.tsr", "--tsa-ca", "both.pem"])
    };
    assert_eq!(step(&["--request"]).code, 0);
    let open = step(&["--request"]);
    assert!(open.code == 1 && open.err.contains("2024-17.tar.tsq lies beside it and is not answered yet"), "{open:?}");
    let first = place.answer("2024-17.tar.tsq", &Reply::by("tsa", &["middle"]));
    let second_to_the_same = place.answer("2024-17.tar.tsq", &Reply::by("tsa", &["middle"]));
    assert_eq!(attach(&first).code, 0);
    let again = attach(&first);
    assert!(again.code == 1 && again.err.contains("this stamp lies beside it already: 2024-17.tar.tsr"), "{again:?}");

    assert_eq!(step(&["--request", "--hash", "sha512"]).code, 0);
    let late = attach(&second_to_the_same);
    assert!(late.code == 1 && late.err.contains("it answers another request\nhint: attach the answer"), "{late:?}");
    let second = place.answer("2024-17.tar.2.tsq", &Reply::by("later", &[]));
    let said = attach(&second);
    assert!(said.code == 0 && said.out.contains("attached: 2024-17.tar.2.tsr"), "{said:?}");
    let (code, state, texts, stamps) = verified(&place, Some("both.pem"));
    assert_eq!((code, state.as_str(), texts.len(), stamps.len()), (0, "passed", 0, 2));
    assert!(place.read("2024-17.tar.tsr") == first && place.read("2024-17.tar.2.tsr") == second);
    for (number, query) in [("", "2024-17.tar.tsq"), (".2", "2024-17.tar.2.tsq")] {
        let stamp = place.read(&format!("2024-17.tar{number}.tsr"));
        assert!(place.openssl_takes(&stamp, "both.pem", &["-queryfile", query]));
    }
    // All that lie there must count.
    let (code, state, texts, stamps) = verified(&place, Some("root.pem"));
    assert_eq!((code, state.as_str(), texts.len()), (1, "failed", 1));
    assert!(texts[0].starts_with("2024-17.tar.2.tsr does not count: it does not lead to an authority"), "{texts:?}");
    assert_eq!((&stamps[0]["trusted"], &stamps[1]["trusted"]), (&true.into(), &false.into()));
    assert_eq!(step(&["--request"]).code, 0);
    assert!(place.path("2024-17.tar.3.tsq").exists());
}

#[test]
fn a_stamp_outlives_the_certificate_that_made_it() {
    let place = usual();
    let end = chrono::Utc::now() + chrono::TimeDelta::seconds(4);
    place.issue_until("short", "ec:P-256", "middle", &end.format("%y%m%d%H%M%SZ").to_string());
    ask(&place, Hash::Sha256);
    let answer = place.answer("q.tsq", &Reply::by("short", &["middle"]));
    let stamped = TimeStamp::read(&answer).unwrap().time().seconds();
    assert!(stamped <= end.timestamp(), "the stamp is made while the certificate is valid");
    while chrono::Utc::now() < end + chrono::TimeDelta::seconds(1) {
        std::thread::sleep(Duration::from_millis(100));
    }
    // Openssl asks for today, unless it is told the time of the stamp.
    assert!(!place.openssl_takes(&answer, "root.pem", &[]));
    assert!(place.openssl_takes(&answer, "root.pem", &["-attime", &stamped.to_string()]));
    assert_eq!(judged(&place, &answer, "root.pem"), Ok("O=Example, CN=root".into()));
}
