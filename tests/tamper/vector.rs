//! Tamper vectors: text files that say what is changed in a good package, and which check must object.
//!
//! One `key: value` a line. `expect:` names the checks that must fail, these and no others, or `none`, then `because:` says
//! what an unsigned package cannot show. `sums:` says what is made anew after the change, as someone
//! would who hides it. Every other line is a change, see [`Change`]. Arguments are separated by spaces; one in double quotes
//! may hold spaces and the escapes of a JSON string; one in single quotes stands as it is.

use std::fs;
use std::path::Path;

/// One vector.
#[derive(Debug, Default)]
pub struct Vector {
    pub name: String,
    pub about: String,
    pub expect: Vec<String>,
    pub because: Option<String>,
    pub sums: Vec<String>,
    pub changes: Vec<Change>,
}

/// One change: what is done, and its arguments.
#[derive(Debug)]
pub struct Change {
    pub verb: String,
    pub arguments: Vec<String>,
}

impl Change {
    pub fn text(&self, at: usize) -> &str {
        self.arguments.get(at).unwrap_or_else(|| panic!("{}: argument {at} is missing", self.verb))
    }

    pub fn number(&self, at: usize) -> usize {
        self.text(at).parse().unwrap()
    }
}

impl Vector {
    fn parse(name: &str, text: &str) -> Self {
        let mut vector = Self { name: name.to_owned(), ..Self::default() };
        for line in text.lines().filter(|line| !line.is_empty()) {
            let (key, value) = line.split_once(':').unwrap_or_else(|| panic!("{name}: {line}"));
            let value = value.trim();
            let words = || value.split_whitespace().map(str::to_owned).collect();
            match key {
                "about" => vector.about = value.to_owned(),
                "expect" => vector.expect = words(),
                "because" => vector.because = Some(value.to_owned()),
                "sums" => vector.sums = words(),
                verb => {
                    vector.changes.push(Change { verb: verb.to_owned(), arguments: arguments(value) });
                }
            }
        }
        assert!(!vector.about.is_empty() && !vector.expect.is_empty(), "{name}: about and expect are needed");
        assert!(!vector.changes.is_empty(), "{name}: it changes nothing");
        let shows_nothing = vector.expect == ["none"];
        assert_eq!(shows_nothing, vector.because.is_some(), "{name}: `expect: none` needs a reason, and only it");
        vector
    }

    /// All vectors, by name.
    pub fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tamper");
        let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
        paths.sort();
        let read = |path: &std::path::PathBuf| {
            Self::parse(&path.file_stem().unwrap().to_string_lossy(), &fs::read_to_string(path).unwrap())
        };
        paths.iter().map(read).collect()
    }
}

fn arguments(value: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = value.trim_start();
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('\'') {
            let (word, after) = quoted.split_once('\'').expect("a closing quote");
            out.push(word.to_owned());
            rest = after.trim_start();
        } else if rest.starts_with('"') {
            let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            out.push(stream.next().unwrap().unwrap());
            rest = rest[stream.byte_offset()..].trim_start();
        } else {
            let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
            out.push(word.to_owned());
            rest = after.trim_start();
        }
    }
    out
}
