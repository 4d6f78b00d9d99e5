//! What an XFS reader can get silently wrong: every layout that mkfs.xfs makes, the log of a server that stopped, deleted
//! bytes, and damaged metadata.

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/fold.rs"]
mod fold;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/mounted.rs"]
mod mounted;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/reach.rs"]
mod reach;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tool.rs"]
mod tool;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tree.rs"]
mod tree;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/varied.rs"]
mod varied;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use extract::digest::Digest;
use extract::journal::Journal;
use extract::scope::{EntryKind, FileTimes};
use fold::Fold;
use lamxfs::{BlockRead, Xfs};
use mounted::Mounted;
use reach::{Item, Reached, open, reach, reach_with};
use tempfile::TempDir;
use tool::{Cannot, run, text, try_run};
use varied::{MARK, Options};

const IMAGE_BYTES: u64 = 320 << 20;
/// As much as [`varied::churn`] needs.
const OPTIONS: Options =
    Options { seed: 3, files: 820, large_folder: 1_600, long_bytes: 5 << 30, deleted_bytes: 8 << 20, lacks: &[] };

/// Ways to make an XFS file system, and how the kernel is to mount it.
const LAYOUTS: [(&[&str], &str); 8] = [
    (&[], "loop"),
    (&["-m", "bigtime=0,inobtcount=0"], "loop"),
    (&["-m", "rmapbt=1,reflink=1", "-b", "size=1024", "-n", "size=8192"], "loop"),
    (&["-b", "size=1024", "-i", "size=512,sparse=0"], "loop"),
    (&["-n", "size=65536", "-i", "size=2048"], "loop"),
    (&["-i", "nrext64=1", "-m", "rmapbt=1"], "loop,logbsize=256k"),
    (&["-l", "su=256k,size=64m", "-m", "reflink=0,finobt=0"], "loop,logbsize=256k"),
    (&["-s", "size=4096", "-l", "size=64m"], "loop,wsync"),
];

fn make(image: &Path, arguments: &[&str]) -> Result<(), Cannot> {
    File::create(image).and_then(|file| file.set_len(IMAGE_BYTES)).expect("an empty image");
    try_run("mkfs.xfs", &[&["-q", "-f"], arguments, &[text(image)]].concat()).map(|_| ())
}

fn copy(from: &Path, to: &Path) {
    run("cp", &["--sparse=always", text(from), text(to)]);
}

fn folded(stream: &mut dyn Read, is_marked: &Cell<bool>) -> Result<(u64, Digest), String> {
    let mut fold = Fold::new(MARK);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match stream.read(&mut buffer).map_err(|error| error.to_string())? {
            0 => break,
            read => fold.update(&buffer[..read]),
        }
    }
    let (size, digest, marked) = fold.finish();
    is_marked.set(is_marked.get() || marked);
    Ok((size, digest))
}

/// What the kernel shows of an image.
fn kernel(image: &Path, at: &Path, options: &str) -> Result<BTreeMap<Vec<u8>, Item>, Cannot> {
    let mounted = Mounted::new(image, at, options).map_err(Cannot::Right)?;
    Ok(mounted.items_with(&|file: &File| folded(&mut &*file, &Cell::new(false))))
}

fn everything(image: &Path) -> (Journal, Reached) {
    let (source, scope) = open(image).unwrap_or_else(|error| panic!("{}: {error}", image.display()));
    let is_marked = Cell::new(false);
    let reached = reach_with(&source, &scope, |stream| folded(stream, &is_marked));
    assert!(!is_marked.get(), "what was deleted is read");
    (source.volumes[0].filesystem.journal(), reached)
}

fn assert_same(reached: &Reached, kernel: &BTreeMap<Vec<u8>, Item>, what: &str) {
    assert_eq!(reached.unlisted, BTreeMap::new(), "{what}");
    let ours: Vec<_> = reached.items.keys().filter(|path| path.as_slice() != b"/").collect();
    let missing: Vec<_> = kernel.keys().filter(|path| !reached.items.contains_key(*path)).collect();
    assert!(missing.is_empty(), "{what}: {} are missing: {:?}", missing.len(), &missing[..missing.len().min(5)]);
    assert_eq!(ours.len(), kernel.len(), "{what}: more is found than the kernel shows");
    for (path, theirs) in kernel {
        assert_eq!(reached.items[path], *theirs, "{what}: {}", path.escape_ascii());
    }
}

/// Shares and exchanges blocks between files, so that the log holds intents of every kind.
fn share(at: &Path) {
    let folder = at.join("shared");
    fs::create_dir_all(&folder).expect("a folder");
    for number in 0..40_u64 {
        let original = folder.join(format!("original {number}"));
        fs::write(&original, tree::noise(number, 300_000)).expect("a file");
        let twin = folder.join(format!("twin {number}"));
        run("cp", &["--reflink=auto", text(&original), text(&twin)]);
        let file = File::options().write(true).open(&twin).expect("a file");
        for piece in 0..20 {
            file.write_all_at(&tree::noise(number + piece, 5_000), piece * 13_000).expect("a piece");
        }
        if number % 3 == 0 {
            file.sync_all().expect("fsync");
        }
    }
}

/// Stops a mounted file system as a power cut does: with what the log holds on the disk, or without it.
fn cut_power(at: &Path, with_log: bool) -> Result<(), Cannot> {
    let command = if with_log { "shutdown -f" } else { "shutdown" };
    try_run("xfs_io", &["-x", "-c", command, text(at)]).map(|_| ())
}

fn compare_layout(number: usize, arguments: &[&str], options: &str) -> Result<(), Cannot> {
    let what = format!("{arguments:?} {options}");
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let (image, at) = (scratch.path().join("image.raw"), scratch.path().join("mount"));
    make(&image, arguments)?;
    let mounted = Mounted::new(&image, &at, options).map_err(Cannot::Right)?;
    varied::build(&at, &OPTIONS);
    share(&at);
    drop(mounted);
    let (journal, reached) = everything(&image);
    assert_eq!(journal, Journal::Clean, "{what}");
    assert_same(&reached, &kernel(&image, &at, "loop,ro")?, &what);

    // The same image, in whose log a server's work stands.
    let mounted = Mounted::new(&image, &at, options).map_err(Cannot::Right)?;
    varied::churn(&at, 3);
    fs::remove_dir_all(at.join("shared")).expect("deleted");
    share(&at);
    let file = File::create(at.join("behind the last fsync")).expect("a file");
    file.write_all_at(b"content", 0).expect("its content");
    cut_power(&at, number.is_multiple_of(2))?;
    drop((file, mounted));
    let (journal, reached) = everything(&image);
    assert_eq!(journal, Journal::Replayed, "{what}");
    let half_mapped =
        |item: &Item| matches!(&item.content, Some(Err(error)) if error.contains("when the server stopped"));
    let refused = reached.items.values().filter(|item| half_mapped(item)).count();
    println!("{what}: {} entries, {refused} half mapped", reached.items.len());
    let recovered = scratch.path().join("recovered.raw");
    copy(&image, &recovered);
    let mut theirs = kernel(&recovered, &at, "loop,noatime")?;
    for (path, item) in reached.items.iter().filter(|(_, item)| half_mapped(item)) {
        theirs.insert(path.clone(), item.clone());
    }
    assert!(refused <= 2, "{what}: {refused} files are half mapped");
    assert_same(&reached, &theirs, &format!("{what}, stopped"));
    Ok(())
}

#[test]
fn every_layout_is_read_as_the_kernel_shows_it_also_when_the_server_stopped() {
    for (number, (arguments, options)) in LAYOUTS.into_iter().enumerate() {
        if let Err(cannot) = compare_layout(number, arguments, options) {
            cannot.say(&format!("{arguments:?} {options}"));
        }
    }
}

/// Work of a seed of its own, in small steps, and a power cut after any of them.
fn work(at: &Path, seed: u64) {
    let chances = tree::noise(seed.wrapping_mul(7_919) + 1, 8 * 300);
    for (step, chance) in chances.as_chunks::<8>().0.iter().enumerate() {
        let chance = u64::from_le_bytes(*chance);
        let folder = at.join(format!("folder {}", chance % 5));
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(format!("a name of some length for number {}", chance / 8 % 60));
        match chance / 1_024 % 9 {
            0 => drop(fs::remove_file(&path)),
            1 => drop(fs::rename(&path, at.join(format!("moved {}", chance % 77)))),
            2 => drop(fs::hard_link(&path, folder.join(format!("link {step}")))),
            3 => File::create(&path).expect("a file").set_len(chance % 90_000).expect("its length"),
            4 => drop(fs::remove_dir_all(at.join(format!("folder {}", chance / 16 % 5)))),
            5 => drop(File::open(&folder).and_then(|folder| folder.sync_all())),
            6 => run("sync", &[text(&folder)]).clear(),
            _ => {
                let file = File::options().write(true).create(true).truncate(false).open(&path).expect("a file");
                for piece in 0..chance % 12 {
                    file.write_all_at(&tree::noise(chance + piece, 3_000), piece * 8_192).expect("a piece");
                }
                if chance & 1 << 40 == 0 {
                    file.sync_all().expect("fsync");
                }
            }
        }
    }
}

#[test]
fn a_power_cut_at_any_moment_is_read_as_the_kernel_recovers_it() {
    let seeds = std::env::var("EXTRACT_SEEDS").map_or(8, |seeds| seeds.parse().expect("a number"));
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let (image, at) = (scratch.path().join("image.raw"), scratch.path().join("mount"));
    let mut states = BTreeMap::new();
    for seed in 0..seeds {
        let arguments = LAYOUTS[seed as usize % LAYOUTS.len()].0;
        let judged = make(&image, arguments).and_then(|()| {
            // Several times over: what was recovered once is worked on again.
            for cut in 0..3 {
                let mounted = Mounted::new(&image, &at, "loop").map_err(Cannot::Right)?;
                work(&at, seed * 10 + cut);
                cut_power(&at, (seed + cut) % 3 != 0)?;
                drop(mounted);
                let (journal, reached) = everything(&image);
                *states.entry(format!("{journal:?}")).or_insert(0) += 1;
                assert!(matches!(journal, Journal::Replayed | Journal::Clean), "{seed} {arguments:?}: {journal:?}");
                let recovered = scratch.path().join("recovered.raw");
                copy(&image, &recovered);
                let theirs = kernel(&recovered, &at, "loop,noatime")?;
                assert_same(&reached, &theirs, &format!("seed {seed}, cut {cut}, {arguments:?}"));
            }
            Ok(())
        });
        if let Err(cannot) = judged {
            return cannot.say("power cuts");
        }
    }
    println!("{states:?}");
}

/// A description of a tree for `mkfs.xfs -p`, which needs no rights: files of many sizes and large folders.
fn prototype(scratch: &Path, longest: u64) -> (PathBuf, BTreeMap<String, u64>) {
    let (list, contents) = (scratch.join("prototype"), scratch.join("contents"));
    fs::create_dir_all(&contents).expect("a folder");
    let mut expected = BTreeMap::new();
    let mut lines = vec!["/".to_owned(), "0 0".to_owned(), "d--755 0 0".to_owned()];
    // A folder in its inode, one of a single block, one with its hashes beside it, and one with a tree of them.
    for (folder, count) in [("few", 3_u64), ("block", 40), ("leaf", 400), ("node", 3_000)] {
        lines.push(format!("{folder} d--755 0 0"));
        for number in 0..count {
            let length = number * 7_919 % if number % 50 == 0 { longest } else { 900 };
            let source = contents.join(format!("{length}"));
            if !source.exists() {
                fs::write(&source, tree::noise(length, length as usize)).expect("a content");
            }
            let name = format!("{folder}-a-name-of-some-length-{number:05}");
            lines.push(format!("{name} ---644 1 2 {}", text(&source)));
            expected.insert(format!("/{folder}/{name}"), length);
        }
        lines.push("$".to_owned());
    }
    lines.extend(["link l--777 0 0 few".to_owned(), "pipe p--644 0 0".to_owned(), "$".to_owned(), String::new()]);
    fs::write(&list, lines.join("\n")).expect("a prototype");
    (list, expected)
}

struct Blocks(File);

impl BlockRead for Blocks {
    type Error = std::io::Error;

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), Self::Error> {
        self.0.read_exact_at(buffer, offset)
    }
}

#[test]
fn versions_4_and_5_give_the_tree_that_they_were_made_of_and_the_other_reader_agrees() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let (list, expected) = prototype(scratch.path(), 300_000);
    let image = scratch.path().join("image.raw");
    let layouts: [&[&str]; 7] = [
        &["-m", "crc=0", "-n", "ftype=0"],
        &["-m", "crc=0", "-n", "ftype=1", "-i", "size=256", "-b", "size=1024"],
        &["-m", "crc=0", "-n", "size=65536", "-i", "size=2048"],
        &["-m", "crc=0", "-n", "size=8192", "-b", "size=2048"],
        &[],
        &["-b", "size=1024", "-n", "size=4096"],
        &["-n", "size=16384"],
    ];
    for arguments in layouts {
        if let Err(cannot) = make(&image, &[&["-p", text(&list)], arguments].concat()) {
            return cannot.say("mkfs.xfs");
        }
        let (source, scope) = open(&image).expect("it opens");
        let filesystem = &source.volumes[0].filesystem;
        assert_eq!((filesystem.name(), filesystem.journal()), (Some("xfs"), Journal::Clean), "{arguments:?}");
        let reached = reach(&source, &scope);
        assert_eq!(reached.unlisted, BTreeMap::new(), "{arguments:?}");
        // The root, four folders, a link and a pipe.
        assert_eq!(reached.items.len(), expected.len() + 7, "{arguments:?}");
        assert_eq!(reached.at("/link").kind, EntryKind::Link);
        assert_eq!(reached.at("/pipe").kind, EntryKind::Special);
        let file = File::open(&image).expect("the image");
        let mut other = Xfs::open(Blocks(file), IMAGE_BYTES).expect("the other reader opens it");
        for folder in ["few", "block", "leaf", "node"] {
            let path = format!("/{folder}");
            let theirs = other.read_dir(lamxfs::Path::new(path.as_bytes())).expect("a folder");
            let ours = expected.keys().filter(|name| name.starts_with(&format!("{path}/"))).count();
            assert_eq!(theirs.len(), ours, "{arguments:?}: {path}");
        }
        for (path, length) in &expected {
            let content = tree::noise(*length, *length as usize);
            assert_eq!(reached.at(path).size_bytes, *length, "{arguments:?}: {path}");
            assert_eq!(reached.digest(path), Digest::of(&content), "{arguments:?}: {path}");
            if length % 11 == 0 {
                let theirs = other.read_file(lamxfs::Path::new(path.as_bytes())).expect("a file");
                assert!(theirs == content, "{arguments:?}: {path}: the other reader");
            }
        }
        let times = reached.at("/few").times;
        assert_eq!(times.created.is_some(), !arguments.contains(&"crc=0"), "{arguments:?}");
        assert!(times.modified.is_some() && times.changed.is_some() && times.accessed.is_some(), "{arguments:?}");
    }
}

/// A small image with every kind of metadata block, made without rights; none where there is no mkfs.xfs.
fn small(scratch: &TempDir, arguments: &[&str]) -> Option<PathBuf> {
    let (list, _) = prototype(scratch.path(), 9_000);
    let image = scratch.path().join("image.raw");
    match make(&image, &[&["-p", text(&list)], arguments].concat()) {
        Ok(()) => Some(image),
        Err(cannot) => {
            cannot.say("mkfs.xfs");
            None
        }
    }
}

/// What was found is as it was, or it is said that it could not be read.
fn never_wrong(before: &Reached, after: &Reached, what: &str) -> usize {
    let mut short = after.unlisted.len();
    let said = |path: &[u8]| {
        let within = |folder: &Vec<u8>| {
            let folder = folder.strip_suffix(b"/").unwrap_or(folder);
            path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/"))
        };
        after.unlisted.keys().any(within)
            || after.items.iter().any(|(folder, item)| item.kind == EntryKind::Unreadable && within(folder))
    };
    for (path, item) in &before.items {
        let name = path.escape_ascii();
        match after.items.get(path) {
            None => assert!(said(path), "{what}: {name} is missing, and nothing is said"),
            Some(found) if after.unlisted.contains_key(path) => assert_eq!(found.kind, item.kind, "{what}: {name}"),
            Some(found) if found.kind == EntryKind::Unreadable || matches!(found.content, Some(Err(_))) => short += 1,
            Some(found) => assert_eq!(found, item, "{what}: {name}"),
        }
    }
    let more = after.items.keys().find(|path| !before.items.contains_key(*path));
    assert!(more.is_none(), "{what}: found what was not there");
    short
}

/// Where sectors begin as `mark` says, and have the file system's UUID at `uuid`; no more than eight of them.
fn places(image: &[u8], at: usize, mark: &[u8], uuid: Option<usize>) -> Vec<usize> {
    let is_ours = |sector: &[u8]| uuid.is_none_or(|uuid| sector[uuid..uuid + 16] == image[32..48]);
    let sectors = image.chunks_exact(512).enumerate();
    let found = sectors.filter(|(_, sector)| sector[at..].starts_with(mark) && is_ours(sector));
    let all: Vec<usize> = found.map(|(number, _)| number * 512).collect();
    all.iter().step_by(all.len().div_ceil(8).max(1)).copied().collect()
}

#[test]
fn a_changed_byte_of_any_metadata_is_an_error_or_changes_nothing() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let Some(image) = small(&scratch, &["-b", "size=1024", "-n", "size=4096"]) else { return };
    // A file in so many pieces that its extents are a tree: without rights there is none.
    if let Ok(mounted) = Mounted::new(&image, &scratch.path().join("mount"), "loop") {
        let file = File::create(scratch.path().join("mount/scattered")).expect("a file");
        for piece in 0..900 {
            file.write_all_at(&tree::noise(piece, 1_024), piece * 3_072).expect("a piece");
        }
        drop((file, mounted));
    }
    let (source, scope) = open(&image).expect("it opens");
    let before = reach(&source, &scope);
    let bytes = fs::read(&image).expect("the image");
    // Superblock, inodes, folders of one block and of several, their hashes and free space, trees of extents.
    /// What a kind of block is called; where its mark stands, and the mark; where the file system's UUID stands; how long a
    /// block is; whether it is read.
    type Kind = (&'static str, usize, &'static [u8], usize, usize, bool);
    let kinds: [Kind; 8] = [
        ("superblock", 0, b"XFSB", 32, 512, true),
        ("inode", 0, b"IN", 160, 512, true),
        ("folder of one block", 0, b"XDB3", 24, 4_096, true),
        ("folder", 0, b"XDD3", 24, 4_096, true),
        ("tree of extents", 0, b"BMA3", 40, 1_024, true),
        ("hashes in a leaf", 8, b"\x3d\xf1", 32, 4_096, false),
        ("node of hashes", 8, b"\x3e\xbe", 32, 4_096, false),
        ("free space of a folder", 0, b"XDF3", 24, 4_096, false),
    ];
    let file = File::options().write(true).open(&image).expect("the image");
    for (kind, at, mark, uuid, length, is_read) in kinds {
        let places = places(&bytes, at, mark, Some(uuid));
        let (mut errors, mut changes) = (0, 0);
        for place in &places {
            let chances = tree::noise(*place as u64 + 1, 8 * 4);
            for chance in chances.as_chunks::<8>().0 {
                let chance = u64::from_le_bytes(*chance);
                let at = place + chance as usize % length;
                changes += 1;
                file.write_all_at(&[bytes[at] ^ (1 << (chance >> 32 & 7))], at as u64).expect("a change");
                match open(&image) {
                    Ok((source, scope)) => {
                        errors += usize::from(never_wrong(&before, &reach(&source, &scope), kind) > 0);
                    }
                    Err(_) => errors += 1,
                }
                file.write_all_at(&bytes[at..=at], at as u64).expect("taken back");
            }
        }
        println!("{kind}: {changes} changes in {} blocks, {errors} seen", places.len());
        assert_eq!(errors > 0, is_read && changes > 0, "{kind}");
    }
}

#[test]
fn a_changed_byte_of_the_log_is_never_called_replayed_unless_it_changes_nothing() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let (image, at) = (scratch.path().join("image.raw"), scratch.path().join("mount"));
    let made = make(&image, &[]).and_then(|()| {
        let mounted = Mounted::new(&image, &at, "loop").map_err(Cannot::Right)?;
        (0..4).for_each(|seed| work(&at, seed));
        cut_power(&at, true)?;
        drop(mounted);
        Ok(())
    });
    if let Err(cannot) = made {
        return cannot.say("a log");
    }
    let (journal, before) = everything(&image);
    assert_eq!(journal, Journal::Replayed);
    let bytes = fs::read(&image).expect("the image");
    let records = places(&bytes, 0, b"\xfe\xed\xba\xbe", None);
    let file = File::options().write(true).open(&image).expect("the image");
    let mut states = BTreeMap::new();
    for place in &records {
        for chance in tree::noise(*place as u64 + 1, 6 * 2).as_chunks::<2>().0 {
            let at = place + usize::from(u16::from_le_bytes(*chance)) % 2_000;
            file.write_all_at(&[bytes[at] ^ 0x10], at as u64).expect("a change");
            let (source, scope) = open(&image).expect("it opens");
            let journal = source.volumes[0].filesystem.journal();
            let after = reach_with(&source, &scope, |stream| folded(stream, &Cell::new(false)));
            // A record that was torn as the power failed ends the log there: so it is for the kernel.
            if journal == Journal::NotReplayed {
                let below = after.items.iter().filter(|(path, _)| path.as_slice() != b"/");
                assert!(below.into_iter().all(|(_, item)| item.times == FileTimes::default()), "no time is known");
            } else if after.items != before.items {
                let (torn, recovered) = (scratch.path().join("torn.raw"), scratch.path().join("mount"));
                copy(&image, &torn);
                match kernel(&torn, &recovered, "loop,noatime") {
                    Ok(theirs) => assert_same(&after, &theirs, "torn"),
                    Err(cannot) => panic!("{journal:?}, and the kernel refuses it: {cannot:?}"),
                }
            }
            *states.entry(format!("{journal:?}")).or_insert(0) += 1;
            file.write_all_at(&bytes[at..=at], at as u64).expect("taken back");
        }
    }
    println!("{} records: {states:?}", records.len());
}

#[test]
fn mutated_images_give_errors_and_never_panic_nor_hang() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    for arguments in [["-m", "crc=0"], ["-m", "crc=1"]] {
        let Some(image) = small(&scratch, &arguments) else { return };
        let before = open(&image).map(|(source, scope)| reach(&source, &scope)).expect("it opens");
        let bytes = fs::read(&image).expect("the image");
        // What is not zeros: metadata and contents.
        let used: Vec<usize> = (0..bytes.len() / 4_096)
            .filter(|block| bytes[block * 4_096..][..4_096].iter().any(|byte| *byte != 0))
            .collect();
        let (mut refused, mut read) = (0, 0);
        for seed in 0..50_u64 {
            let begun = Instant::now();
            let mutant = scratch.path().join("mutant.raw");
            copy(&image, &mutant);
            let file = File::options().write(true).open(&mutant).expect("the mutant");
            for chance in tree::noise(seed * 104_729 + 1, 8 * 12).as_chunks::<8>().0 {
                let chance = u64::from_le_bytes(*chance);
                let pick = |chance: u64| used[chance as usize % used.len()] * 4_096;
                match (seed % 5, chance % 3) {
                    (4, 0) => file.set_len(chance / 3 % IMAGE_BYTES).expect("cut"),
                    (_, 1) => {
                        let (one, other) = (pick(chance >> 8), pick(chance >> 32));
                        file.write_all_at(&bytes[one..one + 4_096], other as u64).expect("another block");
                    }
                    _ => {
                        let at = if chance & 1 << 50 == 0 { chance >> 8 & 0xfff } else { pick(chance >> 8) as u64 };
                        let at = at + (chance >> 40 & 0xff);
                        file.write_all_at(&[chance as u8 | 1], at).expect("a change");
                    }
                }
            }
            match open(&mutant) {
                Ok((source, scope)) => {
                    let after = reach(&source, &scope);
                    // Contents have no checksums, and version 4 has none at all.
                    let is_short = !after.unlisted.is_empty() || after.items.len() < before.items.len();
                    read += usize::from(!is_short);
                }
                Err(_) => refused += 1,
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{arguments:?}: seed {seed} takes too long");
        }
        println!("{arguments:?}: of 50 mutants {refused} are refused, {read} are listed whole");
    }
}

/// Changes a field by xfs_db, which brings the checksum up to date.
fn write_field(image: &Path, object: &str, field: &str, value: &str) -> Result<(), Cannot> {
    let write = format!("write -d {field} {value}");
    try_run("xfs_db", &["-x", "-c", object, "-c", &write, text(image)]).map(|_| ())
}

#[test]
fn what_this_version_does_not_read_is_refused_by_name() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let (image, log) = (scratch.path().join("image.raw"), scratch.path().join("log.raw"));
    File::create(&log).and_then(|file| file.set_len(64 << 20)).expect("an empty log");
    let external = format!("logdev={}", text(&log));
    if let Err(cannot) = make(&image, &["-l", &external]) {
        return cannot.say("mkfs.xfs");
    }
    let refused = |by: &str| match open(&image) {
        Ok(_) => panic!("opened, and must be refused by {by}"),
        Err(error) => assert!(error.to_string().contains(by), "must be refused by {by}: {error}"),
    };
    refused("external log");
    for (incompat, by) in [
        ("0x1b", "needs repair"),
        ("0x10b", "metadata directory"),
        ("0x20b", "zoned"),
        ("0x40b", "zones"),
        ("0x80000b", "unknown feature (incompatible 0x800000)"),
    ] {
        make(&image, &[]).expect("made before");
        if let Err(cannot) = write_field(&image, "sb 0", "features_incompat", incompat) {
            return cannot.say("xfs_db");
        }
        refused(by);
    }
    make(&image, &["-m", "crc=0"]).expect("made before");
    // Without NLINK inodes are of version 1.
    let file = File::options().read(true).write(true).open(&image).expect("the image");
    let mut version = [0; 2];
    file.read_exact_at(&mut version, 100).expect("the version");
    file.write_all_at(&(u16::from_be_bytes(version) & !0x20).to_be_bytes(), 100).expect("a change");
    refused("version 1 inodes");
}

#[test]
fn a_file_on_the_realtime_device_is_refused_and_its_neighbours_are_read() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let Some(image) = small(&scratch, &[]) else { return };
    let name = "few-a-name-of-some-length-00002";
    let said = run("xfs_db", &["-r", "-c", &format!("path /few/{name}"), "-c", "print v3.inumber", text(&image)]);
    let number = said.lines().find_map(|line| line.strip_prefix("v3.inumber = ")).expect("an inode's number");
    write_field(&image, &format!("inode {number}"), "core.realtime", "1").expect("xfs_db is there");
    let (source, scope) = open(&image).expect("it opens");
    let reached = reach(&source, &scope);
    let content = &reached.at(&format!("/few/{name}")).content;
    assert!(matches!(content, Some(Err(error)) if error.contains("realtime device")), "{content:?}");
    let others = reached.items.values().filter(|item| matches!(item.content, Some(Err(_)))).count();
    assert_eq!(others, 1);
}
