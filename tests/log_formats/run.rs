//! Runs the program on a folder, and verifies what it sealed.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use extract::order::Format;

/// What a run disclosed.
pub struct Package {
    members: BTreeMap<String, Vec<u8>>,
}

impl Package {
    /// Runs an order about one file of a folder, whose source has that zone, with a clause for each of `clauses`: the keys
    /// that are its own.
    pub fn of(folder: &Path, zone: &str, path: &str, format: Format, clauses: &[String]) -> Self {
        let mut order = format!(
            "schema = \"order/1\"\n[order]\nid = \"truth\"\nlegal_basis = \"pace-sch1\"\nauthority = \"Example Constabulary\"\n\
             reference = \"OP-1\"\nmade = 2024-04-08\nserved = 2024-04-09T09:40:00Z\ndue = \"P7D\"\nzone = \"UTC\"\n\
             [[source]]\nname = \"corpus\"\nzone = \"{zone}\"\n",
        );
        for (at, keys) in clauses.iter().enumerate() {
            order.push_str(&format!(
                "[[clause]]\nid = \"c{at}\"\ntext = \"as the test asks\"\nsource = \"corpus\"\ncategory = \"content\"\n\
                 paths = [\"{path}\"]\ntake = \"records\"\nas = \"{}\"\n{keys}\n",
                format.name(),
            ));
        }
        let provider = format!(
            "schema = \"provider/1\"\nsalt = \"{}\"\ncustodian = \"Duty officer 7\"\n[[source]]\nname = \"corpus\"\npath = {}\n",
            "5a".repeat(16),
            toml::Value::String(folder.canonicalize().unwrap().to_str().unwrap().to_owned())
        );
        let work = tempfile::tempdir().unwrap();
        fs::write(work.path().join("truth.toml"), order).unwrap();
        fs::write(work.path().join("truth.provider.toml"), provider).unwrap();
        let run = |arguments: &[&str]| {
            let mut command = assert_cmd::Command::cargo_bin("extract").unwrap();
            command.current_dir(work.path()).args(arguments).output().unwrap()
        };
        let output = run(&["--order", "truth.toml", "--quiet"]);
        let file = fs::File::open(work.path().join("truth.tar"));
        let file = file.unwrap_or_else(|_| panic!("{path}: {}", String::from_utf8_lossy(&output.stderr)));
        let mut members = BTreeMap::new();
        for member in tar::Archive::new(file).entries().unwrap() {
            let mut member = member.unwrap();
            let name = String::from_utf8(member.path_bytes().into_owned()).unwrap();
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes).unwrap();
            members.insert(name.trim_start_matches("truth/").to_owned(), bytes);
        }
        let verified = run(&["verify", "truth.tar"]);
        assert!(verified.status.success(), "{path}: {}", String::from_utf8_lossy(&verified.stdout));
        Self { members }
    }

    /// The lines of all exhibits, without their ends.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let is_lines = |name: &str| name.ends_with(".log") || name.ends_with(".jsonl");
        let data = self.members.iter().filter(move |(name, _)| name.starts_with("data/") && is_lines(name));
        data.flat_map(|(_, bytes)| bytes.split(|&byte| byte == b'\n')).filter(|line| !line.is_empty())
    }

    /// How many records are undecided under a clause.
    pub fn undecided(&self, clause: usize) -> u64 {
        let disclosure: serde_json::Value = serde_json::from_slice(&self.members["disclosure.json"]).unwrap();
        disclosure["clauses"][clause]["undecided"].as_u64().unwrap()
    }
}
