//! The orders in `orders/` that are ready to adapt, each run on a server that is made of the corpora.
//!
//! Without the corpora a line says so.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use extract::clock::Timestamp;
use serde_json::Value as Json;

/// The lines of one message in a mail log, and of others.
const MAIL_LOG: &str = "\
Mar 30 23:00:00 mx postfix/smtpd[1]: connect from h.example[192.0.2.7]
Mar 30 23:00:01 mx postfix/smtpd[1]: 4F2A11C3: client=h.example[192.0.2.7]
Mar 31 10:00:00 mx postfix/qmgr[3]: 4F2A11C3: from=<alice@x.example>, size=10, nrcpt=1 (queue active)
Mar 31 10:00:01 mx postfix/qmgr[3]: 5B00AAAA: from=<bob@y.example>, size=10, nrcpt=1 (queue active)
Mar 31 10:00:02 mx postfix/smtp[4]: 4F2A11C3: to=<carol@z.example>, relay=mx[192.0.2.9]:25, status=sent (ok)
Apr  1 10:00:02 mx postfix/qmgr[3]: 4F2A11C3: removed
";

fn set_modified(path: &Path, at: &str) {
    let seconds = Timestamp::parse_rfc3339(at).unwrap().seconds();
    let at = UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap());
    fs::File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
}

/// The server tree of the corpora, with a log of log-ins from there too, and a mail log.
fn server() -> Option<tempfile::TempDir> {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    println!("corpora: {} is {}there", corpora.display(), if corpora.is_dir() { "" } else { "not " });
    let packed = corpora.join("tree/host.tar.zst").canonicalize().ok()?;
    let folder = tempfile::tempdir().unwrap();
    let mut unpack = std::process::Command::new("tar");
    let output =
        unpack.args(["--zstd", "-xf"]).arg(packed).arg("-C").arg(folder.path()).output().expect("tar is installed");
    assert!(output.status.success(), "tar and zstd unpack it: {}", String::from_utf8_lossy(&output.stderr));
    let logs = folder.path().join("var/log");
    fs::write(logs.join("auth.log"), fs::read(corpora.join("logs/plaso/syslog_syslog_ssh.log")).unwrap()).unwrap();
    set_modified(&logs.join("auth.log"), "2024-03-11T22:55:40Z");
    fs::write(logs.join("mail.log"), MAIL_LOG).unwrap();
    set_modified(&logs.join("mail.log"), "2024-04-01T10:00:02Z");
    Some(folder)
}

struct Run {
    code: i32,
    stderr: String,
    members: BTreeMap<String, Vec<u8>>,
}

/// Runs the order as its adapter would, and has the package verified and replayed.
fn run(order: &str, server: &Path) -> Run {
    let work = tempfile::tempdir().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("orders").join(format!("{order}.toml"));
    let extract = |arguments: &[&str]| {
        let mut command = assert_cmd::Command::cargo_bin("extract").unwrap();
        command.current_dir(work.path()).args(arguments).output().unwrap()
    };
    let source = format!("server={}", server.display());
    let arguments = ["--order", path.to_str().unwrap(), "--source", &source, "--custodian", "Duty officer 7"];
    let output = extract(&[&arguments[..], &["--output", "a.tar", "--quiet"]].concat());
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let tar = fs::File::open(work.path().join("a.tar")).unwrap_or_else(|_| panic!("{order}: {stderr}"));
    let mut members = BTreeMap::new();
    for member in tar::Archive::new(tar).entries().unwrap() {
        let mut member = member.unwrap();
        let name = String::from_utf8(member.path_bytes().into_owned()).unwrap();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        members.insert(name.strip_prefix(&format!("{order}/")).expect("its id is its name").to_owned(), bytes);
    }
    let verify = extract(&["verify", "a.tar"]);
    assert!(verify.status.success(), "{order}: {}", String::from_utf8_lossy(&verify.stdout));
    let replay = extract(&["replay", "a.tar", "--order", path.to_str().unwrap(), "--source", &source]);
    let said = String::from_utf8_lossy(&replay.stdout);
    assert!(replay.status.success() && said.starts_with("identical: "), "{order}: {said}");
    Run { code: output.status.code().unwrap(), stderr, members }
}

impl Run {
    /// Records, or files where there are none.
    fn count(&self) -> (u64, u64) {
        let disclosure: Json = serde_json::from_slice(&self.members["disclosure.json"]).unwrap();
        let total = |name: &str| disclosure["totals"][name].as_u64().unwrap();
        (total("files"), total("records"))
    }

    fn data(&self) -> String {
        let data = self.members.iter().filter(|(name, _)| name.starts_with("data/"));
        data.map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect()
    }
}

#[test]
fn each_order_that_is_ready_to_adapt_answers_on_a_server() {
    let Some(server) = server() else { return };
    // What is asked for, counted by hand: grep of the mailboxes and logs, ls of the folder.
    let web = run("web-log-by-ip", server.path());
    assert_eq!((web.code, web.count()), (0, (4, 2236)), "{}", web.stderr);
    let auth = run("log-ins-of-an-account", server.path());
    assert_eq!((auth.code, auth.count()), (0, (1, 3)), "{}", auth.stderr);
    assert!(auth.data().lines().all(|line| line.contains(" for fred from ")), "{}", auth.data());
    let mail = run("mail-log-by-address", server.path());
    let expected: String = MAIL_LOG
        .lines()
        .filter(|line| line.contains("4F2A11C3") && !line.starts_with("Apr"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!((mail.code, mail.data()), (0, expected), "{}", mail.stderr);
    let folder = run("whole-folder", server.path());
    let files = fs::read_dir(server.path().join("var/lib/app")).unwrap().count();
    assert_eq!((folder.code, folder.count()), (0, (files as u64, 0)), "{}", folder.stderr);
    let rows = run("rows-of-a-customer", server.path());
    // sqlite3 on the database of the same rows: one customer, seven invoices.
    assert_eq!((rows.code, rows.count()), (0, (1, 8)), "{}", rows.stderr);
    let data = rows.data();
    let tables = |name: &str| data.lines().filter(|line| line.starts_with(&format!("{{\"table\":\"{name}\","))).count();
    assert_eq!((tables("Chinook.Customer"), tables("Chinook.Invoice")), (1, 7), "{data}");
    assert!(data.contains("\"LastName\":\"Gon\u{e7}alves\"") && !data.contains("\"CustomerId\":2"), "{data}");
    let mailbox = run("mailbox-by-window", server.path());
    // The truth of the corpora has fourteen: `truth-tree.json`.
    assert_eq!((mailbox.code, mailbox.count()), (0, (1, 14)), "{}", mailbox.stderr);
}

/// A new order that is ready to adapt is run here too.
#[test]
fn every_order_of_the_folder_is_run_by_some_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("orders");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
        .filter(|name| !name.ends_with(".provider") && !name.starts_with("2024-"))
        .collect();
    names.sort();
    let run = [
        "log-ins-of-an-account",
        "mail-log-by-address",
        "mailbox-by-window",
        "rows-of-a-customer",
        "web-log-by-ip",
        "whole-folder",
    ];
    assert_eq!(names, run);
}
