//! Damaged, cut and hostile sources: what can be read is right, the rest is an error, and nothing panics.

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/reach.rs"]
mod reach;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tool.rs"]
mod tool;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/tree.rs"]
mod tree;

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use extract::scope::EntryKind;
use reach::{Reached, open, reach, reach_with, sha256};
use tempfile::TempDir;
use tool::{debugfs, run, text};

const SIZE: &str = "24M";

/// A few files, as a folder and as an image of it.
fn image(scratch: &TempDir, arguments: &[&str]) -> PathBuf {
    let folder = scratch.path().join("tree");
    fs::create_dir_all(folder.join("sub")).expect("a folder");
    for (name, seed, size) in FILES {
        fs::write(folder.join(name), tree::noise(seed, size)).expect("a file");
    }
    let image = scratch.path().join("image.raw");
    run("mke2fs", &[&["-q", "-F", "-d", text(&folder)], arguments, &[text(&image), SIZE]].concat());
    image
}

const FILES: [(&str, u64, usize); 5] =
    [("a", 1, 5), ("b", 2, 900_000), ("c", 3, 3_000_000), ("sub/d", 4, 70_000), ("sub/e", 5, 2_000_000)];

/// No file has content that it had not; how many are right and how many are short.
fn never_wrong(reached: &Reached, what: &str) -> (usize, usize) {
    let (mut right, mut short) = (0, reached.unlisted.len());
    for (path, item) in &reached.items {
        let expected = FILES.iter().find(|(name, ..)| path == format!("/{name}").as_bytes());
        match (&item.content, expected) {
            (Some(Ok((size, digest))), Some((name, seed, length))) => {
                assert_eq!(
                    (*size, *digest),
                    (*length as u64, tree::digest(&tree::noise(*seed, *length))),
                    "{what}: {name}"
                );
                right += 1;
            }
            (Some(Err(_)), Some(_)) => short += 1,
            (None, _) => short += usize::from(item.kind == EntryKind::Unreadable),
            (Some(_), None) => panic!("{what}: a file that is not in the tree"),
        }
    }
    (right, short)
}

fn refused(path: &Path) -> String {
    match open(path) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_file_with_an_unreadable_block_is_an_error_and_nothing_else_is() {
    for arguments in [["-t", "ext2"], ["-t", "ext3"], ["-t", "ext4"]] {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let image = image(&scratch, &arguments);
        debugfs(&image, "sif /c block[5] 999999999");
        let (source, scope) = open(&image).expect("it opens");
        let reached = reach(&source, &scope);
        assert!(matches!(reached.at("/c").content, Some(Err(_))), "{arguments:?}: {:?}", reached.at("/c"));
        assert_eq!(reached.at("/c").size_bytes, 3_000_000);
        assert_eq!(never_wrong(&reached, "unreadable block"), (4, 1), "{arguments:?}");
    }
}

#[test]
fn a_folder_with_an_unreadable_block_is_said() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let image = image(&scratch, &["-t", "ext2"]);
    debugfs(&image, "sif /sub block[0] 999999999");
    let (source, scope) = open(&image).expect("it opens");
    let reached = reach(&source, &scope);
    assert!(reached.unlisted.contains_key(b"/sub".as_slice()), "{:?}", reached.unlisted);
    assert_eq!(never_wrong(&reached, "unreadable folder"), (3, 1));
}

#[test]
fn an_inode_whose_checksum_fails_is_unreadable_and_keeps_its_name() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let image = image(&scratch, &["-t", "ext4"]);
    let said = run("debugfs", &["-R", "imap /b", text(&image)]);
    let word = |after: &str| {
        let rest = said.split(after).nth(1).expect("debugfs says where the inode is");
        rest.split([',', '\n']).next().expect("a number").trim().to_owned()
    };
    let block: u64 = word("located at block ").parse().expect("a block");
    let offset = u64::from_str_radix(word("offset 0x").trim(), 16).expect("an offset");
    let file = fs::OpenOptions::new().write(true).open(&image).expect("the image");
    let block_bytes = if said.contains("Block size") { 4096 } else { block_size(&image) };
    file.write_all_at(&[0xff], block * block_bytes + offset + 0x4).expect("a change of its size");
    let (source, scope) = open(&image).expect("it opens");
    let reached = reach(&source, &scope);
    assert_eq!(reached.at("/b").kind, EntryKind::Unreadable);
    assert_eq!(never_wrong(&reached, "a spoilt inode"), (4, 1));
}

fn block_size(image: &Path) -> u64 {
    let said = run("dumpe2fs", &["-h", text(image)]);
    let line = said.lines().find(|line| line.starts_with("Block size:")).expect("a block size");
    line.rsplit(' ').next().expect("a number").parse().expect("a number")
}

#[test]
fn a_cut_image_gives_what_is_there_and_says_the_rest() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let raw = image(&scratch, &["-t", "ext4"]);
    let formats: [(&str, &[&str]); 3] =
        [("raw", &["-O", "raw"]), ("qcow2", &["-O", "qcow2"]), ("packed", &["-O", "qcow2", "-c"])];
    for (name, options) in formats {
        let whole = scratch.path().join(name);
        run("qemu-img", &[&["convert", "-f", "raw"], options, &[text(&raw), text(&whole)]].concat());
        let bytes = fs::read(&whole).expect("the image");
        let (mut some_short, mut some_right) = (false, false);
        for tenth in 1..10 {
            let cut = scratch.path().join("cut");
            fs::write(&cut, &bytes[..bytes.len() * tenth / 10 + 1]).expect("a cut image");
            let what = format!("{name} cut at {tenth}0 %");
            let Ok((source, scope)) = open(&cut) else {
                some_short = true;
                continue;
            };
            let (right, short) = never_wrong(&reach(&source, &scope), &what);
            println!("{what}: {right} right, {short} short");
            some_short |= short > 0;
            some_right |= right > 0;
        }
        assert!(some_short && some_right, "{name}");
    }
}

#[test]
fn a_qcow2_image_that_this_version_does_not_read_is_refused_by_name() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let raw = image(&scratch, &["-t", "ext2"]);
    let made = |name: &str, options: &[&str]| {
        let path = scratch.path().join(name);
        run("qemu-img", &[&["convert", "-f", "raw", "-O", "qcow2"], options, &[text(&raw), text(&path)]].concat());
        path
    };
    let plain = made("plain", &[]);
    let overlay = scratch.path().join("overlay");
    run("qemu-img", &["create", "-q", "-f", "qcow2", "-b", text(&plain), "-F", "qcow2", text(&overlay)]);
    let data_file = format!("data_file={}", text(&scratch.path().join("data")));
    let vectors = [
        (overlay, "backing file"),
        (made("external", &["-o", &data_file]), "external data file"),
        (patched(&plain, 79, &[2]), "corrupt"),
        (patched(&plain, 72, &[0x80]), "unknown feature"),
        (patched(&plain, 35, &[1]), "encrypted"),
        (patched(&plain, 7, &[4]), "version 4"),
        (patched(&plain, 20, &[0, 0, 0, 63]), "cluster size"),
        (patched(&plain, 36, &[0xff; 4]), "level 1 table"),
        (patched(&plain, 36, &[0; 4]), "level 1 table"),
        (patched(&plain, 40, &[0x70]), "level 1 table"),
        (patched(&plain, 24, &[0x7f]), "level 1 table"),
    ];
    for (image, by) in vectors {
        let said = refused(&image);
        assert!(said.contains(by), "{} must be refused by {by}: {said}", image.display());
        assert!(!said.contains("overlay") && !said.contains("plain"), "no file is named: {said}");
    }
}

/// A copy of an image with some bytes changed.
fn patched(image: &Path, at: usize, bytes: &[u8]) -> PathBuf {
    let mut content = fs::read(image).expect("the image");
    content[at..at + bytes.len()].copy_from_slice(bytes);
    let path = image.with_extension(format!("{at}-{}", bytes[0]));
    fs::write(&path, content).expect("a changed copy");
    path
}

#[test]
fn a_superblock_that_states_too_much_is_refused_before_anything_is_allocated() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let raw = image(&scratch, &["-t", "ext2"]);
    for (at, bytes) in [
        (0x18, vec![30]),
        (0x4, vec![0xff; 4]),
        (0x20, vec![1, 0, 0, 0]),
        (0x20, vec![0; 4]),
        (0x28, vec![0; 4]),
        (0x58, vec![0xff; 2]),
        (0x14, vec![0xff; 4]),
        (0x60, vec![0x02, 0x80]),
        (0x62, vec![0x02]),
    ] {
        let image = patched(&raw, 1024 + at, &bytes);
        println!(
            "{at:#x}: {}",
            match open(&image) {
                Ok((source, scope)) => format!("{:?}", never_wrong(&reach(&source, &scope), "a hostile superblock")),
                Err(error) => error.to_string(),
            }
        );
    }
    assert!(refused(&patched(&raw, 1024 + 0x60, &[0x02, 0x80])).contains("inline data"));
    assert!(refused(&patched(&raw, 1024 + 0x62, &[0x02])).contains("case folding"));
}

#[test]
fn mutated_images_never_panic() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    for (number, arguments) in [["-t", "ext2"], ["-t", "ext3"], ["-t", "ext4"]].into_iter().enumerate() {
        let raw = image(&scratch, &[arguments.as_slice(), &["-O", "^metadata_csum"]].concat());
        let qcow2 = scratch.path().join("image.qcow2");
        run("qemu-img", &["convert", "-f", "raw", "-O", "qcow2", "-c", text(&raw), text(&qcow2)]);
        for (image, reach_bytes) in [(&raw, 200 * 1024), (&qcow2, 400 * 1024)] {
            let bytes = fs::read(image).expect("the image");
            let (mut opened, mut refused) = (0, 0);
            for seed in 0..50 {
                let mut mutant = bytes.clone();
                let chances = tree::noise(seed * 7919 + number as u64 + 1, 30 * 8);
                for chance in chances.as_chunks::<8>().0 {
                    let chance = u64::from_le_bytes(*chance);
                    // Most metadata stands early: half of the changes go to the first kilobytes of the superblock's group.
                    let within = if chance & 1 == 0 { 8 * 1024 } else { reach_bytes.min(mutant.len()) };
                    mutant[(chance >> 16) as usize % within] = (chance >> 8) as u8;
                }
                let path = scratch.path().join("mutant");
                fs::write(&path, mutant).expect("a mutant");
                match open(&path) {
                    Ok((source, scope)) => {
                        // A changed size may be that of a hole of terabytes: its first 256 MiB tell as much.
                        let _ = reach_with(&source, &scope, |stream| sha256(&mut stream.take(256 << 20)));
                        opened += 1;
                    }
                    Err(_) => refused += 1,
                }
            }
            println!("{arguments:?} {}: {opened} opened, {refused} refused", image.display());
        }
    }
}

#[test]
fn a_folder_that_two_names_lead_to_is_listed_once_and_said() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let image = image(&scratch, &["-t", "ext4"]);
    debugfs(&image, "ln / /sub/again");
    debugfs(&image, "ln /sub /also");
    let (source, scope) = open(&image).expect("it opens");
    let reached = reach(&source, &scope);
    assert_eq!(reached.unlisted.len(), 2, "{:?}", reached.unlisted);
    assert!(reached.unlisted.values().all(|why| why.contains("two names")), "{:?}", reached.unlisted);
}

#[test]
fn a_name_for_a_deleted_inode_gives_nothing() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let image = image(&scratch, &["-t", "ext4"]);
    debugfs(&image, "sif /c links_count 0");
    let (source, scope) = open(&image).expect("it opens");
    let reached = reach(&source, &scope);
    assert_eq!(reached.at("/c").kind, EntryKind::Unreadable);
}

#[test]
fn two_entries_of_one_name_in_a_folder_are_damage_and_neither_is_given() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let image = image(&scratch, &["-t", "ext2", "-b", "1024"]);
    let block: usize = debugfs(&image, "blocks /sub").trim().parse().expect("the folder's one block");
    let bytes = fs::read(&image).expect("the image");
    let folder = &bytes[block * 1024..(block + 1) * 1024];
    // Length of the name, type, name.
    let at = folder.windows(3).position(|window| window == b"\x01\x01e").expect("the entry of e");
    let file = fs::File::options().write(true).open(&image).expect("the image");
    file.write_all_at(b"d", (block * 1024 + at + 2) as u64).expect("another name");
    let (source, scope) = open(&image).expect("it opens");
    let reached = reach(&source, &scope);
    assert!(reached.unlisted[b"/sub".as_slice()].contains("two entries of one name"), "{:?}", reached.unlisted);
    assert!(!reached.items.contains_key(b"/sub/d".as_slice()) && reached.items.contains_key(b"/a".as_slice()));
}
