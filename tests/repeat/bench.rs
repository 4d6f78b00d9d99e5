//! A small server and an order over it, to be run in different ways.
//!
//! **Invariant:** two benches made alike differ in nothing but where they stand.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The members that may differ between two runs.
pub const VARYING: [&str; 3] = ["bag-info.txt", "custody.jsonl", "tagmanifest-sha256.txt"];

/// A folder with `orders/`, `server/` and `server.img`.
pub struct Bench {
    pub root: PathBuf,
    _held: Option<tempfile::TempDir>,
}

impl Bench {
    /// With this many bytes of log beside the rest; of them next to nothing is in scope.
    pub fn new(bulk_bytes: usize) -> Self {
        let held = tempfile::tempdir().unwrap();
        let root = held.path().join("first");
        fs::create_dir_all(root.join("orders")).unwrap();
        open_up(held.path());
        let server = root.join("server");
        for folder in ["var/log", "var/mail", "home/alice"] {
            fs::create_dir_all(server.join(folder)).unwrap();
        }
        fs::write(server.join("var/log/access.log"), log(200)).unwrap();
        let mut bulk = Vec::with_capacity(bulk_bytes + 100);
        while bulk.len() < bulk_bytes {
            bulk.extend_from_slice(
                b"198.51.100.200 - - [26/Mar/2024:10:00:00 +0000] \"GET /o HTTP/1.1\" 200 7 \"-\" \"A/1\"\n",
            );
        }
        fs::write(server.join("var/log/bulk.log"), bulk).unwrap();
        fs::write(server.join("var/mail/alice"), mail(40)).unwrap();
        for number in 0..12 {
            let text = format!("Document number {number}\n").repeat(2_000 * number + 1);
            fs::write(server.join(format!("home/alice/{number:02}.txt")), text).unwrap();
        }
        // One time for all: the test is not about when it ran.
        run(Command::new("find").arg(&server).args(["-exec", "touch", "-h", "-d", "2024-03-25T12:00:00Z", "{}", "+"]));
        let image = root.join("server.img");
        let size = (bulk_bytes as u64 / (1024 * 1024) + 32) * 1024 * 1024;
        fs::File::create(&image).unwrap().set_len(size).unwrap();
        run(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0", "-J", "size=4", "-d"]).arg(&server).arg(&image));
        let bench = Self { root, _held: Some(held) };
        for (id, path) in [("folder", "../server"), ("image", "../server.img")] {
            bench.write_order(id, path);
        }
        bench
    }

    fn write_order(&self, id: &str, path: &str) {
        let times = if id == "folder" { "times = \"original\"\n" } else { "" };
        let order = format!(
            r#"schema = "order/1"

[order]
id = "{id}"
legal_basis = "pace-sch1"
authority = "Example Constabulary"
reference = "OP-1"
made = 2024-04-08
served = 2024-04-09T09:40:00Z
due = "P7D"
zone = "Europe/London"

[[source]]
name = "server"
{times}
[[clause]]
id = "1"
text = "the requests of 192.0.2.1 from 25 March to 28 March 2024"
source = "server"
category = "traffic"
paths = ["/var/log/*"]
take = "records"
identifiers = [{{ ip = "192.0.2.1" }}]
window = {{ from = 2024-03-25, through = 2024-03-28, clock = "record" }}

[[clause]]
id = "2"
text = "the mail of alice@shop.example"
source = "server"
category = "content"
paths = ["/var/mail/*"]
take = "records"
identifiers = [{{ email = "alice@shop.example" }}]

[[clause]]
id = "3"
text = "the documents of alice of 25 March 2024"
source = "server"
category = "content"
paths = ["/home/alice/*.txt"]
take = "files"
window = {{ from = 2024-03-25, through = 2024-03-25, clock = "modified" }}
"#
        );
        fs::write(self.root.join(format!("orders/{id}.toml")), order).unwrap();
        let provider = format!(
            "schema = \"provider/1\"\nsalt = \"00112233445566778899aabbccddeeff\"\ncustodian = \"Duty officer 7\"\n\n\
             [[source]]\nname = \"server\"\npath = \"{path}\"\n\n[[withhold]]\nclass = \"privileged\"\n\
             identifiers = [{{ domain = \"lawfirm.example\" }}]\n"
        );
        fs::write(self.root.join(format!("orders/{id}.provider.toml")), provider).unwrap();
    }

    /// The same at another path.
    pub fn copy(&self, name: &str) -> Self {
        let root = self.root.parent().unwrap().join(name).join("a longer way down");
        fs::create_dir_all(root.parent().unwrap()).unwrap();
        run(Command::new("cp").arg("-a").arg(&self.root).arg(&root));
        Self { root, _held: None }
    }

    /// An empty folder for the output, that anyone may write.
    pub fn output(&self, name: &str) -> PathBuf {
        let folder = self.root.parent().unwrap().join(format!("out-{name}"));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        folder
    }

    /// The program, a copy that any user may run, with its order.
    pub fn command(&self, id: &str) -> Command {
        let mut command = Command::new(self.program());
        command.arg("--order").arg(self.root.join(format!("orders/{id}.toml")));
        command
    }

    pub fn program(&self) -> PathBuf {
        let program = self.root.join("extract");
        if !program.exists() {
            // By another process: a file that this one has open for writing, and that a fork of another test has
            // inherited, cannot be run ("text file busy").
            run(Command::new("cp").arg(env!("CARGO_BIN_EXE_extract")).arg(&program));
        }
        program
    }
}

/// Others may look into a folder that was made for one user.
fn open_up(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs a tool of the fixture and insists that it succeeds.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn log(lines: usize) -> String {
    let line = |number: usize| {
        let client = if number.is_multiple_of(3) { "192.0.2.1" } else { "192.0.2.11" };
        let (day, second) = (24 + number % 7, number % 60);
        format!("{client} - - [{day}/Mar/2024:10:00:{second:02} +0000] \"GET /p/{number} HTTP/1.1\" 200 {number}\n")
    };
    (0..lines).map(line).collect()
}

fn mail(count: usize) -> String {
    let message = |number: usize| {
        let from = if number.is_multiple_of(2) { "alice@shop.example" } else { "malice@shop.example" };
        let to = if number.is_multiple_of(5) { "counsel@lawfirm.example" } else { "bob@supplies.example" };
        format!(
            "From x@out.example Mon Mar 25 10:00:00 2024\nFrom: {from}\nTo: {to}\nMessage-ID: <{number}@shop.example>\n\
             Date: Mon, 25 Mar 2024 10:00:{number:02} +0000\nSubject: Number {number}\n\nWords {number}\n"
        )
    };
    (0..count).map(message).collect::<Vec<_>>().join("\n")
}

/// What is in a folder, by name.
pub fn listed(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
