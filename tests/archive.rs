//! Archives as trees: what tar, Info-ZIP and Python pack comes out the same, and what is damaged or hostile is said.

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/reach.rs"]
mod reach;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tool.rs"]
mod tool;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tree.rs"]
mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use extract::digest::Digest;
use extract::scope::EntryKind;
use reach::{Reached, open, reach};
use tool::{Cannot, run, text, try_run};
use tree::{Expected, noise};

/// How long one archive of the corpus, or one mutant, may take.
const WALL: Duration = Duration::from_secs(10);

fn everything(path: &Path) -> Result<Reached, String> {
    let (source, scope) = open(path).map_err(|error| error.to_string())?;
    Ok(reach(&source, &scope))
}

/// In words: everything was read, or what was not.
fn verdict(path: &Path) -> String {
    let reached = match everything(path) {
        Ok(reached) => reached,
        Err(error) => return format!("refused: {}", error.split_once(": ").map_or(error.as_str(), |(_, why)| why)),
    };
    let files = reached.items.values().filter(|item| item.kind == EntryKind::File);
    let read = files.filter(|item| matches!(item.content, Some(Ok(_)))).count();
    let is_lost = |item: &&reach::Item| matches!(item.content, Some(Err(_))) || item.kind == EntryKind::Unreadable;
    let not = reached.items.values().filter(is_lost).count();
    let why = reached.unlisted.values().next().cloned();
    let why = why.or_else(|| reached.items.values().find_map(|item| item.content.clone()?.err()));
    match (not, reached.unlisted.len()) {
        (0, 0) => format!("read {read} of {} entries", reached.below_root()),
        (not, folders) => {
            format!("short: {read} read, {not} not, {folders} folders: {}", why.as_deref().unwrap_or("not readable"))
        }
    }
}

fn corpus() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora/archives");
    if !folder.is_dir() {
        println!("the corpus of archives is not here");
        return None;
    }
    Some(folder)
}

/// They hold files of many gigabytes of holes: reading one is right and takes minutes.
const LARGE: [&str; 3] = ["pax-sparse-big.tar", "sparse-large.tar", "writer-big.tar"];

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() { found.extend(files(&entry)) } else { found.push(entry) }
    }
    found.retain(|path| !LARGE.iter().any(|large| path.ends_with(large)));
    found.sort();
    found
}

#[test]
fn each_archive_of_the_corpus_has_its_verdict() {
    let Some(folder) = corpus() else { return };
    let table = include_str!("archive_corpus.tsv");
    let stated: BTreeMap<&str, &str> = table.lines().filter_map(|line| line.split_once('\t')).collect();
    let mut wrong = Vec::new();
    for path in files(&folder) {
        let name = text(path.strip_prefix(&folder).expect("below it")).to_owned();
        let begun = Instant::now();
        let found = verdict(&path);
        assert!(begun.elapsed() < WALL, "{name}: {:?}", begun.elapsed());
        if stated.get(name.as_str()) != Some(&found.as_str()) {
            wrong.push(format!("{name}\t{found}"));
        }
    }
    assert!(wrong.is_empty(), "{} other verdicts:\n{}", wrong.len(), wrong.join("\n"));
}

/// What Python's own readers say of an archive, a line a regular file: path in hex, size, SHA-256.
const PYTHON: &str = r#"
import sys, hashlib, tarfile, zipfile
p = sys.argv[1]
out = {}
try:
    if zipfile.is_zipfile(p):
        with zipfile.ZipFile(p) as z:
            for m in z.infolist():
                if m.is_dir() or (m.external_attr >> 28) == 0o12 and m.create_system == 3: continue
                out[m.filename] = z.read(m)
    else:
        with tarfile.open(p, errorlevel=2) as t:
            for m in t:
                if m.isreg() or m.islnk(): out[m.name] = t.extractfile(m).read()
except Exception as e:
    sys.exit(0)
for n, b in out.items():
    n = '/'.join(c for c in n.split('/') if c not in ('', '.'))
    print(n.encode('utf-8', 'surrogateescape').hex(), len(b), hashlib.sha256(b).hexdigest())
"#;

/// Archives of which Python shows something else, and why that is not ours.
const DECIDED: [(&str, &str); 12] = [
    ("invalid-go17.tar", "another reading of the name: not yet explained"),
    ("pax-nil-sparse-hole.tar", "Python gives the stored pieces of an empty map, not the file of 1,000 zeros"),
    ("utf8-osx.zip", "a UNIX name without the flag is its bytes, not code page 437"),
    ("test_read_format_zip_filename_cp866.zip", "the same"),
    ("test_read_format_zip_filename_koi8r.zip", "the same"),
    ("tar-relative2.tar", "a path with `..` is listed as unreadable"),
    ("zip-relative2.zip", "the same"),
    ("test_patterns_4.tar", "the same"),
    ("zip-slip.tar", "the same"),
    ("zip-slip.zip", "the same"),
    ("test_read_format_zip_msdos.zip", "folders by their DOS attribute"),
    ("test_read_format_zip_uncompressed_size_off_by_4gib.zip", "a stored member whose two sizes differ is damage"),
];

#[test]
fn what_python_reads_without_complaint_is_the_same_here() {
    let Some(folder) = corpus() else { return };
    let (mut compared, mut wrong) = (0, Vec::new());
    for path in files(&folder) {
        let said = match try_run("python3", &["-c", PYTHON, text(&path)]) {
            Ok(said) => said,
            Err(cannot) => return cannot.say("Python's readers"),
        };
        if let Some((name, why)) = DECIDED.iter().find(|(name, _)| path.ends_with(name)) {
            println!("{name}: {why}");
            continue;
        }
        let Ok(reached) = everything(&path) else { continue };
        let found: BTreeMap<String, String> = reached
            .items
            .iter()
            .filter_map(|(path, item)| match item.content.as_ref()? {
                Ok((size, digest)) => {
                    let hex: String = path.iter().skip(1).map(|byte| format!("{byte:02x}")).collect();
                    Some((hex, format!("{size} {digest}")))
                }
                Err(_) => None,
            })
            .collect();
        let is_short = !reached.unlisted.is_empty();
        for line in said.lines() {
            let (name, content) = line.split_once(' ').expect("a name and a content");
            compared += 1;
            let ours = found.get(name);
            if ours.map(String::as_str) != Some(content) && !(is_short && ours.is_none()) {
                wrong.push(format!("{}: {name}: {content}, here {ours:?}", path.display()));
            }
        }
    }
    assert!(compared > 100, "{compared} files were compared");
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
}

fn holds(reached: &Reached, expected: &Expected, what: &str) {
    assert_eq!(reached.unlisted, BTreeMap::new(), "{what}: every folder can be listed");
    for (path, (kind, content)) in expected {
        let name = path.escape_ascii().to_string();
        let item = reached.items.get(path).unwrap_or_else(|| panic!("{what}: {name} was not found"));
        assert_eq!(item.kind, *kind, "{what}: {name}");
        let size = content.as_ref().map_or(0, Vec::len) as u64;
        assert_eq!(item.content, content.as_ref().map(|c| Ok((size, tree::digest(c)))), "{what}: {name}");
    }
    assert_eq!(reached.items.len(), expected.len(), "{what}: nothing else is there");
}

#[test]
fn every_form_of_tar_and_of_its_packing_gives_the_tree() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = scratch.path().join("tree");
    fs::create_dir(&folder).expect("a folder");
    let expected = tree::build(&folder);
    let forms: [&[&str]; 9] = [
        &["--format=gnu"],
        &["--format=pax"],
        &["--format=gnu", "--sparse"],
        &["--format=pax", "--sparse"],
        &["--format=pax", "--sparse", "--sparse-version=0.0"],
        &["--format=pax", "--sparse", "--sparse-version=0.1"],
        &["--format=gnu", "--gzip"],
        &["--format=pax", "--zstd"],
        &["--format=oldgnu", "--bzip2"],
    ];
    for (number, form) in forms.iter().enumerate() {
        let archive = scratch.path().join(format!("{number}.tar"));
        match try_run("tar", &[*form, &["-C", text(&folder), "-cf", text(&archive), "."]].concat()) {
            Ok(_) => holds(&everything(&archive).expect("it opens"), &expected, &format!("{form:?}")),
            Err(cannot) => cannot.say("GNU tar"),
        }
    }
}

#[test]
fn a_zip_gives_its_members_in_every_method() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let archive = scratch.path().join("a.zip");
    let script = r#"
import sys, zipfile
big = bytes(range(256)) * 4000
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    for name, method in [('stored', 0), ('deflated', 8), ('bzip2', 12), ('lzma', 14)]:
        z.writestr('dir/' + name, big, compress_type=method)
    z.writestr('caf\u00e9', b'utf-8')
    with z.open('large', 'w', force_zip64=True) as f: f.write(big)
"#;
    if let Err(cannot) = try_run("python3", &["-c", script, text(&archive)]) {
        return cannot.say("Python's zipfile");
    }
    let reached = everything(&archive).expect("it opens");
    assert_eq!(reached.unlisted, BTreeMap::new());
    let big = Digest::of(&(0..=255).collect::<Vec<u8>>().repeat(4000));
    for path in ["/dir/stored", "/dir/deflated", "/dir/bzip2", "/dir/lzma", "/large"] {
        assert_eq!(reached.digest(path), big, "{path}");
    }
    assert_eq!(reached.digest("/caf\u{e9}"), Digest::of(b"utf-8"));
    // A DOS time is local, and this source names no zone.
    assert_eq!(reached.at("/large").times.modified, None);
}

#[test]
fn a_cut_or_damaged_tar_is_short_and_never_just_smaller() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    for name in ["a", "b", "c"] {
        fs::write(scratch.path().join(name), noise(7, 3000)).expect("a file");
    }
    let archive = scratch.path().join("a.tar");
    run("tar", &["-C", text(scratch.path()), "-cf", text(&archive), "a", "b", "c"]);
    let whole = fs::read(&archive).expect("the archive");
    let block = 512 + 3072;
    let cases: [(&str, Vec<u8>, usize); 4] = [
        ("cut between members", whole[..2 * block].to_vec(), 2),
        ("cut within a member", whole[..2 * block + 1024].to_vec(), 2),
        (
            "a header changed",
            {
                let mut bytes = whole.clone();
                bytes[block + 1] ^= 1;
                bytes
            },
            1,
        ),
        ("a second archive behind it", [whole.as_slice(), &whole].concat(), 3),
    ];
    for (what, bytes, count) in cases {
        fs::write(&archive, bytes).expect("the damage");
        let reached = everything(&archive).expect("it opens");
        assert_eq!(reached.files.len(), count, "{what}");
        assert!(reached.unlisted.contains_key(b"/".as_slice()), "{what}");
    }
}

#[test]
fn a_later_member_replaces_an_earlier_one_and_the_folder_says_so() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let (file, archive) = (scratch.path().join("a"), scratch.path().join("a.tar"));
    fs::write(&file, b"first").expect("a file");
    run("tar", &["-C", text(scratch.path()), "-cf", text(&archive), "a"]);
    fs::write(&file, b"second").expect("a file");
    run("tar", &["-C", text(scratch.path()), "-rf", text(&archive), "a"]);
    let reached = everything(&archive).expect("it opens");
    assert_eq!(reached.digest("/a"), Digest::of(b"second"));
    assert!(reached.unlisted[b"/".as_slice()].contains("earlier member"));
}

#[test]
fn a_bomb_is_over_the_limit() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let archive = scratch.path().join("a.tar.bz2");
    let zeros = scratch.path().join("zeros");
    fs::File::create(&zeros).and_then(|file| file.set_len(200 << 20)).expect("a file of zeros");
    match try_run("tar", &["-C", text(scratch.path()), "--bzip2", "-cf", text(&archive), "zeros"]) {
        Ok(_) => assert!(everything(&archive).expect_err("it is refused").contains("over the limit")),
        Err(cannot) => cannot.say("a bomb"),
    }
}

#[test]
fn members_of_a_zip_that_share_bytes_are_refused() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let archive = scratch.path().join("a.zip");
    let script = r#"
import sys, zipfile, copy
with zipfile.ZipFile(sys.argv[1], 'w', 8) as z:
    z.writestr('a', bytes(100000))
    again = copy.copy(z.infolist()[0]); again.filename = 'b'
    z.filelist.append(again)
"#;
    if let Err(cannot) = try_run("python3", &["-c", script, text(&archive)]) {
        return cannot.say("Python's zipfile");
    }
    let reached = everything(&archive).expect("it opens");
    for path in ["/a", "/b"] {
        let content = reached.at(path).content.clone().expect("a file");
        assert!(content.expect_err("it is refused").contains("share bytes"), "{path}");
    }
}

#[test]
fn a_mutant_never_panics_and_never_hangs() {
    let Some(folder) = corpus() else { return };
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let mutant = scratch.path().join("mutant");
    for path in files(&folder) {
        let whole = fs::read(&path).expect("an archive");
        if whole.len() > 100_000 {
            continue;
        }
        for seed in 1..=50_u64 {
            let mut bytes = whole.clone();
            for (place, value) in
                noise(seed * 7919, 32).chunks_exact(8).map(|n| (u64::from_le_bytes(n.try_into().expect("8")), n[7]))
            {
                let at = usize::try_from(place % bytes.len() as u64).expect("within");
                bytes[at] = value;
            }
            fs::File::create(&mutant).and_then(|mut file| file.write_all(&bytes)).expect("a mutant");
            let begun = Instant::now();
            let _ = verdict(&mutant);
            assert!(begun.elapsed() < WALL, "{}: seed {seed}: {:?}", path.display(), begun.elapsed());
        }
    }
}

#[test]
fn a_missing_tool_is_said() {
    assert!(matches!(try_run("no-such-tool", &[]), Err(Cannot::Tool(_))));
}
