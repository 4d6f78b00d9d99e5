//! Time-stamps beside a package, through the program: asked for, attached and checked, held against openssl in both
//! directions, and every way in which one does not count.

#[path = "fixture/authority.rs"]
mod authority;
#[path = "tamper/fixture.rs"]
mod fixture;
#[path = "fixture/said.rs"]
mod said;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use authority::{Place, Reply};
use extract::beside::Message;
use extract::time_stamp::{Authorities, Hash, Request, TimeStamp};
use said::{Said, said};

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
    let reply = |signer, chain, digest, identifier, more| Reply { signer, chain, digest, identifier, more };
    let rows: [(&str, Reply<'_>); 8] = [
        ("sha256", reply("rsa2048", &["ed", "p384"], "sha256", "sha256", more)),
        ("sha384", reply("rsa2048", &["p384", "root", "ed"], "sha512", "sha384", digits)),
        ("sha512", reply("rsa3072", &["padded"], "sha384", "sha1", more)),
        ("sha256", reply("p256", &["p384"], "sha256", "sha512", more)),
        ("sha512", reply("p256", &["p384"], "sha512", "sha1", "")),
        ("sha384", reply("p521", &[], "sha512", "sha256", "")),
        ("sha384", reply("p521", &[], "sha256", "sha256", "")),
        ("sha384", reply("direct", &[], "sha384", "sha256", "tsa_name = yes")),
    ];
    for (hash, reply) in rows {
        let signer = reply.signer;
        let what = format!("{signer} over {hash} with {}", reply.digest);
        let asked = extract(&place, &["stamp", "2024-17.tar", "--request", "--hash", hash]);
        assert_eq!((asked.code, asked.err.as_str()), (0, ""), "{what}");
        assert!(asked.out.starts_with("request: 2024-17.tar.tsq\n") && asked.out.contains("curl -H"), "{asked:?}");
        let shown = place.openssl(&["ts", "-query", "-in", "2024-17.tar.tsq", "-text"]);
        let shown = String::from_utf8(shown).unwrap();
        for part in ["Version: 1", &format!("Hash Algorithm: {hash}"), "Nonce: 0x", "Certificate required: yes"] {
            assert!(shown.contains(part), "{what}: {shown}");
        }
        let answer = place.answer("2024-17.tar.tsq", &reply);
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
        assert_eq!(stamps[0]["time"].as_str().unwrap().contains('.'), reply.more == digits, "{stamps:?}");
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
    place.write("2024-17.tar.32.tsr", "the last that there can be");
    let full = step(&["--request"]);
    assert!(full.code == 1 && full.err.contains("32 stamps lie beside it, and there can be no more"), "{full:?}");
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

/// What openssl takes and we do not, with the reason; all other rows below it refuses too.
const STRICTER: [(&str, &str); 8] = [
    ("over a SHA-1", "two contents with one SHA-1 can be made"),
    ("signed with SHA-1", "the same"),
    ("a certificate signed with SHA-1", "the same"),
    ("an RSA key of 1024 bits", "such keys are within reach of those who have money"),
    ("an authority for mail", "who limits an authority to mail does not trust it with time"),
    ("a byte behind", "a file is one stamp, so that nothing is hidden in it"),
    ("a byte in the statement", "the same"),
    ("a critical extension", "RFC 3161, section 2.4.2, refers to RFC 5280, by which one that is not known is refused"),
];

type Row<'a> = (&'a str, Vec<u8>, &'a str, &'a str);

/// Certificates that do not do, and those of whom they issued.
fn issue_wrong_ones(place: &Place) {
    let leaves: [(&str, &str, &str, &[&str]); 8] = [
        ("no_purpose", "rsa:2048", "middle", &[]),
        ("not_critical", "ec:P-256", "middle", &[]),
        ("two_purposes", "ec:P-256", "middle", &[]),
        ("other_purpose", "ec:P-256", "middle", &[]),
        ("other_use", "ec:P-256", "middle", &[]),
        ("unknown_extension", "ec:P-256", "middle", &[]),
        ("stamps", "rsa:1024", "middle", &[]),
        ("plain_stamps", "ec:P-256", "middle", &["-days", "-1"]),
    ];
    for (place_of, (kind, key, issuer, more)) in leaves.iter().enumerate() {
        place.issue(&format!("leaf{place_of}"), key, issuer, kind, more);
    }
    for (name, kind) in [
        ("no_ca", "not_an_authority"),
        ("no_sign", "may_not_sign_certificates"),
        ("mail", "for_mail"),
        ("names", "of_names"),
        ("old", "authority"),
    ] {
        let more: &[&str] = if name == "old" { &["-days", "-1"] } else { &[] };
        place.issue(name, "ec:P-256", "root", kind, more);
        place.issue(&format!("by_{name}"), "ec:P-256", name, "plain_stamps", &[]);
    }
    place.issue("below", "ec:P-256", "middle", "authority", &[]).issue("deep", "ec:P-256", "below", "stamps", &[]);
    place.issue("weak", "ec:P-256", "root", "plain_stamps", &["-sha1"]).issue(
        "direct",
        "ec:P-256",
        "root",
        "plain_stamps",
        &[],
    );
    let twin = Place::new();
    twin.root("root", "rsa:2048").root("other", "ec:P-256");
    place.write("twin.pem", twin.read("root.pem"));
    place.write("other.pem", twin.read("other.pem"));
}

/// Stamps that are wrong in their certificates: what, the stamp, the authorities, our words.
fn wrong_certificates<'a>(place: &Place, good: &[u8]) -> Vec<Row<'a>> {
    // Of the same key, issuer and number, so that the signature alone tells them apart.
    place.issue_again("same", "direct", "root", "plain_stamps", &["-set_serial", "77"]);
    place.issue_again("direct", "direct", "root", "plain_stamps", &["-set_serial", "77", "-days", "89"]);
    let other_certificate = place.forged(good, "direct", &["same"], &["-cades", "-nocerts"]);
    let reply = |signer, chain, more| place.answer("q.tsq", &Reply { more, ..Reply::by(signer, chain) });
    let named = reply("tsa", &["middle"], "tsa_name = yes");
    let other_authority = place.forged(&named, "direct", &[], &["-cades"]);
    let besides = reply("tsa", &["middle", "direct"], "ess_cert_id_chain = yes");

    let by = |signer: &str, chain: &[&str]| place.forged(good, signer, chain, &["-cades"]);
    let middle = &["middle"][..];
    vec![
        (
            "no purpose",
            by("leaf0", middle),
            "root.pem",
            "O=Example, CN=leaf0 is not one for time-stamps: it does not name",
        ),
        ("a purpose not critical", by("leaf1", middle), "root.pem", "its purpose is not marked as critical"),
        ("two purposes", by("leaf2", middle), "root.pem", "its purpose is another, or not that alone"),
        ("another purpose", by("leaf3", middle), "root.pem", "its purpose is another, or not that alone"),
        ("another use", by("leaf4", middle), "root.pem", "its key is for other uses than signing"),
        ("an unknown extension", by("leaf5", middle), "root.pem", "is not known: 1.2.3.4.5"),
        ("an RSA key of 1024 bits", by("leaf6", middle), "root.pem", "CN=leaf6 has 1024 bits; from 2048 to 4096 count"),
        ("expired", by("leaf7", middle), "root.pem", "CN=leaf7 was not valid any more at the time of the stamp"),
        ("no authority between", by("by_no_ca", &["no_ca"]), "root.pem", "CN=no_ca is not that of an authority"),
        ("a key for lists", by("by_no_sign", &["no_sign"]), "root.pem", "CN=no_sign is of a key that may not sign"),
        (
            "an authority for mail",
            by("by_mail", &["mail"]),
            "root.pem",
            "CN=mail is for other purposes than time-stamps",
        ),
        (
            "an authority for names",
            by("by_names", &["names"]),
            "root.pem",
            "CN=names has an extension that must not be",
        ),
        ("an expired authority", by("by_old", &["old"]), "root.pem", "CN=old was not valid any more"),
        ("too deep", by("deep", &["below", "middle"]), "root.pem", "CN=middle may not have 1 authorities below it"),
        ("a certificate signed with SHA-1", by("weak", &[]), "root.pem", "rests on SHA-1"),
        ("none between", by("tsa", &[]), "root.pem", "issued that of O=Example, CN=tsa; it names O=Example, CN=middle"),
        (
            "another root",
            by("tsa", middle),
            "other.pem",
            "issued that of O=Example, CN=middle; it names O=Example, CN=root",
        ),
        ("a root of that name", by("tsa", middle), "twin.pem", "issued that of O=Example, CN=middle"),
        (
            "another certificate of that key",
            other_certificate,
            "root.pem",
            "its signer signed with another certificate",
        ),
        (
            "another authority",
            other_authority,
            "root.pem",
            "is not the one of its signer's certificate (O=Example, CN=direct)",
        ),
        ("one besides the way", besides, "root.pem", "its signer names a certificate that is not on the way"),
        ("a twin", by("direct", &[]), "twin.pem", "CN=direct is not signed by the key of O=Example, CN=root"),
    ]
}

/// Stamps that are wrong in themselves.
fn wrong_tokens<'a>(place: &Place, good: &[u8]) -> Vec<Row<'a>> {
    let forged = |more: &[&str]| place.forged(good, "tsa", &["middle"], more);
    let usual = forged(&["-cades"]);
    assert_eq!(judged(place, &usual, "root.pem"), Ok("O=Example, CN=root".into()), "the forger can do it right");
    assert!(place.openssl_takes(&usual, "root.pem", &[]));
    let info = place.read("info");
    let of = |content: Vec<u8>| {
        place.write("content", content);
        place.signed("content", "tsa", &["middle"], &["-cades"])
    };
    let changed = |from: &[u8], to: &[u8]| {
        let at = good.windows(from.len()).position(|window| window == from).unwrap();
        [&good[..at], to, &good[at + from.len()..]].concat()
    };
    let mut last = good.to_vec();
    *last.last_mut().unwrap() ^= 1;
    place.openssl(&["ts", "-query", "-data", "tags", "-sha1", "-cert", "-out", "weak.tsq"]);
    place.write("else", "another package\n");
    place.openssl(&["ts", "-query", "-data", "else", "-sha256", "-cert", "-out", "else.tsq"]);
    let reply = |query: &str, more| place.answer(query, &Reply { more, ..Reply::by("tsa", &["middle"]) });
    let token = place.read("good.token");
    // In front of its end, in its length and in that of what holds it.
    let extended = |critical: &[u8]| {
        let extension = [&[0x30, 7 + critical.len() as u8, 6, 3, 0x2a, 3, 4][..], critical, &[4, 0]].concat();
        let list = [&[0xa1, extension.len() as u8][..], &extension].concat();
        let inside = if info[1] == 0x81 { &info[3..] } else { &info[2..] };
        let length = (inside.len() + list.len()) as u8;
        let head = if length < 0x80 { vec![0x30, length] } else { vec![0x30, 0x81, length] };
        [&head[..], inside, &list].concat()
    };
    let passed_over = of(extended(&[]));
    assert_eq!(
        judged(place, &passed_over, "root.pem"),
        Ok("O=Example, CN=root".into()),
        "an extension may be passed over"
    );
    let mut second = info.clone();
    let version = second.windows(3).position(|window| window == [2, 1, 1]).unwrap();
    second[version + 2] = 2;
    let digest = [&[4, 32][..], Message::of(info.as_slice()).unwrap().sha256().bytes()].concat();
    vec![
        ("another package", reply("else.tsq", ""), "root.pem", "it is not over this package"),
        ("over a SHA-1", reply("weak.tsq", ""), "root.pem", "what it is over rests on SHA-1"),
        ("refused", reply("q.tsq", "digests = sha512"), "root.pem", "it refused the request (rejection), it says \""),
        ("no certificate", forged(&["-cades", "-nocerts"]), "root.pem", "the certificate of its signer is not in it"),
        ("no signed attributes", forged(&["-noattr"]), "root.pem", "under its signature what it is about"),
        ("no certificate named", forged(&[]), "root.pem", "under its signature which certificate is its signer's"),
        ("signed with SHA-1", forged(&["-cades", "-md", "sha1"]), "root.pem", "its signature rests on SHA-1"),
        ("a signer by key", forged(&["-cades", "-keyid"]), "root.pem", "who signed it cannot be read"),
        (
            "two signers",
            forged(&["-cades", "-signer", "direct.pem", "-inkey", "direct.key"]),
            "root.pem",
            "it has 2 signers",
        ),
        ("a bit of the signature", last, "root.pem", "it is no signature of O=Example, CN=tsa"),
        (
            "the signed digest",
            changed(&digest, &[&[4, 32], &[7; 32][..]].concat()),
            "root.pem",
            "what it states is not",
        ),
        (
            "another content",
            changed(&info[4..40], &[&info[4..39], &[info[39] ^ 1]].concat()),
            "root.pem",
            "it states is not",
        ),
        (
            "a critical extension",
            of(extended(&[1, 1, 0xff])),
            "root.pem",
            "must not be passed over and is not known: 1.2.3.4",
        ),
        ("another version", of(second), "root.pem", "its TSTInfo is of another version than 1"),
        ("no statement", of(b"nothing".to_vec()), "root.pem", "its TSTInfo cannot be read"),
        ("a byte in the statement", of([&info[..], &[0]].concat()), "root.pem", "its TSTInfo cannot be read"),
        (
            "another type",
            forged(&["-cades", "-econtent_type", "1.2.840.113549.1.9.16.1.2"]),
            "root.pem",
            "something else than a time",
        ),
        ("the token alone", token.clone(), "root.pem", "it is a time-stamp token alone"),
        ("a byte behind", [good, &[0]].concat(), "root.pem", "the response cannot be read"),
        ("a page", b"<html>no such page</html>".to_vec(), "root.pem", "it is no time-stamp response of RFC 3161"),
        ("nothing", Vec::new(), "root.pem", "it is no time-stamp response of RFC 3161"),
    ]
}

#[test]
fn every_way_of_not_counting_has_words_and_openssl_takes_none_but_those_named() {
    let place = usual();
    issue_wrong_ones(&place);
    ask(&place, Hash::Sha256);
    let good = place.answer("q.tsq", &Reply::by("tsa", &["middle"]));
    assert!(judged(&place, &good, "root.pem").is_ok() && place.openssl_takes(&good, "root.pem", &[]));
    let mut rows = wrong_certificates(&place, &good);
    rows.extend(wrong_tokens(&place, &good));
    let mut objections = Vec::new();
    for (what, stamp, authorities, words) in &rows {
        let taken = place.openssl_takes(stamp, authorities, &[]);
        match judged(&place, stamp, authorities) {
            Ok(_) => objections.push(format!("{what} is taken")),
            Err(said) if !said.contains(words) => objections.push(format!("{what}: {said}")),
            Err(_) => {}
        }
        if taken != STRICTER.iter().any(|(named, _)| named == what) {
            objections.push(format!("{what}: openssl takes it: {taken}"));
        }
    }
    let is_row = |named: &str| rows.iter().any(|(what, ..)| *what == named);
    objections.extend(STRICTER.iter().filter(|(named, _)| !is_row(named)).map(|(named, _)| format!("no row {named}")));
    assert!(objections.is_empty(), "{}", objections.join("\n"));
    // Through the program: nothing is laid beside the package, and what lies there is objected to.
    for (what, stamp, authorities, words) in rows {
        place.write("answer.tsr", &stamp);
        let refused = extract(&place, &["stamp", "2024-17.tar", "--attach", "answer.tsr", "--tsa-ca", authorities]);
        assert!(refused.code == 1 && refused.out.is_empty() && refused.err.contains(words), "{what}: {refused:?}");
        assert!(!place.path("2024-17.tar.tsr").exists(), "{what}");
        place.write("2024-17.tar.tsr", &stamp);
        let (code, state, texts, _) = verified(&place, Some(authorities));
        assert_eq!((code, state.as_str(), texts.len()), (1, "failed", 1), "{what}: {texts:?}");
        assert!(texts[0].starts_with("2024-17.tar.tsr does not count: ") && texts[0].contains(words), "{texts:?}");
        fs::remove_file(place.path("2024-17.tar.tsr")).unwrap();
    }
}

#[test]
fn no_damage_to_a_stamp_is_taken_where_openssl_refuses_it_and_none_panics() {
    let place = usual();
    place.issue("curve", "ec:P-256", "middle", "stamps", &[]);
    ask(&place, Hash::Sha512);
    let message = Message::of(place.read("tags").as_slice()).unwrap();
    let authorities = Authorities::parse(&String::from_utf8(place.read("root.pem")).unwrap()).unwrap();
    let takes = |bytes: &[u8]| {
        TimeStamp::read(bytes).is_ok_and(|stamp| stamp.covers(&message).is_ok() && stamp.leads_to(&authorities).is_ok())
    };
    let more = "accuracy = secs:1, millisecs:500\nordering = yes\ntsa_name = yes\ness_cert_id_chain = yes";
    let (mut counts, mut differences, mut random) = ([0; 3], Vec::new(), 0x5eed_u64);
    // The root in the stamp is of no use where a file names it: what is changed in it may pass, as long as it is a certificate.
    for (signer, chain) in [("tsa", &["middle", "root"][..]), ("curve", &["middle"])] {
        let good = place.answer("q.tsq", &Reply { digest: "sha512", more, ..Reply::by(signer, chain) });
        assert!(takes(&good) && place.openssl_takes(&good, "root.pem", &[]));
        for length in 0..good.len() {
            assert!(!takes(&good[..length]), "cut at {length}");
        }
        for at in 0..good.len() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            for change in [0x80, u8::try_from(random >> 56).unwrap() | 1] {
                let mut bytes = good.clone();
                bytes[at] ^= change;
                // Openssl is asked about some of what we take, and of the rest: of that it may take more than we do.
                let taken = takes(&bytes);
                if (random >> 32).is_multiple_of(if taken { 3 } else { 24 }) {
                    let by_openssl = place.openssl_takes(&bytes, "root.pem", &[]);
                    counts[usize::from(taken) + 2 * usize::from(!taken && by_openssl)] += 1;
                    if taken && !by_openssl {
                        differences.push(format!("{signer}: byte {at} ^ {change}"));
                    }
                }
            }
        }
    }
    let [neither, both, openssl] = counts;
    println!("{both} taken by both, {neither} by neither, {openssl} by openssl alone");
    assert!(differences.is_empty(), "taken by us alone:\n{}", differences.join("\n"));
    assert!(neither > 50 && both > 100, "openssl was asked about damage that matters");
}

#[test]
fn lengths_that_are_only_stated_and_files_that_are_none_cost_nothing() {
    let place = usual();
    ask(&place, Hash::Sha256);
    let good = place.answer("q.tsq", &Reply::by("tsa", &["middle"]));
    let begun = Instant::now();
    for at in 0..good.len() {
        for length in
            [&[0x80][..], &[0x84, 0xff, 0xff, 0xff, 0xff], &[0x84, 0x0f, 0xff, 0xff, 0xff], &[0x88; 9], &[0xff]]
        {
            let bytes = [&good[..at], length, &good[at..]].concat();
            assert!(judged(&place, &bytes, "root.pem").is_err(), "{at}");
        }
    }
    let deep = [0x30, 0x80].repeat(100_000);
    assert!(judged(&place, &deep, "root.pem").is_err());
    assert!(begun.elapsed() < Duration::from_secs(60));

    fs::File::create(place.path("2024-17.tar.tsr")).unwrap().set_len(1 << 30).unwrap();
    assert!(Command::new("mkfifo").arg(place.path("2024-17.tar.2.tsr")).status().unwrap().success());
    fs::create_dir(place.path("2024-17.tar.3.tsr")).unwrap();
    std::os::unix::fs::symlink("nowhere", place.path("2024-17.tar.4.tsr")).unwrap();
    let (code, state, texts, _) = verified(&place, None);
    assert_eq!((code, state.as_str(), texts.len()), (1, "failed", 4), "{texts:?}");
    for (text, words) in texts.iter().zip(["has 1073741824 bytes", "regular file", "regular file", "cannot be read"]) {
        assert!(text.contains(words), "{text}");
    }
    place.write("answer.tsr", good);
    let refused = extract(&place, &["stamp", "2024-17.tar", "--attach", "answer.tsr"]);
    assert!(refused.code == 1 && refused.err.contains("2024-17.tar.tsr lies beside it and is no stamp"), "{refused:?}");
    for answer in ["2024-17.tar.tsr", "2024-17.tar.2.tsr", "2024-17.tar.3.tsr", "missing"] {
        let refused = extract(&place, &["stamp", "2024-17.tar", "--attach", answer]);
        assert!(refused.code == 1 && refused.err.contains(&format!("{answer} is no stamp for it: it ")), "{refused:?}");
    }
}

#[test]
fn a_maze_of_certificates_ends_at_its_bound() {
    let place = usual();
    place.root("loop", "ec:P-256").issue("lost", "ec:P-256", "loop", "plain_stamps", &[]);
    let names: Vec<String> = (0..30).map(|number| format!("loop{number}")).collect();
    for name in &names {
        place.issue_again(name, "loop", "loop", "authority", &[]);
    }
    ask(&place, Hash::Sha256);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let stamp = place.answer("q.tsq", &Reply::by("lost", &names));
    let begun = Instant::now();
    assert!(judged(&place, &stamp, "root.pem").unwrap_err().contains("too many certificates that fit one another"));
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(judged(&place, &stamp, "loop.pem"), Ok("O=Example, CN=loop".into()));
    let more: Vec<&str> = names.iter().chain(&["root", "middle", "tsa"]).copied().collect();
    let stamp = place.answer("q.tsq", &Reply::by("lost", &more));
    assert!(judged(&place, &stamp, "loop.pem").unwrap_err().contains("the row of its certificates"));
}

#[test]
fn a_signature_by_pss_counts_which_openssl_takes_as_cms_though_not_as_a_stamp() {
    let place = usual();
    ask(&place, Hash::Sha256);
    let good = place.answer("q.tsq", &Reply::by("tsa", &["middle"]));
    for more in
        [&["-md", "sha256", "-keyopt", "rsa_pss_saltlen:32"][..], &["-md", "sha512", "-keyopt", "rsa_pss_saltlen:20"]]
    {
        let more = [&["-cades", "-keyopt", "rsa_padding_mode:pss"], more].concat();
        let stamp = place.forged(&good, "tsa", &["middle"], &more);
        assert_eq!(judged(&place, &stamp, "root.pem"), Ok("O=Example, CN=root".into()), "{more:?}");
        let verify = ["cms", "-verify", "-inform", "DER", "-in", "forged.token", "-CAfile", "root.pem", "-out", "said"];
        assert!(place.try_openssl(&[&verify[..], &["-binary", "-purpose", "timestampsign"]].concat()).status.success());
        println!("{more:?}: openssl ts takes it: {}", place.openssl_takes(&stamp, "root.pem", &[]));
    }
}

#[test]
fn a_file_of_authorities_that_cannot_be_relied_on_is_refused_as_a_whole() {
    let place = usual();
    ask(&place, Hash::Sha256);
    place.write("answer.tsr", place.answer("q.tsq", &Reply::by("tsa", &["middle"])));
    let root = String::from_utf8(place.read("root.pem")).unwrap();
    place.write("text.pem", format!("The root of Example\n=====\n{root}\nand no more"));
    place.write("cut.pem", &root[..root.len() / 2]);
    place.write("second.pem", format!("{root}{}", root.replacen("MII", "MIJ", 1)));
    place.write("none.pem", "nothing\n");
    place.write("long.pem", vec![b'x'; 5 << 20]);
    for (file, words) in [
        ("cut.pem", "its certificate 1 cannot be read"),
        ("second.pem", "its certificate 2 cannot be read"),
        ("none.pem", "no certificate stands in it"),
        ("middle.pem", "none of its certificates is its own issuer's"),
        ("long.pem", "it has more than 4194304 bytes"),
        ("missing.pem", "missing.pem"),
    ] {
        for arguments in [
            &["verify", "2024-17.tar", "--tsa-ca", file][..],
            &["stamp", "2024-17.tar", "--attach", "answer.tsr", "--tsa-ca", file],
        ] {
            let refused = extract(&place, arguments);
            assert!(refused.code == 2 && refused.out.is_empty() && refused.err.contains(words), "{file}: {refused:?}");
        }
    }
    let attached = extract(&place, &["stamp", "2024-17.tar", "--attach", "answer.tsr", "--tsa-ca", "text.pem"]);
    assert_eq!((attached.code, attached.err.as_str()), (0, ""));
    // What is between may also stand in the file.
    place.gather("two.pem", &["middle", "root"]);
    assert!(judged(&place, &place.answer("q.tsq", &Reply::by("tsa", &[])), "two.pem").is_ok());
    // Somebody who vouches for nobody but himself, where the file names him.
    place.own_issuer("alone", "ec:P-256", "plain_stamps");
    let alone = place.answer("q.tsq", &Reply::by("alone", &[]));
    assert!(judged(&place, &alone, "alone.pem").is_ok() && place.openssl_takes(&alone, "alone.pem", &[]));
    assert!(judged(&place, &alone, "root.pem").is_err() && !place.openssl_takes(&alone, "root.pem", &[]));
    // What this machine's browsers trust is such a file.
    if let Ok(bundle) = fs::read_to_string("/etc/ssl/certs/ca-certificates.crt") {
        assert!(Authorities::parse(&bundle).is_ok());
    }
}

#[test]
fn only_a_package_that_passes_its_checks_is_stamped_and_a_stamp_over_what_was_changed_does_not_pass() {
    let place = usual();
    ask(&place, Hash::Sha256);
    place.write("answer.tsr", place.answer("q.tsq", &Reply::by("tsa", &["middle"])));
    assert_eq!(extract(&place, &["stamp", "2024-17.tar", "--attach", "answer.tsr"]).code, 0);
    let mut bytes = place.read("2024-17.tar");
    let at = bytes.windows(5).position(|window| window == b"id=1 ").unwrap();
    bytes[at + 3] = b'7';
    place.write("2024-17.tar", bytes);
    // The stamp fits the sums, and the sums do not fit the bytes.
    let (code, state, texts, _) = verified(&place, Some("root.pem"));
    assert_eq!((code, state.as_str(), texts.len()), (1, "not-run", 0));
    fs::remove_file(place.path("2024-17.tar.tsr")).unwrap();
    for step in [&["--request"][..], &["--attach", "answer.tsr"]] {
        let refused = extract(&place, &[&["stamp", "2024-17.tar"], step].concat());
        assert!(
            refused.code == 1 && refused.err.contains("does not pass its checks, so it is not stamped"),
            "{refused:?}"
        );
    }
    assert!(!place.path("2024-17.tar.tsr").exists() && !place.path("2024-17.tar.tsq").exists());
}

#[test]
fn a_request_of_another_program_is_taken_and_a_strange_one_is_not_passed_over() {
    let place = usual();
    place.openssl(&[
        "ts",
        "-query",
        "-data",
        "tags",
        "-sha384",
        "-cert",
        "-tspolicy",
        "1.2.3.4.1",
        "-out",
        "2024-17.tar.tsq",
    ]);
    let (first, second) = (Reply::by("tsa", &["middle"]), Reply::by("tsa", &["middle"]));
    place.write("answer.tsr", place.answer("2024-17.tar.tsq", &first));
    let query = place.read("2024-17.tar.tsq");
    place.write("else", "another package\n");
    place.openssl(&["ts", "-query", "-data", "else", "-sha256", "-cert", "-out", "2024-17.tar.tsq"]);
    let attach = || extract(&place, &["stamp", "2024-17.tar", "--attach", "answer.tsr", "--tsa-ca", "root.pem"]);
    for strange in [place.read("2024-17.tar.tsq"), b"nothing".to_vec(), Vec::new()] {
        place.write("2024-17.tar.tsq", strange);
        let refused = attach();
        assert!(refused.code == 1 && refused.err.contains("is no request for a stamp of it: move that"), "{refused:?}");
    }
    // Of a request without a nonce any answer is one, with the same hash.
    place.openssl(&["ts", "-query", "-data", "tags", "-sha256", "-no_nonce", "-cert", "-out", "2024-17.tar.tsq"]);
    let other_hash = attach();
    assert!(other_hash.code == 1 && other_hash.err.contains("over the sha384 of the package, and the request asked"));
    place.write("2024-17.tar.tsq", query);
    assert_eq!((attach().code, place.path("2024-17.tar.tsr").exists()), (0, true));
    place.openssl(&["ts", "-query", "-data", "tags", "-sha256", "-no_nonce", "-cert", "-out", "2024-17.tar.2.tsq"]);
    place.write("answer.tsr", place.answer("2024-17.tar.2.tsq", &second));
    assert_eq!((attach().code, place.path("2024-17.tar.2.tsr").exists()), (0, true));
}

#[test]
fn a_step_is_required_and_only_one() {
    let place = Place::new();
    for arguments in [
        &["stamp", "a.tar"][..],
        &["stamp", "a.tar", "--request", "--attach", "b"],
        &["stamp", "a.tar", "--request", "--tsa-ca", "b"],
        &["stamp", "a.tar", "--attach", "b", "--hash", "sha512"],
        &["stamp", "a.tar", "--request", "--hash", "sha1"],
    ] {
        assert_eq!(extract(&place, arguments).code, 2, "{arguments:?}");
    }
    assert_eq!(extract(&place, &["stamp", "a.tar", "--request"]).code, 1, "there is no such package");
}

#[test]
fn the_commands_of_the_documents_check_a_stamp() {
    let place = usual();
    ask(&place, Hash::Sha256);
    place.write("answer.tsr", place.answer("q.tsq", &Reply::by("tsa", &["middle"])));
    assert_eq!(extract(&place, &["stamp", "2024-17.tar", "--attach", "answer.tsr"]).code, 0);
    place.write("CA.pem", place.read("root.pem"));
    let ours = format!("{} verify", env!("CARGO_BIN_EXE_extract"));
    run(place.folder(), "tar", &["-xf", "2024-17.tar"]);
    let readme = String::from_utf8(place.read("2024-17/README.txt")).unwrap();
    let (_, of_stamps) = readme.split_once("A time-stamp").unwrap();
    let commands: Vec<&str> = of_stamps.lines().filter(|line| line.starts_with("     ")).collect();
    let format = include_str!("../src/package/FORMAT.md").replace("ID.tar", "2024-17.tar").replace(" ID/", " 2024-17/");
    for commands in
        [commands.join("\n"), block_with("openssl ts", &format), block_with("openssl ts", include_str!("../README.md"))]
    {
        assert!(commands.contains("openssl ts -verify") && commands.contains("extract verify"), "{commands}");
        let line = format!("set -e\n{}", commands.replace("extract verify", &ours));
        let done = run(place.folder(), "bash", &["-c", &line]);
        assert!(done.code == 0 && done.out.contains("time-stamp    passed"), "{line}\n{done:?}");
        assert!(format!("{}{}", done.out, done.err).contains("Verification: OK"), "{done:?}");
    }
}

/// The block of commands of a document in which that command stands.
fn block_with(command: &str, document: &str) -> String {
    document.split("```").skip(1).step_by(2).find(|block| block.contains(command)).unwrap().to_owned()
}
