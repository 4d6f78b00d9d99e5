//! Images that others made, against hashes that were taken of them with other tools.

use std::fs;
use std::path::Path;

use extract::digest::Digest;
use serde_json::Value;

use super::made::{all, names, open, present, read};
use super::tool::{run, text};

fn corpora() -> Option<&'static Path> {
    let folder = Path::new("../shared/corpora");
    if !folder.is_dir() {
        eprintln!("NOT RUN: ../shared/corpora is not there");
        return None;
    }
    Some(folder)
}

/// Unpacks a stored image into a folder, under its name without the last extension.
fn unpack(stored: &Path, folder: &Path) -> std::path::PathBuf {
    let target = folder.join(stored.file_name().expect("a name"));
    fs::copy(stored, &target).expect("a copy");
    let tool = match stored.extension().and_then(|extension| extension.to_str()) {
        Some("zst") => "zstd",
        Some("bz2") => "bzip2",
        Some("gz") => "gzip",
        Some("xz") => "xz",
        _ => return target,
    };
    run("chmod", &["u+w", text(&target)]);
    run(tool, &["-q", "-d", "-f", text(&target)]);
    target.with_extension("")
}

#[test]
fn every_image_of_the_corpora_gives_the_bytes_that_were_found_by_others() {
    let Some(corpora) = corpora() else { return };
    let truth = fs::read(corpora.join("truth-disk.json")).expect("the truth");
    let truth: Value = serde_json::from_slice(&truth).expect("JSON");
    let mut formats = std::collections::BTreeMap::new();
    for (path, facts) in truth["images"].as_object().expect("images") {
        let (Some(format), Some(sha256)) = (facts["qemu_img"]["format"].as_str(), facts["raw_sha256"].as_str()) else {
            continue;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let scratch = tempfile::tempdir().expect("a folder");
        let image = unpack(&corpora.join(path), folder.path());
        let opened = open(&image, scratch.path()).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut bytes = all(&opened).unwrap_or_else(|error| panic!("{path}: {error}"));
        // QEMU takes a VHD's rounded geometry; the disk may go on behind it, in zeros.
        let size = usize::try_from(facts["raw_bytes"].as_u64().expect("a size")).expect("a size");
        if format == "vpc" {
            assert!(bytes.len() >= size && bytes[size..].iter().all(|byte| *byte == 0), "{path}");
            bytes.truncate(size);
        }
        assert_eq!((bytes.len(), Digest::of(&bytes).to_string().as_str()), (size, sha256), "{path}");
        drop(opened);
        assert_eq!(names(scratch.path()), Vec::<String>::new(), "{path}");
        *formats.entry(format.to_owned()).or_insert(0) += 1;
    }
    for format in ["qcow2", "vmdk", "vpc", "vhdx", "parallels", "dmg"] {
        assert!(formats.contains_key(format), "no {format} among {formats:?}");
    }
}

#[test]
fn segments_and_an_e01_of_the_corpora_give_the_same_disk() {
    let Some(corpora) = corpora() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let image = |name: &str| unpack(&corpora.join("disk/dfvfs").join(name), folder.path());
    let raw = fs::read(image("ext2.raw.zst")).expect("the disk");
    assert!(read(&image("ext2.E01"), folder.path()).expect("an E01") == raw);
    let first = image("ext2.splitraw.000.zst");
    assert!(read(&first, folder.path()).expect("half of it") == raw[..raw.len() / 2], "no more is there");
    let second = image("ext2.splitraw.001.zst");
    assert!(read(&first, folder.path()).expect("both segments") == raw);
    let said = read(&second, folder.path()).map(|_| ()).expect_err("a later one").to_string();
    assert!(said.contains("name its first one"), "{said}");
}

#[test]
fn what_was_not_closed_or_is_no_image_is_refused_by_name() {
    let Some(corpora) = corpora() else { return };
    if !present(&["qemu-nbd"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let scratch = tempfile::tempdir().expect("a folder");
    for (name, words) in [
        ("iotest-dirtylog-10G-4M.vhdx.bz2", "a log that was not replayed"),
        ("afl5.img.bz2", "the stored image ends before this"),
    ] {
        let image = unpack(&corpora.join("disk-container/qemu").join(name), folder.path());
        let said = open(&image, scratch.path()).map(|_| ()).expect_err("it is refused").to_string();
        assert!(said.contains(words), "{name}: {said}");
        assert_eq!(names(scratch.path()), Vec::<String>::new(), "{name}");
    }
}
