//! One suite for every file system, every kind of volume and every image format: the same tree, read through the gate,
//! must come out the same. What is read is in the rows of `fixture/row`.

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/reach.rs"]
mod reach;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/row/mod.rs"]
mod row;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tool.rs"]
mod tool;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tree.rs"]
mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use extract::clock::Timestamp;
use extract::digest::Digest;
use extract::journal::Journal;
use extract::scope::{EntryKind, FileTime};
use reach::{Reached, open, open_at, reach};
use row::{Row, rows};
use tempfile::TempDir;
use tree::{Expected, Lack};

struct Made {
    scratch: TempDir,
    folder: PathBuf,
    expected: Expected,
}

fn made(lacks: &[Lack]) -> Made {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = scratch.path().join("tree");
    fs::create_dir(&folder).expect("a folder");
    let expected = tree::build_without(&folder, lacks);
    Made { scratch, folder, expected }
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

/// When the tree's files were changed, as a format with these lacks may state it: exactly, or cut to its step. None where
/// it is not known.
fn modified(lacks: &[Lack]) -> Option<[Option<Timestamp>; 2]> {
    let (seconds, nanoseconds) = tree::MODIFIED;
    let exact = Timestamp::new(seconds, nanoseconds);
    let mut total = i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
    for lack in lacks {
        match lack {
            Lack::Times => return None,
            Lack::Zone => return Some([None; 2]),
            Lack::TimesFinerThan(step) => total -= total % i128::from(*step),
            _ => {}
        }
    }
    Some([exact, Timestamp::new((total / 1_000_000_000) as i64, (total % 1_000_000_000) as u32)])
}

fn times(reached: &Reached, expected: &Expected, lacks: &[Lack], what: &str) {
    let Some(allowed) = modified(lacks) else { return };
    for path in expected.iter().filter(|(_, (kind, _))| *kind == EntryKind::File).map(|(path, _)| path) {
        let stated = reached.items[path].times.modified;
        assert_eq!(stated.is_some(), allowed[0].is_some(), "{what}: {}", path.escape_ascii());
        let stated = stated.and_then(FileTime::instant);
        assert!(allowed.contains(&stated), "{what}: {}: {stated:?}, not {allowed:?}", path.escape_ascii());
    }
}

/// The files of a folder, by name: an image of one file or of several.
fn stored(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("the folder of an image").map(|entry| entry.expect("a file").path());
    entries.map(|path| (path.clone(), fs::read(path).expect("a file of the image"))).collect()
}

#[test]
fn a_folder_gives_the_tree_and_is_not_changed() {
    let made = made(&[]);
    let before = fs::metadata(made.folder.join("small")).expect("metadata").accessed().expect("a time");
    let (source, scope) = open(&made.folder).expect("a folder opens");
    assert_eq!((source.kind.name(), source.stored_bytes()), ("folder", None));
    assert_eq!((source.volumes.len(), source.volumes[0].volume.is_none()), (1, true));
    assert_eq!((source.volumes[0].filesystem.name(), source.volumes[0].filesystem.journal()), (None, Journal::None));
    let reached = reach(&source, &scope);
    holds(&reached, &made.expected, "folder");
    times(&reached, &made.expected, &[], "folder");
    from_several_threads(&source, &scope, &reached, "folder");
    assert_eq!(source.unchanged(), Ok(()));
    assert!(source.hash().is_none());
    let after = fs::metadata(made.folder.join("small")).expect("metadata").accessed().expect("a time");
    assert_eq!(before, after, "reading leaves the access time alone");
}

#[test]
fn every_image_gives_the_tree_and_is_not_changed() {
    let mut trees: Vec<(&[Lack], Made)> = Vec::new();
    for row in rows() {
        let at = trees.iter().position(|(lacks, _)| *lacks == row.lacks).unwrap_or_else(|| {
            trees.push((row.lacks, made(row.lacks)));
            trees.len() - 1
        });
        let made = &trees[at].1;
        let folder = tempfile::tempdir_in(made.scratch.path()).expect("a folder for the image");
        let image = folder.path().join("image");
        match (row.make)(&made.folder, &image) {
            Ok(()) => judge(row, made, &image),
            Err(cannot) => cannot.say(row.what),
        }
    }
}

fn judge(row: &Row, made: &Made, image: &Path) {
    let what = row.what;
    let before = stored(image.parent().expect("a folder"));
    let bytes = before.values().map(|content| content.len() as u64).sum();
    let location = (row.location)(image.to_owned(), made.scratch.path().to_owned());
    let (source, scope) = open_at(&location).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!((source.kind.name(), source.stored_bytes()), (row.kind, Some(bytes)), "{what}");
    let [volume] = source.volumes.as_slice() else { panic!("{what}: {} volumes", source.volumes.len()) };
    assert_eq!((volume.volume.as_deref(), volume.filesystem.name()), (Some(row.volume), Some(row.name)), "{what}");
    assert_eq!(volume.filesystem.journal(), row.journal, "{what}");
    let mut expected = made.expected.clone();
    expected.extend(row.extra.iter().map(|(path, kind)| (path.as_bytes().to_vec(), (*kind, None))));
    let reached = reach(&source, &scope);
    holds(&reached, &expected, what);
    times(&reached, &made.expected, row.lacks, what);
    from_several_threads(&source, &scope, &reached, what);
    let digest = source.hash().expect("an image is hashed").finish().expect("to its end");
    assert_eq!(digest.whole, Digest::of(&before.values().flatten().copied().collect::<Vec<u8>>()), "{what}");
    let each: std::collections::BTreeSet<Digest> = before.values().map(|bytes| Digest::of(bytes)).collect();
    assert_eq!(digest.files.into_iter().collect::<std::collections::BTreeSet<_>>(), each, "{what}");
    assert_eq!(source.unchanged(), Ok(()), "{what}");
    drop(source);
    let after = stored(image.parent().expect("a folder"));
    assert!(after == before, "{what}: nothing was written, and no file was made");
}

fn from_several_threads(source: &extract::source::Source, scope: &extract::scope::Scope, alone: &Reached, what: &str) {
    std::thread::scope(|threads| {
        let others: Vec<_> = (0..3).map(|_| threads.spawn(|| reach(source, scope))).collect();
        for other in others {
            let other = other.join().expect("no panic");
            assert!(other.items == alone.items && other.unlisted == alone.unlisted, "{what}: in several threads");
        }
    });
}
