//! One suite for every file system and every image format: the same tree, read through the gate, must come out the same.

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
use std::path::{Path, PathBuf};

use extract::journal::Journal;
use extract::scope::EntryKind;
use reach::{Reached, open, reach};
use tempfile::TempDir;
use tool::{run, text};
use tree::Expected;

/// How each row's image is made from the tree. A row: its name in the ledger, and the arguments of mke2fs.
const ROWS: [(&str, &[&str]); 8] = [
    ("ext2", &["-t", "ext2", "-b", "1024"]),
    ("ext2", &["-t", "ext2", "-b", "4096", "-I", "128"]),
    ("ext3", &["-t", "ext3", "-b", "1024"]),
    ("ext3", &["-t", "ext3", "-b", "4096"]),
    ("ext4", &["-t", "ext4", "-b", "1024"]),
    ("ext4", &["-t", "ext4", "-b", "4096"]),
    ("ext4", &["-t", "ext4", "-b", "1024", "-O", "sparse_super2,meta_bg,^resize_inode"]),
    ("ext4", &["-t", "ext4", "-b", "2048", "-O", "^metadata_csum,^64bit,meta_bg,^resize_inode,bigalloc"]),
];

struct Made {
    scratch: TempDir,
    folder: PathBuf,
    expected: Expected,
}

fn made() -> Made {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = scratch.path().join("tree");
    fs::create_dir(&folder).expect("a folder");
    let expected = tree::build(&folder);
    Made { scratch, folder, expected }
}

fn make_image(folder: &Path, image: &Path, arguments: &[&str]) {
    let mut all = vec!["-q", "-F", "-d", text(folder)];
    all.extend_from_slice(arguments);
    all.extend_from_slice(&[text(image), "64M"]);
    run("mke2fs", &all);
}

fn qcow2(raw: &Path, image: &Path, options: &[&str]) {
    let mut all = vec!["convert", "-f", "raw", "-O", "qcow2"];
    all.extend_from_slice(options);
    all.extend_from_slice(&[text(raw), text(image)]);
    run("qemu-img", &all);
}

/// Everything of the tree is there, as it was made, and nothing else.
fn holds(reached: &Reached, expected: &Expected, what: &str) {
    assert_eq!(reached.unlisted, BTreeMap::new(), "{what}: every folder can be listed");
    for (path, (kind, content)) in expected {
        let name = path.escape_ascii().to_string();
        let item = reached.items.get(path).unwrap_or_else(|| panic!("{what}: {name} was not found"));
        assert_eq!(item.kind, *kind, "{what}: {name}");
        let size = content.as_ref().map_or(0, Vec::len) as u64;
        assert_eq!(item.size_bytes, size, "{what}: {name}");
        assert_eq!(item.content, content.as_ref().map(|c| Ok((size, tree::digest(c)))), "{what}: {name}");
    }
    let more: Vec<_> = reached.items.keys().filter(|path| !expected.contains_key(*path)).collect();
    assert!(more.is_empty(), "{what}: found what is not in the tree: {more:?}");
    let mut sorted = reached.files.clone();
    sorted.sort();
    assert_eq!(reached.files, sorted, "{what}: files come in the order of their path's bytes");
}

fn with_lost_and_found(expected: &Expected) -> Expected {
    let mut expected = expected.clone();
    expected.insert(b"/lost+found".to_vec(), (EntryKind::Folder, None));
    expected
}

#[test]
fn a_folder_gives_the_tree_and_is_not_changed() {
    let made = made();
    let before = fs::metadata(made.folder.join("small")).expect("metadata").accessed().expect("a time");
    let (source, scope) = open(&made.folder).expect("a folder opens");
    assert_eq!((source.kind.name(), source.stored_bytes()), ("folder", None));
    assert_eq!((source.volumes.len(), source.volumes[0].volume.is_none()), (1, true));
    assert_eq!((source.volumes[0].filesystem.name(), source.volumes[0].filesystem.journal()), (None, Journal::None));
    holds(&reach(&source, &scope), &made.expected, "folder");
    assert_eq!(source.unchanged(), Ok(()));
    assert!(source.hash().is_none());
    let after = fs::metadata(made.folder.join("small")).expect("metadata").accessed().expect("a time");
    assert_eq!(before, after, "reading leaves the access time alone");
}

#[test]
fn every_image_gives_the_tree_and_is_not_changed() {
    let made = made();
    let expected = with_lost_and_found(&made.expected);
    for (number, (name, arguments)) in ROWS.into_iter().enumerate() {
        let raw = made.scratch.path().join(format!("{number}.raw"));
        make_image(&made.folder, &raw, arguments);
        let images: [(&str, &str, &[&str]); 4] = [
            ("raw", "raw", &[]),
            ("qcow2", "v3", &[]),
            ("qcow2", "v2", &["-o", "compat=0.10,cluster_size=4096"]),
            ("qcow2", "compressed", &["-c"]),
        ];
        // The image formats need be crossed with one file system only.
        for (kind, suffix, options) in images.into_iter().take(if number == 5 { 4 } else { 1 }) {
            let image = made.scratch.path().join(format!("{number}.{suffix}"));
            if kind == "qcow2" {
                qcow2(&raw, &image, options);
            }
            let what = format!("{name} {arguments:?} in {suffix}");
            let stored = fs::read(&image).expect("the image");
            let (source, scope) = open(&image).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!((source.kind.name(), source.stored_bytes()), (kind, Some(stored.len() as u64)), "{what}");
            let volume = &source.volumes[0];
            assert_eq!((volume.volume.as_deref(), volume.filesystem.name()), (Some("whole"), Some(name)), "{what}");
            let journal = if name == "ext2" { Journal::None } else { Journal::Clean };
            assert_eq!(volume.filesystem.journal(), journal, "{what}");
            holds(&reach(&source, &scope), &expected, &what);
            let digest = source.hash().expect("an image is hashed").finish().expect("to its end");
            assert_eq!(digest, extract::digest::Digest::of(&stored), "{what}");
            assert_eq!(source.unchanged(), Ok(()), "{what}");
            assert_eq!(fs::read(&image).expect("the image"), stored, "{what}: nothing was written");
        }
    }
}

#[test]
fn several_threads_read_one_source_at_once() {
    let made = made();
    let raw = made.scratch.path().join("raw");
    make_image(&made.folder, &raw, &["-t", "ext4"]);
    let packed = made.scratch.path().join("packed");
    qcow2(&raw, &packed, &["-c"]);
    for path in [&made.folder, &raw, &packed] {
        let (source, scope) = open(path).expect("it opens");
        let alone = reach(&source, &scope);
        std::thread::scope(|threads| {
            let others: Vec<_> = (0..4).map(|_| threads.spawn(|| reach(&source, &scope))).collect();
            for other in others {
                let other = other.join().expect("no panic");
                assert!(other.items == alone.items && other.unlisted == alone.unlisted, "{}", path.display());
            }
        });
    }
}
