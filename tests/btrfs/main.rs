//! What a btrfs reader can get silently wrong: copies, checksums, subvolumes, compressed and unwritten extents, the log.

mod damage;
mod device;
mod forge;
mod live;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "../fixture/mounted.rs"]
mod mounted;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "../fixture/reach.rs"]
mod reach;
mod spanned;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "../fixture/tool.rs"]
mod tool;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "../fixture/tree.rs"]
mod tree;
mod work;

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use extract::clock::Timestamp;
use extract::journal::Journal;
use extract::scope::{EntryKind, FileTime};
use live::{Live, fill, make, subvolume, sync};
use reach::Reached;
use serde_json::Value;
use spanned::{everything, open_volumes, same_as_kernel, unpacked};
use tool::{run, text};
use work::Work;

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
    for volumes in [vec![first.clone(), second.clone()], vec![second.clone(), first.clone()], vec![first], vec![second]]
    {
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
                println!(
                    "{name}: {:?}, {} entries, {read} files read, {:?}",
                    filesystem.journal(),
                    reached.items.len(),
                    reached.unlisted
                );
            }
            Err(error) => println!("{name}: {error}"),
        }
    }
}

/// Everything here is as the kernel shows it, the times of creation too.
fn same_as_mount(what: &str, images: &[PathBuf], at: &Path, options: &str, named: Option<&[u8]>) -> Reached {
    let filesystem = open_volumes(images, named).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(filesystem.journal(), Journal::Clean, "{what}");
    let reached = everything(filesystem.as_ref());
    let live = Live::new(images, at, options).unwrap_or_else(|error| panic!("{what}: {error}"));
    let mut theirs = live.mounted().items();
    for (path, item) in &mut theirs {
        let ours = reached.items.get(path).unwrap_or_else(|| panic!("{what}: {} is missing", path.escape_ascii()));
        if ours.kind == EntryKind::Folder && ours.times == Default::default() {
            // The empty folder in a subvolume's place has no times of its own.
            item.times = ours.times;
            continue;
        }
        let path = live.at.join(std::ffi::OsStr::from_bytes(&path[1..]));
        let created = path.symlink_metadata().expect("metadata").created().expect("a time of creation");
        let (seconds, nanoseconds) = match created.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => (after.as_secs() as i64, after.subsec_nanos()),
            Err(before) => panic!("{what}: created before 1970: {before}"),
        };
        let created = Timestamp::new(seconds, nanoseconds).filter(|_| seconds != 0).map(FileTime::at);
        assert_eq!(ours.times.created, created, "{what}: {}", path.display());
    }
    same_as_kernel(what, &reached, &theirs);
    reached
}

#[test]
fn every_kind_of_image_is_read_as_the_kernel_shows_it() {
    let rows: [(&str, usize, &[&str], &str, usize); 7] = [
        ("plain", 1, &[], "", 20_000),
        ("zlib, xxhash, small blocks", 1, &["-O", "^no-holes", "--csum", "xxhash", "-n", "4096"], "compress=zlib", 300),
        (
            "zstd, sha256, dup, large blocks",
            1,
            &["--csum", "sha256", "-d", "dup", "-m", "dup", "-n", "65536"],
            "compress-force=zstd",
            300,
        ),
        ("lzo, blake2, mixed chunks", 1, &["--csum", "blake2", "-M"], "compress-force=lzo", 300),
        ("no checksums", 1, &["-m", "single"], "nodatasum", 300),
        ("raid1", 2, &["-d", "raid1", "-m", "raid1"], "compress=zstd:1", 300),
        ("raid1c3", 4, &["-d", "raid1c3", "-m", "raid1c4"], "max_inline=0", 300),
    ];
    for (what, count, arguments, options, many) in rows {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let images = make(scratch.path(), count, 700, arguments);
        let at = scratch.path().join("mount");
        match Live::new(&images, &at, options) {
            Ok(live) => fill(&live.at, many),
            Err(why) => {
                println!("{what}: not made: {why}");
                continue;
            }
        }
        let reached = same_as_mount(what, &images, &at, "ro", None);
        println!("{what}: {} entries as the kernel shows them", reached.items.len());
        if count > 1 {
            let alone = open_volumes(&images[1..], None).expect("without one device");
            assert!(everything(alone.as_ref()).items == reached.items, "{what}: without one device");
        }
    }
}

#[test]
fn subvolumes_stand_where_a_mount_shows_them() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let images = make(scratch.path(), 1, 300, &[]);
    let at = scratch.path().join("mount");
    let live = match Live::new(&images, &at, "") {
        Ok(live) => live,
        Err(why) => return println!("not made: {why}"),
    };
    let place = |name: &str| at.join(name);
    for name in ["@", "@home", "@/nested", "@/nested/deeper", "@gone"] {
        subvolume(&["create", text(&place(name))]);
        fs::write(place(name).join("file"), format!("of {name}")).expect("a file");
    }
    sync(&at);
    subvolume(&["snapshot", text(&place("@")), text(&place("snapshot"))]);
    subvolume(&["snapshot", "-r", text(&place("@")), text(&place("@home/read-only"))]);
    fs::write(place("@/file"), "changed after the snapshot").expect("a file");
    fs::rename(place("@/nested"), place("@home/moved")).expect("a subvolume is moved");
    subvolume(&["delete", text(&place("@gone"))]);
    let listed = run("btrfs", &["subvolume", "list", text(&at)]);
    let number = listed.lines().find(|line| line.ends_with(" path @")).and_then(|line| line.split(' ').nth(1));
    run("btrfs", &["subvolume", "set-default", number.expect("its number"), text(&at)]);
    drop(live);
    let shown = same_as_mount("the default", &images, &at, "ro", None);
    assert_eq!(shown.digest("/file"), extract::digest::Digest::of(b"changed after the snapshot"));
    let top = same_as_mount("the top", &images, &at, "ro,subvolid=5", Some(b"/"));
    assert!(top.items.contains_key(b"/@home/moved/deeper/file".as_slice()));
    assert_eq!(top.at("/snapshot/nested").kind, EntryKind::Folder, "a name without its subvolume");
    assert!(!top.items.contains_key(b"/snapshot/nested/file".as_slice()));
    for name in ["@home", "@home/moved/deeper", "snapshot"] {
        same_as_mount(name, &images, &at, &format!("ro,subvol={name}"), Some(name.as_bytes()));
    }
    for name in ["@gone", "@/file", "nowhere", "@home/moved/.."] {
        let refused = open_volumes(&images, Some(name.as_bytes())).err().expect("it is refused").to_string();
        assert!(refused.contains("a subvolume at the path"), "{name}: {refused}");
    }
}

/// What the kernel makes of its own log; a time that the replay itself gave is ours.
fn same_as_replay(what: &str, image: &Path, at: &Path, reached: &Reached) {
    let copy = image.with_extension("replayed");
    fs::copy(image, &copy).expect("a copy");
    let before = extract::clock::now();
    let live = Live::new(&[copy.clone()], at, "noatime").unwrap_or_else(|error| panic!("{what}: {error}"));
    let mut theirs = live.mounted().items();
    drop(live);
    fs::remove_file(copy).expect("the copy");
    for (path, item) in &mut theirs {
        let ours = reached.items.get(path).unwrap_or_else(|| panic!("{what}: {} is missing", path.escape_ascii()));
        let of_replay = |time: Option<FileTime>| time.and_then(FileTime::instant).is_some_and(|time| time >= before);
        if of_replay(item.times.modified) {
            item.times.modified = ours.times.modified;
        }
        if of_replay(item.times.changed) {
            item.times.changed = ours.times.changed;
        }
    }
    same_as_kernel(what, reached, &theirs);
}

/// How many logs are made; more of them for a night.
fn seeds() -> u64 {
    std::env::var("BTRFS_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(16)
}

#[test]
fn a_log_is_replayed_as_the_kernel_does() {
    let rows: [(&[&str], &str); 4] = [
        (&[], ""),
        (&["-O", "^no-holes", "-n", "4096"], "compress=zlib"),
        (&["--csum", "xxhash", "-O", "^extref"], "compress-force=zstd"),
        (&["-M"], "nodatacow"),
    ];
    let mut replayed = 0;
    for seed in 0..seeds() {
        let (arguments, options) = rows[seed as usize % rows.len()];
        let what = format!("seed {seed}, {arguments:?} {options}");
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let images = make(scratch.path(), 1, 256, arguments);
        let at = scratch.path().join("mount");
        let live = match Live::new(&images, &at, &format!("commit=300,{options}")) {
            Ok(live) => live,
            Err(why) => return println!("not made: {why}"),
        };
        for name in ["one", "two"] {
            subvolume(&["create", text(&at.join(name))]);
        }
        let mut works =
            [Work::new(seed, &at), Work::new(seed + 100, &at.join("one")), Work::new(seed + 200, &at.join("two"))];
        for work in &mut works {
            work.run(120, false);
        }
        sync(&at);
        for _ in 0..4 {
            for work in &mut works {
                work.run(4 + seed as usize % 40, true);
            }
        }
        let stopped = scratch.path().join("stopped.raw");
        fs::copy(&images[0], &stopped).expect("what a power cut would leave");
        drop(live);
        let filesystem = open_volumes(&[stopped.clone()], None).unwrap_or_else(|error| panic!("{what}: {error}"));
        let journal = filesystem.journal();
        let reached = everything(filesystem.as_ref());
        println!("{what}: {journal:?}, {} entries", reached.items.len());
        assert_ne!(journal, Journal::NotReplayed, "{what}");
        replayed += usize::from(journal == Journal::Replayed);
        same_as_replay(&what, &stopped, &at, &reached);
    }
    assert!(replayed > 6, "only {replayed} logs were replayed");
}
