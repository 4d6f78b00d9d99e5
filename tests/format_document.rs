//! The document of the package's format, held against a package: it names every member and every key, and its commands say what
//! it says they say.

mod case;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use case::{Case, log_line};
use extract::order::Extension;
use extract::package::layout::Member;
use serde_json::Value;

const DOCUMENT: &str = include_str!("../src/package/FORMAT.md");

/// Every key of an object and of what is in it.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                found.insert(name.clone());
                // The clocks of `times` are values more than names.
                if name != "times" {
                    keys(value, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

/// A package with whole files, lines, messages, reduced and joined records, positions and counts of what was examined.
fn package() -> Case {
    let case = Case::new();
    case.file("/access.log", log_line("192.0.2.7", "25/Mar/2024:10:00:00 +0000"));
    case.file("/new/1711360000.a.b", "From: alice@shop.example\nDate: Mon, 25 Mar 2024 10:00:00 +0000\n\nhello\n");
    case.file("/docs/a.txt", "hello\n");
    case.file(
        "/mail.log",
        "2024-03-25T10:00:00Z mx postfix/qmgr[3]: 4F2A11C3: from=<alice@shop.example>, size=10, nrcpt=1 (queue active)\n\
         2024-03-25T10:00:01Z mx postfix/qmgr[3]: 4F2A11C3: removed\n",
    );
    let clause = |id: &str, keys: &str| {
        format!("[[clause]]\nid = \"{id}\"\ntext = \"x\"\nsource = \"s\"\ncategory = \"content\"\n{keys}\n\n")
    };
    let alice = "identifiers = [{ email = \"alice@shop.example\" }]";
    let day = |clock: &str| format!("window = {{ from = 2024-03-25, through = 2024-03-25, clock = \"{clock}\" }}");
    let clauses = [
        clause("1", "paths = [\"/docs/*\"]\ntake = \"files\""),
        clause("2", "paths = [\"/access.log\"]\ntake = \"records\"\neverything = true"),
        clause(
            "3",
            &format!("paths = [\"/new/*\"]\ntake = \"records\"\nas = \"eml\"\n{alice}\n{}", day("date-header")),
        ),
        clause(
            "4",
            &format!(
                "paths = [\"/new/*\"]\ntake = \"records\"\nas = \"eml\"\n{alice}\nunit = \"message-without-attachments\""
            ),
        ),
        clause(
            "5",
            "paths = [\"/access.log\"]\ntake = \"records\"\nas = \"access-log\"\neverything = true\nfields = [\"client\"]",
        ),
        clause(
            "6",
            &format!("paths = [\"/mail.log\"]\ntake = \"records\"\nas = \"postfix\"\njoin = \"queue-id\"\n{alice}"),
        ),
        clause("7", "paths = [\"/nowhere\"]\ntake = \"files\""),
    ];
    case.order_on("source", "disclose = { positions = true, examined = true }", "", &clauses.concat());
    case.run().ends_with(3);
    case
}

#[test]
fn the_document_names_every_member_and_every_key_of_a_package() {
    let case = package();
    let package = case.package();
    for member in Member::ALWAYS {
        assert!(DOCUMENT.contains(&format!("`{member}`")), "{member} is not in the document");
    }
    for extension in Extension::ALL {
        assert!(DOCUMENT.contains(&format!("`{}` (", extension.name())), "{} is not in the document", extension.name());
    }
    let mut found = BTreeSet::new();
    for name in package.names.iter().filter(|name| name.ends_with(".jsonl") || name.as_str() == "disclosure.json") {
        if name.starts_with("data/") {
            continue;
        }
        let text = std::str::from_utf8(package.member(name)).unwrap();
        text.lines().for_each(|line| keys(&serde_json::from_str(line).unwrap(), &mut found));
    }
    for key in ["because", "reduced", "left_out", "offset", "examined", "shortfalls", "custodian", "clock", "records"] {
        assert!(found.contains(key), "the package has no {key}: this test must make one");
    }
    for key in found {
        assert!(DOCUMENT.contains(&format!("`{key}`")), "the key {key} is not in the document");
    }
}

#[test]
fn the_commands_of_the_document_say_what_it_says() {
    let case = package();
    let package = case.package();
    let run = |command: &str| {
        let output = Command::new("bash").args(["-c", command]).current_dir(case.path("")).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let block = DOCUMENT.split("## How to check a package").nth(1).unwrap().split("```").nth(1).unwrap();
    let lines: Vec<&str> = block.trim().lines().map(|line| line.split("   ").next().unwrap().trim()).collect();
    let [unpack, sums, digest, ledger] = lines[..] else { panic!("four commands: {lines:?}") };
    run(&unpack.replace("ID.tar", "out.tar").replace("cd ID", "cd 2024-17"));
    assert!(Path::new(&case.path("2024-17/bagit.txt")).is_file());
    run(&format!("cd 2024-17 && {sums}"));
    let disclosure = package.disclosure();
    for (command, key) in [(digest, "digest"), (ledger, "ledger_sha256")] {
        let sum = run(&format!("cd 2024-17 && {command}"));
        assert_eq!(Some(sum.split(' ').next().unwrap()), disclosure[key].as_str(), "{command}");
    }
}
