//! What a reader of exFAT can get silently wrong: offsets from UTC, what was never written, chains, deleted files.

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
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bare::{Bytes, lacks};
use extract::digest::Digest;
use extract::journal::Journal;
use extract::scope::{EntryKind, FileTime};
use fused::Fused;
use reach::Reached;
use tempfile::TempDir;
use tool::{run, text};
use tree::noise;

/// The content of each file, by its path.
type Files = BTreeMap<String, Vec<u8>>;

const TOOLS: [&str; 2] = ["mkfs.exfat", "mount.exfat-fuse"];

fn made(scratch: &TempDir, mib: u64, arguments: &[&str]) -> PathBuf {
    let image = scratch.path().join("image");
    fs::File::create(&image).expect("an image").set_len(mib << 20).expect("its length");
    run("mkfs.exfat", &[&["-n", "a label"], arguments, &[text(&image)]].concat());
    image
}

fn mount(image: &Path, scratch: &TempDir) -> Option<Fused> {
    let mounted = Fused::on_device("mount.exfat-fuse", &["-d"], image, &scratch.path().join("mount"));
    mounted.inspect_err(|cannot| cannot.say("a volume filled by a driver in user space")).ok()
}

fn holds(reached: &Reached, files: &Files) {
    assert_eq!(reached.unlisted, BTreeMap::new());
    for (name, content) in files {
        let item = reached.at(&format!("/{name}"));
        let size = content.len() as u64;
        assert_eq!((item.kind, item.size_bytes), (EntryKind::File, size), "{name}");
        assert_eq!(item.content, Some(Ok((size, Digest::of(content)))), "{name}");
    }
    let found = reached.items.values().filter(|item| item.kind != EntryKind::Folder).count();
    assert_eq!(found, files.len(), "nothing else is there");
}

fn put(root: &Path, files: &Files) {
    for (name, content) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, content).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// Files written by turns, some of them deleted. What is left of them.
fn by_turns(root: &Path) -> Files {
    let mut files = BTreeMap::new();
    let names: Vec<String> = (0..8).map(|number| format!("by turns {number}")).collect();
    let mut open: Vec<_> = names.iter().map(|name| fs::File::create(root.join(name)).expect("a file")).collect();
    for piece in 0..30_u64 {
        for (number, file) in open.iter_mut().enumerate() {
            file.write_all(&noise(piece * 16 + number as u64 * 2 + 1, 5_000)).expect("a piece");
        }
    }
    drop(open);
    for (number, name) in names.into_iter().enumerate() {
        if number % 2 == 0 {
            fs::remove_file(root.join(name)).expect("it is deleted");
        } else {
            let content = (0..30).flat_map(|piece| noise(piece * 16 + number as u64 * 2 + 1, 5_000)).collect();
            files.insert(name, content);
        }
    }
    let later = noise(99, 200_000);
    fs::write(root.join("later"), &later).expect("a file");
    files.insert("later".to_owned(), later);
    files
}

#[test]
fn the_tree_comes_out_as_it_was_put_in() {
    if lacks(&TOOLS) {
        return;
    }
    for (arguments, many) in [(&["-c", "4K"][..], 3_000), (&["-c", "512"][..], 200), (&["-c", "128K"][..], 200)] {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let image = made(&scratch, 100, arguments);
        let Some(mounted) = mount(&image, &scratch) else { return };
        let mut files = plain::files(9 * 1024 * 1024 + 17, many);
        files.insert("names/beyond \u{1f600}\u{10348}".to_owned(), b"beyond the first plane".to_vec());
        put(&mounted.at, &files);
        files.extend(by_turns(&mounted.at));
        drop(mounted);
        let filesystem = bare::open_file(&image, None).expect("it opens");
        assert_eq!((filesystem.name(), filesystem.journal()), (Some("exfat"), Journal::None));
        holds(&bare::reach(filesystem.as_ref()), &files);
    }
}

/// Where the set of the file of that name begins: before the entry of its stream, before the one with its name.
fn set_of(image: &[u8], name: &str) -> usize {
    let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let entry = |at: usize| image[at] == 0xc1 && image[at - 64] == 0x85 && image[at + 2..].starts_with(&units);
    (64..image.len() - 64).step_by(32).find(|at| entry(*at)).expect("the set") - 64
}

/// Changes bytes of a set of three entries and makes its checksum hold again.
fn change(image: &mut [u8], set: usize, changes: &[(usize, &[u8])]) {
    for (at, bytes) in changes {
        image[set + at..set + at + bytes.len()].copy_from_slice(bytes);
    }
    let counted = (0..96).filter(|at| !matches!(at, 2 | 3)).map(|at| image[set + at]);
    let sum = counted.fold(0_u16, |sum, byte| sum.rotate_right(1).wrapping_add(u16::from(byte)));
    image[set + 2..set + 4].copy_from_slice(&sum.to_le_bytes());
}

fn small(scratch: &TempDir) -> Option<(Vec<u8>, Files)> {
    let image = made(scratch, 4, &["-c", "4K"]);
    let mounted = mount(&image, scratch)?;
    let mut files = by_turns(&mounted.at);
    files.insert("half".to_owned(), noise(7, 20_000));
    files.insert("folder/inner".to_owned(), b"inner".to_vec());
    files.insert("timed".to_owned(), b"timed".to_vec());
    put(&mounted.at, &files);
    let file = fs::File::open(mounted.at.join("timed")).expect("the file");
    // The driver takes both times or none.
    let time = UNIX_EPOCH + Duration::from_secs(1_719_835_201);
    file.set_times(fs::FileTimes::new().set_accessed(time).set_modified(time)).expect("its times");
    drop(file);
    drop(mounted);
    Some((fs::read(&image).expect("the image"), files))
}

fn read(image: Vec<u8>, zone: Option<&str>) -> Reached {
    bare::reach(bare::open(Arc::new(Bytes(image)), zone).expect("it opens").as_ref())
}

#[test]
fn what_was_never_written_is_zeros_and_a_set_that_does_not_hold_is_an_error() {
    if lacks(&TOOLS) {
        return;
    }
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let Some((image, files)) = small(&scratch) else { return };
    holds(&read(image.clone(), None), &files);
    let set = set_of(&image, "half");
    let mut half = image.clone();
    change(&mut half, set, &[(32 + 8, &9_000_u64.to_le_bytes())]);
    let mut expected = files["half"].clone();
    expected[9_000..].fill(0);
    assert_eq!(read(half, None).digest("/half"), Digest::of(&expected));
    // One bit of a set, and it is not listed but said; the others are.
    let mut bad = image.clone();
    bad[set + 40] ^= 1;
    let reached = read(bad, None);
    assert!(reached.unlisted[&b"/"[..]].contains("checksum") && !reached.items.contains_key(&b"/half"[..]));
    assert_eq!(reached.digest("/later"), Digest::of(&files["later"]));
    // Sets that hold and cannot be: more content than size, clusters outside the volume, clusters that are free.
    for changes in [
        &[(32 + 8, &50_000_u64.to_le_bytes()[..])][..],
        &[(32 + 20, &0xffff_fff0_u32.to_le_bytes()[..])],
        &[(32 + 24, &(1_u64 << 40).to_le_bytes()[..]), (32 + 1, &[3])],
        &[(32 + 20, &1_000_u32.to_le_bytes()[..]), (32 + 1, &[3])],
    ] {
        let mut other = image.clone();
        change(&mut other, set, changes);
        let reached = read(other, None);
        let item = reached.items.get(&b"/half"[..]).and_then(|item| item.content.clone());
        assert!(!matches!(item, Some(Ok(_))), "{changes:?}");
        assert!(item.is_some() || !reached.unlisted.is_empty(), "{changes:?}");
    }
}

#[test]
fn times_are_instants_where_the_offset_is_stated_and_local_where_not() {
    if lacks(&TOOLS) {
        return;
    }
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let Some((image, _)) = small(&scratch) else { return };
    let stated = |image: Vec<u8>, zone| {
        let modified = read(image, zone).at("/timed").times.modified;
        modified.and_then(FileTime::instant).map(|time| time.to_string())
    };
    assert_eq!(stated(image.clone(), Some("UTC")).as_deref(), Some("2024-07-01T12:00:01Z"), "what the driver wrote");
    let set = set_of(&image, "timed");
    for (fine, offset, zone, expected) in [
        (150, 0x80, None, Some("2024-07-01T12:00:01.5Z")),
        (100, 0xe4, None, Some("2024-07-01T19:00:01Z")),
        (0, 0x84, Some("Europe/London"), Some("2024-07-01T11:00:00Z")),
        (0, 0, Some("Europe/London"), Some("2024-07-01T11:00:00Z")),
        (0, 0, None, None),
        (200, 0x80, None, None),
    ] {
        let mut other = image.clone();
        change(&mut other, set, &[(21, &[fine]), (23, &[offset])]);
        assert_eq!(stated(other, zone).as_deref(), expected, "{fine} {offset:#x} {zone:?}");
    }
}

#[test]
fn damaged_volumes_end_in_time_and_say_so() {
    if lacks(&TOOLS) {
        return;
    }
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let Some((image, _)) = small(&scratch) else { return };
    let sound = read(image.clone(), None);
    let (opened, short, silent) = bare::damage(&image, &sound, 0..50);
    println!("of 50 damaged ones {opened} opened, {short} of them short, {silent} with a lost name");
    assert!(opened > 5 && short > 0);
    // A chain that leads back to itself, and a boot region that was changed.
    let set = set_of(&image, "by turns 1");
    let start = u32::from_le_bytes(image[set + 52..set + 56].try_into().expect("four bytes"));
    let table = u32::from_le_bytes(image[0x50..0x54].try_into().expect("four bytes")) as usize * 512;
    let mut looped = image.clone();
    looped[table + 4 * start as usize..][..4].copy_from_slice(&start.to_le_bytes());
    let reached = read(looped, None);
    assert!(matches!(reached.at("/by turns 1").content, Some(Err(_))));
    let mut other = image;
    other[0x60] ^= 1;
    assert!(bare::open(Arc::new(Bytes(other)), None).is_err());
}
