//! What a btrfs reader can get silently wrong: copies, checksums, subvolumes, compressed and unwritten extents, the log.

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/mounted.rs"]
mod mounted;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/reach.rs"]
mod reach;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/spanned.rs"]
mod spanned;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tool.rs"]
mod tool;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tree.rs"]
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

use extract::journal::Journal;
use extract::scope::{EntryKind, FileTime};
use reach::Reached;
use serde_json::Value;
use spanned::{everything, open_volumes, unpacked};

fn corpora() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    if folder.join("truth-disk.json").is_file() {
        return Some(folder);
    }
    println!("corpora: ../shared/corpora is not there, its images are not read");
    None
}

/// Each listed file, and the count of all entries.
fn same_as_truth(what: &str, truth: &Value, reached: &Reached) {
    assert!(reached.unlisted.is_empty(), "{what}: {:?}", reached.unlisted);
    assert_eq!(Some(reached.items.len() as u64), truth["entries"].as_u64(), "{what}");
    for file in truth["files"].as_array().expect("a list of files") {
        let path = format!("/{}", file["path"].as_str().expect("a path"));
        let item = reached.at(&path);
        let kind = match file["type"].as_str() {
            Some("f") => EntryKind::File,
            Some("d") => EntryKind::Folder,
            _ => EntryKind::Link,
        };
        assert_eq!(item.kind, kind, "{what}: {path}");
        if kind == EntryKind::File {
            assert_eq!(Some(item.size_bytes), file["size"].as_u64(), "{what}: {path}");
            let seconds = item.times.modified.and_then(FileTime::instant).map(|time| time.seconds());
            assert_eq!(seconds, file["mtime"].as_i64(), "{what}: {path}");
            assert_eq!(Some(reached.digest(&path).to_string().as_str()), file["sha256"].as_str(), "{what}: {path}");
        }
    }
}

#[test]
fn the_corpora_are_read_as_an_independent_truth_says() {
    let Some(corpora) = corpora() else { return };
    let truth = fs::read(corpora.join("truth-disk.json")).expect("the truth");
    let truth: Value = serde_json::from_slice(&truth).expect("JSON");
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let image = |name: &str| unpacked(&corpora.join(format!("disk/dissect.btrfs/{name}.bin.gz")), scratch.path());
    for name in ["btrfs-default", "btrfs-subvolume", "btrfs-compression"] {
        let filesystem = open_volumes(&[image(name)], None).expect("it opens");
        assert_eq!((filesystem.name(), filesystem.journal()), (Some("btrfs"), Journal::Clean), "{name}");
        let expected = &truth["images"][format!("disk/dissect.btrfs/{name}.bin.gz")]["volumes"][0];
        same_as_truth(name, expected, &everything(filesystem.as_ref()));
    }
    let (first, second) = (image("btrfs-raid1-1"), image("btrfs-raid1-2"));
    let expected = &truth["extra"]["disk/dissect.btrfs/btrfs-raid1-1.bin.gz + -2"];
    for volumes in [vec![first.clone(), second.clone()], vec![second.clone(), first.clone()], vec![first], vec![second]] {
        let filesystem = open_volumes(&volumes, None).expect("it opens");
        same_as_truth("raid1", expected, &everything(filesystem.as_ref()));
    }
}

#[test]
fn damaged_images_of_the_corpora_are_short_and_never_wrong() {
    let Some(corpora) = corpora() else { return };
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let mut images: Vec<PathBuf> = fs::read_dir(corpora.join("disk-damaged/btrfs-progs"))
        .expect("the damaged images")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    images.sort();
    for stored in images {
        let image = unpacked(&stored, scratch.path());
        let name = image.file_name().expect("a name").to_string_lossy().into_owned();
        match open_volumes(&[image.clone()], None) {
            Ok(filesystem) => {
                let reached = everything(filesystem.as_ref());
                let read = reached.items.values().filter(|item| matches!(item.content, Some(Ok(_)))).count();
                println!("{name}: {:?}, {} entries, {read} files read, {:?}", filesystem.journal(), reached.items.len(), reached.unlisted);
            }
            Err(error) => println!("{name}: {error}"),
        }
    }
}
