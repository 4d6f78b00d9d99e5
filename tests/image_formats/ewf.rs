//! E01 images, against what went into them and what `ewfexport` takes out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::made::{Chance, all, disk, names, open, present, read};
use super::tool::{run, text};

/// Makes `x.E01` and its further segments of a disk.
fn acquire(disk: &Path, folder: &Path, options: &[&str]) -> PathBuf {
    fs::create_dir_all(folder).expect("a folder");
    let target = folder.join("x");
    let mut all = vec!["-u", "-q", "-t", text(&target), "-d", "sha1", "-l", "/dev/null"];
    all.extend_from_slice(options);
    all.push(text(disk));
    run("ewfacquire", &all);
    folder.join("x.E01")
}

/// What `ewfexport` takes out.
fn exported(image: &Path) -> Vec<u8> {
    let target = image.with_extension("out");
    run("ewfexport", &["-u", "-q", "-f", "raw", "-t", text(&target), "-l", "/dev/null", text(image)]);
    let raw = target.with_extension("out.raw");
    let bytes = fs::read(&raw).expect("it was exported");
    for name in names(image.parent().expect("a folder")).iter().filter(|name| name.starts_with("x.out")) {
        fs::remove_file(image.with_file_name(name)).expect("it is there");
    }
    bytes
}

#[test]
fn an_e01_gives_the_disk_and_what_ewfexport_gives() {
    if !present(&["ewfacquire", "ewfexport", "ewfacquirestream"]) {
        return;
    }
    let made = tempfile::tempdir().expect("a folder");
    // The last chunk and the last sector of it are not whole chunks.
    let disk = disk(made.path(), 4 * 1024 * 1024 + 5_120);
    let raw = fs::read(&disk).expect("the disk");
    let rows: [(&str, &[&str], usize); 7] = [
        ("plain", &["-c", "none"], 1),
        ("best", &["-c", "best"], 1),
        ("empty-block", &["-c", "empty-block"], 1),
        ("split", &["-c", "none", "-S", "1048576"], 5),
        ("encase1", &["-c", "fast", "-f", "encase2"], 1),
        ("ftk", &["-c", "fast", "-f", "ftk"], 1),
        ("large-chunks", &["-c", "fast", "-b", "1024"], 1),
    ];
    for (name, options, segments) in rows {
        let folder = made.path().join(name);
        let image = acquire(&disk, &folder, options);
        fs::write(folder.join("x.txt"), "what the tool said").expect("a file");
        let before = names(&folder);
        let opened = open(&image, made.path()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((opened.format, opened.files.len() >= segments), ("ewf", true), "{name}");
        assert_eq!(opened.files.len(), before.len() - 1, "{name}: {before:?}");
        let bytes = all(&opened).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(bytes == raw, "{name}");
        assert!(bytes == exported(&image), "{name}: as ewfexport");
        assert!(opened.bytes.read_at(raw.len() as u64, &mut [0]).is_err(), "{name}: past the end");
        assert_eq!(names(&folder), before, "{name}: nothing was written");
    }
    let target = made.path().join("streamed");
    let mut stream = Command::new("ewfacquirestream")
        .args(["-q", "-t", text(&target), "-l", "/dev/null"])
        .stdin(Stdio::from(fs::File::open(&disk).expect("the disk")))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("ewfacquirestream");
    assert!(stream.wait().expect("it ends").success());
    assert!(read(&target.with_extension("E01"), made.path()).expect("it is read") == raw, "streamed");
}

#[test]
fn a_segment_that_is_missing_or_in_another_ones_place_is_refused() {
    if !present(&["ewfacquire"]) {
        return;
    }
    let made = tempfile::tempdir().expect("a folder");
    let disk = disk(made.path(), 4 * 1024 * 1024);
    let folder = made.path().join("split");
    let image = acquire(&disk, &folder, &["-c", "none", "-S", "1048576"]);
    let refused = |image: &Path| read(image, made.path()).map(|_| ()).expect_err("it is refused").to_string();
    let at = |number: usize| folder.join(format!("x.E{number:02}"));
    let last = names(&folder).len();
    assert!(refused(&at(2)).contains("name its first one"));
    for number in 2..=last {
        let aside = made.path().join("aside");
        fs::rename(at(number), &aside).expect("it is there");
        let said = refused(&image);
        assert!(said.contains(&format!("without its segment {number}")), "{number}: {said}");
        fs::copy(at(1), at(number)).expect("a copy");
        let said = refused(&image);
        assert!(said.contains(&format!("segment {number} is another one")), "{number}: {said}");
        fs::rename(&aside, at(number)).expect("back");
    }
    fs::rename(at(2), made.path().join("aside")).expect("it is there");
    fs::rename(at(3), at(2)).expect("it is there");
    fs::rename(made.path().join("aside"), at(3)).expect("it is there");
    assert!(refused(&image).contains("segment 2 is another one"));
}

#[test]
fn no_changed_byte_of_an_e01_is_ever_believed() {
    if !present(&["ewfacquire"]) {
        return;
    }
    let made = tempfile::tempdir().expect("a folder");
    let disk = disk(made.path(), 3 * 1024 * 1024);
    let raw = fs::read(&disk).expect("the disk");
    let mut chance = Chance(11);
    let mut accepted = 0;
    for (name, options) in [("none", ["-c", "none"]), ("best", ["-c", "best"])] {
        let image = acquire(&disk, &made.path().join(name), &options);
        let whole = fs::read(&image).expect("the image");
        let mutant = made.path().join("mutant.E01");
        for round in 0..120 {
            let mut bytes = whole.clone();
            match round % 4 {
                // Anywhere; in what describes the image; in its end; cut.
                0 => bytes[chance.below(whole.len())] ^= 1 << chance.below(8),
                1 => bytes[chance.below(4_000)] = chance.next() as u8,
                2 => bytes[whole.len() - 1 - chance.below(4_000)] = chance.next() as u8,
                _ => bytes.truncate(chance.below(whole.len())),
            }
            fs::write(&mutant, &bytes).expect("a file");
            if let Ok(read) = read(&mutant, made.path()) {
                assert!(read == raw, "{name}: round {round} gave other bytes");
                accepted += 1;
            }
        }
    }
    assert!((1..120).contains(&accepted), "{accepted} of 240 were read: what describes the case may change");
}

/// A section's descriptor.
fn descriptor(kind: &str, next: u64, size: u64) -> Vec<u8> {
    let mut bytes = kind.as_bytes().to_vec();
    bytes.resize(16, 0);
    bytes.extend(next.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.resize(72, 0);
    summed(bytes)
}

/// Bytes, and their checksum behind them.
fn summed(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = adler2::adler32_slice(&bytes);
    bytes.extend(sum.to_le_bytes());
    bytes
}

/// The image up to its hashes, and with these sections in their place.
fn with_sections(image: &[u8], sections: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let is_hash = |at: &usize| image[*at..].starts_with(b"digest\0") || image[*at..].starts_with(b"hash\0");
    let begin = (0..image.len()).rev().filter(is_hash).min().expect("it stores a hash");
    let mut bytes = image[..begin].to_vec();
    for (kind, data) in sections {
        let size = 76 + data.len() as u64;
        bytes.extend(descriptor(kind, bytes.len() as u64 + size, size));
        bytes.extend(data);
    }
    bytes.extend(descriptor("done", bytes.len() as u64, 76));
    bytes
}

/// A list of sectors that could not be read.
fn read_errors(runs: &[(u32, u32)]) -> Vec<u8> {
    let mut head = (runs.len() as u32).to_le_bytes().to_vec();
    head.resize(516, 0);
    let entries: Vec<u8> =
        runs.iter().flat_map(|(first, count)| [first.to_le_bytes(), count.to_le_bytes()].concat()).collect();
    [summed(head), summed(entries)].concat()
}

#[test]
fn sectors_that_were_never_read_are_errors_and_an_image_without_hashes_rests_on_its_checksums() {
    if !present(&["ewfacquire"]) {
        return;
    }
    let made = tempfile::tempdir().expect("a folder");
    let disk = disk(made.path(), 3 * 1024 * 1024);
    let raw = fs::read(&disk).expect("the disk");
    let whole = fs::read(acquire(&disk, &made.path().join("x"), &["-c", "none"])).expect("the image");
    let image = made.path().join("y.E01");
    fs::write(&image, with_sections(&whole, &[])).expect("a file");
    assert!(read(&image, made.path()).expect("no hash") == raw);
    let mut spoilt = with_sections(&whole, &[]);
    let place = spoilt.windows(64).position(|bytes| *bytes == raw[500_000..500_064]).expect("it is not compressed");
    spoilt[place] ^= 1;
    fs::write(&image, &spoilt).expect("a file");
    assert!(read(&image, made.path()).is_err(), "a changed byte is found by the chunk's checksum");
    let other = [vec![7; 32], vec![0; 0]].concat();
    fs::write(&image, with_sections(&whole, &[("hash", summed(other))])).expect("a file");
    let said = read(&image, made.path()).map(|_| ()).expect_err("another hash").to_string();
    assert!(said.contains("has not the hash that it stores"), "{said}");
    let lost = read_errors(&[(100, 8), (5_000, 1)]);
    fs::write(&image, with_sections(&whole, &[("error2", lost)])).expect("a file");
    let opened = open(&image, made.path()).expect("what was read is there");
    for (offset, length, is_read) in [
        (0, 51_200, true),
        (51_199, 2, false),
        (52_000, 10, false),
        (55_295, 1, false),
        (55_296, 1_000_000, true),
        (2_560_511, 1, false),
        (2_560_512, 100, true),
    ] {
        let mut bytes = vec![0; length];
        let read = opened.bytes.read_at(offset, &mut bytes);
        assert_eq!(read.is_ok(), is_read, "{offset}, {length}: {read:?}");
        let start = usize::try_from(offset).expect("a place");
        assert!(!is_read || bytes == raw[start..start + length], "{offset}");
    }
    let said = opened.bytes.read_at(52_000, &mut [0]).expect_err("it was never read").to_string();
    assert!(said.contains("the disk could not be read here"), "{said}");
}
