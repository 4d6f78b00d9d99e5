//! One order in a folder of its own: written, run through the program, and its package opened.

#![allow(dead_code, reason = "each test file that includes this uses its own part of it")]

#[path = "../fixture/audited.rs"]
pub mod audited;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

/// What a run said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    /// The run ended so; the message shows what it said.
    #[track_caller]
    pub fn ends_with(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "exit code; it said:\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard error holds every one of these, in any letters.
    #[track_caller]
    pub fn names(&self, words: &[&str]) -> &Self {
        for word in words {
            assert!(self.stderr.to_lowercase().contains(&word.to_lowercase()), "no {word:?} in:\n{}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in:\n{}", self.stdout))
    }
}

/// An order, its provider file and its source, in a temporary folder.
pub struct Case {
    folder: TempDir,
}

impl Case {
    /// An empty folder with an empty source folder `source` in it.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("source")).unwrap();
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of the source folder, by its path on the server.
    pub fn file(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(&format!("source{path}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// The same with the time of its last change, in seconds since 1970.
    pub fn file_at(&self, path: &str, content: impl AsRef<[u8]>, modified: u64) {
        let path = self.file(path, content);
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(modified);
        fs::File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
    }

    /// The order with these lines in its `[[source]]`, and these clauses; its source is `source` of the folder.
    pub fn order(&self, source: &str, clauses: &str) -> &Self {
        self.order_on("source", "", source, clauses)
    }

    /// The order with these lines in its `[order]` and in its `[[source]]`, over that file or folder.
    pub fn order_on(&self, path: &str, order: &str, source: &str, clauses: &str) -> &Self {
        self.write_order(&format!(
            "schema = \"order/1\"\n\n[order]\nid = \"2024-17\"\nlegal_basis = \"pace-sch1\"\n\
             authority = \"Example Constabulary\"\nreference = \"OP-123\"\nmade = 2024-04-08\n\
             served = 2024-04-09T09:40:00Z\ndue = \"P7D\"\nzone = \"Europe/London\"\n{order}\n\n\
             [[source]]\nname = \"s\"\n{source}\n\n{clauses}"
        ));
        self.provider(&format!("[[source]]\nname = \"s\"\npath = \"{path}\"\n"))
    }

    /// The order's text as it stands.
    pub fn write_order(&self, text: &str) -> &Self {
        fs::write(self.path("order.toml"), text).unwrap();
        self
    }

    /// The provider's file with these tables.
    pub fn provider(&self, tables: &str) -> &Self {
        let head =
            "schema = \"provider/1\"\nsalt = \"00112233445566778899aabbccddeeff\"\ncustodian = \"Duty officer 7\"\n";
        fs::write(self.path("order.provider.toml"), format!("{head}\n{tables}")).unwrap();
        self
    }

    /// Makes an ext4 image `image` of the source folder, and the order's source of it.
    pub fn make_ext4(&self) -> PathBuf {
        self.make_ext("ext4", "256")
    }

    /// The same with that file system and inodes of that size.
    pub fn make_ext(&self, kind: &str, inode: &str) -> PathBuf {
        let image = self.path("image");
        let (source, target) = (self.path("source"), text(&image));
        let how = ["-q", "-F", "-t", kind, "-I", inode, "-O", "^has_journal", "-d", text(&source), target, "16M"];
        tool("mkfs.ext4", &how);
        self.provider("[[source]]\nname = \"s\"\npath = \"image\"\n");
        image
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_extract"));
        command.args(arguments).current_dir(self.folder.path());
        command
    }

    /// The program with these arguments, in the folder.
    pub fn extract(&self, arguments: &[&str]) -> Said {
        let output = assert_cmd::Command::from_std(self.command(arguments)).output().unwrap();
        Said {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The main command.
    pub fn run(&self) -> Said {
        self.extract(&["--order", "order.toml", "--output", "out.tar", "--quiet"])
    }

    /// The run's package. It verifies, and the audit beside it is a chain that accounts for every byte of every stream and
    /// for the place of every record.
    #[track_caller]
    pub fn package(&self) -> Package {
        self.extract(&["verify", "out.tar"]).ends_with(0);
        let audit = fs::read(self.path("2024-17.audit.jsonl")).unwrap();
        let events = audited::lines(&audit);
        assert_eq!(audited::broken(&audit, &fs::read(self.path("order.toml")).unwrap()), None);
        assert_eq!(audited::unbalanced(&events), None);
        Package::read(&self.path("out.tar"))
    }

    /// Takes the last run's package away, for another.
    pub fn again(&self) -> &Self {
        for name in ["out.tar", "2024-17.audit.jsonl"] {
            fs::remove_file(self.path(name)).ok();
        }
        self
    }

    /// What the folder holds beside what the test put there.
    #[track_caller]
    pub fn nothing_was_left(&self) {
        let mine = ["source", "image", "order.toml", "order.provider.toml"];
        let names = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = names.filter(|name| !mine.iter().any(|own| name == own)).collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

/// A path that the test made, as text.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs a tool of the system that the test needs.
#[track_caller]
pub fn tool(name: &str, arguments: &[&str]) -> String {
    let paths = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = Command::new(name).args(arguments).env("PATH", paths).output();
    let output = output.unwrap_or_else(|error| panic!("{name} must be installed (tests/run does it): {error}"));
    assert!(output.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Makes a file of an ext4 image unreadable: its first extent lies outside the image.
pub fn make_unreadable(image: &Path, path: &str) {
    tool("debugfs", &["-w", "-R", &format!("sif {path} block[5] 999999999"), text(image)]);
}

/// An opened package.
pub struct Package {
    pub names: Vec<String>,
    members: BTreeMap<String, Vec<u8>>,
}

impl Package {
    #[track_caller]
    pub fn read(path: &Path) -> Self {
        let file = fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (mut names, mut members) = (Vec::new(), BTreeMap::new());
        for entry in tar::Archive::new(file).entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
            let name = name.strip_prefix("2024-17/").expect("one top folder, the order's id").to_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            names.push(name.clone());
            members.insert(name, content);
        }
        Self { names, members }
    }

    #[track_caller]
    pub fn member(&self, name: &str) -> &[u8] {
        self.members.get(name).unwrap_or_else(|| panic!("no {name} among {:?}", self.names))
    }

    pub fn disclosure(&self) -> Value {
        serde_json::from_slice(self.member("disclosure.json")).unwrap()
    }

    /// The lines of `exhibits.jsonl`.
    pub fn exhibits(&self) -> Vec<Value> {
        let text = std::str::from_utf8(self.member("exhibits.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Each exhibit's path on the server and its bytes, in the order of the ledger.
    pub fn disclosed(&self) -> Vec<(String, Vec<u8>)> {
        let exhibits = self.exhibits();
        let one = |exhibit: &Value| {
            let file = exhibit["file"].as_str().unwrap();
            (exhibit["path"].as_str().unwrap().to_owned(), self.member(file).to_vec())
        };
        exhibits.iter().map(one).collect()
    }

    /// Clause, kind and count of every shortfall.
    pub fn shortfalls(&self) -> Vec<(String, String, u64)> {
        shortfalls(&self.disclosure())
    }
}

/// Clause, kind and count of every shortfall of a disclosure.
pub fn shortfalls(disclosure: &Value) -> Vec<(String, String, u64)> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let all = disclosure["shortfalls"].as_array().unwrap().iter();
    all.map(|one| (word(&one["clause"]), word(&one["kind"]), one["count"].as_u64().unwrap())).collect()
}

/// The one shortfall of a run with one clause, `1`.
pub fn short(kind: &str, count: u64) -> Vec<(String, String, u64)> {
    vec![("1".to_owned(), kind.to_owned(), count)]
}

/// A clause `1` that takes files.
pub fn files(paths: &str, more: &str) -> String {
    format!(
        "[[clause]]\nid = \"1\"\ntext = \"the files named in the order\"\nsource = \"s\"\ncategory = \"content\"\n\
         paths = [{paths}]\ntake = \"files\"\n{more}\n"
    )
}

/// A clause `1` that takes records.
pub fn records(paths: &str, more: &str) -> String {
    files(paths, more).replace("take = \"files\"", "take = \"records\"")
}

/// A line of a web log.
pub fn log_line(client: &str, time: &str) -> String {
    format!("{client} - - [{time}] \"GET /index.html HTTP/1.1\" 200 512 \"-\" \"Mozilla/5.0\"\n")
}
