//! The two orders over the example server, run as the README tells, against the truth that the server's script wrote.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// The checkout's root.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs the program in the checkout's root.
fn extract(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_extract"))
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("the program starts")
}

/// What a process said, for the message of a test that fails.
fn said(output: &Output) -> String {
    format!(
        "{}\nstdout:\n{}\nstderr:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A run of an order into a folder of its own.
struct Run {
    folder: TempDir,
    id: String,
    output: Output,
}

impl Run {
    fn of(order: &str, id: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let package = folder.path().join(format!("{id}.tar"));
        let output = extract(&["--order", order, "--output", package.to_str().expect("UTF-8"), "--quiet"]);
        Self { folder, id: id.to_owned(), output }
    }

    fn package(&self) -> PathBuf {
        self.folder.path().join(format!("{}.tar", self.id))
    }

    /// The members of the package by name, without the top folder.
    fn members(&self) -> BTreeMap<String, Vec<u8>> {
        let mut archive = tar::Archive::new(fs::File::open(self.package()).expect("a package"));
        let mut members = BTreeMap::new();
        for entry in archive.entries().expect("a tar") {
            let mut entry = entry.expect("a member");
            let name = entry.path().expect("a name").to_string_lossy().into_owned();
            let name = name.strip_prefix(&format!("{}/", self.id)).expect("one top folder").to_owned();
            let mut data = Vec::new();
            entry.read_to_end(&mut data).expect("its bytes");
            members.insert(name, data);
        }
        members
    }
}

fn json_of(data: &[u8]) -> Value {
    serde_json::from_slice(data).expect("JSON")
}

fn sha256(data: &[u8]) -> String {
    Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the script that made the server says.
fn expected() -> Value {
    json_of(&fs::read(root().join("examples/mail01.expected.json")).expect("the truth"))
}

/// The SHA-256 of what each clause disclosed, sorted, out of the ledger; each is checked against the bytes in `data/`.
fn exhibits_by_clause(members: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in String::from_utf8_lossy(&members["exhibits.jsonl"]).lines() {
        let exhibit = json_of(line.as_bytes());
        let file = exhibit["file"].as_str().expect("a file");
        let data = members.get(file).or_else(|| members.get(&format!("data/{file}"))).expect("its bytes");
        let digest = sha256(data);
        assert_eq!(exhibit["sha256"], json!(digest), "{exhibit}");
        assert_eq!(exhibit["bytes"], json!(data.len()), "{exhibit}");
        for clause in exhibit["clauses"].as_array().expect("clauses") {
            found.entry(clause.as_str().expect("a clause").to_owned()).or_default().push(digest.clone());
        }
    }
    found.values_mut().for_each(|digests| digests.sort());
    found
}

/// Runs an order of `orders/` and holds everything that it disclosed and said against the truth.
fn assert_run_is_true(id: &str) -> Run {
    let truth = &expected()["orders"][id];
    let run = Run::of(&format!("orders/{id}.toml"), id);
    assert_eq!(run.output.status.code().map(i64::from), truth["exit"].as_i64(), "{}", said(&run.output));
    let members = run.members();
    let disclosure = json_of(&members["disclosure.json"]);
    let mut exhibits = exhibits_by_clause(&members);
    let clauses = disclosure["clauses"].as_array().expect("clauses");
    let told = truth["clauses"].as_object().expect("clauses");
    assert_eq!(clauses.len(), told.len());
    let mut disclosed = 0;
    for clause in clauses {
        let name = clause["id"].as_str().expect("an id");
        for member in ["outcome", "files", "records", "bytes", "withheld", "undecided"] {
            assert_eq!(clause[member], told[name][member], "clause {name}: {member}");
        }
        let digests = json!(exhibits.remove(name).unwrap_or_default());
        assert_eq!(digests, told[name]["exhibits"], "clause {name}");
        disclosed += digests.as_array().map_or(0, Vec::len);
    }
    assert!(exhibits.is_empty(), "exhibits of clauses that the order has not");
    let payload = members.keys().filter(|name| name.starts_with("data/")).count();
    assert_eq!(payload, disclosed, "no clause overlaps another here, so each file in data/ is of one clause");
    let shortfalls: Vec<Value> = disclosure["shortfalls"]
        .as_array()
        .expect("shortfalls")
        .iter()
        .map(|short| json!([short["clause"], short["kind"], short["count"]]))
        .collect();
    assert_eq!(json!(shortfalls), truth["shortfalls"]);
    run
}

#[test]
fn the_image_is_the_one_that_its_orders_name() {
    let image = fs::read(root().join("examples/mail01.qcow2")).expect("the image");
    let digest = sha256(&image);
    assert!(image.len() <= 2 * 1024 * 1024, "{} bytes", image.len());
    assert_eq!(expected()["image"], json!({ "sha256": digest, "bytes": image.len() }));
    for order in ["orders/2024-17.toml", "orders/2024-18.toml"] {
        let text = fs::read_to_string(root().join(order)).expect("an order");
        assert!(text.contains(&format!("sha256 = \"{digest}\"")), "{order} names another image than {digest}");
    }
}

#[test]
fn every_order_here_is_found_valid_without_a_warning() {
    for order in ["orders/2024-17.toml", "orders/2024-18.toml", "benches/server.toml"] {
        let output = extract(&["check", order]);
        assert_eq!(output.status.code(), Some(0), "{order}: {}", said(&output));
        assert!(!said(&output).contains("warning"), "{order}: {}", said(&output));
    }
}

#[test]
fn the_first_order_completes_with_exactly_what_its_words_ask_for() {
    let run = assert_run_is_true("2024-17");
    let package = fs::read(run.package()).expect("the package");
    // Neither what a deleted file held, nor what was withheld, nor whose lawyer it is.
    for word in ["deleted before the order came", "Let us settle", "lawfirm.example"] {
        assert!(memchr::memmem::find(&package, word.as_bytes()).is_none(), "{word}");
    }
    assert!(memchr::memmem::find(&package, b"\n>From Monday on").is_some(), "a quoted From_ stays as it is stored");
}

#[test]
fn the_second_order_says_what_it_could_not_do() {
    let run = assert_run_is_true("2024-18");
    assert!(run.output.stdout.is_empty() && run.output.stderr.is_empty(), "--quiet: {}", said(&run.output));
    let aloud = extract(&["--order", "orders/2024-18.toml", "--dry-run"]);
    let words = said(&aloud);
    for word in ["no-such-path", "link-not-followed", "undecided"] {
        assert!(words.contains(word), "{word}: {words}");
    }
    for secret in ["bob@supplies.example", "2 more, please", "Order 0008", "mail01.qcow2", "lawfirm"] {
        assert!(!words.contains(secret), "{secret}: {words}");
    }
    let staff = said(&extract(&["explain", "--order", "orders/2024-18.toml", "--undecided"]));
    assert_eq!(staff.matches("undecided\n").count(), 3, "two messages and a line, for staff alone: {staff}");
}

#[test]
fn the_readme_gives_two_commands_and_the_truth_about_the_example() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let commands = readme.split("```\n").nth(1).expect("a block");
    assert_eq!(commands, "cargo run --release -- --order orders/2024-17.toml\ntests/run\n");
    let before = readme.split("```\n").next().expect("what stands before it");
    assert!(
        before.trim().lines().skip(1).filter(|line| !line.is_empty()).count() <= 10,
        "ten lines before the commands"
    );
    let clauses = &expected()["orders"]["2024-17"]["clauses"];
    let count = |clause: &str, member: &str| clauses[clause][member].as_u64().expect("a count");
    for said in [
        format!("{} messages; {} more are withheld", count("3a", "records"), count("3a", "withheld")),
        format!("{} lines out of four logs", count("3b", "records")),
        format!("{} files; {} more is withheld", count("3c", "files"), count("3c", "withheld")),
    ] {
        assert!(readme.contains(&said), "the README does not say: {said}");
    }
}

#[test]
fn a_preview_has_the_digest_of_its_run() {
    for id in ["2024-17", "2024-18"] {
        let order = format!("orders/{id}.toml");
        let run = Run::of(&order, id);
        let sealed = json_of(&run.members()["disclosure.json"]);
        let preview = extract(&["--order", &order, "--dry-run", "--json"]);
        assert_eq!(preview.status.code(), run.output.status.code(), "{}", said(&preview));
        let preview = json_of(&preview.stdout);
        assert!(sealed["digest"].is_string());
        for (member, value) in sealed.as_object().expect("an object") {
            if member != "clauses" && member != "totals" {
                assert_eq!(&preview[member], value, "{id}: {member}");
            }
        }
    }
}

/// A stock tool, or a printed reason for going without it. `tests/run` installs them all and lets none be missing.
fn tool(name: &str, beside: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = beside.iter().map(|folder| root().join(folder)).chain(std::env::split_paths(&path));
    let found = folders.map(|folder| folder.join(name)).find(|candidate| candidate.is_file());
    if found.is_none() {
        assert!(std::env::var_os("EXTRACT_TOOLS").is_none(), "{name} is required here, and not there");
        eprintln!("not checked with {name}: it is not installed (tests/run installs it)");
    }
    found
}

/// The package passes our own check and those of tools that know nothing of us.
fn assert_everyone_can_check(package: &Path, id: &str) {
    let output = extract(&["verify", package.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let folder = tempfile::tempdir().expect("a folder");
    let unpacked = Command::new("tar").arg("-xf").arg(package).arg("-C").arg(folder.path()).output().expect("tar");
    assert!(unpacked.status.success(), "{}", said(&unpacked));
    let bag = folder.path().join(id);
    for manifest in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
        let summed =
            Command::new("sha256sum").args(["--strict", "-c", manifest]).current_dir(&bag).output().expect("sha256sum");
        assert!(summed.status.success(), "{manifest}: {}", said(&summed));
    }
    if let Some(bagit) = tool("bagit.py", &["target/venv/bin"]) {
        let valid = Command::new(bagit).arg("--validate").arg(&bag).output().expect("bagit.py");
        assert!(valid.status.success(), "{}", said(&valid));
    }
}

#[test]
fn the_packages_pass_the_tools_that_everyone_has() {
    for id in ["2024-17", "2024-18"] {
        let run = Run::of(&format!("orders/{id}.toml"), id);
        assert_everyone_can_check(&run.package(), id);
    }
}

#[test]
fn a_package_with_nothing_to_disclose_passes_them_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let order = fs::read_to_string(root().join("orders/2024-17.toml")).expect("an order");
    // The year before: everything is there to be read, and nothing is asked for.
    let order = order
        .replace("2024-03-", "2023-03-")
        .replace("through = 2024-04-", "through = 2023-04-")
        .replace(" 2024\"", " 2023\"");
    let order = order.replace("2024-17", "nothing");
    let provider = fs::read_to_string(root().join("orders/2024-17.provider.toml")).expect("a provider file");
    let provider = provider.replace("../examples", root().join("examples").to_str().expect("UTF-8"));
    fs::write(folder.path().join("nothing.toml"), order).expect("an order");
    fs::write(folder.path().join("nothing.provider.toml"), provider).expect("a provider file");
    let run = Run::of(folder.path().join("nothing.toml").to_str().expect("UTF-8"), "nothing");
    assert_eq!(run.output.status.code(), Some(0), "{}", said(&run.output));
    let members = run.members();
    assert_eq!(members["data/000000.txt"], b"nothing disclosed under this order\n");
    assert!(members["exhibits.jsonl"].is_empty());
    let disclosure = json_of(&members["disclosure.json"]);
    assert_eq!(disclosure["totals"], json!({ "files": 0, "records": 0, "bytes": 0, "withheld": 0, "undecided": 0 }));
    for clause in disclosure["clauses"].as_array().expect("clauses") {
        assert_eq!(clause["outcome"], "nothing-held");
    }
    assert_everyone_can_check(&run.package(), "nothing");
}

#[test]
fn the_script_makes_the_same_server_each_time() {
    let sbin = ["/usr/sbin", "/sbin"];
    let tools = [tool("python3", &[]), tool("qemu-img", &[]), tool("mke2fs", &sbin), tool("debugfs", &sbin)];
    if tools.iter().any(Option::is_none) {
        eprintln!("not checked: that examples/make_mail01 makes examples/mail01.qcow2");
        return;
    }
    let made: Vec<(Vec<u8>, Value)> = (0..2)
        .map(|_| {
            let folder = tempfile::tempdir().expect("a folder");
            let output = Command::new("python3")
                .arg(root().join("examples/make_mail01"))
                .arg(folder.path())
                .output()
                .expect("python3");
            assert!(output.status.success(), "{}", said(&output));
            let image = fs::read(folder.path().join("mail01.qcow2")).expect("the image");
            (image, json_of(&fs::read(folder.path().join("mail01.expected.json")).expect("the truth")))
        })
        .collect();
    assert!(made[0] == made[1], "two runs on one machine differ");
    let (image, truth) = &made[0];
    let committed = expected();
    assert_eq!(truth["orders"], committed["orders"], "what is on the server is the same on every machine");
    if truth["made_with"] == committed["made_with"] {
        assert_eq!(truth["image"], committed["image"], "{} bytes", image.len());
    } else {
        eprintln!(
            "bytes not compared with the committed image: it was made with {}, here is {}",
            committed["made_with"], truth["made_with"]
        );
    }
}
