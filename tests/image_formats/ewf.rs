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
