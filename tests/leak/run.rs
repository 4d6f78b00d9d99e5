//! One run of the program over the tree, and everything that came out of it.
//!
//! **Invariant:** what a run left behind is read by the names of the contract and by nothing of the program.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::canary::{Aviary, Random};
use super::disk::Disk;
use super::oracle::Kind;
use super::order::Order;
use super::tree::Tree;

/// Marks of the place where the program runs: never in a package.
pub struct Place {
    pub root: PathBuf,
    /// Stands in the paths of the order and of the output, which staff typed themselves.
    pub typed: String,
    pub temp: String,
    environment: Vec<(&'static str, String)>,
}

impl Place {
    pub fn new(root: &Path, tree: &mut Tree) -> Self {
        let mut random = Random::new(0x91ACE);
        let mut word = |planted| tree.aviary.word(&mut random, planted);
        let typed = word("the path of the order and the output");
        let temp = word("the path of the temp folder");
        let environment = vec![
            ("USER", word("the login name")),
            ("LOGNAME", word("the login name, again")),
            ("HOSTNAME", word("the host name")),
            ("HOME", format!("/home/{}", word("the home folder"))),
        ];
        Self { root: root.to_path_buf(), typed, temp, environment }
    }
}

/// What came out.
pub struct Outcome {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// The sealed tar.
    pub tar: Option<Vec<u8>>,
    pub members: Vec<(String, Vec<u8>)>,
    /// The provider's own file: name, content, mode.
    pub audit: Option<(String, Vec<u8>, u32)>,
    /// Anything else that was left in the output or the temp folder: name and content.
    pub left: Vec<(String, Vec<u8>)>,
    pub order_toml: String,
    /// The marks of this order's provider file.
    pub provider_marks: Aviary,
}

impl Outcome {
    /// A member by its name below the top folder.
    pub fn member(&self, name: &str) -> Option<&[u8]> {
        let found =
            self.members.iter().find(|(member, _)| member.split_once('/').is_some_and(|(_, rest)| rest == name));
        found.map(|(_, bytes)| bytes.as_slice())
    }

    pub fn lines(&self, name: &str) -> Vec<serde_json::Value> {
        let bytes = self.member(name).unwrap_or_default();
        let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
    }
}

/// How a run is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    Sealed,
    /// Sealed, with the result as JSON.
    SealedJson,
    /// Sealed, at a terminal: with the progress bar.
    Terminal,
    Preview,
    PreviewJson,
}

/// Runs the order.
pub fn run(place: &Place, disk: &Disk, order: &Order, kind: Kind, asked: Asked) -> Outcome {
    let mut random = Random::new(order.seed ^ 0xF00D);
    let mut provider_marks = Aviary::default();
    let home = place.root.join(format!("{}-{}-{kind:?}-{asked:?}", place.typed, order.seed));
    let (out, temp) = (home.join("out"), place.root.join(format!("{}-{}-{kind:?}-{asked:?}", place.temp, order.seed)));
    for folder in [&out, &temp] {
        fs::create_dir_all(folder).unwrap();
    }
    let source = match kind {
        Kind::Folder => &disk.folder,
        Kind::Raw => &disk.raw,
        Kind::Qcow2 => &disk.qcow2,
        Kind::Partitioned => &disk.partitioned,
        Kind::Archive => &disk.archive,
    };
    let times = if kind == Kind::Folder && order.original { "times = \"original\"\n" } else { "" };
    // Which partition stands where is said by the provider, or the order is about one.
    let is_mounted = kind == Kind::Partitioned && order.provider;
    let volume = if kind == Kind::Partitioned && !is_mounted { "volume = \"p1\"\n" } else { "" };
    let order_toml = order.order_toml().replace("@TIMES@", &format!("{times}{volume}"));
    let order_path = home.join(format!("o-{}.toml", order.seed));
    fs::write(&order_path, &order_toml).unwrap();
    let custodian = "Duty officer 7";
    let named_there = random.chance(60);
    if order.provider {
        let path = if named_there { source.to_str().unwrap() } else { "../elsewhere" };
        let mut text = order.provider_toml(&mut random, &mut provider_marks, path, custodian);
        if is_mounted {
            text = text.replacen("\npath = ", "\nmounts = { \"p1\" = \"/\" }\npath = ", 1);
        }
        fs::write(home.join(format!("o-{}.provider.toml", order.seed)), text).unwrap();
    }
    let tar_path = out.join("disclosure.tar");
    let mut command = Command::new(env!("CARGO_BIN_EXE_extract"));
    command.arg("--order").arg(&order_path).arg("--threads").arg(if random.chance(50) { "1" } else { "2" });
    if !order.provider || !named_there {
        command.arg("--source").arg(format!("server={}", source.display()));
    }
    if !order.provider {
        command.args(["--custodian", custodian]);
    }
    match asked {
        Asked::Sealed => {
            command.arg("--output").arg(&tar_path);
            if random.chance(30) {
                command.arg("--quiet");
            }
        }
        Asked::SealedJson => drop(command.arg("--json").arg("--output").arg(&tar_path)),
        Asked::Terminal => {
            command.arg("--output").arg(&tar_path);
            command = at_a_terminal(&command);
        }
        Asked::Preview => drop(command.arg("--dry-run").arg("--output").arg(&tar_path)),
        Asked::PreviewJson => drop(command.args(["--dry-run", "--json"]).arg("--output").arg(&tar_path)),
    }
    command.env("TMPDIR", &temp).envs(place.environment.iter().map(|(name, value)| (name, value))).current_dir(&out);
    let Output { status, stdout, stderr } = command.output().unwrap();
    let mut outcome = Outcome {
        code: status.code().unwrap_or(-1),
        stdout,
        stderr,
        tar: None,
        members: Vec::new(),
        audit: None,
        left: Vec::new(),
        order_toml,
        provider_marks,
    };
    outcome.collect(&out, &tar_path);
    outcome.collect(&temp, &tar_path);
    fs::remove_dir_all(&home).unwrap();
    fs::remove_dir_all(&temp).unwrap();
    outcome
}

/// The same command with a terminal as its standard output and error.
fn at_a_terminal(command: &Command) -> Command {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quoted: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut script = Command::new("script");
    script.args(["-qec", &quoted.join(" "), "/dev/null"]);
    script
}

impl Outcome {
    fn collect(&mut self, folder: &Path, tar_path: &Path) {
        for found in walkdir::WalkDir::new(folder).min_depth(1) {
            let found = found.unwrap();
            let bytes = if found.file_type().is_file() { fs::read(found.path()).unwrap() } else { Vec::new() };
            let mode = found.metadata().unwrap().permissions().mode() & 0o7777;
            let name = found.file_name().to_string_lossy().into_owned();
            if found.path() == tar_path {
                assert_eq!(mode, 0o600, "the package's mode");
                self.members = members(&bytes);
                self.tar = Some(bytes);
            } else if name.ends_with(".audit.jsonl") && found.path().parent() == tar_path.parent() {
                self.audit = Some((name, bytes, mode));
            } else {
                self.left.push((name, bytes));
            }
        }
    }
}

/// What the program itself finds wrong with a package that it sealed.
pub fn verify(place: &Place, outcome: &Outcome) -> Option<String> {
    let tar = outcome.tar.as_ref()?;
    let mut file = tempfile::NamedTempFile::new_in(&place.root).unwrap();
    std::io::Write::write_all(&mut file, tar).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_extract")).arg("verify").arg(file.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (!output.status.success()).then(|| said.into_owned())
}

/// The members of a tar, in order.
pub fn members(tar: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().unwrap();
    entries
        .map(|entry| {
            let mut entry = entry.unwrap();
            let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            (name, bytes)
        })
        .collect()
}
