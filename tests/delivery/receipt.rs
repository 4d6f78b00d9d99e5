//! The receipt: what is in it, whom it is for, and what is none.

use std::fs;

use super::case::{Case, text, tool};
use super::{NAME, encrypted, read};

const RECEIPT: &str = "2024-17.tar.receipt";

fn make(case: &Case, more: &[&str]) -> super::case::Said {
    let arguments = ["receipt", NAME, "--recipient-name", "PC 4711, Example Constabulary", "--identity", "age.key"];
    case.extract(&[&arguments[..], more].concat())
}

fn value(receipt: &str, key: &str) -> String {
    let line = receipt.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {key} in:\n{receipt}")).to_owned()
}

fn sha256(case: &Case, name: &str) -> String {
    tool("sha256sum", &[text(&case.path(name))]).split(' ').next().unwrap().to_owned()
}

#[test]
fn a_receipt_says_what_was_received_and_openssh_takes_its_signature() {
    let case = encrypted();
    make(&case, &["--sign", "ed25519"]).ends_with(0);
    let receipt = read(&case, RECEIPT);
    tool(
        "age",
        &["-d", "-i", text(&case.path("age.key")), "-o", text(&case.path("2024-17.tar")), text(&case.path(NAME))],
    );
    tool("tar", &["-C", text(&case.path("")), "-xf", text(&case.path("2024-17.tar"))]);
    let disclosure: serde_json::Value = serde_json::from_str(&read(&case, "2024-17/disclosure.json")).unwrap();
    for (key, expected) in [
        ("order", "2024-17".to_owned()),
        ("digest", disclosure["digest"].as_str().unwrap().to_owned()),
        ("tagmanifest-sha256", sha256(&case, "2024-17/tagmanifest-sha256.txt")),
        ("tar-sha256", sha256(&case, "2024-17.tar")),
        ("tar-bytes", fs::metadata(case.path("2024-17.tar")).unwrap().len().to_string()),
        ("file-sha256", sha256(&case, NAME)),
        ("file-bytes", fs::metadata(case.path(NAME)).unwrap().len().to_string()),
        ("recipient", "PC 4711, Example Constabulary".to_owned()),
        ("signed-by", "nobody".to_owned()),
        ("check scope", "passed".to_owned()),
        ("check withholds", "not-possible".to_owned()),
    ] {
        assert_eq!(value(&receipt, key), expected, "{key}");
    }
    assert!(value(&receipt, "checked").ends_with('Z'), "{receipt}");
    fs::write(case.path("allowed"), format!("constable {}\n", read(&case, "ed25519.pub"))).unwrap();
    let check = |name: &str, signature: &str| {
        let line = format!(
            "cd {} && ssh-keygen -Y verify -f allowed -I constable -n extract-receipt -s {signature} < {name}",
            text(&case.path(""))
        );
        tool("bash", &["-c", &line])
    };
    check(RECEIPT, "2024-17.tar.receipt.sig");
    // The other way round: signed by stock OpenSSH. The file is a new one, with the next number.
    make(&case, &[]).ends_with(0);
    let second = "2024-17.tar.2.receipt";
    let (key, unsigned) = (case.path("ed25519"), case.path(second));
    tool("ssh-keygen", &["-Y", "sign", "-n", "extract-receipt", "-f", text(&key), text(&unsigned)]);
    for receipt in [RECEIPT, second] {
        for package in [NAME, "2024-17.tar"] {
            let said = case.extract(&["receipt", package, "--check", receipt, "--allowed-signers", "allowed"]);
            said.ends_with(0);
            assert!(
                said.stdout.contains("it is for this very file") && said.stdout.contains("of constable"),
                "{said:?}"
            );
        }
    }
    // Signatures of a receipt are none of the package.
    case.extract(&["verify", "2024-17.tar"]).ends_with(0);
}

#[test]
fn who_signed_the_package_stands_in_its_receipt() {
    let case = encrypted();
    case.extract(&["sign", NAME, "--key", "rsa", "--identity", "age.key"]).ends_with(0);
    fs::write(case.path("allowed"), format!("provider {}\n", read(&case, "rsa.pub"))).unwrap();
    make(&case, &["--allowed-signers", "allowed", "--output", "mine"]).ends_with(0);
    let receipt = read(&case, "mine");
    assert!(value(&receipt, "signed-by").starts_with("provider (SHA256:"), "{receipt}");
    assert_eq!(value(&receipt, "check signature"), "passed");
    // Once more under that name, and with other signers: no receipt.
    make(&case, &["--output", "mine"]).ends_with(1).names(&["no file is overwritten"]);
    fs::write(case.path("allowed"), format!("provider {}\n", read(&case, "ed25519.pub"))).unwrap();
    make(&case, &["--allowed-signers", "allowed"]).ends_with(1).names(&["no receipt", "signature: "]);
    assert!(!case.path(RECEIPT).exists());
}

#[test]
fn a_receipt_for_another_package_or_changed_or_by_another_key_does_not_count() {
    let case = encrypted();
    make(&case, &["--sign", "ed25519"]).ends_with(0);
    fs::write(case.path("allowed"), format!("constable {}\n", read(&case, "ed25519.pub"))).unwrap();
    fs::write(case.path("others"), format!("constable {}\n", read(&case, "rsa.pub"))).unwrap();
    let check = |package: &str, receipt: &str, allowed: &str| {
        case.extract(&["receipt", package, "--check", receipt, "--allowed-signers", allowed])
    };
    check(NAME, RECEIPT, "allowed").ends_with(0);
    let said = check("order.toml", RECEIPT, "allowed");
    said.ends_with(1);
    assert!(said.stdout.contains("NOT for this file"), "{said:?}");
    let said = check(NAME, RECEIPT, "others");
    said.ends_with(1);
    assert!(said.stdout.contains("does not count: no line"), "{said:?}");
    let receipt = fs::read_to_string(case.path(RECEIPT)).unwrap();
    let signature = fs::read(case.path("2024-17.tar.receipt.sig")).unwrap();
    for (from, to) in [("PC 4711", "PC 4712"), ("scope: passed", "scope: failed")] {
        fs::write(case.path("changed"), receipt.replace(from, to)).unwrap();
        fs::write(case.path("changed.sig"), &signature).unwrap();
        let said = check(NAME, "changed", "allowed");
        said.ends_with(1);
        assert!(said.stdout.contains("no signature of the key"), "{said:?}");
    }
    fs::remove_file(case.path("changed.sig")).unwrap();
    check(NAME, "changed", "allowed").ends_with(1);
    let said = case.extract(&["receipt", NAME, "--check", RECEIPT]);
    said.ends_with(0);
    assert!(said.stdout.contains("nobody said whose that is"), "{said:?}");
    for (name, content) in [("none", "x\n"), ("cut", &receipt[..receipt.len() / 2]), ("long", &"x".repeat(70_000))] {
        fs::write(case.path(name), content).unwrap();
        check(NAME, name, "allowed").ends_with(1).names(&[name]);
    }
    // A signature over a package is none over a receipt, and the other way round.
    case.extract(&["sign", NAME, "--key", "ed25519", "--identity", "age.key"]).ends_with(0);
    fs::copy(case.path("2024-17.tar.sig"), case.path("2024-17.tar.receipt.sig")).unwrap();
    let said = check(NAME, RECEIPT, "allowed");
    said.ends_with(1);
    assert!(said.stdout.contains("not for extract-receipt"), "{said:?}");
}

#[test]
fn there_is_no_receipt_for_a_package_with_findings_or_without_a_name() {
    let case = encrypted();
    tool("age", &["-d", "-i", text(&case.path("age.key")), "-o", text(&case.path("p.tar")), text(&case.path(NAME))]);
    let mut bytes = fs::read(case.path("p.tar")).unwrap();
    let at = memchr::memmem::find(&bytes, super::CANARY.as_bytes()).unwrap();
    bytes[at] ^= 1;
    fs::write(case.path("bad.tar"), bytes).unwrap();
    let name = ["--recipient-name", "PC 4711"];
    case.extract(&[&["receipt", "bad.tar"], &name[..]].concat()).ends_with(1).names(&["there is no receipt for it"]);
    assert!(!case.path("bad.tar.receipt").exists());
    case.extract(&[&["receipt", "p.tar"], &name[..]].concat()).ends_with(0);
    case.extract(&[&["receipt", NAME], &name[..]].concat()).ends_with(1).names(&["--identity"]);
    case.extract(&["receipt", "p.tar"]).ends_with(2).names(&["--recipient-name"]);
    case.extract(&["receipt", "p.tar", "--recipient-name", "a\nb"]).ends_with(2).names(&["one line"]);
    case.extract(&["receipt", "p.tar", "--recipient-name", "x", "--check", "y"]).ends_with(2);
}

#[test]
fn the_commands_of_the_format_document_do_what_it_says() {
    const DOCUMENT: &str = include_str!("../../src/package/FORMAT.md");
    let case = encrypted();
    let block = |title: &str| DOCUMENT.split(title).nth(1).unwrap().split("```").nth(1).unwrap().trim().to_owned();
    let run = |commands: &str| {
        let commands = commands.replace("extract ", &format!("{} ", env!("CARGO_BIN_EXE_extract")));
        let commands =
            commands.replace(" IDENTITY", " age.key").replace(" KEY", " ed25519").replace("ID.tar", "2024-17.tar");
        let line = format!("set -e; cd {}\n{commands}", text(&case.path("")));
        tool("bash", &["-c", &line])
    };
    run(&block("## An encrypted package\n"));
    case.extract(&["verify", "2024-17.tar"]).ends_with(0);
    make(&case, &[]).ends_with(0);
    fs::write(case.path("allowed_signers"), format!("constable {}\n", read(&case, "ed25519.pub"))).unwrap();
    let said = run(&block("## The receipt\n"));
    assert!(said.contains("it is for this very file") && said.contains("is that of constable"), "{said}");
}
