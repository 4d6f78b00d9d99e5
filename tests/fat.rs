//! What a reader of FAT can get silently wrong: names, chains, times, and what is left of deleted files.

#[allow(dead_code, reason = "each test uses its part")]
#[path = "fixture/bare.rs"]
mod bare;
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
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use bare::{Bytes, lacks};
use chrono::{NaiveDateTime, TimeDelta};
use extract::clock::Zone;
use extract::digest::Digest;
use extract::journal::Journal;
use extract::read_error::ReadError;
use extract::scope::{EntryKind, FileTime};
use reach::Reached;
use tool::{run, text};
use tree::noise;

/// The content of each file, by its path.
type Files = BTreeMap<String, Vec<u8>>;

/// A row: its name in the ledger, the size of its image in KiB, and the arguments of mkfs.fat.
const ROWS: [(&str, u64, &[&str]); 6] = [
    ("fat12", 60_000, &["-F", "12", "-s", "32"]),
    ("fat16", 60_000, &["-F", "16", "-s", "4", "-n", "A LABEL"]),
    ("fat16", 60_000, &["-F", "16", "-S", "2048", "-s", "2", "-f", "1"]),
    ("fat32", 60_000, &["-F", "32", "-s", "1"]),
    ("fat32", 400_000, &["-F", "32", "-S", "4096", "-s", "1", "-R", "40", "-n", "A LABEL"]),
    ("fat32", 300_000, &["-F", "32", "-s", "8"]),
];

fn made(scratch: &Path, files: &Files, kib: u64, arguments: &[&str]) -> PathBuf {
    let folder = scratch.join("tree");
    if !folder.exists() {
        for (name, content) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, content).expect("a file");
        }
    }
    let image = scratch.join("image");
    let _ = fs::remove_file(&image);
    run("mkfs.fat", &[&["-C"], arguments, &[text(&image), &kib.to_string()]].concat());
    let mut command = Command::new("mcopy");
    command.args(["-s", "-m", "-Q", "-i", text(&image)]);
    command.args(fs::read_dir(&folder).expect("the tree").flatten().map(|entry| entry.path())).arg("::/");
    command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").env("MTOOLS_SKIP_CHECK", "1");
    let output = command.output().expect("mcopy");
    assert!(output.status.success(), "mcopy: {}", String::from_utf8_lossy(&output.stderr));
    image
}

/// Everything of the tree is there, and nothing else.
fn holds(reached: &Reached, files: &Files, what: &str) {
    assert_eq!(reached.unlisted, BTreeMap::new(), "{what}");
    for (name, content) in files {
        let item = reached.at(&format!("/{name}"));
        let size = content.len() as u64;
        assert_eq!((item.kind, item.size_bytes), (EntryKind::File, size), "{what}: {name}");
        assert_eq!(item.content, Some(Ok((size, Digest::of(content)))), "{what}: {name}");
    }
    let found = reached.items.values().filter(|item| item.kind != EntryKind::Folder).count();
    assert_eq!(found, files.len(), "{what}: nothing else is there");
}

/// The same by the crate that reads FAT.
fn other_reader(image: &[u8]) -> Files {
    let volume = fatfs::FileSystem::new(Cursor::new(image.to_vec()), fatfs::FsOptions::new()).expect("it opens");
    let mut files = BTreeMap::new();
    let mut open = vec![(String::new(), volume.root_dir())];
    while let Some((path, folder)) = open.pop() {
        for entry in folder.iter().map(|entry| entry.expect("an entry")) {
            let name = format!("{path}{}", entry.file_name());
            match entry.file_name().as_str() {
                "." | ".." => {}
                _ if entry.is_dir() => open.push((name + "/", entry.to_dir())),
                _ => {
                    let mut content = Vec::new();
                    entry.to_file().read_to_end(&mut content).expect("its content");
                    files.insert(name, content);
                }
            }
        }
    }
    files
}

#[test]
fn the_tree_comes_out_of_every_kind_as_it_was_put_in() {
    if lacks(&["mkfs.fat", "mcopy"]) {
        return;
    }
    let scratch = tempfile::tempdir().expect("a temporary folder");
    for (number, (name, kib, arguments)) in ROWS.into_iter().enumerate() {
        // The tool that fills them takes long over large folders.
        let mut files = plain::files(9 * 1024 * 1024 + 17, if number == 1 { 3_000 } else { 200 });
        // It takes the accent away from a decomposed letter.
        files.retain(|name, _| !name.contains('\u{301}'));
        let image = made(&scratch.path().join(number.to_string()), &files, kib, arguments);
        let what = format!("{name} {arguments:?}");
        let filesystem = bare::open_file(&image, None).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((filesystem.name(), filesystem.journal()), (Some(name), Journal::None), "{what}");
        let reached = bare::reach(filesystem.as_ref());
        holds(&reached, &files, &what);
        assert_eq!(reached.at("/small.txt").times.modified, None, "no zone, no time");
        if number == 1 {
            // The other reader does not know what a short name means beyond ASCII.
            let other = other_reader(&fs::read(&image).expect("the image"));
            for (name, content) in files.iter().filter(|(name, _)| *name != "names/caf\u{e9}") {
                assert!(other.get(name) == Some(content), "{what}: the other reader: {name}");
            }
            assert_eq!(other.len(), files.len(), "{what}: the other reader");
            compare_with_sleuthkit(&image, &files, scratch.path());
        }
    }
}

/// What sleuthkit recovers of what is not deleted.
fn compare_with_sleuthkit(image: &Path, files: &Files, scratch: &Path) {
    if lacks(&["tsk_recover"]) {
        return;
    }
    let folder = scratch.join("recovered");
    run("tsk_recover", &["-a", text(image), text(&folder)]);
    let found = walkdir::WalkDir::new(&folder).into_iter().flatten().filter(|entry| entry.file_type().is_file());
    let found: Files = found
        .map(|entry| {
            let path = entry.path().strip_prefix(&folder).expect("below it").to_string_lossy().into_owned();
            (path, fs::read(entry.path()).expect("a recovered file"))
        })
        .collect();
    // It does not write signs beyond the first plane, and cuts very long names.
    let plain = |name: &&String| name.len() < 100 && name.chars().all(|sign| sign < '\u{10000}');
    let mut compared = 0;
    for name in files.keys().filter(plain).filter(|name| found.contains_key(*name)) {
        assert!(found[name] == files[name], "{name}");
        compared += 1;
    }
    // Nor does it write empty ones.
    assert!(compared > 2_000, "{compared} of {}", files.len());
}

/// A volume that the crate wrote: files written by turns, some of them deleted.
fn fragmented(kind: fatfs::FatType, bytes: usize) -> (Vec<u8>, Files) {
    let mut disk = Cursor::new(vec![0; bytes]);
    let options = fatfs::FormatVolumeOptions::new().fat_type(kind).bytes_per_cluster(512);
    fatfs::format_volume(&mut disk, options).expect("a volume");
    let mut files = BTreeMap::new();
    {
        let volume = fatfs::FileSystem::new(&mut disk, fatfs::FsOptions::new()).expect("it opens");
        let root = volume.root_dir();
        root.create_dir("folder").expect("a folder");
        let mut names: Vec<String> = (0..12).map(|number| format!("folder/by turns {number}")).collect();
        names[5] = "folder/cafe\u{301} \u{65e5}\u{672c}".to_owned();
        let contents: Vec<Vec<u8>> = (0..12).map(|seed| noise(seed * 2 + 1, 9_000 + seed as usize * 701)).collect();
        let mut open: Vec<_> = names.iter().map(|name| root.create_file(name).expect("a file")).collect();
        for piece in 0..34 {
            for (file, content) in open.iter_mut().zip(&contents) {
                file.write_all(content.get(piece * 500..).map_or(&[], |rest| &rest[..rest.len().min(500)]))
                    .expect("it");
            }
        }
        drop(open);
        for (number, (name, content)) in names.iter().zip(contents).enumerate() {
            if number % 3 == 0 {
                root.remove(name).expect("it is deleted");
            } else {
                files.insert(name.clone(), content);
            }
        }
        // Into what the deleted ones left.
        let content = noise(99, 20_000);
        root.create_file("later").expect("a file").write_all(&content).expect("its content");
        files.insert("later".to_owned(), content);
        drop(root);
        volume.unmount().expect("it is put away");
    }
    (disk.into_inner(), files)
}

#[test]
fn files_in_many_pieces_are_whole_and_deleted_ones_are_not_there() {
    for (kind, bytes) in
        [(fatfs::FatType::Fat12, 1 << 20), (fatfs::FatType::Fat16, 4 << 20), (fatfs::FatType::Fat32, 40 << 20)]
    {
        let (image, files) = fragmented(kind, bytes);
        let deleted = noise(7, 512);
        let still_there = image.windows(64).any(|bytes| bytes == &deleted[..64]);
        assert!(still_there, "{kind:?}: the deleted content is still on the disk");
        let filesystem = bare::open(Arc::new(Bytes(image)), None).expect("it opens");
        holds(&bare::reach(filesystem.as_ref()), &files, &format!("{kind:?}"));
    }
}

/// Where the table of a volume of the crate's stands, and the chain of a file that begins with this content.
fn chain(image: &[u8], content: &[u8]) -> (usize, Vec<u16>) {
    let half = |at: usize| u16::from_le_bytes([image[at], image[at + 1]]);
    let table = usize::from(half(14)) * usize::from(half(11));
    let data =
        table + usize::from(image[16]) * usize::from(half(22)) * usize::from(half(11)) + usize::from(half(17)) * 32;
    let start = image.windows(64).position(|bytes| bytes == &content[..64]).expect("the file's beginning");
    let mut clusters = vec![((start - data) / 512 + 2) as u16];
    while let next @ 2..0xfff0 = half(table + 2 * usize::from(clusters[clusters.len() - 1])) {
        clusters.push(next);
    }
    (table, clusters)
}

#[test]
fn a_chain_that_is_not_sound_is_an_error_and_the_other_files_are_right() {
    let (image, files) = fragmented(fatfs::FatType::Fat16, 4 << 20);
    let (table, own) = chain(&image, &files["folder/by turns 1"]);
    let (_, other) = chain(&image, &files["folder/by turns 2"]);
    assert_eq!(own.len(), 19);
    let free = 6_000;
    // Which cluster's entry is changed to what, what is said of the first file, and whether the second can still be read.
    for (at, to, says, spared) in [
        (own[5], own[2], "more than one file", true),
        (own[5], own[5], "more than one file", true),
        (own[5], own[0], "begins within another", true),
        (own[5], other[7], "more than one file", false),
        (own[5], 0, "free", true),
        (own[5], 1, "outside the volume", true),
        (own[5], 0xfff0, "outside the volume", true),
        (own[5], 0xfff7, "marked as bad", true),
        (own[5], 0xffff, "shorter than its file", true),
        (own[5], free, "free", true),
    ] {
        let mut bad = image.clone();
        let place = table + 2 * usize::from(at);
        bad[place..place + 2].copy_from_slice(&to.to_le_bytes());
        let filesystem = bare::open(Arc::new(Bytes(bad)), None).expect("it opens");
        let reached = bare::reach(filesystem.as_ref());
        for (name, content) in &files {
            let item = reached.at(&format!("/{name}"));
            let is_bad = name == "folder/by turns 1" || (name == "folder/by turns 2" && !spared);
            match &item.content {
                Some(Err(error)) if is_bad => assert!(error.contains(says) || !spared, "{to:#x}: {name}: {error}"),
                said => assert_eq!((said, is_bad), (&Some(Ok((content.len() as u64, Digest::of(content)))), false)),
            }
        }
    }
    // A chain that goes on behind its file's end is exactly the file.
    let mut longer = image.clone();
    let last = table + 2 * usize::from(own[own.len() - 1]);
    longer[last..last + 2].copy_from_slice(&free.to_le_bytes());
    longer[table + 2 * usize::from(free)..][..2].copy_from_slice(&[0xff, 0xff]);
    let filesystem = bare::open(Arc::new(Bytes(longer)), None).expect("it opens");
    holds(&bare::reach(filesystem.as_ref()), &files, "a longer chain");
}

#[test]
fn a_folder_that_leads_back_or_to_no_folder_is_an_error() {
    let mut disk = Cursor::new(vec![0; 4 << 20]);
    let options = fatfs::FormatVolumeOptions::new().fat_type(fatfs::FatType::Fat16).bytes_per_cluster(512);
    fatfs::format_volume(&mut disk, options).expect("a volume");
    {
        let volume = fatfs::FileSystem::new(&mut disk, fatfs::FsOptions::new()).expect("it opens");
        volume.root_dir().create_dir("OUTER").expect("a folder").create_dir("INNER").expect("a folder");
        volume.root_dir().create_file("FILE").expect("a file").write_all(b"no folder").expect("its content");
    }
    let image = disk.into_inner();
    let entry = |name: &[u8; 11]| image.windows(11).position(|bytes| bytes == name).expect("an entry");
    let (outer, inner, file) = (entry(b"OUTER      "), entry(b"INNER      "), entry(b"FILE       "));
    let start = |entry: usize| [image[entry + 26], image[entry + 27]];
    for (to, path) in [(start(outer), "/OUTER/INNER"), (start(inner), ""), (start(file), "/OUTER/INNER")] {
        let mut bad = image.clone();
        bad[inner + 26..inner + 28].copy_from_slice(&to);
        let filesystem = bare::open(Arc::new(Bytes(bad)), None).expect("it opens");
        let reached = bare::reach(filesystem.as_ref());
        assert_eq!(reached.items.len(), 4, "{to:?}");
        assert_eq!(reached.unlisted.keys().map(|path| &path[..]).eq([path.as_bytes()]), !path.is_empty(), "{to:?}");
    }
}

fn civil(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").expect("a date and time")
}

/// A volume with one file, and the values of its created, modified and accessed fields.
fn with_times(fields: [u16; 5], fine: u8) -> Vec<u8> {
    let mut disk = Cursor::new(vec![0; 1 << 20]);
    fatfs::format_volume(&mut disk, fatfs::FormatVolumeOptions::new()).expect("a volume");
    {
        let volume = fatfs::FileSystem::new(&mut disk, fatfs::FsOptions::new()).expect("it opens");
        volume.root_dir().create_file("FILE").expect("a file");
    }
    let mut image = disk.into_inner();
    let at = image.windows(11).position(|bytes| bytes == b"FILE       ").expect("the entry");
    image[at + 13] = fine;
    for (place, field) in [14, 16, 18, 22, 24].into_iter().zip(fields) {
        image[at + place..at + place + 2].copy_from_slice(&u16::to_le_bytes(field));
    }
    image
}

const fn date(year: u16, month: u16, day: u16) -> u16 {
    (year - 1980) << 9 | month << 5 | day
}

const fn hour(hours: u16, minutes: u16, seconds: u16) -> u16 {
    hours << 11 | minutes << 5 | (seconds / 2)
}

#[test]
fn times_are_spans_in_the_order_s_zone_and_none_without_one() {
    let just_under = |milliseconds| TimeDelta::milliseconds(milliseconds) - TimeDelta::nanoseconds(1);
    let span = |zone: Option<&str>, from: &str, milliseconds| {
        FileTime::local(civil(from), just_under(milliseconds), zone.and_then(Zone::named))
    };
    let day = date(2024, 6, 1);
    let rows: [(Option<&str>, [u16; 5], u8); 5] = [
        (Some("Europe/London"), [hour(12, 0, 0), day, day, hour(13, 0, 2), day], 123),
        // The hour that came twice, and the one that never came.
        (
            Some("Europe/London"),
            [hour(1, 30, 0), date(2024, 10, 27), date(2024, 10, 27), hour(1, 30, 0), date(2024, 3, 31)],
            7,
        ),
        (Some("UTC"), [hour(1, 30, 0), date(2024, 10, 27), 0, hour(23, 59, 58), date(2107, 12, 31)], 0),
        (None, [hour(12, 0, 0), day, day, hour(13, 0, 2), day], 0),
        (Some("UTC"), [hour(12, 0, 0), 0, date(2023, 2, 29), hour(24, 0, 0), day], 5),
    ];
    let expected = [
        [
            span(rows[0].0, "2024-06-01 12:00:01.23", 10),
            span(rows[0].0, "2024-06-01 13:00:02", 2_000),
            span(rows[0].0, "2024-06-01 00:00:00", 86_400_000),
        ],
        [span(rows[1].0, "2024-10-27 01:30:00.07", 10), None, span(rows[1].0, "2024-10-27 00:00:00", 86_400_000)],
        [span(rows[2].0, "2024-10-27 01:30:00", 2_000), span(rows[2].0, "2107-12-31 23:59:58", 2_000), None],
        [None; 3],
        [None; 3],
    ];
    for ((zone, fields, fine), expected) in rows.into_iter().zip(expected) {
        let filesystem = bare::open(Arc::new(Bytes(with_times(fields, fine))), zone).expect("it opens");
        let times = bare::reach(filesystem.as_ref()).at("/FILE").times;
        assert_eq!([times.created, times.modified, times.accessed], expected, "{zone:?} {fields:x?}");
        assert_eq!(times.changed, None);
    }
    // The instants that these spans are: London is an hour ahead in June, and in the fold both readings count.
    let stated = |span: Option<FileTime>| span.and_then(FileTime::instant).map(|time| time.to_string());
    assert_eq!(stated(expected[0][0]).as_deref(), Some("2024-06-01T11:00:01.23Z"));
    assert_eq!(stated(expected[0][1]).as_deref(), Some("2024-06-01T12:00:02Z"));
    assert!(expected[0][2].is_some() && stated(expected[0][2]).is_none(), "a day is no instant");
    assert!(expected[1][0].is_some() && stated(expected[1][0]).is_none(), "an hour that came twice is no instant");
}

#[test]
fn a_volume_is_claimed_by_its_fields_and_not_by_a_word() {
    let (image, files) = fragmented(fatfs::FatType::Fat12, 1 << 20);
    let mut plain = image.clone();
    plain[54..62].copy_from_slice(b"        ");
    plain[3..11].copy_from_slice(b"\0\0\0\0\0\0\0\0");
    let filesystem = bare::open(Arc::new(Bytes(plain)), None).expect("it opens");
    holds(&bare::reach(filesystem.as_ref()), &files, "without a word");
    // Any one of these fields wrong, and it is no FAT volume.
    for (at, value) in [(0, 0), (11, 1), (12, 3), (13, 3), (13, 0), (14, 0), (16, 0), (16, 9), (21, 7), (512, 0)] {
        let mut other = image.clone();
        other[at] = value;
        let refused = bare::open(Arc::new(Bytes(other)), None).err();
        assert!(matches!(refused, Some(ReadError::Unsupported { .. })), "byte {at} = {value}: {refused:?}");
    }
    let mut encrypted = image;
    let mark = [0x3b, 0xd6, 0x67, 0x49, 0x29, 0x2e, 0xd8, 0x4a, 0x83, 0x99, 0xf6, 0xa3, 0x39, 0xe3, 0xd0, 0x01];
    encrypted[0x1a8..0x1b8].copy_from_slice(&mark);
    let refused = bare::open(Arc::new(Bytes(encrypted)), None).err();
    assert!(matches!(refused, Some(ReadError::Encrypted { .. })), "{refused:?}");
}

#[test]
fn damaged_volumes_end_in_time_and_say_so() {
    for (kind, bytes) in
        [(fatfs::FatType::Fat12, 1 << 20), (fatfs::FatType::Fat16, 4 << 20), (fatfs::FatType::Fat32, 40 << 20)]
    {
        let (image, _) = fragmented(kind, bytes);
        let filesystem = bare::open(Arc::new(Bytes(image.clone())), None).expect("it opens");
        let sound = bare::reach(filesystem.as_ref());
        let (opened, short, silent) = bare::damage(&image, &sound, 0..50);
        println!("{kind:?}: of 50 damaged ones {opened} opened, {short} of them short, {silent} with a lost name");
        assert!(opened > 20 && short > 10, "{kind:?}");
    }
    assert!(bare::memory_mib() < 1_024, "{} MiB", bare::memory_mib());
}
