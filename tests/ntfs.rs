//! What a reader of NTFS can get silently wrong: sparse, compressed and half-written files, names, links, deleted files.

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/bare.rs"]
mod bare;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/fused.rs"]
mod fused;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/plain.rs"]
mod plain;
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
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bare::{Bytes, lacks};
use extract::clock::Timestamp;
use extract::digest::{Digest, Hasher};
use extract::journal::Journal;
use extract::scope::{EntryKind, FileTime, FileTimes};
use fused::Fused;
use reach::Reached;
use rustix::fs::XattrFlags;
use tempfile::TempDir;
use tool::{run, text};
use tree::noise;

/// The content of each file, by its path.
type Files = BTreeMap<String, Vec<u8>>;

const TOOLS: [&str; 2] = ["mkntfs", "ntfs-3g"];

fn made(scratch: &TempDir, mib: u64, arguments: &[&str]) -> PathBuf {
    let image = scratch.path().join("image");
    fs::File::create(&image).expect("an image").set_len(mib << 20).expect("its length");
    run("mkntfs", &[&["-F", "-q", "-L", "a label"], arguments, &[text(&image)]].concat());
    image
}

fn mount(image: &Path, scratch: &TempDir) -> Option<Fused> {
    let mounted = Fused::new("ntfs-3g", &["-o", "no_detach,compression,efs_raw"], image, &scratch.path().join("mount"));
    mounted.inspect_err(|cannot| cannot.say("a volume filled by a driver in user space")).ok()
}

fn set(path: &Path, name: &str, value: &[u8]) {
    rustix::fs::setxattr(path, name, value, XattrFlags::empty()).unwrap_or_else(|error| panic!("{name}: {error}"));
}

/// The four times that the driver states of a file: created, modified, accessed, changed, in tenths of a microsecond.
fn times(path: &Path) -> FileTimes {
    let mut value = [0; 32];
    let length = rustix::fs::getxattr(path, "system.ntfs_times_be", &mut value[..]).expect("its times");
    assert_eq!(length, 32);
    let at = |index: usize| {
        let stored = u64::from_be_bytes(value[index * 8..index * 8 + 8].try_into().expect("eight bytes"));
        let seconds = (stored / 10_000_000) as i64 - 11_644_473_600;
        Timestamp::new(seconds, (stored % 10_000_000) as u32 * 100).map(FileTime::at)
    };
    FileTimes { created: at(0), modified: at(1), accessed: at(2), changed: at(3) }
}

fn read(image: &Path) -> (Journal, Reached) {
    let filesystem = bare::open_file(image, None).expect("it opens");
    assert_eq!(filesystem.name(), Some("ntfs"));
    (filesystem.journal(), bare::reach(filesystem.as_ref()))
}

fn read_bytes(bytes: Vec<u8>) -> (Journal, Reached) {
    let filesystem = bare::open(Arc::new(Bytes(bytes)), None).expect("it opens");
    (filesystem.journal(), bare::reach(filesystem.as_ref()))
}

/// Everything of the tree is there, with the driver's times; gives how many things were compared.
fn holds(reached: &Reached, files: &Files, stated: &BTreeMap<String, FileTimes>) {
    assert_eq!(reached.unlisted, BTreeMap::new());
    for (name, content) in files {
        let item = reached.at(&format!("/{name}"));
        let size = content.len() as u64;
        assert_eq!((item.kind, item.size_bytes), (EntryKind::File, size), "{name}");
        assert_eq!(item.content, Some(Ok((size, Digest::of(content)))), "{name}");
    }
    for (name, times) in stated {
        assert_eq!(reached.at(&format!("/{name}")).times, *times, "{name}");
    }
}

/// Fills a mounted volume with everything that NTFS can hold. Gives the files, and how many other things there are.
fn fill(root: &Path, many: usize) -> (Files, BTreeMap<String, EntryKind>) {
    let mut files = plain::files(5 * 1024 * 1024 + 17, many);
    files.insert("names/beyond \u{1f600}\u{10348}".to_owned(), b"beyond the first plane".to_vec());
    files.insert("Case".to_owned(), b"capital".to_vec());
    files.insert("case".to_owned(), b"small".to_vec());
    fs::create_dir(root.join("packed")).expect("a folder");
    set(&root.join("packed"), "system.ntfs_attrib_be", &0x0000_0800_u32.to_be_bytes());
    let words = b"some words that come again and again, and some more. ".repeat(9_000);
    files.insert("packed/words".to_owned(), words.clone());
    files.insert("packed/noise".to_owned(), noise(77, 300_001));
    files.insert("packed/both".to_owned(), [&words[..100_000], &noise(78, 100_000), &words[..70_001]].concat());
    files.insert("packed/zeros".to_owned(), vec![0; 500_000]);
    files.insert("packed/small".to_owned(), b"resident".to_vec());
    for (name, content) in &files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, content).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    // In 3,000 pieces with as many holes: the runs fill many records.
    let mut pieces = vec![0; 3_000 * 8192];
    let file = fs::File::create(root.join("pieces")).expect("a file");
    for number in 0..3_000_usize {
        let piece = noise(number as u64 * 2 + 1, 4096);
        file.write_all_at(&piece, number as u64 * 8192).expect("a piece");
        pieces[number * 8192..number * 8192 + 4096].copy_from_slice(&piece);
    }
    pieces.truncate(2_999 * 8192 + 4096);
    files.insert("pieces".to_owned(), pieces);
    let names: Vec<String> = (0..8).map(|number| format!("turns/by turns {number}")).collect();
    fs::create_dir(root.join("turns")).expect("a folder");
    let mut open: Vec<_> = names.iter().map(|name| fs::File::create(root.join(name)).expect("a file")).collect();
    for piece in 0..40_u64 {
        for (number, file) in open.iter_mut().enumerate() {
            file.write_all(&noise(piece * 16 + number as u64 * 2 + 1, 5_000)).expect("a piece");
            file.sync_all().expect("it is written");
        }
    }
    drop(open);
    for (number, name) in names.into_iter().enumerate() {
        if number % 2 == 0 {
            fs::remove_file(root.join(name)).expect("it is deleted");
        } else {
            let content = (0..40).flat_map(|piece| noise(piece * 16 + number as u64 * 2 + 1, 5_000)).collect();
            files.insert(name, content);
        }
    }
    fs::hard_link(root.join("small.txt"), root.join("names/hard link")).expect("a hard link");
    files.insert("names/hard link".to_owned(), b"five\n".to_vec());
    // A name for DOS beside the long one, and a stream that is not the file's content.
    set(&root.join("Mixed Case.Text"), "system.ntfs_dos_name", b"MIXEDC~1.TEX");
    set(&root.join("small.txt"), "user.stream", b"an alternate stream, never read");
    std::os::unix::fs::symlink("small.txt", root.join("link")).expect("a link");
    let mut others = BTreeMap::from([("link".to_owned(), EntryKind::Link)]);
    let point =
        |tag: u32, data: &[u8]| [&tag.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), &[0; 2], data].concat();
    fs::create_dir(root.join("junction")).expect("a folder");
    let target: Vec<u8> = "\\??\\C:\\x\0C:\\x\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let head: Vec<u8> = [0_u16, 16, 18, 8].iter().flat_map(|half| half.to_le_bytes()).collect();
    set(&root.join("junction"), "system.ntfs_reparse_data", &point(0xa000_0003, &[head, target].concat()));
    others.insert("junction".to_owned(), EntryKind::Link);
    for (name, tag) in [("overlay", 0x8000_0017), ("cloud", 0x9000_301a), ("unknown", 0x8000_7777_u32)] {
        fs::write(root.join(name), b"a stand-in").expect("a file");
        set(&root.join(name), "system.ntfs_reparse_data", &point(tag, &[1; 16]));
        others.insert(name.to_owned(), EntryKind::File);
    }
    (files, others)
}

#[test]
fn the_tree_comes_out_as_it_was_put_in_with_its_times() {
    if lacks(&TOOLS) {
        return;
    }
    for (arguments, many) in [(&[][..], 3_000), (&["-c", "512"][..], 100), (&["-c", "65536", "-s", "4096"][..], 100)] {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let image = made(&scratch, 120, arguments);
        let Some(mounted) = mount(&image, &scratch) else { return };
        let (mut files, others) = if arguments.contains(&"65536") {
            // Clusters of 64 KiB are not compressed.
            (plain::files(5 << 20, many), BTreeMap::new())
        } else {
            fill(&mounted.at, many)
        };
        if others.is_empty() {
            for (name, content) in &files {
                let path = mounted.at.join(name);
                fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
                fs::write(path, content).expect("a file");
            }
        }
        let size = (2_u64 << 30) + 4097;
        let file = fs::File::create(mounted.at.join("sparse")).expect("a file");
        file.set_len(size).expect("its length");
        file.write_all_at(b"in the middle", 1 << 30).expect("a piece");
        file.write_all_at(b"end", size - 3).expect("a piece");
        drop(file);
        let stated = files.keys().map(|name| (name.clone(), times(&mounted.at.join(name)))).collect();
        drop(mounted);
        if !others.is_empty() {
            let bytes = fs::read(&image).expect("the image");
            let (_, data) = record(&bytes, "words");
            assert_eq!(bytes[data + 12], 1, "it is stored compressed");
        }
        let (journal, reached) = read(&image);
        assert_eq!(journal, Journal::Clean);
        holds(&reached, &files, &stated);
        for (name, kind) in &others {
            let item = reached.at(&format!("/{name}"));
            assert_eq!(item.kind, *kind, "{name}");
            if *kind == EntryKind::File {
                let said = item.content.as_ref().and_then(|content| content.as_ref().err()).expect("it is refused");
                println!("{name}: {said}");
                assert!(said.contains("not supported"), "{name}: {said}");
            }
        }
        let mut hasher = Hasher::new();
        let mut rest = size;
        let mut at = 0;
        for piece in [(1_u64 << 30, &b"in the middle"[..]), (size - 3, b"end")] {
            hash_zeros(&mut hasher, piece.0 - at);
            hasher.update(piece.1);
            (at, rest) = (piece.0 + piece.1.len() as u64, rest);
        }
        assert_eq!(reached.at("/sparse").content, Some(Ok((rest, hasher.finish()))), "a sparse file");
        files.insert("sparse".to_owned(), Vec::new());
        let found = reached.items.values().filter(|item| item.kind != EntryKind::Folder).count();
        assert_eq!(found, files.len() + others.len(), "nothing else is there");
    }
}

fn hash_zeros(hasher: &mut Hasher, count: u64) {
    let zeros = vec![0; 1 << 20];
    let mut left = count;
    while left > 0 {
        let length = left.min(zeros.len() as u64);
        hasher.update(&zeros[..length as usize]);
        left -= length;
    }
}

/// Where the record of a file of that name stands, and its unnamed data attribute.
fn record(image: &[u8], name: &str) -> (usize, usize) {
    let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let half = |at: usize| usize::from(u16::from_le_bytes([image[at], image[at + 1]]));
    let word = |at: usize| half(at) | half(at + 2) << 16;
    for start in (0..image.len() - 1024).step_by(1024) {
        let is_it =
            image[start..].starts_with(b"FILE") && image[start..start + 1024].windows(units.len()).any(|w| w == units);
        if !is_it {
            continue;
        }
        let mut at = start + half(start + 0x14);
        while word(at) != 0xffff_ffff {
            if word(at) == 0x80 && image[at + 9] == 0 {
                return (start, at);
            }
            at += word(at + 4);
        }
    }
    panic!("{name} has no record");
}

/// A small volume with a file in clusters, one in its record, and one that was deleted.
fn small(scratch: &TempDir) -> Option<(Vec<u8>, Vec<u8>)> {
    let image = made(scratch, 8, &[]);
    let mounted = mount(&image, scratch)?;
    let content = noise(5, 50_000);
    fs::write(mounted.at.join("in-clusters"), &content).expect("a file");
    fs::write(mounted.at.join("in-the-record"), b"resident").expect("a file");
    fs::write(mounted.at.join("was-deleted"), b"the content of a deleted file").expect("a file");
    fs::create_dir(mounted.at.join("folder")).expect("a folder");
    for number in 0..200 {
        fs::write(mounted.at.join(format!("folder/number {number}")), format!("{number}")).expect("a file");
    }
    fs::remove_file(mounted.at.join("was-deleted")).expect("it is deleted");
    drop(mounted);
    Some((fs::read(&image).expect("the image"), content))
}

#[test]
fn what_was_never_written_is_zeros_and_what_cannot_be_read_is_refused() {
    if lacks(&TOOLS) {
        return;
    }
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let Some((image, content)) = small(&scratch) else { return };
    let (_, data) = record(&image, "in-clusters");
    let mut half_written = image.clone();
    half_written[data + 0x38..data + 0x40].copy_from_slice(&10_000_u64.to_le_bytes());
    let mut expected = content.clone();
    expected[10_000..].fill(0);
    let (_, reached) = read_bytes(half_written);
    assert_eq!(reached.digest("/in-clusters"), Digest::of(&expected));
    for (flags, says) in [(0x4000_u16, "EFS"), (0x0002, "compressed by method 2"), (0x0001, "unit of a compressed")] {
        let mut other = image.clone();
        other[data + 12..data + 14].copy_from_slice(&flags.to_le_bytes());
        let (_, reached) = read_bytes(other);
        let content = reached.at("/in-clusters").content.clone();
        let said = content.expect("a file").expect_err("it is refused");
        assert!(said.contains(says), "{flags:#x}: {said}");
    }
}

#[test]
fn a_name_of_a_deleted_file_gives_nothing_and_a_log_that_may_hold_work_is_said() {
    if lacks(&TOOLS) {
        return;
    }
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let Some((image, _)) = small(&scratch) else { return };
    let (journal, reached) = read_bytes(image.clone());
    assert_eq!(journal, Journal::Clean);
    assert!(!reached.items.contains_key(&b"/was-deleted"[..]));
    assert!(image.windows(29).any(|bytes| bytes == b"the content of a deleted file"), "it is still on the disk");
    // A record that is no longer in use, and one that was used anew.
    for (field, value) in [(0x16, 0), (0x10, 77)] {
        let (start, _) = record(&image, "in-the-record");
        let mut other = image.clone();
        other[start + field] = value;
        let (_, reached) = read_bytes(other);
        assert_eq!(reached.at("/in-the-record").kind, EntryKind::Unreadable);
    }
    // The volume's own flag, and a log that is not empty.
    let units: Vec<u8> = "$Volume".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let information = [0x70_u8, 0, 0, 0];
    let volume = image.windows(units.len()).position(|bytes| bytes == units).expect("its record");
    let within = image[volume..].windows(4).position(|bytes| bytes == information).expect("its information");
    let mut dirty = image.clone();
    dirty[volume + within + 0x18 + 10] |= 1;
    assert_eq!(read_bytes(dirty).0, Journal::NotReplayed);
    let log = image.windows(4096).position(|bytes| bytes.iter().all(|byte| *byte == 0xff)).expect("an empty log");
    let mut used = image;
    used[log + 100_000] = 0;
    assert_eq!(read_bytes(used).0, Journal::NotReplayed);
}

#[test]
fn damaged_volumes_end_in_time_and_say_so() {
    if lacks(&TOOLS) {
        return;
    }
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let Some((image, _)) = small(&scratch) else { return };
    let (_, sound) = read_bytes(image.clone());
    let (opened, short, silent) = bare::damage(&image, &sound, 0..50);
    println!("of 50 damaged ones {opened} opened, {short} of them short, {silent} with a lost name");
    assert!(opened > 10 && short > 10 && silent == 0);
    assert!(bare::memory_mib() < 1_024, "{} MiB", bare::memory_mib());
}
