//! The archives of the corpora: what becomes of each stands in `archive_corpus.tsv`, and what Python's tarfile and zipfile
//! read of it without a complaint is found again: names, sizes, SHA-256.
//!
//! A row of the table: the archive; the verdict; why it differs from Python, where it does. Verdicts: `read N`: everything, N
//! members and folders. `read N, M not`: N, of which M could not be read, each saying so. `short N: WORDS`: up to a place, by
//! these words. `refused: WORDS`: by these words. `EXTRACT_CORPUS=print` prints each row as it would be now.

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/reach.rs"]
mod reach;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tool.rs"]
mod tool;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use extract::digest::Digest;
use extract::scope::EntryKind;
use reach::{Reached, open, reach_with, sha256};
use serde_json::Value;
use tool::{text, try_run};

const TABLE: &str = include_str!("archive_corpus.tsv");
/// What is read of one member here.
const MOST_BYTES: u64 = 64 << 20;

const PYTHON: &str = r#"
import sys, os, json, tarfile, zipfile, hashlib, warnings
warnings.simplefilter("error")
root = sys.argv[1]
out = {}
def digest(f, size):
    if size > 64 << 20: return None
    return hashlib.sha256(f.read()).hexdigest()
for folder, _, files in os.walk(root):
    for file in files:
        path = os.path.join(folder, file)
        members, error = [], None
        try:
            if zipfile.is_zipfile(path) and not path.endswith((".tar", ".tgz", ".gz")):
                with zipfile.ZipFile(path) as z:
                    for i in z.infolist():
                        sha = None
                        mode = i.external_attr >> 16 & 0o170000 if i.create_system in (3, 19) else 0
                        kind = "folder" if i.is_dir() else "link" if mode == 0o120000 else "file"
                        if kind == "file":
                            try:
                                with z.open(i) as f: sha = digest(f, i.file_size)
                            except Exception as e: sha = "error"
                        members.append([i.filename, kind, i.file_size, sha])
            else:
                with tarfile.open(path, errors="surrogateescape") as t:
                    for i in t:
                        kind = "folder" if i.isdir() else "link" if i.issym() else "file" if i.isreg() or i.islnk() else "special"
                        sha = None
                        size = i.size
                        if kind == "file":
                            try:
                                f = t.extractfile(i)
                                if i.islnk(): size = t._find_link_target(i).size
                                sha = digest(f, size)
                            except Exception as e: sha = "error"
                        members.append([i.name, kind, size, sha])
        except Exception as e:
            error = type(e).__name__
        out[os.path.relpath(path, root)] = {"members": [[os.fsencode(m[0]).hex(), *m[1:]] for m in members], "error": error}
print(json.dumps(out))
"#;

fn corpus() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora/archives");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("corpora: ../shared/corpora is not there, its archives are not read");
    None
}

fn bounded(stream: &mut dyn Read) -> Result<(u64, Digest), String> {
    let mut bounded = stream.take(MOST_BYTES + 1);
    let (size, digest) = sha256(&mut bounded)?;
    // A sparse file may be very long.
    Ok((size, if size > MOST_BYTES { Digest::of(b"") } else { digest }))
}

/// The table's word for what came of an archive, and what was read of it.
fn judge(path: &Path) -> (String, Option<Reached>) {
    let begun = Instant::now();
    let opened = open(path);
    let (source, scope) = match opened {
        Ok(opened) => opened,
        Err(error) => return (format!("refused: {}", error.to_string().trim_start_matches("source s: ")), None),
    };
    let reached = reach_with(&source, &scope, bounded);
    assert!(begun.elapsed() < Duration::from_secs(10), "{}", path.display());
    let count = reached.below_root();
    let not = |item: &&reach::Item| item.kind == EntryKind::Unreadable || matches!(item.content, Some(Err(_)));
    let unread = reached.items.values().filter(not).count();
    let verdict = match (reached.unlisted.get(b"/".as_slice()), unread) {
        (Some(why), _) => format!("short {count}: {why}"),
        (None, 0) => format!("read {count}"),
        (None, unread) => format!("read {count}, {unread} not"),
    };
    (verdict, Some(reached))
}

/// Where Python's view of an archive and ours differ.
fn differences(theirs: &Value, ours: &Reached) -> Vec<String> {
    let mut last = BTreeMap::new();
    for member in theirs["members"].as_array().expect("members") {
        let name = member[0].as_str().expect("a name");
        let bytes: Vec<u8> =
            (0..name.len() / 2).map(|at| u8::from_str_radix(&name[2 * at..2 * at + 2], 16).expect("hex")).collect();
        let parts: Vec<&[u8]> =
            bytes.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
        last.insert([b"/", parts.join(&b'/').as_slice()].concat(), member.clone());
    }
    let mut found = Vec::new();
    for (path, member) in last {
        let shown = path.escape_ascii();
        let Some(item) = ours.items.get(&path) else {
            found.push(format!("{shown} is not there"));
            continue;
        };
        let kind = match item.kind {
            EntryKind::File => "file",
            EntryKind::Folder => "folder",
            EntryKind::Link => "link",
            EntryKind::Special => "special",
            EntryKind::Unreadable => "unreadable",
        };
        if Some(kind) != member[1].as_str() {
            found.push(format!("{shown} is {kind}, not {}", member[1]));
        } else if kind == "file" {
            let (size, digest) = (member[2].as_u64(), member[3].as_str());
            match &item.content {
                Some(Ok((read, ours))) => {
                    let same = Some(item.size_bytes) == size && (*read > MOST_BYTES || *read == item.size_bytes);
                    if !same || digest.is_some_and(|digest| digest != ours.to_string()) {
                        found.push(format!("{shown} has {} bytes, not {size:?}, or others", item.size_bytes));
                    }
                }
                Some(Err(why)) if digest != Some("error") => found.push(format!("{shown}: {why}")),
                _ => {}
            }
        }
    }
    found
}

#[test]
fn every_archive_of_the_corpora_has_its_verdict_and_what_python_reads_is_read() {
    let Some(corpus) = corpus() else { return };
    let theirs = match try_run("python3", &["-c", PYTHON, text(&corpus)]) {
        Ok(said) => serde_json::from_str::<Value>(&said).expect("what Python says"),
        Err(cannot) => {
            cannot.say("what Python reads of the archives");
            Value::Null
        }
    };
    let is_printing = std::env::var_os("EXTRACT_CORPUS").is_some_and(|word| word == "print");
    let rows: BTreeMap<&str, Vec<&str>> = TABLE
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| (line.split('\t').next().unwrap_or(line), line.split('\t').collect()))
        .collect();
    let mut archives: Vec<PathBuf> = walkdir::WalkDir::new(&corpus)
        .into_iter()
        .map(|entry| entry.expect("the corpora").into_path())
        .filter(|path| path.is_file())
        .collect();
    archives.sort();
    let mut wrong = Vec::new();
    for path in &archives {
        let name = path.strip_prefix(&corpus).expect("within").to_str().expect("a name");
        let (verdict, ours) = judge(path);
        let python = &theirs[name];
        let complains = !python["error"].is_null();
        let differences = match (&ours, python.is_null()) {
            (Some(ours), false) => differences(python, ours),
            (None, false) if !complains => vec!["is not read".to_owned()],
            _ => Vec::new(),
        };
        if is_printing {
            println!("{name}\t{verdict}\t{}", differences.join("; "));
            continue;
        }
        let row = rows.get(name).unwrap_or_else(|| panic!("{name} has no verdict; it is: {verdict}"));
        if row.get(1) != Some(&verdict.as_str()) {
            wrong.push(format!("{name}: {verdict}, and not {:?}", row.get(1)));
        }
        let is_explained = row.get(2).is_some_and(|why| !why.is_empty());
        if !python.is_null() && is_explained == differences.is_empty() {
            wrong.push(format!("{name} differs from Python: {differences:?}"));
        }
    }
    if !is_printing {
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(rows.len(), archives.len(), "archives");
    }
}
