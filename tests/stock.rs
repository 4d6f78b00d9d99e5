//! One delivery of the example, from the run to the receipt, checked by the tools that everyone has: age, sha256sum, bagit.py,
//! ssh-keygen, openssl. The keys and the time-stamp authority are made here.

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/authority.rs"]
mod authority;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tool.rs"]
mod tool;

use std::fs;
use std::path::Path;
use std::process::Command;

use authority::{Place, Reply};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_extract");

/// Runs a command in the folder, which must succeed; what it says on standard output.
#[track_caller]
fn run(place: &Place, program: &str, arguments: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = format!("{}:{}", std::env::var("PATH").unwrap_or_default(), root.join("target/venv/bin").display());
    let output = Command::new(program).args(arguments).current_dir(place.folder()).env("PATH", path).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{said}{complaint}", output.status);
    said
}

/// A line of a shell, as the documents give them.
#[track_caller]
fn shell(place: &Place, line: &str) -> String {
    run(place, "bash", &["-o", "pipefail", "-c", line])
}

/// Runs the example for a recipient of age's, signed, and lets an authority stamp what comes of it.
fn delivered() -> Place {
    let place = Place::new();
    run(&place, "age-keygen", &["-o", "recipient.key"]);
    run(&place, "ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "provider"]);
    place.root("root", "rsa:2048").issue("tsa", "rsa:2048", "root", "stamps", &[]);
    let recipient = run(&place, "age-keygen", &["-y", "recipient.key"]);
    let order = Path::new(env!("CARGO_MANIFEST_DIR")).join("orders/2024-17.toml");
    let order = tool::text(&order);
    run(&place, PROGRAM, &["--order", order, "--recipient", recipient.trim(), "--sign", "provider", "--quiet"]);
    run(&place, PROGRAM, &["stamp", "2024-17.tar.age", "--identity", "recipient.key", "--request"]);
    place.write("answer.tsr", place.answer("2024-17.tar.tsq", &Reply::by("tsa", &[])));
    let attach = ["stamp", "2024-17.tar.age", "--identity", "recipient.key", "--attach", "answer.tsr"];
    run(&place, PROGRAM, &[&attach[..], &["--tsa-ca", "root.pem"]].concat());
    let key = fs::read_to_string(place.path("provider.pub")).unwrap();
    place.write("allowed", format!("provider {key}"));
    place
}

#[test]
fn a_delivery_of_the_example_is_opened_and_checked_by_the_tools_that_everyone_has() {
    let place = delivered();
    assert!(!place.path("2024-17.tar").exists(), "the tar was never there in clear");
    shell(&place, "age -d -i recipient.key 2024-17.tar.age > 2024-17.tar");
    run(&place, "tar", &["-xf", "2024-17.tar"]);
    shell(
        &place,
        "cd 2024-17 && sha256sum --strict -c manifest-sha256.txt && sha256sum --strict -c tagmanifest-sha256.txt",
    );
    match Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin/bagit.py")).arg("--help").output() {
        Ok(_) => drop(run(&place, "bagit.py", &["--validate", "2024-17"])),
        Err(error) => tool::Cannot::Tool(format!("bagit.py: {error}")).say("the bag by another program"),
    }
    shell(
        &place,
        "tar -xOf 2024-17.tar 2024-17/tagmanifest-sha256.txt | \
         ssh-keygen -Y verify -f allowed -I provider -n extract-package -s 2024-17.tar.sig",
    );
    shell(
        &place,
        "openssl ts -verify -data 2024-17/tagmanifest-sha256.txt -in 2024-17.tar.tsr -CAfile root.pem && \
         openssl ts -verify -queryfile 2024-17.tar.tsq -in 2024-17.tar.tsr -CAfile root.pem",
    );
    // Of another package none of it is true.
    shell(
        &place,
        "echo x >> 2024-17/tagmanifest-sha256.txt; \
         ! ssh-keygen -Y verify -f allowed -I provider -n extract-package -s 2024-17.tar.sig < 2024-17/tagmanifest-sha256.txt && \
         ! openssl ts -verify -data 2024-17/tagmanifest-sha256.txt -in 2024-17.tar.tsr -CAfile root.pem",
    );
}

#[test]
fn the_program_finds_the_same_in_the_tar_and_in_what_was_delivered_and_a_receipt_goes_back() {
    let place = delivered();
    shell(&place, "age -d -i recipient.key 2024-17.tar.age > 2024-17.tar");
    let named = ["--allowed-signers", "allowed", "--tsa-ca", "root.pem", "--json"];
    let encrypted = ["verify", "2024-17.tar.age", "--identity", "recipient.key"];
    let in_it = run(&place, PROGRAM, &[&encrypted[..], &named].concat());
    let plain = run(&place, PROGRAM, &[&["verify", "2024-17.tar"][..], &named].concat());
    assert_eq!(in_it, plain);
    let json: Value = serde_json::from_str(&plain).unwrap();
    for check in json["checks"].as_array().unwrap() {
        let expected = if check["name"] == "withholds" { "not-possible" } else { "passed" };
        assert_eq!(check["state"], expected, "{check}");
    }
    run(&place, "ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "constable"]);
    let receipt = ["receipt", "2024-17.tar.age", "--identity", "recipient.key", "--recipient-name", "PC 4711"];
    run(&place, PROGRAM, &[&receipt[..], &["--sign", "constable"]].concat());
    let key = fs::read_to_string(place.path("constable.pub")).unwrap();
    place.write("constables", format!("constable {key}"));
    shell(
        &place,
        "ssh-keygen -Y verify -f constables -I constable -n extract-receipt -s 2024-17.tar.receipt.sig < 2024-17.tar.receipt",
    );
    let check = ["receipt", "2024-17.tar.age", "--check", "2024-17.tar.receipt", "--allowed-signers", "constables"];
    let said = run(&place, PROGRAM, &check);
    assert!(said.contains("it is for this very file") && said.contains("constable"), "{said}");
}
