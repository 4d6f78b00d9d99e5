//! Packages that are encrypted to their recipients, through the program: held against stock `age` in both directions, and
//! every way in which one does not open; and the receipt that comes back.

#[path = "../case/mod.rs"]
mod case;
mod damage;
mod disk;
mod receipt;

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Stdio;

use case::{Case, Package, log_line, text, tool};

/// What no file beside the sources may hold as it is.
const CANARY: &str = "canary-b71f";
const NAME: &str = "2024-17.tar.age";

/// A server, an order over it, and keys: `age.key`, `ed25519`, `rsa`, and for each its public half in `NAME.pub`.
fn place() -> Case {
    let case = Case::new();
    case.file("/docs/a.txt", format!("{CANARY}\n").repeat(20_000));
    case.file("/access.log", log_line("192.0.2.7", "25/Mar/2024:10:00:00 +0000").repeat(100));
    let clause = |id: &str, keys: &str| {
        format!("[[clause]]\nid = \"{id}\"\ntext = \"x\"\nsource = \"s\"\ncategory = \"content\"\n{keys}\n\n")
    };
    let clauses = [
        clause("1", "paths = [\"/docs/*\"]\ntake = \"files\""),
        clause("2", "paths = [\"/access.log\"]\ntake = \"records\"\nidentifiers = [{ ip = \"192.0.2.7\" }]"),
    ];
    case.order("", &clauses.concat());
    keygen(&case, "age.key");
    for (name, kind) in [("ed25519", &["ed25519"][..]), ("rsa", &["rsa", "-b", "2048"])] {
        ssh_keygen(&case, name, kind, "");
    }
    case
}

fn keygen(case: &Case, name: &str) {
    tool("age-keygen", &["-o", text(&case.path(name))]);
    fs::write(case.path(&format!("{name}.pub")), tool("age-keygen", &["-y", text(&case.path(name))])).unwrap();
}

fn ssh_keygen(case: &Case, name: &str, kind: &[&str], passphrase: &str) {
    let path = case.path(name);
    let arguments = [&["-q", "-N", passphrase, "-C", "", "-f", text(&path), "-t"], kind].concat();
    tool("ssh-keygen", &arguments);
}

fn read(case: &Case, name: &str) -> String {
    fs::read_to_string(case.path(name)).unwrap().trim().to_owned()
}

/// The run, encrypted to the owner of `age.key`.
fn encrypted() -> Case {
    let case = place();
    case.extract(&["--order", "order.toml", "--quiet", "--recipient", &read(&case, "age.key.pub")]).ends_with(0);
    case
}

/// Everything in a package that does not differ between two runs.
fn fixed(package: &Package) -> Vec<(String, Vec<u8>)> {
    let differs = ["custody.jsonl", "bag-info.txt", "tagmanifest-sha256.txt"];
    let names = package.names.iter().filter(|name| !differs.contains(&name.as_str()));
    names.map(|name| (name.clone(), package.member(name).to_vec())).collect()
}

#[test]
fn each_recipient_opens_it_with_stock_age_and_finds_the_package_that_is_made_without_encryption() {
    let case = place();
    case.run().ends_with(0);
    let plain = case.package();
    fs::remove_file(case.path("2024-17.audit.jsonl")).unwrap();
    fs::write(case.path("list"), format!("# the unit's\n\n{}\n", read(&case, "rsa.pub"))).unwrap();
    let (one, two) = (read(&case, "age.key.pub"), format!("{} some one", read(&case, "ed25519.pub")));
    let order = ["--order", "order.toml", "--recipient", &one, "--recipient", &two, "--recipient", "list"];
    let said = case.extract(&order);
    said.ends_with(0);
    assert!(said.stdout.starts_with("sealed 2024-17.tar.age, encrypted to 3 recipients\n"), "{}", said.stdout);
    assert!(!case.path("2024-17.tar").exists());
    for key in ["age.key", "ed25519", "rsa"] {
        let tar = case.path("opened.tar");
        tool("age", &["-d", "-i", text(&case.path(key)), "-o", text(&tar), text(&case.path(NAME))]);
        assert_eq!(fixed(&Package::read(&tar)), fixed(&plain), "{key}");
        let said = case.extract(&["verify", NAME, "--identity", key, "--json"]);
        said.ends_with(0);
        assert_eq!(said.json()["digest"], plain.disclosure()["digest"], "{key}");
        case.extract(&["verify", "opened.tar"]).ends_with(0);
        fs::remove_file(tar).unwrap();
    }
    // Several identities are tried; one that does not fit is no harm.
    keygen(&case, "other.key");
    case.extract(&["verify", NAME, "--identity", "other.key", "--identity", "rsa"]).ends_with(0);
}

#[test]
fn what_stock_age_encrypted_is_verified_and_what_is_not_read_of_it_is_refused_with_words() {
    let case = place();
    case.run().ends_with(0);
    for key in ["age.key", "ed25519", "rsa"] {
        let (to, from) = (case.path("stock"), case.path("out.tar"));
        tool("age", &["-R", text(&case.path(&format!("{key}.pub"))), "-o", text(&to), text(&from)]);
        // It is told by its first line: the name says nothing.
        case.extract(&["verify", "stock", "--identity", key]).ends_with(0);
        fs::remove_file(to).unwrap();
    }
    let armored = case.path("armored.age");
    let public = read(&case, "age.key.pub");
    tool("age", &["-a", "-r", &public, "-o", text(&armored), text(&case.path("out.tar"))]);
    case.extract(&["verify", "armored.age", "--identity", "age.key"]).ends_with(1).names(&["armor", "hint: age -d"]);
    // Something else that was encrypted is no package.
    tool("age", &["-r", &public, "-o", text(&case.path("else")), text(&case.path("order.toml"))]);
    case.extract(&["verify", "else", "--identity", "age.key"]).ends_with(1);
}

#[test]
fn without_the_right_identity_nothing_is_told_and_the_way_on_is_said() {
    let case = encrypted();
    keygen(&case, "other.key");
    ssh_keygen(&case, "ecdsa", &["ecdsa"], "");
    ssh_keygen(&case, "pem", &["rsa", "-m", "PEM"], "");
    fs::write(case.path("nonsense"), "AGE-SECRET-KEY-1VERYSECRET\n").unwrap();
    fs::write(case.path("empty"), "# none\n").unwrap();
    case.extract(&["verify", NAME]).ends_with(1).names(&["it is encrypted, and no identity", "hint: ", "--identity"]);
    for (key, code, words) in [
        ("other.key", 1, "none of the identities opens it"),
        ("ed25519", 1, "none of the identities opens it"),
        ("missing", 2, "missing: "),
        ("source", 2, "folder"),
        ("age.key.pub", 2, "public key"),
        ("ed25519.pub", 2, "public key"),
        ("ecdsa", 2, "ssh-ed25519 and ssh-rsa"),
        ("pem", 2, "hint: ssh-keygen -p"),
        ("nonsense", 2, "line 1 is no identity of age"),
        ("empty", 2, "no identity"),
    ] {
        let said = case.extract(&["verify", NAME, "--identity", key]);
        said.ends_with(code).names(&[words]);
        assert!(said.stdout.is_empty() && !said.stderr.contains("VERY"), "{key}: {said:?}");
        let said = case.extract(&["replay", NAME, "--order", "order.toml", "--identity", key]);
        said.ends_with(code).names(&[words]);
        let said = case.extract(&["sign", NAME, "--key", "ed25519", "--identity", key]);
        said.ends_with(code).names(&[words]);
    }
    let plain = case.extract(&["verify", "order.toml"]);
    assert!(plain.code == Some(1) && plain.stderr.is_empty(), "a plain file is verified as before: {plain:?}");
}

#[test]
fn a_recipient_that_is_none_is_refused_before_anything_is_read_and_a_secret_is_not_shown() {
    let case = place();
    let secret = read(&case, "age.key").lines().last().unwrap().to_owned();
    fs::write(case.path("list"), format!("{}\n{secret}\n", read(&case, "age.key.pub"))).unwrap();
    fs::remove_file(case.path("order.toml")).unwrap();
    let public = read(&case, "age.key.pub");
    let cut = public.strip_suffix(|_: char| true).unwrap();
    for (recipient, words) in [
        (cut, "number 2: this is no key of age"),
        (&secret, "number 2: this is a private key"),
        ("list", "list: line 2: this is a private key"),
        ("missing", "missing: it is no key, and no file"),
        ("source", "source: a file of recipients is a regular text file"),
        ("ed25519", "this is a private key"),
        ("ssh-rsa AAAA", "number 2: this is no key of SSH"),
    ] {
        let said = case.extract(&["--order", "order.toml", "--recipient", &public, "--recipient", recipient]);
        said.ends_with(2).names(&[words]);
        assert!(!said.stderr.contains(&secret[16..]), "{said:?}");
    }
    let said = case.extract(&["--order", "order.toml", "--dry-run", "--recipient", &public]);
    said.ends_with(2).names(&["--dry-run", "--recipient"]);
}

#[test]
fn an_encrypted_package_is_signed_at_the_end_of_its_run_and_later_and_the_signatures_fit_the_tar() {
    let case = place();
    let public = read(&case, "age.key.pub");
    let said = case.extract(&["--order", "order.toml", "--recipient", &public, "--sign", "ed25519"]);
    said.ends_with(0);
    assert!(said.stdout.contains("signed: 2024-17.tar.sig, with the key SHA256:"), "{}", said.stdout);
    let before = fs::read(case.path(NAME)).unwrap();
    case.extract(&["sign", NAME, "--key", "rsa"]).ends_with(1).names(&["encrypted", "hint"]);
    case.extract(&["sign", NAME, "--key", "rsa", "--identity", "age.key"]).ends_with(0);
    case.extract(&["sign", NAME, "--key", "rsa", "--identity", "age.key"])
        .ends_with(1)
        .names(&["has signed it already"]);
    assert_eq!(fs::read(case.path(NAME)).unwrap(), before);
    let allowed = format!("provider {}\nprovider {}\n", read(&case, "ed25519.pub"), read(&case, "rsa.pub"));
    fs::write(case.path("allowed"), allowed).unwrap();
    let verify = |package| {
        let said =
            case.extract(&["verify", package, "--identity", "age.key", "--allowed-signers", "allowed", "--json"]);
        let check = |check: &serde_json::Value| check["name"] == "signature" && check["state"] == "passed";
        said.ends_with(0);
        assert!(said.json()["checks"].as_array().unwrap().iter().any(check), "{}", said.stdout);
    };
    verify(NAME);
    tool(
        "age",
        &["-d", "-i", text(&case.path("age.key")), "-o", text(&case.path("2024-17.tar")), text(&case.path(NAME))],
    );
    verify("2024-17.tar");
    for signature in ["2024-17.tar.sig", "2024-17.tar.2.sig"] {
        let line = format!(
            "cd {} && tar -xOf 2024-17.tar 2024-17/tagmanifest-sha256.txt | \
             ssh-keygen -Y verify -f allowed -I provider -n extract-package -s {signature}",
            text(&case.path(""))
        );
        tool("bash", &["-c", &line]);
    }
    // A signature of another package in the way is found before the work.
    fs::remove_file(case.path(NAME)).unwrap();
    fs::remove_file(case.path("2024-17.audit.jsonl")).unwrap();
    let said = case.extract(&["--order", "order.toml", "--recipient", &public, "--sign", "ed25519"]);
    said.ends_with(1).names(&["2024-17.tar.sig lies where"]);
}

#[test]
fn an_encrypted_package_is_replayed() {
    let case = encrypted();
    let said = case.extract(&["replay", NAME, "--order", "order.toml", "--identity", "age.key"]);
    said.ends_with(0);
    assert!(said.stdout.contains("identical"), "{}", said.stdout);
    case.extract(&["replay", NAME, "--order", "order.toml"]).ends_with(1).names(&["--identity"]);
    case.file("/docs/a.txt", "another");
    case.extract(&["replay", NAME, "--order", "order.toml", "--identity", "age.key"]).ends_with(1);
}

#[test]
fn an_existing_output_is_never_overwritten() {
    let case = encrypted();
    let before = fs::read(case.path(NAME)).unwrap();
    let public = read(&case, "age.key.pub");
    let order = ["--order", "order.toml", "--recipient", &public];
    case.extract(&order).ends_with(1).names(&["2024-17.tar.age exists", "hint"]);
    assert_eq!(fs::read(case.path(NAME)).unwrap(), before);
    // Under a name of its own it is encrypted all the same.
    fs::remove_file(case.path("2024-17.audit.jsonl")).unwrap();
    case.extract(&[&order[..], &["--output", "named"]].concat()).ends_with(0);
    assert!(fs::read(case.path("named")).unwrap().starts_with(b"age-encryption.org/v1\n"));
    assert_ne!(fs::read(case.path("named")).unwrap(), before, "each has a key of its own");
    case.extract(&["verify", "named", "--identity", "age.key"]).ends_with(0);
}

#[test]
fn a_passphrase_of_an_identity_is_asked_for_at_the_terminal_and_refused_without_one() {
    let case = place();
    ssh_keygen(&case, "locked", &["ed25519"], "correct horse");
    case.extract(&["--order", "order.toml", "--quiet", "--recipient", &read(&case, "locked.pub")]).ends_with(0);
    let program = env!("CARGO_BIN_EXE_extract");
    let command = |name: &str, arguments: &[&str]| {
        let mut command = std::process::Command::new(name);
        command.args(arguments).current_dir(case.path("")).stdin(Stdio::null());
        command
    };
    let alone = command("setsid", &["-w", program, "verify", NAME, "--identity", "locked"]).output().unwrap();
    let said = String::from_utf8_lossy(&alone.stderr);
    assert!(alone.status.code() == Some(2) && said.contains("no terminal to ask for it at"), "{said}");
    for (typed, code) in [("wrong", 2), ("correct horse", 0)] {
        let line = format!("'{program}' verify {NAME} --identity locked");
        let mut command = command("script", &["-qec", &line, "/dev/null"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut out, mut shown, mut byte) = (child.stdout.take().unwrap(), Vec::new(), [0]);
        while !shown.ends_with(b"Passphrase of locked: ") && out.read(&mut byte).unwrap() == 1 {
            shown.push(byte[0]);
        }
        // A person takes longer than the terminal does to hide what is typed.
        std::thread::sleep(std::time::Duration::from_millis(300));
        child.stdin.take().unwrap().write_all(format!("{typed}\n").as_bytes()).unwrap();
        out.read_to_end(&mut shown).unwrap();
        let shown = String::from_utf8_lossy(&shown).into_owned();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{shown}");
        assert!(!shown.contains(typed), "what is typed is not shown: {shown}");
    }
}

/// The files of a folder that hold these bytes, those below `source` and the keys apart.
fn holding(folder: &Path, bytes: &[u8]) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let held = files.filter(|path| memchr::memmem::find(&fs::read(path).unwrap(), bytes).is_some());
    held.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}
